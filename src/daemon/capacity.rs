//! How the capacity of environments went: looked at from time to time, a line a minute in a file, so that a new engine
//! knows what the one before it has seen.

use super::clock;
use super::driver::{Driver, Region};
use crate::config::directories::private_file;
use crate::engine::Engine;
use crate::model::{CapacityMinute, CapacityOverTime, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_secs(5);
const DAY: Millis = 24 * 3_600_000;
/// The file is written anew when it has grown by so many lines.
const ANEW_AFTER: usize = 20_000;

/// What was seen of each environment of each region.
#[derive(Debug, Clone, Default)]
pub(super) struct Capacities {
    seen: Arc<Mutex<BTreeMap<(String, String), CapacityOverTime>>>,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    region: String,
    environment: String,
    #[serde(flatten)]
    minute: CapacityMinute,
}

impl Capacities {
    /// Takes up what the file holds of the last day. Blocks on the disk.
    pub(super) fn open(path: &Path, now: Millis) -> Self {
        let found = Self::default();
        let text = std::fs::read_to_string(path).unwrap_or_default();
        // What is no whole line was being written when the engine was killed.
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        for Line { region, environment, minute } in lines.filter(|line| now - line.minute.at <= DAY) {
            found.seen().entry((region, environment)).or_default().note(minute);
        }
        found
    }

    pub(super) fn over_time(&self, region: &str, environment: &str) -> CapacityOverTime {
        let told = self.seen().get(&(region.to_owned(), environment.to_owned())).cloned().unwrap_or_default();
        CapacityOverTime { source: format!("looked at every {} s", LOOK_EVERY.as_secs()), ..told }
    }

    /// Looks for as long as the engine runs.
    pub(super) async fn keep(self, driver: Driver, path: PathBuf) {
        let mut lines = ANEW_AFTER;
        loop {
            let looked = driver.read_all(|realms| {
                let now = clock::wall();
                let of = |(region, engine): (&Region, &Engine)| {
                    let look = |found: &_| CapacityMinute::of(found, now);
                    let environments = engine.compute_environments();
                    let looks = environments.iter().map(|found| (found.compute_environment_name.clone(), look(found)));
                    (region.to_string(), looks.collect::<Vec<_>>())
                };
                realms.iter().map(of).collect::<Vec<_>>()
            });
            let Ok(looked) = looked.await else { return };
            let over = self.note(looked);
            if !over.is_empty() {
                lines += over.len();
                let all = (lines >= ANEW_AFTER).then(|| self.lines());
                lines = if all.is_some() { 0 } else { lines };
                let file = path.clone();
                let written = tokio::task::spawn_blocking(move || match all {
                    Some(all) => anew(&file, &all),
                    None => append(&file, &over),
                });
                if let Ok(Err(cause)) = written.await {
                    tracing::warn!(%cause, path = %path.display(), "how capacity goes is not kept for the next engine");
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Takes note of a look at each environment, and answers the minutes that are over.
    fn note(&self, looked: Vec<(String, Vec<(String, CapacityMinute)>)>) -> Vec<Line> {
        let mut seen = self.seen();
        let mut over = Vec::new();
        for (region, looks) in looked {
            for (environment, look) in looks {
                let series = seen.entry((region.clone(), environment.clone())).or_default();
                let minute = series.note(look);
                over.extend(minute.map(|minute| Line { region: region.clone(), environment, minute }));
            }
        }
        over
    }

    fn lines(&self) -> Vec<Line> {
        let seen = self.seen();
        let all = seen.iter().flat_map(|((region, environment), told)| {
            // The last minute is not over.
            let over = told.minutes.iter().take(told.minutes.len().saturating_sub(1));
            over.map(|minute| Line { region: region.clone(), environment: environment.clone(), minute: *minute })
        });
        all.collect()
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<(String, String), CapacityOverTime>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text(lines: &[Line]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines {
        // It holds nothing that has no form in JSON.
        let _ = serde_json::to_writer(&mut text, line);
        text.push(b'\n');
    }
    text
}

fn append(path: &Path, lines: &[Line]) -> io::Result<()> {
    private_file(path)?.write_all(&text(lines))
}

fn anew(path: &Path, lines: &[Line]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    // One that an engine has left half written.
    let _ = std::fs::remove_file(&fresh);
    append(&fresh, lines)?;
    std::fs::rename(fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(minute: Millis, used: f64) -> Vec<(String, Vec<(String, CapacityMinute)>)> {
        let at = minute * 60_000;
        let look = CapacityMinute { at, used: Some(used), limit: Some(8.0), ..CapacityMinute::default() };
        vec![("here".to_owned(), vec![("spot".to_owned(), look)])]
    }

    #[test]
    fn the_next_engine_knows_what_this_one_has_seen_and_a_torn_line_is_left_out() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("capacity.jsonl");
        let first = Capacities::open(&path, 0);
        for minute in 0..5 {
            let used = f64::from(i32::try_from(minute).expect("few"));
            let over = first.note(look(minute, used));
            append(&path, &over).expect("written");
        }
        private_file(&path).and_then(|mut file| file.write_all(b"{\"region\": \"he")).expect("torn");
        let next = Capacities::open(&path, 5 * 60_000);
        let used = |told: CapacityOverTime| told.minutes.iter().filter_map(|minute| minute.used).collect::<Vec<_>>();
        assert_eq!(used(next.over_time("here", "spot")), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(used(next.over_time("there", "spot")), Vec::<f64>::new());
        anew(&path, &first.lines()).expect("written");
        assert_eq!(used(Capacities::open(&path, 5 * 60_000).over_time("here", "spot")), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(used(Capacities::open(&path, 2 * DAY).over_time("here", "spot")), Vec::<f64>::new(), "a day ago");
    }
}
