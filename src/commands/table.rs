//! Aligned columns for people, and the short forms of times in them.

use crate::model::{JobStatus, Millis, text::printable};
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How a table is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    pub color: bool,
    /// No line is longer: texts are cut rather than wrapped.
    pub width: Option<usize>,
}

/// On which side a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// A column: its head and its side.
pub type Column = (&'static str, Side);

/// Names stand left, numbers right.
pub const fn left(head: &'static str) -> Column {
    (head, Side::Left)
}

pub const fn right(head: &'static str) -> Column {
    (head, Side::Right)
}

/// A cell's text, made harmless, and its style where there are colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub fn new(text: impl AsRef<str>) -> Self {
        Self { text: printable(text.as_ref()).into_owned(), style: Style::new() }
    }

    /// A number, or a dot where it is none: zeros should not catch the eye.
    pub fn count(count: u64) -> Self {
        if count == 0 { Self::new("·").dim() } else { Self::new(count.to_string()) }
    }

    pub fn optional(text: Option<impl AsRef<str>>) -> Self {
        text.map_or_else(|| Self::new(""), Self::new)
    }

    /// A state by its word first, and its colour second.
    pub fn status(status: JobStatus) -> Self {
        let style = match status {
            JobStatus::Running | JobStatus::Starting => AnsiColor::Cyan.on_default(),
            JobStatus::Succeeded => AnsiColor::Green.on_default(),
            JobStatus::Failed => AnsiColor::Red.on_default().bold(),
            JobStatus::Submitted | JobStatus::Pending | JobStatus::Runnable => AnsiColor::Yellow.on_default(),
        };
        Self::new(status.as_str()).styled(style)
    }

    /// A word that is well, or calls for attention.
    pub fn health(word: &str, well: bool) -> Self {
        if well { Self::new(word) } else { Self::new(word).styled(AnsiColor::Yellow.on_default().bold()) }
    }

    #[must_use]
    pub fn dim(self) -> Self {
        self.styled(Style::new().dimmed())
    }

    #[must_use]
    fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

/// Blanks between two columns.
const GAP: usize = 2;

/// Rows under heads.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row of as many cells as there are columns.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a row has a cell for every column");
        self.rows.push(cells);
    }

    /// Heads and rows, a line each; lines end without spaces. Where there is a width and not all fits, the widest texts
    /// are cut, so that every column stays.
    pub fn render(&self, look: Look) -> String {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = self.rows.iter().map(|row| row[at].text.width());
                cells.chain([self.columns[at].0.width()]).max().unwrap_or(0)
            })
            .collect();
        self.narrow(&mut widths, look.width.unwrap_or(usize::MAX));
        let heads = self.columns.iter().map(|(head, _)| Cell::new(*head).styled(Style::new().bold())).collect();
        let mut text = String::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            self.line(row, &widths, look, &mut text);
        }
        text
    }

    /// Takes from the widest columns of text until a line fits, as far as they can be read.
    fn narrow(&self, widths: &mut [usize], room: usize) {
        const LEAST: usize = 8;
        while widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1) > room {
            let least = |at: usize| self.columns[at].0.width().max(LEAST);
            let texts = (0..widths.len()).filter(|at| self.columns[*at].1 == Side::Left && widths[*at] > least(*at));
            let Some(widest) = texts.max_by_key(|at| widths[*at]) else { return };
            widths[widest] -= 1;
        }
    }

    fn line(&self, row: &[Cell], widths: &[usize], look: Look, text: &mut String) {
        let mut room = look.width.unwrap_or(usize::MAX);
        let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
        for (at, cell) in row.iter().enumerate().take(last + 1) {
            let text_of_cell = cut(&cell.text, widths[at]);
            let padding = widths[at] - text_of_cell.width();
            let (before, after) = match self.columns[at].1 {
                Side::Right => (padding, 0),
                Side::Left if at == last => (0, 0),
                Side::Left => (0, padding),
            };
            let gap = if at == 0 { 0 } else { GAP };
            text.extend(std::iter::repeat_n(' ', (gap + before).min(room)));
            room = room.saturating_sub(gap + before);
            if room == 0 {
                break;
            }
            let shown = cut(&text_of_cell, room);
            room -= shown.width();
            let style = if look.color { cell.style } else { Style::new() };
            let _ = write!(text, "{style}{shown}{style:#}");
            text.extend(std::iter::repeat_n(' ', after.min(room)));
            room = room.saturating_sub(after);
        }
        text.push('\n');
    }
}

/// As much of a text as fits, with `…` where some is left out.
fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = text.chars().take_while(|letter| {
        used += letter.width().unwrap_or(0);
        used <= room
    });
    fits.chain(['…']).collect()
}

/// A length of time in few letters: `42s`, `4m12`, `2h10`, `3d4h`.
pub fn length(millis: Millis) -> String {
    let seconds = millis.max(0) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if minutes == 0 => format!("{seconds}s"),
        () if hours == 0 => format!("{minutes}m{:02}", seconds % 60),
        () if days == 0 => format!("{hours}h{:02}", minutes % 60),
        () => format!("{days}d{}h", hours % 24),
    }
}

/// How long ago, in fewer letters: `42s`, `4m`, `2h10`, `3d`.
pub fn age(since: Millis, now: Millis) -> String {
    let seconds = (now - since).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h{:02}", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A time in UTC, to the second: `2026-11-24 03:12:40Z`.
pub fn moment(at: Millis) -> String {
    chrono::DateTime::from_timestamp_millis(at)
        .map_or_else(String::new, |time| time.format("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// A number of vCPUs without a needless fraction: `2`, `0.25`.
pub fn vcpus(count: f64) -> String {
    let text = format!("{count:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[left("NAME"), right("JOBS"), left("STATUS"), left("REASON")]);
        table.row(vec![Cell::new("high"), Cell::count(12), Cell::status(JobStatus::Running), Cell::new("")]);
        table.row(vec![
            Cell::new("世界"),
            Cell::count(0),
            Cell::status(JobStatus::Failed),
            Cell::new("it \u{1b}[31mbroke\nhere"),
        ]);
        table
    }

    #[test]
    fn columns_line_up_wide_letters_count_and_nothing_reaches_the_terminal() {
        let expected = "NAME  JOBS  STATUS   REASON\n\
                        high    12  RUNNING\n\
                        世界     ·  FAILED   it brokehere\n";
        assert_eq!(table().render(Look::default()), expected);
    }

    #[test]
    fn a_line_longer_than_the_terminal_is_cut_and_not_wrapped() {
        let text = table().render(Look { color: false, width: Some(24) });
        assert!(text.lines().all(|line| line.width() <= 24), "{text}");
        assert!(text.ends_with("世界     ·  FAILED   it…\n"), "{text}");
    }

    #[test]
    fn long_names_give_way_so_that_every_column_stays_and_only_in_a_terminal() {
        let mut table = Table::new(&[left("ID"), left("NAME"), left("DEFINITION"), right("EXIT"), left("REASON")]);
        let long = "a-name-that-goes-on-and-on-and-on-and-on-for-ever";
        let cells = ["3f2a77aa", long, "resize:14", "137", "OutOfMemoryError: killed"];
        table.row(cells.map(Cell::new).to_vec());
        assert!(table.render(Look::default()).contains(long), "nothing is cut in a pipe");
        for width in [60, 80] {
            let text = table.render(Look { color: false, width: Some(width) });
            assert!(text.lines().all(|line| line.width() <= width), "{text}");
            for part in ["3f2a77aa", "a-name-t", "resize:14", "137", "OutOf", "REASON"] {
                assert!(text.contains(part), "{part} at {width}:\n{text}");
            }
        }
    }

    #[test]
    fn colours_are_only_there_when_asked_for() {
        assert!(!table().render(Look::default()).contains('\u{1b}'));
        assert!(table().render(Look { color: true, width: None }).contains("\u{1b}[31mFAILED"));
    }

    #[test]
    fn times_are_short() {
        const SECOND: Millis = 1000;
        let cases = [
            (0, "0s", "0s"),
            (-5 * SECOND, "0s", "0s"),
            (42 * SECOND, "42s", "42s"),
            (252 * SECOND, "4m12", "4m"),
            (7800 * SECOND, "2h10", "2h10"),
            (3 * 86_400 * SECOND + 4 * 3600 * SECOND, "3d4h", "3d"),
        ];
        for (millis, as_length, as_age) in cases {
            assert_eq!((length(millis).as_str(), age(0, millis).as_str()), (as_length, as_age));
        }
    }

    #[test]
    fn vcpus_have_no_needless_fraction() {
        assert_eq!([2.0, 0.25, 1.5, 0.0, 10.0].map(vcpus), ["2", "0.25", "1.5", "0", "10"]);
    }
}
