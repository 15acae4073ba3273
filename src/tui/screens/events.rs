//! What happened, newest first: each change of a job's state, and each job that holds up its queue.
//!
//! ```text
//!  ┌ Events · 312 ──────────────────────────────────────────────── follows ┐
//!  │     when   what       job             queue     reason                 │
//!  │▸✖     4s   FAILED     resize-4711     high      Essential container …  │
//!  └────────────────────────────────────────────────────────────────────────┘
//! ```

use super::jobs;
use super::overview::{none_matches, title};
use super::parts::say;
use crate::config::theme::Role;
use crate::model::{Happened, JobStatus};
use crate::tui::app::App;
use crate::tui::app::filter::Field;
use crate::tui::app::reports::EventsView;
use crate::tui::format::{age, count};
use crate::tui::widgets::table::{Cell, Column, Listing, Shown};
use crate::tui::widgets::{Painter, piece};
use ratatui::layout::Rect;

const COLUMNS: [Column; 7] = [
    Column::left("", 1, 98),
    Column::right("when", 6, 97),
    Column::left("what", 9, 99),
    Column::left("job", 14, 96).growing(3),
    Column::left("queue", 9, 60).growing(1),
    Column::left("definition", 12, 40).growing(1),
    Column::left("reason", 20, 80).growing(4),
];

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, view: &EventsView) {
    let rows = app.events(view);
    let more = if view.missed { "+" } else { "" };
    let of = if rows.len() == view.told.len() {
        format!("{}{more}", count(rows.len() as u64))
    } else {
        format!("{} of {}{more}", count(rows.len() as u64), count(view.told.len() as u64))
    };
    let fresh = match (&view.reading.error, view.reading.read_at) {
        (None, Some(_)) => " follows ",
        (None, None) => " ◌ being read … ",
        (Some(_), _) => "",
    };
    let heading = title("", &format!("Events · {of}"), &view.list.filter, true);
    let inner = painter.frame(area, &heading, &[piece(fresh, Role::Dim)], true);
    if rows.is_empty() {
        let (text, role) = match (&view.reading.error, view.told.is_empty()) {
            (Some(error), _) => (format!("✖ {error}"), Role::Failed),
            (None, false) => (none_matches(app, "event"), Role::Dim),
            (None, true) if view.reading.read_at.is_some() => (
                "nothing has happened that is known still: each change of a job's state comes here".to_owned(),
                Role::Dim,
            ),
            (None, true) => return,
        };
        return say(painter, inner, &text, role);
    }
    let keys: Vec<String> = rows.iter().map(|event| event.cursor.to_string()).collect();
    let mut list = inner;
    if let Some(error) = view.reading.error.as_ref().filter(|_| inner.height > 4) {
        list.height -= 1;
        let text = format!("✖ not read on: {error}");
        painter.text(inner.x + 1, list.bottom(), inner.width.saturating_sub(2), &text, Role::Failed);
    }
    let shown = Shown::of(&COLUMNS, app.setting.own.columns.of("events"));
    let listing = Listing { list: &view.list, shown, fields: Field::EVENTS, lit: &[2, 3, 4, 5, 6] };
    listing.draw(painter, list, &keys, |at| cells(app, rows[at]));
}

fn cells(app: &App, event: &Happened) -> Vec<Cell> {
    let (sign, role) = match event.what.parse::<JobStatus>() {
        Ok(status) => jobs::sign(status),
        Err(_) => ("▲", Role::Attention),
    };
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    vec![
        (sign.to_owned(), role),
        (age(app.now - event.at), Role::Dim),
        (event.what.clone(), role),
        (or_dash(&event.name), Role::Text),
        (or_dash(&event.queue), Role::Dim),
        (or_dash(&event.definition), Role::Dim),
        (or_dash(&event.reason), Role::Text),
    ]
}
