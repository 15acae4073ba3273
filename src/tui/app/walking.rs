//! Steps from row to row and from pane to pane, and the marks that are set on the way.

use super::list::{Scope, Step};
use super::{App, Pane, View};
use crate::tui::action::{Action, Place};
use crate::tui::spots::What;
use std::collections::BTreeSet;

/// Rows by which a pane grows.
const ROWS: u16 = 2;

impl App {
    pub(super) fn turn_pane(&mut self, steps: usize) {
        match self.view() {
            View::Overview => {
                let at = Pane::EACH.iter().position(|pane| *pane == self.overview.pane).unwrap_or(0);
                self.focus(Pane::EACH[(at + steps) % Pane::EACH.len()]);
            }
            View::Job { .. } | View::Array { .. } | View::Group { .. } => self.aside = !self.aside,
            _ => {}
        }
    }

    /// Moves the edge between the pane that has the keys and the one beside it.
    pub(super) fn resize_pane(&mut self, grows: bool) {
        let height = |pane: Pane| {
            let spots = self.spots.borrow();
            spots.iter().find(|spot| spot.what == What::Pane(pane)).map(|spot| (spot.area.height, spot.area.y))
        };
        let pane = self.overview.pane;
        let (Some((jobs, _)), Some((_, top)), false) = (height(Pane::Jobs), height(pane), self.overview.zoomed) else {
            return self.say("this pane fills the screen: there is none beside it");
        };
        let step = |height: u16, more: bool| if more { height + ROWS } else { height.saturating_sub(ROWS) };
        match (pane, height(Pane::Queues), height(Pane::Environments)) {
            (Pane::Jobs, ..) => self.overview.heights.jobs = Some(step(jobs, grows)),
            (Pane::Log, ..) => self.overview.heights.jobs = Some(step(jobs, !grows)),
            // The environments stand below the queues.
            (Pane::Environments, Some((queues, above)), Some(_)) if above < top => {
                self.overview.heights.upper = Some(step(queues, !grows));
            }
            (_, queues, environments) => {
                let upper = queues.or(environments).map_or(0, |(height, _)| height);
                self.overview.heights.upper = Some(step(upper, grows));
            }
        }
    }

    pub(super) fn turn_states(&mut self, steps: usize) {
        if self.job_list().is_some_and(|jobs| jobs.filter().statuses().is_some()) {
            let back = self.keymap.call(self.place_below(), Action::Back);
            return self.say(format!("the filter says which states are listed; {back} clears it"));
        }
        if let Some(jobs) = self.job_list_mut() {
            jobs.states = jobs.states.turn(steps);
            jobs.marked.clear();
            jobs.list.cursor.enter_other_list();
        }
    }

    pub(super) fn toggle_scope(&mut self) {
        if !matches!(self.view(), View::Overview) {
            return self.say("this list is of chosen jobs");
        }
        let queue = self.selected_queue().map(|queue| queue.job_queue_name.clone());
        let jobs = &mut self.overview.jobs;
        jobs.scope = match (&jobs.scope, queue) {
            (Scope::Everywhere, Some(queue)) => Scope::Queue(queue),
            _ => Scope::Everywhere,
        };
        jobs.marked.clear();
    }

    pub(super) fn mark(&mut self) {
        let id = self.job_list().and_then(|jobs| jobs.selected(&self.store)).map(|job| job.job_id.clone());
        if let (Some(id), Some(jobs)) = (id, self.job_list_mut())
            && !jobs.marked.remove(&id)
        {
            jobs.marked.insert(id);
        }
        self.step(Step::Lines(1));
    }

    /// Marks what is listed. What a filter lets through loosely is not marked without a look at it.
    pub(super) fn mark_all(&mut self) {
        let Some(rows) = self.job_list().map(|jobs| jobs.rows(&self.store)) else { return };
        let close = &rows.ids[..rows.close];
        let loose = rows.ids.len() - close.len();
        let Some(jobs) = self.job_list_mut() else { return };
        if !rows.ids.is_empty() && close.is_empty() {
            return self.say("none has it as it is written: mark with Space, or write more of it");
        }
        let all = close.iter().all(|id| jobs.marked.contains(id));
        jobs.marked = if all { BTreeSet::new() } else { close.iter().cloned().collect() };
        if loose > 0 && !all {
            self.say(format!("marked what has it as it is written; {loose} that match loosely are not marked"));
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        match self.place_below() {
            Place::Log | Place::LogScreen => self.log.step(step),
            Place::Why => {
                if let Some(View::Why(why)) = self.views.last_mut() {
                    why.walk(step);
                }
            }
            Place::Tree => {
                if let Some(View::Tree(view)) = self.views.last_mut() {
                    view.walk(step);
                }
            }
            Place::Jobs | Place::Array => {
                let Some(rows) = self.job_list().map(|jobs| jobs.rows(&self.store)) else { return };
                let Some(jobs) = self.job_list_mut() else { return };
                jobs.list.cursor.step(&rows.ids, step);
                let at_end = jobs.list.cursor.position(&rows.ids).is_none_or(|at| at + 1 >= rows.ids.len());
                let states = jobs.listed_states();
                if at_end && matches!(jobs.scope, Scope::Everywhere | Scope::Queue(_)) && !self.search_on() {
                    self.ask_more(states);
                }
            }
            place => {
                let keys = self.keys_at(place);
                if let Some(list) = self.list_mut() {
                    return list.cursor.step(&keys, step);
                }
                match self.views.last_mut() {
                    Some(View::Job { scroll, .. } | View::Definition { scroll, .. }) => scroll.step(step),
                    Some(View::Pulse(view)) => view.scroll.step(step),
                    _ => {}
                }
            }
        }
    }
}
