//! Service environments, service jobs and quota shares (`SageMaker` Training), in AWS Batch's shapes.

use super::{CapacityUsage, Health, JobId, JobLog, Millis, Switch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The one type of service environments, jobs and queues.
pub const SAGEMAKER_TRAINING: &str = "SAGEMAKER_TRAINING";

/// `ServiceEnvironmentOrder`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEnvironmentOrder {
    pub order: i32,
    /// Name or ARN in requests, the ARN in answers.
    pub service_environment: String,
}

/// `CapacityLimit`: so many of a unit, `NUM_INSTANCES` or an instance type such as `ml.m5.large`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CapacityLimit {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_capacity: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_unit: Option<String>,
}

/// `ServiceEnvironmentDetail`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEnvironment {
    pub service_environment_name: String,
    pub service_environment_arn: String,
    pub service_environment_type: String,
    pub state: Switch,
    pub status: Health,
    pub capacity_limits: Vec<CapacityLimit>,
    pub tags: BTreeMap<String, String>,
}

/// `CreateServiceEnvironmentRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateServiceEnvironmentRequest {
    pub service_environment_name: String,
    /// `SAGEMAKER_TRAINING`.
    pub service_environment_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Switch>,
    pub capacity_limits: Vec<CapacityLimit>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// `UpdateServiceEnvironmentRequest`: what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateServiceEnvironmentRequest {
    /// Name or ARN.
    pub service_environment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Switch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_limits: Option<Vec<CapacityLimit>>,
}

/// `SubmitServiceJobRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubmitServiceJobRequest {
    pub job_name: String,
    /// Name or ARN.
    pub job_queue: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<ServiceJobRetryStrategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_priority: Option<i32>,
    /// A text of JSON: the service's own request.
    pub service_request_payload: String,
    /// `SAGEMAKER_TRAINING`.
    pub service_job_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_share_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemption_configuration: Option<ServiceJobPreemption>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_config: Option<super::JobTimeout>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// A second submission with the token of one that is known is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
}

/// `ServiceJobRetryStrategy`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceJobRetryStrategy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i32>,
    pub evaluate_on_exit: Vec<ServiceJobEvaluateOnExit>,
}

/// `ServiceJobEvaluateOnExit`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceJobEvaluateOnExit {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_status_reason: Option<String>,
}

/// `ServiceJobPreemptionConfiguration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceJobPreemption {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemption_retries_before_termination: Option<i32>,
}

/// `DescribeServiceJobResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceJob {
    pub job_arn: String,
    pub job_id: JobId,
    pub job_name: String,
    /// The queue's ARN.
    pub job_queue: String,
    pub service_job_type: String,
    pub service_request_payload: String,
    pub status: ServiceJobStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    pub created_at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Millis>,
    pub is_terminated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<ServiceJobRetryStrategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_share_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemption_configuration: Option<ServiceJobPreemption>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_config: Option<super::JobTimeout>,
    /// None: nothing here runs such a job.
    pub attempts: Vec<serde_json::Value>,
    pub tags: BTreeMap<String, String>,
}

/// *Ours*: of a service job that is shown as a job, what is handed to the service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceRun {
    /// `SAGEMAKER_TRAINING`.
    pub service_job_type: String,
    /// A text of JSON: the service's own request.
    pub service_request_payload: String,
    /// What the service runs for it, by its ARN: a training job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Instances by type.
    pub asks: Vec<CapacityUsage>,
    /// What its instances print, by attempt and instance, as far as they have begun to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<JobLog>,
    /// Why those could not be looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs_unread: Option<String>,
}

/// The log group of all training jobs.
///
/// Source: Amazon `SageMaker` developer guide, "`CloudWatch` Logs for Amazon `SageMaker` AI".
pub const TRAINING_LOG_GROUP: &str = "/aws/sagemaker/TrainingJobs";

/// The name of a training job, by its ARN; what it prints goes into streams that begin with it.
pub fn training_job(arn: &str) -> Option<&str> {
    Some(arn.split_once(":training-job/")?.1).filter(|name| !name.is_empty())
}

impl ServiceRun {
    /// Why there is no line of it, where the service has begun to run it.
    pub fn why_no_log(&self) -> Option<String> {
        let name = training_job(self.resource.as_deref()?)?;
        let Some(why) = &self.logs_unread else {
            return Some(format!("its training job {name} has printed nothing yet"));
        };
        Some(format!(
            "its log streams cannot be looked for: {why} · `aws logs tail {TRAINING_LOG_GROUP} --log-stream-name-prefix \
             {name} --follow` reads it without that"
        ))
    }

    /// Its instances that have a log, each once.
    pub fn writers(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for log in &self.logs {
            if !names.contains(&log.container.as_str()) {
                names.push(&log.container);
            }
        }
        names
    }

    /// Whether fewer instances have a log in this attempt than were asked for.
    pub fn lacks_logs(&self, attempt: u32) -> bool {
        let asked: f64 = self.asks.iter().map(|usage| usage.quantity).sum();
        let known = self.logs.iter().filter(|log| log.attempt == attempt).count();
        u32::try_from(known).map_or(f64::MAX, f64::from) < asked.max(1.0)
    }

    /// `2 ml.m5.large`.
    pub fn asked(&self) -> String {
        let one = |usage: &CapacityUsage| format!("{} {}", usage.quantity, usage.capacity_unit);
        self.asks.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Whether an ARN is that of a service job.
pub fn is_service_job(arn: &str) -> bool {
    arn.contains(":service-job/")
}

/// `ServiceJobStatus`, as far as a service job gets here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ServiceJobStatus {
    #[default]
    Runnable,
    Failed,
}

impl ServiceJobStatus {
    /// All that AWS knows: what a list may ask for.
    pub const KNOWN: [&str; 8] =
        ["SUBMITTED", "PENDING", "RUNNABLE", "SCHEDULED", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runnable => "RUNNABLE",
            Self::Failed => "FAILED",
        }
    }
}

/// `DescribeQuotaShareResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QuotaShare {
    pub quota_share_name: String,
    pub quota_share_arn: String,
    pub job_queue_arn: String,
    pub capacity_limits: Vec<CapacityLimit>,
    pub resource_sharing_configuration: ResourceSharing,
    pub preemption_configuration: QuotaSharePreemption,
    pub state: Switch,
    pub status: Health,
    pub tags: BTreeMap<String, String>,
}

/// `QuotaShareResourceSharingConfiguration`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceSharing {
    /// RESERVE, LEND or `LEND_AND_BORROW`.
    pub strategy: String,
    /// Percent of its own limits; -1 is no limit. With `LEND_AND_BORROW` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub borrow_limit: Option<i32>,
}

/// `QuotaSharePreemptionConfiguration`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QuotaSharePreemption {
    /// ENABLED or DISABLED.
    pub in_share_preemption: String,
}

/// `CreateQuotaShareRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateQuotaShareRequest {
    pub quota_share_name: String,
    /// Name or ARN.
    pub job_queue: String,
    pub capacity_limits: Vec<CapacityLimit>,
    pub resource_sharing_configuration: ResourceSharing,
    pub preemption_configuration: QuotaSharePreemption,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Switch>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// `UpdateQuotaShareRequest`: what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateQuotaShareRequest {
    pub quota_share_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_limits: Option<Vec<CapacityLimit>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_sharing_configuration: Option<ResourceSharing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemption_configuration: Option<QuotaSharePreemption>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Switch>,
}
