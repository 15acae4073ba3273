//! The order that a queue shows is the order in which it goes.

use super::simulation::Dice;
use super::world::{MINUTE, SECOND, World, job, sized, tried};
use crate::engine::command::Action;
use crate::engine::event::Event;
use crate::model::{
    ComputeResourceUpdate, JobId, JobQueueSnapshot, MoveTo, SubmitJobRequest, UpdateComputeEnvironmentRequest,
};
use proptest::prelude::*;

fn snapshot(world: &World, queue: &str) -> JobQueueSnapshot {
    world.engine.queue_snapshot(queue, world.now).expect("a snapshot")
}

/// The ids of a snapshot's jobs.
fn order(world: &World, queue: &str) -> Vec<JobId> {
    let id = |arn: &str| JobId(arn.rsplit('/').next().expect("an id").to_owned());
    snapshot(world, queue).front_of_queue.jobs.iter().map(|job| id(&job.job_arn)).collect()
}

fn just_placed(world: &World) -> Vec<JobId> {
    let placed = world.events.iter().filter_map(|event| match event {
        Event::AttemptPlaced { job, .. } => Some(job.clone()),
        _ => None,
    });
    placed.collect()
}

/// Two more vCPUs, on an instance of their own.
fn more_room(world: &mut World, maximum: i32) {
    let update = ComputeResourceUpdate { maxv_cpus: Some(maximum), ..Default::default() };
    world
        .ask(Action::UpdateComputeEnvironment(UpdateComputeEnvironmentRequest {
            compute_environment: "ce".into(),
            compute_resources: Some(update),
            ..Default::default()
        }))
        .expect("updated");
}

/// Jobs of two vCPUs wait, an operator changes their order in all ways, some have been tried before.
fn story(seed: u64, queue: &str) -> World {
    let mut dice = Dice(seed);
    let mut world = World::small(2);
    world.fair("fair", &[("a", 0.5), ("b*", 2.0)], 0, 600);
    let shares = ["a", "b1", "b2", "c"];
    let mut jobs = Vec::new();
    for number in 0..14 {
        let mut request = sized(&format!("j{number}"), "2", "64");
        request.retry_strategy = tried("", 3).retry_strategy;
        request.job_queue = queue.to_owned();
        if queue == "fair" {
            request.share_identifier = dice.pick(&shares).map(|share| (*share).to_owned());
            request.scheduling_priority_override = dice.pick(&[None, Some(5)]).copied().flatten();
        }
        jobs.push(world.submit(request));
        if number > 3 {
            let job = dice.pick(&jobs).cloned().expect("some");
            let to = MoveTo { front: true, ..MoveTo::default() };
            let priority = i32::try_from(dice.below(4)).expect("small");
            let action = match dice.below(7) {
                0 => Action::ReprioritiseJob { job, priority },
                1 => Action::MoveJob { job, to },
                2 => Action::HoldJob { job },
                3 => Action::ReleaseJob { job },
                _ => {
                    // The one that runs ends, well or not: then it is tried again.
                    world.register_all();
                    let running = world.all_in(crate::model::JobStatus::Starting);
                    world.now += MINUTE;
                    for job in running {
                        let code = i32::from(dice.below(2) == 0);
                        world.run(&job, code);
                    }
                    continue;
                }
            };
            // What has started cannot be moved.
            let _ = world.ask(action);
        }
    }
    world.register_all();
    world
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    })]

    #[test]
    fn with_room_for_one_at_a_time_dispatch_follows_the_snapshot(seed in any::<u64>(), fair in any::<bool>()) {
        let queue = if fair { "fair" } else { "main" };
        let mut world = story(seed, queue);
        let shown = order(&world, queue);
        let mut gone = Vec::new();
        for maximum in (4..).step_by(2).take(shown.len()) {
            more_room(&mut world, maximum);
            world.register_all();
            let placed = just_placed(&world);
            prop_assert_eq!(placed.len(), 1, "room for one is taken by one");
            gone.extend(placed);
        }
        prop_assert_eq!(gone, shown);
        prop_assert!(order(&world, queue).is_empty());
    }

    #[test]
    fn who_is_first_in_the_snapshot_goes_when_a_job_ends(seed in any::<u64>(), fair in any::<bool>()) {
        let queue = if fair { "fair" } else { "main" };
        let mut world = story(seed, queue);
        loop {
            let running = world.all_in(crate::model::JobStatus::Starting);
            let Some(running) = running.first() else { break };
            let attempt = world.live(running);
            world.started(&attempt);
            world.now += 20 * SECOND;
            // What is used up to the moment of the end is what counts.
            let before = order(&world, queue);
            world.run_started_now(&attempt, 0);
            let after = just_placed(&world);
            if !fair {
                prop_assert_eq!(after.first(), before.first());
            }
            prop_assert!(after.iter().all(|job| before.contains(job)));
        }
    }
}

#[test]
fn a_snapshot_shows_since_when_each_stands_where_it_does() {
    let mut world = World::small(2);
    let blocker = world.submit(sized("blocker", "2", "64"));
    world.register_all();
    let start = world.now;
    let jobs: Vec<JobId> = (0..4)
        .map(|number| {
            world.now += SECOND;
            world.submit(sized(&format!("j{number}"), "2", "64"))
        })
        .collect();
    let since = |world: &World| -> Vec<i64> {
        let jobs = snapshot(world, "main").front_of_queue.jobs;
        jobs.iter().map(|job| (job.earliest_time_at_position - start) / SECOND).collect()
    };
    assert_eq!(since(&world), [1, 2, 3, 4]);
    world.now += 6 * SECOND;
    world.ask(Action::CancelJob { job: jobs[2].clone(), reason: "no".into() }).expect("cancelled");
    assert_eq!(since(&world), [1, 2, 10], "who waits behind has moved up");
    world.now += 10 * SECOND;
    world.ask(Action::ReprioritiseJob { job: jobs[1].clone(), priority: 3 }).expect("it waits");
    assert_eq!(order(&world, "main")[0], jobs[1]);
    assert_eq!(since(&world), [20, 20, 20], "it is in front since now, and the other behind it");
    world.now += 9 * SECOND;
    world.run(&blocker, 0);
    assert_eq!(since(&world), [30, 30], "all move up when the head goes");
    let read: crate::engine::Engine =
        serde_json::from_str(&serde_json::to_string(&world.engine).expect("written")).expect("read");
    let again = read.queue_snapshot("main", world.now).expect("a snapshot");
    assert_eq!(again, snapshot(&world, "main"), "a restart forgets nothing of it");
}

#[test]
fn a_snapshot_shows_a_hundred_jobs_no_parent_and_what_is_used() {
    let mut world = World::small(2);
    world.fair("fair", &[], 0, 600);
    let array = crate::model::ArrayProperties { size: Some(150), ..Default::default() };
    let request = SubmitJobRequest { share_identifier: Some("a".into()), job_queue: "fair".into(), ..job("array") };
    let parent = world.submit(SubmitJobRequest { array_properties: Some(array), ..request });
    world.register_all();
    let shown = order(&world, "fair");
    assert_eq!((shown.len(), &shown[0]), (100, &parent.child(2)), "two of them run");
    let used = snapshot(&world, "fair").queue_utilization.expect("it is there");
    let wire = serde_json::to_value(&used).expect("json");
    assert_eq!(wire["totalCapacityUsage"], serde_json::json!([{ "capacityUnit": "VCPU", "quantity": 2.0 }]));
    assert_eq!(
        wire["fairshareUtilization"],
        serde_json::json!({
            "activeShareCount": 1,
            "topCapacityUtilization": [
                { "shareIdentifier": "a", "capacityUsage": [{ "capacityUnit": "VCPU", "quantity": 2.0 }] }
            ],
        })
    );
    let plain = snapshot(&world, "main");
    assert_eq!(plain.front_of_queue.jobs, []);
    assert_eq!(plain.queue_utilization.expect("it is there").fairshare_utilization, None);
    assert!(world.engine.queue_snapshot("nowhere", world.now).is_err());
}
