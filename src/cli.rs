//! The arguments: clap types, and nothing that acts.

mod environments;
mod submit;
#[cfg(test)]
mod tests;

pub use environments::{
    DeleteArgs, EnvironmentShape, EnvsCreateArgs, EnvsScalingArgs, EnvsUpdateArgs, Provisioning, QueuesCreateArgs,
    QueuesUpdateArgs, Strategy,
};
pub use submit::{Among, DependsOn, Moment, Pair, Seconds, SubmitArgs, WhatToRun};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

const AFTER_HELP: &str = "\
Examples:
  batchdeck demo                                  a living workload, and the console on it
  batchdeck                                       the console
  batchdeck init && batchdeck submit -- make all  run a command as a job
  batchdeck jobs --status RUNNING -o json         for scripts

Files:
  ~/.config/batchdeck/config.toml       config; another one by --config
  ~/.config/batchdeck/themes/NAME.toml  themes of your own, beside the config
  ~/.local/share/batchdeck/             data of the engine; `engine status` names it

Exit codes:
  0  done                       3  the engine or the service cannot be reached
  1  refused, or it failed      4  not found
  2  wrong usage                `submit --wait` exits with the job's own code";

const COST_EXAMPLES: &str = "\
Examples:
  batchdeck cost                                   the last 7 days, by queue
  batchdeck cost --by environment --since month    with what nobody used
  batchdeck cost --since 2026-11-01 -o json        for scripts
  batchdeck cost 3f2a                              one job, attempt by attempt

Prices are AWS's list at a date, and `[prices]` in the config over it. What has no price is told in hours.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  batchdeck --context aws doctor            what you may do there; nothing is changed by asking
  batchdeck doctor --policy operate         the IAM policy for somebody who acts

Exit code 1 where something is in the way of looking.";

const WHY_EXAMPLES: &str = "\
Examples:
  batchdeck why 3f2a                  a job, by its id or the beginning of one
  batchdeck why high                  a queue, and the job at its head
  batchdeck why --environment spot    a compute environment that has the name of a queue too
  batchdeck why 3f2a -o json          for scripts";

/// An operations console for batch jobs in a terminal, over AWS Batch or a built-in local engine.
///
/// Without a verb it opens the console.
#[derive(Debug, Parser)]
#[command(name = "batchdeck", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub places: Places,
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
    /// Context to use: `local`, `aws`, or one of the config file.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Refuse everything that would change anything.
    #[arg(long, global = true)]
    pub read_only: bool,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a living workload on this machine and open the console on it.
    Demo(DemoArgs),
    /// Create what is needed to run a first job: environment `local`, queue `default`, definition `host`.
    Init(InitArgs),
    /// Run, start or stop the local engine, or tell its state.
    #[command(subcommand)]
    Engine(EngineVerb),
    /// List queues with their jobs by state, or make, change, enable, disable or delete one.
    #[command(args_conflicts_with_subcommands = true)]
    Queues(QueuesArgs),
    /// List compute environments with their vCPUs and instances, or make, change, enable, disable or delete one.
    #[command(args_conflicts_with_subcommands = true)]
    Envs(EnvsArgs),
    /// List jobs, newest first.
    Jobs(JobsArgs),
    /// Show all of one job.
    Job(JobArgs),
    /// Tell why a job waits or failed, why a queue does not move, or what ails a compute environment: causes, evidence,
    /// what to do next, and when a waiting job will start.
    #[command(after_help = WHY_EXAMPLES)]
    Why(WhyArgs),
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
    /// Take an instance of a compute environment away, as Spot does: after a notice of two minutes, or at once.
    Interrupt(InterruptArgs),
    /// Print a job's log, and follow it if asked to.
    Logs(LogsArgs),
    /// List job definitions, or register one.
    #[command(args_conflicts_with_subcommands = true)]
    Definitions(DefinitionsArgs),
    /// Run jobs by time.
    #[command(subcommand)]
    Schedule(ScheduleVerb),
    /// List who did what, newest first.
    Audit(AuditArgs),
    /// Estimate what was spent, or what one job has cost.
    #[command(after_help = COST_EXAMPLES)]
    Cost(CostArgs),
    /// Tell what runs have used against what they ask for, and whether they would fit AWS Lambda.
    Fit(FitArgs),
    /// Examine the context and the terminal: credentials, permissions, clock, engine, colours.
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Print what AWS Batch would tell EventBridge: each change of a job's state, and each job that holds up its queue.
    Events(EventsArgs),
    /// Print a completion script for a shell.
    Completions { shell: clap_complete::Shell },
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
pub struct QueuesArgs {
    #[command(subcommand)]
    pub verb: Option<QueuesVerb>,
    #[command(flatten)]
    pub list: ListArgs,
}

#[derive(Debug, Subcommand)]
pub enum QueuesVerb {
    /// Let jobs be submitted to a queue again.
    Enable(SwitchArgs),
    /// Let no job be submitted to a queue. What runs goes on.
    Disable(SwitchArgs),
    /// Show which jobs of a queue are next, and what it uses.
    Snapshot(SnapshotArgs),
    /// Make a queue on compute environments.
    Create(QueuesCreateArgs),
    /// Give a queue other compute environments or another priority.
    Update(QueuesUpdateArgs),
    /// Delete a disabled queue, and end its jobs.
    Delete(DeleteArgs),
}

#[derive(Debug, Args)]
pub struct EnvsArgs {
    #[command(subcommand)]
    pub verb: Option<EnvsVerb>,
    #[command(flatten)]
    pub list: ListArgs,
}

#[derive(Debug, Subcommand)]
pub enum EnvsVerb {
    /// Let jobs be placed on a compute environment again.
    Enable(SwitchArgs),
    /// Place no new job on a compute environment. What runs goes on.
    Disable(SwitchArgs),
    /// Tell how instances came and went and why, newest first.
    Scaling(EnvsScalingArgs),
    /// Make a compute environment.
    #[command(after_help = environments::CREATE_ENVIRONMENT)]
    Create(Box<EnvsCreateArgs>),
    /// Change a compute environment. Other limits act at once; other instance types replace its instances.
    Update(Box<EnvsUpdateArgs>),
    /// Delete a disabled compute environment that no queue uses.
    Delete(DeleteArgs),
}

/// A queue or a compute environment to enable or to disable.
#[derive(Debug, Args)]
pub struct SwitchArgs {
    /// Its name.
    pub name: String,
    /// Why; it is recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
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
pub enum EngineVerb {
    /// Run the engine in the foreground. Ctrl-C ends it; jobs go on and are taken up again at the next start.
    Run(EngineRunArgs),
    /// Start the engine in the background. Success if it runs already.
    Start(EngineStartArgs),
    /// End the engine. Jobs go on and are taken up again at the next start.
    Stop(ListArgs),
    /// Tell whether the engine runs: exit code 0 if it does, 3 if not.
    Status(ListArgs),
    /// Print what a shell needs so that `aws`, boto3 and other AWS tools use this engine: `eval "$(batchdeck engine env)"`.
    Env(EngineEnvArgs),
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
pub struct MoveArgs {
    /// Ids of waiting jobs, or the beginnings of ids; the last one given is the first at the front.
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// To this queue.
    #[arg(long, value_name = "NAME", required_unless_present = "front")]
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
pub struct InterruptArgs {
    /// Id of an instance, or the beginning of one; `engine status` lists those that run.
    pub instance: String,
    /// Without the notice.
    #[arg(long)]
    pub now: bool,
    /// Why; it is recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// The queue's name.
    pub name: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Id of a job, or the beginning of one; `ID:INDEX` for the child of an array, `ID#INDEX` for a node.
    pub id: String,
    /// Go on with lines as they come, until the job ends.
    #[arg(short, long)]
    pub follow: bool,
    /// Which attempt's log; the latest one if not said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub attempt: Option<u32>,
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
pub enum DefinitionsVerb {
    /// Register a revision from a file with a `RegisterJobDefinition` request in JSON.
    Register {
        /// The file; `-` reads standard input.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum ScheduleVerb {
    /// Submit a job at the times of an expression, and print the next five.
    #[command(after_help = submit::SCHEDULE_EXAMPLES)]
    Create(Box<ScheduleCreateArgs>),
    /// List schedules with their next times.
    List(ListArgs),
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

#[derive(Debug, Args)]
pub struct ScheduleGroupsArgs {
    #[command(subcommand)]
    pub verb: Option<ScheduleGroupsVerb>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Subcommand)]
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
pub struct EventsArgs {
    /// Go on with events as they come.
    #[arg(short, long)]
    pub follow: bool,
    /// Only what came after this cursor, which an earlier line has.
    #[arg(long, value_name = "N")]
    pub cursor: Option<u64>,
    /// How to print it; JSON is one object a line.
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

#[derive(Debug, Args)]
pub struct AgentArgs {
    /// The instance that this process stands for.
    #[arg(long, value_name = "ID")]
    pub instance: String,
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
