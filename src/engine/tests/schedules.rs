//! Schedules fire, are missed and made up for.

use super::world::{DAY, HOUR, MINUTE, SECOND, START, World, job};
use crate::engine::command::{Action, Answer, Refusal};
use crate::model::{
    JobStatus, RetryPolicy, Schedule, ScheduleRun, ScheduleTarget, SubmitJobRequest, Switch, UpdateJobQueueRequest,
};

pub(super) fn schedule(expression: &str) -> Schedule {
    let request = SubmitJobRequest {
        parameters: [("day".to_owned(), "<aws.scheduler.scheduled-time>".to_owned())].into(),
        ..job("nightly")
    };
    Schedule {
        name: "nightly".to_owned(),
        schedule_expression: expression.to_owned(),
        target: ScheduleTarget::submit_job(&request, "arn:aws:iam::123456789012:role/r"),
        ..Schedule::default()
    }
}

pub(super) fn scheduled(expression: &str) -> World {
    let mut world = World::small(4);
    world.ask(Action::CreateSchedule(Box::new(schedule(expression)))).expect("created");
    world
}

pub(super) fn runs(world: &World) -> Vec<ScheduleRun> {
    world.engine.schedule_runs("default", "nightly")
}

#[test]
fn a_schedule_fires_at_its_times_and_its_jobs_say_where_they_come_from() {
    let mut world = scheduled("rate(10 minutes)");
    assert_eq!(world.engine.next_wake(world.now), Some(START + 10 * MINUTE));
    world.pass(10 * MINUTE - 1);
    assert_eq!(runs(&world), []);
    world.pass(1);
    let run = runs(&world).pop().expect("a run");
    assert_eq!((run.scheduled_time, run.error, run.note), (START + 10 * MINUTE, None, None));
    let submitted = world.job(&run.job_id.expect("a job"));
    assert_eq!(submitted.parameters["day"], "2026-11-24T00:10:00Z");
    assert_eq!(submitted.tags["batchdeck:schedule"], "default/nightly");
    assert_eq!(world.engine.audit(1)[0].who, "schedule default/nightly");
    assert_eq!(world.engine.next_wake(world.now), Some(START + 20 * MINUTE));
}

#[test]
fn a_run_missed_while_the_engine_was_down_is_made_up_for_once_if_it_is_young_enough() {
    let cases = [
        (14 * MINUTE, 3600, None, Some("missed while the engine was down, run 4m late")),
        (34 * MINUTE, 3600, None, Some("missed while the engine was down, run 4m late")),
        (
            14 * MINUTE,
            60,
            Some(
                "skipped: missed while the engine was down, it was 4m late and its MaximumEventAgeInSeconds allows 1m",
            ),
            None,
        ),
    ];
    for (down, age, error, note) in cases {
        let mut world = World::small(4);
        let mut late = schedule("rate(10 minutes)");
        late.target.retry_policy = Some(RetryPolicy { maximum_event_age_in_seconds: age, ..RetryPolicy::default() });
        world.ask(Action::CreateSchedule(Box::new(late))).expect("created");
        world.now += down;
        world.ask(Action::Resume).expect("resumed");
        let runs = runs(&world);
        assert_eq!(runs.len(), 1, "several missed times are made up for once");
        assert_eq!((runs[0].error.as_deref(), runs[0].note.as_deref()), (error, note));
        assert_eq!(runs[0].job_id.is_some(), error.is_none());
        assert!(world.engine.next_wake(world.now) > Some(world.now));
    }
}

#[test]
fn months_of_missed_times_are_skipped_in_one_go() {
    let mut world = scheduled("cron(0 3 1 * ? *)");
    world.now += 100 * DAY;
    world.ask(Action::Resume).expect("resumed");
    let runs = runs(&world);
    assert_eq!(runs.len(), 1);
    assert!(runs[0].error.is_some() && runs[0].scheduled_time > world.now - 40 * DAY, "{runs:?}");
}

#[test]
fn a_paused_schedule_does_not_fire_and_does_not_make_up_for_it() {
    let mut world = scheduled("rate(10 minutes)");
    let paused = Schedule { state: Switch::Disabled, ..schedule("rate(10 minutes)") };
    world.ask(Action::UpdateSchedule(Box::new(paused))).expect("updated");
    assert_eq!(world.engine.next_wake(world.now), None);
    world.pass(HOUR + MINUTE);
    world.ask(Action::UpdateSchedule(Box::new(schedule("rate(10 minutes)")))).expect("updated");
    assert_eq!(runs(&world), []);
    assert_eq!(world.engine.next_wake(world.now), Some(START + HOUR + 10 * MINUTE), "it keeps its beat");
    assert_eq!(world.engine.audit(1)[0].outcome, "DISABLED -> ENABLED");
}

#[test]
fn a_schedule_that_fires_once_stays_and_does_not_fire_again() {
    let mut world = scheduled("at(2026-11-24T02:00:00)");
    world.pass(2 * HOUR);
    assert_eq!(runs(&world).len(), 1);
    world.pass(DAY);
    assert_eq!((runs(&world).len(), world.engine.schedules().len()), (1, 1));
    let past = world
        .ask(Action::CreateSchedule(Box::new(Schedule { name: "late".into(), ..schedule("at(2026-11-24T02:00:00)") })));
    assert!(matches!(past, Err(Refusal::Validation(_))));
}

#[test]
fn start_and_end_bound_a_schedule() {
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let seconds = |at: i64| Some(at as f64 / 1000.0);
    let mut world = World::small(4);
    let bounded = Schedule {
        start_date: seconds(START + HOUR),
        end_date: seconds(START + HOUR + 10 * MINUTE),
        ..schedule("rate(10 minutes)")
    };
    world.ask(Action::CreateSchedule(Box::new(bounded))).expect("created");
    world.pass(HOUR - SECOND);
    assert_eq!(runs(&world), []);
    for _ in 0..40 {
        world.pass(MINUTE);
    }
    let times: Vec<_> = runs(&world).iter().map(|run| run.scheduled_time - START).collect();
    assert_eq!(times, [HOUR + 10 * MINUTE, HOUR], "its start is its first time, and its end its last");
}

#[test]
fn a_submission_that_is_refused_is_a_run_that_says_why() {
    let mut world = scheduled("rate(10 minutes)");
    let off = UpdateJobQueueRequest { job_queue: "main".into(), state: Some(Switch::Disabled), ..Default::default() };
    world.ask(Action::UpdateJobQueue(off)).expect("updated");
    world.pass(10 * MINUTE);
    let run = runs(&world).pop().expect("a run");
    assert_eq!(run.job_id, None);
    assert_eq!(run.error.as_deref(), Some("JobQueue main is DISABLED; enable it, or submit to another queue"));
}

#[test]
fn a_run_by_hand_submits_now_and_leaves_the_next_time_as_it_is() {
    let mut world = scheduled("rate(10 minutes)");
    world.pass(MINUTE);
    let run = world.ask(Action::RunSchedule { group: "default".into(), name: "nightly".into() });
    let Ok(Answer::Submitted(response)) = run else { panic!("{run:?}") };
    assert_eq!(world.status(&response.job_id), JobStatus::Runnable);
    assert_eq!(runs(&world)[0].note.as_deref(), Some("run by hand"));
    assert_eq!(world.engine.audit(1)[0].action, "RunSchedule");
    assert_eq!(world.engine.next_wake(world.now), Some(START + 10 * MINUTE));
}

#[test]
fn schedules_are_refused_with_the_scheduler_s_own_errors() {
    let mut world = scheduled("rate(10 minutes)");
    let same = world.ask(Action::CreateSchedule(Box::new(schedule("rate(1 hour)"))));
    assert!(matches!(same, Err(Refusal::Conflict(_))), "{same:?}");
    let unknown = world.ask(Action::DeleteSchedule { group: "default".into(), name: "nobody".into(), token: None });
    assert_eq!(unknown, Err(Refusal::NotFound("Schedule default/nobody does not exist.".into())));
    let wrong = world.ask(Action::UpdateSchedule(Box::new(schedule("rate(5 weeks)"))));
    assert!(matches!(wrong, Err(Refusal::Validation(_))), "{wrong:?}");
    world
        .ask(Action::DeleteSchedule { group: "default".into(), name: "nightly".into(), token: None })
        .expect("deleted");
    assert_eq!((world.engine.schedules(), world.engine.next_wake(world.now)), (vec![], None));
}

#[test]
fn only_the_last_hundred_runs_are_kept() {
    let mut world = scheduled("rate(1 minute)");
    let off = UpdateJobQueueRequest { job_queue: "main".into(), state: Some(Switch::Disabled), ..Default::default() };
    world.ask(Action::UpdateJobQueue(off)).expect("updated");
    for _ in 0..105 {
        world.pass(MINUTE);
    }
    let runs = runs(&world);
    assert_eq!((runs.len(), runs[0].scheduled_time), (100, START + 105 * MINUTE));
}
