//! Job definitions, in AWS Batch's shapes.

use super::job::{KeyValuePair, LogConfiguration, ResourceRequirement, RetryStrategy};
use super::{ConsumableResourceProperties, JobTimeout};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The image that means a process on this machine instead of a container.
pub const HOST_IMAGE: &str = "host";

/// `ContainerProperties`. Members that are kept and shown but not acted on yet stand in `other`.
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
    /// `container`; `multinode` is refused for now.
    #[serde(rename = "type")]
    pub kind: String,
    pub parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_properties: Option<ContainerProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<JobTimeout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumable_resource_properties: Option<ConsumableResourceProperties>,
    pub tags: BTreeMap<String, String>,
}

impl JobDefinition {
    /// `NAME:REVISION`.
    pub fn label(&self) -> String {
        format!("{}:{}", self.job_definition_name, self.revision)
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
    pub timeout: Option<JobTimeout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumable_resource_properties: Option<ConsumableResourceProperties>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// `RegisterJobDefinitionResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegisterJobDefinitionResponse {
    pub job_definition_name: String,
    pub job_definition_arn: String,
    pub revision: u32,
}
