//! The directory an attempt works in.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};

/// `DATA/work/<task id>/`, or one elsewhere for another user, for as long as the attempt lives.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    /// The directory of its task, where it is one of several there.
    shared: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
#[error("the working directory {} cannot be created: {source}", path.display())]
pub(super) struct ScratchError {
    path: PathBuf,
    source: io::Error,
}

impl Scratch {
    /// `place` is relative to `work`. Quick where a directory is, and not worth another thread.
    pub(super) fn create(data_directory: &Path, place: &Path) -> Result<Self, ScratchError> {
        let work = data_directory.join("work");
        let (path, shared) = (work.join(place), place.parent().filter(|parent| !parent.as_os_str().is_empty()));
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        // Its parent is there, but for the first job of an engine.
        let created = builder.create(&path).or_else(|_| builder.recursive(true).create(&path));
        match created {
            Ok(()) => Ok(Self { shared: shared.map(|task| work.join(task)), path }),
            Err(source) => Err(ScratchError { path, source }),
        }
    }

    /// For another user, who cannot reach `work`: in the directory for temporary files, and that user's own.
    pub(super) fn create_for(place: &Path, (uid, gid): (u32, u32)) -> Result<Self, ScratchError> {
        let name = place.to_string_lossy().replace('/', "-");
        let path = std::env::temp_dir().join(format!("batchdeck-{name}"));
        let created = DirBuilder::new().mode(0o700).create(&path).and_then(|()| chown(&path, Some(uid), Some(gid)));
        match created {
            Ok(()) => Ok(Self { path, shared: None }),
            Err(source) => Err(ScratchError { path, source }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn remove(self) {
        // Most jobs leave nothing in it.
        if std::fs::remove_dir(&self.path).is_err() {
            self.remove_all().await;
        }
        if let Some(shared) = &self.shared {
            // The last one there succeeds.
            let _ = std::fs::remove_dir(shared);
        }
    }

    async fn remove_all(&self) {
        let path = self.path.clone();
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(path)).await;
        if let Err(error) = removed.map_err(io::Error::other).and_then(|removed| removed) {
            tracing::warn!(path = %self.path.display(), %error, "a working directory cannot be removed");
        }
    }
}
