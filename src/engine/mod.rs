//! The local engine's mind, pure: commands become events ([`Engine::decide`]), events become state
//! ([`Engine::apply`]), and what time and room make due becomes events as well ([`Engine::advance`]).
//!
//! No I/O, no async, no wall clock, no randomness that is not passed in, no order that depends on a hash. The state is
//! the fold of all events: replaying a journal gives the same state.

mod advance;
mod apply;
mod blocked;
mod changes;
pub mod command;
mod container;
mod cost;
mod decide;
mod deliver;
mod effects;
pub mod event;
mod front;
mod gpus;
mod hosts;
mod index;
mod invariants;
mod job;
mod ledger;
mod lists;
pub mod load;
pub mod machine;
mod occurrences;
mod order;
mod outlet;
mod parts;
mod place;
mod provision;
mod reclaim;
mod retry;
mod roots;
mod runs;
mod scaling;
mod schedule;
mod service;
mod settle;
mod share;
mod shared;
mod sizes;
mod snapshot;
mod state;
mod stock;
#[cfg(test)]
mod tests;
mod time_limits;
mod views;
mod watches;
mod work;
pub mod year;

use crate::model::{
    AttemptId, AuditEntry, ComputeEnvironment, ConsumableResource, DeadLetter, Instance, InstanceId, JobDefinition,
    JobDetail, JobId, JobQueue, JobStatus, JobSummary, LogConfiguration, Millis, Place, Prices, QuotaShare, Schedule,
    ScheduleGroup, ScheduleRun, SchedulingPolicy, SubmitJobRequest, TaskContainer, Usage, Volume, What,
};
use command::{Answer, Command, Refusal};
use event::Event;
use index::Index;
use job::{Job, Key, Root};
use machine::Machine;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
pub use snapshot::{Frozen, SnapshotError, Thawing};
use state::Core;
use std::collections::{BTreeMap, BTreeSet};
use watches::Vigil;

/// What an engine is told about its world.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    pub place: Place,
    /// How long an instance above `minvCpus` may be idle before it ends.
    pub idle_seconds: u32,
    /// How long finished jobs are kept; AWS keeps them for at least 7 days.
    pub retention_days: u32,
    /// How long a change of a queue or an environment is seen as CREATING, UPDATING or DELETING; 0: not at all.
    pub settle_millis: u32,
    /// What capacity costs. Nothing that happened depends on it: prices are put on quantities when they are shown.
    pub prices: Prices,
    /// How long an instance counts as booting, where its environment's tag does not say otherwise.
    pub boot_seconds: u32,
    /// Of Spot instances, in thousandths of an interruption an hour.
    pub spot_interruptions_milli: u32,
    /// What jobs may be promised at most; `None`: no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            place: Place::default(),
            idle_seconds: 60,
            retention_days: 7,
            settle_millis: 0,
            prices: Prices::default(),
            boot_seconds: 0,
            spot_interruptions_milli: 0,
            machine: None,
        }
    }
}

/// Where new ids come from; passed in, so that the engine itself knows no chance.
pub trait Ids {
    /// A UUID v4 text.
    fn uuid(&mut self) -> String;
}

/// The state of the whole local engine. Serializes as a snapshot, which replaces all events up to then.
///
/// What running jobs use and print, what agents say of themselves and what other engines have promised is not part of it: it is not in a snapshot, and two engines
/// that differ in it are equal.
#[derive(Debug, Clone)]
pub struct Engine {
    core: Core,
    index: Index,
    usage: BTreeMap<Key, Usage>,
    /// The jobs whose state the last event has changed; no part of the state.
    moved: BTreeSet<Key>,
    /// The time of the event that is folded in.
    at: Millis,
    elsewhere: Machine,
    /// What keeps jobs within their memory, as the agents say.
    limits: BTreeMap<InstanceId, String>,
    vigil: Vigil,
}

impl PartialEq for Engine {
    fn eq(&self, other: &Self) -> bool {
        self.core == other.core && self.index == other.index
    }
}

impl Serialize for Engine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.core.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Engine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Core::deserialize(deserializer).map(Self::of)
    }
}

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
    /// The agent is killed with all that runs on it, as a host is taken away.
    KillInstance {
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
    pub as_process: bool,
    pub containers: Vec<TaskContainer>,
    pub volumes: Vec<Volume>,
    pub vcpus: f64,
    pub memory_mib: u64,
    pub gpus: u32,
    pub timeout_seconds: Option<u32>,
    /// That the nodes of a multi-node job share.
    pub network: Option<String>,
}

/// Which jobs to list; the engine's side of `/batchdeck/v1/jobs/list` and of `ListJobs`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// A queue's name or ARN. `None`: all queues.
    pub queue: Option<String>,
    /// The children of this array; otherwise children are left out.
    pub array: Option<JobId>,
    /// The nodes of this multi-node job; otherwise nodes are left out.
    pub nodes: Option<JobId>,
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
    pub fn new(settings: Settings) -> Self {
        Self::of(Core { settings, ..Core::default() })
    }

    fn of(mut core: Core) -> Self {
        for root in core.jobs.values_mut() {
            root.complete();
        }
        let index = Index::build(&core);
        let mut engine = Self {
            core,
            index,
            usage: BTreeMap::new(),
            moved: BTreeSet::new(),
            at: 0,
            elsewhere: Machine::default(),
            limits: BTreeMap::new(),
            vigil: Vigil::default(),
        };
        engine.complete_blocked();
        engine
    }

    /// Takes other settings, after a snapshot was read that carries those of its time.
    pub fn configure(&mut self, settings: Settings) {
        self.core.settings = settings;
    }

    /// Validates a command against the state; refuses, or says what happens. Changes nothing.
    ///
    /// A report of an agent that changes nothing (it came twice, or the attempt is over) is accepted with no events. The
    /// body acknowledges every accepted [`command::Action::AttemptExited`] once its events, if any, are durable.
    pub fn decide(&self, command: &Command, now: Millis, ids: &mut dyn Ids) -> Result<Decision, Refusal> {
        self.rule(command, now, ids)
    }

    /// What time and room make due now: jobs whose dependencies are met, placements, launches, ends of idle instances,
    /// schedules, retention. Empty when nothing is. The caller applies the events and calls again until it is empty.
    pub fn advance(&self, now: Millis, ids: &mut dyn Ids) -> Vec<Event> {
        self.due(now, ids)
    }

    /// Folds an event in. Total: an event that was decided on always applies.
    pub fn apply(&mut self, event: &Event) {
        self.moved.clear();
        self.fold(event);
        self.count_for_watches(event);
    }

    /// When [`Engine::advance`] has something to do at the earliest, if nothing else happens. In the past or at `now`
    /// where it has something to do at once.
    pub fn next_wake(&self, _now: Millis) -> Option<Millis> {
        [self.next_due(), self.next_watch()].into_iter().flatten().min()
    }

    /// What the body must do after this event was applied and is durable.
    pub fn effects(&self, event: &Event) -> Vec<Effect> {
        self.after(event)
    }

    /// What the body must do for an instance whose agent has just said hello and holds `held`: start what was placed
    /// there and is not held, stop what must stop, acknowledge what is over already, end it where it should be gone.
    pub fn reconcile(&self, instance: &InstanceId, held: &[AttemptId]) -> Vec<Effect> {
        self.reconciled(instance, held)
    }

    /// Instances that ought to have an agent, with what the body needs to look for it.
    pub fn instances(&self) -> Vec<Instance> {
        self.core.instances.iter().map(|(id, host)| self.instance_row(id, host)).collect()
    }

    /// EC2, SPOT, FARGATE, `FARGATE_SPOT` or UNMANAGED, and whether jobs may be promised more than the machine has there.
    pub fn provisioning(&self, environment: &str) -> Option<(&str, bool)> {
        let found = self.core.environments.get(environment)?;
        let kind = if found.is_unmanaged() { "UNMANAGED" } else { found.kind() };
        Some((kind, found.overcommits()))
    }

    pub fn has_instance(&self, instance: &InstanceId) -> bool {
        self.core.instances.contains_key(instance)
    }

    /// Notes what a running attempt uses. Not an event: it is not kept over a restart.
    pub fn note_usage(&mut self, attempt: &AttemptId, usage: Usage) {
        if let Some((key, _, _)) = self.find(&attempt.job) {
            self.note(key, attempt.number, usage);
        }
    }

    /// Notes what keeps the jobs of an instance within their memory. Not an event: its agent says so at each hello.
    pub fn note_limits(&mut self, instance: &InstanceId, limits: String) {
        if self.has_instance(instance) {
            self.limits.insert(instance.clone(), limits);
        }
    }

    /// What was noted of the limits of each instance.
    pub fn noted_limits(&self) -> &BTreeMap<InstanceId, String> {
        &self.limits
    }

    /// Checks the invariants; for tests and simulation.
    pub fn check(&self) -> Result<(), Violation> {
        self.verify()
    }

    /// A job by its id; the child of an array by `UUID:INDEX`.
    fn find(&self, id: &JobId) -> Option<(Key, &Root, &Job)> {
        let key = self.index.key(id)?;
        let root = self.core.jobs.get(&key.number)?;
        let job = root.get(key.slot)?;
        (root.id(key.slot) == *id).then_some((key, root, job))
    }

    // Views, in the shapes of `model`, with our own members filled in.

    pub fn job_queues(&self) -> Vec<JobQueue> {
        self.core.queues.iter().map(|(name, queue)| self.queue_row(name, queue)).collect()
    }

    pub fn compute_environments(&self) -> Vec<ComputeEnvironment> {
        self.core.environments.iter().map(|(name, found)| self.environment_row(name, found)).collect()
    }

    pub fn scheduling_policies(&self) -> Vec<SchedulingPolicy> {
        self.core.policies.iter().map(|(name, policy)| self.policy_row(name, policy)).collect()
    }

    pub fn consumable_resources(&self) -> Vec<ConsumableResource> {
        self.core.consumables.iter().map(|(name, consumable)| self.consumable_row(name, consumable)).collect()
    }

    /// By name or ARN; refused where it is not known.
    pub fn consumable_resource(&self, name_or_arn: &str) -> Result<ConsumableResource, Refusal> {
        self.find_consumable(name_or_arn).map(|(name, consumable)| self.consumable_row(name, consumable))
    }

    /// A quota share by its ARN; refused where it is not known.
    pub fn quota_share(&self, arn: &str) -> Result<QuotaShare, Refusal> {
        self.find_quota_share(arn).map(|(key, share)| self.quota_share_row(key, share))
    }

    /// The tags of what an ARN names; refused where that is not known.
    pub fn tags(&self, arn: &str) -> Result<BTreeMap<String, String>, Refusal> {
        self.tagged(arn).map(|(_, tags)| tags.clone())
    }

    /// All revisions, by name and revision.
    pub fn job_definitions(&self) -> Vec<JobDefinition> {
        self.core.definitions.values().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Newest first, the children of an array by index; and the token of the next page.
    pub fn jobs(&self, filter: &JobFilter) -> Result<(Vec<JobSummary>, Option<String>), Refusal> {
        self.page(filter)
    }

    /// In the order asked; unknown ids are left out.
    pub fn describe_jobs(&self, ids: &[JobId]) -> Vec<JobDetail> {
        ids.iter().filter_map(|id| self.detail(self.find(id)?.0)).collect()
    }

    /// What a job was submitted with; of a child or a node, what the whole was.
    pub fn request_of(&self, job: &JobId) -> Option<SubmitJobRequest> {
        self.find(job).map(|(_, root, _)| root.spec.request())
    }

    /// Where, among the logs, the streams lie of all attempts of these jobs and of the children of arrays, whether they came to anything or not.
    pub fn log_streams(&self, jobs: &[JobId]) -> Vec<String> {
        jobs.iter().filter_map(|id| self.find(id)).flat_map(|(key, root, _)| self.streams(root, key)).collect()
    }

    /// The log groups that job definitions name.
    pub fn log_groups(&self) -> Vec<String> {
        let revisions = self.core.definitions.values().flat_map(BTreeMap::values);
        let named = revisions.flat_map(JobDefinition::log_configurations).filter_map(LogConfiguration::group);
        let groups: BTreeSet<&str> = named.collect();
        groups.into_iter().map(str::to_owned).collect()
    }

    pub fn schedules(&self) -> Vec<Schedule> {
        self.core.schedules.values().map(|scheduled| scheduled.schedule.clone()).collect()
    }

    /// Newest first; the last 100 are kept.
    pub fn schedule_runs(&self, group: &str, name: &str) -> Vec<ScheduleRun> {
        let scheduled = self.core.schedules.get(&state::schedule_key(group, name));
        scheduled.map(|scheduled| scheduled.runs.iter().rev().cloned().collect()).unwrap_or_default()
    }

    /// All schedule groups, with how they stand; `default` is one of them.
    pub fn schedule_groups(&self) -> Vec<ScheduleGroup> {
        self.group_rows()
    }

    /// Firings that came to nothing for good, newest first; the last 1,000 are kept.
    pub fn dead_letters(&self, limit: usize) -> Vec<DeadLetter> {
        self.core.dead_letters.iter().rev().take(limit).cloned().collect()
    }

    /// Newest first; the last 10,000 are kept.
    pub fn audit(&self, limit: usize) -> Vec<AuditEntry> {
        self.core.audit.iter().rev().take(limit).cloned().collect()
    }

    /// All jobs that are known: children count, parents do not.
    pub fn job_count(&self) -> u64 {
        self.index.queues.values().map(|queue| queue.counts.total()).sum()
    }

    /// The rows that these events have changed, as they are now, each once. Children of arrays are rows too, but for the
    /// submission of an array, which is its parent's row alone.
    pub fn changes(&self, events: &[Event]) -> Vec<What> {
        self.touched_rows(events)
    }

    /// The row of one job, for usage updates.
    pub fn job_summary(&self, id: &JobId) -> Option<JobSummary> {
        self.summary(self.find(id)?.0)
    }
}
