//! A large backlog costs memory, not time: nothing walks over all jobs to place one, to list a page or to wait.

use super::world::{Counting, World, job};
use crate::engine::command::{Action, Command};
use crate::engine::{Engine, Ids, JobFilter};
use crate::model::JobStatus;

/// Submits without checking the whole state after each, as a body does.
fn submit(engine: &mut Engine, now: i64, ids: &mut dyn Ids, number: usize) {
    let action = Action::SubmitJob(Box::new(job(&format!("j{number}"))));
    let decision = engine.decide(&Command { by: "ada@host".into(), reason: None, action }, now, ids).expect("accepted");
    let mut events = decision.events;
    while !events.is_empty() {
        for event in &events {
            engine.apply(event);
        }
        events = engine.advance(now, ids);
    }
}

#[test]
fn a_step_with_a_large_backlog_costs_about_what_it_costs_with_a_small_one() {
    let mut world = World::small(2);
    let mut ids = Counting::default();
    ids.skip(1_000_000);
    let page = JobFilter { statuses: vec![JobStatus::Runnable], ..JobFilter::default() };
    let mut number = 0;
    let mut sample = |steps: usize, listed: bool| {
        let start = std::time::Instant::now();
        for _ in 0..steps {
            number += 1;
            submit(&mut world.engine, world.now, &mut ids, number);
            if listed {
                world.engine.jobs(&page).expect("a page");
            }
        }
        start.elapsed()
    };
    let small = sample(300, true);
    sample(20_000, false);
    let large = [sample(300, true), sample(300, true), sample(300, true)].into_iter().min().expect("three");
    // A walk over the backlog in each step would cost a hundred times as much.
    assert!(large < small * 10, "{small:?} with a small backlog, {large:?} with a large one");
    assert!(world.engine.job_count() > 20_000);
}

#[test]
fn a_waiting_job_takes_less_than_a_kibibyte() {
    use crate::engine::event::Submission;
    use crate::engine::job::{Job, Root};
    assert!(size_of::<Root>() <= 416, "{}", size_of::<Root>());
    assert!(size_of::<Submission>() <= 320, "{}", size_of::<Submission>());
    assert!(size_of::<Job>() <= 96, "a child of an array: {}", size_of::<Job>());
}
