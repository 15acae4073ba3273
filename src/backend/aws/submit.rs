//! A submission: made once, and looked for where its answer was lost.

use super::budget::Caller::Operator;
use super::pages::{By, Of, Place, Source};
use super::{AwsBackend, convert};
use crate::backend::{BackendError, masks};
use crate::model::{JobId, Millis, SubmitJobRequest, SubmitJobResponse, SubmitServiceJobRequest};

/// A job that was submitted so long before a submission began may be its own: two clocks are never the same.
const CLOCKS_DIFFER: Millis = 2_000;

impl AwsBackend {
    /// `SubmitJob` has no idempotency token: it is sent again only where it certainly took no effect, so that a lost answer
    /// does not submit twice.
    pub(super) async fn submit(&self, request: SubmitJobRequest) -> Result<SubmitJobResponse, BackendError> {
        masks::refuse(&request)?;
        let target = format!("{} to {}", request.job_name, request.job_queue);
        let (name, queue) = (request.job_name.clone(), request.job_queue.clone());
        let call = convert::request::submit(self.service.batch.submit_job(), request)
            .map_err(|left| left.instead("use `aws batch submit-job --cli-input-json`"))?;
        let began = chrono::Utc::now().timestamp_millis() + self.service.clock.ahead();
        let answer = self.service.call_once(Operator, "SubmitJob", || call.clone().send()).await;
        let answer = self.told(answer, &name, &queue, began).await;
        let submitted = answer.map(|answer| SubmitJobResponse {
            job_arn: answer.job_arn.unwrap_or_default(),
            job_name: answer.job_name.unwrap_or_default(),
            job_id: JobId(answer.job_id.unwrap_or_default()),
        });
        let outcome = submitted.as_ref().map(|job| format!("job {}", job.job_id)).unwrap_or_default();
        self.record("SubmitJob", &target, None, outcome, submitted).await
    }

    pub(super) async fn submit_service(
        &self,
        request: SubmitServiceJobRequest,
    ) -> Result<SubmitJobResponse, BackendError> {
        let target = format!("{} to {}", request.job_name, request.job_queue);
        let (name, queue) = (request.job_name.clone(), request.job_queue.clone());
        // Were it sent twice all the same, the token has the second one refused.
        let call = convert::service::submit(self.service.batch.submit_service_job(), request)
            .client_token(uuid::Uuid::new_v4().to_string());
        let began = chrono::Utc::now().timestamp_millis() + self.service.clock.ahead();
        let answer = self.service.call_once(Operator, "SubmitServiceJob", || call.clone().send()).await;
        let answer = self.told(answer, &name, &queue, began).await;
        let submitted = answer.map(|answer| SubmitJobResponse {
            job_arn: answer.job_arn.unwrap_or_default(),
            job_name: answer.job_name.unwrap_or_default(),
            job_id: JobId(answer.job_id.unwrap_or_default()),
        });
        if let Ok(job) = &submitted {
            self.service.memory().services.note_jobs(std::iter::once(job.job_id.clone()));
        }
        let outcome = submitted.as_ref().map(|job| format!("job {}", job.job_id)).unwrap_or_default();
        self.record("SubmitServiceJob", &target, None, outcome, submitted).await
    }

    /// The answer; of a submission that was sent and not answered, with what may have come of it.
    async fn told<T>(
        &self,
        answer: Result<T, BackendError>,
        name: &str,
        queue: &str,
        began: Millis,
    ) -> Result<T, BackendError> {
        match answer {
            Err(BackendError::Unsure { operation, cause, .. }) => {
                let next = self.looked_for(name, queue, began).await;
                Err(BackendError::Unsure { operation, cause, next })
            }
            answer => answer,
        }
    }

    /// A submission was sent and not answered: which jobs there are that may be what has come of it.
    async fn looked_for(&self, name: &str, queue: &str, began: Millis) -> String {
        let source = Source { of: Of::Queue(queue.to_owned()), by: By::Name(name.to_owned()) };
        let place = Place { source, token: None, after: None };
        let Ok(found) = self.service.list(Operator, place, None).await else {
            return format!("look for `{name}` in `{queue}` before you submit it again");
        };
        let since = found.rows.iter().filter(|row| row.created_at >= began - CLOCKS_DIFFER);
        let ids: Vec<String> = since.map(|row| row.job_id.short()).collect();
        match ids.as_slice() {
            [] => format!("no `{name}` is in `{queue}` yet; look again before you submit it anew"),
            [one] => format!("{one} in `{queue}` was submitted since and may be it; look before you submit it again"),
            several => {
                format!("{} in `{queue}` were submitted since; look before you submit it again", several.join(", "))
            }
        }
    }
}
