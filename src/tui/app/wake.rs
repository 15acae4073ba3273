//! What time makes due, and when the console has to wake for it.

use super::list::JobList;
use super::{App, View, list, log, store};
use crate::model::{JobId, Millis};
use crate::tui::requests::Request;
use std::mem;

impl App {
    /// Does what time makes due, and what was heard since: called before each frame.
    pub fn tick(&mut self, now: Millis) -> Vec<Request> {
        self.now = now;
        if self.notice.as_ref().is_some_and(|notice| notice.until <= now) {
            self.notice = None;
        }
        self.send_what_is_due();
        self.verify();
        self.look_at_own_watches();
        self.settle_code();
        self.settle();
        mem::take(&mut self.out)
    }

    /// When [`App::tick`] has something to do at the earliest, or something shown changes with time.
    pub fn next_wake(&self) -> Millis {
        let mut wake = self.now + 30_000;
        let mut at = |time: Millis| wake = wake.min(time);
        if let Some(notice) = &self.notice {
            at(notice.until);
        }
        if let Some(time) = self.verify_at() {
            at(time);
        }
        if let Some(time) = self.acting_is_due_at() {
            at(time);
        }
        if let Some(time) = self.caught_up_at() {
            at(time);
        }
        let dues = [
            self.failures_are_due_at(),
            self.tree_is_due_at(),
            self.pulse_is_due_at(),
            self.report_is_due_at(),
            self.capacity_is_due_at(),
            self.log.histogram_is_due_at(),
        ];
        for due in dues.into_iter().flatten() {
            at(due);
        }
        if self.log_is_due_at().is_some() {
            at(self.log.wanted_since + log::REST);
        }
        let next_second = self.now - self.now.rem_euclid(1000) + 1000;
        let has_age = matches!(self.store.live, store::Liveness::Gone { .. }) || !self.setting.can.pushes_changes;
        if has_age || self.counts_down() || self.is_acting() || self.shows_seconds() {
            at(next_second);
        }
        wake.max(self.now + 1)
    }

    /// Whether something on the screen counts seconds.
    fn shows_seconds(&self) -> bool {
        match self.view() {
            View::Overview => {
                self.counts_seconds_in(&self.overview.jobs)
                    || self.store.environments.keys().any(|name| self.counts_down_in(name))
            }
            View::Array { list, .. } => self.counts_seconds_in(list),
            View::Job { id, .. } => self.counts_seconds(id),
            View::Why(why) => why.told.is_some(),
            View::Failures(view) => view.told.is_some(),
            View::Tree(view) => view.told.is_some(),
            View::Pulse(view) => view.told.is_some(),
            View::Cost(view) => view.told.is_some(),
            View::Events(view) => view.told.iter().take(200).any(|event| self.now - event.at < 60_000),
            View::Instances { environment, .. } => self.counts_down_in(environment),
            View::Log(_) => self.log.looks.times == log::Times::Ago,
            _ => false,
        }
    }

    /// Whether an instance of it boots or has its notice.
    fn counts_down_in(&self, environment: &str) -> bool {
        let capacity = self.store.environments.get(environment).and_then(|found| found.capacity.as_ref());
        let mut all = capacity.into_iter().flat_map(|capacity| &capacity.instances);
        all.any(|instance| instance.ready_at.or(instance.interrupted_at).is_some_and(|at| at > self.now))
    }

    fn counts_seconds_in(&self, list: &JobList) -> bool {
        // More rows than these fit on no screen.
        list.rows(&self.store).ids.iter().take(200).any(|id| self.counts_seconds(id))
    }

    fn counts_seconds(&self, id: &JobId) -> bool {
        self.store.job(id).is_some_and(|job| {
            (job.status.is_placed() && self.now - list::since(job) < 3_600_000) || self.now - list::since(job) < 60_000
        })
    }
}
