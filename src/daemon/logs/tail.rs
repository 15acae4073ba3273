//! `StartLiveTail`: what the streams of some groups say from now on.

use super::listing::{self, Listed};
use super::pattern::Pattern;
use super::{LogError, event, lines};
use crate::model::LogEvent;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// At most so many events an update, as on AWS; of more, the oldest are left out.
const MOST_EVENTS: usize = 500;
/// At most so much of one stream is read for an update; what is behind further is left out.
const MOST_READ: u64 = 4 * 1_048_576;

/// Which streams of which groups to tail.
#[derive(Debug)]
pub(in crate::daemon) struct Tail {
    pub logs: PathBuf,
    /// As the caller calls them, and by name.
    pub groups: Vec<(String, String)>,
    /// Empty: all streams.
    pub names: Vec<String>,
    pub prefixes: Vec<String>,
    pub pattern: Pattern,
    /// Where each stream is read on, by group and name.
    places: BTreeMap<(usize, String), u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::daemon) struct Tailed {
    pub group: String,
    pub stream: String,
    pub event: LogEvent,
}

impl Tail {
    /// From the end of what is there on. Blocks on the disk.
    pub(in crate::daemon) fn start(
        logs: &Path,
        groups: Vec<(String, String)>,
        names: Vec<String>,
        prefixes: Vec<String>,
        pattern: Pattern,
    ) -> Result<Self, LogError> {
        let mut tail = Self { logs: logs.to_owned(), groups, names, prefixes, pattern, places: BTreeMap::new() };
        for (group, stream) in tail.streams()? {
            let end = File::open(&stream.path)
                .and_then(|file| lines::last_end(&file, stream.bytes))
                .map_err(|cause| failed(&stream, cause))?;
            tail.places.insert((group, stream.name), end);
        }
        Ok(tail)
    }

    /// What was said since, by time, and whether something was left out. Blocks on the disk.
    pub(in crate::daemon) fn update(&mut self) -> Result<(Vec<Tailed>, bool), LogError> {
        let (mut said, mut sampled) = (Vec::new(), false);
        for (group, stream) in self.streams()? {
            let at = self.places.entry((group, stream.name.clone())).or_default();
            // One that is shorter than it was begins anew.
            *at = if stream.bytes < *at { 0 } else { *at };
            if stream.bytes == *at {
                continue;
            }
            let file = match File::open(&stream.path) {
                Ok(file) => file,
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
                Err(cause) => return Err(failed(&stream, cause)),
            };
            let end = lines::last_end(&file, stream.bytes).map_err(|cause| failed(&stream, cause))?;
            if end.saturating_sub(*at) > MOST_READ {
                let (begin, _) = lines::read_before(&file, end).map_err(|cause| failed(&stream, cause))?;
                (*at, sampled) = (begin, true);
            }
            while *at < end {
                let block = lines::read_after(&file, *at, end).map_err(|cause| failed(&stream, cause))?;
                if block.is_empty() {
                    break;
                }
                for line in lines::split(&block, *at) {
                    let event = event(&line);
                    if self.pattern.matches(&event.message) {
                        said.push(Tailed { group: self.groups[group].0.clone(), stream: stream.name.clone(), event });
                    }
                }
                *at += block.len() as u64;
            }
        }
        said.sort_by_key(|tailed| tailed.event.timestamp);
        if said.len() > MOST_EVENTS {
            said.drain(..said.len() - MOST_EVENTS);
            sampled = true;
        }
        Ok((said, sampled))
    }

    fn streams(&self) -> Result<Vec<(usize, Listed)>, LogError> {
        let mut all = Vec::new();
        for (number, (_, group)) in self.groups.iter().enumerate() {
            let listed = listing::list(&self.logs, group, "")
                .map_err(|cause| LogError::Storage { stream: group.clone(), cause })?;
            let wanted = |stream: &Listed| {
                (self.names.is_empty() && self.prefixes.is_empty())
                    || self.names.contains(&stream.name)
                    || self.prefixes.iter().any(|prefix| stream.name.starts_with(prefix.as_str()))
            };
            all.extend(listed.into_iter().filter(wanted).map(|stream| (number, stream)));
        }
        Ok(all)
    }
}

fn failed(stream: &Listed, cause: io::Error) -> LogError {
    LogError::Storage { stream: stream.name.clone(), cause }
}
