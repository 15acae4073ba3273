//! What stands around Batch: container instances of ECS and rules of `EventBridge`, through the real SDK.

use super::tests::world;
use super::*;
use crate::backend::stub::{Answer, Asked};
use crate::model::{InstanceState, ScalingChange, Usd, What};
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// `ListContainerInstances` of `AmazonEC2ContainerServiceV20141113.ListContainerInstances`, or the line of REST.
fn operation(asked: &Asked) -> &str {
    asked.header("x-amz-target").rsplit('.').next().filter(|name| !name.is_empty()).unwrap_or(&asked.line)
}

fn environments() -> Value {
    json!({"computeEnvironments": [
        {"computeEnvironmentName": "serverless", "type": "MANAGED", "state": "ENABLED", "status": "VALID",
            "ecsClusterArn": "arn:aws:ecs:eu-west-1:1:cluster/f", "computeResources": {"type": "FARGATE", "maxvCpus": 9}},
        {"computeEnvironmentName": "servers", "type": "MANAGED", "state": "ENABLED", "status": "VALID",
            "ecsClusterArn": "arn:aws:ecs:eu-west-1:1:cluster/c",
            "computeResources": {"type": "EC2", "minvCpus": 0, "maxvCpus": 512, "desiredvCpus": 480}},
    ]})
}

fn arn(at: usize) -> String {
    format!("arn:aws:ecs:eu-west-1:1:container-instance/c/{at:03}")
}

fn host(arn: &str) -> Value {
    let number = |name: &str, value: u32| json!({"name": name, "type": "INTEGER", "integerValue": value});
    json!({
        "containerInstanceArn": arn, "ec2InstanceId": format!("i-{}", &arn[arn.len() - 3..]), "status": "ACTIVE",
        "agentConnected": !arn.ends_with("007"), "runningTasksCount": 1, "pendingTasksCount": 0, "registeredAt": 1_000,
        "attributes": [{"name": "ecs.instance-type", "value": "m5.xlarge"}],
        "registeredResources": [number("CPU", 4096), number("MEMORY", 15_000)],
        "remainingResources": [number("CPU", 1024), number("MEMORY", 11_000)],
    })
}

/// A cluster of `count` instances.
fn cluster(asked: &Asked, count: usize) -> Answer {
    match operation(asked) {
        "POST /v1/describecomputeenvironments" => Answer::json(&environments()),
        "POST /v1/describejobqueues" => Answer::json(&json!({"jobQueues": []})),
        "GET /schedules?MaxResults=100" => Answer::json(&json!({"Schedules": []})),
        "ListContainerInstances" => {
            assert_eq!(asked.body["cluster"], "arn:aws:ecs:eu-west-1:1:cluster/c");
            let from: usize = asked.body["nextToken"].as_str().map_or(0, |token| token.parse().expect("ours"));
            let arns: Vec<_> = (from..count).take(100).map(arn).collect();
            let next = (from + 100 < count).then(|| (from + 100).to_string());
            Answer::json(&json!({"containerInstanceArns": arns, "nextToken": next}))
        }
        "DescribeContainerInstances" => {
            let arns = asked.body["containerInstances"].as_array().expect("some");
            assert!(!arns.is_empty() && arns.len() <= 100);
            let hosts: Vec<_> = arns.iter().map(|arn| host(arn.as_str().expect("an ARN"))).collect();
            Answer::json(&json!({"containerInstances": hosts}))
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_instances_of_a_cluster_are_read_a_hundred_at_a_time_and_fargate_is_not_asked_for_any() {
    let (backend, stub) = world(|asked| cluster(asked, 120)).await;
    let all = backend.compute_environments().await.expect("lists");
    let of = |name: &str| all.iter().find(|one| one.compute_environment_name == name).expect("is there");
    assert_eq!((&of("serverless").capacity, &of("serverless").capacity_unread), (&None, &None));
    let capacity = of("servers").capacity.clone().expect("is known");
    assert_eq!((capacity.instances.len(), capacity.vcpus, capacity.vcpus_used), (120, 480.0, 360.0));
    assert_eq!((capacity.memory_mib, capacity.memory_mib_used), (1_800_000, 480_000));
    // 120 of 19.2 cents.
    assert_eq!(capacity.usd_per_hour, Some(Usd::from_micros(23_040_000)));
    let one = &capacity.instances[7];
    assert_eq!((one.instance_id.0.as_str(), one.state, one.agent_lost), ("i-007", InstanceState::Active, true));
    assert_eq!((one.instance_type.as_str(), one.running_jobs, one.launched_at), ("m5.xlarge", 1, 1_000_000));
    let calls: Vec<_> = stub.asked().iter().map(|asked| operation(asked).to_owned()).collect();
    assert_eq!(calls.iter().filter(|name| *name == "ListContainerInstances").count(), 2);
    assert_eq!(calls.iter().filter(|name| *name == "DescribeContainerInstances").count(), 2);
    backend.environments_alone().await.expect("lists");
    assert_eq!(stub.asked().len(), calls.len() + 1, "a name alone costs no call to ECS");
    let steps = backend.scaling(Some("servers")).await.expect("are told");
    assert_eq!((steps.len(), steps[0].change), (120, ScalingChange::Launched));
}

#[tokio::test]
async fn who_may_not_read_instances_reads_the_environments_and_is_told_which_permission_is_missing() {
    let (backend, _stub) = world(|asked| match operation(asked) {
        "ListContainerInstances" => Answer::error(400, Some("AccessDeniedException"), r#"{"message": "not for you"}"#),
        _ => cluster(asked, 0),
    })
    .await;
    let all = backend.compute_environments().await.expect("lists");
    let why = all.iter().find_map(|one| one.capacity_unread.clone());
    let denied = "the permission ecs:ListContainerInstances is missing: not for you (AccessDeniedException)";
    assert_eq!(why.as_deref(), Some(denied));
}

#[tokio::test]
async fn a_watch_tells_of_instances_that_come_and_go_and_reads_those_that_are_looked_at_more_often() {
    let count = Arc::new(AtomicUsize::new(1));
    let now = Arc::clone(&count);
    let (backend, _stub) = world(move |asked| cluster(asked, now.load(SeqCst))).await;
    backend.look_at(None, Some("servers"));
    let mut stream = backend.watch(None).await.expect("watches");
    let (mut sizes, mut steps) = (Vec::new(), Vec::new());
    while sizes.last() != Some(&0) || steps.len() < 3 {
        match stream.next().await.expect("an item").expect("a change").what {
            What::ComputeEnvironment(one) if one.compute_environment_name == "servers" => {
                let size = one.capacity.map(|capacity| capacity.instances.len());
                sizes.extend(size);
                if let Some(size) = size {
                    count.store(if size == 1 { 2 } else { 0 }, SeqCst);
                    backend.look_again();
                }
            }
            What::Scaling(step) => steps.push((step.change, step.instance_id.0)),
            _ => {}
        }
    }
    assert_eq!(sizes, [1, 2, 0]);
    let expected = [
        (ScalingChange::Launched, "i-000"),
        (ScalingChange::Launched, "i-001"),
        (ScalingChange::Lost, "i-000"),
        (ScalingChange::Lost, "i-001"),
    ];
    let steps: Vec<_> = steps.iter().map(|(change, id)| (*change, id.as_str())).collect();
    assert_eq!(steps, expected[..steps.len()]);
}

const QUEUE: &str = "arn:aws:batch:eu-west-1:1:job-queue/main";

fn rules(asked: &Asked) -> Answer {
    match operation(asked) {
        "POST /v1/describejobqueues" => {
            Answer::json(&json!({"jobQueues": [{"jobQueueName": "main", "jobQueueArn": QUEUE, "priority": 1}]}))
        }
        "POST /v1/describecomputeenvironments" => Answer::json(&json!({"computeEnvironments": []})),
        "POST /v1/listjobs" => Answer::json(&json!({"jobSummaryList": []})),
        "GET /schedules?MaxResults=100" => Answer::json(&json!({"Schedules": []})),
        "ListRuleNamesByTarget" => {
            assert_eq!(asked.body["TargetArn"], QUEUE);
            Answer::json(&json!({"RuleNames": ["nightly"]}))
        }
        "DescribeRule" => Answer::json(&json!({
            "Name": "nightly", "Arn": "arn:aws:events:eu-west-1:1:rule/nightly", "EventBusName": "default",
            "ScheduleExpression": "cron(0 2 * * ? *)", "State": "ENABLED",
        })),
        "ListTargetsByRule" => Answer::json(&json!({"Targets": [
            {"Id": "fn", "Arn": "arn:aws:lambda:eu-west-1:1:function:f"},
            {"Id": "job", "Arn": QUEUE, "RoleArn": "arn:aws:iam::1:role/r",
                "BatchParameters": {"JobDefinition": "etl:3", "JobName": "night"}},
        ]})),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn rules_that_aim_at_a_queue_are_listed_and_nothing_of_them_is_changed() {
    let (backend, stub) = world(rules).await;
    let listed = backend.rules().await.expect("lists");
    let [rule] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((rule.key().as_str(), rule.is_rule), ("rule:default/nightly", true));
    assert_eq!(rule.schedule_expression, "cron(0 2 * * ? *)");
    assert_eq!(rule.target.request().expect("a job").job_definition, "etl:3");
    assert!(backend.schedules().await.expect("lists").is_empty(), "they stand beside the schedules");
    let before = stub.asked().len();
    let (group, name) = ("rule:default", "nightly");
    let answers = [
        backend.update_schedule(rule.clone()).await.expect_err("is only read"),
        backend.delete_schedule(group, name).await.expect_err("is only read"),
        backend.run_schedule(group, name).await.expect_err("is only read"),
        backend.create_schedule(rule.clone()).await.expect_err("is only read"),
    ];
    for error in answers {
        assert!(error.to_string().contains("`aws events enable-rule`"), "{error}");
    }
    assert_eq!(stub.asked().len(), before);
}

#[tokio::test]
async fn a_watch_tells_rules_beside_the_schedules_and_once_where_they_may_not_be_read() {
    for denied in [false, true] {
        let (backend, stub) = world(move |asked| match operation(asked) {
            "ListRuleNamesByTarget" if denied => {
                Answer::error(400, Some("AccessDeniedException"), r#"{"message": "not for you"}"#)
            }
            _ => rules(asked),
        })
        .await;
        let mut stream = backend.watch(None).await.expect("watches");
        let (mut told, mut notices, mut rounds) = (Vec::new(), Vec::new(), 0);
        while rounds < 4 {
            match stream.next().await.expect("an item").expect("a change").what {
                What::Schedule(one) => told.push(one.key()),
                What::ScheduleGone { name, .. } => panic!("{name} is there still"),
                What::Notice(text) => notices.push(text),
                What::Alive { .. } => {
                    rounds += 1;
                    backend.look_again();
                }
                _ => {}
            }
        }
        let missing = "rules of EventBridge are not watched: the permission events:ListRuleNamesByTarget is missing: not \
                       for you (AccessDeniedException)";
        let (rules, words) = if denied { (vec![], vec![missing]) } else { (vec!["rule:default/nightly"], vec![]) };
        assert_eq!(
            (told, notices),
            (rules.into_iter().map(str::to_owned).collect(), words.into_iter().map(str::to_owned).collect())
        );
        let asks = stub.asked().iter().filter(|asked| operation(asked) == "ListRuleNamesByTarget").count();
        assert!(if denied { asks == 1 } else { asks >= 2 }, "{asks}");
    }
}
