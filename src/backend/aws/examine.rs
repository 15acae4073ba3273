//! Who one is on AWS, and what one may do there: each permission is tried by a call that changes nothing.
//!
//! AWS asks for a permission before it looks at what a call is about. So a call about something that is not there tells
//! whether it is allowed: it is refused for the permission, or for the thing.

use super::budget::Caller::Operator;
use super::errors::is_denial;
use super::permissions::{self, Need};
use super::query::QueryClient;
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{Area, Finding, TRAINING_LOG_GROUP, Verdict};
use aws_sdk_batch::types;
use futures::future::{BoxFuture, join_all};

/// The id of no job, and a name that nobody gives.
const NO_JOB: &str = "00000000-0000-4000-8000-000000000000";
const NOTHING: &str = "batchdeck-doctor-00000000-0000-4000-8000-000000000000";
const NO_QUEUE: &str = "arn:aws:batch:us-east-1:000000000000:job-queue/batchdeck-doctor";
const NO_POLICY: &str = "arn:aws:batch:us-east-1:000000000000:scheduling-policy/batchdeck-doctor";
const WHY: &str = "batchdeck doctor asks whether it may";

/// Who calls, by STS, and then every permission that the console uses. Nothing is tried that could take effect.
pub async fn examine(service: &Service, region: &str) -> Vec<Finding> {
    let mut findings = vec![Finding::new(Area::Context, "region", Verdict::Good, region)];
    let who = service.call(Operator, "GetCallerIdentity", || service.sts.get_caller_identity().send()).await;
    match who {
        Ok(who) => {
            let arn = who.arn.unwrap_or_default();
            findings.push(Finding::new(Area::Context, "credentials", Verdict::Good, arn));
        }
        Err(error) => findings.push(Finding::new(Area::Context, "credentials", Verdict::Unknown, error.to_string())),
    }
    let probes = probes(service);
    let answers = join_all(probes.into_iter().map(|(area, what, call)| async move { (area, what, call.await) })).await;
    let skew = answers.iter().find_map(|(_, _, answer)| answer.as_ref().err().and_then(clock));
    findings.push(match skew {
        Some(told) => Finding::new(Area::Context, "clock", Verdict::Bad, told)
            .mended_by("let this machine keep its time by NTP (`timedatectl set-ntp true`)"),
        None if answers.iter().any(|(_, _, answer)| is_past_the_door(answer)) => {
            Finding::new(Area::Context, "clock", Verdict::Good, "near enough for AWS's signatures")
        }
        None => Finding::new(Area::Context, "clock", Verdict::Unknown, "nothing answered"),
    });
    findings.extend(answers.into_iter().map(|(area, what, answer)| permission(area, what, answer)));
    findings
}

type Probe<'a> = (Area, &'static str, BoxFuture<'a, Result<(), BackendError>>);

/// What IAM has to allow for an operation, and for whose work.
fn permitted(operation: &'static str) -> (Area, &'static str) {
    let (action, need) = permissions::of(operation).expect("each operation has its permission");
    (if need == Need::Looking { Area::Reading } else { Area::Operating }, action)
}

/// A call about nothing for each permission. `$call` is a request of the SDK.
macro_rules! probe {
    ($service:ident, $operation:literal, $call:expr) => {{
        let call: BoxFuture<'_, Result<(), BackendError>> =
            Box::pin(async { $service.call(Operator, $operation, || $call.send()).await.map(|_| ()) });
        let (area, action) = permitted($operation);
        (area, action, call)
    }};
}

fn probes(service: &Service) -> Vec<Probe<'_>> {
    let (batch, logs, scheduler) = (&service.batch, &service.logs, &service.scheduler);
    let mut probes = vec![
        probe!(service, "DescribeJobQueues", batch.describe_job_queues().max_results(1)),
        probe!(service, "DescribeComputeEnvironments", batch.describe_compute_environments().max_results(1)),
        probe!(service, "DescribeJobDefinitions", batch.describe_job_definitions().max_results(1)),
        probe!(service, "ListJobs", batch.list_jobs().job_queue(NOTHING)),
        probe!(service, "DescribeJobs", batch.describe_jobs().jobs(NO_JOB)),
        probe!(service, "ListServiceJobs", batch.list_service_jobs().job_queue(NOTHING)),
        probe!(service, "DescribeServiceJob", batch.describe_service_job().job_id(NO_JOB)),
        probe!(service, "GetJobQueueSnapshot", batch.get_job_queue_snapshot().job_queue(NOTHING)),
        probe!(service, "DescribeSchedulingPolicies", batch.describe_scheduling_policies().arns(NO_POLICY)),
        probe!(
            service,
            "DescribeConsumableResource",
            batch.describe_consumable_resource().consumable_resource(NOTHING)
        ),
        probe!(
            service,
            "GetLogEvents",
            logs.get_log_events().log_group_name(&service.log_group).log_stream_name(NOTHING)
        ),
        probe!(
            service,
            "FilterLogEvents",
            logs.filter_log_events().log_group_name(&service.log_group).log_stream_names(NOTHING)
        ),
        probe!(
            service,
            "DescribeLogStreams",
            logs.describe_log_streams().log_group_name(TRAINING_LOG_GROUP).log_stream_name_prefix(NOTHING)
        ),
        probe!(service, "ListSchedules", scheduler.list_schedules().max_results(1)),
        probe!(service, "ListScheduleGroups", scheduler.list_schedule_groups().max_results(1)),
        probe!(service, "GetSchedule", scheduler.get_schedule().name(NOTHING)),
        probe!(service, "SubmitJob", batch.submit_job().job_name("doctor").job_queue(NOTHING).job_definition(NOTHING)),
        probe!(
            service,
            "SubmitServiceJob",
            batch
                .submit_service_job()
                .job_name("doctor")
                .job_queue(NOTHING)
                .service_request_payload("{}")
                .service_job_type(types::ServiceJobType::SagemakerTraining)
        ),
        probe!(service, "CancelJob", batch.cancel_job().job_id(NO_JOB).reason(WHY)),
        probe!(service, "TerminateJob", batch.terminate_job().job_id(NO_JOB).reason(WHY)),
        probe!(service, "UpdateJobQueue", batch.update_job_queue().job_queue(NOTHING).state(types::JqState::Enabled)),
        probe!(
            service,
            "UpdateComputeEnvironment",
            batch.update_compute_environment().compute_environment(NOTHING).state(types::CeState::Enabled)
        ),
        probe!(service, "TerminateServiceJob", batch.terminate_service_job().job_id(NO_JOB).reason(WHY)),
        probe!(service, "UpdateServiceJob", batch.update_service_job().job_id(NO_JOB).scheduling_priority(0)),
        probe!(service, "DeleteSchedule", scheduler.delete_schedule().name(NOTHING)),
    ];
    if let Some(ecs) = &service.ecs {
        probes.extend([
            probe!(service, "ListContainerInstances", ecs.list_container_instances().cluster(NOTHING)),
            probe!(
                service,
                "DescribeContainerInstances",
                ecs.describe_container_instances().cluster(NOTHING).container_instances(NO_JOB)
            ),
        ]);
    }
    if let Some(events) = &service.events {
        probes.extend([
            probe!(service, "ListEventBuses", events.list_event_buses().limit(1)),
            probe!(service, "ListRuleNamesByTarget", events.list_rule_names_by_target().target_arn(NO_QUEUE)),
            probe!(service, "DescribeRule", events.describe_rule().name(NOTHING)),
            probe!(service, "ListTargetsByRule", events.list_targets_by_rule().rule(NOTHING)),
        ]);
    }
    if let Some(pricing) = &service.pricing {
        probes.push(probe!(service, "GetProducts", pricing.get_products().service_code("AmazonEC2").max_results(1)));
    }
    if let Some(ec2) = &service.ec2 {
        probes.push(query(service, ec2, "DescribeSpotPriceHistory", &[("MaxResults", "5")]));
    }
    if let Some(client) = &service.autoscaling {
        let least = &[("MaxRecords", "1")];
        probes.push(query(service, client, "DescribeAutoScalingGroups", least));
        probes.push(query(service, client, "DescribeScalingActivities", least));
    }
    probes
}

fn query<'a>(
    service: &'a Service,
    client: &'a QueryClient,
    operation: &'static str,
    fields: &'static [(&'static str, &'static str)],
) -> Probe<'a> {
    let call = async move { service.call(Operator, operation, || client.send(operation, fields)).await.map(|_| ()) };
    let (area, action) = permitted(operation);
    (area, action, Box::pin(call))
}

/// Whether the service looked further than at who called: it answered, or refused for what was asked.
fn is_past_the_door(answer: &Result<(), BackendError>) -> bool {
    match answer {
        Ok(()) | Err(BackendError::NotFound { .. }) => true,
        Err(BackendError::Refused { code, .. }) => !is_denial(code),
        Err(_) => false,
    }
}

fn permission(area: Area, what: &'static str, answer: Result<(), BackendError>) -> Finding {
    if is_past_the_door(&answer) {
        return Finding::new(area, what, Verdict::Good, "allowed");
    }
    match answer {
        Err(BackendError::Refused { message, .. }) if area == Area::Operating => {
            // A policy that names resources says nothing of one that is not there.
            Finding::new(area, what, Verdict::Less, message).mended_by(format!(
                "where a policy allows {what} on resources by name, it may still be allowed on yours"
            ))
        }
        Err(BackendError::Refused { message, .. }) => Finding::new(area, what, Verdict::Bad, message)
            .mended_by(format!("allow {what}; see `batchdeck doctor --policy read`")),
        Err(error) => Finding::new(area, what, Verdict::Unknown, error.to_string()),
        Ok(()) => Finding::new(area, what, Verdict::Good, "allowed"),
    }
}

/// What AWS says of a clock that is off, if that is what it says.
fn clock(error: &BackendError) -> Option<String> {
    let text = match error {
        BackendError::Refused { code, message } if code == "RequestTimeTooSkewed" => return Some(message.clone()),
        BackendError::Refused { message, .. } | BackendError::Credentials { message, .. } => message,
        _ => return None,
    };
    (text.contains("Signature expired") || text.contains("Signature not yet current")).then(|| text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::stub::Answer;
    use std::collections::BTreeSet;

    fn refused(code: &str, message: &str) -> Result<(), BackendError> {
        Err(BackendError::Refused { code: code.into(), message: message.into() })
    }

    #[test]
    fn a_refusal_for_the_thing_says_that_it_is_allowed_and_one_for_the_permission_that_it_is_not() {
        let unreachable = BackendError::Unreachable { endpoint: "e".into(), cause: "c".into(), hint: "h" };
        let cases = [
            (Area::Reading, Ok(()), Verdict::Good),
            (Area::Reading, Err(BackendError::NotFound { what: "it".into() }), Verdict::Good),
            (Area::Operating, refused("ClientException", "JobQueue x not found."), Verdict::Good),
            (Area::Operating, refused("ValidationException", "no"), Verdict::Good),
            (Area::Reading, refused("AccessDeniedException", "not authorized"), Verdict::Bad),
            (Area::Operating, refused("AccessDeniedException", "not authorized"), Verdict::Less),
            (Area::Reading, Err(unreachable), Verdict::Unknown),
            (Area::Reading, Err(BackendError::Throttled { message: "slower".into() }), Verdict::Unknown),
        ];
        for (area, answer, verdict) in cases {
            let finding = permission(area, "batch:ListJobs", answer.clone());
            assert_eq!(finding.verdict, verdict, "{answer:?}");
            assert_eq!(finding.mend.is_some(), matches!(verdict, Verdict::Bad | Verdict::Less), "{finding:?}");
        }
    }

    #[tokio::test]
    async fn all_that_is_called_to_look_is_tried_and_nothing_that_could_take_effect() {
        let (backend, _stub) = crate::backend::aws::tests::world(|_| Answer::json(&serde_json::json!({}))).await;
        let tried: BTreeSet<_> = probes(&backend.service).into_iter().map(|(_, action, _)| action).collect();
        // By which it is asked who one is.
        let looking = |(action, need): &(&'static str, Need)| {
            (*need == Need::Looking && *action != "sts:GetCallerIdentity").then_some(*action)
        };
        let left_out: Vec<_> =
            permissions::PERMISSIONS.iter().filter_map(looking).filter(|it| !tried.contains(it)).collect();
        assert_eq!(left_out, Vec::<&str>::new());
        assert!(!tried.iter().any(|action| action.contains(":Create") || action.contains(":Register")), "{tried:?}");
    }

    #[test]
    fn a_clock_that_is_off_is_told_as_such() {
        let expired =
            "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z. (InvalidSignatureException)";
        let credentials = |message: &str| BackendError::Credentials { message: message.into(), renewal: None };
        let cases = [
            (credentials(expired), true),
            (credentials("Signature not yet current: x"), true),
            (BackendError::Refused { code: "RequestTimeTooSkewed".into(), message: "skewed".into() }, true),
            (credentials("The security token included in the request is invalid"), false),
            (BackendError::Throttled { message: "Signature".into() }, false),
        ];
        for (error, expected) in cases {
            assert_eq!(clock(&error).is_some(), expected, "{error:?}");
        }
    }
}
