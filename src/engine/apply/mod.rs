//! Events become state. Total: an event that was decided on always applies, and one that names what is not there is
//! passed over.

mod environments;
mod instances;
mod jobs;
mod nodes;
mod order;
mod queues;
mod resources;
mod schedules;

use super::Engine;
use super::event::Event;
use super::state::AUDIT_KEPT;

impl Engine {
    pub(super) fn fold(&mut self, event: &Event) {
        self.at = event.at();
        match event {
            Event::EnvironmentCreated { .. }
            | Event::EnvironmentUpdated { .. }
            | Event::EnvironmentDeleting { .. }
            | Event::EnvironmentDeleted { .. }
            | Event::EnvironmentPaused { .. }
            | Event::EnvironmentJudged { .. } => self.fold_environment(event),
            Event::QueueCreated { .. }
            | Event::QueueUpdated { .. }
            | Event::QueueHeld { .. }
            | Event::QueueReleased { .. }
            | Event::QueueDeleting { .. }
            | Event::QueueDeleted { .. } => self.fold_queue(event),
            Event::PolicyCreated { .. }
            | Event::PolicyUpdated { .. }
            | Event::PolicyDeleted { .. }
            | Event::ConsumableCreated { .. }
            | Event::ConsumableUpdated { .. }
            | Event::ConsumableDeleted { .. }
            | Event::DefinitionRegistered { .. }
            | Event::DefinitionDeregistered { .. } => self.fold_resource(event),
            Event::JobSubmitted { .. }
            | Event::JobPending { .. }
            | Event::JobRunnable { .. }
            | Event::JobBlocked { .. }
            | Event::JobHeld { .. }
            | Event::JobReleased { .. }
            | Event::JobMoved { .. }
            | Event::JobStopRequested { .. }
            | Event::JobReprioritised { .. }
            | Event::JobEnded { .. }
            | Event::JobsForgotten { .. }
            | Event::AttemptPlaced { .. }
            | Event::NodesPlaced { .. }
            | Event::AttemptStarted { .. }
            | Event::AttemptEnded { .. } => self.fold_job(event),
            Event::Settling { resource, until, from, to, .. } => self.begin_change(resource, *until, *from, *to),
            Event::Settled { resource, .. } => self.end_change(resource),
            Event::Tagged { resource, tags, .. } => {
                if let Some(known) = self.tags_mut(resource) {
                    known.extend(tags.clone());
                }
            }
            Event::Untagged { resource, keys, .. } => {
                if let Some(known) = self.tags_mut(resource) {
                    known.retain(|key, _| !keys.contains(key));
                }
            }
            Event::ServiceChanged { at, change } => self.core.services.apply(change, *at),
            Event::InstanceLaunched { .. }
            | Event::InstanceRegistered { .. }
            | Event::InstanceDraining { .. }
            | Event::InstanceInterrupted { .. }
            | Event::InstanceReclaimed { .. }
            | Event::InstanceLost { .. }
            | Event::InstanceEnded { .. } => self.fold_instance(event),
            Event::ScheduleSaved { .. }
            | Event::ScheduleDeleted { .. }
            | Event::ScheduleRan { .. }
            | Event::ScheduleGroupSaved { .. }
            | Event::ScheduleGroupDeleted { .. }
            | Event::DeadLettersCleared { .. } => self.fold_schedule(event),
            Event::ClockSetBack { at, from, next } => self.clock_set_back(*at, *from, next),
            Event::WatchSaved { .. }
            | Event::WatchRemoved { .. }
            | Event::WatchFired { .. }
            | Event::WatchCleared { .. }
            | Event::WatchEnded { .. }
            | Event::WatchAcknowledged { .. } => self.fold_watch(event),
            Event::Audited { entry, .. } => {
                self.core.audit.push_back(entry.clone());
                if self.core.audit.len() > AUDIT_KEPT {
                    self.core.audit.pop_front();
                }
            }
        }
    }
}
