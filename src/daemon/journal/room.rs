//! Whether there is room for a journal where it lies.

use super::beside;
use crate::config::directories::Lack;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A journal goes on where there are so many bytes.
const ROOM: usize = 1 << 20;

/// Whether the disk of this file shows room for some batches, or nobody can tell.
pub(super) fn is_shown(path: &Path) -> bool {
    let free = rustix::fs::statvfs(path.parent().unwrap_or(path));
    free.map_or(true, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= ROOM as u64)
}

/// What is lacking beside this file for some batches. `None` as well where nobody can tell.
pub(super) fn lack(path: &Path) -> Option<Lack> {
    // What little is left is left to others.
    if !is_shown(path) {
        return Some(Lack::Room);
    }
    // A quota shows in no figure of the disk.
    try_out(path).err().as_ref().and_then(Lack::of)
}

/// Writes so much to a file without a name, which goes with it. Some file systems tell only at the end.
fn try_out(path: &Path) -> io::Result<()> {
    let trial = beside(path, "-room");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&trial)?;
    fs::remove_file(&trial)?;
    let block = [0x5a; 1 << 14];
    for _ in 0..ROOM / block.len() {
        file.write_all(&block)?;
    }
    file.sync_all()
}
