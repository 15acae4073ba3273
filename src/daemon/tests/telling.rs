//! Events: as lines, and to hooks.

use super::host::{Host, Lines};
use crate::config::HookSettings;
use crate::model::{EventLine, JobId, JobStatus};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

fn statuses(lines: &[EventLine], job: &JobId) -> Vec<String> {
    let events = lines.iter().filter_map(|line| line.event.as_ref());
    let own = events.filter(|event| event["detail"]["jobId"] == json!(job));
    own.map(|event| event["detail"]["status"].as_str().expect("a status").to_owned()).collect()
}

async fn all(mut lines: Lines) -> Vec<EventLine> {
    let mut read = Vec::new();
    while let Some(line) = lines.maybe().await {
        read.push(line);
    }
    read
}

#[tokio::test]
async fn each_change_of_a_job_s_state_is_an_event_as_aws_sends_it_and_a_cursor_goes_on_over_a_restart() {
    let mut host = Host::furnished().await;
    let job = host.submit("nightly", "exit 3").await;
    host.until(&job, JobStatus::Failed).await;
    let read = all(host.lines("/batchdeck/v1/events").await).await;
    assert_eq!(statuses(&read, &job), ["RUNNABLE", "STARTING", "RUNNING", "FAILED"]);
    let first = read.iter().find_map(|line| line.event.clone()).expect("an event");
    assert_eq!(
        (&first["version"], &first["source"], &first["region"]),
        (&json!("0"), &json!("aws.batch"), &json!("us-east-1"))
    );
    assert_eq!((&first["detail-type"], &first["account"]), (&json!("Batch Job State Change"), &json!("123456789012")));
    assert_eq!(first["resources"], json!([first["detail"]["jobArn"]]));
    assert_eq!(first["detail"]["tags"]["resourceArn"], first["detail"]["jobArn"]);
    assert!(first["detail"].get("startedAt").is_none_or(Value::is_null), "what came later is not told: {first}");
    assert_eq!(first["detail"]["attempts"], json!([]));
    let last = read.last().and_then(|line| line.event.clone()).expect("an event");
    assert_eq!(last["detail"]["attempts"][0]["container"]["exitCode"], 3);
    assert!(read.iter().all(|line| line.event.as_ref().is_none_or(|event| event["detail"].get("batchdeck").is_none())));

    let (middle, rest) = (read[1].cursor, &read[2..]);
    host.stop().await;
    host.start().await;
    let again = all(host.lines(&format!("/batchdeck/v1/events?cursor={middle}")).await).await;
    assert_eq!(again[..rest.len()], *rest, "the same events, with the same ids");
    let lossless = all(host.lines("/batchdeck/v1/events?cursor=0").await).await;
    assert_eq!(lossless.iter().filter_map(|line| line.event.as_ref()).count(), read.len());
}

#[tokio::test]
async fn a_hook_gets_what_it_asked_for_and_goes_on_where_it_was_after_a_restart() {
    let mut host = Host::idle();
    let (file, piped) = (host.path().join("failed.jsonl"), host.path().join("piped.jsonl"));
    let failed = HookSettings { status: vec!["FAILED".into()], file: Some(file.clone()), ..HookSettings::default() };
    let script = format!("cat >> '{}'", piped.display());
    let all = HookSettings {
        queue: vec!["ma*".into()],
        command: vec!["sh".into(), "-c".into(), script],
        ..HookSettings::default()
    };
    let broken = HookSettings { command: vec!["/nonexistent/pager".into()], ..HookSettings::default() };
    host.hooks = [("failed".to_owned(), failed), ("all".to_owned(), all)].into();
    host.start().await;
    host.furnish().await;
    let good = host.submit("good", "true").await;
    let bad = host.submit("bad", "false").await;
    host.until(&good, JobStatus::Succeeded).await;
    host.until(&bad, JobStatus::Failed).await;
    let lines = |path: &std::path::Path| -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("an event")).collect()
    };
    until(|| lines(&file).len() == 1 && lines(&piped).len() == 8).await;
    assert_eq!(lines(&file)[0]["detail"]["jobId"], json!(bad));

    host.stop().await;
    host.hooks.insert("broken".to_owned(), broken);
    host.start().await;
    let second = host.submit("second", "false").await;
    host.until(&second, JobStatus::Failed).await;
    until(|| lines(&file).len() == 2 && lines(&piped).len() == 12).await;
    assert_eq!(lines(&file)[1]["detail"]["jobId"], json!(second), "nothing comes twice");
    let mut told = false;
    while !told {
        let status = host.get("/batchdeck/v1/status").await;
        let notices = status["notices"].as_array().expect("notices");
        told = notices.iter().any(|notice| {
            notice.as_str().is_some_and(|n| n.contains("hook broken") && n.contains("/nonexistent/pager"))
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_engine_that_ends_waits_for_the_delivery_in_hand_and_does_not_make_it_twice() {
    let mut host = Host::idle();
    let (told, gate) = (host.path().join("told"), host.path().join("gate"));
    assert!(std::process::Command::new("mkfifo").arg(&gate).status().expect("runs").success());
    // The first delivery does not end before the gate is opened.
    let script = format!(
        "cat >> '{told}'; if mkdir '{gate}.used' 2>/dev/null; then cat '{gate}'; fi",
        told = told.display(),
        gate = gate.display()
    );
    let hook = HookSettings { command: vec!["sh".into(), "-c".into(), script], ..HookSettings::default() };
    host.hooks = [("slow".to_owned(), hook)].into();
    host.start().await;
    host.furnish().await;
    let lines = || fs::read_to_string(&told).unwrap_or_default().lines().count();
    let job = host.submit("job", "true").await;
    host.until(&job, JobStatus::Succeeded).await;
    until(|| lines() == 1).await;

    let socket = host.directory().socket();
    let open = async {
        while tokio::net::UnixStream::connect(&socket).await.is_ok() {
            tokio::task::yield_now().await;
        }
        tokio::task::spawn_blocking(move || fs::write(gate, "")).await.expect("no panic").expect("opened");
    };
    tokio::join!(host.stop(), open);
    assert_eq!(lines(), 1, "what is not begun is left for the next time");

    host.start().await;
    let second = host.submit("second", "true").await;
    host.until(&second, JobStatus::Succeeded).await;
    until(|| lines() >= 8).await;
    let text = fs::read_to_string(&told).expect("told");
    let ids: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone()).collect();
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 8, "each once: {ids:?}");
}

/// Looks again and again: a file says nothing when it is written.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_service_job_s_states_are_events_of_their_own_without_its_payload() {
    let host = Host::running().await;
    let environment = json!({
        "serviceEnvironmentName": "train", "serviceEnvironmentType": "SAGEMAKER_TRAINING",
        "capacityLimits": [{ "maxCapacity": 2, "capacityUnit": "NUM_INSTANCES" }],
    });
    host.batch("createserviceenvironment", environment).await;
    let queue = json!({
        "jobQueueName": "trainings", "priority": 1, "jobQueueType": "SAGEMAKER_TRAINING",
        "serviceEnvironmentOrder": [{ "order": 1, "serviceEnvironment": "train" }],
    });
    host.batch("createjobqueue", queue).await;
    let job = json!({
        "jobName": "t", "jobQueue": "trainings", "serviceJobType": "SAGEMAKER_TRAINING",
        "serviceRequestPayload": "{\"secret\": 1}", "tags": { "team": "night" },
    });
    let submitted = host.batch("submitservicejob", job).await;
    let id = JobId::from(submitted["jobId"].as_str().expect("an id"));
    host.batch("terminateservicejob", json!({ "jobId": id, "reason": "not today" })).await;
    let read = all(host.lines("/batchdeck/v1/events").await).await;
    assert_eq!(statuses(&read, &id), ["RUNNABLE", "FAILED"]);
    let own = read.iter().filter_map(|line| line.event.as_ref()).filter(|event| event["detail"]["jobId"] == json!(id));
    let events: Vec<&Value> = own.collect();
    for event in &events {
        assert_eq!(event["detail-type"], "Batch Service Job State Change");
        assert_eq!(event["resources"], json!([submitted["jobArn"]]));
        assert!(event["detail"].get("serviceRequestPayload").is_none() && event["detail"].get("tags").is_none());
    }
    assert!(events[0]["detail"].get("stoppedAt").is_none(), "what came later is not told: {}", events[0]);
    assert_eq!(events[1]["detail"]["statusReason"], "not today");
}
