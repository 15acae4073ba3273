//! Service environments and service jobs: create, submit, update, end (AWS Batch user guide, "Service jobs").

use super::{Ruling, refuse, validate};
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::Event;
use crate::engine::service::{Environment, Job, ServiceChange, share_key};
use crate::engine::state::Queue;
use crate::engine::{Engine, Ids};
use crate::model::validate::{
    attempts, client_token, job_name, reason, resource_name, scheduling_priority, share_identifier, timeout,
};
use crate::model::{
    CapacityLimit, CreateServiceEnvironmentRequest, Health, JobId, Millis, ServiceJobRetryStrategy, SubmitJobResponse,
    SubmitServiceJobRequest, Switch, UpdateServiceEnvironmentRequest,
};

pub(super) use crate::model::SAGEMAKER_TRAINING as SAGEMAKER;

const REQUEST_KIB: usize = 30;
const PAYLOAD_BYTES: usize = 10 * 1024;
const EXIT_RULES: usize = 5;

impl Engine {
    pub(super) fn create_service_environment(
        &self,
        request: &CreateServiceEnvironmentRequest,
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        let name = &request.service_environment_name;
        resource_name("serviceEnvironmentName", name)?;
        if self.core.services.environments.contains_key(name) {
            return refuse(format!("Object already exists: the service environment {name}"));
        }
        check_type("serviceEnvironmentType", &request.service_environment_type)?;
        check_limits(&request.capacity_limits)?;
        validate::tags(&request.tags)?;
        let change = ServiceChange::EnvironmentCreated { request: request.clone() };
        let mut events = vec![changed(change, now)];
        events.extend(self.settling(format!("service-environment/{name}"), Health::Creating, Health::Valid, now));
        let arn = self.core.settings.place.batch_arn("service-environment", name);
        Ok(Ruling::done("CreateServiceEnvironment", name, "created", events)
            .answering(Answer::Created { arn, name: name.clone() }))
    }

    pub(super) fn update_service_environment(
        &self,
        request: &UpdateServiceEnvironmentRequest,
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        let (name, environment) = self.find_service_environment(&request.service_environment)?;
        let resource = format!("service-environment/{name}");
        self.check_settled("update", &resource)?;
        request.capacity_limits.as_deref().map(check_limits).transpose()?;
        let mut outcome = Vec::new();
        if let Some(state) = request.state {
            outcome.push(format!("{} -> {}", environment.state.as_str(), state.as_str()));
        }
        if let Some(limits) = &request.capacity_limits {
            outcome.push(format!("{} capacity limits", limits.len()));
        }
        let limits = request.capacity_limits.clone();
        let change = ServiceChange::EnvironmentUpdated { name: name.to_owned(), state: request.state, limits };
        let mut events = vec![changed(change, now)];
        events.extend(self.settling(resource, Health::Updating, Health::Valid, now));
        let arn = self.core.settings.place.batch_arn("service-environment", name);
        Ok(Ruling::done("UpdateServiceEnvironment", name, outcome.join(", "), events)
            .answering(Answer::Created { arn, name: name.to_owned() }))
    }

    pub(super) fn delete_service_environment(&self, name_or_arn: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (name, environment) = self.find_service_environment(name_or_arn)?;
        let resource = format!("service-environment/{name}");
        if environment.status == Health::Deleting {
            return Ok(Ruling::done("DeleteServiceEnvironment", name, "is being deleted already", vec![]));
        }
        self.check_settled("delete", &resource)?;
        if environment.state == Switch::Enabled {
            return refuse(format!("Cannot delete, {name} is ENABLED: set its state to DISABLED first"));
        }
        let uses = |queue: &Queue| queue.service_environments.iter().any(|order| order.service_environment == name);
        if let Some((queue, _)) = self.core.queues.iter().find(|(_, queue)| uses(queue)) {
            return refuse(format!(
                "Cannot delete, found existing JobQueue relationship: take {name} out of the queue {queue} first"
            ));
        }
        let begun = self.settling(resource, Health::Deleting, Health::Deleted, now);
        let event = begun.unwrap_or_else(|| changed(ServiceChange::EnvironmentDeleted { name: name.to_owned() }, now));
        Ok(Ruling::done("DeleteServiceEnvironment", name, "deleting", vec![event]))
    }

    pub(super) fn find_service_environment(&self, name_or_arn: &str) -> Result<(&str, &Environment), Refusal> {
        let name = self.core.settings.place.local_name("service-environment", name_or_arn);
        match name.and_then(|name| self.core.services.environments.get_key_value(name)) {
            Some((name, environment)) => Ok((name, environment)),
            None => refuse(format!("ServiceEnvironment {name_or_arn} not found.")),
        }
    }

    pub(super) fn submit_service_job(
        &self,
        request: &SubmitServiceJobRequest,
        now: Millis,
        ids: &mut dyn Ids,
    ) -> Result<Ruling, Refusal> {
        job_name(&request.job_name)?;
        let (name, queue) = self.find_queue(&request.job_queue)?;
        if queue.service_environments.is_empty() {
            return refuse(format!(
                "JobQueue {name} is for container jobs; a service job takes one of type {SAGEMAKER}"
            ));
        }
        self.check_takes_jobs(name, queue)?;
        check_type("serviceJobType", &request.service_job_type)?;
        check_payload(&request.service_request_payload)?;
        request.retry_strategy.as_ref().map(check_retry).transpose()?;
        request.scheduling_priority.map(scheduling_priority).transpose()?;
        request.timeout_config.and_then(|limit| limit.attempt_duration_seconds).map(timeout).transpose()?;
        let retries = request.preemption_configuration.and_then(|given| given.preemption_retries_before_termination);
        if let Some(retries) = retries.filter(|retries| *retries < 0) {
            return refuse(format!(
                "preemptionConfiguration.preemptionRetriesBeforeTermination is `{retries}`; it takes 0 or more"
            ));
        }
        self.check_shares(request, name, queue)?;
        validate::tags(&request.tags)?;
        validate::size("the request", request, REQUEST_KIB)?;
        if let Some(token) = request.client_token.as_deref() {
            client_token(token)?;
            let known = |job: &&Job| job.request.client_token.as_deref() == Some(token);
            if let Some(job) = self.core.services.jobs.values().find(known) {
                return refuse(format!("clientToken is `{token}`, which the service job {} came with already", job.id));
            }
        }
        let id = JobId(ids.uuid());
        let response = SubmitJobResponse {
            job_arn: self.core.settings.place.batch_arn("service-job", id.as_str()),
            job_name: request.job_name.clone(),
            job_id: id.clone(),
        };
        let request = Box::new(request.clone());
        let outcome = format!("{} to {name}", request.job_name);
        let change = ServiceChange::JobSubmitted { id: id.clone(), queue: name.to_owned(), request };
        Ok(Ruling::done("SubmitServiceJob", id.as_str(), outcome, vec![changed(change, now)])
            .answering(Answer::Submitted(response)))
    }

    /// A fair-share queue takes a share, one of quota shares a quota share, another neither.
    fn check_shares(&self, request: &SubmitServiceJobRequest, name: &str, queue: &Queue) -> Result<(), Refusal> {
        self.check_share(request.share_identifier.as_deref(), name, queue)?;
        request.share_identifier.as_deref().map(|share| share_identifier("shareIdentifier", share)).transpose()?;
        let quotas = self.has_quota_shares(queue);
        match request.quota_share_name.as_deref() {
            Some(given) if !quotas => refuse(format!(
                "quotaShareName is `{given}`, but {name} has no scheduling policy of quota shares; leave it out"
            )),
            Some(given) => match self.core.services.quota_shares.get(&share_key(name, given)) {
                None => refuse(format!("QuotaShare {given} not found in the queue {name}.")),
                Some(share) if share.state == Switch::Disabled => {
                    refuse(format!("QuotaShare {given} is DISABLED; enable it, or submit to another"))
                }
                Some(_) => Ok(()),
            },
            None if quotas => {
                refuse(format!("quotaShareName is missing; {name} has a scheduling policy of quota shares"))
            }
            None => Ok(()),
        }
    }

    pub(super) fn update_service_job(&self, id: &JobId, priority: i32, now: Millis) -> Result<Ruling, Refusal> {
        scheduling_priority(priority)?;
        let job = self.find_service_job(id)?;
        if job.end.is_some() {
            return refuse(format!("the service job {id} has FAILED; only a job that waits can change its priority"));
        }
        let before = job.request.scheduling_priority.unwrap_or(0);
        let response = SubmitJobResponse {
            job_arn: self.core.settings.place.batch_arn("service-job", id.as_str()),
            job_name: job.request.job_name.clone(),
            job_id: id.clone(),
        };
        let event = changed(ServiceChange::JobUpdated { id: id.clone(), priority }, now);
        let outcome = format!("priority {before} -> {priority}");
        Ok(Ruling::done("UpdateServiceJob", id.as_str(), outcome, vec![event]).answering(Answer::Submitted(response)))
    }

    pub(super) fn terminate_service_job(&self, id: &JobId, why: &str, now: Millis) -> Result<Ruling, Refusal> {
        reason(why)?;
        let job = self.find_service_job(id)?;
        if job.end.is_some() {
            return Ok(Ruling::done("TerminateServiceJob", id.as_str(), "had FAILED already", vec![]));
        }
        let event = changed(ServiceChange::JobsEnded { ids: vec![id.clone()], reason: why.to_owned() }, now);
        Ok(Ruling::done("TerminateServiceJob", id.as_str(), "RUNNABLE -> FAILED", vec![event]))
    }

    fn find_service_job(&self, id: &JobId) -> Result<&Job, Refusal> {
        match self.core.services.job(id) {
            Some(job) => Ok(job),
            None => Err(Refusal::NotFound(format!("Service job {id} not found; it may have been forgotten"))),
        }
    }
}

pub(super) fn changed(change: ServiceChange, now: Millis) -> Event {
    Event::ServiceChanged { at: now, change: Box::new(change) }
}

fn check_type(field: &str, given: &str) -> Result<(), Refusal> {
    if given == SAGEMAKER { Ok(()) } else { refuse(format!("{field} is `{given}`; it takes {SAGEMAKER}")) }
}

/// One of instances, or one for each of several instance types.
pub(super) fn check_limits(limits: &[CapacityLimit]) -> Result<(), Refusal> {
    if limits.is_empty() {
        return refuse("capacityLimits is missing; it takes at least one entry of maxCapacity and capacityUnit");
    }
    for (index, limit) in limits.iter().enumerate() {
        let unit = limit.capacity_unit.as_deref().unwrap_or_default();
        let is_type = unit.strip_prefix("ml.").is_some_and(|rest| rest.contains('.'));
        if unit != "NUM_INSTANCES" && !is_type {
            return refuse(format!(
                "capacityLimits.capacityUnit is `{unit}`; it takes NUM_INSTANCES or an instance type such as ml.m5.large"
            ));
        }
        match limit.max_capacity {
            Some(capacity) if capacity >= 0 => {}
            Some(capacity) => {
                return refuse(format!("capacityLimits.maxCapacity is `{capacity}`; it takes 0 or more"));
            }
            None => return refuse(format!("capacityLimits.maxCapacity of {unit} is missing; it takes 0 or more")),
        }
        if limits[..index].iter().any(|other| other.capacity_unit == limit.capacity_unit) {
            return refuse(format!("capacityLimits has {unit} twice"));
        }
    }
    Ok(())
}

fn check_payload(payload: &str) -> Result<(), Refusal> {
    if payload.len() > PAYLOAD_BYTES {
        let length = payload.len();
        return refuse(format!("serviceRequestPayload has {length} bytes; it takes at most {PAYLOAD_BYTES}"));
    }
    match serde_json::from_str(payload) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        Ok(_) => refuse("serviceRequestPayload is no JSON object; it takes the service's request as a text of JSON"),
        Err(cause) => refuse(format!("serviceRequestPayload is not JSON: {cause}")),
    }
}

fn check_retry(strategy: &ServiceJobRetryStrategy) -> Result<(), Refusal> {
    let Some(given) = strategy.attempts else { return refuse("retryStrategy.attempts is missing; it takes 1 to 10") };
    attempts(u32::try_from(given).unwrap_or(0))?;
    let entries = &strategy.evaluate_on_exit;
    if entries.len() > EXIT_RULES {
        return refuse(format!("retryStrategy.evaluateOnExit has {} entries; it takes at most 5", entries.len()));
    }
    for entry in entries {
        let action = entry.action.as_deref().unwrap_or_default();
        if !["RETRY", "EXIT"].iter().any(|known| action.eq_ignore_ascii_case(known)) {
            return refuse(format!("evaluateOnExit.action is `{action}`; it takes RETRY or EXIT"));
        }
    }
    Ok(())
}
