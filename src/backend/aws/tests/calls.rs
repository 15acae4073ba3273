//! How calls go and how they fail: signed, refused, throttled, sent again, not answered, read by a wrong clock.

use super::*;
use crate::backend::stub::{Answer, Ending, Stub};
use serde_json::json;

#[tokio::test]
async fn calls_are_signed_for_the_region_and_the_service() {
    let (backend, stub) = world(|_| Answer::json(&json!({"computeEnvironments": []}))).await;
    backend.compute_environments().await.expect("lists");
    let asked = &stub.asked()[0];
    assert_eq!(asked.line, "POST /v1/describecomputeenvironments");
    let signature = asked.header("authorization");
    assert!(signature.contains("Credential=AKIATEST/") && signature.contains("/eu-west-1/batch/"), "{signature}");
}

#[tokio::test]
async fn a_refusal_says_what_it_is_and_what_to_do() {
    let cases = [
        (400, "ClientException", "JobQueue x not found.", "JobQueue x not found. (ClientException)"),
        (403, "AccessDeniedException", "not for you", "not for you (AccessDeniedException)"),
        (403, "ExpiredTokenException", "is old", "Sign in with `aws sso login`"),
        (403, "UnrecognizedClientException", "who?", "AWS credentials: who? (UnrecognizedClientException)"),
    ];
    for (status, code, message, expected) in cases {
        let body = json!({"message": message}).to_string();
        let (backend, _stub) = world(move |_| Answer::error(status, Some(code), &body)).await;
        let error = backend.compute_environments().await.expect_err("is refused").to_string();
        assert!(error.contains(expected), "{code}: {error}");
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_named() {
    let (stub, address) = Stub::on_loopback(|_| Answer::json(&json!({})));
    drop(stub);
    let backend = backend_at(address).await;
    let error = backend.submit_job(SubmitJobRequest::default()).await.expect_err("nobody answers");
    let BackendError::Unreachable { endpoint, cause, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*endpoint, format!("http://{address}"));
    assert!(cause.contains("refused") || cause.contains("reset") || cause.contains("closed"), "{cause}");
}

#[tokio::test]
async fn an_answer_that_is_not_of_the_api_is_called_malformed() {
    let (backend, _stub) = world(|_| Answer::pieces(&[b"<html>"], Ending::Complete)).await;
    let error = backend.compute_environments().await.expect_err("is no JSON");
    assert!(matches!(error, BackendError::Malformed { operation: "DescribeComputeEnvironments", .. }), "{error:?}");
}

#[tokio::test]
async fn a_service_that_fails_by_what_passes_is_asked_again_and_one_that_asks_for_a_pause_is_given_it() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = std::sync::Arc::clone(&asked);
    let (backend, stub) = world(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Answer::error(500, Some("ServerException"), r#"{"message":"oh"}"#),
        1 => Answer::error(429, Some("TooManyRequestsException"), r#"{"message":"slower"}"#),
        _ => Answer::json(&json!({"computeEnvironments": []})),
    })
    .await;
    let begun = std::time::Instant::now();
    backend.compute_environments().await.expect("the third time");
    assert_eq!(stub.asked().len(), 3);
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1), "a pause after the 429");
    let meter = backend.meter().expect("calls are counted");
    assert_eq!(meter.throttled, 1);
    assert!(meter.allowed < 600.0, "half the rate: {meter:?}");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_set_right_by_the_answer_that_refuses_it() {
    let theirs = || chrono::Utc::now() + chrono::Duration::hours(3);
    let (backend, stub) = world(move |asked| {
        let signed = asked.header("x-amz-date");
        let signed = chrono::NaiveDateTime::parse_from_str(signed, "%Y%m%dT%H%M%SZ").expect("a time").and_utc();
        let date = || theirs().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if (theirs() - signed).abs() < chrono::Duration::minutes(5) {
            return Answer { date: Some(date()), ..Answer::json(&json!({"computeEnvironments": []})) };
        }
        let body = r#"{"message":"Signature expired: x is now earlier than y (z - 5 min.)"}"#;
        Answer { date: Some(date()), ..Answer::error(403, Some("InvalidSignatureException"), body) }
    })
    .await;
    backend.compute_environments().await.expect("the second time");
    backend.compute_environments().await.expect("it stays right");
    assert_eq!(stub.asked().len(), 3);
    let behind = backend.meter().expect("calls are counted").clock_behind;
    assert!((behind - 3 * 3_600_000).abs() < 60_000, "{behind}");
}
