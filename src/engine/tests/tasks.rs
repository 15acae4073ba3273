//! Jobs of several containers, and what jobs override.

use super::world::{World, definition, job, requirements, sized};
use crate::engine::command::{Action, Outcome};
use crate::model::{
    AttemptContainerDetail, ContainerCondition, ContainerExit, ContainerOverrides, EcsProperties,
    EcsPropertiesOverride, EcsTaskProperties, JobStatus, KeyValuePair, RegisterJobDefinitionRequest,
    ResourceRequirement, SubmitJobRequest, TaskContainerDependency, TaskContainerOverrides, TaskContainerProperties,
    TaskPropertiesOverride,
};

fn container(name: &str, essential: bool) -> TaskContainerProperties {
    TaskContainerProperties {
        name: name.into(),
        image: "host".into(),
        command: vec!["run".into(), "Ref::what".into()],
        essential: Some(essential),
        resource_requirements: requirements("1", "256"),
        ..TaskContainerProperties::default()
    }
}

fn after(container: TaskContainerProperties, other: &str, condition: ContainerCondition) -> TaskContainerProperties {
    let depends_on = vec![TaskContainerDependency { container_name: other.into(), condition }];
    TaskContainerProperties { depends_on, ..container }
}

fn task(containers: Vec<TaskContainerProperties>) -> RegisterJobDefinitionRequest {
    let task = EcsTaskProperties { containers, ..EcsTaskProperties::default() };
    RegisterJobDefinitionRequest {
        job_definition_name: "pair".into(),
        kind: "container".into(),
        ecs_properties: Some(EcsProperties { task_properties: vec![task] }),
        parameters: [("what".to_owned(), "default".to_owned())].into(),
        ..RegisterJobDefinitionRequest::default()
    }
}

/// The definition `pair`.
pub fn two_containers() -> RegisterJobDefinitionRequest {
    task(vec![after(container("main", true), "setup", ContainerCondition::Success), container("setup", false)])
}

fn pair() -> World {
    let mut world = World::small(4);
    world.ask(Action::RegisterJobDefinition(Box::new(two_containers()))).expect("registered");
    world
}

fn of_pair(name: &str) -> SubmitJobRequest {
    SubmitJobRequest { job_definition: "pair".into(), ..job(name) }
}

fn overriding(containers: Vec<TaskContainerOverrides>) -> EcsPropertiesOverride {
    EcsPropertiesOverride { task_properties: vec![TaskPropertiesOverride { containers }] }
}

#[test]
fn a_task_is_started_as_one_with_what_each_container_needs() {
    let mut world = pair();
    let own = TaskContainerOverrides {
        name: "main".into(),
        command: vec!["other".into(), "Ref::what".into()],
        environment: vec![KeyValuePair { name: "A".into(), value: "1".into() }],
        resource_requirements: vec![ResourceRequirement { kind: "MEMORY".into(), value: "1024".into() }],
    };
    let id = world.submit(SubmitJobRequest {
        ecs_properties_override: Some(overriding(vec![own])),
        parameters: [("what".to_owned(), "given".to_owned())].into(),
        ..of_pair("a")
    });
    world.register_all();
    let start = &world.starts[&world.live(&id)];
    assert_eq!((start.vcpus.to_string().as_str(), start.memory_mib), ("2", 1280), "the containers' together");
    let [main, setup] = start.containers.as_slice() else { panic!("two containers") };
    assert_eq!((main.name.as_str(), main.essential, setup.essential), ("main", true, false));
    assert_eq!(main.depends_on[0].condition, ContainerCondition::Success);
    assert_eq!(
        (main.properties.command.join(" "), setup.properties.command.join(" ")),
        ("other given".into(), "run given".into())
    );
    assert_eq!((main.memory_mib, setup.memory_mib), (Some(1024), Some(256)));
    assert_eq!(main.log_stream, format!("pair/main/{}", start.task_id));
    assert_eq!(setup.log_stream, format!("pair/setup/{}", start.task_id));
    for container in [main, setup] {
        let names: Vec<_> = container.properties.environment.iter().map(|pair| pair.name.as_str()).collect();
        assert!(names.contains(&"AWS_BATCH_JOB_ID") && names.contains(&"AWS_BATCH_JOB_ATTEMPT"), "{names:?}");
        assert_eq!(names.contains(&"A"), container.name == "main");
    }
}

#[test]
fn each_container_is_told_with_its_exit_and_its_stream() {
    let mut world = pair();
    let id = world.submit(of_pair("a"));
    world.register_all();
    let attempt = world.live(&id);
    let silent =
        world.job(&id).ecs_properties.expect("a task").task_properties[0].containers[0].log_stream_name.clone();
    assert_eq!(silent, None, "a stream is known from RUNNING on");
    world.started(&attempt);
    let exit = |name: &str, code: i32, reason: Option<&str>| ContainerExit {
        name: name.into(),
        code: Some(code),
        reason: reason.map(str::to_owned),
    };
    let outcome = Outcome {
        at: world.now,
        code: Some(137),
        reason: Some("OutOfMemoryError: Container killed due to memory usage".into()),
        containers: vec![
            exit("setup", 0, None),
            exit("main", 137, Some("OutOfMemoryError: Container killed due to memory usage")),
        ],
        ..Outcome::default()
    };
    world.exited(&attempt, outcome);
    let job = world.job(&id);
    assert_eq!(
        (job.status, job.status_reason.as_deref()),
        (JobStatus::Failed, Some("Essential container in task exited"))
    );
    let container = job.container.expect("always there");
    assert_eq!(serde_json::to_value(&container).expect("written").get("image"), None, "and empty");
    assert_eq!((container.exit_code, container.log_stream_name), (None, None));
    let task_id = world.starts[&attempt].task_id.clone();
    let task = &job.ecs_properties.expect("a task").task_properties[0];
    let told: Vec<_> = task
        .containers
        .iter()
        .map(|container| (container.given.name.as_str(), container.exit_code, container.log_stream_name.clone()))
        .collect();
    let stream = |name: &str| Some(format!("pair/{name}/{task_id}"));
    assert_eq!(told, [("main", Some(137), stream("main")), ("setup", Some(0), stream("setup"))]);
    assert!(task.task_arn.as_deref().is_some_and(|arn| arn.ends_with(&task_id)));
    assert_eq!(task.containers[0].given.command, ["run", "default"]);
    let attempt = &job.attempts[0];
    assert_eq!(attempt.container, AttemptContainerDetail::default());
    let exits: Vec<_> =
        attempt.task_properties[0].containers.iter().map(|one| (one.name.as_str(), one.exit_code)).collect();
    assert_eq!(exits, [("main", Some(137)), ("setup", Some(0))]);
    let mut streams = world.engine.log_streams(std::slice::from_ref(&id));
    streams.sort();
    assert_eq!(streams, [stream("main"), stream("setup")].map(Option::unwrap_or_default));
}

#[test]
fn tasks_that_cannot_be_are_refused_with_the_reason() {
    let mut world = World::small(4);
    let eleven: Vec<_> = (0..11).map(|number| container(&format!("c{number}"), true)).collect();
    let circle = vec![
        after(container("a", true), "b", ContainerCondition::Start),
        after(container("b", true), "a", ContainerCondition::Start),
    ];
    let mut two_tasks = task(vec![container("a", true)]);
    if let Some(ecs) = &mut two_tasks.ecs_properties {
        ecs.task_properties.push(EcsTaskProperties::default());
    }
    let bare = TaskContainerProperties { resource_requirements: vec![], ..container("a", true) };
    let cases = [
        (task(vec![]), "has 0 containers; a task takes 1 to 10"),
        (task(eleven), "has 11 containers"),
        (two_tasks, "taskProperties has 2 elements; it takes exactly one"),
        (task(vec![container("a", false)]), "has no essential container"),
        (task(vec![container("a", true), container("a", true)]), "two containers called `a`"),
        (task(vec![container("", true)]), "the name of a container is ``"),
        (
            task(vec![after(container("a", true), "b", ContainerCondition::Start)]),
            "depends on `b`, which is no other container",
        ),
        (task(circle), "waits for itself"),
        (task(vec![bare]), "resourceRequirements has no VCPU"),
        (
            RegisterJobDefinitionRequest {
                eks_properties: Some(serde_json::json!({})),
                ..task(vec![container("a", true)])
            },
            "the local engine runs no EKS jobs",
        ),
        (
            RegisterJobDefinitionRequest {
                container_properties: definition("x", "1", "128").container_properties,
                ..task(vec![container("a", true)])
            },
            "and one alone; given: containerProperties, ecsProperties",
        ),
    ];
    for (request, word) in cases {
        let refused = world.ask(Action::RegisterJobDefinition(Box::new(request))).expect_err(word).to_string();
        assert!(refused.contains(word), "{refused}\n{word}");
    }
}

#[test]
fn what_is_overridden_must_be_there_and_may_be_overridden() {
    let mut world = pair();
    let named = |name: &str, command: &[&str], variable: &str| TaskContainerOverrides {
        name: name.into(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        environment: vec![KeyValuePair { name: variable.into(), value: "x".into() }],
        ..TaskContainerOverrides::default()
    };
    let single = |command: &[&str], variable: &str| ContainerOverrides {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        environment: vec![KeyValuePair { name: variable.into(), value: "x".into() }],
        ..ContainerOverrides::default()
    };
    let task = |own| SubmitJobRequest { ecs_properties_override: Some(overriding(vec![own])), ..of_pair("a") };
    let cases = [
        (task(named("nobody", &["x"], "A")), "names the container `nobody`"),
        (task(named("main", &["x", ""], "A")), "holds an empty element"),
        (task(named("main", &["x"], "AWS_BATCH_X")), "names that start with AWS_BATCH are reserved"),
        (
            SubmitJobRequest { container_overrides: Some(single(&["x"], "A")), ..of_pair("a") },
            "has ecsProperties; use ecsPropertiesOverride",
        ),
        (
            SubmitJobRequest { ecs_properties_override: Some(overriding(vec![named("x", &["x"], "A")])), ..job("a") },
            "has one container; use containerOverrides",
        ),
        (SubmitJobRequest { container_overrides: Some(single(&[""], "A")), ..job("a") }, "holds an empty element"),
        (
            SubmitJobRequest { container_overrides: Some(single(&["x"], "AWS_BATCH_JOB_ID")), ..job("a") },
            "names that start with AWS_BATCH are reserved",
        ),
        (
            SubmitJobRequest { eks_properties_override: Some(serde_json::json!({})), ..job("a") },
            "eksPropertiesOverride is given",
        ),
    ];
    for (request, word) in cases {
        let refused = world.ask(Action::SubmitJob(Box::new(request))).expect_err(word).to_string();
        assert!(refused.contains(word), "{refused}\n{word}");
    }
}

#[test]
fn the_sizes_of_requests_are_aws_s() {
    let mut world = World::small(4);
    let long = |kib: usize| vec!["x".repeat(kib * 1024)];
    let submission = |kib| {
        let overrides = ContainerOverrides { command: long(kib), ..ContainerOverrides::default() };
        SubmitJobRequest { container_overrides: Some(overrides), ..job("a") }
    };
    world.submit(submission(29));
    let refused = world.ask(Action::SubmitJob(Box::new(submission(30)))).expect_err("too large").to_string();
    assert!(refused.contains("it takes at most 30 KiB"), "{refused}");
    let registration = |kib| {
        let mut request = definition("long", "1", "128");
        if let Some(container) = &mut request.container_properties {
            container.command = long(kib);
        }
        request
    };
    world.ask(Action::RegisterJobDefinition(Box::new(registration(23)))).expect("registered");
    let refused =
        world.ask(Action::RegisterJobDefinition(Box::new(registration(24)))).expect_err("too large").to_string();
    assert!(refused.contains("it takes at most 24 KiB"), "{refused}");
}

#[test]
fn more_than_fifty_tags_to_propagate_fail_the_job_and_not_the_submission() {
    let tags = |from: usize, to: usize| (from..to).map(|n| (format!("t{n}"), String::new())).collect();
    for (own, of_definition, fails) in
        [(Some(true), None, true), (None, Some(true), true), (Some(false), Some(true), false), (None, None, false)]
    {
        let mut world = World::small(4);
        let mut request = definition("tagged", "1", "128");
        request.tags = tags(0, 30);
        request.propagate_tags = of_definition;
        world.ask(Action::RegisterJobDefinition(Box::new(request))).expect("registered");
        let id = world.submit(SubmitJobRequest {
            job_definition: "tagged".into(),
            tags: tags(20, 51),
            propagate_tags: own,
            ..job("a")
        });
        let detail = world.job(&id);
        assert_eq!(detail.status == JobStatus::Failed, fails, "{own:?} {of_definition:?}");
        assert_eq!(detail.propagate_tags, own.or(of_definition).unwrap_or(false));
        assert_eq!(world.reason(&id).contains("51 tags to propagate"), fails);
    }
}

#[test]
fn deprecated_sizes_yield_to_requirements_and_the_merged_ones_are_shown() {
    let mut world = World::small(4);
    let id = world.submit(sized("a", "2", "1024"));
    let shown = world.job(&id).container.expect("a container").resource_requirements;
    assert_eq!(shown, requirements("2", "1024"));
    let overrides = ContainerOverrides { vcpus: Some(4), memory: Some(64), ..ContainerOverrides::default() };
    let id = world.submit(SubmitJobRequest { container_overrides: Some(overrides), ..job("b") });
    let shown = world.job(&id).container.expect("a container").resource_requirements;
    assert_eq!(shown, requirements("1", "512"), "the definition says it in resourceRequirements");
}
