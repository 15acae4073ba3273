//! What stands around Batch on AWS, and several contexts as one, against moto: container instances and rules.

use crate::aws::{World, job, world};
use crate::console_aws::house_at;
use batchdeck::backend::Backend;
use batchdeck::model::{CreateComputeEnvironmentRequest, InstanceState};
use serde_json::json;
use std::fs;

/// An unmanaged environment `hosts` with one host in its cluster.
async fn hosts(world: &World) -> String {
    let role = world.moto.create_role("hosts");
    let request = CreateComputeEnvironmentRequest {
        compute_environment_name: "hosts".into(),
        kind: "UNMANAGED".into(),
        service_role: Some(role),
        ..Default::default()
    };
    world.backend.create_compute_environment(request).await.expect("creates");
    let all = world.backend.compute_environments().await.expect("lists");
    let found = all.into_iter().find(|one| one.compute_environment_name == "hosts").expect("is there");
    let host = world.moto.run_instance("m5.xlarge");
    let body = json!({
        "cluster": found.ecs_cluster_arn.expect("a cluster"),
        "instanceIdentityDocument": json!({"instanceId": host}).to_string(),
    });
    world.moto.json("ecs", "AmazonEC2ContainerServiceV20141113.RegisterContainerInstance", &body);
    host
}

/// A rule `nightly` that submits `echo` to `main`.
async fn nightly(world: &World) {
    let queue = world.backend.job_queues().await.expect("lists").remove(0).job_queue_arn;
    let rule = json!({"Name": "nightly", "ScheduleExpression": "cron(0 2 * * ? *)", "State": "ENABLED"});
    world.moto.json("events", "AWSEvents.PutRule", &rule);
    let batch = json!({"JobDefinition": "echo:1", "JobName": "by-rule"});
    let target = json!({"Id": "job", "Arn": queue, "RoleArn": "arn:aws:iam::1:role/r", "BatchParameters": batch});
    world.moto.json("events", "AWSEvents.PutTargets", &json!({"Rule": "nightly", "Targets": [target]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_and_rules_are_seen_by_verbs_and_in_the_console_and_a_rule_is_only_read() {
    let Some(world) = world().await else { return };
    let host = hosts(&world).await;
    nightly(&world).await;
    let all = world.backend.compute_environments().await.expect("lists");
    let capacity = all.into_iter().find_map(|one| one.capacity).expect("is known");
    assert_eq!((capacity.vcpus, capacity.memory_mib, capacity.instances.len()), (4.0, 7482, 1));
    let one = &capacity.instances[0];
    assert_eq!(
        (&one.instance_id.0, one.state, one.instance_type.as_str()),
        (&host, InstanceState::Active, "m5.xlarge")
    );

    let house = house_at(&world.moto.endpoint());
    let told = house.ok(&["--context", "aws", "schedule", "list"]);
    assert!(told.contains("rule:default/nightly") && told.contains("RULE"), "{told}");
    let refused = house.run(&["--context", "aws", "schedule", "pause", "rule:default/nightly"]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("rules are only read here"), "{words}");
    let told = house.ok(&["--context", "aws", "envs", "scaling", "hosts"]);
    assert!(told.contains(&host) && told.contains("registered with ECS"), "{told}");

    let mut console = house.open(&["--context", "aws", "--write"], 120, 34);
    console.wait_for("aws ok · polled");
    console.enter(":environment hosts");
    console.wait_for(&host);
    console.wait_for("m5.xlarge");
    console.type_text("qS");
    console.wait_for("only read here");
    console.wait_for("nightly");
    console.type_text("e");
    console.wait_for("is a rule of EventBridge, which is only read here");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_are_watched_as_one_list_and_an_action_goes_to_its_own() {
    let (Some(prod), Some(lab)) = (world().await, world().await) else { return };
    let house = house_at("http://127.0.0.1:1");
    let context = |name: &str, endpoint: String| {
        format!("[contexts.{name}]\nbackend = 'aws'\nregion = 'eu-west-1'\nendpoint = '{endpoint}'\n")
    };
    let config = context("prod", prod.moto.endpoint()) + &context("lab", lab.moto.endpoint());
    fs::write(house.path().join("config.toml"), config).expect("written");
    let there = prod.submit(job("of-prod")).await;
    let here = lab.submit_waiting("of-lab").await;

    let all = ["--context", "prod,lab"];
    let list = house.json(&[&all[..], &["jobs", "--all"][..1]].concat());
    let queues: Vec<_> = list.as_array().expect("rows").iter().map(|row| row["extra"]["jobQueue"].clone()).collect();
    assert!(queues.contains(&json!("main@lab")), "{list:#}");
    house.ok(&[&all[..], &["cancel", here.as_str(), "--reason", "not now"]].concat());
    let of_prod = prod.describe(&there).await.status_reason.unwrap_or_default();
    assert!(!of_prod.contains("not now"), "{of_prod}");
    assert_eq!(lab.describe(&here).await.status_reason.as_deref(), Some("not now"));

    let console = house.open(&["--context", "prod,lab"], 120, 34);
    console.wait_for("main@prod");
    console.wait_for("main@lab");
}
