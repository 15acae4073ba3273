//! What each list shows: what its filter lets through, in its order, and the keys that its cursor follows.

use super::failures::group_key;
use super::filter::{Matching, Shown};
use super::list::{JobList, ListState};
use super::{App, View};
use crate::model::{
    AuditEntry, ComputeEnvironment, Instance, InstanceId, JobDefinition, JobQueue, JobSummary, Schedule,
};
use crate::tui::action::Place;
use std::cmp::Reverse;

impl App {
    pub fn queues(&self) -> Vec<&JobQueue> {
        let matching = Matching::new(&self.overview.queues.filter);
        let mut queues = self.store.queues_in_order();
        queues.retain(|queue| {
            matching
                .as_ref()
                .is_none_or(|matching| matching.matches(shown(&[&queue.job_queue_name], queue.state.as_str())))
        });
        queues
    }

    pub fn environments(&self) -> Vec<&ComputeEnvironment> {
        let matching = Matching::new(&self.overview.environments.filter);
        let all = self.store.environments.values();
        all.filter(|environment| {
            matching.as_ref().is_none_or(|matching| {
                let name = &environment.compute_environment_name;
                matching.matches(shown(&[name, environment.provisioning()], environment.state.as_str()))
            })
        })
        .collect()
    }

    pub fn instances(&self, environment: &str, list: &ListState) -> Vec<&Instance> {
        let matching = Matching::new(&list.filter);
        let capacity = self.store.environments.get(environment).and_then(|found| found.capacity.as_ref());
        let all = capacity.into_iter().flat_map(|capacity| &capacity.instances);
        all.filter(|instance| {
            matching.as_ref().is_none_or(|matching| {
                matching.matches(shown(&[&instance.instance_id.0, &instance.instance_type], instance.state.as_str()))
            })
        })
        .collect()
    }

    pub fn schedules(&self, list: &ListState) -> Vec<&Schedule> {
        let matching = Matching::new(&list.filter);
        let all = self.store.schedules.values();
        all.filter(|schedule| {
            matching.as_ref().is_none_or(|matching| {
                let texts = [schedule.name.as_str(), &schedule.group_name, &schedule.schedule_expression];
                matching.matches(shown(&texts, schedule.state.as_str()))
            })
        })
        .collect()
    }

    pub fn definitions(&self, list: &ListState) -> Vec<&JobDefinition> {
        let matching = Matching::new(&list.filter);
        let all = self.store.definitions.values();
        all.filter(|definition| {
            matching.as_ref().is_none_or(|matching| {
                let image = definition.container_properties.as_ref().map_or("", |container| container.image.as_str());
                matching.matches(shown(&[&definition.label(), image], &definition.status))
            })
        })
        .collect()
    }

    pub fn audit(&self, list: &ListState) -> Vec<&AuditEntry> {
        let matching = Matching::new(&list.filter);
        let all = self.store.audit.iter();
        all.filter(|entry| {
            matching.as_ref().is_none_or(|matching| {
                let reason = entry.reason.as_deref().unwrap_or_default();
                matching.matches(shown(&[&entry.target, &entry.who, &entry.action, reason, &entry.outcome], ""))
            })
        })
        .collect()
    }

    /// The keys that the cursor of the list at `place` follows. Lists of jobs are not meant: they have their own.
    pub(super) fn keys_at(&self, place: Place) -> Vec<String> {
        match (place, self.view()) {
            (Place::Queues, _) => self.queues().iter().map(|queue| queue.job_queue_name.clone()).collect(),
            (Place::Environments, _) => {
                self.environments().iter().map(|found| found.compute_environment_name.clone()).collect()
            }
            (_, View::Instances { environment, list }) => {
                self.instances(environment, list).iter().map(|instance| instance.instance_id.0.clone()).collect()
            }
            (_, View::Schedules(list)) => self.schedules(list).iter().map(|schedule| schedule_key(schedule)).collect(),
            (_, View::Definitions(list)) => self.definitions(list).iter().map(|known| known.label()).collect(),
            (_, View::Audit(list)) => self.audit(list).iter().map(|entry| audit_key(entry)).collect(),
            (_, View::Failures(view)) => self.failure_groups(view).iter().map(|group| group_key(group)).collect(),
            _ => Vec::new(),
        }
    }

    /// The cursor and filter of the list that has the keys.
    pub fn list(&self) -> Option<&ListState> {
        match (self.place_below(), self.view()) {
            (Place::Queues, _) => Some(&self.overview.queues),
            (Place::Environments, _) => Some(&self.overview.environments),
            (Place::Jobs, View::Group { list, .. }) => Some(&list.list),
            (Place::Jobs, _) => Some(&self.overview.jobs.list),
            (Place::Failures, View::Failures(view)) => Some(&view.list),
            (Place::Array, View::Array { list, .. }) => Some(&list.list),
            (_, View::Instances { list, .. } | View::Schedules(list) | View::Definitions(list) | View::Audit(list)) => {
                Some(list)
            }
            _ => None,
        }
    }

    pub(super) fn list_mut(&mut self) -> Option<&mut ListState> {
        let place = self.place_below();
        match (place, self.views.last_mut()?) {
            (Place::Queues, _) => Some(&mut self.overview.queues),
            (Place::Environments, _) => Some(&mut self.overview.environments),
            (Place::Jobs, View::Group { list, .. }) => Some(&mut list.list),
            (Place::Jobs, _) => Some(&mut self.overview.jobs.list),
            (Place::Failures, View::Failures(view)) => Some(&mut view.list),
            (Place::Array, View::Array { list, .. }) => Some(&mut list.list),
            (_, View::Instances { list, .. } | View::Schedules(list) | View::Definitions(list) | View::Audit(list)) => {
                Some(list)
            }
            _ => None,
        }
    }

    /// The list of jobs that has the keys.
    pub fn job_list(&self) -> Option<&JobList> {
        match (self.place_below(), self.view()) {
            (Place::Jobs, View::Group { list, .. }) | (Place::Array, View::Array { list, .. }) => Some(list),
            (Place::Jobs, _) => Some(&self.overview.jobs),
            _ => None,
        }
    }

    pub(super) fn job_list_mut(&mut self) -> Option<&mut JobList> {
        let place = self.place_below();
        match (place, self.views.last_mut()?) {
            (Place::Jobs, View::Group { list, .. }) | (Place::Array, View::Array { list, .. }) => Some(list),
            (Place::Jobs, _) => Some(&mut self.overview.jobs),
            _ => None,
        }
    }

    /// The key under the cursor of the list that has the keys.
    pub(super) fn key_under_cursor(&self) -> Option<String> {
        let keys = self.keys_at(self.place_below());
        let at = self.list()?.cursor.position(&keys)?;
        keys.into_iter().nth(at)
    }

    pub fn selected_queue(&self) -> Option<&JobQueue> {
        let queues = self.queues();
        let names: Vec<_> = queues.iter().map(|queue| queue.job_queue_name.as_str()).collect();
        queues.get(self.overview.queues.cursor.position(&names)?).copied()
    }

    pub fn selected_environment(&self) -> Option<&ComputeEnvironment> {
        if let View::Instances { environment, .. } = self.view() {
            return self.store.environments.get(environment);
        }
        let all = self.environments();
        let names: Vec<_> = all.iter().map(|found| found.compute_environment_name.as_str()).collect();
        all.get(self.overview.environments.cursor.position(&names)?).copied()
    }

    pub fn selected_instance(&self) -> Option<&Instance> {
        let View::Instances { environment, list } = self.view() else { return None };
        let all = self.instances(environment, list);
        let keys: Vec<_> = all.iter().map(|instance| instance.instance_id.0.as_str()).collect();
        list.cursor.position(&keys).and_then(|at| all.get(at).copied())
    }

    /// The jobs that are placed on an instance, by name.
    pub fn jobs_on(&self, instance: &InstanceId) -> Vec<&JobSummary> {
        let all = self.store.jobs.values().chain(self.store.children.values().flat_map(|all| all.values()));
        let is_here = |job: &JobSummary| job.extra.as_ref().and_then(|extra| extra.instance.as_ref()) == Some(instance);
        let mut jobs: Vec<_> = all.filter(|job| job.status.is_placed() && is_here(job)).collect();
        jobs.sort_by(|a, b| (&a.job_name, &a.job_id).cmp(&(&b.job_name, &b.job_id)));
        jobs
    }

    pub fn selected_schedule(&self) -> Option<&Schedule> {
        let View::Schedules(list) = self.view() else { return None };
        let all = self.schedules(list);
        let keys: Vec<_> = all.iter().map(|schedule| schedule_key(schedule)).collect();
        all.get(list.cursor.position(&keys)?).copied()
    }

    pub fn selected_definition(&self) -> Option<&JobDefinition> {
        let labelled = |label: &str| {
            let (name, revision) = label.rsplit_once(':')?;
            self.store.definitions.get(&(name.to_owned(), Reverse(revision.parse().ok()?)))
        };
        match self.view() {
            View::Definition { label, .. } => labelled(label),
            View::Definitions(_) => labelled(&self.key_under_cursor()?),
            _ => None,
        }
    }

    pub(super) fn selected_audit(&self) -> Option<&AuditEntry> {
        let View::Audit(list) = self.view() else { return None };
        let all = self.audit(list);
        let keys: Vec<_> = all.iter().map(|entry| audit_key(entry)).collect();
        all.get(list.cursor.position(&keys)?).copied()
    }

    /// Notes where all cursors are, so that they stay on their lines when what they are on goes.
    pub(super) fn settle_cursors(&mut self) {
        let queues = self.keys_at(Place::Queues);
        let environments = self.keys_at(Place::Environments);
        let rows = self.overview.jobs.rows(&self.store);
        if self.store.is_filling() {
            self.overview.queues.cursor.settle_while_read(&queues);
            self.overview.environments.cursor.settle_while_read(&environments);
        } else {
            self.overview.queues.cursor.settle(&queues);
            self.overview.environments.cursor.settle(&environments);
        }
        if self.is_reading_jobs() {
            self.overview.jobs.list.cursor.settle_while_read(&rows.ids);
        } else {
            self.overview.jobs.list.cursor.settle(&rows.ids);
        }
        let keys = self.keys_at(self.place_below());
        match self.views.last_mut() {
            Some(View::Failures(view)) => view.list.cursor.settle(&keys),
            Some(View::Array { list, .. } | View::Group { list, .. }) => {
                let rows = list.rows(&self.store);
                list.list.cursor.settle(&rows.ids);
            }
            Some(
                View::Instances { list, .. } | View::Schedules(list) | View::Definitions(list) | View::Audit(list),
            ) => list.cursor.settle(&keys),
            _ => {}
        }
    }
}

fn shown<'r>(texts: &'r [&'r str], state: &'r str) -> Shown<'r> {
    Shown { texts, state, id: "" }
}

pub fn schedule_key(schedule: &Schedule) -> String {
    format!("{}/{}", schedule.group_name, schedule.name)
}

pub fn audit_key(entry: &AuditEntry) -> String {
    format!("{} {} {}", entry.at, entry.action, entry.target)
}
