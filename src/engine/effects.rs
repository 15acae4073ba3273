//! What the engine's body must do in the world. Doing one twice does no harm: an agent leaves alone what it holds, a
//! start is the same each time, and a stop of what has ended is answered by its exit.

use super::event::Event;
use super::job::{Attempt, Job, Key, Root};
use super::state::Environment;
use super::{Effect, Engine, StartAttempt, container};
use crate::model::{
    AttemptId, ContainerProperties, DEFAULT_CONTAINER, HOST_IMAGE, InstanceId, KeyValuePair, TaskContainer,
};
use std::collections::BTreeSet;

/// How long a job has between TERM and KILL: ECS's stop timeout.
const GRACE_SECONDS: u32 = 30;
/// How many letters of the definition's name a log stream's name starts with.
const STREAM_PREFIX: usize = 200;

impl Engine {
    pub(super) fn after(&self, event: &Event) -> Vec<Effect> {
        match event {
            Event::InstanceLaunched { instance, .. } if self.core.instances.contains_key(instance) => {
                vec![Effect::LaunchInstance { instance: instance.clone() }]
            }
            Event::InstanceEnded { instance, .. } => vec![Effect::EndInstance { instance: instance.clone() }],
            Event::AttemptPlaced { job, number, instance, .. } => {
                let attempt = AttemptId { job: job.clone(), number: *number };
                let key = self.live_attempt(&attempt);
                key.and_then(|key| self.start(key, instance)).into_iter().collect()
            }
            Event::JobStopRequested { job, .. } => {
                let Some((key, root, _)) = self.find(job) else { return Vec::new() };
                let leaves: Vec<u32> = if key.slot == 0 { root.leaves().collect() } else { vec![key.slot] };
                leaves.into_iter().filter_map(|slot| stop_effect(root, slot)).collect()
            }
            Event::AttemptEnded { job, number, .. } => {
                let Some((_, _, found)) = self.find(job) else { return Vec::new() };
                let Some(attempt) = (*number as usize).checked_sub(1).and_then(|at| found.attempts.get(at)) else {
                    return Vec::new();
                };
                let id = AttemptId { job: job.clone(), number: *number };
                vec![Effect::Acknowledge { instance: attempt.instance.clone(), attempt: id }]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn reconciled(&self, instance: &InstanceId, held: &[AttemptId]) -> Vec<Effect> {
        let Some(host) = self.core.instances.get(instance) else {
            let stops = held.iter().map(|attempt| stop_now(instance, attempt.clone()));
            return stops.chain([Effect::EndInstance { instance: instance.clone() }]).collect();
        };
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
            let stopping = job.is_some_and(Job::is_stopping);
            match (live.contains(key), started) {
                // What is to stop is not started for that: a stop of what is not held is answered by its exit.
                (false, false) if !stopping => effects.extend(self.start(*key, instance)),
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

    /// Everything the agent needs; the same each time it is asked for.
    fn start(&self, key: Key, instance: &InstanceId) -> Option<Effect> {
        let root = self.core.jobs.get(&key.number)?;
        let job = root.get(key.slot)?;
        let attempt = job.live()?;
        let spec = &root.spec;
        let definition = self.core.definition(&spec.definition, spec.revision)?;
        let properties = definition.container_properties.as_ref()?;
        let overrides = spec.overrides.as_deref();
        let processes = self.core.environments.get(&*attempt.environment).is_some_and(Environment::runs_processes);
        let own = spec.timeout_seconds;
        let container = TaskContainer {
            name: DEFAULT_CONTAINER.to_owned(),
            essential: true,
            properties: ContainerProperties {
                command: container::command(properties, overrides, &self.parameters(root)),
                environment: attempt_environment(root, key, attempt, container::environment(properties, overrides)),
                ..properties.clone()
            },
            log_stream: log_stream(&spec.definition, &attempt.task_id),
            ..TaskContainer::default()
        };
        let start = StartAttempt {
            attempt: attempt_id(root, key.slot)?,
            task_id: attempt.task_id.clone(),
            as_process: processes || properties.image == HOST_IMAGE,
            volumes: properties.volumes.clone(),
            containers: vec![container],
            vcpus: container::vcpus(spec.need.vcpus_milli),
            memory_mib: spec.need.memory_mib,
            gpus: spec.need.gpus,
            timeout_seconds: own.or_else(|| definition.timeout.and_then(|limit| limit.attempt_duration_seconds)),
            network: None,
        };
        Some(Effect::Start { instance: instance.clone(), start: Box::new(start) })
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
    let job = root.get(slot)?;
    let live = job.live()?;
    job.stop.as_ref()?;
    Some(Effect::Stop {
        instance: live.instance.clone(),
        attempt: attempt_id(root, slot)?,
        grace_seconds: GRACE_SECONDS,
    })
}

/// The job's environment and the variables that AWS Batch sets, which nobody can override.
fn attempt_environment(root: &Root, key: Key, attempt: &Attempt, own: Vec<KeyValuePair>) -> Vec<KeyValuePair> {
    let number = root.get(key.slot).map_or(1, Job::attempt_number);
    let mut set = vec![
        ("AWS_BATCH_JOB_ID", root.id(key.slot).0),
        ("AWS_BATCH_JOB_ATTEMPT", number.to_string()),
        ("AWS_BATCH_JQ_NAME", root.spec.queue.clone()),
        ("AWS_BATCH_CE_NAME", attempt.environment.to_string()),
        ("BATCHDECK_INSTANCE", attempt.instance.0.clone()),
    ];
    if let (Some(index), Some(size)) = (key.index(), root.spec.array_size) {
        set.push(("AWS_BATCH_JOB_ARRAY_INDEX", index.to_string()));
        set.push(("AWS_BATCH_JOB_ARRAY_SIZE", size.to_string()));
    }
    let mut merged: Vec<KeyValuePair> =
        own.into_iter().filter(|pair| set.iter().all(|(name, _)| *name != pair.name)).collect();
    merged.extend(set.into_iter().map(|(name, value)| KeyValuePair { name: name.to_owned(), value }));
    merged
}

/// What no engine knows, or what is lost, is not given time.
fn stop_now(instance: &InstanceId, attempt: AttemptId) -> Effect {
    Effect::Stop { instance: instance.clone(), attempt, grace_seconds: 0 }
}

/// `<first 200 letters of the definition's name>/default/<task id>`.
pub fn log_stream(definition: &str, task_id: &str) -> String {
    let prefix: String = definition.chars().take(STREAM_PREFIX).collect();
    format!("{prefix}/default/{task_id}")
}
