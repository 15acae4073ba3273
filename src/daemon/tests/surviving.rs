//! Engines and agents that are killed.

use super::host::{Host, Lines};
use super::journals::{HOME, replayed, snapshot};
use crate::agent::leftovers::kill_leftovers;
use crate::agent::message::BEAT;
use crate::config::DataDirectory;
use crate::daemon::clock::{self, Clock};
use crate::daemon::driver::{self, Parts, Realms};
use crate::daemon::feed::Feed;
use crate::daemon::instances::Limits;
use crate::daemon::journal::Journal;
use crate::daemon::recover;
use crate::engine::Settings;
use crate::engine::command::{Action, Command};
use crate::model::{JobStatus, RegisterJobDefinitionRequest, What};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// A process of this instance that is no agent, found by its mark.
fn processes_with(mark: &str) -> usize {
    let entries = fs::read_dir("/proc").expect("lists").flatten();
    let environments = entries.filter_map(|entry| fs::read(entry.path().join("environ")).ok());
    environments.filter(|all| all.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_goes_on_without_the_engine_and_is_reported_with_its_true_exit_code() {
    let mut host = Host::furnished().await;
    let (gate, count) = (host.path().join("gate"), host.path().join("count"));
    let script =
        format!("echo started >>{}; until test -e {}; do sleep 0.05; done; exit 7", count.display(), gate.display());
    let (early, late) = (host.submit("early", &script).await, host.submit("late", "exec sleep 1000").await);
    host.until(&early, JobStatus::Running).await;
    host.until(&late, JobStatus::Running).await;
    let agents = host.agents();
    host.stop().await;
    assert!(agents.iter().all(|(_, agent)| agent.is_alive()), "an agent ended with the engine");

    // One ends while no engine is there to hear it.
    fs::write(&gate, "").expect("written");
    host.start().await;
    let detail = host.until(&early, JobStatus::Failed).await;
    assert_eq!(detail.container.and_then(|container| container.exit_code), Some(7));
    assert_eq!(host.describe(&late).await.status, JobStatus::Running);
    assert_eq!(fs::read_to_string(&count).expect("reads"), "started\n", "it ran twice");
    assert_eq!(host.agents(), agents);
    host.batch("terminatejob", json!({ "jobId": late, "reason": "over" })).await;
    host.until(&late, JobStatus::Failed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_is_a_lost_host_and_its_jobs_end_with_it() {
    let host = Host::furnished().await;
    let job = host.submit("doomed", "sleep 1000 & wait").await;
    host.until(&job, JobStatus::Running).await;
    let (instance, agent) = host.agents().remove(0);
    let mark = format!("BATCHDECK_INSTANCE={instance}");
    assert!(processes_with(&mark) > 0);
    agent.kill();
    let detail = host.until(&job, JobStatus::Failed).await;
    let reason = detail.status_reason.unwrap_or_default();
    assert!(reason.starts_with(&format!("Host EC2 (instance {instance})")), "{reason}");
    assert_eq!(processes_with(&mark), 0, "the job outlived its host");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_hangs_is_noticed_and_its_jobs_end_before_it_is_lost() {
    let mut host = Host::idle();
    let short = Duration::from_millis(200);
    host.limits = Limits { listens: short, silent_after: BEAT * 2, hung_after: BEAT * 3, ..Limits::default() };
    host.start().await;
    host.furnish().await;
    let job = host.submit("doomed", "sleep 1000 & wait").await;
    host.until(&job, JobStatus::Running).await;
    let (instance, agent) = host.agents().remove(0);
    let status = host.get("/batchdeck/v1/status").await;
    assert!(!status["agents"][0]["limits"].as_str().unwrap_or_default().is_empty(), "{status}");
    let mut changes = host.watch(None).await;
    let pid = Pid::from_raw(agent.pid.cast_signed()).expect("a number");
    kill_process(pid, Signal::STOP).expect("stops");
    loop {
        if let What::Notice(notice) = changes.change().await.what {
            assert!(notice.starts_with(&format!("the agent of {instance} says nothing any more")), "{notice}");
            break;
        }
    }
    let status = host.get("/batchdeck/v1/status").await;
    assert!(status["agents"][0]["silentSeconds"].as_u64() >= Some(4), "{status}");
    let detail = host.until(&job, JobStatus::Failed).await;
    let reason = detail.status_reason.unwrap_or_default();
    assert!(reason.starts_with(&format!("Host EC2 (instance {instance})")), "{reason}");
    assert_eq!(processes_with(&format!("BATCHDECK_INSTANCE={instance}")), 0, "the job outlived its host");
    assert!(!agent.is_alive());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_died_while_no_engine_ran_is_lost_at_the_next_start() {
    let mut host = Host::furnished().await;
    let job = host.submit("doomed", "sleep 1000 & wait").await;
    host.until(&job, JobStatus::Running).await;
    let (instance, agent) = host.agents().remove(0);
    host.stop().await;
    agent.kill();
    agent.ended().await.expect("ends");
    host.start().await;
    let detail = host.until(&job, JobStatus::Failed).await;
    assert!(detail.status_reason.is_some_and(|reason| reason.starts_with("Host EC2")));
    assert_eq!(kill_leftovers(&instance).expect("looks"), 0, "the job outlived its host");
}

/// As a kill leaves them: the files of a journal that is open, taken at once.
fn copy_journal(from: &DataDirectory, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for name in ["journal.db", "journal.db-wal"] {
        fs::copy(from.path().join(name), to.join(name)).expect("copied");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_job_is_there_after_a_kill() {
    let host = Host::furnished().await;
    host.batch("updatecomputeenvironment", json!({ "computeEnvironment": "here", "state": "DISABLED" })).await;
    let mut jobs = Vec::new();
    let mut copies = Vec::new();
    for number in 0..40 {
        jobs.push(host.submit(&format!("job-{number}"), "true").await);
        if number % 10 == 9 {
            let mut after = Host::idle();
            copy_journal(&host.directory(), after.path());
            after.start().await;
            copies.push((after, jobs.len()));
        }
    }
    for (after, acknowledged) in copies {
        let found = after.batch("describejobs", json!({ "jobs": jobs[..acknowledged] })).await;
        assert_eq!(found["jobs"].as_array().expect("rows").len(), acknowledged);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_share_one_sync() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("journal.db");
    let journal = Journal::open(&path, HOME).expect("opens");
    let (driver, _ending) = driver::start(Parts {
        realms: Realms::new(Settings::default()),
        journal,
        seed: 0,
        clock: Clock::not_before(0),
        feed: Feed::new(0),
        occurrences: crate::daemon::occurrences::Occurrences::new(0, []),
        carry_out: Box::new(|_| ()),
        last_line: Box::new(|_| None),
        forget_logs: Box::new(|_| ()),
    })
    .expect("starts");

    // The loop is held in a read while sixty-four callers come.
    let (go, held) = mpsc::channel::<()>();
    let (began, begins) = tokio::sync::oneshot::channel();
    let reader = driver.clone();
    let reading = tokio::spawn(async move {
        reader
            .read(move |_| {
                began.send(()).expect("listens");
                held.recv().expect("goes on");
            })
            .await
    });
    begins.await.expect("began");
    let before = transactions(&path);
    let register = |number: usize| {
        let request = RegisterJobDefinitionRequest {
            job_definition_name: format!("d{number}"),
            kind: "container".into(),
            container_properties: Some(
                serde_json::from_value(json!({
                    "image": "host",
                    "resourceRequirements": [{ "type": "VCPU", "value": "1" }, { "type": "MEMORY", "value": "64" }],
                }))
                .expect("a container"),
            ),
            ..Default::default()
        };
        Command { by: "test".into(), reason: None, action: Action::RegisterJobDefinition(Box::new(request)) }
    };
    let mut callers: Vec<_> = (0..64).map(|number| Box::pin(driver.command(register(number)))).collect();
    for caller in &mut callers {
        assert!(futures::poll!(caller.as_mut()).is_pending(), "answered before it was durable");
    }
    go.send(()).expect("listens");
    for caller in callers {
        caller.await.expect("accepted");
    }
    reading.await.expect("ends").expect("read");
    assert_eq!(transactions(&path) - before, 1);
    assert_eq!(replayed(&path).job_definitions().len(), 64);
}

/// How many transactions a write-ahead log holds: frames whose header names the size of the database after a commit.
fn transactions(path: &Path) -> usize {
    let log = fs::read(path.with_extension("db-wal")).expect("reads");
    let page = u32::from_be_bytes(log[8..12].try_into().expect("four bytes")) as usize;
    log[32..].chunks_exact(24 + page).filter(|frame| frame[4..8] != [0; 4]).count()
}

/// The words that watchers hear, until one tells why an instance is lost.
async fn why_lost(changes: &mut Lines) -> String {
    loop {
        match changes.change().await.what {
            What::Notice(words) if words.contains("is lost") => return words,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_cannot_be_started_or_does_not_register_is_lost_with_the_cause() {
    let soon = Duration::from_millis(200);
    let mut host = Host::idle();
    host.limits = Limits { registers_within: soon, fails_after: soon, ..Limits::default() };
    host.start().await;
    host.furnish().await;
    let mut changes = host.watch(None).await;
    fs::remove_file(host.agent_program()).expect("removed");
    let job = host.submit("waits", "true").await;
    let words = why_lost(&mut changes).await;
    assert!(words.contains("its agent could not be started") && words.contains("agent-program"), "{words}");

    // It is asked for again for as long as the job waits; this one lives and says nothing.
    let (draft, program) = (host.path().join("draft"), host.agent_program());
    // It ends with its directory, whenever it was launched.
    fs::write(&draft, "#!/bin/sh\nwhile test -d \"$3\"; do sleep 0.2; done\n").expect("written");
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o700)).expect("set");
    fs::rename(draft, program).expect("renamed");
    loop {
        let words = why_lost(&mut changes).await;
        if words.contains("did not register within") {
            break;
        }
        assert!(words.contains("could not be started"), "{words}");
    }
    assert_eq!(host.describe(&job).await.status, JobStatus::Runnable);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_lives_and_never_comes_back_is_a_lost_host() {
    let mut host = Host::furnished().await;
    let job = host.submit("held", "sleep 1000 & wait").await;
    host.until(&job, JobStatus::Running).await;
    let (instance, agent) = host.agents().remove(0);
    host.stop().await;
    let pid = Pid::from_raw(agent.pid.cast_signed()).expect("a process");
    kill_process(pid, Signal::STOP).expect("stopped");
    host.limits = Limits { returns_within: Duration::from_millis(200), ..Limits::default() };
    host.start().await;
    let detail = host.until(&job, JobStatus::Failed).await;
    assert!(detail.status_reason.is_some_and(|reason| reason.starts_with("Host EC2")));
    assert_eq!(kill_leftovers(&instance).expect("looks"), 0, "the job outlived its host");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_was_scaled_in_leaves_no_file() {
    let host = Host::furnished().await;
    let job = host.submit("done", "true").await;
    host.until(&job, JobStatus::Succeeded).await;
    let files = || fs::read_dir(host.directory().agents()).expect("lists").count();
    assert!(files() > 0);
    host.batch("updatejobqueue", json!({ "jobQueue": "main", "state": "DISABLED" })).await;
    host.batch("deletejobqueue", json!({ "jobQueue": "main" })).await;
    host.batch("updatecomputeenvironment", json!({ "computeEnvironment": "here", "state": "DISABLED" })).await;
    host.batch("deletecomputeenvironment", json!({ "computeEnvironment": "here" })).await;
    let all_gone = async {
        while files() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all_gone).await.expect("they go");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_cannot_write_its_journal_tells_its_callers_and_ends() {
    let mut host = Host::furnished().await;
    // As a full disk would: the next transaction fails.
    let other = rusqlite::Connection::open(host.directory().journal()).expect("opens");
    let full = "CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    other.execute_batch(full).expect("made");
    let request = json!({ "jobName": "lost", "jobQueue": "main", "jobDefinition": "shell" }).to_string();
    let answer = host.ask("POST /v1/submitjob", &[], request).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-amzn-errortype")),
        (500, "ServerException"),
        "{}",
        answer.body
    );
    let error = host.ended().await.expect_err("ends");
    assert!(error.to_string().contains("journal.db cannot be written"), "{error}");

    other.execute_batch("DROP TRIGGER full").expect("dropped");
    drop(other);
    host.start().await;
    assert_eq!(host.batch("describejobqueues", json!({})).await["jobQueues"][0]["jobQueueName"], "main");
    assert_eq!(host.get("/batchdeck/v1/status").await["jobs"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_was_missed_runs_once_at_the_next_start_and_says_so() {
    let mut host = Host::furnished().await;
    let at = chrono::Utc::now() + Duration::from_secs(2);
    let schedule = json!({
        "ScheduleExpression": format!("at({})", at.format("%Y-%m-%dT%H:%M:%S")),
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": {
            "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob", "RoleArn": "arn:aws:iam::123456789012:role/r",
            "Input": r#"{"JobName":"missed","JobQueue":"main","JobDefinition":"shell"}"#,
        },
    });
    let made = host.ask("POST /schedules/once", &[], schedule.to_string()).await;
    assert_eq!(made.status.as_u16(), 200, "{}", made.body);
    host.stop().await;
    // Until the time has passed, by the clock that counts.
    tokio::time::sleep(Duration::from_millis((at.timestamp_millis() - clock::wall() + 50).max(0).unsigned_abs())).await;
    host.start().await;
    let runs = host.get("/batchdeck/v1/schedules/default/once/runs").await;
    assert_eq!(runs.as_array().map(Vec::len), Some(1), "{runs}");
    assert!(runs[0]["JobId"].is_string() && runs[0]["Note"].is_string(), "{runs}");
    let status = host.get("/batchdeck/v1/status").await;
    let notices = status["notices"].as_array().expect("words");
    assert!(notices.iter().any(|words| words.as_str().is_some_and(|words| words.contains("default/once"))), "{status}");
    host.stop().await;
    host.start().await;
    assert_eq!(host.get("/batchdeck/v1/schedules/default/once/runs").await.as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_takes_the_place_of_all_events_and_the_same_engine_comes_out_of_it() {
    let mut host = Host::furnished().await;
    let job = host.submit("done", "true").await;
    let before = host.until(&job, JobStatus::Succeeded).await;
    host.stop().await;
    let path = host.directory().journal();
    let lived = replayed(&path);
    let (mut recovered, mut journal, _) = recover::open(&path, Settings::default(), 0).expect("opens");
    snapshot(&mut recovered.realms, &mut journal);
    drop(journal);
    let contents = Journal::read(&path, HOME, &mut |_| Ok(())).expect("reads");
    assert!(contents.events == 0 && contents.covered.is_some());
    assert_eq!(replayed(&path), lived);
    host.start().await;
    assert_eq!(host.describe(&job).await, before);
}
