//! The data directory: where each thing of an engine lies.

use super::DaemonError;
use crate::model::InstanceId;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// `sun_path` of a unix socket holds 108 bytes with the zero at its end.
const LONGEST_SOCKET_PATH: usize = 107;

/// One engine's directory. Directories in it are 0700, files 0600.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDirectory {
    root: PathBuf,
}

impl DataDirectory {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the API is served.
    pub fn engine_socket(&self) -> PathBuf {
        self.root.join("engine.sock")
    }

    /// Where agents connect.
    pub fn agents_socket(&self) -> PathBuf {
        self.root.join("agents.sock")
    }

    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.db")
    }

    /// Held with `flock` by the engine that runs; contains its process id.
    pub fn lock(&self) -> PathBuf {
        self.root.join("engine.lock")
    }

    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Scratch directories of attempts, by task id.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    pub fn agents(&self) -> PathBuf {
        self.root.join("agents")
    }

    /// What an agent itself writes, for the case that it does not get far.
    pub fn agent_log(&self, instance: &InstanceId) -> PathBuf {
        self.agents().join(format!("{instance}.log"))
    }

    /// `PID START`: the agent's process, told apart from a later one with the same number by its start time.
    pub fn agent_process(&self, instance: &InstanceId) -> PathBuf {
        self.agents().join(format!("{instance}.pid"))
    }

    /// Makes what is missing and sets the modes; refuses a path whose sockets no one could connect to.
    pub(super) fn prepare(&self) -> Result<(), DaemonError> {
        for socket in [self.engine_socket(), self.agents_socket()] {
            let length = socket.as_os_str().len();
            if length > LONGEST_SOCKET_PATH {
                return Err(DaemonError::SocketPathTooLong { path: socket, length, longest: LONGEST_SOCKET_PATH });
            }
        }
        for directory in [self.root.clone(), self.logs(), self.agents(), self.work()] {
            private_directory(&directory)
                .map_err(|cause| DaemonError::NotWritable { path: directory.clone(), cause })?;
        }
        Ok(())
    }
}

/// Makes a directory that only its owner may enter, and every missing one above it; tightens one that is there.
fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let metadata = fs::metadata(path)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Opens a file for appending that only its owner may read.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_whose_socket_path_is_too_long_is_refused_before_anything_is_made() {
        let parent = tempfile::tempdir().expect("a directory");
        let root = parent.path().join("x".repeat(100));
        let refusal = DataDirectory::new(&root).prepare().expect_err("too long");
        assert!(matches!(refusal, DaemonError::SocketPathTooLong { .. }), "{refusal}");
        assert!(!root.exists());
    }

    #[test]
    fn only_the_owner_may_enter_the_directory() {
        let parent = tempfile::tempdir().expect("a directory");
        let root = parent.path().join("data");
        fs::create_dir(&root).expect("made");
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("set");
        DataDirectory::new(&root).prepare().expect("prepared");
        for path in [root.clone(), root.join("logs"), root.join("agents")] {
            assert_eq!(
                fs::metadata(&path).expect("is there").permissions().mode() & 0o777,
                0o700,
                "{}",
                path.display()
            );
        }
    }
}
