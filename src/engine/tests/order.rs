//! Which job is placed first, and which is held up.

use super::world::{World, environment, job, sized, tried};
use crate::engine::command::{Action, Outcome};
use crate::model::{
    ComputeResourceUpdate, JobId, JobStatus, SubmitJobRequest, Switch, UpdateComputeEnvironmentRequest,
    UpdateJobQueueRequest,
};

/// An environment with an instance of two vCPUs that a job of two holds, so that what comes next must wait.
fn busy() -> (World, JobId) {
    let mut world = World::small(2);
    let blocker = world.submit(sized("blocker", "2", "512"));
    world.register_all();
    (world, blocker)
}

fn to(queue: &str, request: SubmitJobRequest) -> SubmitJobRequest {
    SubmitJobRequest { job_queue: queue.to_owned(), ..request }
}

/// Ends one job after the other and notes in which order the rest was placed.
fn drain(world: &mut World, first: &JobId, names: &[(&JobId, &'static str)]) -> Vec<&'static str> {
    let mut order = Vec::new();
    let mut next = Some(first.clone());
    while let Some(id) = next {
        world.run(&id, 0);
        let placed = world.all_in(JobStatus::Starting);
        next = placed.into_iter().next();
        let name = names.iter().find(|(id, _)| Some(*id) == next.as_ref()).map(|(_, name)| *name);
        order.extend(name);
    }
    order
}

#[test]
fn a_queue_is_first_in_first_out_until_an_operator_says_otherwise() {
    let (mut world, blocker) = busy();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| world.submit(sized(name, "2", "512")));
    world.ask(Action::ReprioritiseJob { job: c.clone(), priority: 50 }).expect("it waits");
    world.ask(Action::ReprioritiseJob { job: d.clone(), priority: 9 }).expect("it waits");
    let order = drain(&mut world, &blocker, &[(&a, "a"), (&b, "b"), (&c, "c"), (&d, "d")]);
    assert_eq!(order, ["c", "d", "a", "b"]);
}

#[test]
fn a_submitter_s_scheduling_priority_has_no_effect_on_a_fifo_queue() {
    let (mut world, blocker) = busy();
    let a = world.submit(sized("a", "2", "512"));
    let request = SubmitJobRequest { scheduling_priority_override: Some(900), ..sized("b", "2", "512") };
    let b = world.submit(request);
    assert_eq!(world.job(&b).scheduling_priority, Some(900));
    assert_eq!(world.job(&b).extra.expect("ours").priority, 0);
    assert_eq!(drain(&mut world, &blocker, &[(&a, "a"), (&b, "b")]), ["a", "b"]);
}

#[test]
fn a_retried_job_goes_to_the_front() {
    let (mut world, blocker) = busy();
    let retried =
        world.submit(SubmitJobRequest { retry_strategy: tried("", 2).retry_strategy, ..sized("retried", "2", "512") });
    let other = world.submit(sized("other", "2", "512"));
    world.run(&blocker, 0);
    world.run(&retried, 1);
    assert_eq!(world.status(&retried), JobStatus::Starting);
    assert_eq!(world.status(&other), JobStatus::Runnable);
}

#[test]
fn the_queue_of_higher_priority_is_served_first_and_a_change_counts_at_once() {
    let (mut world, blocker) = busy();
    world.queue("high", 10, &["ce"]);
    let low = world.submit(sized("low", "2", "512"));
    let high = world.submit(to("high", sized("high", "2", "512")));
    let last = world.submit(to("high", sized("last", "2", "512")));
    world.run(&blocker, 0);
    assert_eq!((world.status(&high), world.status(&low)), (JobStatus::Starting, JobStatus::Runnable));
    let raise = UpdateJobQueueRequest { job_queue: "main".into(), priority: Some(20), ..Default::default() };
    world.ask(Action::UpdateJobQueue(raise)).expect("updated");
    world.run(&high, 0);
    assert_eq!((world.status(&low), world.status(&last)), (JobStatus::Starting, JobStatus::Runnable));
}

#[test]
fn queues_of_one_priority_are_served_by_name() {
    let (mut world, blocker) = busy();
    world.queue("alpha", 1, &["ce"]);
    let main = world.submit(sized("main", "2", "512"));
    let alpha = world.submit(to("alpha", sized("alpha", "2", "512")));
    world.run(&blocker, 0);
    assert_eq!((world.status(&alpha), world.status(&main)), (JobStatus::Starting, JobStatus::Runnable));
}

#[test]
fn a_head_that_has_no_room_holds_its_own_queue_and_no_other() {
    let mut world = World::small(2);
    world.queue("low", 0, &["ce"]);
    let half = world.submit(job("half"));
    world.register_all();
    let head = world.submit(sized("head", "2", "512"));
    let behind = world.submit(job("behind"));
    let low = world.submit(to("low", job("low")));
    assert_eq!(world.status(&half), JobStatus::Starting);
    assert_eq!(world.status(&head), JobStatus::Runnable);
    assert_eq!(world.status(&behind), JobStatus::Runnable, "there would be room, but the head goes first");
    assert_eq!(world.status(&low), JobStatus::Starting, "the lower queue takes what the head cannot use");
}

#[test]
fn a_job_goes_to_the_first_environment_in_order_that_takes_it() {
    let mut world = World::default();
    world.environment("one", 2);
    world.environment("two", 8);
    world.queue("main", 1, &["one", "two"]);
    world.definition("job", "2", "512");
    let place = |world: &World, id: &JobId| {
        let start = &world.starts[&world.live(id)];
        start.containers[0]
            .properties
            .environment
            .iter()
            .find(|pair| pair.name == "AWS_BATCH_CE_NAME")
            .map(|pair| pair.value.clone())
    };
    let [a, b] = ["a", "b"].map(|name| world.submit(job(name)));
    world.register_all();
    assert_eq!(place(&world, &a).as_deref(), Some("one"));
    assert_eq!(place(&world, &b).as_deref(), Some("two"), "the first is full");
    let off = UpdateComputeEnvironmentRequest {
        compute_environment: "one".into(),
        state: Some(Switch::Disabled),
        ..Default::default()
    };
    world.ask(Action::UpdateComputeEnvironment(off)).expect("updated");
    world.run(&a, 0);
    let c = world.submit(job("c"));
    world.register_all();
    assert_eq!(place(&world, &c).as_deref(), Some("two"), "a DISABLED environment is passed over");
}

#[test]
fn the_fullest_instance_that_fits_is_filled_first() {
    let mut world = World::small(6);
    let [a, b] = ["a", "b"].map(|name| world.submit(sized(name, "2", "512")));
    world.register_all();
    let (host_a, host_b) = (world.holder(&world.live(&a)), world.holder(&world.live(&b)));
    assert_ne!(host_a, host_b);
    world.run(&a, 0);
    world.run(&b, 0);
    let half = world.submit(job("half"));
    let host = world.holder(&world.live(&half));
    let other = world.submit(job("other"));
    assert_eq!(world.holder(&world.live(&other)), host, "the half full one is filled");
}

#[test]
fn only_what_waits_can_be_reprioritised() {
    let mut world = World::small(2);
    let id = world.submit(job("a"));
    world.register_all();
    let refused = world.ask(Action::ReprioritiseJob { job: id.clone(), priority: 1 });
    assert_eq!(
        refused.map_err(|refusal| refusal.to_string()),
        Err(format!("Job {id} is STARTING; only waiting jobs can be reprioritised"))
    );
}

#[test]
fn a_head_that_can_never_be_placed_says_why_and_stops_saying_so_when_it_can() {
    let cases = [
        ("64", "512", "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - "),
        ("2", "900000", "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - "),
        ("2", "30000", "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - "),
    ];
    for (vcpus, memory, expected) in cases {
        let mut world = World::small(8);
        let head = world.submit(sized("head", vcpus, memory));
        let behind = world.submit(job("behind"));
        assert!(world.reason(&head).starts_with(expected), "{vcpus} {memory}: {}", world.reason(&head));
        assert_eq!(world.reason(&behind), "", "only the head is looked at");
        world.register_all();
        assert_eq!(world.status(&behind), JobStatus::Runnable, "and it holds its queue");
        world.ask(Action::ReprioritiseJob { job: behind.clone(), priority: 1 }).expect("it waits");
        world.register_all();
        assert_eq!(world.status(&behind), JobStatus::Starting);
    }
    let mut world = World::small(8);
    let head = world.submit(sized("head", "16", "512"));
    assert_ne!(world.reason(&head), "");
    let update = ComputeResourceUpdate { maxv_cpus: Some(16), ..Default::default() };
    let raise = UpdateComputeEnvironmentRequest {
        compute_environment: "ce".into(),
        compute_resources: Some(update),
        ..Default::default()
    };
    world.ask(Action::UpdateComputeEnvironment(raise)).expect("updated");
    assert_eq!(world.reason(&head), "");
    world.register_all();
    assert_eq!(world.status(&head), JobStatus::Starting);
}

#[test]
fn a_queue_whose_environments_are_off_says_so() {
    let mut world = World::default();
    let off = environment("ce", 4);
    world
        .ask(Action::CreateComputeEnvironment(crate::model::CreateComputeEnvironmentRequest {
            state: Some(Switch::Disabled),
            ..off
        }))
        .expect("created");
    world.queue("main", 1, &["ce"]);
    world.definition("job", "1", "512");
    let id = world.submit(job("a"));
    assert!(world.reason(&id).starts_with("ACTION_REQUIRED - "), "{}", world.reason(&id));
    assert!(world.launching.is_empty(), "a DISABLED environment launches nothing");
}

#[test]
fn jobs_of_a_disabled_queue_still_run() {
    let (mut world, blocker) = busy();
    let id = world.submit(sized("a", "2", "512"));
    let off = UpdateJobQueueRequest { job_queue: "main".into(), state: Some(Switch::Disabled), ..Default::default() };
    world.ask(Action::UpdateJobQueue(off)).expect("updated");
    assert!(world.ask(Action::SubmitJob(Box::new(job("b")))).is_err(), "it takes no new ones");
    world.run(&blocker, 0);
    assert_eq!(world.status(&id), JobStatus::Starting);
}

#[test]
fn room_is_free_again_when_an_attempt_could_not_start() {
    let (mut world, blocker) = busy();
    let id = world.submit(sized("a", "2", "512"));
    let attempt = world.live(&blocker);
    world.exited(
        &attempt,
        Outcome { at: world.now, reason: Some("CannotPullContainerError: no".into()), ..Default::default() },
    );
    assert_eq!(world.reason(&blocker), "Task failed to start");
    assert_eq!(world.status(&id), JobStatus::Starting);
}
