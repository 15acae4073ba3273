//! The view of why: opened on a job, a queue or an environment, asked without waiting, and what can be done from there.

use super::{App, Intention, View};
use crate::model::{JobId, JobStatus, Millis, Subject, Switch};
use crate::triage::why::{Deed, Diagnosis, NextStep};
use crate::tui::action::{Action, Place};
use crate::tui::requests::Ask;
use std::cell::Cell;

use super::list::Step;

/// What the view shows, and where one is in it.
#[derive(Debug)]
pub struct Why {
    pub subject: Subject,
    /// `None` until it has been read once; the last one stands until the next has come.
    pub told: Option<Box<Diagnosis>>,
    /// Why it could not be read, the last time.
    pub error: Option<String>,
    /// It is being read.
    pub is_asked: bool,
    /// When it was asked for.
    pub asked_at: Millis,
    /// The job's state and try then.
    state: Option<(JobStatus, u32)>,
    /// The step under the cursor.
    pub at: usize,
    /// The first line that is shown, noted when it is drawn.
    pub top: Cell<usize>,
    /// Lines in all, and lines that fit.
    pub seen: Cell<(usize, usize)>,
    /// Whether the lines follow the cursor; after paging they stand where one has gone.
    pub follows: bool,
}

impl Why {
    fn new(subject: Subject) -> Self {
        Self {
            subject,
            told: None,
            error: None,
            is_asked: false,
            asked_at: 0,
            state: None,
            at: 0,
            top: Cell::new(0),
            seen: Cell::new((0, 0)),
            follows: true,
        }
    }

    fn count(&self) -> usize {
        self.told.as_ref().map_or(0, |told| told.steps().count())
    }

    /// The step under the cursor.
    pub fn step(&self) -> Option<&NextStep> {
        self.told.as_ref()?.steps().nth(self.at).map(|(_, step)| step)
    }

    /// A line goes to the next step, and past the last one on through the text; pages go through the text.
    pub(super) fn walk(&mut self, step: Step) {
        let (lines, fits) = self.seen.get();
        let last = lines.saturating_sub(fits);
        let count = self.count();
        let next = match step {
            Step::Lines(1) if self.follows => (self.at + 1 < count).then_some(self.at + 1),
            Step::Lines(-1) if self.follows => self.at.checked_sub(1),
            // Coming back from the text, the cursor is shown again.
            Step::Lines(-1) if self.top.get() == 0 || count == 0 => None,
            Step::First if count > 0 => Some(0),
            _ => None,
        };
        if let Some(at) = next {
            (self.at, self.follows) = (at, true);
            return;
        }
        self.follows = false;
        self.top.set(step.from(self.top.get().min(last), last + 1, fits));
        if self.top.get() == 0 {
            (self.at, self.follows) = (0, true);
        }
    }
}

impl App {
    /// Opens it on what is meant here: the job, queue or environment under the cursor.
    pub(super) fn ask_why(&mut self) {
        let subject = match self.place_below() {
            Place::Queues => self.selected_queue().map(|queue| Subject::Queue(queue.job_queue_name.clone())),
            Place::Environments | Place::Instances => {
                self.selected_environment().map(|found| Subject::Environment(found.compute_environment_name.clone()))
            }
            _ => self.selected_job().map(Subject::Job),
        };
        match subject {
            Some(subject) => self.open_why(subject),
            None => self.say("nothing is selected to ask about"),
        }
    }

    pub(super) fn open_why(&mut self, subject: Subject) {
        self.push(View::Why(Box::new(Why::new(subject))));
        self.ask_why_again();
    }

    /// Asks for the diagnosis that is shown.
    pub(super) fn ask_why_again(&mut self) {
        let Some(View::Why(why)) = self.views.last() else { return };
        let subject = why.subject.clone();
        let state = self.state_of_subject(&subject);
        self.ask(Ask::Why { subject, at: self.now });
        let now = self.now;
        if let Some(View::Why(why)) = self.views.last_mut() {
            (why.is_asked, why.asked_at, why.state) = (true, now, state);
        }
    }

    fn state_of_subject(&self, subject: &Subject) -> Option<(JobStatus, u32)> {
        let Subject::Job(id) = subject else { return None };
        self.store.job(id).map(|job| (job.status, super::subject::attempt_of(job)))
    }

    /// Asks again where the job has changed its state since.
    pub(super) fn settle_why(&mut self) {
        let Some(View::Why(why)) = self.views.last() else { return };
        let state = self.state_of_subject(&why.subject);
        if !why.is_asked && state.is_some() && state != why.state {
            self.ask_why_again();
        }
    }

    pub(super) fn take_why(&mut self, subject: &Subject, told: &Result<Box<Diagnosis>, crate::backend::BackendError>) {
        for view in &mut self.views {
            let View::Why(why) = view else { continue };
            if why.subject != *subject {
                continue;
            }
            why.is_asked = false;
            match told {
                Ok(told) => {
                    (why.told, why.error) = (Some(told.clone()), None);
                    why.at = why.at.min(why.count().saturating_sub(1));
                }
                Err(error) => why.error = Some(error.to_string()),
            }
        }
    }

    /// The view of why that is shown.
    pub fn why(&self) -> Option<&Why> {
        match self.view() {
            View::Why(why) => Some(why),
            _ => None,
        }
    }

    /// Does what the step under the cursor says; what changes the world asks before.
    pub(super) fn take_step(&mut self) {
        let Some(step) = self.why().and_then(Why::step) else { return };
        let (deed, words) = (step.deed.clone(), step.words.clone());
        if let Some(refusal) = action_of(&deed).and_then(|action| self.refusal(action)) {
            return self.complain(refusal);
        }
        match deed {
            Deed::Elsewhere => self.say(format!("not from here: {words}")),
            Deed::OpenJob(id) => {
                self.describe_if_changed(&id);
                self.open_job(id);
            }
            Deed::OpenLog(id) => {
                if self.selected_job().as_ref() != Some(&id) {
                    self.describe_if_changed(&id);
                    self.open_job(id);
                }
                self.show_log();
            }
            Deed::OpenQueue(queue) => self.open_queue(&queue),
            Deed::OpenEnvironment(name) => self.open_environment(name),
            Deed::WhyJob(id) => self.open_why(Subject::Job(id)),
            Deed::WhyEnvironment(name) => self.open_why(Subject::Environment(name)),
            Deed::EnableQueue(queue) => self.ask_switch_queue(queue, Switch::Enabled),
            Deed::EnableEnvironment(name) => self.ask_switch_environment(name, Switch::Enabled),
            Deed::SetMaximum { environment, vcpus } => self.ask_maximum(environment, vcpus),
            Deed::Resubmit { job, memory_mib, vcpus, attempts } => {
                self.ask_resubmit_with(job, Resize { memory_mib, vcpus, attempts });
            }
            Deed::Stop(id) => self.of_job(id, Intention::Stop),
            Deed::ReleaseJob(id) => self.of_job(id, Intention::Release),
            Deed::Move(id) => self.of_job(id, Intention::Move),
            Deed::ReleaseQueue(queue) => self.ask_hold_queue(queue, false),
            Deed::SetPriority(queue) => self.ask_queue_priority(&queue),
        }
    }

    /// Opens the form on a job, once its row or its details are known.
    fn of_job(&mut self, id: JobId, intention: Intention) {
        if self.job_row(&id).is_some() { self.begin(&id, intention) } else { self.intend(id, intention) }
    }

    pub(super) fn begin(&mut self, id: &JobId, intention: Intention) {
        let jobs = vec![id.clone()];
        match intention {
            Intention::Stop => self.ask_stop_of(jobs),
            Intention::Release => self.ask_hold_of(&jobs),
            Intention::Move => self.ask_move_of(&jobs),
            _ => {}
        }
    }
}

/// What a job is submitted again with, in place of what it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resize {
    pub memory_mib: Option<u64>,
    /// Hundredths.
    pub vcpus: Option<u64>,
    pub attempts: Option<u32>,
}

/// The action that a deed is, for what a context refuses.
fn action_of(deed: &Deed) -> Option<Action> {
    Some(match deed {
        Deed::EnableQueue(_) | Deed::EnableEnvironment(_) | Deed::SetMaximum { .. } => Action::Switch,
        Deed::Resubmit { .. } => Action::Resubmit,
        Deed::Stop(_) => Action::Stop,
        Deed::ReleaseJob(_) | Deed::ReleaseQueue(_) => Action::Hold,
        Deed::Move(_) => Action::Move,
        Deed::SetPriority(_) => Action::Reprioritise,
        _ => return None,
    })
}
