//! Changes, found by polling: queues and environments, then the jobs of each queue, all inside the budget of calls.

use super::budget::Caller::Background;
use super::convert::job::row;
use super::service::Service;
use super::world::{World, environment_changes, job_changes, queue_changes, schedule_changes};
use crate::backend::BackendError;
use crate::model::{Change, Cursor, JobSummary, What};
use futures::stream::{self, BoxStream, StreamExt};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

const QUICK: Duration = Duration::from_secs(3);
const SLOW: Duration = Duration::from_secs(15);
/// Jobs described for their sizes in one visit of a queue.
const DESCRIBED: usize = 200;
/// Schedules are listed in each so-manieth round, and after an operator has changed one.
const SCHEDULES_ROUND: u64 = 20;
/// Ended jobs of large queues are listed in each so-manieth round.
const DEEP_ROUND: u64 = 5;

/// The stream of changes from `cursor` on. It opens once the service has answered: until then nobody knows whether
/// there is anything to watch.
pub async fn watch(
    service: Arc<Service>,
    cursor: Option<Cursor>,
) -> Result<BoxStream<'static, Result<Change, BackendError>>, BackendError> {
    let mut watcher = Watcher::new(service, cursor);
    watcher.take_next().await?;
    let changes = stream::unfold(Some(watcher), |watcher| async {
        let mut watcher = watcher?;
        let item = watcher.next().await;
        Some(if item.is_ok() { (item, Some(watcher)) } else { (item, None) })
    });
    Ok(changes.boxed())
}

struct Watcher {
    service: Arc<Service>,
    world: World,
    cursor: Cursor,
    ready: VecDeque<What>,
    steps: VecDeque<Step>,
    round: u64,
    pause: Duration,
    /// Whether anything changed in this round.
    changed: bool,
    /// Whether the watcher was told that polling is slowed down.
    slowed: bool,
    /// Whether the caller may list schedules.
    sees_schedules: bool,
}

enum Step {
    Pause,
    /// Queues and environments.
    Ground,
    Jobs(String),
    Schedules,
    Alive,
}

impl Watcher {
    fn new(service: Arc<Service>, cursor: Option<Cursor>) -> Self {
        let mut memory = service.memory();
        memory.watches += 1;
        let parked = memory.parked.take_if(|(at, _)| Some(*at) == cursor);
        drop(memory);
        let (cursor, world, ready) = match parked {
            Some((at, world)) => (at, world, VecDeque::new()),
            // Above what the watcher holds: a cursor only grows.
            None => (cursor.unwrap_or_default(), World::default(), VecDeque::from([What::Reset])),
        };
        Self {
            service,
            world,
            cursor,
            ready,
            steps: VecDeque::from([Step::Ground]),
            round: 0,
            pause: QUICK,
            changed: false,
            slowed: false,
            sees_schedules: true,
        }
    }

    async fn next(&mut self) -> Result<Change, BackendError> {
        loop {
            if let Some(what) = self.ready.pop_front() {
                self.cursor.0 += 1;
                return Ok(Change { cursor: self.cursor, at: chrono::Utc::now().timestamp_millis(), what });
            }
            self.take_next().await?;
        }
    }

    async fn take_next(&mut self) -> Result<(), BackendError> {
        let step = self.steps.pop_front().unwrap_or(Step::Ground);
        match self.take(&step).await {
            Err(BackendError::Throttled { message }) => self.slow_down(step, &message),
            taken => taken?,
        }
        Ok(())
    }

    async fn take(&mut self, step: &Step) -> Result<(), BackendError> {
        match step {
            Step::Pause => tokio::time::sleep(self.pause).await,
            Step::Ground => self.look_at_ground().await?,
            Step::Jobs(queue) => self.look_at_jobs(queue).await?,
            Step::Schedules => self.look_at_schedules().await?,
            Step::Alive => self.end_round(),
        }
        Ok(())
    }

    async fn look_at_ground(&mut self) -> Result<(), BackendError> {
        let (queues, environments) =
            futures::try_join!(self.service.queues(Background), self.service.environments(Background))?;
        let environments = environments.into_iter().map(|each| (each.compute_environment_name.clone(), each)).collect();
        self.tell(environment_changes(&self.world.environments, &environments));
        self.world.environments = environments;

        self.steps.extend(queues.iter().map(|queue| Step::Jobs(queue.job_queue_name.clone())));
        let changed = std::mem::take(&mut self.service.memory().schedules_changed);
        if self.sees_schedules && (changed || self.round.is_multiple_of(SCHEDULES_ROUND)) {
            self.steps.push_back(Step::Schedules);
        }
        self.steps.push_back(Step::Alive);
        let mut rows = std::collections::BTreeMap::new();
        for mut queue in queues {
            if let Some(jobs) = self.world.jobs.get(&queue.job_queue_name) {
                let (counts, partial) = jobs.counts();
                (queue.job_counts, queue.job_counts_partial) = (Some(counts), partial);
            }
            rows.insert(queue.job_queue_name.clone(), queue);
        }
        self.tell(queue_changes(&self.world.queues, &rows));
        let lost: Vec<_> = self.world.jobs.keys().filter(|name| !rows.contains_key(*name)).cloned().collect();
        for name in lost {
            let jobs = self.world.jobs.remove(&name).unwrap_or_default();
            self.tell(job_changes(&jobs.rows, &std::collections::BTreeMap::new()));
            self.service.memory().counts.remove(&name);
        }
        self.world.queues = rows;
        Ok(())
    }

    async fn look_at_jobs(&mut self, queue: &str) -> Result<(), BackendError> {
        let deep = self.round.is_multiple_of(DEEP_ROUND);
        let survey = self.service.survey(Background, queue, deep).await?;
        let before = self.world.jobs.get(queue).cloned().unwrap_or_default();
        let mut jobs = before.clone();
        let missing = jobs.settle(survey);
        let found = match self.service.describe(Background, &missing).await {
            // Who may list and not describe finds them again where ended jobs are listed.
            Err(BackendError::Refused { .. } | BackendError::Malformed { .. }) => Vec::new(),
            found => found?,
        };
        jobs.rows.extend(found.iter().map(|detail| (detail.job_id.clone(), row(detail))));
        let mut rows: Vec<_> = jobs.rows.values_mut().collect();
        rows.sort_by_key(|row| interest(row));
        self.service.enrich(Background, rows, DESCRIBED).await?;

        self.tell(job_changes(&before.rows, &jobs.rows));
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
        Ok(())
    }

    async fn look_at_schedules(&mut self) -> Result<(), BackendError> {
        let schedules = match self.service.schedules(Background).await {
            // Jobs are watched all the same.
            Err(error @ (BackendError::Refused { .. } | BackendError::Malformed { .. })) => {
                self.sees_schedules = false;
                self.tell(vec![What::Notice(format!("schedules are not watched: {error}"))]);
                return Ok(());
            }
            schedules => schedules?,
        };
        let schedules =
            schedules.into_iter().map(|each| ((each.group_name.clone(), each.name.clone()), each)).collect();
        self.tell(schedule_changes(&self.world.schedules, &schedules));
        self.world.schedules = schedules;
        Ok(())
    }

    fn end_round(&mut self) {
        self.ready.push_back(What::Alive { consoles: 1 });
        let busy = self.world.jobs.values().any(super::world::QueueJobs::is_busy);
        self.pause = next_pause(self.pause, busy || self.changed);
        self.round += 1;
        (self.changed, self.slowed) = (false, false);
        self.steps.extend([Step::Pause, Step::Ground]);
    }

    /// Tries the step again after a pause, and says so once a round.
    fn slow_down(&mut self, step: Step, message: &str) {
        if !self.slowed {
            self.ready.push_back(What::Notice(format!("AWS asks for fewer calls ({message}); polling is slower")));
            self.slowed = true;
        }
        self.pause = SLOW;
        self.steps.push_front(step);
        self.steps.push_front(Step::Pause);
    }

    fn tell(&mut self, changes: Vec<What>) {
        self.changed |= !changes.is_empty();
        self.ready.extend(changes);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut memory = self.service.memory();
        memory.watches -= 1;
        // What was found but not handed out would be missing for the next watcher.
        if self.ready.is_empty() {
            memory.parked = Some((self.cursor, std::mem::take(&mut self.world)));
        }
    }
}

/// What to describe first: jobs that hold a place, then those that wait, then those that failed, the newest first.
fn interest(row: &JobSummary) -> (u8, std::cmp::Reverse<i64>) {
    use crate::model::JobStatus::{Failed, Pending, Runnable, Running, Starting, Submitted, Succeeded};
    let rank = match row.status {
        Running | Starting => 0,
        Runnable | Pending | Submitted => 1,
        Failed => 2,
        Succeeded => 3,
    };
    (rank, std::cmp::Reverse(row.created_at))
}

/// How long to wait before the next round: short while anything goes on, longer and longer when nothing does.
fn next_pause(before: Duration, lively: bool) -> Duration {
    if lively { QUICK } else { (before * 2).min(SLOW) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_become_rare_when_nothing_goes_on_and_quick_again_at_once() {
        let mut pause = QUICK;
        let mut seconds = Vec::new();
        for lively in [true, false, false, false, false, true] {
            pause = next_pause(pause, lively);
            seconds.push(pause.as_secs());
        }
        assert_eq!(seconds, [3, 6, 12, 15, 15, 3]);
    }
}
