//! What the demo needs to be there: environments, queues, definitions and schedules.

use crate::commands::resources::{self, Definition, Environment, Queue};
use crate::model::{Schedule, ScheduleTarget, SubmitJobRequest, Switch};
use std::collections::BTreeMap;

/// Parameter of every definition that reads or writes files: where.
pub const WORKSPACE: &str = "workspace";
/// Parameter that keeps the files of one run of the demo apart from those of another.
pub const RUN: &str = "run";

/// Two that run jobs, and one that is switched off.
pub fn environments() -> Vec<Environment> {
    let environment = |name, kind, most_vcpus, state| Environment { name, kind, most_vcpus, state };
    vec![
        environment("local", "EC2", 8, Switch::Enabled),
        environment("spot", "SPOT", 4, Switch::Enabled),
        environment("burst", "EC2", 16, Switch::Disabled),
    ]
}

/// `big` is for what can never be placed, so that it holds up nothing else.
pub fn queues() -> Vec<Queue> {
    let queue = |name, priority, environments, state| Queue { name, priority, environments, state };
    vec![
        queue("high", 100, &["local"], Switch::Enabled),
        queue("default", 10, &["local", "spot"], Switch::Enabled),
        queue("big", 5, &["spot"], Switch::Enabled),
        queue("nightly", 1, &["local"], Switch::Disabled),
    ]
}

/// All run a script with the shell; `Ref::NAME` in their commands are parameters.
pub fn definitions(workspace: &str) -> Vec<Definition> {
    let script = |name: &'static str, script: &str, arguments: &[&str]| {
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
        Definition {
            name,
            command: words.map(str::to_owned).collect(),
            parameters,
            memory_mib: 256,
            ..resources::host()
        }
    };
    let run = ["Ref::workspace", "Ref::run"];
    vec![
        resources::host(),
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
        Definition { attempts: Some(3), ..script("flaky", include_str!("scripts/flaky.sh"), &[]) },
        script("broken", include_str!("scripts/broken.sh"), &["Ref::workspace"]),
        script("killed", include_str!("scripts/killed.sh"), &[]),
        Definition { timeout_seconds: Some(60), ..script("endless", include_str!("scripts/endless.sh"), &[]) },
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
            for name in queue.environments {
                assert!(environments.iter().any(|environment| environment.name == *name), "{name}");
            }
        }
        let definitions = definitions("/w");
        for schedule in schedules() {
            let request = schedule.target.request().expect("a job");
            assert!(definitions.iter().any(|definition| definition.name == request.job_definition));
            assert!(queues().iter().any(|queue| queue.name == request.job_queue));
            Expression::parse(&schedule.schedule_expression, "UTC").expect("sound");
        }
    }

    #[test]
    fn every_parameter_in_a_command_has_a_value_and_no_script_holds_one_by_chance() {
        for definition in definitions("/w") {
            for word in &definition.command {
                match word.strip_prefix("Ref::") {
                    Some(name) => assert!(definition.parameters.contains_key(name), "{}: {name}", definition.name),
                    None => assert!(!word.contains("Ref::"), "{}", definition.name),
                }
            }
            assert!(definition.command.iter().map(String::len).sum::<usize>() < 8192, "AWS takes no longer commands");
        }
    }
}
