//! What AWS Batch would tell `EventBridge`, as the engine notes it and as it is sent.

use super::{JobId, JobStatus, Millis};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// That a job has changed its state, or holds up its queue: small, as each is noted whether anyone listens or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    pub at: Millis,
    pub job: JobId,
    /// It is a service job.
    pub service: bool,
    /// Why the job holds up its queue; otherwise it has changed its state.
    pub blocked: Option<String>,
    pub status: JobStatus,
    pub reason: Option<String>,
    /// How many attempts had ended.
    pub attempts: usize,
}

/// One line of `/batchdeck/v1/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventLine {
    /// Where to go on after this line; it grows, over restarts too.
    pub cursor: u64,
    /// The event in `EventBridge`'s form; `None` where events before this cursor are not known any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Value>,
}
