//! A search in a log: which hits there are, which of them one is at, and how far the looking is beyond what is held.

use super::window::Window;
use super::{Jump, LogPane};
use crate::model::{LogPattern, Millis, Way};
use crate::tui::log_reading::{Part, Reading};
use crate::tui::requests::RequestId;

/// Stretches that are looked through or counted for one key.
const MOST_STRETCHES: u32 = 400;

/// What is searched for.
#[derive(Debug)]
pub struct Search {
    pub pattern: LogPattern,
    /// Hits before the window that was held when the counting began, in it, and after it.
    above: Side,
    held: u64,
    below: Side,
    /// How many hits lie between where that window began and where the present one begins; `None`: nobody knows.
    offset: Option<i64>,
    /// A hit beyond what is held is being looked for.
    pub seek: Option<Seek>,
    /// Where a look that was long enough ended.
    paused: Option<Seek>,
    counting: Option<RequestId>,
}

/// What was counted beyond an edge.
#[derive(Debug, Default)]
struct Side {
    hits: u64,
    lines: u64,
    stretches: u32,
    /// Where the counting goes on; `None`: all is counted.
    next: Option<String>,
    edge: Option<(Millis, usize)>,
}

/// A look for a hit.
#[derive(Debug, Clone)]
pub struct Seek {
    pub way: Way,
    from: Option<String>,
    edge: Option<(Millis, usize)>,
    /// So many lines were looked through.
    pub lines: u64,
    stretches: u32,
    has_wrapped: bool,
    /// The offset of the hit that is found next.
    base: Option<i64>,
    asked: Option<RequestId>,
}

/// Where one is among the hits, as far as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// From 1.
    pub at: Option<u64>,
    pub hits: u64,
    /// There may be more.
    pub is_partial: bool,
    /// Lines that were looked through while it is still being counted.
    pub counting: Option<u64>,
}

impl Search {
    fn new(pattern: LogPattern, window: &Window) -> Self {
        let mut search = Self {
            pattern,
            above: Side::default(),
            held: 0,
            below: Side::default(),
            offset: None,
            seek: None,
            paused: None,
            counting: None,
        };
        search.count_from(window);
        search
    }

    /// Begins to count with this window.
    pub(super) fn count_from(&mut self, window: &Window) {
        let edge =
            |is_end: bool, place: Option<&String>| Side { next: place.filter(|_| !is_end).cloned(), ..Side::default() };
        self.above = edge(window.has_first, window.parts.front().map(|part| &part.before));
        self.below = edge(window.has_last(), window.parts.back().map(|part| &part.after));
        self.held = window.count_hits();
        self.offset = Some(0);
        self.counting = None;
    }

    fn is_counted(&self) -> bool {
        self.above.next.is_none() && self.below.next.is_none()
    }

    fn total(&self) -> u64 {
        self.above.hits + self.held + self.below.hits
    }

    /// The window was turned to an end of the stream.
    pub(super) fn turned(&mut self, window: &Window, end: Option<Way>) {
        self.offset = match end {
            Some(Way::Back) if self.above.next.is_none() => Some(-signed(self.above.hits)),
            Some(Way::Forward) if self.is_counted() => {
                Some(signed(self.held + self.below.hits) - signed(window.count_hits()))
            }
            _ => None,
        };
        if self.offset.is_none() {
            self.count_from(window);
        }
    }

    pub(super) fn put_before(&mut self, part: &Part) {
        self.offset = self.offset.map(|offset| offset - signed(part.hits.len() as u64));
    }

    pub(super) fn gone_before(&mut self, part: &Part) {
        self.offset = self.offset.map(|offset| offset + signed(part.hits.len() as u64));
    }

    /// Lines came at the end.
    pub(super) fn put_newer(&mut self, part: &Part) {
        if self.below.next.is_none() {
            self.below.hits += part.hits.len() as u64;
        }
    }

    /// Lines came at the end that nobody has looked at: they are counted from where the counting was.
    pub(super) fn open_end(&mut self, place: &str) {
        if self.below.next.is_none() {
            self.below.next = Some(place.to_owned());
            self.below.edge = None;
            self.below.stretches = 0;
        }
    }

    /// What must be read for it.
    pub(super) fn due(&self) -> Option<Reading> {
        let pattern = self.pattern.clone();
        if let Some(seek) = &self.seek {
            return seek.asked.is_none().then(|| Reading::Find {
                pattern,
                way: seek.way,
                from: seek.from.clone(),
                edge: seek.edge,
            });
        }
        if self.counting.is_some() {
            return None;
        }
        let sides = [(Way::Back, &self.above), (Way::Forward, &self.below)];
        sides
            .into_iter()
            .find(|(_, side)| side.next.is_some() && side.stretches < MOST_STRETCHES)
            .and_then(|(way, side)| Some(Reading::Tally { pattern, way, from: side.next.clone()?, edge: side.edge }))
    }

    pub(super) fn asked(&mut self, what: &Reading, id: RequestId) {
        match what {
            Reading::Find { .. } => {
                if let Some(seek) = &mut self.seek {
                    seek.asked = Some(id);
                }
            }
            _ => self.counting = Some(id),
        }
    }

    /// Whether this answer is waited for; it is not from now on.
    pub(super) fn expects(&mut self, id: RequestId) -> bool {
        if let Some(seek) = self.seek.as_mut().filter(|seek| seek.asked == Some(id)) {
            seek.asked = None;
            return true;
        }
        self.counting.take_if(|counting| *counting == id).is_some()
    }

    pub(super) fn tallied(&mut self, way: Way, lines: u64, hits: u64, to: String, is_end: bool) {
        let side = if way == Way::Back { &mut self.above } else { &mut self.below };
        side.hits += hits;
        side.lines += lines;
        side.stretches += 1;
        side.next = (!is_end).then_some(to);
    }

    pub(super) fn stop(&mut self) {
        self.seek = None;
        self.paused = None;
    }
}

fn signed(hits: u64) -> i64 {
    i64::try_from(hits).unwrap_or(i64::MAX)
}

impl LogPane {
    /// Searches for something else, from where one looks: back from the end where it is followed.
    pub fn search(&mut self, pattern: LogPattern) {
        self.window.search(Some(&pattern));
        self.search = Some(Search::new(pattern, &self.window));
        if self.following {
            self.point = Some(self.window.len());
            self.walk_hits(Way::Back);
            self.point = self.point.filter(|at| *at < self.window.len());
        } else {
            self.point = None;
            self.walk_hits(Way::Forward);
        }
    }

    /// Goes to the next line that reports an error, or to the one before: it is searched for like anything else.
    pub fn walk_errors(&mut self, way: Way) {
        const ERRORS: &str = "level:error";
        if self.search.as_ref().is_some_and(|search| search.pattern.typed() == ERRORS) {
            return self.walk_hits(way);
        }
        if let Ok(Some(errors)) = LogPattern::parse(ERRORS) {
            self.search(errors);
        }
    }

    /// Nothing is searched for any more. Whether something was.
    pub fn end_search(&mut self) -> bool {
        self.window.search(None);
        self.point = None;
        self.search.take().is_some()
    }

    /// A look beyond what is held ends. Whether there was one.
    pub fn stop_seeking(&mut self) -> bool {
        let was = self.search.as_ref().is_some_and(|search| search.seek.is_some());
        if let Some(search) = &mut self.search {
            search.stop();
        }
        was
    }

    /// Goes to the next hit, or to the one before; beyond what is held it is looked for.
    pub fn walk_hits(&mut self, way: Way) {
        let (first, shown) = (self.first_seen(), self.seen.get().1);
        let Some(search) = &mut self.search else {
            self.word = Some("nothing is searched for; / searches".to_owned());
            return;
        };
        if search.seek.as_ref().is_some_and(|seek| seek.way == way) {
            return;
        }
        search.seek = None;
        self.error = None;
        let in_sight = self.point.filter(|at| (first..=first + shown).contains(at));
        let hits = self.window.hits();
        let next = match (way, in_sight) {
            (Way::Forward, Some(at)) => hits.iter().find(|hit| **hit > at),
            (Way::Forward, None) => hits.iter().find(|hit| **hit >= first),
            (Way::Back, Some(at)) => hits.iter().rfind(|hit| **hit < at),
            (Way::Back, None) => hits.iter().rfind(|hit| **hit < first),
        };
        if let Some(&hit) = next {
            return self.go_to(hit);
        }
        let (is_end, edge) = match way {
            Way::Forward => (self.window.has_last(), self.window.parts.back().map(|part| part.after.clone())),
            Way::Back => (self.window.has_first, self.window.parts.front().map(|part| part.before.clone())),
        };
        let held = signed(self.window.count_hits());
        let base = search.offset.map(|offset| if way == Way::Forward { offset + held } else { offset - 1 });
        let paused = search.paused.take().filter(|seek| seek.way == way);
        let seek = paused.unwrap_or(Seek {
            way,
            from: edge,
            edge: self.window.edge(way),
            lines: 0,
            stretches: 0,
            has_wrapped: false,
            base,
            asked: None,
        });
        search.seek = Some(Seek { stretches: 0, ..seek });
        if is_end {
            self.wrap_search();
        }
    }

    /// Goes on at the other end of the stream.
    fn wrap_search(&mut self) {
        let window = &self.window;
        let Some(search) = &mut self.search else { return };
        let Some(seek) = &mut search.seek else { return };
        let way = seek.way;
        let typed = search.pattern.typed();
        if seek.has_wrapped {
            self.word = Some(format!("no line of the log holds `{typed}`"));
            search.seek = None;
            return;
        }
        let other = if way == Way::Forward { "first" } else { "last" };
        let is_held = match way {
            Way::Forward => window.has_first,
            Way::Back => window.has_last(),
        };
        if is_held {
            search.seek = None;
            let hits = window.hits();
            let hit = if way == Way::Forward { hits.first() } else { hits.last() };
            match hit.copied() {
                Some(hit) => {
                    self.word = Some(format!("`{typed}` goes on from the {other} line"));
                    self.go_to(hit);
                }
                None => self.word = Some(format!("no line of the log holds `{typed}`")),
            }
            return;
        }
        seek.has_wrapped = true;
        (seek.from, seek.edge) = (None, None);
        seek.base = match way {
            Way::Forward => search.above.next.is_none().then(|| -signed(search.above.hits)),
            Way::Back if search.above.next.is_none() && search.below.next.is_none() => {
                Some(signed(search.held + search.below.hits) - 1)
            }
            Way::Back => None,
        };
        self.word = Some(format!("`{typed}` goes on from the {other} line"));
    }

    /// A stretch was looked through.
    pub(super) fn found(&mut self, lines: u64, found: Option<Box<(Part, Part, usize)>>, to: String, is_end: bool) {
        let Some(search) = &mut self.search else { return };
        let Some(seek) = &mut search.seek else { return };
        seek.lines += lines;
        seek.stretches += 1;
        let Some(found) = found else {
            seek.from = Some(to);
            if is_end {
                return self.wrap_search();
            }
            if seek.stretches >= MOST_STRETCHES {
                let lines = crate::tui::format::count(seek.lines);
                self.word = Some(format!("no hit in {lines} lines so far; the same key looks further"));
                search.paused = search.seek.take();
            }
            return;
        };
        let (mut before, mut page, at) = *found;
        let base = seek.base;
        search.seek = None;
        before.search(Some(&search.pattern));
        page.search(Some(&search.pattern));
        let inside = before.hits.len() + page.hits.iter().filter(|hit| **hit < at).count();
        search.offset = base.map(|base| base - signed(inside as u64));
        let point = before.lines.len() + at;
        let mut window = Window::amid(page, before.looked == 0);
        window.push_front(before);
        if search.offset.is_none() {
            search.count_from(&window);
        }
        self.replace(window);
        self.point_at(point);
    }

    /// Goes to a line that is held. It is read anew with what stands around it where another place was still being gone to.
    pub(super) fn go_to(&mut self, line: usize) {
        if let (true, Some(held)) = (self.jump.is_some() && self.is_read, self.window.line(line)) {
            self.jump = Some(Jump::Line(held.at, held.text.clone()));
        }
        self.point_at(line);
    }

    /// Points at a line, and brings it into sight with what stands around it.
    pub(super) fn point_at(&mut self, line: usize) {
        let (first, shown) = (self.first_seen(), self.seen.get().1);
        self.top = first;
        self.following = false;
        if !(first..first + shown).contains(&line) {
            self.top = line.saturating_sub(shown / 3);
        }
        self.point = Some(line);
    }

    /// Where one is among the hits.
    pub fn tally(&self) -> Option<Tally> {
        let search = self.search.as_ref()?;
        let number = self.point.and_then(|point| self.window.hits().iter().position(|hit| *hit == point));
        let at = number.zip(search.offset).filter(|_| search.above.next.is_none()).and_then(|(number, offset)| {
            u64::try_from(signed(search.above.hits) + offset + signed(number as u64) + 1).ok()
        });
        let counting = (search.seek.is_none() && search.due().is_some()) || search.counting.is_some();
        Some(Tally {
            at,
            hits: search.total(),
            is_partial: !search.is_counted(),
            counting: counting.then_some(search.above.lines + search.below.lines),
        })
    }
}
