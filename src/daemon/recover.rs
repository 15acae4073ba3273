//! From the journal back to a running engine.

use super::driver::{CommandError, Driver};
use super::journal::{Contents, Journal, JournalError};
use crate::engine::command::Action;
use crate::engine::event::Event;
use crate::engine::{Engine, Settings};
use crate::model::Millis;
use std::path::Path;

/// At start, so many events are worth a snapshot.
const SNAPSHOT_AFTER: u64 = 20_000;

/// An engine as its journal has left it.
pub(super) struct Recovered {
    pub engine: Engine,
    /// When the last event was written; the engine's clock goes on from there.
    pub last: Millis,
    /// What an operator should know of it.
    pub notices: Vec<String>,
}

/// The engine of a journal, the journal, and the cursor before the first change of this run. What cannot be read is
/// refused before anything is changed.
pub(super) fn open(path: &Path, settings: Settings, now: Millis) -> Result<(Recovered, Journal, u64), JournalError> {
    let mut recovered = replay(&Journal::read(path)?, settings, path)?;
    let mut journal = Journal::open(path)?;
    shorten(&mut journal, &recovered.engine)?;
    // In microseconds: no engine publishes a million changes a second for long.
    let seed = journal.grow("feed", now.unsigned_abs() * 1_000, 1 << 32)?;
    if recovered.last > now {
        let ahead = (recovered.last - now) / 1_000;
        recovered.notices.push(format!("the journal is {ahead} s ahead of the clock, which was set back meanwhile"));
    }
    Ok((recovered, journal, seed))
}

/// Folds a journal's contents into an engine. A row that cannot be read refuses the whole: nothing is skipped.
pub(super) fn replay(contents: &Contents, settings: Settings, path: &Path) -> Result<Recovered, JournalError> {
    let damaged = |detail| JournalError::Damaged { path: path.to_owned(), detail };
    let mut notices = Vec::new();
    let mut engine = match &contents.snapshot {
        None => Engine::new(settings.clone()),
        Some((seq, body)) => {
            notices.push(format!("read a snapshot of the first {seq} events"));
            serde_json::from_str(body).map_err(|cause| damaged(format!("its snapshot cannot be read: {cause}")))?
        }
    };
    engine.configure(settings);
    for row in &contents.events {
        let event: Event = serde_json::from_str(&row.body)
            .map_err(|cause| damaged(format!("event {} cannot be read: {cause}", row.seq)))?;
        engine.apply(&event);
    }
    if !contents.events.is_empty() {
        notices.push(format!("read {} events", contents.events.len()));
    }
    let last = contents.events.last().map_or(0, |row| row.at);
    Ok(Recovered { engine, last, notices })
}

/// Puts a snapshot in the place of the events, when they have become many.
fn shorten(journal: &mut Journal, engine: &Engine) -> Result<(), JournalError> {
    if journal.since_snapshot() < SNAPSHOT_AFTER {
        return Ok(());
    }
    write_snapshot(journal, engine)
}

/// Writes a snapshot, having seen that it reads back as the same state: the events go with it.
pub(super) fn write_snapshot(journal: &mut Journal, engine: &Engine) -> Result<(), JournalError> {
    let body = serde_json::to_string(engine).map_err(|cause| journal.refuse("written", &cause))?;
    match serde_json::from_str::<Engine>(&body) {
        Ok(same) if same == *engine => journal.snapshot(&body),
        Ok(_) => {
            tracing::error!("a snapshot reads back as another state; all events are kept");
            Ok(())
        }
        Err(cause) => {
            tracing::error!(%cause, "a snapshot does not read back; all events are kept");
            Ok(())
        }
    }
}

/// Makes up for what was missed while no engine ran, and says what that was.
pub(super) async fn resume(driver: &Driver, since: Millis) -> Result<Vec<String>, CommandError> {
    driver.act(Action::Resume).await?;
    driver
        .read(move |engine| {
            let schedules = engine.schedules();
            schedules
                .iter()
                .flat_map(|schedule| engine.schedule_runs(&schedule.group_name, &schedule.name))
                .filter(|run| run.fired_at >= since)
                .filter_map(|run| {
                    let note = run.note.or(run.error)?;
                    Some(format!("schedule {}/{}: {note}", run.group_name, run.schedule_name))
                })
                .collect()
        })
        .await
}
