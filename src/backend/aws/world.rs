//! What a watch has seen, and what is different now. Pure.

use super::schedules::Key;
use crate::model::{ComputeEnvironment, JobId, JobQueue, JobStatus, JobSummary, Millis, Schedule, StatusCounts, What};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a queue at most that AWS has forgotten.
pub const REMEMBERED: usize = 1_000;

/// All that a watch has seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    pub queues: BTreeMap<String, JobQueue>,
    pub environments: BTreeMap<String, ComputeEnvironment>,
    /// By queue.
    pub jobs: BTreeMap<String, QueueJobs>,
    pub schedules: BTreeMap<Key, Schedule>,
    /// How many steps of instances have been told.
    pub steps_told: u64,
}

/// The jobs of one queue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueueJobs {
    pub rows: BTreeMap<JobId, JobSummary>,
    /// States of which every row was read; of the others there may be more.
    pub whole: BTreeSet<JobStatus>,
    /// The newest hundred jobs were all that there were.
    at_once: bool,
    /// Jobs that have not ended and were met by an earlier reading alone.
    pub unseen: Vec<JobId>,
}

/// What was read of a queue in one go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    pub rows: BTreeMap<JobId, JobSummary>,
    /// States of which every row was read.
    pub whole: BTreeSet<JobStatus>,
    /// States of which the first page was read and there are more.
    pub cut: BTreeSet<JobStatus>,
    /// There are more jobs than the newest hundred.
    pub overflows: bool,
}

impl Survey {
    /// Adds rows; one that was seen before is replaced.
    pub fn see(&mut self, rows: Vec<JobSummary>) {
        self.rows.extend(rows.into_iter().map(|row| (row.job_id.clone(), row)));
    }
}

impl QueueJobs {
    /// Takes a survey in. Answers which jobs were there and are in none of the states that were read whole: to be
    /// described, since they have moved on between two calls. A job that had ended and is listed no more is forgotten;
    /// a job of a state that was not read whole stays as it was.
    pub fn settle(&mut self, survey: Survey) -> Vec<JobId> {
        let mut missing = Vec::new();
        self.unseen.clear();
        let before = std::mem::replace(&mut self.rows, survey.rows);
        for (id, row) in before {
            if self.rows.contains_key(&id) {
                continue;
            }
            if !survey.whole.contains(&row.status) {
                if !row.status.is_final() {
                    self.unseen.push(id.clone());
                }
                self.rows.insert(id, row);
            } else if !row.status.is_final() {
                missing.push(id);
            }
        }
        let is_all = survey.whole.len() == JobStatus::ALL.len();
        if survey.overflows && std::mem::take(&mut self.at_once) {
            // What was whole by being few is few no more.
            self.whole.clear();
        }
        self.at_once = is_all && !survey.overflows;
        self.whole.extend(survey.whole);
        self.whole.retain(|status| !survey.cut.contains(status));
        missing
    }

    /// Jobs by state, an array by its children, and whether there are more.
    pub fn counts(&self) -> (StatusCounts, bool) {
        let mut counts = StatusCounts::default();
        // What AWS has forgotten is in none of its lists.
        for row in self.rows.values().filter(|row| row.from_history().is_none()) {
            match row.array_properties.as_ref().and_then(|array| array.status_summary.as_ref()) {
                Some(children) => children.0.iter().for_each(|(status, count)| counts.add(*status, *count)),
                None => counts.add(row.status, 1),
            }
        }
        (counts, self.whole.len() < JobStatus::ALL.len())
    }

    /// Takes in what is remembered of jobs that AWS has forgotten: what it still tells goes before it.
    pub fn remember(&mut self, rows: Vec<JobSummary>) {
        for row in rows {
            self.rows.entry(row.job_id.clone()).or_insert(row);
        }
    }

    /// Jobs of `before` that had ended and are listed no more: they stay, as what is remembered. `now` is when it was told of
    /// them last, for those that have just been forgotten.
    pub fn keep_forgotten(&mut self, before: &Self, now: Millis) {
        for (id, row) in before.rows.iter().filter(|(_, row)| row.status.is_final()) {
            if !self.rows.contains_key(id) {
                let mut row = row.clone();
                row.extra.get_or_insert_default().from_history.get_or_insert(now);
                self.rows.insert(id.clone(), row);
            }
        }
        let forgotten = self.rows.values().filter(|row| row.from_history().is_some());
        let mut forgotten: Vec<(Millis, JobId)> = forgotten.map(|row| (row.created_at, row.job_id.clone())).collect();
        forgotten.sort_unstable();
        let too_many = forgotten.len().saturating_sub(REMEMBERED);
        for (_, id) in forgotten.drain(..too_many) {
            self.rows.remove(&id);
        }
    }

    /// Whether any job has not ended.
    pub fn is_busy(&self) -> bool {
        self.rows.values().any(|row| !row.status.is_final())
    }
}

pub fn queue_changes(old: &BTreeMap<String, JobQueue>, new: &BTreeMap<String, JobQueue>) -> Vec<What> {
    changes(old, new, |queue| What::Queue(Box::new(queue.clone())), |name| What::QueueGone(name.clone()))
}

pub fn environment_changes(
    old: &BTreeMap<String, ComputeEnvironment>,
    new: &BTreeMap<String, ComputeEnvironment>,
) -> Vec<What> {
    let row = |environment: &ComputeEnvironment| What::ComputeEnvironment(Box::new(environment.clone()));
    changes(old, new, row, |name| What::ComputeEnvironmentGone(name.clone()))
}

pub fn job_changes(old: &BTreeMap<JobId, JobSummary>, new: &BTreeMap<JobId, JobSummary>) -> Vec<What> {
    changes(old, new, |job| What::Job(Box::new(job.clone())), |id| What::JobGone(id.clone()))
}

pub fn schedule_changes(old: &BTreeMap<Key, Schedule>, new: &BTreeMap<Key, Schedule>) -> Vec<What> {
    let gone = |(group, name): &Key| What::ScheduleGone { group: group.clone(), name: name.clone() };
    changes(old, new, |schedule| What::Schedule(Box::new(schedule.clone())), gone)
}

/// What is new or different, and then what is gone.
fn changes<K: Ord, V: PartialEq>(
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    row: impl Fn(&V) -> What,
    gone: impl Fn(&K) -> What,
) -> Vec<What> {
    let changed = new.iter().filter(|(key, value)| old.get(key) != Some(value)).map(|(_, value)| row(value));
    let lost = old.keys().filter(|key| !new.contains_key(key)).map(gone);
    changed.chain(lost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ArrayProperties;
    use JobStatus::{Failed, Pending, Runnable, Running, Succeeded};

    type Rows<'a> = &'a [(&'a str, JobStatus)];

    fn job(id: &str, status: JobStatus) -> JobSummary {
        JobSummary { job_id: id.into(), status, ..Default::default() }
    }

    fn rows(jobs: &[(&str, JobStatus)]) -> BTreeMap<JobId, JobSummary> {
        jobs.iter().map(|(id, status)| (JobId::from(*id), job(id, *status))).collect()
    }

    fn states(jobs: &QueueJobs) -> Vec<(&str, JobStatus)> {
        jobs.rows.iter().map(|(id, row)| (id.as_str(), row.status)).collect()
    }

    #[test]
    fn changes_are_rows_that_are_new_or_different_and_names_that_are_gone() {
        let row = |id: &str, status| What::Job(Box::new(job(id, status)));
        let gone = |id: &str| What::JobGone(id.into());
        let cases: &[(Rows, Rows, Vec<What>)] = &[
            (&[], &[], vec![]),
            (&[], &[("a", Running)], vec![row("a", Running)]),
            (&[("a", Running)], &[("a", Running)], vec![]),
            (&[("a", Running)], &[("a", Failed)], vec![row("a", Failed)]),
            (&[("a", Running)], &[], vec![gone("a")]),
            (
                &[("a", Running), ("b", Failed), ("c", Pending)],
                &[("b", Failed), ("c", Runnable), ("d", Pending)],
                vec![row("c", Runnable), row("d", Pending), gone("a")],
            ),
        ];
        for (old, new, expected) in cases {
            assert_eq!(job_changes(&rows(old), &rows(new)), *expected, "{old:?} to {new:?}");
        }
    }

    #[test]
    fn a_survey_settles_by_what_it_read_whole() {
        struct Case {
            name: &'static str,
            before: &'static [(&'static str, JobStatus)],
            seen: &'static [(&'static str, JobStatus)],
            whole: &'static [JobStatus],
            cut: &'static [JobStatus],
            after: &'static [(&'static str, JobStatus)],
            missing: &'static [&'static str],
        }
        let cases = [
            Case {
                name: "a job that moved is seen in its new state",
                before: &[("a", Runnable)],
                seen: &[("a", Running)],
                whole: &[Runnable, Running],
                cut: &[],
                after: &[("a", Running)],
                missing: &[],
            },
            Case {
                name: "a job that left the states that were read must be described",
                before: &[("a", Running), ("b", Succeeded)],
                seen: &[],
                whole: &[Runnable, Running],
                cut: &[],
                after: &[("b", Succeeded)],
                missing: &["a"],
            },
            Case {
                name: "a job may be behind the first page",
                before: &[("a", Runnable)],
                seen: &[("b", Runnable)],
                whole: &[Running],
                cut: &[Runnable],
                after: &[("a", Runnable), ("b", Runnable)],
                missing: &[],
            },
            Case {
                name: "an ended job that is listed no more is forgotten",
                before: &[("a", Failed)],
                seen: &[],
                whole: &[Failed],
                cut: &[],
                after: &[],
                missing: &[],
            },
        ];
        for case in cases {
            let mut jobs = QueueJobs { rows: rows(case.before), whole: JobStatus::ALL.into(), ..Default::default() };
            let survey = Survey {
                rows: rows(case.seen),
                whole: case.whole.iter().copied().collect(),
                cut: case.cut.iter().copied().collect(),
                overflows: false,
            };
            let missing = jobs.settle(survey);
            assert_eq!(states(&jobs), case.after, "{}", case.name);
            assert_eq!(missing.iter().map(JobId::as_str).collect::<Vec<_>>(), case.missing, "{}", case.name);
            assert_eq!(jobs.counts().1, !case.cut.is_empty(), "{}", case.name);
        }
    }

    #[test]
    fn counts_are_whole_again_once_a_state_was_read_whole() {
        let all = || Survey { whole: JobStatus::ALL.into(), ..Default::default() };
        let mut jobs = QueueJobs::default();
        assert!(jobs.counts().1, "nothing was read");
        jobs.settle(all());
        assert!(!jobs.counts().1);
        jobs.settle(Survey { cut: [Runnable].into(), ..Default::default() });
        jobs.settle(Survey { whole: [Running].into(), ..Default::default() });
        assert!(jobs.counts().1, "RUNNABLE was not read again");
        jobs.settle(Survey { whole: [Runnable].into(), overflows: true, ..Default::default() });
        assert!(!jobs.counts().1, "each state was read by itself");

        let mut few = QueueJobs::default();
        few.settle(all());
        few.settle(Survey { whole: [Running].into(), overflows: true, ..Default::default() });
        assert!(few.counts().1, "more came than the hundred that were all");
    }

    #[test]
    fn what_is_forgotten_stays_where_it_is_remembered_and_is_not_counted() {
        let before = QueueJobs { rows: rows(&[("a", Failed), ("b", Running), ("c", Succeeded)]), ..Default::default() };
        let mut jobs = QueueJobs { rows: rows(&[("c", Succeeded)]), ..Default::default() };
        jobs.keep_forgotten(&before, 7);
        assert_eq!(states(&jobs), [("a", Failed), ("c", Succeeded)], "what ran is described");
        assert_eq!(jobs.rows[&JobId::from("a")].from_history(), Some(7));
        assert_eq!(jobs.counts().0, StatusCounts([(Succeeded, 1)].into()));
        let mut later = QueueJobs::default();
        later.keep_forgotten(&jobs, 9);
        assert_eq!(later.rows[&JobId::from("a")].from_history(), Some(7), "it was told of then, and not since");
        jobs.remember(vec![job("c", Failed), job("d", Failed)]);
        assert_eq!(states(&jobs), [("a", Failed), ("c", Succeeded), ("d", Failed)]);
        let row = |at: usize| {
            let created_at = Millis::try_from(at).expect("few");
            JobSummary { created_at, ..job(&format!("m{at:04}"), Failed) }
        };
        let many = (0..REMEMBERED + 9).map(row).map(|row| (row.job_id.clone(), row));
        let before = QueueJobs { rows: many.collect(), ..Default::default() };
        let mut jobs = QueueJobs::default();
        jobs.keep_forgotten(&before, 7);
        assert_eq!((jobs.rows.len(), jobs.rows.contains_key(&JobId::from("m0008"))), (REMEMBERED, false));
    }

    #[test]
    fn an_array_is_counted_by_its_children() {
        let mut parent = job("p", Pending);
        let children = StatusCounts([(Running, 2), (Failed, 1)].into());
        parent.array_properties =
            Some(ArrayProperties { size: Some(3), status_summary: Some(children), ..Default::default() });
        let mut all = rows(&[("a", Running)]);
        all.insert(parent.job_id.clone(), parent);
        let (counts, _) = QueueJobs { rows: all, ..Default::default() }.counts();
        assert_eq!(counts, StatusCounts([(Running, 3), (Failed, 1)].into()));
    }
}
