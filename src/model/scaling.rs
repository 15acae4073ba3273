//! *Ours*: why instances come and go.

use super::{InstanceId, Millis};
use serde::{Deserialize, Serialize};

/// One step in the number of an environment's instances. Fargate has none: a task comes with its job and goes with it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scaling {
    pub at: Millis,
    pub compute_environment: String,
    pub instance_id: InstanceId,
    pub instance_type: String,
    pub change: ScalingChange,
    /// vCPUs of the instance; where more or fewer are wanted, all that are.
    pub vcpus: f64,
    /// vCPUs of all instances of the environment afterwards, as far as they are known.
    pub total_vcpus: f64,
    /// For a person; empty where it was not recorded.
    pub reason: String,
}

/// What became of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ScalingChange {
    #[default]
    Launched,
    /// It has its notice, and takes no new job.
    Noticed,
    /// It was empty and was scaled in.
    Ended,
    /// It is gone with what ran on it.
    Lost,
    /// No instance yet: the environment wants another number of vCPUs.
    Wanted,
    /// No instance: what the service says of the environment is different.
    Status,
    /// What Auto Scaling has done for it.
    Activity,
    /// What Auto Scaling has tried in vain.
    Failed,
}

impl ScalingChange {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Launched => "LAUNCHED",
            Self::Noticed => "NOTICED",
            Self::Ended => "ENDED",
            Self::Lost => "LOST",
            Self::Wanted => "WANTED",
            Self::Status => "STATUS",
            Self::Activity => "ACTIVITY",
            Self::Failed => "FAILED",
        }
    }
}
