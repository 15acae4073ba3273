//! Following a stream: its lines as they are written, woken by the kernel's file events.

use super::{LogError, event, lines, stream_file};
use crate::model::LogEvent;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// At most so many events at once.
const BATCH: usize = 2_000;

/// The engine's one inotify instance, shared by all who follow (a user has few of them).
#[derive(Debug, Clone)]
pub(in crate::daemon) struct LogWatch {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    watcher: Mutex<RecommendedWatcher>,
    waiting: Arc<Mutex<Waiting>>,
}

/// By path: who waits for it. The count tells how many watch it.
type Waiting = BTreeMap<PathBuf, (usize, watch::Sender<()>)>;

impl LogWatch {
    pub(in crate::daemon) fn new() -> notify::Result<Self> {
        let waiting = Arc::new(Mutex::new(Waiting::new()));
        let woken = Arc::clone(&waiting);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let waiting = lock(&woken);
            match event {
                // Events were lost, or nobody knows: everyone looks.
                Ok(event) if event.need_rescan() => waiting.values().for_each(|(_, wake)| wake.send_modify(|()| ())),
                Err(_) => waiting.values().for_each(|(_, wake)| wake.send_modify(|()| ())),
                Ok(event) => {
                    for path in event.paths.iter().flat_map(|path| [Some(path.as_path()), path.parent()]).flatten() {
                        if let Some((_, wake)) = waiting.get(path) {
                            wake.send_modify(|()| ());
                        }
                    }
                }
            }
        })?;
        Ok(Self { shared: Arc::new(Shared { watcher: Mutex::new(watcher), waiting }) })
    }

    /// Watches one file, or the entries of one directory, until the answer is dropped.
    fn on(&self, path: &Path) -> notify::Result<Watching> {
        // Held for the whole of it, so that nobody ends the watch that another begins.
        let mut watcher = lock(&self.shared.watcher);
        let waiting = |wake| Watching { watch: self.clone(), path: path.to_owned(), wake };
        if let Some((count, wake)) = lock(&self.shared.waiting).get_mut(path) {
            *count += 1;
            return Ok(waiting(wake.subscribe()));
        }
        // The watcher's own thread takes the map for each event: the map must be free while the watcher is asked.
        let (wake, wakes) = watch::channel(());
        lock(&self.shared.waiting).insert(path.to_owned(), (1, wake));
        if let Err(cause) = watcher.watch(path, RecursiveMode::NonRecursive) {
            lock(&self.shared.waiting).remove(path);
            return Err(cause);
        }
        Ok(waiting(wakes))
    }
}

/// Wakes when the path has changed since it was last asked.
#[derive(Debug)]
struct Watching {
    watch: LogWatch,
    path: PathBuf,
    wake: watch::Receiver<()>,
}

impl Watching {
    async fn changed(&mut self) {
        // The sender lives as long as this does.
        let _ = self.wake.changed().await;
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watcher = lock(&self.watch.shared.watcher);
        let mut waiting = lock(&self.watch.shared.waiting);
        let Some((count, _)) = waiting.get_mut(&self.path) else { return };
        *count -= 1;
        if *count == 0 {
            waiting.remove(&self.path);
            drop(waiting);
            // A file that was deleted is not watched any more.
            let _ = watcher.unwatch(&self.path);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One follower's place in a stream.
#[derive(Debug)]
pub(in crate::daemon) struct Follow {
    watch: LogWatch,
    logs: PathBuf,
    stream: String,
    path: PathBuf,
    at: u64,
    open: Option<(Arc<File>, Watching)>,
}

impl Follow {
    /// From a forward token on; `None` is the first line. The stream need not be there yet.
    pub(in crate::daemon) fn new(
        watch: LogWatch,
        logs: &Path,
        stream: &str,
        from: Option<&str>,
    ) -> Result<Self, LogError> {
        let path = stream_file(logs, stream)?;
        let at = match from {
            None => 0,
            Some(token) => token.strip_prefix("f/").and_then(|offset| offset.parse().ok()).ok_or_else(|| {
                LogError::Invalid(format!("from is `{token}`; it takes a nextForwardToken, such as `f/0`"))
            })?,
        };
        Ok(Self { watch, logs: logs.to_owned(), stream: stream.to_owned(), path, at, open: None })
    }

    /// The next lines, as soon as there are any.
    pub(in crate::daemon) async fn next(&mut self) -> Result<Vec<LogEvent>, LogError> {
        loop {
            if self.open.is_none() {
                self.open = Some(self.wait_until_there().await?);
            }
            let Some((file, watching)) = &mut self.open else { continue };
            let (file, at) = (Arc::clone(file), self.at);
            let read = tokio::task::spawn_blocking(move || read_on(&file, at)).await;
            let (events, end) = match read.map_err(io::Error::other).flatten() {
                Ok(read) => read,
                Err(cause) => return Err(self.failed(cause)),
            };
            if !events.is_empty() {
                self.at = end;
                return Ok(events);
            }
            watching.changed().await;
        }
    }

    /// Watches the nearest directory that is there, for the next one, and so on down to the file. Each look comes after
    /// the watch has begun, so that nothing happens unseen in between.
    async fn wait_until_there(&self) -> Result<(Arc<File>, Watching), LogError> {
        loop {
            if self.path.exists() {
                let watching = self.watch.on(&self.path).map_err(|cause| self.failed(io::Error::other(cause)))?;
                let file = File::open(&self.path).map_err(|cause| self.failed(cause))?;
                return Ok((Arc::new(file), watching));
            }
            let nearest = self.path.ancestors().skip(1).find(|above| above.is_dir()).unwrap_or(&self.logs);
            let mut watching = self.watch.on(nearest).map_err(|cause| self.failed(io::Error::other(cause)))?;
            let next = self.path.ancestors().take_while(|above| *above != nearest).last().unwrap_or(&self.path);
            while !next.exists() {
                watching.changed().await;
            }
        }
    }

    fn failed(&self, cause: io::Error) -> LogError {
        LogError::Storage { stream: self.stream.clone(), cause }
    }
}

fn read_on(file: &File, at: u64) -> io::Result<(Vec<LogEvent>, u64)> {
    let size = file.metadata()?.len();
    let block = lines::read_after(file, at, size)?;
    let mut end = at;
    let events = lines::split(&block, at)
        .take(BATCH)
        .map(|line| {
            end = line.end;
            event(&line)
        })
        .collect();
    Ok((events, end))
}
