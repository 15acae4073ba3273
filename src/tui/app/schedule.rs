//! The editor of schedules: its form, what it tells while one types, the schedule that it becomes, and its past runs.

use super::act::Problems;
use super::form::{Field, Form, Key, Purpose};
use super::ground::ToCome;
use super::submit::{check, read_pairs, read_words};
use super::{App, Popup, View};
use crate::model::expression::{ClockChange, Expression, ExpressionError};
use crate::model::{
    ContainerOverrides, JobId, Millis, Schedule, ScheduleRun, ScheduleTarget, Switch, name_of, validate,
};
use crate::tui::requests::Ask;
use crate::tui::words;

/// So many times to come the editor shows, and so many where there is little room.
const TIMES: (usize, usize) = (5, 3);
/// From so many lines on there is room.
const ROOMY: u16 = 30;
const ROOMY_FOR_A_NEW_ONE: u16 = 24;
/// Past runs that are shown.
const RUNS: usize = 3;

/// What an expression means.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    pub words: String,
    pub times: Vec<Coming>,
    pub changes: Vec<ClockChange>,
}

/// A time to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    pub at: Millis,
    /// As the clock of the schedule's zone shows it, with the offset from UTC.
    pub wall: String,
    /// As the operator's own clock shows it, or UTC where the two agree.
    pub beside: Option<String>,
}

/// The editor while one looks at a past run that was opened from it.
#[derive(Debug)]
pub struct SetAside {
    form: Box<Form>,
    /// How many views there were.
    depth: usize,
}

impl App {
    /// Opens the job of a past run; what is in the editor is there again afterwards.
    pub(super) fn follow_past_run(&mut self, id: JobId) {
        let depth = self.views.len();
        if let Some(Popup::Form(form)) = self.popups.pop() {
            self.set_aside = Some(SetAside { form, depth });
        }
        self.open_job(id);
    }

    /// Shows the editor again where one comes back to the view that it was opened from.
    pub(super) fn return_to_editor(&mut self) {
        let is_back = matches!(self.view(), View::Schedules(_));
        if let Some(aside) = self.set_aside.take_if(|aside| is_back && aside.depth == self.views.len()) {
            self.popups.push(Popup::Form(aside.form));
        }
    }

    /// The editor of a schedule as it was left for a past run, where one has not come back to it since.
    fn left_editor(&mut self, schedule: &Schedule) -> Option<Box<Form>> {
        let aside = self.set_aside.take()?;
        let is_same =
            matches!(&aside.form.purpose, Purpose::Schedule { editing: Some(editing) } if **editing == *schedule);
        is_same.then_some(aside.form)
    }

    pub(super) fn ask_schedule(&mut self, editing: Option<Box<Schedule>>) {
        if let Some(form) = editing.as_ref().and_then(|schedule| self.left_editor(schedule)) {
            self.popups.push(Popup::Form(form));
            return self.say("as it was left; leave it and open it again to begin anew");
        }
        let request = editing.as_ref().and_then(|schedule| schedule.target.request().ok()).unwrap_or_default();
        if let Some(schedule) = &editing
            && let Err(error) = schedule.target.request()
        {
            return self.complain(format!("{}: {error}", schedule.name));
        }
        if !self.has_ground("a schedule", || ToCome::Schedule { editing: editing.clone() }) {
            return;
        }
        let queues: Vec<String> =
            self.store.queues_in_order().iter().map(|queue| queue.job_queue_name.clone()).collect();
        let command = request.container_overrides.clone().unwrap_or_default().command;
        let pairs: Vec<String> = request.parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let text =
            |of: fn(&Schedule) -> &str, or: &str| editing.as_deref().map_or(or.to_owned(), |it| of(it).to_owned());
        let mut fields = Vec::new();
        if editing.is_none() {
            fields.push(Field::text(Key::Name, "Name", "", "nightly-report"));
        }
        fields.extend([
            Field::text(
                Key::Expression,
                "When",
                &text(|schedule| &schedule.schedule_expression, ""),
                "cron(30 2 ? * MON-FRI *), rate(5 minutes), at(2027-01-31T02:30:00)",
            ),
            Field::text(
                Key::Zone,
                "Zone",
                &text(|schedule| &schedule.schedule_expression_timezone, "UTC"),
                "Europe/Zurich",
            ),
            Field::choice(Key::Queue, "Queue", queues, name_of(&request.job_queue)),
            Field::choice(
                Key::Definition,
                "Definition",
                self.definition_options(name_of(&request.job_definition)),
                name_of(&request.job_definition),
            ),
            Field::text(Key::JobName, "Job name", &request.job_name, "the schedule's name"),
            Field::text(Key::Command, "Command", &words::join(&command), "the definition's own"),
            Field::text(Key::Parameters, "Parameters", &words::join(&pairs), "day=<aws.scheduler.scheduled-time>"),
        ]);
        if !self.is_local() {
            let known = self.setting.scheduler_role.as_deref().unwrap_or_default();
            let role = text(|schedule| &schedule.target.role_arn, known);
            fields.push(Field::text(Key::Role, "Role", &role, "arn:aws:iam::ACCOUNT:role/NAME, which may submit jobs"));
        }
        let title = editing.as_ref().map_or("New schedule".to_owned(), |it| format!("Schedule {}", it.name));
        self.popups.push(Popup::Form(Box::new(Form {
            go: if editing.is_some() { "Change" } else { "Create" }.into(),
            title,
            fields,
            ..Form::of(Purpose::Schedule { editing })
        })));
    }

    /// The schedule of a form.
    pub(super) fn schedule_of(&self, form: &Form, editing: Option<&Schedule>) -> Result<Schedule, Problems> {
        let mut problems = Problems::new();
        let mut schedule = editing.cloned().unwrap_or_default();
        if editing.is_none() {
            form.value(Key::Name).clone_into(&mut schedule.name);
            check(&mut problems, Key::Name, validate::schedule_name(&schedule.name));
            let taken = (schedule.group_name.clone(), schedule.name.clone());
            if self.store.schedules.contains_key(&taken) {
                problems.push((Key::Name, format!("there is a schedule `{}` already", schedule.name)));
            }
        }
        form.value(Key::Expression).clone_into(&mut schedule.schedule_expression);
        form.value(Key::Zone).clone_into(&mut schedule.schedule_expression_timezone);
        if let Err(error) = Expression::parse(&schedule.schedule_expression, &schedule.schedule_expression_timezone) {
            let is_zone = matches!(error, ExpressionError::Zone(_));
            problems.push((if is_zone { Key::Zone } else { Key::Expression }, error.to_string()));
        }
        let mut request = schedule.target.request().unwrap_or_default();
        let name = form.value(Key::JobName);
        if name.is_empty() { &schedule.name } else { name }.clone_into(&mut request.job_name);
        if !request.job_name.is_empty() {
            check(&mut problems, Key::JobName, validate::job_name(&request.job_name));
        }
        form.value(Key::Queue).clone_into(&mut request.job_queue);
        form.value(Key::Definition).clone_into(&mut request.job_definition);
        let mut overrides = request.container_overrides.take().unwrap_or_default();
        overrides.command = read_words(form, Key::Command, &mut problems);
        request.container_overrides = (overrides != ContainerOverrides::default()).then_some(overrides);
        request.parameters = read_pairs(form, Key::Parameters, &mut problems);
        let typed = Some(form.value(Key::Role)).filter(|role| !role.is_empty());
        let kept = Some(schedule.target.role_arn.as_str()).filter(|role| !role.is_empty());
        let role = match typed.or(kept).or(self.setting.scheduler_role.as_deref()) {
            Some(role) if role.starts_with("arn:") => role.to_owned(),
            Some(role) => {
                problems.push((Key::Role, format!("`{role}` is no ARN of a role")));
                String::new()
            }
            None => {
                problems.push((Key::Role, "AWS submits the job as a role: give its ARN".to_owned()));
                String::new()
            }
        };
        let ScheduleTarget { retry_policy, dead_letter_config, .. } = schedule.target.clone();
        schedule.target =
            ScheduleTarget { retry_policy, dead_letter_config, ..ScheduleTarget::submit_job(&request, &role) };
        if problems.is_empty() { Ok(schedule) } else { Err(problems) }
    }

    /// How many times to come are shown: one that is made has no past ones that want room too.
    pub fn times_shown(&self, editing: Option<&Schedule>) -> usize {
        let roomy = if editing.is_some() { ROOMY } else { ROOMY_FOR_A_NEW_ONE };
        if self.size.1 >= roomy { TIMES.0 } else { TIMES.1 }
    }

    /// What the expression means that is being typed.
    pub fn meaning(&self, form: &Form) -> Result<Meaning, ExpressionError> {
        let Purpose::Schedule { editing } = &form.purpose else { return Err(ExpressionError::Form) };
        let now = self.now;
        let expression = Expression::parse(form.value(Key::Expression), form.value(Key::Zone))?;
        let schedule = Schedule {
            schedule_expression: form.value(Key::Expression).to_owned(),
            ..editing.as_deref().cloned().unwrap_or_default()
        };
        let coming = |at| Coming {
            at,
            wall: expression.wall(at),
            beside: self.setting.own.clock.beside(at, expression.offset(at)),
        };
        let times = schedule.times_of(&expression, now, self.times_shown(editing.as_deref()));
        Ok(Meaning {
            words: expression.in_words(),
            times: times.into_iter().map(coming).collect(),
            changes: expression.clock_changes(now),
        })
    }

    /// When a schedule fires next; `None` while it is paused, when it never does, or cannot be read.
    pub fn next_run(&self, schedule: &Schedule) -> Option<Millis> {
        let is_known = schedule.state == Switch::Enabled && schedule.has_known_times();
        is_known.then(|| schedule.next_time(self.now)).flatten()
    }

    /// The last runs of a schedule, newest first.
    pub fn past_runs(&self, schedule: &Schedule) -> &[ScheduleRun] {
        let key = (schedule.group_name.clone(), schedule.name.clone());
        let runs = self.store.runs.get(&key).map(Vec::as_slice).unwrap_or_default();
        &runs[..runs.len().min(RUNS)]
    }

    /// Brings what can be opened from the editor in line with the runs that are known, and asks for their jobs.
    pub(super) fn settle_schedule(&mut self) {
        let Some(Popup::Form(form)) = self.popups.last() else { return };
        let Purpose::Schedule { editing: Some(schedule) } = &form.purpose else { return };
        let jobs: Vec<JobId> = self.past_runs(schedule).iter().filter_map(|run| run.job_id.clone()).collect();
        if form.links == jobs {
            return;
        }
        let unknown: Vec<JobId> = jobs.iter().filter(|id| self.job_row(id).is_none()).cloned().collect();
        if !unknown.is_empty() {
            self.ask(Ask::Describe(unknown));
        }
        if let Some(Popup::Form(form)) = self.popups.last_mut() {
            form.take_links(jobs);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::theme::Theme;
    use crate::tui::action::Place;
    use crate::tui::screens::recorded_world;
    use crate::tui::stage::Stage;

    fn editor(keys: &str) -> Stage {
        let mut stage = Stage::new(recorded_world(), (80, 24), Theme::default());
        stage.press("S j Enter").expect("keys");
        stage.press(keys).expect("keys");
        stage
    }

    #[test]
    fn a_past_run_is_opened_from_the_editor() {
        // The runs come after the buttons: back from the first field is the last of them that has a job.
        let mut stage = editor("backtab");
        assert!(stage.text().contains("▸ Enter opens  ✖"), "{}", stage.text());
        stage.press("Enter").expect("keys");
        assert_eq!(stage.app.place(), Place::Job);
        assert!(stage.text().contains("Job etl-2026-11-23"), "{}", stage.text());
        stage.press("Esc").expect("keys");
        assert!(stage.text().contains("▸ Enter opens  ✖"), "and back where one was: {}", stage.text());
        stage.press("Esc").expect("keys");
        assert_eq!(stage.app.place(), Place::Schedules);
    }

    #[test]
    fn what_was_typed_is_there_again_after_a_look_at_a_past_run() {
        let mut stage = editor("ctrl-u \"rate(7 minutes)\" backtab Enter");
        assert_eq!(stage.app.place(), Place::Job);
        stage.press("l Esc Esc").expect("keys");
        assert!(stage.text().contains("rate(7 minutes)"), "{}", stage.text());
        // By another way one finds it where the schedule is edited again; once it is left, it is gone.
        stage.press("Enter").expect("keys");
        assert_eq!(stage.app.place(), Place::Job);
        stage.press(": \"queues\" Enter S j Enter").expect("keys");
        assert!(
            stage.text().contains("rate(7 minutes)") && stage.text().contains("as it was left"),
            "{}",
            stage.text()
        );
        stage.press("Esc Enter").expect("keys");
        assert!(!stage.text().contains("rate(7 minutes)"), "{}", stage.text());
    }

    #[test]
    fn what_is_typed_is_explained_and_warned_of_at_once() {
        let stage = editor("ctrl-u \"cron(30 2 * * ? *)\"");
        let text = stage.text();
        assert!(text.contains("at 02:30 every day"), "{text}");
        assert!(text.contains("▲ Clock        Sun 28 Mar 2027 the clock skips 02:00-03:00: the run of"), "{text}");
        let wrong = editor("ctrl-u \"cron(30 25 * * ? *)\"").text();
        assert!(wrong.contains("✖ When:        hours (field 2 of 6) does not take `25`; it takes 0 to 23"), "{wrong}");
    }
}
