//! Changes, found by polling inside the budget of calls. A round looks at queues and environments, then at the jobs of
//! each queue, the shortest way first: a call tells all of a queue with few jobs, and of one with many what runs. What
//! takes more calls comes after that, and never are all jobs of a large queue read. The queue that an operator looks at
//! is visited between all of this.

mod ground;
mod jobs;
mod schedules;

use super::budget::Caller::{self, Background, Watched};
use super::fleet::has_instances;
use super::history::History;
use super::rules::RuleName;
use super::service::Service;
use super::world::{QueueJobs, World};
use crate::backend::BackendError;
use crate::model::{Change, Cursor, JobStatus, Millis, What};
use futures::stream::{self, BoxStream, StreamExt};
use schedules::Sight;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const QUICK: Duration = Duration::from_secs(3);
const SLOW: Duration = Duration::from_secs(15);
/// The longest pause, after a round that itself took so long.
const LONGEST: Duration = Duration::from_mins(1);
/// How often the instances that are looked at are read.
const INSTANCES_PAUSE: Duration = Duration::from_secs(6);

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
    /// What of this round takes more calls.
    later: VecDeque<Step>,
    round: u64,
    round_began: Instant,
    pause: Duration,
    /// The queue that was looked at when it was visited last, and when that was.
    looked: Option<(String, Instant)>,
    /// The environment whose instances were looked at when they were read last, and when that was.
    looked_instances: Option<(String, Instant)>,
    /// Where among the jobs that no list meets one has come to.
    turn: usize,
    /// Whether anything changed in this round.
    changed: bool,
    /// Whether the watcher was told that polling is slowed down.
    slowed: bool,
    /// Queues of whose states it was looked up what AWS has forgotten.
    recalled: BTreeSet<(String, JobStatus)>,
    schedules: Sight,
    /// Whether the caller may read rules.
    sees_rules: bool,
    /// The names of rules that were found in this round.
    rule_names: BTreeSet<RuleName>,
    /// The event buses on which they are looked for.
    buses: Vec<String>,
}

#[derive(Debug, Clone)]
enum Step {
    Pause(Instant),
    /// Queues and environments.
    Ground,
    /// The newest jobs of a queue, and those that run.
    Jobs(String),
    /// The other states of a queue with many jobs.
    States(String),
    /// What lists do not tell of a queue's jobs.
    Sizes(String),
    /// The same, of what runs in any queue.
    Running,
    /// What was put off until every queue has been visited.
    Later,
    Schedules,
    /// The container instances of an environment.
    Instances(String),
    /// Which event buses there are.
    Buses,
    /// Which rules aim at a queue, by its ARN.
    RuleNames(String),
    /// What those rules say.
    Rules,
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
            later: VecDeque::new(),
            round: 0,
            round_began: Instant::now(),
            pause: QUICK,
            looked: None,
            looked_instances: None,
            turn: 0,
            changed: false,
            slowed: false,
            recalled: BTreeSet::new(),
            schedules: Sight::Clear,
            sees_rules: true,
            rule_names: BTreeSet::new(),
            buses: Vec::new(),
        }
    }

    async fn next(&mut self) -> Result<Change, BackendError> {
        loop {
            if let Some(what) = self.ready.pop_front() {
                self.cursor.0 += 1;
                return Ok(Change { cursor: self.cursor, at: now(), what });
            }
            self.take_next().await?;
        }
    }

    async fn take_next(&mut self) -> Result<(), BackendError> {
        let due =
            self.look_that_is_due().map(Step::Jobs).or_else(|| self.instances_that_are_due().map(Step::Instances));
        let step = due.unwrap_or_else(|| self.steps.pop_front().unwrap_or(Step::Ground));
        if let (Step::Jobs(queue), Some((looked, at))) = (&step, &self.looked)
            && queue == looked
            && at.elapsed() < self.pause
        {
            // It was visited just now.
            return Ok(());
        }
        match self.take(&step).await {
            Err(BackendError::Throttled { message }) => self.slow_down(step, &message),
            taken => taken?,
        }
        Ok(())
    }

    async fn take(&mut self, step: &Step) -> Result<(), BackendError> {
        match step {
            Step::Pause(until) => self.rest(*until).await,
            Step::Ground => self.look_at_ground().await?,
            Step::Jobs(queue) => self.look_at_jobs(queue).await?,
            Step::States(queue) => self.look_at_states(queue).await?,
            Step::Sizes(queue) => self.look_at_sizes(queue).await?,
            Step::Running => self.look_at_running().await?,
            Step::Later => {
                while let Some(step) = self.later.pop_back() {
                    self.steps.push_front(step);
                }
            }
            Step::Schedules => self.look_at_schedules().await?,
            Step::Instances(environment) => self.look_at_instances(environment).await?,
            Step::Buses => self.look_for_buses().await?,
            Step::RuleNames(queue) => self.look_for_rules(queue).await?,
            Step::Rules => self.look_at_rules().await?,
            Step::Alive => self.end_round(),
        }
        Ok(())
    }

    /// The queue that an operator looks at, where it has not been visited for a while.
    fn look_that_is_due(&self) -> Option<String> {
        let queue = self.looked_at()?;
        let visited = self.looked.as_ref().filter(|(last, _)| *last == queue);
        visited.is_none_or(|(_, at)| at.elapsed() >= self.pause).then_some(queue)
    }

    /// The environment that an operator looks at, where its instances have not been read for a while.
    fn instances_that_are_due(&self) -> Option<String> {
        let name = self.environment_looked_at()?;
        let read = self.looked_instances.as_ref().filter(|(last, _)| *last == name);
        read.is_none_or(|(_, at)| at.elapsed() >= INSTANCES_PAUSE).then_some(name)
    }

    fn environment_looked_at(&self) -> Option<String> {
        let name = self.service.memory().environment_looked_at.clone()?;
        self.world.environments.get(&name).is_some_and(has_instances).then_some(name)
    }

    fn looked_at(&self) -> Option<String> {
        let queue = self.service.memory().looked_at.clone()?;
        self.world.queues.contains_key(&queue).then_some(queue)
    }

    fn caller(&self, queue: &str) -> Caller {
        if self.service.memory().looked_at.as_deref() == Some(queue) { Watched } else { Background }
    }

    /// Waits until `until`, until a visit of the queue that is looked at is due, or until an operator wants more.
    async fn rest(&mut self, until: Instant) {
        if std::mem::take(&mut self.service.memory().hurry) {
            return;
        }
        let visit = self.looked.as_ref().map(|(_, at)| *at + self.pause).filter(|_| self.looked_at().is_some());
        let read = self.looked_instances.as_ref().map(|(_, at)| *at + INSTANCES_PAUSE);
        let read = read.filter(|_| self.environment_looked_at().is_some());
        let next = visit.into_iter().chain(read).fold(until, Instant::min);
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = self.service.wake.notified() => {}
        }
        let hurry = std::mem::take(&mut self.service.memory().hurry);
        if !hurry && Instant::now() < until {
            self.steps.push_front(Step::Pause(until));
        } else if hurry {
            // What it has come to is seen where one looks first.
            (self.looked, self.looked_instances) = (None, None);
        }
    }

    fn end_round(&mut self) {
        let problem = self.service.history.as_ref().and_then(History::take_problem);
        self.ready.extend(problem.map(What::Notice));
        self.ready.push_back(What::Alive { consoles: 1 });
        let busy = self.world.jobs.values().any(QueueJobs::is_busy);
        self.pause = next_pause(self.pause, busy || self.changed);
        self.round += 1;
        (self.changed, self.slowed) = (false, false);
        // Half of the time at most: others share what the account may call.
        let pause = self.pause.max(self.round_began.elapsed()).min(LONGEST);
        self.steps.extend([Step::Pause(Instant::now() + pause), Step::Ground]);
    }

    /// Tries the step again when the budget allows it, and says so once a round.
    fn slow_down(&mut self, step: Step, message: &str) {
        if !self.slowed {
            self.ready.push_back(What::Notice(format!("AWS asks for fewer calls ({message}); polling is slower")));
            self.slowed = true;
        }
        self.pause = SLOW;
        self.steps.push_front(step);
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

fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
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
