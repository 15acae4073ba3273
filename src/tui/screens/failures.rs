//! Failures: groups of jobs that failed alike, and below all that there is to say of the one under the cursor.
//!
//! ```text
//!  ┌ Failures · 24 h · 312 jobs in 9 groups ────────────────────── read 4s ago ┐
//!  │    jobs exit definition   what tells them apart            first    last │
//!  │▸✖   312  137 resize:14    OutOfMemoryError: Container …    02:10   03:02 │
//!  ├───────────────────────────────────────────────────────────────────────────┤
//!  │ reason, ends of logs, queues, the newest job; what was not fetched        │
//!  └───────────────────────────────────────────────────────────────────────────┘
//! ```

use super::array;
use super::overview::none_matches;
use super::parts::foot;
use crate::config::theme::Role;
use crate::model::{JobId, Millis, text::printable};
use crate::triage::failures::Group;
use crate::tui::app::App;
use crate::tui::app::failures::{FailuresView, group_key};
use crate::tui::app::filter::Field;
use crate::tui::app::list::JobList;
use crate::tui::app::subject::title_of;
use crate::tui::format::{age, count, cut, fit, relative, wrap};
use crate::tui::widgets::table::{Cell, Column, Listing, Shown};
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

const COLUMNS: [Column; 8] = [
    Column::left("", 1, 98),
    Column::right("jobs", 5, 99),
    Column::right("exit", 4, 95),
    Column::left("definition", 12, 90).growing(1),
    Column::left("what tells them apart", 24, 80).growing(4).called("what"),
    Column::left("queues", 12, 10).growing(1),
    Column::right("first", 6, 60),
    Column::right("last", 6, 70),
];

/// Lines of what is said of the group under the cursor.
const TOLD: u16 = 8;
/// Columns of a label there.
const LABEL: usize = 8;
/// Jobs of a group that are named.
const NAMED: usize = 5;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, view: &FailuresView) {
    let groups = app.failure_groups(view);
    let told = view.told.as_deref();
    let mut title = vec![piece(format!(" Failures · {} ", view.span.name()), Role::Focus)];
    if let Some(told) = told {
        let more = if told.left_out.is_empty() { "" } else { "+" };
        let all = told.groups.len();
        let of = if groups.len() == all { count(all as u64) } else { format!("{} of {all}", groups.len()) };
        let jobs = if told.count == 1 && more.is_empty() { "job" } else { "jobs" };
        let kinds = if all == 1 { "group" } else { "groups" };
        let text = format!("· {}{more} {jobs} in {of} {kinds} ", count(told.count as u64));
        title.push(piece(text, Role::Title));
    }
    if !view.list.filter.is_empty() {
        title.push(piece(format!("/{} ", cut(&printable(&view.list.filter), 20)), Role::Match));
    }
    let fresh = match (view.is_asked, told) {
        (true, _) => " ◌ being read … ".to_owned(),
        (false, Some(told)) if app.now - told.at >= 1_000 => format!(" read {} ago ", age(app.now - told.at)),
        (false, Some(_)) => " read just now ".to_owned(),
        (false, None) => String::new(),
    };
    let inner = painter.frame(area, &title, &[piece(fresh, Role::Dim)], true);
    if groups.is_empty() {
        return nothing(app, painter, inner, view);
    }
    let keys: Vec<String> = groups.iter().map(|group| group_key(group)).collect();
    let selected = view.list.cursor.position(&keys);
    let lines = selected.map(|at| about(app, groups[at], inner.width.saturating_sub(2))).unwrap_or_default();
    let notes = notes(view, inner.width.saturating_sub(2));
    let below = u16::try_from(lines.len() + notes.len()).unwrap_or(0).min(TOLD).min(inner.height.saturating_sub(4));
    let rows = Rect { height: inner.height - below - u16::from(below > 0), ..inner };
    let shown = Shown::of(&COLUMNS, app.setting.own.columns.of("failures"));
    let listing = Listing { list: &view.list, shown, fields: Field::FAILURES, lit: &[] };
    listing.draw(painter, rows, &keys, |at| cells(app, groups[at]));
    // What was left out is said before the last of what is known.
    let kept = usize::from(below).saturating_sub(notes.len());
    foot(painter, inner, rows.bottom(), lines.iter().take(kept).chain(&notes));
}

/// The jobs of one group, with the log of the selected one.
pub fn draw_group(app: &App, painter: &mut Painter<'_>, area: Rect, title: &str, list: &JobList) {
    array::jobs_and_log(app, painter, area, list, &format!(" {} · ", cut(&printable(title), 40)));
}

fn nothing(app: &App, painter: &mut Painter<'_>, inner: Rect, view: &FailuresView) {
    use crate::tui::action::{Action, Place};
    let longer = app.keymap.call(Place::Failures, Action::LongerSpan);
    let (text, role) = match (&view.error, &view.told) {
        (Some(error), _) => (format!("✖ it could not be read: {error}"), Role::Failed),
        (None, Some(told)) if !told.groups.is_empty() => (none_matches(app, "group"), Role::Dim),
        (None, Some(_)) => {
            (format!("✔ nothing failed in the last {}; {longer} looks further back", view.span.name()), Role::Succeeded)
        }
        (None, None) => return,
    };
    let room = inner.width.saturating_sub(2);
    let mut lines: Vec<Vec<Piece<'static>>> =
        wrap(&text, usize::from(room)).into_iter().map(|line| vec![piece(line, role)]).collect();
    lines.extend(notes(view, room));
    for (line, y) in lines.iter().zip(inner.y..inner.bottom()) {
        painter.pieces(inner.x + 1, y, room, line);
    }
}

fn cells(app: &App, group: &Group) -> Vec<Cell> {
    let exit = group.exit_code.map_or("-".to_owned(), |code| code.to_string());
    let queues: Vec<&str> = group.queues.iter().map(String::as_str).collect();
    let tells = if group.tells().is_empty() { "-" } else { group.tells() };
    vec![
        ("✖".to_owned(), Role::Failed),
        (count(group.count as u64), Role::Text),
        (exit, if group.exit_code.is_some() { Role::Failed } else { Role::Dim }),
        (group.definition.clone(), Role::Text),
        (tells.to_owned(), Role::Text),
        (queues.join(" "), Role::Dim),
        (app.setting.own.clock.short(group.first, app.now), Role::Dim),
        (app.setting.own.clock.short(group.last, app.now), Role::Text),
    ]
}

/// What there is to say of a group, a label before each line.
fn about(app: &App, group: &Group, room: u16) -> Vec<Vec<Piece<'static>>> {
    let columns = usize::from(room);
    let clock = app.setting.own.clock;
    let span = |at: Millis| clock.short(at, app.now);
    let times = if span(group.first) == span(group.last) {
        span(group.last)
    } else {
        format!("first {}, last {}", span(group.first), span(group.last))
    };
    let head =
        format!("{} × {}, {times} ({} ago)", count(group.count as u64), group.title(), age(app.now - group.last));
    let before = group.first_seen.map_or(String::new(), |at| {
        format!(" · first seen {}, {} before", relative(at, app.now), count(group.earlier as u64))
    });
    let head = head + &before;
    let mut lines = vec![vec![piece(cut(&head, columns).into_owned(), Role::Title)]];
    let mut say = |label: &str, text: &str| {
        let text = cut(text, columns.saturating_sub(LABEL)).into_owned();
        lines.push(vec![piece(format!("{label:<LABEL$}"), Role::Column), piece(text, Role::Text)]);
    };
    if !group.reason.is_empty() {
        say("reason", &group.reason);
    }
    for (at, line) in group.lines.iter().take(3).enumerate() {
        let label = if at == 0 { "log" } else { "" };
        // The group holds where all of it ends so; otherwise so many of those that were looked at.
        let of = if group.lines_read == group.count && group.lines.len() == 1 {
            String::new()
        } else {
            format!("{} of {} looked at: ", line.count, group.lines_read)
        };
        say(label, &format!("{of}{}", line.example));
    }
    if group.lines_read == 0 {
        say("log", "not looked at");
    }
    let queues: Vec<&str> = group.queues.iter().map(String::as_str).collect();
    if !queues.is_empty() {
        say("queues", &queues.join(", "));
    }
    let name = |id: &JobId| app.job_row(id).map_or_else(|| id.short(), |job| title_of(&job));
    let mut names: Vec<String> = group.jobs.iter().take(NAMED).map(name).collect();
    let more = group.count.saturating_sub(names.len());
    names.extend((more > 0).then(|| format!("{} more", count(more as u64))));
    say("jobs", &names.join(", "));
    lines
}

/// What was not fetched, and that the last reading failed.
fn notes(view: &FailuresView, room: u16) -> Vec<Vec<Piece<'static>>> {
    let failed =
        view.error.iter().filter(|_| view.told.is_some()).map(|error| format!("could not be read anew: {error}"));
    let left = view.told.iter().flat_map(|told| told.left_out.iter().cloned());
    let all: Vec<String> = failed.chain(left).collect();
    let shown = all.len().min(if all.len() > 2 { 1 } else { 2 });
    let mut texts: Vec<String> = all[..shown].to_vec();
    texts.extend((all.len() > shown).then(|| format!("and {} more that were not fetched", all.len() - shown)));
    let columns = usize::from(room).saturating_sub(2);
    texts.iter().map(|text| vec![piece(format!("▲ {}", fit(text, columns).trim_end()), Role::Attention)]).collect()
}
