//! Who did what, when and why.

use super::overview::{explain, title};
use crate::config::theme::Role;
use crate::model::AuditEntry;
use crate::tui::app::App;
use crate::tui::app::filter::Field;
use crate::tui::app::list::ListState;
use crate::tui::app::rows::audit_key;
use crate::tui::app::store::Kind;
use crate::tui::widgets::table::{Cell, Column, Listing, Shown};
use crate::tui::widgets::{Painter, piece};
use ratatui::layout::Rect;

const WITH_REASON: [Column; 6] = [
    Column::left("when", 16, 60),
    Column::left("who", 14, 70).growing(1),
    Column::left("did", 16, 95),
    Column::left("to", 12, 99).growing(2),
    Column::left("outcome", 14, 80).growing(2),
    Column::left("why", 12, 50).growing(3),
];

/// Where there is no room for reasons, that of the selected entry stands below the list.
const WITHOUT: [Column; 5] = [
    Column::left("when", 12, 60),
    Column::left("who", 13, 70).growing(1),
    Column::left("did", 16, 95),
    Column::left("to", 12, 99).growing(2),
    Column::left("outcome", 18, 80).growing(2),
];

/// From this width on there is a column for reasons.
const WIDE: u16 = 110;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, list: &ListState) {
    let rows = app.audit(list);
    let inner = painter.frame(area, &title("", "Record of actions", &list.filter, true), &[], true);
    if rows.is_empty() {
        let empty = "nobody has done anything yet: every cancel, priority, switch and schedule is recorded here";
        return explain(app, painter, inner, Kind::Audit, &list.filter, empty);
    }
    let keys: Vec<_> = rows.iter().map(|entry| audit_key(entry)).collect();
    let selected = list.cursor.position(&keys);
    let is_wide = inner.width >= WIDE;
    let mut rows_area = inner;
    if !is_wide && inner.height > 4 {
        rows_area.height -= 2;
        let line = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        if let Some(entry) = selected.map(|at| rows[at]) {
            let reason = entry.reason.as_deref().unwrap_or("-");
            let pieces = [
                piece("  why  ", Role::Column),
                piece(format!("{reason}   "), Role::Text),
                piece(app.setting.own.clock.date_time(entry.at), Role::Dim),
            ];
            painter.pieces(line.x, line.y, line.width, &pieces);
        }
    }
    let chosen = app.setting.own.columns.of("audit");
    let shown = Shown::of(if is_wide || chosen.is_some() { &WITH_REASON } else { &WITHOUT }, chosen);
    let listing = Listing { list, shown, fields: Field::AUDIT, lit: &[1, 2, 3, 4, 5] };
    listing.draw(painter, rows_area, &keys, |at| cells(app, rows[at], is_wide));
}

fn cells(app: &App, entry: &AuditEntry, is_wide: bool) -> Vec<Cell> {
    let short = crate::model::JobId::from(entry.target.as_str()).short();
    let target = app.store.job(&entry.target.as_str().into()).map_or(short, |job| job.job_name.clone());
    let target = if entry.target.len() > 30 { target } else { entry.target.clone() };
    vec![
        // Where there is little room the weekday gives way.
        (app.setting.own.clock.day(entry.at).chars().skip(if is_wide { 0 } else { 4 }).collect(), Role::Dim),
        (entry.who.clone(), Role::Text),
        (entry.action.clone(), Role::Focus),
        (target, Role::Text),
        (entry.outcome.clone(), Role::Dim),
        (entry.reason.clone().unwrap_or_else(|| "-".to_owned()), Role::Text),
    ]
}
