//! What no mock of the service does: throttling, denied calls, pages, a service that is not there. The calls go through
//! the real SDK to a server that plays answers.

mod around;
mod calls;
mod changes;
mod lists;
mod logs;
mod watch;
mod wholes;

use super::*;
use crate::backend::stub::{Answer, Asked, Stub};
use serde_json::{Value, json};

/// A backend whose every service is at `address`.
async fn backend_at(address: std::net::SocketAddr) -> AwsBackend {
    AwsBackend::connect(settings_at(address)).await.expect("has all it needs")
}

pub fn settings_at(address: std::net::SocketAddr) -> AwsSettings {
    AwsSettings {
        region: Some("eu-west-1".into()),
        endpoint: Some(format!("http://{address}")),
        keys: Some(Keys { access_key_id: "AKIATEST".into(), secret_access_key: "s".into(), session_token: None }),
        calls_per_second: 1000.0,
        by: "ann@host".into(),
        ..AwsSettings::default()
    }
}

pub async fn world(play: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (AwsBackend, Stub) {
    let (stub, address) = Stub::on_loopback(play);
    (backend_at(address).await, stub)
}

fn job(id: &str, status: &str, created_at: i64) -> Value {
    json!({"jobId": id, "jobName": format!("name-{id}"), "status": status, "createdAt": created_at})
}

/// Two queues; `big` has more than a filtered page of jobs, and an array whose child runs.
fn two_queues(asked: &Asked) -> Answer {
    let queue = asked.body["jobQueue"].as_str().unwrap_or_default();
    match asked.line.as_str() {
        "POST /v1/describejobqueues" if asked.body["nextToken"].is_null() => {
            Answer::json(&json!({"jobQueues": [{"jobQueueName": "small", "priority": 1}], "nextToken": "n"}))
        }
        "POST /v1/describejobqueues" => {
            Answer::json(&json!({"jobQueues": [{"jobQueueName": "big", "priority": 9, "state": "DISABLED"}]}))
        }
        "POST /v1/describecomputeenvironments" => Answer::json(&json!({"computeEnvironments": []})),
        "GET /schedules?MaxResults=100" => Answer::json(&json!({"Schedules": []})),
        "POST /v1/describejobs" => {
            let ids = asked.body["jobs"].as_array().expect("ids");
            assert!(!ids.is_empty() && ids.len() <= 100);
            let jobs = ids.iter().map(|id| {
                let status = if id == "s1" { "RUNNING" } else { "SUCCEEDED" };
                json!({"jobId": id, "jobQueue": "arn:aws:batch:eu-west-1:1:job-queue/described", "status": status,
                    "createdAt": 1, "container": {"resourceRequirements": [{"type": "VCPU", "value": "0.5"},
                    {"type": "MEMORY", "value": "64"}], "logStreamName": "d/default/t"}})
            });
            Answer::json(&json!({"jobs": jobs.collect::<Vec<_>>()}))
        }
        "POST /v1/listjobs" => {
            let rows = match (queue, asked.body["jobStatus"].as_str()) {
                ("small", None | Some("RUNNING")) => json!([job("s1", "RUNNING", 40)]),
                ("big", None) => json!([job("b9", "SUCCEEDED", 50)]),
                ("big", Some("SUCCEEDED")) => json!([job("b9", "SUCCEEDED", 50), job("b1", "SUCCEEDED", 10)]),
                ("big", Some("PENDING")) => {
                    let mut parent = job("arr", "PENDING", 30);
                    parent["arrayProperties"] = json!({"size": 3, "statusSummary": {"RUNNING": 1, "RUNNABLE": 2}});
                    json!([parent, job("wait", "PENDING", 20)])
                }
                _ => json!([]),
            };
            let is_first_of_many = queue == "big"
                && asked.body["nextToken"].is_null()
                && (asked.body["jobStatus"].is_null() || asked.body["jobStatus"] == "SUCCEEDED");
            let next = is_first_of_many.then_some("more");
            Answer::json(&json!({"jobSummaryList": rows, "nextToken": next}))
        }
        // EventBridge, which knows of no rule.
        "POST /" => Answer::json(&json!({"RuleNames": []})),
        other => panic!("{other}"),
    }
}
