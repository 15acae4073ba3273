//! The instances of a compute environment.

use super::overview::{bar, explain, sign, title};
use super::{capacity, scaling};
use crate::config::theme::Role;
use crate::model::{
    Capacity, ComputeEnvironment, Health, Instance, InstanceState, Millis, Switch, Usd, text::printable,
};
use crate::tui::app::App;
use crate::tui::app::filter::Field;
use crate::tui::app::list::{Cursor, ListState};
use crate::tui::app::store::Kind;
use crate::tui::format::{age, memory_of, span, vcpus, wrap};
use crate::tui::widgets::table::{Cell, Column, Listing, Shown, Table};
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

const COLUMNS: [Column; 10] = [
    Column::left("", 1, 9),
    Column::left("instance", 19, 99).growing(1),
    Column::left("state", 10, 90),
    Column::left("type", 11, 60).growing(1),
    Column::right("vCPU", 7, 80),
    Column::left("", 10, 20).called("used"),
    Column::right("memory", 10, 70),
    Column::right("jobs", 4, 75),
    Column::right("up", 6, 50),
    Column::left("limits", 9, 10),
];

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, environment: &str, list: &ListState) {
    let found = app.store.environments.get(environment);
    let lines = found.map_or_else(|| vec![vec![piece(" it is gone", Role::Attention)]], |found| head(app, found));
    for (y, line) in (area.y..).zip(&lines) {
        painter.pieces(area.x, y, area.width, line);
    }
    let taken = u16::try_from(lines.len()).unwrap_or(1).min(area.height);
    let body = Rect { y: area.y + taken, height: area.height - taken, ..area };
    let taken = capacity::draw(app, painter, body, environment);
    let body = Rect { y: body.y + taken, height: body.height - taken, ..body };
    let rows = app.instances(environment, list);
    // Where there is room below, why they came and went.
    let told = app.store.scaling.contains_key(environment) && body.height >= 12;
    let wanted = u16::try_from(rows.len().max(1)).unwrap_or(u16::MAX).saturating_add(3);
    let upper = if told { wanted.min(body.height / 2) } else { body.height };
    let below = Rect { y: body.y + upper, height: body.height - upper, ..body };
    let body = Rect { height: upper, ..body };
    scaling::draw(app, painter, below, environment);
    let inner = painter.frame(body, &title("", "Instances", &list.filter, true), &[], true);
    if rows.is_empty() {
        let empty = found.map_or_else(String::new, why_empty);
        return explain(app, painter, inner, Kind::Environments, &list.filter, &empty);
    }
    let keys: Vec<_> = rows.iter().map(|instance| instance.instance_id.0.as_str()).collect();
    let shown = Shown::of(&COLUMNS, app.setting.own.columns.of("instances"));
    let listing = Listing { list, shown, fields: Field::INSTANCES, lit: &[1, 3] };
    listing.draw(painter, inner, &keys, |at| cells(app, rows[at]));
}

/// Why no instance is shown.
fn why_empty(environment: &ComputeEnvironment) -> String {
    match (&environment.capacity, &environment.capacity_unread) {
        (Some(_), _) => "no instance runs; one is launched when a job needs it".to_owned(),
        (None, Some(why)) => format!("its instances could not be read: {why}"),
        (None, None) if environment.provisioning().starts_with("FARGATE") => {
            "Fargate has no instances: a task comes with its job and goes with it".to_owned()
        }
        (None, None) => "its instances have not been read; they are in its ECS cluster, where it has one".to_owned(),
    }
}

/// What an environment is, and on a second line what is special about it.
fn head(app: &App, environment: &ComputeEnvironment) -> Vec<Vec<Piece<'static>>> {
    let (sign, word, role) = sign(environment.state, environment.status);
    let resources = environment.compute_resources.clone().unwrap_or_default();
    let mut facts = vec![environment.provisioning().to_owned()];
    if environment.compute_resources.is_some() {
        let (min, desired, max) = (resources.minv_cpus, resources.desiredv_cpus, resources.maxv_cpus);
        facts.push(format!("vCPU min {} desired {} max {}", told(min), told(desired), told(max)));
    } else {
        let whose =
            if app.is_local() { "this machine is its one instance" } else { "its instances come from elsewhere" };
        facts.push(whose.to_owned());
    }
    facts.extend((!resources.instance_types.is_empty()).then(|| resources.instance_types.join(" ")));
    facts.extend(resources.allocation_strategy);
    let first = vec![piece(format!(" {sign} {word}"), role), piece(format!("   {}", facts.join(" · ")), Role::Dim)];
    let boots = environment.boot_seconds().filter(|seconds| *seconds > 0);
    let mut notes = Vec::new();
    notes.extend(boots.map(|seconds| format!("instances boot for {seconds} s")));
    notes.extend(environment.overcommits().then(|| "jobs may be promised more than the machine has".to_owned()));
    notes.extend(resources.bid_percentage.map(|percent| format!("bids {percent} %")));
    notes.extend(environment.capacity.as_ref().and_then(hourly));
    // That it is healthy, its sign says.
    let reason = environment.status_reason.clone().filter(|_| environment.status != Health::Valid);
    notes.extend(reason);
    if notes.is_empty() {
        return vec![first];
    }
    vec![first, vec![piece(format!(" {}", notes.join(" · ")), Role::Dim)]]
}

/// `~$0.43 an hour (AWS's Price List API, 2026-11-28)`, or why that is not known.
fn hourly(capacity: &Capacity) -> Option<String> {
    let rate = capacity.usd_per_hour.filter(|rate| *rate > Usd::ZERO);
    match (rate, &capacity.prices) {
        (Some(rate), Some(by)) => Some(format!("~{rate} an hour ({by})")),
        (Some(rate), None) => Some(format!("~{rate} an hour")),
        (None, Some(why)) if capacity.usd_per_hour.is_none() => Some(format!("price unknown: {why}")),
        (None, _) => None,
    }
}

/// A short list of an environment's instances, where there is room for it on another screen; the lines that it takes.
pub fn below(app: &App, painter: &mut Painter<'_>, area: Rect, environment: &ComputeEnvironment) -> u16 {
    let instances = environment.capacity.as_ref().map_or(&[][..], |capacity| &capacity.instances);
    if area.height < 3 {
        return 0;
    }
    if instances.is_empty() {
        return why_none(painter, area, environment);
    }
    let heading = format!(" instances of {}", printable(&environment.compute_environment_name));
    painter.text(area.x, area.y, area.width, &heading, Role::Column);
    // Why they came has its room too.
    let told = app.store.scaling.contains_key(&environment.compute_environment_name) && area.height >= 16;
    let height = if told { area.height / 2 } else { area.height - 1 };
    let rows = Rect { y: area.y + 1, height, ..area };
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
        return area.height.min(1 + rows.height);
    }
    1 + u16::try_from(shown).unwrap_or(u16::MAX)
}

/// Why an environment has no instances; the lines that it takes. Nothing of one whose instances the service does not tell.
fn why_none(painter: &mut Painter<'_>, area: Rect, environment: &ComputeEnvironment) -> u16 {
    let reason = environment.status_reason.clone().filter(|_| environment.status != Health::Valid);
    let text = match reason {
        Some(reason) => reason,
        None if environment.capacity_unread.is_some() => why_empty(environment),
        None if environment.capacity.is_none() => return 0,
        None if environment.state == Switch::Disabled => "no instances: it is disabled".to_owned(),
        None => "no instances: it launches them when a job needs them".to_owned(),
    };
    let heading = format!(" {}", printable(&environment.compute_environment_name));
    painter.text(area.x, area.y, area.width, &heading, Role::Column);
    let lines = wrap(&printable(&text), usize::from(area.width.saturating_sub(4)));
    let fitting = lines.iter().take(usize::from(area.height - 1));
    for (y, line) in (area.y + 1..).zip(fitting.clone()) {
        painter.text(area.x + 2, y, area.width.saturating_sub(4), line, Role::Dim);
    }
    u16::try_from(fitting.count()).unwrap_or(u16::MAX) + 1
}

/// A limit, or a dash where there is none.
fn told(limit: Option<i32>) -> String {
    limit.map_or("-".to_owned(), |limit| limit.to_string())
}

/// The sign, the words and the colour of an instance's state; one that boots or has its notice counts down.
fn standing(instance: &Instance, now: Millis) -> (&'static str, String, Role) {
    let left = |at: Option<Millis>| at.filter(|at| *at > now && *at < Millis::MAX).map(|at| span(at - now));
    let word = || instance.state.as_str().to_owned();
    match (instance.state, left(instance.interrupted_at), left(instance.ready_at)) {
        (_, Some(left), _) => ("▲", format!("ends {left}"), Role::Attention),
        // Nothing can be started there, whatever its state says.
        _ if instance.agent_lost => ("▲", "no agent".to_owned(), Role::Attention),
        (InstanceState::Pending, _, Some(left)) => ("◌", format!("boots {left}"), Role::Waiting),
        (InstanceState::Pending, ..) => ("◌", word(), Role::Waiting),
        (InstanceState::Active, ..) => ("●", word(), Role::Running),
        (InstanceState::Draining, ..) => ("○", word(), Role::Off),
    }
}

fn cells(app: &App, instance: &Instance) -> Vec<Cell> {
    let (sign, state, role) = standing(instance, app.now);
    let mib = |memory: u64| u32::try_from(memory).map_or(f64::MAX, f64::from);
    vec![
        (sign.to_owned(), role),
        (instance.instance_id.0.clone(), Role::Text),
        (state, role),
        (instance.instance_type.clone(), Role::Dim),
        (format!("{}/{}", vcpus(instance.vcpus_used), vcpus(instance.vcpus)), Role::Text),
        (bar(instance.vcpus_used, instance.vcpus, 10), Role::Gauge),
        (memory_of(mib(instance.memory_mib_used), mib(instance.memory_mib)), Role::Text),
        (instance.running_jobs.to_string(), Role::Text),
        (age(app.now - instance.launched_at), Role::Dim),
        (instance.limits.clone().unwrap_or_else(|| "-".to_owned()), Role::Dim),
    ]
}
