//! Lists: what is on which page, what is described beside it, and what is not asked twice.

use super::*;
use crate::backend::JobScope;
use crate::backend::stub::{Answer, Stub};
use crate::model::{JobStatus, StatusCounts};
use serde_json::json;

#[tokio::test]
async fn queues_come_from_all_pages_with_counts_that_say_when_they_are_a_lower_bound() {
    let (backend, stub) = world(two_queues).await;
    let queues = backend.job_queues().await.expect("lists");
    let names: Vec<_> = queues.iter().map(|queue| queue.job_queue_name.as_str()).collect();
    assert_eq!(names, ["big", "small"]);
    assert_eq!(queues[0].state, crate::model::Switch::Disabled);
    let big = StatusCounts(
        [(JobStatus::Pending, 1), (JobStatus::Runnable, 2), (JobStatus::Running, 1), (JobStatus::Succeeded, 2)].into(),
    );
    assert_eq!((queues[0].job_counts.as_ref(), queues[0].job_counts_partial), (Some(&big), true));
    let small = StatusCounts([(JobStatus::Running, 1)].into());
    assert_eq!((queues[1].job_counts.as_ref(), queues[1].job_counts_partial), (Some(&small), false));
    let of_small = stub.asked().iter().filter(|asked| asked.body["jobQueue"] == "small").count();
    assert_eq!(of_small, 1, "one call counts a small queue");
}

#[tokio::test]
async fn a_context_with_queues_of_interest_knows_and_asks_about_those_alone() {
    let (stub, address) = Stub::on_loopback(two_queues);
    let settings = AwsSettings { queues: vec!["sm*".to_owned()], ..settings_at(address) };
    let backend = AwsBackend::connect(settings).await.expect("has all it needs");
    let queues = backend.job_queues().await.expect("lists");
    assert_eq!(queues.iter().map(|queue| queue.job_queue_name.as_str()).collect::<Vec<_>>(), ["small"]);
    let jobs = backend.jobs(JobQuery::default()).await.expect("lists");
    assert_eq!(jobs.items.len(), 1);
    assert!(stub.asked().iter().all(|asked| asked.body["jobQueue"] != "big"));
}

#[tokio::test]
async fn a_snapshot_of_a_queue_is_read_as_aws_writes_it() {
    let answer = json!({
        "frontOfQueue": {"jobs": [{"jobArn": "arn:aws:batch:r:1:job/a", "earliestTimeAtPosition": 7}], "lastUpdatedAt": 9},
        "queueUtilization": {
            "totalCapacityUsage": [{"capacityUnit": "VCPU", "quantity": 2.5}],
            "fairshareUtilization": {
                "activeShareCount": 2,
                "topCapacityUtilization": [
                    {"shareIdentifier": "s", "capacityUsage": [{"capacityUnit": "VCPU", "quantity": 2.5}]}
                ]
            },
            "lastUpdatedAt": 9
        }
    });
    let told = answer.clone();
    let (backend, stub) = world(move |_| Answer::json(&told)).await;
    let shot = backend.queue_snapshot("main").await.expect("a snapshot");
    assert_eq!(serde_json::to_value(&shot).expect("json"), answer);
    assert_eq!(
        (stub.asked()[0].line.as_str(), &stub.asked()[0].body),
        ("POST /v1/getjobqueuesnapshot", &json!({"jobQueue": "main"}))
    );
}

#[tokio::test]
async fn running_jobs_include_arrays_whose_children_run_and_carry_their_sizes() {
    let (backend, _stub) = world(two_queues).await;
    let query = JobQuery { statuses: vec![JobStatus::Running], ..Default::default() };
    let page = backend.jobs(query).await.expect("lists");
    let ids: Vec<_> = page.items.iter().map(|row| row.job_id.as_str()).collect();
    assert_eq!(ids, ["s1", "arr"]);
    let extra = page.items[0].extra.as_ref().expect("was described");
    assert_eq!((extra.vcpus, extra.memory_mib, extra.attempt), (0.5, 64, 1));
    assert_eq!((extra.job_queue.as_str(), extra.log_stream_name.as_deref()), ("described", Some("d/default/t")));
    assert_eq!(page.next, None);
}

#[tokio::test]
async fn what_was_described_once_is_not_asked_again_while_the_job_stays_as_it_is() {
    let (backend, stub) = world(two_queues).await;
    let query = || JobQuery { scope: JobScope::Queue("small".into()), ..Default::default() };
    let first = backend.jobs(query()).await.expect("lists");
    let again = backend.jobs(query()).await.expect("lists");
    assert_eq!(first, again);
    assert_eq!(stub.asked().iter().filter(|asked| asked.line.ends_with("describejobs")).count(), 1);
}

#[tokio::test]
async fn jobs_are_described_a_hundred_at_a_time_and_told_in_the_order_asked() {
    let (backend, stub) = world(two_queues).await;
    let ids: Vec<JobId> = (0..250).map(|number| JobId(format!("j{number}"))).collect();
    let told = backend.describe_jobs(&ids).await.expect("are described");
    assert!(told.iter().map(|job| &job.job_id).eq(&ids));
    let mut sizes: Vec<_> =
        stub.asked().iter().map(|asked| asked.body["jobs"].as_array().expect("ids").len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 100, 100]);
    backend.describe_jobs(&[]).await.expect("nothing is asked");
    assert_eq!(stub.asked().len(), 3);
}

#[tokio::test]
async fn a_page_of_many_jobs_is_described_in_as_many_calls_as_it_takes_and_no_more_than_two() {
    let (backend, stub) = world(|asked| match asked.line.as_str() {
        "POST /v1/listjobs" => {
            assert!(asked.body["maxResults"].as_u64().is_some_and(|size| size <= 1000), "{}", asked.body);
            let rows: Vec<_> = (0..900).map(|number| job(&format!("r{number}"), "RUNNING", 1_000 - number)).collect();
            Answer::json(&json!({ "jobSummaryList": rows }))
        }
        _ => two_queues(asked),
    })
    .await;
    let query = JobQuery {
        scope: JobScope::Queue("small".into()),
        statuses: vec![JobStatus::Running],
        limit: Some(5_000),
        ..Default::default()
    };
    let page = backend.jobs(query).await.expect("lists");
    assert_eq!(page.items.len(), 900);
    let described = |row: &&JobSummary| row.extra.as_ref().is_some_and(|extra| extra.vcpus > 0.0);
    assert_eq!(page.items.iter().filter(described).count(), 200, "the others show what the list tells");
    assert_eq!(stub.asked().iter().filter(|asked| asked.line.ends_with("describejobs")).count(), 2);
}

#[tokio::test]
async fn jobs_are_listed_for_one_who_may_not_describe_them() {
    let (backend, _stub) = world(|asked| match asked.line.as_str() {
        "POST /v1/describejobs" => Answer::error(403, Some("AccessDeniedException"), r#"{"message":"no"}"#),
        _ => two_queues(asked),
    })
    .await;
    let query = JobQuery { scope: JobScope::Queue("small".into()), ..Default::default() };
    let page = backend.jobs(query).await.expect("lists");
    assert_eq!(page.items[0].extra.as_ref().expect("what the list tells").job_queue, "small");
}

#[tokio::test]
async fn a_page_token_goes_on_and_a_foreign_one_is_refused() {
    let (backend, stub) = world(two_queues).await;
    let mut query = JobQuery { scope: JobScope::Queue("big".into()), limit: Some(10), ..Default::default() };
    let page = backend.jobs(query.clone()).await.expect("lists");
    query.page_token = page.next;
    assert!(query.page_token.is_some());
    backend.jobs(query.clone()).await.expect("goes on");
    let asked = stub.asked();
    let lists: Vec<_> = asked.iter().filter(|asked| asked.line.ends_with("listjobs")).collect();
    assert_eq!(lists[0].body["maxResults"], 10);
    assert_eq!(lists[0].body["filters"], json!([{"name": "AFTER_CREATED_AT", "values": ["0"]}]));
    assert_eq!(lists[1].body["nextToken"], "more");
    query.page_token = Some("f/17".into());
    assert!(matches!(backend.jobs(query).await, Err(BackendError::Refused { .. })));
}

#[tokio::test]
async fn a_schedule_is_read_once_and_again_only_when_its_list_says_that_it_was_changed() {
    let modified = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1));
    let now = std::sync::Arc::clone(&modified);
    let (backend, stub) = world(move |asked| {
        let target = json!({"Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob", "RoleArn": "r", "Input": "{}"});
        let other = json!({"Arn": "arn:aws:lambda:eu-west-1:1:function:f"});
        let modified = now.load(std::sync::atomic::Ordering::SeqCst);
        if asked.line.starts_with("GET /schedules/") {
            return Answer::json(&json!({
                "Name": "tick", "GroupName": "team", "ScheduleExpression": "rate(1 hour)", "Target": target,
                "LastModificationDate": modified,
            }));
        }
        Answer::json(&json!({"Schedules": [
            {"Name": "tick", "GroupName": "team", "LastModificationDate": modified, "Target": {"Arn": target["Arn"]}},
            {"Name": "calls-a-function", "GroupName": "team", "LastModificationDate": 1, "Target": other},
        ]}))
    })
    .await;
    let reads = || stub.asked().iter().filter(|asked| asked.line.starts_with("GET /schedules/")).count();
    for expected in [1, 1] {
        let schedules = backend.schedules().await.expect("lists");
        assert_eq!(schedules.iter().map(Schedule::key).collect::<Vec<_>>(), ["team/tick"]);
        assert_eq!(reads(), expected);
    }
    modified.store(2, std::sync::atomic::Ordering::SeqCst);
    backend.schedules().await.expect("lists");
    assert_eq!(reads(), 2);
}
