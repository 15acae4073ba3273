//! Frames of `application/vnd.amazon.eventstream`: a prelude with two lengths and a checksum, headers, a payload, a
//! checksum of all of it (Smithy specification, "Amazon Event Stream Specification").

use axum::body::Bytes;
use crc32fast::hash;

/// The type of a header's value: a text.
const TEXT: u8 = 7;

/// One event with a JSON payload.
pub(super) fn event(name: &str, payload: &serde_json::Value) -> Bytes {
    frame(
        &[(":message-type", "event"), (":event-type", name), (":content-type", "application/x-amz-json-1.1")],
        payload.to_string().as_bytes(),
    )
}

/// An error that ends the stream.
pub(super) fn exception(name: &str, message: &str) -> Bytes {
    frame(
        &[(":message-type", "exception"), (":exception-type", name), (":content-type", "application/x-amz-json-1.1")],
        serde_json::json!({ "message": message }).to_string().as_bytes(),
    )
}

fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Bytes {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        head.extend_from_slice(name.as_bytes());
        head.push(TEXT);
        head.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    // Prelude of 12 bytes, and the checksum of 4 at the end.
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let mut frame = Vec::with_capacity(head.len() + payload.len() + 16);
    frame.extend_from_slice(&length(head.len() + payload.len() + 16));
    frame.extend_from_slice(&length(head.len()));
    frame.extend_from_slice(&hash(&frame).to_be_bytes());
    frame.extend_from_slice(&head);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&hash(&frame).to_be_bytes());
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_as_the_specification_s_own_example() {
        // "payload_no_headers" and "payload_one_str_header" of the specification's test vectors.
        let bare = frame(&[], b"{'foo':'bar'}");
        assert_eq!(bare[..12], [0, 0, 0, 0x1d, 0, 0, 0, 0, 0xfd, 0x52, 0x8c, 0x5a]);
        assert_eq!(bare[bare.len() - 4..], [0xc3, 0x65, 0x39, 0x36]);
        let headed = frame(&[("content-type", "application/json")], b"{'foo':'bar'}");
        assert_eq!(headed[..12], [0, 0, 0, 0x3d, 0, 0, 0, 0x20, 0x07, 0xfd, 0x83, 0x96]);
        assert_eq!(headed[headed.len() - 4..], [0x8d, 0x9c, 0x08, 0xb1]);
    }
}
