//! A whole agent against a socket on which the test plays the engine.

use super::message::{Exit, Held, Start, ToAgent, ToEngine};
use super::{AgentError, Options, procs};
use crate::agent::host::{self, Limits};
use crate::model::{
    AttemptId, ContainerProperties, DEFAULT_CONTAINER, InstanceId, KeyValuePair, LogReserve, TaskContainer,
};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixListener;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;

mod containers;
mod life;
mod processes;

const PATIENCE: Duration = Duration::from_secs(30);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// The engine's side of one connection.
struct Connection {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
    held: Vec<Held>,
    /// Ends that came while something else was waited for.
    ends: Vec<(AttemptId, Exit)>,
}

impl Connection {
    async fn send(&mut self, message: ToAgent) {
        let line = format!("{}\n", serde_json::to_string(&message).expect("it is JSON"));
        self.write.write_all(line.as_bytes()).await.expect("the agent listens");
    }

    async fn next(&mut self) -> ToEngine {
        let line = soon("a message", self.lines.next_line()).await.expect("a line").expect("the agent is there");
        serde_json::from_str(&line).expect("it is a message")
    }

    async fn until<T>(&mut self, mut pick: impl FnMut(ToEngine) -> Option<T>) -> T {
        loop {
            let message = self.next().await;
            let end = match &message {
                ToEngine::Exited { attempt, exit } => Some((attempt.clone(), exit.clone())),
                _ => None,
            };
            if let Some(picked) = pick(message) {
                return picked;
            }
            self.ends.extend(end);
        }
    }

    async fn started(&mut self, job: &str) {
        self.until(|message| matches!(message, ToEngine::Started { attempt, .. } if attempt == id(job)).then_some(()))
            .await;
    }

    async fn exited(&mut self, job: &str) -> Exit {
        if let Some(at) = self.ends.iter().position(|(attempt, _)| *attempt == id(job)) {
            return self.ends.remove(at).1;
        }
        self.until(|message| match message {
            ToEngine::Exited { attempt, exit } if attempt == id(job) => Some(exit),
            _ => None,
        })
        .await
    }

    /// Runs a job to its end.
    async fn run(&mut self, start: Start) -> Exit {
        let job = start.attempt.job.to_string();
        self.send(ToAgent::Start(Box::new(start))).await;
        self.exited(&job).await
    }
}

struct World {
    directory: tempfile::TempDir,
    instance: InstanceId,
    agent: JoinHandle<Result<(), AgentError>>,
    /// The agent's.
    pid: u32,
}

impl World {
    fn new(limits: Limits, docker_host: Option<String>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let name = directory.path().file_name().expect("a name").to_string_lossy().replace('.', "");
        let instance = InstanceId(format!("i-{name}"));
        let options = Options {
            data_directory: directory.path().to_owned(),
            instance: instance.clone(),
            docker_host,
            log_reserve: LogReserve::default(),
        };
        let agent = tokio::spawn(host::run(options, limits));
        Self { directory, instance, agent, pid: std::process::id() }
    }

    /// A world whose agent has said hello.
    async fn begin() -> (Self, Connection) {
        let world = Self::new(Limits::default(), None);
        let connection = world.engine().await;
        assert_eq!(connection.held, []);
        (world, connection)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// An engine appears, the agent finds it and says hello, and the engine stops listening again.
    async fn engine(&self) -> Connection {
        let socket = self.path("agents.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let (stream, _) = soon("the agent", listener.accept()).await.expect("a connection");
        std::fs::remove_file(socket).expect("the socket is there");
        let (read, write) = stream.into_split();
        let mut connection =
            Connection { lines: BufReader::new(read).lines(), write, held: Vec::new(), ends: Vec::new() };
        let ToEngine::Hello { instance, pid, held, .. } = connection.next().await else { panic!("no hello") };
        assert_eq!((&instance, pid), (&self.instance, self.pid));
        connection.held = held;
        connection
    }

    fn log(&self, job: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(&format!("logs/d/default/task-{job}.log"))).expect("a log stream");
        let message = |line: &str| {
            let (time, message) = line.split_once(' ').expect("a time and a message");
            let since = super::now() - time.parse::<i64>().expect("a time");
            assert!((0..60_000).contains(&since), "{line}");
            message.to_owned()
        };
        text.lines().map(message).collect()
    }

    /// Nothing is left of what its jobs worked in.
    async fn tidied(&self) {
        soon("an empty directory of work", async {
            while std::fs::read_dir(self.path("work")).expect("it is there").count() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn ended(self) {
        soon("the agent's end", self.agent).await.expect("it does not panic").expect("it ends well");
        assert_eq!(std::fs::read_dir(self.directory.path().join("agents")).map_or(0, Iterator::count), 0);
    }
}

pub(super) fn id(job: &str) -> AttemptId {
    AttemptId { job: job.into(), number: 1 }
}

pub(super) fn start(job: &str, command: &[&str]) -> Start {
    Start {
        attempt: id(job),
        task_id: format!("task-{job}"),
        as_process: true,
        containers: vec![TaskContainer {
            name: DEFAULT_CONTAINER.into(),
            essential: true,
            properties: ContainerProperties {
                image: "host".into(),
                command: command.iter().map(|word| (*word).to_owned()).collect(),
                ..Default::default()
            },
            log_stream: format!("d/default/task-{job}"),
            ..Default::default()
        }],
        volumes: Vec::new(),
        vcpus: 1.0,
        memory_mib: 64,
        gpus: 0,
        timeout_seconds: None,
        network: None,
    }
}

/// A start with its only container changed.
fn with(mut start: Start, change: impl FnOnce(&mut ContainerProperties)) -> Start {
    change(&mut start.containers[0].properties);
    start
}

fn shell(job: &str, script: &str) -> Start {
    start(job, &["/bin/sh", "-c", script])
}

fn variable(name: &str, value: &str) -> KeyValuePair {
    KeyValuePair { name: name.into(), value: value.into() }
}

/// Waits until a file holds a line, and gives it without its end.
async fn line_in(path: &Path) -> String {
    soon("a line in a file", async {
        loop {
            match std::fs::read_to_string(path) {
                Ok(text) if text.ends_with('\n') => break text.trim_end().to_owned(),
                _ => tokio::task::yield_now().await,
            }
        }
    })
    .await
}

fn lives(pid: i32) -> bool {
    procs::one(pid).is_some_and(|seen| !seen.zombie)
}
