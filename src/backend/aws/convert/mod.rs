//! Between the SDK's types and `model`: one file a noun, both ways.

pub mod container;
pub mod definition;
pub mod environment;
pub mod instance;
pub mod job;
pub mod log;
pub mod nodes;
pub mod policy;
pub mod queue;
pub mod request;
pub mod rule;
pub mod schedule;
pub mod service;
pub mod task;

use crate::backend::BackendError;
use crate::model::{Health, Switch};
use std::collections::{BTreeMap, HashMap};

/// The member of a request that no call of this program carries. What asks for it is refused rather than done without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSent {
    member: String,
}

impl NotSent {
    fn member(member: String) -> Self {
        Self { member }
    }

    /// The refusal of it, with what to use for such a request.
    pub fn instead(self, instead: &'static str) -> BackendError {
        BackendError::NotSent { member: self.member, instead }
    }

    /// Refuses members that are not known: none may be there.
    fn check(at: &str, unknown: &BTreeMap<String, serde_json::Value>) -> Result<(), Self> {
        unknown.keys().next().map_or(Ok(()), |name| Err(Self::member(format!("{at}.{name}"))))
    }
}

/// Tags, parameters and options, in order.
fn sorted(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().collect()
}

/// The other way; `None` where there is nothing to send.
fn unsorted(map: BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| map.into_iter().collect())
}

/// A list to send; `None` where there is nothing.
fn some_list<T, U>(list: Vec<T>, convert: impl Fn(T) -> U) -> Option<Vec<U>> {
    (!list.is_empty()).then(|| list.into_iter().map(convert).collect())
}

fn try_list<T, U>(list: Vec<T>, convert: impl Fn(T) -> Result<U, NotSent>) -> Result<Vec<U>, NotSent> {
    list.into_iter().map(convert).collect()
}

fn list<T, U>(list: Option<Vec<T>>, convert: impl Fn(T) -> U) -> Vec<U> {
    list.unwrap_or_default().into_iter().map(convert).collect()
}

/// A count that AWS writes as a signed number.
fn count(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

fn signed(number: Option<u32>) -> Option<i32> {
    number.map(|number| i32::try_from(number).unwrap_or(i32::MAX))
}

/// A time that has come: AWS writes 0 for one that has not.
fn time(millis: Option<i64>) -> Option<i64> {
    millis.filter(|millis| *millis > 0)
}

fn switch(text: Option<&str>) -> Switch {
    if text == Some("DISABLED") { Switch::Disabled } else { Switch::Enabled }
}

/// A word that is not known is neither well nor ill: it is shown as in between.
fn health(text: Option<&str>) -> Health {
    match text {
        Some("CREATING") => Health::Creating,
        Some("DELETING") => Health::Deleting,
        Some("DELETED") => Health::Deleted,
        None | Some("VALID") => Health::Valid,
        Some("INVALID") => Health::Invalid,
        Some(_) => Health::Updating,
    }
}
