//! A line that is typed, as much of it as there is room for.

use super::{Painter, piece};
use crate::config::theme::Role;
use crate::tui::app::form::Selected;
use crate::tui::format::width;
use ratatui::layout::Rect;
use tui_input::Input;
use unicode_segmentation::UnicodeSegmentation;

/// What of it is seen in so many columns, with the cursor in sight, and in which of them the cursor stands.
pub fn seen(input: &Input, columns: u16) -> (&str, u16) {
    seen_as(input, input.value(), columns)
}

/// The same of a line that stands in place of what was typed, and is as wide.
pub fn seen_as<'a>(input: &Input, line: &'a str, columns: u16) -> (&'a str, u16) {
    // In columns: a letter may take two of them, and several signs may make one letter.
    let hidden = input.visual_scroll(usize::from(columns));
    let mut passed = 0;
    let begin = line.grapheme_indices(true).find(|(_, letter)| {
        let is_seen = passed >= hidden;
        passed += width(letter);
        is_seen
    });
    let shown = begin.map_or("", |(at, _)| &line[at..]);
    let cursor = u16::try_from(input.visual_cursor().saturating_sub(hidden)).unwrap_or(columns);
    (shown, cursor.min(columns))
}

/// Draws what of a line is seen, what stands selected at its end in a role of its own, and puts the cursor into it.
pub fn draw(painter: &mut Painter<'_>, line: Rect, (input, selected): (&Input, Selected), role: Role) {
    let (shown, at) = seen(input, line.width);
    let hidden = input.value().len() - shown.len();
    let (kept, chosen) = shown.split_at(selected.map_or(shown.len(), |from| from.saturating_sub(hidden)));
    let pieces = [piece(kept, role), piece(chosen, Role::Selected)];
    painter.pieces(line.x, line.y, line.width, if chosen.is_empty() { &pieces[..1] } else { &pieces });
    painter.cursor = Some((line.x + at, line.y).into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_line_is_seen_however_wide_its_letters_are() {
        let cases = [
            ("short", "short", 5),
            ("", "", 0),
            ("abcdefghijkl", "cdefghijkl", 10),
            ("東京の夜間バッチ処理", "バッチ処理", 10),
            // A letter that would be seen by half is not.
            ("a東京の夜間バッチ処理", "バッチ処理", 10),
            ("東京の夜間バッチ処理a", "ッチ処理a", 9),
            ("🚀🚀🚀 👩‍👩‍👧‍👦 run", "🚀 👩‍👩‍👧‍👦 run", 9),
        ];
        for (line, shown, cursor) in cases {
            assert_eq!(seen(&Input::new(line.to_owned()), 10), (shown, cursor), "{line}");
        }
    }
}
