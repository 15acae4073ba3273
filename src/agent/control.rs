//! When an attempt has to stop, whoever wants it: a stop asked for, or its own timeout.

use std::future::pending;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;

/// What ECS leaves a container between TERM and KILL.
const TIMEOUT_GRACE: Duration = Duration::from_secs(30);

/// What to do to the attempt now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Ask it to end.
    Terminate { grace: Duration },
    /// End it.
    Kill,
}

/// Stops as they are asked for, by their grace in seconds, and the timeout: one TERM and later one KILL.
#[derive(Debug)]
pub(super) struct Control {
    stops: UnboundedReceiver<u32>,
    fate: Fate,
}

impl Control {
    pub(super) fn new(stops: UnboundedReceiver<u32>) -> Self {
        Self { stops, fate: Fate::default() }
    }

    /// The attempt has started: its timeout counts from now.
    pub(super) fn started(&mut self, timeout_seconds: Option<u32>) {
        self.fate.started(timeout_seconds, Instant::now());
    }

    pub(super) fn timed_out(&self) -> bool {
        self.fate.timed_out
    }

    /// Whether a stop was asked for by now.
    pub(super) fn is_stopping(&mut self) -> bool {
        while let Ok(seconds) = self.stops.try_recv() {
            // What has not begun needs no word.
            let _ = self.fate.stop(Duration::from_secs(seconds.into()), Instant::now());
        }
        self.fate.stopping
    }

    /// Waits for the next word; for ever when there is none. Nothing is lost when it is dropped before it is ready.
    pub(super) async fn next(&mut self) -> Word {
        loop {
            let word = tokio::select! {
                Some(seconds) = self.stops.recv() => {
                    self.fate.stop(Duration::from_secs(seconds.into()), Instant::now())
                }
                () = reached(self.fate.due()) => self.fate.pass(Instant::now()),
            };
            if let Some(word) = word {
                return word;
            }
        }
    }
}

async fn reached(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => pending().await,
    }
}

/// The rules, without a clock.
#[derive(Debug, Default)]
struct Fate {
    timeout_at: Option<Instant>,
    kill_at: Option<Instant>,
    stopping: bool,
    timed_out: bool,
}

impl Fate {
    fn started(&mut self, timeout_seconds: Option<u32>, now: Instant) {
        if !self.stopping {
            self.timeout_at = timeout_seconds.map(|seconds| now + Duration::from_secs(seconds.into()));
        }
    }

    /// The shortest grace of all stops holds.
    fn stop(&mut self, grace: Duration, now: Instant) -> Option<Word> {
        let kill_at = now + grace;
        self.timeout_at = None;
        if self.stopping {
            self.kill_at = self.kill_at.map(|earlier| earlier.min(kill_at));
            return None;
        }
        self.stopping = true;
        self.kill_at = Some(kill_at);
        Some(Word::Terminate { grace })
    }

    fn due(&self) -> Option<Instant> {
        self.timeout_at.or(self.kill_at)
    }

    fn pass(&mut self, now: Instant) -> Option<Word> {
        if self.timeout_at.is_some_and(|at| at <= now) {
            self.timed_out = true;
            return self.stop(TIMEOUT_GRACE, now);
        }
        self.kill_at.take_if(|at| *at <= now).map(|_| Word::Kill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of stops (second asked, grace) and a timeout: each word with its second, and whether it timed out.
    fn lives(timeout: Option<u32>, stops: &[(u64, u64)]) -> (Vec<(u64, &'static str)>, bool) {
        let begin = Instant::now();
        let mut fate = Fate::default();
        fate.started(timeout, begin);
        let mut words = Vec::new();
        for second in 0..200 {
            let now = begin + Duration::from_secs(second);
            let asked = stops.iter().filter(|(at, _)| *at == second);
            let mut said: Vec<Word> =
                asked.filter_map(|(_, grace)| fate.stop(Duration::from_secs(*grace), now)).collect();
            while fate.due().is_some_and(|due| due <= now) {
                said.extend(fate.pass(now));
            }
            words.extend(said.iter().map(|word| (second, if *word == Word::Kill { "kill" } else { "term" })));
        }
        (words, fate.timed_out)
    }

    #[test]
    fn an_attempt_is_asked_to_end_once_and_killed_once_the_shortest_grace_is_over() {
        type Case<'a> = (&'a str, Option<u32>, &'a [(u64, u64)], &'a [(u64, &'a str)], bool);
        let table: &[Case] = &[
            ("left alone", None, &[], &[], false),
            ("stopped", None, &[(3, 5)], &[(3, "term"), (8, "kill")], false),
            ("stopped without grace", None, &[(3, 0)], &[(3, "term"), (3, "kill")], false),
            ("stopped in more haste", None, &[(3, 50), (4, 2), (5, 20)], &[(3, "term"), (6, "kill")], false),
            ("timed out", Some(60), &[], &[(60, "term"), (90, "kill")], true),
            ("timed out, then stopped", Some(60), &[(61, 1)], &[(60, "term"), (62, "kill")], true),
            ("stopped before its timeout", Some(60), &[(50, 30)], &[(50, "term"), (80, "kill")], false),
            ("asked again after the kill", None, &[(3, 0), (9, 5)], &[(3, "term"), (3, "kill")], false),
        ];
        for (case, timeout, stops, words, timed_out) in table {
            assert_eq!(lives(*timeout, stops), (words.to_vec(), *timed_out), "{case}");
        }
    }
}
