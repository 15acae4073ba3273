//! Every key that works here, from the table of actions and the keymap.

use super::open;
use crate::config::theme::Role;
use crate::tui::action::{Action, Place, Scope, TABLE};
use crate::tui::app::{App, Scroll};
use crate::tui::format::wrap;
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

/// Columns of the keys.
const KEYS: usize = 18;

pub fn draw(app: &App, painter: &mut Painter<'_>, body: Rect, place: Place, scroll: &Scroll) {
    let width = body.width.min(if body.width >= 150 { 150 } else { 100 });
    let in_two = width >= 140;
    let column = width.saturating_sub(2) / if in_two { 2 } else { 1 };
    let room = usize::from(column.saturating_sub(2)).saturating_sub(KEYS + 1);
    let own = section(app, place, false, room);
    let everywhere = section(app, place, true, room);
    let title = format!("Keys in {} · {} closes", place.title(), app.keymap.call(Place::Text, Action::Back));
    // What a person has made their own is what they look for.
    let hot: Vec<_> = app.keymap.lines_at(place).flat_map(|(keys, doc)| row(&keys, &doc, room)).collect();
    let mut lines: Vec<Vec<Piece<'_>>> = Vec::new();
    for part in [hot, own] {
        lines.extend(part);
        if lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(Vec::new());
        }
    }
    lines.extend(everywhere);
    let fields = app.fields_at(place);
    if !fields.is_empty() {
        lines.push(Vec::new());
        lines.push(vec![piece("In a filter: words parted by blanks must all hold", Role::Column)]);
        lines.extend(FILTER.iter().flat_map(|(form, doc)| row(form, doc, room)));
        lines.extend(fields.iter().flat_map(|field| row(&format!("{}=", field.name()), field.doc(), room)));
    }
    let count = if in_two { lines.len().div_ceil(2) } else { lines.len() };
    let inner = open(painter, body, width, count, &title);
    let fits = usize::from(inner.height);
    scroll.seen.set((count, fits));
    let top = scroll.top.min(count.saturating_sub(fits));
    painter.hidden(inner, top, count.saturating_sub(top + fits));
    for at in 0..fits.min(count) {
        let y = inner.y + u16::try_from(at).unwrap_or(0);
        for (side, from) in [0, count].into_iter().enumerate().take(if in_two { 2 } else { 1 }) {
            if let Some(line) = lines.get(from + top + at) {
                let x = inner.x + 1 + column * u16::try_from(side).unwrap_or(0);
                painter.pieces(x, y, column.saturating_sub(2), line);
            }
        }
    }
}

/// What a word of a filter may be.
const FILTER: [(&str, &str); 8] = [
    ("word", "its letters stand in this order in something that the row shows"),
    ("'word", "it stands there as it is written; \"two words\" with blanks"),
    ("/regex", "the regular expression matches something that the row shows"),
    ("!word", "it does not; likewise !'word, !/regex, status!=failed"),
    ("field=a,b*", "the field is one of these; * stands for any letters"),
    ("field~regex", "the regular expression matches the field"),
    ("field>5 field<5", "the field is a number above or below it; for>20m"),
    ("since=2h", "in its state since two hours ago at most"),
];

/// Keys and what they do, on as many lines as that takes: help that is cut is none.
fn row(keys: &str, doc: &str, room: usize) -> Vec<Vec<Piece<'static>>> {
    let texts = wrap(doc, room.max(KEYS));
    let line = |(at, text): (usize, String)| {
        let keys = if at == 0 { keys } else { "" };
        vec![piece(format!("{keys:<KEYS$}"), Role::Key), piece(format!(" {text}"), Role::Text)]
    };
    texts.into_iter().enumerate().map(line).collect()
}

fn section(app: &App, place: Place, global: bool, room: usize) -> Vec<Vec<Piece<'static>>> {
    let rows = TABLE.iter().filter(|info| info.scope.covers(place) && (info.scope == Scope::Everywhere) == global);
    rows.filter_map(|info| {
        let keys = app.keymap.keys_at(place, info.action);
        if keys.is_empty() || (info.action == Action::Begin && !app.is_offered(Action::Begin)) {
            return None;
        }
        let mut lines = row(&keys.join("  "), info.doc, room);
        if app.refusal(info.action).is_some() {
            lines.last_mut().into_iter().for_each(|line| line.push(piece(" (not here)", Role::Off)));
        }
        Some(lines)
    })
    .flatten()
    .collect()
}
