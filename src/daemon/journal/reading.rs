//! What a journal holds, read and checked without changing it.

use super::{APPLICATION, Contents, Entry, JournalError, MAGIC, VERSION, beside, lack, storage};
use crate::model::Millis;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Whether there is anything to read; what begins like no database is refused here, before `SQLite` sees it.
pub(super) fn has_content(path: &Path) -> Result<bool, JournalError> {
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

/// A connection that changes nothing. It shares its index of what is not in the database yet with whoever writes, in a file;
/// where there is no room for that, it has the journal for itself and keeps the index in its own memory.
fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let open = |flags| {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok::<_, rusqlite::Error>(connection)
    };
    let shared = open(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let look = |connection: &Connection| connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    let cause = match look(&shared) {
        Err(cause) if lack(path, &cause).is_some() => cause,
        // Whatever else is wrong with it is told of what is asked first.
        _ => return Ok(shared),
    };
    drop(shared);
    let alone = open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let is_read = alone
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON")
        .and_then(|()| look(&alone))
        .is_ok();
    if is_read { Ok(alone) } else { Err(cause) }
}

pub(super) fn read_checked(
    path: &Path,
    home: &str,
    take: &mut dyn FnMut(Entry<'_>) -> Result<(), String>,
) -> Result<Contents, JournalError> {
    let damaged = |detail: String| JournalError::Damaged { path: path.into(), detail };
    let broken = |cause: rusqlite::Error| match cause.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::DiskFull) => {
            storage(path, "read", &cause)
        }
        Some(ErrorCode::SystemIoFailure) if lack(path, &cause).is_some() => storage(path, "read", &cause),
        _ => damaged(cause.to_string()),
    };
    let connection = reader(path).map_err(broken)?;
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
    let mut contents = Contents {
        covered: covered.map(|(seq, _)| seq),
        last: covered.map_or(0, |(_, at)| at),
        events: 0,
        first_region: regions.get(&1).cloned(),
        grown: found.grown().map_err(broken)?,
    };

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

    /// The numbers that only ever grow; in some of version 1 there is no table of them.
    fn grown(&self) -> rusqlite::Result<BTreeMap<String, u64>> {
        let table = "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'";
        if self.connection.query_row(table, [], |row| row.get::<_, i64>(0))? == 0 {
            return Ok(BTreeMap::new());
        }
        let mut all = self.connection.prepare("SELECT key, value FROM meta")?;
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

/// The files that `SQLite` makes beside a database even to read it, where they were not there before.
pub(super) struct Traces(Vec<PathBuf>);

impl Traces {
    pub(super) fn before(path: &Path) -> Self {
        Self(["-wal", "-shm"].map(|suffix| beside(path, suffix)).into_iter().filter(|made| !made.exists()).collect())
    }

    pub(super) fn remove(self) {
        for made in self.0 {
            // What is not there needs no removing.
            let _ = fs::remove_file(made);
        }
    }
}
