//! Consumable resources as the placement sees them (AWS Batch user guide, "Resource-aware scheduling"). A job takes its
//! amounts when it is placed; replenishable ones come back at its attempt's end, the others are used up. The job at the
//! head waits for them, and those behind it with it.

use super::Engine;
use super::job::Root;
use crate::model::ConsumableKind;
use std::collections::BTreeMap;

/// What is left of consumable resources while placements are thought out.
pub struct Stock<'a> {
    engine: &'a Engine,
    taken: BTreeMap<&'a str, u64>,
}

impl<'a> Stock<'a> {
    pub fn of(engine: &'a Engine) -> Self {
        Self { engine, taken: BTreeMap::new() }
    }

    /// Whether all that a job takes is there.
    pub fn has(&self, root: &Root) -> bool {
        self.missing(root).is_none()
    }

    /// The first resource of which there is too little, and how much of it the job takes.
    pub fn missing<'r>(&self, root: &'r Root) -> Option<(&'r str, u64)> {
        let mut wanted = root.spec.consumables.iter().map(|(name, quantity)| (name.as_str(), *quantity));
        wanted.find(|(name, quantity)| {
            let taken = self.taken.get(name).copied().unwrap_or(0);
            self.engine.available(name).saturating_sub(taken) < *quantity
        })
    }

    pub fn take(&mut self, root: &'a Root) {
        for (name, quantity) in &root.spec.consumables {
            *self.taken.entry(name).or_default() += quantity;
        }
    }
}

impl Engine {
    /// What of a consumable resource no job holds; 0 where there is no such resource any more.
    pub(super) fn available(&self, name: &str) -> u64 {
        let Some(found) = self.core.consumables.get(name) else { return 0 };
        match found.kind {
            ConsumableKind::Replenishable => {
                found.total.saturating_sub(self.index.held.get(name).copied().unwrap_or(0))
            }
            // Its total is what has not been used up.
            ConsumableKind::NonReplenishable => found.total,
        }
    }

    /// Why the job at the head waits for a consumable resource. Says nothing that changes while it waits.
    pub(super) fn lacks(&self, root: &Root) -> Option<String> {
        let (name, quantity) = Stock::of(self).missing(root)?;
        let total = self.core.consumables.get(name).map_or(0, |found| found.total);
        Some(if total < quantity {
            format!(
                "CONSUMABLE_RESOURCE:INSUFFICIENT_TOTAL - the job takes {quantity} of {name}, which has {total} in all."
            )
        } else {
            format!("CONSUMABLE_RESOURCE:IN_USE - the job takes {quantity} of {name}; that much is not free.")
        })
    }
}
