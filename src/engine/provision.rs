//! Which instances are launched and which end (AWS Batch user guide, "Compute environments", scaling).

use super::event::{Event, Need};
use super::hosts::Fleet;
use super::place::{NodeWant, Room, all};
use super::reclaim::lifetime;
use super::scaling::{kept_reason, needed_reason};
use super::sizes::{Demand, Size};
use super::state::{Environment, Queue};
use super::stock::Stock;
use super::{Engine, Ids};
use crate::model::{InstanceId, InstanceState, Millis};
use std::collections::BTreeMap;

/// At most so many waiting jobs of a queue are looked at in one go; the next go sees the rest.
const LOOK_AHEAD: usize = 256;
/// At most so many instances are launched in one go.
const LAUNCHES: usize = 32;

impl Engine {
    /// Instances to launch: for what waits, for the minimum, and for what an operator asked for.
    pub(super) fn launches(&self, now: Millis, ids: &mut dyn Ids) -> Vec<Event> {
        let mut plan = Plan {
            engine: self,
            now,
            room: Room::of(self, true),
            stock: Stock::of(self),
            totals: BTreeMap::new(),
            launches: vec![],
        };
        for (name, environment) in &self.core.environments {
            plan.totals.insert(name, self.total_milli(name));
            plan.keep_minimum(name, environment);
        }
        for (name, queue) in self.core.queues_by_priority() {
            plan.serve(name, queue);
        }
        let launches = plan.launches;
        launches.into_iter().map(|launch| self.launched(launch, now, ids)).collect()
    }

    /// A launch, with the time of its boot and, on Spot, with what becomes of it by chance.
    fn launched(&self, Launch { environment, size, reason }: Launch<'_>, now: Millis, ids: &mut dyn Ids) -> Event {
        let instance = instance_id(&ids.uuid());
        let found = self.core.environments.get(environment);
        let boot = found.and_then(Environment::boot_seconds).unwrap_or(self.core.settings.boot_seconds);
        let ready_at = now + Millis::from(boot) * 1000;
        let spot = found.is_some_and(Environment::is_spot);
        let lives = spot.then(|| lifetime(self.core.settings.spot_interruptions_milli, ids)).flatten();
        Event::InstanceLaunched {
            at: now,
            instance,
            environment: environment.to_owned(),
            instance_type: size.name,
            vcpus_milli: size.vcpus_milli,
            memory_mib: size.memory_mib,
            gpus: size.gpus,
            ready_at: (boot > 0).then_some(ready_at),
            interrupted_at: lives.map(|lives| ready_at + lives),
            reason,
        }
    }

    /// The smallest kind of instance that holds a node.
    pub(super) fn node_size(&self, name: &str, environment: &Environment, want: &NodeWant<'_>) -> Option<Size> {
        let mut sizes = self.sizes(name, environment, want.need).into_iter();
        sizes.find(|size| want.instance_type.is_none_or(|wanted| size.name == wanted))
    }

    /// Empty instances of an environment above its minimum and the time from which each may end, in the order of their
    /// ends. Who asks for the first few pays for those alone.
    fn surplus<'a>(&'a self, name: &str, fleet: &'a Fleet) -> impl Iterator<Item = (Millis, &'a InstanceId)> {
        let environment = self.core.environments.get(name);
        let stays = environment.map_or(0, |found| self.stays_idle(found));
        let floor = environment.map_or(0, Environment::floor_milli);
        let is_valid = environment.is_some_and(Environment::is_valid);
        let mut waiting = fleet.idle.iter().map(move |(since, id)| (since + stays, id)).peekable();
        let mut leaving = fleet.leaving.iter().map(|(since, id)| (*since, id)).peekable();
        let by_end = std::iter::from_fn(move || match (waiting.peek(), leaving.peek()) {
            (Some(first), Some(second)) if first <= second => waiting.next(),
            (_, Some(_)) => leaving.next(),
            _ => waiting.next(),
        });
        let mut total = fleet.total_milli;
        by_end.filter(move |(_, id)| {
            let Some(host) = self.core.instances.get(*id) else { return false };
            let ends = host.state == InstanceState::Draining || !is_valid;
            if environment.is_none() || !ends && total.saturating_sub(host.vcpus_milli) < floor {
                return false;
            }
            total -= host.vcpus_milli;
            true
        })
    }

    /// How long an empty instance that does not drain is kept. A Fargate instance is there for its job, and one whose
    /// environment goes has nothing to wait for.
    fn stays_idle(&self, environment: &Environment) -> Millis {
        if !environment.is_valid() || environment.is_fargate() {
            return 0;
        }
        let least = environment.scale_down_minutes() * 60_000;
        least.max(Millis::from(self.core.settings.idle_seconds) * 1000)
    }

    pub(super) fn ends(&self, now: Millis) -> Vec<Event> {
        let fleets = self.index.hosts.fleets();
        let due = fleets.flat_map(|(name, fleet)| self.surplus(name, fleet).take_while(|(expiry, _)| *expiry <= now));
        let mut due: Vec<_> = due.collect();
        due.sort_unstable();
        let ended = due.into_iter().map(|(_, instance)| {
            let host = self.core.instances.get(instance);
            let reason = host.map_or_else(String::new, |host| self.end_reason(host, now));
            Event::InstanceEnded { at: now, instance: instance.clone(), reason }
        });
        ended.collect()
    }

    pub(super) fn next_end(&self) -> Option<Millis> {
        let fleets = self.index.hosts.fleets();
        fleets.filter_map(|(name, fleet)| self.surplus(name, fleet).next()).map(|(expiry, _)| expiry).min()
    }
}

/// An instance to launch, and why.
struct Launch<'a> {
    environment: &'a str,
    size: Size,
    reason: String,
}

/// Launches, as they are thought out.
struct Plan<'a> {
    engine: &'a Engine,
    now: Millis,
    room: Room<'a>,
    stock: Stock<'a>,
    totals: BTreeMap<&'a str, u64>,
    launches: Vec<Launch<'a>>,
}

impl<'a> Plan<'a> {
    /// The minimum is kept in a DISABLED environment too, as on AWS.
    fn keep_minimum(&mut self, name: &'a str, environment: &'a Environment) {
        if !environment.is_valid() || environment.is_fargate() || environment.pauses(self.now) {
            return;
        }
        if environment.is_unmanaged() {
            // This machine joins once, and stays.
            if let Some(size) =
                self.engine.whole_machine().filter(|_| environment.takes_jobs() && self.total(name) == 0)
            {
                self.launch(name, size, kept_reason(environment));
            }
            return;
        }
        let floor = environment.floor_milli();
        while self.launches.len() < LAUNCHES && self.total(name) < floor {
            let missing = floor - self.total(name);
            let open = environment.maximum_milli().saturating_sub(self.total(name));
            let sizes = self.engine.sizes(name, environment, Need::default());
            let below = sizes.iter().rev().find(|size| size.vcpus_milli <= missing);
            let size = below.or_else(|| sizes.iter().find(|size| size.vcpus_milli <= open)).cloned();
            let Some(size) = size else { return };
            self.launch(name, size, kept_reason(environment));
        }
    }

    /// Walks a queue as the placement would with all planned instances there, and plans another where a job has no room.
    fn serve(&mut self, name: &str, queue: &'a Queue) {
        let Some(index) = self.engine.index.queues.get(name) else { return };
        let (mut milli, mut mib) = (index.backlog_milli, index.backlog_mib);
        let Some(mut line) = self.engine.line(name, self.now) else { return };
        for _ in 0..LOOK_AHEAD {
            let Some(key) = line.head() else { return };
            let Some(root) = self.engine.core.jobs.get(&key.number) else { return };
            let need = root.spec.need;
            if !line.may_hold(need) || !self.stock.has(root) {
                return;
            }
            self.stock.take(root);
            line.step(need);
            let reason = || needed_reason(&root.spec.name, name, need);
            let order = || queue.environments.iter().map(|entry| entry.compute_environment.as_str());
            if let Some(wants) = self.engine.node_wants(key) {
                if self.room.take_nodes(order(), &wants).is_none() {
                    let launched = order().any(|environment| self.launch_for_nodes(environment, &wants, reason));
                    if !launched || self.room.take_nodes(order(), &wants).is_none() {
                        return;
                    }
                }
                milli = milli.saturating_sub(need.vcpus_milli);
                mib = mib.saturating_sub(need.memory_mib);
                continue;
            }
            if self.room.take(order(), need).is_none() {
                let launched = order().any(|environment| self.launch_for(environment, (need, milli, mib), reason));
                if !launched || self.room.take(order(), need).is_none() {
                    return;
                }
            }
            milli = milli.saturating_sub(need.vcpus_milli);
            mib = mib.saturating_sub(need.memory_mib);
        }
    }

    /// Launches what holds the job, unless the machine has no more to promise.
    fn launch_for(&mut self, name: &'a str, (need, milli, mib): (Need, u64, u64), reason: impl Fn() -> String) -> bool {
        let Some(environment) = self.engine.core.environments.get(name).filter(|found| found.takes_jobs()) else {
            return false;
        };
        if self.launches.len() >= LAUNCHES || environment.is_unmanaged() || environment.pauses(self.now) {
            return false;
        }
        let counts = !environment.overcommits();
        if counts && !self.room.budget.holds(need) {
            return false;
        }
        // What the machine cannot hold needs no room.
        let (milli, mib) = if counts { self.room.budget.at_most(milli, mib) } else { (milli, mib) };
        let open_milli = environment.maximum_milli().saturating_sub(self.total(name));
        let Some(size) = self.engine.choose(name, environment, Demand { need, milli, mib, open_milli }) else {
            return false;
        };
        self.launch(name, size, reason());
        true
    }

    /// Launches an instance for each node that has none, where the environment has room for all of them.
    fn launch_for_nodes(&mut self, name: &'a str, wants: &[NodeWant<'_>], reason: impl Fn() -> String) -> bool {
        let takes = |environment: &&Environment| environment.takes_jobs() && environment.takes_nodes();
        let Some(environment) = self.engine.core.environments.get(name).filter(takes) else { return false };
        if environment.pauses(self.now) || !environment.overcommits() && !self.room.budget.holds(all(wants)) {
            return false;
        }
        let missing = self.room.unseated(name, wants);
        let sizes = missing.into_iter().map(|want| self.engine.node_size(name, environment, want));
        let Some(sizes) = sizes.collect::<Option<Vec<Size>>>() else { return false };
        let open = environment.maximum_milli().saturating_sub(self.total(name));
        if sizes.iter().map(|size| size.vcpus_milli).sum::<u64>() > open {
            return false;
        }
        for size in sizes {
            if self.launches.len() >= LAUNCHES {
                return false;
            }
            self.launch(name, size, reason());
        }
        true
    }

    fn launch(&mut self, name: &'a str, size: Size, reason: String) {
        *self.totals.entry(name).or_default() += size.vcpus_milli;
        self.room.plan(name, &size);
        self.launches.push(Launch { environment: name, size, reason });
    }

    fn total(&self, name: &str) -> u64 {
        self.totals.get(name).copied().unwrap_or(0)
    }
}

/// `i-` and 17 hex digits, as EC2 has it.
fn instance_id(uuid: &str) -> InstanceId {
    let digits: String = uuid.chars().filter(char::is_ascii_hexdigit).collect();
    let (head, tail) = digits.split_at(digits.len().min(8));
    InstanceId(format!("i-{head}{}", &tail[tail.len().saturating_sub(9)..]))
}
