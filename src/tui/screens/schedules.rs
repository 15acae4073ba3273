//! The schedules, with when each runs next.

use super::overview::{explain, title};
use crate::config::theme::Role;
use crate::model::{Schedule, Switch, name_of};
use crate::tui::app::App;
use crate::tui::app::filter::Field;
use crate::tui::app::list::ListState;
use crate::tui::app::rows::schedule_key;
use crate::tui::app::store::Kind;
use crate::tui::format::relative;
use crate::tui::widgets::Painter;
use crate::tui::widgets::table::{Cell, Column, Listing, Shown};
use ratatui::layout::Rect;

const COLUMNS: [Column; 9] = [
    Column::left("", 1, 98),
    Column::left("schedule", 14, 99).growing(2),
    Column::left("state", 8, 70),
    Column::left("when", 26, 80).growing(3),
    Column::left("zone", 13, 30),
    Column::right("next", 9, 90),
    Column::left("at", 16, 40),
    Column::left("queue", 9, 50),
    Column::left("definition", 12, 60).growing(1),
];

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, list: &ListState) {
    let rows = app.schedules(list);
    let inner = painter.frame(area, &title("", "Schedules", &list.filter, true), &[], true);
    if rows.is_empty() {
        return explain(app, painter, inner, Kind::Schedules, &list.filter, "no schedules yet; n makes one");
    }
    // Why some of them cannot be changed is said where they are shown.
    let rules = rows.iter().filter(|schedule| schedule.is_rule).count();
    let inner = if rules > 0 && inner.height > 3 {
        let noun = if rules == 1 { "1 rule" } else { &format!("{rules} rules") };
        let text = format!(" {noun} of EventBridge: only read here");
        painter.text(inner.x, inner.bottom() - 1, inner.width, &text, Role::Dim);
        Rect { height: inner.height - 1, ..inner }
    } else {
        inner
    };
    let keys: Vec<_> = rows.iter().map(|schedule| schedule_key(schedule)).collect();
    let shown = Shown::of(&COLUMNS, app.setting.own.columns.of("schedules"));
    let listing = Listing { list, shown, fields: Field::SCHEDULES, lit: &[1, 3] };
    listing.draw(painter, inner, &keys, |at| cells(app, rows[at]));
}

fn cells(app: &App, schedule: &Schedule) -> Vec<Cell> {
    let is_on = schedule.state == Switch::Enabled;
    let next = app.next_run(schedule);
    let (sign, word, role) = match (is_on, next) {
        // What it is says that it is only read here.
        (true, _) if schedule.is_rule => ("●", "rule", Role::Running),
        (false, _) if schedule.is_rule => ("○", "rule off", Role::Off),
        (false, _) => ("○", "paused", Role::Off),
        (true, Some(_)) => ("●", "on", Role::Running),
        (true, None) => ("▲", "over", Role::Attention),
    };
    let when = schedule.event_pattern().map(|pattern| format!("on events {pattern}"));
    let request = schedule.target.request().unwrap_or_default();
    vec![
        (sign.to_owned(), role),
        (schedule.name.clone(), if is_on { Role::Text } else { Role::Off }),
        (word.to_owned(), role),
        (when.unwrap_or_else(|| schedule.schedule_expression.clone()), Role::Text),
        (schedule.schedule_expression_timezone.clone(), Role::Dim),
        (next.map_or("-".to_owned(), |at| relative(at, app.now)), Role::Text),
        (next.map_or(String::new(), |at| app.setting.own.clock.day(at)), Role::Dim),
        (name_of(&request.job_queue).to_owned(), Role::Dim),
        (name_of(&request.job_definition).to_owned(), Role::Dim),
    ]
}
