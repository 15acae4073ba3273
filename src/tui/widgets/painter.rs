//! Drawing on a buffer, by roles of the theme.

use crate::config::theme::Role;
use crate::model::text::printable;
use crate::tui::format::{count, cut, width};
use crate::tui::spots::{Spot, What};
use crate::tui::theme::Styles;
use crate::tui::widgets::script::Script;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;

/// A buffer and the styles to draw on it with.
#[derive(Debug)]
pub struct Painter<'a> {
    pub buffer: &'a mut Buffer,
    pub styles: &'a Styles,
    /// Where the terminal's cursor stands, when something is typed.
    pub cursor: Option<Position>,
    /// What stands where, what was drawn last behind what it lies on.
    pub spots: Vec<Spot>,
    /// It is written down in words and not drawn.
    pub script: Option<Script>,
}

/// A text in a role.
pub type Piece<'t> = (Cow<'t, str>, Role);

/// A text in a role.
pub fn piece<'t>(text: impl Into<Cow<'t, str>>, role: Role) -> Piece<'t> {
    (text.into(), role)
}

impl<'a> Painter<'a> {
    pub fn new(buffer: &'a mut Buffer, styles: &'a Styles) -> Self {
        Self { buffer, styles, cursor: None, spots: Vec::new(), script: None }
    }

    /// Whether it is told in words: what shows something by its place or its shape alone is left out.
    pub fn is_told(&self) -> bool {
        self.script.is_some()
    }

    /// Notes what stands somewhere.
    pub fn spot(&mut self, area: Rect, what: What) {
        self.spots.push(Spot { area, what });
    }

    /// Puts a role's style on a whole area.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let area = area.intersection(self.buffer.area);
        self.buffer.set_style(area, self.styles.of(role));
    }

    /// Makes what stands in an area stand out, in a role, reversed.
    pub fn emphasise(&mut self, area: Rect, role: Role) {
        let area = area.intersection(self.buffer.area);
        self.buffer.set_style(area, self.styles.of(role).add_modifier(Modifier::REVERSED));
    }

    /// Puts a style on an area as it is: for what a job printed in a colour.
    pub fn patch(&mut self, area: Rect, style: Style) {
        self.buffer.set_style(area.intersection(self.buffer.area), style);
    }

    /// Empties an area.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
            }
        }
        self.buffer.set_style(area, self.styles.of(Role::Text));
    }

    /// Writes foreign text from `x` on, made harmless and cut at `columns`. Returns the columns taken.
    pub fn text(&mut self, x: u16, y: u16, columns: u16, text: &str, role: Role) -> u16 {
        let ground = self.buffer.area;
        if columns == 0 || x >= ground.right() || y >= ground.bottom() || y < ground.top() {
            return 0;
        }
        let columns = columns.min(ground.right() - x);
        if let Some(script) = &mut self.script {
            let wide = u16::try_from(width(&printable(text))).unwrap_or(u16::MAX).min(columns);
            script.text((x, y), wide, text, role);
            return wide;
        }
        let text = cut(text, usize::from(columns));
        // What lay there before leaves its ground, and nothing else.
        let plain = Style::new().remove_modifier(Modifier::all());
        let plain = self.styles.of(Role::Text).fg.map_or(plain, |fg| plain.fg(fg));
        let (end, _) = self.buffer.set_stringn(x, y, text, usize::from(columns), plain.patch(self.styles.of(role)));
        end - x
    }

    /// Lights up letters of a text that stands at `x`, cut at `columns`; `letters` are numbers of its graphemes.
    pub fn light(&mut self, x: u16, y: u16, columns: u16, text: &str, letters: &[usize]) {
        let text = printable(text);
        let is_cut = width(&text) > usize::from(columns);
        let end = x + if is_cut { columns.saturating_sub(1) } else { columns };
        let style = self.styles.of(Role::Match);
        let lit =
            style.fg.map_or(Style::new(), |fg| Style::new().fg(fg)).add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
        let mut at = x;
        for (number, grapheme) in text.graphemes(true).enumerate() {
            let wide = u16::try_from(width(grapheme)).unwrap_or(u16::MAX);
            if at.saturating_add(wide) > end {
                break;
            }
            if letters.binary_search(&number).is_ok() {
                let area = Rect { x: at, y, width: wide, height: 1 }.intersection(self.buffer.area);
                self.buffer.set_style(area, lit);
            }
            at += wide;
        }
    }

    /// Writes pieces one after the other, and returns the columns taken.
    pub fn pieces(&mut self, x: u16, y: u16, columns: u16, pieces: &[Piece<'_>]) -> u16 {
        let mut taken = 0;
        for (text, role) in pieces {
            taken += self.text(x + taken, y, columns.saturating_sub(taken), text, *role);
        }
        taken
    }

    /// Writes pieces so that they end at the right edge of `columns`.
    pub fn pieces_right(&mut self, x: u16, y: u16, columns: u16, pieces: &[Piece<'_>]) -> u16 {
        let all = pieces_width(pieces).min(columns);
        self.pieces(x + columns - all, y, all, pieces)
    }

    /// How many lines are above and below those that are shown inside a frame, in its lower edge: ` ↑2 ↓14 `.
    pub fn hidden(&mut self, inside: Rect, above: usize, below: usize) {
        let parts = [("↑", above), ("↓", below)].into_iter().filter(|(_, lines)| *lines > 0);
        let text: Vec<String> = parts.map(|(sign, lines)| format!("{sign}{}", count(lines as u64))).collect();
        if !text.is_empty() {
            let pieces = [piece(format!(" {} ", text.join(" ")), Role::Dim)];
            self.pieces_right(inside.x, inside.bottom(), inside.width.saturating_sub(1), &pieces);
        }
    }

    /// Draws a frame with a title, and something at the right of its upper edge where there is room. Returns the inside.
    pub fn frame(&mut self, area: Rect, title: &[Piece<'_>], right: &[Piece<'_>], has_keys: bool) -> Rect {
        let area = area.intersection(self.buffer.area);
        if area.width < 2 || area.height < 2 {
            return Rect { width: 0, height: 0, ..area };
        }
        let inside = Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 };
        if let Some(script) = &mut self.script {
            let all: Vec<&str> = title.iter().chain(right).map(|(text, _)| text.as_ref()).collect();
            // The number of a pane is its key.
            let all = all.join(" ");
            script.line(all.trim_start_matches(|letter: char| letter.is_ascii_digit()));
            return inside;
        }
        let role = if has_keys { Role::Focus } else { Role::Border };
        let style = self.styles.of(role);
        let (left, top, last_x, last_y) = (area.left(), area.top(), area.right() - 1, area.bottom() - 1);
        for x in left..=last_x {
            for y in [top, last_y] {
                self.buffer[(x, y)].set_symbol("─").set_style(style);
            }
        }
        for y in top..=last_y {
            for x in [left, last_x] {
                self.buffer[(x, y)].set_symbol("│").set_style(style);
            }
        }
        for (x, y, corner) in [(left, top, "┌"), (last_x, top, "┐"), (left, last_y, "└"), (last_x, last_y, "┘")]
        {
            self.buffer[(x, y)].set_symbol(corner).set_style(style);
        }
        let room = area.width.saturating_sub(2);
        let taken = self.pieces(left + 1, top, room, title);
        let wanted = pieces_width(right);
        if wanted > 0 && taken + wanted + 2 <= room {
            self.pieces_right(left + 1, top, room.saturating_sub(1), right);
        }
        inside
    }
}

/// Columns that pieces take.
pub fn pieces_width(pieces: &[Piece<'_>]) -> u16 {
    u16::try_from(pieces.iter().map(|(text, _)| width(text)).sum::<usize>()).unwrap_or(u16::MAX)
}
