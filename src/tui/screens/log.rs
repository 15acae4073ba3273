//! The log of the selected job, as a pane or on the whole screen.

use crate::config::theme::Role;
use crate::model::text::printable;
use crate::tui::app::App;
use crate::tui::app::log::{LogPane, Subject};
use crate::tui::format::{count, width, wrap};
use crate::tui::log_reading::Line;
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

/// Columns of the time before a line.
const TIME: u16 = 9;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, has_keys: bool) {
    let log = &app.log;
    let role = if has_keys { Role::Focus } else { Role::Title };
    let number = if app.views.len() == 1 { "4" } else { "" };
    let mut title = vec![piece(format!("{number} Log "), role)];
    match &log.shown {
        Subject::Nothing => {}
        Subject::Without { name, .. } | Subject::Asked { name, .. } => {
            title.push(piece(format!("· {} ", printable(name)), role));
        }
        Subject::Stream(stream) => {
            title.push(piece(format!("· {} ", printable(&stream.name)), role));
            if !stream.which.is_empty() {
                title.push(piece(format!("· {} ", stream.which), Role::Dim));
            }
        }
    }
    if !log.filter.is_empty() {
        title.push(piece(format!("/{} ", printable(&log.filter)), Role::Match));
    }
    let lines = log.visible();
    let taken: usize = title.iter().map(|(text, _)| width(text)).sum();
    // A piece of the frame stays between the two.
    let right = state(app, &lines, usize::from(area.width).saturating_sub(taken + 4));
    let inner = painter.frame(area, &title, &right, has_keys);
    if inner.width < 4 || inner.height == 0 {
        return;
    }
    if lines.is_empty() {
        let (text, role) = nothing(app);
        for (at, text) in wrap(&text, usize::from(inner.width - 2)).iter().take(usize::from(inner.height)).enumerate() {
            let y = inner.y + u16::try_from(at).unwrap_or(0);
            painter.text(inner.x + 1, y, inner.width - 2, text, role);
        }
        return;
    }
    if log.wrap {
        wrapped(app, painter, inner, &lines);
    } else {
        let fits = usize::from(inner.height);
        let last_top = lines.len().saturating_sub(fits);
        let top = if log.following { last_top } else { log.top.min(last_top) };
        log.seen.set((top, fits));
        for (at, line) in lines.iter().skip(top).take(fits).enumerate() {
            let y = inner.y + u16::try_from(at).unwrap_or(0);
            let taken = time(app, painter, inner, y, line);
            painter.text(inner.x + taken, y, inner.width - taken, &line.text, level(&line.text));
        }
    }
}

fn time(app: &App, painter: &mut Painter<'_>, inner: Rect, y: u16, line: &Line) -> u16 {
    if inner.width < 30 {
        return 0;
    }
    painter.text(inner.x, y, TIME, &app.setting.clock.time(line.at), Role::LogTime);
    TIME
}

/// Draws wrapped lines: from the bottom up while it is followed, from the first line on otherwise.
fn wrapped(app: &App, painter: &mut Painter<'_>, inner: Rect, lines: &[&Line]) {
    let log = &app.log;
    let height = usize::from(inner.height);
    let indent = if inner.width < 30 { 0 } else { TIME };
    let room = usize::from(inner.width - indent);
    let start = if log.following {
        let mut taken = 0;
        let mut start = lines.len();
        while start > 0 {
            taken += wrap(&lines[start - 1].text, room).len();
            if taken > height && start < lines.len() {
                break;
            }
            start -= 1;
            if taken >= height {
                break;
            }
        }
        start
    } else {
        log.top.min(lines.len() - 1)
    };
    let mut y = inner.y;
    let mut shown = 0;
    for line in &lines[start..] {
        let parts = wrap(&line.text, room);
        if y >= inner.bottom() {
            break;
        }
        time(app, painter, inner, y, line);
        for part in parts {
            if y >= inner.bottom() {
                break;
            }
            painter.text(inner.x + indent, y, inner.width - indent, &part, level(&line.text));
            y += 1;
        }
        shown += 1;
    }
    log.seen.set((start, shown));
}

/// Where one is, in as many words as there is room for.
fn state(app: &App, lines: &[&Line], room: usize) -> Vec<Piece<'static>> {
    let log = &app.log;
    let Subject::Stream(stream) = &log.shown else { return Vec::new() };
    if let Some(error) = &log.error {
        return vec![piece(format!(" ▲ {error} "), Role::Attention)];
    }
    let mut words: Vec<(String, Role)> = Vec::new();
    if log.wrap {
        words.push(("wrap".into(), Role::Dim));
    }
    let is_filtered = !log.filter.trim().is_empty();
    if is_filtered {
        words.push((format!("{} of {} held", count(lines.len() as u64), held(log)), Role::Dim));
    }
    if log.following {
        if let Some(skipped) = log.skipped {
            let more = if skipped.is_exact { "" } else { "+" };
            words.push((format!("skipped {}{more} lines", count(skipped.lines)), Role::Attention));
        }
        words.push((if stream.ended { "ended" } else { "following ▼" }.into(), Role::Dim));
    } else {
        let (top, fits) = log.seen.get();
        if top == 0 && !is_filtered {
            words.push((if log.window.has_first { "first line" } else { "… earlier lines above" }.into(), Role::Dim));
        }
        if !is_filtered {
            let more = if log.window.has_first && log.window.has_last() { "" } else { "+" };
            let bottom = count((top + fits).min(lines.len()) as u64);
            words.push((format!("{bottom} of {}{more}", held(log)), Role::Dim));
        }
        match log.window.below {
            _ if log.window.is_below_unknown() => words.push(("more below".into(), Role::Dim)),
            0 => {}
            below => words.push((format!("+{} newer", count(below)), Role::Attention)),
        }
    }
    // The last words say most.
    let wide = |words: &[(String, Role)]| words.iter().map(|(text, _)| width(text) + 3).sum::<usize>();
    while words.len() > 1 && wide(&words) > room + 1 {
        words.remove(0);
    }
    let last = words.len() - 1;
    let parted = |(at, (text, role)): (usize, (String, Role))| {
        piece(format!(" {text} {}", if at < last { "·" } else { "" }), role)
    };
    words.into_iter().enumerate().map(parted).collect()
}

fn held(log: &LogPane) -> String {
    count(log.window.len() as u64)
}

/// Why there are no lines.
fn nothing(app: &App) -> (String, Role) {
    match &app.log.shown {
        Subject::Nothing => ("no job is selected".into(), Role::Dim),
        Subject::Asked { .. } => ("◌ being read …".into(), Role::Dim),
        Subject::Without { why, .. } => (format!("no log: {why}"), Role::Dim),
        Subject::Stream(_) if app.log.error.is_some() => {
            (format!("✖ {}", app.log.error.as_deref().unwrap_or_default()), Role::Failed)
        }
        Subject::Stream(_) if !app.log.is_read => ("◌ being read …".into(), Role::Dim),
        Subject::Stream(_) if !app.log.filter.is_empty() && !app.log.window.is_empty() => {
            let lines = held(&app.log);
            let wanted = app.log.filter.trim();
            (format!("no line holds `{wanted}` in the {lines} lines held; Esc clears the filter"), Role::Dim)
        }
        Subject::Stream(stream) if stream.ended => ("it wrote nothing".into(), Role::Dim),
        Subject::Stream(_) => ("◌ no lines yet; they are shown as they come".into(), Role::Dim),
    }
}

/// The role of a line by the words that loggers use.
fn level(text: &str) -> Role {
    const BAD: [&str; 6] = ["ERROR", "FATAL", "CRITICAL", "panicked", "Traceback", "error:"];
    const ODD: [&str; 3] = ["WARN", "warning:", "DEPRECATED"];
    if BAD.iter().any(|word| text.contains(word)) {
        Role::Failed
    } else if ODD.iter().any(|word| text.contains(word)) {
        Role::Attention
    } else {
        Role::Text
    }
}
