//! Log streams: the files that agents write under `logs`, read with the semantics of `CloudWatch` Logs' `GetLogEvents`.
//!
//! One event a line, `<epoch ms> <message>`. A token is a place in the file: `f/OFFSET` reads on from there, `b/OFFSET`
//! reads back from there. A line without its end is not an event yet.

pub(super) mod filter;
mod follow;
pub(super) mod groups;
mod lines;
pub(super) mod listing;
pub(super) mod over_time;
pub(super) mod pattern;
pub(super) mod put;
pub(super) mod search;
pub(super) mod tail;

pub(super) use follow::{Follow, LogWatch};

use crate::config::DataDirectory;
use crate::model::{DEFAULT_LOG_GROUP, GetLogEvents, LogEvent, LogPage, Millis, log_key};
use lines::Line;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

/// At most so many events a page, as on AWS.
const MOST_EVENTS: usize = 10_000;
/// At most so many bytes a page, each event counted with 26 more, as on AWS.
const MOST_BYTES: usize = 1_048_576;
const EVENT_OVERHEAD: usize = 26;
/// At most so much of the file is looked through for one page; a page may be short, or empty, in the middle.
const MOST_SEARCHED: u64 = 8 * 1_048_576;

/// Begins the name of a directory in which another region's streams are.
const OTHER_REGION: char = '@';
/// Begins the name of a directory in which another group's streams are ([`log_key`]).
const OTHER_GROUP: char = '+';

/// Why no page can be given; the names are those of `CloudWatch` Logs' errors.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    /// `ResourceNotFoundException`: also while nothing has been written yet.
    #[error("The specified log stream does not exist: `{0}` has not been written to")]
    NotFound(String),
    /// `ResourceNotFoundException`.
    #[error("The specified log group does not exist: {0}")]
    NoGroup(String),
    /// `ResourceAlreadyExistsException`.
    #[error("{0}")]
    Exists(String),
    /// `InvalidParameterException`.
    #[error("{0}")]
    Invalid(String),
    /// `ServiceUnavailableException`: what it would take of the disk is left to others.
    #[error("{0}")]
    NoRoom(String),
    #[error("the log stream {stream} cannot be read: {cause}")]
    Storage { stream: String, cause: io::Error },
}

/// The place of a stream among the logs, by its group and name.
pub(super) fn key_of(group: &str, stream: &str) -> Result<String, LogError> {
    if group == DEFAULT_LOG_GROUP && stream.starts_with(OTHER_GROUP) {
        return Err(LogError::Invalid(format!(
            "logStreamName is `{stream}`; in {group} it takes no `{OTHER_GROUP}` at its beginning"
        )));
    }
    Ok(log_key(group, stream))
}

/// The file of a stream. A name that could lead out of `logs` is refused, and none leads to another region's streams.
pub(super) fn stream_file(logs: &Path, stream: &str) -> Result<PathBuf, LogError> {
    if stream.starts_with(OTHER_REGION) {
        return Err(LogError::NotFound(stream.to_owned()));
    }
    let plain = Path::new(stream).components().all(|part| matches!(part, Component::Normal(_)));
    // Of a stream of another group the group's directory is not a part of its name.
    let name = stream.split_once('/').filter(|_| stream.starts_with(OTHER_GROUP)).map_or(stream, |(_, name)| name);
    let sound = plain
        && (1..=512).contains(&name.len())
        && !stream.ends_with('/')
        && !stream.contains("//")
        && !stream.split('/').any(|part| part == ".")
        && !stream.chars().any(|letter| letter.is_control() || matches!(letter, ':' | '*'));
    if !sound {
        return Err(LogError::Invalid(format!(
            "logStreamName is `{stream}`; it takes 1 to 512 letters without `:`, `*` and control characters, in parts \
             divided by single `/`, none of them `.` or `..`"
        )));
    }
    Ok(logs.join(format!("{stream}.log")))
}

/// When a line was last written to any of these streams, by their names below `logs`.
pub(super) fn last_written(logs: &Path, streams: &[String]) -> Option<Millis> {
    let written = streams.iter().filter_map(|stream| {
        let modified = fs::metadata(file_below(logs, stream).ok()?).ok()?.modified().ok()?;
        let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
        Millis::try_from(since.as_millis()).ok()
    });
    written.max()
}

/// Removes what is left of attempts whose jobs are forgotten: the streams, what they used over time, and the scratch
/// directories that a lost agent has left. Streams of another region are named with its directory. Blocks.
pub(super) fn forget(directory: &DataDirectory, streams: &[String]) {
    let (logs, work, usage) = (&directory.logs(), directory.work(), directory.usage());
    for stream in streams {
        let Ok(file) = file_below(logs, stream) else { continue };
        // One that is not there is as it should be. Its directory stays: another stream may be beginning in it.
        let _ = fs::remove_file(&file);
        if let Some(task) = file.file_stem() {
            let _ = fs::remove_dir_all(work.join(task));
            let _ = fs::remove_file(usage.join(task));
        }
    }
}

/// The file of a stream by its name below `logs`, which begins with the directory of another region.
fn file_below(logs: &Path, stream: &str) -> Result<PathBuf, LogError> {
    let elsewhere = stream.split_once('/').filter(|(directory, _)| directory.starts_with(OTHER_REGION));
    match elsewhere {
        Some((directory, stream)) => stream_file(&logs.join(directory), stream),
        None => stream_file(logs, stream),
    }
}

/// Where a page begins and which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Forward(u64),
    Backward(u64),
}

impl Place {
    fn offset(self) -> u64 {
        match self {
            Self::Forward(offset) | Self::Backward(offset) => offset,
        }
    }
}

/// One page of a stream. Blocks on the disk.
pub(super) fn read_page(logs: &Path, request: &GetLogEvents) -> Result<LogPage, LogError> {
    let limit = match request.limit {
        None => MOST_EVENTS,
        Some(limit) if (1..=MOST_EVENTS as u64).contains(&u64::from(limit)) => limit as usize,
        Some(limit) => {
            return Err(LogError::Invalid(format!("limit is `{limit}`; it takes 1 to {MOST_EVENTS}")));
        }
    };
    let group = groups::group_of(request.log_group_name.as_deref(), request.log_group_identifier.as_deref())?;
    let key = key_of(&group, &request.log_stream_name)?;
    let stream = Stream::open(logs, &key)?;
    let (low, high) = (stream.begin(request.start_time)?, stream.until(request.end_time)?);
    let place = match &request.next_token {
        Some(token) => stream.place(token)?,
        None if request.start_from_head == Some(true) => Place::Forward(low),
        None => Place::Backward(high),
    };
    let wanted =
        |at: Millis| request.start_time.is_none_or(|start| at >= start) && request.end_time.is_none_or(|end| at < end);
    match place {
        Place::Forward(from) => stream.forward(from.max(low), high, limit, wanted),
        Place::Backward(until) => stream.backward(until.min(high), low, limit, wanted),
    }
}

/// How many lines stand between two tokens. Blocks on the disk.
pub(super) fn count_lines(logs: &Path, stream: &str, from: &str, to: &str) -> Result<u64, LogError> {
    let stream = Stream::open(logs, stream)?;
    let (mut at, to) = (stream.place(from)?.offset(), stream.place(to)?.offset());
    let (mut block, mut lines) = (vec![0; 64 * 1024], 0);
    while at < to {
        let size = block.len().min(usize::try_from(to - at).unwrap_or(usize::MAX));
        let read = stream.file.read_at(&mut block[..size], at).map_err(|cause| stream.failed(cause))?;
        if read == 0 {
            break;
        }
        lines += block[..read].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        at += read as u64;
    }
    Ok(lines)
}

/// An open stream.
struct Stream<'a> {
    name: &'a str,
    file: File,
    /// Where the last whole line ends.
    end: u64,
}

impl<'a> Stream<'a> {
    fn open(logs: &Path, name: &'a str) -> Result<Self, LogError> {
        let path = stream_file(logs, name)?;
        let failed = |cause: io::Error| match cause.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => LogError::NotFound(name.to_owned()),
            _ => LogError::Storage { stream: name.to_owned(), cause },
        };
        let file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let end = lines::last_end(&file, size).map_err(failed)?;
        Ok(Self { name, file, end })
    }

    fn failed(&self, cause: io::Error) -> LogError {
        LogError::Storage { stream: self.name.to_owned(), cause }
    }

    fn place(&self, token: &str) -> Result<Place, LogError> {
        let invalid = || LogError::Invalid(format!("The specified nextToken is invalid: `{token}`"));
        let (way, offset) = token.split_once('/').ok_or_else(invalid)?;
        let offset: u64 = offset.parse().map_err(|_| invalid())?;
        if offset > self.end || !self.begins_a_line(offset)? {
            return Err(invalid());
        }
        match way {
            "f" => Ok(Place::Forward(offset)),
            "b" => Ok(Place::Backward(offset)),
            _ => Err(invalid()),
        }
    }

    /// Where what is not before `since` begins.
    fn begin(&self, since: Option<Millis>) -> Result<u64, LogError> {
        since.map_or(Ok(0), |since| lines::seek(&self.file, self.end, since)).map_err(|cause| self.failed(cause))
    }

    /// Where what is before `end` ends.
    fn until(&self, end: Option<Millis>) -> Result<u64, LogError> {
        end.map_or(Ok(self.end), |end| lines::seek(&self.file, self.end, end)).map_err(|cause| self.failed(cause))
    }

    fn begins_a_line(&self, offset: u64) -> Result<bool, LogError> {
        if offset == 0 {
            return Ok(true);
        }
        let mut before = [0];
        self.file.read_exact_at(&mut before, offset - 1).map_err(|cause| self.failed(cause))?;
        Ok(before[0] == b'\n')
    }

    /// What lies between `from` and `high`.
    fn forward(
        &self,
        from: u64,
        high: u64,
        limit: usize,
        wanted: impl Fn(Millis) -> bool,
    ) -> Result<LogPage, LogError> {
        let (mut at, mut bytes) = (from, 0);
        let mut page = Vec::new();
        let stop = high.min(from.saturating_add(MOST_SEARCHED));
        'search: while at < stop {
            let block = lines::read_after(&self.file, at, high).map_err(|cause| self.failed(cause))?;
            for line in lines::split(&block, at) {
                if wanted(line.at) {
                    bytes += line.message.len() + EVENT_OVERHEAD;
                    if page.len() == limit || (bytes > MOST_BYTES && !page.is_empty()) {
                        break 'search;
                    }
                    page.push(event(&line));
                }
                at = line.end;
            }
            if block.is_empty() {
                break;
            }
        }
        Ok(page_between(page, from, at))
    }

    /// What lies between `low` and `until`.
    fn backward(
        &self,
        until: u64,
        low: u64,
        limit: usize,
        wanted: impl Fn(Millis) -> bool,
    ) -> Result<LogPage, LogError> {
        let (mut at, mut bytes) = (until, 0);
        let mut page = Vec::new();
        let stop = until.saturating_sub(MOST_SEARCHED).max(low);
        'search: while at > stop {
            let (begin, block) = lines::read_before(&self.file, at).map_err(|cause| self.failed(cause))?;
            let found: Vec<Line<'_>> = lines::split(&block, begin).collect();
            for line in found.into_iter().rev().take_while(|line| line.begin >= low) {
                if wanted(line.at) {
                    bytes += line.message.len() + EVENT_OVERHEAD;
                    if page.len() == limit || (bytes > MOST_BYTES && !page.is_empty()) {
                        break 'search;
                    }
                    page.push(event(&line));
                }
                at = line.begin;
            }
            if block.is_empty() {
                break;
            }
        }
        page.reverse();
        Ok(page_between(page, at, until))
    }
}

fn page_between(events: Vec<LogEvent>, begin: u64, end: u64) -> LogPage {
    LogPage { events, next_forward_token: format!("f/{end}"), next_backward_token: format!("b/{begin}") }
}

fn event(line: &Line<'_>) -> LogEvent {
    let message = String::from_utf8_lossy(line.message).into_owned();
    LogEvent { timestamp: line.at, message, ingestion_time: line.at }
}

#[cfg(test)]
mod tests;
