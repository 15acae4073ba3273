//! Jobs change state. All of it goes through [`Engine::change`], which keeps every list that a job stands in.

use crate::engine::Engine;
use crate::engine::event::{Event, Submission, Verdict};
use crate::engine::index::{Facts, Whole};
use crate::engine::job::{Array, Attempt, Counts, End, Job, Key, Nodes, Root, Stop};
use crate::engine::machine::Machine;
use crate::engine::shared::{Shared, Text};
use crate::model::{DependencyKind, InstanceId, JobId, JobStatus, Millis, Usage};

impl Engine {
    /// What happens to jobs and their attempts.
    pub(super) fn fold_job(&mut self, event: &Event) {
        match event {
            Event::JobSubmitted { at, job } => self.submitted(*at, job),
            Event::JobPending { at, job } => {
                self.waits(job, *at, |job| job.status == JobStatus::Submitted, JobStatus::Pending);
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
                self.blocked(job, reason.as_deref());
            }
            Event::JobHeld { job, .. } => self.on_all(job, |job| job.status.is_waiting(), |job| job.held = true),
            Event::JobReleased { job, .. } => self.on_all(job, |job| job.held, |job| job.held = false),
            Event::JobMoved { job, queue, share, front, .. } => {
                if let Some(queue) = queue {
                    self.moved(job, queue, share.as_deref());
                }
                if *front {
                    self.core.last_front += 1;
                    let front = self.core.last_front;
                    self.on_all(job, |job| job.status.is_waiting(), |job| job.front = front);
                }
            }
            Event::JobStopRequested { job, terminate, reason, .. } => self.stop_requested(job, *terminate, reason),
            Event::JobReprioritised { job, priority, .. } => {
                self.on_all(job, |job| job.status.is_waiting(), |job| job.priority = *priority);
                self.on(job, |job| job.priority = *priority);
            }
            Event::JobEnded { at, job, status, reason } => self.ended(job, *status, reason.as_deref(), *at),
            Event::JobsForgotten { jobs, .. } => jobs.iter().for_each(|job| self.forgotten(job)),
            Event::AttemptPlaced { at, job, instance, task_id, .. } => self.placed(job, instance, task_id, *at),
            Event::NodesPlaced { at, job, nodes, .. } => self.nodes_placed(job, nodes, *at),
            Event::AttemptStarted { at, job, number, started_at, address } => {
                self.started(job, *number, *started_at, address.as_deref(), *at);
            }
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
                containers,
            } => {
                let end = End {
                    at: *stopped_at,
                    code: *code,
                    reason: reason.clone(),
                    status_reason: status_reason.clone(),
                    usage: *usage,
                    containers: containers.clone(),
                };
                self.attempt_ended(job, *number, *started_at, end, *verdict, *at);
            }
            _ => {}
        }
    }

    /// Changes one job and keeps every list it stands in.
    pub(super) fn change(&mut self, key: Key, with: impl FnOnce(&mut Job)) {
        let Some(root) = self.core.jobs.get_mut(&key.number) else { return };
        let (before, whole) = (Facts::of(root, key), Whole::of(root));
        let Some(job) = root.get_mut(key.slot) else { return };
        let (old, held) = (job.status, job.held);
        with(job);
        job.held &= !job.status.is_final();
        let (new, holds, at) = (job.status, job.held, job.since);
        if old != new {
            self.moved.insert(key);
        }
        if let (Some(array), true) = (&mut root.array, key.slot > 0) {
            if old != new {
                array.counts.take(old);
                array.counts.add(new, 1);
                // A clock that was set back leaves younger children behind.
                array.counted_at = if at < array.counted_at { array.latest() } else { at };
            }
            array.held = array.held + u32::from(holds) - u32::from(held);
        }
        self.index.replace(root, key, before);
        self.index.replace_whole(root, key.number, whole);
        self.reordered(key, before);
    }

    pub(super) fn on(&mut self, id: &JobId, with: impl FnOnce(&mut Job)) {
        if let Some(key) = self.index.key(id) {
            self.change(key, with);
        }
    }

    /// The jobs that an event on this id is about: itself, or the children of a parent.
    pub(super) fn leaves(&self, key: Key) -> Vec<Key> {
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

    pub(super) fn submitted(&mut self, at: Millis, spec: &Submission) {
        self.core.last_number += 1;
        let number = self.core.last_number;
        let job = Job { priority: self.first_priority(spec, &spec.queue), ..Job::new(at) };
        let mut root = Root { spec: spec.clone(), job: job.clone(), array: None, nodes: None };
        if let Some(size) = spec.array_size {
            let mut counts = Counts::default();
            counts.add(JobStatus::Submitted, u64::from(size));
            let children = vec![job; size as usize];
            root.array = Some(Box::new(Array { children, counts, counted_at: at, held: 0, started_at: None }));
        }
        if let Some(nodes) = spec.rare.as_ref().and_then(|rare| rare.nodes) {
            let (main, nodes) = (nodes.main, vec![Job::new(at); nodes.count as usize]);
            root.nodes = Some(Box::new(Nodes { nodes, main, retrying: false }));
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
    pub(super) fn waits(&mut self, id: &JobId, at: Millis, which: impl Fn(&Job) -> bool, status: JobStatus) {
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

    pub(super) fn ended(&mut self, id: &JobId, status: JobStatus, reason: Option<&str>, at: Millis) {
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
    pub(super) fn finish(&mut self, key: Key, status: JobStatus, reason: Option<Text>, at: Millis) {
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

    /// An ended submission waits for nobody.
    fn leave_dependencies(&mut self, number: u64) {
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

    pub(super) fn forgotten(&mut self, id: &JobId) {
        let Some(number) = self.index.ids.get(id) else { return };
        let Some(root) = self.core.jobs.remove(&number) else { return };
        self.index.dependents.remove(&number);
        self.index.leave(number, &root, self.core.queues.contains_key(&root.spec.queue));
    }

    pub(super) fn placed(&mut self, id: &JobId, instance: &InstanceId, task_id: &str, at: Millis) {
        let Some(key) = self.index.key(id) else { return };
        let Some(need) = self.core.jobs.get(&key.number).map(|root| root.spec.need) else { return };
        let environment = self.change_host(instance, |host| {
            host.used_milli += need.vcpus_milli;
            host.used_mib += need.memory_mib;
            host.used_gpus += need.gpus;
            host.promised = host.promised.with(need.into());
            host.placed.insert(key);
            host.idle_since = None;
            Text::from(host.environment.as_str())
        });
        if let Some(environment) = environment {
            self.use_up(key.number);
            self.begin_attempt(key, instance, environment, task_id, at);
        }
    }

    pub(super) fn begin_attempt(
        &mut self,
        key: Key,
        instance: &InstanceId,
        environment: Text,
        task_id: &str,
        at: Millis,
    ) {
        let bill = self.bill(key, instance);
        let gpus = self.free_gpus(key, instance);
        let cluster = self.core.environments.get(&*environment).map_or("", |found| found.cluster.as_str()).into();
        let attempt = Attempt {
            instance: instance.clone(),
            environment,
            cluster,
            task_id: task_id.to_owned(),
            placed_at: at,
            bill: bill.map(Box::new),
            started_at: None,
            gpus,
            address: None,
            end: None,
        };
        self.change(key, |job| {
            job.enter(JobStatus::Starting, at);
            job.attempts.push(attempt);
        });
    }

    pub(super) fn started(&mut self, id: &JobId, number: u32, started_at: Millis, address: Option<&str>, at: Millis) {
        let Some(key) = self.index.key(id) else { return };
        self.change(key, |job| {
            if job.attempt_number() == number && job.status == JobStatus::Starting {
                job.enter(JobStatus::Running, at);
                if let Some(attempt) = job.attempts.last_mut() {
                    attempt.started_at = Some(started_at);
                    attempt.address = address.map(Text::from);
                }
            }
        });
        self.array_started(key, started_at);
        self.node_started(key, at);
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
        let (need, node) = (root.spec.need, root.is_node(key.slot));
        let Some(job) = root.get(key.slot).filter(|job| job.attempt_number() == number) else { return };
        let Some(instance) = job.live().map(|attempt| attempt.instance.clone()) else { return };
        self.change_host(&instance, |host| {
            // A node has an instance for itself.
            if node {
                (host.used_milli, host.used_mib, host.used_gpus) = (0, 0, 0);
                host.promised = Machine::default();
            } else {
                host.used_milli = host.used_milli.saturating_sub(need.vcpus_milli);
                host.used_mib = host.used_mib.saturating_sub(need.memory_mib);
                host.used_gpus = host.used_gpus.saturating_sub(need.gpus);
                host.promised = host.promised.without(need.into());
            }
            host.placed.remove(&key);
            if host.placed.is_empty() {
                host.idle_since = Some(at);
            }
        });
        self.usage.remove(&key);
        self.enter_attempt(key, end.at.min(at));
        self.observe(key, &end, started_at, verdict);
        if let Some(started_at) = started_at {
            self.array_started(key, started_at);
        }
        let reason = Text::from(end.status_reason.as_str());
        self.change(key, |job| {
            if let Some(attempt) = job.attempts.last_mut() {
                attempt.started_at = started_at.or(attempt.started_at);
                attempt.end = Some(Box::new(end));
            }
            if verdict == Verdict::Retry && !node {
                job.enter(JobStatus::Runnable, at);
            }
        });
        if node {
            return self.node_ended(key, verdict, &reason, at);
        }
        match verdict {
            Verdict::Succeeded => self.finish(key, JobStatus::Succeeded, Some(reason), at),
            Verdict::Failed => self.finish(key, JobStatus::Failed, Some(reason), at),
            Verdict::Retry => {}
        }
    }

    pub(in crate::engine) fn job(&self, key: Key) -> Option<&Job> {
        self.core.jobs.get(&key.number)?.get(key.slot)
    }

    pub(in crate::engine) fn note(&mut self, key: Key, number: u32, usage: Usage) {
        let live = self.job(key).is_some_and(|job| job.live().is_some() && job.attempt_number() == number);
        if live {
            self.usage.insert(key, usage);
        }
    }
}
