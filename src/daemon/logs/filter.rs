//! `FilterLogEvents`: the events of many streams that a pattern takes, by time.
//!
//! A page goes on where the one before ended: a token is the time, the stream and the place of the last event that was
//! looked at. At equal times streams come in the order of their names.

use super::listing::{Listed, first_time};
use super::pattern::Pattern;
use super::{EVENT_OVERHEAD, LogError, MOST_BYTES, MOST_SEARCHED, event, lines};
use crate::model::{LogEvent, Millis};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::io;

/// How much of a stream is read at once: many may be open.
const BLOCK: u64 = 64 * 1024;

/// How far an event's time may be ahead of when it was written, as `PutLogEvents` takes it.
const AHEAD: Millis = 2 * 3_600_000 + 1_000;

/// What to look for.
#[derive(Debug)]
pub(in crate::daemon) struct Search {
    pub pattern: Pattern,
    /// Inclusive.
    pub from: Option<Millis>,
    /// Exclusive.
    pub until: Option<Millis>,
    pub limit: usize,
}

/// A place in a search: everything up to it has been looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::daemon) struct Position {
    pub time: Millis,
    pub stream: String,
    /// Where the event begins.
    pub offset: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::daemon) struct Found {
    pub stream: String,
    pub offset: u64,
    pub event: LogEvent,
}

/// One page, and where the next goes on, if there may be one. Blocks on the disk.
pub(in crate::daemon) fn search(
    streams: Vec<Listed>,
    search: &Search,
    after: Option<&Position>,
) -> Result<(Vec<Found>, Option<Position>), LogError> {
    let from = after.map(|position| position.time).max(search.from).unwrap_or(Millis::MIN);
    let mut merge = Merge::over(streams, from, search.until)?;
    let (mut found, mut bytes, mut last) = (Vec::new(), 0, None);
    while let Some((position, event)) = merge.next()? {
        if after.is_some_and(|after| position <= *after) {
            continue;
        }
        if search.until.is_some_and(|until| position.time >= until) {
            return Ok((found, None));
        }
        if search.pattern.matches(&event.message) {
            bytes += event.message.len() + EVENT_OVERHEAD;
            if found.len() == search.limit || (bytes > MOST_BYTES && !found.is_empty()) {
                return Ok((found, last));
            }
            found.push(Found { stream: position.stream.clone(), offset: position.offset, event });
        }
        last = Some(position);
        if merge.read > MOST_SEARCHED {
            return Ok((found, last));
        }
    }
    Ok((found, None))
}

/// Streams that are walked together, in the order of time.
struct Merge {
    /// Not begun yet; the one that begins first is the last.
    waiting: Vec<(Millis, Cursor)>,
    /// The next event of each that was begun.
    begun: BinaryHeap<Reverse<(Position, usize)>>,
    cursors: Vec<Cursor>,
    /// So many bytes were read.
    read: u64,
}

impl Merge {
    fn over(streams: Vec<Listed>, from: Millis, until: Option<Millis>) -> Result<Self, LogError> {
        let mut waiting = Vec::new();
        for stream in streams {
            // What was written long before cannot hold what has that time.
            if stream.written_at < from.saturating_sub(AHEAD) {
                continue;
            }
            let failed = |cause| LogError::Storage { stream: stream.name.clone(), cause };
            let file = match File::open(&stream.path) {
                Ok(file) => file,
                // It has been forgotten meanwhile.
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
                Err(cause) => return Err(failed(cause)),
            };
            let end = lines::last_end(&file, stream.bytes).map_err(failed)?;
            let Some(first) = first_time(&file, end).map_err(failed)? else { continue };
            if until.is_none_or(|until| first < until) {
                let at = if first >= from { 0 } else { lines::seek(&file, end, from).map_err(failed)? };
                waiting.push((first.max(from), Cursor { stream, at, end, ahead: VecDeque::new() }));
            }
        }
        waiting.sort_by(|(a, x), (b, y)| (b, &y.stream.name).cmp(&(a, &x.stream.name)));
        Ok(Self { waiting, begun: BinaryHeap::new(), cursors: Vec::new(), read: 0 })
    }

    fn next(&mut self) -> Result<Option<(Position, LogEvent)>, LogError> {
        let earliest = |begun: &BinaryHeap<Reverse<(Position, usize)>>| begun.peek().map(|next| next.0.0.time);
        while let Some((_, cursor)) =
            self.waiting.pop_if(|(first, _)| earliest(&self.begun).is_none_or(|next| *first <= next))
        {
            self.cursors.push(cursor);
            self.look(self.cursors.len() - 1)?;
        }
        let Some(Reverse((position, at))) = self.begun.pop() else { return Ok(None) };
        let event = self.cursors[at].ahead.pop_front().map(|(_, event)| event).unwrap_or_default();
        self.look(at)?;
        Ok(Some((position, event)))
    }

    /// Puts the next event of a cursor among those that are next.
    fn look(&mut self, at: usize) -> Result<(), LogError> {
        let cursor = &mut self.cursors[at];
        if cursor.ahead.is_empty() {
            self.read += cursor.fill()?;
        }
        if let Some((offset, event)) = cursor.ahead.front() {
            let stream = cursor.stream.name.clone();
            let position = Position { time: event.timestamp, stream, offset: *offset };
            self.begun.push(Reverse((position, at)));
        }
        Ok(())
    }
}

/// A place in a stream. The file is open only while it is read: thousands may be walked together.
struct Cursor {
    stream: Listed,
    at: u64,
    end: u64,
    ahead: VecDeque<(u64, LogEvent)>,
}

impl Cursor {
    fn fill(&mut self) -> Result<u64, LogError> {
        if self.at >= self.end {
            return Ok(0);
        }
        let block = File::open(&self.stream.path)
            .and_then(|file| lines::read_block_after(&file, self.at, self.end, BLOCK))
            .map_err(|cause| LogError::Storage { stream: self.stream.name.clone(), cause })?;
        for line in lines::split(&block, self.at) {
            self.ahead.push_back((line.begin, event(&line)));
        }
        self.at += block.len() as u64;
        if block.is_empty() {
            self.at = self.end;
        }
        Ok(block.len() as u64)
    }
}
