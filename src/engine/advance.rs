//! What time and room make due. Each step looks only at what the index says is due, and answers alone; the caller
//! applies it and asks again.

use super::event::Event;
use super::job::{Key, Root};
use super::service::ServiceChange;
use super::{Engine, Ids};
use crate::model::{Health, InstanceState, JobStatus, Millis};
use std::collections::BTreeSet;

const DEPENDENT_FAILED: &str = "Dependent Job failed";
const CHILD_FAILED: &str = "Array Child Job failed";
const QUEUE_DELETED: &str = "Job queue was deleted";
/// At most so many finished submissions are forgotten in one go.
const FORGOTTEN: usize = 1000;
/// At most so many jobs of a queue that is being deleted are ended in one go.
const ENDED: usize = 1000;
/// At most so many jobs of each kind are moved on in one go.
const WALKED: usize = 1000;

/// What may draw new ids.
type Step = fn(&Engine, Millis, &mut dyn Ids) -> Vec<Event>;

impl Engine {
    pub(super) fn due(&self, now: Millis, ids: &mut dyn Ids) -> Vec<Event> {
        let steps: [fn(&Self, Millis) -> Vec<Event>; 8] = [
            Self::walk,
            Self::settle,
            Self::settled,
            Self::over_time,
            Self::delete_queues,
            Self::delete_environments,
            Self::forget,
            Self::pass_of_time,
        ];
        for step in steps {
            let events = step(self, now);
            if !events.is_empty() {
                return events;
            }
        }
        let steps: [Step; 5] = [
            Self::due_schedules,
            Self::place,
            Self::launches,
            |engine, now, _| engine.ends(now),
            |engine, now, _| engine.blocks(now),
        ];
        for step in steps {
            let events = step(self, now, ids);
            if !events.is_empty() {
                return events;
            }
        }
        Vec::new()
    }

    pub(super) fn next_due(&self) -> Option<Millis> {
        let forget = self.forgettable().next().map(|(at, _)| at + self.retention());
        let fire = self.index.firing.first().map(|(at, _)| *at);
        let times = [forget, fire, self.next_end(), self.next_settled(), self.next_deadline(), self.next_pass()];
        times.into_iter().flatten().min()
    }

    fn retention(&self) -> Millis {
        Millis::from(self.core.settings.retention_days) * 86_400_000
    }

    /// Jobs that have just been submitted, that depend on nothing any more or on what failed, or that are to stop.
    fn walk(&self, now: Millis) -> Vec<Event> {
        let fresh = self.index.fresh.iter().take(WALKED);
        let mut events: Vec<Event> = fresh.filter_map(|number| self.take_up(*number, now)).collect();
        events.extend(self.together(&self.index.doomed).into_iter().filter_map(|key| {
            let reason = self.stop_reason(key).unwrap_or_else(|| DEPENDENT_FAILED.to_owned());
            self.failed(key, reason, now)
        }));
        events.extend(self.together(&self.index.ready).into_iter().filter_map(|key| match self.stop_reason(key) {
            Some(reason) => self.failed(key, reason, now),
            None => Some(Event::JobRunnable { at: now, job: self.core.jobs.get(&key.number)?.id(key.slot) }),
        }));
        let stopped = self.together(&self.index.stopped);
        events.extend(stopped.into_iter().filter_map(|key| self.failed(key, self.stop_reason(key)?, now)));
        events
    }

    /// A job without dependencies is RUNNABLE at once; PENDING is for those that have some.
    fn take_up(&self, number: u64, now: Millis) -> Option<Event> {
        let root = self.core.jobs.get(&number)?;
        let job = root.spec.id.clone();
        if root.spec.depends_on.is_empty() && root.job.stop.is_none() {
            Some(Event::JobRunnable { at: now, job })
        } else {
            Some(Event::JobPending { at: now, job })
        }
    }

    /// The first of the keys, with the parent's in place of all children of an array where nothing tells those apart.
    fn together(&self, keys: &BTreeSet<Key>) -> Vec<Key> {
        let mut grouped = Vec::new();
        let mut from = keys.first().copied();
        while let Some(key) = from.filter(|_| grouped.len() < WALKED) {
            let last = Key { number: key.number, slot: u32::MAX };
            let of_one: Vec<Key> = keys.range(key..=last).copied().collect();
            let root = self.core.jobs.get(&key.number);
            let size = root.and_then(|root| root.spec.array_size);
            let alike = || {
                let stop = |key: &Key| self.job(*key).and_then(|job| job.stop.as_ref());
                of_one.iter().all(|other| stop(other) == stop(&key))
            };
            if size.is_some_and(|size| of_one.len() == size as usize) && alike() {
                grouped.push(Key::root(key.number));
            } else {
                grouped.extend(of_one);
            }
            from = keys.range((std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded)).next().copied();
        }
        grouped
    }

    /// Why the job is to stop; for a parent that stands for its children, why they all are.
    fn stop_reason(&self, key: Key) -> Option<String> {
        let root = self.core.jobs.get(&key.number)?;
        let slot = if key.slot == 0 { *root.leaves().start() } else { key.slot };
        root.get(slot)?.stop.as_ref().map(|stop| stop.reason.to_string())
    }

    fn failed(&self, key: Key, reason: String, now: Millis) -> Option<Event> {
        let job = self.core.jobs.get(&key.number)?.id(key.slot);
        Some(Event::JobEnded { at: now, job, status: JobStatus::Failed, reason: Some(reason) })
    }

    /// An array ends when all its children have: FAILED if one of them has.
    fn settle(&self, now: Millis) -> Vec<Event> {
        let ended = self.index.settled.iter().take(WALKED).filter_map(|number| {
            let root = self.core.jobs.get(number)?;
            let failed = root.array.as_ref()?.counts.get(JobStatus::Failed) > 0;
            let (status, reason) =
                if failed { (JobStatus::Failed, Some(CHILD_FAILED.to_owned())) } else { (JobStatus::Succeeded, None) };
            Some(Event::JobEnded { at: now, job: root.spec.id.clone(), status, reason })
        });
        ended.collect()
    }

    /// A queue that is being deleted ends its jobs, and goes with the last of them.
    fn delete_queues(&self, now: Millis) -> Vec<Event> {
        let mut events = Vec::new();
        let deleting = self.core.queues.iter().filter(|(_, queue)| queue.status == Health::Deleting);
        for (name, _) in deleting {
            let Some(index) = self.index.queues.get(name) else { continue };
            let unfinished = || JobStatus::ALL.into_iter().filter(|status| !status.is_final());
            if unfinished().all(|status| index.listed[status as usize].is_empty()) {
                if self.core.settling.contains_key(&format!("job-queue/{name}")) {
                    continue;
                }
                events.push(Event::QueueDeleted { at: now, name: name.clone() });
                continue;
            }
            // What is placed and stopping is passed over again each time; that is as much as there is room for.
            let ends = unfinished().flat_map(|status| {
                let listed = index.listed[status as usize].iter().filter_map(|number| self.core.jobs.get(number));
                listed.filter(move |root| root.job.status == status).flat_map(|root| end_for_queue(root, now))
            });
            events.extend(ends.take(ENDED));
        }
        events
    }

    /// An environment that is being deleted drains its instances, and goes with the last of them.
    fn delete_environments(&self, now: Millis) -> Vec<Event> {
        let mut events = Vec::new();
        let deleting = self.core.environments.iter().filter(|(_, found)| found.status == Health::Deleting);
        for (name, _) in deleting {
            let mut hosts = self.hosts_of(name).peekable();
            let settling = self.core.settling.contains_key(&format!("compute-environment/{name}"));
            if hosts.peek().is_none() && !settling {
                events.push(Event::EnvironmentDeleted { at: now, name: name.clone() });
            }
            let active = hosts.filter(|(_, host)| host.state == InstanceState::Active && !host.placed.is_empty());
            events.extend(active.map(|(id, _)| Event::InstanceDraining { at: now, instance: id.clone() }));
        }
        events
    }

    /// Finished submissions by the time of their end, but for those that others still name as what they wait for.
    fn forgettable(&self) -> impl Iterator<Item = &(Millis, u64)> {
        self.index.finished.iter().filter(|(_, number)| !self.index.dependents.contains_key(number))
    }

    /// Finished jobs are kept for a while, and then forgotten, arrays as a whole.
    fn forget(&self, now: Millis) -> Vec<Event> {
        let due = self.forgettable().take_while(|(at, _)| at + self.retention() <= now).take(FORGOTTEN);
        let jobs: Vec<_> = due.filter_map(|(_, number)| Some(self.core.jobs.get(number)?.spec.id.clone())).collect();
        if jobs.is_empty() {
            return self.forget_service_jobs(now).into_iter().collect();
        }
        vec![Event::JobsForgotten { at: now, jobs }]
    }

    fn forget_service_jobs(&self, now: Millis) -> Option<Event> {
        let over = |end: &super::service::JobEnd| end.at + self.retention() <= now;
        let jobs = self.core.services.jobs.values().filter(|job| job.end.as_ref().is_some_and(over)).take(FORGOTTEN);
        let ids: Vec<_> = jobs.map(|job| job.id.clone()).collect();
        let change = ServiceChange::JobsForgotten { ids };
        let some = matches!(&change, ServiceChange::JobsForgotten { ids } if !ids.is_empty());
        some.then(|| Event::ServiceChanged { at: now, change: Box::new(change) })
    }
}

/// What waits ends at once; what runs is stopped as a terminate would.
fn end_for_queue(root: &Root, now: Millis) -> Vec<Event> {
    let end = |job| Event::JobEnded { at: now, job, status: JobStatus::Failed, reason: Some(QUEUE_DELETED.to_owned()) };
    let stop = |job| Event::JobStopRequested { at: now, job, terminate: true, reason: QUEUE_DELETED.to_owned() };
    let Some(array) = &root.array else {
        return match &root.job {
            job if job.status.is_waiting() => vec![end(root.id(0))],
            job if job.status.is_placed() && job.stop.is_none() => vec![stop(root.id(0))],
            _ => Vec::new(),
        };
    };
    let some = |which: fn(JobStatus) -> bool| {
        JobStatus::ALL.into_iter().any(|status| which(status) && array.counts.get(status) > 0)
    };
    if !some(JobStatus::is_placed) {
        vec![end(root.id(0))]
    } else if root.job.stop.as_ref().is_none_or(|known| !known.terminate) {
        vec![stop(root.id(0))]
    } else if some(JobStatus::is_waiting) {
        let waiting = root.leaves().filter(|slot| root.get(*slot).is_some_and(|job| job.status.is_waiting()));
        waiting.map(|slot| end(root.id(slot))).collect()
    } else {
        Vec::new()
    }
}
