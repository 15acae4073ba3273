//! Will it move?

use super::worlds::{
    MINUTE, NOW, detail, front, front_mut, job_mut, piece, queue_mut, running, second, snapshot, waiting,
    waiting_on_aws,
};
use crate::model::{Evidence, JobStatus, JobSummary, Piece};
use crate::triage::why::{Estimate, Movement, diagnose};

fn movement(world: &Evidence) -> Movement {
    diagnose(world).movement.expect("it waits")
}

/// So many starts, one every `every` until now.
fn starts(count: i64, every: i64) -> Piece<Vec<JobSummary>> {
    let one = |at: i64| JobSummary { started_at: Some(NOW - at * every), ..JobSummary::default() };
    piece((1..=count).map(one).collect())
}

fn in_place(place: usize) -> Evidence {
    let mut world = waiting();
    let ids: Vec<String> = (1..place).map(|at| format!("other-{at}")).chain(["job".to_owned()]).collect();
    world.front = piece(snapshot(ids.iter().map(|id| front(id, NOW - MINUTE)).collect()));
    world.ahead = piece(ids[..place - 1].iter().map(|id| detail(id, JobStatus::Runnable)).collect());
    world
}

#[test]
fn the_start_is_the_place_by_the_rate_with_an_error_that_shrinks_with_what_was_seen() {
    let mut world = in_place(6);
    world.started = starts(15, MINUTE);
    let told = movement(&world);
    assert_eq!(told.position, Some(6));
    assert_eq!(told.vcpus_ahead.as_deref(), Some("5"));
    assert_eq!(told.ahead.len(), 5);
    // The one a quarter of an hour ago has just left the window.
    assert_eq!(told.drain.map(|drain| (drain.starts, drain.window)), Some((14, 15 * MINUTE)));
    let Estimate::About { at, give_or_take } = told.estimate else { panic!("{told:?}") };
    assert_eq!((at - NOW) / 1000, 385);
    assert!((150..200).contains(&(give_or_take / 1000)), "{give_or_take}");
    let words = movement(&world).words(NOW);
    assert_eq!(words, "~ in 6 m, give or take 3 m");

    world.started = starts(140, MINUTE / 10);
    let Estimate::About { at, give_or_take: less } = movement(&world).estimate else { panic!("an estimate") };
    assert!(at - NOW < 60_000 && less < give_or_take);
}

#[test]
fn a_slow_queue_is_counted_over_the_hour_and_an_idle_one_gives_no_rate() {
    let mut world = in_place(2);
    world.started = starts(5, 11 * MINUTE);
    assert_eq!(movement(&world).drain.map(|drain| (drain.starts, drain.window)), Some((5, 60 * MINUTE)));
    world.started = starts(1, MINUTE);
    let told = movement(&world);
    assert_eq!(told.drain, None);
    assert!(told.words(NOW).starts_with("cannot tell: too few jobs"), "{}", told.words(NOW));
    world.started = Piece::NotRead("throttled".into());
    assert!(movement(&world).words(NOW).contains("could not be read"));
    world.front = Piece::NotRead("AccessDenied".into());
    assert!(movement(&world).words(NOW).contains("the order of its queue could not be read"));
}

#[test]
fn what_stands_behind_the_first_hundred_is_told_no_earlier_than_those() {
    let mut world = waiting();
    let ids = (0..100).map(|at| front(&format!("other-{at}"), NOW));
    world.front = piece(snapshot(ids.collect()));
    world.started = starts(14, MINUTE);
    let told = movement(&world);
    assert_eq!((told.position, told.place().as_str()), (None, "behind the first 100 of its queue"));
    assert!(matches!(told.estimate, Estimate::NotBefore { at } if at > NOW + 100 * MINUTE), "{told:?}");
}

#[test]
fn what_cannot_start_as_things_stand_has_no_time() {
    let mut world = in_place(3);
    world.started = starts(14, MINUTE);
    queue_mut(&mut world).held = true;
    assert_eq!(movement(&world).words(NOW), "not until this changes: an operator holds its queue");
    let mut world = second();
    world.started = starts(14, MINUTE);
    let mut first = detail("first", JobStatus::Runnable);
    first.status_reason = Some("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too large".into());
    world.ahead = piece(vec![first]);
    assert!(movement(&world).words(NOW).contains("first at the head holds up all behind it"));
}

#[test]
fn aws_tells_when_it_was_submitted_and_that_is_said() {
    let mut world = waiting_on_aws();
    let created = job_mut(&mut world).created_at;
    super::worlds::extra_mut(&mut world).state_since = created;
    assert!(movement(&world).since_submission);
    assert!(!movement(&waiting()).since_submission);
    front_mut(&mut world).clear();
    assert_eq!(movement(&world).place(), "not in the order of its queue now");
}

#[test]
fn only_what_waits_to_be_placed_moves() {
    assert_eq!(diagnose(&running()).movement, None);
    assert_eq!(diagnose(&super::worlds::pending()).movement, None);
}
