//! Schedules, their groups, runs and dead letters change state.

use crate::engine::Engine;
use crate::engine::event::Event;
use crate::engine::state::{DEAD_LETTERS_KEPT, Delivery, Group, RUNS_KEPT, Scheduled, schedule_key};
use crate::model::{DEFAULT_SCHEDULE_GROUP, InstanceId, Millis, Schedule, ScheduleRun, Switch};
use std::collections::{BTreeMap, VecDeque};

impl Engine {
    pub(super) fn fold_schedule(&mut self, event: &Event) {
        match event {
            Event::ScheduleSaved { at, schedule, next, token } => {
                self.schedule_saved(schedule, *next, *at);
                let key = schedule_key(&schedule.group_name, &schedule.name);
                self.core.remember(token.as_ref(), format!("schedule {key}"), *at);
            }
            Event::ScheduleDeleted { at, group, name, token } => {
                let key = schedule_key(group, name);
                if let Some(wake) = self.core.schedules.remove(&key).and_then(|scheduled| scheduled.wake()) {
                    self.index.firing.remove(&(wake, key.clone()));
                }
                self.core.remember(token.as_ref(), format!("no schedule {key}"), *at);
            }
            Event::ScheduleRan { run, next, dead_letter, .. } => {
                self.schedule_ran(run, *next);
                if let Some(letter) = dead_letter {
                    self.core.dead_letters.push_back((**letter).clone());
                    if self.core.dead_letters.len() > DEAD_LETTERS_KEPT {
                        self.core.dead_letters.pop_front();
                    }
                }
            }
            Event::ScheduleGroupSaved { at, name, tags, token } => {
                let group = self.core.groups.entry(name.clone()).or_insert_with(|| Group::new(*at));
                group.modified_at = *at;
                group.tags.clone_from(tags);
                self.core.remember(token.as_ref(), format!("group {name}"), *at);
            }
            Event::ScheduleGroupDeleted { at, name, token } => {
                self.core.groups.remove(name);
                self.core.remember(token.as_ref(), format!("no group {name}"), *at);
            }
            Event::DeadLettersCleared { .. } => self.core.dead_letters.clear(),
            _ => {}
        }
    }

    /// Changes one schedule and keeps the list of when which has something to do.
    fn reschedule(&mut self, key: &str, with: impl FnOnce(&mut Scheduled)) {
        let Some(scheduled) = self.core.schedules.get_mut(key) else { return };
        let before = scheduled.wake();
        with(scheduled);
        let after = scheduled.wake();
        if let Some(wake) = before {
            self.index.firing.remove(&(wake, key.to_owned()));
        }
        if let Some(wake) = after {
            self.index.firing.insert((wake, key.to_owned()));
        }
    }

    fn schedule_saved(&mut self, schedule: &Schedule, next: Option<Millis>, at: Millis) {
        let key = schedule_key(&schedule.group_name, &schedule.name);
        if schedule.group_name != DEFAULT_SCHEDULE_GROUP {
            // In a journal of an older program a schedule may be all there is of its group.
            self.core.groups.entry(schedule.group_name.clone()).or_insert_with(|| Group::new(at));
        }
        self.core.schedules.entry(key.clone()).or_insert_with(|| Scheduled {
            schedule: schedule.clone(),
            next: None,
            runs: VecDeque::new(),
            waiting: Vec::new(),
        });
        self.reschedule(&key, |scheduled| {
            scheduled.schedule = schedule.clone();
            scheduled.next = next.filter(|_| schedule.state == Switch::Enabled);
            if schedule.state == Switch::Disabled {
                scheduled.waiting.clear();
            }
        });
    }

    fn schedule_ran(&mut self, run: &ScheduleRun, next: Option<Millis>) {
        let key = schedule_key(&run.group_name, &run.schedule_name);
        self.reschedule(&key, |scheduled| {
            scheduled.next = next;
            scheduled.waiting.retain(|delivery| delivery.execution_id != run.execution_id);
            if let Some(next_attempt) = run.next_attempt {
                scheduled.waiting.push(Delivery {
                    scheduled_time: run.scheduled_time,
                    planned_time: run.planned_time.unwrap_or(run.scheduled_time),
                    execution_id: run.execution_id.clone(),
                    attempts: run.attempts,
                    next_attempt,
                });
            }
            let is_it = |known: &&mut ScheduleRun| {
                run.attempts > 1 && known.execution_id == run.execution_id && !run.execution_id.is_empty()
            };
            match scheduled.runs.iter_mut().rev().find(is_it) {
                Some(known) => *known = run.clone(),
                // A hundred have come since.
                None if run.attempts > 1 => {}
                None => {
                    scheduled.runs.push_back(run.clone());
                    if scheduled.runs.len() > RUNS_KEPT {
                        scheduled.runs.pop_front();
                    }
                }
            }
        });
    }

    /// What was noted by a clock that was ahead must not keep anything waiting.
    pub(super) fn clock_set_back(&mut self, at: Millis, from: Millis, next: &BTreeMap<String, Option<Millis>>) {
        for (key, next) in next {
            self.reschedule(key, |scheduled| scheduled.next = *next);
        }
        let keys: Vec<String> = self.core.schedules.keys().cloned().collect();
        for key in keys {
            self.reschedule(&key, |scheduled| {
                for delivery in &mut scheduled.waiting {
                    delivery.next_attempt = delivery.next_attempt.min(at);
                    delivery.planned_time = delivery.planned_time.min(at);
                }
            });
        }
        let hosts: Vec<InstanceId> = self.core.instances.keys().cloned().collect();
        for host in hosts {
            self.change_host(&host, |host| {
                host.idle_since = host.idle_since.map(|since| since.min(at));
                for time in [&mut host.ready_at, &mut host.interrupted_at, &mut host.reclaim_at] {
                    *time = time.map(|time| time - (from - at));
                }
            });
        }
        for environment in self.core.environments.values_mut() {
            environment.paused_until = environment.paused_until.map(|until| until - (from - at));
        }
    }
}

impl Group {
    fn new(at: Millis) -> Self {
        Self { created_at: at, modified_at: at, tags: BTreeMap::new() }
    }
}
