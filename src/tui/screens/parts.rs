//! What several screens have: how old what they show is, words where there is nothing, lines below a list, and a text that
//! is scrolled.

use crate::config::theme::Role;
use crate::tui::app::reports::Reading;
use crate::tui::app::{App, Scroll};
use crate::tui::format::{age, wrap};
use crate::tui::widgets::{Painter, Piece, piece};
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

/// Lines in a frame, from where they are scrolled to; which of them are seen stands in its upper edge.
pub fn scrolled(
    painter: &mut Painter<'_>,
    area: Rect,
    title: &[Piece<'_>],
    lines: &[Vec<Piece<'_>>],
    scroll: &Scroll,
    has_keys: bool,
) {
    let fits = usize::from(area.height.saturating_sub(2));
    scroll.seen.set((lines.len(), fits));
    let top = scroll.top.min(lines.len().saturating_sub(fits));
    let right = (lines.len() > fits).then(|| {
        let range = format!(" {}-{} of {} ", top + 1, (top + fits).min(lines.len()), lines.len());
        piece(range, Role::Dim)
    });
    let inner = painter.frame(area, title, right.as_slice(), has_keys);
    for (line, y) in lines.iter().skip(top).take(fits).zip(inner.y..) {
        painter.pieces(inner.x + 1, y, inner.width.saturating_sub(2), line);
    }
}
