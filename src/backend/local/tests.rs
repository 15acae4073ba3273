use super::*;
use crate::backend::stub::{Answer, Asked, Ending, Stub};
use crate::model::{JobStatus, What};
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A backend and the stub behind it; the directory lives as long as both.
struct World {
    backend: LocalBackend,
    stub: Stub,
    directory: TempDir,
}

fn world(play: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> World {
    let directory = tempfile::tempdir().expect("makes a directory");
    let socket = directory.path().join("engine.sock");
    let stub = Stub::on_socket(&socket, play);
    World { backend: LocalBackend::new(socket, "ann@höst".into()), stub, directory }
}

fn impatient(world: &World) -> LocalBackend {
    let patience = Patience {
        call: Duration::from_millis(100),
        silence: Duration::from_millis(100),
        disk: Duration::from_millis(1),
    };
    let socket = world.directory.path().join("engine.sock");
    LocalBackend { client: Client::new(socket, "ann@host".into(), patience) }
}

fn change(cursor: u64, what: &What) -> Value {
    json!({"cursor": cursor, "at": 7, "what": what})
}

#[tokio::test]
async fn each_call_goes_to_its_route_with_who_and_why() {
    let w = world(|asked| match asked.line.as_str() {
        "GET /batchdeck/v1/definitions" => {
            Answer::json(&json!([{"jobDefinitionName": "a", "status": "ACTIVE"}, {"status": "INACTIVE"}]))
        }
        "POST /batchdeck/v1/jobs/list" => Answer::json(&json!({"jobs": [{"jobName": "j"}], "nextToken": "n"})),
        "POST /batchdeck/v1/jobs/describe" => Answer::json(&json!({"jobs": []})),
        line if line.starts_with("GET") && !line.ends_with("status") => Answer::json(&json!([])),
        _ => Answer::json(&json!({})),
    });
    let b = &w.backend;
    let why = Why { reason: Some("für Ann".into()) };
    let id = JobId::from("uuid:7");
    let schedule = Schedule { name: "a b".into(), group_name: "g/h".into(), ..Schedule::default() };
    let query = JobQuery {
        scope: JobScope::Queue("main".into()),
        statuses: vec![JobStatus::Running],
        name: Some("etl*".into()),
        page_token: Some("t".into()),
        limit: Some(5),
    };

    b.job_queues().await.expect("queues");
    b.create_job_queue(CreateJobQueueRequest::default()).await.expect("creates");
    b.update_job_queue(UpdateJobQueueRequest { job_queue: "q".into(), ..Default::default() }, why.clone())
        .await
        .expect("updates");
    b.compute_environments().await.expect("environments");
    b.update_compute_environment(UpdateComputeEnvironmentRequest::default(), why.clone()).await.expect("updates");
    let page = b.jobs(query).await.expect("jobs");
    b.describe_jobs(std::slice::from_ref(&id)).await.expect("describes");
    b.submit_job(SubmitJobRequest { job_name: "j".into(), ..Default::default() }).await.expect("submits");
    b.cancel_job(&id, "not needed").await.expect("cancels");
    b.terminate_job(&id, "stuck").await.expect("terminates");
    b.reprioritise_job(&id, 50, why.clone()).await.expect("moves");
    b.log_events(GetLogEvents { log_stream_name: "s".into(), ..Default::default() }).await.expect("reads");
    b.schedules().await.expect("schedules");
    b.create_schedule(schedule.clone()).await.expect("creates");
    b.update_schedule(schedule).await.expect("updates");
    b.delete_schedule("g/h", "a b").await.expect("deletes");
    b.run_schedule("g/h", "a b").await.expect("runs");
    b.schedule_runs("g/h", "a b").await.expect("runs");
    b.audit(20).await.expect("audit");
    b.engine_status().await.expect("status");
    b.stop_engine().await.expect("stops");
    let active = b.job_definitions(true).await.expect("definitions");

    let asked = w.stub.asked();
    let lines: Vec<_> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "GET /batchdeck/v1/queues",
            "POST /v1/createjobqueue",
            "POST /v1/updatejobqueue",
            "GET /batchdeck/v1/environments",
            "POST /v1/updatecomputeenvironment",
            "POST /batchdeck/v1/jobs/list",
            "POST /batchdeck/v1/jobs/describe",
            "POST /v1/submitjob",
            "POST /v1/canceljob",
            "POST /v1/terminatejob",
            "PUT /batchdeck/v1/jobs/uuid%3A7/priority",
            "POST /",
            "GET /batchdeck/v1/schedules",
            "POST /schedules/a%20b",
            "PUT /schedules/a%20b",
            "DELETE /schedules/a%20b?groupName=g%2Fh",
            "POST /batchdeck/v1/schedules/g%2Fh/a%20b/run",
            "GET /batchdeck/v1/schedules/g%2Fh/a%20b/runs",
            "GET /batchdeck/v1/audit?limit=20",
            "GET /batchdeck/v1/status",
            "POST /batchdeck/v1/stop",
            "GET /batchdeck/v1/definitions",
        ]
    );
    assert!(asked.iter().all(|asked| asked.header("x-batchdeck-by") == "ann%40h%C3%B6st"));
    for at in [2, 4, 10] {
        assert_eq!(asked[at].header("x-batchdeck-reason"), "f%C3%BCr%20Ann", "{}", asked[at].line);
    }
    assert_eq!(asked[1].header("x-batchdeck-reason"), "");
    assert_eq!(asked[2].body, json!({"jobQueue": "q"}));
    assert_eq!(
        asked[5].body,
        json!({"queue": "main", "statuses": ["RUNNING"], "name": "etl*", "limit": 5, "nextToken": "t"})
    );
    assert_eq!(asked[8].body, json!({"jobId": "uuid:7", "reason": "not needed"}));
    assert_eq!(asked[10].body, json!({"priority": 50}));
    assert_eq!(asked[11].header("x-amz-target"), "Logs_20140328.GetLogEvents");
    assert_eq!(asked[13].body["GroupName"], "g/h");
    assert_eq!((page.items.len(), page.next.as_deref()), (1, Some("n")));
    assert_eq!(active.len(), 1);
}

#[tokio::test]
async fn many_ids_are_described_a_hundred_at_a_time() {
    let w = world(|asked| {
        let ids = asked.body["jobs"].as_array().expect("ids").iter();
        Answer::json(&json!({"jobs": ids.map(|id| json!({"jobId": id})).collect::<Vec<_>>()}))
    });
    let ids: Vec<_> = (0..230).map(|n| JobId(format!("job-{n}"))).collect();
    let described = w.backend.describe_jobs(&ids).await.expect("describes");
    assert_eq!(described.iter().map(|job| job.job_id.clone()).collect::<Vec<_>>(), ids);
    assert_eq!(w.stub.asked().len(), 3);
}

#[tokio::test]
async fn a_refusal_keeps_the_services_code_and_words() {
    let refused = |code: &str, message: &str| BackendError::Refused { code: code.into(), message: message.into() };
    let cases = [
        (Answer::error(400, Some("ClientException"), r#"{"message":"no"}"#), refused("ClientException", "no")),
        (Answer::error(400, Some("ClientException:http://x"), r#"{"Message":"no"}"#), refused("ClientException", "no")),
        (Answer::error(400, None, r#"{"__type":"a.b#OddException","message":"no"}"#), refused("OddException", "no")),
        (
            Answer::error(500, Some("ServerException"), r#"{"message":"disk full"}"#),
            refused("ServerException", "disk full"),
        ),
        (
            Answer::error(404, None, ""),
            refused("404", "the engine knows no TerminateJob; it may be of an older version: restart it"),
        ),
        (Answer::error(502, None, "<html>"), refused("502", "TerminateJob was answered with 502 Bad Gateway")),
        (
            Answer::error(404, Some("ResourceNotFoundException"), r#"{"Message":"gone"}"#),
            BackendError::NotFound { what: "job uuid".into() },
        ),
        (
            Answer::error(429, Some("TooManyRequestsException"), r#"{"message":"slower"}"#),
            BackendError::Throttled { message: "slower".into() },
        ),
    ];
    for (answer, expected) in cases {
        let shown = format!("{answer:?}");
        let w = world(move |_| answer.clone());
        let error = w.backend.terminate_job(&"uuid".into(), "x").await.expect_err("refuses");
        assert_eq!(error, expected, "{shown}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_of_the_api_is_called_malformed() {
    let w = world(|_| Answer::pieces(&[b"<html>"], Ending::Complete));
    let error = w.backend.engine_status().await.expect_err("is no JSON");
    assert!(matches!(error, BackendError::Malformed { operation: "EngineStatus", .. }), "{error}");
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_named_with_what_to_do() {
    let backend = LocalBackend::new("/nowhere/engine.sock".into(), "ann@host".into());
    let error = backend.job_queues().await.expect_err("nobody listens").to_string();
    assert!(error.starts_with("/nowhere/engine.sock cannot be reached: no engine answers there"), "{error}");
    assert!(error.ends_with("start it with `batchdeck engine start`"), "{error}");
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_given_up() {
    let w = world(|_| Answer::pieces(&[], Ending::Mute));
    let backend = impatient(&w);
    let call = backend.job_queues().await.expect_err("waits in vain");
    assert!(call.to_string().contains("no answer to DescribeJobQueues within"), "{call}");
    let Err(stream) = backend.watch(None).await else { panic!("there is no stream") };
    assert!(stream.to_string().contains("no answer to Watch within"), "{stream}");
}

#[tokio::test]
async fn an_engine_that_waits_for_its_disk_is_waited_for_and_that_is_what_is_said() {
    let w = world(|asked| match asked.line.as_str() {
        "GET /batchdeck/v1/alive" => Answer::json(&json!({ "waitsForDiskMillis": 7_000 })),
        _ => Answer::pieces(&[], Ending::Mute),
    });
    let error = impatient(&w).job_queues().await.expect_err("waits in vain").to_string();
    assert!(error.contains("its disk has kept the engine waiting, for 7 s at once"), "{error}");

    // As long as it does, its answer is taken.
    let asked_twice = std::sync::Arc::new(tokio::sync::Notify::new());
    let w = world({
        let asked_twice = std::sync::Arc::clone(&asked_twice);
        move |asked| {
            if asked.line == "GET /batchdeck/v1/alive" {
                asked_twice.notify_one();
                return Answer::json(&json!({ "waitsForDiskMillis": 7_000 }));
            }
            Answer::pieces(&[], Ending::Mute)
        }
    });
    let patience = Patience { disk: Duration::from_hours(1), ..impatient(&w).client.patience };
    let socket = w.directory.path().join("engine.sock");
    let patient = LocalBackend { client: Client::new(socket, "ann@host".into(), patience) };
    let waits = async {
        for _ in 0..2 {
            asked_twice.notified().await;
        }
    };
    tokio::select! {
        answered = patient.job_queues() => panic!("given up: {answered:?}"),
        () = waits => {}
    }
}

#[tokio::test]
async fn an_engine_that_was_restarted_is_found_without_an_error() {
    let w = world(|_| Answer::json(&json!({"jobId": "before"})));
    let submit = || w.backend.submit_job(SubmitJobRequest::default());
    assert_eq!(submit().await.expect("submits").job_id.as_str(), "before");
    drop(w.stub);
    let error = submit().await.expect_err("is gone");
    assert!(matches!(error, BackendError::Unreachable { .. }), "{error}");
    let stub = Stub::on_socket(&w.directory.path().join("engine.sock"), |_| Answer::json(&json!({"jobId": "after"})));
    assert_eq!(submit().await.expect("submits").job_id.as_str(), "after");
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test]
async fn calls_at_the_same_time_do_not_wait_for_one_another() {
    let w =
        world(
            |asked| {
                if asked.line.contains("status") { Answer::pieces(&[], Ending::Mute) } else { Answer::json(&json!([])) }
            },
        );
    let slow = w.backend.engine_status();
    let quick = async {
        for _ in 0..20 {
            w.backend.job_queues().await.expect("answers");
        }
    };
    futures::pin_mut!(slow, quick);
    assert!(matches!(futures::future::select(slow, quick).await, futures::future::Either::Right(_)));
}

#[tokio::test]
async fn changes_come_whole_however_the_stream_is_torn() {
    let row = |name: &str| What::Job(Box::new(JobSummary { job_name: name.into(), ..Default::default() }));
    let changes = [What::Reset, row("grün 世界"), row(&"x".repeat(300_000)), What::Alive { consoles: 2 }];
    let mut text = Vec::new();
    for (cursor, what) in (1..).zip(&changes) {
        text.extend(change(cursor, what).to_string().into_bytes());
        text.push(b'\n');
    }
    for size in [1_usize, 3, 7, 64 * 1024, usize::MAX] {
        // Single bytes for the lines with letters of several bytes, larger pieces for the rest.
        let (head, tail) = text.split_at(text.len().min(600));
        let mut pieces: Vec<&[u8]> = head.chunks(size.min(head.len())).collect();
        pieces.extend(tail.chunks(size.max(64 * 1024).min(tail.len())));
        let answer = Answer::pieces(&pieces, Ending::Open);
        let w = world(move |_| answer.clone());
        let stream = w.backend.watch(Some(Cursor(9))).await.expect("watches");
        let seen: Vec<_> = stream.take(changes.len()).map(|item| item.expect("a change").what).collect().await;
        assert_eq!(seen, changes, "pieces of {size}");
        assert_eq!(w.stub.asked()[0].line, "GET /batchdeck/v1/watch?cursor=9");
    }
}

#[tokio::test]
async fn a_broken_stream_ends_with_the_reason() {
    let line = change(1, &What::Reset).to_string() + "\n";
    let cases = [
        (Ending::Open, "nothing came for"),
        (Ending::Complete, "the engine closed the stream"),
        (Ending::Cut, "error reading a body from connection"),
    ];
    for (ending, reason) in cases {
        let answer = Answer::pieces(&[line.as_bytes()], ending);
        let w = world(move |_| answer.clone());
        let items: Vec<_> = impatient(&w).watch(None).await.expect("watches").collect().await;
        let (last, before) = items.split_last().expect("an item");
        assert!(before.iter().all(Result::is_ok), "{ending:?}: {items:?}");
        let error = last.as_ref().expect_err("ends").to_string();
        assert!(error.contains(reason), "{ending:?}: {error}");
    }
}

#[tokio::test]
async fn events_that_are_not_followed_end_when_all_are_told_and_not_in_the_middle_of_one() {
    let line = json!({ "cursor": 7 }).to_string();
    for (text, follow, whole) in [
        (format!("{line}\n"), false, true),
        (format!("{line}\n"), true, false),
        (format!("{line}\n{{\"cu"), false, false),
    ] {
        let w = world(move |_| Answer::pieces(&[text.as_bytes()], Ending::Complete));
        let items: Vec<_> = w.backend.events(None, follow).await.expect("tells").collect().await;
        assert_eq!(items.first().and_then(|item| item.as_ref().ok()).map(|line| line.cursor), Some(7));
        assert_eq!(items.iter().all(Result::is_ok), whole, "follow {follow}: {items:?}");
    }
}

#[tokio::test]
async fn a_watch_notices_the_death_of_the_engine() {
    let line = change(1, &What::Reset).to_string() + "\n";
    let w = world(move |_| Answer::pieces(&[line.as_bytes()], Ending::Open));
    let mut stream = w.backend.watch(None).await.expect("watches");
    stream.next().await.expect("an item").expect("a change");
    drop(w.stub);
    let error = stream.next().await.expect("an item").expect_err("is gone");
    assert!(matches!(error, BackendError::Unreachable { .. }), "{error}");
    assert!(stream.next().await.is_none());
}

/// Pages of a log by the tokens that ask for them, and what is told of lines behind the last of them.
fn log_of(asked: &Asked, coming: &[&[u8]]) -> Answer {
    if asked.line.starts_with("GET /batchdeck/v1/logs/follow?") {
        return Answer::pieces(coming, Ending::Open);
    }
    let (text, next) = match asked.body["nextToken"].as_str() {
        None => (None, "f/5"),
        Some("f/5") => (Some("line \u{1b}[31m1"), "f/10"),
        Some(token) => (None, token),
    };
    let events: Vec<_> = text.iter().map(|text| json!({"timestamp": 5, "message": text, "ingestionTime": 6})).collect();
    Answer::json(&json!({"events": events, "nextForwardToken": next, "nextBackwardToken": "b/0"}))
}

fn of_log(token: Option<&str>) -> GetLogEvents {
    GetLogEvents {
        log_stream_name: "job/default/a b".into(),
        next_token: token.map(str::to_owned),
        ..GetLogEvents::default()
    }
}

#[tokio::test]
async fn the_next_page_of_a_log_is_read_on_from_its_token_past_empty_ones() {
    let w = world(|asked| log_of(asked, &[]));
    let page = w.backend.next_log_page(of_log(None)).await.expect("a page");
    assert_eq!((page.events[0].message.as_str(), page.next_forward_token.as_str()), ("line \u{1b}[31m1", "f/10"));
    let asked = w.stub.asked();
    assert_eq!((asked.len(), &asked[1].body["nextToken"]), (2, &json!("f/5")));
    assert!(asked.iter().all(|asked| asked.body["startFromHead"] == true));
}

#[tokio::test]
async fn at_the_end_of_a_log_lines_are_waited_for_however_long_it_is_silent() {
    let w = world(|asked| log_of(asked, &[b"[]\n"]));
    let backend = impatient(&w);
    let longer_than_a_silence = Duration::from_millis(300);
    let waiting = tokio::time::timeout(longer_than_a_silence, backend.next_log_page(of_log(Some("f/10"))));
    assert!(waiting.await.is_err(), "it goes on waiting");
    let lines: Vec<_> = w.stub.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines, ["POST /", "GET /batchdeck/v1/logs/follow?stream=job%2Fdefault%2Fa%20b&from=f%2F10"]);

    // What has come meanwhile is read as a page.
    let has_come = AtomicBool::new(false);
    let w = world(move |asked| {
        let is_waited_for = asked.line.starts_with("GET");
        if has_come.fetch_or(is_waited_for, Ordering::Relaxed) || is_waited_for {
            return log_of(asked, &[b"[]\n", b"[{}]\n"]);
        }
        Answer::json(&json!({"events": [], "nextForwardToken": "f/5"}))
    });
    let page = w.backend.next_log_page(of_log(Some("f/5"))).await.expect("a page");
    assert_eq!((page.events.len(), page.next_forward_token.as_str()), (1, "f/10"));
    assert_eq!(w.stub.asked().len(), 3);
}

#[tokio::test]
async fn a_log_that_cannot_be_waited_for_says_why() {
    let w = world(|asked| match asked.line.as_str() {
        "POST /" => Answer::error(404, Some("ResourceNotFoundException"), r#"{"message":"no"}"#),
        _ => Answer::error(403, Some("AccessDeniedException"), r#"{"message":"not yours"}"#),
    });
    let error = w.backend.next_log_page(of_log(None)).await.expect_err("it is refused");
    assert!(error.to_string().contains("not yours"), "{error}");
}

#[tokio::test]
async fn what_waits_is_held_released_and_moved_by_its_own_routes() {
    let w = world(|_| Answer::json(&json!({})));
    let (b, why) = (&w.backend, Why { reason: Some("maintenance".into()) });
    let (job, queue) = (HoldTarget::Job("uuid:7".into()), HoldTarget::Queue("a b".into()));
    for target in [&job, &queue] {
        b.hold(target, why.clone()).await.expect("holds");
        b.release(target, why.clone()).await.expect("releases");
    }
    let to = MoveTo { job_queue: Some("high".into()), share_identifier: Some("red".into()), front: true };
    b.move_job(&"uuid:7".into(), to, why).await.expect("moves");
    b.queue_snapshot("a b").await.expect("a snapshot");
    let asked = w.stub.asked();
    let lines: Vec<_> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "PUT /batchdeck/v1/jobs/uuid%3A7/hold",
            "PUT /batchdeck/v1/jobs/uuid%3A7/release",
            "PUT /batchdeck/v1/queues/a%20b/hold",
            "PUT /batchdeck/v1/queues/a%20b/release",
            "PUT /batchdeck/v1/jobs/uuid%3A7/move",
            "POST /v1/getjobqueuesnapshot",
        ]
    );
    assert!(asked[..5].iter().all(|asked| asked.header("x-batchdeck-reason") == "maintenance"));
    assert_eq!(asked[4].body, json!({"jobQueue": "high", "shareIdentifier": "red", "front": true}));
    assert_eq!(asked[5].body, json!({"jobQueue": "a b"}));
}

#[tokio::test]
async fn an_instance_is_taken_away_by_its_own_route() {
    let w = world(|_| Answer::json(&json!({})));
    let why = Why { reason: Some("drill".into()) };
    for at_once in [false, true] {
        let instance = InstanceId("i-0a".into());
        w.backend.interrupt_instance(&instance, at_once, why.clone()).await.expect("is taken away");
    }
    let asked = w.stub.asked();
    assert!(asked.iter().all(|asked| asked.line == "POST /batchdeck/v1/instances/i-0a/interrupt"));
    assert!(asked.iter().all(|asked| asked.header("x-batchdeck-reason") == "drill"));
    assert_eq!([&asked[0].body, &asked[1].body], [&json!({"now": false}), &json!({"now": true})]);
}
