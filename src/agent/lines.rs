//! Output cut into log events.

use crate::model::Millis;
use std::io::Write as _;

/// The longest message of one event, in bytes; a longer line becomes several.
const LINE_LIMIT: usize = 64 * 1024;

/// Events ready to be written: `<epoch ms> <message>\n` each.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub bytes: Vec<u8>,
    pub events: u64,
}

impl Batch {
    /// Takes the line as it is, without bytes that are no UTF-8.
    pub(super) fn push(&mut self, at: Millis, line: &[u8]) {
        // Writing to a vector cannot fail.
        let _ = write!(self.bytes, "{at} ");
        match std::str::from_utf8(line) {
            Ok(_) => self.bytes.extend_from_slice(line),
            Err(_) => self.bytes.extend_from_slice(String::from_utf8_lossy(line).as_bytes()),
        }
        self.bytes.push(b'\n');
        self.events += 1;
    }
}

/// One stream's output, up to the last newline; what follows it waits for its own.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    pending: Vec<u8>,
}

impl Splitter {
    pub(super) fn feed(&mut self, chunk: &[u8], at: Millis, batch: &mut Batch) {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            if ended && self.pending.is_empty() && text.len() <= LINE_LIMIT {
                batch.push(at, text);
                continue;
            }
            self.pending.extend_from_slice(text);
            while self.pending.len() > LINE_LIMIT {
                let cut = letter_boundary(&self.pending, LINE_LIMIT);
                batch.push(at, &self.pending[..cut]);
                self.pending.drain(..cut);
            }
            if ended {
                batch.push(at, &self.pending);
                self.pending.clear();
            }
        }
    }

    /// The stream is over: what has no newline is a line too.
    pub(super) fn finish(&mut self, at: Millis, batch: &mut Batch) {
        if !self.pending.is_empty() {
            batch.push(at, &self.pending);
            self.pending.clear();
        }
    }
}

/// The last place at or before `limit` where no UTF-8 letter is cut in two.
fn letter_boundary(bytes: &[u8], limit: usize) -> usize {
    let is_inside = |index: usize| bytes.get(index).is_some_and(|byte| byte & 0xC0 == 0x80);
    (limit.saturating_sub(3)..=limit).rev().find(|index| !is_inside(*index)).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<String> {
        let (mut splitter, mut batch) = (Splitter::default(), Batch::default());
        for chunk in chunks {
            splitter.feed(chunk, 5, &mut batch);
        }
        splitter.finish(6, &mut batch);
        let text = String::from_utf8(batch.bytes).expect("events are UTF-8");
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(lines.len() as u64, batch.events);
        lines
    }

    #[test]
    fn output_becomes_one_event_a_line_wherever_its_pieces_were_cut() {
        let table: &[(&[&[u8]], &[&str])] = &[
            (&[], &[]),
            (&[b"one\ntwo\n"], &["5 one", "5 two"]),
            (&[b"o", b"ne", b"\ntw", b"o\n"], &["5 one", "5 two"]),
            (&[b"one\n\ntwo"], &["5 one", "5 ", "6 two"]),
            (&[b"caf\xc3", b"\xa9\n"], &["5 café"]),
            (&[b"bad \xff byte\n"], &["5 bad \u{fffd} byte"]),
        ];
        for (chunks, expect) in table {
            assert_eq!(split(chunks), *expect, "{chunks:?}");
        }
    }

    #[test]
    fn a_line_longer_than_the_limit_becomes_several_events_and_no_letter_is_cut() {
        let table = [
            ("x".repeat(LINE_LIMIT), vec![LINE_LIMIT]),
            ("x".repeat(LINE_LIMIT + 1), vec![LINE_LIMIT, 1]),
            ("x".repeat(LINE_LIMIT * 3), vec![LINE_LIMIT; 3]),
            ("é".repeat(LINE_LIMIT / 2), vec![LINE_LIMIT]),
            (format!("x{}", "é".repeat(LINE_LIMIT / 2)), vec![LINE_LIMIT - 1, 2]),
        ];
        for (line, expect) in table {
            for newline in ["", "\n"] {
                let whole = format!("{line}{newline}");
                let chunks: Vec<&[u8]> = whole.as_bytes().chunks(1000).collect();
                let events = split(&chunks);
                let lengths: Vec<usize> = events.iter().map(|event| event.len() - 2).collect();
                assert_eq!(lengths, expect);
                assert_eq!(events.iter().map(|event| &event[2..]).collect::<String>(), line);
            }
        }
    }
}
