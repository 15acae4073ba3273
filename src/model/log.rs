//! Lines of a job's log, in CloudWatch Logs' shapes.

use super::Millis;
use serde::{Deserialize, Serialize};

/// The log group of every job whose definition names no other.
pub const DEFAULT_LOG_GROUP: &str = "/aws/batch/job";

/// Where a stream lies among the engine's logs, by its group and name: that of the default group under its name, that of
/// another under `+GROUP/`, with the signs of the group's name that divide paths written as `%2F`.
pub fn log_key(group: &str, stream: &str) -> String {
    if group == DEFAULT_LOG_GROUP { stream.to_owned() } else { format!("+{}/{stream}", group.replace('/', "%2F")) }
}

/// `OutputLogEvent`: one line. The message is what the job printed, control sequences and all:
/// whoever shows it removes them with [`super::text::printable`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogEvent {
    pub timestamp: Millis,
    pub message: String,
    pub ingestion_time: Millis,
}

/// `GetLogEventsRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GetLogEvents {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group_name: Option<String>,
    /// Name or ARN of the group, in place of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group_identifier: Option<String>,
    pub log_stream_name: String,
    /// Inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Millis>,
    /// Exclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_from_head: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// `GetLogEventsResponse`. The end is reached when the forward token comes back as it was sent; the same token later
/// yields what was written since.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogPage {
    pub events: Vec<LogEvent>,
    pub next_forward_token: String,
    pub next_backward_token: String,
}
