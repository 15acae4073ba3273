//! What is watched for while nobody looks.

use super::world::{HOUR, MINUTE, SECOND, World, job};
use crate::engine::command::{Action, Answer, Outcome, Refusal};
use crate::engine::event::Event;
use crate::engine::{Engine, Settings, Thawing};
use crate::model::watch::{SaveWatch, Watch, WatchState};
use crate::model::{AttemptId, JobId, Subject, SubmitJobRequest};

fn save(world: &mut World, subject: Subject, condition: &str) -> Result<Watch, Refusal> {
    let condition = condition.parse().expect("a condition");
    match world.ask(Action::SaveWatch(Box::new(SaveWatch { id: None, subject, condition, silenced: false })))? {
        Answer::Watch(watch) => Ok(*watch),
        other => panic!("no watch: {other:?}"),
    }
}

fn on_queue(world: &mut World, condition: &str) -> Watch {
    save(world, Subject::Queue("main".to_owned()), condition).expect("a watch")
}

fn on_job(world: &mut World, job: &JobId, condition: &str) -> Watch {
    save(world, Subject::Job(job.clone()), condition).expect("a watch")
}

fn now(world: &World, watch: &Watch) -> Watch {
    world.engine.watches().into_iter().find(|known| known.id == watch.id).expect("it is kept")
}

fn last(world: &World, watch: &Watch) -> Option<String> {
    now(world, watch).last_firing().map(|firing| firing.why.clone())
}

/// Submits a job, starts it and ends it.
fn run(world: &mut World, name: &str, code: i32) -> JobId {
    let id = world.submit(job(name));
    world.register_all();
    let attempt = AttemptId { job: id.clone(), number: 1 };
    world.started(&attempt);
    let started_at = Some(world.now);
    world.exited(&attempt, Outcome { at: world.now, started_at, code: Some(code), ..Outcome::default() });
    id
}

#[test]
fn the_end_of_a_job_fires_once_and_is_remembered_until_someone_takes_note() {
    let mut world = World::small(4);
    let id = world.submit(job("a"));
    let watch = on_job(&mut world, &id, "ends");
    assert_eq!(now(&world, &watch).state(), WatchState::Armed);
    world.register_all();
    let attempt = AttemptId { job: id, number: 1 };
    world.started(&attempt);
    world.exited(&attempt, Outcome { at: world.now, code: Some(137), ..Outcome::default() });
    let told = now(&world, &watch);
    assert_eq!((told.state(), told.times, told.name.as_str()), (WatchState::Fired, 1, "a"));
    assert!(told.firings[0].why.starts_with("FAILED with exit code 137"), "{told:?}");
    world.pass(HOUR);
    assert_eq!(now(&world, &watch).times, 1);
    world.ask(Action::AcknowledgeWatch { id: None }).expect("taken note of");
    assert_eq!(now(&world, &watch).state(), WatchState::Over);
}

#[test]
fn failures_within_a_time_are_counted_from_what_happens_and_fall_out_again() {
    let mut world = World::small(4);
    let watch = on_queue(&mut world, "failed > 1 in 10m");
    run(&mut world, "a", 1);
    run(&mut world, "b", 0);
    assert_eq!(now(&world, &watch).times, 0);
    world.pass(9 * MINUTE);
    run(&mut world, "c", 1);
    assert_eq!(last(&world, &watch).as_deref(), Some("2 failed in the last 10m"));
    world.pass(11 * MINUTE);
    assert!(!now(&world, &watch).holds, "it is armed again");
    run(&mut world, "d", 1);
    assert_eq!(now(&world, &watch).times, 1);
    run(&mut world, "e", 1);
    assert_eq!(now(&world, &watch).times, 2);
}

#[test]
fn what_waits_too_long_is_told_when_it_has_and_not_before() {
    let mut world = World::small(4);
    let id = world.submit(job("a"));
    let queue = on_queue(&mut world, "RUNNABLE > 20m");
    let one = on_job(&mut world, &id, "waiting > 30m");
    world.pass(20 * MINUTE - SECOND);
    assert_eq!(now(&world, &queue).times, 0);
    let wake = world.engine.next_wake(world.now).expect("it wakes for it");
    assert!(wake <= world.now + SECOND);
    world.pass(SECOND);
    assert_eq!(last(&world, &queue).as_deref(), Some("a is RUNNABLE for 20m"));
    assert_eq!(now(&world, &one).times, 0);
    world.pass(10 * MINUTE);
    assert_eq!(last(&world, &one).as_deref(), Some("a is waiting for 30m"));
    world.register_all();
    world.started(&AttemptId { job: id, number: 1 });
    world.pass(MINUTE);
    assert!(!now(&world, &queue).holds);
    let submitted = world.submit(job("b"));
    assert_ne!(submitted, JobId::default());
    assert_eq!(now(&world, &queue).times, 1);
}

#[test]
fn a_silent_log_is_told_by_when_its_last_line_was_written() {
    let mut world = World::small(4);
    let id = world.submit(job("a"));
    let watch = on_job(&mut world, &id, "silent > 15m");
    assert!(world.engine.asks_for_lines(world.now).is_empty(), "it does not run yet");
    world.register_all();
    world.started(&AttemptId { job: id.clone(), number: 1 });
    let start = world.now;
    let asked = world.engine.asks_for_lines(world.now);
    assert!(asked.len() == 1 && asked[0].0 == id && asked[0].1.len() == 1, "{asked:?}");
    world.engine.note_line(&id, Some(start + 5 * MINUTE), start + 5 * MINUTE);
    world.pass(15 * MINUTE);
    assert_eq!(now(&world, &watch).times, 0);
    world.pass(5 * MINUTE);
    assert_eq!(last(&world, &watch).as_deref(), Some("it has printed nothing for 15m"));
}

#[test]
fn watches_outlive_the_engine_by_events_and_by_a_snapshot() {
    let mut world = World::small(4);
    let queue = on_queue(&mut world, "failed > 1 in 10m");
    let job = run(&mut world, "a", 1);
    on_job(&mut world, &job, "exit = 1");
    let mut replayed = Engine::new(Settings::default());
    for line in &world.journal {
        replayed.apply(&serde_json::from_str::<Event>(line).expect("an event"));
    }
    assert!(replayed == world.engine);
    let mut thawing = Thawing::default();
    for piece in world.engine.freeze() {
        thawing.take(&piece.expect("written")).expect("read");
    }
    world.engine = thawing.finish(Settings::default());
    assert!(world.engine == replayed);
    run(&mut world, "b", 1);
    assert_eq!(now(&world, &queue).times, 1, "what was counted before is counted still");
}

#[test]
fn what_cannot_be_watched_is_refused_with_what_can() {
    let mut world = World::small(4);
    let array = world.submit(SubmitJobRequest {
        array_properties: Some(crate::model::ArrayProperties { size: Some(2), ..Default::default() }),
        ..job("many")
    });
    let cases = [
        (Subject::Queue("nope".to_owned()), "waiting > 1", "JobQueue nope not found"),
        (Subject::Environment("nope".to_owned()), "invalid", "ComputeEnvironment nope not found"),
        (Subject::Job("nope".into()), "ends", "Job nope not found"),
        (Subject::Queue("main".to_owned()), "silent > 1m", "says nothing of a queue"),
        (Subject::Job(array), "silent > 1m", "watch one of its children"),
    ];
    for (subject, condition, expected) in cases {
        let refused = save(&mut world, subject, condition).expect_err("refused").to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    let first = on_queue(&mut world, "waiting > 5");
    assert_eq!(on_queue(&mut world, "waiting > 5").id, first.id, "the same is not watched twice");
    world.ask(Action::RemoveWatch { id: first.id.clone() }).expect("removed");
    let unknown = world.ask(Action::RemoveWatch { id: first.id }).expect_err("gone").to_string();
    assert!(unknown.contains("batchdeck watch list"), "{unknown}");
    assert_ne!(on_queue(&mut world, "waiting > 5").id, "w1", "an id is not used again");
}

#[test]
fn a_watch_that_fires_is_an_occurrence_unless_it_is_silenced() {
    let mut world = World::small(4);
    let watch = on_queue(&mut world, "waiting > 0");
    world.submit(job("a"));
    let fired = world.events.iter().find(|event| matches!(event, Event::WatchFired { .. })).expect("fired").clone();
    let told = world.engine.occurrences(&fired);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].watch.as_ref().map(|fired| fired.why.as_str()), Some("1 are waiting"));
    let save = SaveWatch { id: Some(watch.id), subject: watch.subject, condition: watch.condition, silenced: true };
    world.ask(Action::SaveWatch(Box::new(save))).expect("silenced");
    assert!(world.engine.occurrences(&fired).is_empty());
    assert_eq!(world.engine.watches()[0].state(), WatchState::Silenced);
}
