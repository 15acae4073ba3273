//! An engine in a directory of its own, and a client for it.

use crate::agent::leftovers::kill_leftovers;
use crate::config::{DataDirectory, HookSettings};
use crate::daemon::instances::Limits;
use crate::daemon::instances::process::Process;
use crate::daemon::{DaemonError, Options, run_within};
use crate::engine::Settings;
use crate::model::{Change, InstanceId, JobDetail, JobId, JobStatus, LogReserve, What};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(super) const AGENT_DATA: &str = "BATCHDECK_TEST_AGENT_DATA";
pub(super) const AGENT_INSTANCE: &str = "BATCHDECK_TEST_AGENT_INSTANCE";

/// How to end an engine, and how it ended.
type Engine = (oneshot::Sender<()>, JoinHandle<Result<(), DaemonError>>);

/// A data directory, with an engine on it or without. What its agents have started ends with it.
pub(super) struct Host {
    root: TempDir,
    engine: Option<Engine>,
    /// For its next start.
    pub limits: Limits,
    pub hooks: BTreeMap<String, HookSettings>,
}

impl Host {
    /// A directory without an engine.
    pub(super) fn idle() -> Self {
        Self {
            root: tempfile::tempdir().expect("a directory"),
            engine: None,
            limits: Limits::default(),
            hooks: BTreeMap::new(),
        }
    }

    pub(super) async fn running() -> Self {
        let mut host = Self::idle();
        host.start().await;
        host
    }

    /// Running, with the queue `main` on the environment `here`, and the definition `shell` of processes on this machine.
    pub(super) async fn furnished() -> Self {
        let host = Self::running().await;
        host.furnish().await;
        host
    }

    pub(super) async fn furnish(&self) {
        let calls = [
            (
                "createcomputeenvironment",
                json!({
                    "computeEnvironmentName": "here", "type": "MANAGED",
                    "computeResources": {
                        "type": "EC2", "minvCpus": 0, "maxvCpus": 4, "instanceTypes": ["c5.large"],
                        "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"], "instanceRole": "ecsInstanceRole",
                    },
                }),
            ),
            (
                "createjobqueue",
                json!({
                    "jobQueueName": "main", "priority": 1,
                    "computeEnvironmentOrder": [{ "order": 1, "computeEnvironment": "here" }],
                }),
            ),
            (
                "registerjobdefinition",
                json!({
                    "jobDefinitionName": "shell", "type": "container",
                    "containerProperties": {
                        "image": "host", "command": ["true"],
                        "resourceRequirements": [{ "type": "VCPU", "value": "1" }, { "type": "MEMORY", "value": "64" }],
                    },
                }),
            ),
        ];
        for (operation, body) in calls {
            self.batch(operation, body).await;
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn directory(&self) -> DataDirectory {
        DataDirectory::new(self.path()).expect("short")
    }

    pub(super) fn agent_program(&self) -> PathBuf {
        self.path().join("agent-program")
    }

    /// The agents are this very program, run as the one test that is an agent.
    fn options(&self) -> Options {
        let program = self.agent_program();
        let own = std::env::current_exe().expect("has a path");
        let entry = "daemon::tests::an_agent_when_asked_to_be_one";
        let text = format!(
            "#!/bin/sh\nexport {AGENT_DATA}=\"$3\" {AGENT_INSTANCE}=\"$5\"\nexec '{}' {entry} --exact --nocapture\n",
            own.display()
        );
        fs::write(&program, text).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("set");
        Options {
            data_directory: self.path().to_owned(),
            settings: Settings::default(),
            agent_program: program,
            docker_host: None,
            log_reserve: LogReserve::default(),
            hooks: self.hooks.clone(),
            http: None,
        }
    }

    /// Starts an engine and returns when it serves.
    pub(super) async fn start(&mut self) {
        self.try_start().await.expect("starts");
    }

    pub(super) async fn try_start(&mut self) -> Result<(), DaemonError> {
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            // A host that is gone stops its engine as well.
            let _ = stopped.await;
        };
        let mut engine = tokio::spawn(run_within(self.limits, self.options(), shutdown));
        // A connection that is accepted waits until it is served.
        loop {
            if UnixStream::connect(self.directory().socket()).await.is_ok() {
                self.engine = Some((stop, engine));
                return Ok(());
            }
            tokio::select! {
                ended = &mut engine => return ended.expect("does not panic"),
                () = tokio::task::yield_now() => {}
            }
        }
    }

    /// Ends the engine in good order.
    pub(super) async fn stop(&mut self) {
        let (stop, engine) = self.engine.take().expect("runs");
        stop.send(()).expect("listens");
        engine.await.expect("does not panic").expect("ends in good order");
    }

    /// Waits for an engine that was told to end otherwise.
    pub(super) async fn ended(&mut self) -> Result<(), DaemonError> {
        let (_stop, engine) = self.engine.take().expect("runs");
        engine.await.expect("does not panic")
    }

    pub(super) async fn send(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response<Incoming> {
        let (method, path) = line.split_once(' ').expect("METHOD PATH");
        let stream = UnixStream::connect(self.directory().socket()).await.expect("connects");
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("speaks HTTP");
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "engine");
        if headers.iter().all(|(name, _)| *name != "x-batchdeck-by") {
            request = request.header("x-batchdeck-by", "tester@example");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        sender.send_request(request.body(Full::new(body.into())).expect("a request")).await.expect("is answered")
    }

    pub(super) async fn ask(&self, line: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let response = self.send(line, headers, body).await;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.expect("is whole").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("no JSON: {bytes:?}"));
        Answer { status: head.status, headers: head.headers, body }
    }

    /// The answer of one of AWS Batch's operations, which succeeds.
    pub(super) async fn batch(&self, operation: &str, body: Value) -> Value {
        let answer = self.ask(&format!("POST /v1/{operation}"), &[], body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{operation}: {}", answer.body);
        answer.body
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.ask(&format!("GET {path}"), &[], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    /// Submits a shell script.
    pub(super) async fn submit(&self, name: &str, script: &str) -> JobId {
        let request = json!({
            "jobName": name, "jobQueue": "main", "jobDefinition": "shell",
            "containerOverrides": { "command": ["sh", "-c", script] },
        });
        serde_json::from_value(self.batch("submitjob", request).await["jobId"].clone()).expect("an id")
    }

    pub(super) async fn describe(&self, job: &JobId) -> JobDetail {
        let mut answer = self.batch("describejobs", json!({ "jobs": [job] })).await;
        serde_json::from_value(answer["jobs"][0].take()).expect("a job")
    }

    pub(super) async fn watch(&self, cursor: Option<u64>) -> Lines {
        let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
        self.lines(&format!("/batchdeck/v1/watch{query}")).await
    }

    pub(super) async fn lines(&self, path: &str) -> Lines {
        let response = self.send(&format!("GET {path}"), &[], "").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        Lines { body: response.into_body(), read: Vec::new() }
    }

    /// Waits until the job is in this state, or over.
    pub(super) async fn until(&self, job: &JobId, status: JobStatus) -> JobDetail {
        let mut changes = self.watch(None).await;
        loop {
            let detail = self.describe(job).await;
            if detail.status == status {
                return detail;
            }
            assert!(!detail.status.is_final(), "waiting for {status}: {detail:#?}");
            // A change of this job, or a sign of life.
            changes.next::<Change>().await;
        }
    }

    /// Every agent's process, by its file.
    pub(super) fn agents(&self) -> Vec<(InstanceId, Process)> {
        let files = fs::read_dir(self.directory().agents()).into_iter().flatten().flatten();
        let named = files.filter_map(|file| {
            let path: PathBuf = file.path();
            let is_process = path.extension().is_some_and(|extension| extension == "pid");
            let instance = InstanceId(path.file_stem()?.to_str()?.to_owned());
            is_process.then(|| Process::read(&path).map(|process| (instance, process)))?
        });
        named.collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for (instance, process) in self.agents() {
            process.kill();
            // The directory goes next, and an agent without it ends by itself.
            let _ = kill_leftovers(&instance);
        }
    }
}

#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A stream of JSON lines.
pub(super) struct Lines {
    body: Incoming,
    read: Vec<u8>,
}

impl Lines {
    /// The next line; waits for it.
    pub(super) async fn next<T: serde::de::DeserializeOwned>(&mut self) -> T {
        self.maybe().await.expect("goes on")
    }

    /// `None` at the end of the stream.
    pub(super) async fn maybe<T: serde::de::DeserializeOwned>(&mut self) -> Option<T> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).expect("a line of JSON"));
            }
            let frame = self.body.frame().await?.ok()?;
            self.read.extend_from_slice(frame.data_ref().map_or(&[][..], |data| &data[..]));
        }
    }

    /// The next change that is more than a sign of life.
    pub(super) async fn change(&mut self) -> Change {
        loop {
            let change: Change = self.next().await;
            if !matches!(change.what, What::Alive { .. }) {
                return change;
            }
        }
    }
}
