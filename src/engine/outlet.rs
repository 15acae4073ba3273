//! Where what a container prints goes: the group and the stream that its definition's `logConfiguration` makes of it
//! (AWS Batch user guide, "Use the awslogs log driver").
//!
//! Lines of another driver than `awslogs` are kept here as if it named none: there is nowhere else to read them. The
//! streams of all of a region's jobs are in that region, whatever `awslogs-region` says.

use super::Engine;
use super::job::{Attempt, Root};
use crate::model::{DEFAULT_LOG_GROUP, LogConfiguration, log_key};

/// How many letters of the definition's name a log stream's name starts with.
const STREAM_PREFIX: usize = 200;

/// A stream of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlet {
    pub group: String,
    pub stream: String,
}

impl Outlet {
    /// `PREFIX/CONTAINER/TASK`: the prefix is the one that the options give, or the first 200 letters of the definition's
    /// name.
    pub fn of(definition: &str, logging: Option<&LogConfiguration>, container: &str, task_id: &str) -> Self {
        let prefix = match logging.and_then(LogConfiguration::stream_prefix) {
            Some(given) => given.to_owned(),
            None => definition.chars().take(STREAM_PREFIX).collect(),
        };
        let group = logging.and_then(LogConfiguration::group).unwrap_or(DEFAULT_LOG_GROUP);
        Self { group: group.to_owned(), stream: format!("{prefix}/{container}/{task_id}") }
    }

    /// The place of the stream among the logs.
    pub fn key(&self) -> String {
        log_key(&self.group, &self.stream)
    }
}

impl Engine {
    /// Where each container of an attempt writes or would have written, by name in the order of the definition.
    pub(super) fn outlets<'a>(&'a self, root: &'a Root, slot: u32, attempt: &Attempt) -> Vec<(&'a str, Outlet)> {
        let Some(work) = self.work(root, slot) else { return Vec::new() };
        let outlet = |(name, logging)| (name, Outlet::of(&root.spec.definition, logging, name, &attempt.task_id));
        work.loggings().into_iter().map(outlet).collect()
    }

    /// Where one container of an attempt writes.
    pub(super) fn outlet(&self, root: &Root, slot: u32, attempt: &Attempt, container: &str) -> Option<Outlet> {
        let mut outlets = self.outlets(root, slot, attempt).into_iter();
        outlets.find(|(name, _)| *name == container).map(|(_, outlet)| outlet)
    }
}
