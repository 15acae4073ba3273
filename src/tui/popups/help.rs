//! Every key that works here, from the table of actions and the keymap.

use super::open;
use crate::config::theme::Role;
use crate::tui::action::{Action, Place, Scope, TABLE};
use crate::tui::app::{App, Scroll};
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

/// Columns of the keys.
const KEYS: usize = 18;

pub fn draw(app: &App, painter: &mut Painter<'_>, body: Rect, place: Place, scroll: &Scroll) {
    let own = section(app, place, false);
    let everywhere = section(app, place, true);
    let width = body.width.min(if body.width >= 150 { 150 } else { 100 });
    let title = format!("Keys in {} · Esc closes", place.title());
    // What a person has made their own is what they look for.
    let hot: Vec<_> = app.keymap.lines_at(place).map(|(keys, doc)| row(&keys, &doc)).collect();
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
        lines.extend(FILTER.iter().map(|(form, doc)| row(form, doc)));
        lines.extend(fields.iter().map(|field| row(&format!("{}=", field.name()), field.doc())));
    }
    let in_two = width >= 140;
    let count = if in_two { lines.len().div_ceil(2) } else { lines.len() };
    let inner = open(painter, body, width, count, &title);
    let fits = usize::from(inner.height);
    scroll.seen.set((count, fits));
    let top = scroll.top.min(count.saturating_sub(fits));
    let column = if in_two { inner.width / 2 } else { inner.width };
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

fn row(keys: &str, doc: &str) -> Vec<Piece<'static>> {
    vec![piece(format!("{keys:<KEYS$}"), Role::Key), piece(format!(" {doc}"), Role::Text)]
}

fn section(app: &App, place: Place, global: bool) -> Vec<Vec<Piece<'static>>> {
    let rows = TABLE.iter().filter(|info| info.scope.covers(place) && (info.scope == Scope::Everywhere) == global);
    rows.filter_map(|info| {
        let keys = app.keymap.keys_at(place, info.action);
        if keys.is_empty() || (info.action == Action::Begin && !app.is_offered(Action::Begin)) {
            return None;
        }
        let mut line =
            vec![piece(format!("{:<KEYS$}", keys.join("  ")), Role::Key), piece(format!(" {}", info.doc), Role::Text)];
        if app.refusal(info.action).is_some() {
            line.push(piece(" (not here)", Role::Off));
        }
        Some(line)
    })
    .collect()
}
