//! The log that is looked at: which stream, a window of its lines, and where one looks.

mod histogram;
mod looks;
mod marks;
mod reading;
mod search;
mod subject;
mod window;

pub use histogram::{Histogram, bars};
pub use looks::{Looks, SPANS, Span, Times};
pub use marks::Marked;
pub use search::{Search, Seek, Tally};
pub use subject::{Choice, Merge, Stream, Subject};
pub use window::{LINES_HELD, Window};

use super::list::Step;
use crate::model::{JobId, LogPattern, Millis};
use crate::tui::requests::RequestId;
use std::cell::Cell;

/// So many lines are looked through for those that a filter lets through, before a key is pressed again.
const MOST_LOOKED: u64 = 2_000_000;

/// How long the cursor must rest on a job before its log is asked for.
pub const REST: Millis = 120;

/// A place of the stream that one wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Jump {
    Tail,
    Head,
    /// A line of this time, and with this text where there is one.
    Line(Millis, String),
}

/// Lines that were skipped to stay at the end of a stream that grows faster than it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    pub lines: u64,
    /// There may have been more.
    pub is_exact: bool,
}

/// The state of the log.
#[derive(Debug)]
pub struct LogPane {
    /// What the selection asks for, and since when.
    pub wanted: Subject,
    pub wanted_since: Millis,
    /// What is shown.
    pub shown: Subject,
    pub window: Window,
    /// Something of the stream has been read, if only that it is not there yet.
    pub is_read: bool,
    /// The service knows no such stream, at least not yet.
    pub is_missing: bool,
    pub skipped: Option<Skipped>,
    pub error: Option<String>,
    pub following: bool,
    pub looks: Looks,
    /// Only lines from this time on, and how far back that was when it was chosen.
    pub since: Option<(Millis, &'static str)>,
    /// Only lines that it takes are held.
    pub keep: Option<LogPattern>,
    /// So many lines were looked through for these since a key was pressed.
    pub looked: u64,
    pub search: Option<Search>,
    /// Sorted.
    pub marks: Vec<Marked>,
    /// When lines were written, above them.
    pub histogram: Histogram,
    /// The line that was gone to: a hit, a mark. It is pointed at.
    pub point: Option<usize>,
    /// Something to be said once.
    pub word: Option<String>,
    /// Logs that are read as one, on the whole screen.
    pub merge: Option<Merge>,
    /// Which of a job's logs a person chose.
    pub choice: Option<(JobId, Choice)>,
    /// The first line shown while it is not followed.
    pub top: usize,
    /// What was shown last: the first line and how many lines.
    pub seen: Cell<(usize, usize)>,
    jump: Option<Jump>,
    /// The readings that are under way: of a part, and of what comes.
    reading: Option<RequestId>,
    waiting: Option<RequestId>,
}

impl Default for LogPane {
    fn default() -> Self {
        Self {
            wanted: Subject::Nothing,
            wanted_since: 0,
            shown: Subject::Nothing,
            window: Window::default(),
            is_read: false,
            is_missing: false,
            skipped: None,
            error: None,
            following: true,
            looks: Looks::default(),
            since: None,
            keep: None,
            looked: 0,
            search: None,
            marks: Vec::new(),
            histogram: Histogram::default(),
            point: None,
            word: None,
            merge: None,
            choice: None,
            top: 0,
            seen: Cell::new((0, 0)),
            jump: None,
            reading: None,
            waiting: None,
        }
    }
}

impl LogPane {
    /// Shows another subject from its end.
    pub fn turn_to(&mut self, subject: Subject) {
        self.jump = matches!(subject, Subject::Stream(_)).then_some(Jump::Tail);
        self.marks.clear();
        self.shown = subject;
        self.window = Window::default();
        (self.is_read, self.is_missing) = (false, false);
        self.skipped = None;
        self.error = None;
        self.following = true;
        self.top = 0;
        self.point = None;
        self.looked = 0;
        self.reading = None;
        self.waiting = None;
        self.histogram.forget();
        if let Some(search) = &mut self.search {
            search.stop();
            search.count_from(&self.window);
        }
    }

    /// Shows the same logs and some more, or some less, as one: what is held stays until its end is read anew.
    pub fn turn_merged(&mut self, subject: Subject) {
        self.shown = subject;
        self.error = None;
        (self.reading, self.waiting) = (None, None);
        self.histogram.forget();
        if self.following {
            self.jump = Some(Jump::Tail);
        }
    }

    /// What a person chose of a job's logs.
    pub fn choice_of(&self, job: &JobId) -> Choice {
        self.choice.as_ref().filter(|(of, _)| of == job).map(|(_, choice)| choice.clone()).unwrap_or_default()
    }

    /// The first line on the screen.
    fn first_seen(&self) -> usize {
        let last_top = self.window.len().saturating_sub(self.seen.get().1);
        if self.following { last_top } else { self.top.min(last_top) }
    }

    /// The request under which lines are being waited for.
    pub fn waiting(&self) -> Option<RequestId> {
        self.waiting
    }

    /// Whether lines that a filter lets through are still being looked for, or could be.
    pub fn is_looking(&self) -> bool {
        self.keep.is_some() && (self.reading.is_some() || self.looked >= MOST_LOOKED)
    }

    /// Keeps only the lines that a pattern takes, or all of them again.
    pub fn filter(&mut self, keep: Option<LogPattern>) {
        if keep == self.keep {
            return;
        }
        let at = self.point.unwrap_or_else(|| self.first_seen());
        let anchor = self.window.line(at).or_else(|| self.window.lines().next_back());
        let anchor = anchor.map(|line| (line.at, line.text.clone()));
        let is_wider = self.keep.is_some();
        self.keep = keep;
        self.looked = 0;
        self.reading = None;
        self.waiting = None;
        self.histogram.forget();
        self.end_search();
        match (&self.keep, anchor) {
            // What was left out must be read again.
            (_, Some((at, text))) if is_wider && !self.following => self.jump = Some(Jump::Line(at, text)),
            (_, _) if is_wider => self.jump = Some(Jump::Tail),
            (Some(keep), _) => {
                self.top = self.window.keep(keep, at);
                self.seen.set((self.top, self.seen.get().1));
            }
            (None, _) => {}
        }
        if self.jump.is_some() && !self.is_read {
            self.jump = Some(Jump::Tail);
        }
    }

    /// Moves by lines (or to an end); what is at the end is followed again only when asked.
    pub fn step(&mut self, step: Step) {
        self.error = None;
        self.skipped = None;
        self.looked = 0;
        self.stop_seeking();
        match step {
            Step::Last => return self.follow(),
            // What is held is no measure while something else is being turned to.
            Step::First if (self.jump.is_some() || !self.window.has_first) && self.is_read => {
                self.jump = Some(Jump::Head);
            }
            _ => {}
        }
        let (from, shown) = (self.first_seen(), self.seen.get().1);
        let last_top = self.window.len().saturating_sub(shown);
        self.top = step.from(from, last_top + 1, shown).min(last_top);
        self.following = false;
    }

    fn follow(&mut self) {
        self.following = true;
        if (self.jump.is_some() || !self.window.has_last()) && self.is_read {
            self.jump = Some(Jump::Tail);
        }
    }

    pub fn toggle_follow(&mut self) {
        self.error = None;
        self.skipped = None;
        if self.following {
            self.top = self.first_seen();
            self.following = false;
        } else {
            self.follow();
        }
    }
}

#[cfg(test)]
mod tests;
