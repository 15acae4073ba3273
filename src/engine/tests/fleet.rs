//! Environments of every kind: what they launch, how it boots, and how it is taken away.

#![expect(clippy::float_cmp, reason = "what is compared are whole numbers and halves")]

use super::world::{MINUTE, SECOND, World, environment, job, requirements, sized};
use crate::engine::Settings;
use crate::engine::command::Action;
use crate::engine::machine::Machine;
use crate::model::{
    BOOT_TAG, Capacity, ComputeResource, ComputeResourceUpdate, ContainerOverrides, CreateComputeEnvironmentRequest,
    Health, Instance, InstanceId, InstanceState, JobStatus, ResourceRequirement, ScalingPolicy, SubmitJobRequest,
    Switch, UpdateComputeEnvironmentRequest, UpdatePolicy,
};

fn capacity(world: &World) -> Capacity {
    world.engine.compute_environments().remove(0).capacity.expect("ours")
}

fn instances(world: &World) -> Vec<Instance> {
    capacity(world).instances
}

fn types(world: &World) -> Vec<String> {
    instances(world).into_iter().map(|instance| instance.instance_type).collect()
}

/// `main` on an environment that the change makes of a plain one of 64 vCPUs.
fn world_of(settings: Settings, change: impl FnOnce(&mut CreateComputeEnvironmentRequest)) -> World {
    let mut world = World::with(settings);
    let mut request = environment("ce", 64);
    change(&mut request);
    world.ask(Action::CreateComputeEnvironment(request)).expect("an environment");
    world.queue("main", 1, &["ce"]);
    world.definition("job", "1", "512");
    world
}

fn resources(request: &mut CreateComputeEnvironmentRequest) -> &mut ComputeResource {
    request.compute_resources.as_mut().expect("has them")
}

fn of_types(types: &[&str], strategy: Option<&str>) -> World {
    world_of(Settings::default(), |request| {
        let resources = resources(request);
        resources.instance_types = types.iter().map(|name| (*name).to_owned()).collect();
        resources.allocation_strategy = strategy.map(str::to_owned);
        if strategy.is_some_and(|name| name.starts_with("SPOT_")) {
            resources.kind = "SPOT".into();
        }
    })
}

pub fn with_gpus(name: &str, count: &str) -> SubmitJobRequest {
    let mut list = requirements("1", "512");
    list.push(ResourceRequirement { kind: "GPU".to_owned(), value: count.to_owned() });
    let overrides = ContainerOverrides { resource_requirements: list, ..Default::default() };
    SubmitJobRequest { container_overrides: Some(overrides), ..job(name) }
}

fn update(request: UpdateComputeEnvironmentRequest) -> Action {
    Action::UpdateComputeEnvironment(UpdateComputeEnvironmentRequest { compute_environment: "ce".into(), ..request })
}

fn other_types(entry: &str) -> UpdateComputeEnvironmentRequest {
    let resources = ComputeResourceUpdate { instance_types: Some(vec![entry.to_owned()]), ..Default::default() };
    UpdateComputeEnvironmentRequest { compute_resources: Some(resources), ..Default::default() }
}

fn interrupt(world: &mut World, instance: &InstanceId, now: bool) {
    world.ask(Action::InterruptInstance { instance: instance.clone(), now }).expect("accepted");
}

#[test]
fn the_cheapest_type_that_holds_the_job_is_launched() {
    let cases = [
        ("compute", sized("a", "2", "2048"), "c6i.large"),
        ("memory", sized("a", "1", "12000"), "r6i.large"),
        ("three vCPUs", sized("a", "3", "1024"), "c6i.xlarge"),
        ("a host of 8 GiB has less", sized("a", "1", "8192"), "r6i.large"),
    ];
    for (what, request, expected) in cases {
        let mut world = of_types(&["optimal"], None);
        world.submit(request);
        assert_eq!(types(&world), [expected], "{what}");
    }
}

#[test]
fn a_backlog_gets_instances_as_large_as_it_is_and_at_most_a_quarter_of_the_environment() {
    let mut world = of_types(&["c6i"], Some("BEST_FIT_PROGRESSIVE"));
    for number in 0..40 {
        world.submit(sized(&format!("j{number}"), "2", "1024"));
    }
    assert_eq!(capacity(&world).vcpus, 64.0);
    assert!(instances(&world).iter().all(|instance| instance.vcpus <= 16.0), "{:?}", types(&world));
}

#[test]
fn best_fit_waits_for_its_type_and_progressive_passes_the_maximum_by_one_instance() {
    for (strategy, expected) in [(None, 4.0), (Some("BEST_FIT_PROGRESSIVE"), 8.0)] {
        let mut world = world_of(Settings::default(), |request| {
            let resources = resources(request);
            resources.maxv_cpus = Some(6);
            resources.instance_types = vec!["c5.xlarge".into()];
            resources.allocation_strategy = strategy.map(str::to_owned);
        });
        for number in 0..20 {
            world.submit(job(&format!("j{number}")));
        }
        assert_eq!(capacity(&world).vcpus, expected, "{strategy:?}");
    }
}

#[test]
fn spot_by_capacity_spreads_over_types() {
    let launched = |strategy: &str| {
        let mut world = of_types(&["c5.large", "c5a.large", "m5.large"], Some(strategy));
        for number in 0..6 {
            world.submit(sized(&format!("j{number}"), "2", "1024"));
            world.register_all();
        }
        types(&world)
    };
    let spread = launched("SPOT_CAPACITY_OPTIMIZED");
    for name in ["c5.large", "c5a.large", "m5.large"] {
        assert_eq!(spread.iter().filter(|known| *known == name).count(), 2, "{spread:?}");
    }
    assert!(
        launched("SPOT_PRICE_CAPACITY_OPTIMIZED").iter().all(|name| name == "c5a.large"),
        "the cheapest of the three"
    );
}

#[test]
fn gpus_are_given_to_as_many_jobs_as_there_are() {
    let mut world = of_types(&["m5.large", "g4dn.xlarge", "g4dn.12xlarge"], None);
    let one = world.submit(with_gpus("one", "1"));
    assert_eq!(types(&world), ["g4dn.xlarge"]);
    world.register_all();
    let other = world.submit(with_gpus("other", "1"));
    assert_eq!(world.status(&one), JobStatus::Starting);
    assert_eq!(world.status(&other), JobStatus::Runnable, "its GPU is taken, though vCPUs are left");
    world.register_all();
    assert_eq!(world.status(&other), JobStatus::Starting);
    let many = world.submit(with_gpus("many", "4"));
    world.register_all();
    assert_eq!(world.status(&many), JobStatus::Starting);
    assert_eq!(instances(&world).iter().map(|instance| instance.gpus_used).sum::<u32>(), 6);
    let more = world.submit(with_gpus("more", "9"));
    assert!(world.reason(&more).contains("no instance type of the queue's CE(s) holds 1 vCPU, 512 MiB and 9 GPUs"));
}

#[test]
fn a_machine_without_gpus_gives_none_away() {
    let machine = Machine { vcpus_milli: 8000, memory_mib: 16_000, gpus: 0 };
    let mut world = world_of(Settings { machine: Some(machine), ..Settings::default() }, |request| {
        resources(request).instance_types = vec!["g4dn.xlarge".into()];
    });
    let waits = world.submit(with_gpus("waits", "1"));
    assert_eq!(instances(&world), []);
    assert!(world.reason(&waits).starts_with("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - this machine has 8 vCPUs"));
}

#[test]
fn an_instance_takes_no_job_before_it_has_booted() {
    let mut world = world_of(Settings { boot_seconds: 600, ..Settings::default() }, |request| {
        request.tags.insert(BOOT_TAG.into(), "90".into());
    });
    let waits = world.submit(job("waits"));
    world.register_all();
    assert_eq!(instances(&world)[0].state, InstanceState::Pending);
    assert_eq!(world.status(&waits), JobStatus::Runnable);
    assert_eq!(world.engine.next_wake(world.now), Some(world.now + 90 * SECOND));
    let host = instances(&world)[0].instance_id.clone();
    world.hello(&host);
    world.pass(89 * SECOND);
    assert_eq!(world.status(&waits), JobStatus::Runnable);
    world.pass(SECOND);
    assert_eq!(world.status(&waits), JobStatus::Starting);
    assert_eq!(instances(&world).len(), 1, "one that boots counts as room");
}

#[test]
fn a_notice_lets_jobs_run_for_two_minutes_and_places_no_other() {
    let mut world = World::small(8);
    let runs =
        world.submit(SubmitJobRequest { retry_strategy: super::world::tried("", 2).retry_strategy, ..job("runs") });
    world.register_all();
    let attempt = world.live(&runs);
    world.started(&attempt);
    let host = world.holder(&attempt);
    interrupt(&mut world, &host, false);
    assert!(world.ask(Action::InterruptInstance { instance: host.clone(), now: false }).is_err(), "it has its notice");
    assert_eq!(instances(&world)[0].state, InstanceState::Draining);
    let next = world.submit(job("next"));
    assert_eq!(world.status(&next), JobStatus::Runnable, "another instance is launched for it");
    world.pass(2 * MINUTE - SECOND);
    assert_eq!(world.status(&runs), JobStatus::Running);
    world.pass(SECOND);
    assert!(world.killed.contains(&host));
    assert_eq!(world.status(&runs), JobStatus::Running, "until its end is seen");
    world.bury();
    let detail = world.job(&runs);
    assert_eq!(detail.attempts[0].status_reason.as_deref(), Some(&*format!("Host EC2 (instance {host}) terminated.")));
    assert_ne!(detail.status, JobStatus::Failed, "it is tried again elsewhere");
    let audit = world.engine.audit(100);
    let entry = audit.iter().find(|entry| entry.action == "InterruptInstance").expect("recorded");
    assert_eq!((&*entry.target, &*entry.outcome), (&*host.0, "ends in two minutes; it has 1 job"));
}

#[test]
fn an_instance_that_is_empty_goes_with_its_notice_and_one_that_is_taken_at_once_goes_at_once() {
    let mut world = World::small(8);
    let first = world.submit(job("first"));
    world.run(&first, 0);
    let host = instances(&world)[0].instance_id.clone();
    interrupt(&mut world, &host, false);
    assert_eq!(instances(&world), []);
    let second = world.submit(job("second"));
    world.register_all();
    let host = world.holder(&world.live(&second));
    interrupt(&mut world, &host, true);
    assert!(world.killed.contains(&host));
    let refused =
        world.ask(Action::InterruptInstance { instance: host.clone(), now: true }).expect_err("going").to_string();
    assert!(refused.ends_with("is being taken away already"), "{refused}");
    world.bury();
    assert_eq!(world.status(&second), JobStatus::Failed);
}

#[test]
fn spot_instances_are_interrupted_by_chance_and_others_are_not() {
    for (kind, expected) in [("SPOT", true), ("EC2", false)] {
        let settings = Settings { spot_interruptions_milli: 1_000_000, ..Settings::default() };
        let mut world = world_of(settings, |request| {
            let resources = resources(request);
            resources.kind = kind.into();
            resources.minv_cpus = Some(2);
        });
        world.register_all();
        let host = instances(&world)[0].instance_id.clone();
        world.pass(30 * MINUTE);
        let gone = instances(&world).iter().all(|instance| instance.instance_id != host);
        assert_eq!(gone, expected, "{kind}: a thousand interruptions an hour");
    }
}

#[test]
fn an_unmanaged_environment_is_this_machine_and_stays() {
    let machine = Machine { vcpus_milli: 4000, memory_mib: 7_000, gpus: 1 };
    let mut world = World::with(Settings { machine: Some(machine), ..Settings::default() });
    let request = CreateComputeEnvironmentRequest {
        compute_environment_name: "here".into(),
        kind: "UNMANAGED".into(),
        ..Default::default()
    };
    world.ask(Action::CreateComputeEnvironment(request)).expect("created");
    world.queue("main", 1, &["here"]);
    world.definition("job", "1", "512");
    let this = &instances(&world)[0];
    assert_eq!((this.vcpus, this.memory_mib, this.gpus), (4.0, 7_000, 1));
    world.register_all();
    let jobs: Vec<_> = (0..6).map(|number| world.submit(job(&format!("j{number}")))).collect();
    assert_eq!(world.all_in(JobStatus::Starting).len(), 4);
    let large = world.submit(sized("large", "5", "512"));
    let host = instances(&world)[0].instance_id.clone();
    assert!(world.ask(Action::InterruptInstance { instance: host, now: true }).is_err(), "it is this machine");
    for job in &jobs {
        world.run(job, 0);
    }
    world.pass(HOUR);
    assert_eq!(instances(&world).len(), 1, "it never goes");
    assert!(world.reason(&large).starts_with("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"), "{}", world.reason(&large));
    let vcpus = ComputeResourceUpdate { maxv_cpus: Some(8), ..Default::default() };
    let scale = UpdateComputeEnvironmentRequest {
        compute_environment: "here".into(),
        compute_resources: Some(vcpus),
        ..Default::default()
    };
    assert!(world.ask(Action::UpdateComputeEnvironment(scale)).is_err(), "it is not scaled");
}

const HOUR: i64 = 60 * MINUTE;

#[test]
fn instances_that_fail_again_and_again_are_launched_ever_more_seldom_and_then_not() {
    let mut world = World::small(2);
    let waits = world.submit(job("waits"));
    let mut launches = 0;
    let from = world.now;
    while let Some(instance) = world.launching.first().cloned() {
        launches += 1;
        world.lose(&instance);
        for _ in 0..60 {
            if world.launching.is_empty() {
                world.pass(SECOND * 2);
            }
        }
    }
    assert_eq!(launches, 5);
    assert!(world.now - from >= 70 * SECOND, "10, 20 and 40 seconds apart");
    let found = world.engine.compute_environments().remove(0);
    assert_eq!(found.status, Health::Invalid);
    let reason = found.status_reason.expect("says why");
    assert!(reason.starts_with("CLIENT_ERROR - 5 instances in a row ended before they registered"), "{reason}");
    assert!(reason.contains("its agent died"), "{reason}");
    assert!(world.reason(&waits).starts_with("ACTION_REQUIRED"), "{}", world.reason(&waits));

    let enabled = UpdateComputeEnvironmentRequest { state: Some(Switch::Enabled), ..Default::default() };
    world.ask(update(enabled)).expect("updated");
    assert_eq!(world.engine.compute_environments()[0].status, Health::Valid);
    world.run(&waits, 0);
}

#[test]
fn an_engine_that_starts_anew_tries_again_what_has_failed() {
    let mut world = World::small(2);
    let waits = world.submit(job("waits"));
    for _ in 0..300 {
        while let Some(instance) = world.launching.first().cloned() {
            world.lose(&instance);
        }
        world.pass(SECOND * 2);
    }
    assert_eq!(world.engine.compute_environments()[0].status, Health::Invalid);
    world.ask(Action::Resume).expect("resumed");
    world.run(&waits, 0);
    assert_eq!(world.engine.compute_environments()[0].status, Health::Valid);
}

#[test]
fn an_idle_instance_stays_as_long_as_its_scaling_policy_says() {
    let mut world = world_of(Settings::default(), |request| {
        resources(request).scaling_policy = Some(ScalingPolicy { min_scale_down_delay_minutes: Some(20) });
    });
    let first = world.submit(job("first"));
    world.run(&first, 0);
    world.pass(20 * MINUTE - SECOND);
    assert_eq!(instances(&world).len(), 1);
    world.pass(SECOND);
    assert_eq!(instances(&world), []);
}

#[test]
fn other_instance_types_replace_the_instances_and_jobs_get_the_time_that_the_policy_says() {
    for (policy, minutes) in [
        (None, 30),
        (Some(UpdatePolicy { job_execution_timeout_minutes: Some(5), ..UpdatePolicy::default() }), 5),
        (Some(UpdatePolicy { terminate_jobs_on_update: Some(true), ..UpdatePolicy::default() }), 0),
    ] {
        let mut world = of_types(&["c5.large"], Some("BEST_FIT_PROGRESSIVE"));
        let runs = world.submit(sized("runs", "2", "512"));
        let idle = world.submit(sized("idle", "2", "512"));
        world.run(&idle, 0);
        let attempt = world.live(&runs);
        world.started(&attempt);
        let request = UpdateComputeEnvironmentRequest { update_policy: policy, ..other_types("m5.large") };
        world.ask(update(request)).expect("updated");
        assert_eq!(world.engine.compute_environments()[0].status, Health::Updating, "{policy:?}");
        assert_eq!(types(&world), ["c5.large"], "the idle one has gone");
        let next = world.submit(sized("next", "2", "512"));
        world.run(&next, 0);
        world.pass(minutes * MINUTE);
        world.bury();
        assert!(world.reason(&runs).contains("terminated."), "{policy:?}: {}", world.reason(&runs));
        assert!(types(&world).iter().all(|name| name == "m5.large"), "{policy:?}");
        assert_eq!(world.engine.compute_environments()[0].status, Health::Valid, "{policy:?}");
    }
}

#[test]
fn instance_types_are_known_and_of_one_architecture() {
    let cases = [
        (
            "m5.larg",
            "which is no instance type, family, optimal, default_x86_64 or default_arm64; did you mean `m5.large`?",
        ),
        ("c6g", "mixes m5.large with c6g, which is of another architecture"),
    ];
    for (entry, expected) in cases {
        let mut request = environment("ce", 4);
        resources(&mut request).instance_types = vec!["m5.large".into(), entry.to_owned()];
        let refused = World::default().ask(Action::CreateComputeEnvironment(request)).expect_err(entry).to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    let mut world = World::small(4);
    let mut intel = environment("intel", 4);
    resources(&mut intel).instance_types = vec!["default_x86_64".into()];
    world.ask(Action::CreateComputeEnvironment(intel)).expect("created");
    let order = [(1, "ce"), (2, "intel")]
        .map(|(order, name)| crate::model::ComputeEnvironmentOrder { order, compute_environment: name.to_owned() });
    let request = crate::model::CreateJobQueueRequest {
        job_queue_name: "both".into(),
        compute_environment_order: order.to_vec(),
        ..Default::default()
    };
    let refused = world.ask(Action::CreateJobQueue(request)).expect_err("mixed").to_string();
    assert!(refused.contains("mixes x86_64 with arm64"), "{refused}");
}

#[test]
fn our_own_tags_of_an_environment_take_what_means_something() {
    let cases = [
        ("batchdeck:overcommit", "yes", "it takes true or false"),
        ("batchdeck:boot-seconds", "soon", "it takes whole seconds from 0 to 86400"),
        ("batchdeck:boot-seconds", "86401", "it takes whole seconds from 0 to 86400"),
        ("batchdeck:executor", "docker", "it takes process"),
    ];
    for (key, value, expected) in cases {
        let mut request = environment("other", 4);
        request.tags = [(key.to_owned(), value.to_owned())].into();
        let refused = World::default().ask(Action::CreateComputeEnvironment(request)).expect_err(key).to_string();
        assert_eq!(refused, format!("the tag `{key}` is `{value}`; {expected}"));
        let mut world = World::small(4);
        let tag = |arn: String| Action::TagResource { arn, tags: [(key.to_owned(), value.to_owned())].into() };
        let arn = world.engine.compute_environments()[0].compute_environment_arn.clone();
        assert!(world.ask(tag(arn)).is_err(), "{key}");
        let queue = world.engine.job_queues()[0].job_queue_arn.clone();
        world.ask(tag(queue)).expect("on a queue it is a tag as others are");
    }
}
