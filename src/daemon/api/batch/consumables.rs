//! AWS Batch's operations on consumable resources.

use super::page::page;
use super::{Answered, created, nothing};
use crate::daemon::api::caller::Caller;
use crate::daemon::api::errors::{ApiError, Service};
use crate::daemon::api::{Shared, Wire};
use crate::engine::Engine;
use crate::engine::command::{Action, Answer};
use crate::model::{ConsumableResource, CreateConsumableResourceRequest, UpdateConsumableResourceRequest};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

pub(in crate::daemon::api) async fn create(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<CreateConsumableResourceRequest>,
) -> Answered {
    let answer = world.driver.command(caller.command(Action::CreateConsumableResource(request))).await?;
    Ok(created(answer, "consumableResourceName", "consumableResourceArn"))
}

pub(in crate::daemon::api) async fn update(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<UpdateConsumableResourceRequest>,
) -> Answered {
    match world.driver.command(caller.command(Action::UpdateConsumableResource(request))).await? {
        Answer::Consumable(response) => Ok(Json(json!(response))),
        _ => Ok(nothing()),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Named {
    consumable_resource: String,
}

pub(in crate::daemon::api) async fn delete(
    State(world): Shared,
    caller: Caller,
    Wire(Named { consumable_resource: name }): Wire<Named>,
) -> Answered {
    world.driver.command(caller.command(Action::DeleteConsumableResource { name })).await?;
    Ok(nothing())
}

pub(in crate::daemon::api) async fn describe(
    State(world): Shared,
    Wire(Named { consumable_resource: name }): Wire<Named>,
) -> Answered {
    let found = world.driver.read(move |engine| engine.consumable_resource(&name)).await?;
    let found = found.map_err(|refusal| ApiError::of(Service::Batch, refusal.into()))?;
    Ok(Json(json!(found)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct List {
    filters: Vec<super::jobs::KeyValues>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

impl List {
    /// What a name must be, or begin with before a `*`, in any case.
    fn wanted(&self) -> Result<Option<&str>, ApiError> {
        let refuse = |message: String| Err(ApiError::invalid(Service::Batch, message));
        let filter = match self.filters.as_slice() {
            [] => return Ok(None),
            [filter] => filter,
            several => return refuse(format!("filters has {} entries; only one can be given", several.len())),
        };
        match (filter.name.as_str(), filter.values.as_slice()) {
            ("CONSUMABLE_RESOURCE_NAME", [value]) => Ok(Some(value)),
            ("CONSUMABLE_RESOURCE_NAME", values) => {
                refuse(format!("filters: CONSUMABLE_RESOURCE_NAME has {} values; it takes one", values.len()))
            }
            (other, _) => refuse(format!("filters: the name is `{other}`; it is CONSUMABLE_RESOURCE_NAME")),
        }
    }
}

pub(in crate::daemon::api) async fn list(State(world): Shared, Wire(request): Wire<List>) -> Answered {
    let wanted = request.wanted()?.map(str::to_ascii_lowercase);
    let mut all = world.driver.read(Engine::consumable_resources).await?;
    if let Some(wanted) = wanted {
        all.retain(|one| super::jobs::is_like(&wanted, &one.consumable_resource_name.to_ascii_lowercase()));
    }
    let (asked, token) = (request.max_results, request.next_token.as_deref());
    let (found, next) = page(all, |one: &ConsumableResource| &one.consumable_resource_name, asked, token)?;
    let row = |one: &ConsumableResource| {
        json!({
            "consumableResourceArn": one.consumable_resource_arn,
            "consumableResourceName": one.consumable_resource_name,
            "totalQuantity": one.total_quantity,
            "inUseQuantity": one.in_use_quantity,
            "resourceType": one.resource_type,
        })
    };
    let rows: Vec<Value> = found.iter().map(row).collect();
    Ok(Json(json!({ "consumableResources": rows, "nextToken": next })))
}
