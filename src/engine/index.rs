//! What can be worked out from the state and is kept because it is asked for often: who is due for what, who stands
//! where in which queue, who waits for whom. A rebuilt index equals a kept one; [`super::Engine::check`] holds that.

use super::hosts::Hosts;
use super::job::{Counts, Job, Key, Root};
use super::share::Weights;
use super::state::Core;
use crate::model::{DependencyKind, FairsharePolicy, InstanceType, JobId, JobStatus, Millis};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Index {
    /// The numbers of submissions by the id of the job or parent.
    pub ids: Numbers,
    pub queues: BTreeMap<String, QueueIndex>,
    /// SUBMITTED, by number.
    pub fresh: BTreeSet<u64>,
    /// PENDING, and nothing is left to wait for.
    pub ready: BTreeSet<Key>,
    /// PENDING, and a dependency has failed.
    pub doomed: BTreeSet<Key>,
    /// RUNNABLE, and to be stopped.
    pub stopped: BTreeSet<Key>,
    /// Arrays whose children have all ended.
    pub settled: BTreeSet<u64>,
    /// RUNNABLE with a reason why they cannot be placed.
    pub blocked: BTreeSet<Key>,
    /// Who waits for the jobs of a submission, or has waited and has not ended.
    pub dependents: BTreeMap<u64, BTreeSet<Dependent>>,
    /// Finished submissions by the time of their end.
    pub finished: BTreeSet<(Millis, u64)>,
    /// Schedules by the time at which they have something to do.
    pub firing: BTreeSet<(Millis, String)>,
    /// Submissions that take of each consumable resource.
    pub consumers: BTreeMap<String, BTreeSet<u64>>,
    /// The instance types of each environment, small to large.
    pub types: BTreeMap<String, Vec<(String, InstanceType)>>,
    /// The instances of each environment.
    pub hosts: Hosts,
    /// The fair-share policies by name, as they are asked for.
    pub weights: BTreeMap<String, Weights>,
    /// What placed jobs hold of each consumable resource.
    pub held: BTreeMap<String, u64>,
}

/// Submissions by id. An id is a UUID, which is a number of 16 bytes; a million texts would take five times as much.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Numbers {
    uuids: BTreeMap<u128, u64>,
    /// Of ids that are no UUIDs.
    others: BTreeMap<JobId, u64>,
}

impl Numbers {
    pub fn get(&self, id: &JobId) -> Option<u64> {
        match uuid(id) {
            Some(uuid) => self.uuids.get(&uuid).copied(),
            None => self.others.get(id).copied(),
        }
    }

    fn insert(&mut self, id: &JobId, number: u64) {
        match uuid(id) {
            Some(uuid) => self.uuids.insert(uuid, number),
            None => self.others.insert(id.clone(), number),
        };
    }

    fn remove(&mut self, id: &JobId) {
        match uuid(id) {
            Some(uuid) => self.uuids.remove(&uuid),
            None => self.others.remove(id),
        };
    }
}

fn uuid(id: &JobId) -> Option<u128> {
    // As ids are written; other texts of the same UUID are other ids.
    let canonical = id.as_str().len() == 36 && !id.as_str().bytes().any(|byte| byte.is_ascii_uppercase());
    canonical.then(|| uuid::Uuid::try_parse(id.as_str()).ok().map(|uuid| uuid.as_u128())).flatten()
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueueIndex {
    /// Jobs and parents by state; a parent also where a child of it is placed.
    pub listed: [BTreeSet<u64>; 7],
    /// Children count, parents do not.
    pub counts: Counts,
    /// RUNNABLE ones that an operator has put at the front, in the order in which they are placed.
    pub first: BTreeSet<Rank>,
    /// By share; on a queue without shares under the empty text.
    pub shares: BTreeMap<Box<str>, ShareIndex>,
    /// What all RUNNABLE jobs ask for that are not held.
    pub backlog_milli: u64,
    pub backlog_mib: u64,
    /// What all placed jobs hold.
    pub placed_milli: u64,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ShareIndex {
    /// RUNNABLE and neither held nor put at the front, in the order in which they are placed.
    pub runnable: BTreeSet<Rank>,
    /// How many have not ended.
    live: u64,
    /// What all placed ones hold.
    pub placed_milli: u64,
}

/// A RUNNABLE job's place among those of its queue, or of its share: what an operator has put at the front, the last one
/// first; by priority; retried jobs first; in the order of submission. In few bytes, as a million may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rank {
    turn: u64,
    pub key: Key,
}

/// A submission that waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependent {
    /// The slot that is waited for; 0 is the whole. Without meaning for `n_to_n`.
    pub on: u32,
    pub n_to_n: bool,
    pub waiter: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duty {
    Ready,
    Doomed,
    Stopped,
}

/// What the index holds of one job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    status: JobStatus,
    pub rank: Option<Rank>,
    front: bool,
    duty: Option<Duty>,
    blocked: bool,
}

impl Facts {
    /// `None` for an array's parent, which does not run, and for a node, which does not wait.
    pub fn of(root: &Root, key: Key) -> Option<Self> {
        if key.slot == 0 && root.array.is_some() || root.is_node(key.slot) {
            return None;
        }
        let job = root.get(key.slot)?;
        let runnable = job.status == JobStatus::Runnable;
        Some(Self {
            status: job.status,
            rank: (runnable && !job.held).then(|| Rank::of(root, job, key)),
            front: job.front > 0,
            duty: duty(job),
            blocked: runnable && job.status_reason.is_some(),
        })
    }
}

impl Facts {
    pub fn is_placed(self) -> bool {
        self.status.is_placed()
    }
}

impl Rank {
    /// Before all others.
    pub const FIRST: Self = Self { turn: 0, key: Key { number: 0, slot: 0 } };

    fn of(root: &Root, job: &Job, key: Key) -> Self {
        let behind = u64::from((u32::MAX >> 1).saturating_sub(job.front));
        let below = (i64::from(i32::MAX) - i64::from(job.priority)).unsigned_abs();
        Self { turn: behind << 33 | below << 1 | u64::from(root.tries(key.slot) == 0), key }
    }
}

fn duty(job: &Job) -> Option<Duty> {
    match job.status {
        JobStatus::Pending if job.doomed => Some(Duty::Doomed),
        JobStatus::Pending if job.unmet == 0 => Some(Duty::Ready),
        JobStatus::Runnable if job.stop.is_some() => Some(Duty::Stopped),
        _ => None,
    }
}

/// What the index holds of a submission as a whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Whole {
    listed: [bool; 7],
    fresh: bool,
    settled: bool,
    finished: Option<Millis>,
}

impl Whole {
    pub fn of(root: &Root) -> Self {
        Self {
            listed: JobStatus::ALL.map(|status| root.stands_in(status)),
            fresh: root.job.status == JobStatus::Submitted,
            settled: root.is_settled(),
            finished: (root.job.status.is_final() && !root.holds_nodes()).then_some(root.job.since),
        }
    }
}

fn put<T: Ord>(set: &mut BTreeSet<T>, item: T, inside: bool) {
    if inside {
        set.insert(item);
    } else {
        set.remove(&item);
    }
}

fn count(sum: &mut u64, by: u64, inside: bool) {
    *sum = if inside { *sum + by } else { *sum - by };
}

impl Index {
    pub fn build(core: &Core) -> Self {
        let mut index = Self::default();
        for name in core.queues.keys() {
            index.queues.entry(name.clone()).or_default();
        }
        for (name, environment) in &core.environments {
            index.know_types(name, environment.request.compute_resources.as_ref().map_or(&[], |r| &r.instance_types));
        }
        for (id, host) in &core.instances {
            index.hosts.put(id, host);
        }
        for (name, policy) in &core.policies {
            index.know_policy(name, policy.fairshare.as_ref());
        }
        for (number, root) in &core.jobs {
            index.enter(*number, root);
        }
        for (number, root) in &core.jobs {
            index.enter_dependencies(core, *number, root);
        }
        for (key, scheduled) in &core.schedules {
            if let Some(wake) = scheduled.wake() {
                index.firing.insert((wake, key.clone()));
            }
        }
        index
    }

    pub fn know_types(&mut self, environment: &str, entries: &[String]) {
        let mut types: Vec<_> = entries.iter().flat_map(|entry| InstanceType::expand(entry)).collect();
        types.sort_by(|a, b| a.1.order(&a.0).cmp(&b.1.order(&b.0)));
        types.dedup();
        self.types.insert(environment.to_owned(), types);
    }

    pub fn know_policy(&mut self, name: &str, fairshare: Option<&FairsharePolicy>) {
        match fairshare {
            Some(policy) => self.weights.insert(name.to_owned(), Weights::of(policy)),
            None => self.weights.remove(name),
        };
    }

    /// Takes a submission and its jobs in, without its dependencies.
    pub fn enter(&mut self, number: u64, root: &Root) {
        self.ids.insert(&root.spec.id, number);
        self.stand(number, root, true);
        for name in root.spec.consumables.keys() {
            self.consumers.entry(name.clone()).or_default().insert(number);
        }
    }

    /// A submission and its jobs stand in the lists of their queue, or not any more.
    pub fn stand(&mut self, number: u64, root: &Root, inside: bool) {
        if inside && !self.queues.contains_key(&root.spec.queue) {
            self.queues.insert(root.spec.queue.clone(), QueueIndex::default());
        }
        for slot in root.leaves() {
            let key = Key { number, slot };
            self.put(root, key, Facts::of(root, key), inside);
        }
        self.put_whole(root, number, Whole::of(root), inside);
    }

    /// Notes whom a submission waits for, as long as it has not ended. What has ended is kept for it.
    pub fn enter_dependencies(&mut self, core: &Core, number: u64, root: &Root) {
        if root.job.status.is_final() {
            return;
        }
        for (target, dependent) in self.dependencies(number, root) {
            if core.jobs.contains_key(&target) {
                self.dependents.entry(target).or_default().insert(dependent);
            }
        }
    }

    /// The submissions that this one names as its dependencies.
    pub fn dependencies(&self, number: u64, root: &Root) -> Vec<(u64, Dependent)> {
        let named = root.spec.depends_on.iter().filter_map(|dependency| {
            let key = self.key(dependency.job_id.as_ref()?)?;
            let n_to_n = dependency.kind == Some(DependencyKind::NToN);
            Some((key.number, Dependent { on: key.slot, n_to_n, waiter: number }))
        });
        named.collect()
    }

    /// Forgets a submission whose jobs have all ended.
    pub fn leave(&mut self, number: u64, root: &Root, queue_exists: bool) {
        self.stand(number, root, false);
        self.ids.remove(&root.spec.id);
        for name in root.spec.consumables.keys() {
            let Some(consumers) = self.consumers.get_mut(name) else { continue };
            consumers.remove(&number);
            if consumers.is_empty() {
                self.consumers.remove(name);
            }
        }
        if !queue_exists && self.queues.get(&root.spec.queue).is_some_and(|queue| queue.counts.total() == 0) {
            self.queues.remove(&root.spec.queue);
        }
    }

    /// A job changed from `before` to what `root` holds of it now.
    pub fn replace(&mut self, root: &Root, key: Key, before: Option<Facts>) {
        let after = Facts::of(root, key);
        if before != after {
            self.put(root, key, before, false);
            self.put(root, key, after, true);
        }
    }

    pub fn replace_whole(&mut self, root: &Root, number: u64, before: Whole) {
        let after = Whole::of(root);
        if before != after {
            self.put_whole(root, number, before, false);
            self.put_whole(root, number, after, true);
        }
    }

    fn put(&mut self, root: &Root, key: Key, facts: Option<Facts>, inside: bool) {
        let (Some(facts), Some(queue)) = (facts, self.queues.get_mut(&root.spec.queue)) else { return };
        let need = root.spec.need;
        if inside {
            queue.counts.add(facts.status, 1);
        } else {
            queue.counts.take(facts.status);
        }
        if !facts.status.is_final() {
            let name = root.spec.share.as_deref().unwrap_or("");
            if !queue.shares.contains_key(name) {
                queue.shares.insert(Box::from(name), ShareIndex::default());
            }
            let share = queue.shares.get_mut(name).expect("it was just put there");
            count(&mut share.live, 1, inside);
            if let Some(rank) = facts.rank {
                put(if facts.front { &mut queue.first } else { &mut share.runnable }, rank, inside);
                count(&mut queue.backlog_milli, need.vcpus_milli, inside);
                count(&mut queue.backlog_mib, need.memory_mib, inside);
            }
            if facts.status.is_placed() {
                count(&mut share.placed_milli, need.vcpus_milli, inside);
                count(&mut queue.placed_milli, need.vcpus_milli, inside);
            }
            if share.live == 0 {
                queue.shares.remove(name);
            }
        }
        if facts.status.is_placed() {
            for (name, quantity) in &root.spec.consumables {
                let held = self.held.entry(name.clone()).or_default();
                count(held, *quantity, inside);
                if *held == 0 {
                    self.held.remove(name);
                }
            }
        }
        match facts.duty {
            Some(Duty::Ready) => put(&mut self.ready, key, inside),
            Some(Duty::Doomed) => put(&mut self.doomed, key, inside),
            Some(Duty::Stopped) => put(&mut self.stopped, key, inside),
            None => {}
        }
        if facts.blocked {
            put(&mut self.blocked, key, inside);
        }
    }

    fn put_whole(&mut self, root: &Root, number: u64, whole: Whole, inside: bool) {
        if let Some(queue) = self.queues.get_mut(&root.spec.queue) {
            for (set, listed) in queue.listed.iter_mut().zip(whole.listed) {
                if listed {
                    put(set, number, inside);
                }
            }
        }
        if whole.fresh {
            put(&mut self.fresh, number, inside);
        }
        if whole.settled {
            put(&mut self.settled, number, inside);
        }
        if let Some(at) = whole.finished {
            put(&mut self.finished, (at, number), inside);
        }
    }

    /// Where a job is, by its id; `None` where its submission is unknown. The index of a child or node is not checked.
    pub fn key(&self, id: &JobId) -> Option<Key> {
        if let Some(number) = self.ids.get(id) {
            return Some(Key::root(number));
        }
        let (parent, index) = id.array_parent().or_else(|| id.node_parent())?;
        Key::child(self.ids.get(&parent)?, index)
    }
}
