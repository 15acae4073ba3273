//! What is opened of the thing under the cursor.

use super::{App, Popup, Scroll, View};
use crate::model::{ComputeEnvironment, Instance, Millis};
use crate::tui::action::{Action, Place};
use crate::tui::format::{span, vcpus};
use crate::tui::requests::Ask;

impl App {
    pub(super) fn open(&mut self) {
        match self.place_below() {
            Place::Queues => {
                if let Some(queue) = self.selected_queue().map(|queue| queue.job_queue_name.clone()) {
                    self.open_queue(&queue);
                }
            }
            Place::Environments => {
                if let Some(found) = self.selected_environment() {
                    let name = found.compute_environment_name.clone();
                    self.open_environment(name);
                }
            }
            Place::Jobs | Place::Array => {
                let id = self.job_list().and_then(|jobs| jobs.selected(&self.store)).map(|job| job.job_id.clone());
                if let Some(id) = id {
                    self.open_job(id);
                }
            }
            Place::Job | Place::Log | Place::LogScreen => self.toggle_log(),
            Place::Schedules => {
                if let Some(refusal) = self.refusal(Action::NewSchedule) {
                    self.complain(refusal);
                } else if let Some(schedule) = self.changeable_schedule() {
                    self.ask(Ask::Runs { group: schedule.group_name.clone(), name: schedule.name.clone() });
                    self.ask_schedule(Some(Box::new(schedule)));
                }
            }
            Place::Definitions => {
                if let Some(label) = self.key_under_cursor() {
                    self.push(View::Definition { label, scroll: Scroll::default() });
                }
            }
            Place::Audit => self.open_audit(),
            Place::Watches => self.open_watch(),
            Place::Failures => self.open_group(),
            Place::Cost => self.open_cost_row(),
            Place::Usage => self.open_usage_row(),
            Place::Events | Place::Tree => {
                if let Some(id) = self.selected_job() {
                    self.open_job(id);
                }
            }
            Place::Instances => self.open_instance(),
            Place::Why => self.take_step(),
            _ => {}
        }
    }

    fn open_audit(&mut self) {
        let Some(entry) = self.selected_audit() else { return };
        let lines = vec![
            format!("when     {}", self.setting.own.clock.date_time(entry.at)),
            format!("who      {}", entry.who),
            format!("did      {}", entry.action),
            format!("to       {}", entry.target),
            format!("reason   {}", entry.reason.as_deref().unwrap_or("-")),
            format!("outcome  {}", entry.outcome),
        ];
        self.popups.push(Popup::Text { title: entry.action.clone(), lines, scroll: Scroll::default() });
    }

    fn open_instance(&mut self) {
        let Some(instance) = self.selected_instance() else { return };
        let environment = &instance.compute_environment;
        let found = self.store.environments.get(environment);
        let over = if found.is_some_and(ComputeEnvironment::overcommits) {
            ", jobs may be promised more than the machine has"
        } else {
            ""
        };
        let model = format!("{}{over}", found.map_or("-", ComputeEnvironment::provisioning));
        let mut lines = vec![
            format!("environment  {environment}"),
            format!("model        {model}"),
            format!("type         {}", instance.instance_type),
            format!("state        {}{}", instance.state.as_str(), self.countdown(instance)),
            format!("launched     {}", self.setting.own.clock.date_time(instance.launched_at)),
            format!("vCPU         {} of {}", vcpus(instance.vcpus_used), vcpus(instance.vcpus)),
            format!("memory       {} of {} MiB", instance.memory_mib_used, instance.memory_mib),
            format!("agent        {}", instance.agent_pid.map_or("-".to_owned(), |pid| format!("pid {pid}"))),
            format!("limits       {}", instance.limits.as_deref().map_or("-", limits_in_words)),
            String::new(),
        ];
        let jobs = self.jobs_on(&instance.instance_id);
        lines.extend(jobs.iter().map(|job| format!("● {}  {}", job.job_name, job.job_id.short())));
        self.popups.push(Popup::Text { title: instance.instance_id.0.clone(), lines, scroll: Scroll::default() });
    }

    /// How long an instance boots still, or when it is taken away.
    fn countdown(&self, instance: &Instance) -> String {
        let clock = self.setting.own.clock;
        let in_time = |at: &Millis| *at > self.now && *at < Millis::MAX;
        if let Some(at) = instance.interrupted_at.filter(in_time) {
            return format!(", is taken away at {} (in {})", clock.date_time(at), span(at - self.now));
        }
        let ready = instance.ready_at.filter(in_time);
        ready
            .map(|at| format!(", boots until {} ({} left)", clock.date_time(at), span(at - self.now)))
            .unwrap_or_default()
    }

    pub(super) fn toggle_log(&mut self) {
        if matches!(self.view(), View::Log(_)) {
            self.views.pop();
        } else if self.selected_job().is_some() {
            self.show_log();
        } else {
            self.say("no job is selected");
        }
    }

    /// The log of the selected job on the whole screen.
    pub(super) fn show_log(&mut self) {
        if !matches!(self.view(), View::Log(_)) {
            self.push(View::Log(self.selected_job()));
        }
    }
}

/// What keeps jobs within what they ask for.
fn limits_in_words(limits: &str) -> &str {
    match limits {
        "cgroup v2" => "memory and CPU shares by cgroup v2",
        "cgroup v1" => "memory and CPU shares by cgroup v1",
        "watched" => "none of the kernel; a job that takes more memory is found by looking and ended",
        other => other,
    }
}
