//! AWS Batch's own operations on queues, environments and definitions, in AWS's shapes and nothing else.

pub(super) mod bulk;
pub(super) mod consumables;
pub(super) mod jobs;
mod page;
pub(super) mod policies;
pub(super) mod quota_shares;
pub(super) mod required;
pub(super) mod services;
pub(super) mod tags;

use super::caller::Caller;
use super::errors::{ApiError, Service};
use super::{Shared, Wire, World};
use crate::engine::Engine;
use crate::engine::command::{Action, Answer};
use crate::model::{
    ComputeEnvironment, CreateComputeEnvironmentRequest, CreateJobQueueRequest, JobDefinition, JobQueue,
    JobQueueSnapshot, RegisterJobDefinitionRequest, RegisterJobDefinitionResponse, UpdateComputeEnvironmentRequest,
    UpdateJobQueueRequest,
};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The most rows of a page, and the most names in a request.
const PAGE: usize = 100;

/// All operations of the API of 2016-08-10.
pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/v1/describejobqueues", post(describe_job_queues))
        .route("/v1/createjobqueue", post(create_job_queue))
        .route("/v1/updatejobqueue", post(update_job_queue))
        .route("/v1/deletejobqueue", post(delete_job_queue))
        .route("/v1/getjobqueuesnapshot", post(job_queue_snapshot))
        .route("/v1/describecomputeenvironments", post(describe_compute_environments))
        .route("/v1/createcomputeenvironment", post(create_compute_environment))
        .route("/v1/updatecomputeenvironment", post(update_compute_environment))
        .route("/v1/deletecomputeenvironment", post(delete_compute_environment))
        .route("/v1/describejobdefinitions", post(describe_job_definitions))
        .route("/v1/registerjobdefinition", post(register_job_definition))
        .route("/v1/deregisterjobdefinition", post(deregister_job_definition))
        .route("/v1/createschedulingpolicy", post(policies::create))
        .route("/v1/updateschedulingpolicy", post(policies::update))
        .route("/v1/deleteschedulingpolicy", post(policies::delete))
        .route("/v1/describeschedulingpolicies", post(policies::describe))
        .route("/v1/listschedulingpolicies", post(policies::list))
        .route("/v1/createconsumableresource", post(consumables::create))
        .route("/v1/updateconsumableresource", post(consumables::update))
        .route("/v1/deleteconsumableresource", post(consumables::delete))
        .route("/v1/describeconsumableresource", post(consumables::describe))
        .route("/v1/listconsumableresources", post(consumables::list))
        .route("/v1/submitjob", post(jobs::submit))
        .route("/v1/describejobs", post(jobs::describe))
        .route("/v1/listjobs", post(jobs::list))
        .route("/v1/canceljob", post(jobs::cancel))
        .route("/v1/terminatejob", post(jobs::terminate))
        .route("/v1/canceljobs", post(bulk::cancel))
        .route("/v1/terminatejobs", post(bulk::terminate))
        .route("/v1/listjobsbyconsumableresource", post(consumables::list_jobs))
        .route("/v1/createserviceenvironment", post(services::create_environment))
        .route("/v1/updateserviceenvironment", post(services::update_environment))
        .route("/v1/deleteserviceenvironment", post(services::delete_environment))
        .route("/v1/describeserviceenvironments", post(services::describe_environments))
        .route("/v1/submitservicejob", post(services::submit))
        .route("/v1/updateservicejob", post(services::update))
        .route("/v1/terminateservicejob", post(services::terminate))
        .route("/v1/terminateservicejobs", post(bulk::terminate_service))
        .route("/v1/describeservicejob", post(services::describe))
        .route("/v1/listservicejobs", post(services::list))
        .route("/v1/createquotashare", post(quota_shares::create))
        .route("/v1/updatequotashare", post(quota_shares::update))
        .route("/v1/deletequotashare", post(quota_shares::delete))
        .route("/v1/describequotashare", post(quota_shares::describe))
        .route("/v1/listquotashares", post(quota_shares::list))
        // An ARN is one label, its slash encoded; a client that leaves the slash as it is means the same.
        .route("/v1/tags/{*arn}", get(tags::list).post(tags::tag).delete(tags::untag))
}

type Answered = Result<Json<Value>, ApiError>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Describe {
    #[serde(alias = "jobQueues", alias = "computeEnvironments", alias = "jobDefinitions")]
    names: Vec<String>,
    job_definition_name: Option<String>,
    status: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

impl Describe {
    /// What is asked for, in the order asked, unknown ones left out; or one page of all, by `key`. `names` are what a row
    /// may be called by.
    fn choose<T>(
        &self,
        field: &str,
        rows: Vec<T>,
        names: impl Fn(&T) -> [&String; 2],
        key: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, Option<String>), ApiError> {
        check_names(field, self.names.len())?;
        if self.names.is_empty() {
            let keyed: Vec<(String, T)> = rows.into_iter().map(|row| (key(&row), row)).collect();
            let (found, next) = page::page(keyed, |row| &row.0, self.max_results, self.next_token.as_deref())?;
            return Ok((found.into_iter().map(|(_, row)| row).collect(), next));
        }
        let mut rows: Vec<Option<T>> = rows.into_iter().map(Some).collect();
        let mut found = Vec::new();
        for wanted in &self.names {
            let is_it = |row: &Option<T>| row.as_ref().is_some_and(|row| names(row).contains(&wanted));
            found.extend(rows.iter().position(is_it).and_then(|at| rows[at].take()));
        }
        Ok((found, None))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct NamedQueue {
    job_queue: String,
}

async fn job_queue_snapshot(
    State(world): Shared,
    Wire(NamedQueue { job_queue }): Wire<NamedQueue>,
) -> Result<Json<JobQueueSnapshot>, ApiError> {
    if job_queue.is_empty() {
        return Err(ApiError::invalid(Service::Batch, "jobQueue is missing; it takes the name or ARN of a job queue"));
    }
    let now = crate::daemon::clock::wall();
    let found = world.driver.read(move |engine| engine.queue_snapshot(&job_queue, now)).await?;
    found.map(Json).map_err(|refusal| ApiError::of(Service::Batch, refusal.into()))
}

pub(in crate::daemon::api) async fn describe_job_queues(
    State(world): Shared,
    Wire(request): Wire<Describe>,
) -> Answered {
    let queues = world.driver.read(Engine::job_queues).await?;
    let (queues, next) = request.choose(
        "jobQueues",
        queues,
        |queue| [&queue.job_queue_name, &queue.job_queue_arn],
        |queue| queue.job_queue_name.clone(),
    )?;
    let plain = |queue| JobQueue { job_counts: None, job_counts_partial: false, held: false, blocked: None, ..queue };
    let queues: Vec<JobQueue> = queues.into_iter().map(plain).collect();
    Ok(Json(json!({ "jobQueues": queues, "nextToken": next })))
}

pub(in crate::daemon::api) async fn create_job_queue(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<CreateJobQueueRequest>,
) -> Answered {
    let answer = world.driver.command(caller.command(Action::CreateJobQueue(request))).await?;
    Ok(created(answer, "jobQueueName", "jobQueueArn"))
}

pub(in crate::daemon::api) async fn update_job_queue(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<UpdateJobQueueRequest>,
) -> Answered {
    let answer = world.driver.command(caller.command(Action::UpdateJobQueue(request))).await?;
    Ok(created(answer, "jobQueueName", "jobQueueArn"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Named {
    #[serde(alias = "jobQueue", alias = "computeEnvironment", alias = "jobDefinition")]
    name: String,
}

pub(in crate::daemon::api) async fn delete_job_queue(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<Named>,
) -> Answered {
    let name = request.name;
    world.driver.command(caller.command(Action::DeleteJobQueue { name })).await?;
    Ok(nothing())
}

pub(in crate::daemon::api) async fn describe_compute_environments(
    State(world): Shared,
    Wire(request): Wire<Describe>,
) -> Answered {
    let environments = world.driver.read(Engine::compute_environments).await?;
    let (environments, next) = request.choose(
        "computeEnvironments",
        environments,
        |one| [&one.compute_environment_name, &one.compute_environment_arn],
        |one| one.compute_environment_name.clone(),
    )?;
    let plain = |one| ComputeEnvironment { capacity: None, ..one };
    let environments: Vec<ComputeEnvironment> = environments.into_iter().map(plain).collect();
    Ok(Json(json!({ "computeEnvironments": environments, "nextToken": next })))
}

pub(in crate::daemon::api) async fn create_compute_environment(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<CreateComputeEnvironmentRequest>,
) -> Answered {
    let answer = world.driver.command(caller.command(Action::CreateComputeEnvironment(request))).await?;
    Ok(created(answer, "computeEnvironmentName", "computeEnvironmentArn"))
}

pub(in crate::daemon::api) async fn update_compute_environment(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<UpdateComputeEnvironmentRequest>,
) -> Answered {
    let answer = world.driver.command(caller.command(Action::UpdateComputeEnvironment(request))).await?;
    Ok(created(answer, "computeEnvironmentName", "computeEnvironmentArn"))
}

pub(in crate::daemon::api) async fn delete_compute_environment(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<Named>,
) -> Answered {
    let name = request.name;
    world.driver.command(caller.command(Action::DeleteComputeEnvironment { name })).await?;
    Ok(nothing())
}

pub(in crate::daemon::api) async fn describe_job_definitions(
    State(world): Shared,
    Wire(request): Wire<Describe>,
) -> Answered {
    let (name, status) = (request.job_definition_name.as_deref(), request.status.as_deref());
    if !request.names.is_empty() && (name.is_some() || status.is_some()) {
        let message = "jobDefinitions is given together with jobDefinitionName or status; it goes alone";
        return Err(ApiError::invalid(Service::Batch, message));
    }
    let mut definitions = world.driver.read(Engine::job_definitions).await?;
    definitions.retain(|one| {
        name.is_none_or(|name| name == one.job_definition_name) && status.is_none_or(|status| status == one.status)
    });
    let labelled: Vec<(String, JobDefinition)> = definitions.into_iter().map(|one| (one.label(), one)).collect();
    let (found, next) = request.choose(
        "jobDefinitions",
        labelled,
        |(label, one)| [label, &one.job_definition_arn],
        |(_, one)| format!("{} {:010}", one.job_definition_name, one.revision),
    )?;
    let found: Vec<JobDefinition> = found.into_iter().map(|(_, one)| one).collect();
    Ok(Json(json!({ "jobDefinitions": found, "nextToken": next })))
}

pub(in crate::daemon::api) async fn register_job_definition(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<RegisterJobDefinitionRequest>,
) -> Result<Json<RegisterJobDefinitionResponse>, ApiError> {
    match world.driver.command(caller.command(Action::RegisterJobDefinition(Box::new(request)))).await? {
        Answer::Registered(response) => Ok(Json(response)),
        _ => Ok(Json(RegisterJobDefinitionResponse::default())),
    }
}

async fn deregister_job_definition(State(world): Shared, caller: Caller, Wire(request): Wire<Named>) -> Answered {
    let action = Action::DeregisterJobDefinition { definition: request.name };
    world.driver.command(caller.command(action)).await?;
    Ok(nothing())
}

/// A name and an ARN under the members of a service's answer.
fn created(answer: Answer, name: &str, arn: &str) -> Json<Value> {
    match answer {
        Answer::Created { arn: given, name: called } => Json(json!({ name: called, arn: given })),
        _ => nothing(),
    }
}

/// At most so many things can be described at once.
fn check_names(field: &str, count: usize) -> Result<(), ApiError> {
    if count <= PAGE {
        return Ok(());
    }
    Err(ApiError::invalid(Service::Batch, format!("{field} has {count} entries; it takes at most {PAGE}")))
}

fn nothing() -> Json<Value> {
    Json(json!({}))
}
