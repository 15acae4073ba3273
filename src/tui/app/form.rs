//! Forms: fields to fill in, with buttons. What a form is for, and what it makes of its fields, is in [`super::act`].

use super::Scroll;
use super::list::Step;
use crate::model::{InstanceId, JobId, Schedule, SchedulingPolicy, SubmitJobRequest, Switch, secret};
use crate::triage::replace::Plan as Replacing;
use crate::triage::rerun::Plan;
use crate::tui::action::Action;
use crate::tui::requests::Run;
use std::borrow::Cow;
use tui_input::{Input, InputRequest};

/// What a form does when it is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// With the members of an earlier job that have no field.
    Submit {
        base: Box<SubmitJobRequest>,
    },
    Stop {
        jobs: Vec<JobId>,
    },
    JobPriority {
        id: JobId,
    },
    QueuePriority {
        queue: String,
    },
    /// Holds what waits of them, or releases it.
    HoldJobs {
        jobs: Vec<JobId>,
        held: bool,
    },
    HoldQueue {
        queue: String,
        held: bool,
    },
    /// To the front, or to a queue of [`Key::Queue`].
    MoveJobs {
        jobs: Vec<JobId>,
    },
    SwitchQueue {
        queue: String,
        to: Switch,
    },
    SwitchEnvironment {
        environment: String,
        to: Switch,
    },
    /// Sets `maxvCpus` to what [`Key::Maximum`] says.
    Maximum {
        environment: String,
    },
    /// With a notice or without, as [`Key::When`] says.
    Interrupt {
        instance: InstanceId,
    },
    /// With the schedule that is changed; `None` makes one.
    Schedule {
        editing: Option<Box<Schedule>>,
    },
    PauseSchedule {
        schedule: Box<Schedule>,
        to: Switch,
    },
    DeleteSchedule {
        group: String,
        name: String,
    },
    RunSchedule {
        group: String,
        name: String,
    },
    /// Submits many jobs again, with what the fields change in all of them.
    Rerun {
        plan: Box<Plan>,
        /// What they are, for a person.
        what: String,
    },
    /// Cancels a waiting job and submits it again in another place.
    Replace {
        plan: Box<Replacing>,
    },
    /// Sets what a share weighs in a policy.
    Weight {
        policy: Box<SchedulingPolicy>,
        share: String,
    },
    /// Sets the order of a queue's compute environments.
    Order {
        queue: String,
    },
    /// The first environment, queue and definition.
    Begin,
    /// Runs a command of the person's own with the terminal.
    Command(Box<Run>),
}

/// Fields and two buttons.
#[derive(Debug, Clone)]
pub struct Form {
    pub purpose: Purpose,
    pub title: String,
    pub fields: Vec<Field>,
    /// Fields, then the button that keeps all as it is, then the one that acts; where nothing is destroyed the two
    /// stand the other way around.
    pub focus: usize,
    /// What the button that leaves says.
    pub keep: &'static str,
    /// What the button that acts says.
    pub go: String,
    /// Whether Enter after the last field comes to the button that leaves.
    pub careful: bool,
    /// What has to be typed in [`Key::Count`] before it is sent.
    pub count: Option<u64>,
    /// It was tried to send the form: empty fields that must not be are shown as errors.
    pub tried: bool,
    /// How far the list of what it is about is scrolled.
    pub scroll: Scroll,
    /// How far all of it is scrolled, where the screen has too few lines for it; at its top, what is typed in and pressed
    /// comes first.
    pub page: Scroll,
    /// Jobs that can be opened from it; they come after the buttons.
    pub links: Vec<JobId>,
    /// Its text in the editor, where that could not be read.
    pub draft: Option<String>,
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    pub key: Key,
    pub label: &'static str,
    /// Shown while it is empty.
    pub example: String,
    pub entry: Entry,
}

/// Which field it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Queue,
    /// At the front or behind those who wait.
    Turn,
    Share,
    /// After a notice or at once.
    When,
    Maximum,
    /// What becomes of those that depend on it.
    Dependents,
    Weight,
    Order,
    Definition,
    Name,
    Command,
    Parameters,
    Environment,
    Array,
    DependsOn,
    Priority,
    Attempts,
    Memory,
    Vcpus,
    Timeout,
    Reason,
    /// The ticket that goes with the reason.
    Ticket,
    /// How many jobs are hit.
    Count,
    Expression,
    Zone,
    Role,
    JobName,
}

/// What is in a field.
#[derive(Debug, Clone)]
pub enum Entry {
    Text {
        input: Input,
        selected: Selected,
    },
    /// One of several. Typing goes to the first that fits; what fits none is kept until the field is left.
    Choice {
        options: Vec<String>,
        at: usize,
        typed: String,
    },
}

/// From which byte on a line stands selected, to its end: what is typed takes the place of that.
pub type Selected = Option<usize>;

/// One of the two buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    Keep,
    Go,
}

/// What a key did to a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pressed {
    Nothing,
    Leave,
    Send,
    SaveTemplate,
    /// Opens this job.
    Follow(JobId),
    Choose,
    EditJson,
}

impl Field {
    pub fn text(key: Key, label: &'static str, value: &str, example: impl Into<String>) -> Self {
        Self {
            key,
            label,
            example: example.into(),
            entry: Entry::Text { input: Input::new(value.to_owned()), selected: None },
        }
    }

    /// With its value selected.
    #[must_use]
    pub fn selected(mut self) -> Self {
        if let Entry::Text { selected, .. } = &mut self.entry {
            *selected = Some(0);
        }
        self
    }

    pub fn choice(key: Key, label: &'static str, options: Vec<String>, chosen: &str) -> Self {
        let at = options.iter().position(|option| option == chosen).unwrap_or(0);
        Self { key, label, example: "none yet".into(), entry: Entry::Choice { options, at, typed: String::new() } }
    }

    pub fn value(&self) -> &str {
        match &self.entry {
            Entry::Text { input, .. } => input.value(),
            Entry::Choice { options, at, .. } => options.get(*at).map_or("", String::as_str),
        }
    }

    /// The value as it is shown: what is given to a job under a secret's name stands as dots.
    pub fn shown(&self) -> Cow<'_, str> {
        match self.key {
            Key::Environment | Key::Parameters => secret::dotted(self.value()),
            _ => Cow::Borrowed(self.value()),
        }
    }

    /// What was typed in a choice and begins none of the options.
    pub fn no_match(&self) -> Option<&str> {
        match &self.entry {
            Entry::Choice { options, typed, .. } if !typed.is_empty() && find(options, typed).is_none() => Some(typed),
            _ => None,
        }
    }

    /// Forgets what was typed to find a choice.
    fn leave(&mut self) {
        if let Entry::Choice { typed, .. } = &mut self.entry {
            typed.clear();
        }
    }
}

impl Form {
    /// A form without fields, that destroys nothing and has not been tried; its title and what its button says are to
    /// be given.
    pub fn of(purpose: Purpose) -> Self {
        Self {
            purpose,
            title: String::new(),
            fields: Vec::new(),
            focus: 0,
            keep: "Leave",
            go: String::new(),
            careful: false,
            count: None,
            tried: false,
            scroll: Scroll::default(),
            page: Scroll::default(),
            links: Vec::new(),
            draft: None,
        }
    }

    /// The reason, with the ticket behind it: `wrong bucket [OPS-311]`.
    pub fn reason(&self) -> String {
        match (self.value(Key::Reason), self.value(Key::Ticket)) {
            (reason, "") => reason.to_owned(),
            ("", ticket) => format!("[{ticket}]"),
            (reason, ticket) => format!("{reason} [{ticket}]"),
        }
    }

    /// Whether what it does waits before it is sent: it destroys something, or starts many jobs at once.
    pub fn waits(&self) -> bool {
        self.careful || matches!(self.purpose, Purpose::Rerun { .. })
    }

    /// The value of a field, without blanks around it; empty where the form has no such field.
    pub fn value(&self, key: Key) -> &str {
        self.fields.iter().find(|field| field.key == key).map_or("", Field::value).trim()
    }

    pub fn buttons(&self) -> [Button; 2] {
        if self.careful { [Button::Keep, Button::Go] } else { [Button::Go, Button::Keep] }
    }

    /// The button that has the keys.
    pub fn focused_button(&self) -> Option<Button> {
        self.focus.checked_sub(self.fields.len()).and_then(|at| self.buttons().get(at).copied())
    }

    /// The number of the link that has the keys.
    pub fn focused_link(&self) -> Option<usize> {
        self.focus.checked_sub(self.fields.len() + 2).filter(|at| *at < self.links.len())
    }

    /// Takes other links; the keys stay where they are as far as that can be.
    pub fn take_links(&mut self, links: Vec<JobId>) {
        self.links = links;
        self.focus = self.focus.min(self.stops() - 1);
    }

    fn stops(&self) -> usize {
        self.fields.len() + 2 + self.links.len()
    }

    /// Carries out a key of [`Place::Form`](crate::tui::action::Place::Form).
    pub fn press(&mut self, action: Action) -> Pressed {
        let before = self.focus;
        let pressed = self.take(action);
        if self.focus != before
            && let Some(left) = self.fields.get_mut(before)
        {
            left.leave();
        }
        pressed
    }

    /// Scrolls the list of what it is about down to its end, and then all of it; up in the other order.
    pub fn look(&mut self, step: Step) {
        let (lines, fit) = self.scroll.seen.get();
        let is_up = matches!(step, Step::Lines(..0) | Step::Halves(..0) | Step::First);
        let list_is_next = if is_up { self.page.top == 0 } else { self.scroll.top + fit < lines };
        match step {
            _ if list_is_next => self.scroll.step(step),
            // At its top some lines are not where they stand on a page: by whole pages they would be passed over.
            Step::Halves(halves) => self.page.step(Step::Halves(halves.signum())),
            step => self.page.step(step),
        }
    }

    fn take(&mut self, action: Action) -> Pressed {
        if !matches!(action, Action::ScrollDown | Action::ScrollUp) {
            self.page.top = 0;
        }
        match action {
            Action::Cancel => return Pressed::Leave,
            Action::NextField => self.focus = (self.focus + 1) % self.stops(),
            Action::PreviousField => self.focus = (self.focus + self.stops() - 1) % self.stops(),
            Action::Accept => match self.focused_button() {
                Some(Button::Keep) => return Pressed::Leave,
                Some(Button::Go) => return Pressed::Send,
                None => match self.focused_link() {
                    Some(at) => return Pressed::Follow(self.links[at].clone()),
                    None => self.focus += 1,
                },
            },
            Action::SaveTemplate => return Pressed::SaveTemplate,
            Action::Choose => return Pressed::Choose,
            Action::EditJson => return Pressed::EditJson,
            Action::Send if !self.careful => return Pressed::Send,
            Action::Send => self.focus = self.fields.len(),
            Action::ScrollDown => self.look(Step::Halves(2)),
            Action::ScrollUp => self.look(Step::Halves(-2)),
            Action::EditLeft | Action::EditRight if self.focused_button().is_some() => {
                let first = self.fields.len();
                self.focus = if self.focus == first { first + 1 } else { first };
            }
            edit => self.edit(edit),
        }
        Pressed::Nothing
    }

    fn edit(&mut self, action: Action) {
        let Some(field) = self.fields.get_mut(self.focus) else { return };
        match &mut field.entry {
            Entry::Text { input, selected } => {
                let Some(request) = edit_request(action) else { return };
                edit_selected(input, selected, request);
            }
            Entry::Choice { options, at, typed } => {
                let count = options.len().max(1);
                match action {
                    Action::EditLeft => *at = (*at + count - 1) % count,
                    Action::EditRight => *at = (*at + 1) % count,
                    Action::EditHome => *at = 0,
                    Action::EditEnd => *at = count - 1,
                    Action::EditBackspace => {
                        typed.pop();
                        narrow(options, at, typed);
                        return;
                    }
                    _ => {}
                }
                typed.clear();
            }
        }
    }

    /// Types a text into the field that has the keys.
    pub fn insert(&mut self, text: &str) {
        self.page.top = 0;
        let Some(field) = self.fields.get_mut(self.focus) else { return };
        match &mut field.entry {
            Entry::Text { input, selected } => put_selected(input, selected, text),
            Entry::Choice { options, at, typed } => {
                typed.push_str(text);
                narrow(options, at, typed);
            }
        }
    }
}

/// Types a text into a line, all at once: letter by letter a long one takes the longer the more there is already.
pub fn put(input: &mut Input, text: &str) {
    let at = input.cursor();
    let before = input.value().char_indices().nth(at).map_or(input.value().len(), |(byte, _)| byte);
    let (head, tail) = input.value().split_at(before);
    *input = Input::new([head, text, tail].concat()).with_cursor(at + text.chars().count());
}

/// Types a text in the place of what stands selected.
pub fn put_selected(input: &mut Input, selected: &mut Selected, text: &str) {
    take_away(input, selected);
    put(input, text);
}

/// Edits a line. What removes a letter removes all that stands selected; with any other key that is kept, to be changed.
pub fn edit_selected(input: &mut Input, selected: &mut Selected, request: InputRequest) {
    use InputRequest::{DeleteNextChar, DeletePrevChar, DeletePrevWord};
    if selected.is_some() && matches!(request, DeleteNextChar | DeletePrevChar | DeletePrevWord) {
        take_away(input, selected);
    } else {
        *selected = None;
        input.handle(request);
    }
}

fn take_away(input: &mut Input, selected: &mut Selected) {
    if let Some(from) = selected.take() {
        *input = Input::new(input.value().get(..from).unwrap_or_default().to_owned());
    }
}

/// Goes to the option that was typed, where there is one.
fn narrow(options: &[String], at: &mut usize, typed: &str) {
    *at = find(options, typed).unwrap_or(*at);
}

/// The first option that starts with, or else contains, what was typed.
fn find(options: &[String], typed: &str) -> Option<usize> {
    let typed = typed.to_lowercase();
    let starts = options.iter().position(|option| option.to_lowercase().starts_with(&typed));
    starts.or_else(|| options.iter().position(|option| option.to_lowercase().contains(&typed)))
}

/// What an editing key does in a line of text.
pub fn edit_request(action: Action) -> Option<InputRequest> {
    Some(match action {
        Action::EditLeft => InputRequest::GoToPrevChar,
        Action::EditRight => InputRequest::GoToNextChar,
        Action::EditHome => InputRequest::GoToStart,
        Action::EditEnd => InputRequest::GoToEnd,
        Action::EditBackspace => InputRequest::DeletePrevChar,
        Action::EditDelete => InputRequest::DeleteNextChar,
        Action::EditDeleteWord => InputRequest::DeletePrevWord,
        Action::EditClear => InputRequest::DeleteLine,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(careful: bool) -> Form {
        Form {
            purpose: Purpose::Begin,
            title: String::new(),
            fields: vec![
                Field::text(Key::Reason, "Reason", "", ""),
                Field::choice(Key::Queue, "Queue", vec!["high".into(), "default".into(), "nightly".into()], "default"),
            ],
            focus: 0,
            keep: "Keep",
            go: "Go".into(),
            careful,
            count: None,
            tried: false,
            scroll: Scroll::default(),
            page: Scroll::default(),
            links: Vec::new(),
            draft: None,
        }
    }

    #[test]
    fn enter_walks_through_the_fields_and_lands_on_the_harmless_button() {
        let mut careful = form(true);
        for _ in 0..2 {
            assert_eq!(careful.press(Action::Accept), Pressed::Nothing);
        }
        assert_eq!(careful.focused_button(), Some(Button::Keep));
        assert_eq!(careful.press(Action::Accept), Pressed::Leave);
        careful.press(Action::EditRight);
        assert_eq!(careful.press(Action::Accept), Pressed::Send);

        let mut plain = form(false);
        plain.press(Action::Accept);
        plain.press(Action::Accept);
        assert_eq!(plain.press(Action::Accept), Pressed::Send);
    }

    #[test]
    fn a_careful_form_is_not_sent_from_a_field() {
        let mut careful = form(true);
        assert_eq!(careful.press(Action::Send), Pressed::Nothing);
        assert_eq!(careful.focused_button(), Some(Button::Keep));
        assert_eq!(form(false).press(Action::Send), Pressed::Send);
    }

    #[test]
    fn a_choice_turns_with_the_arrows_and_narrows_with_letters() {
        let mut form = form(false);
        form.press(Action::NextField);
        assert_eq!(form.value(Key::Queue), "default");
        form.press(Action::EditRight);
        assert_eq!(form.value(Key::Queue), "nightly");
        form.press(Action::EditRight);
        assert_eq!(form.value(Key::Queue), "high");
        form.insert("nig");
        assert_eq!(form.value(Key::Queue), "nightly");
        form.insert("xy");
        assert_eq!(form.value(Key::Queue), "nightly", "letters that fit nothing change nothing");
        assert_eq!(form.fields[1].no_match(), Some("nigxy"));
        form.press(Action::EditBackspace);
        assert_eq!(form.fields[1].no_match(), Some("nigx"));
        form.press(Action::PreviousField);
        assert_eq!(form.fields[1].no_match(), None, "leaving the field forgets them");
        form.press(Action::NextField);
        form.insert("h");
        assert_eq!(form.value(Key::Queue), "high");
    }

    #[test]
    fn a_selected_value_is_replaced_by_what_is_typed_and_kept_by_the_arrows() {
        let form =
            || Form { fields: vec![Field::text(Key::Priority, "Priority", "500", "").selected()], ..form(false) };
        let cases: [(&[Action], &str, &str); 5] = [
            (&[], "7", "7"),
            (&[], "70", "70"),
            (&[Action::EditRight], "7", "5007"),
            (&[Action::EditHome], "7", "7500"),
            (&[Action::EditBackspace], "", ""),
        ];
        for (actions, typed, expected) in cases {
            let mut form = form();
            for action in actions {
                form.press(*action);
            }
            form.insert(typed);
            assert_eq!(form.value(Key::Priority), expected, "{actions:?} {typed}");
        }
    }

    #[test]
    fn a_form_starts_in_its_first_field_and_a_bare_question_on_the_button_that_does_no_harm() {
        assert_eq!((form(true).focused_button(), form(false).focused_button()), (None, None));
        let bare = |careful| Form { fields: Vec::new(), ..form(careful) };
        assert_eq!(bare(true).focused_button(), Some(Button::Keep));
        assert_eq!(bare(false).focused_button(), Some(Button::Go));
    }
}
