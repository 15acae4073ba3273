//! What is watched for while nobody looks: made, seen, taken note of. A local engine keeps watches; elsewhere this console
//! does, and looks after them while it runs (`own_watches`).

use super::list::ListState;
use super::prompt::Purpose;
use super::{App, Popup, View};
use crate::backend::BackendError;
use crate::model::text::printable;
use crate::model::watch::{Condition, SaveWatch, Watch, WatchState};
use crate::model::{JobId, Millis, Subject};
use crate::tui::action::{Action, Place};
use crate::tui::app::filter::{Field, Filter, Row, Value};
use crate::tui::requests::Ask;
use std::cmp::Reverse;
use std::collections::HashMap;

/// What is known of watches beside what they are.
#[derive(Debug, Default)]
pub struct Watching {
    /// What the line that is typed is about.
    about: Option<About>,
    /// When the firing of each that was told last came.
    told: HashMap<String, Millis>,
    /// They are being read; and something was told of them since.
    asked: bool,
    stale: bool,
    /// When those of this console were judged last.
    pub(super) judged_at: Millis,
    /// The last lines of the jobs whose silence this console waits for.
    pub(super) lines: HashMap<JobId, LastLine>,
}

/// When a job printed last, as it was read.
#[derive(Debug, Default)]
pub struct LastLine {
    pub asked_at: Millis,
    /// When it was read, and what: `None` where there is no line yet.
    pub read: Option<(Millis, Option<Millis>)>,
}

/// A watch that is made or changed.
#[derive(Debug, Clone)]
struct About {
    id: Option<String>,
    subject: Subject,
    /// What it was, or what one means as a rule.
    usual: Condition,
    silenced: bool,
}

/// What stands around the line in which a condition is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// `render-88: ends · fails · …`
    pub above: String,
    /// What it means, or what is wrong with it.
    pub beside: String,
    pub is_wrong: bool,
}

/// What came of a request about a watch.
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    Saved(Box<Watch>),
    Removed(String),
    /// Of one, or of all.
    Acknowledged(Option<String>),
}

impl App {
    /// Asks what to watch for of what is under the cursor.
    pub(super) fn ask_watch(&mut self) {
        if self.place_below() == Place::Watches {
            return self.ask_watch_changes();
        }
        let Some(subject) = self.subject_here() else { return self.say("nothing is selected to be watched") };
        let usual = Condition::usual(&subject);
        self.watching.about = Some(About { id: None, subject, usual, silenced: false });
        self.prompt(Purpose::Watch);
    }

    /// Asks what to watch for instead.
    fn ask_watch_changes(&mut self) {
        let Some(watch) = self.selected_watch().cloned() else { return self.say("no watch is selected") };
        let Watch { id, subject, condition, silenced, .. } = watch;
        self.watching.about = Some(About { id: Some(id), subject, usual: condition, silenced });
        self.prompt(Purpose::Watch);
    }

    /// What stands in the line at first: the condition that is changed.
    pub(super) fn first_condition(&self) -> String {
        let about = self.watching.about.as_ref().filter(|about| about.id.is_some());
        about.map(|about| about.usual.to_string()).unwrap_or_default()
    }

    /// The condition that is typed; none is the usual one.
    fn typed_condition(&self, typed: &str) -> Result<Condition, String> {
        let Some(about) = &self.watching.about else { return Err("nothing is selected to be watched".to_owned()) };
        if typed.trim().is_empty() {
            return Ok(about.usual.clone());
        }
        let condition: Condition = typed.parse().map_err(|error| format!("{error}"))?;
        match condition.misfit(&about.subject) {
            Some(why) => Err(why),
            None => Ok(condition),
        }
    }

    /// What is wrong with the line that is typed below the screen.
    pub fn prompt_error(&self) -> Option<String> {
        match self.popups.last() {
            Some(Popup::Prompt(prompt)) if prompt.purpose == Purpose::Watch => {
                self.typed_condition(prompt.input.value()).err()
            }
            Some(Popup::Prompt(prompt)) => prompt.error().map(|error| error.to_string()),
            _ => None,
        }
    }

    /// Completes the condition that is typed.
    pub(super) fn complete_condition(&mut self) {
        let Some(about) = &self.watching.about else { return };
        let Some(Popup::Prompt(prompt)) = self.popups.last_mut() else { return };
        if let Some(text) = Condition::completed(prompt.input.value(), &about.subject) {
            prompt.input = tui_input::Input::new(text);
        }
    }

    /// What stands around the line of a condition, while one is typed.
    pub fn condition_typed(&self) -> Option<Typed> {
        let Some(Popup::Prompt(prompt)) = self.popups.last() else { return None };
        let about = self.watching.about.as_ref().filter(|_| prompt.purpose == Purpose::Watch)?;
        let what = self.subject_words(&about.subject);
        let above = format!("{what}: {}", Condition::examples(&about.subject).join(" · "));
        let typed = prompt.input.value();
        let condition = self.typed_condition(typed);
        // What is not finished yet is not wrong.
        let is_begun = typed.parse::<Condition>().is_err_and(|error| error.at > typed.chars().count());
        Some(match condition {
            Ok(condition) if typed.trim().is_empty() => {
                Typed { above, beside: format!("{condition}: {}", condition.words()), is_wrong: false }
            }
            Ok(condition) => Typed { above, beside: condition.words(), is_wrong: false },
            Err(why) => Typed { above, beside: why, is_wrong: !is_begun },
        })
    }

    fn subject_words(&self, subject: &Subject) -> String {
        match subject {
            Subject::Job(id) => self.job_row(id).map_or_else(|| id.short(), |job| job.job_name),
            Subject::Queue(queue) => format!("queue {queue}"),
            Subject::Environment(environment) => format!("environment {environment}"),
        }
    }

    /// Takes the line in which a condition was typed.
    pub(super) fn take_condition(&mut self, typed: &str) {
        let condition = self.typed_condition(typed);
        let Some(About { id, subject, silenced, .. }) = self.watching.about.take() else { return };
        match condition {
            Ok(condition) => self.save_watch(SaveWatch { id, subject, condition, silenced }),
            Err(why) => self.complain(why),
        }
    }

    /// `:watch CONDITION` on what is under the cursor.
    pub(super) fn watch_for(&mut self, text: &str) -> Result<(), String> {
        let condition: Condition = text.parse().map_err(|error| format!("{error}"))?;
        let subject = self.subject_here().ok_or_else(|| "nothing is selected to be watched".to_owned())?;
        if let Some(why) = condition.misfit(&subject) {
            return Err(why);
        }
        self.save_watch(SaveWatch { id: None, subject, condition, silenced: false });
        Ok(())
    }

    fn save_watch(&mut self, save: SaveWatch) {
        if self.setting.recorded_at.is_some() {
            return self.complain("this is a recording: nothing happens here that could be watched for");
        }
        if self.is_local() {
            self.ask(Ask::SaveWatch(Box::new(save)));
        } else {
            self.save_own_watch(&save);
        }
    }

    pub(super) fn open_watches(&mut self) {
        self.read_watches();
        self.show(View::Watches(ListState::default()));
    }

    /// Reads those that the engine keeps, or takes those that this console kept.
    pub(super) fn read_watches(&mut self) {
        if self.is_local() {
            self.watching.asked = true;
            self.ask(Ask::Watches);
        } else if self.setting.recorded_at.is_none() {
            self.take_own_watches();
        }
    }

    pub(super) fn take_watches(&mut self, read: Result<Vec<Watch>, BackendError>) {
        self.watching.asked = false;
        match read {
            Ok(_) if std::mem::take(&mut self.watching.stale) => self.read_watches(),
            Ok(watches) => {
                self.store.watches = watches.into_iter().map(|watch| (watch.id.clone(), watch)).collect();
                self.tell_fired();
            }
            // An engine of before there were watches keeps none.
            Err(BackendError::NotFound { .. } | BackendError::Unsupported { .. }) => {}
            Err(error) => self.complain(format!("the watches: {error}")),
        }
    }

    /// Something was told of a watch.
    pub(super) fn heard_of_watch(&mut self) {
        self.watching.stale = self.watching.asked;
        self.tell_fired();
    }

    pub(super) fn take_watched(&mut self, came: Result<Watched, BackendError>) {
        match came {
            Ok(Watched::Saved(watch)) => self.say_watched(&watch),
            Ok(Watched::Removed(id)) => self.say(format!("✔ the watch {id} is removed")),
            Ok(Watched::Acknowledged(Some(id))) => self.say(format!("✔ the watch {id} is taken note of")),
            Ok(Watched::Acknowledged(None)) => self.say("✔ all watches that have fired are taken note of"),
            Err(error) => self.complain(format!("the watch: {error}")),
        }
    }

    pub(super) fn say_watched(&mut self, watch: &Watch) {
        let who = if self.is_local() { "" } else { ", while this console runs" };
        let silenced = if watch.silenced { "; it is silenced" } else { "" };
        self.say(format!("✔ {}: {}: {}{who}{silenced}", watch.id, watch.of(), watch.condition));
    }

    /// Tells each firing of while this console runs once: with a word on the screen and outside of it.
    pub(super) fn tell_fired(&mut self) {
        let (opened, told) = (self.opened_at, &mut self.watching.told);
        let mut texts = Vec::new();
        for watch in self.store.watches.values().filter(|watch| watch.calls()) {
            let Some(firing) = watch.last_firing().filter(|firing| firing.at >= opened) else { continue };
            if told.insert(watch.id.clone(), firing.at).is_none_or(|before| before < firing.at) {
                texts.push(format!("{}: {}: {}", watch.of(), watch.condition, firing.why));
            }
        }
        let Some(first) = texts.first() else { return };
        let more = if texts.len() > 1 { format!(" · and {} more", texts.len() - 1) } else { String::new() };
        let text = printable(&format!("{first}{more}")).into_owned();
        self.complain(format!("a watch fired: {text}"));
        self.ask(Ask::Tell(text));
    }

    /// Those that call an operator, the newest first.
    pub fn fired_watches(&self) -> Vec<&Watch> {
        let mut fired: Vec<&Watch> = self.store.watches.values().filter(|watch| watch.calls()).collect();
        fired.sort_by_key(|watch| Reverse(watch.last_firing().map(|firing| firing.at)));
        fired
    }

    /// Those that a filter lets through: what has fired first, then as they were made.
    pub fn watches(&self, list: &ListState) -> Vec<&Watch> {
        let filter = Filter::of(&list.filter, Field::WATCHES);
        let number = |watch: &Watch| watch.id.trim_start_matches('w').parse::<u64>().unwrap_or(u64::MAX);
        let passes = |watch: &&Watch| {
            let (of, condition) = (watch.of(), watch.condition.to_string());
            let field = |field| match field {
                Field::Status => Value::Words(vec![watch.state().as_str()]),
                Field::Name => Value::text(of.as_str()),
                Field::Who => Value::text(watch.by.as_str()),
                _ => Value::Nothing,
            };
            let why = watch.last_firing().map_or("", |firing| firing.why.as_str());
            filter.passes(&Row { texts: &[&of, &condition, why, &watch.id, &watch.by], field: &field })
        };
        let mut all: Vec<&Watch> = self.store.watches.values().filter(passes).collect();
        all.sort_by_key(|watch| (watch.state() != WatchState::Fired, number(watch)));
        all
    }

    pub fn selected_watch(&self) -> Option<&Watch> {
        let View::Watches(list) = self.view() else { return None };
        let all = self.watches(list);
        let keys: Vec<&str> = all.iter().map(|watch| watch.id.as_str()).collect();
        all.get(list.cursor.position(&keys)?).copied()
    }

    /// Goes to what is watched, and takes note of what has fired.
    pub(super) fn open_watch(&mut self) {
        let Some(watch) = self.selected_watch() else { return };
        let (subject, id, calls) = (watch.subject.clone(), watch.id.clone(), watch.is_unseen());
        if calls {
            self.acknowledge(Some(id));
        }
        match subject {
            Subject::Job(id) => self.open_job(id),
            Subject::Queue(queue) => self.open_queue(&queue),
            Subject::Environment(environment) => self.open_environment(environment),
        }
    }

    /// What one does with a watch in the list of them.
    pub(super) fn act_on_watch(&mut self, action: Action) {
        if action == Action::AckAll {
            return self.acknowledge(None);
        }
        let Some(watch) = self.selected_watch().cloned() else { return self.say("no watch is selected") };
        match action {
            Action::AckWatch => self.acknowledge(Some(watch.id)),
            Action::SilenceWatch => {
                let Watch { id, subject, condition, silenced, .. } = watch;
                self.save_watch(SaveWatch { id: Some(id), subject, condition, silenced: !silenced });
            }
            Action::RemoveWatch if self.setting.recorded_at.is_some() => {
                self.complain("this is a recording: nothing is changed in it");
            }
            Action::RemoveWatch if self.is_local() => {
                self.ask(Ask::RemoveWatch(watch.id));
            }
            Action::RemoveWatch => self.remove_own_watch(&watch.id),
            _ => {}
        }
    }

    fn acknowledge(&mut self, id: Option<String>) {
        if self.setting.recorded_at.is_some() {
            return self.complain("this is a recording: nothing is changed in it");
        }
        let unseen = |watch: &Watch| watch.is_unseen() && id.as_ref().is_none_or(|id| *id == watch.id);
        if !self.store.watches.values().any(unseen) {
            return self.say("nothing has fired that was not taken note of");
        }
        if self.is_local() {
            self.ask(Ask::AcknowledgeWatch(id));
        } else {
            self.acknowledge_own_watches(id.as_deref());
        }
    }
}
