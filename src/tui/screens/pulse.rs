//! The pulse: what ended and failed of late, what waits, what runs, what it costs, and what changed.
//!
//! ```text
//!          ended  failed       an hour
//!   15 m      42      3   8 %      168   ▁▃▅█▂   ✖ ··▁·▃
//!   ▲ more fails since 02:41: 42 % of what ended, 3 % before
//!  waiting    high 12 · default 29, blocked
//!  capacity   local 6 of 8 vCPU ██████░░
//!  spend      ~$0.31/h
//!  changed    ▲ 02:39  RegisterJobDefinition resize:15 …
//! ```

use super::overview::bar;
use crate::config::theme::Role;
use crate::model::{Millis, Usd};
use crate::triage::pulse::{Environment, Pulse, Queue, Window};
use crate::tui::action::{Action, Place};
use crate::tui::app::App;
use crate::tui::app::pulse::PulseView;
use crate::tui::format::{age, count, vcpus, wrap};
use crate::tui::widgets::painter::pieces_width;
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

type Lines = Vec<Vec<Piece<'static>>>;

/// Columns of a label.
const LABEL: usize = 10;
/// Columns of the gauge of an environment.
const GAUGE: usize = 8;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, view: &PulseView) {
    let fresh = match (view.is_asked, &view.told) {
        (true, None) => " ◌ being read … ".to_owned(),
        (_, Some(told)) if app.now - told.at >= 1_000 => format!(" read {} ago ", age(app.now - told.at)),
        (_, Some(_)) => " read just now ".to_owned(),
        (false, None) => String::new(),
    };
    let inner = painter.frame(area, &[piece(" Pulse ", Role::Focus)], &[piece(fresh, Role::Dim)], true);
    let Some(told) = &view.told else { return };
    let room = inner.width.saturating_sub(2);
    let lines = page(app, told, room);
    let fits = usize::from(inner.height);
    view.scroll.seen.set((lines.len(), fits));
    let top = view.scroll.top.min(lines.len().saturating_sub(fits));
    for (line, y) in lines.iter().skip(top).zip(inner.y..inner.bottom()) {
        painter.pieces(inner.x + 1, y, room, line);
    }
    painter.hidden(inner, top, lines.len().saturating_sub(top + fits));
}

fn page(app: &App, told: &Pulse, room: u16) -> Lines {
    let mut lines = Lines::new();
    if !told.windows.is_empty() {
        lines.push(vec![piece(
            format!("{:<LABEL$}{:>7} {:>7} {:>6} {:>8}", "", "ended", "failed", "", "an hour"),
            Role::Column,
        )]);
    }
    lines.extend(told.windows.iter().map(|window| of_window(window, room)));
    lines.extend(wrong(app, told, room));
    lines.push(Vec::new());
    labelled(&mut lines, "waiting", told.queues.iter().map(of_queue).collect(), room);
    labelled(&mut lines, "capacity", told.environments.iter().map(of_environment).collect(), room);
    lines.push(vec![piece(format!("{:<LABEL$}", "spend"), Role::Column), piece(spend(app, told), Role::Text)]);
    lines.push(Vec::new());
    changes(app, &mut lines, told, room);
    if !told.unknown.is_empty() {
        lines.push(Vec::new());
    }
    for text in &told.unknown {
        for (at, part) in wrap(text, usize::from(room).saturating_sub(LABEL)).into_iter().enumerate() {
            let label = if at == 0 { "not known" } else { "" };
            lines.push(vec![piece(format!("{label:<LABEL$}"), Role::Column), piece(part, Role::Attention)]);
        }
    }
    lines
}

/// `15 m   42   3   8 %   168   ▁▃▅█▂   ✖ ··▁·▃`
fn of_window(window: &Window, room: u16) -> Vec<Piece<'static>> {
    let more = if window.is_partial { "+" } else { "" };
    let percent = window.failed_percent.map_or("-".to_owned(), |percent| format!("{percent} %"));
    let rate = match (window.ended_per_hour, window.succeeded + window.failed) {
        (0, 1..) => "<1".to_owned(),
        (rate, _) => format!("{}{more}", count(rate)),
    };
    let failed = if window.failed > 0 { Role::Failed } else { Role::Dim };
    let ended = format!("{}{more}", count(window.succeeded + window.failed));
    let mut pieces = vec![
        piece(format!("{:<LABEL$}", window.name), Role::Column),
        piece(format!("{ended:>7}"), Role::Text),
        piece(format!(" {:>7}", format!("{}{more}", count(window.failed))), failed),
        piece(format!(" {percent:>6}"), failed),
        piece(format!(" {rate:>8}"), Role::Dim),
    ];
    let left = usize::from(room.saturating_sub(pieces_width(&pieces)));
    // Both where there is room for both, else what ended alone.
    let both = left >= 2 * window.ended_bars.len() + 8;
    let each = if both { window.ended_bars.len() } else { left.saturating_sub(3) };
    pieces.push(piece(format!("   {}", sparks(&window.ended_bars, each)), Role::Gauge));
    if both {
        pieces.push(piece("   ✖ ", Role::Dim));
        pieces.push(piece(sparks(&window.failed_bars, each), Role::Failed));
    }
    pieces
}

/// Small bars, each as high as its part of the highest one; a dot where there is nothing. Where not all have room, several
/// are one.
fn sparks(bars: &[u64], columns: usize) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let each = bars.len().div_ceil(columns.max(1)).max(1);
    let shown: Vec<u64> = bars.chunks(each).map(|part| part.iter().sum()).collect();
    let most = shown.iter().copied().max().unwrap_or(0).max(1);
    let height = |bar: u64| usize::try_from((bar * 8).div_ceil(most)).unwrap_or(8).clamp(1, 8);
    shown.iter().map(|bar| if *bar == 0 { '·' } else { HEIGHTS[height(*bar) - 1] }).collect()
}

fn wrong(app: &App, told: &Pulse, room: u16) -> Lines {
    let Some(wrong) = told.wrong else { return Lines::new() };
    let key = app.keymap.keys_at(Place::Pulse, Action::ViewFailures).into_iter().next();
    let key = key.map(|key| format!(" · {key} shows what")).unwrap_or_default();
    let text = format!(
        "▲ more fails since {}: {} % of what ended, {} % before{key}",
        app.setting.own.clock.short(wrong.since, app.now),
        wrong.percent,
        wrong.percent_before
    );
    wrap(&text, usize::from(room)).into_iter().map(|line| vec![piece(line, Role::Attention)]).collect()
}

/// A label, and what stands beside it, on as many lines as that takes.
fn labelled(lines: &mut Lines, label: &str, parts: Vec<Vec<Piece<'static>>>, room: u16) {
    let mut line = vec![piece(format!("{label:<LABEL$}"), Role::Column)];
    if parts.is_empty() {
        line.push(piece("-", Role::Dim));
    }
    let mut is_first = true;
    for part in parts {
        if !is_first && pieces_width(&line) + 3 + pieces_width(&part) > room {
            lines.push(std::mem::replace(&mut line, vec![piece(" ".repeat(LABEL), Role::Column)]));
        } else if !is_first {
            line.push(piece(" · ", Role::Border));
        }
        line.extend(part);
        is_first = false;
    }
    lines.push(line);
}

fn of_queue(queue: &Queue) -> Vec<Piece<'static>> {
    let more = if queue.is_partial { "+" } else { "" };
    let told = |number: Option<u64>| number.map_or("-".to_owned(), |number| format!("{}{more}", count(number)));
    let waits = if queue.waiting.unwrap_or(0) > 0 { Role::Waiting } else { Role::Dim };
    let mut pieces = vec![
        piece(format!("{} ", queue.name), Role::Text),
        piece(format!("◌{}", told(queue.waiting)), waits),
        piece(format!(" ●{}", told(queue.running)), Role::Dim),
    ];
    pieces.extend((!queue.note.is_empty()).then(|| piece(format!(" ▲ {}", queue.note), Role::Attention)));
    pieces
}

fn of_environment(found: &Environment) -> Vec<Piece<'static>> {
    let told = |number: Option<f64>| number.map_or("-".to_owned(), vcpus);
    let used = found.used.or(found.launched);
    let gauge = used.zip(found.most).map(|(used, most)| bar(used, most, GAUGE)).unwrap_or_default();
    let mut pieces = vec![
        piece(format!("{} ", found.name), Role::Text),
        piece(format!("{gauge} "), Role::Gauge),
        piece(format!("{} of {} vCPU", told(used), told(found.most)), Role::Dim),
    ];
    pieces.extend((!found.note.is_empty()).then(|| piece(format!(" ▲ {}", found.note), Role::Attention)));
    pieces
}

/// `~$0.31/h now · ~$4.20 since 24 Nov`
fn spend(app: &App, told: &Pulse) -> String {
    let rate = told.usd_per_hour.filter(|usd| *usd > Usd::ZERO).map(|usd| format!("~{usd} an hour now"));
    let since = |at: Millis| format!(" since {}", app.setting.own.clock.day(at));
    let spent = told.spent.as_ref().map(|spent| format!("~{}{}", spent.usd, spent.from.map(since).unwrap_or_default()));
    let parts: Vec<String> = rate.into_iter().chain(spent).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(" · ") }
}

fn changes(app: &App, lines: &mut Lines, told: &Pulse, room: u16) {
    if told.changes.is_empty() {
        lines.push(vec![
            piece(format!("{:<LABEL$}", "changed"), Role::Column),
            piece("nothing that is recorded, within 24 h", Role::Dim),
        ]);
    }
    for (at, change) in told.changes.iter().enumerate() {
        let label = if at == 0 { "changed" } else { "" };
        let (sign, role) = if change.is_suspect { ("▲", Role::Attention) } else { (" ", Role::Text) };
        let when = app.setting.own.clock.short(change.at, app.now);
        let columns = usize::from(room).saturating_sub(LABEL + 10);
        for (at, part) in wrap(&change.words, columns).into_iter().enumerate() {
            let (label, sign, when) = if at == 0 { (label, sign, when.as_str()) } else { ("", "", "") };
            lines.push(vec![
                piece(format!("{label:<LABEL$}"), Role::Column),
                piece(format!("{sign:<2}"), role),
                piece(format!("{when:<8}"), Role::Dim),
                piece(part, role),
            ]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_part_of_the_highest_and_nothing_is_a_dot() {
        assert_eq!(sparks(&[0, 1, 4, 8], 4), "·▁▄█");
        assert_eq!(sparks(&[9, 0, 1000, 1], 3), "▁█", "two are one");
        assert_eq!(sparks(&[], 3), "");
    }
}
