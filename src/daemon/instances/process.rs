//! Processes, named so that a number that is used again is not mistaken, and ended without asking twice.

use crate::config::directories::replace_private;
use crate::model::InstanceId;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A process: its number, and when it started (in the kernel's ticks since boot).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::daemon) struct Process {
    pub pid: u32,
    pub start: u64,
}

impl Process {
    /// The process that has this number now; `None` when there is none or it is over.
    pub(in crate::daemon) fn of(pid: u32) -> Option<Self> {
        let stat = procfs::process::Process::new(i32::try_from(pid).ok()?).and_then(|process| process.stat()).ok()?;
        let over = matches!(stat.state, 'Z' | 'X' | 'x');
        (!over).then_some(Self { pid, start: stat.starttime })
    }

    pub(in crate::daemon) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// A handle that stays with this very process; `None` when it is over.
    fn open(self) -> Option<OwnedFd> {
        let pid = Pid::from_raw(i32::try_from(self.pid).ok()?)?;
        let handle = pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?;
        // Only now is it sure that the number has not been given to another meanwhile.
        self.is_alive().then_some(handle)
    }

    /// Waits until it is over.
    pub(in crate::daemon) async fn ended(self) -> io::Result<()> {
        let Some(handle) = self.open() else { return Ok(()) };
        #[expect(deprecated, reason = "its successor is unsafe for the sake of types that are no OwnedFd")]
        let handle = AsyncFd::with_interest(handle, Interest::READABLE)?;
        handle.readable().await.map(|_| ())
    }

    /// SIGKILL; without effect when it is over.
    pub(in crate::daemon) fn kill(self) {
        if let Some(handle) = self.open() {
            // It may end before the signal comes.
            let _ = pidfd_send_signal(&handle, Signal::KILL);
        }
    }

    pub(in crate::daemon) fn write(self, path: &Path) -> io::Result<()> {
        replace_private(path, format!("{} {}\n", self.pid, self.start).as_bytes())
    }

    pub(in crate::daemon) fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let (pid, start) = text.trim().split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, start: start.parse().ok()? })
    }
}

/// The agent of an instance, found by its arguments: for the case that its engine was killed before it had noted it.
pub(in crate::daemon) fn find_agent(instance: &InstanceId) -> Option<Process> {
    let named = |arguments: &[u8]| {
        let words: Vec<&[u8]> = arguments.split(|byte| *byte == 0).collect();
        words.windows(2).any(|pair| pair[0] == b"--instance" && pair[1] == instance.0.as_bytes())
    };
    all().find(|process| fs::read(format!("/proc/{}/cmdline", process.pid)).is_ok_and(|words| named(&words)))
}

fn all() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Process::of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::{Command, Stdio};

    #[tokio::test]
    async fn a_process_is_told_from_a_later_one_with_its_number() {
        let mut child = Command::new("sleep").arg("1000").spawn().expect("starts");
        let process = Process::of(child.id()).expect("is there");
        assert!(process.is_alive());
        assert!(!Process { start: process.start + 1, ..process }.is_alive());
        let file = tempfile::tempdir().expect("a directory");
        let path = file.path().join("pid");
        process.write(&path).expect("writes");
        assert_eq!(Process::read(&path), Some(process));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        process.kill();
        process.ended().await.expect("ends");
        assert!(!process.is_alive(), "one that is over and not reaped is not alive");
        child.wait().expect("reaped");
    }

    #[test]
    fn an_agent_is_found_by_its_arguments() {
        let instance = InstanceId("i-0fedcba9876543210".into());
        assert_eq!(find_agent(&instance), None);
        let mut child = Command::new("sh")
            .args(["-c", "read line; true", "agent", "--data-dir", "x", "--instance", &instance.0])
            .stdin(Stdio::piped())
            .spawn()
            .expect("starts");
        // Its arguments are there once it has been executed, which spawning waits for.
        assert_eq!(find_agent(&instance).map(|found| found.pid), Some(child.id()));
        drop(child.stdin.take());
        child.wait().expect("reaped");
    }
}
