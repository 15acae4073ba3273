//! AWS Batch's own operations on queues, environments and definitions, in AWS's shapes and nothing else.

pub(super) mod consumables;
pub(super) mod jobs;
pub(super) mod page;
pub(super) mod policies;

use super::caller::Caller;
use super::errors::{ApiError, Service};
use super::{Shared, Wire};
use crate::engine::Engine;
use crate::engine::command::{Action, Answer};
use crate::model::{
    ComputeEnvironment, CreateComputeEnvironmentRequest, CreateJobQueueRequest, JobDefinition, JobQueue,
    RegisterJobDefinitionRequest, RegisterJobDefinitionResponse, UpdateComputeEnvironmentRequest,
    UpdateJobQueueRequest, name_of,
};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

/// The most rows of a page, and the most names in a request.
const PAGE: usize = 100;

type Answered = Result<Json<Value>, ApiError>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Describe {
    #[serde(alias = "jobQueues", alias = "computeEnvironments", alias = "jobDefinitions")]
    names: Vec<String>,
    job_definition_name: Option<String>,
    status: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl Describe {
    fn check(&self) -> Result<(), ApiError> {
        if self.names.len() > PAGE {
            let message = format!("{} names are given; at most {PAGE} can be described at once", self.names.len());
            return Err(ApiError::invalid(Service::Batch, message));
        }
        Ok(())
    }

    fn names(&self, name: &str, arn: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name || wanted == arn)
    }

    /// One page, in the order of the keys; the token is the last key of the page before.
    fn page<T>(&self, rows: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let size = self.max_results.unwrap_or(PAGE).clamp(1, PAGE);
        let mut rows: Vec<(String, T)> = rows.into_iter().map(|row| (key(&row), row)).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        rows.retain(|(key, _)| self.next_token.as_ref().is_none_or(|token| key > token));
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(|(key, _)| key.clone());
        (rows.into_iter().map(|(_, row)| row).collect(), next)
    }
}

pub(in crate::daemon::api) async fn describe_job_queues(
    State(world): Shared,
    Wire(request): Wire<Describe>,
) -> Answered {
    request.check()?;
    let queues = world.driver.read(Engine::job_queues).await?;
    let queues = queues
        .into_iter()
        .filter(|queue| request.names(&queue.job_queue_name, &queue.job_queue_arn))
        .map(|queue| JobQueue { job_counts: None, job_counts_partial: false, ..queue })
        .collect();
    let (queues, next) = request.page(queues, |queue| queue.job_queue_name.clone());
    Ok(Json(json!({ "jobQueues": queues, "nextToken": next })))
}

pub(in crate::daemon::api) async fn create_job_queue(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<CreateJobQueueRequest>,
) -> Answered {
    match world.driver.command(caller.command(Action::CreateJobQueue(request))).await? {
        Answer::Created { arn, name } => Ok(Json(json!({ "jobQueueName": name, "jobQueueArn": arn }))),
        _ => Ok(nothing()),
    }
}

pub(in crate::daemon::api) async fn update_job_queue(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<UpdateJobQueueRequest>,
) -> Answered {
    let name = name_of(&request.job_queue).to_owned();
    world.driver.command(caller.command(Action::UpdateJobQueue(request))).await?;
    let queues = world.driver.read(Engine::job_queues).await?;
    let arn = queues.into_iter().find(|queue| queue.job_queue_name == name).map(|queue| queue.job_queue_arn);
    Ok(Json(json!({ "jobQueueName": name, "jobQueueArn": arn })))
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
    let name = name_of(&request.name).to_owned();
    world.driver.command(caller.command(Action::DeleteJobQueue { name })).await?;
    Ok(nothing())
}

pub(in crate::daemon::api) async fn describe_compute_environments(
    State(world): Shared,
    Wire(request): Wire<Describe>,
) -> Answered {
    request.check()?;
    let environments = world.driver.read(Engine::compute_environments).await?;
    let environments = environments
        .into_iter()
        .filter(|one| request.names(&one.compute_environment_name, &one.compute_environment_arn))
        .map(|one| ComputeEnvironment { capacity: None, ..one })
        .collect();
    let (environments, next) = request.page(environments, |one| one.compute_environment_name.clone());
    Ok(Json(json!({ "computeEnvironments": environments, "nextToken": next })))
}

pub(in crate::daemon::api) async fn create_compute_environment(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<CreateComputeEnvironmentRequest>,
) -> Answered {
    match world.driver.command(caller.command(Action::CreateComputeEnvironment(request))).await? {
        Answer::Created { arn, name } => {
            Ok(Json(json!({ "computeEnvironmentName": name, "computeEnvironmentArn": arn })))
        }
        _ => Ok(nothing()),
    }
}

pub(in crate::daemon::api) async fn update_compute_environment(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<UpdateComputeEnvironmentRequest>,
) -> Answered {
    let name = name_of(&request.compute_environment).to_owned();
    world.driver.command(caller.command(Action::UpdateComputeEnvironment(request))).await?;
    let all = world.driver.read(Engine::compute_environments).await?;
    let found = all.into_iter().find(|one| one.compute_environment_name == name);
    let arn = found.map(|one| one.compute_environment_arn);
    Ok(Json(json!({ "computeEnvironmentName": name, "computeEnvironmentArn": arn })))
}

pub(in crate::daemon::api) async fn delete_compute_environment(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<Named>,
) -> Answered {
    let name = name_of(&request.name).to_owned();
    world.driver.command(caller.command(Action::DeleteComputeEnvironment { name })).await?;
    Ok(nothing())
}

pub(in crate::daemon::api) async fn describe_job_definitions(
    State(world): Shared,
    Wire(request): Wire<Describe>,
) -> Answered {
    request.check()?;
    let definitions = world.driver.read(Engine::job_definitions).await?;
    let wanted = |one: &JobDefinition| {
        request.names(&one.label(), &one.job_definition_arn)
            && request.job_definition_name.as_ref().is_none_or(|name| *name == one.job_definition_name)
            && request.status.as_ref().is_none_or(|status| *status == one.status)
    };
    let definitions = definitions.into_iter().filter(wanted).collect();
    let key = |one: &JobDefinition| format!("{}:{:010}", one.job_definition_name, one.revision);
    let (definitions, next) = request.page(definitions, key);
    Ok(Json(json!({ "jobDefinitions": definitions, "nextToken": next })))
}

pub(in crate::daemon::api) async fn register_job_definition(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<RegisterJobDefinitionRequest>,
) -> Result<Json<RegisterJobDefinitionResponse>, ApiError> {
    match world.driver.command(caller.command(Action::RegisterJobDefinition(request))).await? {
        Answer::Registered(response) => Ok(Json(response)),
        _ => Ok(Json(RegisterJobDefinitionResponse::default())),
    }
}

pub(in crate::daemon::api) async fn deregister_job_definition(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<Named>,
) -> Answered {
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

fn nothing() -> Json<Value> {
    Json(json!({}))
}
