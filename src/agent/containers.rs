//! Attempts as containers, through the API that Docker and Podman share.

use super::attempt::{Surroundings, never_started};
use super::control::{Control, Word};
use super::log_file::{Logger, Stream, last_words};
use super::message::{Exit, Start};
use super::runtime::{self, words};
use super::{cookie, now, procs};
use crate::model::{InstanceId, Millis, TaskContainer};
use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, ContainerState, HostConfig};
use bollard::query_parameters::{
    AttachContainerOptions, CreateContainerOptions, CreateImageOptions, KillContainerOptions, ListContainersOptions,
    RemoveContainerOptions, StopContainerOptions, WaitContainerOptions,
};
use futures::{Stream as Source, StreamExt as _, TryStreamExt as _};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const INSTANCE_LABEL: &str = "batchdeck.instance";
const ATTEMPT_LABEL: &str = "batchdeck.attempt";
/// Docker refuses a container with less.
const LEAST_MEMORY_MIB: u64 = 6;
/// How long a runtime may be away, being restarted for instance, before its containers are given up on.
const ABSENCE: Duration = Duration::from_mins(1);
const RETRY: Duration = Duration::from_secs(1);

/// Runs an attempt as a container.
pub(super) async fn run(
    start: &Start,
    wanted: &TaskContainer,
    surroundings: &Surroundings,
    mut control: Control,
    log: PathBuf,
    began: impl FnOnce(Millis) + Send,
) -> Exit {
    let docker = match runtime::find(surroundings.docker_host.as_deref()).await {
        Ok(docker) => docker,
        Err(error) => return never_started(format!("CannotPullContainerError: {error}")),
    };
    tokio::select! {
        pulled = pull_if_missing(&docker, &wanted.properties.image) => if let Err(error) = pulled {
            return never_started(format!("CannotPullContainerError: {}", words(&error)));
        },
        _ = control.next() => return never_started(None),
    }
    let body = describe(start, wanted, &surroundings.instance);
    let name = CreateContainerOptions { name: Some(format!("batchdeck-{}", start.task_id)), ..Default::default() };
    let id = match docker.create_container(Some(name), body).await {
        Ok(created) => created.id,
        Err(error) => return never_started(format!("CannotCreateContainerError: {}", words(&error))),
    };
    let container = Container { docker, id };
    let exit = container.run(start, surroundings, &mut control, log, began).await;
    container.remove().await;
    exit
}

/// Removes every container that an instance's attempts have left, and gives their number; without a runtime there is
/// none to remove.
pub(super) async fn remove_all(instance: &InstanceId, docker_host: Option<&str>) -> Result<usize, Error> {
    let Ok(docker) = runtime::find(docker_host).await else { return Ok(0) };
    let filters = HashMap::from([("label".to_owned(), vec![format!("{INSTANCE_LABEL}={instance}")])]);
    let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
    let ids: Vec<String> = docker.list_containers(Some(options)).await?.into_iter().filter_map(|one| one.id).collect();
    for id in &ids {
        match docker.remove_container(id, Some(by_force())).await {
            // Gone, or on its way.
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ids.len())
}

struct Container {
    docker: Docker,
    id: String,
}

impl Container {
    async fn run(
        &self,
        start: &Start,
        surroundings: &Surroundings,
        control: &mut Control,
        log: PathBuf,
        began: impl FnOnce(Millis) + Send,
    ) -> Exit {
        // Attached before its start, so that nothing it says is missed, whatever the runtime does with logs.
        let options = AttachContainerOptions { stream: true, stdout: true, stderr: true, ..Default::default() };
        let attached = match self.docker.attach_container(&self.id, Some(options)).await {
            Ok(attached) => attached,
            Err(error) => return never_started(format!("CannotStartContainerError: {}", words(&error))),
        };
        let logger = Logger::open(log).await;
        let (over, is_over) = oneshot::channel();
        let pump = tokio::spawn(pump(attached.output, logger, is_over));
        drop(attached.input);

        let mut exit = match self.docker.start_container(&self.id, None).await {
            Ok(()) => {
                let started_at = now();
                control.started(start.timeout_seconds);
                began(started_at);
                self.follow(start, surroundings, control, started_at).await
            }
            Err(error) => never_started(format!("CannotStartContainerError: {}", words(&error))),
        };
        let _ = over.send(());
        match pump.await {
            Ok(lost) => exit.reason = exit.reason.or(lost),
            Err(error) => {
                tracing::error!(attempt = %start.attempt, %error, "the reader of a container's output has failed");
            }
        }
        exit
    }

    /// Waits for its end, carrying out what `control` says.
    async fn follow(
        &self,
        start: &Start,
        surroundings: &Surroundings,
        control: &mut Control,
        started_at: Millis,
    ) -> Exit {
        let pid = self.first_process().await;
        if let Some(pid) = pid {
            surroundings.meters.begin(&start.attempt, pid);
        }
        let ended = self.ended();
        tokio::pin!(ended);
        let state = loop {
            tokio::select! {
                state = &mut ended => break state,
                word = control.next() => self.obey(word),
            }
        };
        let usage = pid.map(|pid| surroundings.meters.end(pid, None));
        let exit =
            Exit { at: now(), started_at: Some(started_at), timed_out: control.timed_out(), usage, ..Exit::default() };
        match state {
            Ok(state) => {
                let (code, reason) = outcome(&state);
                Exit { code, reason, ..exit }
            }
            Err(error) => {
                let reason = format!("DockerTimeoutError: the container's end could not be learnt: {}", words(&error));
                Exit { reason: Some(reason), ..exit }
            }
        }
    }

    /// The process that its others descend from, where the runtime's processes are this machine's.
    async fn first_process(&self) -> Option<i32> {
        let state = self.docker.inspect_container(&self.id, None).await.ok()?.state?;
        let pid = state.pid.and_then(|pid| i32::try_from(pid).ok()).filter(|pid| *pid > 0)?;
        procs::is_in_container(pid, &self.id).then_some(pid)
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
fn outcome(state: &ContainerState) -> (Option<i32>, Option<String>) {
    let code = state.exit_code.and_then(|code| i32::try_from(code).ok());
    let reason = match (state.oom_killed, &state.error) {
        (Some(true), _) => Some("OutOfMemoryError: Container killed due to memory usage".to_owned()),
        (_, Some(error)) if !error.is_empty() => Some(error.clone()),
        _ => None,
    };
    (code, reason)
}

fn by_force() -> RemoveContainerOptions {
    RemoveContainerOptions { v: true, force: true, link: false }
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

/// As ECS describes a job's container to Docker: memory is a hard limit, and a vCPU is 1024 CPU shares.
fn describe(start: &Start, wanted: &TaskContainer, instance: &InstanceId) -> ContainerCreateBody {
    let given = wanted.properties.environment.iter().map(|variable| format!("{}={}", variable.name, variable.value));
    let labels = [(INSTANCE_LABEL, instance.to_string()), (ATTEMPT_LABEL, start.attempt.to_string())];
    let memory = start.memory_mib.max(LEAST_MEMORY_MIB).saturating_mul(1024 * 1024);
    #[expect(clippy::cast_possible_truncation, reason = "vCPUs are at most some hundreds")]
    let shares = (start.vcpus * 1024.0).round().max(2.0) as i64;
    ContainerCreateBody {
        image: Some(wanted.properties.image.clone()),
        cmd: (!wanted.properties.command.is_empty()).then(|| wanted.properties.command.clone()),
        // The later of two entries of one name holds.
        env: Some(given.chain(cookie(instance, &start.attempt)).collect()),
        labels: Some(labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        host_config: Some(HostConfig {
            memory: Some(i64::try_from(memory).unwrap_or(i64::MAX)),
            cpu_shares: Some(shares),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// Writes the container's output to the log until it is closed, or for a moment longer than the container lives. What
/// [`Logger::finish`] answers.
async fn pump(
    mut output: impl Source<Item = Result<LogOutput, Error>> + Unpin,
    mut logger: Logger,
    is_over: oneshot::Receiver<()>,
) -> Option<String> {
    let last_words = last_words(is_over);
    tokio::pin!(last_words);
    loop {
        tokio::select! {
            piece = output.next() => match piece {
                Some(Ok(LogOutput::StdErr { message })) => logger.take(Stream::Stderr, &message).await,
                Some(Ok(piece)) => logger.take(Stream::Stdout, &piece.into_bytes()).await,
                Some(Err(error)) => {
                    tracing::warn!(%error, "a container's output cannot be read on");
                    break;
                }
                None => break,
            },
            () = &mut last_words => break,
        }
    }
    logger.finish().await
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
        for (state, expect) in [
            (r#"{"Running":false,"ExitCode":3,"OOMKilled":false,"Error":""}"#, (Some(3), None)),
            (r#"{"Running":false,"ExitCode":137,"OOMKilled":true,"Error":""}"#, (Some(137), oom)),
            (r#"{"ExitCode":137,"Error":"the runtime says why"}"#, (Some(137), Some("the runtime says why"))),
            ("{}", (None, None)),
        ] {
            let (code, reason) = outcome(&serde_json::from_str(state).expect("a state"));
            assert_eq!((code, reason.as_deref()), expect, "{state}");
        }
    }
}
