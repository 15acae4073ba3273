//! Service jobs, as jobs: rows and details.

use super::{list, sorted, time};
use crate::model::{
    AttemptDetail, CapacityUsage, EvaluateOnExit, JobDetail, JobExtra, JobId, JobStatus, JobSummary, JobTimeout,
    Millis, RetryStrategy, ServiceRun, name_of,
};
use aws_sdk_batch::operation::describe_service_job::DescribeServiceJobOutput;
use aws_sdk_batch::types;

/// Its state as other jobs have it, and AWS's word for it where they have none.
fn state(given: Option<&types::ServiceJobStatus>, reason: Option<String>) -> (JobStatus, Option<String>) {
    let word = given.map(types::ServiceJobStatus::as_str).unwrap_or_default();
    if word != "SCHEDULED" {
        return (word.parse().unwrap_or_default(), reason);
    }
    let reason = reason.filter(|reason| !reason.is_empty());
    let told = reason.map_or("SCHEDULED: handed to the service, which has not started it yet".to_owned(), |reason| {
        format!("SCHEDULED: {reason}")
    });
    (JobStatus::Starting, Some(told))
}

/// When it entered its state, as far as AWS tells.
fn since(
    status: JobStatus,
    created: Millis,
    scheduled: Option<Millis>,
    started: Option<Millis>,
    stopped: Option<Millis>,
) -> Millis {
    match status {
        JobStatus::Starting => scheduled.unwrap_or(created),
        JobStatus::Running => started.unwrap_or(created),
        JobStatus::Succeeded | JobStatus::Failed => stopped.or(started).unwrap_or(created),
        _ => created,
    }
}

/// A row of `ListServiceJobs` of a queue.
pub fn summary(given: types::ServiceJobSummary, queue: &str) -> JobSummary {
    let (status, status_reason) = state(given.status.as_ref(), given.status_reason);
    let created_at = given.created_at.unwrap_or_default();
    let (scheduled_at, started_at, stopped_at) =
        (time(given.scheduled_at), time(given.started_at), time(given.stopped_at));
    JobSummary {
        job_arn: given.job_arn.unwrap_or_default(),
        job_id: JobId(given.job_id.unwrap_or_default()),
        job_name: given.job_name.unwrap_or_default(),
        status,
        status_reason,
        created_at,
        scheduled_at,
        started_at,
        stopped_at,
        share_identifier: given.share_identifier.or(given.quota_share_name),
        extra: Some(Box::new(JobExtra {
            job_queue: name_of(queue).to_owned(),
            state_since: since(status, created_at, scheduled_at, started_at, stopped_at),
            stopping: given.is_terminated == Some(true) && !status.is_final(),
            ..JobExtra::default()
        })),
        ..JobSummary::default()
    }
}

/// All of a service job.
pub fn detail(given: DescribeServiceJobOutput) -> JobDetail {
    let (status, status_reason) = state(given.status.as_ref(), given.status_reason);
    let created_at = given.created_at.unwrap_or_default();
    let (scheduled_at, started_at, stopped_at) =
        (time(given.scheduled_at), time(given.started_at), time(given.stopped_at));
    let attempts = list(given.attempts, |attempt| AttemptDetail {
        started_at: time(attempt.started_at),
        stopped_at: time(attempt.stopped_at),
        status_reason: attempt.status_reason,
        ..AttemptDetail::default()
    });
    let ended = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
    let job_queue = given.job_queue.unwrap_or_default();
    let is_terminated = given.is_terminated.unwrap_or_default();
    let extra = JobExtra {
        job_queue: name_of(&job_queue).to_owned(),
        priority: given.scheduling_priority.unwrap_or_default(),
        attempt: if status.is_placed() { ended.saturating_add(1) } else { ended },
        state_since: since(status, created_at, scheduled_at, started_at, stopped_at),
        stopping: is_terminated && !status.is_final(),
        ..JobExtra::default()
    };
    JobDetail {
        job_arn: given.job_arn.unwrap_or_default(),
        job_id: JobId(given.job_id.unwrap_or_default()),
        job_name: given.job_name.unwrap_or_default(),
        job_queue,
        status,
        status_reason,
        attempts,
        created_at,
        started_at,
        stopped_at,
        retry_strategy: given.retry_strategy.map(|strategy| RetryStrategy {
            attempts: super::count(strategy.attempts),
            evaluate_on_exit: list(strategy.evaluate_on_exit, |rule| EvaluateOnExit {
                on_status_reason: rule.on_status_reason,
                action: rule.action.map(|action| action.as_str().to_owned()).unwrap_or_default(),
                ..EvaluateOnExit::default()
            }),
        }),
        timeout: given
            .timeout_config
            .map(|timeout| JobTimeout { attempt_duration_seconds: super::count(timeout.attempt_duration_seconds) }),
        share_identifier: given.share_identifier.or(given.quota_share_name),
        scheduling_priority: given.scheduling_priority,
        tags: sorted(given.tags),
        is_terminated,
        service: Some(Box::new(ServiceRun {
            service_job_type: given.service_job_type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            service_request_payload: given.service_request_payload.unwrap_or_default(),
            resource: given.latest_attempt.and_then(|attempt| attempt.service_resource_id?.value),
            asks: list(given.capacity_usage, |usage| CapacityUsage {
                capacity_unit: usage.capacity_unit.unwrap_or_default(),
                quantity: usage.quantity.unwrap_or_default(),
            }),
        })),
        extra: Some(Box::new(extra)),
        ..JobDetail::default()
    }
}
