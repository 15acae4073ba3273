//! Schedules: create, update, delete, run now (`EventBridge` Scheduler API reference).

use super::Ruling;
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::Event;
use crate::engine::schedule::{next_run, run_of, scheduled_request};
use crate::engine::state::{Scheduled, schedule_key};
use crate::engine::{Engine, Ids};
use crate::model::expression::Expression;
use crate::model::{Millis, Schedule, Switch, validate};

impl Engine {
    pub(super) fn create_schedule(&self, schedule: &Schedule, now: Millis) -> Result<Ruling, Refusal> {
        let key = schedule_key(&schedule.group_name, &schedule.name);
        check(schedule)?;
        if self.core.schedules.contains_key(&key) {
            return Err(Refusal::Conflict(format!("Schedule {key} already exists; update it, or take another name")));
        }
        let arn = self.core.settings.place.schedule_arn(&schedule.group_name, &schedule.name);
        let saved = Schedule {
            arn: arn.clone(),
            creation_date: Some(seconds(now)),
            last_modification_date: Some(seconds(now)),
            ..schedule.clone()
        };
        let next = next_run(&saved, now);
        if next.is_none() && saved.state == Switch::Enabled {
            return invalid(format!("ScheduleExpression {} never comes due from now on", saved.schedule_expression));
        }
        let name = saved.name.clone();
        let outcome = format!("created, {}", saved.schedule_expression);
        let event = Event::ScheduleSaved { at: now, schedule: Box::new(saved), next };
        Ok(Ruling::done("CreateSchedule", &key, outcome, vec![event]).answering(Answer::Created { arn, name }))
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
            ..schedule.clone()
        };
        let next = next_run(&saved, now);
        let mut outcome = Vec::new();
        if old.state != saved.state {
            outcome.push(format!("{} -> {}", old.state.as_str(), saved.state.as_str()));
        }
        if old.schedule_expression != saved.schedule_expression {
            outcome.push(format!("{} -> {}", old.schedule_expression, saved.schedule_expression));
        }
        if outcome.is_empty() {
            outcome.push("replaced".to_owned());
        }
        let event = Event::ScheduleSaved { at: now, schedule: Box::new(saved), next };
        Ok(Ruling::done("UpdateSchedule", &key, outcome.join(", "), vec![event]))
    }

    pub(super) fn delete_schedule(&self, group: &str, name: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (key, known) = self.find_schedule(group, name)?;
        let outcome = format!("was {}", known.schedule.state.as_str());
        let event = Event::ScheduleDeleted { at: now, group: group.to_owned(), name: name.to_owned() };
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
        let request = scheduled_request(&known.schedule, now, ids).map_err(Refusal::Validation)?;
        let submitted = self.submit(&request, by, now, ids)?;
        let Answer::Submitted(response) = &submitted.answer else { return Ok(submitted) };
        let mut run = run_of(&known.schedule, now, now);
        run.job_id = Some(response.job_id.clone());
        run.note = Some("run by hand".to_owned());
        let outcome = format!("submitted {}", response.job_id);
        let mut events = submitted.events;
        events.push(Event::ScheduleRan { at: now, run, next: known.next });
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

fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Validation(message.into()))
}

fn check(schedule: &Schedule) -> Result<(), Refusal> {
    for name in [&schedule.name, &schedule.group_name] {
        validate::schedule_name(name).map_err(|wrong| Refusal::Validation(wrong.to_string()))?;
    }
    let expression = &schedule.schedule_expression;
    if let Err(error) = Expression::parse(expression, &schedule.schedule_expression_timezone) {
        return invalid(format!("ScheduleExpression is `{expression}`: {error}"));
    }
    if let Err(error) = schedule.target.request() {
        return invalid(error.to_string());
    }
    if schedule.description.as_ref().is_some_and(|text| text.chars().count() > 512) {
        return invalid("Description takes at most 512 letters");
    }
    if let (Some(start), Some(end)) = (schedule.start_date, schedule.end_date)
        && end <= start
    {
        return invalid("EndDate is not after StartDate");
    }
    let window = &schedule.flexible_time_window;
    match (window.mode.as_str(), window.maximum_window_in_minutes) {
        ("OFF", None) | ("FLEXIBLE", Some(1..=1440)) => {}
        ("OFF" | "FLEXIBLE", _) => {
            return invalid(
                "FlexibleTimeWindow takes OFF alone, or FLEXIBLE with MaximumWindowInMinutes from 1 to 1440",
            );
        }
        (other, _) => return invalid(format!("FlexibleTimeWindow.Mode is `{other}`; it takes OFF or FLEXIBLE")),
    }
    if let Some(policy) = &schedule.target.retry_policy {
        let age = policy.maximum_event_age_in_seconds;
        if !(60..=86_400).contains(&age) || policy.maximum_retry_attempts > 185 {
            return invalid("RetryPolicy takes MaximumEventAgeInSeconds 60 to 86400 and MaximumRetryAttempts 0 to 185");
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "epoch milliseconds stay far below 2^52")]
fn seconds(at: Millis) -> f64 {
    at as f64 / 1000.0
}
