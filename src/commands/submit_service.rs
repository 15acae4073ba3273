//! `submit --payload`: a request that a queue hands to its service, as it stands in a file.

use super::error::{CommandError, Doing};
use super::input::{named, object_in, text_of, unreadable};
use super::submit::{map, name_from};
use super::world::World;
use crate::cli::{Pair, SubmitArgs};
use crate::model::{
    JobTimeout, SAGEMAKER_TRAINING, ServiceJobEvaluateOnExit, ServiceJobRetryStrategy, SubmitJobResponse,
    SubmitServiceJobRequest, validate,
};
use serde_json::Value;
use std::path::Path;

/// Submits the file's request.
pub async fn submit(
    args: &SubmitArgs,
    request: SubmitServiceJobRequest,
    world: &World,
) -> Result<SubmitJobResponse, CommandError> {
    let what = match &args.payload {
        Some(file) => format!("submitting {}", named(file)),
        None => "submitting the service job".to_owned(),
    };
    world.backend.submit_service_job(request).await.doing(what)
}

/// What `SubmitServiceJob` takes. The file is sent as it is: what its members mean is for the service to say.
pub fn request(args: &SubmitArgs, file: &Path) -> Result<SubmitServiceJobRequest, CommandError> {
    compose(args, file, text_of(file)?)
}

fn compose(args: &SubmitArgs, file: &Path, payload: String) -> Result<SubmitServiceJobRequest, CommandError> {
    let read = object_in(&payload, "a request to a service").map_err(|cause| unreadable(file, cause))?;
    let what = &args.what;
    let job_name = match (&what.name, read.get("TrainingJobName").and_then(Value::as_str)) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => name_from(&[], name),
        (None, None) => name_from(&[], &file.file_stem().unwrap_or_default().to_string_lossy()),
    };
    validate::job_name(&job_name)?;
    Ok(SubmitServiceJobRequest {
        job_name,
        job_queue: what.queue.clone().unwrap_or_default(),
        retry_strategy: what.attempts.map(|attempts| retry(attempts, &what.retry_on)).transpose()?,
        scheduling_priority: what.priority,
        service_request_payload: payload,
        service_job_type: SAGEMAKER_TRAINING.to_owned(),
        share_identifier: what.share.clone(),
        quota_share_name: args.quota_share.clone(),
        timeout_config: what.timeout.map(|timeout| JobTimeout { attempt_duration_seconds: Some(timeout.0) }),
        tags: map(&what.tag),
        ..SubmitServiceJobRequest::default()
    })
}

/// The rules that try again after what matches, and one that ends at all else.
fn retry(attempts: u32, given: &[Pair]) -> Result<ServiceJobRetryStrategy, CommandError> {
    let rule = |action: &str, pattern: &str| ServiceJobEvaluateOnExit {
        action: Some(action.to_owned()),
        on_status_reason: Some(pattern.to_owned()),
    };
    let mut rules = Vec::new();
    for pair in given {
        if pair.key != "status" {
            return Err(CommandError::Usage {
                what: "rule of --retry-on for a service job",
                given: format!("{}={}", pair.key, pair.value),
                takes: "status=TEXT, with `*` at the end for all that begin so",
            });
        }
        rules.push(rule("RETRY", &pair.value));
    }
    if !rules.is_empty() {
        rules.push(rule("EXIT", "*"));
    }
    Ok(ServiceJobRetryStrategy { attempts: i32::try_from(attempts).ok(), evaluate_on_exit: rules })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Verb};
    use clap::Parser;
    use serde_json::json;

    const PAYLOAD: &str = r#"{ "TrainingJobName": "fit-7" }"#;

    fn args(words: &[&str]) -> Result<SubmitArgs, String> {
        let all = [&["batchdeck", "submit", "--queue", "train", "--payload", "train.json"], words].concat();
        match Cli::try_parse_from(all).map_err(|error| error.to_string())?.verb {
            Some(Verb::Submit(args)) => Ok(*args),
            other => panic!("{other:?}"),
        }
    }

    fn composed(words: &[&str], payload: &str) -> Result<Value, String> {
        let request = compose(&args(words)?, Path::new("train.json"), payload.to_owned());
        request.map(|request| json!(request)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_goes_as_it_is_with_what_the_options_say() {
        let bare = json!({
            "jobName": "fit-7", "jobQueue": "train", "serviceRequestPayload": PAYLOAD,
            "serviceJobType": "SAGEMAKER_TRAINING",
        });
        assert_eq!(composed(&[], PAYLOAD), Ok(bare));
        let options = ["--name", "fit", "--priority", "7", "--share", "blue", "--timeout", "2h", "--attempts", "3"];
        let more = ["--retry-on", "status=Received status from SageMaker: *", "--tag", "team=ml"];
        let whole = json!({
            "jobName": "fit", "jobQueue": "train", "serviceRequestPayload": "{}",
            "serviceJobType": "SAGEMAKER_TRAINING", "schedulingPriority": 7, "shareIdentifier": "blue",
            "timeoutConfig": {"attemptDurationSeconds": 7200}, "tags": {"team": "ml"},
            "retryStrategy": {"attempts": 3, "evaluateOnExit": [
                {"action": "RETRY", "onStatusReason": "Received status from SageMaker: *"},
                {"action": "EXIT", "onStatusReason": "*"},
            ]},
        });
        assert_eq!(composed(&[&options[..], &more].concat(), "{}"), Ok(whole));
        assert_eq!(composed(&[], "{}").expect("sound")["jobName"], "train");
        assert_eq!(composed(&["--quota-share", "blue"], "{}").expect("sound")["quotaShareName"], "blue");
    }

    #[test]
    fn what_no_service_job_has_is_refused_before_anything_is_sent() {
        let cases: [(&[&str], &str, &str); 7] = [
            (&[], "", "train.json cannot be read: it is empty; a request to a service in JSON is wanted"),
            (&[], "{", "train.json cannot be read: it is not JSON"),
            (&[], "[]", "a request to a service is a JSON object"),
            (&["--attempts", "2", "--retry-on", "exit=13"], "{}", "it takes status=TEXT"),
            (&["--definition", "etl"], "{}", "cannot be used with"),
            (&["--array", "3"], "{}", "cannot be used with"),
            (&["--", "true"], "{}", "cannot be used with"),
        ];
        for (words, payload, expected) in cases {
            let refused = composed(words, payload).expect_err("is refused");
            assert!(refused.contains(expected), "{words:?}: {refused}");
        }
        let alone = Cli::try_parse_from(["batchdeck", "submit", "--payload", "x"]).expect_err("where?").to_string();
        assert!(alone.contains("--queue"), "{alone}");
    }
}
