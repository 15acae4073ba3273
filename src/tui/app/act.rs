//! Acting on jobs, queues, environments and schedules: the calls that a form becomes.

use super::begin;
use super::form::{Form, Key, Purpose};
use super::list::Scope;
use super::{App, Pane, Popup, View};
use crate::backend::Why;
use crate::model::{
    ComputeResourceUpdate, HoldTarget, JobId, JobSummary, MoveTo, Schedule, Switch, UpdateComputeEnvironmentRequest,
    UpdateJobQueueRequest, validate,
};
use crate::tui::action::{Action, Place};
use crate::tui::requests::{Act, Outline, Step};

/// What is wrong with a form: the field and why.
pub type Problems = Vec<(Key, String)>;

/// The call that ends a job, chosen by its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCall {
    Cancel,
    Terminate,
    /// It is over, or gone.
    None,
}

impl StopCall {
    /// A job that has not started is cancelled; one that has, or an array with a child that has, is terminated.
    pub fn of(job: &JobSummary) -> Self {
        let counts = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
        match job.status {
            status if status.is_final() => Self::None,
            status if status.is_placed() || counts.is_some_and(|counts| counts.placed() > 0) => Self::Terminate,
            _ => Self::Cancel,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Terminate => "terminate",
            Self::None => "leave alone",
        }
    }
}

/// What a form of moving says of the queue and the turn.
pub(super) const STAYS: &str = "stays";
pub(super) const FRONT: &str = "at the front";
pub(super) const BEHIND: &str = "in its turn";
/// What a form of interrupting says of the end.
pub(super) const AFTER_NOTICE: &str = "after a notice of two minutes";
pub(super) const AT_ONCE: &str = "at once";

impl App {
    /// Sends the form on top, or shows what is wrong with it.
    pub(super) fn send_form(&mut self) {
        let Some(Popup::Form(form)) = self.popups.last() else { return };
        if let Purpose::Command(run) = &form.purpose {
            let run = (**run).clone();
            self.popups.pop();
            return self.hand_command(run);
        }
        match self.calls(form) {
            Ok(act) => {
                let waits = form.waits();
                let is_of_marked = matches!(
                    form.purpose,
                    Purpose::Stop { .. } | Purpose::HoldJobs { .. } | Purpose::MoveJobs { .. } | Purpose::Rerun { .. }
                );
                self.popups.pop();
                if act.steps.is_empty() {
                    return self.say("nothing is left to do: all of it has ended by itself");
                }
                if is_of_marked && let Some(jobs) = self.job_list_mut() {
                    jobs.marked.clear();
                }
                self.put_forward(act, waits);
            }
            Err(problems) => {
                let Some(Popup::Form(form)) = self.popups.last_mut() else { return };
                form.tried = true;
                let first =
                    problems.first().and_then(|(key, _)| form.fields.iter().position(|field| field.key == *key));
                form.focus = first.unwrap_or(form.focus);
            }
        }
    }

    /// The calls that a form would make, or what is wrong with it.
    pub fn calls(&self, form: &Form) -> Result<Act, Problems> {
        let act = self.calls_meant(form)?;
        match form.count {
            Some(count) if form.value(Key::Count).replace(',', "") != count.to_string() => {
                Err(vec![(Key::Count, format!("type {count}: so many jobs are hit"))])
            }
            _ => Ok(act),
        }
    }

    /// The same, before the number of what it hits is typed.
    pub(super) fn calls_meant(&self, form: &Form) -> Result<Act, Problems> {
        let reason = form.reason();
        let why = Why { reason: (!reason.is_empty()).then(|| reason.clone()) };
        let one = |title: String, done: String, step| {
            Ok(Act { title, done: Outline::Words(done), steps: vec![step], in_order: true })
        };
        let verb_of = |to: Switch| if to == Switch::Enabled { "enable" } else { "disable" };
        match &form.purpose {
            Purpose::Submit { base } => {
                let request = self.submit_request(form, base)?;
                let name = request.job_name.clone();
                one(format!("submit {name}"), format!("submitted {name}"), Step::Submit(Box::new(request)))
            }
            Purpose::Stop { jobs } => self.stop_calls(jobs, &reason),
            Purpose::JobPriority { id } => {
                let priority = needed(form, Key::Priority, validate::scheduling_priority)?;
                let name = self.job_row(id).map_or_else(|| id.short(), |job| job.job_name);
                let step = Step::ReprioritiseJob { id: id.clone(), priority, why };
                one(format!("priority {priority} of {name}"), format!("priority of {name} is now {priority}"), step)
            }
            Purpose::QueuePriority { queue } => {
                let priority = needed(form, Key::Priority, validate::queue_priority)?;
                let request =
                    UpdateJobQueueRequest { job_queue: queue.clone(), priority: Some(priority), ..Default::default() };
                let step = Step::UpdateQueue(request, why);
                one(format!("priority {priority} of {queue}"), format!("priority of {queue} is now {priority}"), step)
            }
            Purpose::HoldJobs { jobs, held } => Ok(self.hold_calls(jobs, *held, &why)),
            Purpose::HoldQueue { queue, held } => {
                let target = HoldTarget::Queue(queue.clone());
                let step = if *held { Step::Hold(target, why) } else { Step::Release(target, why) };
                let (verb, done) = if *held { ("hold", "held") } else { ("release", "released") };
                one(format!("{verb} the queue {queue}"), format!("{done} the queue {queue}"), step)
            }
            Purpose::MoveJobs { jobs } => self.move_calls(form, jobs, &why),
            Purpose::SwitchQueue { queue, to } => {
                let request =
                    UpdateJobQueueRequest { job_queue: queue.clone(), state: Some(*to), ..Default::default() };
                let verb = verb_of(*to);
                let step = Step::UpdateQueue(request, why);
                one(format!("{verb} the queue {queue}"), format!("{verb}d the queue {queue}"), step)
            }
            Purpose::SwitchEnvironment { environment, to } => {
                let request = UpdateComputeEnvironmentRequest {
                    compute_environment: environment.clone(),
                    state: Some(*to),
                    ..Default::default()
                };
                let (verb, step) = (verb_of(*to), Step::UpdateEnvironment(Box::new(request), why));
                let what = format!("the compute environment {environment}");
                one(format!("{verb} {what}"), format!("{verb}d {what}"), step)
            }
            Purpose::Maximum { environment } => {
                let maximum = needed(form, Key::Maximum, maximum)?;
                let resources = ComputeResourceUpdate { maxv_cpus: Some(maximum), ..Default::default() };
                let request = UpdateComputeEnvironmentRequest {
                    compute_environment: environment.clone(),
                    compute_resources: Some(resources),
                    ..Default::default()
                };
                let step = Step::UpdateEnvironment(Box::new(request), why);
                let title = format!("maxvCpus {maximum} of {environment}");
                one(title, format!("maxvCpus of {environment} is now {maximum}"), step)
            }
            Purpose::Interrupt { instance } => {
                let at_once = form.value(Key::When) == AT_ONCE;
                let step = Step::Interrupt { instance: instance.clone(), at_once, why };
                let done =
                    if at_once { format!("took {instance} away") } else { format!("gave {instance} its notice") };
                one(format!("interrupt {instance}"), done, step)
            }
            Purpose::Schedule { editing } => {
                let schedule = Box::new(self.schedule_of(form, editing.as_deref())?);
                let name = schedule.name.clone();
                if editing.is_some() {
                    let step = Step::UpdateSchedule(schedule);
                    one(format!("change the schedule {name}"), format!("changed the schedule {name}"), step)
                } else {
                    let step = Step::CreateSchedule(schedule);
                    one(format!("create the schedule {name}"), format!("created the schedule {name}"), step)
                }
            }
            Purpose::PauseSchedule { schedule, to } => {
                let verb = if *to == Switch::Enabled { "resume" } else { "pause" };
                let changed = Schedule { state: *to, ..(**schedule).clone() };
                let name = &schedule.name;
                one(format!("{verb} {name}"), format!("{verb}d {name}"), Step::UpdateSchedule(Box::new(changed)))
            }
            Purpose::DeleteSchedule { group, name } => {
                let step = Step::DeleteSchedule { group: group.clone(), name: name.clone() };
                one(format!("delete {name}"), format!("deleted {name}"), step)
            }
            Purpose::RunSchedule { group, name } => Ok(Act {
                title: format!("run {name}"),
                done: Outline::JobOf(name.clone()),
                steps: vec![Step::RunSchedule { group: group.clone(), name: name.clone() }],
                in_order: true,
            }),
            Purpose::Rerun { plan, .. } => Self::rerun_calls(form, plan),
            Purpose::Replace { plan } => self.replace_calls(form, plan),
            Purpose::Weight { policy, share } => Self::weight_calls(form, policy, share),
            Purpose::Order { queue } => self.order_calls(form, queue),
            Purpose::Begin => Ok(begin::act(self.setting.own.processors)),
            // It makes no calls of its own.
            Purpose::Command(run) => {
                let done = Outline::Words(String::new());
                Ok(Act { title: run.title.clone(), done, steps: Vec::new(), in_order: true })
            }
        }
    }

    /// Of jobs that have started meanwhile, nothing is left to hold.
    fn hold_calls(&self, jobs: &[JobId], held: bool, why: &Why) -> Act {
        let waiting = self.waiting_of(jobs);
        let step = |job: &JobSummary| {
            let target = HoldTarget::Job(job.job_id.clone());
            if held { Step::Hold(target, why.clone()) } else { Step::Release(target, why.clone()) }
        };
        let (verb, done) = if held { ("hold", "held") } else { ("release", "released") };
        let what = what(&waiting);
        Act {
            title: format!("{verb} {what}"),
            done: Outline::Words(format!("{done} {what}")),
            steps: waiting.iter().map(step).collect(),
            in_order: false,
        }
    }

    /// The last one that is moved to a front stands first there: they are moved from behind.
    fn move_calls(&self, form: &Form, jobs: &[JobId], why: &Why) -> Result<Act, Problems> {
        let waiting = self.waiting_of(jobs);
        let (queue, share, front) = (form.value(Key::Queue), form.value(Key::Share), form.value(Key::Turn) == FRONT);
        let job_queue = (queue != STAYS).then(|| queue.to_owned());
        if job_queue.is_none() && !front {
            return Err(vec![(Key::Turn, "without another queue there is only the front to move to".to_owned())]);
        }
        if job_queue.is_none() && !share.is_empty() {
            return Err(vec![(Key::Share, "a share changes with the queue; choose another queue".to_owned())]);
        }
        let to = MoveTo { job_queue, share_identifier: (!share.is_empty()).then(|| share.to_owned()), front };
        let place = match (&to.job_queue, front) {
            (Some(queue), true) => format!("to the front of {queue}"),
            (Some(queue), false) => format!("to {queue}"),
            (None, _) => "to the front".to_owned(),
        };
        let what = what(&waiting);
        let step = |job: &JobSummary| Step::MoveJob { id: job.job_id.clone(), to: to.clone(), why: why.clone() };
        Ok(Act {
            title: format!("move {what} {place}"),
            done: Outline::Words(format!("moved {what} {place}")),
            steps: waiting.iter().rev().map(step).collect(),
            in_order: true,
        })
    }

    pub(super) fn waiting_of(&self, jobs: &[JobId]) -> Vec<JobSummary> {
        jobs.iter().filter_map(|id| self.job_row(id)).filter(|job| job.status.is_waiting()).collect()
    }

    pub(super) fn stop_calls(&self, jobs: &[JobId], reason: &str) -> Result<Act, Problems> {
        if let Err(wrong) = validate::reason(reason) {
            let text = if reason.is_empty() { "say why: it is recorded".to_owned() } else { wrong.to_string() };
            return Err(vec![(Key::Reason, text)]);
        }
        let mut steps = Vec::new();
        let (mut cancelled, mut terminated) = (Vec::new(), Vec::new());
        for job in jobs.iter().filter_map(|id| self.job_row(id)) {
            let (id, reason) = (job.job_id.clone(), reason.to_owned());
            match StopCall::of(&job) {
                StopCall::Cancel => {
                    steps.push(Step::Cancel { id, reason });
                    cancelled.push(job.job_name);
                }
                StopCall::Terminate => {
                    steps.push(Step::Terminate { id, reason });
                    terminated.push(job.job_name);
                }
                StopCall::None => {}
            }
        }
        let what = |names: &[String]| match names {
            [one] => one.clone(),
            several => format!("{} jobs", several.len()),
        };
        let mut todo = Vec::new();
        let mut done = Vec::new();
        // A terminated job goes on for as long as it takes to end.
        if !terminated.is_empty() {
            todo.push(format!("terminate {}", what(&terminated)));
            done.push(format!("asked {} to end", what(&terminated)));
        }
        if !cancelled.is_empty() {
            todo.push(format!("cancel {}", what(&cancelled)));
            done.push(format!("cancelled {}", what(&cancelled)));
        }
        Ok(Act { title: todo.join(", "), done: Outline::Words(done.join(", ")), steps, in_order: false })
    }

    /// Looks at the jobs of one queue: for tests and the start of the console.
    pub fn look_at_queue(&mut self, queue: &str) {
        self.overview.jobs.scope = Scope::Queue(queue.to_owned());
        self.focus(Pane::Jobs);
    }

    /// Whether an action would be taken here and now: what hints leave out.
    pub fn is_offered(&self, action: Action) -> bool {
        if self.refusal(action).is_some() {
            return false;
        }
        let place = self.place_below();
        let about_jobs = matches!(
            place,
            Place::Jobs
                | Place::Array
                | Place::Job
                | Place::Log
                | Place::LogScreen
                | Place::Failures
                | Place::Tree
                | Place::Why
        );
        let job = || self.selected_job().and_then(|id| self.job_row(&id));
        match action {
            Action::Reprioritise if place == Place::Queues => true,
            Action::Reprioritise => job().is_some_and(|job| job.status.is_waiting()),
            Action::Hold if place == Place::Queues => self.setting.can.hold,
            Action::Hold | Action::Move => self.setting.can.hold && job().is_some_and(|job| job.status.is_waiting()),
            Action::Stop => job().is_some_and(|job| StopCall::of(&job) != StopCall::None),
            // The same as running the group again.
            Action::Resubmit if place == Place::Failures => false,
            Action::AllQueues => matches!(self.view(), View::Overview),
            Action::Rerun => self.has_to_rerun(),
            Action::RootBlocker => {
                self.tree().and_then(|view| view.told.as_ref()).is_some_and(|told| told.root_blocker.is_some())
            }
            Action::Open if place == Place::Why => {
                matches!(self.views.last(), Some(View::Why(why)) if why.step().is_some())
            }
            Action::Open
            | Action::Logs
            | Action::ChooseLog
            | Action::Resubmit
            | Action::Mark
            | Action::Tree
            | Action::Why
                if about_jobs =>
            {
                job().is_some()
            }
            Action::Open | Action::AckWatch | Action::SilenceWatch | Action::EditWatch | Action::RemoveWatch
                if place == Place::Watches =>
            {
                self.selected_watch().is_some()
            }
            Action::Open | Action::PauseSchedule | Action::RunSchedule | Action::DeleteSchedule
                if place == Place::Schedules =>
            {
                self.selected_schedule().is_some()
            }
            Action::PreviousAttempt => job().is_some_and(|job| super::subject::attempt_of(&job) > 1),
            Action::Begin => self.store.is_empty(),
            Action::Interrupt => self.selected_instance().is_some(),
            Action::TakeBack => self.counts_down(),
            Action::TryAgain => self.has_refused(),
            Action::Shell => self.has_shell(),
            Action::SaveTemplate | Action::EditJson => {
                matches!(self.popups.last(), Some(Popup::Form(form)) if matches!(form.purpose, Purpose::Submit { .. }))
            }
            Action::Choose => self.has_choices(),
            Action::Back => self.views.len() > 1,
            Action::Open => !matches!(self.view(), View::Definition { .. }),
            _ => true,
        }
    }
}

/// One job by its name, several by their number.
fn what(jobs: &[JobSummary]) -> String {
    match jobs {
        [one] => one.job_name.clone(),
        several => format!("{} jobs", several.len()),
    }
}

/// What `maxvCpus` takes.
fn maximum(number: i32) -> Result<(), validate::Invalid> {
    if number >= 0 {
        Ok(())
    } else {
        Err(validate::Invalid { field: "maxvCpus", given: number.to_string(), takes: "0 or more" })
    }
}

/// A number in a field that must not be empty.
fn needed(form: &Form, key: Key, check: fn(i32) -> Result<(), validate::Invalid>) -> Result<i32, Problems> {
    let takes = || check(-1).err().map_or_else(String::new, |error| format!("takes {}", error.takes));
    number(form, key, check)?.ok_or_else(|| vec![(key, takes())])
}

/// A whole number in a field; `None` where it is empty.
pub(super) fn number<T: std::str::FromStr + Copy>(
    form: &Form,
    key: Key,
    check: impl Fn(T) -> Result<(), validate::Invalid>,
) -> Result<Option<T>, Problems> {
    let text = form.value(key);
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |text: String| vec![(key, text)];
    let number: T = text.parse().map_err(|_| wrong(format!("`{text}` is not a whole number")))?;
    check(number).map_err(|error| wrong(format!("takes {}", error.takes)))?;
    Ok(Some(number))
}
