//! The order of a queue's waiting jobs: what is shown of it (`GetJobQueueSnapshot`), and, ours, how it is changed.

use super::{JobId, Millis};
use serde::{Deserialize, Serialize};

/// *Ours*: where a waiting job is to go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MoveTo {
    /// To this queue, by name or ARN; without it the job stays in its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_queue: Option<String>,
    /// Its share there; without it the one that it has. A queue without shares takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_identifier: Option<String>,
    /// In front of all that wait there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub front: bool,
}

/// *Ours*: what is held back and released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldTarget {
    /// A waiting job, or all that wait of an array.
    Job(JobId),
    /// All jobs of a queue, by its name.
    Queue(String),
}

/// *Ours*: the job at the head of a queue that holds up all behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QueueBlocked {
    pub job_id: JobId,
    /// The job's status reason: AWS's code, ` - ` and a word on it.
    pub reason: String,
    pub since: Millis,
}

/// `GetJobQueueSnapshotResponse`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobQueueSnapshot {
    pub front_of_queue: FrontOfQueue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_utilization: Option<QueueUtilization>,
}

/// `FrontOfQueueDetail`: the first 100 RUNNABLE jobs in the order in which they are placed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FrontOfQueue {
    pub jobs: Vec<FrontOfQueueJob>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated_at: Option<Millis>,
}

/// `FrontOfQueueJobSummary`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FrontOfQueueJob {
    pub job_arn: String,
    /// Since when it stands at its place.
    pub earliest_time_at_position: Millis,
}

/// `QueueSnapshotUtilizationDetail`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QueueUtilization {
    pub total_capacity_usage: Vec<CapacityUsage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairshare_utilization: Option<FairshareUtilization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated_at: Option<Millis>,
}

/// `QueueSnapshotCapacityUsage`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CapacityUsage {
    /// `VCPU`.
    pub capacity_unit: String,
    pub quantity: f64,
}

/// `FairshareUtilizationDetail`: the 20 shares that use the most.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FairshareUtilization {
    pub active_share_count: u64,
    pub top_capacity_utilization: Vec<ShareUtilization>,
}

/// `FairshareCapacityUtilization`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShareUtilization {
    pub share_identifier: String,
    pub capacity_usage: Vec<CapacityUsage>,
}
