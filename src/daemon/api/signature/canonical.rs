//! The canonical form of a request, as "Create a signed AWS API request" in the IAM User Guide describes it.

use axum::http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use std::fmt::Write as _;

/// All but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request as it stands on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
}

/// The canonical request over `signed` headers (lower case, in the order in which they are named). `body_hash` is the
/// lower-case hex of the body's SHA-256.
///
/// Bytes, as headers are: of two values that are no text, each has its own form.
pub(super) fn request(sent: Sent<'_>, signed: &[String], body_hash: &str) -> Vec<u8> {
    let (path, query) = (path(sent.path), query(sent.query));
    let mut bytes = format!("{}\n{path}\n{query}\n", sent.method).into_bytes();
    for name in signed {
        let values: Vec<Vec<u8>> = sent.headers.get_all(name).iter().map(|value| folded(value.as_bytes())).collect();
        bytes.extend([name.as_bytes(), b":", &values.join(&b","[..]), b"\n"].concat());
    }
    bytes.extend(format!("\n{}\n{body_hash}", signed.join(";")).into_bytes());
    bytes
}

/// A header's value without blanks at its ends and without runs of them inside.
fn folded(value: &[u8]) -> Vec<u8> {
    let words = value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b" "[..])
}

/// The path as clients sign it: without `.`, `..` and empty segments, and with what is sent encoded once encoded once
/// more. All services but S3 have it so.
fn path(raw: &str) -> String {
    percent_encode(normal_path(raw).as_bytes(), PATH).to_string()
}

const PATH: &AsciiSet = &ENCODED.remove(b'/');

/// The path without `.`, `..` and empty segments; `/` where nothing is left.
pub(in crate::daemon::api) fn normal_path(raw: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let ends = raw.ends_with('/') || raw.ends_with("/.") || raw.ends_with("/..");
    let tail = if ends && !segments.is_empty() { "/" } else { "" };
    format!("/{}{tail}", segments.join("/"))
}

/// The parameters, each name and value encoded strictly, in the order of their bytes, without the signature itself.
pub(super) fn query(raw: &str) -> String {
    let mut parameters: Vec<(String, String)> = parameters(raw)
        .filter(|(name, _)| name != b"X-Amz-Signature")
        .map(|(name, value)| (encoded(&name), encoded(&value)))
        .collect();
    parameters.sort();
    let pairs: Vec<String> = parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// The parameters of a query, decoded. A plus sign is itself.
pub(super) fn parameters(raw: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode_str(name).collect(), percent_decode_str(value).collect())
    })
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, ENCODED).to_string()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A text cannot refuse to be written to.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Lower-case hex digits, two a byte; `None` for anything else.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect())?
}
