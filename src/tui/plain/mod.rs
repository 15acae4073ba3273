//! The console line by line, for screen readers and dumb terminals: the same state and the same actions, called by their
//! names; what the screen would show is told in words, and what a form would ask is asked one field after the other.
//!
//! It is pure as [`App`] is: lines and messages go in, requests and lines come out.

mod form;
mod help;
#[cfg(test)]
mod tests;

use super::action::{Action, Takes, read_line};
use super::app::{App, Notice, Popup, View};
use super::requests::{Message, Request};
use super::screens;
use super::widgets::script::aloud;
use crate::model::{JobSummary, Millis, What, nearest_words, text::printable};
use form::Asked;

/// Rows of a list that are told at once.
const ROWS: usize = 20;
/// Rows of a log that are told at once, with its frame.
const LOG_ROWS: u16 = 42;
/// Rows of all else: enough for the longest text.
const TEXT_ROWS: u16 = 2_000;
/// Changes that are told at once; of more, their number is.
const CHANGES: usize = 20;

/// The console as a conversation.
#[derive(Debug)]
pub struct Plain {
    pub app: App,
    /// Lines to write, in order.
    out: Vec<String>,
    /// The first row of the page of a list that was told last.
    first: usize,
    /// Changes are told as they come.
    follows: bool,
    /// Changes of jobs that were heard and not told yet.
    changes: Vec<String>,
    /// The last line of a log that was told.
    last_line: Option<(Millis, String)>,
    /// The notice that was told last.
    told: Option<Notice>,
    /// The context that was told last.
    context: Option<String>,
    /// Which question of a form was asked.
    asked: Option<Asked>,
    /// What is shown is to be told once it was read.
    owes: bool,
}

impl Plain {
    pub fn new(app: App) -> Self {
        let mut plain = Self {
            app,
            out: vec!["batchdeck. Type a command and Enter; `help` lists them.".to_owned()],
            first: 0,
            follows: false,
            changes: Vec::new(),
            last_line: None,
            told: None,
            context: None,
            asked: None,
            owes: true,
        };
        // One list at a time.
        plain.app.overview.zoomed = true;
        plain
    }

    /// Takes a line that was typed.
    pub fn take(&mut self, line: &str, now: Millis) -> Vec<Request> {
        self.app.now = now;
        let line = line.trim();
        let notice = self.app.notice.take();
        let (before, trail) = (self.app.breadcrumbs(), self.app.trail());
        let requests = match self.app.popups.last() {
            Some(Popup::Form(_)) => self.answer(line, now),
            Some(Popup::Palette(_)) => self.choose(line, now),
            Some(Popup::Filter(_) | Popup::Prompt(_)) => self.type_in(line, now),
            _ => self.command(line, now),
        };
        if self.app.breadcrumbs() != before || self.app.trail() != trail {
            (self.first, self.last_line) = (0, None);
        }
        let is_new = self.app.notice.is_some();
        if !is_new {
            self.app.notice = notice;
        }
        self.ask_on();
        requests
    }

    /// Takes what came from outside.
    pub fn hear(&mut self, message: Message, now: Millis) -> Vec<Request> {
        if self.follows
            && let Message::Change(change) = &message
            && let What::Job(job) = &change.what
        {
            self.note_change(job);
        }
        let requests = self.app.receive(message, now);
        self.ask_on();
        requests
    }

    /// Does what time makes due.
    pub fn tick(&mut self, now: Millis) -> Vec<Request> {
        let requests = self.app.tick(now);
        self.ask_on();
        requests
    }

    /// Whether a question waits for its answer.
    pub fn is_asking(&self) -> bool {
        self.app.popups.last().is_some()
    }

    /// Leaves a question without doing anything; `false` where none was asked.
    pub fn leave_question(&mut self, now: Millis) -> bool {
        if !self.is_asking() {
            return false;
        }
        self.leave(now);
        true
    }

    /// What is to be written now. `is_read`: what was asked of the backend has been answered.
    pub fn lines(&mut self, is_read: bool) -> Vec<String> {
        self.tell_notice();
        if self.owes && is_read && !self.is_asking() && !self.app.is_over {
            self.owes = false;
            self.tell();
        }
        if !self.owes && self.follows {
            self.tell_changes();
        }
        std::mem::take(&mut self.out)
    }

    /// What stands before the line that is typed next.
    pub fn prompt(&self) -> String {
        match self.app.popups.last() {
            Some(Popup::Form(form)) => self.question(form),
            Some(Popup::Palette(_)) => "Which one? A number, or letters of it; Enter alone leaves: ".to_owned(),
            Some(Popup::Filter(_)) => "Filter; Enter alone clears it: ".to_owned(),
            Some(Popup::Prompt(prompt)) => format!("{}: ", prompt.purpose.words()),
            _ => "> ".to_owned(),
        }
    }

    /// All that is shown, with every row.
    pub fn shown(&self) -> String {
        screens::tell(&self.app, TEXT_ROWS, 0..usize::MAX).into_lines().join("\n") + "\n"
    }

    /// Something that is said beside what the console says.
    pub fn say(&mut self, text: impl Into<String>) {
        self.out.push(text.into());
    }

    fn command(&mut self, line: &str, now: Millis) -> Vec<Request> {
        let line = line.trim_start_matches(':').trim_start();
        let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
        match (word, rest) {
            ("", _) => return Vec::new(),
            ("help" | "?" | "h", topic) => {
                self.out.extend(help::help(&self.app, topic));
                return Vec::new();
            }
            ("show", "") => {
                self.owes = true;
                return Vec::new();
            }
            ("status", "") => {
                let told = screens::tell_status(&self.app).into_lines();
                self.out.extend(told);
                return Vec::new();
            }
            ("more", "") => return self.turn(true, now),
            ("less", "") => return self.turn(false, now),
            ("follow", "" | "on" | "off") => {
                self.set_follow(if rest.is_empty() { !self.follows } else { rest == "on" });
                return Vec::new();
            }
            _ => {}
        }
        if rest.is_empty()
            && let Ok(number) = word.parse::<usize>()
        {
            return self.point(number).map_or_else(Vec::new, |()| self.run(Action::Open, now));
        }
        let Some((info, rest)) = read_line(line) else {
            let known = super::action::TABLE.iter().map(|info| info.name);
            self.say(format!("`{word}` is no command{}; `help` lists them", nearest_words(word, known)));
            return Vec::new();
        };
        let number =
            rest.parse::<usize>().ok().filter(|_| matches!(info.takes, Takes::JobHere | Takes::Job | Takes::Subject));
        let result = match (info.takes, number) {
            // A row of the list that was told.
            (_, Some(number)) => match self.point(number) {
                Some(()) if info.takes == Takes::Job => self.run(Action::Open, now),
                Some(()) => self.run(info.action, now),
                None => Vec::new(),
            },
            (Takes::Nothing, _) if !rest.is_empty() && types_a_line(info.action) => {
                let mut requests = self.run(info.action, now);
                if self.is_asking() {
                    requests.extend(self.type_in(rest, now));
                }
                requests
            }
            (Takes::Nothing, _) if !rest.is_empty() => self.run_on(info.action, rest, now),
            _ => self.app.take_line(line, now),
        };
        self.owes |= !self.is_asking() && self.app.notice.is_none();
        result
    }

    fn run(&mut self, action: Action, now: Millis) -> Vec<Request> {
        let requests = self.app.take_line(action.info().name, now);
        self.owes |= !self.is_asking() && self.app.notice.is_none();
        requests
    }

    /// `stop ID`, `mark 3 4`: the action on what is named, which is turned to first.
    fn run_on(&mut self, action: Action, named: &str, now: Millis) -> Vec<Request> {
        let several = action == Action::Mark;
        let mut requests = Vec::new();
        for word in if several { named.split_whitespace().collect() } else { vec![named] } {
            match word.parse::<usize>() {
                Ok(number) if self.app.count_here() > 0 => {
                    if self.point(number).is_none() {
                        return requests;
                    }
                }
                _ => match self.app.turn_to_thing(action, word, now) {
                    Ok(more) => requests.extend(more),
                    Err(error) => {
                        self.say(error);
                        return requests;
                    }
                },
            }
            requests.extend(self.run(action, now));
        }
        requests
    }

    /// Puts the cursor on a row by its number as it was told.
    fn point(&mut self, number: usize) -> Option<()> {
        let count = self.app.count_here();
        if number == 0 || number > count {
            self.say(match count {
                0 => "there are no numbered rows here".to_owned(),
                count => format!("there is no row {number}; they are 1 to {count}"),
            });
            return None;
        }
        self.app.point_at_row(number - 1);
        Some(())
    }

    /// The next page or the one before.
    fn turn(&mut self, forward: bool, now: Millis) -> Vec<Request> {
        self.owes = true;
        if self.app.place_below().is_log() {
            return self.app.update(if forward { Action::PageDown } else { Action::PageUp }, now);
        }
        let count = self.app.count_here();
        if forward && self.first + ROWS >= count {
            self.owes = false;
            self.say("there is no more");
            // The list may be a part of what there is.
            return self.app.update(Action::Bottom, now);
        }
        self.first = if forward { self.first + ROWS } else { self.first.saturating_sub(ROWS) };
        Vec::new()
    }

    /// Types a line into what asks for one.
    fn type_in(&mut self, line: &str, now: Millis) -> Vec<Request> {
        let mut requests = self.app.update(Action::EditClear, now);
        requests.extend(self.app.insert(line, now));
        requests.extend(self.app.update(Action::Accept, now));
        let wrong = match self.app.popups.last() {
            Some(Popup::Filter(_)) => self.app.filter_error().map(|error| error.to_string()),
            Some(Popup::Prompt(prompt)) => prompt.error().map(|error| error.to_string()),
            _ => None,
        };
        if let Some(wrong) = wrong {
            self.say(wrong);
            requests.extend(self.app.update(Action::Cancel, now));
        } else {
            self.owes |= self.app.notice.is_none();
        }
        requests
    }

    /// Takes one of what is offered.
    fn choose(&mut self, line: &str, now: Millis) -> Vec<Request> {
        let Some(Popup::Palette(palette)) = self.app.popups.last_mut() else { return Vec::new() };
        if line.is_empty() || line == "." {
            self.leave(now);
            return Vec::new();
        }
        let mut requests = Vec::new();
        match line.parse::<usize>() {
            Ok(number) if (1..=palette.found.len()).contains(&number) => palette.at = number - 1,
            Ok(_) => {
                self.say(format!("there is no choice {line}"));
                return Vec::new();
            }
            Err(_) => {
                requests.extend(self.app.update(Action::EditClear, now));
                requests.extend(self.app.insert(line, now));
                let Some(Popup::Palette(palette)) = self.app.popups.last() else { return requests };
                if palette.found.len() != 1 {
                    let none = palette.found.is_empty();
                    if none {
                        self.say(format!("nothing that is offered has `{}`", printable(line)));
                        requests.extend(self.app.update(Action::EditClear, now));
                    }
                    self.tell_choices();
                    return requests;
                }
            }
        }
        requests.extend(self.app.update(Action::Accept, now));
        self.owes |= !self.is_asking() && self.app.notice.is_none();
        requests
    }

    fn leave(&mut self, now: Millis) {
        while self.is_asking() {
            let before = self.app.popups.len();
            self.app.update(Action::Cancel, now);
            if self.app.popups.len() == before {
                self.app.popups.pop();
            }
        }
        self.asked = None;
        self.say("Left; nothing was done.");
    }

    /// Says what lies on top of the screen, and begins with its questions.
    fn ask_on(&mut self) {
        match self.app.popups.last() {
            Some(Popup::Text { title, lines, .. }) => {
                self.out.push(aloud(title));
                self.out.extend(lines.iter().map(|line| printable(line).into_owned()));
                self.app.popups.pop();
                self.ask_on();
            }
            Some(Popup::Help { .. }) => {
                self.app.popups.pop();
                self.out.extend(help::help(&self.app, ""));
            }
            Some(Popup::Palette(palette)) if palette.takes_lines() => {
                // The rest of the line is missing: it is typed as a line.
                let begun = palette.input.value().to_owned();
                let choices: Vec<String> = palette.items().take(ROWS).map(|item| item.name.clone()).collect();
                self.app.popups.pop();
                self.say(format!("`{}` needs more on its line, as in:", begun.trim()));
                self.out.extend(choices.iter().map(|line| format!("  {}", printable(line))));
            }
            Some(Popup::Palette(_)) if self.asked != Some(Asked::Choice) => {
                self.asked = Some(Asked::Choice);
                self.tell_choices();
            }
            Some(Popup::Palette(_) | Popup::Filter(_) | Popup::Prompt(_)) => {}
            Some(Popup::Form(_)) => self.begin_form(),
            None => self.asked = None,
        }
    }

    fn tell_choices(&mut self) {
        let Some(Popup::Palette(palette)) = self.app.popups.last() else { return };
        let mut lines = vec![format!("{}:", palette.title)];
        lines.extend(palette.items().take(ROWS).enumerate().map(|(at, item)| {
            let doc = if item.doc.is_empty() { String::new() } else { format!(": {}", aloud(&item.doc)) };
            format!("{}. {}{doc}", at + 1, printable(&item.name))
        }));
        let more = palette.found.len().saturating_sub(ROWS);
        lines.extend((more > 0).then(|| format!("and {more} more; letters narrow them down")));
        self.out.extend(lines);
    }

    fn tell_notice(&mut self) {
        if self.app.notice == self.told {
            return;
        }
        self.told.clone_from(&self.app.notice);
        if let Some(notice) = &self.told {
            let sign = if notice.is_bad { "Not so: " } else { "" };
            self.out.push(format!("{sign}{}", aloud(&notice.text)));
        }
    }

    /// What waits for its grace to be over; told when it is confirmed.
    fn tell_waiting(&mut self) {
        if let Some(waiting) = self.app.waiting_line() {
            self.out.push(aloud(&waiting));
        }
    }

    /// Tells what is shown.
    fn tell(&mut self) {
        let access = if self.app.setting.access.may_write() { "" } else { ", read-only" };
        let context = format!("Context {}{access}.", printable(&self.app.setting.context));
        if self.context.as_ref() != Some(&context) {
            self.out.push(context.clone());
            self.context = Some(context);
        }
        let (rows, last) = (self.first..self.first + ROWS, self.first + ROWS);
        let lines = if self.app.place_below().is_log() { LOG_ROWS } else { TEXT_ROWS };
        let script = screens::tell(&self.app, lines, rows);
        let count = script.count;
        let mut told = script.into_lines();
        if let View::Why(_) = self.app.view() {
            number_steps(&mut told);
        }
        self.out.extend(told);
        if count > last || self.first > 0 {
            let to = last.min(count);
            let more = if count > last { "; `more` goes on" } else { "" };
            self.out.push(format!("Rows {} to {to} of {count}{more}.", self.first + 1));
        }
        self.last_line = self.newest_line();
    }

    fn newest_line(&self) -> Option<(Millis, String)> {
        self.app.log.window.lines().next_back().map(|line| (line.at, line.text.clone()))
    }

    fn set_follow(&mut self, follows: bool) {
        self.follows = follows;
        let is_log = self.app.place_below().is_log();
        if follows && is_log && !self.app.log.following {
            self.app.log.toggle_follow();
        }
        self.say(match (follows, is_log) {
            (true, true) => "New lines are told as they come; `follow` again stops that.",
            (true, false) => "Changes of jobs are told as they come; `follow` again stops that.",
            (false, _) => "Nothing is told by itself any more; `show` tells how things are.",
        });
    }

    fn note_change(&mut self, job: &JobSummary) {
        let before = self.app.store.job(&job.job_id).map(|known| known.status);
        if before == Some(job.status) || self.app.store.is_filling() {
            return;
        }
        let was = before.map(|status| format!(", was {status}")).unwrap_or_default();
        let exit = job.container.as_ref().and_then(|container| container.exit_code);
        let exit = exit.filter(|_| job.status.is_final()).map(|code| format!(", exit {code}")).unwrap_or_default();
        let name = super::app::subject::title_of(job);
        self.changes.push(format!("Job {} is {}{was}{exit}.", printable(&name), job.status));
    }

    fn tell_changes(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        if !self.app.place_below().is_log() {
            let more = changes.len().saturating_sub(CHANGES);
            self.out.extend(changes.into_iter().take(CHANGES));
            self.out.extend((more > 0).then(|| format!("And {more} more changes.")));
            return;
        }
        let last = self.last_line.clone();
        let is_last = |line: &super::log_reading::Line| {
            last.as_ref().is_some_and(|(at, text)| line.at == *at && line.text == *text)
        };
        let window = &self.app.log.window;
        let new: Vec<&super::log_reading::Line> = window.lines().rev().take_while(|line| !is_last(line)).collect();
        let clock = self.app.setting.own.clock;
        let lines: Vec<String> =
            new.iter().rev().map(|line| format!("{} {}", clock.time(line.at), line.text)).collect();
        self.out.extend(lines);
        self.last_line = self.newest_line().or(last);
    }
}

/// Whether an action opens a line that is typed.
fn types_a_line(action: Action) -> bool {
    matches!(action, Action::Filter | Action::Search | Action::Keep | Action::SaveLog | Action::Pipe)
}

/// Numbers the steps of a diagnosis: by its number one is taken.
fn number_steps(lines: &mut [String]) {
    let mut number = 0;
    for line in lines {
        if let Some(step) = line.strip_prefix("step: ") {
            number += 1;
            *line = format!("Step {number}: {step}");
        }
    }
}
