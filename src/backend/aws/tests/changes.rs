//! What changes something: each by its own operation, a submission never twice, and what AWS has no call for.

use super::*;
use crate::backend::stub::{Answer, Ending};
use crate::model::{
    ComputeResourceUpdate, CostQuery, HoldTarget, InstanceId, MoveTo, ScalingPolicy, UpdateComputeEnvironmentRequest,
};
use serde_json::json;

#[tokio::test]
async fn a_submission_is_sent_again_where_it_certainly_took_no_effect_and_otherwise_never() {
    let (backend, stub) =
        world(|_| Answer::error(429, Some("TooManyRequestsException"), r#"{"message":"slower"}"#)).await;
    let error = backend.submit_job(SubmitJobRequest::default()).await.expect_err("is refused");
    assert_eq!(error, BackendError::Throttled { message: "slower".into() });
    assert_eq!(stub.asked().len(), 3);

    // A fault, an answer that ends half way, and one that is no answer: SubmitJob has no idempotency token.
    let faults = [
        Answer::error(500, Some("ServerException"), r#"{"message":"oh"}"#),
        Answer::pieces(&[b"{\"jobId\":\"a"], Ending::Cut),
        Answer::pieces(&[b"<html>"], Ending::Complete),
    ];
    let since = chrono::Utc::now().timestamp_millis() + 1;
    for fault in faults {
        let (backend, stub) = world(move |asked| match asked.line.as_str() {
            "POST /v1/submitjob" => fault.clone(),
            _ => Answer::json(
                &json!({"jobSummaryList": [job("00000000-old", "RUNNING", 5), job("abcdef01-new", "RUNNING", since)]}),
            ),
        })
        .await;
        let request = SubmitJobRequest { job_name: "j".into(), job_queue: "q".into(), ..Default::default() };
        let error = backend.submit_job(request).await.expect_err("is not known");
        let BackendError::Unsure { operation: "SubmitJob", next, .. } = &error else { panic!("{error:?}") };
        assert_eq!(next, "abcdef01 in `q` was submitted since and may be it; look before you submit it again");
        let lines: Vec<String> = stub.asked().into_iter().map(|asked| asked.line).collect();
        assert_eq!(lines, ["POST /v1/submitjob", "POST /v1/listjobs"], "{error}");
    }
}

#[tokio::test]
async fn what_aws_has_no_call_for_says_what_to_do_instead() {
    let (backend, stub) = world(|_| Answer::json(&json!({}))).await;
    let job = HoldTarget::Job("j".into());
    let held = backend.hold(&job, Why::default()).await.expect_err("is not possible");
    assert!(held.to_string().contains("`batchdeck cancel ID`"), "{held}");
    let queue = backend.hold(&HoldTarget::Queue("q".into()), Why::default()).await.expect_err("is not possible");
    assert!(queue.to_string().contains("`batchdeck envs disable NAME`"), "{queue}");
    let released = backend.release(&job, Why::default()).await.expect_err("is not possible");
    let elsewhere =
        backend.move_job(&"j".into(), MoveTo::default(), Why::default()).await.expect_err("is not possible");
    assert!(elsewhere.to_string().contains("it gets another id"), "{elsewhere}");
    let instance = InstanceId("i-0".into());
    let taken = backend.interrupt_instance(&instance, true, Why::default()).await.expect_err("is not possible");
    assert!(taken.to_string().contains("`aws ec2 terminate-instances`"), "{taken}");
    let letters = backend.dead_letters(5).await.expect_err("they are in SQS");
    let audit = backend.audit(5).await.expect_err("no file");
    let status = backend.engine_status().await.expect_err("no engine");
    let costs = backend.costs(CostQuery::default()).await.expect_err("no accounts");
    let runs = backend.observed_runs(None).await.expect_err("no observations");
    for error in [held, queue, released, elsewhere, taken, letters, audit, status, costs, runs] {
        assert!(matches!(error, BackendError::Unsupported { backend: "aws", .. }), "{error:?}");
    }
    let can = backend.capabilities();
    assert!(!can.instances);
    assert!(!can.reprioritise_job && !can.hold && !can.audit && !can.costs && !can.pushes_changes);
    assert!(can.schedules);
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn a_service_job_is_moved_by_its_own_call_and_of_a_container_job_it_is_said_what_there_is() {
    let (backend, stub) = world(|asked| match asked.line.as_str() {
        "POST /v1/describejobs" if asked.body["jobs"][0] == "c" => {
            Answer::json(&json!({"jobs": [job("c", "RUNNABLE", 1)]}))
        }
        _ => Answer::json(&json!({"jobs": []})),
    })
    .await;
    let moved = backend.reprioritise_job(&"c".into(), 5, Why::default()).await.expect_err("is not possible");
    assert_eq!(
        moved.to_string(),
        "reprioritising a waiting job is not possible on aws: replace it (`batchdeck replace ID --priority PRIORITY`), \
         which gives it another id, or raise the priority of its queue (`batchdeck reprioritise --queue NAME PRIORITY`)"
    );
    backend.reprioritise_job(&"s".into(), 5, Why::default()).await.expect("a service job");
    let last = stub.asked().pop().expect("a call");
    assert_eq!(last.line, "POST /v1/updateservicejob");
    assert_eq!(last.body, json!({"jobId": "s", "schedulingPriority": 5}));
}

#[tokio::test]
async fn a_scheduling_policy_is_read_and_changed_whole() {
    let (backend, stub) = world(|_| {
        Answer::json(&json!({"schedulingPolicies": [{"name": "fair", "arn": "arn:p", "fairsharePolicy": {
            "shareDecaySeconds": 600, "shareDistribution": [{"shareIdentifier": "blue", "weightFactor": 0.1}]
        }}]}))
    })
    .await;
    let policy = backend.scheduling_policy("arn:p").await.expect("reads");
    let fair = policy.fairshare_policy.expect("it is one");
    assert_eq!(fair.share_distribution[0].weight_factor, Some(0.1));
    let request = UpdateSchedulingPolicyRequest {
        arn: policy.arn,
        fairshare_policy: Some(fair),
        ..UpdateSchedulingPolicyRequest::default()
    };
    backend.update_scheduling_policy(request, Why::default()).await.expect("writes");
    let body = &stub.asked()[1].body;
    assert_eq!((&body["arn"], &body["fairsharePolicy"]["shareDecaySeconds"]), (&json!("arn:p"), &json!(600)));
    assert_eq!(body["fairsharePolicy"]["shareDistribution"][0]["shareIdentifier"], "blue");
}

#[tokio::test]
async fn environments_are_changed_tagged_and_deleted_by_their_own_operations() {
    let (backend, stub) = world(|_| Answer::json(&json!({}))).await;
    let resources = ComputeResourceUpdate {
        kind: Some("SPOT".into()),
        maxv_cpus: Some(8),
        allocation_strategy: Some("SPOT_CAPACITY_OPTIMIZED".into()),
        instance_types: Some(vec!["c5".into()]),
        bid_percentage: Some(60),
        scaling_policy: Some(ScalingPolicy { min_scale_down_delay_minutes: Some(20) }),
        ..ComputeResourceUpdate::default()
    };
    let update = UpdateComputeEnvironmentRequest {
        compute_environment: "it".into(),
        compute_resources: Some(resources),
        ..UpdateComputeEnvironmentRequest::default()
    };
    backend.update_compute_environment(update, Why::default()).await.expect("changed");
    let arn = "arn:aws:batch:us-east-1:123456789012:compute-environment/it";
    backend.tag_resource(arn, [("a".to_owned(), "b".to_owned())].into(), Why::default()).await.expect("tagged");
    backend.delete_compute_environment("it", Why::default()).await.expect("deleted");
    backend.delete_job_queue("high", Why::default()).await.expect("deleted");
    let asked = stub.asked();
    let bodies: Vec<_> = asked.iter().map(|asked| &asked.body).collect();
    let changed = json!({
        "type": "SPOT", "maxvCpus": 8, "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED", "instanceTypes": ["c5"],
        "bidPercentage": 60, "scalingPolicy": {"minScaleDownDelayMinutes": 20},
    });
    assert_eq!(
        bodies,
        [
            &json!({"computeEnvironment": "it", "computeResources": changed}),
            &json!({"tags": {"a": "b"}}),
            &json!({"computeEnvironment": "it"}),
            &json!({"jobQueue": "high"}),
        ]
    );
    assert!(asked[1].line.starts_with("POST /v1/tags/arn"), "{}", asked[1].line);
}
