//! Job definitions: the list of revisions, and one of them.

use super::overview::{explain, title};
use super::parts::scrolled;
use crate::config::theme::Role;
use crate::model::{JobDefinition, secret};
use crate::tui::app::filter::Field;
use crate::tui::app::list::ListState;
use crate::tui::app::store::Kind;
use crate::tui::app::{App, Scroll};
use crate::tui::widgets::table::{Cell, Column, Listing, Shown};
use crate::tui::widgets::{Painter, piece};
use crate::tui::words;
use ratatui::layout::Rect;

const COLUMNS: [Column; 8] = [
    Column::left("", 1, 98),
    Column::left("definition", 14, 99).growing(2),
    Column::left("state", 8, 60),
    Column::right("vCPU", 5, 80),
    Column::right("MiB", 7, 80),
    Column::right("attempts", 8, 40),
    Column::left("image", 10, 70).growing(2),
    Column::left("command", 16, 50).growing(3),
];

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, list: &ListState) {
    let rows = app.definitions(list);
    let inner = painter.frame(area, &title("", "Job definitions", &list.filter, true), &[], true);
    if rows.is_empty() {
        let empty = "no job definitions yet; `aws batch register-job-definition` makes one";
        return explain(app, painter, inner, Kind::Definitions, &list.filter, empty);
    }
    let keys: Vec<_> = rows.iter().map(|definition| definition.label()).collect();
    let shown = Shown::of(&COLUMNS, app.setting.own.columns.of("definitions"));
    let listing = Listing { list, shown, fields: Field::DEFINITIONS, lit: &[1, 6] };
    listing.draw(painter, inner, &keys, |at| cells(rows[at]));
}

fn cells(definition: &JobDefinition) -> Vec<Cell> {
    let (sign, role) = if definition.is_active() { ("●", Role::Running) } else { ("○", Role::Off) };
    let container = definition.container_properties.clone().unwrap_or_default();
    let asked = |kind: &str, old: Option<i32>| {
        let new = container.resource_requirements.iter().find(|asked| asked.kind == kind);
        new.map(|asked| asked.value.clone()).or_else(|| old.map(|value| value.to_string())).unwrap_or_default()
    };
    let attempts = definition.retry_strategy.as_ref().and_then(|retry| retry.attempts).unwrap_or(1);
    vec![
        (sign.to_owned(), role),
        (definition.label(), if definition.is_active() { Role::Text } else { Role::Off }),
        (definition.status.clone(), role),
        (asked("VCPU", container.vcpus), Role::Text),
        (asked("MEMORY", container.memory), Role::Text),
        (attempts.to_string(), Role::Dim),
        (container.image.clone(), Role::Dim),
        (words::join(&container.command), Role::Dim),
    ]
}

/// All of one revision, as its JSON, without what says that it is secret.
pub fn draw_one(app: &App, painter: &mut Painter<'_>, area: Rect, label: &str, scroll: &Scroll) {
    let text = match app.selected_definition() {
        Some(definition) => {
            let shown = secret::without(definition);
            shown.and_then(|shown| serde_json::to_string_pretty(&shown).ok()).unwrap_or_default()
        }
        None => "it is gone".to_owned(),
    };
    let lines: Vec<_> = text.lines().map(|line| vec![piece(line, Role::Text)]).collect();
    scrolled(painter, area, &title("", label, "", true), &lines, scroll, true);
}
