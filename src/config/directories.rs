//! Where files live: the data directory of a local engine, and the config file.

use crate::model::InstanceId;
use directories::ProjectDirs;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The longest path that a unix socket can have: `sun_path` holds 108 bytes with the closing zero.
const LONGEST_SOCKET_PATH: usize = 107;

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error("this user has no home directory, so there is no default place for data")]
    NoHome,
    #[error("HOME is no absolute path, so `{}` would be elsewhere from each working directory", .0.display())]
    RelativeHome(PathBuf),
    #[error("the socket `{}` would have a path of {length} bytes; a unix socket takes at most {LONGEST_SOCKET_PATH}", path.display())]
    SocketPathTooLong { path: PathBuf, length: usize },
    #[error("`{}` cannot be made into an absolute path: {cause}", path.display())]
    NotAbsolute { path: PathBuf, cause: io::Error },
    #[error("the directory `{}` cannot be made: {cause}", path.display())]
    Create { path: PathBuf, cause: io::Error },
    #[error("`{}` is open to other users and could not be closed to them: {cause}", path.display())]
    Open { path: PathBuf, cause: io::Error },
    #[error("`{}` belongs to another user (uid {owner}), who could change what this program believes", path.display())]
    NotOurs { path: PathBuf, owner: u32 },
}

impl DirectoryError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::SocketPathTooLong { .. } => {
                "name a shorter data directory with --data-dir DIR or in BATCHDECK_DATA_DIR"
            }
            Self::RelativeHome(_) => "set HOME to an absolute path",
            Self::NoHome | Self::NotAbsolute { .. } => "name a data directory with --data-dir DIR",
            Self::Create { cause, .. } | Self::Open { cause, .. } => mend(cause),
            Self::NotOurs { .. } => "name a directory of your own with --data-dir DIR, or be that user",
        }
    }
}

/// What a disk has none left of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    Room,
    /// There may be room, but none for this user.
    Quota,
}

impl Lack {
    /// Whether something could not be written for want of it.
    pub fn of(cause: &io::Error) -> Option<Self> {
        match cause.kind() {
            io::ErrorKind::StorageFull => Some(Self::Room),
            io::ErrorKind::QuotaExceeded => Some(Self::Quota),
            _ => None,
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Room => "its disk is full",
            Self::Quota => "the quota of its disk is used up",
        })
    }
}

/// What to do about a file or directory of the data directory that cannot be written.
pub fn mend(cause: &io::Error) -> &'static str {
    match (Lack::of(cause), cause.kind()) {
        (Some(Lack::Room), _) => "make room on its disk, or name another data directory with --data-dir DIR",
        (Some(Lack::Quota), _) => {
            "remove files or have the quota raised, or name a data directory on another disk with --data-dir DIR"
        }
        (None, io::ErrorKind::ReadOnlyFilesystem) => {
            "have its file system mounted for writing (`mount -o remount,rw`), or name another data directory with \
             --data-dir DIR"
        }
        (None, io::ErrorKind::PermissionDenied) => {
            "name a directory of your own with --data-dir DIR, or mend its owner and permissions"
        }
        _ => "check its disk, or name another data directory with --data-dir DIR",
    }
}

/// The directory in which one local engine keeps everything. Its path is absolute. Directories in it are 0700, files 0600.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDirectory {
    path: PathBuf,
    /// Where below `logs` the log streams are.
    logs_below: Option<String>,
}

impl DataDirectory {
    /// Takes a path, relative to the working directory or absolute. Makes nothing.
    pub fn new(path: &Path) -> Result<Self, DirectoryError> {
        let absolute =
            std::path::absolute(path).map_err(|cause| DirectoryError::NotAbsolute { path: path.to_owned(), cause })?;
        let directory = Self { path: absolute, logs_below: None };
        for socket in [directory.socket(), directory.agents_socket()] {
            let length = socket.as_os_str().len();
            if length > LONGEST_SOCKET_PATH {
                return Err(DirectoryError::SocketPathTooLong { path: socket, length });
            }
        }
        Ok(directory)
    }

    /// Makes the directory where it is missing, for this user alone (0700).
    pub fn create(&self) -> Result<(), DirectoryError> {
        create_private(&self.path)
    }

    /// Makes all directories of an engine where they are missing, each for this user alone.
    pub fn prepare(&self) -> Result<(), DirectoryError> {
        self.create()?;
        [self.logs(), self.agents(), self.work(), self.usage()]
            .iter()
            .try_for_each(|directory| create_private(directory))
    }

    /// Closes to other users whatever in it is open to them, and names that. What jobs have in their working directories is
    /// theirs. Blocks on the disk.
    pub fn close(&self) -> Vec<PathBuf> {
        let (work, mut left, mut closed) = (self.work(), vec![self.path.clone()], Vec::new());
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                let path = entry.path();
                // One that is gone meanwhile is nobody's; a link is what it leads to.
                let Ok(found) = fs::symlink_metadata(&path) else { continue };
                if found.is_symlink() {
                    continue;
                }
                let mode = found.permissions().mode();
                let of_others = mode & 0o077;
                if of_others != 0 && fs::set_permissions(&path, Permissions::from_mode(mode & 0o700)).is_ok() {
                    closed.push(path.clone());
                }
                if found.is_dir() && path != work {
                    left.push(path);
                }
            }
        }
        closed
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The engine's API (0600).
    pub fn socket(&self) -> PathBuf {
        self.path.join("engine.sock")
    }

    /// Where agents call the engine (0600).
    pub fn agents_socket(&self) -> PathBuf {
        self.path.join("agents.sock")
    }

    /// The key pair of the engine's TCP door (0600), in the form of AWS's credentials file.
    pub fn credentials(&self) -> PathBuf {
        self.path.join("credentials")
    }

    /// `ADDRESS:PORT` of the engine's TCP door, while it is open.
    pub fn http(&self) -> PathBuf {
        self.path.join("http")
    }

    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.db")
    }

    /// Held with `flock` by the engine that runs; contains its process id.
    pub fn lock(&self) -> PathBuf {
        self.path.join("engine.lock")
    }

    /// Log streams, by their names.
    pub fn logs(&self) -> PathBuf {
        let logs = self.path.join("logs");
        self.logs_below.as_ref().map_or(logs.clone(), |below| logs.join(below))
    }

    /// The same directory, with the log streams of another region: those lie below `logs` in a directory of their own.
    #[must_use]
    pub fn with_logs_below(&self, below: Option<String>) -> Self {
        Self { path: self.path.clone(), logs_below: below }
    }

    /// Scratch directories of attempts, by task id.
    pub fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    /// What attempts have used over time, by task id.
    pub fn usage(&self) -> PathBuf {
        self.path.join("usage")
    }

    pub fn agents(&self) -> PathBuf {
        self.path.join("agents")
    }

    /// What an agent itself writes, for the case that it does not get far.
    pub fn agent_log(&self, instance: &InstanceId) -> PathBuf {
        self.agents().join(format!("{instance}.log"))
    }

    /// `PID START`: the agent's process, told apart from a later one with the same number by its start time.
    pub fn agent_process(&self, instance: &InstanceId) -> PathBuf {
        self.agents().join(format!("{instance}.pid"))
    }

    /// How the capacity of environments went, a line a minute of each.
    pub fn capacity(&self) -> PathBuf {
        self.path.join("capacity.jsonl")
    }

    /// What the engine itself has to say.
    pub fn log(&self) -> PathBuf {
        self.path.join("engine.log")
    }

    /// What the demo's jobs read and write.
    pub fn demo(&self) -> PathBuf {
        self.path.join("demo")
    }

    /// What the console keeps over its restarts.
    pub fn console(&self) -> PathBuf {
        self.path.join("console.json")
    }

    /// What was done through the console on AWS, which keeps no such record itself.
    pub fn aws_audit(&self) -> PathBuf {
        self.path.join("aws-audit.jsonl")
    }

    /// What was seen of AWS's jobs that have ended; AWS forgets them.
    pub fn aws_history(&self) -> PathBuf {
        self.path.join("aws-history.db")
    }
}

/// Makes a directory and those above it where they are missing, for this user alone. What is there stays as it is.
pub fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The same; one that was there is closed to others, and refused where it is another user's.
pub fn create_private(path: &Path) -> Result<(), DirectoryError> {
    let failed = |cause| DirectoryError::Create { path: path.to_owned(), cause };
    make_private(path).map_err(failed)?;
    let found = fs::metadata(path).map_err(failed)?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(DirectoryError::NotOurs { path: path.to_owned(), owner: found.uid() });
    }
    if found.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o700))
            .map_err(|cause| DirectoryError::Open { path: path.to_owned(), cause })?;
    }
    Ok(())
}

/// Opens a file for appending that only its owner may read.
pub fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)
}

/// Puts a text in the place of a file's that only its owner may read. Whoever reads meanwhile sees the one or the other.
pub fn replace_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    // One that was left half written.
    match fs::remove_file(&fresh) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(text).and_then(|()| fs::rename(&fresh, path)).inspect_err(|_| drop(fs::remove_file(&fresh)))
}

/// Where data live when nobody says otherwise: `~/.local/share/batchdeck` on Linux.
pub fn default_data_directory() -> Result<PathBuf, DirectoryError> {
    of_project(|project| project.data_local_dir().to_owned())
}

/// Where the config lives when nobody says otherwise: `~/.config/batchdeck/config.toml` on Linux.
pub fn default_config_file() -> Result<PathBuf, DirectoryError> {
    of_project(|project| project.config_dir().join("config.toml"))
}

fn of_project(find: impl Fn(&ProjectDirs) -> PathBuf) -> Result<PathBuf, DirectoryError> {
    let found = ProjectDirs::from("", "", "batchdeck").as_ref().map(find).ok_or(DirectoryError::NoHome)?;
    if found.is_absolute() { Ok(found) } else { Err(DirectoryError::RelativeHome(found)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_too_long_for_a_socket_is_refused_by_name_and_says_what_to_do() {
        let fits = format!("/{}", "d".repeat(LONGEST_SOCKET_PATH - "/".len() - "/engine.sock".len()));
        assert_eq!(DataDirectory::new(Path::new(&fits)).expect("fits").socket().as_os_str().len(), 107);
        let refusal = DataDirectory::new(Path::new(&format!("{fits}d"))).expect_err("one byte too long");
        assert!(refusal.to_string().contains("engine.sock"), "{refusal}");
        assert!(refusal.hint().contains("--data-dir"));
    }

    #[test]
    fn a_directory_that_others_could_read_is_closed_to_them() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let path = parent.path().join("deep/data");
        fs::create_dir_all(&path).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("opened");
        let directory = DataDirectory::new(&path).expect("short");
        directory.prepare().expect("closed");
        for path in [path, directory.logs(), directory.agents(), directory.work(), directory.usage()] {
            let mode = fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", path.display());
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o7777
    }

    #[test]
    fn whatever_lies_open_in_it_is_closed_and_named_and_jobs_files_stay_as_they_made_them() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::new(&parent.path().join("data")).expect("short");
        directory.prepare().expect("made");
        let elsewhere = parent.path().join("elsewhere");
        let deep = directory.logs().join("shell/default");
        fs::create_dir_all(&deep).expect("made");
        fs::create_dir(directory.work().join("task")).expect("made");
        let files = [directory.journal(), deep.join("s.log"), elsewhere.clone(), directory.work().join("task/run.sh")];
        for file in &files {
            fs::write(file, "x").expect("written");
            fs::set_permissions(file, Permissions::from_mode(0o755)).expect("opened");
        }
        fs::set_permissions(&deep, Permissions::from_mode(0o777)).expect("opened");
        std::os::unix::fs::symlink(&elsewhere, directory.path().join("link")).expect("linked");
        let closed = directory.close();
        for path in [directory.journal(), deep.clone(), deep.join("s.log")] {
            assert_eq!(mode(&path), 0o700, "{}", path.display());
            assert!(closed.contains(&path), "{closed:?}");
        }
        assert_eq!(mode(&elsewhere), 0o755, "a link is not followed");
        assert_eq!(mode(&directory.work().join("task/run.sh")), 0o755);
        assert_eq!(directory.close(), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_file_is_replaced_whole_and_is_for_its_owner_whoever_left_what_before() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let (path, fresh) = (parent.path().join("a.cursor"), parent.path().join("a.cursor.new"));
        for left in [&path, &fresh] {
            fs::write(left, "old").expect("written");
            fs::set_permissions(left, Permissions::from_mode(0o666)).expect("opened");
        }
        replace_private(&path, b"7").expect("replaced");
        assert_eq!(
            (fs::read(&path).expect("there").as_slice(), mode(&path), fresh.exists()),
            (&b"7"[..], 0o600, false)
        );
        // What is in the way is told, and leaves nothing.
        let taken = parent.path().join("taken");
        fs::create_dir(&taken).expect("made");
        assert!(replace_private(&taken, b"7").is_err() && !parent.path().join("taken.new").exists());
    }

    #[test]
    fn what_cannot_be_written_is_mended_where_it_fails() {
        let cases = [
            (28, Some(Lack::Room), "make room"),
            (122, Some(Lack::Quota), "quota raised"),
            (30, None, "remount,rw"),
            (13, None, "of your own"),
            (5, None, "check its disk"),
        ];
        for (number, lack, says) in cases {
            let cause = io::Error::from_raw_os_error(number);
            assert_eq!(Lack::of(&cause), lack, "{cause}");
            assert!(mend(&cause).contains(says) && mend(&cause).contains("--data-dir"), "{cause}: {}", mend(&cause));
        }
    }

    #[test]
    fn a_relative_path_becomes_absolute() {
        let directory = DataDirectory::new(Path::new("some/where")).expect("short");
        assert!(directory.path().is_absolute());
        assert!(directory.path().ends_with("some/where"));
    }
}
