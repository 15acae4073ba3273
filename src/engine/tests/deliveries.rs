//! Firings within windows, tried again, given up; groups; tokens; a clock that was set back.

use super::schedules::{runs, schedule, scheduled};
use super::world::{DAY, HOUR, MINUTE, SECOND, START, World};
use crate::engine::command::{Action, Answer, Refusal};
use crate::model::{
    AfterCompletion, DeadLetterConfig, FlexibleTimeWindow, JobStatus, Millis, RetryPolicy, Schedule, Switch,
    UpdateJobQueueRequest,
};

fn create(world: &mut World, schedule: Schedule) -> Result<Answer, Refusal> {
    world.ask(Action::CreateSchedule(Box::new(schedule)))
}

fn switch_queue(world: &mut World, state: Switch) {
    let off = UpdateJobQueueRequest { job_queue: "main".into(), state: Some(state), ..Default::default() };
    world.ask(Action::UpdateJobQueue(off)).expect("updated");
}

/// Lets time pass up to `until`, stopping wherever the engine has something to do.
fn pass_until(world: &mut World, until: Millis) {
    while world.now < until {
        let next = world.engine.next_wake(world.now).unwrap_or(until).clamp(world.now + 1, until);
        world.pass(next - world.now);
    }
}

fn flexible(minutes: u32) -> FlexibleTimeWindow {
    FlexibleTimeWindow { mode: "FLEXIBLE".into(), maximum_window_in_minutes: Some(minutes) }
}

#[test]
fn a_flexible_window_spreads_firings_within_it_and_the_same_way_each_time() {
    let tell = || {
        let mut world = World::small(4);
        let spread = Schedule { flexible_time_window: flexible(15), ..schedule("rate(1 hour)") };
        create(&mut world, spread).expect("created");
        pass_until(&mut world, START + 10 * HOUR);
        runs(&world)
    };
    let told = tell();
    assert_eq!(told, tell());
    assert_eq!(told.len(), 9);
    let offsets: Vec<Millis> = told.iter().map(|run| run.fired_at - run.scheduled_time).collect();
    assert!(offsets.iter().all(|offset| (0..15 * MINUTE).contains(offset)), "{offsets:?}");
    assert!(offsets.iter().any(|offset| *offset != offsets[0]), "{offsets:?}");
    assert!(told.iter().all(|run| run.planned_time == Some(run.fired_at) && run.error.is_none() && run.note.is_none()));
}

#[test]
fn a_window_that_is_longer_than_the_time_between_firings_loses_none() {
    let mut world = World::small(4);
    let wide = Schedule { flexible_time_window: flexible(60), ..schedule("rate(10 minutes)") };
    create(&mut world, wide).expect("created");
    pass_until(&mut world, START + 10 * HOUR);
    let mut times: Vec<Millis> = runs(&world).iter().map(|run| (run.scheduled_time - START) / (10 * MINUTE)).collect();
    times.reverse();
    assert_eq!(times, (1..=Millis::try_from(times.len()).expect("few")).collect::<Vec<_>>());
    assert!(times.len() >= 54, "{}", times.len());
}

#[test]
fn a_submission_that_is_refused_is_tried_again_until_it_is_taken_with_the_same_execution_id() {
    let mut world = World::small(4);
    let input = schedule("at(2026-11-24T01:00:00)").target.input.replace(
        "<aws.scheduler.scheduled-time>",
        "<aws.scheduler.execution-id> <aws.scheduler.attempt-number> <aws.scheduler.scheduled-time>",
    );
    let mut once = schedule("at(2026-11-24T01:00:00)");
    once.target.input = input;
    create(&mut world, once).expect("created");
    switch_queue(&mut world, Switch::Disabled);
    pass_until(&mut world, START + HOUR + 10 * SECOND);
    let first = runs(&world);
    assert_eq!(first.len(), 1);
    // At 0, 1, 3 and 7 s.
    assert_eq!((first[0].attempts, first[0].next_attempt), (4, Some(START + HOUR + 15 * SECOND)), "{first:?}");
    assert!(first[0].error.as_deref().is_some_and(|error| error.contains("DISABLED")));
    switch_queue(&mut world, Switch::Enabled);
    pass_until(&mut world, START + 2 * HOUR);
    let last = runs(&world);
    assert_eq!((last.len(), last[0].attempts, last[0].next_attempt), (1, 5, None), "{last:?}");
    assert_eq!((last[0].error.as_deref(), last[0].note.as_deref()), (None, Some("try 5, 15s late")));
    let job = world.job(last[0].job_id.as_ref().expect("a job"));
    assert_eq!(job.parameters["day"], format!("{} 5 2026-11-24T01:00:00Z", first[0].execution_id));
    assert!(world.engine.dead_letters(10).is_empty());
}

#[test]
fn a_firing_is_given_up_by_its_retry_policy_and_becomes_a_dead_letter() {
    let cases = [
        (RetryPolicy { maximum_retry_attempts: 0, ..Default::default() }, 1, "MAXIMUM_RETRY_ATTEMPTS", 0),
        (RetryPolicy { maximum_retry_attempts: 3, ..Default::default() }, 4, "MAXIMUM_RETRY_ATTEMPTS", 7),
        (RetryPolicy { maximum_event_age_in_seconds: 60, ..Default::default() }, 6, "MAXIMUM_EVENT_AGE", 31),
        (RetryPolicy::default(), 186, "MAXIMUM_RETRY_ATTEMPTS", 84_991),
    ];
    for (policy, attempts, exhausted, after) in cases {
        let mut world = World::small(4);
        let mut once = schedule("at(2026-11-24T01:00:00)");
        once.target.retry_policy = Some(policy.clone());
        let queue = "arn:aws:sqs:us-east-1:123456789012:dead".to_owned();
        once.target.dead_letter_config = Some(DeadLetterConfig { arn: Some(queue.clone()) });
        create(&mut world, once).expect("created");
        switch_queue(&mut world, Switch::Disabled);
        pass_until(&mut world, START + 3 * DAY);
        let letters = world.engine.dead_letters(10);
        assert_eq!(letters.len(), 1, "{policy:?}");
        let letter = &letters[0];
        assert_eq!((letter.attempts, letter.exhausted.as_str()), (attempts, exhausted), "{policy:?}");
        assert_eq!(letter.at - letter.scheduled_time, after * SECOND, "{policy:?}");
        assert!(letter.error.contains("DISABLED") && letter.input.contains("2026-11-24T01:00:00Z"), "{letter:?}");
        assert_eq!(letter.dead_letter_arn, Some(queue));
        assert_eq!(runs(&world)[0].next_attempt, None);
        assert_eq!(world.engine.next_wake(world.now), None, "nothing is left to try");
        world.ask(Action::ClearDeadLetters).expect("cleared");
        assert!(world.engine.dead_letters(10).is_empty());
    }
}

#[test]
fn tries_that_pile_up_are_bounded_and_the_rest_is_given_up() {
    let mut world = scheduled("rate(1 minute)");
    switch_queue(&mut world, Switch::Disabled);
    pass_until(&mut world, START + 2 * HOUR);
    let letters = world.engine.dead_letters(1000);
    assert!(!letters.is_empty() && letters.iter().all(|letter| letter.exhausted == "TOO_MANY_WAIT"), "{letters:?}");
    let paused = Schedule { state: Switch::Disabled, ..schedule("rate(1 minute)") };
    world.ask(Action::UpdateSchedule(Box::new(paused))).expect("updated");
    assert_eq!(world.engine.audit(1)[0].outcome, "ENABLED -> DISABLED, 100 firings are not tried again");
    assert_eq!(world.engine.next_wake(world.now), None);
}

#[test]
fn a_schedule_that_is_to_be_deleted_after_its_completion_goes_with_its_last_run() {
    for retried in [false, true] {
        let mut world = World::small(4);
        let once = Schedule { action_after_completion: AfterCompletion::Delete, ..schedule("at(2026-11-24T01:00:00)") };
        create(&mut world, once).expect("created");
        if retried {
            switch_queue(&mut world, Switch::Disabled);
        }
        pass_until(&mut world, START + HOUR + 5 * SECOND);
        assert_eq!(world.engine.schedules().len(), usize::from(retried), "while a try is left it stays");
        if retried {
            switch_queue(&mut world, Switch::Enabled);
        }
        pass_until(&mut world, START + HOUR + MINUTE);
        assert!(world.engine.schedules().is_empty());
        assert_eq!(world.engine.audit(1)[0].outcome, "completed, and its ActionAfterCompletion is DELETE");
        assert_eq!(world.all_in(JobStatus::Runnable).len(), 1, "its job stays");
    }
}

#[test]
fn a_clock_that_is_set_back_plans_schedules_anew_and_runs_nothing_twice() {
    let mut world = scheduled("rate(1 hour)");
    create(&mut world, Schedule { name: "once".into(), ..schedule("at(2026-11-24T05:00:00)") }).expect("created");
    pass_until(&mut world, START + 2 * HOUR + MINUTE);
    // A year ahead, by mistake: one firing is made up for, and the next is a year away.
    world.pass(365 * DAY);
    assert_eq!(runs(&world).len(), 3);
    world.now = START + HOUR + 30 * MINUTE;
    world.ask(Action::ClockSetBack { from: START + 366 * DAY }).expect("noted");
    assert_eq!(world.engine.next_wake(world.now), Some(START + 3 * HOUR), "2:00 has run already");
    pass_until(&mut world, START + 6 * HOUR);
    let times: Vec<Millis> = runs(&world).iter().map(|run| run.scheduled_time).collect();
    assert_eq!(times[..4], [START + 6 * HOUR, START + 5 * HOUR, START + 4 * HOUR, START + 3 * HOUR]);
    assert_eq!(world.engine.schedule_runs("default", "once").len(), 1, "what has run does not run again");
}

#[test]
fn groups_hold_schedules_and_take_them_along_when_they_go() {
    let mut world = World::small(4);
    let tags = [("team".to_owned(), "ops".to_owned())].into();
    let group = || Action::CreateScheduleGroup { name: "ops".into(), tags: [].into(), token: None };
    let member = || Schedule { group_name: "ops".into(), ..schedule("rate(1 hour)") };
    assert_eq!(create(&mut world, member()), Err(Refusal::NotFound("Schedule group ops does not exist.".into())));
    let made = world.ask(group());
    assert!(matches!(&made, Ok(Answer::Created { arn, .. }) if arn.ends_with(":schedule-group/ops")), "{made:?}");
    assert!(matches!(world.ask(group()), Err(Refusal::Conflict(_))));
    create(&mut world, member()).expect("created");
    create(&mut world, schedule("rate(1 hour)")).expect("created");
    world.ask(Action::TagScheduleGroup { name: "ops".into(), add: tags, remove: vec![] }).expect("tagged");
    let rows = world.engine.schedule_groups();
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["default", "ops"]);
    assert_eq!((rows[1].tags["team"].as_str(), rows[1].state.as_str()), ("ops", "ACTIVE"));
    let untag = Action::TagScheduleGroup { name: "ops".into(), add: [].into(), remove: vec!["team".into()] };
    world.ask(untag).expect("untagged");
    assert!(world.engine.schedule_groups()[1].tags.is_empty());
    let delete = |name: &str| Action::DeleteScheduleGroup { name: name.into(), token: None };
    assert!(matches!(world.ask(delete("default")), Err(Refusal::Validation(_))));
    world.ask(delete("ops")).expect("deleted");
    assert_eq!(world.engine.schedules().len(), 1);
    assert!(matches!(world.ask(delete("ops")), Err(Refusal::NotFound(_))));
}

#[test]
fn a_request_that_comes_twice_with_one_client_token_is_done_once() {
    let mut world = World::small(4);
    let token = || Some("3f2a-1".to_owned());
    let asked = || Schedule { client_token: token(), ..schedule("rate(1 hour)") };
    let first = create(&mut world, asked()).expect("created");
    world.pass(MINUTE);
    assert_eq!(create(&mut world, asked()), Ok(first));
    let saved = world.engine.schedules();
    assert_eq!((saved.len(), saved[0].client_token.clone()), (1, None), "the token is of the request");
    let others = [
        Schedule { schedule_expression: "rate(2 hours)".into(), ..asked() },
        Schedule { name: "other".into(), ..asked() },
        Schedule { client_token: Some("3f2a-2".into()), ..asked() },
    ];
    for other in others {
        assert!(matches!(create(&mut world, other.clone()), Err(Refusal::Conflict(_))), "{other:?}");
    }
    for _ in 0..2 {
        let gone =
            Action::DeleteSchedule { group: "default".into(), name: "nightly".into(), token: Some("gone".into()) };
        world.ask(gone).expect("deleted once");
    }
}

#[test]
fn what_a_schedule_may_not_say_is_refused_by_name() {
    type Edit = fn(&mut Schedule);
    let cases: [(Edit, &str); 15] = [
        (|s| s.name = "a b".into(), "Name is `a b`"),
        (|s| s.schedule_expression = "at(2026-11-23T00:00:00)".into(), "is in the past"),
        (|s| s.schedule_expression = format!("rate({:>300} minutes)", 5), "ScheduleExpression"),
        (|s| s.schedule_expression_timezone = "Mars/Olympus".into(), "Mars/Olympus"),
        (|s| s.description = Some("x".repeat(513)), "Description has 513 letters"),
        (|s| s.end_date = Some(1.0), "EndDate is in the past"),
        (|s| (s.start_date, s.end_date) = (Some(4e9), Some(3e9)), "EndDate is not after StartDate"),
        (|s| s.flexible_time_window = flexible(1441), "from 1 to 1440"),
        (|s| s.flexible_time_window.mode = "SOON".into(), "takes OFF or FLEXIBLE"),
        (|s| s.target.arn = "arn:aws:batch:us-east-1:123456789012:job-queue/main".into(), "not supported as a target"),
        (|s| s.target.arn = "arn:aws:lambda:us-east-1:123456789012:function:f".into(), "nothing here can carry out"),
        (|s| s.target.role_arn = "me".into(), "Target.RoleArn is `me`"),
        (|s| s.target.dead_letter_config = Some(DeadLetterConfig { arn: Some("q".into()) }), "ARN of an SQS queue"),
        (|s| s.kms_key_arn = Some("key".into()), "KmsKeyArn is `key`"),
        (|s| s.client_token = Some("a b".into()), "ClientToken is `a b`"),
    ];
    let mut world = World::small(4);
    for (edit, words) in cases {
        let mut wrong = schedule("rate(1 hour)");
        edit(&mut wrong);
        match create(&mut world, wrong) {
            Err(Refusal::Validation(message)) => assert!(message.contains(words), "{message}"),
            other => panic!("{words}: {other:?}"),
        }
    }
}
