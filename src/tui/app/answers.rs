//! What comes back from outside: answers, changes, the state of the connection.

use super::list::{Scope, StateSet};
use super::log::Subject;
use super::store::{Kind, Liveness};
use super::subject::parts_query;
use super::topic::Topic;
use super::{App, View};
use crate::backend::{BackendError, JobQuery, JobScope, Page};
use crate::model::{Change, JobId, JobSummary, Millis, What, text::printable};
use crate::tui::requests::{Answer, Ask, Message, Request, RequestId};
use std::mem;

/// How many jobs are asked for at once.
const PAGE: u32 = 500;
/// Pages that are read without being asked for: live jobs, and ended ones.
const LIVE_PAGES: usize = 20;
const ENDED_PAGES: usize = 2;

/// Pages that may bring nothing new before one stops reading on.
const KNOWN_PAGES: usize = 4;

/// The sets of states that are read one by one; together they are all.
const SETS: [StateSet; 4] = [StateSet::Running, StateSet::Waiting, StateSet::Failed, StateSet::Succeeded];

/// From this on, the console says that it is behind the stream of changes.
const BEHIND: Millis = 2_000;

/// How old changes are when they are taken.
#[derive(Debug, Default)]
pub(super) struct Lag {
    last: Millis,
    /// The least that was ever met: what the two clocks differ by.
    least: Option<Millis>,
}

impl Lag {
    fn note(&mut self, at: Millis, now: Millis) {
        // A change without a time says nothing of its age.
        if at > 0 {
            self.last = now - at;
            self.least = Some(self.least.map_or(self.last, |least| least.min(self.last)));
        }
    }
}

/// How far each of [`SETS`] has been read.
#[derive(Debug, Default)]
pub(super) struct Pages([Reading; 4]);

#[derive(Debug, Default)]
struct Reading {
    next: Option<String>,
    is_busy: bool,
    pages: usize,
}

impl App {
    /// Takes what was heard from outside, and no more: it costs the same however much is shown. Lists, cursors and what
    /// is asked for follow with the next [`App::tick`], once for all that came in between.
    pub fn receive(&mut self, message: Message, now: Millis) -> Vec<Request> {
        self.now = now;
        match message {
            Message::Answer { id, answer } => self.take_answer(id, answer),
            Message::WatchOpened => {
                self.heard_at = now;
                self.store.live = Liveness::Live;
                if !self.store.unread.is_empty() {
                    // What could not be read while nothing was reached can be now.
                    self.reread();
                }
                if self.log.error.is_some() {
                    // What broke with the connection is followed anew.
                    self.log.turn_to(Subject::Nothing);
                }
            }
            Message::Change(change) => {
                self.heard_at = now;
                self.store.live = Liveness::Live;
                self.lag.note(change.at, now);
                self.take_change(change);
            }
            Message::WatchBroke { error, again_in } => {
                let since = match &self.store.live {
                    Liveness::Gone { since, .. } => *since,
                    Liveness::Live | Liveness::Connecting => self.heard_at,
                };
                let why = error.to_string();
                let renewal = if let BackendError::Credentials { renewal, .. } = error { renewal } else { None };
                self.store.live = Liveness::Gone { since, why, renewal, again_at: now + again_in };
            }
            Message::Revived(Ok(note)) => self.say(note),
            Message::Revived(Err(why)) => self.complain(why),
            Message::ThemeFile(Ok(theme)) => {
                self.say(format!("the theme `{}` was read anew", theme.name));
                self.set_theme(theme);
            }
            Message::ThemeFile(Err(error)) => self.complain(error.to_string()),
        }
        self.open_what_was_to_come();
        mem::take(&mut self.out)
    }

    /// How old what is shown is while changes come faster than they are taken; `None` while the console keeps up.
    pub fn behind(&self) -> Option<Millis> {
        let lag = self.lag.last - self.lag.least.unwrap_or_default();
        let still_coming = self.now - self.heard_at < BEHIND;
        (self.store.live == Liveness::Live && lag >= BEHIND && still_coming).then_some(lag)
    }

    /// When what [`App::behind`] says is no longer so, should nothing more come.
    pub(super) fn caught_up_at(&self) -> Option<Millis> {
        self.behind().map(|_| self.heard_at + BEHIND)
    }

    fn take_change(&mut self, change: Change) {
        match &change.what {
            What::Reset => {
                self.store.reset();
                self.reread();
            }
            What::Notice(text) => self.say(printable(text).into_owned()),
            // Nothing else would read them again where one is polled: after a round that went well they may be readable.
            What::Alive { .. }
                if !self.setting.can.pushes_changes && self.store.unread.contains_key(&Kind::Definitions) =>
            {
                self.ask(Ask::Definitions);
            }
            What::JobGone(id) => {
                self.overview.jobs.marked.remove(id);
                for view in &mut self.views {
                    if let View::Array { list, .. } | View::Group { list, .. } = view {
                        list.marked.remove(id);
                    }
                }
                self.described.remove(id);
            }
            _ => {}
        }
        if !self.setting.can.pushes_changes {
            self.store.note_told(&change.what);
        }
        let is_about_ground = matches!(change.what, What::Alive { .. } | What::Queue(_) | What::ComputeEnvironment(_));
        let is_round = matches!(change.what, What::Alive { .. });
        let is_of_watch = matches!(change.what, What::Watch(_) | What::WatchGone(_));
        self.store.apply(change);
        if is_of_watch {
            self.heard_of_watch();
        }
        if is_round {
            self.look_for_logs_of_service();
        }
        if is_about_ground {
            self.see_changes();
        }
    }

    /// Asks for everything. Where changes are polled, the watch tells it: asking besides would spend what it needs.
    pub(super) fn reread(&mut self) {
        self.described.clear();
        if self.setting.can.pushes_changes {
            self.store.reset();
            self.ask(Ask::Queues);
            self.ask(Ask::Environments);
            if self.setting.can.schedules {
                self.ask(Ask::Schedules);
            }
            for set in 0..SETS.len() {
                self.pages.0[set] = Reading::default();
                self.ask_page(set, JobScope::Everywhere);
            }
        } else {
            self.ask(Ask::LookAgain);
        }
        self.read_watches();
        self.ask(Ask::Definitions);
        if self.setting.can.audit {
            self.ask(Ask::Audit);
        }
        if self.setting.can.instances {
            self.ask(Ask::Scaling);
        }
        for parent in mem::take(&mut self.children_asked) {
            self.ask_children(&parent);
        }
        if self.sought().is_some() {
            self.search();
        }
    }

    fn ask_page(&mut self, set: usize, scope: JobScope) {
        let reading = &mut self.pages.0[set];
        reading.is_busy = true;
        let query = JobQuery {
            scope,
            statuses: SETS[set].statuses(),
            name: None,
            page_token: reading.next.take(),
            limit: Some(PAGE),
        };
        self.ask(Ask::Jobs { set, query });
    }

    /// Whether there are, or may be, jobs of these states that were not fetched.
    pub fn has_more(&self, set: StateSet, scope: &Scope) -> bool {
        if !self.setting.can.pushes_changes {
            let mut queues = self.store.queues.values().filter(|queue| match scope {
                Scope::Queue(name) => queue.job_queue_name == *name,
                _ => true,
            });
            return queues.any(|queue| queue.job_counts.is_none() || queue.job_counts_partial);
        }
        let mut sets = SETS.iter().zip(&self.pages.0);
        sets.any(|(own, reading)| (set == *own || set == StateSet::All) && (reading.next.is_some() || reading.is_busy))
    }

    /// Whether pages of jobs that were asked for are still to come.
    pub(super) fn is_reading_jobs(&self) -> bool {
        self.pages.0.iter().any(|reading| reading.is_busy) || self.store.is_filling()
    }

    /// Queues whose jobs have not been counted yet, where that takes calls.
    pub fn queues_unread(&self) -> usize {
        if self.setting.can.pushes_changes {
            return 0;
        }
        self.store.queues.values().filter(|queue| queue.job_counts.is_none()).count()
    }

    /// Fetches more of what the list of jobs shows, when its end is reached.
    pub(super) fn ask_more(&mut self, set: StateSet) {
        if !self.setting.can.pushes_changes {
            return self.ask_more_of_queue(set);
        }
        for (at, own) in SETS.into_iter().enumerate() {
            let reading = &self.pages.0[at];
            if (set == own || set == StateSet::All) && reading.next.is_some() && !reading.is_busy {
                self.ask_page(at, JobScope::Everywhere);
            }
        }
    }

    /// Of one queue a page is a call; of all of them it would be a call each.
    fn ask_more_of_queue(&mut self, set: StateSet) {
        let scope = self.overview.jobs.scope.clone();
        if !self.has_more(set, &scope) {
            return;
        }
        let Scope::Queue(queue) = scope else {
            return self.say("there are more jobs than were fetched: choose a queue to go on in it");
        };
        if self.pages_of.as_ref() != Some(&queue) {
            self.pages_of = Some(queue.clone());
            self.pages = Pages::default();
        }
        for (at, own) in SETS.into_iter().enumerate() {
            let reading = &self.pages.0[at];
            let is_read = reading.pages > 0 && reading.next.is_none();
            if set == own && !reading.is_busy && !is_read {
                self.say(format!("fetching more jobs of {queue} …"));
                self.ask_page(at, JobScope::Queue(queue.clone()));
            }
        }
    }

    fn is_latest(&self, topic: &Topic, id: RequestId) -> bool {
        self.latest.get(topic) == Some(&id)
    }

    /// Whether the reading went well; why it did not is kept for the pane and said.
    fn readable<T>(&mut self, kind: Kind, result: Result<T, BackendError>) -> Option<T> {
        match result {
            Ok(value) => {
                self.store.read.insert(kind);
                self.store.unread.remove(&kind);
                Some(value)
            }
            Err(error) => {
                self.store.unread.insert(kind, error.to_string());
                None
            }
        }
    }

    fn take_answer(&mut self, id: RequestId, answer: Answer) {
        if let Some(context) = self.left_context(id) {
            // What was read there is of no use here; what was done there is still to be told.
            if let Answer::Done(outcome) = answer {
                self.tell_outcome(&outcome, &format!("in `{context}`: "));
            }
            return;
        }
        let topic = Topic::of_answer(&answer);
        if topic.is_some_and(|topic| !self.is_latest(&topic, id)) {
            return;
        }
        match answer {
            Answer::Queues(result) => {
                if let Some(queues) = self.readable(Kind::Queues, result) {
                    self.store.put_queues(queues);
                }
            }
            Answer::Environments(result) => {
                if let Some(environments) = self.readable(Kind::Environments, result) {
                    self.store.put_environments(environments);
                }
            }
            Answer::Definitions(result) => {
                if let Some(definitions) = self.readable(Kind::Definitions, result) {
                    self.store.put_definitions(definitions);
                }
            }
            Answer::Schedules(result) => {
                if let Some(schedules) = self.readable(Kind::Schedules, result) {
                    self.store.put_schedules(schedules);
                }
            }
            Answer::Audit(result) => {
                if let Some(entries) = self.readable(Kind::Audit, result) {
                    self.store.put_audit(entries);
                }
            }
            Answer::Watches(read) => self.take_watches(read),
            Answer::Watched(came) => self.take_watched(came),
            Answer::Told(Err(why)) => self.complain(format!("what a watch fired could not be told: {why}")),
            Answer::Scaling(Ok(steps)) => self.store.put_scaling(steps),
            // It stands beside the environments, which say themselves that they cannot be read.
            Answer::Scaling(Err(_)) | Answer::Told(Ok(())) => {}
            Answer::Jobs { set, page } => self.take_page(set, page),
            Answer::Found(page) => self.take_found(page),
            Answer::Children { parent, page } => self.take_children(&parent, page),
            Answer::Described(Ok(details)) => {
                for detail in details {
                    self.store.put_detail(detail);
                }
                self.keep_intention();
            }
            Answer::Described(Err(error)) => self.complain(format!("the job's details: {error}")),
            Answer::LastLine { job, at } => self.take_last_line(&job, at),
            Answer::Verified { asked, found } => self.take_verified(&asked, found),
            Answer::Runs { group, name, runs } => match runs {
                Ok(runs) => {
                    self.store.runs.insert((group, name), runs);
                }
                Err(error) => self.complain(format!("the runs of {group}/{name}: {error}")),
            },
            Answer::Log(read) => self.log.take(id, read, self.now),
            Answer::Handed { to, written } => self.take_handed(to, written),
            Answer::Why { subject, told } => self.take_why(&subject, &told),
            Answer::Failures(told) => self.take_failures(told),
            Answer::ForRerun(details) => self.take_for_rerun(details),
            Answer::ForReplace { job, read } => self.take_for_replace(&job, read),
            Answer::Policy { share, found } => self.take_policy(&share, found),
            Answer::Tree { job, told } => self.take_tree(&job, told),
            Answer::Pulse(told) => self.take_pulse(told),
            Answer::Usage { job, told } => self.usage = Some((job, told.map_err(|error| error.to_string()))),
            Answer::Capacity { environment, told } => {
                self.capacity.told = Some((environment, told.map_err(|error| error.to_string())));
            }
            Answer::Events(told) => self.take_events(told),
            Answer::Costs(told) => self.take_costs(told),
            Answer::Fits(told) => self.take_fits(told),
            Answer::Done(outcome) => self.take_outcome(id, &outcome),
            Answer::Progress(progress) => self.take_progress(id, progress),
            Answer::Theme(Ok(theme)) => {
                self.say(format!("theme {}", theme.name));
                self.set_theme(theme);
            }
            Answer::Theme(Err(error)) => self.complain(error.to_string()),
            Answer::Saved(saved) => self.take_saved(&saved),
            Answer::Bundle(to, text) => self.take_bundle(to, text),
            Answer::Code(given) => self.take_code(given),
            Answer::Recorded { command, result: Err(error) } => {
                self.complain(format!("`{command}` has run, and that could not be recorded: {error}"));
            }
            Answer::Recorded { result: Ok(()), .. } => self.reread_record(),
            Answer::NotKept(error) => self.complain(error.to_string()),
        }
    }

    fn take_page(&mut self, set: usize, page: Result<Page<JobSummary>, BackendError>) {
        let Some(page) = self.readable(Kind::Jobs, page) else {
            self.pages.0[set].is_busy = false;
            return;
        };
        let is_new = |job: &JobSummary| self.store.job(&job.job_id).is_none();
        let brings_new = page.items.iter().any(is_new);
        self.store.put_page(page.items);
        let reading = &mut self.pages.0[set];
        reading.is_busy = false;
        reading.pages += 1;
        reading.next = page.next;
        if !self.setting.can.pushes_changes {
            // The first pages are what the watch has read.
            let goes_on = !brings_new && reading.next.is_some() && !reading.pages.is_multiple_of(KNOWN_PAGES);
            if let Some(queue) = self.pages_of.clone().filter(|_| goes_on) {
                self.ask_page(set, JobScope::Queue(queue));
            }
            return;
        }
        let limit = if set < 2 { LIVE_PAGES } else { ENDED_PAGES };
        if reading.next.is_some() && reading.pages < limit {
            self.ask_page(set, JobScope::Everywhere);
        }
        if self.pages.0.iter().all(|reading| !reading.is_busy) {
            self.store.jobs_reread(self.pages.0.iter().all(|reading| reading.next.is_none()));
        }
    }

    fn take_children(&mut self, parent: &JobId, page: Result<Page<JobSummary>, BackendError>) {
        match page {
            Ok(page) => {
                self.store.put_page(page.items);
                if page.next.is_some() {
                    let query = parts_query(self.store.job(parent), parent, page.next);
                    self.ask(Ask::Children { parent: parent.clone(), query });
                } else {
                    self.store.children_read.insert(parent.clone());
                }
            }
            Err(error) => {
                self.children_asked.remove(parent);
                self.complain(format!("the children of {}: {error}", parent.short()));
            }
        }
    }
}
