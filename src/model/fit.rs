//! What was observed of a definition's runs: how long they took and what they used.

use super::Millis;
use serde::{Deserialize, Serialize};

/// A middle, a high and the highest value. The first two are within a sixteenth, above rather than below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    pub p50: u64,
    pub p95: u64,
    pub max: u64,
}

/// The runs of one revision, also of jobs that are forgotten by now.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObservedRuns {
    pub job_definition_name: String,
    pub revision: u32,
    /// Tries that ended with exit code 0.
    pub succeeded: u64,
    /// Tries that started and ended otherwise.
    pub failed: u64,
    /// Of the failed: killed for their memory.
    pub out_of_memory: u64,
    /// Of the failed: ended by their timeout.
    pub timed_out: u64,
    /// Tries whose use was measured.
    pub measured: u64,
    /// Tries that asked for another size than the definition's.
    pub resized: u64,
    /// When the first and the last of them ended.
    pub first: Millis,
    pub last: Millis,
    /// Milliseconds, of those that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Spread>,
    /// MiB at most, of those that were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<Spread>,
    /// Hundredths of a vCPU on average through a run, of those that were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Spread>,
}
