//! Agents: launched, known by their connections, and mourned.

pub(super) mod connection;
mod keeper;
mod mourning;
pub(super) mod process;

pub(super) use keeper::Keeper;

use crate::agent::message::{BEAT, ToAgent};
use crate::engine::Effect;
use crate::model::{InstanceId, LogReserve};
use process::Process;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// An agent that has not said hello so long after its launch is given up.
    pub registers_within: Duration,
    /// An agent that lives and has not been connected for so long is given up: it calls every few seconds.
    pub returns_within: Duration,
    /// An instance that fails at once is not reported, and so not replaced, before so long after its launch.
    pub fails_after: Duration,
    /// How long a start waits for the end of what lost agents have left.
    pub recovers_within: Duration,
    /// How long one wait for a word of a connected agent lasts; it says one every [`BEAT`](crate::agent::message::BEAT).
    pub listens: Duration,
    /// A connected agent that has said nothing for so long is shown as silent,
    pub silent_after: Duration,
    /// and after so long it is given up.
    pub hung_after: Duration,
    /// How long the words of an agent that has ended may take to arrive.
    pub last_words: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            registers_within: Duration::from_secs(30),
            returns_within: Duration::from_mins(2),
            fails_after: Duration::from_secs(5),
            recovers_within: Duration::from_secs(30),
            listens: BEAT,
            silent_after: BEAT * 5,
            hung_after: BEAT * 20,
            last_words: Duration::from_secs(5),
        }
    }
}

/// How agents are launched.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// Called as `PROGRAM agent --data-dir DIR --instance ID --log-reserve-mib MIB`.
    pub program: PathBuf,
    /// The container runtime's address, where it was named.
    pub docker_host: Option<String>,
    pub log_reserve: LogReserve,
}

pub(super) type ConnectionNumber = u64;

/// The way to the task that keeps the instances.
#[derive(Debug, Clone)]
pub(super) struct Instances {
    notes: mpsc::UnboundedSender<Note>,
}

/// What is known of an agent, for `engine status`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Presence {
    pub pid: Option<u32>,
    pub connected: bool,
    /// It is connected and has said nothing for so long.
    pub silent: Option<Duration>,
    /// What keeps its jobs within their memory.
    pub limits: String,
}

/// What the keeper is told.
#[derive(Debug)]
pub(super) enum Note {
    /// Of one round: what is for one agent reaches it together.
    Effects(Vec<Effect>),
    Connected {
        instance: InstanceId,
        number: ConnectionNumber,
        pid: u32,
        limits: String,
        to_agent: mpsc::UnboundedSender<ToAgent>,
    },
    Disconnected {
        instance: InstanceId,
        number: ConnectionNumber,
    },
    /// Nothing was heard for so long; zero when there is something again.
    Silent {
        instance: InstanceId,
        number: ConnectionNumber,
        since: Duration,
    },
    /// The process is over; `how` says what is known of its end.
    Ended {
        instance: InstanceId,
        process: Process,
        how: String,
    },
    /// It should have connected by now, for the first time or again after this connection.
    CallDue {
        instance: InstanceId,
        process: Process,
        after: Option<ConnectionNumber>,
    },
    /// What it said last has had time to arrive.
    LastWordsDue {
        instance: InstanceId,
        number: ConnectionNumber,
    },
    Mourned {
        instance: InstanceId,
    },
    Roster(oneshot::Sender<BTreeMap<InstanceId, Presence>>),
}

impl Instances {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Note>) {
        let (notes, heard) = mpsc::unbounded_channel();
        (Self { notes }, heard)
    }

    pub(super) fn note(&self, note: Note) {
        // The keeper ends only with the engine.
        let _ = self.notes.send(note);
    }

    pub(super) async fn roster(&self) -> BTreeMap<InstanceId, Presence> {
        let (reply, answer) = oneshot::channel();
        self.note(Note::Roster(reply));
        answer.await.unwrap_or_default()
    }
}
