//! What running attempts use: CPU time and memory of all their processes, from `/proc`.

use super::procs::{self, Seen};
use super::{cookie, now};
use crate::model::{AttemptId, InstanceId, Usage};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

/// Between two samples.
const INTERVAL: Duration = Duration::from_secs(2);
/// After a start, so that a short job is seen at least once; also the least time between two samples.
const FIRST_LOOK: Duration = Duration::from_millis(300);

/// The attempts that are measured, by their first process.
#[derive(Debug)]
pub(super) struct Meters {
    instance: InstanceId,
    running: Mutex<BTreeMap<i32, Meter>>,
    added: Notify,
}

#[derive(Debug, Clone)]
struct Meter {
    attempt: AttemptId,
    /// When `usage` was taken; at first, when it started.
    at: Instant,
    usage: Usage,
}

impl Meters {
    pub(super) fn new(instance: InstanceId) -> Self {
        Self { instance, running: Mutex::default(), added: Notify::new() }
    }

    /// An attempt's first process runs.
    pub(super) fn begin(&self, attempt: &AttemptId, pid: i32) {
        let meter = Meter { attempt: attempt.clone(), at: Instant::now(), usage: Usage::default() };
        self.table().insert(pid, meter);
        self.added.notify_one();
    }

    /// Its first process is over, and maybe still a zombie. What it has used in all.
    pub(super) fn end(&self, pid: i32, last: Option<Seen>) -> Usage {
        let meter = self.table().remove(&pid);
        let mut usage = meter.map(|meter| meter.usage).unwrap_or_default();
        if let Some(last) = last {
            usage.cpu_seconds = usage.cpu_seconds.max(seconds(last.ticks));
        }
        Usage { at: now(), cpu: 0.0, memory_mib: 0.0, ..usage }
    }

    /// Samples for as long as someone listens.
    pub(super) async fn follow(self: Arc<Self>, samples: Sender<Vec<(AttemptId, Usage)>>) {
        while !samples.is_closed() {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = self.added.notified() => tokio::time::sleep(FIRST_LOOK).await,
            }
            let meters = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || meters.sample()).await {
                Ok(sample) if !sample.is_empty() => {
                    // Nobody listens any more: the loop's condition sees it.
                    let _ = samples.send(sample).await;
                }
                _ => {}
            }
        }
    }

    fn sample(&self) -> Vec<(AttemptId, Usage)> {
        let leaders: BTreeMap<i32, AttemptId> =
            self.table().iter().map(|(pid, meter)| (*pid, meter.attempt.clone())).collect();
        if leaders.is_empty() {
            return Vec::new();
        }
        let all = procs::all();
        let members = attribute(&all, &leaders.keys().copied().collect(), std::process::id().cast_signed(), |pid| {
            let is_of = |attempt: &AttemptId| procs::has_environment(pid, &cookie(&self.instance, attempt));
            leaders.iter().find(|(_, attempt)| is_of(attempt)).map(|(leader, _)| *leader)
        });
        let (moment, at) = (Instant::now(), now());
        let peaks: BTreeMap<i32, f64> = members
            .iter()
            .map(|(leader, members)| (*leader, members.iter().filter_map(|seen| procs::peak_kib(seen.pid)).max()))
            .map(|(leader, peak)| (leader, mib(peak.unwrap_or(0) * 1024)))
            .collect();
        let mut table = self.table();
        let mut samples = Vec::new();
        for (leader, members) in &members {
            let Some(meter) = table.get_mut(leader) else { continue };
            let cpu_seconds = seconds(members.iter().map(|seen| seen.ticks).sum()).max(meter.usage.cpu_seconds);
            let memory_mib = mib(members.iter().map(|seen| seen.pages).sum::<u64>() * procfs::page_size());
            let peak = peaks.get(leader).copied().unwrap_or(0.0);
            let elapsed = (moment - meter.at).as_secs_f64().max(0.001);
            meter.usage = Usage {
                at,
                cpu: (cpu_seconds - meter.usage.cpu_seconds) / elapsed,
                memory_mib,
                peak_memory_mib: meter.usage.peak_memory_mib.max(memory_mib).max(peak),
                cpu_seconds,
            };
            meter.at = moment;
            samples.push((meter.attempt.clone(), meter.usage));
        }
        samples
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<i32, Meter>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which processes belong to which attempt, by its first process: those in its process group, its descendants, and of
/// the agent's adopted children (a daemon's parent is gone) those that `adopted_of` knows by their environment.
fn attribute<'a>(
    all: &'a [Seen],
    leaders: &BTreeSet<i32>,
    own: i32,
    adopted_of: impl Fn(i32) -> Option<i32>,
) -> BTreeMap<i32, Vec<&'a Seen>> {
    let by_pid: BTreeMap<i32, &Seen> = all.iter().map(|seen| (seen.pid, seen)).collect();
    let mut owner_of: BTreeMap<i32, Option<i32>> = BTreeMap::new();
    let mut members: BTreeMap<i32, Vec<&Seen>> = BTreeMap::new();
    for seen in all {
        let mut path = Vec::new();
        let mut next = Some(seen);
        let owner = loop {
            let Some(current) = next else { break None };
            if let Some(known) = owner_of.get(&current.pid) {
                break *known;
            }
            path.push(current.pid);
            if leaders.contains(&current.pid) {
                break Some(current.pid);
            }
            if leaders.contains(&current.group) {
                break Some(current.group);
            }
            if current.parent == own {
                break adopted_of(current.pid);
            }
            next = by_pid.get(&current.parent).copied().filter(|parent| !path.contains(&parent.pid));
        };
        owner_of.extend(path.into_iter().map(|pid| (pid, owner)));
        if let Some(leader) = owner {
            members.entry(leader).or_default().push(seen);
        }
    }
    members
}

#[expect(clippy::cast_precision_loss, reason = "a sum of CPU time is far below 2^52 ticks")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / procfs::ticks_per_second() as f64
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_counted_for_the_attempt_that_brought_them_forth() {
        let process = |pid, parent, group| Seen { pid, parent, group, ..Seen::default() };
        let all = [
            process(1, 0, 1),
            process(10, 1, 10),
            process(20, 10, 20),
            process(21, 20, 20),
            process(22, 21, 22),
            process(23, 1, 20),
            process(30, 10, 30),
            process(31, 30, 31),
            process(40, 10, 40),
            process(41, 40, 40),
            process(50, 10, 50),
            process(60, 1, 60),
        ];
        let members = attribute(&all, &BTreeSet::from([20, 30]), 10, |pid| (pid == 40).then_some(30));
        let pids = |leader: i32| members[&leader].iter().map(|seen| seen.pid).collect::<Vec<_>>();
        assert_eq!(pids(20), [20, 21, 22, 23]);
        assert_eq!(pids(30), [30, 31, 40, 41]);
        assert_eq!(members.len(), 2);
    }

    #[test]
    fn a_sample_sees_the_memory_and_the_processor_time_of_a_process() {
        let attempt = AttemptId { job: "j".into(), number: 1 };
        let meters = Meters::new(InstanceId("i-test".into()));
        let own = std::process::id().cast_signed();
        meters.begin(&attempt, own);
        let kept = std::hint::black_box(vec![1_u8; 32 << 20]);
        let begin = Instant::now();
        while procs::one(own).is_some_and(|seen| seconds(seen.ticks) < 0.05) {
            assert!(begin.elapsed() < Duration::from_secs(20), "processor time is counted");
        }
        let samples = meters.sample();
        assert_eq!(samples.len(), 1);
        let (whose, usage) = &samples[0];
        assert_eq!(*whose, attempt);
        assert!(usage.cpu > 0.0 && usage.cpu_seconds >= 0.05, "{usage:?}");
        assert!(usage.memory_mib >= 32.0 && usage.peak_memory_mib >= usage.memory_mib, "{usage:?}");
        drop(kept);
        let total = meters.end(own, procs::one(own));
        assert!(total.cpu_seconds >= usage.cpu_seconds && total.peak_memory_mib >= usage.peak_memory_mib, "{total:?}");
        assert!(meters.sample().is_empty());
    }
}
