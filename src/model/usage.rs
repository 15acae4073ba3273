//! *Ours*: what a job has used over time.

use super::{JobDetail, Millis};
use serde::{Deserialize, Serialize};

/// Samples of one attempt, in the order of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UsageOverTime {
    pub samples: Vec<UsageSample>,
    /// Where they come from, for a person.
    pub source: String,
    /// There are more than were read: the last ones are missing.
    pub is_cut: bool,
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UsageSample {
    pub at: Millis,
    /// Cores in use.
    pub cpu: f64,
    pub memory_mib: f64,
}

impl JobDetail {
    /// The ECS task of its present attempt, or of its last one.
    pub fn task_arn(&self) -> Option<&str> {
        let live = self.container.as_ref().and_then(|container| container.task_arn.as_deref());
        let of_task = self.ecs_properties.iter().flat_map(|ecs| &ecs.task_properties);
        let of_task = of_task.filter_map(|task| task.task_arn.as_deref()).next_back();
        let of_attempt = self.attempts.iter().rev().find_map(|attempt| {
            let mut tasks = attempt.task_properties.iter().filter_map(|task| task.task_arn.as_deref());
            attempt.container.task_arn.as_deref().or_else(|| tasks.next_back())
        });
        live.or(of_task).or(of_attempt).filter(|arn| !arn.is_empty())
    }
}
