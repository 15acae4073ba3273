//! Commands of the person's own, and a shell where a job runs: lines that have the terminal while they run.

use super::command::{Command, Item};
use super::form::{Form, Purpose};
use super::{App, Intention, Popup};
use crate::config::{CommandSettings, OF_DETAILS, variable};
use crate::model::{CommandRun, DEFAULT_LOG_GROUP, JobDetail, JobId, JobStatus, Millis};
use crate::tui::action::{Action, Place};
use crate::tui::requests::{Ask, Request, Run};
use crate::tui::words;
use std::collections::BTreeMap;
use std::mem;

/// The command of the config that `s` runs where no engine of one's own runs the job.
const SHELL: &str = "shell";

/// The task of ECS that a job runs as.
struct Task<'d> {
    arn: &'d str,
    container_instance: Option<&'d str>,
    may_execute: bool,
}

fn task_of(detail: &JobDetail) -> Option<Task<'_>> {
    if let Some(container) = &detail.container {
        return Some(Task {
            arn: container.task_arn.as_deref()?,
            container_instance: container.container_instance_arn.as_deref(),
            may_execute: container.enable_execute_command == Some(true),
        });
    }
    let task = detail.ecs_properties.as_ref()?.task_properties.first()?;
    Some(Task {
        arn: task.task_arn.as_deref()?,
        container_instance: task.container_instance_arn.as_deref(),
        may_execute: task.settings.enable_execute_command == Some(true),
    })
}

/// `arn:aws:ecs:eu-west-1:1:task/CLUSTER/ID`: the cluster and the id.
fn cluster_and_id(arn: &str) -> (&str, &str) {
    let mut parts = arn.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some(cluster), Some(id)) => (cluster, id),
        (Some(id), None) => ("default", id),
        _ => ("", ""),
    }
}

impl App {
    /// The commands that work at a place, as lines of the palette.
    pub(super) fn command_items(&self, place: Place) -> Vec<Item> {
        let here = self.setting.own.commands.iter().filter(|(_, command)| works_at(command, place));
        here.map(|(name, command)| {
            let line = format!("run {name}");
            Item::new(line.clone(), &command.label, Command::Line(line))
        })
        .collect()
    }

    /// Runs the command of this name on what is under the cursor, or says why it cannot be.
    pub(super) fn run_command(&mut self, name: &str) -> Result<(), String> {
        let commands = &self.setting.own.commands;
        let Some(at) = commands.keys().position(|known| known == name) else {
            let nearest = crate::model::nearest_words(name, commands.keys().map(String::as_str));
            return Err(format!("there is no [commands.{name}] in the config{nearest}"));
        };
        let command = &commands[name];
        if !command.read_only && !self.setting.access.may_write() {
            return Err(format!(
                "`{name}` is refused: the context `{}` is read-only; `read-only = true` in [commands.{name}] says that it \
                 changes nothing",
                self.setting.context
            ));
        }
        if !works_at(command, self.place_below()) {
            let views: Vec<&str> =
                command.views.iter().flat_map(|view| Place::of_view(*view)).map(|place| place.title()).collect();
            return Err(format!("`{name}` works in {}", views.join(", ")));
        }
        let needs_details = command.wanted().iter().any(|wanted| OF_DETAILS.contains(wanted));
        match self.selected_job().filter(|_| needs_details && self.is_about_jobs()) {
            // Where it runs changes with each attempt: what was read before may be of another one.
            Some(id) => self.intend(id, Intention::Command(at)),
            None => self.begin_command(at),
        }
        Ok(())
    }

    fn is_about_jobs(&self) -> bool {
        let place = self.place_below();
        place.is_log() || matches!(place, Place::Jobs | Place::Array | Place::Job | Place::Tree | Place::Why)
    }

    /// Asks whether to run a command, or runs it: what it needs to know is known.
    pub(super) fn begin_command(&mut self, at: usize) {
        let Some((name, command)) = self.setting.own.commands.iter().nth(at) else { return };
        let values = self.values_here();
        let missing = command.wanted().into_iter().find(|wanted| !values.contains_key(wanted));
        if let Some(missing) = missing {
            let text = format!("`{name}` needs {{{missing}}}, which what is selected here does not have");
            return self.complain(text);
        }
        let run = Run {
            title: command.label.clone(),
            name: name.clone(),
            target: target_of(&values),
            line: command.line(),
            shown: command.filled(|name| words::quote(values.get(name).map_or("", String::as_str))),
            variables: values.into_iter().map(|(name, value)| (variable(name), value)).collect(),
            pauses: command.pause,
            records_itself: false,
        };
        if command.confirm {
            let form = Form { title: run.title.clone(), go: "Run".into(), ..Form::of(Purpose::Command(Box::new(run))) };
            self.popups.push(Popup::Form(Box::new(form)));
        } else {
            self.hand_command(run);
        }
    }

    pub(super) fn hand_command(&mut self, run: Run) {
        self.ask(Ask::RunCommand(Box::new(run)));
    }

    /// A command has had the terminal: that goes on the record, with how it ended.
    pub fn command_ended(&mut self, run: CommandRun, now: Millis) -> Vec<Request> {
        self.now = now;
        if self.setting.can.audit {
            self.ask(Ask::RecordRun(run));
        }
        mem::take(&mut self.out)
    }

    /// What was done is on the record: where nobody tells of that, it is read again.
    pub(super) fn reread_record(&mut self) {
        if !self.setting.can.pushes_changes {
            self.ask(Ask::Audit);
        }
    }

    /// What the row under the cursor has, by the names of [`VARIABLES`](crate::config::VARIABLES).
    fn values_here(&self) -> BTreeMap<&'static str, String> {
        let mut values = BTreeMap::new();
        let mut put = |name: &'static str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                values.insert(name, value);
            }
        };
        put("context", Some(self.setting.context.clone()));
        put("backend", Some(self.setting.can.name.to_owned()));
        put("region", self.setting.region.clone());
        match self.place_below() {
            Place::Queues => put("queue", self.selected_queue().map(|queue| queue.job_queue_name.clone())),
            Place::Environments => {
                put("environment", self.selected_environment().map(|found| found.compute_environment_name.clone()));
            }
            Place::Instances => {
                let instance = self.selected_instance();
                put("instance", instance.map(|instance| instance.instance_id.to_string()));
                put("environment", instance.map(|instance| instance.compute_environment.clone()));
            }
            Place::Schedules => {
                let schedule = self.selected_schedule();
                put("schedule", schedule.map(|schedule| schedule.name.clone()));
                put("schedule_group", schedule.map(|schedule| schedule.group_name.clone()));
            }
            Place::Definitions | Place::Definition => {
                put("definition", self.selected_definition().map(crate::model::JobDefinition::label));
            }
            _ if self.is_about_jobs() => {
                if let Some(id) = self.selected_job() {
                    self.values_of_job(&id, &mut put);
                }
            }
            _ => {}
        }
        values
    }

    fn values_of_job(&self, id: &JobId, put: &mut impl FnMut(&'static str, Option<String>)) {
        put("job_id", Some(id.to_string()));
        put("parent_id", id.part().map(|(parent, _)| parent.to_string()));
        if let Some(row) = self.job_row(id) {
            let extra = row.extra.as_ref();
            put("queue", super::list::queue_of(&row).map(str::to_owned));
            put("definition", Some(super::list::definition_of(&row).to_owned()));
            put("attempt", extra.map(|extra| extra.attempt.to_string()));
            put("instance", extra.and_then(|extra| extra.instance.as_ref()).map(ToString::to_string));
            put("exit_code", row.container.as_ref().and_then(|it| it.exit_code).map(|code| code.to_string()));
            put("status", Some(row.status.to_string()));
            put("reason", row.status_reason);
            put("job_name", Some(row.job_name));
            put("job_arn", Some(row.job_arn));
        }
        let Some(detail) = self.store.detail(id) else { return };
        if let Some(log) = detail.log(None, None) {
            let of_context = || self.setting.log_group.clone().unwrap_or_else(|| DEFAULT_LOG_GROUP.to_owned());
            put("log_group", Some(log.group.unwrap_or_else(of_context)));
            put("log_stream", Some(log.stream));
        }
        if let Some(task) = task_of(detail) {
            let (cluster, task_id) = cluster_and_id(task.arn);
            put("cluster", Some(cluster.to_owned()));
            put("task_id", Some(task_id.to_owned()));
            put("task_arn", Some(task.arn.to_owned()));
            put("container_instance_arn", task.container_instance.map(str::to_owned));
        }
    }

    /// A shell where the selected job runs.
    pub(super) fn ask_shell(&mut self) {
        match self.selected_job() {
            Some(id) => self.ask_shell_of(id),
            None => self.say("no job is selected: a shell is opened where a job runs"),
        }
    }

    pub(super) fn ask_shell_of(&mut self, id: JobId) {
        self.intend(id, Intention::Shell);
    }

    /// Opens it: where the job runs is known.
    pub(super) fn open_shell(&mut self, id: &JobId) {
        let Some(detail) = self.store.detail(id) else { return };
        let name = detail.job_name.clone();
        if self.job_row(id).is_some_and(|row| row.has_parts()) {
            return self.complain(format!("{name} has several parts: choose one of them, and then its shell"));
        }
        if detail.status != JobStatus::Running {
            return self.complain(format!("{name} is {}: there is a shell only where a job runs", detail.status));
        }
        let title = format!("shell of {name}");
        if self.is_local() {
            let call = [self.setting.flags.as_slice(), &["shell".to_owned(), id.to_string()]].concat();
            let call = words::join(&call);
            return self.hand_command(Run {
                title,
                name: SHELL.to_owned(),
                target: id.to_string(),
                line: format!("\"$BATCHDECK\" {call}"),
                shown: format!("batchdeck {call}"),
                variables: Vec::new(),
                pauses: false,
                records_itself: true,
            });
        }
        if self.setting.own.commands.contains_key(SHELL) {
            if let Err(error) = self.run_command(SHELL) {
                self.complain(error);
            }
            return;
        }
        match task_of(detail) {
            Some(task) if task.may_execute => {
                let (cluster, _) = cluster_and_id(task.arn);
                let mut call = ["aws", "ecs", "execute-command", "--cluster", cluster, "--task", task.arn]
                    .map(str::to_owned)
                    .to_vec();
                call.extend(["--interactive", "--command", "/bin/sh"].map(str::to_owned));
                call.extend(self.setting.aws_flags.clone().unwrap_or_default());
                let line = words::join(&call);
                self.hand_command(Run {
                    title,
                    name: SHELL.to_owned(),
                    target: id.to_string(),
                    shown: line.clone(),
                    line,
                    variables: Vec::new(),
                    pauses: false,
                    records_itself: false,
                });
            }
            task => {
                let why = match task {
                    None => "it has no task of ECS",
                    Some(_) => "its definition does not say enableExecuteCommand",
                };
                let using = self.setting.own.commands.iter().find(|(_, command)| {
                    works_at(command, self.place_below()) && command.wanted().contains(&"container_instance_arn")
                });
                let other = match using {
                    Some((name, command)) => format!("`:run {name}` is your own way there ({})", command.label),
                    None => "[commands.shell] in the config says what this key runs".to_owned(),
                };
                self.complain(format!("no shell by ECS Exec for {name}: {why}; {other}"));
            }
        }
    }

    /// Whether help and hints name the shell here.
    pub(super) fn has_shell(&self) -> bool {
        let running =
            |id: JobId| self.job_row(&id).is_some_and(|row| row.status == JobStatus::Running && !row.has_parts());
        self.refusal(Action::Shell).is_none() && self.is_about_jobs() && self.selected_job().is_some_and(running)
    }
}

/// What a command ran on, by the row's own name or id.
fn target_of(values: &BTreeMap<&'static str, String>) -> String {
    let names = ["job_id", "queue", "instance", "environment", "schedule", "definition"];
    names.iter().find_map(|name| values.get(name)).cloned().unwrap_or_default()
}

fn works_at(command: &CommandSettings, place: Place) -> bool {
    let mut places = command.views.iter().flat_map(|view| Place::of_view(*view));
    command.views.is_empty() || places.any(|known| *known == place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::theme::Theme;
    use crate::config::{Access, Config};
    use crate::model::ContainerDetail;
    use crate::tui::screens::recorded_world;
    use crate::tui::stage::Stage;
    use std::path::Path;

    fn stage(commands: &str) -> Stage {
        let mut stage = Stage::new(recorded_world(), (110, 32), Theme::default());
        let config = Config::parse(commands, Path::new("config.toml")).expect("sound");
        stage.app.setting.own.commands = config.commands;
        stage.press("/ \"resize-4711\" Enter").expect("keys");
        stage
    }

    fn said(stage: &Stage) -> &str {
        stage.app.notice.as_ref().map_or("", |notice| notice.text.as_str())
    }

    /// What a line of the palette asks to be run.
    fn asked(stage: &mut Stage, line: &str) -> Option<Run> {
        let now = stage.app.now;
        let requests = stage.app.take_line(line, now);
        run_in(requests)
    }

    fn run_in(requests: Vec<crate::tui::requests::Request>) -> Option<Run> {
        requests.into_iter().find_map(|request| match request.ask {
            Ask::RunCommand(run) => Some(*run),
            _ => None,
        })
    }

    const LOOK: &str = "[commands.look]\nlabel = 'look at it'\ncommand = 'ls {job_id} {job_name}'\nconfirm = false\n";

    #[test]
    fn a_command_gets_what_the_row_has_as_variables_and_none_of_it_in_its_line() {
        let mut stage = stage(LOOK);
        let run = asked(&mut stage, "run look").expect("it is run");
        assert_eq!(run.line, "ls \"$ROW_JOB_ID\" \"$ROW_JOB_NAME\"");
        let value = |name: &str| run.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(value("ROW_JOB_NAME"), Some("resize-4711"));
        assert_eq!(value("ROW_STATUS"), Some("RUNNING"));
        assert!(run.shown.starts_with("ls ") && run.shown.ends_with(" resize-4711"), "{}", run.shown);
    }

    #[test]
    fn a_command_that_asks_shows_what_it_will_run() {
        let mut stage = stage(&LOOK.replace("confirm = false", ""));
        assert_eq!(asked(&mut stage, "run look"), None);
        let text = stage.text();
        assert!(text.contains("look at it") && text.contains("Runs") && text.contains("resize-4711"), "{text}");
        let now = stage.app.now;
        let requests = stage.app.update(Action::Accept, now);
        assert!(run_in(requests).is_some(), "{}", stage.text());
    }

    #[test]
    fn a_command_is_refused_with_the_reason() {
        let views = format!("{LOOK}views = ['queues']\n");
        let needs = LOOK.replace("{job_name}", "{schedule}");
        let cases: [(&str, &str, Access, &str); 4] = [
            (LOOK, "run lok", Access::Write, "there is no [commands.lok] in the config; the nearest is `look`"),
            (LOOK, "run look", Access::Guarded, "`look` is refused: the context `local` is read-only"),
            (&views, "run look", Access::Write, "`look` works in queues"),
            (&needs, "run look", Access::Write, "`look` needs {schedule}, which what is selected here does not have"),
        ];
        for (config, line, access, words) in cases {
            let mut stage = stage(config);
            stage.app.setting.access = access;
            assert_eq!(asked(&mut stage, line), None, "{line}");
            assert!(said(&stage).contains(words), "{words}: {}", said(&stage));
        }
        let mut stage = stage(&format!("{LOOK}read-only = true\n"));
        stage.app.setting.access = Access::Guarded;
        assert!(asked(&mut stage, "run look").is_some(), "{}", said(&stage));
    }

    #[test]
    fn commands_are_in_the_palette_of_their_views() {
        let mut stage = stage(&format!("{LOOK}views = ['jobs']\n"));
        stage.press(": \"look\"").expect("keys");
        assert!(stage.text().contains("run look"), "{}", stage.text());
        stage.press("esc 1 : \"look\"").expect("keys");
        assert!(!stage.text().contains("run look"), "{}", stage.text());
    }

    /// What `s` does for the selected job once its details are as `change` makes them.
    fn shell(stage: &mut Stage, change: impl FnOnce(&mut JobDetail)) -> Option<Run> {
        let id = stage.app.selected_job().expect("a job");
        let mut detail = stage.app.store.detail(&id).expect("its details").clone();
        change(&mut detail);
        stage.app.store.put_detail(detail);
        stage.app.open_shell(&id);
        run_in(std::mem::take(&mut stage.app.out))
    }

    fn on_aws(detail: &mut JobDetail, may_execute: bool) {
        let container = detail.container.get_or_insert_with(ContainerDetail::default);
        container.task_arn = Some("arn:aws:ecs:eu-west-1:1:task/main_Batch/abc".into());
        container.enable_execute_command = Some(may_execute);
    }

    #[test]
    fn a_shell_is_opened_by_the_verb_here_and_by_ecs_exec_or_a_command_on_aws() {
        let mut stage = stage("");
        stage.press("Enter").expect("keys");
        let run = shell(&mut stage, |_| ()).expect("a shell");
        assert!(run.line.starts_with("\"$BATCHDECK\" shell "), "{}", run.line);
        stage.app.setting.can.name = "aws";
        stage.app.setting.aws_flags = Some(vec!["--region".into(), "eu-west-1".into()]);
        let run = shell(&mut stage, |detail| on_aws(detail, true)).expect("a shell");
        assert!(run.line.starts_with("aws ecs execute-command --cluster main_Batch --task arn:"), "{}", run.line);
        assert!(run.line.ends_with("--command /bin/sh --region eu-west-1"), "{}", run.line);
        assert_eq!(shell(&mut stage, |detail| on_aws(detail, false)), None);
        assert!(said(&stage).contains("does not say enableExecuteCommand; [commands.shell]"), "{}", said(&stage));
        assert_eq!(shell(&mut stage, |detail| detail.status = JobStatus::Succeeded), None);
        assert!(said(&stage).contains("is SUCCEEDED: there is a shell only where a job runs"), "{}", said(&stage));
        assert_eq!(cluster_and_id("arn:aws:ecs:r:1:task/abc"), ("default", "abc"));
    }
}
