//! Service jobs: what a queue hands to `SageMaker` rather than to containers. They have calls of their own, which tell of one
//! job at a time, and a state that no other job has: SCHEDULED, between RUNNABLE and STARTING.

use super::AwsBackend;
use super::budget::Caller::{self, Operator};
use super::convert;
use super::pages::{By, Fetched, Place};
use super::service::Service;
use super::service_logs::Streams;
use crate::backend::BackendError;
use crate::model::{JobDetail, JobId, JobQueue, JobStatus};
use aws_sdk_batch::types;
use futures::future::try_join_all;
use std::collections::BTreeSet;

/// Rows in a page of `ListServiceJobs`.
const LARGEST_PAGE: usize = 100;
/// Service jobs at most that a watch describes at once: each takes a call.
const DESCRIBED: usize = 5;
/// Ids that nothing is known of and that are looked for among service jobs.
const LOOKED_FOR: usize = 3;
/// Service jobs that are remembered as such.
const REMEMBERED: usize = 20_000;

/// Which queues and jobs are of services.
#[derive(Debug, Default)]
pub struct Services {
    /// `None` until queues have been read.
    queues: Option<BTreeSet<String>>,
    jobs: BTreeSet<JobId>,
    pub streams: Streams,
}

impl Services {
    pub fn note_queues(&mut self, queues: &[JobQueue]) {
        let of_services = queues.iter().filter(|queue| queue.is_of_services());
        self.queues = Some(of_services.map(|queue| queue.job_queue_name.clone()).collect());
    }

    /// Whether a queue is known to hold service jobs.
    pub fn has_queue(&self, queue: &str) -> bool {
        self.queues.as_ref().is_some_and(|queues| queues.contains(queue))
    }

    pub fn has_job(&self, id: &JobId) -> bool {
        self.jobs.contains(id)
    }

    /// Whether there may be service jobs at all.
    fn may_be(&self) -> bool {
        self.queues.as_ref().is_none_or(|queues| !queues.is_empty())
    }

    pub fn note_jobs(&mut self, ids: impl Iterator<Item = JobId>) {
        if self.jobs.len() >= REMEMBERED {
            self.jobs.clear();
        }
        self.jobs.extend(ids);
    }
}

/// The states that a service job may have where one of ours is asked for.
fn states(asked: JobStatus) -> Vec<types::ServiceJobStatus> {
    let own = types::ServiceJobStatus::from(asked.as_str());
    if asked == JobStatus::Starting { vec![types::ServiceJobStatus::Scheduled, own] } else { vec![own] }
}

impl Service {
    /// One page of a queue of service jobs. Of two states the second comes after the first; where a page goes on, its token
    /// says in which.
    pub(super) async fn list_services(
        &self,
        caller: Caller,
        place: Place,
        queue: &str,
        limit: Option<usize>,
    ) -> Result<Fetched, BackendError> {
        let filter = |name: &str, value: &str| types::KeyValuesPair::builder().name(name).values(value).build();
        let states = match &place.source.by {
            By::Status(asked) => states(*asked),
            By::Name(_) | By::Age => Vec::new(),
        };
        let size = i32::try_from(limit.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE)).unwrap_or(i32::MAX);
        let begun = place.token.as_deref().and_then(|token| token.split_once(' '));
        let (mut at, mut token) =
            begun.map_or((0, None), |(at, token)| (at.parse().unwrap_or(0), Some(token.to_owned())));
        let mut rows = Vec::new();
        let next = loop {
            let call = self.batch.list_service_jobs().job_queue(queue).max_results(size).set_next_token(token.take());
            let call = match &place.source.by {
                By::Name(name) => call.filters(filter("JOB_NAME", name)),
                By::Age => call.filters(filter("AFTER_CREATED_AT", "0")),
                By::Status(_) => call.set_job_status(states.get(at).cloned()),
            };
            let answer = self.call(caller, "ListServiceJobs", || call.clone().send()).await?;
            let page = answer.job_summary_list.unwrap_or_default().into_iter();
            rows.extend(page.map(|row| convert::service::summary(row, queue)));
            if let Some(next) = answer.next_token {
                break Some(format!("{at} {next}"));
            }
            at += 1;
            if at >= states.len() {
                break None;
            }
        };
        self.memory().services.note_jobs(rows.iter().map(|row| row.job_id.clone()));
        if let Some(history) = &self.history {
            history.note_rows(&rows);
        }
        Ok(Fetched { place, rows, next })
    }

    /// All of each service job. A watch is told of a few in one go; unknown ids are left out.
    pub(super) async fn describe_services(
        &self,
        caller: Caller,
        ids: &[JobId],
    ) -> Result<Vec<JobDetail>, BackendError> {
        let most = if caller == Operator { ids.len() } else { ids.len().min(DESCRIBED) };
        let calls = ids[..most].iter().map(|id| async move {
            let call = self.batch.describe_service_job().job_id(id.as_str());
            match self.call(caller, "DescribeServiceJob", || call.clone().send()).await {
                // By this code AWS says that there is no such job.
                Err(BackendError::Refused { code, .. }) if code == "ClientException" => Ok(None),
                // The SDK fills in what an answer lacks.
                Ok(told) if told.job_id.as_deref() != Some(id.as_str()) => Ok(None),
                told => {
                    let (mut detail, trainings) = convert::service::detail(told?);
                    self.find_logs(caller, &mut detail, trainings).await?;
                    Ok(Some(detail))
                }
            }
        });
        let details: Vec<JobDetail> = try_join_all(calls).await?.into_iter().flatten().collect();
        self.memory().services.note_jobs(details.iter().map(|detail| detail.job_id.clone()));
        if let Some(history) = &self.history {
            history.note_details(&details);
        }
        Ok(details)
    }

    /// Looks among service jobs for ids that `DescribeJobs` does not know. Who may not describe them, and what stands in for
    /// AWS without them, finds none.
    pub(super) async fn find_services(&self, missing: &[JobId]) -> Result<Vec<JobDetail>, BackendError> {
        let may_be = self.memory().services.may_be();
        let whole = |id: &JobId| !id.as_str().contains([':', '#']);
        if missing.is_empty() || missing.len() > LOOKED_FOR || !may_be || !missing.iter().all(whole) {
            return Ok(Vec::new());
        }
        match self.describe_services(Operator, missing).await {
            Err(BackendError::Refused { .. } | BackendError::Malformed { .. }) => Ok(Vec::new()),
            found => found,
        }
    }
}

impl AwsBackend {
    /// Ends a service job, in whatever state it is: there is no other call for one that waits.
    pub(super) async fn terminate_service_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        let call = self.service.batch.terminate_service_job().job_id(id.as_str()).reason(reason);
        let result = self.service.call(Operator, "TerminateServiceJob", || call.clone().send()).await.map(|_| ());
        self.record("TerminateServiceJob", id.as_str(), Some(reason.to_owned()), "accepted".to_owned(), result).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::aws::pages::{Of, Source};
    use crate::backend::aws::tests::world;
    use crate::backend::stub::{Answer, Asked};
    use crate::backend::{Backend, JobQuery, Why};
    use crate::model::{What, is_service_job};
    use futures::StreamExt;
    use serde_json::{Value, json};

    fn row(id: &str, status: &str, at: i64) -> Value {
        json!({
            "jobId": id, "jobName": format!("train-{id}"), "jobArn": format!("arn:aws:batch:r:1:service-job/{id}"),
            "serviceJobType": "SAGEMAKER_TRAINING", "status": status, "createdAt": at, "shareIdentifier": "blue",
        })
    }

    /// A queue of trainings, of which one is described, beside a queue of containers.
    fn trainings(asked: &Asked) -> Answer {
        match asked.line.as_str() {
            "POST /v1/describejobqueues" => Answer::json(&json!({"jobQueues": [
                {"jobQueueName": "train", "jobQueueArn": "arn:aws:batch:r:1:job-queue/train", "priority": 9,
                    "jobQueueType": "SAGEMAKER_TRAINING"},
                {"jobQueueName": "main", "priority": 1, "jobQueueType": "ECS"},
            ]})),
            "POST /v1/describecomputeenvironments" => Answer::json(&json!({"computeEnvironments": []})),
            "GET /schedules?MaxResults=100" => Answer::json(&json!({"Schedules": []})),
            "POST /v1/listservicejobs" => {
                assert_eq!(asked.body["jobQueue"], "train");
                assert!(asked.body["maxResults"].as_u64().is_some_and(|size| size <= 100));
                match (asked.body["jobStatus"].as_str(), asked.body["nextToken"].as_str()) {
                    (None, None) => Answer::json(&json!({"jobSummaryList": [
                        row("s3", "RUNNABLE", 30), row("s2", "SCHEDULED", 20), row("s1", "SUCCEEDED", 10),
                    ]})),
                    (Some("SCHEDULED"), None) => {
                        Answer::json(&json!({"jobSummaryList": [row("s2", "SCHEDULED", 20)], "nextToken": "more"}))
                    }
                    (Some("SCHEDULED"), Some("more")) => {
                        Answer::json(&json!({"jobSummaryList": [row("s0", "SCHEDULED", 5)]}))
                    }
                    (Some("STARTING"), None) => Answer::json(&json!({"jobSummaryList": [row("s9", "STARTING", 4)]})),
                    other => panic!("{other:?}"),
                }
            }
            "POST /v1/listjobs" => {
                assert_eq!(asked.body["jobQueue"], "main", "no container jobs are looked for among trainings");
                Answer::json(&json!({"jobSummaryList": []}))
            }
            "POST /v1/describejobs" => Answer::json(&json!({"jobs": []})),
            "POST /v1/describeservicejob" if asked.body["jobId"] == "s2" => {
                let mut told = row("s2", "SCHEDULED", 20);
                let more = json!({
                    "jobQueue": "arn:aws:batch:r:1:job-queue/train", "schedulingPriority": 7, "scheduledAt": 25,
                    "statusReason": "waits in SageMaker", "isTerminated": false,
                    "serviceRequestPayload": "{\"TrainingJobName\":\"t\"}",
                    "retryStrategy": {"attempts": 3, "evaluateOnExit": [
                        {"action": "RETRY", "onStatusReason": "Received status from SageMaker: *"},
                    ]},
                    "timeoutConfig": {"attemptDurationSeconds": 3600}, "tags": {"team": "ml"},
                    "capacityUsage": [{"capacityUnit": "ml.m5.large", "quantity": 2.0}],
                    "attempts": [{"startedAt": 21, "stoppedAt": 22, "statusReason": "no capacity"}],
                    "latestAttempt": {"serviceResourceId":
                        {"name": "TrainingJobArn", "value": "arn:aws:sagemaker:r:1:training-job/t-7"}},
                });
                if let (Some(told), Some(more)) = (told.as_object_mut(), more.as_object()) {
                    told.extend(more.clone());
                }
                Answer::json(&told)
            }
            "POST /v1/describeservicejob" if asked.body["jobId"] == "s7" => Answer::json(&json!({})),
            "POST /v1/describeservicejob" => {
                Answer::error(400, Some("ClientException"), r#"{"message":"no such job"}"#)
            }
            "POST /v1/terminateservicejob" | "POST /v1/updateservicejob" | "POST /" => Answer::json(&json!({})),
            other => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn a_queue_of_services_lists_its_jobs_by_their_own_call_and_a_scheduled_one_as_starting() {
        let (backend, stub) = world(trainings).await;
        let page = backend.jobs(JobQuery::default()).await.expect("lists");
        let rows: Vec<_> = page.items.iter().map(|row| (row.job_id.as_str(), row.status)).collect();
        assert_eq!(rows, [("s3", JobStatus::Runnable), ("s2", JobStatus::Starting), ("s1", JobStatus::Succeeded)]);
        let scheduled = &page.items[1];
        assert!(scheduled.status_reason.as_deref().is_some_and(|told| told.starts_with("SCHEDULED: handed to")));
        assert_eq!(scheduled.extra.as_ref().expect("ours").job_queue, "train");
        assert!(is_service_job(&scheduled.job_arn));
        let described = |asked: &Asked| asked.line.contains("describe") && asked.line.ends_with("job");
        assert!(!stub.asked().iter().any(described), "the list tells what a row shows");
    }

    #[tokio::test]
    async fn two_states_are_one_list_that_goes_on_from_its_token() {
        let (backend, _stub) = world(trainings).await;
        backend.queues_alone().await.expect("lists");
        let source = Source { of: Of::Queue("train".into()), by: By::Status(JobStatus::Starting) };
        let place = Place { source, token: None, after: None };
        let first = backend.service.list(Operator, place.clone(), None).await.expect("lists");
        assert_eq!((first.rows.len(), first.next.as_deref()), (1, Some("0 more")));
        let rest = backend.service.list(Operator, Place { token: first.next, ..place }, None).await.expect("goes on");
        let ids: Vec<_> = rest.rows.iter().map(|row| row.job_id.as_str()).collect();
        assert_eq!((ids, rest.next), (vec!["s0", "s9"], None));
    }

    #[tokio::test]
    async fn a_service_job_is_described_moved_and_ended_by_its_own_calls() {
        let (backend, stub) = world(trainings).await;
        // Nothing is known of it yet, as where its id is given to a verb.
        let told = backend.describe_jobs(&["s2".into()]).await.expect("is found").remove(0);
        let service = told.service.as_ref().expect("is one");
        assert_eq!(service.asked(), "2 ml.m5.large");
        assert_eq!(service.service_request_payload, "{\"TrainingJobName\":\"t\"}");
        let why = service.why_no_log();
        assert_eq!(why.as_deref(), Some("its training job t-7 has printed nothing yet"));
        assert_eq!(told.status_reason.as_deref(), Some("SCHEDULED: waits in SageMaker"));
        let extra = told.extra.as_ref().expect("ours");
        assert_eq!((extra.priority, extra.attempt, extra.state_since, extra.job_queue.as_str()), (7, 2, 25, "train"));
        assert_eq!(told.attempts[0].status_reason.as_deref(), Some("no capacity"));

        backend.reprioritise_job(&"s2".into(), 50, Why::default()).await.expect("is moved");
        backend.cancel_job(&"s2".into(), "not now").await.expect("is ended");
        backend.terminate_job(&"s2".into(), "not at all").await.expect("is ended");
        let asked: Vec<_> = stub.asked().into_iter().skip(2).map(|asked| (asked.line, asked.body)).collect();
        let ended = |why: &str| ("POST /v1/terminateservicejob".to_owned(), json!({"jobId": "s2", "reason": why}));
        let moved = ("POST /v1/updateservicejob".to_owned(), json!({"jobId": "s2", "schedulingPriority": 50}));
        assert_eq!(asked, [moved, ended("not now"), ended("not at all")]);

        for none in ["s7", "s8"] {
            assert!(backend.describe_jobs(&[none.into()]).await.expect("none is so called").is_empty(), "{none}");
        }
    }

    #[tokio::test]
    async fn a_watch_tells_service_jobs_and_counts_them() {
        let (backend, stub) = world(trainings).await;
        let mut stream = backend.watch(None).await.expect("watches");
        let (mut jobs, mut counted) = (Vec::new(), None);
        loop {
            match stream.next().await.expect("an item").expect("a change").what {
                What::Job(job) => jobs.push((job.job_id.0, job.status)),
                What::Queue(queue) if queue.job_queue_name == "train" => counted = queue.job_counts,
                What::Alive { .. } => break,
                _ => {}
            }
        }
        jobs.sort();
        let expected = [("s1", JobStatus::Succeeded), ("s2", JobStatus::Starting), ("s3", JobStatus::Runnable)];
        assert_eq!(jobs, expected.map(|(id, status)| (id.to_owned(), status)));
        assert_eq!(counted.map(|counts| counts.total()), Some(3));
        assert!(!stub.asked().iter().any(|asked| asked.line.ends_with("describeservicejob")));
        let events: Vec<_> = backend.events(None, false).await.expect("are told").collect().await;
        let told: Vec<_> = events.into_iter().filter_map(|line| line.expect("a line").event).collect();
        assert_eq!(told.len(), 4, "three were submitted, and one has ended: {told:#?}");
        assert!(told.iter().all(|event| event["detail-type"] == "Batch Service Job State Change"));
    }
}
