//! Lines out of a body that arrives in pieces.

use std::collections::VecDeque;

/// What a line may measure at most: a stream that never ends its line must not eat the memory.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// A line of the stream is longer than anything the engine writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a line is longer than {LONGEST_LINE} bytes")]
pub struct TooLong;

/// Collects pieces of bytes and hands out whole lines, without their newline. A piece may end anywhere, also in the
/// middle of a letter. Empty lines are left out.
#[derive(Debug, Default)]
pub struct Lines {
    whole: VecDeque<Vec<u8>>,
    torn: Vec<u8>,
}

impl Lines {
    pub fn push(&mut self, piece: &[u8]) -> Result<(), TooLong> {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.torn.extend_from_slice(&rest[..end]);
            let line = std::mem::take(&mut self.torn);
            if !line.trim_ascii().is_empty() {
                self.whole.push_back(line);
            }
            rest = &rest[end + 1..];
        }
        if self.torn.len() + rest.len() > LONGEST_LINE {
            return Err(TooLong);
        }
        self.torn.extend_from_slice(rest);
        Ok(())
    }

    pub fn next_line(&mut self) -> Option<Vec<u8>> {
        self.whole.pop_front()
    }

    /// Nothing is left, not even the beginning of a line.
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.torn.trim_ascii().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines_of(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        for piece in pieces {
            lines.push(piece).expect("short enough");
        }
        std::iter::from_fn(|| lines.next_line()).map(|line| String::from_utf8(line).expect("utf-8")).collect()
    }

    #[test]
    fn lines_come_out_whole_however_they_were_torn() {
        let cases: &[(&[&[u8]], &[&str])] = &[
            (&[], &[]),
            (&[b"one\n"], &["one"]),
            (&[b"one\ntwo\nthr", b"ee\n"], &["one", "two", "three"]),
            (&[b"a", b"", b"b", b"\n", b"c\n"], &["ab", "c"]),
            (&[b"\n\n x\n \n"], &[" x"]),
            (&["gr\u{fc}".as_bytes(), b"\n"], &["grü"]),
            (&[&"世\n".as_bytes()[..1], &"世\n".as_bytes()[1..2], &"世\n".as_bytes()[2..]], &["世"]),
            (&[b"no end yet"], &[]),
        ];
        for (pieces, expected) in cases {
            assert_eq!(lines_of(pieces), *expected, "{pieces:?}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_eats_the_memory() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; 1024 * 1024];
        let refused_at = (1..=32).find(|_| lines.push(&piece).is_err());
        assert_eq!(refused_at, Some(17));
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_lines(text in "([a-zé世]{1,5}\n){0,8}", cut in 0usize..200) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            prop_assert_eq!(lines_of(&[&bytes[..cut], &bytes[cut..]]), lines_of(&[bytes]));
        }
    }
}
