//! An account through time: by the hour for two days, by the day for two months, and one sum of all before.

use super::{Amount, Amounts};
use crate::model::{Millis, Tariff};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;
/// How many hours and days stand alone. Later ones are folded into days, and into the sum of all before.
const HOURS_KEPT: usize = 48;
const DAYS_KEPT: usize = 62;
/// What came so long before the last amount, or longer, is in the sum of all before.
pub const STANDS_ALONE: Millis = 66 * DAY;

/// Amounts by the time in which they arose (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Series {
    /// By the hour's number since 1970.
    hours: BTreeMap<i64, Amounts>,
    /// By the day's number since 1970.
    days: BTreeMap<i64, Amounts>,
    before: Amounts,
}

impl Series {
    /// Adds an amount that arose at a time. Times may come in any order.
    pub fn add(&mut self, at: Millis, tariff: &Tariff, amount: Amount) {
        add(self.hours.entry(at.div_euclid(HOUR)).or_default(), tariff, amount);
        self.fold();
    }

    fn fold(&mut self) {
        while self.hours.len() > HOURS_KEPT {
            let Some((hour, amounts)) = self.hours.pop_first() else { break };
            let day = self.days.entry(hour.div_euclid(24)).or_default();
            for (tariff, amount) in &amounts {
                add(day, tariff, *amount);
            }
        }
        while self.days.len() > DAYS_KEPT {
            let Some((_, amounts)) = self.days.pop_first() else { break };
            for (tariff, amount) in &amounts {
                add(&mut self.before, tariff, *amount);
            }
        }
    }

    /// The sum from a time on, and from when on that is: the beginning of an hour, or of a day that stands as one.
    /// `None` is all, as is a time before what stands alone.
    pub fn since(&self, since: Option<Millis>) -> (Amounts, Option<Millis>) {
        let oldest = self.days.keys().next().copied();
        let since = since.filter(|at| self.before.is_empty() || oldest.is_some_and(|day| at.div_euclid(DAY) >= day));
        // A day that stands as one is taken whole.
        let from = since.map(|at| {
            let day = at.div_euclid(DAY);
            if self.days.contains_key(&day) { day * DAY } else { at.div_euclid(HOUR) * HOUR }
        });
        let mut sum = Amounts::new();
        let mut take = |amounts: &Amounts| amounts.iter().for_each(|(tariff, amount)| add(&mut sum, tariff, *amount));
        let (day, hour) =
            (from.map_or(i64::MIN, |at| at.div_euclid(DAY)), from.map_or(i64::MIN, |at| at.div_euclid(HOUR)));
        self.days.range(day..).for_each(|(_, amounts)| take(amounts));
        self.hours.range(hour..).for_each(|(_, amounts)| take(amounts));
        if from.is_none() {
            take(&self.before);
        }
        (sum, from)
    }
}

fn add(bucket: &mut Amounts, tariff: &Tariff, amount: Amount) {
    if let Some(known) = bucket.get_mut(tariff) {
        known.add(amount);
    } else {
        bucket.insert(tariff.clone(), amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Used;
    use proptest::prelude::*;

    fn one(minutes: u64) -> Amount {
        Amount { attempts: 1, direct: Used { instance: minutes, ..Used::default() }, billed: Used::default() }
    }

    fn tariff() -> Tariff {
        "m5.large".parse().expect("a tariff")
    }

    fn total(series: &Series, since: Option<Millis>) -> (u64, Option<Millis>) {
        let (amounts, from) = series.since(since);
        (amounts.get(&tariff()).map_or(0, |amount| amount.direct.instance), from)
    }

    #[test]
    fn a_window_begins_with_its_hour_and_further_back_with_its_day() {
        let mut series = Series::default();
        let start = 20_000 * DAY;
        for hour in 0..100 {
            series.add(start + hour * HOUR + 1, &tariff(), one(1));
        }
        assert_eq!(total(&series, None), (100, None));
        let now = start + 99 * HOUR;
        assert_eq!(total(&series, Some(now - 2 * HOUR + 5)), (3, Some(now - 2 * HOUR)));
        // The first two days are folded, and four hours of the third.
        assert_eq!(total(&series, Some(start + DAY + 7 * HOUR)), (76, Some(start + DAY)));
        assert_eq!(total(&series, Some(start - DAY)), (100, Some(start - DAY)));
    }

    #[test]
    fn an_account_stays_small_and_loses_nothing() {
        let mut series = Series::default();
        for day in 0..400 {
            series.add(day * DAY, &tariff(), one(1));
            series.add(day * DAY + 5 * HOUR, &tariff(), one(1));
        }
        assert_eq!(total(&series, None).0, 800);
        assert!(series.hours.len() <= HOURS_KEPT && series.days.len() <= DAYS_KEPT);
        let written = serde_json::to_string(&series).expect("writes");
        assert_eq!(serde_json::from_str::<Series>(&written).expect("reads"), series);
        assert!(written.len() < 16_000, "{}", written.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn in_whatever_order_amounts_come_their_sum_is_kept(hours in prop::collection::vec(0_i64..5_000, 0..300)) {
            let mut series = Series::default();
            for hour in &hours {
                series.add(hour * HOUR, &tariff(), one(1));
            }
            prop_assert_eq!(total(&series, None).0, hours.len() as u64);
            prop_assert!(series.hours.len() <= HOURS_KEPT && series.days.len() <= DAYS_KEPT);
        }
    }
}
