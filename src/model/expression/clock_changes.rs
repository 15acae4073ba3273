//! What comes of an expression when the clock of its zone is changed.
//!
//! Source: EventBridge Scheduler user guide, "Daylight savings time on EventBridge Scheduler": in spring a run at a time
//! that does not exist is skipped; in autumn one at a time that comes twice runs once; a day of `rate` is 24 hours.

use super::{Expression, Kind, next_wall};
use crate::model::Millis;
use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use std::fmt;

/// How far ahead changes are looked for: each clock that is changed is changed at least once in such a time.
const AHEAD_DAYS: i64 = 400;
const DAY: Millis = 86_400_000;
const HOUR: Millis = 3_600_000;

/// One change of the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockChange {
    pub at: Millis,
    /// What the clock on the wall shows at that moment, by the offset before and by the one after.
    pub from: NaiveDateTime,
    pub to: NaiveDateTime,
    pub effect: Effect,
}

/// What a change does to the runs of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// No run falls there.
    Nothing,
    /// These times do not exist that day: they do not run.
    LeftOut(Vec<NaiveDateTime>),
    /// These times come twice that day: they run the first time alone.
    Once(Vec<NaiveDateTime>),
    /// It counts real time: on the clock its runs move.
    Moves,
}

impl Expression {
    /// The next change of the clock after a moment, and the one after it where that alone concerns the runs. A `rate` of
    /// less than an hour and an `at` that no change concerns have none.
    pub fn clock_changes(&self, after: Millis) -> Vec<ClockChange> {
        let concerns_none = match &self.kind {
            Kind::Rate { period } => *period < HOUR,
            Kind::Cron { .. } | Kind::At(_) => false,
        };
        if concerns_none {
            return Vec::new();
        }
        let Some(first) = self.change_after(after) else { return Vec::new() };
        let second = self.change_after(first.at).filter(ClockChange::leaves_out_or_once);
        let mut changes = vec![first];
        changes.extend(second);
        if matches!(self.kind, Kind::At(_)) {
            changes.retain(ClockChange::leaves_out_or_once);
        }
        changes
    }

    fn change_after(&self, after: Millis) -> Option<ClockChange> {
        let (at, before, behind) = change_of(self.zone, after)?;
        let utc = DateTime::from_timestamp_millis(at)?.naive_utc();
        let (from, to) = (utc + TimeDelta::seconds(before), utc + TimeDelta::seconds(behind));
        let touched = self.walls(from.min(to), from.max(to));
        let effect = match (&self.kind, touched.is_empty()) {
            (Kind::Rate { .. }, _) => Effect::Moves,
            (_, true) => Effect::Nothing,
            _ if to > from => Effect::LeftOut(touched),
            _ => Effect::Once(touched),
        };
        Some(ClockChange { at, from, to, effect })
    }

    /// The times on the wall that it names, from one to before another.
    fn walls(&self, from: NaiveDateTime, to: NaiveDateTime) -> Vec<NaiveDateTime> {
        match &self.kind {
            Kind::Rate { .. } => Vec::new(),
            Kind::At(local) => Some(*local).filter(|local| (from..to).contains(local)).into_iter().collect(),
            Kind::Cron { schedule, days, .. } => {
                let mut walls = Vec::new();
                let mut last = from - TimeDelta::seconds(1);
                while let Some(next) = next_wall(schedule, days.as_ref(), last).filter(|next| *next < to) {
                    walls.push(next);
                    last = next;
                }
                walls
            }
        }
    }
}

impl ClockChange {
    /// Whether runs are not as the expression reads.
    pub fn leaves_out_or_once(&self) -> bool {
        matches!(self.effect, Effect::LeftOut(_) | Effect::Once(_))
    }
}

impl fmt::Display for ClockChange {
    /// `Sun 28 Mar 2027 the clock skips 02:00-03:00: the run of 02:30 is left out`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.from.min(self.to), self.from.max(self.to));
        let span = format!("{}-{}", first.format("%H:%M"), last.format("%H:%M"));
        write!(f, "{} ", first.format("%a %-d %b %Y"))?;
        if self.to > self.from {
            write!(f, "the clock skips {span}")?;
        } else {
            write!(f, "{span} comes twice")?;
        }
        let runs = |times: &[NaiveDateTime]| match times {
            [] => String::new(),
            [one] => format!("the run of {}", one.format("%H:%M")),
            [first, .., last] => {
                format!("the {} runs from {} to {}", times.len(), first.format("%H:%M"), last.format("%H:%M"))
            }
        };
        match &self.effect {
            Effect::Nothing => write!(f, "; no run falls there"),
            Effect::LeftOut(times) => {
                let verb = if times.len() == 1 { "is" } else { "are" };
                write!(f, ": {} {verb} left out", runs(times))
            }
            Effect::Once(times) => {
                let verb = if times.len() == 1 { "comes" } else { "come" };
                write!(f, ": {} {verb} once, the first time round", runs(times))
            }
            Effect::Moves => {
                let minutes = (self.to - self.from).num_minutes();
                let way = if minutes > 0 { "later" } else { "earlier" };
                write!(f, "; a rate counts real time: from then on its runs stand {} minutes {way}", minutes.abs())
            }
        }
    }
}

/// The next moment after which a zone has another offset from UTC, with both offsets in seconds.
fn change_of(zone: Tz, after: Millis) -> Option<(Millis, i64, i64)> {
    let offset = |at: Millis| {
        let time = DateTime::from_timestamp_millis(at)?.naive_utc();
        Some(i64::from(zone.offset_from_utc_datetime(&time).fix().local_minus_utc()))
    };
    let before = offset(after)?;
    let mut low = after;
    for day in 1..=AHEAD_DAYS {
        let mut high = after.checked_add(day * DAY)?;
        if offset(high)? == before {
            low = high;
            continue;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if offset(middle)? == before {
                low = middle;
            } else {
                high = middle;
            }
        }
        return Some((high, before, offset(high)?));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, zone: &str, after: &str) -> Vec<String> {
        let after = DateTime::parse_from_rfc3339(after).expect("a time").timestamp_millis();
        let expression = Expression::parse(text, zone).expect(text);
        expression.clock_changes(after).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_change_says_what_it_does() {
        let cases: [(&str, &str, &str, &[&str]); 12] = [
            (
                "cron(30 2 * * ? *)",
                "Europe/Zurich",
                "2026-11-24T00:00:00Z",
                &[
                    "Sun 28 Mar 2027 the clock skips 02:00-03:00: the run of 02:30 is left out",
                    "Sun 31 Oct 2027 02:00-03:00 comes twice: the run of 02:30 comes once, the first time round",
                ],
            ),
            (
                "cron(30 2 ? * MON-FRI *)",
                "Europe/Zurich",
                "2026-11-24T00:00:00Z",
                &["Sun 28 Mar 2027 the clock skips 02:00-03:00; no run falls there"],
            ),
            (
                "cron(0/15 * * * ? *)",
                "Europe/Zurich",
                "2027-06-01T00:00:00Z",
                &[
                    "Sun 31 Oct 2027 02:00-03:00 comes twice: the 4 runs from 02:00 to 02:45 come once, the first time round",
                    "Sun 26 Mar 2028 the clock skips 02:00-03:00: the 4 runs from 02:00 to 02:45 are left out",
                ],
            ),
            // 03:00 exists in spring, and once in autumn.
            (
                "cron(0 3 * * ? *)",
                "Europe/Zurich",
                "2026-11-24T00:00:00Z",
                &["Sun 28 Mar 2027 the clock skips 02:00-03:00; no run falls there"],
            ),
            (
                "cron(30 1 * * ? *)",
                "America/New_York",
                "2027-01-01T00:00:00Z",
                &[
                    "Sun 14 Mar 2027 the clock skips 02:00-03:00; no run falls there",
                    "Sun 7 Nov 2027 01:00-02:00 comes twice: the run of 01:30 comes once, the first time round",
                ],
            ),
            // Half an hour.
            (
                "cron(15 2 * * ? *)",
                "Australia/Lord_Howe",
                "2027-06-01T00:00:00Z",
                &["Sun 3 Oct 2027 the clock skips 02:00-02:30: the run of 02:15 is left out"],
            ),
            ("cron(30 2 * * ? *)", "UTC", "2026-11-24T00:00:00Z", &[]),
            ("cron(30 2 * * ? *)", "Asia/Tokyo", "2026-11-24T00:00:00Z", &[]),
            ("rate(5 minutes)", "Europe/Zurich", "2026-11-24T00:00:00Z", &[]),
            (
                "rate(1 day)",
                "Europe/Zurich",
                "2026-11-24T00:00:00Z",
                &[
                    "Sun 28 Mar 2027 the clock skips 02:00-03:00; a rate counts real time: from then on its runs stand 60 \
                     minutes later",
                ],
            ),
            ("at(2027-01-31T02:30:00)", "Europe/Zurich", "2026-11-24T00:00:00Z", &[]),
            (
                "at(2027-10-31T02:30:00)",
                "Europe/Zurich",
                "2026-11-24T00:00:00Z",
                &["Sun 31 Oct 2027 02:00-03:00 comes twice: the run of 02:30 comes once, the first time round"],
            ),
        ];
        for (text, zone, after, expected) in cases {
            assert_eq!(told(text, zone, after), expected, "{text} in {zone}");
        }
    }

    #[test]
    fn what_is_told_of_a_change_is_what_comes() {
        let after = "2027-03-27T12:00:00Z";
        let expression = Expression::parse("cron(30 2 * * ? *)", "Europe/Zurich").expect("sound");
        let after = DateTime::parse_from_rfc3339(after).expect("a time").timestamp_millis();
        let change = &expression.clock_changes(after)[0];
        assert_eq!(change.at, DateTime::parse_from_rfc3339("2027-03-28T01:00:00Z").expect("a time").timestamp_millis());
        let next = expression.next(after, 0).expect("goes on");
        assert!(next > change.at + DAY / 2, "the run of that day is left out");
    }
}
