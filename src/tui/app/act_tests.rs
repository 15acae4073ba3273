//! Acting: each form makes the calls that it says, and nothing happens by accident.

use super::tests::{id_of, stage, world};
use crate::backend::scripted::{Call, ScriptedBackend, World};
use crate::backend::{BackendError, Why};
use crate::config::theme::Theme;
use crate::model::{JobId, Switch};
use crate::tui::action::Place;
use crate::tui::stage::Stage;

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
fn many_are_held_and_moved_only_after_their_number_is_typed() {
    for (key, call) in [("H", "Hold"), ("m", "MoveJob")] {
        let mut stage = stage("s");
        stage.app.setting.own.console.type_count_from = 3;
        stage.press(&format!("* {key} alt-enter")).expect("keys");
        assert_eq!(stage.backend.calls(), [], "{key}");
        let text = stage.text();
        let typed = text.split("type ").nth(1).and_then(|rest| rest.split(':').next()).expect("a number").to_owned();
        assert!(text.contains("so many jobs are hit"), "{text}");
        // The cursor stands in the field that is amiss.
        stage.press(&format!("\"{typed}\" alt-enter")).expect("keys");
        let calls = format!("{:?}", stage.backend.calls());
        assert!(calls.starts_with(&format!("[{call}")), "{key}: {calls}\n{}", stage.text());
    }
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
fn the_maximum_of_an_environment_is_set_where_it_is_listed_and_among_its_instances() {
    for keys in ["2 j m \"12\" alt-Enter", "2 j Enter m \"12\" alt-Enter"] {
        let stage = stage(keys);
        let [Call::UpdateComputeEnvironment(request, _)] = &stage.backend.calls()[..] else {
            panic!("one call: {}", stage.text())
        };
        let maximum = request.compute_resources.as_ref().and_then(|resources| resources.maxv_cpus);
        assert_eq!((request.compute_environment.as_str(), maximum), ("local", Some(12)), "{keys}");
    }
}

#[test]
fn a_share_is_asked_for_where_the_queue_has_shares_and_nowhere_else() {
    let mut stage = stage("n \"high\" tab tab tab tab tab tab tab tab \"blue\"");
    assert!(stage.text().contains("Share: high has no scheduling policy: leave this empty"), "{}", stage.text());
    let queue = stage.app.store.queues.get_mut("high").expect("recorded");
    queue.scheduling_policy_arn = Some("arn:aws:batch:us-east-1:123456789012:scheduling-policy/fair".to_owned());
    stage.press("alt-enter").expect("keys");
    let [Call::SubmitJob(request)] = &stage.backend.calls()[..] else { panic!("one call: {}", stage.text()) };
    assert_eq!(request.share_identifier.as_deref(), Some("blue"));
}

#[test]
fn a_job_is_submitted_from_the_form() {
    let keys = "n \"def\" tab \"resize\" tab \"clip-1\" tab \"convert 'a b' out\" tab \"clip=s3://in/x\" tab \"A=1\" \
                tab \"4\" tab \"resize-4711:N_TO_N\" tab tab \"9\" tab \"2\" tab \"120\" alt-enter";
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
fn a_queue_of_service_jobs_says_what_submits_to_it_and_what_lists_them() {
    let mut stage = stage("n \"gpu\"");
    let queue = stage.app.store.queues.get_mut("gpu").expect("recorded");
    queue.job_queue_type = Some("SAGEMAKER_TRAINING".to_owned());
    assert!(stage.text().contains("✖ Queue: takes service jobs alone"), "{}", stage.text());
    assert!(stage.text().contains("batchdeck submit --queue gpu --payload FILE"), "{}", stage.text());
    stage.press("alt-enter").expect("keys");
    assert_eq!(stage.backend.calls(), [], "nothing is sent");
    stage.press("Esc : \"jobs queue=gpu\" Enter").expect("keys");
    assert!(stage.text().contains("gpu is for service jobs: this engine keeps them and runs none"), "{}", stage.text());
}
