//! Schedules of `EventBridge` Scheduler.

use crate::backend::BackendError;
use crate::model::{
    AfterCompletion, DeadLetterConfig, FlexibleTimeWindow, RetryPolicy, SCHEDULE_TAG, Schedule, ScheduleGroup,
    ScheduleTarget, Switch,
};
use aws_sdk_scheduler::operation::create_schedule::builders::CreateScheduleFluentBuilder;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::operation::update_schedule::builders::UpdateScheduleFluentBuilder;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types;

pub fn schedule(given: GetScheduleOutput) -> Schedule {
    let window = given.flexible_time_window.map(|window| FlexibleTimeWindow {
        mode: window.mode.as_str().to_owned(),
        maximum_window_in_minutes: super::count(window.maximum_window_in_minutes),
    });
    let state = given.state.as_ref().map(types::ScheduleState::as_str);
    let completion = given.action_after_completion.as_ref().map(types::ActionAfterCompletion::as_str);
    let plain = Schedule::default();
    Schedule {
        name: given.name.unwrap_or_default(),
        group_name: given.group_name.unwrap_or(plain.group_name),
        arn: given.arn.unwrap_or_default(),
        schedule_expression: given.schedule_expression.unwrap_or_default(),
        schedule_expression_timezone: given.schedule_expression_timezone.unwrap_or(plain.schedule_expression_timezone),
        state: super::switch(state),
        description: given.description,
        flexible_time_window: window.unwrap_or_default(),
        target: given.target.map(target).unwrap_or_default(),
        action_after_completion: if completion == Some("DELETE") {
            AfterCompletion::Delete
        } else {
            AfterCompletion::None
        },
        kms_key_arn: given.kms_key_arn,
        start_date: seconds(given.start_date),
        end_date: seconds(given.end_date),
        creation_date: seconds(given.creation_date),
        last_modification_date: seconds(given.last_modification_date),
        client_token: None,
        is_rule: false,
    }
}

pub fn group(given: types::ScheduleGroupSummary) -> ScheduleGroup {
    ScheduleGroup {
        name: given.name.unwrap_or_default(),
        arn: given.arn.unwrap_or_default(),
        state: given.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        creation_date: seconds(given.creation_date),
        last_modification_date: seconds(given.last_modification_date),
        tags: std::collections::BTreeMap::new(),
    }
}

/// Epoch seconds.
pub fn seconds(time: Option<DateTime>) -> Option<f64> {
    time.map(|time| time.as_secs_f64())
}

/// What is left out is AWS's default.
pub fn retry_policy(seconds: Option<i32>, attempts: Option<i32>) -> RetryPolicy {
    let plain = RetryPolicy::default();
    RetryPolicy {
        maximum_event_age_in_seconds: super::count(seconds).unwrap_or(plain.maximum_event_age_in_seconds),
        maximum_retry_attempts: super::count(attempts).unwrap_or(plain.maximum_retry_attempts),
    }
}

fn target(given: types::Target) -> ScheduleTarget {
    ScheduleTarget {
        retry_policy: given
            .retry_policy
            .map(|policy| retry_policy(policy.maximum_event_age_in_seconds, policy.maximum_retry_attempts)),
        dead_letter_config: given.dead_letter_config.map(|config| DeadLetterConfig { arn: config.arn }),
        arn: given.arn,
        role_arn: given.role_arn,
        input: given.input.unwrap_or_default(),
    }
}

/// Both calls take the same members, and have no type in common.
macro_rules! fill {
    ($call:expr, $schedule:expr) => {{
        let schedule = $schedule;
        $call
            .target(new_target(&schedule)?)
            .flexible_time_window(window(&schedule.flexible_time_window)?)
            .name(schedule.name)
            .group_name(schedule.group_name)
            .schedule_expression(schedule.schedule_expression)
            .schedule_expression_timezone(schedule.schedule_expression_timezone)
            .state(state(schedule.state))
            .set_description(schedule.description)
            .action_after_completion(completion(schedule.action_after_completion))
            .set_kms_key_arn(schedule.kms_key_arn)
            .set_start_date(schedule.start_date.map(DateTime::from_secs_f64))
            .set_end_date(schedule.end_date.map(DateTime::from_secs_f64))
    }};
}

pub fn create(
    call: CreateScheduleFluentBuilder,
    schedule: Schedule,
) -> Result<CreateScheduleFluentBuilder, BackendError> {
    Ok(fill!(call, schedule))
}

/// `UpdateSchedule` replaces all: what is not sent is the default again.
pub fn update(
    call: UpdateScheduleFluentBuilder,
    schedule: Schedule,
) -> Result<UpdateScheduleFluentBuilder, BackendError> {
    Ok(fill!(call, schedule))
}

/// With the tag by which its jobs are found again, where it submits jobs.
fn new_target(schedule: &Schedule) -> Result<types::Target, BackendError> {
    let given = &schedule.target;
    let input = match given.request() {
        Ok(mut request) => {
            request.tags.insert(SCHEDULE_TAG.to_owned(), schedule.key());
            ScheduleTarget::submit_job(&request, &given.role_arn).input
        }
        Err(_) => given.input.clone(),
    };
    let policy = given.retry_policy.as_ref().map(|policy| {
        types::RetryPolicy::builder()
            .set_maximum_event_age_in_seconds(super::signed(Some(policy.maximum_event_age_in_seconds)))
            .set_maximum_retry_attempts(super::signed(Some(policy.maximum_retry_attempts)))
            .build()
    });
    let letters = given.dead_letter_config.clone();
    types::Target::builder()
        .arn(&given.arn)
        .role_arn(&given.role_arn)
        .input(input)
        .set_retry_policy(policy)
        .set_dead_letter_config(letters.map(|config| types::DeadLetterConfig::builder().set_arn(config.arn).build()))
        .build()
        .map_err(|error| incomplete(&error))
}

fn window(given: &FlexibleTimeWindow) -> Result<types::FlexibleTimeWindow, BackendError> {
    types::FlexibleTimeWindow::builder()
        .mode(types::FlexibleTimeWindowMode::from(given.mode.as_str()))
        .set_maximum_window_in_minutes(super::signed(given.maximum_window_in_minutes))
        .build()
        .map_err(|error| incomplete(&error))
}

fn state(given: Switch) -> types::ScheduleState {
    types::ScheduleState::from(given.as_str())
}

fn completion(given: AfterCompletion) -> types::ActionAfterCompletion {
    match given {
        AfterCompletion::None => types::ActionAfterCompletion::None,
        AfterCompletion::Delete => types::ActionAfterCompletion::Delete,
    }
}

fn incomplete(error: &aws_sdk_scheduler::error::BuildError) -> BackendError {
    BackendError::Refused { code: "ValidationException".to_owned(), message: error.to_string() }
}
