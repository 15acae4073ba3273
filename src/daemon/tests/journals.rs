//! Journals that an engine finds at its start.

use super::host::Host;
use crate::daemon::driver::{Progress, Realms, Snapshot};
use crate::daemon::journal::Journal;
use crate::daemon::{DaemonError, JournalError, recover};
use crate::engine::{Engine, Settings};
use crate::model::{JobId, JobStatus};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// What a start refuses it leaves as it was, and says which file it is about.
async fn refused(host: &mut Host) -> JournalError {
    let path = host.directory().journal();
    let before = fs::read(&path).expect("reads");
    let error = host.try_start().await.expect_err("refuses");
    assert_eq!(fs::read(&path).expect("reads"), before);
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    assert!(error.to_string().contains("Nothing was changed"), "{error}");
    match error {
        DaemonError::Journal(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_event_that_this_program_does_not_know_is_refused_and_not_skipped() {
    let mut host = Host::idle();
    let mut journal = Journal::open(&host.directory().journal(), HOME).expect("opens");
    journal.append(1, [(HOME, r#"{"event":"from-the-future"}"#)]).expect("appends");
    drop(journal);
    assert!(matches!(refused(&mut host).await, JournalError::Damaged { .. }));
}

#[tokio::test]
async fn a_file_of_something_else_is_refused() {
    let mut host = Host::idle();
    fs::write(host.directory().journal(), "not a database").expect("written");
    assert!(matches!(refused(&mut host).await, JournalError::Foreign { .. }));
    fs::remove_file(host.directory().journal()).expect("removed");
    host.start().await;
}

pub(super) const HOME: &str = "us-east-1";

pub(super) fn replayed(path: &Path) -> Engine {
    let realms = recover::replay(path, Settings::default()).expect("replays").realms;
    realms.iter().find(|(region, _)| ***region == *HOME).expect("the home region").1.clone()
}

/// All that a client can see of an engine that stands still.
fn views(engine: &Engine) -> Value {
    let filter = crate::engine::JobFilter { limit: 1_000, ..Default::default() };
    let (jobs, _) = engine.jobs(&filter).expect("lists");
    let ids: Vec<JobId> = jobs.iter().map(|job| job.job_id.clone()).collect();
    json!({
        "queues": engine.job_queues(), "environments": engine.compute_environments(), "jobs": jobs,
        "details": engine.describe_jobs(&ids), "definitions": engine.job_definitions(), "schedules": engine.schedules(),
        "audit": engine.audit(1_000),
    })
}

/// A bit of everything that an engine's journal can hold.
async fn live(host: &Host) {
    let with = |name: &str, more: Value| {
        let mut request = json!({ "jobName": name, "jobQueue": "main", "jobDefinition": "shell" });
        let members = more.as_object().cloned().unwrap_or_default();
        request.as_object_mut().expect("members").extend(members);
        request
    };
    let submit = async |request: Value| -> JobId {
        serde_json::from_value(host.batch("submitjob", request).await["jobId"].clone()).expect("an id")
    };
    let done = host.submit("done", "echo done").await;
    let retried = json!({
        "retryStrategy": { "attempts": 2 }, "containerOverrides": { "command": ["sh", "-c", "exit 3"] },
        "parameters": { "day": "1" }, "tags": { "team": "a" },
    });
    let retried = submit(with("retried", retried)).await;
    let array = submit(with("array", json!({ "arrayProperties": { "size": 3 } }))).await;
    let after = json!({ "arrayProperties": { "size": 3 }, "dependsOn": [{ "jobId": array, "type": "N_TO_N" }] });
    let after = submit(with("after", after)).await;
    for (job, status) in [
        (&done, JobStatus::Succeeded),
        (&retried, JobStatus::Failed),
        (&array, JobStatus::Succeeded),
        (&after, JobStatus::Succeeded),
    ] {
        host.until(job, status).await;
    }
    let doomed = host.submit("doomed", "exec sleep 1000").await;
    host.until(&doomed, JobStatus::Running).await;
    host.agents().iter().for_each(|(_, agent)| agent.kill());
    host.until(&doomed, JobStatus::Failed).await;
    let stopped = host.submit("stopped", "exec sleep 1000").await;
    host.until(&stopped, JobStatus::Running).await;
    host.batch("terminatejob", json!({ "jobId": stopped, "reason": "enough" })).await;
    host.until(&stopped, JobStatus::Failed).await;

    host.batch("updatecomputeenvironment", json!({ "computeEnvironment": "here", "state": "DISABLED" })).await;
    let waiting = host.submit("waiting", "true").await;
    let cancelled = host.submit("cancelled", "true").await;
    submit(with("pending", json!({ "dependsOn": [{ "jobId": waiting }] }))).await;
    host.batch("canceljob", json!({ "jobId": cancelled, "reason": "not now" })).await;
    host.until(&cancelled, JobStatus::Failed).await;
    let priority = host.ask(&format!("PUT /batchdeck/v1/jobs/{waiting}/priority"), &[], r#"{"priority":9}"#).await;
    assert_eq!(priority.status.as_u16(), 200, "{}", priority.body);
    host.batch("updatejobqueue", json!({ "jobQueue": "main", "priority": 7 })).await;
    host.batch(
        "createjobqueue",
        json!({
            "jobQueueName": "other", "priority": 3, "state": "DISABLED",
            "computeEnvironmentOrder": [{ "order": 1, "computeEnvironment": "here" }],
        }),
    )
    .await;
    host.batch("deletejobqueue", json!({ "jobQueue": "other" })).await;
    let container = json!({
        "image": "host", "command": ["false"],
        "resourceRequirements": [{ "type": "VCPU", "value": "1" }, { "type": "MEMORY", "value": "64" }],
    });
    let second = json!({ "jobDefinitionName": "shell", "type": "container", "containerProperties": container });
    host.batch("registerjobdefinition", second).await;
    host.batch("deregisterjobdefinition", json!({ "jobDefinition": "shell:2" })).await;
    let schedule = json!({
        "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": {
            "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob", "RoleArn": "arn:aws:iam::123456789012:role/r",
            "Input": r#"{"JobName":"daily","JobQueue":"main","JobDefinition":"shell"}"#,
        },
    });
    for name in ["daily", "gone"] {
        let made = host.ask(&format!("POST /schedules/{name}"), &[], schedule.to_string()).await;
        assert_eq!(made.status.as_u16(), 200, "{}", made.body);
    }
    host.ask("POST /batchdeck/v1/schedules/default/daily/run", &[], "").await;
    host.ask("DELETE /schedules/gone", &[], "").await;
}

/// A whole snapshot, and everything that it replaces cleared away.
pub(super) fn snapshot(realms: &mut Realms, journal: &mut Journal) {
    let snapshot = Snapshot::begin(realms, journal, 7).expect("begins");
    loop {
        match snapshot.step(journal).expect("written") {
            Progress::Complete => break,
            Progress::Broken => panic!("the snapshot is broken"),
            Progress::Waiting => std::thread::yield_now(),
            Progress::Written => {}
        }
    }
    while journal.clear(None).expect("cleared") {}
}

/// With `BATCHDECK_KEEP_JOURNAL` it keeps what it wrote there: so the fixtures of each version are made.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_a_bit_of_everything_and_its_snapshot_give_the_same_engine() {
    let mut host = Host::furnished().await;
    live(&host).await;
    host.stop().await;
    let path = host.directory().journal();
    let lived = replayed(&path);
    lived.check().expect("nothing is broken");
    let kept = std::env::var_os("BATCHDECK_KEEP_JOURNAL");
    let keep = |name: &str| {
        if let Some(kept) = &kept {
            fs::copy(&path, Path::new(kept).join(name)).expect("copied");
        }
    };
    keep("journal.db");
    let (mut recovered, mut journal, _) = recover::open(&path, Settings::default(), 0).expect("opens");
    snapshot(&mut recovered.realms, &mut journal);
    drop(journal);
    keep("journal-snapshot.db");
    assert_eq!(replayed(&path), lived);
    assert_eq!(views(&replayed(&path)), views(&lived));
}

/// These files are never changed: what a user has written once is read for ever.
#[test]
fn a_journal_of_version_1_is_still_read() {
    is_still_read("v1");
}

/// As the program of 2026-11-29 wrote it: with logs, times and bills that the first one did not know.
#[test]
fn a_journal_of_november_2026_is_still_read() {
    is_still_read("2026-11");
}

fn is_still_read(version: &str) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let root = tempfile::tempdir().expect("a directory");
    let engines = ["journal", "journal-snapshot"].map(|kind| {
        let copy = root.path().join(format!("{kind}.db"));
        fs::copy(fixtures.join(format!("{kind}-{version}.db")), &copy).expect("copied");
        replayed(&copy)
    });
    assert_eq!(views(&engines[0]), views(&engines[1]), "{version}");
    let engine = &engines[0];
    engine.check().expect("nothing is broken");
    let seen = views(engine);
    let states: Vec<String> = seen["jobs"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|job| {
            format!("{} {}", job["jobName"].as_str().unwrap_or_default(), job["status"].as_str().unwrap_or_default())
        })
        .collect();
    let expected = [
        "daily RUNNABLE",
        "pending PENDING",
        "cancelled FAILED",
        "waiting RUNNABLE",
        "stopped FAILED",
        "doomed FAILED",
        "after SUCCEEDED",
        "array SUCCEEDED",
        "retried FAILED",
        "done SUCCEEDED",
    ];
    assert_eq!(states, expected, "{version}");
    let detail = |name: &str| {
        let found = seen["details"].as_array().and_then(|all| all.iter().find(|job| job["jobName"] == name));
        found.cloned().unwrap_or_default()
    };
    assert_eq!(detail("retried")["attempts"].as_array().map(Vec::len), Some(2), "{version}");
    assert_eq!(detail("stopped")["statusReason"], "enough", "{version}");
    assert!(detail("doomed")["statusReason"].as_str().is_some_and(|words| words.starts_with("Host EC2")), "{version}");
    assert_eq!(detail("waiting")["extra"]["priority"], 9, "{version}");
    assert_eq!(seen["queues"].as_array().map(Vec::len), Some(1), "{version}");
    assert_eq!(seen["queues"][0]["priority"], 7, "{version}");
    assert_eq!(seen["schedules"][0]["Name"], "daily", "{version}");
    assert_eq!(engine.schedule_runs("default", "daily").len(), 1, "{version}");
}
