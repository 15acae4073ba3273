//! The agent's children: the first process of each attempt, and what attempts have left behind when they ended.
//!
//! The agent is the reaper of everything it has brought forth ([`become_reaper`]), so a daemon that a job has put into
//! a session of its own becomes the agent's child once the job is over, and is found without a look at every process.

use super::procs::{self, Environment, Handle};
use rustix::process::{Pid, WaitOptions, getpgrp, waitpid};
use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// First processes that are not waited for yet: their status belongs to their attempt.
static LEADERS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
/// Held by those who bring a process forth, until it is among the leaders; several may at once.
static BIRTHS: RwLock<()> = RwLock::new(());

/// How long what was killed may take to vanish before its attempt is reported all the same.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(2);
const REAP_INTERVAL: Duration = Duration::from_secs(2);

pub(super) fn become_reaper() {
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        tracing::warn!(%error, "processes that leave their job's process group are only found when this agent ends");
    }
}

/// Spawns an attempt's first process.
pub(super) fn spawn(command: &mut Command) -> io::Result<(Child, i32)> {
    let _birth = BIRTHS.read().unwrap_or_else(PoisonError::into_inner);
    let child = command.spawn()?;
    let pid = child.id().cast_signed();
    leaders().insert(pid);
    Ok((child, pid))
}

/// The first process was waited for.
pub(super) fn forget(pid: i32) {
    leaders().remove(&pid);
}

/// Kills the adopted processes that were started with these environment entries, and what they have started in turn.
pub(super) async fn sweep(entries: &[String]) {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if kill_adopted(|pid| procs::environment(pid, entries)) == 0 {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    tracing::warn!(?entries, "processes that have left their job's process group do not end");
}

/// Waits for adopted processes that end while their job runs, so that they do not pile up as zombies. For ever.
pub(super) async fn reap() {
    loop {
        tokio::time::sleep(REAP_INTERVAL).await;
        kill_adopted(|_| Environment::Lacks);
    }
}

/// Kills all that is left of any attempt, known by its environment or not: the instance ends.
pub(super) async fn sweep_all() {
    let begin = Instant::now();
    while kill_adopted(|_| Environment::HasAll) > 0 && begin.elapsed() < PATIENCE {
        tokio::time::sleep(PAUSE).await;
    }
}

/// One round; gives how many of them are left, those that are dying and those that cannot be told yet among them. What is
/// just being brought forth is no leader yet: it has no entries of an attempt but its own.
fn kill_adopted(environment: impl Fn(i32) -> Environment) -> usize {
    let own_group = getpgrp().as_raw_nonzero().get();
    let mut left = 0;
    for pid in strangers() {
        // What is in the agent's own group is no job's.
        let Some(seen) = procs::one(pid).filter(|seen| seen.group != own_group) else { continue };
        if seen.zombie {
            bury(pid);
            continue;
        }
        let Some(handle) = Handle::open(pid) else { continue };
        let is_left = match environment(pid) {
            Environment::HasAll => handle.kill().is_ok(),
            Environment::InExec => true,
            Environment::Lacks => false,
        };
        left += usize::from(is_left);
    }
    left
}

/// Children that are no leaders.
fn strangers() -> Vec<i32> {
    let adopted = procs::adopted();
    let leaders = leaders();
    adopted.into_iter().filter(|pid| !leaders.contains(pid)).collect()
}

/// Waits for a stranger that is over: its status interests nobody, and nobody else waits for it.
fn bury(pid: i32) {
    // A leader that was over as soon as it began is known to be one now.
    let _no_birth = BIRTHS.write().unwrap_or_else(PoisonError::into_inner);
    if !leaders().contains(&pid) {
        let _ = waitpid(Pid::from_raw(pid), WaitOptions::NOHANG);
    }
}

fn leaders() -> MutexGuard<'static, BTreeSet<i32>> {
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}
