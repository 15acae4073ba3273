//! What was spent: what jobs took and what no job did, apart. An estimate, and marked as one.
//!
//! ```text
//!  ┌ Cost by queue · 24 h ──────────────────────────────────── read 4s ago ┐
//!  │ queue            tries    hours      jobs   of all                     │
//!  │▸high             1,204    18.20     ~$0.87   61 %  ████████             │
//!  ├────────────────────────────────────────────────────────────────────────┤
//!  │ all environments: ~$1.42 = jobs ~$1.20 + idle ~$0.22                   │
//!  └────────────────────────────────────────────────────────────────────────┘
//! ```

use super::overview::{bar, none_matches, title};
use super::parts::{foot, fresh, say};
use crate::config::theme::Role;
use crate::model::{CostBy, CostReport, CostRow, Unpriced, Usd};
use crate::tui::app::App;
use crate::tui::app::failures::Span;
use crate::tui::app::filter::Field;
use crate::tui::app::reports::CostView;
use crate::tui::format::{count, wrap};
use crate::tui::widgets::table::{Cell, Column, Listing, Shown};
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

const JOBS: [Column; 6] = [
    Column::left("name", 14, 99).growing(3),
    Column::right("tries", 8, 40),
    Column::right("hours", 9, 50),
    Column::right("jobs", 11, 98),
    Column::right("of all", 6, 60),
    Column::left("", 14, 70).growing(1),
];
/// Idle capacity is of an environment: no queue, share or definition has it.
const CAPACITY: [Column; 8] = [
    Column::left("environment", 14, 99).growing(3),
    Column::right("tries", 8, 30),
    Column::right("hours", 9, 40),
    Column::right("jobs", 11, 98),
    Column::right("idle hours", 10, 50),
    Column::right("idle", 11, 97),
    Column::right("of all", 6, 45),
    Column::left("", 10, 35).growing(1),
];
/// Columns of a gauge.
const GAUGE: usize = 8;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, view: &CostView) {
    let rows = app.costs(view);
    let span = view.span.map_or("all time", Span::name);
    let heading = title("", &format!("Cost by {} · {span}", view.by.as_str()), &view.list.filter, true);
    let inner = painter.frame(area, &heading, &[piece(fresh(app, &view.reading), Role::Dim)], true);
    let Some(report) = &view.told else {
        if let Some(error) = &view.reading.error {
            say(painter, inner, &format!("✖ {error}"), Role::Failed);
        }
        return;
    };
    let notes = notes(app, report, view.reading.error.as_deref(), usize::from(inner.width.saturating_sub(2)));
    let below = u16::try_from(notes.len()).unwrap_or(0).min(inner.height.saturating_sub(4));
    let list = Rect { height: inner.height - below - u16::from(below > 0), ..inner };
    if rows.is_empty() {
        let text =
            if report.rows.is_empty() { "nothing was spent in this time".to_owned() } else { none_matches(app, "row") };
        say(painter, list, &text, Role::Dim);
    } else {
        let keys: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let of_environments = report.by == CostBy::Environment;
        let shown = Shown::of(if of_environments { &CAPACITY } else { &JOBS }, None);
        let all: Usd = report.rows.iter().fold(Usd::ZERO, |sum, row| sum + row.direct + row.idle);
        let listing = Listing { list: &view.list, shown, fields: Field::COST, lit: &[0] };
        listing.draw(painter, list, &keys, |at| cells(rows[at], all, of_environments));
    }
    foot(painter, inner, list.bottom(), &notes);
}

fn cells(row: &CostRow, all: Usd, of_environments: bool) -> Vec<Cell> {
    let lacks = row.unpriced.iter().any(|unpriced| unpriced.hours > 0.0);
    let part = row.direct + row.idle;
    let (of_all, all) = (part.to_f64(), all.to_f64());
    let share = if all > 0.0 { format!("{:.0} %", of_all * 100.0 / all) } else { "-".to_owned() };
    let mut cells = vec![
        (if row.name.is_empty() { "-".to_owned() } else { row.name.clone() }, Role::Text),
        (count(row.attempts), Role::Dim),
        (hours(row.hours), Role::Dim),
        amount(row.direct, lacks, row.hours),
    ];
    if of_environments {
        cells.push((hours(row.idle_hours), Role::Dim));
        let (idle, role) = amount(row.idle, !row.unpriced.is_empty(), row.idle_hours);
        cells.push((idle, if row.idle > row.direct { Role::Attention } else { role }));
    }
    cells.push((share, Role::Dim));
    cells.push((if all > 0.0 { bar(of_all, all, GAUGE) } else { String::new() }, Role::Gauge));
    cells
}

/// A sum, marked as an estimate; where nothing in it has a price, that.
fn amount(sum: Usd, lacks: bool, hours: f64) -> Cell {
    if lacks && sum == Usd::ZERO && hours > 0.0 {
        ("no price".to_owned(), Role::Attention)
    } else {
        (format!("~{sum}"), Role::Text)
    }
}

fn hours(hours: f64) -> String {
    if hours > 0.0 && hours < 0.01 { format!("{hours:.4}") } else { format!("{hours:.2}") }
}

fn notes(app: &App, report: &CostReport, error: Option<&str>, room: usize) -> Vec<Vec<Piece<'static>>> {
    let CostRow { direct, idle, unpriced, .. } = &report.total;
    let since =
        report.from.map_or_else(|| "of all time".to_owned(), |at| format!("since {}", app.setting.own.clock.day(at)));
    let mut notes =
        vec![(format!("all environments {since}: ~{} = jobs ~{direct} + idle ~{idle}", *direct + *idle), Role::Text)];
    let lacks = |of: &Unpriced| format!("{} h of {}", hours(of.hours + of.idle_hours), of.tariff);
    if !unpriced.is_empty() {
        let all: Vec<String> = unpriced.iter().map(lacks).collect();
        notes.push((format!("▲ not counted, as the price is unknown: {}", all.join(", ")), Role::Attention));
    }
    notes.push((format!("an estimate, by {}", report.prices), Role::Dim));
    if let Some(error) = error {
        notes.push((format!("✖ not read anew: {error}"), Role::Failed));
    }
    let wrapped =
        notes.iter().flat_map(|(text, role)| wrap(text, room).into_iter().map(|line| vec![piece(line, *role)]));
    wrapped.collect()
}
