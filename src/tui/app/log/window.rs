//! A window on a stream: lines that stand together, in the parts in which they were read, so that one can read on at
//! either edge. What is held is bounded in lines and in letters, however long the stream is.

use crate::model::{LogPattern, Millis, Way};
use crate::tui::log_reading::{Line, PART, Part, retain};
use std::collections::VecDeque;

/// Lines that are held; those farthest from where one looks make room.
pub const LINES_HELD: usize = 10_000;
/// Letters that are held, as lines may be long.
const BYTES_HELD: usize = 24 * 1024 * 1024;

/// Lines of a stream that stand together.
#[derive(Debug, Default)]
pub struct Window {
    pub(super) parts: VecDeque<Part>,
    count: usize,
    bytes: usize,
    /// The stream's first line is held.
    pub has_first: bool,
    /// How many lines are known to stand after the window.
    pub below: u64,
    /// The place up to which `below` counts; `None`: nobody knows what stands below.
    pub(super) counted_to: Option<String>,
}

impl Window {
    pub(super) fn of(part: Part) -> Self {
        let counted_to = Some(part.after.clone());
        let (count, bytes) = (part.lines.len(), part.bytes());
        Self { count, bytes, parts: [part].into(), counted_to, ..Self::default() }
    }

    /// A part of which nobody knows what stands below.
    pub(super) fn amid(part: Part, has_first: bool) -> Self {
        Self { has_first, counted_to: None, ..Self::of(part) }
    }

    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> + Clone {
        self.parts.iter().flat_map(|part| &part.lines)
    }

    /// The lines from one on.
    pub fn lines_from(&self, from: usize) -> impl Iterator<Item = &Line> {
        let mut skip = from;
        self.parts.iter().flat_map(move |part| {
            let skipped = skip.min(part.lines.len());
            skip -= skipped;
            &part.lines[skipped..]
        })
    }

    pub fn line(&self, at: usize) -> Option<&Line> {
        self.lines_from(at).next()
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

    /// The hits of what is searched for, in order.
    pub fn hits(&self) -> Vec<usize> {
        let mut hits = Vec::new();
        let mut begin = 0;
        for part in &self.parts {
            hits.extend(part.hits.iter().map(|hit| begin + hit));
            begin += part.lines.len();
        }
        hits
    }

    /// The time of the line at an edge, and how many hits of that time are held.
    pub(super) fn edge(&self, way: Way) -> Option<(Millis, usize)> {
        let at = if way == Way::Forward { self.lines().next_back() } else { self.lines().next() }?.at;
        let hits = self.parts.iter().flat_map(|part| part.hits.iter().map(|hit| &part.lines[*hit]));
        Some((at, hits.filter(|line| line.at == at).count()))
    }

    pub fn count_hits(&self) -> u64 {
        self.parts.iter().map(|part| part.hits.len() as u64).sum()
    }

    /// Looks for something else.
    pub(super) fn search(&mut self, pattern: Option<&LogPattern>) {
        for part in &mut self.parts {
            part.search(pattern);
        }
    }

    /// Keeps only the lines that a pattern takes. The lines that were before `at` and stay are counted.
    pub(super) fn keep(&mut self, pattern: &LogPattern, at: usize) -> usize {
        let (mut seen, mut before) = (0, 0);
        for part in &mut self.parts {
            retain(&mut part.lines, pattern, |stays| {
                before += usize::from(stays && seen < at);
                seen += 1;
            });
            part.hits.clear();
        }
        self.count = self.parts.iter().map(|part| part.lines.len()).sum();
        self.bytes = self.parts.iter().map(Part::bytes).sum();
        before
    }

    pub(super) fn has_room(&self) -> bool {
        self.count + PART <= LINES_HELD && self.bytes < BYTES_HELD
    }

    pub(super) fn push_front(&mut self, part: Part) {
        self.count += part.lines.len();
        self.bytes += part.bytes();
        match self.parts.front_mut() {
            Some(first) if first.lines.is_empty() || part.lines.is_empty() => {
                first.before = part.before;
                if first.lines.is_empty() {
                    (first.lines, first.hits) = (part.lines, part.hits);
                }
            }
            _ => self.parts.push_front(part),
        }
    }

    pub(super) fn push_back(&mut self, part: Part) {
        self.count += part.lines.len();
        self.bytes += part.bytes();
        match self.parts.back_mut() {
            Some(last) if last.lines.is_empty() || part.lines.is_empty() => {
                last.after = part.after;
                if last.lines.is_empty() {
                    (last.lines, last.hits) = (part.lines, part.hits);
                }
            }
            _ => self.parts.push_back(part),
        }
    }

    fn is_too_much(&self) -> bool {
        self.count > LINES_HELD || self.bytes > BYTES_HELD
    }

    /// Lets go of what is too much at the beginning, as far as none of it stands at or after line `seen`.
    pub(super) fn trim_front(&mut self, mut seen: usize) -> Vec<Part> {
        let mut gone = Vec::new();
        while self.is_too_much() && self.parts.front().is_some_and(|part| part.lines.len() <= seen) {
            let Some(part) = self.parts.pop_front() else { break };
            seen -= part.lines.len();
            self.count -= part.lines.len();
            self.bytes -= part.bytes();
            self.has_first = false;
            gone.push(part);
        }
        gone
    }

    /// Lets go of what is too much at the end, as far as none of it stands before line `seen`.
    pub(super) fn trim_back(&mut self, seen: usize) {
        while self.is_too_much() && self.parts.back().is_some_and(|part| self.count - part.lines.len() >= seen) {
            let Some(part) = self.parts.pop_back() else { break };
            self.count -= part.lines.len();
            self.bytes -= part.bytes();
            self.below += part.lines.len() as u64;
        }
    }
}
