//! Percent-encoding (RFC 3986) of header values, path segments and query values.

use std::fmt::Write;

/// The text with every byte encoded that is not an unreserved letter.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes all");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn what_is_not_unreserved_is_encoded_byte_by_byte() {
        let cases = [
            ("plain-1._~", "plain-1._~"),
            ("ann@host", "ann%40host"),
            ("a b/c?d&e=f", "a%20b%2Fc%3Fd%26e%3Df"),
            ("grün\n", "gr%C3%BCn%0A"),
            ("100%", "100%25"),
            ("", ""),
        ];
        for (given, expected) in cases {
            assert_eq!(encode(given), expected, "{given:?}");
        }
    }
}
