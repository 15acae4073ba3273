//! Attempts as processes of this machine: a process group each, a clean environment, a scratch directory.

use super::attempt::{Surroundings, never_started};
use super::control::{Control, Word};
use super::log_file::{Logger, Stream, last_words};
use super::message::{Exit, Start};
use super::procs::{self, Seen};
use super::scratch::Scratch;
use super::{cookie, escaped, now};
use crate::model::{InstanceId, Millis, TaskContainer};
use rustix::fd::OwnedFd;
use rustix::fs::{Access, access};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::pending;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt as _, Interest};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::oneshot;

/// Names the directory to run in, instead of a scratch directory.
const WORKDIR: &str = "BATCHDECK_WORKDIR";
/// What a job gets to see of the agent's own environment.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "LC_ALL"];
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What a pipe holds at most, unless somebody has made it larger.
const PIPE_SIZE: usize = 64 * 1024;

/// Runs an attempt as a process.
pub(super) async fn run(
    start: &Start,
    container: &TaskContainer,
    surroundings: &Surroundings,
    mut control: Control,
    log: PathBuf,
    began: impl FnOnce(Millis) + Send,
) -> Exit {
    let scratch = match Scratch::create(&surroundings.data_directory, &start.task_id).await {
        Ok(scratch) => scratch,
        Err(error) => return never_started(format!("CannotStartContainerError: {error}; mend it and submit again")),
    };
    let exit = match prepare(start, container, &surroundings.instance, scratch.path()) {
        Ok(command) => {
            let logger = Logger::open(log).await;
            run_command(command, start, container, surroundings, &mut control, logger, began).await
        }
        Err(reason) => never_started(format!("CannotStartContainerError: {reason}")),
    };
    scratch.remove().await;
    exit
}

async fn run_command(
    mut command: Command,
    start: &Start,
    container: &TaskContainer,
    surroundings: &Surroundings,
    control: &mut Control,
    logger: Logger,
    began: impl FnOnce(Millis) + Send,
) -> Exit {
    if control.is_stopping() {
        logger.finish().await;
        return never_started(None);
    }
    let spawned = escaped::spawn(&mut command);
    let started_at = now();
    let (mut child, pid) = match spawned {
        Ok(spawned) => spawned,
        Err(error) => {
            logger.finish().await;
            return never_started(format!(
                "CannotStartContainerError: {}",
                why_not_spawned(&container.properties.command[0], &error)
            ));
        }
    };
    drop(command);
    surroundings.meters.begin(&start.attempt, pid);
    control.started(start.timeout_seconds);
    began(started_at);
    let (over, is_over) = oneshot::channel();
    let pump = match (child.stdout.take(), child.stderr.take()) {
        (Some(stdout), Some(stderr)) => Some(tokio::spawn(pump(stdout, stderr, logger, is_over))),
        _ => None,
    };

    let (status, last) = follow(&mut child, pid, control).await;
    let at = now();
    let usage = surroundings.meters.end(pid, last);
    escaped::sweep(&cookie(&surroundings.instance, &start.attempt)).await;
    let _ = over.send(());
    let mut unlogged = None;
    if let Some(pump) = pump {
        match pump.await {
            Ok(told) => unlogged = told,
            Err(error) => tracing::error!(attempt = %start.attempt, %error, "the reader of a job's output has failed"),
        }
    }
    let (code, reason) = match status {
        Ok(status) => (status.code().or(status.signal().map(|signal| 128 + signal)), unlogged),
        Err(error) => (None, Some(format!("its exit code could not be read: {error}"))),
    };
    Exit {
        at,
        started_at: Some(started_at),
        code,
        reason,
        timed_out: control.timed_out(),
        usage: Some(usage),
        ..Exit::default()
    }
}

/// Waits for the end of the first process, carrying out what `control` says, and ends its whole group then. Also gives
/// what the process has used, which is read between its end and the wait that makes its number free again.
async fn follow(child: &mut Child, pid: i32, control: &mut Control) -> (io::Result<ExitStatus>, Option<Seen>) {
    let ended = watch(pid);
    let mut status = None;
    while status.is_none() {
        tokio::select! {
            () = readable(ended.as_ref()), if ended.is_some() => break,
            // Without a pidfd: the number may be another's when the group is killed, which no one can tell.
            waited = child.wait(), if ended.is_none() => status = Some(waited),
            word = control.next() => match word {
                Word::Terminate { .. } => {
                    signal_group(pid, Signal::TERM);
                    // What is stopped hears TERM only once it goes on.
                    signal_group(pid, Signal::CONT);
                }
                Word::Kill => signal_group(pid, Signal::KILL),
            },
        }
    }
    let last = procs::one(pid);
    signal_group(pid, Signal::KILL);
    let status = match status {
        Some(status) => status,
        None => child.wait().await,
    };
    escaped::forget(pid);
    (status, last)
}

/// Readable once the process is over.
#[expect(
    deprecated,
    reason = "unsound for types that change their descriptor, which OwnedFd never does; the rest is unsafe"
)]
fn watch(pid: i32) -> Option<AsyncFd<OwnedFd>> {
    let descriptor = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::NONBLOCK).ok()?;
    AsyncFd::with_interest(descriptor, Interest::READABLE).ok()
}

async fn readable(descriptor: Option<&AsyncFd<OwnedFd>>) {
    match descriptor {
        // An error here means that the runtime is ending.
        Some(descriptor) => drop(descriptor.readable().await),
        None => pending().await,
    }
}

fn signal_group(pid: i32, signal: Signal) {
    if let Some(group) = Pid::from_raw(pid)
        && let Err(error) = kill_process_group(group, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(pid, ?signal, %error, "a job's process group cannot be signalled");
    }
}

/// Writes both pipes to the log until both are closed, or for a moment longer than the process lives. What
/// [`Logger::finish`] answers.
async fn pump(
    mut stdout: ChildStdout,
    mut stderr: ChildStderr,
    mut logger: Logger,
    is_over: oneshot::Receiver<()>,
) -> Option<String> {
    let last_words = last_words(is_over);
    tokio::pin!(last_words);
    let (mut out, mut err) = (vec![0; PIPE_SIZE], vec![0; PIPE_SIZE]);
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        tokio::select! {
            read = stdout.read(&mut out), if out_open => out_open = log(read, &out, Stream::Stdout, &mut logger).await,
            read = stderr.read(&mut err), if err_open => err_open = log(read, &err, Stream::Stderr, &mut logger).await,
            () = &mut last_words => break,
        }
    }
    logger.finish().await
}

/// Whether there may be more.
async fn log(read: io::Result<usize>, buffer: &[u8], stream: Stream, logger: &mut Logger) -> bool {
    match read {
        Ok(0) | Err(_) => false,
        Ok(count) => {
            logger.take(stream, &buffer[..count]).await;
            true
        }
    }
}

/// The command, ready to be spawned; or why it cannot be, and what to do.
fn prepare(start: &Start, container: &TaskContainer, instance: &InstanceId, scratch: &Path) -> Result<Command, String> {
    let Some((program, arguments)) = container.properties.command.split_first() else {
        return Err("no command was given, and a process on this machine has none of its own; give one".to_owned());
    };
    let environment = environment(start, container, instance, scratch)?;
    let directory = match environment.get(WORKDIR) {
        Some(directory) if !Path::new(directory).is_dir() => {
            let directory = Path::new(directory).display();
            return Err(format!(
                "the working directory {directory} ({WORKDIR}) is not there; create it or name another"
            ));
        }
        Some(directory) => PathBuf::from(directory),
        None => scratch.to_owned(),
    };
    let file = find(program, environment.get("PATH"), &directory)?;
    let mut command = Command::new(file);
    command
        .arg0(program)
        .args(arguments)
        .env_clear()
        .envs(&environment)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    Ok(command)
}

fn environment(
    start: &Start,
    container: &TaskContainer,
    instance: &InstanceId,
    scratch: &Path,
) -> Result<BTreeMap<String, OsString>, String> {
    let mut environment: BTreeMap<String, OsString> =
        INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?))).collect();
    environment.entry("PATH".to_owned()).or_insert_with(|| DEFAULT_PATH.into());
    environment.insert("TMPDIR".to_owned(), scratch.into());
    for variable in &container.properties.environment {
        if variable.name.is_empty() || variable.name.contains(['=', '\0']) || variable.value.contains('\0') {
            let name = variable.name.escape_debug();
            return Err(format!(
                "the environment variable `{name}` has a name or value that no process can have; mend it"
            ));
        }
        environment.insert(variable.name.clone(), variable.value.clone().into());
    }
    // Last: by these a job's processes are found again.
    for entry in cookie(instance, &start.attempt) {
        if let Some((name, value)) = entry.split_once('=') {
            environment.insert(name.to_owned(), value.into());
        }
    }
    Ok(environment)
}

/// The file to execute, found as a shell would: here rather than by the spawn, which is slower with a changed `PATH`
/// and does not tell what is missing.
fn find(program: &str, path: Option<&OsString>, directory: &Path) -> Result<PathBuf, String> {
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![directory.join(program)]
    } else {
        let path = path.map(std::env::split_paths).into_iter().flatten();
        path.map(|entry| directory.join(entry).join(program)).collect()
    };
    let mut found = candidates.iter().filter(|file| file.is_file() && !program.is_empty());
    let Some(first) = found.clone().next() else {
        let place = if program.contains('/') { "" } else { " in PATH" };
        return Err(format!("`{program}` was not found{place}; install it on this machine or name another program"));
    };
    found.find(|file| access(file.as_path(), Access::EXEC_OK).is_ok()).cloned().ok_or_else(|| {
        let first = first.display();
        format!(
            "`{program}` cannot be executed ({first} is not executable); run `chmod +x {first}` or name another program"
        )
    })
}

fn why_not_spawned(program: &str, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => "the interpreter that its first line names is missing; install it",
        io::ErrorKind::ArgumentListTooLong => "give it fewer or shorter arguments and environment variables",
        io::ErrorKind::WouldBlock => "this user has too many processes; end some or raise `ulimit -u`",
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            "it is no program of this machine; a script needs a first line such as `#!/bin/sh`"
        }
        _ => "try it by hand on this machine",
    };
    format!("`{program}` could not be started: {error}; {advice}")
}
