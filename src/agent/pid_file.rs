//! `DATA/agents/<instance>.pid`: by which process an instance is kept.

use super::procs;
use crate::model::InstanceId;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Removed when it is dropped.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes `<pid> <start time>\n`, whole or not at all. The start time is field 22 of `/proc/<pid>/stat`: with it the
    /// process is told from a later one of the same number.
    pub(super) fn write(data_directory: &Path, instance: &InstanceId) -> io::Result<Self> {
        let directory = data_directory.join("agents");
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let stat = procfs::process::Process::myself().and_then(|own| own.stat()).map_err(io::Error::other)?;
        let path = directory.join(format!("{instance}.pid"));
        if let Some(pid) = living(&path).filter(|pid| *pid != stat.pid) {
            let message = format!("process {pid} is this instance's agent already");
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        let draft = directory.join(format!("{instance}.pid.{}", stat.pid));
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&draft)?;
        writeln!(file, "{} {}", stat.pid, stat.starttime)?;
        std::fs::rename(&draft, &path)?;
        Ok(Self { path })
    }
}

/// The process that a pid file names, when it is still there.
fn living(path: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(path).ok()?;
    let (pid, started) = text.trim().split_once(' ')?;
    let (pid, started): (i32, u64) = (pid.parse().ok()?, started.parse().ok()?);
    procs::one(pid).filter(|seen| seen.started == started && !seen.zombie).map(|_| pid)
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // It may be gone with its whole directory.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_respected_only_while_its_process_lives() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let instance = InstanceId("i-0123456789abcdef0".into());
        let path = directory.path().join("agents/i-0123456789abcdef0.pid");
        let own = PidFile::write(directory.path(), &instance).expect("nothing is there");
        let written = std::fs::read_to_string(&path).expect("it is written");
        drop(own);
        assert!(!path.exists());

        let init = procs::one(1).expect("there is a first process");
        for (text, is_free) in [
            (format!("1 {}\n", init.started), false),
            (format!("1 {}\n", init.started + 1), true),
            ("torn".to_owned(), true),
            (written, true),
        ] {
            std::fs::write(&path, &text).expect("it can be written");
            let result = PidFile::write(directory.path(), &instance);
            assert_eq!(result.is_ok(), is_free, "{text}");
            if let Err(error) = result {
                assert_eq!(error.to_string(), "process 1 is this instance's agent already");
            }
        }
    }
}
