//! What has occurred lately, in all regions: a ring that hooks and `events` read, numbered by a cursor that goes with the
//! journal and so grows over restarts.

mod envelope;
mod hooks;

pub(super) use envelope::envelope;
pub use hooks::HookError;
pub(super) use hooks::{Hook, Hooks, Surroundings};

use super::driver::Region;
use crate::model::{JobId, Millis, Occurrence, Throughput};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How far one who reads may be behind.
const RING: usize = 65_536;
/// One row of the journal leads to fewer occurrences: those of an array of 10,000 and its parent.
const A_ROW: u32 = 14;

/// The cursor of an occurrence: the number of its row in the journal, and which one of the row's it is.
pub(super) fn cursor(row: u64, number: usize) -> u64 {
    (row << A_ROW) | u64::try_from(number).unwrap_or(0).min((1 << A_ROW) - 1)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub cursor: u64,
    pub region: Region,
    pub what: Occurrence,
}

/// The ring; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Occurrences {
    ring: Arc<Mutex<Ring>>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    recent: VecDeque<Entry>,
    /// The cursor of the last one that is not kept any more; what comes after it is complete.
    tail: u64,
}

/// A part of the ring.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub entries: Vec<Entry>,
    /// There were others before them, after the cursor that was asked for.
    pub missed: bool,
}

impl Occurrences {
    /// `tail`: nothing is known of what occurred up to this cursor.
    pub(super) fn new(tail: u64, known: impl IntoIterator<Item = Entry>) -> Self {
        let occurrences = Self {
            ring: Arc::new(Mutex::new(Ring { recent: VecDeque::new(), tail })),
            newest: watch::Sender::new(tail),
        };
        occurrences.publish(known);
        occurrences
    }

    pub(super) fn publish(&self, entries: impl IntoIterator<Item = Entry>) {
        let mut ring = self.ring();
        let before = ring.newest();
        for entry in entries {
            ring.recent.push_back(entry);
            if ring.recent.len() > RING {
                ring.tail = ring.recent.pop_front().map_or(ring.tail, |gone| gone.cursor);
            }
        }
        let newest = ring.newest();
        drop(ring);
        if newest > before {
            self.newest.send_replace(newest);
        }
    }

    pub(super) fn newest(&self) -> u64 {
        self.ring().newest()
    }

    pub(super) fn oldest(&self) -> u64 {
        self.ring().tail
    }

    /// What came after a cursor, at most so many.
    pub(super) fn after(&self, cursor: u64, most: usize) -> Taken {
        let ring = self.ring();
        let from = ring.recent.partition_point(|entry| entry.cursor <= cursor);
        let entries = ring.recent.iter().skip(from).take(most).cloned().collect();
        Taken { entries, missed: cursor < ring.tail }
    }

    /// What started and ended since a time, by the minute. The array itself does not count beside its children.
    pub(super) fn throughput(&self, region: &str, since: Millis, now: Millis) -> Throughput {
        let ring = self.ring();
        let jobs = || ring.recent.iter().filter(|entry| *entry.region == *region && !entry.what.service);
        let arrays: HashSet<JobId> = jobs().filter_map(|entry| entry.what.job.part()).map(|(whole, _)| whole).collect();
        // Where something before is not known any more, it is complete from the oldest that is left.
        let is_whole = ring.tail <= cursor(1, 0);
        let oldest = ring.recent.front().map_or(now, |entry| entry.what.at);
        let from = if is_whole { since } else { oldest.max(since) };
        let mut told = Throughput { from, ..Throughput::default() };
        for Entry { what, .. } in jobs().filter(|entry| entry.what.at >= since && entry.what.is_state()) {
            if !arrays.contains(&what.job) {
                told.note(what.at, what.status);
            }
        }
        told
    }

    /// Resolves once something came after the cursor.
    pub(super) async fn wait(&self, cursor: u64) {
        let mut newest = self.newest.subscribe();
        // The sender lives as long as this does.
        let _ = newest.wait_for(|newest| *newest > cursor).await;
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn newest(&self) -> u64 {
        self.recent.back().map_or(self.tail, |entry| entry.cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobStatus, Minute};

    fn entry(cursor: u64) -> Entry {
        let status = JobStatus::Runnable;
        let what = Occurrence {
            at: 0,
            job: JobId::from("j"),
            service: false,
            blocked: None,
            watch: None,
            status,
            reason: None,
            attempts: 0,
        };
        Entry { cursor, region: "r".into(), what }
    }

    fn cursors(taken: &Taken) -> Vec<u64> {
        taken.entries.iter().map(|entry| entry.cursor).collect()
    }

    #[test]
    fn what_started_and_ended_is_counted_by_the_minute_and_an_array_by_its_children() {
        let said = |at, id: &str, status| {
            let known = entry(1);
            Entry { what: Occurrence { at, job: JobId::from(id), status, ..known.what }, ..known }
        };
        let all = [
            said(10, "old", JobStatus::Failed),
            said(60_010, "a", JobStatus::Running),
            said(60_020, "a", JobStatus::Succeeded),
            said(120_000, "p:0", JobStatus::Failed),
            said(120_001, "p", JobStatus::Failed),
            said(120_002, "a", JobStatus::Runnable),
            Entry { region: "other".into(), ..said(120_003, "b", JobStatus::Failed) },
        ];
        let told = Occurrences::new(0, all.clone()).throughput("r", 60_000, 200_000);
        let minutes: Vec<_> = told.minutes.into_iter().collect();
        let expected = [
            (60_000, Minute { started: 1, succeeded: 1, failed: 0 }),
            (120_000, Minute { started: 0, succeeded: 0, failed: 1 }),
        ];
        assert_eq!((told.from, minutes.as_slice()), (60_000, expected.as_slice()));
        let later = Occurrences::new(cursor(9, 0), all[2..].to_vec());
        assert_eq!(later.throughput("r", 0, 200_000).from, 60_020, "what was before is not known");
        assert_eq!(Occurrences::new(cursor(9, 0), []).throughput("r", 0, 200_000).from, 200_000);
    }

    #[tokio::test]
    async fn one_goes_on_from_a_cursor_and_hears_when_something_was_missed() {
        let occurrences = Occurrences::new(5, [entry(7), entry(9)]);
        assert_eq!((occurrences.oldest(), occurrences.newest()), (5, 9));
        assert_eq!(cursors(&occurrences.after(5, 10)), [7, 9]);
        assert_eq!(cursors(&occurrences.after(7, 10)), [9]);
        assert!(!occurrences.after(7, 10).missed && occurrences.after(4, 10).missed);
        let waiting = occurrences.wait(9);
        occurrences.publish([entry(12)]);
        waiting.await;
        assert_eq!(cursors(&occurrences.after(9, 10)), [12]);
        occurrences.publish((0..70_000).map(|number| entry(100 + number)));
        assert!(occurrences.after(12, 1).missed);
        assert_eq!(occurrences.after(occurrences.oldest(), usize::MAX).entries.len(), RING);
    }

    #[test]
    fn cursors_grow_with_rows_and_within_them() {
        assert!(cursor(1, 0) < cursor(1, 10_000) && cursor(1, 10_000) < cursor(2, 0));
    }
}
