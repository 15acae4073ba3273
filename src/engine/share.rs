//! How much the shares of a fair-share queue have used, and which of them is next (AWS Batch user guide, "Fair-share
//! scheduling policies").
//!
//! A share's use is what its jobs hold now and the average of what they held before, in which what is half of
//! `shareDecaySeconds` ago counts half, and so on. All of it is whole numbers, and changes with the events of attempts
//! alone: a replayed journal gives the same use.

use crate::model::{FairsharePolicy, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};

/// What `shareDecaySeconds` 0 stands for.
const LEAST_WINDOW: Millis = 600_000;
/// `weightFactor` is kept in ten-thousandths.
const WHOLE_WEIGHT: u64 = 10_000;
/// Averages are kept in thousandths of a vCPU, shifted left by so many bits.
const SHIFT: u32 = 20;
/// 2 to the power of -1/2, -1/4, -1/8 and so on, as fractions of 2^32.
const HALVINGS: [u64; 20] = [
    3_037_000_500,
    3_611_622_603,
    3_938_502_376,
    4_112_874_773,
    4_202_935_003,
    4_248_701_965,
    4_271_771_996,
    4_283_353_945,
    4_289_156_690,
    4_292_061_010,
    4_293_513_907,
    4_294_240_540,
    4_294_603_903,
    4_294_785_595,
    4_294_876_445,
    4_294_921_870,
    4_294_944_583,
    4_294_955_939,
    4_294_961_618,
    4_294_964_457,
];

/// What a share of a queue uses and has used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Use {
    /// Thousandths of a vCPU that its placed jobs hold.
    pub milli: u64,
    /// As of `at`.
    average: u64,
    /// When `milli` changed last.
    pub at: Millis,
}

impl Use {
    /// What it holds now and has held lately, shifted.
    pub fn at(&self, now: Millis, weights: &Weights) -> u64 {
        shifted(self.milli) + self.average_at(now, weights)
    }

    fn average_at(&self, now: Millis, weights: &Weights) -> u64 {
        let left = decay((now - self.at).max(0).unsigned_abs(), weights.half_life());
        let before = u128::from(self.average) * u128::from(left);
        let since = u128::from(shifted(self.milli)) * u128::from((1 << 32) - left);
        u64::try_from((before + since) >> 32).unwrap_or(u64::MAX)
    }

    /// Its jobs hold `milli` from `now` on.
    pub fn hold(&mut self, milli: u64, now: Millis, weights: &Weights) {
        self.average = self.average_at(now, weights);
        self.at = self.at.max(now);
        self.milli = milli;
    }

    /// A share that has nothing before RUNNING is active for as long as its use counts.
    pub fn is_active(&self, now: Millis, weights: &Weights) -> bool {
        self.milli > 0 || now - self.at < weights.window
    }

    /// What it has used is as good as nothing.
    pub fn is_faded(&self, now: Millis, weights: &Weights) -> bool {
        self.milli == 0 && now - self.at > weights.window * 16
    }
}

/// Thousandths of a vCPU in the form of [`Use::at`].
pub fn shifted(milli: u64) -> u64 {
    milli << SHIFT
}

/// What is left after `time` of what halves every `half_life`, of 2^32.
fn decay(time: u64, half_life: u64) -> u64 {
    let (whole, rest) = (time / half_life, time % half_life);
    if whole >= 32 {
        return 0;
    }
    let fraction = (rest << HALVINGS.len()) / half_life;
    let mut left: u64 = 1 << 32;
    for (bit, factor) in (0..HALVINGS.len()).rev().zip(HALVINGS) {
        if fraction & (1 << bit) != 0 {
            left = (left * factor) >> 32;
        }
    }
    left >> whole
}

/// A fair-share policy as it is asked for: the weight of a share without a walk over all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// What is longer ago hardly counts.
    pub window: Millis,
    /// In percent.
    reservation: u32,
    exact: BTreeMap<String, u64>,
    /// Entries that end with `*`, without it. They do not overlap, so the last one that is not behind a share's name is
    /// the only one that may begin it.
    prefixes: BTreeMap<String, u64>,
}

impl Default for Weights {
    fn default() -> Self {
        Self { window: LEAST_WINDOW, reservation: 0, exact: BTreeMap::new(), prefixes: BTreeMap::new() }
    }
}

impl Weights {
    pub fn of(policy: &FairsharePolicy) -> Self {
        let window = Millis::from(policy.share_decay_seconds.unwrap_or(0)) * 1000;
        let mut weights = Self {
            window: if window == 0 { LEAST_WINDOW } else { window },
            reservation: policy.compute_reservation.and_then(|percent| u32::try_from(percent).ok()).unwrap_or(0),
            ..Self::default()
        };
        for share in &policy.share_distribution {
            let weight = share.weight_factor.map_or(WHOLE_WEIGHT, ten_thousandths);
            match share.share_identifier.strip_suffix('*') {
                Some(prefix) => weights.prefixes.insert(prefix.to_owned(), weight),
                None => weights.exact.insert(share.share_identifier.clone(), weight),
            };
        }
        weights
    }

    fn half_life(&self) -> u64 {
        (self.window.unsigned_abs() / 2).max(1)
    }

    /// A share's weight, and the prefix by which it has it: all active shares of a prefix weigh together.
    pub fn weight(&self, share: &str) -> (u64, Option<&str>) {
        if let Some(weight) = self.exact.get(share) {
            return (*weight, None);
        }
        let before = self.prefixes.range::<str, _>((Unbounded, Included(share))).next_back();
        match before.filter(|(prefix, _)| share.starts_with(prefix.as_str())) {
            Some((prefix, weight)) => (*weight, Some(prefix)),
            None => (WHOLE_WEIGHT, None),
        }
    }

    /// What is kept of `maximum` for shares that are not active yet: `(computeReservation / 100) ^ active` of it.
    pub fn reserved(&self, maximum: u64, active: usize) -> u64 {
        if self.reservation == 0 {
            return 0;
        }
        // More factors than that leave nothing.
        (0..active.min(1000)).fold(maximum, |left, _| left * u64::from(self.reservation) / 100)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a weight is 0.0001 to 999.9999")]
fn ten_thousandths(weight: f64) -> u64 {
    ((weight * 10_000.0).round() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ShareAttributes;

    fn policy(shares: &[(&str, f64)]) -> FairsharePolicy {
        let share = |(name, weight): &(&str, f64)| ShareAttributes {
            share_identifier: (*name).to_owned(),
            weight_factor: Some(*weight),
        };
        FairsharePolicy { share_distribution: shares.iter().map(share).collect(), ..FairsharePolicy::default() }
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "a fraction of 2^32")]
    fn what_is_left_halves_with_each_half_life() {
        for (time, half_life) in [(0, 300), (300, 300), (150, 300), (1000, 300), (1, 302_400_000), (77, 300)] {
            let left = decay(time, half_life) as f64 / 4_294_967_296.0;
            let expected = 0.5_f64.powf(time as f64 / half_life as f64);
            assert!((left - expected).abs() < 1e-5, "{time} of {half_life}: {left}, expected {expected}");
        }
        assert_eq!(decay(u64::from(u32::MAX), 1), 0);
    }

    #[test]
    fn use_is_what_is_held_and_what_was_held_lately() {
        let weights = Weights::of(&FairsharePolicy { share_decay_seconds: Some(200), ..FairsharePolicy::default() });
        let mut share = Use::default();
        share.hold(4000, 1_000_000, &weights);
        let at = |share: &Use, now| share.at(now, &weights) >> SHIFT;
        assert_eq!(at(&share, 1_000_000), 4000, "at first what it holds");
        assert_eq!(at(&share, 1_100_000), 6000, "after half of the window the average has come half the way");
        share.hold(0, 1_100_000, &weights);
        assert_eq!(at(&share, 1_100_000), 2000);
        assert_eq!(at(&share, 1_200_000), 1000);
        assert!(share.is_active(1_200_000, &weights));
        assert!(!share.is_active(1_300_000, &weights), "the window is over");
        assert_eq!(at(&share, 900_000), 2000, "a clock that was set back changes nothing");
    }

    #[test]
    fn a_share_weighs_what_its_entry_says_and_one_without_an_entry_one() {
        let weights = Weights::of(&policy(&[("a", 0.5), ("user*", 2.0), ("b*", 0.0001)]));
        let cases = [
            ("a", 5_000, None),
            ("ab", 10_000, None),
            ("user7", 20_000, Some("user")),
            ("user", 20_000, Some("user")),
            ("b", 1, Some("b")),
            ("bz", 1, Some("b")),
            ("zz", 10_000, None),
        ];
        for (share, weight, prefix) in cases {
            assert_eq!(weights.weight(share), (weight, prefix), "{share}");
        }
    }

    #[test]
    fn what_is_reserved_shrinks_with_each_active_share() {
        let weights = Weights::of(&FairsharePolicy { compute_reservation: Some(50), ..FairsharePolicy::default() });
        let kept: Vec<_> = (0..4).map(|active| weights.reserved(16_000, active)).collect();
        assert_eq!(kept, [16_000, 8_000, 4_000, 2_000]);
        assert_eq!(Weights::of(&FairsharePolicy::default()).reserved(16_000, 1), 0);
    }
}
