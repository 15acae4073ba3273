//! The connection to the engine, made again whenever it is gone.

use super::message::{ToAgent, ToEngine};
use notify::{RecursiveMode, Watcher as _};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{Receiver, Sender, channel};

const SOCKET: &str = "agents.sock";
/// Waits between two attempts to connect grow from the first to the last; the socket's appearance ends one early.
const DELAYS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// What waits to be sent; an engine that takes nothing for so long is taken for gone.
const OUTBOX: usize = 4096;
/// So many messages at most are sent with one write.
const AT_ONCE: usize = 64;
/// The longest message, in bytes.
const MESSAGE_LIMIT: u64 = 16 * 1024 * 1024;

/// What the connection has to say to the agent.
#[derive(Debug)]
pub(super) enum News {
    /// An engine is there; what is sent here reaches it, and dropping the sender hangs up.
    Connected(Sender<ToEngine>),
    /// What was said in one breath, in its order.
    Heard(Vec<ToAgent>),
    Lost,
    /// The data directory is no more, and no engine will come.
    Gone,
}

/// Keeps a connection for as long as someone listens and the data directory is there.
pub(super) async fn keep(data_directory: PathBuf, news: Sender<News>) {
    let mut delay = DELAYS.0;
    while !news.is_closed() {
        // Watching begins before the attempt, so that no appearance is missed between the two.
        let mut appearance = Appearance::watch(&data_directory);
        match connect(&data_directory).await {
            Ok(stream) => {
                drop(appearance);
                let begin = Instant::now();
                let (outbox, messages) = channel(OUTBOX);
                if news.send(News::Connected(outbox)).await.is_err() {
                    return;
                }
                let cause = converse(stream, messages, &news).await;
                if news.send(News::Lost).await.is_err() {
                    return;
                }
                tracing::info!(%cause, "the connection to the engine is over");
                // An engine that hangs up at once, as one of another version does, is not called without a pause.
                if begin.elapsed() > DELAYS.1 {
                    delay = DELAYS.0;
                }
                appearance = Appearance::watch(&data_directory);
            }
            Err(cause) => tracing::debug!(%cause, ?delay, "no engine answers"),
        }
        if is_gone(&data_directory) {
            // Nobody listens any more, or everybody knows now.
            let _ = news.send(News::Gone).await;
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => delay = (delay * 2).min(DELAYS.1),
            // It appears before the engine listens on it.
            () = appearance.wait() => delay = DELAYS.0,
        }
    }
}

pub(super) fn is_gone(data_directory: &Path) -> bool {
    std::fs::metadata(data_directory).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// A socket's path is limited to 107 bytes; the way over the open directory is short wherever the directory is, and
/// leaves this process's own directory alone.
async fn connect(data_directory: &Path) -> io::Result<UnixStream> {
    let directory = File::open(data_directory)?;
    UnixStream::connect(format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd())).await
}

/// Carries messages both ways until either way is over, and says why.
async fn converse(stream: UnixStream, messages: Receiver<ToEngine>, news: &Sender<News>) -> io::Error {
    let (read, write) = stream.into_split();
    let ended = tokio::select! {
        ended = listen(read, news) => ended,
        ended = speak(write, messages) => ended,
    };
    ended.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

async fn listen(read: OwnedReadHalf, news: &Sender<News>) -> io::Result<()> {
    let mut lines = BufReader::new(read);
    let mut line = Vec::new();
    let mut breath = Vec::new();
    loop {
        line.clear();
        (&mut lines).take(MESSAGE_LIMIT).read_until(b'\n', &mut line).await?;
        if line.pop() != Some(b'\n') {
            return Ok(());
        }
        breath.push(serde_json::from_slice(&line)?);
        // What has come together is heard together: a start is not begun while its stop lies read beside it.
        if !lines.buffer().contains(&b'\n') && news.send(News::Heard(std::mem::take(&mut breath))).await.is_err() {
            return Ok(());
        }
    }
}

async fn speak(mut write: OwnedWriteHalf, mut messages: Receiver<ToEngine>) -> io::Result<()> {
    let (mut waiting, mut lines) = (Vec::new(), Vec::new());
    while messages.recv_many(&mut waiting, AT_ONCE).await > 0 {
        for message in waiting.drain(..) {
            serde_json::to_writer(&mut lines, &message)?;
            lines.push(b'\n');
        }
        write.write_all(&lines).await?;
        lines.clear();
    }
    Ok(())
}

/// Waits for the engine's socket to appear. Where directories cannot be watched it waits for ever.
struct Appearance {
    seen: Receiver<()>,
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Appearance {
    fn watch(data_directory: &Path) -> Self {
        let (appeared, seen) = channel(1);
        let on_event = move |event: notify::Result<notify::Event>| {
            let is_socket = |path: &PathBuf| path.file_name() == Some(OsStr::new(SOCKET));
            if event.is_ok_and(|event| event.paths.iter().any(is_socket)) {
                // One that waits already is enough.
                let _ = appeared.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(on_event).and_then(|mut watcher| {
            watcher.watch(data_directory, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        Self { seen, _watcher: watcher.ok() }
    }

    async fn wait(&mut self) {
        if self.seen.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
