//! The log that is looked at: which stream, a window of its lines, and where one looks.

use super::list::Step;
use crate::backend::BackendError;
use crate::model::{JobId, Millis};
use crate::tui::log_reading::{Line, LogRead, PART, Part, Reading};
use crate::tui::requests::RequestId;
use std::cell::Cell;
use std::collections::VecDeque;

/// Lines that are held; those farthest from where one looks make room.
pub const LINES_HELD: usize = 10_000;

/// So many lines before the window's edge comes into sight, what is beyond is read.
const NEAR: usize = 200;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    pub job: JobId,
    pub name: String,
    /// What to say of how it was chosen: `attempt 2`, `child 17, the lowest that runs`.
    pub which: String,
    pub group: Option<String>,
    pub stream: String,
    /// Whether the job has ended: nothing more is to come.
    pub ended: bool,
}

/// Which of a job's logs is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// `None`: the last.
    pub attempt: Option<u32>,
    /// `None`: the one that stands for the job.
    pub container: Option<String>,
}

/// Lines of a stream that stand together, in the parts in which they were read, so that one can read on at either edge.
#[derive(Debug, Default)]
pub struct Window {
    parts: VecDeque<Part>,
    count: usize,
    /// The stream's first line is held.
    pub has_first: bool,
    /// How many lines are known to stand after the window.
    pub below: u64,
    /// The place up to which `below` counts; `None`: nobody knows what stands below.
    counted_to: Option<String>,
}

impl Window {
    fn of(part: Part) -> Self {
        let counted_to = Some(part.after.clone());
        Self { count: part.lines.len(), parts: [part].into(), counted_to, ..Self::default() }
    }

    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.parts.iter().flat_map(|part| &part.lines)
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether the stream's last line, as far as is known, is held.
    pub fn has_last(&self) -> bool {
        self.below == 0 && self.counted_to.is_some()
    }

    /// Whether lines stand below of which the number is not known.
    pub fn is_below_unknown(&self) -> bool {
        self.counted_to.is_none()
    }

    fn has_room(&self) -> bool {
        self.count + PART <= LINES_HELD
    }

    fn push_front(&mut self, part: Part) {
        self.count += part.lines.len();
        match self.parts.front_mut() {
            Some(first) if first.lines.is_empty() || part.lines.is_empty() => {
                first.before = part.before;
                if first.lines.is_empty() {
                    first.lines = part.lines;
                }
            }
            _ => self.parts.push_front(part),
        }
    }

    fn push_back(&mut self, part: Part) {
        self.count += part.lines.len();
        match self.parts.back_mut() {
            Some(last) if last.lines.is_empty() || part.lines.is_empty() => {
                last.after = part.after;
                if last.lines.is_empty() {
                    last.lines = part.lines;
                }
            }
            _ => self.parts.push_back(part),
        }
    }

    /// Lets go of what is too much at the beginning.
    fn trim_front(&mut self) -> Vec<Part> {
        let mut gone = Vec::new();
        while self.count > LINES_HELD {
            let Some(part) = self.parts.pop_front() else { break };
            self.count -= part.lines.len();
            self.has_first = false;
            gone.push(part);
        }
        gone
    }

    /// Lets go of what is too much at the end.
    fn trim_back(&mut self) {
        while self.count > LINES_HELD {
            let Some(part) = self.parts.pop_back() else { break };
            self.count -= part.lines.len();
            self.below += part.lines.len() as u64;
        }
    }
}

/// An end of the stream that one wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jump {
    Tail,
    Head,
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
    pub skipped: Option<Skipped>,
    pub error: Option<String>,
    pub following: bool,
    pub wrap: bool,
    pub filter: String,
    /// Which of a job's logs a person chose.
    pub choice: Option<(JobId, Choice)>,
    /// The first line shown, among those that the filter lets through, while it is not followed.
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
            skipped: None,
            error: None,
            following: true,
            wrap: false,
            filter: String::new(),
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
        self.shown = subject;
        self.window = Window::default();
        self.is_read = false;
        self.skipped = None;
        self.error = None;
        self.following = true;
        self.top = 0;
        self.reading = None;
        self.waiting = None;
    }

    /// What a person chose of a job's logs.
    pub fn choice_of(&self, job: &JobId) -> Choice {
        self.choice.as_ref().filter(|(of, _)| of == job).map(|(_, choice)| choice.clone()).unwrap_or_default()
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
            let edge = match self.jump {
                Some(Jump::Tail) => Some(Reading::Tail),
                Some(Jump::Head) => Some(Reading::Head),
                None => self.due_at_edge(),
            };
            if edge.is_some() {
                return edge;
            }
        }
        if self.waiting.is_some() || self.jump.is_some() || !self.is_read {
            return None;
        }
        match (&self.window.counted_to, self.following) {
            (place, true) => Some(Reading::Follow(place.clone())),
            (Some(place), false) => Some(Reading::Count(place.clone())),
            (None, false) => None,
        }
    }

    /// The part beyond an edge of the window that is nearly in sight. A filter is no reason to walk through the whole
    /// stream: it looks through what can be held.
    fn due_at_edge(&self) -> Option<Reading> {
        let window = &self.window;
        let (first, last) = (window.parts.front()?, window.parts.back()?);
        let (_, fits) = self.seen.get();
        let narrow = self.following || !self.filter.trim().is_empty();
        if narrow && !window.has_room() {
            return None;
        }
        let count = self.visible_count();
        let near_top = if self.following { count < fits } else { self.top < fits.max(NEAR) };
        if near_top && !window.has_first {
            return Some(Reading::Before(first.before.clone()));
        }
        let near_end = !self.following && self.top + fits + NEAR >= count;
        (near_end && !window.has_last()).then(|| Reading::After(last.after.clone()))
    }

    pub fn asked(&mut self, what: &Reading, id: RequestId) {
        if what.waits() {
            self.waiting = Some(id);
        } else {
            self.reading = Some(id);
        }
    }

    /// Takes what was read, if it is what was asked for last.
    pub fn take(&mut self, id: RequestId, read: Result<LogRead, BackendError>) {
        if self.reading == Some(id) {
            self.reading = None;
        } else if self.waiting == Some(id) {
            self.waiting = None;
        } else {
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
                self.is_read = true;
                self.window.has_first = true;
            }
            LogRead::Tail(part) if self.jump == Some(Jump::Tail) => {
                self.replace(Window::of(part));
                self.following = true;
            }
            LogRead::Head(part) if self.jump == Some(Jump::Head) => {
                self.replace(Window { has_first: true, counted_to: None, ..Window::of(part) });
                self.top = 0;
            }
            LogRead::Tail(_) | LogRead::Head(_) => {}
            LogRead::Before { place, part } => self.put_before(&place, part),
            LogRead::After { place, part } => self.put_after(&place, part),
            LogRead::Followed(parts) => {
                for part in parts {
                    self.put_newer(part);
                }
            }
            LogRead::Skipped { lines, tail, .. } if !self.following => {
                self.window.below += lines + tail.lines.len() as u64;
                self.window.counted_to = Some(tail.after);
            }
            LogRead::Skipped { lines, is_exact, tail } => {
                let before = self.skipped.unwrap_or(Skipped { lines: 0, is_exact: true });
                self.replace(Window::of(tail));
                if lines > 0 {
                    let is_exact = is_exact && before.is_exact;
                    self.skipped = Some(Skipped { lines: before.lines + lines, is_exact });
                }
            }
            LogRead::Counted { lines, until } => {
                self.window.below += lines;
                self.window.counted_to = Some(until);
                if self.following {
                    self.jump = Some(Jump::Tail);
                }
            }
        }
    }

    /// Looks at another part of the stream.
    fn replace(&mut self, window: Window) {
        self.window = window;
        self.jump = None;
        self.is_read = true;
        // What was waited for came after the former window.
        self.waiting = None;
    }

    fn put_before(&mut self, place: &str, part: Part) {
        if self.window.parts.front().is_none_or(|first| first.before != place) {
            return;
        }
        if part.lines.is_empty() && part.before == place {
            self.window.has_first = true;
            return;
        }
        if !self.following {
            self.top += self.visible_in(&part);
        }
        self.window.push_front(part);
        self.window.trim_back();
    }

    fn put_after(&mut self, place: &str, part: Part) {
        if self.window.parts.back().is_none_or(|last| last.after != place) {
            return;
        }
        let lines = part.lines.len() as u64;
        let is_end = lines == 0 && part.after == place;
        if is_end || (lines >= self.window.below && self.window.counted_to.is_some()) {
            self.window.below = 0;
            self.window.counted_to = Some(part.after.clone());
            self.waiting = None;
        } else {
            self.window.below = self.window.below.saturating_sub(lines);
        }
        self.window.push_back(part);
        self.make_room();
    }

    /// Takes lines that came at the end; they are counted only while one looks elsewhere.
    fn put_newer(&mut self, part: Part) {
        self.window.counted_to = Some(part.after.clone());
        if self.following {
            self.window.push_back(part);
            self.make_room();
        } else {
            self.window.below += part.lines.len() as u64;
        }
    }

    /// Lets go of the first lines that are too many; the others stay where they are on the screen.
    fn make_room(&mut self) {
        let gone = self.window.trim_front();
        let lines: usize = gone.iter().map(|part| self.visible_in(part)).sum();
        self.top = self.top.saturating_sub(lines);
        let (first, shown) = self.seen.get();
        self.seen.set((first.saturating_sub(lines), shown));
    }

    fn visible_in(&self, part: &Part) -> usize {
        let passes = self.passes();
        part.lines.iter().filter(|line| passes(line)).count()
    }

    fn visible_count(&self) -> usize {
        if self.filter.trim().is_empty() { self.window.len() } else { self.visible().len() }
    }

    /// The lines that the filter lets through.
    pub fn visible(&self) -> Vec<&Line> {
        let passes = self.passes();
        self.window.lines().filter(|line| passes(line)).collect()
    }

    fn passes(&self) -> impl Fn(&Line) -> bool {
        let filter = self.filter.trim().to_lowercase();
        let (wanted, text) = match filter.strip_prefix('!') {
            Some(without) => (false, without.to_owned()),
            None => (true, filter),
        };
        move |line| (wanted && text.is_empty()) || line.text.to_lowercase().contains(&text) == wanted
    }

    /// Moves by lines (or to an end); what is at the end is followed again only when asked.
    pub fn step(&mut self, step: Step) {
        self.error = None;
        self.skipped = None;
        match step {
            Step::Last => return self.follow(),
            Step::First if !self.window.has_first && self.is_read => self.jump = Some(Jump::Head),
            _ => {}
        }
        let (first, shown) = self.seen.get();
        let from = if self.following { first } else { self.top };
        let last_top = self.visible_count().saturating_sub(shown);
        self.top = step.from(from, last_top + 1, shown).min(last_top);
        self.following = false;
    }

    fn follow(&mut self) {
        self.following = true;
        if !self.window.has_last() && self.is_read {
            self.jump = Some(Jump::Tail);
        }
    }

    pub fn toggle_follow(&mut self) {
        self.error = None;
        self.skipped = None;
        if self.following {
            self.top = self.seen.get().0;
            self.following = false;
        } else {
            self.follow();
        }
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
