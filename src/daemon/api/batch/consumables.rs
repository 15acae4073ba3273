//! AWS Batch's operations on consumable resources.

use super::page::{page, size};
use super::{Answered, created, nothing};
use crate::daemon::api::caller::Caller;
use crate::daemon::api::errors::{ApiError, Service};
use crate::daemon::api::{Shared, Wire};
use crate::engine::Engine;
use crate::engine::command::{Action, Answer, Refusal};
use crate::model::{
    ConsumableResource, CreateConsumableResourceRequest, JobDetail, JobId, JobStatus, JobSummary,
    UpdateConsumableResourceRequest,
};
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

/// `ListJobsByConsumableResourceRequest`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct ListJobs {
    consumable_resource: String,
    filters: Vec<super::jobs::KeyValues>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// What the filters ask of a job: one of the states, and one of the names, where some are given.
#[derive(Debug, Default)]
struct Wanted {
    statuses: Vec<JobStatus>,
    names: Vec<String>,
}

impl Wanted {
    fn parse(filters: &[super::jobs::KeyValues]) -> Result<Self, ApiError> {
        let mut wanted = Self::default();
        for filter in filters {
            match filter.name.as_str() {
                "JOB_STATUS" => {
                    for value in &filter.values {
                        let status = value.parse().map_err(|unknown| {
                            ApiError::invalid(Service::Batch, format!("filters: JOB_STATUS: {unknown}"))
                        })?;
                        wanted.statuses.push(status);
                    }
                }
                "JOB_NAME" => wanted.names.extend(filter.values.iter().map(|name| name.to_ascii_lowercase())),
                other => {
                    let message = format!("filters: the name is `{other}`; it is JOB_STATUS or JOB_NAME");
                    return Err(ApiError::invalid(Service::Batch, message));
                }
            }
        }
        Ok(wanted)
    }

    fn passes(&self, job: &JobSummary) -> bool {
        let name = job.job_name.to_ascii_lowercase();
        (self.statuses.is_empty() || self.statuses.contains(&job.status))
            && (self.names.is_empty() || self.names.iter().any(|wanted| super::jobs::is_like(wanted, &name)))
    }
}

pub(in crate::daemon::api) async fn list_jobs(State(world): Shared, Wire(request): Wire<ListJobs>) -> Answered {
    let wanted = Wanted::parse(&request.filters)?;
    let limit = size(request.max_results, super::PAGE)?;
    let token = request.next_token.filter(|token| !token.is_empty());
    let token = token.map(|token| {
        let refusal = format!("nextToken is `{token}`; it takes the token of the page before");
        token.parse::<u64>().map_err(|_| ApiError::invalid(Service::Batch, refusal))
    });
    let (token, name) = (token.transpose()?, request.consumable_resource);
    let look = move |engine: &Engine| {
        let rows = engine.jobs_by_consumable(&name, |job| wanted.passes(job), token, limit + 1)?;
        let of = engine.consumable_resource(&name)?.consumable_resource_arn;
        let ids: Vec<JobId> = rows.iter().map(|(_, row)| row.job_id.clone()).collect();
        Ok((rows.into_iter().map(|(number, _)| number).collect::<Vec<u64>>(), engine.describe_jobs(&ids), of))
    };
    let found: Result<_, Refusal> = world.driver.read(look).await?;
    let (numbers, jobs, of) = found.map_err(|refusal| ApiError::of(Service::Batch, refusal.into()))?;
    let next = (jobs.len() > limit).then(|| numbers[limit - 1].to_string());
    let rows: Vec<Value> = jobs.iter().take(limit).map(|job| consumer(job, &of)).collect();
    Ok(Json(json!({ "jobs": rows, "nextToken": next })))
}

/// `ListJobsByConsumableResourceSummary`.
fn consumer(job: &JobDetail, of: &str) -> Value {
    let properties = job.consumable_resource_properties.clone().unwrap_or_default();
    let takes = properties.consumable_resource_list.iter().find(|one| one.consumable_resource == of);
    let mut row = json!({
        "jobArn": job.job_arn,
        "jobQueueArn": job.job_queue,
        "jobName": job.job_name,
        "jobDefinitionArn": job.job_definition,
        "jobStatus": job.status,
        "quantity": takes.map_or(0, |one| one.quantity),
        "createdAt": job.created_at,
        "consumableResourceProperties": properties,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let Some((value, members)) = value.zip(row.as_object_mut()) {
            members.insert(name.to_owned(), value);
        }
    };
    add("shareIdentifier", job.share_identifier.as_ref().map(|share| json!(share)));
    add("statusReason", job.status_reason.as_ref().map(|reason| json!(reason)));
    add("startedAt", job.started_at.map(|at| json!(at)));
    row
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
