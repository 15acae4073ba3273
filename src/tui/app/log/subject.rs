//! Which log is looked at: of one job's attempt and container, or of several as one.

use crate::model::{JobId, Millis};
use crate::tui::log_reading::Source;

/// What the log pane is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Subject {
    /// Nothing is selected.
    #[default]
    Nothing,
    /// There is no log, and why.
    Without {
        job: JobId,
        name: String,
        why: String,
    },
    /// What has to be known first is being asked for.
    Asked {
        job: JobId,
        name: String,
    },
    Stream(Stream),
}

/// One stream of lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stream {
    pub job: JobId,
    pub name: String,
    /// What to say of how it was chosen: `attempt 2`, `child 17, the lowest that runs`.
    pub which: String,
    pub group: Option<String>,
    pub stream: String,
    /// Several streams that are read as one in its place.
    pub merged: Vec<Source>,
    /// Nothing was written to these before the one time, and nothing after the other.
    pub between: (Millis, Millis),
    /// Whether the job has ended: nothing more is to come.
    pub ended: bool,
}

impl Stream {
    pub fn sources(&self) -> Vec<Source> {
        if !self.merged.is_empty() {
            return self.merged.clone();
        }
        vec![Source { group: self.group.clone(), stream: self.stream.clone(), ..Source::default() }]
    }
}

/// Which logs are read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    /// Of all attempts of a job.
    Attempts(JobId),
    /// Of the children of an array, or of the nodes of a job.
    Parts(JobId),
    Jobs(Vec<JobId>),
}

/// Which of a job's logs is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// `None`: the last.
    pub attempt: Option<u32>,
    /// `None`: the one that stands for the job.
    pub container: Option<String>,
}
