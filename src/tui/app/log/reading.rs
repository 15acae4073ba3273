//! What has to be read of a log, and where in the window what was read belongs. One part is under way at a time, and beside
//! it the wait for what comes.

use super::{Jump, LogPane, MOST_LOOKED, Search, Skipped, Subject, Window};
use crate::backend::BackendError;
use crate::model::{Millis, Way};
use crate::tui::log_reading::{LogRead, Part, Reading};
use crate::tui::requests::RequestId;

/// So many lines before the window's edge comes into sight, what is beyond is read.
const NEAR: usize = 200;

impl LogPane {
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
    pub(super) fn replace(&mut self, window: Window) {
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
}
