//! Schedule expressions as EventBridge Scheduler reads them: `cron(…)`, `rate(…)` and `at(…)` in a time zone.
//!
//! Source: EventBridge Scheduler user guide, "Schedule types". `cron` parses the fields; the daylight-saving rules are
//! AWS's: a wall time that does not exist is skipped, one that exists twice fires once.

mod clock_changes;
mod days;
mod words;

pub use clock_changes::{ClockChange, Effect};

use super::Millis;
use chrono::{DateTime, Days, LocalResult, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use days::DayRule;
use std::fmt;
use std::str::FromStr;

/// A parsed expression with its zone.
#[derive(Debug, Clone)]
pub struct Expression {
    kind: Kind,
    zone: Tz,
}

#[derive(Debug, Clone)]
enum Kind {
    /// The fields as written, the parsed schedule, and the rule of a day field that `cron` cannot read.
    Cron {
        text: String,
        schedule: Box<cron::Schedule>,
        days: Option<DayRule>,
    },
    Rate {
        period: Millis,
    },
    At(NaiveDateTime),
}

/// Why a text is no schedule expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    #[error(
        "an expression is cron(minutes hours day-of-month month day-of-week year), rate(5 minutes) or at(2027-01-31T02:30:00)"
    )]
    Form,
    #[error("cron takes 6 fields (minutes hours day-of-month month day-of-week year), here are {0}")]
    FieldCount(usize),
    #[error("one of day-of-month and day-of-week must be `?`, and only one: for every day write `* * ?`")]
    QuestionMark,
    #[error("{} (field {} of 6) does not take `{given}`; it takes {}", FIELDS[*field], field + 1, TAKES[*field])]
    Field { field: usize, given: String },
    #[error("rate takes a number from 1 and a unit: minute(s), hour(s) or day(s), as in rate(5 minutes)")]
    Rate,
    #[error("at takes a time without a zone, as in at(2027-01-31T02:30:00)")]
    At,
    #[error("{0} does not exist in {1}: the clock skips it")]
    Skipped(NaiveDateTime, Tz),
    #[error("`{0}` is not a time zone; write an IANA name as Europe/Zurich or UTC")]
    Zone(String),
}

const FIELDS: [&str; 6] = ["minutes", "hours", "day-of-month", "month", "day-of-week", "year"];

/// What each of the fields takes.
const TAKES: [&str; 6] = [
    "0 to 59, and , - * /",
    "0 to 23, and , - * /",
    "1 to 31, and , - * ? / L W",
    "1 to 12 or JAN to DEC, and , - * /",
    "1 to 7 or SUN to SAT (1 is Sunday), and , - * ? L #",
    "1970 to 2100, and , - * /",
];

/// The names of all zones that an expression may be in.
pub fn zones() -> impl Iterator<Item = &'static str> {
    TZ_VARIANTS.iter().map(|zone| zone.name())
}

impl Expression {
    /// Reads an expression in a zone given by its IANA name.
    pub fn parse(text: &str, zone: &str) -> Result<Self, ExpressionError> {
        let zone = Tz::from_str(zone).map_err(|_| ExpressionError::Zone(zone.to_owned()))?;
        let (form, inner) =
            text.trim().strip_suffix(')').and_then(|open| open.split_once('(')).ok_or(ExpressionError::Form)?;
        let kind = match form {
            "cron" => parse_cron(inner)?,
            "rate" => Kind::Rate { period: parse_rate(inner)? },
            "at" => parse_at(inner, zone)?,
            _ => return Err(ExpressionError::Form),
        };
        Ok(Self { kind, zone })
    }

    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first time after `after`. A `rate` counts from `anchor`, which itself is a firing time.
    pub fn next(&self, after: Millis, anchor: Millis) -> Option<Millis> {
        match &self.kind {
            Kind::Cron { schedule, days, .. } => next_cron(schedule, days.as_ref(), self.zone, after),
            Kind::Rate { period } => {
                if after < anchor {
                    return Some(anchor);
                }
                let passed = (after - anchor) / period;
                anchor.checked_add(period.checked_mul(passed + 1)?)
            }
            Kind::At(local) => {
                let at = self.zone.from_local_datetime(local).earliest()?.timestamp_millis();
                (at > after).then_some(at)
            }
        }
    }

    /// How far the clock of the zone is before UTC at a moment, in seconds.
    pub fn offset(&self, at: Millis) -> i32 {
        let time = DateTime::from_timestamp_millis(at).unwrap_or_default().naive_utc();
        self.zone.offset_from_utc_datetime(&time).fix().local_minus_utc()
    }

    /// A time as the clock on the wall of the zone shows it, with the offset from UTC.
    pub fn wall(&self, at: Millis) -> String {
        match self.zone.timestamp_millis_opt(at) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => {
                time.format("%a %d %b %Y %H:%M %:z").to_string()
            }
            LocalResult::None => String::new(),
        }
    }
}

fn parse_cron(inner: &str) -> Result<Kind, ExpressionError> {
    let fields: Vec<&str> = inner.split_whitespace().collect();
    let Ok([minutes, hours, day, month, weekday, year]) = <[&str; 6]>::try_from(fields.clone()) else {
        return Err(ExpressionError::FieldCount(fields.len()));
    };
    if (day == "?") == (weekday == "?") {
        return Err(ExpressionError::QuestionMark);
    }
    let fault = |field: usize, given: &str| ExpressionError::Field { field, given: given.to_owned() };
    let days = if has_sign(day) {
        Some(DayRule::of_month(day).ok_or_else(|| fault(2, day))?)
    } else if has_sign(weekday) {
        Some(DayRule::of_week(weekday).ok_or_else(|| fault(4, weekday))?)
    } else {
        None
    };
    let (plain_day, plain_weekday) = if days.is_some() { ("*", "?") } else { (day, weekday) };
    let hours_in_order = unwrap_ranges(hours, 23);
    let whole = format!("0 {minutes} {hours_in_order} {plain_day} {month} {plain_weekday} {year}");
    let schedule = cron::Schedule::from_str(&whole)
        .map_err(|_| which_field(&[minutes, hours, plain_day, month, plain_weekday, year]))?;
    Ok(Kind::Cron { text: fields.join(" "), schedule: Box::new(schedule), days })
}

/// Whether a day field has a sign that `cron` does not read, or weekdays that pass the end of the week.
fn has_sign(field: &str) -> bool {
    let names = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    let rest = names.iter().fold(field.to_uppercase(), |rest, name| rest.replace(name, "1"));
    rest.contains(['L', 'W', '#']) || names.iter().any(|name| field.to_uppercase().contains(&format!("-{name}")))
}

/// Finds the field that is at fault, by trying each alone.
fn which_field(fields: &[&str]) -> ExpressionError {
    let plain = ["0", "0", "*", "*", "?", "*"];
    for (at, given) in fields.iter().enumerate() {
        let mut probe = plain.map(str::to_owned);
        probe[at] = if at == 1 { unwrap_ranges(given, 23) } else { String::from(*given) };
        if at == 4 && *given != "?" {
            "?".clone_into(&mut probe[2]);
        }
        if cron::Schedule::from_str(&format!("0 {}", probe.join(" "))).is_err() {
            return ExpressionError::Field { field: at, given: (*given).to_owned() };
        }
    }
    ExpressionError::Form
}

/// Writes a range that passes midnight as two: `20-2` becomes `20-23,0-2`, which the parser takes.
fn unwrap_ranges(field: &str, last: u32) -> String {
    let items = field.split(',').map(|item| {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let ends = range.split_once('-').and_then(|(a, b)| Some((a.parse::<u32>().ok()?, b.parse::<u32>().ok()?)));
        match (ends, step) {
            (Some((from, to)), None) if from > to => format!("{from}-{last},0-{to}"),
            (Some((from, to)), Some(step)) if from > to => {
                let step = step.parse::<u32>().unwrap_or(1).max(1);
                let hours = (from..=to + last + 1).step_by(step as usize).map(|h| (h % (last + 1)).to_string());
                hours.collect::<Vec<_>>().join(",")
            }
            _ => item.to_owned(),
        }
    });
    items.collect::<Vec<_>>().join(",")
}

fn parse_rate(inner: &str) -> Result<Millis, ExpressionError> {
    let (number, unit) = inner.trim().split_once(' ').ok_or(ExpressionError::Rate)?;
    let number: Millis = number.parse().map_err(|_| ExpressionError::Rate)?;
    let unit = match unit.trim() {
        "minute" | "minutes" => 60_000,
        "hour" | "hours" => 3_600_000,
        "day" | "days" => 86_400_000,
        _ => return Err(ExpressionError::Rate),
    };
    if number < 1 {
        return Err(ExpressionError::Rate);
    }
    number.checked_mul(unit).ok_or(ExpressionError::Rate)
}

fn parse_at(inner: &str, zone: Tz) -> Result<Kind, ExpressionError> {
    let local = NaiveDateTime::parse_from_str(inner.trim(), "%Y-%m-%dT%H:%M:%S").map_err(|_| ExpressionError::At)?;
    match zone.from_local_datetime(&local) {
        LocalResult::None => Err(ExpressionError::Skipped(local, zone)),
        _ => Ok(Kind::At(local)),
    }
}

/// Walks wall times, as the expression means them, and takes each to the one moment that AWS fires at.
fn next_cron(schedule: &cron::Schedule, days: Option<&DayRule>, zone: Tz, after: Millis) -> Option<Millis> {
    let after_utc = DateTime::from_timestamp_millis(after)?;
    let mut wall = after_utc.with_timezone(&zone).naive_local();
    loop {
        wall = next_wall(schedule, days, wall)?;
        let moment = zone.from_local_datetime(&wall).earliest().map(|time| time.timestamp_millis());
        if let Some(moment) = moment.filter(|moment| *moment > after) {
            return Some(moment);
        }
    }
}

/// The next time after one that the expression names, whether the clock of a zone shows it or not.
fn next_wall(schedule: &cron::Schedule, days: Option<&DayRule>, after: NaiveDateTime) -> Option<NaiveDateTime> {
    let mut wall = after;
    loop {
        let candidate = schedule.after(&Utc.from_utc_datetime(&wall)).next()?.naive_utc();
        if days.is_none_or(|rule| rule.takes(candidate.date())) {
            return Some(candidate);
        }
        // The whole day is out: go on from its last second.
        wall =
            candidate.date().and_time(NaiveTime::MIN).checked_add_days(Days::new(1))? - chrono::TimeDelta::seconds(1);
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Cron { text, .. } => write!(f, "cron({text})"),
            Kind::Rate { period } => write!(f, "rate({} minutes)", period / 60_000),
            Kind::At(local) => write!(f, "at({})", local.format("%Y-%m-%dT%H:%M:%S")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mutation::{fuzz, mutated_text};
    use proptest::prelude::*;

    fn millis(text: &str) -> Millis {
        DateTime::parse_from_rfc3339(text).expect("a time").timestamp_millis()
    }

    /// The next `count` times after `after`; fewer where the expression ends.
    fn times(expression: &Expression, after: Millis, anchor: Millis, count: usize) -> Vec<Millis> {
        let next = |at: Millis| expression.next(at, anchor);
        std::iter::successors(next(after), |last| next(*last)).take(count).collect()
    }

    fn upcoming(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let expression = Expression::parse(text, zone).expect(text);
        let zone = expression.zone();
        times(&expression, millis(after), millis("2026-11-24T00:00:00Z"), count)
            .into_iter()
            .map(|at| zone.timestamp_millis_opt(at).single().expect("one").to_rfc3339())
            .collect()
    }

    #[test]
    fn working_days_fire_in_the_zone_of_the_schedule() {
        assert_eq!(
            upcoming("cron(30 2 ? * MON-FRI *)", "Europe/Zurich", "2026-11-27T00:00:00Z", 2),
            ["2026-11-27T02:30:00+01:00", "2026-11-30T02:30:00+01:00"]
        );
    }

    #[test]
    fn sunday_is_day_one() {
        assert_eq!(upcoming("cron(0 0 ? * 1 *)", "UTC", "2026-11-24T00:00:00Z", 1), ["2026-11-29T00:00:00+00:00"]);
    }

    #[test]
    fn a_wall_time_that_spring_skips_does_not_fire_that_day() {
        assert_eq!(
            upcoming("cron(30 2 * * ? *)", "Europe/Zurich", "2027-03-27T00:00:00Z", 2),
            ["2027-03-27T02:30:00+01:00", "2027-03-29T02:30:00+02:00"]
        );
    }

    #[test]
    fn a_wall_time_that_autumn_repeats_fires_once() {
        assert_eq!(
            upcoming("cron(30 2 * * ? *)", "Europe/Zurich", "2026-10-24T23:00:00Z", 2),
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
        );
    }

    #[test]
    fn a_range_of_hours_may_pass_midnight() {
        assert_eq!(
            upcoming("cron(0 22-1 * * ? *)", "UTC", "2026-11-24T21:30:00Z", 4),
            [
                "2026-11-24T22:00:00+00:00",
                "2026-11-24T23:00:00+00:00",
                "2026-11-25T00:00:00+00:00",
                "2026-11-25T01:00:00+00:00"
            ]
        );
    }

    #[test]
    fn the_last_workday_and_the_second_tuesday_are_found() {
        assert_eq!(
            upcoming("cron(0 18 LW * ? *)", "UTC", "2026-11-24T00:00:00Z", 2),
            ["2026-11-30T18:00:00+00:00", "2026-12-31T18:00:00+00:00"]
        );
        assert_eq!(
            upcoming("cron(0 8 ? * 3#2 *)", "UTC", "2026-11-24T00:00:00Z", 2),
            ["2026-12-08T08:00:00+00:00", "2027-01-12T08:00:00+00:00"]
        );
        assert!(upcoming("cron(0 8 31W 2 ? *)", "UTC", "2026-11-24T00:00:00Z", 1).is_empty());
    }

    #[test]
    fn weekdays_may_pass_the_end_of_the_week() {
        assert_eq!(
            upcoming("cron(0 8 ? * FRI-MON *)", "UTC", "2026-11-24T00:00:00Z", 5),
            [
                "2026-11-27T08:00:00+00:00",
                "2026-11-28T08:00:00+00:00",
                "2026-11-29T08:00:00+00:00",
                "2026-11-30T08:00:00+00:00",
                "2026-12-04T08:00:00+00:00"
            ]
        );
    }

    #[test]
    fn a_rate_counts_from_its_anchor() {
        assert_eq!(
            upcoming("rate(5 minutes)", "UTC", "2026-11-24T00:07:00Z", 2),
            ["2026-11-24T00:10:00+00:00", "2026-11-24T00:15:00+00:00"]
        );
        assert_eq!(upcoming("rate(1 day)", "UTC", "2026-11-23T00:00:00Z", 1), ["2026-11-24T00:00:00+00:00"]);
    }

    #[test]
    fn at_fires_once_and_is_over() {
        assert_eq!(
            upcoming("at(2026-12-01T08:00:00)", "America/New_York", "2026-11-24T00:00:00Z", 3),
            ["2026-12-01T08:00:00-05:00"]
        );
        assert!(upcoming("at(2026-12-01T08:00:00)", "UTC", "2026-12-01T08:00:00Z", 1).is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("30 2 * * *", "UTC", ExpressionError::Form),
            ("cron(30 2 * * *)", "UTC", ExpressionError::FieldCount(5)),
            ("cron(30 2 * * * *)", "UTC", ExpressionError::QuestionMark),
            ("cron(30 2 ? * ? *)", "UTC", ExpressionError::QuestionMark),
            ("cron(61 2 * * ? *)", "UTC", ExpressionError::Field { field: 0, given: "61".into() }),
            ("cron(0 2 ? * FUN *)", "UTC", ExpressionError::Field { field: 4, given: "FUN".into() }),
            ("cron(0 2 32W * ? *)", "UTC", ExpressionError::Field { field: 2, given: "32W".into() }),
            ("rate(0 minutes)", "UTC", ExpressionError::Rate),
            ("rate(5 weeks)", "UTC", ExpressionError::Rate),
            ("at(tomorrow)", "UTC", ExpressionError::At),
            ("rate(5 minutes)", "Mars/Olympus", ExpressionError::Zone("Mars/Olympus".into())),
        ];
        for (text, zone, expected) in cases {
            assert_eq!(Expression::parse(text, zone).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_error_says_which_field_it_is_and_what_that_takes() {
        let error = Expression::parse("cron(0 25 * * ? *)", "UTC").expect_err("no such hour");
        assert_eq!(error.to_string(), "hours (field 2 of 6) does not take `25`; it takes 0 to 23, and , - * /");
    }

    fuzz! {
        fn an_expression_that_is_almost_right_is_read_or_refused_and_what_is_read_only_goes_forward(
            text in prop_oneof![
                mutated_text("cron(0/15 8-18 ? JAN,MAR-MAY MON#2,6L 2026-2030/2)"),
                mutated_text("at(2026-11-29T04:30:00)"),
                "(cron|rate|at)?\\(?[0-9A-Z*?/,# LW-]{0,24}\\)?",
            ],
            zone in prop_oneof![Just("Europe/Zurich".to_owned()), mutated_text("America/Argentina/Buenos_Aires")],
            after in 0i64..4_000_000_000_000,
        ) {
            if let Ok(expression) = Expression::parse(&text, &zone) {
                let times = times(&expression, after, 0, 3);
                prop_assert!(times.iter().all(|t| *t > after) && times.windows(2).all(|w| w[0] < w[1]));
                prop_assert!(!expression.in_words().is_empty());
                expression.clock_changes(after);
            }
        }
    }
}
