//! The command lines that do the same as a form.

use super::App;
use super::form::{Form, Key, Purpose};
use crate::backend::Why;
use crate::model::Switch;
use crate::tui::requests::Step;
use crate::tui::words;

impl App {
    /// The command lines that do the same as a form.
    pub fn by_hand(&self, form: &Form) -> Vec<String> {
        let act = match &form.purpose {
            Purpose::Schedule { .. } | Purpose::Begin => return Vec::new(),
            Purpose::Stop { jobs } if form.value(Key::Reason).is_empty() => self.stop_calls(jobs, "…"),
            _ => self.calls(form),
        };
        let Ok(act) = act else { return Vec::new() };
        let mut lines: Vec<Vec<String>> = Vec::new();
        for step in &act.steps {
            let words = command_line(step);
            // Several jobs with one verb and reason are one line.
            match lines.last_mut() {
                Some(last)
                    if matches!(step, Step::Cancel { .. } | Step::Terminate { .. }) && last.get(1) == words.get(1) =>
                {
                    let before_reason = last.len() - 2;
                    last.insert(before_reason, words[2].clone());
                }
                _ => lines.push(words),
            }
        }
        for words in lines.iter_mut().filter(|words| words.first().is_some_and(|word| word == "batchdeck")) {
            // Without a context, the line might hit another world than the one that is shown.
            if self.setting.context != "local" {
                words.splice(1..1, ["--context".to_owned(), self.setting.context.clone()]);
            }
        }
        lines.iter().map(|words| words::join(words)).collect()
    }
}

/// The words of the command line that makes the same call; the reason stands last.
fn command_line(step: &Step) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let with_reason = |mut line: Vec<String>, why: &Why| {
        if let Some(reason) = &why.reason {
            line.extend(["--reason".to_owned(), reason.clone()]);
        }
        line
    };
    match step {
        Step::Cancel { id, reason } => words(&["batchdeck", "cancel", id.as_str(), "--reason", reason]),
        Step::Terminate { id, reason } => words(&["batchdeck", "terminate", id.as_str(), "--reason", reason]),
        Step::ReprioritiseJob { id, priority, why } => {
            with_reason(words(&["batchdeck", "reprioritise", id.as_str(), &priority.to_string()]), why)
        }
        Step::UpdateQueue(request, _) => {
            let mut line = words(&["aws", "batch", "update-job-queue", "--job-queue", &request.job_queue]);
            if let Some(state) = request.state {
                line.extend(words(&["--state", state.as_str()]));
            }
            if let Some(priority) = request.priority {
                line.extend(words(&["--priority", &priority.to_string()]));
            }
            line
        }
        Step::UpdateEnvironment(request, _) => {
            let name = request.compute_environment.as_str();
            let mut line = words(&["aws", "batch", "update-compute-environment", "--compute-environment", name]);
            if let Some(state) = request.state {
                line.extend(words(&["--state", state.as_str()]));
            }
            line
        }
        Step::Submit(request) => super::submit::command_line(request),
        // The forms that make these show no command line.
        Step::CreateEnvironment(_) | Step::CreateQueue(_) | Step::RegisterDefinition(_) | Step::CreateSchedule(_) => {
            Vec::new()
        }
        Step::UpdateSchedule(schedule) => {
            let verb = if schedule.state == Switch::Enabled { "resume" } else { "pause" };
            words(&["batchdeck", "schedule", verb, &schedule.name])
        }
        Step::DeleteSchedule { name, .. } => words(&["batchdeck", "schedule", "delete", name]),
        Step::RunSchedule { name, .. } => words(&["batchdeck", "schedule", "run", name]),
    }
}
