//! Cancelling a waiting job and submitting it again in another place, with those that depend on it. A job that starts before
//! it could be cancelled is left alone, and then nothing is submitted: nothing runs twice.

use super::{Backend, BackendError, JobQuery, JobScope, Why};
use crate::model::{
    Health, JobDetail, JobId, JobStatus, REPLACED_BY, REPLACES, Replaced, Replacement, SubmitJobRequest, Switch,
    name_of,
};
use std::collections::BTreeMap;

/// How often one looks whether a cancelled job has ended.
const LOOKS: usize = 40;
/// Jobs of the name that are looked through for one whose submission was not answered.
const LOOKED_THROUGH: u32 = 50;

/// Replaces the first of `jobs` and then the others, which depend on it and fail with it, in this order. What was done before
/// an error is told in it.
pub async fn replace(
    backend: &dyn Backend,
    jobs: Vec<Replacement>,
    reason: &str,
) -> Result<Vec<Replaced>, BackendError> {
    let Some(first) = jobs.first() else { return Ok(Vec::new()) };
    let ids: Vec<JobId> = jobs.iter().map(|job| job.old.clone()).collect();
    let before = backend.describe_jobs(&ids).await?;
    let name = &first.request.job_name;
    let was = match before.iter().find(|detail| detail.job_id == first.old) {
        None => return Err(BackendError::NotFound { what: format!("job {}", first.old) }),
        Some(detail) if detail.service.is_some() => return Err(of_services(name)),
        Some(detail) if !waits(detail) => return Err(started(name, detail)),
        Some(detail) => detail,
    };
    // Of several contexts as one, each has its own queues and definitions.
    let context = |queue: &str| name_of(queue).split_once('@').map(|(_, context)| context.to_owned());
    if context(&was.job_queue) != context(&first.request.job_queue) {
        return Err(BackendError::Refused {
            code: "TwoContexts".to_owned(),
            message: format!("{} is of another context than {name}: nothing was changed", first.request.job_queue),
        });
    }
    takes_jobs(backend, &first.request.job_queue).await?;
    backend.cancel_job(&first.old, &format!("replaced: {reason}")).await?;
    until_cancelled(backend, was).await?;

    let mut done: Vec<Replaced> = Vec::new();
    let mut new_ids: BTreeMap<JobId, JobId> = BTreeMap::new();
    for Replacement { old, request } in jobs {
        let (job_name, request) = (request.job_name.clone(), with_new_ids(request, &new_ids));
        let new = match submit(backend, &old, request).await {
            Ok(new) => new,
            Err(error) => return Err(halfway(&done, &old, &job_name, error)),
        };
        new_ids.insert(old.clone(), new.clone());
        if let Some(detail) = before.iter().find(|detail| detail.job_id == old) {
            let tags = BTreeMap::from([(REPLACED_BY.to_owned(), new.to_string())]);
            let why = Why { reason: Some(reason.to_owned()) };
            if let Err(error) = backend.tag_resource(&detail.job_arn, tags, why).await {
                // The new one names the old one: the lineage is kept without this.
                tracing::warn!(%error, job = %old, "a job that was replaced could not be tagged with its successor");
            }
        }
        done.push(Replaced { job_name, old, new });
    }
    Ok(done)
}

/// Whether it has not started, and of an array no child has.
fn waits(job: &JobDetail) -> bool {
    let counts = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
    let has_begun = |status: JobStatus| status.is_placed() || status.is_final();
    let begun = counts.is_some_and(|counts| counts.0.iter().any(|(status, count)| *count > 0 && has_begun(*status)));
    job.status.is_waiting() && !begun
}

fn of_services(name: &str) -> BackendError {
    BackendError::Refused {
        code: "ServiceJob".to_owned(),
        message: format!(
            "{name} is a service job, which is not replaced but moved (`batchdeck reprioritise ID PRIORITY`): nothing was changed"
        ),
    }
}

fn started(name: &str, job: &JobDetail) -> BackendError {
    BackendError::Refused {
        code: job.status.to_string(),
        message: format!("{name} waits no more and was left alone: nothing was changed"),
    }
}

/// A queue that takes no job is met before anything is cancelled for it.
async fn takes_jobs(backend: &dyn Backend, queue: &str) -> Result<(), BackendError> {
    let queues = backend.queues_alone().await?;
    let found = queues.iter().find(|known| known.job_queue_name == queue || known.job_queue_arn == queue);
    let Some(found) = found else {
        return Err(BackendError::NotFound { what: format!("job queue {queue}, and nothing was changed: it") });
    };
    let is_whole = matches!(found.status, Health::Valid | Health::Updating);
    if found.state == Switch::Enabled && is_whole {
        return Ok(());
    }
    let code = if is_whole { found.state.as_str() } else { found.status.as_str() };
    Err(BackendError::Refused {
        code: code.to_owned(),
        message: format!("the queue {queue} takes no jobs: nothing was changed"),
    })
}

/// A cancel is accepted for a job that is about to start as well, and then does nothing.
async fn until_cancelled(backend: &dyn Backend, job: &JobDetail) -> Result<(), BackendError> {
    let (name, id) = (&job.job_name, &job.job_id);
    // One that waits for its next attempt has run before.
    let has_not_run = |found: &JobDetail| {
        let runs = |job: &JobDetail| (job.started_at, job.attempts.len());
        found.is_cancelled || found.is_terminated || runs(found) == runs(job)
    };
    for _ in 0..LOOKS {
        match backend.describe_jobs(std::slice::from_ref(id)).await {
            Ok(found) => match found.first() {
                // It is forgotten, so it is over.
                None => return Ok(()),
                Some(found) if found.status == JobStatus::Failed && has_not_run(found) => return Ok(()),
                Some(found) if found.status.is_final() || found.status.is_placed() => return Err(started(name, found)),
                Some(_) => {}
            },
            Err(BackendError::Throttled { .. } | BackendError::Unreachable { .. }) => {}
            Err(error) => return Err(halfway(&[], id, name, error)),
        }
        backend.until_next_look().await;
    }
    let message = "it was asked to end and has not yet, so nothing was submitted".to_owned();
    Err(halfway(&[], id, name, BackendError::Refused { code: "Timeout".to_owned(), message }))
}

fn halfway(done: &[Replaced], old: &JobId, name: &str, cause: BackendError) -> BackendError {
    let done = done.iter().map(|one| format!("{} is {} now", one.job_name, one.new.short()));
    let done = done.chain([format!("{name} ({}) was cancelled and not submitted again", old.short())]);
    BackendError::Halfway { done: done.collect::<Vec<_>>().join(", "), cause: Box::new(cause) }
}

fn with_new_ids(mut request: SubmitJobRequest, new: &BTreeMap<JobId, JobId>) -> SubmitJobRequest {
    for dependency in &mut request.depends_on {
        let Some(on) = &mut dependency.job_id else { continue };
        let whole = new.get(on).cloned();
        let child = || on.array_parent().and_then(|(array, index)| Some(new.get(&array)?.child(index)));
        if let Some(id) = whole.or_else(child) {
            *on = id;
        }
    }
    request
}

/// Submits what takes the place of `old`. A submission that was not answered is looked for: its tag tells it from all others.
async fn submit(backend: &dyn Backend, old: &JobId, mut request: SubmitJobRequest) -> Result<JobId, BackendError> {
    request.tags.insert(REPLACES.to_owned(), old.to_string());
    let query = JobQuery {
        scope: JobScope::Queue(request.job_queue.clone()),
        name: Some(request.job_name.clone()),
        limit: Some(LOOKED_THROUGH),
        ..JobQuery::default()
    };
    let error = match backend.submit_job(request).await {
        Ok(job) => return Ok(job.job_id),
        Err(error @ BackendError::Unsure { .. }) => error,
        Err(error) => return Err(error),
    };
    let Ok(page) = backend.jobs(query).await else { return Err(error) };
    let ids: Vec<JobId> = page.items.into_iter().map(|job| job.job_id).collect();
    let Ok(found) = backend.describe_jobs(&ids).await else { return Err(error) };
    let mut ours = found.into_iter().filter(|job| job.tags.get(REPLACES).is_some_and(|of| of == old.as_str()));
    ours.find(|job| !job.status.is_final()).map(|job| job.job_id).ok_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobDependency;

    #[test]
    fn dependencies_follow_the_jobs_that_were_replaced_and_their_children() {
        let on = |ids: &str| -> Vec<JobDependency> {
            ids.split(' ').map(|id| JobDependency { job_id: Some(id.into()), kind: None }).collect()
        };
        let request = SubmitJobRequest { depends_on: on("a other b:7"), ..Default::default() };
        let new = BTreeMap::from([("a".into(), "A".into()), ("b".into(), "B".into())]);
        assert_eq!(with_new_ids(request, &new).depends_on, on("A other B:7"));
    }
}
