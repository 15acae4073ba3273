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
use super::popups;
use super::widgets::Painter;
use crate::config::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Below this nothing useful fits.
const LEAST: (u16, u16) = (40, 10);

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
    let mut painter = Painter { buffer, styles: &app.styles, cursor: None, spots: Vec::new() };
    painter.clear(area);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("too small: {}x{}, needs {}x{}", area.width, area.height, LEAST.0, LEAST.1);
        painter.text(area.x, area.y, area.width, &text, Role::Attention);
        return None;
    }
    let line = |y: u16| Rect { y, height: 1, ..area };
    chrome::header(app, &mut painter, line(area.y));
    let body = Rect { y: area.y + 1, height: area.height - 3, ..area };
    match app.view() {
        View::Overview => overview::draw(app, &mut painter, body),
        View::Log(_) => log::draw(app, &mut painter, body, true),
        View::Job { id, scroll } => job::draw(app, &mut painter, body, id, scroll),
        View::Array { parent, list } => array::draw(app, &mut painter, body, parent, list),
        View::Instances { environment, list } => instances::draw(app, &mut painter, body, environment, list),
        View::Schedules(list) => schedules::draw(app, &mut painter, body, list),
        View::Definitions(list) => definitions::draw(app, &mut painter, body, list),
        View::Definition { label, scroll } => definitions::draw_one(app, &mut painter, body, label, scroll),
        View::Audit(list) => audit::draw(app, &mut painter, body, list),
        View::Watches(list) => watches::draw(app, &mut painter, body, list),
        View::Failures(view) => failures::draw(app, &mut painter, body, view),
        View::Group { title, list } => failures::draw_group(app, &mut painter, body, title, list),
        View::Pulse(view) => pulse::draw(app, &mut painter, body, view),
        View::Events(view) => events::draw(app, &mut painter, body, view),
        View::Cost(view) => cost::draw(app, &mut painter, body, view),
        View::Usage(view) => sizes::draw(app, &mut painter, body, view),
        View::Tree(view) => tree::draw(app, &mut painter, body, view),
        View::Why(why) => why::draw(app, &mut painter, body, why),
    }
    chrome::status(app, &mut painter, line(area.bottom() - 2));
    chrome::hints(app, &mut painter, line(area.bottom() - 1));
    popups::draw(app, &mut painter, body);
    let cursor = painter.cursor;
    app.spots.replace(painter.spots);
    if app.setting.own.ascii {
        ascii::lower(buffer);
    }
    cursor
}

#[cfg(test)]
mod log_tests;
#[cfg(test)]
pub(crate) use tests::{reported as reported_world, world as recorded_world};

#[cfg(test)]
mod tests;
