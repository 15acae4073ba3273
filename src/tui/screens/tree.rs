//! Dependencies of a job, both ways.
//!
//! ```text
//!  ▲ root blocker  resize-4711 RUNNING for 4m            b goes there
//!  depends on
//!   └ ● resize-4711                            RUNNING      4m   ◀ root blocker
//!      └ ✔ fetch-1                             SUCCEEDED    9m
//!   ◌ pack-9                                   PENDING      2m
//!  holds up
//!   └ ◌ publish-9                              PENDING      2m
//! ```

use super::jobs::sign;
use crate::config::theme::Role;
use crate::model::{DependencyKind, JobStatus, text::printable};
use crate::triage::lineage::{Branch, RootBlocker, Tree};
use crate::tui::action::{Action, Place};
use crate::tui::app::App;
use crate::tui::app::tree::TreeView;
use crate::tui::format::{age, count, cut, fit, fit_right, width, wrap};
use crate::tui::widgets::painter::pieces_width;
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

/// Behind the root blocker, where there is no column for reasons.
const NARROW_MARK: &str = "  ◀";
/// From this width on, reasons have a column.
const WIDE: u16 = 100;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, view: &TreeView) {
    let name = app.job_row(&view.job).map_or_else(|| view.job.short(), |job| job.job_name);
    let title = [piece(format!(" Dependencies of {} ", cut(&printable(&name), 40)), Role::Focus)];
    let fresh = match (view.is_asked, &view.told) {
        (true, _) => " ◌ being read … ".to_owned(),
        (false, Some(told)) if app.now - told.at >= 1_000 => format!(" read {} ago ", age(app.now - told.at)),
        (false, Some(_)) => " read just now ".to_owned(),
        (false, None) => String::new(),
    };
    let inner = painter.frame(area, &title, &[piece(fresh, Role::Dim)], true);
    let room = inner.width.saturating_sub(2);
    let Some(told) = &view.told else {
        let error = view.error.as_ref().map(|error| format!("✖ it could not be read: {error}"));
        say(painter, inner, &[(error.unwrap_or_default(), Role::Failed)]);
        return;
    };
    let mut notes: Vec<(String, Role)> = Vec::new();
    notes.extend(view.error.iter().map(|error| (format!("▲ it could not be read anew: {error}"), Role::Attention)));
    notes.extend(told.left_out.iter().map(|left| (format!("▲ not fetched: {left}"), Role::Attention)));
    notes.extend(reason_below(view, inner.width).map(|reason| (reason, Role::Dim)));
    let head = Rect { x: inner.x + 1, width: room, height: 1, ..inner };
    headline(app, painter, head, told);
    let wrapped = notes.iter().map(|(text, _)| wrap(text, usize::from(room)).len()).sum::<usize>();
    let below = u16::try_from(wrapped).unwrap_or(u16::MAX).min(inner.height.saturating_sub(4));
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1 + below), ..inner };
    rows(app, painter, body, view, told);
    say(painter, Rect { y: body.bottom(), height: below, ..inner }, &notes);
}

fn say(painter: &mut Painter<'_>, area: Rect, texts: &[(String, Role)]) {
    let room = usize::from(area.width.saturating_sub(2));
    let lines = texts.iter().flat_map(|(text, role)| wrap(text, room).into_iter().map(move |line| (line, *role)));
    for ((line, role), y) in lines.zip(area.y..area.bottom()) {
        painter.text(area.x + 1, y, area.width.saturating_sub(2), &line, role);
    }
}

/// What holds it up, or that nothing does.
fn headline(app: &App, painter: &mut Painter<'_>, line: Rect, told: &Tree) {
    let key = app.keymap.keys_at(Place::Tree, Action::RootBlocker).into_iter().next();
    let pieces: Vec<Piece<'static>> = match &told.root_blocker {
        Some(root) => {
            let others = match root.others {
                0 => String::new(),
                others => format!(" · {} more hold it up too", count(others as u64)),
            };
            vec![
                piece("▲ root blocker  ", Role::Attention),
                piece(printable(&root.name).into_owned(), Role::Text),
                piece(format!(" {}{others}", standing(app, told, root)), Role::Dim),
            ]
        }
        None if told.own.status.is_some_and(JobStatus::is_final) => {
            vec![piece("it has ended, and waits for nothing", Role::Dim)]
        }
        None if told.before.is_empty() => vec![piece("✔ it depends on no other job", Role::Succeeded)],
        None => vec![piece("✔ all that it depends on has succeeded", Role::Succeeded)],
    };
    let key = key.filter(|_| told.root_blocker.is_some());
    let key = key.map(|key| [piece(format!("  {key}"), Role::Key), piece(" goes there", Role::Hint)]);
    let key: Vec<Piece<'static>> = key.into_iter().flatten().collect();
    painter.pieces(line.x, line.y, line.width.saturating_sub(pieces_width(&key)), &pieces);
    painter.pieces_right(line.x, line.y, line.width, &key);
}

/// `RUNNING for 4m`, `FAILED 12m ago`.
fn standing(app: &App, told: &Tree, root: &RootBlocker) -> String {
    let Some(status) = root.status else { return "is not known any more".to_owned() };
    let since = told.before.iter().find(|row| row.id == root.id).and_then(|row| row.since);
    let span = since.map(|since| age(app.now - since));
    match span {
        Some(span) if status.is_final() => format!("{status} {span} ago"),
        Some(span) => format!("{status} for {span}"),
        None => status.to_string(),
    }
}

fn rows(app: &App, painter: &mut Painter<'_>, body: Rect, view: &TreeView, told: &Tree) {
    enum Line<'t> {
        Heading(&'static str),
        Row(usize, &'t Branch),
    }
    let all = view.rows();
    let own = told.before.len();
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (at, (_, row)) in all.iter().enumerate() {
        if at == 0 && own > 0 {
            lines.push(Line::Heading("depends on"));
        }
        if at == own + 1 {
            lines.push(Line::Heading("holds up"));
        }
        lines.push(Line::Row(at, row));
    }
    if told.behind.is_empty() {
        lines.push(Line::Heading("holds up no other job that is known"));
    }
    let selected = view.at();
    let line_of = |at: usize| lines.iter().position(|line| matches!(line, Line::Row(row, _) if *row == at));
    let chosen = selected.and_then(line_of);
    let top = view.list.cursor.window(chosen, lines.len(), usize::from(body.height));
    let root = told.root_blocker.as_ref().map(|root| &root.id);
    for (line, y) in lines.iter().skip(top).zip(body.y..body.bottom()) {
        match line {
            Line::Heading(text) => {
                painter.text(body.x + 1, y, body.width.saturating_sub(2), text, Role::Column);
            }
            Line::Row(at, row) => {
                let area = Rect { y, height: 1, ..body };
                draw_row(app, painter, area, row, root == Some(&row.id), *at == own);
                if selected == Some(*at) {
                    painter.text(body.x, y, 1, "▸", Role::Focus);
                    painter.tint(area, Role::Selected);
                }
            }
        }
    }
}

fn draw_row(app: &App, painter: &mut Painter<'_>, area: Rect, row: &Branch, is_root: bool, is_own: bool) {
    const STATE: usize = 10;
    const AGE: usize = 7;
    let room = usize::from(area.width.saturating_sub(2));
    let mark = if is_root { "  ◀ root blocker" } else { "" };
    let reason = if area.width >= WIDE { room / 3 } else { 0 };
    let right = STATE + AGE + if area.width >= WIDE { reason } else { width(NARROW_MARK) };
    let (sign, role) = row.status.map_or(("?", Role::Attention), sign);
    let name = if row.name.is_empty() { row.id.short() } else { row.name.clone() };
    let kind = match row.kind {
        Some(DependencyKind::NToN) => "  child by child",
        Some(DependencyKind::Sequential) => "  in sequence",
        None => "",
    };
    let again = if row.is_repeated { "  (as above)" } else { "" };
    let twigs = twigs(&row.lasts);
    let left = room.saturating_sub(right);
    let names = left.saturating_sub(width(&twigs) + 2);
    let state = row.status.map_or("not found", JobStatus::as_str);
    let since = row.since.map(|since| age(app.now - since)).unwrap_or_default();
    let mut pieces = vec![
        piece(twigs, Role::Border),
        piece(format!("{sign} "), role),
        piece(fit(&format!("{name}{kind}{again}"), names), if is_own { Role::Title } else { Role::Text }),
        piece(format!("{state:<STATE$}"), role),
        piece(fit_right(&since, AGE), Role::Dim),
    ];
    if area.width >= WIDE {
        let text = if is_root { format!("{mark}  {}", row.reason) } else { format!("  {}", row.reason) };
        pieces.push(piece(fit(&text, reason), if is_root { Role::Attention } else { Role::Dim }));
    } else if is_root {
        pieces.push(piece(NARROW_MARK, Role::Attention));
    }
    painter.pieces(area.x + 1, area.y, u16::try_from(room).unwrap_or(area.width), &pieces);
}

/// ` │  └ `: where a job hangs.
fn twigs(lasts: &[bool]) -> String {
    let Some((last, above)) = lasts.split_last() else { return " ".to_owned() };
    let mut text: String = above.iter().map(|last| if *last { "   " } else { " │ " }).collect();
    text.push_str(if *last { " └ " } else { " ├ " });
    text
}

/// Why the job under the cursor is as it is, where there is no column for that.
fn reason_below(view: &TreeView, columns: u16) -> Option<String> {
    let row = view.selected().filter(|row| columns < WIDE && !row.reason.is_empty())?;
    Some(format!("{}: {}", row.name, row.reason))
}
