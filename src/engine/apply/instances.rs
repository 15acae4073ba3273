//! Instances come, boot, take jobs, are interrupted and go.

use crate::engine::Engine;
use crate::engine::event::Event;
use crate::engine::machine::Machine;
use crate::engine::scaling::notice_reason;
use crate::engine::state::Host;
use crate::model::{InstanceId, InstanceState, Millis, ScalingChange};
use std::collections::BTreeSet;

impl Engine {
    /// What happens to instances.
    pub(super) fn fold_instance(&mut self, event: &Event) {
        match event {
            Event::InstanceLaunched {
                at,
                instance,
                environment,
                instance_type,
                vcpus_milli,
                memory_mib,
                gpus,
                ready_at,
                interrupted_at,
                reason,
            } => {
                let host = Host {
                    environment: environment.clone(),
                    instance_type: instance_type.clone(),
                    state: InstanceState::Pending,
                    launched_at: *at,
                    vcpus_milli: *vcpus_milli,
                    memory_mib: *memory_mib,
                    gpus: *gpus,
                    used_milli: 0,
                    used_mib: 0,
                    used_gpus: 0,
                    promised: Machine::default(),
                    placed: BTreeSet::new(),
                    idle_since: None,
                    pid: None,
                    ready_at: *ready_at,
                    interrupted_at: *interrupted_at,
                    reclaim_at: None,
                    reclaimed: false,
                    outdated: false,
                };
                self.index.hosts.put(instance, &host);
                self.core.instances.insert(instance.clone(), host.clone());
                self.settle_environment(environment);
                self.note_scaling((instance, &host), ScalingChange::Launched, reason.clone(), *at);
            }
            Event::InstanceRegistered { at, instance, pid } => self.instance_registered(instance, *pid, *at),
            Event::InstanceDraining { instance, .. } => {
                self.change_host(instance, |host| host.state = InstanceState::Draining);
            }
            Event::InstanceInterrupted { at, instance, ends_at, for_update } => {
                self.change_host(instance, |host| {
                    host.state = InstanceState::Draining;
                    host.interrupted_at = None;
                    host.reclaim_at = Some(*ends_at);
                    host.outdated |= *for_update;
                    if host.placed.is_empty() {
                        host.idle_since.get_or_insert(*at);
                    }
                });
                if let Some(host) = self.core.instances.get(instance).cloned() {
                    let reason = notice_reason(*at, *ends_at, *for_update);
                    self.note_scaling((instance, &host), ScalingChange::Noticed, reason, *at);
                }
            }
            Event::InstanceReclaimed { instance, .. } => {
                self.change_host(instance, |host| {
                    host.reclaim_at = None;
                    host.reclaimed = true;
                });
            }
            Event::InstanceLost { at, instance, cause } => {
                self.instance_gone(instance, ScalingChange::Lost, cause, *at);
            }
            Event::InstanceEnded { at, instance, reason } => {
                self.instance_gone(instance, ScalingChange::Ended, reason, *at);
            }
            _ => {}
        }
    }

    fn instance_gone(&mut self, instance: &InstanceId, change: ScalingChange, reason: &str, at: Millis) {
        let Some(host) = self.core.instances.remove(instance) else { return };
        self.index.hosts.remove(instance, &host);
        self.limits.remove(instance);
        self.enter_instance(&host, at);
        self.settle_environment(&host.environment);
        self.note_scaling((instance, &host), change, reason.to_owned(), at);
    }

    /// Its agent is there. While it boots, that is all.
    fn instance_registered(&mut self, instance: &InstanceId, pid: u32, at: Millis) {
        let environment = self.change_host(instance, |host| {
            host.pid = Some(pid);
            if host.boots(at) {
                return None;
            }
            host.ready_at = None;
            if host.state == InstanceState::Pending {
                host.state = InstanceState::Active;
            }
            if host.placed.is_empty() && host.idle_since.is_none() {
                host.idle_since = Some(at);
            }
            Some(host.environment.clone())
        });
        let registered = environment.flatten().and_then(|name| self.core.environments.get_mut(&name));
        if let Some(environment) = registered {
            environment.failures = 0;
            environment.paused_until = None;
        }
    }
}
