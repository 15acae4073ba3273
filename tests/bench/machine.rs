//! The machine, and what it can do at best.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Processor, memory, kernel and file system, in one line.
pub fn name(directory: &Path) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let model = field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "an unknown processor".to_owned());
    let kib: u64 = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "batchdeck {} on {cores} × {model}, {} GiB, Linux {}, {} in {}",
        env!("CARGO_PKG_VERSION"),
        kib.div_ceil(1024 * 1024),
        kernel.trim(),
        file_system(directory),
        directory.display()
    )
}

fn file_system(directory: &Path) -> String {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let under = mounts.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (at, kind) = (words.next()?, words.next()?);
        directory.starts_with(at).then(|| (at.len(), kind.to_owned()))
    });
    under.max().map_or_else(|| "an unknown file system".to_owned(), |(_, kind)| kind)
}

/// A file that small appends go to, each synced to the disk.
pub struct Appended(File);

impl Appended {
    pub fn in_directory(directory: &Path) -> io::Result<Self> {
        let path = directory.join("append-and-sync");
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    /// About what one submitted job writes.
    pub fn append(&mut self) -> io::Result<()> {
        self.0.write_all(&[b'x'; 600])?;
        self.0.sync_data()
    }
}

/// How many `/bin/true` a second a bare loop starts and awaits, two at a time. It makes no files: a file system may be slow to
/// make some where others were removed lately, and a run would be measured by what was removed before it.
pub fn spawns(count: usize) -> io::Result<f64> {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let spawn = || -> io::Result<()> {
        loop {
            if next.fetch_add(1, Ordering::Relaxed) >= count {
                return Ok(());
            }
            Command::new("/bin/true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(spawn);
        spawn()?;
        other.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the bare loop panicked")))
    })?;
    Ok(rate(count, start.elapsed()))
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
pub fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
