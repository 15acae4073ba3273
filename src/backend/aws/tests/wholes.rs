//! What a request says reaches the service whole, and what the service tells is read whole: over the real SDK, against a
//! server that plays answers.

use super::*;
use crate::backend::stub::Answer;
use serde_json::{Value, json};

/// Without empty lists and objects, which the SDK leaves out.
fn full(value: &Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    match value {
        Value::Array(list) => list.iter().map(full).collect(),
        Value::Object(members) => {
            let kept = members.iter().map(|(name, value)| (name.clone(), full(value)));
            kept.filter(|(_, value)| !is_empty(value)).collect()
        }
        other => other.clone(),
    }
}

fn container(name: &str, more: &Value) -> Value {
    let mut container = json!({
        "name": name, "image": "busybox", "command": ["true"], "essential": true,
        "environment": [{ "name": "A", "value": "b" }],
        "dependsOn": [{ "containerName": "other", "condition": "SUCCESS" }],
        "resourceRequirements": [{ "type": "VCPU", "value": "1" }, { "type": "MEMORY", "value": "64" }],
        "linuxParameters": { "initProcessEnabled": true },
        "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/own" } },
        "mountPoints": [{ "containerPath": "/data", "sourceVolume": "here" }],
        "privileged": false, "readonlyRootFilesystem": true, "user": "1000", "startTimeout": 10, "stopTimeout": 20,
        "repositoryCredentials": { "credentialsParameter": "arn:c" },
        "secrets": [{ "name": "KEY", "valueFrom": "arn:s" }],
        "ulimits": [{ "name": "nofile", "softLimit": 10, "hardLimit": 20 }],
        "firelensConfiguration": { "type": "fluentd", "options": { "a": "b" } },
    });
    if let (Some(all), Some(more)) = (container.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    container
}

fn task(containers: &[Value]) -> Value {
    json!({ "taskProperties": [{
        "containers": containers, "ephemeralStorage": { "sizeInGiB": 30 }, "executionRoleArn": "arn:e",
        "platformVersion": "LATEST", "ipcMode": "task", "taskRoleArn": "arn:t", "pidMode": "host",
        "networkMode": "awsvpc", "networkConfiguration": { "assignPublicIp": "ENABLED" },
        "runtimePlatform": { "cpuArchitecture": "ARM64" }, "volumes": [{ "name": "here" }],
        "enableExecuteCommand": true,
    }] })
}

fn nodes() -> Value {
    json!({ "numNodes": 4, "mainNode": 1, "nodeRangeProperties": [
        {
            "targetNodes": "0:1", "instanceTypes": ["c5.large"],
            "container": { "image": "busybox", "command": ["true"], "instanceType": "c5.large" },
            "consumableResourceProperties": {
                "consumableResourceList": [{ "consumableResource": "licence", "quantity": 2 }],
            },
        },
        { "targetNodes": "2:", "ecsProperties": task(&[container("main", &json!({}))]) },
    ] })
}

fn common() -> Value {
    json!({
        "jobDefinitionName": "d", "type": "container", "parameters": { "a": "b" }, "schedulingPriority": 3,
        "retryStrategy": { "attempts": 3, "evaluateOnExit": [
            { "onStatusReason": "Host EC2*", "action": "RETRY" },
            { "onReason": "*", "onExitCode": "1*", "action": "EXIT" },
        ] },
        "timeout": { "attemptDurationSeconds": 60 }, "tags": { "team": "night" }, "propagateTags": true,
        "platformCapabilities": ["EC2"],
        "consumableResourceProperties": {
            "consumableResourceList": [{ "consumableResource": "licence", "quantity": 1 }],
        },
    })
}

fn with(mut base: Value, more: &Value) -> Value {
    if let (Some(all), Some(more)) = (base.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    base
}

#[tokio::test]
async fn definitions_of_every_kind_are_registered_and_described_whole() {
    let kinds = [
        with(common(), &json!({ "ecsProperties": task(&[container("main", &json!({})), container("b", &json!({}))]) })),
        with(common(), &json!({ "type": "multinode", "nodeProperties": nodes() })),
        with(common(), &json!({ "containerProperties": { "image": "busybox", "command": ["true"] } })),
    ];
    for kind in kinds {
        let told = kind.clone();
        let (backend, stub) = world(move |asked| match asked.line.as_str() {
            "POST /v1/registerjobdefinition" => Answer::json(&json!({
                "jobDefinitionName": "d", "jobDefinitionArn": "arn:d", "revision": 7
            })),
            _ => Answer::json(&json!({ "jobDefinitions": [told] })),
        })
        .await;
        let request: RegisterJobDefinitionRequest = serde_json::from_value(kind.clone()).expect("a definition");
        let registered = backend.register_job_definition(request).await.expect("is sent");
        assert_eq!(registered.revision, 7);
        assert_eq!(full(&stub.asked()[0].body), kind);
        let described = backend.job_definitions(false).await.expect("lists").remove(0);
        let written = full(&serde_json::to_value(&described).expect("written"));
        for (name, value) in kind.as_object().expect("members") {
            assert_eq!(&written[name], value, "{name}");
        }
    }
}

#[tokio::test]
async fn a_submission_is_sent_with_everything_that_it_overrides() {
    let single = json!({
        "command": ["a"], "environment": [{ "name": "A", "value": "b" }], "instanceType": "c5.large",
        "resourceRequirements": [{ "type": "MEMORY", "value": "128" }],
    });
    let several = json!({ "taskProperties": [{ "containers": [{
        "name": "main", "command": ["a"], "environment": [{ "name": "A", "value": "b" }],
        "resourceRequirements": [{ "type": "MEMORY", "value": "128" }],
    }] }] });
    let wanted = json!({
        "jobName": "j", "jobQueue": "q", "jobDefinition": "d:1", "shareIdentifier": "s",
        "schedulingPriorityOverride": 7, "arrayProperties": { "size": 3 },
        "dependsOn": [{ "jobId": "x", "type": "N_TO_N" }], "parameters": { "a": "b" },
        "containerOverrides": single, "ecsPropertiesOverride": several,
        "nodeOverrides": { "numNodes": 3, "nodePropertyOverrides": [
            {
                "targetNodes": "0:", "containerOverrides": single, "instanceTypes": ["c5.large"],
                "consumableResourcePropertiesOverride": {
                    "consumableResourceList": [{ "consumableResource": "licence", "quantity": 2 }],
                },
            },
            { "targetNodes": "2:", "ecsPropertiesOverride": several },
        ] },
        "retryStrategy": { "attempts": 2, "evaluateOnExit": [{ "onExitCode": "1", "action": "EXIT" }] },
        "timeout": { "attemptDurationSeconds": 60 }, "tags": { "team": "night" }, "propagateTags": true,
        "consumableResourcePropertiesOverride": {
            "consumableResourceList": [{ "consumableResource": "licence", "quantity": 2 }],
        },
    });
    let (backend, stub) = world(|_| Answer::json(&json!({ "jobArn": "arn:j", "jobName": "j", "jobId": "id" }))).await;
    let request: SubmitJobRequest = serde_json::from_value(wanted.clone()).expect("a submission");
    assert_eq!(full(&serde_json::to_value(&request).expect("written")), wanted, "the model knows all of it");
    backend.submit_job(request).await.expect("is sent");
    assert_eq!(full(&stub.asked()[0].body), wanted);
}

#[tokio::test]
async fn what_would_be_left_out_is_refused_by_its_name_and_nothing_is_sent() {
    let (backend, stub) = world(|_| Answer::json(&json!({}))).await;
    let refused = |error: BackendError, member: &str| {
        let BackendError::NotSent { member: named, instead } = &error else { panic!("{error:?}") };
        assert_eq!(named, member);
        assert!(instead.contains("--cli-input-json"), "{instead}");
    };
    for (request, member) in [
        (json!({ "eksPropertiesOverride": {} }), "eksPropertiesOverride"),
        (
            json!({ "nodeOverrides": { "nodePropertyOverrides": [
                { "targetNodes": "0:", "eksPropertiesOverride": {} },
            ] } }),
            "nodePropertyOverrides of `0:`.eksPropertiesOverride",
        ),
    ] {
        let request = serde_json::from_value(request).expect("a submission");
        refused(backend.submit_job(request).await.expect_err("is refused"), member);
    }
    let node = |members: Value| json!({ "numNodes": 1, "nodeRangeProperties": [with(json!({ "targetNodes": "0:" }), &members)] });
    for (request, member) in [
        (json!({ "eksProperties": {} }), "eksProperties"),
        (json!({ "containerProperties": { "novelty": 1 } }), "containerProperties.novelty"),
        (
            json!({ "ecsProperties": task(&[container("main", &json!({ "novelty": 1 }))]) }),
            "ecsProperties: the container `main`.novelty",
        ),
        (
            json!({ "nodeProperties": node(json!({ "eksProperties": {} })) }),
            "nodeRangeProperties of `0:`.eksProperties",
        ),
        (
            json!({ "nodeProperties": node(json!({ "container": { "novelty": 1 } })) }),
            "nodeRangeProperties of `0:`.container.novelty",
        ),
    ] {
        let request = serde_json::from_value(request).expect("a definition");
        refused(backend.register_job_definition(request).await.expect_err("is refused"), member);
    }
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn jobs_of_several_containers_and_of_several_nodes_are_described_whole() {
    let exit = json!({ "name": "main", "exitCode": 1, "reason": "r", "logStreamName": "d/main/t1" });
    let live = json!({ "exitCode": 0, "reason": "r2", "logStreamName": "d/main/t2",
        "networkInterfaces": [{ "privateIpv4Address": "10.0.0.1" }] });
    let mut merged = task(&[container("main", &live)]);
    merged["taskProperties"][0]["taskArn"] = json!("arn:task");
    merged["taskProperties"][0]["containerInstanceArn"] = json!("arn:instance");
    let several = json!({
        "jobId": "a", "jobName": "a", "jobQueue": "arn:aws:batch:r:1:job-queue/q", "status": "RUNNING",
        "ecsProperties": merged, "propagateTags": true,
        "attempts": [{ "taskProperties": [{ "taskArn": "arn:t1", "containerInstanceArn": "arn:i", "containers": [exit] }] }],
    });
    let whole = json!({ "jobId": "b", "jobName": "b", "status": "RUNNING", "nodeProperties": nodes() });
    let node = json!({ "jobId": "b#1", "jobName": "b", "status": "RUNNING",
        "nodeDetails": { "nodeIndex": 1, "isMainNode": true } });
    let jobs = vec![several, whole, node];
    let told = jobs.clone();
    let (backend, _stub) = world(move |_| Answer::json(&json!({ "jobs": told }))).await;
    let described = backend.describe_jobs(&["a".into(), "b".into(), "b#1".into()]).await.expect("described");
    for (job, told) in described.iter().zip(&jobs) {
        let written = full(&serde_json::to_value(job).expect("written"));
        for (name, value) in told.as_object().expect("members") {
            assert_eq!(&written[name], value, "{name}");
        }
    }
    let streams: Vec<_> = described[0].logs().into_iter().map(|log| (log.attempt, log.group, log.stream)).collect();
    let log = |number, stream: &str| (number, Some("/own".to_owned()), stream.to_owned());
    assert_eq!(streams, [log(1, "d/main/t1"), log(2, "d/main/t2")]);
    let extra = described[0].extra.as_ref().expect("ours");
    assert_eq!((extra.vcpus, extra.memory_mib, extra.log_group_name.as_deref()), (1.0, 64, Some("/own")));
}
