//! The arguments: clap types, and nothing that acts.

mod accounts;
mod environments;
mod jobs;
mod parsing;
mod schedules;
mod submit;
#[cfg(test)]
mod tests;
mod watches;

pub use accounts::{By, CostArgs, FailuresArgs, FitArgs, Since};
pub use environments::{
    DeleteArgs, EnvironmentShape, EnvsArgs, EnvsCapacityArgs, EnvsCreateArgs, EnvsScalingArgs, EnvsUpdateArgs,
    EnvsVerb, InterruptArgs, Provisioning, QueuesArgs, QueuesCreateArgs, QueuesUpdateArgs, QueuesVerb, SnapshotArgs,
    Strategy, SwitchArgs,
};
pub use jobs::{
    EndArgs, HoldArgs, JobArgs, JobsArgs, LogsArgs, MoveArgs, ReplaceArgs, ReprioritiseArgs, ShellArgs, State,
    TreeArgs, WhyArgs,
};
pub use schedules::{
    DeadLettersArgs, ExplainArgs, ScheduleCreateArgs, ScheduleGroupsArgs, ScheduleGroupsVerb, ScheduleNameArgs,
    ScheduleVerb,
};
pub use submit::{Among, DependsOn, Moment, Pair, Seconds, SubmitArgs, WhatToRun};
pub use watches::{WatchAddArgs, WatchIdsArgs, WatchSilenceArgs, WatchVerb, WatchWaitArgs};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

const AFTER_HELP: &str = "\
Examples:
  batchdeck demo                                  a living workload, and the console on it
  batchdeck                                       the console; --resume opens it where it was left
  batchdeck init && batchdeck submit -- make all  run a command as a job
  batchdeck jobs --status RUNNING -o json         for scripts

Files:
  ~/.config/batchdeck/config.toml       config; another one by --config
  ~/.config/batchdeck/themes/NAME.toml  themes of your own, beside the config
  ~/.local/share/batchdeck/             data of the engine; `engine status` names it

Exit codes:
  0  done                       3  the engine or the service cannot be reached
  1  refused, or it failed      4  not found
  2  wrong usage              124  what `watch wait` waits for did not come in time
  `submit --wait` exits with the job's own code";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  batchdeck --context aws doctor            what you may do there; nothing is changed by asking
  batchdeck doctor --policy operate         the IAM policy for somebody who acts

Exit code 1 where something is in the way of looking.";

/// An operations console for batch jobs in a terminal, over AWS Batch or a built-in local engine.
///
/// Without a verb it opens the console.
#[derive(Debug, Parser)]
#[command(name = "batchdeck", version = env!("BATCHDECK_VERSION"), after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub places: Places,
    /// Open the console where the last one of this context was left: view, filter, order and cursor.
    #[arg(long)]
    pub resume: bool,
    /// Open the console line by line, in words: for screen readers, dumb terminals and pipes. A terminal of the kind `dumb`
    /// has it by itself.
    #[arg(long)]
    pub plain: bool,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Where things are; accepted before and after every verb.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of every verb")]
pub struct Places {
    /// Directory of the local engine's data; several engines live side by side in several directories. Also by
    /// `BATCHDECK_DATA_DIR`.
    // A variable that clap reads would stand in every line of usage.
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Config file. Also by `BATCHDECK_CONFIG`.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Context to use: `local`, `aws`, one of the config file, or a profile of AWS's own files. Several, with commas
    /// between them, are one list in which each name has its context: `main@prod`.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Refuse everything that would change anything.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Let the console act in an AWS context that the config does not name; without it that starts read-only.
    #[arg(long, global = true, conflicts_with = "read_only")]
    pub write: bool,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Verb {
    /// Start a living workload on this machine and open the console on it.
    Demo(DemoArgs),
    /// Create what is needed to run a first job: environment `local`, queue `default`, definition `host`.
    Init(InitArgs),
    /// Run, start or stop the local engine, or tell its state.
    #[command(subcommand)]
    Engine(EngineVerb),
    /// List queues with their jobs by state, or make, change, enable, disable or delete one.
    Queues(QueuesArgs),
    /// List compute environments with their vCPUs and instances, or make, change, enable, disable or delete one.
    Envs(EnvsArgs),
    /// List jobs, newest first.
    Jobs(JobsArgs),
    /// Show all of one job.
    Job(JobArgs),
    /// Tell why a job waits or failed, why a queue does not move, or what ails a compute environment: causes, evidence,
    /// what to do next, and when a waiting job will start.
    #[command(after_help = jobs::WHY_EXAMPLES)]
    Why(WhyArgs),
    /// Open a shell where a job of the local engine runs: in its container, or in its working directory with what it was
    /// given.
    Shell(ShellArgs),
    /// Tell what a job depends on and what depends on it, and which job holds all of it up.
    Tree(TreeArgs),
    /// Tell how it goes: what ended and failed in the last 15 minutes, hour and day, what waits, what it costs, what changed.
    Pulse(ListArgs),
    /// Group jobs that failed alike: how many, of what, with which exit code, reason and last line, since when.
    #[command(after_help = accounts::FAILURES_EXAMPLES)]
    Failures(FailuresArgs),
    /// Submit a job, and wait for it if asked to.
    #[command(after_help = submit::EXAMPLES)]
    Submit(Box<SubmitArgs>),
    /// End jobs that have not started.
    Cancel(EndArgs),
    /// End jobs in any state: TERM, and KILL after 30 seconds.
    Terminate(EndArgs),
    /// Move waiting jobs within their queue, or a queue among the queues.
    #[command(
        visible_alias = "reprioritize",
        override_usage = "batchdeck reprioritise <ID>... <PRIORITY>\n       batchdeck reprioritise --queue <NAME> <PRIORITY>"
    )]
    Reprioritise(ReprioritiseArgs),
    /// Hold back waiting jobs, or all of a queue: they are passed over until they are released.
    #[command(override_usage = "batchdeck hold <ID>...\n       batchdeck hold --queue <NAME>")]
    Hold(HoldArgs),
    /// Release held jobs, or a held queue.
    #[command(override_usage = "batchdeck release <ID>...\n       batchdeck release --queue <NAME>")]
    Release(HoldArgs),
    /// Move waiting jobs to the front of their queue, or to another queue; their ids and those who wait for them stay.
    #[command(override_usage = "batchdeck move <ID>... --front\n       batchdeck move <ID>... --to <NAME> [--front]")]
    Move(MoveArgs),
    /// Cancel a waiting job and submit it again with another priority, queue or share, where the service cannot move it: it
    /// gets a new id. What depends on it fails with it, and is submitted again behind it.
    Replace(ReplaceArgs),
    /// Take an instance of a compute environment away, as Spot does: after a notice of two minutes, or at once.
    Interrupt(InterruptArgs),
    /// Print a job's log, and follow it if asked to.
    Logs(LogsArgs),
    /// List job definitions, or register one.
    Definitions(DefinitionsArgs),
    /// Run jobs by time.
    #[command(subcommand, alias = "schedules")]
    Schedule(ScheduleVerb),
    /// Have the engine watch a job, a queue or an environment while no terminal is there, and tell what came true.
    #[command(subcommand, after_help = watches::EXAMPLES)]
    Watch(WatchVerb),
    /// List who did what, newest first.
    Audit(AuditArgs),
    /// Estimate what was spent, or what one job has cost.
    #[command(after_help = accounts::COST_EXAMPLES)]
    Cost(CostArgs),
    /// Tell what runs have used against what they ask for, and whether they would fit AWS Lambda.
    Fit(FitArgs),
    /// Tell what one job has used over time against what it asks for: CPU and memory, from the engine's agent or from
    /// Container Insights.
    Usage(JobArgs),
    /// List the contexts that there are: of the config, built in, and the profiles of AWS's own files.
    Contexts(ListArgs),
    /// Examine the context and the terminal: credentials, permissions, clock, engine, colours.
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Print what AWS Batch would tell EventBridge: each change of a job's state, and each job that holds up its queue.
    Events(EventsArgs),
    /// Open the console on what `:handover` has recorded, read-only: the world as it was then.
    Replay(ReplayArgs),
    /// Print a completion script for a shell.
    Completions { shell: clap_complete::Shell },
    /// Print the manual page, or write one page a verb into a directory.
    Man {
        /// Where to write `batchdeck.1`, `batchdeck-jobs.1` and so on.
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Stand for one instance of a compute environment. The engine starts this.
    #[command(hide = true)]
    Agent(AgentArgs),
    /// Draw the console on a recorded world as SVG.
    #[command(hide = true)]
    Screenshot(ScreenshotArgs),
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// The API's own form.
    Json,
}

impl Format {
    /// What was asked for in one of two places.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == Self::default() { other } else { self }
    }
}

/// How jobs and log lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LinesFormat {
    /// For people.
    #[default]
    Table,
    /// The API's own form, as one array.
    Json,
    /// The API's own form, one object a line.
    Jsonl,
}

#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Set up and submit, and leave without opening the console.
    #[arg(long)]
    pub no_console: bool,
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// vCPUs that jobs may take at once; this machine's processors if not said, and at least 4.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(2..=1000))]
    pub max_vcpus: Option<i32>,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum EngineVerb {
    /// Run the engine in the foreground. Ctrl-C ends it; jobs go on and are taken up again at the next start.
    Run(EngineForegroundArgs),
    /// Start the engine in the background. Success if it runs already.
    Start(EngineStartArgs),
    /// End the engine. Jobs go on and are taken up again at the next start.
    Stop(ListArgs),
    /// Tell whether the engine runs: exit code 0 if it does, 3 if not.
    Status(ListArgs),
    /// End the engine and start this program's in its place, after an upgrade; jobs that run go on and do not notice.
    Restart(EngineStartArgs),
    /// Print a systemd unit that keeps an engine running for this user:
    /// `batchdeck engine unit > ~/.config/systemd/user/batchdeck.service`.
    Unit,
    /// Print what a shell needs so that `aws`, boto3 and other AWS tools use this engine: `eval "$(batchdeck engine env)"`.
    Env(EngineEnvArgs),
}

#[derive(Debug, Args)]
pub struct EngineForegroundArgs {
    #[command(flatten)]
    pub run: EngineRunArgs,
    /// Leave the session and with it the terminal that it was started from.
    #[arg(long, hide = true)]
    pub detached: bool,
}

#[derive(Debug, Args)]
pub struct EngineRunArgs {
    /// Serve AWS's APIs on this loopback address as well; port 0 chooses a free one. Every request has to be signed.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub http: Option<String>,
}

#[derive(Debug, Args)]
pub struct EngineStartArgs {
    #[command(flatten)]
    pub run: EngineRunArgs,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct EngineEnvArgs {
    /// The shell that is to read it; `sh` does for bash, zsh and dash.
    #[arg(long, value_enum, default_value_t)]
    pub shell: Shell,
}

/// Whose words for setting a variable are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Shell {
    #[default]
    Sh,
    Fish,
}

#[derive(Debug, Args)]
pub struct DefinitionsArgs {
    #[command(subcommand)]
    pub verb: Option<DefinitionsVerb>,
    /// Also revisions that are INACTIVE or not the latest.
    #[arg(long)]
    pub all: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum DefinitionsVerb {
    /// Register a revision from a file with a `RegisterJobDefinition` request in JSON.
    Register {
        /// The file; `-` reads standard input.
        file: PathBuf,
        /// How to print it.
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Go on with events as they come.
    #[arg(short, long)]
    pub follow: bool,
    /// Only what came after this cursor, which an earlier line has. An engine alone keeps its events: on AWS, and of several
    /// contexts as one, all that is known is told again.
    #[arg(long, value_name = "N")]
    pub cursor: Option<u64>,
    /// How to print it; JSON is one object a line.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print the least that an IAM policy has to allow instead.
    #[arg(long, value_enum, value_name = "FOR")]
    pub policy: Option<Policy>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// What an IAM policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// Looking, and nothing else.
    Read,
    /// Looking and acting.
    Operate,
    /// The same, and making and deleting queues and compute environments.
    Build,
}

#[derive(Debug, Args)]
pub struct AgentArgs {
    /// The instance that this process stands for.
    #[arg(long, value_name = "ID")]
    pub instance: String,
    /// What logs leave free of their disk.
    #[arg(long, value_name = "MIB")]
    pub log_reserve_mib: Option<u32>,
}

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The Markdown file that `:handover` wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct ScreenshotArgs {
    /// File of the recorded world.
    #[arg(long, value_name = "FILE")]
    pub world: PathBuf,
    /// Columns and rows.
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "80x24")]
    pub size: Size,
    /// Keys to press, with blanks between; text to type in quotes.
    #[arg(long, value_name = "KEYS", default_value = "")]
    pub keys: String,
    /// A built-in theme.
    #[arg(long, value_name = "NAME", default_value = "midnight")]
    pub theme: String,
}

/// Columns and rows of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let both = text
            .split_once('x')
            .and_then(|(columns, rows)| Some(Self { columns: columns.parse().ok()?, rows: rows.parse().ok()? }));
        both.filter(|size| size.columns > 0 && size.rows > 0).ok_or_else(|| "write it as 80x24".to_owned())
    }
}
