//! Events become state. Total: an event that was decided on always applies, and one that names what is not there is
//! passed over.

mod instances;
mod jobs;
mod nodes;
mod order;
mod schedules;

use super::Engine;
use super::event::Event;
use super::index::QueueIndex;
use super::job::End;
use super::shared::Text;
use super::state::{AUDIT_KEPT, Consumable, Environment, Queue};
use crate::model::{Health, JobStatus};
use std::collections::{BTreeMap, VecDeque};

impl Engine {
    pub(super) fn fold(&mut self, event: &Event) {
        self.at = event.at();
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
            Event::Settling { resource, until, from, to, .. } => self.begin_change(resource, *until, *from, *to),
            Event::Settled { resource, .. } => self.end_change(resource),
            Event::Tagged { resource, tags, .. } => {
                if let Some(known) = self.tags_mut(resource) {
                    known.extend(tags.clone());
                }
            }
            Event::Untagged { resource, keys, .. } => {
                if let Some(known) = self.tags_mut(resource) {
                    known.retain(|key, _| !keys.contains(key));
                }
            }
            Event::ServiceChanged { at, change } => self.core.services.apply(change, *at),
            Event::PolicyCreated { name, policy, .. } => {
                self.index.know_policy(name, policy.fairshare.as_ref());
                self.core.policies.insert(name.clone(), policy.clone());
            }
            Event::PolicyUpdated { name, fairshare, quota_share, .. } => {
                let Some(policy) = self.core.policies.get_mut(name) else { return };
                policy.fairshare = fairshare.clone().or_else(|| policy.fairshare.take());
                policy.quota_share = quota_share.clone().or_else(|| policy.quota_share.take());
                self.index.know_policy(name, policy.fairshare.as_ref());
            }
            Event::PolicyDeleted { name, .. } => {
                self.core.policies.remove(name);
                self.index.know_policy(name, None);
            }
            Event::ConsumableCreated { at, name, total, kind, tags } => {
                let consumable = Consumable {
                    kind: *kind,
                    total: *total,
                    created_at: *at,
                    tags: tags.clone(),
                    ..Default::default()
                };
                self.core.consumables.insert(name.clone(), consumable);
            }
            Event::ConsumableUpdated { at, name, total, token } => {
                if let Some(consumable) = self.core.consumables.get_mut(name) {
                    consumable.update(*total, token.clone(), *at);
                }
            }
            Event::ConsumableDeleted { name, .. } => {
                self.core.consumables.remove(name);
            }
            Event::DefinitionRegistered { definition, .. } => {
                let revisions = self.core.definitions.entry(definition.job_definition_name.clone()).or_default();
                revisions.insert(definition.revision, (**definition).clone());
            }
            Event::DefinitionDeregistered { name, revision, .. } => {
                let revisions = self.core.definitions.get_mut(name);
                if let Some(definition) = revisions.and_then(|revisions| revisions.get_mut(revision)) {
                    "INACTIVE".clone_into(&mut definition.status);
                }
            }
            Event::JobSubmitted { at, job } => self.submitted(*at, job),
            Event::JobPending { at, job } => {
                self.waits(job, *at, |job| job.status == JobStatus::Submitted, JobStatus::Pending);
            }
            Event::JobRunnable { at, job } => {
                self.waits(
                    job,
                    *at,
                    |job| job.status.is_waiting() && job.unmet == 0 && !job.doomed,
                    JobStatus::Runnable,
                );
            }
            Event::JobBlocked { job, reason, .. } => {
                self.on(job, |job| job.status_reason = reason.as_deref().map(Text::from));
                self.blocked(job, reason.as_deref());
            }
            Event::JobHeld { job, .. } => self.on_all(job, |job| job.status.is_waiting(), |job| job.held = true),
            Event::JobReleased { job, .. } => self.on_all(job, |job| job.held, |job| job.held = false),
            Event::JobMoved { job, queue, share, front, .. } => {
                if let Some(queue) = queue {
                    self.moved(job, queue, share.as_deref());
                }
                if *front {
                    self.core.last_front += 1;
                    let front = self.core.last_front;
                    self.on_all(job, |job| job.status.is_waiting(), |job| job.front = front);
                }
            }
            Event::JobStopRequested { job, terminate, reason, .. } => self.stop_requested(job, *terminate, reason),
            Event::JobReprioritised { job, priority, .. } => {
                self.on_all(job, |job| job.status.is_waiting(), |job| job.priority = *priority);
                self.on(job, |job| job.priority = *priority);
            }
            Event::JobEnded { at, job, status, reason } => self.ended(job, *status, reason.as_deref(), *at),
            Event::JobsForgotten { jobs, .. } => jobs.iter().for_each(|job| self.forgotten(job)),
            Event::AttemptPlaced { at, job, instance, task_id, .. } => self.placed(job, instance, task_id, *at),
            Event::NodesPlaced { at, job, nodes, .. } => self.nodes_placed(job, nodes, *at),
            Event::AttemptStarted { at, job, number, started_at, address } => {
                self.started(job, *number, *started_at, address.as_deref(), *at);
            }
            Event::AttemptEnded {
                at,
                job,
                number,
                started_at,
                stopped_at,
                code,
                reason,
                status_reason,
                usage,
                verdict,
                containers,
            } => {
                let end = End {
                    at: *stopped_at,
                    code: *code,
                    reason: reason.clone(),
                    status_reason: status_reason.clone(),
                    usage: *usage,
                    containers: containers.clone(),
                };
                self.attempt_ended(job, *number, *started_at, end, *verdict, *at);
            }
            Event::InstanceLaunched { .. }
            | Event::InstanceRegistered { .. }
            | Event::InstanceDraining { .. }
            | Event::InstanceInterrupted { .. }
            | Event::InstanceReclaimed { .. }
            | Event::InstanceLost { .. }
            | Event::InstanceEnded { .. } => self.fold_instance(event),
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
            Event::ScheduleSaved { .. }
            | Event::ScheduleDeleted { .. }
            | Event::ScheduleRan { .. }
            | Event::ScheduleGroupSaved { .. }
            | Event::ScheduleGroupDeleted { .. }
            | Event::DeadLettersCleared { .. } => self.fold_schedule(event),
            Event::ClockSetBack { at, from, next } => self.clock_set_back(*at, *from, next),
            Event::WatchSaved { .. }
            | Event::WatchRemoved { .. }
            | Event::WatchFired { .. }
            | Event::WatchCleared { .. }
            | Event::WatchEnded { .. }
            | Event::WatchAcknowledged { .. } => self.fold_watch(event),
            Event::Audited { entry, .. } => {
                self.core.audit.push_back(entry.clone());
                if self.core.audit.len() > AUDIT_KEPT {
                    self.core.audit.pop_front();
                }
            }
        }
    }

    /// What an operator asked for has been reached, as far as whole instances do, or what was there beyond the maximum has
    /// gone.
    fn settle_environment(&mut self, name: &str) {
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
