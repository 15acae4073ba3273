//! What jobs refer to: definitions, scheduling policies, consumable resources.

use crate::engine::Engine;
use crate::engine::event::Event;
use crate::engine::state::Consumable;

impl Engine {
    /// What happens to what jobs refer to.
    pub(super) fn fold_resource(&mut self, event: &Event) {
        match event {
            Event::PolicyCreated { name, policy, .. } => {
                self.index.know_policy(name, policy.fairshare.as_ref());
                self.core.policies.insert(name.clone(), policy.clone());
            }
            Event::PolicyUpdated { name, fairshare, quota_share, .. } => {
                let Some(policy) = self.core.policies.get_mut(name) else { return };
                policy.fairshare = fairshare.clone().or_else(|| policy.fairshare.take());
                policy.quota_share = quota_share.clone().or_else(|| policy.quota_share.take());
                self.index.know_policy(name, policy.fairshare.as_ref());
            }
            Event::PolicyDeleted { name, .. } => {
                self.core.policies.remove(name);
                self.index.know_policy(name, None);
            }
            Event::ConsumableCreated { at, name, total, kind, tags } => {
                let consumable = Consumable {
                    kind: *kind,
                    total: *total,
                    created_at: *at,
                    tags: tags.clone(),
                    ..Default::default()
                };
                self.core.consumables.insert(name.clone(), consumable);
            }
            Event::ConsumableUpdated { at, name, total, token } => {
                if let Some(consumable) = self.core.consumables.get_mut(name) {
                    consumable.update(*total, token.clone(), *at);
                }
            }
            Event::ConsumableDeleted { name, .. } => {
                self.core.consumables.remove(name);
            }
            Event::DefinitionRegistered { definition, .. } => {
                let revisions = self.core.definitions.entry(definition.job_definition_name.clone()).or_default();
                revisions.insert(definition.revision, (**definition).clone());
            }
            Event::DefinitionDeregistered { name, revision, .. } => {
                let revisions = self.core.definitions.get_mut(name);
                if let Some(definition) = revisions.and_then(|revisions| revisions.get_mut(revision)) {
                    "INACTIVE".clone_into(&mut definition.status);
                }
            }
            _ => {}
        }
    }
}
