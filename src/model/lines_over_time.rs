//! How many lines of a log were written when, and how many of them report errors.

use super::Millis;
use serde::{Deserialize, Serialize};

/// The lines of a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LineCount {
    pub lines: u64,
    pub errors: u64,
}

/// Lines by time, in spans of equal length.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LinesOverTime {
    /// The times of the first and of the last line.
    pub first: Millis,
    pub last: Millis,
    /// Empty where there are no lines.
    pub spans: Vec<LineCount>,
    /// Of some spans only a part was read, and the rest reckoned from it.
    pub is_estimate: bool,
}

impl LinesOverTime {
    /// Of lines in their order: when each was written, and whether it is an error of its own. `None` where there is no
    /// line with a time, or no span.
    pub fn of(lines: impl Iterator<Item = (Millis, bool)> + Clone, spans: usize) -> Option<Self> {
        let lines = lines.filter(|(at, _)| *at > 0);
        let times = lines.clone().map(|(at, _)| at);
        let (first, last) = (times.clone().min()?, times.max()?);
        if spans == 0 {
            return None;
        }
        let mut told = Self { first, last, spans: vec![LineCount::default(); spans], is_estimate: false };
        let (wide, length) = (i64::try_from(spans).unwrap_or(i64::MAX), last - first + 1);
        for (at, is_error) in lines {
            let at = usize::try_from((at - first).saturating_mul(wide) / length).unwrap_or(0);
            let span = &mut told.spans[at.min(spans - 1)];
            span.lines += 1;
            span.errors += u64::from(is_error);
        }
        Some(told)
    }

    pub fn total(&self) -> LineCount {
        self.before(self.spans.len() as u64, 1)
    }

    /// Several logs as one, in so many spans from the first line of all to the last. No line is told twice and none is
    /// dropped; within a span of the former length lines count as if they came evenly. `None` where there are no lines.
    pub fn joined(all: &[Self], spans: usize) -> Option<Self> {
        let with_lines = || all.iter().filter(|told| !told.spans.is_empty());
        let first = with_lines().map(|told| told.first).min()?;
        let last = with_lines().map(|told| told.last).max()?;
        if spans == 0 {
            return None;
        }
        let until = |at: usize| {
            // In parts of a span, so that nothing is rounded twice.
            let (at, of) = (at as i128, spans as i128);
            let time = i128::from(first) * of + i128::from(last + 1 - first) * at;
            with_lines().fold(LineCount::default(), |sum, told| {
                let length = i128::from(told.last + 1 - told.first) * of;
                let into = (time - i128::from(told.first) * of).clamp(0, length) * told.spans.len() as i128;
                let counted =
                    told.before(u64::try_from(into).unwrap_or(u64::MAX), u64::try_from(length).unwrap_or(u64::MAX));
                LineCount { lines: sum.lines + counted.lines, errors: sum.errors + counted.errors }
            })
        };
        let edges: Vec<LineCount> = (0..=spans).map(until).collect();
        let between = |pair: &[LineCount]| LineCount {
            lines: pair[1].lines - pair[0].lines,
            errors: pair[1].errors - pair[0].errors,
        };
        let is_estimate = with_lines().any(|told| told.is_estimate);
        Some(Self { first, last, spans: edges.windows(2).map(between).collect(), is_estimate })
    }

    /// What is in the first `count / of` spans.
    fn before(&self, count: u64, of: u64) -> LineCount {
        let whole = usize::try_from(count / of).unwrap_or(usize::MAX).min(self.spans.len());
        let mut sum = LineCount::default();
        for span in &self.spans[..whole] {
            sum.lines += span.lines;
            sum.errors += span.errors;
        }
        if let Some(span) = self.spans.get(whole) {
            let part = |counted: u64| {
                u64::try_from(u128::from(counted) * u128::from(count % of) / u128::from(of)).unwrap_or(counted)
            };
            sum.lines += part(span.lines);
            sum.errors += part(span.errors);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(first: Millis, last: Millis, lines: &[u64]) -> LinesOverTime {
        let spans = lines.iter().map(|lines| LineCount { lines: *lines, errors: lines / 10 }).collect();
        LinesOverTime { first, last, spans, is_estimate: false }
    }

    fn joined(all: &[LinesOverTime], spans: usize) -> Vec<u64> {
        LinesOverTime::joined(all, spans).expect("lines").spans.iter().map(|span| span.lines).collect()
    }

    #[test]
    fn lines_fall_into_equal_spans_and_errors_among_them() {
        let lines = (0..100).map(|at| (1_000 + at * 10, at >= 90)).chain([(0, true)]);
        let told = LinesOverTime::of(lines, 10).expect("lines");
        assert_eq!((told.first, told.last), (1_000, 1_990));
        assert_eq!(told.total(), LineCount { lines: 100, errors: 10 });
        assert!(told.spans.iter().all(|span| (9..=11).contains(&span.lines)), "{told:?}");
        assert_eq!(told.spans[9].errors, 10);
        assert_eq!(LinesOverTime::of([].into_iter(), 10), None);
        assert_eq!(LinesOverTime::of([(5, false)].into_iter(), 0), None);
    }

    #[test]
    fn fewer_spans_hold_the_same_lines() {
        let fine = told(1_000, 1_999, &[10; 480]);
        for spans in [1, 7, 73, 193, 480, 500] {
            let coarse = LinesOverTime::joined(std::slice::from_ref(&fine), spans).expect("lines");
            assert_eq!(coarse.total(), LineCount { lines: 4_800, errors: 480 }, "{spans}");
            let mean = 4_800 / spans as u64;
            assert!(coarse.spans.iter().all(|span| span.lines.abs_diff(mean) <= 1), "{spans}: {coarse:?}");
        }
    }

    #[test]
    fn several_logs_are_told_on_one_axis() {
        let (early, late) = (told(0, 99, &[4, 4]), told(100, 199, &[6, 6]));
        assert_eq!(joined(&[early.clone(), late.clone()], 4), [4, 4, 6, 6]);
        assert_eq!(joined(&[late, early.clone(), LinesOverTime::default()], 2), [8, 12]);
        assert_eq!(joined(&[early.clone(), early], 2), [8, 8]);
    }

    #[test]
    fn no_line_or_one_breaks_nothing() {
        assert_eq!(LinesOverTime::joined(&[LinesOverTime::default()], 10), None);
        assert_eq!(LinesOverTime::joined(&[told(5, 5, &[1])], 0), None);
        assert_eq!(joined(&[told(5, 5, &[1])], 3), [0, 0, 1]);
    }
}
