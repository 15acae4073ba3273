//! The log of the selected job, as a pane or on the whole screen.

use super::jobs::why;
use crate::config::theme::Role;
use crate::model::text::printable;
use crate::model::{Ink, Level, LogPattern, Unfolded, Way};
use crate::tui::action::{Action, Place};
use crate::tui::app::App;
use crate::tui::app::log::{LogPane, Subject, Times, bars};
use crate::tui::format::{Clock, count, cut, span, width, wrap, wrapped};
use crate::tui::log_reading::Line;
use crate::tui::theme::printed;
use crate::tui::widgets::painter::pieces_width;
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;
use std::borrow::Cow;
use std::ops::Range;

/// Columns of a job's name in the title, at least.
const NAME: usize = 12;
/// Columns of the time before a line.
const TIME: u16 = 9;

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, has_keys: bool) {
    let log = &app.log;
    let role = if has_keys { Role::Focus } else { Role::Title };
    let number = if app.views.len() == 1 { "4" } else { "" };
    let mut title = vec![piece(format!("{number} Log "), role)];
    let (name, which) = match &log.shown {
        Subject::Nothing => (None, ""),
        Subject::Without { name, .. } | Subject::Asked { name, .. } => (Some(name), ""),
        Subject::Stream(stream) => (Some(&stream.name), stream.which.as_str()),
    };
    if !which.is_empty() {
        title.push(piece(format!("· {which} "), Role::Dim));
    }
    if let Some(keep) = &log.keep {
        title.push(piece(format!("&{} ", printable(keep.typed())), Role::Match));
    }
    if let Some((_, word)) = log.since {
        title.push(piece(format!("· last {word} "), Role::Match));
    }
    let wide = |pieces: &[Piece<'_>]| usize::from(pieces_width(pieces));
    // A piece of the frame stays between the title and what stands at the right.
    let room = usize::from(area.width).saturating_sub(4);
    if let Some(name) = name {
        // A long name leaves room for which log it is and whether it goes on.
        let rest = wide(&title) + wide(&state(app, 0)) + 3;
        let shown = cut(name, room.saturating_sub(rest).max(NAME)).into_owned();
        title.insert(1, piece(format!("· {shown} "), role));
    }
    let right = state(app, room.saturating_sub(wide(&title)));
    let inner = painter.frame(area, &title, &right, has_keys);
    if inner.width < 4 || inner.height == 0 {
        return;
    }
    if log.window.is_empty() {
        let (text, role) = nothing(app);
        for (at, text) in wrap(&text, usize::from(inner.width - 2)).iter().take(usize::from(inner.height)).enumerate() {
            let y = inner.y + u16::try_from(at).unwrap_or(0);
            painter.text(inner.x + 1, y, inner.width - 2, text, role);
        }
        return;
    }
    let inner = if log.histogram.is_shown { histogram(app, painter, inner) } else { inner };
    let height = usize::from(inner.height);
    let top = if log.looks.wrap { wrapped_top(log, inner) } else { plain_top(log, height) };
    let mut y = inner.y;
    let mut shown = 0;
    for (at, line) in log.window.lines_from(top).enumerate().take(height) {
        if y >= inner.bottom() {
            break;
        }
        let is_pointed = log.point == Some(top + at);
        y += draw_line(app, painter, Rect { y, height: inner.bottom() - y, ..inner }, line, is_pointed);
        shown += 1;
    }
    log.seen.set((top, if log.looks.wrap { shown } else { height }));
}

/// Draws when the lines were written, with the time that is in sight set off, and returns what is left for the lines.
///
/// ```text
///  all ▂▃▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█▃▁▁▁▁▁▁▁
///  err                         █
///  03:02:40      1,204 lines, 12 errors, 4s a bar      03:12:40
/// ```
fn histogram(app: &App, painter: &mut Painter<'_>, inner: Rect) -> Rect {
    const LABEL: u16 = 5;
    if inner.height < 8 || inner.width < 40 || painter.is_told() {
        return inner;
    }
    let log = &app.log;
    let columns = usize::from(inner.width - LABEL - 1);
    let Some((told, is_whole)) = log.lines_over_time(columns) else { return inner };
    let (x, y, room) = (inner.x + LABEL, inner.y, inner.width - LABEL);
    let rest = Rect { y: y + 3, height: inner.height - 3, ..inner };
    painter.text(inner.x, y, LABEL, " all", Role::Dim);
    painter.text(x, y, room, &bars(&told, |span| span.lines), Role::Gauge);
    painter.text(inner.x, y + 1, LABEL, " err", Role::Dim);
    painter.text(x, y + 1, room, &bars(&told, |span| span.errors), Role::Failed);
    if let Some((from, to)) = in_sight(log, rest) {
        let length = told.last - told.first + 1;
        let column = |at: i64| {
            let column = (at - told.first).clamp(0, length - 1) * i64::from(room - 1) / length;
            u16::try_from(column).unwrap_or(0)
        };
        let (from, to) = (column(from), column(to));
        painter.tint(Rect { x: x + from, y, width: to - from + 1, height: 2 }, Role::Selected);
    }
    let clock = if log.looks.times == Times::Utc { Clock::Utc } else { app.setting.own.clock };
    painter.text(x, y + 2, room, &clock.time(told.first), Role::LogTime);
    let last = [piece(clock.time(told.last), Role::LogTime)];
    painter.pieces_right(x, y + 2, room - 1, &last);
    let bar = (told.last - told.first) / i64::try_from(columns).unwrap_or(1);
    let bar = if bar < 1_000 { format!("{}ms", bar.max(1)) } else { span(bar) };
    let (total, guess) = (told.total(), if told.is_estimate { "~" } else { "" });
    let (only, held) = if is_whole { ("", "") } else { ("only the ", " held") };
    let (lines, errors) = (count(total.lines), count(total.errors));
    let (line, error) =
        (if total.lines == 1 { "line" } else { "lines" }, if total.errors == 1 { "error" } else { "errors" });
    let words = format!("{only}{guess}{lines} {line}{held}, {guess}{errors} {error}, {bar} a bar");
    let wide = u16::try_from(width(&words)).unwrap_or(u16::MAX);
    if wide + 20 < room {
        painter.text(x + (room - wide) / 2, y + 2, wide, &words, Role::Dim);
    }
    rest
}

/// The times of the first and of the last line that an area shows.
fn in_sight(log: &LogPane, area: Rect) -> Option<(i64, i64)> {
    let height = usize::from(area.height);
    let (top, shown) =
        if log.looks.wrap { (wrapped_top(log, area), log.seen.get().1) } else { (plain_top(log, height), height) };
    let mut times = log.window.lines_from(top).take(shown.max(1)).map(|line| line.at).filter(|at| *at > 0);
    let first = times.next()?;
    Some((first, times.last().unwrap_or(first)))
}

fn plain_top(log: &LogPane, height: usize) -> usize {
    let last_top = log.window.len().saturating_sub(height);
    if log.following { last_top } else { log.top.min(last_top) }
}

/// Of wrapped lines: from the bottom up while it is followed, from the first line on otherwise.
fn wrapped_top(log: &LogPane, inner: Rect) -> usize {
    if !log.following {
        return log.top.min(log.window.len() - 1);
    }
    let (height, room) =
        (usize::from(inner.height), usize::from(inner.width - indent(log, inner) - label_width(log, inner)));
    let mut taken = 0;
    let mut start = log.window.len();
    for line in log.window.lines().rev() {
        taken += wrapped(&Spelled::of(log, line).text, room).len();
        if taken > height && start < log.window.len() {
            break;
        }
        start -= 1;
        if taken >= height {
            break;
        }
    }
    start
}

/// Columns before a line.
fn indent(log: &LogPane, inner: Rect) -> u16 {
    if inner.width < 30 || log.looks.times == Times::Off { 0 } else { TIME }
}

/// What tells the lines of several logs apart.
const TINTS: [Role; 5] = [Role::Running, Role::Succeeded, Role::Waiting, Role::Marked, Role::Column];

/// Columns of what is before a line of one of several logs; none where there is one alone.
fn label_width(log: &LogPane, inner: Rect) -> u16 {
    let Subject::Stream(stream) = &log.shown else { return 0 };
    let widest = stream.merged.iter().map(|source| width(&source.label.text)).max().unwrap_or(0);
    let widest = u16::try_from(widest).unwrap_or(u16::MAX).min(16).min(inner.width / 4);
    if widest > 0 { widest + 1 } else { 0 }
}

/// Draws a line at the top of an area, and returns the rows that it takes.
fn draw_line(app: &App, painter: &mut Painter<'_>, area: Rect, line: &Line, is_pointed: bool) -> u16 {
    let log = &app.log;
    let indent = indent(log, area);
    if indent > 0 {
        let time = match log.looks.times {
            Times::Ago => format!("{:>8}", format!("-{}", span((app.now - line.at).max(0)))),
            Times::Utc => Clock::Utc.time(line.at),
            Times::Clock | Times::Off => app.setting.own.clock.time(line.at),
        };
        painter.text(area.x, area.y, indent, &time, Role::LogTime);
        if log.is_marked(line.at, &line.text) {
            painter.text(area.x + indent - 1, area.y, 1, "◆", Role::Marked);
        }
    }
    let mut room = Rect { x: area.x + indent, width: area.width - indent, ..area };
    let labels = label_width(log, area);
    if let Some(label) = line.label.as_ref().filter(|_| labels > 0) {
        painter.text(room.x, area.y, labels - 1, &label.text, TINTS[label.number % TINTS.len()]);
    }
    room = Rect { x: room.x + labels, width: room.width - labels, ..room };
    let spelled = Spelled::of(log, line);
    let text = spelled.text.as_ref();
    let parts =
        if log.looks.wrap { wrapped(text, usize::from(room.width)) } else { std::iter::once(0..text.len()).collect() };
    let hits = log.search.as_ref().map(|search| search.pattern.places(text)).unwrap_or_default();
    let mut rows = 0;
    for part in parts.iter().take(usize::from(area.height)) {
        let y = area.y + rows;
        painter.text(room.x, y, room.width, &text[part.clone()], spelled.role);
        // Where what lies between two places of the text stands on this row.
        let on_row = |range: &Range<usize>| {
            let (from, to) = (range.start.max(part.start), range.end.min(part.end));
            let column = |at: usize| u16::try_from(width(&text[part.start..at])).unwrap_or(u16::MAX).min(room.width);
            (from < to).then(|| Rect { x: room.x + column(from), y, width: column(to) - column(from), height: 1 })
        };
        for (range, role) in &spelled.pieces {
            if let Some(area) = on_row(range) {
                painter.tint(area, *role);
            }
        }
        if log.looks.printed {
            for (range, ink) in spelled.inks {
                if let Some(area) = on_row(range) {
                    painter.patch(area, printed(*ink, app.setting.own.depth));
                }
            }
        }
        if is_pointed {
            painter.tint(Rect { y, height: 1, ..area }, Role::Selected);
        }
        for hit in hits.iter().filter_map(on_row) {
            painter.emphasise(hit, Role::Match);
        }
        rows += 1;
    }
    rows
}

/// A line as it is written on the screen.
struct Spelled<'l> {
    text: Cow<'l, str>,
    role: Role,
    /// Pieces in other roles.
    pieces: Vec<(Range<usize>, Role)>,
    /// As the job printed them.
    inks: &'l [(Range<usize>, Ink)],
}

impl<'l> Spelled<'l> {
    fn of(log: &LogPane, line: &'l Line) -> Self {
        let role = match line.level {
            _ if log.looks.printed && !line.inks.is_empty() => Role::Text,
            Some(Level::Error) => Role::Failed,
            Some(Level::Warn) => Role::Attention,
            Some(Level::Debug) => Role::Dim,
            Some(Level::Info) | None => Role::Text,
        };
        match Unfolded::of(&line.text).filter(|_| log.looks.unfolds) {
            Some(unfolded) => Self::unfolded(&unfolded, role),
            None => Self { text: Cow::Borrowed(&line.text), role, pieces: Vec::new(), inks: &line.inks },
        }
    }

    /// `ERROR it broke  zone=b job=7`
    fn unfolded(line: &Unfolded, role: Role) -> Self {
        let mut text = line.level.map(|level| format!("{:<6}", level.as_str())).unwrap_or_default();
        text.push_str(&printable(&line.message));
        let mut pieces = Vec::new();
        for (at, (key, value)) in line.members.iter().enumerate() {
            if !text.is_empty() {
                text.push_str(if at == 0 { "  " } else { " " });
            }
            let from = text.len();
            text.push_str(&printable(key));
            text.push('=');
            pieces.push((from..text.len(), Role::Dim));
            text.push_str(&printable(value));
        }
        Self { text: Cow::Owned(text), role, pieces, inks: &[] }
    }
}

/// Where one is, in as many words as there is room for.
fn state(app: &App, room: usize) -> Vec<Piece<'static>> {
    let log = &app.log;
    let Subject::Stream(stream) = &log.shown else { return Vec::new() };
    if let Some(error) = &log.error {
        return vec![piece(format!(" ▲ {error} "), Role::Attention)];
    }
    let mut words: Vec<(String, Role)> = Vec::new();
    if log.looks.wrap {
        words.push(("wrap".into(), Role::Dim));
    }
    if log.looks.times == Times::Utc {
        words.push(("UTC".into(), Role::Dim));
    }
    if log.is_looking() {
        words.push((format!("{} lines looked through", count(log.looked)), Role::Dim));
    }
    if log.following {
        if let Some(skipped) = log.skipped {
            let more = if skipped.is_exact { "" } else { "+" };
            words.push((format!("skipped {}{more} lines", count(skipped.lines)), Role::Attention));
        }
        words.push((if stream.ended { "ended" } else { "following ▼" }.into(), Role::Dim));
    } else {
        let (top, fits) = log.seen.get();
        if top == 0 {
            words.push((if log.window.has_first { "first line" } else { "… earlier lines above" }.into(), Role::Dim));
        }
        let more = if log.window.has_first && log.window.has_last() { "" } else { "+" };
        let bottom = count((top + fits).min(log.window.len()) as u64);
        words.push((format!("{bottom} of {}{more}", held(log)), Role::Dim));
        match log.window.below {
            _ if log.window.is_below_unknown() => words.push(("more below".into(), Role::Dim)),
            0 => {}
            below => words.push((format!("+{} newer", count(below)), Role::Attention)),
        }
    }
    words.extend(search_state(app));
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

/// What is searched for, and where one is among the hits: `/error 3 of 41`.
fn search_state(app: &App) -> Option<(String, Role)> {
    let (search, tally) = (app.log.search.as_ref()?, app.log.tally()?);
    let typed = printable(search.pattern.typed());
    if let Some(seek) = &search.seek {
        let way = if seek.way == Way::Forward { "down" } else { "up" };
        let text = format!("◌ /{typed} {way}: {} lines looked through, {} stops", count(seek.lines), back(app));
        return Some((text, Role::Match));
    }
    let more = if tally.is_partial { "+" } else { "" };
    let counting = tally.counting.map(|lines| format!(" in {} lines …", count(lines))).unwrap_or_default();
    let text = match (tally.at, tally.hits) {
        (Some(at), hits) => format!("/{typed} {} of {}{more}", count(at), count(hits)),
        (None, 0) if !tally.is_partial => format!("/{typed} no hit"),
        (None, 1) if !tally.is_partial => format!("/{typed} 1 hit"),
        (None, hits) => format!("/{typed} {}{more} hits", count(hits)),
    };
    Some((text + &counting, Role::Match))
}

fn held(log: &LogPane) -> String {
    count(log.window.len() as u64)
}

/// The key that goes back a step here.
fn back(app: &App) -> String {
    app.keymap.call(app.place_below(), Action::Back)
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
        Subject::Stream(_) if app.log.keep.is_some() => {
            let wanted = app.log.keep.as_ref().map(LogPattern::typed).unwrap_or_default();
            let text = if app.log.window.has_first {
                format!("`{wanted}` takes no line of this log; {} shows all", back(app))
            } else {
                let lines = count(app.log.looked);
                let up = app.keymap.call(app.place_below(), Action::Up);
                format!("`{wanted}` takes none of the last {lines} lines; {up} looks further, {} shows all", back(app))
            };
            (text, Role::Dim)
        }
        Subject::Stream(_) if app.log.since.is_some() => {
            let (at, word) = app.log.since.unwrap_or_default();
            let since = app.setting.own.clock.date_time(at);
            let all = app.keymap.call(Place::LogScreen, Action::AllTimes);
            (format!("no line in the last {word}, since {since}; {all} shows all"), Role::Dim)
        }
        Subject::Stream(stream) if stream.ended && app.log.is_missing => {
            let why = app.job_row(&stream.job).map(|job| why(app, &job)).filter(|why| !why.is_empty());
            let text = match why {
                Some(why) => format!("its log stream does not exist: {why}"),
                None if app.is_local() => "it wrote nothing".to_owned(),
                None => "its log stream does not exist; it printed nothing, or its log has expired".to_owned(),
            };
            (text, Role::Dim)
        }
        Subject::Stream(stream) if stream.ended => ("it wrote nothing".into(), Role::Dim),
        Subject::Stream(_) => ("◌ no lines yet; they are shown as they come".into(), Role::Dim),
    }
}
