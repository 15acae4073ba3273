//! What the fields of a form may take, as lists to choose from: queues, revisions, parameters, variables, other jobs.

use super::command::{Command, Item};
use super::form::{Entry, Form, Key};
use super::{App, Popup};
use crate::model::{JobDefinition, JobDetail, JobSummary, KeyValuePair, name_of, secret};
use crate::tui::words;
use std::collections::BTreeMap;
use tui_input::Input;

/// Earlier values that are offered of one field.
const EARLIER: usize = 30;

/// What a choice does to the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// It is all that is in the field.
    Whole,
    /// It stands for the word that is begun at the end of the field.
    Word,
}

impl App {
    /// Offers what the field under the cursor may take; the one choice that there is, is taken.
    pub(super) fn offer_choices(&mut self) {
        let Some(Popup::Form(form)) = self.popups.last() else { return };
        let Some(field) = form.fields.get(form.focus) else {
            return self.say("a list belongs to a field: go to one first");
        };
        let (key, label) = (field.key, field.label);
        let items = self.choices_for(form, key);
        let begun = match &field.entry {
            Entry::Text { input, .. } if fill_of(key) == Fill::Word => begun_word(input.value()).to_owned(),
            Entry::Text { .. } | Entry::Choice { .. } => String::new(),
        };
        match items.as_slice() {
            [] => self.say(format!("there is nothing to choose from for `{label}`: type it")),
            _ => self.offer_begun(label, items, &begun),
        }
    }

    /// Whether there is a list for the field under the cursor.
    pub(super) fn has_choices(&self) -> bool {
        let Some(Popup::Form(form)) = self.popups.last() else { return false };
        form.fields.get(form.focus).is_some_and(|field| {
            matches!(
                field.key,
                Key::Queue
                    | Key::Definition
                    | Key::Name
                    | Key::JobName
                    | Key::Command
                    | Key::Parameters
                    | Key::Environment
                    | Key::Array
                    | Key::DependsOn
                    | Key::Zone
            )
        })
    }

    /// Puts what was chosen into its field.
    pub(super) fn fill(&mut self, key: Key, text: &str) {
        let Some(Popup::Form(form)) = self.popups.last_mut() else { return };
        let Some(field) = form.fields.iter_mut().find(|field| field.key == key) else { return };
        match &mut field.entry {
            Entry::Choice { options, at, typed } => {
                typed.clear();
                *at = options.iter().position(|option| option == text).unwrap_or_else(|| {
                    options.push(text.to_owned());
                    options.len() - 1
                });
            }
            Entry::Text { input, selected } => {
                *selected = None;
                let value = match fill_of(key) {
                    Fill::Whole => text.to_owned(),
                    Fill::Word => {
                        let kept = input.value().len() - begun_word(input.value()).len();
                        format!("{}{text}", &input.value()[..kept])
                    }
                };
                *input = Input::new(value);
            }
        }
        self.after_typing();
    }

    /// What a field may take. What stands in it already is not offered again.
    fn choices_for(&self, form: &Form, key: Key) -> Vec<Item> {
        let filled = form.fields.iter().find(|field| field.key == key).map_or("", |field| field.value());
        let item = |text: String, doc: String| {
            let command = Command::Fill { key, text: text.clone() };
            Item::new(text, &doc, command)
        };
        let pair = |(name, value): (String, String), doc: &str| {
            let shown = words::join(&[format!("{name}={}", secret::shown(&name, &value))]);
            Item { name: shown, ..item(words::join(&[format!("{name}={value}")]), doc.to_owned()) }
        };
        match key {
            Key::Queue => {
                let queues = self.store.queues_in_order().into_iter();
                queues
                    .map(|queue| {
                        let waiting = queue.job_counts.as_ref().map(|counts| format!(", {} wait", counts.waiting()));
                        let doc = format!("priority {}, {}", queue.priority, queue.state.as_str());
                        item(queue.job_queue_name.clone(), doc + &waiting.unwrap_or_default())
                    })
                    .collect()
            }
            Key::Definition => {
                let active = self.store.definitions.values().filter(|definition| definition.is_active());
                active.map(|definition| item(definition.label(), outline(definition))).collect()
            }
            Key::Name | Key::JobName => {
                let mut names: Vec<String> = Vec::new();
                for job in self.jobs_like(form) {
                    if !names.contains(&job.job_name) && names.len() < EARLIER {
                        names.push(job.job_name.clone());
                    }
                }
                names.into_iter().map(|name| item(name, "as an earlier job".to_owned())).collect()
            }
            Key::Command => {
                let mut commands: Vec<(String, String)> = Vec::new();
                let own = self.definition_of_form(form).and_then(|found| found.container_properties.as_ref());
                let own = own.map(|container| (words::join(&container.command), "the definition's own".to_owned()));
                let earlier = self.details_like(form).filter_map(|job| {
                    Some((words::join(&job.container.as_ref()?.command), format!("as {}", job.job_name)))
                });
                for (command, doc) in own.into_iter().chain(earlier) {
                    if !command.is_empty()
                        && commands.len() < EARLIER
                        && !commands.iter().any(|(known, _)| *known == command)
                    {
                        commands.push((command, doc));
                    }
                }
                commands.into_iter().map(|(command, doc)| item(command, doc)).collect()
            }
            Key::Parameters => {
                let set = names_in(filled);
                let known = self.parameters_for(form).into_iter().filter(|((name, _), _)| !set.contains(name));
                known.map(|(both, doc)| pair(both, &doc)).collect()
            }
            Key::Environment => {
                let set = names_in(filled);
                let known = self.variables_for(form).into_iter().filter(|((name, _), _)| !set.contains(name));
                known.map(|(both, doc)| pair(both, &doc)).collect()
            }
            Key::Array => {
                let arrays = self.store.jobs.values().filter(|job| job.is_array_parent());
                let mut sizes: BTreeMap<u32, &str> = BTreeMap::new();
                for job in arrays {
                    if let Some(size) = job.array_properties.as_ref().and_then(|array| array.size) {
                        sizes.entry(size).or_insert(&job.job_name);
                    }
                }
                sizes.into_iter().map(|(size, name)| item(size.to_string(), format!("as {name}"))).collect()
            }
            Key::DependsOn => self.dependencies_for(form).into_iter().map(|(word, doc)| item(word, doc)).collect(),
            Key::Zone => {
                let zones = crate::model::expression::zones();
                zones.map(|zone| item(zone.to_owned(), String::new())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn definition_of_form(&self, form: &Form) -> Option<&JobDefinition> {
        let label = form.value(Key::Definition);
        self.store.definitions.values().find(|definition| definition.label() == label)
    }

    /// Earlier jobs of any revision of the form's definition, the newest first.
    fn jobs_like<'s>(&'s self, form: &Form) -> impl Iterator<Item = &'s JobSummary> + use<'s> {
        let wanted = plain_name(form.value(Key::Definition)).to_owned();
        let is_like = |job: &&JobSummary| plain_name(super::list::definition_of(job)) == wanted;
        let mut jobs: Vec<&JobSummary> = self.store.jobs.values().filter(is_like).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse((job.created_at, &job.job_id)));
        jobs.into_iter()
    }

    /// The same, as far as all of them is known.
    fn details_like<'s>(&'s self, form: &Form) -> impl Iterator<Item = &'s JobDetail> + use<'s> {
        let wanted = plain_name(form.value(Key::Definition)).to_owned();
        let mut jobs: Vec<&JobDetail> =
            self.store.details().filter(|job| plain_name(name_of(&job.job_definition)) == wanted).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse((job.created_at, &job.job_id)));
        jobs.into_iter()
    }

    /// Parameters: with the definition's default, with none where its command alone names them, as earlier jobs had them.
    fn parameters_for(&self, form: &Form) -> Vec<((String, String), String)> {
        let mut known: Vec<((String, String), String)> = Vec::new();
        if let Some(definition) = self.definition_of_form(form) {
            for (name, value) in &definition.parameters {
                known.push(((name.clone(), value.clone()), "the definition's default".to_owned()));
            }
            let command = definition.container_properties.iter().flat_map(|container| &container.command);
            for name in command.flat_map(|word| placeholders(word)) {
                if !known.iter().any(|((given, _), _)| given == name) {
                    known.push(((name.to_owned(), String::new()), "its command names it".to_owned()));
                }
            }
        }
        let earlier = self.details_like(form).flat_map(|job| {
            job.parameters.iter().map(|(name, value)| ((name.clone(), value.clone()), format!("as {}", job.job_name)))
        });
        add_new(&mut known, earlier);
        known
    }

    /// Variables, as the definition and as earlier jobs have them.
    fn variables_for(&self, form: &Form) -> Vec<((String, String), String)> {
        let both = |pair: &KeyValuePair| (pair.name.clone(), pair.value.clone());
        let container = self.definition_of_form(form).and_then(|found| found.container_properties.as_ref());
        let own = container.into_iter().flat_map(|container| &container.environment);
        let mut known: Vec<_> = own.map(|pair| (both(pair), "the definition's own".to_owned())).collect();
        let earlier = self.details_like(form).flat_map(|job| {
            let given = job.container.iter().flat_map(|container| &container.environment);
            // The service sets these itself.
            let own = given.filter(|pair| !pair.name.starts_with("AWS_BATCH"));
            own.map(move |pair| (both(pair), format!("as {}", job.job_name)))
        });
        add_new(&mut known, earlier);
        known
    }

    /// Jobs that have not ended. An array of the same size may be waited for child by child.
    fn dependencies_for(&self, form: &Form) -> Vec<(String, String)> {
        let set: Vec<&str> = form.value(Key::DependsOn).split_whitespace().collect();
        let size = form.value(Key::Array);
        let mut jobs: Vec<&JobSummary> = self.store.jobs.values().filter(|job| !job.status.is_final()).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse((job.created_at, &job.job_id)));
        let mut words = Vec::new();
        if !size.is_empty() {
            words.push((":SEQUENTIAL".to_owned(), "each child waits for the one before".to_owned()));
        }
        for job in jobs {
            let alike = self.store.jobs.values().filter(|other| other.job_name == job.job_name).count();
            let name = if alike == 1 { job.job_name.clone() } else { job.job_id.to_string() };
            let its_size = job.array_properties.as_ref().and_then(|array| array.size).map(|size| size.to_string());
            let children = its_size.as_ref().map(|size| format!(", {size} children")).unwrap_or_default();
            if its_size.is_some_and(|its| its == size) {
                let doc = "each child waits for the child of its number".to_owned();
                words.push((format!("{name}:N_TO_N"), doc));
            }
            words.push((name, format!("{} · {}{children}", job.job_name, job.status)));
        }
        words.retain(|(word, _)| !set.contains(&word.as_str()));
        words
    }
}

/// What a choice does to the field of this key.
fn fill_of(key: Key) -> Fill {
    match key {
        Key::Parameters | Key::Environment | Key::DependsOn => Fill::Word,
        _ => Fill::Whole,
    }
}

/// The word at the end that is still being typed.
fn begun_word(typed: &str) -> &str {
    typed.rsplit(char::is_whitespace).next().unwrap_or_default()
}

/// The names of pairs that a field holds, but for the one that is being typed.
fn names_in(typed: &str) -> Vec<String> {
    let kept = &typed[..typed.len() - begun_word(typed).len()];
    let pairs = words::split(kept).unwrap_or_default();
    pairs.iter().filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())).collect()
}

/// `Ref::name` in a word of a command.
fn placeholders(word: &str) -> impl Iterator<Item = &str> {
    let end = |text: &str| text.find(|letter: char| !(letter.is_alphanumeric() || "_-".contains(letter)));
    word.split("Ref::")
        .skip(1)
        .map(move |rest| &rest[..end(rest).unwrap_or(rest.len())])
        .filter(|name| !name.is_empty())
}

/// A definition without its revision.
fn plain_name(label: &str) -> &str {
    label.split(':').next().unwrap_or_default()
}

fn add_new(known: &mut Vec<((String, String), String)>, more: impl Iterator<Item = ((String, String), String)>) {
    for (pair, doc) in more {
        if known.len() < 2 * EARLIER && !known.iter().any(|(given, _)| *given == pair) {
            known.push((pair, doc));
        }
    }
}

/// `python:3.12 · python3 etl.py`
fn outline(definition: &JobDefinition) -> String {
    let container = definition.container_properties.as_ref();
    container.map_or_else(
        || definition.kind.clone(),
        |container| format!("{} · {}", container.image, words::join(&container.command)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::theme::Theme;
    use crate::tui::screens::recorded_world;
    use crate::tui::stage::Stage;

    /// The form for a job of `resize`, with the cursor in the field of `label` and `typed` in it.
    fn stage(label: &str, typed: &str) -> Stage {
        let mut stage = Stage::new(recorded_world(), (110, 36), Theme::default());
        stage.press("n tab \"resize\"").expect("keys");
        let field = |stage: &Stage| match stage.app.popups.last() {
            Some(Popup::Form(form)) => form.fields.get(form.focus).map_or("", |field| field.label),
            other => panic!("{other:?}"),
        };
        while field(&stage) != label {
            stage.press("tab").expect("keys");
        }
        stage.press(&format!("\"{typed}\"")).expect("keys");
        stage
    }

    fn value(stage: &Stage, key: Key) -> String {
        match stage.app.popups.last() {
            Some(Popup::Form(form)) => form.value(key).to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_field_is_filled_from_a_list_of_what_is_known() {
        let cases = [
            ("Queue", "", "\"nightly\" Enter", Key::Queue, "nightly"),
            ("Definition", "", "\"render:2\" Enter", Key::Definition, "render:2"),
            ("Name", "", "\"4711\" Enter", Key::Name, "resize-4711"),
            ("Array size", "", "\"60\" Enter", Key::Array, "60"),
            ("Depends on", "", "\"etl-2026\" Enter", Key::DependsOn, "etl-2026-11-24"),
            ("Depends on", "resize-4711 etl", "Enter", Key::DependsOn, "resize-4711 etl-2026-11-24"),
        ];
        for (label, typed, keys, key, expected) in cases {
            let mut stage = stage(label, typed);
            stage.press(&format!("f3 {keys}")).expect("keys");
            assert_eq!(value(&stage, key), expected, "{label} {typed} {keys}\n{}", stage.text());
        }
    }

    #[test]
    fn parameters_and_variables_are_those_of_the_definition_and_of_earlier_jobs() {
        let mut stage = stage("Parameters", "");
        let mut definition = stage
            .app
            .store
            .definitions
            .values()
            .find(|known| known.label() == "resize:14")
            .expect("it is there")
            .clone();
        definition.parameters = [("codec".to_owned(), "h264".to_owned())].into();
        let container = definition.container_properties.get_or_insert_default();
        container.command = vec!["resize".into(), "--day=Ref::day".into()];
        let variable = |name: &str, value: &str| KeyValuePair { name: name.into(), value: value.into() };
        container.environment = vec![variable("STAGE", "lab one"), variable("API_TOKEN", "hunter2")];
        stage.app.store.put_definitions(vec![definition]);
        let recorded = recorded_world().details;
        let mut detail = recorded.into_iter().find(|job| job.job_name == "resize-4711").expect("its details");
        detail.parameters = [("codec".to_owned(), "av1".to_owned())].into();
        stage.app.store.put_detail(detail);
        stage.press("f3").expect("keys");
        let text = stage.text();
        for expected in ["codec=h264", "codec=av1", "day="] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        stage.press("\"av1\" Enter").expect("keys");
        assert_eq!(value(&stage, Key::Parameters), "codec=av1");
        stage.press("space f3").expect("keys");
        assert!(!stage.text().contains("codec=h264"), "what is set is not offered again: {}", stage.text());
        stage.press("Esc tab f3 \"lab\" Enter").expect("keys");
        assert_eq!(value(&stage, Key::Environment), "'STAGE=lab one'");
        // A secret is offered and given, and seen by nobody.
        stage.press("space f3").expect("keys");
        assert!(stage.text().contains("API_TOKEN=") && !stage.text().contains("hunter2"), "{}", stage.text());
        stage.press("\"API_T\" Enter").expect("keys");
        assert_eq!(value(&stage, Key::Environment), "'STAGE=lab one' API_TOKEN=hunter2");
        let text = stage.text();
        assert!(text.contains("API_TOKEN=•••••••") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn an_array_of_the_same_size_may_be_waited_for_child_by_child() {
        let mut stage = stage("Array size", "60");
        stage.press("tab f3 \"frames\"").expect("keys");
        let text = stage.text();
        assert!(text.contains("render-frames:N_TO_N"), "{text}");
        stage.press("\":n\" Enter").expect("keys");
        assert_eq!(value(&stage, Key::DependsOn), "render-frames:N_TO_N");
    }

    #[test]
    fn where_nothing_is_known_it_is_said() {
        let mut stage = stage("Attempts", "");
        stage.press("f3").expect("keys");
        assert!(stage.text().contains("nothing to choose from for `Attempts`"), "{}", stage.text());
    }

    #[test]
    fn what_is_asked_for_is_found_in_a_command() {
        let found: Vec<&str> = placeholders("--in=Ref::in,Ref::out-dir/x Ref::").collect();
        assert_eq!(found, ["in", "out-dir"]);
        assert_eq!(names_in("a=1 'b=2 3' c=4"), ["a", "b"]);
    }
}
