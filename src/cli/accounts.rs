//! The arguments of what was spent and used.

use super::{Format, Seconds};
use clap::{Args, ValueEnum};
use std::str::FromStr;

pub(super) const COST_EXAMPLES: &str = "\
Examples:
  batchdeck cost                                   the last 7 days, by queue
  batchdeck cost --by environment --since month    with what nobody used
  batchdeck cost --since 2026-11-01 -o json        for scripts
  batchdeck cost 3f2a                              one job, attempt by attempt

Prices are AWS's list at a date, and `[prices]` in the config over it. What has no price is told in hours.";

#[derive(Debug, Args)]
pub struct CostArgs {
    /// Id of a job, or the beginning of one: what it has cost, with all its attempts or children.
    #[arg(value_name = "JOB", conflicts_with_all = ["by", "since"])]
    pub job: Option<String>,
    /// What to add up by.
    #[arg(long, value_enum, default_value_t)]
    pub by: By,
    /// From when on: `today`, `month`, `ever`, a day as 2026-11-01, or how long ago as 36h or 7d. Days are in UTC.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub since: Since,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum By {
    #[default]
    Queue,
    /// With what no job used.
    Environment,
    /// Fair shares of queues.
    Share,
    Definition,
}

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Seconds ago.
    Ago(u32),
    Today,
    Month,
    Day(chrono::NaiveDate),
    Ever,
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "today" => return Ok(Self::Today),
            "month" => return Ok(Self::Month),
            "ever" => return Ok(Self::Ever),
            _ => {}
        }
        if let Ok(day) = text.parse() {
            return Ok(Self::Day(day));
        }
        let ago: Result<Seconds, _> = text.parse();
        ago.map(|Seconds(seconds)| Self::Ago(seconds))
            .map_err(|_| "write today, month, ever, a day as 2026-11-01, or how long ago as 36h or 7d".to_owned())
    }
}

pub(super) const FAILURES_EXAMPLES: &str = "\
Examples:
  batchdeck failures                        the last 24 hours, the largest group first
  batchdeck failures --since 2h --queue main
  batchdeck failures -o json | jq -r '.groups[0].jobs[]'    the ids of the largest group

Jobs are alike where definition, exit code, reason and the last line of their logs are, without ids, hosts and numbers.
What was not fetched is said on standard error, and in JSON under `leftOut`.";

#[derive(Debug, Args)]
pub struct FailuresArgs {
    /// From when on: `today`, `month`, a day as 2026-11-01, or how long ago as 36h or 7d. Days are in UTC.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub since: Since,
    /// Of this queue alone.
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct FitArgs {
    /// A job definition, as NAME or NAME:REVISION, in full; all that have run if not said.
    #[arg(value_name = "DEFINITION")]
    pub definition: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}
