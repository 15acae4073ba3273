//! Instances come with demand and go when they are idle.

#![expect(clippy::float_cmp, reason = "what is compared are whole numbers and halves")]

use super::world::{MINUTE, SECOND, World, environment, job, sized};
use crate::engine::command::Action;
use crate::model::{
    Capacity, ComputeResource, ComputeResourceUpdate, CreateComputeEnvironmentRequest, InstanceState, JobStatus,
    Switch, UpdateComputeEnvironmentRequest, UpdateJobQueueRequest,
};

fn capacity(world: &World, name: &str) -> Capacity {
    let found = world.engine.compute_environments().into_iter().find(|found| found.compute_environment_name == name);
    found.and_then(|found| found.capacity).expect("an environment")
}

fn update(name: &str, resources: ComputeResourceUpdate) -> Action {
    Action::UpdateComputeEnvironment(UpdateComputeEnvironmentRequest {
        compute_environment: name.to_owned(),
        compute_resources: Some(resources),
        ..Default::default()
    })
}

fn switch(name: &str, state: Switch) -> Action {
    Action::UpdateComputeEnvironment(UpdateComputeEnvironmentRequest {
        compute_environment: name.to_owned(),
        state: Some(state),
        ..Default::default()
    })
}

#[test]
fn an_idle_engine_has_no_instances_and_nothing_to_wake_for() {
    let world = World::small(8);
    assert_eq!(capacity(&world, "ce").instances, []);
    assert_eq!(world.engine.next_wake(world.now), None);
}

#[test]
fn demand_launches_the_smallest_instance_that_holds_the_head() {
    let mut world = World::small(64);
    world.submit(job("small"));
    assert_eq!(capacity(&world, "ce").vcpus, 2.0);
    let mut world = World::small(64);
    world.submit(sized("large", "5", "512"));
    assert_eq!(capacity(&world, "ce").vcpus, 8.0);
    let mut world = World::small(64);
    world.submit(sized("much-memory", "1", "10000"));
    assert_eq!(capacity(&world, "ce").vcpus, 8.0, "c6g has 2 GiB for each vCPU");
}

#[test]
fn a_backlog_is_met_up_to_the_maximum_and_never_beyond() {
    let mut world = World::small(16);
    for number in 0..40 {
        world.submit(job(&format!("j{number}")));
    }
    let launched = capacity(&world, "ce");
    assert_eq!(launched.vcpus, 16.0);
    assert!(launched.instances.len() >= 4, "not all on one instance: {launched:?}");
    assert!(launched.instances.iter().all(|instance| instance.state == InstanceState::Pending));
    world.register_all();
    assert_eq!(world.all_in(JobStatus::Starting).len(), 16);
    assert_eq!(capacity(&world, "ce").vcpus_used, 16.0);
}

#[test]
fn an_idle_instance_ends_after_its_time_and_a_job_in_between_keeps_it() {
    let mut world = World::small(4);
    let first = world.submit(job("first"));
    world.run(&first, 0);
    assert_eq!(world.engine.next_wake(world.now), Some(world.now + MINUTE));
    world.pass(59 * SECOND);
    let second = world.submit(job("second"));
    assert_eq!(world.status(&second), JobStatus::Starting, "it is still there");
    world.run(&second, 0);
    world.pass(59 * SECOND);
    assert_eq!(capacity(&world, "ce").instances.len(), 1);
    world.pass(SECOND);
    assert_eq!(capacity(&world, "ce").instances.len(), 0);
    assert!(world.agents.is_empty());
}

#[test]
fn the_minimum_is_kept_without_demand_and_in_a_disabled_environment() {
    let mut world = World::default();
    let mut request = environment("ce", 8);
    if let Some(resources) = &mut request.compute_resources {
        resources.minv_cpus = Some(4);
    }
    world.ask(Action::CreateComputeEnvironment(request)).expect("created");
    assert_eq!(capacity(&world, "ce").vcpus, 4.0);
    world.register_all();
    world.pass(10 * MINUTE);
    assert_eq!(capacity(&world, "ce").vcpus, 4.0);
    assert_eq!(world.engine.next_wake(world.now), None, "what is kept is nothing to wake for");
    world.ask(switch("ce", Switch::Disabled)).expect("updated");
    world.pass(10 * MINUTE);
    assert_eq!(capacity(&world, "ce").vcpus, 4.0);
    world.ask(update("ce", ComputeResourceUpdate { minv_cpus: Some(0), ..Default::default() })).expect("updated");
    assert_eq!(capacity(&world, "ce").vcpus, 0.0);
}

#[test]
fn what_an_operator_asks_for_is_launched_and_goes_again_when_idle() {
    let mut world = World::small(16);
    world.ask(update("ce", ComputeResourceUpdate { desiredv_cpus: Some(8), ..Default::default() })).expect("updated");
    assert_eq!(capacity(&world, "ce").vcpus, 8.0);
    let lower = update("ce", ComputeResourceUpdate { desiredv_cpus: Some(2), ..Default::default() });
    assert!(world.ask(lower).is_err(), "it can only be raised");
    world.register_all();
    world.pass(2 * MINUTE);
    assert_eq!(capacity(&world, "ce").vcpus, 0.0);
}

#[test]
fn what_an_operator_asks_for_and_no_whole_instance_reaches_keeps_nothing_for_ever() {
    let mut world = World::small(2);
    let mut coarse = environment("coarse", 10);
    coarse.compute_resources.as_mut().expect("has them").instance_types = vec!["c5.xlarge".to_owned()];
    world.ask(Action::CreateComputeEnvironment(coarse)).expect("created");
    world
        .ask(update("coarse", ComputeResourceUpdate { desiredv_cpus: Some(10), ..Default::default() }))
        .expect("updated");
    assert_eq!(capacity(&world, "coarse").vcpus, 8.0);
    world.register_all();
    world.pass(2 * MINUTE);
    assert_eq!(capacity(&world, "coarse").vcpus, 0.0);
}

#[test]
fn a_lowered_maximum_lets_what_runs_finish_and_launches_nothing() {
    let mut world = World::small(8);
    let jobs: Vec<_> = (0..8).map(|number| world.submit(job(&format!("j{number}")))).collect();
    world.register_all();
    world.ask(update("ce", ComputeResourceUpdate { maxv_cpus: Some(2), ..Default::default() })).expect("updated");
    let waiting = world.submit(sized("waiting", "2", "1024"));
    for job in &jobs {
        world.run(job, 0);
    }
    world.run(&waiting, 0);
    world.pass(2 * MINUTE);
    assert_eq!(capacity(&world, "ce").vcpus, 0.0);
    world.submit(job("one"));
    world.submit(sized("two", "2", "512"));
    assert_eq!(capacity(&world, "ce").vcpus, 2.0);
}

#[test]
fn a_lost_instance_is_replaced_by_demand_alone() {
    let mut world = World::small(4);
    let id = world.submit(job("a"));
    let pending = world.launching.first().cloned().expect("launched");
    world.lose(&pending);
    assert_eq!(world.status(&id), JobStatus::Runnable);
    assert_eq!(world.launching.len(), 1, "what waits asks for another");
    world.register_all();
    let host = world.holder(&world.live(&id));
    world.lose(&host);
    assert_eq!(world.status(&id), JobStatus::Failed);
    assert!(world.launching.is_empty(), "nobody waits any more");
}

#[test]
fn a_deleted_environment_lets_its_jobs_finish_and_then_goes() {
    let mut world = World::small(4);
    world.environment("other", 4);
    let id = world.submit(job("a"));
    world.register_all();
    world.ask(switch("ce", Switch::Disabled)).expect("updated");
    let delete = || Action::DeleteComputeEnvironment { name: "ce".into() };
    let refused = world.ask(delete()).expect_err("a queue has it").to_string();
    assert!(refused.starts_with("Cannot delete, found existing JobQueue relationship"), "{refused}");
    let order = vec![crate::model::ComputeEnvironmentOrder { order: 1, compute_environment: "other".into() }];
    let moved = UpdateJobQueueRequest {
        job_queue: "main".into(),
        compute_environment_order: Some(order),
        ..Default::default()
    };
    world.ask(Action::UpdateJobQueue(moved)).expect("updated");
    world.ask(delete()).expect("accepted");
    assert_eq!(capacity(&world, "ce").instances[0].state, InstanceState::Draining);
    world.run(&id, 0);
    assert!(world.engine.compute_environments().iter().all(|found| found.compute_environment_name != "ce"));
}

#[test]
fn a_deleted_queue_ends_its_jobs_and_then_goes() {
    let mut world = World::small(1);
    let mut request = environment("tiny", 2);
    request.compute_environment_name = "unused".into();
    world.ask(Action::CreateComputeEnvironment(request)).expect("created");
    let running = world.submit(job("running"));
    let waiting = world.submit(sized("waiting", "1", "1024"));
    world.register_all();
    assert!(world.ask(Action::DeleteJobQueue { name: "main".into() }).is_err(), "it is ENABLED");
    let off = UpdateJobQueueRequest { job_queue: "main".into(), state: Some(Switch::Disabled), ..Default::default() };
    world.ask(Action::UpdateJobQueue(off)).expect("updated");
    world.ask(Action::DeleteJobQueue { name: "main".into() }).expect("accepted");
    assert_eq!(world.status(&waiting), JobStatus::Failed);
    world.deliver();
    assert_eq!(world.status(&running), JobStatus::Failed);
    assert_eq!(world.engine.job_queues(), []);
    assert_eq!(world.reason(&running), "Job queue was deleted");
    world.queue("main", 1, &["ce"]);
    assert_eq!(world.engine.job_queues().len(), 1);
}

#[test]
fn a_fargate_environment_has_an_instance_for_each_job_while_it_runs() {
    let mut world = World::default();
    let resources = ComputeResource { kind: "FARGATE".into(), maxv_cpus: Some(2), ..Default::default() };
    let request = CreateComputeEnvironmentRequest {
        compute_environment_name: "ce".into(),
        kind: "MANAGED".into(),
        compute_resources: Some(resources),
        ..Default::default()
    };
    world.ask(Action::CreateComputeEnvironment(request)).expect("created");
    world.queue("main", 1, &["ce"]);
    world.definition("job", "0.5", "700");
    let jobs: Vec<_> = (0..5).map(|number| world.submit(job(&format!("j{number}")))).collect();
    let sizes: Vec<_> = capacity(&world, "ce").instances.iter().map(|i| (i.vcpus, i.memory_mib)).collect();
    assert_eq!(sizes, [(0.5, 1024); 4], "the fifth waits for room");
    for job in &jobs {
        world.run(job, 0);
    }
    assert_eq!(capacity(&world, "ce").instances, []);
}
