//! How long jobs waited: counts in steps of at most a thirty-second of the time, so that millions take little room.

const FINE: u64 = 32;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    counts: Vec<u64>,
    count: u64,
    most: u64,
}

impl Waits {
    pub fn note(&mut self, seconds: u64) {
        let step = step_of(seconds);
        if self.counts.len() <= step {
            self.counts.resize(step + 1, 0);
        }
        self.counts[step] += 1;
        self.count += 1;
        self.most = self.most.max(seconds);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn most(&self) -> u64 {
        self.most
    }

    /// The longest wait of so many thousandths of the jobs, the shortest first.
    pub fn quantile(&self, milli: u64) -> u64 {
        let wanted = (self.count * milli).div_ceil(1_000).max(1);
        let mut seen = 0;
        for (step, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return end_of(step).min(self.most);
            }
        }
        self.most
    }
}

/// Up to 64 seconds each is a step of its own; beyond, 32 steps for each doubling.
fn step_of(seconds: u64) -> usize {
    let doublings = u64::from((seconds / FINE).checked_ilog2().unwrap_or(0));
    let step = doublings * FINE + (seconds >> doublings);
    usize::try_from(step).unwrap_or(usize::MAX)
}

/// The longest time of a step.
fn end_of(step: usize) -> u64 {
    let step = step as u64;
    let doublings = (step / FINE).saturating_sub(1);
    ((step - doublings * FINE + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lies_in_its_step_and_steps_are_fine() {
        let mut last = 0;
        for seconds in (0..5_000).chain((1..40).map(|power| (1 << power) + 3)) {
            let step = step_of(seconds);
            let end = end_of(step);
            assert!(end >= seconds && end - seconds <= seconds / FINE, "{seconds} in step {step}, which ends at {end}");
            assert!(step == 0 || end_of(step - 1) < seconds, "{seconds} in step {step}");
            last = last.max(step);
        }
        assert!(last < 1_400);
    }

    #[test]
    fn quantiles_are_those_of_the_times() {
        let mut waits = Waits::default();
        assert_eq!((waits.quantile(500), waits.most()), (0, 0));
        (1..=60).for_each(|seconds| waits.note(seconds));
        assert_eq!((waits.quantile(500), waits.quantile(950), waits.quantile(1_000)), (30, 57, 60));
        assert_eq!((waits.count(), waits.most()), (60, 60));
    }
}
