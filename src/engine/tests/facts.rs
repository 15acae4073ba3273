//! What AWS says of a job's life, sentence by sentence, where it is not told elsewhere: who is never tried again, what a
//! stop reaches, what times and summaries say, who is kept.

use super::world::{DAY, HOUR, SECOND, World, definition, job, tried};
use crate::engine::command::{Action, Answer, Outcome};
use crate::model::{
    ArrayProperties, DependencyKind, EvaluateOnExit, JobDependency, JobId, JobStatus, RetryStrategy, SubmitJobRequest,
};

use JobStatus::{Failed, Pending, Runnable, Running, Starting, Succeeded};

fn array(request: SubmitJobRequest, size: u32) -> SubmitJobRequest {
    let array_properties = Some(ArrayProperties { size: Some(size), ..ArrayProperties::default() });
    SubmitJobRequest { array_properties, ..request }
}

fn after(request: SubmitJobRequest, jobs: &[&JobId]) -> SubmitJobRequest {
    let plain = |id: &&JobId| JobDependency { job_id: Some((*id).clone()), kind: None };
    SubmitJobRequest { depends_on: jobs.iter().map(plain).collect(), ..request }
}

fn cancel(world: &mut World, job: &JobId) {
    world.ask(Action::CancelJob { job: job.clone(), reason: "enough".into() }).expect("accepted");
}

#[test]
fn a_child_that_ran_when_its_array_was_cancelled_is_not_tried_again() {
    // Whether siblings wait that the cancel can hit, or all of them run.
    for (vcpus, waiting) in [(2, 2), (4, 0)] {
        let mut world = World::small(vcpus);
        let parent = world.submit(array(tried("a", 3), 4));
        world.register_all();
        let running = world.live(&parent.child(0));
        world.started(&running);
        cancel(&mut world, &parent);
        assert_eq!(world.status(&parent.child(0)), Running, "a cancel leaves alone what runs");
        assert!(world.job(&parent).is_cancelled);
        assert_eq!(world.all_in(Failed).len(), waiting, "what waits ends at once");
        let exit = Outcome { at: world.now, code: Some(1), ..Outcome::default() };
        world.exited(&running, exit);
        let child = world.job(&parent.child(0));
        assert_eq!((child.status, child.attempts.len()), (Failed, 1));
        assert_eq!(child.status_reason.as_deref(), Some("Essential container in task exited"), "of its own doing");
        assert!(!child.is_cancelled && !child.is_terminated);
        assert_eq!(world.status(&parent), Pending, "the parent ends with its last child");
        for id in world.all_in(Starting) {
            world.run(&id, 0);
        }
        assert_eq!(world.status(&parent), Failed);
    }
}

#[test]
fn a_job_that_runs_when_it_is_cancelled_goes_on_as_if_nothing_had_been_said() {
    let mut world = World::small(1);
    let id = world.submit(tried("a", 2));
    world.register_all();
    let attempt = world.live(&id);
    world.started(&attempt);
    cancel(&mut world, &id);
    assert!(!world.job(&id).is_cancelled);
    world.run_started(&attempt, 1);
    assert_eq!(world.status(&id), Starting, "and is tried again");
}

#[test]
fn a_child_that_waits_for_its_next_try_is_hit_by_a_cancel_of_itself_and_its_siblings_are_not() {
    let mut world = World::small(2);
    let parent = world.submit(array(tried("a", 3), 3));
    world.register_all();
    let attempt = world.live(&parent.child(0));
    let host = world.holder(&attempt);
    world.started(&attempt);
    world.lose(&host);
    assert_eq!(world.status(&parent.child(0)), Runnable);
    cancel(&mut world, &parent.child(0));
    assert_eq!((world.status(&parent.child(0)), world.reason(&parent.child(0)).as_str()), (Failed, "enough"));
    assert!(!world.job(&parent).is_cancelled);
    for index in [1, 2] {
        world.run(&parent.child(index), 0);
    }
    assert_eq!((world.status(&parent), world.reason(&parent).as_str()), (Failed, "Array Child Job failed"));
}

#[test]
fn a_cancelled_array_that_waits_ends_when_what_it_waits_for_has_finished() {
    let mut world = World::small(4);
    let first = world.submit(job("first"));
    let second = world.submit(array(after(job("second"), &[&first]), 3));
    cancel(&mut world, &second);
    assert_eq!((world.status(&second), world.all_in(Pending).len()), (Pending, 3));
    world.run(&first, 0);
    assert_eq!((world.status(&second), world.all_in(Failed).len()), (Failed, 3));
    assert_eq!(world.reason(&second.child(1)), "enough");
    assert!(world.starts.keys().all(|attempt| attempt.job == first), "none of it has run");
}

#[test]
fn all_dependencies_must_succeed_and_one_failure_is_enough() {
    let mut world = World::small(4);
    let [one, two, three] = ["one", "two", "three"].map(|name| world.submit(job(name)));
    let all = world.submit(after(job("all"), &[&one, &two]));
    let some = world.submit(after(job("some"), &[&two, &three]));
    world.run(&one, 0);
    assert_eq!(world.status(&all), Pending);
    world.run(&three, 1);
    assert_eq!(world.status(&some), Failed, "it does not wait for the other");
    world.run(&two, 0);
    assert_eq!(world.status(&all), Starting);
}

#[test]
fn a_retried_dependency_is_waited_for_until_its_last_try() {
    let mut world = World::small(1);
    let first = world.submit(tried("first", 2));
    let second = world.submit(after(job("second"), &[&first]));
    world.run(&first, 1);
    assert_eq!(world.status(&second), Pending);
    world.run(&first, 0);
    assert_eq!(world.status(&second), Starting);
}

#[test]
fn twenty_dependencies_are_taken_and_one_more_is_not() {
    let mut world = World::small(4);
    let jobs: Vec<JobId> = (0..21).map(|number| world.submit(job(&format!("j{number}")))).collect();
    let ids: Vec<&JobId> = jobs.iter().collect();
    world.submit(after(job("all"), &ids[..20]));
    let refused = world.ask(Action::SubmitJob(Box::new(after(job("more"), &ids)))).expect_err("too many");
    assert_eq!(refused.to_string(), "dependsOn has 21 entries; it takes at most 20");
}

#[test]
fn sequential_and_n_to_n_hold_together() {
    let mut world = World::small(8);
    let first = world.submit(array(job("first"), 3));
    let both = vec![
        JobDependency { job_id: Some(first.clone()), kind: Some(DependencyKind::NToN) },
        JobDependency { job_id: None, kind: Some(DependencyKind::Sequential) },
    ];
    let second = world.submit(SubmitJobRequest { depends_on: both, ..array(job("second"), 3) });
    world.run(&first.child(1), 0);
    assert_eq!(world.status(&second.child(1)), Pending, "its sibling before it has not run");
    world.run(&first.child(0), 0);
    assert_eq!(world.status(&second.child(0)), Starting);
    world.run(&second.child(0), 0);
    assert_eq!((world.status(&second.child(1)), world.status(&second.child(2))), (Starting, Pending));
    world.run(&first.child(2), 1);
    assert_eq!((world.status(&second.child(1)), world.status(&second.child(2))), (Starting, Failed));
    world.run(&second.child(1), 0);
    assert_eq!(world.status(&second), Failed);
}

#[test]
fn a_summary_counts_all_states_and_says_when_it_changed() {
    let mut world = World::small(2);
    let submitted = world.now;
    let parent = world.submit(array(job("a"), 3));
    let told = |world: &World| {
        let array = world.job(&parent).array_properties.expect("an array");
        let counts = array.status_summary.expect("a summary");
        let numbers: Vec<u64> = JobStatus::ALL.iter().map(|status| counts.0[status]).collect();
        (numbers, array.status_summary_last_updated_at.expect("a time") - submitted)
    };
    assert_eq!(told(&world), (vec![0, 0, 3, 0, 0, 0, 0], 0));
    world.pass(SECOND);
    assert_eq!(told(&world), (vec![0, 0, 3, 0, 0, 0, 0], 0), "time alone changes nothing");
    world.register_all();
    let attempt = world.live(&parent.child(0));
    world.pass(SECOND);
    world.started(&attempt);
    assert_eq!(told(&world), (vec![0, 0, 1, 1, 1, 0, 0], 2 * SECOND));
    let child = world.job(&parent.child(0)).array_properties.expect("a child");
    assert_eq!((child.index, child.size, child.status_summary_last_updated_at), (Some(0), None, None));
}

#[test]
fn the_times_of_a_retried_job_are_those_of_its_latest_attempt() {
    let mut world = World::small(1);
    let id = world.submit(tried("a", 2));
    world.register_all();
    let first = world.now;
    world.run(&id, 1);
    let between = world.job(&id);
    assert_eq!((between.status, between.started_at, between.stopped_at), (Starting, None, None));
    world.now += HOUR;
    let second = world.now;
    world.run(&id, 0);
    let ended = world.job(&id);
    assert_eq!((ended.started_at, ended.stopped_at), (Some(second), Some(second + SECOND)));
    let attempts: Vec<_> = ended.attempts.iter().map(|attempt| (attempt.started_at, attempt.stopped_at)).collect();
    assert_eq!(attempts, [(Some(first), Some(first + SECOND)), (Some(second), Some(second + SECOND))]);
    let attempt = &ended.attempts[0];
    assert_eq!(attempt.status_reason.as_deref(), Some("Essential container in task exited"));
    assert!(attempt.container.task_arn.as_deref().is_some_and(|arn| arn.contains(":task/")));
    assert!(attempt.container.container_instance_arn.as_deref().is_some_and(|arn| arn.contains("container-instance/")));
}

#[test]
fn a_reason_is_cut_at_the_length_that_aws_keeps() {
    let mut world = World::small(1);
    let id = world.submit(job("a"));
    world.register_all();
    let exit = Outcome { at: world.now, reason: Some("ä".repeat(300)), ..Outcome::default() };
    let attempt = world.live(&id);
    world.exited(&attempt, exit);
    let kept = world.job(&id).attempts[0].container.reason.clone().expect("a reason");
    assert_eq!(kept.chars().count(), 255);
    assert_eq!(world.reason(&id), "Task failed to start");
}

#[test]
fn what_others_still_wait_for_is_kept_and_goes_with_them() {
    let mut world = World::small(1);
    let first = world.submit(job("first"));
    let long = world.submit(job("long"));
    let last = world.submit(after(job("last"), &[&first, &long]));
    world.run(&first, 0);
    world.pass(8 * DAY);
    assert_eq!(world.status(&first), Succeeded, "kept for the one that names it");
    assert!(world.engine.next_wake(world.now).is_none_or(|wake| wake > world.now), "and it keeps nobody awake");
    world.run(&long, 0);
    world.run(&last, 0);
    world.pass(SECOND);
    assert_eq!(world.engine.describe_jobs(std::slice::from_ref(&first)), [], "its time is over");
    assert_eq!(world.status(&last), Succeeded);
    world.pass(8 * DAY);
    assert_eq!(world.engine.job_count(), 0);
    world.assert_replays(&crate::engine::Settings::default());
}

#[test]
fn actions_of_a_retry_strategy_are_taken_in_any_case_and_given_back_in_lower_case() {
    let mut world = World::small(1);
    let exit = EvaluateOnExit { on_reason: Some("*".into()), action: "Exit".into(), ..Default::default() };
    let strategy = RetryStrategy { attempts: Some(3), evaluate_on_exit: vec![exit] };
    let mut request = definition("careful", "1", "512");
    request.retry_strategy = Some(strategy);
    let answer = world.ask(Action::RegisterJobDefinition(Box::new(request))).expect("registered");
    assert!(matches!(answer, Answer::Registered(_)));
    let known = world.engine.job_definitions();
    let found = known.iter().find(|found| found.job_definition_name == "careful").expect("registered");
    assert_eq!(found.retry_strategy.as_ref().expect("a strategy").evaluate_on_exit[0].action, "exit");
    let id = world.submit(SubmitJobRequest { job_definition: "careful".into(), ..job("a") });
    world.run(&id, 1);
    assert_eq!(world.status(&id), Failed);
}
