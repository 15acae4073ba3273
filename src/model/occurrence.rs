//! What AWS Batch would tell `EventBridge`, as the engine notes it and as it is sent.

use super::watch::FiredWatch;
use super::{JobId, JobStatus, Millis, name_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// That a job has changed its state or holds up its queue, or that a watch has fired: small, as each is noted whether anyone listens or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    pub at: Millis,
    pub job: JobId,
    /// It is a service job.
    pub service: bool,
    /// Why the job holds up its queue; otherwise it has changed its state.
    pub blocked: Option<String>,
    /// The watch that fired, where it is that and nothing of a job.
    pub watch: Option<Box<FiredWatch>>,
    pub status: JobStatus,
    pub reason: Option<String>,
    /// How many attempts had ended.
    pub attempts: usize,
}

/// The `detail-type` of a watch that fired.
pub const WATCH_FIRED: &str = "Batchdeck Watch Fired";

impl Occurrence {
    /// It is a job's change of its state.
    pub fn is_state(&self) -> bool {
        self.blocked.is_none() && self.watch.is_none()
    }
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

/// An event as a person reads it: what happened, when, to which job, in which queue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Happened {
    pub cursor: u64,
    pub at: Millis,
    /// As the event says it.
    pub time: String,
    /// A state of jobs, or `BLOCKED` where a job holds up its queue.
    pub what: String,
    pub job: JobId,
    pub name: String,
    pub queue: String,
    /// `resize:14`
    pub definition: String,
    pub reason: String,
}

impl EventLine {
    /// What it tells; `None` where events are missing.
    pub fn happened(&self) -> Option<Happened> {
        let event = self.event.as_ref()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let detail = &event["detail"];
        let what = match event["detail-type"].as_str() {
            Some("Batch Job Queue Blocked") => "BLOCKED".to_owned(),
            Some(WATCH_FIRED) => "WATCH".to_owned(),
            _ => text(&detail["status"]),
        };
        let time = text(&event["time"]);
        Some(Happened {
            cursor: self.cursor,
            at: chrono::DateTime::parse_from_rfc3339(&time).map_or(0, |time| time.timestamp_millis()),
            time,
            what,
            job: JobId::from(text(&detail["jobId"]).as_str()),
            name: text(&detail["jobName"]),
            queue: name_of(&text(&detail["jobQueue"])).to_owned(),
            definition: name_of(&text(&detail["jobDefinition"])).to_owned(),
            reason: text(&detail["statusReason"]),
        })
    }
}
