//! What is shown of the parts of a job: its containers where it has several, its nodes, and where each of them wrote.

use super::Engine;
use super::job::{Attempt, Job, Key, Root};
use super::outlet::Outlet;
use super::work::Work;
use crate::model::{
    AttemptEcsTaskDetails, AttemptTaskContainerDetails, ContainerExit, EcsPropertiesDetail, EcsTaskDetails, JobStatus,
    NodeDetails, NodeProperties, NodePropertiesSummary, TaskContainerDetails, TaskContainerProperties,
};

impl Engine {
    /// The state of a slot. A node that is not placed is where its job is.
    pub(super) fn standing(root: &Root, slot: u32) -> Option<(JobStatus, &Job)> {
        let job = root.get(slot)?;
        let waits = root.is_node(slot) && job.status.is_waiting();
        let shown = if waits { &root.job } else { job };
        Some((shown.status, shown))
    }

    /// Where the container writes that stands for an attempt, from RUNNING on; what never started has no log.
    pub(super) fn foremost_outlet(&self, root: &Root, slot: u32, attempt: &Attempt) -> Option<Outlet> {
        attempt.started_at?;
        let container = self.work(root, slot)?.foremost();
        self.outlet(root, slot, attempt, container)
    }

    /// Where, among the logs, the attempts of a job, of the children of a parent or of the nodes of a job write or would
    /// have written.
    pub(super) fn streams(&self, root: &Root, key: Key) -> Vec<String> {
        let slots = if key.slot == 0 { root.runners() } else { key.slot..=key.slot };
        let mut streams = Vec::new();
        for slot in slots {
            let attempts = root.get(slot).map(|job| job.attempts.as_slice()).unwrap_or_default();
            let outlets = attempts.iter().flat_map(|attempt| self.outlets(root, slot, attempt));
            streams.extend(outlets.map(|(_, outlet)| outlet.key()));
        }
        streams
    }

    /// The merged task of a job of several containers, and where the last try of it runs or ran.
    pub(super) fn task_detail(&self, root: &Root, slot: u32, last: Option<&Attempt>) -> Option<EcsPropertiesDetail> {
        let work = self.work(root, slot)?;
        let Work::Several { task, .. } = work else { return None };
        let merged = work.containers(&self.parameters(root));
        let end = last.and_then(|attempt| attempt.end.as_ref());
        let containers = task.containers.iter().zip(merged).map(|(given, merged)| {
            let exit = end.and_then(|end| end.containers.iter().find(|exit| exit.name == given.name));
            let stream = |attempt: &Attempt| Some(self.outlet(root, slot, attempt, &given.name)?.stream);
            TaskContainerDetails {
                exit_code: exit.and_then(|exit| exit.code),
                reason: exit.and_then(|exit| exit.reason.clone()),
                log_stream_name: last.filter(|attempt| attempt.started_at.is_some()).and_then(stream),
                network_interfaces: Vec::new(),
                given: TaskContainerProperties {
                    command: merged.properties.command,
                    environment: merged.properties.environment,
                    resource_requirements: merged.properties.resource_requirements,
                    ..given.clone()
                },
            }
        });
        let details = EcsTaskDetails {
            containers: containers.collect(),
            container_instance_arn: last.map(|attempt| self.instance_arn(attempt)),
            task_arn: last.map(|attempt| self.task_arn(attempt)),
            settings: task.settings.clone(),
        };
        Some(EcsPropertiesDetail { task_properties: vec![details] })
    }

    /// How the containers of an attempt ended, where there are several.
    pub(super) fn attempt_task(&self, root: &Root, slot: u32, attempt: &Attempt) -> Vec<AttemptEcsTaskDetails> {
        let Some(end) = &attempt.end else { return Vec::new() };
        let Some(Work::Several { .. }) = self.work(root, slot) else { return Vec::new() };
        let containers = self.outlets(root, slot, attempt).into_iter().map(|(name, outlet)| {
            let exit = end.containers.iter().find(|exit| exit.name == name).cloned();
            let ContainerExit { code, reason, .. } = exit.unwrap_or_default();
            AttemptTaskContainerDetails {
                name: name.to_owned(),
                exit_code: code,
                reason,
                log_stream_name: attempt.started_at.map(|_| outlet.stream),
                network_interfaces: Vec::new(),
            }
        });
        vec![AttemptEcsTaskDetails {
            container_instance_arn: Some(self.instance_arn(attempt)),
            task_arn: Some(self.task_arn(attempt)),
            containers: containers.collect(),
        }]
    }

    /// Of a multi-node job as a whole: what its definition says, with as many nodes as the job has.
    pub(super) fn node_properties(&self, root: &Root, key: Key) -> Option<NodeProperties> {
        let node = root.node(0).filter(|_| key.slot == 0)?;
        let definition = self.core.definition(&root.spec.definition, root.spec.revision)?;
        Some(NodeProperties { num_nodes: node.count, ..definition.node_properties.clone()? })
    }

    pub(super) fn node_details(root: &Root, key: Key) -> Option<NodeDetails> {
        let node_index = root.node(key.slot).filter(|_| key.slot > 0)?.index;
        Some(NodeDetails { node_index, is_main_node: key.slot == root.speaker(0) })
    }

    pub(super) fn node_summary(root: &Root, key: Key) -> Option<NodePropertiesSummary> {
        let node = root.node(key.slot)?;
        Some(match Self::node_details(root, key) {
            Some(NodeDetails { node_index, is_main_node }) => NodePropertiesSummary {
                is_main_node: Some(is_main_node),
                num_nodes: Some(node.count),
                node_index: Some(node_index),
            },
            None => NodePropertiesSummary { num_nodes: Some(node.count), ..NodePropertiesSummary::default() },
        })
    }
}
