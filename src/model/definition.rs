//! Job definitions, in AWS Batch's shapes.

use super::container::{
    EphemeralStorage, FargatePlatformConfiguration, LinuxParameters, MountPoint, NetworkConfiguration,
    RepositoryCredentials, RuntimePlatform, Secret, Ulimit, Volume,
};
use super::ecs::EcsProperties;
use super::job::{KeyValuePair, LogConfiguration, ResourceRequirement, RetryStrategy};
use super::nodes::NodeProperties;
use super::{ConsumableResourceProperties, JobTimeout};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The image that means a process on this machine instead of a container.
pub const HOST_IMAGE: &str = "host";

/// `ContainerProperties`. Members that this program does not know stand in `other`, kept and shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerProperties {
    pub image: String,
    pub command: Vec<String>,
    pub environment: Vec<KeyValuePair>,
    pub resource_requirements: Vec<ResourceRequirement>,
    /// Deprecated: the VCPU and MEMORY of `resource_requirements` win.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<LogConfiguration>,
    pub volumes: Vec<Volume>,
    pub mount_points: Vec<MountPoint>,
    pub ulimits: Vec<Ulimit>,
    pub secrets: Vec<Secret>,
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
    /// Of the nodes of a multi-node job.
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
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// `JobDefinition`: one revision.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobDefinition {
    pub job_definition_name: String,
    pub job_definition_arn: String,
    pub revision: u32,
    /// ACTIVE or INACTIVE.
    pub status: String,
    /// `container` or `multinode`.
    #[serde(rename = "type")]
    pub kind: String,
    pub parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_properties: Option<ContainerProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_properties: Option<EcsProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_properties: Option<NodeProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<JobTimeout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumable_resource_properties: Option<ConsumableResourceProperties>,
    pub tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_tags: Option<bool>,
    /// EC2, FARGATE.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platform_capabilities: Vec<String>,
}

impl JobDefinition {
    /// `NAME:REVISION`.
    pub fn label(&self) -> String {
        format!("{}:{}", self.job_definition_name, self.revision)
    }

    /// Those of all its containers that have one, of every range of nodes.
    pub fn log_configurations(&self) -> impl Iterator<Item = &LogConfiguration> {
        let ranges = self.node_properties.iter().flat_map(|nodes| &nodes.node_range_properties);
        let of_ranges = ranges.map(|range| (range.container.as_ref(), range.ecs_properties.as_ref()));
        let own = (self.container_properties.as_ref(), self.ecs_properties.as_ref());
        std::iter::once(own).chain(of_ranges).flat_map(|(single, several)| {
            let tasks = several.into_iter().flat_map(|several| &several.task_properties);
            let containers = tasks.flat_map(|task| &task.containers);
            let single = single.and_then(|container| container.log_configuration.as_ref());
            single.into_iter().chain(containers.filter_map(|container| container.log_configuration.as_ref()))
        })
    }

    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

/// `RegisterJobDefinitionRequest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegisterJobDefinitionRequest {
    pub job_definition_name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_properties: Option<ContainerProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_properties: Option<EcsProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_properties: Option<NodeProperties>,
    /// Refused by the local engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eks_properties: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<JobTimeout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumable_resource_properties: Option<ConsumableResourceProperties>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_tags: Option<bool>,
    /// EC2, FARGATE.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platform_capabilities: Vec<String>,
}

/// `RegisterJobDefinitionResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegisterJobDefinitionResponse {
    pub job_definition_name: String,
    pub job_definition_arn: String,
    pub revision: u32,
}
