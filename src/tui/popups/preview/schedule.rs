//! What the editor of schedules tells below its fields: what the expression means, when it fires next and what a changed
//! clock does to it; what it has submitted.

use super::Lines;
use crate::config::theme::Role;
use crate::model::{JobStatus, JobSummary, Schedule, ScheduleRun};
use crate::tui::app::App;
use crate::tui::app::form::{Form, Key, Purpose};
use crate::tui::app::schedule::Meaning;
use crate::tui::app::subject::title_of;
use crate::tui::format::{fit, span, until, width, wrap};
use crate::tui::screens::job_sign;
use crate::tui::widgets::piece;

/// Columns of the labels.
const LABEL: usize = 15;

/// The lines below the fields.
pub fn below(app: &App, form: &Form, room: usize) -> Lines {
    let Purpose::Schedule { editing } = &form.purpose else { return Lines::new() };
    let room = room.saturating_sub(LABEL).max(10);
    let mut lines = match app.meaning(form) {
        Ok(meaning) => told(app, &meaning, room),
        Err(error) => refused(app, form, &error.to_string(), room),
    };
    // The room is held, so that nothing moves while one types.
    lines.resize(lines.len().max(app.times_shown(editing.as_deref()) + 2), Vec::new());
    let past = editing.as_deref().map(|schedule| past(app, form, schedule)).unwrap_or_default();
    if form.focused_link().is_some() {
        // Where not all fits, what has the keys is shown.
        return [past, lines].concat();
    }
    lines.extend(past);
    lines
}

fn told(app: &App, meaning: &Meaning, room: usize) -> Lines {
    let mut lines = Lines::new();
    add(&mut lines, "✔ Means", Role::Succeeded, &meaning.words, Role::Text, room);
    if meaning.times.is_empty() {
        add(&mut lines, "▲ Next", Role::Attention, "it never fires again", Role::Text, room);
    }
    for (at, coming) in meaning.times.iter().enumerate() {
        lines.push(vec![
            piece(label(if at == 0 { "  Next" } else { "" }), Role::Column),
            piece(fit(&coming.wall, 30), Role::Text),
            piece(fit(&until(coming.at, app.now), 12), Role::Dim),
            piece(coming.beside.clone().unwrap_or_default(), Role::Dim),
        ]);
    }
    for change in &meaning.changes {
        let (sign, role) =
            if change.leaves_out_or_once() { ("▲ Clock", Role::Attention) } else { ("  Clock", Role::Dim) };
        add(&mut lines, sign, role, &change.to_string(), role, room);
    }
    lines
}

/// Until something is typed, this says what comes here; then what is wrong, and with which of the two fields.
fn refused(app: &App, form: &Form, error: &str, room: usize) -> Lines {
    let mut lines = Lines::new();
    let problems = app.calls(form).err().unwrap_or_default();
    let wrong = problems.into_iter().find(|(key, _)| matches!(key, Key::Expression | Key::Zone));
    let is_begun = form.tried || !form.value(Key::Expression).is_empty();
    match wrong.filter(|_| is_begun) {
        Some((Key::Zone, text)) => add(&mut lines, "✖ Zone:", Role::Failed, &text, Role::Failed, room),
        Some((_, text)) => add(&mut lines, "✖ When:", Role::Failed, &text, Role::Failed, room),
        None if is_begun => add(&mut lines, "  Next", Role::Column, error, Role::Dim, room),
        None => {
            let text = "type when it shall run: what that means and its next times are shown here";
            add(&mut lines, "  Next", Role::Column, text, Role::Dim, room);
        }
    }
    lines
}

fn past(app: &App, form: &Form, schedule: &Schedule) -> Lines {
    let runs = app.past_runs(schedule);
    let focused = form.focused_link().and_then(|at| form.links.get(at));
    let line = |(at, run): (usize, &ScheduleRun)| {
        let has_keys = run.job_id.is_some() && run.job_id.as_ref() == focused;
        let job = run.job_id.as_ref().and_then(|id| app.job_row(id));
        let (sign, role) = match (&run.error, &job) {
            (Some(_), _) => job_sign(JobStatus::Failed),
            (None, Some(job)) => job_sign(job.status),
            (None, None) => ("·", Role::Dim),
        };
        let before = match (has_keys, at) {
            (true, _) => "▸ Enter opens",
            (false, 0) => "  Past",
            (false, _) => "",
        };
        vec![
            piece(label(before), if has_keys { Role::Focus } else { Role::Column }),
            piece(format!("{sign} "), role),
            piece(format!("{}  ", app.setting.own.clock.day(run.fired_at)), Role::Text),
            piece(came_of(app, run, job.as_ref()), if has_keys { Role::Text } else { Role::Dim }),
        ]
    };
    runs.iter().enumerate().map(line).collect()
}

/// What a run has come to: its job, how long that ran and how it ended; or why there is none.
fn came_of(app: &App, run: &ScheduleRun, job: Option<&JobSummary>) -> String {
    let mut parts: Vec<String> = Vec::new();
    match (&run.error, job, &run.job_id) {
        (Some(error), ..) => parts.push(error.clone()),
        (None, Some(job), _) => {
            parts.push(title_of(job));
            match (job.status, job.started_at, job.stopped_at) {
                (status, Some(from), Some(to)) if status.is_final() => parts.push(span(to - from)),
                (JobStatus::Running, Some(from), _) => parts.push(format!("running {}", span(app.now - from))),
                (status, ..) => parts.push(status.to_string()),
            }
            let exit = job.container.as_ref().and_then(|container| container.exit_code);
            parts.extend(exit.map(|code| format!("exit {code}")));
        }
        (None, None, Some(id)) => parts.push(id.short()),
        (None, None, None) => {}
    }
    parts.extend(run.note.clone());
    parts.join("  ")
}

fn label(text: &str) -> String {
    format!("{text}{:rest$}", "", rest = LABEL.saturating_sub(width(text)))
}

fn add(lines: &mut Lines, before: &str, role: Role, text: &str, text_role: Role, room: usize) {
    for (at, line) in wrap(text, room).into_iter().enumerate() {
        lines.push(vec![piece(label(if at == 0 { before } else { "" }), role), piece(line, text_role)]);
    }
}
