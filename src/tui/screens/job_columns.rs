//! The columns of lists of jobs: those that matter for the states that are listed, and those that can be chosen.

use super::jobs::{array_counts, sign, why};
use crate::config::theme::Role;
use crate::model::{JobStatus, JobSummary, Millis};
use crate::tui::app::App;
use crate::tui::app::list::{StateSet, definition_of, is_held, queue_of, since, state_of};
use crate::tui::app::subject::title_of;
use crate::tui::format::{age, count, memory, memory_of, span, vcpus};
use crate::tui::widgets::table::{Cell, Column, Shown};

const NAME: Column = Column::left("job", 16, 99).growing(4);
const SIGN: Column = Column::left("", 1, 98);
const STATE: Column = Column::left("state", 9, 97);
const DEFINITION: Column = Column::left("definition", 13, 50).growing(1);
const QUEUE: Column = Column::left("queue", 9, 40).growing(2);
const CPU: Column = Column::right("cpu", 9, 60);
const MEMORY: Column = Column::right("memory", 10, 70);
const PRIORITY: Column = Column::right("prio", 5, 80).called("priority");
const INSTANCE: Column = Column::left("instance", 12, 30);
const TOOK: Column = Column::right("took", 6, 75);
const EXIT: Column = Column::right("exit", 4, 80);
const WHY: Column = Column::left("why", 26, 70).growing(4);
const SHARE: Column = Column::left("share", 9, 20);
const ATTEMPT: Column = Column::right("try", 3, 24).called("attempt");
const SUBMITTED: Column = Column::left("submitted", 10, 22);
const STARTED: Column = Column::left("started", 10, 23);
const ID: Column = Column::left("id", 14, 21);

/// A list has room for what one seldom needs from this width on.
const WIDE: u16 = 210;

const fn age_as(title: &'static str) -> Column {
    Column::right(title, 6, 90).called("age")
}

/// The columns of a list of these states: those that it shows by itself, those that it shows where there is much room, and
/// the rest, which are shown where they are chosen.
fn all(set: StateSet) -> Vec<Column> {
    let (own, wide): (&[Column], &[Column]) = match set {
        StateSet::Running => (
            &[SIGN, NAME, DEFINITION, STATE, age_as("for"), CPU, MEMORY, QUEUE, INSTANCE],
            &[ATTEMPT, PRIORITY, SHARE, SUBMITTED, ID],
        ),
        StateSet::Waiting => (
            &[SIGN, NAME, DEFINITION, STATE, age_as("for"), PRIORITY, QUEUE, WHY],
            &[SHARE, CPU, MEMORY, ATTEMPT, SUBMITTED, ID],
        ),
        StateSet::Failed | StateSet::Succeeded => (
            &[SIGN, NAME, DEFINITION, STATE, age_as("ended"), TOOK, EXIT, QUEUE, WHY],
            &[ATTEMPT, SHARE, SUBMITTED, STARTED, ID],
        ),
        StateSet::All => (
            &[SIGN, NAME, DEFINITION, STATE, age_as("since"), QUEUE, WHY],
            &[TOOK, EXIT, ATTEMPT, PRIORITY, SUBMITTED, ID],
        ),
    };
    let each = [CPU, MEMORY, PRIORITY, INSTANCE, TOOK, EXIT, WHY, SHARE, ATTEMPT, SUBMITTED, STARTED, ID];
    let is_among = |column: &Column| own.iter().chain(wide).any(|other| other.name == column.name);
    let rest = each.into_iter().filter(|column| !is_among(column)).map(|column| column.from(u16::MAX));
    own.iter().copied().chain(wide.iter().map(|column| column.from(WIDE))).chain(rest).collect()
}

/// The columns that a list of these states shows.
pub fn shown(app: &App, set: StateSet) -> Vec<Column> {
    let mut columns = Shown::of(&all(set), app.setting.own.columns.of(set.name())).columns;
    if app.setting.can.spans_contexts {
        // Where rows of several contexts stand, where each lives goes before most else.
        let queues = columns.iter_mut().filter(|column| column.name == QUEUE.name);
        queues.for_each(|column| (column.keep, column.width, column.grow) = (95, 12, 1));
    }
    columns
}

/// Their names, as far as a screen of this width has room for them.
pub fn names(app: &App, set: StateSet) -> Vec<&'static str> {
    let room = app.size.0;
    shown(app, set).into_iter().filter(|column| column.from <= room).map(|column| column.name).collect()
}

/// The columns at which plain words of a filter look.
pub fn searched(columns: &[Column]) -> Vec<usize> {
    let is_searched = |column: &Column| [NAME.name, DEFINITION.name, QUEUE.name].contains(&column.name);
    columns.iter().enumerate().filter(|(_, column)| is_searched(column)).map(|(at, _)| at).collect()
}

/// What a job asks of CPU or memory and what it uses.
fn use_of(job: &JobSummary) -> (String, String) {
    let Some(extra) = &job.extra else { return ("-".into(), "-".into()) };
    let asked = u32::try_from(extra.memory_mib).map_or(f64::MAX, f64::from);
    match extra.usage {
        // What has ended uses nothing any more: its most is what one wants to know.
        Some(usage) if job.status.is_final() => {
            (format!("{} vCPU", vcpus(extra.vcpus)), memory_of(usage.peak_memory_mib, asked))
        }
        Some(usage) => {
            let cpu = format!("{:.1}/{}", usage.cpu, vcpus(extra.vcpus));
            (cpu, memory_of(usage.memory_mib, asked))
        }
        // What is not told is not nothing.
        _ if extra.memory_mib == 0 && extra.vcpus <= 0.0 => ("-".into(), "-".into()),
        _ if extra.memory_mib == 0 => (format!("{} vCPU", vcpus(extra.vcpus)), "-".into()),
        _ => (format!("{} vCPU", vcpus(extra.vcpus)), memory(asked)),
    }
}

/// How long the last attempt ran.
fn took(job: &JobSummary, now: Millis) -> String {
    match (job.started_at, job.stopped_at) {
        (Some(from), Some(to)) => span(to - from),
        (Some(from), None) if job.status == JobStatus::Running => span(now - from),
        _ => "-".into(),
    }
}

/// The cells of a row in these columns.
pub fn cells(app: &App, job: &JobSummary, set: StateSet, columns: &[Column]) -> Vec<Cell> {
    let mut cells: Vec<Cell> = columns.iter().map(|column| cell(app, job, set, column.name)).collect();
    if job.from_history().is_some() {
        for (_, role) in &mut cells {
            *role = Role::Dim;
        }
    }
    cells
}

fn cell(app: &App, job: &JobSummary, set: StateSet, column: &str) -> Cell {
    let (sign, role) = sign(job.status);
    let extra = job.extra.as_deref();
    let short = |at: Option<Millis>| at.map_or("-".to_owned(), |at| app.setting.own.clock.short(at, app.now));
    match column {
        "" => (sign.to_owned(), role),
        "job" => {
            let size = job.array_properties.as_ref().and_then(|array| array.size);
            let size = size.map_or(String::new(), |size| format!(" [{}]", count(u64::from(size))));
            (format!("{}{size}", title_of(job)), Role::Text)
        }
        "definition" => (definition_of(job).to_owned(), Role::Dim),
        "state" => {
            let is_odd = extra.is_some_and(|extra| extra.stopping) || is_held(job);
            (state_of(job).to_owned(), if is_odd { Role::Attention } else { role })
        }
        "age" if set == StateSet::Running => (span(app.now - since(job)), Role::Text),
        "age" => (age(app.now - since(job)), Role::Text),
        // An array's counts take the room of both.
        "cpu" if job.is_array_parent() => (array_counts(job), Role::Text),
        "memory" if job.is_array_parent() => (String::new(), Role::Text),
        "cpu" => (use_of(job).0, Role::Text),
        "memory" => (use_of(job).1, Role::Text),
        "priority" => {
            let priority = extra.map_or(0, |extra| extra.priority);
            (priority.to_string(), if priority == 0 { Role::Dim } else { Role::Text })
        }
        "queue" => (queue_of(job).unwrap_or_default().to_owned(), Role::Dim),
        "instance" => {
            let instance = extra.and_then(|extra| extra.instance.as_ref());
            (instance.map_or_else(String::new, |id| id.0.chars().take(12).collect()), Role::Dim)
        }
        "took" => (took(job, app.now), Role::Dim),
        "exit" => {
            let exit = job.container.as_ref().and_then(|container| container.exit_code);
            let role = if exit.is_some_and(|code| code != 0) { Role::Failed } else { Role::Dim };
            (exit.map_or("-".to_owned(), |code| code.to_string()), role)
        }
        "why" => (why(app, job), Role::Dim),
        "share" => (job.share_identifier.clone().unwrap_or_else(|| "-".to_owned()), Role::Dim),
        "attempt" => {
            let attempt = extra.map_or(0, |extra| extra.attempt);
            let role = if attempt > 1 { Role::Text } else { Role::Dim };
            (if attempt == 0 { "-".to_owned() } else { attempt.to_string() }, role)
        }
        "submitted" => (short(Some(job.created_at)), Role::Dim),
        "started" => (short(job.started_at), Role::Dim),
        "id" => (job.job_id.short(), Role::Dim),
        _ => (String::new(), Role::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::columns::OF_JOBS;
    use std::collections::BTreeSet;

    #[test]
    fn each_list_of_jobs_has_each_column_that_can_be_chosen_once() {
        for set in StateSet::EACH {
            let names: Vec<&str> = all(set).iter().map(|column| column.name).filter(|name| !name.is_empty()).collect();
            assert_eq!(names.len(), OF_JOBS.len(), "{set:?}");
            assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), OF_JOBS.into_iter().collect(), "{set:?}");
        }
    }
}
