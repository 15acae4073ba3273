//! What the console keeps over its restarts: lines that were typed, saved views, bookmarks, templates, watches where no engine keeps them, and where one was. One small
//! JSON file in the data directory, which several consoles share.

use crate::model::SubmitJobRequest;
use crate::model::watch::{WATCHES_KEPT, Watch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const LINES_KEPT: usize = 200;
const VIEWS_KEPT: usize = 200;
const BOOKMARKS_KEPT: usize = 50;
const TEMPLATES_KEPT: usize = 200;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Kept {
    /// Lines of the palette, the last one last.
    pub history: Vec<String>,
    /// Lines that lead to a view, by the names that they were saved under.
    pub views: BTreeMap<String, String>,
    pub bookmarks: Vec<Bookmark>,
    /// Forms for a job, by the names that they were saved under.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<String, SubmitJobRequest>,
    /// Watches that no engine keeps, by context.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub watches: BTreeMap<String, Vec<Watch>>,
    /// Where the last console was when it ended, by context.
    pub left: BTreeMap<String, Vec<Stop>>,
}

/// One view on the way to where one is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stop {
    /// The line that leads there.
    pub line: String,
    /// What the cursor is on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    pub title: String,
    pub trail: Vec<Stop>,
}

/// One thing to keep, or to forget.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    Ran(String),
    Save {
        name: String,
        line: String,
    },
    Forget {
        name: String,
    },
    Template {
        name: String,
        request: Box<SubmitJobRequest>,
    },
    ForgetTemplate {
        name: String,
    },
    /// Makes a watch of a context, or takes the place of the one of its id.
    Watch {
        context: String,
        watch: Box<Watch>,
    },
    ForgetWatch {
        context: String,
        id: String,
    },
    /// Sets a bookmark, or takes it away where it is set.
    Bookmark(Bookmark),
    Left {
        context: String,
        trail: Vec<Stop>,
    },
}

/// Why it cannot be kept. What is there is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error("{} cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("{} is not what the console keeps: {cause}; move it away to begin anew", path.display())]
    Malformed { path: PathBuf, cause: serde_json::Error },
    #[error("{} cannot be written: {cause}", path.display())]
    Unwritable { path: PathBuf, cause: io::Error },
}

impl Kept {
    /// Reads the file; one that is not there yet is empty.
    pub fn read(path: &Path) -> Result<Self, KeptError> {
        match fs::read_to_string(path) {
            Ok(text) => {
                serde_json::from_str(&text).map_err(|cause| KeptError::Malformed { path: path.to_owned(), cause })
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(KeptError::Unreadable { path: path.to_owned(), cause }),
        }
    }

    /// Adds to the file, over what other consoles have kept in it meanwhile.
    pub fn keep(path: &Path, note: Note) -> Result<(), KeptError> {
        let failed = |cause| KeptError::Unwritable { path: path.to_owned(), cause };
        if let Some(directory) = path.parent() {
            super::directories::create_private(directory).map_err(|error| failed(io::Error::other(error)))?;
        }
        let private = |path: &Path| File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
        let lock = private(&path.with_extension("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut kept = Self::read(path)?;
        kept.note(note);
        let text = serde_json::to_vec_pretty(&kept).map_err(|cause| failed(cause.into()))?;
        let new = path.with_extension("new");
        let mut file = private(&new).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&new, path).map_err(failed)
    }

    /// Takes note, within bounds.
    pub fn note(&mut self, note: Note) {
        match note {
            Note::Ran(line) => {
                self.history.retain(|known| *known != line);
                self.history.push(line);
                let over = self.history.len().saturating_sub(LINES_KEPT);
                self.history.drain(..over);
            }
            Note::Save { name, line } => {
                if self.views.len() < VIEWS_KEPT || self.views.contains_key(&name) {
                    self.views.insert(name, line);
                }
            }
            Note::Forget { name } => {
                self.views.remove(&name);
            }
            Note::Template { name, request } => {
                if self.templates.len() < TEMPLATES_KEPT || self.templates.contains_key(&name) {
                    self.templates.insert(name, *request);
                }
            }
            Note::ForgetTemplate { name } => {
                self.templates.remove(&name);
            }
            Note::Watch { context, watch } => {
                let watches = self.watches.entry(context).or_default();
                match watches.iter().position(|known| known.id == watch.id) {
                    Some(at) => watches[at] = *watch,
                    None if watches.len() < WATCHES_KEPT => watches.push(*watch),
                    None => {}
                }
            }
            Note::ForgetWatch { context, id } => {
                if let Some(watches) = self.watches.get_mut(&context) {
                    watches.retain(|known| known.id != id);
                }
            }
            Note::Bookmark(bookmark) => {
                let before = self.bookmarks.len();
                self.bookmarks.retain(|known| !known.is_of(&bookmark.trail));
                if self.bookmarks.len() == before {
                    self.bookmarks.push(bookmark);
                    let over = self.bookmarks.len().saturating_sub(BOOKMARKS_KEPT);
                    self.bookmarks.drain(..over);
                }
            }
            Note::Left { context, trail } => {
                self.left.insert(context, trail);
            }
        }
    }
}

impl Bookmark {
    /// Whether it is of the same views, wherever the cursors are.
    pub fn is_of(&self, trail: &[Stop]) -> bool {
        self.trail.iter().map(|stop| &stop.line).eq(trail.iter().map(|stop| &stop.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(line: &str) -> Stop {
        Stop { line: line.to_owned(), cursor: None }
    }

    #[test]
    fn lines_are_kept_once_and_bounded_the_last_one_last() {
        let mut kept = Kept::default();
        for number in 0..LINES_KEPT + 5 {
            kept.note(Note::Ran(format!("job {number}")));
        }
        kept.note(Note::Ran("job 100".to_owned()));
        assert_eq!(kept.history.len(), LINES_KEPT);
        assert_eq!(kept.history.last().map(String::as_str), Some("job 100"));
        assert_eq!(kept.history.iter().filter(|line| *line == "job 100").count(), 1);
    }

    #[test]
    fn a_bookmark_that_is_set_again_is_taken_away() {
        let mut kept = Kept::default();
        let bookmark = |cursor: Option<&str>| {
            let trail = vec![Stop { cursor: cursor.map(str::to_owned), ..stop("jobs failed") }];
            Note::Bookmark(Bookmark { title: "failed".to_owned(), trail })
        };
        kept.note(bookmark(None));
        assert_eq!(kept.bookmarks.len(), 1);
        kept.note(bookmark(Some("a job")));
        assert_eq!(kept.bookmarks.len(), 0, "wherever the cursor is");
    }

    #[test]
    fn two_consoles_keep_in_one_file_and_nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("deep/console.json");
        assert_eq!(Kept::read(&path).expect("none yet"), Kept::default());
        std::thread::scope(|scope| {
            for console in 0..2 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..20 {
                        Kept::keep(path, Note::Ran(format!("job {console}-{number}"))).expect("kept");
                    }
                });
            }
        });
        assert_eq!(Kept::read(&path).expect("readable").history.len(), 40);
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_left_as_it_is() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("console.json");
        fs::write(&path, "not JSON").expect("written");
        let error = Kept::keep(&path, Note::Ran("help".to_owned())).expect_err("it is not ours");
        assert!(error.to_string().contains("move it away"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("there"), "not JSON");
    }
}
