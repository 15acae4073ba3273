//! What watchers see: a ring of recent changes, numbered by a cursor that grows over restarts.
//!
//! A watcher is a place in the ring. It never holds up the engine: one that falls behind the ring's tail is told to
//! read everything anew.

use crate::model::{Change, Cursor, Millis, What};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How many changes a watcher may be behind.
const RING: usize = 65_536;
/// How many changes a watcher takes at once.
const BATCH: usize = 1_024;
/// For so long after the last watcher has gone, changes are kept for one that comes back.
const RETURNS: Duration = Duration::from_mins(1);
/// How often a watcher is told that the stream is alive when nothing changes.
const ALIVE: Duration = Duration::from_secs(5);

/// The stream of changes of one engine.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ring: Mutex<Ring>,
    /// What watchers wait on: the newest cursor, how many they are, and whether it is over.
    pulse: watch::Sender<Pulse>,
    /// How often a watcher hears something when nothing changes.
    alive: Duration,
}

#[derive(Debug)]
struct Ring {
    /// The cursor before the oldest change that is kept.
    tail: u64,
    recent: VecDeque<Arc<Change>>,
    capacity: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pulse {
    newest: u64,
    consoles: u32,
    /// When the last of them went.
    left: Option<Instant>,
    closed: bool,
}

impl Feed {
    /// `seed` is the cursor before the first change: larger than any that an earlier run has given out.
    pub(super) fn new(seed: u64) -> Self {
        Self::with_limits(seed, RING, ALIVE)
    }

    fn with_limits(seed: u64, capacity: usize, alive: Duration) -> Self {
        let pulse = watch::Sender::new(Pulse { newest: seed, consoles: 0, left: None, closed: false });
        let ring = Mutex::new(Ring { tail: seed, recent: VecDeque::new(), capacity });
        Self { shared: Arc::new(Shared { ring, pulse, alive }) }
    }

    pub(super) fn publish(&self, at: Millis, changes: impl IntoIterator<Item = What>) {
        let mut ring = self.ring();
        let mut newest = ring.tail + ring.recent.len() as u64;
        let before = newest;
        for what in changes {
            newest += 1;
            ring.recent.push_back(Arc::new(Change { cursor: Cursor(newest), at, what }));
            if ring.recent.len() > ring.capacity {
                ring.recent.pop_front();
                ring.tail += 1;
            }
        }
        drop(ring);
        if newest > before {
            self.shared.pulse.send_modify(|pulse| pulse.newest = newest);
        }
    }

    /// Whether anyone watches, or may come back to go on.
    pub(super) fn is_followed(&self) -> bool {
        let pulse = self.shared.pulse.borrow();
        pulse.consoles > 0 || pulse.left.is_some_and(|left| left.elapsed() < RETURNS)
    }

    /// Something has changed that nobody was to hear of: who comes with an older cursor reads everything anew.
    pub(super) fn skip(&self) {
        let mut ring = self.ring();
        let newest = ring.tail + ring.recent.len() as u64 + 1;
        ring.recent.clear();
        ring.tail = newest;
        drop(ring);
        self.shared.pulse.send_modify(|pulse| pulse.newest = newest);
    }

    /// How many watch.
    pub(super) fn consoles(&self) -> u32 {
        self.shared.pulse.borrow().consoles
    }

    /// Ends all watchers.
    pub(super) fn close(&self) {
        self.shared.pulse.send_modify(|pulse| pulse.closed = true);
    }

    /// Resolves when it is closed.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut pulse = self.shared.pulse.subscribe();
        async move {
            // A sender that is gone has ended as well.
            let _ = pulse.wait_for(|pulse| pulse.closed).await;
        }
    }

    /// Watches from `from` on; without it, or when it is not in the ring, from now on and with a reset first.
    pub(super) fn watch(&self, from: Option<Cursor>) -> Watcher {
        self.shared.pulse.send_modify(|pulse| pulse.consoles += 1);
        let pulse = self.shared.pulse.subscribe();
        Watcher { feed: self.clone(), pulse, at: from.map(|cursor| cursor.0), announced: None }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One console's place in the stream.
#[derive(Debug)]
pub(super) struct Watcher {
    feed: Feed,
    pulse: watch::Receiver<Pulse>,
    /// The last change that was given out.
    at: Option<u64>,
    /// The number of consoles that was last told.
    announced: Option<u32>,
}

impl Watcher {
    /// The next changes, as soon as there are any; `None` when the feed is closed. `now` dates what the watcher says
    /// itself.
    pub(super) async fn next(&mut self, now: impl Fn() -> Millis) -> Option<Vec<Arc<Change>>> {
        loop {
            let pulse = *self.pulse.borrow_and_update();
            if pulse.closed {
                return None;
            }
            let batch = self.take(&now);
            if !batch.is_empty() {
                return Some(batch);
            }
            if self.announced != Some(pulse.consoles) {
                return Some(vec![self.alive(pulse.consoles, now())]);
            }
            match tokio::time::timeout(self.feed.shared.alive, self.pulse.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(vec![self.alive(pulse.consoles, now())]),
            }
        }
    }

    fn take(&mut self, now: impl Fn() -> Millis) -> Vec<Arc<Change>> {
        let ring = self.feed.ring();
        let newest = ring.tail + ring.recent.len() as u64;
        match self.at {
            Some(at) if (ring.tail..=newest).contains(&at) => {
                let skip = usize::try_from(at - ring.tail).unwrap_or(usize::MAX);
                let batch: Vec<_> = ring.recent.iter().skip(skip).take(BATCH).cloned().collect();
                self.at = Some(at + batch.len() as u64);
                batch
            }
            _ => {
                self.at = Some(newest);
                vec![Arc::new(Change { cursor: Cursor(newest), at: now(), what: What::Reset })]
            }
        }
    }

    fn alive(&mut self, consoles: u32, at: Millis) -> Arc<Change> {
        self.announced = Some(consoles);
        Arc::new(Change { cursor: Cursor(self.at.unwrap_or(0)), at, what: What::Alive { consoles } })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.feed.shared.pulse.send_modify(|pulse| {
            pulse.consoles = pulse.consoles.saturating_sub(1);
            pulse.left = Some(Instant::now());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(count: usize) -> Vec<What> {
        (0..count).map(|number| What::Notice(number.to_string())).collect()
    }

    async fn next(watcher: &mut Watcher) -> Vec<(u64, What)> {
        let batch = watcher.next(|| 0).await.expect("open");
        batch.into_iter().map(|change| (change.cursor.0, change.what.clone())).collect()
    }

    #[tokio::test]
    async fn a_new_watcher_is_told_to_read_everything_and_then_gets_what_comes() {
        let feed = Feed::new(1000);
        feed.publish(0, notices(3));
        let mut watcher = feed.watch(None);
        assert_eq!(next(&mut watcher).await, [(1003, What::Reset)]);
        assert_eq!(next(&mut watcher).await, [(1003, What::Alive { consoles: 1 })]);
        feed.publish(0, notices(2));
        assert_eq!(next(&mut watcher).await, [(1004, What::Notice("0".into())), (1005, What::Notice("1".into()))]);
    }

    #[tokio::test]
    async fn a_watcher_goes_on_from_its_cursor_or_is_reset_when_it_is_too_old_or_of_another_run() {
        let feed = Feed::with_limits(1000, 4, ALIVE);
        feed.publish(0, notices(6));
        let cases = [
            (1006, (1006, What::Alive { consoles: 1 })),
            (1005, (1006, What::Notice("5".into()))),
            (1002, (1003, What::Notice("2".into()))),
            (1001, (1006, What::Reset)),
            (17, (1006, What::Reset)),
            (9999, (1006, What::Reset)),
        ];
        for (cursor, expected) in cases {
            let mut watcher = feed.watch(Some(Cursor(cursor)));
            assert_eq!(next(&mut watcher).await[0], expected, "from {cursor}");
        }
    }

    #[tokio::test]
    async fn a_slow_watcher_is_reset_and_holds_nobody_up() {
        let feed = Feed::with_limits(0, 4, ALIVE);
        let mut watcher = feed.watch(Some(Cursor(0)));
        feed.publish(0, notices(100));
        assert_eq!(next(&mut watcher).await, [(100, What::Reset)]);
    }

    #[tokio::test]
    async fn what_nobody_was_to_hear_of_resets_whoever_comes_with_a_cursor_from_before() {
        let feed = Feed::new(1000);
        feed.publish(0, notices(2));
        assert!(!feed.is_followed());
        feed.skip();
        let mut watcher = feed.watch(Some(Cursor(1002)));
        assert_eq!(next(&mut watcher).await, [(1003, What::Reset)]);
        assert_eq!(next(&mut watcher).await, [(1003, What::Alive { consoles: 1 })]);
        feed.publish(0, notices(1));
        assert_eq!(next(&mut watcher).await, [(1004, What::Notice("0".into()))]);
        drop(watcher);
        assert!(feed.is_followed(), "it may come back");
    }

    #[tokio::test]
    async fn watchers_hear_when_another_comes_and_goes() {
        let feed = Feed::new(0);
        let mut first = feed.watch(Some(Cursor(0)));
        assert_eq!(next(&mut first).await, [(0, What::Alive { consoles: 1 })]);
        let second = feed.watch(None);
        assert_eq!(next(&mut first).await, [(0, What::Alive { consoles: 2 })]);
        drop(second);
        assert_eq!(next(&mut first).await, [(0, What::Alive { consoles: 1 })]);
        assert_eq!(feed.consoles(), 1);
    }

    #[tokio::test]
    async fn a_quiet_stream_says_that_it_is_alive_until_it_is_closed() {
        let feed = Feed::with_limits(7, 4, Duration::from_millis(20));
        let mut watcher = feed.watch(Some(Cursor(7)));
        for _ in 0..3 {
            assert_eq!(next(&mut watcher).await, [(7, What::Alive { consoles: 1 })]);
        }
        feed.close();
        assert!(watcher.next(|| 0).await.is_none());
    }
}
