//! What stands behind the console: the [`Backend`] trait, with the local engine and the real AWS Batch as its
//! implementations.

pub mod aws;
mod event_record;
pub mod gather;
pub mod local;
pub mod log_search;
mod masks;
pub mod replace;
pub mod scripted;
pub mod several;
#[cfg(test)]
mod stub;

use crate::model::watch::{SaveWatch, Watch};
use crate::model::{
    AuditEntry, CapacityOverTime, Change, CommandRun, ComputeEnvironment, ConsumableResource, CostQuery, CostReport,
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, Cursor, DeadLetter, EngineStatus, EventLine,
    FilterLogEvents, FilteredLogEvents, GetLogEvents, HoldTarget, InstanceId, JobDefinition, JobDetail, JobId,
    JobQueue, JobQueueSnapshot, JobStatus, JobSummary, LinesOverTime, LogPage, LogPattern, Millis, MoveTo,
    ObservedRuns, RegisterJobDefinitionRequest, RegisterJobDefinitionResponse, Scaling, Schedule, ScheduleGroup,
    ScheduleRun, SchedulingPolicy, SubmitJobRequest, SubmitJobResponse, SubmitServiceJobRequest, Throughput,
    UpdateComputeEnvironmentRequest, UpdateJobQueueRequest, UpdateSchedulingPolicyRequest, UsageOverTime,
};
use async_trait::async_trait;
use futures::stream::BoxStream;
use log_search::{SearchLog, Searched};
use std::collections::BTreeMap;

/// Everything the console and the verbs ask of a world of batch jobs.
///
/// Calls return what the service says, in the service's shapes. A call that the backend has no way to carry out answers
/// [`BackendError::Unsupported`], and [`Backend::capabilities`] says so beforehand.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// What this backend can do, known without asking it.
    fn capabilities(&self) -> Capabilities;
    /// The region that it works in, where that says where one is.
    fn region(&self) -> Option<String> {
        None
    }

    /// When this world was recorded, where it is a recording and no service.
    fn recorded_at(&self) -> Option<Millis> {
        None
    }

    /// All queues, with counts by state where the backend knows them.
    async fn job_queues(&self) -> Result<Vec<JobQueue>, BackendError>;
    /// All queues, without counts where those would cost calls.
    async fn queues_alone(&self) -> Result<Vec<JobQueue>, BackendError> {
        self.job_queues().await
    }
    async fn create_job_queue(&self, request: CreateJobQueueRequest) -> Result<(), BackendError>;
    async fn update_job_queue(&self, request: UpdateJobQueueRequest, why: Why) -> Result<(), BackendError>;
    /// Deletes a DISABLED queue; its jobs end.
    async fn delete_job_queue(&self, name: &str, why: Why) -> Result<(), BackendError>;

    /// All compute environments, with their instances where the backend knows them.
    async fn compute_environments(&self) -> Result<Vec<ComputeEnvironment>, BackendError>;
    /// All compute environments, without their instances where those would cost calls.
    async fn environments_alone(&self) -> Result<Vec<ComputeEnvironment>, BackendError> {
        self.compute_environments().await
    }
    async fn create_compute_environment(&self, request: CreateComputeEnvironmentRequest) -> Result<(), BackendError>;
    async fn update_compute_environment(
        &self,
        request: UpdateComputeEnvironmentRequest,
        why: Why,
    ) -> Result<(), BackendError>;

    /// Deletes a DISABLED environment that no queue uses.
    async fn delete_compute_environment(&self, name: &str, why: Why) -> Result<(), BackendError>;
    /// Adds tags to a resource; a key that it has gets the new value.
    async fn tag_resource(&self, arn: &str, tags: BTreeMap<String, String>, why: Why) -> Result<(), BackendError>;

    /// How instances came and went and why, of one environment or of all: newest first. On AWS it is what this program
    /// has seen.
    async fn scaling(&self, environment: Option<&str>) -> Result<Vec<Scaling>, BackendError>;
    /// How an environment's capacity went, minute by minute. On AWS it is what this program has seen.
    async fn capacity_over_time(&self, _environment: &str) -> Result<CapacityOverTime, BackendError> {
        Ok(CapacityOverTime::default())
    }
    /// Takes an instance away as Spot does: with a notice of two minutes, or `at_once`. What runs on it then ends with
    /// `Host EC2 (instance …) terminated.`, and is tried again as its retry strategy says. AWS Batch has no such call.
    async fn interrupt_instance(&self, instance: &InstanceId, at_once: bool, why: Why) -> Result<(), BackendError>;

    /// One page of the revisions; `active_only` leaves INACTIVE ones out.
    async fn job_definitions(&self, active_only: bool) -> Result<Vec<JobDefinition>, BackendError>;
    async fn register_job_definition(
        &self,
        request: RegisterJobDefinitionRequest,
    ) -> Result<RegisterJobDefinitionResponse, BackendError>;

    /// One page of jobs, newest first.
    async fn jobs(&self, query: JobQuery) -> Result<Page<JobSummary>, BackendError>;
    /// All of each job; unknown ids are left out. Any number of ids: the backend asks in batches of 100.
    async fn describe_jobs(&self, ids: &[JobId]) -> Result<Vec<JobDetail>, BackendError>;
    async fn submit_job(&self, request: SubmitJobRequest) -> Result<SubmitJobResponse, BackendError>;
    /// Hands a request to the service that a queue is for.
    async fn submit_service_job(&self, _request: SubmitServiceJobRequest) -> Result<SubmitJobResponse, BackendError> {
        Err(BackendError::Unsupported {
            action: "submitting a service job",
            backend: self.capabilities().name,
            instead: "submit it in a context of AWS",
        })
    }
    /// `CancelJob`: ends a job that has not started; a job that has is left alone, without an error.
    async fn cancel_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError>;
    /// `TerminateJob`: ends a job in any state.
    async fn terminate_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError>;
    /// Moves a waiting job by its priority (0 to 9999, larger first). AWS has no such call for container jobs.
    async fn reprioritise_job(&self, id: &JobId, priority: i32, why: Why) -> Result<(), BackendError>;

    /// Holds back a waiting job or a whole queue: it is passed over until it is released. AWS has no such call.
    async fn hold(&self, target: &HoldTarget, why: Why) -> Result<(), BackendError>;
    async fn release(&self, target: &HoldTarget, why: Why) -> Result<(), BackendError>;
    /// Moves a waiting job to the front, or to another queue with its id and those who wait for it. AWS has no such call.
    async fn move_job(&self, id: &JobId, to: MoveTo, why: Why) -> Result<(), BackendError>;
    /// The first 100 RUNNABLE jobs of a queue in the order in which they are placed, and what it uses.
    async fn queue_snapshot(&self, queue: &str) -> Result<JobQueueSnapshot, BackendError>;

    /// How the jobs of queues are ordered that name this policy.
    async fn scheduling_policy(&self, arn: &str) -> Result<SchedulingPolicy, BackendError>;
    /// Takes the policy that is given in place of the one of now.
    async fn update_scheduling_policy(
        &self,
        request: UpdateSchedulingPolicyRequest,
        why: Why,
    ) -> Result<(), BackendError>;

    /// How much of a consumable resource there is, and how much of it is free.
    async fn consumable_resource(&self, name: &str) -> Result<ConsumableResource, BackendError> {
        Err(BackendError::NotFound { what: format!("consumable resource {name}") })
    }

    /// One page of a log stream: without a token its last lines, or with `start_from_head` its first. The page's tokens
    /// read on and back from it; a token that comes back as it was sent marks the last or the first line. A page may be
    /// short, and even empty, before. A stream that does not exist yet is [`BackendError::NotFound`].
    async fn log_events(&self, request: GetLogEvents) -> Result<LogPage, BackendError>;
    /// The page after `request.next_token` (a forward token; `None` is the first line) as soon as there are lines in
    /// it; a stream that does not exist yet is waited for. A log is followed by asking for one after the other.
    async fn next_log_page(&self, request: GetLogEvents) -> Result<LogPage, BackendError>;
    /// How many lines of a stream stand between two of its tokens (0 where `to` is before `from`; no `from` is the first
    /// line); `None` where the service has no way to tell but to read them all.
    async fn lines_between(
        &self,
        _group: Option<&str>,
        _stream: &str,
        _from: Option<&str>,
        _to: &str,
    ) -> Result<Option<u64>, BackendError> {
        Ok(None)
    }

    /// When all lines of a stream were written that a pattern takes; `None` where the service has no way to tell but to
    /// read them all.
    async fn lines_over_time(
        &self,
        _group: Option<&str>,
        _stream: &str,
        _since: Option<Millis>,
        _keep: Option<&LogPattern>,
        _spans: usize,
    ) -> Result<Option<LinesOverTime>, BackendError> {
        Ok(None)
    }

    /// One page of the lines of several streams of one group, by time. A stream that does not exist yet is
    /// [`BackendError::NotFound`], whichever of them it is.
    async fn filter_log_events(&self, request: FilterLogEvents) -> Result<FilteredLogEvents, BackendError>;
    /// Waits until it is worth another look at what nobody tells of by itself.
    async fn until_next_look(&self) {
        let pause = if self.capabilities().pushes_changes { 500 } else { 3_000 };
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
    }
    /// Looks through one stretch of a stream; [`Searched::to`] goes on from there.
    async fn search_log(&self, search: SearchLog) -> Result<Searched, BackendError> {
        log_search::search(self, search).await
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, BackendError>;
    /// What submits jobs and stands beside the schedules, to be read alone: classic rules of `EventBridge`.
    async fn rules(&self) -> Result<Vec<Schedule>, BackendError> {
        Ok(Vec::new())
    }
    async fn create_schedule(&self, schedule: Schedule) -> Result<(), BackendError>;
    /// Replaces the schedule of the same group and name, as AWS's `UpdateSchedule` does.
    async fn update_schedule(&self, schedule: Schedule) -> Result<(), BackendError>;
    async fn delete_schedule(&self, group: &str, name: &str) -> Result<(), BackendError>;
    /// Submits the schedule's job now, whatever its state.
    async fn run_schedule(&self, group: &str, name: &str) -> Result<SubmitJobResponse, BackendError>;
    /// Past firings, newest first.
    async fn schedule_runs(&self, group: &str, name: &str) -> Result<Vec<ScheduleRun>, BackendError>;

    /// The last `limit` actions, newest first.
    async fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, BackendError>;
    /// Puts a command of an operator's own, which has run, on the record.
    async fn record_run(&self, run: CommandRun) -> Result<(), BackendError>;

    /// An estimate of what was spent.
    async fn costs(&self, query: CostQuery) -> Result<CostReport, BackendError>;
    /// What was observed of a definition's runs, or of all, by name and revision.
    async fn observed_runs(&self, definition: Option<&str>) -> Result<Vec<ObservedRuns>, BackendError>;

    /// What a job has used over time, as far as it is kept somewhere.
    async fn usage_over_time(&self, _job: &JobDetail) -> Result<UsageOverTime, BackendError> {
        Err(BackendError::Unsupported {
            action: "telling what a job used over time",
            backend: self.capabilities().name,
            instead: "its own figures are beside the job",
        })
    }

    /// Changes from `cursor` on. The first item is [`What::Reset`](crate::model::What::Reset) where the watcher must
    /// read everything first: with no cursor, or one that is too old. The stream ends when the connection does; call
    /// again with the last cursor.
    async fn watch(
        &self,
        cursor: Option<Cursor>,
    ) -> Result<BoxStream<'static, Result<Change, BackendError>>, BackendError>;

    /// All schedule groups.
    async fn schedule_groups(&self) -> Result<Vec<ScheduleGroup>, BackendError>;
    async fn create_schedule_group(&self, name: &str) -> Result<(), BackendError>;
    /// Deletes a group with its schedules.
    async fn delete_schedule_group(&self, name: &str) -> Result<(), BackendError>;
    /// Firings of schedules that came to nothing, newest first.
    async fn dead_letters(&self, _limit: usize) -> Result<Vec<DeadLetter>, BackendError> {
        Err(no_dead_letters())
    }
    async fn clear_dead_letters(&self) -> Result<(), BackendError> {
        Err(no_dead_letters())
    }

    /// What started and ended since a time, by the minute, as far as a record of it is kept.
    async fn throughput(&self, _since: Millis) -> Result<Throughput, BackendError> {
        Err(BackendError::Unsupported {
            action: "reading what ended minute by minute",
            backend: "aws",
            instead: "look at the jobs that are listed still",
        })
    }

    /// What Batch tells EventBridge, from a cursor on; with `follow` it goes on with what comes. AWS has no call for it: there
    /// it is what the times of jobs tell and what was seen between two polls.
    async fn events(
        &self,
        _cursor: Option<u64>,
        _follow: bool,
    ) -> Result<BoxStream<'static, Result<EventLine, BackendError>>, BackendError> {
        Err(BackendError::Unsupported {
            action: "telling events",
            backend: self.capabilities().name,
            instead: "ask in one context at a time",
        })
    }

    /// What is watched for while nobody looks, and what of it has come true.
    async fn watches(&self) -> Result<Vec<Watch>, BackendError> {
        Err(no_watches())
    }
    /// Makes a watch, or changes the one of the id that is given; answers how it stands.
    async fn save_watch(&self, _save: SaveWatch) -> Result<Watch, BackendError> {
        Err(no_watches())
    }
    async fn remove_watch(&self, _id: &str) -> Result<(), BackendError> {
        Err(no_watches())
    }
    /// What has fired is taken note of: of one watch, or of all.
    async fn acknowledge_watch(&self, _id: Option<&str>) -> Result<(), BackendError> {
        Err(no_watches())
    }

    /// The device of which a code is asked for before anything can be called.
    fn code_wanted(&self) -> Option<String> {
        None
    }

    /// Takes a code of that device.
    async fn give_code(&self, _code: &str) -> Result<(), BackendError> {
        Err(BackendError::Unsupported {
            action: "taking a code",
            backend: self.capabilities().name,
            instead: "nothing asks for one here",
        })
    }

    /// What is polled is polled for these first from now on: an operator looks at the jobs of the queue, and at the
    /// instances of the environment.
    fn look_at(&self, _queue: Option<&str>, _environment: Option<&str>) {}
    /// What is polled is polled at once: an operator wants to see what has come of something.
    fn look_again(&self) {}
    /// What the calls cost, where they are counted.
    fn meter(&self) -> Option<Meter> {
        None
    }

    /// The state of the engine's own process; unsupported on AWS.
    async fn engine_status(&self) -> Result<EngineStatus, BackendError>;
}

fn no_dead_letters() -> BackendError {
    BackendError::Unsupported {
        action: "listing dead letters",
        backend: "aws",
        instead: "read the SQS queue that the schedule names as its dead-letter queue",
    }
}

fn no_watches() -> BackendError {
    BackendError::Unsupported {
        action: "keeping watches",
        backend: "aws",
        instead: "the console keeps them, and looks after them while it runs",
    }
}

/// What a backend can do beyond reading, submitting, cancelling and terminating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent ability")]
pub struct Capabilities {
    /// "local" or "aws": for the header.
    pub name: &'static str,
    pub reprioritise_job: bool,
    /// Holding, releasing and moving what waits.
    pub hold: bool,
    /// Single instances are known, and can be taken away.
    pub instances: bool,
    pub schedules: bool,
    pub audit: bool,
    /// What was spent and what runs have used is known.
    pub costs: bool,
    /// Changes are pushed as they happen. Otherwise they are polled, and the console shows their age; a watch then tells all
    /// rows after a reset, so that nobody has to ask for them besides.
    pub pushes_changes: bool,
    /// It is several contexts as one: names have their context in them.
    pub spans_contexts: bool,
}

/// What a backend with a budget of calls is at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meter {
    /// Calls a second, over the last ten.
    pub per_second: f64,
    /// Calls a second that may be made now: fewer than the budget after the service has asked for fewer.
    pub allowed: f64,
    /// Calls that wait for their turn.
    pub waiting: usize,
    /// How often the service has asked for fewer calls, in the last five minutes.
    pub throttled: usize,
    /// For how long no call goes out, as the service has asked.
    pub closed_for: Millis,
    /// How long the oldest call that is out has had no answer.
    pub unanswered: Millis,
    /// By how much this machine's clock is behind the service's, where a call was refused for it; negative: ahead.
    pub clock_behind: Millis,
    pub read_at: ReadAt,
}

/// When what was read last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadAt {
    /// Queues and environments.
    pub ground: Option<Millis>,
    /// The jobs of each queue.
    pub jobs: BTreeMap<String, Millis>,
    pub schedules: Option<Millis>,
}

/// Why an operator acts: recorded with the action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Why {
    pub reason: Option<String>,
}

/// Which jobs to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobQuery {
    pub scope: JobScope,
    /// Empty means every state.
    pub statuses: Vec<JobStatus>,
    /// A name, or a prefix that ends in `*`, without regard to case.
    pub name: Option<String>,
    /// From an earlier page of the same query.
    pub page_token: Option<String>,
    /// At most so many; `None` leaves it to the backend.
    pub limit: Option<u32>,
}

/// Where to look for jobs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum JobScope {
    /// All queues. Children of arrays are left out, as AWS does.
    #[default]
    Everywhere,
    /// One queue, by name. Children of arrays are left out.
    Queue(String),
    /// The children of one array.
    Array(JobId),
    /// The nodes of one multi-node job.
    Nodes(JobId),
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// Why a backend did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The service refused: its code (`ClientException`, `AccessDeniedException`, …) and its words.
    #[error("{message} ({code})")]
    Refused { code: String, message: String },
    /// What was asked for is not there.
    #[error("{what} was not found")]
    NotFound { what: String },
    /// The backend has no way to do this; `instead` says what an operator can do.
    #[error("{action} is not possible on {backend}: {instead}")]
    Unsupported { action: &'static str, backend: &'static str, instead: &'static str },
    /// A member of a request that this program does not know how to send; it is refused rather than dropped.
    #[error("{member} is not sent by this program: {instead}")]
    NotSent { member: String, instead: &'static str },
    /// The service could not be reached, or the connection broke.
    #[error("{endpoint} cannot be reached: {cause}. {hint}")]
    Unreachable { endpoint: String, cause: String, hint: &'static str },
    /// A call that must not take effect twice was sent, and what has come of it is not known; `next` says what to do.
    #[error("what came of {operation} is not known ({cause}): {next}")]
    Unsure { operation: &'static str, cause: String, next: String },
    /// Of several calls some were made before one failed: what that has led to, and why it ended there.
    #[error("{done}: {cause}")]
    Halfway { done: String, cause: Box<BackendError> },
    /// Calls are being refused for their rate; try again later.
    #[error("the service asks for fewer calls: {message}")]
    Throttled { message: String },
    /// No credentials, or ones that are not valid any more; `renewal` is the command that renews them.
    #[error("AWS credentials: {message}")]
    Credentials { message: String, renewal: Option<String> },
    /// What a context or the environment says of AWS is not sound: its region, an endpoint.
    #[error("AWS settings: {message}")]
    Settings { message: String },
    /// The service answered with something that is not of its API.
    #[error("an answer of {operation} could not be read: {cause}")]
    Malformed { operation: &'static str, cause: String },
}
