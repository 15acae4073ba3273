//! The jobs of a queue: what its lists tell, what descriptions add, and what of it is news.

use super::{Step, Watcher, now};
use crate::backend::BackendError;
use crate::backend::aws::budget::Caller::{self, Background, Watched};
use crate::backend::aws::world::{QueueJobs, Survey, job_changes};
use crate::model::{JobStatus, JobSummary, What};
use std::collections::BTreeMap;
use tokio::time::Instant;

/// Jobs described for their sizes in one visit of the queue that is looked at, and of another one.
const DESCRIBED: usize = 200;
const DESCRIBED_ELSEWHERE: usize = 100;
/// Jobs of a queue and a state that AWS has forgotten and that are looked up once.
const RECALLED: usize = 250;
/// Jobs that no list meets and are described in one visit.
const UNSEEN: usize = 100;
/// The same of a queue of service jobs: each takes a call.
const UNSEEN_OF_SERVICES: usize = 5;
/// All states of large queues are listed in each so-manieth round.
const DEEP_ROUND: u64 = 5;

impl Watcher {
    pub(super) async fn look_at_jobs(&mut self, queue: &str) -> Result<(), BackendError> {
        let caller = self.caller(queue);
        let is_looked_at = caller == Watched;
        let mut survey = self.service.newest(caller, queue).await?;
        let overflows = survey.overflows;
        if overflows {
            self.service.read_states(caller, queue, &[JobStatus::Running], &mut survey).await?;
        }
        self.take_in(caller, queue, survey).await?;
        let mut more = Vec::new();
        if overflows && (is_looked_at || self.round.is_multiple_of(DEEP_ROUND)) {
            more.push(Step::States(queue.to_owned()));
        }
        // The waiting jobs of a large queue are described where somebody looks at them.
        if is_looked_at || !overflows {
            more.push(Step::Sizes(queue.to_owned()));
        }
        if is_looked_at {
            self.looked = Some((queue.to_owned(), Instant::now()));
            more.into_iter().rev().for_each(|step| self.steps.push_front(step));
        } else {
            self.later.extend(more);
        }
        Ok(())
    }

    pub(super) async fn look_at_states(&mut self, queue: &str) -> Result<(), BackendError> {
        use JobStatus::{Failed, Pending, Runnable, Running, Starting, Submitted, Succeeded};
        let caller = self.caller(queue);
        let deep = self.round.is_multiple_of(DEEP_ROUND);
        // What ran is read once more: what has started since is not missed.
        let mut states = vec![Submitted, Pending, Runnable, Starting, Running, Failed];
        states.extend(deep.then_some(Succeeded));
        let mut survey = Survey { overflows: true, ..Survey::default() };
        self.service.read_states(caller, queue, &states, &mut survey).await?;
        self.take_in(caller, queue, survey).await
    }

    pub(super) async fn look_at_sizes(&mut self, queue: &str) -> Result<(), BackendError> {
        let caller = self.caller(queue);
        let at_most = if caller == Watched { DESCRIBED } else { DESCRIBED_ELSEWHERE };
        let Some(before) = self.world.jobs.get(queue) else { return Ok(()) };
        let mut jobs = before.clone();
        let mut rows: Vec<_> = jobs.rows.values_mut().collect();
        rows.sort_by_key(|row| interest(row));
        self.service.enrich(caller, rows, at_most).await?;
        if caller == Watched {
            self.look_for_unseen(&mut jobs).await?;
        }
        self.put(queue, jobs);
        Ok(())
    }

    /// What runs is on the first screen: a call tells of a hundred of all queues.
    pub(super) async fn look_at_running(&mut self) -> Result<(), BackendError> {
        let mut all = self.world.jobs.clone();
        let rows = all.values_mut().flat_map(|jobs| jobs.rows.values_mut());
        let mut running: Vec<_> = rows.filter(|row| row.status.is_placed()).collect();
        running.sort_by_key(|row| interest(row));
        self.service.enrich(Background, running, DESCRIBED).await?;
        for (queue, jobs) in all {
            self.put(&queue, jobs);
        }
        Ok(())
    }

    /// Jobs behind the first page of their state are met by no list: a hundred of them are described in each visit, so that
    /// none stays for ever as it was.
    async fn look_for_unseen(&mut self, jobs: &mut QueueJobs) -> Result<(), BackendError> {
        if jobs.unseen.is_empty() {
            return Ok(());
        }
        let from = self.turn % jobs.unseen.len();
        let of_services = self.service.memory().services.has_job(&jobs.unseen[0]);
        let most = if of_services { UNSEEN_OF_SERVICES } else { UNSEEN };
        let ids: Vec<_> = jobs.unseen.iter().cycle().skip(from).take(most.min(jobs.unseen.len())).cloned().collect();
        self.turn = from + ids.len();
        let found = match self.service.describe(Watched, &ids).await {
            Err(BackendError::Refused { .. } | BackendError::Malformed { .. }) => return Ok(()),
            found => found?,
        };
        for id in ids {
            match found.iter().find(|detail| detail.job_id == id) {
                Some(detail) => jobs.rows.insert(id, detail.row()),
                None => jobs.rows.remove(&id),
            };
        }
        Ok(())
    }

    /// Takes what was read of a queue into the world. Jobs that are in none of the states that were read whole have moved
    /// on between two calls: they are described.
    async fn take_in(&mut self, caller: Caller, queue: &str, survey: Survey) -> Result<(), BackendError> {
        let before = self.world.jobs.get(queue);
        let mut jobs = before.cloned().unwrap_or_default();
        let of_queue = |row: &mut JobSummary| row.extra.as_ref().is_some_and(|extra| extra.job_queue == queue);
        let fetched = self.service.memory().fetched.extract_if(.., of_queue).collect::<Vec<_>>();
        let (forgotten, listed): (Vec<_>, Vec<_>) = fetched.into_iter().partition(|row| row.from_history().is_some());
        jobs.remember(listed);
        let mut missing = jobs.settle(survey);
        jobs.remember(forgotten);
        for (id, row) in &mut jobs.rows {
            if let Some(known) = before.and_then(|before| before.rows.get(id)) {
                keep_told(row, known);
            }
        }
        // Sizes that are known already.
        self.service.enrich(caller, jobs.rows.values_mut().collect(), 0).await?;
        missing.truncate(DESCRIBED);
        let found = match self.service.describe(caller, &missing).await {
            // Who may list and not describe finds them again where ended jobs are listed.
            Err(BackendError::Refused { .. } | BackendError::Malformed { .. }) => Vec::new(),
            found => found?,
        };
        jobs.rows.extend(found.iter().map(|detail| (detail.job_id.clone(), detail.row())));
        self.remember(queue, &mut jobs).await;
        self.service.memory().read_at.jobs.insert(queue.to_owned(), now());
        self.put(queue, jobs);
        Ok(())
    }

    /// What AWS has forgotten stays: of a state that it tells whole, all that it does not tell.
    async fn remember(&mut self, queue: &str, jobs: &mut QueueJobs) {
        let Some(history) = &self.service.history else { return };
        for status in [JobStatus::Failed, JobStatus::Succeeded] {
            let key = (queue.to_owned(), status);
            if jobs.whole.contains(&status) && !self.recalled.contains(&key) {
                jobs.remember(history.newest(queue, status, RECALLED).await);
                self.recalled.insert(key);
            }
        }
        if let Some(before) = self.world.jobs.get(queue) {
            jobs.keep_forgotten(before, now());
        }
    }

    /// Tells what is different now.
    fn put(&mut self, queue: &str, jobs: QueueJobs) {
        let before = self.world.jobs.get(queue).map(|before| &before.rows);
        self.service.memory().seen.note(queue, before, &jobs.rows, now());
        self.tell(job_changes(before.unwrap_or(&BTreeMap::new()), &jobs.rows));
        let (counts, partial) = jobs.counts();
        self.service.memory().counts.insert(queue.to_owned(), (counts.clone(), partial));
        if let Some(known) = self.world.queues.get_mut(queue)
            && (known.job_counts.as_ref(), known.job_counts_partial) != (Some(&counts), partial)
        {
            (known.job_counts, known.job_counts_partial) = (Some(counts), partial);
            let row = What::Queue(Box::new(known.clone()));
            self.tell(vec![row]);
        }
        self.world.jobs.insert(queue.to_owned(), jobs);
    }
}

/// A list does not tell all: what a description told of a job stays, while the list says the same of it, until the next one.
fn keep_told(row: &mut JobSummary, known: &JobSummary) {
    let stops = |row: &JobSummary| row.extra.as_ref().is_some_and(|extra| extra.stopping);
    if (row.status, row.started_at, stops(row)) != (known.status, known.started_at, stops(known)) {
        return;
    }
    // What is listed again is not forgotten.
    let from_history = row.from_history();
    row.extra.clone_from(&known.extra);
    if let Some(extra) = &mut row.extra {
        extra.from_history = from_history;
    }
    if let (Some(array), Some(before)) = (&mut row.array_properties, &known.array_properties)
        && array.status_summary.is_none()
    {
        array.status_summary.clone_from(&before.status_summary);
    }
}

/// What to describe first: jobs that hold a place, then those that wait, then those that failed, the newest first.
fn interest(row: &JobSummary) -> (u8, std::cmp::Reverse<i64>) {
    use JobStatus::{Failed, Pending, Runnable, Running, Starting, Submitted, Succeeded};
    let rank = match row.status {
        Running | Starting => 0,
        Runnable | Pending | Submitted => 1,
        Failed => 2,
        Succeeded => 3,
    };
    (rank, std::cmp::Reverse(row.created_at))
}
