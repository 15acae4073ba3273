//! Which GPUs jobs get.

use super::fleet::with_gpus;
use super::tasks::two_containers;
use super::world::{World, environment, job};
use crate::engine::command::Action;
use crate::model::{JobId, ResourceRequirement, SubmitJobRequest};

/// One instance type of four GPUs.
fn world(overcommit: bool) -> World {
    let mut world = World::with(crate::engine::Settings::default());
    let mut request = environment("ce", 256);
    request.compute_resources.as_mut().expect("has them").instance_types = vec!["g4dn.12xlarge".into()];
    if overcommit {
        request.tags = [("batchdeck:overcommit".to_owned(), "true".to_owned())].into();
    }
    world.ask(Action::CreateComputeEnvironment(request)).expect("an environment");
    world.queue("main", 1, &["ce"]);
    world.definition("job", "1", "512");
    world
}

fn devices(world: &World, id: &JobId) -> Vec<u32> {
    world.starts[&world.live(id)].containers.iter().flat_map(|container| container.gpu_devices.clone()).collect()
}

#[test]
fn jobs_of_an_instance_never_share_a_gpu_and_one_that_is_free_again_is_given_again() {
    let mut world = world(false);
    let ids: Vec<JobId> = ["1", "2", "1"].iter().map(|count| world.submit(with_gpus("a", count))).collect();
    world.register_all();
    let held: Vec<Vec<u32>> = ids.iter().map(|id| devices(&world, id)).collect();
    assert_eq!(held, [vec![0], vec![1, 2], vec![3]]);
    let none = world.submit(job("none"));
    world.register_all();
    assert_eq!(devices(&world, &none), Vec::<u32>::new());
    world.run(&ids[1], 0);
    let next = world.submit(with_gpus("next", "1"));
    world.register_all();
    assert_eq!(devices(&world, &next), [1]);
}

#[test]
fn instances_of_one_machine_share_its_gpus_unless_they_promise_more_than_there_is() {
    for (overcommit, second) in [(false, vec![4, 5]), (true, vec![0, 1])] {
        let mut world = world(overcommit);
        let first = world.submit(with_gpus("first", "4"));
        world.register_all();
        let other = world.submit(with_gpus("other", "2"));
        world.register_all();
        assert_eq!((devices(&world, &first), devices(&world, &other)), (vec![0, 1, 2, 3], second), "{overcommit}");
    }
}

#[test]
fn each_container_of_a_task_has_its_own() {
    let mut world = world(false);
    let mut pair = two_containers();
    for container in &mut pair.ecs_properties.as_mut().expect("a task").task_properties[0].containers {
        let value = if container.name == "main" { "2" } else { "1" };
        container.resource_requirements.push(ResourceRequirement { kind: "GPU".into(), value: value.into() });
    }
    world.ask(Action::RegisterJobDefinition(Box::new(pair))).expect("registered");
    let id = world.submit(SubmitJobRequest { job_definition: "pair".into(), ..job("a") });
    world.register_all();
    let start = &world.starts[&world.live(&id)];
    let own: Vec<&[u32]> = start.containers.iter().map(|container| container.gpu_devices.as_slice()).collect();
    assert_eq!(own, [&[0, 1][..], &[2]]);
}
