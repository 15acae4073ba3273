//! A round's beginning: queues, environments and the instances of those, and what else is to be read in it.

use super::schedules::Sight;
use super::{Step, Watcher, now};
use crate::backend::BackendError;
use crate::backend::aws::budget::Caller::{Background, Watched};
use crate::backend::aws::fleet::has_instances;
use crate::backend::aws::world::{environment_changes, job_changes, queue_changes};
use crate::model::{ComputeEnvironment, Health, What};
use std::collections::BTreeMap;
use tokio::time::Instant;

/// Instances of environments that nobody looks at are read in each so-manieth round, and in each so-manieth of these where
/// none is there and none is wanted.
const INSTANCES_ROUND: u64 = 4;
const EMPTY_ROUND: u64 = 4;
/// Schedules are listed in each so-manieth round, and after an operator has changed one.
const SCHEDULES_ROUND: u64 = 20;
/// Rules are looked for one round after schedules: the first round has enough to read.
const RULES_ROUND: u64 = 1;

impl Watcher {
    pub(super) async fn look_at_ground(&mut self) -> Result<(), BackendError> {
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

    pub(super) async fn look_at_instances(&mut self, name: &str) -> Result<(), BackendError> {
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
}
