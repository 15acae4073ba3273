//! How a waiting job is replaced by one in another place: itself, and those that depend on it, which fail with it.

use super::rerun::again;
use crate::model::{
    JobDefinition, JobDependency, JobDetail, JobId, JobStatus, Lineage, Replacement, SubmitJobRequest, name_of,
};
use std::collections::BTreeSet;

/// Jobs that are replaced in one go at most: each is a submission.
const MOST: usize = 100;

/// What replaces a job.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The job first, and behind it those that depend on it, each behind all that it depends on.
    pub jobs: Vec<Replacement>,
    /// Dependents that fail with it and cannot be submitted again, and why.
    pub left_out: Vec<(String, &'static str)>,
    /// What is not known of those that depend on it.
    pub unread: Vec<String>,
}

/// What is asked for in place of what the job has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    pub queue: Option<String>,
    /// Empty: no share any more.
    pub share: Option<String>,
    pub priority: Option<i32>,
}

/// Why a job cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreplaceable {
    #[error("the service does not know it any more")]
    Unknown,
    #[error("it is {0}: only what waits is replaced")]
    NotWaiting(JobStatus),
    #[error("it is a part of {0}: the whole alone can be replaced")]
    Part(JobId),
    #[error("{0} of its children have begun: what they did would be done twice")]
    HasBegun(u64),
    #[error("its definition {0} is INACTIVE: no job of it can be submitted")]
    Inactive(String),
}

const INACTIVE: &str = "its definition is INACTIVE";
const TOO_MANY: &str = "more than 100 jobs depend on it";

/// Plans how the job of `read` is replaced. `definition` finds a definition by its label.
///
/// # Errors
/// Why it cannot be.
pub fn plan<'d>(read: &Lineage, definition: impl Fn(&str) -> Option<&'d JobDefinition>) -> Result<Plan, Unreplaceable> {
    let job = read.find(&read.job).ok_or(Unreplaceable::Unknown)?;
    if let Some((whole, _)) = job.job_id.part() {
        return Err(Unreplaceable::Part(whole));
    }
    if !job.status.is_waiting() {
        return Err(Unreplaceable::NotWaiting(job.status));
    }
    let counts = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
    let begun = counts.map_or(0, |counts| {
        let begun = counts.0.iter().filter(|(status, _)| status.is_placed() || status.is_final());
        begun.map(|(_, count)| *count).sum()
    });
    if begun > 0 {
        return Err(Unreplaceable::HasBegun(begun));
    }
    let is_inactive = |detail: &JobDetail| {
        definition(name_of(&detail.job_definition)).is_some_and(|definition| !definition.is_active())
    };
    if is_inactive(job) {
        return Err(Unreplaceable::Inactive(name_of(&job.job_definition).to_owned()));
    }
    let mut plan = Plan { unread: read.left_out.clone(), ..Plan::default() };
    let mut taken = BTreeSet::from([job.job_id.clone()]);
    let request = |detail: &JobDetail, taken: &BTreeSet<JobId>| {
        let base = again(detail, definition(name_of(&detail.job_definition)));
        let depends_on = detail.depends_on.iter().filter(|on| is_kept(read, on, taken)).cloned().collect();
        SubmitJobRequest { depends_on, ..base }
    };
    plan.jobs.push(Replacement { old: job.job_id.clone(), request: request(job, &taken) });
    for detail in behind(read) {
        if is_inactive(detail) {
            plan.left_out.push((detail.job_name.clone(), INACTIVE));
        } else if plan.jobs.len() >= MOST {
            plan.left_out.push((detail.job_name.clone(), TOO_MANY));
        } else {
            taken.insert(detail.job_id.clone());
            plan.jobs.push(Replacement { old: detail.job_id.clone(), request: request(detail, &taken) });
        }
    }
    Ok(plan)
}

impl Plan {
    /// Names of those that depend on it.
    pub fn dependents(&self) -> impl Iterator<Item = &str> {
        self.jobs.iter().skip(1).map(|job| job.request.job_name.as_str())
    }

    /// What is to be replaced by what, with what is changed in the job itself.
    pub fn replacements(&self, changes: &Changes, with_dependents: bool) -> Vec<Replacement> {
        let mut jobs = self.jobs.clone();
        if !with_dependents {
            jobs.truncate(1);
        }
        if let Some(Replacement { request, .. }) = jobs.first_mut() {
            if let Some(queue) = &changes.queue {
                request.job_queue.clone_from(queue);
            }
            if let Some(share) = &changes.share {
                request.share_identifier = Some(share.clone()).filter(|share| !share.is_empty());
            }
            if changes.priority.is_some() {
                request.scheduling_priority_override = changes.priority;
            }
        }
        jobs
    }
}

/// What has succeeded is waited for no more, and what nobody knows any more would be refused.
fn is_kept(read: &Lineage, on: &JobDependency, taken: &BTreeSet<JobId>) -> bool {
    let Some(id) = &on.job_id else { return true };
    let whole = id.array_parent().map_or_else(|| id.clone(), |(array, _)| array);
    if taken.contains(id) || taken.contains(&whole) {
        return true;
    }
    read.find(id).is_some_and(|job| job.status != JobStatus::Succeeded)
}

/// Those that wait for the job, or for one that does, each behind all of them that it waits for; the oldest first.
fn behind(read: &Lineage) -> Vec<&JobDetail> {
    let mut reached = BTreeSet::from([read.job.clone()]);
    let on = |detail: &JobDetail| -> Vec<JobId> {
        let ids = detail.depends_on.iter().filter_map(|on| on.job_id.clone());
        ids.map(|id| id.array_parent().map_or(id, |(array, _)| array)).collect()
    };
    let mut waiting: Vec<&JobDetail> = read.jobs.iter().filter(|job| job.status.is_waiting()).collect();
    waiting.retain(|job| job.job_id != read.job && job.job_id.part().is_none());
    waiting.sort_by_key(|job| (job.created_at, &job.job_id));
    let mut all: Vec<&JobDetail> = Vec::new();
    while let Some(at) = waiting.iter().position(|job| on(job).iter().any(|id| reached.contains(id))) {
        let job = waiting.remove(at);
        reached.insert(job.job_id.clone());
        all.push(job);
    }
    let mut ordered: Vec<&JobDetail> = Vec::new();
    while !all.is_empty() {
        let open = |job: &&JobDetail| !on(job).iter().any(|id| all.iter().any(|other| other.job_id == *id));
        // A circle ends somewhere.
        let at = all.iter().position(open).unwrap_or(0);
        ordered.push(all.remove(at));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ArrayProperties, StatusCounts};

    fn job(id: &str, status: JobStatus, at: i64, on: &str) -> JobDetail {
        let on = on.split_whitespace().map(|id| JobDependency { job_id: Some(id.into()), kind: None });
        JobDetail {
            job_id: id.into(),
            job_name: format!("n-{id}"),
            job_queue: "arn:aws:batch:r:1:job-queue/low".into(),
            job_definition: "arn:aws:batch:r:1:job-definition/d:1".into(),
            status,
            created_at: at,
            depends_on: on.collect(),
            ..Default::default()
        }
    }

    fn planned(id: &str, jobs: Vec<JobDetail>) -> Result<Plan, Unreplaceable> {
        plan(&Lineage { job: id.into(), at: 9, jobs, left_out: Vec::new() }, |_| None)
    }

    #[test]
    fn dependents_stand_behind_all_that_they_wait_for_and_keep_what_is_not_over() {
        use JobStatus::{Pending, Running, Succeeded};
        let jobs = vec![
            job("a", Pending, 1, "done live forgotten"),
            // Submitted before what they wait for was replaced once already.
            job("last", Pending, 2, "c b"),
            job("c", Pending, 3, "b live"),
            job("b", Pending, 4, "a:3"),
            job("aside", Pending, 5, "live"),
            job("done", Succeeded, 0, ""),
            job("live", Running, 0, ""),
        ];
        let plan = planned("a", jobs).expect("can be replaced");
        let rows: Vec<String> = plan
            .jobs
            .iter()
            .map(|one| {
                let on = one.request.depends_on.iter().filter_map(|on| on.job_id.as_ref()).map(JobId::as_str);
                format!("{}<{}", one.old, on.collect::<Vec<_>>().join(","))
            })
            .collect();
        assert_eq!(rows, ["a<live", "b<a:3", "c<b,live", "last<c,b"]);
        assert_eq!(plan.dependents().collect::<Vec<_>>(), ["n-b", "n-c", "n-last"]);
    }

    #[test]
    fn what_is_changed_is_changed_in_the_job_alone() {
        let jobs = vec![job("a", JobStatus::Runnable, 1, ""), job("b", JobStatus::Pending, 2, "a")];
        let plan = planned("a", jobs).expect("can be replaced");
        let changes = Changes { queue: Some("high".into()), share: Some("blue".into()), priority: Some(70) };
        let made = plan.replacements(&changes, true);
        let of = |one: &Replacement| {
            let request = &one.request;
            (request.job_queue.clone(), request.share_identifier.clone(), request.scheduling_priority_override)
        };
        assert_eq!(of(&made[0]), ("high".into(), Some("blue".into()), Some(70)));
        assert_eq!(of(&made[1]), ("low".into(), None, None));
        assert_eq!(plan.replacements(&changes, false).len(), 1);
    }

    #[test]
    fn what_cannot_be_replaced_says_why() {
        let counts = StatusCounts([(JobStatus::Succeeded, 2), (JobStatus::Runnable, 1)].into());
        let array = JobDetail {
            array_properties: Some(ArrayProperties { status_summary: Some(counts), ..Default::default() }),
            ..job("p", JobStatus::Pending, 1, "")
        };
        let cases = [
            ("x", vec![], "does not know it"),
            ("a", vec![job("a", JobStatus::Running, 1, "")], "it is RUNNING"),
            ("p:3", vec![job("p:3", JobStatus::Runnable, 1, "")], "it is a part of p"),
            ("p", vec![array], "2 of its children have begun"),
        ];
        for (id, jobs, words) in cases {
            let told = planned(id, jobs).expect_err("cannot").to_string();
            assert!(told.contains(words), "{told}");
        }
    }
}
