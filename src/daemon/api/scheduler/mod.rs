//! `EventBridge` Scheduler's operations on schedules; on groups and their tags in [`groups`].

pub(super) mod groups;

use super::caller::Caller;
use super::errors::{ApiError, Service};
use super::token::{open_token, seal_token};
use super::{Asked, Shared, read_json};
use crate::daemon::driver::CommandError;
use crate::engine::Engine;
use crate::engine::command::{Action, Answer};
use crate::model::{DEFAULT_SCHEDULE_GROUP, Schedule, Switch};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

type Answered = Result<Json<Value>, ApiError>;

/// The most rows of a page.
const PAGE: usize = 100;

fn failed(error: CommandError) -> ApiError {
    ApiError::of(Service::Scheduler, error)
}

pub(super) async fn create(State(world): Shared, caller: Caller, Path(name): Path<String>, body: Body) -> Answered {
    let schedule = read_schedule(name, body).await?;
    let arn = match world.driver.command(caller.command(Action::CreateSchedule(Box::new(schedule)))).await {
        Ok(Answer::Created { arn, .. }) => arn,
        Ok(_) => String::new(),
        Err(error) => return Err(failed(error)),
    };
    Ok(Json(json!({ "ScheduleArn": arn })))
}

pub(super) async fn update(State(world): Shared, caller: Caller, Path(name): Path<String>, body: Body) -> Answered {
    let schedule = read_schedule(name, body).await?;
    let (group, name) = (schedule.group_name.clone(), schedule.name.clone());
    world.driver.command(caller.command(Action::UpdateSchedule(Box::new(schedule)))).await.map_err(failed)?;
    let updated = world.driver.read(move |engine| find(engine, &group, &name)).await.map_err(failed)?;
    Ok(Json(json!({ "ScheduleArn": updated.map(|schedule| schedule.arn) })))
}

/// What targets of other kinds carry; with the universal target they are refused, as on AWS.
const OTHER_TARGETS: [&str; 5] =
    ["EcsParameters", "EventBridgeParameters", "KinesisParameters", "SageMakerPipelineParameters", "SqsParameters"];

/// The name in the path is the schedule's, whatever the body says.
async fn read_schedule(name: String, body: Body) -> Result<Schedule, ApiError> {
    let mut members: Map<String, Value> = read_json(body, Service::Scheduler).await?;
    members.insert("Name".to_owned(), Value::String(name));
    // What the service gives is nothing that a caller sets.
    for given in ["Arn", "CreationDate", "LastModificationDate"] {
        members.remove(given);
    }
    // An absent member may come as null.
    members.retain(|_, value| !value.is_null());
    let missing =
        ["ScheduleExpression", "FlexibleTimeWindow", "Target"].into_iter().find(|n| !members.contains_key(*n));
    if let Some(missing) = missing {
        return Err(ApiError::invalid(Service::Scheduler, format!("{missing} is missing; a schedule needs one")));
    }
    let target = members["Target"].as_object();
    if let Some(other) = OTHER_TARGETS.iter().find(|other| target.is_some_and(|target| target.contains_key(**other))) {
        let message =
            format!("Target.{other} is for a target of another kind; one that submits a job takes Input alone");
        return Err(ApiError::invalid(Service::Scheduler, message));
    }
    serde_json::from_value(Value::Object(members))
        .map_err(|cause| ApiError::invalid(Service::Scheduler, format!("the schedule cannot be read: {cause}")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Group {
    group_name: Option<String>,
    client_token: Option<String>,
}

impl Group {
    fn name(&self) -> String {
        self.group_name.clone().unwrap_or_else(|| DEFAULT_SCHEDULE_GROUP.to_owned())
    }
}

pub(super) async fn get(
    State(world): Shared,
    Path(name): Path<String>,
    Asked(group): Asked<Group>,
) -> Result<Json<Schedule>, ApiError> {
    let group = group.name();
    let missing = format!("Schedule {name} does not exist in group {group}.");
    let found = world.driver.read(move |engine| find(engine, &group, &name)).await.map_err(failed)?;
    found.map(Json).ok_or_else(|| ApiError::not_found(Service::Scheduler, missing))
}

fn find(engine: &Engine, group: &str, name: &str) -> Option<Schedule> {
    engine.schedules().into_iter().find(|schedule| schedule.group_name == group && schedule.name == name)
}

pub(super) async fn delete(
    State(world): Shared,
    caller: Caller,
    Path(name): Path<String>,
    Asked(group): Asked<Group>,
) -> Answered {
    let action = Action::DeleteSchedule { group: group.name(), name, token: group.client_token };
    world.driver.command(caller.command(action)).await.map_err(failed)?;
    Ok(Json(json!({})))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct List {
    schedule_group: Option<String>,
    name_prefix: Option<String>,
    state: Option<Switch>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) async fn list(State(world): Shared, Asked(request): Asked<List>) -> Answered {
    let read = |engine: &Engine| (engine.schedules(), engine.schedule_groups());
    let (mut schedules, groups) = world.driver.read(read).await.map_err(failed)?;
    if let Some(group) = &request.schedule_group
        && !groups.iter().any(|known| known.name == *group)
    {
        return Err(ApiError::not_found(Service::Scheduler, format!("Schedule group {group} does not exist.")));
    }
    // Neither part of a key can hold a slash.
    let key = |schedule: &Schedule| format!("{}/{}", schedule.group_name, schedule.name);
    schedules.retain(|schedule| {
        request.schedule_group.as_ref().is_none_or(|group| *group == schedule.group_name)
            && request.name_prefix.as_ref().is_none_or(|prefix| schedule.name.starts_with(prefix.as_str()))
            && request.state.is_none_or(|state| state == schedule.state)
    });
    let (schedules, next) = page(schedules, key, request.max_results, request.next_token.as_deref())?;
    let rows: Vec<Value> = schedules.iter().map(summary).collect();
    Ok(Json(with_token(json!({ "Schedules": rows }), next)))
}

/// The rows after a token, in the order of their keys, and the token of the next page.
fn page<T>(
    mut rows: Vec<T>,
    key: impl Fn(&T) -> String,
    size: Option<usize>,
    token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = size.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&size) {
        let message = format!("MaxResults is `{size}`; it takes 1 to {PAGE}");
        return Err(ApiError::invalid(Service::Scheduler, message));
    }
    if let Some(token) = token {
        let after = open_token(token).ok_or_else(|| {
            ApiError::invalid(Service::Scheduler, format!("NextToken is `{token}`; it takes one of an earlier page"))
        })?;
        rows.retain(|row| key(row) > after);
    }
    rows.sort_by_cached_key(&key);
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(|last| seal_token(&key(last)));
    Ok((rows, next))
}

/// The member is absent on the last page.
fn with_token(mut answer: Value, token: Option<String>) -> Value {
    if let (Some(members), Some(token)) = (answer.as_object_mut(), token) {
        members.insert("NextToken".to_owned(), Value::String(token));
    }
    answer
}

/// `ScheduleSummary`.
fn summary(schedule: &Schedule) -> Value {
    json!({
        "Arn": schedule.arn,
        "Name": schedule.name,
        "GroupName": schedule.group_name,
        "State": schedule.state,
        "CreationDate": schedule.creation_date,
        "LastModificationDate": schedule.last_modification_date,
        "Target": { "Arn": schedule.target.arn },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_while_rows_come_and_go_and_tokens_say_nothing() {
        let rows = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let (first, token) = page(rows(&["c", "a", "b"]), String::clone, Some(2), None).expect("a page");
        let token = token.expect("there is more");
        assert_eq!(first, rows(&["a", "b"]));
        assert_ne!(token, "b");
        let (second, end) = page(rows(&["a2", "c", "d"]), String::clone, Some(2), Some(&token)).expect("a page");
        assert_eq!((second, end), (rows(&["c", "d"]), None));
        for wrong in ["", "0", "zz", "ff", "ää"] {
            assert!(page(rows(&["a"]), String::clone, None, Some(wrong)).is_err(), "{wrong}");
        }
        for wrong in [0, 101] {
            assert!(page(rows(&["a"]), String::clone, Some(wrong), None).is_err(), "{wrong}");
        }
    }
}
