//! The arguments of schedules.

use super::{Format, ListArgs, Moment, Seconds, WhatToRun, submit};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum ScheduleVerb {
    /// Submit a job at the times of an expression, and print the next five.
    #[command(after_help = submit::SCHEDULE_EXAMPLES)]
    Create(Box<ScheduleCreateArgs>),
    /// List schedules with their next times.
    List(ListArgs),
    /// Show one schedule: what its expression means, when it fires next, what it submits, and what came of its past runs.
    Show(ScheduleNameArgs),
    /// Say what an expression means, when it fires next, and what daylight saving does to it.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Stop submitting, until it is resumed.
    Pause(ScheduleNameArgs),
    /// Submit again at its times.
    Resume(ScheduleNameArgs),
    /// Submit its job now, whatever its state.
    Run(ScheduleNameArgs),
    /// Remove it. Jobs it has submitted stay.
    Delete(ScheduleNameArgs),
    /// List, create or delete groups of schedules.
    Groups(ScheduleGroupsArgs),
    /// List firings that came to nothing for good, newest first.
    DeadLetters(DeadLettersArgs),
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  batchdeck schedule explain 'cron(30 2 ? * MON-FRI *)' --zone Europe/Zurich
  batchdeck schedule explain 'rate(6 hours)' -o json";

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// `cron(30 2 ? * MON-FRI *)`, `rate(5 minutes)` or `at(2027-01-31T02:30:00)`.
    pub expression: String,
    /// Time zone in which the expression is read.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub zone: String,
    /// So many times to come are told.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub count: u16,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct ScheduleGroupsArgs {
    #[command(subcommand)]
    pub verb: Option<ScheduleGroupsVerb>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum ScheduleGroupsVerb {
    /// Create a group.
    Create { name: String },
    /// Delete a group, and its schedules with it.
    Delete { name: String },
}

#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    /// Forget them all.
    #[arg(long)]
    pub clear: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct ScheduleNameArgs {
    /// The schedule; `GROUP/NAME` where its group is not `default`.
    pub name: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct ScheduleCreateArgs {
    /// Its name; `GROUP/NAME` for another group than `default`.
    #[arg(id = "schedule", value_name = "NAME")]
    pub name: String,
    /// `cron(30 2 ? * MON-FRI *)`, `rate(5 minutes)` or `at(2027-01-31T02:30:00)`.
    pub expression: String,
    /// Time zone in which the expression is read.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub zone: String,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Create it paused.
    #[arg(long)]
    pub paused: bool,
    /// How old a missed run may be and still be made up for, and how long a refused submission is tried again: 5m, 2h,
    /// 1d.
    #[arg(long, value_name = "TIME")]
    pub maximum_age: Option<Seconds>,
    /// How often a refused submission is tried again.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=185))]
    pub retries: Option<u32>,
    /// Submit at some moment within so many minutes of each time.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub flexible: Option<u32>,
    /// Its first time is not before this: 2027-01-31T02:30:00Z.
    #[arg(long, value_name = "TIME")]
    pub start: Option<Moment>,
    /// Its last time is not after this.
    #[arg(long, value_name = "TIME")]
    pub end: Option<Moment>,
    /// Delete it after its last time.
    #[arg(long)]
    pub delete_after: bool,
    /// The role by which AWS submits the job; the context's `scheduler-role` if not said.
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
    #[command(flatten)]
    pub what: WhatToRun,
}
