//! The members that an operation cannot do without, as its model marks them (API of 2016-08-10).

use crate::daemon::api::errors::{ApiError, Service};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Those of the operation at a path; none of anything else.
pub(in crate::daemon::api) fn members(path: &str) -> &'static [&'static str] {
    match path.strip_prefix("/v1/").unwrap_or_default() {
        "canceljob" | "terminatejob" | "terminateservicejob" => &["jobId", "reason"],
        "canceljobs" | "terminatejobs" | "terminateservicejobs" => &["jobs", "reason"],
        "createcomputeenvironment" => &["computeEnvironmentName", "type"],
        "createconsumableresource" => &["consumableResourceName"],
        "createjobqueue" => &["jobQueueName", "priority"],
        "createschedulingpolicy" => &["name"],
        "createserviceenvironment" => &["serviceEnvironmentName", "serviceEnvironmentType", "capacityLimits"],
        "deletecomputeenvironment" | "updatecomputeenvironment" => &["computeEnvironment"],
        "deleteconsumableresource"
        | "describeconsumableresource"
        | "listjobsbyconsumableresource"
        | "updateconsumableresource" => &["consumableResource"],
        "deletejobqueue" | "getjobqueuesnapshot" | "listquotashares" | "updatejobqueue" => &["jobQueue"],
        "deletequotashare" | "describequotashare" | "updatequotashare" => &["quotaShareArn"],
        "deleteschedulingpolicy" | "updateschedulingpolicy" => &["arn"],
        "deleteserviceenvironment" | "updateserviceenvironment" => &["serviceEnvironment"],
        "deregisterjobdefinition" => &["jobDefinition"],
        "describejobs" => &["jobs"],
        "describeschedulingpolicies" => &["arns"],
        "describeservicejob" => &["jobId"],
        "registerjobdefinition" => &["jobDefinitionName", "type"],
        "submitjob" => &["jobName", "jobQueue", "jobDefinition"],
        "submitservicejob" => &["jobName", "jobQueue", "serviceRequestPayload", "serviceJobType"],
        "updateservicejob" => &["jobId", "schedulingPriority"],
        _ => &[],
    }
}

/// That they are all there. What is no JSON object is left to whoever reads it.
pub(in crate::daemon::api) fn check(needed: &[&str], body: &[u8]) -> Result<(), ApiError> {
    if needed.is_empty() {
        return Ok(());
    }
    let Ok(given) = serde_json::from_slice::<BTreeMap<String, Option<IgnoredAny>>>(body) else { return Ok(()) };
    match needed.iter().find(|member| given.get(**member).is_none_or(Option::is_none)) {
        Some(missing) => {
            Err(ApiError::invalid(Service::Batch, format!("{missing} is missing; the operation needs it")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{check, members};

    #[test]
    fn a_member_that_is_missing_or_null_is_named() {
        let cases = [
            (r#"{"jobQueueName":"q","priority":1}"#, None),
            (r#"{"jobQueueName":"q"}"#, Some("priority")),
            (r#"{"jobQueueName":null,"priority":1}"#, Some("jobQueueName")),
            ("{}", Some("jobQueueName")),
            ("[]", None),
        ];
        for (body, missing) in cases {
            let refused = format!("{:?}", check(members("/v1/createjobqueue"), body.as_bytes()));
            assert_eq!(refused.contains("is missing"), missing.is_some(), "{body}: {refused}");
            assert!(missing.is_none_or(|member| refused.contains(member)), "{body}: {refused}");
        }
        assert!(members("/v1/listjobs").is_empty() && members("/batchdeck/v1/jobs/list").is_empty());
    }
}
