//! The directory an attempt works in.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// At most so many directories are kept for the next attempts.
const SPARES: usize = 16;
/// A file system tells times in ticks. What was changed last so long ago shows every change since by another time.
const SETTLED: Duration = Duration::from_secs(1);
const MODE: u32 = 0o700;

/// The working directories of an agent's attempts. One that is left empty is the next attempt's under a new name, until
/// [`Scratches::tidy`]. Where many short jobs follow each other, to make and remove one each is what they wait for: a file
/// system may look through all that was removed lately before it makes a file.
#[derive(Debug, Default)]
pub(super) struct Scratches(Mutex<Pool>);

#[derive(Debug, Default)]
struct Pool {
    used: usize,
    spare: Vec<Spare>,
}

#[derive(Debug)]
struct Spare {
    path: PathBuf,
    /// When something in it was made or removed last.
    changed: SystemTime,
}

/// `DATA/work/<task id>/`, or one elsewhere for another user, for as long as the attempt lives.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    /// When something in it was made or removed last before this attempt got it, empty; where a change shows by that.
    changed: Option<SystemTime>,
    /// The directory of its task, where it is one of several there.
    shared: Option<PathBuf>,
    /// Whom it is left to.
    heirs: Option<Arc<Scratches>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the working directory {} cannot be created: {source}", path.display())]
pub(super) struct ScratchError {
    path: PathBuf,
    source: io::Error,
}

impl Scratches {
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one that was left, where there is one and it can be had; tells when it was changed last.
    fn take(&self, path: &Path) -> Option<SystemTime> {
        let spare = {
            let mut pool = self.pool();
            pool.used += 1;
            pool.spare.pop()?
        };
        std::fs::rename(&spare.path, path).inspect_err(|_| drop(std::fs::remove_dir(&spare.path))).ok()?;
        Some(spare.changed)
    }

    /// One is not used any more; keeps it if it is as it was made.
    fn leave(&self, path: &Path, changed_before: Option<SystemTime>) -> bool {
        let changed = as_made(path, changed_before);
        let mut pool = self.pool();
        pool.used -= 1;
        match changed.filter(|_| pool.spare.len() < SPARES) {
            Some(changed) => pool.spare.push(Spare { path: path.to_owned(), changed }),
            None => return false,
        }
        true
    }

    /// Removes what is kept, where nothing works that another would follow.
    pub(super) fn tidy(&self) {
        let mut pool = self.pool();
        if pool.used == 0 {
            for spare in pool.spare.drain(..) {
                // What cannot be removed goes with the job's record.
                let _ = std::fs::remove_dir(spare.path);
            }
        }
    }
}

impl Drop for Scratches {
    fn drop(&mut self) {
        self.tidy();
    }
}

/// When a directory that is as it was made was changed last. One that was empty at `changed_before` need not be read.
fn as_made(path: &Path, changed_before: Option<SystemTime>) -> Option<SystemTime> {
    let found = std::fs::symlink_metadata(path).ok()?;
    let user = rustix::process::geteuid().as_raw();
    let own = found.is_dir() && found.mode() & 0o7777 == MODE && found.uid() == user;
    let changed = found.modified().ok().filter(|_| own)?;
    let is_empty = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    (changed_before == Some(changed) || is_empty()).then_some(changed)
}

impl Scratch {
    /// `place` is relative to `work`. Quick where a directory is, and not worth another thread.
    pub(super) fn create(all: &Arc<Scratches>, data_directory: &Path, place: &Path) -> Result<Self, ScratchError> {
        let work = data_directory.join("work");
        let (path, shared) = (work.join(place), place.parent().filter(|parent| !parent.as_os_str().is_empty()));
        let heirs = shared.is_none().then(|| Arc::clone(all));
        let mut scratch = Self { shared: shared.map(|task| work.join(task)), path, heirs, changed: None };
        if let Some(changed) = scratch.heirs.as_ref().and_then(|spares| spares.take(&scratch.path)) {
            let is_settled = changed.elapsed().is_ok_and(|since| since > SETTLED);
            scratch.changed = is_settled.then_some(changed);
            return Ok(scratch);
        }
        let mut builder = DirBuilder::new();
        builder.mode(MODE);
        // Its parent is there, but for the first job of an engine.
        let created = builder.create(&scratch.path).or_else(|_| builder.recursive(true).create(&scratch.path));
        match created {
            Ok(()) => Ok(scratch),
            Err(source) => {
                scratch.leave();
                Err(ScratchError { path: scratch.path, source })
            }
        }
    }

    /// For another user, who cannot reach `work`: in the directory for temporary files, and that user's own.
    pub(super) fn create_for(place: &Path, (uid, gid): (u32, u32)) -> Result<Self, ScratchError> {
        let name = place.to_string_lossy().replace('/', "-");
        let path = std::env::temp_dir().join(format!("batchdeck-{name}"));
        let created = DirBuilder::new().mode(MODE).create(&path).and_then(|()| chown(&path, Some(uid), Some(gid)));
        match created {
            Ok(()) => Ok(Self { path, shared: None, heirs: None, changed: None }),
            Err(source) => Err(ScratchError { path, source }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn leave(&self) -> bool {
        self.heirs.as_ref().is_some_and(|heirs| heirs.leave(&self.path, self.changed))
    }

    pub(super) async fn remove(self) {
        // Most jobs leave nothing in it.
        if !self.leave() && std::fs::remove_dir(&self.path).is_err() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    struct World(tempfile::TempDir, Arc<Scratches>);

    impl World {
        fn create(&self, task: &str) -> Scratch {
            Scratch::create(&self.1, self.0.path(), Path::new(task)).expect("it can be made")
        }

        fn inode(&self, task: &str) -> u64 {
            std::fs::metadata(self.0.path().join("work").join(task)).expect("it is there").ino()
        }

        fn count(&self) -> usize {
            std::fs::read_dir(self.0.path().join("work")).expect("it is there").count()
        }
    }

    #[tokio::test]
    async fn an_empty_directory_is_the_next_attempts_and_nothing_stays_once_none_works() {
        let world = World(tempfile::tempdir().expect("a directory"), Arc::default());
        let (a, b) = (world.create("a"), world.create("b"));
        let inode = world.inode("a");
        a.remove().await;
        let c = world.create("c");
        assert_eq!(world.inode("c"), inode, "it has got another name");
        assert!(!world.0.path().join("work/a").exists());
        b.remove().await;
        world.1.tidy();
        assert_eq!(world.count(), 2, "one works yet");
        c.remove().await;
        world.1.tidy();
        assert_eq!(world.count(), 0);
    }

    #[test]
    fn an_empty_directory_that_was_left_alone_for_long_shows_a_change_by_its_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a");
        DirBuilder::new().mode(MODE).create(&path).expect("made");
        let file = std::fs::File::open(&path).expect("opened");
        let long_ago = SystemTime::now() - 2 * SETTLED;
        file.set_modified(long_ago).expect("set");
        let before = as_made(&path, None);
        assert_eq!(before, Some(long_ago));
        assert_eq!(as_made(&path, before), before);
        std::fs::write(path.join("left"), "x").expect("written");
        assert_eq!(as_made(&path, before), None, "it is not empty, and its time tells");
        std::fs::remove_file(path.join("left")).expect("removed");
        assert!(as_made(&path, before).is_some_and(|changed| changed > long_ago), "it was looked into");
    }

    #[tokio::test]
    async fn a_directory_that_an_attempt_has_changed_is_nobody_elses() {
        let world = World(tempfile::tempdir().expect("a directory"), Arc::default());
        let other = world.create("other");
        let changes: [fn(&Path); 2] = [
            |path| std::fs::write(path.join("left"), "x").expect("written"),
            |path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("changed"),
        ];
        for change in changes {
            let one = world.create("one");
            change(one.path());
            one.remove().await;
            assert!(!world.0.path().join("work/one").exists());
            let next = world.create("next");
            assert_eq!(std::fs::read_dir(next.path()).expect("it is there").count(), 0);
            next.remove().await;
        }
        other.remove().await;
        world.1.tidy();
        assert_eq!(world.count(), 0);
    }
}
