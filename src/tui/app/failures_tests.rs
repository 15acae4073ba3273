//! Failures, arrays and dependencies: opened, run again, and gone through.

use crate::backend::BackendError;
use crate::backend::scripted::{Call, Can, ScriptedBackend, World};
use crate::config::theme::Theme;
use crate::model::{
    ArrayProperties, Change, ContainerSummary, Cursor, JobExtra, JobId, JobStatus, JobSummary, StatusCounts,
    SubmitJobRequest, What,
};
use crate::tui::app::{Popup, View};
use crate::tui::requests::Message;
use crate::tui::screens::recorded_world;
use crate::tui::stage::Stage;

const SIZE: (u16, u16) = (100, 40);

fn stage_of(world: World, keys: &str) -> Stage {
    let mut stage = Stage::new(world, SIZE, Theme::default());
    stage.press(keys).expect("keys");
    stage
}

fn stage(keys: &str) -> Stage {
    stage_of(recorded_world(), keys)
}

/// Jobs `many-0`, `many-1`, … that failed alike an hour ago.
fn many(count: u32) -> World {
    let mut world = recorded_world();
    let at = world.now - 3_600_000;
    world.jobs.extend((0..count).map(|number| JobSummary {
        job_id: JobId(format!("f{number}")),
        job_name: format!("many-{number}"),
        job_definition: Some("arn:aws:batch:us-east-1:123456789012:job-definition/resize:14".into()),
        status: JobStatus::Failed,
        created_at: at,
        started_at: Some(at),
        stopped_at: Some(at + i64::from(number)),
        container: Some(ContainerSummary { exit_code: Some(2), reason: None }),
        extra: Some(Box::new(JobExtra { job_queue: "high".into(), ..Default::default() })),
        ..Default::default()
    }));
    world
}

fn submitted(stage: &Stage) -> Vec<SubmitJobRequest> {
    stage
        .backend
        .calls()
        .into_iter()
        .map(|call| match call {
            Call::SubmitJob(request) => *request,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_group_opens_to_its_jobs_where_the_keys_of_jobs_work() {
    let mut stage = stage_of(many(3), "E g Enter");
    assert!(matches!(stage.app.view(), View::Group { .. }));
    let text = stage.text();
    assert!(text.contains("exit 2 in resize:14") && text.contains("many-2"), "{text}");
    stage.press("Space Space").expect("keys");
    assert!(stage.text().contains("2 marked"), "{}", stage.text());
    // Of what is marked, the key that submits one job again means all.
    stage.press("r").expect("keys");
    assert!(stage.text().contains("Submit again: 2 jobs"), "{}", stage.text());
    stage.press("Esc w").expect("keys");
    assert!(matches!(stage.app.view(), View::Why(_)));
    stage.press("Esc Esc Esc").expect("keys");
    assert!(matches!(stage.app.view(), View::Failures(_)), "back where one was");
}

#[test]
fn a_group_is_run_again_with_what_is_changed_in_all_of_it() {
    let mut stage = stage_of(many(3), "E g R");
    let text = stage.text();
    assert!(text.contains("Submit again: 3 jobs, exit 2 in resize:14"), "{text}");
    stage.press("tab \"1536\" tab tab \"3\" alt-enter").expect("keys");
    let requests = submitted(&stage);
    let names: Vec<_> = requests.iter().map(|request| request.job_name.as_str()).collect();
    assert_eq!(names, ["many-2", "many-1", "many-0"]);
    for request in &requests {
        assert_eq!(request.job_queue, "high");
        assert_eq!(request.retry_strategy.as_ref().and_then(|retry| retry.attempts), Some(3));
        let asked = &request.container_overrides.as_ref().expect("overrides").resource_requirements;
        assert!(asked.iter().any(|one| one.kind == "MEMORY" && one.value == "1536"), "{asked:?}");
    }
    assert!(stage.text().contains("✔ submitted 3 jobs"), "{}", stage.text());
}

#[test]
fn what_is_wrong_in_the_form_is_named_and_nothing_is_sent() {
    for (typed, wrong) in [
        ("tab \"lots\"", "is not a whole number"),
        ("tab tab \"-1\"", "is no number of vCPUs"),
        ("tab tab tab \"11\"", "takes"),
    ] {
        let mut stage = stage_of(many(3), &format!("E g R {typed} alt-enter"));
        assert!(stage.text().contains(wrong), "{typed}: {}", stage.text());
        assert!(stage.backend.calls().is_empty());
        stage.press("Esc").expect("keys");
    }
}

#[test]
fn what_was_refused_of_a_group_is_listed_by_name() {
    let error = BackendError::Refused { code: "ClientException".into(), message: "queue is full".into() };
    let backend = ScriptedBackend::refusing(many(3), error);
    let mut stage = Stage::with(backend, SIZE, Theme::default(), false);
    stage.press("E g R alt-enter").expect("keys");
    let Some(Popup::Text { title, lines, .. }) = stage.app.popups.last() else { panic!("{}", stage.text()) };
    assert_eq!(title, "Not done: 3 of 3");
    assert_eq!(lines[0], "✖ many-2: queue is full (ClientException)");
}

#[test]
fn a_read_only_context_shows_failures_and_runs_nothing_again() {
    let mut stage = Stage::with(ScriptedBackend::new(many(3)), SIZE, Theme::default(), true);
    stage.press("E g R").expect("keys");
    assert!(stage.text().contains("read-only"), "{}", stage.text());
    assert!(stage.app.popups.is_empty());
}

#[test]
fn more_failures_are_read_when_they_happen() {
    let mut stage = stage("E");
    let before = stage.app.failures().and_then(|view| view.told.as_ref()).map(|told| told.at);
    let mut job = recorded_world().jobs.into_iter().find(|job| job.job_name == "resize-4711").expect("is there");
    job.status = JobStatus::Failed;
    stage.hear(Message::Change(Change { cursor: Cursor(99), at: 0, what: What::Job(Box::new(job)) }));
    stage.pass(6_000);
    let after = stage.app.failures().and_then(|view| view.told.as_ref()).map(|told| told.at);
    assert!(after > before, "{before:?} {after:?}");
}

#[test]
fn the_failed_children_of_an_array_are_run_again_under_their_old_numbers() {
    let mut stage = stage("j j j Enter R");
    assert!(stage.text().contains("Submit again: 1 failed child of render-frames"), "{}", stage.text());
    stage.press("alt-enter").expect("keys");
    let requests = submitted(&stage);
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    let overrides = request.container_overrides.as_ref().expect("overrides");
    assert!(overrides.environment.iter().any(|pair| pair.name == "BATCHDECK_INDEXES" && pair.value == "33"));
    assert_eq!((request.array_properties.as_ref(), overrides.command[0].as_str()), (None, "sh"));
}

/// An array of 10,000, a few of which failed.
fn large() -> World {
    let mut world = recorded_world();
    let parent = JobId::from("b1a40001-0000-4000-8000-0000b1a40001");
    let failed = |index: u32| index == 5_207 || (5_611..=5_621).contains(&index);
    let mut counts = StatusCounts::default();
    let now = world.now;
    for index in 0..10_000 {
        let status = match index {
            index if failed(index) => JobStatus::Failed,
            0..8_000 => JobStatus::Succeeded,
            8_000..8_008 => JobStatus::Running,
            _ => JobStatus::Runnable,
        };
        counts.add(status, 1);
        world.jobs.push(JobSummary {
            job_id: parent.child(index),
            job_name: "huge".into(),
            status,
            created_at: now - 9_000_000,
            started_at: (!status.is_waiting()).then_some(now - 240_000),
            stopped_at: status.is_final().then(|| now - i64::from(8_000 - index) * 1_000),
            container: failed(index).then_some(ContainerSummary { exit_code: Some(137), reason: None }),
            array_properties: Some(ArrayProperties { index: Some(index), ..Default::default() }),
            ..Default::default()
        });
    }
    world.jobs.push(JobSummary {
        job_id: parent,
        job_name: "huge".into(),
        status: JobStatus::Pending,
        created_at: now,
        array_properties: Some(ArrayProperties {
            size: Some(10_000),
            status_summary: Some(counts),
            ..Default::default()
        }),
        ..Default::default()
    });
    world
}

#[test]
fn an_array_of_ten_thousand_shows_its_failed_ranges_and_when_it_is_done_on_a_small_screen() {
    let mut stage = Stage::new(large(), (80, 24), Theme::default());
    stage.press("/ \"huge\" Enter Enter").expect("keys");
    insta::assert_snapshot!("array_of_ten_thousand@80x24", stage.text());
    stage.app.resize((200, 60));
    insta::assert_snapshot!("array_of_ten_thousand@200x60", stage.text());
}

#[test]
fn on_aws_failures_are_read_once_and_age() {
    let mut world = many(3);
    world.can = Can { pushes_changes: false, instances: false, costs: false, ..Can::default() };
    let mut stage = stage_of(world, "E");
    stage.pass(120_000);
    assert!(stage.text().contains("read 2m ago"), "{}", stage.text());
}

#[test]
fn one_goes_to_the_root_blocker_by_one_key_and_opens_it_by_the_same() {
    let mut stage = stage("s / \"publish-9\" Enter t");
    let tree = stage.app.tree().expect("the tree");
    assert_eq!(tree.selected().map(|row| row.name.as_str()), Some("publish-9"), "it begins on the job itself");
    stage.press("b").expect("keys");
    let at = stage.app.tree().and_then(|tree| tree.selected()).map(|row| row.name.clone());
    assert_eq!(at.as_deref(), Some("resize-4711"));
    stage.press("b").expect("keys");
    assert!(matches!(stage.app.view(), View::Job { .. }), "{}", stage.text());
    stage.press("Esc w").expect("keys");
    assert!(matches!(stage.app.view(), View::Why(_)), "keys of jobs work in the tree");
}

#[test]
fn a_tree_is_read_anew_when_a_job_in_it_moves_on() {
    let mut stage = stage("s / \"publish-9\" Enter t");
    let mut job = recorded_world().jobs.into_iter().find(|job| job.job_name == "resize-4711").expect("is there");
    let before = stage.app.tree().and_then(|tree| tree.told.as_ref()).map(|told| told.at);
    job.status = JobStatus::Succeeded;
    stage.hear(Message::Change(Change { cursor: Cursor(99), at: 0, what: What::Job(Box::new(job)) }));
    stage.pass(3_000);
    let after = stage.app.tree().and_then(|tree| tree.told.as_ref()).map(|told| told.at);
    assert!(after > before);
}
