//! `[columns]`: which columns a list of the console shows, in which order.

use super::nearest_words;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The columns that a list of jobs can show.
pub const OF_JOBS: [&str; 17] = [
    "job",
    "id",
    "definition",
    "state",
    "age",
    "cpu",
    "memory",
    "priority",
    "queue",
    "share",
    "instance",
    "attempt",
    "took",
    "exit",
    "submitted",
    "started",
    "why",
];

/// The lists whose columns can be chosen, and what each can show. Jobs are listed by their states.
pub const LISTS: [(&str, &[&str]); 11] = [
    ("running", &OF_JOBS),
    ("waiting", &OF_JOBS),
    ("failed", &OF_JOBS),
    ("succeeded", &OF_JOBS),
    ("all", &OF_JOBS),
    ("instances", &["instance", "state", "type", "vCPU", "used", "memory", "jobs", "up", "limits"]),
    ("schedules", &["schedule", "state", "when", "zone", "next", "at", "queue", "definition"]),
    ("definitions", &["definition", "state", "vCPU", "MiB", "attempts", "image", "command"]),
    ("failures", &["jobs", "exit", "definition", "what", "queues", "first", "last"]),
    ("events", &["when", "what", "job", "queue", "definition", "reason"]),
    ("audit", &["when", "who", "did", "to", "outcome", "why"]),
];

/// Columns by list; a list that is not named shows what fits best.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Vec<String>>")]
pub struct ColumnSettings(BTreeMap<String, Vec<String>>);

/// Why columns cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoColumns {
    #[error(
        "`{given}` is no list whose columns can be chosen{meant}; there are {}",
        LISTS.map(|(name, _)| name).join(", ")
    )]
    List { given: String, meant: String },
    #[error("`{given}` is no column of {list}{meant}; it has {}", of_list(list).join(", "))]
    Column { list: String, given: String, meant: String },
    #[error("`{given}` stands twice among the columns of {list}; name each once")]
    Twice { list: String, given: String },
    #[error("no column of {list} is named; leave the line out for those that fit best")]
    None { list: String },
}

fn of_list(list: &str) -> &'static [&'static str] {
    LISTS.iter().find(|(name, _)| *name == list).map_or(&[], |(_, columns)| columns)
}

impl ColumnSettings {
    /// What was chosen for a list.
    pub fn of(&self, list: &str) -> Option<&[String]> {
        self.0.get(list).map(Vec::as_slice)
    }

    /// Chooses columns for a list, or with none those that fit best.
    pub fn choose(&mut self, list: &str, columns: Option<Vec<String>>) -> Result<(), NoColumns> {
        let Some(columns) = columns else {
            self.0.remove(list);
            return Ok(());
        };
        check(list, &columns)?;
        self.0.insert(list.to_owned(), columns);
        Ok(())
    }
}

fn check(list: &str, columns: &[String]) -> Result<(), NoColumns> {
    let known = of_list(list);
    if known.is_empty() {
        let meant = nearest_words(list, LISTS.map(|(name, _)| name));
        return Err(NoColumns::List { given: list.to_owned(), meant });
    }
    if columns.is_empty() {
        return Err(NoColumns::None { list: list.to_owned() });
    }
    let mut seen = BTreeSet::new();
    for column in columns {
        let (list, given) = (list.to_owned(), column.clone());
        if !known.contains(&column.as_str()) {
            let meant = nearest_words(column, known.iter().copied());
            return Err(NoColumns::Column { list, given, meant });
        }
        if !seen.insert(column) {
            return Err(NoColumns::Twice { list, given });
        }
    }
    Ok(())
}

impl TryFrom<BTreeMap<String, Vec<String>>> for ColumnSettings {
    type Error = NoColumns;

    fn try_from(given: BTreeMap<String, Vec<String>>) -> Result<Self, NoColumns> {
        given.iter().try_for_each(|(list, columns)| check(list, columns))?;
        Ok(Self(given))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_and_no_column_is_refused_with_what_there_is() {
        let read = |text: &str| toml::from_str::<ColumnSettings>(text).map_err(|error| error.message().to_owned());
        let sound = read("running = ['job', 'age']\naudit = ['who']").expect("sound");
        assert_eq!(sound.of("running"), Some(&["job".to_owned(), "age".to_owned()][..]));
        assert_eq!(sound.of("waiting"), None);
        for (given, beginning) in [
            (
                "runing = ['job']",
                "`runing` is no list whose columns can be chosen; the nearest is `running`; there are running, waiting",
            ),
            ("running = ['jobb']", "`jobb` is no column of running; the nearest is `job`; it has job, id, definition"),
            ("audit = ['who', 'did', 'who']", "`who` stands twice among the columns of audit"),
            ("audit = []", "no column of audit is named"),
        ] {
            let refusal = read(given).expect_err(given);
            assert!(refusal.starts_with(beginning), "{refusal}");
        }
        assert!(read("audit = 'who'").is_err());
    }
}
