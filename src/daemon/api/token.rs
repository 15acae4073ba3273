//! Tokens of pages: what a page ended with, in a form that nobody reads anything into.

/// A token says nothing to who holds it.
pub(super) fn seal_token(key: &str) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("half a byte");
    key.bytes().rev().map(|byte| byte ^ 0x5a).flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

pub(super) fn open_token(token: &str) -> Option<String> {
    let pairs = token.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok().map(|byte| byte ^ 0x5a)
    });
    let bytes = pairs.rev().collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok().filter(|key| !key.is_empty())
}
