//! What an agent and the engine say to each other: one JSON object a line, over the engine's `agents.sock`.
//!
//! The agent speaks first, with [`ToEngine::Hello`]. Every message may arrive twice; what names an attempt is safe to
//! repeat. An agent keeps an exit until the engine has acknowledged it as durable, over any number of connections.

use crate::model::{AttemptId, ContainerExit, InstanceId, Millis, TaskContainer, Usage, Volume};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Both sides refuse a peer of another version with a clear word.
pub const PROTOCOL: u32 = 2;

/// Between two signs of life of an agent.
pub const BEAT: Duration = Duration::from_secs(2);

/// From the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ToEngine {
    /// On every new connection: who it is and everything it holds.
    Hello {
        protocol: u32,
        instance: InstanceId,
        pid: u32,
        /// What keeps its jobs within their memory: `cgroup v2`, `cgroup v1`, `watched`.
        #[serde(default)]
        limits: String,
        held: Vec<Held>,
    },
    /// Every [`BEAT`], so that an agent that hangs is told from one that has nothing to say.
    Alive,
    /// Its first essential process or container runs.
    Started {
        attempt: AttemptId,
        at: Millis,
        /// By which other nodes of its job reach it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    },
    /// It is over. Sent until acknowledged.
    Exited { attempt: AttemptId, exit: Exit },
    /// What running attempts use, every few seconds.
    Used { samples: Vec<(AttemptId, Usage)> },
}

/// One attempt in an agent's hands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    pub attempt: AttemptId,
    /// `None` while it is being started.
    pub started_at: Option<Millis>,
    /// As in [`ToEngine::Started`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Set when it is over and not acknowledged.
    pub exit: Option<Exit>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exit {
    pub at: Millis,
    /// When it had started; `None` when it never did.
    pub started_at: Option<Millis>,
    /// Of the essential container that ended first: its exit code; 128 + N for a death by signal N; `None` when it never
    /// started.
    pub code: Option<i32>,
    /// `container.reason` in AWS's words: `CannotPullContainerError: …`, `OutOfMemoryError: …`.
    pub reason: Option<String>,
    /// It ran longer than its timeout and was stopped for that.
    pub timed_out: bool,
    pub usage: Option<Usage>,
    /// Of each container of the task, in the order of the start.
    pub containers: Vec<ContainerExit>,
}

/// From the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ToAgent {
    /// Start this; an attempt that is held already is left as it is.
    Start(Box<Start>),
    /// TERM to its process group, KILL after the grace. An attempt not held is reported as never started.
    Stop { attempt: AttemptId, grace_seconds: u32 },
    /// The exit is durable: forget it.
    Acknowledge { attempt: AttemptId },
    /// No attempts are left here: end.
    End,
}

/// Everything an agent needs to run an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    pub attempt: AttemptId,
    /// The ECS task id: names the working directory, the containers and the log streams.
    pub task_id: String,
    /// All its containers run as processes on this machine, as one whose image is `host` does in any task.
    pub as_process: bool,
    /// At least one, and one of them essential. A job of a single container calls it `default`.
    pub containers: Vec<TaskContainer>,
    /// What its containers' mount points name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// Of the whole task, as are the memory and the GPUs.
    pub vcpus: f64,
    pub memory_mib: u64,
    #[serde(default)]
    pub gpus: u32,
    pub timeout_seconds: Option<u32>,
    /// The name of a network that the nodes of a multi-node job share; the first of them makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}
