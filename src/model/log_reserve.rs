//! The part of a disk that log streams leave to others: the engine's journal lies beside them, and a job that prints
//! without end must not take the room in which the engine notes what it is asked.

use serde::{Deserialize, Serialize};
use std::fmt;

/// `[engine] log-reserve-mib`: so much of the disk stays free of log lines, and never more than a quarter of all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogReserve {
    mib: u32,
}

/// The room of a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DiskRoom {
    /// What this user may take.
    pub free: u64,
    pub total: u64,
}

impl DiskRoom {
    /// Of blocks of so many bytes.
    pub fn of_blocks(free: u64, total: u64, bytes: u64) -> Self {
        Self { free: free.saturating_mul(bytes), total: total.saturating_mul(bytes) }
    }
}

/// What of a log may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogRoom {
    #[default]
    Lines,
    /// No lines, but a word that they are missing.
    Marks,
    /// Not even that: many small jobs would take the rest with marks alone.
    Nothing,
}

impl LogReserve {
    pub const DEFAULT_MIB: u32 = 256;

    /// Of 0, nothing is left free.
    pub const fn of_mib(mib: u32) -> Self {
        Self { mib }
    }

    pub const fn mib(self) -> u32 {
        self.mib
    }

    /// How many bytes of a disk of this size it is.
    pub fn of_disk(self, total: u64) -> u64 {
        (u64::from(self.mib) << 20).min(total / 4)
    }

    /// How many bytes have to be free before lines are written, as things stand. Lines that are dropped go on being
    /// dropped until there is an eighth more, so that a log is not cut anew after each few lines.
    pub fn wanted(self, total: u64, before: LogRoom) -> u64 {
        let reserve = self.of_disk(total);
        if before == LogRoom::Lines { reserve } else { reserve + reserve / 8 }
    }

    /// What may be written to a disk, where that was `before`.
    pub fn room(self, disk: DiskRoom, before: LogRoom) -> LogRoom {
        if disk.free >= self.wanted(disk.total, before) {
            LogRoom::Lines
        } else if disk.free >= self.of_disk(disk.total) / 2 {
            LogRoom::Marks
        } else {
            LogRoom::Nothing
        }
    }
}

impl Default for LogReserve {
    fn default() -> Self {
        Self::of_mib(Self::DEFAULT_MIB)
    }
}

/// A number of bytes as a person reads it: `41 bytes`, `5.2 MiB`, `256 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
        if self.0 < 1024 {
            return write!(f, "{} byte{}", self.0, if self.0 == 1 { "" } else { "s" });
        }
        // In tenths, cut off rather than rounded: no room is told that is not there.
        let (mut unit, mut tenths) = (0, self.0.saturating_mul(10) / 1024);
        while tenths >= 10_240 && unit + 1 < UNITS.len() {
            (unit, tenths) = (unit + 1, tenths / 1024);
        }
        match (tenths / 10, tenths % 10) {
            (whole, tenth @ 1..) if whole < 100 => write!(f, "{whole}.{tenth} {}", UNITS[unit]),
            (whole, _) => write!(f, "{whole} {}", UNITS[unit]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn lines_are_written_down_to_the_reserve_and_again_once_there_is_an_eighth_more() {
        use LogRoom::{Lines, Marks, Nothing};
        // (MiB of the reserve, free, of all, before, now)
        let table = [
            (256, 256, 100_000, Lines, Lines),
            (256, 255, 100_000, Lines, Marks),
            (256, 128, 100_000, Lines, Marks),
            (256, 127, 100_000, Lines, Nothing),
            (256, 0, 100_000, Marks, Nothing),
            (256, 200, 100_000, Nothing, Marks),
            (256, 256, 100_000, Marks, Marks),
            (256, 287, 100_000, Nothing, Marks),
            (256, 288, 100_000, Marks, Lines),
            (256, 288, 100_000, Nothing, Lines),
            // Never more than a quarter of a small disk.
            (256, 6, 24, Lines, Lines),
            (256, 5, 24, Lines, Marks),
            (4, 5, 24, Lines, Lines),
            (4, 3, 24, Lines, Marks),
            // No reserve, and a disk that does not say how large it is.
            (0, 0, 100_000, Nothing, Lines),
            (256, 0, 0, Marks, Lines),
        ];
        for (mib, free, total, before, now) in table {
            let disk = DiskRoom { free: free * MIB, total: total * MIB };
            assert_eq!(LogReserve::of_mib(mib).room(disk, before), now, "{mib} of {free}/{total}, {before:?}");
        }
    }

    #[test]
    fn bytes_are_told_as_a_person_reads_them_and_never_as_more_than_they_are() {
        let table = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (MIB - 1, "1023 KiB"),
            (256 * MIB, "256 MiB"),
            (256 * MIB - 1, "255 MiB"),
            (53 * MIB + 420 * 1024, "53.4 MiB"),
            (252 << 30, "252 GiB"),
            (u64::MAX, "1677721 TiB"),
        ];
        for (bytes, told) in table {
            assert_eq!(Bytes(bytes).to_string(), told, "{bytes}");
        }
    }
}
