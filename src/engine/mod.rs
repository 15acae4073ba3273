//! The local engine's mind, pure: commands become events ([`Engine::decide`]), events become state
//! ([`Engine::apply`]), and what time and room make due becomes events as well ([`Engine::advance`]).
//!
//! No I/O, no async, no wall clock, no randomness that is not passed in, no order that depends on a hash. The state is
//! the fold of all events: replaying a journal gives the same state.

pub mod command;
pub mod event;

use crate::model::{
    AttemptId, AuditEntry, ComputeEnvironment, InstanceId, JobDefinition, JobDetail, JobId, JobQueue, JobStatus,
    JobSummary, KeyValuePair, Millis, Place, Schedule, ScheduleRun, Usage, What,
};
use command::{Answer, Command, Refusal};
use event::Event;

/// What an engine is told about its world.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    pub place: Place,
    /// How long an instance above `minvCpus` may be idle before it ends.
    pub idle_seconds: u32,
    /// How long finished jobs are kept; AWS keeps them for at least 7 days.
    pub retention_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { place: Place::default(), idle_seconds: 60, retention_days: 7 }
    }
}

/// Where new ids come from; passed in, so that the engine itself knows no chance.
pub trait Ids {
    /// A UUID v4 text.
    fn uuid(&mut self) -> String;
}

/// The state of the whole local engine. Serializes as a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Engine {}

/// What a command leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub events: Vec<Event>,
    pub answer: Answer,
}

/// What the engine's body must do once an event is durable. Doing one twice does no harm.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    LaunchInstance {
        instance: InstanceId,
    },
    /// The agent is to end; nothing runs on it.
    EndInstance {
        instance: InstanceId,
    },
    Start {
        instance: InstanceId,
        start: Box<StartAttempt>,
    },
    Stop {
        instance: InstanceId,
        attempt: AttemptId,
        grace_seconds: u32,
    },
    /// The exit is durable: the agent may forget it.
    Acknowledge {
        instance: InstanceId,
        attempt: AttemptId,
    },
}

/// All that an agent needs to run an attempt; the body turns it into `agent::message::Start`.
#[derive(Debug, Clone, PartialEq)]
pub struct StartAttempt {
    pub attempt: AttemptId,
    pub task_id: String,
    pub image: String,
    pub as_process: bool,
    pub command: Vec<String>,
    pub environment: Vec<KeyValuePair>,
    pub vcpus: f64,
    pub memory_mib: u64,
    pub log_stream: String,
    pub timeout_seconds: Option<u32>,
}

/// Which jobs to list; the engine's side of `/batchdeck/v1/jobs/list` and of `ListJobs`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Queue name. `None`: all queues.
    pub queue: Option<String>,
    /// The children of this array; otherwise children are left out.
    pub array: Option<JobId>,
    /// Empty: every state. A parent of an array counts as STARTING or RUNNING too where a child of it is.
    pub statuses: Vec<JobStatus>,
    /// Name or `prefix*`, case-insensitive.
    pub name: Option<String>,
    pub limit: usize,
    /// Opaque, from the page before; stable while jobs arrive.
    pub token: Option<String>,
}

/// A rule of "What must always hold" that does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {detail}")]
pub struct Violation {
    pub rule: &'static str,
    pub detail: String,
}

impl Engine {
    pub fn new(_settings: Settings) -> Self {
        unimplemented!()
    }

    /// Validates a command against the state; refuses, or says what happens. Changes nothing.
    pub fn decide(&self, _command: &Command, _now: Millis, _ids: &mut dyn Ids) -> Result<Decision, Refusal> {
        unimplemented!()
    }

    /// What time and room make due now: jobs whose dependencies are met, placements, launches, ends of idle instances,
    /// schedules, retention. Empty when nothing is. The caller applies the events and calls again until it is empty.
    pub fn advance(&self, _now: Millis, _ids: &mut dyn Ids) -> Vec<Event> {
        unimplemented!()
    }

    /// Folds an event in. Total: an event that was decided on always applies.
    pub fn apply(&mut self, _event: &Event) {
        unimplemented!()
    }

    /// When [`Engine::advance`] has something to do at the earliest, if nothing else happens.
    pub fn next_wake(&self, _now: Millis) -> Option<Millis> {
        unimplemented!()
    }

    /// What the body must do after this event was applied and is durable.
    pub fn effects(&self, _event: &Event) -> Vec<Effect> {
        unimplemented!()
    }

    /// What the body must do for an instance whose agent has just said hello and holds `held`: start what was placed
    /// there and is not held, stop what must stop, acknowledge what is over already, end it where it should be gone.
    pub fn reconcile(&self, _instance: &InstanceId, _held: &[AttemptId]) -> Vec<Effect> {
        unimplemented!()
    }

    /// Instances that ought to have an agent, with what the body needs to look for it.
    pub fn instances(&self) -> Vec<crate::model::Instance> {
        unimplemented!()
    }

    /// Notes what a running attempt uses. Not an event: it is not kept over a restart.
    pub fn note_usage(&mut self, _attempt: &AttemptId, _usage: Usage) {
        unimplemented!()
    }

    /// Checks the invariants; for tests and simulation.
    pub fn check(&self) -> Result<(), Violation> {
        unimplemented!()
    }

    // Views, in the shapes of `model`, with our own members filled in.

    pub fn job_queues(&self) -> Vec<JobQueue> {
        unimplemented!()
    }
    pub fn compute_environments(&self) -> Vec<ComputeEnvironment> {
        unimplemented!()
    }
    pub fn job_definitions(&self) -> Vec<JobDefinition> {
        unimplemented!()
    }
    /// Newest first, and the token of the next page.
    pub fn jobs(&self, _filter: &JobFilter) -> Result<(Vec<JobSummary>, Option<String>), Refusal> {
        unimplemented!()
    }
    /// In the order asked; unknown ids are left out.
    pub fn describe_jobs(&self, _ids: &[JobId]) -> Vec<JobDetail> {
        unimplemented!()
    }
    pub fn schedules(&self) -> Vec<Schedule> {
        unimplemented!()
    }
    pub fn schedule_runs(&self, _group: &str, _name: &str) -> Vec<ScheduleRun> {
        unimplemented!()
    }
    /// Newest first.
    pub fn audit(&self, _limit: usize) -> Vec<AuditEntry> {
        unimplemented!()
    }
    pub fn job_count(&self) -> u64 {
        unimplemented!()
    }
    /// The rows that these events have changed, as they are now, each once. Children of arrays are rows too.
    pub fn changes(&self, _events: &[Event]) -> Vec<What> {
        unimplemented!()
    }
    /// The row of one job, for usage updates.
    pub fn job_summary(&self, _id: &JobId) -> Option<JobSummary> {
        unimplemented!()
    }
}
