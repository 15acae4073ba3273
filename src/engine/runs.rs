//! What is observed of the runs of each definition: counts and distributions, which outlive the jobs.

use super::Engine;
use super::event::Verdict;
use super::job::{Attempt, End, Key};
use crate::model::{Millis, ObservedRuns, Spread};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// ECS's words for a container that was killed for its memory.
const OUT_OF_MEMORY: &str = "OutOfMemory";
const TIMED_OUT: &str = "Job attempt duration exceeded timeout";
/// A run shorter than this says nothing of its use of processors.
const SHORTEST: Millis = 1_000;

/// The runs of one revision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Runs {
    succeeded: u64,
    failed: u64,
    out_of_memory: u64,
    timed_out: u64,
    resized: u64,
    first: Millis,
    last: Millis,
    duration: Histogram,
    peak_memory: Histogram,
    cpu: Histogram,
}

/// A distribution in few numbers: sixteen steps from each power of two to the next.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Histogram {
    counts: BTreeMap<u32, u64>,
    max: u64,
}

const STEPS: u32 = 4;

impl Histogram {
    fn note(&mut self, value: u64) {
        *self.counts.entry(step(value)).or_default() += 1;
        self.max = self.max.max(value);
    }

    fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    fn spread(&self) -> Option<Spread> {
        let total = self.total();
        let at = |percent: u64| {
            let rank = (total * percent).div_ceil(100);
            let mut seen = 0;
            let found = self.counts.iter().find(|(_, count)| {
                seen += **count;
                seen >= rank
            });
            found.map_or(0, |(step, _)| top(*step).min(self.max))
        };
        (total > 0).then(|| Spread { p50: at(50), p95: at(95), max: self.max })
    }
}

/// In which step a value lies.
fn step(value: u64) -> u32 {
    let magnitude = value.checked_ilog2().unwrap_or(0);
    if magnitude < STEPS {
        return u32::try_from(value).unwrap_or(0);
    }
    let within = u32::try_from(value >> (magnitude - STEPS)).unwrap_or(0) & ((1 << STEPS) - 1);
    ((magnitude - STEPS + 1) << STEPS) + within
}

/// The largest value of a step.
fn top(step: u32) -> u64 {
    if step < 1 << STEPS {
        return step.into();
    }
    let (magnitude, within) = ((step >> STEPS) - 1, u64::from(step & ((1 << STEPS) - 1)));
    (((1 << STEPS) + within + 1) << magnitude) - 1
}

impl Engine {
    /// A try that had started is over.
    pub(super) fn observe(&mut self, key: Key, end: &End, started_at: Option<Millis>, verdict: Verdict) {
        let Some(root) = self.core.jobs.get(&key.number) else { return };
        // Of a multi-node job the main node tells.
        if root.is_node(key.slot) && key.slot != root.speaker(0) {
            return;
        }
        let live = root.get(key.slot).and_then(|job| job.attempts.last());
        let Some(from) = started_at.or_else(|| live.and_then(|attempt: &Attempt| attempt.started_at)) else { return };
        let spec = &root.spec;
        let definition = self.core.definition(&spec.definition, spec.revision);
        let own = definition.and_then(|found| super::container::need(found.container_properties.as_ref()?, None).ok());
        let resized = own.is_some_and(|own| own != spec.need);
        let runs = self.core.runs.entry(spec.definition.clone()).or_default().entry(spec.revision).or_default();
        let took = (end.at - from).max(0);
        if runs.succeeded + runs.failed == 0 {
            runs.first = end.at;
        }
        runs.last = runs.last.max(end.at);
        runs.resized += u64::from(resized);
        if verdict == Verdict::Succeeded {
            runs.succeeded += 1;
            runs.duration.note(took.unsigned_abs());
        } else {
            runs.failed += 1;
            let starts = |text: Option<&str>, word: &str| text.is_some_and(|text| text.starts_with(word));
            runs.out_of_memory += u64::from(starts(end.reason.as_deref(), OUT_OF_MEMORY));
            runs.timed_out += u64::from(starts(Some(&end.status_reason), TIMED_OUT));
        }
        if let Some(usage) = end.usage {
            runs.peak_memory.note(whole(usage.peak_memory_mib));
            if took >= SHORTEST {
                runs.cpu.note(whole(usage.cpu_seconds * 100_000.0) / took.unsigned_abs());
            }
        }
    }

    /// What was observed of runs, of one definition or of all, by name and revision.
    pub fn observed_runs(&self, definition: Option<&str>) -> Vec<ObservedRuns> {
        let named = self.core.runs.iter().filter(|(name, _)| definition.is_none_or(|only| only == *name));
        named.flat_map(|(name, revisions)| revisions.iter().map(move |(at, runs)| runs.row(name, *at))).collect()
    }
}

impl Runs {
    fn row(&self, name: &str, revision: u32) -> ObservedRuns {
        ObservedRuns {
            job_definition_name: name.to_owned(),
            revision,
            succeeded: self.succeeded,
            failed: self.failed,
            out_of_memory: self.out_of_memory,
            timed_out: self.timed_out,
            measured: self.peak_memory.total(),
            resized: self.resized,
            first: self.first,
            last: self.last,
            duration: self.duration.spread(),
            peak_memory: self.peak_memory.spread(),
            cpu: self.cpu.spread(),
        }
    }
}

/// The next whole number above; what is no number is 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to an integer saturates")]
fn whole(value: f64) -> u64 {
    value.ceil().max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_distribution_tells_its_middle_its_high_end_and_its_highest() {
        let mut small = Histogram::default();
        assert_eq!(small.spread(), None);
        small.note(7);
        assert_eq!(small.spread(), Some(Spread { p50: 7, p95: 7, max: 7 }));
        let mut large = Histogram::default();
        (1..=1_000).for_each(|value| large.note(value * 10));
        let spread = large.spread().expect("values");
        assert!((5_000..5_320).contains(&spread.p50) && (9_500..=10_000).contains(&spread.p95), "{spread:?}");
        assert_eq!(spread.max, 10_000);
        assert!(large.counts.len() < 170);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_value_lies_below_the_top_of_its_step_and_not_far_below(value in any::<u64>().prop_map(|value| value >> (value % 60))) {
            let value = value >> 5;
            let top = top(step(value));
            prop_assert!(value <= top && top - value <= value / 16, "{} {}", value, top);
            prop_assert!(step(top + 1) == step(value) + 1);
        }
    }
}
