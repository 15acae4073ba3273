//! What the engine's body must do in the world. Doing one twice does no harm: an agent leaves alone what it holds, a
//! start is the same each time, and a stop of what has ended is answered by its exit.

use super::event::Event;
use super::gpus::share_out;
use super::job::{Attempt, Job, Key, Root};
use super::outlet::Outlet;
use super::state::Environment;
use super::work::{self, Node, Work};
use super::{Effect, Engine, StartAttempt, container};
use crate::model::{AttemptId, HOST_IMAGE, InstanceId, JobStatus};
use std::collections::BTreeSet;

/// How long a job has between TERM and KILL: ECS's stop timeout.
const GRACE_SECONDS: u32 = 30;
/// All instances are on this machine: so is a main node that has no address of its own.
const THIS_MACHINE: &str = "127.0.0.1";

impl Engine {
    pub(super) fn after(&self, event: &Event) -> Vec<Effect> {
        match event {
            Event::InstanceLaunched { instance, .. } if self.core.instances.contains_key(instance) => {
                vec![Effect::LaunchInstance { instance: instance.clone() }]
            }
            Event::InstanceEnded { instance, .. } => vec![Effect::EndInstance { instance: instance.clone() }],
            Event::InstanceReclaimed { instance, .. } => vec![Effect::KillInstance { instance: instance.clone() }],
            Event::AttemptPlaced { job, number, instance, .. } => {
                let attempt = AttemptId { job: job.clone(), number: *number };
                let key = self.live_attempt(&attempt);
                key.and_then(|key| self.start(key, instance)).into_iter().collect()
            }
            Event::NodesPlaced { job, .. } => {
                let main = self.find(job).map(|(key, root, _)| Key { slot: root.speaker(0), ..key });
                main.and_then(|key| self.start_placed(key)).into_iter().collect()
            }
            Event::AttemptStarted { job, number, .. } => {
                let attempt = AttemptId { job: job.clone(), number: *number };
                self.live_attempt(&attempt).map(|key| self.start_others(key)).unwrap_or_default()
            }
            Event::JobStopRequested { job, .. } => {
                let Some((key, root, _)) = self.find(job) else { return Vec::new() };
                let runners: Vec<u32> = if key.slot == 0 { root.runners().collect() } else { vec![key.slot] };
                runners.into_iter().filter_map(|slot| stop_effect(root, slot)).collect()
            }
            Event::AttemptEnded { job, number, .. } => {
                let Some((key, root, found)) = self.find(job) else { return Vec::new() };
                let Some(attempt) = (*number as usize).checked_sub(1).and_then(|at| found.attempts.get(at)) else {
                    return Vec::new();
                };
                let id = AttemptId { job: job.clone(), number: *number };
                let mut effects = vec![Effect::Acknowledge { instance: attempt.instance.clone(), attempt: id }];
                if root.is_node(key.slot) && key.slot == root.speaker(0) {
                    effects.extend(root.runners().filter_map(|slot| stop_effect(root, slot)));
                }
                effects
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn reconciled(&self, instance: &InstanceId, held: &[AttemptId]) -> Vec<Effect> {
        let Some(host) = self.core.instances.get(instance) else {
            let stops = held.iter().map(|attempt| stop_now(instance, attempt.clone()));
            return stops.chain([Effect::EndInstance { instance: instance.clone() }]).collect();
        };
        if host.reclaimed {
            return vec![Effect::KillInstance { instance: instance.clone() }];
        }
        let mut effects = Vec::new();
        let mut live = BTreeSet::new();
        for attempt in held {
            match self.live_attempt(attempt).filter(|key| host.placed.contains(key)) {
                Some(key) => {
                    live.insert(key);
                }
                None if self.is_over(attempt) => {
                    effects.push(Effect::Acknowledge { instance: instance.clone(), attempt: attempt.clone() });
                }
                None => effects.push(stop_now(instance, attempt.clone())),
            }
        }
        for key in &host.placed {
            let Some(root) = self.core.jobs.get(&key.number) else { continue };
            let job = root.get(key.slot);
            let started = job.and_then(Job::live).is_some_and(|attempt| attempt.started_at.is_some());
            let stopping = is_to_stop(root, key.slot);
            match (live.contains(key), started) {
                // What is to stop is not started for that: a stop of what is not held is answered by its exit.
                (false, false) if !stopping && may_start(root, key.slot) => effects.extend(self.start(*key, instance)),
                // It had started and nobody holds it: it is not started twice. The agent answers a stop of what it does
                // not hold with an exit that never started, and the retry strategy decides.
                (false, true) if !stopping => {
                    effects.extend(attempt_id(root, key.slot).map(|id| stop_now(instance, id)));
                }
                _ => {}
            }
            effects.extend(stop_effect(root, key.slot));
        }
        effects
    }

    fn is_over(&self, attempt: &AttemptId) -> bool {
        let found = self.find(&attempt.job);
        found.is_some_and(|(_, _, job)| {
            let at = (attempt.number as usize).checked_sub(1);
            at.and_then(|at| job.attempts.get(at)).is_some_and(|attempt| attempt.end.is_some())
        })
    }

    fn start_placed(&self, key: Key) -> Option<Effect> {
        let instance = self.job(key)?.live()?.instance.clone();
        self.start(key, &instance)
    }

    /// When the main node of a multi-node job runs, the others start.
    fn start_others(&self, key: Key) -> Vec<Effect> {
        let Some(root) = self.core.jobs.get(&key.number) else { return Vec::new() };
        if !root.is_node(key.slot) || key.slot != root.speaker(0) {
            return Vec::new();
        }
        let others = root.runners().filter(|slot| *slot != key.slot && may_start(root, *slot));
        others.filter_map(|slot| self.start_placed(Key { slot, ..key })).collect()
    }

    /// Everything the agent needs; the same each time it is asked for.
    fn start(&self, key: Key, instance: &InstanceId) -> Option<Effect> {
        let root = self.core.jobs.get(&key.number)?;
        let attempt = root.get(key.slot)?.live()?;
        let spec = &root.spec;
        let definition = self.core.definition(&spec.definition, spec.revision)?;
        let work = self.work(root, key.slot)?;
        let need = if root.is_node(key.slot) { work.need().ok()? } else { spec.need };
        let variables = variables(root, key, attempt);
        let mut containers = work.containers(&self.parameters(root));
        for container in &mut containers {
            work::with_variables(container, &variables);
            let logging = container.properties.log_configuration.as_ref();
            container.log_stream = Outlet::of(&spec.definition, logging, &container.name, &attempt.task_id).key();
        }
        share_out(&attempt.gpus, &mut containers);
        let volumes = match work {
            Work::One { properties, .. } => properties.volumes.clone(),
            Work::Several { task, .. } => task.settings.volumes.clone(),
        };
        // The job ends with its main node: what limits that one limits the whole.
        let limited = !root.is_node(key.slot) || key.slot == root.speaker(0);
        let limit = spec.timeout_seconds.or_else(|| definition.timeout?.attempt_duration_seconds);
        let start = StartAttempt {
            attempt: attempt_id(root, key.slot)?,
            task_id: attempt.task_id.clone(),
            as_process: self.core.environments.get(&*attempt.environment).is_some_and(Environment::runs_processes)
                || containers.iter().all(|container| container.properties.image == HOST_IMAGE),
            volumes,
            containers,
            vcpus: container::vcpus(need.vcpus_milli),
            memory_mib: need.memory_mib,
            gpus: need.gpus,
            timeout_seconds: limit.filter(|_| limited),
            network: root.nodes.as_ref().map(|_| format!("batchdeck-{}-{}", spec.id, root.tries(0))),
        };
        Some(Effect::Start { instance: instance.clone(), start: Box::new(start) })
    }

    /// What a slot runs; of a multi-node job as a whole, what its main node does.
    pub(super) fn work<'a>(&'a self, root: &'a Root, slot: u32) -> Option<Work<'a>> {
        let definition = self.core.definition(&root.spec.definition, root.spec.revision)?;
        Work::of(definition, root.spec.overridden(), root.node(slot))
    }

    /// The definition's parameters under the job's.
    pub(super) fn parameters(&self, root: &Root) -> std::collections::BTreeMap<String, String> {
        let definition = self.core.definition(&root.spec.definition, root.spec.revision);
        let mut parameters = definition.map(|found| found.parameters.clone()).unwrap_or_default();
        parameters.extend(root.spec.parameters.clone());
        parameters
    }
}

fn attempt_id(root: &Root, slot: u32) -> Option<AttemptId> {
    let job = root.get(slot)?;
    job.live()?;
    Some(AttemptId { job: root.id(slot), number: job.attempt_number() })
}

fn stop_effect(root: &Root, slot: u32) -> Option<Effect> {
    let live = root.get(slot)?.live()?;
    is_to_stop(root, slot).then_some(())?;
    Some(Effect::Stop {
        instance: live.instance.clone(),
        attempt: attempt_id(root, slot)?,
        grace_seconds: GRACE_SECONDS,
    })
}

/// What runs and was terminated, or is a node of a job whose main node has ended.
fn is_to_stop(root: &Root, slot: u32) -> bool {
    let placed = root.get(slot).is_some_and(|job| !job.status.is_final());
    placed && (root.stop_of(slot).is_some() || root.is_node(slot) && root.is_winding_up())
}

/// A node waits for the main one to run.
fn may_start(root: &Root, slot: u32) -> bool {
    let waits = root.is_node(slot) && slot != root.speaker(0);
    !waits || root.job.status == JobStatus::Running && !is_to_stop(root, slot)
}

/// The variables that AWS Batch sets, which nobody can override.
fn variables(root: &Root, key: Key, attempt: &Attempt) -> Vec<(&'static str, String)> {
    let mut set = vec![
        ("AWS_BATCH_JOB_ID", root.id(key.slot).0),
        ("AWS_BATCH_JOB_ATTEMPT", root.tries(key.slot).max(1).to_string()),
        ("AWS_BATCH_JQ_NAME", root.spec.queue.clone()),
        ("AWS_BATCH_CE_NAME", attempt.environment.to_string()),
        ("BATCHDECK_INSTANCE", attempt.instance.0.clone()),
    ];
    if let (Some(index), Some(size)) = (key.index(), root.spec.array_size) {
        set.push(("AWS_BATCH_JOB_ARRAY_INDEX", index.to_string()));
        set.push(("AWS_BATCH_JOB_ARRAY_SIZE", size.to_string()));
    }
    if let (Some(nodes), Some(Node { index, count })) = (&root.nodes, root.node(key.slot)) {
        set.push(("AWS_BATCH_JOB_NODE_INDEX", index.to_string()));
        set.push(("AWS_BATCH_JOB_NUM_NODES", count.to_string()));
        set.push(("AWS_BATCH_JOB_MAIN_NODE_INDEX", nodes.main.to_string()));
        if index != nodes.main {
            let main = root.get(root.speaker(0)).and_then(|main| main.attempts.last());
            let address = main.and_then(|main| main.address.as_deref()).unwrap_or(THIS_MACHINE);
            set.push(("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS", address.to_owned()));
        }
    }
    set
}

/// What no engine knows, or what is lost, is not given time.
fn stop_now(instance: &InstanceId, attempt: AttemptId) -> Effect {
    Effect::Stop { instance: instance.clone(), attempt, grace_seconds: 0 }
}
