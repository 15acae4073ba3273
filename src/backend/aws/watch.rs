//! Changes, found by polling inside the budget of calls. A round looks at queues and environments, then at the jobs of
//! each queue, the shortest way first: a call tells all of a queue with few jobs, and of one with many what runs. What
//! takes more calls comes after that, and never are all jobs of a large queue read. The queue that an operator looks at
//! is visited between all of this.

use super::budget::Caller::{self, Background, Watched};
use super::instances::has_instances;
use super::rules::RuleName;
use super::schedules::Key;
use super::service::Service;
use super::world::{QueueJobs, Survey, World, environment_changes, job_changes, queue_changes, schedule_changes};
use crate::backend::BackendError;
use crate::model::{Change, ComputeEnvironment, Cursor, Health, JobStatus, JobSummary, Millis, What, is_of_rules};
use futures::stream::{self, BoxStream, StreamExt};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const QUICK: Duration = Duration::from_secs(3);
const SLOW: Duration = Duration::from_secs(15);
/// The longest pause, after a round that itself took so long.
const LONGEST: Duration = Duration::from_mins(1);
/// Jobs described for their sizes in one visit of the queue that is looked at, and of another one.
const DESCRIBED: usize = 200;
const DESCRIBED_ELSEWHERE: usize = 100;
/// Jobs of a queue and a state that AWS has forgotten and that are looked up once.
const RECALLED: usize = 250;
/// Jobs that no list meets and are described in one visit.
const UNSEEN: usize = 100;
/// The same of a queue of service jobs: each takes a call.
const UNSEEN_OF_SERVICES: usize = 5;
/// Instances of environments that nobody looks at are read in each so-manieth round, and in each so-manieth of these where
/// none is there and none is wanted.
const INSTANCES_ROUND: u64 = 4;
const EMPTY_ROUND: u64 = 4;
/// How often the instances that are looked at are read.
const INSTANCES_PAUSE: Duration = Duration::from_secs(6);
/// Rules are looked for one round after schedules: the first round has enough to read.
const RULES_ROUND: u64 = 1;
/// Schedules are listed in each so-manieth round, and after an operator has changed one.
const SCHEDULES_ROUND: u64 = 20;
/// All states of large queues are listed in each so-manieth round.
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

/// Whether schedules can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Clear,
    /// They could not be when that was tried last, by what passes.
    Missed,
    /// The caller may not.
    Denied,
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

    async fn look_at_ground(&mut self) -> Result<(), BackendError> {
        self.round_began = Instant::now();
        let (queues, environments) =
            futures::try_join!(self.service.queues(Watched), self.service.environments(Watched))?;
        self.service.memory().read_at.ground = Some(now());
        self.plan_instances(&environments);
        let mut environments = environments;
        self.service.fill_in_instances(&mut environments);
        let environments = environments.into_iter().map(|each| (each.compute_environment_name.clone(), each)).collect();
        self.tell(environment_changes(&self.world.environments, &environments));
        self.world.environments = environments;
        self.tell_steps();

        self.steps.extend(queues.iter().map(|queue| Step::Jobs(queue.job_queue_name.clone())));
        self.steps.push_back(Step::Running);
        let changed = std::mem::take(&mut self.service.memory().schedules_changed);
        if self.schedules != Sight::Denied && (changed || self.round.is_multiple_of(SCHEDULES_ROUND)) {
            self.steps.push_back(Step::Schedules);
        }
        self.steps.push_back(Step::Later);
        if self.sees_rules && (changed || self.round % SCHEDULES_ROUND == RULES_ROUND) {
            self.rule_names.clear();
            self.steps.push_back(Step::Buses);
            self.steps.extend(queues.iter().map(|queue| Step::RuleNames(queue.job_queue_arn.clone())));
            self.steps.push_back(Step::Rules);
        }
        self.steps.push_back(Step::Alive);
        let mut rows = BTreeMap::new();
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
            self.tell(job_changes(&jobs.rows, &BTreeMap::new()));
            let mut memory = self.service.memory();
            memory.counts.remove(&name);
            memory.read_at.jobs.remove(&name);
        }
        self.world.queues = rows;
        Ok(())
    }

    /// Which environments' instances are read in this round: those of environments on the move, and from time to time the
    /// others. What is looked at has its own turn.
    fn plan_instances(&mut self, environments: &[ComputeEnvironment]) {
        let memory = self.service.memory();
        for one in environments.iter().filter(|one| has_instances(one)) {
            let name = &one.compute_environment_name;
            let wants_none = one.compute_resources.as_ref().is_some_and(|all| all.desiredv_cpus == Some(0));
            let every =
                if wants_none && memory.fleet.is_empty(name) { INSTANCES_ROUND * EMPTY_ROUND } else { INSTANCES_ROUND };
            let is_moving = one.status == Health::Updating;
            let is_looked_at = memory.environment_looked_at.as_ref() == Some(name);
            if !is_looked_at && (is_moving || self.round.is_multiple_of(every)) {
                self.later.push_back(Step::Instances(name.clone()));
            }
        }
    }

    async fn look_at_instances(&mut self, name: &str) -> Result<(), BackendError> {
        let Some(environment) = self.world.environments.get(name) else { return Ok(()) };
        let is_looked_at = self.service.memory().environment_looked_at.as_deref() == Some(name);
        let caller = if is_looked_at { Watched } else { Background };
        if is_looked_at {
            self.looked_instances = Some((name.to_owned(), Instant::now()));
        }
        let mut seen = vec![ComputeEnvironment { capacity: None, capacity_unread: None, ..environment.clone() }];
        self.service.read_instances(caller, environment).await?;
        if is_looked_at {
            self.service.read_activities(caller, name).await?;
        }
        self.service.learn_prices(Background).await;
        self.service.fill_in_instances(&mut seen);
        let seen =
            seen.into_iter().map(|each| (each.compute_environment_name.clone(), each)).collect::<BTreeMap<_, _>>();
        let before = [(name.to_owned(), environment.clone())].into();
        self.tell(environment_changes(&before, &seen));
        self.world.environments.extend(seen);
        self.tell_steps();
        Ok(())
    }

    /// Tells how instances came and went since the last time.
    fn tell_steps(&mut self) {
        let (steps, told) = self.service.memory().fleet.steps_after(self.world.steps_told);
        self.world.steps_told = told;
        self.tell(steps.into_iter().map(What::Scaling).collect());
    }

    async fn look_for_buses(&mut self) -> Result<(), BackendError> {
        match self.service.event_buses(Background).await {
            Ok(buses) => self.buses = buses,
            Err(error) => self.see_no_rules(error)?,
        }
        Ok(())
    }

    async fn look_for_rules(&mut self, queue: &str) -> Result<(), BackendError> {
        if !self.sees_rules {
            return Ok(());
        }
        match self.service.rule_names(Background, &self.buses, queue).await {
            Ok(names) => self.rule_names.extend(names),
            Err(error) => self.see_no_rules(error)?,
        }
        Ok(())
    }

    async fn look_at_rules(&mut self) -> Result<(), BackendError> {
        if !self.sees_rules {
            return Ok(());
        }
        let rules = match self.service.read_rules(Background, &self.rule_names).await {
            Ok(rules) => rules,
            Err(error) => return self.see_no_rules(error),
        };
        let is_rule = |(group, _): &&Key| is_of_rules(group);
        let keys: Vec<Key> = self.world.schedules.keys().filter(is_rule).cloned().collect();
        let before: BTreeMap<_, _> =
            keys.into_iter().filter_map(|key| self.world.schedules.remove_entry(&key)).collect();
        let rules = rules.into_iter().map(|each| ((each.group_name.clone(), each.name.clone()), each)).collect();
        self.tell(schedule_changes(&before, &rules));
        self.world.schedules.extend(rules);
        Ok(())
    }

    /// Rules stand beside what is watched: that they cannot be read is said once.
    fn see_no_rules(&mut self, error: BackendError) -> Result<(), BackendError> {
        if matches!(error, BackendError::Throttled { .. }) {
            return Err(error);
        }
        self.sees_rules = false;
        self.tell(vec![What::Notice(format!("rules of EventBridge are not watched: {error}"))]);
        Ok(())
    }

    async fn look_at_jobs(&mut self, queue: &str) -> Result<(), BackendError> {
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

    async fn look_at_states(&mut self, queue: &str) -> Result<(), BackendError> {
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

    async fn look_at_sizes(&mut self, queue: &str) -> Result<(), BackendError> {
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
    async fn look_at_running(&mut self) -> Result<(), BackendError> {
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

    async fn look_at_schedules(&mut self) -> Result<(), BackendError> {
        let schedules = match self.service.schedules(Background).await {
            // Jobs are watched all the same.
            Err(
                error @ (BackendError::Refused { .. }
                | BackendError::Malformed { .. }
                | BackendError::Unreachable { .. }),
            ) => {
                // What passes is asked for again in the next round; told of it is once.
                let sight = if passes(&error) { Sight::Missed } else { Sight::Denied };
                if std::mem::replace(&mut self.schedules, sight) != sight {
                    let notice = What::Notice(format!("schedules are not watched: {error}"));
                    self.tell(vec![notice, What::SchedulesUnread(Some(error.to_string()))]);
                }
                self.service.memory().schedules_changed |= sight == Sight::Missed;
                return Ok(());
            }
            schedules => schedules?,
        };
        let mut schedules: BTreeMap<_, _> =
            schedules.into_iter().map(|each| ((each.group_name.clone(), each.name.clone()), each)).collect();
        // Rules are read by themselves.
        let rules = self.world.schedules.iter().filter(|((group, _), _)| is_of_rules(group));
        schedules.extend(rules.map(|(key, rule)| (key.clone(), rule.clone())));
        if std::mem::replace(&mut self.schedules, Sight::Clear) != Sight::Clear {
            self.tell(vec![What::SchedulesUnread(None)]);
        }
        self.service.memory().read_at.schedules = Some(now());
        self.tell(schedule_changes(&self.world.schedules, &schedules));
        self.world.schedules = schedules;
        Ok(())
    }

    fn end_round(&mut self) {
        let problem = self.service.history.as_ref().and_then(super::history::History::take_problem);
        self.ready.extend(problem.map(What::Notice));
        self.ready.push_back(What::Alive { consoles: 1 });
        let busy = self.world.jobs.values().any(super::world::QueueJobs::is_busy);
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

/// Whether the same call may well succeed later.
fn passes(error: &BackendError) -> bool {
    match error {
        BackendError::Refused { code, .. } => {
            code.starts_with('5')
                || ["ServerException", "InternalServerException", "InternalFailure"].contains(&&**code)
        }
        BackendError::Malformed { .. } | BackendError::Unreachable { .. } => true,
        _ => false,
    }
}

fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
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
