//! Why: causes with what speaks for them and what can be done, and when a waiting job moves.
//!
//! ```text
//!  ▲ 1  what it is                                         certain
//!       what that means
//!       field           value                              age
//!     ▸ what can be done from here
//!  Will it move?  where it stands, how fast the queue drains, when it starts
//!  Ruled out      what was looked at and is not it
//!  Not read       what could not be told, and why
//! ```

use crate::config::theme::Role;
use crate::model::{Millis, Subject, text::printable};
use crate::triage::why::{Cause, Certainty, Diagnosis, Fact, Movement, NextStep};
use crate::tui::app::App;
use crate::tui::app::why::Why;
use crate::tui::format::{age, fit, width, wrap};
use crate::tui::widgets::{Painter, Piece, piece};
use crate::tui::words;
use ratatui::layout::Rect;

type Lines = Vec<Vec<Piece<'static>>>;

/// Columns in front of what belongs to a cause.
const INDENT: u16 = 5;
/// Columns of the names of fields, where there is room.
const FIELD: usize = 30;
/// Columns of an age at the right edge.
const AGE: usize = 11;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, why: &Why) {
    let question = why.told.as_ref().map_or_else(|| subject(app, &why.subject), |told| told.question.clone());
    let title = [piece(format!(" {} ", printable(&question)), Role::Focus)];
    let read = why.told.as_ref().map(|told| app.now - told.read_at);
    let fresh = match (why.is_asked, read) {
        (true, _) => " ◌ being read … ".to_owned(),
        (false, Some(span)) if span >= 1000 => format!(" read {} ago ", age(span)),
        (false, Some(_)) => " read just now ".to_owned(),
        (false, None) => String::new(),
    };
    let inner = painter.frame(area, &title, &[piece(fresh, Role::Dim)], true);
    let room = inner.width.saturating_sub(2);
    let (lines, at) = match (&why.told, &why.error) {
        (Some(told), error) => page(app, why, told, error.as_deref(), room),
        (None, Some(error)) => (text(error, room, 0, Role::Failed), None),
        (None, None) => (Lines::new(), None),
    };
    let fits = usize::from(inner.height);
    let top = top(why, lines.len(), fits, at);
    for (row, line) in lines.iter().skip(top).take(fits).enumerate() {
        let y = inner.y + u16::try_from(row).unwrap_or(0);
        painter.pieces(inner.x + 1, y, room, line);
        if at.is_some_and(|(first, last)| (first..last).contains(&(top + row))) {
            painter.tint(Rect { y, height: 1, ..inner }, Role::Selected);
        }
    }
}

/// The first line to show: so that the step under the cursor is seen, while the lines follow it.
fn top(why: &Why, count: usize, fits: usize, at: Option<(usize, usize)>) -> usize {
    why.seen.set((count, fits));
    let most = count.saturating_sub(fits);
    let mut top = why.top.get().min(most);
    if let Some((first, last)) = at.filter(|_| why.follows) {
        if why.at == 0 && last <= fits {
            top = 0;
        } else if first < top {
            top = first;
        } else if last > top + fits {
            top = (last - fits).min(first);
        }
    }
    why.top.set(top);
    top
}

fn subject(app: &App, subject: &Subject) -> String {
    match subject {
        Subject::Job(id) => {
            let name = app.job_row(id).map_or_else(|| id.short(), |job| job.job_name);
            format!("Why is {name} as it is?")
        }
        Subject::Queue(queue) => format!("Does the queue {queue} move?"),
        Subject::Environment(name) => format!("Is the compute environment {name} well?"),
    }
}

/// All lines, and which of them are the step under the cursor.
fn page(app: &App, why: &Why, told: &Diagnosis, error: Option<&str>, room: u16) -> (Lines, Option<(usize, usize)>) {
    let mut lines = Lines::new();
    let mut at = None;
    if let Some(error) = error {
        lines.extend(text(&format!("▲ it could not be read anew: {error}"), room, 0, Role::Attention));
    }
    if told.causes.is_empty() {
        lines.push(vec![piece("✔ ", Role::Succeeded), piece(told.all_clear(), Role::Text)]);
    }
    let mut number = 0;
    for (rank, cause) in told.causes.iter().enumerate() {
        if rank > 0 {
            lines.push(Vec::new());
        }
        head(&mut lines, rank + 1, cause, room);
        lines.extend(text(&cause.why, room, INDENT, Role::Text));
        for found in &cause.evidence {
            fact(app, &mut lines, found, room);
        }
        for step in &cause.steps {
            let from = lines.len();
            let is_chosen = number == why.at;
            offer(app, &mut lines, step, is_chosen, room);
            if is_chosen {
                at = Some((from, lines.len()));
            }
            number += 1;
        }
    }
    if let Some(movement) = &told.movement {
        lines.push(Vec::new());
        moving(app, &mut lines, movement, room);
    }
    if !told.ruled_out.is_empty() {
        lines.push(Vec::new());
        labelled(&mut lines, "Ruled out", &told.ruled_out.join(" · "), room, Role::Dim);
    }
    for missing in &told.not_read {
        labelled(&mut lines, "Not read", &format!("{}: {}", missing.what, missing.why), room, Role::Attention);
    }
    (lines, at)
}

fn text(words: &str, room: u16, indent: u16, role: Role) -> Lines {
    let columns = usize::from(room.saturating_sub(indent)).max(10);
    let wrapped = wrap(words, columns).into_iter();
    wrapped.map(|line| vec![piece(" ".repeat(usize::from(indent)), role), piece(line, role)]).collect()
}

/// A label in its column, and what stands beside it over several lines.
fn labelled(lines: &mut Lines, label: &str, words: &str, room: u16, role: Role) {
    const LABEL: usize = 11;
    let columns = usize::from(room).saturating_sub(LABEL).max(10);
    for (at, part) in wrap(words, columns).into_iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        lines.push(vec![piece(format!("{label:<LABEL$}"), Role::Column), piece(part, role)]);
    }
}

fn look(certainty: Certainty) -> (&'static str, Role) {
    match certainty {
        Certainty::Certain => ("▲", Role::Failed),
        Certainty::Likely => ("▲", Role::Attention),
        Certainty::Possible => ("?", Role::Waiting),
        Certainty::Note => ("·", Role::Dim),
    }
}

fn head(lines: &mut Lines, rank: usize, cause: &Cause, room: u16) {
    let (sign, role) = look(cause.certainty);
    let right = cause.certainty.as_str();
    let columns = usize::from(room).saturating_sub(usize::from(INDENT) + width(right) + 2).max(10);
    let title_role = if cause.certainty == Certainty::Note { Role::Text } else { role };
    for (at, part) in wrap(&cause.title, columns).into_iter().enumerate() {
        if at == 0 {
            lines.push(vec![
                piece(format!("{sign} {rank:<3}"), role),
                piece(fit(&part, columns + 2), title_role),
                piece(right, role),
            ]);
        } else {
            lines.push(vec![piece(" ".repeat(usize::from(INDENT)), role), piece(part, title_role)]);
        }
    }
}

/// The field, its value, and since when it is so.
fn fact(app: &App, lines: &mut Lines, fact: &Fact, room: u16) {
    let columns = usize::from(room).saturating_sub(usize::from(INDENT) + AGE);
    let since = fact.since.map(|since| format!("{} ago", age(app.now - since))).unwrap_or_default();
    let since = if width(&since) < AGE { since } else { age(app.now - fact.since.unwrap_or(app.now)) };
    let field = printable(&fact.field);
    let is_wide = columns >= 2 * FIELD + 12 && width(&field) < FIELD;
    let (label, values) = if is_wide {
        (fit(&field, FIELD), wrap(&fact.value, columns - FIELD))
    } else {
        let whole = format!("{field}  {}", fact.value);
        (String::new(), wrap(&whole, columns.max(10)))
    };
    for (at, value) in values.into_iter().enumerate() {
        let (label, since) = if at == 0 { (label.clone(), since.as_str()) } else { (" ".repeat(width(&label)), "") };
        let value_columns = columns.saturating_sub(width(&label));
        lines.push(vec![
            piece(" ".repeat(usize::from(INDENT)), Role::Text),
            piece(label, Role::Column),
            piece(fit(&value, value_columns), Role::Dim),
            piece(format!("{since:>AGE$}"), Role::Dim),
        ]);
    }
}

/// A step; the one under the cursor shows its command line too.
fn offer(app: &App, lines: &mut Lines, step: &NextStep, is_chosen: bool, room: u16) {
    let sign = match (is_chosen, step.deed == crate::triage::why::Deed::Elsewhere) {
        (true, _) => "▸",
        (false, true) => "·",
        (false, false) => "→",
    };
    let columns = usize::from(room.saturating_sub(INDENT + 2)).max(10);
    for (at, part) in wrap(&step.words, columns).into_iter().enumerate() {
        let sign = if at == 0 { sign } else { " " };
        let role = if is_chosen { Role::Focus } else { Role::Text };
        lines.push(vec![piece(format!("   {sign} "), Role::Focus), piece("", role), piece(part, role)]);
    }
    if is_chosen && !step.command.is_empty() {
        let line = words::join(&[&["batchdeck".to_owned()], app.setting.flags.as_slice(), &step.command].concat());
        lines.push(vec![piece(" ".repeat(usize::from(INDENT) + 2), Role::Dim), piece(line, Role::Dim)]);
    }
}

fn moving(app: &App, lines: &mut Lines, movement: &Movement, room: u16) {
    let ago = |at: Millis| age(app.now - at);
    lines.push(vec![piece("Will it move?", Role::Title)]);
    let since = movement.waiting_since.map(|at| {
        let word = if movement.since_submission { "submitted" } else { "waiting for" };
        let ago_word = if movement.since_submission { " ago" } else { "" };
        format!(" · {word} {}{ago_word}", ago(at))
    });
    let here = movement.at_position_since.map(|at| format!(" · {} at this place", ago(at)));
    let place = format!("{}{}{}", movement.place(), since.unwrap_or_default(), here.unwrap_or_default());
    labelled(lines, "  place", &place, room, Role::Text);
    let mut ahead: Vec<String> = movement
        .ahead
        .iter()
        .map(|job| {
            let needs = job.needs.map(|needs| format!(" ({needs})")).unwrap_or_default();
            format!("{}{needs}", job.name)
        })
        .collect();
    let more = movement.position.map_or(0, |place| place - 1).saturating_sub(ahead.len());
    ahead.extend((more > 0).then(|| format!("{more} more")));
    if !ahead.is_empty() {
        let sum = movement.vcpus_ahead.as_ref().map(|vcpus| format!(" · {vcpus} vCPU together")).unwrap_or_default();
        labelled(lines, "  ahead", &format!("{}{sum}", ahead.join(", ")), room, Role::Dim);
    }
    for (queue, count) in &movement.before {
        let text = format!("the queue {queue} goes before: {count} waiting there");
        labelled(lines, "  ahead", &text, room, Role::Dim);
    }
    let rate = movement.drain.map_or("no rate can be told".to_owned(), |drain| drain.to_string());
    labelled(lines, "  rate", &rate, room, Role::Dim);
    labelled(lines, "  start", &movement.words(app.now), room, Role::Text);
}
