//! The book in which ended jobs stand: one `SQLite` file for its owner alone, bounded by age and by rows.
//!
//! `job` holds a row a job: where it was (see [`super::Told`]), what a list told of it, and all of it where it was described.
//! Several consoles write it side by side.

use super::Told;
use crate::config::directories::make_private;
use crate::model::{JobDetail, JobId, JobStatus, JobSummary, Millis, name_of, secret};
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Row, params, params_from_iter};
use std::fs::{Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What this program writes, and the newest it reads (`PRAGMA user_version`).
const VERSION: i64 = 1;
const DAY: Millis = 24 * 3_600_000;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Since a job's end.
    pub age: Millis,
    pub rows: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { age: 90 * DAY, rows: 100_000 }
    }
}

#[derive(Debug)]
pub struct Book {
    connection: Connection,
    bounds: Bounds,
    /// Which file it is, whatever is called so by now.
    file: (u64, u64),
    /// Rows written since old ones were cleared away.
    written: usize,
}

/// Why the book cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Form(#[from] serde_json::Error),
    #[error("it was written by a newer version of this program, and is left as it is")]
    Newer,
}

impl BookError {
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Database(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    /// Whether another console has it in its hands.
    pub fn passes(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether what stands in it can be read no more.
    pub fn is_damage(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }
}

/// Which jobs are looked for, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    pub place: String,
    /// `None` for all queues.
    pub queue: Option<String>,
    /// The array or the multi-node job whose parts are meant.
    pub whole: Option<JobId>,
    /// SUCCEEDED, FAILED or both.
    pub statuses: Vec<JobStatus>,
    /// Behind this one in the list.
    pub after: Option<(Millis, JobId)>,
}

/// A job as the book has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub place: String,
    pub row: JobSummary,
    pub detail: Option<JobDetail>,
}

/// How much stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    pub rows: u64,
    /// When the first of them ended.
    pub since: Option<Millis>,
}

impl Book {
    /// Opens the file, and makes it where it is missing.
    pub fn open(path: &Path, bounds: Bounds, now: Millis) -> Result<Self, BookError> {
        if let Some(directory) = path.parent() {
            make_private(directory)?;
        }
        let file = which(&OpenOptions::new().create(true).append(true).mode(0o600).open(path)?.metadata()?);
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version > VERSION {
            return Err(BookError::Newer);
        }
        connection.execute_batch("PRAGMA synchronous = NORMAL;")?;
        if version < VERSION {
            connection.execute_batch(&format!(
                "PRAGMA journal_mode = WAL;
             CREATE TABLE IF NOT EXISTS job (
                 id TEXT NOT NULL, place TEXT NOT NULL, queue TEXT NOT NULL, whole TEXT, status TEXT NOT NULL,
                 created_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, last_seen INTEGER NOT NULL,
                 summary TEXT NOT NULL, detail TEXT, PRIMARY KEY (id, place)
             ) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS job_by_age ON job (place, created_at DESC, id);
             CREATE INDEX IF NOT EXISTS job_by_end ON job (ended_at DESC, id);
             PRAGMA user_version = {VERSION};"
            ))?;
        }
        let mut book = Self { connection, bounds, file, written: 0 };
        book.clear(now)?;
        Ok(book)
    }

    /// Gives the file another name, so that a new one can be begun: its new name, where this file still has the old one.
    pub fn set_aside(self, path: &Path, now: Millis) -> io::Result<Option<PathBuf>> {
        if std::fs::metadata(path).is_ok_and(|found| which(&found) != self.file) {
            // To close it would take the log of the new one away, which has its name.
            std::mem::forget(self.connection);
            return Ok(None);
        }
        drop(self.connection);
        set_aside(path, now).map(Some)
    }

    /// Writes what was told at `now`. A list does not take away what a description told.
    pub fn write(&mut self, told: &[Told], now: Millis) -> Result<(), BookError> {
        if told.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        {
            let mut put = transaction.prepare_cached(
                "INSERT INTO job (id, place, queue, whole, status, created_at, ended_at, last_seen, summary, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (id, place) DO UPDATE SET status = excluded.status,
                     created_at = excluded.created_at, ended_at = excluded.ended_at, last_seen = excluded.last_seen, summary = excluded.summary,
                     queue = CASE excluded.queue WHEN '' THEN queue ELSE excluded.queue END,
                     detail = coalesce(excluded.detail, detail)",
            )?;
            for Told { row, detail, place } in told {
                let queue = row.extra.as_ref().map_or("", |extra| name_of(&extra.job_queue));
                put.execute(params![
                    row.job_id.as_str(),
                    place,
                    queue,
                    row.job_id.part().map(|(whole, _)| whole.0),
                    row.status.as_str(),
                    row.created_at,
                    row.stopped_at.unwrap_or(row.created_at),
                    now,
                    serde_json::to_string(row)?,
                    detail.as_ref().map(kept).transpose()?,
                ])?;
            }
        }
        transaction.commit()?;
        self.written += told.len();
        // Not more is ever over the bound than a tenth of it.
        if self.written > self.bounds.rows / 10 {
            self.clear(now)?;
        }
        Ok(())
    }

    fn clear(&mut self, now: Millis) -> Result<(), BookError> {
        self.written = 0;
        self.connection.execute("DELETE FROM job WHERE ended_at < ?1", params![now - self.bounds.age])?;
        let rows = i64::try_from(self.bounds.rows).unwrap_or(i64::MAX);
        self.connection.execute(
            "DELETE FROM job WHERE (id, place) IN
                 (SELECT id, place FROM job ORDER BY ended_at DESC, id LIMIT -1 OFFSET ?1)",
            params![rows],
        )?;
        Ok(())
    }

    /// At most `limit` of the jobs that are looked for and of which `is_meant` says so, newest first.
    pub fn list(
        &self,
        wanted: &Wanted,
        limit: usize,
        is_meant: &dyn Fn(&JobSummary) -> bool,
    ) -> Result<Vec<Entry>, BookError> {
        let mut text = format!("{COLUMNS} WHERE place = ?");
        let mut values: Vec<Value> = vec![Value::Text(wanted.place.clone())];
        match (&wanted.whole, &wanted.queue) {
            (Some(whole), _) => {
                text.push_str(" AND whole = ?");
                values.push(Value::Text(whole.0.clone()));
            }
            (None, Some(queue)) => {
                text.push_str(" AND whole IS NULL AND queue = ?");
                values.push(Value::Text(queue.clone()));
            }
            (None, None) => text.push_str(" AND whole IS NULL"),
        }
        if let [one] = wanted.statuses.as_slice() {
            text.push_str(" AND status = ?");
            values.push(Value::Text(one.as_str().to_owned()));
        }
        if let Some((created_at, id)) = &wanted.after {
            text.push_str(" AND (created_at < ? OR (created_at = ? AND id > ?))");
            values.extend([Value::Integer(*created_at), Value::Integer(*created_at), Value::Text(id.0.clone())]);
        }
        text.push_str(" ORDER BY created_at DESC, id");
        let mut statement = self.connection.prepare_cached(&text)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.extend(entry(row)?.filter(|entry| is_meant(&entry.row)));
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    /// A job, in each place where one has its id.
    pub fn find(&self, id: &JobId) -> Result<Vec<Entry>, BookError> {
        let mut statement = self.connection.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
        let mut rows = statement.query(params![id.as_str()])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.extend(entry(row)?);
        }
        Ok(found)
    }

    pub fn extent(&self) -> Result<Extent, BookError> {
        let told = |row: &Row<'_>| Ok(Extent { rows: row.get(0)?, since: row.get(1)? });
        Ok(self.connection.query_row("SELECT count(*), min(ended_at) FROM job", [], told)?)
    }
}

const COLUMNS: &str = "SELECT place, summary, detail, last_seen, queue FROM job";

fn which(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Gives a file that cannot be read another name, with what belongs to it.
pub fn set_aside(path: &Path, now: Millis) -> io::Result<PathBuf> {
    let named = |end: &str| PathBuf::from(format!("{}{end}", path.display()));
    let end = format!(".damaged-{now}");
    std::fs::rename(path, named(&end))?;
    // A new file must not take them for its own.
    let _ = std::fs::rename(named("-wal"), named(&format!("{end}-wal")));
    let _ = std::fs::remove_file(named("-shm"));
    Ok(named(&end))
}

/// What is kept of a description: values that say that they are secret are not.
fn kept(detail: &JobDetail) -> serde_json::Result<String> {
    let mut value = serde_json::to_value(detail)?;
    mask(&mut value);
    serde_json::to_string(&value)
}

/// Where people put secrets.
const MAY_BE_SECRET: [&str; 4] = ["environment", "command", "parameters", "options"];

fn mask(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                if MAY_BE_SECRET.contains(&key.as_str()) { secret::in_value(member) } else { mask(member) }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// `None` where a row cannot be read: the others can.
fn entry(columns: &Row<'_>) -> Result<Option<Entry>, BookError> {
    let (place, summary): (String, String) = (columns.get(0)?, columns.get(1)?);
    let detail: Option<String> = columns.get(2)?;
    let read = || {
        let row: JobSummary = serde_json::from_str(&summary)?;
        let detail: Option<JobDetail> = detail.as_deref().map(serde_json::from_str).transpose()?;
        Ok::<_, serde_json::Error>((row, detail))
    };
    let (mut row, mut detail) = match read() {
        Ok(read) => read,
        Err(error) => {
            tracing::warn!(%error, "a row of the history of ended jobs cannot be read");
            return Ok(None);
        }
    };
    let described = detail.as_ref().and_then(|detail| detail.extra.clone());
    let mut extra = described.or_else(|| row.extra.take()).unwrap_or_default();
    if extra.job_queue.is_empty() {
        extra.job_queue = columns.get(4)?;
    }
    extra.from_history = Some(columns.get(3)?);
    if let Some(detail) = &mut detail {
        detail.extra = Some(extra.clone());
        if row.array_properties.is_none() {
            row.array_properties.clone_from(&detail.array_properties);
        }
    }
    row.extra = Some(extra);
    Ok(Some(Entry { place, row, detail }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobExtra;
    use std::os::unix::fs::PermissionsExt;

    const PLACE: &str = "r:1";

    fn told(id: &str, queue: &str, status: JobStatus, at: Millis) -> Told {
        let extra = Some(Box::new(JobExtra { job_queue: queue.to_owned(), ..Default::default() }));
        let row = JobSummary {
            job_id: id.into(),
            job_name: format!("n-{id}"),
            status,
            created_at: at,
            stopped_at: Some(at + 1),
            extra,
            ..Default::default()
        };
        Told { row, detail: None, place: PLACE.to_owned() }
    }

    fn ids(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.row.job_id.as_str()).collect()
    }

    fn wanted(queue: Option<&str>, statuses: &[JobStatus]) -> Wanted {
        Wanted {
            place: PLACE.to_owned(),
            queue: queue.map(str::to_owned),
            statuses: statuses.to_vec(),
            ..Default::default()
        }
    }

    #[test]
    fn jobs_are_found_by_queue_state_and_whole_newest_first_and_page_by_page() {
        use JobStatus::{Failed, Succeeded};
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("new").join("history.db");
        let mut book = Book::open(&path, Bounds::default(), 100).expect("opens");
        let all = [
            told("a", "q", Failed, 10),
            told("b", "q", Succeeded, 20),
            told("c", "other", Failed, 30),
            told("a:1", "", Failed, 15),
            Told { place: "elsewhere:1".to_owned(), ..told("d", "q", Failed, 40) },
        ];
        book.write(&all, 77).expect("writes");
        let list = |wanted: &Wanted, limit| book.list(wanted, limit, &|_| true).expect("lists");
        assert_eq!(ids(&list(&wanted(Some("q"), &[Failed, Succeeded]), 9)), ["b", "a"]);
        assert_eq!(ids(&list(&wanted(None, &[Failed]), 9)), ["c", "a"]);
        assert_eq!(ids(&list(&wanted(None, &[Failed, Succeeded]), 2)), ["c", "b"]);
        let next = Wanted { after: Some((20, "b".into())), ..wanted(None, &[Failed, Succeeded]) };
        assert_eq!(ids(&list(&next, 2)), ["a"]);
        let parts = Wanted { whole: Some("a".into()), ..wanted(None, &[Failed]) };
        assert_eq!(ids(&list(&parts, 9)), ["a:1"]);
        let [found] = book.find(&"d".into()).expect("reads").try_into().expect("one");
        assert_eq!((found.place.as_str(), found.row.from_history()), ("elsewhere:1", Some(77)));
        assert!(book.find(&"x".into()).expect("reads").is_empty());
        assert_eq!(book.extent().expect("reads"), Extent { rows: 5, since: Some(11) });
        let mode = std::fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_list_does_not_take_away_what_a_description_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut book = Book::open(&directory.path().join("h.db"), Bounds::default(), 1).expect("opens");
        let mut whole = told("a", "q", JobStatus::Failed, 10);
        let extra = JobExtra { job_queue: "q".into(), vcpus: 4.0, ..Default::default() };
        whole.detail = Some(JobDetail { job_id: "a".into(), extra: Some(Box::new(extra)), ..Default::default() });
        book.write(&[whole], 50).expect("writes");
        book.write(&[told("a", "", JobStatus::Failed, 10)], 60).expect("writes");
        let [entry] = book.find(&"a".into()).expect("reads").try_into().expect("one");
        let extra = entry.row.extra.expect("extra");
        assert_eq!((extra.vcpus, extra.job_queue.as_str(), extra.from_history), (4.0, "q", Some(60)));
        assert!(entry.detail.is_some());
    }

    #[test]
    fn what_is_old_goes_and_so_does_what_is_too_much() {
        let directory = tempfile::tempdir().expect("a directory");
        let bounds = Bounds { age: 1_000, rows: 20 };
        let path = directory.path().join("h.db");
        let mut book = Book::open(&path, bounds, 0).expect("opens");
        for at in 0..60 {
            book.write(&[told(&format!("j{at:02}"), "q", JobStatus::Failed, at)], at).expect("writes");
        }
        let left = book.list(&wanted(None, &[JobStatus::Failed]), 100, &|_| true).expect("lists");
        assert!((20..=22).contains(&left.len()), "{}", left.len());
        assert_eq!(left[0].row.job_id.as_str(), "j59");
        drop(book);
        let book = Book::open(&path, bounds, 1_055).expect("opens");
        let left = book.list(&wanted(None, &[JobStatus::Failed]), 100, &|_| true).expect("lists");
        assert_eq!(ids(&left).last(), Some(&"j54"), "ended at 55");
    }

    #[test]
    fn values_that_look_secret_are_not_kept_and_a_row_that_cannot_be_read_is_passed_over() {
        use crate::model::{ContainerDetail, KeyValuePair};
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("h.db");
        let mut book = Book::open(&path, Bounds::default(), 1).expect("opens");
        let pair = |name: &str, value: &str| KeyValuePair { name: name.to_owned(), value: value.to_owned() };
        let container = ContainerDetail {
            image: "repo/token-service:1.2".to_owned(),
            command: ["psql", "--password", "hunter2"].map(str::to_owned).to_vec(),
            environment: vec![pair("DB_PASSWORD", "hunter2"), pair("MODE", "fast")],
            ..Default::default()
        };
        let detail = JobDetail {
            job_id: "a".into(),
            parameters: [("api-token".to_owned(), "hunter2".to_owned())].into(),
            container: Some(container),
            ..Default::default()
        };
        let one = Told { detail: Some(detail), ..told("a", "q", JobStatus::Failed, 10) };
        book.write(&[one, told("b", "q", JobStatus::Failed, 11)], 20).expect("writes");
        let stored: String = Connection::open(&path)
            .and_then(|db| db.query_row("SELECT detail FROM job WHERE id = 'a'", [], |row| row.get(0)))
            .expect("reads");
        assert!(
            !stored.contains("hunter2") && stored.contains("fast") && stored.contains("token-service:1.2"),
            "{stored}"
        );
        Connection::open(&path)
            .and_then(|db| db.execute("UPDATE job SET summary = 'x' WHERE id = 'b'", []))
            .expect("writes");
        assert_eq!(ids(&book.list(&wanted(None, &[]), 9, &|_| true).expect("lists")), ["a"]);
    }

    #[test]
    fn the_same_id_in_two_places_is_two_jobs() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut book = Book::open(&directory.path().join("h.db"), Bounds::default(), 1).expect("opens");
        let here = told("a", "q", JobStatus::Failed, 10);
        let there = Told { place: "elsewhere:1".to_owned(), ..told("a", "q", JobStatus::Succeeded, 10) };
        book.write(&[here, there], 20).expect("writes");
        let mut found: Vec<_> = book.find(&"a".into()).expect("reads").into_iter().map(|one| one.row.status).collect();
        found.sort_unstable();
        assert_eq!(found, [JobStatus::Succeeded, JobStatus::Failed]);
    }

    #[test]
    fn two_consoles_write_side_by_side() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("h.db");
        let mut books = [0, 1].map(|_| Book::open(&path, Bounds::default(), 1).expect("opens"));
        for turn in 0..20 {
            let id = format!("j{turn:02}");
            books[turn % 2].write(&[told(&id, "q", JobStatus::Failed, 10)], 20).expect("writes");
        }
        for book in &books {
            assert_eq!(book.extent().expect("reads").rows, 20);
        }
    }

    #[test]
    fn a_book_of_a_newer_program_is_left_as_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("h.db");
        drop(Book::open(&path, Bounds::default(), 0).expect("opens"));
        Connection::open(&path).and_then(|db| db.execute_batch("PRAGMA user_version = 9")).expect("writes");
        assert!(matches!(Book::open(&path, Bounds::default(), 0), Err(BookError::Newer)));
    }
}
