//! Which rows events have changed. The work is that of the rows that come out.

use super::Engine;
use super::event::Event;
use super::job::Key;
use crate::model::{AuditEntry, JobId, ScheduleRun, What};
use std::collections::BTreeSet;

/// What a number of events touched, each once.
#[derive(Default)]
struct Touched<'a> {
    environments: BTreeSet<&'a str>,
    queues: BTreeSet<&'a str>,
    definitions: BTreeSet<(&'a str, u32)>,
    jobs: BTreeSet<Key>,
    schedules: BTreeSet<(&'a str, &'a str)>,
    watches: BTreeSet<&'a str>,
    gone_jobs: Vec<&'a JobId>,
    gone: Vec<What>,
    runs: Vec<&'a ScheduleRun>,
    audits: Vec<&'a AuditEntry>,
}

impl Engine {
    /// Rows as they are now. An event on a whole array touches its children too; its submission is the parent's row.
    pub(super) fn touched_rows(&self, events: &[Event]) -> Vec<What> {
        let mut touched = Touched::default();
        for event in events {
            self.touch(event, &mut touched);
            touched.gone.extend(self.scaling_of(event).cloned().map(What::Scaling));
        }
        let core = &self.core;
        let mut rows = Vec::new();
        for name in touched.environments {
            rows.push(match core.environments.get(name) {
                Some(found) => What::ComputeEnvironment(Box::new(self.environment_row(name, found))),
                None => What::ComputeEnvironmentGone(name.to_owned()),
            });
        }
        let definitions =
            touched.definitions.into_iter().filter_map(|(name, revision)| core.definition(name, revision));
        rows.extend(definitions.map(|definition| What::Definition(Box::new(definition.clone()))));
        rows.extend(touched.jobs.into_iter().filter_map(|key| Some(What::Job(Box::new(self.summary(key)?)))));
        rows.extend(touched.gone_jobs.into_iter().map(|job| What::JobGone(job.clone())));
        for name in touched.queues {
            rows.push(match core.queues.get(name) {
                Some(found) => What::Queue(Box::new(self.queue_row(name, found))),
                None => What::QueueGone(name.to_owned()),
            });
        }
        for (group, name) in touched.schedules {
            rows.push(match core.schedules.get(&super::state::schedule_key(group, name)) {
                Some(found) => What::Schedule(Box::new(found.schedule.clone())),
                None => What::ScheduleGone { group: group.to_owned(), name: name.to_owned() },
            });
        }
        for id in touched.watches {
            rows.push(match self.watch_of(id) {
                Some((_, watch)) => What::Watch(Box::new(watch.clone())),
                None => What::WatchGone(id.to_owned()),
            });
        }
        rows.extend(touched.runs.into_iter().map(|run| What::ScheduleRun(run.clone())));
        rows.extend(touched.audits.into_iter().map(|entry| What::Audit(entry.clone())));
        rows.extend(touched.gone);
        rows
    }

    fn touch<'a>(&'a self, event: &'a Event, touched: &mut Touched<'a>) {
        match event {
            Event::EnvironmentCreated { request, .. } => {
                touched.environments.insert(&request.compute_environment_name);
            }
            Event::EnvironmentUpdated { name, .. }
            | Event::EnvironmentDeleting { name, .. }
            | Event::EnvironmentDeleted { name, .. }
            | Event::EnvironmentPaused { name, .. }
            | Event::EnvironmentJudged { name, .. } => {
                touched.environments.insert(name);
            }
            Event::QueueCreated { name, .. }
            | Event::QueueUpdated { name, .. }
            | Event::QueueHeld { name, .. }
            | Event::QueueReleased { name, .. }
            | Event::QueueDeleting { name, .. }
            | Event::QueueDeleted { name, .. } => {
                touched.queues.insert(name);
            }
            Event::Settling { resource, .. }
            | Event::Settled { resource, .. }
            | Event::Tagged { resource, .. }
            | Event::Untagged { resource, .. } => touch_resource(resource, touched),
            // They are no rows of the console.
            Event::ServiceChanged { .. }
            | Event::PolicyCreated { .. }
            | Event::PolicyUpdated { .. }
            | Event::PolicyDeleted { .. }
            | Event::ConsumableCreated { .. }
            | Event::ConsumableUpdated { .. }
            | Event::ConsumableDeleted { .. }
            | Event::ScheduleGroupSaved { .. }
            | Event::ScheduleGroupDeleted { .. }
            | Event::DeadLettersCleared { .. } => {}
            Event::DefinitionRegistered { definition, .. } => {
                touched.definitions.insert((&definition.job_definition_name, definition.revision));
            }
            Event::DefinitionDeregistered { name, revision, .. } => {
                touched.definitions.insert((name, *revision));
            }
            Event::JobSubmitted { job, .. } => {
                touched.queues.insert(&job.queue);
                touched.jobs.extend(self.index.key(&job.id));
            }
            Event::JobPending { job, .. }
            | Event::JobRunnable { job, .. }
            | Event::JobBlocked { job, .. }
            | Event::JobStopRequested { job, .. }
            | Event::JobReprioritised { job, .. }
            | Event::JobHeld { job, .. }
            | Event::JobReleased { job, .. }
            | Event::JobEnded { job, .. }
            | Event::AttemptStarted { job, .. } => self.touch_job(job, touched),
            Event::JobMoved { job, queue, .. } => {
                self.touch_job(job, touched);
                // Which one it has left is not remembered; queues are few.
                if queue.is_some() {
                    touched.queues.extend(self.core.queues.keys().map(String::as_str));
                }
            }
            Event::AttemptPlaced { job, instance, .. } => {
                self.touch_job(job, touched);
                self.touch_host(&instance.0, touched);
            }
            Event::NodesPlaced { job, nodes, .. } => {
                self.touch_job(job, touched);
                if let Some((key, root, _)) = self.find(job) {
                    touched.jobs.extend(root.runners().map(|slot| Key { number: key.number, slot }));
                }
                for node in nodes {
                    self.touch_host(&node.instance.0, touched);
                }
            }
            Event::AttemptEnded { job, number, .. } => {
                self.touch_job(job, touched);
                let found = self.find(job).and_then(|(_, _, job)| job.attempts.get((*number as usize).checked_sub(1)?));
                if let Some(attempt) = found {
                    touched.environments.insert(&attempt.environment);
                }
            }
            Event::JobsForgotten { jobs, .. } => {
                touched.gone_jobs.extend(jobs);
                touched.queues.extend(self.core.queues.keys().map(String::as_str));
            }
            Event::InstanceLaunched { environment, .. } => {
                touched.environments.insert(environment);
            }
            Event::InstanceInterrupted { instance, for_update, .. } => {
                self.touch_host(&instance.0, touched);
                if !for_update {
                    let word = format!("The instance {instance} is interrupted: it ends in two minutes or sooner");
                    touched.gone.push(What::Notice(word));
                }
            }
            Event::InstanceRegistered { instance, .. }
            | Event::InstanceDraining { instance, .. }
            | Event::InstanceReclaimed { instance, .. } => {
                self.touch_host(&instance.0, touched);
            }
            Event::InstanceLost { instance, cause, .. } => {
                let word = format!("The instance {instance} is lost: {cause}");
                touched.gone.push(What::Notice(word));
                touched.environments.extend(self.core.environments.keys().map(String::as_str));
            }
            // Whose it was is not remembered; environments are few.
            Event::InstanceEnded { .. } => {
                touched.environments.extend(self.core.environments.keys().map(String::as_str));
            }
            Event::ScheduleSaved { schedule, .. } => {
                touched.schedules.insert((&schedule.group_name, &schedule.name));
            }
            Event::ScheduleDeleted { group, name, .. } => {
                touched.schedules.insert((group, name));
            }
            Event::ScheduleRan { run, dead_letter, .. } => {
                touched.runs.push(run);
                if let Some(letter) = dead_letter {
                    let word = format!(
                        "Schedule {}/{} gave up a firing: {}; see `batchdeck schedule dead-letters`",
                        letter.group_name, letter.schedule_name, letter.error
                    );
                    touched.gone.push(What::Notice(word));
                }
            }
            Event::ClockSetBack { at, from, next } => {
                let word = format!(
                    "The clock was set back by {} s; {} schedules are planned anew",
                    (from - at) / 1000,
                    next.len()
                );
                touched.gone.push(What::Notice(word));
            }
            Event::WatchSaved { watch, .. } => {
                touched.watches.insert(&watch.id);
            }
            Event::WatchRemoved { id, .. }
            | Event::WatchFired { id, .. }
            | Event::WatchCleared { id, .. }
            | Event::WatchEnded { id, .. }
            | Event::WatchAcknowledged { id, .. } => {
                touched.watches.insert(id);
            }
            Event::Audited { entry, .. } => touched.audits.push(entry),
        }
    }

    fn touch_job<'a>(&'a self, id: &JobId, touched: &mut Touched<'a>) {
        let Some((key, root, _)) = self.find(id) else { return };
        touched.queues.insert(&root.spec.queue);
        touched.jobs.insert(key);
        if root.nodes.is_some() {
            touched.jobs.insert(Key::root(key.number));
        }
        if root.array.is_some() {
            touched.jobs.insert(Key::root(key.number));
            if key.slot == 0 {
                touched.jobs.extend(root.leaves().map(|slot| Key { number: key.number, slot }));
            }
        }
    }

    fn touch_host<'a>(&'a self, instance: &str, touched: &mut Touched<'a>) {
        if let Some(host) = self.core.instances.get(&crate::model::InstanceId(instance.to_owned())) {
            touched.environments.insert(&host.environment);
        }
    }
}

fn touch_resource<'a>(resource: &'a str, touched: &mut Touched<'a>) {
    match resource.split_once('/') {
        Some(("job-queue", name)) => {
            touched.queues.insert(name);
        }
        Some(("compute-environment", name)) => {
            touched.environments.insert(name);
        }
        Some(("job-definition", label)) => {
            let named = label.rsplit_once(':').and_then(|(name, revision)| Some((name, revision.parse().ok()?)));
            touched.definitions.extend(named);
        }
        _ => {}
    }
}
