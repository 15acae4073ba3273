//! How long the loop has waited for its disk: as long as it does, nobody is answered, and whoever waits is told why.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A wait of so long is told of.
pub(super) const SLOW: Duration = Duration::from_secs(2);
/// One that was slow and is over is the reason for so long still: several may follow one another.
const RECENT: Duration = Duration::from_secs(10);

/// The waits of one loop.
#[derive(Debug, Default)]
pub(in crate::daemon) struct DiskWaits {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    since: Option<Instant>,
    /// The last one that was slow: when it was over, and how long it took.
    slow: Option<(Instant, Duration)>,
}

impl DiskWaits {
    /// Does what waits for the disk, and says how long that took where it was slow.
    pub(super) fn during<T>(&self, wait: impl FnOnce() -> T) -> (T, Option<Duration>) {
        let since = Instant::now();
        self.known().since = Some(since);
        let done = wait();
        let took = since.elapsed();
        let mut known = self.known();
        known.since = None;
        if took < SLOW {
            return (done, None);
        }
        known.slow = Some((Instant::now(), took));
        (done, Some(took))
    }

    /// For how long the disk is waited for now, or was until a moment ago.
    pub(in crate::daemon) fn for_long(&self) -> Option<Duration> {
        let known = self.known();
        let recent = known.slow.filter(|(over, _)| over.elapsed() < RECENT).map(|(_, took)| took);
        known.since.map(|since| since.elapsed()).max(recent)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seen_while_it_lasts_and_a_quick_one_leaves_nothing() {
        let waits = DiskWaits::default();
        assert_eq!(waits.for_long(), None);
        let ((), slow) = waits.during(|| assert!(waits.for_long().is_some()));
        assert!(slow.is_none_or(|took| took >= SLOW));
        assert_eq!(waits.for_long(), slow);
    }
}
