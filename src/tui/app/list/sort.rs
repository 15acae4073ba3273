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
}

impl Sort {
    const EACH: [Self; 13] = [
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
    ];

    /// Whether a list of these states has the column.
    fn is_of(self, set: StateSet) -> bool {
        match self {
            Self::Cpu | Self::Memory | Self::Instance => set == StateSet::Running,
            Self::Priority => set == StateSet::Waiting,
            Self::Took | Self::Exit => matches!(set, StateSet::Failed | StateSet::Succeeded),
            Self::Reason => set != StateSet::Running,
            _ => true,
        }
    }

    /// The next one that a list of these states has a column for.
    #[must_use]
    pub fn next(self, set: StateSet) -> Self {
        let at = Self::EACH.iter().position(|sort| *sort == self).unwrap_or(0);
        let mut after = Self::EACH.into_iter().cycle().skip(at + 1);
        after.find(|sort| sort.is_of(set)).unwrap_or_default()
    }

    /// The order of this name and whether it is turned around: `age`, `-age`.
    pub fn named(text: &str) -> Result<(Self, bool), String> {
        let (name, reversed) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let found = Self::EACH.into_iter().find(|sort| sort.key() == name);
        let all = || Self::EACH.map(Self::key).join(", ");
        found.map(|sort| (sort, reversed)).ok_or_else(|| format!("`sort` takes {}, not `{name}`", all()))
    }

    /// The order by the column of this title.
    pub fn of_title(title: &str) -> Option<Self> {
        Some(match title {
            "job" => Self::Name,
            "for" | "since" | "ended" => Self::Age,
            "prio" => Self::Priority,
            other => Self::EACH.into_iter().find(|sort| sort.name(StateSet::All) == other)?,
        })
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
        }
    }

    /// How two jobs stand to each other in a list of these states.
    pub(super) fn compare(self, set: StateSet, a: &JobSummary, b: &JobSummary) -> Ordering {
        let priority = |job: &JobSummary| job.extra.as_ref().map_or(0, |extra| extra.priority);
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_of_a_list_can_be_sorted_by_and_no_other() {
        let walk = |set: StateSet| {
            let mut sorts = vec![Sort::Natural];
            while let Some(next) = sorts.last().map(|sort| sort.next(set)).filter(|next| *next != Sort::Natural) {
                sorts.push(next);
            }
            sorts.into_iter().map(Sort::key).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(walk(StateSet::Running), "turn age name queue definition state cpu memory instance");
        assert_eq!(walk(StateSet::Waiting), "turn age name queue definition state priority why");
        assert_eq!(walk(StateSet::Failed), "turn age name queue definition state took exit why");
        assert_eq!(walk(StateSet::All), "turn age name queue definition state why");
    }
}
