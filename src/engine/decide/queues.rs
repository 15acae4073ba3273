//! Job queues: create, update, delete.

use super::services::{SAGEMAKER, changed};
use super::{Ruling, refuse, validate};
use crate::engine::Engine;
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::Event;
use crate::engine::service::ServiceChange;
use crate::engine::state::Queue;
use crate::model::validate::{queue_priority, resource_name};
use crate::model::{
    ComputeEnvironmentOrder, CreateJobQueueRequest, Health, JobStateTimeLimitAction, Millis, ServiceEnvironmentOrder,
    Switch, UpdateJobQueueRequest,
};

impl Engine {
    pub(super) fn create_queue(&self, request: &CreateJobQueueRequest, now: Millis) -> Result<Ruling, Refusal> {
        let name = &request.job_queue_name;
        resource_name("jobQueueName", name)?;
        if self.core.queues.contains_key(name) {
            return refuse(format!("Object already exists: the job queue {name}"));
        }
        queue_priority(request.priority)?;
        validate::tags(&request.tags)?;
        let (orders, of_services) = (&request.compute_environment_order, &request.service_environment_order);
        if !orders.is_empty() && !of_services.is_empty() {
            return refuse(
                "computeEnvironmentOrder and serviceEnvironmentOrder are both given; a queue has one of them",
            );
        }
        let for_services = !of_services.is_empty() || request.job_queue_type.as_deref() == Some(SAGEMAKER);
        let (environments, service_environments) = if for_services {
            (Vec::new(), self.resolve_services(of_services)?)
        } else {
            (self.resolve_order(orders)?, Vec::new())
        };
        let kind = self.kind_of(&environments);
        if let Some(given) = request.job_queue_type.as_deref().filter(|given| *given != kind) {
            return refuse(format!("jobQueueType is `{given}`; with these environments it takes {kind}"));
        }
        let scheduling_policy = self.resolve_policy(request.scheduling_policy_arn.as_deref(), for_services)?;
        check_time_limits(&request.job_state_time_limit_actions, for_services)?;
        let created = Event::QueueCreated {
            at: now,
            name: name.clone(),
            state: request.state.unwrap_or_default(),
            priority: request.priority,
            environments,
            tags: request.tags.clone(),
            scheduling_policy,
            time_limits: request.job_state_time_limit_actions.clone(),
            service_environments,
        };
        let mut events = vec![created];
        events.extend(self.settling(format!("job-queue/{name}"), Health::Creating, Health::Valid, now));
        let arn = self.core.settings.place.batch_arn("job-queue", name);
        let outcome = format!("created with priority {}", request.priority);
        Ok(Ruling::done("CreateJobQueue", name, outcome, events).answering(Answer::Created { arn, name: name.clone() }))
    }

    pub(super) fn update_queue(&self, request: &UpdateJobQueueRequest, now: Millis) -> Result<Ruling, Refusal> {
        let (name, queue) = self.find_queue(&request.job_queue)?;
        if queue.status == Health::Deleting {
            return refuse(format!("Cannot update, resource is being modified: {name} is DELETING"));
        }
        let resource = format!("job-queue/{name}");
        self.check_settled("update", &resource)?;
        let mut outcome = Vec::new();
        if let Some(priority) = request.priority {
            queue_priority(priority)?;
            outcome.push(format!("priority {} -> {priority}", queue.priority));
        }
        if let Some(state) = request.state {
            outcome.push(format!("{} -> {}", queue.state.as_str(), state.as_str()));
        }
        let for_services = !queue.service_environments.is_empty();
        let wrong = if for_services {
            request.compute_environment_order.as_ref().map(|_| ("computeEnvironmentOrder", "service jobs"))
        } else {
            request.service_environment_order.as_ref().map(|_| ("serviceEnvironmentOrder", "container jobs"))
        };
        if let Some((given, jobs)) = wrong {
            return refuse(format!("{given} is given, but {name} is a queue of {jobs}"));
        }
        let service_environments =
            request.service_environment_order.as_deref().map(|order| self.resolve_services(order)).transpose()?;
        let environments =
            request.compute_environment_order.as_deref().map(|order| self.resolve_order(order)).transpose()?;
        if let Some(environments) = &environments {
            outcome.push(format!("environments {} -> {}", names(&queue.environments), names(environments)));
        }
        let scheduling_policy = self.resolve_policy(request.scheduling_policy_arn.as_deref(), for_services)?;
        if let Some(policy) = &scheduling_policy {
            let Some(before) = &queue.scheduling_policy else {
                return refuse(format!(
                    "schedulingPolicyArn is given, but {name} was created without a policy and stays first in, first \
                     out; create another queue"
                ));
            };
            let is_fair = |name: &String| self.core.policies.get(name).is_some_and(|policy| policy.fairshare.is_some());
            if is_fair(before) != is_fair(policy) {
                return refuse(format!(
                    "schedulingPolicyArn names {policy}, which is of another kind than {before}; a queue keeps the kind"
                ));
            }
            outcome.push(format!("policy {before} -> {policy}"));
        }
        if let Some(limits) = &request.job_state_time_limit_actions {
            check_time_limits(limits, for_services)?;
            outcome.push(format!("{} time limits", limits.len()));
        }
        let updated = Event::QueueUpdated {
            at: now,
            name: name.to_owned(),
            state: request.state,
            priority: request.priority,
            environments,
            scheduling_policy,
            time_limits: request.job_state_time_limit_actions.clone(),
            service_environments,
        };
        let mut events = vec![updated];
        events.extend(self.settling(resource, Health::Updating, Health::Valid, now));
        let arn = self.core.settings.place.batch_arn("job-queue", name);
        Ok(Ruling::done("UpdateJobQueue", name, outcome.join(", "), events)
            .answering(Answer::Created { arn, name: name.to_owned() }))
    }

    pub(super) fn delete_queue(&self, name_or_arn: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (name, queue) = self.find_queue(name_or_arn)?;
        if queue.status == Health::Deleting {
            return Ok(Ruling::done("DeleteJobQueue", name, "is being deleted already", vec![]));
        }
        let resource = format!("job-queue/{name}");
        self.check_settled("delete", &resource)?;
        if queue.state == Switch::Enabled {
            return refuse(format!("Cannot delete, {name} is ENABLED: set its state to DISABLED first"));
        }
        let of_queue = format!("{name}/");
        if let Some(share) = self.core.services.quota_shares.keys().find(|key| key.starts_with(&of_queue)) {
            return refuse(format!("Cannot delete, found existing QuotaShare relationship: delete {share} first"));
        }
        let mut events = vec![Event::QueueDeleting { at: now, name: name.to_owned() }];
        let ids = self.core.services.waiting(name, None);
        if !ids.is_empty() {
            let reason = "Job queue was deleted".to_owned();
            events.push(changed(ServiceChange::JobsEnded { ids, reason }, now));
        }
        events.extend(self.settling(resource, Health::Deleting, Health::Deleting, now));
        Ok(Ruling::done("DeleteJobQueue", name, "deleting; its jobs are ended", events))
    }

    pub(in crate::engine) fn find_queue(&self, name_or_arn: &str) -> Result<(&str, &Queue), Refusal> {
        let name = self.core.settings.place.local_name("job-queue", name_or_arn);
        match name.and_then(|name| self.core.queues.get_key_value(name)) {
            Some((name, queue)) => Ok((name, queue)),
            None => refuse(format!("JobQueue {name_or_arn} not found.")),
        }
    }

    /// What `jobQueueType` says of a queue with these environments.
    pub(in crate::engine) fn kind_of(&self, environments: &[ComputeEnvironmentOrder]) -> &'static str {
        let first = environments.first().and_then(|entry| self.core.environments.get(&entry.compute_environment));
        match first {
            None if environments.is_empty() => SAGEMAKER,
            Some(found) if found.is_fargate() => "ECS_FARGATE",
            _ => "ECS",
        }
    }

    /// That a queue takes jobs now.
    pub(super) fn check_takes_jobs(&self, name: &str, queue: &Queue) -> Result<(), Refusal> {
        if queue.state == Switch::Disabled {
            return refuse(format!("JobQueue {name} is DISABLED; enable it, or submit to another queue"));
        }
        match queue.status {
            Health::Valid | Health::Updating => Ok(()),
            Health::Creating => self.check_settled("submit", &format!("job-queue/{name}")),
            status => refuse(format!("JobQueue {name} is {}; submit to another queue", status.as_str())),
        }
    }

    /// The one VALID service environment of a queue of service jobs.
    fn resolve_services(&self, order: &[ServiceEnvironmentOrder]) -> Result<Vec<ServiceEnvironmentOrder>, Refusal> {
        let [entry] = order else {
            return refuse(format!("serviceEnvironmentOrder has {} entries; it takes 1", order.len()));
        };
        let (name, environment) = self.find_service_environment(&entry.service_environment)?;
        if environment.status == Health::Deleting {
            return refuse(format!("the service environment {name} is DELETING; a queue takes VALID ones"));
        }
        if environment.status == Health::Creating {
            self.check_settled("attach", &format!("service-environment/{name}"))?;
        }
        Ok(vec![ServiceEnvironmentOrder { order: entry.order, service_environment: name.to_owned() }])
    }

    /// The name of a policy; one of quota shares is for queues of service jobs.
    fn resolve_policy(&self, arn: Option<&str>, for_services: bool) -> Result<Option<String>, Refusal> {
        let Some(arn) = arn else { return Ok(None) };
        let (name, policy) = self.find_policy("schedulingPolicyArn", arn)?;
        if policy.fairshare.is_none() && !for_services {
            return refuse(format!(
                "the scheduling policy {name} has a quotaSharePolicy, which is for queues of service jobs; this queue \
                 takes one with a fairsharePolicy"
            ));
        }
        Ok(Some(name.to_owned()))
    }

    /// Whether a queue's jobs are ordered by the use of their shares.
    pub(in crate::engine) fn is_fair(&self, queue: &Queue) -> bool {
        let policy = queue.scheduling_policy.as_ref().and_then(|name| self.core.policies.get(name));
        policy.is_some_and(|policy| policy.fairshare.is_some())
    }

    /// One to three VALID environments, all on instances or all Fargate; by name, in ascending order.
    fn resolve_order(&self, order: &[ComputeEnvironmentOrder]) -> Result<Vec<ComputeEnvironmentOrder>, Refusal> {
        if !(1..=3).contains(&order.len()) {
            return refuse(format!("computeEnvironmentOrder has {} entries; it takes 1 to 3", order.len()));
        }
        let mut resolved: Vec<ComputeEnvironmentOrder> = Vec::with_capacity(order.len());
        let (mut fargate, mut architecture) = (None, None);
        for entry in order {
            let (name, environment) = self.find_environment(&entry.compute_environment)?;
            if environment.status == Health::Creating {
                self.check_settled("attach", &format!("compute-environment/{name}"))?;
            }
            if !environment.is_valid() {
                let status = environment.status.as_str();
                return refuse(format!("the compute environment {name} is {status}; a queue takes VALID ones"));
            }
            if resolved.iter().any(|known| known.compute_environment == name) {
                return refuse(format!("computeEnvironmentOrder names {name} twice"));
            }
            if *fargate.get_or_insert(environment.is_fargate()) != environment.is_fargate() {
                return refuse("computeEnvironmentOrder mixes EC2 or SPOT with FARGATE; use one kind in a queue");
            }
            if let Some(own) = self.architecture(name)
                && *architecture.get_or_insert(own) != own
            {
                return refuse(
                    "computeEnvironmentOrder mixes x86_64 with arm64 instances; use one architecture in a queue",
                );
            }
            resolved.push(ComputeEnvironmentOrder { order: entry.order, compute_environment: name.to_owned() });
        }
        resolved.sort_by_key(|entry| entry.order);
        Ok(resolved)
    }
}

/// What a time limit can be set on.
const REASONS: [&str; 4] = [
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
];

fn check_time_limits(limits: &[JobStateTimeLimitAction], for_services: bool) -> Result<(), Refusal> {
    for (index, JobStateTimeLimitAction { reason, state, max_time_seconds, action }) in limits.iter().enumerate() {
        if !REASONS.contains(&reason.as_str()) {
            let takes = REASONS.join(", ");
            return refuse(format!("jobStateTimeLimitActions.reason is `{reason}`; it takes one of {takes}"));
        }
        if state != "RUNNABLE" {
            return refuse(format!("jobStateTimeLimitActions.state is `{state}`; it takes RUNNABLE"));
        }
        if !(600..=86_400).contains(max_time_seconds) {
            return refuse(format!(
                "jobStateTimeLimitActions.maxTimeSeconds is `{max_time_seconds}`; it takes 600 to 86400"
            ));
        }
        let takes = if for_services { "TERMINATE" } else { "CANCEL" };
        if action != takes {
            return refuse(format!("jobStateTimeLimitActions.action is `{action}`; it takes {takes} on this queue"));
        }
        if limits[..index].iter().any(|other| other.reason == *reason) {
            return refuse(format!("jobStateTimeLimitActions has {reason} twice; a reason takes one limit"));
        }
    }
    Ok(())
}

fn names(order: &[ComputeEnvironmentOrder]) -> String {
    order.iter().map(|entry| entry.compute_environment.as_str()).collect::<Vec<_>>().join(" ")
}
