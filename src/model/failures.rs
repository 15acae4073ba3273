//! Jobs that failed within a time, as they were read to be grouped.

use super::{JobSummary, Millis};
use serde::{Deserialize, Serialize};

/// What was read, and what was left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedJobs {
    /// When it was read.
    pub at: Millis,
    /// Jobs that ended earlier are not meant.
    pub since: Millis,
    /// Of this queue alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Newest first. An array is told by its children.
    pub jobs: Vec<FailedJob>,
    /// What failed before, as far as it was met on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<FailedEarlier>,
    /// What was not fetched, for a person: what is told may be too low by that.
    pub left_out: Vec<String>,
}

/// Jobs that failed alike before the time that is meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedEarlier {
    /// The first of them to end.
    pub first: JobSummary,
    pub count: usize,
}

/// A job that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedJob {
    pub job: JobSummary,
    pub last_line: LastLine,
}

/// The last line of a job's log that is not blank.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LastLine {
    Line(String),
    /// It wrote nothing, or never ran.
    Nothing,
    /// Nobody looked.
    #[default]
    NotRead,
}
