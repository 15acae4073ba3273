//! Schedules: create, update, delete, run now (`EventBridge` Scheduler API reference).

use super::Ruling;
use super::groups::{AGAIN, no_group};
use super::schedule_form::{check, completed, invalid};
use crate::engine::command::{Answer, Refusal};
use crate::engine::deliver::run_of;
use crate::engine::event::Event;
use crate::engine::schedule::next_run;
use crate::engine::state::{Scheduled, schedule_key};
use crate::engine::{Engine, Ids};
use crate::model::{DEFAULT_SCHEDULE_GROUP, Millis, Schedule, Switch, epoch_millis};

impl Engine {
    pub(super) fn create_schedule(&self, schedule: &Schedule, now: Millis) -> Result<Ruling, Refusal> {
        let key = schedule_key(&schedule.group_name, &schedule.name);
        check(schedule)?;
        let arn = self.core.settings.place.schedule_arn(&schedule.group_name, &schedule.name);
        let answer = Answer::Created { arn: arn.clone(), name: schedule.name.clone() };
        let saved = Schedule {
            arn,
            creation_date: Some(seconds(now)),
            last_modification_date: Some(seconds(now)),
            client_token: None,
            target: completed(&schedule.target),
            ..schedule.clone()
        };
        let token = schedule.client_token.as_ref();
        if let Some(known) = self.core.schedules.get(&key) {
            if self.was_asked_before(token, &format!("schedule {key}"))? && is_same(&known.schedule, &saved) {
                return Ok(Ruling::done("CreateSchedule", &key, AGAIN, vec![]).answering(answer));
            }
            return Err(Refusal::Conflict(format!("Schedule {key} already exists; update it, or take another name")));
        }
        self.was_asked_before(token, &format!("schedule {key}"))?;
        if schedule.group_name != DEFAULT_SCHEDULE_GROUP && !self.core.groups.contains_key(&schedule.group_name) {
            return Err(no_group(&schedule.group_name));
        }
        if saved.end_date.is_some_and(|end| epoch_millis(end) <= now) {
            return invalid("EndDate is in the past; it takes a time to come");
        }
        let next = next_run(&saved, now);
        must_come(&saved, next)?;
        let outcome = format!("created, {}", saved.schedule_expression);
        let event = Event::ScheduleSaved { at: now, schedule: Box::new(saved), next, token: token.cloned() };
        Ok(Ruling::done("CreateSchedule", &key, outcome, vec![event]).answering(answer))
    }

    /// A full replacement, as on AWS: what is left out returns to its default.
    pub(super) fn update_schedule(&self, schedule: &Schedule, now: Millis) -> Result<Ruling, Refusal> {
        let (key, known) = self.find_schedule(&schedule.group_name, &schedule.name)?;
        check(schedule)?;
        let old = &known.schedule;
        let saved = Schedule {
            arn: old.arn.clone(),
            creation_date: old.creation_date,
            last_modification_date: Some(seconds(now)),
            client_token: None,
            target: completed(&schedule.target),
            ..schedule.clone()
        };
        let next = next_run(&saved, now);
        // What is over may still be described anew, or paused.
        if !is_same_in_time(old, &saved) {
            must_come(&saved, next)?;
        }
        let mut outcome = Vec::new();
        if old.state != saved.state {
            outcome.push(format!("{} -> {}", old.state.as_str(), saved.state.as_str()));
        }
        if old.schedule_expression != saved.schedule_expression {
            outcome.push(format!("{} -> {}", old.schedule_expression, saved.schedule_expression));
        }
        if saved.state == Switch::Disabled && !known.waiting.is_empty() {
            outcome.push(format!("{} firings are not tried again", known.waiting.len()));
        }
        if outcome.is_empty() {
            outcome.push("replaced".to_owned());
        }
        let token = schedule.client_token.clone();
        let event = Event::ScheduleSaved { at: now, schedule: Box::new(saved), next, token };
        Ok(Ruling::done("UpdateSchedule", &key, outcome.join(", "), vec![event]))
    }

    pub(super) fn delete_schedule(
        &self,
        group: &str,
        name: &str,
        token: Option<&String>,
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        let key = schedule_key(group, name);
        let gone = !self.core.schedules.contains_key(&key);
        if gone && self.was_asked_before(token, &format!("no schedule {key}"))? {
            return Ok(Ruling::done("DeleteSchedule", &key, AGAIN, vec![]));
        }
        let (key, known) = self.find_schedule(group, name)?;
        let state = known.schedule.state.as_str();
        let outcome = match known.waiting.len() {
            0 => format!("was {state}"),
            waiting => format!("was {state}, {waiting} firings are not tried again"),
        };
        let (group, name, token) = (group.to_owned(), name.to_owned(), token.cloned());
        let event = Event::ScheduleDeleted { at: now, group, name, token };
        Ok(Ruling::done("DeleteSchedule", &key, outcome, vec![event]))
    }

    /// Ours: submits now, whatever the schedule's state; its next time stays.
    pub(super) fn run_schedule(
        &self,
        group: &str,
        name: &str,
        by: &str,
        now: Millis,
        ids: &mut dyn Ids,
    ) -> Result<Ruling, Refusal> {
        let (key, known) = self.find_schedule(group, name)?;
        let execution_id = ids.uuid();
        let request =
            known.schedule.request_at(now, &execution_id, 1).map_err(|error| Refusal::Validation(error.to_string()))?;
        let submitted = self.submit(&request, by, now, ids)?;
        let Answer::Submitted(response) = &submitted.answer else { return Ok(submitted) };
        let mut run = run_of(&known.schedule, now, now);
        run.job_id = Some(response.job_id.clone());
        run.note = Some("run by hand".to_owned());
        (run.execution_id, run.attempts) = (execution_id, 1);
        let outcome = format!("submitted {}", response.job_id);
        let mut events = submitted.events;
        events.push(Event::ScheduleRan { at: now, run, next: known.next, dead_letter: None });
        Ok(Ruling::done("RunSchedule", &key, outcome, events).answering(submitted.answer))
    }

    fn find_schedule(&self, group: &str, name: &str) -> Result<(String, &Scheduled), Refusal> {
        let key = schedule_key(group, name);
        match self.core.schedules.get(&key) {
            Some(known) => Ok((key, known)),
            None => Err(Refusal::NotFound(format!("Schedule {key} does not exist."))),
        }
    }
}

/// An ENABLED schedule has a time to come.
fn must_come(schedule: &Schedule, next: Option<Millis>) -> Result<(), Refusal> {
    let expression = &schedule.schedule_expression;
    match next {
        None if schedule.state == Switch::Enabled && schedule.is_once() => {
            invalid(format!("ScheduleExpression is `{expression}`, which is in the past; it takes a time to come"))
        }
        None if schedule.state == Switch::Enabled => {
            invalid(format!("ScheduleExpression is `{expression}`, which never comes due from now on"))
        }
        _ => Ok(()),
    }
}

/// Whether two say the same, apart from when they were written.
fn is_same(known: &Schedule, asked: &Schedule) -> bool {
    let undated =
        |schedule: &Schedule| Schedule { creation_date: None, last_modification_date: None, ..schedule.clone() };
    undated(known) == undated(asked)
}

fn is_same_in_time(old: &Schedule, new: &Schedule) -> bool {
    let times = |schedule: &Schedule| {
        (
            schedule.schedule_expression.clone(),
            schedule.schedule_expression_timezone.clone(),
            schedule.start_date,
            schedule.end_date,
            schedule.state,
        )
    };
    times(old) == times(new)
}

#[expect(clippy::cast_precision_loss, reason = "epoch milliseconds stay far below 2^52")]
pub(super) fn seconds(at: Millis) -> f64 {
    at as f64 / 1000.0
}
