//! One instance's process: starts attempts as processes or containers, follows them, writes their log streams, and
//! keeps each exit until the engine has acknowledged it as durable. It outlives the engine.

pub mod inside;
pub mod leftovers;
pub mod message;

mod attempt;
mod containers;
mod control;
mod course;
mod escaped;
mod fence;
mod hold;
mod host;
mod lines;
mod link;
mod log_file;
mod pid_file;
mod process;
mod procs;
mod reserve;
mod runtime;
mod scratch;
mod series;
mod terms;
mod usage;

#[cfg(test)]
mod tests;

use crate::model::{AttemptId, InstanceId, LogReserve, Millis};
use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// `container.reason` of what was killed because it took more memory than it may.
const OUT_OF_MEMORY: &str = "OutOfMemoryError: Container killed due to memory usage";

/// Which instance an agent is, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The engine's: holds `agents.sock`, `agents/`, `logs/` and `work/`.
    pub data_directory: PathBuf,
    pub instance: InstanceId,
    /// `unix:///path` or `tcp://host:port`. `None`: `DOCKER_HOST`, or the first of the usual sockets that answers.
    pub docker_host: Option<String>,
    /// What logs leave free of their disk.
    pub log_reserve: LogReserve,
}

/// Why an agent could not begin.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("`{0}` is no instance id; it is `i-` and 17 hex digits")]
    Instance(InstanceId),
    #[error("the data directory {} cannot be used: {source}; name the engine's with --data-dir", path.display())]
    DataDirectory { path: PathBuf, source: io::Error },
    #[error(
        "the pid file agents/{instance}.pid cannot be written: {source}; end that process, or see to the directory"
    )]
    PidFile { instance: InstanceId, source: io::Error },
    #[error("signals cannot be listened for: {source}")]
    Signals { source: io::Error },
}

/// Lives as an instance until there is no more need of it: the engine has asked it to end and it holds nothing, it got
/// TERM, its data directory is gone, or no engine has come for ten minutes while it held nothing.
pub async fn run(options: Options) -> Result<(), AgentError> {
    host::run(options, host::Limits::default()).await
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// The environment entries, `NAME=value` each, by which the processes of one attempt are known.
fn cookie(instance: &InstanceId, attempt: &AttemptId) -> [String; 3] {
    let [job, number] = attempt_entries(attempt);
    [leftovers::mark(instance), job, number]
}

fn attempt_entries(attempt: &AttemptId) -> [String; 2] {
    [format!("AWS_BATCH_JOB_ID={}", attempt.job), format!("AWS_BATCH_JOB_ATTEMPT={}", attempt.number)]
}
