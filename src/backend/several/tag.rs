//! Names with the context that they live in: `main@prod`. No name of Batch has an `@`. A revision stays at the end:
//! `etl@prod:3`.

use crate::model::{
    AuditEntry, ComputeEnvironment, JobDefinition, JobDetail, JobQueue, JobSummary, Scaling, Schedule, ScheduleRun,
    ScheduleTarget, What,
};
use serde_json::Value;

/// `main@prod`; what is empty stays so.
pub fn tag(text: &str, context: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    match text.rsplit_once(':') {
        Some((name, revision)) if !revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{name}@{context}:{revision}")
        }
        _ => format!("{text}@{context}"),
    }
}

/// The text without the tag of this context; `None` where it has none.
pub fn untag(text: &str, context: &str) -> Option<String> {
    let tag = format!("@{context}");
    if let Some(name) = text.strip_suffix(&tag) {
        return Some(name.to_owned());
    }
    let (name, revision) = text.rsplit_once(':')?;
    Some(format!("{}:{revision}", name.strip_suffix(&tag)?))
}

/// The text as the context itself has it, tagged or not.
pub fn plain(text: String, context: &str) -> String {
    untag(&text, context).unwrap_or(text)
}

fn mark(text: &mut String, context: &str) {
    *text = tag(text, context);
}

pub fn queue(mut given: JobQueue, context: &str) -> JobQueue {
    mark(&mut given.job_queue_name, context);
    mark(&mut given.job_queue_arn, context);
    for entry in &mut given.compute_environment_order {
        mark(&mut entry.compute_environment, context);
    }
    given
}

pub fn environment(mut given: ComputeEnvironment, context: &str) -> ComputeEnvironment {
    mark(&mut given.compute_environment_name, context);
    mark(&mut given.compute_environment_arn, context);
    for one in given.capacity.iter_mut().flat_map(|capacity| &mut capacity.instances) {
        mark(&mut one.compute_environment, context);
    }
    given
}

pub fn definition(mut given: JobDefinition, context: &str) -> JobDefinition {
    mark(&mut given.job_definition_name, context);
    mark(&mut given.job_definition_arn, context);
    given
}

pub fn row(mut given: JobSummary, context: &str) -> JobSummary {
    given.job_definition = given.job_definition.map(|name| tag(&name, context));
    if let Some(extra) = &mut given.extra {
        mark(&mut extra.job_queue, context);
    }
    given
}

pub fn detail(mut given: JobDetail, context: &str) -> JobDetail {
    mark(&mut given.job_queue, context);
    mark(&mut given.job_definition, context);
    if let Some(extra) = &mut given.extra {
        mark(&mut extra.job_queue, context);
    }
    if let Some(request) = &mut given.request {
        mark(&mut request.job_queue, context);
        mark(&mut request.job_definition, context);
    }
    given
}

/// What it submits stays as it is: its input is not this program's to write anew.
pub fn schedule(mut given: Schedule, context: &str) -> Schedule {
    mark(&mut given.name, context);
    given
}

/// As the context itself has it. Only an input that names something by its tag is written anew.
pub fn plain_schedule(mut given: Schedule, context: &str) -> Schedule {
    given.name = plain(given.name, context);
    if let Ok(mut request) = given.target.request() {
        let queue = untag(&request.job_queue, context);
        let definition = untag(&request.job_definition, context);
        if queue.is_some() || definition.is_some() {
            request.job_queue = queue.unwrap_or(request.job_queue);
            request.job_definition = definition.unwrap_or(request.job_definition);
            let input = ScheduleTarget::submit_job(&request, &given.target.role_arn).input;
            given.target.input = input;
        }
    }
    given
}

pub fn run(mut given: ScheduleRun, context: &str) -> ScheduleRun {
    mark(&mut given.schedule_name, context);
    given
}

pub fn step(mut given: Scaling, context: &str) -> Scaling {
    mark(&mut given.compute_environment, context);
    given
}

pub fn entry(mut given: AuditEntry, context: &str) -> AuditEntry {
    mark(&mut given.target, context);
    given
}

/// An event, in the form of `EventBridge`.
pub fn event(mut given: Value, context: &str) -> Value {
    for member in ["/detail/jobQueue", "/detail/jobDefinition", "/detail/computeEnvironment"] {
        if let Some(Value::String(name)) = given.pointer_mut(member) {
            mark(name, context);
        }
    }
    given
}

/// What changed there; a reset is not for others to hear.
pub fn change(what: What, context: &str) -> What {
    match what {
        What::Job(given) => What::Job(Box::new(row(*given, context))),
        What::Queue(given) => What::Queue(Box::new(queue(*given, context))),
        What::QueueGone(name) => What::QueueGone(tag(&name, context)),
        What::ComputeEnvironment(given) => What::ComputeEnvironment(Box::new(environment(*given, context))),
        What::ComputeEnvironmentGone(name) => What::ComputeEnvironmentGone(tag(&name, context)),
        What::Definition(given) => What::Definition(Box::new(definition(*given, context))),
        What::Schedule(given) => What::Schedule(Box::new(schedule(*given, context))),
        What::ScheduleGone { group, name } => What::ScheduleGone { group, name: tag(&name, context) },
        What::ScheduleRun(given) => What::ScheduleRun(run(given, context)),
        What::Audit(given) => What::Audit(entry(given, context)),
        What::Scaling(given) => What::Scaling(step(given, context)),
        What::SchedulesUnread(why) => What::SchedulesUnread(why.map(|why| format!("{context}: {why}"))),
        What::Notice(text) => What::Notice(format!("{context}: {text}")),
        What::Reset | What::Alive { .. } | What::JobGone(_) | What::Watch(_) | What::WatchGone(_) => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SubmitJobRequest, name_of};

    #[test]
    fn a_name_and_its_context_go_together_and_apart() {
        let cases = [
            ("main", "main@prod"),
            ("etl:3", "etl@prod:3"),
            ("arn:aws:batch:r:1:job-queue/main", "arn:aws:batch:r:1:job-queue/main@prod"),
            ("arn:aws:batch:r:1:job-definition/etl:3", "arn:aws:batch:r:1:job-definition/etl@prod:3"),
        ];
        for (plain, tagged) in cases {
            assert_eq!(tag(plain, "prod"), tagged);
            assert_eq!(untag(tagged, "prod").as_deref(), Some(plain));
            assert_eq!(untag(plain, "prod"), None);
            assert_eq!(untag(tagged, "lab"), None);
        }
        assert_eq!(tag("", "prod"), "");
        assert_eq!(name_of(&tag("arn:aws:batch:r:1:job-queue/main", "prod")), "main@prod");
    }

    #[test]
    fn a_schedule_that_is_only_switched_keeps_its_input_as_it_was_written() {
        let input = r#"{"JobQueue":"main","Novelty":1}"#;
        let target =
            ScheduleTarget { input: input.to_owned(), ..ScheduleTarget::submit_job(&SubmitJobRequest::default(), "r") };
        let given = Schedule { name: "night".into(), target, ..Schedule::default() };
        let there = plain_schedule(schedule(given.clone(), "prod"), "prod");
        assert_eq!(there, given);
        let request = SubmitJobRequest {
            job_queue: "low@prod".into(),
            job_definition: "etl@prod:3".into(),
            ..Default::default()
        };
        let edited = Schedule { target: ScheduleTarget::submit_job(&request, "r"), ..given };
        let request = plain_schedule(edited, "prod").target.request().expect("a job");
        assert_eq!((request.job_queue.as_str(), request.job_definition.as_str()), ("low", "etl:3"));
    }
}
