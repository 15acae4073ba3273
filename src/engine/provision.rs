//! Which instances are launched and which end (AWS Batch user guide, "Compute environments", scaling).

use super::event::{Event, Need};
use super::place::{NodeWant, Room};
use super::state::{Environment, Queue};
use super::stock::Stock;
use super::{Engine, Ids};
use crate::model::{InstanceId, InstanceState, Millis};
use std::collections::BTreeMap;

/// At most so many waiting jobs of a queue are looked at in one go; the next go sees the rest.
const LOOK_AHEAD: usize = 256;
/// At most so many instances are launched in one go.
const LAUNCHES: usize = 32;

/// vCPUs in thousandths and the smallest, largest and step of memory in MiB (AWS Batch user guide, Fargate sizes).
const FARGATE: [(u64, u64, u64, u64); 7] = [
    (250, 512, 2048, 512),
    (500, 1024, 4096, 1024),
    (1000, 2048, 8192, 1024),
    (2000, 4096, 16_384, 1024),
    (4000, 8192, 30_720, 1024),
    (8000, 16_384, 61_440, 4096),
    (16_000, 32_768, 122_880, 8192),
];

/// A kind of instance that may be launched.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Size {
    name: String,
    vcpus_milli: u64,
    memory_mib: u64,
}

impl Size {
    fn covers(&self, milli: u64, mib: u64) -> bool {
        self.vcpus_milli >= milli && self.memory_mib >= mib
    }
}

/// The smallest Fargate size that holds a job.
fn fargate_size(need: Need) -> Option<Size> {
    FARGATE.iter().find_map(|(milli, least, most, step)| {
        let memory_mib = need.memory_mib.max(*least);
        // 1536 MiB is no size of the quarter vCPU: after 1 GiB comes 2.
        let memory_mib =
            if *milli == 250 { memory_mib.next_power_of_two() } else { memory_mib.next_multiple_of(*step) };
        let fits = need.gpus == 0 && need.vcpus_milli <= *milli && memory_mib <= *most;
        fits.then(|| Size { name: "fargate".to_owned(), vcpus_milli: *milli, memory_mib })
    })
}

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
        let launched = plan.launches.into_iter().map(|(environment, size)| Event::InstanceLaunched {
            at: now,
            instance: instance_id(&ids.uuid()),
            environment: environment.to_owned(),
            instance_type: size.name,
            vcpus_milli: size.vcpus_milli,
            memory_mib: size.memory_mib,
        });
        launched.collect()
    }

    /// The kinds of instances of an environment that hold a job.
    fn sizes(&self, name: &str, environment: &Environment, need: Need) -> Vec<Size> {
        if environment.is_fargate() {
            return fargate_size(need).into_iter().collect();
        }
        let types = self.index.types.get(name).into_iter().flatten();
        types
            .map(|(name, size)| Size {
                name: name.clone(),
                vcpus_milli: u64::from(size.vcpus) * 1000,
                memory_mib: size.memory_mib,
            })
            .filter(|size| need.gpus == 0 && size.covers(need.vcpus_milli, need.memory_mib))
            .collect()
    }

    /// The smallest kind of instance that holds a node.
    fn node_size(&self, name: &str, environment: &Environment, want: &NodeWant<'_>) -> Option<Size> {
        let mut sizes = self.sizes(name, environment, want.need).into_iter();
        sizes.find(|size| want.instance_type.is_none_or(|wanted| size.name == wanted))
    }

    /// Empty instances above the minimum and the time from which each may end, in the order of their ends.
    fn surplus(&self) -> Vec<(Millis, InstanceId)> {
        let idle = self.index.hosts.idle().filter_map(|(since, id)| Some((since, id, self.core.instances.get(id)?)));
        let mut idle: Vec<_> =
            idle.map(|(since, id, host)| (self.expiry(&host.environment, since), id, host)).collect();
        idle.sort_by_key(|(expiry, id, _)| (*expiry, *id));
        let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
        let mut surplus = Vec::new();
        for (expiry, id, host) in idle {
            let Some(environment) = self.core.environments.get(&host.environment) else { continue };
            let total = totals.entry(&host.environment).or_insert_with(|| self.total_milli(&host.environment));
            let floor = environment.floor_milli();
            let leaving = host.state == InstanceState::Draining || !environment.is_valid();
            if leaving || total.saturating_sub(host.vcpus_milli) >= floor {
                *total -= host.vcpus_milli;
                surplus.push((expiry, id.clone()));
            }
        }
        surplus
    }

    /// A Fargate instance is there for its job, and one of an environment that goes has nothing to wait for.
    fn expiry(&self, environment: &str, idle_since: Millis) -> Millis {
        let found = self.core.environments.get(environment);
        match found {
            Some(found) if found.is_valid() && !found.is_fargate() => {
                idle_since + Millis::from(self.core.settings.idle_seconds) * 1000
            }
            _ => idle_since,
        }
    }

    pub(super) fn ends(&self, now: Millis) -> Vec<Event> {
        let due = self.surplus().into_iter().filter(|(expiry, _)| *expiry <= now);
        due.map(|(_, instance)| Event::InstanceEnded { at: now, instance }).collect()
    }

    pub(super) fn next_end(&self) -> Option<Millis> {
        self.surplus().first().map(|(expiry, _)| *expiry)
    }

    /// Why the head of each queue can never be placed as things stand, where that has changed.
    pub(super) fn blocks(&self, now: Millis) -> Vec<Event> {
        let mut heads = BTreeMap::new();
        for (name, queue) in &self.core.queues {
            let Some(key) = self.line(name, now).and_then(|mut line| line.head()) else { continue };
            if let Some(root) = self.core.jobs.get(&key.number) {
                let blocked = match self.node_wants(key) {
                    Some(wants) => self.block_nodes(queue, &wants),
                    None => self.block(queue, root.spec.need),
                };
                heads.insert(key, blocked.or_else(|| self.lacks(root)));
            }
        }
        let freed = self.index.blocked.iter().filter(|key| !heads.contains_key(key)).map(|key| (*key, None));
        let freed: Vec<_> = freed.collect();
        let said = heads.into_iter().chain(freed);
        said.filter_map(|(key, reason)| {
            let root = self.core.jobs.get(&key.number)?;
            let known = root.get(key.slot)?.status_reason.as_deref();
            (known != reason.as_deref()).then(|| Event::JobBlocked { at: now, job: root.id(key.slot), reason })
        })
        .collect()
    }

    /// Why the nodes of a multi-node job can never all be placed in one environment, as things stand.
    fn block_nodes(&self, queue: &Queue, wants: &[NodeWant<'_>]) -> Option<String> {
        let named = queue.environments.iter().map(|entry| entry.compute_environment.as_str());
        let known = named.filter_map(|name| self.core.environments.get_key_value(name));
        let fitting: Vec<_> = known.filter(|(_, found)| found.is_valid() && found.takes_nodes()).collect();
        if fitting.is_empty() {
            return Some("ACTION_REQUIRED - the job queue has no VALID EC2 CE, as the nodes of a job need.".to_owned());
        }
        let least = fitting.iter().filter_map(|(name, environment)| {
            let sizes = wants.iter().map(|want| Some(self.node_size(name, environment, want)?.vcpus_milli));
            Some((*environment, sizes.sum::<Option<u64>>()?))
        });
        let least: Vec<_> = least.collect();
        let Some(smallest) = least.iter().map(|(_, milli)| *milli).min() else {
            return Some(
                "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - no instance type of the queue's EC2 CE(s) holds a node."
                    .to_owned(),
            );
        };
        let mut possible = least.iter().filter(|(environment, milli)| *milli <= environment.maximum_milli()).peekable();
        if possible.peek().is_none() {
            let largest = fitting.iter().map(|(_, environment)| environment.maximum).max().unwrap_or(0);
            return Some(format!(
                "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - the nodes need instances of {} vCPUs together; the \
                 largest maxvCpus of the queue's EC2 CE(s) is {largest}.",
                super::container::vcpus_text(smallest)
            ));
        }
        possible
            .all(|(environment, _)| !environment.takes_jobs())
            .then(|| "ACTION_REQUIRED - CE(s) associated with the job queue that hold the job are DISABLED.".to_owned())
    }

    /// AWS's code and a word on what to do (AWS Batch user guide, "Jobs stuck in RUNNABLE status").
    fn block(&self, queue: &Queue, need: Need) -> Option<String> {
        let named = queue.environments.iter().map(|entry| entry.compute_environment.as_str());
        let known = named.filter_map(|name| self.core.environments.get_key_value(name));
        let valid: Vec<_> = known.filter(|(_, environment)| environment.is_valid()).collect();
        if valid.is_empty() {
            return Some("ACTION_REQUIRED - CE(s) associated with the job queue are INVALID or gone.".to_owned());
        }
        let largest = valid.iter().map(|(_, environment)| environment.maximum).max().unwrap_or(0);
        let max_resource = |milli: u64| {
            let vcpus = super::container::vcpus_text(milli);
            Some(format!(
                "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - the job needs room for {vcpus} vCPUs; \
                 the largest maxvCpus of the queue's CE(s) is {largest}."
            ))
        };
        if need.vcpus_milli > u64::from(largest) * 1000 {
            return max_resource(need.vcpus_milli);
        }
        let sizes: Vec<_> = valid
            .iter()
            .flat_map(|(name, environment)| {
                self.sizes(name, environment, need).into_iter().map(|size| (*environment, size))
            })
            .collect();
        let Some(least) = sizes.iter().map(|(_, size)| size.vcpus_milli).min() else {
            return Some(format!(
                "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - no instance type of the queue's CE(s) holds {} vCPUs, {} MiB{}.",
                super::container::vcpus_text(need.vcpus_milli),
                need.memory_mib,
                if need.gpus > 0 { format!(" and {} GPUs", need.gpus) } else { String::new() }
            ));
        };
        let mut possible = sizes.iter().filter(|(environment, size)| size.vcpus_milli <= environment.maximum_milli());
        let Some((first, _)) = possible.next() else { return max_resource(least) };
        if !first.takes_jobs() && possible.all(|(environment, _)| !environment.takes_jobs()) {
            return Some(
                "ACTION_REQUIRED - CE(s) associated with the job queue that hold the job are DISABLED.".to_owned(),
            );
        }
        None
    }
}

/// Launches, as they are thought out.
struct Plan<'a> {
    engine: &'a Engine,
    now: Millis,
    room: Room<'a>,
    stock: Stock<'a>,
    totals: BTreeMap<&'a str, u64>,
    launches: Vec<(&'a str, Size)>,
}

impl<'a> Plan<'a> {
    /// The minimum is kept in a DISABLED environment too, as on AWS.
    fn keep_minimum(&mut self, name: &'a str, environment: &'a Environment) {
        if !environment.is_valid() || environment.is_fargate() {
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
            self.launch(name, size);
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
            let order = || queue.environments.iter().map(|entry| entry.compute_environment.as_str());
            if let Some(wants) = self.engine.node_wants(key) {
                if self.room.take_nodes(order(), &wants).is_none() {
                    let launched = order().any(|environment| self.launch_for_nodes(environment, &wants));
                    if !launched || self.room.take_nodes(order(), &wants).is_none() {
                        return;
                    }
                }
                milli = milli.saturating_sub(need.vcpus_milli);
                mib = mib.saturating_sub(need.memory_mib);
                continue;
            }
            if self.room.take(order(), need).is_none() {
                let launched = order().any(|environment| self.launch_for(environment, need, milli, mib));
                if !launched || self.room.take(order(), need).is_none() {
                    return;
                }
            }
            milli = milli.saturating_sub(need.vcpus_milli);
            mib = mib.saturating_sub(need.memory_mib);
        }
    }

    /// Launches what holds the job, as large as the backlog asks for, but not above a quarter of the environment: so
    /// that the loss of one instance is not the loss of all, and what is idle can go in parts.
    fn launch_for(&mut self, name: &'a str, need: Need, milli: u64, mib: u64) -> bool {
        let Some(environment) = self.engine.core.environments.get(name).filter(|found| found.takes_jobs()) else {
            return false;
        };
        if self.launches.len() >= LAUNCHES {
            return false;
        }
        let open = environment.maximum_milli().saturating_sub(self.total(name));
        let mut sizes = self.engine.sizes(name, environment, need);
        sizes.retain(|size| size.vcpus_milli <= open);
        let Some(smallest) = sizes.first().cloned() else { return false };
        let share = environment.maximum_milli() / 4;
        let size = sizes.iter().find(|size| size.covers(milli, mib)).or_else(|| sizes.last());
        let size = match size {
            Some(size) if size.vcpus_milli <= share => size.clone(),
            _ => sizes.iter().rev().find(|size| size.vcpus_milli <= share).cloned().unwrap_or(smallest),
        };
        self.launch(name, size);
        true
    }

    /// Launches an instance for each node that has none, where the environment has room for all of them.
    fn launch_for_nodes(&mut self, name: &'a str, wants: &[NodeWant<'_>]) -> bool {
        let takes = |environment: &&Environment| environment.takes_jobs() && environment.takes_nodes();
        let Some(environment) = self.engine.core.environments.get(name).filter(takes) else { return false };
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
            self.launch(name, size);
        }
        true
    }

    fn launch(&mut self, name: &'a str, size: Size) {
        *self.totals.entry(name).or_default() += size.vcpus_milli;
        self.room.plan(name, size.vcpus_milli, size.memory_mib);
        self.launches.push((name, size));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fargate_instance_is_the_smallest_size_that_holds_its_job() {
        let cases = [
            (250, 512, Some((250, 512))),
            (250, 1500, Some((250, 2048))),
            (250, 4000, Some((500, 4096))),
            (1000, 100, Some((1000, 2048))),
            (1500, 5000, Some((2000, 5120))),
            (8000, 17_000, Some((8000, 20_480))),
            (16_000, 122_880, Some((16_000, 122_880))),
            (16_001, 512, None),
            (1000, 200_000, None),
        ];
        for (milli, mib, expected) in cases {
            let size = fargate_size(Need { vcpus_milli: milli, memory_mib: mib, gpus: 0 });
            assert_eq!(size.map(|size| (size.vcpus_milli, size.memory_mib)), expected, "{milli} {mib}");
        }
    }
}
