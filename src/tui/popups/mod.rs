//! What lies on top of a screen: forms, the palette, help, a text.

mod form;
mod help;
mod palette;
mod preview;

use super::app::form::{Form, Purpose};
use super::app::{App, Popup};
use super::widgets::script::Script;
use super::widgets::{Painter, Piece, piece};
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
                painter.hidden(inner, top, lines.len().saturating_sub(top + fits));
            }
            // It is typed in the line of status.
            Popup::Filter(_) | Popup::Prompt(_) => {}
        }
    }
}

/// What a form is about and what it tells, in words.
pub fn about(app: &App, form: &Form) -> Vec<String> {
    let lines = [preview::above(app, form, TOLD), preview::below(app, form, TOLD)].concat();
    written_down(&lines)
}

/// What a form would do as it is now: what it tells, the same by hand, and the calls.
pub fn consequences(app: &App, form: &Form) -> Vec<String> {
    let mut lines = about(app, form);
    let mut add = |label: &str, texts: Vec<String>| {
        lines.extend(texts.into_iter().filter(|text| !text.is_empty()).map(|text| format!("{label}: {text}")));
    };
    add(if matches!(form.purpose, Purpose::Command(_)) { "Runs" } else { "Same by hand" }, app.by_hand(form));
    add("Or", app.by_aws(form));
    add("Calls", vec![app.calls_in_words(form)]);
    lines
}

/// So many columns that nothing is wrapped that a person reads in words.
const TOLD: usize = 1_000;

fn written_down(lines: &[Vec<Piece<'_>>]) -> Vec<String> {
    let mut script = Script::default();
    for (y, line) in (0..).zip(lines) {
        for (x, (text, role)) in (0..).zip(line) {
            script.text((x, y), 1, text, *role);
        }
    }
    script.into_lines()
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
