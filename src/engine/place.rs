//! Which waiting job goes to which instance (AWS Batch user guide, "Job scheduling").
//!
//! Queues are served by priority, ties by name. A queue is first in, first out: a head job that has no room holds its
//! queue, not the others. A job tries its queue's environments in order, and there the instance that it fills best.

use super::event::{Event, Need};
use super::job::Key;
use super::state::Core;
use super::{Engine, Ids};
use crate::model::{InstanceId, InstanceState, Millis};
use std::collections::BTreeMap;

/// What is free, kept while placements are thought out.
pub struct Room<'a> {
    environments: BTreeMap<&'a str, Vec<Space>>,
}

/// An instance that is there, or one that is to be launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    Instance(InstanceId),
    Planned,
}

/// What is free on one instance.
#[derive(Debug, Clone)]
pub struct Space {
    at: Where,
    pub free_milli: u64,
    pub free_mib: u64,
    /// It has no job yet. A Fargate one takes a single job.
    empty: bool,
    single: bool,
}

impl Space {
    /// An instance that is to be launched.
    pub fn planned(vcpus_milli: u64, memory_mib: u64, single: bool) -> Self {
        Self { at: Where::Planned, free_milli: vcpus_milli, free_mib: memory_mib, empty: true, single }
    }

    fn fits(&self, need: Need) -> bool {
        let free = self.empty || !self.single;
        free && need.gpus == 0 && need.vcpus_milli <= self.free_milli && need.memory_mib <= self.free_mib
    }

    fn take(&mut self, need: Need) {
        self.free_milli -= need.vcpus_milli;
        self.free_mib -= need.memory_mib;
        self.empty = false;
    }
}

impl<'a> Room<'a> {
    /// The room of ACTIVE instances, and of PENDING ones where `pending` counts.
    pub fn of(core: &'a Core, pending: bool) -> Self {
        let mut environments: BTreeMap<&str, Vec<Space>> = BTreeMap::new();
        for (id, host) in &core.instances {
            let counts = match host.state {
                InstanceState::Active => true,
                InstanceState::Pending => pending,
                InstanceState::Draining => false,
            };
            let Some(environment) =
                core.environments.get(&host.environment).filter(|found| counts && found.takes_jobs())
            else {
                continue;
            };
            environments.entry(&host.environment).or_default().push(Space {
                at: Where::Instance(id.clone()),
                free_milli: host.vcpus_milli.saturating_sub(host.used_milli),
                free_mib: host.memory_mib.saturating_sub(host.used_mib),
                empty: host.placed.is_empty(),
                single: environment.is_fargate(),
            });
        }
        Self { environments }
    }

    /// Takes room for a job in the first environment that has it, on the instance that it leaves the least free.
    pub fn take(&mut self, environments: impl Iterator<Item = &'a str>, need: Need) -> Option<Where> {
        for name in environments {
            let spaces = self.environments.get_mut(name).into_iter().flatten();
            let best = spaces
                .filter(|space| space.fits(need))
                .min_by_key(|space| (space.free_milli - need.vcpus_milli, space.free_mib - need.memory_mib));
            if let Some(space) = best {
                space.take(need);
                return Some(space.at.clone());
            }
        }
        None
    }

    pub fn add(&mut self, environment: &'a str, space: Space) {
        self.environments.entry(environment).or_default().push(space);
    }
}

impl Engine {
    /// Places what there is room for now.
    pub(super) fn place(&self, now: Millis, ids: &mut dyn Ids) -> Vec<Event> {
        let mut room = Room::of(&self.core, false);
        let mut events = Vec::new();
        for (name, queue) in self.core.queues_by_priority() {
            let Some(index) = self.index.queues.get(name) else { continue };
            for rank in &index.runnable {
                let Some(need) = self.need(rank.key) else { break };
                let order = queue.environments.iter().map(|entry| entry.compute_environment.as_str());
                let Some(Where::Instance(instance)) = room.take(order, need) else { break };
                events.extend(self.placement(rank.key, instance, now, ids));
            }
        }
        events
    }

    fn placement(&self, key: Key, instance: InstanceId, now: Millis, ids: &mut dyn Ids) -> Option<Event> {
        let root = self.core.jobs.get(&key.number)?;
        let number = root.get(key.slot)?.attempt_number() + 1;
        Some(Event::AttemptPlaced { at: now, job: root.id(key.slot), number, instance, task_id: ids.uuid() })
    }

    pub(super) fn need(&self, key: Key) -> Option<Need> {
        self.core.jobs.get(&key.number).map(|root| root.spec.need)
    }
}
