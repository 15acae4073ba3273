//! The engine's body: what moves the pure engine on a real machine.
//!
//! ```text
//!   api (axum, engine.sock) --+                        +--> feed --> watchers
//!   agents (agents.sock) -----+--> driver (one thread) +--> answers, reads
//!   timer --------------------+      engine + journal  +--> effects --> instances --> agents
//! ```

mod api;
mod capacity;
mod clock;
mod credentials;
mod door;
mod driver;
mod feed;
mod instances;
mod journal;
mod lock;
mod log_room;
mod logs;
mod machine;
mod occurrences;
mod recover;
mod socket;
mod usage;

pub use credentials::{Credentials, CredentialsError};
pub use journal::JournalError;
pub use lock::is_running;
pub use machine::this_machine;
pub use occurrences::HookError;

use crate::config::directories::{Lack, mend};
use crate::config::{DataDirectory, DirectoryError, HookSettings, HttpAddress};
use crate::engine::Settings;
use crate::model::{LogReserve, What};
use clock::Clock;
use door::Door;
use driver::Realms;
use feed::Feed;
use instances::{Instances, Keeper, Launch, Limits, Note};
use journal::Journal;
use lock::EngineLock;
use log_room::LogDisks;
use occurrences::{Hook, Hooks, Occurrences, Surroundings};
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

/// How long open requests may take to end when the engine ends.
const ENDING_TAKES: Duration = Duration::from_secs(5);

/// How often log groups are looked through for old streams.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// What an engine needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub data_directory: PathBuf,
    pub settings: Settings,
    /// The `batchdeck` binary; launched as `batchdeck agent --data-dir DIR --instance ID`.
    pub agent_program: PathBuf,
    /// The container runtime's address; `None`: `DOCKER_HOST`, or the first of the usual sockets that answers.
    pub docker_host: Option<String>,
    /// What logs leave free of their disk.
    pub log_reserve: LogReserve,
    /// Who is told of events, by name.
    pub hooks: BTreeMap<String, HookSettings>,
    /// Where AWS's APIs are served on TCP besides the socket.
    pub http: Option<HttpAddress>,
}

/// Why the engine does not run, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error(
        "another engine{} runs on {}. Use it, end it with `batchdeck engine stop`, or choose another data directory with \
         `--data-dir`",
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(),
        data_directory.display()
    )]
    AlreadyRunning { data_directory: PathBuf, pid: Option<u32> },
    #[error("{cause}; {}", cause.hint())]
    Directory {
        #[from]
        cause: DirectoryError,
    },
    #[error("{} cannot be written: {cause}; {}", path.display(), mend(cause))]
    NotWritable { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the socket {} cannot be bound: {cause}; {}", path.display(), mend(cause))]
    Socket { path: PathBuf, cause: io::Error },
    #[error(
        "{address} cannot be bound for AWS's APIs: {cause}. Name another port with `--http`, or port 0 for any free one"
    )]
    Http { address: HttpAddress, cause: io::Error },
    #[error(transparent)]
    Hook(#[from] HookError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(
        "the log streams cannot be watched: {0}. Raise fs.inotify.max_user_instances, or end other programs that watch files"
    )]
    LogWatch(notify::Error),
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
    #[error(
        "the engine ended by a fault of its own; engine.log says where. Nothing that was acknowledged is lost: start it again"
    )]
    Fault,
}

impl DaemonError {
    /// What there is none left of on the disk, where that is why.
    fn lack(&self) -> Option<Lack> {
        match self {
            Self::NotWritable { cause, .. } | Self::Credentials(CredentialsError::Storage { cause, .. }) => {
                Lack::of(cause)
            }
            _ => None,
        }
    }
}

/// Runs an engine until `shutdown` resolves or a client asks it to stop. Agents and jobs go on when it ends.
///
/// Several may run in one process on different data directories.
///
/// # Errors
/// Before anything was changed: another engine runs there, or the journal cannot be used. Later: the journal can no
/// longer be written. Everything that was acknowledged is on the disk in any case.
pub async fn run(options: Options, shutdown: impl Future<Output = ()> + Send) -> Result<(), DaemonError> {
    run_within(Limits::default(), options, shutdown).await
}

async fn run_within(
    limits: Limits,
    options: Options,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), DaemonError> {
    let Options { data_directory, settings, agent_program, docker_host, log_reserve, hooks, http } = options;
    let checked: Vec<Hook> =
        hooks.iter().map(|(name, settings)| Hook::new(name, settings)).collect::<Result<_, _>>()?;
    let directory = DataDirectory::new(&data_directory)?;
    directory.prepare()?;
    let _lock = EngineLock::take(&directory)?;
    let started_at = clock::wall();
    let (door, door_notice) = match Door::open(&directory, http).await {
        // It can be read all the same.
        Err(error) if error.lack().is_some() => {
            (None, Some(format!("AWS's APIs are not served on TCP before the next start: {error}")))
        }
        opened => (opened?, None),
    };
    let place = settings.place.clone();

    let journal_path = directory.journal();
    let (recovered, journal, seed) =
        tokio::task::spawn_blocking(move || recover::open(&journal_path, settings, started_at))
            .await
            .map_err(|_| DaemonError::Fault)??;

    let bind = |path: PathBuf| socket::bind(&path).map_err(|cause| DaemonError::Socket { path, cause });
    let agents_listener = bind(directory.agents_socket())?;
    let engine_listener = bind(directory.socket())?;
    let log_watch = logs::LogWatch::new().map_err(DaemonError::LogWatch)?;
    // Nobody gets past the directory itself, which is closed already: what lies in it may take its time.
    let open = directory.clone();
    tokio::task::spawn_blocking(move || {
        for path in open.close() {
            tracing::warn!(path = %path.display(), "it was open to other users, and is closed to them now");
        }
    });

    let feed = Feed::new(seed);
    let expected = recovered.realms.instances();
    let plain = Arc::clone(recovered.realms.plain());
    let (instances, heard) = Instances::new();
    let clock = Clock::not_before(recovered.last);
    let journal = (journal, seed);
    let parts = driver_parts(recovered.realms, journal, clock, &feed, &recovered.occurrences, &instances, &directory);
    let (driver, mut ending) = driver::start(parts).map_err(DaemonError::Thread)?;

    let mut notices = recovered.notices;
    notices.extend(door_notice);
    if let Some(why) = driver.why_still() {
        tracing::error!("{why}");
    }
    let launch = Launch { program: agent_program, docker_host, log_reserve };
    let talkers = (driver.clone(), feed.clone());
    let mut keeper = Keeper::new(directory.clone(), launch, limits, talkers, (instances.clone(), heard));
    let (alive, lost) = keeper.recover(expected).await;
    if alive + lost > 0 {
        notices.push(format!("{alive} agents went on without the engine, {lost} were lost"));
    }
    // They end with this function, however it ends.
    let mut tasks = JoinSet::new();
    tasks.spawn(keeper.run());
    match recover::resume(&driver, started_at).await {
        Ok(made_up) => notices.extend(made_up),
        Err(cause) => tracing::error!(%cause, "what was missed cannot be made up for"),
    }
    for notice in &notices {
        tracing::info!("{notice}");
    }
    feed.publish(clock::wall(), notices.iter().cloned().map(What::Notice));
    tasks.spawn(instances::connection::accept(agents_listener, limits.listens, instances.clone(), driver.clone()));

    tasks.spawn(sweep(directory.logs()));
    let log_disks = LogDisks::new(directory.logs(), log_reserve);
    tasks.spawn(log_disks.clone().keep(feed.clone()));
    let capacities = capacity::Capacities::open(&directory.capacity(), clock::wall());
    tasks.spawn(capacities.clone().keep(driver.clone(), directory.capacity()));
    let hooks = Hooks::default();
    let around = Surroundings {
        driver: driver.clone(),
        place: place.clone(),
        feed: feed.clone(),
        occurrences: recovered.occurrences.clone(),
        directory: directory.clone(),
    };
    let mut telling: JoinSet<()> = checked.into_iter().map(|hook| hooks.clone().run(hook, around.clone())).collect();
    let stop = Arc::new(Notify::new());
    let (close, closed) = oneshot::channel();
    let world = api::World {
        driver: driver.clone(),
        place,
        feed: feed.clone(),
        instances,
        directory: directory.clone(),
        log_watch,
        log_groups: logs::groups::LogGroups::open(&directory.logs()),
        occurrences: recovered.occurrences,
        capacities,
        log_disks,
        hooks: hooks.clone(),
        started_at,
        notices,
        http: door.as_ref().map(|door| door.address),
        stop: Arc::clone(&stop),
    };
    let worlds = Arc::new(api::Worlds::new(world, plain));
    let (close_door, door_closed) = oneshot::channel();
    let mut door_serving = JoinSet::new();
    if let Some(door) = door {
        tracing::info!(http = %door.address, "AWS's APIs are served on TCP, to requests that are signed");
        door_serving.spawn(serve_door(door, Arc::clone(&worlds), door_closed));
    }
    // Of its own too: what is polled with the ending of this function would take each connection through two threads.
    let mut serving = JoinSet::new();
    serving.spawn(async move { api::serve(engine_listener, &worlds, closed).await });
    tracing::info!(socket = %directory.socket().display(), "the engine runs");

    let fault = tokio::select! {
        () = shutdown => None,
        () = stop.notified() => None,
        Some(_) = serving.join_next() => None,
        ended = &mut ending => Some(ended),
    };
    feed.close();
    hooks.end();
    // Where nothing is served any more, nobody hears it.
    let (_, _) = (close.send(()), close_door.send(()));
    let all = async { tokio::join!(all_end(&mut serving), all_end(&mut door_serving), all_end(&mut telling)) };
    if tokio::time::timeout(ENDING_TAKES, all).await.is_err() {
        tracing::warn!("a request or a hook did not end in time and is cut off");
    }
    tasks.shutdown().await;
    driver.stop();
    let ended = match fault {
        Some(ended) => ended,
        None => ending.await,
    };
    for path in [directory.socket(), directory.agents_socket()] {
        // One that stays is replaced at the next start.
        let _ = std::fs::remove_file(path);
    }
    outcome(ended)
}

/// What the driver works with: its journal, and its ways to the instances and to the logs.
fn driver_parts(
    realms: Realms,
    (journal, seed): (Journal, u64),
    clock: Clock,
    feed: &Feed,
    occurrences: &Occurrences,
    instances: &Instances,
    directory: &DataDirectory,
) -> driver::Parts {
    let (effects, forgetting, runtime) = (instances.clone(), directory.clone(), tokio::runtime::Handle::current());
    let written = directory.logs();
    driver::Parts {
        realms,
        journal,
        seed,
        clock,
        feed: feed.clone(),
        occurrences: occurrences.clone(),
        carry_out: Box::new(move |round| effects.note(Note::Effects(round))),
        last_line: Box::new(move |streams| logs::last_written(&written, streams)),
        forget_logs: Box::new(move |streams| {
            let directory = forgetting.clone();
            runtime.spawn_blocking(move || logs::forget(&directory, &streams));
        }),
    }
}

/// Serves AWS's APIs on TCP; the file that names the address is there as long.
async fn serve_door(door: Door, worlds: Arc<api::Worlds>, closed: oneshot::Receiver<()>) {
    let Door { listener, credentials, sign, .. } = door;
    let _sign = sign;
    api::serve_tcp(listener, worlds, credentials, closed).await;
}

/// How the engine has ended, by how its driver has.
fn outcome(ended: Result<Result<(), JournalError>, oneshot::error::RecvError>) -> Result<(), DaemonError> {
    match ended {
        Ok(Ok(())) => {
            tracing::info!("the engine has ended in good order");
            Ok(())
        }
        Ok(Err(journal)) => {
            tracing::error!(cause = %journal, "the engine ends: its journal cannot be written");
            Err(journal.into())
        }
        Err(_) => Err(DaemonError::Fault),
    }
}

async fn all_end(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Removes log streams that are older than their group keeps them, from time to time.
async fn sweep(logs: PathBuf) {
    loop {
        let sweeping = logs.clone();
        match tokio::task::spawn_blocking(move || logs::groups::sweep(&sweeping, clock::wall())).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "log streams were older than their group keeps them"),
            Err(cause) => tracing::error!(%cause, "old log streams are not removed"),
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

#[cfg(test)]
mod tests;
