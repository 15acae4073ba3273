//! A line that is typed below the screen: what to search a log for, which lines to keep, where to put them, the name of a
//! template.

use super::log::Subject;
use super::{App, Popup};
use crate::model::{LogPattern, LogPatternError};
use crate::tui::action::Action;
use crate::tui::app::form::{Selected, edit_request, edit_selected, put_selected};
use crate::tui::format::{count, file_in};
use crate::tui::hand_on::{HandError, Written};
use crate::tui::log_reading::{ReadLog, Reading};
use crate::tui::requests::{Ask, HandTo};
use std::collections::BTreeMap;
use tui_input::Input;

/// Lines of each kind that can be had again.
const REMEMBERED: usize = 50;

/// What a line is typed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    Search,
    Keep,
    /// A file to save the log to.
    Save,
    /// A command to pipe the log to.
    Pipe,
    /// The name of a template.
    Template,
    /// What to watch for.
    Watch,
    /// The code of an MFA device.
    Code,
}

impl Purpose {
    /// What it asks for, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Search => "Search for",
            Self::Keep => "Keep the lines with; Enter alone keeps all",
            Self::Save => "Save to the file",
            Self::Pipe => "Pipe to the command",
            Self::Template => "Save the form under the name",
            Self::Watch => "Watch for",
            Self::Code => "The code of your MFA device; Enter alone goes on without",
        }
    }

    /// What stands before the line.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Search => "/",
            Self::Keep => "&",
            Self::Save => "save to",
            Self::Pipe => "|",
            Self::Template => "save the form as",
            Self::Watch => "tell when",
            Self::Code => "code of",
        }
    }
}

/// A line that is typed.
#[derive(Debug)]
pub struct Prompt {
    pub purpose: Purpose,
    pub input: Input,
    pub selected: Selected,
    /// How many lines back one is among those of before.
    back: usize,
}

/// What was typed before, the last at the end.
#[derive(Debug, Default)]
pub struct History(BTreeMap<Purpose, Vec<String>>);

impl History {
    fn note(&mut self, purpose: Purpose, line: &str) {
        let lines = self.0.entry(purpose).or_default();
        lines.retain(|known| known != line);
        lines.push(line.to_owned());
        if lines.len() > REMEMBERED {
            lines.remove(0);
        }
    }

    fn back(&self, purpose: Purpose, by: usize) -> Option<&String> {
        let lines = self.0.get(&purpose)?;
        lines.len().checked_sub(by).and_then(|at| lines.get(at))
    }
}

impl Prompt {
    pub fn insert(&mut self, text: &str) {
        put_selected(&mut self.input, &mut self.selected, text);
    }

    /// Why what is typed cannot be taken as it is.
    pub fn error(&self) -> Option<LogPatternError> {
        match self.purpose {
            Purpose::Search | Purpose::Keep => LogPattern::parse(self.input.value()).err(),
            Purpose::Save | Purpose::Pipe | Purpose::Template | Purpose::Watch | Purpose::Code => None,
        }
    }
}

impl App {
    pub(super) fn prompt(&mut self, purpose: Purpose) {
        let typed = match purpose {
            Purpose::Keep => self.log.keep.as_ref().map(|keep| keep.typed().to_owned()).unwrap_or_default(),
            Purpose::Save => self.log_file_name(),
            Purpose::Watch => self.first_condition(),
            Purpose::Search | Purpose::Pipe | Purpose::Template | Purpose::Code => String::new(),
        };
        // A name that was proposed gives way to one that is typed.
        let selected = (purpose == Purpose::Save && !typed.is_empty()).then_some(0);
        self.popups.push(Popup::Prompt(Prompt { purpose, input: Input::new(typed), selected, back: 0 }));
    }

    pub(super) fn press_prompt(&mut self, action: Action) {
        let Some(Popup::Prompt(prompt)) = self.popups.last_mut() else { return };
        let is_code = prompt.purpose == Purpose::Code;
        match action {
            Action::Cancel => {
                self.popups.pop();
                if is_code {
                    self.decline_code();
                }
            }
            Action::Accept => self.take_prompt(),
            Action::Complete if prompt.purpose == Purpose::Watch => self.complete_condition(),
            // A code is good once.
            Action::PreviousMatch | Action::NextMatch if is_code => {}
            Action::PreviousMatch | Action::NextMatch => {
                let back =
                    if action == Action::PreviousMatch { prompt.back + 1 } else { prompt.back.saturating_sub(1) };
                prompt.selected = None;
                match self.history.back(prompt.purpose, back) {
                    Some(line) => (prompt.input, prompt.back) = (Input::new(line.clone()), back),
                    None if back == 0 => (prompt.input, prompt.back) = (Input::default(), 0),
                    None => {}
                }
            }
            // With nothing left to remove, one leaves, as in less.
            Action::EditBackspace if prompt.input.value().is_empty() => self.press_prompt(Action::Cancel),
            edit => {
                if let Some(request) = edit_request(edit) {
                    edit_selected(&mut prompt.input, &mut prompt.selected, request);
                }
            }
        }
    }

    fn take_prompt(&mut self) {
        if self.prompt_error().is_some() {
            return;
        }
        let Some(Popup::Prompt(prompt)) = self.popups.last() else { return };
        let (purpose, line) = (prompt.purpose, prompt.input.value().to_owned());
        self.popups.pop();
        if purpose == Purpose::Code {
            return self.send_code(&line);
        }
        if !line.is_empty() {
            self.history.note(purpose, &line);
        }
        if purpose == Purpose::Watch {
            return self.take_condition(&line);
        }
        if purpose == Purpose::Template {
            return self.save_template(&line);
        }
        let pattern = LogPattern::parse(&line).ok().flatten();
        if matches!(purpose, Purpose::Save | Purpose::Pipe) {
            if line.trim().is_empty() {
                return;
            }
            let to = if purpose == Purpose::Save { HandTo::File(line) } else { HandTo::Command(line) };
            return self.hand_log(to);
        }
        match (purpose, pattern) {
            (Purpose::Search, Some(pattern)) => self.log.search(pattern),
            // As in less: the same once more.
            (Purpose::Search, None) => self.log.walk_hits(crate::model::Way::Forward),
            (Purpose::Keep, pattern) => self.log.filter(pattern),
            (Purpose::Save | Purpose::Pipe | Purpose::Template | Purpose::Watch | Purpose::Code, _) => {}
        }
    }

    /// A name for a file of the log that is shown.
    fn log_file_name(&self) -> String {
        let Subject::Stream(stream) = &self.log.shown else { return String::new() };
        let plain =
            |letter: char| if letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '-' };
        let name: String = stream.name.chars().map(plain).collect();
        let id = stream.job.short().replace([':', '#'], "-");
        format!("{name}-{id}.log")
    }

    /// Writes the log that is shown to a file, or hands it to a program.
    pub(super) fn hand_log(&mut self, to: HandTo) {
        let Subject::Stream(stream) = &self.log.shown else { return self.say("there is no log to hand on") };
        let (keep, since) = (self.log.keep.clone(), self.log.since.map(|(at, _)| at));
        let (sources, between) = (stream.sources(), stream.between);
        let read = ReadLog { sources, between, keep, since, what: Reading::Head };
        self.say("the log is being read …");
        self.ask(Ask::HandOn { read, to });
    }

    /// The log was written out: what is to be done with it is done.
    pub(super) fn take_handed(&mut self, to: HandTo, written: Result<Written, HandError>) {
        match (to, written) {
            (_, Err(error)) => self.complain(error.to_string()),
            (HandTo::File(_), Ok(written)) => {
                let (lines, more) = (count(written.lines), if written.is_whole { "" } else { "; there is more" });
                self.say(format!("✔ saved {lines} lines to {}{more}", file_in(&written.file)));
            }
            (to, Ok(written)) => {
                self.notice = None;
                self.ask(Ask::RunProgram { to, file: written.file });
            }
        }
    }
}
