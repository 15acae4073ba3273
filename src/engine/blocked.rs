//! Why the job at the head of a queue is not placed (AWS Batch user guide, "Jobs stuck in RUNNABLE status").

use super::Engine;
use super::event::{Event, Need};
use super::machine::Machine;
use super::place::{NodeWant, Room, all};
use super::sizes::Size;
use super::state::{Environment, Queue};
use crate::model::{Millis, OVERCOMMIT_TAG};
use std::collections::BTreeMap;

const DISABLED: &str = "ACTION_REQUIRED - CE(s) associated with the job queue that hold the job are DISABLED.";

/// An environment and a kind of instance of it that would hold the job.
struct Possible<'a> {
    name: &'a str,
    environment: &'a Environment,
    size: Size,
}

impl Engine {
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
        let possible = least.iter().filter(|(environment, milli)| *milli <= environment.maximum_milli());
        let possible: Vec<&Environment> = possible.map(|(environment, _)| *environment).collect();
        if possible.is_empty() {
            let largest = fitting.iter().map(|(_, environment)| environment.maximum).max().unwrap_or(0);
            return Some(format!(
                "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - the nodes need instances of {} vCPUs together; the \
                 largest maxvCpus of the queue's EC2 CE(s) is {largest}.",
                super::container::vcpus_text(smallest)
            ));
        }
        let open: Vec<_> = possible.into_iter().filter(|environment| environment.takes_jobs()).collect();
        if open.is_empty() {
            return Some(DISABLED.to_owned());
        }
        let whole = all(wants);
        let short = !self.budget().holds(whole) && !open.iter().any(|environment| environment.overcommits());
        self.core.settings.machine.filter(|_| short).map(|machine| machine_words(machine, whole))
    }

    /// AWS's code and a word on what to do (AWS Batch user guide, "Jobs stuck in RUNNABLE status").
    fn block(&self, queue: &Queue, need: Need) -> Option<String> {
        let named = queue.environments.iter().map(|entry| entry.compute_environment.as_str());
        let known = named.filter_map(|name| self.core.environments.get_key_value(name));
        let valid: Vec<_> = known.filter(|(_, environment)| environment.is_valid()).collect();
        if valid.is_empty() {
            return Some("ACTION_REQUIRED - CE(s) associated with the job queue are INVALID or gone.".to_owned());
        }
        let managed = valid.iter().filter(|(_, environment)| !environment.is_unmanaged());
        let largest = managed.map(|(_, environment)| environment.maximum).max().unwrap_or(0);
        let unmanaged = valid.iter().any(|(_, environment)| environment.is_unmanaged());
        let max_resource = |milli: u64| {
            let vcpus = super::container::vcpus_text(milli);
            Some(format!(
                "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - the job needs room for {vcpus} vCPUs; \
                 the largest maxvCpus of the queue's CE(s) is {largest}."
            ))
        };
        if !unmanaged && need.vcpus_milli > u64::from(largest) * 1000 {
            return max_resource(need.vcpus_milli);
        }
        let sizes: Vec<_> = valid
            .iter()
            .flat_map(|(name, environment)| {
                let sizes = self.sizes(name, environment, need).into_iter();
                sizes.map(|size| Possible { name, environment, size })
            })
            .collect();
        let Some(least) = sizes.iter().map(|found| found.size.vcpus_milli).min() else {
            return Some(format!(
                "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - no instance type of the queue's CE(s) holds {need}."
            ));
        };
        let mut possible = sizes.into_iter().filter(|found| {
            found.size.vcpus_milli <= found.environment.maximum_milli() || found.environment.may_pass_maximum()
        });
        let Some(first) = possible.next() else { return max_resource(least) };
        let open: Vec<_> =
            std::iter::once(first).chain(possible).filter(|found| found.environment.takes_jobs()).collect();
        if open.is_empty() {
            return Some(DISABLED.to_owned());
        }
        self.short_of_machine(&open, need)
    }

    /// Why the machine itself does not hold the job where its environments would.
    fn short_of_machine(&self, open: &[Possible<'_>], need: Need) -> Option<String> {
        let machine = self.core.settings.machine?;
        if self.budget().holds(need) || open.iter().any(|found| found.environment.overcommits()) {
            return None;
        }
        if !machine.holds(need) {
            return Some(machine_words(machine, need));
        }
        let room = Room::of(self, true);
        let has_room = |found: &Possible<'_>| {
            let total = self.total_milli(found.name);
            let maximum = found.environment.maximum_milli();
            let open =
                total + found.size.vcpus_milli <= maximum || found.environment.may_pass_maximum() && total < maximum;
            room.fits(found.name, need) || open && !found.environment.is_unmanaged()
        };
        open.iter().any(has_room).then(|| machine_words(machine, need))
    }
}

/// Why this machine does not hold a job: never, or not now.
fn machine_words(machine: Machine, need: Need) -> String {
    if machine.holds(need) {
        return format!(
            "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - this machine's {machine} are promised to other jobs; the job asks \
             for {need}."
        );
    }
    format!(
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - this machine has {machine}; the job asks for {need}. Ask for less, \
         or set the tag {OVERCOMMIT_TAG}=true on the CE."
    )
}
