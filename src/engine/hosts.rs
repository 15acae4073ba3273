//! The instances of each environment in the orders in which they are looked for: by what is free, and by how long they
//! are idle. Kept with each change of an instance, so that no step walks over all of them.

use super::Engine;
use super::machine::Machine;
use super::state::Host;
use crate::model::{InstanceId, InstanceState, Millis};
use std::collections::{BTreeMap, BTreeSet};

/// The instances of all environments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hosts {
    fleets: BTreeMap<String, Fleet>,
    /// When time changes something about an instance.
    due: BTreeSet<(Millis, InstanceId)>,
}

/// The instances of one environment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fleet {
    /// Thousandths of a vCPU of all of them.
    pub total_milli: u64,
    /// What the jobs on them ask for.
    pub promised: Machine,
    pub all: BTreeSet<InstanceId>,
    /// What ACTIVE ones have free.
    pub active: BTreeSet<Free>,
    /// What PENDING ones will have free.
    pub pending: BTreeSet<Free>,
    /// Registered and empty, the longest first.
    pub idle: BTreeSet<(Millis, InstanceId)>,
    /// The same of those that drain, which have nothing to wait for.
    pub leaving: BTreeSet<(Millis, InstanceId)>,
}

/// What is free on one instance; the fullest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Free {
    pub milli: u64,
    pub mib: u64,
    pub gpus: u32,
    pub instance: InstanceId,
    /// It has no job.
    pub empty: bool,
}

impl Free {
    fn of(id: &InstanceId, host: &Host) -> Self {
        Self {
            milli: host.vcpus_milli.saturating_sub(host.used_milli),
            mib: host.memory_mib.saturating_sub(host.used_mib),
            gpus: host.gpus.saturating_sub(host.used_gpus),
            instance: id.clone(),
            empty: host.placed.is_empty(),
        }
    }
}

impl Hosts {
    pub fn fleet(&self, environment: &str) -> Option<&Fleet> {
        self.fleets.get(environment)
    }

    pub fn fleets(&self) -> impl Iterator<Item = (&String, &Fleet)> {
        self.fleets.iter()
    }

    pub fn due(&self) -> impl Iterator<Item = &(Millis, InstanceId)> {
        self.due.iter()
    }

    pub fn put(&mut self, id: &InstanceId, host: &Host) {
        if !self.fleets.contains_key(&host.environment) {
            self.fleets.insert(host.environment.clone(), Fleet::default());
        }
        let Some(fleet) = self.fleets.get_mut(&host.environment) else { return };
        fleet.total_milli += host.vcpus_milli;
        fleet.promised = fleet.promised.with(host.promised);
        fleet.all.insert(id.clone());
        if let Some(free) = fleet.free(host.state) {
            free.insert(Free::of(id, host));
        }
        if let Some(since) = host.idle_since {
            fleet.empty(host.state).insert((since, id.clone()));
        }
        if let Some(due) = host.due() {
            self.due.insert((due, id.clone()));
        }
    }

    pub fn remove(&mut self, id: &InstanceId, host: &Host) {
        let Some(fleet) = self.fleets.get_mut(&host.environment) else { return };
        fleet.total_milli -= host.vcpus_milli;
        fleet.promised = fleet.promised.without(host.promised);
        fleet.all.remove(id);
        if let Some(free) = fleet.free(host.state) {
            free.remove(&Free::of(id, host));
        }
        if let Some(since) = host.idle_since {
            fleet.empty(host.state).remove(&(since, id.clone()));
        }
        if let Some(due) = host.due() {
            self.due.remove(&(due, id.clone()));
        }
        if fleet.all.is_empty() {
            self.fleets.remove(&host.environment);
        }
    }
}

impl Fleet {
    fn free(&mut self, state: InstanceState) -> Option<&mut BTreeSet<Free>> {
        match state {
            InstanceState::Active => Some(&mut self.active),
            InstanceState::Pending => Some(&mut self.pending),
            InstanceState::Draining => None,
        }
    }

    fn empty(&mut self, state: InstanceState) -> &mut BTreeSet<(Millis, InstanceId)> {
        if state == InstanceState::Draining { &mut self.leaving } else { &mut self.idle }
    }
}

impl Engine {
    /// Thousandths of a vCPU of all instances of an environment.
    pub(super) fn total_milli(&self, environment: &str) -> u64 {
        self.index.hosts.fleet(environment).map_or(0, |fleet| fleet.total_milli)
    }

    pub(super) fn hosts_of<'a>(&'a self, environment: &str) -> impl Iterator<Item = (&'a InstanceId, &'a Host)> {
        let all = self.index.hosts.fleet(environment).into_iter().flat_map(|fleet| &fleet.all);
        all.filter_map(|id| self.core.instances.get_key_value(id))
    }

    /// Changes an instance and keeps every list it stands in. The only way in which one is changed.
    pub(super) fn change_host<T>(&mut self, id: &InstanceId, with: impl FnOnce(&mut Host) -> T) -> Option<T> {
        let host = self.core.instances.get_mut(id)?;
        self.index.hosts.remove(id, host);
        let done = with(host);
        self.index.hosts.put(id, host);
        Some(done)
    }
}
