//! Compute environments are made, changed, judged and deleted.

use crate::engine::Engine;
use crate::engine::event::Event;
use crate::engine::state::Environment;
use crate::model::Health;
use std::collections::VecDeque;

impl Engine {
    /// What happens to compute environments.
    pub(super) fn fold_environment(&mut self, event: &Event) {
        match event {
            Event::EnvironmentCreated { request, cluster, status, status_reason, .. } => {
                let name = request.compute_environment_name.clone();
                let resources = request.compute_resources.clone().unwrap_or_default();
                let count = |vcpus: Option<i32>| vcpus.and_then(|vcpus| u32::try_from(vcpus).ok());
                self.index.know_types(&name, &resources.instance_types);
                let environment = Environment {
                    request: (**request).clone(),
                    cluster: cluster.clone(),
                    state: request.state.unwrap_or_default(),
                    status: *status,
                    status_reason: status_reason.clone(),
                    minimum: count(resources.minv_cpus).unwrap_or(0),
                    maximum: count(resources.maxv_cpus).unwrap_or(0),
                    raise_to: count(resources.desiredv_cpus).filter(|desired| *desired > 0),
                    grace_milli: 0,
                    failures: 0,
                    paused_until: None,
                    scaling: VecDeque::new(),
                };
                self.core.environments.insert(name, environment);
            }
            Event::EnvironmentUpdated { name, state, minimum, maximum, desired, more, .. } => {
                let total = self.total_milli(name);
                let Some(environment) = self.core.environments.get_mut(name) else { return };
                environment.state = state.unwrap_or(environment.state);
                environment.minimum = minimum.unwrap_or(environment.minimum);
                environment.maximum = maximum.unwrap_or(environment.maximum);
                if desired.is_some() {
                    environment.raise_to = *desired;
                }
                if let Some(more) = more {
                    environment.update(more);
                    let types = environment.request.compute_resources.as_ref().map(|r| r.instance_types.clone());
                    self.index.know_types(name, &types.unwrap_or_default());
                }
                let Some(environment) = self.core.environments.get_mut(name) else { return };
                environment.grace_milli = if total > environment.maximum_milli() { total } else { 0 };
                self.settle_environment(name);
            }
            Event::EnvironmentDeleting { name, .. } => {
                if let Some(environment) = self.core.environments.get_mut(name) {
                    environment.status = Health::Deleting;
                }
            }
            Event::EnvironmentDeleted { name, .. } => {
                self.core.environments.remove(name);
                self.index.types.remove(name);
            }
            Event::EnvironmentPaused { name, failures, until, .. } => {
                if let Some(environment) = self.core.environments.get_mut(name) {
                    environment.failures = *failures;
                    environment.paused_until = *until;
                }
            }
            Event::EnvironmentJudged { name, status, reason, .. } => {
                if let Some(environment) = self.core.environments.get_mut(name) {
                    environment.status = *status;
                    environment.status_reason.clone_from(reason);
                    if *status == Health::Valid {
                        environment.failures = 0;
                        environment.paused_until = None;
                    }
                }
            }
            _ => {}
        }
    }

    /// What an operator asked for has been reached, as far as whole instances do, or what was there beyond the maximum has
    /// gone.
    pub(super) fn settle_environment(&mut self, name: &str) {
        let total = self.total_milli(name);
        let types = self.index.types.get(name);
        let smallest = types.and_then(|types| types.first()).map_or(0, |(_, size)| u64::from(size.vcpus) * 1000);
        let Some(environment) = self.core.environments.get_mut(name) else { return };
        let has_room = total + smallest <= environment.maximum_milli();
        environment.raise_to = environment.raise_to.filter(|desired| has_room && u64::from(*desired) * 1000 > total);
        if environment.grace_milli > 0 {
            environment.grace_milli = if total > environment.maximum_milli() { total } else { 0 };
        }
    }
}
