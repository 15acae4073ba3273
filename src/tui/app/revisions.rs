//! Two revisions of a job definition side by side: what differs between them.

use super::command::{Command, Item};
use super::{App, Popup, Scroll};
use crate::model::{JobDefinition, secret};
use serde_json::Value;
use std::collections::BTreeMap;

impl App {
    /// Lets a person choose the revision that the one under the cursor is compared with, the newest first.
    pub(super) fn offer_revisions(&mut self) {
        let Some(here) = self.selected_definition() else { return self.say("no job definition is selected") };
        let (name, revision) = (here.job_definition_name.clone(), here.revision);
        let others: Vec<&JobDefinition> = self
            .store
            .definitions
            .values()
            .filter(|other| other.job_definition_name == name && other.revision != revision)
            .collect();
        let label = here.label();
        let items: Vec<Item> = others
            .iter()
            .map(|other| {
                let lines = compare(other, here).len();
                let doc = format!("{} · {lines} differ", other.status);
                Item::new(other.label(), &doc, Command::Compare { one: other.label(), other: label.clone() })
            })
            .collect();
        match items.as_slice() {
            [] => self.say(format!("{name} has one revision alone")),
            _ => self.offer("Compare with", items),
        }
    }

    /// Shows what differs, the older one first.
    pub(super) fn show_difference(&mut self, one: &str, other: &str) {
        let find = |label: &str| self.store.definitions.values().find(|definition| definition.label() == label);
        let (Some(one), Some(other)) = (find(one), find(other)) else { return self.say("one of them is gone") };
        let (from, to) = if one.revision < other.revision { (one, other) } else { (other, one) };
        let mut lines = compare(from, to);
        if lines.is_empty() {
            lines.push("they are the same in all but the revision".to_owned());
        }
        let title = format!("{} → {}", from.label(), to.label());
        self.popups.push(Popup::Text { title, lines, scroll: Scroll::default() });
    }
}

/// A line for each member that differs: `~ memory: 512 → 1024`, `+ tags.team: ops`, `- timeout: 60`.
fn compare(from: &JobDefinition, to: &JobDefinition) -> Vec<String> {
    let (from, to) = (members(from), members(to));
    let mut names: Vec<&String> = from.keys().chain(to.keys()).collect();
    names.sort();
    names.dedup();
    let shown = |name: &str, value: &str| {
        let last = name.rsplit('.').next().unwrap_or_default();
        if secret::is_secret(last) { secret::MASK.to_owned() } else { secret::in_text(value) }
    };
    let get = |members: &BTreeMap<String, String>, name: &String| members.get(name).map(|value| shown(name, value));
    let line = |name: &String| match (get(&from, name), get(&to, name)) {
        // That it is another one is no secret.
        (Some(one), Some(_)) if from.get(name) != to.get(name) && one == secret::MASK => {
            Some(format!("~ {name}: {one} → another"))
        }
        (Some(from), Some(to)) if from != to => Some(format!("~ {name}: {from} → {to}")),
        (Some(from), None) => Some(format!("- {name}: {from}")),
        (None, Some(to)) => Some(format!("+ {name}: {to}")),
        _ => None,
    };
    names.into_iter().filter_map(line).collect()
}

/// The members of a definition by the paths to them; what names the revision is left out.
fn members(definition: &JobDefinition) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    if let Ok(Value::Object(mut top)) = serde_json::to_value(definition) {
        for own in ["revision", "jobDefinitionArn", "status"] {
            top.remove(own);
        }
        flatten(String::new(), &Value::Object(top), &mut all);
    }
    all
}

fn flatten(path: String, value: &Value, all: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                flatten(below(name), value, all);
            }
        }
        // A list of things with names goes by those: one more of them does not make all the others differ.
        Value::Array(things) if !things.is_empty() && things.iter().all(|thing| key(thing).is_some()) => {
            for thing in things {
                let name = key(thing).unwrap_or_default();
                match (thing.get("value"), thing.as_object().map(serde_json::Map::len)) {
                    (Some(value), Some(2)) => flatten(below(name), value, all),
                    _ => flatten(below(name), thing, all),
                }
            }
        }
        Value::Array(things) if things.is_empty() => {}
        Value::String(text) => {
            all.insert(path, text.clone());
        }
        Value::Null => {}
        other => {
            all.insert(path, other.to_string());
        }
    }
}

/// By what a thing in a list is known.
fn key(thing: &Value) -> Option<&str> {
    ["name", "type", "containerPath"].into_iter().find_map(|key| thing.get(key)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(json: &str) -> JobDefinition {
        serde_json::from_str(json).expect("a definition")
    }

    #[test]
    fn what_differs_is_told_by_its_path_and_nothing_else() {
        let from = definition(
            r#"{"jobDefinitionName":"a","revision":1,"containerProperties":{"image":"x:1","command":["a","b"],
            "environment":[{"name":"A","value":"1"},{"name":"B","value":"2"}],
            "resourceRequirements":[{"type":"MEMORY","value":"512"}]}}"#,
        );
        let to = definition(
            r#"{"jobDefinitionName":"a","revision":2,"containerProperties":{"image":"x:2","command":["a","c"],
            "environment":[{"name":"B","value":"2"},{"name":"C","value":"3"}],
            "resourceRequirements":[{"type":"MEMORY","value":"1024"}]}}"#,
        );
        let expected = [
            "~ containerProperties.command: [\"a\",\"b\"] → [\"a\",\"c\"]",
            "- containerProperties.environment.A: 1",
            "+ containerProperties.environment.C: 3",
            "~ containerProperties.image: x:1 → x:2",
            "~ containerProperties.resourceRequirements.MEMORY: 512 → 1024",
        ];
        assert_eq!(compare(&from, &to), expected);
        assert_eq!(compare(&from, &from), Vec::<String>::new());
    }

    #[test]
    fn that_a_secret_is_another_one_is_told_and_what_it_is_is_not() {
        let with = |value: &str, mode: &str| {
            definition(&format!(
                r#"{{"jobDefinitionName":"a","revision":1,"containerProperties":{{"image":"x","environment":[
                {{"name":"API_TOKEN","value":"{value}"}},{{"name":"MODE","value":"{mode}"}}]}}}}"#
            ))
        };
        let expected = [
            "~ containerProperties.environment.API_TOKEN: •••••• → another",
            "~ containerProperties.environment.MODE: a → b",
        ];
        assert_eq!(compare(&with("hunter2", "a"), &with("hunter3", "b")), expected);
        assert_eq!(compare(&with("hunter2", "a"), &with("hunter2", "a")), Vec::<String>::new());
        let gone = definition(r#"{"jobDefinitionName":"a","revision":1,"containerProperties":{"image":"x"}}"#);
        assert!(compare(&with("hunter2", "a"), &gone)[0].ends_with("API_TOKEN: ••••••"));
    }
}
