//! What no mock of AWS has, as the whole program shows it: the nodes of a multi-node job, and service jobs.

use crate::aws::played::{Answer, Asked, Played};
use crate::console_aws::house_at;
use crate::support::House;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const WHOLE: &str = "00000000-0000-4000-8000-00000000000a";
const TRAINING: &str = "00000000-0000-4000-8000-00000000000b";
const CREATED: u64 = 1_700_000_000_000;

fn row(id: &str, name: &str, status: &str, nodes: &Value) -> Value {
    json!({"jobId": id, "jobName": name, "status": status, "createdAt": CREATED, "startedAt": CREATED,
        "jobArn": format!("arn:aws:batch:eu-west-1:1:job/{id}"), "nodeProperties": nodes})
}

fn node(index: u64) -> Value {
    let status = if index == 2 { "STARTING" } else { "RUNNING" };
    let nodes = json!({"nodeIndex": index, "isMainNode": index == 1, "numNodes": 3});
    row(&format!("{WHOLE}#{index}"), "solver", status, &nodes)
}

/// `solver` of three nodes in `main`, and `fit` in the queue of trainings.
fn play(asked: &Asked, is_ended: bool) -> Answer {
    let training = json!({
        "jobId": TRAINING, "jobName": "fit", "jobArn": format!("arn:aws:batch:eu-west-1:1:service-job/{TRAINING}"),
        "serviceJobType": "SAGEMAKER_TRAINING", "createdAt": CREATED, "isTerminated": is_ended,
        "status": if is_ended { "FAILED" } else { "RUNNABLE" }, "jobQueue": "arn:aws:batch:eu-west-1:1:job-queue/train",
        "serviceRequestPayload": "{\"TrainingJobName\":\"fit\"}", "schedulingPriority": 7, "attempts": [],
        "capacityUsage": [{"capacityUnit": "ml.p4d.24xlarge", "quantity": 4.0}],
    });
    let status = asked.body["jobStatus"].as_str();
    let body = match asked.line.as_str() {
        "POST /v1/describejobqueues" => json!({"jobQueues": [
            {"jobQueueName": "main", "jobQueueArn": "arn:aws:batch:eu-west-1:1:job-queue/main", "priority": 2,
                "state": "ENABLED", "status": "VALID", "jobQueueType": "ECS"},
            {"jobQueueName": "train", "jobQueueArn": "arn:aws:batch:eu-west-1:1:job-queue/train", "priority": 1,
                "state": "ENABLED", "status": "VALID", "jobQueueType": "SAGEMAKER_TRAINING"},
        ]}),
        "POST /v1/describecomputeenvironments" => json!({"computeEnvironments": []}),
        "POST /v1/describejobdefinitions" => json!({"jobDefinitions": []}),
        "POST /v1/listjobs" if asked.body["multiNodeJobId"] == WHOLE => {
            let all = (0..3).map(node).filter(|node| status.is_none_or(|status| node["status"] == status));
            json!({"jobSummaryList": all.collect::<Vec<_>>()})
        }
        "POST /v1/listjobs" if asked.body["jobQueue"] == "main" && status.is_none_or(|status| status == "RUNNING") => {
            json!({"jobSummaryList": [row(WHOLE, "solver", "RUNNING", &json!({"numNodes": 3}))]})
        }
        "POST /v1/listjobs" => json!({"jobSummaryList": []}),
        "POST /v1/listservicejobs" => {
            let is_asked = status.is_none_or(|status| training["status"] == status);
            json!({"jobSummaryList": if is_asked { vec![training] } else { Vec::new() }})
        }
        "POST /v1/describeservicejob" if asked.body["jobId"] == TRAINING => training,
        "POST /v1/describejobs" => json!({"jobs": []}),
        "POST /v1/terminateservicejob" | "POST /v1/updateservicejob" => json!({}),
        _ => json!({"Schedules": []}),
    };
    Answer::Json(body)
}

fn service() -> Played {
    let ended = Arc::new(AtomicBool::new(false));
    Played::new(move |asked| {
        if asked.line == "POST /v1/terminateservicejob" {
            ended.store(true, Ordering::SeqCst);
        }
        play(asked, ended.load(Ordering::SeqCst))
    })
}

fn on_aws(house: &House, arguments: &[&str]) -> Value {
    house.json(&[&["--context", "aws"], arguments].concat())
}

#[test]
fn the_nodes_of_a_job_are_listed_as_its_parts() {
    let service = service();
    let house = house_at(&service.endpoint());
    let nodes = on_aws(&house, &["jobs", "--nodes", WHOLE]);
    let mut told: Vec<_> = nodes.as_array().expect("rows").iter().map(|node| node["nodeProperties"].clone()).collect();
    told.sort_by_key(|node| node["nodeIndex"].as_u64());
    assert_eq!(told, (0..3).map(|index| node(index)["nodeProperties"].clone()).collect::<Vec<_>>());

    let mut console = house.open(&["--context", "aws"], 120, 34);
    console.wait_for("aws ok");
    console.wait_for("solver");
    console.enter(&format!(":job {WHOLE}"));
    console.wait_for("nodes of solver");
    console.wait("all three of them, where they are", |screen| {
        screen.contains("3 nodes") && screen.contains("● 3 running") && screen.contains("Nodes · ")
    });
    let asked = service.asked();
    assert!(asked.iter().any(|asked| asked.body["multiNodeJobId"] == WHOLE));
}

#[test]
fn a_service_job_stands_among_the_jobs_of_its_queue_and_is_moved_and_ended_there() {
    let service = service();
    let house = house_at(&service.endpoint());
    let rows = on_aws(&house, &["jobs", "--queue", "train"]);
    assert_eq!((&rows[0]["jobName"], &rows[0]["status"]), (&"fit".into(), &"RUNNABLE".into()));
    let job = on_aws(&house, &["job", TRAINING]);
    assert_eq!(job["service"]["asks"][0]["capacityUnit"], "ml.p4d.24xlarge");
    let told = house.ok(&["--context", "aws", "job", TRAINING]);
    assert!(told.contains("4 ml.p4d.24xlarge") && told.contains("SAGEMAKER_TRAINING"), "{told}");
    assert_eq!(
        house.ok(&["--context", "aws", "reprioritise", TRAINING, "50"]),
        format!("job {TRAINING}: priority 50\n")
    );

    let mut console = house.open(&["--context", "aws", "--write"], 120, 34);
    console.wait_for("aws ok");
    console.enter(&format!(":job {TRAINING}"));
    console.wait_for("4 ml.p4d.24xlarge");
    console.wait_for("SAGEMAKER_TRAINING");
    console.type_text("q");
    console.wait_gone("4 ml.p4d.24xlarge");
    drop(console);

    let ended = on_aws(&house, &["cancel", TRAINING, "--reason", "not now"]);
    assert_eq!(ended[0]["asked"], true, "{ended:#}");
    assert_eq!(on_aws(&house, &["job", TRAINING])["status"], "FAILED");
    let asked = service.asked();
    let body = |line: &str| asked.iter().find(|asked| asked.line == line).map(|asked| asked.body.clone());
    let moved = json!({"jobId": TRAINING, "schedulingPriority": 50});
    assert_eq!(body("POST /v1/updateservicejob"), Some(moved));
    assert_eq!(body("POST /v1/terminateservicejob"), Some(json!({"jobId": TRAINING, "reason": "not now"})));
    assert!(body("POST /v1/canceljob").is_none());
}

#[test]
fn what_happened_is_told_by_the_times_of_jobs_in_the_console_and_to_a_script() {
    let service = service();
    let house = house_at(&service.endpoint());
    let told = house.ok(&["--context", "aws", "events"]);
    let line =
        |status: &str| told.lines().find(|line| line.contains(status) && line.contains(WHOLE)).map(str::to_owned);
    assert!(line("RUNNING").is_some_and(|line| line.starts_with("2023-11-14T22:13:20Z")), "{told}");
    assert!(line("SUBMITTED").is_some(), "{told}");

    let mut console = house.open(&["--context", "aws"], 120, 34);
    console.wait_for("aws ok");
    console.enter(":events");
    console.wait("what is known of both jobs, and that there was more", |screen| {
        screen.contains("Events · 3+") && screen.contains("fit") && screen.contains("RUNNING")
    });
    // What is done elsewhere is seen to happen.
    house.ok(&["--context", "aws", "cancel", TRAINING, "--reason", "not now"]);
    console.wait_for("FAILED");
}
