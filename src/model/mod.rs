//! The nouns that both sides share, with their wire form: AWS's own shapes, plus ours where AWS has none.
//!
//! Nothing here does I/O, reads a clock or is asynchronous; nothing here knows another room.

mod capacity;
mod change;
mod consumable;
mod container;
mod cost;
mod definition;
mod ecs;
pub mod event_pattern;
mod evidence;
mod examination;
pub mod expression;
mod failures;
mod fit;
mod ids;
mod ink;
mod instance_type;
mod job;
mod job_log;
mod lineage;
mod lines_over_time;
mod log;
mod log_lines;
mod log_pattern;
mod log_reserve;
mod money;
#[cfg(test)]
#[path = "tests/mutation.rs"]
pub mod mutation;
mod nearest;
mod nodes;
mod occurrence;
mod order;
mod policy;
mod price;
mod pulse;
mod queue;
pub mod region;
pub mod regular;
mod replacement;
mod scaling;
mod schedule;
pub mod secret;
mod service;
mod starter;
mod status;
mod task;
pub mod text;
mod usage;
pub mod validate;
pub mod watch;

pub use capacity::*;
pub use change::*;
pub use consumable::*;
pub use container::*;
pub use cost::*;
pub use definition::*;
pub use ecs::*;
pub use evidence::*;
pub use examination::{Area, Finding, Verdict};
pub use failures::*;
pub use fit::*;
pub use ids::*;
pub use ink::{Ink, Paint, inked_line};
pub use instance_type::InstanceType;
pub use job::*;
pub use job_log::*;
pub use lineage::*;
pub use lines_over_time::*;
pub use log::*;
pub use log_lines::{Level, Shape, Traces, Unfolded};
pub use log_pattern::{LogPattern, LogPatternError};
pub use log_reserve::*;
pub use money::*;
pub use nearest::{nearest, nearest_words};
pub use nodes::*;
pub use occurrence::*;
pub use order::*;
pub use policy::*;
pub use price::*;
pub use pulse::*;
pub use queue::*;
pub use replacement::*;
pub use scaling::*;
pub use schedule::*;
pub use service::*;
pub use starter::*;
pub use status::*;
pub use task::*;
pub use usage::*;

/// Milliseconds since 1970 in UTC: what AWS Batch and CloudWatch Logs write.
pub type Millis = i64;
