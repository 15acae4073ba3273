//! The command lines that do the same as a form: our own verbs, told where to go, so that a pasted line acts on this
//! world and on no other.

use super::App;
use super::form::{Form, Purpose};
use crate::backend::Why;
use crate::model::{HoldTarget, Schedule, Switch, name_of, secret};
use crate::triage::replace::Changes;
use crate::triage::rerun::{option, submit_words};
use crate::tui::requests::Step;
use crate::tui::words;

impl App {
    /// The command lines that do the same as a form.
    pub fn by_hand(&self, form: &Form) -> Vec<String> {
        if let Purpose::Command(run) = &form.purpose {
            return vec![run.shown.clone()];
        }
        let mut lines: Vec<Line> = Vec::new();
        for line in self.steps_meant(form).iter().filter_map(command_line) {
            // Several jobs with one verb and reason are one line.
            match lines.iter_mut().find(|same| same.takes_several && same.verb == line.verb) {
                Some(same) => same.on.extend(line.on),
                None => lines.push(line),
            }
        }
        lines.into_iter().map(|line| words::join(&line.words(&self.setting.flags))).collect()
    }

    /// The lines of AWS's own tool that do the same, one a call; none where they would not come to this place.
    pub fn by_aws(&self, form: &Form) -> Vec<String> {
        let Some(flags) = &self.setting.aws_flags else { return Vec::new() };
        let steps = self.steps_meant(form);
        let lines = steps.iter().filter_map(aws_line);
        lines.map(|line| words::join(&[&["aws".to_owned()], line.as_slice(), flags.as_slice()].concat())).collect()
    }

    /// The calls that a form makes, by their names: `2 TerminateJob, 1 CancelJob`.
    pub fn calls_in_words(&self, form: &Form) -> String {
        let mut counted: Vec<(&'static str, usize)> = Vec::new();
        for step in self.steps_meant(form) {
            match counted.iter_mut().find(|(name, _)| *name == step.call()) {
                Some((_, count)) => *count += 1,
                None => counted.push((step.call(), 1)),
            }
        }
        counted.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
    }

    /// What the form would do, without the values that are secret: whoever runs a line by hand has them.
    fn steps_meant(&self, form: &Form) -> Vec<Step> {
        let mut steps = self.steps_of(form);
        for step in &mut steps {
            if let Step::Submit(request) = step
                && let Some(shown) = secret::without(&**request)
            {
                **request = shown;
            }
        }
        steps
    }

    fn steps_of(&self, form: &Form) -> Vec<Step> {
        let act = match &form.purpose {
            Purpose::Schedule { .. } | Purpose::Begin => return Vec::new(),
            Purpose::Stop { jobs } if form.reason().is_empty() => self.stop_calls(jobs, "…"),
            _ => self.calls_meant(form),
        };
        act.map(|act| act.steps).unwrap_or_default()
    }
}

/// A command line in its parts.
struct Line {
    verb: &'static [&'static str],
    /// What it acts on.
    on: Vec<String>,
    /// What stands behind: a reason, a command.
    rest: Vec<String>,
    /// Whether it may act on more than one thing.
    takes_several: bool,
}

impl Line {
    fn new(verb: &'static [&'static str], on: &[&str]) -> Self {
        let on = on.iter().map(|word| (*word).to_owned()).collect();
        Self { verb, on, rest: Vec::new(), takes_several: false }
    }

    fn because(mut self, reason: Option<&str>) -> Self {
        self.rest.extend(reason.into_iter().flat_map(|reason| option("--reason", reason)));
        self
    }

    fn words(self, flags: &[String]) -> Vec<String> {
        let mut words = vec!["batchdeck".to_owned()];
        words.extend(flags.iter().cloned());
        words.extend(self.verb.iter().map(|word| (*word).to_owned()));
        words.extend(self.on);
        words.extend(self.rest);
        words
    }
}

fn hold_line(verb: &'static [&'static str], target: &HoldTarget) -> Line {
    match target {
        HoldTarget::Job(id) => Line { takes_several: true, ..Line::new(verb, &[id.as_str()]) },
        HoldTarget::Queue(queue) => Line::new(verb, &["--queue", queue]),
    }
}

/// The line that makes the same call; `None` where no form that shows one makes it.
fn command_line(step: &Step) -> Option<Line> {
    let because = |line: Line, why: &Why| line.because(why.reason.as_deref());
    Some(match step {
        Step::Cancel { id, reason } => {
            Line { takes_several: true, ..Line::new(&["cancel"], &[id.as_str()]).because(Some(reason)) }
        }
        Step::Terminate { id, reason } => {
            Line { takes_several: true, ..Line::new(&["terminate"], &[id.as_str()]).because(Some(reason)) }
        }
        Step::ReprioritiseJob { id, priority, why } => {
            because(Line::new(&["reprioritise"], &[id.as_str(), &priority.to_string()]), why)
        }
        Step::Hold(target, why) => because(hold_line(&["hold"], target), why),
        Step::Release(target, why) => because(hold_line(&["release"], target), why),
        Step::MoveJob { id, to, why } => {
            let mut line = Line { takes_several: true, ..Line::new(&["move"], &[id.as_str()]) };
            line.rest.extend(to.job_queue.iter().flat_map(|queue| option("--to", queue)));
            line.rest.extend(to.share_identifier.iter().flat_map(|share| option("--share", share)));
            line.rest.extend(to.front.then(|| "--front".to_owned()));
            because(line, why)
        }
        Step::UpdateQueue(request, why) => {
            let queue = request.job_queue.as_str();
            let line = match (request.state, request.priority) {
                (Some(Switch::Enabled), _) => Line::new(&["queues", "enable"], &[queue]),
                (Some(Switch::Disabled), _) => Line::new(&["queues", "disable"], &[queue]),
                (None, Some(priority)) => Line::new(&["reprioritise"], &["--queue", queue, &priority.to_string()]),
                (None, None) => {
                    let order = request.compute_environment_order.as_ref()?;
                    let names: Vec<&str> = order.iter().map(|entry| name_of(&entry.compute_environment)).collect();
                    Line {
                        rest: option("--environments", &names.join(",")),
                        ..Line::new(&["queues", "update"], &[queue])
                    }
                }
            };
            because(line, why)
        }
        Step::UpdateEnvironment(request, why) => {
            let name = request.compute_environment.as_str();
            let maximum = request.compute_resources.as_ref().and_then(|resources| resources.maxv_cpus);
            let line = match (request.state, maximum) {
                (Some(Switch::Enabled), _) => Line::new(&["envs", "enable"], &[name]),
                (Some(Switch::Disabled), _) => Line::new(&["envs", "disable"], &[name]),
                (None, Some(maximum)) => {
                    Line { rest: option("--max", &maximum.to_string()), ..Line::new(&["envs", "update"], &[name]) }
                }
                (None, None) => return None,
            };
            because(line, why)
        }
        Step::Replace(replace) => {
            let mut line = Line::new(&["replace"], &[replace.jobs.first()?.old.as_str()]);
            let Changes { queue, share, priority } = &replace.changes;
            line.rest.extend(queue.iter().flat_map(|queue| option("--queue", queue)));
            line.rest.extend(share.iter().flat_map(|share| option("--share", share)));
            line.rest.extend(priority.iter().flat_map(|priority| option("--priority", &priority.to_string())));
            line.rest.extend((replace.jobs.len() == 1).then(|| "--alone".to_owned()));
            line.because(Some(&replace.reason))
        }
        Step::Interrupt { instance, at_once, why } => {
            let mut line = Line::new(&["interrupt"], &[&instance.0]);
            line.rest.extend(at_once.then(|| "--now".to_owned()));
            because(line, why)
        }
        Step::Submit(request) => Line { rest: submit_words(request), ..Line::new(&["submit"], &[]) },
        Step::UpdateSchedule(schedule) => {
            let verb: &[&str] = match schedule.state {
                Switch::Enabled => &["schedule", "resume"],
                Switch::Disabled => &["schedule", "pause"],
            };
            Line::new(verb, &[&label(&schedule.group_name, &schedule.name)])
        }
        Step::DeleteSchedule { group, name } => Line::new(&["schedule", "delete"], &[&label(group, name)]),
        Step::RunSchedule { group, name } => Line::new(&["schedule", "run"], &[&label(group, name)]),
        Step::CreateEnvironment(_)
        | Step::CreateQueue(_)
        | Step::RegisterDefinition(_)
        | Step::CreateSchedule(_)
        | Step::UpdatePolicy(..) => return None,
    })
}

/// The words after `aws` that make the same call, of those that are AWS's.
fn aws_line(step: &Step) -> Option<Vec<String>> {
    let line = |service: &str, call: &str, rest: Vec<(&str, String)>| {
        let rest = rest.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
        Some([service.to_owned(), call.to_owned()].into_iter().chain(rest).collect())
    };
    let state = |to: Switch| if to == Switch::Enabled { "ENABLED" } else { "DISABLED" }.to_owned();
    match step {
        Step::Cancel { id, reason } => {
            line("batch", "cancel-job", vec![("--job-id", id.to_string()), ("--reason", reason.clone())])
        }
        Step::Terminate { id, reason } => {
            line("batch", "terminate-job", vec![("--job-id", id.to_string()), ("--reason", reason.clone())])
        }
        Step::UpdateQueue(request, _) => {
            let mut rest = vec![("--job-queue", request.job_queue.clone())];
            rest.extend(request.state.map(|to| ("--state", state(to))));
            rest.extend(request.priority.map(|priority| ("--priority", priority.to_string())));
            line("batch", "update-job-queue", rest)
        }
        Step::UpdateEnvironment(request, _) => {
            let mut rest = vec![("--compute-environment", request.compute_environment.clone())];
            rest.extend(request.state.map(|to| ("--state", state(to))));
            let maximum = request.compute_resources.as_ref().and_then(|resources| resources.maxv_cpus);
            rest.extend(maximum.map(|maximum| ("--compute-resources", format!("maxvCpus={maximum}"))));
            line("batch", "update-compute-environment", rest)
        }
        Step::Submit(request) => {
            line("batch", "submit-job", vec![("--cli-input-json", serde_json::to_string(request).ok()?)])
        }
        Step::DeleteSchedule { group, name } => {
            let rest = vec![("--group-name", group.clone()), ("--name", name.clone())];
            line("scheduler", "delete-schedule", rest)
        }
        // Of the others some have no call of AWS's, and some take all of a thing that nobody would paste.
        _ => None,
    }
}

/// How the verbs name a schedule.
fn label(group: &str, name: &str) -> String {
    if group == Schedule::default().group_name { name.to_owned() } else { format!("{group}/{name}") }
}
