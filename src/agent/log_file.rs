//! The file behind one log stream.

use super::lines::{Batch, Splitter};
use super::now;
use super::reserve::Reserve;
use crate::model::{Bytes, LogRoom};
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long output is read on after its attempt has ended, when something still holds it open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Waits until output need not be read any more: a moment after the attempt is over.
pub(super) async fn last_words(is_over: impl Future<Output = ()>) {
    is_over.await;
    tokio::time::sleep(LAST_WORDS).await;
}

/// Which of an attempt's two streams a piece of output came from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// Writes an attempt's output to its log stream as it comes. Never fails: a job outlives a full disk, and one that would
/// fill it is read on without being written. The stream says in place of what it has lost how much that was.
#[derive(Debug)]
pub(super) struct Logger {
    stdout: Splitter,
    stderr: Splitter,
    /// Away only while a write is under way.
    file: Option<LogFile>,
}

impl Logger {
    /// Creates the stream's file, empty, so that the stream exists before its first line.
    pub(super) fn open(path: &Path, reserve: &Arc<Reserve>) -> Self {
        let file = LogFile::open(path, Arc::clone(reserve));
        Self { stdout: Splitter::default(), stderr: Splitter::default(), file: Some(file) }
    }

    /// Takes a piece of output and has written its whole lines when it returns.
    pub(super) async fn take(&mut self, stream: Stream, chunk: &[u8]) {
        let mut batch = Batch::default();
        match stream {
            Stream::Stdout => self.stdout.feed(chunk, now(), &mut batch),
            Stream::Stderr => self.stderr.feed(chunk, now(), &mut batch),
        }
        self.write(batch).await;
    }

    /// Both streams are over. What the log could not be told of lines that it has lost is answered, for a person.
    pub(super) async fn finish(mut self) -> Option<String> {
        let mut batch = Batch::default();
        self.stdout.finish(now(), &mut batch);
        self.stderr.finish(now(), &mut batch);
        self.write(batch).await;
        let mut file = self.file.take()?;
        if file.lost.lines == 0 {
            return None;
        }
        // Nothing is left to do when the task itself fails.
        tokio::task::spawn_blocking(move || file.close()).await.ok()?
    }

    async fn write(&mut self, batch: Batch) {
        if batch.events == 0 {
            return;
        }
        if let Some(mut file) = self.file.take() {
            let written = tokio::task::spawn_blocking(move || {
                file.append(batch);
                file
            });
            self.file = written.await.ok();
        }
    }
}

/// What a log is written to.
trait Sink: io::Write {
    /// Cuts off what follows the first `length` bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Sink for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

#[derive(Debug)]
struct LogFile<S = File> {
    path: PathBuf,
    /// `None` while it cannot be created.
    file: Option<S>,
    /// Where the last whole event ends.
    length: u64,
    /// Half an event stands after it, and could not be cut off.
    is_torn: bool,
    reserve: Arc<Reserve>,
    /// It says at its end that lines are dropped.
    is_cut: bool,
    /// Since the last line that was written.
    lost: Lost,
}

/// What a log has lost, and why it has lost the last of it.
#[derive(Debug, Default)]
struct Lost {
    lines: u64,
    bytes: u64,
    why: Option<Why>,
}

#[derive(Debug)]
enum Why {
    Failed(io::Error),
    /// It would have taken from what is kept free.
    Reserved,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Reserved => f.write_str("its disk had only the room that log-reserve-mib keeps free"),
        }
    }
}

impl Lost {
    fn add(&mut self, lines: u64, bytes: usize, why: Why) {
        self.lines += lines;
        self.bytes += bytes as u64;
        self.why = Some(why);
    }

    /// The mark in their place.
    fn mark(&self) -> Option<String> {
        let why = self.why.as_ref().filter(|_| self.lines > 0)?;
        let were = if self.lines == 1 { "line was" } else { "lines were" };
        Some(format!("batchdeck: {} {were} lost here ({}): {why}", self.lines, Bytes(self.bytes)))
    }
}

impl LogFile {
    fn open(path: &Path, reserve: Arc<Reserve>) -> Self {
        let mut log = Self::on(None, path, reserve);
        if let Err(error) = log.make() {
            log.fail(0, 0, error);
        }
        log
    }

    /// Creates the file where it is not there yet.
    fn make(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            let (file, length) = create(&self.path)?;
            (self.file, self.length) = (Some(file), length);
        }
        Ok(())
    }

    fn append(&mut self, batch: Batch) {
        match self.make() {
            Ok(()) => self.write_within_reserve(batch),
            Err(error) => self.fail(batch.events, batch.bytes.len(), error),
        }
    }

    /// How many lines were lost for good and why, where not even the file could be told.
    fn close(&mut self) -> Option<String> {
        // A mark may be written where lines may not.
        if self.lost.lines > 0 && self.reserve.room_for(0) != LogRoom::Nothing && self.make().is_ok() {
            self.write(Batch::default());
        }
        let Lost { lines, why, .. } = std::mem::take(&mut self.lost);
        let why = why.filter(|_| lines > 0)?;
        let lines = if lines == 1 { "1 log line was".to_owned() } else { format!("{lines} log lines were") };
        Some(format!("{lines} lost: {why}"))
    }
}

impl<S: Sink> LogFile<S> {
    fn on(file: Option<S>, path: &Path, reserve: Arc<Reserve>) -> Self {
        let lost = Lost::default();
        Self { path: path.to_owned(), file, length: 0, is_torn: false, reserve, is_cut: false, lost }
    }

    /// Writes what leaves others their room. The first line that does not is told of in its place.
    fn write_within_reserve(&mut self, batch: Batch) {
        let room = self.reserve.room_for(batch.bytes.len() as u64);
        if room == LogRoom::Lines {
            self.write(batch);
            return;
        }
        if room == LogRoom::Marks && !self.is_cut {
            let mut mark = Batch::default();
            mark.push(now(), format!("batchdeck: {}", self.reserve.cut()).as_bytes());
            // It is no line of the job that could be lost.
            self.is_cut = self.write(Batch { events: 0, ..mark });
        }
        self.lost.add(batch.events, batch.bytes.len(), Why::Reserved);
    }

    /// Writes as many lines of the batch as there is room for: a reader has seen those already when the next one fails.
    /// Where lines are missing before it, a mark in their place goes with it. Whether all was written.
    fn write(&mut self, batch: Batch) -> bool {
        let Some(file) = &mut self.file else { return false };
        let Batch { mut bytes, mut events } = batch;
        let of_batch = bytes.len();
        if let Some(mark) = self.lost.mark() {
            let mut marked = Batch::default();
            marked.push(now(), mark.as_bytes());
            marked.bytes.append(&mut bytes);
            bytes = marked.bytes;
        }
        let mark_length = bytes.len() - of_batch;
        // Half an event would be read as a broken one, and the next one would be glued to it.
        if self.is_torn && file.cut(self.length).is_err() {
            self.lost.lines += events;
            self.lost.bytes += of_batch as u64;
            return false;
        }
        let (written, failed) = write_on(file, &bytes);
        let Some(error) = failed else {
            self.length += written as u64;
            (self.is_torn, self.is_cut, self.lost) = (false, false, Lost::default());
            return true;
        };
        let whole = bytes[..written].iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.length += whole as u64;
        self.is_torn = whole < written && file.cut(self.length).is_err();
        if whole >= mark_length {
            (self.lost, self.is_cut) = (Lost::default(), false);
            let lines: u64 = bytes[mark_length..whole].iter().map(|byte| u64::from(*byte == b'\n')).sum();
            events = events.saturating_sub(lines);
        }
        self.fail(events, of_batch - whole.saturating_sub(mark_length), error);
        false
    }

    fn fail(&mut self, events: u64, bytes: usize, error: io::Error) {
        if self.lost.why.is_none() {
            tracing::error!(path = %self.path.display(), %error, "a log stream cannot be written; its lines are dropped");
        }
        self.lost.add(events, bytes, Why::Failed(error));
    }
}

/// Writes all of it, or as much as can be, and says how much that was and what kept it from more.
fn write_on(sink: &mut impl io::Write, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    while written < bytes.len() {
        match sink.write(&bytes[written..]) {
            Ok(0) => return (written, Some(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Some(error)),
        }
    }
    (written, None)
}

fn create(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    let file = match (options.open(path), path.parent()) {
        // The first stream of a definition.
        (Err(error), Some(directory)) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            options.open(path)?
        }
        (opened, _) => opened?,
    };
    let length = file.metadata()?.len();
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DiskRoom, LogReserve};
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    const MIB: u64 = 1 << 20;

    fn no_reserve() -> Arc<Reserve> {
        Arc::new(Reserve::new(LogReserve::of_mib(0), PathBuf::new()))
    }

    /// One of 256 MiB on a disk with so many MiB left, which is looked at each time.
    fn reserve_of(left: &Arc<AtomicU64>) -> Arc<Reserve> {
        let left = Arc::clone(left);
        let look = move || Some(DiskRoom { free: left.load(Relaxed) * MIB, total: 1 << 40 });
        Arc::new(Reserve::with(LogReserve::default(), Duration::ZERO, Box::new(look)))
    }

    fn messages(path: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(path).expect("the file is there");
        text.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect()
    }

    #[tokio::test]
    async fn a_stream_exists_before_its_first_line_and_holds_both_outputs_as_they_came() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("a/default/b.log");
        let mut logger = Logger::open(&path, &no_reserve());
        assert_eq!(std::fs::read(&path).expect("the file is there"), b"");
        logger.take(Stream::Stdout, b"first\nhalf").await;
        logger.take(Stream::Stderr, b"second\n").await;
        logger.take(Stream::Stdout, b" a line\n").await;
        logger.take(Stream::Stderr, b"no newline").await;
        logger.finish().await;
        assert_eq!(messages(&path), ["first", "second", "half a line", "no newline"]);
    }

    #[tokio::test]
    async fn a_stream_that_could_not_be_written_says_what_it_has_lost_once_it_can() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let parent = directory.path().join("a");
        std::fs::write(&parent, "a file where the directory belongs").expect("it can be written");
        let mut logger = Logger::open(&parent.join("b.log"), &no_reserve());
        logger.take(Stream::Stdout, b"one\ntwo\n").await;
        std::fs::remove_file(&parent).expect("it can be removed");
        logger.take(Stream::Stdout, b"three\n").await;
        logger.finish().await;
        let messages = messages(&parent.join("b.log"));
        assert!(messages[0].starts_with("batchdeck: 2 lines were lost here (36 bytes): "), "{messages:?}");
        assert_eq!(messages[1], "three");
    }

    #[tokio::test]
    async fn a_full_disk_drops_lines_and_nothing_else() {
        let mut log = LogFile::open(Path::new("/dev/full"), no_reserve());
        log.append(batch(&["lost"]));
        assert_eq!(log.lost.lines, 1);
        let told = log.close().expect("nothing could be written");
        assert!(told.starts_with("1 log line was lost: No space left on device"), "{told}");
    }

    /// A disk with so much room, which may be cut only when `cuts`.
    struct Disk {
        holds: Vec<u8>,
        room: usize,
        cuts: bool,
    }

    impl io::Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room - self.holds.len());
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.holds.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink for Disk {
        fn cut(&mut self, length: u64) -> io::Result<()> {
            if !self.cuts {
                return Err(io::ErrorKind::Other.into());
            }
            self.holds.truncate(usize::try_from(length).expect("a small file"));
            Ok(())
        }
    }

    fn batch(lines: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for line in lines {
            batch.push(1, line.as_bytes());
        }
        batch
    }

    #[test]
    fn lines_lost_on_a_full_disk_leave_one_mark_in_their_place_and_no_half_lines() {
        for cuts in [true, false] {
            let disk = Disk { holds: Vec::new(), room: 12, cuts };
            let mut log = LogFile::on(Some(disk), Path::new(""), no_reserve());
            assert!(log.write(batch(&["first"])));
            assert!(!log.write(batch(&["second", "third"])));
            log.write(batch(&["fourth"]));
            assert_eq!((log.lost.lines, log.lost.bytes), (3, 26));
            let disk = log.file.as_mut().expect("it is open");
            (disk.room, disk.cuts) = (10_000, true);
            log.write(batch(&["fifth"]));
            log.write(batch(&["sixth"]));
            let text = String::from_utf8(log.file.expect("it is open").holds).expect("text");
            let messages: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
            assert_eq!(messages.len(), 4, "{text}");
            assert_eq!((messages[0], messages[2], messages[3]), ("first", "fifth", "sixth"));
            assert!(
                messages[1].starts_with("batchdeck: 3 lines were lost here (26 bytes): no storage space"),
                "{text}"
            );
        }
    }

    #[test]
    fn of_lines_that_fit_only_in_part_those_that_do_are_kept_as_readers_have_seen_them() {
        let disk = Disk { holds: Vec::new(), room: 19, cuts: true };
        let mut log = LogFile::on(Some(disk), Path::new(""), no_reserve());
        log.write(batch(&["first", "second", "third", "fourth"]));
        assert_eq!((log.lost.lines, log.lost.bytes), (2, 17));
        assert_eq!(log.file.as_ref().expect("it is open").holds, b"1 first\n1 second\n");
        log.file.as_mut().expect("it is open").room = 10_000;
        log.write(batch(&["fifth"]));
        let text = String::from_utf8(log.file.expect("it is open").holds).expect("text");
        assert!(text.starts_with("1 first\n1 second\n"), "{text}");
        assert!(text.contains("batchdeck: 2 lines were lost here (17 bytes)") && text.ends_with("1 fifth\n"), "{text}");
    }

    #[test]
    fn a_log_is_cut_at_the_reserve_says_so_once_and_goes_on_with_what_was_lost() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("a.log");
        let left = Arc::new(AtomicU64::new(300));
        let mut log = LogFile::open(&path, reserve_of(&left));
        log.append(batch(&["before"]));
        left.store(200, Relaxed);
        for _ in 0..3 {
            log.append(batch(&["one", "two"]));
        }
        left.store(100, Relaxed);
        log.append(batch(&["three"]));
        left.store(260, Relaxed);
        log.append(batch(&["not yet"]));
        let cut = "batchdeck: the log is cut here: its disk has 200 MiB left, and 256 MiB are kept free \
                   (log-reserve-mib); lines are dropped until there is room";
        assert_eq!(messages(&path), ["before", cut]);
        left.store(400, Relaxed);
        log.append(batch(&["after"]));
        let lost = "batchdeck: 8 lines were lost here (54 bytes): its disk had only the room that log-reserve-mib \
                    keeps free";
        assert_eq!(messages(&path), ["before", cut, lost, "after"]);
        left.store(200, Relaxed);
        log.append(batch(&["again"]));
        assert_eq!(messages(&path)[4], cut);
        assert_eq!(log.close(), None, "the log says it itself");
        assert!(messages(&path)[5].starts_with("batchdeck: 1 line was lost here (8 bytes): "));
    }

    #[test]
    fn where_not_even_a_mark_has_room_the_end_of_the_job_tells_what_its_log_has_lost() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("a.log");
        let left = Arc::new(AtomicU64::new(100));
        let mut log = LogFile::open(&path, reserve_of(&left));
        log.append(batch(&["one", "two"]));
        let told = log.close().expect("nothing could be written");
        assert_eq!(told, "2 log lines were lost: its disk had only the room that log-reserve-mib keeps free");
        assert_eq!(messages(&path), [""; 0]);
    }
}
