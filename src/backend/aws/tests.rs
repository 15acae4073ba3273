//! What no mock of the service does: throttling, denied calls, pages, a service that is not there. The calls go through
//! the real SDK to a server that plays answers.

use super::*;
use crate::backend::stub::{Answer, Asked, Ending, Stub};
use crate::model::{
    ComputeResourceUpdate, CostQuery, HoldTarget, InstanceId, JobStatus, MoveTo, ScalingPolicy, StatusCounts,
    UpdateComputeEnvironmentRequest, What,
};
use futures::StreamExt;
use serde_json::{Value, json};

/// A backend whose every service is at `address`.
async fn backend_at(address: std::net::SocketAddr) -> AwsBackend {
    AwsBackend::connect(settings_at(address)).await.expect("has all it needs")
}

pub fn settings_at(address: std::net::SocketAddr) -> AwsSettings {
    AwsSettings {
        region: Some("eu-west-1".into()),
        endpoint: Some(format!("http://{address}")),
        keys: Some(Keys { access_key_id: "AKIATEST".into(), secret_access_key: "s".into(), session_token: None }),
        calls_per_second: 1000.0,
        by: "ann@host".into(),
        ..AwsSettings::default()
    }
}

pub async fn world(play: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (AwsBackend, Stub) {
    let (stub, address) = Stub::on_loopback(play);
    (backend_at(address).await, stub)
}

fn job(id: &str, status: &str, created_at: i64) -> Value {
    json!({"jobId": id, "jobName": format!("name-{id}"), "status": status, "createdAt": created_at})
}

#[tokio::test]
async fn calls_are_signed_for_the_region_and_the_service() {
    let (backend, stub) = world(|_| Answer::json(&json!({"computeEnvironments": []}))).await;
    backend.compute_environments().await.expect("lists");
    let asked = &stub.asked()[0];
    assert_eq!(asked.line, "POST /v1/describecomputeenvironments");
    let signature = asked.header("authorization");
    assert!(signature.contains("Credential=AKIATEST/") && signature.contains("/eu-west-1/batch/"), "{signature}");
}

#[tokio::test]
async fn a_refusal_says_what_it_is_and_what_to_do() {
    let cases = [
        (400, "ClientException", "JobQueue x not found.", "JobQueue x not found. (ClientException)"),
        (403, "AccessDeniedException", "not for you", "not for you (AccessDeniedException)"),
        (403, "ExpiredTokenException", "is old", "Sign in with `aws sso login`"),
        (403, "UnrecognizedClientException", "who?", "AWS credentials: who? (UnrecognizedClientException)"),
    ];
    for (status, code, message, expected) in cases {
        let body = json!({"message": message}).to_string();
        let (backend, _stub) = world(move |_| Answer::error(status, Some(code), &body)).await;
        let error = backend.compute_environments().await.expect_err("is refused").to_string();
        assert!(error.contains(expected), "{code}: {error}");
    }
}

#[tokio::test]
async fn a_submission_is_sent_again_where_it_certainly_took_no_effect_and_otherwise_never() {
    let (backend, stub) =
        world(|_| Answer::error(429, Some("TooManyRequestsException"), r#"{"message":"slower"}"#)).await;
    let error = backend.submit_job(SubmitJobRequest::default()).await.expect_err("is refused");
    assert_eq!(error, BackendError::Throttled { message: "slower".into() });
    assert_eq!(stub.asked().len(), 3);

    // A fault, an answer that ends half way, and one that is no answer: SubmitJob has no idempotency token.
    let faults = [
        Answer::error(500, Some("ServerException"), r#"{"message":"oh"}"#),
        Answer::pieces(&[b"{\"jobId\":\"a"], Ending::Cut),
        Answer::pieces(&[b"<html>"], Ending::Complete),
    ];
    let since = chrono::Utc::now().timestamp_millis() + 1;
    for fault in faults {
        let (backend, stub) = world(move |asked| match asked.line.as_str() {
            "POST /v1/submitjob" => fault.clone(),
            _ => Answer::json(
                &json!({"jobSummaryList": [job("00000000-old", "RUNNING", 5), job("abcdef01-new", "RUNNING", since)]}),
            ),
        })
        .await;
        let request = SubmitJobRequest { job_name: "j".into(), job_queue: "q".into(), ..Default::default() };
        let error = backend.submit_job(request).await.expect_err("is not known");
        let BackendError::Unsure { operation: "SubmitJob", next, .. } = &error else { panic!("{error:?}") };
        assert_eq!(next, "abcdef01 in `q` was submitted since and may be it; look before you submit it again");
        let lines: Vec<String> = stub.asked().into_iter().map(|asked| asked.line).collect();
        assert_eq!(lines, ["POST /v1/submitjob", "POST /v1/listjobs"], "{error}");
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_named() {
    let (stub, address) = Stub::on_loopback(|_| Answer::json(&json!({})));
    drop(stub);
    let backend = backend_at(address).await;
    let error = backend.submit_job(SubmitJobRequest::default()).await.expect_err("nobody answers");
    let BackendError::Unreachable { endpoint, cause, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*endpoint, format!("http://{address}"));
    assert!(cause.contains("refused") || cause.contains("reset") || cause.contains("closed"), "{cause}");
}

#[tokio::test]
async fn an_answer_that_is_not_of_the_api_is_called_malformed() {
    let (backend, _stub) = world(|_| Answer::pieces(&[b"<html>"], Ending::Complete)).await;
    let error = backend.compute_environments().await.expect_err("is no JSON");
    assert!(matches!(error, BackendError::Malformed { operation: "DescribeComputeEnvironments", .. }), "{error:?}");
}

#[tokio::test]
async fn what_aws_has_no_call_for_says_what_to_do_instead() {
    let (backend, stub) = world(|_| Answer::json(&json!({}))).await;
    let job = HoldTarget::Job("j".into());
    let held = backend.hold(&job, Why::default()).await.expect_err("is not possible");
    assert!(held.to_string().contains("`batchdeck cancel ID`"), "{held}");
    let queue = backend.hold(&HoldTarget::Queue("q".into()), Why::default()).await.expect_err("is not possible");
    assert!(queue.to_string().contains("`batchdeck envs disable NAME`"), "{queue}");
    let released = backend.release(&job, Why::default()).await.expect_err("is not possible");
    let elsewhere =
        backend.move_job(&"j".into(), MoveTo::default(), Why::default()).await.expect_err("is not possible");
    assert!(elsewhere.to_string().contains("it gets another id"), "{elsewhere}");
    let instance = InstanceId("i-0".into());
    let taken = backend.interrupt_instance(&instance, true, Why::default()).await.expect_err("is not possible");
    assert!(taken.to_string().contains("`aws ec2 terminate-instances`"), "{taken}");
    let letters = backend.dead_letters(5).await.expect_err("they are in SQS");
    let audit = backend.audit(5).await.expect_err("no file");
    let status = backend.engine_status().await.expect_err("no engine");
    let costs = backend.costs(CostQuery::default()).await.expect_err("no accounts");
    let runs = backend.observed_runs(None).await.expect_err("no observations");
    for error in [held, queue, released, elsewhere, taken, letters, audit, status, costs, runs] {
        assert!(matches!(error, BackendError::Unsupported { backend: "aws", .. }), "{error:?}");
    }
    let can = backend.capabilities();
    assert!(!can.instances);
    assert!(!can.reprioritise_job && !can.hold && !can.audit && !can.costs && !can.pushes_changes);
    assert!(can.schedules);
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn a_service_job_is_moved_by_its_own_call_and_of_a_container_job_it_is_said_what_there_is() {
    let (backend, stub) = world(|asked| match asked.line.as_str() {
        "POST /v1/describejobs" if asked.body["jobs"][0] == "c" => {
            Answer::json(&json!({"jobs": [job("c", "RUNNABLE", 1)]}))
        }
        _ => Answer::json(&json!({"jobs": []})),
    })
    .await;
    let moved = backend.reprioritise_job(&"c".into(), 5, Why::default()).await.expect_err("is not possible");
    assert_eq!(
        moved.to_string(),
        "reprioritising a waiting job is not possible on aws: replace it (`batchdeck replace ID --priority PRIORITY`), \
         which gives it another id, or raise the priority of its queue (`batchdeck reprioritise --queue NAME PRIORITY`)"
    );
    backend.reprioritise_job(&"s".into(), 5, Why::default()).await.expect("a service job");
    let last = stub.asked().pop().expect("a call");
    assert_eq!(last.line, "POST /v1/updateservicejob");
    assert_eq!(last.body, json!({"jobId": "s", "schedulingPriority": 5}));
}

#[tokio::test]
async fn a_scheduling_policy_is_read_and_changed_whole() {
    let (backend, stub) = world(|_| {
        Answer::json(&json!({"schedulingPolicies": [{"name": "fair", "arn": "arn:p", "fairsharePolicy": {
            "shareDecaySeconds": 600, "shareDistribution": [{"shareIdentifier": "blue", "weightFactor": 0.1}]
        }}]}))
    })
    .await;
    let policy = backend.scheduling_policy("arn:p").await.expect("reads");
    let fair = policy.fairshare_policy.expect("it is one");
    assert_eq!(fair.share_distribution[0].weight_factor, Some(0.1));
    let request = UpdateSchedulingPolicyRequest {
        arn: policy.arn,
        fairshare_policy: Some(fair),
        ..UpdateSchedulingPolicyRequest::default()
    };
    backend.update_scheduling_policy(request, Why::default()).await.expect("writes");
    let body = &stub.asked()[1].body;
    assert_eq!((&body["arn"], &body["fairsharePolicy"]["shareDecaySeconds"]), (&json!("arn:p"), &json!(600)));
    assert_eq!(body["fairsharePolicy"]["shareDistribution"][0]["shareIdentifier"], "blue");
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

/// Two queues; `big` has more than a filtered page of jobs, and an array whose child runs.
fn two_queues(asked: &Asked) -> Answer {
    let queue = asked.body["jobQueue"].as_str().unwrap_or_default();
    match asked.line.as_str() {
        "POST /v1/describejobqueues" if asked.body["nextToken"].is_null() => {
            Answer::json(&json!({"jobQueues": [{"jobQueueName": "small", "priority": 1}], "nextToken": "n"}))
        }
        "POST /v1/describejobqueues" => {
            Answer::json(&json!({"jobQueues": [{"jobQueueName": "big", "priority": 9, "state": "DISABLED"}]}))
        }
        "POST /v1/describecomputeenvironments" => Answer::json(&json!({"computeEnvironments": []})),
        "GET /schedules?MaxResults=100" => Answer::json(&json!({"Schedules": []})),
        "POST /v1/describejobs" => {
            let ids = asked.body["jobs"].as_array().expect("ids");
            assert!(!ids.is_empty() && ids.len() <= 100);
            let jobs = ids.iter().map(|id| {
                let status = if id == "s1" { "RUNNING" } else { "SUCCEEDED" };
                json!({"jobId": id, "jobQueue": "arn:aws:batch:eu-west-1:1:job-queue/described", "status": status,
                    "createdAt": 1, "container": {"resourceRequirements": [{"type": "VCPU", "value": "0.5"},
                    {"type": "MEMORY", "value": "64"}], "logStreamName": "d/default/t"}})
            });
            Answer::json(&json!({"jobs": jobs.collect::<Vec<_>>()}))
        }
        "POST /v1/listjobs" => {
            let rows = match (queue, asked.body["jobStatus"].as_str()) {
                ("small", None | Some("RUNNING")) => json!([job("s1", "RUNNING", 40)]),
                ("big", None) => json!([job("b9", "SUCCEEDED", 50)]),
                ("big", Some("SUCCEEDED")) => json!([job("b9", "SUCCEEDED", 50), job("b1", "SUCCEEDED", 10)]),
                ("big", Some("PENDING")) => {
                    let mut parent = job("arr", "PENDING", 30);
                    parent["arrayProperties"] = json!({"size": 3, "statusSummary": {"RUNNING": 1, "RUNNABLE": 2}});
                    json!([parent, job("wait", "PENDING", 20)])
                }
                _ => json!([]),
            };
            let is_first_of_many = queue == "big"
                && asked.body["nextToken"].is_null()
                && (asked.body["jobStatus"].is_null() || asked.body["jobStatus"] == "SUCCEEDED");
            let next = is_first_of_many.then_some("more");
            Answer::json(&json!({"jobSummaryList": rows, "nextToken": next}))
        }
        // EventBridge, which knows of no rule.
        "POST /" => Answer::json(&json!({"RuleNames": []})),
        other => panic!("{other}"),
    }
}

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
async fn a_watch_starts_with_a_reset_tells_all_rows_and_then_that_it_is_alive() {
    let (backend, _stub) = world(two_queues).await;
    let mut stream = backend.watch(None).await.expect("watches");
    let mut told = Vec::new();
    let mut cursor = Cursor(0);
    loop {
        let change = stream.next().await.expect("an item").expect("a change");
        assert!(change.cursor > cursor);
        cursor = change.cursor;
        let text = match change.what {
            What::Reset => "reset".to_owned(),
            What::Queue(queue) => {
                let more = if queue.job_counts_partial { "+" } else { "" };
                format!("{} {}{more}", queue.job_queue_name, queue.job_counts.unwrap_or_default().total())
            }
            What::Job(job) => format!("{} {}", job.job_id, job.status),
            What::Alive { .. } => break,
            other => panic!("{other:?}"),
        };
        told.push(text);
    }
    assert_eq!(
        told,
        [
            "reset",
            "big 0",
            "small 0",
            "b9 SUCCEEDED",
            "big 1+",
            "s1 RUNNING",
            "small 1",
            // Once more with what a description tells.
            "s1 RUNNING",
            "arr PENDING",
            "b1 SUCCEEDED",
            "wait PENDING",
            "big 6+"
        ]
    );
    // While the watch polls, counts are its own: a listing of queues costs its own two calls alone.
    let queues = backend.job_queues().await.expect("lists");
    assert_eq!(queues[0].job_counts.as_ref().expect("counted").total(), 6);

    drop(stream);
    let mut again = backend.watch(Some(cursor)).await.expect("watches");
    let change = again.next().await.expect("an item").expect("a change");
    assert!(matches!(change.what, What::Alive { .. }), "nothing is told twice: {:?}", change.what);
    drop(again);
    let mut behind = backend.watch(Some(Cursor(1))).await.expect("watches");
    let change = behind.next().await.expect("an item").expect("a change");
    assert_eq!(change.what, What::Reset);
}

#[tokio::test]
async fn a_watch_ends_with_the_error_that_stopped_it() {
    let (backend, _stub) = world(|asked| match asked.line.as_str() {
        "POST /v1/listjobs" => Answer::error(403, Some("AccessDeniedException"), r#"{"message":"no"}"#),
        "POST /v1/describejobqueues" => Answer::json(&json!({"jobQueues": [{"jobQueueName": "q", "priority": 1}]})),
        _ => Answer::json(&json!({})),
    })
    .await;
    let items: Vec<_> = backend.watch(None).await.expect("watches").collect().await;
    assert_eq!(items.len(), 3);
    assert!(matches!(items[2], Err(BackendError::Refused { .. })), "{items:?}");
}

#[tokio::test]
async fn a_watch_opens_only_once_the_service_has_answered() {
    let (backend, _stub) = world(|_| Answer::error(403, Some("AccessDeniedException"), r#"{"message":"no"}"#)).await;
    let error = backend.watch(None).await.err().expect("is not open");
    assert!(matches!(error, BackendError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_followed_log_goes_on_from_the_forward_token_and_names_the_default_group() {
    let (backend, stub) = world(|asked| {
        let token = asked.body["nextToken"].as_str().unwrap_or("f/0").to_owned();
        let (message, next) = match token.as_str() {
            "f/0" => (Some("one"), "f/1"),
            // An empty page before the end.
            "f/1" => (None, "f/2"),
            "f/2" => (Some("two"), "f/3"),
            _ => (None, "f/3"),
        };
        let events: Vec<_> = message.iter().map(|text| json!({"timestamp": 5, "message": text})).collect();
        Answer::json(&json!({"events": events, "nextForwardToken": next, "nextBackwardToken": "b/0"}))
    })
    .await;
    let lines = backend.follow_log(None, "d/default/t".into(), None).await.expect("follows");
    let batches: Vec<_> = lines.take(2).map(|batch| batch.expect("lines")[0].message.clone()).collect().await;
    assert_eq!(batches, ["one", "two"]);
    let asked = stub.asked();
    assert_eq!(asked[0].header("x-amz-target"), "Logs_20140328.GetLogEvents");
    assert_eq!(asked[0].body["logGroupName"], "/aws/batch/job");
    assert_eq!(asked[0].body["startFromHead"], true);
    assert_eq!(asked.len(), 3);
}

#[tokio::test]
async fn a_stream_that_does_not_exist_yet_is_waited_for_when_followed_and_not_found_when_read() {
    let body = r#"{"__type":"ResourceNotFoundException","message":"The specified log stream does not exist."}"#;
    let (backend, _stub) = world(move |_| Answer::error(400, None, body)).await;
    let wanted = GetLogEvents { log_stream_name: "s".into(), ..Default::default() };
    let error = backend.log_events(wanted).await.expect_err("is not there");
    assert_eq!(error, BackendError::NotFound { what: "log stream s of /aws/batch/job".into() });
    let mut lines = backend.follow_log(None, "s".into(), None).await.expect("follows");
    let moment = std::time::Duration::from_millis(300);
    assert!(tokio::time::timeout(moment, lines.next()).await.is_err(), "it waits");
}

#[tokio::test]
async fn environments_are_changed_tagged_and_deleted_by_their_own_operations() {
    let (backend, stub) = world(|_| Answer::json(&json!({}))).await;
    let resources = ComputeResourceUpdate {
        kind: Some("SPOT".into()),
        maxv_cpus: Some(8),
        allocation_strategy: Some("SPOT_CAPACITY_OPTIMIZED".into()),
        instance_types: Some(vec!["c5".into()]),
        bid_percentage: Some(60),
        scaling_policy: Some(ScalingPolicy { min_scale_down_delay_minutes: Some(20) }),
        ..ComputeResourceUpdate::default()
    };
    let update = UpdateComputeEnvironmentRequest {
        compute_environment: "it".into(),
        compute_resources: Some(resources),
        ..UpdateComputeEnvironmentRequest::default()
    };
    backend.update_compute_environment(update, Why::default()).await.expect("changed");
    let arn = "arn:aws:batch:us-east-1:123456789012:compute-environment/it";
    backend.tag_resource(arn, [("a".to_owned(), "b".to_owned())].into(), Why::default()).await.expect("tagged");
    backend.delete_compute_environment("it", Why::default()).await.expect("deleted");
    backend.delete_job_queue("high", Why::default()).await.expect("deleted");
    let asked = stub.asked();
    let bodies: Vec<_> = asked.iter().map(|asked| &asked.body).collect();
    let changed = json!({
        "type": "SPOT", "maxvCpus": 8, "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED", "instanceTypes": ["c5"],
        "bidPercentage": 60, "scalingPolicy": {"minScaleDownDelayMinutes": 20},
    });
    assert_eq!(
        bodies,
        [
            &json!({"computeEnvironment": "it", "computeResources": changed}),
            &json!({"tags": {"a": "b"}}),
            &json!({"computeEnvironment": "it"}),
            &json!({"jobQueue": "high"}),
        ]
    );
    assert!(asked[1].line.starts_with("POST /v1/tags/arn"), "{}", asked[1].line);
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

#[tokio::test]
async fn who_may_not_list_schedules_watches_jobs_all_the_same_and_is_told_once() {
    let (backend, stub) = world(|asked| match asked.line.as_str() {
        "GET /schedules?MaxResults=100" => {
            Answer::error(403, Some("AccessDeniedException"), r#"{"Message":"not for you"}"#)
        }
        _ => two_queues(asked),
    })
    .await;
    let mut stream = backend.watch(None).await.expect("watches");
    let (mut notices, mut unread) = (Vec::new(), Vec::new());
    let mut rounds = 0;
    while rounds < 2 {
        match stream.next().await.expect("an item").expect("a change").what {
            What::Notice(text) => notices.push(text),
            What::SchedulesUnread(why) => unread.push(why),
            What::Alive { .. } => {
                rounds += 1;
                // An operator's own change is what makes a watch look again; here it must not.
                backend.service.memory().schedules_changed = true;
            }
            _ => {}
        }
    }
    let denied = "the permission scheduler:ListSchedules is missing: not for you (AccessDeniedException)";
    assert_eq!(notices, [format!("schedules are not watched: {denied}")]);
    assert_eq!(unread, [Some(denied.to_owned())]);
    assert_eq!(stub.asked().iter().filter(|asked| asked.line.starts_with("GET /schedules")).count(), 1);
}

#[tokio::test]
async fn a_service_that_fails_by_what_passes_is_asked_again_and_one_that_asks_for_a_pause_is_given_it() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = std::sync::Arc::clone(&asked);
    let (backend, stub) = world(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Answer::error(500, Some("ServerException"), r#"{"message":"oh"}"#),
        1 => Answer::error(429, Some("TooManyRequestsException"), r#"{"message":"slower"}"#),
        _ => Answer::json(&json!({"computeEnvironments": []})),
    })
    .await;
    let begun = std::time::Instant::now();
    backend.compute_environments().await.expect("the third time");
    assert_eq!(stub.asked().len(), 3);
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1), "a pause after the 429");
    let meter = backend.meter().expect("calls are counted");
    assert_eq!(meter.throttled, 1);
    assert!(meter.allowed < 600.0, "half the rate: {meter:?}");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_set_right_by_the_answer_that_refuses_it() {
    let theirs = || chrono::Utc::now() + chrono::Duration::hours(3);
    let (backend, stub) = world(move |asked| {
        let signed = asked.header("x-amz-date");
        let signed = chrono::NaiveDateTime::parse_from_str(signed, "%Y%m%dT%H%M%SZ").expect("a time").and_utc();
        let date = || theirs().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if (theirs() - signed).abs() < chrono::Duration::minutes(5) {
            return Answer { date: Some(date()), ..Answer::json(&json!({"computeEnvironments": []})) };
        }
        let body = r#"{"message":"Signature expired: x is now earlier than y (z - 5 min.)"}"#;
        Answer { date: Some(date()), ..Answer::error(403, Some("InvalidSignatureException"), body) }
    })
    .await;
    backend.compute_environments().await.expect("the second time");
    backend.compute_environments().await.expect("it stays right");
    assert_eq!(stub.asked().len(), 3);
    let behind = backend.meter().expect("calls are counted").clock_behind;
    assert!((behind - 3 * 3_600_000).abs() < 60_000, "{behind}");
}

#[tokio::test]
async fn schedules_that_cannot_be_listed_for_a_while_are_watched_again_afterwards() {
    let fails = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let failing = std::sync::Arc::clone(&fails);
    let (backend, _stub) = world(move |asked| match asked.line.as_str() {
        "GET /schedules?MaxResults=100" if failing.load(std::sync::atomic::Ordering::SeqCst) => {
            Answer::error(500, Some("InternalServerException"), r#"{"Message":"oh"}"#)
        }
        "GET /schedules?MaxResults=100" => Answer::json(&json!({"Schedules": []})),
        _ => two_queues(asked),
    })
    .await;
    let mut stream = backend.watch(None).await.expect("watches");
    let mut notices = 0;
    while backend.meter().is_none_or(|meter| meter.read_at.schedules.is_none()) {
        match stream.next().await.expect("an item").expect("jobs are watched all the same").what {
            What::Notice(_) => notices += 1,
            What::Alive { .. } => fails.store(false, std::sync::atomic::Ordering::SeqCst),
            _ => {}
        }
    }
    assert_eq!(notices, 1);
}

/// An account with 50 queues. Each of the first five has 40,000 waiting jobs, and some that run.
fn crowded(asked: &Asked) -> Answer {
    let queue: usize =
        asked.body["jobQueue"].as_str().and_then(|name| name.strip_prefix("q-")?.parse().ok()).unwrap_or(0);
    match asked.line.as_str() {
        "POST /v1/describejobqueues" => {
            let queues: Vec<_> = (0..50)
                .map(|at| json!({"jobQueueName": format!("q-{at:02}"), "priority": 100 - at, "state": "ENABLED", "status": "VALID"}))
                .collect();
            Answer::json(&json!({"jobQueues": queues}))
        }
        "POST /v1/describecomputeenvironments" => Answer::json(&json!({"computeEnvironments": [
            {"computeEnvironmentName": "spot", "type": "MANAGED", "state": "ENABLED", "status": "VALID"}
        ]})),
        "GET /schedules?MaxResults=100" => Answer::json(&json!({"Schedules": []})),
        "POST /v1/listjobs" if queue >= 5 => Answer::json(&json!({"jobSummaryList": []})),
        "POST /v1/listjobs" => {
            let most = asked.body["maxResults"].as_u64().expect("a size of page");
            let rows = |status: &str, count: u64| -> Vec<Value> {
                (0..count.min(most))
                    .map(|at| {
                        job(&format!("{status}-{queue}-{at}"), status, 1_000_000 - i64::try_from(at).expect("few"))
                    })
                    .collect()
            };
            let (rows, next) = match asked.body["jobStatus"].as_str() {
                None | Some("RUNNABLE") => (rows("RUNNABLE", 40_000), Some("more")),
                Some("RUNNING") => (rows("RUNNING", 12), None),
                _ => (Vec::new(), None),
            };
            Answer::json(&json!({"jobSummaryList": rows, "nextToken": next}))
        }
        _ => Answer::json(&json!({"jobs": []})),
    }
}

#[tokio::test]
async fn a_crowded_account_is_shown_within_twenty_calls_and_never_read_whole() {
    let (backend, stub) = world(crowded).await;
    backend.look_at(Some("q-03"), None);
    let mut stream = backend.watch(None).await.expect("watches");
    let (mut queues, mut running, mut rounds) = (BTreeMap::new(), 0, 0);
    let mut after_twenty = None;
    while rounds < 6 {
        match stream.next().await.expect("an item").expect("a change").what {
            What::Queue(queue) => {
                queues.insert(queue.job_queue_name.clone(), queue);
            }
            What::Job(job) => running += u64::from(job.status == JobStatus::Running),
            What::Alive { .. } => {
                rounds += 1;
                backend.look_again();
            }
            _ => {}
        }
        if after_twenty.is_none() && stub.asked().len() >= 20 {
            after_twenty = Some((queues.clone(), running));
        }
    }
    let (seen, running) = after_twenty.expect("twenty calls were made");
    assert_eq!(seen.len(), 50, "all queues are listed");
    assert!(running >= 36, "what runs in the first queues: {running}");
    let counted: Vec<_> = seen.values().filter(|queue| queue.job_counts.is_some()).collect();
    assert!(counted.len() >= 4, "{} queues are counted", counted.len());
    let looked_at = seen["q-03"].job_counts.as_ref().expect("what is looked at comes first");
    assert!(looked_at.waiting() >= 1000 && seen["q-03"].job_counts_partial, "{looked_at:?}");
    let counts = seen["q-00"].job_counts.as_ref().expect("the first of all");
    assert!(counts.waiting() >= 100 && seen["q-00"].job_counts_partial, "a lower bound, and marked as one");
    assert!(seen["q-49"].job_counts.is_none(), "what was not fetched is not said to be empty");

    assert_eq!(queues["q-49"].job_counts.as_ref().map(StatusCounts::total), Some(0), "it was in the end");
    assert!(!queues["q-49"].job_counts_partial);
    assert_eq!(queues["q-00"].job_counts.as_ref().map(StatusCounts::waiting), Some(1000));
    let asked = stub.asked();
    let pages: Vec<_> = asked.iter().filter(|asked| asked.line.ends_with("listjobs")).collect();
    assert!(pages.iter().all(|page| page.body["nextToken"].is_null()), "no list is followed to its end");
    let read = backend.meter().expect("counted").read_at;
    assert_eq!(read.jobs.len(), 50);
}
