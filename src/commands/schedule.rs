//! `schedule create|list|show|explain|pause|resume|run|delete`.

mod explain;

use super::error::{CommandError, Doing, Named, exit};
use super::table::{Cell, Table, left, moment};
use super::world::{Setting, World};
use super::{Done, now, resolve, submit};
use crate::cli::{
    DeadLettersArgs, Format, ListArgs, Moment, ScheduleCreateArgs, ScheduleGroupsArgs, ScheduleGroupsVerb,
    ScheduleNameArgs, ScheduleVerb,
};
use crate::model::expression::Expression;
use crate::model::{
    AfterCompletion, FlexibleTimeWindow, Millis, RetryPolicy, Schedule, ScheduleTarget, Switch, is_of_rules, name_of,
    validate,
};
use crate::tui::format::Clock;

/// So many coming times are shown of a new schedule.
const SHOWN: usize = 5;
/// `EventBridge` Scheduler's limits for `MaximumEventAgeInSeconds`.
const AGES: std::ops::RangeInclusive<u32> = 60..=86_400;

pub async fn run(verb: ScheduleVerb, setting: Setting) -> Done {
    match verb {
        ScheduleVerb::Create(args) => Box::pin(create(&args, setting)).await,
        ScheduleVerb::List(args) => list(&args, setting.open().await?).await,
        ScheduleVerb::Show(args) => explain::show(&args, setting.open().await?).await,
        ScheduleVerb::Explain(args) => explain::explain(&args),
        ScheduleVerb::Pause(args) => switch(&args, Switch::Disabled, setting).await,
        ScheduleVerb::Resume(args) => switch(&args, Switch::Enabled, setting).await,
        ScheduleVerb::Run(args) => run_now(&args, setting).await,
        ScheduleVerb::Delete(args) => delete(&args, setting).await,
        ScheduleVerb::Groups(args) => groups(&args, setting).await,
        ScheduleVerb::DeadLetters(args) => dead_letters(&args, setting).await,
    }
}

async fn create(args: &ScheduleCreateArgs, setting: Setting) -> Done {
    setting.require_writable("schedule create")?;
    let (group, name) = split(&args.name);
    validate::schedule_name(name)?;
    Expression::parse(&args.expression, &args.zone)?;
    submit::check(&args.what)?;
    let retry_policy = match args.maximum_age {
        Some(age) if AGES.contains(&age.0) => {
            Some(RetryPolicy { maximum_event_age_in_seconds: age.0, ..RetryPolicy::default() })
        }
        Some(age) => {
            let takes = "60 seconds to 1 day";
            return Err(CommandError::Usage { what: "maximum age", given: age.0.to_string(), takes });
        }
        None => args.retries.map(|_| RetryPolicy::default()),
    };
    let retries = |policy: RetryPolicy| RetryPolicy {
        maximum_retry_attempts: args.retries.unwrap_or(policy.maximum_retry_attempts),
        ..policy
    };
    let retry_policy = retry_policy.map(retries);
    let world = setting.open().await?;
    let mut what = args.what.clone();
    if what.name.is_none() && what.command.is_empty() {
        what.name = Some(name.replace('.', "-"));
    }
    let (request, _) = submit::request(&what, &world).await?;
    let Some(role) = args.role_arn.as_ref().or(world.setting.context.scheduler_role.as_ref()) else {
        let takes = "the ARN of a role that EventBridge Scheduler may assume to submit the job (batch:SubmitJob, \
                     batch:TagResource), as --role-arn or as scheduler-role of the context";
        return Err(CommandError::Usage { what: "role", given: String::new(), takes });
    };
    let target = ScheduleTarget { retry_policy, ..ScheduleTarget::submit_job(&request, role) };
    let schedule = Schedule {
        name: name.to_owned(),
        group_name: group.to_owned(),
        schedule_expression: args.expression.clone(),
        schedule_expression_timezone: args.zone.clone(),
        state: if args.paused { Switch::Disabled } else { Switch::Enabled },
        description: args.description.clone(),
        target,
        flexible_time_window: window(args.flexible),
        start_date: args.start.map(seconds),
        end_date: args.end.map(seconds),
        action_after_completion: if args.delete_after { AfterCompletion::Delete } else { AfterCompletion::None },
        ..Schedule::default()
    };
    world.backend.create_schedule(schedule).await.doing(format!("creating the schedule `{}`", args.name))?;
    let created = find(&world, &args.name).await?;
    match args.output {
        Format::Json => world.output().json(&created)?,
        Format::Table => world.output().text(&explain::told(&created, now(), SHOWN, Clock::Local)?)?,
    }
    Ok(exit::DONE)
}

async fn list(args: &ListArgs, world: World) -> Done {
    let mut schedules = world.backend.schedules().await.doing("listing schedules")?;
    match world.backend.rules().await {
        Ok(rules) => schedules.extend(rules),
        // They stand beside the schedules, which are told all the same.
        Err(error) => world.output().note(&format!("rules of EventBridge are not listed: {error}")),
    }
    schedules.sort_by(|a, b| (&a.group_name, &a.name).cmp(&(&b.group_name, &b.name)));
    match args.output {
        Format::Json => world.output().json(&schedules)?,
        Format::Table => world.output().table(&table(&schedules, now()))?,
    }
    Ok(exit::DONE)
}

fn table(schedules: &[Schedule], now: Millis) -> Table {
    let columns = ["NAME", "STATE", "EXPRESSION", "ZONE", "NEXT", "JOB", "QUEUE", "DESCRIPTION"].map(left);
    let mut table = Table::new(&columns);
    for schedule in schedules {
        let target = schedule.target.request().ok();
        let state = match (schedule.state, schedule.is_rule) {
            (Switch::Enabled, false) => "ENABLED",
            (Switch::Disabled, false) => "PAUSED",
            (Switch::Enabled, true) => "RULE",
            (Switch::Disabled, true) => "RULE OFF",
        };
        table.row(vec![
            Cell::new(label(schedule)),
            Cell::health(state, schedule.state == Switch::Enabled),
            Cell::new(&schedule.schedule_expression),
            Cell::new(&schedule.schedule_expression_timezone),
            Cell::new(next(schedule, now)),
            Cell::optional(target.as_ref().map(|request| name_of(&request.job_definition))),
            Cell::optional(target.as_ref().map(|request| name_of(&request.job_queue))),
            Cell::optional(schedule.description.as_ref()),
        ]);
    }
    table
}

fn next(schedule: &Schedule, now: Millis) -> String {
    if schedule.state == Switch::Disabled || !schedule.has_known_times() {
        return "-".to_owned();
    }
    match Expression::parse(&schedule.schedule_expression, &schedule.schedule_expression_timezone) {
        Ok(expression) => {
            schedule.next_of(&expression, now).map_or_else(|| "never".to_owned(), |at| expression.wall(at))
        }
        Err(_) => "?".to_owned(),
    }
}

async fn switch(args: &ScheduleNameArgs, state: Switch, setting: Setting) -> Done {
    setting.require_writable(if state == Switch::Enabled { "schedule resume" } else { "schedule pause" })?;
    let world = setting.open().await?;
    let schedule = Schedule { state, ..find(&world, &args.name).await? };
    world.backend.update_schedule(schedule.clone()).await.doing(format!("changing the schedule `{}`", args.name))?;
    match args.output {
        Format::Json => world.output().json(&schedule)?,
        Format::Table if state == Switch::Disabled => {
            world.output().text(&format!("schedule {} is paused\n", label(&schedule)))?;
        }
        Format::Table => {
            let when = next(&schedule, now());
            world.output().text(&format!("schedule {} is on; next {when}\n", label(&schedule)))?;
        }
    }
    Ok(exit::DONE)
}

async fn run_now(args: &ScheduleNameArgs, setting: Setting) -> Done {
    setting.require_writable("schedule run")?;
    let world = setting.open().await?;
    let schedule = find(&world, &args.name).await?;
    let answer = world
        .backend
        .run_schedule(&schedule.group_name, &schedule.name)
        .await
        .doing(format!("running the schedule `{}`", args.name))?;
    match args.output {
        Format::Json => world.output().json(&answer)?,
        Format::Table => world.output().text(&format!("{}\n", answer.job_id))?,
    }
    Ok(exit::DONE)
}

async fn delete(args: &ScheduleNameArgs, setting: Setting) -> Done {
    setting.require_writable("schedule delete")?;
    let world = setting.open().await?;
    let schedule = find(&world, &args.name).await?;
    world
        .backend
        .delete_schedule(&schedule.group_name, &schedule.name)
        .await
        .doing(format!("deleting the schedule `{}`", args.name))?;
    match args.output {
        Format::Json => world.output().json(&schedule)?,
        Format::Table => world.output().text(&format!("schedule {} is deleted\n", label(&schedule)))?,
    }
    Ok(exit::DONE)
}

async fn groups(args: &ScheduleGroupsArgs, setting: Setting) -> Done {
    if args.verb.is_some() {
        setting.require_writable("schedule groups")?;
    }
    let world = setting.open().await?;
    match &args.verb {
        Some(ScheduleGroupsVerb::Create { name }) => {
            world.backend.create_schedule_group(name).await.doing(format!("creating the schedule group `{name}`"))?;
            world.output().text(&format!("schedule group {name} is there\n"))?;
        }
        Some(ScheduleGroupsVerb::Delete { name }) => {
            world.backend.delete_schedule_group(name).await.doing(format!("deleting the schedule group `{name}`"))?;
            world.output().text(&format!("schedule group {name} is deleted, with its schedules\n"))?;
        }
        None => {
            let groups = world.backend.schedule_groups().await.doing("listing schedule groups")?;
            let schedules = world.backend.schedules().await.doing("listing schedules")?;
            match args.output {
                Format::Json => world.output().json(&groups)?,
                Format::Table => {
                    let mut table = Table::new(&["NAME", "SCHEDULES", "STATE"].map(left));
                    for group in &groups {
                        let members = schedules.iter().filter(|schedule| schedule.group_name == group.name).count();
                        let cells = [group.name.clone(), members.to_string(), group.state.clone()];
                        table.row(cells.map(Cell::new).into());
                    }
                    world.output().table(&table)?;
                }
            }
        }
    }
    Ok(exit::DONE)
}

async fn dead_letters(args: &DeadLettersArgs, setting: Setting) -> Done {
    if args.clear {
        setting.require_writable("schedule dead-letters --clear")?;
        let world = setting.open().await?;
        world.backend.clear_dead_letters().await.doing("forgetting dead letters")?;
        world.output().text("all dead letters are forgotten\n")?;
        return Ok(exit::DONE);
    }
    let world = setting.open().await?;
    let letters = world.backend.dead_letters(args.limit).await.doing("listing dead letters")?;
    match args.output {
        Format::Json => world.output().json(&letters)?,
        Format::Table => {
            let mut table = Table::new(&["SCHEDULED", "SCHEDULE", "TRIES", "GIVEN UP", "EXHAUSTED", "ERROR"].map(left));
            for letter in &letters {
                let cells = [
                    moment(letter.scheduled_time),
                    match letter.group_name.as_str() {
                        "default" => letter.schedule_name.clone(),
                        group => format!("{group}/{}", letter.schedule_name),
                    },
                    letter.attempts.to_string(),
                    moment(letter.at),
                    letter.exhausted.clone(),
                    letter.error.clone(),
                ];
                table.row(cells.map(Cell::new).into());
            }
            world.output().table(&table)?;
        }
    }
    Ok(exit::DONE)
}

fn window(flexible: Option<u32>) -> FlexibleTimeWindow {
    match flexible {
        Some(minutes) => FlexibleTimeWindow { mode: "FLEXIBLE".to_owned(), maximum_window_in_minutes: Some(minutes) },
        None => FlexibleTimeWindow::default(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "epoch seconds stay far below 2^52")]
fn seconds(moment: Moment) -> f64 {
    moment.0 as f64
}

async fn find(world: &World, given: &str) -> Result<Schedule, CommandError> {
    let (group, name) = split(given);
    // A rule is found, so that what is refused is said of it.
    let schedules = if is_of_rules(group) { world.backend.rules().await } else { world.backend.schedules().await };
    let schedules = schedules.doing("listing schedules")?;
    let known: Vec<String> = schedules.iter().map(label).collect();
    schedules
        .into_iter()
        .find(|schedule| schedule.group_name == group && schedule.name == name)
        .ok_or_else(|| resolve::unknown(Named::Schedule, given, known))
}

/// Group and name.
fn split(given: &str) -> (&str, &str) {
    given.split_once('/').unwrap_or(("default", given))
}

/// The name, with its group where that is not the default one.
fn label(schedule: &Schedule) -> String {
    match schedule.group_name.as_str() {
        "default" => schedule.name.clone(),
        group => format!("{group}/{}", schedule.name),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::commands::table::Look;
    use crate::model::SubmitJobRequest;
    use crate::model::rules_of;

    pub(super) const NOON: Millis = 1_795_521_600_000; // 2026-11-24T12:00:00Z

    pub(super) fn nightly() -> Schedule {
        let request = SubmitJobRequest {
            job_name: "nightly".to_owned(),
            job_queue: "default".to_owned(),
            job_definition: "report:7".to_owned(),
            ..SubmitJobRequest::default()
        };
        Schedule {
            name: "nightly".to_owned(),
            schedule_expression: "cron(30 2 ? * MON-FRI *)".to_owned(),
            schedule_expression_timezone: "Europe/Zurich".to_owned(),
            target: ScheduleTarget::submit_job(&request, "arn:aws:iam::123456789012:role/r"),
            ..Schedule::default()
        }
    }

    #[test]
    fn a_list_tells_what_is_next_and_what_is_paused() {
        let paused = Schedule { state: Switch::Disabled, group_name: "ops".to_owned(), ..nightly() };
        let rate = Schedule {
            name: "ping".to_owned(),
            schedule_expression: "rate(5 minutes)".to_owned(),
            schedule_expression_timezone: "UTC".to_owned(),
            #[expect(clippy::cast_precision_loss, reason = "a time of today")]
            creation_date: Some((NOON / 1000) as f64 - 60.0),
            ..nightly()
        };
        let by_clock = Schedule { name: "old".to_owned(), is_rule: true, group_name: rules_of("default"), ..nightly() };
        let by_event = Schedule {
            name: "upload".to_owned(),
            schedule_expression: r#"event {"source":["aws.s3"]}"#.to_owned(),
            state: Switch::Disabled,
            ..by_clock.clone()
        };
        insta::assert_snapshot!(table(&[nightly(), paused, rate, by_clock, by_event], NOON).render(Look::default()));
    }
}
