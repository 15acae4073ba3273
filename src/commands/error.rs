//! What a person reads when a verb could not do what it was asked: what, on what, what next. And the exit code.

use crate::backend::BackendError;
use crate::config::directories::mend;
use crate::config::{ConfigError, ContextError, DirectoryError};
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Exit codes that scripts can trust. Wrong usage is 2, which clap itself exits with.
pub mod exit {
    pub const DONE: u8 = 0;
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const UNREACHABLE: u8 = 3;
    pub const NOT_FOUND: u8 = 4;
    /// What was waited for did not come in time; as `timeout` has it.
    pub const TIMED_OUT: u8 = 124;
    /// 128 + SIGINT, as shells have it.
    pub const INTERRUPTED: u8 = 130;
}

/// Why a verb did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("{doing}: {source}")]
    Backend { doing: String, source: BackendError },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Context(#[from] ContextError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error("no engine runs in {}", .0.display())]
    NoEngine(PathBuf),
    /// `engine env` needs one with a door.
    #[error("no engine runs in {}", .0.display())]
    NoEngineForEnv(PathBuf),
    #[error("the engine (pid {pid}) does not serve AWS's APIs on TCP")]
    NoDoor { pid: u32 },
    #[error("--http: {0}")]
    Door(#[from] crate::config::HttpAddressError),
    #[error("no engine runs in {}, and a read-only context starts none", .0.display())]
    NoEngineToRead(PathBuf),
    #[error("the engine did not start in {}: {cause}{}", data_directory.display(), tail_of(log_tail))]
    EngineStart { data_directory: PathBuf, cause: String, log_tail: Vec<String> },
    #[error("{} cannot be written: {cause}", path.display())]
    Write { path: PathBuf, cause: io::Error },
    #[error("{} cannot be written: {cause}", path.display())]
    NotWritable { path: PathBuf, cause: io::Error },
    #[error("the engine stopped: {0}")]
    Engine(String),
    #[error("the agent stopped: {0}")]
    Agent(String),
    #[error(transparent)]
    Console(#[from] crate::tui::TuiError),
    #[error(transparent)]
    Theme(#[from] crate::config::theme::ThemeError),
    #[error("the engine in {} (pid {pid}) has not ended after {seconds} seconds", data_directory.display())]
    EngineStop { data_directory: PathBuf, pid: u32, seconds: u64 },
    #[error("no job has the id `{given}`, and none has one that begins so")]
    UnknownJob { given: String },
    #[error("`{given}` is no id, and the name of {}", listed(jobs))]
    NameOfJobs { given: String, jobs: Vec<String> },
    #[error("{} jobs have an id that begins with `{given}`: {}", matches.len(), listed(matches))]
    AmbiguousJob { given: String, matches: Vec<String> },
    #[error("{} instances have an id that begins with `{given}`: {}", matches.len(), listed(matches))]
    AmbiguousInstance { given: String, matches: Vec<String> },
    #[error("there is no {kind} `{given}`")]
    UnknownName { kind: Named, given: String, meant: Option<String>, known: Vec<String> },
    #[error("there are several queues and none is called `default`: {}", listed(.0))]
    WhichQueue(Vec<String>),
    #[error("there is no queue yet")]
    NoQueue { local: bool },
    #[error("the context `{context}` is read-only; {action} would change something")]
    ReadOnly { context: String, action: &'static str, configured: bool },
    #[error("the context `{context}` asks for a code of {device}, and there is no terminal to type it on")]
    NoCode { context: String, device: String },
    #[error("`{action}` is for a local engine, and the context `{context}` is AWS")]
    LocalOnly { context: String, action: &'static str },
    #[error("`{given}` is no {what}; it takes {takes}")]
    Usage { what: &'static str, given: String, takes: &'static str },
    #[error("`{verb}` needs {what}")]
    Needs { verb: &'static str, what: &'static str },
    #[error("{0}")]
    Invalid(#[from] crate::model::validate::Invalid),
    #[error("the condition is not understood: {0}")]
    Condition(#[from] crate::model::watch::ConditionError),
    #[error("{0}")]
    Expression(#[from] crate::model::expression::ExpressionError),
    #[error("the job {id} ({name}) has no log: {why}")]
    NoLog { id: String, name: String, why: String },
    #[error("there is no shell for the job {id} ({name}): {why}")]
    NoShell { id: String, name: String, why: String },
    #[error("the job {id} cannot be replaced: {why}")]
    NotReplaced { id: crate::model::JobId, why: crate::triage::replace::Unreplaceable },
    #[error("{} cannot be read: {cause}", super::input::named(path))]
    Read { path: PathBuf, cause: String },
    #[error("{} of {} could not be done", .failed, .all)]
    Some { failed: usize, all: usize },
    #[error("standard output cannot be written: {0}")]
    Output(#[from] io::Error),
    #[error("the program could not start: {0}")]
    Start(io::Error),
}

/// What a name is the name of, and the verb that lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    Queue,
    Environment,
    Instance,
    Definition,
    Schedule,
    Watch,
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Queue => "queue",
            Self::Environment => "compute environment",
            Self::Instance => "instance",
            Self::Definition => "job definition",
            Self::Schedule => "schedule",
            Self::Watch => "watch",
        })
    }
}

impl Named {
    fn lister(self) -> &'static str {
        match self {
            Self::Queue => "batchdeck queues",
            Self::Environment => "batchdeck envs",
            Self::Instance => "batchdeck engine status",
            Self::Definition => "batchdeck definitions",
            Self::Schedule => "batchdeck schedule list",
            Self::Watch => "batchdeck watch list",
        }
    }
}

/// Adds what was being done to a backend's error.
pub trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, CommandError>;
}

impl<T> Doing<T> for Result<T, BackendError> {
    fn doing(self, what: impl Into<String>) -> Result<T, CommandError> {
        self.map_err(|source| CommandError::Backend { doing: what.into(), source })
    }
}

impl CommandError {
    /// Whether it says what there is instead of what was named.
    pub fn tells_what_is_there(&self) -> bool {
        matches!(self, Self::UnknownName { .. } | Self::WhichQueue(_) | Self::NoQueue { .. })
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Backend { source: BackendError::Unreachable { .. }, .. }
            | Self::NoEngine(_)
            | Self::NoEngineToRead(_)
            | Self::NoEngineForEnv(_)
            | Self::EngineStart { .. } => exit::UNREACHABLE,
            Self::Backend { source: BackendError::NotFound { .. }, .. }
            | Self::NotReplaced { why: crate::triage::replace::Unreplaceable::Unknown, .. }
            | Self::UnknownJob { .. }
            | Self::NameOfJobs { .. }
            | Self::UnknownName { .. }
            | Self::NoLog { .. }
            | Self::NoShell { .. }
            | Self::NoQueue { .. }
            | Self::Context(_) => exit::NOT_FOUND,
            Self::Backend { source: BackendError::Settings { .. }, .. }
            | Self::Config(_)
            | Self::AmbiguousJob { .. }
            | Self::AmbiguousInstance { .. }
            | Self::WhichQueue(_)
            | Self::Theme(_)
            | Self::Usage { .. }
            | Self::Needs { .. }
            | Self::Door(_)
            | Self::Invalid(_)
            | Self::Condition(_)
            | Self::Expression(_) => exit::USAGE,
            Self::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe => exit::DONE,
            _ => exit::FAILED,
        }
    }

    /// What was probably meant, or what there is, where a name was wrong.
    fn known(&self) -> Option<String> {
        Some(match self {
            Self::Context(error) => match &error.meant {
                Some(meant) => format!("did you mean `{meant}`? {}", there_are("There", &error.known)),
                None => format!("{}; others are made in the config file", there_are("there", &error.known)),
            },
            Self::UnknownName { kind, meant: Some(meant), .. } => {
                format!("did you mean `{meant}`? `{}` lists all", kind.lister())
            }
            // What `init` makes is told as something to do.
            Self::UnknownName { kind: Named::Definition, given, known, .. } if known.is_empty() && given == "host" => {
                return None;
            }
            Self::UnknownName { kind, known, .. } if known.is_empty() => format!("there is no {kind} at all yet"),
            Self::UnknownName { known, .. } => there_are("there", known),
            _ => return None,
        })
    }

    /// What to do next, where there is something.
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Directory(error) => error.hint().to_owned(),
            Self::NoEngine(_) | Self::NoEngineToRead(_) => "`batchdeck engine start` starts one".to_owned(),
            Self::NoEngineForEnv(_) => {
                "`batchdeck engine start --http 127.0.0.1:4566` starts one that AWS's tools can use".to_owned()
            }
            Self::NoDoor { .. } => {
                "`batchdeck engine stop; batchdeck engine start --http 127.0.0.1:4566` opens it, or set `http` in \
                 `[engine]` of the config"
                    .to_owned()
            }
            Self::NotWritable { cause, .. } => mend(cause).to_owned(),
            Self::EngineStop { pid, .. } => format!("look at engine.log in its data directory, or `kill {pid}`"),
            Self::UnknownJob { .. } => "`batchdeck jobs` lists jobs with their ids".to_owned(),
            Self::NameOfJobs { .. } => "write the id: several jobs may have one name".to_owned(),
            Self::AmbiguousJob { .. } | Self::AmbiguousInstance { .. } => "write more letters of the id".to_owned(),
            Self::UnknownName { kind: Named::Definition, given, known, .. } if known.is_empty() && given == "host" => {
                "`batchdeck init` makes what a first job needs".to_owned()
            }
            Self::WhichQueue(_) => "name one with --queue NAME".to_owned(),
            Self::NoQueue { local: true } => "`batchdeck init` makes one, and what else a first job needs".to_owned(),
            Self::NoQueue { local: false } => {
                "another region is chosen by AWS_REGION or by the context's `region`".to_owned()
            }
            Self::ReadOnly { configured: true, .. } => {
                "choose another context with --context NAME; that this one is read-only stands in the config".to_owned()
            }
            Self::ReadOnly { .. } => "leave --read-only out, or choose another context with --context NAME".to_owned(),
            Self::Backend { source: BackendError::Throttled { .. }, .. } => {
                "again in a minute: the account's programs share what it may call (`calls-per-second` of the context is \
                 this one's part)"
                    .to_owned()
            }
            Self::Backend { source: BackendError::Malformed { .. }, .. } => {
                "`batchdeck doctor` tells who answers there".to_owned()
            }
            Self::Condition(_) => "`batchdeck watch --help` shows what one can watch for".to_owned(),
            Self::NoCode { context, .. } => format!(
                "`batchdeck queues --context {context}` on a terminal: the session is kept for other verbs until it expires"
            ),
            Self::LocalOnly { .. } => "choose a local engine with --context local".to_owned(),
            _ => return None,
        })
    }

    /// The block that goes to standard error.
    pub fn block(&self) -> String {
        let mut block = format!("error: {self}");
        if let Some(known) = self.known() {
            let _ = write!(block, "\n  {known}");
        }
        if let Some(hint) = self.hint() {
            let _ = write!(block, "\n  try: {hint}");
        }
        block.push('\n');
        block
    }
}

/// `there are: high, low`; the first word is given, as it may begin a sentence.
fn there_are(there: &str, names: &[String]) -> String {
    format!("{there} {}: {}", if names.len() == 1 { "is" } else { "are" }, listed(names))
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        let _ = write!(text, " and {} more", names.len() - SHOWN);
    }
    text
}

fn tail_of(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |text, line| text + "\n  | " + line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_on_what_and_what_next_and_has_its_exit_code() {
        let unreachable = BackendError::Unreachable {
            endpoint: "/d/engine.sock".to_owned(),
            cause: "connection refused".to_owned(),
            hint: "Start the engine",
        };
        let cases = [
            (
                CommandError::Backend { doing: "listing queues".to_owned(), source: unreachable },
                "error: listing queues: /d/engine.sock cannot be reached: connection refused. Start the engine\n",
                exit::UNREACHABLE,
            ),
            (
                CommandError::UnknownName {
                    kind: Named::Queue,
                    given: "hgih".to_owned(),
                    meant: Some("high".to_owned()),
                    known: vec!["high".to_owned()],
                },
                "error: there is no queue `hgih`\n  did you mean `high`? `batchdeck queues` lists all\n",
                exit::NOT_FOUND,
            ),
            (
                CommandError::UnknownName {
                    kind: Named::Queue,
                    given: "nightly".to_owned(),
                    meant: None,
                    known: vec!["default".to_owned()],
                },
                "error: there is no queue `nightly`\n  there is: default\n",
                exit::NOT_FOUND,
            ),
            (
                CommandError::NoEngineToRead("/d".into()),
                "error: no engine runs in /d, and a read-only context starts none\n  \
                 try: `batchdeck engine start` starts one\n",
                exit::UNREACHABLE,
            ),
            (
                CommandError::Invalid(crate::model::validate::array_size(1).expect_err("too small")),
                "error: arrayProperties.size is `1`; it takes 2 to 10000\n",
                exit::USAGE,
            ),
            (
                CommandError::Backend {
                    doing: "listing queues".to_owned(),
                    source: BackendError::Throttled { message: "Rate exceeded".to_owned() },
                },
                "error: listing queues: the service asks for fewer calls: Rate exceeded\n  \
                 try: again in a minute: the account's programs share what it may call (`calls-per-second` of the context \
                 is this one's part)\n",
                exit::FAILED,
            ),
            (
                CommandError::UnknownJob { given: "3f2a".to_owned() },
                "error: no job has the id `3f2a`, and none has one that begins so\n  \
                 try: `batchdeck jobs` lists jobs with their ids\n",
                exit::NOT_FOUND,
            ),
            (
                CommandError::ReadOnly { context: "prod".to_owned(), action: "cancel", configured: false },
                "error: the context `prod` is read-only; cancel would change something\n  \
                 try: leave --read-only out, or choose another context with --context NAME\n",
                exit::FAILED,
            ),
        ];
        for (error, block, code) in cases {
            assert_eq!(error.block(), block);
            assert_eq!(error.exit_code(), code, "{error}");
        }
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let gone = CommandError::Output(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(gone.exit_code(), exit::DONE);
        let full = CommandError::Output(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.exit_code(), exit::FAILED);
    }
}
