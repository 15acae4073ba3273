//! Firings become jobs, are tried again where the submission is refused, and end as dead letters (`EventBridge`
//! Scheduler user guide, "Context attributes", "Dead-letter queues"; API reference, `RetryPolicy`).

use super::command::{Answer, Refusal};
use super::event::Event;
use super::schedule::{due_time, next_again, next_run, planned};
use super::state::{Delivery, Scheduled, schedule_key};
use super::{Engine, Ids};
use crate::model::{AfterCompletion, AuditEntry, DeadLetter, JobId, Millis, Schedule, ScheduleRun};

/// A run that is later than this says so.
const LATE: Millis = 60_000;
/// The longest time between two tries: so the 185 retries that AWS allows fill the day that it allows.
const LONGEST_BACK_OFF: Millis = 480_000;
/// At most so many firings of one schedule wait to be tried again.
const MOST_WAITING: usize = 100;
const DOWN: &str = "missed while the engine was down, ";

impl Engine {
    /// The firings and tries that are due, one of each schedule. Of several missed times of a schedule the last one runs.
    pub(super) fn due_schedules(&self, now: Millis, ids: &mut dyn Ids) -> Vec<Event> {
        self.fire(now, "", ids)
    }

    /// The firings that came due while the engine's process was not there.
    pub(super) fn missed(&self, now: Millis, ids: &mut dyn Ids) -> Vec<Event> {
        self.fire(now, DOWN, ids)
    }

    /// The clock was set back: every next time is worked out anew.
    pub(super) fn plan_again(&self, from: Millis, now: Millis) -> Vec<Event> {
        let planned = self.core.schedules.iter().filter_map(|(key, scheduled)| {
            let next = next_again(scheduled, now);
            (next != scheduled.next).then(|| (key.clone(), next))
        });
        vec![Event::ClockSetBack { at: now, from, next: planned.collect() }]
    }

    fn fire(&self, now: Millis, why_late: &str, ids: &mut dyn Ids) -> Vec<Event> {
        let mut events = Vec::new();
        for (_, key) in self.index.firing.iter().take_while(|(at, _)| *at <= now) {
            let Some(scheduled) = self.core.schedules.get(key) else { continue };
            match scheduled.waiting.iter().find(|delivery| delivery.next_attempt <= now) {
                Some(delivery) => {
                    let mut again = delivery.clone();
                    again.attempts += 1;
                    events.extend(self.deliver(scheduled, &again, "", scheduled.next, now, ids));
                }
                None => events.extend(self.first_try(scheduled, now, why_late, ids)),
            }
        }
        events
    }

    fn first_try(&self, scheduled: &Scheduled, now: Millis, why_late: &str, ids: &mut dyn Ids) -> Vec<Event> {
        let schedule = &scheduled.schedule;
        let Some(first) = scheduled.next else { return Vec::new() };
        let time = due_time(schedule, first, now);
        let delivery = Delivery {
            scheduled_time: time,
            planned_time: planned(schedule, time),
            execution_id: ids.uuid(),
            attempts: 1,
            next_attempt: now,
        };
        self.deliver(scheduled, &delivery, why_late, next_run(schedule, time), now, ids)
    }

    /// One try, and what follows from how it ends. `next` is the schedule's next time after it.
    fn deliver(
        &self,
        scheduled: &Scheduled,
        delivery: &Delivery,
        why_late: &str,
        next: Option<Millis>,
        now: Millis,
        ids: &mut dyn Ids,
    ) -> Vec<Event> {
        let schedule = &scheduled.schedule;
        let Delivery { scheduled_time, planned_time, attempts, .. } = *delivery;
        let mut run = ScheduleRun {
            planned_time: (planned_time != scheduled_time).then_some(planned_time),
            execution_id: delivery.execution_id.clone(),
            attempts,
            ..run_of(schedule, scheduled_time, now)
        };
        let (late, allowed) = (now - planned_time, schedule.target.maximum_age());
        let mut events = Vec::new();
        let mut exhausted = None;
        if attempts == 1 && late > allowed {
            run.error = Some(format!(
                "skipped: {why_late}it was {} late and its MaximumEventAgeInSeconds allows {}",
                span(late),
                span(allowed)
            ));
            exhausted = Some("MAXIMUM_EVENT_AGE");
        } else {
            run.note = match attempts {
                1 if late >= LATE || !why_late.is_empty() => Some(format!("{why_late}run {} late", span(late))),
                1 => None,
                _ => Some(format!("try {attempts}, {} late", span(late))),
            };
            match self.submit_scheduled(schedule, delivery, now, ids) {
                Ok((job, submitted)) => {
                    run.job_id = Some(job);
                    events = submitted;
                }
                Err(error) => {
                    run.error = Some(error);
                    let again = now + back_off(attempts);
                    let others = scheduled.waiting.iter().filter(|other| other.execution_id != delivery.execution_id);
                    if attempts > schedule.target.maximum_retries() {
                        exhausted = Some("MAXIMUM_RETRY_ATTEMPTS");
                    } else if again - planned_time > allowed {
                        exhausted = Some("MAXIMUM_EVENT_AGE");
                    } else if others.count() >= MOST_WAITING {
                        exhausted = Some("TOO_MANY_WAIT");
                    } else {
                        run.next_attempt = Some(again);
                    }
                }
            }
        }
        let dead_letter = exhausted.map(|exhausted| Box::new(dead_letter(schedule, &run, exhausted, now)));
        let ends = next.is_none()
            && run.next_attempt.is_none()
            && scheduled.waiting.iter().all(|other| other.execution_id == delivery.execution_id);
        events.push(Event::ScheduleRan { at: now, run, next, dead_letter });
        if ends && schedule.action_after_completion == AfterCompletion::Delete {
            events.extend(completed(schedule, now));
        }
        events
    }

    fn submit_scheduled(
        &self,
        schedule: &Schedule,
        delivery: &Delivery,
        now: Millis,
        ids: &mut dyn Ids,
    ) -> Result<(JobId, Vec<Event>), String> {
        let request = schedule
            .request_at(delivery.scheduled_time, &delivery.execution_id, delivery.attempts)
            .map_err(|error| error.to_string())?;
        let refused = |refusal: Refusal| refusal.to_string();
        let key = schedule_key(&schedule.group_name, &schedule.name);
        let decision = self.submit_for_schedule(&request, &key, now, ids).map_err(refused)?;
        match decision.answer {
            Answer::Submitted(response) => Ok((response.job_id, decision.events)),
            _ => Err("the submission has no job".to_owned()),
        }
    }
}

/// A run before it is known what came of it.
pub fn run_of(schedule: &Schedule, scheduled_time: Millis, now: Millis) -> ScheduleRun {
    ScheduleRun {
        schedule_name: schedule.name.clone(),
        group_name: schedule.group_name.clone(),
        scheduled_time,
        fired_at: now,
        ..ScheduleRun::default()
    }
}

fn dead_letter(schedule: &Schedule, run: &ScheduleRun, exhausted: &str, now: Millis) -> DeadLetter {
    DeadLetter {
        schedule_name: run.schedule_name.clone(),
        group_name: run.group_name.clone(),
        scheduled_time: run.scheduled_time,
        at: now,
        execution_id: run.execution_id.clone(),
        attempts: run.attempts,
        exhausted: exhausted.to_owned(),
        error: run.error.clone().unwrap_or_default(),
        target_arn: schedule.target.arn.clone(),
        input: schedule.input_at(run.scheduled_time, &run.execution_id, run.attempts),
        dead_letter_arn: schedule.target.dead_letter_config.as_ref().and_then(|config| config.arn.clone()),
    }
}

/// `ActionAfterCompletion` is DELETE, and nothing is left to do.
fn completed(schedule: &Schedule, now: Millis) -> [Event; 2] {
    let entry = AuditEntry {
        at: now,
        who: "engine".to_owned(),
        action: "DeleteSchedule".to_owned(),
        target: schedule_key(&schedule.group_name, &schedule.name),
        reason: None,
        outcome: "completed, and its ActionAfterCompletion is DELETE".to_owned(),
    };
    let (group, name) = (schedule.group_name.clone(), schedule.name.clone());
    [Event::ScheduleDeleted { at: now, group, name, token: None }, Event::Audited { at: now, entry }]
}

/// How long after so many tries the next one comes: 1 s, 2 s, 4 s, …, 8 minutes.
fn back_off(attempts: u32) -> Millis {
    (1_000 << attempts.saturating_sub(1).min(9)).min(LONGEST_BACK_OFF)
}

/// A length of time for a person: `45s`, `4m`, `3h`, `2d`.
fn span(length: Millis) -> String {
    let seconds = length / 1000;
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}
