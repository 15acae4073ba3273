//! Where service jobs print. AWS Batch tells which training job each attempt was; the instances of that write a stream each,
//! whose name begins with the training job's and ends with the time at which it began: `NAME/algo-1-1700000000`.
//!
//! Source: Amazon `SageMaker` developer guide, "`CloudWatch` Logs for Amazon `SageMaker` AI".

use super::budget::Caller::{self, Operator};
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{JobDetail, JobLog, Millis, TRAINING_LOG_GROUP};
use futures::future::try_join_all;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Streams of one training job that are listed, in pages.
const PAGES: usize = 4;
const PAGE: i32 = 50;
/// An attempt that has ended so long ago writes no further stream.
const SETTLED: Millis = 60_000;
/// Training jobs whose streams are remembered.
const REMEMBERED: usize = 2_000;

/// A training job that an attempt was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Training {
    /// From 1.
    pub attempt: u32,
    pub name: String,
}

/// The streams of training jobs that write no more.
#[derive(Debug, Default)]
pub struct Streams(HashMap<String, Vec<String>>);

impl Streams {
    fn note(&mut self, training: &str, streams: &[String]) {
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(training.to_owned(), streams.to_vec());
    }
}

impl Service {
    /// Fills in what a service job has printed. A watch is told what is known, without a call; so is everybody who may not
    /// list streams, and why.
    pub(super) async fn find_logs(
        &self,
        caller: Caller,
        detail: &mut JobDetail,
        trainings: Vec<Training>,
    ) -> Result<(), BackendError> {
        let began = detail.started_at.is_some();
        let ended = detail.attempts.len();
        let trainings = trainings.into_iter().filter(|one| began || one.attempt as usize <= ended);
        let job = &*detail;
        let found = trainings.map(|training| async move {
            let streams = self.streams_of(caller, job, &training).await?;
            Ok::<_, BackendError>(logs(&training, streams))
        });
        let (logs, unread) = match try_join_all(found).await {
            Ok(logs) => (logs.concat(), None),
            Err(error @ (BackendError::Refused { .. } | BackendError::Malformed { .. })) => {
                (Vec::new(), Some(error.to_string()))
            }
            Err(error) => return Err(error),
        };
        if let Some(service) = &mut detail.service {
            (service.logs, service.logs_unread) = (logs, unread);
        }
        Ok(())
    }

    async fn streams_of(
        &self,
        caller: Caller,
        detail: &JobDetail,
        training: &Training,
    ) -> Result<Vec<String>, BackendError> {
        let known = self.memory().services.streams.0.get(&training.name).cloned();
        if known.is_some() || caller != Operator {
            return Ok(known.unwrap_or_default());
        }
        let streams = self.list_streams(&training.name).await?;
        let ended = detail.attempts.get(training.attempt as usize - 1).and_then(|attempt| attempt.stopped_at);
        let is_settled = ended.is_some_and(|at| chrono::Utc::now().timestamp_millis() - at > SETTLED);
        if is_settled && !streams.is_empty() {
            self.memory().services.streams.note(&training.name, &streams);
        }
        Ok(streams)
    }

    async fn list_streams(&self, training: &str) -> Result<Vec<String>, BackendError> {
        let (mut streams, mut token) = (Vec::new(), None);
        for _ in 0..PAGES {
            let call = self
                .logs
                .describe_log_streams()
                .log_group_name(TRAINING_LOG_GROUP)
                .log_stream_name_prefix(format!("{training}/"))
                .limit(PAGE)
                .set_next_token(token);
            let page = match self.call(Operator, "DescribeLogStreams", || call.clone().send()).await {
                // The group comes into being with the first line of the first training job.
                Err(BackendError::NotFound { .. }) => return Ok(streams),
                page => page?,
            };
            streams
                .extend(page.log_streams.unwrap_or_default().into_iter().filter_map(|stream| stream.log_stream_name));
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(streams)
    }
}

/// The streams of an attempt in the order of its instances. Of one that was begun anew the last one has the instance's name,
/// and those before it their own.
fn logs(training: &Training, streams: Vec<String>) -> Vec<JobLog> {
    let begin = format!("{}/", training.name);
    let own = |stream: &String| stream.strip_prefix(&begin).unwrap_or(stream).to_owned();
    let mut all: Vec<(String, Option<u64>, String)> = streams
        .into_iter()
        .map(|stream| {
            let (name, since) = instance(&own(&stream));
            (name, since, stream)
        })
        .collect();
    all.sort_by_cached_key(|(name, since, _)| (number_last(name), Reverse(*since)));
    let mut logs: Vec<JobLog> = Vec::new();
    for (instance, _, stream) in all {
        let is_last = logs.iter().all(|log| log.container != instance);
        let container = if is_last { instance } else { own(&stream) };
        let group = Some(TRAINING_LOG_GROUP.to_owned());
        logs.push(JobLog { attempt: training.attempt, container, group, stream });
    }
    logs
}

/// `algo-1` and when it began, of `algo-1-1700000000`.
fn instance(name: &str) -> (String, Option<u64>) {
    let split = name.rsplit_once('-').and_then(|(instance, began)| Some((instance.to_owned(), began.parse().ok()?)));
    // What is no time is a part of the name.
    match split.filter(|(_, began)| *began > 1_000_000_000) {
        Some((instance, began)) => (instance, Some(began)),
        None => (name.to_owned(), None),
    }
}

/// So that `algo-2` comes before `algo-10`.
fn number_last(instance: &str) -> (String, u64) {
    let split = instance.rsplit_once('-').and_then(|(name, number)| Some((name.to_owned(), number.parse().ok()?)));
    split.unwrap_or_else(|| (instance.to_owned(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Backend;
    use crate::backend::aws::tests::world;
    use crate::backend::stub::{Answer, Asked};
    use serde_json::{Value, json};

    const ARN: &str = "arn:aws:sagemaker:r:1:training-job";

    /// A training that failed long ago as `t-1`, and runs again as `t-2`.
    fn trained(id: &str) -> Value {
        let resource = |name: &str| json!({"name": "TrainingJobArn", "value": format!("{ARN}/{name}")});
        json!({
            "jobId": id, "jobName": "fit", "jobArn": format!("arn:aws:batch:r:1:service-job/{id}"),
            "jobQueue": "arn:aws:batch:r:1:job-queue/train", "serviceJobType": "SAGEMAKER_TRAINING", "status": "RUNNING",
            "createdAt": 1, "startedAt": 2, "capacityUsage": [{"capacityUnit": "ml.m5.large", "quantity": 2.0}],
            "attempts": [{"startedAt": 2, "stoppedAt": 3, "serviceResourceId": resource("t-1")}],
            "latestAttempt": {"serviceResourceId": resource("t-2")},
        })
    }

    fn play(asked: &Asked, streams: fn(&Value) -> Answer) -> Answer {
        match asked.line.as_str() {
            "POST /v1/describejobs" => Answer::json(&json!({"jobs": []})),
            "POST /v1/describeservicejob" => Answer::json(&trained(asked.body["jobId"].as_str().expect("an id"))),
            "POST /" => streams(&asked.body),
            other => panic!("{other}"),
        }
    }

    fn told(job: &JobDetail) -> Vec<(u32, String, String)> {
        job.logs().into_iter().map(|log| (log.attempt, log.container, log.stream)).collect()
    }

    fn is(attempt: u32, container: &str, stream: &str) -> (u32, String, String) {
        (attempt, container.to_owned(), stream.to_owned())
    }

    #[tokio::test]
    async fn the_streams_of_each_attempt_are_its_logs_and_those_of_an_ended_one_are_remembered() {
        let (backend, stub) = world(|asked| {
            play(asked, |body| {
                assert_eq!(body["logGroupName"], TRAINING_LOG_GROUP);
                let streams =
                    |names: &[&str]| names.iter().map(|name| json!({"logStreamName": name})).collect::<Vec<_>>();
                Answer::json(&match (body["logStreamNamePrefix"].as_str(), body["nextToken"].as_str()) {
                    (Some("t-1/"), None) => json!({"logStreams": streams(&["t-1/algo-1-1700000000"])}),
                    (Some("t-2/"), None) => {
                        json!({"logStreams": streams(&["t-2/algo-2-1700000100"]), "nextToken": "m"})
                    }
                    (Some("t-2/"), Some("m")) => json!({"logStreams": streams(&["t-2/algo-1-1700000100"])}),
                    other => panic!("{other:?}"),
                })
            })
        })
        .await;
        let first = backend.describe_jobs(&["s1".into()]).await.expect("is found").remove(0);
        let logs = [
            is(1, "algo-1", "t-1/algo-1-1700000000"),
            is(2, "algo-1", "t-2/algo-1-1700000100"),
            is(2, "algo-2", "t-2/algo-2-1700000100"),
        ];
        assert_eq!(told(&first), logs);
        assert_eq!(first.log(None, None).expect("the latest").stream, "t-2/algo-1-1700000100");
        assert_eq!(first.log(Some(2), Some("algo-2")).and_then(|log| log.group).as_deref(), Some(TRAINING_LOG_GROUP));
        assert_eq!(first.container_names(), ["algo-1", "algo-2"]);
        let service = first.service.as_ref().expect("is one");
        assert!(!service.lacks_logs(2) && service.lacks_logs(3));

        let before = stub.asked().len();
        let again = backend.describe_jobs(&["s1".into()]).await.expect("is found").remove(0);
        assert_eq!(told(&again), logs);
        let asked = stub.asked().split_off(before);
        let prefixes: Vec<_> = asked.iter().filter_map(|asked| asked.body["logStreamNamePrefix"].as_str()).collect();
        assert_eq!(prefixes, ["t-2/", "t-2/"], "what writes no more is not looked for again");
    }

    #[tokio::test]
    async fn who_may_not_list_streams_sees_the_job_and_why_it_has_no_log() {
        let (backend, _stub) = world(|asked| {
            play(asked, |_| Answer::error(400, Some("AccessDeniedException"), r#"{"message": "not for you"}"#))
        })
        .await;
        let job = backend.describe_jobs(&["s1".into()]).await.expect("is found").remove(0);
        assert!(job.logs().is_empty());
        let why = job.service.and_then(|service| service.why_no_log()).expect("is said");
        assert!(why.contains("the permission logs:DescribeLogStreams is missing: not for you"), "{why}");
        assert!(
            why.contains("`aws logs tail /aws/sagemaker/TrainingJobs --log-stream-name-prefix t-2 --follow`"),
            "{why}"
        );
    }

    #[tokio::test]
    async fn before_a_group_or_a_stream_is_there_it_has_printed_nothing_yet() {
        let absent = |_: &Value| Answer::error(400, Some("ResourceNotFoundException"), r#"{"message": "no group"}"#);
        let empty = |_: &Value| Answer::json(&json!({"logStreams": []}));
        for streams in [absent as fn(&Value) -> Answer, empty] {
            let (backend, _stub) = world(move |asked| play(asked, streams)).await;
            let job = backend.describe_jobs(&["s1".into()]).await.expect("is found").remove(0);
            assert_eq!(job.container_names(), ["default"]);
            let why = job.service.and_then(|service| service.why_no_log());
            assert_eq!(why.as_deref(), Some("its training job t-2 has printed nothing yet"));
        }
    }

    #[test]
    fn instances_come_by_their_number_and_one_that_began_anew_by_its_last_stream() {
        let streams = [
            "t/algo-10-1700000000",
            "t/algo-2-1700000000",
            "t/algo-2-1700000900",
            "t/algo-1-1700000000",
            "t/gpu-1",
            "strange",
        ];
        let training = Training { attempt: 3, name: "t".into() };
        let told: Vec<_> = logs(&training, streams.map(str::to_owned).to_vec())
            .into_iter()
            .map(|log| (log.container, log.stream))
            .collect();
        let is = |container: &str, stream: &str| (container.to_owned(), stream.to_owned());
        assert_eq!(
            told,
            [
                is("algo-1", "t/algo-1-1700000000"),
                is("algo-2", "t/algo-2-1700000900"),
                is("algo-2-1700000000", "t/algo-2-1700000000"),
                is("algo-10", "t/algo-10-1700000000"),
                is("gpu-1", "t/gpu-1"),
                is("strange", "strange"),
            ]
        );
    }
}
