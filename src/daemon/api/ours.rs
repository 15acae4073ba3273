//! What AWS has no call for, under `/batchdeck/v1/`; rows carry our own members here.

use super::caller::Caller;
use super::errors::{ApiError, Service};
use super::logs::{blocking, json_line, streamed};
use super::{Asked, Shared, Wire};
use crate::daemon::clock;
use crate::daemon::usage::over_time;
use crate::engine::command::{Action, Answer};
use crate::engine::{Engine, JobFilter};
use crate::model::{
    Alive, AuditEntry, CapacityOverTime, CommandRun, ComputeEnvironment, CostQuery, CostReport, Cursor, EngineStatus,
    InstanceId, JobDefinition, JobId, JobQueue, JobStatus, Millis, MoveTo, ObservedRuns, Scaling, Schedule,
    ScheduleRun, SubmitJobResponse, Throughput, UsageOverTime,
};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use futures::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;

/// Rows of a page where the caller names no limit, and at most.
const PAGE: usize = 1_000;
const MOST: usize = 10_000;

pub(super) async fn queues(State(world): Shared) -> Result<Json<Vec<JobQueue>>, ApiError> {
    Ok(Json(world.driver.read(Engine::job_queues).await?))
}

pub(super) async fn environments(State(world): Shared) -> Result<Json<Vec<ComputeEnvironment>>, ApiError> {
    Ok(Json(world.driver.read(Engine::compute_environments).await?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ScalingOf {
    environment: Option<String>,
}

/// `GET /batchdeck/v1/scaling?environment=NAME`: how instances came and went and why, newest first.
pub(super) async fn scaling(
    State(world): Shared,
    Asked(request): Asked<ScalingOf>,
) -> Result<Json<Vec<Scaling>>, ApiError> {
    Ok(Json(world.driver.read(move |engine| engine.scaling(request.environment.as_deref())).await?))
}

/// `GET /batchdeck/v1/capacity?environment=NAME`: how its capacity went, minute by minute.
pub(super) async fn capacity(
    State(world): Shared,
    Asked(request): Asked<ScalingOf>,
) -> Result<Json<CapacityOverTime>, ApiError> {
    let environment = request.environment.unwrap_or_default();
    Ok(Json(world.capacities.over_time(&world.place.region, &environment)))
}

pub(super) async fn definitions(State(world): Shared) -> Result<Json<Vec<JobDefinition>>, ApiError> {
    Ok(Json(world.driver.read(Engine::job_definitions).await?))
}

pub(super) async fn schedules(State(world): Shared) -> Result<Json<Vec<Schedule>>, ApiError> {
    Ok(Json(world.driver.read(Engine::schedules).await?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ListJobs {
    queue: Option<String>,
    array: Option<JobId>,
    nodes: Option<JobId>,
    statuses: Vec<JobStatus>,
    name: Option<String>,
    limit: Option<usize>,
    next_token: Option<String>,
}

pub(super) async fn list_jobs(State(world): Shared, Wire(request): Wire<ListJobs>) -> Result<Json<Value>, ApiError> {
    let filter = JobFilter {
        queue: request.queue,
        array: request.array,
        nodes: request.nodes,
        statuses: request.statuses,
        name: request.name,
        limit: request.limit.unwrap_or(PAGE).clamp(1, MOST),
        token: request.next_token,
    };
    let found = world.driver.read(move |engine| engine.jobs(&filter)).await?;
    let (jobs, next) = found.map_err(|refusal| ApiError::of(Service::Batch, refusal.into()))?;
    Ok(Json(json!({ "jobs": jobs, "nextToken": next })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DescribeJobs {
    jobs: Vec<JobId>,
}

pub(super) async fn describe_jobs(
    State(world): Shared,
    Wire(request): Wire<DescribeJobs>,
) -> Result<Json<Value>, ApiError> {
    let now = clock::wall();
    let described = move |engine: &Engine| {
        let mut jobs = engine.describe_jobs(&request.jobs);
        for job in &mut jobs {
            job.request = engine.request_of(&job.job_id).map(Box::new);
            job.cost = engine.job_cost(&job.job_id, now).filter(|cost| cost.tries > 0).map(Box::new);
        }
        jobs
    };
    Ok(Json(json!({ "jobs": world.driver.read(described).await? })))
}

/// `GET /batchdeck/v1/cost?by=queue|environment|share|definition&since=MILLIS`: an estimate of what was spent.
pub(super) async fn cost(State(world): Shared, Asked(query): Asked<CostQuery>) -> Result<Json<CostReport>, ApiError> {
    let now = clock::wall();
    Ok(Json(world.driver.read(move |engine| engine.costs(query, now)).await?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ThroughputOf {
    since: Millis,
}

/// `GET /batchdeck/v1/throughput?since=MILLIS`: what started and ended in this region, by the minute.
pub(super) async fn throughput(
    State(world): Shared,
    Asked(request): Asked<ThroughputOf>,
) -> Result<Json<Throughput>, ApiError> {
    Ok(Json(world.occurrences.throughput(&world.place.region, request.since, clock::wall())))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RunsOf {
    definition: Option<String>,
}

/// `GET /batchdeck/v1/runs?definition=NAME`: what was observed of the runs of its revisions, or of all definitions'.
pub(super) async fn runs(
    State(world): Shared,
    Asked(request): Asked<RunsOf>,
) -> Result<Json<Vec<ObservedRuns>>, ApiError> {
    Ok(Json(world.driver.read(move |engine| engine.observed_runs(request.definition.as_deref())).await?))
}

/// `GET /batchdeck/v1/usage/{task}`: what a task has used over time.
pub(super) async fn usage(State(world): Shared, Path(task): Path<String>) -> Result<Json<UsageOverTime>, ApiError> {
    let directory = world.directory.usage();
    let told = blocking(move || {
        let failed = |cause| ApiError::server(Service::Batch, format!("what {task} has used cannot be read: {cause}"));
        over_time(&directory, &task).map_err(failed)
    });
    Ok(Json(told.await?))
}

#[derive(Debug, Deserialize)]
pub(super) struct Priority {
    priority: i32,
}

pub(super) async fn reprioritise(
    State(world): Shared,
    caller: Caller,
    Path(job): Path<JobId>,
    Wire(request): Wire<Priority>,
) -> Result<Json<Value>, ApiError> {
    let action = Action::ReprioritiseJob { job, priority: request.priority };
    world.driver.command(caller.command(action)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn hold_job(world: Shared, caller: Caller, Path(job): Path<JobId>) -> Result<Json<Value>, ApiError> {
    order(world, caller, Action::HoldJob { job }).await
}

pub(super) async fn release_job(
    world: Shared,
    caller: Caller,
    Path(job): Path<JobId>,
) -> Result<Json<Value>, ApiError> {
    order(world, caller, Action::ReleaseJob { job }).await
}

pub(super) async fn move_job(
    world: Shared,
    caller: Caller,
    Path(job): Path<JobId>,
    Wire(to): Wire<MoveTo>,
) -> Result<Json<Value>, ApiError> {
    order(world, caller, Action::MoveJob { job, to }).await
}

pub(super) async fn hold_queue(
    world: Shared,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<Json<Value>, ApiError> {
    order(world, caller, Action::HoldQueue { queue }).await
}

pub(super) async fn release_queue(
    world: Shared,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<Json<Value>, ApiError> {
    order(world, caller, Action::ReleaseQueue { queue }).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Interrupt {
    /// Without the notice of two minutes.
    now: bool,
}

/// `POST /batchdeck/v1/instances/{id}/interrupt`: takes an instance away as Spot does.
pub(super) async fn interrupt(
    world: Shared,
    caller: Caller,
    Path(instance): Path<InstanceId>,
    Wire(request): Wire<Interrupt>,
) -> Result<Json<Value>, ApiError> {
    order(world, caller, Action::InterruptInstance { instance, now: request.now }).await
}

/// What an operator does with those who wait, and with instances.
async fn order(State(world): Shared, caller: Caller, action: Action) -> Result<Json<Value>, ApiError> {
    world.driver.command(caller.command(action)).await?;
    Ok(Json(json!({})))
}

pub(super) async fn run_schedule(
    State(world): Shared,
    caller: Caller,
    Path((group, name)): Path<(String, String)>,
) -> Result<Json<SubmitJobResponse>, ApiError> {
    match world.driver.command(caller.command(Action::RunSchedule { group, name })).await {
        Ok(Answer::Submitted(response)) => Ok(Json(response)),
        Ok(_) => Ok(Json(SubmitJobResponse::default())),
        Err(error) => Err(ApiError::of(Service::Scheduler, error)),
    }
}

pub(super) async fn schedule_runs(
    State(world): Shared,
    Path((group, name)): Path<(String, String)>,
) -> Result<Json<Vec<ScheduleRun>>, ApiError> {
    Ok(Json(world.driver.read(move |engine| engine.schedule_runs(&group, &name)).await?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Audit {
    limit: Option<usize>,
}

pub(super) async fn audit(
    State(world): Shared,
    Asked(request): Asked<Audit>,
) -> Result<Json<Vec<AuditEntry>>, ApiError> {
    let limit = request.limit.unwrap_or(PAGE).min(MOST);
    Ok(Json(world.driver.read(move |engine| engine.audit(limit)).await?))
}

/// `POST /batchdeck/v1/audit/runs`: a command of an operator's own has run.
pub(super) async fn record_run(
    world: Shared,
    caller: Caller,
    Wire(run): Wire<CommandRun>,
) -> Result<Json<Value>, ApiError> {
    order(world, caller, Action::RecordRun(run)).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Watch {
    cursor: Option<u64>,
}

/// A line of JSON for each change, for ever.
pub(super) async fn watch(State(world): Shared, Asked(request): Asked<Watch>) -> Response {
    let watcher = world.feed.watch(request.cursor.map(Cursor));
    streamed(stream::unfold(watcher, |mut watcher| async move {
        let changes = watcher.next(clock::wall).await?;
        let lines: Vec<u8> = changes.iter().flat_map(|change| json_line(&**change)).collect();
        Some((Ok::<_, Infallible>(lines.into()), watcher))
    }))
}

/// Answered whatever the engine's loop does: for whom it takes too long.
pub(super) async fn alive(State(world): Shared) -> Json<Alive> {
    let waits = world.driver.waits_for_disk();
    Json(Alive { waits_for_disk_millis: waits.map(|waits| Millis::try_from(waits.as_millis()).unwrap_or(Millis::MAX)) })
}

pub(super) async fn status(State(world): Shared) -> Result<Json<EngineStatus>, ApiError> {
    let (mut agents, jobs) = world.driver.read_all(|realms| (realms.agents(), realms.job_count())).await?;
    let presence = world.instances.roster().await;
    for agent in &mut agents {
        let present = presence.get(&agent.instance_id).cloned().unwrap_or_default();
        agent.pid = present.pid.or(agent.pid);
        agent.connected = present.connected;
        agent.silent_seconds = present.silent.map(|since| since.as_secs());
        agent.limits = present.limits;
    }
    Ok(Json(EngineStatus {
        pid: std::process::id(),
        version: env!("BATCHDECK_VERSION").to_owned(),
        data_directory: world.directory.path().display().to_string(),
        socket: world.directory.socket().display().to_string(),
        http: world.http.map(|address| address.to_string()),
        region: world.place.region.clone(),
        account: world.place.account.clone(),
        started_at: world.started_at,
        agents,
        consoles: world.feed.consoles(),
        jobs,
        log_disk: world.log_disks.told(),
        notices: world
            .driver
            .why_still()
            .into_iter()
            .chain(world.log_disks.notice())
            .chain(world.notices.clone())
            .chain(world.hooks.notices())
            .collect(),
    }))
}

pub(super) async fn stop(State(world): Shared, _caller: Caller) -> Json<Value> {
    tracing::info!("a client asks the engine to end");
    world.stop.notify_one();
    Json(json!({}))
}
