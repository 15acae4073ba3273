//! What has happened. Events are the journal's rows: they are only ever added to, and old ones are read for ever.
//!
//! A variant's name on disk is written out and never changes. A new member has a default, so that old rows still read.
//! An event says what was decided, not why: replaying it needs no rule that may have changed since.

use super::service::ServiceChange;
use super::state::Policy;
use crate::model::watch::Watch;
use crate::model::{
    AuditEntry, ComputeEnvironmentOrder, ConsumableKind, ContainerExit, ContainerOverrides,
    CreateComputeEnvironmentRequest, DeadLetter, EcsPropertiesOverride, FairsharePolicy, Health, InstanceId,
    JobDefinition, JobDependency, JobId, JobStateTimeLimitAction, JobStatus, Millis, NodeOverrides, QuotaSharePolicy,
    RetryStrategy, Schedule, ScheduleRun, ServiceEnvironmentOrder, Switch, UpdateComputeEnvironmentRequest, Usage,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One thing that has happened, with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all_fields = "camelCase")]
pub enum Event {
    #[serde(rename = "environment-created")]
    EnvironmentCreated {
        at: Millis,
        request: Box<CreateComputeEnvironmentRequest>,
        /// Name of its ECS cluster.
        cluster: String,
        status: Health,
        #[serde(default)]
        status_reason: Option<String>,
    },
    #[serde(rename = "environment-updated")]
    EnvironmentUpdated {
        at: Millis,
        name: String,
        #[serde(default)]
        state: Option<Switch>,
        #[serde(default)]
        minimum: Option<u32>,
        #[serde(default)]
        maximum: Option<u32>,
        #[serde(default)]
        desired: Option<u32>,
        /// What else the request changes; its vCPUs stand above.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more: Option<Box<UpdateComputeEnvironmentRequest>>,
    },
    /// Its instances end; it goes with the last of them.
    #[serde(rename = "environment-deleting")]
    EnvironmentDeleting { at: Millis, name: String },
    #[serde(rename = "environment-deleted")]
    EnvironmentDeleted { at: Millis, name: String },

    #[serde(rename = "queue-created")]
    QueueCreated {
        at: Millis,
        name: String,
        state: Switch,
        priority: i32,
        /// By name, in ascending order.
        environments: Vec<ComputeEnvironmentOrder>,
        #[serde(default)]
        tags: BTreeMap<String, String>,
        /// By name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scheduling_policy: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        time_limits: Vec<JobStateTimeLimitAction>,
        /// By name; of a queue of service jobs, in place of the environments.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        service_environments: Vec<ServiceEnvironmentOrder>,
    },
    #[serde(rename = "queue-updated")]
    QueueUpdated {
        at: Millis,
        name: String,
        #[serde(default)]
        state: Option<Switch>,
        #[serde(default)]
        priority: Option<i32>,
        #[serde(default)]
        environments: Option<Vec<ComputeEnvironmentOrder>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scheduling_policy: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_limits: Option<Vec<JobStateTimeLimitAction>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service_environments: Option<Vec<ServiceEnvironmentOrder>>,
    },
    /// None of its jobs is placed until it is released.
    #[serde(rename = "queue-held")]
    QueueHeld { at: Millis, name: String },
    #[serde(rename = "queue-released")]
    QueueReleased { at: Millis, name: String },
    /// Its jobs are ended; it goes with the last of them.
    #[serde(rename = "queue-deleting")]
    QueueDeleting { at: Millis, name: String },
    #[serde(rename = "queue-deleted")]
    QueueDeleted { at: Millis, name: String },

    /// A change of a queue or an environment has begun, of `KIND/NAME`: until when it is seen, and what it comes to.
    #[serde(rename = "settling")]
    Settling { at: Millis, resource: String, until: Millis, from: Health, to: Health },
    #[serde(rename = "settled")]
    Settled { at: Millis, resource: String },

    /// `resource` is `KIND/NAME`, as in its ARN.
    #[serde(rename = "tagged")]
    Tagged { at: Millis, resource: String, tags: BTreeMap<String, String> },
    #[serde(rename = "untagged")]
    Untagged { at: Millis, resource: String, keys: Vec<String> },

    #[serde(rename = "service-changed")]
    ServiceChanged { at: Millis, change: Box<ServiceChange> },

    #[serde(rename = "policy-created")]
    PolicyCreated { at: Millis, name: String, policy: Policy },
    /// What is not given stays as it is.
    #[serde(rename = "policy-updated")]
    PolicyUpdated {
        at: Millis,
        name: String,
        #[serde(default)]
        fairshare: Option<FairsharePolicy>,
        #[serde(default)]
        quota_share: Option<QuotaSharePolicy>,
    },
    #[serde(rename = "policy-deleted")]
    PolicyDeleted { at: Millis, name: String },

    #[serde(rename = "consumable-created")]
    ConsumableCreated {
        at: Millis,
        name: String,
        total: u64,
        kind: ConsumableKind,
        #[serde(default)]
        tags: BTreeMap<String, String>,
    },
    #[serde(rename = "consumable-updated")]
    ConsumableUpdated {
        at: Millis,
        name: String,
        total: u64,
        /// The request's token, so that it is known when it comes again.
        #[serde(default)]
        token: Option<String>,
    },
    #[serde(rename = "consumable-deleted")]
    ConsumableDeleted { at: Millis, name: String },

    #[serde(rename = "definition-registered")]
    DefinitionRegistered { at: Millis, definition: Box<JobDefinition> },
    #[serde(rename = "definition-deregistered")]
    DefinitionDeregistered { at: Millis, name: String, revision: u32 },

    #[serde(rename = "job-submitted")]
    JobSubmitted { at: Millis, job: Box<Submission> },
    /// It waits for its dependencies; an array's children wait with it.
    #[serde(rename = "job-pending")]
    JobPending { at: Millis, job: JobId },
    /// It waits for room. Of an array's parent: every child that depends on nothing any more does.
    #[serde(rename = "job-runnable")]
    JobRunnable { at: Millis, job: JobId },
    /// Why the job at the head of its queue cannot be placed; `None`: it can again.
    #[serde(rename = "job-blocked")]
    JobBlocked {
        at: Millis,
        job: JobId,
        #[serde(default)]
        reason: Option<String>,
    },
    /// A cancel or a terminate was accepted. Of an array's parent: it holds for every child that it can still hit.
    #[serde(rename = "job-stop-requested")]
    JobStopRequested { at: Millis, job: JobId, terminate: bool, reason: String },
    /// Of an array's parent: for every child that waits.
    #[serde(rename = "job-reprioritised")]
    JobReprioritised { at: Millis, job: JobId, priority: i32 },
    /// It is passed over until it is released. Of an array's parent: every child that waits.
    #[serde(rename = "job-held")]
    JobHeld { at: Millis, job: JobId },
    /// Of an array's parent: every child that is held.
    #[serde(rename = "job-released")]
    JobReleased { at: Millis, job: JobId },
    /// Of an array's parent: it moves with all of its children, and all that wait go to the front.
    #[serde(rename = "job-moved")]
    JobMoved {
        at: Millis,
        job: JobId,
        /// To this queue.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue: Option<String>,
        /// Its share there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        share: Option<String>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        front: bool,
    },
    /// It ended without an attempt that ran. Of an array's parent: every child that has not ended ends with it.
    #[serde(rename = "job-ended")]
    JobEnded {
        at: Millis,
        job: JobId,
        status: JobStatus,
        #[serde(default)]
        reason: Option<String>,
    },
    /// Finished jobs are forgotten, arrays with their children.
    #[serde(rename = "jobs-forgotten")]
    JobsForgotten { at: Millis, jobs: Vec<JobId> },

    #[serde(rename = "attempt-placed")]
    AttemptPlaced { at: Millis, job: JobId, number: u32, instance: InstanceId, task_id: String },
    /// All nodes of a multi-node job are placed at once, each on an instance of its own.
    #[serde(rename = "nodes-placed")]
    NodesPlaced {
        at: Millis,
        job: JobId,
        number: u32,
        /// By index.
        nodes: Vec<NodePlace>,
    },
    #[serde(rename = "attempt-started")]
    AttemptStarted {
        at: Millis,
        job: JobId,
        number: u32,
        started_at: Millis,
        /// Where other nodes of its job reach it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    },
    #[serde(rename = "attempt-ended")]
    AttemptEnded {
        at: Millis,
        job: JobId,
        number: u32,
        #[serde(default)]
        started_at: Option<Millis>,
        stopped_at: Millis,
        #[serde(default)]
        code: Option<i32>,
        #[serde(default)]
        reason: Option<String>,
        status_reason: String,
        #[serde(default)]
        usage: Option<Usage>,
        verdict: Verdict,
        /// How each container of a task of several ended.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        containers: Vec<ContainerExit>,
    },

    #[serde(rename = "instance-launched")]
    InstanceLaunched {
        at: Millis,
        instance: InstanceId,
        environment: String,
        instance_type: String,
        vcpus_milli: u64,
        memory_mib: u64,
        #[serde(default, skip_serializing_if = "is_none")]
        gpus: u32,
        /// It registers no earlier.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ready_at: Option<Millis>,
        /// When it hears that it is to be interrupted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interrupted_at: Option<Millis>,
        /// Why, for a person.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Its agent is there. It takes jobs once it has booted: then this comes again.
    #[serde(rename = "instance-registered")]
    InstanceRegistered { at: Millis, instance: InstanceId, pid: u32 },
    /// No new job is placed on it.
    #[serde(rename = "instance-draining")]
    InstanceDraining { at: Millis, instance: InstanceId },
    /// A notice: no new job is placed on it, and it is taken away at the time said.
    #[serde(rename = "instance-interrupted")]
    InstanceInterrupted {
        at: Millis,
        instance: InstanceId,
        ends_at: Millis,
        /// It is replaced, as its environment has changed; otherwise Spot takes it back.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        for_update: bool,
    },
    /// It is taken away, whatever runs on it.
    #[serde(rename = "instance-reclaimed")]
    InstanceReclaimed { at: Millis, instance: InstanceId },
    /// So many of its instances in a row were lost before they registered, and nothing is launched until then; without a
    /// time, launches go on.
    #[serde(rename = "environment-paused")]
    EnvironmentPaused {
        at: Millis,
        name: String,
        failures: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Millis>,
    },
    #[serde(rename = "environment-judged")]
    EnvironmentJudged {
        at: Millis,
        name: String,
        status: Health,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Its attempts have ended before this.
    #[serde(rename = "instance-lost")]
    InstanceLost { at: Millis, instance: InstanceId, cause: String },
    /// It was scaled in, empty.
    #[serde(rename = "instance-ended")]
    InstanceEnded {
        at: Millis,
        instance: InstanceId,
        /// Why, for a person.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },

    /// Created or replaced.
    #[serde(rename = "schedule-saved")]
    ScheduleSaved {
        at: Millis,
        schedule: Box<Schedule>,
        /// Its next time.
        #[serde(default)]
        next: Option<Millis>,
        /// The `ClientToken` of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    #[serde(rename = "schedule-deleted")]
    ScheduleDeleted {
        at: Millis,
        group: String,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// It fired, or was tried again; `run` says what came of it.
    #[serde(rename = "schedule-ran")]
    ScheduleRan {
        at: Millis,
        run: ScheduleRun,
        #[serde(default)]
        next: Option<Millis>,
        /// It came to nothing for good.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dead_letter: Option<Box<DeadLetter>>,
    },
    /// Created, or tagged anew.
    #[serde(rename = "schedule-group-saved")]
    ScheduleGroupSaved {
        at: Millis,
        name: String,
        #[serde(default)]
        tags: BTreeMap<String, String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// Its schedules have been deleted before this.
    #[serde(rename = "schedule-group-deleted")]
    ScheduleGroupDeleted {
        at: Millis,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    #[serde(rename = "dead-letters-cleared")]
    DeadLettersCleared { at: Millis },
    /// The clock said `from` before it said `at`.
    #[serde(rename = "clock-set-back")]
    ClockSetBack {
        at: Millis,
        from: Millis,
        /// The next times of schedules, by `group/name`, where they are others now.
        #[serde(default)]
        next: BTreeMap<String, Option<Millis>>,
    },

    /// Made or changed; with how it stands.
    #[serde(rename = "watch-saved")]
    WatchSaved { at: Millis, watch: Box<Watch> },
    #[serde(rename = "watch-removed")]
    WatchRemoved { at: Millis, id: String },
    /// Its condition came true, which was seen by this.
    #[serde(rename = "watch-fired")]
    WatchFired { at: Millis, id: String, why: String },
    /// Its condition does not hold any more: it can fire again.
    #[serde(rename = "watch-cleared")]
    WatchCleared { at: Millis, id: String },
    /// It can fire no more.
    #[serde(rename = "watch-ended")]
    WatchEnded { at: Millis, id: String, why: String },
    /// Someone has taken note of what it fired.
    #[serde(rename = "watch-acknowledged")]
    WatchAcknowledged { at: Millis, id: String },

    #[serde(rename = "audited")]
    Audited { at: Millis, entry: AuditEntry },
}

/// Where a node is placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePlace {
    pub instance: InstanceId,
    pub task_id: String,
}

/// What becomes of a job when an attempt has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    #[serde(rename = "SUCCEEDED")]
    Succeeded,
    #[serde(rename = "FAILED")]
    Failed,
    /// Back to RUNNABLE, at the front of its queue.
    #[serde(rename = "RETRY")]
    Retry,
}

/// A job as it was accepted: names are resolved, sizes are merged, the rest is merged with its definition when needed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Submission {
    pub id: JobId,
    pub name: String,
    pub queue: String,
    pub definition: String,
    pub revision: u32,
    pub created_at: Millis,
    /// Who submitted it.
    pub by: String,
    pub need: Need,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array_size: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<JobDependency>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Box<ContainerOverrides>>,
    /// The job's own; otherwise its definition's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Box<RetryStrategy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// The share that it belongs to, on a fair-share queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Box<str>>,
    /// What it asks for within its share, of its own; otherwise its definition's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_priority: Option<i32>,
    /// What it takes of consumable resources, by their names, each child of an array for itself; nothing is left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub consumables: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What few jobs have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rare: Option<Box<Rare>>,
}

/// What few submissions have, kept apart so that the many stay small.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rare {
    /// Of a multi-node job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<NodeCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_overrides: Option<NodeOverrides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_overrides: Option<EcsPropertiesOverride>,
    /// The job's own; otherwise its definition's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_tags: Option<bool>,
    /// What of its consumables the ranges of its nodes take.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_consumables: BTreeMap<String, u64>,
}

/// How many nodes a multi-node job has, and which of them is the main one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeCount {
    pub count: u32,
    pub main: u32,
}

/// The room that a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Need {
    /// Thousandths of a vCPU.
    pub vcpus_milli: u64,
    pub memory_mib: u64,
    #[serde(skip_serializing_if = "is_none")]
    pub gpus: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(gpus: &u32) -> bool {
    *gpus == 0
}

impl Event {
    /// When it happened.
    pub fn at(&self) -> Millis {
        match self {
            Self::EnvironmentCreated { at, .. }
            | Self::EnvironmentUpdated { at, .. }
            | Self::EnvironmentDeleting { at, .. }
            | Self::EnvironmentDeleted { at, .. }
            | Self::QueueCreated { at, .. }
            | Self::QueueUpdated { at, .. }
            | Self::QueueHeld { at, .. }
            | Self::QueueReleased { at, .. }
            | Self::QueueDeleting { at, .. }
            | Self::QueueDeleted { at, .. }
            | Self::Settling { at, .. }
            | Self::Settled { at, .. }
            | Self::Tagged { at, .. }
            | Self::Untagged { at, .. }
            | Self::ServiceChanged { at, .. }
            | Self::PolicyCreated { at, .. }
            | Self::PolicyUpdated { at, .. }
            | Self::PolicyDeleted { at, .. }
            | Self::ConsumableCreated { at, .. }
            | Self::ConsumableUpdated { at, .. }
            | Self::ConsumableDeleted { at, .. }
            | Self::DefinitionRegistered { at, .. }
            | Self::DefinitionDeregistered { at, .. }
            | Self::JobSubmitted { at, .. }
            | Self::JobPending { at, .. }
            | Self::JobRunnable { at, .. }
            | Self::JobBlocked { at, .. }
            | Self::JobStopRequested { at, .. }
            | Self::JobReprioritised { at, .. }
            | Self::JobHeld { at, .. }
            | Self::JobReleased { at, .. }
            | Self::JobMoved { at, .. }
            | Self::JobEnded { at, .. }
            | Self::JobsForgotten { at, .. }
            | Self::AttemptPlaced { at, .. }
            | Self::NodesPlaced { at, .. }
            | Self::AttemptStarted { at, .. }
            | Self::AttemptEnded { at, .. }
            | Self::InstanceLaunched { at, .. }
            | Self::InstanceRegistered { at, .. }
            | Self::InstanceDraining { at, .. }
            | Self::InstanceInterrupted { at, .. }
            | Self::InstanceReclaimed { at, .. }
            | Self::EnvironmentPaused { at, .. }
            | Self::EnvironmentJudged { at, .. }
            | Self::InstanceLost { at, .. }
            | Self::InstanceEnded { at, .. }
            | Self::ScheduleSaved { at, .. }
            | Self::ScheduleDeleted { at, .. }
            | Self::ScheduleRan { at, .. }
            | Self::ScheduleGroupSaved { at, .. }
            | Self::ScheduleGroupDeleted { at, .. }
            | Self::DeadLettersCleared { at }
            | Self::ClockSetBack { at, .. }
            | Self::WatchSaved { at, .. }
            | Self::WatchRemoved { at, .. }
            | Self::WatchFired { at, .. }
            | Self::WatchCleared { at, .. }
            | Self::WatchEnded { at, .. }
            | Self::WatchAcknowledged { at, .. }
            | Self::Audited { at, .. } => *at,
        }
    }
}
