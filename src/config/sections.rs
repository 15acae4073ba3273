//! The sections of the config file that have no file of their own, and the keys that each section may have.

use super::http::HttpAddress;
use crate::model::LogReserve;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[engine]`: what a local engine is told when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct EngineSettings {
    /// How long an instance above the minimum may be idle before it ends.
    pub idle_seconds: u32,
    /// How long finished jobs are kept.
    pub retention_days: u32,
    /// How long a change of a queue or an environment is seen before it is over, in milliseconds.
    pub settle_millis: u32,
    /// How long an instance boots before it takes jobs.
    pub boot_seconds: u32,
    /// How often each Spot instance is interrupted.
    pub spot_interruptions_per_hour: PerHour,
    /// What jobs' logs leave free of their disk.
    pub log_reserve_mib: u32,
    /// What stands in ARNs.
    pub region: String,
    pub account: String,
    /// Where AWS's APIs are served on TCP besides; unset for nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpAddress>,
    /// Where the container runtime answers; unset for `DOCKER_HOST` or one of the usual sockets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_host: Option<String>,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            idle_seconds: 60,
            retention_days: 7,
            settle_millis: 1000,
            boot_seconds: 0,
            spot_interruptions_per_hour: PerHour::default(),
            log_reserve_mib: LogReserve::DEFAULT_MIB,
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            http: None,
            docker_host: None,
        }
    }
}

/// How often something happens, in thousandths of once an hour; written as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct PerHour {
    pub milli: u32,
}

/// Why a number is no rate.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("it is `{0}`; it takes 0 to 1000 an hour")]
pub struct NoRate(f64);

impl TryFrom<f64> for PerHour {
    type Error = NoRate;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its bounds are checked before")]
    fn try_from(rate: f64) -> Result<Self, NoRate> {
        let sound = (0.0..=1000.0).contains(&rate);
        sound.then(|| Self { milli: (rate * 1000.0).round() as u32 }).ok_or(NoRate(rate))
    }
}

impl From<PerHour> for f64 {
    fn from(rate: PerHour) -> Self {
        f64::from(rate.milli) / 1000.0
    }
}

/// `[hooks.NAME]`: a command or a file that gets the events of the local engine which it asks for. What it says nothing of
/// may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct HookSettings {
    /// States of the job, one of which it is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<String>,
    /// Names of queues, `*` standing for any letters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queue: Vec<String>,
    /// `Batch Job State Change`, `Batch Job Queue Blocked`; `*` stands for any letters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub detail_type: Vec<String>,
    /// An event pattern of EventBridge, in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Program and arguments; the event comes on its standard input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// In place of a command: events are appended to it, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// A command that takes longer is killed.
    pub timeout_seconds: u32,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self {
            status: Vec::new(),
            queue: Vec::new(),
            detail_type: Vec::new(),
            pattern: None,
            command: Vec::new(),
            file: None,
            timeout_seconds: 30,
        }
    }
}

/// Which implementation stands behind a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Local,
    Aws,
}

/// `[contexts.NAME]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ContextSettings {
    /// What stands behind it; unset for several contexts as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Kind>,
    /// The contexts that are watched as one by this name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<String>,
    /// Refuses everything that changes anything.
    #[serde(default)]
    pub read_only: bool,
    /// Local: the engine's data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// AWS: a profile of `~/.aws/config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// AWS: another endpoint, for a mock or a private link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// AWS: the budget of calls that the console keeps to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<f64>,
    /// AWS: the queues that are shown and polled, `*` standing for any letters; empty for all of the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<String>,
    /// AWS: where jobs write whose definition names no log group; unset for AWS Batch's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_group: Option<String>,
    /// AWS: the role by which EventBridge Scheduler submits the jobs of new schedules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler_role: Option<String>,
    /// AWS: whether what was seen of ended jobs is kept; unset for what stands at the top level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<bool>,
}

/// Why a context cannot be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContextProblem {
    #[error("needs `backend = \"aws\"` or `\"local\"`, or `contexts` for several as one")]
    Nothing,
    #[error("names `contexts`, so it takes `read-only` beside that and nothing else: the rest is theirs")]
    Both,
}

impl ContextSettings {
    pub fn check(&self) -> Result<(), ContextProblem> {
        if self.contexts.is_empty() {
            return self.backend.map(|_| ()).ok_or(ContextProblem::Nothing);
        }
        let alone = Self { contexts: self.contexts.clone(), read_only: self.read_only, ..ContextSettings::default() };
        if *self == alone { Ok(()) } else { Err(ContextProblem::Both) }
    }
}

pub const CONSOLE_SETTINGS: [&str; 5] = ["grace-seconds", "type-count-from", "mouse", "notify", "notify-command"];
pub const COMMAND_SETTINGS: [&str; 7] = ["label", "command", "key", "views", "confirm", "read-only", "pause"];
pub const HOOK_SETTINGS: [&str; 7] =
    ["status", "queue", "detail-type", "pattern", "command", "file", "timeout-seconds"];
pub const PRICE_SETTINGS: [&str; 4] = ["as-of", "on-demand", "spot", "fargate"];
pub const ENGINE_SETTINGS: [&str; 10] = [
    "idle-seconds",
    "retention-days",
    "settle-millis",
    "boot-seconds",
    "spot-interruptions-per-hour",
    "log-reserve-mib",
    "region",
    "account",
    "http",
    "docker-host",
];
pub const CONTEXT_SETTINGS: [&str; 12] = [
    "backend",
    "contexts",
    "read-only",
    "data-dir",
    "profile",
    "region",
    "endpoint",
    "calls-per-second",
    "queues",
    "log-group",
    "scheduler-role",
    "history",
];
