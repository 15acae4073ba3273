//! Lines that stand together, made harmless, and which of them a filter keeps.

use super::{Label, PART};
use crate::model::text::log_line;
use crate::model::{Ink, Level, LogEvent, LogPage, LogPattern, Millis, Shape, Traces, Way, inked_line};
use std::ops::Range;

/// A page with as much text may have been cut for its size: services answer about 1 MiB at most.
const FULL_BYTES: usize = 900_000;

/// A line, harmless to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    pub at: Millis,
    pub text: String,
    /// How bad it is, or that to which it belongs.
    pub level: Option<Level>,
    /// It belongs to the line before, as the frames of a stack trace do.
    pub continues: bool,
    /// How the job printed it, where it printed colours.
    pub inks: Vec<(Range<usize>, Ink)>,
    /// From which of several streams it is.
    pub label: Option<Label>,
}

/// Lines that stand together, and the tokens of the places before and after them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    pub lines: Vec<Line>,
    pub before: String,
    pub after: String,
    /// Which of the lines are hits of what is searched for.
    pub hits: Vec<usize>,
    /// So many lines were looked at for these.
    pub looked: u64,
}

impl Part {
    pub fn search(&mut self, pattern: Option<&LogPattern>) {
        self.hits = match pattern {
            Some(pattern) => (0..self.lines.len()).filter(|at| pattern.takes(&self.lines[*at].text)).collect(),
            None => Vec::new(),
        };
    }

    pub fn bytes(&self) -> usize {
        self.lines.iter().map(|line| line.text.len()).sum()
    }

    /// Where it is read on.
    pub(super) fn edge(&self, way: Way) -> &str {
        if way == Way::Forward { &self.after } else { &self.before }
    }

    /// Its lines that are hits, among those that a filter keeps.
    pub(super) fn hits_of(&self, pattern: &LogPattern, keep: Option<&LogPattern>) -> Vec<usize> {
        let takes = |text: &str| pattern.takes(text) && keep.is_none_or(|keep| keep.takes(text));
        (0..self.lines.len()).filter(|at| takes(&self.lines[*at].text)).collect()
    }

    pub(super) fn kept(self, keep: Option<&LogPattern>) -> Self {
        self.kept_to(keep, 0).0
    }

    /// With only the lines that are kept, and which of them line `at` is.
    pub(super) fn kept_to(mut self, keep: Option<&LogPattern>, at: usize) -> (Self, usize) {
        let Some(keep) = keep else { return (self, at) };
        let (mut seen, mut before) = (0, 0);
        retain(&mut self.lines, keep, |stays| {
            before += usize::from(stays && seen < at);
            seen += 1;
        });
        (self, before)
    }

    /// Whether there may be more right behind it.
    pub(super) fn is_full(&self) -> bool {
        self.looked >= PART as u64 || self.bytes() >= FULL_BYTES
    }
}

impl From<LogPage> for Part {
    fn from(page: LogPage) -> Self {
        let mut traces = Traces::default();
        let lines: Vec<Line> = page.events.iter().map(|event| Line::of(event, &mut traces)).collect();
        let looked = lines.len() as u64;
        Self { lines, before: page.next_backward_token, after: page.next_forward_token, looked, hits: Vec::new() }
    }
}

/// Keeps the lines that a pattern takes, each with what belongs to it; each line is told whether it stays.
pub fn retain(lines: &mut Vec<Line>, keep: &LogPattern, mut told: impl FnMut(bool)) {
    let mut keeps_head = false;
    lines.retain(|line| {
        let stays = keep.takes(&line.text);
        if !line.continues {
            keeps_head = stays;
        }
        let stays = stays || line.continues && keeps_head;
        told(stays);
        stays
    });
}

impl Line {
    pub(super) fn of(event: &LogEvent, traces: &mut Traces) -> Self {
        let (text, inks) = if event.message.contains('\u{1b}') {
            inked_line(&event.message)
        } else {
            (log_line(&event.message).into_owned(), Vec::new())
        };
        let Shape { level, continues } = traces.next(&text);
        Self { at: event.timestamp, text, level, continues, inks, label: None }
    }
}
