//! AWS Batch's operations on scheduling policies.

use super::page::page;
use super::{Answered, check_names, created, nothing};
use crate::daemon::api::caller::Caller;
use crate::daemon::api::{Shared, Wire};
use crate::engine::Engine;
use crate::engine::command::Action;
use crate::model::{CreateSchedulingPolicyRequest, SchedulingPolicy, UpdateSchedulingPolicyRequest};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

pub(in crate::daemon::api) async fn create(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<CreateSchedulingPolicyRequest>,
) -> Answered {
    let answer = world.driver.command(caller.command(Action::CreateSchedulingPolicy(request))).await?;
    Ok(created(answer, "name", "arn"))
}

pub(in crate::daemon::api) async fn update(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<UpdateSchedulingPolicyRequest>,
) -> Answered {
    world.driver.command(caller.command(Action::UpdateSchedulingPolicy(request))).await?;
    Ok(nothing())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::daemon::api) struct Delete {
    arn: String,
}

pub(in crate::daemon::api) async fn delete(
    State(world): Shared,
    caller: Caller,
    Wire(Delete { arn }): Wire<Delete>,
) -> Answered {
    world.driver.command(caller.command(Action::DeleteSchedulingPolicy { arn })).await?;
    Ok(nothing())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::daemon::api) struct Describe {
    arns: Vec<String>,
}

/// In the order asked; unknown ones are left out.
pub(in crate::daemon::api) async fn describe(State(world): Shared, Wire(request): Wire<Describe>) -> Answered {
    check_names("arns", request.arns.len())?;
    let all = world.driver.read(Engine::scheduling_policies).await?;
    let found: Vec<&SchedulingPolicy> =
        request.arns.iter().filter_map(|arn| all.iter().find(|policy| policy.arn == *arn)).collect();
    Ok(Json(json!({ "schedulingPolicies": found })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct List {
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(in crate::daemon::api) async fn list(State(world): Shared, Wire(request): Wire<List>) -> Answered {
    let all = world.driver.read(Engine::scheduling_policies).await?;
    let (found, next) = page(
        all,
        |policy: &SchedulingPolicy| policy.name.as_str(),
        request.max_results,
        request.next_token.as_deref(),
    )?;
    let arns: Vec<Value> = found.iter().map(|policy| json!({ "arn": policy.arn })).collect();
    Ok(Json(json!({ "schedulingPolicies": arns, "nextToken": next })))
}
