//! Lines of a job's log, in CloudWatch Logs' shapes.

use super::{LogConfiguration, Millis};
use serde::{Deserialize, Serialize};

/// The log group of every job whose definition names no other.
pub const DEFAULT_LOG_GROUP: &str = "/aws/batch/job";

/// Where a stream lies among the engine's logs, by its group and name: that of the default group under its name, that of
/// another under `+GROUP/`, with the signs of the group's name that divide paths written as `%2F`.
pub fn log_key(group: &str, stream: &str) -> String {
    if group == DEFAULT_LOG_GROUP { stream.to_owned() } else { format!("+{}/{stream}", group.replace('/', "%2F")) }
}

/// The driver whose lines come to `CloudWatch` Logs; that of every container that names none.
const AWSLOGS: &str = "awslogs";

impl LogConfiguration {
    /// Whether its lines are in `CloudWatch` Logs. What another driver makes of them, no reader of those logs sees.
    pub fn is_read(&self) -> bool {
        self.log_driver.is_empty() || self.log_driver == AWSLOGS
    }

    /// `awslogs-group`; `None` where it is the default one.
    pub fn group(&self) -> Option<&str> {
        self.option("awslogs-group")
    }

    /// `awslogs-stream-prefix`: what its streams' names begin with in place of the definition's name.
    pub fn stream_prefix(&self) -> Option<&str> {
        self.option("awslogs-stream-prefix")
    }

    fn option(&self, name: &str) -> Option<&str> {
        let given = self.options.get(name).filter(|given| self.is_read() && !given.is_empty());
        given.map(String::as_str)
    }
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

/// `FilterLogEventsRequest`: the events of several streams of a group, by time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilterLogEvents {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group_name: Option<String>,
    /// At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log_stream_names: Vec<String>,
    /// Inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Millis>,
    /// Inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// `FilteredLogEvent`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilteredLogEvent {
    pub log_stream_name: String,
    pub timestamp: Millis,
    pub message: String,
}

/// `FilterLogEventsResponse`. A page may be short, and even empty, while there is a token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilteredLogEvents {
    pub events: Vec<FilteredLogEvent>,
    pub next_token: Option<String>,
}

/// Which way one goes in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// To later lines.
    #[default]
    Forward,
    Back,
}

/// What came of looking through a stretch of a stream: ours, AWS has no such call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Looked {
    /// So many lines were looked at, and so many of them are hits.
    pub lines: u64,
    pub hits: u64,
    /// The place of the hit at which the looking ended, where the first one was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// The place up to which was looked.
    pub to: String,
    /// Nothing stands beyond it.
    pub is_end: bool,
}
