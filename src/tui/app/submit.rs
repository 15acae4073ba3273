//! Submitting: the form for a job, and the request that it becomes.

use super::act::{Problems, number};
use super::form::{Field, Form, Key, Purpose};
use super::ground::ToCome;
use super::list::Scope;
use super::why::Resize;
use super::{App, Intention, Popup};
use crate::model::{
    ArrayProperties, ContainerOverrides, DependencyKind, JobDefinition, JobDependency, JobDetail, JobId, JobTimeout,
    KeyValuePair, RetryStrategy, SubmitJobRequest, name_of, validate,
};
use crate::triage::rerun::{again, require, write_dependency};
use crate::tui::requests::Ask;
use crate::tui::words;
use std::collections::BTreeMap;

impl App {
    pub(super) fn ask_submit(&mut self) {
        let queue = match (&self.overview.jobs.scope, self.selected_queue()) {
            (Scope::Queue(queue), _) => queue.clone(),
            (_, Some(queue)) => queue.job_queue_name.clone(),
            _ => String::new(),
        };
        let definition = self.selected_definition().map(JobDefinition::label).unwrap_or_default();
        let base = SubmitJobRequest { job_queue: queue, job_definition: definition, ..Default::default() };
        self.open_submit(base, "Submit a job".into());
    }

    pub(super) fn ask_resubmit(&mut self) {
        let Some(id) = self.selected_job() else { return self.say("no job is selected") };
        self.ask_resubmit_with(id, Resize::default());
    }

    /// The same for a job, with another size where one is given.
    pub(super) fn ask_resubmit_with(&mut self, id: JobId, resize: Resize) {
        if self.store.detail(&id).is_some() {
            self.resubmit(&id, resize);
        } else {
            self.intend(id, Intention::Resubmit(resize));
        }
    }

    /// Reads the job definitions again where nobody tells of new ones.
    pub(super) fn reread_definitions(&mut self) {
        if !self.setting.can.pushes_changes {
            self.ask(Ask::Definitions);
        }
    }

    /// Opens the form with the job as it was submitted; its details are known.
    pub(super) fn resubmit(&mut self, id: &JobId, resize: Resize) {
        let Some(detail) = self.store.detail(id) else { return };
        if detail.service.is_some() {
            let name = &detail.job_name;
            return self.complain(format!(
                "{name} is a service job: `batchdeck submit --queue NAME --payload FILE` submits one, and its page has its \
                 request"
            ));
        }
        let mut base = again(detail, self.definition_of(detail));
        let changes = resized(&mut base, resize);
        let with = if changes.is_empty() { String::new() } else { format!(" with {changes}") };
        self.open_submit(base, format!("Submit {} again{with}", detail.job_name));
    }

    fn definition_of(&self, detail: &JobDetail) -> Option<&JobDefinition> {
        let label = name_of(&detail.job_definition);
        self.store.definitions.values().find(|definition| definition.label() == label)
    }

    pub(super) fn open_submit(&mut self, base: SubmitJobRequest, title: String) {
        let to_come = || ToCome::Submit { base: Box::new(base.clone()), title: title.clone() };
        if !self.has_ground("a job", to_come) {
            return;
        }
        self.popups.push(Popup::Form(Box::new(Form {
            title,
            fields: self.submit_fields(&base),
            go: "Submit".into(),
            ..Form::of(Purpose::Submit { base: Box::new(base) })
        })));
    }

    /// The fields of the form for a job, filled with what a request says.
    pub(super) fn submit_fields(&self, base: &SubmitJobRequest) -> Vec<Field> {
        let mut queues: Vec<String> =
            self.store.queues_in_order().iter().map(|queue| queue.job_queue_name.clone()).collect();
        if !base.job_queue.is_empty() && !queues.contains(&base.job_queue) {
            queues.insert(0, base.job_queue.clone());
        }
        let overrides = base.container_overrides.clone().unwrap_or_default();
        let pairs: Vec<String> = base.parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let environment: Vec<String> =
            overrides.environment.iter().map(|pair| format!("{}={}", pair.name, pair.value)).collect();
        let depends: Vec<String> = base.depends_on.iter().map(write_dependency).collect();
        let optional = |value: Option<String>| value.unwrap_or_default();
        vec![
            Field::choice(Key::Queue, "Queue", queues, &base.job_queue),
            Field::choice(
                Key::Definition,
                "Definition",
                self.definition_options(&base.job_definition),
                &base.job_definition,
            ),
            Field::text(Key::Name, "Name", &base.job_name, "the definition's name"),
            Field::text(Key::Command, "Command", &words::join(&overrides.command), "the definition's own"),
            Field::text(Key::Parameters, "Parameters", &words::join(&pairs), "key=value key=value"),
            Field::text(Key::Environment, "Environment", &words::join(&environment), "NAME=value NAME=value"),
            Field::text(
                Key::Array,
                "Array size",
                &optional(base.array_properties.as_ref().and_then(|array| array.size).map(|size| size.to_string())),
                "none; 2 to 10000",
            ),
            Field::text(
                Key::DependsOn,
                "Depends on",
                &depends.join(" "),
                "a job's name or id, with :N_TO_N or :SEQUENTIAL",
            ),
            Field::text(
                Key::Share,
                "Share",
                base.share_identifier.as_deref().unwrap_or_default(),
                "none; in a queue with a scheduling policy",
            ),
            Field::text(
                Key::Priority,
                "Priority",
                &optional(base.scheduling_priority_override.map(|priority| priority.to_string())),
                "0 to 9999",
            ),
            Field::text(
                Key::Attempts,
                "Attempts",
                &optional(base.retry_strategy.as_ref().and_then(|retry| retry.attempts).map(|count| count.to_string())),
                "the definition's; 1 to 10",
            ),
            Field::text(
                Key::Timeout,
                "Timeout",
                &optional(base.timeout.and_then(|timeout| timeout.attempt_duration_seconds).map(|s| s.to_string())),
                "the definition's; seconds, 60 or more",
            ),
        ]
    }

    /// Newest active revisions, and the one that is asked for.
    pub(super) fn definition_options(&self, wanted: &str) -> Vec<String> {
        let mut options: Vec<String> = self.store.active_definitions().iter().map(|known| known.label()).collect();
        if !wanted.is_empty() && !options.iter().any(|option| option == wanted) {
            options.insert(0, wanted.to_owned());
        }
        options
    }

    /// The request of a form for a job.
    pub(super) fn submit_request(&self, form: &Form, base: &SubmitJobRequest) -> Result<SubmitJobRequest, Problems> {
        let mut problems = Problems::new();
        let mut request = base.clone();
        form.value(Key::Queue).clone_into(&mut request.job_queue);
        form.value(Key::Definition).clone_into(&mut request.job_definition);
        let default_name = request.job_definition.split(':').next().unwrap_or_default();
        let name = form.value(Key::Name);
        if name.is_empty() { default_name } else { name }.clone_into(&mut request.job_name);
        check(&mut problems, Key::Name, validate::job_name(&request.job_name));
        if request.job_queue.is_empty() {
            problems.push((Key::Queue, "there is no queue".into()));
        }
        let share = form.value(Key::Share);
        request.share_identifier = (!share.is_empty()).then(|| share.to_owned());
        if let Some(queue) = self.store.queues.get(&request.job_queue) {
            if queue.is_of_services() {
                let name = &queue.job_queue_name;
                let by_hand = format!("`batchdeck submit --queue {name} --payload FILE`");
                problems.push((Key::Queue, format!("takes service jobs alone: {by_hand} submits one")));
            }
            let has_policy = queue.scheduling_policy_arn.is_some();
            if has_policy == share.is_empty() {
                let takes =
                    if has_policy { "has shares: say which" } else { "has no scheduling policy: leave this empty" };
                problems.push((Key::Share, format!("{} {takes}", request.job_queue)));
            }
        }
        if request.job_definition.is_empty() {
            problems.push((Key::Definition, "there is no active definition".into()));
        }
        let mut overrides = base.container_overrides.clone().unwrap_or_default();
        overrides.command = read_words(form, Key::Command, &mut problems);
        request.parameters = read_pairs(form, Key::Parameters, &mut problems);
        let environment = read_pairs(form, Key::Environment, &mut problems);
        for name in environment.keys() {
            if let Err(error) = validate::variable(name) {
                problems.push((Key::Environment, format!("`{name}`: takes {}", error.takes)));
            }
        }
        overrides.environment = environment.into_iter().map(|(name, value)| KeyValuePair { name, value }).collect();
        request.container_overrides = (overrides != ContainerOverrides::default()).then_some(overrides);
        let array = keep(&mut problems, number(form, Key::Array, validate::array_size));
        request.array_properties = array.map(|size| ArrayProperties { size: Some(size), ..Default::default() });
        request.depends_on = self.read_dependencies(form, &mut problems);
        request.scheduling_priority_override =
            keep(&mut problems, number(form, Key::Priority, validate::scheduling_priority));
        let attempts = keep(&mut problems, number(form, Key::Attempts, validate::attempts));
        request.retry_strategy = match (attempts, base.retry_strategy.clone()) {
            (None, Some(retry)) if retry.attempts.is_none() => Some(retry),
            (None, _) => None,
            (Some(attempts), retry) => Some(RetryStrategy { attempts: Some(attempts), ..retry.unwrap_or_default() }),
        };
        let timeout = keep(&mut problems, number(form, Key::Timeout, validate::timeout));
        request.timeout = timeout.map(|seconds| JobTimeout { attempt_duration_seconds: Some(seconds) });
        if problems.is_empty() { Ok(request) } else { Err(problems) }
    }

    /// `ID`, `NAME`, each with `:N_TO_N` or `:SEQUENTIAL` after it; `:SEQUENTIAL` alone means the array itself.
    fn read_dependencies(&self, form: &Form, problems: &mut Problems) -> Vec<JobDependency> {
        let mut dependencies = Vec::new();
        for word in form.value(Key::DependsOn).split_whitespace() {
            let (name, kind) = match word.rsplit_once(':') {
                Some((name, kind)) if kind.eq_ignore_ascii_case("n_to_n") => (name, Some(DependencyKind::NToN)),
                Some((name, kind)) if kind.eq_ignore_ascii_case("sequential") => {
                    (name, Some(DependencyKind::Sequential))
                }
                _ => (word, None),
            };
            if name.is_empty() {
                dependencies.push(JobDependency { job_id: None, kind });
                continue;
            }
            match self.find_job(name) {
                Ok(id) => dependencies.push(JobDependency { job_id: Some(id), kind }),
                Err(problem) => problems.push((Key::DependsOn, problem)),
            }
        }
        dependencies
    }

    /// The job of this id, beginning of an id, or name.
    fn find_job(&self, given: &str) -> Result<JobId, String> {
        let id = JobId::from(given);
        if self.store.job(&id).is_some() || given.len() == 36 {
            return Ok(id);
        }
        let alike = |job: &&crate::model::JobSummary| job.job_name == given || job.job_id.as_str().starts_with(given);
        let mut found = self.store.jobs.values().filter(alike);
        match (found.next(), found.next()) {
            (Some(job), None) => Ok(job.job_id.clone()),
            (Some(_), Some(_)) => Err(format!("several jobs are named `{given}`: give the id")),
            (None, _) => Err(format!("there is no job `{given}`")),
        }
    }
}

pub(super) fn check(problems: &mut Problems, key: Key, result: Result<(), validate::Invalid>) {
    if let Err(error) = result {
        problems.push((key, format!("takes {}", error.takes)));
    }
}

fn keep<T>(problems: &mut Problems, result: Result<Option<T>, Problems>) -> Option<T> {
    result.unwrap_or_else(|more| {
        problems.extend(more);
        None
    })
}

pub(super) fn read_words(form: &Form, key: Key, problems: &mut Problems) -> Vec<String> {
    words::split(form.value(key)).unwrap_or_else(|error| {
        problems.push((key, error.to_string()));
        Vec::new()
    })
}

pub(super) fn read_pairs(form: &Form, key: Key, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    for word in read_words(form, key, problems) {
        match word.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                pairs.insert(name.to_owned(), value.to_owned());
            }
            _ => problems.push((key, format!("`{word}` is not key=value"))),
        }
    }
    pairs
}

/// Puts another size into a request, and tells of it: `2 vCPU, 1536 MiB`.
fn resized(request: &mut SubmitJobRequest, resize: Resize) -> String {
    let mut told = Vec::new();
    if let Some(hundredths) = resize.vcpus {
        let vcpus = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let vcpus = vcpus.trim_end_matches('0').trim_end_matches('.').to_owned();
        told.push(format!("{vcpus} vCPU"));
        require(request, "VCPU", vcpus);
    }
    if let Some(mib) = resize.memory_mib {
        told.push(format!("{mib} MiB"));
        require(request, "MEMORY", mib.to_string());
    }
    if let Some(attempts) = resize.attempts {
        told.push(format!("{attempts} attempts"));
        request.retry_strategy.get_or_insert_default().attempts = Some(attempts);
    }
    told.join(", ")
}
