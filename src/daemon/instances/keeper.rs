//! One task that keeps what is known of each instance.
//!
//! An agent that is disconnected is waited for while its process lives: it connects again by itself. When the process is
//! over and all it said has been heard, what it has left running is ended, and only then does the engine hear that the
//! instance is lost.

use super::mourning::Mourner;
use super::process::{self, Process};
use super::{ConnectionNumber, Instances, Launch, Limits, Note, Presence};
use crate::agent::message::{Start, ToAgent};
use crate::config::DataDirectory;
use crate::config::directories::private_file;
use crate::daemon::clock;
use crate::daemon::driver::Driver;
use crate::daemon::feed::Feed;
use crate::engine::{Effect, StartAttempt};
use crate::model::secret::is_secret;
use crate::model::{Instance, InstanceId, What};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Keeps what is known of each instance.
pub(in crate::daemon) struct Keeper {
    directory: DataDirectory,
    launch: Launch,
    limits: Limits,
    driver: Driver,
    feed: Feed,
    instances: Instances,
    heard: mpsc::UnboundedReceiver<Note>,
    slots: BTreeMap<InstanceId, Slot>,
    /// Waits that end with the engine.
    waits: JoinSet<()>,
}

#[derive(Debug)]
struct Slot {
    process: Option<Process>,
    connection: Option<(ConnectionNumber, mpsc::UnboundedSender<ToAgent>)>,
    /// The newest connection to this engine, whether it is there or over.
    newest: Option<ConnectionNumber>,
    launched: Instant,
    registered: bool,
    /// What keeps its jobs within their memory, as it says.
    limits: String,
    /// It is connected and has said nothing for so long.
    silent: Option<Duration>,
    /// It was told to end.
    ending: bool,
    /// Why it is lost, or will be once its process is over.
    cause: Option<String>,
    life: Life,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Alive,
    /// Its process is over.
    Over,
    /// What it has left is being ended.
    Mourned,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            process: None,
            connection: None,
            newest: None,
            launched: Instant::now(),
            registered: false,
            limits: String::new(),
            silent: None,
            ending: false,
            cause: None,
            life: Life::Alive,
        }
    }
}

impl Keeper {
    pub(in crate::daemon) fn new(
        directory: DataDirectory,
        launch: Launch,
        limits: Limits,
        (driver, feed): (Driver, Feed),
        (instances, heard): (Instances, mpsc::UnboundedReceiver<Note>),
    ) -> Self {
        let (slots, waits) = (BTreeMap::new(), JoinSet::new());
        Self { directory, launch, limits, driver, feed, instances, heard, slots, waits }
    }

    /// Looks for the agents that an engine before has left. Those that live are waited for; the others' jobs are ended
    /// and the engine hears that they are lost. Answers with how many of each there were.
    pub(in crate::daemon) async fn recover(&mut self, expected: Vec<Instance>) -> (usize, usize) {
        self.forget_strangers(&expected);
        let (mut alive, mut mourners) = (0, JoinSet::new());
        for instance in expected {
            let id = instance.instance_id;
            let noted = Process::read(&self.directory.agent_process(&id)).filter(|process| process.is_alive());
            let found = if noted.is_some() {
                noted
            } else {
                let wanted = id.clone();
                tokio::task::spawn_blocking(move || process::find_agent(&wanted)).await.unwrap_or_default()
            };
            let life = if found.is_some() { Life::Alive } else { Life::Mourned };
            let registered = instance.agent_pid.is_some();
            self.slots.insert(id.clone(), Slot { process: found, registered, life, ..Slot::default() });
            if let Some(process) = found {
                alive += 1;
                self.watch(&id, process);
                self.expect_call(&id);
            } else {
                let cause = "its agent ended while the engine was down".to_owned();
                mourners.spawn(self.mourner().mourn(id, cause, Duration::ZERO));
            }
        }
        let lost = mourners.len();
        let all = async { while mourners.join_next().await.is_some() {} };
        let ended = tokio::select! {
            ended = timeout(self.limits.recovers_within, all) => ended.is_ok(),
            // Nobody is told before there is room for it.
            () = self.driver.until_still() => false,
        };
        if !ended {
            let instances = mourners.len();
            tracing::error!(instances, "what lost agents have left has not been ended yet; starting without");
            // Their jobs stay as they are until it does.
            self.waits.spawn(async move { while mourners.join_next().await.is_some() {} });
        }
        (alive, lost)
    }

    /// Files of agents that nobody expects and that are over.
    fn forget_strangers(&self, expected: &[Instance]) {
        for entry in fs::read_dir(self.directory.agents()).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_process = path.extension().is_some_and(|extension| extension == "pid");
            let expected = expected.iter().any(|instance| self.directory.agent_process(&instance.instance_id) == path);
            if is_process && !expected && Process::read(&path).is_none_or(|process| !process.is_alive()) {
                // Another start tries again.
                let _ = fs::remove_file(path);
            }
        }
    }

    pub(in crate::daemon) async fn run(mut self) {
        loop {
            tokio::select! {
                note = self.heard.recv() => match note {
                    Some(note) => self.hear(note),
                    None => return,
                },
                Some(_) = self.waits.join_next() => {}
            }
        }
    }

    fn hear(&mut self, note: Note) {
        match note {
            Note::Effects(effects) => {
                for effect in effects {
                    self.carry_out(effect);
                }
            }
            Note::Connected { instance, number, pid, limits, to_agent } => {
                self.connected(&instance, number, pid, to_agent);
                if let Some(slot) = self.slots.get_mut(&instance) {
                    (slot.limits, slot.silent) = (limits, None);
                }
            }
            Note::Silent { instance, number, since } => self.silent(&instance, number, since),
            Note::Ended { instance, process, how } => self.ended(&instance, process, how),
            Note::CallDue { instance, process, after } => self.call_due(&instance, process, after),
            Note::Disconnected { instance, number } | Note::LastWordsDue { instance, number } => {
                self.disconnected(&instance, number);
                self.mourn_if_over(&instance);
            }
            Note::Mourned { instance } => {
                self.slots.remove(&instance);
            }
            Note::Roster(reply) => {
                let presence = |slot: &Slot| Presence {
                    pid: slot.process.map(|process| process.pid),
                    connected: slot.connection.is_some(),
                    silent: slot.silent.filter(|_| slot.connection.is_some()),
                    limits: slot.limits.clone(),
                };
                // Whoever asked may have gone.
                let _ = reply.send(self.slots.iter().map(|(id, slot)| (id.clone(), presence(slot))).collect());
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::LaunchInstance { instance } => self.launch(&instance),
            Effect::EndInstance { instance } => self.end(&instance),
            Effect::KillInstance { instance } => self.kill(&instance),
            Effect::Start { instance, start } => self.say(&instance, ToAgent::Start(Box::new(wire(*start)))),
            Effect::Stop { instance, attempt, grace_seconds } => {
                self.say(&instance, ToAgent::Stop { attempt, grace_seconds });
            }
            Effect::Acknowledge { instance, attempt } => self.say(&instance, ToAgent::Acknowledge { attempt }),
        }
    }

    /// What cannot be said now is said again when the agent connects: the engine reconciles.
    fn say(&self, instance: &InstanceId, message: ToAgent) {
        if let Some((_, to_agent)) = self.slots.get(instance).and_then(|slot| slot.connection.as_ref()) {
            let _ = to_agent.send(message);
        }
    }

    fn launch(&mut self, instance: &InstanceId) {
        if self.slots.contains_key(instance) {
            return;
        }
        let mut slot = Slot::default();
        let started = self.spawn(instance).and_then(|child| {
            let process = child.id().and_then(Process::of).ok_or_else(|| std::io::Error::other("it ended at once"))?;
            process.write(&self.directory.agent_process(instance))?;
            Ok((child, process))
        });
        match started {
            Ok((child, process)) => {
                tracing::info!(%instance, pid = process.pid, "launched an agent");
                slot.process = Some(process);
                self.slots.insert(instance.clone(), slot);
                self.reap(instance, process, child);
                self.expect_call(instance);
            }
            Err(cause) => {
                let program = self.launch.program.display();
                let hint = match cause.kind() {
                    ErrorKind::WouldBlock => "; this user has too many processes: end some or raise `ulimit -u`",
                    ErrorKind::OutOfMemory => "; this machine has no memory left for another process",
                    _ => "",
                };
                slot.cause = Some(format!("its agent could not be started: {program}: {cause}{hint}"));
                slot.life = Life::Over;
                self.slots.insert(instance.clone(), slot);
                self.mourn_if_over(instance);
            }
        }
    }

    /// Starts the agent with nothing of ours but its log: it leaves the session at once, and outlives the engine.
    fn spawn(&self, instance: &InstanceId) -> std::io::Result<Child> {
        let log = private_file(&self.directory.agent_log(instance))?;
        let mut command = Command::new(&self.launch.program);
        if let Some(address) = &self.launch.docker_host {
            command.env("DOCKER_HOST", address);
        }
        // A job can read what its agent was given, whoever it was that started the engine.
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_secret(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command
            .arg("agent")
            .arg("--data-dir")
            .arg(self.directory.path())
            .arg("--instance")
            .arg(&instance.0)
            .arg("--log-reserve-mib")
            .arg(self.launch.log_reserve.mib().to_string())
            .env_remove("BATCHDECK_INSTANCE")
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_BATCH_JOB_ID")
            .env_remove("AWS_BATCH_JOB_ATTEMPT")
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(false)
            .spawn()
    }

    /// Waits for a child of this process, so that it leaves no zombie.
    fn reap(&mut self, instance: &InstanceId, process: Process, mut child: Child) {
        let (instances, instance) = (self.instances.clone(), instance.clone());
        self.waits.spawn(async move {
            let how = match child.wait().await {
                Ok(status) => format!("its agent ended ({status})"),
                Err(cause) => format!("its agent cannot be waited for: {cause}"),
            };
            instances.note(Note::Ended { instance, process, how });
        });
    }

    /// Waits for a process that is no child of ours.
    fn watch(&mut self, instance: &InstanceId, process: Process) {
        let (instances, instance) = (self.instances.clone(), instance.clone());
        self.waits.spawn(async move {
            let how = match process.ended().await {
                Ok(()) => "its agent ended".to_owned(),
                Err(cause) => format!("its agent cannot be watched: {cause}"),
            };
            instances.note(Note::Ended { instance, process, how });
        });
    }

    /// An agent that is not connected has so long to call, for the first time or again.
    fn expect_call(&mut self, instance: &InstanceId) {
        let Some(slot) = self.slots.get(instance) else { return };
        let (Some(process), Life::Alive) = (slot.process, slot.life) else { return };
        let (instances, instance, after) = (self.instances.clone(), instance.clone(), slot.newest);
        let within = self.call_within(slot);
        self.waits.spawn(async move {
            sleep(within).await;
            instances.note(Note::CallDue { instance, process, after });
        });
    }

    fn call_within(&self, slot: &Slot) -> Duration {
        if slot.registered { self.limits.returns_within } else { self.limits.registers_within }
    }

    /// What lives and does not call holds its jobs, and new ones, for ever.
    fn call_due(&mut self, instance: &InstanceId, process: Process, after: Option<ConnectionNumber>) {
        let Some(slot) = self.slots.get(instance) else { return };
        if slot.connection.is_some() || slot.newest != after || slot.process != Some(process) {
            return;
        }
        let within = self.call_within(slot);
        let what = if slot.registered { "come back" } else { "register" };
        let cause = format!("its agent did not {what} within {within:?}");
        tracing::warn!(%instance, %cause, "an agent is killed");
        if let Some(slot) = self.slots.get_mut(instance) {
            slot.cause = Some(cause);
        }
        process.kill();
    }

    fn connected(
        &mut self,
        instance: &InstanceId,
        number: ConnectionNumber,
        pid: u32,
        to_agent: mpsc::UnboundedSender<ToAgent>,
    ) {
        tracing::info!(%instance, pid, "an agent is connected");
        let slot = self.slots.entry(instance.clone()).or_default();
        slot.connection = Some((number, to_agent));
        slot.newest = Some(number);
        slot.registered = true;
        if slot.process.is_none_or(|process| process.pid != pid)
            && let Some(process) = Process::of(pid)
        {
            slot.process = Some(process);
            slot.life = Life::Alive;
            if let Err(cause) = process.write(&self.directory.agent_process(instance)) {
                tracing::warn!(%instance, %cause, "the agent's process cannot be noted");
            }
            self.watch(instance, process);
        }
    }

    /// An agent that hangs keeps its connection, and holds its jobs, and new ones, for ever.
    fn silent(&mut self, instance: &InstanceId, number: ConnectionNumber, since: Duration) {
        let Limits { silent_after, hung_after, .. } = self.limits;
        let Some(slot) = self.slots.get_mut(instance) else { return };
        if slot.connection.as_ref().is_none_or(|(current, _)| *current != number) {
            return;
        }
        let was_silent = slot.silent.is_some();
        slot.silent = (since >= silent_after).then_some(since);
        let told = match (was_silent, slot.silent) {
            (false, Some(_)) => {
                let left = hung_after.saturating_sub(since);
                Some(format!("the agent of {instance} says nothing any more; it is given up in {left:?}"))
            }
            (true, None) => Some(format!("the agent of {instance} is heard again")),
            _ => None,
        };
        let hung = slot.process.filter(|_| since >= hung_after && slot.life == Life::Alive);
        if let Some(told) = told {
            tracing::warn!("{told}");
            self.feed.publish(clock::wall(), [What::Notice(told)]);
        }
        if let (Some(process), Some(slot)) = (hung, self.slots.get_mut(instance)) {
            let cause = format!("its agent hung: it said nothing for {since:?}");
            tracing::warn!(%instance, %cause, "an agent is killed");
            slot.cause = Some(cause);
            process.kill();
        }
    }

    fn disconnected(&mut self, instance: &InstanceId, number: ConnectionNumber) {
        if let Some(slot) = self.slots.get_mut(instance)
            && slot.connection.as_ref().is_some_and(|(current, _)| *current == number)
        {
            slot.connection = None;
            self.expect_call(instance);
        }
    }

    fn end(&mut self, instance: &InstanceId) {
        let Some(slot) = self.slots.get_mut(instance) else { return };
        slot.ending = true;
        match (&slot.connection, slot.process) {
            (Some((_, to_agent)), _) => {
                let _ = to_agent.send(ToAgent::End);
            }
            // It has never been told to start anything.
            (None, Some(process)) if !slot.registered => process.kill(),
            // It hears of it when it connects again.
            (None, _) => {}
        }
    }

    /// As a host is taken away: its jobs end with it, and the engine hears that it is lost.
    fn kill(&mut self, instance: &InstanceId) {
        let Some(slot) = self.slots.get_mut(instance) else { return };
        slot.cause.get_or_insert_with(|| "it was interrupted".to_owned());
        if let Some(process) = slot.process {
            tracing::info!(%instance, "an instance is taken away");
            process.kill();
        }
    }

    fn ended(&mut self, instance: &InstanceId, process: Process, how: String) {
        let Some(slot) = self.slots.get_mut(instance) else { return };
        if slot.process != Some(process) {
            return;
        }
        slot.life = Life::Over;
        slot.cause.get_or_insert(how);
        if let Some((number, _)) = &slot.connection {
            let (instances, instance, number) = (self.instances.clone(), instance.clone(), *number);
            let last_words = self.limits.last_words;
            self.waits.spawn(async move {
                sleep(last_words).await;
                instances.note(Note::LastWordsDue { instance, number });
            });
        }
        self.mourn_if_over(instance);
    }

    fn mourn_if_over(&mut self, instance: &InstanceId) {
        let mourner = self.mourner();
        let Some(slot) = self.slots.get_mut(instance) else { return };
        if slot.life != Life::Over || slot.connection.is_some() {
            return;
        }
        slot.life = Life::Mourned;
        let cause = slot.cause.clone().unwrap_or_default();
        if slot.ending {
            tracing::info!(%instance, "an agent has ended as it was told");
            // Nobody will ask what it had to say. That of a lost one stays.
            let _ = fs::remove_file(self.directory.agent_log(instance));
        } else {
            tracing::warn!(%instance, %cause, "an instance is lost");
        }
        let too_early = self.limits.fails_after.saturating_sub(slot.launched.elapsed());
        let pause = if slot.registered || slot.ending { Duration::ZERO } else { too_early };
        self.waits.spawn(mourner.mourn(instance.clone(), cause, pause));
    }

    fn mourner(&self) -> Mourner {
        let (driver, instances) = (self.driver.clone(), self.instances.clone());
        Mourner { driver, instances, directory: self.directory.clone(), docker_host: self.launch.docker_host.clone() }
    }
}

fn wire(start: StartAttempt) -> Start {
    let StartAttempt {
        attempt,
        task_id,
        as_process,
        containers,
        volumes,
        vcpus,
        memory_mib,
        gpus,
        timeout_seconds,
        network,
    } = start;
    Start { attempt, task_id, as_process, containers, volumes, vcpus, memory_mib, gpus, timeout_seconds, network }
}
