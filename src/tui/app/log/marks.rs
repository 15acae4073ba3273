//! Lines that a person has marked, to come back to them.

use super::{Jump, LogPane};
use crate::model::Millis;

/// A marked line, known by its time and text wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marked {
    pub at: Millis,
    pub text: String,
}

impl LogPane {
    /// The line that is pointed at, or else the first one on the screen.
    fn line_in_sight(&self) -> Option<(usize, Marked)> {
        let first = self.first_seen();
        let at = self.point.filter(|at| (first..first + self.seen.get().1.max(1)).contains(at)).unwrap_or(first);
        self.window.line(at).map(|line| (at, Marked { at: line.at, text: line.text.clone() }))
    }

    /// The text of the line that is pointed at, or else of the first one on the screen.
    pub fn text_in_sight(&self) -> Option<String> {
        self.line_in_sight().map(|(_, line)| line.text)
    }

    /// The texts of the lines that are marked, by time.
    pub fn marked_lines(&self) -> Vec<&str> {
        self.marks.iter().map(|mark| mark.text.as_str()).collect()
    }

    pub fn is_marked(&self, at: Millis, text: &str) -> bool {
        self.marks.iter().any(|mark| mark.at == at && mark.text == text)
    }

    /// Marks a line, or takes the mark from it.
    pub fn toggle_mark(&mut self) {
        let Some((line, mark)) = self.line_in_sight() else {
            self.word = Some("there is no line to mark".to_owned());
            return;
        };
        self.point_at(line);
        match self.marks.binary_search(&mark) {
            Ok(at) => {
                self.marks.remove(at);
                self.word = Some("the mark is taken off".to_owned());
            }
            Err(at) => {
                self.marks.insert(at, mark);
                self.word = Some(format!("marked; {} marks in this log", self.marks.len()));
            }
        }
    }

    /// Goes to the mark after the line in sight, and from the last one to the first.
    pub fn walk_marks(&mut self) {
        let here = self.line_in_sight().map(|(_, mark)| mark);
        let is_on_mark = here.as_ref().is_some_and(|here| self.marks.contains(here));
        let later = self
            .marks
            .iter()
            .find(|mark| here.as_ref().is_some_and(|here| if is_on_mark { *mark > here } else { mark.at >= here.at }));
        let Some(mark) = later.or(self.marks.first()).cloned() else {
            self.word = Some("no line of this log is marked; m marks one".to_owned());
            return;
        };
        self.stop_seeking();
        let held = self.window.lines().position(|line| line.at == mark.at && line.text == mark.text);
        if let Some(line) = held {
            self.go_to(line);
        } else {
            self.following = false;
            self.jump = Some(Jump::Line(mark.at, mark.text));
        }
    }
}
