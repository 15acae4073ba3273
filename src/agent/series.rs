//! What an attempt has used over its time: a small file in `usage`, named by its task, that outlives agent and engine.
//! A long run is told in longer steps, so that it never takes more than a few kilobytes.

use crate::model::{Counted, Millis};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Moments that are kept; with one more, every second one goes.
const MOST: usize = 360;
/// Between two moments at first. What ends within it leaves no file: short jobs cost nothing here.
const STEP: Millis = 2_000;

/// Of one attempt that runs.
#[derive(Debug)]
pub(super) struct Series {
    path: PathBuf,
    step: Millis,
    kept: Vec<Counted>,
    /// The most since the last moment that is kept.
    memory_mib: f64,
    /// What containers of the same task had used that were over before.
    cpu_before: f64,
    is_written: bool,
    /// Nothing more is written: it could not be.
    is_broken: bool,
}

impl Series {
    pub(super) fn begin(path: PathBuf, at: Millis) -> Self {
        let kept = vec![Counted { at, ..Counted::default() }];
        Self { path, step: STEP, kept, memory_mib: 0.0, cpu_before: 0.0, is_written: false, is_broken: false }
    }

    /// What it has used in all, and what it has of memory now.
    pub(super) fn note(&mut self, at: Millis, cpu_seconds: f64, memory_mib: f64) {
        self.memory_mib = self.memory_mib.max(memory_mib);
        if self.kept.last().is_some_and(|last| at - last.at >= self.step) {
            let memory_mib = std::mem::take(&mut self.memory_mib);
            self.put(Counted { at, cpu_seconds: cpu_seconds + self.cpu_before, memory_mib }, true);
        }
    }

    /// It is over. A peak that no sample has met came after the last of them.
    pub(super) fn end(&mut self, at: Millis, cpu_seconds: f64, peak_memory_mib: f64) {
        let (Some(first), Some(last)) = (self.kept.first(), self.kept.last().copied()) else { return };
        if !self.is_written && at - first.at < STEP {
            return;
        }
        let most = self.kept.iter().map(|counted| counted.memory_mib).fold(0.0, f64::max);
        let mut memory_mib = if self.memory_mib > 0.0 { self.memory_mib } else { last.memory_mib };
        if peak_memory_mib > most {
            memory_mib = peak_memory_mib;
        }
        // Over a moment that is too short, a tick of the processor's clock would be more cores than there are.
        let is_short = self.kept.len() > 1 && at - last.at < self.step / 2;
        if is_short {
            self.kept.pop();
            memory_mib = memory_mib.max(last.memory_mib);
        }
        let cpu_seconds = (cpu_seconds + self.cpu_before).max(last.cpu_seconds);
        self.put(Counted { at: at.max(last.at), cpu_seconds, memory_mib }, !is_short);
    }

    /// `is_next`: the file has all that came before.
    fn put(&mut self, counted: Counted, is_next: bool) {
        self.kept.push(counted);
        if self.is_broken {
            return;
        }
        let written = if is_next && self.is_written && self.kept.len() <= MOST {
            append(&self.path, counted.to_string().as_bytes())
        } else {
            self.go_on_from_before();
            self.thin();
            replace(&self.path, &self.kept)
        };
        self.is_written = true;
        if let Err(error) = written {
            tracing::warn!(path = %self.path.display(), %error, "what a job uses over time is not kept");
            self.is_broken = true;
        }
    }

    /// Containers of one task may come one after the other: a later one goes on where the one before it has ended.
    fn go_on_from_before(&mut self) {
        if self.is_written {
            return;
        }
        let mut all = Counted::read(&std::fs::read_to_string(&self.path).unwrap_or_default());
        self.cpu_before = all.last().map_or(0.0, |last| last.cpu_seconds);
        let before = self.cpu_before;
        all.extend(self.kept.iter().map(|own| Counted { cpu_seconds: own.cpu_seconds + before, ..*own }));
        self.kept = all;
    }

    fn thin(&mut self) {
        while self.kept.len() > MOST {
            self.step *= 2;
            let mut kept = vec![self.kept[0]];
            kept.extend(self.kept[1..].chunks(2).map(|pair| {
                let memory_mib = pair.iter().map(|one| one.memory_mib).fold(0.0, f64::max);
                Counted { memory_mib, ..pair[pair.len() - 1] }
            }));
            self.kept = kept;
        }
    }
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)?.write_all(bytes)
}

/// Whoever reads meanwhile sees the one or the other.
fn replace(path: &Path, kept: &[Counted]) -> io::Result<()> {
    let (text, fresh) = (kept.iter().map(ToString::to_string).collect::<String>(), path.with_extension("new"));
    let write = || {
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())
    };
    match (write(), path.parent()) {
        (Err(error), Some(directory)) if error.kind() == ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            write()?;
        }
        (written, _) => written?,
    }
    std::fs::rename(fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> Vec<Counted> {
        Counted::read(&std::fs::read_to_string(path).unwrap_or_default())
    }

    #[test]
    fn a_day_takes_no_more_than_a_few_kilobytes_and_loses_neither_its_sum_nor_its_peak() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("usage/task");
        let mut series = Series::begin(path.clone(), 0);
        let day: Millis = 86_400_000;
        for at in (1..=day / 2_000).map(|step| step * 2_000) {
            let memory = if at == 40_000_000 { 900.0 } else { 100.0 };
            series.note(at, f64::from(u32::try_from(at / 1_000).expect("small")), memory);
        }
        series.end(day + 1, 86_400.01, 900.0);
        let kept = read(&path);
        assert!((MOST / 2..=MOST + 1).contains(&kept.len()), "{}", kept.len());
        assert!(std::fs::metadata(&path).expect("it is there").len() < 16_384);
        assert_eq!((kept[0].at, kept[kept.len() - 1].at), (0, day + 1));
        assert!((kept[kept.len() - 1].cpu_seconds - 86_400.0).abs() < 0.02);
        let samples = Counted::samples(&kept);
        assert!(samples.iter().all(|sample| sample.cpu < 1.01), "one core all day");
        assert_eq!(samples.iter().filter(|sample| sample.memory_mib > 800.0).count(), 1, "the peak is one of them");
    }

    #[test]
    fn what_is_over_at_once_leaves_nothing_and_a_late_peak_is_kept() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("usage/task");
        let mut short = Series::begin(path.clone(), 0);
        short.note(500, 0.5, 10.0);
        short.end(1_900, 1.9, 10.0);
        assert!(!path.exists());
        let mut longer = Series::begin(path.clone(), 0);
        longer.note(2_000, 2.0, 10.0);
        longer.end(2_005, 2.02, 700.0);
        assert_eq!(read(&path)[1..], [Counted { at: 2_005, cpu_seconds: 2.02, memory_mib: 700.0 }]);
        let mut long = Series::begin(path.with_file_name("other"), 0);
        long.note(2_000, 2.0, 10.0);
        long.end(3_500, 2.5, 700.0);
        let memory: Vec<f64> = read(&long.path).iter().map(|counted| counted.memory_mib).collect();
        assert_eq!(memory, [0.0, 10.0, 700.0]);
    }

    #[test]
    fn a_container_after_another_goes_on_where_that_has_ended() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("usage/task");
        for begin in [0, 10_000] {
            let mut series = Series::begin(path.clone(), begin);
            series.note(begin + 2_000, 2.0, 10.0);
            series.note(begin + 4_000, 4.0, 10.0);
            series.end(begin + 4_000, 4.0, 10.0);
        }
        let kept: Vec<(Millis, f64)> = read(&path).iter().map(|one| (one.at, one.cpu_seconds)).collect();
        let expected = [(0, 0.0), (2_000, 2.0), (4_000, 4.0), (10_000, 4.0), (12_000, 6.0), (14_000, 8.0)];
        assert_eq!(kept, expected);
    }

    #[test]
    fn where_nothing_can_be_written_the_job_goes_on() {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::write(home.path().join("usage"), "in the way").expect("written");
        let mut series = Series::begin(home.path().join("usage/task"), 0);
        series.note(2_000, 1.0, 1.0);
        series.note(4_000, 1.0, 1.0);
        assert!(series.is_broken);
    }
}
