//! What keys and messages lead to: the right calls, nothing by accident, and no panic whatever comes.

use super::list::{Scope, StateSet};
use super::log::Subject;
use super::store::{Kind, Liveness};
use super::{App, Popup, View};
use crate::backend::scripted::{Call, Can, ScriptedBackend, World};
use crate::backend::{BackendError, Why};
use crate::config::theme::Theme;
use crate::model::{Change, Cursor, JobId, JobStatus, JobSummary, Switch, What};
use crate::tui::action::{Action, Place, TABLE};
use crate::tui::log_reading::{Line, LogRead, Part};
use crate::tui::requests::{Answer, Ask, Message};
use crate::tui::stage::Stage;
use proptest::prelude::*;
use std::path::Path;

fn world() -> World {
    World::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/world.json")).expect("the recorded world")
}

fn stage(keys: &str) -> Stage {
    let mut stage = Stage::new(world(), (120, 40), Theme::default());
    stage.press(keys).expect("keys");
    stage
}

fn id_of(app: &App, name: &str) -> JobId {
    let job = app.store.jobs.values().find(|job| job.job_name == name);
    job.unwrap_or_else(|| panic!("no job {name}")).job_id.clone()
}

/// Keys that walk from the reason over the ticket and the harmless button and press the other.
const REALLY: &str = "Enter Enter right Enter";

#[test]
fn stopping_makes_the_call_that_the_jobs_state_asks_for_with_the_reason() {
    let stage = stage(&format!("/ \"resize-4711\" Enter x \"wrong bucket\" {REALLY}"));
    let id = id_of(&stage.app, "resize-4711");
    assert_eq!(stage.backend.calls(), [Call::TerminateJob { id, reason: "wrong bucket".into() }]);

    let stage = self::stage(&format!("s / \"resize-4712\" Enter x \"wrong bucket\" {REALLY}"));
    let id = id_of(&stage.app, "resize-4712");
    assert_eq!(stage.backend.calls(), [Call::CancelJob { id, reason: "wrong bucket".into() }]);
}

#[test]
fn marked_jobs_are_stopped_each_by_its_own_call_and_ended_ones_left_alone() {
    let mut stage = stage("left / \"resize\" Enter * x \"bad input\"");
    stage.press(REALLY).expect("keys");
    let calls = stage.backend.calls();
    let ended = |id: &JobId| stage.app.store.jobs[id].status.is_final();
    assert!(!calls.is_empty());
    for call in &calls {
        match call {
            Call::CancelJob { id, .. } => assert!(stage.app.store.jobs[id].status.is_waiting() && !ended(id)),
            Call::TerminateJob { id, .. } => assert!(stage.app.store.jobs[id].status.is_placed()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(calls.len(), 3, "resize-4711, resize-4712 and the resize that starts");
    assert!(stage.app.overview.jobs.marked.is_empty());
}

#[test]
fn an_array_with_a_running_child_is_terminated() {
    let stage = stage(&format!("/ \"render-frames\" Enter x \"stop it\" {REALLY}"));
    assert_eq!(stage.backend.calls(), [], "so many children are hit: their number is to be typed");
    let stage = self::stage("/ \"render-frames\" Enter x \"stop it\" tab tab \"28\" tab tab Enter");
    assert!(matches!(&stage.backend.calls()[..], [Call::TerminateJob { .. }]));
}

#[test]
fn nothing_is_stopped_by_enter_alone_nor_without_a_reason() {
    for keys in [
        "x Enter Enter Enter",
        "x \"why\" Enter Enter Enter",
        "x alt-enter Enter",
        "x tab tab tab Enter",
        "x Esc Enter",
    ] {
        let stage = stage(keys);
        assert_eq!(stage.backend.calls(), [], "{keys}");
    }
    let stage = stage("x tab tab tab Enter");
    assert_eq!(stage.app.place(), Place::Form, "the form stays and says what is missing");
    assert!(stage.text().contains("say why"), "{}", stage.text());
}

#[test]
fn dependents_that_would_fail_are_named_before_the_action() {
    let stage = stage("/ \"resize-4711\" Enter x");
    assert!(stage.text().contains("would fail with them: pack-9"), "{}", stage.text());
}

#[test]
fn a_waiting_job_and_a_queue_get_another_priority() {
    let stage = stage("s / \"resize-4712\" Enter p \"70\" tab \"customer waits\" alt-enter");
    let id = id_of(&stage.app, "resize-4712");
    let why = Why { reason: Some("customer waits".into()) };
    assert_eq!(stage.backend.calls(), [Call::ReprioritiseJob { id, priority: 70, why }]);

    let stage = self::stage("1 j p \"50\" alt-enter");
    let [Call::UpdateJobQueue(request, why)] = &stage.backend.calls()[..] else { panic!("one call") };
    assert_eq!((request.job_queue.as_str(), request.priority, why), ("default", Some(50), &Why::default()));

    let stage = self::stage("p");
    assert!(stage.app.notice.as_ref().is_some_and(|notice| notice.text.contains("only a waiting job")));
}

#[test]
fn an_emptied_priority_is_not_sent_and_a_prefilled_one_is_replaced() {
    for (keys, takes) in [("s p", "takes 0 to 9999"), ("1 j p", "takes 0 to 1000")] {
        let stage = stage(&format!("{keys} backspace alt-enter"));
        assert_eq!(stage.backend.calls(), [], "{keys}");
        assert!(stage.text().contains(&format!("✖ Priority: {takes}")), "{}", stage.text());
    }
    let stage = stage("1 j p \"50\" alt-enter");
    let [Call::UpdateJobQueue(request, _)] = &stage.backend.calls()[..] else { panic!("one call") };
    assert_eq!(request.priority, Some(50));
}

#[test]
fn what_was_done_is_told_in_the_past() {
    let cases = [
        (format!("/ \"resize-4711\" Enter x \"why\" {REALLY}"), "✔ asked resize-4711 to end"),
        (format!("s / \"resize-4712\" Enter x \"why\" {REALLY}"), "✔ cancelled resize-4712"),
        (format!("left / \"resize\" Enter * x \"why\" {REALLY}"), "✔ asked 2 jobs to end, cancelled resize-4712"),
        ("s / \"resize-4712\" Enter p \"70\" alt-enter".to_owned(), "✔ priority of resize-4712 is now 70"),
        ("1 j e tab tab right Enter".to_owned(), "✔ disabled the queue default"),
        ("S j p Enter".to_owned(), "✔ paused nightly-report"),
        ("S j x right Enter".to_owned(), "✔ deleted nightly-report"),
        ("S n \"hourly\" tab \"rate(1 hour)\" alt-enter".to_owned(), "✔ created the schedule hourly"),
    ];
    for (keys, expected) in cases {
        let stage = stage(&keys);
        let told = stage.app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
        assert!(told.split(" · ").next() == Some(expected), "{keys}: {told}");
    }
    let stage = stage("S j r Enter");
    let told = stage.app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
    assert!(told.starts_with("✔ submitted job ") && told.ends_with(" of nightly-report"), "{told}");
}

#[test]
fn the_jobs_that_would_be_stopped_are_counted_and_can_be_scrolled_through() {
    let mut stage = stage("s s s s * x");
    let text = stage.text();
    for part in ["Stop 11 jobs", "terminate: ", "cancel: ", "1-8 of 11", "resize-4711"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    stage.press("pagedown").expect("keys");
    assert!(stage.text().contains("4-11 of 11"), "{}", stage.text());
    stage.press("pageup").expect("keys");
    assert!(stage.text().contains("1-8 of 11"), "{}", stage.text());
}

#[test]
fn the_reason_of_each_wrong_field_can_be_reached_by_going_to_it() {
    let mut stage = stage("n tab tab \"-bad\" tab tab \"no-pair\" tab \"1A=x\" tab \"1\" alt-enter");
    for (keys, expected) in [
        ("", "✖ Name: takes 1 to 128 letters, digits, `-` and `_`, the first a letter or a digit"),
        ("tab tab", "✖ Parameters: `no-pair` is not key=value"),
        ("tab", "✖ Environment: `1A`: takes names of letters"),
        ("tab", "✖ Array size: takes 2 to 10000"),
        ("tab", "✖ Name: takes 1 to 128 letters"),
    ] {
        stage.press(keys).expect("keys");
        assert!(stage.text().contains(expected), "{expected}:\n{}", stage.text());
    }
    let stage = self::stage("S n \"nightly\" tab \"rate(1 hour)\" tab ctrl-u \"Europe/Zurch\"");
    assert!(stage.text().contains("✖ Zone:"), "{}", stage.text());
    let stage = self::stage("S n \"nightly\" tab \"cron(1 2 3)\"");
    assert!(stage.text().contains("✖ When:"), "{}", stage.text());
}

#[test]
fn letters_that_begin_no_choice_are_told_until_the_field_is_left() {
    let mut stage = stage("n \"abc\"");
    assert!(stage.text().contains("none begins with abc"), "{}", stage.text());
    stage.press("tab").expect("keys");
    assert!(!stage.text().contains("none begins with"), "{}", stage.text());
}

#[test]
fn a_destructive_form_says_that_it_is_not_sent_from_a_field() {
    assert!(stage("x").text().contains("alt-Enter does not send this"));
    assert!(!stage("n").text().contains("does not send"));
}

#[test]
fn a_queue_and_an_environment_are_switched_after_a_question() {
    let stage = stage("1 j e \"night\" Enter Enter right Enter");
    let [Call::UpdateJobQueue(request, why)] = &stage.backend.calls()[..] else { panic!("one call") };
    assert_eq!((request.job_queue.as_str(), request.state), ("default", Some(Switch::Disabled)));
    assert_eq!(why.reason.as_deref(), Some("night"));

    let stage = self::stage("2 j e tab tab right Enter");
    let [Call::UpdateComputeEnvironment(request, _)] = &stage.backend.calls()[..] else { panic!("one call") };
    assert_eq!((request.compute_environment.as_str(), request.state), ("local", Some(Switch::Disabled)));
}

#[test]
fn a_job_is_submitted_from_the_form() {
    let keys = "n \"def\" tab \"resize\" tab \"clip-1\" tab \"convert 'a b' out\" tab \"clip=s3://in/x\" tab \"A=1\" \
                tab \"4\" tab \"resize-4711:N_TO_N\" tab \"9\" tab \"2\" tab \"120\" alt-enter";
    let stage = stage(keys);
    let [Call::SubmitJob(request)] = &stage.backend.calls()[..] else { panic!("one call: {}", stage.text()) };
    assert_eq!((request.job_queue.as_str(), request.job_definition.as_str()), ("default", "resize:14"));
    assert_eq!(request.job_name, "clip-1");
    let overrides = request.container_overrides.as_ref().expect("overrides");
    assert_eq!(overrides.command, ["convert", "a b", "out"]);
    assert_eq!((overrides.environment[0].name.as_str(), overrides.environment[0].value.as_str()), ("A", "1"));
    assert_eq!(request.parameters["clip"], "s3://in/x");
    assert_eq!(request.array_properties.as_ref().and_then(|array| array.size), Some(4));
    assert_eq!(request.depends_on[0].job_id, Some(id_of(&stage.app, "resize-4711")));
    assert_eq!(request.scheduling_priority_override, Some(9));
    assert_eq!(request.retry_strategy.as_ref().and_then(|retry| retry.attempts), Some(2));
    assert_eq!(request.timeout.and_then(|timeout| timeout.attempt_duration_seconds), Some(120));
}

#[test]
fn a_form_with_a_wrong_field_is_not_sent_and_goes_to_it() {
    let stage = stage("n tab tab tab tab \"no-pair\" alt-enter");
    assert_eq!(stage.backend.calls(), []);
    assert!(stage.text().contains("✖ Parameters: `no-pair` is not key=value"), "{}", stage.text());
}

#[test]
fn the_same_job_again_carries_what_differs_from_its_definition() {
    let stage = stage("/ \"resize-4711\" Enter c alt-enter");
    let [Call::SubmitJob(request)] = &stage.backend.calls()[..] else { panic!("one call: {}", stage.text()) };
    assert_eq!((request.job_queue.as_str(), request.job_definition.as_str()), ("high", "resize:14"));
    assert_eq!(request.parameters["clip"], "s3://in/clip-4711.mov");
    let overrides = request.container_overrides.as_ref().expect("overrides");
    assert_eq!(overrides.environment.iter().map(|pair| pair.name.as_str()).collect::<Vec<_>>(), ["QUALITY"]);
    assert_eq!(request.retry_strategy.as_ref().and_then(|retry| retry.attempts), Some(3));
}

#[test]
fn schedules_are_made_changed_paused_run_and_deleted() {
    let stage = stage("S n \"hourly\" tab \"rate(1 hour)\" alt-enter");
    let [Call::CreateSchedule(schedule)] = &stage.backend.calls()[..] else { panic!("one call: {}", stage.text()) };
    assert_eq!((schedule.name.as_str(), schedule.schedule_expression.as_str()), ("hourly", "rate(1 hour)"));
    let request = schedule.target.request().expect("a submit");
    assert_eq!((request.job_name.as_str(), request.job_queue.as_str()), ("hourly", "high"));

    let stage = self::stage("S j Enter ctrl-u \"cron(0 4 * * ? *)\" alt-enter");
    let [Call::UpdateSchedule(schedule)] = &stage.backend.calls()[..] else { panic!("one call: {}", stage.text()) };
    assert_eq!(
        (schedule.name.as_str(), schedule.schedule_expression.as_str()),
        ("nightly-report", "cron(0 4 * * ? *)")
    );
    assert!(schedule.target.request().expect("a submit").parameters.contains_key("day"), "what has no field is kept");

    let stage = self::stage("S j p Enter");
    let [Call::UpdateSchedule(schedule)] = &stage.backend.calls()[..] else { panic!("one call") };
    assert_eq!(schedule.state, Switch::Disabled);

    let (group, name) = ("default".to_owned(), "nightly-report".to_owned());
    let stage = self::stage("S j r Enter");
    assert_eq!(stage.backend.calls(), [Call::RunSchedule { group: group.clone(), name: name.clone() }]);
    assert_eq!(self::stage("S j x Enter").backend.calls(), [], "Enter alone keeps it");
    assert_eq!(self::stage("S j x right Enter").backend.calls(), [Call::DeleteSchedule { group, name }]);
}

#[test]
fn an_empty_world_is_filled_in_order_and_stops_at_the_first_refusal() {
    let empty = || World { now: world().now, ..World::default() };
    let mut stage = Stage::new(empty(), (80, 24), Theme::default());
    stage.press("i Enter").expect("keys");
    let calls = stage.backend.calls();
    assert!(
        matches!(
            &calls[..],
            [Call::CreateComputeEnvironment(_), Call::CreateJobQueue(_), Call::RegisterJobDefinition(_)]
        ),
        "{calls:?}"
    );
    let refusal = BackendError::Refused { code: "ClientException".into(), message: "no room".into() };
    let backend = ScriptedBackend::refusing(empty(), refusal);
    let mut stage = Stage::with(backend, (80, 24), Theme::default(), false);
    stage.press("i Enter").expect("keys");
    assert_eq!(stage.backend.calls().len(), 1);
    assert!(stage.text().contains("no room"), "{}", stage.text());
}

#[test]
fn a_read_only_context_refuses_with_a_word() {
    let backend = ScriptedBackend::new(world());
    let mut stage = Stage::with(backend, (120, 40), Theme::default(), true);
    for keys in ["x", "n", "c", "1 e", "1 p", "S n", "S x", "S r"] {
        stage.press(keys).expect("keys");
        assert_ne!(stage.app.place(), Place::Form, "{keys}");
        assert!(stage.app.notice.as_ref().is_some_and(|notice| notice.text.contains("read-only")), "{keys}");
        stage.press("v o 3").expect("keys");
    }
    assert_eq!(stage.backend.calls(), []);
}

#[test]
fn a_stale_answer_is_dropped() {
    let mut stage = stage("");
    let now = stage.app.now;
    let queue_request = |requests: Vec<crate::tui::requests::Request>| {
        requests.into_iter().find(|request| request.ask == Ask::Queues).expect("queues are asked for").id
    };
    let first = queue_request(stage.app.update(Action::Refresh, now));
    let second = queue_request(stage.app.update(Action::Refresh, now));
    let answer = |id, queues| Message::Answer { id, answer: Answer::Queues(Ok(queues)) };
    let newer = vec![stage.backend.world().queues[0].clone()];
    stage.app.receive(answer(second, newer), now);
    stage.app.receive(answer(first, Vec::new()), now);
    assert_eq!(stage.app.store.queues.len(), 1, "the older answer came late and is not taken");
}

#[test]
fn filter_cursor_and_sort_are_kept_over_a_refresh() {
    let mut stage = stage("left / \"resize\" Enter o j j");
    let selected = stage.app.selected_job();
    stage.press("ctrl-r").expect("keys");
    assert_eq!(stage.app.overview.jobs.list.filter, "resize");
    assert_eq!(stage.app.selected_job(), selected);
    assert!(stage.app.overview.jobs.sort.is_some());
}

#[test]
fn the_cursor_follows_its_job_when_others_come_and_stays_on_its_line_when_it_goes() {
    let mut stage = stage("j");
    let before = stage.app.selected_job().expect("a job");
    let fresh = JobSummary {
        job_id: JobId::from("new"),
        job_name: "new".into(),
        status: JobStatus::Running,
        created_at: stage.app.now,
        started_at: Some(stage.app.now),
        ..Default::default()
    };
    let tell = |stage: &mut Stage, what| stage.hear(Message::Change(Change { cursor: Cursor(9), at: 0, what }));
    tell(&mut stage, What::Job(Box::new(fresh)));
    assert_eq!(stage.app.selected_job(), Some(before.clone()));
    tell(&mut stage, What::JobGone(before.clone()));
    assert!(stage.app.selected_job().is_some_and(|now| now != before));
}

#[test]
fn the_log_turns_only_once_the_cursor_rests() {
    let mut stage = stage("");
    let now = stage.app.now;
    let follows = |requests: &[crate::tui::requests::Request]| {
        requests.iter().filter(|request| matches!(request.ask, Ask::Log(_))).count()
    };
    let mut asked = 0;
    for _ in 0..2 {
        asked += follows(&stage.app.update(Action::Down, now));
    }
    assert_eq!(asked, 0);
    assert!(stage.app.next_wake() <= now + super::log::REST);
    let requests = stage.app.tick(now + super::log::REST);
    assert_eq!(follows(&requests), 1);
    assert!(matches!(&stage.app.log.shown, Subject::Stream(stream) if stream.name == "etl-2026-11-24"));
}

#[test]
fn lines_of_a_log_that_is_left_are_not_taken() {
    let mut stage = stage("j");
    let old = stage.app.log.waiting().expect("a log is followed");
    stage.press("j").expect("keys");
    let count = stage.app.log.window.len();
    let line = Line { text: "late".into(), ..Line::default() };
    let part = Part { lines: vec![line], ..Part::default() };
    stage.hear(Message::Answer { id: old, answer: Answer::Log(Ok(LogRead::Followed(vec![part]))) });
    assert_eq!(stage.app.log.window.len(), count);
}

#[test]
fn an_array_shows_the_log_of_its_lowest_running_child() {
    let stage = stage("/ \"render-frames\" Enter");
    let Subject::Stream(stream) = &stage.app.log.shown else { panic!("{:?}", stage.app.log.shown) };
    assert_eq!(stream.name, "render-frames:31");
    assert!(stream.which.contains("the lowest that runs"), "{}", stream.which);
}

#[test]
fn attempts_are_turned_over_in_the_log() {
    let mut stage = stage("s s");
    assert!(stage.text().contains("attempt 3"));
    stage.press("4 [").expect("keys");
    let Subject::Stream(stream) = &stage.app.log.shown else { panic!("{:?}", stage.app.log.shown) };
    assert_eq!(stream.stream, "resize/default/t4699b");
    stage.press("[ [").expect("keys");
    assert!(stage.text().contains("attempt 1"), "{}", stage.text());
    stage.press("] ]").expect("keys");
    assert!(stage.text().contains("attempt 3"), "{}", stage.text());
}

#[test]
fn a_stream_of_changes_that_breaks_is_told_with_its_age() {
    let mut stage = stage("");
    let error = BackendError::Unreachable { endpoint: "engine.sock".into(), cause: "gone".into(), hint: "start it" };
    stage.pass(5_000);
    stage.hear(Message::WatchBroke { error, again_in: 2_000 });
    stage.pass(1_000);
    assert!(matches!(stage.app.store.live, Liveness::Gone { .. }));
    let text = stage.text();
    assert!(text.contains("engine gone · data is 6s old · reconnecting in 1s"), "{text}");
    assert!(stage.app.next_wake() <= stage.app.now + 1000, "the age is kept up to date");
    stage.hear(Message::WatchOpened);
    assert!(stage.text().contains("engine ok · live"));
}

/// The recorded world as AWS would tell it.
fn on_aws(mut world: World) -> World {
    world.can = Can {
        reprioritise_job: false,
        hold: false,
        instances: false,
        schedules: false,
        audit: true,
        costs: false,
        pushes_changes: false,
    };
    world
}

#[test]
fn where_changes_are_polled_their_age_is_shown_and_grows() {
    let mut stage = Stage::new(on_aws(world()), (80, 24), Theme::default());
    stage.hear(Message::Change(Change { cursor: Cursor(9), at: 0, what: What::Alive { consoles: 1 } }));
    stage.pass(4_000);
    assert!(stage.text().contains("aws ok · polled 4s ago"), "{}", stage.text());
    assert!(stage.app.next_wake() <= stage.app.now + 1000, "the age is kept up to date");
}

#[test]
fn a_service_that_was_never_reached_is_not_said_to_be_gone() {
    let mut stage = Stage::new(on_aws(world()), (80, 24), Theme::default());
    stage.app.store.cursor = None;
    let error = BackendError::Unreachable { endpoint: "there".into(), cause: "no".into(), hint: "look" };
    stage.hear(Message::WatchBroke { error, again_in: 2_000 });
    assert!(stage.text().contains("aws cannot be reached · reconnecting in 2s"), "{}", stage.text());
}

#[test]
fn credentials_that_are_not_valid_any_more_are_told_with_the_command_that_renews_them() {
    let mut stage = Stage::new(on_aws(world()), (80, 24), Theme::default());
    stage.pass(5_000);
    let renewal = Some("aws sso login --profile production-oncall".to_owned());
    stage.hear(Message::WatchBroke {
        error: BackendError::Credentials { message: "The security token is expired".into(), renewal },
        again_in: 2_000,
    });
    stage.pass(1_000);
    let text = stage.text();
    assert!(text.contains("▲ credentials: run `aws sso login --profile production-oncall` · data is 6s"), "{text}");
    assert!(text.contains("resize-4711"), "what was known stays: {text}");
    stage.hear(Message::WatchOpened);
    assert!(stage.text().contains("aws ok"), "{}", stage.text());
}

#[test]
fn what_could_not_be_read_is_read_when_the_service_is_back() {
    let mut stage = stage("");
    stage.app.store.unread.insert(Kind::Queues, "there cannot be reached".to_owned());
    stage.hear(Message::WatchOpened);
    assert_eq!(stage.app.store.unread.len(), 0);
}

#[test]
fn the_line_by_hand_names_a_context_that_is_not_local() {
    let mut stage = Stage::new(on_aws(world()), (120, 40), Theme::default());
    stage.app.setting.flags = ["--context", "aws"].map(str::to_owned).to_vec();
    stage.press("x").expect("keys");
    assert!(stage.text().contains("batchdeck --context aws terminate"), "{}", stage.text());
    assert!(self::stage("x").text().contains("batchdeck terminate"));
}

#[test]
fn an_empty_account_is_not_offered_what_is_for_this_machine() {
    let empty = World { now: world().now, ..World::default() };
    let mut stage = Stage::new(on_aws(empty.clone()), (80, 24), Theme::default());
    let text = stage.text();
    assert!(text.contains("no compute environment, queue or job is in this account and region"), "{text}");
    assert!(!text.contains("press i") && !text.contains("i begin"), "{text}");
    stage.press("i").expect("keys");
    assert_ne!(stage.app.place(), Place::Form);
    stage.press("n").expect("keys");
    assert!(stage.text().contains("a job needs a queue") && !stage.text().contains("press i"), "{}", stage.text());
    stage.app.store.unread.insert(Kind::Definitions, "no answer".to_owned());
    stage.press("n").expect("keys");
    assert!(stage.text().contains("cannot be read: no answer"), "{}", stage.text());
    let local = Stage::new(empty, (80, 24), Theme::default()).text();
    assert_eq!(local.matches("i begin").count(), 1, "{local}");
}

#[test]
fn back_goes_a_step_and_quits_only_with_q_at_the_first_screen() {
    let mut stage = stage("1 Enter Enter l");
    assert_eq!(stage.app.views.len(), 3);
    for _ in 0..8 {
        stage.press("Esc").expect("keys");
    }
    assert!(!stage.app.is_over, "Esc never quits");
    assert_eq!((stage.app.views.len(), &stage.app.overview.jobs.scope), (1, &Scope::Everywhere));
    stage.press("q").expect("keys");
    assert!(stage.app.is_over);
}

#[test]
fn enter_on_a_queue_lists_its_jobs() {
    let stage = stage("1 Enter");
    assert_eq!(stage.app.overview.jobs.scope, Scope::Queue("high".into()));
    assert_eq!(stage.app.place(), Place::Jobs);
    assert!(stage.text().contains("Jobs in high"));
}

#[test]
fn the_palette_runs_actions_and_takes_arguments() {
    assert!(stage(": \"q\" Enter").app.is_over);
    assert_eq!(stage(": \"theme daylight\" Enter").app.theme.name, "daylight");
    assert_eq!(stage(": \"queue default\" Enter").app.overview.jobs.scope, Scope::Queue("default".into()));
    assert_eq!(stage(": \"jobs failed\" Enter").app.overview.jobs.states, StateSet::Failed);
    assert!(matches!(stage(": \"schedules\" Enter").app.view(), View::Schedules(_)));
    assert!(matches!(stage(": \"environment local\" Enter").app.view(), View::Instances { .. }));
    assert!(matches!(stage(": \"job etl-2026-11-24\" Enter").app.view(), View::Job { .. }));
    assert!(stage(": \"zzzzzz\" Enter").text().contains("✖ `zzzzzz` is no command here"));
}

#[test]
fn every_action_is_reachable_by_a_key_or_by_the_palette() {
    let app = stage("").app;
    for info in TABLE {
        let by_key = Place::ALL.iter().any(|place| !app.keymap.keys_at(*place, info.action).is_empty());
        let by_palette = Place::ALL.iter().any(|place| super::palette::is_in_palette(info.action, *place));
        assert!(by_key || by_palette, "{}", info.name);
    }
}

#[test]
fn a_key_pressed_in_help_closes_it_and_works() {
    let stage = stage("? n");
    assert!(matches!(stage.app.popups[..], [Popup::Form(_)]));
}

#[test]
fn a_paste_is_typed_without_its_control_characters() {
    let mut stage = stage("n tab tab");
    let now = stage.app.now;
    stage.app.insert("a\r\nb\u{1b}[31m", now);
    assert!(stage.text().contains("ab[31m"), "{}", stage.text());
}

/// Any key that the table knows, letters, and what no layer knows.
fn any_key() -> impl Strategy<Value = String> {
    let known: Vec<String> = TABLE.iter().flat_map(|info| info.keys.iter().map(|key| (*key).to_owned())).collect();
    prop_oneof![
        8 => proptest::sample::select(known),
        1 => "[a-zA-Z0-9]".prop_map(|letter| format!("\"{letter}\"")),
        1 => Just("f9".to_owned()),
        1 => Just("\"\u{4e16}\u{754c} \u{1f469}\u{200d}\u{1f680}\"".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_keys_at_any_size_lead_to_a_panic(
        keys in proptest::collection::vec(any_key(), 1..60),
        columns in 1u16..220,
        lines in 1u16..70,
    ) {
        let mut stage = Stage::new(world(), (columns, lines), Theme::default());
        for (at, key) in keys.iter().enumerate() {
            stage.press(key).expect("keys");
            if at % 7 == 0 {
                stage.app.resize((1 + columns * 7 % 160, 1 + lines * 5 % 60));
            }
            stage.draw();
            stage.app.is_over = false;
        }
    }
}

#[test]
fn a_job_that_is_held_has_no_log_for_that_reason_and_not_for_want_of_room() {
    let mut app = stage("").app;
    let id = id_of(&app, "resize-4712");
    let mut job = app.store.jobs[&id].clone();
    job.status_reason = None;
    job.status = JobStatus::Runnable;
    assert_eq!(app.why_no_log(&job, None), "it waits for room in its queue's compute environments");
    let queue = job.extra.as_ref().expect("ours").job_queue.clone();
    app.store.queues.get_mut(&queue).expect("its queue").held = true;
    assert_eq!(app.why_no_log(&job, None), "it waits until its queue is released: it is held");
    job.extra.as_mut().expect("ours").held = true;
    assert_eq!(app.why_no_log(&job, None), "it is held by an operator until it is released");
}

#[test]
fn an_instance_is_interrupted_with_a_notice_or_at_once_and_only_after_a_question() {
    for (choice, at_once) in [("", false), ("\"at once\" ", true)] {
        let mut stage = Stage::new(world(), (80, 24), Theme::default());
        stage.press(&format!("2 j Enter x {choice}tab \"a drill\" Enter Enter")).expect("keys");
        assert!(stage.backend.calls().is_empty(), "the button that leaves comes first");
        stage.press("right Enter").expect("keys");
        let instance = crate::model::InstanceId("i-0a4100000000000a1".to_owned());
        let why = Why { reason: Some("a drill".into()) };
        assert_eq!(stage.backend.calls(), [Call::InterruptInstance { instance, at_once, why }]);
    }
    let mut stage = Stage::new(on_aws(world()), (80, 24), Theme::default());
    stage.press("2 j Enter x").expect("keys");
    assert!(stage.text().contains("`interrupt` is for a local engine; this is aws"), "{}", stage.text());
}
