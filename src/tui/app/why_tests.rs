//! Asking why, and acting from there.

use crate::backend::scripted::{Call, ScriptedBackend, World};
use crate::config::theme::Theme;
use crate::model::{Change, Cursor, JobStatus, Subject, Switch, What};
use crate::tui::app::{Popup, View};
use crate::tui::requests::Message;
use crate::tui::screens::recorded_world;
use crate::tui::stage::Stage;

const SIZE: (u16, u16) = (100, 40);
const STUCK: &str = "s / \"render-88\" Enter w";

fn stage_of(world: World, keys: &str) -> Stage {
    let mut stage = Stage::new(world, SIZE, Theme::default());
    stage.press(keys).expect("keys");
    stage
}

fn stage(keys: &str) -> Stage {
    stage_of(recorded_world(), keys)
}

#[test]
fn a_step_opens_the_form_of_its_action_and_sends_what_it_says() {
    let mut stage = stage(STUCK);
    stage.press("Enter").expect("keys");
    assert!(stage.text().contains("Submit render-88 again with 8 vCPU, 15942 MiB"), "{}", stage.text());
    stage.press("alt-enter").expect("keys");
    let calls = stage.backend.calls();
    let [Call::SubmitJob(request)] = calls.as_slice() else { panic!("{calls:?}") };
    let asked = request.container_overrides.as_ref().expect("another size").resource_requirements.iter();
    let asked: Vec<_> = asked.map(|one| (one.kind.as_str(), one.value.as_str())).collect();
    assert_eq!(asked, [("VCPU", "8"), ("MEMORY", "15942")]);
    assert!(matches!(stage.app.view(), View::Why(_)), "one is where one was");
}

#[test]
fn the_head_of_a_queue_is_stopped_and_a_disabled_queue_enabled_from_there() {
    let mut stuck = stage(STUCK);
    stuck.press("j j Enter \"too large\" Enter").expect("keys");
    assert!(stuck.text().contains("Cancel render-88"), "{}", stuck.text());

    let mut off = stage("1 G w");
    off.press("Enter \"morning\" alt-enter").expect("keys");
    let calls = off.backend.calls();
    let [Call::UpdateJobQueue(request, why)] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((request.job_queue.as_str(), request.state), ("nightly", Some(Switch::Enabled)));
    assert_eq!(why.reason.as_deref(), Some("morning"));
}

#[test]
fn one_goes_from_a_job_to_the_one_that_it_waits_for_and_back() {
    let mut stage = stage("s / \"publish-9\" Enter w Enter");
    assert!(stage.text().contains("Is anything wrong with resize-4711?"), "{}", stage.text());
    stage.press("Esc").expect("keys");
    assert!(stage.text().contains("Why is publish-9 waiting?"));
    stage.press("j Enter").expect("keys");
    assert!(matches!(stage.app.view(), View::Job { .. }));
}

#[test]
fn a_read_only_context_tells_why_and_refuses_what_would_change_something() {
    let backend = ScriptedBackend::new(recorded_world());
    let mut stage = Stage::with(backend, SIZE, Theme::default(), true);
    stage.press(STUCK).expect("keys");
    assert!(stage.text().contains("It asks for more than any instance here can give"));
    stage.press("Enter").expect("keys");
    assert!(stage.app.notice.as_ref().is_some_and(|notice| notice.text.contains("read-only")));
    assert!(stage.app.popups.is_empty());
}

#[test]
fn a_maximum_is_raised_by_a_form_that_shows_its_command_line() {
    let mut world = recorded_world();
    let stuck = |name: &str| name == "render-88";
    let reason = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) cannot meet the CPU requirement";
    for job in world.jobs.iter_mut().filter(|job| stuck(&job.job_name)) {
        job.status_reason = Some(reason.to_owned());
    }
    for job in world.details.iter_mut().filter(|job| stuck(&job.job_name)) {
        job.status_reason = Some(reason.to_owned());
        let container = job.container.as_mut().expect("it has one");
        container.resource_requirements[0].value = "8".to_owned();
        container.resource_requirements[1].value = "4096".to_owned();
    }
    for found in world.environments.iter_mut().filter(|found| found.compute_environment_name == "local") {
        found.compute_resources.as_mut().expect("it has some").maxv_cpus = Some(4);
    }
    let mut stage = stage_of(world, STUCK);
    stage.press("Enter").expect("keys");
    let text = stage.text();
    assert!(text.contains("maxvCpus is 4 now") && text.contains("batchdeck envs update local --max 8"), "{text}");
    stage.press("alt-enter").expect("keys");
    let calls = stage.backend.calls();
    let [Call::UpdateComputeEnvironment(request, _)] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(request.compute_resources.as_ref().and_then(|resources| resources.maxv_cpus), Some(8));
}

#[test]
fn it_is_asked_again_when_the_job_changes_and_not_before() {
    let mut stage = stage(STUCK);
    let asked_at = |stage: &Stage| stage.app.why().expect("it is shown").asked_at;
    let first = asked_at(&stage);
    stage.pass(5_000);
    assert_eq!(asked_at(&stage), first);
    assert!(stage.text().contains("read 5s ago"), "{}", stage.text());
    let mut job = stage.app.job_row(&stage.app.selected_job().expect("the job")).expect("its row");
    job.status = JobStatus::Starting;
    stage.hear(Message::Change(Change { cursor: Cursor(9), at: 0, what: What::Job(Box::new(job)) }));
    assert_eq!(asked_at(&stage), first + 5_000);
    stage.pass(5_000);
    stage.press("ctrl-r").expect("keys");
    assert_eq!(asked_at(&stage), first + 10_000);
}

#[test]
fn what_is_gone_says_so_and_w_in_a_log_still_wraps() {
    let mut stage = stage("j");
    stage.app.open_why(Subject::Queue("gone".into()));
    stage.rest();
    assert!(stage.text().contains("job queue gone was not found"), "{}", stage.text());
    let mut log = self::stage("j l");
    let before = log.app.log.looks.wrap;
    log.press("w").expect("keys");
    assert_eq!(log.app.log.looks.wrap, !before);
    assert!(!matches!(log.app.popups.last(), Some(Popup::Text { .. })));
}
