//! What is drawn, as lines to be read aloud: for the plain console. The same screens are drawn; what they would put on
//! cells is written down in the order in which it is drawn, rows of tables with the names of their columns.

use super::table::{Cell, Column};
use crate::config::theme::Role;
use crate::model::text::printable;
use std::ops::Range;

/// Lines that are being written down.
#[derive(Debug, Default)]
pub struct Script {
    pub lines: Vec<String>,
    /// Which rows of a table are written down.
    pub rows: Range<usize>,
    /// How many rows the last table has.
    pub count: usize,
    /// Where the last line goes on: its row of the screen and the column after it.
    at: Option<(u16, u16)>,
    /// The last line ends with the name of what follows.
    is_label: bool,
}

/// Numbers that stand at the right of signs count what these say.
const COUNTED: [(char, &str); 4] = [('✖', "failed"), ('✔', "succeeded"), ('●', "running"), ('◌', "waiting")];

impl Script {
    pub fn of_rows(rows: Range<usize>) -> Self {
        Self { rows, ..Self::default() }
    }

    /// Ends the line: what follows stands on one of its own.
    pub fn end_line(&mut self) {
        self.at = None;
        self.is_label = false;
    }

    pub fn line(&mut self, text: &str) {
        self.end_line();
        let text = aloud(text);
        if !text.is_empty() {
            self.lines.push(text);
        }
    }

    /// A text that is put at a place of the screen.
    pub fn text(&mut self, (x, y): (u16, u16), wide: u16, text: &str, role: Role) {
        // A step that can be taken.
        let is_step = role == Role::Focus && text.starts_with("   ") && matches!(text.trim(), "▸" | "→" | "·");
        let said = if is_step { "step:".to_owned() } else { aloud(text) };
        let goes_on = self.at.is_some_and(|(row, end)| row == y && x >= end);
        self.at = Some((y, x.saturating_add(wide)));
        if said.is_empty() {
            if !goes_on {
                self.is_label = false;
                self.at = Some((y, x.saturating_add(wide)));
                self.lines.push(String::new());
            }
            return;
        }
        if !goes_on || self.lines.is_empty() {
            self.lines.push(String::new());
            self.is_label = false;
        }
        let Some(line) = self.lines.last_mut() else { return };
        let is_first = line.is_empty();
        if !is_first {
            if self.is_label && !line.ends_with([':', ',']) {
                line.push(':');
            }
            if !said.starts_with([',', ';', '.', ':']) {
                line.push(' ');
            }
        }
        line.push_str(&said);
        // What is padded at the beginning of a line is the name of what follows.
        self.is_label = role == Role::Column || (is_first && text.ends_with("  "));
    }

    /// The rows of a table, with the names of their columns.
    pub fn table(
        &mut self,
        columns: &[Column],
        count: usize,
        selected: Option<usize>,
        mut cells: impl FnMut(usize) -> (bool, Vec<Cell>),
    ) {
        self.end_line();
        self.count = count;
        for at in self.rows.start..self.rows.end.min(count) {
            let (is_marked, cells) = cells(at);
            let mut parts: Vec<String> = columns
                .iter()
                .zip(&cells)
                .filter_map(|(column, (text, _))| {
                    let said = aloud(text);
                    // A sign: the state stands beside it as a word.
                    let is_sign = column.title.is_empty() && text.chars().count() < 3;
                    let is_told = !said.is_empty() && said != "-" && !is_sign;
                    is_told.then(|| format!("{} {said}", whole(column.title)).trim().to_owned())
                })
                .collect();
            parts.extend(is_marked.then(|| "marked".to_owned()));
            parts.extend((selected == Some(at)).then(|| "selected".to_owned()));
            self.lines.push(format!("{}. {}", at + 1, parts.join(", ")));
        }
    }

    /// The lines, without empty ones.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.into_iter().filter(|line| !line.trim().is_empty()).collect()
    }
}

/// The titles of columns that are short for want of room.
fn whole(title: &str) -> &str {
    match title {
        "prio" => "priority",
        "des" => "desired",
        "min" => "minimum",
        "inst" => "instances",
        other => other,
    }
}

/// A text as it is said: without frames, bars and signs, with durations in whole words. A state stands beside its sign as a
/// word; a sign before a number is the only word that there is, and is said.
pub fn aloud(text: &str) -> String {
    let text = printable(text);
    let mut said = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '✖' | '✔' | '●' | '◌' => {
                while letters.next_if_eq(&' ').is_some() {}
                let counts = letters.peek().is_some_and(char::is_ascii_digit);
                let word = COUNTED.iter().find(|(sign, _)| *sign == letter).filter(|_| counts).map(|(_, word)| *word);
                said.push(' ');
                said.push_str(word.unwrap_or_default());
                said.push(' ');
            }
            '▲' => said.push_str(" attention: "),
            '·' => said.push_str(if said.trim_end().is_empty() { " " } else { ", " }),
            '…' => said.push_str("..."),
            '×' => said.push_str(" times "),
            '~' if letters.peek().is_some_and(|next| next.is_ascii_digit() || *next == '$') => said.push_str("about "),
            '◀' => said.push_str(", "),
            '▸' | '›' | '‹' | '→' | '▼' | '↑' | '↓' | '○' | '◆' | '\u{2500}'..='\u{25a0}' => {
                said.push(' ');
            }
            letter => said.push(letter),
        }
    }
    let words: Vec<String> =
        said.split_whitespace().map(|word| duration(word).unwrap_or_else(|| word.to_owned())).collect();
    words.join(" ").replace(" ,", ",").replace(" ...", "...")
}

/// `4m12` as `4 minutes 12 seconds`; what stands behind it (`,`) stays there.
fn duration(word: &str) -> Option<String> {
    let end = word.trim_end_matches([',', ')', ';', '.', ':']);
    let begin = end.trim_start_matches('(');
    let (before, after) = (&end[..end.len() - begin.len()], &word[end.len()..]);
    let at = begin.find(|letter: char| !letter.is_ascii_digit()).filter(|at| (1..=4).contains(at))?;
    let (number, rest) = begin.split_at(at);
    let mut letters = rest.chars();
    let (unit, smaller) = match letters.next()? {
        's' => ("second", ""),
        'm' => ("minute", "second"),
        'h' => ("hour", "minute"),
        'd' => ("day", "hour"),
        _ => return None,
    };
    let more = letters.as_str();
    let digits = if unit == "day" && !more.is_empty() { more.strip_suffix('h')? } else { more };
    if !digits.is_empty() && (smaller.is_empty() || digits.len() != 2 || !digits.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let of = |number: u32, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
    let mut said = of(number.parse().ok()?, unit);
    if let Some(small) = digits.parse().ok().filter(|small| *small > 0) {
        said = format!("{said} {}", of(small, smaller));
    }
    Some(format!("{before}{said}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_said_where_they_are_the_only_word_and_durations_are_whole_words() {
        let cases = [
            ("✖ FAILED for 4m", "FAILED for 4 minutes"),
            ("✖2 1h", "failed 2 1 hour"),
            ("   ✔ 8,112   ● 8", "succeeded 8,112 running 8"),
            ("▲ would fail with them", "attention: would fail with them"),
            ("took 4m12, ended 3d04h ago", "took 4 minutes 12 seconds, ended 3 days 4 hours ago"),
            ("in 23h11", "in 23 hours 11 minutes"),
            ("ETA ~41m", "ETA about 41 minutes"),
            ("~$0.31/h, ~0.1 vCPU, ~/runs", "about $0.31/h, about 0.1 vCPU, ~/runs"),
            ("┌ Jobs ─── 2 of 2 ┐", "Jobs 2 of 2"),
            ("RUNNING · high", "RUNNING, high"),
            ("◌ being read …", "being read..."),
            ("212/512M 2h3 1234567d resize:14 7dx", "212/512M 2h3 1234567d resize:14 7dx"),
            ("\u{1b}[31mred\u{202e}", "red"),
        ];
        for (given, expected) in cases {
            assert_eq!(aloud(given), expected, "{given}");
        }
    }

    #[test]
    fn texts_of_one_row_are_one_line_and_a_label_is_parted_from_what_it_names() {
        let mut script = Script::default();
        script.text((1, 3), 13, "state        ", Role::Column);
        script.text((14, 3), 9, "✖ FAILED", Role::Failed);
        script.text((1, 4), 5, "other", Role::Text);
        // Another pane begins at the left of the same row.
        script.text((0, 4), 5, "third", Role::Text);
        assert_eq!(script.into_lines(), ["state: FAILED", "other", "third"]);
    }
}
