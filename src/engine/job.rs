//! A job in the engine's memory: small where it waits, as a million may.

use super::event::Submission;
use super::ledger::Bill;
use super::shared::{Shared, Text};
use super::work::Node;
use crate::model::{ContainerExit, InstanceId, JobId, JobStatus, Millis, StatusCounts, Usage};
use serde::{Deserialize, Serialize};

/// A job's place in memory: the number of its submission, and 0 for the job itself or index + 1 for an array's child or a node.
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

    /// An array's child or a node, by its index.
    pub fn child(number: u64, index: u32) -> Option<Self> {
        Some(Self { number, slot: index.checked_add(1)? })
    }

    /// The index of an array's child or of a node; `None` for a job of its own and for a parent.
    pub fn index(self) -> Option<u32> {
        self.slot.checked_sub(1)
    }
}

/// What was submitted, and its jobs: one, an array's parent with its children, or a multi-node job with its nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Root {
    pub spec: Submission,
    /// The job itself, the array's parent, or the multi-node job as a whole.
    pub job: Job,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<Box<Array>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Box<Nodes>>,
}

/// The nodes of a multi-node job. They are what is placed and tried; the job itself waits, holds the state of the whole,
/// and is one job wherever jobs are counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nodes {
    /// By index. Their states mean something once they are placed.
    #[expect(clippy::struct_field_names, reason = "a snapshot's word for it")]
    pub nodes: Vec<Job>,
    /// The index of the node that starts first, and whose end is the job's.
    pub main: u32,
    /// The main node has failed: the job is tried again when the last node has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retrying: bool,
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
    /// The indexes of the GPUs that it has for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<u32>,
    /// Of a main node: where the others reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Text>,
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
    /// Of each container of a task of several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<ContainerExit>,
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
            _ => self.parts()?.get(slot as usize - 1),
        }
    }

    pub fn get_mut(&mut self, slot: u32) -> Option<&mut Job> {
        let Some(place) = slot.checked_sub(1) else { return Some(&mut self.job) };
        let parts = match (&mut self.array, &mut self.nodes) {
            (Some(array), _) => &mut array.children,
            (None, Some(nodes)) => &mut nodes.nodes,
            (None, None) => return None,
        };
        parts.get_mut(place as usize)
    }

    fn parts(&self) -> Option<&[Job]> {
        let children = self.array.as_ref().map(|array| array.children.as_slice());
        children.or_else(|| Some(self.nodes.as_ref()?.nodes.as_slice()))
    }

    /// The slots of the jobs that wait for room and are counted: the children of an array, or the job itself.
    pub fn leaves(&self) -> std::ops::RangeInclusive<u32> {
        match self.spec.array_size {
            Some(size) => 1..=size,
            None => 0..=0,
        }
    }

    /// The slots of what is placed and tried: the children of an array, the nodes, or the job itself.
    pub fn runners(&self) -> std::ops::RangeInclusive<u32> {
        match &self.nodes {
            Some(nodes) => 1..=u32::try_from(nodes.nodes.len()).unwrap_or(u32::MAX),
            None => self.leaves(),
        }
    }

    /// The slot whose attempts tell of a job: of a multi-node job those of its main node do.
    pub fn speaker(&self, slot: u32) -> u32 {
        match &self.nodes {
            Some(nodes) if slot == 0 => nodes.main + 1,
            _ => slot,
        }
    }

    /// The node that a slot is or that speaks for it.
    pub fn node(&self, slot: u32) -> Option<Node> {
        let nodes = self.nodes.as_ref()?;
        Some(Node { index: self.speaker(slot).checked_sub(1)?, count: u32::try_from(nodes.nodes.len()).ok()? })
    }

    /// Whether the slot is a node; the multi-node job as a whole is none.
    pub fn is_node(&self, slot: u32) -> bool {
        self.nodes.is_some() && slot > 0
    }

    /// How often a job has been tried.
    pub fn tries(&self, slot: u32) -> u32 {
        self.get(self.speaker(slot)).map_or(0, Job::attempt_number)
    }

    /// Whether a node holds a place on an instance.
    pub fn holds_nodes(&self) -> bool {
        self.nodes.as_ref().is_some_and(|nodes| nodes.nodes.iter().any(|node| node.live().is_some()))
    }

    /// Of a multi-node job: its main node has ended, and what is left of the others has no purpose any more.
    pub fn is_winding_up(&self) -> bool {
        self.nodes.as_ref().is_some_and(|nodes| nodes.retrying || self.job.status.is_final())
    }

    /// An accepted stop of what a slot runs; that of a multi-node job is its nodes'.
    pub fn stop_of(&self, slot: u32) -> Option<&Shared<Stop>> {
        let slot = if self.nodes.is_some() { 0 } else { slot };
        self.get(slot)?.stop.as_ref()
    }

    pub fn id(&self, slot: u32) -> JobId {
        match slot {
            0 => self.spec.id.clone(),
            _ if self.nodes.is_some() => self.spec.id.node(slot - 1),
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
