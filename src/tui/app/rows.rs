//! What each list shows: what its filter lets through, in its order, and the keys that its cursor follows.

use super::failures::group_key;
use super::filter::{Field, Filter, Row, Value};
use super::list::{By, JobList, ListState};
use super::reports::fit_key;
use super::{App, View};
use crate::model::{
    AuditEntry, ComputeEnvironment, Health, Instance, InstanceId, JobDefinition, JobQueue, JobStatus, JobSummary,
    Schedule, StatusCounts, Switch, name_of,
};
use crate::tui::action::Place;
use std::cmp::Reverse;

impl App {
    pub fn queues(&self) -> Vec<&JobQueue> {
        let filter = Filter::of(&self.overview.queues.filter, Field::QUEUES);
        let mut queues = self.store.queues_in_order();
        queues.retain(|queue| {
            let field = |field| match field {
                Field::Name => Value::text(queue.job_queue_name.as_str()),
                Field::Status => {
                    let held = queue.held.then_some("held");
                    Value::Words(switched(queue.state, Some(queue.status)).into_iter().chain(held).collect())
                }
                Field::Priority => Value::Number(queue.priority.into()),
                Field::Waiting => counted(queue, StatusCounts::waiting),
                Field::Running => counted(queue, StatusCounts::placed),
                Field::Failed => counted(queue, |counts| counts.get(JobStatus::Failed)),
                _ => Value::Nothing,
            };
            filter.passes(&Row { texts: &[&queue.job_queue_name], field: &field })
        });
        self.overview.queue_order.of_queues(&mut queues);
        queues
    }

    pub fn environments(&self) -> Vec<&ComputeEnvironment> {
        let filter = Filter::of(&self.overview.environments.filter, Field::ENVIRONMENTS);
        let all = self.store.environments.values();
        let mut environments: Vec<_> = all
            .filter(|environment| {
                let name = environment.compute_environment_name.as_str();
                let field = |field| match field {
                    Field::Name => Value::text(name),
                    Field::Status => Value::Words(switched(environment.state, Some(environment.status))),
                    Field::Kind => Value::text(environment.provisioning()),
                    _ => Value::Nothing,
                };
                filter.passes(&Row { texts: &[name, environment.provisioning()], field: &field })
            })
            .collect();
        self.overview.environment_order.of_environments(&mut environments);
        environments
    }

    pub fn instances(&self, environment: &str, list: &ListState) -> Vec<&Instance> {
        let filter = Filter::of(&list.filter, Field::INSTANCES);
        let capacity = self.store.environments.get(environment).and_then(|found| found.capacity.as_ref());
        let all = capacity.into_iter().flat_map(|capacity| &capacity.instances);
        all.filter(|instance| {
            let field = |field| match field {
                Field::Id => Value::text(instance.instance_id.0.as_str()),
                Field::Status => Value::Words(vec![instance.state.as_str()]),
                Field::Kind => Value::text(instance.instance_type.as_str()),
                Field::For => Value::Span(self.now - instance.launched_at),
                _ => Value::Nothing,
            };
            filter.passes(&Row { texts: &[&instance.instance_id.0, &instance.instance_type], field: &field })
        })
        .collect()
    }

    pub fn schedules(&self, list: &ListState) -> Vec<&Schedule> {
        let filter = Filter::of(&list.filter, Field::SCHEDULES);
        let all = self.store.schedules.values();
        all.filter(|schedule| {
            let field = |field| match field {
                Field::Name => Value::text(schedule.name.as_str()),
                Field::Group => Value::text(schedule.group_name.as_str()),
                Field::Status => Value::Words(switched(schedule.state, None)),
                Field::Queue => {
                    let request = schedule.target.request().unwrap_or_default();
                    Value::text(name_of(&request.job_queue).to_owned())
                }
                Field::Definition => {
                    let request = schedule.target.request().unwrap_or_default();
                    Value::text(name_of(&request.job_definition).to_owned())
                }
                _ => Value::Nothing,
            };
            let texts = [schedule.name.as_str(), &schedule.group_name, &schedule.schedule_expression];
            filter.passes(&Row { texts: &texts, field: &field })
        })
        .collect()
    }

    pub fn definitions(&self, list: &ListState) -> Vec<&JobDefinition> {
        let filter = Filter::of(&list.filter, Field::DEFINITIONS);
        let all = self.store.definitions.values();
        all.filter(|definition| {
            let label = definition.label();
            let image = definition.container_properties.as_ref().map_or("", |container| container.image.as_str());
            let field = |field| match field {
                Field::Definition => Value::Revision(&label),
                Field::Status => Value::Words(vec![definition.status.as_str()]),
                Field::Image => Value::of(Some(image)),
                _ => Value::Nothing,
            };
            filter.passes(&Row { texts: &[&label, image], field: &field })
        })
        .collect()
    }

    pub fn audit(&self, list: &ListState) -> Vec<&AuditEntry> {
        let filter = Filter::of(&list.filter, Field::AUDIT);
        let all = self.store.audit.iter();
        all.filter(|entry| {
            let reason = entry.reason.as_deref().unwrap_or_default();
            let field = |field| match field {
                Field::Who => Value::text(entry.who.as_str()),
                Field::Action => Value::text(entry.action.as_str()),
                Field::Target => Value::text(entry.target.as_str()),
                Field::Reason => Value::of(Some(reason)),
                Field::Outcome => Value::text(entry.outcome.as_str()),
                Field::Since => Value::Span(self.now - entry.at),
                _ => Value::Nothing,
            };
            let texts = [entry.target.as_str(), &entry.who, &entry.action, reason, &entry.outcome];
            filter.passes(&Row { texts: &texts, field: &field })
        })
        .collect()
    }

    /// The fields by which the list at `place` can be filtered; none where there is no such list.
    pub fn fields_at(&self, place: Place) -> &'static [Field] {
        match place {
            Place::Queues => Field::QUEUES,
            Place::Environments => Field::ENVIRONMENTS,
            Place::Jobs | Place::Array => Field::JOBS,
            Place::Instances => Field::INSTANCES,
            Place::Schedules => Field::SCHEDULES,
            Place::Definitions => Field::DEFINITIONS,
            Place::Audit => Field::AUDIT,
            Place::Watches => Field::WATCHES,
            Place::Events => Field::EVENTS,
            Place::Cost => Field::COST,
            Place::Usage => Field::USAGE,
            Place::Failures => Field::FAILURES,
            _ => &[],
        }
    }

    /// What a field is known to have somewhere.
    pub fn known_values(&self, field: Field) -> Vec<String> {
        let definitions = || self.store.definitions.values().map(|definition| definition.job_definition_name.clone());
        let mut known: Vec<String> = match field {
            Field::Queue => self.store.queues.keys().cloned().collect(),
            Field::Definition => {
                definitions().chain(self.store.definitions.values().map(JobDefinition::label)).collect()
            }
            Field::Share => self.store.jobs.values().filter_map(|job| job.share_identifier.clone()).collect(),
            Field::Who => self.store.audit.iter().map(|entry| entry.who.clone()).collect(),
            Field::Action => self.store.audit.iter().map(|entry| entry.action.clone()).collect(),
            Field::Group => self.store.schedules.values().map(|schedule| schedule.group_name.clone()).collect(),
            Field::Exit => {
                let codes = self.store.jobs.values().filter_map(|job| job.container.as_ref()?.exit_code);
                codes.map(|code| code.to_string()).collect()
            }
            Field::Kind => {
                self.store.environments.values().map(|environment| environment.provisioning().to_owned()).collect()
            }
            _ => Vec::new(),
        };
        known.sort();
        known.dedup();
        known
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
            (_, View::Watches(list)) => self.watches(list).iter().map(|watch| watch.id.clone()).collect(),
            (_, View::Events(view)) => self.events(view).iter().map(|event| event.cursor.to_string()).collect(),
            (_, View::Cost(view)) => self.costs(view).iter().map(|row| row.name.clone()).collect(),
            (_, View::Usage(view)) => self.fits(view).iter().map(|fit| fit_key(fit)).collect(),
            (_, View::Failures(view)) => self.failure_groups(view).iter().map(|group| group_key(group)).collect(),
            _ => Vec::new(),
        }
    }

    /// The cursor and filter of the list that has the keys.
    pub fn list(&self) -> Option<&ListState> {
        match (self.place_below(), self.view()) {
            (Place::Queues, _) => Some(&self.overview.queues),
            (Place::Environments, _) => Some(&self.overview.environments),
            (Place::Jobs, View::Group { list, .. }) | (Place::Array, View::Array { list, .. }) => Some(&list.list),
            (Place::Jobs, _) => Some(&self.overview.jobs.list),
            (Place::Failures, View::Failures(view)) => Some(&view.list),
            (_, View::Events(view)) => Some(&view.list),
            (_, View::Cost(view)) => Some(&view.list),
            (_, View::Usage(view)) => Some(&view.list),
            (
                _,
                View::Instances { list, .. }
                | View::Schedules(list)
                | View::Definitions(list)
                | View::Audit(list)
                | View::Watches(list),
            ) => Some(list),
            _ => None,
        }
    }

    pub(super) fn list_mut(&mut self) -> Option<&mut ListState> {
        let place = self.place_below();
        match (place, self.views.last_mut()?) {
            (Place::Queues, _) => Some(&mut self.overview.queues),
            (Place::Environments, _) => Some(&mut self.overview.environments),
            (Place::Jobs, View::Group { list, .. }) | (Place::Array, View::Array { list, .. }) => Some(&mut list.list),
            (Place::Jobs, _) => Some(&mut self.overview.jobs.list),
            (Place::Failures, View::Failures(view)) => Some(&mut view.list),
            (_, View::Events(view)) => Some(&mut view.list),
            (_, View::Cost(view)) => Some(&mut view.list),
            (_, View::Usage(view)) => Some(&mut view.list),
            (
                _,
                View::Instances { list, .. }
                | View::Schedules(list)
                | View::Definitions(list)
                | View::Audit(list)
                | View::Watches(list),
            ) => Some(list),
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

    /// Sorts the list that has the keys by its next column.
    pub(super) fn sort_by_the_next(&mut self) {
        match self.place_below() {
            Place::Queues => return self.overview.queue_order.turn(&By::OF_QUEUES),
            Place::Environments => return self.overview.environment_order.turn(&By::OF_ENVIRONMENTS),
            _ => {}
        }
        let Some(set) = self.job_list().map(JobList::listed_states) else { return };
        let columns = crate::tui::screens::job_columns(self, set);
        if let Some(jobs) = self.job_list_mut() {
            jobs.sort = Some(jobs.order().next(&columns));
            jobs.reversed = false;
        }
    }

    /// Turns the order of the list that has the keys around.
    pub(super) fn reverse_sort(&mut self) {
        let reversed = match self.place_below() {
            Place::Queues => Some(&mut self.overview.queue_order.reversed),
            Place::Environments => Some(&mut self.overview.environment_order.reversed),
            _ => self.job_list_mut().map(|jobs| &mut jobs.reversed),
        };
        if let Some(reversed) = reversed {
            *reversed = !*reversed;
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
            Some(View::Events(view)) => view.list.cursor.settle(&keys),
            Some(View::Cost(view)) => view.list.cursor.settle(&keys),
            Some(View::Usage(view)) => view.list.cursor.settle(&keys),
            Some(View::Array { list, .. } | View::Group { list, .. }) => {
                let rows = list.rows(&self.store);
                list.list.cursor.settle(&rows.ids);
            }
            Some(
                View::Instances { list, .. }
                | View::Schedules(list)
                | View::Definitions(list)
                | View::Audit(list)
                | View::Watches(list),
            ) => list.cursor.settle(&keys),
            _ => {}
        }
    }
}

/// How many jobs of a queue there are of a kind, where that is known.
fn counted(queue: &JobQueue, of: impl Fn(&StatusCounts) -> u64) -> Value<'static> {
    queue
        .job_counts
        .as_ref()
        .map_or(Value::Nothing, |counts| Value::Number(i64::try_from(of(counts)).unwrap_or(i64::MAX)))
}

/// The words for what is switched on and off, and for what the service says of it.
fn switched(state: Switch, health: Option<Health>) -> Vec<&'static str> {
    let plain = if state == Switch::Enabled { "on" } else { "off" };
    [state.as_str(), plain].into_iter().chain(health.map(Health::as_str)).collect()
}

pub fn schedule_key(schedule: &Schedule) -> String {
    format!("{}/{}", schedule.group_name, schedule.name)
}

pub fn audit_key(entry: &AuditEntry) -> String {
    format!("{} {} {}", entry.at, entry.action, entry.target)
}
