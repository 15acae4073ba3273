//! What an answer is about: only the answer to the latest request about a topic is taken.

use crate::model::{JobId, Subject};
use crate::tui::requests::{Answer, Ask};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    Queues,
    Environments,
    Definitions,
    Schedules,
    Audit,
    Watches,
    Scaling,
    Jobs(usize),
    Search,
    Children(JobId),
    Runs(String, String),
    Why(Subject),
    Failures,
    ForRerun,
    ForReplace,
    Policy,
    Tree(JobId),
    Pulse,
    Usage,
    Capacity,
    Events,
    Costs,
    Fits,
    Theme,
    Context,
}

impl Topic {
    /// The topic of a request. One without a topic has an answer that is always taken, or none at all: which have none,
    /// [`perform`](crate::tui::requests::perform) says.
    pub(super) fn of(ask: &Ask) -> Option<Self> {
        Some(match ask {
            Ask::Queues => Self::Queues,
            Ask::Environments => Self::Environments,
            Ask::Definitions => Self::Definitions,
            Ask::Schedules => Self::Schedules,
            Ask::Audit => Self::Audit,
            Ask::Watches => Self::Watches,
            Ask::Scaling => Self::Scaling,
            Ask::Jobs { set, .. } => Self::Jobs(*set),
            Ask::Search(_) => Self::Search,
            Ask::Children { parent, .. } => Self::Children(parent.clone()),
            Ask::Runs { group, name } => Self::Runs(group.clone(), name.clone()),
            Ask::Why { subject, .. } => Self::Why(subject.clone()),
            Ask::Failures { .. } => Self::Failures,
            Ask::ForRerun(_) => Self::ForRerun,
            Ask::ForReplace { .. } => Self::ForReplace,
            Ask::Policy { .. } => Self::Policy,
            Ask::Tree { job, .. } => Self::Tree(job.clone()),
            Ask::Pulse { .. } => Self::Pulse,
            Ask::Usage(_) => Self::Usage,
            Ask::Capacity(_) => Self::Capacity,
            Ask::Events { .. } => Self::Events,
            Ask::Costs(_) => Self::Costs,
            Ask::Fits => Self::Fits,
            Ask::Theme(_) => Self::Theme,
            Ask::Context(_) => Self::Context,
            _ => return None,
        })
    }

    /// The topic of an answer: that of its request.
    pub(super) fn of_answer(answer: &Answer) -> Option<Self> {
        Some(match answer {
            Answer::Queues(_) => Self::Queues,
            Answer::Environments(_) => Self::Environments,
            Answer::Definitions(_) => Self::Definitions,
            Answer::Schedules(_) => Self::Schedules,
            Answer::Audit(_) => Self::Audit,
            Answer::Watches(_) => Self::Watches,
            Answer::Scaling(_) => Self::Scaling,
            Answer::Jobs { set, .. } => Self::Jobs(*set),
            Answer::Found(_) => Self::Search,
            Answer::Children { parent, .. } => Self::Children(parent.clone()),
            Answer::Runs { group, name, .. } => Self::Runs(group.clone(), name.clone()),
            Answer::Why { subject, .. } => Self::Why(subject.clone()),
            Answer::Failures(_) => Self::Failures,
            Answer::ForRerun(_) => Self::ForRerun,
            Answer::ForReplace { .. } => Self::ForReplace,
            Answer::Policy { .. } => Self::Policy,
            Answer::Tree { job, .. } => Self::Tree(job.clone()),
            Answer::Pulse(_) => Self::Pulse,
            Answer::Usage { .. } => Self::Usage,
            Answer::Capacity { .. } => Self::Capacity,
            Answer::Events(_) => Self::Events,
            Answer::Costs(_) => Self::Costs,
            Answer::Fits(_) => Self::Fits,
            Answer::Theme(_) => Self::Theme,
            _ => return None,
        })
    }
}
