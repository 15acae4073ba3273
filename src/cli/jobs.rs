//! The arguments of what is done with jobs.

use super::{Format, LinesFormat, Since};
use clap::{ArgGroup, Args, ValueEnum};

pub(super) const WHY_EXAMPLES: &str = "\
Examples:
  batchdeck why 3f2a                  a job, by its id or the beginning of one
  batchdeck why high                  a queue, and the job at its head
  batchdeck why --environment spot    a compute environment that has the name of a queue too
  batchdeck why 3f2a -o json          for scripts";

#[derive(Debug, Args)]
pub struct JobsArgs {
    /// Only jobs of this queue.
    #[arg(long, value_name = "NAME", conflicts_with = "array")]
    pub queue: Option<String>,
    /// Only jobs in these states, separated by commas: `RUNNABLE,RUNNING`.
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_enum, ignore_case = true)]
    pub status: Vec<State>,
    /// Only jobs of this name; with a `*` at its end, of names that begin so.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Only jobs of this definition: `NAME`, or `NAME:REVISION`.
    #[arg(long, value_name = "NAME")]
    pub definition: Option<String>,
    /// Only jobs of this share.
    #[arg(long, value_name = "ID")]
    pub share: Option<String>,
    /// Only jobs submitted since: `today`, `month`, a day as 2026-11-01, or how long ago as 36h or 7d. Days are in UTC.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// The children of this array.
    #[arg(long, value_name = "ID")]
    pub array: Option<String>,
    /// The nodes of this multi-node job.
    #[arg(long, value_name = "ID", conflicts_with_all = ["array", "queue"])]
    pub nodes: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: LinesFormat,
}

/// The states of a job, in the order in which it walks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    Submitted,
    Pending,
    Runnable,
    Starting,
    Running,
    Succeeded,
    Failed,
}

#[derive(Debug, Args)]
pub struct JobArgs {
    /// Id of a job, or the beginning of one; `ID:INDEX` for the child of an array, `ID#INDEX` for a node.
    pub id: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct EndArgs {
    /// Ids of jobs, or the beginnings of ids.
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// Why; it is recorded with the job.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct ReprioritiseArgs {
    /// Ids of waiting jobs, and then the priority: 0 to 9999 for a job, 0 to 1000 for a queue; larger goes first.
    #[arg(required = true, value_name = "ID> <PRIORITY")]
    pub words: Vec<String>,
    /// The queue to move, instead of jobs.
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Why; it is recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct HoldArgs {
    /// Ids of jobs, or the beginnings of ids.
    #[arg(required_unless_present = "queue", conflicts_with = "queue", value_name = "ID")]
    pub ids: Vec<String>,
    /// The queue, instead of jobs.
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Why; it is recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true).multiple(true).args(["to", "front"]))]
pub struct MoveArgs {
    /// Ids of waiting jobs, or the beginnings of ids; the last one given is the first at the front.
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// To this queue.
    #[arg(long, value_name = "NAME")]
    pub to: Option<String>,
    /// In front of all that wait there.
    #[arg(long)]
    pub front: bool,
    /// Its share in the other queue, where that has shares; the one it has if not said.
    #[arg(long, value_name = "NAME", requires = "to")]
    pub share: Option<String>,
    /// Why; it is recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct ReplaceArgs {
    /// Id of a waiting job, or the beginning of one.
    pub id: String,
    /// To this queue; the one it is in if not said.
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Its share, in a queue with a scheduling policy; empty for none.
    #[arg(long, value_name = "NAME")]
    pub share: Option<String>,
    /// Its scheduling priority within its share, 0 to 9999; larger goes first.
    #[arg(long, value_name = "N")]
    pub priority: Option<i32>,
    /// Leave those that depend on it to fail with it.
    #[arg(long)]
    pub alone: bool,
    /// Tell what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Why; it is recorded with the job.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command line")]
pub struct LogsArgs {
    /// Id of a job, or the beginning of one; `ID:INDEX` for the child of an array, `ID#INDEX` for a node. The logs of
    /// several jobs are one, by time.
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// Go on with lines as they come, until the jobs have ended; with `--children` also those of children that begin later.
    #[arg(short, long)]
    pub follow: bool,
    /// The last N lines alone, read from the log's end however long it is.
    #[arg(short = 'n', long, value_name = "N", conflicts_with_all = ["follow", "children", "all_attempts"])]
    pub tail: Option<usize>,
    /// Which attempt's log; the latest one if not said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub attempt: Option<u32>,
    /// The logs of all attempts as one, by time; each line says from which attempt it is.
    #[arg(long, conflicts_with = "attempt")]
    pub all_attempts: bool,
    /// The logs of all children of an array, or of all nodes, as one, by time; each line says from which child it is.
    #[arg(long)]
    pub children: bool,
    /// Of a job of several containers, whose log; that of the first essential one if not said.
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
    /// Begin each line with its time, in UTC.
    #[arg(short, long)]
    pub timestamps: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: LinesFormat,
}

#[derive(Debug, Args)]
pub struct ShellArgs {
    /// Id of a job that runs, or the beginning of one; `ID:INDEX` for the child of an array, `ID#INDEX` for a node.
    pub id: String,
    /// Of a job of several containers, into which one.
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
    /// What to run there in place of a shell.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
pub struct TreeArgs {
    /// Id of a job, or the beginning of one; `ID:INDEX` for the child of an array.
    pub id: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct WhyArgs {
    /// A queue, a compute environment, or the id of a job or the beginning of one; looked for in this order.
    #[arg(value_name = "WHAT", required_unless_present_any = ["queue", "environment"])]
    pub what: Option<String>,
    /// A queue of this name, whatever else has it.
    #[arg(long, value_name = "NAME", conflicts_with = "what")]
    pub queue: Option<String>,
    /// A compute environment of this name, whatever else has it.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["what", "queue"])]
    pub environment: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}
