//! How many lines were written when, and how many of them report errors.

use crate::model::{Level, Millis};
use crate::tui::log_reading::Line;

/// The lines of a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    pub lines: u64,
    pub errors: u64,
}

/// Lines by time, in buckets of equal length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    pub first: Millis,
    pub last: Millis,
    pub buckets: Vec<Bucket>,
}

impl Histogram {
    /// `None` where there is no line, or no room. Lines are taken in their order; what belongs to an error is a line of
    /// its own and no other error.
    pub fn of<'l>(lines: impl Iterator<Item = &'l Line> + Clone, columns: usize) -> Option<Self> {
        let times = lines.clone().map(|line| line.at).filter(|at| *at > 0);
        let (first, last) = (times.clone().min()?, times.max()?);
        if columns == 0 {
            return None;
        }
        let span = (last - first).max(1);
        let mut buckets = vec![Bucket::default(); columns];
        for line in lines.filter(|line| line.at > 0) {
            let wide = i64::try_from(columns).unwrap_or(i64::MAX);
            let at = usize::try_from((line.at - first).saturating_mul(wide) / (span + 1)).unwrap_or(0);
            let bucket = &mut buckets[at.min(columns - 1)];
            bucket.lines += 1;
            bucket.errors += u64::from(line.level == Some(Level::Error) && !line.continues);
        }
        Some(Self { first, last, buckets })
    }

    /// Bars of one row, each of nine heights; what is there at all is seen.
    pub fn bars(&self, count: impl Fn(&Bucket) -> u64) -> String {
        const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let most = self.buckets.iter().map(&count).max().unwrap_or(0).max(1);
        let bar = |bucket| BARS[usize::try_from((count(bucket) * 8).div_ceil(most)).unwrap_or(8)];
        self.buckets.iter().map(bar).collect()
    }

    pub fn errors(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.errors).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: Millis, level: Option<Level>) -> Line {
        Line { at, level, ..Line::default() }
    }

    #[test]
    fn lines_fall_into_equal_spans_and_errors_among_them() {
        let lines: Vec<Line> = (0..100)
            .map(|at| line(1_000 + at * 10, if at >= 90 { Some(Level::Error) } else { None }))
            .chain([Line { continues: true, ..line(1_990, Some(Level::Error)) }])
            .collect();
        let told = Histogram::of(lines.iter(), 10).expect("lines");
        assert_eq!((told.first, told.last, told.errors()), (1_000, 1_990, 10));
        assert_eq!(told.buckets.iter().map(|bucket| bucket.lines).sum::<u64>(), 101);
        assert!(told.buckets.iter().all(|bucket| (9..=12).contains(&bucket.lines)), "{:?}", told.buckets);
        assert_eq!(told.bars(|bucket| bucket.errors).trim_end(), "         █");
    }

    #[test]
    fn one_line_or_none_breaks_nothing() {
        assert_eq!(Histogram::of([].iter(), 10), None);
        assert_eq!(Histogram::of([line(5, None)].iter(), 0), None);
        let one = Histogram::of([line(5, None)].iter(), 3).expect("a line");
        assert_eq!(one.bars(|bucket| bucket.lines), "█  ");
    }
}
