//! A job's life: states, exits, retries, stops, lost hosts.

use super::world::{SECOND, World, definition, job, sized, tried};
use crate::engine::Effect;
use crate::engine::command::{Action, Outcome};
use crate::engine::event::Event;
use crate::model::{
    ArrayProperties, EvaluateOnExit, JobDependency, JobId, JobStatus, JobTimeout, RetryStrategy, SubmitJobRequest,
};

fn walk(world: &World, job: &JobId) -> Vec<&'static str> {
    let name = |event: &Event| match event {
        Event::JobSubmitted { job: spec, .. } if spec.id == *job => Some("SUBMITTED"),
        Event::JobPending { job: id, .. } if id == job => Some("PENDING"),
        Event::JobRunnable { job: id, .. } if id == job => Some("RUNNABLE"),
        Event::AttemptPlaced { job: id, .. } if id == job => Some("STARTING"),
        Event::AttemptStarted { job: id, .. } if id == job => Some("RUNNING"),
        Event::AttemptEnded { job: id, .. } if id == job => Some("ended"),
        _ => None,
    };
    let read = |line: &String| serde_json::from_str::<Event>(line).expect("an event");
    world.journal.iter().map(read).filter_map(|event| name(&event)).collect()
}

fn after(request: SubmitJobRequest, dependency: &JobId) -> SubmitJobRequest {
    let depends_on = vec![JobDependency { job_id: Some(dependency.clone()), kind: None }];
    SubmitJobRequest { depends_on, ..request }
}

#[test]
fn a_job_walks_from_submission_to_its_end_and_says_where_it_ran() {
    let mut world = World::small(4);
    let id = world.submit(job("a"));
    assert_eq!(world.status(&id), JobStatus::Runnable);
    world.register_all();
    assert_eq!(world.status(&id), JobStatus::Starting);
    assert_eq!(world.job(&id).extra.expect("ours").log_stream_name, None, "a stream is known from RUNNING on");
    world.now += SECOND;
    let attempt = world.live(&id);
    world.started(&attempt);
    let running = world.job(&id);
    assert_eq!(running.status, JobStatus::Running);
    assert_eq!(running.started_at, Some(world.now));
    assert_eq!(running.attempts, [], "the live attempt stands in the container");
    let container = running.container.expect("a container");
    assert!(container.log_stream_name.expect("a stream").starts_with("job/default/"));
    world.now += SECOND;
    world.exited(&attempt, Outcome { at: world.now, code: Some(0), ..Outcome::default() });
    let ended = world.job(&id);
    assert_eq!(ended.status, JobStatus::Succeeded);
    assert_eq!(ended.status_reason.as_deref(), Some("Essential container in task exited"));
    assert_eq!(ended.attempts.len(), 1);
    assert_eq!(ended.attempts[0].container.exit_code, Some(0));
    assert_eq!(ended.stopped_at, Some(world.now));
    assert_eq!(walk(&world, &id), ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "ended"], "PENDING is skipped");
}

#[test]
fn a_dependent_job_is_pending_until_what_it_waits_for_has_succeeded() {
    let mut world = World::small(4);
    let first = world.submit(job("first"));
    let second = world.submit(after(job("second"), &first));
    assert_eq!(world.status(&second), JobStatus::Pending);
    world.run(&first, 0);
    assert_eq!(world.status(&second), JobStatus::Starting);
    let third = world.submit(after(job("third"), &first));
    assert_eq!(walk(&world, &third)[..3], ["SUBMITTED", "PENDING", "RUNNABLE"], "a met dependency passes at once");
}

#[test]
fn a_failure_runs_down_the_chain() {
    let mut world = World::small(4);
    let first = world.submit(job("first"));
    let second = world.submit(after(job("second"), &first));
    let third = world.submit(after(job("third"), &second));
    world.run(&first, 1);
    for id in [&second, &third] {
        assert_eq!((world.status(id), world.reason(id).as_str()), (JobStatus::Failed, "Dependent Job failed"));
        assert_eq!(world.job(id).attempts, []);
    }
}

#[test]
fn how_an_attempt_ended_decides_state_reason_and_retry() {
    let outcome = |code, reason: Option<&str>, timed_out| Outcome {
        code,
        reason: reason.map(str::to_owned),
        timed_out,
        ..Outcome::default()
    };
    let cases = [
        ("success", outcome(Some(0), None, false), JobStatus::Succeeded, "Essential container in task exited"),
        ("failure is retried", outcome(Some(1), None, false), JobStatus::Starting, ""),
        (
            "a start that failed is retried",
            outcome(None, Some("CannotPullContainerError: no"), false),
            JobStatus::Starting,
            "",
        ),
        (
            "a timeout is not",
            outcome(Some(137), None, true),
            JobStatus::Failed,
            "Job attempt duration exceeded timeout",
        ),
    ];
    for (name, exit, status, reason) in cases {
        let mut world = World::small(1);
        let id = world.submit(tried("a", 2));
        world.register_all();
        let attempt = world.live(&id);
        world.exited(&attempt, Outcome { at: world.now, ..exit });
        assert_eq!((world.status(&id), world.reason(&id).as_str()), (status, reason), "{name}");
    }
}

#[test]
fn a_job_is_tried_as_often_as_it_may_be_and_keeps_each_attempt() {
    let mut world = World::small(1);
    let id = world.submit(tried("a", 3));
    for code in [1, 2, 3] {
        world.run(&id, code);
    }
    let ended = world.job(&id);
    assert_eq!(ended.status, JobStatus::Failed);
    let codes: Vec<_> = ended.attempts.iter().map(|attempt| attempt.container.exit_code).collect();
    assert_eq!(codes, [Some(1), Some(2), Some(3)]);
    let streams: std::collections::BTreeSet<_> =
        ended.attempts.iter().map(|attempt| attempt.container.log_stream_name.clone()).collect();
    assert_eq!(streams.len(), 3, "each attempt has a stream of its own");
}

#[test]
fn the_job_s_own_strategy_replaces_its_definition_s() {
    let mut world = World::small(1);
    let mut request = definition("stubborn", "1", "512");
    request.retry_strategy = Some(RetryStrategy { attempts: Some(5), ..Default::default() });
    world.ask(Action::RegisterJobDefinition(Box::new(request))).expect("registered");
    let stubborn = |name: &str| SubmitJobRequest { job_definition: "stubborn".into(), ..job(name) };
    let exit = EvaluateOnExit { on_exit_code: Some("7".into()), action: "exit".into(), ..Default::default() };
    let strategy = RetryStrategy { attempts: Some(5), evaluate_on_exit: vec![exit] };
    let own = world.submit(SubmitJobRequest { retry_strategy: Some(strategy), ..stubborn("own") });
    world.run(&own, 7);
    assert_eq!(world.status(&own), JobStatus::Failed);
    let inherited = world.submit(stubborn("inherited"));
    world.run(&inherited, 7);
    assert_eq!(world.status(&inherited), JobStatus::Starting);
}

#[test]
fn a_report_that_comes_twice_or_late_changes_nothing() {
    let mut world = World::small(1);
    let id = world.submit(tried("a", 2));
    world.register_all();
    let attempt = world.live(&id);
    world.started(&attempt);
    let exit = Outcome { at: world.now, code: Some(1), ..Outcome::default() };
    world.exited(&attempt, exit.clone());
    let before = world.engine.clone();
    world.report(&attempt, exit);
    world.ask(Action::AttemptStarted { attempt: attempt.clone(), at: world.now, address: None }).expect("accepted");
    let unknown = crate::model::AttemptId { job: "nobody".into(), number: 1 };
    world.report(&unknown, Outcome::default());
    assert!(world.engine == before);
}

#[test]
fn a_job_that_is_over_before_its_start_was_heard_of_ran_all_the_same() {
    let mut world = World::small(1);
    let id = world.submit(job("a"));
    world.register_all();
    let attempt = world.live(&id);
    world.exited(
        &attempt,
        Outcome { at: world.now, started_at: Some(world.now - 1), code: Some(0), ..Outcome::default() },
    );
    assert_eq!(walk(&world, &id), ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "ended"]);
    assert_eq!(world.job(&id).started_at, Some(world.now - 1));
    let never = world.submit(job("b"));
    let attempt = world.live(&never);
    world.exited(&attempt, Outcome { at: world.now, ..Outcome::default() });
    assert_eq!(walk(&world, &never), ["SUBMITTED", "RUNNABLE", "STARTING", "ended"]);
}

#[test]
fn a_lost_host_fails_its_attempts_and_they_are_retried_elsewhere() {
    let mut world = World::small(1);
    let retried = world.submit(tried("a", 2));
    world.register_all();
    let attempt = world.live(&retried);
    world.started(&attempt);
    let host = world.holder(&attempt);
    world.lose(&host);
    let reason = format!("Host EC2 (instance {host}) terminated.");
    assert_eq!(world.job(&retried).attempts[0].status_reason.as_ref(), Some(&reason));
    assert_eq!(world.status(&retried), JobStatus::Runnable);
    world.register_all();
    let second = world.live(&retried);
    assert_eq!(second.number, 2);
    let other = world.holder(&second);
    assert_ne!(other, host);
    world.lose(&other);
    assert_eq!(world.status(&retried), JobStatus::Failed);
    assert_eq!(world.reason(&retried), format!("Host EC2 (instance {other}) terminated."));
}

#[test]
fn an_agent_that_comes_back_as_another_process_has_lost_what_it_held() {
    let mut world = World::small(1);
    let id = world.submit(tried("a", 2));
    world.register_all();
    let attempt = world.live(&id);
    world.started(&attempt);
    let host = world.holder(&attempt);
    world.register(&host);
    let job = world.job(&id);
    assert_eq!(job.attempts.len(), 1, "the first attempt is over");
    assert_eq!(world.live(&id).number, 2, "and the second is not the first again");
}

#[test]
fn an_engine_that_comes_back_starts_what_was_not_started_and_nothing_twice() {
    let mut world = World::small(4);
    let jobs = ["lost", "held", "run"].map(|name| world.submit(sized(name, "0.5", "512")));
    world.register_all();
    let [lost, held, run] = jobs.map(|id| world.live(&id));
    world.started(&run);
    let host = world.holder(&lost);
    // The engine died before the agent had the start of `lost`.
    world.agents.get_mut(&host).expect("an agent").held.remove(&lost);
    let snapshot = serde_json::to_string(&world.engine).expect("written");
    world.engine = serde_json::from_str(&snapshot).expect("read");
    world.hello(&host);
    let agent = &world.agents[&host];
    assert_eq!(agent.held.len(), 3);
    assert!(agent.held.contains_key(&held) && agent.held.contains_key(&lost));
    assert_eq!(world.stops, []);
    // Something that had started and is held by nobody is not started again.
    world.agents.get_mut(&host).expect("an agent").held.remove(&run);
    world.hello(&host);
    assert_eq!(world.stops, [(run.clone(), 0)]);
    world.deliver();
    assert_eq!((world.status(&run.job), world.reason(&run.job).as_str()), (JobStatus::Failed, "Task failed to start"));
}

#[test]
fn what_was_terminated_before_its_agent_had_heard_of_it_is_never_started() {
    let mut world = World::small(1);
    let id = world.submit(tried("a", 3));
    world.register_all();
    let attempt = world.live(&id);
    let instance = world.holder(&attempt);
    // The start is lost on its way, and the engine comes back after the terminate was accepted.
    world.agents.get_mut(&instance).expect("an agent").held.clear();
    world.engine.apply(&Event::JobStopRequested {
        at: world.now,
        job: id.clone(),
        terminate: true,
        reason: "no longer".into(),
    });
    let effects = world.engine.reconcile(&instance, &[]);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Start { .. })), "{effects:?}");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Stop { .. })), "{effects:?}");
    for effect in effects {
        world.carry_out(effect);
    }
    world.deliver();
    assert_eq!((world.status(&id), world.reason(&id).as_str()), (JobStatus::Failed, "no longer"));
}

#[test]
fn cancel_and_terminate_hit_by_state() {
    use JobStatus::{Failed, Pending, Running, Starting, Succeeded};
    type Setup = fn(&mut World) -> JobId;
    let runnable: Setup = |world| world.submit(job("a"));
    let pending: Setup = |world| {
        let first = world.submit(job("first"));
        world.submit(after(job("a"), &first))
    };
    let starting: Setup = |world| {
        let id = world.submit(job("a"));
        world.register_all();
        id
    };
    let running: Setup = |world| {
        let id = world.submit(job("a"));
        world.register_all();
        let attempt = world.live(&id);
        world.started(&attempt);
        id
    };
    let succeeded: Setup = |world| {
        let id = world.submit(job("a"));
        world.run(&id, 0);
        id
    };
    // The state right after, and once the agent has answered.
    let cases: [(&str, Setup, bool, JobStatus, JobStatus); 9] = [
        ("cancel RUNNABLE", runnable, false, Failed, Failed),
        ("terminate RUNNABLE", runnable, true, Failed, Failed),
        ("cancel PENDING waits for its dependencies", pending, false, Pending, Pending),
        ("terminate PENDING as well", pending, true, Pending, Pending),
        ("cancel STARTING does nothing", starting, false, Starting, Starting),
        ("cancel RUNNING does nothing", running, false, Running, Running),
        ("terminate STARTING", starting, true, Starting, Failed),
        ("terminate RUNNING", running, true, Running, Failed),
        ("terminate SUCCEEDED does nothing", succeeded, true, Succeeded, Succeeded),
    ];
    for (name, setup, terminate, at_once, at_last) in cases {
        let mut world = World::small(1);
        let id = setup(&mut world);
        let reason = "wrong input".to_owned();
        let action = if terminate {
            Action::TerminateJob { job: id.clone(), reason }
        } else {
            Action::CancelJob { job: id.clone(), reason }
        };
        world.ask(action).expect("accepted in any state");
        assert_eq!(world.status(&id), at_once, "{name}");
        let hit = at_once != at_last || at_once == Pending;
        assert_eq!(world.job(&id).extra.expect("ours").stopping, hit, "{name}");
        world.deliver();
        assert_eq!(world.status(&id), at_last, "{name}");
        if at_last == Failed {
            assert_eq!(world.reason(&id), "wrong input", "{name}");
            let job = world.job(&id);
            assert_eq!((job.is_cancelled, job.is_terminated), (!terminate, terminate), "{name}");
        }
    }
}

#[test]
fn a_cancelled_pending_job_ends_when_its_dependencies_have_finished_and_never_runs() {
    for code in [0, 1] {
        let mut world = World::small(1);
        let first = world.submit(job("first"));
        let second = world.submit(after(tried("second", 3), &first));
        world.ask(Action::CancelJob { job: second.clone(), reason: "not needed".into() }).expect("accepted");
        world.run(&first, code);
        assert_eq!((world.status(&second), world.reason(&second).as_str()), (JobStatus::Failed, "not needed"));
        assert_eq!(world.job(&second).attempts, []);
    }
}

#[test]
fn a_terminated_job_is_stopped_with_grace_once_and_is_not_retried() {
    let mut world = World::small(1);
    let id = world.submit(tried("a", 3));
    world.register_all();
    let attempt = world.live(&id);
    world.started(&attempt);
    let terminate = || Action::TerminateJob { job: id.clone(), reason: "stuck".into() };
    world.ask(terminate()).expect("accepted");
    assert_eq!(world.stops, [(attempt.clone(), 30)]);
    world.ask(terminate()).expect("accepted again");
    assert_eq!(world.stops.len(), 1, "a second terminate changes nothing");
    world.deliver();
    assert_eq!((world.status(&id), world.job(&id).attempts.len()), (JobStatus::Failed, 1));
}

#[test]
fn what_an_attempt_needs_is_merged_and_numbered() {
    let mut world = World::small(4);
    let mut request = definition("echo", "1", "512");
    if let Some(container) = &mut request.container_properties {
        container.command = vec!["echo".into(), "Ref::word".into(), "Ref::other".into()];
        container.environment = vec![crate::model::KeyValuePair { name: "A".into(), value: "1".into() }];
    }
    request.parameters = [("word".to_owned(), "default".to_owned()), ("other".to_owned(), "kept".to_owned())].into();
    request.timeout = Some(JobTimeout { attempt_duration_seconds: Some(600) });
    world.ask(Action::RegisterJobDefinition(Box::new(request))).expect("registered");
    let id = world.submit(SubmitJobRequest {
        job_definition: "echo".into(),
        parameters: [("word".to_owned(), "given".to_owned())].into(),
        ..job("a")
    });
    world.register_all();
    let attempt = world.live(&id);
    let start = world.starts[&attempt].clone();
    assert_eq!(start.containers[0].properties.command, ["echo", "given", "kept"]);
    assert!(start.as_process);
    assert_eq!(start.timeout_seconds, Some(600));
    assert_eq!(start.containers[0].log_stream, format!("echo/default/{}", start.task_id));
    let host = world.holder(&attempt).0;
    let variables: Vec<(&str, &str)> = start.containers[0]
        .properties
        .environment
        .iter()
        .map(|pair| (pair.name.as_str(), pair.value.as_str()))
        .collect();
    let expected = [
        ("A", "1"),
        ("AWS_BATCH_JOB_ID", id.as_str()),
        ("AWS_BATCH_JOB_ATTEMPT", "1"),
        ("AWS_BATCH_JQ_NAME", "main"),
        ("AWS_BATCH_CE_NAME", "ce"),
        ("BATCHDECK_INSTANCE", host.as_str()),
    ];
    assert_eq!(variables, expected);
    let described = world.job(&id).container.expect("a container");
    assert_eq!(described.environment.len(), 1, "AWS_BATCH_* is not listed");
}

#[test]
fn finished_jobs_are_forgotten_after_their_time() {
    let mut world = World::small(1);
    let id = world.submit(job("a"));
    world.run(&id, 0);
    world.pass(7 * super::world::DAY - SECOND);
    assert_eq!(world.engine.job_count(), 1);
    assert_eq!(world.engine.next_wake(world.now), Some(world.now + SECOND));
    world.pass(SECOND);
    assert_eq!(world.engine.job_count(), 0);
    assert_eq!(world.engine.describe_jobs(std::slice::from_ref(&id)), []);
}

#[test]
fn what_is_forgotten_names_the_streams_of_all_attempts_of_all_children_also_of_those_that_never_started() {
    let mut world = World::small(2);
    let size = Some(ArrayProperties { size: Some(2), ..ArrayProperties::default() });
    let parent = world.submit(SubmitJobRequest { array_properties: size, ..tried("a", 2) });
    let [first, second] = [parent.child(0), parent.child(1)];
    world.run(&first, 1);
    world.run(&first, 0);
    world.exited(&world.live(&second), Outcome { at: world.now, ..Outcome::default() });
    world.exited(&world.live(&second), Outcome { at: world.now, ..Outcome::default() });
    assert_eq!(world.status(&parent), JobStatus::Failed);
    let mut expected: Vec<String> = world.starts.values().map(|start| start.containers[0].log_stream.clone()).collect();
    let mut named = world.engine.log_streams(std::slice::from_ref(&parent));
    expected.sort();
    named.sort();
    assert_eq!(named.len(), 4);
    assert_eq!(named, expected);
    assert_eq!(world.engine.log_streams(&[first]).len(), 2);
}
