//! Why instances come and go is told in plain words, and kept.

use super::world::{MINUTE, SECOND, World, environment, job, sized};
use crate::engine::Settings;
use crate::engine::command::Action;
use crate::model::{
    ComputeResourceUpdate, CreateComputeEnvironmentRequest, ScalingChange, UpdateComputeEnvironmentRequest, What,
};

/// What is remembered, oldest first, in a line each.
fn told(world: &World) -> Vec<String> {
    let steps = world.engine.scaling(None);
    let line = |step: &crate::model::Scaling| {
        format!("{} {} {}: {}", step.change.as_str(), step.vcpus, step.total_vcpus, step.reason)
    };
    steps.iter().rev().map(line).collect()
}

fn changed(world: &mut World, resources: ComputeResourceUpdate) {
    world
        .ask(Action::UpdateComputeEnvironment(UpdateComputeEnvironmentRequest {
            compute_environment: "ce".into(),
            compute_resources: Some(resources),
            ..Default::default()
        }))
        .expect("updated");
}

#[test]
fn an_instance_comes_for_a_job_and_goes_when_it_has_none() {
    let mut world = World::small(4);
    let first = world.submit(sized("first", "1", "512"));
    world.run(&first, 0);
    world.pass(MINUTE);
    assert_eq!(
        told(&world),
        [
            "LAUNCHED 2 2: first of the queue main needs 1 vCPU and 512 MiB, and nothing has room for it",
            "ENDED 2 0: it had no job for 60 s",
        ]
    );
}

#[test]
fn what_an_operator_asks_for_is_told_as_such() {
    let mut world = World::small(4);
    changed(&mut world, ComputeResourceUpdate { minv_cpus: Some(1), ..Default::default() });
    world.register_all();
    changed(&mut world, ComputeResourceUpdate { desiredv_cpus: Some(4), ..Default::default() });
    world.register_all();
    world.pass(MINUTE);
    assert_eq!(
        told(&world),
        [
            "LAUNCHED 2 2: minvCpus is 1",
            "LAUNCHED 2 4: an operator asked for 4 vCPUs",
            "ENDED 2 2: it had no job for 60 s; minvCpus is 1",
        ]
    );
}

#[test]
fn a_notice_and_a_loss_are_told_and_each_step_is_a_change() {
    let mut world = World::small(4);
    let runs = world.submit(job("runs"));
    world.register_all();
    let attempt = world.live(&runs);
    world.started(&attempt);
    let host = world.holder(&attempt);
    world.ask(Action::InterruptInstance { instance: host.clone(), now: false }).expect("accepted");
    let changes = world.engine.changes(&world.events);
    let steps: Vec<_> =
        changes.iter().filter_map(|what| if let What::Scaling(step) = what { Some(step) } else { None }).collect();
    assert_eq!(steps.len(), 1);
    assert_eq!((steps[0].change, &steps[0].instance_id), (ScalingChange::Noticed, &host));
    world.pass(120 * SECOND);
    world.bury();
    assert_eq!(told(&world)[1..], ["NOTICED 2 2: interrupted: it is taken away in 120 s", "LOST 2 0: its agent died"]);
}

#[test]
fn this_machine_joins_an_unmanaged_environment_and_fargate_has_no_instances_to_tell_of() {
    let machine = crate::engine::machine::Machine { vcpus_milli: 4000, memory_mib: 7_000, gpus: 0 };
    let mut world = World::with(Settings { machine: Some(machine), ..Settings::default() });
    let request = CreateComputeEnvironmentRequest {
        compute_environment_name: "here".into(),
        kind: "UNMANAGED".into(),
        ..Default::default()
    };
    world.ask(Action::CreateComputeEnvironment(request)).expect("created");
    let mut tasks = environment("tasks", 4);
    let resources = tasks.compute_resources.as_mut().expect("has them");
    resources.kind = "FARGATE".into();
    (resources.minv_cpus, resources.desiredv_cpus) = (None, None);
    resources.instance_types.clear();
    world.ask(Action::CreateComputeEnvironment(tasks)).expect("created");
    world.queue("main", 1, &["tasks"]);
    world.definition("job", "1", "2048");
    let ran = world.submit(job("ran"));
    world.run(&ran, 0);
    assert_eq!(told(&world), ["LAUNCHED 4 4: UNMANAGED: this machine joins"]);
}

#[test]
fn only_the_last_steps_are_kept_and_they_outlive_a_snapshot() {
    let mut world = World::small(4);
    for number in 0..40 {
        let once = world.submit(job(&format!("j{number}")));
        world.run(&once, 0);
        world.pass(MINUTE);
    }
    let kept = world.engine.scaling(Some("ce"));
    assert_eq!(kept.len(), 50);
    assert!(kept[1].reason.starts_with("j39 of the queue main"), "the newest first: {kept:?}");
    assert!(world.engine.scaling(Some("other")).is_empty());
}
