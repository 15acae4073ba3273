//! Which GPUs an attempt gets: their indexes on this machine.

use super::Engine;
use super::job::{Job, Key, Root};
use super::state::{Environment, Host};
use crate::model::{InstanceId, TaskContainer};

impl Engine {
    /// The lowest indexes that nobody holds. All instances are of one machine, so they share its devices; those of an
    /// environment that may be over-committed promise what is not there, and each of them counts for itself.
    ///
    /// What jobs hold together is never more than the machine has, so no index is beyond it.
    pub(super) fn free_gpus(&self, key: Key, instance: &InstanceId) -> Vec<u32> {
        let count = self.core.jobs.get(&key.number).map_or(0, |root| self.gpus_of(root, key.slot));
        let Some(host) = self.core.instances.get(instance).filter(|_| count > 0) else { return Vec::new() };
        let alone = self.counts_for_itself(host);
        let sharing = self
            .core
            .instances
            .iter()
            .filter(|(id, other)| *id == instance || !alone && !self.counts_for_itself(other));
        let mut held: Vec<u32> = sharing.flat_map(|(_, host)| self.held_gpus(host)).collect();
        held.sort_unstable();
        (0..).filter(|index| held.binary_search(index).is_err()).take(count as usize).collect()
    }

    /// Those that the attempts on an instance hold.
    pub(super) fn held_gpus<'a>(&'a self, host: &'a Host) -> impl Iterator<Item = u32> + 'a {
        let live = host.placed.iter().filter_map(|key| self.job(*key).and_then(Job::live));
        live.flat_map(|attempt| attempt.gpus.iter().copied())
    }

    fn counts_for_itself(&self, host: &Host) -> bool {
        self.core.environments.get(&host.environment).is_some_and(Environment::overcommits)
    }

    /// How many a slot asks for.
    fn gpus_of(&self, root: &Root, slot: u32) -> u32 {
        if !root.is_node(slot) {
            return root.spec.need.gpus;
        }
        self.work(root, slot).and_then(|work| work.need().ok()).map_or(0, |need| need.gpus)
    }
}

/// Gives each container as many of the task's devices as it asks for, in the order of the definition.
pub fn share_out(devices: &[u32], containers: &mut [TaskContainer]) {
    let mut left = devices;
    for container in containers {
        let asked = container.properties.resource_requirements.iter().find(|asked| asked.kind == "GPU");
        let count = asked.and_then(|asked| asked.value.parse().ok()).unwrap_or(0).min(left.len());
        let (own, rest) = left.split_at(count);
        container.gpu_devices = own.to_vec();
        left = rest;
    }
}
