//! When the lines of a stream were written, without reading all of a long one: times only grow in a file, so that the
//! place of each span is found by halving, and of a long span a few pieces are read.

use super::{LogError, Stream, lines};
use crate::model::{Level, LineCount, LinesOverTime, LogPattern, Millis, Traces, text::log_line};
use std::path::Path;

/// So much of a stream is read for it; all of one that is no longer.
const MOST_READ: u64 = 4 * 1_048_576;
/// A span that is too long is read in so many pieces, which lie evenly in it.
const PIECES: u64 = 4;
pub(in crate::daemon) const MOST_SPANS: usize = 1_000;

/// Counts the lines of a stream that a pattern takes, by the time at which they were written. Blocks on the disk.
pub(in crate::daemon) fn over_time(
    logs: &Path,
    stream: &str,
    since: Option<Millis>,
    keep: Option<&LogPattern>,
    spans: usize,
) -> Result<LinesOverTime, LogError> {
    tell(&Stream::open(logs, stream)?, since, keep, spans, MOST_READ)
}

fn tell(
    stream: &Stream<'_>,
    since: Option<Millis>,
    keep: Option<&LogPattern>,
    spans: usize,
    most: u64,
) -> Result<LinesOverTime, LogError> {
    let failed = |cause| stream.failed(cause);
    // What stands before the first line that has a time has none.
    let begin = stream.begin(Some(since.unwrap_or(1).max(1)))?;
    let Some(first) = stream.time_after(begin)? else { return Ok(LinesOverTime::default()) };
    let last = stream.last_time()?.unwrap_or(first).max(first);
    let mut told = LinesOverTime { first, last, ..LinesOverTime::default() };
    let most = (most / spans.max(1) as u64).max(1);
    let is_short = stream.end - begin <= most * spans as u64;
    let mut from = begin;
    for number in 1..=spans {
        let until = if number == spans {
            stream.end
        } else {
            let into = i128::from(last + 1 - first) * number as i128 / spans as i128;
            let time = first + Millis::try_from(into).unwrap_or(Millis::MAX - first);
            lines::seek_between(&stream.file, from, stream.end, time).map_err(failed)?
        };
        let length = until - from;
        told.spans.push(if is_short || length <= most {
            stream.counted(from, until, keep)?.0
        } else {
            told.is_estimate = true;
            stream.reckoned(from, until, keep, most)?
        });
        from = until;
    }
    Ok(told)
}

impl Stream<'_> {
    fn time_after(&self, at: u64) -> Result<Option<Millis>, LogError> {
        let block =
            lines::read_block_after(&self.file, at, self.end, lines::NEAR).map_err(|cause| self.failed(cause))?;
        Ok(lines::split(&block, at).map(|line| line.at).find(|at| *at > 0))
    }

    fn last_time(&self) -> Result<Option<Millis>, LogError> {
        let (begin, block) =
            lines::read_block_before(&self.file, self.end, lines::NEAR).map_err(|cause| self.failed(cause))?;
        Ok(lines::split(&block, begin).map(|line| line.at).filter(|at| *at > 0).last())
    }

    /// The lines that begin between two places, and how many bytes they take.
    fn counted(&self, from: u64, until: u64, keep: Option<&LogPattern>) -> Result<(LineCount, u64), LogError> {
        let (mut at, mut count) = (from, LineCount::default());
        let (mut traces, mut keeps_head) = (Traces::default(), false);
        while at < until {
            let block = lines::read_after(&self.file, at, until).map_err(|cause| self.failed(cause))?;
            for line in lines::split(&block, at) {
                let text = String::from_utf8_lossy(line.message);
                let text = log_line(&text);
                let shape = traces.next(&text);
                let takes = keep.is_none_or(|keep| keep.takes(&text));
                if !shape.continues {
                    keeps_head = takes;
                }
                if takes || shape.continues && keeps_head {
                    count.lines += 1;
                    count.errors += u64::from(shape.level == Some(Level::Error) && !shape.continues);
                }
                at = line.end;
            }
            if block.is_empty() {
                break;
            }
        }
        Ok((count, at - from))
    }

    /// The same of a long stretch, of which so many bytes are read.
    fn reckoned(&self, from: u64, until: u64, keep: Option<&LogPattern>, most: u64) -> Result<LineCount, LogError> {
        let (mut count, mut read) = (LineCount::default(), 0);
        let (step, piece) = ((until - from) / PIECES, (most / PIECES).max(1));
        for number in 0..PIECES {
            let begin = if number == 0 {
                from
            } else {
                lines::line_end(&self.file, from + step * number, self.end).map_err(|cause| self.failed(cause))?
            };
            // A piece ends with a whole line, whatever it takes.
            let block = lines::read_block_after(&self.file, begin, until, piece).map_err(|cause| self.failed(cause))?;
            let (counted, bytes) = self.counted(begin, begin + block.len() as u64, keep)?;
            count.lines += counted.lines;
            count.errors += counted.errors;
            read += bytes;
        }
        let scaled = |counted: u64| {
            let all = u128::from(counted) * u128::from(until - from) / u128::from(read.max(1));
            u64::try_from(all).unwrap_or(counted)
        };
        Ok(LineCount { lines: scaled(count.lines), errors: scaled(count.errors) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use std::fs;

    fn told(text: &str, since: Option<Millis>, keep: &str, spans: usize, most: u64) -> LinesOverTime {
        let logs = tempfile::tempdir().expect("a directory");
        fs::write(logs.path().join("s.log"), text).expect("written");
        let keep = LogPattern::parse(keep).expect("sound");
        tell(&Stream::open(logs.path(), "s").expect("open"), since, keep.as_ref(), spans, most).expect("it is read")
    }

    /// A line a second, and ten times as many from half on; there the last tenth are errors.
    fn log() -> String {
        let mut text = String::new();
        for at in 0..1_000 {
            for _ in 0..if at < 500 { 1 } else { 10 } {
                let word = if at >= 900 { "ERROR it broke" } else { "INFO all is well" };
                let _ = writeln!(text, "{} {word}", 1_000_000 + at * 1_000);
            }
        }
        text
    }

    #[test]
    fn a_short_log_is_counted_line_by_line() {
        let told = told(&log(), None, "", 10, 1 << 20);
        assert_eq!((told.first, told.last, told.is_estimate), (1_000_000, 1_999_000, false));
        let lines: Vec<u64> = told.spans.iter().map(|span| span.lines).collect();
        assert_eq!(lines, [100, 100, 100, 100, 100, 1_000, 1_000, 1_000, 1_000, 1_000]);
        assert_eq!(told.total(), LineCount { lines: 5_500, errors: 1_000 });
    }

    #[test]
    fn of_a_long_log_pieces_are_read_and_the_rest_is_reckoned() {
        let text = log();
        let told = told(&text, None, "", 10, text.len() as u64 / 8);
        assert!(told.is_estimate);
        for (at, span) in told.spans.iter().enumerate() {
            let (lines, errors) = (if at < 5 { 100 } else { 1_000 }, if at == 9 { 1_000 } else { 0 });
            assert!(span.lines.abs_diff(lines) <= lines / 20, "{at}: {span:?}");
            assert!(span.errors.abs_diff(errors) <= errors / 20, "{at}: {span:?}");
        }
    }

    #[test]
    fn what_a_filter_and_a_time_leave_out_is_not_counted() {
        assert_eq!(told(&log(), None, "broke", 4, 1 << 20).total(), LineCount { lines: 1_000, errors: 1_000 });
        let late = told(&log(), Some(1_990_000), "", 4, 1 << 20);
        assert_eq!((late.first, late.total().lines), (1_990_000, 100));
    }

    #[test]
    fn odd_logs_break_nothing() {
        assert_eq!(told("", None, "", 5, 100), LinesOverTime::default());
        assert_eq!(told("no time at all\n", None, "", 5, 100), LinesOverTime::default());
        assert_eq!(told("5 one\n", None, "", 5, 100).total().lines, 1);
        assert_eq!(told("5 one\n6 two\n7 with no end", None, "", 3, 1).total().lines, 2);
        // A trace is one error.
        let trace = "5 ERROR it broke\n5   at here\n5   at there\n6 INFO on\n";
        assert_eq!(told(trace, None, "", 2, 1_000).total().errors, 1);
    }
}
