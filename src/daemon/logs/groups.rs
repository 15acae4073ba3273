//! Log groups: what is known of each beside its streams, in one small file.

use super::listing::{self, group_directory};
use super::{LogError, OTHER_REGION};
use crate::config::directories::replace_private;
use crate::model::{DEFAULT_LOG_GROUP, Millis, validate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What `PutRetentionPolicy` takes.
const RETENTIONS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
const DAY: Millis = 86_400_000;

/// The log groups of one data directory; cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::daemon) struct LogGroups {
    logs: PathBuf,
    known: Arc<Mutex<Known>>,
}

type Known = BTreeMap<String, Group>;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon) struct Group {
    pub created_at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
}

impl LogGroups {
    /// Reads what is kept; a file that cannot be read is left alone, and everything in it is as if it were not said.
    pub(in crate::daemon) fn open(logs: &Path) -> Self {
        let text = fs::read_to_string(file_of(logs)).unwrap_or_default();
        let known = serde_json::from_str(&text).unwrap_or_default();
        Self { logs: logs.to_owned(), known: Arc::new(Mutex::new(known)) }
    }

    /// All groups: the default one, those that were made, those that have streams, and those that `named` names.
    pub(in crate::daemon) fn all(&self, named: Vec<String>) -> BTreeMap<String, Group> {
        let mut all = self.known().clone();
        let others = named.into_iter().chain(listing::groups(&self.logs)).chain([DEFAULT_LOG_GROUP.to_owned()]);
        for name in others {
            let made =
                || Group { created_at: listing::made_at(&group_directory(&self.logs, &name)), retention_days: None };
            if !all.contains_key(&name) {
                all.insert(name.clone(), made());
            }
        }
        all
    }

    pub(in crate::daemon) fn create(&self, name: &str, exists: bool, now: Millis) -> Result<(), LogError> {
        check_name(name)?;
        if exists {
            return Err(LogError::Exists(format!("The specified log group already exists: {name}")));
        }
        self.change(|known| {
            known.insert(name.to_owned(), Group { created_at: now, retention_days: None });
        })
    }

    /// Sets or removes the days after which streams go.
    pub(in crate::daemon) fn retain(&self, name: &str, days: Option<u32>, now: Millis) -> Result<(), LogError> {
        if let Some(days) = days.filter(|days| !RETENTIONS.contains(days)) {
            let takes = RETENTIONS.map(|days| days.to_string()).join(", ");
            return Err(LogError::Invalid(format!("retentionInDays is `{days}`; it takes one of {takes}")));
        }
        self.change(|known| {
            let group = known.entry(name.to_owned()).or_insert(Group { created_at: now, retention_days: None });
            group.retention_days = days;
        })
    }

    /// Removes a group with its streams.
    pub(in crate::daemon) fn delete(&self, name: &str) -> Result<(), LogError> {
        if name == DEFAULT_LOG_GROUP {
            return Err(LogError::Invalid(format!("{name} is where jobs write that name no other group; it stays")));
        }
        self.change(|known| {
            known.remove(name);
        })?;
        match fs::remove_dir_all(group_directory(&self.logs, name)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(LogError::Storage { stream: name.to_owned(), cause })
            }
            _ => Ok(()),
        }
    }

    fn sweep(&self, now: Millis) -> usize {
        let kept: Vec<(String, u32)> = {
            let known = self.known();
            known.iter().filter_map(|(name, group)| Some((name.clone(), group.retention_days?))).collect()
        };
        let mut removed = 0;
        for (group, days) in kept {
            let oldest = now - Millis::from(days) * DAY;
            for stream in listing::list(&self.logs, &group, "").unwrap_or_default() {
                if stream.written_at < oldest && fs::remove_file(&stream.path).is_ok() {
                    removed += 1;
                }
            }
        }
        removed
    }

    fn change(&self, with: impl FnOnce(&mut Known)) -> Result<(), LogError> {
        let mut known = self.known();
        with(&mut known);
        let text = serde_json::to_string_pretty(&*known).unwrap_or_default();
        let path = file_of(&self.logs);
        replace_private(&path, text.as_bytes())
            .map_err(|cause| LogError::Storage { stream: path.display().to_string(), cause })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the streams of all regions that are older than their group keeps them; says how many. Blocks on the disk.
pub(in crate::daemon) fn sweep(logs: &Path, now: Millis) -> usize {
    let below = fs::read_dir(logs).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_region = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(OTHER_REGION))
    };
    let regions = below.filter(is_region).chain([logs.to_owned()]);
    regions.map(|logs| LogGroups::open(&logs).sweep(now)).sum()
}

fn file_of(logs: &Path) -> PathBuf {
    logs.join("groups.json")
}

fn check_name(name: &str) -> Result<(), LogError> {
    validate::log_group("logGroupName", name).map_err(|invalid| LogError::Invalid(invalid.to_string()))
}

/// The group of a request that gives its name, its ARN, or neither.
pub(in crate::daemon) fn group_of(name: Option<&str>, identifier: Option<&str>) -> Result<String, LogError> {
    let given = match (name, identifier) {
        (Some(_), Some(_)) => {
            return Err(LogError::Invalid(
                "logGroupName and logGroupIdentifier are given; give one of them".to_owned(),
            ));
        }
        (Some(given), None) | (None, Some(given)) => given,
        (None, None) => return Ok(DEFAULT_LOG_GROUP.to_owned()),
    };
    let name = match given.split_once(":log-group:") {
        Some((_, name)) => name.strip_suffix(":*").unwrap_or(name),
        None => given,
    };
    check_name(name)?;
    Ok(name.to_owned())
}
