//! `CancelJobs`, `TerminateJobs` and `TerminateServiceJobs`: up to 50 jobs in one request, each with an outcome of its own.

use super::Answered;
use crate::daemon::api::caller::Caller;
use crate::daemon::api::errors::{ApiError, Service};
use crate::daemon::api::{Shared, Wire, World};
use crate::daemon::driver::CommandError;
use crate::engine::command::{Action, Refusal};
use crate::model::{JobId, validate};
use axum::Json;
use axum::extract::State;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most jobs of a request (API of 2016-08-10, `CancelJobs`).
const MOST: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::daemon::api) struct Stop {
    jobs: Vec<JobId>,
    reason: String,
}

/// `CancelJobsErrorDetail` and its kin.
#[derive(Debug, Serialize)]
struct Failure {
    job: JobId,
    code: &'static str,
    message: String,
}

pub(in crate::daemon::api) async fn cancel(State(world): Shared, caller: Caller, Wire(stop): Wire<Stop>) -> Answered {
    each(&world, &caller, stop, |job, reason| Action::CancelJob { job, reason }).await
}

pub(in crate::daemon::api) async fn terminate(
    State(world): Shared,
    caller: Caller,
    Wire(stop): Wire<Stop>,
) -> Answered {
    each(&world, &caller, stop, |job, reason| Action::TerminateJob { job, reason }).await
}

pub(in crate::daemon::api) async fn terminate_service(
    State(world): Shared,
    caller: Caller,
    Wire(stop): Wire<Stop>,
) -> Answered {
    each(&world, &caller, stop, |job, reason| Action::TerminateServiceJob { job, reason }).await
}

/// Sends all at once, so that they share a commit.
async fn each(world: &World, caller: &Caller, stop: Stop, action: impl Fn(JobId, String) -> Action) -> Answered {
    let Stop { jobs, reason } = stop;
    if !(1..=MOST).contains(&jobs.len()) {
        let message = format!("jobs has {} entries; it takes 1 to {MOST}", jobs.len());
        return Err(ApiError::invalid(Service::Batch, message));
    }
    validate::reason(&reason).map_err(|invalid| ApiError::invalid(Service::Batch, invalid.to_string()))?;
    let outcomes = join_all(jobs.iter().map(async |job| {
        if !job.is_well_formed() {
            let message =
                format!("{job} is no job's id; it takes a UUID, with `:INDEX` or `#INDEX` for a part of a job");
            return Some(("ValidationException", message));
        }
        let command = caller.clone().command_because(&reason, action(job.clone(), reason.clone()));
        match world.driver.command(command).await {
            // AWS counts a job that is not there any more as done.
            Ok(_) | Err(CommandError::Refused(Refusal::NotFound(_))) => None,
            Err(CommandError::Refused(refusal)) => Some(("ClientException", refusal.to_string())),
            Err(broken) => Some(("ServerException", broken.to_string())),
        }
    }))
    .await;
    let (mut successful, mut errors) = (Vec::new(), Vec::new());
    for (job, outcome) in jobs.into_iter().zip(outcomes) {
        match outcome {
            None => successful.push(job),
            Some((code, message)) => errors.push(Failure { job, code, message }),
        }
    }
    Ok(Json(json!({ "successful": successful, "errors": errors })))
}
