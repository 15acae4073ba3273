//! In which order the waiting jobs of a queue go (AWS Batch user guide, "Job scheduling"): the one order that dispatch
//! and the plan of launches follow.

use super::Engine;
use super::index::Rank;
use super::job::Key;
use std::collections::btree_set;
use std::iter::Peekable;

/// The waiting jobs of one queue, the next at the head, while it is thought out where they go. A step costs the same
/// however many wait.
pub struct Line<'a> {
    waiting: Peekable<btree_set::Iter<'a, Rank>>,
}

impl Engine {
    /// `None` where nothing of the queue may go.
    pub(super) fn line(&self, queue: &str) -> Option<Line<'_>> {
        let index = self.index.queues.get(queue)?;
        Some(Line { waiting: index.runnable.iter().peekable() })
    }
}

impl Line<'_> {
    /// Who goes next.
    pub fn head(&mut self) -> Option<Key> {
        self.waiting.peek().map(|rank| rank.key)
    }

    /// The head has its place; the one behind it moves up.
    pub fn step(&mut self) {
        self.waiting.next();
    }
}
