//! The file behind one log stream.

use super::lines::{Batch, Splitter};
use super::now;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long output is read on after its attempt has ended, when something still holds it open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Waits until output need not be read any more: a moment after `is_over` is told, or dropped.
pub(super) async fn last_words(is_over: oneshot::Receiver<()>) {
    let _ = is_over.await;
    tokio::time::sleep(LAST_WORDS).await;
}

/// Which of an attempt's two streams a piece of output came from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// Writes an attempt's output to its log stream as it comes. Never fails: a job outlives a full disk, and the stream
/// says at its end what it has lost.
#[derive(Debug)]
pub(super) struct Logger {
    stdout: Splitter,
    stderr: Splitter,
    /// Away only while a write is under way.
    file: Option<LogFile>,
}

impl Logger {
    /// Creates the stream's file, empty, so that the stream exists before its first line.
    pub(super) async fn open(path: PathBuf) -> Self {
        let file = tokio::task::spawn_blocking(move || LogFile::open(&path)).await.ok();
        Self { stdout: Splitter::default(), stderr: Splitter::default(), file }
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

    /// Both streams are over.
    pub(super) async fn finish(mut self) {
        let mut batch = Batch::default();
        self.stdout.finish(now(), &mut batch);
        self.stderr.finish(now(), &mut batch);
        self.write(batch).await;
        if let Some(mut file) = self.file.take() {
            // Nothing is left to do when the task itself fails.
            let _ = tokio::task::spawn_blocking(move || file.close()).await;
        }
    }

    async fn write(&mut self, batch: Batch) {
        if batch.events == 0 {
            return;
        }
        if let Some(mut file) = self.file.take() {
            let written = tokio::task::spawn_blocking(move || {
                file.append(&batch);
                file
            });
            self.file = written.await.ok();
        }
    }
}

#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: Option<File>,
    /// Where the last whole event ends.
    length: u64,
    lost: u64,
    cause: Option<io::Error>,
}

impl LogFile {
    fn open(path: &Path) -> Self {
        let mut log = Self { path: path.to_owned(), file: None, length: 0, lost: 0, cause: None };
        match create(path) {
            Ok((file, length)) => (log.file, log.length) = (Some(file), length),
            Err(error) => log.fail(0, error),
        }
        log
    }

    fn append(&mut self, batch: &Batch) {
        let written = match &mut self.file {
            Some(file) => file.write_all(&batch.bytes),
            None => create(&self.path).and_then(|(mut file, length)| {
                self.length = length;
                let written = file.write_all(&batch.bytes);
                self.file = Some(file);
                written
            }),
        };
        match written {
            Ok(()) => self.length += batch.bytes.len() as u64,
            Err(error) => {
                // Half an event would be read as a broken one, and the next one would be glued to it.
                if let Some(file) = &self.file {
                    let _ = file.set_len(self.length);
                }
                self.fail(batch.events, error);
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

    fn close(&mut self) {
        if let (true, Some(cause)) = (self.lost > 0, self.cause.take()) {
            tracing::error!(path = %self.path.display(), lost = self.lost, "lines of a log stream were lost");
            let mut note = Batch::default();
            note.push(now(), format!("batchdeck: {} lines were lost here: {cause}", self.lost).as_bytes());
            self.append(&note);
        }
    }
}

fn create(path: &Path) -> io::Result<(File, u64)> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
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
        let mut logger = Logger::open(path.clone()).await;
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
        let mut logger = Logger::open(parent.join("b.log")).await;
        logger.take(Stream::Stdout, b"one\ntwo\n").await;
        std::fs::remove_file(&parent).expect("it can be removed");
        logger.take(Stream::Stdout, b"three\n").await;
        logger.finish().await;
        let text = std::fs::read_to_string(parent.join("b.log")).expect("the file is there now");
        let messages: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
        assert_eq!(messages[0], "three");
        assert!(messages[1].starts_with("batchdeck: 2 lines were lost here: "), "{messages:?}");
    }

    #[tokio::test]
    async fn a_full_disk_drops_lines_and_nothing_else() {
        let mut log = LogFile::open(Path::new("/dev/full"));
        let mut batch = Batch::default();
        batch.push(1, b"lost");
        log.append(&batch);
        assert_eq!(log.lost, 1);
        assert_eq!(log.cause.as_ref().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
        log.close();
    }
}
