//! A task's containers as processes of this machine: a process group each, a clean environment, a scratch directory.

use super::attempt::{Seat, Sign, never_started};
use super::control::{Control, Word};
use super::fence::Fence;
use super::host::words_of;
use super::log_file::{Logger, Stream, last_words};
use super::message::Exit;
use super::scratch::Scratch;
use super::terms::{self, Terms};
use super::usage::{Last, mib};
use super::{OUT_OF_MEMORY, escaped, now, procs};
use futures::FutureExt as _;
use futures::future::join;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{Access, access};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::future::pending;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use wait4::{ResUse, Wait4 as _};

/// Names the directory to run in, instead of a scratch directory.
const WORKDIR: &str = "BATCHDECK_WORKDIR";
/// What a job gets to see of the agent's own environment.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "LC_ALL"];
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// They say which GPUs are its own to the programs of a process.
const GPU_VARIABLES: [&str; 2] = ["NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"];
const SHELL: &str = "/bin/sh";
/// A process whose limits are to be set waits for a line, and is the job's from then on.
const GATE: &str = "read -r go && exec \"$0\" \"$@\" </dev/null";
/// What a pipe holds at most, unless somebody has made it larger.
const PIPE_SIZE: usize = 64 * 1024;
/// When a process is looked at after its start, in milliseconds from the look before; the last one is repeated. With the
/// third look it gets its control group.
const LOOKS: [u64; 6] = [2, 8, 15, 75, 400, 500];
const FENCED_AT: usize = 2;
/// With the second look its start is told. What is over by then is told once, with its end.
const TOLD_AT: usize = 1;
const KILLED: i32 = 137;

/// Runs a container of a task as a process.
pub(super) async fn run(seat: Seat<'_>, mut control: Control, sign: impl FnMut(Sign) + Send) -> Exit {
    let mut place = PathBuf::from(&seat.task.task_id);
    if !seat.is_alone() {
        place.push(&seat.container.name);
    }
    let terms = match terms::of(seat) {
        Ok(terms) => terms,
        Err(reason) => return never_started(format!("CannotStartContainerError: {reason}")),
    };
    let made = match &terms.identity {
        Some(other) => Scratch::create_for(&place, (other.uid, other.gid)),
        None => Scratch::create(&seat.around.scratches, &seat.around.data_directory, &place),
    };
    let scratch = match made {
        Ok(scratch) => scratch,
        Err(error) => return never_started(format!("CannotStartContainerError: {error}; mend it and submit again")),
    };
    let exit = match prepare(seat, scratch.path(), &terms) {
        Ok(command) => {
            let mut logger = Logger::open(&seat.log(), &seat.around.log_reserve);
            if let Some(notice) = &terms.notice {
                logger.take(Stream::Stderr, format!("{notice}\n").as_bytes()).await;
            }
            run_command(command, seat, &terms, &mut control, logger, sign).await
        }
        Err(reason) => never_started(format!("CannotStartContainerError: {reason}")),
    };
    scratch.remove().await;
    exit
}

async fn run_command(
    mut command: Command,
    seat: Seat<'_>,
    terms: &Terms,
    control: &mut Control,
    logger: Logger,
    mut sign: impl FnMut(Sign) + Send,
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
            let program = seat.container.properties.command.first().map_or("", String::as_str);
            return never_started(format!("CannotStartContainerError: {}", why_not_spawned(program, &error)));
        }
    };
    drop(command);
    if let Err(reason) = limit(&mut child, pid, &terms.limits) {
        signal_group(pid, Signal::KILL);
        let _ = child.wait();
        escaped::forget(pid);
        logger.finish().await;
        return never_started(format!("CannotStartContainerError: {reason}"));
    }
    control.started(seat.timeout_seconds);
    let address = seat.task.network.as_ref().map(|_| "127.0.0.1".to_owned());
    let is_waited_for = !seat.is_alone() || address.is_some();
    let mut began = Some(|| sign(Sign::Started { at: started_at, address }));
    if is_waited_for && let Some(began) = began.take() {
        began();
    }
    let meters = &seat.around.meters;
    let over_memory = meters.begin(pid, seat.measured(Some(seat.memory_mib())));
    let (over, is_over) = oneshot::channel();
    let pipes = (child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from));
    let pump = pump(pipes, logger, is_over);
    let life = async {
        let ended = follow(child, pid, seat, control, &over_memory, began).await;
        let at = now();
        let usage = meters.end(pid, ended.last);
        escaped::sweep(&seat.cookie()).await;
        let _ = over.send(());
        (ended, at, usage)
    };
    // One task: whatever happens to an attempt wakes nobody else.
    let ((ended, at, usage), unlogged) = join(life, AssertUnwindSafe(pump).catch_unwind()).await;
    let unlogged = unlogged.unwrap_or_else(|panic| {
        let error = words_of(&*panic);
        tracing::error!(attempt = %seat.task.attempt, error, "the reader of a job's output has failed");
        None
    });
    let (code, reason) = match ended.used {
        Ok(_) if ended.out_of_memory => (Some(KILLED), Some(OUT_OF_MEMORY.to_owned())),
        Ok(used) => (used.status.code().or(used.status.signal().map(|signal| 128 + signal)), unlogged),
        Err(error) => (None, Some(format!("its exit code could not be read: {error}"))),
    };
    let timed_out = control.timed_out();
    Exit { at, started_at: Some(started_at), code, reason, timed_out, usage: Some(usage), ..Exit::default() }
}

/// Limits a process that waits at its [`GATE`], and lets it go on.
fn limit(child: &mut Child, pid: i32, limits: &[(String, Resource, Rlimit)]) -> Result<(), String> {
    let Some(mut gate) = child.stdin.take() else { return Ok(()) };
    for (name, resource, wanted) in limits {
        prlimit(Pid::from_raw(pid), *resource, *wanted)
            .map_err(|error| format!("ulimits: {name} cannot be set: {error}; change it or leave it out"))?;
    }
    // One that is dead already is found so.
    let _ = gate.write_all(b"\n");
    Ok(())
}

/// How a process has ended.
struct Ended {
    used: io::Result<ResUse>,
    last: Last,
    out_of_memory: bool,
}

/// Waits for the end of the first process, carrying out what `control` says, and ends its whole group then: between its
/// end and the wait that makes its number free again.
async fn follow(
    mut child: Child,
    pid: i32,
    seat: Seat<'_>,
    control: &mut Control,
    over_memory: &Notify,
    mut began: Option<impl FnOnce() + Send>,
) -> Ended {
    let over = procs::over(pid);
    let mut fence = None;
    let mut out_of_memory = false;
    let mut looks = 0;
    let look = tokio::time::sleep(Duration::from_millis(LOOKS[0]));
    tokio::pin!(over, look);
    loop {
        tokio::select! {
            () = &mut over => break,
            word = control.next() => match word {
                Word::Terminate { .. } => {
                    signal_group(pid, Signal::TERM);
                    // What is stopped hears TERM only once it goes on.
                    signal_group(pid, Signal::CONT);
                }
                Word::Kill => signal_group(pid, Signal::KILL),
            },
            () = over_memory.notified() => {
                out_of_memory = true;
                signal_group(pid, Signal::KILL);
            }
            () = &mut look => {
                // Before, a program is seen that is still being loaded.
                if looks >= FENCED_AT {
                    seat.around.meters.glance(pid);
                }
                if looks == TOLD_AT && let Some(began) = began.take() {
                    began();
                }
                if looks == FENCED_AT {
                    fence = enclose(seat, pid).await;
                } else if fence.as_ref().is_some_and(|fence| fence.was_breached()) {
                    out_of_memory = true;
                    signal_group(pid, Signal::KILL);
                }
                looks += 1;
                let pause = Duration::from_millis(LOOKS[looks.min(LOOKS.len() - 1)]);
                look.as_mut().reset(tokio::time::Instant::now() + pause);
            }
        }
    }
    signal_group(pid, Signal::KILL);
    let used = child.wait4();
    escaped::forget(pid);
    let mut last = used.as_ref().map(last_of).unwrap_or_default();
    if let Some(fence) = fence {
        let failed = used.as_ref().is_ok_and(|used| !used.status.success());
        out_of_memory |= failed && fence.was_breached();
        last.peak_memory_mib = fence.peak_mib().unwrap_or_default().max(last.peak_memory_mib);
        take_down(fence);
    }
    Ended { used, last, out_of_memory }
}

/// Processor time is exact. The peak is of whatever had this number, and that began as a part of the agent: a figure
/// below the agent's own peak may be the agent's.
fn last_of(used: &ResUse) -> Last {
    let cpu_seconds = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    let own = procs::own_peak_kib(used.rusage.maxrss / 1024) * 1024;
    let at_most_mib = mib(used.rusage.maxrss);
    Last { cpu_seconds, peak_memory_mib: if used.rusage.maxrss > own { at_most_mib } else { 0.0 }, at_most_mib }
}

async fn enclose(seat: Seat<'_>, pid: i32) -> Option<Arc<Fence>> {
    let fences = seat.around.fences.clone();
    let name = if seat.is_alone() {
        seat.task.task_id.clone()
    } else {
        format!("{}.{}", seat.task.task_id, seat.container.name)
    };
    let (memory_mib, vcpus) = (seat.memory_mib(), seat.vcpus());
    // The kernel takes its time for it.
    let made = tokio::task::spawn_blocking(move || fences.around(&name, pid, memory_mib, vcpus)).await;
    made.ok().flatten().map(Arc::new)
}

/// Nobody waits for it.
fn take_down(fence: Arc<Fence>) {
    tokio::task::spawn_blocking(move || {
        if let Some(fence) = Arc::into_inner(fence) {
            fence.remove();
        }
    });
}

fn followed(end: Option<OwnedFd>) -> Option<Receiver> {
    Receiver::from_owned_fd(end?).ok()
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
    (stdout, stderr): (Option<OwnedFd>, Option<OwnedFd>),
    mut logger: Logger,
    mut is_over: oneshot::Receiver<()>,
) -> Option<String> {
    let at_once = timeout(Duration::from_millis(LOOKS[0]), &mut is_over).await.is_ok();
    if at_once && is_said([&stdout, &stderr]) {
        for (pipe, stream) in [(stdout, Stream::Stdout), (stderr, Stream::Stderr)] {
            let mut said = Vec::new();
            // What could be read before an error is logged.
            let _ = pipe.map(|pipe| File::from(pipe).read_to_end(&mut said));
            logger.take(stream, &said).await;
        }
        return logger.finish().await;
    }
    let (mut stdout, mut stderr) = (followed(stdout), followed(stderr));
    let last_words = last_words(async move {
        if !at_once {
            let _ = is_over.await;
        }
    });
    tokio::pin!(last_words);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while stdout.is_some() || stderr.is_some() {
        tokio::select! {
            read = read(&mut stdout, &mut out) => log(read, &mut stdout, &mut out, Stream::Stdout, &mut logger).await,
            read = read(&mut stderr, &mut err) => log(read, &mut stderr, &mut err, Stream::Stderr, &mut logger).await,
            () = &mut last_words => break,
        }
    }
    logger.finish().await
}

/// Whether nobody is left who could write to them: what they hold, if anything, can be read without a wait. Jobs that are
/// over at once, and there may be many, are not waited for pipe by pipe.
fn is_said(pipes: [&Option<OwnedFd>; 2]) -> bool {
    let mut looks: Vec<PollFd<'_>> = pipes.into_iter().flatten().map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
    poll(&mut looks, Some(&Timespec::default())).is_ok()
        && looks.iter().all(|look| look.revents().contains(PollFlags::HUP))
}

/// Waits for a piece; for ever where there is no pipe. The room for it is made when there is something to read.
async fn read(pipe: &mut Option<Receiver>, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let Some(pipe) = pipe else { return pending().await };
    loop {
        pipe.readable().await?;
        if buffer.is_empty() {
            // A pipe that is over costs no room.
            let mut first = [0];
            match pipe.try_read(&mut first) {
                Ok(0) => return Ok(0),
                Ok(_) => {
                    buffer.resize(PIPE_SIZE, 0);
                    buffer[0] = first[0];
                    return match pipe.try_read(&mut buffer[1..]) {
                        Ok(more) => Ok(more + 1),
                        Err(_) => Ok(1),
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
        }
        match pipe.try_read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

/// Writes a piece; the pipe is let go of when it is over.
async fn log(
    read: io::Result<usize>,
    pipe: &mut Option<Receiver>,
    buffer: &mut [u8],
    stream: Stream,
    logger: &mut Logger,
) {
    match read {
        Ok(0) | Err(_) => *pipe = None,
        Ok(count) => logger.take(stream, &buffer[..count]).await,
    }
}

/// The command, ready to be spawned; or why it cannot be, and what to do.
fn prepare(seat: Seat<'_>, scratch: &Path, terms: &Terms) -> Result<Command, String> {
    let Some((program, arguments)) = seat.container.properties.command.split_first() else {
        return Err("no command was given, and a process on this machine has none of its own; give one".to_owned());
    };
    let environment = environment(seat, scratch, terms)?;
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
    let mut command = if terms.limits.is_empty() {
        let mut command = Command::new(file);
        command.arg0(program).args(arguments).stdin(Stdio::null());
        command
    } else {
        let mut command = Command::new(SHELL);
        command.args(["-c", GATE]).arg(file).args(arguments).stdin(Stdio::piped());
        command
    };
    if let Some(other) = &terms.identity {
        command.uid(other.uid).gid(other.gid);
    }
    command
        .env_clear()
        .envs(&environment)
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    Ok(command)
}

fn environment(seat: Seat<'_>, scratch: &Path, terms: &Terms) -> Result<BTreeMap<String, OsString>, String> {
    let mut environment: BTreeMap<String, OsString> =
        INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?))).collect();
    environment.entry("PATH".to_owned()).or_insert_with(|| DEFAULT_PATH.into());
    environment.insert("TMPDIR".to_owned(), scratch.into());
    if let Some(other) = &terms.identity {
        environment.insert("HOME".to_owned(), other.home.clone().into());
        environment.extend(["USER", "LOGNAME"].map(|name| (name.to_owned(), OsString::from(&other.name))));
    }
    for variable in &seat.container.properties.environment {
        if variable.name.is_empty() || variable.name.contains(['=', '\0']) || variable.value.contains('\0') {
            let name = variable.name.escape_debug();
            return Err(format!(
                "the environment variable `{name}` has a name or value that no process can have; mend it"
            ));
        }
        environment.insert(variable.name.clone(), variable.value.clone().into());
    }
    let devices = &seat.container.gpu_devices;
    if !devices.is_empty() {
        let list = devices.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        environment.extend(GPU_VARIABLES.map(|name| (name.to_owned(), OsString::from(&list))));
    }
    // Last: by these a job's processes are found again.
    for entry in seat.cookie() {
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
    let mut first = None;
    for file in candidates.into_iter().filter(|file| !program.is_empty() && file.is_file()) {
        if access(&file, Access::EXEC_OK).is_ok() {
            return Ok(file);
        }
        first.get_or_insert(file);
    }
    let Some(first) = first else {
        let place = if program.contains('/') { "" } else { " in PATH" };
        return Err(format!("`{program}` was not found{place}; install it on this machine or name another program"));
    };
    let first = first.display();
    Err(format!(
        "`{program}` cannot be executed ({first} is not executable); run `chmod +x {first}` or name another program"
    ))
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
