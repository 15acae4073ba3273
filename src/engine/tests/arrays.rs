//! Arrays and the dependencies between them.

use super::world::{World, job, tried};
use crate::engine::command::Action;
use crate::model::{ArrayProperties, DependencyKind, JobDependency, JobId, JobStatus, SubmitJobRequest};

fn array(name: &str, size: u32) -> SubmitJobRequest {
    let array_properties = Some(ArrayProperties { size: Some(size), ..ArrayProperties::default() });
    SubmitJobRequest { array_properties, ..job(name) }
}

fn with(request: SubmitJobRequest, job: Option<&JobId>, kind: Option<DependencyKind>) -> SubmitJobRequest {
    let depends_on = vec![JobDependency { job_id: job.cloned(), kind }];
    SubmitJobRequest { depends_on, ..request }
}

fn statuses(world: &World, parent: &JobId, size: u32) -> Vec<JobStatus> {
    (0..size).map(|index| world.status(&parent.child(index))).collect()
}

use JobStatus::{Failed, Pending, Runnable, Starting, Succeeded};

#[test]
fn a_parent_is_pending_while_its_children_run_and_sums_them_up() {
    let mut world = World::small(2);
    let parent = world.submit(array("a", 3));
    world.register_all();
    assert_eq!(world.status(&parent), Pending);
    assert_eq!(statuses(&world, &parent, 3), [Starting, Starting, Runnable]);
    let summary = world.job(&parent).array_properties.expect("an array").status_summary.expect("a summary");
    assert_eq!(summary.0.len(), 7, "all seven states are there");
    assert_eq!((summary.get(Starting), summary.get(Runnable)), (2, 1));
    for index in 0..3 {
        world.run(&parent.child(index), 0);
    }
    assert_eq!((world.status(&parent), world.job(&parent).status_reason), (Succeeded, None));
    let child = world.job(&parent.child(2));
    assert_eq!(child.array_properties.expect("a child").index, Some(2));
}

#[test]
fn a_child_knows_its_index_and_the_size() {
    let mut world = World::small(4);
    let parent = world.submit(array("a", 2));
    world.register_all();
    let start = &world.starts[&world.live(&parent.child(1))];
    let value = |name: &str| {
        start.containers[0].properties.environment.iter().find(|pair| pair.name == name).map(|pair| pair.value.clone())
    };
    assert_eq!(value("AWS_BATCH_JOB_ID"), Some(format!("{parent}:1")));
    assert_eq!(value("AWS_BATCH_JOB_ARRAY_INDEX").as_deref(), Some("1"));
    assert_eq!(value("AWS_BATCH_JOB_ARRAY_SIZE").as_deref(), Some("2"));
}

#[test]
fn one_failed_child_does_not_stop_the_others_but_fails_the_parent_at_the_end() {
    let mut world = World::small(4);
    let parent = world.submit(array("a", 3));
    world.run(&parent.child(1), 1);
    assert_eq!(world.status(&parent), Pending);
    world.run(&parent.child(0), 0);
    world.run(&parent.child(2), 0);
    assert_eq!((world.status(&parent), world.reason(&parent).as_str()), (Failed, "Array Child Job failed"));
    assert_eq!(statuses(&world, &parent, 3), [Succeeded, Failed, Succeeded]);
}

#[test]
fn children_are_retried_each_for_itself() {
    let mut world = World::small(4);
    let request = SubmitJobRequest { retry_strategy: tried("", 2).retry_strategy, ..array("a", 2) };
    let parent = world.submit(request);
    world.run(&parent.child(0), 1);
    world.run(&parent.child(0), 0);
    world.run(&parent.child(1), 0);
    assert_eq!(world.status(&parent), Succeeded);
    assert_eq!(world.job(&parent.child(0)).attempts.len(), 2);
}

#[test]
fn n_to_n_lets_each_child_follow_its_counterpart_alone() {
    let mut world = World::small(8);
    let first = world.submit(array("first", 3));
    let second = world.submit(with(array("second", 3), Some(&first), Some(DependencyKind::NToN)));
    assert_eq!(statuses(&world, &second, 3), [Pending; 3]);
    world.run(&first.child(1), 0);
    assert_eq!(statuses(&world, &second, 3), [Pending, Starting, Pending]);
    world.run(&first.child(0), 1);
    assert_eq!(statuses(&world, &second, 3), [Failed, Starting, Pending]);
    assert_eq!(world.reason(&second.child(0)), "Dependent Job failed");
    world.run(&first.child(2), 0);
    assert_eq!(world.status(&first), Failed);
    assert_eq!(statuses(&world, &second, 3), [Failed, Starting, Starting], "only the counterpart's failure counts");
    world.run(&second.child(1), 0);
    world.run(&second.child(2), 0);
    assert_eq!((world.status(&second), world.reason(&second).as_str()), (Failed, "Array Child Job failed"));
}

#[test]
fn n_to_n_counts_what_has_ended_before_it_was_submitted() {
    let mut world = World::small(8);
    let first = world.submit(array("first", 2));
    world.run(&first.child(0), 0);
    let second = world.submit(with(array("second", 2), Some(&first), Some(DependencyKind::NToN)));
    assert_eq!(statuses(&world, &second, 2), [Starting, Pending]);
    world.run(&first.child(1), 1);
    assert_eq!(statuses(&world, &second, 2), [Starting, Failed]);
}

#[test]
fn sequential_runs_children_one_after_the_other_and_stops_at_a_failure() {
    let mut world = World::small(8);
    let parent = world.submit(with(array("a", 4), None, Some(DependencyKind::Sequential)));
    world.register_all();
    assert_eq!(statuses(&world, &parent, 4), [Starting, Pending, Pending, Pending]);
    world.run(&parent.child(0), 0);
    assert_eq!(statuses(&world, &parent, 4), [Succeeded, Starting, Pending, Pending]);
    world.run(&parent.child(1), 1);
    assert_eq!(statuses(&world, &parent, 4), [Succeeded, Failed, Failed, Failed]);
    assert_eq!(world.status(&parent), Failed);
}

#[test]
fn a_plain_dependency_on_an_array_waits_for_all_of_it_and_one_on_a_child_for_that_child() {
    let mut world = World::small(8);
    let first = world.submit(array("first", 2));
    let whole = world.submit(with(array("whole", 2), Some(&first), None));
    let one = world.submit(with(job("one"), Some(&first.child(0)), None));
    world.run(&first.child(0), 0);
    assert_eq!((world.status(&one), statuses(&world, &whole, 2)), (Starting, vec![Pending, Pending]));
    world.run(&first.child(1), 0);
    world.register_all();
    assert_eq!(statuses(&world, &whole, 2), [Starting, Starting]);
}

#[test]
fn a_failed_dependency_fails_an_array_with_all_its_children_in_one_event() {
    let mut world = World::small(8);
    let first = world.submit(job("first"));
    let second = world.submit(with(array("second", 50), Some(&first), None));
    let third = world.submit(with(job("third"), Some(&second), None));
    world.run(&first, 1);
    assert_eq!(statuses(&world, &second, 50), [Failed; 50]);
    assert_eq!((world.status(&second), world.reason(&second).as_str()), (Failed, "Dependent Job failed"));
    assert_eq!(world.status(&third), Failed);
    let rows = world.journal.iter().filter(|line| line.contains("job-ended")).count();
    assert_eq!(rows, 2, "one for the array, one for the job behind it");
}

#[test]
fn stopping_an_array_hits_its_children_by_their_states() {
    for (terminate, running) in [(false, JobStatus::Running), (true, Failed)] {
        let mut world = World::small(2);
        let parent = world.submit(array("a", 4));
        world.register_all();
        let attempt = world.live(&parent.child(0));
        world.started(&attempt);
        let reason = "enough".to_owned();
        let action = if terminate {
            Action::TerminateJob { job: parent.clone(), reason }
        } else {
            Action::CancelJob { job: parent.clone(), reason }
        };
        world.ask(action).expect("accepted");
        world.deliver();
        assert_eq!(world.status(&parent.child(0)), running);
        assert_eq!(world.status(&parent.child(3)), Failed);
        assert_eq!(world.reason(&parent.child(3)), "enough");
        if !terminate {
            assert_eq!(world.status(&parent), Pending, "the parent ends with its last child");
            world.run_started(&attempt, 0);
            world.run(&parent.child(1), 0);
        }
        assert_eq!(world.status(&parent), Failed);
    }
}

#[test]
fn terminating_one_child_leaves_its_siblings_alone() {
    let mut world = World::small(8);
    let parent = world.submit(array("a", 3));
    world.register_all();
    world.ask(Action::TerminateJob { job: parent.child(1), reason: "bad shard".into() }).expect("accepted");
    world.deliver();
    assert_eq!(statuses(&world, &parent, 3), [Starting, Failed, Starting]);
}

#[test]
fn an_array_of_ten_thousand_is_one_row_in_the_journal_and_quick() {
    let mut world = World::small(4);
    let parent = world.submit(array("big", 10_000));
    let about: Vec<_> = world.journal.iter().filter(|line| line.contains(parent.as_str())).collect();
    assert!(about.len() <= 4, "submitted, runnable, audited: {}", about.len());
    world.ask(Action::CancelJob { job: parent.clone(), reason: "too big".into() }).expect("accepted");
    assert_eq!(world.status(&parent), Failed);
    let about = world.journal.iter().filter(|line| line.contains(parent.as_str())).count();
    assert!(about <= 8, "stopping it is a few rows too: {about}");
}
