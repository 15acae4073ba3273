//! The signs of AWS's day fields that the `cron` crate does not read: `L`, `W` and `#`.
//!
//! Source: EventBridge Scheduler user guide, "Cron-based schedules", wildcards.

use chrono::{Datelike, NaiveDate, Weekday};

/// A day field that has one of the signs: a day passes where any of the items takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DayRule(Vec<Item>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// Days of the month from, to, every so many.
    Days(u32, u32, u32),
    /// `L` in day-of-month.
    LastDay,
    /// `LW`: the last day from Monday to Friday.
    LastWorkday,
    /// `15W`: the day from Monday to Friday nearest to the 15th, within the month.
    Workday(u32),
    /// Weekdays from, to, every so many; 1 is Sunday. From may be after to.
    Weekdays(u32, u32, u32),
    /// `6L`: the last Friday.
    LastWeekday(u32),
    /// `3#2`: the second Tuesday.
    Nth(u32, u32),
}

impl DayRule {
    /// Reads day-of-month; `None` where an item is none.
    pub(super) fn of_month(field: &str) -> Option<Self> {
        let item = |text: &str| match text {
            "L" => Some(Item::LastDay),
            "LW" | "WL" => Some(Item::LastWorkday),
            _ => match text.strip_suffix('W') {
                Some(day) => within(day, 1, 31).map(Item::Workday),
                None => span(text, |word| within(word, 1, 31), 31).map(|(a, b, n)| Item::Days(a, b, n)),
            },
        };
        field.to_uppercase().split(',').map(item).collect::<Option<_>>().map(Self)
    }

    /// Reads day-of-week; `None` where an item is none. `L` alone is Saturday, the last day of the week.
    pub(super) fn of_week(field: &str) -> Option<Self> {
        let item = |text: &str| {
            if text == "L" {
                Some(Item::Weekdays(7, 7, 1))
            } else if let Some((day, nth)) = text.split_once('#') {
                Some(Item::Nth(weekday(day)?, within(nth, 1, 5)?))
            } else if let Some(day) = text.strip_suffix('L') {
                weekday(day).map(Item::LastWeekday)
            } else {
                span(text, weekday, 7).map(|(a, b, n)| Item::Weekdays(a, b, n))
            }
        };
        field.to_uppercase().split(',').map(item).collect::<Option<_>>().map(Self)
    }

    pub(super) fn takes(&self, date: NaiveDate) -> bool {
        self.0.iter().any(|item| item.takes(date))
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.0
    }
}

impl Item {
    fn takes(self, date: NaiveDate) -> bool {
        let day = date.day();
        let last = u32::from(date.num_days_in_month());
        let weekday = date.weekday().number_from_sunday();
        match self {
            Self::Days(..) => self.is_date(day),
            Self::LastDay => day == last,
            Self::LastWorkday => day == nearest_workday(date, last, last),
            Self::Workday(wanted) => wanted <= last && day == nearest_workday(date, wanted, last),
            Self::Weekdays(..) => self.is_weekday(weekday),
            Self::LastWeekday(wanted) => weekday == wanted && day + 7 > last,
            Self::Nth(wanted, nth) => weekday == wanted && day.div_ceil(7) == nth,
        }
    }
}

impl Item {
    /// Whether it names this day of any month.
    pub(super) fn is_date(self, day: u32) -> bool {
        matches!(self, Self::Days(from, to, step) if (from..=to).contains(&day) && (day - from).is_multiple_of(step))
    }

    /// Whether it names this day of any week; 1 is Sunday.
    pub(super) fn is_weekday(self, weekday: u32) -> bool {
        let Self::Weekdays(from, to, step) = self else { return false };
        let (to, at) =
            if from <= to { (to, weekday) } else { (to + 7, if weekday < from { weekday + 7 } else { weekday }) };
        (from..=to).contains(&at) && (at - from).is_multiple_of(step)
    }
}

/// The day from Monday to Friday nearest to `wanted` in the month of `date`: never in another month.
fn nearest_workday(date: NaiveDate, wanted: u32, last: u32) -> u32 {
    match date.with_day(wanted).map(|day| day.weekday()) {
        Some(Weekday::Sat) if wanted == 1 => 3,
        Some(Weekday::Sat) => wanted - 1,
        Some(Weekday::Sun) if wanted == last => wanted - 2,
        Some(Weekday::Sun) => wanted + 1,
        _ => wanted,
    }
}

/// `a`, `a-b`, `*` or `?`, each with `/step` or without; `a/step` goes to the end of the field.
fn span(text: &str, value: impl Fn(&str) -> Option<u32>, end: u32) -> Option<(u32, u32, u32)> {
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(within(step, 1, end)?)),
        None => (text, None),
    };
    if range == "*" {
        return Some((1, end, step.unwrap_or(1)));
    }
    match range.split_once('-') {
        Some((from, to)) => Some((value(from)?, value(to)?, step.unwrap_or(1))),
        None => value(range).map(|from| (from, if step.is_some() { end } else { from }, step.unwrap_or(1))),
    }
}

fn within(word: &str, from: u32, to: u32) -> Option<u32> {
    word.parse().ok().filter(|number| (from..=to).contains(number))
}

fn weekday(word: &str) -> Option<u32> {
    let names = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    let by_name = names.iter().position(|name| *name == word).and_then(|at| u32::try_from(at + 1).ok());
    by_name.or_else(|| within(word, 1, 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(rule: &DayRule, year: i32, month: u32) -> Vec<u32> {
        (1..=31)
            .filter_map(|day| NaiveDate::from_ymd_opt(year, month, day))
            .filter(|d| rule.takes(*d))
            .map(|d| d.day())
            .collect()
    }

    #[test]
    fn days_of_the_month_are_awss() {
        // February 2026 begins on a Sunday and has 28 days; May 2026 ends on a Sunday; August 2026 begins on a Saturday.
        let cases: [(&str, i32, u32, &[u32]); 8] = [
            ("L", 2026, 2, &[28]),
            ("L", 2028, 2, &[29]),
            ("LW", 2026, 5, &[29]),
            ("1W", 2026, 8, &[3]),
            ("15W", 2026, 8, &[14]),
            ("31W", 2026, 5, &[29]),
            ("31W", 2026, 2, &[]),
            ("1,10-12,L", 2026, 2, &[1, 10, 11, 12, 28]),
        ];
        for (field, year, month, expected) in cases {
            let rule = DayRule::of_month(field).expect(field);
            assert_eq!(taken(&rule, year, month), expected, "{field} in {year}-{month}");
        }
    }

    #[test]
    fn days_of_the_week_are_awss() {
        let cases: [(&str, &[u32]); 5] = [
            ("6L", &[27]),
            ("FRIL", &[27]),
            ("3#2", &[10]),
            ("MON#1,6L", &[2, 27]),
            ("FRI-SUN,3#1", &[1, 3, 6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28]),
        ];
        for (field, expected) in cases {
            assert_eq!(taken(&DayRule::of_week(field).expect(field), 2026, 2), expected, "{field}");
        }
    }

    #[test]
    fn what_no_day_field_takes_is_refused() {
        for field in ["0W", "32W", "LL", "", "W", "1-", "L-3"] {
            assert_eq!(DayRule::of_month(field), None, "{field}");
        }
        for field in ["8L", "3#6", "3#", "#2", "FUNL"] {
            assert_eq!(DayRule::of_week(field), None, "{field}");
        }
    }
}
