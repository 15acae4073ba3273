//! What a schedule may say (`EventBridge` Scheduler API reference, `CreateSchedule`).

use crate::engine::command::Refusal;
use crate::model::expression::Expression;
use crate::model::{Schedule, ScheduleTarget, name_of, validate};

pub(super) fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Validation(message.into()))
}

pub(super) fn check(schedule: &Schedule) -> Result<(), Refusal> {
    for name in [&schedule.name, &schedule.group_name] {
        validate::schedule_name(name).map_err(|wrong| Refusal::Validation(wrong.to_string()))?;
    }
    let expression = &schedule.schedule_expression;
    if let Err(error) = Expression::parse(expression, &schedule.schedule_expression_timezone) {
        return invalid(format!("ScheduleExpression is `{expression}`: {error}"));
    }
    let lengths = [
        ("ScheduleExpression", Some(expression), 256),
        ("ScheduleExpressionTimezone", Some(&schedule.schedule_expression_timezone), 50),
        ("Description", schedule.description.as_ref(), 512),
    ];
    for (field, text, most) in lengths {
        let length = text.map_or(0, |text| text.chars().count());
        if length > most {
            return invalid(format!("{field} has {length} letters; it takes at most {most}"));
        }
    }
    if let Some(token) = &schedule.client_token {
        let plain = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !plain || !(1..=64).contains(&token.len()) {
            return invalid(format!("ClientToken is `{token}`; it takes 1 to 64 letters, digits, `-` and `_`"));
        }
    }
    if let Some(key) = &schedule.kms_key_arn
        && !is_arn(key, "kms", |name| name.starts_with("key/") || name.starts_with("alias/"))
    {
        return invalid(format!("KmsKeyArn is `{key}`; it takes the ARN of a KMS key"));
    }
    if let (Some(start), Some(end)) = (schedule.start_date, schedule.end_date)
        && end <= start
    {
        return invalid("EndDate is not after StartDate");
    }
    check_window(schedule)?;
    check_target(schedule)
}

fn check_window(schedule: &Schedule) -> Result<(), Refusal> {
    let window = &schedule.flexible_time_window;
    match (window.mode.as_str(), window.maximum_window_in_minutes) {
        ("OFF", None) | ("FLEXIBLE", Some(1..=1440)) => Ok(()),
        ("OFF" | "FLEXIBLE", _) => {
            invalid("FlexibleTimeWindow takes OFF alone, or FLEXIBLE with MaximumWindowInMinutes from 1 to 1440")
        }
        (other, _) => invalid(format!("FlexibleTimeWindow.Mode is `{other}`; it takes OFF or FLEXIBLE")),
    }
}

/// What is not a submission is refused: a schedule whose every firing fails would look sound until it is needed.
fn check_target(schedule: &Schedule) -> Result<(), Refusal> {
    let target = &schedule.target;
    if target.arn.contains(":batch:") && target.arn.contains(":job-queue/") {
        return invalid(format!(
            "Target.Arn is the job queue {}, and batch is not supported as a target; it takes \
             `arn:aws:scheduler:::aws-sdk:batch:submitJob`, with the queue as JobQueue in Input",
            name_of(&target.arn)
        ));
    }
    if let Err(error) = schedule.request_at(0, "00000000-0000-4000-8000-000000000000", 1) {
        return invalid(error.to_string());
    }
    if !is_arn(&target.role_arn, "iam", |name| name.starts_with("role/") && name.len() > 5) {
        return invalid(format!(
            "Target.RoleArn is `{}`; it takes the ARN of a role, as arn:aws:iam::123456789012:role/NAME",
            target.role_arn
        ));
    }
    if let Some(queue) = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_ref())
        && !is_arn(queue, "sqs", |name| !name.is_empty())
    {
        return invalid(format!("Target.DeadLetterConfig.Arn is `{queue}`; it takes the ARN of an SQS queue"));
    }
    if let Some(policy) = &target.retry_policy {
        let (age, retries) = (policy.maximum_event_age_in_seconds, policy.maximum_retry_attempts);
        if !(60..=86_400).contains(&age) || retries > 185 {
            return invalid(format!(
                "RetryPolicy is MaximumEventAgeInSeconds {age} and MaximumRetryAttempts {retries}; it takes 60 to 86400 and \
                 0 to 185"
            ));
        }
    }
    Ok(())
}

/// With the retry policy that `Scheduler` answers where none was given.
pub(super) fn completed(target: &ScheduleTarget) -> ScheduleTarget {
    ScheduleTarget { retry_policy: Some(target.retry_policy.clone().unwrap_or_default()), ..target.clone() }
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:NAME`, in form.
fn is_arn(text: &str, service: &str, name: impl Fn(&str) -> bool) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, of, region, account, rest] = parts[..] else { return false };
    let account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let region = (service == "iam") == region.is_empty();
    arn == "arn" && partition.starts_with("aws") && of == service && region && account && name(rest)
}
