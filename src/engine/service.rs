//! Service environments, service jobs and quota shares: objects that are kept and shown. Nothing here runs a service job;
//! it says so in its reason, and waits until someone ends it.

use super::Engine;
use super::command::Refusal;
use crate::model::{
    CapacityLimit, CreateQuotaShareRequest, CreateServiceEnvironmentRequest, Health, JobId, Millis, QuotaShare,
    QuotaSharePreemption, ResourceSharing, ServiceEnvironment, ServiceJob, ServiceJobStatus, SubmitServiceJobRequest,
    Switch,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Why a service job waits here for ever.
pub const NOT_RUN_HERE: &str = "ACTION_REQUIRED - SAGEMAKER_TRAINING jobs are not run by this engine; submit it to AWS \
                            Batch, or terminate it";

/// What is remembered of all of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Services {
    pub environments: BTreeMap<String, Environment>,
    /// By the order in which they were submitted.
    pub jobs: BTreeMap<u64, Job>,
    /// The number of the last submission.
    pub last_number: u64,
    /// By `queue/name`.
    pub quota_shares: BTreeMap<String, Share>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Environment {
    pub kind: String,
    pub state: Switch,
    pub status: Health,
    pub limits: Vec<CapacityLimit>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    pub id: JobId,
    /// By name.
    pub queue: String,
    pub request: SubmitServiceJobRequest,
    pub created_at: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<JobEnd>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobEnd {
    pub at: Millis,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Share {
    pub limits: Vec<CapacityLimit>,
    pub sharing: ResourceSharing,
    pub preemption: QuotaSharePreemption,
    pub state: Switch,
    pub status: Health,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// What has happened to one of them. Names on disk never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all_fields = "camelCase")]
pub enum ServiceChange {
    #[serde(rename = "environment-created")]
    EnvironmentCreated { request: CreateServiceEnvironmentRequest },
    #[serde(rename = "environment-updated")]
    EnvironmentUpdated {
        name: String,
        #[serde(default)]
        state: Option<Switch>,
        #[serde(default)]
        limits: Option<Vec<CapacityLimit>>,
    },
    #[serde(rename = "environment-deleted")]
    EnvironmentDeleted { name: String },
    #[serde(rename = "job-submitted")]
    JobSubmitted { id: JobId, queue: String, request: Box<SubmitServiceJobRequest> },
    #[serde(rename = "job-updated")]
    JobUpdated { id: JobId, priority: i32 },
    #[serde(rename = "jobs-ended")]
    JobsEnded { ids: Vec<JobId>, reason: String },
    #[serde(rename = "jobs-forgotten")]
    JobsForgotten { ids: Vec<JobId> },
    #[serde(rename = "quota-share-created")]
    QuotaShareCreated { queue: String, request: Box<CreateQuotaShareRequest> },
    #[serde(rename = "quota-share-updated")]
    QuotaShareUpdated {
        key: String,
        #[serde(default)]
        state: Option<Switch>,
        #[serde(default)]
        limits: Option<Vec<CapacityLimit>>,
        #[serde(default)]
        sharing: Option<ResourceSharing>,
        #[serde(default)]
        preemption: Option<QuotaSharePreemption>,
    },
    #[serde(rename = "quota-share-deleted")]
    QuotaShareDeleted { key: String },
}

/// The key of a quota share; neither part may hold a slash.
pub fn share_key(queue: &str, name: &str) -> String {
    format!("{queue}/{name}")
}

impl Services {
    pub fn job(&self, id: &JobId) -> Option<&Job> {
        self.jobs.values().rev().find(|job| job.id == *id)
    }

    pub fn job_mut(&mut self, id: &JobId) -> Option<&mut Job> {
        self.jobs.values_mut().rev().find(|job| job.id == *id)
    }

    /// Those of a queue that have not ended, and of one quota share where one is named.
    pub fn waiting(&self, queue: &str, share: Option<&str>) -> Vec<JobId> {
        let open = self.jobs.values().filter(|job| job.queue == queue && job.end.is_none());
        let of_share = |job: &&Job| share.is_none_or(|share| job.request.quota_share_name.as_deref() == Some(share));
        open.filter(of_share).map(|job| job.id.clone()).collect()
    }

    /// Total: what names something that is not there is passed over.
    pub fn apply(&mut self, change: &ServiceChange, at: Millis) {
        match change {
            ServiceChange::EnvironmentCreated { request } => {
                let environment = Environment {
                    kind: request.service_environment_type.clone(),
                    state: request.state.unwrap_or_default(),
                    status: Health::Valid,
                    limits: request.capacity_limits.clone(),
                    tags: request.tags.clone(),
                };
                self.environments.insert(request.service_environment_name.clone(), environment);
            }
            ServiceChange::EnvironmentUpdated { name, state, limits } => {
                let Some(environment) = self.environments.get_mut(name) else { return };
                environment.state = state.unwrap_or(environment.state);
                if let Some(limits) = limits {
                    environment.limits.clone_from(limits);
                }
            }
            ServiceChange::EnvironmentDeleted { name } => {
                self.environments.remove(name);
            }
            ServiceChange::JobSubmitted { id, queue, request } => {
                self.last_number += 1;
                let request = (**request).clone();
                let job = Job { id: id.clone(), queue: queue.clone(), request, created_at: at, end: None };
                self.jobs.insert(self.last_number, job);
            }
            ServiceChange::JobUpdated { id, priority } => {
                if let Some(job) = self.job_mut(id) {
                    job.request.scheduling_priority = Some(*priority);
                }
            }
            ServiceChange::JobsEnded { ids, reason } => {
                let ids: BTreeSet<&JobId> = ids.iter().collect();
                for job in self.jobs.values_mut().filter(|job| job.end.is_none() && ids.contains(&job.id)) {
                    job.end = Some(JobEnd { at, reason: reason.clone() });
                }
            }
            ServiceChange::JobsForgotten { ids } => {
                let ids: BTreeSet<&JobId> = ids.iter().collect();
                self.jobs.retain(|_, job| !ids.contains(&job.id));
            }
            ServiceChange::QuotaShareCreated { queue, request } => {
                let share = Share {
                    limits: request.capacity_limits.clone(),
                    sharing: request.resource_sharing_configuration.clone(),
                    preemption: request.preemption_configuration.clone(),
                    state: request.state.unwrap_or_default(),
                    status: Health::Valid,
                    tags: request.tags.clone(),
                };
                self.quota_shares.insert(share_key(queue, &request.quota_share_name), share);
            }
            ServiceChange::QuotaShareUpdated { key, state, limits, sharing, preemption } => {
                let Some(share) = self.quota_shares.get_mut(key) else { return };
                share.state = state.unwrap_or(share.state);
                if let Some(limits) = limits {
                    share.limits.clone_from(limits);
                }
                if let Some(sharing) = sharing {
                    share.sharing.clone_from(sharing);
                }
                if let Some(preemption) = preemption {
                    share.preemption.clone_from(preemption);
                }
            }
            ServiceChange::QuotaShareDeleted { key } => {
                self.quota_shares.remove(key);
            }
        }
    }
}

impl Engine {
    pub fn service_environments(&self) -> Vec<ServiceEnvironment> {
        let row = |(name, environment): (&String, &Environment)| ServiceEnvironment {
            service_environment_name: name.clone(),
            service_environment_arn: self.core.settings.place.batch_arn("service-environment", name),
            service_environment_type: environment.kind.clone(),
            state: environment.state,
            status: environment.status,
            capacity_limits: environment.limits.clone(),
            tags: environment.tags.clone(),
        };
        self.core.services.environments.iter().map(row).collect()
    }

    /// Those of a queue, newest first, each with its number, by which pages go on.
    pub fn service_jobs_of(&self, queue: &str) -> Result<Vec<(u64, ServiceJob)>, Refusal> {
        let (queue, _) = self.find_queue(queue)?;
        let jobs = self.core.services.jobs.iter().rev().filter(|(_, job)| job.queue == queue);
        Ok(jobs.map(|(number, job)| (*number, self.service_job_row(job))).collect())
    }

    pub fn service_job(&self, id: &JobId) -> Option<ServiceJob> {
        self.core.services.job(id).map(|job| self.service_job_row(job))
    }

    fn service_job_row(&self, job: &Job) -> ServiceJob {
        let place = &self.core.settings.place;
        let request = &job.request;
        ServiceJob {
            job_arn: place.batch_arn("service-job", job.id.as_str()),
            job_id: job.id.clone(),
            job_name: request.job_name.clone(),
            job_queue: place.batch_arn("job-queue", &job.queue),
            service_job_type: request.service_job_type.clone(),
            service_request_payload: request.service_request_payload.clone(),
            status: if job.end.is_some() { ServiceJobStatus::Failed } else { ServiceJobStatus::Runnable },
            status_reason: Some(job.end.as_ref().map_or(NOT_RUN_HERE, |end| &end.reason).to_owned()),
            created_at: job.created_at,
            stopped_at: job.end.as_ref().map(|end| end.at),
            is_terminated: job.end.is_some(),
            retry_strategy: request.retry_strategy.clone(),
            scheduling_priority: request.scheduling_priority,
            share_identifier: request.share_identifier.clone(),
            quota_share_name: request.quota_share_name.clone(),
            preemption_configuration: request.preemption_configuration,
            timeout_config: request.timeout_config,
            attempts: Vec::new(),
            tags: request.tags.clone(),
        }
    }

    /// Those of a queue, by name.
    pub fn quota_shares_of(&self, queue: &str) -> Result<Vec<QuotaShare>, Refusal> {
        let (queue, _) = self.find_queue(queue)?;
        let of_queue = share_key(queue, "");
        let shares = self.core.services.quota_shares.iter().filter(|(key, _)| key.starts_with(&of_queue));
        Ok(shares.map(|(key, share)| self.quota_share_row(key, share)).collect())
    }

    pub(super) fn quota_share_row(&self, key: &str, share: &Share) -> QuotaShare {
        let place = &self.core.settings.place;
        let (queue, name) = key.split_once('/').unwrap_or((key, ""));
        QuotaShare {
            quota_share_name: name.to_owned(),
            quota_share_arn: place.batch_arn("quota-share", key),
            job_queue_arn: place.batch_arn("job-queue", queue),
            capacity_limits: share.limits.clone(),
            resource_sharing_configuration: share.sharing.clone(),
            preemption_configuration: share.preemption.clone(),
            state: share.state,
            status: share.status,
            tags: share.tags.clone(),
        }
    }
}
