//! What was done through this console, in a file: AWS has no call that tells it.

use super::{AwsBackend, cannot};
use crate::backend::BackendError;
use crate::config::directories::make_private;
use crate::model::AuditEntry;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// A file of JSON lines, one an action, oldest first, for its owner alone.
#[derive(Debug, Clone)]
pub struct AuditFile {
    path: PathBuf,
}

impl AuditFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Adds the entry. Lines of several consoles do not mix: each is one write at the end of the file.
    pub fn append(&self, entry: &AuditEntry) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            make_private(directory)?;
        }
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?.write_all(&line)
    }

    /// The last `limit` entries, newest first. A line that cannot be read, as a full disk leaves one, is passed over.
    pub fn last(&self, limit: usize) -> io::Result<Vec<AuditEntry>> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            opened => opened?,
        };
        let mut entries = std::collections::VecDeque::new();
        for line in BufReader::new(file).split(b'\n') {
            if let Ok(entry) = serde_json::from_slice::<AuditEntry>(&line?) {
                entries.push_front(entry);
                entries.truncate(limit);
            }
        }
        Ok(entries.into())
    }
}

impl AwsBackend {
    /// Records what an operator did, and hands its result on. An action that was carried out and could not be recorded
    /// stays carried out: the log tells of it.
    pub(super) async fn record<T>(
        &self,
        action: &'static str,
        target: &str,
        reason: Option<String>,
        outcome: String,
        result: Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        if let Some(file) = self.audit.clone() {
            let outcome = result.as_ref().err().map_or(outcome, ToString::to_string);
            let at = chrono::Utc::now().timestamp_millis();
            let (who, target) = (self.by.clone(), target.to_owned());
            let entry = AuditEntry { at, who, action: action.to_owned(), target, reason, outcome };
            let written = tokio::task::spawn_blocking(move || file.append(&entry)).await;
            if let Ok(Err(error)) = written {
                tracing::error!(%error, action, "an action could not be recorded");
            }
        }
        result
    }

    /// What was done through this console: AWS itself has no call that tells it.
    pub(super) async fn last_recorded(&self, limit: usize) -> Result<Vec<AuditEntry>, BackendError> {
        let Some(file) = self.audit.clone() else {
            return Err(cannot::READ_AUDIT);
        };
        let read = tokio::task::spawn_blocking(move || file.last(limit)).await;
        read.map_err(std::io::Error::other)
            .flatten()
            .map_err(|error| BackendError::Malformed { operation: "ListAudit", cause: error.to_string() })
    }
}

/// What an update sets, for the record: `state DISABLED, priority 5`.
pub fn settings(parts: &[(&str, Option<String>)]) -> String {
    let set = parts.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
    set.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn entry(target: &str) -> AuditEntry {
        AuditEntry { target: target.into(), action: "TerminateJob".into(), ..Default::default() }
    }

    #[test]
    fn the_last_actions_come_back_newest_first() {
        let directory = tempfile::tempdir().expect("makes a directory");
        let file = AuditFile::new(directory.path().join("deep/audit.jsonl"));
        assert_eq!(file.last(5).expect("nothing yet"), []);
        for target in ["a", "b", "c"] {
            file.append(&entry(target)).expect("writes");
        }
        assert_eq!(file.last(2).expect("reads"), [entry("c"), entry("b")]);
        assert_eq!(file.last(0).expect("reads"), []);
        let mode = std::fs::metadata(&file.path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_torn_line_is_passed_over() {
        let directory = tempfile::tempdir().expect("makes a directory");
        let file = AuditFile::new(directory.path().join("audit.jsonl"));
        file.append(&entry("a")).expect("writes");
        let mut raw = OpenOptions::new().append(true).open(&file.path).expect("opens");
        raw.write_all(b"{\"at\":1,\"wh\xff\n").expect("writes");
        file.append(&entry("b")).expect("writes");
        assert_eq!(file.last(9).expect("reads"), [entry("b"), entry("a")]);
    }
}
