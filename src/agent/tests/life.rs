//! What an agent keeps, over engines that come and go, and when it ends.

use super::*;
use crate::agent::leftovers::kill_leftovers;
use crate::agent::run;
use std::time::Instant;

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

#[tokio::test]
async fn an_engine_that_hangs_up_at_once_is_called_again_in_growing_intervals() {
    let world = World::new(Limits::default(), None);
    let listener = UnixListener::bind(world.path("agents.sock")).expect("a socket");
    let mut calls = Vec::new();
    for _ in 0..5 {
        soon("a call", listener.accept()).await.expect("a connection");
        calls.push(Instant::now());
    }
    // The socket's own appearance may have ended the first wait early.
    let waits: Vec<Duration> = calls.windows(2).map(|pair| pair[1] - pair[0]).skip(1).collect();
    assert!(waits[2] >= Duration::from_millis(200) && waits[2] > waits[1] && waits[1] > waits[0], "{waits:?}");
}

/// Not a test: [`Process`] runs it in a process of its own.
#[tokio::test]
async fn an_agent_process() {
    let Some(instance) = std::env::var_os("BATCHDECK_TEST_AGENT") else { return };
    let instance = InstanceId(instance.to_string_lossy().into_owned());
    let data_directory = std::env::current_dir().expect("a directory");
    let log_reserve = LogReserve::default();
    run(Options { data_directory, instance, docker_host: None, log_reserve }).await.expect("it ends well");
}

/// An agent that can be sent signals, and killed.
struct Process {
    child: tokio::process::Child,
    world: World,
    engine: Connection,
}

impl Process {
    async fn begin() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let name = directory.path().file_name().expect("a name").to_string_lossy().replace('.', "");
        let instance = InstanceId(format!("i-{name}"));
        let child = tokio::process::Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "agent::tests::life::an_agent_process", "--nocapture"])
            .env("BATCHDECK_TEST_AGENT", &instance.0)
            .current_dir(directory.path())
            .stdout(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("it can be started");
        let world =
            World { directory, instance, agent: tokio::spawn(async { Ok(()) }), pid: child.id().expect("it runs") };
        let engine = world.engine().await;
        Self { child, world, engine }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.world.pid.cast_signed()).expect("a number");
        rustix::process::kill_process(pid, signal).expect("it is there");
    }
}

#[tokio::test]
async fn an_agent_that_gets_term_asks_its_jobs_to_end_reports_them_and_ends() {
    let mut agent = Process::begin().await;
    let script = "mkfifo fifo; trap 'exit 7' TERM; echo ready; read line < fifo & wait";
    agent.engine.send(ToAgent::Start(Box::new(shell("a", script)))).await;
    let log = agent.world.path("logs/d/default/task-a.log");
    assert!(line_in(&log).await.ends_with(" ready"));
    agent.signal(rustix::process::Signal::TERM);
    assert_eq!(agent.engine.exited("a").await.code, Some(7));
    agent.engine.send(ToAgent::Acknowledge { attempt: id("a") }).await;
    assert!(soon("its end", agent.child.wait()).await.expect("its status").success());
}

#[tokio::test]
async fn an_agent_that_ends_takes_with_it_what_its_jobs_have_hidden_from_it() {
    let mut agent = Process::begin().await;
    let pids = agent.world.path("pids");
    let script = format!(
        "env -i /usr/bin/setsid /bin/sh -c 'echo $$ > {0}; exec sleep 1000' > /dev/null 2>&1 & while [ ! -s {0} ]; do :; done",
        pids.display()
    );
    assert_eq!(agent.engine.run(shell("a", &script)).await.code, Some(0));
    let pid = line_in(&pids).await.parse().expect("a number");
    assert!(lives(pid), "nobody can tell whose it is");
    agent.engine.send(ToAgent::Acknowledge { attempt: id("a") }).await;
    agent.engine.send(ToAgent::End).await;
    assert!(soon("its end", agent.child.wait()).await.expect("its status").success());
    assert!(!lives(pid));
}

#[tokio::test]
async fn the_jobs_of_a_killed_agent_are_found_and_killed() {
    let mut agent = Process::begin().await;
    let pids = agent.world.path("pids");
    let script = format!("setsid sh -c 'echo $$ > {}; exec sleep 1000' & exec sleep 1000", pids.display());
    agent.engine.send(ToAgent::Start(Box::new(shell("a", &script)))).await;
    let pid = line_in(&pids).await.parse().expect("a number");
    agent.signal(rustix::process::Signal::KILL);
    soon("its end", agent.child.wait()).await.expect("its status");
    assert!(lives(pid));
    let instance = agent.world.instance.clone();
    let killed = tokio::task::spawn_blocking(move || kill_leftovers(&instance)).await.expect("no panic");
    assert_eq!(killed.expect("it can kill"), 2);
    assert!(!lives(pid));
}
