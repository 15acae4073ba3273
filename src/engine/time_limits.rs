//! What a queue does with the job that has been blocking its head for too long (AWS Batch API reference,
//! `JobStateTimeLimitAction`).

use super::Engine;
use super::event::Event;
use super::state::Queue;
use crate::model::{JobStatus, Millis};

impl Engine {
    /// Jobs whose time at the head is over are cancelled; none is tried again.
    pub(super) fn over_time(&self, now: Millis) -> Vec<Event> {
        let over = self.core.queues.values().filter(|queue| deadline(queue).is_some_and(|at| at <= now));
        let cancelled = over.filter_map(|queue| {
            let blocked = queue.blocked.as_ref()?;
            let root = self.core.jobs.get(&blocked.job.number)?;
            let code = &*blocked.code;
            let reason = format!("Canceled by JobStateTimeLimit action due to reason: {code}");
            let job = root.id(blocked.job.slot);
            Some(Event::JobEnded { at: now, job, status: JobStatus::Failed, reason: Some(reason) })
        });
        cancelled.collect()
    }

    pub(super) fn next_deadline(&self) -> Option<Millis> {
        self.core.queues.values().filter_map(deadline).min()
    }
}

/// When the job at the head will have been there for too long.
fn deadline(queue: &Queue) -> Option<Millis> {
    let blocked = queue.blocked.as_ref().filter(|_| !queue.held)?;
    let limit = queue.job_state_time_limit_actions.iter().find(|limit| limit.reason == *blocked.code)?;
    Some(blocked.since + Millis::from(limit.max_time_seconds) * 1000)
}
