//! What AWS has forgotten, against a server that plays an account which forgets.

use super::*;
use crate::backend::aws::tests::settings_at;
use crate::backend::aws::{AwsBackend, AwsSettings};
use crate::backend::stub::{Answer, Asked, Stub};
use crate::backend::{Backend, BackendError};
use crate::model::{SubmitJobRequest, What, secret};
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_place_is_the_region_and_the_account_behind_an_endpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let arn = "arn:aws-cn:batch:cn-north-1:123:job/00000000";
    for (endpoint, expected) in [(None, "cn-north-1:123"), (Some("http://[::1]:5"), "http://[::1]:5 cn-north-1:123")] {
        let history = History::new(directory.path().join("h.db"), endpoint.map(str::to_owned));
        assert_eq!(history.place_of(arn).as_deref(), Some(expected));
        assert_eq!(history.place_of("job/1"), None);
    }
}

#[test]
fn a_list_of_what_has_not_ended_is_not_continued() {
    let asks = |statuses: &[JobStatus]| {
        History::turn_for(&JobQuery { statuses: statuses.to_vec(), ..JobQuery::default() }).is_some()
    };
    assert!(asks(&[]) && asks(&[JobStatus::Running, JobStatus::Failed]));
    assert!(!asks(&[JobStatus::Running, JobStatus::Runnable]));
}

/// Two jobs that failed in `q`, and nothing once it has forgotten them.
fn account(asked: &Asked, now: Millis, has_forgotten: bool) -> Answer {
    let arn = |what: &str| format!("arn:aws:batch:eu-west-1:1:{what}");
    let ended = |id: &str, at: i64| {
        json!({"jobId": id, "jobArn": arn(&format!("job/{id}")), "jobName": format!("n-{id}"),
            "jobQueue": arn("job-queue/q"), "status": "FAILED", "statusReason": "boom", "createdAt": at,
            "stoppedAt": at + 1, "container": {"exitCode": 3, "command": ["run", "it"],
                "environment": [{"name": "API_TOKEN", "value": "hunter2"}]}})
    };
    let jobs: Vec<Value> = if has_forgotten { vec![] } else { vec![ended("b", now - 1_000), ended("a", now - 2_000)] };
    Answer::json(&match asked.line.as_str() {
        "POST /v1/describejobqueues" => json!({"jobQueues": [{"jobQueueName": "q", "priority": 1, "state": "ENABLED",
            "status": "VALID", "jobQueueArn": arn("job-queue/q")}]}),
        "POST /v1/listjobs" if asked.body["jobStatus"].as_str().is_none_or(|status| status == "FAILED") => {
            json!({"jobSummaryList": jobs})
        }
        "POST /v1/describejobs" => json!({"jobs": jobs}),
        _ => json!({"jobSummaryList": [], "Schedules": [], "computeEnvironments": []}),
    })
}

/// A job's id, and whether it is from history.
fn seen(rows: &[JobSummary]) -> Vec<(String, bool)> {
    rows.iter().map(|row| (row.job_id.to_string(), row.from_history().is_some())).collect()
}

fn failed(page_token: Option<String>, limit: Option<u32>) -> JobQuery {
    JobQuery { statuses: vec![JobStatus::Failed], page_token, limit, ..JobQuery::default() }
}

#[tokio::test]
async fn what_aws_has_forgotten_is_told_from_what_was_seen_of_it() {
    let forgets = Arc::new(AtomicBool::new(false));
    let (forgotten, now) = (Arc::clone(&forgets), now());
    let (_stub, address) = Stub::on_loopback(move |asked| account(asked, now, forgotten.load(Ordering::SeqCst)));
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("history.db");
    let backend = async |history_file| {
        AwsBackend::connect(AwsSettings { history_file, ..settings_at(address) }).await.expect("connects")
    };
    let first = backend(Some(file.clone())).await;
    let page = first.jobs(failed(None, None)).await.expect("lists");
    assert_eq!((seen(&page.items), page.next), (vec![("b".into(), false), ("a".into(), false)], None));

    forgets.store(true, Ordering::SeqCst);
    first.note().await;
    let restarted = backend(Some(file)).await;
    assert_eq!(restarted.note().await, None);
    // One that was asked for by its id alone: where one is is found out first.
    let found = restarted.describe_jobs(&["a".into()]).await.expect("describes");
    assert_eq!(found.len(), 1);
    for backend in [&first, &restarted] {
        let page = backend.jobs(failed(None, Some(1))).await.expect("lists");
        assert_eq!(seen(&page.items), [("b".to_owned(), true)]);
        let page = backend.jobs(failed(page.next, Some(1))).await.expect("lists");
        assert_eq!((seen(&page.items), page.next), (vec![("a".into(), true)], None));
        let details = backend.describe_jobs(&["x".into(), "a".into()]).await.expect("describes");
        assert_eq!(details.len(), 1);
        let container = details[0].container.as_ref().expect("a container");
        assert_eq!(
            (container.command.as_slice(), container.environment[0].value.as_str()),
            (&["run".to_owned(), "it".to_owned()][..], secret::MASK)
        );
        assert!(details[0].from_history().is_some());
        let running = JobQuery { statuses: vec![JobStatus::Running], ..JobQuery::default() };
        assert!(backend.jobs(running).await.expect("lists").items.is_empty());
    }

    let mut stream = restarted.watch(None).await.expect("watches");
    let (mut rows, mut counted) = (Vec::new(), None);
    loop {
        match stream.next().await.expect("an item").expect("a change").what {
            What::Job(row) => rows.push(*row),
            What::Queue(queue) => counted = queue.job_counts.map(|counts| counts.get(JobStatus::Failed)),
            What::Alive { .. } => break,
            _ => {}
        }
    }
    assert_eq!(seen(&rows), [("a".to_owned(), true), ("b".to_owned(), true)]);
    assert_eq!(counted, Some(0), "they are not AWS's any more");

    let without = backend(None).await;
    assert!(without.jobs(failed(None, None)).await.expect("lists").items.is_empty());
}

#[tokio::test]
async fn a_watch_keeps_what_aws_forgets_before_its_eyes_and_never_describes_it() {
    let forgets = Arc::new(AtomicBool::new(false));
    let (forgotten, now) = (Arc::clone(&forgets), now());
    let (stub, address) = Stub::on_loopback(move |asked| account(asked, now, forgotten.load(Ordering::SeqCst)));
    let directory = tempfile::tempdir().expect("a directory");
    let history_file = Some(directory.path().join("history.db"));
    let backend = AwsBackend::connect(AwsSettings { history_file, ..settings_at(address) }).await.expect("connects");
    let mut stream = backend.watch(None).await.expect("watches");
    let mut rounds = 0;
    let mut marked = Vec::new();
    while rounds < 2 {
        match stream.next().await.expect("an item").expect("a change").what {
            What::Job(row) if row.from_history().is_some() => marked.push(row.job_id.to_string()),
            What::JobGone(id) => panic!("{id} is gone"),
            What::Alive { .. } => {
                rounds += 1;
                forgets.store(true, Ordering::SeqCst);
                backend.look_again();
            }
            _ => {}
        }
    }
    assert_eq!(marked, ["a", "b"]);
    let described = stub.asked().iter().filter(|asked| asked.line.ends_with("describejobs")).count();
    assert_eq!(described, 1, "while they were told of");
}

#[tokio::test]
async fn a_secret_that_was_not_kept_is_never_submitted() {
    let (stub, address) = Stub::on_loopback(|_| Answer::json(&json!({"jobId": "n", "jobName": "n"})));
    let backend = AwsBackend::connect(settings_at(address)).await.expect("connects");
    let request = |value: &str| SubmitJobRequest {
        job_name: "etl".into(),
        parameters: [("key".to_owned(), value.to_owned())].into(),
        ..Default::default()
    };
    let refusal = backend.submit_job(request(secret::MASK)).await.expect_err("is refused");
    assert!(matches!(&refusal, BackendError::Refused { code, .. } if code == "SecretNotKept"), "{refusal}");
    assert!(stub.asked().is_empty());
    backend.submit_job(request("x")).await.expect("is submitted");
}
