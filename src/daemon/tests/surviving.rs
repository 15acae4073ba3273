//! Engines and agents that are killed.

use super::host::Host;
use crate::agent::leftovers::kill_leftovers;
use crate::daemon::directory::DataDirectory;
use crate::daemon::driver::{self, Parts};
use crate::daemon::feed::Feed;
use crate::daemon::instances::process::Process;
use crate::daemon::journal::Journal;
use crate::daemon::{clock::Clock, recover};
use crate::engine::command::{Action, Command};
use crate::engine::{Engine, Settings};
use crate::model::{JobStatus, RegisterJobDefinitionRequest};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::mpsc;

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
        fs::copy(from.root().join(name), to.join(name)).expect("copied");
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
    let journal = Journal::open(&path).expect("opens");
    let (driver, _ending) = driver::start(Parts {
        engine: Engine::new(Settings::default()),
        journal,
        clock: Clock::not_before(0),
        feed: Feed::new(0),
        carry_out: Box::new(|_| ()),
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
        Command { by: "test".into(), reason: None, action: Action::RegisterJobDefinition(request) }
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
    let contents = Journal::read(&path).expect("reads");
    let recovered = recover::replay(contents, Settings::default(), &path).expect("replays");
    assert_eq!(recovered.engine.job_definitions().len(), 64);
}

/// How many transactions a write-ahead log holds: frames whose header names the size of the database after a commit.
fn transactions(path: &Path) -> usize {
    let log = fs::read(path.with_extension("db-wal")).expect("reads");
    let page = u32::from_be_bytes(log[8..12].try_into().expect("four bytes")) as usize;
    log[32..].chunks_exact(24 + page).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_cannot_be_started_is_a_lost_host_with_the_cause() {
    let mut host = Host::furnished().await;
    fs::remove_file(host.path().join("agent-program")).expect("removed");
    let job = host.submit("waits", "true").await;
    let said = host.until(&job, JobStatus::Runnable).await;
    assert_eq!(said.status, JobStatus::Runnable);
    assert!(Process::of(std::process::id()).is_some());
    host.stop().await;
}
