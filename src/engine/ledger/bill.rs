//! What an attempt takes of what is paid for.

use super::Amount;
use super::series::{HOUR, STANDS_ALONE, Series};
use crate::engine::event::Need;
use crate::model::{MICROS, Millis, Tariff, Used, part_of_instance};
use serde::{Deserialize, Serialize};

/// EC2 and Fargate bill by the second, and a minute at least (AWS's pricing pages).
const SECOND: Millis = 1_000;
const LEAST: Millis = 60 * SECOND;
/// The whole of an instance, in the parts that [`Portion::Instance`] counts in.
const WHOLE: u32 = 1_000_000_000;

/// Under which tariff an attempt is paid for, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    pub tariff: Tariff,
    pub portion: Portion,
}

/// How much of a tariff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Portion {
    /// Billionths of an instance.
    Instance(u32),
    /// A Fargate task by its size: thousandths of a vCPU, MiB, GiB of disk above the free 20.
    Task(u64, u64, u64),
}

impl Portion {
    /// The share of a job in its instance.
    pub fn of(need: Need, instance: Need) -> Self {
        let size = |need: Need| (need.vcpus_milli, need.memory_mib);
        Self::Instance(part_of_instance(size(need), size(instance)))
    }

    /// A job that has its instance for itself.
    pub fn whole() -> Self {
        Self::Instance(WHOLE)
    }

    fn for_time(self, millis: Millis) -> Used {
        let millis = u64::try_from(millis).unwrap_or(0);
        match self {
            Self::Instance(parts) => {
                let micros = u128::from(millis) * u128::from(MICROS) * u128::from(parts) / u128::from(WHOLE);
                Used { instance: u64::try_from(micros).unwrap_or(u64::MAX), ..Used::default() }
            }
            Self::Task(vcpu, memory, disk) => Used {
                instance: 0,
                vcpu: vcpu.saturating_mul(millis),
                memory: memory.saturating_mul(millis),
                disk: disk.saturating_mul(millis),
            },
        }
    }
}

/// Until when what ran from `from` to `to` is billed: whole seconds, and a minute at least.
fn billed_end(from: Millis, to: Millis) -> Millis {
    let seconds = (to - from).max(0).unsigned_abs().div_ceil(SECOND.unsigned_abs());
    from + Millis::try_from(seconds).unwrap_or(Millis::MAX / SECOND).saturating_mul(SECOND).max(LEAST)
}

impl Bill {
    fn end(&self, from: Millis, to: Millis) -> Millis {
        match self.portion {
            Portion::Instance(_) => to.max(from),
            Portion::Task(..) => billed_end(from, to),
        }
    }

    /// What an attempt that held its place from `from` to `to` took.
    pub fn used(&self, from: Millis, to: Millis) -> Used {
        self.portion.for_time(self.end(from, to) - from)
    }

    /// What it takes in an hour.
    pub fn hourly(&self) -> Used {
        self.portion.for_time(HOUR)
    }

    pub(super) fn enter(&self, series: &mut Series, from: Millis, to: Millis) {
        let task = matches!(self.portion, Portion::Task(..));
        spread(from, self.end(from, to), |at, millis, last| {
            let direct = self.portion.for_time(millis);
            // Fargate bills the task alone, whatever stands behind it.
            let billed = if task { direct } else { Used::default() };
            series.add(at, &self.tariff, Amount { attempts: u64::from(last), direct, billed });
        });
    }
}

pub(super) fn enter_instance(series: &mut Series, tariff: &Tariff, from: Millis, to: Millis) {
    spread(from, billed_end(from, to), |at, millis, _| {
        let billed = Portion::whole().for_time(millis);
        series.add(at, tariff, Amount { attempts: 0, direct: Used::default(), billed });
    });
}

/// Cuts a time into its hours: the beginning of each part, its length, and whether it is the last one. What lies before all
/// hours and days that stand alone is one part: a clock that jumps by millennia is no work for millennia.
fn spread(from: Millis, to: Millis, mut part: impl FnMut(Millis, Millis, bool)) {
    let mut at = from;
    let alone = to.saturating_sub(STANDS_ALONE).div_euclid(HOUR) * HOUR;
    if at < alone {
        part(at, alone.saturating_sub(at), false);
        at = alone;
    }
    loop {
        let end = (at.div_euclid(HOUR) + 1).saturating_mul(HOUR).min(to.max(at));
        part(at, end - at, end >= to);
        if end >= to {
            return;
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = 60 * SECOND;

    #[test]
    fn seconds_are_billed_whole_and_a_minute_at_least() {
        let cases = [(0, 60_000), (1, 60_000), (60_000, 60_000), (60_001, 61_000), (-5, 60_000), (3_599_999, HOUR)];
        for (took, billed) in cases {
            assert_eq!(billed_end(7, 7 + took), 7 + billed, "{took}");
        }
    }

    #[test]
    fn a_vcpu_weighs_as_much_as_nine_gib() {
        let need = |vcpus_milli, memory_mib| Need { vcpus_milli, memory_mib, ..Need::default() };
        let instance = need(2_000, 18 * 1_024);
        let cases = [
            (need(2_000, 18 * 1_024), WHOLE),
            (need(1_000, 9 * 1_024), WHOLE / 2),
            (need(2_000, 0), WHOLE / 2),
            (need(0, 18 * 1_024), WHOLE / 2),
            (need(4_000, 99 * 1_024), WHOLE),
        ];
        for (job, parts) in cases {
            assert_eq!(Portion::of(job, instance), Portion::Instance(parts), "{job:?}");
        }
        assert_eq!(Portion::of(need(1, 1), Need::default()), Portion::Instance(0));
    }

    #[test]
    fn time_is_entered_into_the_hours_in_which_it_passed() {
        let mut parts = Vec::new();
        let start = 10 * HOUR + 59 * MINUTE;
        spread(start, start + HOUR + 2 * MINUTE, |at, millis, last| parts.push((at, millis, last)));
        let expected = [(start, MINUTE, false), (11 * HOUR, HOUR, false), (12 * HOUR, MINUTE, true)];
        assert_eq!(parts, expected);
        parts.clear();
        for end in [1_795_475_478_522_000, Millis::MAX] {
            spread(start, end, |at, millis, last| parts.push((at, millis, last)));
            let hours = STANDS_ALONE / HOUR;
            assert!(parts.len() <= usize::try_from(hours).expect("small") + 2, "{}", parts.len());
            assert_eq!(parts.iter().map(|(_, millis, _)| millis).sum::<Millis>(), end - start);
            assert_eq!(parts.iter().filter(|(.., last)| *last).count(), 1);
            parts.clear();
        }
        spread(start, start, |at, millis, last| parts.push((at, millis, last)));
        assert_eq!(parts, [(start, 0, true)]);
    }
}
