//! Queues: listed with their counts, made, changed and deleted, and the policies by which they share what there is.

use super::audit::settings;
use super::budget::Caller::{self, Operator};
use super::convert;
use super::service::Service;
use super::world::QueueJobs;
use super::{AwsBackend, PAGES};
use crate::backend::{BackendError, Why};
use crate::model::event_pattern::wildcard;
use crate::model::{
    ConsumableResource, CreateJobQueueRequest, JobQueue, JobQueueSnapshot, SchedulingPolicy, UpdateJobQueueRequest,
    UpdateSchedulingPolicyRequest, name_of,
};
use aws_sdk_batch::types;
use futures::future::join_all;
use std::time::Duration;

/// How long a list of queues may take to count jobs; queues that were not counted by then say nothing of theirs.
const COUNTING: Duration = Duration::from_secs(5);

impl Service {
    /// All queues that are looked at, without counts, the larger priority first.
    pub async fn queues(&self, caller: Caller) -> Result<Vec<JobQueue>, BackendError> {
        let mut queues = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = self.batch.describe_job_queues().set_next_token(token);
            let answer = self.call(caller, "DescribeJobQueues", || call.clone().send()).await?;
            queues.extend(answer.job_queues.unwrap_or_default().into_iter().map(convert::queue::queue));
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        if let (Some(history), Some(queue)) = (&self.history, queues.first()) {
            history.learn_place(&queue.job_queue_arn);
        }
        self.memory().services.note_queues(&queues);
        queues.retain(|queue| is_looked_at(&self.queues, &queue.job_queue_name));
        queues.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.job_queue_name.cmp(&b.job_queue_name)));
        Ok(queues)
    }
}

/// Whether a queue is one of those that are looked at; without a pattern all are.
pub fn is_looked_at(patterns: &[String], queue: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| wildcard(pattern, queue))
}

impl AwsBackend {
    /// Counts come from the watch where one polls; otherwise each queue's jobs are listed.
    pub(super) async fn counted_queues(&self) -> Result<Vec<JobQueue>, BackendError> {
        let mut queues = self.service.queues(Operator).await?;
        let is_watched = self.service.memory().watches > 0;
        if !is_watched {
            let surveys = queues
                .iter()
                .map(|queue| tokio::time::timeout(COUNTING, self.service.survey(Operator, &queue.job_queue_name)));
            let surveys = join_all(surveys).await;
            for (queue, survey) in queues.iter_mut().zip(surveys) {
                // A caller who may not list jobs still sees the queues, and one with very many does not wait for all.
                let Ok(Ok(survey)) = survey else { continue };
                let mut jobs = QueueJobs::default();
                jobs.settle(survey);
                let (counts, partial) = jobs.counts();
                (queue.job_counts, queue.job_counts_partial) = (Some(counts), partial);
            }
            return Ok(queues);
        }
        let memory = self.service.memory();
        for queue in &mut queues {
            if let Some((counts, partial)) = memory.counts.get(&queue.job_queue_name) {
                (queue.job_counts, queue.job_counts_partial) = (Some(counts.clone()), *partial);
            }
        }
        Ok(queues)
    }

    pub(super) async fn create_queue(&self, request: CreateJobQueueRequest) -> Result<(), BackendError> {
        let name = request.job_queue_name;
        // The service takes an absent state for ENABLED; simple mocks of it do not.
        let state = request.state.unwrap_or_default();
        let call = self
            .service
            .batch
            .create_job_queue()
            .job_queue_name(&name)
            .priority(request.priority)
            .state(types::JqState::from(state.as_str()))
            .set_scheduling_policy_arn(request.scheduling_policy_arn)
            .set_compute_environment_order(convert::queue::order(request.compute_environment_order))
            .set_tags((!request.tags.is_empty()).then(|| request.tags.into_iter().collect()));
        let result = self.service.call_once(Operator, "CreateJobQueue", || call.clone().send()).await.map(|_| ());
        self.record("CreateJobQueue", &name, None, format!("priority {}", request.priority), result).await
    }

    pub(super) async fn update_queue(&self, request: UpdateJobQueueRequest, why: Why) -> Result<(), BackendError> {
        let outcome = settings(&[
            ("state", request.state.map(|state| state.as_str().to_owned())),
            ("priority", request.priority.map(|priority| priority.to_string())),
            ("environments", request.compute_environment_order.as_ref().map(|order| order.len().to_string())),
        ]);
        let name = request.job_queue;
        let call = self
            .service
            .batch
            .update_job_queue()
            .job_queue(&name)
            .set_state(request.state.map(|state| types::JqState::from(state.as_str())))
            .set_priority(request.priority)
            .set_compute_environment_order(request.compute_environment_order.and_then(convert::queue::order));
        let result = self.service.call(Operator, "UpdateJobQueue", || call.clone().send()).await.map(|_| ());
        self.record("UpdateJobQueue", &name, why.reason, outcome, result).await
    }

    pub(super) async fn delete_queue(&self, name: &str, why: Why) -> Result<(), BackendError> {
        let call = self.service.batch.delete_job_queue().job_queue(name);
        let result = self.service.call(Operator, "DeleteJobQueue", || call.clone().send()).await.map(|_| ());
        self.record("DeleteJobQueue", name, why.reason, "deleting".to_owned(), result).await
    }

    pub(super) async fn snapshot(&self, queue: &str) -> Result<JobQueueSnapshot, BackendError> {
        let call = self.service.batch.get_job_queue_snapshot().job_queue(queue);
        let answer = self.service.call(Operator, "GetJobQueueSnapshot", || call.clone().send()).await?;
        Ok(convert::queue::snapshot(answer))
    }

    pub(super) async fn consumable(&self, name: &str) -> Result<ConsumableResource, BackendError> {
        let call = self.service.batch.describe_consumable_resource().consumable_resource(name);
        let answer = self.service.call(Operator, "DescribeConsumableResource", || call.clone().send()).await?;
        Ok(convert::queue::consumable(answer))
    }

    pub(super) async fn policy(&self, arn: &str) -> Result<SchedulingPolicy, BackendError> {
        let call = self.service.batch.describe_scheduling_policies().arns(arn);
        let answer = self.service.call(Operator, "DescribeSchedulingPolicies", || call.clone().send()).await?;
        let found = answer.scheduling_policies.unwrap_or_default().into_iter().next();
        let what = || BackendError::NotFound { what: format!("scheduling policy {arn}") };
        found.map(convert::policy::policy).ok_or_else(what)
    }

    pub(super) async fn update_policy(
        &self,
        request: UpdateSchedulingPolicyRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        let arn = request.arn.clone();
        let call = convert::policy::update(self.service.batch.update_scheduling_policy(), request)
            .map_err(|left| left.instead("use `aws batch update-scheduling-policy`"))?;
        let result = self.service.call(Operator, "UpdateSchedulingPolicy", || call.clone().send()).await.map(|_| ());
        self.record("UpdateSchedulingPolicy", name_of(&arn), why.reason, "changed".to_owned(), result).await
    }
}
