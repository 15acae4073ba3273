//! Classic rules of `EventBridge`, as the schedules that they stand beside.

use crate::model::{
    ArrayProperties, DeadLetterConfig, RetryStrategy, Schedule, ScheduleTarget, SubmitJobRequest, rules_of,
};
use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleOutput;
use aws_sdk_eventbridge::types;
use serde_json::{Map, Value};

/// One schedule for each target that is a queue of Batch; where there are several, each is named by its target too.
pub fn schedules(given: &DescribeRuleOutput, targets: Vec<types::Target>) -> Vec<Schedule> {
    let targets: Vec<_> = targets.into_iter().filter(|target| target.arn().contains(":job-queue/")).collect();
    let is_one = targets.len() == 1;
    targets.into_iter().map(|target| schedule(given, target, is_one)).collect()
}

fn schedule(given: &DescribeRuleOutput, target: types::Target, is_one: bool) -> Schedule {
    let rule = given.name().unwrap_or_default();
    let event = given.event_pattern().map(|pattern| format!("event {pattern}"));
    // A rule may have both, and then its events are what is least expected.
    let expression = given.schedule_expression().map(str::to_owned).or(event).unwrap_or_default();
    let state = given.state().map(types::RuleState::as_str);
    Schedule {
        name: if is_one { rule.to_owned() } else { format!("{rule}:{}", target.id()) },
        group_name: rules_of(given.event_bus_name().unwrap_or("default")),
        arn: given.arn().unwrap_or_default().to_owned(),
        schedule_expression: expression,
        state: super::switch(state),
        description: given.description().map(str::to_owned),
        target: of_target(target),
        is_rule: true,
        ..Schedule::default()
    }
}

fn of_target(given: types::Target) -> ScheduleTarget {
    let batch = given.batch_parameters;
    let size = batch
        .as_ref()
        .and_then(|batch| batch.array_properties.as_ref())
        .and_then(|array| u32::try_from(array.size).ok());
    let attempts = batch.as_ref().and_then(|batch| batch.retry_strategy.as_ref());
    let attempts = attempts.and_then(|retry| u32::try_from(retry.attempts).ok());
    let request = SubmitJobRequest {
        job_name: batch.as_ref().map(|batch| batch.job_name.clone()).unwrap_or_default(),
        job_queue: given.arn,
        job_definition: batch.map(|batch| batch.job_definition).unwrap_or_default(),
        // 0 stands for none.
        array_properties: size
            .filter(|size| *size > 0)
            .map(|size| ArrayProperties { size: Some(size), ..Default::default() }),
        retry_strategy: attempts
            .filter(|attempts| *attempts > 0)
            .map(|attempts| RetryStrategy { attempts: Some(attempts), ..Default::default() }),
        ..Default::default()
    };
    let target = ScheduleTarget::submit_job(&request, given.role_arn.as_deref().unwrap_or_default());
    ScheduleTarget {
        input: with_input(target.input, given.input.as_deref()),
        retry_policy: given.retry_policy.map(|policy| {
            super::schedule::retry_policy(policy.maximum_event_age_in_seconds, policy.maximum_retry_attempts)
        }),
        dead_letter_config: given.dead_letter_config.map(|config| DeadLetterConfig { arn: config.arn }),
        ..target
    }
}

/// Parameters and overrides that a rule gives its job as a constant (`Parameters`, `ContainerOverrides`).
fn with_input(input: String, given: Option<&str>) -> String {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let (Some(mut all), Some(own)) = (object(&input), given.and_then(object)) else { return input };
    let known = ["Parameters", "ContainerOverrides"];
    all.extend(own.into_iter().filter(|(name, _)| known.contains(&name.as_str())));
    Value::Object(all).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Switch, name_of};

    const QUEUE: &str = "arn:aws:batch:eu-west-1:1:job-queue/main";

    fn target(id: &str, arn: &str) -> types::Target {
        let batch = types::BatchParameters::builder().job_definition("etl:3").job_name("night");
        let batch = batch.array_properties(types::BatchArrayProperties::builder().size(5).build());
        let batch = batch.retry_strategy(types::BatchRetryStrategy::builder().attempts(2).build());
        let target = types::Target::builder().id(id).arn(arn).role_arn("arn:aws:iam::1:role/r");
        let target = target.input(r#"{"Parameters": {"day": "monday"}, "Unknown": 1}"#);
        target.batch_parameters(batch.build().expect("whole")).build().expect("whole")
    }

    fn rule(expression: Option<&str>, pattern: Option<&str>) -> DescribeRuleOutput {
        DescribeRuleOutput::builder()
            .name("nightly")
            .event_bus_name("default")
            .state(types::RuleState::Disabled)
            .set_schedule_expression(expression.map(str::to_owned))
            .set_event_pattern(pattern.map(str::to_owned))
            .build()
    }

    #[test]
    fn a_rule_stands_as_a_schedule_with_its_queue_definition_and_expression() {
        let lambda = target("f", "arn:aws:lambda:eu-west-1:1:function:f");
        let told = schedules(&rule(Some("cron(0 2 * * ? *)"), None), vec![lambda, target("t", QUEUE)]);
        assert_eq!(told.len(), 1);
        let one = &told[0];
        assert_eq!((one.key().as_str(), one.state, one.is_rule), ("rule:default/nightly", Switch::Disabled, true));
        let request = one.target.request().expect("a job");
        assert_eq!((request.job_queue.as_str(), request.job_definition.as_str()), (QUEUE, "etl:3"));
        assert_eq!(name_of(&request.job_queue), "main");
        assert_eq!(request.array_properties.and_then(|array| array.size), Some(5));
        assert_eq!(request.retry_strategy.and_then(|retry| retry.attempts), Some(2));
        assert_eq!(request.parameters["day"], "monday");
        let why = one.why_read_only().expect("it is only read");
        assert!(why.contains("only read here") && why.contains("aws events enable-rule --name nightly"), "{why}");
    }

    #[test]
    fn what_goes_by_events_says_so_and_several_queues_of_one_rule_are_apart() {
        let pattern = r#"{"source":["aws.s3"]}"#;
        let told = schedules(&rule(None, Some(pattern)), vec![target("a", QUEUE), target("b", QUEUE)]);
        let names: Vec<_> = told.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["nightly:a", "nightly:b"]);
        assert_eq!(told[0].event_pattern(), Some(pattern));
        assert!(!told[0].has_known_times());
        assert!(told[1].why_read_only().expect("read only").contains("--name nightly`"));
    }
}
