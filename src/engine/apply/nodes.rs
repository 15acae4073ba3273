//! The nodes of a multi-node job: placed together, and ended with the main one (AWS Batch user guide, "Multi-node
//! parallel jobs").

use crate::engine::Engine;
use crate::engine::event::{NodePlace, Verdict};
use crate::engine::job::{Key, Root};
use crate::engine::machine::Machine;
use crate::engine::shared::Text;
use crate::model::{JobId, JobStatus, Millis};

impl Engine {
    /// Each node takes its instance whole.
    pub(super) fn nodes_placed(&mut self, id: &JobId, nodes: &[NodePlace], at: Millis) {
        let Some(key) = self.index.key(id) else { return };
        self.use_up(key.number);
        // First, as its place among those that wait depends on the tries of its nodes.
        self.change(key, |job| job.enter(JobStatus::Starting, at));
        let wants: Vec<Machine> =
            self.node_wants(key).unwrap_or_default().iter().map(|want| want.need.into()).collect();
        for ((slot, NodePlace { instance, task_id }), at_index) in (1..).zip(nodes).zip(0..) {
            let promised = wants.get(at_index).copied().unwrap_or_default();
            let node = Key { number: key.number, slot };
            let environment = self.change_host(instance, |host| {
                host.used_milli = host.vcpus_milli;
                host.used_mib = host.memory_mib;
                host.used_gpus = host.gpus;
                host.promised = promised;
                host.placed.insert(node);
                host.idle_since = None;
                Text::from(host.environment.as_str())
            });
            if let Some(environment) = environment {
                self.begin_attempt(node, instance, environment, task_id, at);
            }
        }
    }

    /// The job is RUNNING when its main node is.
    pub(super) fn node_started(&mut self, key: Key, at: Millis) {
        let is_main = self.core.jobs.get(&key.number).is_some_and(|root| root.is_node(key.slot) && is_main(root, key));
        let runs = is_main && self.job(key).is_some_and(|node| node.status == JobStatus::Running);
        if runs {
            self.change(Key::root(key.number), |job| {
                if job.status == JobStatus::Starting {
                    job.enter(JobStatus::Running, at);
                }
            });
        }
    }

    /// The main node's end is the job's; another one's changes nothing but for itself.
    pub(super) fn node_ended(&mut self, key: Key, verdict: Verdict, reason: &Text, at: Millis) {
        let Some(is_main) = self.core.jobs.get(&key.number).map(|root| is_main(root, key)) else { return };
        let status = if verdict == Verdict::Succeeded { JobStatus::Succeeded } else { JobStatus::Failed };
        self.change(key, |node| {
            node.enter(status, at);
            node.status_reason = Some(reason.clone());
        });
        if is_main && verdict == Verdict::Retry {
            if let Some(nodes) = self.core.jobs.get_mut(&key.number).and_then(|root| root.nodes.as_mut()) {
                nodes.retrying = true;
            }
        } else if is_main {
            self.finish(Key::root(key.number), status, Some(reason.clone()), at);
        }
        self.try_again(key.number, at);
    }

    /// A job whose main node has failed waits for room again once its last node has ended.
    fn try_again(&mut self, number: u64, at: Millis) {
        let Some(root) = self.core.jobs.get_mut(&number) else { return };
        let done = !root.holds_nodes();
        let Some(nodes) = root.nodes.as_mut().filter(|nodes| nodes.retrying && done) else { return };
        nodes.retrying = false;
        nodes.nodes.iter_mut().for_each(|node| node.enter(JobStatus::Runnable, at));
        self.change(Key::root(number), |job| job.enter(JobStatus::Runnable, at));
    }
}

fn is_main(root: &Root, key: Key) -> bool {
    key.slot == root.speaker(0)
}
