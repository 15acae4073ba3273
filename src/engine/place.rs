//! Which waiting job goes to which instance (AWS Batch user guide, "Job scheduling").
//!
//! Queues are served by priority, ties by name. A queue is first in, first out: a head job that has no room holds its
//! queue, not the others. A job tries its queue's environments in order, and there the instance that it fills best.

mod nodes;

pub use nodes::{NodeWant, all};

use super::event::{Event, Need};
use super::hosts::Free;
use super::job::Key;
use super::machine::Budget;
use super::sizes::Size;
use super::state::Environment;
use super::stock::Stock;
use super::{Engine, Ids};
use crate::model::{InstanceId, Millis};
use std::collections::{BTreeMap, BTreeSet};

/// At most so many jobs are placed in one go; the next go sees the rest.
const PLACED: usize = 256;

/// What is free, while placements are thought out: what the instances have, less what was taken of it here. Looking for
/// a place costs the same however many instances there are, unless many have vCPUs and no memory left.
pub struct Room<'a> {
    engine: &'a Engine,
    /// PENDING instances count as well.
    pending: bool,
    drawn: BTreeMap<&'a str, Drawn>,
    planned: u32,
    /// What of the machine is not promised yet.
    pub budget: Budget,
}

/// Instances of an environment that something was taken from, and planned ones.
#[derive(Clone, Default)]
struct Drawn {
    instances: BTreeSet<InstanceId>,
    spaces: BTreeSet<Space>,
}

/// An instance that is there, or one that is to be launched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Where {
    Instance(InstanceId),
    /// The how-manieth of a plan.
    Planned(u32),
}

/// What is free on one instance; the fullest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Space {
    milli: u64,
    mib: u64,
    gpus: u32,
    at: Where,
    empty: bool,
}

impl Space {
    fn of(free: &Free) -> Self {
        let Free { milli, mib, gpus, ref instance, empty } = *free;
        Self { milli, mib, gpus, at: Where::Instance(instance.clone()), empty }
    }

    /// `single`: an instance takes one job, as a Fargate one does.
    fn fits(&self, need: Need, single: bool) -> bool {
        fits((self.milli, self.mib, self.gpus, self.empty), need, single)
    }
}

fn fits((milli, mib, gpus, empty): (u64, u64, u32, bool), need: Need, single: bool) -> bool {
    (empty || !single) && need.gpus <= gpus && need.vcpus_milli <= milli && need.memory_mib <= mib
}

impl<'a> Room<'a> {
    /// The room of ACTIVE instances, and of PENDING ones where `pending` counts.
    pub fn of(engine: &'a Engine, pending: bool) -> Self {
        Self { engine, pending, drawn: BTreeMap::new(), planned: 0, budget: engine.budget() }
    }

    /// Takes room for a job in the first environment that has it, on the instance that it leaves the least free.
    pub fn take(&mut self, environments: impl Iterator<Item = &'a str>, need: Need) -> Option<Where> {
        for name in environments {
            let Some(environment) = self.engine.core.environments.get(name).filter(|found| found.takes_jobs()) else {
                continue;
            };
            let counts = !environment.overcommits();
            if counts && !self.budget.holds(need) {
                continue;
            }
            let single = environment.is_fargate();
            if let Some(space) = self.fullest(name, need, single) {
                let at = space.at.clone();
                self.draw(name, space, need);
                if counts {
                    self.budget.take(need);
                }
                return Some(at);
            }
        }
        None
    }

    /// Whether an instance of the environment has room, whatever else is short.
    pub fn fits(&self, environment: &str, need: Need) -> bool {
        let single = self.engine.core.environments.get(environment).is_some_and(Environment::is_fargate);
        self.fullest(environment, need, single).is_some()
    }

    /// An instance that is to be launched.
    pub fn plan(&mut self, environment: &'a str, size: &Size) {
        self.planned += 1;
        let Size { vcpus_milli: milli, memory_mib: mib, gpus, .. } = *size;
        let space = Space { milli, mib, gpus, at: Where::Planned(self.planned), empty: true };
        self.drawn.entry(environment).or_default().spaces.insert(space);
    }

    fn fullest(&self, environment: &str, need: Need, single: bool) -> Option<Space> {
        let drawn = self.drawn.get(environment);
        let fleet = self.engine.index.hosts.fleet(environment);
        let from = Free { milli: need.vcpus_milli, mib: 0, gpus: 0, instance: InstanceId(String::new()), empty: false };
        let untouched = |free: &&Free| drawn.is_none_or(|drawn| !drawn.instances.contains(&free.instance));
        let first = |all: &'a BTreeSet<Free>| {
            let wide = all.range(&from..);
            wide.filter(untouched)
                .find(|free| fits((free.milli, free.mib, free.gpus, free.empty), need, single))
                .map(Space::of)
        };
        let active = fleet.and_then(|fleet| first(&fleet.active));
        let pending = fleet.filter(|_| self.pending).and_then(|fleet| first(&fleet.pending));
        let mine = drawn.and_then(|drawn| drawn.spaces.iter().find(|space| space.fits(need, single)).cloned());
        [active, pending, mine].into_iter().flatten().min()
    }

    fn draw(&mut self, environment: &'a str, space: Space, need: Need) {
        let drawn = self.drawn.entry(environment).or_default();
        drawn.spaces.remove(&space);
        if let Where::Instance(instance) = &space.at {
            drawn.instances.insert(instance.clone());
        }
        drawn.spaces.insert(Space {
            milli: space.milli - need.vcpus_milli,
            mib: space.mib - need.memory_mib,
            gpus: space.gpus - need.gpus,
            at: space.at,
            empty: false,
        });
    }
}

impl Engine {
    /// Places what there is room for now.
    pub(super) fn place(&self, now: Millis, ids: &mut dyn Ids) -> Vec<Event> {
        let (mut room, mut stock) = (Room::of(self, false), Stock::of(self));
        let mut events = Vec::new();
        for (name, queue) in self.core.queues_by_priority() {
            let Some(mut line) = self.line(name, now) else { continue };
            while let Some(key) = line.head() {
                if events.len() >= PLACED {
                    return events;
                }
                let Some(head) = self.core.jobs.get(&key.number) else { break };
                let need = head.spec.need;
                if !line.may_hold(need) || !stock.has(head) {
                    break;
                }
                let order = queue.environments.iter().map(|entry| entry.compute_environment.as_str());
                if let Some(wants) = self.node_wants(key) {
                    let Some(placed) = self.place_nodes(&mut room, order, (key, &wants), now, ids) else { break };
                    stock.take(head);
                    events.push(placed);
                    line.step(need);
                    continue;
                }
                let Some(Where::Instance(instance)) = room.take(order, need) else { break };
                stock.take(head);
                events.extend(self.placement(key, instance, now, ids));
                line.step(need);
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
