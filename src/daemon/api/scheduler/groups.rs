//! Schedule groups, their tags, and ours: dead letters.

use super::{Answered, failed, page, with_token};
use crate::daemon::api::caller::Caller;
use crate::daemon::api::errors::{ApiError, Service};
use crate::daemon::api::{Asked, Shared, read_json};
use crate::engine::Engine;
use crate::engine::command::{Action, Answer};
use crate::model::{DeadLetter, ScheduleGroup};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Dead letters of an answer where the caller names no limit.
const LETTERS: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Create {
    client_token: Option<String>,
    tags: Option<Vec<Tag>>,
}

fn map_of(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

pub(in crate::daemon::api) async fn create(
    State(world): Shared,
    caller: Caller,
    Path(name): Path<String>,
    body: Body,
) -> Answered {
    let request: Create = read_json(body, Service::Scheduler).await?;
    let tags = map_of(request.tags.unwrap_or_default());
    let action = Action::CreateScheduleGroup { name, tags, token: request.client_token };
    match world.driver.command(caller.command(action)).await.map_err(failed)? {
        Answer::Created { arn, .. } => Ok(Json(json!({ "ScheduleGroupArn": arn }))),
        _ => Ok(Json(json!({}))),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Token {
    client_token: Option<String>,
}

pub(in crate::daemon::api) async fn delete(
    State(world): Shared,
    caller: Caller,
    Path(name): Path<String>,
    Asked(token): Asked<Token>,
) -> Answered {
    let action = Action::DeleteScheduleGroup { name, token: token.client_token };
    world.driver.command(caller.command(action)).await.map_err(failed)?;
    Ok(Json(json!({})))
}

pub(in crate::daemon::api) async fn get(State(world): Shared, Path(name): Path<String>) -> Answered {
    let groups = world.driver.read(Engine::schedule_groups).await.map_err(failed)?;
    match groups.iter().find(|group| group.name == name) {
        Some(group) => Ok(Json(row(group))),
        None => Err(missing(&name)),
    }
}

fn missing(name: &str) -> ApiError {
    ApiError::not_found(Service::Scheduler, format!("Schedule group {name} does not exist."))
}

/// AWS shows no tags here.
fn row(group: &ScheduleGroup) -> Value {
    json!(ScheduleGroup { tags: BTreeMap::new(), ..group.clone() })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::daemon::api) struct List {
    name_prefix: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(in crate::daemon::api) async fn list(State(world): Shared, Asked(request): Asked<List>) -> Answered {
    let mut groups = world.driver.read(Engine::schedule_groups).await.map_err(failed)?;
    groups.retain(|group| request.name_prefix.as_ref().is_none_or(|prefix| group.name.starts_with(prefix.as_str())));
    let key = |group: &ScheduleGroup| group.name.clone();
    let (groups, next) = page(groups, key, request.max_results, request.next_token.as_deref())?;
    let rows: Vec<Value> = groups.iter().map(row).collect();
    Ok(Json(with_token(json!({ "ScheduleGroups": rows }), next)))
}

/// The group of an ARN; only groups have tags.
fn group_of(arn: &str) -> Result<String, ApiError> {
    let name = arn.split_once(":schedule-group/").map(|(_, name)| name);
    match name {
        Some(name) if arn.contains(":scheduler:") && !name.is_empty() => Ok(name.to_owned()),
        _ => Err(ApiError::invalid(
            Service::Scheduler,
            format!("ResourceArn is `{arn}`; it takes the ARN of a schedule group, which alone has tags"),
        )),
    }
}

pub(in crate::daemon::api) async fn tags(State(world): Shared, Path(arn): Path<String>) -> Answered {
    let name = group_of(&arn)?;
    let groups = world.driver.read(Engine::schedule_groups).await.map_err(failed)?;
    let group = groups.into_iter().find(|group| group.name == name).ok_or_else(|| missing(&name))?;
    let tags: Vec<Value> = group.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(Json(json!({ "Tags": tags })))
}

pub(in crate::daemon::api) async fn tag(
    State(world): Shared,
    caller: Caller,
    Path(arn): Path<String>,
    body: Body,
) -> Answered {
    let name = group_of(&arn)?;
    let request: Create = read_json(body, Service::Scheduler).await?;
    let tags =
        request.tags.ok_or_else(|| ApiError::invalid(Service::Scheduler, "Tags is missing; name at least one"))?;
    let action = Action::TagScheduleGroup { name, add: map_of(tags), remove: Vec::new() };
    world.driver.command(caller.command(action)).await.map_err(failed)?;
    Ok(Json(json!({})))
}

/// `?TagKeys=A&TagKeys=B`.
pub(in crate::daemon::api) async fn untag(
    State(world): Shared,
    caller: Caller,
    Path(arn): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let name = group_of(&arn)?;
    let remove: Vec<String> = query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.strip_prefix("TagKeys="))
        .map(|key| percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned())
        .collect();
    if remove.is_empty() {
        return Err(ApiError::invalid(Service::Scheduler, "TagKeys is missing; name at least one"));
    }
    let action = Action::TagScheduleGroup { name, add: BTreeMap::new(), remove };
    world.driver.command(caller.command(action)).await.map_err(failed)?;
    Ok(Json(json!({})))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::daemon::api) struct Limit {
    limit: Option<usize>,
}

/// `GET /batchdeck/v1/dead-letters?limit=N`: newest first.
pub(in crate::daemon::api) async fn dead_letters(
    State(world): Shared,
    Asked(request): Asked<Limit>,
) -> Result<Json<Vec<DeadLetter>>, ApiError> {
    let limit = request.limit.unwrap_or(LETTERS);
    Ok(Json(world.driver.read(move |engine| engine.dead_letters(limit)).await?))
}

/// `DELETE /batchdeck/v1/dead-letters`.
pub(in crate::daemon::api) async fn clear_dead_letters(State(world): Shared, caller: Caller) -> Answered {
    world.driver.command(caller.command(Action::ClearDeadLetters)).await?;
    Ok(Json(json!({})))
}
