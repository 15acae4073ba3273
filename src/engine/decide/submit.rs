//! `SubmitJob`: all that can be wrong with a request is said before it is accepted.

use super::{Ruling, refuse, validate};
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::{Event, Submission};
use crate::engine::state::Queue;
use crate::engine::{Engine, Ids, container};
use crate::model::validate::{array_size, job_name, scheduling_priority, share_identifier, timeout};
use crate::model::{DependencyKind, JobDependency, JobId, JobStatus, Millis, SubmitJobRequest, SubmitJobResponse};

/// AWS's limit for a request, in KiB.
const REQUEST_KIB: usize = 30;
const DEPENDENCIES: usize = 20;

impl Engine {
    pub(super) fn submit(
        &self,
        request: &SubmitJobRequest,
        by: &str,
        now: Millis,
        ids: &mut dyn Ids,
    ) -> Result<Ruling, Refusal> {
        job_name(&request.job_name)?;
        let (queue, found) = self.find_queue(&request.job_queue)?;
        self.check_takes_jobs(queue, found)?;
        if !found.service_environments.is_empty() {
            return refuse(format!(
                "JobQueue {queue} is for service jobs; a container job takes a queue of another type"
            ));
        }
        let definition = self.find_definition(&request.job_definition)?;
        let Some(properties) = &definition.container_properties else {
            return refuse(format!("JobDefinition {} has no containerProperties", definition.label()));
        };
        let size = request.array_properties.as_ref().and_then(|array| array.size);
        if let Some(size) = size {
            array_size(size)?;
        }
        let depends_on = self.check_dependencies(&request.depends_on, size)?;
        if let Some(strategy) = &request.retry_strategy {
            validate::retry(strategy)?;
        }
        let seconds = request.timeout.and_then(|limit| limit.attempt_duration_seconds);
        if let Some(seconds) = seconds {
            timeout(seconds)?;
        }
        if let Some(priority) = request.scheduling_priority_override {
            scheduling_priority(priority)?;
        }
        self.check_share(request.share_identifier.as_deref(), queue, found)?;
        self.check_active_shares(request.share_identifier.as_deref(), queue, found, now)?;
        if let Some(overrides) = &request.container_overrides {
            validate::environment(&overrides.environment)?;
            validate::command(&overrides.command)?;
        }
        validate::tags(&request.tags)?;
        validate::size("the request", request, REQUEST_KIB)?;
        let need = container::need(properties, request.container_overrides.as_ref())
            .map_err(|error| Refusal::Client(error.to_string()))?;

        let consumables =
            self.resolve_consumables(definition, request.consumable_resource_properties_override.as_ref())?;

        let id = JobId(ids.uuid());
        let submission = Submission {
            id: id.clone(),
            name: request.job_name.clone(),
            queue: queue.to_owned(),
            definition: definition.job_definition_name.clone(),
            revision: definition.revision,
            created_at: now,
            by: by.to_owned(),
            need,
            array_size: size,
            depends_on,
            parameters: request.parameters.clone(),
            overrides: request.container_overrides.clone().map(Box::new),
            retry: request.retry_strategy.clone().map(Box::new),
            timeout_seconds: seconds,
            share: request.share_identifier.as_deref().map(Box::from),
            scheduling_priority: request.scheduling_priority_override,
            consumables,
            tags: request.tags.clone(),
        };
        let answer = SubmitJobResponse {
            job_arn: self.core.settings.place.batch_arn("job", id.as_str()),
            job_name: request.job_name.clone(),
            job_id: id.clone(),
        };
        let outcome = match size {
            Some(size) => format!("{} with {size} children to {queue}", request.job_name),
            None => format!("{} to {queue}", request.job_name),
        };
        let submitted = Event::JobSubmitted { at: now, job: Box::new(submission) };
        Ok(Ruling::done("SubmitJob", id.as_str(), outcome, vec![submitted]).answering(Answer::Submitted(answer)))
    }

    /// A fair-share queue needs to know whose a job is; another takes no share.
    pub(super) fn check_share(&self, share: Option<&str>, name: &str, queue: &Queue) -> Result<(), Refusal> {
        match share {
            Some(share) if !self.is_fair(queue) => refuse(format!(
                "shareIdentifier is `{share}`, but {name} has no fair-share policy; leave it out for a FIFO queue"
            )),
            Some(share) => Ok(share_identifier("shareIdentifier", share)?),
            None if self.is_fair(queue) => refuse(format!(
                "shareIdentifier is missing; the queue {name} has a fair-share policy: say whose job it is"
            )),
            None => Ok(()),
        }
    }

    /// A dependency must be known and must not have failed. AWS leaves open which it does with such a request; here it is
    /// refused, so that nobody waits for what can never be.
    fn check_dependencies(&self, given: &[JobDependency], size: Option<u32>) -> Result<Vec<JobDependency>, Refusal> {
        if given.len() > DEPENDENCIES {
            return refuse(format!("dependsOn has {} entries; it takes at most 20", given.len()));
        }
        let mut distinct: Vec<JobDependency> = Vec::with_capacity(given.len());
        for dependency in given {
            match (&dependency.job_id, dependency.kind) {
                (None, Some(DependencyKind::Sequential)) => {
                    if size.is_none() {
                        return refuse("a SEQUENTIAL dependency without jobId is for array jobs; give arrayProperties");
                    }
                }
                (Some(id), Some(DependencyKind::Sequential)) => {
                    return refuse(format!("the SEQUENTIAL dependency names the job {id}; leave the jobId out"));
                }
                (None, _) => return refuse("a dependency has no jobId; give one, or type SEQUENTIAL"),
                (Some(id), kind) => self.check_target(id, kind, size)?,
            }
            if !distinct.contains(dependency) {
                distinct.push(dependency.clone());
            }
        }
        Ok(distinct)
    }

    fn check_target(&self, id: &JobId, kind: Option<DependencyKind>, size: Option<u32>) -> Result<(), Refusal> {
        let Some((_, root, job)) = self.find(id) else {
            return refuse(format!("dependsOn names the job {id}, which is not known; it may have been forgotten"));
        };
        if job.status == JobStatus::Failed {
            return refuse(format!("dependsOn names the job {id}, which has FAILED; this job could never run"));
        }
        if kind == Some(DependencyKind::NToN) {
            if root.spec.id != *id || root.spec.array_size.is_none() || size.is_none() {
                return refuse(format!("the N_TO_N dependency on {id} needs an array on both sides"));
            }
            if root.spec.array_size != size {
                let theirs = root.spec.array_size.unwrap_or_default();
                let ours = size.unwrap_or_default();
                return refuse(format!(
                    "the N_TO_N dependency on {id} needs arrays of one size: that one has {theirs} children, this one {ours}"
                ));
            }
        }
        Ok(())
    }
}
