//! When schedules fire and what they submit (`EventBridge` Scheduler user guide, "Schedule types", "Context attributes").

use super::command::{Answer, Refusal};
use super::event::Event;
use super::{Engine, Ids};
use crate::model::expression::Expression;
use crate::model::{Millis, Schedule, ScheduleRun, SubmitJobRequest, Switch};
use chrono::{DateTime, SecondsFormat};

/// A run that is later than this says so.
const LATE: Millis = 60_000;
/// How far back one looks for the last of many missed times; a wider window is tried where a narrow one holds none.
const LOOK_BACK: [Millis; 4] = [3_600_000, 2 * 86_400_000, 40 * 86_400_000, 400 * 86_400_000];

/// The first time after `after` at which an ENABLED schedule fires, within its start and end. A start and an end do not
/// concern `at`.
pub fn next_run(schedule: &Schedule, after: Millis) -> Option<Millis> {
    if schedule.state == Switch::Disabled {
        return None;
    }
    let expression = Expression::parse(&schedule.schedule_expression, &schedule.schedule_expression_timezone).ok()?;
    let created = schedule.creation_date.map_or(after, millis);
    if schedule.schedule_expression.trim_start().starts_with("at") {
        return expression.next(after, created);
    }
    let start = schedule.start_date.map(millis);
    let from = start.map_or(after, |start| after.max(start - 1));
    let next = expression.next(from, start.unwrap_or(created))?;
    schedule.end_date.is_none_or(|end| next <= millis(end)).then_some(next)
}

/// The last time from `first` on that is not after `now`. `first` is one itself.
fn last_due(schedule: &Schedule, first: Millis, now: Millis) -> Millis {
    for window in LOOK_BACK {
        let mut last = None;
        let mut from = first.max(now - window);
        while let Some(next) = next_run(schedule, from).filter(|next| *next <= now) {
            last = Some(next);
            from = next;
        }
        if let Some(last) = last {
            return last;
        }
    }
    first
}

#[expect(clippy::cast_possible_truncation, reason = "epoch milliseconds fit")]
fn millis(seconds: f64) -> Millis {
    (seconds * 1000.0).round() as Millis
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

impl Engine {
    /// The runs that are due. Of several missed times of one schedule the last one runs.
    pub(super) fn due_schedules(&self, now: Millis, ids: &mut dyn Ids) -> Vec<Event> {
        self.fire(now, "", ids)
    }

    /// The runs that came due while the engine's process was not there.
    pub(super) fn missed(&self, now: Millis, ids: &mut dyn Ids) -> Vec<Event> {
        self.fire(now, "missed while the engine was down, ", ids)
    }

    fn fire(&self, now: Millis, why_late: &str, ids: &mut dyn Ids) -> Vec<Event> {
        let mut events = Vec::new();
        for (first, key) in self.index.firing.iter().take_while(|(at, _)| *at <= now) {
            let Some(scheduled) = self.core.schedules.get(key) else { continue };
            let schedule = &scheduled.schedule;
            let due = last_due(schedule, *first, now);
            let mut run = run_of(schedule, due, now);
            let late = now - due;
            if late > schedule.target.maximum_age() {
                run.error = Some(format!(
                    "skipped: {why_late}it was {} late and its MaximumEventAgeInSeconds allows {}",
                    span(late),
                    span(schedule.target.maximum_age())
                ));
            } else {
                if late >= LATE || !why_late.is_empty() {
                    run.note = Some(format!("{why_late}run {} late", span(late)));
                }
                match self.submit_scheduled(schedule, key, due, now, ids) {
                    Ok((job, submitted)) => {
                        run.job_id = Some(job);
                        events.extend(submitted);
                    }
                    Err(error) => run.error = Some(error),
                }
            }
            events.push(Event::ScheduleRan { at: now, run, next: next_run(schedule, now) });
        }
        events
    }

    fn submit_scheduled(
        &self,
        schedule: &Schedule,
        key: &str,
        due: Millis,
        now: Millis,
        ids: &mut dyn Ids,
    ) -> Result<(crate::model::JobId, Vec<Event>), String> {
        let request = scheduled_request(schedule, due, ids)?;
        let refused = |refusal: Refusal| refusal.to_string();
        let decision = self.submit_for_schedule(&request, key, now, ids).map_err(refused)?;
        match decision.answer {
            Answer::Submitted(response) => Ok((response.job_id, decision.events)),
            _ => Err("the submission has no job".to_owned()),
        }
    }
}

/// What a schedule submits at a time: its input with the context words replaced, and a tag that names it.
pub fn scheduled_request(schedule: &Schedule, at: Millis, ids: &mut dyn Ids) -> Result<SubmitJobRequest, String> {
    let time = DateTime::from_timestamp_millis(at).unwrap_or_default();
    let words = [
        ("<aws.scheduler.scheduled-time>", time.to_rfc3339_opts(SecondsFormat::Secs, true)),
        ("<aws.scheduler.execution-id>", ids.uuid()),
        ("<aws.scheduler.schedule-arn>", schedule.arn.clone()),
        ("<aws.scheduler.attempt-number>", "1".to_owned()),
    ];
    let mut target = schedule.target.clone();
    for (word, value) in &words {
        target.input = target.input.replace(word, value);
    }
    let mut request = target.request().map_err(|error| error.to_string())?;
    let key = super::state::schedule_key(&schedule.group_name, &schedule.name);
    request.tags.insert("batchdeck:schedule".to_owned(), key);
    Ok(request)
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
