//! For each rule a healthy world, and what makes it ill. Rules that stand in the table for several subjects have several.

use super::worlds::{
    EXITED, MINUTE, NOW, add_dependency, agents_mut, array, ask, detail, environment, environment_mut, exited,
    extra_mut, failed, failed_child, front, front_mut, host_mut, job_mut, local, log, pending, piece, queue, queue_mut,
    resources_mut, running, second, snapshot, starting, succeeded, waiting, waiting_on_aws,
};
use crate::model::{
    ArrayProperties, ConsumableResource, ConsumableResourceProperties, ConsumableResourceRequirement,
    EcsPropertiesDetail, EcsTaskDetails, Evidence, FairshareUtilization, Health, InstanceState, JobStatus,
    LogConfiguration, NodeProperties, ObservedRuns, QueueUtilization, ResourceRequirement, RetryStrategy,
    ShareUtilization, Spread, StatusCounts, Switch, TaskContainerDependency, TaskContainerDetails,
    TaskContainerProperties,
};

type Pair = (&'static str, fn() -> Evidence, fn(&mut Evidence));

/// The service says so.
fn say(world: &mut Evidence, reason: &str) {
    job_mut(world).status_reason = Some(reason.to_owned());
}

/// The container's reason of the last try.
fn end(world: &mut Evidence, reason: &str) {
    job_mut(world).attempts[0].container.reason = Some(reason.to_owned());
    job_mut(world).attempts[0].container.exit_code = None;
    say(world, "Task failed to start");
}

fn invalid(world: &mut Evidence, reason: &str) {
    let one = environment_mut(world);
    (one.status, one.status_reason) = (Health::Invalid, Some(format!("CLIENT_ERROR - {reason}")));
}

fn fill(world: &mut Evidence) {
    resources_mut(world).maxv_cpus = Some(4);
    let host = host_mut(world);
    host.vcpus_used = 4.0;
    let capacity = environment_mut(world).capacity.as_mut().expect("it is known");
    capacity.vcpus_used = 4.0;
}

fn lose_agent(world: &mut Evidence) {
    agents_mut(world)[0].connected = false;
}

fn lose_ecs_agent(world: &mut Evidence) {
    host_mut(world).agent_lost = true;
}

/// On AWS, where the container instances are known.
fn waiting_on_ecs() -> Evidence {
    let mut world = waiting_on_aws();
    environment_mut(&mut world).capacity = local().capacity;
    world
}

fn take_licence(world: &mut Evidence) {
    let one = ConsumableResourceRequirement { consumable_resource: "licence".into(), quantity: 2 };
    job_mut(world).consumable_resource_properties =
        Some(ConsumableResourceProperties { consumable_resource_list: vec![one] });
}

fn licences(available: u64) -> Vec<ConsumableResource> {
    vec![ConsumableResource {
        consumable_resource_name: "licence".into(),
        total_quantity: 4,
        available_quantity: available,
        ..ConsumableResource::default()
    }]
}

fn wait_with_licence() -> Evidence {
    let mut world = waiting();
    take_licence(&mut world);
    world.consumables = piece(licences(4));
    world
}

fn shared() -> Evidence {
    let mut world = second();
    queue_mut(&mut world).scheduling_policy_arn = Some("arn:aws:batch:us-east-1:1:scheduling-policy/fair".into());
    job_mut(&mut world).share_identifier = Some("blue".into());
    use_shares(&mut world, &[]);
    world
}

fn use_shares(world: &mut Evidence, shares: &[&str]) {
    let used = |share: &&str| ShareUtilization { share_identifier: (*share).to_owned(), capacity_usage: Vec::new() };
    let mut order = snapshot(vec![front("first", NOW - MINUTE), front("job", NOW - MINUTE)]);
    order.queue_utilization = Some(QueueUtilization {
        fairshare_utilization: Some(FairshareUtilization {
            active_share_count: 2,
            top_capacity_utilization: shares.iter().map(used).collect(),
        }),
        ..QueueUtilization::default()
    });
    world.front = piece(order);
}

fn parent() -> Evidence {
    let mut world = pending();
    job_mut(&mut world).array_properties = Some(ArrayProperties { size: Some(3), ..ArrayProperties::default() });
    world
}

fn multi_node() -> Evidence {
    let mut world = waiting();
    job_mut(&mut world).node_properties = Some(NodeProperties { num_nodes: 4, ..NodeProperties::default() });
    world
}

fn retried() -> Evidence {
    let mut world = exited();
    job_mut(&mut world).retry_strategy = Some(RetryStrategy { attempts: Some(2), ..RetryStrategy::default() });
    world
}

fn told_to_end() -> Evidence {
    let mut world = running();
    world.is_local = false;
    world
}

/// Everything is in use, and nothing of a queue before this one waits.
fn crowded() -> Evidence {
    let mut world = waiting();
    fill(&mut world);
    world.queues = piece(vec![queue("main", 10), queue("high", 100)]);
    world
}

pub const PAIRS: &[Pair] = &[
    // RUNNABLE, with a code.
    ("R1", waiting, |world| say(world, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - c5.xlarge")),
    ("R2", waiting, |world| say(world, "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) cannot meet it")),
    ("R3", waiting, |world| say(world, "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - higher than can be met")),
    ("R4", waiting_on_aws, |world| say(world, "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS - role")),
    ("R5", waiting_on_aws, |world| say(world, "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED - zone")),
    ("R6", waiting, |world| {
        say(world, "ACTION_REQUIRED - CE(s) associated with the job queue are invalid");
        environment_mut(world).status = Health::Invalid;
    }),
    ("R7", waiting_on_aws, |world| say(world, "UNDETERMINED - the cause is not known")),
    ("R26", wait_with_licence, |world| world.consumables = piece(licences(1))),
    ("R26", waiting, |world| {
        take_licence(world);
        say(world, "CONSUMABLE_RESOURCE:IN_USE - the job takes 2 of licence; that much is not free.");
    }),
    // RUNNABLE, derived.
    ("R10", waiting, |world| environment_mut(world).state = Switch::Disabled),
    ("R11", waiting, |world| environment_mut(world).status = Health::Invalid),
    ("R28", waiting, |world| job_mut(world).platform_capabilities = vec!["FARGATE".into()]),
    ("R22", multi_node, |world| resources_mut(world).kind = "SPOT".into()),
    ("R25", waiting, |world| {
        let container = job_mut(world).container.as_mut().expect("it has one");
        container.resource_requirements.push(ResourceRequirement { kind: "GPU".into(), value: "1".into() });
    }),
    ("R16", waiting, |world| ask(world, "1", "8192")),
    ("R16", waiting_on_aws, |world| ask(world, "12", "1024")),
    ("R17", waiting, |world| host_mut(world).state = InstanceState::Pending),
    ("R18", waiting, lose_agent),
    ("R18", running, lose_agent),
    ("R18", waiting_on_ecs, lose_ecs_agent),
    ("R18", environment, lose_agent),
    ("R31", waiting_on_aws, |world| {
        invalid(world, "INVALIDATED and scaled down because none of the instances joined the underlying ECS Cluster");
    }),
    ("R31", waiting, |world| {
        let reason =
            "2 instances in a row ended before they registered, the last one because its agent could not be started";
        environment_mut(world).status_reason = Some(reason.to_owned());
    }),
    ("R24", waiting_on_aws, |world| {
        say(world, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - c5.xlarge");
        resources_mut(world).allocation_strategy = Some("BEST_FIT".into());
    }),
    ("R12", waiting, fill),
    ("R12", waiting_on_aws, |world| resources_mut(world).desiredv_cpus = Some(8)),
    ("R13", second, |world| {
        let mut big = detail("first", JobStatus::Runnable);
        let size = |kind: &str, value: &str| ResourceRequirement { kind: kind.into(), value: value.into() };
        let container = big.container.as_mut().expect("it has one");
        container.resource_requirements = vec![size("VCPU", "8"), size("MEMORY", "1024")];
        world.ahead = piece(vec![big]);
    }),
    ("R14", crowded, |world| {
        world.outranking = piece(vec![("high".into(), snapshot(vec![front("urgent", NOW - MINUTE)]))]);
    }),
    ("R15", shared, |world| use_shares(world, &["red", "blue"])),
    ("R30", waiting, |world| front_mut(world)[0] = front("job", NOW - 10 * MINUTE)),
    ("R32", waiting_on_aws, |world| environment_mut(world).container_orchestration_type = Some("EKS".into())),
    // As it should be.
    ("N1", waiting, |world| {
        let host = host_mut(world);
        (host.state, host.launched_at) = (InstanceState::Pending, NOW - MINUTE);
    }),
    ("N2", second, |world| front_mut(world)[0] = front("first", NOW - MINUTE)),
    ("N3", parent, |world| {
        let array = job_mut(world).array_properties.as_mut().expect("it has some");
        array.status_summary = Some(StatusCounts([(JobStatus::Running, 2), (JobStatus::Succeeded, 1)].into()));
    }),
    // The queue, and what an operator holds.
    ("H1", waiting, |world| extra_mut(world).held = true),
    ("H2", waiting, |world| queue_mut(world).held = true),
    ("P3", waiting, |world| queue_mut(world).state = Switch::Disabled),
    ("P3", pending, |world| queue_mut(world).status = Health::Invalid),
    // Before it runs.
    ("P1", pending, |world| add_dependency(world, "other", JobStatus::Running, &[])),
    ("P2", pending, |world| {
        add_dependency(world, "other", JobStatus::Succeeded, &[]);
        world.dependencies = piece(Vec::new());
    }),
    ("P4", starting, |world| extra_mut(world).state_since = NOW - 5 * MINUTE),
    ("P6", starting, |world| {
        extra_mut(world).state_since = NOW - 15 * MINUTE;
        lose_agent(world);
    }),
    ("P7", starting, |world| {
        let on = TaskContainerDependency { container_name: "proxy".into(), ..TaskContainerDependency::default() };
        let given = TaskContainerProperties { name: "main".into(), depends_on: vec![on], ..Default::default() };
        let containers = vec![TaskContainerDetails { given, ..TaskContainerDetails::default() }];
        job_mut(world).ecs_properties = Some(EcsPropertiesDetail {
            task_properties: vec![EcsTaskDetails { containers, ..EcsTaskDetails::default() }],
        });
    }),
    // FAILED.
    ("F1", exited, |world| {
        job_mut(world).is_terminated = true;
        say(world, "wrong bucket");
    }),
    ("F2", exited, |world| {
        say(world, "Canceled by JobStateTimeLimit action due to reason: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY");
    }),
    ("F3", exited, |world| say(world, "Job attempt duration exceeded timeout")),
    ("F4", exited, |world| say(world, "Host EC2 (instance i-0dead) terminated.")),
    ("F5", exited, |world| end(world, "Spot Task was interrupted.")),
    ("F6", exited, |world| end(world, "OutOfMemoryError: Container killed due to memory usage")),
    ("F7", exited, |world| job_mut(world).attempts[0].container.exit_code = Some(137)),
    ("F8", exited, |world| say(world, "Dependent Job failed")),
    ("F9", array, |world| world.failed_children = piece(vec![failed_child(3, 1), failed_child(4, 1)])),
    ("F10", exited, |world| end(world, "CannotPullContainerError: manifest unknown")),
    ("F11", exited, |world| end(world, "CannotStartContainerError: executable file not found in $PATH")),
    ("F12", exited, |world| world.log = piece(log(&["write: no space left on device"]))),
    ("F12", exited, |world| world.log = piece(log(&["write: Disk quota exceeded"]))),
    ("F12", exited, |world| end(world, "CannotPullContainerError: no space left on device")),
    ("F13", exited, |world| end(world, "DockerTimeoutError: Could not transition to started")),
    ("F14", exited, |world| world.log = piece(log(&["exec /app/run: exec format error"]))),
    ("F15", exited, |world| end(world, "CgroupError: Agent could not create task's platform resources")),
    ("F16", exited, |world| end(world, "ResourceInitializationError: unable to retrieve secret from asm")),
    ("F17", exited, |world| {
        say(world, "Task failed to start");
        job_mut(world).attempts[0].container.exit_code = None;
    }),
    ("F18", succeeded_and_failed, |world| job_mut(world).attempts[0].container.exit_code = Some(3)),
    ("F19", retried, |world| {
        let first = job_mut(world).attempts[0].clone();
        job_mut(world).attempts.push(first);
    }),
    ("F20", exited, |world| world.log = piece(log(&["Unable to locate credentials"]))),
    ("F21", exited, |world| world.log = piece(log(&["An error occurred (AccessDenied) when calling GetObject"]))),
    ("F22", succeeded, |world| {
        let first = job_mut(world).attempts[0].clone();
        job_mut(world).attempts.push(first);
    }),
    // RUNNING.
    ("X1", running, |world| {
        let mut tail = log(&["frame 1/200"]);
        tail.events[0].timestamp = NOW - 40 * MINUTE;
        world.log = piece(tail);
    }),
    ("X2", told_to_end, |world| job_mut(world).is_terminated = true),
    // Logs.
    ("L1", exited, |world| {
        let mut tail = log(&[]);
        tail.is_missing = true;
        world.log = piece(tail);
    }),
    ("L2", exited, |world| {
        let container = job_mut(world).container.as_mut().expect("it has one");
        container.log_configuration =
            Some(LogConfiguration { log_driver: "splunk".into(), ..LogConfiguration::default() });
    }),
    ("L6", exited, |world| world.log = piece(log(&[]))),
    // Compute environments.
    ("C0", environment, |world| invalid(world, "something new")),
    ("C1", environment, |world| invalid(world, "User is not authorized to perform: sts:AssumeRole")),
    ("C2", environment, |world| invalid(world, "SpotFleetRequestConfig.IamFleetRole is invalid")),
    ("C3", environment, |world| invalid(world, "Instance profile ecsInstanceRole does not exist")),
    ("C4", environment, |world| invalid(world, "Clusters can not be blank")),
    ("C5", environment, |world| {
        invalid(world, "INVALIDATED and scaled down because none of the instances joined the underlying ECS Cluster");
    }),
    ("C6", environment, |world| invalid(world, "AMI cannot be described")),
    ("C7", environment, |world| invalid(world, "The security group 'sg-1' does not exist")),
    ("C8", environment, |world| invalid(world, "EKS Cluster version 1.20 is unsupported")),
    ("C9", environment, |world| environment_mut(world).status = Health::Deleting),
    ("R10", environment, |world| environment_mut(world).state = Switch::Disabled),
    ("C10", environment, |world| resources_mut(world).minv_cpus = Some(4)),
    ("C11", environment, |world| environment_mut(world).status = Health::Updating),
    ("C12", environment, |world| {
        resources_mut(world).ec2_configuration = vec![serde_json::json!({ "batchImageStatus": "UPDATE_AVAILABLE" })];
    }),
];

/// Ended with nothing that its exit code says.
fn succeeded_and_failed() -> Evidence {
    failed(Some(0), None, EXITED)
}

#[test]
fn a_run_that_is_long_by_what_earlier_ones_took_is_found_too() {
    let mut world = running();
    let spread = Spread { p50: 60_000, p95: 70_000, max: 80_000 };
    world.runs = piece(vec![ObservedRuns { succeeded: 9, duration: Some(spread), ..ObservedRuns::default() }]);
    assert!(super::ids(&world).contains(&"X1"));
}

#[test]
fn a_second_environment_that_holds_the_job_keeps_an_ill_one_from_being_a_cause() {
    let mut world = waiting();
    let mut other = local();
    other.compute_environment_name = "other".into();
    other.state = Switch::Disabled;
    world.environments = piece(vec![local(), other]);
    let order = crate::model::ComputeEnvironmentOrder { order: 2, compute_environment: "other".into() };
    queue_mut(&mut world).compute_environment_order.push(order);
    assert!(!super::ids(&world).contains(&"R10"), "one is enough");
}
