//! A job in the engine's memory: small where it waits, as a million may.

use super::event::Submission;
use super::ledger::Bill;
use super::shared::{Shared, Text};
use crate::model::{InstanceId, JobId, JobStatus, Millis, StatusCounts, Usage};
use serde::{Deserialize, Serialize};

/// A job's place in memory: the number of its submission, and 0 for the job itself or index + 1 for an array's child.
/// Numbers grow with each submission, so this is submission order too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    pub number: u64,
    pub slot: u32,
}

impl Key {
    pub fn root(number: u64) -> Self {
        Self { number, slot: 0 }
    }

    /// An array's child, by its index.
    pub fn child(number: u64, index: u32) -> Option<Self> {
        Some(Self { number, slot: index.checked_add(1)? })
    }

    /// The array child's index; `None` for a job of its own and for a parent.
    pub fn index(self) -> Option<u32> {
        self.slot.checked_sub(1)
    }
}

/// What was submitted, and its jobs: one, or an array's parent with its children.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Root {
    pub spec: Submission,
    /// The job itself, or the array's parent.
    pub job: Job,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<Box<Array>>,
}

/// The children of an array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Array {
    /// By index.
    pub children: Vec<Job>,
    pub counts: Counts,
    /// When `counts` changed last: since when the child that changed last is in its state.
    #[serde(skip)]
    pub counted_at: Millis,
    /// How many of them are held.
    #[serde(default, skip_serializing_if = "is_not_any")]
    pub held: u32,
    /// When its first child started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Millis>,
}

/// One job that runs, or an array's parent, which only holds the state of the whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub status: JobStatus,
    /// Since when it is in `status`.
    pub since: Millis,
    /// How many of its dependencies have not succeeded yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unmet: u16,
    /// A job that it depends on has failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doomed: bool,
    /// An operator holds it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// What an operator set; otherwise 0, and on a fair-share queue its scheduling priority.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub priority: i32,
    /// An operator put it at the front of its queue: the how-manieth time that one did, later ones first; 0 where nobody did.
    #[serde(default, skip_serializing_if = "is_not_any")]
    pub front: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Shared<Stop>>,
    /// All tries, the last one live while the job is placed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u16) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_not_any(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_nought(priority: &i32) -> bool {
    *priority == 0
}

/// An accepted cancel or terminate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub terminate: bool,
    pub reason: Text,
}

/// One try.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub instance: InstanceId,
    pub environment: Text,
    /// The environment's ECS cluster, as ARNs carry it.
    pub cluster: Text,
    pub task_id: String,
    pub placed_at: Millis,
    /// What it takes of what is paid for; `None` where it was placed before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<Box<Bill>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Box<End>>,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    pub at: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub status_reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl Job {
    pub fn new(at: Millis) -> Self {
        Self {
            status: JobStatus::Submitted,
            since: at,
            unmet: 0,
            doomed: false,
            held: false,
            priority: 0,
            front: 0,
            status_reason: None,
            stop: None,
            attempts: Vec::new(),
        }
    }

    pub fn enter(&mut self, status: JobStatus, at: Millis) {
        self.status = status;
        self.since = at;
        self.status_reason = None;
    }

    /// The try that holds a place on an instance now.
    pub fn live(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|attempt| attempt.end.is_none())
    }

    /// The number of the last try; 0 before the first.
    pub fn attempt_number(&self) -> u32 {
        u32::try_from(self.attempts.len()).expect("at most 10 attempts")
    }

    /// A cancel or terminate was accepted and has not taken effect.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_some() && !self.status.is_final()
    }
}

impl Array {
    /// When the last of its children changed its state.
    pub fn latest(&self) -> Millis {
        self.children.iter().map(|child| child.since).max().unwrap_or_default()
    }
}

impl Root {
    pub fn get(&self, slot: u32) -> Option<&Job> {
        match slot {
            0 => Some(&self.job),
            _ => self.array.as_ref()?.children.get(slot as usize - 1),
        }
    }

    pub fn get_mut(&mut self, slot: u32) -> Option<&mut Job> {
        match slot {
            0 => Some(&mut self.job),
            _ => self.array.as_mut()?.children.get_mut(slot as usize - 1),
        }
    }

    /// The slots of the jobs that run: the children of an array, or the job itself.
    pub fn leaves(&self) -> std::ops::RangeInclusive<u32> {
        match self.spec.array_size {
            Some(size) => 1..=size,
            None => 0..=0,
        }
    }

    pub fn id(&self, slot: u32) -> JobId {
        match slot {
            0 => self.spec.id.clone(),
            _ => self.spec.id.child(slot - 1),
        }
    }

    /// In which lists by state it stands: its own, and for an array those of its placed children.
    pub fn stands_in(&self, status: JobStatus) -> bool {
        self.job.status == status
            || status.is_placed() && self.array.as_ref().is_some_and(|array| array.counts.get(status) > 0)
    }

    /// Works out what a snapshot leaves out.
    pub fn complete(&mut self) {
        if let Some(array) = &mut self.array {
            array.counted_at = array.latest();
        }
    }

    /// All children have ended, and the parent has not.
    pub fn is_settled(&self) -> bool {
        !self.job.status.is_final()
            && self.array.as_ref().is_some_and(|array| {
                let ended = array.counts.get(JobStatus::Succeeded) + array.counts.get(JobStatus::Failed);
                ended == array.children.len() as u64
            })
    }
}

/// Jobs by state, in seven plain numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts([u64; 7]);

impl Counts {
    pub fn get(&self, status: JobStatus) -> u64 {
        self.0[status as usize]
    }

    pub fn add(&mut self, status: JobStatus, count: u64) {
        self.0[status as usize] += count;
    }

    pub fn take(&mut self, status: JobStatus) {
        self.0[status as usize] -= 1;
    }

    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub fn wire(&self) -> StatusCounts {
        let mut counts = StatusCounts::default();
        for status in JobStatus::ALL {
            if self.get(status) > 0 {
                counts.add(status, self.get(status));
            }
        }
        counts
    }

    /// All seven states, as an array's `statusSummary` has them.
    pub fn summary(&self) -> StatusCounts {
        StatusCounts(JobStatus::ALL.into_iter().map(|status| (status, self.get(status))).collect())
    }
}
