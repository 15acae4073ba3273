//! Turning to another context, and whether one may act in this one.

use super::command::{Command, Item};
use super::topic::Topic;
use super::{App, Setting};
use crate::config::Access;
use crate::model::Millis;
use crate::tui::action::Action;
use crate::tui::requests::{Ask, RequestId};
use std::mem;

/// A context that was left.
#[derive(Debug)]
pub(super) struct Left {
    /// The last request that was made there.
    last: RequestId,
    context: String,
}

impl App {
    /// Each context that can be turned to, its name after `before`.
    pub(super) fn context_items(&self, before: &str) -> Vec<Item> {
        let offered = self.setting.contexts.iter().filter(|offered| offered.name != self.setting.context);
        let item = |name: &str, doc: &str| Item::new(format!("{before}{name}"), doc, Command::Context(name.to_owned()));
        offered.map(|offered| item(&offered.name, &offered.doc)).collect()
    }

    pub(super) fn choose_context(&mut self) {
        let items = self.context_items("");
        if items.is_empty() {
            return self
                .say("there is no other context: [contexts.NAME] in the config makes one, and so does an AWS profile");
        }
        self.offer("Context", items);
    }

    pub(super) fn turn_to(&mut self, name: String) {
        self.say(format!("opening the context `{name}` …"));
        self.ask(Ask::Context(name));
    }

    /// Whether what has opened is what was asked for last.
    pub fn awaits_context(&self, id: RequestId) -> bool {
        self.latest.get(&Topic::Context) == Some(&id)
    }

    /// Turns to a context that stands open: nothing of the one before stays, but what is the person's own: keys, theme, what
    /// they have typed, bookmarks and saved views.
    pub fn enter(&mut self, setting: Setting, note: Option<&str>, now: Millis) {
        let fresh = Self::new(setting, self.keymap.clone(), self.theme.clone(), self.size, now);
        let dropped = self.drop_waiting();
        let before = mem::replace(self, fresh);
        self.history = before.history;
        self.last_id = before.last_id;
        self.kept = before.kept;
        self.left = before.left;
        self.left.push(Left { last: before.last_id, context: before.setting.context });
        let note = note.map(|note| format!("; {note}")).unwrap_or_default();
        let access = match self.setting.access {
            Access::Write => "",
            Access::Guarded => ", read-only until `:write`",
            Access::Configured | Access::Asked | Access::Recorded => ", read-only",
        };
        let text = format!("in the context `{}`{access}{note}", self.setting.context);
        match dropped {
            Some(dropped) => self.complain(format!("{dropped} · {text}")),
            None => self.say(text),
        }
    }

    /// A context could not be opened: one stays where one is.
    pub fn stay(&mut self, why: &str) {
        self.latest.remove(&Topic::Context);
        self.complain(format!("{why} · still in `{}`", self.setting.context));
    }

    /// The context in which a request was made, where that is not this one.
    pub(super) fn left_context(&self, id: RequestId) -> Option<String> {
        self.left.iter().find(|left| id <= left.last).map(|left| left.context.clone())
    }

    /// Why an action that would change anything is refused, if it is.
    pub(super) fn read_only(&self, action: Action) -> Option<String> {
        let why = match self.setting.access {
            Access::Write => return None,
            Access::Guarded => " until `:write`",
            Access::Configured => ": the config says `read-only = true`",
            Access::Asked => ": the console was opened with --read-only",
            Access::Recorded => ": it is a recording, and nothing stands behind it",
        };
        Some(format!("`{}` is refused: the context `{}` is read-only{why}", action.info().name, self.setting.context))
    }

    pub(super) fn lift_read_only(&mut self) {
        let context = &self.setting.context;
        match self.setting.access {
            Access::Write => self.say(format!("the context `{context}` is not read-only: actions take effect")),
            Access::Guarded => {
                let text =
                    format!("actions take effect in `{context}` until it is left; `:read-only` refuses them again");
                self.setting.access = Access::Write;
                self.say(text);
            }
            Access::Configured => self.complain(format!(
                "the config says `read-only = true` of the context `{context}`: it is not lifted from here"
            )),
            Access::Recorded => self.complain("this is a recording: open the context itself to act"),
            Access::Asked => self.complain("the console was opened with --read-only: open it without to act"),
        }
    }

    /// Back to where acting has to be allowed first.
    pub(super) fn set_read_only(&mut self) {
        if self.setting.access == Access::Write {
            self.setting.access = Access::Guarded;
        }
        self.say(format!("the context `{}` is read-only", self.setting.context));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::BackendError;
    use crate::config::theme::Theme;
    use crate::tui::Offered;
    use crate::tui::app::Popup;
    use crate::tui::requests::{Answer, Message, Outcome};
    use crate::tui::screens::recorded_world;
    use crate::tui::stage::Stage;

    fn stage() -> Stage {
        let mut stage = Stage::new(recorded_world(), (100, 30), Theme::default());
        let offer = |name: &str| Offered { name: name.to_owned(), doc: "AWS".to_owned() };
        stage.app.setting.contexts = ["local", "ops", "prod"].map(offer).to_vec();
        stage
    }

    fn said(stage: &Stage) -> &str {
        stage.app.notice.as_ref().map_or("", |notice| notice.text.as_str())
    }

    /// The request for the context that is asked for last.
    fn awaited(stage: &Stage) -> RequestId {
        let ids = 1..10_000;
        ids.into_iter().find(|id| stage.app.awaits_context(*id)).expect("a context is asked for")
    }

    #[test]
    fn write_lifts_what_a_person_may_lift_and_nothing_else() {
        let cases = [
            (Access::Write, Access::Write, "is not read-only"),
            (Access::Guarded, Access::Write, "actions take effect in `local`"),
            (Access::Configured, Access::Configured, "the config says `read-only = true`"),
            (Access::Asked, Access::Asked, "opened with --read-only"),
        ];
        for (access, after, words) in cases {
            let mut stage = stage();
            stage.app.setting.access = access;
            stage.press(": \"write\" Enter").expect("keys");
            assert_eq!(stage.app.setting.access, after);
            assert!(said(&stage).contains(words), "{access:?}: {}", said(&stage));
        }
    }

    #[test]
    fn a_guarded_context_says_so_hints_at_no_action_and_says_what_lifts_it() {
        let mut stage = stage();
        assert!(stage.text().contains("x terminate"), "{}", stage.text());
        stage.press(": \"read-only\" Enter").expect("keys");
        let text = stage.text();
        assert!(text.contains("local [read-only]") && !text.contains("x terminate"), "{text}");
        stage.press("x").expect("keys");
        assert_eq!(said(&stage), "`stop` is refused: the context `local` is read-only until `:write`");
        stage.press(": \"write\" Enter x").expect("keys");
        assert!(stage.text().contains("Terminate"), "{}", stage.text());
    }

    #[test]
    fn the_context_is_chosen_by_its_name_or_from_a_list_without_the_present_one() {
        let mut stage = stage();
        stage.press(": \"context prod\" Enter").expect("keys");
        let first = awaited(&stage);
        assert!(said(&stage).contains("opening the context `prod`"));
        stage.press("v c").expect("keys");
        let Some(Popup::Palette(list)) = stage.app.popups.last() else { panic!("no list: {}", stage.text()) };
        let names: Vec<_> = list.items().map(|item| item.name.as_str()).collect();
        assert_eq!(names, ["ops", "prod"]);
        stage.press("\"ops\" Enter").expect("keys");
        assert!(!stage.app.awaits_context(first), "the one that was asked for last is gone to");
    }

    #[test]
    fn nothing_of_the_context_before_stays_and_what_was_done_there_is_still_told() {
        let mut stage = stage();
        stage.press("Enter x").expect("keys");
        let late = stage.app.ask(Ask::Queues);
        stage.app.kept.history.push("jobs failed".to_owned());
        let (queues, now) = (stage.backend.world().queues.clone(), stage.app.now);
        let setting = Setting { context: "ops".to_owned(), access: Access::Guarded, ..stage.app.setting.clone() };
        stage.app.enter(setting, None, now);
        let text = stage.text();
        assert!(text.contains("batchdeck  ops [read-only] ▸ overview") && !text.contains("resize"), "{text}");
        assert!(text.contains("connecting to engine") || text.contains("in the context `ops`"), "{text}");

        assert_eq!(stage.app.kept.history, ["jobs failed"], "what a person has typed is theirs");
        stage.hear(Message::Answer { id: late, answer: Answer::Queues(Ok(queues)) });
        assert!(stage.app.store.queues.is_empty());
        let failed = BackendError::NotFound { what: "job 7".to_owned() };
        let outcome = Outcome {
            title: "terminate x".to_owned(),
            results: vec![Err(failed)],
            targets: vec!["x".to_owned()],
            submitted: Vec::new(),
            stopped: Vec::new(),
            changed: Vec::new(),
            left: None,
        };
        stage.hear(Message::Answer { id: late, answer: Answer::Done(outcome) });
        assert_eq!(said(&stage), "in `local`: terminate x: job 7 was not found");
    }
}
