//! What lies on top of a screen: forms, the palette, help, a text.

mod form;
mod help;
mod palette;
mod preview;

use super::app::{App, Popup};
use super::widgets::{Painter, piece};
use crate::config::theme::Role;
use crate::tui::format::wrap;
use ratatui::layout::Rect;

/// Draws everything that lies on the body.
pub fn draw(app: &App, painter: &mut Painter<'_>, body: Rect) {
    for popup in &app.popups {
        match popup {
            Popup::Form(form) => form::draw(app, painter, body, form),
            Popup::Palette(palette) => palette::draw(app, painter, body, palette),
            Popup::Help { place, scroll } => help::draw(app, painter, body, *place, scroll),
            Popup::Text { title, lines, scroll } => {
                let room = usize::from(body.width.saturating_sub(4)).min(100);
                let lines: Vec<String> = lines.iter().flat_map(|line| wrap(line, room)).collect();
                let inner = open(painter, body, 104, lines.len(), title);
                let fits = usize::from(inner.height);
                scroll.seen.set((lines.len(), fits));
                let top = scroll.top.min(lines.len().saturating_sub(fits));
                for (at, line) in lines.iter().skip(top).take(fits).enumerate() {
                    let y = inner.y + u16::try_from(at).unwrap_or(0);
                    painter.text(inner.x + 1, y, inner.width.saturating_sub(2), line, Role::Text);
                }
            }
            // It is typed in the line of status.
            Popup::Filter(_) | Popup::Prompt(_) => {}
        }
    }
}

/// Makes room in the middle of the body for so many lines, framed. Returns the inside.
fn open(painter: &mut Painter<'_>, body: Rect, columns: u16, lines: usize, title: &str) -> Rect {
    let width = columns.min(body.width);
    let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2).min(body.height);
    let x = body.x + (body.width - width) / 2;
    let y = body.y + (body.height - height) / 2;
    let area = Rect { x, y, width, height };
    painter.clear(area);
    painter.frame(area, &[piece(format!(" {title} "), Role::Focus)], &[], true)
}
