//! What an agent's log streams leave free of their disk.
//!
//! All streams of an agent share one look at the disk: after so many bytes of them together, or so long. So a job that
//! prints little costs no look of its own, and one that floods writes at most a step past the reserve.

use crate::model::{Bytes, DiskRoom, LogReserve, LogRoom};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The disk is looked at after so many bytes,
const STEP: u64 = 1 << 20;
/// and where something is written so long after the look before.
const EVERY: Duration = Duration::from_secs(1);

/// Tells how much room a disk has; `None` where nobody can tell.
type Look = Box<dyn Fn() -> Option<DiskRoom> + Send + Sync>;

pub(super) struct Reserve {
    kept: LogReserve,
    look: Look,
    every: Duration,
    known: Mutex<Known>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    room: LogRoom,
    disk: DiskRoom,
    looked: Option<Instant>,
    /// Written since then.
    written: u64,
}

impl Reserve {
    /// Of the disk on which `logs` lies.
    pub(super) fn new(kept: LogReserve, logs: PathBuf) -> Self {
        Self::with(kept, EVERY, Box::new(move || room_of(&logs)))
    }

    pub(super) fn with(kept: LogReserve, every: Duration, look: Look) -> Self {
        Self { kept, look, every, known: Mutex::default() }
    }

    /// What of so many bytes may be written now, by somebody who then writes them.
    pub(super) fn room_for(&self, bytes: u64) -> LogRoom {
        if self.kept.mib() == 0 {
            return LogRoom::Lines;
        }
        // Nothing is left half done where it is held.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.room == LogRoom::Lines {
            known.written += bytes;
        }
        if known.written >= STEP || known.looked.is_none_or(|looked| looked.elapsed() >= self.every) {
            let before = known.room;
            let disk = (self.look)();
            let room = disk.map_or(LogRoom::Lines, |disk| self.kept.room(disk, before));
            *known = Known { room, disk: disk.unwrap_or_default(), looked: Some(Instant::now()), written: 0 };
            match (before, room) {
                (LogRoom::Lines, LogRoom::Lines) => {}
                (LogRoom::Lines, _) => tracing::warn!("{}; lines of logs are dropped", self.told(known.disk)),
                (_, LogRoom::Lines) => tracing::info!("there is room for logs again"),
                _ => {}
            }
        }
        known.room
    }

    /// The words for a log that is cut.
    pub(super) fn cut(&self) -> String {
        let disk = self.known.lock().unwrap_or_else(PoisonError::into_inner).disk;
        format!("the log is cut here: {}; lines are dropped until there is room", self.told(disk))
    }

    fn told(&self, disk: DiskRoom) -> String {
        let kept = Bytes(self.kept.of_disk(disk.total));
        format!("its disk has {} left, and {kept} are kept free (log-reserve-mib)", Bytes(disk.free))
    }
}

impl fmt::Debug for Reserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve").field("kept", &self.kept).field("known", &self.known).finish_non_exhaustive()
    }
}

/// A quota shows in no figure of a disk: where one is used up, writing tells.
fn room_of(path: &Path) -> Option<DiskRoom> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(DiskRoom::of_blocks(disk.f_bavail, disk.f_blocks, disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    #[test]
    fn the_disk_is_looked_at_once_and_then_after_so_many_bytes_of_all_streams() {
        let (free, looks) = (Arc::new(AtomicU64::new(1 << 30)), Arc::new(AtomicU64::new(0)));
        let (told, counted) = (Arc::clone(&free), Arc::clone(&looks));
        let look = move || {
            counted.fetch_add(1, Relaxed);
            Some(DiskRoom { free: told.load(Relaxed), total: 1 << 40 })
        };
        let reserve = Reserve::with(LogReserve::default(), Duration::MAX, Box::new(look));
        let room_for = |bytes| (reserve.room_for(bytes), looks.load(Relaxed));
        assert_eq!(room_for(10), (LogRoom::Lines, 1));
        free.store(200 << 20, Relaxed);
        for _ in 0..8 {
            assert_eq!(room_for(STEP / 8 - 1), (LogRoom::Lines, 1));
        }
        assert_eq!(room_for(8), (LogRoom::Marks, 2));
        assert_eq!(
            reserve.cut(),
            "the log is cut here: its disk has 200 MiB left, and 256 MiB are kept free (log-reserve-mib); lines are \
             dropped until there is room"
        );
    }

    #[test]
    fn a_disk_that_nobody_can_tell_of_is_written_to() {
        let nowhere = Reserve::new(LogReserve::default(), PathBuf::from("/nonexistent/logs"));
        assert_eq!(nowhere.room_for(1 << 30), LogRoom::Lines);
        assert!(room_of(Path::new("/")).is_some_and(|disk| disk.total > 0));
    }
}
