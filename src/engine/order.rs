//! In which order the waiting jobs of a queue go (AWS Batch user guide, "Job scheduling" and "Fair-share scheduling
//! policies"): the one order that dispatch, the plan of launches and `GetJobQueueSnapshot` follow.
//!
//! What an operator has put at the front goes first. Then a queue without shares goes by priority, retried jobs first,
//! and submission; on a fair-share queue the share goes whose use weighs least, and in it jobs in that same order.

use super::Engine;
use super::event::Need;
use super::index::{Rank, ShareIndex};
use super::job::Key;
use super::share::{Weights, shifted};
use super::state::{Environment, Queue};
use crate::model::Millis;
use std::collections::{BTreeMap, BTreeSet, btree_set};
use std::iter::Peekable;

/// Shares of a queue that may be active at once (AWS Batch quotas).
pub const ACTIVE_SHARES: usize = 500;

type Waiting<'a> = Peekable<btree_set::Iter<'a, Rank>>;

/// The waiting jobs of one queue, the next at the head, while it is thought out where they go. A step costs the same
/// however many wait.
pub struct Line<'a> {
    engine: &'a Engine,
    first: Waiting<'a>,
    shares: Vec<Contender<'a>>,
    /// Shares that have someone waiting, the one that is next first: its use as it weighs, then who came first.
    turns: BTreeSet<(u128, Key, usize)>,
    /// What placed jobs hold, with those that have stepped from here.
    used_milli: u64,
    /// What may be held; the rest is reserved.
    limit_milli: u64,
}

/// A share, as it competes with others.
struct Contender<'a> {
    name: &'a str,
    waiting: Waiting<'a>,
    /// Shifted as [`Use::at`] is.
    used: u64,
    weight: u64,
}

impl Engine {
    /// `None` where nothing of the queue may go.
    pub(super) fn line(&self, name: &str, now: Millis) -> Option<Line<'_>> {
        let queue = self.core.queues.get(name).filter(|queue| !queue.held)?;
        self.whole_line(name, queue, now)
    }

    /// The order of a queue, also where it is held.
    pub(super) fn whole_line<'a>(&'a self, name: &str, queue: &'a Queue, now: Millis) -> Option<Line<'a>> {
        let index = self.index.queues.get(name)?;
        let mut line = Line {
            engine: self,
            first: index.first.iter().peekable(),
            shares: Vec::new(),
            turns: BTreeSet::new(),
            used_milli: index.placed_milli,
            limit_milli: u64::MAX,
        };
        if line.first.peek().is_none() && index.backlog_milli == 0 {
            return None;
        }
        let contender = |(name, share): (&'a str, &'a ShareIndex)| Contender {
            name,
            waiting: share.runnable.iter().peekable(),
            used: 0,
            weight: 1,
        };
        line.shares = index.shares.iter().map(|(name, share)| (&**name, share)).map(contender).collect();
        if let Some(weights) = self.weights(queue) {
            let active = self.active_shares(name, queue, weights, now);
            let together = active.iter().filter_map(|share| weights.weight(share).1);
            let together = together.fold(BTreeMap::<&str, u64>::new(), |mut counts, prefix| {
                *counts.entry(prefix).or_default() += 1;
                counts
            });
            for share in &mut line.shares {
                let (weight, prefix) = weights.weight(share.name);
                share.weight = weight * prefix.and_then(|prefix| together.get(prefix)).copied().unwrap_or(1);
                share.used = queue.shares.get(share.name).map_or(0, |used| used.at(now, weights));
            }
            let maximum = self.maximum_milli(queue);
            let reserved = weights.reserved(maximum, active.len());
            if reserved > 0 {
                line.limit_milli = maximum - reserved;
            }
        }
        for at in 0..line.shares.len() {
            line.queue_up(at);
        }
        Some(line)
    }

    /// How a queue's shares are weighed; `None` for one without shares.
    pub(super) fn weights(&self, queue: &Queue) -> Option<&Weights> {
        self.index.weights.get(queue.scheduling_policy.as_deref()?)
    }

    /// Shares with a job that has not ended, and those whose use still counts.
    pub(super) fn active_shares<'a>(
        &'a self,
        name: &str,
        queue: &'a Queue,
        weights: &Weights,
        now: Millis,
    ) -> BTreeSet<&'a str> {
        let waiting = self.index.queues.get(name).into_iter().flat_map(|index| index.shares.keys());
        let using = queue.shares.iter().filter(|(_, used)| used.is_active(now, weights));
        waiting.map(|share| &**share).chain(using.map(|(share, _)| share.as_str())).collect()
    }

    fn maximum_milli(&self, queue: &Queue) -> u64 {
        let named = queue.environments.iter().map(|entry| entry.compute_environment.as_str());
        named.filter_map(|name| self.core.environments.get(name)).map(Environment::share_milli).sum()
    }
}

impl Line<'_> {
    /// Who goes next.
    pub fn head(&mut self) -> Option<Key> {
        match self.first.peek() {
            Some(rank) => Some(rank.key),
            None => self.turns.first().map(|(_, key, _)| *key),
        }
    }

    /// Whether what is not reserved for shares to come has place for it. What is larger than that goes when nothing else
    /// of the queue is placed, as it would wait for ever otherwise.
    pub fn may_hold(&self, need: Need) -> bool {
        self.used_milli == 0 || self.used_milli + need.vcpus_milli <= self.limit_milli
    }

    /// The head has its place; the one behind it moves up.
    pub fn step(&mut self, need: Need) {
        self.used_milli += need.vcpus_milli;
        let at = if let Some(rank) = self.first.next() {
            let share = self.engine.core.jobs.get(&rank.key.number).and_then(|root| root.spec.share.as_deref());
            let share = share.unwrap_or("");
            let Ok(at) = self.shares.binary_search_by(|contender| contender.name.cmp(share)) else { return };
            let score = self.shares[at].score();
            if let Some(rank) = self.shares[at].waiting.peek() {
                self.turns.remove(&(score, rank.key, at));
            }
            at
        } else {
            let Some((_, _, at)) = self.turns.pop_first() else { return };
            self.shares[at].waiting.next();
            at
        };
        self.shares[at].used += shifted(need.vcpus_milli);
        self.queue_up(at);
    }

    fn queue_up(&mut self, at: usize) {
        let score = self.shares[at].score();
        if let Some(rank) = self.shares[at].waiting.peek() {
            self.turns.insert((score, rank.key, at));
        }
    }
}

impl Contender<'_> {
    fn score(&self) -> u128 {
        u128::from(self.used) * u128::from(self.weight)
    }
}
