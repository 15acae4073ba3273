//! The log that is followed: which stream, its lines, and where one looks.

use crate::model::text::printable;
use crate::model::{JobId, LogEvent, Millis};
use crate::tui::requests::RequestId;
use std::cell::Cell;
use std::collections::VecDeque;

/// Lines that are held; the oldest make room.
pub const LINES_HELD: usize = 10_000;

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

/// A line, harmless to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: Millis,
    pub text: String,
}

/// The state of the log.
#[derive(Debug)]
pub struct LogPane {
    /// What the selection asks for, and since when.
    pub wanted: Subject,
    pub wanted_since: Millis,
    /// What is shown.
    pub shown: Subject,
    /// The request whose lines are taken.
    pub request: Option<RequestId>,
    pub lines: VecDeque<Line>,
    /// How many lines made room.
    pub dropped: usize,
    pub error: Option<String>,
    pub following: bool,
    pub wrap: bool,
    pub filter: String,
    /// Which attempt a person chose; `None`: the last.
    pub attempt: Option<(JobId, u32)>,
    /// The first line shown, while it is not followed.
    pub top: usize,
    /// What was shown last: the first line and how many lines.
    pub seen: Cell<(usize, usize)>,
}

impl Default for LogPane {
    fn default() -> Self {
        Self {
            wanted: Subject::Nothing,
            wanted_since: 0,
            shown: Subject::Nothing,
            request: None,
            lines: VecDeque::new(),
            dropped: 0,
            error: None,
            following: true,
            wrap: false,
            filter: String::new(),
            attempt: None,
            top: 0,
            seen: Cell::new((0, 0)),
        }
    }
}

impl LogPane {
    /// Shows another subject from its beginning.
    pub fn turn_to(&mut self, subject: Subject) {
        self.shown = subject;
        self.request = None;
        self.lines.clear();
        self.dropped = 0;
        self.error = None;
        self.following = true;
        self.top = 0;
    }

    pub fn take(&mut self, events: Vec<LogEvent>) {
        for event in events {
            let text = printable(event.message.trim_end_matches(['\n', '\r'])).into_owned();
            self.lines.push_back(Line { at: event.timestamp, text });
        }
        let over = self.lines.len().saturating_sub(LINES_HELD);
        self.lines.drain(..over);
        self.dropped += over;
        self.top = self.top.saturating_sub(over);
    }

    /// The lines that the filter lets through.
    pub fn visible(&self) -> Vec<&Line> {
        if self.filter.trim().is_empty() {
            return self.lines.iter().collect();
        }
        let filter = self.filter.trim().to_lowercase();
        match filter.strip_prefix('!') {
            Some(without) => self.lines.iter().filter(|line| !line.text.to_lowercase().contains(without)).collect(),
            None => self.lines.iter().filter(|line| line.text.to_lowercase().contains(&filter)).collect(),
        }
    }

    /// Moves by lines (or to an end); what is at the end is followed again only when asked.
    pub fn step(&mut self, step: super::list::Step) {
        let (first, shown) = self.seen.get();
        let from = if self.following { first } else { self.top };
        let count = self.visible().len();
        let last_top = count.saturating_sub(shown);
        let to = step.from(from, last_top + 1, shown);
        self.following = matches!(step, super::list::Step::Last);
        self.top = to.min(last_top);
    }

    pub fn toggle_follow(&mut self) {
        if self.following {
            self.top = self.seen.get().0;
        }
        self.following = !self.following;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::list::Step;

    fn lines(count: usize) -> Vec<LogEvent> {
        (0..count).map(|at| LogEvent { message: format!("line {at}\n"), ..Default::default() }).collect()
    }

    #[test]
    fn old_lines_make_room_and_control_sequences_are_gone() {
        let mut log = LogPane::default();
        log.take(lines(LINES_HELD));
        log.take(vec![LogEvent { message: "\u{1b}[31mred\u{1b}[0m\r\n".into(), ..Default::default() }]);
        assert_eq!(log.lines.len(), LINES_HELD);
        assert_eq!(log.dropped, 1);
        assert_eq!(log.lines[0].text, "line 1");
        assert_eq!(log.lines[LINES_HELD - 1].text, "red");
    }

    #[test]
    fn looking_back_stops_following_and_the_end_follows_again() {
        let mut log = LogPane::default();
        log.take(lines(100));
        log.seen.set((90, 10));
        log.step(Step::Lines(-5));
        assert_eq!((log.following, log.top), (false, 85));
        log.step(Step::Last);
        assert!(log.following);
    }

    #[test]
    fn a_filter_keeps_or_leaves_out_lines() {
        let mut log = LogPane::default();
        log.take(lines(20));
        log.filter = "LINE 1".into();
        assert_eq!(log.visible().len(), 11);
        log.filter = "!line 1".into();
        assert_eq!(log.visible().len(), 9);
    }
}
