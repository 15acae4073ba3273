//! An array, or a multi-node job: counts by state, a strip of all its children, the children themselves, the log of the selected one.

use super::{jobs, log};
use crate::config::theme::Role;
use crate::model::{JobId, JobStatus, JobSummary};
use crate::triage::array;
use crate::tui::action::{Action, Place};
use crate::tui::app::App;
use crate::tui::app::list::JobList;
use crate::tui::format::{age, count, cut, width};
use crate::tui::spots::What;
use crate::tui::widgets::painter::pieces_width;
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;
use std::collections::BTreeMap;

const WIDE: u16 = 150;
/// Columns before a line of the strip, with the index that it begins with, and behind it.
const MARGIN: u16 = 8;

/// ```text
///  name  state  size   counts by state                     when it is done
///  0     ████████████████████████✖███████████▒▒▒▒░░░░░░░░░░░░░░░░░░░░░░░░░
///  failed: 5207 5611-5621   exit 137 ×11, exit 1 ×1        R rerun these 12
///  the children, and the log of the selected one
/// ```
pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, parent: &JobId, list: &JobList) {
    let none = BTreeMap::new();
    let children = app.store.children.get(parent).unwrap_or(&none);
    let row = app.job_row(parent);
    let size = row.as_ref().and_then(JobSummary::parts);
    let nodes = row.as_ref().is_some_and(JobSummary::is_multi_node);
    let all = size.unwrap_or_else(|| u32::try_from(children.len()).unwrap_or(u32::MAX));
    let line = |y: u16| Rect { y, height: 1, ..area };
    summary(app, painter, line(area.y), row.as_ref(), children, size);
    let strip_lines = strip_lines(all, area);
    strip(painter, Rect { y: area.y + 1, height: strip_lines, ..area }, children, size);
    let mut taken = 1 + strip_lines;
    let failed = array::failed(children.values());
    if !failed.is_empty() && area.height > taken + 4 {
        failures(app, painter, line(area.y + taken), &failed);
        taken += 1;
    }
    let rest = Rect { y: area.y + taken, height: area.height - taken, ..area };
    jobs_and_log(app, painter, rest, list, if nodes { " Nodes · " } else { " Children · " });
}

/// Lines of the strip: as many as give each child a cell, within a part of the screen.
fn strip_lines(all: u32, area: Rect) -> u16 {
    let columns = u32::from(area.width.saturating_sub(MARGIN)).max(1);
    let most = match area.height {
        0..18 => 1,
        18..36 => 2,
        height => height / 8,
    };
    u16::try_from(all.div_ceil(columns)).unwrap_or(u16::MAX).clamp(1, most)
}

/// ` failed: 5207 5611-5621   exit 137 ×11, exit 1 ×1        R rerun these 12`
fn failures(app: &App, painter: &mut Painter<'_>, line: Rect, failed: &[array::Failed]) {
    const LABEL: &str = " failed: ";
    let indexes: Vec<u32> = failed.iter().flat_map(|way| way.indexes.iter().copied()).collect();
    let key = app.keymap.keys_at(Place::Array, Action::Rerun).into_iter().next();
    let key = key.filter(|_| app.refusal(Action::Rerun).is_none());
    let these = if indexes.len() == 1 { "it".to_owned() } else { format!("these {}", count(indexes.len() as u64)) };
    let rerun = key.map(|key| [piece(format!("  {key}"), Role::Key), piece(format!(" rerun {these} "), Role::Hint)]);
    let rerun = rerun.iter().flatten().cloned().collect::<Vec<_>>();
    let room = usize::from(line.width.saturating_sub(pieces_width(&rerun)));
    // The ways have at most a half, the first of them the most of it.
    let half = room / 2;
    let mut ways = String::new();
    for way in failed {
        let sign = if ways.is_empty() { "   " } else { ", " };
        let ending = cut(&way.ending.to_string(), half.saturating_sub(12)).into_owned();
        let part = format!("{sign}{ending} ×{}", count(way.indexes.len() as u64));
        if width(&ways) + width(&part) > half {
            ways.push_str(if ways.is_empty() { "" } else { ", …" });
            break;
        }
        ways.push_str(&part);
    }
    let numbers = array::ranges_within(indexes, room.saturating_sub(LABEL.len() + width(&ways)));
    let pieces = [piece(LABEL, Role::Failed), piece(numbers, Role::Text), piece(ways, Role::Dim)];
    painter.pieces(line.x, line.y, u16::try_from(room).unwrap_or(line.width), &pieces);
    painter.pieces_right(line.x, line.y, line.width, &rerun);
}

/// A list of jobs and the log of the selected one: side by side where there is room, else one above the other.
pub fn jobs_and_log(app: &App, painter: &mut Painter<'_>, rest: Rect, list: &JobList, title: &str) {
    let (upper, lower) = if painter.is_told() {
        (rest, Rect { height: 0, ..rest })
    } else if rest.width >= WIDE {
        let left = rest.width / 2;
        (Rect { width: left, ..rest }, Rect { x: rest.x + left, width: rest.width - left, ..rest })
    } else if rest.height >= 12 {
        let upper = rest.height * 11 / 20;
        (Rect { height: upper, ..rest }, Rect { y: rest.y + upper, height: rest.height - upper, ..rest })
    } else if app.aside {
        (Rect { height: 0, ..rest }, rest)
    } else {
        (rest, Rect { height: 0, ..rest })
    };
    painter.spot(upper, What::Side { is_log: false });
    painter.spot(lower, What::Side { is_log: true });
    if upper.height > 0 {
        let role = if app.aside { Role::Title } else { Role::Focus };
        jobs::draw(app, painter, upper, list, !app.aside, vec![piece(title.to_owned(), role)]);
    }
    if lower.height > 0 {
        log::draw(app, painter, lower, app.aside);
    }
}

/// ` render-frames  10,000 children   ✔ 8,112   ● 8   ◌ 1,868   ✖ 12     ETA ~41m`
fn summary(
    app: &App,
    painter: &mut Painter<'_>,
    line: Rect,
    row: Option<&JobSummary>,
    children: &BTreeMap<u32, JobSummary>,
    size: Option<u32>,
) {
    let is_read = row.is_some_and(|job| app.store.children_read.contains(&job.job_id));
    let left = size.filter(|_| is_read).and_then(|size| array::time_left(children.values(), size, app.now));
    let told = row.and_then(|job| job.array_properties.as_ref()).and_then(|array| array.status_summary.clone());
    // What the children amount to is a part until all of them are read; what the array says of itself is not.
    let more = if told.is_none() && !is_read { "+" } else { "" };
    let counts = told.unwrap_or_else(|| {
        let mut counts = crate::model::StatusCounts::default();
        for child in children.values() {
            counts.add(child.status, 1);
        }
        counts
    });
    let name = row.map(|job| job.job_name.clone()).unwrap_or_default();
    let parts = if row.is_some_and(JobSummary::is_multi_node) { "nodes" } else { "children" };
    let size_more = if size.is_none() { more } else { "" };
    let size = size.map_or(children.len() as u64, u64::from);
    let (state, role) = row.map_or(("", Role::Dim), |job| (job.status.as_str(), jobs::sign(job.status).1));
    let counted = [
        ("✔", counts.get(JobStatus::Succeeded), "succeeded", Role::Succeeded),
        ("●", counts.placed(), "running", Role::Running),
        ("◌", counts.waiting(), "waiting", Role::Waiting),
        ("✖", counts.get(JobStatus::Failed), "failed", Role::Failed),
    ];
    let head = |state: &str| {
        [
            piece(format!(" {name}  "), Role::Text),
            piece(state.to_owned(), role),
            piece(format!("{}{size_more} {parts}", count(size)), Role::Dim),
        ]
    };
    let (long, short) = (head(&format!("{state}  ")), head(""));
    let done = left.map(|left| piece(format!("   ETA ~{} ", age(left)), Role::Text));
    let done = done.as_slice();
    let with_words =
        counted.map(|(sign, number, word, role)| piece(format!("   {sign} {}{more} {word}", count(number)), role));
    let signs_alone = counted.map(|(sign, number, _, role)| piece(format!("   {sign} {}{more}", count(number)), role));
    let close = counted.map(|(sign, number, _, role)| piece(format!("  {sign}{}{more}", count(number)), role));
    let free = line.width.saturating_sub(pieces_width(done));
    // Words give way first, then the state, then blanks.
    let fits = |head: &[Piece<'_>], counts: &[Piece<'_>]| pieces_width(head) + pieces_width(counts) <= free;
    let head = if fits(&long, &signs_alone) { long } else { short };
    let forms = [with_words, signs_alone, close];
    let fitting = forms.iter().position(|counts| fits(&head, counts)).unwrap_or(2);
    let counts = &forms[fitting];
    let taken = painter.pieces(line.x, line.y, free, &head);
    painter.pieces(line.x + taken, line.y, free.saturating_sub(taken), counts);
    painter.pieces_right(line.x, line.y, line.width, done);
}

/// Each cell stands for a few children in the order of their indexes, and shows what needs attention most among them.
fn strip(painter: &mut Painter<'_>, area: Rect, children: &BTreeMap<u32, JobSummary>, size: Option<u32>) {
    let size = size.unwrap_or_else(|| children.keys().next_back().map_or(0, |last| last + 1));
    let columns = area.width.saturating_sub(MARGIN);
    if size == 0 || columns == 0 || painter.is_told() {
        return;
    }
    let cells = u32::from(columns) * u32::from(area.height);
    let each = size.div_ceil(cells).max(1);
    for row in 0..area.height {
        let first = u32::from(row) * u32::from(columns) * each;
        if first >= size {
            break;
        }
        let y = area.y + row;
        painter.text(area.x + 1, y, 6, &format!("{first}"), Role::Column);
        for column in 0..columns {
            let from = first + u32::from(column) * each;
            if from >= size {
                break;
            }
            let to = (from + each).min(size);
            let (sign, role) = cell(children, from, to);
            painter.text(area.x + 7 + column, y, 1, sign, role);
        }
    }
}

fn cell(children: &BTreeMap<u32, JobSummary>, from: u32, to: u32) -> (&'static str, Role) {
    let mut seen = [false; 4];
    for child in children.range(from..to).map(|(_, child)| child.status) {
        let at = match child {
            JobStatus::Failed => 0,
            status if status.is_placed() => 1,
            JobStatus::Succeeded => 3,
            _ => 2,
        };
        seen[at] = true;
    }
    match seen {
        [true, ..] => ("✖", Role::Failed),
        [_, true, ..] => ("▒", Role::Running),
        [_, _, true, _] => ("░", Role::Waiting),
        [_, _, _, true] => ("█", Role::Succeeded),
        _ => ("·", Role::Dim),
    }
}
