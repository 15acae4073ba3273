//! Multi-node parallel jobs: placed together, led by the main node, ended with it.

use super::world::{DAY, HOUR, MINUTE, SECOND, World, consumes, job, requirements};
use crate::engine::command::{Action, Outcome};
use crate::engine::{JobFilter, Settings};
use crate::model::{
    ArrayProperties, AttemptId, ComputeResource, ConsumableKind, ContainerOverrides, ContainerProperties,
    CreateComputeEnvironmentRequest, JobDependency, JobId, JobStatus, JobTimeout, NodeOverrides, NodeProperties,
    NodePropertyOverride, NodeRangeProperty, RegisterJobDefinitionRequest, RetryStrategy, SubmitJobRequest,
};
use std::collections::BTreeSet;

use JobStatus::{Failed, Pending, Runnable, Running, Starting, Succeeded};

pub fn range(target: &str, vcpus: &str) -> NodeRangeProperty {
    NodeRangeProperty {
        target_nodes: target.into(),
        container: Some(ContainerProperties {
            image: "host".into(),
            command: vec!["work".into(), target.into()],
            resource_requirements: requirements(vcpus, "512"),
            ..ContainerProperties::default()
        }),
        ..NodeRangeProperty::default()
    }
}

pub fn definition(count: u32, main: u32, ranges: Vec<NodeRangeProperty>) -> RegisterJobDefinitionRequest {
    RegisterJobDefinitionRequest {
        job_definition_name: "mpi".into(),
        kind: "multinode".into(),
        node_properties: Some(NodeProperties { num_nodes: count, main_node: main, node_range_properties: ranges }),
        ..RegisterJobDefinitionRequest::default()
    }
}

/// An environment of `vcpus` with instances of two vCPUs and more, and a definition of three nodes, led by node 0.
fn three(vcpus: i32) -> World {
    let mut world = World::small(vcpus);
    let request = definition(3, 0, vec![range("0:", "1")]);
    world.ask(Action::RegisterJobDefinition(Box::new(request))).expect("registered");
    world
}

fn mpi(name: &str) -> SubmitJobRequest {
    SubmitJobRequest { job_definition: "mpi".into(), ..job(name) }
}

fn tried(attempts: u32) -> SubmitJobRequest {
    let retry_strategy = Some(RetryStrategy { attempts: Some(attempts), evaluate_on_exit: vec![] });
    SubmitJobRequest { retry_strategy, ..mpi("a") }
}

fn attempt(id: &JobId, index: u32, number: u32) -> AttemptId {
    AttemptId { job: id.node(index), number }
}

fn exit(world: &World, code: i32) -> Outcome {
    Outcome { at: world.now, code: Some(code), ..Outcome::default() }
}

fn statuses(world: &World, id: &JobId) -> Vec<JobStatus> {
    (0..3).map(|index| world.status(&id.node(index))).collect()
}

/// A job whose three nodes all run.
fn running(request: SubmitJobRequest) -> (World, JobId) {
    let mut world = three(8);
    let id = world.submit(request);
    world.register_all();
    for index in 0..3 {
        world.started(&attempt(&id, index, 1));
    }
    (world, id)
}

#[test]
fn nodes_are_placed_together_each_on_an_instance_of_its_own() {
    let mut world = three(8);
    let id = world.submit(mpi("a"));
    assert_eq!((world.status(&id), statuses(&world, &id)), (Runnable, vec![Runnable; 3]));
    assert_eq!(world.launching.len(), 3);
    let instances: Vec<_> = world.launching.iter().cloned().collect();
    world.register(&instances[0]);
    world.register(&instances[1]);
    assert_eq!(world.status(&id), Runnable, "two of three are not enough");
    world.register(&instances[2]);
    assert_eq!((world.status(&id), statuses(&world, &id)), (Starting, vec![Starting; 3]));
    let hosts: BTreeSet<_> =
        (0..3).filter_map(|index| world.job(&id.node(index)).extra.and_then(|extra| extra.instance)).collect();
    assert_eq!(hosts.len(), 3);
    // A whole instance each: what is left of it is for nobody.
    let other = world.submit(job("other"));
    assert_eq!(world.status(&other), Runnable);
    assert_eq!(world.launching.len(), 1);
}

#[test]
fn the_main_node_starts_first_and_the_others_when_it_runs() {
    let mut world = three(8);
    let id = world.submit(mpi("a"));
    world.register_all();
    assert_eq!(world.starts.keys().collect::<Vec<_>>(), [&attempt(&id, 0, 1)]);
    world.now += SECOND;
    world.started_at(&attempt(&id, 0, 1), Some("10.0.0.7"));
    assert_eq!((world.status(&id), statuses(&world, &id)), (Running, vec![Running, Starting, Starting]));
    assert_eq!(world.starts.len(), 3);
    let variable = |index: u32, name: &str| {
        let start = &world.starts[&attempt(&id, index, 1)];
        let environment = &start.containers[0].properties.environment;
        environment.iter().find(|pair| pair.name == name).map(|pair| pair.value.clone())
    };
    for (index, address) in [(0, None), (1, Some("10.0.0.7")), (2, Some("10.0.0.7"))] {
        assert_eq!(variable(index, "AWS_BATCH_JOB_ID"), Some(id.node(index).0));
        assert_eq!(variable(index, "AWS_BATCH_JOB_NODE_INDEX"), Some(index.to_string()));
        assert_eq!(variable(index, "AWS_BATCH_JOB_NUM_NODES").as_deref(), Some("3"));
        assert_eq!(variable(index, "AWS_BATCH_JOB_MAIN_NODE_INDEX").as_deref(), Some("0"));
        assert_eq!(variable(index, "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS").as_deref(), address);
    }
    let networks: BTreeSet<_> = world.starts.values().map(|start| start.network.clone()).collect();
    assert_eq!(networks.len(), 1, "they share a network");
    let whole = world.job(&id);
    assert_eq!(whole.started_at, Some(world.now), "the job started with its main node");
    assert_eq!(whole.extra.map(|extra| extra.vcpus), Some(3.0));
}

#[test]
fn a_main_node_without_an_address_is_on_this_machine() {
    let (world, id) = running(mpi("a"));
    let environment = &world.starts[&attempt(&id, 2, 1)].containers[0].properties.environment;
    let main = environment.iter().find(|pair| pair.name == "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS");
    assert_eq!(main.map(|pair| pair.value.as_str()), Some("127.0.0.1"));
}

#[test]
fn the_job_ends_with_its_main_node_and_the_others_are_stopped() {
    for (code, status) in [(0, Succeeded), (3, Failed)] {
        let (mut world, id) = running(mpi("a"));
        world.now += SECOND;
        let ended = exit(&world, code);
        world.exited(&attempt(&id, 0, 1), ended);
        assert_eq!((world.status(&id), world.reason(&id).as_str()), (status, "Essential container in task exited"));
        assert_eq!(world.stops, [(attempt(&id, 1, 1), 30), (attempt(&id, 2, 1), 30)]);
        assert_eq!(statuses(&world, &id), [status, Running, Running], "until they have stopped");
        world.deliver();
        assert_eq!(statuses(&world, &id), [status; 3]);
        assert_eq!(world.reason(&id.node(2)), "Main node exited");
        let whole = world.job(&id);
        assert_eq!(whole.container.and_then(|container| container.exit_code), Some(code), "the main node's data");
        assert_eq!(whole.attempts.len(), 1);
        assert_eq!(whole.attempts[0].container.exit_code, Some(code));
        assert_eq!(world.job(&id.node(1)).attempts[0].container.exit_code, Some(143));
        assert_eq!(world.engine.log_streams(std::slice::from_ref(&id)).len(), 3);
    }
}

#[test]
fn a_child_node_that_dies_changes_nothing_but_for_itself() {
    let (mut world, id) = running(tried(3));
    let dead = exit(&world, 9);
    world.exited(&attempt(&id, 1, 1), dead);
    let host = world.holder(&attempt(&id, 2, 1));
    world.lose(&host);
    assert_eq!((world.status(&id), statuses(&world, &id)), (Running, vec![Running, Failed, Failed]));
    assert_eq!(world.reason(&id.node(2)), format!("Host EC2 (instance {host}) terminated."));
    world.run_started(&attempt(&id, 0, 1), 0);
    assert_eq!((world.status(&id), world.job(&id).attempts.len()), (Succeeded, 1));
}

#[test]
fn a_failed_main_node_is_tried_again_with_all_nodes_once_the_last_has_ended() {
    let (mut world, id) = running(tried(2));
    world.run_started(&attempt(&id, 0, 1), 1);
    assert_eq!(world.status(&id), Running, "the others wind up");
    let cancelled = world.ask(Action::CancelJob { job: id.clone(), reason: "too late".into() });
    assert!(cancelled.is_ok() && !world.job(&id).is_cancelled, "it counts as running");
    world.deliver();
    assert_eq!((world.status(&id), statuses(&world, &id)), (Starting, vec![Starting; 3]), "there is room at once");
    assert_eq!(world.starts.keys().filter(|attempt| attempt.number == 2).count(), 1, "the main node first again");
    for index in 0..3 {
        world.started(&attempt(&id, index, 2));
    }
    world.run_started(&attempt(&id, 0, 2), 1);
    world.deliver();
    assert_eq!((world.status(&id), world.job(&id).attempts.len()), (Failed, 2));
    assert_eq!(world.job(&id.node(1)).attempts.len(), 2);
    world.assert_replays(&Settings::default());
}

#[test]
fn the_loss_of_the_main_node_s_instance_is_judged_as_the_job_s() {
    let (mut world, id) = running(tried(2));
    let host = world.holder(&attempt(&id, 0, 1));
    world.lose(&host);
    world.deliver();
    assert_eq!(world.status(&id), Runnable, "it waits for another instance");
    assert_eq!(world.job(&id).attempts[0].status_reason, Some(format!("Host EC2 (instance {host}) terminated.")));
    world.register_all();
    assert_eq!(world.status(&id), Starting);
}

#[test]
fn a_job_is_terminated_as_a_whole_in_any_state() {
    // How many nodes have started: none, the main one, all.
    for started in [0, 1, 3] {
        let mut world = three(8);
        let id = world.submit(tried(3));
        world.register_all();
        for index in 0..started {
            world.started(&attempt(&id, index, 1));
        }
        let node = world.ask(Action::TerminateJob { job: id.node(1), reason: "no".into() }).expect_err("a node");
        assert_eq!(
            node.to_string(),
            format!("Job {} is a node; TerminateJob takes {id}, the job as a whole", id.node(1))
        );
        world.ask(Action::TerminateJob { job: id.clone(), reason: "enough".into() }).expect("accepted");
        assert_eq!(world.stops.len(), 3, "{started}");
        world.deliver();
        assert_eq!((world.status(&id), world.reason(&id).as_str()), (Failed, "enough"), "{started}");
        assert_eq!(statuses(&world, &id), [Failed; 3]);
        assert!(world.job(&id).is_terminated && world.job(&id.node(2)).is_terminated);
        assert_eq!(world.job(&id).attempts.len(), 1, "and is not tried again");
    }
    let mut world = three(8);
    let id = world.submit(mpi("a"));
    world.ask(Action::CancelJob { job: id.clone(), reason: "enough".into() }).expect("accepted");
    assert_eq!((world.status(&id), statuses(&world, &id)), (Failed, vec![Failed; 3]));
}

#[test]
fn what_winds_up_before_it_is_tried_again_can_be_terminated() {
    let (mut world, id) = running(tried(3));
    world.hold_stops = true;
    world.run_started(&attempt(&id, 0, 1), 1);
    world.ask(Action::TerminateJob { job: id.clone(), reason: "enough".into() }).expect("accepted");
    for index in [1, 2] {
        let ended = exit(&world, 143);
        world.exited(&attempt(&id, index, 1), ended);
    }
    assert_eq!((world.status(&id), world.reason(&id).as_str()), (Failed, "enough"));
}

#[test]
fn a_timeout_is_the_main_node_s_and_covers_the_whole() {
    let timeout = Some(JobTimeout { attempt_duration_seconds: Some(600) });
    let (mut world, id) = running(SubmitJobRequest { timeout, ..tried(3) });
    let limits: Vec<_> = world.starts.values().map(|start| start.timeout_seconds).collect();
    assert_eq!(limits, [Some(600), None, None]);
    let late = Outcome { timed_out: true, ..exit(&world, 137) };
    world.exited(&attempt(&id, 0, 1), late);
    world.deliver();
    let reason = "Job attempt duration exceeded timeout";
    assert_eq!((world.status(&id), world.reason(&id).as_str()), (Failed, reason));
}

#[test]
fn ranges_and_overrides_hold_for_their_nodes_and_nested_ones_win() {
    let mut world = World::small(16);
    let request = definition(4, 1, vec![range("0:", "1"), range("1", "2")]);
    world.ask(Action::RegisterJobDefinition(Box::new(request))).expect("registered");
    let overrides = NodePropertyOverride {
        target_nodes: "2:".into(),
        container_overrides: Some(ContainerOverrides {
            command: vec!["other".into()],
            resource_requirements: requirements("3", "1024"),
            ..ContainerOverrides::default()
        }),
        ..NodePropertyOverride::default()
    };
    let node_overrides = Some(NodeOverrides { num_nodes: Some(5), node_property_overrides: vec![overrides] });
    let id = world.submit(SubmitJobRequest { node_overrides, ..mpi("a") });
    world.register_all();
    world.started(&attempt(&id, 1, 1));
    let given: Vec<_> = (0..5)
        .map(|index| {
            let start = &world.starts[&attempt(&id, index, 1)];
            let vcpus = start.vcpus;
            (start.containers[0].properties.command.join(" "), format!("{vcpus}"))
        })
        .collect();
    let expected = [("work 0:", "1"), ("work 1", "2"), ("other", "3"), ("other", "3"), ("other", "3")];
    assert_eq!(given, expected.map(|(command, vcpus)| (command.to_owned(), vcpus.to_owned())));
    let whole = world.job(&id);
    assert_eq!(whole.extra.map(|extra| extra.vcpus), Some(12.0));
    assert_eq!(whole.node_properties.map(|nodes| (nodes.num_nodes, nodes.main_node)), Some((5, 1)));
    assert_eq!(world.job(&id.node(1)).node_details.map(|node| (node.node_index, node.is_main_node)), Some((1, true)));
}

#[test]
fn the_job_is_one_row_and_its_nodes_are_listed_for_themselves() {
    let (world, id) = running(mpi("a"));
    let (rows, _) = world.engine.jobs(&JobFilter { limit: 10, ..JobFilter::default() }).expect("a page");
    assert_eq!(rows.iter().map(|row| &row.job_id).collect::<Vec<_>>(), [&id]);
    assert_eq!(rows[0].node_properties.as_ref().and_then(|nodes| nodes.num_nodes), Some(3));
    assert_eq!(world.engine.job_count(), 1);
    let nodes = JobFilter { nodes: Some(id.clone()), limit: 2, ..JobFilter::default() };
    let (first, token) = world.engine.jobs(&nodes).expect("a page");
    let (rest, end) = world.engine.jobs(&JobFilter { token, ..nodes }).expect("a page");
    let ids: Vec<_> = first.iter().chain(&rest).map(|row| row.job_id.clone()).collect();
    assert_eq!((ids, end), ((0..3).map(|index| id.node(index)).collect::<Vec<_>>(), None));
    let main: Vec<_> =
        first.iter().map(|row| row.node_properties.as_ref().and_then(|node| node.is_main_node)).collect();
    assert_eq!(main, [Some(true), Some(false)]);
    for (filter, word) in [
        (JobFilter { nodes: Some("nobody".into()), ..JobFilter::default() }, "not found"),
        (JobFilter { array: Some(id.clone()), ..JobFilter::default() }, "is not the parent of an array"),
        (JobFilter { nodes: Some(id.node(0)), ..JobFilter::default() }, "is not a multi-node parallel job"),
    ] {
        assert!(world.engine.jobs(&filter).expect_err("refused").to_string().contains(word), "{filter:?}");
    }
    assert_eq!(world.engine.describe_jobs(&[id.node(3), id.child(0)]), []);
}

#[test]
fn what_depends_on_it_waits_for_the_whole() {
    let (mut world, id) = running(mpi("a"));
    let depends_on = |id: JobId| vec![JobDependency { job_id: Some(id), kind: None }];
    let next = world.submit(SubmitJobRequest { depends_on: depends_on(id.clone()), ..job("next") });
    let node = SubmitJobRequest { depends_on: depends_on(id.node(1)), ..job("node") };
    let refused = world.ask(Action::SubmitJob(Box::new(node))).expect_err("a node");
    assert!(refused.to_string().contains("name the multi-node job as a whole"), "{refused}");
    let last = world.submit(SubmitJobRequest { depends_on: depends_on(next.clone()), ..mpi("last") });
    assert_eq!(world.status(&last), Pending);
    world.run_started(&attempt(&id, 0, 1), 0);
    assert_ne!(world.status(&next), Pending);
    world.deliver();
    world.run(&next, 1);
    assert_eq!((world.status(&last), statuses(&world, &last)), (Failed, vec![Failed; 3]));
}

#[test]
fn a_head_without_room_says_why_and_holds_its_queue() {
    let mut world = three(4);
    let id = world.submit(mpi("a"));
    let behind = world.submit(job("behind"));
    let reason = world.reason(&id);
    assert!(reason.starts_with("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"), "{reason}");
    assert_eq!((world.status(&behind), world.launching.len()), (Runnable, 0));
    world.ask(Action::TerminateJob { job: id, reason: "too large".into() }).expect("accepted");
    world.register_all();
    assert_eq!(world.status(&behind), Starting);
}

#[test]
fn an_instance_that_runs_something_is_not_taken_until_it_is_empty() {
    let mut world = three(6);
    let small = world.submit(job("small"));
    world.register_all();
    let attempt_of_small = world.live(&small);
    world.started(&attempt_of_small);
    let id = world.submit(mpi("a"));
    world.register_all();
    assert_eq!(world.status(&id), Runnable);
    world.run_started(&attempt_of_small, 0);
    world.register_all();
    assert_eq!(world.status(&id), Starting, "its instance is one of the three");
}

#[test]
fn an_engine_that_comes_back_starts_no_node_before_its_time_and_stops_those_that_are_over() {
    let mut world = three(8);
    let id = world.submit(mpi("a"));
    world.register_all();
    let instances: Vec<_> = world.agents.keys().cloned().collect();
    let snapshot = serde_json::to_string(&world.engine).expect("written");
    world.engine = serde_json::from_str(&snapshot).expect("read");
    for instance in &instances {
        world.hello(instance);
    }
    assert_eq!(world.starts.len(), 1, "the others wait for the main node");
    world.started(&attempt(&id, 0, 1));
    // The starts of the others are lost on their way.
    for agent in world.agents.values_mut() {
        agent.held.retain(|held, _| *held == attempt(&id, 0, 1));
    }
    for instance in &instances {
        world.hello(instance);
    }
    world.started(&attempt(&id, 1, 1));
    world.started(&attempt(&id, 2, 1));
    world.hold_stops = true;
    world.run_started(&attempt(&id, 0, 1), 0);
    world.hold_stops = false;
    world.stops.clear();
    for instance in &instances {
        world.hello(instance);
    }
    assert_eq!(world.stops.iter().map(|(attempt, _)| attempt.job.clone()).collect::<BTreeSet<_>>().len(), 2);
    world.deliver();
    assert_eq!((world.status(&id), statuses(&world, &id)), (Succeeded, vec![Succeeded; 3]));
}

#[test]
fn a_forgotten_job_goes_with_its_nodes_and_not_before_they_have_ended() {
    let (mut world, id) = running(mpi("a"));
    world.hold_stops = true;
    world.run_started(&attempt(&id, 0, 1), 0);
    world.pass(8 * DAY);
    assert_eq!(world.status(&id.node(1)), Running, "an agent that does not answer keeps it");
    for index in [1, 2] {
        let ended = exit(&world, 143);
        world.exited(&attempt(&id, index, 1), ended);
    }
    world.pass(HOUR + MINUTE);
    assert_eq!(world.engine.describe_jobs(&[id.clone(), id.node(1)]), []);
}

#[test]
fn definitions_and_submissions_that_cannot_be_are_refused_with_the_reason() {
    let mut world = three(8);
    let definitions = [
        (definition(0, 0, vec![range("0:", "1")]), "numNodes is `0`; it takes 1 to 1000"),
        (definition(1001, 0, vec![range("0:", "1")]), "numNodes is `1001`"),
        (definition(3, 3, vec![range("0:", "1")]), "mainNode is `3`, but there are 3 nodes"),
        (definition(3, 0, vec![range("0:1", "1")]), "no range of nodeRangeProperties holds node 2"),
        (definition(3, 0, vec![range("0:5", "1")]), "targetNodes is `0:5`"),
        (definition(3, 0, vec![range("x", "1")]), "targetNodes is `x`"),
        (definition(3, 0, vec![]), "nodeRangeProperties has 0 entries; it takes 1 to 5"),
        (
            definition(3, 0, vec![NodeRangeProperty { container: None, ..range("0:", "1") }]),
            "take container or ecsProperties",
        ),
        (
            RegisterJobDefinitionRequest { kind: "container".into(), ..definition(3, 0, vec![range("0:", "1")]) },
            "a definition of type `container` takes containerProperties or ecsProperties",
        ),
        (
            RegisterJobDefinitionRequest {
                platform_capabilities: vec!["FARGATE".into()],
                ..definition(3, 0, vec![range("0:", "1")])
            },
            "multi-node parallel jobs run on EC2 alone",
        ),
    ];
    for (request, word) in definitions {
        let refused = world.ask(Action::RegisterJobDefinition(Box::new(request))).expect_err(word).to_string();
        assert!(refused.contains(word), "{refused}\n{word}");
    }
    let closed = RegisterJobDefinitionRequest {
        job_definition_name: "closed".into(),
        ..definition(3, 1, vec![range("0:2", "1")])
    };
    world.ask(Action::RegisterJobDefinition(Box::new(closed))).expect("registered");
    let fargate = CreateComputeEnvironmentRequest {
        compute_environment_name: "fargate".into(),
        compute_resources: Some(ComputeResource {
            kind: "FARGATE".into(),
            maxv_cpus: Some(8),
            ..ComputeResource::default()
        }),
        ..super::world::environment("fargate", 8)
    };
    world.ask(Action::CreateComputeEnvironment(fargate)).expect("an environment");
    world.queue("fargate", 1, &["fargate"]);
    let nodes = |count| Some(NodeOverrides { num_nodes: Some(count), ..NodeOverrides::default() });
    let size = Some(ArrayProperties { size: Some(2), ..ArrayProperties::default() });
    let own = Some(ContainerOverrides { command: vec!["x".into()], ..ContainerOverrides::default() });
    let submissions = [
        (SubmitJobRequest { array_properties: size, ..mpi("a") }, "an array of those is not possible"),
        (SubmitJobRequest { container_overrides: own, ..mpi("a") }, "override its containers with nodeOverrides"),
        (SubmitJobRequest { node_overrides: nodes(2), ..job("a") }, "is no multi-node parallel definition"),
        (
            SubmitJobRequest { node_overrides: nodes(4), job_definition: "closed".into(), ..job("a") },
            "no range of the definition has an open end",
        ),
        (SubmitJobRequest { node_overrides: nodes(0), ..mpi("a") }, "numNodes is `0`"),
        (SubmitJobRequest { job_queue: "fargate".into(), ..mpi("a") }, "MANAGED environments of type EC2 alone"),
    ];
    for (request, word) in submissions {
        let refused = world.ask(Action::SubmitJob(Box::new(request))).expect_err(word).to_string();
        assert!(refused.contains(word), "{refused}\n{word}");
    }
    let id = world.submit(SubmitJobRequest { node_overrides: nodes(1), ..mpi("one") });
    world.register_all();
    assert_eq!(world.status(&id), Starting, "a single node is a job too");
}

#[test]
fn each_node_takes_what_its_range_says_of_consumable_resources_and_the_job_waits_for_the_sum() {
    let mut world = World::small(16);
    world.consumable("licence", 7, ConsumableKind::Replenishable);
    let taking = |target: &str, quantity| NodeRangeProperty {
        consumable_resource_properties: Some(consumes(&[("licence", quantity)])),
        ..range(target, "1")
    };
    let request = definition(3, 0, vec![taking("0", 1), taking("1:", 3)]);
    world.ask(Action::RegisterJobDefinition(Box::new(request))).expect("registered");
    world.submit(mpi("first"));
    world.register_all();
    let held = |world: &World| {
        let row = world.engine.consumable_resource("licence").expect("it is there");
        (row.in_use_quantity, row.available_quantity)
    };
    assert_eq!(held(&world), (7, 0), "1 + 3 + 3");
    let overridden = NodePropertyOverride {
        target_nodes: "1:".into(),
        consumable_resource_properties_override: Some(consumes(&[("licence", 0)])),
        ..NodePropertyOverride::default()
    };
    let less = NodeOverrides { num_nodes: None, node_property_overrides: vec![overridden] };
    let second = world.submit(SubmitJobRequest { node_overrides: Some(less), ..mpi("second") });
    world.register_all();
    assert!(world.reason(&second).contains("the job takes 1 of licence"), "{}", world.reason(&second));
    world.fill("licence", 8);
    world.register_all();
    assert_eq!(held(&world), (8, 0));
    assert_ne!(world.status(&second), Runnable);
}
