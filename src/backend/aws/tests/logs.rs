//! Log streams, read and followed.

use super::*;
use crate::backend::stub::Answer;
use serde_json::json;

#[tokio::test]
async fn the_next_page_of_a_log_is_that_after_the_forward_token_and_of_the_default_group() {
    let (backend, stub) = world(|asked| {
        let token = asked.body["nextToken"].as_str().unwrap_or("f/0").to_owned();
        let (message, next) = match token.as_str() {
            "f/0" => (Some("one"), "f/1"),
            // An empty page before the end.
            "f/1" => (None, "f/2"),
            "f/2" => (Some("two"), "f/3"),
            _ => (None, "f/3"),
        };
        let events: Vec<_> = message.iter().map(|text| json!({"timestamp": 5, "message": text})).collect();
        Answer::json(&json!({"events": events, "nextForwardToken": next, "nextBackwardToken": "b/0"}))
    })
    .await;
    let mut wanted = GetLogEvents { log_stream_name: "d/default/t".into(), ..GetLogEvents::default() };
    for text in ["one", "two"] {
        let page = backend.next_log_page(wanted.clone()).await.expect("a page");
        assert_eq!(page.events[0].message, text);
        wanted.next_token = Some(page.next_forward_token);
    }
    let asked = stub.asked();
    assert_eq!(asked[0].header("x-amz-target"), "Logs_20140328.GetLogEvents");
    assert_eq!(asked[0].body["logGroupName"], "/aws/batch/job");
    assert_eq!(asked[0].body["startFromHead"], true);
    assert_eq!(asked.len(), 3);
}

#[tokio::test]
async fn a_stream_that_does_not_exist_yet_is_waited_for_by_its_next_page_and_not_found_when_read() {
    let body = r#"{"__type":"ResourceNotFoundException","message":"The specified log stream does not exist."}"#;
    let (backend, _stub) = world(move |_| Answer::error(400, None, body)).await;
    let wanted = GetLogEvents { log_stream_name: "s".into(), ..Default::default() };
    let error = backend.log_events(wanted.clone()).await.expect_err("is not there");
    assert_eq!(error, BackendError::NotFound { what: "log stream s of /aws/batch/job".into() });
    let moment = std::time::Duration::from_millis(300);
    assert!(tokio::time::timeout(moment, backend.next_log_page(wanted)).await.is_err(), "it waits");
}
