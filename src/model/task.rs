//! A task: the containers that one attempt starts together, as the engine hands them to an agent.

use super::ContainerProperties;
use serde::{Deserialize, Serialize};

/// The name of the container of a job that has one alone, as in its log stream's name.
pub const DEFAULT_CONTAINER: &str = "default";

/// One container of a task, with everything merged: definition, overrides, parameters, and the variables that AWS Batch
/// sets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskContainer {
    pub name: String,
    /// The first essential container that ends stops the others, and its exit is the job's.
    pub essential: bool,
    /// What must be so before it is started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<TaskContainerDependency>,
    /// An empty command means the image's own. The environment is all of it.
    pub properties: ContainerProperties,
    /// Its own share of the task's; `None` where it has none of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<f64>,
    /// Its own limit; `None` where the task's alone holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// The indexes of the machine's GPUs that are its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gpu_devices: Vec<u32>,
    /// Seconds within which it must come to where the containers that depend on it wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<u32>,
    /// Seconds between TERM and KILL; `None`: those of the stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<u32>,
    /// Relative to the engine's `logs` directory, without the `.log` at its end.
    pub log_stream: String,
}

/// `TaskContainerDependency`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskContainerDependency {
    pub container_name: String,
    pub condition: ContainerCondition,
}

/// What another container must have come to (ECS API reference, `ContainerDependency`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ContainerCondition {
    /// It was started.
    #[default]
    Start,
    /// It has ended, however.
    Complete,
    /// It has ended with exit code 0.
    Success,
    /// Its image's health check has passed.
    Healthy,
}

/// How one container of a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerExit {
    pub name: String,
    /// 128 + N for a death by signal N; `None` when it never started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// `reason` in AWS's words: `CannotPullContainerError: …`, `OutOfMemoryError: …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
