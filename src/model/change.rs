//! The stream of changes, the record of who did what, and the engine's own state.

use super::watch::Watch;
use super::{
    ComputeEnvironment, DiskRoom, InstanceId, InstanceState, JobDefinition, JobId, JobQueue, JobSummary, Millis,
    Scaling, Schedule, ScheduleRun,
};
use serde::{Deserialize, Serialize};

/// A place in the stream of changes. It grows; what it counts is the backend's own matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub u64);

/// One line of `watch`: rows as they are now. Applying one twice does no harm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub cursor: Cursor,
    pub at: Millis,
    pub what: What,
}

/// What changed. A row stands for the whole of its thing: it replaces the one with the same name or id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// The first line, and again when the watcher's cursor is too old to go on from: forget all, read all anew.
    Reset,
    /// Nothing changed; it says that the stream is alive.
    Alive {
        consoles: u32,
    },
    Job(Box<JobSummary>),
    JobGone(JobId),
    Queue(Box<JobQueue>),
    QueueGone(String),
    ComputeEnvironment(Box<ComputeEnvironment>),
    ComputeEnvironmentGone(String),
    Definition(Box<JobDefinition>),
    Schedule(Box<Schedule>),
    ScheduleGone {
        group: String,
        name: String,
    },
    ScheduleRun(ScheduleRun),
    Audit(AuditEntry),
    Watch(Box<Watch>),
    WatchGone(String),
    /// An instance came or went.
    Scaling(Scaling),
    /// Schedules alone cannot be read, and why; `None` once they can be.
    SchedulesUnread(Option<String>),
    /// A word from the engine that an operator should read.
    Notice(String),
}

/// One action of an operator or a schedule, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditEntry {
    pub at: Millis,
    /// `user@host`, or `schedule GROUP/NAME`, or `engine`.
    pub who: String,
    /// AWS's name of the operation: `TerminateJob`, `UpdateJobQueue`; ours for what AWS lacks: `ReprioritiseJob`.
    pub action: String,
    /// Name or id of what it hit.
    pub target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What changed, for a person: `priority 1 -> 50`, `was RUNNING`.
    pub outcome: String,
}

/// A command of an operator's own that ran on a thing: for the record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CommandRun {
    /// Its name in the config, or `shell`.
    pub command: String,
    /// Name or id of what it ran on; empty where it ran on nothing.
    pub target: String,
    /// The line that a shell was given, with the values of the row in it.
    pub line: String,
    /// `exit 0`, `ended by signal 15`, or why it did not run.
    pub ended: String,
}

impl CommandRun {
    /// What the record calls it.
    pub const ACTION: &str = "RunCommand";
    /// Letters of a line that the record keeps.
    const KEPT: usize = 1_000;

    /// `exit 3`, `ended by signal 15`
    pub fn ended(code: Option<i32>, signal: Option<i32>) -> String {
        match (code, signal) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => format!("ended by signal {signal}"),
            (None, None) => "its end is not known".to_owned(),
        }
    }

    /// What the record says that it hit.
    pub fn recorded_target(&self) -> &str {
        if self.target.is_empty() { &self.command } else { &self.target }
    }

    /// What the record says came of it: `tail-it, exit 0: tail -f …`.
    pub fn recorded_outcome(&self) -> String {
        let mut letters = self.line.chars();
        let line: String = letters.by_ref().take(Self::KEPT).collect();
        let more = if letters.next().is_some() { " …" } else { "" };
        let line = if line.is_empty() { String::new() } else { format!(": {line}{more}") };
        format!("{}, {}{line}", self.command, self.ended)
    }
}

/// *Ours*: what a job uses now and used at most.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    pub at: Millis,
    /// Cores in use, averaged over the last sample's interval.
    pub cpu: f64,
    /// Resident memory of all its processes.
    pub memory_mib: f64,
    pub peak_memory_mib: f64,
    /// CPU time since its start.
    pub cpu_seconds: f64,
}

/// Answer of an engine that is asked whether it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Alive {
    /// For how long its disk keeps it from answering anything else.
    pub waits_for_disk_millis: Option<Millis>,
}

/// Answer of `engine status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EngineStatus {
    pub pid: u32,
    pub version: String,
    pub data_directory: String,
    pub socket: String,
    /// `ADDRESS:PORT` where the engine serves AWS's APIs on TCP; unset where it has no such door.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// What stands in its ARNs.
    pub region: String,
    pub account: String,
    pub started_at: Millis,
    pub agents: Vec<AgentStatus>,
    pub consoles: u32,
    pub jobs: u64,
    /// Unset where nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_disk: Option<LogDisk>,
    /// What an operator should know: what the disk lacks; of the start, missed schedules and a snapshot that was read.
    pub notices: Vec<String>,
}

/// The disk on which an engine's log streams lie; sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogDisk {
    #[serde(flatten)]
    pub disk: DiskRoom,
    /// What logs leave free of it (`log-reserve-mib`).
    pub kept: u64,
    /// Lines are written where so much is free.
    pub wanted: u64,
    /// There is too little: what jobs print is dropped.
    pub drops: bool,
}

/// One agent that the engine knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentStatus {
    pub instance_id: InstanceId,
    pub compute_environment: String,
    pub pid: Option<u32>,
    pub connected: bool,
    /// It is connected and has said nothing for so long; it may hang.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_seconds: Option<u64>,
    /// What keeps its jobs within their memory: `cgroup v2`, `cgroup v1`, or `watched`, where a job that takes more is
    /// found by looking and ended.
    pub limits: String,
    pub running_jobs: u32,
    /// EC2, SPOT, FARGATE, `FARGATE_SPOT` or UNMANAGED.
    pub provisioning: String,
    /// Its environment's jobs may be promised more than this machine has.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overcommit: bool,
    pub state: InstanceState,
    /// It boots until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Millis>,
    /// It has a notice: it is taken away then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted_at: Option<Millis>,
}
