//! A job as AWS Batch shows it: a row of a list (`JobSummary`) and all of it (`JobDetail`).
//!
//! Field names and shapes are those of `ListJobs` and `DescribeJobs` (API 2016-08-10). Members marked *ours* are
//! not in AWS's API: the engine sends them under `/batchdeck/v1/` alone, and a backend that lacks them leaves `None`.

use super::container::{
    EphemeralStorage, FargatePlatformConfiguration, LinuxParameters, MountPoint, NetworkConfiguration,
    RepositoryCredentials, RuntimePlatform, Secret, Ulimit, Volume,
};
use super::ecs::{AttemptEcsTaskDetails, EcsPropertiesDetail, EcsPropertiesOverride};
use super::nodes::{NodeDetails, NodeOverrides, NodeProperties, NodePropertiesSummary};
use super::{
    ConsumableResourceProperties, InstanceId, JobCost, JobId, JobStatus, Millis, ServiceRun, StatusCounts, Usage,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `KeyValuePair`: one environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyValuePair {
    pub name: String,
    pub value: String,
}

/// `ResourceRequirement`: `type` is VCPU, MEMORY (MiB) or GPU; the value is a decimal text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceRequirement {
    #[serde(rename = "type")]
    pub kind: String,
    pub value: String,
}

/// `JobDependency`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobDependency {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<DependencyKind>,
}

/// `ArrayJobDependency`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DependencyKind {
    #[serde(rename = "N_TO_N")]
    NToN,
    Sequential,
}

/// `RetryStrategy`: `attempts` counts all tries, 1 to 10.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RetryStrategy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    pub evaluate_on_exit: Vec<EvaluateOnExit>,
}

/// `EvaluateOnExit`: each pattern is a literal, or a literal with a `*` at its end; `action` is RETRY or EXIT in any case.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EvaluateOnExit {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_status_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_exit_code: Option<String>,
    pub action: String,
}

/// `JobTimeout`: seconds for one attempt, from its start; at least 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobTimeout {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_duration_seconds: Option<u32>,
}

/// `ArrayPropertiesDetail`: a parent has `size` and `status_summary`, a child has `index`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArrayProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_summary: Option<StatusCounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_summary_last_updated_at: Option<Millis>,
}

/// `ContainerSummary`: how the last attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerSummary {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One row of a list of jobs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobSummary {
    pub job_arn: String,
    pub job_id: JobId,
    pub job_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_definition: Option<String>,
    pub status: JobStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// When it was submitted.
    pub created_at: Millis,
    /// When its last attempt was placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array_properties: Option<ArrayProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_properties: Option<NodePropertiesSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_identifier: Option<String>,
    /// *Ours.*
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Box<JobExtra>>,
}

impl JobSummary {
    /// Whether this is the parent of an array.
    pub fn is_array_parent(&self) -> bool {
        self.array_properties.as_ref().is_some_and(|array| array.size.is_some())
    }

    /// Whether this is a multi-node job as a whole.
    pub fn is_multi_node(&self) -> bool {
        self.node_properties.as_ref().is_some_and(|nodes| nodes.node_index.is_none())
    }

    /// When the service told of it last, of a job of which it tells no more.
    pub fn from_history(&self) -> Option<Millis> {
        self.extra.as_ref()?.from_history
    }

    /// Whether it has children or nodes.
    pub fn has_parts(&self) -> bool {
        self.is_array_parent() || self.is_multi_node()
    }

    /// How many children or nodes it has.
    pub fn parts(&self) -> Option<u32> {
        let size = self.array_properties.as_ref().and_then(|array| array.size);
        size.or_else(|| self.node_properties.as_ref().filter(|_| self.is_multi_node())?.num_nodes)
    }
}

/// *Ours*: what a row of the console needs and `ListJobs` does not say.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobExtra {
    /// The queue's name.
    pub job_queue: String,
    pub vcpus: f64,
    pub memory_mib: u64,
    /// What an operator or the submitter set; 0 where nobody did.
    pub priority: i32,
    /// The attempt that runs, or ran last; 0 before the first.
    pub attempt: u32,
    /// When it entered its present state.
    pub state_since: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// `None` where the job names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_stream_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// A cancel or terminate was accepted and has not taken effect yet.
    pub stopping: bool,
    /// The service tells of the job no more: when it did last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_history: Option<Millis>,
    /// An operator holds it back; of an array's parent: at least one of its children.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// `JobDetail`: all that `DescribeJobs` says of a job.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobDetail {
    pub job_arn: String,
    pub job_id: JobId,
    pub job_name: String,
    /// The queue's ARN.
    pub job_queue: String,
    pub status: JobStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    pub attempts: Vec<AttemptDetail>,
    pub created_at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    pub depends_on: Vec<JobDependency>,
    /// The definition's ARN with its revision.
    pub job_definition: String,
    pub parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerDetail>,
    /// Of a job of several containers, in place of `container`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_properties: Option<EcsPropertiesDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array_properties: Option<ArrayProperties>,
    /// Of a multi-node job as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_properties: Option<NodeProperties>,
    /// Of a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_details: Option<NodeDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<JobTimeout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumable_resource_properties: Option<ConsumableResourceProperties>,
    pub tags: BTreeMap<String, String>,
    pub propagate_tags: bool,
    pub platform_capabilities: Vec<String>,
    pub is_cancelled: bool,
    pub is_terminated: bool,
    /// *Ours.*
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Box<JobExtra>>,
    /// *Ours*: of a service job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Box<ServiceRun>>,
    /// *Ours*: an estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Box<JobCost>>,
    /// *Ours*: what it was submitted with. Of a child or a node, what the whole was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Box<SubmitJobRequest>>,
}

impl JobDetail {
    /// When the service told of it last, of a job of which it tells no more.
    pub fn from_history(&self) -> Option<Millis> {
        self.extra.as_ref()?.from_history
    }

    /// The row of a list that it amounts to. When it was placed is not known of it.
    pub fn row(&self) -> JobSummary {
        let container = self.container.as_ref();
        let ended = container.filter(|container| container.exit_code.is_some() || container.reason.is_some());
        JobSummary {
            job_arn: self.job_arn.clone(),
            job_id: self.job_id.clone(),
            job_name: self.job_name.clone(),
            job_definition: Some(self.job_definition.clone()),
            status: self.status,
            status_reason: self.status_reason.clone(),
            created_at: self.created_at,
            scheduled_at: None,
            started_at: self.started_at,
            stopped_at: self.stopped_at,
            container: ended
                .map(|container| ContainerSummary { exit_code: container.exit_code, reason: container.reason.clone() }),
            array_properties: self.array_properties.clone(),
            node_properties: self.node_summary(),
            share_identifier: self.share_identifier.clone(),
            extra: self.extra.clone(),
        }
    }

    /// What a row of a list says of its nodes, or of the node that it is.
    pub fn node_summary(&self) -> Option<NodePropertiesSummary> {
        if let Some(node) = &self.node_details {
            return Some(NodePropertiesSummary {
                is_main_node: Some(node.is_main_node),
                num_nodes: None,
                node_index: Some(node.node_index),
            });
        }
        let nodes = self.node_properties.as_ref()?;
        Some(NodePropertiesSummary { num_nodes: Some(nodes.num_nodes), ..NodePropertiesSummary::default() })
    }
}

/// `ContainerDetail`: the definition's container with the overrides merged in, and where it runs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerDetail {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image: String,
    pub command: Vec<String>,
    pub environment: Vec<KeyValuePair>,
    pub resource_requirements: Vec<ResourceRequirement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_instance_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_stream_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<LogConfiguration>,
    pub volumes: Vec<Volume>,
    pub mount_points: Vec<MountPoint>,
    pub ulimits: Vec<Ulimit>,
    pub network_interfaces: Vec<serde_json::Value>,
    pub secrets: Vec<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readonly_root_filesystem: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linux_parameters: Option<LinuxParameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fargate_platform_configuration: Option<FargatePlatformConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<EphemeralStorage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_credentials: Option<RepositoryCredentials>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_execute_command: Option<bool>,
    /// The deprecated members, set by old definitions and by simple mocks of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<i32>,
}

/// `LogConfiguration`: the driver and its options (`awslogs-group` and others).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogConfiguration {
    pub log_driver: String,
    pub options: BTreeMap<String, String>,
    /// Kept and shown alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secret_options: Vec<Secret>,
}

/// `AttemptDetail`: an attempt that has ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttemptDetail {
    pub container: AttemptContainerDetail,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Of a job of several containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub task_properties: Vec<AttemptEcsTaskDetails>,
}

/// `AttemptContainerDetail`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttemptContainerDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_instance_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_stream_name: Option<String>,
    pub network_interfaces: Vec<serde_json::Value>,
}

/// `SubmitJobRequest`. Members that the engine does not know yet are refused by nobody and read by nobody.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubmitJobRequest {
    pub job_name: String,
    /// Name or ARN.
    pub job_queue: String,
    /// `NAME`, `NAME:REVISION` or the ARN with or without the revision.
    pub job_definition: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array_properties: Option<ArrayProperties>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<JobDependency>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_overrides: Option<ContainerOverrides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_properties_override: Option<EcsPropertiesOverride>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_overrides: Option<NodeOverrides>,
    /// Refused by the local engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eks_properties_override: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<JobTimeout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_priority_override: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumable_resource_properties_override: Option<ConsumableResourceProperties>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Absent means what the definition says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_tags: Option<bool>,
}

/// `ContainerOverrides`: an empty `command` means the definition's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerOverrides {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<KeyValuePair>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_requirements: Vec<ResourceRequirement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<i32>,
    /// Of the nodes of a multi-node job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
}

/// `SubmitJobResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubmitJobResponse {
    pub job_arn: String,
    pub job_name: String,
    pub job_id: JobId,
}
