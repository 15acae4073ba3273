//! Jobs are promised no more than the machine has.

#![expect(clippy::float_cmp, reason = "what is compared are whole numbers and halves")]

use super::world::{World, environment, job, sized};
use crate::engine::Settings;
use crate::engine::command::Action;
use crate::engine::machine::Machine;
use crate::model::{Capacity, JobStatus, OVERCOMMIT_TAG};

const MACHINE: Machine = Machine { vcpus_milli: 2000, memory_mib: 4096, gpus: 0 };

/// A machine of two vCPUs and 4 GiB; `main` on an environment of 64 vCPUs.
fn on_a_machine(overcommit: bool) -> World {
    let mut world = World::with(Settings { machine: Some(MACHINE), ..Settings::default() });
    let mut request = environment("ce", 64);
    if overcommit {
        request.tags.insert(OVERCOMMIT_TAG.into(), "true".into());
    }
    world.ask(Action::CreateComputeEnvironment(request)).expect("an environment");
    world.queue("main", 1, &["ce"]);
    world.definition("job", "1", "512");
    world
}

fn capacity(world: &World) -> Capacity {
    world.engine.compute_environments().remove(0).capacity.expect("ours")
}

#[test]
fn jobs_get_the_machine_and_no_more_and_nothing_is_launched_for_the_rest() {
    let mut world = on_a_machine(false);
    let jobs: Vec<_> = (0..8).map(|number| world.submit(job(&format!("j{number}")))).collect();
    world.register_all();
    assert_eq!(capacity(&world).vcpus, 2.0);
    assert_eq!(world.all_in(JobStatus::Starting).len(), 2);
    assert_eq!(
        world.reason(&jobs[2]),
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - this machine's 2 vCPUs and 4096 MiB are promised to other jobs; \
         the job asks for 1 vCPU and 512 MiB."
    );
    world.run(&jobs[0], 0);
    assert_eq!(world.status(&jobs[2]), JobStatus::Starting);
    assert_eq!(world.reason(&jobs[2]), "");
}

#[test]
fn memory_runs_out_as_processors_do() {
    let mut world = on_a_machine(false);
    for number in 0..4 {
        world.submit(sized(&format!("j{number}"), "0.25", "1500"));
    }
    world.register_all();
    assert_eq!(world.all_in(JobStatus::Starting).len(), 2);
    assert_eq!(world.engine.promised(), Machine { vcpus_milli: 500, memory_mib: 3000, gpus: 0 });
}

#[test]
fn a_job_larger_than_the_machine_waits_and_says_so_and_nothing_is_launched() {
    let mut world = on_a_machine(false);
    let large = world.submit(sized("large", "3", "512"));
    assert_eq!(capacity(&world).instances, []);
    assert_eq!(
        world.reason(&large),
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - this machine has 2 vCPUs and 4096 MiB; the job asks for 3 vCPUs \
         and 512 MiB. Ask for less, or set the tag batchdeck:overcommit=true on the CE."
    );
}

#[test]
fn an_environment_that_overcommits_promises_what_its_maximum_lets_it() {
    let mut world = on_a_machine(true);
    for number in 0..40 {
        world.submit(job(&format!("j{number}")));
    }
    let large = world.submit(sized("large", "3", "512"));
    world.register_all();
    assert_eq!(world.all_in(JobStatus::Starting).len(), 41);
    assert_eq!(world.reason(&large), "");
    assert_eq!(world.engine.promised(), Machine::default(), "it does not count");
}

#[test]
fn what_other_regions_have_promised_is_not_there() {
    let mut world = on_a_machine(false);
    world.engine.set_promised_elsewhere(Machine { vcpus_milli: 1500, ..Machine::default() });
    let whole = world.submit(job("whole"));
    assert!(world.reason(&whole).starts_with("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"), "{}", world.reason(&whole));
    world.engine.set_promised_elsewhere(Machine { vcpus_milli: 1000, ..Machine::default() });
    world.pass(0);
    world.register_all();
    assert_eq!(world.status(&whole), JobStatus::Starting);
}

#[test]
fn a_full_environment_is_not_the_machines_fault() {
    let mut world = on_a_machine(false);
    world.environment("tiny", 1);
    world.queue("tiny", 1, &["tiny"]);
    let jobs: Vec<_> = (0..3)
        .map(|number| {
            world.submit(crate::model::SubmitJobRequest { job_queue: "tiny".into(), ..job(&format!("j{number}")) })
        })
        .collect();
    world.register_all();
    assert_eq!(world.status(&jobs[0]), JobStatus::Starting);
    assert_eq!(world.reason(&jobs[1]), "");
}
