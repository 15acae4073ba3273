//! Screens: what is drawn for a state, and nothing but that state.

mod array;
mod audit;
pub mod capacity;
mod chrome;
mod cost;
mod definitions;
mod events;
mod failures;
mod instances;
mod job;
mod job_columns;
mod jobs;
mod log;
mod overview;
mod parts;
mod pulse;
mod scaling;
mod schedules;
mod sizes;
mod tree;
pub mod usage;
mod watches;
mod why;

pub use job_columns::names as job_columns;
pub use jobs::{sign as job_sign, why};

use super::app::{App, View};
use super::ascii;
use super::format::width;
use super::popups;
use super::widgets::Painter;
use super::widgets::script::Script;
use crate::config::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::ops::Range;

/// Below this nothing useful fits.
const LEAST: (u16, u16) = (40, 10);

/// So wide that nothing is cut that a person reads in words.
const TOLD_COLUMNS: u16 = 400;

/// Draws the whole screen. Where text is typed, the place of the terminal's cursor is returned.
///
/// ```text
///  header     where one is                      how the world is
///  body       the screen, with what lies on top of it
///  status     a notice, or how fresh all this is
///  hints      keys that work here
/// ```
pub fn draw(app: &App, buffer: &mut Buffer) -> Option<Position> {
    let area = buffer.area;
    let mut painter = Painter::new(buffer, &app.styles);
    painter.clear(area);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("too small: {}x{}, needs {}x{}", area.width, area.height, LEAST.0, LEAST.1);
        painter.text(area.x, area.y, area.width, &text, Role::Attention);
        return None;
    }
    let line = |y: u16| Rect { y, height: 1, ..area };
    chrome::header(app, &mut painter, line(area.y));
    let body = Rect { y: area.y + 1, height: area.height - 3, ..area };
    draw_view(app, &mut painter, body);
    chrome::status(app, &mut painter, line(area.bottom() - 2));
    chrome::hints(app, &mut painter, line(area.bottom() - 1));
    popups::draw(app, &mut painter, body);
    let cursor = painter.cursor;
    app.spots.replace(painter.spots);
    mend_halves(buffer);
    if app.setting.own.ascii {
        ascii::lower(buffer);
    }
    cursor
}

/// A wide letter over a part of which something was drawn is not shown: it would push what follows out of its column.
fn mend_halves(buffer: &mut Buffer) {
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let symbol = buffer[(x, y)].symbol();
            let wide = if symbol.len() == 1 { 1 } else { u16::try_from(width(symbol)).unwrap_or(u16::MAX) };
            let is_free = |other: u16| other < area.right() && buffer[(other, y)].symbol() == " ";
            if wide > 1 && !(x + 1..x.saturating_add(wide)).all(is_free) {
                buffer[(x, y)].set_symbol(" ");
            }
        }
    }
}

/// What is shown, in words: nothing is cut, and of tables there are the rows that are asked for.
pub fn tell(app: &App, lines: u16, rows: Range<usize>) -> Script {
    let area = Rect::new(0, 0, TOLD_COLUMNS, lines);
    written_down(app, area, rows, |painter| draw_view(app, painter, area))
}

/// How the world is and how fresh what is shown is, in words.
pub fn tell_status(app: &App) -> Script {
    let area = Rect::new(0, 0, TOLD_COLUMNS, 2);
    let line = |y: u16| Rect { y, height: 1, ..area };
    written_down(app, area, 0..0, |painter| {
        chrome::header(app, painter, line(0));
        chrome::status(app, painter, line(1));
    })
}

fn written_down(app: &App, area: Rect, rows: Range<usize>, draw: impl FnOnce(&mut Painter<'_>)) -> Script {
    let mut buffer = Buffer::empty(area);
    let mut painter = Painter { script: Some(Script::of_rows(rows)), ..Painter::new(&mut buffer, &app.styles) };
    draw(&mut painter);
    painter.script.unwrap_or_default()
}

fn draw_view(app: &App, painter: &mut Painter<'_>, body: Rect) {
    match app.view() {
        View::Overview => overview::draw(app, painter, body),
        View::Log(_) => log::draw(app, painter, body, true),
        View::Job { id, scroll } => job::draw(app, painter, body, id, scroll),
        View::Array { parent, list } => array::draw(app, painter, body, parent, list),
        View::Instances { environment, list } => instances::draw(app, painter, body, environment, list),
        View::Schedules(list) => schedules::draw(app, painter, body, list),
        View::Definitions(list) => definitions::draw(app, painter, body, list),
        View::Definition { label, scroll } => definitions::draw_one(app, painter, body, label, scroll),
        View::Audit(list) => audit::draw(app, painter, body, list),
        View::Watches(list) => watches::draw(app, painter, body, list),
        View::Failures(view) => failures::draw(app, painter, body, view),
        View::Group { title, list } => failures::draw_group(app, painter, body, title, list),
        View::Pulse(view) => pulse::draw(app, painter, body, view),
        View::Events(view) => events::draw(app, painter, body, view),
        View::Cost(view) => cost::draw(app, painter, body, view),
        View::Usage(view) => sizes::draw(app, painter, body, view),
        View::Tree(view) => tree::draw(app, painter, body, view),
        View::Why(why) => why::draw(app, painter, body, why),
    }
}

#[cfg(test)]
mod colour_tests;
#[cfg(test)]
mod log_tests;
#[cfg(test)]
mod report_tests;
#[cfg(test)]
mod secret_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod view_tests;

#[cfg(test)]
pub(crate) use report_tests::reported as reported_world;
#[cfg(test)]
pub(crate) use tests::world as recorded_world;
