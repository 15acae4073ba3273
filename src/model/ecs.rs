//! Jobs of several containers, in AWS Batch's shapes: what a definition says, what a job overrides, how each ended.

use super::ContainerProperties;
use super::container::{
    EphemeralStorage, LinuxParameters, MountPoint, NetworkConfiguration, RepositoryCredentials, RuntimePlatform,
    Secret, Ulimit, Volume,
};
use super::job::{KeyValuePair, LogConfiguration, ResourceRequirement};
use super::task::TaskContainerDependency;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `EcsProperties`: exactly one task.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EcsProperties {
    pub task_properties: Vec<EcsTaskProperties>,
}

/// `EcsTaskProperties`: 1 to 10 containers, at least one of them essential.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EcsTaskProperties {
    pub containers: Vec<TaskContainerProperties>,
    #[serde(flatten)]
    pub settings: EcsTaskSettings,
}

/// What a task has besides its containers, in a definition and in what is told of a job alike.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EcsTaskSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<EphemeralStorage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipc_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,
    pub volumes: Vec<Volume>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_execute_command: Option<bool>,
}

/// `TaskContainerProperties`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskContainerProperties {
    pub name: String,
    pub image: String,
    pub command: Vec<String>,
    pub environment: Vec<KeyValuePair>,
    /// Absent means that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub essential: Option<bool>,
    pub depends_on: Vec<TaskContainerDependency>,
    pub resource_requirements: Vec<ResourceRequirement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linux_parameters: Option<LinuxParameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<LogConfiguration>,
    pub mount_points: Vec<MountPoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readonly_root_filesystem: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_credentials: Option<RepositoryCredentials>,
    pub secrets: Vec<Secret>,
    pub ulimits: Vec<Ulimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Seconds that the containers it depends on may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<u32>,
    /// Seconds between TERM and KILL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<u32>,
    /// Members that are kept and shown alone.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

impl TaskContainerProperties {
    pub fn is_essential(&self) -> bool {
        self.essential.unwrap_or(true)
    }

    /// The same as the properties of a container of its own, as agents take them.
    pub fn properties(&self) -> ContainerProperties {
        ContainerProperties {
            image: self.image.clone(),
            command: self.command.clone(),
            environment: self.environment.clone(),
            resource_requirements: self.resource_requirements.clone(),
            user: self.user.clone(),
            log_configuration: self.log_configuration.clone(),
            mount_points: self.mount_points.clone(),
            ulimits: self.ulimits.clone(),
            secrets: self.secrets.clone(),
            readonly_root_filesystem: self.readonly_root_filesystem,
            privileged: self.privileged,
            linux_parameters: self.linux_parameters.clone(),
            repository_credentials: self.repository_credentials.clone(),
            ..ContainerProperties::default()
        }
    }
}

/// `EcsPropertiesOverride`: at most one task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EcsPropertiesOverride {
    pub task_properties: Vec<TaskPropertiesOverride>,
}

/// `TaskPropertiesOverride`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskPropertiesOverride {
    pub containers: Vec<TaskContainerOverrides>,
}

/// `TaskContainerOverrides`: for the container of that name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskContainerOverrides {
    pub name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<KeyValuePair>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_requirements: Vec<ResourceRequirement>,
}

/// `EcsPropertiesDetail`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EcsPropertiesDetail {
    pub task_properties: Vec<EcsTaskDetails>,
}

/// `EcsTaskDetails`: the merged task, and where the last try of it runs or ran.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EcsTaskDetails {
    pub containers: Vec<TaskContainerDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_instance_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_arn: Option<String>,
    #[serde(flatten)]
    pub settings: EcsTaskSettings,
}

/// `TaskContainerDetails`: what a container was given, and how it ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskContainerDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_stream_name: Option<String>,
    pub network_interfaces: Vec<serde_json::Value>,
    #[serde(flatten)]
    pub given: TaskContainerProperties,
}

/// `AttemptEcsTaskDetails`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttemptEcsTaskDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_instance_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_arn: Option<String>,
    pub containers: Vec<AttemptTaskContainerDetails>,
}

/// `AttemptTaskContainerDetails`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttemptTaskContainerDetails {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_stream_name: Option<String>,
    pub network_interfaces: Vec<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_reads_and_writes_what_aws_sends() {
        let text = serde_json::json!({
            "taskProperties": [{
                "containers": [{
                    "name": "main", "image": "busybox", "command": ["true"], "environment": [], "essential": true,
                    "dependsOn": [{ "containerName": "side", "condition": "HEALTHY" }],
                    "resourceRequirements": [{ "type": "VCPU", "value": "1" }], "mountPoints": [], "secrets": [],
                    "ulimits": [], "firelensConfiguration": { "type": "fluentd" }, "stopTimeout": 5
                }],
                "ipcMode": "task", "volumes": [{ "name": "scratch" }]
            }]
        });
        let read: EcsProperties = serde_json::from_value(text.clone()).expect("reads");
        let task = &read.task_properties[0];
        assert_eq!((task.settings.ipc_mode.as_deref(), task.settings.volumes.len()), (Some("task"), 1));
        assert_eq!(task.containers[0].stop_timeout, Some(5));
        assert!(task.containers[0].other.contains_key("firelensConfiguration"));
        assert_eq!(serde_json::to_value(&read).expect("writes"), text);
    }
}
