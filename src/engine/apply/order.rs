//! What the order of a queue's jobs depends on, and what is told of it: who has moved up when, who blocks the head, what
//! shares and jobs use.

use crate::engine::Engine;
use crate::engine::event::Submission;
use crate::engine::index::{Facts, QueueIndex, Rank};
use crate::engine::job::Key;
use crate::engine::shared::Text;
use crate::engine::state::{Blocked, Queue, Turn};
use crate::model::{ConsumableKind, JobId, Millis};
use std::ops::Bound::{Excluded, Unbounded};

/// More turns than a snapshot shows jobs: what is behind has no need of them yet.
const TURNS: usize = 256;

impl Engine {
    /// A job is not where it was in its queue, or holds what it did not hold.
    pub(super) fn reordered(&mut self, key: Key, before: Option<Facts>) {
        let Some(root) = self.core.jobs.get(&key.number) else { return };
        let (Some(before), Some(after)) = (before, Facts::of(root, key)) else { return };
        let since = root.get(key.slot).map_or(self.at, |job| job.since);
        let index = self.index.queues.get(&root.spec.queue);
        let (Some(queue), Some(index)) = (self.core.queues.get_mut(&root.spec.queue), index) else { return };
        let weights = queue.scheduling_policy.as_ref().and_then(|name| self.index.weights.get(name));
        if before.rank != after.rank {
            let fair = weights.is_some();
            if let Some(rank) = before.rank {
                queue.turn(if fair { Rank::FIRST } else { rank }, self.at, index);
            }
            if let Some(rank) = after.rank
                && !(since == self.at && !fair && index.is_last(rank))
            {
                queue.turn(if fair { Rank::FIRST } else { rank }, self.at, index);
            }
            if after.rank.is_none() && queue.blocked.as_ref().is_some_and(|blocked| blocked.job == key) {
                queue.blocked = None;
            }
        }
        if let Some(weights) = weights
            && before.is_placed() != after.is_placed()
        {
            let share = root.spec.share.as_deref().unwrap_or("");
            let milli = index.shares.get(share).map_or(0, |share| share.placed_milli);
            if !queue.shares.contains_key(share) {
                let at = self.at;
                queue.shares.retain(|_, used| !used.is_faded(at, weights));
            }
            queue.shares.entry(share.to_owned()).or_default().hold(milli, self.at, weights);
            queue.turn(Rank::FIRST, self.at, index);
        }
    }

    /// What an operator has not set: on a fair-share queue the scheduling priority, which has no effect on another.
    pub(super) fn first_priority(&self, spec: &Submission, queue: &str) -> i32 {
        let fair = self.core.queues.get(queue).is_some_and(|queue| self.weights(queue).is_some());
        let definition = || self.core.definition(&spec.definition, spec.revision)?.scheduling_priority;
        if fair { spec.scheduling_priority.or_else(definition).unwrap_or(0) } else { 0 }
    }

    /// Takes a submission to another queue. None of its jobs is placed.
    pub(super) fn moved(&mut self, id: &JobId, queue: &str, share: Option<&str>) {
        let Some(Key { number, .. }) = self.index.key(id) else { return };
        let Some(root) = self.core.jobs.get_mut(&number) else { return };
        self.index.stand(number, root, false);
        let left = std::mem::replace(&mut root.spec.queue, queue.to_owned());
        root.spec.share = share.map(Box::from);
        let spec = root.spec.clone();
        let priority = self.first_priority(&spec, queue);
        let Some(root) = self.core.jobs.get_mut(&number) else { return };
        for slot in std::iter::once(0).chain(root.leaves()) {
            if let Some(job) = root.get_mut(slot).filter(|job| job.status.is_waiting()) {
                job.priority = priority;
                job.front = 0;
                job.status_reason = None;
            }
        }
        self.index.stand(number, root, true);
        for name in [left.as_str(), queue] {
            let index = self.index.queues.get(name);
            if let (Some(queue), Some(index)) = (self.core.queues.get_mut(name), index) {
                queue.turn(Rank::FIRST, self.at, index);
                queue.blocked = queue.blocked.take().filter(|blocked| blocked.job.number != number);
            }
        }
    }

    /// The job at the head of its queue cannot be placed, or can again.
    pub(super) fn blocked(&mut self, id: &JobId, reason: Option<&str>) {
        let Some(key) = self.index.key(id) else { return };
        let Some(root) = self.core.jobs.get(&key.number) else { return };
        let Some(queue) = self.core.queues.get_mut(&root.spec.queue) else { return };
        let known = queue.blocked.take();
        queue.blocked = match reason {
            Some(reason) => {
                let code = Text::from(reason.split(" - ").next().unwrap_or(reason));
                let same = known.filter(|known| known.job == key && known.code == code);
                Some(same.unwrap_or(Blocked { job: key, code, since: self.at }))
            }
            None => known.filter(|known| known.job != key),
        };
    }

    /// A snapshot of an earlier version does not know whom a queue is blocked by, but the jobs know why they are.
    pub(in crate::engine) fn complete_blocked(&mut self) {
        for key in &self.index.blocked {
            let Some(root) = self.core.jobs.get(&key.number) else { continue };
            let Some(job) = root.get(key.slot) else { continue };
            let Some(reason) = job.status_reason.as_deref() else { continue };
            let code = Text::from(reason.split(" - ").next().unwrap_or(reason));
            if let Some(queue) = self.core.queues.get_mut(&root.spec.queue) {
                queue.blocked.get_or_insert(Blocked { job: *key, code, since: job.since });
            }
        }
    }

    /// What is not replenishable is gone once a job has it.
    pub(super) fn use_up(&mut self, number: u64) {
        let Some(root) = self.core.jobs.get(&number) else { return };
        for (name, quantity) in &root.spec.consumables {
            if let Some(found) = self.core.consumables.get_mut(name)
                && found.kind == ConsumableKind::NonReplenishable
            {
                found.total = found.total.saturating_sub(*quantity);
            }
        }
    }
}

impl Queue {
    /// Who waits behind `rank` has moved. Turns between which nobody waits are one.
    fn turn(&mut self, rank: Rank, at: Millis, index: &QueueIndex) {
        if self.turns.last().is_some_and(|last| last.at == at && last.rank <= rank) {
            return;
        }
        while self.turns.last().is_some_and(|last| last.rank >= rank || !index.is_any_in(last.rank, rank)) {
            self.turns.pop();
        }
        if self.turns.len() < TURNS {
            // Also where the clock was set back, who stands behind has moved no earlier.
            let at = self.turns.last().map_or(at, |last| last.at.max(at));
            self.turns.push(Turn { at, rank });
        }
    }
}

impl QueueIndex {
    fn is_last(&self, rank: Rank) -> bool {
        let behind = (Excluded(rank), Unbounded);
        self.first.range(behind).next().is_none()
            && self.shares.values().all(|share| share.runnable.range(behind).next().is_none())
    }

    /// Whether anyone waits at `from` or behind it, but before `to`.
    fn is_any_in(&self, from: Rank, to: Rank) -> bool {
        self.first.range(from..to).next().is_some()
            || self.shares.values().any(|share| share.runnable.range(from..to).next().is_some())
    }
}
