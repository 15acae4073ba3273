//! What running attempts use: CPU time and memory of all their processes, from `/proc`.

use super::now;
use super::procs::{self, Environment, Seen};
use super::series::Series;
use crate::model::{AttemptId, Usage};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

/// Between two samples.
const INTERVAL: Duration = Duration::from_secs(2);
/// Between two samples where this watch is all that keeps jobs within their memory.
const WATCH: Duration = Duration::from_millis(500);
/// After a start, so that a short job is seen at least once; also the least time between two samples.
const FIRST_LOOK: Duration = Duration::from_millis(300);

/// The containers that are measured, by their first process.
#[derive(Debug, Default)]
pub(super) struct Meters {
    running: Mutex<BTreeMap<i32, Meter>>,
    over_time: Mutex<BTreeMap<AttemptId, Told>>,
    added: Notify,
}

/// What is measured of a container, and how much memory it may have.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub attempt: AttemptId,
    /// By which processes that have left its family are known.
    pub cookie: Vec<String>,
    /// `None`: someone else sees to it.
    pub memory_mib: Option<u64>,
    /// Where is written what the attempt uses over time.
    pub record: PathBuf,
}

/// What an attempt uses over time: all its containers together.
#[derive(Debug)]
struct Told {
    /// Of its own: to write to the disk holds up nobody but whoever writes the same.
    series: Arc<Mutex<Series>>,
    containers: usize,
    /// Of containers that are over.
    cpu_seconds: f64,
    peak_memory_mib: f64,
}

#[derive(Debug, Clone)]
struct Meter {
    measured: Measured,
    /// When `usage` was taken; at first, when it started.
    at: Instant,
    usage: Usage,
    over: Arc<Notify>,
}

/// What is known of a process that has ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Last {
    pub cpu_seconds: f64,
    pub peak_memory_mib: f64,
    /// What the peak was not above; it counts where nobody has looked in time.
    pub at_most_mib: f64,
}

impl Meters {
    /// A container's first process runs. Whoever waits for the answer hears when it has taken more memory than it may.
    pub(super) fn begin(&self, pid: i32, measured: Measured) -> Arc<Notify> {
        let over = Arc::new(Notify::new());
        let told = || Told {
            series: Arc::new(Mutex::new(Series::begin(measured.record.clone(), now()))),
            containers: 0,
            cpu_seconds: 0.0,
            peak_memory_mib: 0.0,
        };
        self.told().entry(measured.attempt.clone()).or_insert_with(told).containers += 1;
        let meter = Meter { measured, at: Instant::now(), usage: Usage::default(), over: Arc::clone(&over) };
        self.table().insert(pid, meter);
        self.added.notify_one();
        over
    }

    /// Looks at the first process alone, which is cheap: short jobs are seen by this.
    pub(super) fn glance(&self, pid: i32) {
        let Some(peak) = procs::peak_kib(pid).map(|kib| mib(kib * 1024)) else { return };
        if let Some(meter) = self.table().get_mut(&pid) {
            meter.usage.peak_memory_mib = meter.usage.peak_memory_mib.max(peak);
        }
    }

    /// The container is over. What it has used in all.
    pub(super) fn end(&self, pid: i32, last: Last) -> Usage {
        let meter = self.table().remove(&pid);
        let (attempt, usage) = meter.map(|meter| (meter.measured.attempt, meter.usage)).unzip();
        let usage = usage.unwrap_or_default();
        let peak = usage.peak_memory_mib.max(last.peak_memory_mib);
        let usage = Usage {
            at: now(),
            cpu: 0.0,
            memory_mib: 0.0,
            cpu_seconds: usage.cpu_seconds.max(last.cpu_seconds),
            peak_memory_mib: if peak > 0.0 { peak } else { last.at_most_mib },
        };
        if let Some(attempt) = attempt {
            self.end_over_time(&attempt, usage);
        }
        usage
    }

    fn end_over_time(&self, attempt: &AttemptId, usage: Usage) {
        let mut all = self.told();
        let Some(told) = all.get_mut(attempt) else { return };
        told.containers -= 1;
        told.cpu_seconds += usage.cpu_seconds;
        told.peak_memory_mib += usage.peak_memory_mib;
        if told.containers == 0
            && let Some(told) = all.remove(attempt)
        {
            drop(all);
            locked(&told.series).end(usage.at, told.cpu_seconds, told.peak_memory_mib);
        }
    }

    /// Samples for as long as someone listens.
    pub(super) async fn follow(self: Arc<Self>, samples: Sender<Vec<(AttemptId, Usage)>>) {
        while !samples.is_closed() {
            let watches = self.table().values().any(|meter| meter.measured.memory_mib.is_some());
            tokio::select! {
                () = tokio::time::sleep(if watches { WATCH } else { INTERVAL }) => {}
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
        let leaders: BTreeMap<i32, Vec<String>> =
            self.table().iter().map(|(pid, meter)| (*pid, meter.measured.cookie.clone())).collect();
        if leaders.is_empty() {
            return Vec::new();
        }
        let all = procs::all();
        let members = attribute(&all, &leaders.keys().copied().collect(), std::process::id().cast_signed(), |pid| {
            leaders
                .iter()
                .find(|(_, cookie)| procs::environment(pid, cookie) == Environment::HasAll)
                .map(|(leader, _)| *leader)
        });
        let (moment, at) = (Instant::now(), now());
        let peaks: BTreeMap<i32, f64> = members
            .iter()
            .map(|(leader, members)| (*leader, members.iter().filter_map(|seen| procs::peak_kib(seen.pid)).max()))
            .map(|(leader, peak)| (leader, mib(peak.unwrap_or(0) * 1024)))
            .collect();
        let mut table = self.table();
        let mut samples: BTreeMap<AttemptId, Usage> = BTreeMap::new();
        let mut suspects = Vec::new();
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
            if let Some(limit) = meter.measured.memory_mib
                && memory_mib > whole(limit)
            {
                suspects.push((members, limit, Arc::clone(&meter.over)));
            }
            let sum = samples.entry(meter.measured.attempt.clone()).or_insert(Usage { at, ..Usage::default() });
            sum.cpu += meter.usage.cpu;
            sum.memory_mib += meter.usage.memory_mib;
            sum.peak_memory_mib += meter.usage.peak_memory_mib;
            sum.cpu_seconds += meter.usage.cpu_seconds;
        }
        drop(table);
        for (members, limit, over) in suspects {
            // What several processes share was counted several times.
            let shares = members.iter().map(|seen| procs::share_kib(seen.pid));
            if shares.sum::<u64>() > limit * 1024 {
                over.notify_one();
            }
        }
        let told = self.told();
        let series = samples.iter().filter_map(|(attempt, usage)| {
            let told = told.get(attempt)?;
            Some((Arc::clone(&told.series), told.cpu_seconds + usage.cpu_seconds, usage.memory_mib))
        });
        let series: Vec<_> = series.collect();
        drop(told);
        for (series, cpu_seconds, memory_mib) in series {
            locked(&series).note(at, cpu_seconds, memory_mib);
        }
        samples.into_iter().collect()
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<AttemptId, Told>> {
        locked(&self.over_time)
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<i32, Meter>> {
        locked(&self.running)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 MiB")]
fn whole(mib: u64) -> f64 {
    mib as f64
}

#[expect(clippy::cast_precision_loss, reason = "a sum of CPU time is far below 2^52 ticks")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / procfs::ticks_per_second() as f64
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(attempt: &AttemptId, memory_mib: Option<u64>) -> Measured {
        let record = PathBuf::from("/nowhere");
        Measured { attempt: attempt.clone(), cookie: vec!["A=b".into()], memory_mib, record }
    }

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
        let meters = Meters::default();
        let own = std::process::id().cast_signed();
        meters.begin(own, measured(&attempt, None));
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
        let total = meters.end(own, Last { cpu_seconds: 1000.0, peak_memory_mib: 1.0, at_most_mib: 0.0 });
        assert!(total.cpu_seconds >= 1000.0 && total.peak_memory_mib >= usage.peak_memory_mib, "{total:?}");
        assert!(meters.sample().is_empty());
        drop(kept);
    }

    #[tokio::test]
    async fn whoever_takes_more_memory_than_it_may_is_told_of_and_whoever_does_not_is_left_alone() {
        let attempt = AttemptId { job: "j".into(), number: 1 };
        let kept = std::hint::black_box(vec![1_u8; 32 << 20]);
        for (limit, is_over) in [(16, true), (100_000, false)] {
            let meters = Meters::default();
            let over = meters.begin(std::process::id().cast_signed(), measured(&attempt, Some(limit)));
            meters.sample();
            let told = tokio::time::timeout(Duration::ZERO, over.notified()).await.is_ok();
            assert_eq!(told, is_over, "{limit}");
        }
        drop(kept);
    }
}
