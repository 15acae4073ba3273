//! The instances of a compute environment.

use super::overview::{bar, explain, sign, title};
use crate::config::theme::Role;
use crate::model::{ComputeEnvironment, Instance, InstanceState, Usd, text::printable};
use crate::tui::app::App;
use crate::tui::app::list::{Cursor, ListState};
use crate::tui::app::store::Kind;
use crate::tui::format::{age, memory_of, vcpus};
use crate::tui::widgets::table::{Cell, Column, Table};
use crate::tui::widgets::{Painter, piece};
use ratatui::layout::Rect;

const COLUMNS: [Column; 9] = [
    Column::left("", 1, 9),
    Column::left("instance", 19, 99).growing(1),
    Column::left("state", 8, 90),
    Column::left("type", 11, 60).growing(1),
    Column::right("vCPU", 7, 80),
    Column::left("", 10, 20),
    Column::right("memory", 10, 70),
    Column::right("jobs", 4, 75),
    Column::right("up", 6, 50),
];

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, environment: &str, list: &ListState) {
    let found = app.store.environments.get(environment);
    let head = Rect { height: 1, ..area };
    match found {
        Some(found) => {
            let (sign, word, role) = sign(found.state, found.status);
            let resources = found.compute_resources.clone().unwrap_or_default();
            let reason = found.status_reason.clone().unwrap_or_default();
            let rate = found.capacity.as_ref().and_then(|capacity| capacity.usd_per_hour);
            let rate = rate.filter(|rate| *rate > Usd::ZERO);
            let spends = rate.map_or_else(String::new, |rate| format!(" · about {rate} an hour"));
            let text = format!(
                "   {} · vCPU min {} desired {} max {} · {}{spends}   {reason}",
                found.provisioning(),
                told(resources.minv_cpus),
                told(resources.desiredv_cpus),
                told(resources.maxv_cpus),
                resources.instance_types.join(" "),
            );
            let state = format!(" {sign} {word}");
            painter.pieces(head.x, head.y, head.width, &[piece(state, role), piece(text, Role::Dim)]);
        }
        None => {
            painter.text(head.x, head.y, head.width, " it is gone", Role::Attention);
        }
    }
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let rows = app.instances(environment, list);
    let inner = painter.frame(body, &title("", "Instances", &list.filter, true), &[], true);
    if rows.is_empty() {
        let empty = match found.map(|found| found.capacity.is_some()) {
            Some(false) => "AWS Batch does not tell of single instances; `aws ecs list-container-instances` does",
            _ => "no instance runs; one is launched when a job needs it",
        };
        return explain(app, painter, inner, Kind::Environments, &list.filter, empty);
    }
    let keys: Vec<_> = rows.iter().map(|instance| instance.instance_id.0.as_str()).collect();
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

/// A short list of an environment's instances, where there is room for it on another screen.
pub fn below(app: &App, painter: &mut Painter<'_>, area: Rect, environment: &ComputeEnvironment) {
    let instances = environment.capacity.as_ref().map_or(&[][..], |capacity| &capacity.instances);
    if area.height < 3 || instances.is_empty() {
        return;
    }
    let heading = format!(" instances of {}", printable(&environment.compute_environment_name));
    painter.text(area.x, area.y, area.width, &heading, Role::Column);
    let rows = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let shown = if instances.len() > usize::from(rows.height) { usize::from(rows.height) - 1 } else { instances.len() };
    let table = Table {
        columns: &COLUMNS,
        count: shown,
        cursor: &Cursor::default(),
        selected: None,
        has_keys: false,
        titles_from: u16::MAX,
    };
    table.draw(painter, rows, |at| (false, cells(app, &instances[at])));
    if shown < instances.len() {
        let more = format!("  and {} more", instances.len() - shown);
        painter.text(rows.x, rows.bottom() - 1, rows.width, &more, Role::Dim);
    }
}

/// A limit, or a dash where there is none.
fn told(limit: Option<i32>) -> String {
    limit.map_or("-".to_owned(), |limit| limit.to_string())
}

fn cells(app: &App, instance: &Instance) -> Vec<Cell> {
    let (sign, role) = match instance.state {
        InstanceState::Pending => ("◌", Role::Waiting),
        InstanceState::Active => ("●", Role::Running),
        InstanceState::Draining => ("○", Role::Off),
    };
    let mib = |memory: u64| u32::try_from(memory).map_or(f64::MAX, f64::from);
    vec![
        (sign.to_owned(), role),
        (instance.instance_id.0.clone(), Role::Text),
        (instance.state.as_str().to_owned(), role),
        (instance.instance_type.clone(), Role::Dim),
        (format!("{}/{}", vcpus(instance.vcpus_used), vcpus(instance.vcpus)), Role::Text),
        (bar(instance.vcpus_used, instance.vcpus, 10), Role::Gauge),
        (memory_of(mib(instance.memory_mib_used), mib(instance.memory_mib)), Role::Text),
        (instance.running_jobs.to_string(), Role::Text),
        (age(app.now - instance.launched_at), Role::Dim),
    ]
}
