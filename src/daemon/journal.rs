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

use crate::model::Millis;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What this program writes, and the newest it reads (`PRAGMA user_version`).
const VERSION: i64 = 2;
/// "bdjl": marks the file as a journal of ours (`PRAGMA application_id`).
const APPLICATION: i64 = 0x6264_6a6c;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// At most so many rows of what is not needed any more are cleared away at once.
const CLEARED: usize = 5_000;
/// After its disk was full it goes on once there are so many bytes.
const ROOM: u64 = 1 << 20;
const PIECES_CLEARED: usize = 8;

/// An open journal. Only one is open for writing at a time: the engine's lock sees to it.
#[derive(Debug)]
pub(super) struct Journal {
    connection: Connection,
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
        "{path} cannot be {action}: its disk is full. Make room: until then nothing new is taken on; what runs goes on, and \
         its ends are noted later"
    )]
    Full { path: PathBuf, action: &'static str },
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
        OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|cause| JournalError::Storage {
            path: path.into(),
            action: "opened",
            cause: cause.to_string(),
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
        Ok(Self { connection, path: path.to_owned(), last, since_snapshot, commits: 0, regions, to_clear: true })
    }

    /// The region that was there first.
    pub(super) fn first_region(&self) -> Option<&str> {
        self.regions.iter().find(|(_, id)| **id == 1).map(|(name, _)| name.as_str())
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
            let grown = before.map_or(least, |before| least.max(before.saturating_add(by)));
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

    /// Whether its disk has room for some batches.
    pub(super) fn has_room(&self) -> bool {
        // Where nobody can tell, the next batch will.
        rustix::fs::statvfs(&self.path).map_or(true, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= ROOM)
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
        let connection = &self.connection;
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

fn storage(path: &Path, action: &'static str, cause: &rusqlite::Error) -> JournalError {
    // Without room for its index in memory, which lies on the disk too, SQLite speaks of input and output.
    let index = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
    let is_full = cause.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
        || cause.sqlite_error().is_some_and(|error| error.extended_code == index);
    if is_full {
        return JournalError::Full { path: path.to_owned(), action };
    }
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

fn read_checked(
    path: &Path,
    home: &str,
    take: &mut dyn FnMut(Entry<'_>) -> Result<(), String>,
) -> Result<Contents, JournalError> {
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

    let found = Found { connection: &connection, version, home };
    let regions = found.regions().map_err(broken)?;
    let region = |number: i64| {
        regions.get(&number).map(String::as_str).ok_or_else(|| damaged(format!("region {number} has no name")))
    };
    let covered = found.covered().map_err(broken)?;
    if covered.len() > 1 {
        return Err(damaged(format!("it holds {} snapshots", covered.len())));
    }
    let covered = covered.first().copied();
    let mut contents =
        Contents { covered: covered.map(|(seq, _)| seq), last: covered.map_or(0, |(_, at)| at), events: 0 };

    if let Some((seq, _)) = covered {
        let mut pieces = connection.prepare(found.pieces()).map_err(broken)?;
        let mut pieces = pieces.query([seq]).map_err(broken)?;
        let mut due: BTreeMap<i64, u64> = BTreeMap::new();
        while let Some(row) = pieces.next().map_err(broken)? {
            let (number, piece): (i64, u64) = (row.get(0).map_err(broken)?, row.get(1).map_err(broken)?);
            let expected = due.entry(number).or_insert(0);
            if piece != *expected {
                return Err(damaged(format!("piece {piece} of its snapshot follows where piece {expected} is due")));
            }
            *expected += 1;
            take(Entry::Piece { region: region(number)?, body: text(row, 2).map_err(broken)? })
                .map_err(|cause| damaged(format!("its snapshot cannot be read: {cause}")))?;
        }
        if due.is_empty() {
            return Err(damaged("its snapshot has no pieces".to_owned()));
        }
    }

    let mut all = connection.prepare(found.events()).map_err(broken)?;
    let mut rows = all.query([contents.covered.unwrap_or(0)]).map_err(broken)?;
    let mut due = contents.covered.unwrap_or(0) + 1;
    while let Some(row) = rows.next().map_err(broken)? {
        let (seq, at): (u64, Millis) = (row.get(0).map_err(broken)?, row.get(1).map_err(broken)?);
        if seq != due {
            return Err(damaged(format!("event {seq} follows where event {due} is due")));
        }
        let region = region(row.get(2).map_err(broken)?)?;
        take(Entry::Event { seq, at, region, body: text(row, 3).map_err(broken)? })
            .map_err(|cause| damaged(format!("event {seq} cannot be read: {cause}")))?;
        due += 1;
        contents.events += 1;
        contents.last = at;
    }
    Ok(contents)
}

/// A column's text, where it lies.
fn text<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    let value = row.get_ref(column)?;
    value.as_str().map_err(|_| rusqlite::Error::InvalidColumnType(column, "body".to_owned(), value.data_type()))
}

/// A journal of this or an earlier version, as it lies there.
struct Found<'a> {
    connection: &'a Connection,
    version: i64,
    home: &'a str,
}

impl Found<'_> {
    fn regions(&self) -> rusqlite::Result<BTreeMap<i64, String>> {
        if self.version == 1 {
            return Ok(BTreeMap::from([(1, self.home.to_owned())]));
        }
        let mut all = self.connection.prepare("SELECT id, name FROM region")?;
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// Up to which event the snapshot goes, and when it was taken where that is known.
    fn covered(&self) -> rusqlite::Result<Vec<(u64, Millis)>> {
        let asked = if self.version == 1 { "SELECT seq, 0 FROM snapshot" } else { "SELECT seq, at FROM covered" };
        let mut all = self.connection.prepare(asked)?;
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// Region, number and body of the pieces of the snapshot `?1`.
    fn pieces(&self) -> &'static str {
        if self.version == 1 {
            "SELECT 1, 0, body FROM snapshot WHERE seq = ?1"
        } else {
            "SELECT region, number, body FROM piece WHERE seq = ?1 ORDER BY region, number"
        }
    }

    /// Number, time, region and body of the events after `?1`.
    fn events(&self) -> &'static str {
        if self.version == 1 {
            "SELECT seq, at, 1, body FROM event WHERE seq > ?1 ORDER BY seq"
        } else {
            "SELECT seq, at, region, body FROM event WHERE seq > ?1 ORDER BY seq"
        }
    }
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
