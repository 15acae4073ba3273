//! Lists of jobs: the columns that matter for the states that are listed.

use super::chrome::old;
use super::job_columns;
use super::overview::explain;
use crate::config::theme::Role;
use crate::model::{JobQueue, JobStatus, JobSummary, Millis, text::printable};
use crate::triage::failures::Ending;
use crate::tui::app::App;
use crate::tui::app::list::{JobList, Scope, Sort, StateSet, is_held, queue_of};
use crate::tui::app::store::Kind;
use crate::tui::format::{count, cut, relative};
use crate::tui::widgets::painter::pieces_width;
use crate::tui::widgets::table::{Lights, Table};
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

/// The sign and the role of a state.
pub fn sign(status: JobStatus) -> (&'static str, Role) {
    match status {
        JobStatus::Submitted | JobStatus::Pending | JobStatus::Runnable => ("◌", Role::Waiting),
        JobStatus::Starting => ("○", Role::Running),
        JobStatus::Running => ("●", Role::Running),
        JobStatus::Succeeded => ("✔", Role::Succeeded),
        JobStatus::Failed => ("✖", Role::Failed),
    }
}

/// From this width on the title has room for sentences.
const WIDE: u16 = 110;

/// Columns of a queue's name in the title.
const QUEUE_SHOWN: usize = 20;

/// The pane of jobs in the overview.
pub fn pane(app: &App, painter: &mut Painter<'_>, area: Rect, has_keys: bool) {
    let list = &app.overview.jobs;
    let scope = match &list.scope {
        Scope::Queue(queue) => format!("Jobs in {}", cut(&printable(queue), QUEUE_SHOWN)),
        Scope::Everywhere | Scope::Array(_) | Scope::Chosen(_) => "Jobs".to_owned(),
    };
    let role = if has_keys { Role::Focus } else { Role::Title };
    draw(app, painter, area, list, has_keys, vec![piece(format!("3 {scope} · "), role)]);
}

/// A framed list of jobs; `title` stands before the sets of states.
pub fn draw(
    app: &App,
    painter: &mut Painter<'_>,
    area: Rect,
    list: &JobList,
    has_keys: bool,
    mut title: Vec<Piece<'static>>,
) {
    let rows = list.rows(&app.store);
    let right = position(app, list, rows.ids.len(), area.width >= WIDE);
    // What the frame and the line between the two take.
    let room = area.width.saturating_sub(4).saturating_sub(pieces_width(&title)).saturating_sub(pieces_width(&right));
    let mut filter = Vec::new();
    if !list.list.filter.is_empty() {
        let shown = usize::from(room / 2);
        filter.push(piece(format!("/{} ", cut(&printable(&list.list.filter), shown)), Role::Match));
    }
    title.extend(sets(app, list, &rows.counts, has_keys, room.saturating_sub(pieces_width(&filter))));
    title.extend(filter);
    let inner = painter.frame(area, &title, &right, has_keys);
    if rows.ids.is_empty() {
        if let Some(text) = not_found_yet(app, list, &rows.counts) {
            return explain(app, painter, inner, Kind::Jobs, "", &text);
        }
        let empty = why_empty(app, list, &rows.counts);
        return explain(app, painter, inner, Kind::Jobs, &list.list.filter, &empty);
    }
    let states = list.listed_states();
    let columns = job_columns::shown(app, states);
    let table = Table {
        columns: &columns,
        count: rows.ids.len(),
        cursor: &list.list.cursor,
        selected: list.list.cursor.position(&rows.ids),
        has_keys,
        titles_from: 5,
    };
    let filter = list.filter();
    let searched = job_columns::searched(&columns);
    let lights = (!filter.is_empty()).then_some(Lights { filter: &filter, columns: &searched });
    table.draw_lit(painter, inner, lights, |at| {
        let id = &rows.ids[at];
        let cells = app.store.job(id).map_or_else(Vec::new, |job| job_columns::cells(app, job, states, &columns));
        (list.marked.contains(id), cells)
    });
}

/// What to say where nothing matches among the jobs that were fetched, and there are others.
fn not_found_yet(app: &App, list: &JobList, counts: &[usize; 5]) -> Option<String> {
    let filter = &list.list.filter;
    let states = list.listed_states();
    if filter.is_empty()
        || matches!(list.scope, Scope::Array(_) | Scope::Chosen(_))
        || !app.has_more(states, &list.scope)
    {
        return None;
    }
    Some(match app.sought() {
        Some(sought) if sought.is_busy => {
            format!("◌ looking for `{filter}`: {} looked at …", count(sought.read as u64))
        }
        Some(sought) if sought.has_more() => {
            format!("none of {} that were looked at matches `{filter}`; G looks further", count(sought.read as u64))
        }
        Some(_) => return None,
        None => {
            let at = StateSet::EACH.iter().position(|set| *set == states).unwrap_or(0);
            format!("none of the {} that were fetched matches; Enter looks at the rest", count(counts[at] as u64))
        }
    })
}

/// `+` where there are more than were read.
fn more(app: &App, list: &JobList, set: StateSet) -> &'static str {
    let has_more = match &list.scope {
        Scope::Array(parent) => !app.store.children_read.contains(parent),
        scope @ (Scope::Everywhere | Scope::Queue(_)) => match app.sought().filter(|sought| sought.states == set) {
            Some(sought) => sought.has_more(),
            None => app.has_more(set, scope),
        },
        Scope::Chosen(_) => false,
    };
    if has_more { "+" } else { "" }
}

/// The sets of states with their counts, as far as there is room: first the words become short, then the sets go that
/// are neither listed nor all. The one that is listed stands out by brackets.
fn sets(app: &App, list: &JobList, counts: &[usize; 5], has_keys: bool, room: u16) -> Vec<Piece<'static>> {
    let chosen = if has_keys { Role::Focus } else { Role::Title };
    let listed = list.listed_states();
    let each = || StateSet::EACH.into_iter().zip(counts.iter().map(|number| count(*number as u64)));
    let text = |set: StateSet, name: &str, number: &str| format!("{name} {number}{}", more(app, list, set));
    let wide: Vec<Piece<'static>> = each()
        .map(|(set, number)| match (set == listed, text(set, set.name(), &number)) {
            (true, text) => piece(format!("[{text}]"), chosen),
            (false, text) => piece(format!(" {text} "), Role::Dim),
        })
        .chain([piece(" ", Role::Border)])
        .collect();
    let short = |keep: &dyn Fn(StateSet) -> bool| -> Vec<Piece<'static>> {
        each()
            .filter(|(set, _)| keep(*set))
            .map(|(set, number)| match (set == listed, text(set, set.short_name(), &number)) {
                (true, text) => piece(format!("[{text}] "), chosen),
                (false, text) => piece(format!("{text} "), Role::Dim),
            })
            .collect()
    };
    let alone = |set: StateSet| set == listed;
    let mut layouts = vec![wide, short(&|_| true), short(&|set| alone(set) || set == StateSet::All), short(&alone)];
    let fitting = layouts.iter().position(|pieces| pieces_width(pieces) <= room).unwrap_or(layouts.len() - 1);
    layouts.swap_remove(fitting)
}

/// When the jobs that are listed were read, the oldest of them: where that is polled.
fn jobs_read_at(app: &App, list: &JobList) -> Option<Millis> {
    let read = &app.meter.as_ref()?.read_at.jobs;
    match &list.scope {
        Scope::Queue(queue) => read.get(queue).copied(),
        Scope::Everywhere => read.values().min().copied(),
        Scope::Array(_) | Scope::Chosen(_) => None,
    }
}

/// `3 marked · 2 of 57 · age ↑`
fn position(app: &App, list: &JobList, shown: usize, is_wide: bool) -> Vec<Piece<'static>> {
    let rows = list.rows(&app.store);
    let at = list.list.cursor.position(&rows.ids).map_or(0, |at| at + 1);
    let states = list.listed_states();
    let more = more(app, list, states);
    let mut pieces = Vec::new();
    if let Some(sought) = app.sought().filter(|_| !matches!(list.scope, Scope::Array(_) | Scope::Chosen(_))) {
        let read = count(sought.read as u64);
        let further = if sought.has_more() { "+" } else { "" };
        // What was looked at, where there is room to say it.
        let among = if is_wide {
            format!(" {} in {}", states.name(), sought.queue().unwrap_or("all queues"))
        } else {
            String::new()
        };
        pieces.push(piece(format!(" searched {read}{further}{among} ·"), Role::Dim));
    }
    if !list.marked.is_empty() {
        pieces.push(piece(format!(" {} marked ·", list.marked.len()), Role::Marked));
    }
    pieces.push(piece(format!(" {} of {}{more} ", count(at as u64), count(shown as u64)), Role::Dim));
    pieces.extend(old(app, jobs_read_at(app, list)));
    if list.sort.is_some() || list.reversed {
        let arrow = Sort::arrow(list.reversed);
        pieces.push(piece(format!("· {} {arrow} ", list.order().name(states)), Role::Dim));
    }
    pieces
}

fn why_empty(app: &App, list: &JobList, counts: &[usize; 5]) -> String {
    use crate::tui::action::Action;
    let key = |action: Action| app.keymap.call(app.place_below(), action);
    if app.store.is_empty() && !app.is_local() {
        return "no compute environment, queue or job is in this account and region".to_owned();
    }
    if app.store.is_empty() {
        let begin = key(Action::Begin);
        return format!(
            "nothing here yet: {begin} creates a compute environment, queue and definition for this machine, or \
             run `batchdeck demo`"
        );
    }
    if let Scope::Queue(queue) = &list.scope
        && app.is_local()
        && app.store.queues.get(queue).is_some_and(JobQueue::is_of_services)
    {
        return format!(
            "{queue} is for service jobs: this engine keeps them and runs none; `aws batch list-service-jobs --job-queue \
             {queue}` lists them"
        );
    }
    let (states, place) = (
        list.listed_states().name(),
        match &list.scope {
            Scope::Everywhere => String::new(),
            Scope::Queue(queue) => format!(" in {queue}"),
            Scope::Array(_) => " of this array".to_owned(),
            Scope::Chosen(_) => " among these".to_owned(),
        },
    );
    let kind = if list.listed_states() == StateSet::All { "no job".to_owned() } else { format!("no {states} job") };
    let other = StateSet::EACH.iter().zip(counts).find(|(set, number)| **number > 0 && **set != StateSet::All);
    match other {
        Some((set, number)) => {
            format!(
                "{kind}{place}; {} {}: {} shows the next states",
                count(*number as u64),
                set.name(),
                key(Action::NextStates)
            )
        }
        None if matches!(list.scope, Scope::Queue(_)) => {
            format!("{kind}{place}; {} shows all queues", key(Action::Back))
        }
        None => format!("{kind}{place}; {} submits one", key(Action::Submit)),
    }
}

/// What there is to say of why a job is as it is.
pub fn why(app: &App, job: &JobSummary) -> String {
    let why = told(app, job);
    match job.from_history() {
        Some(at) => format!("seen {}{}{why}", relative(at, app.now), if why.is_empty() { "" } else { " · " }),
        None => why,
    }
}

/// The same, without where it is known from.
pub fn told(app: &App, job: &JobSummary) -> String {
    match job.status {
        status if job.is_array_parent() && !status.is_final() => {
            let held = job.extra.as_ref().is_some_and(|extra| extra.held);
            format!("{}{}", array_counts(job), if held { " · some are held" } else { "" })
        }
        JobStatus::Succeeded => String::new(),
        JobStatus::Failed => Ending::of(job).to_string(),
        status if status.is_waiting() => {
            let detail = app.store.detail(&job.job_id);
            match (&job.status_reason, job.status) {
                (Some(reason), _) if !reason.is_empty() => reason.clone(),
                _ if is_held(job) => "held by an operator until it is released".to_owned(),
                (_, JobStatus::Runnable) if queue_of(job).is_some_and(|queue| app.is_queue_held(queue)) => {
                    "its queue is held".to_owned()
                }
                (_, JobStatus::Runnable) => "waits for room".to_owned(),
                (_, JobStatus::Pending) if detail.is_none() => "waits for other jobs".to_owned(),
                _ => app.why_no_log(job, detail).trim_start_matches("it ").to_owned(),
            }
        }
        _ => String::new(),
    }
}

/// `✔8112 ●8 ◌1868 ✖12`
pub fn array_counts(job: &JobSummary) -> String {
    let Some(counts) = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref()) else {
        return String::new();
    };
    let parts = [
        ("✔", counts.get(JobStatus::Succeeded)),
        ("●", counts.placed()),
        ("◌", counts.waiting()),
        ("✖", counts.get(JobStatus::Failed)),
    ];
    let parts = parts.iter().filter(|(_, number)| *number > 0).map(|(sign, number)| format!("{sign}{number}"));
    parts.collect::<Vec<_>>().join(" ")
}
