//! What the demo needs to be there: environments, queues, definitions and schedules.

use crate::model::{
    ComputeEnvironmentOrder, CreateComputeEnvironmentRequest, CreateJobQueueRequest, JobTimeout,
    RegisterJobDefinitionRequest, RetryStrategy, Schedule, ScheduleTarget, SubmitJobRequest, Switch, starter,
};
use std::collections::BTreeMap;

/// Parameter of every definition that reads or writes files: where.
pub const WORKSPACE: &str = "workspace";
/// Parameter that keeps the files of one run of the demo apart from those of another.
pub const RUN: &str = "run";
/// What a script of the demo asks for.
const MEMORY_MIB: &str = "256";

/// Two that run jobs, and one that is switched off. They overcommit: the demo is the same on every machine.
pub fn environments() -> Vec<CreateComputeEnvironmentRequest> {
    let environment = |name: &str, kind: &str, max_vcpus, state| {
        let mut request = starter(max_vcpus).overcommitting().environment;
        name.clone_into(&mut request.compute_environment_name);
        request.state = Some(state);
        if let Some(resources) = &mut request.compute_resources {
            kind.clone_into(&mut resources.kind);
        }
        request
    };
    vec![
        environment("local", "EC2", 8, Switch::Enabled),
        environment("spot", "SPOT", 4, Switch::Enabled),
        environment("burst", "EC2", 16, Switch::Disabled),
    ]
}

/// `big` is for what can never be placed, so that it holds up nothing else.
pub fn queues() -> Vec<CreateJobQueueRequest> {
    let queue = |name: &str, priority, environments: &[&str], state| CreateJobQueueRequest {
        job_queue_name: name.to_owned(),
        state: Some(state),
        priority,
        compute_environment_order: environments
            .iter()
            .zip(1..)
            .map(|(name, order)| ComputeEnvironmentOrder { order, compute_environment: (*name).to_owned() })
            .collect(),
        ..CreateJobQueueRequest::default()
    };
    vec![
        queue("high", 100, &["local"], Switch::Enabled),
        queue("default", 10, &["local", "spot"], Switch::Enabled),
        queue("big", 5, &["spot"], Switch::Enabled),
        queue("nightly", 1, &["local"], Switch::Disabled),
    ]
}

/// `host`, for any command, and those that run a script with the shell; `Ref::NAME` in their commands are parameters.
pub fn definitions(workspace: &str) -> Vec<RegisterJobDefinitionRequest> {
    let host = || starter(1).definition;
    let script = |name: &str, script: &str, arguments: &[&str]| {
        let words = ["sh", "-c", script, name].into_iter().chain(arguments.iter().copied());
        let parameter = |name: &str| match name {
            WORKSPACE => workspace.to_owned(),
            "seconds" => "5".to_owned(),
            "minutes" => "10".to_owned(),
            "strips" => "8".to_owned(),
            _ => "latest".to_owned(),
        };
        let parameters: BTreeMap<String, String> = arguments
            .iter()
            .filter_map(|argument| argument.strip_prefix("Ref::"))
            .map(|name| (name.to_owned(), parameter(name)))
            .collect();
        let mut request = RegisterJobDefinitionRequest { job_definition_name: name.to_owned(), parameters, ..host() };
        if let Some(container) = &mut request.container_properties {
            container.command = words.map(str::to_owned).collect();
            MEMORY_MIB.clone_into(&mut container.resource_requirements[1].value);
        }
        request
    };
    let run = ["Ref::workspace", "Ref::run"];
    let three_tries = RetryStrategy { attempts: Some(3), ..RetryStrategy::default() };
    let a_minute = JobTimeout { attempt_duration_seconds: Some(60) };
    vec![
        host(),
        script("etl-extract", include_str!("scripts/etl-extract.sh"), &run),
        script("etl-transform", include_str!("scripts/etl-transform.sh"), &run),
        script("etl-load", include_str!("scripts/etl-load.sh"), &run),
        script("pi-sample", include_str!("scripts/pi-sample.sh"), &run),
        script("pi-sum", include_str!("scripts/pi-sum.sh"), &run),
        script("frame-render", include_str!("scripts/frame-render.sh"), &run),
        script("frame-convert", include_str!("scripts/frame-convert.sh"), &run),
        script(
            "frame-assemble",
            include_str!("scripts/frame-assemble.sh"),
            &["Ref::workspace", "Ref::run", "Ref::strips"],
        ),
        script("short", include_str!("scripts/short.sh"), &["Ref::seconds"]),
        script("ingest", include_str!("scripts/ingest.sh"), &["Ref::minutes"]),
        RegisterJobDefinitionRequest {
            retry_strategy: Some(three_tries),
            ..script("flaky", include_str!("scripts/flaky.sh"), &[])
        },
        script("broken", include_str!("scripts/broken.sh"), &["Ref::workspace"]),
        script("killed", include_str!("scripts/killed.sh"), &[]),
        RegisterJobDefinitionRequest {
            timeout: Some(a_minute),
            ..script("endless", include_str!("scripts/endless.sh"), &[])
        },
        script("report", include_str!("scripts/report.sh"), &["Ref::workspace"]),
    ]
}

/// One that submits every minute for as long as an engine runs, and one that is paused.
pub fn schedules() -> Vec<Schedule> {
    let schedule = |name: &str, expression: &str, state, description: &str, definition: &str, queue: &str| {
        let request = SubmitJobRequest {
            job_name: name.to_owned(),
            job_queue: queue.to_owned(),
            job_definition: definition.to_owned(),
            ..SubmitJobRequest::default()
        };
        Schedule {
            name: name.to_owned(),
            schedule_expression: expression.to_owned(),
            state,
            description: Some(description.to_owned()),
            target: ScheduleTarget::submit_job(&request, "arn:aws:iam::123456789012:role/batchdeck-scheduler"),
            ..Schedule::default()
        }
    };
    vec![
        schedule(
            "demo-report",
            "rate(1 minute)",
            Switch::Enabled,
            "What the demo has made so far",
            "report",
            "default",
        ),
        schedule(
            "nightly-etl",
            "cron(30 2 * * ? *)",
            Switch::Disabled,
            "Paused: its queue is switched off",
            "etl-extract",
            "nightly",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::expression::Expression;
    use crate::model::validate;

    #[test]
    fn what_the_demo_creates_is_sound_and_refers_to_what_it_creates() {
        let environments = environments();
        for queue in queues() {
            assert_eq!(validate::queue_priority(queue.priority), Ok(()));
            for entry in queue.compute_environment_order {
                let name = entry.compute_environment;
                assert!(environments.iter().any(|known| known.compute_environment_name == name), "{name}");
            }
        }
        let definitions = definitions("/w");
        for schedule in schedules() {
            let request = schedule.target.request().expect("a job");
            assert!(definitions.iter().any(|known| known.job_definition_name == request.job_definition));
            assert!(queues().iter().any(|queue| queue.job_queue_name == request.job_queue));
            Expression::parse(&schedule.schedule_expression, "UTC").expect("sound");
        }
    }

    #[test]
    fn every_parameter_in_a_command_has_a_value_and_no_script_holds_one_by_chance() {
        for definition in definitions("/w") {
            let name = &definition.job_definition_name;
            let command = definition.container_properties.map(|container| container.command).expect("a container");
            for word in &command {
                match word.strip_prefix("Ref::") {
                    Some(given) => assert!(definition.parameters.contains_key(given), "{name}: {given}"),
                    None => assert!(!word.contains("Ref::"), "{name}"),
                }
            }
            assert!(command.iter().map(String::len).sum::<usize>() < 8192, "AWS takes no longer commands");
        }
    }
}
