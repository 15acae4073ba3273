//! Job queues, compute environments and their instances, in AWS Batch's shapes.

use super::{InstanceId, Millis, ServiceEnvironmentOrder, StatusCounts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an operator sets on a queue or an environment (`JQState`, `CEState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Switch {
    #[default]
    Enabled,
    Disabled,
}

impl Switch {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
        }
    }
}

/// What the service says of a queue or an environment (`JQStatus`, `CEStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    Creating,
    Updating,
    Deleting,
    Deleted,
    #[default]
    Valid,
    Invalid,
}

impl Health {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
            Self::Valid => "VALID",
            Self::Invalid => "INVALID",
        }
    }
}

/// `ComputeEnvironmentOrder`: environments are tried in ascending `order`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ComputeEnvironmentOrder {
    pub order: i32,
    /// Name or ARN in requests, the ARN in answers.
    pub compute_environment: String,
}

/// `JobQueueDetail`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobQueue {
    pub job_queue_name: String,
    pub job_queue_arn: String,
    pub state: Switch,
    pub status: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// The larger one is served first.
    pub priority: i32,
    pub compute_environment_order: Vec<ComputeEnvironmentOrder>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_environment_order: Vec<ServiceEnvironmentOrder>,
    /// ECS, `ECS_FARGATE`, EKS or `SAGEMAKER_TRAINING`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_queue_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_policy_arn: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub job_state_time_limit_actions: Vec<JobStateTimeLimitAction>,
    pub tags: BTreeMap<String, String>,
    /// *Ours*: jobs by state. An array counts its children, not its parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_counts: Option<StatusCounts>,
    /// *Ours*: whether `job_counts` is a lower bound, because not all was fetched.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub job_counts_partial: bool,
}

/// `CreateJobQueueRequest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateJobQueueRequest {
    pub job_queue_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Switch>,
    pub priority: i32,
    pub compute_environment_order: Vec<ComputeEnvironmentOrder>,
    /// Of a queue of service jobs, in place of the other order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_environment_order: Vec<ServiceEnvironmentOrder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_queue_type: Option<String>,
    /// With one, the queue is fair; without, first in, first out. It can be swapped later, not dropped nor gained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_policy_arn: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub job_state_time_limit_actions: Vec<JobStateTimeLimitAction>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// `UpdateJobQueueRequest`: what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateJobQueueRequest {
    pub job_queue: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Switch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_environment_order: Option<Vec<ComputeEnvironmentOrder>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_environment_order: Option<Vec<ServiceEnvironmentOrder>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_policy_arn: Option<String>,
    /// The whole list; an empty one takes all away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_state_time_limit_actions: Option<Vec<JobStateTimeLimitAction>>,
}

/// `JobStateTimeLimitAction`: what becomes of a job that has stood at the head of its queue for too long.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobStateTimeLimitAction {
    /// The job's status reason up to its ` - `, as `CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY`.
    pub reason: String,
    /// RUNNABLE.
    pub state: String,
    /// 600 to 86400.
    pub max_time_seconds: i32,
    /// CANCEL, or TERMINATE on queues of service jobs.
    pub action: String,
}

/// `ComputeResource`: vCPU limits, instance types and the kind (EC2, SPOT, FARGATE, `FARGATE_SPOT`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ComputeResource {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_strategy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minv_cpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxv_cpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desiredv_cpus: Option<i32>,
    pub instance_types: Vec<String>,
    pub subnets: Vec<String>,
    pub security_group_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_role: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// `ComputeEnvironmentDetail`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ComputeEnvironment {
    pub compute_environment_name: String,
    pub compute_environment_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_cluster_arn: Option<String>,
    /// MANAGED or UNMANAGED.
    #[serde(rename = "type")]
    pub kind: String,
    pub state: Switch,
    pub status: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_resources: Option<ComputeResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_role: Option<String>,
    pub tags: BTreeMap<String, String>,
    /// *Ours.*
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
}

impl ComputeEnvironment {
    /// EC2, SPOT, FARGATE, `FARGATE_SPOT`, or UNMANAGED.
    pub fn provisioning(&self) -> &str {
        self.compute_resources.as_ref().map_or("UNMANAGED", |resources| resources.kind.as_str())
    }
}

/// *Ours*: what an environment has and what jobs take of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capacity {
    /// vCPUs of all instances.
    pub vcpus: f64,
    /// vCPUs that placed jobs asked for.
    pub vcpus_used: f64,
    pub memory_mib: u64,
    pub memory_mib_used: u64,
    pub instances: Vec<Instance>,
}

/// *Ours*: an instance of a compute environment; behind it stands one agent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Instance {
    pub instance_id: InstanceId,
    pub compute_environment: String,
    pub instance_type: String,
    pub state: InstanceState,
    pub launched_at: Millis,
    pub vcpus: f64,
    pub vcpus_used: f64,
    pub memory_mib: u64,
    pub memory_mib_used: u64,
    pub running_jobs: u32,
    /// The agent's process id, once it has registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_pid: Option<u32>,
}

/// Where an instance is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum InstanceState {
    /// Launched; its agent has not registered yet.
    #[default]
    Pending,
    /// Its agent is registered: jobs may be placed.
    Active,
    /// No new job is placed; it ends when it is empty.
    Draining,
}

impl InstanceState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
        }
    }
}

/// `CreateComputeEnvironmentRequest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateComputeEnvironmentRequest {
    pub compute_environment_name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Switch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_resources: Option<ComputeResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_role: Option<String>,
    /// The tag `batchdeck:executor` = `process` lets a job of any image run as a process on this machine.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// `UpdateComputeEnvironmentRequest`: what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateComputeEnvironmentRequest {
    pub compute_environment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Switch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_resources: Option<ComputeResourceUpdate>,
}

/// `ComputeResourceUpdate`, the scaling part.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ComputeResourceUpdate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minv_cpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxv_cpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desiredv_cpus: Option<i32>,
}
