//! Tells consoles, and whoever asks for the engine's state, when the disk of the logs has no room for lines: agents drop
//! what jobs print then, and each log says it in its own place.

use super::clock;
use super::feed::Feed;
use crate::model::{Bytes, DiskRoom, LogDisk, LogReserve, LogRoom, What};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How the disk of the logs was when it was looked at last.
#[derive(Debug, Clone)]
pub(super) struct LogDisks {
    logs: PathBuf,
    kept: LogReserve,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    disk: Option<DiskRoom>,
    room: LogRoom,
    /// So many consoles have been told.
    told: u32,
}

impl LogDisks {
    pub(super) fn new(logs: PathBuf, kept: LogReserve) -> Self {
        Self { logs, kept, known: Arc::default() }
    }

    /// Looks for as long as the engine runs.
    pub(super) async fn keep(self, feed: Feed) {
        loop {
            let logs = self.logs.clone();
            // A disk that hangs holds up nobody else.
            let disk = tokio::task::spawn_blocking(move || room_of(&logs)).await.ok().flatten();
            if let Some(notice) = self.note(disk, feed.consoles()) {
                feed.publish(clock::wall(), [What::Notice(notice)]);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Takes note of a look, and answers what consoles, of which there are so many, are told of it.
    fn note(&self, disk: Option<DiskRoom>, consoles: u32) -> Option<String> {
        let mut known = self.known();
        let before = known.room;
        known.disk = disk;
        known.room = disk.map_or(LogRoom::Lines, |disk| self.kept.room(disk, before));
        let has_come = consoles > known.told;
        known.told = consoles;
        match (before == LogRoom::Lines, self.lack(&known)) {
            (true, None) => None,
            (false, None) => {
                let over = "there is room for logs again: what jobs print is written";
                tracing::info!("{over}");
                Some(over.to_owned())
            }
            (true, Some(lack)) => {
                tracing::warn!("{lack}");
                Some(lack)
            }
            // Those that have come since are told too.
            (false, lack) => lack.filter(|_| has_come),
        }
    }

    /// What was lacking when it was looked last, as long as something is.
    pub(super) fn notice(&self) -> Option<String> {
        self.lack(&self.known())
    }

    /// What is lacking now. Blocks on the disk.
    pub(super) fn lack_now(&self) -> Option<String> {
        let disk = room_of(&self.logs);
        let room = disk.map_or(LogRoom::Lines, |disk| self.kept.room(disk, self.known().room));
        self.lack(&Known { disk, room, told: 0 })
    }

    pub(super) fn told(&self) -> Option<LogDisk> {
        let known = self.known();
        let disk = known.disk?;
        let drops = known.room != LogRoom::Lines;
        Some(LogDisk { disk, kept: self.kept.of_disk(disk.total), wanted: self.wanted(&known, disk), drops })
    }

    fn wanted(&self, known: &Known, disk: DiskRoom) -> u64 {
        self.kept.wanted(disk.total, known.room)
    }

    fn lack(&self, known: &Known) -> Option<String> {
        let disk = known.disk.filter(|_| known.room != LogRoom::Lines)?;
        let (logs, free, wanted) = (self.logs.display(), Bytes(disk.free), Bytes(self.wanted(known, disk)));
        Some(format!(
            "the disk of {logs} has {free} left: what jobs print is dropped until there are {wanted} (log-reserve-mib). Make \
             room"
        ))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn room_of(path: &Path) -> Option<DiskRoom> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(DiskRoom::of_blocks(disk.f_bavail, disk.f_blocks, disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consoles_are_told_once_when_lines_are_dropped_and_once_when_they_are_written_again() {
        let disks = LogDisks::new(PathBuf::from("/d/logs"), LogReserve::default());
        let of = |mib: u64| Some(DiskRoom { free: mib << 20, total: 1 << 40 });
        assert_eq!(disks.note(of(300), 1), None);
        assert_eq!(disks.notice(), None);
        let lack = |mib: u64| {
            format!(
                "the disk of /d/logs has {mib} MiB left: what jobs print is dropped until there are 288 MiB \
                 (log-reserve-mib). Make room"
            )
        };
        assert_eq!(disks.note(of(200), 1), Some(lack(200)));
        assert_eq!(disks.note(of(190), 1), None);
        assert_eq!(disks.notice(), Some(lack(190)));
        assert_eq!(disks.note(of(190), 2), Some(lack(190)), "another console has come");
        assert_eq!(disks.note(of(100), 1), None);
        assert!(disks.told().is_some_and(|told| told.drops && told.kept == 256 << 20 && told.wanted == 288 << 20));
        assert_eq!(disks.note(of(270), 1), None);
        assert!(disks.note(of(290), 1).is_some_and(|told| told.starts_with("there is room")));
        assert_eq!(disks.note(None, 1), None);
        assert_eq!((disks.notice(), disks.told()), (None, None));
    }
}
