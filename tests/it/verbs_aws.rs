//! The verbs on AWS as scripts use them: what they print, and the codes they exit with.

use crate::aws::{job, world};
use crate::console_aws::house_at;
use crate::support::House;
use batchdeck::backend::Backend;
use std::process::Output;

fn on_aws<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    ["--context", "aws"].iter().chain(arguments).copied().collect()
}

fn run(house: &House, arguments: &[&str]) -> Output {
    house.run(&on_aws(arguments))
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_read_in_the_wire_form() {
    let Some(world) = world().await else { return };
    world.create_log_group().await;
    let done = world.submit(job("done-1")).await;
    let stream = world.describe(&done).await.extra.and_then(|extra| extra.log_stream_name).expect("a stream");
    let house = house_at(&world.moto.endpoint());
    let json = |arguments: &[&str]| house.json(&on_aws(arguments));

    let queue = json(&["queues"])[0].clone();
    assert_eq!((&queue["jobQueueName"], &queue["jobCounts"]["SUCCEEDED"]), (&"main".into(), &1.into()));
    assert_eq!(json(&["envs"])[0]["computeEnvironmentName"], "small");
    assert_eq!(json(&["definitions"])[0]["jobDefinitionName"], "echo");
    assert_eq!(json(&["jobs", "--status", "succeeded"])[0]["jobId"], done.as_str());
    assert_eq!(json(&["jobs", "--status", "running"]), serde_json::json!([]));
    assert_eq!(json(&["job", &done.as_str()[..8]])["jobName"], "done-1");

    // What has no record there is told from what is listed, and what is not known is said.
    let pulse = json(&["pulse"]);
    assert_eq!(
        (&pulse["windows"][2]["succeeded"], &pulse["windows"][2]["failed"]),
        (&1.into(), &0.into()),
        "{pulse:#}"
    );
    assert!(pulse["unknown"].to_string().contains("what was spent"), "{pulse:#}");
    assert_eq!(json(&["failures"])["count"], 0);
    let tree = json(&["tree", done.as_str()]);
    assert_eq!((&tree["own"]["name"], &tree["rootBlocker"]), (&"done-1".into(), &serde_json::Value::Null));

    // A stream that is not there yet is no failure, and not silence.
    let silent = run(&house, &["logs", done.as_str()]);
    assert!(silent.status.success() && silent.stdout.is_empty());
    assert!(told(&silent).contains(&format!("there is no log stream {stream}")), "{}", told(&silent));
    world.create_log(&stream).await;
    world.write_log(&stream, "one").await;
    assert_eq!(house.ok(&on_aws(&["logs", done.as_str()])), "one\n");
    assert_eq!(house.ok(&on_aws(&["logs", "-f", done.as_str()])), "one\n");
    assert_eq!(json(&["logs", done.as_str()])[0]["message"], "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_submitted_and_ended_and_queues_moved_and_all_of_it_is_on_record() {
    let Some(world) = world().await else { return };
    let house = house_at(&world.moto.endpoint());
    let json = |arguments: &[&str]| house.json(&on_aws(arguments));

    let submitted = json(&["submit", "--queue", "main", "--definition", "echo", "--name", "by-hand"]);
    let id = submitted["jobId"].as_str().expect("an id").to_owned();
    assert_eq!(json(&["job", &id])["jobName"], "by-hand");
    let waited = run(&house, &["submit", "--definition", "echo", "--name", "waited", "--wait"]);
    assert!(waited.status.success(), "{}", told(&waited));

    let cancelled = world.submit_waiting("cancelled").await;
    let terminated = world.submit_waiting("terminated").await;
    let ended = json(&["cancel", cancelled.as_str(), "--reason", "not needed"]);
    assert_eq!((&ended[0]["was"], &ended[0]["asked"]), (&"PENDING".into(), &true.into()));
    json(&["terminate", terminated.as_str(), "--reason", "not needed either"]);
    for (id, reason) in [(&cancelled, "not needed"), (&terminated, "not needed either")] {
        let ended = house.until("its end", &on_aws(&["job", id.as_str()]), |job| job["status"] == "FAILED");
        assert_eq!(ended["statusReason"], reason);
    }

    let moved = house.ok(&on_aws(&["reprioritise", "--queue", "main", "70", "--reason", "month end"]));
    assert_eq!(moved, "queue main: priority 10 -> 70\n");
    assert_eq!(json(&["queues"])[0]["priority"], 70);

    let record = json(&["audit"]);
    let actions: Vec<_> = record.as_array().expect("a list").iter().map(|entry| entry["action"].as_str()).collect();
    let expected = ["UpdateJobQueue", "TerminateJob", "CancelJob", "SubmitJob", "SubmitJob"];
    assert_eq!(actions, expected.map(Some));
    assert_eq!(record[0]["reason"], "month end");
    assert!(told(&run(&house, &["audit"])).contains("AWS CloudTrail has what others did"));
}

/// Variables, arguments, the exit code and what is said.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], i32, &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_says_why_and_what_to_do_in_a_line_and_has_its_code() {
    let Some(world) = world().await else { return };
    let waits = world.submit_waiting("waits-1").await;
    let (waits, endpoint) = (waits.as_str(), world.moto.endpoint());
    let nobody = "00000000-0000-4000-8000-000000000001";
    let none: &[(&str, &str)] = &[];
    let cases: &[Case] = &[
        (none, &["job", nobody], 4, "no job has the id"),
        (none, &["logs", nobody], 4, "no job has the id"),
        (none, &["cancel", nobody], 4, "no job has the id"),
        (none, &["logs", waits], 4, "has no log: it is PENDING"),
        (none, &["jobs", "--queue", "mian"], 4, "did you mean `main`?"),
        (none, &["submit", "--definition", "ehco"], 4, "did you mean `echo`?"),
        (none, &["submit", "--definition", "echo", "--name", "not a name"], 2, "1 to 128"),
        (none, &["reprioritise", waits, "5"], 1, "not possible on aws: replace it (`batchdeck replace"),
        (none, &["schedule", "dead-letters"], 1, "read the SQS queue that the schedule names"),
        (none, &["schedule", "create", "tick", "rate(5 minutes)", "--definition", "echo"], 2, "as --role-arn or"),
        (none, &["engine", "status"], 1, "`engine` is for a local engine, and the context `aws` is AWS"),
        (none, &["init"], 1, "`init` is for a local engine"),
        (none, &["demo"], 1, "`demo` is for a local engine"),
        (none, &["--read-only", "terminate", waits], 1, "the context `aws` is read-only"),
        (&[("AWS_ENDPOINT_URL_BATCH", "http://127.0.0.1:1")], &["queues"], 3, "127.0.0.1:1 cannot be reached: Conn"),
        (&[("AWS_ENDPOINT_URL_BATCH", "http://127.0.0.1:1")], &["cancel", waits], 3, "127.0.0.1:1 cannot be reached"),
        (&[("AWS_ENDPOINT_URL_BATCH", "localhost")], &["queues"], 2, "`localhost` is no endpoint"),
        (&[("AWS_DEFAULT_REGION", "")], &["queues"], 2, "no region is set. Set AWS_REGION"),
        (&[("AWS_DEFAULT_REGION", "eu west")], &["queues"], 2, "`eu west` is no name of a region"),
        (&[("AWS_DEFAULT_REGION", "us-east-1")], &["submit", "--definition", "echo"], 4, "there is no queue yet"),
        (&[("AWS_ACCESS_KEY_ID", "")], &["queues"], 1, "AWS credentials: none were found"),
        (&[("AWS_ACCESS_KEY_ID", ""), ("AWS_PROFILE", "ops")], &["queues"], 1, "aws sso login --profile ops"),
    ];
    for (variables, arguments, code, words) in cases {
        let house = house_at(&endpoint);
        let house = variables.iter().fold(house, |house, (name, value)| house.with_variable(name, value));
        let output = run(&house, arguments);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(*code), "{variables:?} {arguments:?}: {told}");
        assert!(told.starts_with("error: ") && told.contains(words), "{variables:?} {arguments:?}: {told}");
        assert!(told.lines().count() <= 2 && told.len() < 400, "{variables:?} {arguments:?}: {told}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_reached_names_the_service_of_logs() {
    let Some(world) = world().await else { return };
    let done = world.submit(job("done-1")).await;
    let house =
        house_at(&world.moto.endpoint()).with_variable("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://127.0.0.1:1");
    let output = run(&house, &["logs", done.as_str()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(told(&output).contains("http://127.0.0.1:1 cannot be reached"), "{}", told(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_an_array_is_that_of_a_child() {
    let Some(world) = world().await else { return };
    let house = house_at(&world.moto.endpoint());
    let id = house.json(&on_aws(&["submit", "--definition", "echo", "--name", "parts", "--array", "2"]))["jobId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let output = run(&house, &["logs", &id]);
    assert_eq!(output.status.code(), Some(4));
    assert!(told(&output).contains(&format!("it is an array; `batchdeck logs {id}:0`")), "{}", told(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_who_one_is_and_what_one_may_and_changes_nothing() {
    let Some(world) = world().await else { return };
    let house = house_at(&world.moto.endpoint());
    let before = house.json(&on_aws(&["queues"]));
    let findings = house.json(&on_aws(&["doctor"]));
    let of = |what: &str| {
        let all = findings.as_array().expect("a list");
        all.iter().find(|finding| finding["what"] == what).unwrap_or_else(|| panic!("no {what} in {findings}")).clone()
    };
    assert!(of("credentials")["told"].as_str().is_some_and(|arn| arn.starts_with("arn:aws:")), "{findings}");
    assert_eq!(of("region")["told"], "eu-west-1");
    for permission in ["batch:DescribeJobQueues", "batch:ListJobs", "batch:DescribeJobs", "scheduler:ListSchedules"] {
        assert_eq!(of(permission)["verdict"], "good", "{findings}");
    }
    assert_eq!(house.json(&on_aws(&["queues"])), before);
    assert!(house.json(&on_aws(&["jobs"])).as_array().is_some_and(Vec::is_empty));

    // Where nobody answers, that is what is told, and not a lack of permission.
    let nowhere = house_at("http://127.0.0.1:1").json(&on_aws(&["doctor"]));
    let listed = nowhere.as_array().expect("a list").iter().find(|finding| finding["what"] == "batch:ListJobs");
    assert_eq!(listed.expect("is there")["verdict"], "unknown");

    let policy = |house: &House| {
        let output = run(house, &["doctor", "--policy", "read"]);
        let policy: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (policy["Statement"][1]["Resource"].clone(), told(&output))
    };
    let group = |name: &str| format!("arn:aws:logs:*:*:log-group:{name}:*");
    assert_eq!(policy(&house).0, serde_json::json!([group("/aws/batch/job")]));
    let apart = serde_json::from_value(serde_json::json!({
        "jobDefinitionName": "apart", "type": "container", "containerProperties": {
            "image": "busybox", "command": ["true"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/team/etl"}},
        },
    }));
    world.backend.register_job_definition(apart.expect("a definition")).await.expect("registers");
    assert_eq!(policy(&house), (serde_json::json!([group("/aws/batch/job"), group("/team/etl")]), String::new()));
    let (groups, said) = policy(&house_at("http://127.0.0.1:1"));
    assert_eq!(groups, serde_json::json!([group("/aws/batch/job")]));
    assert!(said.contains("the job definitions of `aws` could not be read"), "{said}");
}
