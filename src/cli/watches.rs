//! The arguments of watches.

use super::{Format, ListArgs, Seconds};
use clap::{Args, Subcommand};

pub(super) const EXAMPLES: &str = "\
Examples:
  batchdeck watch add 3f2a                        a job: when it ends
  batchdeck watch add 3f2a 'silent > 15m'         when its log has had no line for so long
  batchdeck watch add high 'failed > 5 in 10m'    a queue
  batchdeck watch wait 3f2a 'exit = 137'          blocks; exit code 0 when it has come true

Conditions:
  ends, fails, succeeds, starts, exit = 137       of a job or an array
  RUNNABLE > 20m   waiting > 20m                  a job has been so for longer; of a job or a queue
  waiting > 100                                   so many are
  failed > 5 in 10m   succeeded < 1 in 1h         failed, succeeded or started within a time
  silent > 15m                                    of a job that runs
  invalid, disabled, instances < 1                of an environment; the first two of a queue too

A shell takes > for itself: quote the condition.";

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum WatchVerb {
    /// Watch a job, a queue or an environment; without a condition: the end of a job, failures in a queue, an environment's
    /// fault.
    Add(WatchAddArgs),
    /// List watches, and what has fired.
    List(ListArgs),
    /// Forget watches.
    Remove(WatchIdsArgs),
    /// Take note of what has fired: it calls nobody any more.
    Ack(WatchIdsArgs),
    /// Let a watch go on and tell nobody.
    Silence(WatchSilenceArgs),
    /// Wait until a watch fires: exit code 0 when it does, 1 when it can fire no more, 124 when it took too long. A watch that
    /// was made for this is removed afterwards.
    Wait(WatchWaitArgs),
}

#[derive(Debug, Args)]
pub struct WatchAddArgs {
    /// A queue, a compute environment, or the id of a job or the beginning of one; looked for in this order.
    #[arg(value_name = "WHAT")]
    pub what: String,
    /// What to watch for, as one text or in several words.
    #[arg(value_name = "CONDITION")]
    pub condition: Vec<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct WatchIdsArgs {
    /// Watches as `watch list` names them: `w1`.
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub ids: Vec<String>,
    /// All of them.
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct WatchSilenceArgs {
    /// The watch, as `watch list` names it: `w1`.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Tell again.
    #[arg(long)]
    pub off: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct WatchWaitArgs {
    /// A watch that there is, `w1`, or what to watch.
    #[arg(value_name = "WHAT")]
    pub what: String,
    /// What to watch for.
    #[arg(value_name = "CONDITION")]
    pub condition: Vec<String>,
    /// Wait no longer than this: 90s, 30m, 2h.
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<Seconds>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}
