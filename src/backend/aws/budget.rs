//! How many calls a second go to AWS: one bucket of tokens for all, in which what an operator asks goes first, then what
//! an operator looks at. A service that asks for fewer calls gets fewer, for a while.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// An operator or a script, who waits for the answer.
    Operator,
    /// The polls of what an operator looks at.
    Watched,
    /// The polls behind watches and followed logs.
    Background,
}

/// The budget of calls. The service's own limits are unpublished and shared by all of an account's callers.
#[derive(Debug)]
pub struct Budget {
    started: Instant,
    bucket: Mutex<Bucket>,
}

/// What the budget is at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Calls a second, over the last ten.
    pub per_second: f64,
    /// Calls a second that may be made now.
    pub allowed: f64,
    /// Callers that wait for their turn.
    pub waiting: usize,
    /// How often the service has asked for fewer calls, in the last five minutes.
    pub throttled: usize,
    /// For how long no call goes out, as the service has asked.
    pub closed_for: Duration,
}

impl Budget {
    pub fn new(calls_per_second: f64) -> Self {
        Self { started: Instant::now(), bucket: Mutex::new(Bucket::new(calls_per_second)) }
    }

    /// Waits until a call may go out.
    pub async fn spend(&self, caller: Caller) {
        let mut queued = None;
        loop {
            let taken = self.locked(|bucket, now| bucket.take(now, caller));
            match taken {
                Ok(()) => return,
                Err(wait) => {
                    queued.get_or_insert_with(|| Queued::new(self));
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// The service asked for fewer calls, and maybe said for how long none at all should come.
    pub fn throttled(&self, retry_after: Option<Duration>) {
        self.locked(|bucket, now| bucket.back_off(now, retry_after));
    }

    pub fn load(&self) -> Load {
        self.locked(Bucket::load)
    }

    fn locked<T>(&self, act: impl FnOnce(&mut Bucket, Duration) -> T) -> T {
        let now = self.started.elapsed();
        act(&mut self.bucket.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

/// One who waits; a call that is given up waits no more.
struct Queued<'a>(&'a Budget);

impl<'a> Queued<'a> {
    fn new(budget: &'a Budget) -> Self {
        budget.locked(|bucket, _| bucket.waiting += 1);
        Self(budget)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.locked(|bucket, _| bucket.waiting -= 1);
    }
}

/// Over this time calls are counted.
const COUNTED: Duration = Duration::from_secs(10);
/// So long the service's asking for fewer calls is remembered.
const REMEMBERED: Duration = Duration::from_mins(5);
/// In this time the rate comes back from nothing to all of it.
const RECOVERY: f64 = 60.0;
/// Refusals that come together, for calls that went out together, are one.
const BURST: Duration = Duration::from_secs(1);
/// The first pause after a refusal that names none, and the longest; each one doubles it.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// No service means a longer one.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(10);

/// A bucket that fills with time up to one second's worth. Time is passed in.
#[derive(Debug, Clone, PartialEq)]
struct Bucket {
    /// What was given as the budget.
    most: f64,
    /// What the service bears, as far as is known.
    per_second: f64,
    size: f64,
    /// What the background must leave for the operator.
    reserve: f64,
    tokens: f64,
    at: Duration,
    /// Nobody calls before this.
    closed_until: Duration,
    pause: Duration,
    calls: VecDeque<Duration>,
    throttles: VecDeque<Duration>,
    waiting: usize,
}

impl Bucket {
    fn new(per_second: f64) -> Self {
        // A setting of 0 or less would wait for ever.
        let most = if per_second.is_finite() { per_second.max(0.1) } else { 8.0 };
        let size = most.max(2.0);
        Self {
            most,
            per_second: most,
            size,
            reserve: (size / 4.0).min(size - 1.0),
            tokens: size,
            at: Duration::ZERO,
            closed_until: Duration::ZERO,
            pause: PAUSE,
            calls: VecDeque::new(),
            throttles: VecDeque::new(),
            waiting: 0,
        }
    }

    /// Takes a token, or says how long to wait for one.
    fn take(&mut self, now: Duration, caller: Caller) -> Result<(), Duration> {
        self.fill(now);
        if let Some(closed) = self.closed_until.checked_sub(now).filter(|closed| !closed.is_zero()) {
            return Err(closed);
        }
        let needed = match caller {
            Caller::Operator => 1.0,
            Caller::Watched => 1.0 + self.reserve / 2.0,
            Caller::Background => 1.0 + self.reserve,
        };
        // What floating point loses must not keep a caller one last nanosecond.
        if self.tokens + 1e-6 >= needed {
            self.tokens -= 1.0;
            self.calls.push_back(now);
            return Ok(());
        }
        Err(Duration::from_secs_f64((needed - self.tokens) / self.per_second))
    }

    /// Half the rate, and none at all for as long as was asked or for a while that doubles.
    fn back_off(&mut self, now: Duration, retry_after: Option<Duration>) {
        self.fill(now);
        let last = self.throttles.back().copied();
        self.throttles.push_back(now);
        self.tokens = self.tokens.min(0.0);
        if last.is_none_or(|last| now >= last + BURST) {
            self.per_second = (self.per_second / 2.0).max(self.most / 16.0);
            let is_calm = last.is_none_or(|last| now >= last + LONGEST_PAUSE * 2);
            self.pause = if is_calm { PAUSE } else { (self.pause * 2).min(LONGEST_PAUSE) };
        }
        let pause = retry_after.unwrap_or(self.pause).min(LONGEST_RETRY_AFTER);
        self.closed_until = self.closed_until.max(now + pause);
    }

    fn fill(&mut self, now: Duration) {
        // While none may call, nothing is saved up.
        let from = self.at.max(self.closed_until.min(now));
        let passed = now.saturating_sub(from).as_secs_f64();
        self.per_second = (self.per_second + passed * self.most / RECOVERY).min(self.most);
        self.tokens = (self.tokens + passed * self.per_second).min(self.size);
        self.at = now;
        while self.calls.front().is_some_and(|at| now.saturating_sub(*at) > COUNTED) {
            self.calls.pop_front();
        }
        while self.throttles.front().is_some_and(|at| now.saturating_sub(*at) > REMEMBERED) {
            self.throttles.pop_front();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "calls of ten seconds are few")]
    fn load(&mut self, now: Duration) -> Load {
        self.fill(now);
        // Before ten seconds have passed there are fewer to count over.
        let span = COUNTED.min(now).as_secs_f64().max(1.0);
        Load {
            per_second: self.calls.len() as f64 / span,
            allowed: self.per_second,
            waiting: self.waiting,
            throttled: self.throttles.len(),
            closed_for: self.closed_until.saturating_sub(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Caller::{Background, Operator, Watched};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

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
            for caller in [Operator, Watched, Background] {
                let mut bucket = Bucket::new(per_second);
                calls(&mut bucket, caller, 0.0, 10.0);
                let made = f64::from(calls(&mut bucket, caller, 10.0, 100.0));
                assert!((made - per_second * 100.0).abs() <= 2.0, "{caller:?} at {per_second}: {made}");
            }
        }
    }

    #[test]
    fn an_operator_finds_a_token_however_busy_the_background_is_and_what_is_looked_at_comes_next() {
        let mut bucket = Bucket::new(8.0);
        calls(&mut bucket, Background, 0.0, 5.0);
        let mut left = |caller| (0..9).take_while(|_| bucket.take(SECOND * 5, caller).is_ok()).count();
        assert!(left(Background) <= 1);
        assert!((1..=2).contains(&left(Watched)));
        assert!((1..=2).contains(&left(Operator)));
    }

    #[test]
    fn an_idle_bucket_saves_up_one_second_and_no_more() {
        let mut bucket = Bucket::new(8.0);
        let made = (0..100).filter(|_| bucket.take(Duration::from_hours(1), Operator).is_ok()).count();
        assert_eq!(made, 8);
    }

    #[test]
    fn throttling_stops_all_calls_and_halves_the_rate_which_comes_back_slowly() {
        let mut bucket = Bucket::new(8.0);
        bucket.back_off(SECOND, None);
        assert_eq!(bucket.take(SECOND, Operator), Err(SECOND));
        assert!((bucket.load(SECOND).allowed - 4.0).abs() < 0.01);
        let soon = calls(&mut bucket, Operator, 2.0, 2.0);
        assert!((7..=9).contains(&soon), "about half of 16: {soon}");
        let later = calls(&mut bucket, Operator, 70.0, 2.0);
        assert!(later >= 16, "all of it again: {later}");
    }

    #[test]
    fn refusals_that_come_together_are_one_and_those_that_go_on_make_pauses_longer() {
        let mut bucket = Bucket::new(8.0);
        for _ in 0..5 {
            bucket.back_off(SECOND, None);
        }
        assert_eq!(bucket.load(SECOND).throttled, 5);
        assert!((bucket.load(SECOND).allowed - 4.0).abs() < 0.01, "halved once");
        let mut now = SECOND;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            now = bucket.closed_until;
            bucket.back_off(now, None);
            pauses.push(bucket.closed_until.saturating_sub(now).as_secs());
        }
        assert_eq!(pauses, [2, 4, 8, 16, 16, 16]);
        assert!(bucket.load(now).allowed >= 0.5, "it never stops for good");
        let calm = now + Duration::from_mins(2);
        bucket.back_off(calm, None);
        assert_eq!(bucket.closed_until, calm + SECOND, "after a calm time it begins anew");
        assert_eq!(bucket.load(calm + REMEMBERED + SECOND).throttled, 0);
    }

    #[test]
    fn a_service_that_says_for_how_long_is_heard() {
        let mut bucket = Bucket::new(8.0);
        bucket.back_off(SECOND, Some(SECOND * 30));
        assert_eq!(bucket.take(SECOND * 2, Operator), Err(SECOND * 29));
        assert_eq!(bucket.take(SECOND * 30, Operator), Err(SECOND));
        bucket.back_off(SECOND * 40, Some(Duration::from_hours(9)));
        assert_eq!(bucket.closed_until, SECOND * 40 + LONGEST_RETRY_AFTER);
    }

    #[test]
    fn the_meter_counts_the_calls_of_the_last_seconds() {
        let mut bucket = Bucket::new(8.0);
        calls(&mut bucket, Operator, 0.0, 20.0);
        let load = bucket.load(SECOND * 20);
        assert!((load.per_second - 8.0).abs() < 0.5, "{load:?}");
        assert!(bucket.load(SECOND * 40).per_second < 0.01);
    }

    #[tokio::test]
    async fn one_who_waits_is_counted_until_the_turn_comes_or_is_given_up() {
        let budget = Budget::new(0.1);
        budget.spend(Operator).await;
        budget.spend(Operator).await;
        let waits = tokio::time::timeout(Duration::from_millis(20), async {
            tokio::join!(budget.spend(Operator), async { assert_eq!(budget.load().waiting, 1) })
        });
        assert!(waits.await.is_err());
        assert_eq!(budget.load().waiting, 0);
    }

    #[test]
    fn a_senseless_rate_still_lets_calls_through() {
        for per_second in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Bucket::new(per_second).take(Duration::ZERO, Operator), Ok(()), "{per_second}");
        }
    }
}
