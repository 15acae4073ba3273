//! Texts that are almost right, for the tests of whatever reads them. `PROPTEST_CASES=100000` goes on for longer.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Debug, Clone)]
enum Change {
    Put(Index, u8),
    Insert(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    // What a syntax is made of breaks more than other bytes do.
    let byte =
        prop_oneof![any::<u8>(), proptest::sample::select(b"{}[]()\"'\\,:=;#*?/-.%&<> \t\r\n0\0\x1b\xff".to_vec())];
    prop_oneof![
        (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Change::Put(at, byte)),
        (any::<Index>(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        (any::<Index>(), 1_usize..40).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<Index>(), 1_usize..40).prop_map(|(at, length)| Change::Repeat(at, length)),
        any::<Index>().prop_map(Change::Cut),
    ]
}

/// The bytes of `text`, changed in one to five places.
pub fn mutants(text: &[u8]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let text = text.to_vec();
    vec(change(), 1..6).prop_map(move |changes| changes.iter().fold(text.clone(), mutate))
}

/// The same as text; what is no UTF-8 is replaced.
pub fn mutated_text(text: &str) -> impl Strategy<Value = String> + use<> {
    mutants(text.as_bytes()).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn mutate(mut bytes: Vec<u8>, change: &Change) -> Vec<u8> {
    let end = |at: usize, length: usize, bytes: &[u8]| (at + length).min(bytes.len());
    if bytes.is_empty() {
        return bytes;
    }
    match change {
        Change::Put(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Change::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
        Change::Remove(at, length) => {
            let at = at.index(bytes.len());
            bytes.drain(at..end(at, *length, &bytes));
        }
        Change::Repeat(at, length) => {
            let at = at.index(bytes.len());
            let again = bytes[at..end(at, *length, &bytes)].to_vec();
            bytes.splice(at..at, again);
        }
        Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
    }
    bytes
}
