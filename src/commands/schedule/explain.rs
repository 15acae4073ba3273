//! What an expression means, when a schedule fires next, what a changed clock does to it, and what its runs came to.

use super::{SHOWN, find, label};
use crate::cli::{ExplainArgs, Format, ScheduleNameArgs};
use crate::commands::error::{CommandError, Doing, exit};
use crate::commands::output::Output;
use crate::commands::world::World;
use crate::commands::{Done, now};
use crate::model::expression::Expression;
use crate::model::{JobDetail, JobId, Millis, Schedule, ScheduleRun, Switch, name_of};
use crate::tui::format::{Clock, span, until};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Past runs that are told.
const RUNS: usize = 10;

/// `schedule explain EXPRESSION`: no backend is asked.
pub fn explain(args: &ExplainArgs) -> Done {
    let schedule = Schedule {
        schedule_expression: args.expression.clone(),
        schedule_expression_timezone: args.zone.clone(),
        ..Schedule::default()
    };
    let expression = Expression::parse(&args.expression, &args.zone)?;
    let (output, now, count) = (Output::standard(), now(), usize::from(args.count));
    match args.output {
        Format::Json => output.json(&value(&schedule, &expression, now, count))?,
        Format::Table => {
            let text = format!(
                "{} in {}\n{}",
                args.expression.trim(),
                args.zone,
                meaning(&schedule, &expression, now, count, Clock::Local)
            );
            output.text(&text)?;
        }
    }
    Ok(exit::DONE)
}

/// `schedule show NAME`.
pub async fn show(args: &ScheduleNameArgs, world: World) -> Done {
    let schedule = find(&world, &args.name).await?;
    let runs = world.backend.schedule_runs(&schedule.group_name, &schedule.name);
    let mut runs = runs.await.doing(format!("reading the runs of the schedule `{}`", args.name))?;
    runs.truncate(RUNS);
    let ids: Vec<JobId> = runs.iter().filter_map(|run| run.job_id.clone()).collect();
    let jobs = world.backend.describe_jobs(&ids).await.doing("reading the jobs that it submitted")?;
    match args.output {
        Format::Json => {
            let expression =
                Expression::parse(&schedule.schedule_expression, &schedule.schedule_expression_timezone).ok();
            let explained = expression.map(|expression| value(&schedule, &expression, now(), SHOWN));
            world.output().json(&json!({"schedule": schedule, "explained": explained, "runs": runs}))?;
        }
        Format::Table => {
            let mut text = match schedule.event_pattern() {
                Some(pattern) => format!("rule {}: on events {pattern}\n", label(&schedule)),
                None => told(&schedule, now(), SHOWN, Clock::Local)?,
            };
            if let Some(description) = &schedule.description {
                let _ = writeln!(text, "  about  {description}");
            }
            match schedule.target.request() {
                Ok(request) => {
                    let (job, queue) = (name_of(&request.job_definition), name_of(&request.job_queue));
                    let _ = writeln!(text, "  job    {} of {job} in {queue}", request.job_name);
                }
                Err(error) => {
                    let _ = writeln!(text, "  job    none: {error}");
                }
            }
            text += &past(&runs, &jobs, now(), Clock::Local);
            world.output().text(&text)?;
        }
    }
    Ok(exit::DONE)
}

/// A schedule, what it means, and when it will submit.
pub fn told(schedule: &Schedule, now: Millis, count: usize, clock: Clock) -> Result<String, CommandError> {
    let expression = Expression::parse(&schedule.schedule_expression, &schedule.schedule_expression_timezone)?;
    let paused = if schedule.state == Switch::Disabled { ", paused" } else { "" };
    let (name, text, zone) = (label(schedule), &schedule.schedule_expression, &schedule.schedule_expression_timezone);
    Ok(format!("schedule {name}: {text} in {zone}{paused}\n{}", meaning(schedule, &expression, now, count, clock)))
}

fn meaning(schedule: &Schedule, expression: &Expression, now: Millis, count: usize, clock: Clock) -> String {
    let mut text = format!("  means  {}\n", expression.in_words());
    let times = if schedule.has_known_times() { schedule.times_of(expression, now, count) } else { Vec::new() };
    if times.is_empty() {
        let why =
            if schedule.has_known_times() { "it has no time to come" } else { "since when it counts is not told" };
        let _ = writeln!(text, "  next   {why}");
    }
    for (at, time) in times.into_iter().enumerate() {
        let before = if at == 0 { "next" } else { "" };
        let beside = clock.beside(time, expression.offset(time)).unwrap_or_default();
        let line = format!("  {before:<7}{}  {:<9} {beside}", expression.wall(time), until(time, now));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for change in expression.clock_changes(now) {
        let _ = writeln!(text, "  clock  {change}");
    }
    text
}

fn value(schedule: &Schedule, expression: &Expression, now: Millis, count: usize) -> Value {
    let changes: Vec<Value> = expression
        .clock_changes(now)
        .iter()
        .map(
            |change| json!({"at": change.at, "concernsRuns": change.leaves_out_or_once(), "words": change.to_string()}),
        )
        .collect();
    json!({
        "expression": schedule.schedule_expression,
        "zone": schedule.schedule_expression_timezone,
        "words": expression.in_words(),
        "next": schedule.times_of(expression, now, count),
        "clockChanges": changes,
    })
}

fn past(runs: &[ScheduleRun], jobs: &[JobDetail], now: Millis, clock: Clock) -> String {
    let mut text = String::new();
    for (at, run) in runs.iter().enumerate() {
        let before = if at == 0 { "past" } else { "" };
        let job = jobs.iter().find(|job| Some(&job.job_id) == run.job_id.as_ref());
        let mut parts = vec![clock.day(run.fired_at)];
        match (&run.error, job, &run.job_id) {
            (Some(error), ..) => parts.push(format!("FAILED  {error}")),
            (None, Some(job), _) => {
                parts.push(job.status.to_string());
                parts.extend(job.started_at.map(|from| span(job.stopped_at.unwrap_or(now) - from)));
                let container = job.container.as_ref();
                parts.extend(container.and_then(|container| container.exit_code).map(|code| format!("exit {code}")));
                parts.push(job.job_id.to_string());
            }
            (None, None, Some(id)) => parts.push(format!("{id}, which is not kept any more")),
            (None, None, None) => {}
        }
        parts.extend(run.note.clone());
        let _ = writeln!(text, "  {before:<7}{}", parts.join("  "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOON, nightly};
    use super::*;
    use crate::model::JobStatus;

    #[test]
    fn a_schedule_tells_what_it_means_and_its_next_times_by_two_clocks() {
        insta::assert_snapshot!(told(&nightly(), NOON, SHOWN, Clock::Utc).expect("sound"));
        let over = Schedule { schedule_expression: "at(2026-01-01T00:00:00)".to_owned(), ..nightly() };
        assert!(told(&over, NOON, SHOWN, Clock::Utc).expect("sound").contains("no time to come"));
        let daily = Schedule { schedule_expression: "cron(30 2 * * ? *)".to_owned(), ..nightly() };
        let text = told(&daily, NOON, SHOWN, Clock::Utc).expect("sound");
        assert!(
            text.contains("clock  Sun 28 Mar 2027 the clock skips 02:00-03:00: the run of 02:30 is left out"),
            "{text}"
        );
    }

    #[test]
    fn past_runs_tell_state_duration_and_exit_or_why_there_is_no_job() {
        let job = JobDetail {
            job_id: JobId::from("3f2a"),
            status: JobStatus::Succeeded,
            started_at: Some(NOON - 600_000),
            stopped_at: Some(NOON - 349_000),
            ..JobDetail::default()
        };
        let run = |id: Option<&str>, error: Option<&str>| ScheduleRun {
            fired_at: NOON - 600_000,
            job_id: id.map(JobId::from),
            error: error.map(str::to_owned),
            ..ScheduleRun::default()
        };
        let text = past(&[run(Some("3f2a"), None), run(None, Some("no such queue"))], &[job], NOON, Clock::Utc);
        assert_eq!(
            text,
            "  past   Tue 24 Nov 11:50  SUCCEEDED  4m11  3f2a\n         Tue 24 Nov 11:50  FAILED  no such queue\n"
        );
    }
}
