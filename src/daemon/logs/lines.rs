//! Lines of a log file and where they lie.

use crate::model::Millis;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// How much is read at once. Agents split lines at 64 KiB, so that many fit.
const BLOCK: u64 = 1 << 20;
/// How much is read to look for a time.
pub(super) const NEAR: u64 = 64 * 1024;

/// One whole line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub begin: u64,
    /// After its newline.
    pub end: u64,
    pub at: Millis,
    pub message: &'a [u8],
}

/// The whole lines of a block that begins at `offset`. What follows the last newline is left out.
pub(super) fn split(block: &[u8], offset: u64) -> impl Iterator<Item = Line<'_>> {
    let mut begin = offset;
    block.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).map(move |line| {
        let end = begin + line.len() as u64;
        let (at, message) = parse(&line[..line.len() - 1]);
        let line = Line { begin, end, at, message };
        begin = end;
        line
    })
}

/// A line that does not begin with a time is all message, at the beginning of time: it is shown rather than lost.
fn parse(line: &[u8]) -> (Millis, &[u8]) {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let time = std::str::from_utf8(&line[..digits]).ok().and_then(|text| text.parse().ok());
    match (time, line.get(digits)) {
        (Some(at), Some(b' ')) => (at, &line[digits + 1..]),
        (Some(at), None) => (at, &[]),
        _ => (0, line),
    }
}

/// Whole lines from `at` on, and no further than `end`; empty when there are none. A line longer than a block is read
/// all the same.
pub(super) fn read_after(file: &File, at: u64, end: u64) -> io::Result<Vec<u8>> {
    read_block_after(file, at, end, BLOCK)
}

/// The same, by blocks of another size.
pub(super) fn read_block_after(file: &File, at: u64, end: u64, block: u64) -> io::Result<Vec<u8>> {
    let mut size = block;
    loop {
        let mut block = read(file, at, size.min(end.saturating_sub(at)))?;
        if let Some(last) = block.iter().rposition(|byte| *byte == b'\n') {
            block.truncate(last + 1);
            return Ok(block);
        }
        if (block.len() as u64) < size {
            return Ok(Vec::new());
        }
        size *= 2;
    }
}

/// Whole lines that end at `at`, and where the first of them begins.
pub(super) fn read_before(file: &File, at: u64) -> io::Result<(u64, Vec<u8>)> {
    read_block_before(file, at, BLOCK)
}

/// The same, by blocks of another size.
pub(super) fn read_block_before(file: &File, at: u64, block: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut size = block;
    loop {
        let begin = at.saturating_sub(size);
        let mut block = read(file, begin, at - begin)?;
        if begin == 0 {
            return Ok((0, block));
        }
        // The first line may have begun before: all but the last newline can be the one it follows.
        let before_last = block.len().saturating_sub(1);
        if let Some(first) = block[..before_last].iter().position(|byte| *byte == b'\n') {
            block.drain(..=first);
            return Ok((begin + first as u64 + 1, block));
        }
        size *= 2;
    }
}

/// Where the first line begins whose time is not before `from`, in a stream whose times only grow.
pub(super) fn seek(file: &File, end: u64, from: Millis) -> io::Result<u64> {
    seek_between(file, 0, end, from)
}

/// The same among the lines between two places.
pub(super) fn seek_between(file: &File, begin: u64, end: u64, from: Millis) -> io::Result<u64> {
    let (mut low, mut high) = (begin, end);
    // The lines between are few enough to be read.
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        let (begin, block) = read_block_before(file, line_end(file, middle, end)?, NEAR)?;
        match split(&block, begin).last() {
            Some(line) if line.at < from && line.end > low => low = line.end,
            Some(line) if line.at >= from && line.begin < high => high = line.begin,
            _ => break,
        }
    }
    let mut at = low;
    while at < end {
        let block = read_block_after(file, at, end, NEAR)?;
        let mut later = split(&block, at).skip_while(|line| line.at < from);
        if let Some(line) = later.next() {
            return Ok(line.begin);
        }
        if block.is_empty() {
            break;
        }
        at += block.len() as u64;
    }
    Ok(at)
}

/// Where the line that a place lies in ends.
pub(super) fn line_end(file: &File, at: u64, end: u64) -> io::Result<u64> {
    let block = read_block_after(file, at, end, NEAR)?;
    let length = block.iter().position(|byte| *byte == b'\n').map_or(0, |at| at as u64 + 1);
    Ok(at + length)
}

/// Where the last whole line of a file of this size ends.
pub(super) fn last_end(file: &File, size: u64) -> io::Result<u64> {
    let mut until = size;
    while until > 0 {
        let begin = until.saturating_sub(64 * 1024);
        let block = read(file, begin, until - begin)?;
        if let Some(last) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + last as u64 + 1);
        }
        until = begin;
    }
    Ok(0)
}

fn read(file: &File, at: u64, size: u64) -> io::Result<Vec<u8>> {
    let mut block = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    let mut filled = 0;
    while filled < block.len() {
        match file.read_at(&mut block[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    block.truncate(filled);
    Ok(block)
}
