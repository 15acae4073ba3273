//! What is watched for while no terminal is there: kept with the state, judged after each round from it and from the time
//! that is told. What a watch turns to is an event, so that a replay needs no second judging.

use super::Engine;
use super::event::Event;
use super::job::{Job, Key, Root};
use crate::model::watch::{
    Condition, Facts, FiredWatch, Ground, JobFacts, Judgement, Missing, Oldest, Passing, States, Tally, Turn, Watch,
    judge, times_kept,
};
use crate::model::{JobId, JobStatus, Millis, Subject};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// What takes long to judge is judged again no sooner, while it holds.
const JUDGED_EVERY: Millis = 5_000;
/// A log that is silent is looked at again no sooner.
const LOOKED_EVERY: Millis = 1_000;

/// A watch, and what its condition counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watched {
    pub watch: Watch,
    /// When what it counts has passed; as many of the last times as it takes, oldest first.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub passed: VecDeque<Millis>,
}

/// What is known of watches beside the state: when each is to be judged again, and what logs were seen to do.
#[derive(Debug, Clone, Default)]
pub(super) struct Vigil {
    /// Those that need not be judged before.
    rests: BTreeMap<u64, Millis>,
    /// When time alone may change something.
    wake: Option<Millis>,
    lines: BTreeMap<JobId, Line>,
}

/// A job's last line, and when its log was looked at.
#[derive(Debug, Clone, Copy)]
struct Line {
    written: Millis,
    looked: Millis,
}

/// `w7`
pub(super) fn watch_id(number: u64) -> String {
    format!("w{number}")
}

fn watch_number(id: &str) -> Option<u64> {
    id.strip_prefix('w')?.parse().ok()
}

impl Engine {
    /// All watches, in the order in which they were made.
    pub fn watches(&self) -> Vec<Watch> {
        self.core.watches.values().map(|watched| watched.watch.clone()).collect()
    }

    pub(super) fn watch_of(&self, id: &str) -> Option<(u64, &Watch)> {
        let number = watch_number(id)?;
        Some((number, &self.core.watches.get(&number)?.watch))
    }

    /// Judges the watches: what they turn to now. The caller applies it and asks again, as for [`Engine::advance`].
    pub fn look_at_watches(&mut self, now: Millis) -> Vec<Event> {
        if self.core.watches.is_empty() {
            self.vigil = Vigil::default();
            return Vec::new();
        }
        let mut events = Vec::new();
        let mut rests = BTreeMap::new();
        let mut wakes = Vec::new();
        for (number, Watched { watch, .. }) in &self.core.watches {
            if !watch.is_live() {
                continue;
            }
            if let Some(until) = self.vigil.rests.get(number).filter(|until| **until > now) {
                rests.insert(*number, *until);
                wakes.push(*until);
                continue;
            }
            let judged = judge(watch, self, now);
            if let Some(turn) = watch.turn(&judged, now) {
                let id = watch.id.clone();
                events.push(match turn {
                    Turn::Fires(why) => Event::WatchFired { at: now, id, why },
                    Turn::Clears => Event::WatchCleared { at: now, id },
                    Turn::Ends(why) => Event::WatchEnded { at: now, id, why },
                });
                continue;
            }
            let takes_long = matches!(watch.condition, Condition::Longer { .. });
            match judged {
                Judgement::Holds { again, .. } => {
                    wakes.extend(again);
                    if takes_long {
                        rests.insert(*number, now + JUDGED_EVERY);
                    }
                }
                Judgement::Not { again } => {
                    wakes.extend(again);
                    if watch.holds {
                        wakes.push(watch.rests_until());
                    } else if let Some(again) = again.filter(|_| takes_long) {
                        rests.insert(*number, again);
                    }
                }
                Judgement::Never { .. } | Judgement::Unknown => {}
            }
        }
        self.vigil.rests = rests;
        self.vigil.wake = wakes.into_iter().filter(|at| *at > now).min();
        events
    }

    pub(super) fn next_watch(&self) -> Option<Millis> {
        self.vigil.wake
    }

    /// Jobs of which it has to be known when they printed their last line, with their log streams.
    pub fn asks_for_lines(&self, now: Millis) -> Vec<(JobId, Vec<String>)> {
        let asked = self.core.watches.values().filter_map(|Watched { watch, .. }| {
            let (Subject::Job(job), Condition::Silent { than }) = (&watch.subject, &watch.condition) else {
                return None;
            };
            let last = self.last_line(job).filter(|_| watch.is_live())?;
            let is_due = match self.vigil.lines.get(job) {
                None => true,
                Some(line) => last + than <= now && (line.looked + LOOKED_EVERY <= now || line.looked > now),
            };
            is_due.then(|| (job.clone(), self.log_streams(std::slice::from_ref(job))))
        });
        asked.collect()
    }

    /// Notes when a job printed its last line, if it has printed one. Not an event: what a watch makes of it is.
    pub fn note_line(&mut self, job: &JobId, written: Option<Millis>, now: Millis) {
        self.vigil.lines.insert(job.clone(), Line { written: written.unwrap_or_default(), looked: now });
    }

    pub(super) fn fold_watch(&mut self, event: &Event) {
        self.vigil.rests.clear();
        let at = event.at();
        match event {
            Event::WatchSaved { watch, .. } => {
                let Some(number) = watch_number(&watch.id) else { return };
                let before = self.core.watches.remove(&number);
                let passed = before.filter(|before| {
                    before.watch.condition == watch.condition && before.watch.subject == watch.subject
                });
                let passed = passed.map(|before| before.passed).unwrap_or_default();
                self.core.watches.insert(number, Watched { watch: (**watch).clone(), passed });
                self.core.last_watch = self.core.last_watch.max(number);
            }
            Event::WatchRemoved { id, .. } => {
                if let Some(number) = watch_number(id) {
                    self.core.watches.remove(&number);
                }
            }
            Event::WatchFired { id, why, .. } => self.turn(id, &Turn::Fires(why.clone()), at),
            Event::WatchCleared { id, .. } => self.turn(id, &Turn::Clears, at),
            Event::WatchEnded { id, why, .. } => self.turn(id, &Turn::Ends(why.clone()), at),
            Event::WatchAcknowledged { id, .. } => {
                if let Some(watched) = watch_number(id).and_then(|number| self.core.watches.get_mut(&number)) {
                    watched.watch.acknowledge(at);
                }
            }
            _ => {}
        }
    }

    fn turn(&mut self, id: &str, turn: &Turn, at: Millis) {
        if let Some(watched) = watch_number(id).and_then(|number| self.core.watches.get_mut(&number)) {
            watched.watch.take(turn, at);
        }
    }

    /// What the event that was just folded in has changed is counted where a watch counts it.
    pub(super) fn count_for_watches(&mut self, event: &Event) {
        if matches!(event, Event::JobMoved { .. } | Event::ClockSetBack { .. }) {
            self.vigil.rests.clear();
        }
        if self.core.watches.is_empty() || self.moved.is_empty() {
            return;
        }
        let at = self.at;
        for key in &self.moved {
            let Some(root) = self.core.jobs.get(&key.number) else { continue };
            let Some(job) = leaf(root, *key) else { continue };
            for Watched { watch, passed } in self.core.watches.values_mut() {
                let Condition::Within { what, within, .. } = &watch.condition else { continue };
                if what.status() != job.status || !concerns(&watch.subject, root, *key) {
                    continue;
                }
                passed.push_back(at);
                let kept = times_kept(&watch.condition);
                while passed.len() > kept || passed.front().is_some_and(|first| first + within < at) {
                    passed.pop_front();
                }
            }
        }
    }

    /// What an event of a watch has fired, where anyone is to be told.
    pub(super) fn fired_by(&self, event: &Event) -> Option<FiredWatch> {
        let Event::WatchFired { id, why, .. } = event else { return None };
        let (_, watch) = self.watch_of(id)?;
        (!watch.silenced).then(|| watch.fired(why))
    }
}

/// The job of a key where it is one that is counted: no array's parent, and no node.
fn leaf(root: &Root, key: Key) -> Option<&Job> {
    let is_parent = key.slot == 0 && root.array.is_some();
    root.get(key.slot).filter(|_| !is_parent && !root.is_node(key.slot))
}

fn concerns(subject: &Subject, root: &Root, key: Key) -> bool {
    match subject {
        Subject::Job(id) => *id == root.spec.id || *id == root.id(key.slot),
        Subject::Queue(queue) => *queue == root.spec.queue,
        Subject::Environment(_) => false,
    }
}

/// Since when a job is in these states, if it is. One that waits and was never tried waits since it was submitted.
fn since(root: &Root, slot: u32, states: States) -> Option<Millis> {
    let job = root.get(slot).filter(|job| states.hold(job.status))?;
    let is_fresh = states == States::Waiting && root.tries(slot) == 0;
    Some(if is_fresh { root.spec.created_at } else { job.since })
}

fn name(root: &Root, key: Key) -> String {
    match key.index() {
        Some(index) => format!("{}:{index}", root.spec.name),
        None => root.spec.name.clone(),
    }
}

impl Facts for Engine {
    fn job(&self, id: &JobId) -> Result<JobFacts, Missing> {
        let (key, root, job) = self.find(id).ok_or(Missing::Gone)?;
        let tries = root.get(root.speaker(key.slot)).map(|speaker| speaker.attempts.as_slice()).unwrap_or_default();
        let has_run = || tries.iter().any(|attempt| attempt.started_at.is_some());
        let array_has = || key.slot == 0 && root.array.as_ref().is_some_and(|array| array.started_at.is_some());
        Ok(JobFacts {
            name: name(root, key),
            status: job.status,
            has_started: job.status == JobStatus::Running || has_run() || array_has(),
            exit: tries.last().and_then(|attempt| attempt.end.as_ref()).and_then(|end| end.code),
            reason: job.status_reason.as_ref().map(|reason| reason.to_string()),
        })
    }

    fn count(&self, subject: &Subject, states: States) -> Option<u64> {
        match subject {
            Subject::Job(id) => {
                let (key, root, job) = self.find(id)?;
                match &root.array {
                    Some(array) if key.slot == 0 => Some(states.each().map(|status| array.counts.get(status)).sum()),
                    _ => Some(states.hold(job.status).into()),
                }
            }
            Subject::Queue(queue) => {
                let counts = &self.index.queues.get(queue)?.counts;
                Some(states.each().map(|status| counts.get(status)).sum())
            }
            Subject::Environment(_) => None,
        }
    }

    fn oldest(&self, subject: &Subject, states: States, before: Millis) -> Result<Option<Oldest>, Missing> {
        let mut oldest: Option<(Millis, &Root, Key)> = None;
        let mut meet = |root, key: Key| -> bool {
            let Some(since) = since(root, key.slot, states) else { return false };
            if oldest.is_none_or(|(known, ..)| since < known) {
                oldest = Some((since, root, key));
            }
            since <= before
        };
        match subject {
            Subject::Job(id) => {
                let (key, root, _) = self.find(id).ok_or(Missing::Gone)?;
                match &root.array {
                    Some(_) if key.slot == 0 => {
                        let _ = root.leaves().any(|slot| meet(root, Key { number: key.number, slot }));
                    }
                    _ => _ = meet(root, key),
                }
            }
            Subject::Queue(queue) => {
                let index = self.index.queues.get(queue).ok_or(Missing::Gone)?;
                let unfinished = JobStatus::ALL.into_iter().filter(|status| !status.is_final());
                let numbers = unfinished.flat_map(|status| &index.listed[status as usize]);
                let mut roots = numbers.filter_map(|number| Some((*number, self.core.jobs.get(number)?)));
                let _ = roots.any(|(number, root)| root.leaves().any(|slot| meet(root, Key { number, slot })));
            }
            Subject::Environment(_) => return Err(Missing::Gone),
        }
        Ok(oldest.map(|(since, root, key)| Oldest { name: name(root, key), since }))
    }

    fn ground(&self, subject: &Subject) -> Option<Ground> {
        match subject {
            Subject::Job(_) => None,
            Subject::Queue(queue) => {
                let found = self.core.queues.get(queue)?;
                Some(Ground { health: found.status, state: found.state, reason: None, instances: 0 })
            }
            Subject::Environment(environment) => {
                let found = self.core.environments.get(environment)?;
                let instances = self.hosts_of(environment).count() as u64;
                let reason = found.status_reason.clone();
                Some(Ground { health: found.status, state: found.state, reason, instances })
            }
        }
    }

    fn passed(&self, watch: &Watch, _what: Passing, since: Millis) -> Option<Tally> {
        let passed = &self.core.watches.get(&watch_number(&watch.id)?)?.passed;
        let inside = || passed.iter().copied().filter(|at| *at > since);
        Some(Tally { count: inside().count() as u64, first: inside().min() })
    }

    fn last_line(&self, job: &JobId) -> Option<Millis> {
        let (key, root, found) = self.find(job)?;
        let started = root.get(root.speaker(key.slot))?.live()?.started_at?;
        let written = self.vigil.lines.get(job).map_or(0, |line| line.written);
        (found.status == JobStatus::Running).then_some(started.max(written))
    }
}
