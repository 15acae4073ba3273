//! What an operator does to a job that is there: cancel it, terminate it, move it up. A service job has calls of its own.

use super::budget::Caller::Operator;
use super::{AwsBackend, cannot};
use crate::backend::{BackendError, Why};
use crate::model::JobId;

impl AwsBackend {
    pub(super) async fn cancel(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        if self.service.memory().services.has_job(id) {
            return self.terminate_service_job(id, reason).await;
        }
        let call = self.service.batch.cancel_job().job_id(id.as_str()).reason(reason);
        let result = self.service.call(Operator, "CancelJob", || call.clone().send()).await.map(|_| ());
        self.record("CancelJob", id.as_str(), Some(reason.to_owned()), "accepted".to_owned(), result).await
    }

    pub(super) async fn terminate(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        if self.service.memory().services.has_job(id) {
            return self.terminate_service_job(id, reason).await;
        }
        let call = self.service.batch.terminate_job().job_id(id.as_str()).reason(reason);
        let result = self.service.call(Operator, "TerminateJob", || call.clone().send()).await.map(|_| ());
        self.record("TerminateJob", id.as_str(), Some(reason.to_owned()), "accepted".to_owned(), result).await
    }

    /// `UpdateServiceJob` for a service job; AWS moves no other.
    pub(super) async fn reprioritise(&self, id: &JobId, priority: i32, why: Why) -> Result<(), BackendError> {
        let is_known = self.service.memory().services.has_job(id);
        if !is_known && !self.service.describe(Operator, std::slice::from_ref(id)).await?.is_empty() {
            return Err(cannot::REPRIORITISE_JOB);
        }
        let call = self.service.batch.update_service_job().job_id(id.as_str()).scheduling_priority(priority);
        let result = self.service.call(Operator, "UpdateServiceJob", || call.clone().send()).await.map(|_| ());
        self.record("UpdateServiceJob", id.as_str(), why.reason, format!("priority {priority}"), result).await
    }
}
