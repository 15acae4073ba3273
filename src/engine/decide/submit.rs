//! `SubmitJob`: all that can be wrong with a request is said before it is accepted.

use super::tasks::{check_overrides, whole_need};
use super::{Ruling, refuse, validate};
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::{Event, NodeCount, Rare, Submission};
use crate::engine::state::Queue;
use crate::engine::work::Overrides;
use crate::engine::{Engine, Ids};
use crate::model::validate::{array_size, job_name, scheduling_priority, share_identifier, timeout};
use crate::model::{
    DependencyKind, JobDefinition, JobDependency, JobId, JobStatus, Millis, SubmitJobRequest, SubmitJobResponse,
};
use std::collections::{BTreeMap, BTreeSet};

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
        let nodes = check_overrides(definition, request)?;
        let size = request.array_properties.as_ref().and_then(|array| array.size);
        if let Some(size) = size {
            array_size(size)?;
            if nodes.is_some() {
                return refuse(format!(
                    "arrayProperties is given, but {} is a multi-node parallel definition; an array of those is not possible",
                    definition.label()
                ));
            }
        }
        if nodes.is_some() {
            self.check_nodes_have_room(queue, found)?;
        }
        let depends_on = self.check_dependencies(&request.depends_on, size)?;
        check_attempts(request)?;
        self.check_share(request.share_identifier.as_deref(), queue, found)?;
        self.check_active_shares(request.share_identifier.as_deref(), queue, found, now)?;
        validate::tags(&request.tags)?;
        validate::size("the request", request, REQUEST_KIB)?;
        let overrides = Overrides {
            container: request.container_overrides.as_ref(),
            task: request.ecs_properties_override.as_ref(),
            nodes: request.node_overrides.as_ref(),
        };
        let need = whole_need(definition, overrides, nodes)?;
        let (consumables, node_consumables) = self.resolve_consumables(definition, request, nodes)?;

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
            timeout_seconds: request.timeout.and_then(|limit| limit.attempt_duration_seconds),
            share: request.share_identifier.as_deref().map(Box::from),
            scheduling_priority: request.scheduling_priority_override,
            consumables,
            tags: request.tags.clone(),
            rare: rare(request, nodes, node_consumables),
        };
        let answer = SubmitJobResponse {
            job_arn: self.core.settings.place.batch_arn("job", id.as_str()),
            job_name: request.job_name.clone(),
            job_id: id.clone(),
        };
        let outcome = match (size, nodes) {
            (Some(size), _) => format!("{} with {size} children to {queue}", request.job_name),
            (None, Some(nodes)) => format!("{} with {} nodes to {queue}", request.job_name, nodes.count),
            (None, None) => format!("{} to {queue}", request.job_name),
        };
        let mut events = vec![Event::JobSubmitted { at: now, job: Box::new(submission) }];
        if let Some(reason) = too_many_tags(definition, request) {
            let (job, status) = (id.clone(), JobStatus::Failed);
            events.push(Event::JobEnded { at: now, job, status, reason: Some(reason) });
        }
        Ok(Ruling::done("SubmitJob", id.as_str(), outcome, events).answering(Answer::Submitted(answer)))
    }

    /// Multi-node jobs run on managed EC2 environments alone; without one in its queue a job would wait for ever.
    fn check_nodes_have_room(&self, name: &str, queue: &Queue) -> Result<(), Refusal> {
        let named =
            queue.environments.iter().filter_map(|entry| self.core.environments.get(&entry.compute_environment));
        let mut kinds = named.map(|environment| (environment.takes_nodes(), environment.kind().to_owned()));
        if kinds.any(|(takes, _)| takes) {
            return Ok(());
        }
        refuse(format!(
            "multi-node parallel jobs run on MANAGED environments of type EC2 alone, and the queue {name} has none; \
             submit to another queue"
        ))
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
        if root.is_node(self.index.key(id).map_or(0, |key| key.slot)) {
            return refuse(format!("dependsOn names {id}, which is a node; name the multi-node job as a whole"));
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

/// How often and for how long it is tried, and how urgent it is.
fn check_attempts(request: &SubmitJobRequest) -> Result<(), Refusal> {
    if let Some(strategy) = &request.retry_strategy {
        validate::retry(strategy)?;
    }
    if let Some(seconds) = request.timeout.and_then(|limit| limit.attempt_duration_seconds) {
        timeout(seconds)?;
    }
    if let Some(priority) = request.scheduling_priority_override {
        scheduling_priority(priority)?;
    }
    Ok(())
}

/// Why a job whose tags are propagated fails at once, as on AWS: its task cannot have them all.
fn too_many_tags(definition: &JobDefinition, request: &SubmitJobRequest) -> Option<String> {
    let propagates = request.propagate_tags.or(definition.propagate_tags).unwrap_or(false);
    let tags: BTreeSet<&String> = definition.tags.keys().chain(request.tags.keys()).collect();
    (propagates && tags.len() > validate::TAGS)
        .then(|| format!("The job and its definition have {} tags to propagate; a task takes 50", tags.len()))
}

fn rare(
    request: &SubmitJobRequest,
    nodes: Option<NodeCount>,
    node_consumables: BTreeMap<String, u64>,
) -> Option<Box<Rare>> {
    let rare = Rare {
        nodes,
        node_overrides: request.node_overrides.clone(),
        task_overrides: request.ecs_properties_override.clone(),
        propagate_tags: request.propagate_tags,
        node_consumables,
    };
    (rare != Rare::default()).then(|| Box::new(rare))
}
