//! *Ours*: how the capacity of a compute environment went, minute by minute.

use super::{ComputeEnvironment, Millis};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

const MINUTE: Millis = 60_000;
/// A day, and the minute that is not over.
const MOST: usize = 24 * 60 + 1;

/// Minutes in the order of time; of those that are missing nothing is known.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CapacityOverTime {
    pub minutes: VecDeque<CapacityMinute>,
    /// Who has looked, and how often, for a person.
    pub source: String,
}

/// vCPUs of an environment within a minute; `None`: the service does not tell it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CapacityMinute {
    /// When it begins.
    pub at: Millis,
    /// At most that jobs held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<f64>,
    /// At most that its instances had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launched: Option<f64>,
    /// That it wanted at last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<f64>,
    /// That it may have at last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
}

impl CapacityMinute {
    /// As an environment is now.
    pub fn of(environment: &ComputeEnvironment, now: Millis) -> Self {
        let capacity = environment.capacity.as_ref();
        let resources = environment.compute_resources.as_ref();
        Self {
            at: now.div_euclid(MINUTE) * MINUTE,
            used: capacity.map(|capacity| capacity.vcpus_used),
            launched: capacity.map(|capacity| capacity.vcpus),
            desired: resources.and_then(|resources| resources.desiredv_cpus).map(f64::from),
            limit: resources.and_then(|resources| resources.maxv_cpus).map(f64::from),
        }
    }

    fn with(self, later: Self) -> Self {
        let most = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        Self {
            at: self.at,
            used: most(self.used, later.used),
            launched: most(self.launched, later.launched),
            desired: later.desired.or(self.desired),
            limit: later.limit.or(self.limit),
        }
    }
}

impl CapacityOverTime {
    /// Adds a look; what is older than a day goes. Answers the minute that is over with it.
    pub fn note(&mut self, look: CapacityMinute) -> Option<CapacityMinute> {
        match self.minutes.back_mut() {
            // A clock that was set back changes nothing of what was.
            Some(last) if last.at >= look.at => {
                *last = last.with(look);
                return None;
            }
            _ => {}
        }
        let over = self.minutes.back().copied();
        self.minutes.push_back(look);
        while self.minutes.len() > MOST
            || self.minutes.front().is_some_and(|first| look.at - first.at > 24 * 60 * MINUTE)
        {
            self.minutes.pop_front();
        }
        over
    }

    /// The highest of each of `parts` equal parts of the last `span`, the oldest first; `None`: nothing is known of it.
    pub fn highest(
        &self,
        of: impl Fn(&CapacityMinute) -> Option<f64>,
        (span, parts): (Millis, usize),
        now: Millis,
    ) -> Vec<Option<f64>> {
        let to = now.div_euclid(MINUTE) * MINUTE + MINUTE;
        let count = Millis::try_from(parts).unwrap_or(1).max(1);
        let mut found = vec![None::<f64>; parts];
        for minute in &self.minutes {
            let part = (minute.at - (to - span)) * count;
            let Ok(at) = usize::try_from(part.div_euclid(span)) else { continue };
            if let (Some(value), Some(slot)) = (of(minute), found.get_mut(at)) {
                *slot = Some(slot.map_or(value, |most| most.max(value)));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at: Millis, used: f64) -> CapacityMinute {
        CapacityMinute { at: at * MINUTE, used: Some(used), desired: Some(used + 1.0), ..CapacityMinute::default() }
    }

    #[test]
    fn a_minute_keeps_its_most_and_a_day_is_kept() {
        let mut told = CapacityOverTime::default();
        assert_eq!(told.note(look(0, 2.0)), None);
        assert_eq!(told.note(look(0, 6.0)), None);
        assert_eq!(told.note(look(0, 1.0)), None);
        let over = told.note(look(1, 3.0)).expect("the first minute is over");
        assert_eq!((over.used, over.desired), (Some(6.0), Some(2.0)));
        assert_eq!(told.note(look(0, 9.0)), None, "a clock that was set back");
        for at in 2..3_000 {
            told.note(look(at, 1.0));
        }
        assert_eq!(told.minutes.len(), MOST);
        told.note(look(9_000, 1.0));
        assert_eq!(told.minutes.len(), 1, "what is older than a day is gone, however few there are");
    }

    #[test]
    fn parts_of_a_span_have_their_highest_and_what_nobody_saw_is_not_zero() {
        let mut told = CapacityOverTime::default();
        for (at, used) in [(86, 9.0), (101, 2.0), (110, 6.0), (111, 4.0), (114, 1.0)] {
            told.note(look(at, used));
        }
        let used = |minute: &CapacityMinute| minute.used;
        let now = 114 * MINUTE + 20_000;
        let found = told.highest(used, (15 * MINUTE, 5), now);
        assert_eq!(found, [Some(2.0), None, None, Some(6.0), Some(1.0)]);
        assert_eq!(told.highest(|minute| minute.launched, (15 * MINUTE, 2), now), [None, None]);
    }
}
