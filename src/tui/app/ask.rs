//! What is asked before something is done to jobs, queues, environments, instances and schedules: a form for each.

use super::act::{AFTER_NOTICE, AT_ONCE, BEHIND, FRONT, STAYS, StopCall};
use super::form::{Field, Form, Key, Purpose};
use super::{App, Popup};
use crate::model::{JobDetail, JobId, JobStatus, JobSummary, Schedule, Switch, is_service_job};
use crate::tui::action::Place;
use crate::tui::requests::Ask;
use std::collections::HashSet;

/// Dependents are looked for among so many waiting jobs at most.
const DEPENDENTS_SOUGHT: usize = 100;

impl App {
    /// The marked jobs of the list that has the keys, in its order and then those that it does not list now; or the one
    /// that is meant.
    pub(super) fn targets(&self) -> Vec<JobId> {
        let Some(list) = self.job_list().filter(|list| !list.marked.is_empty()) else {
            return self.selected_job().into_iter().collect();
        };
        let rows = list.rows(&self.store);
        let listed: Vec<&JobId> = rows.ids.iter().filter(|id| list.marked.contains(*id)).collect();
        let known: HashSet<&JobId> = listed.iter().copied().collect();
        let hidden = list.marked.iter().filter(|id| !known.contains(id));
        listed.iter().copied().chain(hidden).cloned().collect()
    }

    /// How many of these jobs the list that has the keys does not list now: a filter or a change hides them.
    fn not_listed(&self, jobs: &[JobId]) -> usize {
        let Some(list) = self.job_list() else { return 0 };
        let rows = list.rows(&self.store);
        let listed: HashSet<&JobId> = rows.ids.iter().collect();
        jobs.iter().filter(|id| !listed.contains(id)).count()
    }

    /// The row of a job, or what its details say.
    pub fn job_row(&self, id: &JobId) -> Option<JobSummary> {
        self.store.job(id).cloned().or_else(|| self.store.detail(id).map(JobDetail::row))
    }

    /// How many jobs are hit, the live children of arrays counted.
    fn hit_count(&self, jobs: &[JobId]) -> u64 {
        let count = |job: &JobSummary| {
            let array = job.array_properties.as_ref();
            let counts = array.filter(|_| job.is_array_parent()).and_then(|array| array.status_summary.as_ref());
            counts.map_or(1, |counts| (counts.placed() + counts.waiting()).max(1))
        };
        jobs.iter().filter_map(|id| self.job_row(id)).map(|job| count(&job)).sum()
    }

    /// Adds the field in which the number of what is hit has to be typed, where that is large.
    pub(super) fn type_count(&self, fields: &mut Vec<Field>, hit: u64) -> Option<u64> {
        let from = u64::from(self.setting.own.console.type_count_from);
        let is_many = from > 0 && hit >= from;
        if is_many {
            fields.push(Field::text(Key::Count, "How many", "", format!("type {hit}: so many jobs are hit")));
        }
        is_many.then_some(hit)
    }

    pub(super) fn open_form(&mut self, form: Form) {
        self.popups.push(Popup::Form(Box::new(form)));
    }

    pub(super) fn ask_stop(&mut self) {
        let jobs = self.targets();
        self.ask_stop_of(jobs);
    }

    pub(super) fn ask_stop_of(&mut self, jobs: Vec<JobId>) {
        let is_live = |id: &&JobId| self.job_row(id).is_some_and(|job| StopCall::of(&job) != StopCall::None);
        let live: Vec<JobId> = jobs.iter().filter(is_live).cloned().collect();
        let count = live.len();
        if count == 0 {
            return self.say(if jobs.is_empty() {
                "no job is selected"
            } else {
                "what is selected has ended already: there is nothing to stop"
            });
        }
        let waiting = self.store.jobs.values().filter(|job| job.status == JobStatus::Pending);
        let waiting: Vec<JobId> = waiting.map(|job| job.job_id.clone()).take(DEPENDENTS_SOUGHT).collect();
        if !waiting.is_empty() {
            self.ask(Ask::Describe(waiting));
        }
        let calls: Vec<StopCall> =
            jobs.iter().filter_map(|id| self.job_row(id)).map(|job| StopCall::of(&job)).collect();
        let verb = match (calls.contains(&StopCall::Cancel), calls.contains(&StopCall::Terminate)) {
            (true, true) => "Stop",
            (false, true) => "Terminate",
            _ => "Cancel",
        };
        let name = self.job_row(&jobs[0]).map(|job| job.job_name).unwrap_or_default();
        let title =
            if count == 1 && jobs.len() == 1 { format!("{verb} {name}") } else { format!("{verb} {count} jobs") };
        let title = match self.not_listed(&live) {
            0 => title,
            1 if count == 1 => format!("{title} · it is not in this list now"),
            1 => format!("{title} · 1 of them is not in this list now"),
            hidden => format!("{title} · {hidden} of them are not in this list now"),
        };
        let hit = self.hit_count(&live);
        let mut fields = reason_fields("why; it is recorded and stays with the job").to_vec();
        let must_be_typed = self.type_count(&mut fields, hit);
        self.open_form(Form {
            title,
            fields,
            count: must_be_typed,
            keep: if count == 1 { "Keep it" } else { "Keep them" },
            go: if count == 1 { verb.to_owned() } else { format!("{verb} {count}") },
            careful: true,
            ..Form::of(Purpose::Stop { jobs })
        });
    }

    /// Names of other jobs that depend on one of `jobs`, as far as is known: they would fail with it.
    pub fn dependents(&self, jobs: &[JobId]) -> Vec<String> {
        let depends = |detail: &&JobDetail| {
            let mut on = detail.depends_on.iter().filter_map(|dependency| dependency.job_id.as_ref());
            on.any(|id| jobs.contains(id))
        };
        let waits =
            |detail: &&JobDetail| self.store.job(&detail.job_id).map_or(detail.status, |job| job.status).is_waiting();
        let others = self.store.details().filter(|detail| !jobs.contains(&detail.job_id));
        let mut names: Vec<String> =
            others.filter(waits).filter(depends).map(|detail| detail.job_name.clone()).collect();
        names.sort();
        names
    }

    pub(super) fn ask_priority(&mut self) {
        if self.place_below() == Place::Queues {
            let Some(queue) = self.selected_queue() else { return self.say("no queue is selected") };
            let name = queue.job_queue_name.clone();
            return self.ask_queue_priority(&name);
        }
        let Some(job) = self.selected_job().and_then(|id| self.job_row(&id)) else {
            return self.say("no job is selected");
        };
        if !job.status.is_waiting() {
            return self.complain(format!("{} is {}: only a waiting job has a turn to move", job.job_name, job.status));
        }
        if !self.setting.can.reprioritise_job && !is_service_job(&job.job_arn) {
            return self.offer_ways(&job);
        }
        let priority = job.extra.as_ref().map_or(0, |extra| extra.priority);
        self.open_form(Form {
            title: format!("Priority of {}", job.job_name),
            fields: with_reason(vec![
                Field::text(Key::Priority, "Priority", &priority.to_string(), "0 to 9999; the larger one goes first")
                    .selected(),
            ]),
            go: "Set".into(),
            ..Form::of(Purpose::JobPriority { id: job.job_id })
        });
    }

    pub(super) fn ask_queue_priority(&mut self, queue: &str) {
        let priority = self.store.queues.get(queue).map_or(0, |queue| queue.priority);
        let name = queue.to_owned();
        let form = Form {
            title: format!("Priority of the queue {name}"),
            fields: with_reason(vec![
                Field::text(
                    Key::Priority,
                    "Priority",
                    &priority.to_string(),
                    "0 to 1000; the larger one is served first",
                )
                .selected(),
            ]),
            go: "Set".into(),
            ..Form::of(Purpose::QueuePriority { queue: name })
        };
        self.open_form(form);
    }

    /// Whether a queue is held as a whole.
    pub fn is_queue_held(&self, queue: &str) -> bool {
        self.store.queues.get(queue).is_some_and(|queue| queue.held)
    }

    /// Holds back what is not held, and otherwise releases.
    pub(super) fn ask_hold(&mut self) {
        if !self.setting.can.hold {
            return self.complain(format!(
                "{} cannot hold jobs or queues: disable a compute environment",
                self.setting.can.name
            ));
        }
        if self.place_below() == Place::Queues {
            let Some(queue) = self.selected_queue() else { return self.say("no queue is selected") };
            let (queue, held) = (queue.job_queue_name.clone(), !queue.held);
            self.ask_hold_queue(queue, held);
        } else {
            self.ask_hold_of(&self.targets());
        }
    }

    pub(super) fn ask_hold_queue(&mut self, queue: String, held: bool) {
        let verb = if held { "Hold" } else { "Release" };
        let title = format!("{verb} the queue {queue}");
        self.open_hold(Purpose::HoldQueue { queue, held }, title, verb, 0);
    }

    pub(super) fn ask_hold_of(&mut self, jobs: &[JobId]) {
        let rows = self.waiting_of(jobs);
        let is_held = |job: &JobSummary| job.extra.as_ref().is_some_and(|extra| extra.held);
        let held = !rows.iter().all(is_held);
        let jobs: Vec<JobId> = rows.iter().map(|job| job.job_id.clone()).collect();
        let verb = if held { "Hold" } else { "Release" };
        let title = match rows.as_slice() {
            [] => return self.complain("nothing that is selected waits: only waiting jobs can be held"),
            [one] => format!("{verb} {}", one.job_name),
            several => format!("{verb} {} jobs", several.len()),
        };
        let hit = self.hit_count(&jobs);
        self.open_hold(Purpose::HoldJobs { jobs, held }, title, verb, hit);
    }

    fn open_hold(&mut self, purpose: Purpose, title: String, verb: &str, hit: u64) {
        let mut fields = reason_fields("why; it is recorded").to_vec();
        let count = self.type_count(&mut fields, hit);
        self.open_form(Form { title, fields, count, go: verb.to_owned(), ..Form::of(purpose) });
    }

    /// To the front of its own queue, unless another one is chosen.
    pub(super) fn ask_move(&mut self) {
        if !self.setting.can.hold {
            return self.ask_priority();
        }
        self.ask_move_of(&self.targets());
    }

    pub(super) fn ask_move_of(&mut self, jobs: &[JobId]) {
        let rows = self.waiting_of(jobs);
        let title = match rows.as_slice() {
            [] => return self.complain("nothing that is selected waits: only waiting jobs can be moved"),
            [one] => format!("Move {}", one.job_name),
            several => format!("Move {} jobs", several.len()),
        };
        let mut queues = vec![STAYS.to_owned()];
        queues.extend(self.store.queues_in_order().into_iter().map(|queue| queue.job_queue_name.clone()));
        let turns = [FRONT, BEHIND].map(str::to_owned).to_vec();
        let jobs: Vec<JobId> = rows.into_iter().map(|job| job.job_id).collect();
        let mut fields = with_reason(vec![
            Field::choice(Key::Queue, "Queue", queues, STAYS),
            Field::choice(Key::Turn, "Turn", turns, FRONT),
            Field::text(Key::Share, "Share", "", "in a fair-share queue; empty keeps the one it has"),
        ]);
        let hit = self.hit_count(&jobs);
        let count = self.type_count(&mut fields, hit);
        self.open_form(Form { title, fields, count, go: "Move".into(), ..Form::of(Purpose::MoveJobs { jobs }) });
    }

    pub(super) fn ask_switch(&mut self) {
        let other = |state: Switch| if state == Switch::Enabled { Switch::Disabled } else { Switch::Enabled };
        if self.place_below() == Place::Queues {
            let Some(queue) = self.selected_queue() else { return self.say("no queue is selected") };
            let (queue, to) = (queue.job_queue_name.clone(), other(queue.state));
            self.ask_switch_queue(queue, to);
        } else {
            let Some(found) = self.selected_environment() else {
                return self.say("no compute environment is selected");
            };
            let (environment, to) = (found.compute_environment_name.clone(), other(found.state));
            self.ask_switch_environment(environment, to);
        }
    }

    pub(super) fn ask_switch_queue(&mut self, queue: String, to: Switch) {
        let what = format!("the queue {queue}");
        self.open_switch(Purpose::SwitchQueue { queue, to }, &what, to);
    }

    pub(super) fn ask_switch_environment(&mut self, environment: String, to: Switch) {
        let what = format!("the compute environment {environment}");
        self.open_switch(Purpose::SwitchEnvironment { environment, to }, &what, to);
    }

    /// Another `maxvCpus` for the compute environment under the cursor.
    pub(super) fn ask_maximum_here(&mut self) {
        let Some(found) = self.selected_environment() else { return self.say("no compute environment is selected") };
        let name = found.compute_environment_name.clone();
        match found.compute_resources.as_ref().and_then(|resources| resources.maxv_cpus) {
            Some(vcpus) => self.ask_maximum(name, vcpus),
            None => self.complain(format!("{name} has no maximum: its instances are registered by somebody else")),
        }
    }

    /// Another `maxvCpus`; `vcpus` is what is proposed.
    pub(super) fn ask_maximum(&mut self, environment: String, vcpus: i32) {
        self.open_form(Form {
            title: format!("Maximum of the compute environment {environment}"),
            fields: with_reason(vec![
                Field::text(Key::Maximum, "maxvCpus", &vcpus.to_string(), "vCPUs at most").selected(),
            ]),
            go: "Set".into(),
            ..Form::of(Purpose::Maximum { environment })
        });
    }

    fn open_switch(&mut self, purpose: Purpose, what: &str, to: Switch) {
        let verb = if to == Switch::Enabled { "Enable" } else { "Disable" };
        self.open_form(Form {
            title: format!("{verb} {what}"),
            fields: reason_fields("why; it is recorded").to_vec(),
            keep: "Leave it",
            go: verb.to_owned(),
            careful: to == Switch::Disabled,
            ..Form::of(purpose)
        });
    }

    pub(super) fn ask_interrupt(&mut self) {
        let Some(found) = self.selected_instance() else { return self.say("no instance is selected") };
        let (id, environment) = (found.instance_id.clone(), &found.compute_environment);
        let kind = self.store.environments.get(environment).map_or("EC2", |found| found.provisioning());
        if kind == "UNMANAGED" {
            return self.complain(format!("{id} is this machine itself: it cannot be taken away"));
        }
        let noticed = found.interrupted_at.is_some();
        let whens = [AFTER_NOTICE, AT_ONCE].into_iter().skip(usize::from(noticed)).map(str::to_owned).collect();
        self.open_form(Form {
            title: format!("Interrupt {id}"),
            fields: with_reason(vec![Field::choice(Key::When, "It ends", whens, AFTER_NOTICE)]),
            keep: "Keep it",
            go: "Interrupt".into(),
            careful: true,
            ..Form::of(Purpose::Interrupt { instance: id })
        });
    }

    pub(super) fn ask_begin(&mut self) {
        if !self.store.is_empty() {
            return self.say("there are queues or environments here already: `n` submits a job");
        }
        self.open_form(Form {
            title: "Begin on this machine".into(),
            keep: "Not now",
            go: "Create them".into(),
            ..Form::of(Purpose::Begin)
        });
    }

    /// The selected schedule, where it may be changed from here; otherwise why not is said.
    pub(super) fn changeable_schedule(&mut self) -> Option<Schedule> {
        let Some(schedule) = self.selected_schedule().cloned() else {
            self.say("no schedule is selected");
            return None;
        };
        if let Some(why) = schedule.why_read_only() {
            self.complain(why);
            return None;
        }
        Some(schedule)
    }

    pub(super) fn ask_pause(&mut self) {
        let Some(schedule) = self.changeable_schedule() else { return };
        let to = if schedule.state == Switch::Enabled { Switch::Disabled } else { Switch::Enabled };
        let verb = if to == Switch::Enabled { "Resume" } else { "Pause" };
        self.open_form(Form {
            title: format!("{verb} the schedule {}", schedule.name),
            keep: "Leave it",
            go: verb.into(),
            ..Form::of(Purpose::PauseSchedule { schedule: Box::new(schedule), to })
        });
    }

    pub(super) fn ask_run(&mut self) {
        let Some(Schedule { group_name, name, .. }) = self.changeable_schedule() else { return };
        self.open_form(Form {
            title: format!("Run {name} now"),
            keep: "Leave it",
            go: "Run now".into(),
            ..Form::of(Purpose::RunSchedule { group: group_name, name })
        });
    }

    pub(super) fn ask_delete_schedule(&mut self) {
        let Some(Schedule { group_name, name, .. }) = self.changeable_schedule() else { return };
        self.open_form(Form {
            title: format!("Delete the schedule {name}"),
            keep: "Keep it",
            go: "Delete".into(),
            careful: true,
            ..Form::of(Purpose::DeleteSchedule { group: group_name, name })
        });
    }
}

/// Why it is done, and the ticket that it is done for.
fn reason_fields(example: &str) -> [Field; 2] {
    [
        Field::text(Key::Reason, "Reason", "", example),
        Field::text(Key::Ticket, "Ticket", "", "if any, as OPS-311; beside the reason"),
    ]
}

fn with_reason(mut fields: Vec<Field>) -> Vec<Field> {
    fields.extend(reason_fields("why; it is recorded"));
    fields
}
