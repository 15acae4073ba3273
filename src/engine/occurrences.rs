//! What AWS Batch would tell `EventBridge` of an event (user guide, "Job state change events", "Job queue blocked events",
//! "Service job state change events").

use super::Engine;
use super::event::Event;
use super::job::Key;
use super::service::{NOT_RUN_HERE, ServiceChange};
use crate::model::{JobDetail, JobId, JobStatus, Millis, Occurrence, ServiceJob, ServiceJobStatus, Subject};

impl Engine {
    /// What the event that was applied last has changed that the world is told of: each change of a job's state, not its
    /// submission, each job that begins to hold up its queue, and each watch that fires.
    pub fn occurrences(&self, event: &Event) -> Vec<Occurrence> {
        match event {
            Event::JobBlocked { at, job, reason: Some(reason) } => {
                let found = self.find(job).and_then(|(key, _, _)| self.occurrence(key, *at));
                found.map(|found| Occurrence { blocked: Some(reason.clone()), ..found }).into_iter().collect()
            }
            Event::ServiceChanged { at, change } => match &**change {
                // RUNNABLE as soon as it is submitted.
                ServiceChange::JobSubmitted { id, .. } => vec![service(*at, id, JobStatus::Runnable, NOT_RUN_HERE)],
                ServiceChange::JobsEnded { ids, reason } => {
                    ids.iter().map(|id| service(*at, id, JobStatus::Failed, reason)).collect()
                }
                _ => Vec::new(),
            },
            Event::WatchFired { at, .. } => {
                let told = self.fired_by(event).map(|fired| Occurrence {
                    at: *at,
                    job: match &fired.subject {
                        Subject::Job(job) => job.clone(),
                        Subject::Queue(_) | Subject::Environment(_) => JobId::default(),
                    },
                    service: false,
                    blocked: None,
                    watch: Some(Box::new(fired)),
                    status: JobStatus::default(),
                    reason: None,
                    attempts: 0,
                });
                told.into_iter().collect()
            }
            _ => self.moved.iter().filter_map(|key| self.occurrence(*key, event.at())).collect(),
        }
    }

    fn occurrence(&self, key: Key, at: Millis) -> Option<Occurrence> {
        let root = self.core.jobs.get(&key.number)?;
        let job = root.get(key.slot)?;
        Some(Occurrence {
            at,
            job: root.id(key.slot),
            service: false,
            blocked: None,
            watch: None,
            status: job.status,
            reason: job.status_reason.as_ref().map(|reason| reason.to_string()),
            attempts: job.attempts.iter().filter(|attempt| attempt.end.is_some()).count(),
        })
    }

    /// A service job as it was when this occurred. `None` once it is forgotten.
    pub fn service_job_at(&self, occurrence: &Occurrence) -> Option<ServiceJob> {
        let job = self.service_job(&occurrence.job)?;
        if occurrence.status.is_final() {
            return Some(job);
        }
        let (status, status_reason) = (ServiceJobStatus::Runnable, occurrence.reason.clone());
        Some(ServiceJob { status, status_reason, stopped_at: None, is_terminated: false, ..job })
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
        if occurrence.status < JobStatus::Running {
            detail.started_at = None;
        }
        Some(detail)
    }
}

fn service(at: Millis, job: &JobId, status: JobStatus, reason: &str) -> Occurrence {
    let reason = Some(reason.to_owned());
    Occurrence { at, job: job.clone(), service: true, blocked: None, watch: None, status, reason, attempts: 0 }
}
