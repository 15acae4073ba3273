//! `CloudWatch` Logs as a client sees it.

use super::host::Host;
use http_body_util::BodyExt;
use hyper::StatusCode;
use serde_json::{Value, json};
use std::fs;

impl Host {
    async fn logs(&self, operation: &str, body: Value) -> Value {
        let (status, code, body) = self.try_logs(operation, body).await;
        assert_eq!(status, StatusCode::OK, "{operation}: {code} {body}");
        body
    }

    async fn try_logs(&self, operation: &str, body: Value) -> (StatusCode, String, Value) {
        let target = format!("Logs_20140328.{operation}");
        let answer = self.ask("POST /", &[("x-amz-target", &target)], body.to_string()).await;
        (answer.status, answer.header("x-amzn-errortype").to_owned(), answer.body)
    }

    fn write_log(&self, key: &str, text: &str) {
        let path = self.directory().logs().join(format!("{key}.log"));
        fs::create_dir_all(path.parent().expect("has one")).expect("made");
        fs::write(path, text).expect("written");
    }
}

fn messages(page: &Value) -> Vec<String> {
    let events = page["events"].as_array().expect("events").iter();
    events.map(|event| event["message"].as_str().expect("a message").to_owned()).collect()
}

#[tokio::test]
async fn events_of_many_streams_are_found_by_pattern_in_the_order_of_time_page_by_page() {
    let host = Host::running().await;
    let now = 1_795_000_000_000_i64;
    for stream in 0..5 {
        let line = |at: i64| format!("{} {} {at}\n", now + at, if at % 7 == 0 { "ERROR" } else { "fine" });
        let text: String = (0..200).map(|number| line(number * 5 + stream)).collect();
        host.write_log(&format!("d/default/t{stream}"), &text);
    }
    let expected: Vec<String> = (0..1000).filter(|at| at % 7 == 0).map(|at| format!("ERROR {at}")).collect();
    let whole = host.logs("FilterLogEvents", json!({ "filterPattern": "ERROR" })).await;
    assert_eq!((messages(&whole), whole.get("nextToken")), (expected.clone(), None));
    assert_eq!(whole["searchedLogStreams"], json!([]));
    let (mut seen, mut token, mut ids) = (Vec::new(), None::<String>, std::collections::BTreeSet::new());
    loop {
        let body =
            json!({ "logGroupName": "/aws/batch/job", "filterPattern": "ERROR", "limit": 10, "nextToken": token });
        let page = host.logs("FilterLogEvents", body).await;
        assert!(page["events"].as_array().expect("events").len() <= 10);
        seen.extend(messages(&page));
        ids.extend(page["events"].as_array().expect("events").iter().map(|event| event["eventId"].to_string()));
        token = page["nextToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), ids.len()), (expected.len(), expected.len()));
    assert_eq!(seen, expected);
    let cases = [
        (
            json!({ "startTime": now + 990, "endTime": now + 994 }),
            vec!["fine 990", "fine 991", "fine 992", "fine 993", "ERROR 994"],
        ),
        (
            json!({ "startTime": now + 980, "logStreamNames": ["d/default/t1"] }),
            vec!["fine 981", "fine 986", "fine 991", "fine 996"],
        ),
        (json!({ "startTime": now + 990, "logStreamNamePrefix": "d/default/t4" }), vec!["ERROR 994", "fine 999"]),
        (json!({ "logStreamNamePrefix": "other" }), vec![]),
    ];
    for (body, expected) in cases {
        assert_eq!(messages(&host.logs("FilterLogEvents", body.clone()).await), expected, "{body}");
    }
    let wrong = [
        (json!({ "filterPattern": "{ $.a" }), "InvalidParameterException"),
        (json!({ "limit": 10_001 }), "InvalidParameterException"),
        (json!({ "nextToken": "zz" }), "InvalidParameterException"),
        (json!({ "logStreamNames": ["d"], "logStreamNamePrefix": "d" }), "InvalidParameterException"),
        (json!({ "logStreamNames": ["nobody"] }), "ResourceNotFoundException"),
        (json!({ "logGroupName": "/nobody" }), "ResourceNotFoundException"),
    ];
    for (body, code) in wrong {
        assert_eq!(host.try_logs("FilterLogEvents", body.clone()).await.1, code, "{body}");
    }
}

#[tokio::test]
async fn groups_and_streams_are_made_described_written_kept_for_a_while_and_deleted() {
    let host = Host::running().await;
    let group = json!({ "logGroupName": "/my/group" });
    host.logs("CreateLogGroup", group.clone()).await;
    assert_eq!(host.try_logs("CreateLogGroup", group.clone()).await.1, "ResourceAlreadyExistsException");
    let stream = json!({ "logGroupName": "/my/group", "logStreamName": "a/b" });
    host.logs("CreateLogStream", stream.clone()).await;
    assert_eq!(host.try_logs("CreateLogStream", stream.clone()).await.1, "ResourceAlreadyExistsException");
    let now = chrono::Utc::now().timestamp_millis();
    let events = json!([
        { "timestamp": now - 20 * 86_400_000, "message": "too old" },
        { "timestamp": now - 1, "message": "one" },
    ]);
    let spread = json!({ "logGroupName": "/my/group", "logStreamName": "a/b", "logEvents": events });
    assert_eq!(host.try_logs("PutLogEvents", spread).await.1, "InvalidParameterException", "they span more than a day");
    let events = json!([{ "timestamp": now - 1, "message": "one" }, { "timestamp": now, "message": "two\nlines" }]);
    let put = json!({ "logGroupName": "/my/group", "logStreamName": "a/b", "logEvents": events });
    assert!(host.logs("PutLogEvents", put).await.get("rejectedLogEventsInfo").is_none());
    let read = json!({ "logGroupIdentifier": "arn:aws:logs:us-east-1:123456789012:log-group:/my/group", "logStreamName": "a/b" });
    assert_eq!(messages(&host.logs("GetLogEvents", read).await), ["one", "two\rlines"]);
    assert_eq!(host.try_logs("GetLogEvents", json!({ "logStreamName": "a/b" })).await.1, "ResourceNotFoundException");

    host.logs("PutRetentionPolicy", json!({ "logGroupName": "/my/group", "retentionInDays": 7 })).await;
    let wrong = json!({ "logGroupName": "/my/group", "retentionInDays": 8 });
    assert_eq!(host.try_logs("PutRetentionPolicy", wrong).await.1, "InvalidParameterException");
    let groups = host.logs("DescribeLogGroups", json!({})).await;
    let names: Vec<_> = groups["logGroups"].as_array().expect("rows").iter().map(|row| &row["logGroupName"]).collect();
    assert_eq!(names, ["/aws/batch/job", "/my/group"]);
    assert_eq!(groups["logGroups"][1]["retentionInDays"], 7);

    host.write_log("d/default/t1", "5 first\n9 last\n");
    host.write_log("d/default/t2", "7 x\n");
    host.write_log("e/default/t3", "");
    let first = host.logs("DescribeLogStreams", json!({ "logStreamNamePrefix": "d/", "limit": 1 })).await;
    let row = &first["logStreams"][0];
    assert_eq!(
        (&row["logStreamName"], &row["firstEventTimestamp"], &row["lastEventTimestamp"]),
        (&json!("d/default/t1"), &json!(5), &json!(9))
    );
    let second = host
        .logs("DescribeLogStreams", json!({ "logStreamNamePrefix": "d/", "limit": 1, "nextToken": first["nextToken"] }))
        .await;
    assert_eq!((&second["logStreams"][0]["logStreamName"], second.get("nextToken")), (&json!("d/default/t2"), None));
    let newest = host
        .logs(
            "DescribeLogStreams",
            json!({ "logGroupName": "/aws/batch/job", "orderBy": "LastEventTime", "descending": true }),
        )
        .await;
    assert_eq!(newest["logStreams"].as_array().expect("rows").len(), 3, "{newest}");
    assert!(newest["logStreams"].as_array().expect("rows").iter().all(|row| row["logStreamName"] != "a/b"));
    let both = json!({ "orderBy": "LastEventTime", "logStreamNamePrefix": "d" });
    assert_eq!(host.try_logs("DescribeLogStreams", both).await.1, "InvalidParameterException");

    host.logs("DeleteLogStream", stream.clone()).await;
    assert_eq!(host.try_logs("DeleteLogStream", stream).await.1, "ResourceNotFoundException");
    host.logs("DeleteLogGroup", group.clone()).await;
    assert_eq!(host.try_logs("DescribeLogStreams", group).await.1, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_live_tail_says_each_second_what_is_new_and_what_its_pattern_takes() {
    let host = Host::running().await;
    host.write_log("d/default/t1", "5 ERROR before\n");
    let body = json!({ "logGroupIdentifiers": ["/aws/batch/job"], "logEventFilterPattern": "ERROR" });
    let response = host.send("POST /", &[("x-amz-target", "Logs_20140328.StartLiveTail")], body.to_string()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/vnd.amazon.eventstream");
    let mut frames = response.into_body();
    let mut text = String::new();
    let mut written = false;
    while !text.contains("ERROR after") {
        let frame = frames.frame().await.expect("goes on").expect("is whole");
        text.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
        if text.contains("sessionStart") && !written {
            host.write_log("d/default/t2", "6 fine\n7 ERROR after\n");
            written = true;
        }
    }
    assert!(text.find("initial-response") < text.find("sessionStart") && text.contains("sessionUpdate"), "{text}");
    assert!(text.contains(r#""sampled":false"#) && !text.contains("fine") && !text.contains("before"), "{text}");
    let nobody = json!({ "logGroupIdentifiers": ["/nobody"] });
    assert_eq!(host.try_logs("StartLiveTail", nobody).await.1, "ResourceNotFoundException");
    assert_eq!(host.try_logs("StartLiveTail", json!({})).await.1, "InvalidParameterException");
}
