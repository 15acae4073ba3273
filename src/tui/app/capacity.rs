//! How the capacity of the environment that is shown went: read anew while it is shown.

use super::{App, View};
use crate::model::{CapacityOverTime, Millis};
use crate::tui::requests::Ask;

/// Of one environment, as it was read last.
#[derive(Debug, Default)]
pub struct Capacity {
    pub told: Option<(String, Result<CapacityOverTime, String>)>,
    asked: Option<(String, Millis)>,
}

const REREAD: Millis = 5_000;

impl Capacity {
    /// What is known of an environment.
    pub fn of(&self, environment: &str) -> Option<&Result<CapacityOverTime, String>> {
        self.told.as_ref().filter(|(of, _)| of == environment).map(|(_, told)| told)
    }
}

impl App {
    pub(super) fn settle_capacity(&mut self) {
        let View::Instances { environment, .. } = self.view() else { return };
        if self.capacity_is_due_at().is_some_and(|due| due <= self.now) {
            let environment = environment.clone();
            self.capacity.asked = Some((environment.clone(), self.now));
            self.ask(Ask::Capacity(environment));
        }
    }

    /// When what is shown of it is to be read anew.
    pub(super) fn capacity_is_due_at(&self) -> Option<Millis> {
        let View::Instances { environment, .. } = self.view() else { return None };
        let asked = self.capacity.asked.as_ref().filter(|(of, _)| of == environment);
        Some(asked.map_or(self.now, |(_, at)| at + REREAD))
    }
}
