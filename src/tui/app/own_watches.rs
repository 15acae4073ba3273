//! Watches where no engine keeps them, as on AWS: this console does, in its own file, and judges them by the rows that it
//! holds while it runs.

use super::store::{Liveness, Store};
use super::watches::Watched;
use super::{App, list};
use crate::backend::BackendError;
use crate::config::kept::Note;
use crate::model::watch::{
    Condition, Facts, Ground, JobFacts, Missing, Oldest, Passing, SaveWatch, States, Tally, WATCHES_KEPT, Watch, judge,
};
use crate::model::{JobId, JobStatus, JobSummary, Millis, Subject};
use crate::tui::requests::Ask;

/// They are judged so often: what is polled does not change sooner.
const JUDGED_EVERY: Millis = 3_000;
/// Whether a job has printed something is looked at so often at most and at least: each look is a call.
const LINES_READ_EVERY: (Millis, Millis) = (10_000, 60_000);

impl App {
    fn keeps_watches(&self) -> bool {
        !self.is_local() && self.setting.recorded_at.is_none()
    }

    /// What an earlier console of this context has kept.
    pub(super) fn take_own_watches(&mut self) {
        let kept = self.kept.watches.get(&self.setting.context).cloned().unwrap_or_default();
        self.store.watches = kept.into_iter().map(|watch| (watch.id.clone(), watch)).collect();
    }

    fn keep_watch(&mut self, watch: &Watch) {
        self.store.watches.insert(watch.id.clone(), watch.clone());
        let context = self.setting.context.clone();
        self.note(Note::Watch { context, watch: Box::new(watch.clone()) });
    }

    pub(super) fn save_own_watch(&mut self, save: &SaveWatch) {
        let name = match &save.subject {
            Subject::Job(id) => self.job_row(id).map(|job| job.job_name).unwrap_or_default(),
            Subject::Queue(_) | Subject::Environment(_) => String::new(),
        };
        let known = save.id.as_ref().and_then(|id| self.store.watches.get(id));
        let is_it =
            |known: &&Watch| known.is_live() && known.subject == save.subject && known.condition == save.condition;
        let watch = match (known, self.store.watches.values().find(is_it)) {
            (Some(known), _) => known.changed(save, name, self.now),
            (None, Some(known)) => known.clone(),
            (None, None) if self.store.watches.len() >= WATCHES_KEPT => {
                return self.complain(format!("there are {WATCHES_KEPT} watches, and no room for more"));
            }
            (None, None) => {
                let numbers = self.store.watches.keys().filter_map(|id| id.strip_prefix('w')?.parse::<u64>().ok());
                let id = format!("w{}", numbers.max().unwrap_or(0) + 1);
                Watch::new(id, save, name, "", self.now)
            }
        };
        self.keep_watch(&watch);
        self.say_watched(&watch);
    }

    pub(super) fn remove_own_watch(&mut self, id: &str) {
        self.store.watches.remove(id);
        self.note(Note::ForgetWatch { context: self.setting.context.clone(), id: id.to_owned() });
        self.take_watched(Ok(Watched::Removed(id.to_owned())));
    }

    pub(super) fn acknowledge_own_watches(&mut self, id: Option<&str>) {
        let unseen = self.store.watches.values().filter(|watch| watch.is_unseen());
        let meant: Vec<Watch> = unseen.filter(|watch| id.is_none_or(|id| id == watch.id)).cloned().collect();
        for mut watch in meant {
            watch.acknowledge(self.now);
            self.keep_watch(&watch);
        }
        self.take_watched(Ok(Watched::Acknowledged(id.map(str::to_owned))));
    }

    /// Judges them by what is known now, as far as that is how things are.
    pub(super) fn look_at_own_watches(&mut self) {
        let is_due = (self.now - self.watching.judged_at).abs() >= JUDGED_EVERY;
        if !self.keeps_watches() || self.store.watches.is_empty() || !is_due {
            return;
        }
        if self.store.live != Liveness::Live || self.store.is_filling() {
            return;
        }
        self.watching.judged_at = self.now;
        let now = self.now;
        self.read_last_lines();
        let judged = self.store.watches.values().filter_map(|watch| {
            let turn = watch.turn(&judge(watch, &self.store, now), now)?;
            let mut watch = watch.clone();
            watch.take(&turn, now);
            Some(watch)
        });
        let turned: Vec<Watch> = judged.collect();
        for watch in &turned {
            self.keep_watch(watch);
        }
        if !turned.is_empty() {
            self.tell_fired();
        }
    }
}

impl App {
    /// Asks when the jobs printed last whose silence is waited for.
    fn read_last_lines(&mut self) {
        let silent = |watch: &Watch| match (&watch.subject, &watch.condition) {
            (Subject::Job(id), Condition::Silent { than }) if watch.is_live() => Some((id.clone(), *than)),
            _ => None,
        };
        let watched: Vec<(JobId, Millis)> = self.store.watches.values().filter_map(silent).collect();
        self.watching.lines.retain(|id, _| watched.iter().any(|(watched, _)| watched == id));
        for (id, than) in watched {
            let Some(job) = self.job_row(&id).filter(|job| job.status == JobStatus::Running) else {
                self.watching.lines.remove(&id);
                continue;
            };
            let pause = (than / 4).clamp(LINES_READ_EVERY.0, LINES_READ_EVERY.1);
            let line = self.watching.lines.entry(id.clone()).or_default();
            if line.asked_at > 0 && self.now - line.asked_at < pause {
                continue;
            }
            line.asked_at = self.now;
            let told = job.extra.as_ref().and_then(|extra| {
                let stream = extra.log_stream_name.clone().filter(|stream| !stream.is_empty())?;
                Some((extra.log_group_name.clone(), stream))
            });
            let known = || self.store.detail(&id)?.log(None, None).map(|log| (log.group, log.stream));
            match told.or_else(known) {
                Some((group, stream)) => drop(self.ask(Ask::LastLine { job: id, group, stream })),
                None => drop(self.ask(Ask::Describe(vec![id]))),
            }
        }
        self.settle_last_lines();
    }

    /// A log was looked at; where it could not be read, nothing is known anew.
    pub(super) fn take_last_line(&mut self, job: &JobId, at: Result<Option<Millis>, BackendError>) {
        if let (Some(line), Ok(at)) = (self.watching.lines.get_mut(job), at) {
            line.read = Some((self.now, at));
        }
    }

    /// What was read, as of now: of the time since the reading nobody knows that it was silent.
    fn settle_last_lines(&mut self) {
        let now = self.now;
        let last = self.watching.lines.iter().filter_map(|(id, line)| {
            let (read_at, last) = line.read?;
            // Without a line it has been silent since it began.
            let last = last.or_else(|| self.store.job(id)?.started_at)?;
            Some((id.clone(), last + (now - read_at)))
        });
        self.store.last_lines = last.collect();
    }
}

impl Store {
    /// The jobs of a subject that are held: of an array its children where they are, or the array.
    fn jobs_of<'a>(&'a self, subject: &'a Subject) -> Box<dyn Iterator<Item = &'a JobSummary> + 'a> {
        match subject {
            Subject::Job(id) => match self.children.get(id).filter(|children| !children.is_empty()) {
                Some(children) => Box::new(children.values()),
                None => Box::new(self.job(id).into_iter()),
            },
            Subject::Queue(queue) => {
                Box::new(self.jobs.values().filter(move |job| list::queue_of(job) == Some(queue.as_str())))
            }
            Subject::Environment(_) => Box::new(std::iter::empty()),
        }
    }
}

/// By the rows that the console holds. What was not fetched is not known.
impl Facts for Store {
    fn job(&self, id: &JobId) -> Result<JobFacts, Missing> {
        let job = self.job(id).ok_or(Missing::NotRead)?;
        Ok(JobFacts {
            name: job.job_name.clone(),
            status: job.status,
            has_started: job.started_at.is_some(),
            exit: job.container.as_ref().and_then(|container| container.exit_code),
            reason: job.status_reason.clone(),
        })
    }

    fn count(&self, subject: &Subject, states: States) -> Option<u64> {
        let counts = match subject {
            Subject::Queue(queue) => self.queues.get(queue)?.job_counts.as_ref(),
            Subject::Job(id) => self.job(id)?.array_properties.as_ref().and_then(|array| array.status_summary.as_ref()),
            Subject::Environment(_) => None,
        };
        Some(match counts {
            Some(counts) => states.each().map(|status| counts.get(status)).sum(),
            None => self.jobs_of(subject).filter(|job| states.hold(job.status)).count() as u64,
        })
    }

    fn oldest(&self, subject: &Subject, states: States, _before: Millis) -> Result<Option<Oldest>, Missing> {
        if let Subject::Job(id) = subject {
            self.job(id).ok_or(Missing::NotRead)?;
        }
        let inside = self.jobs_of(subject).filter(|job| states.hold(job.status));
        let since = |job: &JobSummary| match states {
            States::Waiting if job.started_at.is_none() => job.created_at,
            _ => list::since(job),
        };
        let oldest = inside.min_by_key(|job| since(job));
        Ok(oldest.map(|job| Oldest { name: job.job_name.clone(), since: since(job) }))
    }

    fn ground(&self, subject: &Subject) -> Option<Ground> {
        match subject {
            Subject::Job(_) => None,
            Subject::Queue(queue) => {
                let found = self.queues.get(queue)?;
                let reason = found.status_reason.clone();
                Some(Ground { health: found.status, state: found.state, reason, instances: 0 })
            }
            Subject::Environment(environment) => {
                let found = self.environments.get(environment)?;
                Some(Ground {
                    health: found.status,
                    state: found.state,
                    reason: found.status_reason.clone(),
                    instances: found.capacity.as_ref().map_or(0, |capacity| capacity.instances.len() as u64),
                })
            }
        }
    }

    fn passed(&self, watch: &Watch, what: Passing, since: Millis) -> Option<Tally> {
        let at = |job: &JobSummary| match what {
            Passing::Started => job.started_at,
            _ => job.stopped_at.filter(|_| job.status == what.status()),
        };
        let times: Vec<Millis> = self
            .jobs_of(&watch.subject)
            .filter_map(at)
            .filter(|passed| *passed > since.max(watch.created_at))
            .collect();
        Some(Tally { count: times.len() as u64, first: times.into_iter().min() })
    }

    fn last_line(&self, job: &JobId) -> Option<Millis> {
        self.last_lines.get(job).copied()
    }
}
