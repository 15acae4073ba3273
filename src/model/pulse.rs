//! How a world of jobs goes: what started and ended, minute by minute, and what else was read beside it.

use super::{AuditEntry, ComputeEnvironment, CostReport, JobQueue, JobStatus, Millis, Piece, Scaling};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const MINUTE: Millis = 60_000;

/// *Ours*: what started and ended, by the minute. Of an array its children count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Throughput {
    /// From here on nothing is missing.
    pub from: Millis,
    /// By the time with which a minute begins; minutes in which nothing happened are left out.
    pub minutes: BTreeMap<Millis, Minute>,
}

/// What happened in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Minute {
    /// Attempts that began to run.
    pub started: u64,
    pub succeeded: u64,
    /// Jobs that failed for good.
    pub failed: u64,
}

impl Minute {
    pub fn add(&mut self, other: Self) {
        self.started += other.started;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
    }

    pub fn ended(self) -> u64 {
        self.succeeded + self.failed
    }
}

impl Throughput {
    /// Notes that a job came into a state; of other states than RUNNING and the last two nothing is kept.
    pub fn note(&mut self, at: Millis, status: JobStatus) {
        let one = match status {
            JobStatus::Running => Minute { started: 1, ..Minute::default() },
            JobStatus::Succeeded => Minute { succeeded: 1, ..Minute::default() },
            JobStatus::Failed => Minute { failed: 1, ..Minute::default() },
            _ => return,
        };
        self.minutes.entry(at.div_euclid(MINUTE) * MINUTE).or_default().add(one);
    }

    /// The sum from one time up to before another, in whole minutes.
    pub fn between(&self, from: Millis, to: Millis) -> Minute {
        let mut sum = Minute::default();
        if from < to {
            self.minutes.range(from..to).for_each(|(_, minute)| sum.add(*minute));
        }
        sum
    }
}

/// What was read for a pulse, each piece on its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PulseRead {
    pub at: Millis,
    pub throughput: Piece<Throughput>,
    pub queues: Piece<Vec<JobQueue>>,
    pub environments: Piece<Vec<ComputeEnvironment>>,
    /// Of the last 24 hours.
    pub costs: Piece<CostReport>,
    pub scaling: Piece<Vec<Scaling>>,
    pub audit: Piece<Vec<AuditEntry>>,
    /// What is not in these numbers, for a person.
    pub left_out: Vec<String>,
}
