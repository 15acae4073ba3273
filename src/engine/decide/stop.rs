//! Cancel, terminate and reprioritise.

use super::{Ruling, refuse};
use crate::engine::Engine;
use crate::engine::command::Refusal;
use crate::engine::event::Event;
use crate::engine::job::{Job, Root};
use crate::model::{JobId, Millis, validate};

impl Engine {
    /// `CancelJob` ends what has not started; `TerminateJob` ends what has as well. Both accept a job that they cannot
    /// hit, as AWS does, and the record says so.
    pub(super) fn stop(&self, id: &JobId, terminate: bool, reason: &str, now: Millis) -> Result<Ruling, Refusal> {
        validate::reason(reason)?;
        let action = if terminate { "TerminateJob" } else { "CancelJob" };
        let Some((_, root, job)) = self.find(id) else {
            return Err(Refusal::NotFound(format!("Job {id} not found; it may have been forgotten")));
        };
        if id.node_parent().is_some() {
            return refuse(format!("Job {id} is a node; {action} takes {}, the job as a whole", root.spec.id));
        }
        let hits = |job: &Job| job.stop.is_none() && (job.status.is_waiting() || terminate && job.status.is_placed());
        let (hit, was) = match children(id, root) {
            Some(children) => {
                let hit = children.iter().filter(|child| hits(child)).count();
                (hit, format!("{hit} of {} children", children.len()))
            }
            None => (usize::from(hits(job)), format!("was {}", job.status)),
        };
        let outcome = match (hit, job.status) {
            (0, _) if job.is_stopping() => format!("{was}; was stopping already"),
            (0, status) if status.is_final() => format!("{was}; nothing to do"),
            (0, _) => format!("{was}; CancelJob leaves alone what has started"),
            _ => was,
        };
        // A parent is cancelled even where all its children run: none of them is tried again.
        let whole = children(id, root).is_some() && job.stop.is_none() && !job.status.is_final();
        let mut events = Vec::new();
        if hit > 0 || whole {
            events.push(Event::JobStopRequested { at: now, job: id.clone(), terminate, reason: reason.to_owned() });
        }
        Ok(Ruling::done(action, id.as_str(), outcome, events))
    }

    /// Ours: only what waits can be moved.
    pub(super) fn reprioritise(&self, id: &JobId, priority: i32, now: Millis) -> Result<Ruling, Refusal> {
        validate::scheduling_priority(priority)?;
        let Some((_, root, job)) = self.find(id) else {
            return Err(Refusal::NotFound(format!("Job {id} not found; it may have been forgotten")));
        };
        if id.node_parent().is_some() {
            return refuse(format!("Job {id} is a node; reprioritise {}, the job as a whole", root.spec.id));
        }
        let outcome = if let Some(children) = children(id, root) {
            let waiting = children.iter().filter(|child| child.status.is_waiting()).count();
            if waiting == 0 {
                return refuse(format!("no child of {id} waits any more; only waiting jobs can be reprioritised"));
            }
            format!("priority -> {priority} for {waiting} of {} children", children.len())
        } else {
            if !job.status.is_waiting() {
                return refuse(format!("Job {id} is {}; only waiting jobs can be reprioritised", job.status));
            }
            format!("priority {} -> {priority}", job.priority)
        };
        let event = Event::JobReprioritised { at: now, job: id.clone(), priority };
        Ok(Ruling::done("ReprioritiseJob", id.as_str(), outcome, vec![event]))
    }
}

/// The children, where the id is that of an array's parent.
pub(super) fn children<'a>(id: &JobId, root: &'a Root) -> Option<&'a [Job]> {
    let array = root.array.as_ref()?;
    (root.spec.id == *id).then_some(&array.children)
}
