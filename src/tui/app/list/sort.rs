//! By what a list of jobs is ordered.

use super::{StateSet, queue_of, since};
use crate::model::JobSummary;
use std::cmp::Ordering;

/// By what a list of jobs is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sort {
    /// What an operator looks for first: the queue's order for waiting jobs, the newest first for others.
    #[default]
    Natural,
    Age,
    Name,
    Queue,
    Definition,
    State,
    /// What takes most first, as [`Sort::Memory`] does.
    Cpu,
    Memory,
    /// The one that goes first.
    Priority,
    /// The longest first.
    Took,
    Exit,
    Instance,
    Reason,
    Id,
    Share,
    /// Who has tried most comes first.
    Attempt,
    /// The newest first, as [`Sort::Started`] does.
    Submitted,
    Started,
}

impl Sort {
    const EACH: [Self; 18] = [
        Self::Natural,
        Self::Age,
        Self::Name,
        Self::Queue,
        Self::Definition,
        Self::State,
        Self::Cpu,
        Self::Memory,
        Self::Priority,
        Self::Took,
        Self::Exit,
        Self::Instance,
        Self::Reason,
        Self::Id,
        Self::Share,
        Self::Attempt,
        Self::Submitted,
        Self::Started,
    ];

    /// Which way around it is.
    pub fn arrow(reversed: bool) -> &'static str {
        if reversed { "↓" } else { "↑" }
    }

    /// The next one that a list with these columns has.
    #[must_use]
    pub fn next(self, columns: &[&str]) -> Self {
        let of: Vec<Self> = columns.iter().filter_map(|name| Self::of_column(name)).collect();
        let at = Self::EACH.iter().position(|sort| *sort == self).unwrap_or(0);
        let mut after = Self::EACH.into_iter().cycle().skip(at + 1).take(Self::EACH.len());
        after.find(|sort| *sort == Self::Natural || of.contains(sort)).unwrap_or_default()
    }

    /// The order of this name and whether it is turned around: `age`, `-age`.
    pub fn named(text: &str) -> Result<(Self, bool), String> {
        let (name, reversed) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let found = Self::EACH.into_iter().find(|sort| sort.key() == name);
        let all = || Self::EACH.map(Self::key).join(", ");
        found.map(|sort| (sort, reversed)).ok_or_else(|| format!("`sort` takes {}, not `{name}`", all()))
    }

    /// The order by the column of this name.
    pub fn of_column(name: &str) -> Option<Self> {
        match name {
            "job" => Some(Self::Name),
            "turn" | "newest" | "name" => None,
            other => Self::EACH.into_iter().find(|sort| sort.name(StateSet::All) == other),
        }
    }

    /// What a line of the palette calls it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Natural => "turn",
            other => other.name(StateSet::All),
        }
    }

    pub fn name(self, set: StateSet) -> &'static str {
        match self {
            Self::Natural if set == StateSet::Waiting => "turn",
            Self::Natural => "newest",
            Self::Age => "age",
            Self::Name => "name",
            Self::Queue => "queue",
            Self::Definition => "definition",
            Self::State => "state",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Priority => "priority",
            Self::Took => "took",
            Self::Exit => "exit",
            Self::Instance => "instance",
            Self::Reason => "why",
            Self::Id => "id",
            Self::Share => "share",
            Self::Attempt => "attempt",
            Self::Submitted => "submitted",
            Self::Started => "started",
        }
    }

    /// How two jobs stand to each other in a list of these states.
    pub(super) fn compare(self, set: StateSet, a: &JobSummary, b: &JobSummary) -> Ordering {
        let priority = |job: &JobSummary| job.extra.as_ref().map_or(0, |extra| extra.priority);
        let attempt = |job: &JobSummary| job.extra.as_ref().map_or(0, |extra| extra.attempt);
        let memory = |job: &JobSummary| {
            job.extra.as_ref().map_or(0.0, |extra| {
                let asked = u32::try_from(extra.memory_mib).map_or(f64::MAX, f64::from);
                extra.usage.map_or(asked, |usage| usage.memory_mib)
            })
        };
        let cpu = |job: &JobSummary| {
            job.extra.as_ref().map_or(0.0, |extra| extra.usage.map_or(extra.vcpus, |usage| usage.cpu))
        };
        let took = |job: &JobSummary| job.started_at.zip(job.stopped_at).map(|(from, to)| to - from);
        let exit = |job: &JobSummary| job.container.as_ref().and_then(|container| container.exit_code);
        let instance = |job: &JobSummary| job.extra.as_ref().and_then(|extra| extra.instance.clone());
        let reason = |job: &JobSummary| {
            let told = job.container.as_ref().and_then(|container| container.reason.clone());
            told.or_else(|| job.status_reason.clone())
        };
        match self {
            Sort::Natural if set == StateSet::Waiting => {
                priority(b).cmp(&priority(a)).then_with(|| a.created_at.cmp(&b.created_at))
            }
            Sort::Natural => since(b).cmp(&since(a)),
            Sort::Age => since(a).cmp(&since(b)),
            Sort::Name => a.job_name.cmp(&b.job_name),
            Sort::Queue => queue_of(a).cmp(&queue_of(b)).then_with(|| a.created_at.cmp(&b.created_at)),
            Sort::Definition => a.job_definition.cmp(&b.job_definition),
            Sort::State => a.status.cmp(&b.status),
            Sort::Cpu => cpu(b).total_cmp(&cpu(a)),
            Sort::Memory => memory(b).total_cmp(&memory(a)),
            Sort::Priority => priority(b).cmp(&priority(a)),
            Sort::Took => took(b).cmp(&took(a)),
            Sort::Exit => exit(a).cmp(&exit(b)),
            Sort::Instance => instance(a).cmp(&instance(b)),
            Sort::Reason => reason(a).cmp(&reason(b)),
            Sort::Id => a.job_id.cmp(&b.job_id),
            Sort::Share => a.share_identifier.cmp(&b.share_identifier),
            Sort::Attempt => attempt(b).cmp(&attempt(a)),
            Sort::Submitted => b.created_at.cmp(&a.created_at),
            Sort::Started => b.started_at.cmp(&a.started_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::columns::OF_JOBS;

    #[test]
    fn a_list_is_sorted_by_each_of_its_columns_and_by_no_other() {
        let walk = |columns: &[&str]| {
            let mut sorts = vec![Sort::Natural];
            while let Some(next) = sorts.last().map(|sort| sort.next(columns)).filter(|next| *next != Sort::Natural) {
                sorts.push(next);
            }
            sorts.into_iter().map(Sort::key).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(walk(&["job", "age", "cpu", "instance"]), "turn age name cpu instance");
        assert_eq!(walk(&["", "state", "why", "id"]), "turn state why id");
        assert_eq!(walk(&[]), "turn");
        let all: Vec<Option<Sort>> = OF_JOBS.iter().map(|name| Sort::of_column(name)).collect();
        assert!(all.iter().all(Option::is_some), "each column can be sorted by: {all:?}");
        assert_eq!(Sort::of_column("turn"), None);
    }
}
