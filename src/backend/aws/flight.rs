//! Calls that are under way, and this machine's clock as AWS sees it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When each call went out that has not been answered.
#[derive(Debug, Default)]
pub struct Flights {
    begun: Mutex<BTreeSet<(Instant, u64)>>,
    next: AtomicU64,
}

/// One call; it is over when this is dropped.
#[derive(Debug)]
pub struct Flight<'a> {
    all: &'a Flights,
    key: (Instant, u64),
}

impl Flights {
    pub fn begin(&self) -> Flight<'_> {
        let key = (Instant::now(), self.next.fetch_add(1, Ordering::Relaxed));
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        Flight { all: self, key }
    }

    /// How long the oldest of them has been out.
    pub fn longest(&self) -> Option<Duration> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.first().map(|(begun, _)| begun.elapsed())
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.all.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// How far this machine's clock is from AWS's, as the last refusal for it told. The SDK signs by AWS's time once an answer
/// has told that; AWS takes no signature that is more than five minutes off.
#[derive(Debug, Default)]
pub struct Clock {
    /// Milliseconds by which AWS's clock is ahead.
    ahead: AtomicI64,
}

/// By less than this a refusal is not the clock's doing.
const NEAR: i64 = 60_000;

impl Clock {
    /// Milliseconds by which this machine's clock is behind AWS's; negative where it is ahead.
    pub fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Learns AWS's time from the `date` of a refusal. Whether that is, or was, another one than this machine's: then the same
    /// call is signed rightly now.
    pub fn learn(&self, date: &str) -> bool {
        let Ok(theirs) = chrono::DateTime::parse_from_rfc2822(date) else { return false };
        let ahead = theirs.timestamp_millis() - chrono::Utc::now().timestamp_millis();
        let before = self.ahead.swap(ahead, Ordering::Relaxed);
        ahead.abs() > NEAR || before.abs() > NEAR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_call_that_is_out_is_told_until_it_is_over() {
        let flights = Flights::default();
        assert_eq!(flights.longest(), None);
        let first = flights.begin();
        let second = flights.begin();
        let both = flights.longest().expect("two are out");
        drop(first);
        assert!(flights.longest().expect("one is out") <= both + Duration::from_secs(1));
        drop(second);
        assert_eq!(flights.longest(), None);
    }

    #[test]
    fn the_time_is_learnt_from_a_refusal() {
        let clock = Clock::default();
        let hence = |seconds: i64| {
            (chrono::Utc::now() + chrono::Duration::seconds(seconds)).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
        };
        assert!(!clock.learn("yesterday") && !clock.learn(&hence(2)), "there is nothing to set right");
        assert!(clock.learn(&hence(3600)));
        assert!((3_595_000..=3_605_000).contains(&clock.ahead()), "{}", clock.ahead());
        assert!(clock.learn(&hence(-3600)) && clock.ahead() < 0);
        assert!(clock.learn(&hence(0)), "it was wrong");
        assert!(!clock.learn(&hence(0)), "it is right");
    }
}
