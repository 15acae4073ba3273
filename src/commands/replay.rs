//! `replay`: opens the console on what a handover has recorded, read-only.

use super::error::CommandError;
use super::world::Setting;
use super::{Done, console};
use crate::backend::BackendError;
use crate::backend::scripted::{ScriptedBackend, World, WorldError};
use crate::cli::ReplayArgs;
use std::sync::Arc;

pub async fn run(args: &ReplayArgs, setting: Setting) -> Done {
    let unreadable = |cause: &str| CommandError::Read { path: args.file.clone(), cause: cause.to_owned() };
    let world = World::load(&args.file).map_err(|error| match error {
        WorldError::Unreadable { cause, .. } => unreadable(&cause.to_string()),
        WorldError::Malformed { cause, .. } => unreadable(&format!(
            "it holds no recording ({cause}); `:handover FILE` in the console writes one, its copy to the clipboard has none"
        )),
    })?;
    let Some(recorded) = world.recorded.clone() else {
        return Err(unreadable("it is a world of a test, and not recorded from anything"));
    };
    let refusal =
        BackendError::Unsupported { action: "acting", backend: "a recording", instead: "open the context itself" };
    let context = format!("recording of {}", recorded.context);
    console::replay(Arc::new(ScriptedBackend::refusing(world, refusal)), context, setting).await
}
