//! `init`: what a first job needs.

use super::Done;
use super::error::exit;
use super::resources::{self, Made};
use super::world::Setting;
use crate::cli::InitArgs;
use crate::model::{OVERCOMMIT_TAG, Starter, starter_for, starter_vcpus};
use std::num::NonZero;

pub async fn run(args: &InitArgs, setting: Setting) -> Done {
    setting.require_local("init")?;
    setting.require_writable("init")?;
    let world = setting.open().await?;
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let max_vcpus = args.max_vcpus.unwrap_or_else(|| starter_vcpus(processors));
    let Starter { environment, queue, definition } = starter_for(max_vcpus, processors);
    let overcommits = environment.tags.contains_key(OVERCOMMIT_TAG);
    let mut made = Made {
        environments: resources::environments(&world, vec![environment]).await?,
        queues: resources::queues(&world, vec![queue]).await?,
        ..Made::default()
    };
    // Somebody's own definition of this name is theirs.
    if !has_host(&world).await? {
        made.definitions = resources::definitions(&world, vec![definition]).await?;
    }
    let output = world.output();
    match made.told() {
        Some(told) => output.text(&format!("made {told}\n"))?,
        None => output.text("everything is there: environment local, queue default, definition host\n")?,
    }
    if overcommits && made.environments.iter().any(|name| name == "local") {
        output.note(&format!(
            "environment local promises jobs up to {max_vcpus} vCPUs on this machine's {processors} (overcommit)"
        ));
    }
    output.note("run a command as a job: batchdeck submit --wait -- echo hello");
    Ok(exit::DONE)
}

async fn has_host(world: &super::world::World) -> Result<bool, super::CommandError> {
    use super::error::Doing;
    let definitions = world.backend.job_definitions(true).await.doing("listing job definitions")?;
    Ok(definitions.iter().any(|definition| definition.job_definition_name == "host"))
}
