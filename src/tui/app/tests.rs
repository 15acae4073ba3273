//! What keys and messages lead to: the right calls, nothing by accident, and no panic whatever comes.

use super::list::{Scope, StateSet};
use super::log::Subject;
use super::prompt::Purpose;
use super::store::{Kind, Liveness};
use super::{App, FIELD_TAKES, LINE_TAKES, Popup, View};
use crate::backend::scripted::{Call, Can, ScriptedBackend, World};
use crate::backend::{BackendError, Why};
use crate::config::theme::Theme;
use crate::model::{Change, Cursor, JobId, JobStatus, JobSummary, What};
use crate::tui::action::{Action, Place, TABLE};
use crate::tui::log_reading::{Line, LogRead, Part};
use crate::tui::requests::{Answer, Ask, Message};
use crate::tui::stage::Stage;
use proptest::prelude::*;
use std::path::Path;

pub(super) fn world() -> World {
    World::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/world.json")).expect("the recorded world")
}

pub(super) fn stage(keys: &str) -> Stage {
    let mut stage = Stage::new(world(), (120, 40), Theme::default());
    stage.press(keys).expect("keys");
    stage
}

pub(super) fn id_of(app: &App, name: &str) -> JobId {
    let job = app.store.jobs.values().find(|job| job.job_name == name);
    job.unwrap_or_else(|| panic!("no job {name}")).job_id.clone()
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
fn each_pane_of_the_overview_is_sorted_by_the_same_keys_and_says_so() {
    let names = |stage: &Stage| stage.app.queues().iter().map(|queue| queue.job_queue_name.clone()).collect::<Vec<_>>();
    let mut stage = stage("1 j");
    let (natural, selected) = (names(&stage), stage.app.selected_queue().map(|queue| queue.job_queue_name.clone()));
    stage.press("o").expect("keys");
    assert!(names(&stage).is_sorted() && stage.text().contains("name ↑"), "{}", stage.text());
    assert_eq!(stage.app.selected_queue().map(|queue| queue.job_queue_name.clone()), selected, "the cursor stays");
    let frame = stage.text().lines().nth(1).unwrap_or_default().to_owned();
    assert!(["wait", "run", "fail"].iter().all(|title| frame.contains(title)), "the titles stay: {frame}");
    stage.press("O").expect("keys");
    assert!(names(&stage).iter().rev().is_sorted() && stage.text().contains("name ↓"), "{}", stage.text());
    stage.press("o o o o o").expect("keys");
    assert_eq!(names(&stage), natural);
    assert!(!stage.text().contains("turn ↑"), "{}", stage.text());
    stage.press("2 o o").expect("keys");
    let used = stage.app.environments();
    let used: Vec<f64> = used.iter().map(|found| found.capacity.as_ref().map_or(0.0, |has| has.vcpus_used)).collect();
    assert!(used.iter().rev().is_sorted() && stage.text().contains("used ↑"), "{}", stage.text());
    assert!(stage.app.overview.jobs.sort.is_none());
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
    assert!(text.contains("engine gone · data is 6s old") && text.contains("reconnecting in 1s"), "{text}");
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
    assert!(
        stage.text().contains("aws cannot be reached · ctrl-r reconnects now · reconnecting in 2s"),
        "{}",
        stage.text()
    );
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
fn schedules_that_may_not_be_listed_are_not_told_as_none() {
    let mut stage = Stage::new(World { schedules: Vec::new(), ..world() }, (80, 24), Theme::default());
    stage.press("S").expect("keys");
    assert!(stage.text().contains("no schedules yet"), "{}", stage.text());
    let tell = |stage: &mut Stage, why: Option<&str>| {
        let what = What::SchedulesUnread(why.map(str::to_owned));
        stage.hear(Message::Change(Change { cursor: Cursor(9), at: 0, what }));
    };
    tell(&mut stage, Some("not for you (AccessDeniedException)"));
    let text = stage.text();
    assert!(text.contains("cannot be read: not for you") && !text.contains("no schedules yet"), "{text}");
    tell(&mut stage, None);
    assert!(stage.text().contains("no schedules yet"), "{}", stage.text());
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
fn queues_are_filtered_by_how_many_jobs_wait_run_and_have_failed() {
    let names = |filter: &str| -> Vec<String> {
        let stage = stage(&format!("1 / \"{filter}\" Enter"));
        stage.app.queues().iter().map(|queue| queue.job_queue_name.clone()).collect()
    };
    assert_eq!(names("failed>0"), ["high", "default", "nightly"]);
    assert_eq!(names("waiting>5"), ["default"]);
    assert_eq!(names("running=0"), ["gpu", "nightly"]);
}

#[test]
fn the_beginning_of_a_name_that_one_alone_has_is_enough_to_look_at_it() {
    assert_eq!(stage(": \"queue nigh\" Enter").app.overview.jobs.scope, Scope::Queue("nightly".into()));
    assert_eq!(stage(": \"theme day\" Enter").app.theme.name, "daylight");
    let unsure = stage(": \"queue h\" Enter").text();
    assert!(unsure.contains("there is no queue `h`"), "{unsure}");
}

#[test]
fn every_action_is_reachable_by_a_key_or_by_the_palette() {
    let app = stage("").app;
    for info in TABLE {
        let by_key = Place::ALL.iter().any(|place| !app.keymap.keys_at(*place, info.action).is_empty());
        let by_palette = Place::ALL.iter().any(|place| !place.takes_text() && info.scope.covers(*place));
        assert!(by_key || by_palette, "{}", info.name);
    }
}

#[test]
fn a_key_pressed_in_help_closes_it_and_works() {
    let stage = stage("? n");
    assert!(matches!(stage.app.popups[..], [Popup::Form(_)]));
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
            // What is saved would lie in the working directory.
            let saves = |popup: &Popup| matches!(popup, Popup::Prompt(prompt) if prompt.purpose == Purpose::Save);
            stage.press(if stage.app.popups.last().is_some_and(saves) { "Esc" } else { key }).expect("keys");
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

#[test]
fn what_is_pasted_is_one_line_and_a_log_that_was_pasted_by_mistake_holds_nothing_up() {
    let value = |stage: &Stage| match stage.app.popups.last() {
        Some(Popup::Filter(input)) => input.value().to_owned(),
        Some(Popup::Form(form)) => form.fields[form.focus].value().to_owned(),
        other => panic!("nothing to type in: {other:?}"),
    };
    let mut stage = stage("3 /");
    let now = stage.app.now;
    stage.app.insert("one\r\ntwo\tthree\u{1b}[31m\n", now);
    assert_eq!(value(&stage), "one two three[31m");
    stage.press("left left").expect("keys");
    stage.app.insert("東京", now);
    assert_eq!(value(&stage), "one two three[3東京1m");
    // Letter by letter this took minutes.
    stage.app.insert(&"line of a log\n".repeat(100_000), now);
    assert_eq!(value(&stage).chars().count(), 19 + LINE_TAKES);
    let notice = stage.app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
    assert_eq!(notice, "of the 1399999 letters that were pasted the first 2000 were taken");
    stage.press("Esc n tab tab tab").expect("keys");
    stage.app.insert(&"x".repeat(1_000_000), now);
    assert_eq!(value(&stage).len(), FIELD_TAKES);
}
