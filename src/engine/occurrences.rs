//! What AWS Batch would tell `EventBridge` of an event (user guide, "Batch Job State Change", "Batch Job Queue Blocked").

use super::Engine;
use super::event::Event;
use super::job::Key;
use crate::model::{JobDetail, Occurrence};

impl Engine {
    /// What the event that was applied last has changed that the world is told of: each change of a job's state, not its
    /// submission, and each job that begins to hold up its queue.
    pub fn occurrences(&self, event: &Event) -> Vec<Occurrence> {
        match event {
            Event::JobBlocked { at, job, reason: Some(reason) } => {
                let found = self.find(job).and_then(|(key, _, _)| self.occurrence(key, *at));
                found.map(|found| Occurrence { blocked: Some(reason.clone()), ..found }).into_iter().collect()
            }
            _ => self.moved.iter().filter_map(|key| self.occurrence(*key, event.at())).collect(),
        }
    }

    fn occurrence(&self, key: Key, at: crate::model::Millis) -> Option<Occurrence> {
        let root = self.core.jobs.get(&key.number)?;
        let job = root.get(key.slot)?;
        Some(Occurrence {
            at,
            job: root.id(key.slot),
            blocked: None,
            status: job.status,
            reason: job.status_reason.as_ref().map(|reason| reason.to_string()),
            attempts: job.attempts.iter().filter(|attempt| attempt.end.is_some()).count(),
        })
    }

    /// The job as it was when this occurred: what came later is taken back. `None` once it is forgotten.
    pub fn detail_at(&self, occurrence: &Occurrence) -> Option<JobDetail> {
        let mut detail = self.detail(self.find(&occurrence.job)?.0)?;
        detail.extra = None;
        detail.status = occurrence.status;
        detail.status_reason = occurrence.blocked.clone().or_else(|| occurrence.reason.clone());
        detail.attempts.truncate(occurrence.attempts);
        if !occurrence.status.is_final() {
            detail.stopped_at = None;
            if let Some(container) = detail.container.as_mut().filter(|_| occurrence.attempts == 0) {
                (container.exit_code, container.reason) = (None, None);
            }
        }
        if occurrence.status < crate::model::JobStatus::Running {
            detail.started_at = None;
        }
        Some(detail)
    }
}
