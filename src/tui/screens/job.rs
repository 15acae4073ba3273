//! One job: all its fields, its attempts and their reasons, and its log beside or below.

use super::parts::scrolled;
use super::{jobs, log, usage};
use crate::config::theme::Role;
use crate::model::{
    AttemptDetail, JobCost, JobDetail, JobId, JobStatus, JobSummary, Millis, REPLACED_BY, REPLACES, Usd,
    is_service_job, name_of, secret, text::printable,
};
use crate::tui::app::list::since;
use crate::tui::app::{App, Scroll};
use crate::tui::format::{age, memory, relative, span, vcpus, wrap};
use crate::tui::spots::What;
use crate::tui::widgets::{Painter, Piece, piece};
use crate::tui::words;
use ratatui::layout::Rect;

const WIDE: u16 = 150;
/// Columns of the names of fields.
const LABEL: u16 = 13;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, id: &JobId, scroll: &Scroll) {
    let (fields, lines) = if painter.is_told() {
        (area, Rect { height: 0, ..area })
    } else if area.width >= WIDE {
        let left = area.width / 2;
        (Rect { width: left, ..area }, Rect { x: area.x + left, width: area.width - left, ..area })
    } else if area.height >= 14 {
        let upper = area.height * 3 / 5;
        (Rect { height: upper, ..area }, Rect { y: area.y + upper, height: area.height - upper, ..area })
    } else if app.aside {
        (Rect { height: 0, ..area }, area)
    } else {
        (area, Rect { height: 0, ..area })
    };
    painter.spot(fields, What::Side { is_log: false });
    painter.spot(lines, What::Side { is_log: true });
    if fields.height > 0 {
        text(app, painter, fields, id, scroll);
    }
    if lines.height > 0 {
        log::draw(app, painter, lines, app.aside);
    }
}

fn text(app: &App, painter: &mut Painter<'_>, area: Rect, id: &JobId, scroll: &Scroll) {
    let has_keys = !app.aside;
    let role = if has_keys { Role::Focus } else { Role::Title };
    let row = app.job_row(id);
    let name = row.as_ref().map_or_else(|| id.short(), |job| job.job_name.clone());
    let title = [piece(format!(" Job {} ", printable(&name)), role)];
    let Some(row) = row else {
        let inner = painter.frame(area, &title, &[], has_keys);
        painter.text(inner.x + 1, inner.y, inner.width.saturating_sub(1), "◌ being read …", Role::Dim);
        return;
    };
    let room = area.width.saturating_sub(4);
    let lines = lines(app, &row, app.store.detail(id), room);
    scrolled(painter, area, &title, &lines, scroll, has_keys);
}

type Lines = Vec<Vec<Piece<'static>>>;

/// Adds a field; a value that is too long goes on below.
fn field(lines: &mut Lines, room: u16, label: &str, value: &str, role: Role) {
    let columns = usize::from(room.saturating_sub(LABEL)).max(10);
    for (at, part) in wrap(value, columns).into_iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        lines
            .push(vec![piece(format!("{label:<width$}", width = usize::from(LABEL)), Role::Column), piece(part, role)]);
    }
}

fn lines(app: &App, row: &JobSummary, detail: Option<&JobDetail>, room: u16) -> Lines {
    let mut lines = Lines::new();
    let (sign, role) = jobs::sign(row.status);
    let clock = app.setting.own.clock;
    let stamp = |at: Millis| format!("{} ({})", clock.date_time(at), relative(at, app.now));
    let add = |lines: &mut Lines, label: &str, value: &str| field(lines, room, label, value, Role::Text);
    let stopping = row.extra.as_ref().is_some_and(|extra| extra.stopping);
    let state =
        format!("{sign} {} for {}{}", row.status, age(app.now - since(row)), if stopping { " · STOPPING" } else { "" });
    field(&mut lines, room, "state", &state, role);
    if let Some(at) = row.from_history() {
        let text = format!("AWS no longer has it: this is as it was seen {}", stamp(at));
        field(&mut lines, room, "history", &text, Role::Attention);
    }
    let reason = row.status_reason.clone().or_else(|| detail.and_then(|detail| detail.status_reason.clone()));
    // The attempts below tell how it ended: of a failure the container's own words alone are more than the reason.
    let why = match row.status {
        JobStatus::Failed => row.container.as_ref().and_then(|container| container.reason.clone()).unwrap_or_default(),
        _ => jobs::told(app, row),
    };
    match reason.filter(|reason| !reason.is_empty()) {
        Some(reason) => {
            add(&mut lines, "reason", &reason);
            if why != reason && !why.is_empty() {
                add(&mut lines, "", &why);
            }
        }
        None if !why.is_empty() => add(&mut lines, "reason", &why),
        None => {}
    }
    for (number, attempt) in detail.iter().flat_map(|detail| &detail.attempts).enumerate() {
        attempt_lines(app, &mut lines, room, number + 1, attempt);
    }
    let add = |lines: &mut Lines, label: &str, value: &str| field(lines, room, label, value, Role::Text);
    add(&mut lines, "id", row.job_id.as_str());
    let queue = detail.map(|detail| name_of(&detail.job_queue).to_owned());
    let queue = queue.or_else(|| row.extra.as_ref().map(|extra| extra.job_queue.clone())).unwrap_or_default();
    add(&mut lines, "queue", &queue);
    match detail.and_then(|detail| detail.service.as_ref()) {
        Some(service) => {
            add(&mut lines, "service", &service.service_job_type);
            add(&mut lines, "asks", &service.asked());
            if let Some(resource) = &service.resource {
                add(&mut lines, "runs", resource);
            }
        }
        None if is_service_job(&row.job_arn) => add(&mut lines, "service", "◌ being read …"),
        None => add(&mut lines, "definition", row.job_definition.as_deref().map(name_of).unwrap_or_default()),
    }
    add(&mut lines, "submitted", &stamp(row.created_at));
    if let Some(at) = row.started_at {
        add(&mut lines, "started", &stamp(at));
    }
    if let Some(at) = row.stopped_at {
        let took = row.started_at.map(|from| format!(" · took {}", span(at - from))).unwrap_or_default();
        add(&mut lines, "ended", &format!("{}{took}", stamp(at)));
    }
    if let Some(extra) = &row.extra {
        let asked = u32::try_from(extra.memory_mib).map_or(f64::MAX, f64::from);
        if !is_service_job(&row.job_arn) {
            add(&mut lines, "asks", &format!("{} vCPU, {}", vcpus(extra.vcpus), memory(asked)));
        }
        if let Some(usage) = extra.usage {
            let used = format!(
                "{:.1} vCPU, {} (at most {}), {} of CPU time",
                usage.cpu,
                memory(usage.memory_mib),
                memory(usage.peak_memory_mib),
                span(seconds(usage.cpu_seconds))
            );
            add(&mut lines, "uses", &used);
        }
        if let Some((_, told)) = app.usage.as_ref().filter(|(of, _)| *of == row.job_id) {
            match told {
                Ok(told) => {
                    let columns = usize::from(room.saturating_sub(LABEL + 32)).clamp(8, 60);
                    for (label, text) in usage::lines(told, (extra.vcpus, asked), columns, app.setting.own.clock) {
                        add(&mut lines, label, &text);
                    }
                }
                Err(why) => field(&mut lines, room, "over time", why, Role::Dim),
            }
        }
        if let Some(instance) = &extra.instance {
            add(&mut lines, "instance", &instance.0);
        }
        if extra.priority != 0 {
            add(&mut lines, "priority", &extra.priority.to_string());
        }
    }
    if let Some(cost) = detail.and_then(|detail| detail.cost.as_deref()) {
        field(&mut lines, room, "cost", &estimate(cost, app.now), Role::Text);
    }
    match detail {
        Some(detail) => more(app, &mut lines, room, detail),
        None => lines.push(vec![piece("◌ the rest is being read …", Role::Dim)]),
    }
    lines
}

/// What it has cost, with what has come to it since that was read.
fn estimate(cost: &JobCost, now: Millis) -> String {
    let since = u128::from((now - cost.at).max(0).unsigned_abs());
    let rate = cost.usd_per_hour.unwrap_or_default();
    let sum = cost.usd + rate.times(since, 3_600_000);
    let tries = if cost.tries > 1 { format!(", {} attempts", cost.tries) } else { String::new() };
    let live = cost.usd_per_hour.map_or_else(String::new, |rate| format!(", {rate} an hour now"));
    let lacks: Vec<String> =
        cost.unpriced.iter().map(|lack| format!("{:.2} h of {}: price unknown", lack.hours, lack.tariff)).collect();
    let by = |what: &str| if cost.prices.is_empty() { String::new() } else { format!(" ({what}{})", cost.prices) };
    if sum == Usd::ZERO && !lacks.is_empty() {
        return lacks.join(", ") + &by("");
    }
    let lacks = if lacks.is_empty() { String::new() } else { format!("; not counted: {}", lacks.join(", ")) };
    format!("~{sum}{live}{tries}{lacks}{}", by("estimate, by "))
}

#[expect(clippy::cast_possible_truncation, reason = "CPU time of a job fits")]
fn seconds(seconds: f64) -> Millis {
    (seconds * 1000.0) as Millis
}

fn more(app: &App, lines: &mut Lines, room: u16, detail: &JobDetail) {
    let mut add = |label: &str, value: &str| field(lines, room, label, value, Role::Text);
    if let Some(service) = &detail.service {
        add("request", &service.service_request_payload);
    }
    if let Some(container) = &detail.container {
        if !container.image.is_empty() {
            add("image", &container.image);
        }
        add("command", &words::join(&container.command));
    }
    for (at, (key, value)) in detail.parameters.iter().enumerate() {
        add(if at == 0 { "parameters" } else { "" }, &format!("{key}={}", secret::shown(key, value)));
    }
    for (at, pair) in detail.container.iter().flat_map(|container| &container.environment).enumerate() {
        add(
            if at == 0 { "environment" } else { "" },
            &format!("{}={}", pair.name, secret::shown(&pair.name, &pair.value)),
        );
    }
    for (label, tag) in [("replaces", REPLACES), ("replaced by", REPLACED_BY)] {
        if let Some(id) = detail.tags.get(tag) {
            let other = app.store.job(&JobId::from(id.as_str()));
            let state = other.map_or(String::new(), |job| format!("{} {} ", jobs::sign(job.status).0, job.status));
            add(label, &format!("{state}{id}"));
        }
    }
    for (at, dependency) in detail.depends_on.iter().enumerate() {
        let id = dependency.job_id.clone().unwrap_or_default();
        let other = app.store.job(&id);
        let state = other.map_or(String::new(), |job| format!("{} {} ", jobs::sign(job.status).0, job.job_name));
        let kind = dependency.kind.map_or(String::new(), |kind| format!(" {kind:?}"));
        add(if at == 0 { "depends on" } else { "" }, &format!("{state}{id}{kind}"));
    }
    if let Some(retry) = &detail.retry_strategy {
        let rules = match retry.evaluate_on_exit.len() {
            0 => String::new(),
            count => format!(", {count} rules on exit"),
        };
        add("attempts", &format!("at most {}{rules}", retry.attempts.unwrap_or(1)));
    }
    if let Some(seconds) = detail.timeout.and_then(|timeout| timeout.attempt_duration_seconds) {
        add("timeout", &format!("{seconds} s"));
    }
    if detail.is_cancelled || detail.is_terminated {
        let call = match (detail.is_terminated, &detail.service) {
            (_, Some(_)) => "TerminateServiceJob",
            (true, None) => "TerminateJob",
            (false, None) => "CancelJob",
        };
        add("stopped by", call);
    }
}

fn attempt_lines(app: &App, lines: &mut Lines, room: u16, number: usize, attempt: &AttemptDetail) {
    let code = attempt.container.exit_code;
    let (sign, role) = if code == Some(0) { ("✔", Role::Succeeded) } else { ("✖", Role::Failed) };
    let exit = code.map_or("no exit code".to_owned(), |code| format!("exit {code}"));
    let took = match (attempt.started_at, attempt.stopped_at) {
        (Some(from), Some(to)) => format!(" after {}", span(to - from)),
        _ => String::new(),
    };
    let at = attempt.stopped_at.map(|at| format!(" at {}", app.setting.own.clock.time(at))).unwrap_or_default();
    let label = format!("attempt {number}");
    field(lines, room, &label, &format!("{sign} {exit}{took}{at}"), role);
    let reasons = [attempt.container.reason.as_deref(), attempt.status_reason.as_deref()];
    for reason in reasons.into_iter().flatten().filter(|reason| !reason.is_empty()) {
        field(lines, room, "", reason, Role::Text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Prices, Unpriced};

    #[test]
    fn an_estimate_grows_while_its_job_runs_and_says_what_it_lacks() {
        let mut cost = JobCost {
            at: 0,
            prices: Prices::default().label(),
            usd: Usd::from_micros(96_000),
            usd_per_hour: Some(Usd::from_micros(96_000)),
            tries: 2,
            ..JobCost::default()
        };
        let told = estimate(&cost, 3_600_000);
        assert!(told.starts_with("~$0.19, $0.096 an hour now, 2 attempts (estimate, by AWS's"), "{told}");
        let lack = Unpriced { tariff: "m5.large Spot".parse().expect("a tariff"), hours: 1.5, idle_hours: 0.0 };
        cost.unpriced = vec![lack];
        cost.usd_per_hour = None;
        let told = estimate(&cost, 3_600_000);
        assert!(told.starts_with("~$0.096, 2 attempts; not counted: 1.50 h of m5.large Spot: price unknown"), "{told}");
        cost.usd = Usd::ZERO;
        cost.prices = "the permission ec2:DescribeSpotPriceHistory is missing".into();
        let told = estimate(&cost, 0);
        assert_eq!(
            told,
            "1.50 h of m5.large Spot: price unknown (the permission ec2:DescribeSpotPriceHistory is missing)"
        );
    }
}
