//! What was seen of jobs that have ended, kept where AWS forgets it after days. Only what this program was told of stands
//! in it, and each row says when that was: it is never more than the last that is known.

mod book;
mod desk;

use super::pages::{Key, is_named};
use crate::backend::{JobQuery, JobScope};
use crate::model::{ContainerDetail, JobDetail, JobId, JobStatus, JobSummary, Millis, name_of};
use book::{Bounds, Entry, Wanted};
use desk::Desk;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Jobs that are known to stand in the book as they are.
const REMEMBERED: usize = 50_000;
/// What stands in the book already is written again after this, so that its date stays near the truth.
const REWRITE: Millis = 3_600_000;
/// Rows of one page.
const PAGE: usize = 1_000;

/// A job that has ended, as it was told.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    row: JobSummary,
    detail: Option<JobDetail>,
    /// `REGION:ACCOUNT`; behind another endpoint than AWS's own, after that and a space.
    place: String,
}

/// How far a list has come in what AWS has forgotten; AWS's own part is read to its end first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// What AWS has told since the list was begun is not forgotten.
    pub since: Millis,
    pub after: Option<Key>,
}

/// The history of one context.
#[derive(Debug)]
pub struct History {
    desk: Desk,
    /// What answers in place of AWS.
    endpoint: Option<String>,
    path: PathBuf,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// Where one is: of the last thing that was told with its ARN.
    place: Option<String>,
    told: HashMap<JobId, Noted>,
}

/// When a job was told of last, when it was written, and whether all of it was.
#[derive(Debug, Clone, Copy)]
struct Noted {
    told: Millis,
    written: Millis,
    whole: bool,
}

impl History {
    /// Jobs behind one endpoint are not those behind another, whatever their account is called.
    pub fn new(path: PathBuf, endpoint: Option<String>) -> Self {
        let desk = Desk::new(path.clone(), Bounds::default());
        Self { desk, endpoint, path, memory: Mutex::default() }
    }

    /// Learns where one is from the ARN of anything that is there.
    pub fn learn_place(&self, arn: &str) {
        if let Some(place) = self.place_of(arn) {
            self.memory().place = Some(place);
        }
    }

    pub fn knows_its_place(&self) -> bool {
        self.memory().place.is_some()
    }

    /// Keeps those that have ended.
    pub fn note_rows(&self, rows: &[JobSummary]) {
        self.note(rows.iter().filter(|row| row.status.is_final()).map(|row| (row.clone(), None)).collect());
    }

    pub fn note_details(&self, details: &[JobDetail]) {
        let ended = details.iter().filter(|detail| detail.status.is_final());
        self.note(ended.map(|detail| (detail.row(), Some(detail.clone()))).collect());
    }

    fn note(&self, ended: Vec<(JobSummary, Option<JobDetail>)>) {
        let now = now();
        let mut fresh = Vec::new();
        let mut memory = self.memory();
        if memory.told.len() > REMEMBERED {
            memory.told.clear();
        }
        for (row, detail) in ended {
            let Some(place) = self.place_of(&row.job_arn) else { continue };
            memory.place.get_or_insert_with(|| place.clone());
            let before = memory.told.get(&row.job_id).copied();
            let whole = detail.is_some() || before.is_some_and(|before| before.whole);
            let stands = before.is_some_and(|before| before.whole == whole && now - before.written < REWRITE);
            let written = before.filter(|_| stands).map_or(now, |before| before.written);
            memory.told.insert(row.job_id.clone(), Noted { told: now, written, whole });
            if !stands {
                fresh.push(Told { row, detail, place });
            }
        }
        drop(memory);
        if !fresh.is_empty() {
            self.desk.write(fresh, now);
        }
    }

    /// What a list may be continued with once AWS's part has been read; `None` where no job that has ended is asked for.
    pub fn turn_for(query: &JobQuery) -> Option<Turn> {
        let asks = query.statuses.is_empty() || query.statuses.iter().any(|status| status.is_final());
        asks.then(|| Turn { since: now(), after: None })
    }

    /// A page of the jobs of a query that AWS has forgotten, newest first, and where to go on. `is_looked_at` says which queues
    /// are.
    pub async fn page(
        &self,
        query: &JobQuery,
        turn: Turn,
        limit: Option<usize>,
        is_looked_at: impl Fn(&str) -> bool + Send + 'static,
    ) -> (Vec<JobSummary>, Option<Turn>) {
        let Some(place) = self.memory().place.clone() else { return (Vec::new(), None) };
        let (queue, whole) = match &query.scope {
            JobScope::Everywhere => (None, None),
            JobScope::Queue(queue) => (Some(name_of(queue).to_owned()), None),
            JobScope::Array(id) | JobScope::Nodes(id) => (None, Some(id.clone())),
        };
        let statuses = query.statuses.iter().copied().filter(|status| status.is_final()).collect();
        let after = turn.after.clone().map(|(Reverse(at), id)| (at, id));
        let wanted = Wanted { place, queue, whole, statuses, after };
        let told: HashSet<JobId> = {
            let memory = self.memory();
            memory.told.iter().filter(|(_, noted)| noted.told >= turn.since).map(|(id, _)| id.clone()).collect()
        };
        let name = query.name.clone();
        let limit = limit.unwrap_or(PAGE);
        let found = self.desk.look(move |book| {
            let is_meant = |row: &JobSummary| {
                let queue = row.extra.as_ref().map_or("", |extra| extra.job_queue.as_str());
                // The parts of a whole do not say where they are.
                let is_looked_at = wanted.whole.is_some() || is_looked_at(queue);
                !told.contains(&row.job_id) && is_named(&row.job_name, name.as_deref()) && is_looked_at
            };
            // One more tells whether there are more.
            book.list(&wanted, limit.saturating_add(1), &is_meant)
        });
        let mut rows: Vec<JobSummary> = found.await.unwrap_or_default().into_iter().map(|entry| entry.row).collect();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(|row| (Reverse(row.created_at), row.job_id.clone())).or(turn.after);
        let next = more.then_some(Turn { since: turn.since, after: last });
        (rows, next)
    }

    /// The newest of a queue in one state.
    pub async fn newest(&self, queue: &str, status: JobStatus, limit: usize) -> Vec<JobSummary> {
        let query =
            JobQuery { scope: JobScope::Queue(queue.to_owned()), statuses: vec![status], ..JobQuery::default() };
        self.page(&query, Turn { since: Millis::MAX, after: None }, Some(limit), |_| true).await.0
    }

    /// Those of the ids that stand in it at all, here or elsewhere.
    pub async fn known(&self, ids: &BTreeSet<JobId>) -> bool {
        let ids = ids.clone();
        let found = self.desk.look(move |book| {
            for id in &ids {
                if !book.find(id)?.is_empty() {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        found.await.unwrap_or_default()
    }

    /// All of jobs that AWS knows no more.
    pub async fn details(&self, ids: BTreeSet<JobId>) -> Vec<JobDetail> {
        let Some(place) = self.memory().place.clone() else { return Vec::new() };
        let found = self.desk.look(move |book| {
            let mut details = Vec::new();
            for id in &ids {
                details.extend(book.find(id)?.into_iter().filter(|entry| entry.place == place).map(detail_of));
            }
            Ok(details)
        });
        found.await.unwrap_or_default()
    }

    /// How much of all that was seen is kept, for a person; `None` where the book cannot be used.
    pub async fn extent(&self) -> Option<String> {
        let extent = self.desk.look(book::Book::extent).await?;
        let since = extent.since.and_then(chrono::DateTime::from_timestamp_millis);
        let since = since.map(|at| format!(", the first of {}", at.format("%Y-%m-%d"))).unwrap_or_default();
        Some(format!("{} ended jobs{since}, in {}", extent.rows, self.path.display()))
    }

    /// Waits until it was tried to open the book.
    pub async fn is_opened(&self) -> bool {
        self.desk.look(|_| Ok(())).await.is_some()
    }

    /// What a person has to be told of the book; each is told once.
    pub fn take_problem(&self) -> Option<String> {
        self.desk.take_problem()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place_of(&self, arn: &str) -> Option<String> {
        let place = region_and_account(arn)?;
        Some(self.endpoint.as_ref().map_or(place.clone(), |endpoint| format!("{endpoint} {place}")))
    }
}

/// `arn:aws:batch:REGION:ACCOUNT:…` gives `REGION:ACCOUNT`.
fn region_and_account(arn: &str) -> Option<String> {
    let mut parts = arn.strip_prefix("arn:")?.split(':').skip(2);
    Some(format!("{}:{}", parts.next()?, parts.next()?))
}

/// All of a job; of one that was never described, what its row says.
fn detail_of(entry: Entry) -> JobDetail {
    if let Some(detail) = entry.detail {
        return detail;
    }
    let row = entry.row;
    let queue = row.extra.as_ref().map(|extra| extra.job_queue.clone()).unwrap_or_default();
    let container = row.container.map(|end| ContainerDetail {
        exit_code: end.exit_code,
        reason: end.reason,
        ..ContainerDetail::default()
    });
    JobDetail {
        job_arn: row.job_arn,
        job_id: row.job_id,
        job_name: row.job_name,
        job_queue: queue,
        job_definition: row.job_definition.unwrap_or_default(),
        status: row.status,
        status_reason: row.status_reason,
        created_at: row.created_at,
        started_at: row.started_at,
        stopped_at: row.stopped_at,
        array_properties: row.array_properties,
        share_identifier: row.share_identifier,
        container,
        extra: row.extra,
        ..JobDetail::default()
    }
}

fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}

#[cfg(test)]
mod tests;
