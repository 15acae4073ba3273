//! Pointing at things by their number or their name, where nobody moves a cursor.

use super::list::{ListState, Step};
use super::rows::schedule_key;
use super::store::{Kind, Liveness};
use super::{App, Pane, View};
use crate::model::Millis;
use crate::tui::action::{Action, Place};
use crate::tui::requests::Request;
use std::mem;

impl App {
    /// Whether the first reading of all is still to come or goes on.
    pub fn is_first_read(&self) -> bool {
        let is_unread = |kind: &Kind| !self.store.read.contains(kind) && !self.store.unread.contains_key(kind);
        match self.store.live {
            Liveness::Connecting => true,
            Liveness::Gone { .. } => false,
            Liveness::Live => {
                self.store.is_filling() || [Kind::Queues, Kind::Environments, Kind::Jobs].iter().any(is_unread)
            }
        }
    }

    /// How many rows there are here that have a number: those of a list, or the steps of a diagnosis.
    pub fn count_here(&self) -> usize {
        match (self.place_below(), self.view()) {
            (Place::Jobs | Place::Array, _) => self.job_list().map_or(0, |jobs| jobs.rows(&self.store).ids.len()),
            (_, View::Why(why)) => why.told.as_ref().map_or(0, |told| told.steps().count()),
            (place, _) => self.keys_at(place).len(),
        }
    }

    /// Puts the cursor on a row; the first one is 0.
    pub fn point_at_row(&mut self, at: usize) {
        self.step(Step::First);
        if matches!(self.view(), View::Why(_)) {
            (0..at).for_each(|_| self.step(Step::Lines(1)));
        } else if at > 0 {
            self.step(Step::Lines(isize::try_from(at).unwrap_or(isize::MAX)));
        }
    }

    /// Turns to the thing of this name or id that an action can be for: in the list that is shown, or else a job, a queue, a
    /// compute environment or a schedule. An error says that there is none.
    pub fn turn_to_thing(&mut self, action: Action, name: &str, now: Millis) -> Result<Vec<Request>, String> {
        self.now = now;
        let covers = |place: Place| action.info().scope.covers(place);
        let place = self.place_below();
        let keys = self.keys_at(place);
        let here = keys.iter().find(|key| *key == name || key.rsplit_once('/').is_some_and(|(_, last)| last == name));
        let job = if covers(Place::Job) || covers(Place::Jobs) { self.job_named(name) } else { Err(String::new()) };
        let schedule = self.store.schedules.values().find(|schedule| schedule.name == name).map(schedule_key);
        if let Some(key) = here.filter(|_| covers(place)).cloned() {
            if let Some(list) = self.list_mut() {
                list.cursor.put(&key);
            }
        } else if let Ok(id) = &job {
            if self.selected_job().as_ref() != Some(id) || !covers(self.place()) {
                self.open_job(id.clone());
            }
        } else if covers(Place::Queues) && self.store.queues.contains_key(name) {
            self.show_overview(Pane::Queues);
            self.overview.queues.cursor.put(name);
        } else if covers(Place::Environments) && self.store.environments.contains_key(name) {
            self.show_overview(Pane::Environments);
            self.overview.environments.cursor.put(name);
        } else if let Some(key) = schedule.filter(|_| covers(Place::Schedules)) {
            let mut list = ListState::default();
            list.cursor.put(&key);
            self.show(View::Schedules(list));
        } else {
            return Err(match job {
                Err(error) if !error.is_empty() => error,
                _ => format!("`{}` finds nothing of the name `{name}`", action.info().name),
            });
        }
        self.settle();
        Ok(mem::take(&mut self.out))
    }
}
