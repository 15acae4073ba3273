//! What becomes of an action that was confirmed: it waits for its grace to be over, it is carried out call by call, and
//! what was refused of it can be tried again.

use super::{App, Popup, Scroll};
use crate::model::{JobId, Millis};
use crate::tui::action::{Action, Place};
use crate::tui::format::age;
use crate::tui::requests::{Act, Ask, Outcome, Progress, RequestId, Step};
use std::collections::BTreeMap;

/// What was confirmed and is not over.
#[derive(Debug, Default)]
pub(super) struct Acting {
    /// In the order in which they were confirmed.
    waiting: Vec<Waiting>,
    going: BTreeMap<RequestId, Going>,
    /// The calls of the last action that were refused or not tried.
    refused: Option<Act>,
    /// The jobs that the last action has stopped.
    stopped: Vec<JobId>,
    /// It was said that leaving now leaves something undone.
    warned: bool,
}

/// An action that is sent when its grace is over.
#[derive(Debug)]
struct Waiting {
    act: Act,
    sent_at: Millis,
}

/// An action that is being carried out.
#[derive(Debug)]
struct Going {
    title: String,
    since: Millis,
    calls: usize,
    /// Left in the midst of it, something stays half done.
    may_stay_halfway: bool,
    progress: Progress,
}

impl App {
    /// Takes an action that was confirmed. One that ends or starts much waits for its grace.
    pub(super) fn put_forward(&mut self, act: Act, waits: bool) {
        self.acting.warned = false;
        let grace = self.setting.grace();
        if !waits || grace == 0 {
            return self.send(act);
        }
        self.notice = None;
        self.acting.waiting.push(Waiting { act, sent_at: self.now + grace });
    }

    fn send(&mut self, act: Act) {
        self.say(format!("{} …", act.title));
        let replaces = act.steps.iter().any(|step| matches!(step, Step::Replace(_)));
        let going = Going {
            title: act.title.clone(),
            since: self.now,
            calls: act.steps.len(),
            may_stay_halfway: act.steps.len() > 1 || replaces,
            progress: Progress::default(),
        };
        let id = self.ask(Ask::Act(act));
        self.acting.going.insert(id, going);
    }

    /// When the next one is to be sent.
    pub(super) fn acting_is_due_at(&self) -> Option<Millis> {
        self.acting.waiting.iter().map(|waiting| waiting.sent_at).min()
    }

    pub fn counts_down(&self) -> bool {
        !self.acting.waiting.is_empty()
    }

    /// Sends what has waited long enough.
    pub(super) fn send_what_is_due(&mut self) {
        let now = self.now;
        let due: Vec<Act> =
            self.acting.waiting.extract_if(.., |waiting| waiting.sent_at <= now).map(|waiting| waiting.act).collect();
        for act in due {
            if self.setting.access.may_write() {
                self.send(act);
            } else {
                self.complain(format!("not done: {}, as the context became read-only", act.title));
            }
        }
    }

    /// Takes back what waits; or else offers to submit again what was stopped last.
    pub(super) fn take_back(&mut self) {
        if let Some(Waiting { act, .. }) = self.acting.waiting.pop() {
            let left = match self.acting.waiting.len() {
                0 => String::new(),
                more => format!(" · {more} more to be sent"),
            };
            return self.say(format!("taken back, nothing was sent: {}{left}", act.title));
        }
        let stopped = self.acting.stopped.clone();
        if stopped.is_empty() {
            return self.say("nothing waits to be sent, and nothing was stopped here");
        }
        if let Some(refusal) = self.refusal(Action::Resubmit) {
            return self.complain(refusal);
        }
        self.rerun_of(stopped);
    }

    /// Tries again what was refused last.
    pub(super) fn try_again(&mut self) {
        match self.acting.refused.take() {
            Some(act) => self.send(act),
            None => self.say("nothing that was refused is left to be tried again"),
        }
    }

    /// Whether there is anything that [`App::try_again`] would send.
    pub(super) fn has_refused(&self) -> bool {
        self.acting.refused.is_some()
    }

    pub(super) fn go_back_or_quit(&mut self) {
        if !self.go_back() {
            self.quit();
        }
    }

    /// Leaves the console; what would stay undone is said first.
    pub(super) fn quit(&mut self) {
        let waiting = self.acting.waiting.first().map(|waiting| {
            let key = self.key_of(Action::TakeBack);
            let (title, left) = (&waiting.act.title, age((waiting.sent_at - self.now).max(1_000)));
            format!("not sent yet: {title} (in {left}) · quit again to leave it undone, {key} takes it back")
        });
        let going = self.acting.going.values().find(|going| going.may_stay_halfway).map(|going| {
            let words = going.words(self.now);
            format!("{} still goes on ({words}) · quit again to leave the rest undone", going.title)
        });
        match waiting.or(going).filter(|_| !self.acting.warned) {
            Some(warning) => {
                self.acting.warned = true;
                self.complain(warning);
            }
            None => self.is_over = true,
        }
    }

    /// Forgets what waits, as the context is left in which it was meant; what it is, is told.
    pub(super) fn drop_waiting(&mut self) -> Option<String> {
        let titles: Vec<String> = self.acting.waiting.drain(..).map(|waiting| waiting.act.title).collect();
        (!titles.is_empty()).then(|| format!("not done: {}", titles.join("; ")))
    }

    fn key_of(&self, action: Action) -> String {
        let keys = self.keymap.keys_at(self.place_below(), action);
        keys.into_iter().next().unwrap_or_else(|| format!(":{}", action.info().name))
    }

    /// What waits to be sent, and how it is taken back.
    pub fn waiting_line(&self) -> Option<String> {
        let waiting = self.acting.waiting.iter().min_by_key(|waiting| waiting.sent_at)?;
        // Whole seconds, so that the last one is not 0.
        let seconds = (waiting.sent_at - self.now + 999).div_euclid(1000).max(1);
        let more = match self.acting.waiting.len() {
            1 => String::new(),
            all => format!(" · {} more", all - 1),
        };
        let key = self.key_of(Action::TakeBack);
        Some(format!("in {seconds} s: {}{more} · {key} takes it back", waiting.act.title))
    }

    /// How far an action is that has not come to its end.
    pub fn going_line(&self) -> Option<String> {
        let all = self.acting.going.values();
        let going = all.max_by_key(|going| (going.calls > 1, going.may_stay_halfway))?;
        Some(format!("{} · {}", going.title, going.words(self.now)))
    }

    /// Whether an action goes on whose time is told.
    pub(super) fn is_acting(&self) -> bool {
        !self.acting.going.is_empty()
    }

    pub(super) fn take_progress(&mut self, id: RequestId, progress: Progress) {
        if let Some(going) = self.acting.going.get_mut(&id) {
            going.progress = progress;
            let is_its_own = self.notice.as_ref().is_some_and(|notice| notice.text == format!("{} …", going.title));
            // How far it is says more.
            if is_its_own && going.calls > 1 {
                self.notice = None;
            }
        }
    }

    pub(super) fn take_outcome(&mut self, id: RequestId, outcome: &Outcome) {
        self.acting.going.remove(&id);
        if !outcome.stopped.is_empty() {
            self.acting.stopped = outcome.stopped.iter().map(|stopped| stopped.id.clone()).collect();
        }
        self.acting.refused.clone_from(&outcome.left);
        self.tell_outcome(outcome, "");
        self.follow_ends(&outcome.stopped);
        self.follow_changes(&outcome.changed);
        // What was done may be what it was about.
        self.ask_why_again();
        // A backend that is polled would show what came of it late.
        if !self.setting.can.pushes_changes {
            self.reread();
        }
    }

    pub(super) fn tell_outcome(&mut self, outcome: &Outcome, place: &str) {
        let errors: Vec<_> = outcome.results.iter().filter_map(|result| result.as_ref().err()).collect();
        let good = outcome.results.len() - errors.len();
        match errors.first() {
            None => {
                let told: Vec<&str> =
                    outcome.results.iter().flatten().map(String::as_str).filter(|text| !text.is_empty()).collect();
                // Of many, their number is told already.
                let told =
                    if (1..=3).contains(&told.len()) { format!(" ({})", told.join(", ")) } else { String::new() };
                let again = match (outcome.stopped.is_empty(), place.is_empty()) {
                    (false, true) => format!(" · {} submits the same again", self.key_of(Action::TakeBack)),
                    _ => String::new(),
                };
                self.say(format!("✔ {place}{}{told}{again}", outcome.title));
            }
            Some(first) if good == 0 && errors.len() == 1 => {
                self.complain(format!("{place}{}: {first}", outcome.title));
            }
            Some(first) => {
                let all = outcome.results.len();
                self.complain(format!("{place}{}: {good} of {all} done, {} not: {first}", outcome.title, errors.len()));
                self.list_refusals(outcome);
            }
        }
    }

    /// Lists what was not done of an action on many things, each with its reason.
    fn list_refusals(&mut self, outcome: &Outcome) {
        let each = outcome.targets.iter().zip(&outcome.results);
        let refused = each.filter_map(|(target, result)| Some((target, result.as_ref().err()?)));
        let mut lines: Vec<String> = refused.map(|(target, error)| format!("✖ {target}: {error}")).collect();
        let title = format!("Not done: {} of {}", lines.len(), outcome.results.len());
        if self.has_refused()
            && let Some(key) = self.keymap.keys_at(Place::Text, Action::TryAgain).first()
        {
            lines.extend([String::new(), format!("{key} tries these again, and nothing else")]);
        }
        self.popups.push(Popup::Text { title, lines, scroll: Scroll::default() });
    }
}

impl Going {
    /// `12 of 40 calls, 1 refused`; of one call how long it has taken.
    fn words(&self, now: Millis) -> String {
        if self.calls == 1 {
            return format!("no end yet after {}", age(now - self.since));
        }
        let Progress { done, refused } = self.progress;
        let refused = if refused == 0 { String::new() } else { format!(", {refused} refused") };
        format!("{} of {} calls{refused}", done + self.progress.refused, self.calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::BackendError;
    use crate::backend::scripted::Call;
    use crate::config::Access;
    use crate::config::theme::Theme;
    use crate::triage::replace::Changes;
    use crate::tui::requests::{Answer, Message, Outline, Replace};
    use crate::tui::screens::recorded_world;
    use crate::tui::stage::Stage;

    fn stage(keys: &str) -> Stage {
        let mut stage = Stage::new(recorded_world(), (110, 32), Theme::default());
        stage.app.setting.own.console.grace_seconds = 5;
        stage.press("/ \"resize-4711\" Enter").expect("keys");
        stage.press(keys).expect("keys");
        stage
    }

    const STOP: &str = "x \"wrong bucket\" tab tab tab Enter";

    #[test]
    fn an_action_that_destroys_is_sent_when_its_grace_is_over_and_not_before() {
        let mut stage = stage(STOP);
        assert!(stage.text().contains("in 5 s: terminate resize-4711 · u takes it back"), "{}", stage.text());
        stage.pass(4_000);
        assert_eq!(stage.backend.calls(), []);
        assert!(stage.text().contains("in 1 s: terminate"), "{}", stage.text());
        stage.pass(1_000);
        assert!(matches!(&stage.backend.calls()[..], [Call::TerminateJob { .. }]), "{:?}", stage.backend.calls());
        assert!(stage.text().contains("u submits the same again"), "{}", stage.text());
    }

    #[test]
    fn what_waits_is_taken_back_the_last_one_first() {
        let mut stage = stage(&format!("{STOP} {STOP}"));
        assert!(stage.text().contains("· 1 more · u takes it back"), "{}", stage.text());
        stage.press("u").expect("keys");
        assert!(stage.text().contains("taken back, nothing was sent"), "{}", stage.text());
        stage.press("u").expect("keys");
        stage.pass(60_000);
        assert_eq!(stage.backend.calls(), []);
    }

    #[test]
    fn quitting_says_what_is_not_sent_yet_and_leaves_it_undone_when_meant() {
        let mut stage = stage(&format!("{STOP} ctrl-c"));
        assert!(!stage.app.is_over);
        assert!(stage.text().contains("not sent yet: terminate resize-4711 (in 5s)"), "{}", stage.text());
        stage.press("ctrl-c").expect("keys");
        assert!(stage.app.is_over);
        assert_eq!(stage.backend.calls(), []);
    }

    #[test]
    fn what_waits_when_the_context_is_left_or_becomes_read_only_is_not_sent() {
        let mut stage = stage(STOP);
        stage.app.setting.access = Access::Guarded;
        stage.pass(6_000);
        assert_eq!(stage.backend.calls(), []);
        assert!(stage.text().contains("not done: terminate resize-4711"), "{}", stage.text());
        let mut stage = self::stage(STOP);
        let (setting, now) = (stage.app.setting.clone(), stage.app.now);
        stage.app.enter(setting, None, now);
        stage.pass(6_000);
        assert_eq!(stage.backend.calls(), []);
        assert!(stage.text().contains("not done: terminate resize-4711"), "{}", stage.text());
    }

    #[test]
    fn a_form_that_destroys_nothing_is_sent_at_once() {
        let stage = stage("1 p ctrl-u \"70\" alt-enter");
        assert!(matches!(&stage.backend.calls()[..], [Call::UpdateJobQueue(..)]), "{:?}", stage.backend.calls());
    }

    #[test]
    fn what_was_stopped_is_submitted_again_by_the_same_key() {
        let mut stage = stage(STOP);
        stage.pass(5_000);
        stage.press("u").expect("keys");
        assert!(stage.text().contains("Submit resize-4711 again"), "{}", stage.text());
    }

    fn acts(count: usize) -> Act {
        let step = |at: usize| Step::Terminate { id: JobId(format!("job-{at}")), reason: "why".into() };
        Act {
            title: format!("terminate {count} jobs"),
            done: Outline::Words("done".into()),
            steps: (0..count).map(step).collect(),
            in_order: false,
        }
    }

    #[test]
    fn a_replacement_is_told_until_it_has_come_to_its_end_and_quitting_in_the_midst_of_it_is_asked_about() {
        let mut stage = stage("");
        let replace = Replace { jobs: Vec::new(), changes: Changes::default(), reason: "why".into() };
        let act = Act { title: "replace waits".into(), steps: vec![Step::Replace(Box::new(replace))], ..acts(0) };
        stage.app.put_forward(act, false);
        stage.app.out.clear();
        let id = stage.app.last_id;
        stage.pass(20_000);
        assert!(stage.text().contains("replace waits · no end yet after 20s"), "{}", stage.text());
        stage.press("ctrl-c").expect("keys");
        assert!(!stage.app.is_over && stage.text().contains("quit again to leave the rest undone"), "{}", stage.text());
        let outcome = Outcome {
            title: "replaced waits".into(),
            results: vec![Ok(String::new())],
            targets: vec!["waits".into()],
            submitted: Vec::new(),
            stopped: Vec::new(),
            changed: Vec::new(),
            left: None,
        };
        stage.hear(Message::Answer { id, answer: Answer::Done(outcome) });
        let text = stage.text();
        assert!(text.contains("✔ replaced waits") && !text.contains("no end yet"), "{text}");
    }

    #[test]
    fn of_many_calls_the_screen_says_how_far_they_are_and_the_refused_ones_are_tried_again_alone() {
        let mut stage = stage("");
        stage.app.put_forward(acts(40), false);
        stage.app.out.clear();
        let id = stage.app.last_id;
        stage.hear(Message::Answer { id, answer: Answer::Progress(Progress { done: 11, refused: 1 }) });
        assert!(stage.text().contains("terminate 40 jobs · 12 of 40 calls, 1 refused"), "{}", stage.text());
        let refused = BackendError::Throttled { message: "slow down".into() };
        let outcome = Outcome {
            title: "terminate 40 jobs".into(),
            results: vec![Ok(String::new()), Err(refused.clone()), Err(refused)],
            targets: ["a", "b", "c"].map(str::to_owned).to_vec(),
            submitted: Vec::new(),
            stopped: Vec::new(),
            changed: Vec::new(),
            left: Some(acts(2)),
        };
        stage.hear(Message::Answer { id, answer: Answer::Done(outcome) });
        let text = stage.text();
        assert!(text.contains("Not done: 2 of 3") && text.contains("✖ b: ") && !text.contains("12 of 40"), "{text}");
        assert!(text.contains("r tries these again"), "{text}");
        stage.press("r").expect("keys");
        let ids: Vec<String> = stage
            .backend
            .calls()
            .iter()
            .map(|call| match call {
                Call::TerminateJob { id, .. } => id.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids, ["job-0", "job-1"]);
    }
}
