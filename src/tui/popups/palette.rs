//! The palette: a line to type in, and what matches.

use super::open;
use crate::config::theme::Role;
use crate::tui::app::App;
use crate::tui::app::command::Command;
use crate::tui::app::palette::{Palette, key_of};
use crate::tui::format::{width, wrap};
use crate::tui::widgets::{Painter, piece, typed};
use ratatui::layout::Rect;

/// Lines of matches that are shown at most.
const SHOWN: usize = 14;

pub fn draw(app: &App, painter: &mut Painter<'_>, body: Rect, palette: &Palette) {
    let inner = open(painter, body, 84, SHOWN + 1, palette.title);
    if inner.height == 0 {
        return;
    }
    let field = Rect { height: 1, ..inner };
    painter.tint(field, Role::InputFocus);
    painter.text(field.x, field.y, 2, ": ", Role::InputFocus);
    let room = field.width.saturating_sub(3);
    let line = Rect { x: field.x + 2, width: room, ..field };
    typed::draw(painter, line, (&palette.input, palette.selected), Role::InputFocus);
    let fits = usize::from(inner.height - 1);
    let top = (palette.at + 1).saturating_sub(fits);
    let items: Vec<_> = palette.items().skip(top).take(fits).collect();
    if let Some(error) = &palette.error {
        for (line, text) in wrap(&format!("✖ {error}"), usize::from(inner.width.saturating_sub(4))).iter().enumerate()
        {
            let y = inner.y + 1 + u16::try_from(line).unwrap_or(0);
            painter.text(inner.x + 2, y, inner.width.saturating_sub(2), text, Role::Failed);
        }
        return;
    }
    if items.is_empty() {
        painter.text(inner.x + 2, inner.y + 1, inner.width.saturating_sub(2), "nothing matches", Role::Dim);
    }
    for (line, item) in items.iter().enumerate() {
        let y = inner.y + 1 + u16::try_from(line).unwrap_or(0);
        let is_chosen = top + line == palette.at;
        let keys = key_of(&app.keymap, app.place_below(), &item.command);
        let takes = match &item.command {
            Command::Action(action) => action.info().takes.sign(),
            _ => "",
        };
        painter.text(inner.x, y, 1, if is_chosen { "▸" } else { " " }, Role::Focus);
        let name = [piece(item.name.as_str(), Role::Text), piece(format!(" {takes}"), Role::Dim)];
        let doc = Rect { x: inner.x + 29, width: inner.width.saturating_sub(38), ..inner };
        let is_long = width(&item.name) > 26;
        let room = if is_long { inner.width.saturating_sub(3) } else { 26 };
        let wide = painter.pieces(inner.x + 2, y, room, &name);
        if is_long {
            // A long line is read as a whole; what is left is its doc's.
            let x = inner.x + 2 + wide + 2;
            painter.text(x, y, inner.right().saturating_sub(x + 1), &item.doc, Role::Dim);
        } else {
            painter.text(doc.x, y, doc.width, &item.doc, Role::Dim);
        }
        if let Some(keys) = keys {
            painter.pieces_right(inner.x, y, inner.width.saturating_sub(1), &[piece(keys, Role::Key)]);
        }
        if is_chosen {
            painter.tint(Rect { y, height: 1, ..inner }, Role::Selected);
        }
    }
}
