//! Rows of the screen that moved as a whole between two frames: the terminal can move them itself, for a few bytes.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// Rows that move by fewer are as well written anew.
const LEAST_ROWS: usize = 3;
/// A move by more leaves little where it was.
const FARTHEST: usize = 40;

/// A region of rows whose content moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// The rows of the region.
    pub rows: Range<usize>,
    /// By so many rows.
    pub by: usize,
    pub is_up: bool,
}

impl Shift {
    /// The one that leaves least to be written, if any is worth it.
    pub fn between(shown: &Buffer, next: &Buffer) -> Option<Self> {
        if shown.area != next.area {
            return None;
        }
        let (before, after) = (hashes(shown), hashes(next));
        let count = before.len();
        let mut best: Option<(usize, Self)> = None;
        for by in 1..=FARTHEST.min(count / 2) {
            for is_up in [true, false] {
                // Where the row that is at `at` in the next frame stands now.
                let source = |at: usize| if is_up { at + by } else { at.wrapping_sub(by) };
                let moved = |at: usize| before.get(source(at)).is_some_and(|row| *row == after[at]);
                let mut at = 0;
                while at < count {
                    let end = (at..count).find(|row| !moved(*row)).unwrap_or(count);
                    let saved = (at..end).filter(|row| before[*row] != after[*row]).count();
                    if saved >= LEAST_ROWS && best.as_ref().is_none_or(|(most, _)| saved > *most) {
                        let rows = if is_up { at..end + by } else { at - by..end };
                        best = Some((saved, Self { rows, by, is_up }));
                    }
                    at = end + 1;
                }
            }
        }
        best.map(|(_, shift)| shift)
    }

    /// Does the same to what is known of the screen. Rows that came free hold what no frame has.
    pub fn apply(&self, shown: &mut Buffer) {
        let width = usize::from(shown.area.width);
        let (from, to) = (self.rows.start * width, self.rows.end * width);
        let (region, by) = (&mut shown.content[from..to], self.by * width);
        let unknown = if self.is_up {
            region.rotate_left(by);
            region.len() - by..region.len()
        } else {
            region.rotate_right(by);
            0..by
        };
        let mut nothing = Cell::new("?");
        nothing.set_style(Style::new().fg(Color::Indexed(255)).bg(Color::Indexed(254)).add_modifier(Modifier::all()));
        region[unknown].fill(nothing);
    }

    /// The bytes that make the terminal do it: the region is set, moved, and given up.
    pub fn bytes(&self) -> String {
        let way = if self.is_up { 'S' } else { 'T' };
        format!("\u{1b}[{};{}r\u{1b}[{}{way}\u{1b}[r", self.rows.start + 1, self.rows.end, self.by)
    }
}

fn hashes(buffer: &Buffer) -> Vec<u64> {
    let hash = |row: &[Cell]| {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        hasher.finish()
    };
    buffer.content.chunks(usize::from(buffer.area.width).max(1)).map(hash).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(rows: &[&str]) -> Buffer {
        Buffer::with_lines(rows.iter().copied())
    }

    fn shift(before: &[&str], after: &[&str]) -> Option<(Range<usize>, usize, bool)> {
        Shift::between(&screen(before), &screen(after)).map(|shift| (shift.rows, shift.by, shift.is_up))
    }

    #[test]
    fn rows_that_moved_together_are_found() {
        let before = ["title", "a", "b", "c", "d", "e", "status"];
        assert_eq!(shift(&before, &["title", "b", "c", "d", "e", "f", "status"]), Some((1..6, 1, true)));
        assert_eq!(shift(&before, &["title", "z", "a", "b", "c", "d", "status"]), Some((1..6, 1, false)));
        assert_eq!(shift(&before, &["title", "c", "d", "e", "f", "g", "status"]), Some((1..6, 2, true)));
        assert_eq!(shift(&before, &before), None, "nothing moved");
        assert_eq!(shift(&before, &["title", "A", "B", "C", "D", "E", "status"]), None, "nothing is the same");
        assert_eq!(shift(&before, &["title", "b", "c", "X", "Y", "Z", "status"]), None, "too few to be worth it");
    }

    #[test]
    fn what_is_known_of_the_screen_moves_likewise_and_what_came_free_is_written_anew() {
        let before = ["title", "a", "b", "c", "d", "e", "status"];
        for after in [
            ["title", "b", "c", "d", "e", "f", "status"],
            ["title", "z", "a", "b", "c", "d", "status"],
            ["title", "d", "e", "x", "", "", "status"],
        ] {
            let (mut shown, next) = (screen(&before), screen(&after));
            let Some(shift) = Shift::between(&shown, &next) else { continue };
            shift.apply(&mut shown);
            let changed: Vec<u16> = shown.diff(&next).iter().map(|(_, y, _)| *y).collect();
            let Range { start, end } = shift.rows;
            let free = if shift.is_up { end - shift.by..end } else { start..start + shift.by };
            assert!(changed.iter().all(|y| free.contains(&usize::from(*y))), "{after:?}: {changed:?}");
            for y in free {
                let width = usize::from(shown.area.width);
                assert_eq!(changed.iter().filter(|row| usize::from(**row) == y).count(), width, "all of row {y}");
            }
        }
    }
}
