//! Who did what, when and why.

use super::overview::{explain, title};
use crate::config::theme::Role;
use crate::model::AuditEntry;
use crate::tui::app::App;
use crate::tui::app::list::ListState;
use crate::tui::app::rows::audit_key;
use crate::tui::app::store::Kind;
use crate::tui::widgets::Painter;
use crate::tui::widgets::table::{Cell, Column, Table};
use ratatui::layout::Rect;

const COLUMNS: [Column; 6] = [
    Column::left("when", 16, 90),
    Column::left("who", 14, 70).growing(1),
    Column::left("did", 16, 95),
    Column::left("to", 12, 99).growing(2),
    Column::left("why", 12, 80).growing(3),
    Column::left("outcome", 12, 60).growing(2),
];

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, list: &ListState) {
    let rows = app.audit(list);
    let inner = painter.frame(area, &title("", "Record of actions", &list.filter, true), &[], true);
    if rows.is_empty() {
        let empty = "nobody has done anything yet: every cancel, priority, switch and schedule is recorded here";
        return explain(app, painter, inner, Kind::Audit, &list.filter, empty);
    }
    let keys: Vec<_> = rows.iter().map(|entry| audit_key(entry)).collect();
    let table = Table {
        columns: &COLUMNS,
        count: rows.len(),
        cursor: &list.cursor,
        selected: list.cursor.position(&keys),
        has_keys: true,
        titles_from: 3,
    };
    table.draw(painter, inner, |at| (false, cells(app, rows[at])));
}

fn cells(app: &App, entry: &AuditEntry) -> Vec<Cell> {
    let short = crate::model::JobId::from(entry.target.as_str()).short();
    let target = app.store.job(&entry.target.as_str().into()).map_or(short, |job| job.job_name.clone());
    let target = if entry.target.len() > 30 { target } else { entry.target.clone() };
    vec![
        (app.setting.clock.day(entry.at), Role::Dim),
        (entry.who.clone(), Role::Text),
        (entry.action.clone(), Role::Focus),
        (target, Role::Text),
        (entry.reason.clone().unwrap_or_else(|| "-".to_owned()), Role::Text),
        (entry.outcome.clone(), Role::Dim),
    ]
}
