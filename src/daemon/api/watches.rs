//! Watches, under `/batchdeck/v1/watches`: AWS has no call for them.

use super::caller::Caller;
use super::errors::ApiError;
use super::{Shared, Wire};
use crate::engine::Engine;
use crate::engine::command::{Action, Answer};
use crate::model::watch::{SaveWatch, Watch};
use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

pub(super) async fn list(State(world): Shared) -> Result<Json<Vec<Watch>>, ApiError> {
    Ok(Json(world.driver.read(Engine::watches).await?))
}

/// Makes a watch, or changes the one of the id that is given; the answer is how it stands.
pub(super) async fn save(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<SaveWatch>,
) -> Result<Json<Value>, ApiError> {
    let answer = world.driver.command(caller.command(Action::SaveWatch(Box::new(request)))).await?;
    Ok(Json(match answer {
        Answer::Watch(watch) => json!(watch),
        _ => json!({}),
    }))
}

pub(super) async fn remove(world: Shared, caller: Caller, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    act(world, caller, Action::RemoveWatch { id }).await
}

pub(super) async fn acknowledge(
    world: Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    act(world, caller, Action::AcknowledgeWatch { id: Some(id) }).await
}

pub(super) async fn acknowledge_all(world: Shared, caller: Caller) -> Result<Json<Value>, ApiError> {
    act(world, caller, Action::AcknowledgeWatch { id: None }).await
}

async fn act(State(world): Shared, caller: Caller, action: Action) -> Result<Json<Value>, ApiError> {
    world.driver.command(caller.command(action)).await?;
    Ok(Json(json!({})))
}
