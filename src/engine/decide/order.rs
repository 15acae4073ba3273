//! Hold, release and move: what an operator may do with those who wait, beyond AWS.

use super::stop::children;
use super::{Ruling, refuse};
use crate::engine::Engine;
use crate::engine::command::Refusal;
use crate::engine::event::Event;
use crate::engine::job::{Job, Root};
use crate::engine::order::ACTIVE_SHARES;
use crate::engine::state::Queue;
use crate::model::{Health, JobId, JobStatus, Millis, MoveTo, Switch};

impl Engine {
    /// A held job is passed over; those behind it go on.
    pub(super) fn hold_job(&self, id: &JobId, now: Millis) -> Result<Ruling, Refusal> {
        let (root, job) = self.waiting(id, "held")?;
        let free = |job: &Job| job.status.is_waiting() && !job.held;
        let (count, outcome) = match children(id, root) {
            Some(children) => {
                let count = children.iter().filter(|child| free(child)).count();
                (count, format!("{count} of {} children held", children.len()))
            }
            None => (usize::from(free(job)), format!("held; it is {}", job.status)),
        };
        if count == 0 {
            return Ok(Ruling::done("HoldJob", id.as_str(), "is held already", vec![]));
        }
        Ok(Ruling::done("HoldJob", id.as_str(), outcome, vec![Event::JobHeld { at: now, job: id.clone() }]))
    }

    pub(super) fn release_job(&self, id: &JobId, now: Millis) -> Result<Ruling, Refusal> {
        let (root, job) = self.known(id)?;
        let (count, outcome) = match children(id, root) {
            Some(children) => {
                let count = children.iter().filter(|child| child.held).count();
                (count, format!("{count} of {} children released", children.len()))
            }
            None => (usize::from(job.held), "released".to_owned()),
        };
        if count == 0 {
            return Ok(Ruling::done("ReleaseJob", id.as_str(), "is not held", vec![]));
        }
        Ok(Ruling::done("ReleaseJob", id.as_str(), outcome, vec![Event::JobReleased { at: now, job: id.clone() }]))
    }

    /// To the front of its queue, to another queue, or to the front of that.
    pub(super) fn move_job(&self, id: &JobId, to: &MoveTo, now: Millis) -> Result<Ruling, Refusal> {
        let (root, job) = self.waiting(id, "moved")?;
        let Some(queue) = &to.job_queue else {
            if to.share_identifier.is_some() {
                return refuse("shareIdentifier is given without jobQueue; a job changes its share with its queue");
            }
            if !to.front {
                return refuse("the move says neither jobQueue nor front; give one of them");
            }
            let outcome = format!("to the front of {}", root.spec.queue);
            let event = Event::JobMoved { at: now, job: id.clone(), queue: None, share: None, front: true };
            return Ok(Ruling::done("MoveJob", id.as_str(), outcome, vec![event]));
        };
        if root.spec.id != *id {
            return refuse(format!("{id} is a child of an array, which moves to another queue as a whole"));
        }
        let placed = match &root.array {
            Some(array) => array.counts.get(JobStatus::Starting) + array.counts.get(JobStatus::Running),
            None => u64::from(job.status.is_placed()),
        };
        if placed > 0 {
            return refuse(format!(
                "{placed} children of {id} are STARTING or RUNNING; it can be moved to another queue once they have ended"
            ));
        }
        let (name, found) = self.find_queue(queue)?;
        if name == root.spec.queue {
            return refuse(format!("Job {id} is in {name} already; leave jobQueue out to move it to the front"));
        }
        if found.state == Switch::Disabled || found.status != Health::Valid {
            let state = if found.status == Health::Valid { found.state.as_str() } else { found.status.as_str() };
            return refuse(format!("JobQueue {name} is {state}; enable it, or move the job to another queue"));
        }
        let known = root.spec.share.as_deref();
        let share = to.share_identifier.as_deref().or_else(|| known.filter(|_| self.is_fair(found)));
        self.check_share(share, name, found)?;
        self.check_active_shares(share, name, found, now)?;
        let outcome = format!("{} -> {name}{}", root.spec.queue, if to.front { ", to its front" } else { "" });
        let event = Event::JobMoved {
            at: now,
            job: id.clone(),
            queue: Some(name.to_owned()),
            share: share.map(ToOwned::to_owned),
            front: to.front,
        };
        Ok(Ruling::done("MoveJob", id.as_str(), outcome, vec![event]))
    }

    /// AWS's quota of shares that are active at once in a queue.
    pub(super) fn check_active_shares(
        &self,
        share: Option<&str>,
        name: &str,
        queue: &Queue,
        now: Millis,
    ) -> Result<(), Refusal> {
        let (Some(share), Some(weights)) = (share, self.weights(queue)) else { return Ok(()) };
        if self.index.queues.get(name).is_some_and(|index| index.shares.contains_key(share)) {
            return Ok(());
        }
        let active = self.active_shares(name, queue, weights, now);
        if active.len() >= ACTIVE_SHARES && !active.contains(share) {
            return refuse(format!(
                "shareIdentifier is `{share}`, but {name} has {ACTIVE_SHARES} active shares, the most that a queue \
                 takes; wait until one is not active any more"
            ));
        }
        Ok(())
    }

    /// A held queue takes jobs and places none; what runs goes on.
    pub(super) fn hold_queue(&self, name_or_arn: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (name, queue) = self.find_queue(name_or_arn)?;
        if queue.status == Health::Deleting {
            return refuse(format!("Cannot hold {name}, it is DELETING"));
        }
        if queue.held {
            return Ok(Ruling::done("HoldQueue", name, "is held already", vec![]));
        }
        let waiting = self.index.queues.get(name).map_or(0, |index| index.counts.get(JobStatus::Runnable));
        let outcome = format!("held; {waiting} jobs are RUNNABLE");
        Ok(Ruling::done("HoldQueue", name, outcome, vec![Event::QueueHeld { at: now, name: name.to_owned() }]))
    }

    pub(super) fn release_queue(&self, name_or_arn: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (name, queue) = self.find_queue(name_or_arn)?;
        if !queue.held {
            return Ok(Ruling::done("ReleaseQueue", name, "is not held", vec![]));
        }
        let event = Event::QueueReleased { at: now, name: name.to_owned() };
        Ok(Ruling::done("ReleaseQueue", name, "released", vec![event]))
    }

    fn known(&self, id: &JobId) -> Result<(&Root, &Job), Refusal> {
        match self.find(id) {
            Some((_, root, job)) => Ok((root, job)),
            None => refuse(format!("Job {id} not found; it may have been forgotten")),
        }
    }

    /// A job that waits, or an array of which a child does.
    fn waiting(&self, id: &JobId, done: &str) -> Result<(&Root, &Job), Refusal> {
        let (root, job) = self.known(id)?;
        match children(id, root) {
            Some(children) if !children.iter().any(|child| child.status.is_waiting()) => {
                refuse(format!("no child of {id} waits any more; only waiting jobs can be {done}"))
            }
            None if !job.status.is_waiting() => {
                refuse(format!("Job {id} is {}; only waiting jobs can be {done}", job.status))
            }
            _ => Ok((root, job)),
        }
    }
}
