//! Instances that an operator takes away, as Spot does.

use super::{Ruling, refuse};
use crate::engine::Engine;
use crate::engine::command::Refusal;
use crate::engine::event::Event;
use crate::engine::reclaim::NOTICE;
use crate::engine::state::Environment;
use crate::model::{InstanceId, Millis};

impl Engine {
    /// A notice of two minutes, or the end `at_once`.
    pub(super) fn interrupt(&self, instance: &InstanceId, at_once: bool, now: Millis) -> Result<Ruling, Refusal> {
        let Some(host) = self.core.instances.get(instance) else {
            return refuse(format!("the instance {instance} is not known; `batchdeck envs` lists those that run"));
        };
        let unmanaged = self.core.environments.get(&host.environment).is_some_and(Environment::is_unmanaged);
        if unmanaged {
            return refuse(format!("the instance {instance} is this machine itself; it cannot be taken away"));
        }
        if host.reclaimed || host.reclaim_at.is_some() && !at_once {
            return refuse(format!("the instance {instance} is being taken away already"));
        }
        let ends_at = if at_once { now } else { now + NOTICE };
        let jobs = match host.placed.len() {
            1 => "1 job".to_owned(),
            count => format!("{count} jobs"),
        };
        let outcome = if at_once {
            format!("taken away at once with {jobs}")
        } else {
            format!("ends in two minutes; it has {jobs}")
        };
        let interrupted =
            Event::InstanceInterrupted { at: now, instance: instance.clone(), ends_at, for_update: false };
        Ok(Ruling::done("InterruptInstance", &instance.0, outcome, vec![interrupted]))
    }
}
