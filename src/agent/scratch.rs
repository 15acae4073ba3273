//! The directory an attempt works in.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// `DATA/work/<task id>/`, for as long as the attempt lives.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
#[error("the working directory {} cannot be created: {source}", path.display())]
pub(super) struct ScratchError {
    path: PathBuf,
    source: io::Error,
}

impl Scratch {
    pub(super) async fn create(data_directory: &Path, task_id: &str) -> Result<Self, ScratchError> {
        let path = data_directory.join("work").join(task_id);
        let (tried, mut builder) = (path.clone(), DirBuilder::new());
        let created = tokio::task::spawn_blocking(move || builder.recursive(true).mode(0o700).create(tried)).await;
        match created.map_err(io::Error::other) {
            Ok(Ok(())) => Ok(Self { path }),
            Ok(Err(source)) | Err(source) => Err(ScratchError { path, source }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn remove(self) {
        let path = self.path.clone();
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(path)).await;
        if let Err(error) = removed.map_err(io::Error::other).and_then(|removed| removed) {
            tracing::warn!(path = %self.path.display(), %error, "a working directory cannot be removed");
        }
    }
}
