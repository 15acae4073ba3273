//! The end of an instance: nothing of it may run when the engine hears that it is lost.

use super::{Instances, Note};
use crate::agent::leftovers;
use crate::config::DataDirectory;
use crate::daemon::driver::Driver;
use crate::engine::command::Action;
use crate::model::InstanceId;
use std::fs;
use std::io;
use std::time::Duration;
use tokio::time::sleep;

/// How long to wait before what could not be ended is tried again.
const LEFTOVERS_AGAIN: Duration = Duration::from_secs(5);

/// Whoever clears up after an instance, and whom it tells.
pub(super) struct Mourner {
    pub driver: Driver,
    pub instances: Instances,
    pub directory: DataDirectory,
    pub docker_host: Option<String>,
}

impl Mourner {
    /// Ends what is left of an instance, then tells the engine, no sooner than after the pause.
    pub(super) async fn mourn(self, instance: InstanceId, cause: String, pause: Duration) {
        tokio::join!(end_leftovers(&instance, self.docker_host.as_deref()), sleep(pause));
        let lost = Action::InstanceLost { instance: instance.clone(), cause };
        if let Err(refusal) = self.driver.act(lost).await {
            tracing::debug!(%instance, %refusal, "the engine does not miss it");
        }
        // What is still there is cleared away at the next start.
        let _ = fs::remove_file(self.directory.agent_process(&instance));
        self.instances.note(Note::Mourned { instance });
    }
}

/// Returns when no process and no container of the instance is left: before, its attempts must not be started anew.
async fn end_leftovers(instance: &InstanceId, docker_host: Option<&str>) {
    loop {
        let id = instance.clone();
        let killed = tokio::task::spawn_blocking(move || leftovers::kill_leftovers(&id)).await;
        let killed = killed.map_err(io::Error::other).flatten();
        match (killed, leftovers::remove_containers(instance, docker_host).await) {
            (Ok(0), Ok(0)) => return,
            (Ok(processes), Ok(containers)) => {
                return tracing::warn!(%instance, processes, containers, "ended what a lost agent has left");
            }
            (Err(cause), _) | (_, Err(cause)) => {
                tracing::error!(%instance, %cause, "what a lost agent has left cannot be ended; trying again");
                sleep(LEFTOVERS_AGAIN).await;
            }
        }
    }
}
