//! The four panes that are alive at once: queues, compute environments, jobs, the log of the selected job.

use super::chrome::old;
use super::{instances, jobs, log, scaling};
use crate::config::theme::Role;
use crate::model::{ComputeEnvironment, Health, JobQueue, JobStatus, Switch, text::printable};
use crate::tui::action::Action;
use crate::tui::app::filter::{Field, Filter};
use crate::tui::app::list::{ListState, Order};
use crate::tui::app::store::Kind;
use crate::tui::app::{App, Pane};
use crate::tui::format::{vcpus, width};
use crate::tui::spots::What;
use crate::tui::widgets::painter::pieces_width;
use crate::tui::widgets::table::{Cell, Column, Lights, Table, arrange as arrange_columns, titles_in_frame};
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

/// From this width on, queues and environments stand beside the jobs and the log.
const WIDE: u16 = 150;
/// Below these, there is room for fewer panes.
const NARROW: u16 = 72;
const LOW: u16 = 15;
/// Lines of a pane, its frame among them, at least.
const LEAST: u16 = 4;

/// Where the panes stand.
///
/// ```text
///  narrow or low      80x24                    wide
///  ┌───────┐          ┌queues─┐┌environments┐  ┌queues─┐┌jobs──────────┐
///  │ one   │          ┌jobs────────────────┐   │       ││              │
///  │ pane  │          │                    │   ┌environ┐│              │
///  └───────┘          ┌log─────────────────┐   │ments  │┌log───────────┐
/// ```
pub fn arrange(app: &App, area: Rect) -> Vec<(Pane, Rect)> {
    let overview = &app.overview;
    if overview.zoomed || area.height < LOW {
        return vec![(overview.pane, area)];
    }
    let lines = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).saturating_add(2);
    let (queues, environments) = (lines(app.store.queues.len()), lines(app.store.environments.len()));
    let across = |y: u16, height: u16| Rect { y, height, ..area };
    if area.width >= WIDE {
        let left = (area.width / 3).min(66);
        let column = |x: u16, width: u16, y: u16, height: u16| Rect { x, y, width, height };
        let upper = queues.saturating_add(1).clamp(6, area.height / 2);
        let upper = overview.heights.upper.map_or(upper, |asked| asked.clamp(LEAST, area.height - LEAST));
        let jobs = overview.heights.jobs.map_or(area.height * 11 / 20, |asked| asked.clamp(LEAST, area.height - LEAST));
        let right = area.width - left;
        return vec![
            (Pane::Queues, column(area.x, left, area.y, upper)),
            (Pane::Environments, column(area.x, left, area.y + upper, area.height - upper)),
            (Pane::Jobs, column(area.x + left, right, area.y, jobs)),
            (Pane::Log, column(area.x + left, right, area.y + jobs, area.height - jobs)),
        ];
    }
    let upper = queues.max(environments).clamp(5, area.height / 3);
    let upper = overview.heights.upper.map_or(upper, |asked| asked.clamp(LEAST, area.height - 2 * LEAST));
    let rest = area.height - upper;
    let jobs = overview.heights.jobs.map_or(rest.div_ceil(2), |asked| asked.clamp(LEAST, rest - LEAST));
    let lower = [(Pane::Jobs, across(area.y + upper, jobs)), (Pane::Log, across(area.y + upper + jobs, rest - jobs))];
    let top = across(area.y, upper);
    let mut panes = if area.width < NARROW {
        let shown = if overview.upper == Pane::Environments { Pane::Environments } else { Pane::Queues };
        vec![(shown, top)]
    } else {
        let left = area.width / 2 + area.width % 2;
        vec![
            (Pane::Queues, Rect { width: left, ..top }),
            (Pane::Environments, Rect { x: top.x + left, width: area.width - left, ..top }),
        ]
    };
    panes.extend(lower);
    panes
}

pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect) {
    let panes = arrange(app, area);
    for (pane, area) in panes.iter().copied() {
        let has_keys = app.overview.pane == pane;
        painter.spot(area, What::Pane(pane));
        match pane {
            Pane::Queues => queues(app, painter, area, has_keys),
            Pane::Environments => environments(app, painter, area, has_keys),
            Pane::Jobs => jobs::pane(app, painter, area, has_keys),
            Pane::Log => log::draw(app, painter, area, has_keys),
        }
    }
    let is_there = |wanted: Pane| panes.iter().any(|(pane, _)| *pane == wanted);
    if let Some((_, first)) = panes.first().filter(|_| panes.len() == 3) {
        let (action, name) = if is_there(Pane::Queues) {
            (Action::PaneEnvironments, "environments")
        } else {
            (Action::PaneQueues, "queues")
        };
        if let Some(key) = app.keymap.keys_of(action).into_iter().next() {
            let hint = [piece(format!(" {key} "), Role::Key), piece(format!("{name} "), Role::Hint)];
            painter.pieces(first.x + 2, first.bottom() - 1, first.width.saturating_sub(16), &hint);
        }
    }
}

/// The title of a pane: its number, its name, its filter.
pub fn title(number: &str, name: &str, filter: &str, has_keys: bool) -> Vec<Piece<'static>> {
    let role = if has_keys { Role::Focus } else { Role::Title };
    let mut pieces = vec![piece(format!("{number} {} ", printable(name)), role)];
    if !filter.is_empty() {
        pieces.push(piece(format!("/{} ", printable(filter)), Role::Match));
    }
    pieces
}

const QUEUE: [Column; 6] = [
    Column::left("", 8, 9).growing(3),
    Column::right("prio", 4, 5),
    Column::left("", 5, 8).growing(1),
    Column::right("wait", 4, 7),
    Column::right("run", 4, 6),
    Column::right("fail", 4, 4),
];

/// The column that goes first in favour of the names of queues.
const QUEUE_PRIORITY: usize = 1;

/// The columns of an upper pane. Names that begin alike differ at their ends: where the longest of all has no room, the state
/// is told by its sign alone, and then columns go, in the order that is given. What is listed or filtered changes nothing.
fn with_room_for<'n>(
    names: impl Iterator<Item = &'n str>,
    columns: &[Column],
    gives: &[usize],
    painter: &Painter<'_>,
    area: Rect,
) -> Vec<Column> {
    let mut columns = columns.to_vec();
    let longest = names.map(width).max().unwrap_or(0);
    let is_short = |columns: &[Column]| columns_of(columns, area, NAME) < longest;
    if painter.is_told() || !is_short(&columns) {
        return columns;
    }
    columns[STATE] = Column { width: 1, grow: 0, ..columns[STATE] };
    for give in gives {
        if is_short(&columns) {
            columns[*give].from = u16::MAX;
        }
    }
    columns
}

/// What stands in the way of reading a list, or why it is empty.
fn nothing(app: &App, kind: Kind, filter: &str, empty: &str) -> (String, Role) {
    if let Some(why) = app.store.unread.get(&kind) {
        return (format!("✖ cannot be read: {why}"), Role::Failed);
    }
    if !app.store.read.contains(&kind) {
        return ("◌ being read …".to_owned(), Role::Dim);
    }
    if !filter.is_empty() {
        let back = app.keymap.call(app.place_below(), Action::Back);
        return (format!("none matches `{filter}`; {back} clears the filter"), Role::Dim);
    }
    (empty.to_owned(), Role::Dim)
}

/// What a list says that a filter leaves nothing of.
pub fn none_matches(app: &App, what: &str) -> String {
    format!("no {what} matches the filter; {} clears it", app.keymap.call(app.place_below(), Action::Back))
}

/// Writes why a pane is empty, wrapped.
pub fn explain(app: &App, painter: &mut Painter<'_>, area: Rect, kind: Kind, filter: &str, empty: &str) {
    let (text, role) = nothing(app, kind, filter, empty);
    let room = usize::from(area.width.saturating_sub(2));
    for (line, text) in crate::tui::format::wrap(&text, room).iter().take(usize::from(area.height)).enumerate() {
        let y = area.y + u16::try_from(line).unwrap_or(u16::MAX);
        painter.text(area.x + 1, y, area.width.saturating_sub(2), text, role);
    }
}

/// The table of an upper pane. Its titles stand in the frame, after the pane's own, where nothing else does.
fn upper_table<'t>(
    painter: &mut Painter<'_>,
    inner: Rect,
    columns: &'t [Column],
    list: &'t ListState,
    names: &[&str],
    has_keys: bool,
    titles_from: Option<u16>,
) -> Table<'t> {
    if let Some(from) = titles_from {
        titles_in_frame(painter, inner, columns, from);
    }
    let selected = list.cursor.position(names);
    Table { columns, count: names.len(), cursor: &list.cursor, selected, has_keys, titles_from: u16::MAX }
}

fn queues(app: &App, painter: &mut Painter<'_>, area: Rect, has_keys: bool) {
    let list = &app.overview.queues;
    let rows = app.queues();
    let right = upper_note(app, rows.len(), app.store.queues.len());
    let title = ordered(title("1", "Queues", &list.filter, has_keys), app.overview.queue_order);
    let inner = painter.frame(area, &title, &right, has_keys);
    if rows.is_empty() {
        return explain(app, painter, inner, Kind::Queues, &list.filter, "no queues yet");
    }
    let names: Vec<_> = rows.iter().map(|queue| queue.job_queue_name.as_str()).collect();
    let titles_from = right.is_empty().then(|| pieces_width(&title));
    let every = app.store.queues.keys().map(String::as_str);
    let columns = with_room_for(every, &QUEUE, &[QUEUE_PRIORITY], painter, inner);
    let table = upper_table(painter, inner, &columns, list, &names, has_keys, titles_from);
    let state = columns_of(&columns, inner, STATE);
    let filter = Filter::of(&list.filter, Field::QUEUES);
    let lights = Lights { filter: &filter, columns: &[0] };
    table.draw_lit(painter, inner, Some(lights), |at| (false, queue_cells(rows[at], state)));
}

/// `2 of 7` while a filter hides some.
fn scope_note(shown: usize, all: usize) -> Vec<Piece<'static>> {
    if shown == all { Vec::new() } else { vec![piece(format!(" {shown} of {all} "), Role::Dim)] }
}

/// That, and how old it is where it is polled.
fn upper_note(app: &App, shown: usize, all: usize) -> Vec<Piece<'static>> {
    let mut pieces = scope_note(shown, all);
    pieces.extend(old(app, app.meter.as_ref().and_then(|meter| meter.read_at.ground)));
    pieces
}

/// A pane's title, and by what its rows are ordered: the titles of its columns stay in the frame beside it.
fn ordered(mut title: Vec<Piece<'static>>, order: Order) -> Vec<Piece<'static>> {
    title.extend(order.words().map(|words| piece(format!("{words} "), Role::Dim)));
    title
}

/// A state in so many columns: where its word has no room a short one, and the sign alone in one column.
fn state_text(sign: &str, word: &str, columns: usize) -> String {
    if columns == 1 {
        return sign.to_owned();
    }
    let long = format!("{sign} {word}");
    if width(&long) <= columns {
        return long;
    }
    let short = match word {
        "INVALID" => "bad",
        "CREATING" => "new",
        "UPDATING" => "upd",
        "DELETING" | "DELETED" => "del",
        other => other,
    };
    format!("{sign} {short}")
}

/// The columns that the one at `at` has.
fn columns_of(columns: &[Column], area: Rect, at: usize) -> usize {
    let arranged = arrange_columns(columns, area.width.saturating_sub(2));
    arranged.iter().find(|(place, ..)| *place == at).map_or(0, |(_, _, width)| usize::from(*width))
}

/// The sign and the word of a queue's or an environment's state.
pub fn sign(state: Switch, health: Health) -> (&'static str, &'static str, Role) {
    match (health, state) {
        (Health::Valid, Switch::Enabled) => ("●", "on", Role::Running),
        (Health::Valid, Switch::Disabled) => ("○", "off", Role::Off),
        (other, _) => ("▲", other.as_str(), Role::Attention),
    }
}

fn queue_cells(queue: &JobQueue, state: usize) -> Vec<Cell> {
    let (sign, word, role) =
        if queue.held { ("■", "held", Role::Attention) } else { sign(queue.state, queue.status) };
    let more = if queue.job_counts_partial { "+" } else { "" };
    let counted = |number: u64, role: Role| match number {
        0 => ("0".to_owned(), Role::Dim),
        number => (format!("{}{more}", short(number)), role),
    };
    let mut cells = vec![
        (queue.job_queue_name.clone(), if role == Role::Running { Role::Text } else { role }),
        (queue.priority.to_string(), Role::Text),
        (state_text(sign, word, state), role),
    ];
    match &queue.job_counts {
        Some(counts) => cells.extend([
            counted(counts.waiting(), Role::Waiting),
            counted(counts.placed(), Role::Running),
            counted(counts.get(JobStatus::Failed), Role::Failed),
        ]),
        None => cells.extend(["-"; 3].map(|text| (text.to_owned(), Role::Dim))),
    }
    cells
}

/// A count in at most four columns: `1204`, `12k`, `1.2M`.
fn short(number: u64) -> String {
    match number {
        0..=9_999 => number.to_string(),
        10_000..=999_999 => format!("{}k", number / 1000),
        1_000_000..=9_999_999 => format!("{}.{}M", number / 1_000_000, number % 1_000_000 / 100_000),
        _ => format!("{}M", number / 1_000_000),
    }
}

fn environments(app: &App, painter: &mut Painter<'_>, area: Rect, has_keys: bool) {
    let list = &app.overview.environments;
    let rows = app.environments();
    let right = upper_note(app, rows.len(), app.store.environments.len());
    let title = ordered(title("2", "Environments", &list.filter, has_keys), app.overview.environment_order);
    let inner = painter.frame(area, &title, &right, has_keys);
    if rows.is_empty() {
        return explain(app, painter, inner, Kind::Environments, &list.filter, "no compute environments yet");
    }
    let names: Vec<_> = rows.iter().map(|found| found.compute_environment_name.as_str()).collect();
    let titles_from = right.is_empty().then(|| pieces_width(&title));
    let every = app.store.environments.keys().map(String::as_str);
    let columns = with_room_for(every, &ENVIRONMENT, &ENVIRONMENT_GIVES, painter, inner);
    let table = upper_table(painter, inner, &columns, list, &names, has_keys, titles_from);
    let (state, gauge) = (columns_of(&columns, inner, STATE), columns_of(&columns, inner, GAUGE));
    let filter = Filter::of(&list.filter, Field::ENVIRONMENTS);
    let lights = Lights { filter: &filter, columns: &[0] };
    table.draw_lit(painter, inner, Some(lights), |at| (false, environment_cells(rows[at], state, gauge)));
    // Where there is room below, the instances of the selected one.
    let taken = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(1);
    let below = Rect { y: inner.y.saturating_add(taken), height: inner.height.saturating_sub(taken), ..inner };
    if let Some(selected) = list.cursor.position(&names) {
        // These are not the rows of this pane: a click on them selects none.
        let noted = painter.spots.len();
        let lines = instances::below(app, painter, below, rows[selected]);
        painter.spots.truncate(noted);
        let taken = if lines == 0 { 0 } else { lines + 1 };
        let rest = Rect { y: below.y.saturating_add(taken), height: below.height.saturating_sub(taken), ..below };
        scaling::draw(app, painter, rest, names[selected]);
    }
}

const ENVIRONMENT: [Column; 8] = [
    Column::left("", 7, 9).growing(3),
    Column::left("", 4, 1),
    Column::left("", 5, 8).growing(2),
    Column::right("vCPU", 5, 7),
    Column::left("used", 6, 2).growing(2),
    Column::right("des", 3, 5),
    Column::right("min", 3, 4),
    Column::right("inst", 4, 6),
];

/// Those that go in favour of the names of environments: the kind, the gauge, the least and the desired vCPUs.
const ENVIRONMENT_GIVES: [usize; 4] = [1, GAUGE, 6, 5];

/// The columns of the name and of the state, in both tables, and that of the gauge.
const NAME: usize = 0;
const STATE: usize = 2;
const GAUGE: usize = 4;

fn environment_cells(environment: &ComputeEnvironment, state: usize, gauge: usize) -> Vec<Cell> {
    let (sign, word, role) = sign(environment.state, environment.status);
    let resources = environment.compute_resources.clone().unwrap_or_default();
    // An unmanaged one has no maximum but what it has.
    let there = environment.capacity.as_ref().map_or(0.0, |capacity| capacity.vcpus);
    let max = resources.maxv_cpus.map_or(there, f64::from);
    let desired = resources.desiredv_cpus.map(f64::from);
    // What a service does not tell is a dash: Fargate has no desired vCPUs.
    let (used, instances) = match &environment.capacity {
        Some(capacity) => (Some(capacity.vcpus_used), Some(capacity.instances.len())),
        None => (desired, None),
    };
    let told = |number: Option<f64>| number.map_or("-".to_owned(), vcpus);
    let kind = match environment.provisioning() {
        "FARGATE" => "FARG",
        "FARGATE_SPOT" => "FSPT",
        other => other,
    };
    vec![
        (environment.compute_environment_name.clone(), if role == Role::Running { Role::Text } else { role }),
        (kind.to_owned(), Role::Dim),
        (state_text(sign, word, state), role),
        (format!("{}/{}", told(used), vcpus(max)), Role::Text),
        (used.map(|used| bar(used, max, gauge)).unwrap_or_default(), Role::Gauge),
        (told(desired), Role::Dim),
        (told(resources.minv_cpus.map(f64::from)), Role::Dim),
        (instances.map_or("-".to_owned(), |count| count.to_string()), Role::Dim),
    ]
}

/// A bar of text: `██████░░`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a width fits it")]
pub fn bar(used: f64, all: f64, columns: usize) -> String {
    if all <= 0.0 {
        return "░".repeat(columns);
    }
    let wide = u16::try_from(columns).map_or(0.0, f64::from);
    let cells = ((used / all).clamp(0.0, 1.0) * wide).round() as usize;
    let cells = if used > 0.0 { cells.max(1) } else { 0 };
    let cells = if used < all { cells.min(columns.saturating_sub(1)) } else { columns };
    format!("{}{}", "█".repeat(cells), "░".repeat(columns.saturating_sub(cells)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_never_take_more_than_four_columns() {
        let cases =
            [(7, "7"), (9_999, "9999"), (12_345, "12k"), (123_456, "123k"), (1_234_567, "1.2M"), (12_345_678, "12M")];
        for (given, expected) in cases {
            assert_eq!(short(given), expected);
        }
    }

    #[test]
    fn what_a_service_does_not_tell_of_an_environment_is_a_dash() {
        let mut environment = ComputeEnvironment {
            compute_resources: Some(crate::model::ComputeResource {
                kind: "FARGATE".to_owned(),
                maxv_cpus: Some(16),
                ..Default::default()
            }),
            ..ComputeEnvironment::default()
        };
        let texts = |environment: &ComputeEnvironment| {
            environment_cells(environment, 9, 4).into_iter().map(|(text, _)| text).skip(3).collect::<Vec<_>>()
        };
        assert_eq!(texts(&environment), ["-/16", "", "-", "-", "-"]);
        let resources = environment.compute_resources.as_mut().expect("is there");
        (resources.desiredv_cpus, resources.minv_cpus) = (Some(8), Some(0));
        assert_eq!(texts(&environment), ["8/16", "██░░", "8", "0", "-"]);
    }

    #[test]
    fn a_state_is_told_whole_or_by_a_short_word_and_never_cut() {
        assert_eq!(state_text("▲", "INVALID", 9), "▲ INVALID");
        assert_eq!(state_text("▲", "INVALID", 5), "▲ bad");
        for health in [Health::Creating, Health::Updating, Health::Deleting, Health::Deleted, Health::Invalid] {
            let (sign, word, _) = sign(Switch::Enabled, health);
            assert!(width(&state_text(sign, word, 5)) <= 5, "{word}");
        }
    }

    #[test]
    fn long_names_have_the_room_of_what_is_needed_less() {
        use crate::config::theme::Theme;
        let (area, styles) =
            (Rect::new(0, 0, 38, 5), crate::tui::theme::Styles::new(&Theme::default(), crate::tui::theme::Depth::True));
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        let painter = Painter::new(&mut buffer, &styles);
        let room = |names: &[&str]| {
            let columns = with_room_for(names.iter().copied(), &QUEUE, &[QUEUE_PRIORITY], &painter, area);
            let has_priority = arrange_columns(&columns, 36).iter().any(|(at, ..)| *at == QUEUE_PRIORITY);
            (columns_of(&columns, area, NAME), columns_of(&columns, area, STATE), has_priority)
        };
        assert_eq!(room(&["high", "default"]), (9, 6, true), "nothing changes where all have room");
        assert_eq!(room(&["nightly-batch"]), (14, 1, true));
        assert_eq!(room(&["team-0042-nightly-etl", "high"]), (19, 1, false));
    }

    #[test]
    fn a_bar_is_full_only_when_all_is_taken() {
        assert_eq!(bar(0.0, 8.0, 4), "░░░░");
        assert_eq!(bar(0.1, 8.0, 4), "█░░░");
        assert_eq!(bar(7.9, 8.0, 4), "███░");
        assert_eq!(bar(8.0, 8.0, 4), "████");
        assert_eq!(bar(1.0, 0.0, 4), "░░░░");
    }
}
