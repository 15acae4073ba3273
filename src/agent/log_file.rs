//! The file behind one log stream.

use super::lines::{Batch, Splitter};
use super::now;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
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

/// Writes an attempt's output to its log stream as it comes. Never fails: a job outlives a full disk, and the stream
/// says in place of what it has lost how much that was.
#[derive(Debug)]
pub(super) struct Logger {
    stdout: Splitter,
    stderr: Splitter,
    /// Away only while a write is under way.
    file: Option<LogFile>,
}

impl Logger {
    /// Creates the stream's file, empty, so that the stream exists before its first line.
    pub(super) fn open(path: &Path) -> Self {
        Self { stdout: Splitter::default(), stderr: Splitter::default(), file: Some(LogFile::open(path)) }
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
        if file.lost == 0 {
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
    /// Lines that were lost since the last one that was written.
    lost: u64,
    cause: Option<io::Error>,
}

impl LogFile {
    fn open(path: &Path) -> Self {
        let mut log = Self { path: path.to_owned(), file: None, length: 0, is_torn: false, lost: 0, cause: None };
        match create(path) {
            Ok((file, length)) => (log.file, log.length) = (Some(file), length),
            Err(error) => log.fail(0, error),
        }
        log
    }

    fn append(&mut self, batch: Batch) {
        if self.file.is_none() {
            match create(&self.path) {
                Ok((file, length)) => (self.file, self.length) = (Some(file), length),
                Err(error) => return self.fail(batch.events, error),
            }
        }
        self.write(batch);
    }

    /// How many lines were lost for good and why, where not even the file could be told.
    fn close(&mut self) -> Option<String> {
        if self.lost > 0 {
            self.append(Batch::default());
        }
        let cause = self.cause.take().filter(|_| self.lost > 0)?;
        let lines = if self.lost == 1 { "1 log line was".to_owned() } else { format!("{} log lines were", self.lost) };
        Some(format!("{lines} lost: {cause}"))
    }
}

impl<S: Sink> LogFile<S> {
    /// Writes the batch whole or not at all. Where lines are missing before it, a mark in their place goes with it.
    fn write(&mut self, batch: Batch) {
        let Some(file) = &mut self.file else { return };
        let events = batch.events;
        let bytes = match (&self.cause, self.lost) {
            (Some(cause), 1..) => {
                let mut marked = Batch::default();
                marked.push(now(), format!("batchdeck: {} lines were lost here: {cause}", self.lost).as_bytes());
                marked.bytes.extend_from_slice(&batch.bytes);
                marked.bytes
            }
            _ => batch.bytes,
        };
        // Half an event would be read as a broken one, and the next one would be glued to it.
        if self.is_torn && file.cut(self.length).is_err() {
            self.lost += events;
            return;
        }
        match file.write_all(&bytes) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                (self.is_torn, self.lost, self.cause) = (false, 0, None);
            }
            Err(error) => {
                self.is_torn = file.cut(self.length).is_err();
                self.fail(events, error);
            }
        }
    }

    fn fail(&mut self, events: u64, error: io::Error) {
        if self.cause.is_none() {
            tracing::error!(path = %self.path.display(), %error, "a log stream cannot be written; its lines are dropped");
        }
        self.lost += events;
        self.cause = Some(error);
    }
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

    #[tokio::test]
    async fn a_stream_exists_before_its_first_line_and_holds_both_outputs_as_they_came() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("a/default/b.log");
        let mut logger = Logger::open(&path);
        assert_eq!(std::fs::read(&path).expect("the file is there"), b"");
        logger.take(Stream::Stdout, b"first\nhalf").await;
        logger.take(Stream::Stderr, b"second\n").await;
        logger.take(Stream::Stdout, b" a line\n").await;
        logger.take(Stream::Stderr, b"no newline").await;
        logger.finish().await;
        let text = std::fs::read_to_string(&path).expect("the file is there");
        let messages: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
        assert_eq!(messages, ["first", "second", "half a line", "no newline"]);
    }

    #[tokio::test]
    async fn a_stream_that_could_not_be_written_says_what_it_has_lost_once_it_can() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let parent = directory.path().join("a");
        std::fs::write(&parent, "a file where the directory belongs").expect("it can be written");
        let mut logger = Logger::open(&parent.join("b.log"));
        logger.take(Stream::Stdout, b"one\ntwo\n").await;
        std::fs::remove_file(&parent).expect("it can be removed");
        logger.take(Stream::Stdout, b"three\n").await;
        logger.finish().await;
        let text = std::fs::read_to_string(parent.join("b.log")).expect("the file is there now");
        let messages: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
        assert!(messages[0].starts_with("batchdeck: 2 lines were lost here: "), "{messages:?}");
        assert_eq!(messages[1], "three");
    }

    #[tokio::test]
    async fn a_full_disk_drops_lines_and_nothing_else() {
        let mut log = LogFile::open(Path::new("/dev/full"));
        let mut batch = Batch::default();
        batch.push(1, b"lost");
        log.append(batch);
        assert_eq!(log.lost, 1);
        assert_eq!(log.cause.as_ref().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
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

    #[test]
    fn lines_lost_on_a_full_disk_leave_one_mark_in_their_place_and_no_half_lines() {
        for cuts in [true, false] {
            let disk = Disk { holds: Vec::new(), room: 12, cuts };
            let mut log =
                LogFile { path: PathBuf::new(), file: Some(disk), length: 0, is_torn: false, lost: 0, cause: None };
            let lines = |lines: &[&str]| {
                let mut batch = Batch::default();
                for line in lines {
                    batch.push(1, line.as_bytes());
                }
                batch
            };
            log.write(lines(&["first"]));
            log.write(lines(&["second", "third"]));
            log.write(lines(&["fourth"]));
            assert_eq!(log.lost, 3);
            let disk = log.file.as_mut().expect("it is open");
            (disk.room, disk.cuts) = (10_000, true);
            log.write(lines(&["fifth"]));
            log.write(lines(&["sixth"]));
            let text = String::from_utf8(log.file.expect("it is open").holds).expect("text");
            let messages: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
            assert_eq!(messages.len(), 4, "{text}");
            assert_eq!((messages[0], messages[2], messages[3]), ("first", "fifth", "sixth"));
            assert!(messages[1].starts_with("batchdeck: 3 lines were lost here: no storage space"), "{text}");
        }
    }
}
