//! `agent`, which the engine starts: one instance's process.

use super::Done;
use super::engine::let_go_of_what_was_inherited;
use super::error::{CommandError, exit};
use super::world::Setting;
use crate::agent;
use crate::cli::AgentArgs;
use crate::model::{InstanceId, LogReserve};
use std::panic::resume_unwind;

pub async fn run(args: AgentArgs, setting: &Setting) -> Done {
    let_go_of_what_was_inherited();
    // A session of its own has no terminal: no job opens the one from which somebody started the engine. Who leads a
    // process group already stays where it is.
    let _ = rustix::process::setsid();
    let options = agent::Options {
        data_directory: setting.data.path().to_owned(),
        instance: InstanceId(args.instance),
        docker_host: None,
        log_reserve: args.log_reserve_mib.map_or_else(LogReserve::default, LogReserve::of_mib),
    };
    // Among the threads that carry its attempts, and not beside them: what these tell it passes through no other hands.
    let ended = tokio::spawn(agent::run(options)).await.unwrap_or_else(|failed| resume_unwind(failed.into_panic()));
    ended.map_err(|error| CommandError::Agent(error.to_string()))?;
    Ok(exit::DONE)
}
