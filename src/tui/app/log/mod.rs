//! The log that is looked at: which stream, a window of its lines, and where one looks.

mod histogram;
mod looks;
mod marks;
mod search;
mod window;

pub use histogram::{Histogram, bars};
pub use looks::{Looks, SPANS, Span, Times};
pub use marks::Marked;
pub use search::{Search, Seek, Tally};
pub use window::{LINES_HELD, Window};

use super::list::Step;
use crate::backend::BackendError;
use crate::model::{JobId, LogPattern, Millis, Way};
use crate::tui::log_reading::{LogRead, Part, Reading, Source};
use crate::tui::requests::RequestId;
use std::cell::Cell;

/// So many lines before the window's edge comes into sight, what is beyond is read.
const NEAR: usize = 200;

/// So many lines are looked through for those that a filter lets through, before a key is pressed again.
const MOST_LOOKED: u64 = 2_000_000;

/// How long the cursor must rest on a job before its log is asked for.
pub const REST: Millis = 120;

/// What the log pane is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Subject {
    /// Nothing is selected.
    #[default]
    Nothing,
    /// There is no log, and why.
    Without {
        job: JobId,
        name: String,
        why: String,
    },
    /// What has to be known first is being asked for.
    Asked {
        job: JobId,
        name: String,
    },
    Stream(Stream),
}

/// One stream of lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stream {
    pub job: JobId,
    pub name: String,
    /// What to say of how it was chosen: `attempt 2`, `child 17, the lowest that runs`.
    pub which: String,
    pub group: Option<String>,
    pub stream: String,
    /// Several streams that are read as one in its place.
    pub merged: Vec<Source>,
    /// Nothing was written to these before the one time, and nothing after the other.
    pub between: (Millis, Millis),
    /// Whether the job has ended: nothing more is to come.
    pub ended: bool,
}

impl Stream {
    pub fn sources(&self) -> Vec<Source> {
        if !self.merged.is_empty() {
            return self.merged.clone();
        }
        vec![Source { group: self.group.clone(), stream: self.stream.clone(), ..Source::default() }]
    }
}

/// Which logs are read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    /// Of all attempts of a job.
    Attempts(JobId),
    /// Of the children of an array, or of the nodes of a job.
    Parts(JobId),
    Jobs(Vec<JobId>),
}

/// Which of a job's logs is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// `None`: the last.
    pub attempt: Option<u32>,
    /// `None`: the one that stands for the job.
    pub container: Option<String>,
}

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

    /// What must be read now. It is asked for under the id that [`LogPane::asked`] is told.
    pub fn due(&self) -> Option<Reading> {
        if self.error.is_some() || !matches!(self.shown, Subject::Stream(_)) {
            return None;
        }
        if self.reading.is_none() {
            let edge = match &self.jump {
                Some(Jump::Tail) => Some(Reading::Tail),
                Some(Jump::Head) => Some(Reading::Head),
                Some(Jump::Line(at, _)) => Some(Reading::At(*at)),
                None => self.due_at_edge(),
            };
            if edge.is_some() {
                return edge;
            }
        }
        if self.jump.is_some() || !self.is_read {
            return None;
        }
        if let Some(what) = self.search.as_ref().and_then(Search::due) {
            return Some(what);
        }
        if self.waiting.is_some() {
            return None;
        }
        match (&self.window.counted_to, self.following) {
            (place, true) => Some(Reading::Follow(place.clone())),
            (Some(place), false) => Some(Reading::Count(place.clone())),
            (None, false) => None,
        }
    }

    /// The part beyond an edge of the window that is nearly in sight. A filter looks through a bounded number of lines
    /// for each key.
    fn due_at_edge(&self) -> Option<Reading> {
        let window = &self.window;
        let (first, last) = (window.parts.front()?, window.parts.back()?);
        let (_, fits) = self.seen.get();
        if (self.following && !window.has_room()) || (self.keep.is_some() && self.looked >= MOST_LOOKED) {
            return None;
        }
        let count = window.len();
        let near_top = if self.following { count < fits } else { self.top < fits.max(NEAR) };
        if near_top && !window.has_first {
            return Some(Reading::Before(first.before.clone()));
        }
        let near_end = !self.following && self.top + fits + NEAR >= count;
        (near_end && !window.has_last()).then(|| Reading::After(last.after.clone()))
    }

    /// Whether lines that a filter lets through are still being looked for, or could be.
    pub fn is_looking(&self) -> bool {
        self.keep.is_some() && (self.reading.is_some() || self.looked >= MOST_LOOKED)
    }

    pub fn asked(&mut self, what: &Reading, id: RequestId) {
        match what {
            Reading::Find { .. } | Reading::Tally { .. } => {
                if let Some(search) = &mut self.search {
                    search.asked(what, id);
                }
            }
            Reading::OverTime => self.histogram.asked = Some(id),
            _ if what.waits() => self.waiting = Some(id),
            _ => self.reading = Some(id),
        }
    }

    /// Takes what was read, if it is what was asked for last.
    pub fn take(&mut self, id: RequestId, read: Result<LogRead, BackendError>, now: Millis) {
        if self.histogram.asked.take_if(|asked| *asked == id).is_some() {
            // Without it the lines that are held are told.
            let told = if let Ok(LogRead::OverTime(told)) = read { told } else { None };
            return self.histogram_told(told, now);
        }
        if self.reading == Some(id) {
            self.reading = None;
        } else if self.waiting == Some(id) {
            self.waiting = None;
        } else if !self.search.as_mut().is_some_and(|search| search.expects(id)) {
            return;
        }
        match read {
            Ok(read) => self.put(read),
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    fn put(&mut self, read: LogRead) {
        match read {
            LogRead::NotThere => {
                self.jump = None;
                (self.is_read, self.is_missing) = (true, true);
                self.window.has_first = true;
            }
            LogRead::Tail(part) if self.jump == Some(Jump::Tail) => {
                // A key may have stopped it while the end was being gone to.
                self.following |= !self.is_read;
                self.put_tail(part);
                if !self.following {
                    self.top = self.window.len().saturating_sub(self.seen.get().1);
                }
            }
            LogRead::Head(part) if self.jump == Some(Jump::Head) => {
                let part = self.searched(part);
                self.replace(Window::amid(part, true));
                self.turned(Some(Way::Back));
                self.top = 0;
            }
            LogRead::At(part) => self.put_line(part),
            LogRead::Tail(_) | LogRead::Head(_) | LogRead::OverTime(_) => {}
            LogRead::Before { place, part } => self.put_before(&place, part),
            LogRead::After { place, part } => self.put_after(&place, part),
            LogRead::Followed(parts) => {
                for part in parts {
                    self.put_newer(part);
                }
            }
            LogRead::Skipped { lines, tail, .. } if !self.following => {
                self.open_end();
                self.window.below += lines + tail.looked;
                self.window.counted_to = Some(tail.after);
            }
            LogRead::Skipped { lines, is_exact, tail } => {
                let before = self.skipped.unwrap_or(Skipped { lines: 0, is_exact: true });
                self.put_tail(tail);
                if lines > 0 {
                    let is_exact = is_exact && before.is_exact;
                    self.skipped = Some(Skipped { lines: before.lines + lines, is_exact });
                }
            }
            LogRead::Counted { lines, until } => {
                self.open_end();
                self.window.below += lines;
                self.window.counted_to = Some(until);
                if self.following {
                    self.jump = Some(Jump::Tail);
                }
            }
            LogRead::Found { lines, found, to, is_end } => self.found(lines, found, to, is_end),
            LogRead::Tallied { way, lines, hits, to, is_end } => {
                if let Some(search) = &mut self.search {
                    search.tallied(way, lines, hits, to, is_end);
                }
            }
        }
    }

    /// Looks at another part of the stream.
    fn replace(&mut self, window: Window) {
        self.window = window;
        self.is_missing = false;
        self.jump = None;
        self.is_read = true;
        self.point = None;
        // What was waited for came after the former window.
        self.waiting = None;
        self.reading = None;
    }

    fn searched(&mut self, mut part: Part) -> Part {
        part.search(self.search.as_ref().map(|search| &search.pattern));
        self.looked += part.looked;
        part
    }

    fn turned(&mut self, end: Option<Way>) {
        if let Some(search) = &mut self.search {
            search.turned(&self.window, end);
        }
    }

    /// Lines come that are not read: what counts hits goes on from where the window's end was known.
    fn open_end(&mut self) {
        if let (Some(search), Some(place)) = (&mut self.search, &self.window.counted_to) {
            search.open_end(place);
        }
    }

    fn put_tail(&mut self, part: Part) {
        let part = self.searched(part);
        self.replace(Window::of(part));
        self.turned(Some(Way::Forward));
    }

    /// Goes to the line that was jumped to, or to the nearest of its time.
    fn put_line(&mut self, part: Part) {
        let Some(Jump::Line(_, text)) = &self.jump else { return };
        let same = part.lines.iter().rposition(|line| line.text == *text);
        let line = same.unwrap_or(part.lines.len().saturating_sub(1));
        let part = self.searched(part);
        self.replace(Window::amid(part, false));
        self.turned(None);
        self.point_at(line);
        self.top = line.saturating_sub(self.seen.get().1 / 3);
    }

    fn put_before(&mut self, place: &str, part: Part) {
        if self.window.parts.front().is_none_or(|first| first.before != place) {
            return;
        }
        let part = self.searched(part);
        if part.looked == 0 && part.before == place {
            self.window.has_first = true;
            return;
        }
        let lines = part.lines.len();
        let (first, shown) = self.seen.get();
        self.seen.set((first + lines, shown));
        if !self.following {
            self.top += lines;
        }
        self.point = self.point.map(|point| point + lines);
        if let Some(search) = &mut self.search {
            search.put_before(&part);
        }
        self.window.push_front(part);
        let seen = self.top + shown;
        if !self.following {
            self.window.trim_back(seen);
        }
    }

    fn put_after(&mut self, place: &str, part: Part) {
        if self.window.parts.back().is_none_or(|last| last.after != place) {
            return;
        }
        let part = self.searched(part);
        let is_end = part.looked == 0 && part.after == place;
        if is_end || (part.looked >= self.window.below && self.window.counted_to.is_some()) {
            self.window.below = 0;
            self.window.counted_to = Some(part.after.clone());
            self.waiting = None;
        } else {
            self.window.below = self.window.below.saturating_sub(part.looked);
        }
        self.window.push_back(part);
        self.make_room();
    }

    /// Takes lines that came at the end; they are counted only while one looks elsewhere.
    fn put_newer(&mut self, part: Part) {
        if self.following {
            self.window.counted_to = Some(part.after.clone());
            let part = self.searched(part);
            if let Some(search) = &mut self.search {
                search.put_newer(&part);
            }
            self.window.push_back(part);
            self.make_room();
        } else {
            self.open_end();
            self.window.counted_to = Some(part.after.clone());
            self.window.below += part.looked;
        }
    }

    /// Lets go of the first lines that are too many; the others stay where they are on the screen.
    fn make_room(&mut self) {
        let (first, shown) = self.seen.get();
        let seen = if self.following { self.window.len().saturating_sub(shown) } else { self.top };
        let gone = self.window.trim_front(seen);
        let lines: usize = gone.iter().map(|part| part.lines.len()).sum();
        if let Some(search) = &mut self.search {
            for part in &gone {
                search.gone_before(part);
            }
        }
        self.top = self.top.saturating_sub(lines);
        self.point = self.point.and_then(|point| point.checked_sub(lines));
        self.seen.set((first.saturating_sub(lines), shown));
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
