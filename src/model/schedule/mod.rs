//! Schedules, in EventBridge Scheduler's shapes (`PascalCase` members, times in epoch seconds).

mod target;
mod times;

pub use target::{DeadLetterConfig, RetryPolicy, SCHEDULE_TAG, SUBMIT_JOB_TARGET, ScheduleTarget, TargetError};

pub use times::epoch_millis;

use super::{JobId, Millis, Switch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The group of a schedule that names none. It is always there.
pub const DEFAULT_SCHEDULE_GROUP: &str = "default";

/// `GetScheduleOutput`, and what Create and Update take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Schedule {
    pub name: String,
    #[serde(default = "default_group")]
    pub group_name: String,
    #[serde(default)]
    pub arn: String,
    /// `cron(…)`, `rate(…)` or `at(…)`.
    pub schedule_expression: String,
    /// IANA name of the zone in which the expression is read.
    #[serde(default = "utc")]
    pub schedule_expression_timezone: String,
    #[serde(default)]
    pub state: Switch,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default)]
    pub flexible_time_window: FlexibleTimeWindow,
    pub target: ScheduleTarget,
    #[serde(default)]
    pub action_after_completion: AfterCompletion,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<String>,
    /// Epoch seconds. A `rate` counts from here, or from its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_date: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modification_date: Option<f64>,
    /// Of a request alone: the same token again is the same request again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// *Ours*: it is a classic rule of EventBridge and none of Scheduler's schedules. It is read here, and changed
    /// elsewhere; its group is [`rules_of`] its event bus.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_rule: bool,
}

/// The event bus on which rules may go by the clock.
pub const DEFAULT_EVENT_BUS: &str = "default";

/// The group under which the rules of an event bus stand beside the schedules; no group of schedules has such a name.
pub fn rules_of(bus: &str) -> String {
    format!("rule:{bus}")
}

/// The event bus of whose rules a group is; `None` of a group of schedules.
pub fn bus_of(group: &str) -> Option<&str> {
    group.strip_prefix("rule:")
}

/// Whether a group is one of [`rules_of`].
pub fn is_of_rules(group: &str) -> bool {
    bus_of(group).is_some()
}

fn default_group() -> String {
    DEFAULT_SCHEDULE_GROUP.to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Schedule {
    /// Where it may only be read: why, and what changes it instead.
    pub fn why_read_only(&self) -> Option<String> {
        let name = self.name.split(':').next().unwrap_or_default();
        let change = if self.state == Switch::Enabled { "disable" } else { "enable" };
        let bus = bus_of(&self.group_name).filter(|bus| *bus != DEFAULT_EVENT_BUS);
        let bus = bus.map(|bus| format!(" --event-bus-name {bus}")).unwrap_or_default();
        self.is_rule.then(|| {
            format!(
                "`{name}` is a rule of EventBridge, which is only read here: `aws events {change}-rule --name {name}{bus}` \
                 switches it"
            )
        })
    }

    /// What a rule waits for that goes by events and not by the clock.
    pub fn event_pattern(&self) -> Option<&str> {
        self.schedule_expression.strip_prefix("event ").filter(|_| self.is_rule)
    }

    /// Whether it is known from when its expression counts: a rule does not tell since when its `rate` runs.
    pub fn has_known_times(&self) -> bool {
        !self.is_rule || self.schedule_expression.starts_with("cron(")
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            name: String::new(),
            group_name: default_group(),
            arn: String::new(),
            schedule_expression: String::new(),
            schedule_expression_timezone: utc(),
            state: Switch::Enabled,
            description: None,
            flexible_time_window: FlexibleTimeWindow::default(),
            target: ScheduleTarget::default(),
            action_after_completion: AfterCompletion::default(),
            kms_key_arn: None,
            start_date: None,
            end_date: None,
            creation_date: None,
            last_modification_date: None,
            client_token: None,
            is_rule: false,
        }
    }
}

/// `FlexibleTimeWindow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FlexibleTimeWindow {
    /// OFF or FLEXIBLE.
    pub mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_window_in_minutes: Option<u32>,
}

impl Default for FlexibleTimeWindow {
    fn default() -> Self {
        Self { mode: "OFF".to_owned(), maximum_window_in_minutes: None }
    }
}

impl FlexibleTimeWindow {
    /// How long after its time a firing may come; 0 where the window is OFF.
    pub fn length(&self) -> Millis {
        let minutes = self.maximum_window_in_minutes.filter(|_| self.mode == "FLEXIBLE").unwrap_or(0);
        Millis::from(minutes) * 60_000
    }
}

/// `ActionAfterCompletion`: what becomes of a schedule that has fired for the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AfterCompletion {
    #[default]
    None,
    Delete,
}

/// `GetScheduleGroupOutput`, with its tags.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScheduleGroup {
    pub name: String,
    pub arn: String,
    /// ACTIVE: a group is deleted at once, with its schedules.
    pub state: String,
    /// Epoch seconds; the group `default` has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_date: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modification_date: Option<f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// *Ours*: one firing of a schedule, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScheduleRun {
    pub schedule_name: String,
    pub group_name: String,
    /// The time that the expression named; for `run now`, the time of the request.
    pub scheduled_time: Millis,
    /// When in its flexible window it was to fire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_time: Option<Millis>,
    /// When the job was submitted, or last tried to be.
    pub fired_at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// `<aws.scheduler.execution-id>`: the same for all tries. Empty in rows of older programs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub execution_id: String,
    /// How often the submission was tried.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// It failed, and is tried again at this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<Millis>,
    /// Why no job was submitted, by the last try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was out of the ordinary: "run by hand", or "missed while the engine was down, run 4 m late".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// *Ours*: a firing that came to nothing for good, as AWS would send it to the schedule's dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeadLetter {
    pub schedule_name: String,
    pub group_name: String,
    pub scheduled_time: Millis,
    /// When it was given up.
    pub at: Millis,
    pub execution_id: String,
    pub attempts: u32,
    /// What made it be given up: `MAXIMUM_RETRY_ATTEMPTS`, `MAXIMUM_EVENT_AGE`, or `TOO_MANY_WAIT`.
    pub exhausted: String,
    /// The last try's error.
    pub error: String,
    pub target_arn: String,
    /// The target's input, with the context words replaced.
    pub input: String,
    /// The queue that the schedule names for it; nothing is sent there from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_arn: Option<String>,
}
