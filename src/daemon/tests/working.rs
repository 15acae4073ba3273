//! Jobs on real agents.

use super::host::Host;
use crate::model::{Change, EngineStatus, JobStatus, LogPage, What};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_to_its_end_and_its_lines_are_kept() {
    let host = Host::furnished().await;
    let job = host.submit("hello", "echo out; echo err >&2; exit 3").await;
    let mut changes = host.watch(None).await;
    loop {
        let change: Change = changes.next().await;
        if matches!(&change.what, What::Job(row) if row.job_id == job && row.status.is_final()) {
            break;
        }
        if host.describe(&job).await.status.is_final() {
            break;
        }
    }
    let detail = host.describe(&job).await;
    assert_eq!(detail.status, JobStatus::Failed);
    let container = detail.container.expect("a container");
    assert_eq!(container.exit_code, Some(3));
    let stream = container.log_stream_name.expect("a stream");
    let body = json!({ "logGroupName": "/aws/batch/job", "logStreamName": stream, "startFromHead": true });
    let answer = host.ask("POST /", &[("x-amz-target", "Logs_20140328.GetLogEvents")], body.to_string()).await;
    let page: LogPage = serde_json::from_value(answer.body).expect("a page");
    let mut lines: Vec<_> = page.events.into_iter().map(|event| event.message).collect();
    lines.sort();
    assert_eq!(lines, ["err", "out"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_as_aws_does() {
    let host = Host::furnished().await;
    let gate = host.path().join("gate");
    let waits = format!("until test -e {}; do sleep 0.05; done", gate.display());
    let job = host.submit("waits", &waits).await;
    host.until(&job, JobStatus::Running).await;
    let list = async |mut request: serde_json::Value| {
        request["jobQueue"] = json!("main");
        let answer = host.batch("listjobs", request).await;
        let rows = answer["jobSummaryList"].as_array().expect("rows").clone();
        assert!(rows.iter().all(|row| row.get("extra").is_none()), "{rows:?}");
        rows.len()
    };
    let filter = |name: &str, value: &str| json!({ "filters": [{ "name": name, "values": [value] }] });
    let cases = [
        (json!({}), 1),
        (json!({ "jobStatus": "RUNNING" }), 1),
        (json!({ "jobStatus": "SUCCEEDED" }), 0),
        (filter("JOB_NAME", "WAI*"), 1),
        (filter("JOB_NAME", "other"), 0),
        (filter("JOB_DEFINITION", "shell"), 1),
        (filter("JOB_DEFINITION", "other"), 0),
        (filter("AFTER_CREATED_AT", "0"), 1),
        (filter("BEFORE_CREATED_AT", "1000"), 0),
    ];
    for (request, expected) in cases {
        assert_eq!(list(request.clone()).await, expected, "{request}");
    }
    let status: EngineStatus = serde_json::from_value(host.get("/batchdeck/v1/status").await).expect("a status");
    assert_eq!((status.agents.len(), status.jobs), (1, 1), "{status:?}");
    assert!(status.agents[0].connected && status.agents[0].running_jobs == 1, "{status:?}");
    std::fs::write(gate, "").expect("written");
    host.until(&job, JobStatus::Succeeded).await;
    assert_eq!(list(json!({})).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_job_stops_with_its_reason() {
    let host = Host::furnished().await;
    let job = host.submit("endless", "exec sleep 1000").await;
    host.until(&job, JobStatus::Running).await;
    host.batch("terminatejob", json!({ "jobId": job, "reason": "enough" })).await;
    let detail = host.until(&job, JobStatus::Failed).await;
    assert_eq!(detail.status_reason.as_deref(), Some("enough"));
    assert!(detail.is_terminated);
}
