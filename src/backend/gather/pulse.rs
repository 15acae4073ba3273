//! Reading how a world of jobs goes: from the engine's own record, or on AWS from what is listed, within a few calls.

use super::{Backend, BackendError, JobQuery, JobScope};
use crate::model::{CostBy, CostQuery, JobStatus, Millis, Piece, PulseRead, Throughput};

const DAY: Millis = 86_400_000;
const AUDIT: usize = 500;
/// Ended jobs of each kind that are listed where there is no record.
const LISTED: u32 = 1_000;

pub async fn pulse(backend: &dyn Backend, now: Millis) -> PulseRead {
    let can = backend.capabilities();
    let mut left_out = Vec::new();
    let spent = CostQuery { by: CostBy::Environment, since: Some(now - DAY) };
    let costs = async { if can.costs { piece(backend.costs(spent).await, now) } else { Piece::NotAsked } };
    let audit = async { if can.audit { piece(backend.audit(AUDIT).await, now) } else { Piece::NotAsked } };
    let (throughput, queues, environments, costs, audit) = futures::join!(
        backend.throughput(now - DAY),
        backend.job_queues(),
        backend.compute_environments(),
        costs,
        audit
    );
    // What was read of environments just now is part of it.
    let scaling = piece(backend.scaling(None).await, now);
    let throughput = match throughput {
        Err(BackendError::Unsupported { .. }) => piece(listed(backend, now, &mut left_out).await, now),
        told => piece(told, now),
    };
    PulseRead {
        at: now,
        throughput,
        queues: piece(queues, now),
        environments: piece(environments, now),
        costs,
        scaling,
        audit,
        left_out,
    }
}

fn piece<T>(result: Result<T, BackendError>, at: Millis) -> Piece<T> {
    match result {
        Ok(value) => Piece::Read { value, at },
        Err(error) => Piece::NotRead(error.to_string()),
    }
}

/// What ended, by the jobs that are still listed.
async fn listed(backend: &dyn Backend, now: Millis, left_out: &mut Vec<String>) -> Result<Throughput, BackendError> {
    let mut throughput = Throughput { from: now - DAY, ..Throughput::default() };
    let mut has_arrays = false;
    for status in [JobStatus::Succeeded, JobStatus::Failed] {
        let query = JobQuery {
            scope: JobScope::Everywhere,
            statuses: vec![status],
            limit: Some(LISTED),
            ..JobQuery::default()
        };
        let page = backend.jobs(query).await?;
        let oldest = page.items.iter().map(|job| job.created_at).min().filter(|_| page.next.is_some());
        if let Some(oldest) = oldest {
            left_out.push(format!("more than the newest {LISTED} jobs that are {status}"));
            // What was submitted before may have ended at any time.
            throughput.from = throughput.from.max(oldest);
        }
        has_arrays |= page.items.iter().any(crate::model::JobSummary::is_array_parent);
        for job in page.items.iter().filter(|job| job.status == status) {
            let ended = job.stopped_at.unwrap_or(job.created_at);
            for (at, status) in [(job.started_at, JobStatus::Running), (Some(ended), status)] {
                if let Some(at) = at.filter(|at| *at >= now - DAY) {
                    throughput.note(at, status);
                }
            }
        }
    }
    if has_arrays {
        left_out.push("children of arrays: each array counts as one job here".to_owned());
    }
    Ok(throughput)
}
