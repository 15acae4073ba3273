//! Jobs that have several logs, and jobs that are submitted again.

use super::log::Subject;
use super::{App, Popup};
use crate::backend::scripted::Call;
use crate::config::theme::Theme;
use crate::model::{
    EcsPropertiesOverride, JobDetail, JobId, NodeOverrides, SubmitJobRequest, TaskContainerOverrides,
    TaskPropertiesOverride,
};
use crate::tui::screens::recorded_world;
use crate::tui::stage::Stage;
use serde_json::json;

/// The recorded world with other details of `resize-4711`.
fn stage(change: impl FnOnce(&mut JobDetail)) -> Stage {
    let mut world = recorded_world();
    let id = world.jobs.iter().find(|job| job.job_name == "resize-4711").expect("recorded").job_id.clone();
    if world.details.iter().all(|detail| detail.job_id != id) {
        let row = world.jobs.iter().find(|job| job.job_id == id).expect("recorded");
        let detail = JobDetail {
            job_id: id.clone(),
            job_name: row.job_name.clone(),
            job_queue: row.extra.as_ref().map(|extra| extra.job_queue.clone()).unwrap_or_default(),
            job_definition: row.job_definition.clone().unwrap_or_default(),
            status: row.status,
            created_at: row.created_at,
            started_at: row.started_at,
            ..JobDetail::default()
        };
        world.details.push(detail);
    }
    change(world.details.iter_mut().find(|detail| detail.job_id == id).expect("it is there"));
    let mut stage = Stage::new(world, (120, 40), Theme::default());
    stage.press("/ \"resize-4711\" Enter").expect("keys");
    stage
}

fn stream(app: &App) -> (Option<&str>, &str, &str) {
    let Subject::Stream(stream) = &app.log.wanted else { panic!("{:?}", app.log.wanted) };
    (stream.group.as_deref(), &stream.stream, &stream.which)
}

fn of_two_containers(detail: &mut JobDetail) {
    let container = |name: &str, task: &str, logs: serde_json::Value| {
        json!({ "name": name, "image": "host", "essential": name == "main", "logConfiguration": logs,
            "logStreamName": format!("d/{name}/{task}") })
    };
    let own = json!({ "logDriver": "awslogs", "options": { "awslogs-group": "/own" } });
    let elsewhere = json!({ "logDriver": "splunk" });
    let task = json!({ "taskProperties": [{
        "containers": [container("side", "t2", elsewhere), container("main", "t2", own)],
    }] });
    let ended = json!([{ "taskProperties": [{ "containers": [
        { "name": "side", "logStreamName": "d/side/t1" }, { "name": "main", "logStreamName": "d/main/t1" },
    ] }] }]);
    detail.container = None;
    detail.ecs_properties = Some(serde_json::from_value(task).expect("a task"));
    detail.attempts = serde_json::from_value(ended).expect("an attempt");
}

#[test]
fn one_of_several_logs_is_chosen_by_its_attempt_and_container() {
    let mut stage = stage(of_two_containers);
    stage.press("L").expect("keys");
    let text = stage.text();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("attempt ") && line.contains("d/")).collect();
    let order = ["attempt 2 · side", "attempt 2 · main", "attempt 1 · side", "attempt 1 · main"];
    assert_eq!(lines.len(), order.len(), "{text}");
    for (line, name) in lines.iter().zip(order) {
        assert!(line.contains(name), "{line}");
    }
    stage.press("\"1 main\" Enter").expect("keys");
    let (group, name, which) = stream(&stage.app);
    assert_eq!((group, name), (Some("/own"), "d/main/t1"));
    assert!(which.contains("attempt 1") && which.contains("main"), "{which}");
    stage.press("L \"1 side\" Enter").expect("keys");
    let (group, name, which) = stream(&stage.app);
    assert_eq!((group, name), (None, "d/side/t1"));
    assert!(which.contains("log driver splunk: kept here alone"), "{which}");
}

#[test]
fn a_job_with_one_log_says_so_and_a_job_of_several_nodes_offers_each() {
    let mut one = stage(|detail| {
        detail.attempts = Vec::new();
        detail.container = serde_json::from_value(json!({ "logStreamName": "d/default/t" })).expect("a container");
    });
    one.press("L").expect("keys");
    assert!(one.app.popups.is_empty() && one.text().contains("it has one log alone"), "{}", one.text());
    let mut nodes = stage(|detail| {
        detail.node_properties = serde_json::from_value(json!({ "numNodes": 3, "mainNode": 1 })).expect("nodes");
    });
    nodes.press("L").expect("keys");
    assert!(matches!(nodes.app.popups.last(), Some(Popup::Palette(_))));
    let text = nodes.text();
    assert!(text.contains("node 0") && text.contains("node 2") && text.contains("the main node"), "{text}");
}

#[test]
fn a_driver_whose_lines_are_in_no_log_is_named_where_the_log_would_be() {
    let stage = stage(|detail| {
        let logs = json!({ "logConfiguration": { "logDriver": "awsfirelens" } });
        detail.container = serde_json::from_value(logs).expect("a container");
        detail.attempts = Vec::new();
        detail.started_at = Some(1);
    });
    let job = stage.app.store.jobs.values().find(|job| job.job_name == "resize-4711").expect("there").clone();
    let detail = stage.backend.world().details.iter().find(|detail| detail.job_id == job.job_id);
    let told = stage.app.why_no_log(&job, detail);
    assert_eq!(told, "its log driver is awsfirelens: its lines are not in CloudWatch Logs");
}

fn sent(stage: &Stage) -> SubmitJobRequest {
    let [Call::SubmitJob(request)] = &stage.backend.calls()[..] else { panic!("one call: {}", stage.text()) };
    (**request).clone()
}

#[test]
fn a_job_submitted_again_keeps_all_that_it_was_submitted_with() {
    let given: SubmitJobRequest = serde_json::from_value(json!({
        "jobName": "resize-4711", "jobQueue": "high", "jobDefinition": "resize:14", "shareIdentifier": "a",
        "nodeOverrides": { "numNodes": 3 },
        "ecsPropertiesOverride": { "taskProperties": [{ "containers": [{ "name": "main", "command": ["x"] }] }] },
        "retryStrategy": { "attempts": 2, "evaluateOnExit": [{ "onExitCode": "1", "action": "exit" }] },
        "timeout": { "attemptDurationSeconds": 60 }, "schedulingPriorityOverride": 7,
        "tags": { "team": "night" }, "propagateTags": true,
        "consumableResourcePropertiesOverride": {
            "consumableResourceList": [{ "consumableResource": "licence", "quantity": 2 }],
        },
    }))
    .expect("a submission");
    let mut before = given.clone();
    before.depends_on = vec![crate::model::JobDependency { job_id: Some(JobId::from("gone")), kind: None }];
    let mut stage = stage(|detail| detail.request = Some(Box::new(before)));
    // A share is of a queue that has a policy.
    let queue = stage.app.store.queues.get_mut("high").expect("recorded");
    queue.scheduling_policy_arn = Some("arn:aws:batch:us-east-1:123456789012:scheduling-policy/fair".to_owned());
    stage.press("c alt-enter").expect("keys");
    assert_eq!(sent(&stage), given, "all but what it waited for");
}

#[test]
fn where_nobody_kept_the_request_what_differs_from_the_definition_is_sent_again() {
    let mut world = recorded_world();
    let container = |command: &str| json!({ "name": "main", "image": "host", "command": [command] });
    let definition = world.definitions.iter_mut().find(|known| known.label() == "resize:14").expect("recorded");
    definition.container_properties = None;
    let task = json!({ "taskProperties": [{ "containers": [container("own")] }] });
    definition.ecs_properties = Some(serde_json::from_value(task).expect("a task"));
    let nodes = |count: u32| serde_json::from_value(json!({ "numNodes": count })).expect("nodes");
    definition.node_properties = Some(nodes(2));
    let detail = world.details.iter_mut().find(|detail| detail.job_name == "resize-4711").expect("recorded");
    let task = json!({ "taskProperties": [{ "containers": [container("other")] }] });
    detail.ecs_properties = Some(serde_json::from_value(task).expect("a task"));
    detail.node_properties = Some(nodes(4));
    detail.container = None;
    detail.tags = [("team".to_owned(), "night".to_owned())].into();
    let mut stage = Stage::new(world, (120, 40), Theme::default());
    stage.press("/ \"resize-4711\" Enter c alt-enter").expect("keys");
    let request = sent(&stage);
    let own = TaskContainerOverrides { name: "main".into(), command: vec!["other".into()], ..Default::default() };
    let task = TaskPropertiesOverride { containers: vec![own] };
    assert_eq!(request.ecs_properties_override, Some(EcsPropertiesOverride { task_properties: vec![task] }));
    let count = NodeOverrides { num_nodes: Some(4), ..NodeOverrides::default() };
    assert_eq!((request.node_overrides, request.tags.len()), (Some(count), 1));
}
