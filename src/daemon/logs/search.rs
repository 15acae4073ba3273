//! Looking through a stream for lines that a pattern takes, where the lines are: nothing but what was found is sent.

use super::{LogError, Place, Stream, lines};
use crate::model::{LogPattern, Looked, Millis, Way, text::log_line};
use std::path::Path;

/// So much of a stream is looked through at once: short enough that one sees how far it is.
const STRETCH: u64 = 32 * 1_048_576;

/// What to look for.
#[derive(Debug)]
pub(in crate::daemon) struct Look {
    pub pattern: LogPattern,
    /// A hit must be one that this takes as well.
    pub keep: Option<LogPattern>,
    pub way: Way,
    /// End at the first hit.
    pub first: bool,
    /// A token; `None`: the end that lies behind.
    pub from: Option<String>,
    /// Lines before it are not looked at.
    pub since: Option<Millis>,
}

impl Look {
    fn is_hit(&self, line: &lines::Line<'_>) -> bool {
        let text = String::from_utf8_lossy(line.message);
        let text = log_line(&text);
        self.pattern.takes(&text) && self.keep.as_ref().is_none_or(|keep| keep.takes(&text))
    }
}

/// Looks through one stretch. Blocks on the disk.
pub(in crate::daemon) fn look(logs: &Path, stream: &str, look: &Look) -> Result<Looked, LogError> {
    let stream = Stream::open(logs, stream)?;
    let from = look.from.as_ref().map(|token| stream.place(token).map(Place::offset)).transpose()?;
    let failed = |cause| stream.failed(cause);
    let mut told = Looked::default();
    match look.way {
        Way::Forward => {
            let begin = stream.begin(look.since)?;
            let mut at = from.unwrap_or(begin).max(begin);
            let stop = stream.end.min(at.saturating_add(STRETCH));
            while at < stop && told.found.is_none() {
                let block = lines::read_after(&stream.file, at, stream.end).map_err(failed)?;
                for line in lines::split(&block, at) {
                    told.lines += 1;
                    at = line.end;
                    if look.is_hit(&line) {
                        told.hits += 1;
                        if look.first {
                            told.found = Some(format!("f/{}", line.begin));
                            break;
                        }
                    }
                }
                if block.is_empty() {
                    at = stream.end;
                }
            }
            told.is_end = at >= stream.end;
            told.to = format!("f/{at}");
        }
        Way::Back => {
            let begin = stream.begin(look.since)?;
            let mut at = from.unwrap_or(stream.end);
            let stop = begin.max(at.saturating_sub(STRETCH));
            while at > stop && told.found.is_none() {
                let (first, block) = lines::read_before(&stream.file, at).map_err(failed)?;
                let found: Vec<lines::Line<'_>> = lines::split(&block, first).collect();
                for line in found.iter().rev().take_while(|line| line.begin >= begin) {
                    told.lines += 1;
                    at = line.begin;
                    if look.is_hit(line) {
                        told.hits += 1;
                        if look.first {
                            told.found = Some(format!("f/{}", line.begin));
                            break;
                        }
                    }
                }
                if found.first().is_none_or(|first| first.begin < begin) && told.found.is_none() {
                    at = begin;
                }
            }
            told.is_end = at <= begin;
            told.to = format!("b/{at}");
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use std::fs;

    fn look_for(lines: &str, typed: &str, way: Way, from: Option<&str>, first: bool) -> Looked {
        let logs = tempfile::tempdir().expect("a directory");
        fs::write(logs.path().join("s.log"), lines).expect("written");
        let pattern = LogPattern::parse(typed).expect("sound").expect("a pattern");
        let wanted = Look { pattern, keep: None, way, first, from: from.map(str::to_owned), since: None };
        look(logs.path(), "s", &wanted).expect("it is read")
    }

    #[test]
    fn hits_are_counted_or_the_nearest_is_found_either_way() {
        let text = "1 one\n2 two \u{1b}[31mB\u{1b}[0mAD\n3 three\n4 bad\n5 five\n6 ba";
        let at = |part: &str| text.find(part).expect("it is there");
        for way in [Way::Forward, Way::Back] {
            let told = look_for(text, "bad", way, None, false);
            assert_eq!((told.lines, told.hits, told.is_end), (5, 2, true), "{way:?}");
        }
        let second = format!("f/{}", at("4 bad"));
        let cases = [
            (Way::Forward, None, Some(format!("f/{}", at("2 two")))),
            (Way::Forward, Some(format!("f/{}", at("3 three"))), Some(second.clone())),
            (Way::Forward, Some(format!("f/{}", at("5 five"))), None),
            (Way::Back, None, Some(second.clone())),
            (Way::Back, Some(format!("b/{}", at("4 bad"))), Some(format!("f/{}", at("2 two")))),
            (Way::Back, Some(format!("b/{}", at("2 two"))), None),
        ];
        for (way, from, expected) in cases {
            assert_eq!(look_for(text, "bad", way, from.as_deref(), true).found, expected, "{way:?} {from:?}");
        }
    }

    #[test]
    fn a_log_of_millions_of_lines_is_looked_through_in_stretches() {
        let logs = tempfile::tempdir().expect("a directory");
        let lines: u64 = 2_000_000;
        let mut text = String::new();
        for number in 0..lines {
            let word = if number % 500_000 == 250_000 { "odd" } else { "even" };
            let _ = writeln!(text, "{number} frame {number} is {word}");
        }
        fs::write(logs.path().join("s.log"), &text).expect("written");
        for way in [Way::Forward, Way::Back] {
            let (mut from, mut seen, mut stretches) = (None, (0, 0), 0);
            loop {
                let pattern = LogPattern::parse("odd").expect("sound").expect("a pattern");
                let told = look(logs.path(), "s", &Look { pattern, keep: None, way, first: false, from, since: None });
                let told = told.expect("it is read");
                seen = (seen.0 + told.lines, seen.1 + told.hits);
                stretches += 1;
                if told.is_end {
                    break;
                }
                from = Some(told.to);
            }
            assert_eq!(seen, (lines, 4), "{way:?}");
            assert!(stretches >= text.len() as u64 / STRETCH, "{stretches}");
        }
    }
}
