//! How numbers, ages and foreign text are written.

use crate::model::{Millis, text::printable};
use chrono::{DateTime, Local, Offset, TimeZone, Utc};
use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

const SECOND: Millis = 1000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;

/// In which zone times of day are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// This machine's zone.
    Local,
    Utc,
}

impl Clock {
    fn write(self, at: Millis, form: &str) -> String {
        match self {
            Self::Utc => Utc.timestamp_millis_opt(at).single().map(|time: DateTime<Utc>| time.format(form).to_string()),
            Self::Local => Local.timestamp_millis_opt(at).single().map(|time| time.format(form).to_string()),
        }
        .unwrap_or_default()
    }

    /// `03:12:40`.
    pub fn time(self, at: Millis) -> String {
        self.write(at, "%H:%M:%S")
    }

    /// `2026-11-24 03:12:40`.
    pub fn date_time(self, at: Millis) -> String {
        self.write(at, "%Y-%m-%d %H:%M:%S")
    }

    /// `03:12` of the last day, `24 Nov` of earlier ones.
    pub fn short(self, at: Millis, now: Millis) -> String {
        self.write(at, if now - at < DAY { "%H:%M" } else { "%d %b" })
    }

    /// `20261124-0312`, for names of files.
    pub fn compact(self, at: Millis) -> String {
        self.write(at, "%Y%m%d-%H%M")
    }

    /// `Tue 24 Nov 03:12`.
    pub fn day(self, at: Millis) -> String {
        self.write(at, "%a %d %b %H:%M")
    }
}

impl Clock {
    /// The same moment by this clock for one who has read it at another offset from UTC (in seconds): `01:30 UTC`,
    /// `Tue 20:30 -05:00 here`. Where the two clocks agree it is UTC; nothing where that agrees too.
    pub fn beside(self, at: Millis, offset: i32) -> Option<String> {
        let utc = Utc.timestamp_millis_opt(at).single()?;
        let own = match self {
            Self::Utc => 0,
            Self::Local => Local.timestamp_millis_opt(at).single()?.offset().fix().local_minus_utc(),
        };
        let shown = if own == offset { 0 } else { own };
        if shown == offset {
            return None;
        }
        let wall = |offset: i32| utc.naive_utc() + chrono::TimeDelta::seconds(i64::from(offset));
        let day = if wall(shown).date() == wall(offset).date() { "" } else { "%a " };
        let time = wall(shown).format(&format!("{day}%H:%M")).to_string();
        Some(if shown == 0 {
            format!("{time} UTC")
        } else {
            let sign = if shown < 0 { '-' } else { '+' };
            let minutes = shown.abs() / 60;
            format!("{time} {sign}{:02}:{:02} here", minutes / 60, minutes % 60)
        })
    }
}

/// A coarse age: `12s`, `4m`, `2h10`, `3d`.
pub fn age(span: Millis) -> String {
    match span.max(0) {
        span if span < MINUTE => format!("{}s", span / SECOND),
        span if span < HOUR => format!("{}m", span / MINUTE),
        span if span < DAY => format!("{}h{:02}", span / HOUR, span % HOUR / MINUTE),
        span => format!("{}d", span / DAY),
    }
}

/// A duration that is looked at as it runs: `12s`, `4m12`, `2h10`, `3d04h`.
pub fn span(span: Millis) -> String {
    match span.max(0) {
        span if span < MINUTE => format!("{}s", span / SECOND),
        span if span < HOUR => format!("{}m{:02}", span / MINUTE, span % MINUTE / SECOND),
        span if span < DAY => format!("{}h{:02}", span / HOUR, span % HOUR / MINUTE),
        span => format!("{}d{:02}h", span / DAY, span % DAY / HOUR),
    }
}

/// `in 23h11`, `now`, `4m ago`.
pub fn relative(at: Millis, now: Millis) -> String {
    match at - now {
        difference if difference >= SECOND => format!("in {}", age(difference)),
        difference if difference <= -SECOND => format!("{} ago", age(-difference)),
        _ => "now".to_owned(),
    }
}

/// `in 4m`, `in 22h17`, `in 1d22h`: as [`relative`], and finer where it is far ahead.
pub fn until(at: Millis, now: Millis) -> String {
    if at - now < HOUR { relative(at, now) } else { format!("in {}", span(at - now)) }
}

/// `12`, `1,204`, `1,000,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// vCPUs: `4`, `0.25`.
pub fn vcpus(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `212M`, `1.9G`, `64G`.
pub fn memory(mib: f64) -> String {
    if mib < 1000.0 {
        format!("{mib:.0}M")
    } else if mib < 10_240.0 {
        format!("{:.1}G", mib / 1024.0)
    } else {
        format!("{:.0}G", mib / 1024.0)
    }
}

/// Used of all, in the unit of all: `212/512M`, `1.9/4.0G`.
pub fn memory_of(used: f64, all: f64) -> String {
    let whole = memory(all);
    if all < 1000.0 {
        format!("{used:.0}/{whole}")
    } else if all < 10_240.0 {
        format!("{:.1}/{whole}", used / 1024.0)
    } else {
        format!("{:.0}/{whole}", used / 1024.0)
    }
}

/// Columns that a text takes on the screen.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text made harmless, cut with `…` where it is wider than `columns`.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    let text = printable(text);
    if width(&text) <= columns {
        return text;
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut kept = String::new();
    let mut taken = 0;
    for grapheme in text.graphemes(true) {
        let wide = width(grapheme);
        if taken + wide > columns - 1 {
            break;
        }
        kept.push_str(grapheme);
        taken += wide;
    }
    kept.push('…');
    Cow::Owned(kept)
}

/// [`cut`], then filled with spaces to exactly `columns`.
pub fn fit(text: &str, columns: usize) -> String {
    let cut = cut(text, columns);
    let rest = columns.saturating_sub(width(&cut));
    format!("{cut}{:rest$}", "")
}

/// As [`fit`], at the right edge.
pub fn fit_right(text: &str, columns: usize) -> String {
    let cut = cut(text, columns);
    let rest = columns.saturating_sub(width(&cut));
    format!("{:rest$}{cut}", "")
}

/// The lines that a text takes when it is wrapped at `columns`, between words where that can be. Blanks at the ends of
/// lines are left out.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let text = printable(text);
    wrapped(&text, columns).into_iter().map(|range| text[range].to_owned()).collect()
}

/// The same of a text that is harmless already: where each line stands in it.
pub fn wrapped(text: &str, columns: usize) -> Vec<Range<usize>> {
    let columns = columns.max(1);
    let mut lines: Vec<Range<usize>> = Vec::new();
    let (mut start, mut taken, mut at) = (0, 0, 0);
    let mut end_line = |start: &mut usize, end: usize| {
        lines.push(*start..*start + text[*start..end].trim_end().len());
        *start = end;
    };
    for word in text.split_inclusive(' ') {
        // The blank after a word may hang over the edge.
        let wide = width(word.trim_end());
        if taken + wide > columns && taken > 0 {
            end_line(&mut start, at);
            taken = 0;
        }
        if wide <= columns {
            taken += width(word);
        } else {
            for (offset, grapheme) in word.grapheme_indices(true) {
                let wide = width(grapheme);
                if taken + wide > columns && taken > 0 {
                    end_line(&mut start, at + offset);
                    taken = 0;
                }
                taken += wide;
            }
        }
        at += word.len();
    }
    end_line(&mut start, text.len());
    if lines.len() > 1 && lines.last().is_some_and(Range::is_empty) {
        lines.pop();
    }
    lines
}

/// Where a file is, its name first: `a.log in /home/ada`.
pub fn file_in(path: &Path) -> String {
    match (path.file_name(), path.parent()) {
        (Some(name), Some(directory)) => format!("{} in {}", name.display(), directory.display()),
        _ => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_durations_are_short() {
        let cases = [
            (-5, "0s", "0s"),
            (12 * SECOND, "12s", "12s"),
            (4 * MINUTE + 12 * SECOND, "4m", "4m12"),
            (2 * HOUR + 10 * MINUTE, "2h10", "2h10"),
            (3 * DAY + 4 * HOUR, "3d", "3d04h"),
        ];
        for (given, as_age, as_span) in cases {
            assert_eq!((age(given).as_str(), span(given).as_str()), (as_age, as_span));
        }
        assert_eq!(relative(HOUR, 0), "in 1h00");
        assert_eq!(relative(0, HOUR), "1h00 ago");
        assert_eq!(relative(10, 0), "now");
        assert_eq!([until(46 * HOUR, 0), until(5 * MINUTE, 0)], ["in 1d22h", "in 5m"]);
    }

    #[test]
    fn a_moment_is_told_by_a_second_clock() {
        let at = DateTime::parse_from_rfc3339("2026-11-25T01:30:00Z").expect("a time").timestamp_millis();
        let cases = [(3600, Some("01:30 UTC")), (0, None), (-5 * 3600, Some("Wed 01:30 UTC"))];
        for (offset, expected) in cases {
            assert_eq!(Clock::Utc.beside(at, offset).as_deref(), expected, "{offset}");
        }
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!([count(7), count(1204), count(1_000_000)], ["7", "1,204", "1,000,000"]);
        assert_eq!([vcpus(4.0), vcpus(0.25), vcpus(1.5)], ["4", "0.25", "1.5"]);
        assert_eq!([memory(512.0), memory(1536.0), memory(65_536.0)], ["512M", "1.5G", "64G"]);
        assert_eq!([memory_of(212.0, 512.0), memory_of(1945.6, 4096.0)], ["212/512M", "1.9/4.0G"]);
    }

    #[test]
    fn wide_letters_never_break_a_column() {
        assert_eq!(cut("世界世界", 5), "世界…");
        assert_eq!(fit("世界世界", 4), "世…  ".trim_end().to_owned() + " ");
        assert_eq!(width(&fit("世界世界", 4)), 4);
        assert_eq!(fit_right("7", 3), "  7");
        assert_eq!(cut("\u{1b}[31mred", 3), "red");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn long_lines_wrap_between_words_or_within_one() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("世界", 1).len(), 2);
    }
}
