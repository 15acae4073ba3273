//! A form as questions: one for each field, then what it will do, then whether to do it.

use super::Plain;
use crate::model::{Millis, text::printable};
use crate::tui::action::Action;
use crate::tui::app::Popup;
use crate::tui::app::form::{Button, Entry, Field, Form};
use crate::tui::popups;
use crate::tui::requests::Request;

/// Which question was asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Of a form, by its number.
    Field(usize),
    /// Whether a form is to be sent.
    Confirm,
    /// Which one of what is offered.
    Choice,
}

/// Choices that are named in a question.
const CHOICES: usize = 12;

impl Plain {
    /// Says what a form that was opened is about, and asks for its first field.
    pub(super) fn begin_form(&mut self) {
        if matches!(self.asked, Some(Asked::Field(_) | Asked::Confirm)) {
            return;
        }
        let Some(Popup::Form(form)) = self.app.popups.last() else { return };
        let mut lines = vec![format!("{}.", printable(&form.title))];
        lines.extend(popups::about(&self.app, form));
        if form.fields.is_empty() {
            self.out.extend(lines);
            return self.ask_to_confirm();
        }
        lines.push(
            "Enter alone keeps what is in brackets, a minus alone empties it, < goes back, a full stop alone leaves."
                .to_owned(),
        );
        self.out.extend(lines);
        self.asked = Some(Asked::Field(0));
    }

    pub(super) fn question(&self, form: &Form) -> String {
        match self.asked {
            Some(Asked::Field(at)) => form.fields.get(at).map(ask_for).unwrap_or_default(),
            _ => format!("{}? yes or no: ", printable(&form.go)),
        }
    }

    /// Takes the answer to the question that was asked last.
    pub(super) fn answer(&mut self, line: &str, now: Millis) -> Vec<Request> {
        if line == "." {
            self.leave(now);
            return Vec::new();
        }
        match self.asked {
            Some(Asked::Field(at)) if line == "<" => {
                self.asked = Some(Asked::Field(at.saturating_sub(1)));
                Vec::new()
            }
            Some(Asked::Field(at)) => {
                let (requests, is_taken) = self.fill(at, line, now);
                match self.wrong_in(at).filter(|_| is_taken) {
                    Some(wrong) => self.say(wrong),
                    None if is_taken => self.go_on(at + 1),
                    None => {}
                }
                requests
            }
            Some(Asked::Confirm) if line == "<" => {
                self.go_on(0);
                Vec::new()
            }
            _ => match line.to_lowercase().as_str() {
                "yes" | "y" => self.send(now),
                "no" | "n" | "" => {
                    self.leave(now);
                    Vec::new()
                }
                _ => {
                    self.say("yes does it, no leaves without doing anything");
                    Vec::new()
                }
            },
        }
    }

    /// Puts an answer into a field; whether it takes it.
    fn fill(&mut self, at: usize, line: &str, now: Millis) -> (Vec<Request>, bool) {
        let Some(Popup::Form(form)) = self.app.popups.last_mut() else { return (Vec::new(), true) };
        form.focus = at;
        let Some(field) = form.fields.get_mut(at) else { return (Vec::new(), true) };
        if line.is_empty() {
            return (Vec::new(), true);
        }
        if let Entry::Choice { options, at, .. } = &mut field.entry {
            let exact = options.iter().position(|option| option == line);
            let by_number = line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            if let Some(found) = exact.or(by_number.filter(|number| *number < options.len())) {
                *at = found;
                return (Vec::new(), true);
            }
        }
        let is_text = matches!(field.entry, Entry::Text { .. });
        let mut requests = Vec::new();
        if is_text {
            requests.extend(self.app.update(Action::EditClear, now));
        }
        if !(is_text && line == "-") {
            requests.extend(self.app.insert(line, now));
        }
        let Some(Popup::Form(form)) = self.app.popups.last_mut() else { return (requests, true) };
        let no_match = form.fields.get(at).and_then(Field::no_match).map(str::to_owned);
        // What was typed to find a choice is done with.
        form.press(Action::NextField);
        if let Some(typed) = no_match {
            self.say(format!("none of the choices has `{}`", printable(&typed)));
            return (requests, false);
        }
        (requests, true)
    }

    /// What is wrong with what stands in a field.
    fn wrong_in(&self, at: usize) -> Option<String> {
        let Some(Popup::Form(form)) = self.app.popups.last() else { return None };
        let field = form.fields.get(at)?;
        let problems = self.app.calls(form).err()?;
        let (_, text) = problems.iter().find(|(key, _)| *key == field.key)?;
        Some(format!("{}: {}", field.label, printable(text)))
    }

    /// Asks for the next field, or whether to do it.
    fn go_on(&mut self, next: usize) {
        let Some(Popup::Form(form)) = self.app.popups.last() else { return };
        if next < form.fields.len() {
            self.asked = Some(Asked::Field(next));
        } else {
            self.ask_to_confirm();
        }
    }

    fn ask_to_confirm(&mut self) {
        let Some(Popup::Form(form)) = self.app.popups.last() else { return };
        if let Some((at, problems)) = self.problems(form) {
            self.out.extend(problems);
            self.asked = Some(at.map_or(Asked::Confirm, Asked::Field));
            return;
        }
        let told = popups::consequences(&self.app, form);
        self.out.extend(told);
        self.asked = Some(Asked::Confirm);
    }

    /// What is wrong with a form, and the first field of it.
    fn problems(&self, form: &Form) -> Option<(Option<usize>, Vec<String>)> {
        let problems = self.app.calls(form).err()?;
        let place = |key| form.fields.iter().position(|field| field.key == key);
        let lines = problems.iter().map(|(key, text)| {
            let label = place(*key).and_then(|at| form.fields.get(at)).map_or("", |field| field.label);
            format!("{label}: {}", printable(text))
        });
        Some((problems.iter().find_map(|(key, _)| place(*key)), lines.collect()))
    }

    fn send(&mut self, now: Millis) -> Vec<Request> {
        let Some(Popup::Form(form)) = self.app.popups.last_mut() else { return Vec::new() };
        let go = form.buttons().iter().position(|button| *button == Button::Go).unwrap_or(0);
        form.focus = form.fields.len() + go;
        let depth = self.app.popups.len();
        let requests = self.app.update(Action::Accept, now);
        if self.app.popups.len() == depth
            && let Some(Popup::Form(form)) = self.app.popups.last()
            && let Some((at, problems)) = self.problems(form)
        {
            self.out.extend(problems);
            self.asked = Some(at.map_or(Asked::Confirm, Asked::Field));
            return requests;
        }
        self.asked = None;
        self.tell_waiting();
        requests
    }
}

/// `Reason (why; it is recorded) [wrong bucket]: `
fn ask_for(field: &Field) -> String {
    let value = printable(&field.shown()).into_owned();
    let now = if value.is_empty() { String::new() } else { format!(" [{value}]") };
    let takes = match &field.entry {
        Entry::Choice { options, .. } => {
            let more = options.len().saturating_sub(CHOICES);
            let named: Vec<String> =
                options.iter().take(CHOICES).map(|option| printable(option).into_owned()).collect();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!(" (one of {}{more})", named.join(", "))
        }
        Entry::Text { .. } if field.example.is_empty() => String::new(),
        Entry::Text { .. } => format!(" ({})", printable(&field.example)),
    };
    format!("{}{takes}{now}: ", field.label)
}
