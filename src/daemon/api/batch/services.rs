//! AWS Batch's operations on service environments and service jobs.

use super::jobs::{KeyValues, Sieve};
use super::page::{page, size};
use super::{Answered, PAGE, check_names, created, nothing};
use crate::daemon::api::caller::Caller;
use crate::daemon::api::errors::{ApiError, Service};
use crate::daemon::api::{Shared, Wire};
use crate::engine::Engine;
use crate::engine::command::{Action, Answer};
use crate::model::{
    CreateServiceEnvironmentRequest, JobId, ServiceEnvironment, ServiceJob, ServiceJobStatus, SubmitServiceJobRequest,
    UpdateServiceEnvironmentRequest,
};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

pub(in crate::daemon::api) async fn create_environment(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<CreateServiceEnvironmentRequest>,
) -> Answered {
    let answer = world.driver.command(caller.command(Action::CreateServiceEnvironment(request))).await?;
    Ok(created(answer, "serviceEnvironmentName", "serviceEnvironmentArn"))
}

pub(in crate::daemon::api) async fn update_environment(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<UpdateServiceEnvironmentRequest>,
) -> Answered {
    let answer = world.driver.command(caller.command(Action::UpdateServiceEnvironment(request))).await?;
    Ok(created(answer, "serviceEnvironmentName", "serviceEnvironmentArn"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Named {
    service_environment: String,
}

pub(in crate::daemon::api) async fn delete_environment(
    State(world): Shared,
    caller: Caller,
    Wire(Named { service_environment: name }): Wire<Named>,
) -> Answered {
    world.driver.command(caller.command(Action::DeleteServiceEnvironment { name })).await?;
    Ok(nothing())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct DescribeEnvironments {
    service_environments: Vec<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(in crate::daemon::api) async fn describe_environments(
    State(world): Shared,
    Wire(request): Wire<DescribeEnvironments>,
) -> Answered {
    let names = &request.service_environments;
    check_names("serviceEnvironments", names.len())?;
    let mut all = world.driver.read(Engine::service_environments).await?;
    all.retain(|one| {
        let is_it = |name: &String| *name == one.service_environment_name || *name == one.service_environment_arn;
        names.is_empty() || names.iter().any(is_it)
    });
    let (asked, token) = (request.max_results, request.next_token.as_deref());
    let (found, next) = page(all, |one: &ServiceEnvironment| &one.service_environment_name, asked, token)?;
    Ok(Json(json!({ "serviceEnvironments": found, "nextToken": next })))
}

pub(in crate::daemon::api) async fn submit(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<SubmitServiceJobRequest>,
) -> Answered {
    match world.driver.command(caller.command(Action::SubmitServiceJob(Box::new(request)))).await? {
        Answer::Submitted(response) => Ok(Json(json!(response))),
        _ => Ok(nothing()),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Update {
    job_id: JobId,
    scheduling_priority: Option<i32>,
}

pub(in crate::daemon::api) async fn update(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<Update>,
) -> Answered {
    let Some(priority) = request.scheduling_priority else {
        return Err(ApiError::invalid(Service::Batch, "schedulingPriority is missing; it takes 0 to 9999"));
    };
    let action = Action::UpdateServiceJob { job: request.job_id, priority };
    match world.driver.command(caller.command(action)).await? {
        Answer::Submitted(response) => Ok(Json(json!(response))),
        _ => Ok(nothing()),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Terminate {
    job_id: JobId,
    reason: String,
}

pub(in crate::daemon::api) async fn terminate(
    State(world): Shared,
    caller: Caller,
    Wire(Terminate { job_id: job, reason }): Wire<Terminate>,
) -> Answered {
    let command = caller.command_because(&reason, Action::TerminateServiceJob { job, reason: reason.clone() });
    world.driver.command(command).await?;
    Ok(nothing())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Describe {
    job_id: JobId,
}

pub(in crate::daemon::api) async fn describe(
    State(world): Shared,
    Wire(Describe { job_id: id }): Wire<Describe>,
) -> Answered {
    let message = format!("Service job {id} not found; it may have been forgotten");
    match world.driver.read(move |engine| engine.service_job(&id)).await? {
        Some(job) => Ok(Json(json!(job))),
        None => Err(ApiError::invalid(Service::Batch, message)),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct List {
    job_queue: Option<String>,
    job_status: Option<String>,
    filters: Vec<KeyValues>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(in crate::daemon::api) async fn list(State(world): Shared, Wire(request): Wire<List>) -> Answered {
    let refuse = |message: String| Err(ApiError::invalid(Service::Batch, message));
    let Some(queue) = request.job_queue.clone() else {
        return refuse("jobQueue is missing; it takes a queue's name or ARN".to_owned());
    };
    let sieve = Sieve::parse(&request.filters, true)?;
    let status = match request.job_status.as_deref() {
        Some(given) if !ServiceJobStatus::KNOWN.contains(&given) => {
            let known = ServiceJobStatus::KNOWN.join(", ");
            return refuse(format!("jobStatus is `{given}`; it takes one of {known}"));
        }
        given if sieve.ignores_status() => given.filter(|_| false),
        None if sieve == Sieve::Everything => Some("RUNNING"),
        given => given,
    };
    let limit = size(request.max_results, PAGE)?;
    let before = match request.next_token.as_deref().filter(|token| !token.is_empty()) {
        None => u64::MAX,
        Some(token) => match token.parse() {
            Ok(number) => number,
            Err(_) => return refuse(format!("nextToken is `{token}`; it takes the token of the page before")),
        },
    };
    let found = world.driver.read(move |engine| engine.service_jobs_of(&queue)).await?;
    let jobs = found.map_err(|refusal| ApiError::of(Service::Batch, refusal.into()))?;
    let passes = |job: &ServiceJob| sieve.passes_service(job) && status.is_none_or(|only| job.status.as_str() == only);
    let mut rows: Vec<(u64, ServiceJob)> =
        jobs.into_iter().filter(|(number, job)| *number < before && passes(job)).take(limit + 1).collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(number, _)| number.to_string());
    let rows: Vec<Value> = rows.iter().map(|(_, job)| summary(job)).collect();
    Ok(Json(json!({ "jobSummaryList": rows, "nextToken": next })))
}

/// `ServiceJobSummary`: a part of what is described.
fn summary(job: &ServiceJob) -> Value {
    const MEMBERS: [&str; 10] = [
        "jobArn",
        "jobId",
        "jobName",
        "serviceJobType",
        "status",
        "statusReason",
        "createdAt",
        "stoppedAt",
        "shareIdentifier",
        "quotaShareName",
    ];
    let mut row = json!(job);
    if let Some(members) = row.as_object_mut() {
        members.retain(|name, _| MEMBERS.contains(&name.as_str()));
    }
    row
}
