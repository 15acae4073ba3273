//! Queues are made, changed, held and deleted.

use crate::engine::Engine;
use crate::engine::event::Event;
use crate::engine::index::QueueIndex;
use crate::engine::state::Queue;
use crate::model::Health;
use std::collections::BTreeMap;

impl Engine {
    /// What happens to queues.
    pub(super) fn fold_queue(&mut self, event: &Event) {
        match event {
            Event::QueueCreated {
                name,
                state,
                priority,
                environments,
                tags,
                scheduling_policy,
                time_limits,
                service_environments,
                ..
            } => {
                let queue = Queue {
                    state: *state,
                    status: Health::Valid,
                    priority: *priority,
                    environments: environments.clone(),
                    tags: tags.clone(),
                    scheduling_policy: scheduling_policy.clone(),
                    job_state_time_limit_actions: time_limits.clone(),
                    service_environments: service_environments.clone(),
                    held: false,
                    blocked: None,
                    shares: BTreeMap::new(),
                    turns: Vec::new(),
                };
                self.core.queues.insert(name.clone(), queue);
                self.index.queues.entry(name.clone()).or_default();
            }
            Event::QueueUpdated {
                name,
                state,
                priority,
                environments,
                scheduling_policy,
                time_limits,
                service_environments,
                ..
            } => {
                let Some(queue) = self.core.queues.get_mut(name) else { return };
                queue.state = state.unwrap_or(queue.state);
                queue.priority = priority.unwrap_or(queue.priority);
                if let Some(environments) = environments {
                    queue.environments.clone_from(environments);
                }
                if scheduling_policy.is_some() {
                    queue.scheduling_policy.clone_from(scheduling_policy);
                }
                if let Some(limits) = time_limits {
                    queue.job_state_time_limit_actions.clone_from(limits);
                }
                if let Some(environments) = service_environments {
                    queue.service_environments.clone_from(environments);
                }
            }
            Event::QueueHeld { name, .. } | Event::QueueReleased { name, .. } => {
                if let Some(queue) = self.core.queues.get_mut(name) {
                    queue.held = matches!(event, Event::QueueHeld { .. });
                }
            }
            Event::QueueDeleting { name, .. } => {
                if let Some(queue) = self.core.queues.get_mut(name) {
                    queue.status = Health::Deleting;
                }
            }
            Event::QueueDeleted { name, .. } => {
                self.core.queues.remove(name);
                if self.index.queues.get(name).is_some_and(|queue| *queue == QueueIndex::default()) {
                    self.index.queues.remove(name);
                }
            }
            _ => {}
        }
    }
}
