use super::*;
use crate::backend::scripted::{Call, ScriptedBackend};
use crate::config::theme::Theme;
use crate::tui::keymap::Keymap;
use crate::tui::requests::perform;
use crate::tui::screens::recorded_world;
use crate::tui::stage::Stage;
use futures::FutureExt;

/// A conversation on the recorded world; each line is answered at once.
struct Talk {
    plain: Plain,
    backend: std::sync::Arc<ScriptedBackend>,
}

impl Talk {
    fn new() -> Self {
        Self::with(false)
    }

    fn with(read_only: bool) -> Self {
        let backend = ScriptedBackend::new(recorded_world());
        let Stage { mut app, backend, .. } = Stage::with(backend, (80, 24), Theme::default(), read_only);
        app.keymap = Keymap::none();
        let mut talk = Self { plain: Plain::new(app), backend };
        talk.plain.lines(true);
        talk
    }

    fn carry_out(&mut self, requests: Vec<Request>) {
        let now = self.plain.app.now;
        for Request { id, ask } in requests {
            if let Some(Some(answer)) = perform(self.backend.as_ref(), None, ask).now_or_never() {
                let more = self.plain.hear(Message::Answer { id, answer }, now);
                self.carry_out(more);
            }
        }
    }

    /// What is said to a line.
    fn say(&mut self, line: &str) -> String {
        let now = self.plain.app.now;
        let requests = self.plain.take(line, now);
        self.carry_out(requests);
        for later in [now + 200, now] {
            let requests = self.plain.tick(later);
            self.carry_out(requests);
        }
        let mut said = self.plain.lines(true);
        if self.plain.is_asking() {
            said.push(self.plain.prompt());
        }
        said.join("\n")
    }

    fn all(&mut self, lines: &[&str]) -> String {
        lines.iter().flat_map(|line| ["> ", line, "\n", &self.say(line), "\n"].map(str::to_owned)).collect()
    }
}

#[test]
fn lists_are_told_row_by_row_with_the_names_of_their_columns() {
    insta::assert_snapshot!(
        "lists",
        Talk::new().all(&["jobs failed", "queues", "environments", "schedules", "definitions"])
    );
}

#[test]
fn a_job_its_log_and_why_it_waits_are_told_in_words() {
    insta::assert_snapshot!("job", Talk::new().all(&["job render-88", "why", "log resize-4711", "tree publish-9"]));
}

#[test]
fn what_is_told_has_no_frames_no_signs_and_no_escape_sequences() {
    let mut talk = Talk::new();
    let views = [
        "overview",
        "jobs",
        "queues",
        "environments",
        "schedules",
        "definitions",
        "definition resize:14",
        "failures",
        "pulse",
        "events",
        "cost",
        "usage",
        "audit",
        "job render-88",
        "why",
        "tree",
        "log resize-4711",
        "status",
        "help",
        "help all",
        "environment local",
        "job render-frames",
    ];
    for line in views {
        let said = talk.say(line);
        assert!(!said.trim().is_empty(), "{line} is answered");
        let is_drawn = |letter: char| matches!(letter, '\u{2500}'..='\u{25ff}' | '✖' | '✔' | '\u{1b}');
        assert!(!said.contains(is_drawn), "{line}:\n{said}");
    }
}

#[test]
fn a_job_is_stopped_by_name_after_a_reason_and_a_yes() {
    let mut talk = Talk::new();
    insta::assert_snapshot!(
        "stop",
        talk.all(&["stop resize-4711", "", "wrong bucket", "OPS-311", "maybe", "yes", "take-back", "."])
    );
    assert!(matches!(&talk.backend.calls()[..], [Call::TerminateJob { .. }]), "{:?}", talk.backend.calls());
}

#[test]
fn nothing_is_done_without_a_yes() {
    for last in ["no", "", "."] {
        let mut talk = Talk::new();
        talk.all(&["stop resize-4711", "wrong bucket", "", last]);
        assert_eq!(talk.backend.calls(), [], "{last}");
        assert!(!talk.plain.is_asking());
    }
    let mut talk = Talk::new();
    talk.say("stop resize-4711");
    assert!(talk.say(".").contains("nothing was done"));
    assert_eq!(talk.backend.calls(), []);
}

#[test]
fn many_are_stopped_only_when_their_number_is_typed() {
    let mut talk = Talk::new();
    talk.plain.app.setting.own.console.type_count_from = 2;
    let said = talk.all(&["jobs running", "mark 1 2", "stop", "drill", "", "7"]);
    assert!(said.contains("How many: type 2"), "{said}");
    assert_eq!(talk.backend.calls(), []);
    talk.all(&["2", "yes"]);
    assert_eq!(talk.backend.calls().len(), 2, "{:?}", talk.backend.calls());
}

#[test]
fn a_read_only_context_refuses_in_words() {
    let mut talk = Talk::with(true);
    let said = talk.say("stop resize-4711");
    assert!(said.contains("read-only"), "{said}");
    assert_eq!(talk.backend.calls(), []);
    assert!(!talk.plain.is_asking());
}

#[test]
fn rows_are_named_by_their_numbers_and_pages_are_turned() {
    let mut talk = Talk::new();
    let all = talk.say("jobs all");
    assert!(all.contains("\n20. ") && !all.contains("\n21. ") && all.contains("`more` goes on"), "{all}");
    let more = talk.say("more");
    assert!(more.contains("21. ") && !more.contains("\n1. "), "{more}");
    assert!(talk.say("900").contains("there is no row 900"));
    talk.say("jobs running");
    let opened = talk.say("1");
    assert!(opened.contains("Job ") && opened.contains("state: "), "{opened}");
}

#[test]
fn what_is_no_command_is_told_with_the_nearest_one() {
    let mut talk = Talk::new();
    assert!(talk.say("quues").contains("the nearest is `queues`"), "{}", talk.say("quues"));
    assert!(talk.say("job nosuchthing").contains("no job `nosuchthing`"));
    assert!(talk.say("jobs frob=1").contains("frob"));
    assert!(talk.say("stop nosuchthing").contains("no job `nosuchthing`"));
    assert!(talk.say("theme").contains("needs more on its line"));
    assert!(talk.say("help stop").starts_with("stop:"));
}

#[test]
fn what_to_do_where_a_list_is_empty_is_told_by_the_name_of_a_command() {
    let mut talk = Talk::new();
    let cases = [
        ("queue nightly", "`next-states` shows the next states"),
        ("jobs name=nowhere", "none matches `name=nowhere`; `back` clears the filter"),
        ("failures definition=nowhere", "no group matches the filter; `back` clears it"),
    ];
    for (line, expected) in cases {
        let said = talk.say(line);
        assert!(said.contains(expected) && !said.contains("Esc"), "{line}: {said}");
        talk.say("overview");
    }
}

#[test]
fn a_list_is_filtered_and_a_wrong_filter_is_told() {
    let mut talk = Talk::new();
    talk.say("jobs all");
    let said = talk.say("filter render-88");
    assert!(said.contains("1. job render-88") && !said.contains("\n2. "), "{said}");
    assert!(talk.say("filter /(").contains('('));
    assert!(!talk.plain.is_asking());
}

#[test]
fn changes_are_told_once_they_are_followed() {
    let mut talk = Talk::new();
    let mut job = talk.plain.app.store.jobs.values().find(|job| job.job_name == "render-88").expect("there").clone();
    job.status = crate::model::JobStatus::Starting;
    let change = |job: &JobSummary| {
        let what = What::Job(Box::new(job.clone()));
        Message::Change(crate::model::Change { cursor: crate::model::Cursor(9_000), at: 0, what })
    };
    let now = talk.plain.app.now;
    talk.plain.hear(change(&job), now);
    assert_eq!(talk.plain.lines(true), [""; 0], "nobody has asked for it");
    talk.say("follow");
    job.status = crate::model::JobStatus::Running;
    talk.plain.hear(change(&job), now);
    assert_eq!(talk.plain.lines(true), ["Job render-88 is RUNNING, was STARTING."]);
    talk.plain.hear(change(&job), now);
    assert_eq!(talk.plain.lines(true), [""; 0], "nothing has changed");
}

#[test]
fn a_form_is_answered_field_by_field_and_its_choices_by_number_or_letters() {
    let mut talk = Talk::new();
    let said = talk.all(&["schedules", "new-schedule", "nightly", "cron(30 25 * * ? *)"]);
    assert!(said.ends_with("at(2027-01-31T02:30:00)) [cron(30 25 * * ? *)]: \n"), "it is asked again: {said}");
    assert!(said.contains("When: hours (field 2 of 6) does not take `25`"), "{said}");
    let said = talk.all(&["cron(30 2 ? * MON-FRI *)", "Europe/Zurich", "2", "nosuch", "report", "", "", "day=1"]);
    assert!(said.contains("none of the choices has `nosuch`"), "{said}");
    assert!(said.contains("Means: at 02:30 on Monday to Friday") && said.contains("Create? yes or no"), "{said}");
    talk.say("yes");
    let calls = talk.backend.calls();
    let [Call::CreateSchedule(schedule)] = &calls[..] else { panic!("{calls:?}") };
    let request = schedule.target.request().expect("submits");
    assert_eq!((request.job_queue.as_str(), request.job_definition.as_str()), ("default", "report:7"));
}

#[test]
fn the_last_line_tells_nothing_more() {
    let mut talk = Talk::new();
    assert_eq!(talk.say("quit"), "");
    assert!(talk.plain.app.is_over);
}
