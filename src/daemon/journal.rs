//! The journal: every event in one `SQLite` file, synced before anyone hears of it.
//!
//! `event(seq, at, body)` holds what has happened since `snapshot(seq, body)`, one row an event, `seq` without a gap.
//! What is there is read and checked through a read-only connection first: a journal that is damaged or of a newer
//! program is refused and stays as it is, byte for byte.

use crate::model::Millis;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What this program writes, and the newest it reads (`PRAGMA user_version`).
const VERSION: i64 = 1;
/// "bdjl": marks the file as a journal of ours (`PRAGMA application_id`).
const APPLICATION: i64 = 0x6264_6a6c;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// An open journal. Only one is open for writing at a time: the engine's lock sees to it.
#[derive(Debug)]
pub(super) struct Journal {
    connection: Connection,
    path: PathBuf,
    last: u64,
    since_snapshot: u64,
    commits: u64,
}

/// One event as it lies in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub seq: u64,
    pub at: Millis,
    /// JSON.
    pub body: String,
}

/// All of a journal, as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Contents {
    /// The number of the last event it covers, and the state as JSON.
    pub snapshot: Option<(u64, String)>,
    /// What came after the snapshot, in order.
    pub events: Vec<Row>,
}

/// Why a journal cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(
        "{path} is damaged: {detail}. Nothing was changed. Move it and its `-wal` away to start with an empty engine, \
         or put a backup in its place"
    )]
    Damaged { path: PathBuf, detail: String },
    #[error(
        "{path} was written by a newer batchdeck (journal version {found}; this program reads up to {known}). Nothing was \
         changed. Use the newer program"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error(
        "{path} is not a journal of batchdeck: {detail}. Nothing was changed. Use another data directory, or move the \
         file away"
    )]
    Foreign { path: PathBuf, detail: String },
    #[error("{path} cannot be {action}: {cause}. Check the disk and the permissions of the directory")]
    Storage { path: PathBuf, action: &'static str, cause: String },
}

impl Journal {
    /// Reads and checks all of the file, without changing it. A file that is not there, or is empty, has no contents.
    pub(super) fn read(path: &Path) -> Result<Contents, JournalError> {
        if !has_content(path)? {
            return Ok(Contents::default());
        }
        let traces = Traces::before(path);
        let contents = read_checked(path);
        if contents.is_err() {
            traces.remove();
        }
        contents
    }

    /// Opens for writing what [`Journal::read`] has found good, or makes a new one.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let storage = |action| move |cause: rusqlite::Error| storage(path, action, &cause);
        OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|cause| JournalError::Storage {
            path: path.into(),
            action: "opened",
            cause: cause.to_string(),
        })?;
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(storage("opened"))?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = NORMAL;
                 BEGIN IMMEDIATE;
                 CREATE TABLE IF NOT EXISTS event(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
                 CREATE TABLE IF NOT EXISTS snapshot(seq INTEGER NOT NULL, body TEXT NOT NULL);
                 CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL);",
            )
            .and_then(|()| connection.pragma_update(None, "user_version", VERSION))
            .and_then(|()| connection.pragma_update(None, "application_id", APPLICATION))
            .and_then(|()| connection.execute_batch("COMMIT"))
            .map_err(storage("prepared"))?;
        let covered = connection
            .query_row("SELECT seq FROM snapshot", [], |row| row.get(0))
            .optional()
            .map_err(storage("read"))?
            .unwrap_or(0);
        let last: u64 = connection
            .query_row("SELECT coalesce(max(seq), 0) FROM event", [], |row| row.get(0))
            .map_err(storage("read"))?;
        let last = last.max(covered);
        Ok(Self { connection, path: path.to_owned(), last, since_snapshot: last - covered, commits: 0 })
    }

    /// Writes a batch in one transaction; when this returns, it is on the disk.
    pub(super) fn append<'a>(
        &mut self,
        batch: impl IntoIterator<Item = (Millis, &'a str)>,
    ) -> Result<(), JournalError> {
        let mut last = self.last;
        self.in_transaction(|transaction| {
            let mut insert = transaction.prepare_cached("INSERT INTO event(seq, at, body) VALUES (?1, ?2, ?3)")?;
            for (at, body) in batch {
                last += 1;
                insert.execute(params![last, at, body])?;
            }
            Ok(())
        })?;
        self.since_snapshot += last - self.last;
        self.last = last;
        self.commits += 1;
        Ok(())
    }

    /// Puts the state in the place of all events so far, which are deleted in the same transaction.
    pub(super) fn snapshot(&mut self, state: &str) -> Result<(), JournalError> {
        let last = self.last;
        self.in_transaction(|transaction| {
            transaction.execute("DELETE FROM snapshot", [])?;
            transaction.execute("INSERT INTO snapshot(seq, body) VALUES (?1, ?2)", params![last, state])?;
            transaction.execute("DELETE FROM event WHERE seq <= ?1", [last])?;
            Ok(())
        })?;
        self.since_snapshot = 0;
        Ok(())
    }

    /// A number that only ever grows, over restarts too: at least `least`, and more than any before.
    pub(super) fn grow(&mut self, key: &str, least: u64, by: u64) -> Result<u64, JournalError> {
        self.in_transaction(|transaction| {
            let before: Option<u64> =
                transaction.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
            let grown = before.map_or(least, |before| least.max(before.saturating_add(by)));
            transaction.execute("INSERT OR REPLACE INTO meta(key, value) VALUES (?1, ?2)", params![key, grown])?;
            Ok(grown)
        })
    }

    /// How many events have come since the last snapshot.
    pub(super) fn since_snapshot(&self) -> u64 {
        self.since_snapshot
    }

    /// How many batches were written since it was opened.
    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// The error for a body that could not be made.
    pub(super) fn refuse(&self, action: &'static str, cause: &dyn std::fmt::Display) -> JournalError {
        JournalError::Storage { path: self.path.clone(), action, cause: cause.to_string() }
    }

    fn in_transaction<T>(
        &mut self,
        write: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        let path = &self.path;
        let failed = |cause: rusqlite::Error| storage(path, "written", &cause);
        let transaction = self.connection.transaction().map_err(failed)?;
        let value = write(&transaction).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(value)
    }
}

fn storage(path: &Path, action: &'static str, cause: &rusqlite::Error) -> JournalError {
    JournalError::Storage { path: path.to_owned(), action, cause: cause.to_string() }
}

/// Whether there is anything to read; what begins like no database is refused here, before `SQLite` sees it.
fn has_content(path: &Path) -> Result<bool, JournalError> {
    let unreadable =
        |cause: io::Error| JournalError::Storage { path: path.into(), action: "read", cause: cause.to_string() };
    let mut head = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAGIC.len() as u64).read_to_end(&mut head).map_err(unreadable)?,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => 0,
        Err(cause) => return Err(unreadable(cause)),
    };
    let log_is_empty = fs::metadata(beside(path, "-wal")).map_or(true, |log| log.len() == 0);
    if head.is_empty() && log_is_empty {
        return Ok(false);
    }
    if head != MAGIC {
        let detail = "it does not begin as an SQLite database does".to_owned();
        return Err(JournalError::Foreign { path: path.into(), detail });
    }
    Ok(true)
}

fn read_checked(path: &Path) -> Result<Contents, JournalError> {
    let damaged = |detail: String| JournalError::Damaged { path: path.into(), detail };
    let broken = |cause: rusqlite::Error| match cause.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::PermissionDenied) => storage(path, "read", &cause),
        _ => damaged(cause.to_string()),
    };
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(broken)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(broken)?;
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(broken);

    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(broken)?;
    if application == 0 && tables == 0 {
        // A kill between the making of the file and its first transaction.
        return Ok(Contents::default());
    }
    if application != APPLICATION {
        let detail = format!("its application id is {application:#x}");
        return Err(JournalError::Foreign { path: path.into(), detail });
    }
    if version > VERSION {
        return Err(JournalError::Newer { path: path.into(), found: version, known: VERSION });
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(broken)?;
    if verdict != "ok" {
        return Err(damaged(verdict));
    }

    let snapshots = connection
        .prepare("SELECT seq, body FROM snapshot")
        .and_then(|mut all| all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<Vec<_>, _>>())
        .map_err(broken)?;
    if snapshots.len() > 1 {
        return Err(damaged(format!("it holds {} snapshots", snapshots.len())));
    }
    let snapshot = snapshots.into_iter().next();
    let first = snapshot.as_ref().map_or(0, |(seq, _): &(u64, String)| *seq) + 1;
    let mut events = Vec::new();
    let mut all = connection.prepare("SELECT seq, at, body FROM event ORDER BY seq").map_err(broken)?;
    let rows =
        all.query_map([], |row| Ok(Row { seq: row.get(0)?, at: row.get(1)?, body: row.get(2)? })).map_err(broken)?;
    for (row, due) in rows.zip(first..) {
        let row = row.map_err(broken)?;
        if row.seq != due {
            return Err(damaged(format!("event {} follows where event {due} is due", row.seq)));
        }
        events.push(row);
    }
    Ok(Contents { snapshot, events })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The files that `SQLite` makes beside a database even to read it, where they were not there before.
struct Traces(Vec<PathBuf>);

impl Traces {
    fn before(path: &Path) -> Self {
        Self(["-wal", "-shm"].map(|suffix| beside(path, suffix)).into_iter().filter(|made| !made.exists()).collect())
    }

    fn remove(self) {
        for made in self.0 {
            // What is not there needs no removing.
            let _ = fs::remove_file(made);
        }
    }
}

#[cfg(test)]
mod tests;
