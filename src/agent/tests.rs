//! A whole agent against a socket on which the test plays the engine.

use super::host::{self, Limits};
use super::leftovers::kill_leftovers;
use super::message::{Exit, Held, Start, ToAgent, ToEngine};
use super::{AgentError, Options, procs};
use crate::model::{AttemptId, InstanceId, KeyValuePair};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixListener;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(30);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// The engine's side of one connection.
struct Connection {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
    held: Vec<Held>,
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
            if let Some(picked) = pick(self.next().await) {
                return picked;
            }
        }
    }

    async fn started(&mut self, job: &str) {
        self.until(|message| matches!(message, ToEngine::Started { attempt, .. } if attempt == id(job)).then_some(()))
            .await;
    }

    async fn exited(&mut self, job: &str) -> Exit {
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
}

impl World {
    fn new(limits: Limits, docker_host: Option<String>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let name = directory.path().file_name().expect("a name").to_string_lossy().replace('.', "");
        let instance = InstanceId(format!("i-{name}"));
        let options = Options { data_directory: directory.path().to_owned(), instance: instance.clone(), docker_host };
        let agent = tokio::spawn(host::run(options, limits));
        Self { directory, instance, agent }
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
        let mut connection = Connection { lines: BufReader::new(read).lines(), write, held: Vec::new() };
        let ToEngine::Hello { instance, pid, held, .. } = connection.next().await else { panic!("no hello") };
        assert_eq!((&instance, pid), (&self.instance, std::process::id()));
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

    async fn ended(self) {
        soon("the agent's end", self.agent).await.expect("it does not panic").expect("it ends well");
        assert_eq!(std::fs::read_dir(self.directory.path().join("agents")).map_or(0, Iterator::count), 0);
    }
}

fn id(job: &str) -> AttemptId {
    AttemptId { job: job.into(), number: 1 }
}

fn start(job: &str, command: &[&str]) -> Start {
    Start {
        attempt: id(job),
        task_id: format!("task-{job}"),
        image: "host".into(),
        as_process: true,
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        environment: Vec::new(),
        vcpus: 1.0,
        memory_mib: 64,
        log_stream: format!("d/default/task-{job}"),
        timeout_seconds: None,
    }
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

#[tokio::test]
async fn a_job_ends_with_its_true_exit_code_and_128_and_the_signal_for_a_death_by_one() {
    let (_world, mut engine) = World::begin().await;
    for (job, script, code) in [
        ("zero", "true", 0),
        ("three", "exit 3", 3),
        ("last", "exit 255", 255),
        ("term", "kill -TERM $$", 143),
        ("kill", "kill -KILL $$", 137),
        ("segv", "kill -SEGV $$", 139),
    ] {
        let exit = engine.run(shell(job, script)).await;
        assert_eq!((exit.code, exit.reason, exit.timed_out), (Some(code), None, false), "{job}");
        assert!(exit.started_at.is_some_and(|started| started <= exit.at), "{job}");
        assert!(exit.usage.is_some(), "{job}");
    }
}

#[tokio::test]
async fn both_outputs_are_logged_in_lines_with_times() {
    let (world, mut engine) = World::begin().await;
    engine.run(shell("a", "echo one; echo two >&2; printf 'no newline'; printf 'caf\\303\\251 \\377' >&2")).await;
    let mut lines = world.log("a");
    lines.sort();
    assert_eq!(lines, ["café \u{fffd}", "no newline", "one", "two"]);
}

#[tokio::test]
async fn a_line_can_be_followed_while_its_job_runs() {
    let (world, mut engine) = World::begin().await;
    engine.send(ToAgent::Start(Box::new(shell("a", "echo here; read never < /dev/zero")))).await;
    engine.started("a").await;
    assert!(line_in(&world.path("logs/d/default/task-a.log")).await.ends_with(" here"));
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 0 }).await;
    engine.exited("a").await;
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_split_and_nothing_of_it_is_lost() {
    let (world, mut engine) = World::begin().await;
    engine.run(shell("a", "head -c 1048576 /dev/zero | tr '\\0' x")).await;
    let lines = world.log("a");
    assert_eq!(lines.len(), 16);
    assert!(lines.iter().all(|line| line.len() == 65536 && line.bytes().all(|byte| byte == b'x')));
}

#[tokio::test]
async fn a_job_that_ignores_term_is_killed_when_its_grace_is_over() {
    let (world, mut engine) = World::begin().await;
    let script = "trap 'echo asked' TERM; echo ready; while :; do read line < fifo; done";
    engine.send(ToAgent::Start(Box::new(shell("a", &format!("mkfifo fifo; {script}"))))).await;
    assert!(line_in(&world.path("logs/d/default/task-a.log")).await.ends_with(" ready"));
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 1 }).await;
    let exit = engine.exited("a").await;
    assert_eq!((exit.code, exit.timed_out), (Some(137), false));
    assert!(world.log("a").contains(&"asked".to_owned()));
}

#[tokio::test]
async fn a_job_that_ends_on_term_reports_its_own_exit_code() {
    let (world, mut engine) = World::begin().await;
    let script = "mkfifo fifo; trap 'exit 7' TERM; echo ready; read line < fifo & wait";
    engine.send(ToAgent::Start(Box::new(shell("a", script)))).await;
    assert!(line_in(&world.path("logs/d/default/task-a.log")).await.ends_with(" ready"));
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 30 }).await;
    assert_eq!(engine.exited("a").await.code, Some(7));
}

#[tokio::test]
async fn a_job_that_runs_longer_than_its_timeout_is_stopped_and_says_so() {
    let (_world, mut engine) = World::begin().await;
    let exit = engine.run(Start { timeout_seconds: Some(1), ..shell("a", "exec sleep 1000") }).await;
    assert_eq!((exit.code, exit.timed_out), (Some(143), true));
    assert!(exit.at - exit.started_at.expect("it had started") >= 900);
}

#[tokio::test]
async fn what_a_job_leaves_behind_ends_with_it_and_does_not_hold_it_open() {
    let (world, mut engine) = World::begin().await;
    let pids = world.path("pids");
    let script = format!(
        "sleep 1000 & echo $! > {0}; setsid sh -c 'echo $$ >> {0}; (sleep 1000; :) & exec sleep 1000' & \
         while [ $(wc -l < {0}) != 2 ]; do :; done; echo done",
        pids.display()
    );
    let begin = Instant::now();
    assert_eq!(engine.run(shell("a", &script)).await.code, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(world.log("a"), ["done"]);
    for pid in std::fs::read_to_string(pids).expect("their numbers").lines() {
        assert!(!lives(pid.parse().expect("a number")), "{pid} lives on");
    }
    assert_eq!(kill_leftovers(&world.instance).expect("it can look"), 0);
}

#[tokio::test]
async fn a_stranger_that_holds_the_pipe_does_not_hold_the_job_open() {
    let (world, mut engine) = World::begin().await;
    // Without its environment and in a session of its own, nobody can tell whose it is.
    let pids = world.path("pids");
    let script = format!(
        "env -i /usr/bin/setsid /bin/sh -c 'echo $$ > {0}; exec sleep 1000' & while [ ! -s {0} ]; do :; done; echo done",
        pids.display()
    );
    let begin = Instant::now();
    assert_eq!(engine.run(shell("a", &script)).await.code, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(world.log("a"), ["done"]);
    let pid = line_in(&pids).await.parse().expect("a number");
    procs::Handle::open(pid).expect("it lives").kill().expect("it can be killed");
}

#[tokio::test]
async fn leftovers_of_a_lost_agent_are_found_and_killed() {
    let (world, mut engine) = World::begin().await;
    let pids = world.path("pids");
    let script = format!("setsid sh -c 'echo $$ > {}; exec sleep 1000' & exec sleep 1000", pids.display());
    engine.send(ToAgent::Start(Box::new(shell("a", &script)))).await;
    let pid = line_in(&pids).await.parse().expect("a number");
    let instance = world.instance.clone();
    let killed = tokio::task::spawn_blocking(move || kill_leftovers(&instance)).await.expect("no panic");
    assert_eq!(killed.expect("it can kill"), 2);
    assert!(!lives(pid));
    assert_eq!(engine.exited("a").await.code, Some(137));
}

#[tokio::test]
async fn an_exit_that_no_engine_heard_is_told_to_the_next_ones_until_one_acknowledges_it() {
    let (world, mut engine) = World::begin().await;
    let fifo = world.path("fifo");
    let script = format!("mkfifo {0}; echo ready; read code < {0}; exit $code", fifo.display());
    engine.send(ToAgent::Start(Box::new(shell("a", &script)))).await;
    engine.started("a").await;
    assert!(line_in(&world.path("logs/d/default/task-a.log")).await.ends_with(" ready"));
    drop(engine);
    tokio::task::spawn_blocking(move || std::fs::write(fifo, "42\n")).await.expect("no panic").expect("it reads");

    let mut second = world.engine().await;
    assert_eq!((second.held.len(), &second.held[0].attempt), (1, &id("a")));
    assert_eq!(second.exited("a").await.code, Some(42));
    drop(second);

    let mut third = world.engine().await;
    assert_eq!(third.held[0].exit.as_ref().expect("it is over").code, Some(42));
    assert_eq!(third.exited("a").await.code, Some(42));
    third.send(ToAgent::Acknowledge { attempt: id("a") }).await;
    // An answer to a later message: the acknowledgement was heard.
    third.run(shell("b", "true")).await;
    third.send(ToAgent::Acknowledge { attempt: id("b") }).await;
    assert_eq!(third.run(shell("c", "true")).await.code, Some(0));
    drop(third);

    let fourth = world.engine().await;
    assert_eq!(fourth.held.iter().map(|held| &held.attempt).collect::<Vec<_>>(), [&id("c")]);
}

#[tokio::test]
async fn a_start_that_comes_twice_runs_once() {
    let (world, mut engine) = World::begin().await;
    let runs = world.path("runs");
    let job = shell("a", &format!("echo run >> {}", runs.display()));
    engine.send(ToAgent::Start(Box::new(job.clone()))).await;
    engine.send(ToAgent::Start(Box::new(job.clone()))).await;
    engine.exited("a").await;
    engine.send(ToAgent::Start(Box::new(job))).await;
    engine.run(shell("b", "true")).await;
    assert_eq!(std::fs::read_to_string(runs).expect("it ran"), "run\n");
}

#[tokio::test]
async fn a_stop_of_what_is_not_held_is_answered_as_never_started() {
    let (_world, mut engine) = World::begin().await;
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 1 }).await;
    let exit = engine.exited("a").await;
    assert_eq!((exit.code, exit.started_at, exit.reason), (None, None, None));
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_named_with_what_to_do() {
    let (world, mut engine) = World::begin().await;
    let file = world.path("no-program");
    std::fs::write(&file, "text").expect("it can be written");
    let file = file.to_string_lossy().into_owned();
    let executable = world.path("no-interpreter");
    std::fs::write(&executable, "#!/nowhere/interpreter\n").expect("it can be written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&executable, mode).expect("its mode can be set");
    let executable = executable.to_string_lossy().into_owned();
    let table: &[(&[&str], &str)] = &[
        (&["no-such-program", "x"], "`no-such-program` was not found in PATH; install it"),
        (&["/no/such/program"], "`/no/such/program` was not found; install it"),
        (&[""], "`` was not found in PATH"),
        (&[&file], "chmod +x"),
        (&[&executable], "the interpreter that its first line names is missing"),
        (&[], "no command was given"),
    ];
    for (number, (command, expect)) in table.iter().enumerate() {
        let exit = engine.run(start(&number.to_string(), command)).await;
        let reason = exit.reason.expect("a reason");
        assert!(reason.starts_with("CannotStartContainerError: ") && reason.contains(expect), "{reason}");
        assert_eq!((exit.code, exit.started_at), (None, None), "{reason}");
    }
    let nowhere = Start { environment: vec![variable("BATCHDECK_WORKDIR", "/no/such/place")], ..shell("w", "true") };
    let reason = engine.run(nowhere).await.reason.expect("a reason");
    assert!(reason.contains("the working directory /no/such/place (BATCHDECK_WORKDIR) is not there"), "{reason}");
}

#[tokio::test]
async fn a_job_sees_its_own_environment_and_nothing_of_its_agents() {
    let (world, mut engine) = World::begin().await;
    let job = Start { environment: vec![variable("MINE", "a b"), variable("LANG", "C")], ..start("a", &["env"]) };
    assert_eq!(engine.run(job).await.code, Some(0));
    let log = world.log("a");
    let seen: BTreeMap<&str, &str> = log.iter().filter_map(|line| line.split_once('=')).collect();
    let expect = [("MINE", "a b"), ("LANG", "C"), ("AWS_BATCH_JOB_ID", "a"), ("AWS_BATCH_JOB_ATTEMPT", "1")];
    for (name, value) in expect {
        assert_eq!(seen.get(name), Some(&value), "{name}");
    }
    assert_eq!(seen["BATCHDECK_INSTANCE"], world.instance.0);
    assert!(seen["TMPDIR"].ends_with("/work/task-a"), "{seen:?}");
    let known = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "MINE", "AWS_BATCH_JOB_ID", "AWS_BATCH_JOB_ATTEMPT"];
    let leaked: Vec<_> = seen.keys().filter(|name| !known.contains(name) && **name != "BATCHDECK_INSTANCE").collect();
    // Cargo gives its tests CARGO_MANIFEST_DIR and others: the agent had something to leak.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some() && leaked.is_empty(), "{leaked:?}");
}

#[tokio::test]
async fn a_job_works_in_a_private_directory_that_goes_with_it_or_where_it_was_told() {
    let (world, mut engine) = World::begin().await;
    engine.run(shell("a", "pwd; stat -c %a .; touch file; mkdir -p deep/er")).await;
    let log = world.log("a");
    assert!(log[0].ends_with("/work/task-a") && log[1] == "700", "{log:?}");
    assert!(!world.path("work/task-a").exists());
    let here = world.path("here");
    std::fs::create_dir(&here).expect("a directory");
    let environment = vec![variable("BATCHDECK_WORKDIR", &here.to_string_lossy())];
    engine.run(Start { environment, ..shell("b", "touch file") }).await;
    assert!(here.join("file").exists());
}

#[tokio::test]
async fn running_attempts_are_sampled_and_their_use_is_in_their_exit() {
    let (_world, mut engine) = World::begin().await;
    engine.send(ToAgent::Start(Box::new(shell("a", "while :; do :; done")))).await;
    let usage = engine
        .until(|message| match message {
            ToEngine::Used { samples } => samples.into_iter().find(|(attempt, _)| *attempt == id("a")),
            _ => None,
        })
        .await
        .1;
    assert!(usage.cpu > 0.0 && usage.memory_mib > 0.0, "{usage:?}");
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 0 }).await;
    let total = engine.exited("a").await.usage.expect("its use");
    assert!(total.cpu_seconds >= usage.cpu_seconds && total.peak_memory_mib >= usage.memory_mib, "{total:?}");
}

#[tokio::test]
async fn an_agent_ends_when_it_is_asked_to_once_it_holds_nothing() {
    let (world, mut engine) = World::begin().await;
    let pid_file = std::fs::read_to_string(world.path(&format!("agents/{}.pid", world.instance))).expect("a pid file");
    let own = procfs::process::Process::myself().and_then(|own| own.stat()).expect("its facts");
    assert_eq!(pid_file, format!("{} {}\n", own.pid, own.starttime));
    let exit = engine.run(shell("a", "true")).await;
    assert_eq!(exit.code, Some(0));
    engine.send(ToAgent::End).await;
    engine.send(ToAgent::Stop { attempt: id("b"), grace_seconds: 0 }).await;
    engine.exited("b").await;
    assert!(!world.agent.is_finished());
    engine.send(ToAgent::Acknowledge { attempt: id("a") }).await;
    world.ended().await;
}

#[tokio::test]
async fn an_agent_without_an_engine_ends_when_it_holds_nothing() {
    let limits = Limits { alone: Duration::from_millis(100), ..Limits::default() };
    World::new(limits, None).ended().await;
}

#[tokio::test]
async fn an_agent_whose_data_directory_is_gone_ends_its_jobs_and_itself() {
    let (world, mut engine) = World::begin().await;
    engine.send(ToAgent::Start(Box::new(shell("a", "echo $$; exec sleep 1000")))).await;
    let line = line_in(&world.path("logs/d/default/task-a.log")).await;
    let pid = line.split_once(' ').expect("a message").1.parse().expect("a number");
    std::fs::remove_dir_all(world.directory.path()).expect("it can be removed");
    drop(engine);
    world.ended().await;
    assert!(!lives(pid));
}
