//! Schedules, and the rules of `EventBridge` beside them. Who may read neither watches jobs all the same.

use super::{Watcher, now};
use crate::backend::BackendError;
use crate::backend::aws::budget::Caller::Background;
use crate::backend::aws::schedules::Key;
use crate::backend::aws::world::schedule_changes;
use crate::model::{What, is_of_rules};
use std::collections::BTreeMap;

/// Whether schedules can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Clear,
    /// They could not be when that was tried last, by what passes.
    Missed,
    /// The caller may not.
    Denied,
}

impl Watcher {
    pub(super) async fn look_at_schedules(&mut self) -> Result<(), BackendError> {
        let schedules = match self.service.schedules(Background).await {
            // Jobs are watched all the same.
            Err(
                error @ (BackendError::Refused { .. }
                | BackendError::Malformed { .. }
                | BackendError::Unreachable { .. }),
            ) => {
                // What passes is asked for again in the next round; told of it is once.
                let sight = if passes(&error) { Sight::Missed } else { Sight::Denied };
                if std::mem::replace(&mut self.schedules, sight) != sight {
                    let notice = What::Notice(format!("schedules are not watched: {error}"));
                    self.tell(vec![notice, What::SchedulesUnread(Some(error.to_string()))]);
                }
                self.service.memory().schedules_changed |= sight == Sight::Missed;
                return Ok(());
            }
            schedules => schedules?,
        };
        let mut schedules: BTreeMap<_, _> =
            schedules.into_iter().map(|each| ((each.group_name.clone(), each.name.clone()), each)).collect();
        // Rules are read by themselves.
        let rules = self.world.schedules.iter().filter(|((group, _), _)| is_of_rules(group));
        schedules.extend(rules.map(|(key, rule)| (key.clone(), rule.clone())));
        if std::mem::replace(&mut self.schedules, Sight::Clear) != Sight::Clear {
            self.tell(vec![What::SchedulesUnread(None)]);
        }
        self.service.memory().read_at.schedules = Some(now());
        self.tell(schedule_changes(&self.world.schedules, &schedules));
        self.world.schedules = schedules;
        Ok(())
    }

    pub(super) async fn look_for_buses(&mut self) -> Result<(), BackendError> {
        match self.service.event_buses(Background).await {
            Ok(buses) => self.buses = buses,
            Err(error) => self.see_no_rules(error)?,
        }
        Ok(())
    }

    pub(super) async fn look_for_rules(&mut self, queue: &str) -> Result<(), BackendError> {
        if !self.sees_rules {
            return Ok(());
        }
        match self.service.rule_names(Background, &self.buses, queue).await {
            Ok(names) => self.rule_names.extend(names),
            Err(error) => self.see_no_rules(error)?,
        }
        Ok(())
    }

    pub(super) async fn look_at_rules(&mut self) -> Result<(), BackendError> {
        if !self.sees_rules {
            return Ok(());
        }
        let rules = match self.service.read_rules(Background, &self.rule_names).await {
            Ok(rules) => rules,
            Err(error) => return self.see_no_rules(error),
        };
        let is_rule = |(group, _): &&Key| is_of_rules(group);
        let keys: Vec<Key> = self.world.schedules.keys().filter(is_rule).cloned().collect();
        let before: BTreeMap<_, _> =
            keys.into_iter().filter_map(|key| self.world.schedules.remove_entry(&key)).collect();
        let rules = rules.into_iter().map(|each| ((each.group_name.clone(), each.name.clone()), each)).collect();
        self.tell(schedule_changes(&before, &rules));
        self.world.schedules.extend(rules);
        Ok(())
    }

    /// Rules stand beside what is watched: that they cannot be read is said once.
    fn see_no_rules(&mut self, error: BackendError) -> Result<(), BackendError> {
        if matches!(error, BackendError::Throttled { .. }) {
            return Err(error);
        }
        self.sees_rules = false;
        self.tell(vec![What::Notice(format!("rules of EventBridge are not watched: {error}"))]);
        Ok(())
    }
}

/// Whether the same call may well succeed later.
fn passes(error: &BackendError) -> bool {
    match error {
        BackendError::Refused { code, .. } => {
            code.starts_with('5')
                || ["ServerException", "InternalServerException", "InternalFailure"].contains(&&**code)
        }
        BackendError::Malformed { .. } | BackendError::Unreachable { .. } => true,
        _ => false,
    }
}
