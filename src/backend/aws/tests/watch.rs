//! A watch: what it tells and in which order, what it goes on without, and how few calls it takes of a crowded account.

use super::*;
use crate::backend::stub::{Answer, Asked};
use crate::model::{JobStatus, StatusCounts, What};
use futures::StreamExt;
use serde_json::{Value, json};

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
