//! Job definitions: their revisions, and new ones.

use super::budget::Caller::{self, Operator};
use super::convert;
use super::service::Service;
use super::{AwsBackend, PAGES};
use crate::backend::BackendError;
use crate::model::{JobDefinition, RegisterJobDefinitionRequest, RegisterJobDefinitionResponse};

impl Service {
    /// Revisions by name, the newest of each first; at most the first thousand.
    pub async fn definitions(&self, caller: Caller, active_only: bool) -> Result<Vec<JobDefinition>, BackendError> {
        let mut definitions = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = self.batch.describe_job_definitions().set_next_token(token);
            let call = call.set_status(active_only.then(|| "ACTIVE".to_owned()));
            let answer = self.call(caller, "DescribeJobDefinitions", || call.clone().send()).await?;
            let page = answer.job_definitions.unwrap_or_default();
            definitions.extend(page.into_iter().map(convert::definition::definition));
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        definitions.sort_by(|a, b| {
            a.job_definition_name.cmp(&b.job_definition_name).then_with(|| b.revision.cmp(&a.revision))
        });
        Ok(definitions)
    }
}

impl AwsBackend {
    pub(super) async fn register(
        &self,
        request: RegisterJobDefinitionRequest,
    ) -> Result<RegisterJobDefinitionResponse, BackendError> {
        let name = request.job_definition_name.clone();
        let call = convert::definition::register(self.service.batch.register_job_definition(), request)
            .map_err(|left| left.instead("use `aws batch register-job-definition --cli-input-json`"))?;
        // Sent twice, it would make two revisions.
        let answer = self.service.call_once(Operator, "RegisterJobDefinition", || call.clone().send()).await;
        let registered = answer.map(|answer| RegisterJobDefinitionResponse {
            job_definition_name: answer.job_definition_name.unwrap_or_default(),
            job_definition_arn: answer.job_definition_arn.unwrap_or_default(),
            revision: answer.revision.and_then(|revision| u32::try_from(revision).ok()).unwrap_or_default(),
        });
        let outcome = registered.as_ref().map(|new| format!("revision {}", new.revision)).unwrap_or_default();
        self.record("RegisterJobDefinition", &name, None, outcome, registered).await
    }
}
