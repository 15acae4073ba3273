//! What is known of a job, a queue or a compute environment at one moment, gathered for a diagnosis: each piece as it was
//! read, or why it was not.

use super::{
    AgentStatus, AuditEntry, ComputeEnvironment, ConsumableResource, JobDetail, JobId, JobQueue, JobQueueSnapshot,
    JobSummary, LogEvent, Millis, ObservedRuns,
};
use serde::{Deserialize, Serialize};

/// What a diagnosis is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    Job(JobId),
    /// By its name.
    Queue(String),
    /// By its name.
    Environment(String),
}

/// A piece of evidence: what was not read is not known, and never taken for absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub enum Piece<T> {
    Read {
        value: T,
        at: Millis,
    },
    /// It was asked for and not given: why, for a person.
    NotRead(String),
    /// Nothing asked for it: it says nothing of this subject.
    #[default]
    NotAsked,
}

impl<T> Piece<T> {
    /// What was read, if it was.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Read { value, .. } => Some(value),
            Self::NotRead(_) | Self::NotAsked => None,
        }
    }
}

/// The last lines of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogTail {
    pub stream: String,
    /// There is no such stream.
    pub is_missing: bool,
    pub events: Vec<LogEvent>,
}

/// All that was gathered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    pub subject: Subject,
    /// When the last of it was read.
    pub at: Millis,
    /// Whether the local engine stands behind it: it tells of instances, holds and its own reasons.
    pub is_local: bool,
    /// The job, or the one at the head of the queue.
    pub job: Piece<JobDetail>,
    /// All queues.
    pub queues: Piece<Vec<JobQueue>>,
    /// All compute environments.
    pub environments: Piece<Vec<ComputeEnvironment>>,
    /// The order of the job's queue.
    pub front: Piece<JobQueueSnapshot>,
    /// Who stands before it there, from the head on.
    pub ahead: Piece<Vec<JobDetail>>,
    /// By queue: the fronts of those that share an environment with it and are served before it.
    pub outranking: Piece<Vec<(String, JobQueueSnapshot)>>,
    /// The jobs that it depends on, those that these depend on, and so on.
    pub dependencies: Piece<Vec<JobDetail>>,
    /// Jobs of its queue that have started, the newest first; children stand for their arrays.
    pub started: Piece<Vec<JobSummary>>,
    /// Children of the array that have failed.
    pub failed_children: Piece<Vec<JobSummary>>,
    pub log: Piece<LogTail>,
    /// What earlier runs of its definition took and used.
    pub runs: Piece<Vec<ObservedRuns>>,
    /// The consumable resources that it takes.
    pub consumables: Piece<Vec<ConsumableResource>>,
    /// The agents of the local engine's instances.
    pub agents: Piece<Vec<AgentStatus>>,
    /// Who did what, newest first.
    pub audit: Piece<Vec<AuditEntry>>,
}

impl Evidence {
    /// Nothing read yet.
    pub fn of(subject: Subject, is_local: bool, at: Millis) -> Self {
        Self {
            subject,
            at,
            is_local,
            job: Piece::NotAsked,
            queues: Piece::NotAsked,
            environments: Piece::NotAsked,
            front: Piece::NotAsked,
            ahead: Piece::NotAsked,
            outranking: Piece::NotAsked,
            dependencies: Piece::NotAsked,
            started: Piece::NotAsked,
            failed_children: Piece::NotAsked,
            log: Piece::NotAsked,
            runs: Piece::NotAsked,
            consumables: Piece::NotAsked,
            agents: Piece::NotAsked,
            audit: Piece::NotAsked,
        }
    }
}
