//! Job queues, compute environments and their instances, in AWS Batch's shapes.

use super::{InstanceId, Millis, QueueBlocked, ServiceEnvironmentOrder, StatusCounts, Usd};
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

impl JobQueue {
    /// Whether its jobs are handed to a service rather than run in containers.
    pub fn is_of_services(&self) -> bool {
        self.job_queue_type.as_deref() == Some(super::SAGEMAKER_TRAINING)
    }
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
    /// *Ours*: an operator holds all of its jobs back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// *Ours*: the job at its head that cannot be placed as things stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<QueueBlocked>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ec2_key_pair: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement_group: Option<String>,
    /// Of SPOT: percent of the On-Demand price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bid_percentage: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_iam_fleet_role: Option<String>,
    /// Kept and shown; instances here have no templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_template: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ec2_configuration: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling_policy: Option<ScalingPolicy>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// `ComputeScalingPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScalingPolicy {
    /// How long an instance stays after its last job, at least: 0 (off), or 20 to 10080.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_scale_down_delay_minutes: Option<i32>,
}

/// `UpdatePolicy`: what an infrastructure update does with the jobs that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdatePolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminate_jobs_on_update: Option<bool>,
    /// 1 to 360.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_execution_timeout_minutes: Option<i64>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmanagedv_cpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_policy: Option<UpdatePolicy>,
    /// ECS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_orchestration_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    pub tags: BTreeMap<String, String>,
    /// *Ours.*
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// *Ours*: why its instances could not be read, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_unread: Option<String>,
}

/// The tag of an environment whose jobs may be promised more than this machine has, with the value `true`.
pub const OVERCOMMIT_TAG: &str = "batchdeck:overcommit";

/// The tag of an environment where jobs of any image run as processes, with the value `process`.
pub const EXECUTOR_TAG: &str = "batchdeck:executor";

/// The tag of an environment whose instances boot for so many seconds.
pub const BOOT_TAG: &str = "batchdeck:boot-seconds";

impl ComputeEnvironment {
    /// Its jobs may be promised more than this machine has.
    pub fn overcommits(&self) -> bool {
        self.tags.get(OVERCOMMIT_TAG).is_some_and(|value| value == "true")
    }

    /// How long its instances boot, by its tag.
    pub fn boot_seconds(&self) -> Option<u32> {
        self.tags.get(BOOT_TAG)?.parse().ok()
    }

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
    /// An estimate of what its instances, or its Fargate tasks, cost an hour now; `None` where a price is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<Usd>,
    /// Whose prices those are and of which day, or why there is none; `None` where nothing is told of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices: Option<String>,
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
    #[serde(skip_serializing_if = "is_zero")]
    pub gpus: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub gpus_used: u32,
    pub running_jobs: u32,
    /// It boots until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Millis>,
    /// It has a notice: it is taken away then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted_at: Option<Millis>,
    /// What keeps its jobs within their memory, once its agent has said so: see [`AgentStatus::limits`].
    ///
    /// [`AgentStatus::limits`]: super::AgentStatus::limits
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
    /// The agent's process id, once it has registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_pid: Option<u32>,
    /// Of an ECS container instance: its agent is not connected, so nothing can be started there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub agent_lost: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
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
    /// Of UNMANAGED, for fair shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmanagedv_cpus: Option<i32>,
    /// Refused: there are no clusters of Kubernetes here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eks_configuration: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Set by an update alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_policy: Option<UpdatePolicy>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmanagedv_cpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_policy: Option<UpdatePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// `ComputeResourceUpdate`: what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ComputeResourceUpdate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minv_cpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxv_cpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desiredv_cpus: Option<i32>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_strategy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ec2_key_pair: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bid_percentage: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_template: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ec2_configuration: Option<Vec<serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_to_latest_image_version: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling_policy: Option<ScalingPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

impl ComputeResourceUpdate {
    /// It changes what instances are made of, not only how many there are: they are replaced (AWS Batch user guide,
    /// "Infrastructure updates").
    pub fn is_infrastructure(&self) -> bool {
        let scaling = Self {
            minv_cpus: self.minv_cpus,
            maxv_cpus: self.maxv_cpus,
            desiredv_cpus: self.desiredv_cpus,
            scaling_policy: self.scaling_policy,
            ..Self::default()
        };
        *self != scaling
    }
}

impl ComputeResource {
    /// Takes over what an update says, but for the vCPUs, which change by their own rules.
    pub fn update(&mut self, update: &ComputeResourceUpdate) {
        fn put<T: Clone>(known: &mut T, given: Option<&T>) {
            if let Some(given) = given {
                known.clone_from(given);
            }
        }
        fn put_some<T: Clone>(known: &mut Option<T>, given: Option<&T>) {
            if let Some(given) = given {
                *known = Some(given.clone());
            }
        }
        put(&mut self.kind, update.kind.as_ref());
        put(&mut self.instance_types, update.instance_types.as_ref());
        put(&mut self.subnets, update.subnets.as_ref());
        put(&mut self.security_group_ids, update.security_group_ids.as_ref());
        put(&mut self.ec2_configuration, update.ec2_configuration.as_ref());
        put(&mut self.tags, update.tags.as_ref());
        put_some(&mut self.allocation_strategy, update.allocation_strategy.as_ref());
        put_some(&mut self.instance_role, update.instance_role.as_ref());
        put_some(&mut self.image_id, update.image_id.as_ref());
        put_some(&mut self.ec2_key_pair, update.ec2_key_pair.as_ref());
        put_some(&mut self.placement_group, update.placement_group.as_ref());
        put_some(&mut self.bid_percentage, update.bid_percentage.as_ref());
        put_some(&mut self.launch_template, update.launch_template.as_ref());
        put_some(&mut self.scaling_policy, update.scaling_policy.as_ref());
    }
}
