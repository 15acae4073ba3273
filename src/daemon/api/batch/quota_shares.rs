//! AWS Batch's operations on quota shares.

use super::page::page;
use super::{Answered, created, nothing};
use crate::daemon::api::caller::Caller;
use crate::daemon::api::errors::{ApiError, Service};
use crate::daemon::api::{Shared, Wire};
use crate::engine::command::Action;
use crate::model::{CreateQuotaShareRequest, QuotaShare, UpdateQuotaShareRequest};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

pub(in crate::daemon::api) async fn create(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<CreateQuotaShareRequest>,
) -> Answered {
    let answer = world.driver.command(caller.command(Action::CreateQuotaShare(Box::new(request)))).await?;
    Ok(created(answer, "quotaShareName", "quotaShareArn"))
}

pub(in crate::daemon::api) async fn update(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<UpdateQuotaShareRequest>,
) -> Answered {
    let answer = world.driver.command(caller.command(Action::UpdateQuotaShare(Box::new(request)))).await?;
    Ok(created(answer, "quotaShareName", "quotaShareArn"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Named {
    quota_share_arn: String,
}

pub(in crate::daemon::api) async fn delete(
    State(world): Shared,
    caller: Caller,
    Wire(Named { quota_share_arn: arn }): Wire<Named>,
) -> Answered {
    world.driver.command(caller.command(Action::DeleteQuotaShare { arn })).await?;
    Ok(nothing())
}

pub(in crate::daemon::api) async fn describe(
    State(world): Shared,
    Wire(Named { quota_share_arn: arn }): Wire<Named>,
) -> Answered {
    let found = world.driver.read(move |engine| engine.quota_share(&arn)).await?;
    Ok(Json(json!(found.map_err(|refusal| ApiError::of(Service::Batch, refusal.into()))?)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct List {
    job_queue: String,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(in crate::daemon::api) async fn list(State(world): Shared, Wire(request): Wire<List>) -> Answered {
    let queue = request.job_queue;
    let found = world.driver.read(move |engine| engine.quota_shares_of(&queue)).await?;
    let all = found.map_err(|refusal| ApiError::of(Service::Batch, refusal.into()))?;
    let (asked, token) = (request.max_results, request.next_token.as_deref());
    let (found, next) = page(all, |share: &QuotaShare| &share.quota_share_name, asked, token)?;
    // A list says all but the tags.
    let row = |share: &QuotaShare| {
        let mut row = json!(share);
        row.as_object_mut().map(|members| members.remove("tags"));
        row
    };
    let rows: Vec<Value> = found.iter().map(row).collect();
    Ok(Json(json!({ "quotaShares": rows, "nextToken": next })))
}
