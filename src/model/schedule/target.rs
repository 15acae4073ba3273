//! What a schedule does when it fires: the universal target that submits a job, its retries and dead letters.
//!
//! Source: EventBridge Scheduler user guide, "Universal targets"; API reference, `Target`.

use super::Schedule;
use crate::model::{Millis, SubmitJobRequest};
use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The universal target that submits a job (`Target.Arn`).
pub const SUBMIT_JOB_TARGET: &str = "arn:aws:scheduler:::aws-sdk:batch:submitJob";

/// `Target`: `input` is the JSON text of a `SubmitJob` with `PascalCase` members.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScheduleTarget {
    pub arn: String,
    pub role_arn: String,
    pub input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_config: Option<DeadLetterConfig>,
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

/// `DeadLetterConfig`: the ARN of an SQS queue. Kept and shown; dead letters are a list of the engine's own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeadLetterConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
}

/// The tag by which the jobs of a schedule name it, as `GROUP/NAME`: Scheduler itself keeps no history.
pub const SCHEDULE_TAG: &str = "batchdeck:schedule";

impl Schedule {
    /// `GROUP/NAME`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.group_name, self.name)
    }

    /// What the schedule submits at a time: its input with the context words replaced, and a tag that names it.
    pub fn request_at(&self, at: Millis, execution_id: &str, attempt: u32) -> Result<SubmitJobRequest, TargetError> {
        let input = self.input_at(at, execution_id, attempt);
        let mut request = ScheduleTarget { input, ..self.target.clone() }.request()?;
        request.tags.insert(SCHEDULE_TAG.to_owned(), self.key());
        Ok(request)
    }

    /// The target's input with Scheduler's context words replaced (user guide, "Context attributes").
    pub fn input_at(&self, at: Millis, execution_id: &str, attempt: u32) -> String {
        let time = DateTime::from_timestamp_millis(at).unwrap_or_default();
        self.target
            .input
            .replace("<aws.scheduler.scheduled-time>", &time.to_rfc3339_opts(SecondsFormat::Secs, true))
            .replace("<aws.scheduler.execution-id>", execution_id)
            .replace("<aws.scheduler.schedule-arn>", &self.arn)
            .replace("<aws.scheduler.attempt-number>", &attempt.to_string())
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
            dead_letter_config: None,
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

    /// How old a firing may be and still be carried out or tried again.
    pub fn maximum_age(&self) -> Millis {
        let policy = self.retry_policy.clone().unwrap_or_default();
        Millis::from(policy.maximum_event_age_in_seconds) * 1000
    }

    /// How often a submission that was refused may be tried again.
    pub fn maximum_retries(&self) -> u32 {
        self.retry_policy.clone().unwrap_or_default().maximum_retry_attempts
    }
}

/// Why a target cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error(
        "Target.Arn is `{0}`, which nothing here can carry out; it takes `{SUBMIT_JOB_TARGET}`, with a SubmitJob request as \
         Input"
    )]
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
const FREE_KEYS: [&str; 8] =
    ["parameters", "tags", "options", "statusSummary", "labels", "annotations", "limits", "requests"];

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
        let target = ScheduleTarget::submit_job(&request, "arn:aws:iam::123456789012:role/r");
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
