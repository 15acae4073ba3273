//! The fields that a filter can ask for by name.

use crate::model::Millis;
use std::borrow::Cow;

macro_rules! fields {
    ($($field:ident $name:literal $doc:literal;)+) => {
        /// One field of the rows of a list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Field {
            $(#[doc = $doc] $field),+
        }

        impl Field {
            /// What it is called in a filter.
            pub fn name(self) -> &'static str {
                match self { $(Self::$field => $name),+ }
            }

            /// What it is, for completion.
            pub fn doc(self) -> &'static str {
                match self { $(Self::$field => $doc),+ }
            }
        }
    };
}

fields! {
    Status "status" "the state, as FAILED, or running, waiting, failed, succeeded, held, stopping";
    Queue "queue" "the queue";
    Definition "definition" "the job definition, with its revision or of any";
    Name "name" "the name";
    Id "id" "the id, or how it begins";
    Exit "exit" "the exit code of the last attempt";
    Since "since" "in its state since this long ago at most: 90s, 20m, 2h, 3d";
    For "for" "how long it has been in its state: for>20m";
    Reason "reason" "why it is as it is, in the service's words";
    Share "share" "the share identifier";
    Instance "instance" "where it runs, or ran last";
    Priority "priority" "the priority";
    Waiting "waiting" "how many jobs wait: waiting>0";
    Running "running" "how many jobs run";
    Failed "failed" "how many jobs have failed: failed>0";
    Attempt "attempt" "the number of the last attempt";
    Kind "type" "the type";
    Group "group" "the schedule group";
    Image "image" "the container image";
    Who "who" "who did it";
    Action "action" "what was done";
    Target "target" "to what it was done";
    Outcome "outcome" "what came of it";
}

impl Field {
    pub const JOBS: &[Self] = &[
        Self::Status,
        Self::Queue,
        Self::Definition,
        Self::Name,
        Self::Id,
        Self::Exit,
        Self::Since,
        Self::For,
        Self::Reason,
        Self::Share,
        Self::Instance,
        Self::Priority,
        Self::Attempt,
    ];
    pub const FAILURES: &[Self] = &[Self::Definition, Self::Queue, Self::Reason];
    pub const QUEUES: &[Self] = &[Self::Name, Self::Status, Self::Priority, Self::Waiting, Self::Running, Self::Failed];
    pub const ENVIRONMENTS: &[Self] = &[Self::Name, Self::Status, Self::Kind];
    pub const INSTANCES: &[Self] = &[Self::Id, Self::Status, Self::Kind, Self::For];
    pub const SCHEDULES: &[Self] = &[Self::Name, Self::Group, Self::Status, Self::Queue, Self::Definition];
    pub const DEFINITIONS: &[Self] = &[Self::Definition, Self::Status, Self::Image];
    pub const EVENTS: &[Self] =
        &[Self::Status, Self::Queue, Self::Definition, Self::Name, Self::Id, Self::Reason, Self::Since];
    pub const COST: &[Self] = &[Self::Name];
    pub const USAGE: &[Self] = &[Self::Definition];
    pub const WATCHES: &[Self] = &[Self::Status, Self::Name, Self::Who];
    pub const AUDIT: &[Self] = &[Self::Who, Self::Action, Self::Target, Self::Reason, Self::Outcome, Self::Since];
}

/// What a row has in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'r> {
    Nothing,
    Text(Cow<'r, str>),
    /// A job definition with its revision.
    Revision(&'r str),
    /// The words for the state that it is in.
    Words(Vec<&'r str>),
    Number(i64),
    /// How long something has been so, in milliseconds.
    Span(Millis),
}

impl<'r> Value<'r> {
    pub fn text(text: impl Into<Cow<'r, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Nothing where there is none.
    pub fn of(text: Option<&'r str>) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Nothing, Self::text)
    }
}
