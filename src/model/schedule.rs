//! Schedules, in EventBridge Scheduler's shapes (`PascalCase` members, times in epoch seconds).

use super::{JobId, Millis, SubmitJobRequest, Switch};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The universal target that submits a job (`Target.Arn`).
pub const SUBMIT_JOB_TARGET: &str = "arn:aws:scheduler:::aws-sdk:batch:submitJob";

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
    /// Epoch seconds. A `rate` counts from here, or from its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_date: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modification_date: Option<f64>,
}

fn default_group() -> String {
    "default".to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
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
            start_date: None,
            end_date: None,
            creation_date: None,
            last_modification_date: None,
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

/// `Target`: `input` is the JSON text of a `SubmitJob` with `PascalCase` members.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScheduleTarget {
    pub arn: String,
    pub role_arn: String,
    pub input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
}

/// `RetryPolicy`: of the call that submits, not of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RetryPolicy {
    pub maximum_event_age_in_seconds: u32,
    pub maximum_retry_attempts: u32,
}

impl Default for RetryPolicy {
    /// EventBridge Scheduler's own defaults.
    fn default() -> Self {
        Self { maximum_event_age_in_seconds: 86_400, maximum_retry_attempts: 185 }
    }
}

impl ScheduleTarget {
    /// The target that submits `request`.
    pub fn submit_job(request: &SubmitJobRequest, role_arn: &str) -> Self {
        let camel = serde_json::to_value(request).unwrap_or(Value::Null);
        Self {
            arn: SUBMIT_JOB_TARGET.to_owned(),
            role_arn: role_arn.to_owned(),
            input: recase(camel, Case::Pascal).to_string(),
            retry_policy: None,
        }
    }

    /// The job that the target submits.
    pub fn request(&self) -> Result<SubmitJobRequest, TargetError> {
        if self.arn != SUBMIT_JOB_TARGET {
            return Err(TargetError::NotSubmitJob(self.arn.clone()));
        }
        let pascal: Value = serde_json::from_str(&self.input).map_err(|e| TargetError::Input(e.to_string()))?;
        serde_json::from_value(recase(pascal, Case::Camel)).map_err(|e| TargetError::Input(e.to_string()))
    }

    /// How old a missed run may be and still be made up for.
    pub fn maximum_age(&self) -> Millis {
        let policy = self.retry_policy.clone().unwrap_or_default();
        Millis::from(policy.maximum_event_age_in_seconds) * 1000
    }
}

/// Why a target cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("Target.Arn is `{0}`; only `{SUBMIT_JOB_TARGET}` can be carried out here")]
    NotSubmitJob(String),
    #[error("Target.Input is not a SubmitJob request: {0}")]
    Input(String),
}

#[derive(Clone, Copy)]
enum Case {
    Pascal,
    Camel,
}

/// Members whose own keys are the user's words and keep their case.
const FREE_KEYS: [&str; 4] = ["parameters", "tags", "options", "statusSummary"];

fn recase(value: Value, case: Case) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, inner)| {
                    let camel = first_letter(&key, Case::Camel);
                    let inner = if FREE_KEYS.contains(&camel.as_str()) { inner } else { recase(inner, case) };
                    (first_letter(&key, case), inner)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| recase(item, case)).collect()),
        other => other,
    }
}

fn first_letter(key: &str, case: Case) -> String {
    let mut letters = key.chars();
    match (letters.next(), case) {
        (Some(first), Case::Pascal) => first.to_uppercase().chain(letters).collect(),
        (Some(first), Case::Camel) => first.to_lowercase().chain(letters).collect(),
        (None, _) => String::new(),
    }
}

/// *Ours*: one firing of a schedule, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScheduleRun {
    pub schedule_name: String,
    pub group_name: String,
    /// The time that the expression named; for `run now`, the time of the request.
    pub scheduled_time: Millis,
    pub fired_at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// Why no job was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was out of the ordinary: "run by hand", or "missed while the engine was down, run 4 m late".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerOverrides, KeyValuePair};

    #[test]
    fn a_target_carries_a_submit_there_and_back_and_keeps_the_case_of_parameters() {
        let request = SubmitJobRequest {
            job_name: "nightly".into(),
            job_queue: "main".into(),
            job_definition: "report:7".into(),
            parameters: [("day".to_owned(), "<aws.scheduler.scheduled-time>".to_owned())].into(),
            container_overrides: Some(ContainerOverrides {
                environment: vec![KeyValuePair { name: "MODE".into(), value: "full".into() }],
                ..Default::default()
            }),
            ..Default::default()
        };
        let target = ScheduleTarget::submit_job(&request, "arn:aws:iam::1:role/r");
        assert!(target.input.contains(r#""JobName":"nightly""#), "{}", target.input);
        assert!(target.input.contains(r#""Parameters":{"day""#), "{}", target.input);
        assert_eq!(target.request(), Ok(request));
    }

    #[test]
    fn a_target_of_another_service_is_refused_by_name() {
        let target = ScheduleTarget { arn: "arn:aws:lambda:f".into(), ..Default::default() };
        assert!(matches!(target.request(), Err(TargetError::NotSubmitJob(_))));
    }
}
