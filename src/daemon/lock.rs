//! One engine a data directory, held by `flock`: the kernel lets go of it however the engine ends.

use super::DaemonError;
use crate::config::DataDirectory;
use crate::config::directories::{Lack, private_file};
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a start waits for the lock: whoever asks whether an engine runs holds it for a moment.
const PATIENCE: Duration = Duration::from_millis(500);

/// The right to be the engine of a data directory, until it is dropped.
#[derive(Debug)]
pub(super) struct EngineLock {
    _file: File,
}

impl EngineLock {
    /// Takes the lock and writes this process's id into its file; fails when another engine holds it.
    pub(super) fn take(directory: &DataDirectory) -> Result<Self, DaemonError> {
        let path = directory.lock();
        let not_writable = |cause| DaemonError::NotWritable { path: path.clone(), cause };
        let mut file = private_file(&path).map_err(not_writable)?;
        let since = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(DaemonError::AlreadyRunning {
                        data_directory: directory.path().to_owned(),
                        pid: read_pid(&path),
                    });
                }
                Err(TryLockError::Error(cause)) => return Err(not_writable(cause)),
            }
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        match written {
            // The kernel knows whose lock it is.
            Err(cause) if Lack::of(&cause).is_some() => {}
            written => written.map_err(not_writable)?,
        }
        Ok(Self { _file: file })
    }
}

/// The process id of the engine that runs on this directory; `None` when none does. Changes nothing.
pub fn is_running(data_directory: &Path) -> Option<u32> {
    let path = DataDirectory::new(data_directory).ok()?.lock();
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read_pid(&path).unwrap_or(0)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// What the file says, or the kernel, where there was no room to write it.
fn read_pid(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok().or_else(|| holder(path))
}

/// The process that holds a lock on this file, as the kernel tells it.
fn holder(path: &Path) -> Option<u32> {
    let file = fs::metadata(path).ok()?;
    let device = (rustix::fs::major(file.dev()), rustix::fs::minor(file.dev()));
    let locks = procfs::locks().ok()?;
    let held = locks.into_iter().find(|lock| lock.inode == file.ino() && (lock.devmaj, lock.devmin) == device)?;
    held.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_engine_is_refused_by_the_first_ones_process_id() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = DataDirectory::new(root.path()).expect("short");
        assert_eq!(is_running(root.path()), None);
        let lock = EngineLock::take(&directory).expect("free");
        assert_eq!(is_running(root.path()), Some(std::process::id()));
        match EngineLock::take(&directory) {
            Err(DaemonError::AlreadyRunning { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        // As it is where there was no room for the number.
        fs::write(directory.lock(), "").expect("emptied");
        assert_eq!(is_running(root.path()), Some(std::process::id()));
        drop(lock);
        assert_eq!(is_running(root.path()), None);
        EngineLock::take(&directory).expect("free again");
    }
}
