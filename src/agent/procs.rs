//! Processes as the kernel shows them under `/proc`.

use procfs::process::Process;
use rustix::fd::OwnedFd;
use rustix::io;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What is said of one process at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    pub zombie: bool,
    /// When it started, in clock ticks since the machine did; with it a number is of one process only.
    pub started: u64,
    /// Its own and that of its children that it has waited for; clock ticks.
    pub ticks: u64,
    /// Resident memory, in pages.
    pub pages: u64,
}

/// All processes, in the order of their ids.
pub(super) fn all() -> Vec<Seen> {
    let Ok(processes) = procfs::process::all_processes() else { return Vec::new() };
    // What ends while it is looked at is left out.
    let mut all: Vec<Seen> = processes.filter_map(|process| seen(&process.ok()?)).collect();
    all.sort_by_key(|seen| seen.pid);
    all
}

/// One process; a zombie too, until it is waited for.
pub(super) fn one(pid: i32) -> Option<Seen> {
    seen(&Process::new(pid).ok()?)
}

fn seen(process: &Process) -> Option<Seen> {
    let stat = process.stat().ok()?;
    let children = u64::try_from(stat.cutime).unwrap_or(0) + u64::try_from(stat.cstime).unwrap_or(0);
    Some(Seen {
        pid: stat.pid,
        parent: stat.ppid,
        group: stat.pgrp,
        zombie: matches!(stat.state, 'Z' | 'X'),
        started: stat.starttime,
        ticks: stat.utime + stat.stime + children,
        pages: stat.rss,
    })
}

/// The most memory a process has had resident since its last exec, in KiB.
pub(super) fn peak_kib(pid: i32) -> Option<u64> {
    // Asked for of each job that lasts: one read of a file that is never longer, and of one line of it.
    let mut text = [0; 4096];
    let length = File::open(format!("/proc/{pid}/status")).ok()?.read(&mut text).ok()?;
    let mut lines = text[..length].split(|byte| *byte == b'\n');
    let peak = lines.find_map(|line| line.strip_prefix(b"VmHWM:"))?;
    std::str::from_utf8(peak).ok()?.trim().strip_suffix("kB")?.trim_end().parse().ok()
}

/// The most memory that this process has had resident, in KiB, when that matters for telling whether `other` is more.
pub(super) fn own_peak_kib(other: u64) -> u64 {
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    let known = KNOWN.load(Ordering::Relaxed);
    if other <= known {
        return known;
    }
    let now = peak_kib(std::process::id().cast_signed()).unwrap_or(u64::MAX);
    KNOWN.fetch_max(now, Ordering::Relaxed);
    now
}

/// The memory of a process in KiB, with what it shares with others divided among them. What it has resident where the
/// kernel does not tell.
pub(super) fn share_kib(pid: i32) -> u64 {
    let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else {
        return one(pid).map_or(0, |seen| seen.pages * procfs::page_size() / 1024);
    };
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

/// The direct children of a process.
pub(super) fn children(pid: i32) -> Vec<i32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// What the environment that a process was started with says of some entries, `NAME=value` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Environment {
    HasAll,
    /// Or it may not be read.
    Lacks,
    /// The process is in the midst of an exec: it shows none before that is done.
    InExec,
}

pub(super) fn environment(pid: i32, entries: &[String]) -> Environment {
    let read = || std::fs::read(format!("/proc/{pid}/environ")).ok();
    let Some(mut environ) = read() else { return Environment::Lacks };
    if environ.is_empty() {
        // Another look, with the same place for it before and after: it has none for sure then.
        let before = end_of_environment(pid);
        environ = read().unwrap_or_default();
        if environ.is_empty() && (before == Some(0) || before != end_of_environment(pid)) {
            return Environment::InExec;
        }
    }
    let has = |entry: &String| environ.split(|byte| *byte == 0).any(|found| found == entry.as_bytes());
    if entries.iter().all(has) { Environment::HasAll } else { Environment::Lacks }
}

/// Whether a process was started with these entries, told once it is out of its exec. One that hangs in it was not. Blocks.
pub(super) fn settled_environment(pid: i32, entries: &[String]) -> bool {
    for _ in 0..100 {
        match environment(pid, entries) {
            Environment::HasAll => return true,
            Environment::Lacks => return false,
            Environment::InExec => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    false
}

/// Where in its memory the environment ends: 0 in the midst of an exec, whose new memory is not filled yet. A kernel
/// thread and what is over have no memory at all.
fn end_of_environment(pid: i32) -> Option<u64> {
    let stat = Process::new(pid).and_then(|process| process.stat()).ok()?;
    stat.env_end.filter(|_| stat.vsize > 0)
}

/// Whether a process was started with this variable. Unreadable is no.
pub(super) fn has_variable(pid: i32, name: &str) -> bool {
    let Ok(environ) = std::fs::read(format!("/proc/{pid}/environ")) else { return false };
    let mut entries = environ.split(|byte| *byte == 0);
    entries.any(|entry| entry.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"=")))
}

/// Whether `/` is the same directory for this process as for us. Unreadable is no.
pub(super) fn shares_our_root(pid: i32) -> bool {
    let identity = |path: &str| std::fs::metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((identity(&format!("/proc/{pid}/root")), identity("/")), (Ok(theirs), Ok(ours)) if theirs == ours)
}

/// Whether the process's control group names this container, so that its id is one of this machine.
pub(super) fn is_in_container(pid: i32, container: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|groups| groups.contains(container))
}

/// The children of this process's first thread: where the kernel hangs what its jobs have left behind.
pub(super) fn adopted() -> Vec<i32> {
    let own = std::process::id().cast_signed();
    match own_children(own) {
        Ok(list) => list.split(u8::is_ascii_whitespace).filter_map(parsed).collect(),
        // A kernel without CONFIG_PROC_CHILDREN.
        Err(_) => all().iter().filter(|seen| seen.parent == own).map(|seen| seen.pid).collect(),
    }
}

fn parsed(number: &[u8]) -> Option<i32> {
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// What the kernel tells of them. Asked for at the end of each job, it is opened once.
fn own_children(own: i32) -> std::io::Result<Vec<u8>> {
    static OPENED: OnceLock<File> = OnceLock::new();
    let file = if let Some(file) = OPENED.get() {
        file
    } else {
        let opened = File::open(format!("/proc/self/task/{own}/children"))?;
        OPENED.get_or_init(|| opened)
    };
    let mut list = vec![0; 512];
    let mut length = 0;
    loop {
        match file.read_at(&mut list[length..], length as u64)? {
            0 => break,
            read => length += read,
        }
        if length == list.len() {
            list.resize(2 * length, 0);
        }
    }
    list.truncate(length);
    Ok(list)
}

/// Waits until the process is over, and leaves it to be waited for.
pub(super) async fn over(pid: i32) {
    match watch(pid) {
        // An error here means that the runtime is ending.
        Some(descriptor) => drop(descriptor.readable().await),
        // A kernel or a sandbox without pidfds. It answers at once for what is no child of ours.
        None => {
            let _ = tokio::task::spawn_blocking(move || {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                Pid::from_raw(pid).map(|pid| waitid(WaitId::Pid(pid), options))
            })
            .await;
        }
    }
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

/// A process that stays the one it is: a signal through it never reaches another that has got its number.
#[derive(Debug)]
pub(super) struct Handle {
    pid: Pid,
    descriptor: Option<OwnedFd>,
}

impl Handle {
    pub(super) fn open(pid: i32) -> Option<Self> {
        let pid = Pid::from_raw(pid)?;
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => Some(Self { pid, descriptor: Some(descriptor) }),
            Err(io::Errno::SRCH) => None,
            // A kernel or a sandbox without it.
            Err(_) => Some(Self { pid, descriptor: None }),
        }
    }

    pub(super) fn kill(&self) -> io::Result<()> {
        match &self.descriptor {
            Some(descriptor) => pidfd_send_signal(descriptor, Signal::KILL),
            None => rustix::process::kill_process(self.pid, Signal::KILL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_in_the_midst_of_an_exec_is_not_taken_for_a_stranger() {
        let entry = ["BATCHDECK_TEST_OF_EXEC=1".to_owned()];
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec /bin/sh -c \"$0\" \"$0\"", "exec /bin/sh -c \"$0\" \"$0\""]);
        let mut child =
            command.env_clear().env("BATCHDECK_TEST_OF_EXEC", "1").stdin(Stdio::null()).spawn().expect("sh is there");
        let pid = child.id().cast_signed();
        let seen: Vec<Environment> = (0..20_000).map(|_| environment(pid, &entry)).collect();
        child.kill().expect("it runs for ever");
        child.wait().expect("it ended");
        assert!(seen.contains(&Environment::HasAll));
        let strange = seen.iter().filter(|seen| **seen == Environment::Lacks).count();
        assert_eq!(strange, 0, "of {} looks", seen.len());
    }
}
