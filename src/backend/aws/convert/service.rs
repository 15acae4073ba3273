//! Service jobs, as jobs: rows and details.

use super::{list, signed, some_list, sorted, time, unsorted};
use crate::backend::aws::service_logs::Training;
use crate::model::{
    AttemptDetail, CapacityUsage, EvaluateOnExit, JobDetail, JobExtra, JobId, JobStatus, JobSummary, JobTimeout,
    Millis, RetryStrategy, ServiceJobEvaluateOnExit, ServiceJobRetryStrategy, ServiceRun, SubmitServiceJobRequest,
    name_of, training_job,
};
use aws_sdk_batch::operation::describe_service_job::DescribeServiceJobOutput;
use aws_sdk_batch::operation::submit_service_job::builders::SubmitServiceJobFluentBuilder;
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

/// The training jobs of the attempts that have ended, and that of the latest one where it is another.
fn trainings(given: &DescribeServiceJobOutput) -> Vec<Training> {
    let name = |id: Option<&types::ServiceResourceId>| Some(training_job(id?.value.as_deref()?)?.to_owned());
    let ended = given.attempts.iter().flatten().zip(1..);
    let ended =
        ended.filter_map(|(one, attempt)| Some(Training { attempt, name: name(one.service_resource_id.as_ref())? }));
    let mut all: Vec<Training> = ended.collect();
    let latest = given.latest_attempt.as_ref().and_then(|latest| name(latest.service_resource_id.as_ref()));
    if let Some(name) = latest.filter(|name| all.iter().all(|one| one.name != *name)) {
        let ended = given.attempts.as_ref().map_or(0, Vec::len);
        all.push(Training { attempt: u32::try_from(ended).unwrap_or(u32::MAX).saturating_add(1), name });
    }
    all
}

/// All of a service job but its logs, and the training jobs that those are of.
pub fn detail(given: DescribeServiceJobOutput) -> (JobDetail, Vec<Training>) {
    let trainings = trainings(&given);
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
    let detail = JobDetail {
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
            ..ServiceRun::default()
        })),
        extra: Some(Box::new(extra)),
        ..JobDetail::default()
    };
    (detail, trainings)
}

/// Fills a submission in.
pub fn submit(call: SubmitServiceJobFluentBuilder, wanted: SubmitServiceJobRequest) -> SubmitServiceJobFluentBuilder {
    let preemption = wanted.preemption_configuration.map(|given| {
        types::ServiceJobPreemptionConfiguration::builder()
            .set_preemption_retries_before_termination(given.preemption_retries_before_termination)
            .build()
    });
    let timeout = wanted.timeout_config.map(|given| {
        let seconds = signed(given.attempt_duration_seconds);
        types::ServiceJobTimeout::builder().set_attempt_duration_seconds(seconds).build()
    });
    call.job_name(wanted.job_name)
        .job_queue(wanted.job_queue)
        .service_request_payload(wanted.service_request_payload)
        .service_job_type(types::ServiceJobType::from(wanted.service_job_type.as_str()))
        .set_retry_strategy(wanted.retry_strategy.map(new_retry))
        .set_scheduling_priority(wanted.scheduling_priority)
        .set_share_identifier(wanted.share_identifier)
        .set_quota_share_name(wanted.quota_share_name)
        .set_preemption_configuration(preemption)
        .set_timeout_config(timeout)
        .set_tags(unsorted(wanted.tags))
}

fn new_retry(wanted: ServiceJobRetryStrategy) -> types::ServiceJobRetryStrategy {
    let rule = |rule: ServiceJobEvaluateOnExit| {
        types::ServiceJobEvaluateOnExit::builder()
            .set_action(rule.action.map(|action| types::ServiceJobRetryAction::from(action.as_str())))
            .set_on_status_reason(rule.on_status_reason)
            .build()
    };
    types::ServiceJobRetryStrategy::builder()
        .set_attempts(wanted.attempts)
        .set_evaluate_on_exit(some_list(wanted.evaluate_on_exit, rule))
        .build()
}
