//! Shares take turns by what they use, and consumable resources are waited for.

use super::world::{HOUR, MINUTE, World, consumes, job, sized};
use crate::engine::Settings;
use crate::engine::command::Action;
use crate::model::{ConsumableKind, ConsumableResource, JobId, JobStatus, SubmitJobRequest};

use JobStatus::{Runnable, Starting, Succeeded};

fn of(share: &str, request: SubmitJobRequest) -> SubmitJobRequest {
    SubmitJobRequest { job_queue: "fair".into(), share_identifier: Some(share.to_owned()), ..request }
}

/// A world of `vcpus` whose queue `fair` weighs shares so; nothing can be placed until [`World::register_all`].
fn world(vcpus: i32, shares: &[(&str, f64)], reservation: i32) -> World {
    let mut world = World::small(vcpus);
    world.fair("fair", shares, reservation, 3600);
    world.ask(Action::HoldQueue { queue: "fair".into() }).expect("held");
    world
}

fn let_go(world: &mut World) {
    world.ask(Action::ReleaseQueue { queue: "fair".into() }).expect("released");
    world.register_all();
}

/// How many jobs of each share are placed.
fn placed(world: &World, shares: &[&str]) -> Vec<usize> {
    let placed = [Starting, JobStatus::Running].iter().flat_map(|status| world.all_in(*status)).collect::<Vec<_>>();
    let is_of = |id: &JobId, share: &str| world.job(id).share_identifier.as_deref() == Some(share);
    shares.iter().map(|share| placed.iter().filter(|id| is_of(id, share)).count()).collect()
}

#[test]
fn room_is_shared_by_weight_whoever_came_first() {
    for (weight, expected) in [(1.0, [4, 4]), (0.25, [2, 6]), (3.0, [6, 2])] {
        let mut world = world(8, &[("b", weight)], 0);
        for share in ["a", "b"] {
            for number in 0..12 {
                world.submit(of(share, job(&format!("{share}{number}"))));
            }
        }
        let_go(&mut world);
        assert_eq!(placed(&world, &["a", "b"]), expected, "b weighs {weight}");
    }
}

#[test]
fn shares_of_one_prefix_weigh_together() {
    let mut world = world(12, &[("user*", 0.5)], 0);
    for share in ["alone", "user1", "user2"] {
        for number in 0..12 {
            world.submit(of(share, job(&format!("{share}{number}"))));
        }
    }
    let_go(&mut world);
    assert_eq!(placed(&world, &["alone", "user1", "user2"]), [4, 4, 4], "each of the two weighs 0.5 x 2");
}

#[test]
fn who_has_used_much_lately_waits_and_an_hour_later_does_not() {
    for (later, first) in [(0, "b"), (48 * HOUR, "a")] {
        let mut world = world(2, &[], 0);
        let_go(&mut world);
        let long = world.submit(of("a", sized("long", "2", "512")));
        world.register_all();
        let attempt = world.live(&long);
        world.started(&attempt);
        world.now += HOUR;
        world.run_started(&attempt, 0);
        world.pass(later);
        world.ask(Action::HoldQueue { queue: "fair".into() }).expect("held");
        let [a, b] = ["a", "b"].map(|share| world.submit(of(share, sized(share, "2", "512"))));
        let_go(&mut world);
        let (next, other) = if first == "a" { (&a, &b) } else { (&b, &a) };
        assert_eq!((world.status(next), world.status(other)), (Starting, Runnable), "{later} later");
        world.assert_replays(&Settings::default());
    }
}

#[test]
fn within_a_share_priority_counts_and_never_across_shares() {
    let mut world = world(2, &[], 0);
    let with = |priority, request| SubmitJobRequest { scheduling_priority_override: Some(priority), ..request };
    let low = world.submit(of("a", sized("low", "2", "512")));
    let high = world.submit(of("a", with(50, sized("high", "2", "512"))));
    let other = world.submit(of("b", with(900, sized("other", "2", "512"))));
    assert_eq!(world.job(&high).extra.expect("ours").priority, 50);
    let_go(&mut world);
    assert_eq!(world.status(&high), Starting, "neither has used anything: who came first goes, by the best of it");
    world.run(&high, 0);
    assert_eq!((world.status(&other), world.status(&low)), (Starting, Runnable));
    world.run(&other, 0);
    assert_eq!(world.status(&low), Starting);
}

#[test]
fn what_is_reserved_is_kept_for_shares_to_come() {
    let mut world = world(8, &[], 50);
    for number in 0..10 {
        world.submit(of("a", job(&format!("a{number}"))));
    }
    let_go(&mut world);
    assert_eq!(placed(&world, &["a", "b"]), [4, 0], "one active share leaves half free");
    for number in 0..10 {
        world.submit(of("b", job(&format!("b{number}"))));
    }
    world.register_all();
    assert_eq!(placed(&world, &["a", "b"]), [4, 2], "two leave a quarter free");
    let mut world = self::world(8, &[], 90);
    let large = world.submit(of("a", sized("large", "6", "512")));
    let_go(&mut world);
    assert_eq!(world.status(&large), Starting, "what is larger than the rest goes when nothing else runs");
}

#[test]
fn a_queue_takes_five_hundred_active_shares() {
    let mut world = world(2, &[], 0);
    for number in 0..500 {
        let command = of(&format!("s{number}"), job("j"));
        world.submit_unchecked(command);
    }
    let said = world.ask(Action::SubmitJob(Box::new(of("more", job("j"))))).expect_err("refused").to_string();
    assert!(said.contains("has 500 active shares"), "{said}");
    world.submit(of("s7", job("known")));
}

fn row(world: &World, name: &str) -> ConsumableResource {
    world.engine.consumable_resource(name).expect("it is there")
}

fn taking(name: &str, takes: &[(&str, i64)]) -> SubmitJobRequest {
    SubmitJobRequest { consumable_resource_properties_override: Some(consumes(takes)), ..job(name) }
}

#[test]
fn a_job_waits_until_what_it_takes_is_free_and_gives_it_back() {
    let mut world = World::small(8);
    world.consumable("licence", 3, ConsumableKind::Replenishable);
    let [a, b, c] = ["a", "b", "c"].map(|name| world.submit(taking(name, &[("licence", 2)])));
    let behind = world.submit(job("behind"));
    world.register_all();
    assert_eq!([&a, &b, &c, &behind].map(|id| world.status(id)), [Starting, Runnable, Runnable, Runnable]);
    assert!(world.reason(&b).starts_with("CONSUMABLE_RESOURCE:IN_USE - "), "{}", world.reason(&b));
    let quantities = |world: &World| {
        let row = row(world, "licence");
        (row.total_quantity, row.in_use_quantity, row.available_quantity)
    };
    assert_eq!(quantities(&world), (3, 2, 1));
    world.run(&a, 0);
    assert_eq!([&b, &c].map(|id| world.status(id)), [Starting, Runnable]);
    world.fill("licence", 4);
    world.register_all();
    assert_eq!([&c, &behind].map(|id| world.status(id)), [Starting, Starting], "more of it lets them go on");
    world.run(&b, 0);
    world.run(&c, 0);
    assert_eq!(quantities(&world), (4, 0, 4));
    let never = world.submit(taking("never", &[("licence", 9)]));
    assert!(world.reason(&never).starts_with("CONSUMABLE_RESOURCE:INSUFFICIENT_TOTAL - "), "{}", world.reason(&never));
}

#[test]
fn what_is_not_replenishable_is_used_up() {
    let mut world = World::small(8);
    world.consumable("token", 2, ConsumableKind::NonReplenishable);
    let [a, b, c] = ["a", "b", "c"].map(|name| world.submit(taking(name, &[("token", 1)])));
    world.register_all();
    world.run(&a, 0);
    world.run(&b, 0);
    assert_eq!([&a, &b, &c].map(|id| world.status(id)), [Succeeded, Succeeded, Runnable]);
    let row = row(&world, "token");
    assert_eq!((row.total_quantity, row.in_use_quantity, row.available_quantity), (0, 0, 0));
    assert!(world.launching.is_empty(), "nothing is launched for what cannot go");
    world.fill("token", 1);
    world.register_all();
    assert_eq!(world.status(&c), Starting);
    world.assert_replays(&Settings::default());
}

#[test]
fn a_job_that_blocks_its_queue_for_too_long_is_cancelled_and_the_next_one_moves_up() {
    const CODE: &str = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE";
    let mut world = World::small(8);
    let limit = crate::model::JobStateTimeLimitAction {
        reason: CODE.into(),
        state: "RUNNABLE".into(),
        max_time_seconds: 600,
        action: "CANCEL".into(),
    };
    world
        .ask(Action::UpdateJobQueue(crate::model::UpdateJobQueueRequest {
            job_queue: "main".into(),
            job_state_time_limit_actions: Some(vec![limit]),
            ..Default::default()
        }))
        .expect("updated");
    let [head, second] = ["head", "second"].map(|name| world.submit(sized(name, "64", "512")));
    world.pass(5 * MINUTE);
    let row = |world: &World| world.engine.job_queues().pop().and_then(|queue| queue.blocked);
    let blocked = row(&world).expect("the head blocks it");
    assert_eq!((&blocked.job_id, blocked.since), (&head, world.now - 5 * MINUTE));
    assert!(blocked.reason.starts_with(CODE));
    let update = crate::model::ComputeResourceUpdate { maxv_cpus: Some(16), ..Default::default() };
    world
        .ask(Action::UpdateComputeEnvironment(crate::model::UpdateComputeEnvironmentRequest {
            compute_environment: "ce".into(),
            compute_resources: Some(update),
            ..Default::default()
        }))
        .expect("updated");
    assert_eq!(row(&world).expect("still").since, blocked.since, "another word on the same code is the same reason");
    assert_eq!(world.engine.next_wake(world.now), Some(blocked.since + 10 * MINUTE));
    world.pass(5 * MINUTE);
    assert_eq!(world.status(&head), JobStatus::Failed);
    assert_eq!(world.reason(&head), format!("Canceled by JobStateTimeLimit action due to reason: {CODE}"));
    assert_eq!(
        row(&world).map(|blocked| (blocked.job_id, blocked.since)),
        Some((second, world.now)),
        "its clock starts"
    );
    world.assert_replays(&Settings::default());
}
