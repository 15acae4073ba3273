//! The lines around every screen: where one is, how the world is, how fresh that is, which keys work.

use crate::backend::Meter;
use crate::config::theme::Role;
use crate::model::{Millis, text::printable};
use crate::tui::action::{Action, Place, Scope, TABLE};
use crate::tui::app::form::{Entry, Selected};
use crate::tui::app::list::{Scope as Jobs, StateSet};
use crate::tui::app::prompt::Purpose;
use crate::tui::app::store::Liveness;
use crate::tui::app::watches::Typed;
use crate::tui::app::{App, Popup};
use crate::tui::format::{age, count, width, wrap};
use crate::tui::widgets::painter::pieces_width;
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;
use std::fmt::Write as _;

const HOUR: i64 = 3_600_000;

/// ` batchdeck  local ▸ overview                 3 running  41 waiting  ✖2 1h`
pub fn header(app: &App, painter: &mut Painter<'_>, line: Rect) {
    painter.tint(line, Role::Header);
    let (running, waiting, partial) = app.store.totals();
    let more = if partial { "+" } else { "" };
    let failed = app.store.failed_since(app.now - HOUR);
    let failed_more = if app.has_more(StateSet::Failed, &Jobs::Everywhere) { "+" } else { "" };
    let world = [
        piece(format!("{:>3}{more} running", count(running)), Role::Header),
        piece(format!("  {:>3}{more} waiting", count(waiting)), Role::Header),
        piece(format!("  ✖{}{failed_more} 1h ", count(failed)), Role::Header),
    ];
    let narrow = [piece(format!("●{} ◌{} ✖{} ", count(running), count(waiting), count(failed)), Role::Header)];
    let world: &[Piece<'_>] = if line.width < 64 { &narrow } else { &world };
    let access = if app.setting.access.may_write() { "" } else { " [read-only]" };
    let whose = format!(" batchdeck  {}{access}", printable(&app.setting.context));
    let crumbs = format!(" ▸ {}", breadcrumbs(app));
    let region = app.setting.region.as_ref().map(|region| format!(" {}", printable(region))).unwrap_or_default();
    let fits = |text: &str| width(text) + usize::from(pieces_width(world)) < usize::from(line.width);
    let mut place = format!("{whose}{region}{crumbs}");
    if !fits(&place) {
        // Where one is goes before in which region that is.
        place = format!("{whose}{crumbs}");
    }
    // What is counted is said where there is room: lists count an array once.
    let free = line.width.saturating_sub(pieces_width(world)).saturating_sub(u16::try_from(width(&place)).unwrap_or(0));
    let counted = ["all queues, children counted: ", "all queues: ", ""];
    let counted = counted.into_iter().find(|text| u16::try_from(width(text)).is_ok_and(|wide| wide < free));
    let mut world = world.to_vec();
    world.insert(0, piece(counted.unwrap_or_default(), Role::Header));
    let right = pieces_width(&world);
    painter.text(line.x, line.y, line.width.saturating_sub(right + 1), &place, Role::Header);
    painter.pieces_right(line.x, line.y, line.width, &world);
}

fn breadcrumbs(app: &App) -> String {
    let crumbs = app.breadcrumbs();
    // The overview is where all begins: it is named only while one is there.
    let from = usize::from(crumbs.len() > 1);
    crumbs[from..].join(" ▸ ")
}

/// A notice, or how fresh what is shown is. That the world is not as shown stands there always: all else goes above it.
pub fn status(app: &App, painter: &mut Painter<'_>, line: Rect) {
    let message = match &app.store.live {
        Liveness::Gone { since, .. } if app.code.wanted.is_some() => {
            let age = age_of_data(app, *since);
            let text = format!(" ▲ not signed in: a code of an MFA device is asked for (`:mfa`){age}");
            painter.text(line.x, line.y, line.width, &text, Role::Attention);
            Rect { y: line.y.saturating_sub(1), ..line }
        }
        Liveness::Gone { since, renewal: Some(command), .. } => {
            signed_out(app, painter, line, *since, command);
            Rect { y: line.y.saturating_sub(1), ..line }
        }
        Liveness::Gone { since, why, again_at, .. } => {
            gone(app, painter, line, *since, why, *again_at);
            Rect { y: line.y.saturating_sub(1), ..line }
        }
        _ => line,
    };
    let is_free = message.y == line.y;
    if let Some(Popup::Filter(input)) = app.popups.last() {
        painter.clear(message);
        typed(painter, message, "/", (input, None));
        return filter_words(app, painter, message, input);
    }
    if let Some(Popup::Prompt(prompt)) = app.popups.last() {
        painter.clear(message);
        let device = app.code.wanted.as_deref().filter(|_| prompt.purpose == Purpose::Code);
        let sign = device.map(|device| format!("{} {}:", prompt.purpose.sign(), printable(device)));
        typed(painter, message, sign.as_deref().unwrap_or(prompt.purpose.sign()), (&prompt.input, prompt.selected));
        if let Some(condition) = app.condition_typed() {
            return around_condition(painter, message, prompt.input.value(), prompt.purpose.sign(), &condition);
        }
        if let Some(error) = app.prompt_error() {
            let taken = u16::try_from(width(prompt.input.value()) + 6).unwrap_or(u16::MAX).min(message.width);
            let text = format!("✖ {error}");
            painter.text(message.x + taken, message.y, message.width - taken, &text, Role::Failed);
        }
        // What AWS said of the code before stands above the field for the next one.
        if let Some(notice) = app.notice.as_ref().filter(|notice| device.is_some() && notice.is_bad) {
            let above = Rect { y: message.y.saturating_sub(1), ..message };
            say(painter, above, &format!("✖ {}", notice.text), Role::Failed);
        }
        return;
    }
    if !app.may_follow.is_empty() {
        painter.clear(message);
        return follow_ups(app, painter, message);
    }
    let waits = app.waiting_line().filter(|_| !app.notice.as_ref().is_some_and(|notice| notice.is_bad));
    if let Some(text) = waits {
        let said = app.notice.as_ref().map(|notice| format!(" · {}", notice.text)).unwrap_or_default();
        return say(painter, message, &format!("◌ {text}{said}"), Role::Attention);
    }
    if let Some(notice) = &app.notice {
        let role = if notice.is_bad { Role::Failed } else { Role::Message };
        let sign = if notice.is_bad { "✖ " } else { "" };
        return say(painter, message, &format!("{sign}{}", notice.text), role);
    }
    if let Some(text) = app.going_line() {
        return say(painter, message, &format!("◌ {text}"), Role::Message);
    }
    if is_free {
        freshness(app, painter, line);
        fired(app, painter, line);
    }
}

/// What may be watched for above the line in which it is typed, and behind it what that means or what is wrong with it.
fn around_condition(painter: &mut Painter<'_>, line: Rect, typed: &str, sign: &str, condition: &Typed) {
    let above = Rect { y: line.y.saturating_sub(1), ..line };
    painter.clear(above);
    painter.text(above.x + 1, above.y, above.width.saturating_sub(1), &condition.above, Role::Hint);
    let taken = u16::try_from(width(typed) + width(sign) + 5).unwrap_or(u16::MAX).min(line.width);
    let (sign, role) = if condition.is_wrong { ("✖ ", Role::Failed) } else { ("", Role::Hint) };
    painter.text(line.x + taken, line.y, line.width - taken, &format!("{sign}{}", condition.beside), role);
}

/// That a watch has fired stands at the right until someone takes note of it.
fn fired(app: &App, painter: &mut Painter<'_>, line: Rect) {
    let fired = app.fired_watches();
    let Some((watch, firing)) = fired.first().and_then(|watch| Some((*watch, watch.last_firing()?))) else { return };
    let key = app.keymap.keys_of(Action::ViewWatches).into_iter().next();
    let key = key.map(|key| format!(" · {key}")).unwrap_or_default();
    let clock = app.setting.own.clock;
    let several = match fired.len() {
        1 => "▲ a watch fired".to_owned(),
        many => format!("▲ {many} watches fired"),
    };
    let last = format!("{}: {} at {}", printable(&watch.of()), watch.condition, clock.short(firing.at, app.now));
    let texts = [format!(" {several} · {last}{key} "), format!(" {several}{key} ")];
    // How fresh all is stands before it.
    let room = usize::from(line.width.saturating_sub(20));
    let text = texts.iter().find(|text| width(text) <= room).unwrap_or(&texts[1]);
    painter.pieces_right(line.x, line.y, line.width, &[piece(text.clone(), Role::Attention)]);
}

/// The line that is typed.
fn typed(painter: &mut Painter<'_>, line: Rect, sign: &str, input: (&tui_input::Input, Selected)) {
    let x = line.x + painter.text(line.x, line.y, line.width, &format!(" {sign} "), Role::Match);
    let room = line.width.saturating_sub(x - line.x + 1);
    crate::tui::widgets::typed::draw(painter, Rect { x, width: room, ..line }, input, Role::Match);
}

/// How the filter that is typed may go on, behind it, and above it what is wrong with it.
fn filter_words(app: &App, painter: &mut Painter<'_>, line: Rect, input: &tui_input::Input) {
    if let Some(error) = app.filter_error() {
        return say(painter, Rect { y: line.y.saturating_sub(1), ..line }, &format!("✖ {error}"), Role::Failed);
    }
    let completions = app.filter_completions();
    let words: Vec<&str> = completions.iter().map(|completion| completion.word.as_str()).collect();
    let key = app.keymap.keys_at(Place::Filter, Action::Complete).into_iter().next();
    if let Some(key) = key.filter(|_| !words.is_empty()) {
        let pieces = [piece(format!("   {key} "), Role::Key), piece(words.join("  "), Role::Hint)];
        let taken = u16::try_from(width(input.value()) + 3).unwrap_or(u16::MAX).min(line.width);
        painter.pieces(line.x + taken, line.y, line.width - taken, &pieces);
    }
}

fn engine(app: &App) -> &str {
    if app.is_local() { "engine" } else { app.setting.can.name }
}

fn gone(app: &App, painter: &mut Painter<'_>, line: Rect, since: Millis, why: &str, again_at: Millis) {
    let again = match again_at - app.now {
        left if left >= 1000 => format!("reconnecting in {}", age(left)),
        _ => "reconnecting".to_owned(),
    };
    let key = app.keymap.keys_of(Action::Refresh).into_iter().next();
    // A local engine is this program's to start; somebody may have ended it on purpose, so it is not started unasked.
    let starts = app.is_local() && app.setting.access.may_write();
    let what = if starts { "starts it again" } else { "reconnects now" };
    let now = key.map(|key| format!(" · {key} {what}")).unwrap_or_default();
    let known = age(app.now - since);
    let text = if app.store.cursor.is_none() {
        format!(" ▲ {} cannot be reached{now} · {again} · {why}", engine(app))
    } else {
        format!(" ▲ {} gone · data is {known} old{now} · {again} · {why}", engine(app))
    };
    painter.text(line.x, line.y, line.width, &text, Role::Attention);
}

/// The command that renews credentials stands where nothing cuts it: all goes on by itself afterwards.
fn signed_out(app: &App, painter: &mut Painter<'_>, line: Rect, since: Millis, command: &str) {
    let age = age_of_data(app, since);
    let text = format!(" ▲ credentials: run `{}`{age} · goes on by itself", printable(command));
    painter.text(line.x, line.y, line.width, &text, Role::Attention);
}

/// How old what is shown is, where anything is.
fn age_of_data(app: &App, since: Millis) -> String {
    if app.store.cursor.is_none() { String::new() } else { format!(" · data is {} old", age(app.now - since)) }
}

fn freshness(app: &App, painter: &mut Painter<'_>, line: Rect) {
    let engine = engine(app);
    if let Some(at) = app.setting.recorded_at {
        let text = format!(" ▲ a recording of {}: nothing here changes", app.setting.own.clock.date_time(at));
        painter.text(line.x, line.y, line.width, &text, Role::Attention);
        return;
    }
    if app.store.live == Liveness::Connecting {
        painter.text(line.x, line.y, line.width, &format!(" ◌ connecting to {engine} …"), Role::Dim);
        return;
    }
    if let Some(behind) = app.behind() {
        let text = format!(" {engine} ok · ▲ {} behind: changes come faster than they are read", age(behind));
        painter.text(line.x, line.y, line.width, &text, Role::Attention);
        return;
    }
    let fresh = if app.setting.can.pushes_changes {
        "live".to_owned()
    } else {
        let unread = match app.queues_unread() {
            0 => String::new(),
            unread => format!(" · ▲ {unread} of {} queues unread", app.store.queues.len()),
        };
        let load = app.meter.as_ref().map(load).unwrap_or_default();
        format!("polled {} ago{unread}{load}", age(app.now - polled_at(app)))
    };
    if let Some(unanswered) = app.meter.as_ref().map(|meter| meter.unanswered).filter(|out| *out >= SLOW) {
        let text = format!(" {engine} ▲ no answer for {} · {fresh}", age(unanswered));
        painter.text(line.x, line.y, line.width, &text, Role::Attention);
        return;
    }
    let consoles = match app.store.consoles {
        0 | 1 => String::new(),
        several => format!(" · {several} consoles"),
    };
    let unread = app.store.unread.values().next().map(|why| format!(" · ▲ {why}")).unwrap_or_default();
    painter.text(line.x, line.y, line.width, &format!(" {engine} ok · {fresh}{consoles}{unread}"), Role::Dim);
}

/// When something was read last: also what has brought nothing new.
fn polled_at(app: &App) -> Millis {
    let read = app.meter.as_ref().map(|meter| &meter.read_at);
    let times = read.into_iter().flat_map(|read| read.jobs.values().chain(&read.ground).chain(&read.schedules));
    times.copied().max().map_or(app.heard_at, |at| at.max(app.heard_at))
}

/// ` · 4.2 of 8 calls/s · 3 wait · ▲ throttled 2 times`
fn load(meter: &Meter) -> String {
    let mut text = format!(" · {:.1} of {} calls/s", meter.per_second, number(meter.allowed));
    if meter.waiting > 0 {
        let _ = write!(text, " · {} wait", meter.waiting);
    }
    if meter.throttled > 0 {
        let _ = write!(text, " · ▲ throttled {}x in 5m", meter.throttled);
    }
    if meter.closed_for >= CLOSED {
        let _ = write!(text, " · none for {}", age(meter.closed_for));
    }
    if meter.clock_behind.abs() >= WRONG_CLOCK {
        let way = if meter.clock_behind > 0 { "behind" } else { "ahead of" };
        let _ = write!(text, " · ▲ this clock is {} {way} AWS's", age(meter.clock_behind.abs()));
    }
    text
}

/// A call that is out so long without an answer is told.
const SLOW: Millis = 5_000;
/// A pause that the service asked for is told from here on.
const CLOSED: Millis = 2_000;
/// A clock that is so far off is told: ages are off by as much.
const WRONG_CLOCK: Millis = 60_000;

/// A rate without a needless fraction.
fn number(rate: f64) -> String {
    if (rate - rate.round()).abs() < 0.05 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}

/// So old is what a pane shows before it says so.
const OLD: Millis = 30_000;

/// ` 34s old `, for what was read a while ago.
pub fn old(app: &App, read_at: Option<Millis>) -> Option<Piece<'static>> {
    let old = app.now - read_at?;
    (old >= OLD).then(|| piece(format!(" {} old ", age(old)), Role::Attention))
}

/// What AWS says of a permission is long, and its code stands at the end.
const NOTICE_LINES: usize = 6;

/// Writes a notice; a long one takes lines of the screen above.
fn say(painter: &mut Painter<'_>, line: Rect, text: &str, role: Role) {
    let mut lines = wrap(text, usize::from(line.width.saturating_sub(2)));
    lines.truncate(NOTICE_LINES);
    let more = u16::try_from(lines.len() - 1).unwrap_or(0).min(line.y);
    let first = line.y - more;
    painter.clear(Rect { y: first, height: more + 1, ..line });
    for (at, text) in lines.iter().enumerate() {
        painter.text(line.x + 1, first + u16::try_from(at).unwrap_or(0), line.width.saturating_sub(1), text, role);
    }
}

/// What may follow the keys of a sequence that has begun, on as many lines as it takes.
fn follow_ups(app: &App, painter: &mut Painter<'_>, line: Rect) {
    let mut lines = vec![vec![piece(" then  ", Role::Dim)]];
    for (keys, name) in &app.may_follow {
        let pieces = [piece(keys.clone(), Role::Key), piece(format!(" {name}  "), Role::Hint)];
        let last = lines.len() - 1;
        if pieces_width(&lines[last]) + pieces_width(&pieces) > line.width {
            lines.push(vec![piece("       ", Role::Dim)]);
        }
        lines.last_mut().into_iter().for_each(|line| line.extend(pieces.iter().cloned()));
    }
    let first = line.y.saturating_sub(u16::try_from(lines.len() - 1).unwrap_or(0));
    painter.clear(Rect { y: first, height: line.y - first + 1, ..line });
    for (y, pieces) in (first..=line.y).zip(&lines) {
        painter.pieces(line.x, y, line.width, pieces);
    }
}

/// `Enter open  l logs  x stop  …  ? help`, from the table of actions.
pub fn hints(app: &App, painter: &mut Painter<'_>, line: Rect) {
    let place = app.place();
    if place == Place::Text {
        let mut pieces = vec![piece(" ", Role::Hint)];
        let again = (Action::TryAgain, Action::TryAgain.info().hint);
        let again = app.is_offered(Action::TryAgain).then_some(again);
        for (action, hint) in
            again.into_iter().chain([(Action::Back, "close"), (Action::Down, "down"), (Action::Up, "up")])
        {
            if let Some(key) = app.keymap.keys_at(place, action).into_iter().next() {
                pieces.extend([piece(key, Role::Key), piece(format!(" {hint}  "), Role::Hint)]);
            }
        }
        painter.pieces(line.x, line.y, line.width, &pieces);
        return;
    }
    let key_of = |action: Action| app.keymap.keys_at(place, action).into_iter().next();
    let last: Vec<Piece<'_>> = match key_of(Action::Help).filter(|_| !place.takes_text()) {
        Some(key) => vec![piece(key, Role::Key), piece(" help ", Role::Hint)],
        None => Vec::new(),
    };
    let room = line.width.saturating_sub(pieces_width(&last) + 1);
    let mut taken = 1;
    let begin = (app.store.is_empty() && !place.takes_text()).then_some(Action::Begin);
    let own = TABLE.iter().filter(|info| matches!(info.scope, Scope::At(_)) || info.action == Action::Open);
    let own = own.filter(|info| info.action != Action::Begin);
    let rest = TABLE.iter().filter(|info| info.scope == Scope::Everywhere && info.action != Action::Open);
    let take_back = (app.counts_down() && !place.takes_text()).then_some(Action::TakeBack);
    let rest = rest.filter(|info| info.action != Action::TakeBack);
    let actions = take_back.into_iter().chain(begin).chain(own.chain(rest).map(|info| info.action));
    for action in actions {
        let info = action.info();
        let hint = if action == Action::Begin { "begin" } else { info.hint };
        let is_begin = begin == Some(action);
        if (info.hint.is_empty() && !is_begin) || action == Action::Help || !info.scope.covers(place) {
            continue;
        }
        if !app.is_offered(action) || !fits_entry(app, action) {
            continue;
        }
        let Some(key) = key_of(action) else { continue };
        let hint = if action == Action::Stop { stop_hint(app) } else { hint };
        let wide = u16::try_from(width(&key) + 1 + width(hint) + 2).unwrap_or(u16::MAX);
        if taken + wide > room {
            break;
        }
        let pieces = [piece(key, Role::Key), piece(format!(" {hint}  "), Role::Hint)];
        painter.pieces(line.x + taken, line.y, wide, &pieces);
        taken += wide;
    }
    painter.pieces_right(line.x, line.y, line.width, &last);
}

/// Whether an action does something in the form on top.
fn fits_entry(app: &App, action: Action) -> bool {
    let form = match app.popups.last() {
        Some(Popup::Form(form)) => form,
        // Most lines that are typed have nothing to be completed to.
        Some(Popup::Prompt(prompt)) if action == Action::Complete => return prompt.purpose == Purpose::Watch,
        _ => return action != Action::EditRight,
    };
    match action {
        Action::Send => !form.careful && form.fields.len() > 1,
        Action::EditRight => {
            let field = form.fields.get(form.focus);
            field.is_none_or(|field| matches!(field.entry, Entry::Choice { .. }))
        }
        _ => true,
    }
}

/// What stopping would mean for the job that is selected.
fn stop_hint(app: &App) -> &'static str {
    use crate::tui::app::act::StopCall;
    match app.selected_job().and_then(|id| app.job_row(&id)).map(|job| StopCall::of(&job)) {
        Some(StopCall::Cancel) => "cancel",
        Some(StopCall::Terminate) => "terminate",
        _ => Action::Stop.info().hint,
    }
}
