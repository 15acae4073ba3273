//! `EventBridge` Scheduler's operations on schedules.

use super::caller::Caller;
use super::errors::{ApiError, Service};
use super::{Asked, Shared, read_json};
use crate::daemon::driver::CommandError;
use crate::engine::Engine;
use crate::engine::command::{Action, Answer};
use crate::model::{Schedule, Switch};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

type Answered = Result<Json<Value>, ApiError>;

/// The most rows of a page.
const PAGE: usize = 100;
const DEFAULT_GROUP: &str = "default";

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

/// The name in the path is the schedule's, whatever the body says.
async fn read_schedule(name: String, body: Body) -> Result<Schedule, ApiError> {
    let mut members: Map<String, Value> = read_json(body, Service::Scheduler).await?;
    members.insert("Name".to_owned(), Value::String(name));
    // An absent member may come as null.
    members.retain(|_, value| !value.is_null());
    serde_json::from_value(Value::Object(members))
        .map_err(|cause| ApiError::invalid(Service::Scheduler, format!("the schedule cannot be read: {cause}")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Group {
    group_name: Option<String>,
}

impl Group {
    fn name(self) -> String {
        self.group_name.unwrap_or_else(|| DEFAULT_GROUP.to_owned())
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
    let action = Action::DeleteSchedule { group: group.name(), name };
    world.driver.command(caller.command(action)).await.map_err(failed)?;
    Ok(Json(json!({})))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct List {
    #[serde(rename = "ScheduleGroup")]
    group: Option<String>,
    #[serde(rename = "NamePrefix")]
    prefix: Option<String>,
    #[serde(rename = "State")]
    state: Option<Switch>,
    #[serde(rename = "MaxResults")]
    max_results: Option<usize>,
    #[serde(rename = "NextToken")]
    next_token: Option<String>,
}

pub(super) async fn list(State(world): Shared, Asked(request): Asked<List>) -> Answered {
    let mut schedules = world.driver.read(Engine::schedules).await.map_err(failed)?;
    // Neither part of a key can hold a slash.
    let key = |schedule: &Schedule| format!("{}/{}", schedule.group_name, schedule.name);
    schedules.retain(|schedule| {
        request.group.as_ref().is_none_or(|group| *group == schedule.group_name)
            && request.prefix.as_ref().is_none_or(|prefix| schedule.name.starts_with(prefix.as_str()))
            && request.state.is_none_or(|state| state == schedule.state)
            && request.next_token.as_ref().is_none_or(|token| key(schedule) > *token)
    });
    schedules.sort_by_key(key);
    let size = request.max_results.unwrap_or(PAGE).clamp(1, PAGE);
    let more = schedules.len() > size;
    schedules.truncate(size);
    let next = schedules.last().filter(|_| more).map(key);
    let rows: Vec<Value> = schedules.iter().map(summary).collect();
    Ok(Json(json!({ "Schedules": rows, "NextToken": next })))
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
