//! A task's containers, through the API that Docker and Podman share.

mod describe;
mod ground;
mod output;

pub(super) use ground::{Ground, remove_all};

use super::attempt::{Seat, Sign, never_started};
use super::control::{Control, Word};
use super::log_file::Logger;
use super::message::Exit;
use super::runtime::words;
use super::usage::Last;
use super::{OUT_OF_MEMORY, fence, now, procs};
use crate::model::Millis;
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerState, HealthStatusEnum};
use bollard::query_parameters::{
    AttachContainerOptions, CreateContainerOptions, CreateImageOptions, KillContainerOptions, StopContainerOptions,
    WaitContainerOptions,
};
use describe::{describe, make_sources};
use futures::{StreamExt as _, TryStreamExt as _};
use ground::by_force;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const INSTANCE_LABEL: &str = "batchdeck.instance";
pub(super) const ATTEMPT_LABEL: &str = "batchdeck.attempt";
pub(super) const CONTAINER_LABEL: &str = "batchdeck.container";
/// How long a runtime may be away, being restarted for instance, before its containers are given up on.
const ABSENCE: Duration = Duration::from_mins(1);
const RETRY: Duration = Duration::from_secs(1);
/// Between two looks at a container's health that another waits for.
const HEALTH: Duration = Duration::from_millis(500);
/// How often a container is made anew whose neighbour in the network has ended meanwhile.
const TRIES: u32 = 5;

/// Runs a container of a task.
pub(super) async fn run(
    seat: Seat<'_>,
    ground: &Ground,
    mut control: Control,
    mut sign: impl FnMut(Sign) + Send,
) -> Exit {
    let docker = &ground.docker;
    tokio::select! {
        pulled = pull_if_missing(docker, &seat.container.properties.image) => if let Err(error) = pulled {
            return never_started(format!("CannotPullContainerError: {}", words(&error)));
        },
        _ = control.next() => return never_started(None),
    }
    make_sources(seat);
    let name = if seat.is_alone() {
        format!("batchdeck-{}", seat.task.task_id)
    } else {
        format!("batchdeck-{}-{}", seat.task.task_id, seat.container.name)
    };
    for attempt in 1.. {
        let network = ground.network_mode();
        let neighbour = network.as_ref().and_then(|mode| mode.strip_prefix("container:")).map(str::to_owned);
        let options = CreateContainerOptions { name: Some(name.clone()), ..Default::default() };
        let id = match docker.create_container(Some(options), describe(seat, network)).await {
            Ok(created) => created.id,
            Err(_) if attempt < TRIES && has_ended(docker, neighbour.as_deref()).await => continue,
            Err(error) => return never_started(format!("CannotCreateContainerError: {}", words(&error))),
        };
        let container = Container { docker: docker.clone(), id };
        let ended = container.run(seat, ground, &mut control, &mut sign).await;
        container.remove().await;
        match ended {
            Ok(exit) => return exit,
            Err(_) if attempt < TRIES && has_ended(docker, neighbour.as_deref()).await => {}
            Err(reason) => return never_started(format!("CannotStartContainerError: {reason}")),
        }
    }
    never_started(None)
}

/// Whether the container whose network was to be shared runs no more.
async fn has_ended(docker: &Docker, neighbour: Option<&str>) -> bool {
    let Some(id) = neighbour else { return false };
    let found = docker.inspect_container(id, None).await;
    found.is_ok_and(|found| found.state.and_then(|state| state.running) != Some(true))
}

struct Container {
    docker: Docker,
    id: String,
}

impl Container {
    /// An error is why it could not be started.
    async fn run(
        &self,
        seat: Seat<'_>,
        ground: &Ground,
        control: &mut Control,
        sign: &mut (impl FnMut(Sign) + Send),
    ) -> Result<Exit, String> {
        // Attached before its start, so that nothing it says is missed, whatever the runtime does with logs.
        let options = AttachContainerOptions { stream: true, stdout: true, stderr: true, ..Default::default() };
        let attached = self.docker.attach_container(&self.id, Some(options)).await.map_err(|error| words(&error))?;
        let logger = Logger::open(&seat.log(), &seat.around.log_reserve);
        let (over, is_over) = oneshot::channel();
        let pump = output::pump(self.docker.clone(), self.id.clone(), attached.output, logger, is_over);
        let pump = tokio::spawn(pump);
        drop(attached.input);

        let ended = match self.docker.start_container(&self.id, None).await {
            Ok(()) => {
                let started_at = now();
                ground.runs(&self.id);
                control.started(seat.timeout_seconds);
                let exit = self.follow(seat, ground, control, started_at, sign).await;
                ground.is_over(&self.id);
                Ok(exit)
            }
            Err(error) => Err(words(&error)),
        };
        let _ = over.send(());
        let unlogged = pump.await.unwrap_or_else(|error| {
            tracing::error!(attempt = %seat.task.attempt, %error, "the reader of a container's output has failed");
            None
        });
        ended.map(|exit| Exit { reason: exit.reason.or(unlogged), ..exit })
    }

    /// Says that it has started, and waits for its end, carrying out what `control` says.
    async fn follow(
        &self,
        seat: Seat<'_>,
        ground: &Ground,
        control: &mut Control,
        started_at: Millis,
        sign: &mut (impl FnMut(Sign) + Send),
    ) -> Exit {
        let (pid, address) = self.first_process(ground.network()).await;
        sign(Sign::Started { at: started_at, address });
        if let Some(pid) = pid {
            seat.around.meters.begin(pid, seat.measured(None));
        }
        let count = pid.and_then(fence::count_of);
        let (ended, health, over) = (self.ended(), self.health(), procs::over(pid.unwrap_or_default()));
        tokio::pin!(ended, health, over);
        let mut counted = count.is_none();
        let mut out_of_memory = false;
        let mut unknown = seat.checked;
        let state = loop {
            tokio::select! {
                state = &mut ended => break state,
                word = control.next() => self.obey(word),
                // Not every runtime tells, and the group's own count goes with the container.
                () = &mut over, if !counted => {
                    counted = true;
                    out_of_memory = count.as_deref().is_some_and(fence::counts_a_kill);
                }
                health = &mut health, if unknown => {
                    unknown = false;
                    sign(health);
                }
            }
        };
        let usage = pid.map(|pid| seat.around.meters.end(pid, Last::default()));
        let exit =
            Exit { at: now(), started_at: Some(started_at), timed_out: control.timed_out(), usage, ..Exit::default() };
        match state {
            Ok(state) => {
                let (code, reason) = outcome(&state, out_of_memory);
                Exit { code, reason, ..exit }
            }
            Err(error) => {
                let reason = format!("DockerTimeoutError: the container's end could not be learnt: {}", words(&error));
                Exit { reason: Some(reason), ..exit }
            }
        }
    }

    /// The process that its others descend from, where the runtime's processes are this machine's; and its address in
    /// the network of its job.
    async fn first_process(&self, network: Option<&str>) -> (Option<i32>, Option<String>) {
        let Ok(found) = self.docker.inspect_container(&self.id, None).await else { return (None, None) };
        let pid = found.state.and_then(|state| i32::try_from(state.pid?).ok()).filter(|pid| *pid > 0);
        let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let address = network.and_then(|name| networks.get(name)).and_then(|endpoint| endpoint.ip_address.clone());
        (pid.filter(|pid| procs::is_in_container(*pid, &self.id)), address.filter(|address| !address.is_empty()))
    }

    /// Once its health check has passed, or it is known to have none.
    async fn health(&self) -> Sign {
        loop {
            if let Ok(found) = self.docker.inspect_container(&self.id, None).await {
                match found.state.and_then(|state| state.health).and_then(|health| health.status) {
                    Some(HealthStatusEnum::HEALTHY) => return Sign::Healthy,
                    Some(HealthStatusEnum::STARTING | HealthStatusEnum::UNHEALTHY) => {}
                    None | Some(HealthStatusEnum::NONE | HealthStatusEnum::EMPTY) => return Sign::Unchecked,
                }
            }
            tokio::time::sleep(HEALTH).await;
        }
    }

    /// Its state once it runs no more, over absences of the runtime.
    async fn ended(&self) -> Result<ContainerState, Error> {
        let mut answered = Instant::now();
        loop {
            let options = WaitContainerOptions { condition: "not-running".to_owned() };
            // Whatever it says, the state says it better: a code above 0 is an error here.
            let _ = self.docker.wait_container(&self.id, Some(options)).next().await;
            match self.docker.inspect_container(&self.id, None).await {
                Ok(found) => {
                    answered = Instant::now();
                    match found.state {
                        Some(state) if state.running != Some(true) => return Ok(state),
                        _ => {}
                    }
                }
                Err(error @ Error::DockerResponseServerError { status_code: 404, .. }) => return Err(error),
                Err(error) if answered.elapsed() > ABSENCE => return Err(error),
                Err(error) => tracing::warn!(container = self.id, %error, "the container runtime does not answer"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Does not wait: a runtime answers a stop only when the container has ended.
    fn obey(&self, word: Word) {
        let (docker, id) = (self.docker.clone(), self.id.clone());
        tokio::spawn(async move {
            let done = match word {
                Word::Terminate { grace } => {
                    let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
                    docker.stop_container(&id, Some(StopContainerOptions { t: Some(seconds), signal: None })).await
                }
                Word::Kill => {
                    docker.kill_container(&id, Some(KillContainerOptions { signal: "SIGKILL".to_owned() })).await
                }
            };
            if let Err(error) = done {
                // It may have ended by itself meanwhile.
                tracing::info!(container = id, ?word, %error, "a container could not be stopped");
            }
        });
    }

    async fn remove(&self) {
        if let Err(error) = self.docker.remove_container(&self.id, Some(by_force())).await {
            tracing::warn!(container = self.id, %error, "a container cannot be removed");
        }
    }
}

/// Exit code and reason, in the words of ECS.
fn outcome(state: &ContainerState, out_of_memory: bool) -> (Option<i32>, Option<String>) {
    let code = state.exit_code.and_then(|code| i32::try_from(code).ok());
    let reason = match (state.oom_killed, &state.error) {
        (Some(true), _) => Some(OUT_OF_MEMORY.to_owned()),
        _ if out_of_memory && code != Some(0) => Some(OUT_OF_MEMORY.to_owned()),
        (_, Some(error)) if !error.is_empty() => Some(error.clone()),
        _ => None,
    };
    (code, reason)
}

async fn pull_if_missing(docker: &Docker, image: &str) -> Result<(), Error> {
    match docker.inspect_image(image).await {
        Ok(_) => return Ok(()),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => {}
        Err(error) => return Err(error),
    }
    tracing::info!(image, "pulling");
    let options = CreateImageOptions { from_image: Some(with_tag(image)), ..Default::default() };
    docker.create_image(Some(options), None, None).try_for_each(|_| async { Ok(()) }).await
}

/// Without a tag, a pull is one of every tag there is.
fn with_tag(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_tag_is_pulled_as_its_latest() {
        let table = [
            ("busybox", "busybox:latest"),
            ("busybox:1.36", "busybox:1.36"),
            ("registry:5000/a/b", "registry:5000/a/b:latest"),
            ("registry:5000/a/b:c", "registry:5000/a/b:c"),
            ("a/b@sha256:00", "a/b@sha256:00"),
        ];
        for (image, expect) in table {
            assert_eq!(with_tag(image), expect);
        }
    }

    #[test]
    fn a_containers_last_state_tells_its_exit_code_and_whether_memory_was_its_end() {
        let oom = Some("OutOfMemoryError: Container killed due to memory usage");
        for (state, counted, expect) in [
            (r#"{"Running":false,"ExitCode":3,"OOMKilled":false,"Error":""}"#, false, (Some(3), None)),
            (r#"{"Running":false,"ExitCode":137,"OOMKilled":true,"Error":""}"#, false, (Some(137), oom)),
            (r#"{"Running":false,"ExitCode":137,"OOMKilled":false}"#, true, (Some(137), oom)),
            (r#"{"Running":false,"ExitCode":0,"OOMKilled":false}"#, true, (Some(0), None)),
            (r#"{"ExitCode":137,"Error":"the runtime says why"}"#, false, (Some(137), Some("the runtime says why"))),
            ("{}", false, (None, None)),
        ] {
            let (code, reason) = outcome(&serde_json::from_str(state).expect("a state"), counted);
            assert_eq!((code, reason.as_deref()), expect, "{state}");
        }
    }
}
