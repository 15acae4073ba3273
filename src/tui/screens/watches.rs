//! What is watched for while nobody looks, and what of it has come true.
//!
//! ```text
//!  ┌ Watches · 2 fired of 5 ───────────────────────────────────────────────┐
//!  │  state     what                condition           fired  last  why    │
//!  │▸▲ FIRED    queue high          failed > 5 in 10m       1  02:10 6 fa… │
//!  │ ◌ armed    render-88 (3f2a…)   RUNNABLE > 20m          ·              │
//!  └────────────────────────────────────────────────────────────────────────┘
//! ```

use super::overview::{none_matches, title};
use super::parts::say;
use crate::config::theme::Role;
use crate::model::watch::{Watch, WatchState};
use crate::tui::action::{Action, Place};
use crate::tui::app::App;
use crate::tui::app::filter::Field;
use crate::tui::app::list::ListState;
use crate::tui::widgets::table::{Cell, Column, Listing, Shown};
use crate::tui::widgets::{Painter, piece};
use ratatui::layout::Rect;

const COLUMNS: [Column; 8] = [
    Column::left("", 1, 98),
    Column::left("state", 8, 94),
    Column::left("what", 14, 97).growing(3),
    Column::left("condition", 17, 99).growing(2),
    Column::right("fired", 5, 60),
    Column::right("last", 6, 96),
    Column::left("why", 14, 70).growing(4),
    Column::left("by", 12, 30).growing(1),
];

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, list: &ListState) {
    let rows = app.watches(list);
    let fired = app.fired_watches().len();
    let all = app.store.watches.len();
    let heading = if fired > 0 { format!("Watches · {fired} fired of {all}") } else { format!("Watches · {all}") };
    let inner = painter.frame(area, &title("", &heading, &list.filter, true), &[], true);
    if rows.is_empty() {
        let text = if app.store.watches.is_empty() {
            let key = app.keymap.call(Place::Jobs, Action::Watch);
            format!(
                "nothing is watched for: {key} on a job, a queue or an environment has it watched, and tells what comes true"
            )
        } else {
            none_matches(app, "watch")
        };
        return say(painter, inner, &text, Role::Dim);
    }
    let keys: Vec<&str> = rows.iter().map(|watch| watch.id.as_str()).collect();
    let selected = list.cursor.position(&keys);
    let mut table_area = inner;
    if inner.height > 7 {
        table_area.height -= 4;
        if let Some(watch) = selected.map(|at| rows[at]) {
            about(app, painter, Rect { y: inner.bottom() - 3, height: 3, ..inner }, watch);
        }
    }
    let listing = Listing { list, shown: Shown::of(&COLUMNS, None), fields: Field::WATCHES, lit: &[1, 2, 3, 6, 7] };
    listing.draw(painter, table_area, &keys, |at| cells(app, rows[at]));
}

/// The selected one in words: what it waits for, by what it fired, and who is told.
fn about(app: &App, painter: &mut Painter<'_>, area: Rect, watch: &Watch) {
    let why = match (watch.last_firing(), &watch.over) {
        (Some(firing), _) => format!("{} at {}", firing.why, app.setting.own.clock.date_time(firing.at)),
        (None, Some(why)) => format!("it can fire no more: {why}"),
        (None, None) => "it has not fired yet".to_owned(),
    };
    let console = &app.setting.own.console;
    let mut ways: Vec<String> = console.notify.iter().map(|way| way.words().to_owned()).collect();
    if !console.notify_command.is_empty() {
        ways.push(console.notify_command[0].clone());
    }
    let here =
        if ways.is_empty() { "here on the screen alone".to_owned() } else { format!("here by {}", ways.join(", ")) };
    let told = match (app.setting.recorded_at, app.is_local()) {
        (Some(_), _) => "as it stood when this was recorded".to_owned(),
        (None, true) => format!("{here}; the engine looks after it, and tells its hooks"),
        (None, false) => format!("{here}; looked after while this console runs"),
    };
    let lines = [("for", format!("{}: {}", watch.of(), watch.condition.words())), ("seen", why), ("told", told)];
    for (y, (label, text)) in (area.y..area.bottom()).zip(lines) {
        let pieces = [piece(format!("  {label:<6}"), Role::Column), piece(text, Role::Text)];
        painter.pieces(area.x, y, area.width, &pieces);
    }
}

fn cells(app: &App, watch: &Watch) -> Vec<Cell> {
    let (sign, role) = match watch.state() {
        WatchState::Fired => ("▲", Role::Attention),
        WatchState::Holds => ("●", Role::Attention),
        WatchState::Armed => ("◌", Role::Waiting),
        WatchState::Silenced => ("○", Role::Off),
        WatchState::Over => ("✔", Role::Dim),
    };
    let last = watch.last_firing();
    let times = if watch.times == 0 { "·".to_owned() } else { watch.times.to_string() };
    let why = last.map(|firing| firing.why.clone()).or_else(|| watch.over.clone()).unwrap_or_default();
    vec![
        (sign.to_owned(), role),
        (watch.state().as_str().to_owned(), role),
        (watch.of(), Role::Text),
        (watch.condition.to_string(), Role::Text),
        (times, Role::Dim),
        (last.map(|firing| app.setting.own.clock.short(firing.at, app.now)).unwrap_or_default(), Role::Text),
        (why, Role::Text),
        (watch.by.clone(), Role::Dim),
    ]
}
