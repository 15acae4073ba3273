//! The mouse: a click selects a pane and a row, one on a title sorts by its column, the wheel scrolls.

use super::list::{Sort, Step};
use super::{App, Popup};
use crate::model::Millis;
use crate::tui::requests::{Ask, Request};
use crate::tui::spots::{Spot, What};
use ratatui::layout::Position;
use std::mem;

/// Lines that the wheel scrolls at once.
const WHEEL: isize = 3;

/// What a mouse does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    Click,
    WheelDown,
    WheelUp,
}

impl App {
    /// Takes what a mouse does at a place of the screen as it was drawn last.
    pub fn mouse(&mut self, mouse: Mouse, at: Position, now: Millis) -> Vec<Request> {
        self.now = now;
        self.begun.clear();
        self.may_follow.clear();
        let spots = self.spots.borrow().clone();
        let here: Vec<&Spot> = spots.iter().rev().filter(|spot| spot.area.contains(at)).collect();
        match (mouse, self.popups.last_mut()) {
            (Mouse::Click, Some(_)) => {}
            (_, Some(popup)) => {
                let step = Step::Lines(if mouse == Mouse::WheelDown { WHEEL } else { -WHEEL });
                match popup {
                    Popup::Form(form) => form.look(step),
                    Popup::Help { scroll, .. } | Popup::Text { scroll, .. } => scroll.step(step),
                    Popup::Palette(palette) => palette.step(mouse == Mouse::WheelDown),
                    Popup::Filter(_) | Popup::Prompt(_) => {}
                }
            }
            (_, None) => self.mouse_on_screen(mouse, at, &here),
        }
        self.settle();
        mem::take(&mut self.out)
    }

    fn mouse_on_screen(&mut self, mouse: Mouse, at: Position, here: &[&Spot]) {
        for spot in here {
            match spot.what {
                What::Pane(pane) if self.overview.pane != pane => self.focus(pane),
                What::Side { is_log } => self.aside = is_log,
                _ => {}
            }
        }
        match mouse {
            Mouse::WheelDown => self.step(Step::Lines(WHEEL)),
            Mouse::WheelUp => self.step(Step::Lines(-WHEEL)),
            Mouse::Click => {
                let hit = here.iter().find(|spot| matches!(spot.what, What::Rows { .. } | What::Title(_)));
                match hit.map(|spot| (&spot.what, spot.area)) {
                    Some((What::Rows { first }, area)) => self.select_row(first + usize::from(at.y - area.y)),
                    Some((What::Title(title), _)) => self.sort_by_title(title),
                    _ => {}
                }
            }
        }
    }

    fn select_row(&mut self, row: usize) {
        let place = self.place_below();
        let key = match self.job_list() {
            Some(jobs) => jobs.rows(&self.store).ids.get(row).map(ToString::to_string),
            None => self.keys_at(place).into_iter().nth(row),
        };
        if let (Some(key), Some(list)) = (key, self.list_mut()) {
            list.cursor.put(&key);
        }
    }

    /// By this column, or the other way around where it is so already.
    fn sort_by_title(&mut self, title: &str) {
        let Some(jobs) = self.job_list_mut() else { return };
        let Some(sort) = Sort::of_column(title) else { return };
        if jobs.order() == sort {
            jobs.reversed = !jobs.reversed;
        } else {
            jobs.sort = Some(sort);
            jobs.reversed = false;
        }
    }

    pub(super) fn toggle_mouse(&mut self) {
        let takes = !self.setting.own.console.mouse;
        self.setting.own.console.mouse = takes;
        self.ask(Ask::TakeMouse(takes));
        self.say(if takes {
            "clicks and the wheel are the console's; `:mouse` gives them back to the terminal"
        } else {
            "the mouse is the terminal's: it selects text"
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::theme::Theme;
    use crate::tui::action::Place;
    use crate::tui::app::Pane;
    use crate::tui::screens::recorded_world;
    use crate::tui::stage::Stage;

    fn stage() -> Stage {
        Stage::new(recorded_world(), (110, 32), Theme::default())
    }

    /// Where a text stands on the screen.
    fn place_of(stage: &Stage, text: &str) -> Position {
        let screen = stage.text();
        let found = screen.lines().enumerate().find_map(|(y, line)| Some((line.find(text)?, y, line)));
        let (at, y, line) = found.unwrap_or_else(|| panic!("no {text} in\n{screen}"));
        let x = crate::tui::format::width(&line[..at]);
        Position { x: u16::try_from(x).expect("it fits"), y: u16::try_from(y).expect("it fits") }
    }

    fn click(stage: &mut Stage, text: &str) {
        stage.draw();
        let (at, now) = (place_of(stage, text), stage.app.now);
        stage.app.mouse(Mouse::Click, at, now);
    }

    fn selected(stage: &Stage) -> String {
        let id = stage.app.selected_job().expect("a job");
        stage.app.job_row(&id).expect("its row").job_name
    }

    #[test]
    fn a_click_selects_the_row_that_it_is_on_in_whatever_pane() {
        let mut stage = stage();
        click(&mut stage, "etl-2026-11-24 ");
        assert_eq!(selected(&stage), "etl-2026-11-24");
        click(&mut stage, "nightly ");
        assert_eq!(stage.app.overview.pane, Pane::Queues);
        assert!(stage.text().contains("▸ nightly"), "{}", stage.text());
        click(&mut stage, "4 Log");
        assert_eq!(stage.app.overview.pane, Pane::Log);
    }

    #[test]
    fn a_click_on_a_title_sorts_by_it_and_another_one_the_other_way_around() {
        let mut stage = stage();
        click(&mut stage, "memory queue");
        assert_eq!((stage.app.overview.jobs.order(), stage.app.overview.jobs.reversed), (Sort::Memory, false));
        click(&mut stage, "memory queue");
        assert!(stage.app.overview.jobs.reversed);
    }

    #[test]
    fn the_wheel_scrolls_the_pane_that_it_is_over_and_what_lies_on_top() {
        let mut stage = stage();
        let over = place_of(&stage, "Queues");
        let now = stage.app.now;
        stage.app.mouse(Mouse::WheelDown, over, now);
        assert!(stage.text().contains("▸ nightly"), "{}", stage.text());
        stage.press("?").expect("keys");
        let before = stage.text();
        stage.app.mouse(Mouse::WheelDown, over, now);
        assert_ne!(stage.text(), before);
        click(&mut stage, "Keys in");
        assert_eq!(stage.app.place(), Place::Text, "a click beside or on a text leaves it where it is");
    }
}
