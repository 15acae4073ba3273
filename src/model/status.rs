//! The states of a job and counts by state.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::{fmt, str::FromStr};

/// AWS Batch's job states, in the order a job walks them (`JobStatus` of the API).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobStatus {
    #[default]
    Submitted,
    Pending,
    Runnable,
    Starting,
    Running,
    Succeeded,
    Failed,
}

impl JobStatus {
    pub const ALL: [JobStatus; 7] =
        [Self::Submitted, Self::Pending, Self::Runnable, Self::Starting, Self::Running, Self::Succeeded, Self::Failed];

    /// Whether the job has ended for good.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// Whether the job waits: for a dependency or for room.
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Submitted | Self::Pending | Self::Runnable)
    }

    /// Whether the job holds a place on an instance.
    pub fn is_placed(self) -> bool {
        matches!(self, Self::Starting | Self::Running)
    }

    /// AWS's word for it, as on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Pending => "PENDING",
            Self::Runnable => "RUNNABLE",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no job state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a job state; the states are SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED and FAILED"
)]
pub struct UnknownStatus(pub String);

impl FromStr for JobStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// How many jobs are in each state. A state that is absent counts zero.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusCounts(pub BTreeMap<JobStatus, u64>);

impl StatusCounts {
    pub fn get(&self, status: JobStatus) -> u64 {
        self.0.get(&status).copied().unwrap_or(0)
    }

    pub fn add(&mut self, status: JobStatus, count: u64) {
        *self.0.entry(status).or_insert(0) += count;
    }

    pub fn waiting(&self) -> u64 {
        JobStatus::ALL.into_iter().filter(|s| s.is_waiting()).map(|s| self.get(s)).sum()
    }

    /// STARTING and RUNNING together.
    pub fn placed(&self) -> u64 {
        JobStatus::ALL.into_iter().filter(|s| s.is_placed()).map(|s| self.get(s)).sum()
    }

    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_what_it_writes_in_any_case() {
        for status in JobStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(status.as_str().to_lowercase().parse(), Ok(status));
            assert_eq!(serde_json::to_string(&status).expect("writes"), format!("\"{status}\""));
        }
        assert!("NOPE".parse::<JobStatus>().is_err());
    }
}
