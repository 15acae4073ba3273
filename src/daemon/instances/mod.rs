//! Agents: launched, known by their connections, and mourned.
//!
//! One task keeps what is known of each instance. An agent that is disconnected is waited for while its process lives:
//! it connects again by itself. When the process is over and all it said has been heard, what it has left running is
//! killed, and only then does the engine hear that the instance is lost.

pub(super) mod connection;
pub(super) mod process;

use super::directory::{DataDirectory, private_file};
use super::driver::Driver;
use crate::agent::leftovers;
use crate::agent::message::{Start, ToAgent};
use crate::engine::command::Action;
use crate::engine::{Effect, StartAttempt};
use crate::model::{Instance, InstanceId};
use process::Process;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// An agent that has not said hello so long after its launch is given up.
const REGISTERS_WITHIN: Duration = Duration::from_secs(30);
/// An instance that fails at once is not reported, and so not replaced, before so long after its launch.
const FAILS_AFTER: Duration = Duration::from_secs(5);
/// How long the words of an agent that has ended may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long to wait before what could not be ended is tried again.
const LEFTOVERS_AGAIN: Duration = Duration::from_secs(5);

pub(super) type ConnectionNumber = u64;

/// The way to the task that keeps the instances.
#[derive(Debug, Clone)]
pub(super) struct Instances {
    notes: mpsc::UnboundedSender<Note>,
}

/// What is known of an agent, for `engine status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Presence {
    pub pid: Option<u32>,
    pub connected: bool,
}

/// What the keeper is told.
#[derive(Debug)]
pub(super) enum Note {
    Effect(Effect),
    Connected {
        instance: InstanceId,
        number: ConnectionNumber,
        pid: u32,
        to_agent: mpsc::UnboundedSender<ToAgent>,
    },
    Disconnected {
        instance: InstanceId,
        number: ConnectionNumber,
    },
    /// The process is over; `how` says what is known of its end.
    Ended {
        instance: InstanceId,
        process: Process,
        how: String,
    },
    /// It should have said hello by now.
    RegistrationDue {
        instance: InstanceId,
        process: Process,
    },
    /// What it said last has had time to arrive.
    LastWordsDue {
        instance: InstanceId,
        number: ConnectionNumber,
    },
    Mourned {
        instance: InstanceId,
    },
    Roster(oneshot::Sender<BTreeMap<InstanceId, Presence>>),
}

impl Instances {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Note>) {
        let (notes, heard) = mpsc::unbounded_channel();
        (Self { notes }, heard)
    }

    pub(super) fn note(&self, note: Note) {
        // The keeper ends only with the engine.
        let _ = self.notes.send(note);
    }

    pub(super) async fn roster(&self) -> BTreeMap<InstanceId, Presence> {
        let (reply, answer) = oneshot::channel();
        self.note(Note::Roster(reply));
        answer.await.unwrap_or_default()
    }
}

/// Keeps what is known of each instance.
pub(super) struct Keeper {
    directory: DataDirectory,
    agent_program: PathBuf,
    driver: Driver,
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
    launched: Instant,
    registered: bool,
    /// It was told to end.
    ending: bool,
    /// Why it is lost, or will be once its process is over.
    cause: Option<String>,
    over: bool,
    mourning: bool,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            process: None,
            connection: None,
            launched: Instant::now(),
            registered: false,
            ending: false,
            cause: None,
            over: false,
            mourning: false,
        }
    }
}

impl Keeper {
    pub(super) fn new(
        directory: DataDirectory,
        agent_program: PathBuf,
        driver: Driver,
        instances: Instances,
        heard: mpsc::UnboundedReceiver<Note>,
    ) -> Self {
        let (slots, waits) = (BTreeMap::new(), JoinSet::new());
        Self { directory, agent_program, driver, instances, heard, slots, waits }
    }

    /// Looks for the agents that an engine before has left. Those that live are waited for; the others' jobs are ended
    /// and the engine hears that they are lost. Answers with how many of each there were.
    pub(super) async fn recover(&mut self, expected: Vec<Instance>) -> (usize, usize) {
        self.forget_strangers(&expected);
        let (mut alive, mut mourners) = (0, JoinSet::new());
        for instance in expected {
            let id = instance.instance_id;
            let noted = Process::read(&self.directory.agent_process(&id)).filter(|process| process.is_alive());
            let found = match noted {
                Some(process) => Some(process),
                None => {
                    let wanted = id.clone();
                    tokio::task::spawn_blocking(move || process::find_agent(&wanted)).await.unwrap_or_default()
                }
            };
            let slot = Slot { process: found, registered: instance.agent_pid.is_some(), ..Slot::default() };
            self.slots.insert(id.clone(), slot);
            match found {
                Some(process) => {
                    alive += 1;
                    self.watch(&id, process);
                    self.expect_registration(&id, process);
                }
                None => {
                    let cause = "its agent ended while the engine was down".to_owned();
                    if let Some(slot) = self.slots.get_mut(&id) {
                        slot.mourning = true;
                    }
                    mourners.spawn(mourn(id, cause, Duration::ZERO, self.mourner()));
                }
            }
        }
        let lost = mourners.join_all().await.len();
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

    pub(super) async fn run(mut self) {
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
            Note::Effect(effect) => self.carry_out(effect),
            Note::Connected { instance, number, pid, to_agent } => self.connected(&instance, number, pid, to_agent),
            Note::Disconnected { instance, number } => {
                self.disconnected(&instance, number);
                self.mourn_if_over(&instance);
            }
            Note::Ended { instance, process, how } => self.ended(&instance, process, how),
            Note::RegistrationDue { instance, process } => self.registration_due(&instance, process),
            Note::LastWordsDue { instance, number } => {
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
                self.expect_registration(instance, process);
            }
            Err(cause) => {
                let program = self.agent_program.display();
                slot.cause = Some(format!("its agent could not be started: {program}: {cause}"));
                slot.over = true;
                self.slots.insert(instance.clone(), slot);
                self.mourn_if_over(instance);
            }
        }
    }

    /// Starts the agent in its own process group, with nothing of ours but its log: it outlives the engine.
    fn spawn(&self, instance: &InstanceId) -> std::io::Result<Child> {
        let log = private_file(&self.directory.agent_log(instance))?;
        Command::new(&self.agent_program)
            .arg("agent")
            .arg("--data-dir")
            .arg(self.directory.root())
            .arg("--instance")
            .arg(&instance.0)
            .env_remove("BATCHDECK_INSTANCE")
            .env_remove("AWS_BATCH_JOB_ID")
            .env_remove("AWS_BATCH_JOB_ATTEMPT")
            .current_dir(self.directory.root())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
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

    fn expect_registration(&mut self, instance: &InstanceId, process: Process) {
        let (instances, instance) = (self.instances.clone(), instance.clone());
        self.waits.spawn(async move {
            sleep(REGISTERS_WITHIN).await;
            instances.note(Note::RegistrationDue { instance, process });
        });
    }

    fn registration_due(&mut self, instance: &InstanceId, process: Process) {
        let Some(slot) = self.slots.get_mut(instance) else { return };
        if !slot.registered && slot.process == Some(process) {
            let bound = REGISTERS_WITHIN.as_secs();
            tracing::warn!(%instance, "an agent has not said hello for {bound} s and is killed");
            slot.cause = Some(format!("its agent did not register within {bound} s"));
            process.kill();
        }
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
        slot.registered = true;
        if slot.process.is_none_or(|process| process.pid != pid)
            && let Some(process) = Process::of(pid)
        {
            slot.process = Some(process);
            slot.over = false;
            if let Err(cause) = process.write(&self.directory.agent_process(instance)) {
                tracing::warn!(%instance, %cause, "the agent's process cannot be noted");
            }
            self.watch(instance, process);
        }
    }

    fn disconnected(&mut self, instance: &InstanceId, number: ConnectionNumber) {
        if let Some(slot) = self.slots.get_mut(instance)
            && slot.connection.as_ref().is_some_and(|(current, _)| *current == number)
        {
            slot.connection = None;
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

    fn ended(&mut self, instance: &InstanceId, process: Process, how: String) {
        let Some(slot) = self.slots.get_mut(instance) else { return };
        if slot.process != Some(process) {
            return;
        }
        slot.over = true;
        slot.cause.get_or_insert(how);
        if let Some((number, _)) = &slot.connection {
            let (instances, instance, number) = (self.instances.clone(), instance.clone(), *number);
            self.waits.spawn(async move {
                sleep(LAST_WORDS).await;
                instances.note(Note::LastWordsDue { instance, number });
            });
        }
        self.mourn_if_over(instance);
    }

    fn mourn_if_over(&mut self, instance: &InstanceId) {
        let mourner = self.mourner();
        let Some(slot) = self.slots.get_mut(instance) else { return };
        if !slot.over || slot.connection.is_some() || slot.mourning {
            return;
        }
        slot.mourning = true;
        let cause = slot.cause.clone().unwrap_or_default();
        if slot.ending {
            tracing::info!(%instance, "an agent has ended as it was told");
        } else {
            tracing::warn!(%instance, %cause, "an instance is lost");
        }
        let too_early = FAILS_AFTER.saturating_sub(slot.launched.elapsed());
        let pause = if slot.registered || slot.ending { Duration::ZERO } else { too_early };
        self.waits.spawn(mourn(instance.clone(), cause, pause, mourner));
    }

    fn mourner(&self) -> Mourner {
        Mourner { driver: self.driver.clone(), instances: self.instances.clone(), directory: self.directory.clone() }
    }
}

struct Mourner {
    driver: Driver,
    instances: Instances,
    directory: DataDirectory,
}

/// Ends what is left of an instance, then tells the engine.
async fn mourn(instance: InstanceId, cause: String, pause: Duration, mourner: Mourner) {
    end_leftovers(&instance).await;
    sleep_until(Instant::now() + pause).await;
    let lost = Action::InstanceLost { instance: instance.clone(), cause };
    if let Err(refusal) = mourner.driver.act(lost).await {
        tracing::debug!(%instance, %refusal, "the engine does not miss it");
    }
    // What is still there is cleared away at the next start.
    let _ = fs::remove_file(mourner.directory.agent_process(&instance));
    mourner.instances.note(Note::Mourned { instance });
}

/// Returns when no process and no container of the instance is left: before, its attempts must not be started anew.
async fn end_leftovers(instance: &InstanceId) {
    loop {
        let id = instance.clone();
        let killed = tokio::task::spawn_blocking(move || leftovers::kill_leftovers(&id)).await;
        let killed = killed.map_err(std::io::Error::other).flatten();
        match (killed, leftovers::remove_containers(instance, None).await) {
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

fn wire(start: StartAttempt) -> Start {
    let StartAttempt {
        attempt,
        task_id,
        image,
        as_process,
        command,
        environment,
        vcpus,
        memory_mib,
        log_stream,
        timeout_seconds,
    } = start;
    Start { attempt, task_id, image, as_process, command, environment, vcpus, memory_mib, log_stream, timeout_seconds }
}
