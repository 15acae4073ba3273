//! When the lines of a log were written, and the errors among them: of the whole log where the backend can tell, of the
//! lines that are held otherwise.

use super::{LogPane, Subject};
use crate::model::{Level, LineCount, LinesOverTime, Millis};
use crate::tui::log_reading::Reading;
use crate::tui::requests::RequestId;

/// What was told is asked for again after so long, where more lines have come.
const AGE: Millis = 5_000;

/// What is known of the whole log.
#[derive(Debug, Default)]
pub struct Histogram {
    pub is_shown: bool,
    told: Option<Told>,
    pub(super) asked: Option<RequestId>,
}

#[derive(Debug)]
struct Told {
    /// One for each stream; `None`: the backend cannot tell.
    all: Option<Vec<LinesOverTime>>,
    at: Millis,
    /// Where the log ended as far as was known.
    place: Option<String>,
}

impl Histogram {
    /// Something else is looked at, or other lines of it.
    pub(super) fn forget(&mut self) {
        (self.told, self.asked) = (None, None);
    }
}

impl LogPane {
    /// What must be read now for the chart above the lines.
    pub fn histogram_due(&self, now: Millis) -> Option<Reading> {
        self.histogram_is_due_at().is_some_and(|at| at <= now).then_some(Reading::OverTime)
    }

    pub fn histogram_is_due_at(&self) -> Option<Millis> {
        let of_stream = matches!(self.shown, Subject::Stream(_)) && self.is_read && !self.is_missing;
        if !self.histogram.is_shown || !of_stream || self.histogram.asked.is_some() {
            return None;
        }
        match &self.histogram.told {
            None => Some(0),
            Some(told) if told.all.is_none() || told.place == self.window.counted_to => None,
            Some(told) => Some(told.at + AGE),
        }
    }

    pub(super) fn histogram_told(&mut self, all: Option<Vec<LinesOverTime>>, now: Millis) {
        self.histogram.told = Some(Told { all, at: now, place: self.window.counted_to.clone() });
    }

    /// Lines over time in so many spans, and whether they are all that there are.
    pub fn lines_over_time(&self, spans: usize) -> Option<(LinesOverTime, bool)> {
        let whole = self.histogram.told.as_ref().and_then(|told| told.all.as_ref());
        if let Some(told) = whole.and_then(|all| LinesOverTime::joined(all, spans)) {
            return Some((told, true));
        }
        // What belongs to an error is no other error.
        let lines = self.window.lines().map(|line| (line.at, line.level == Some(Level::Error) && !line.continues));
        Some((LinesOverTime::of(lines, spans)?, self.window.has_first && self.window.has_last()))
    }
}

/// Bars of one row, each of nine heights; what is there at all is seen.
pub fn bars(told: &LinesOverTime, count: impl Fn(&LineCount) -> u64) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = told.spans.iter().map(&count).max().unwrap_or(0).max(1);
    let bar = |span| BARS[usize::try_from((u128::from(count(span)) * 8).div_ceil(u128::from(most))).unwrap_or(8)];
    told.spans.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_seen_beside_many() {
        let told = LinesOverTime::of((0..1_000).map(|at| (at.max(500), at == 999)), 10).expect("lines");
        assert_eq!(bars(&told, |span| span.lines), "█▁▁▁▁▁▁▁▁▁");
        assert_eq!(bars(&told, |span| span.errors), "         █");
    }
}
