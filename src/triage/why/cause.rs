//! A cause, what speaks for it, and what can be done about it.

use crate::model::{JobId, Millis};
use serde::Serialize;

/// One cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The rule that found it, by its name in the catalogue.
    pub rule: &'static str,
    pub title: String,
    pub certainty: Certainty,
    /// What it means.
    pub why: String,
    pub evidence: Vec<Fact>,
    pub steps: Vec<NextStep>,
}

/// How sure it is, from the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Certainty {
    /// No fault: to be known all the same.
    Note,
    /// Plausible; another cause looks the same.
    Possible,
    /// Follows from documented behaviour, or several reports agree.
    Likely,
    /// The service says so, or the words are unmistakable.
    Certain,
}

impl Certainty {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "to know",
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// A field and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// As the API calls it, with what it is of: `queue main · state`.
    pub field: String,
    pub value: String,
    /// Since when it is so, or when it happened, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
    /// When it was read.
    pub read_at: Millis,
}

impl Fact {
    #[must_use]
    pub fn since(mut self, at: Option<Millis>) -> Self {
        self.since = at.filter(|at| *at > 0);
        self
    }
}

/// Something that can be done from here.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NextStep {
    /// What to do, for a person: `enable the compute environment local`.
    pub words: String,
    pub deed: Deed,
    /// The same as words of a command line; empty where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

/// What a step does. What changes the world asks before.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Deed {
    /// To be done elsewhere, by the words.
    Elsewhere,
    OpenJob(JobId),
    OpenLog(JobId),
    OpenQueue(String),
    OpenEnvironment(String),
    /// Diagnoses another job.
    WhyJob(JobId),
    WhyEnvironment(String),
    EnableQueue(String),
    EnableEnvironment(String),
    /// Sets `maxvCpus`.
    SetMaximum {
        environment: String,
        vcpus: i32,
    },
    /// Submits the job again, with another size where one is given.
    #[serde(rename_all = "camelCase")]
    Resubmit {
        job: JobId,
        memory_mib: Option<u64>,
        vcpus: Option<u64>,
        attempts: Option<u32>,
    },
    /// Cancels it, or terminates it where it has started.
    Stop(JobId),
    ReleaseJob(JobId),
    ReleaseQueue(String),
    /// Moves it to the front, or to another queue.
    Move(JobId),
    /// Gives the queue another priority.
    SetPriority(String),
}

impl Deed {
    /// Whether it changes the world.
    pub fn writes(&self) -> bool {
        !matches!(
            self,
            Self::Elsewhere
                | Self::OpenJob(_)
                | Self::OpenLog(_)
                | Self::OpenQueue(_)
                | Self::OpenEnvironment(_)
                | Self::WhyJob(_)
                | Self::WhyEnvironment(_)
        )
    }

    /// The words of the command line that does the same, without the program's name; empty where none does.
    fn command(&self) -> Vec<String> {
        let words: Vec<&str> = match self {
            Self::Elsewhere | Self::Resubmit { .. } => Vec::new(),
            Self::OpenJob(id) => vec!["job", id.as_str()],
            Self::OpenLog(id) => vec!["logs", id.as_str()],
            Self::OpenQueue(queue) => vec!["queues", "snapshot", queue],
            Self::OpenEnvironment(_) => vec!["envs"],
            Self::WhyJob(id) => vec!["why", id.as_str()],
            Self::WhyEnvironment(name) => vec!["why", "--environment", name],
            Self::EnableQueue(queue) => vec!["queues", "enable", queue],
            Self::EnableEnvironment(name) => vec!["envs", "enable", name],
            Self::SetMaximum { environment, vcpus } => {
                return ["envs", "update", environment, "--max", &vcpus.to_string()].map(str::to_owned).to_vec();
            }
            Self::Stop(id) => vec!["terminate", id.as_str(), "--reason", "…"],
            Self::ReleaseJob(id) => vec!["release", id.as_str()],
            Self::ReleaseQueue(queue) => vec!["release", "--queue", queue],
            Self::Move(id) => vec!["move", id.as_str(), "--front"],
            Self::SetPriority(queue) => vec!["reprioritise", "--queue", queue, "…"],
        };
        words.into_iter().map(str::to_owned).collect()
    }
}

impl NextStep {
    pub fn new(words: impl Into<String>, deed: Deed) -> Self {
        let command = deed.command();
        Self { words: words.into(), deed, command }
    }

    /// What is done outside of this program.
    pub fn elsewhere(words: impl Into<String>) -> Self {
        Self::new(words, Deed::Elsewhere)
    }

    /// By these words in place of the deed's own.
    #[must_use]
    pub fn by(mut self, command: Vec<String>) -> Self {
        self.command = command;
        self
    }
}
