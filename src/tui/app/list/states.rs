//! The sets of states by which jobs are listed.

use crate::model::{JobStatus, JobSummary};

/// Which states a list of jobs shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum StateSet {
    #[default]
    Running,
    Waiting,
    Failed,
    Succeeded,
    All,
}

impl StateSet {
    pub const EACH: [Self; 5] = [Self::Running, Self::Waiting, Self::Failed, Self::Succeeded, Self::All];

    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
            Self::All => "all",
        }
    }

    /// For where there is little room.
    pub fn short_name(self) -> &'static str {
        match self {
            Self::Running => "run",
            Self::Waiting => "wait",
            Self::Failed => "fail",
            Self::Succeeded => "done",
            Self::All => "all",
        }
    }

    /// The states, as a query names them.
    pub fn statuses(self) -> Vec<JobStatus> {
        let of = |keep: fn(JobStatus) -> bool| JobStatus::ALL.into_iter().filter(|status| keep(*status)).collect();
        match self {
            Self::Running => of(JobStatus::is_placed),
            Self::Waiting => of(JobStatus::is_waiting),
            Self::Failed => vec![JobStatus::Failed],
            Self::Succeeded => vec![JobStatus::Succeeded],
            Self::All => Vec::new(),
        }
    }

    /// Whether a job belongs here. A parent of an array runs while a child of it does, and waits while one does.
    pub fn holds(self, job: &JobSummary) -> bool {
        let counts = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
        let live_children = counts.filter(|_| job.is_array_parent() && !job.status.is_final());
        match self {
            Self::Running => job.status.is_placed() || live_children.is_some_and(|counts| counts.placed() > 0),
            Self::Waiting => match live_children {
                Some(counts) if counts.total() > 0 => counts.waiting() > 0,
                _ => job.status.is_waiting(),
            },
            Self::Failed => job.status == JobStatus::Failed,
            Self::Succeeded => job.status == JobStatus::Succeeded,
            Self::All => true,
        }
    }

    /// The set that holds these states and no more than it must.
    pub fn around(statuses: &[JobStatus]) -> Self {
        let holds_all = |set: &Self| {
            let own = set.statuses();
            statuses.iter().all(|status| own.contains(status))
        };
        Self::EACH.into_iter().find(holds_all).unwrap_or(Self::All)
    }

    #[must_use]
    pub fn turn(self, steps: usize) -> Self {
        let at = Self::EACH.iter().position(|set| *set == self).unwrap_or(0);
        Self::EACH[(at + steps) % Self::EACH.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ArrayProperties, StatusCounts};

    #[test]
    fn a_parent_of_an_array_is_listed_where_its_children_are() {
        let mut counts = StatusCounts::default();
        counts.add(JobStatus::Running, 2);
        counts.add(JobStatus::Succeeded, 1);
        let parent = JobSummary {
            status: JobStatus::Pending,
            array_properties: Some(ArrayProperties {
                size: Some(3),
                status_summary: Some(counts),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert!(StateSet::Running.holds(&parent));
        assert!(!StateSet::Waiting.holds(&parent));
    }
}
