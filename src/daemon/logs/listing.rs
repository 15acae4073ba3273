//! Which streams there are: the files under `logs`, of one group.

use super::{LogError, OTHER_GROUP, OTHER_REGION, lines};
use crate::model::{DEFAULT_LOG_GROUP, Millis, log_key};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How deep directories of streams lie in each other.
const DEEPEST: usize = 16;
/// How much is read for the first line of a stream.
const FIRST: u64 = 4 * 1024;

/// A stream as the file system knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::daemon) struct Listed {
    /// Its name within its group.
    pub name: String,
    pub path: PathBuf,
    /// When it was written to last: nearly the time of its last event.
    pub written_at: Millis,
    pub bytes: u64,
}

/// The times of a stream's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::daemon) struct Times {
    pub first: Option<Millis>,
    pub last: Option<Millis>,
}

/// The streams of a group whose names begin so, in no order. Blocks on the disk.
pub(in crate::daemon) fn list(logs: &Path, group: &str, prefix: &str) -> io::Result<Vec<Listed>> {
    let root = group_directory(logs, group);
    let mut found = Vec::new();
    walk(&root, "", prefix, group == DEFAULT_LOG_GROUP, 0, &mut found)?;
    Ok(found)
}

/// The groups that have had a stream, beside the default one.
pub(in crate::daemon) fn groups(logs: &Path) -> Vec<String> {
    let entries = fs::read_dir(logs).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_prefix(OTHER_GROUP).map(|group| group.replace("%2F", "/"))
        })
        .collect()
}

pub(super) fn group_directory(logs: &Path, group: &str) -> PathBuf {
    logs.join(log_key(group, ""))
}

fn walk(at: &Path, name: &str, prefix: &str, plain: bool, depth: usize, found: &mut Vec<Listed>) -> io::Result<()> {
    let entries = match fs::read_dir(at) {
        Ok(entries) => entries,
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(cause) => return Err(cause),
    };
    for entry in entries.flatten() {
        let Ok(part) = entry.file_name().into_string() else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        if plain && depth == 0 && part.starts_with([OTHER_GROUP, OTHER_REGION]) {
            continue;
        }
        if kind.is_dir() {
            let inner = format!("{name}{part}/");
            // What cannot begin so is not looked into.
            let possible = inner.starts_with(prefix) || prefix.starts_with(&inner);
            if possible && depth < DEEPEST {
                walk(&entry.path(), &inner, prefix, plain, depth + 1, found)?;
            }
        } else if let Some(stem) = part.strip_suffix(".log") {
            let name = format!("{name}{stem}");
            if name.starts_with(prefix)
                && let Ok(known) = entry.metadata()
            {
                found.push(Listed { name, path: entry.path(), written_at: written_at(&known), bytes: known.len() });
            }
        }
    }
    Ok(())
}

pub(super) fn written_at(known: &Metadata) -> Millis {
    known.modified().map_or(0, millis)
}

/// When a file was made, or where the file system does not know, when it was written to last.
pub(in crate::daemon) fn made_at(path: &Path) -> Millis {
    fs::metadata(path).and_then(|known| known.created().or_else(|_| known.modified())).map_or(0, millis)
}

fn millis(time: SystemTime) -> Millis {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// The times of the first and the last event; none while there is none. Blocks on the disk.
pub(in crate::daemon) fn times(stream: &Listed) -> Result<Times, LogError> {
    let failed = |cause| LogError::Storage { stream: stream.name.clone(), cause };
    let file = File::open(&stream.path).map_err(failed)?;
    let end = lines::last_end(&file, stream.bytes).map_err(failed)?;
    let first = first_time(&file, end).map_err(failed)?;
    let (begin, block) = lines::read_before(&file, end).map_err(failed)?;
    let last = lines::split(&block, begin).last().map(|line| line.at);
    Ok(Times { first, last })
}

pub(super) fn first_time(file: &File, end: u64) -> io::Result<Option<Millis>> {
    let block = lines::read_block_after(file, 0, end, FIRST)?;
    Ok(lines::split(&block, 0).next().map(|line| line.at))
}
