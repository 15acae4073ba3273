//! An array, or a multi-node job: counts by state, a strip of all its children, the children themselves, the log of the selected one.

use super::{jobs, log};
use crate::config::theme::Role;
use crate::model::{JobId, JobStatus, JobSummary};
use crate::tui::app::App;
use crate::tui::app::list::JobList;
use crate::tui::format::count;
use crate::tui::widgets::painter::pieces_width;
use crate::tui::widgets::{Painter, piece};
use ratatui::layout::Rect;
use std::collections::BTreeMap;

const WIDE: u16 = 150;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, parent: &JobId, list: &JobList) {
    let none = BTreeMap::new();
    let children = app.store.children.get(parent).unwrap_or(&none);
    let row = app.job_row(parent);
    let size = row.as_ref().and_then(JobSummary::parts);
    let nodes = row.as_ref().is_some_and(JobSummary::is_multi_node);
    let all = size.unwrap_or_else(|| u32::try_from(children.len()).unwrap_or(u32::MAX));
    let needs_two = all > u32::from(area.width.saturating_sub(8));
    let strip_lines = if needs_two && area.height >= 18 { 2 } else { 1 };
    let line = Rect { height: 1, ..area };
    let is_read = app.store.children_read.contains(parent);
    summary(painter, line, row.as_ref(), children, size, is_read);
    strip(painter, Rect { y: area.y + 1, height: strip_lines, ..area }, children, size);
    let rest = Rect { y: area.y + 1 + strip_lines, height: area.height - 1 - strip_lines, ..area };
    let (upper, lower) = if area.width >= WIDE {
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
    if upper.height > 0 {
        let role = if app.aside { Role::Title } else { Role::Focus };
        jobs::draw(
            app,
            painter,
            upper,
            list,
            !app.aside,
            vec![piece(if nodes { " Nodes · " } else { " Children · " }, role)],
        );
    }
    if lower.height > 0 {
        log::draw(app, painter, lower, app.aside);
    }
}

/// ` render-frames  10,000 children   ✔ 8,112   ● 8   ◌ 1,868   ✖ 12`
fn summary(
    painter: &mut Painter<'_>,
    line: Rect,
    row: Option<&JobSummary>,
    children: &BTreeMap<u32, JobSummary>,
    size: Option<u32>,
    is_read: bool,
) {
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
    let head = [
        piece(format!(" {name}  "), Role::Text),
        piece(format!("{state}  "), role),
        piece(format!("{}{size_more} {parts}", count(size)), Role::Dim),
    ];
    let taken = painter.pieces(line.x, line.y, line.width, &head);
    let room = line.width - taken;
    let with_words =
        counted.map(|(sign, number, word, role)| piece(format!("   {sign} {}{more} {word}", count(number)), role));
    let signs_alone = counted.map(|(sign, number, _, role)| piece(format!("   {sign} {}{more}", count(number)), role));
    let fitting = if pieces_width(&with_words) <= room { with_words } else { signs_alone };
    painter.pieces(line.x + taken, line.y, room, &fitting);
}

/// Each cell stands for a few children in the order of their indexes, and shows what needs attention most among them.
fn strip(painter: &mut Painter<'_>, area: Rect, children: &BTreeMap<u32, JobSummary>, size: Option<u32>) {
    let size = size.unwrap_or_else(|| children.keys().next_back().map_or(0, |last| last + 1));
    let columns = area.width.saturating_sub(8);
    if size == 0 || columns == 0 {
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
