//! `engine run|start|stop|restart|status`, and starting an engine where a verb needs one.

use super::error::{CommandError, Doing, exit};
use super::output::Output;
use super::table::{Cell, Table, age, left, moment, right};
use super::world::Setting;
use super::{Done, engine_env, engine_unit, now};
use crate::backend::local::LocalBackend;
use crate::backend::{Backend, BackendError};
use crate::cli::{EngineRunArgs, EngineVerb, Format};
use crate::config::directories::private_file;
use crate::config::{DataDirectory, HttpAddress};
use crate::daemon;
use crate::engine::Settings;
use crate::model::{AgentStatus, Bytes, EngineStatus, InstanceState, LogReserve, Millis, Place};
use serde::Serialize;
use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

/// How long a starting engine may take to answer; a long journal is read in this time.
const START: Duration = Duration::from_mins(10);
/// Someone who waits longer than this is told for what.
const PATIENCE: Duration = Duration::from_secs(3);
/// A journal of so many bytes is read at once.
const SHORT_JOURNAL: u64 = 8_000_000;
/// How long an ending engine may take to be gone.
const STOP: Duration = Duration::from_secs(30);
/// How long an engine that broke off may take to be gone.
const DYING: Duration = Duration::from_secs(2);
/// How often the socket is tried while an engine starts or ends.
const STEP: Duration = Duration::from_millis(20);
/// So many lines of a failed engine's log are shown.
const TAIL: usize = 8;

pub async fn run(verb: &EngineVerb, setting: Setting) -> Done {
    setting.require_local("engine")?;
    match verb {
        EngineVerb::Run(_) => setting.require_writable("engine run")?,
        EngineVerb::Start(_) => setting.require_writable("engine start")?,
        EngineVerb::Stop(_) => setting.require_writable("engine stop")?,
        EngineVerb::Restart(_) => setting.require_writable("engine restart")?,
        EngineVerb::Status(_) | EngineVerb::Env(_) | EngineVerb::Unit => {}
    }
    match verb {
        EngineVerb::Run(args) => {
            if args.detached {
                // One that leads a process group already stays where it is.
                let _ = rustix::process::setsid();
            }
            foreground(&setting, door(&setting, &args.run)?).await
        }
        EngineVerb::Start(args) => start(&setting, door(&setting, &args.run)?, args.output).await,
        EngineVerb::Stop(args) => stop(&setting, args.output).await,
        EngineVerb::Restart(args) => restart(&setting, door(&setting, &args.run)?, args.output).await,
        EngineVerb::Unit => engine_unit::print(&setting),
        EngineVerb::Status(args) => status(&setting, args.output).await,
        EngineVerb::Env(args) => engine_env::print(&setting, args.shell).await,
    }
}

/// The address of the TCP door: what was said, else what is configured.
fn door(setting: &Setting, args: &EngineRunArgs) -> Result<Option<HttpAddress>, CommandError> {
    match &args.http {
        None => Ok(setting.config.engine.http),
        Some(text) => Ok(Some(text.parse()?)),
    }
}

/// What [`ensure`] found or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    Already,
    Now { pid: u32 },
}

/// Starts an engine in the background unless one answers, and waits until it does.
pub async fn ensure(setting: &Setting) -> Result<Started, CommandError> {
    ensure_with(setting, None).await
}

/// The same, with a TCP door where it starts one.
async fn ensure_with(setting: &Setting, http: Option<HttpAddress>) -> Result<Started, CommandError> {
    if answers(&setting.data).await {
        return Ok(Started::Already);
    }
    // What earlier engines had to say there is none of this one's.
    let said_before = std::fs::metadata(setting.data.log()).map_or(0, |log| log.len());
    let failed = |cause: String| CommandError::EngineStart {
        data_directory: setting.data.path().to_owned(),
        cause,
        log_tail: tail(&setting.data.log(), said_before),
    };
    let cannot = |cause: std::io::Error| CommandError::EngineStart {
        data_directory: setting.data.path().to_owned(),
        cause: cause.to_string(),
        log_tail: Vec::new(),
    };
    setting.data.create()?;
    let_go_of_what_was_inherited();
    let log = private_file(&setting.data.log())
        .map_err(|cause| CommandError::NotWritable { path: setting.data.log(), cause })?;
    let mut child = background(setting, http)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(cannot)?)
        .stderr(log)
        .spawn()
        .map_err(cannot)?;
    let started = Instant::now();
    let mut told = false;
    loop {
        if answers(&setting.data).await {
            // Somebody else's engine may have been quicker; its process id is in the lock.
            return Ok(match (daemon::is_running(setting.data.path()), child.id()) {
                (Some(running), Some(ours)) if running != ours => Started::Already,
                (_, Some(pid)) => Started::Now { pid },
                (_, None) => Started::Already,
            });
        }
        if let Some(status) = child.try_wait().map_err(cannot)?
            && daemon::is_running(setting.data.path()).is_none()
        {
            return Err(failed(format!("it ended at once ({status})")));
        }
        if started.elapsed() > START {
            return Err(failed(format!("it has not answered after {} minutes", START.as_secs() / 60)));
        }
        if started.elapsed() > PATIENCE && !told {
            told = true;
            let size = std::fs::metadata(setting.data.journal()).map_or(0, |journal| journal.len());
            setting.output.note(&if size < SHORT_JOURNAL {
                "the engine waits for its disk or a processor …".to_owned()
            } else {
                format!("the engine reads its journal ({} MB) …", size / 1_000_000)
            });
        }
        tokio::time::sleep(STEP).await;
    }
}

/// Has what is started from here on get nothing of what this process was started with but its three streams: a lock that a
/// script holds while it starts an engine would be held by each job.
pub(super) fn let_go_of_what_was_inherited() {
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
}

/// `engine run` of this same program, which leaves the session: it outlives the terminal and has none. One that ends before
/// this process is waited for by the runtime, and one that is started in a job is no process of that job.
fn background(setting: &Setting, http: Option<HttpAddress>) -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| "batchdeck".into());
    let mut command = Command::new(program);
    command.arg("--data-dir").arg(setting.data.path()).arg("--context").arg("local");
    if setting.config_named {
        command.arg("--config").arg(&setting.config_file);
    }
    for mark in ["BATCHDECK_INSTANCE", "AWS_BATCH_JOB_ID", "AWS_BATCH_JOB_ATTEMPT"] {
        command.env_remove(mark);
    }
    command.args(["engine", "run", "--detached"]).kill_on_drop(false);
    if let Some(http) = http {
        command.args(["--http", &http.to_string()]);
    }
    command
}

/// A client of the engine that answers, if one does, connected to it.
pub async fn connected(setting: &Setting) -> Option<LocalBackend> {
    let backend = setting.local_backend();
    (backend.connect().await.is_ok() && daemon::is_running(setting.data.path()).is_some()).then_some(backend)
}

/// Whether an engine answers. One that was killed lets go of its lock before its socket: what still connects then is no
/// engine any more.
async fn answers(data: &DataDirectory) -> bool {
    UnixStream::connect(data.socket()).await.is_ok() && daemon::is_running(data.path()).is_some()
}

/// Whether the engine that still answered is about to end, as one that was killed is until the kernel has closed all of it.
async fn ends(data: &DataDirectory) -> bool {
    let deadline = Instant::now() + DYING;
    while answers(data).await {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(STEP).await;
    }
    true
}

async fn foreground(setting: &Setting, http: Option<HttpAddress>) -> Done {
    setting.data.create()?;
    let_go_of_what_was_inherited();
    let _writer = log_to(&setting.data.log())?;
    let listen = |kind| signal(kind).map_err(CommandError::Start);
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let mut hangup = listen(SignalKind::hangup())?;
    // An engine in the background outlives the terminal that it was started from.
    let in_terminal = std::io::stdin().is_terminal();
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = async { while hangup.recv().await.is_some() && !in_terminal {} } => {}
        }
    };
    let options = daemon::Options {
        data_directory: setting.data.path().to_owned(),
        settings: settings(setting),
        agent_program: std::env::current_exe().map_err(CommandError::Start)?,
        docker_host: setting.config.engine.docker_host.clone(),
        log_reserve: LogReserve::of_mib(setting.config.engine.log_reserve_mib),
        hooks: setting.config.hooks.clone(),
        http,
    };
    let mut running = std::pin::pin!(daemon::run(options, shutdown));
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = serves(setting) => {
            setting.output.note(&format!(
                "the engine runs (pid {}) in {}; Ctrl-C ends it, and jobs go on",
                std::process::id(),
                setting.data.path().display()
            ));
            running.await
        }
    };
    ended.map_err(|error| CommandError::Engine(error.to_string()))?;
    Ok(exit::DONE)
}

/// Returns once this process's own engine answers; another one that runs here is not it.
async fn serves(setting: &Setting) {
    let (own, engine) = (std::process::id(), setting.local_backend());
    while !engine.engine_status().await.is_ok_and(|status| status.pid == own) {
        tokio::time::sleep(STEP).await;
    }
}

fn settings(setting: &Setting) -> Settings {
    let engine = &setting.config.engine;
    Settings {
        place: Place { region: engine.region.clone(), account: engine.account.clone() },
        idle_seconds: engine.idle_seconds,
        retention_days: engine.retention_days,
        settle_millis: engine.settle_millis,
        prices: setting.config.prices.clone(),
        boot_seconds: engine.boot_seconds,
        spot_interruptions_milli: engine.spot_interruptions_per_hour.milli,
        machine: Some(daemon::this_machine()),
    }
}

/// Sends what the engine has to say to its log. `BATCHDECK_LOG` filters it, as `debug` or `batchdeck=trace`.
fn log_to(file: &Path) -> Result<tracing_appender::non_blocking::WorkerGuard, CommandError> {
    let log = private_file(file).map_err(|cause| CommandError::NotWritable { path: file.to_owned(), cause })?;
    let (writer, guard) = tracing_appender::non_blocking(log);
    let filter = tracing_subscriber::EnvFilter::try_from_env("BATCHDECK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter).try_init();
    Ok(guard)
}

async fn start(setting: &Setting, http: Option<HttpAddress>, format: Format) -> Done {
    let mut started = ensure_with(setting, http).await?;
    let mut status = setting.local_backend().engine_status().await;
    if matches!((&status, started), (Err(BackendError::Unreachable { .. }), Started::Already))
        && ends(&setting.data).await
    {
        started = ensure_with(setting, http).await?;
        status = setting.local_backend().engine_status().await;
    }
    let status = status.doing("asking the engine for its state")?;
    let word = match started {
        Started::Already => "an engine runs already",
        Started::Now { .. } => "the engine runs",
    };
    match format {
        Format::Json => setting.output.json(&status)?,
        Format::Table => {
            setting.output.text(&format!("{word}: pid {}, data directory {}\n", status.pid, status.data_directory))?;
            match (&status.http, http) {
                (Some(http), _) => {
                    setting.output.text(&format!("AWS's APIs: http://{http} (`batchdeck engine env`)\n"))?;
                }
                (None, Some(_)) => return Err(CommandError::NoDoor { pid: status.pid }),
                (None, None) => {}
            }
        }
    }
    Ok(exit::DONE)
}

/// Which engine has ended; no pid where none ran.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stopped<'a> {
    pid: Option<u32>,
    data_directory: &'a Path,
}

async fn stop(setting: &Setting, format: Format) -> Done {
    let data_directory = setting.data.path();
    let told = |pid: Option<u32>| match (format, pid) {
        (Format::Json, pid) => setting.output.json(&Stopped { pid, data_directory }),
        (Format::Table, None) => setting.output.text(&format!("no engine runs in {}\n", data_directory.display())),
        (Format::Table, Some(pid)) => {
            setting.output.text(&format!("the engine (pid {pid}) has ended; jobs that ran go on\n"))
        }
    };
    told(end(setting).await?)?;
    Ok(exit::DONE)
}

/// Ends the engine that runs, and says which it was.
async fn end(setting: &Setting) -> Result<Option<u32>, CommandError> {
    let data_directory = setting.data.path();
    let Some(pid) = daemon::is_running(data_directory) else { return Ok(None) };
    setting.local_backend().stop_engine().await.doing("stopping the engine")?;
    let deadline = Instant::now() + STOP;
    while daemon::is_running(data_directory) == Some(pid) {
        if Instant::now() > deadline {
            let data_directory = data_directory.to_owned();
            return Err(CommandError::EngineStop { data_directory, pid, seconds: STOP.as_secs() });
        }
        tokio::time::sleep(STEP).await;
    }
    Ok(Some(pid))
}

/// The door of the engine before is opened again where none is asked for: AWS's tools go on with the same address.
async fn restart(setting: &Setting, http: Option<HttpAddress>, format: Format) -> Done {
    let before = setting.local_backend().engine_status().await.ok().and_then(|status| status.http);
    end(setting).await?;
    let before = before.as_deref().map(str::parse::<HttpAddress>).transpose()?;
    start(setting, http.or(before), format).await
}

async fn status(setting: &Setting, format: Format) -> Done {
    match setting.local_backend().engine_status().await {
        Ok(status) => {
            match format {
                Format::Json => setting.output.json(&status)?,
                Format::Table => show(&status, setting.output)?,
            }
            Ok(exit::DONE)
        }
        Err(BackendError::Unreachable { .. }) => Err(CommandError::NoEngine(setting.data.path().to_owned())),
        Err(source) => Err(CommandError::Backend { doing: "asking the engine for its state".to_owned(), source }),
    }
}

fn show(status: &EngineStatus, output: Output) -> Result<(), CommandError> {
    let now = now();
    let mut facts = Table::new(&[left("ENGINE"), left("")]);
    let mut fact = |name: &str, value: String| facts.row(vec![Cell::new(name), Cell::new(value)]);
    fact("pid", status.pid.to_string());
    fact("version", status.version.clone());
    fact("data directory", status.data_directory.clone());
    fact("socket", status.socket.clone());
    let closed = || "closed; `engine start --http 127.0.0.1:4566` opens it".to_owned();
    fact("AWS's APIs", status.http.as_ref().map_or_else(closed, |http| format!("http://{http}")));
    fact("region", format!("{} (account {})", status.region, status.account));
    fact("started", format!("{} ({} ago)", moment(status.started_at), age(status.started_at, now)));
    fact("jobs", status.jobs.to_string());
    fact("consoles", status.consoles.to_string());
    if let Some(log) = status.log_disk {
        let (free, total, kept) = (Bytes(log.disk.free), Bytes(log.disk.total), Bytes(log.kept));
        fact("disk of logs", format!("{free} of {total} free; what jobs print leaves {kept} of it"));
    }
    for notice in &status.notices {
        fact("notice", notice.clone());
    }
    output.table(&facts)?;
    if status.agents.is_empty() {
        return Ok(());
    }
    let mut agents = Table::new(&[
        left("INSTANCE"),
        left("ENVIRONMENT"),
        left("MODEL"),
        left("STATE"),
        right("JOBS"),
        right("PID"),
        left("AGENT"),
        left("LIMITS"),
    ]);
    for agent in &status.agents {
        agents.row(vec![
            Cell::new(&agent.instance_id.0),
            Cell::new(&agent.compute_environment),
            Cell::new(if agent.overcommit {
                format!("{}, overcommits", agent.provisioning)
            } else {
                agent.provisioning.clone()
            }),
            standing(agent, now),
            Cell::count(u64::from(agent.running_jobs)),
            Cell::optional(agent.pid.map(|pid| pid.to_string())),
            presence(agent),
            Cell::new(&agent.limits),
        ]);
    }
    output.text("\n")?;
    output.table(&agents)
}

/// Its state; how long it boots still, or when it is taken away.
fn standing(agent: &AgentStatus, now: Millis) -> Cell {
    let left = |at: Option<Millis>| at.filter(|at| *at > now && *at < Millis::MAX).map(|at| (at - now + 999) / 1000);
    match (left(agent.interrupted_at), left(agent.ready_at)) {
        (Some(seconds), _) => Cell::health(&format!("ends in {seconds} s"), false),
        (None, Some(seconds)) => Cell::new(format!("boots, {seconds} s left")),
        (None, None) => Cell::health(agent.state.as_str(), agent.state == InstanceState::Active),
    }
}

fn presence(agent: &AgentStatus) -> Cell {
    match (agent.connected, agent.silent_seconds) {
        (true, None) => Cell::health("connected", true),
        (true, Some(seconds)) => Cell::health(&format!("silent for {seconds} s"), false),
        (false, _) => Cell::health("away", false),
    }
}

/// The last lines that a log holds after its first `skip` bytes, without anything a terminal would act on.
fn tail(log: &Path, skip: u64) -> Vec<String> {
    let mut bytes = Vec::new();
    let _ = File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(skip))?;
        file.read_to_end(&mut bytes)
    });
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<String> = text.lines().map(|line| crate::model::text::printable(line).into_owned()).collect();
    lines[lines.len().saturating_sub(TAIL)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    #[tokio::test]
    async fn a_socket_that_a_killed_engine_has_not_let_go_of_yet_is_no_engine() {
        let root = tempfile::tempdir().expect("a directory");
        let data = DataDirectory::new(root.path()).expect("short");
        let _socket = UnixListener::bind(data.socket()).expect("binds");
        assert!(!answers(&data).await);
        let lock = private_file(&data.lock()).expect("opens");
        lock.lock().expect("free");
        assert!(answers(&data).await);
    }

    #[test]
    fn of_a_failed_start_only_its_own_last_lines_are_shown() {
        let directory = tempfile::tempdir().expect("a directory");
        let log = directory.path().join("engine.log");
        assert!(tail(&log, 0).is_empty(), "there is no log yet");
        let before = "the engine runs\nthe engine has ended in good order\n";
        std::fs::write(&log, format!("{before}one\n\u{1b}[31mtwo\n")).expect("written");
        assert_eq!(tail(&log, before.len() as u64), ["one", "two"]);
        let many = "line\n".repeat(100);
        std::fs::write(&log, many).expect("written");
        assert_eq!(tail(&log, 0).len(), TAIL);
    }
}
