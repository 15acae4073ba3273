//! Actions that an operator has confirmed: calls that are made one after the other, and what came of each.

use crate::backend::replace::replace;
use crate::backend::{Backend, BackendError, Why};
use crate::model::{
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, HoldTarget, InstanceId, JobId, MoveTo,
    RegisterJobDefinitionRequest, Replacement, Schedule, SubmitJobRequest, UpdateComputeEnvironmentRequest,
    UpdateJobQueueRequest, UpdateSchedulingPolicyRequest, name_of,
};
use crate::triage::replace::Changes;

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
