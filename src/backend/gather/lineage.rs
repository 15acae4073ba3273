//! Reading what a job depends on, and what depends on it. AWS tells of the first alone: for the second, jobs that wait are
//! described, within bounds.

use super::{Backend, BackendError, JobQuery, JobScope, depends_on};
use crate::model::{JobDetail, JobId, JobStatus, JobSummary, Lineage, Millis};
use std::collections::BTreeSet;

/// Rounds in which dependencies of dependencies are followed, and jobs that are described for it.
const DEPTH: usize = 20;
const BEFORE: usize = 500;
/// Waiting jobs among which dependents are looked for: AWS takes 100 ids a call.
const WAITING: u32 = 1_000;
const WAITING_ON_AWS: u32 = 200;

/// # Errors
/// [`BackendError::NotFound`] where there is no such job, and what kept it from being described.
pub async fn lineage(backend: &dyn Backend, id: &JobId, now: Millis) -> Result<Lineage, BackendError> {
    // A child waits for what its array waits for.
    let mut wanted = vec![id.clone()];
    wanted.extend(id.array_parent().map(|(array, _)| array));
    let jobs = backend.describe_jobs(&wanted).await?;
    if jobs.iter().all(|job| job.job_id != *id) {
        return Err(BackendError::NotFound { what: format!("job {id}") });
    }
    let mut lineage = Lineage { job: id.clone(), at: now, jobs, left_out: Vec::new() };
    before(backend, &mut lineage).await;
    behind(backend, &mut lineage).await;
    Ok(lineage)
}

/// Follows dependencies from each job that is known.
async fn before(backend: &dyn Backend, lineage: &mut Lineage) {
    let mut asked: BTreeSet<JobId> = lineage.jobs.iter().map(|job| job.job_id.clone()).collect();
    for _ in 0..DEPTH {
        let next: BTreeSet<JobId> = lineage.jobs.iter().flat_map(depends_on).filter(|id| !asked.contains(id)).collect();
        if next.is_empty() {
            return;
        }
        if asked.len() + next.len() > BEFORE {
            lineage.left_out.push(format!("dependencies beyond {BEFORE} jobs"));
            return;
        }
        let ids: Vec<JobId> = next.iter().cloned().collect();
        asked.extend(next);
        match backend.describe_jobs(&ids).await {
            Ok(found) => lineage.jobs.extend(found),
            Err(error) => {
                lineage.left_out.push(format!("dependencies: {error}"));
                return;
            }
        }
    }
    lineage.left_out.push(format!("dependencies more than {DEPTH} steps away"));
}

/// Looks for dependents among the jobs that wait for others, and of a job that failed, among those that failed with it.
async fn behind(backend: &dyn Backend, lineage: &mut Lineage) {
    let state = lineage.find(&lineage.job).map(|job| job.status);
    let most = if backend.capabilities().name == "local" { WAITING } else { WAITING_ON_AWS };
    let (statuses, of): (Vec<JobStatus>, fn(&JobSummary) -> bool) = match state {
        // All that waited for it has gone on, and nothing tells which jobs those were.
        Some(JobStatus::Succeeded) => {
            lineage.left_out.push("what depended on it: it has succeeded, and they wait for it no more".to_owned());
            return;
        }
        Some(JobStatus::Failed) => (vec![JobStatus::Failed], failed_with_another),
        _ => (vec![JobStatus::Pending], |_| true),
    };
    let query = JobQuery { scope: JobScope::Everywhere, statuses, limit: Some(most), ..JobQuery::default() };
    let page = match backend.jobs(query).await {
        Ok(page) => page,
        Err(error) => return lineage.left_out.push(format!("what depends on it: {error}")),
    };
    if page.next.is_some() {
        lineage.left_out.push(format!("what depends on it: looked for among the newest {most} jobs alone"));
    }
    let known: BTreeSet<JobId> = lineage.jobs.iter().map(|job| job.job_id.clone()).collect();
    let ids: Vec<JobId> =
        page.items.into_iter().filter(of).map(|job| job.job_id).filter(|id| !known.contains(id)).collect();
    if ids.is_empty() {
        return;
    }
    match backend.describe_jobs(&ids).await {
        Ok(found) => {
            let others: Vec<JobDetail> = found.into_iter().filter(|job| !job.depends_on.is_empty()).collect();
            let roots = [Some(lineage.job.clone()), lineage.job.array_parent().map(|(array, _)| array)];
            let behind = reached(&others, roots.into_iter().flatten().collect());
            lineage.jobs.extend(others.into_iter().filter(|job| behind.contains(&job.job_id)));
        }
        Err(error) => lineage.left_out.push(format!("what depends on it: {error}")),
    }
}

fn failed_with_another(job: &JobSummary) -> bool {
    job.status_reason.as_deref().is_some_and(|reason| reason.contains("Dependent Job failed"))
}

/// Those of `others` that depend on one of `roots`, or on one that does.
fn reached(others: &[JobDetail], roots: BTreeSet<JobId>) -> BTreeSet<JobId> {
    let mut reached = roots;
    loop {
        let is_next =
            |job: &&JobDetail| !reached.contains(&job.job_id) && depends_on(job).iter().any(|id| reached.contains(id));
        let next: Vec<JobId> = others.iter().filter(is_next).map(|job| job.job_id.clone()).collect();
        if next.is_empty() {
            return reached;
        }
        reached.extend(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::{ScriptedBackend, World};
    use crate::model::JobDependency;
    use futures::FutureExt;

    fn job(id: &str, status: JobStatus, on: &str) -> JobDetail {
        let on = on.split_whitespace().map(|id| JobDependency { job_id: Some(id.into()), kind: None });
        JobDetail { job_id: id.into(), job_name: id.to_owned(), status, depends_on: on.collect(), ..Default::default() }
    }

    fn read(details: Vec<JobDetail>, id: &str) -> Result<(Vec<String>, Vec<String>), BackendError> {
        let row = |job: &JobDetail| JobSummary {
            job_id: job.job_id.clone(),
            status: job.status,
            status_reason: job.status_reason.clone(),
            ..Default::default()
        };
        let jobs = details.iter().map(row).collect();
        let backend = ScriptedBackend::new(World { jobs, details, ..World::default() });
        let read = lineage(&backend, &id.into(), 1).now_or_never().expect("it never waits")?;
        let mut ids: Vec<String> = read.jobs.iter().map(|job| job.job_id.to_string()).collect();
        ids.sort();
        Ok((ids, read.left_out))
    }

    #[test]
    fn what_a_job_waits_for_and_what_waits_for_it_is_followed_both_ways() {
        use JobStatus::{Pending, Running, Succeeded};
        let world = vec![
            job("fetch", Succeeded, ""),
            job("resize", Running, "fetch"),
            job("pack", Pending, "resize"),
            job("publish", Pending, "pack"),
            job("notify", Pending, "publish"),
            job("other", Pending, "elsewhere"),
        ];
        let (ids, left_out) = read(world, "pack").expect("read");
        assert_eq!((ids.join(" ").as_str(), left_out.len()), ("fetch notify pack publish resize", 0));
    }

    #[test]
    fn those_that_failed_with_a_job_are_found_behind_it() {
        let cascade =
            JobDetail { status_reason: Some("Dependent Job failed".into()), ..job("b", JobStatus::Failed, "a") };
        let (ids, _) =
            read(vec![job("a", JobStatus::Failed, ""), cascade, job("c", JobStatus::Failed, "a")], "a").expect("read");
        assert_eq!(ids, ["a", "b"], "c failed by itself");
    }

    #[test]
    fn a_circle_ends_and_an_unknown_job_is_said() {
        let (ids, _) =
            read(vec![job("a", JobStatus::Pending, "b"), job("b", JobStatus::Pending, "a")], "a").expect("read");
        assert_eq!(ids, ["a", "b"]);
        assert!(matches!(read(vec![], "a"), Err(BackendError::NotFound { .. })));
    }
}
