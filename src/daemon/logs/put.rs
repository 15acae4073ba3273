//! `CreateLogStream`, `PutLogEvents` and `DeleteLogStream`: what is not written by an agent.

use super::{LogError, stream_file};
use crate::config::directories::make_private;
use crate::model::Millis;
use serde::Deserialize;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// AWS's limits of `PutLogEvents`: events, and bytes with 26 more for each event.
const MOST_EVENTS: usize = 10_000;
const MOST_BYTES: usize = 1_048_576;
const EVENT_OVERHEAD: usize = 26;
const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;

/// `InputLogEvent`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::daemon) struct Input {
    pub timestamp: Millis,
    pub message: String,
}

/// What was not taken: events before `old` are too old, from `new` on too new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::daemon) struct Rejected {
    pub old: Option<usize>,
    pub new: Option<usize>,
}

/// Makes an empty stream. Blocks on the disk.
pub(in crate::daemon) fn create(logs: &Path, key: &str) -> Result<(), LogError> {
    let path = stream_file(logs, key)?;
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::AlreadyExists => LogError::Exists("The specified log stream already exists".to_owned()),
        _ => LogError::Storage { stream: key.to_owned(), cause },
    };
    make_private(path.parent().unwrap_or(logs)).map_err(failed)?;
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map(|_| ()).map_err(failed)
}

pub(in crate::daemon) fn delete(logs: &Path, key: &str) -> Result<(), LogError> {
    fs::remove_file(stream_file(logs, key)?).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => LogError::NotFound(key.to_owned()),
        _ => LogError::Storage { stream: key.to_owned(), cause },
    })
}

/// Appends events that are neither too old nor too new to a stream that is there. Blocks on the disk.
pub(in crate::daemon) fn put(logs: &Path, key: &str, events: &[Input], now: Millis) -> Result<Rejected, LogError> {
    let invalid = |message: String| Err(LogError::Invalid(message));
    let bytes: usize = events.iter().map(|event| event.message.len() + EVENT_OVERHEAD).sum();
    if !(1..=MOST_EVENTS).contains(&events.len()) || bytes > MOST_BYTES {
        return invalid(format!(
            "logEvents has {} events of {bytes} bytes; it takes 1 to {MOST_EVENTS} events and at most {MOST_BYTES} bytes, \
             each event counted with {EVENT_OVERHEAD} more",
            events.len()
        ));
    }
    if events.is_sorted_by_key(|event| event.timestamp) {
        let span = events[events.len() - 1].timestamp - events[0].timestamp;
        if span > DAY {
            return invalid("Log events in a single PutLogEvents request must span at most 24 hours.".to_owned());
        }
    } else {
        return invalid("Log events in a single PutLogEvents request must be in chronological order.".to_owned());
    }
    if let Some(empty) = events.iter().position(|event| event.message.is_empty()) {
        return invalid(format!("logEvents[{empty}].message is empty; it takes at least one letter"));
    }
    let path = stream_file(logs, key)?;
    let mut file = OpenOptions::new().append(true).open(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => LogError::NotFound(key.to_owned()),
        _ => LogError::Storage { stream: key.to_owned(), cause },
    })?;
    let old = events.iter().position(|event| event.timestamp >= now - 14 * DAY).unwrap_or(events.len());
    let new = events.iter().position(|event| event.timestamp > now + 2 * HOUR).unwrap_or(events.len());
    let mut text = String::with_capacity(bytes);
    for event in events.get(old..new).unwrap_or_default() {
        // An event is a line of the file.
        let line = event.message.replace('\n', "\r");
        text.extend([event.timestamp.to_string().as_str(), " ", &line, "\n"]);
    }
    file.write_all(text.as_bytes()).map_err(|cause| LogError::Storage { stream: key.to_owned(), cause })?;
    Ok(Rejected { old: (old > 0).then_some(old), new: (new < events.len()).then_some(new) })
}
