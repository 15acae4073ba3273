//! A large backlog costs memory, not time: nothing walks over all jobs to place one, to list a page or to wait.

use crate::engine::load::Backlog;
use crate::model::JobId;
use std::time::{Duration, Instant};

/// The shortest of some samples: what the step costs when nothing else is in its way.
fn least(samples: usize, mut step: impl FnMut()) -> Duration {
    let time = |step: &mut dyn FnMut()| {
        let start = Instant::now();
        step();
        start.elapsed()
    };
    (0..samples).map(|_| time(&mut step)).min().expect("some samples")
}

/// What each step costs with the backlog that is there.
fn costs(backlog: &mut Backlog, job: &JobId) -> Vec<(&'static str, Duration)> {
    let many = 50;
    vec![
        ("a page", least(20, || assert_eq!(backlog.page(), 100))),
        (
            "submits",
            least(10, || {
                for _ in 0..many {
                    backlog.submit(None);
                }
            }),
        ),
        (
            "dispatches",
            least(10, || {
                for _ in 0..many {
                    assert!(backlog.dispatch());
                }
            }),
        ),
        (
            "reprioritisations",
            least(10, || {
                for priority in 0..many {
                    backlog.reprioritise(job, priority);
                }
            }),
        ),
    ]
}

fn waiting(count: usize) -> (Backlog, JobId) {
    let mut backlog = Backlog::default();
    for _ in 1..count {
        backlog.submit(None);
    }
    let last = backlog.submit(None);
    (backlog, last)
}

#[test]
fn a_step_with_a_large_backlog_costs_about_what_it_costs_with_a_small_one() {
    let (mut small, small_job) = waiting(500);
    let (mut large, large_job) = waiting(10_000);
    let (small, large) = (costs(&mut small, &small_job), costs(&mut large, &large_job));
    for ((step, small), (_, large)) in small.into_iter().zip(large) {
        // A walk over the backlog would cost twenty times as much; a machine that is busy elsewhere three times.
        assert!(large < small * 6, "{step}: {small:?} with a small backlog, {large:?} with a large one");
    }
}

#[test]
fn a_queue_is_deleted_in_short_steps() {
    let (mut backlog, _) = waiting(5_000);
    backlog.submit(Some(5_000));
    backlog.delete();
    let before = backlog.engine.job_count();
    let (mut steps, mut most) = (0, 0);
    loop {
        let events = backlog.events;
        if !backlog.go_on() {
            break;
        }
        steps += 1;
        most = most.max(backlog.events - events);
    }
    while backlog.dispatch() {}
    assert!(most <= 1100, "{most} events in one step");
    assert!((5..50).contains(&steps), "{steps} steps");
    assert_eq!(backlog.engine.job_count(), before, "they are kept as failed");
    assert_eq!(backlog.engine.job_queues(), [], "and the queue is gone");
}

#[test]
fn a_waiting_job_takes_less_than_a_kibibyte() {
    use crate::engine::event::Submission;
    use crate::engine::job::{Job, Root};
    assert!(size_of::<Root>() <= 416, "{}", size_of::<Root>());
    assert!(size_of::<Submission>() <= 320, "{}", size_of::<Submission>());
    assert!(size_of::<Job>() <= 96, "a child of an array: {}", size_of::<Job>());
}
