//! What is asked of the engine.

use crate::model::watch::{SaveWatch, Watch};
use crate::model::{
    AttemptId, CommandRun, ContainerExit, CreateComputeEnvironmentRequest, CreateConsumableResourceRequest,
    CreateJobQueueRequest, CreateQuotaShareRequest, CreateSchedulingPolicyRequest, CreateServiceEnvironmentRequest,
    InstanceId, JobId, Millis, MoveTo, RegisterJobDefinitionRequest, RegisterJobDefinitionResponse, Schedule,
    SubmitJobRequest, SubmitJobResponse, SubmitServiceJobRequest, UpdateComputeEnvironmentRequest,
    UpdateConsumableResourceRequest, UpdateConsumableResourceResponse, UpdateJobQueueRequest, UpdateQuotaShareRequest,
    UpdateSchedulingPolicyRequest, UpdateServiceEnvironmentRequest, Usage,
};
use std::collections::BTreeMap;

/// One request, from an operator ([`Command::by`] says who) or from the engine's own body.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// `user@host`; recorded with every action.
    pub by: String,
    pub reason: Option<String>,
    pub action: Action,
}

/// What is to be done. Names are AWS's where AWS has the operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    CreateComputeEnvironment(CreateComputeEnvironmentRequest),
    UpdateComputeEnvironment(UpdateComputeEnvironmentRequest),
    DeleteComputeEnvironment {
        name: String,
    },
    CreateJobQueue(CreateJobQueueRequest),
    UpdateJobQueue(UpdateJobQueueRequest),
    DeleteJobQueue {
        name: String,
    },
    RegisterJobDefinition(Box<RegisterJobDefinitionRequest>),
    DeregisterJobDefinition {
        definition: String,
    },
    CreateSchedulingPolicy(CreateSchedulingPolicyRequest),
    UpdateSchedulingPolicy(UpdateSchedulingPolicyRequest),
    DeleteSchedulingPolicy {
        arn: String,
    },
    CreateConsumableResource(CreateConsumableResourceRequest),
    UpdateConsumableResource(UpdateConsumableResourceRequest),
    DeleteConsumableResource {
        name: String,
    },
    CreateServiceEnvironment(CreateServiceEnvironmentRequest),
    UpdateServiceEnvironment(UpdateServiceEnvironmentRequest),
    DeleteServiceEnvironment {
        name: String,
    },
    SubmitServiceJob(Box<SubmitServiceJobRequest>),
    UpdateServiceJob {
        job: JobId,
        priority: i32,
    },
    TerminateServiceJob {
        job: JobId,
        reason: String,
    },
    CreateQuotaShare(Box<CreateQuotaShareRequest>),
    UpdateQuotaShare(Box<UpdateQuotaShareRequest>),
    DeleteQuotaShare {
        arn: String,
    },
    TagResource {
        arn: String,
        tags: BTreeMap<String, String>,
    },
    UntagResource {
        arn: String,
        keys: Vec<String>,
    },
    SubmitJob(Box<SubmitJobRequest>),
    CancelJob {
        job: JobId,
        reason: String,
    },
    TerminateJob {
        job: JobId,
        reason: String,
    },
    /// Ours: moves a waiting job in its queue.
    ReprioritiseJob {
        job: JobId,
        priority: i32,
    },
    /// Ours: a waiting job is passed over until it is released.
    HoldJob {
        job: JobId,
    },
    ReleaseJob {
        job: JobId,
    },
    /// Ours: a waiting job goes to the front, or to another queue with its id and those who wait for it.
    MoveJob {
        job: JobId,
        to: MoveTo,
    },
    /// Ours: nothing of the queue is placed until it is released.
    HoldQueue {
        queue: String,
    },
    ReleaseQueue {
        queue: String,
    },
    CreateSchedule(Box<Schedule>),
    UpdateSchedule(Box<Schedule>),
    DeleteSchedule {
        group: String,
        name: String,
        /// `ClientToken`.
        token: Option<String>,
    },
    CreateScheduleGroup {
        name: String,
        tags: BTreeMap<String, String>,
        token: Option<String>,
    },
    /// Its schedules go with it.
    DeleteScheduleGroup {
        name: String,
        token: Option<String>,
    },
    /// Scheduler's `TagResource` and `UntagResource`: groups alone have tags.
    TagScheduleGroup {
        name: String,
        add: BTreeMap<String, String>,
        remove: Vec<String>,
    },
    /// Ours: forgets all dead letters.
    ClearDeadLetters,
    /// Ours: submits the schedule's job now.
    RunSchedule {
        group: String,
        name: String,
    },

    /// Ours: makes a watch, or changes one.
    SaveWatch(Box<SaveWatch>),
    RemoveWatch {
        id: String,
    },
    /// Ours: what has fired is taken note of, of one watch or of all.
    AcknowledgeWatch {
        id: Option<String>,
    },

    /// Ours: takes an instance away as Spot does, with a notice or at once.
    InterruptInstance {
        instance: InstanceId,
        now: bool,
    },

    /// Ours: a command of an operator's own has run; it is recorded.
    RecordRun(CommandRun),

    /// The engine's process has started: schedules that were missed meanwhile are made up for.
    Resume,
    /// The clock was set back, from this time to now: what is planned is planned anew.
    ClockSetBack {
        from: Millis,
    },
    /// An agent has said hello with everything it holds; what it does not hold of what was placed on it is started anew.
    InstanceRegistered {
        instance: InstanceId,
        pid: u32,
    },
    /// An agent is gone for good and its processes with it.
    InstanceLost {
        instance: InstanceId,
        cause: String,
    },
    AttemptStarted {
        attempt: AttemptId,
        at: Millis,
        /// Where other nodes of its job reach it.
        address: Option<String>,
    },
    AttemptExited {
        attempt: AttemptId,
        exit: Outcome,
    },
}

/// How an attempt ended, as its agent reports it.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outcome {
    pub at: Millis,
    pub started_at: Option<Millis>,
    /// 128 + N for a death by signal N; `None` when it never started.
    pub code: Option<i32>,
    /// `container.reason`.
    pub reason: Option<String>,
    pub timed_out: bool,
    pub usage: Option<Usage>,
    /// Of each container of the task.
    pub containers: Vec<ContainerExit>,
}

/// What an accepted command answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Done,
    /// ARN and name.
    Created {
        arn: String,
        name: String,
    },
    Registered(RegisterJobDefinitionResponse),
    Consumable(UpdateConsumableResourceResponse),
    Submitted(SubmitJobResponse),
    Watch(Box<Watch>),
}

/// Why a command is refused: AWS's code, and a message that names the field, what it got and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Batch's `ClientException`: everything that the caller can mend.
    #[error("{0}")]
    Client(String),
    /// Batch's `ClientException` for what a change that is not over stands in the way of, until then.
    #[error("{message}")]
    Modified { message: String, until: Millis },
    /// Scheduler's `ResourceNotFoundException`.
    #[error("{0}")]
    NotFound(String),
    /// Scheduler's `ConflictException`.
    #[error("{0}")]
    Conflict(String),
    /// Scheduler's `ValidationException`.
    #[error("{0}")]
    Validation(String),
}
