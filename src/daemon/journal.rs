//! The journal: every event in one `SQLite` file, synced before anyone hears of it.
//!
//! `event(seq, at, region, body)` holds what has happened since the snapshot, one row an event, `seq` without a gap.
//! `covered(seq, at)` says up to which event the snapshot goes, and `piece(seq, region, number, body)` holds it: pieces of
//! another `seq` are those of a snapshot that is being written, or that has been replaced, and events up to it are waiting
//! to be cleared away. `region(id, name)` names the regions; the journal's first one is 1.
//!
//! What is there is read and checked through a read-only connection first: a journal that is damaged or of a newer
//! program is refused and stays as it is, byte for byte. One of an older program is read as it is, and brought to today's
//! form when it is opened for writing.

mod reading;
mod room;

use crate::config::directories::Lack;
use crate::model::Millis;
use reading::{Traces, has_content, read_checked};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What this program writes, and the newest it reads (`PRAGMA user_version`).
const VERSION: i64 = 2;
/// "bdjl": marks the file as a journal of ours (`PRAGMA application_id`).
const APPLICATION: i64 = 0x6264_6a6c;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// At most so many rows of what is not needed any more are cleared away at once.
const CLEARED: usize = 5_000;
const PIECES_CLEARED: usize = 8;

/// An open journal. Only one is open for writing at a time: the engine's lock sees to it.
#[derive(Debug)]
pub(super) struct Journal {
    /// `None` while there was no room to open it.
    connection: Option<Connection>,
    path: PathBuf,
    last: u64,
    since_snapshot: u64,
    commits: u64,
    /// The numbers of the regions that it knows.
    regions: BTreeMap<String, i64>,
    /// Something may be there that the snapshot has replaced.
    to_clear: bool,
}

/// Something that a journal holds, in the order in which it has to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// A piece of a region's snapshot.
    Piece { region: &'a str, body: &'a str },
    /// What came after the snapshot.
    Event { seq: u64, at: Millis, region: &'a str, body: &'a str },
}

/// What there was in a journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Contents {
    /// The number of the last event that the snapshot covers.
    pub covered: Option<u64>,
    pub events: u64,
    /// When the last event was written.
    pub last: Millis,
    /// The region that was there first, where any was.
    pub first_region: Option<String>,
    /// The numbers that [`Journal::grow`] has handed out last.
    pub grown: BTreeMap<String, u64>,
}

impl Contents {
    /// What [`Journal::grow`] would hand out, without a trace.
    pub(super) fn would_grow(&self, key: &str, least: u64, by: u64) -> u64 {
        grown(self.grown.get(key).copied(), least, by)
    }
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
    #[error(
        "{path} cannot be {action}: {lack}. Make room: until then nothing new is taken on; what runs goes on, and its ends \
         are noted later"
    )]
    Full { path: PathBuf, action: &'static str, lack: Lack },
    #[error("{path} cannot be {action}: {cause}. Check the disk and the permissions of the directory")]
    Storage { path: PathBuf, action: &'static str, cause: String },
}

impl Journal {
    /// Reads and checks all of the file, without changing it, and hands each entry over as it comes. What `take` says
    /// against one refuses the whole. Entries of a journal that knew no regions are `home`'s. A file that is not there, or
    /// is empty, has no contents.
    pub(super) fn read(
        path: &Path,
        home: &str,
        take: &mut dyn FnMut(Entry<'_>) -> Result<(), String>,
    ) -> Result<Contents, JournalError> {
        if !has_content(path)? {
            return Ok(Contents::default());
        }
        let traces = Traces::before(path);
        let contents = read_checked(path, home, take);
        if contents.is_err() {
            traces.remove();
        }
        contents
    }

    /// Opens for writing what [`Journal::read`] has found good, or makes a new one, whose first region is `home`.
    pub(super) fn open(path: &Path, home: &str) -> Result<Self, JournalError> {
        let storage = |action| move |cause: rusqlite::Error| storage(path, action, &cause);
        OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|cause| {
            match Lack::of(&cause) {
                Some(lack) => JournalError::Full { path: path.into(), action: "opened", lack },
                None => JournalError::Storage { path: path.into(), action: "opened", cause: cause.to_string() },
            }
        })?;
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(storage("opened"))?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = NORMAL")
            .and_then(|()| prepare(&connection, home))
            .map_err(storage("prepared"))?;
        let covered: u64 = connection
            .query_row("SELECT seq FROM covered", [], |row| row.get(0))
            .optional()
            .map_err(storage("read"))?
            .unwrap_or(0);
        let last: u64 = connection
            .query_row("SELECT coalesce(max(seq), 0) FROM event", [], |row| row.get(0))
            .map_err(storage("read"))?;
        let last = last.max(covered);
        let regions = connection
            .prepare("SELECT name, id FROM region")
            .and_then(|mut all| all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .map_err(storage("read"))?;
        let since_snapshot = last - covered;
        let connection = Some(connection);
        Ok(Self { connection, path: path.to_owned(), last, since_snapshot, commits: 0, regions, to_clear: true })
    }

    /// One that [`Journal::read`] has found good and that cannot be opened for want of room: nothing can be written to it.
    pub(super) fn without_room(path: &Path, contents: &Contents) -> Self {
        Self {
            connection: None,
            path: path.to_owned(),
            last: contents.covered.unwrap_or(0) + contents.events,
            since_snapshot: contents.events,
            commits: 0,
            regions: BTreeMap::new(),
            to_clear: true,
        }
    }

    /// Whether it can be written at all.
    pub(super) fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// Writes a batch of events, each with its region, in one transaction; when this returns, it is on the disk.
    pub(super) fn append<'a>(
        &mut self,
        at: Millis,
        batch: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), JournalError> {
        let (mut last, mut regions) = (self.last, std::mem::take(&mut self.regions));
        let written = self.in_transaction(|transaction| {
            let mut insert =
                transaction.prepare_cached("INSERT INTO event(seq, at, region, body) VALUES (?1, ?2, ?3, ?4)")?;
            for (region, body) in batch {
                last += 1;
                let region = numbered(transaction, &mut regions, region)?;
                insert.execute(params![last, at, region, body])?;
            }
            Ok(())
        });
        // What is not written has given no region its number.
        self.regions = if written.is_ok() { regions } else { BTreeMap::new() };
        written?;
        self.since_snapshot += last - self.last;
        self.last = last;
        self.commits += 1;
        Ok(())
    }

    /// The number of the last event: what a snapshot that is taken now covers.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Writes a piece of a snapshot. It means nothing before [`Journal::cover`].
    pub(super) fn add_piece(&mut self, seq: u64, region: &str, number: u64, body: &str) -> Result<(), JournalError> {
        let mut regions = std::mem::take(&mut self.regions);
        let written = self.in_transaction(|transaction| {
            let region = numbered(transaction, &mut regions, region)?;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO piece(seq, region, number, body) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![seq, region, number, body])?;
            Ok(())
        });
        self.regions = if written.is_ok() { regions } else { BTreeMap::new() };
        written
    }

    /// Puts the snapshot of this number, whose pieces are all there, in the place of the events up to it.
    pub(super) fn cover(&mut self, seq: u64, at: Millis) -> Result<(), JournalError> {
        self.in_transaction(|transaction| {
            transaction.execute("DELETE FROM covered", [])?;
            transaction.execute("INSERT INTO covered(seq, at) VALUES (?1, ?2)", params![seq, at])?;
            Ok(())
        })?;
        self.since_snapshot = self.last - seq;
        self.to_clear = true;
        Ok(())
    }

    /// Clears a little of what the snapshot has replaced away, and says whether more is left. A snapshot that is being
    /// written has the number `writing`.
    pub(super) fn clear(&mut self, writing: Option<u64>) -> Result<bool, JournalError> {
        if !self.to_clear {
            return Ok(false);
        }
        let cleared = self.in_transaction(|transaction| {
            let events = transaction.execute(
                "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE seq <= (SELECT seq FROM covered)
                 ORDER BY seq LIMIT ?1)",
                [CLEARED],
            )?;
            let pieces = transaction.execute(
                "DELETE FROM piece WHERE rowid IN (SELECT rowid FROM piece WHERE seq IS NOT (SELECT seq FROM covered)
                 AND seq IS NOT ?1 LIMIT ?2)",
                params![writing, PIECES_CLEARED],
            )?;
            Ok(events == CLEARED || pieces == PIECES_CLEARED)
        })?;
        self.to_clear = cleared;
        Ok(cleared)
    }

    /// A number that only ever grows, over restarts too: at least `least`, and more than any before.
    pub(super) fn grow(&mut self, key: &str, least: u64, by: u64) -> Result<u64, JournalError> {
        self.in_transaction(|transaction| {
            let before: Option<u64> =
                transaction.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
            let grown = grown(before, least, by);
            transaction.execute("INSERT OR REPLACE INTO meta(key, value) VALUES (?1, ?2)", params![key, grown])?;
            Ok(grown)
        })
    }

    /// How many events have come since the last snapshot.
    pub(super) fn since_snapshot(&self) -> u64 {
        self.since_snapshot
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its disk shows room for some batches. A look; a quota does not show.
    pub(super) fn shows_room(&self) -> bool {
        room::is_shown(&self.path)
    }

    /// Whether there is room for some batches: it is tried out.
    pub(super) fn has_room(&self) -> bool {
        // Where nobody can tell, the next batch will.
        room::lack(&self.path).is_none()
    }

    /// The error of a journal without room.
    pub(super) fn full(&self) -> JournalError {
        let lack = room::lack(&self.path).unwrap_or(Lack::Room);
        JournalError::Full { path: self.path.clone(), action: "written", lack }
    }

    /// How many batches were written since it was opened.
    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// The error for a body that could not be made.
    pub(super) fn refuse(&self, action: &'static str, cause: &dyn std::fmt::Display) -> JournalError {
        JournalError::Storage { path: self.path.clone(), action, cause: cause.to_string() }
    }

    /// What is written is on the disk when this returns; after an error, nothing of it is.
    fn in_transaction<T>(&mut self, write: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        let Some(connection) = &self.connection else { return Err(self.full()) };
        // Statements that are kept: a submit alone would parse as long as it writes.
        let perform = |statement: &str| connection.prepare_cached(statement)?.execute([]);
        let written =
            perform("BEGIN").and_then(|_| write(connection)).and_then(|value| perform("COMMIT").map(|_| value));
        if written.is_err() && !connection.is_autocommit() {
            // It fails only where there is nothing to take back any more.
            let _ = connection.execute_batch("ROLLBACK");
        }
        written.map_err(|cause| storage(&self.path, "written", &cause))
    }
}

/// The number of a region, which it gets where it has none yet.
fn numbered(transaction: &Connection, regions: &mut BTreeMap<String, i64>, region: &str) -> rusqlite::Result<i64> {
    if let Some(number) = regions.get(region) {
        return Ok(*number);
    }
    transaction.execute("INSERT OR IGNORE INTO region(name) VALUES (?1)", [region])?;
    let number = transaction.query_row("SELECT id FROM region WHERE name = ?1", [region], |row| row.get(0))?;
    regions.insert(region.to_owned(), number);
    Ok(number)
}

/// Today's form, from nothing or from that of version 1, which knew one region and had its snapshot in one piece.
fn prepare(connection: &Connection, home: &str) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS region(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
         CREATE TABLE IF NOT EXISTS covered(seq INTEGER NOT NULL, at INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS piece(seq INTEGER NOT NULL, region INTEGER NOT NULL, number INTEGER NOT NULL,
             body TEXT NOT NULL, UNIQUE (seq, region, number));",
    )?;
    if version < VERSION {
        transaction.execute("INSERT OR IGNORE INTO region(id, name) VALUES (1, ?1)", [home])?;
    }
    if version == 1 {
        transaction.execute_batch(
            "ALTER TABLE event ADD COLUMN region INTEGER NOT NULL DEFAULT 1;
             INSERT INTO piece(seq, region, number, body) SELECT seq, 1, 0, body FROM snapshot;
             INSERT INTO covered(seq, at) SELECT seq, 0 FROM snapshot;
             DROP TABLE snapshot;",
        )?;
    } else {
        transaction.execute_batch(
            "CREATE TABLE IF NOT EXISTS event(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL,
             region INTEGER NOT NULL DEFAULT 1);",
        )?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()
}

fn grown(before: Option<u64>, least: u64, by: u64) -> u64 {
    before.map_or(least, |before| least.max(before.saturating_add(by)))
}

fn storage(path: &Path, action: &'static str, cause: &rusqlite::Error) -> JournalError {
    match lack(path, cause) {
        Some(lack) => JournalError::Full { path: path.to_owned(), action, lack },
        None => JournalError::Storage { path: path.to_owned(), action, cause: cause.to_string() },
    }
}

/// `SQLite` calls a disk full where a write says so. A quota that is used up, and room that is missing for anything else, as
/// for its index in memory, which lies on the disk too, are input and output to it: there the disk itself is asked.
fn lack(path: &Path, cause: &rusqlite::Error) -> Option<Lack> {
    let index = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
    match cause.sqlite_error_code()? {
        ErrorCode::DiskFull => Some(Lack::Room),
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => room::lack(path)
            .or_else(|| cause.sqlite_error().is_some_and(|error| error.extended_code == index).then_some(Lack::Room)),
        _ => None,
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests;
