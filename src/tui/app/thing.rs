//! The thing under the cursor: what can be copied of it, all of it as JSON, its page on AWS.

use super::command::{Command, Item};
use super::{App, Intention, Popup, Scroll};
use crate::model::text::printable_json;
use crate::model::watch::Watch;
use crate::model::{AuditEntry, ComputeEnvironment, Instance, JobDefinition, JobId, JobQueue, Schedule, secret};
use crate::tui::action::Place;
use crate::tui::clipboard;
use crate::tui::format::cut;
use crate::tui::requests::{Ask, Program};
use crate::tui::words;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What an action without a field of its own is about.
#[derive(Debug, Clone, Copy)]
enum Thing<'a> {
    Job(&'a JobId),
    Queue(&'a JobQueue),
    Environment(&'a ComputeEnvironment),
    Instance(&'a Instance),
    Schedule(&'a Schedule),
    Definition(&'a JobDefinition),
    Audit(&'a AuditEntry),
    Watch(&'a Watch),
}

impl App {
    fn thing<'a>(&'a self, job: Option<&'a JobId>) -> Option<Thing<'a>> {
        match self.place_below() {
            Place::Queues => self.selected_queue().map(Thing::Queue),
            Place::Environments => self.selected_environment().map(Thing::Environment),
            Place::Instances => self.selected_instance().map(Thing::Instance),
            Place::Schedules => self.selected_schedule().map(Thing::Schedule),
            Place::Definitions | Place::Definition => self.selected_definition().map(Thing::Definition),
            Place::Audit => self.selected_audit().map(Thing::Audit),
            Place::Watches => self.selected_watch().map(Thing::Watch),
            _ => job.map(Thing::Job),
        }
    }

    /// What can be copied of it, by what it is; the first is what one means as a rule.
    fn facts(&self, thing: Thing<'_>) -> Vec<(&'static str, String)> {
        let flags = &self.setting.flags;
        let ours = |verb: &[&str]| {
            let start = std::iter::once("batchdeck".to_owned()).chain(flags.iter().cloned());
            let line: Vec<String> = start.chain(verb.iter().map(|word| (*word).to_owned())).collect();
            words::join(&line)
        };
        let aws = |call: &[&str]| words::join(&[&["aws", "batch"], call].concat());
        let mut facts = match thing {
            Thing::Job(id) => {
                let row = self.job_row(id).unwrap_or_default();
                let stream = self.store.detail(id).and_then(|detail| detail.log(None, None)).map(|log| log.stream);
                vec![
                    ("id", id.to_string()),
                    ("name", row.job_name),
                    ("ARN", row.job_arn),
                    ("definition", row.job_definition.unwrap_or_default()),
                    ("status reason", row.status_reason.unwrap_or_default()),
                    ("log stream", stream.unwrap_or_default()),
                    ("command line", ours(&["job", id.as_str()])),
                    ("aws command line", aws(&["describe-jobs", "--jobs", id.as_str()])),
                ]
            }
            Thing::Queue(queue) => vec![
                ("name", queue.job_queue_name.clone()),
                ("ARN", queue.job_queue_arn.clone()),
                ("command line", ours(&["jobs", "--queue", &queue.job_queue_name])),
                ("aws command line", aws(&["describe-job-queues", "--job-queues", &queue.job_queue_name])),
            ],
            Thing::Environment(found) => vec![
                ("name", found.compute_environment_name.clone()),
                ("ARN", found.compute_environment_arn.clone()),
                (
                    "aws command line",
                    aws(&["describe-compute-environments", "--compute-environments", &found.compute_environment_name]),
                ),
            ],
            Thing::Instance(instance) => vec![("id", instance.instance_id.0.clone())],
            Thing::Schedule(schedule) => {
                vec![("name", schedule.name.clone()), ("expression", schedule.schedule_expression.clone())]
            }
            Thing::Definition(definition) => vec![
                ("name", definition.label()),
                ("ARN", definition.job_definition_arn.clone()),
                ("aws command line", aws(&["describe-job-definitions", "--job-definitions", &definition.label()])),
            ],
            Thing::Watch(watch) => vec![("id", watch.id.clone()), ("condition", watch.condition.to_string())],
            Thing::Audit(entry) => vec![("target", entry.target.clone()), ("who", entry.who.clone())],
        };
        facts.extend(self.json(thing).map(|json| ("JSON", json)));
        facts.extend(page(thing).filter(|_| !self.is_local()).map(|page| ("page on AWS", page)));
        facts.retain(|(_, text)| !text.is_empty());
        facts
    }

    /// All that is known of it, in the API's own form.
    fn json(&self, thing: Thing<'_>) -> Option<String> {
        match thing {
            Thing::Job(id) => match (self.store.detail(id), self.store.job(id)) {
                (Some(detail), _) => pretty(detail),
                (None, row) => pretty(row?),
            },
            Thing::Queue(queue) => pretty(queue),
            Thing::Environment(environment) => pretty(environment),
            Thing::Instance(instance) => pretty(instance),
            Thing::Schedule(schedule) => pretty(schedule),
            Thing::Definition(definition) => pretty(definition),
            Thing::Audit(entry) => pretty(entry),
            Thing::Watch(watch) => pretty(watch),
        }
    }

    /// Puts a text on the clipboard of the terminal; `what` says what it is.
    pub(super) fn copy(&mut self, what: &str, text: String) {
        if text.len() > clipboard::MOST {
            let key = self.keymap.keys_of(crate::tui::action::Action::Export).into_iter().next().unwrap_or_default();
            return self.complain(format!(
                "{what} is too long for the terminal's clipboard ({} of {} bytes); {key} writes to a file",
                text.len(),
                clipboard::MOST
            ));
        }
        let shown = match text.lines().count() {
            1 => cut(&text, 80).into_owned(),
            lines => format!("{lines} lines"),
        };
        self.say(format!("copied {what}: {shown}"));
        self.ask(Ask::Copy(text));
    }

    pub(super) fn copy_here(&mut self) {
        if let Some((what, text)) = self.lines_to_copy().into_iter().next() {
            return self.copy(what, text);
        }
        let job = self.selected_job();
        let fact = self.thing(job.as_ref()).and_then(|thing| self.facts(thing).into_iter().next());
        match fact {
            Some((what, text)) => self.copy(what, text),
            None => self.say("nothing is selected to copy"),
        }
    }

    /// What there is to copy of a log that has the keys: the lines that are marked, the one that is pointed at or else the
    /// first one shown, and all that are held.
    fn lines_to_copy(&self) -> Vec<(&'static str, String)> {
        if !self.place_below().is_log() {
            return Vec::new();
        }
        let marked = self.log.marked_lines();
        let what = if marked.len() == 1 { "the marked line" } else { "the marked lines" };
        let mut found = Vec::new();
        if !marked.is_empty() {
            found.push((what, marked.join("\n")));
        }
        if let Some(line) = self.log.text_in_sight() {
            found.extend([("the line", line), ("the lines that are held", self.log_text())]);
        }
        found
    }

    pub(super) fn offer_copies(&mut self) {
        let job = self.selected_job();
        let mut facts = self.lines_to_copy();
        facts.extend(self.thing(job.as_ref()).map(|thing| self.facts(thing)).unwrap_or_default());
        if facts.is_empty() {
            return self.say("nothing is selected to copy");
        }
        let items = facts.into_iter().map(|(what, text)| {
            let begin: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
            Item::new(what.to_owned(), &begin, Command::Copy { what: what.to_owned(), text })
        });
        let items = items.collect();
        self.offer("Copy", items);
    }

    /// Shows all of it; a job's details are asked for first.
    pub(super) fn describe_here(&mut self) {
        let job = self.selected_job();
        let Some(thing) = self.thing(job.as_ref()) else { return self.say("nothing is selected to describe") };
        if let Thing::Job(id) = thing
            && self.store.detail(id).is_none()
        {
            let id = id.clone();
            return self.intend(id, Intention::Describe);
        }
        let title = self.facts(thing).into_iter().next().map(|(_, name)| name).unwrap_or_default();
        let lines = self.json(thing).unwrap_or_default().lines().map(str::to_owned).collect();
        self.popups.push(Popup::Text { title, lines, scroll: Scroll::default() });
    }

    /// Hands all of it to a program of the person's own.
    pub(super) fn hand_over(&mut self, program: Program) {
        let job = self.selected_job();
        let handed = match self.place_below() {
            place if place.is_log() => Some(("log.txt".to_owned(), self.log_text())),
            _ => self.thing(job.as_ref()).and_then(|thing| {
                let name = self.facts(thing).into_iter().next().map(|(_, name)| name)?;
                Some((format!("{name}.json"), self.json(thing)?))
            }),
        };
        match handed {
            Some((name, text)) => {
                self.ask(Ask::Hand { program, name, text });
            }
            None => self.say("nothing is selected to hand over"),
        }
    }

    pub(super) fn open_page(&mut self) {
        let job = self.selected_job();
        let found = self.thing(job.as_ref()).map(|thing| match thing {
            Thing::Job(id) => self.job_row(id).and_then(|row| job_page(&row.job_arn, id)),
            other => page(other),
        });
        match found {
            None => self.say("nothing is selected that has a page"),
            Some(_) if self.is_local() => self.complain("there are no pages on AWS for what is on a local engine"),
            Some(None) => self.say("AWS Batch has no page for this"),
            Some(Some(page)) => {
                self.copy("the address of its page", page.clone());
                self.ask(Ask::Open(page));
            }
        }
    }
}

/// Without what says that it is secret: it is copied to be given away.
fn pretty(thing: &(impl Serialize + DeserializeOwned)) -> Option<String> {
    let json = serde_json::to_string_pretty(&secret::without(thing)?).ok()?;
    Some(printable_json(&json).into_owned())
}

/// The page of the AWS console: its addresses are of the form that it links to itself.
fn page(thing: Thing<'_>) -> Option<String> {
    let (arn, kind) = match thing {
        Thing::Queue(queue) => (queue.job_queue_arn.as_str(), "queues"),
        Thing::Environment(found) => (found.compute_environment_arn.as_str(), "compute-environments"),
        Thing::Definition(definition) => (definition.job_definition_arn.as_str(), "job-definition"),
        Thing::Job(_) | Thing::Instance(_) | Thing::Schedule(_) | Thing::Audit(_) | Thing::Watch(_) => return None,
    };
    Some(format!("{}#{kind}/detail/{arn}", batch_home(arn)?))
}

fn job_page(arn: &str, id: &JobId) -> Option<String> {
    Some(format!("{}#jobs/detail/{id}", batch_home(arn)?))
}

/// Where the pages of the region are that an ARN is of.
fn batch_home(arn: &str) -> Option<String> {
    let mut parts = arn.split(':');
    let (Some("arn"), Some(partition), Some(_), Some(region)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let host = match partition {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    Some(format!("https://{region}.{host}/batch/home?region={region}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_in_the_region_and_partition_of_the_arn() {
        let id = JobId::from("3f2a");
        let cases = [
            (
                "arn:aws:batch:eu-central-1:1:job/3f2a",
                Some("https://eu-central-1.console.aws.amazon.com/batch/home?region=eu-central-1#jobs/detail/3f2a"),
            ),
            (
                "arn:aws-cn:batch:cn-north-1:1:job/3f2a",
                Some("https://cn-north-1.console.amazonaws.cn/batch/home?region=cn-north-1#jobs/detail/3f2a"),
            ),
            ("", None),
        ];
        for (arn, expected) in cases {
            assert_eq!(job_page(arn, &id).as_deref(), expected, "{arn}");
        }
        let queue =
            JobQueue { job_queue_arn: "arn:aws:batch:us-east-1:1:job-queue/q".to_owned(), ..Default::default() };
        let page = page(Thing::Queue(&queue)).expect("a page");
        assert!(page.ends_with("#queues/detail/arn:aws:batch:us-east-1:1:job-queue/q"), "{page}");
    }
}
