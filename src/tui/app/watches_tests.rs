//! What is watched for while nobody looks.

use super::{Popup, View};
use crate::backend::BackendError;
use crate::backend::scripted::{Call, World};
use crate::config::theme::Theme;
use crate::model::watch::{SaveWatch, Watch, WatchState};
use crate::model::{Change, Cursor, JobQueue, JobStatus, Millis, Subject, What};
use crate::tui::requests::{Ask, Message};
use crate::tui::screens::recorded_world;
use crate::tui::stage::Stage;

const MINUTE: Millis = 60_000;

fn watch(id: &str, subject: Subject, condition: &str, at: Millis) -> Watch {
    let condition = condition.parse().expect("a condition");
    Watch::new(
        id.to_owned(),
        &SaveWatch { id: None, subject, condition, silenced: false },
        String::new(),
        "ada@host",
        at,
    )
}

fn high() -> Subject {
    Subject::Queue("high".to_owned())
}

/// Watches in each state: one has fired while no console ran.
pub(crate) fn watched_world() -> World {
    let mut world = recorded_world();
    let (now, job) = (world.now, world.jobs[0].clone());
    let mut fired = watch("w1", high(), "failed > 5 in 10m", now - 300 * MINUTE);
    fired.fire(now - 62 * MINUTE, "6 failed in the last 10m");
    let mut seen = watch("w2", Subject::Environment("gpu".to_owned()), "invalid", now - 200 * MINUTE);
    seen.fire(now - 90 * MINUTE, "INVALID: the launch template is gone");
    seen.acknowledge(now - 80 * MINUTE);
    let mut armed = watch("w3", Subject::Job(job.job_id), "silent > 15m", now - MINUTE);
    armed.name = job.job_name;
    let mut silenced = watch("w4", Subject::Queue("nightly".to_owned()), "waiting > 100", now - MINUTE);
    silenced.silenced = true;
    world.watches = vec![fired, seen, armed, silenced];
    world
}

fn stage(world: World, size: (u16, u16), keys: &str) -> Stage {
    let mut stage = Stage::new(world, size, Theme::default());
    stage.press(keys).expect("keys");
    stage
}

fn saved(stage: &Stage) -> Vec<SaveWatch> {
    let calls = stage.backend.calls().into_iter();
    calls.filter_map(|call| if let Call::SaveWatch(save) = call { Some(save) } else { None }).collect()
}

#[test]
fn the_list_of_watches_fits_small_and_large_screens() {
    for (columns, lines) in [(60, 20), (80, 24), (120, 40)] {
        let shown = stage(watched_world(), (columns, lines), "v w").text();
        insta::assert_snapshot!(format!("watches@{columns}x{lines}"), shown);
    }
    insta::assert_snapshot!("watches_none@80x24", stage(recorded_world(), (80, 24), "v w").text());
}

#[test]
fn what_fired_while_nobody_looked_stands_in_the_status_line_until_it_is_taken_note_of() {
    let mut stage = stage(watched_world(), (120, 40), "j");
    assert!(
        stage.text().contains("▲ a watch fired · queue high: failed > 5 in 10m at 02:10 · v w"),
        "{}",
        stage.text()
    );
    assert!(stage.app.notice.is_none(), "it is no news: {:?}", stage.app.notice);
    stage.press("v w a").expect("keys");
    assert!(stage.backend.calls().contains(&Call::AcknowledgeWatch(Some("w1".to_owned()))));
    let mut noted = stage.app.store.watches["w1"].clone();
    noted.acknowledge(stage.app.now);
    stage.hear(Message::Change(Change { cursor: Cursor(9), at: 0, what: What::Watch(Box::new(noted)) }));
    stage.pass(10_000);
    assert!(!stage.text().contains("a watch fired"), "{}", stage.text());
}

#[test]
fn a_condition_is_checked_as_it_is_typed_and_enter_on_nothing_takes_the_usual_one() {
    let mut stage = stage(recorded_world(), (120, 40), "1 T");
    let text = stage.text();
    assert!(text.contains("queue high: failed > 5 in 10m · waiting > 100"), "{text}");
    assert!(text.contains("failed > 0 in 10m: one has failed in the last 10m"), "{text}");
    stage.press("\"runable > 20m\"").expect("keys");
    assert!(stage.text().contains("✖ `runable` (letter 1): did you mean `RUNNABLE`?"), "{}", stage.text());
    stage.press("Enter").expect("keys");
    assert!(matches!(stage.app.popups.last(), Some(Popup::Prompt(_))), "it stays to be mended");
    stage.press("ctrl-u \"silent > 15m\"").expect("keys");
    assert!(stage.text().contains("says nothing of a queue"), "{}", stage.text());
    stage.press("ctrl-u \"failed > 5 \"").expect("keys");
    assert!(!stage.text().contains('✖') || stage.text().contains("it ends too early"), "{}", stage.text());
    stage.press("\"in 10m\" Enter").expect("keys");
    stage.press("T Enter").expect("keys");
    let conditions: Vec<String> = saved(&stage).iter().map(|save| save.condition.to_string()).collect();
    assert_eq!(conditions, ["failed > 5 in 10m", "failed > 0 in 10m"]);
    assert!(saved(&stage).iter().all(|save| save.subject == high()));
}

#[test]
fn a_watch_is_changed_silenced_removed_and_opened_from_the_list() {
    let mut stage = stage(watched_world(), (120, 40), "v w z e");
    assert!(stage.text().contains("tell when failed > 5 in 10m"), "{}", stage.text());
    stage.press("ctrl-u \"failed > 9 in 1h\" Enter x").expect("keys");
    let saves = saved(&stage);
    assert_eq!((saves[0].id.as_deref(), saves[0].silenced), (Some("w1"), true));
    assert_eq!((saves[1].id.as_deref(), saves[1].condition.to_string().as_str()), (Some("w1"), "failed > 9 in 1h"));
    assert!(stage.backend.calls().contains(&Call::RemoveWatch("w1".to_owned())));
    stage.press("Enter").expect("keys");
    assert!(matches!(stage.app.view(), View::Overview) && stage.text().contains("Jobs in high"), "{}", stage.text());
}

#[test]
fn a_line_of_the_palette_watches_what_is_under_the_cursor() {
    let mut stage = stage(recorded_world(), (120, 40), "1 : \"watch waiting > 100\" Enter");
    assert_eq!(saved(&stage).len(), 1);
    stage.press(": \"watch waitin > 100\" Enter").expect("keys");
    assert!(stage.text().contains("did you mean `waiting`?"), "{}", stage.text());
}

#[test]
fn each_firing_is_told_once_outside_of_the_screen() {
    let mut stage = stage(watched_world(), (80, 24), "j");
    let now = stage.app.now;
    let mut fired = stage.app.store.watches["w3"].clone();
    fired.fire(now, "it has printed nothing for 15m\u{1b}]52;c;eA==\u{7}");
    let message = |fired: &Watch| {
        Message::Change(Change { cursor: Cursor(9), at: now, what: What::Watch(Box::new(fired.clone())) })
    };
    let told = |requests: Vec<crate::tui::requests::Request>| {
        let texts = requests.into_iter().filter_map(|request| match request.ask {
            Ask::Tell(text) => Some(text),
            _ => None,
        });
        texts.collect::<Vec<_>>()
    };
    let first = told(stage.app.receive(message(&fired), now));
    assert!(first.len() == 1 && first[0].contains("silent > 15m: it has printed nothing for 15m"), "{first:?}");
    assert!(!first[0].chars().any(char::is_control));
    assert!(told(stage.app.receive(message(&fired), now)).is_empty(), "not again");
    fired.silenced = true;
    fired.fire(now + 1, "again");
    assert!(told(stage.app.receive(message(&fired), now)).is_empty(), "it is silenced");
}

#[test]
fn where_no_engine_keeps_them_the_console_does_while_it_runs_and_says_so() {
    let mut stage = Stage::polled((120, 40));
    stage.press("1 T \"disabled\" Enter").expect("keys");
    assert!(stage.text().contains("w1: queue high: disabled, while this console runs"), "{}", stage.text());
    let queue = JobQueue { state: crate::model::Switch::Disabled, ..stage.app.store.queues["high"].clone() };
    let what = What::Queue(Box::new(queue));
    stage.hear(Message::Change(Change { cursor: Cursor(99), at: 0, what }));
    let alive = What::Alive { consoles: 1 };
    stage.hear(Message::Change(Change { cursor: Cursor(100), at: 0, what: alive }));
    stage.pass(5_000);
    assert_eq!(stage.app.store.watches["w1"].state(), WatchState::Fired, "{}", stage.text());
    assert_eq!(stage.app.kept.watches["aws"][0].times, 1, "it is kept for the next console");
    stage.press("v w").expect("keys");
    assert!(stage.text().contains("looked after while this console runs"), "{}", stage.text());
    stage.press("a").expect("keys");
    assert_eq!(stage.app.store.watches["w1"].state(), WatchState::Holds);
    stage.press("x").expect("keys");
    assert!(stage.app.kept.watches["aws"].is_empty());
}

#[test]
fn a_silent_job_is_told_of_where_no_engine_keeps_watches() {
    let mut stage = Stage::polled((120, 40));
    let job = stage.app.store.jobs.values().find(|job| job.status == JobStatus::Running && !job.has_parts());
    let job = job.expect("one runs");
    let stream = job.extra.as_ref().and_then(|extra| extra.log_stream_name.clone()).expect("it has a log");
    let job = job.job_id.clone();
    let silent = SaveWatch {
        id: None,
        subject: Subject::Job(job.clone()),
        condition: "silent > 2m".parse().expect("sound"),
        silenced: false,
    };
    stage.app.save_own_watch(&silent);
    let begun = stage.app.now;
    let asked = |stage: &mut Stage, after: Millis| {
        let requests = stage.app.tick(begun + after);
        let lines = requests.into_iter().filter_map(|request| match request.ask {
            Ask::LastLine { stream, .. } => Some(stream),
            _ => None,
        });
        lines.collect::<Vec<_>>()
    };
    let known = |stage: &Stage| stage.app.store.watches["w1"].state();
    assert_eq!(asked(&mut stage, 4_000), std::slice::from_ref(&stream));
    stage.app.take_last_line(&job, Ok(Some(begun - 60_000)));
    assert!(asked(&mut stage, 8_000).is_empty(), "not with each look at the watches");
    assert_eq!(known(&stage), WatchState::Armed);
    // Nobody has looked for long: that it prints nothing is not known.
    stage.app.take_last_line(&job, Err(BackendError::Throttled { message: "slowly".into() }));
    assert_eq!(asked(&mut stage, 90_000), std::slice::from_ref(&stream));
    assert_eq!(known(&stage), WatchState::Armed);
    stage.app.take_last_line(&job, Ok(Some(begun - 60_000)));
    asked(&mut stage, 94_000);
    assert_eq!(known(&stage), WatchState::Fired);
    // It goes on, and would be told of anew.
    stage.app.acknowledge_own_watches(None);
    asked(&mut stage, 130_000);
    stage.app.take_last_line(&job, Ok(Some(begun + 129_000)));
    // It is armed anew no sooner than a minute after it has fired.
    asked(&mut stage, 164_000);
    assert_eq!(known(&stage), WatchState::Armed);
}

#[test]
fn the_condition_that_is_typed_is_completed_and_no_other_line_says_that_it_would_be() {
    let mut stage = stage(recorded_world(), (80, 24), "1 T \"wai\" Tab");
    assert!(stage.text().contains("tell when waiting > 100"), "{}", stage.text());
    assert!(stage.text().contains("complete"), "{}", stage.text());
    stage.press("Tab").expect("keys");
    assert!(stage.text().contains("tell when RUNNABLE > 20m"), "{}", stage.text());
    stage.press("Esc Esc 4 /").expect("keys");
    assert!(!stage.text().contains("complete"), "{}", stage.text());
}

#[test]
fn a_recording_shows_its_watches_and_changes_none() {
    let mut world = watched_world();
    world.recorded = Some(crate::backend::scripted::Recorded {
        at: world.now,
        context: "local".to_owned(),
        backend: "local".to_owned(),
        version: "1".to_owned(),
        left_out: 0,
        ..Default::default()
    });
    let mut stage = stage(world, (120, 40), "v w");
    assert!(stage.text().contains("FIRED") && stage.text().contains("as it stood when this was recorded"));
    stage.press("x").expect("keys");
    assert!(stage.text().contains("this is a recording"), "{}", stage.text());
    assert!(stage.backend.calls().is_empty());
}
