//! What a recorded world holds, and how it is read.

use crate::model::watch::Watch;
use crate::model::{
    AuditEntry, CapacityOverTime, Change, ComputeEnvironment, CostReport, EngineStatus, EventLine, JobDefinition,
    JobDetail, JobId, JobQueue, JobSummary, LogEvent, Millis, ObservedRuns, Scaling, Schedule, ScheduleRun,
    SchedulingPolicy, Throughput, UsageOverTime,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything that was recorded, as a JSON file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct World {
    /// The time at which it is looked at.
    pub now: Millis,
    pub can: Can,
    /// It was taken from a running console, and not written for a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
    pub queues: Vec<JobQueue>,
    pub environments: Vec<ComputeEnvironment>,
    pub definitions: Vec<JobDefinition>,
    /// Children of arrays stand here too.
    pub jobs: Vec<JobSummary>,
    /// A job without details gets those that its row allows.
    pub details: Vec<JobDetail>,
    /// Lines by stream.
    pub logs: BTreeMap<String, Vec<LogEvent>>,
    pub schedules: Vec<Schedule>,
    pub runs: Vec<ScheduleRun>,
    pub audit: Vec<AuditEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watches: Vec<Watch>,
    pub scaling: Vec<Scaling>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<SchedulingPolicy>,
    /// The same whatever is asked for.
    pub costs: CostReport,
    pub observed_runs: Vec<ObservedRuns>,
    /// Where several reports were recorded, these are it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cost_reports: Vec<RecordedCosts>,
    /// How the capacity of environments went.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub capacity: BTreeMap<String, CapacityOverTime>,
    /// What jobs have used over time.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub usage: BTreeMap<JobId, UsageOverTime>,
    /// Where it was recorded; otherwise it is that of the jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<Throughput>,
    /// What Batch has told `EventBridge`, oldest first.
    pub events: Vec<EventLine>,
    /// What `watch` yields after its first `Reset`.
    pub changes: Vec<Change>,
    pub engine: Option<EngineStatus>,
}

/// Where and when a world was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Recorded {
    pub at: Millis,
    pub context: String,
    /// `local` or `aws`.
    pub backend: String,
    /// Of the program that wrote it.
    pub version: String,
    /// Jobs that were known and are not in it.
    pub left_out: usize,
    /// What could not be read when it was recorded, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub not_read: BTreeMap<Part, String>,
}

/// What is read for a recording and is not on the screen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    Costs,
    Events,
    Runs,
    Throughput,
    Usage,
}

impl Part {
    /// For a person.
    pub fn name(self) -> &'static str {
        match self {
            Self::Costs => "what was spent",
            Self::Events => "what happened",
            Self::Runs => "what runs have used",
            Self::Throughput => "what ended minute by minute",
            Self::Usage => "what the job used over time",
        }
    }
}

/// What was spent within a span up to the time of the recording; `None`: ever.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordedCosts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Millis>,
    pub report: CostReport,
}

/// What the world's service can do beyond the common part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent ability, as in `Capabilities`")]
pub struct Can {
    pub reprioritise_job: bool,
    pub hold: bool,
    pub instances: bool,
    pub schedules: bool,
    pub audit: bool,
    pub costs: bool,
    pub pushes_changes: bool,
}

impl Default for Can {
    fn default() -> Self {
        Self {
            reprioritise_job: true,
            hold: true,
            instances: true,
            schedules: true,
            audit: true,
            costs: true,
            pushes_changes: true,
        }
    }
}

/// Why a recorded world cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    #[error("the recorded world {path} cannot be read: {cause}")]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("the recorded world {path} is not one: {cause}")]
    Malformed { path: PathBuf, cause: serde_json::Error },
}

impl World {
    /// Reads a recorded world.
    pub fn load(path: &Path) -> Result<Self, WorldError> {
        let text =
            std::fs::read_to_string(path).map_err(|cause| WorldError::Unreadable { path: path.to_owned(), cause })?;
        let malformed = |cause| WorldError::Malformed { path: path.to_owned(), cause };
        serde_json::from_str(Self::within(&text)).map_err(malformed)
    }

    /// What a recording within a Markdown file begins with. It is one line, so that nothing in it looks like this.
    pub const FENCE: &'static str = "```batchdeck-recording\n";

    /// The recording in the text of a handover; all of a text that holds none.
    fn within(text: &str) -> &str {
        let begin = format!("\n{}", Self::FENCE);
        let after = text.rfind(&begin).map(|at| &text[at + begin.len()..]);
        after.map_or(text, |rest| rest.lines().next().unwrap_or_default())
    }
}
