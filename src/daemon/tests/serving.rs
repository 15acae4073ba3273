//! The API as a client sees it.

use super::host::Host;
use crate::model::{Change, EngineStatus, LogEvent, What};
use hyper::StatusCode;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// The request's line, headers and body; the status, the code and words of the message.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, u16, &'a str, &'a str);

#[tokio::test]
async fn what_cannot_be_served_is_refused_in_the_services_own_shape() {
    let host = Host::running().await;
    let large = format!(r#"{{"jobName":"{}"}}"#, "x".repeat(1 << 20));
    let logs = [("x-amz-target", "Logs_20140328.GetLogEvents")];
    let other = [("x-amz-target", "Logs_20140328.StartQuery")];
    let cases: Vec<Case<'_>> = vec![
        ("GET /nowhere", &[], "", 404, "UnknownOperationException", "GET /nowhere is no operation"),
        ("GET /v1/submitjob", &[], "", 404, "UnknownOperationException", "GET /v1/submitjob is no operation"),
        ("POST /v1/submitjob", &[], "{", 400, "SerializationException", "is not JSON"),
        (
            "POST /v1/submitjob",
            &[],
            r#"{"jobName":"a","jobQueue":"q","jobDefinition":"d","tags":{"a":7}}"#,
            400,
            "SerializationException",
            "tags.a does not fit the operation: invalid type: integer `7`, expected a string",
        ),
        ("POST /v1/submitjob", &[], &large, 413, "ClientException", "larger than 1048576 bytes"),
        ("POST /v1/submitjob", &[], "", 400, "ClientException", "jobName is missing"),
        ("POST /v1/listjobs", &[], "{}", 400, "ClientException", "one of jobQueue, arrayJobId and multiNodeJobId"),
        (
            "POST /v1/listjobs",
            &[],
            r#"{"jobQueue":"q","jobStatus":"NOPE"}"#,
            400,
            "ClientException",
            "`NOPE` is not a job state",
        ),
        ("GET /schedules/nightly", &[], "", 404, "ResourceNotFoundException", "nightly does not exist"),
        ("DELETE /schedules/nightly", &[], "", 404, "ResourceNotFoundException", ""),
        ("POST /schedules/nightly", &[], "{}", 400, "ValidationException", "ScheduleExpression"),
        ("PATCH /schedules/nightly", &[], "{}", 404, "UnknownOperationException", "PATCH"),
        ("GET /schedules?MaxResults=many", &[], "", 400, "ValidationException", "MaxResults"),
        ("GET /batchdeck/v1/watch?cursor=x", &[], "", 400, "ClientException", "cursor"),
        ("GET /batchdeck/v1/logs/follow?stream=../x", &[], "", 400, "InvalidParameterException", "logStreamName"),
        ("POST /", &logs, r#"{"logStreamName":"a/default/b"}"#, 400, "ResourceNotFoundException", "does not exist"),
        ("POST /", &logs, r#"{"logStreamName":"a:b"}"#, 400, "InvalidParameterException", "logStreamName"),
        ("POST /", &other, "{}", 400, "UnknownOperationException", "StartQuery"),
    ];
    for (line, headers, body, status, code, words) in cases {
        let answer = host.ask(line, headers, body.to_owned()).await;
        assert_eq!(answer.status.as_u16(), status, "{line}: {}", answer.body);
        assert_eq!(answer.header("x-amzn-errortype"), code, "{line}: {}", answer.body);
        let message = answer.body["message"].as_str().or(answer.body["Message"].as_str()).unwrap_or_default();
        assert!(message.contains(words) && !message.is_empty(), "{line}: {}", answer.body);
        assert!(!answer.header("x-amzn-requestid").is_empty(), "{line}");
        assert_eq!(answer.body.get("Message").is_some(), line.contains("/schedules"), "{line}: {}", answer.body);
    }
}

#[tokio::test]
async fn only_the_owner_may_use_the_sockets() {
    let host = Host::running().await;
    for socket in [host.directory().socket(), host.directory().agents_socket()] {
        assert_eq!(
            fs::metadata(&socket).expect("is there").permissions().mode() & 0o777,
            0o600,
            "{}",
            socket.display()
        );
    }
}

#[tokio::test]
async fn aws_clients_see_awss_shapes_and_consoles_see_more() {
    let host = Host::furnished().await;
    let queues = host.batch("describejobqueues", json!({ "jobQueues": ["main"] })).await;
    let queue = &queues["jobQueues"][0];
    assert_eq!(queue["jobQueueName"], "main");
    assert!(queue.get("jobCounts").is_none(), "{queue}");
    assert!(host.get("/batchdeck/v1/queues").await[0].get("jobCounts").is_some());
    let environments = host.batch("describecomputeenvironments", json!({})).await;
    assert!(environments["computeEnvironments"][0].get("capacity").is_none(), "{environments}");
    assert!(host.get("/batchdeck/v1/environments").await[0].get("capacity").is_some());
    let definitions = host.batch("describejobdefinitions", json!({ "jobDefinitions": ["shell:1"] })).await;
    assert_eq!(definitions["jobDefinitions"][0]["revision"], 1);
    assert_eq!(host.batch("describejobqueues", json!({ "jobQueues": ["none"] })).await["jobQueues"], json!([]));
}

#[tokio::test]
async fn definitions_come_in_pages() {
    let host = Host::furnished().await;
    let container =
        host.batch("describejobdefinitions", json!({})).await["jobDefinitions"][0]["containerProperties"].clone();
    for number in 0..12 {
        let request = json!({
            "jobDefinitionName": format!("d{}", number % 2), "type": "container", "containerProperties": container,
        });
        host.batch("registerjobdefinition", request).await;
    }
    let (mut seen, mut token) = (Vec::new(), None::<String>);
    loop {
        let page = host.batch("describejobdefinitions", json!({ "maxResults": 5, "nextToken": token })).await;
        let rows = page["jobDefinitions"].as_array().expect("rows");
        assert!(rows.len() <= 5);
        seen.extend(
            rows.iter()
                .map(|row| format!("{}:{}", row["jobDefinitionName"].as_str().expect("a name"), row["revision"])),
        );
        token = page["nextToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    let expected =
        (1..=6).map(|n| format!("d0:{n}")).chain((1..=6).map(|n| format!("d1:{n}"))).chain(["shell:1".into()]);
    assert_eq!(seen, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_schedule_is_made_read_listed_changed_and_deleted() {
    let host = Host::furnished().await;
    let body = json!({
        "ScheduleExpression": "cron(30 2 ? * MON-FRI *)", "ScheduleExpressionTimezone": "Europe/Zurich",
        "FlexibleTimeWindow": { "Mode": "OFF" }, "State": "DISABLED", "Description": null,
        "Target": {
            "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob", "RoleArn": "arn:aws:iam::123456789012:role/r",
            "Input": r#"{"JobName":"nightly","JobQueue":"main","JobDefinition":"shell"}"#,
        },
    });
    let made = host.ask("POST /schedules/nightly", &[], body.to_string()).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let arn = made.body["ScheduleArn"].as_str().expect("an ARN").to_owned();
    assert!(arn.ends_with(":schedule/default/nightly"), "{arn}");
    let again = host.ask("POST /schedules/nightly", &[], body.to_string()).await;
    assert_eq!((again.status, again.header("x-amzn-errortype")), (StatusCode::CONFLICT, "ConflictException"));

    let read = host.get("/schedules/nightly?groupName=default").await;
    assert_eq!((&read["Name"], &read["State"]), (&json!("nightly"), &json!("DISABLED")));
    let listed = host.get("/schedules?NamePrefix=night&State=DISABLED").await;
    assert_eq!(listed["Schedules"][0]["Arn"], json!(arn));
    assert!(listed["Schedules"][0].get("ScheduleExpression").is_none(), "a summary: {listed}");
    assert_eq!(host.get("/schedules?State=ENABLED").await["Schedules"], json!([]));

    let mut changed = body;
    changed["ScheduleExpression"] = json!("rate(5 minutes)");
    let updated = host.ask("PUT /schedules/nightly", &[], changed.to_string()).await;
    assert_eq!((updated.status, &updated.body["ScheduleArn"]), (StatusCode::OK, &json!(arn)));
    assert_eq!(host.get("/schedules/nightly").await["ScheduleExpression"], "rate(5 minutes)");
    let run = host.ask("POST /batchdeck/v1/schedules/default/nightly/run", &[], "").await;
    assert_eq!(run.status, StatusCode::OK, "{}", run.body);
    assert_eq!(host.get("/batchdeck/v1/schedules/default/nightly/runs").await[0]["JobId"], run.body["jobId"]);
    assert_eq!(host.ask("DELETE /schedules/nightly?groupName=default", &[], "").await.status, StatusCode::OK);
    assert_eq!(host.get("/batchdeck/v1/schedules").await, json!([]));
}

#[tokio::test]
async fn schedule_groups_are_made_listed_tagged_and_deleted_with_their_schedules() {
    let host = Host::furnished().await;
    let tags = json!({ "Tags": [{ "Key": "team", "Value": "ops" }], "ClientToken": "t-1" });
    let made = host.ask("POST /schedule-groups/ops", &[], tags.to_string()).await;
    let arn = made.body["ScheduleGroupArn"].as_str().expect("an ARN").to_owned();
    let again = host.ask("POST /schedule-groups/ops", &[], tags.to_string()).await;
    assert_eq!((again.status, again.body["ScheduleGroupArn"].as_str()), (StatusCode::OK, Some(arn.as_str())));
    let other = host.ask("POST /schedule-groups/ops", &[], "{}").await;
    assert_eq!((other.status.as_u16(), other.header("x-amzn-errortype")), (409, "ConflictException"));
    let body = json!({
        "GroupName": "ops", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": {
            "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob", "RoleArn": "arn:aws:iam::123456789012:role/r",
            "Input": r#"{"JobName":"nightly","JobQueue":"main","JobDefinition":"shell"}"#,
        },
    });
    for number in 0..3 {
        let made = host.ask(&format!("POST /schedules/s{number}"), &[], body.to_string()).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    }
    let first = host.get("/schedules?ScheduleGroup=ops&MaxResults=2").await;
    let token = first["NextToken"].as_str().expect("there is more").to_owned();
    let second = host.get(&format!("/schedules?ScheduleGroup=ops&MaxResults=2&NextToken={token}")).await;
    assert_eq!((&second["Schedules"][0]["Name"], second.get("NextToken")), (&json!("s2"), None), "{second}");
    let groups = host.get("/schedule-groups?NamePrefix=op").await;
    assert_eq!(
        (&groups["ScheduleGroups"][0]["Arn"], &groups["ScheduleGroups"][0]["State"]),
        (&json!(arn), &json!("ACTIVE"))
    );

    let encoded = arn.replace(':', "%3A").replace('/', "%2F");
    let more = json!({ "Tags": [{ "Key": "on call", "Value": "yes" }] }).to_string();
    assert_eq!(host.ask(&format!("POST /tags/{encoded}"), &[], more).await.status, StatusCode::OK);
    assert_eq!(host.ask(&format!("DELETE /tags/{arn}?TagKeys=team&TagKeys=x"), &[], "").await.status, StatusCode::OK);
    assert_eq!(host.get(&format!("/tags/{encoded}")).await["Tags"], json!([{ "Key": "on call", "Value": "yes" }]));
    assert_eq!(host.ask("DELETE /schedule-groups/ops", &[], "").await.status, StatusCode::OK);
    assert_eq!(host.get("/schedules").await["Schedules"], json!([]));
    assert_eq!(
        host.ask("GET /schedule-groups/ops", &[], "").await.header("x-amzn-errortype"),
        "ResourceNotFoundException"
    );
    assert_eq!(host.get("/batchdeck/v1/dead-letters").await, json!([]));
}

#[tokio::test]
async fn a_watcher_sees_each_change_and_goes_on_where_it_left() {
    let host = Host::running().await;
    let mut first = host.watch(None).await;
    let reset: Change = first.next().await;
    assert_eq!(reset.what, What::Reset);
    host.furnish().await;
    let seen = first.change().await;
    assert!(matches!(&seen.what, What::ComputeEnvironment(row) if row.compute_environment_name == "here"), "{seen:?}");
    drop(first);

    let mut again = host.watch(Some(seen.cursor.0)).await;
    let next = again.change().await;
    assert_eq!(next.cursor.0, seen.cursor.0 + 1, "{next:?}");
    let mut ancient = host.watch(Some(1)).await;
    assert_eq!(ancient.next::<Change>().await.what, What::Reset);
}

#[tokio::test]
async fn a_cursor_of_an_earlier_run_is_reset() {
    let mut host = Host::furnished().await;
    let mut watcher = host.watch(None).await;
    let cursor = watcher.next::<Change>().await.cursor.0;
    host.stop().await;
    host.start().await;
    let change = host.watch(Some(cursor)).await.next::<Change>().await;
    assert_eq!(change.what, What::Reset);
    assert!(change.cursor.0 > cursor, "{} after {cursor}", change.cursor.0);
}

#[tokio::test]
async fn an_action_is_recorded_with_who_and_why() {
    let host = Host::furnished().await;
    let headers = [("x-batchdeck-by", "ann%40h%C3%B6st"), ("x-batchdeck-reason", "night%20shift")];
    let body = json!({ "jobQueue": "main", "priority": 50 }).to_string();
    let answer = host.ask("POST /v1/updatejobqueue", &headers, body).await;
    assert_eq!(answer.body["jobQueueName"], "main");
    let audit = host.get("/batchdeck/v1/audit?limit=1").await;
    let entry = &audit[0];
    assert_eq!((&entry["who"], &entry["action"]), (&json!("ann@höst"), &json!("UpdateJobQueue")), "{audit}");
    assert_eq!((&entry["target"], &entry["reason"]), (&json!("main"), &json!("night shift")), "{audit}");
}

#[tokio::test]
async fn a_log_is_followed_before_it_begins_and_its_lines_come_as_they_are_written() {
    let host = Host::running().await;
    let mut lines = host.lines("/batchdeck/v1/logs/follow?stream=d/default/t").await;
    let stream = host.directory().logs().join("d/default");
    fs::create_dir_all(&stream).expect("made");
    fs::write(stream.join("t.log"), "5 hello\n").expect("written");
    let events: Vec<LogEvent> = lines.next().await;
    assert_eq!(events, [LogEvent { timestamp: 5, message: "hello".into(), ingestion_time: 5 }]);
}

#[tokio::test]
async fn the_lines_between_two_places_of_a_log_are_counted() {
    let host = Host::running().await;
    let stream = host.directory().logs().join("d/default");
    fs::create_dir_all(&stream).expect("made");
    fs::write(stream.join("t.log"), "5 one\n".repeat(50_000)).expect("written");
    for (from, to, lines) in [("f/0", "f/300000", 50_000), ("f/6", "b/18", 2), ("f/18", "f/6", 0)] {
        let told = host.get(&format!("/batchdeck/v1/logs/count?stream=d/default/t&from={from}&to={to}")).await;
        assert_eq!(told["lines"], lines, "{from} {to}");
    }
}

#[tokio::test]
async fn when_the_lines_of_a_log_were_written_is_told_in_as_many_spans_as_one_asks_for() {
    let host = Host::running().await;
    let stream = host.directory().logs().join("d/default");
    fs::create_dir_all(&stream).expect("made");
    fs::write(stream.join("t.log"), "1000 one\n1001 ERROR two\n1999 one\n").expect("written");
    let ask = async |more: &str| host.get(&format!("/batchdeck/v1/logs/over-time?stream=d/default/t{more}")).await;
    let told = ask("&spans=2").await;
    assert_eq!((&told["first"], &told["last"], &told["isEstimate"]), (&1000.into(), &1999.into(), &false.into()));
    let spans = serde_json::json!([{ "lines": 2, "errors": 1 }, { "lines": 1, "errors": 0 }]);
    assert_eq!(told["spans"], spans);
    assert_eq!(ask("&spans=1&keep=one&since=1001").await["spans"][0]["lines"], 1);
    for wrong in ["&spans=0", "&spans=9999", "&spans=1&keep=/(/"] {
        let status =
            host.ask(&format!("GET /batchdeck/v1/logs/over-time?stream=d/default/t{wrong}"), &[], "").await.status;
        assert_eq!(status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_client_stops_the_engine_and_streams_end_with_it() {
    let mut host = Host::running().await;
    let status: EngineStatus = serde_json::from_value(host.get("/batchdeck/v1/status").await).expect("a status");
    assert_eq!(status.pid, std::process::id());
    let mut changes = host.watch(None).await;
    let mut log = host.lines("/batchdeck/v1/logs/follow?stream=a/default/b").await;
    changes.next::<Change>().await;
    host.ask("POST /batchdeck/v1/stop", &[], "").await;
    host.ended().await.expect("in good order");
    while changes.maybe::<Change>().await.is_some() {}
    assert!(log.maybe::<Vec<LogEvent>>().await.is_none());
    assert!(!host.directory().socket().exists());
    assert_eq!(crate::daemon::is_running(host.path()), None);
}
