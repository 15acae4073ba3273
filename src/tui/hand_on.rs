//! A log written out: to a file of the person's, or to one of ours that a program is given.

use super::log_reading::{ReadLog, each_page};
use super::requests::HandTo;
use crate::backend::{Backend, BackendError};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// So many pages are read of a service that counts calls.
const MOST_PAGES: usize = 300;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub file: PathBuf,
    pub lines: u64,
    /// It is all that there was.
    pub is_whole: bool,
}

/// Why it was not written.
#[derive(Debug, thiserror::Error)]
pub enum HandError {
    #[error("{0} is there already; give another name")]
    Exists(PathBuf),
    #[error("{file} cannot be written: {cause}")]
    Write { file: PathBuf, cause: io::Error },
    #[error("the log cannot be read: {0}")]
    Read(#[from] BackendError),
}

/// Reads a log from its first line on and writes it.
pub async fn write(backend: &dyn Backend, read: ReadLog, to: &HandTo) -> Result<Written, HandError> {
    let (file, out) = match to {
        HandTo::File(path) => {
            let path = at_home(path, std::env::home_dir().as_deref());
            let out = create(&path, 0o666);
            (std::path::absolute(&path).unwrap_or(path), out)
        }
        HandTo::Command(_) | HandTo::Program(_) => {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("batchdeck-{}-{number}.log", std::process::id()));
            let out = create(&path, 0o600);
            (path, out)
        }
    };
    let mut out = out?;
    let failed = |cause| HandError::Write { file: file.clone(), cause };
    let most = if backend.capabilities().pushes_changes { usize::MAX } else { MOST_PAGES };
    let (mut lines, mut broken) = (0, None);
    let is_whole = each_page(backend, read, most, |part| {
        lines += part.len() as u64;
        for line in part {
            let label = line.label.as_ref().map(|label| format!("{} ", label.text)).unwrap_or_default();
            if let Err(cause) = writeln!(out, "{label}{}", line.text) {
                broken = Some(cause);
                return false;
            }
        }
        true
    })
    .await;
    let is_whole = match (is_whole, broken.map_or_else(|| out.flush(), Err)) {
        (Ok(is_whole), Ok(())) => is_whole,
        (told, written) => {
            // Half a file would pass for a whole one.
            let _ = fs::remove_file(&file);
            written.map_err(failed)?;
            told?
        }
    };
    Ok(Written { file, lines, is_whole })
}

fn create(path: &Path, mode: u32) -> Result<BufWriter<File>, HandError> {
    match OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
        Ok(file) => Ok(BufWriter::new(file)),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Err(HandError::Exists(path.to_owned())),
        Err(cause) => Err(HandError::Write { file: path.to_owned(), cause }),
    }
}

/// A path as a person types it.
fn at_home(typed: &str, home: Option<&Path>) -> PathBuf {
    match (typed.trim().strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(typed.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::{ScriptedBackend, World};
    use crate::model::{LogEvent, LogPattern};
    use crate::tui::log_reading::{Reading, Source};
    use futures::FutureExt;

    fn written(to: &HandTo, keep: Option<&str>) -> Result<Written, HandError> {
        let event = |at| LogEvent { message: format!("line {at} \u{1b}[31mred"), ..LogEvent::default() };
        let logs = [("s".to_owned(), (0..25_000).map(event).collect())].into();
        let backend = ScriptedBackend::new(World { logs, ..World::default() });
        let keep = keep.map(|typed| LogPattern::parse(typed).expect("sound").expect("a pattern"));
        let sources = vec![Source { stream: "s".into(), ..Source::default() }];
        let read = ReadLog { sources, between: (0, 0), keep, since: None, what: Reading::Head };
        write(&backend, read, to).now_or_never().expect("at once")
    }

    #[test]
    fn all_of_a_log_is_saved_or_what_a_filter_keeps_and_no_file_is_written_over() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out.log");
        let to = HandTo::File(path.display().to_string());
        let told = written(&to, None).expect("saved");
        assert_eq!((told.lines, told.is_whole), (25_000, true));
        let text = fs::read_to_string(&path).expect("it is there");
        assert!(text.starts_with("line 0 red\nline 1 red\n") && text.ends_with("line 24999 red\n"));
        assert!(matches!(written(&to, None), Err(HandError::Exists(_))));
        let other = HandTo::File(directory.path().join("kept.log").display().to_string());
        assert_eq!(written(&other, Some("/ 1?000 ")).expect("saved").lines, 1);
        let nowhere = HandTo::File(directory.path().join("no/such/place").display().to_string());
        assert!(matches!(written(&nowhere, None), Err(HandError::Write { .. })));
    }

    #[test]
    fn a_path_may_begin_at_home() {
        assert_eq!(at_home("~/a.log", Some(Path::new("/home/me"))), Path::new("/home/me/a.log"));
        assert_eq!(at_home(" a.log", None), Path::new("a.log"));
    }
}
