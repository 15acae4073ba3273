//! What the console asks of the backend, and what comes back.

use crate::backend::gather::{self, failed_jobs, gather, lineage};
use crate::backend::replace::replace;
use crate::backend::{Backend, BackendError, JobQuery, Page, Why};
use crate::config::kept::{KeptError, Note};
use crate::config::theme::{Theme, ThemeError};
use crate::model::{
    AuditEntry, Change, ComputeEnvironment, CostQuery, CostReport, CreateComputeEnvironmentRequest,
    CreateJobQueueRequest, Happened, HoldTarget, InstanceId, JobDefinition, JobDetail, JobId, JobQueue, JobSummary,
    Lineage, Millis, MoveTo, Prices, RegisterJobDefinitionRequest, Replacement, Scaling, Schedule, ScheduleRun,
    SchedulingPolicy, Subject, SubmitJobRequest, UpdateComputeEnvironmentRequest, UpdateJobQueueRequest,
    UpdateSchedulingPolicyRequest, UsageOverTime, name_of,
};
use crate::triage::failures::{Failures, group};
use crate::triage::fit::{Fit, weigh};
use crate::triage::lineage::{Tree, tree};
use crate::triage::pulse::{self, Pulse};
use crate::triage::replace::Changes;
use crate::triage::why::{Diagnosis, diagnose};
use crate::tui::hand_on::{self, HandError, Written};
use crate::tui::handover::{self, Handover};
use crate::tui::log_reading::{self, LogRead, ReadLog};
use futures::StreamExt;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Which request an answer belongs to. Later requests have larger ids.
pub type RequestId = u64;

/// One thing to do outside of the console's own state.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub id: RequestId,
    pub ask: Ask,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    Queues,
    Environments,
    Definitions,
    Schedules,
    Audit,
    Scaling,
    /// A page of the jobs of one set of states; the set is the console's own mark.
    Jobs {
        set: usize,
        query: JobQuery,
    },
    /// A page of the jobs among which a filter's are looked for.
    Search(JobQuery),
    Children {
        parent: JobId,
        query: JobQuery,
    },
    Describe(Vec<JobId>),
    /// What has become of jobs whose end was accepted.
    Verify(Vec<JobId>),
    Runs {
        group: String,
        name: String,
    },
    /// A diagnosis; with the time of the asking, which is the age of what it rests on.
    Why {
        subject: Subject,
        at: Millis,
    },
    /// What failed since a time; with the time of the asking.
    Failures {
        since: Millis,
        at: Millis,
    },
    /// What a job depends on and what depends on it; with the time of the asking.
    Tree {
        job: JobId,
        at: Millis,
    },
    /// What ended of late, and what changed; with the time of the asking.
    Pulse {
        at: Millis,
    },
    /// What a job has used over time.
    Usage(Box<JobDetail>),
    /// What Batch has told `EventBridge` since a cursor.
    Events {
        after: Option<u64>,
    },
    /// What was spent.
    Costs(CostQuery),
    /// What runs have used against what they ask for.
    Fits,
    /// The details of jobs that are to be run again.
    ForRerun(Vec<JobId>),
    /// A job that is to be replaced, with what depends on it; with the time of the asking.
    ForReplace {
        job: JobId,
        at: Millis,
    },
    /// The policy in which a share is to weigh something else.
    Policy {
        arn: String,
        share: String,
    },
    /// A part of a log stream. One that waits takes the place of the one before.
    Log(ReadLog),
    /// No lines are waited for any more.
    StopFollowing,
    /// A log is written out for somebody.
    HandOn {
        read: ReadLog,
        to: HandTo,
    },
    /// The terminal is handed to a program with a file, which is gone afterwards.
    RunProgram {
        to: HandTo,
        file: PathBuf,
    },
    /// An operator's action.
    Act(Act),
    Theme(String),
    /// What is polled is polled for this queue and this environment first.
    LookAt(Sight),
    /// What is polled is polled at once.
    LookAgain,
    /// Turn to another context.
    Context(String),
    /// Put a text on the terminal's clipboard.
    Copy(String),
    /// Open an address in `$BROWSER`, where that is set.
    Open(String),
    /// Write a text to a file; without one, the screen as it is shown.
    Save {
        path: PathBuf,
        over: bool,
        text: Option<String>,
    },
    /// Write a bundle for whoever takes over.
    Handover(Box<Handover>),
    /// Hand a text to a program of the person's own, with the terminal.
    Hand {
        program: Program,
        /// What the file is called that it comes in.
        name: String,
        text: String,
    },
    /// Run a command of the person's own, with the terminal.
    RunCommand(Box<Run>),
    /// Take the mouse, or leave it to the terminal.
    TakeMouse(bool),
    /// Keep something over restarts.
    Note(Note),
    /// Write every cell of the screen anew.
    Redraw,
    /// Open the stream of changes now, where it waits to be opened again.
    Reconnect,
}

/// The queue and the environment that one looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sight {
    pub queue: Option<String>,
    pub environment: Option<String>,
}

/// A program of the person's own that a text is handed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `$PAGER`, or else `less`.
    Pager,
    /// `$VISUAL` or `$EDITOR`, or else `vi`.
    Editor,
}

/// A command for the shell, which has the terminal while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub title: String,
    /// What the shell is given. No value of a row stands in it: the shell reads them from `variables`.
    pub line: String,
    /// The same with the values, quoted: for a person.
    pub shown: String,
    pub variables: Vec<(String, String)>,
    /// Whether what it has written stays on the terminal until Enter.
    pub pauses: bool,
}

/// Where what was shown has been written to.
pub type Saved = Result<PathBuf, SaveError>;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("{} is there already; end the line in ` !` to write over it", path.display())]
    Exists { path: PathBuf },
    #[error("{} cannot be written: {cause}", path.display())]
    Unwritable { path: PathBuf, cause: io::Error },
}

/// Who is to have a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandTo {
    File(String),
    /// A line for the shell that reads it.
    Command(String),
    Program(Program),
}

/// An action that an operator has confirmed: calls that are made one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// What it is, while it is being done and where it fails: `terminate resize-4711`.
    pub title: String,
    /// What has been done, where all went well.
    pub done: Outline,
    pub steps: Vec<Step>,
    /// Whether a step that fails keeps the later ones from being tried.
    pub in_order: bool,
}

/// What is said of an action that went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outline {
    /// `asked resize-4711 to end`
    Words(String),
    /// `submitted job 83bb6359 of nightly`: the job's id is known afterwards.
    JobOf(String),
}

/// One call that changes the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Cancel { id: JobId, reason: String },
    Terminate { id: JobId, reason: String },
    ReprioritiseJob { id: JobId, priority: i32, why: Why },
    Hold(HoldTarget, Why),
    Release(HoldTarget, Why),
    MoveJob { id: JobId, to: MoveTo, why: Why },
    UpdateQueue(UpdateJobQueueRequest, Why),
    UpdatePolicy(UpdateSchedulingPolicyRequest, Why),
    Replace(Box<Replace>),
    UpdateEnvironment(Box<UpdateComputeEnvironmentRequest>, Why),
    Interrupt { instance: InstanceId, at_once: bool, why: Why },
    Submit(Box<SubmitJobRequest>),
    CreateEnvironment(Box<CreateComputeEnvironmentRequest>),
    CreateQueue(CreateJobQueueRequest),
    RegisterDefinition(Box<RegisterJobDefinitionRequest>),
    CreateSchedule(Box<Schedule>),
    UpdateSchedule(Box<Schedule>),
    DeleteSchedule { group: String, name: String },
    RunSchedule { group: String, name: String },
}

/// Jobs that are cancelled and submitted again in another place, the first of them with these changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Replace {
    pub jobs: Vec<Replacement>,
    pub changes: Changes,
    pub reason: String,
}

/// What comes back.
#[derive(Debug)]
pub enum Answer {
    Queues(Result<Vec<JobQueue>, BackendError>),
    Environments(Result<Vec<ComputeEnvironment>, BackendError>),
    Definitions(Result<Vec<JobDefinition>, BackendError>),
    Schedules(Result<Vec<Schedule>, BackendError>),
    Audit(Result<Vec<AuditEntry>, BackendError>),
    Scaling(Result<Vec<Scaling>, BackendError>),
    Jobs {
        set: usize,
        page: Result<Page<JobSummary>, BackendError>,
    },
    Found(Result<Page<JobSummary>, BackendError>),
    Children {
        parent: JobId,
        page: Result<Page<JobSummary>, BackendError>,
    },
    Described(Result<Vec<JobDetail>, BackendError>),
    Verified {
        asked: Vec<JobId>,
        found: Result<Vec<JobDetail>, BackendError>,
    },
    Runs {
        group: String,
        name: String,
        runs: Result<Vec<ScheduleRun>, BackendError>,
    },
    Why {
        subject: Subject,
        told: Result<Box<Diagnosis>, BackendError>,
    },
    /// Groups, and the rows of the jobs in them.
    Failures(Result<(Box<Failures>, Vec<JobSummary>), BackendError>),
    ForRerun(Result<Vec<JobDetail>, BackendError>),
    Usage {
        job: JobId,
        told: Result<UsageOverTime, BackendError>,
    },
    ForReplace {
        job: JobId,
        read: Result<Lineage, BackendError>,
    },
    Policy {
        share: String,
        found: Result<SchedulingPolicy, BackendError>,
    },
    Pulse(Box<Pulse>),
    Events(Result<Heard, BackendError>),
    Costs(Result<Box<CostReport>, BackendError>),
    Fits(Result<Vec<Fit>, BackendError>),
    /// The tree, and the jobs in it.
    Tree {
        job: JobId,
        told: Result<(Box<Tree>, Vec<JobDetail>), BackendError>,
    },
    Log(Result<LogRead, BackendError>),
    Handed {
        to: HandTo,
        written: Result<Written, HandError>,
    },
    Done(Outcome),
    /// An action that is not over yet.
    Progress(Progress),
    Theme(Result<Theme, ThemeError>),
    Saved(Saved),
    /// A bundle, and where it is to go.
    Bundle(handover::To, String),
    /// Why something could not be kept over restarts.
    NotKept(KeptError),
}

/// What came of an [`Act`].
#[derive(Debug)]
pub struct Outcome {
    /// What was done, or what was to be done where not all of it was.
    pub title: String,
    /// One for each step that was tried: what it led to, for a person (empty: nothing to add), or why it failed.
    pub results: Vec<Result<String, BackendError>>,
    /// What each of them was about: a job, a queue, an environment.
    pub targets: Vec<String>,
    /// The ids of jobs that were submitted.
    pub submitted: Vec<JobId>,
    /// The jobs whose end was accepted.
    pub stopped: Vec<Stopped>,
    /// The changes of queues and environments that were accepted.
    pub changed: Vec<Changed>,
    /// The calls that were refused, or not tried after one that was.
    pub left: Option<Act>,
}

/// A change that a service has accepted: it takes its time to come into effect.
#[derive(Debug, Clone, PartialEq)]
pub enum Changed {
    Queue(UpdateJobQueueRequest),
    Environment(Box<UpdateComputeEnvironmentRequest>),
}

/// How far an [`Act`] of many calls is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    pub done: usize,
    pub refused: usize,
}

/// A job whose end the backend has accepted: whether it took is seen later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    pub id: JobId,
    /// By `CancelJob`, which leaves alone what has started; otherwise by `TerminateJob`.
    pub by_cancel: bool,
}

/// What the console hears from outside.
#[derive(Debug)]
pub enum Message {
    Answer {
        id: RequestId,
        answer: Answer,
    },
    /// The stream of changes is open.
    WatchOpened,
    Change(Change),
    /// The stream of changes broke; it is opened again in a while.
    WatchBroke {
        error: BackendError,
        again_in: Millis,
    },
    /// The theme file changed on disk.
    ThemeFile(Result<Theme, ThemeError>),
}

/// How many actions of the record are read.
const AUDIT_LIMIT: usize = 500;

/// Writes a file that its owner alone can read: what is shown may hold secrets.
pub fn save(path: PathBuf, over: bool, text: &str) -> Saved {
    let file = File::options().write(true).create(true).truncate(true).create_new(!over).mode(0o600).open(&path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(path),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Err(SaveError::Exists { path }),
        Err(cause) => Err(SaveError::Unwritable { path, cause }),
    }
}

/// Carries out one request that has one answer. What concerns the console itself and its terminal has none.
pub async fn perform(backend: &dyn Backend, themes: Option<&Path>, ask: Ask) -> Option<Answer> {
    Some(match ask {
        Ask::Queues => Answer::Queues(backend.job_queues().await),
        Ask::Environments => Answer::Environments(backend.compute_environments().await),
        Ask::Definitions => Answer::Definitions(backend.job_definitions(false).await),
        Ask::Schedules => Answer::Schedules(backend.schedules().await),
        Ask::Audit => Answer::Audit(backend.audit(AUDIT_LIMIT).await),
        Ask::Scaling => Answer::Scaling(backend.scaling(None).await),
        Ask::Jobs { set, query } => Answer::Jobs { set, page: backend.jobs(query).await },
        Ask::Search(query) => Answer::Found(backend.jobs(query).await),
        Ask::Children { parent, query } => Answer::Children { parent, page: backend.jobs(query).await },
        Ask::Describe(ids) => Answer::Described(backend.describe_jobs(&ids).await),
        Ask::Verify(asked) => {
            let found = backend.describe_jobs(&asked).await;
            Answer::Verified { asked, found }
        }
        Ask::Runs { group, name } => {
            let runs = backend.schedule_runs(&group, &name).await;
            Answer::Runs { group, name, runs }
        }
        Ask::Why { subject, at } => {
            let evidence = gather(backend, subject.clone(), &move || at).await;
            Answer::Why { subject, told: evidence.map(|evidence| Box::new(diagnose(&evidence))) }
        }
        Ask::Failures { since, at } => Answer::Failures(failed_jobs(backend, None, since, at).await.map(|read| {
            let groups = Box::new(group(&read));
            (groups, read.jobs.into_iter().map(|failed| failed.job).collect())
        })),
        Ask::Tree { job, at } => {
            let read = lineage(backend, &job, at).await;
            Answer::Tree { job, told: read.map(|read| (Box::new(tree(&read)), read.jobs)) }
        }
        Ask::Events { after } => Answer::Events(events(backend, after).await),
        Ask::Costs(query) => Answer::Costs(backend.costs(query).await.map(Box::new)),
        Ask::Fits => Answer::Fits(fits(backend).await),
        Ask::Pulse { at } => Answer::Pulse(Box::new(pulse::pulse(&gather::pulse(backend, at).await))),
        Ask::Usage(job) => {
            let told = backend.usage_over_time(&job).await;
            Answer::Usage { job: job.job_id, told }
        }
        Ask::ForRerun(ids) => Answer::ForRerun(backend.describe_jobs(&ids).await),
        Ask::ForReplace { job, at } => {
            let read = lineage(backend, &job, at).await;
            Answer::ForReplace { job, read }
        }
        Ask::Policy { arn, share } => Answer::Policy { share, found: backend.scheduling_policy(&arn).await },
        Ask::Act(act) => Answer::Done(carry_out(backend, act, &|_| {}).await),
        Ask::Theme(name) => Answer::Theme(Theme::load(themes, &name)),
        Ask::Log(ask) => Answer::Log(log_reading::read(backend, ask).await),
        Ask::HandOn { read, to } => {
            let written = hand_on::write(backend, read, &to).await;
            Answer::Handed { to, written }
        }
        Ask::Handover(handover) => {
            let (to, text) = handover::bundle(backend, *handover).await;
            Answer::Bundle(to, text)
        }
        Ask::LookAt(Sight { queue, environment }) => {
            backend.look_at(queue.as_deref(), environment.as_deref());
            return None;
        }
        Ask::LookAgain => {
            backend.look_again();
            return None;
        }
        Ask::Context(_)
        | Ask::StopFollowing
        | Ask::Redraw
        | Ask::Reconnect
        | Ask::Copy(_)
        | Ask::Open(_)
        | Ask::Save { .. }
        | Ask::Hand { .. }
        | Ask::RunProgram { .. }
        | Ask::RunCommand(_)
        | Ask::TakeMouse(_)
        | Ask::Note(_) => return None,
    })
}

/// What was told since a cursor.
#[derive(Debug, Default)]
pub struct Heard {
    /// Oldest first, and the last of them where they are many.
    pub happened: VecDeque<Happened>,
    /// Where to go on.
    pub cursor: Option<u64>,
    /// There was more than is known any more, or than is held.
    pub missed: bool,
}

/// Events that are held.
pub const EVENTS_HELD: usize = 2_000;

async fn events(backend: &dyn Backend, after: Option<u64>) -> Result<Heard, BackendError> {
    let mut lines = backend.events(after, false).await?;
    let mut heard = Heard { cursor: after, ..Heard::default() };
    while let Some(line) = lines.next().await {
        let line = line?;
        heard.cursor = Some(line.cursor);
        let Some(happened) = line.happened() else {
            heard.missed = true;
            continue;
        };
        heard.happened.push_back(happened);
        if heard.happened.len() > EVENTS_HELD {
            heard.happened.pop_front();
            heard.missed = true;
        }
    }
    Ok(heard)
}

/// Each revision that has run, weighed by its runs. Verdicts do not hang on prices, and no prices are shown.
async fn fits(backend: &dyn Backend) -> Result<Vec<Fit>, BackendError> {
    let runs = backend.observed_runs(None).await?;
    let definitions = backend.job_definitions(false).await?;
    let prices = Prices::default();
    let of = |runs: &crate::model::ObservedRuns| {
        let is_it = |known: &&JobDefinition| {
            known.job_definition_name == runs.job_definition_name && known.revision == runs.revision
        };
        definitions.iter().find(is_it)
    };
    Ok(runs.iter().filter_map(|runs| Some(weigh(of(runs)?, runs, &prices))).collect())
}

impl Step {
    /// The call's name: AWS's, where it is one of AWS's.
    pub fn call(&self) -> &'static str {
        match self {
            Self::Cancel { .. } => "CancelJob",
            Self::Terminate { .. } => "TerminateJob",
            Self::ReprioritiseJob { .. } => "ReprioritiseJob",
            Self::Hold(..) => "Hold",
            Self::Release(..) => "Release",
            Self::MoveJob { .. } => "MoveJob",
            Self::UpdateQueue(..) => "UpdateJobQueue",
            Self::UpdatePolicy(..) => "UpdateSchedulingPolicy",
            Self::Replace(_) => "CancelJob and SubmitJob",
            Self::UpdateEnvironment(..) => "UpdateComputeEnvironment",
            Self::Interrupt { .. } => "InterruptInstance",
            Self::Submit(_) | Self::RunSchedule { .. } => "SubmitJob",
            Self::CreateEnvironment(_) => "CreateComputeEnvironment",
            Self::CreateQueue(_) => "CreateJobQueue",
            Self::RegisterDefinition(_) => "RegisterJobDefinition",
            Self::CreateSchedule(_) => "CreateSchedule",
            Self::UpdateSchedule(_) => "UpdateSchedule",
            Self::DeleteSchedule { .. } => "DeleteSchedule",
        }
    }

    /// What it is about, for a person.
    fn target(&self) -> String {
        match self {
            Self::Cancel { id, .. }
            | Self::Terminate { id, .. }
            | Self::ReprioritiseJob { id, .. }
            | Self::MoveJob { id, .. }
            | Self::Hold(HoldTarget::Job(id), _)
            | Self::Release(HoldTarget::Job(id), _) => id.short(),
            Self::Hold(HoldTarget::Queue(queue), _) | Self::Release(HoldTarget::Queue(queue), _) => queue.clone(),
            Self::UpdateQueue(request, _) => request.job_queue.clone(),
            Self::UpdatePolicy(request, _) => name_of(&request.arn).to_owned(),
            Self::Replace(replace) => replace.jobs.first().map(|job| job.request.job_name.clone()).unwrap_or_default(),
            Self::UpdateEnvironment(request, _) => request.compute_environment.clone(),
            Self::Interrupt { instance, .. } => instance.to_string(),
            Self::Submit(request) => request.job_name.clone(),
            Self::CreateEnvironment(request) => request.compute_environment_name.clone(),
            Self::CreateQueue(request) => request.job_queue_name.clone(),
            Self::RegisterDefinition(request) => request.job_definition_name.clone(),
            Self::CreateSchedule(schedule) | Self::UpdateSchedule(schedule) => schedule.name.clone(),
            Self::DeleteSchedule { name, .. } | Self::RunSchedule { name, .. } => name.clone(),
        }
    }
}

/// Makes the calls of an action one after the other, and tells after each how far they are.
pub async fn carry_out(backend: &dyn Backend, act: Act, tell: &(dyn Fn(Progress) + Send + Sync)) -> Outcome {
    let mut outcome = Outcome {
        title: act.title,
        results: Vec::new(),
        targets: Vec::new(),
        submitted: Vec::new(),
        stopped: Vec::new(),
        changed: Vec::new(),
        left: None,
    };
    let mut progress = Progress::default();
    let mut left = Vec::new();
    let mut steps = act.steps.into_iter();
    for step in steps.by_ref() {
        outcome.targets.push(step.target());
        let stopped = match &step {
            Step::Cancel { id, .. } => Some(Stopped { id: id.clone(), by_cancel: true }),
            Step::Terminate { id, .. } => Some(Stopped { id: id.clone(), by_cancel: false }),
            _ => None,
        };
        let changed = match &step {
            Step::UpdateQueue(request, _) => Some(Changed::Queue(request.clone())),
            Step::UpdateEnvironment(request, _) => Some(Changed::Environment(request.clone())),
            _ => None,
        };
        let result = take(backend, step.clone(), &mut outcome.submitted).await;
        let failed = result.is_err();
        outcome.results.push(result);
        if failed {
            progress.refused += 1;
            left.push(step);
        } else {
            progress.done += 1;
            outcome.stopped.extend(stopped);
            outcome.changed.extend(changed);
        }
        tell(progress);
        if failed && act.in_order {
            break;
        }
    }
    left.extend(steps);
    outcome.left = (!left.is_empty()).then(|| Act {
        title: format!("{}: what was left", outcome.title),
        done: Outline::Words(format!("{}: the rest is done too", outcome.title)),
        steps: left,
        in_order: act.in_order,
    });
    if outcome.results.iter().all(Result::is_ok) {
        outcome.title = match act.done {
            Outline::Words(words) => words,
            Outline::JobOf(schedule) => {
                let job = outcome.submitted.first().map(JobId::short).unwrap_or_default();
                format!("submitted job {job} of {schedule}")
            }
        };
    }
    outcome
}

async fn take(backend: &dyn Backend, step: Step, submitted: &mut Vec<JobId>) -> Result<String, BackendError> {
    match step {
        Step::Cancel { id, reason } => backend.cancel_job(&id, &reason).await?,
        Step::Terminate { id, reason } => backend.terminate_job(&id, &reason).await?,
        Step::ReprioritiseJob { id, priority, why } => backend.reprioritise_job(&id, priority, why).await?,
        Step::Hold(target, why) => backend.hold(&target, why).await?,
        Step::Release(target, why) => backend.release(&target, why).await?,
        Step::MoveJob { id, to, why } => backend.move_job(&id, to, why).await?,
        Step::UpdateQueue(request, why) => backend.update_job_queue(request, why).await?,
        Step::UpdatePolicy(request, why) => backend.update_scheduling_policy(request, why).await?,
        Step::Replace(step) => {
            let replaced = replace(backend, step.jobs, &step.reason).await?;
            submitted.extend(replaced.iter().map(|one| one.new.clone()));
            let told = replaced.first().map(|one| format!("job {} in place of {}", one.new.short(), one.old.short()));
            return Ok(told.unwrap_or_default());
        }
        Step::UpdateEnvironment(request, why) => backend.update_compute_environment(*request, why).await?,
        Step::Interrupt { instance, at_once, why } => backend.interrupt_instance(&instance, at_once, why).await?,
        Step::Submit(request) => {
            let job = backend.submit_job(*request).await?;
            submitted.push(job.job_id.clone());
            return Ok(format!("job {}", job.job_id.short()));
        }
        Step::CreateEnvironment(request) => backend.create_compute_environment(*request).await?,
        Step::CreateQueue(request) => backend.create_job_queue(request).await?,
        Step::RegisterDefinition(request) => {
            let made = backend.register_job_definition(*request).await?;
            return Ok(format!("{}:{}", made.job_definition_name, made.revision));
        }
        Step::CreateSchedule(schedule) => backend.create_schedule(*schedule).await?,
        Step::UpdateSchedule(schedule) => backend.update_schedule(*schedule).await?,
        Step::DeleteSchedule { group, name } => backend.delete_schedule(&group, &name).await?,
        Step::RunSchedule { group, name } => {
            submitted.push(backend.run_schedule(&group, &name).await?.job_id);
        }
    }
    Ok(String::new())
}
