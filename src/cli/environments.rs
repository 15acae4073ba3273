//! The arguments of compute environments, their instances, and the queues on them.

use super::{Format, ListArgs, Pair};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};

const CREATE_ENVIRONMENT: &str = "\
Examples:
  batchdeck envs create spot --type spot --max 16 --instance-types c5,m5 --boot-seconds 30
  batchdeck envs create tasks --type fargate --max 8
  batchdeck envs create here --type unmanaged
  batchdeck queues create nightly --environments spot,tasks --priority 5    lets jobs come to them";

#[derive(Debug, Args)]
pub struct QueuesArgs {
    #[command(subcommand)]
    pub verb: Option<QueuesVerb>,
    #[command(flatten)]
    pub list: ListArgs,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
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

impl QueuesArgs {
    /// The verb, which prints in the form that was asked for before it or after it.
    pub fn into_verb(mut self) -> Option<QueuesVerb> {
        use QueuesVerb::{Create, Delete, Disable, Enable, Snapshot, Update};
        let output = match self.verb.as_mut()? {
            Enable(args) | Disable(args) => &mut args.output,
            Snapshot(args) => &mut args.output,
            Create(args) => &mut args.output,
            Update(args) => &mut args.output,
            Delete(args) => &mut args.output,
        };
        *output = self.list.output.or(*output);
        self.verb
    }
}

#[derive(Debug, Args)]
pub struct EnvsArgs {
    #[command(subcommand)]
    pub verb: Option<EnvsVerb>,
    #[command(flatten)]
    pub list: ListArgs,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum EnvsVerb {
    /// Let jobs be placed on a compute environment again.
    Enable(SwitchArgs),
    /// Place no new job on a compute environment. What runs goes on.
    Disable(SwitchArgs),
    /// Tell how instances came and went and why, newest first.
    Scaling(EnvsScalingArgs),
    /// Tell how its vCPUs went within 15 minutes, an hour and a day: in use and wanted.
    Capacity(EnvsCapacityArgs),
    /// Make a compute environment.
    #[command(after_help = CREATE_ENVIRONMENT)]
    Create(Box<EnvsCreateArgs>),
    /// Change a compute environment. Other limits act at once; other instance types replace its instances.
    Update(Box<EnvsUpdateArgs>),
    /// Delete a disabled compute environment that no queue uses.
    Delete(DeleteArgs),
}

impl EnvsArgs {
    /// As [`QueuesArgs::into_verb`].
    pub fn into_verb(mut self) -> Option<EnvsVerb> {
        use EnvsVerb::{Capacity, Create, Delete, Disable, Enable, Scaling, Update};
        let output = match self.verb.as_mut()? {
            Enable(args) | Disable(args) => &mut args.output,
            Scaling(args) => &mut args.output,
            Capacity(args) => &mut args.output,
            Create(args) => &mut args.output,
            Update(args) => &mut args.output,
            Delete(args) => &mut args.output,
        };
        *output = self.list.output.or(*output);
        self.verb
    }
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

/// How an environment comes by its instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Provisioning {
    Ec2,
    Spot,
    Fargate,
    FargateSpot,
    /// This machine is its one instance; nothing is scaled.
    Unmanaged,
}

/// How instance types are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Strategy {
    BestFit,
    BestFitProgressive,
    SpotCapacityOptimized,
    SpotPriceCapacityOptimized,
}

/// What can be said of an environment when it is made and later.
#[derive(Debug, Clone, Default, Args)]
pub struct EnvironmentShape {
    /// How it comes by its instances.
    #[arg(long = "type", value_name = "TYPE", value_enum, ignore_case = true)]
    pub kind: Option<Provisioning>,
    /// vCPUs that are kept without any job.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..))]
    pub min: Option<i32>,
    /// vCPUs to have now; jobs and time change it.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..))]
    pub desired: Option<i32>,
    /// vCPUs at most.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(1..))]
    pub max: Option<i32>,
    /// Instance types or families, separated by commas: `c5,m5.large`; `optimal` where an EC2 or SPOT one is made and
    /// nothing is said.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    pub instance_types: Vec<String>,
    /// How instance types are chosen; `BEST_FIT` where nothing is said, and such an environment keeps its types for ever.
    #[arg(long, value_name = "STRATEGY", value_enum, ignore_case = true)]
    pub allocation_strategy: Option<Strategy>,
    /// Of SPOT: percent of the On-Demand price to pay at most.
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(1..=100))]
    pub bid_percentage: Option<i32>,
    /// Keep an instance for so many minutes after its last job: 0, or 20 to 10080.
    #[arg(long, value_name = "MINUTES", allow_negative_numbers = true)]
    pub scale_down_delay: Option<i32>,
    /// Subnets, separated by commas; AWS asks for them.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub subnets: Vec<String>,
    /// Security groups, separated by commas; AWS asks for them.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub security_groups: Vec<String>,
    /// Instance profile; AWS asks for one with EC2 and SPOT.
    #[arg(long, value_name = "ARN")]
    pub instance_role: Option<String>,
    /// The role by which AWS Batch acts.
    #[arg(long, value_name = "ARN")]
    pub service_role: Option<String>,
    /// Of UNMANAGED: vCPUs that fair shares reckon with.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..))]
    pub unmanaged_vcpus: Option<i32>,
    /// Whether its jobs may be promised more than this machine has; local engine only.
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub overcommit: Option<bool>,
    /// How long its instances boot before they take jobs; local engine only.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub boot_seconds: Option<u32>,
    /// Tag of the environment.
    #[arg(long, value_name = "K=V")]
    pub tag: Vec<Pair>,
}

#[derive(Debug, Args)]
pub struct EnvsCreateArgs {
    /// Its name.
    pub name: String,
    #[command(flatten)]
    pub shape: EnvironmentShape,
    /// Make it disabled: no job is placed on it until it is enabled.
    #[arg(long)]
    pub disabled: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// What is not said stays as it is.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args([
    "kind", "min", "desired", "max", "instance_types", "allocation_strategy", "bid_percentage", "scale_down_delay",
    "subnets", "security_groups", "instance_role", "service_role", "unmanaged_vcpus", "overcommit", "boot_seconds", "tag",
]))]
pub struct EnvsUpdateArgs {
    /// Its name.
    pub name: String,
    #[command(flatten)]
    pub shape: EnvironmentShape,
    /// Why; it is recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct EnvsCapacityArgs {
    /// Which compute environment.
    pub name: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct EnvsScalingArgs {
    /// Of this environment; of all if not said.
    pub name: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// A queue or a compute environment that is to go.
#[derive(Debug, Args)]
pub struct DeleteArgs {
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
pub struct QueuesCreateArgs {
    /// Its name.
    pub name: String,
    /// Compute environments, in the order in which they are tried, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    pub environments: Vec<String>,
    /// 0 to 1000; the larger one is served first.
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..=1000))]
    pub priority: i32,
    /// Its scheduling policy, by ARN: with one the queue is fair, without first in, first out.
    #[arg(long, value_name = "ARN")]
    pub scheduling_policy: Option<String>,
    /// Tag of the queue.
    #[arg(long, value_name = "K=V")]
    pub tag: Vec<Pair>,
    /// Make it disabled: no job can be submitted to it until it is enabled.
    #[arg(long)]
    pub disabled: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args(["environments", "priority"]))]
pub struct QueuesUpdateArgs {
    /// Its name.
    pub name: String,
    /// Compute environments, in the order in which they are tried, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub environments: Vec<String>,
    /// 0 to 1000; the larger one is served first.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..=1000))]
    pub priority: Option<i32>,
    /// Why; it is recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}
