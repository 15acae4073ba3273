//! The agent's only loop: what it hears, what its attempts report, and what follows from either.

use super::attempt::{self, Surroundings, ended_before};
use super::control::Control;
use super::fence::Fences;
use super::hold::{Hold, Order};
use super::link::{self, News};
use super::message::{BEAT, Exit, PROTOCOL, Start, ToEngine};
use super::pid_file::PidFile;
use super::reserve::Reserve;
use super::usage::Meters;
use super::{AgentError, Options, escaped, now};
use crate::model::{AttemptId, Millis};
use futures::FutureExt as _;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::{Component, Path};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// An agent that holds nothing ends when it has had no engine for so long.
    pub alone: Duration,
    /// What attempts get between TERM and KILL when the agent itself gets TERM.
    pub closing_grace_seconds: u32,
    /// How long a closing agent waits for the acknowledgements of its last exits.
    pub last_words: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { alone: Duration::from_mins(10), closing_grace_seconds: 10, last_words: Duration::from_secs(2) }
    }
}

/// From an attempt's task.
#[derive(Debug)]
enum Progress {
    Started(Millis, Option<String>),
    Exited(Exit),
}

struct Host {
    surroundings: Arc<Surroundings>,
    limits: Limits,
    hold: Hold,
    /// `None` while there is no engine, since then.
    engine: Result<Sender<ToEngine>, Instant>,
    /// Takes graces in seconds.
    stops: BTreeMap<AttemptId, UnboundedSender<u32>>,
    progress: UnboundedSender<(AttemptId, Progress)>,
    /// Set once it has to end whatever it holds: when its last words are over.
    closing: Option<Instant>,
}

pub(super) async fn run(options: Options, limits: Limits) -> Result<(), AgentError> {
    let Options { data_directory, instance, docker_host, log_reserve } = options;
    if !matches!(Path::new(&instance.0).components().collect::<Vec<_>>()[..], [Component::Normal(_)]) {
        return Err(AgentError::Instance(instance));
    }
    let data_directory = match std::fs::canonicalize(&data_directory) {
        Ok(path) => path,
        Err(source) => return Err(AgentError::DataDirectory { path: data_directory, source }),
    };
    let mut signals = signals().map_err(|source| AgentError::Signals { source })?;
    let _pid_file = PidFile::write(&data_directory, &instance)
        .map_err(|source| AgentError::PidFile { instance: instance.clone(), source })?;
    escaped::become_reaper();

    let meters = Arc::new(Meters::default());
    let (progress, mut reports) = unbounded_channel();
    let (news, mut heard) = channel(256);
    let (samples, mut measured) = channel(1);
    // Aborted when they are dropped.
    let mut helpers = JoinSet::new();
    helpers.spawn(link::keep(data_directory.clone(), news));
    helpers.spawn(Arc::clone(&meters).follow(samples));
    helpers.spawn(escaped::reap());
    let fences = Fences::find(&instance);
    let log_reserve = Arc::new(Reserve::new(log_reserve, data_directory.join("logs")));
    let scratches = Arc::default();
    let surroundings =
        Arc::new(Surroundings { data_directory, instance, docker_host, meters, fences, scratches, log_reserve });
    let mut host = Host {
        surroundings,
        limits,
        hold: Hold::default(),
        engine: Err(Instant::now()),
        stops: BTreeMap::new(),
        progress,
        closing: None,
    };
    tracing::info!(instance = %host.surroundings.instance, pid = std::process::id(), "the agent has begun");
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(news) = heard.recv() => host.hear(news),
            Some((attempt, report)) = reports.recv() => host.note(attempt, report),
            Some(samples) = measured.recv() => {
                host.tell(ToEngine::Used { samples });
                if link::is_gone(&host.surroundings.data_directory) {
                    host.hear(News::Gone);
                }
            }
            _ = beat.tick() => {
                host.tell(ToEngine::Alive);
                host.surroundings.scratches.tidy();
            }
            () = next(&mut signals) => host.close(host.limits.closing_grace_seconds),
            () = tokio::time::sleep_until(host.wake().into()) => {}
        }
        if let Some(why) = host.why_end() {
            tracing::info!(instance = %host.surroundings.instance, why, "the agent ends");
            escaped::sweep_all().await;
            return Ok(());
        }
    }
}

impl Host {
    fn hear(&mut self, news: News) {
        match news {
            News::Connected(engine) => {
                self.engine = Ok(engine);
                self.tell(ToEngine::Hello {
                    protocol: PROTOCOL,
                    instance: self.surroundings.instance.clone(),
                    pid: std::process::id(),
                    limits: self.surroundings.fences.name().to_owned(),
                    held: self.hold.held(),
                });
                for message in self.hold.repeat() {
                    self.tell(message);
                }
            }
            News::Heard(messages) => {
                let orders = messages.into_iter().flat_map(|message| self.hold.hear(message, now())).collect();
                self.follow(orders);
            }
            News::Lost => self.engine = Err(Instant::now()),
            News::Gone => {
                tracing::warn!("the data directory is gone; what runs here is ended");
                self.close(0);
            }
        }
    }

    fn note(&mut self, attempt: AttemptId, report: Progress) {
        let orders = match report {
            Progress::Started(at, address) => self.hold.started(attempt, at, address),
            Progress::Exited(exit) => {
                tracing::info!(%attempt, code = exit.code, reason = exit.reason, "over");
                self.stops.remove(&attempt);
                self.hold.exited(attempt, exit)
            }
        };
        self.follow(orders);
    }

    /// The first call asks, a later one insists.
    fn close(&mut self, grace_seconds: u32) {
        let grace_seconds = if self.closing.is_some() { 0 } else { grace_seconds };
        self.closing = Some(Instant::now());
        let orders = self.hold.close(grace_seconds);
        self.follow(orders);
    }

    /// What is to be stopped by the orders that start it knows so before it begins, and so never runs.
    fn follow(&mut self, orders: Vec<Order>) {
        let mut launches = Vec::new();
        for order in orders {
            match order {
                Order::Launch(start) => {
                    let (stop, stops) = unbounded_channel();
                    self.stops.insert(start.attempt.clone(), stop);
                    launches.push((start, stops));
                }
                Order::Stop { attempt, grace_seconds } => {
                    if let Some(stop) = self.stops.get(&attempt) {
                        // It is over, and its exit on the way, when it does not listen any more.
                        let _ = stop.send(grace_seconds);
                    }
                }
                Order::Tell(message) => self.tell(message),
            }
        }
        for (start, stops) in launches {
            self.launch(start, stops);
        }
    }

    fn launch(&self, start: Box<Start>, stops: UnboundedReceiver<u32>) {
        tracing::info!(attempt = %start.attempt, task = start.task_id, containers = start.containers.len(), "start");
        let start: Arc<Start> = Arc::from(start);
        let (surroundings, progress) = (Arc::clone(&self.surroundings), self.progress.clone());
        tokio::spawn(async move {
            let attempt = &start.attempt;
            let began = |at, address| {
                // The agent has ended when it does not listen any more.
                let _ = progress.send((attempt.clone(), Progress::Started(at, address)));
            };
            let life = attempt::run(&start, &surroundings, Control::new(stops), began);
            let exit = AssertUnwindSafe(life).catch_unwind().await.unwrap_or_else(|panic| {
                let error = words_of(&*panic);
                tracing::error!(%attempt, error, "an attempt's task has failed");
                let reason = format!("CannotStartContainerError: the agent failed: {error}; see its log");
                ended_before(&start, Some(reason))
            });
            let _ = progress.send((attempt.clone(), Progress::Exited(exit)));
        });
    }

    /// What cannot be told now is told again to the next engine.
    fn tell(&mut self, message: ToEngine) {
        if let Ok(engine) = &self.engine
            && let Err(TrySendError::Full(_)) = engine.try_send(message)
        {
            tracing::warn!("the engine takes nothing; the connection is made anew");
            self.engine = Err(Instant::now());
        }
    }

    /// When [`Host::why_end`] may have something to say without anything else happening.
    fn wake(&self) -> Instant {
        let hour = Instant::now() + Duration::from_hours(1);
        let alone = match &self.engine {
            Err(since) if self.hold.is_empty() => *since + self.limits.alone,
            _ => hour,
        };
        match self.closing {
            Some(since) if !self.hold.is_busy() => alone.min(since + self.limits.last_words),
            _ => alone,
        }
    }

    fn why_end(&mut self) -> Option<&'static str> {
        if self.hold.may_end() {
            return Some("its engine has asked for it");
        }
        if let Some(since) = &mut self.closing {
            if self.hold.is_busy() {
                // Last words are counted from the last exit.
                *since = Instant::now();
            } else if self.hold.is_empty() || self.engine.is_err() || since.elapsed() >= self.limits.last_words {
                return Some("it was told to");
            }
        }
        match &self.engine {
            Err(since) if self.hold.is_empty() && since.elapsed() >= self.limits.alone => Some("no engine came"),
            _ => None,
        }
    }
}

/// What a panic has said.
pub(super) fn words_of(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked")
}

fn signals() -> std::io::Result<[Signal; 3]> {
    Ok([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?])
}

/// The next TERM or INT. HUP means nothing to a process that outlives its terminal.
async fn next([terminate, interrupt, hangup]: &mut [Signal; 3]) {
    loop {
        tokio::select! {
            Some(()) = terminate.recv() => return,
            Some(()) = interrupt.recv() => return,
            Some(()) = hangup.recv() => {}
            else => std::future::pending().await,
        }
    }
}
