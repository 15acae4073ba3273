//! What the console asks of the backend, and what comes back.

mod act;
mod perform;

pub use act::{Act, Changed, Outcome, Outline, Progress, Replace, Step, Stopped, carry_out};
pub use perform::{perform, save};

use crate::backend::{BackendError, JobQuery, Page};
use crate::config::kept::{KeptError, Note};
use crate::config::theme::{Theme, ThemeError};
use crate::model::watch::{SaveWatch, Watch};
use crate::model::{
    AuditEntry, CapacityOverTime, Change, CommandRun, ComputeEnvironment, CostQuery, CostReport, Happened,
    JobDefinition, JobDetail, JobId, JobQueue, JobSummary, Lineage, Millis, Scaling, Schedule, ScheduleRun,
    SchedulingPolicy, Subject, UsageOverTime,
};
use crate::triage::failures::Failures;
use crate::triage::fit::Fit;
use crate::triage::lineage::Tree;
use crate::triage::pulse::Pulse;
use crate::triage::why::Diagnosis;
use crate::tui::app::watches::Watched;
use crate::tui::hand_on::{HandError, Written};
use crate::tui::handover::{self, Handover};
use crate::tui::log_reading::{LogRead, ReadLog};
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

/// Which request an answer belongs to. Later requests have larger ids.
pub type RequestId = u64;

/// One thing to do outside of the console's own state.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub id: RequestId,
    pub ask: Ask,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    Queues,
    Environments,
    Definitions,
    Schedules,
    Audit,
    Watches,
    SaveWatch(Box<SaveWatch>),
    RemoveWatch(String),
    /// Of one, or of all.
    AcknowledgeWatch(Option<String>),
    /// A watch has fired: the terminal's ways to call somebody, and a command of the person's own.
    Tell(String),
    /// Runs the command to which what fired is told.
    TellCommand {
        command: Vec<String>,
        text: String,
    },
    Scaling,
    /// A page of the jobs of one set of states; the set is the console's own mark.
    Jobs {
        set: usize,
        query: JobQuery,
    },
    /// A page of the jobs among which a filter's are looked for.
    Search(JobQuery),
    Children {
        parent: JobId,
        query: JobQuery,
    },
    Describe(Vec<JobId>),
    /// When the last line of a job's log was written.
    LastLine {
        job: JobId,
        group: Option<String>,
        stream: String,
    },
    /// What has become of jobs whose end was accepted.
    Verify(Vec<JobId>),
    Runs {
        group: String,
        name: String,
    },
    /// A diagnosis; with the time of the asking, which is the age of what it rests on.
    Why {
        subject: Subject,
        at: Millis,
    },
    /// What failed since a time; with the time of the asking.
    Failures {
        since: Millis,
        at: Millis,
    },
    /// What a job depends on and what depends on it; with the time of the asking.
    Tree {
        job: JobId,
        at: Millis,
    },
    /// What ended of late, and what changed; with the time of the asking.
    Pulse {
        at: Millis,
    },
    /// What a job has used over time.
    Usage(Box<JobDetail>),
    /// How an environment's capacity went.
    Capacity(String),
    /// What Batch has told `EventBridge` since a cursor.
    Events {
        after: Option<u64>,
    },
    /// What was spent.
    Costs(CostQuery),
    /// What runs have used against what they ask for.
    Fits,
    /// The details of jobs that are to be run again.
    ForRerun(Vec<JobId>),
    /// A job that is to be replaced, with what depends on it; with the time of the asking.
    ForReplace {
        job: JobId,
        at: Millis,
    },
    /// The policy in which a share is to weigh something else.
    Policy {
        arn: String,
        share: String,
    },
    /// A part of a log stream. One that waits takes the place of the one before.
    Log(ReadLog),
    /// No lines are waited for any more.
    StopFollowing,
    /// A log is written out for somebody.
    HandOn {
        read: ReadLog,
        to: HandTo,
    },
    /// The terminal is handed to a program with a file, which is gone afterwards.
    RunProgram {
        to: HandTo,
        file: PathBuf,
    },
    /// An operator's action.
    Act(Act),
    Theme(String),
    /// What is polled is polled for this queue and this environment first.
    LookAt(Sight),
    /// What is polled is polled at once.
    LookAgain,
    /// The code of an MFA device.
    GiveCode(String),
    /// Turn to another context.
    Context(String),
    /// Put a text on the terminal's clipboard.
    Copy(String),
    /// Open an address in `$BROWSER`, where that is set.
    Open(String),
    /// Write a text to a file; without one, the screen as it is shown.
    Save {
        path: PathBuf,
        over: bool,
        text: Option<String>,
    },
    /// Write a bundle for whoever takes over.
    Handover(Box<Handover>),
    /// Hand a text to a program of the person's own, with the terminal.
    Hand {
        program: Program,
        /// What the file is called that it comes in.
        name: String,
        text: String,
    },
    /// Hand a text to the editor and take what it leaves.
    EditText {
        /// What the file is called that it comes in.
        name: String,
        text: String,
    },
    /// Run a command of the person's own, with the terminal.
    RunCommand(Box<Run>),
    /// Put a command that has run on the record.
    RecordRun(CommandRun),
    /// Take the mouse, or leave it to the terminal.
    TakeMouse(bool),
    /// Keep something over restarts.
    Note(Note),
    /// Write every cell of the screen anew.
    Redraw,
    /// Open the stream of changes now, where it waits to be opened again.
    Reconnect,
}

/// The queue and the environment that one looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sight {
    pub queue: Option<String>,
    pub environment: Option<String>,
}

/// A program of the person's own that a text is handed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `$PAGER`, or else `less`.
    Pager,
    /// `$VISUAL` or `$EDITOR`, or else `vi`.
    Editor,
}

/// A command for the shell, which has the terminal while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub title: String,
    /// Its name in the config, or `shell`: for the record.
    pub name: String,
    /// Name or id of what it runs on: for the record.
    pub target: String,
    /// What the shell is given. No value of a row stands in it: the shell reads them from `variables`.
    pub line: String,
    /// The same with the values, quoted: for a person.
    pub shown: String,
    pub variables: Vec<(String, String)>,
    /// Whether what it has written stays on the terminal until Enter.
    pub pauses: bool,
    /// It puts itself on the record.
    pub records_itself: bool,
}

/// Where what was shown has been written to.
pub type Saved = Result<PathBuf, SaveError>;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("{} is there already; end the line in ` !` to write over it", path.display())]
    Exists { path: PathBuf },
    #[error("{} cannot be written: {cause}", path.display())]
    Unwritable { path: PathBuf, cause: io::Error },
}

/// Who is to have a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandTo {
    File(String),
    /// A line for the shell that reads it.
    Command(String),
    Program(Program),
}

/// What comes back.
#[derive(Debug)]
pub enum Answer {
    Queues(Result<Vec<JobQueue>, BackendError>),
    Environments(Result<Vec<ComputeEnvironment>, BackendError>),
    Definitions(Result<Vec<JobDefinition>, BackendError>),
    Schedules(Result<Vec<Schedule>, BackendError>),
    Audit(Result<Vec<AuditEntry>, BackendError>),
    Watches(Result<Vec<Watch>, BackendError>),
    Watched(Result<Watched, BackendError>),
    /// What came of the command that tells it.
    Told(Result<(), String>),
    Scaling(Result<Vec<Scaling>, BackendError>),
    Jobs {
        set: usize,
        page: Result<Page<JobSummary>, BackendError>,
    },
    Found(Result<Page<JobSummary>, BackendError>),
    Children {
        parent: JobId,
        page: Result<Page<JobSummary>, BackendError>,
    },
    Described(Result<Vec<JobDetail>, BackendError>),
    /// `None`: there is no line.
    LastLine {
        job: JobId,
        at: Result<Option<Millis>, BackendError>,
    },
    Verified {
        asked: Vec<JobId>,
        found: Result<Vec<JobDetail>, BackendError>,
    },
    Runs {
        group: String,
        name: String,
        runs: Result<Vec<ScheduleRun>, BackendError>,
    },
    Why {
        subject: Subject,
        told: Result<Box<Diagnosis>, BackendError>,
    },
    /// Groups, and the rows of the jobs in them.
    Failures(Result<(Box<Failures>, Vec<JobSummary>), BackendError>),
    ForRerun(Result<Vec<JobDetail>, BackendError>),
    Usage {
        job: JobId,
        told: Result<UsageOverTime, BackendError>,
    },
    Capacity {
        environment: String,
        told: Result<CapacityOverTime, BackendError>,
    },
    ForReplace {
        job: JobId,
        read: Result<Lineage, BackendError>,
    },
    Policy {
        share: String,
        found: Result<SchedulingPolicy, BackendError>,
    },
    Pulse(Box<Pulse>),
    Events(Result<Heard, BackendError>),
    Costs(Result<Box<CostReport>, BackendError>),
    Fits(Result<Vec<Fit>, BackendError>),
    /// The tree, and the jobs in it.
    Tree {
        job: JobId,
        told: Result<(Box<Tree>, Vec<JobDetail>), BackendError>,
    },
    Log(Result<LogRead, BackendError>),
    Handed {
        to: HandTo,
        written: Result<Written, HandError>,
    },
    Done(Outcome),
    /// An action that is not over yet.
    Progress(Progress),
    Theme(Result<Theme, ThemeError>),
    /// Whether a command that has run is on the record.
    Recorded {
        command: String,
        result: Result<(), BackendError>,
    },
    Saved(Saved),
    /// A bundle, and where it is to go.
    Bundle(handover::To, String),
    /// Whether the code of a device was taken.
    Code(Result<(), BackendError>),
    /// Why something could not be kept over restarts.
    NotKept(KeptError),
}

/// What the console hears from outside.
#[derive(Debug)]
pub enum Message {
    Answer {
        id: RequestId,
        answer: Answer,
    },
    /// The stream of changes is open.
    WatchOpened,
    Change(Change),
    /// The stream of changes broke; it is opened again in a while.
    WatchBroke {
        error: BackendError,
        again_in: Millis,
    },
    /// What stands behind the context was started again, or why it could not be.
    Revived(Result<String, String>),
    /// The theme file changed on disk.
    ThemeFile(Result<Theme, ThemeError>),
}

/// What was told since a cursor.
#[derive(Debug, Default)]
pub struct Heard {
    /// Oldest first, and the last of them where they are many.
    pub happened: VecDeque<Happened>,
    /// Where to go on.
    pub cursor: Option<u64>,
    /// There was more than is known any more, or than is held.
    pub missed: bool,
}

/// Events that are held.
pub const EVENTS_HELD: usize = 2_000;
