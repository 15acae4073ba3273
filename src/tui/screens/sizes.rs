//! What runs have used against what they ask for: a better size, and whether AWS Lambda would do.
//!
//! ```text
//!  ┌ Usage · 6 definitions ──────────────────────────────────── read 4s ago ┐
//!  │ definition       runs    time   memory   peak  better   vCPU  busy …    │
//!  │▸resize:14       1,204    4m12    2,048    612     768      1  0.42 …    │
//!  ├─────────────────────────────────────────────────────────────────────────┤
//!  │ memory  why; vCPU  why; Lambda  each limit                              │
//!  └─────────────────────────────────────────────────────────────────────────┘
//! ```

use super::overview::{none_matches, title};
use super::parts::{foot, fresh, say};
use crate::config::theme::Role;
use crate::model::Millis;
use crate::triage::fit::{Advice, Fit, Sizing, Verdict};
use crate::tui::app::App;
use crate::tui::app::filter::Field;
use crate::tui::app::reports::{UsageView, fit_key};
use crate::tui::format::{count, span, wrap};
use crate::tui::widgets::table::{Cell, Column, Listing, Shown};
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

const COLUMNS: [Column; 11] = [
    Column::left("definition", 14, 99).growing(3),
    Column::right("runs", 6, 60),
    Column::right("failed", 6, 50),
    Column::right("time", 6, 55),
    Column::right("MiB", 6, 90),
    Column::right("peak", 6, 89),
    Column::right("better", 6, 92),
    Column::right("vCPU", 5, 85),
    Column::right("busy", 5, 84),
    Column::right("better", 6, 91),
    Column::left("Lambda", 7, 80).growing(1),
];
/// Lines of what is said of the definition under the cursor, at most.
const TOLD: u16 = 12;
/// Columns of a label there.
const LABEL: usize = 9;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, view: &UsageView) {
    let rows = app.fits(view);
    let heading = title("", &format!("Usage · {}", count(rows.len() as u64)), &view.list.filter, true);
    let inner = painter.frame(area, &heading, &[piece(fresh(app, &view.reading), Role::Dim)], true);
    if rows.is_empty() {
        let (text, role) = match (&view.reading.error, view.told.is_empty(), view.reading.read_at) {
            (Some(error), ..) => (format!("✖ {error}"), Role::Failed),
            (None, false, _) => (none_matches(app, "definition"), Role::Dim),
            (None, true, Some(_)) => {
                ("no job has run yet: what runs use is measured and told here".to_owned(), Role::Dim)
            }
            (None, true, None) => return,
        };
        return say(painter, inner, &text, role);
    }
    let keys: Vec<String> = rows.iter().map(|fit| fit_key(fit)).collect();
    let selected = view.list.cursor.position(&keys);
    let room = inner.width.saturating_sub(2);
    let about = selected.map(|at| about(rows[at], usize::from(room))).unwrap_or_default();
    let most = (inner.height / 2).max(TOLD.min(inner.height.saturating_sub(5)));
    let below = u16::try_from(about.len()).unwrap_or(0).min(most);
    let list = Rect { height: inner.height - below - u16::from(below > 0), ..inner };
    let shown = Shown::of(&COLUMNS, None);
    let listing = Listing { list: &view.list, shown, fields: Field::USAGE, lit: &[0] };
    listing.draw(painter, list, &keys, |at| cells(rows[at]));
    foot(painter, inner, list.bottom(), &about);
}

fn cells(fit: &Fit) -> Vec<Cell> {
    let runs = &fit.runs;
    let time = |millis: u64| span(Millis::try_from(millis).unwrap_or(Millis::MAX));
    let known = |number: Option<String>| (number.unwrap_or_else(|| "?".to_owned()), Role::Dim);
    vec![
        (fit_key(fit), Role::Text),
        (count(runs.succeeded + runs.failed), Role::Dim),
        (count(runs.failed), if runs.failed > 0 { Role::Failed } else { Role::Dim }),
        known(runs.duration.map(|duration| time(duration.p50))),
        (count(fit.memory.asked), Role::Text),
        known(fit.memory.used_max.map(count)),
        better(&fit.memory, count),
        (hundredths(fit.cpu.asked), Role::Text),
        known(fit.cpu.used_p95.map(hundredths)),
        better(&fit.cpu, hundredths),
        verdict(fit.lambda.verdict),
    ]
}

/// A better size: less is a saving, more is a need.
fn better(sizing: &Sizing, show: impl Fn(u64) -> String) -> Cell {
    match (sizing.advice, sizing.suggested) {
        (Advice::Raise, Some(size)) => (show(size), Role::Failed),
        (_, Some(size)) => (show(size), Role::Succeeded),
        (Advice::Keep, None) => ("keep".to_owned(), Role::Dim),
        (_, None) => ("?".to_owned(), Role::Dim),
    }
}

fn hundredths(cpu: u64) -> String {
    let text = format!("{}.{:02}", cpu / 100, cpu % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn verdict(verdict: Verdict) -> Cell {
    match verdict {
        Verdict::Fits => ("fits".to_owned(), Role::Succeeded),
        Verdict::Close => ("close".to_owned(), Role::Attention),
        Verdict::Unknown => ("?".to_owned(), Role::Dim),
        Verdict::No => ("no".to_owned(), Role::Text),
    }
}

fn about(fit: &Fit, room: usize) -> Vec<Vec<Piece<'static>>> {
    let mut lines = Vec::new();
    let mut say = |label: &str, text: &str, role: Role| {
        for (at, part) in wrap(text, room.saturating_sub(LABEL)).into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            lines.push(vec![piece(format!("{label:<LABEL$}"), Role::Column), piece(part, role)]);
        }
    };
    say("memory", &fit.memory.reason, Role::Text);
    say("vCPU", &fit.cpu.reason, Role::Text);
    let (word, role) = verdict(fit.lambda.verdict);
    let word = if word == "?" { "not known whether it fits".to_owned() } else { word };
    say("Lambda", &word, role);
    for check in fit.lambda.checks.iter().filter(|check| check.verdict != Verdict::Fits) {
        let (word, role) = verdict(check.verdict);
        say("", &format!("{word}  {}: {}, the limit is {}", check.what, check.has, check.limit), role);
    }
    let fitting: Vec<&str> =
        fit.lambda.checks.iter().filter(|check| check.verdict == Verdict::Fits).map(|check| check.what).collect();
    if !fitting.is_empty() {
        say("", &format!("within its limits: {}", fitting.join(", ")), Role::Dim);
    }
    lines
}
