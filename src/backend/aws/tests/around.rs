//! What stands around Batch: container instances of ECS and rules of `EventBridge`, through the real SDK.

use super::*;
use crate::backend::stub::{Answer, Asked, Ending};
use crate::model::{InstanceState, ScalingChange, Usd, What};
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// `ListContainerInstances` of `AmazonEC2ContainerServiceV20141113.ListContainerInstances`, `X` of `Action=X&…`, or the line
/// of REST.
fn operation(asked: &Asked) -> &str {
    if let Some(form) = asked.body.as_str().and_then(|form| form.strip_prefix("Action=")) {
        return form.split('&').next().unwrap_or_default();
    }
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
        "DescribeAutoScalingGroups" => {
            let xml = b"<R><AutoScalingGroups/></R>";
            Answer::pieces(&[xml], Ending::Complete)
        }
        "GetProducts" => {
            let filters = asked.body["Filters"].to_string();
            assert!(filters.contains("m5.xlarge") && filters.contains("eu-west-1"), "{filters}");
            assert!(asked.header("authorization").contains("/us-east-1/pricing/"));
            let hourly = json!({"unit": "Hrs", "pricePerUnit": {"USD": "0.2140000000"}});
            let terms = json!({"OnDemand": {"A": {"priceDimensions": {"B": hourly}}}});
            Answer::json(&json!({"PriceList": [json!({"terms": terms}).to_string()]}))
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
    // 120 of the 21.4 cents that the list of the region says.
    assert_eq!(capacity.usd_per_hour, Some(Usd::from_micros(25_680_000)));
    let one = &capacity.instances[7];
    assert_eq!((one.instance_id.0.as_str(), one.state, one.agent_lost), ("i-007", InstanceState::Active, true));
    assert_eq!((one.instance_type.as_str(), one.running_jobs, one.launched_at), ("m5.xlarge", 1, 1_000_000));
    let calls: Vec<_> = stub.asked().iter().map(|asked| operation(asked).to_owned()).collect();
    assert_eq!(calls.iter().filter(|name| *name == "ListContainerInstances").count(), 2);
    assert_eq!(calls.iter().filter(|name| *name == "DescribeContainerInstances").count(), 2);
    assert_eq!(calls.iter().filter(|name| *name == "GetProducts").count(), 1);
    backend.environments_alone().await.expect("lists");
    assert_eq!(stub.asked().len(), calls.len() + 1, "a name alone costs no call to ECS");
    let steps = backend.scaling(Some("servers")).await.expect("are told");
    assert_eq!((steps.len(), steps[0].change), (120, ScalingChange::Launched));
}

/// The same cluster, of Spot; its prices may be asked for or not.
fn spot(asked: &Asked, may: bool) -> Answer {
    match operation(asked) {
        "POST /v1/describecomputeenvironments" => {
            let text = environments().to_string().replace(r#""type":"EC2""#, r#""type":"SPOT""#);
            Answer::json(&serde_json::from_str(&text).expect("is JSON"))
        }
        "DescribeSpotPriceHistory" if may => {
            let form = asked.body.as_str().expect("a form");
            assert!(
                form.contains("&InstanceType.1=m5.xlarge&ProductDescription.1=Linux%2FUNIX&StartTime=20"),
                "{form}"
            );
            assert!(asked.header("authorization").contains("/eu-west-1/ec2/aws4_request"));
            let item = |zone: &str, usd: &str| {
                format!(
                    "<item><instanceType>m5.xlarge</instanceType><spotPrice>{usd}</spotPrice>\
                     <timestamp>2026-11-29T02:00:00.000Z</timestamp><availabilityZone>{zone}</availabilityZone></item>"
                )
            };
            let items = [item("eu-west-1a", "0.070000"), item("eu-west-1b", "0.090000")].concat();
            let xml = format!(
                r#"<?xml version="1.0" encoding="UTF-8"?>
                <DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
                <spotPriceHistorySet>{items}</spotPriceHistorySet><nextToken/></DescribeSpotPriceHistoryResponse>"#
            );
            Answer::pieces(&[xml.as_bytes()], Ending::Complete)
        }
        "DescribeSpotPriceHistory" => Answer::error(
            403,
            None,
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this \
             operation.</Message></Error></Errors></Response>",
        ),
        _ => cluster(asked, 2),
    }
}

#[tokio::test]
async fn spot_instances_cost_what_their_zones_ask_now_and_nothing_is_guessed_where_that_may_not_be_read() {
    for (may, usd, words) in [
        (true, Some(Usd::from_micros(160_000)), "EC2's Spot price history, "),
        (false, None, "the permission ec2:DescribeSpotPriceHistory is missing"),
    ] {
        let (backend, stub) = world(move |asked| spot(asked, may)).await;
        for _ in 0..2 {
            let all = backend.compute_environments().await.expect("lists");
            let capacity = all.iter().find_map(|one| one.capacity.clone()).expect("is known");
            assert_eq!(capacity.usd_per_hour, usd);
            assert!(capacity.prices.as_ref().is_some_and(|told| told.starts_with(words)), "{:?}", capacity.prices);
        }
        let asks = stub.asked().iter().filter(|asked| operation(asked) == "DescribeSpotPriceHistory").count();
        assert_eq!(asks, 1, "it is asked once a day, and not at once again where it is denied");
    }
}

#[tokio::test]
async fn who_may_not_read_instances_reads_the_environments_and_is_told_which_permission_is_missing() {
    let (backend, _stub) = world(|asked| match operation(asked) {
        "ListContainerInstances" => Answer::error(400, Some("AccessDeniedException"), r#"{"message": "not for you"}"#),
        "GetProducts" => panic!("there is nothing to price"),
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

#[tokio::test]
async fn a_context_s_log_group_is_where_jobs_write_that_name_none_and_never_where_one_names_its_own() {
    for (of_context, named, expected) in [
        (Some("/team"), None, "/team"),
        (Some("/team"), Some("/own"), "/own"),
        (Some("/team"), Some("/aws/batch/job"), "/aws/batch/job"),
        (None, None, "/aws/batch/job"),
    ] {
        let (stub, address) =
            crate::backend::stub::Stub::on_loopback(|_| Answer::json(&json!({"events": [], "nextForwardToken": "f"})));
        let settings = AwsSettings { log_group: of_context.map(str::to_owned), ..settings_at(address) };
        let backend = AwsBackend::connect(settings).await.expect("has all it needs");
        let request = GetLogEvents {
            log_group_name: named.map(str::to_owned),
            log_stream_name: "s".into(),
            ..GetLogEvents::default()
        };
        backend.log_events(request).await.expect("reads");
        assert_eq!(stub.asked()[0].body["logGroupName"], expected, "{of_context:?} and {named:?}");
    }
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
        "ListEventBuses" => Answer::json(&json!({"EventBuses": [
            {"Name": "default", "Arn": "arn:aws:events:eu-west-1:1:event-bus/default"},
            {"Name": "orders", "Arn": "arn:aws:events:eu-west-1:1:event-bus/orders"},
        ]})),
        "ListRuleNamesByTarget" => {
            assert_eq!(asked.body["TargetArn"], QUEUE);
            let is_default = asked.body["EventBusName"] == "default";
            Answer::json(&json!({"RuleNames": if is_default { ["nightly"] } else { ["placed"] }}))
        }
        "DescribeRule" if asked.body["EventBusName"] == "orders" => Answer::json(&json!({
            "Name": "placed", "Arn": "arn:aws:events:eu-west-1:1:rule/orders/placed", "EventBusName": "orders",
            "EventPattern": "{\"source\":[\"shop\"]}", "State": "ENABLED",
        })),
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
    let [rule, other] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((other.key().as_str(), other.event_pattern()), ("rule:orders/placed", Some(r#"{"source":["shop"]}"#)));
    let why = other.why_read_only().expect("is only read");
    assert!(why.contains("aws events disable-rule --name placed --event-bus-name orders"), "{why}");
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
async fn who_may_not_list_the_event_buses_sees_the_rules_of_the_default_one() {
    let (backend, _stub) = world(|asked| match operation(asked) {
        "ListEventBuses" => Answer::error(400, Some("AccessDeniedException"), r#"{"message": "not for you"}"#),
        _ => rules(asked),
    })
    .await;
    let keys: Vec<_> = backend.rules().await.expect("lists").iter().map(crate::model::Schedule::key).collect();
    assert_eq!(keys, ["rule:default/nightly"]);
}

/// What Auto Scaling says of the servers' group.
fn group(asked: &Asked, may: bool) -> Answer {
    match operation(asked) {
        "DescribeAutoScalingGroups" => {
            assert!(asked.header("authorization").contains("/eu-west-1/autoscaling/"));
            let name = "<AutoScalingGroupName>AWSBatch-servers-asg-1a2b</AutoScalingGroupName>";
            let xml = format!(
                "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member>{name}\
                 <Instances/></member></AutoScalingGroups></DescribeAutoScalingGroupsResult>\
                 </DescribeAutoScalingGroupsResponse>"
            );
            Answer::pieces(&[xml.as_bytes()], Ending::Complete)
        }
        "DescribeScalingActivities" if may => {
            let form = asked.body.as_str().expect("a form");
            assert!(form.contains("&AutoScalingGroupName=AWSBatch-servers-asg-1a2b"), "{form}");
            let xml = "<DescribeScalingActivitiesResponse><DescribeScalingActivitiesResult><Activities><member>\
                       <ActivityId>a1</ActivityId><Description>Launching a new EC2 instance</Description>\
                       <Cause>At noon.</Cause><StartTime>2026-11-29T02:00:00Z</StartTime>\
                       <EndTime>2026-11-29T02:00:01Z</EndTime><StatusCode>Failed</StatusCode>\
                       <StatusMessage>VcpuLimitExceeded: 64 &lt; 128</StatusMessage></member></Activities>\
                       </DescribeScalingActivitiesResult></DescribeScalingActivitiesResponse>";
            Answer::pieces(&[xml.as_bytes()], Ending::Complete)
        }
        "DescribeScalingActivities" => Answer::error(
            403,
            None,
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
        ),
        _ => cluster(asked, 0),
    }
}

#[tokio::test]
async fn what_auto_scaling_tried_in_vain_stands_among_the_steps_of_the_environment_and_a_denial_is_said_once() {
    for (may, change, words) in [
        (true, ScalingChange::Failed, "Launching a new EC2 instance: VcpuLimitExceeded: 64 < 128"),
        (
            false,
            ScalingChange::Status,
            "what Auto Scaling did is not shown: the permission autoscaling:DescribeScalingActivities is missing",
        ),
    ] {
        let (backend, stub) = world(move |asked| group(asked, may)).await;
        for _ in 0..2 {
            let steps = backend.scaling(Some("servers")).await.expect("are told");
            let told: Vec<_> = steps.iter().map(|step| (step.change, step.reason.as_str())).collect();
            assert_eq!(told, [(change, words)]);
        }
        assert!(backend.scaling(Some("serverless")).await.expect("are told").is_empty(), "Fargate has no group");
        let asks = |name: &str| stub.asked().iter().filter(|asked| operation(asked) == name).count();
        assert_eq!((asks("DescribeAutoScalingGroups"), asks("DescribeScalingActivities")), (1, 1));
    }
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
        let both = vec!["rule:default/nightly", "rule:orders/placed"];
        let (rules, words) = if denied { (vec![], vec![missing]) } else { (both, vec![]) };
        assert_eq!(
            (told, notices),
            (rules.into_iter().map(str::to_owned).collect(), words.into_iter().map(str::to_owned).collect())
        );
        let asks = stub.asked().iter().filter(|asked| operation(asked) == "ListRuleNamesByTarget").count();
        assert!(if denied { (1..=2).contains(&asks) } else { asks >= 4 }, "{asks}");
    }
}
