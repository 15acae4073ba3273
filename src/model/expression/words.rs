//! What an expression says, in words. Sets of values are told, not signs: `0/15` and `0,15,30,45` read alike.

use super::days::{DayRule, Item};
use super::{Expression, Kind};
use crate::model::Millis;
use chrono::Timelike;
use cron::TimeUnitSpec;

/// So many times of a day are named one by one; of more, the hours are.
const NAMED: usize = 8;
/// So many are named where a span would say the same.
const FEW: usize = 4;
/// The years that `cron` takes.
const FIRST_YEAR: u32 = 1970;
const LAST_YEAR: u32 = 2100;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Expression {
    /// What it says: `at 02:30 on Monday to Friday`, `every 5 minutes`, `once, on Sunday 31 January 2027 at 02:30`.
    pub fn in_words(&self) -> String {
        match &self.kind {
            Kind::Cron { schedule, days, .. } => cron(schedule, days.as_ref()),
            Kind::Rate { period } => rate(*period),
            Kind::At(local) => {
                let form = if local.second() == 0 {
                    "once, on %A %-d %B %Y at %H:%M"
                } else {
                    "once, on %A %-d %B %Y at %H:%M:%S"
                };
                local.format(form).to_string()
            }
        }
    }
}

fn rate(period: Millis) -> String {
    const MINUTE: Millis = 60_000;
    match period / MINUTE {
        1 => "every minute".to_owned(),
        60 => "every hour".to_owned(),
        1440 => "every 24 hours".to_owned(),
        minutes if minutes % 1440 == 0 => format!("every {} days of 24 hours", minutes / 1440),
        minutes if minutes % 60 == 0 => format!("every {} hours", minutes / 60),
        minutes => format!("every {minutes} minutes"),
    }
}

fn cron(schedule: &cron::Schedule, rule: Option<&DayRule>) -> String {
    let minutes: Vec<u32> = schedule.minutes().iter().collect();
    let hours: Vec<u32> = schedule.hours().iter().collect();
    let months: Vec<u32> = schedule.months().iter().collect();
    let months = (months.len() < 12).then(|| and(&runs(&months, 12, 1, |month| MONTHS[month as usize - 1].to_owned())));
    let days = if let Some(rule) = rule {
        rule_days(rule, months.as_deref())
    } else {
        let dates: Vec<u32> = schedule.days_of_month().iter().collect();
        let weekdays: Vec<u32> = schedule.days_of_week().iter().collect();
        plain_days(&dates, &weekdays, months.as_deref())
    };
    let years = years(&schedule.years().iter().collect::<Vec<_>>());
    let time = times(&minutes, &hours);
    let is_always = hours.len() == 24 && days == "every day";
    let mut text = time;
    if !is_always {
        text += if text.starts_with("every") { ", " } else { " " };
        text += &days;
    }
    if let Some(years) = years {
        text += ", ";
        text += &years;
    }
    text
}

fn times(minutes: &[u32], hours: &[u32]) -> String {
    let clock = |hour: u32, minute: u32| format!("{hour:02}:{minute:02}");
    let (Some(first), Some(last)) = (minutes.first().copied(), minutes.last().copied()) else { return String::new() };
    let step = around(minutes, 60);
    if hours.len() == 24 {
        return match (step, first) {
            (Some(1), _) => "every minute".to_owned(),
            (Some(60), 0) => "every hour, on the hour".to_owned(),
            (Some(60), minute) => format!("at minute {minute} of every hour"),
            (Some(step), 0) => format!("every {step} minutes"),
            (Some(step), minute) => format!("every {step} minutes, from minute {minute} of each hour"),
            (None, _) => format!("at {} of every hour", named_minutes(minutes)),
        };
    }
    let all = minutes.len() * hours.len();
    let block = block(hours, 24);
    if let (Some(step), Some((from, to))) = (step, block)
        && (step < 60 && all > 2 || hours.len() > 2)
    {
        let span = format!("from {} to {}", clock(from, first), clock(to, last));
        return match step {
            1 => format!("every minute {span}"),
            60 => format!("every hour {span}"),
            step => format!("every {step} minutes {span}"),
        };
    }
    if let (Some((from, every, to)), 1, true) = (stepped(hours), minutes.len(), all > FEW) {
        return format!("every {every} hours from {} to {}", clock(from, first), clock(to, first));
    }
    if all <= NAMED {
        let times: Vec<String> =
            hours.iter().flat_map(|hour| minutes.iter().map(|minute| clock(*hour, *minute))).collect();
        return format!("at {}", and(&times));
    }
    let noun = if hours.len() == 1 { "hour" } else { "hours" };
    let hours = and(&runs(hours, 24, 0, |hour| hour.to_string()));
    match step {
        Some(1) => format!("every minute of the {noun} {hours}"),
        _ => format!("at {} of the {noun} {hours}", named_minutes(minutes)),
    }
}

fn named_minutes(minutes: &[u32]) -> String {
    match (stepped(minutes), minutes) {
        (Some((from, every, to)), _) if minutes.len() > FEW => {
            format!("every {} minute from minute {from} to minute {to}", ordinal(every))
        }
        (_, [one]) => format!("minute {one}"),
        _ => format!("minutes {}", and(&runs(minutes, 60, 0, |minute| minute.to_string()))),
    }
}

/// Days without a sign of [`DayRule`]: one of the two sets holds all that there are.
fn plain_days(dates: &[u32], weekdays: &[u32], months: Option<&str>) -> String {
    if weekdays.len() < 7 {
        return with_months(&format!("on {}", named_weekdays(weekdays)), months);
    }
    if dates.len() == 31 {
        return with_months("every day", months);
    }
    match stepped(dates) {
        Some((from, every, to)) if dates.len() > FEW => {
            let of = of_months(months);
            format!("on every {} day from day {from} to day {to} {of}", ordinal(every))
        }
        _ => format!("on {} {}", named_dates(dates), of_months(months)),
    }
}

fn rule_days(rule: &DayRule, months: Option<&str>) -> String {
    let items = rule.items();
    let dates: Vec<u32> = (1..=31).filter(|day| items.iter().any(|item| item.is_date(*day))).collect();
    let weekdays: Vec<u32> = (1..=7).filter(|day| items.iter().any(|item| item.is_weekday(*day))).collect();
    let mut parts = Vec::new();
    if !dates.is_empty() {
        parts.push(named_dates(&dates));
    }
    if !weekdays.is_empty() {
        parts.push(named_weekdays(&weekdays));
    }
    let before = parts.len();
    for item in items {
        parts.extend(match item {
            Item::Days(..) | Item::Weekdays(..) => None,
            Item::LastDay => Some("the last day".to_owned()),
            Item::LastWorkday => Some("the last working day (Monday to Friday)".to_owned()),
            Item::Workday(day) => Some(format!("the working day (Monday to Friday) nearest to day {day}")),
            Item::LastWeekday(day) => Some(format!("the last {}", weekday(*day))),
            Item::Nth(day, nth) => Some(format!("the {} {}", ordinal(*nth), weekday(*day))),
        });
    }
    if parts.len() == before && dates.is_empty() {
        // Weekdays alone.
        return if weekdays.len() == 7 {
            with_months("every day", months)
        } else {
            with_months(&format!("on {}", and(&parts)), months)
        };
    }
    format!("on {} {}", and(&parts), of_months(months))
}

fn with_months(days: &str, months: Option<&str>) -> String {
    months.map_or_else(|| days.to_owned(), |months| format!("{days} in {months}"))
}

fn of_months(months: Option<&str>) -> String {
    months.map_or_else(|| "of the month".to_owned(), |months| format!("of {months}"))
}

fn named_dates(dates: &[u32]) -> String {
    let noun = if dates.len() == 1 { "day" } else { "days" };
    format!("{noun} {}", and(&runs(dates, 31, 1, |day| day.to_string())))
}

fn named_weekdays(days: &[u32]) -> String {
    // The week begins on Monday for those who read.
    let from_monday: Vec<u32> = {
        let mut days: Vec<u32> = days.iter().map(|day| (day + 5) % 7).collect();
        days.sort_unstable();
        days
    };
    and(&runs(&from_monday, 7, 0, |day| weekday((day + 1) % 7 + 1).to_owned()))
}

/// 1 is Sunday.
fn weekday(day: u32) -> &'static str {
    WEEKDAYS[(day as usize + 6) % 7]
}

fn years(years: &[u32]) -> Option<String> {
    let (first, last) = (*years.first()?, *years.last()?);
    if years.len() == (FIRST_YEAR..=LAST_YEAR).count() {
        return None;
    }
    let is_open = last == LAST_YEAR;
    Some(match (stepped(years), years) {
        (_, [one]) => format!("in {one}"),
        _ if is_open && (first..=last).count() == years.len() => format!("from {first} on"),
        (Some((from, every, to)), _) if years.len() > 2 => {
            // The last one of a step need not be the last year.
            let until = if to + every > LAST_YEAR { "on".to_owned() } else { format!("to {to}") };
            format!("every {every} years from {from} {until}")
        }
        _ => format!("in {}", and(&runs(years, u32::MAX, 0, |year| year.to_string()))),
    })
}

/// The step of values that lie evenly around a circle: `60` for one of 60, `15` for four of them.
fn around(values: &[u32], circle: u32) -> Option<u32> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0 && circle.is_multiple_of(*count))?;
    let step = circle / count;
    values.windows(2).all(|pair| pair[1] - pair[0] == step).then_some(step)
}

/// First, step and last of at least three values that lie evenly, further than one apart.
fn stepped(values: &[u32]) -> Option<(u32, u32, u32)> {
    let [first, second, _, ..] = values else { return None };
    let step = second - first;
    let is_even = values.windows(2).all(|pair| pair[1] - pair[0] == step);
    (step > 1 && is_even).then(|| (*first, step, values[values.len() - 1]))
}

/// First and last of values that follow one another, over the end of the circle too.
fn block(values: &[u32], circle: u32) -> Option<(u32, u32)> {
    let turned = turn(values, circle);
    let follows = turned.windows(2).all(|pair| pair[1] == (pair[0] + 1) % circle);
    follows.then(|| turned.first().copied().zip(turned.last().copied())).flatten()
}

/// The values from the first one on that does not follow another, around a circle that begins with 0.
fn turn(values: &[u32], circle: u32) -> Vec<u32> {
    let begins = |value: &u32| !values.contains(&((value + circle - 1) % circle));
    let wraps = values.first() == Some(&0) && values.contains(&(circle - 1));
    // The run that passes the end of the circle is told first.
    let at = if wraps { values.iter().rposition(begins).unwrap_or(0) } else { 0 };
    [&values[at..], &values[..at]].concat()
}

/// Three and more that follow one another as `Monday to Friday`, the others one by one. The circle begins with `base`.
fn runs(values: &[u32], circle: u32, base: u32, name: impl Fn(u32) -> String) -> Vec<String> {
    let is_round = circle == 7 || circle == 12 || circle == 24;
    let from_zero: Vec<u32> = values.iter().map(|value| value - base).collect();
    let turned = if is_round { turn(&from_zero, circle) } else { from_zero };
    let mut texts = Vec::new();
    let mut at = 0;
    while at < turned.len() {
        let follows = |pair: &[u32]| pair[1] == pair[0] + 1 || is_round && pair[1] == (pair[0] + 1) % circle;
        let length = 1 + turned[at..].windows(2).take_while(|pair| follows(pair)).count();
        if length > 2 {
            texts.push(format!("{} to {}", name(turned[at] + base), name(turned[at + length - 1] + base)));
        } else {
            texts.extend(turned[at..at + length].iter().map(|value| name(value + base)));
        }
        at += length;
    }
    texts
}

/// `a`, `a and b`, `a, b and c`.
fn and(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

fn ordinal(number: u32) -> String {
    match number {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        4 => "fourth".to_owned(),
        5 => "fifth".to_owned(),
        number if number % 10 == 1 && number != 11 => format!("{number}st"),
        number if number % 10 == 2 && number != 12 => format!("{number}nd"),
        number if number % 10 == 3 && number != 13 => format!("{number}rd"),
        number => format!("{number}th"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expression_is_told_in_words() {
        let cases = [
            ("cron(30 2 ? * MON-FRI *)", "at 02:30 on Monday to Friday"),
            ("cron(0 8 * * ? *)", "at 08:00 every day"),
            ("cron(* * * * ? *)", "every minute"),
            ("cron(0/5 * * * ? *)", "every 5 minutes"),
            ("cron(*/15 * * * ? *)", "every 15 minutes"),
            ("cron(0,15,30,45 * * * ? *)", "every 15 minutes"),
            ("cron(5/15 * * * ? *)", "every 15 minutes, from minute 5 of each hour"),
            ("cron(0/7 * * * ? *)", "at every 7th minute from minute 0 to minute 56 of every hour"),
            ("cron(0 * * * ? *)", "every hour, on the hour"),
            ("cron(30 * * * ? *)", "at minute 30 of every hour"),
            ("cron(5,17,40 * * * ? *)", "at minutes 5, 17 and 40 of every hour"),
            ("cron(0 0/4 * * ? *)", "every 4 hours from 00:00 to 20:00, every day"),
            ("cron(30 1/6 * * ? *)", "at 01:30, 07:30, 13:30 and 19:30 every day"),
            ("cron(0 8-17 ? * MON-FRI *)", "every hour from 08:00 to 17:00, on Monday to Friday"),
            ("cron(0/15 8-17 ? * MON-FRI *)", "every 15 minutes from 08:00 to 17:45, on Monday to Friday"),
            ("cron(* 2 * * ? *)", "every minute from 02:00 to 02:59, every day"),
            ("cron(0 22-1 * * ? *)", "every hour from 22:00 to 01:00, every day"),
            ("cron(0 8,12,18 * * ? *)", "at 08:00, 12:00 and 18:00 every day"),
            ("cron(0,30 9 * * ? *)", "at 09:00 and 09:30 every day"),
            ("cron(5,17,40 2,3,5 * * ? *)", "at minutes 5, 17 and 40 of the hours 2, 3 and 5 every day"),
            ("cron(* 2,5,8-10 * * ? *)", "every minute of the hours 2, 5 and 8 to 10, every day"),
            ("cron(0 0 1 * ? *)", "at 00:00 on day 1 of the month"),
            ("cron(0 0 1,15 * ? *)", "at 00:00 on days 1 and 15 of the month"),
            ("cron(0 0 1-7 * ? *)", "at 00:00 on days 1 to 7 of the month"),
            ("cron(0 0 1/2 * ? *)", "at 00:00 on every second day from day 1 to day 31 of the month"),
            ("cron(0 0 1 1,4,7,10 ? *)", "at 00:00 on day 1 of January, April, July and October"),
            ("cron(0 0 * 6-8 ? *)", "at 00:00 every day in June to August"),
            ("cron(0 0 ? JAN MON *)", "at 00:00 on Monday in January"),
            ("cron(0 0 L * ? *)", "at 00:00 on the last day of the month"),
            ("cron(0 18 LW * ? *)", "at 18:00 on the last working day (Monday to Friday) of the month"),
            ("cron(0 8 15W 6 ? *)", "at 08:00 on the working day (Monday to Friday) nearest to day 15 of June"),
            ("cron(0 8 1,10-12,L * ? *)", "at 08:00 on days 1 and 10 to 12 and the last day of the month"),
            ("cron(0 8 ? * 6L *)", "at 08:00 on the last Friday of the month"),
            ("cron(0 8 ? * 3#2 *)", "at 08:00 on the second Tuesday of the month"),
            ("cron(0 8 ? * MON#1,6L *)", "at 08:00 on the first Monday and the last Friday of the month"),
            ("cron(0 8 ? * FRI-MON *)", "at 08:00 on Friday to Monday"),
            ("cron(0 8 ? * SAT,SUN *)", "at 08:00 on Saturday and Sunday"),
            ("cron(0 8 ? * 1 *)", "at 08:00 on Sunday"),
            ("cron(0 8 ? * 2-6 *)", "at 08:00 on Monday to Friday"),
            ("cron(0 8 ? * L *)", "at 08:00 on Saturday"),
            ("cron(0 8 ? * MON,WED,FRI *)", "at 08:00 on Monday, Wednesday and Friday"),
            ("cron(0 8 ? * SUN-SAT *)", "at 08:00 every day"),
            ("cron(0 8 1 1 ? 2027)", "at 08:00 on day 1 of January, in 2027"),
            ("cron(0 8 1 1 ? 2027-2030)", "at 08:00 on day 1 of January, in 2027 to 2030"),
            ("cron(0 8 1 1 ? 2028/4)", "at 08:00 on day 1 of January, every 4 years from 2028 on"),
            ("cron(0/5 * * * ? 2027)", "every 5 minutes, in 2027"),
            ("rate(1 minute)", "every minute"),
            ("rate(5 minutes)", "every 5 minutes"),
            ("rate(90 minutes)", "every 90 minutes"),
            ("rate(1 hour)", "every hour"),
            ("rate(12 hours)", "every 12 hours"),
            ("rate(1 day)", "every 24 hours"),
            ("rate(7 days)", "every 7 days of 24 hours"),
            ("at(2027-01-31T02:30:00)", "once, on Sunday 31 January 2027 at 02:30"),
            ("at(2027-01-31T02:30:07)", "once, on Sunday 31 January 2027 at 02:30:07"),
        ];
        for (text, expected) in cases {
            assert_eq!(Expression::parse(text, "Europe/Zurich").expect(text).in_words(), expected, "{text}");
        }
    }
}
