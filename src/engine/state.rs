//! What the engine remembers: the fold of all events, and nothing that can be worked out from it.

use super::Settings;
use super::index::Rank;
use super::job::Key;
use super::ledger::Ledger;
use super::machine::Machine;
use super::roots::Roots;
use super::runs::Runs;
use super::schedule::planned;
use super::service::Services;
use super::settle::Settling;
use super::share::Use;
use super::shared::Text;
use super::watches::Watched;
use crate::model::{
    AuditEntry, BOOT_TAG, ComputeEnvironmentOrder, ConsumableKind, CreateComputeEnvironmentRequest, DeadLetter,
    EXECUTOR_TAG, FairsharePolicy, Health, InstanceId, InstanceState, JobDefinition, JobStateTimeLimitAction, Millis,
    OVERCOMMIT_TAG, QuotaSharePolicy, Scaling, Schedule, ScheduleRun, ServiceEnvironmentOrder, Switch,
    UpdateComputeEnvironmentRequest,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many audit entries are kept.
pub const AUDIT_KEPT: usize = 10_000;
/// How many runs of each schedule are kept.
pub const RUNS_KEPT: usize = 100;
/// How long the token of an update of a consumable resource is known.
const TOKEN_KEPT: Millis = 8 * 3_600_000;
/// How many dead letters are kept.
pub const DEAD_LETTERS_KEPT: usize = 1_000;
/// How many client tokens are remembered.
const TOKENS_KEPT: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Core {
    pub settings: Settings,
    pub queues: BTreeMap<String, Queue>,
    pub environments: BTreeMap<String, Environment>,
    /// Changes that are not over, by `KIND/NAME`.
    pub settling: BTreeMap<String, Settling>,
    pub policies: BTreeMap<String, Policy>,
    pub consumables: BTreeMap<String, Consumable>,
    pub services: Services,
    /// By name and revision. Revisions stay, as INACTIVE ones do on AWS.
    pub definitions: BTreeMap<String, BTreeMap<u32, JobDefinition>>,
    pub instances: BTreeMap<InstanceId, Host>,
    /// By the number of the submission.
    pub jobs: Roots,
    /// The number of the last submission.
    pub last_number: u64,
    /// How often jobs were put at the front of their queue.
    pub last_front: u32,
    /// By `group/name`.
    pub schedules: BTreeMap<String, Scheduled>,
    /// What was used of what is paid for.
    pub ledger: Ledger,
    /// What was observed of runs, by definition and revision.
    pub runs: BTreeMap<String, BTreeMap<u32, Runs>>,
    /// Oldest first.
    pub audit: VecDeque<AuditEntry>,
    /// Schedule groups by name, without `default`.
    pub groups: BTreeMap<String, Group>,
    /// Firings that came to nothing; oldest first.
    pub dead_letters: VecDeque<DeadLetter>,
    /// By number.
    pub watches: BTreeMap<u64, Watched>,
    /// The number of the last watch.
    pub last_watch: u64,
    /// What each `ClientToken` was used for, by its text.
    pub tokens: BTreeMap<String, TokenUse>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    pub created_at: Millis,
    pub modified_at: Millis,
    pub tags: BTreeMap<String, String>,
}

/// One use of a `ClientToken`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenUse {
    pub at: Millis,
    /// What the request led to: `schedule GROUP/NAME`, `no schedule GROUP/NAME`, and so for a group.
    pub made: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    pub state: Switch,
    pub status: Health,
    pub priority: i32,
    /// By name, in ascending order.
    pub environments: Vec<ComputeEnvironmentOrder>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The name of its policy; without one it is first in, first out. It never gains nor loses one, but may swap it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling_policy: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub job_state_time_limit_actions: Vec<JobStateTimeLimitAction>,
    /// By name. A queue that has some is for service jobs, and has no compute environments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_environments: Vec<ServiceEnvironmentOrder>,
    /// An operator holds all of its jobs back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// The job at its head that cannot be placed as things stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
    /// What its shares use, on a fair-share queue.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shares: BTreeMap<String, Use>,
    /// When its waiting jobs moved up last, by rank, rising: who waits behind the rank of a turn stands where it
    /// does since then, or since a later turn behind which it waits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
}

/// Why a queue does not get on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blocked {
    pub job: Key,
    /// AWS's code: the reason up to its ` - `.
    pub code: Text,
    /// Since when the job has been at the head for a reason of this code.
    pub since: Millis,
}

/// A job joined or left the waiting ones of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    pub at: Millis,
    pub rank: Rank,
}

/// A scheduling policy: one of the two is there, and stays the one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Policy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairshare: Option<FairsharePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_share: Option<QuotaSharePolicy>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A consumable resource. What is in use is worked out from the jobs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Consumable {
    pub kind: ConsumableKind,
    pub total: u64,
    pub created_at: Millis,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Tokens of updates, and when they came.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tokens: BTreeMap<String, Millis>,
}

impl Consumable {
    /// Whether an update with this token was carried out lately.
    pub fn knows(&self, token: &str, now: Millis) -> bool {
        self.tokens.get(token).is_some_and(|at| now - at < TOKEN_KEPT)
    }

    /// Takes note of an update.
    pub fn update(&mut self, total: u64, token: Option<String>, at: Millis) {
        self.total = total;
        self.tokens.retain(|_, came| at - *came < TOKEN_KEPT);
        self.tokens.extend(token.map(|token| (token, at)));
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    pub request: CreateComputeEnvironmentRequest,
    pub cluster: String,
    pub state: Switch,
    pub status: Health,
    #[serde(default)]
    pub status_reason: Option<String>,
    pub minimum: u32,
    pub maximum: u32,
    /// An operator asked for so many vCPUs; until they are there.
    #[serde(default)]
    pub raise_to: Option<u32>,
    /// What its instances may amount to since the maximum was lowered below what was there; in thousandths of a vCPU.
    #[serde(default)]
    pub grace_milli: u64,
    /// How many of its instances in a row were lost before they registered.
    #[serde(default)]
    pub failures: u32,
    /// Until when nothing is launched for that.
    #[serde(default)]
    pub paused_until: Option<Millis>,
    /// How its instances came and went; oldest first.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub scaling: VecDeque<Scaling>,
}

impl Environment {
    /// Takes over what an update says of the request itself.
    pub fn update(&mut self, more: &UpdateComputeEnvironmentRequest) {
        let request = &mut self.request;
        if let (Some(resources), Some(update)) = (&mut request.compute_resources, &more.compute_resources) {
            resources.update(update);
        }
        request.service_role = more.service_role.clone().or_else(|| request.service_role.take());
        request.unmanagedv_cpus = more.unmanagedv_cpus.or(request.unmanagedv_cpus);
        request.update_policy = more.update_policy.or(request.update_policy);
        request.context = more.context.clone().or_else(|| request.context.take());
    }

    /// EC2, SPOT, FARGATE or `FARGATE_SPOT`.
    pub fn kind(&self) -> &str {
        self.request.compute_resources.as_ref().map_or("", |resources| resources.kind.as_str())
    }

    /// Capacity that may be taken away.
    pub fn is_spot(&self) -> bool {
        matches!(self.kind(), "SPOT" | "FARGATE_SPOT")
    }

    /// This machine is its one instance, which has joined by itself.
    pub fn is_unmanaged(&self) -> bool {
        self.request.kind == "UNMANAGED"
    }

    /// How long its instances boot, by its tag.
    pub fn boot_seconds(&self) -> Option<u32> {
        self.request.tags.get(BOOT_TAG)?.parse().ok()
    }

    /// How long an instance stays after its last job at least.
    pub fn scale_down_minutes(&self) -> Millis {
        let policy = self.request.compute_resources.as_ref().and_then(|resources| resources.scaling_policy);
        policy.and_then(|policy| policy.min_scale_down_delay_minutes).unwrap_or(0).into()
    }

    /// Its instances have failed, and nothing is launched for a while.
    pub fn pauses(&self, now: Millis) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    pub fn is_fargate(&self) -> bool {
        self.kind().starts_with("FARGATE")
    }

    /// Whether nodes of multi-node jobs may be placed there (AWS Batch user guide, "Multi-node parallel jobs").
    pub fn takes_nodes(&self) -> bool {
        self.request.kind == "MANAGED" && self.kind() == "EC2"
    }

    pub fn is_valid(&self) -> bool {
        // One that is being updated goes on meanwhile.
        matches!(self.status, Health::Valid | Health::Updating)
    }

    /// New jobs may be placed there.
    pub fn takes_jobs(&self) -> bool {
        self.is_valid() && self.state == Switch::Enabled
    }

    /// What is kept without demand: the minimum, also while it is DISABLED as on AWS, and what an operator has asked for.
    pub fn floor_milli(&self) -> u64 {
        if self.is_unmanaged() {
            return u64::MAX;
        }
        let asked = self.raise_to.filter(|_| self.takes_jobs()).unwrap_or(0);
        u64::from(self.minimum.max(asked).min(self.maximum)) * 1000
    }

    /// What fair shares reckon with: of UNMANAGED, `unmanagedvCpus`.
    pub fn share_milli(&self) -> u64 {
        if self.is_unmanaged() {
            return self.request.unmanagedv_cpus.and_then(|vcpus| u64::try_from(vcpus).ok()).unwrap_or(0) * 1000;
        }
        self.maximum_milli()
    }

    pub fn maximum_milli(&self) -> u64 {
        if self.is_unmanaged() {
            return u64::MAX;
        }
        u64::from(self.maximum) * 1000
    }

    /// Its jobs may be promised more than the machine has.
    pub fn overcommits(&self) -> bool {
        self.request.tags.get(OVERCOMMIT_TAG).is_some_and(|value| value == "true")
    }

    /// Jobs of any image run as processes there.
    pub fn runs_processes(&self) -> bool {
        self.request.tags.get(EXECUTOR_TAG).is_some_and(|executor| executor == "process")
    }
}

/// An instance, as the placement sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    pub environment: String,
    pub instance_type: String,
    pub state: InstanceState,
    pub launched_at: Millis,
    pub vcpus_milli: u64,
    pub memory_mib: u64,
    #[serde(default)]
    pub gpus: u32,
    pub used_milli: u64,
    pub used_mib: u64,
    #[serde(default)]
    pub used_gpus: u32,
    /// What its jobs ask for: less than what is used where a node has it whole.
    #[serde(default)]
    pub promised: Machine,
    /// The jobs that are placed on it.
    pub placed: BTreeSet<Key>,
    /// Since when it is registered and empty.
    #[serde(default)]
    pub idle_since: Option<Millis>,
    #[serde(default)]
    pub pid: Option<u32>,
    /// It boots until then.
    #[serde(default)]
    pub ready_at: Option<Millis>,
    /// When it gets its notice of an interruption.
    #[serde(default)]
    pub interrupted_at: Option<Millis>,
    /// When it is taken away; it has its notice.
    #[serde(default)]
    pub reclaim_at: Option<Millis>,
    /// It has been taken away, and its end is not seen yet.
    #[serde(default)]
    pub reclaimed: bool,
    /// It is of before its environment was changed.
    #[serde(default)]
    pub outdated: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduled {
    pub schedule: Schedule,
    /// Its next time; `None` where it is DISABLED or over.
    #[serde(default)]
    pub next: Option<Millis>,
    /// Oldest first.
    #[serde(default)]
    pub runs: VecDeque<ScheduleRun>,
    /// Firings whose submission was refused and is tried again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Delivery>,
}

/// A firing whose submission was refused and is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub scheduled_time: Millis,
    /// When it was to fire first; its age counts from there.
    pub planned_time: Millis,
    pub execution_id: String,
    pub attempts: u32,
    pub next_attempt: Millis,
}

impl Scheduled {
    /// When it has something to do: its next firing, or the next try of one that was refused.
    pub fn wake(&self) -> Option<Millis> {
        let fires = self.next.map(|next| planned(&self.schedule, next));
        fires.into_iter().chain(self.waiting.iter().map(|delivery| delivery.next_attempt)).min()
    }
}

impl Core {
    /// Remembers what a token was used for; of many the oldest is forgotten.
    pub fn remember(&mut self, token: Option<&String>, made: String, at: Millis) {
        let Some(token) = token else { return };
        self.tokens.insert(token.clone(), TokenUse { at, made });
        if self.tokens.len() > TOKENS_KEPT {
            let oldest = self.tokens.iter().min_by_key(|(token, used)| (used.at, *token));
            if let Some(oldest) = oldest.map(|(token, _)| token.clone()) {
                self.tokens.remove(&oldest);
            }
        }
    }

    pub fn definition(&self, name: &str, revision: u32) -> Option<&JobDefinition> {
        self.definitions.get(name)?.get(&revision)
    }

    /// Queues in the order in which they are served.
    pub fn queues_by_priority(&self) -> Vec<(&String, &Queue)> {
        let mut queues: Vec<_> = self.queues.iter().collect();
        queues.sort_by(|a, b| (b.1.priority, a.0).cmp(&(a.1.priority, b.0)));
        queues
    }
}

/// The key of a schedule in [`Core::schedules`]; neither part may hold a slash.
pub fn schedule_key(group: &str, name: &str) -> String {
    format!("{group}/{name}")
}
