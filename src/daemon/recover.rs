//! From the journal back to a running engine.

use super::driver::{CommandError, Driver, Realms, Region};
use super::journal::{Contents, Entry, Journal, JournalError};
use super::occurrences::{self, Occurrences};
use crate::engine::command::Action;
use crate::engine::event::Event;
use crate::engine::{Settings, Thawing};
use crate::model::{Millis, Schedule};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The engines as their journal has left them.
pub(super) struct Recovered {
    pub realms: Realms,
    /// When the last event was written; the engine's clock goes on from there.
    pub last: Millis,
    /// What has occurred since the journal's snapshot, as far as it is kept.
    pub occurrences: Occurrences,
    /// What an operator should know of it.
    pub notices: Vec<String>,
}

/// The key of [`Journal::grow`] for the cursor before the first change of a run, and how far runs are apart at least.
const FEED: &str = "feed";
const APART: u64 = 1 << 32;

/// The engines of a journal, the journal, and the cursor before the first change of this run. What cannot be read is
/// refused before anything is changed. A journal that cannot be opened for want of room is answered as it is.
pub(super) fn open(path: &Path, settings: Settings, now: Millis) -> Result<(Recovered, Journal, u64), JournalError> {
    let (mut recovered, contents) = read(path, settings)?;
    // In microseconds: no engine publishes a million changes a second for long.
    let least = now.unsigned_abs() * 1_000;
    let opened = Journal::open(path, recovered.realms.home()).and_then(|mut journal| {
        let seed = journal.grow(FEED, least, APART)?;
        Ok((journal, seed))
    });
    let (journal, seed) = match opened {
        Err(JournalError::Full { .. }) => {
            (Journal::without_room(path, &contents), contents.would_grow(FEED, least, APART))
        }
        opened => opened?,
    };
    if recovered.last > now {
        let ahead = (recovered.last - now) / 1_000;
        recovered.notices.push(format!("the journal is {ahead} s ahead of the clock, which was set back meanwhile"));
    }
    Ok((recovered, journal, seed))
}

/// Opens a journal that there was no room for, of which `seed` was answered before.
pub(super) fn open_late(journal: &mut Journal, home: &str, seed: u64) -> Result<(), JournalError> {
    let mut opened = Journal::open(journal.path(), home)?;
    opened.grow(FEED, seed, APART)?;
    *journal = opened;
    Ok(())
}

/// Folds a journal into engines, row by row as it is read. A row that cannot be read refuses the whole: nothing is
/// skipped.
pub(super) fn replay(path: &Path, settings: Settings) -> Result<Recovered, JournalError> {
    read(path, settings).map(|(recovered, _)| recovered)
}

fn read(path: &Path, settings: Settings) -> Result<(Recovered, Contents), JournalError> {
    let home = settings.place.region.clone();
    let mut fold = Fold { realms: Realms::new(settings), thawing: BTreeMap::new(), occurrences: None };
    let contents = Journal::read(path, &home, &mut |entry| fold.take(entry).map_err(|cause| cause.to_string()))?;
    fold.thaw();
    if let Some(first) = &contents.first_region {
        fold.realms.set_plain(first);
    }
    let Contents { covered, events, last, .. } = contents;
    let mut notices = Vec::new();
    notices.extend(covered.map(|seq| format!("read a snapshot of the first {seq} events")));
    if events > 0 {
        notices.push(format!("read {events} events"));
    }
    let nothing_before = || Occurrences::new(occurrences::cursor(covered.unwrap_or(0) + 1, 0), []);
    let occurrences = fold.occurrences.unwrap_or_else(nothing_before);
    Ok((Recovered { realms: fold.realms, last, occurrences, notices }, contents))
}

struct Fold {
    realms: Realms,
    /// Engines of which pieces have come.
    thawing: BTreeMap<String, Thawing>,
    /// Made with the first event after the snapshot.
    occurrences: Option<Occurrences>,
}

impl Fold {
    fn take(&mut self, entry: Entry<'_>) -> Result<(), serde_json::Error> {
        match entry {
            Entry::Piece { region, body } => self.thawing.entry(region.to_owned()).or_default().take(body),
            Entry::Event { seq, region, body, .. } => {
                self.thaw();
                let event: Event = serde_json::from_str(body)?;
                let region: Region = region.into();
                let engine = self.realms.engine(&region);
                engine.apply(&event);
                let occurred = engine.occurrences(&event).into_iter().enumerate().map(|(number, what)| {
                    let cursor = occurrences::cursor(seq, number);
                    occurrences::Entry { cursor, region: Arc::clone(&region), what }
                });
                let nothing_before = || Occurrences::new(occurrences::cursor(seq, 0).saturating_sub(1), []);
                self.occurrences.get_or_insert_with(nothing_before).publish(occurred);
                Ok(())
            }
        }
    }

    /// All pieces come before the first event.
    fn thaw(&mut self) {
        for (region, thawing) in std::mem::take(&mut self.thawing) {
            let engine = thawing.finish(self.realms.settings(&region));
            self.realms.put(&region, engine);
        }
    }
}

/// Makes up for what was missed while no engine ran, and says what that was. Without room for it, that comes later.
pub(super) async fn resume(driver: &Driver, since: Millis) -> Result<Vec<String>, CommandError> {
    match driver.act(Action::Resume).await {
        Err(CommandError::Full(_)) => return Ok(Vec::new()),
        done => done?,
    };
    driver
        .read_all(move |realms| {
            let engines = realms.iter().map(|(_, engine)| engine);
            let runs = engines.flat_map(|engine| {
                let runs = |schedule: &Schedule| engine.schedule_runs(&schedule.group_name, &schedule.name);
                engine.schedules().iter().flat_map(runs).collect::<Vec<_>>()
            });
            runs.filter(|run| run.fired_at >= since)
                .filter_map(|run| {
                    let note = run.note.or(run.error)?;
                    Some(format!("schedule {}/{}: {note}", run.group_name, run.schedule_name))
                })
                .collect()
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mutation::{fuzz, mutated_text};
    use proptest::prelude::*;

    const ROWS: &str = include_str!("../engine/tests/journal_v1.jsonl");

    fn row_with_other_bytes() -> impl Strategy<Value = (usize, String)> {
        let rows: Vec<&str> = ROWS.lines().collect();
        (0..rows.len()).prop_flat_map(move |at| (Just(at), mutated_text(rows[at])))
    }

    fuzz! {
        fn rows_of_a_journal_that_are_almost_right_are_read_or_refused((at, row) in row_with_other_bytes()) {
            let mut fold = Fold { realms: Realms::new(Settings::default()), thawing: BTreeMap::new(), occurrences: None };
            for (number, line) in ROWS.lines().enumerate() {
                let body = if number == at { &row } else { line };
                let entry = Entry::Event { seq: number as u64 + 1, at: 0, region: "us-east-1", body };
                if fold.take(entry).is_err() {
                    prop_assert!(number >= at);
                    break;
                }
            }
        }
    }
}
