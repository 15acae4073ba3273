//! One attempt, from its start to its exit: a task of one container or several, as processes or containers.

use super::containers::Ground;
use super::control::{Control, Word};
use super::course::{Course, Step};
use super::fence::Fences;
use super::message::{Exit, Start};
use super::reserve::Reserve;
use super::scratch::Scratches;
use super::usage::{Measured, Meters};
use super::{containers, cookie, now, process};
use crate::model::{
    ContainerCondition, ContainerExit, HOST_IMAGE, InstanceId, Millis, TaskContainer, TaskContainerDependency, Usage,
};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// ECS's stop timeout, where neither a stop nor the container says one.
const GRACE_SECONDS: u32 = 30;

/// What an attempt needs of the agent around it.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub data_directory: PathBuf,
    pub instance: InstanceId,
    pub docker_host: Option<String>,
    pub meters: Arc<Meters>,
    pub fences: Fences,
    pub scratches: Arc<Scratches>,
    pub log_reserve: Arc<Reserve>,
}

/// The last attempt is over, and so is the agent.
impl Drop for Surroundings {
    fn drop(&mut self) {
        self.fences.remove();
    }
}

/// One container of a task, and where it runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat<'a> {
    pub task: &'a Start,
    pub container: &'a TaskContainer,
    pub around: &'a Surroundings,
    /// Its attempt's timeout, where it is alone.
    pub timeout_seconds: Option<u32>,
    /// Whether another container of the task waits for its health.
    pub checked: bool,
}

/// What a container says of itself while it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    Started {
        at: Millis,
        address: Option<String>,
    },
    Healthy,
    /// Its image has no health check.
    Unchecked,
}

impl Seat<'_> {
    pub(super) fn is_alone(&self) -> bool {
        self.task.containers.len() == 1
    }

    pub(super) fn is_process(&self) -> bool {
        is_process(self.task, self.container)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.around.data_directory.join("logs").join(format!("{}.log", self.container.log_stream))
    }

    /// The environment entries by which its processes are known.
    pub(super) fn cookie(&self) -> Vec<String> {
        let mut entries = cookie(&self.around.instance, &self.task.attempt).to_vec();
        if !self.is_alone() {
            entries.push(format!("BATCHDECK_CONTAINER={}", self.container.name));
        }
        entries
    }

    /// For the meters; with a limit where they have to see to it.
    pub(super) fn measured(&self, memory_mib: Option<u64>) -> Measured {
        let record = self.around.data_directory.join("usage").join(&self.task.task_id);
        Measured { attempt: self.task.attempt.clone(), cookie: self.cookie(), memory_mib, record }
    }

    pub(super) fn memory_mib(&self) -> u64 {
        self.container.memory_mib.unwrap_or(self.task.memory_mib)
    }

    pub(super) fn vcpus(&self) -> f64 {
        self.container.vcpus.unwrap_or(self.task.vcpus)
    }
}

/// Runs an attempt and gives how it ended. `began` is called once, when it runs, with the address where others reach it.
pub(super) async fn run(
    task: &Start,
    around: &Surroundings,
    control: Control,
    began: impl FnMut(Millis, Option<String>) + Send,
) -> Exit {
    if let Err(reason) = check(task) {
        return ended_before(task, Some(format!("CannotStartContainerError: {reason}")));
    }
    let ground = if task.containers.iter().all(|container| is_process(task, container)) {
        None
    } else {
        match Ground::prepare(task, around).await {
            Ok(ground) => Some(ground),
            Err(reason) => return ended_before(task, Some(reason)),
        }
    };
    let exit = run_on(task, around, ground.as_ref(), control, began).await;
    if let Some(ground) = ground {
        ground.clear().await;
    }
    exit
}

async fn run_on(
    task: &Start,
    around: &Surroundings,
    ground: Option<&Ground>,
    control: Control,
    mut began: impl FnMut(Millis, Option<String>) + Send,
) -> Exit {
    let [container] = &task.containers[..] else { return Together { task, around, ground }.run(control, began).await };
    let seat = Seat { task, container, around, timeout_seconds: task.timeout_seconds, checked: false };
    let exit = sit(seat, ground, control, |sign| {
        if let Sign::Started { at, address } = sign {
            began(at, address);
        }
    })
    .await;
    Exit { containers: vec![told(container, &exit)], ..exit }
}

/// Runs one container.
async fn sit(seat: Seat<'_>, ground: Option<&Ground>, control: Control, sign: impl FnMut(Sign) + Send) -> Exit {
    match ground.filter(|_| !seat.is_process()) {
        Some(ground) => containers::run(seat, ground, control, sign).await,
        None => process::run(seat, control, sign).await,
    }
}

fn told(container: &TaskContainer, exit: &Exit) -> ContainerExit {
    ContainerExit { name: container.name.clone(), code: exit.code, reason: exit.reason.clone() }
}

/// Several containers of one task.
struct Together<'a> {
    task: &'a Start,
    around: &'a Surroundings,
    ground: Option<&'a Ground>,
}

impl Together<'_> {
    async fn run(&self, mut control: Control, mut began: impl FnMut(Millis, Option<String>) + Send) -> Exit {
        let containers = &self.task.containers;
        let mut course = Course::of(containers);
        let mut exits: Vec<Exit> = vec![Exit::default(); containers.len()];
        let mut stops: Vec<Option<UnboundedSender<u32>>> = vec![None; containers.len()];
        let (signs, mut signed) = unbounded_channel();
        let (mut running, mut timers) = (FuturesUnordered::new(), FuturesUnordered::new());
        let mut grace = None;
        let mut started_at = None;
        loop {
            for step in course.next() {
                match step {
                    Step::Launch(number) => {
                        let (stop, stopped) = unbounded_channel();
                        stops[number] = Some(stop);
                        running.push(self.container(number, stopped, signs.clone()));
                        if let Some(seconds) = containers[number].start_timeout {
                            timers.push(async move {
                                tokio::time::sleep(Duration::from_secs(seconds.into())).await;
                                number
                            });
                        }
                    }
                    Step::Stop(number) => {
                        let own = containers[number].stop_timeout;
                        if let Some(stop) = &stops[number] {
                            // It is over when it does not listen any more.
                            let _ = stop.send(own.or(grace).unwrap_or(GRACE_SECONDS));
                        }
                    }
                    Step::GiveUp(number, reason) => {
                        let reason = reason.map(|reason| format!("CannotStartContainerError: {reason}"));
                        exits[number] = never_started(reason);
                    }
                }
            }
            if course.is_over() {
                break;
            }
            tokio::select! {
                Some((number, exit)) = running.next() => {
                    course.ended(number, exit.code);
                    exits[number] = exit;
                }
                Some((number, sign)) = signed.recv() => match sign {
                    Sign::Started { at, address } => {
                        course.started(number);
                        if started_at.is_none() && containers[number].essential {
                            started_at = Some(at);
                            control.started(self.task.timeout_seconds);
                            began(at, address);
                        }
                    }
                    Sign::Healthy => course.healthy(number),
                    Sign::Unchecked => course.unchecked(number),
                },
                Some(number) = timers.next() => course.late(number),
                word = control.next() => match word {
                    Word::Terminate { grace: given } => {
                        grace = Some(u32::try_from(given.as_secs()).unwrap_or(u32::MAX));
                        course.stop();
                    }
                    Word::Kill => {
                        for stop in stops.iter().flatten() {
                            let _ = stop.send(0);
                        }
                    }
                },
            }
        }
        self.exit(&course, &exits, started_at, control.timed_out())
    }

    async fn container(
        &self,
        number: usize,
        stops: UnboundedReceiver<u32>,
        signs: UnboundedSender<(usize, Sign)>,
    ) -> (usize, Exit) {
        let container = &self.task.containers[number];
        let is_healthy = |on: &TaskContainerDependency| {
            on.container_name == container.name && on.condition == ContainerCondition::Healthy
        };
        let checked = self.task.containers.iter().any(|other| other.depends_on.iter().any(is_healthy));
        let seat = Seat { task: self.task, container, around: self.around, timeout_seconds: None, checked };
        let exit = sit(seat, self.ground, Control::new(stops), |sign| {
            // The task is over when it does not listen any more.
            let _ = signs.send((number, sign));
        });
        (number, exit.await)
    }

    /// Code and reason are those of the essential container that ended first.
    fn exit(&self, course: &Course, exits: &[Exit], started_at: Option<Millis>, timed_out: bool) -> Exit {
        let decisive = &exits[course.decisive()];
        let used = exits.iter().filter_map(|exit| exit.usage);
        let usage = used.reduce(|sum, one| Usage {
            cpu_seconds: sum.cpu_seconds + one.cpu_seconds,
            peak_memory_mib: sum.peak_memory_mib + one.peak_memory_mib,
            at: sum.at.max(one.at),
            ..sum
        });
        let containers = self.task.containers.iter().zip(exits).map(|(container, exit)| told(container, exit));
        Exit {
            at: now(),
            started_at,
            code: decisive.code,
            reason: decisive.reason.clone(),
            timed_out,
            usage,
            containers: containers.collect(),
        }
    }
}

pub(super) fn is_process(task: &Start, container: &TaskContainer) -> bool {
    task.as_process || container.properties.image == HOST_IMAGE
}

fn check(task: &Start) -> Result<(), String> {
    if task.containers.is_empty() {
        return Err("its task has no container; give its definition one".to_owned());
    }
    let streams = task.containers.iter().map(|container| ("log stream", &container.log_stream));
    let names = task.containers.iter().map(|container| ("container name", &container.name));
    for (what, path) in [("task id", &task.task_id)].into_iter().chain(streams).chain(names) {
        if !stays_inside(path) {
            return Err(format!("the {what} `{path}` leaves its directory; use a plain name"));
        }
    }
    for container in &task.containers {
        if let Some(secret) = container.properties.secrets.first() {
            return Err(format!(
                "the secret {} ({}) is in AWS, where this engine cannot fetch it; pass it as an environment variable",
                secret.name, secret.value_from
            ));
        }
    }
    Ok(())
}

/// The exit of a container that has not come to life, with `container.reason`.
pub(super) fn never_started(reason: impl Into<Option<String>>) -> Exit {
    Exit { at: now(), reason: reason.into(), ..Exit::default() }
}

/// The exit of an attempt of which nothing has come to life.
pub(super) fn ended_before(task: &Start, reason: Option<String>) -> Exit {
    let exit = never_started(reason);
    let containers = task.containers.iter().map(|container| told(container, &exit)).collect();
    Exit { containers, ..exit }
}

fn stays_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leaves_its_directory_is_refused() {
        let table =
            [("a", true), ("a/default/b", true), ("", false), ("/a", false), ("../a", false), ("a/../../b", false)];
        for (path, expect) in table {
            assert_eq!(stays_inside(path), expect, "{path}");
        }
    }
}
