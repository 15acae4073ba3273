//! Requests that are almost right: whatever can be read of them is taken or refused in words, and the engine stays whole.

use super::world::World;
use crate::engine::command::Action;
use crate::model::mutation::{fuzz, mutated_text};
use serde::de::DeserializeOwned;

const JOB: &str = r#"{"jobName":"j","jobQueue":"main","jobDefinition":"job:1","arrayProperties":{"size":3},
    "dependsOn":[{"jobId":"3f2a77aa-0000-4000-8000-000000000000","type":"N_TO_N"}],"parameters":{"day":"Monday"},
    "containerOverrides":{"command":["echo","Ref::day"],"environment":[{"name":"A","value":"b"}],
    "resourceRequirements":[{"type":"VCPU","value":"0.25"},{"type":"MEMORY","value":"64"}]},
    "retryStrategy":{"attempts":3,"evaluateOnExit":[{"onExitCode":"1*","action":"RETRY"}]},
    "timeout":{"attemptDurationSeconds":60},"schedulingPriorityOverride":5,"shareIdentifier":"a","tags":{"k":"v"}}"#;

const DEFINITION: &str = r#"{"jobDefinitionName":"d","type":"container","parameters":{"a":"b"},"schedulingPriority":3,
    "containerProperties":{"image":"host","command":["sh","-c","true"],"resourceRequirements":[{"type":"VCPU","value":"1"},
    {"type":"MEMORY","value":"64"}],"ulimits":[{"name":"nofile","softLimit":10,"hardLimit":20}],"privileged":false,
    "linuxParameters":{"tmpfs":[{"containerPath":"/x","size":5}]},"logConfiguration":{"logDriver":"awslogs"}},
    "retryStrategy":{"attempts":2},"timeout":{"attemptDurationSeconds":90},"platformCapabilities":["EC2"]}"#;

const ENVIRONMENT: &str = r#"{"computeEnvironmentName":"e","type":"MANAGED","state":"ENABLED","computeResources":{"type":"SPOT",
    "allocationStrategy":"SPOT_CAPACITY_OPTIMIZED","minvCpus":0,"maxvCpus":8,"desiredvCpus":1,"instanceTypes":["optimal","c5.large"],
    "subnets":["subnet-0a1b2c3d"],"securityGroupIds":["sg-0a1b2c3d"],"instanceRole":"ecsInstanceRole","bidPercentage":60}}"#;

const SCHEDULE: &str = r#"{"Name":"n","GroupName":"default","ScheduleExpression":"cron(30 2 ? * MON-FRI *)",
    "ScheduleExpressionTimezone":"Europe/Zurich","FlexibleTimeWindow":{"Mode":"FLEXIBLE","MaximumWindowInMinutes":5},"Target":{
    "Arn":"arn:aws:scheduler:::aws-sdk:batch:submitJob","RoleArn":"arn:aws:iam::123456789012:role/r",
    "Input":"{\"JobName\":\"j\",\"JobQueue\":\"main\",\"JobDefinition\":\"job\"}","RetryPolicy":{"MaximumRetryAttempts":3}}}"#;

/// Asks for what can be read; the world checks the invariants after each step.
fn ask<T: DeserializeOwned>(text: &str, action: fn(T) -> Action) {
    let Ok(request) = serde_json::from_str(text) else { return };
    let mut world = World::default();
    world.environment("ce", 8);
    world.queue("main", 1, &["ce"]);
    world.definition("job", "1", "512");
    if let Err(refusal) = world.ask(action(request)) {
        assert!(!refusal.to_string().is_empty());
    }
    world.pass(86_400_000);
}

#[test]
fn the_requests_themselves_are_taken() {
    assert!(serde_json::from_str::<crate::model::SubmitJobRequest>(JOB).is_ok());
    ask(DEFINITION, |request| Action::RegisterJobDefinition(Box::new(request)));
    ask(ENVIRONMENT, Action::CreateComputeEnvironment);
    ask(SCHEDULE, |request| Action::CreateSchedule(Box::new(request)));
}

fuzz! {
    fn a_submit_that_is_almost_right_is_taken_or_refused(text in mutated_text(JOB)) {
        ask(&text, |request| Action::SubmitJob(Box::new(request)));
    }

    fn a_definition_that_is_almost_right_is_taken_or_refused(text in mutated_text(DEFINITION)) {
        ask(&text, |request| Action::RegisterJobDefinition(Box::new(request)));
    }

    fn an_environment_that_is_almost_right_is_taken_or_refused(text in mutated_text(ENVIRONMENT)) {
        ask(&text, Action::CreateComputeEnvironment);
    }

    fn a_schedule_that_is_almost_right_is_taken_or_refused(text in mutated_text(SCHEDULE)) {
        ask(&text, |request| Action::CreateSchedule(Box::new(request)));
    }
}
