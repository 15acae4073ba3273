//! What is refused, and in which words.

use super::world::{World, definition, environment, job, requirements};
use crate::engine::command::{Action, Answer};
use crate::model::{
    ArrayProperties, ComputeEnvironmentOrder, ContainerOverrides, CreateJobQueueRequest, DependencyKind,
    EvaluateOnExit, JobDependency, JobStatus, JobTimeout, KeyValuePair, NodeOverrides, RetryStrategy, SubmitJobRequest,
};

fn refusal(world: &mut World, action: Action) -> String {
    let before = world.engine.clone();
    let refusal = world.ask(action).expect_err("refused").to_string();
    assert!(world.engine == before, "a refusal changes nothing");
    refusal
}

fn dependency(job: Option<&str>, kind: Option<DependencyKind>) -> JobDependency {
    JobDependency { job_id: job.map(Into::into), kind }
}

#[test]
fn a_submission_is_refused_for_what_it_has_wrong() {
    let array = |size| Some(ArrayProperties { size: Some(size), ..ArrayProperties::default() });
    let pair = |name: &str| KeyValuePair { name: name.into(), value: "1".into() };
    let overrides = |change: fn(&mut ContainerOverrides)| {
        let mut overrides = ContainerOverrides::default();
        change(&mut overrides);
        Some(overrides)
    };
    let retry = |attempts, entries| Some(RetryStrategy { attempts, evaluate_on_exit: entries });
    let entry = |code: &str, action: &str| EvaluateOnExit {
        on_exit_code: Some(code.into()),
        action: action.into(),
        ..EvaluateOnExit::default()
    };
    let base = || job("a");
    let cases: Vec<(SubmitJobRequest, &str)> = vec![
        (job("-a"), "jobName is `-a`"),
        (SubmitJobRequest { job_queue: "nobody".into(), ..base() }, "JobQueue nobody not found."),
        (SubmitJobRequest { job_definition: "nobody".into(), ..base() }, "JobDefinition name nobody does not exist"),
        (SubmitJobRequest { job_definition: "job:2".into(), ..base() }, "JobDefinition name job:2 does not exist"),
        (SubmitJobRequest { array_properties: array(1), ..base() }, "arrayProperties.size is `1`"),
        (SubmitJobRequest { array_properties: array(10_001), ..base() }, "arrayProperties.size is `10001`"),
        (
            SubmitJobRequest { depends_on: vec![dependency(Some("x"), None)], ..base() },
            "dependsOn names the job x, which is not known",
        ),
        (SubmitJobRequest { depends_on: vec![dependency(None, None)], ..base() }, "a dependency has no jobId"),
        (
            SubmitJobRequest { depends_on: vec![dependency(None, Some(DependencyKind::Sequential))], ..base() },
            "a SEQUENTIAL dependency without jobId is for array jobs",
        ),
        (SubmitJobRequest { depends_on: vec![dependency(None, None); 21], ..base() }, "dependsOn has 21 entries"),
        (SubmitJobRequest { retry_strategy: retry(Some(11), vec![]), ..base() }, "retryStrategy.attempts is `11`"),
        (
            SubmitJobRequest { retry_strategy: retry(None, vec![entry("1", "EXIT")]), ..base() },
            "retryStrategy.evaluateOnExit needs retryStrategy.attempts",
        ),
        (SubmitJobRequest { retry_strategy: retry(Some(2), vec![entry("x", "EXIT")]), ..base() }, "onExitCode is `x`"),
        (
            SubmitJobRequest { retry_strategy: retry(Some(2), vec![entry("1*2", "EXIT")]), ..base() },
            "onExitCode is `1*2`",
        ),
        (
            SubmitJobRequest { retry_strategy: retry(Some(2), vec![entry("1", "STOP")]), ..base() },
            "evaluateOnExit.action is `STOP`",
        ),
        (
            SubmitJobRequest { retry_strategy: retry(Some(2), vec![entry("1", "EXIT"); 6]), ..base() },
            "retryStrategy.evaluateOnExit has 6 entries",
        ),
        (
            SubmitJobRequest { timeout: Some(JobTimeout { attempt_duration_seconds: Some(59) }), ..base() },
            "timeout.attemptDurationSeconds is `59`",
        ),
        (SubmitJobRequest { scheduling_priority_override: Some(10_000), ..base() }, "schedulingPriority is `10000`"),
        (
            SubmitJobRequest { share_identifier: Some("team".into()), ..base() },
            "shareIdentifier is `team`, but main has no fair-share policy",
        ),
        (
            SubmitJobRequest { tags: [("aws:x".to_owned(), String::new())].into(), ..base() },
            "the tag `aws:x` starts with `aws:`",
        ),
        (
            SubmitJobRequest { parameters: [("p".to_owned(), "x".repeat(31 * 1024))].into(), ..base() },
            "the request is ",
        ),
        (
            SubmitJobRequest {
                container_overrides: Some(ContainerOverrides {
                    environment: vec![pair("AWS_BATCH_X")],
                    ..Default::default()
                }),
                ..base()
            },
            "environment holds `AWS_BATCH_X`",
        ),
        (
            SubmitJobRequest { container_overrides: overrides(|o| o.command = vec![String::new()]), ..base() },
            "command holds an empty element",
        ),
        (
            SubmitJobRequest {
                container_overrides: overrides(|o| o.resource_requirements = requirements("0.1", "512")),
                ..base()
            },
            "resourceRequirements VCPU is `0.1`",
        ),
    ];
    let mut world = World::small(4);
    for (request, expected) in cases {
        let said = refusal(&mut world, Action::SubmitJob(Box::new(request)));
        assert!(said.starts_with(expected), "{said}\nnot {expected}");
    }
}

#[test]
fn a_dependency_on_what_has_failed_is_refused_and_on_what_has_succeeded_passes() {
    let mut world = World::small(4);
    let good = world.submit(job("good"));
    let bad = world.submit(job("bad"));
    world.run(&good, 0);
    world.run(&bad, 1);
    let on = |id: &str| SubmitJobRequest { depends_on: vec![dependency(Some(id), None)], ..job("a") };
    let said = refusal(&mut world, Action::SubmitJob(Box::new(on(bad.as_str()))));
    assert_eq!(said, format!("dependsOn names the job {bad}, which has FAILED; this job could never run"));
    let id = world.submit(on(good.as_str()));
    assert_eq!(world.status(&id), JobStatus::Starting);
}

#[test]
fn n_to_n_needs_arrays_of_one_size() {
    let mut world = World::small(4);
    let array = |size| SubmitJobRequest {
        array_properties: Some(ArrayProperties { size: Some(size), ..ArrayProperties::default() }),
        ..job("a")
    };
    let parent = world.submit(array(3));
    let single = world.submit(job("single"));
    for (id, size) in [(&parent, Some(2)), (&parent, None), (&single, Some(3))] {
        let depends_on = vec![dependency(Some(id.as_str()), Some(DependencyKind::NToN))];
        let request = SubmitJobRequest { depends_on, ..size.map_or(job("a"), array) };
        let said = refusal(&mut world, Action::SubmitJob(Box::new(request)));
        assert!(said.contains("N_TO_N"), "{said}");
    }
}

#[test]
fn a_definition_is_named_in_all_of_aws_s_ways() {
    let mut world = World::small(4);
    world.definition("job", "2", "512");
    let arn = "arn:aws:batch:us-east-1:123456789012:job-definition/job";
    let cases = [("job", 2), ("job:1", 1), (arn, 2), (&format!("{arn}:1"), 1)];
    let revision =
        |world: &World, id: &crate::model::JobId| world.job(id).job_definition.rsplit(':').next().map(str::to_owned);
    for (given, expected) in cases {
        let id = world.submit(SubmitJobRequest { job_definition: given.to_owned(), ..job("a") });
        assert_eq!(revision(&world, &id), Some(expected.to_string()), "{given}");
    }
    world.ask(Action::DeregisterJobDefinition { definition: "job:2".into() }).expect("deregistered");
    let id = world.submit(job("a"));
    assert_eq!(revision(&world, &id).as_deref(), Some("1"), "the highest ACTIVE one");
    let said = refusal(&mut world, Action::DeregisterJobDefinition { definition: "job".into() });
    assert!(said.contains("NAME:REVISION"), "{said}");
    match world.ask(Action::RegisterJobDefinition(Box::new(definition("job", "1", "512")))) {
        Ok(Answer::Registered(response)) => assert_eq!(response.revision, 3, "numbers are not used again"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn definitions_environments_and_queues_are_refused_for_what_they_have_wrong() {
    let mut world = World::small(4);
    let mut multinode = definition("m", "1", "512");
    multinode.kind = "multinode".into();
    let mut image = definition("m", "1", "512");
    image.container_properties.as_mut().expect("container").image = "a b".into();
    let mut sizeless = definition("m", "1", "512");
    sizeless.container_properties.as_mut().expect("container").resource_requirements.clear();
    let mut unmanaged = environment("u", 4);
    unmanaged.kind = "UNMANAGED".into();
    let mut fargate = environment("f", 4);
    fargate.compute_resources.as_mut().expect("resources").kind = "FARGATE".into();
    let mut floor = environment("m", 4);
    floor.compute_resources.as_mut().expect("resources").minv_cpus = Some(5);
    let queue = |name: &str, priority, environments: &[&str]| {
        let order = (1..)
            .zip(environments)
            .map(|(order, name)| ComputeEnvironmentOrder { order, compute_environment: (*name).to_owned() });
        Action::CreateJobQueue(CreateJobQueueRequest {
            job_queue_name: name.to_owned(),
            priority,
            compute_environment_order: order.collect(),
            ..Default::default()
        })
    };
    let cases = [
        (Action::RegisterJobDefinition(Box::new(multinode)), "a definition of type `multinode` takes nodeProperties"),
        (Action::RegisterJobDefinition(Box::new(image)), "containerProperties.image is `a b`"),
        (Action::RegisterJobDefinition(Box::new(sizeless)), "resourceRequirements has no VCPU"),
        (Action::CreateComputeEnvironment(environment("ce", 4)), "Object already exists"),
        (
            Action::CreateComputeEnvironment(unmanaged),
            "computeResources is given; an UNMANAGED environment has this machine",
        ),
        (Action::CreateComputeEnvironment(fargate), "computeResources.type FARGATE takes no"),
        (Action::CreateComputeEnvironment(floor), "minvCpus 5 is more than maxvCpus 4"),
        (Action::DeleteComputeEnvironment { name: "ce".into() }, "Cannot delete, ce is ENABLED"),
        (queue("main", 1, &["ce"]), "Object already exists"),
        (queue("q", 1001, &["ce"]), "priority is `1001`"),
        (queue("q", 1, &[]), "computeEnvironmentOrder has 0 entries"),
        (queue("q", 1, &["ce", "ce"]), "computeEnvironmentOrder names ce twice"),
        (queue("q", 1, &["nobody"]), "ComputeEnvironment nobody not found."),
        (Action::TerminateJob { job: "x".into(), reason: "r".into() }, "Job x not found"),
        (Action::CancelJob { job: "x".into(), reason: String::new() }, "reason is ``"),
    ];
    for (action, expected) in cases {
        let said = refusal(&mut world, action);
        assert!(said.starts_with(expected), "{said}\nnot {expected}");
    }
}

#[test]
fn a_job_is_told_as_it_was_submitted_so_that_it_can_be_submitted_again() {
    let mut world = World::small(8);
    world.consumable("licence", 9, crate::model::ConsumableKind::Replenishable);
    world.ask(Action::RegisterJobDefinition(Box::new(super::tasks::two_containers()))).expect("registered");
    let asked: SubmitJobRequest = serde_json::from_value(serde_json::json!({
        "jobName": "a", "jobQueue": "main", "jobDefinition": "pair:1", "parameters": { "what": "else" },
        "ecsPropertiesOverride": { "taskProperties": [{ "containers": [{ "name": "main", "command": ["x"] }] }] },
        "retryStrategy": { "attempts": 2, "evaluateOnExit": [{ "onExitCode": "1", "action": "EXIT" }] },
        "timeout": { "attemptDurationSeconds": 60 }, "schedulingPriorityOverride": 7,
        "arrayProperties": { "size": 2 }, "tags": { "team": "night" }, "propagateTags": true,
        "consumableResourcePropertiesOverride": {
            "consumableResourceList": [{ "consumableResource": "licence", "quantity": 2 }],
        },
    }))
    .expect("a submission");
    let id = world.submit(asked.clone());
    assert_eq!(world.engine.request_of(&id).as_ref(), Some(&asked));
    assert_eq!(world.engine.request_of(&id.child(1)).as_ref(), Some(&asked), "the whole is meant");
    world.submit(world.engine.request_of(&id).expect("known"));
    let nodes = SubmitJobRequest {
        job_definition: "mpi:1".into(),
        node_overrides: Some(NodeOverrides { num_nodes: Some(4), ..NodeOverrides::default() }),
        ..job("nodes")
    };
    let range = crate::model::NodeRangeProperty {
        consumable_resource_properties: Some(super::world::consumes(&[("licence", 2)])),
        ..super::nodes::range("0:", "1")
    };
    let definition = super::nodes::definition(3, 0, vec![range]);
    world.ask(Action::RegisterJobDefinition(Box::new(definition))).expect("registered");
    let id = world.submit(nodes.clone());
    let again = world.engine.request_of(&id).expect("known");
    assert_eq!((&again.node_overrides, &again.consumable_resource_properties_override), (&nodes.node_overrides, &None));
    let takes = |world: &World, id| world.engine.find(id).expect("known").1.spec.consumables.clone();
    let again = world.submit(again);
    assert_eq!(takes(&world, &again), takes(&world, &id), "each of the four nodes takes two, once");
    assert_eq!(world.engine.request_of(&"nobody".into()), None);
}
