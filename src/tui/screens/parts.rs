//! What several screens have: how old what they show is, words where there is nothing, and lines below a list.

use crate::config::theme::Role;
use crate::tui::app::App;
use crate::tui::app::reports::Reading;
use crate::tui::format::{age, wrap};
use crate::tui::widgets::{Painter, Piece};
use ratatui::layout::Rect;

/// ` read 4s ago `
pub fn fresh(app: &App, reading: &Reading) -> String {
    match reading.read_at {
        None if reading.is_asked => " ◌ being read … ".to_owned(),
        None => String::new(),
        Some(at) if app.now - at >= 1_000 => format!(" read {} ago ", age(app.now - at)),
        Some(_) => " read just now ".to_owned(),
    }
}

/// A few words where there are no rows.
pub fn say(painter: &mut Painter<'_>, inner: Rect, text: &str, role: Role) {
    let room = inner.width.saturating_sub(2);
    for (line, y) in wrap(text, usize::from(room)).iter().zip(inner.y..inner.bottom()) {
        painter.text(inner.x + 1, y, room, line, role);
    }
}

/// Lines below a list that ends at `y`, with a rule between; nothing where that is the end of the frame.
pub fn foot<'l>(
    painter: &mut Painter<'_>,
    inner: Rect,
    y: u16,
    lines: impl IntoIterator<Item = &'l Vec<Piece<'static>>>,
) {
    if y >= inner.bottom() {
        return;
    }
    painter.text(inner.x, y, inner.width, &"─".repeat(usize::from(inner.width)), Role::Border);
    for (line, y) in lines.into_iter().zip(y + 1..inner.bottom()) {
        painter.pieces(inner.x + 1, y, inner.width.saturating_sub(2), line);
    }
}
