//! `DATA/agents/<instance>.pid`: by which process an instance is kept.

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
        let draft = directory.join(format!("{instance}.pid.{}", stat.pid));
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&draft)?;
        writeln!(file, "{} {}", stat.pid, stat.starttime)?;
        std::fs::rename(&draft, &path)?;
        Ok(Self { path })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // It may be gone with its whole directory.
        let _ = std::fs::remove_file(&self.path);
    }
}
