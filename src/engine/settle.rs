//! Changes that the service is about for a moment: CREATING, UPDATING and DELETING are seen before they are over, as on
//! AWS. How long is a setting; with none, a change is over at once.

use super::Engine;
use super::command::Refusal;
use super::event::Event;
use super::service::ServiceChange;
use crate::model::{Health, Millis};
use serde::{Deserialize, Serialize};

/// The end of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settling {
    pub until: Millis,
    /// What its status will be.
    pub to: Health,
}

impl Engine {
    /// That a change of `resource` (`job-queue/main`) has begun; nothing where changes take no time.
    pub(super) fn settling(&self, resource: String, from: Health, to: Health, now: Millis) -> Option<Event> {
        let takes = Millis::from(self.core.settings.settle_millis);
        (takes > 0).then_some(Event::Settling { at: now, resource, until: now + takes, from, to })
    }

    /// Refuses while a change of it is not over; `what` is `update` or `delete`.
    pub(super) fn check_settled(&self, what: &str, resource: &str) -> Result<(), Refusal> {
        let Some(settling) = self.core.settling.get(resource) else { return Ok(()) };
        let status = self.health(resource).map_or("UPDATING", Health::as_str);
        let name = resource.split_once('/').map_or(resource, |(_, name)| name);
        let message = format!("Cannot {what}, resource is being modified: {name} is {status}; wait until it is VALID");
        Err(Refusal::Modified { message, until: settling.until })
    }

    pub(super) fn health(&self, resource: &str) -> Option<Health> {
        let (kind, name) = resource.split_once('/')?;
        match kind {
            "job-queue" => self.core.queues.get(name).map(|queue| queue.status),
            "compute-environment" => self.core.environments.get(name).map(|found| found.status),
            "service-environment" => self.core.services.environments.get(name).map(|found| found.status),
            "quota-share" => self.core.services.quota_shares.get(name).map(|found| found.status),
            _ => None,
        }
    }

    fn health_mut(&mut self, resource: &str) -> Option<&mut Health> {
        let (kind, name) = resource.split_once('/')?;
        match kind {
            "job-queue" => self.core.queues.get_mut(name).map(|queue| &mut queue.status),
            "compute-environment" => self.core.environments.get_mut(name).map(|found| &mut found.status),
            "service-environment" => self.core.services.environments.get_mut(name).map(|found| &mut found.status),
            "quota-share" => self.core.services.quota_shares.get_mut(name).map(|found| &mut found.status),
            _ => None,
        }
    }

    pub(super) fn begin_change(&mut self, resource: &str, until: Millis, from: Health, to: Health) {
        let Some(health) = self.health_mut(resource) else { return };
        *health = from;
        self.core.settling.insert(resource.to_owned(), Settling { until, to });
    }

    pub(super) fn end_change(&mut self, resource: &str) {
        let Some(Settling { to, .. }) = self.core.settling.remove(resource) else { return };
        if let Some(health) = self.health_mut(resource) {
            *health = to;
        }
    }

    /// Changes whose time is over.
    pub(super) fn settled(&self, now: Millis) -> Vec<Event> {
        // One that seems to last for longer than it may has begun before the clock was set back.
        let longest = now + Millis::from(self.core.settings.settle_millis);
        let due = self
            .core
            .settling
            .iter()
            .filter(|(resource, s)| (s.until <= now || s.until > longest) && !self.is_replacing(resource));
        let mut events = Vec::new();
        for (resource, settling) in due {
            events.push(Event::Settled { at: now, resource: resource.clone() });
            if settling.to != Health::Deleted {
                continue;
            }
            let gone = match resource.split_once('/') {
                Some(("service-environment", name)) => ServiceChange::EnvironmentDeleted { name: name.to_owned() },
                Some(("quota-share", key)) => ServiceChange::QuotaShareDeleted { key: key.to_owned() },
                _ => continue,
            };
            events.push(Event::ServiceChanged { at: now, change: Box::new(gone) });
        }
        events
    }

    pub(super) fn next_settled(&self) -> Option<Millis> {
        let waiting = self.core.settling.iter().filter(|(resource, _)| !self.is_replacing(resource));
        waiting.map(|(_, settling)| settling.until).min()
    }

    /// An environment whose instances of before a change are not all gone.
    fn is_replacing(&self, resource: &str) -> bool {
        let name = resource.strip_prefix("compute-environment/");
        name.is_some_and(|name| self.hosts_of(name).any(|(_, host)| host.outdated))
    }
}
