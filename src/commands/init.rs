//! `init`: what a first job needs.

use super::Done;
use super::error::exit;
use super::resources::{self, Environment, Made, Queue};
use super::world::Setting;
use crate::cli::InitArgs;
use crate::model::Switch;

/// An instance has two vCPUs; an environment holds a whole number of them.
const INSTANCE_VCPUS: i32 = 2;
const LEAST_VCPUS: i32 = 4;

pub async fn run(args: &InitArgs, setting: Setting) -> Done {
    setting.require_local("init")?;
    setting.require_writable("init")?;
    let world = setting.open().await?;
    let most_vcpus = args.max_vcpus.unwrap_or_else(most_vcpus);
    let environment = Environment { name: "local", kind: "EC2", most_vcpus, state: Switch::Enabled };
    let queue = Queue { name: "default", priority: 10, environments: &["local"], state: Switch::Enabled };
    let mut made = Made {
        environments: resources::environments(&world, &[environment]).await?,
        queues: resources::queues(&world, &[queue]).await?,
        ..Made::default()
    };
    // Somebody's own definition of this name is theirs.
    if !has_host(&world).await? {
        made.definitions = resources::definitions(&world, &[resources::host()]).await?;
    }
    let output = world.output();
    match made.told() {
        Some(told) => output.text(&format!("made {told}\n"))?,
        None => output.text("everything is there: environment local, queue default, definition host\n")?,
    }
    output.note("run a command as a job: batchdeck submit --wait -- echo hello");
    Ok(exit::DONE)
}

async fn has_host(world: &super::world::World) -> Result<bool, super::CommandError> {
    use super::error::Doing;
    let definitions = world.backend.job_definitions(true).await.doing("listing job definitions")?;
    Ok(definitions.iter().any(|definition| definition.job_definition_name == "host"))
}

/// This machine's processors, in whole instances, and enough of them to see jobs side by side.
fn most_vcpus() -> i32 {
    let processors = std::thread::available_parallelism().map_or(1, |count| i32::try_from(count.get()).unwrap_or(1));
    let instances = (processors + INSTANCE_VCPUS - 1) / INSTANCE_VCPUS;
    (instances * INSTANCE_VCPUS).max(LEAST_VCPUS)
}
