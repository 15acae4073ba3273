//! What an environment remembers of how its instances came and went, and why, in plain words.

use super::Engine;
use super::container::vcpus;
use super::event::{Event, Need};
use super::state::{Environment, Host};
use crate::model::{InstanceId, InstanceState, Millis, Scaling, ScalingChange};
use std::collections::VecDeque;

/// An environment remembers so many steps.
const KEPT: usize = 50;

impl Engine {
    /// Of one environment, or of all: newest first.
    pub fn scaling(&self, environment: Option<&str>) -> Vec<Scaling> {
        let asked = |name: &&String| environment.is_none_or(|asked| asked == name.as_str());
        let found = self.core.environments.iter().filter(|(name, _)| asked(name));
        // What is of one moment keeps its order.
        let mut all: Vec<Scaling> = found.flat_map(|(_, found)| found.scaling.iter().rev().cloned()).collect();
        all.sort_by_key(|step| std::cmp::Reverse(step.at));
        all
    }

    /// Keeps a step, once the instance is counted or counted out.
    pub(super) fn note_scaling(
        &mut self,
        (id, host): (&InstanceId, &Host),
        change: ScalingChange,
        reason: String,
        at: Millis,
    ) {
        let total = self.total_milli(&host.environment);
        let Some(environment) = self.core.environments.get_mut(&host.environment) else { return };
        if environment.is_fargate() {
            return;
        }
        environment.scaling.push_back(Scaling {
            at,
            compute_environment: host.environment.clone(),
            instance_id: id.clone(),
            instance_type: host.instance_type.clone(),
            change,
            vcpus: vcpus(host.vcpus_milli),
            total_vcpus: vcpus(total),
            reason,
        });
        if environment.scaling.len() > KEPT {
            environment.scaling.pop_front();
        }
    }

    /// The step that an event was, after it was applied.
    pub(super) fn scaling_of(&self, event: &Event) -> Option<&Scaling> {
        let (instance, change) = match event {
            Event::InstanceLaunched { instance, .. } => (instance, ScalingChange::Launched),
            Event::InstanceInterrupted { instance, .. } => (instance, ScalingChange::Noticed),
            Event::InstanceEnded { instance, .. } => (instance, ScalingChange::Ended),
            Event::InstanceLost { instance, .. } => (instance, ScalingChange::Lost),
            _ => return None,
        };
        let is_it = |step: &&Scaling| step.change == change && step.instance_id == *instance;
        let in_one = |steps: &'_ VecDeque<Scaling>| steps.iter().rposition(|step| is_it(&step));
        let mut found = self.core.environments.values();
        found.find_map(|found| in_one(&found.scaling).and_then(|at| found.scaling.get(at)))
    }

    /// Why an empty instance is scaled in.
    pub(super) fn end_reason(&self, host: &Host, now: Millis) -> String {
        match self.core.environments.get(&host.environment) {
            Some(found) if found.is_valid() => {
                if host.outdated {
                    "the environment was changed; it is replaced".to_owned()
                } else if host.reclaim_at.is_some() {
                    "it had its notice and no job".to_owned()
                } else if host.state == InstanceState::Draining {
                    "it took no new job and is empty".to_owned()
                } else {
                    let idle = host.idle_since.map_or(0, |since| (now - since) / 1000);
                    format!("it had no job for {idle} s{}", floor(found))
                }
            }
            _ => "its environment is deleted or INVALID".to_owned(),
        }
    }
}

/// `; minvCpus is 2` where something is kept.
fn floor(environment: &Environment) -> String {
    if environment.minimum == 0 { String::new() } else { format!("; minvCpus is {}", environment.minimum) }
}

/// Why an instance is launched though nothing waits.
pub fn kept_reason(environment: &Environment) -> String {
    if environment.is_unmanaged() {
        return "UNMANAGED: this machine joins".to_owned();
    }
    match environment.raise_to {
        Some(desired) if desired > environment.minimum => format!("an operator asked for {desired} vCPUs"),
        _ => format!("minvCpus is {}", environment.minimum),
    }
}

/// Why an instance is launched for a job.
pub fn needed_reason(job: &str, queue: &str, need: Need) -> String {
    format!("{job} of the queue {queue} needs {need}, and nothing has room for it")
}

/// What an instance hears when it is to go.
pub fn notice_reason(at: Millis, ends_at: Millis, for_update: bool) -> String {
    let seconds = (ends_at - at).max(0) / 1000;
    match (for_update, seconds) {
        (true, _) => "the environment was changed; it is replaced when it is empty".to_owned(),
        (false, 0) => "interrupted: it is taken away at once".to_owned(),
        (false, _) => format!("interrupted: it is taken away in {seconds} s"),
    }
}
