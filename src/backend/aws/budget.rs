//! How many calls a second go to AWS: one bucket of tokens for all, in which what an operator asks goes first.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// An operator or a script, who waits for the answer.
    Operator,
    /// The polls behind watches and followed logs.
    Background,
}

/// The budget of calls. The service's own limits are unpublished and shared by all of an account's callers.
#[derive(Debug)]
pub struct Budget {
    started: Instant,
    bucket: Mutex<Bucket>,
}

impl Budget {
    pub fn new(calls_per_second: f64) -> Self {
        Self { started: Instant::now(), bucket: Mutex::new(Bucket::new(calls_per_second)) }
    }

    /// Waits until a call may go out.
    pub async fn spend(&self, caller: Caller) {
        loop {
            let taken = self.locked(|bucket, now| bucket.take(now, caller));
            match taken {
                Ok(()) => return,
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// The service asked for fewer calls: the bucket is empty, and what has to fill it first is a second's worth.
    pub fn throttled(&self) {
        self.locked(Bucket::drain);
    }

    fn locked<T>(&self, act: impl FnOnce(&mut Bucket, Duration) -> T) -> T {
        let now = self.started.elapsed();
        act(&mut self.bucket.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

/// A bucket that fills with time up to one second's worth. Time is passed in.
#[derive(Debug, Clone, PartialEq)]
struct Bucket {
    per_second: f64,
    size: f64,
    /// What the background must leave for the operator.
    reserve: f64,
    tokens: f64,
    at: Duration,
}

impl Bucket {
    fn new(per_second: f64) -> Self {
        // A setting of 0 or less would wait for ever.
        let per_second = if per_second.is_finite() { per_second.max(0.1) } else { 8.0 };
        let size = per_second.max(2.0);
        Self { per_second, size, reserve: (size / 4.0).min(size - 1.0), tokens: size, at: Duration::ZERO }
    }

    /// Takes a token, or says how long to wait for one.
    fn take(&mut self, now: Duration, caller: Caller) -> Result<(), Duration> {
        self.fill(now);
        let needed = match caller {
            Caller::Operator => 1.0,
            Caller::Background => 1.0 + self.reserve,
        };
        // What floating point loses must not keep a caller one last nanosecond.
        if self.tokens + 1e-6 >= needed {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((needed - self.tokens) / self.per_second))
    }

    fn drain(&mut self, now: Duration) {
        self.fill(now);
        self.tokens = self.tokens.min(1.0) - self.per_second.min(self.size);
    }

    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.size);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::Caller::{Background, Operator};
    use super::*;

    /// How many calls go out in `seconds` when `caller` always wants to.
    fn calls(bucket: &mut Bucket, caller: Caller, from: f64, seconds: f64) -> u32 {
        let (mut now, end) = (Duration::from_secs_f64(from), Duration::from_secs_f64(from + seconds));
        let mut made = 0;
        while now < end {
            match bucket.take(now, caller) {
                Ok(()) => made += 1,
                Err(wait) => now += wait,
            }
        }
        made
    }

    #[test]
    fn the_rate_holds_after_the_first_second_for_whoever_calls() {
        for per_second in [0.5, 2.0, 8.0, 40.0] {
            for caller in [Operator, Background] {
                let mut bucket = Bucket::new(per_second);
                calls(&mut bucket, caller, 0.0, 10.0);
                let made = f64::from(calls(&mut bucket, caller, 10.0, 100.0));
                assert!((made - per_second * 100.0).abs() <= 2.0, "{caller:?} at {per_second}: {made}");
            }
        }
    }

    #[test]
    fn an_operator_finds_a_token_however_busy_the_background_is() {
        let mut bucket = Bucket::new(8.0);
        calls(&mut bucket, Background, 0.0, 5.0);
        assert_eq!(bucket.take(Duration::from_secs(5), Operator), Ok(()));
        assert_eq!(bucket.take(Duration::from_secs(5), Operator), Ok(()));
        assert!(bucket.take(Duration::from_secs(5), Background).is_err());
    }

    #[test]
    fn an_idle_bucket_saves_up_one_second_and_no_more() {
        let mut bucket = Bucket::new(8.0);
        let made = (0..100).filter(|_| bucket.take(Duration::from_hours(1), Operator).is_ok()).count();
        assert_eq!(made, 8);
    }

    #[test]
    fn throttling_stops_all_calls_for_a_second() {
        let mut bucket = Bucket::new(8.0);
        bucket.drain(Duration::from_secs(1));
        let wait = bucket.take(Duration::from_secs(1), Operator).expect_err("waits");
        assert!(wait >= Duration::from_secs(1), "{wait:?}");
    }

    #[test]
    fn a_senseless_rate_still_lets_calls_through() {
        for per_second in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Bucket::new(per_second).take(Duration::ZERO, Operator), Ok(()), "{per_second}");
        }
    }
}
