//! Events become state. Total: an event that was decided on always applies, and one that names what is not there is
//! passed over.

use super::Engine;
use super::event::{Event, Submission, Verdict};
use super::index::{Facts, QueueIndex, Whole};
use super::job::{Array, Attempt, Counts, End, Job, Key, Root, Stop};
use super::shared::{Shared, Text};
use super::state::{AUDIT_KEPT, Environment, Host, Queue, RUNS_KEPT, Scheduled, schedule_key};
use crate::model::{
    DependencyKind, Health, InstanceId, InstanceState, JobId, JobStatus, Millis, Schedule, ScheduleRun, Switch, Usage,
};
use std::collections::{BTreeSet, VecDeque};

impl Engine {
    pub(super) fn fold(&mut self, event: &Event) {
        match event {
            Event::EnvironmentCreated { request, cluster, status, status_reason, .. } => {
                let name = request.compute_environment_name.clone();
                let resources = request.compute_resources.clone().unwrap_or_default();
                let count = |vcpus: Option<i32>| vcpus.and_then(|vcpus| u32::try_from(vcpus).ok());
                self.index.know_types(&name, &resources.instance_types);
                let environment = Environment {
                    request: (**request).clone(),
                    cluster: cluster.clone(),
                    state: request.state.unwrap_or_default(),
                    status: *status,
                    status_reason: status_reason.clone(),
                    minimum: count(resources.minv_cpus).unwrap_or(0),
                    maximum: count(resources.maxv_cpus).unwrap_or(0),
                    raise_to: count(resources.desiredv_cpus).filter(|desired| *desired > 0),
                    grace_milli: 0,
                };
                self.core.environments.insert(name, environment);
            }
            Event::EnvironmentUpdated { name, state, minimum, maximum, desired, .. } => {
                let total = self.core.total_milli(name);
                let Some(environment) = self.core.environments.get_mut(name) else { return };
                environment.state = state.unwrap_or(environment.state);
                environment.minimum = minimum.unwrap_or(environment.minimum);
                environment.maximum = maximum.unwrap_or(environment.maximum);
                if desired.is_some() {
                    environment.raise_to = *desired;
                }
                environment.grace_milli = if total > environment.maximum_milli() { total } else { 0 };
                self.settle_environment(name);
            }
            Event::EnvironmentDeleting { name, .. } => {
                if let Some(environment) = self.core.environments.get_mut(name) {
                    environment.status = Health::Deleting;
                }
            }
            Event::EnvironmentDeleted { name, .. } => {
                self.core.environments.remove(name);
                self.index.types.remove(name);
            }
            Event::QueueCreated { name, state, priority, environments, tags, .. } => {
                let queue = Queue {
                    state: *state,
                    status: Health::Valid,
                    priority: *priority,
                    environments: environments.clone(),
                    tags: tags.clone(),
                };
                self.core.queues.insert(name.clone(), queue);
                self.index.queues.entry(name.clone()).or_default();
            }
            Event::QueueUpdated { name, state, priority, environments, .. } => {
                let Some(queue) = self.core.queues.get_mut(name) else { return };
                queue.state = state.unwrap_or(queue.state);
                queue.priority = priority.unwrap_or(queue.priority);
                if let Some(environments) = environments {
                    queue.environments.clone_from(environments);
                }
            }
            Event::QueueDeleting { name, .. } => {
                if let Some(queue) = self.core.queues.get_mut(name) {
                    queue.status = Health::Deleting;
                }
            }
            Event::QueueDeleted { name, .. } => {
                self.core.queues.remove(name);
                if self.index.queues.get(name).is_some_and(|queue| *queue == QueueIndex::default()) {
                    self.index.queues.remove(name);
                }
            }
            Event::DefinitionRegistered { definition, .. } => {
                let revisions = self.core.definitions.entry(definition.job_definition_name.clone()).or_default();
                revisions.insert(definition.revision, (**definition).clone());
            }
            Event::DefinitionDeregistered { name, revision, .. } => {
                let revisions = self.core.definitions.get_mut(name);
                if let Some(definition) = revisions.and_then(|revisions| revisions.get_mut(revision)) {
                    "INACTIVE".clone_into(&mut definition.status);
                }
            }
            Event::JobSubmitted { at, job } => self.submitted(*at, job),
            Event::JobPending { at, job } => {
                self.waits(job, *at, |job| job.status == JobStatus::Submitted, JobStatus::Pending)
            }
            Event::JobRunnable { at, job } => {
                self.waits(
                    job,
                    *at,
                    |job| job.status.is_waiting() && job.unmet == 0 && !job.doomed,
                    JobStatus::Runnable,
                );
            }
            Event::JobBlocked { job, reason, .. } => {
                self.on(job, |job| job.status_reason = reason.as_deref().map(Text::from));
            }
            Event::JobStopRequested { job, terminate, reason, .. } => self.stop_requested(job, *terminate, reason),
            Event::JobReprioritised { job, priority, .. } => {
                self.on_all(job, |job| job.status.is_waiting(), |job| job.priority = *priority);
                self.on(job, |job| job.priority = *priority);
            }
            Event::JobEnded { at, job, status, reason } => self.ended(job, *status, reason.as_deref(), *at),
            Event::JobsForgotten { jobs, .. } => jobs.iter().for_each(|job| self.forgotten(job)),
            Event::AttemptPlaced { at, job, instance, task_id, .. } => self.placed(job, instance, task_id, *at),
            Event::AttemptStarted { at, job, number, started_at } => self.started(job, *number, *started_at, *at),
            Event::AttemptEnded {
                at,
                job,
                number,
                started_at,
                stopped_at,
                code,
                reason,
                status_reason,
                usage,
                verdict,
            } => {
                let end = End {
                    at: *stopped_at,
                    code: *code,
                    reason: reason.clone(),
                    status_reason: status_reason.clone(),
                    usage: *usage,
                };
                self.attempt_ended(job, *number, *started_at, end, *verdict, *at);
            }
            Event::InstanceLaunched { at, instance, environment, instance_type, vcpus_milli, memory_mib } => {
                let host = Host {
                    environment: environment.clone(),
                    instance_type: instance_type.clone(),
                    state: InstanceState::Pending,
                    launched_at: *at,
                    vcpus_milli: *vcpus_milli,
                    memory_mib: *memory_mib,
                    used_milli: 0,
                    used_mib: 0,
                    placed: BTreeSet::new(),
                    idle_since: None,
                    pid: None,
                };
                self.core.instances.insert(instance.clone(), host);
                self.settle_environment(environment);
            }
            Event::InstanceRegistered { at, instance, pid } => {
                let Some(host) = self.core.instances.get_mut(instance) else { return };
                host.pid = Some(*pid);
                if host.state == InstanceState::Pending {
                    host.state = InstanceState::Active;
                }
                if host.placed.is_empty() && host.idle_since.is_none() {
                    host.idle_since = Some(*at);
                }
            }
            Event::InstanceDraining { instance, .. } => {
                if let Some(host) = self.core.instances.get_mut(instance) {
                    host.state = InstanceState::Draining;
                }
            }
            Event::InstanceLost { instance, .. } | Event::InstanceEnded { instance, .. } => {
                if let Some(host) = self.core.instances.remove(instance) {
                    self.settle_environment(&host.environment);
                }
            }
            Event::ScheduleSaved { schedule, next, .. } => self.schedule_saved(schedule, *next),
            Event::ScheduleDeleted { group, name, .. } => {
                let key = schedule_key(group, name);
                if let Some(next) = self.core.schedules.remove(&key).and_then(|scheduled| scheduled.next) {
                    self.index.firing.remove(&(next, key));
                }
            }
            Event::ScheduleRan { run, next, .. } => self.schedule_ran(run, *next),
            Event::Audited { entry, .. } => {
                self.core.audit.push_back(entry.clone());
                if self.core.audit.len() > AUDIT_KEPT {
                    self.core.audit.pop_front();
                }
            }
        }
    }

    /// Changes one job and keeps every list it stands in.
    fn change(&mut self, key: Key, with: impl FnOnce(&mut Job)) {
        let Some(root) = self.core.jobs.get_mut(&key.number) else { return };
        let (before, whole) = (Facts::of(root, key), Whole::of(root));
        let Some(job) = root.get_mut(key.slot) else { return };
        let old = job.status;
        with(job);
        let new = job.status;
        if let (Some(array), true) = (&mut root.array, key.slot > 0 && old != new) {
            array.counts.take(old);
            array.counts.add(new, 1);
        }
        self.index.replace(root, key, before);
        self.index.replace_whole(root, key.number, whole);
    }

    fn on(&mut self, id: &JobId, with: impl FnOnce(&mut Job)) {
        if let Some(key) = self.index.key(id) {
            self.change(key, with);
        }
    }

    /// The jobs that an event on this id is about: itself, or the children of a parent.
    fn leaves(&self, key: Key) -> Vec<Key> {
        match self.core.jobs.get(&key.number) {
            Some(root) if key.slot == 0 => root.leaves().map(|slot| Key { number: key.number, slot }).collect(),
            Some(_) => vec![key],
            None => Vec::new(),
        }
    }

    fn on_all(&mut self, id: &JobId, which: impl Fn(&Job) -> bool, mut with: impl FnMut(&mut Job)) {
        let Some(key) = self.index.key(id) else { return };
        for leaf in self.leaves(key) {
            self.change(leaf, |job| {
                if which(job) {
                    with(job);
                }
            });
        }
    }

    fn submitted(&mut self, at: Millis, spec: &Submission) {
        self.core.last_number += 1;
        let number = self.core.last_number;
        let mut root = Root { spec: spec.clone(), job: Job::new(at), array: None };
        if let Some(size) = spec.array_size {
            let mut counts = Counts::default();
            counts.add(JobStatus::Submitted, u64::from(size));
            let children = vec![Job::new(at); size as usize];
            root.array = Some(Box::new(Array { children, counts, started_at: None }));
        }
        self.count_dependencies(&mut root);
        self.index.enter(number, &root);
        self.index.enter_dependencies(&self.core, number, &root);
        self.core.jobs.insert(number, root);
    }

    /// Counts what each job of a new submission waits for.
    fn count_dependencies(&self, root: &mut Root) {
        for dependency in &root.spec.depends_on.clone() {
            let target = dependency.job_id.as_ref().and_then(|id| self.index.key(id));
            let found = target.and_then(|key| Some((key, self.core.jobs.get(&key.number)?)));
            for slot in root.leaves() {
                let waits_for = match (dependency.kind, found) {
                    (Some(DependencyKind::Sequential), _) => (slot > 1).then_some(JobStatus::Submitted),
                    (Some(DependencyKind::NToN), Some((_, target))) => target.get(slot).map(|job| job.status),
                    (None, Some((key, target))) => target.get(key.slot).map(|job| job.status),
                    (_, None) => None,
                };
                let Some(job) = root.get_mut(slot) else { continue };
                match waits_for {
                    None | Some(JobStatus::Succeeded) => {}
                    Some(JobStatus::Failed) => {
                        job.unmet += 1;
                        job.doomed = true;
                    }
                    Some(_) => job.unmet += 1,
                }
            }
        }
    }

    /// Moves a job to PENDING or RUNNABLE; of an array's parent, the children that it is about, and the parent with them.
    fn waits(&mut self, id: &JobId, at: Millis, which: impl Fn(&Job) -> bool, status: JobStatus) {
        let Some(key) = self.index.key(id) else { return };
        self.on_all(id, |job| which(job) && job.status < status, |job| job.enter(status, at));
        let is_array = self.core.jobs.get(&key.number).is_some_and(|root| root.array.is_some());
        if is_array {
            self.change(Key::root(key.number), |parent| {
                if parent.status == JobStatus::Submitted {
                    parent.enter(JobStatus::Pending, at);
                }
            });
        }
    }

    fn stop_requested(&mut self, id: &JobId, terminate: bool, reason: &str) {
        let stop = Shared::new(Stop { terminate, reason: Text::from(reason) });
        let hits = |job: &Job| job.stop.is_none() && (job.status.is_waiting() || terminate && job.status.is_placed());
        self.on_all(id, hits, |job| job.stop = Some(stop.clone()));
        let Some(key) = self.index.key(id) else { return };
        if key.slot == 0 {
            self.change(key, |parent| {
                let outranks = parent.stop.as_ref().is_none_or(|known| terminate && !known.terminate);
                if outranks && !parent.status.is_final() {
                    parent.stop = Some(stop.clone());
                }
            });
        }
    }

    fn ended(&mut self, id: &JobId, status: JobStatus, reason: Option<&str>, at: Millis) {
        let Some(key) = self.index.key(id) else { return };
        let reason = reason.map(Text::from);
        for leaf in self.leaves(key) {
            if self.job(leaf).is_some_and(|job| !job.status.is_final()) {
                self.finish(leaf, status, reason.clone(), at);
            }
        }
        if self.job(key).is_some_and(|job| !job.status.is_final()) {
            self.finish(key, status, reason, at);
        }
    }

    /// Ends a job for good and tells those who wait for it.
    fn finish(&mut self, key: Key, status: JobStatus, reason: Option<Text>, at: Millis) {
        self.change(key, |job| {
            job.enter(status, at);
            job.status_reason = reason;
        });
        for waiter in self.waiters(key) {
            self.change(waiter, |job| match status {
                _ if job.status > JobStatus::Pending => {}
                JobStatus::Succeeded => job.unmet = job.unmet.saturating_sub(1),
                _ => job.doomed = true,
            });
        }
        if key.slot == 0 {
            self.leave_dependencies(key.number);
        }
    }

    /// The jobs that wait for just this one.
    fn waiters(&self, key: Key) -> Vec<Key> {
        let mut waiters = Vec::new();
        for dependent in self.index.dependents.get(&key.number).into_iter().flatten() {
            let waiter = Key::root(dependent.waiter);
            match (dependent.n_to_n, key.slot) {
                (true, 0) => {}
                (true, slot) => waiters.push(Key { number: dependent.waiter, slot }),
                (false, slot) if slot == dependent.on => waiters.extend(self.leaves(waiter)),
                (false, _) => {}
            }
        }
        let sequential = self.core.jobs.get(&key.number).is_some_and(|root| {
            root.spec.depends_on.iter().any(|dependency| dependency.kind == Some(DependencyKind::Sequential))
        });
        if sequential && key.slot > 0 {
            waiters.push(Key { number: key.number, slot: key.slot + 1 });
        }
        waiters
    }

    /// An ended submission waits for nobody, and nobody for it.
    fn leave_dependencies(&mut self, number: u64) {
        self.index.dependents.remove(&number);
        let Some(root) = self.core.jobs.get(&number) else { return };
        for (target, dependent) in self.index.dependencies(number, root) {
            if let Some(dependents) = self.index.dependents.get_mut(&target) {
                dependents.remove(&dependent);
                if dependents.is_empty() {
                    self.index.dependents.remove(&target);
                }
            }
        }
    }

    fn forgotten(&mut self, id: &JobId) {
        let Some(number) = self.index.ids.get(id).copied() else { return };
        let Some(root) = self.core.jobs.remove(&number) else { return };
        self.index.leave(number, &root, self.core.queues.contains_key(&root.spec.queue));
    }

    fn placed(&mut self, id: &JobId, instance: &InstanceId, task_id: &str, at: Millis) {
        let Some(key) = self.index.key(id) else { return };
        let Some(need) = self.core.jobs.get(&key.number).map(|root| root.spec.need) else { return };
        let Some(host) = self.core.instances.get_mut(instance) else { return };
        host.used_milli += need.vcpus_milli;
        host.used_mib += need.memory_mib;
        host.placed.insert(key);
        host.idle_since = None;
        let environment = Text::from(host.environment.as_str());
        let cluster = self.core.environments.get(&host.environment).map_or("", |found| found.cluster.as_str()).into();
        let attempt = Attempt {
            instance: instance.clone(),
            environment,
            cluster,
            task_id: task_id.to_owned(),
            placed_at: at,
            started_at: None,
            end: None,
        };
        self.change(key, |job| {
            job.enter(JobStatus::Starting, at);
            job.attempts.push(attempt);
        });
    }

    fn started(&mut self, id: &JobId, number: u32, started_at: Millis, at: Millis) {
        let Some(key) = self.index.key(id) else { return };
        self.change(key, |job| {
            if job.attempt_number() == number && job.status == JobStatus::Starting {
                job.enter(JobStatus::Running, at);
                if let Some(attempt) = job.attempts.last_mut() {
                    attempt.started_at = Some(started_at);
                }
            }
        });
        self.array_started(key, started_at);
    }

    fn array_started(&mut self, key: Key, at: Millis) {
        let array = self.core.jobs.get_mut(&key.number).and_then(|root| root.array.as_mut());
        if let Some(array) = array {
            array.started_at.get_or_insert(at);
        }
    }

    fn attempt_ended(
        &mut self,
        id: &JobId,
        number: u32,
        started_at: Option<Millis>,
        end: End,
        verdict: Verdict,
        at: Millis,
    ) {
        let Some(key) = self.index.key(id) else { return };
        let Some(root) = self.core.jobs.get(&key.number) else { return };
        let need = root.spec.need;
        let Some(job) = root.get(key.slot).filter(|job| job.attempt_number() == number) else { return };
        let Some(instance) = job.live().map(|attempt| attempt.instance.clone()) else { return };
        if let Some(host) = self.core.instances.get_mut(&instance) {
            host.used_milli = host.used_milli.saturating_sub(need.vcpus_milli);
            host.used_mib = host.used_mib.saturating_sub(need.memory_mib);
            host.placed.remove(&key);
            if host.placed.is_empty() {
                host.idle_since = Some(at);
            }
        }
        self.usage.remove(&key);
        if let Some(started_at) = started_at {
            self.array_started(key, started_at);
        }
        let reason = Text::from(end.status_reason.as_str());
        self.change(key, |job| {
            if let Some(attempt) = job.attempts.last_mut() {
                attempt.started_at = started_at.or(attempt.started_at);
                attempt.end = Some(Box::new(end));
            }
            if verdict == Verdict::Retry {
                job.enter(JobStatus::Runnable, at);
            }
        });
        match verdict {
            Verdict::Succeeded => self.finish(key, JobStatus::Succeeded, Some(reason), at),
            Verdict::Failed => self.finish(key, JobStatus::Failed, Some(reason), at),
            Verdict::Retry => {}
        }
    }

    /// What an operator asked for has been reached, or what was there beyond the maximum has gone.
    fn settle_environment(&mut self, name: &str) {
        let total = self.core.total_milli(name);
        let Some(environment) = self.core.environments.get_mut(name) else { return };
        environment.raise_to = environment.raise_to.filter(|desired| u64::from(*desired) * 1000 > total);
        if environment.grace_milli > 0 {
            environment.grace_milli = if total > environment.maximum_milli() { total } else { 0 };
        }
    }

    fn schedule_saved(&mut self, schedule: &Schedule, next: Option<Millis>) {
        let key = schedule_key(&schedule.group_name, &schedule.name);
        let next = next.filter(|_| schedule.state == Switch::Enabled);
        let before = self.core.schedules.remove(&key);
        if let Some(old) = before.as_ref().and_then(|scheduled| scheduled.next) {
            self.index.firing.remove(&(old, key.clone()));
        }
        if let Some(next) = next {
            self.index.firing.insert((next, key.clone()));
        }
        let runs = before.map_or_else(VecDeque::new, |scheduled| scheduled.runs);
        self.core.schedules.insert(key, Scheduled { schedule: schedule.clone(), next, runs });
    }

    fn schedule_ran(&mut self, run: &ScheduleRun, next: Option<Millis>) {
        let key = schedule_key(&run.group_name, &run.schedule_name);
        let Some(scheduled) = self.core.schedules.get_mut(&key) else { return };
        if let Some(old) = scheduled.next {
            self.index.firing.remove(&(old, key.clone()));
        }
        if let Some(next) = next {
            self.index.firing.insert((next, key));
        }
        scheduled.next = next;
        scheduled.runs.push_back(run.clone());
        if scheduled.runs.len() > RUNS_KEPT {
            scheduled.runs.pop_front();
        }
    }

    pub(super) fn job(&self, key: Key) -> Option<&Job> {
        self.core.jobs.get(&key.number)?.get(key.slot)
    }

    pub(super) fn note(&mut self, key: Key, number: u32, usage: Usage) {
        let live = self.job(key).is_some_and(|job| job.live().is_some() && job.attempt_number() == number);
        if live {
            self.usage.insert(key, usage);
        }
    }
}
