//! AWS Batch's operations on jobs.

use super::page::size;
use super::{Answered, PAGE, check_names, nothing};
use crate::daemon::api::caller::Caller;
use crate::daemon::api::errors::{ApiError, Service};
use crate::daemon::api::{Shared, Wire};
use crate::engine::command::{Action, Answer, Refusal};
use crate::engine::{Engine, JobFilter};
use crate::model::{
    ArrayProperties, JobDetail, JobId, JobStatus, JobSummary, Millis, ServiceJob, SubmitJobRequest, SubmitJobResponse,
    name_of,
};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

/// The most rows of a page without filters.
const LIST: usize = 1_000;

pub(in crate::daemon::api) async fn submit(
    State(world): Shared,
    caller: Caller,
    Wire(request): Wire<SubmitJobRequest>,
) -> Result<Json<SubmitJobResponse>, ApiError> {
    match world.driver.command(caller.command(Action::SubmitJob(Box::new(request)))).await? {
        Answer::Submitted(response) => Ok(Json(response)),
        _ => Ok(Json(SubmitJobResponse::default())),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::daemon::api) struct Describe {
    jobs: Vec<JobId>,
}

pub(in crate::daemon::api) async fn describe(State(world): Shared, Wire(request): Wire<Describe>) -> Answered {
    check_names("jobs", request.jobs.len())?;
    let jobs = world.driver.read(move |engine| engine.describe_jobs(&request.jobs)).await?;
    let plain = |job: JobDetail| JobDetail { extra: None, array_properties: all_states(job.array_properties), ..job };
    let jobs: Vec<_> = jobs.into_iter().map(plain).collect();
    Ok(Json(json!({ "jobs": jobs })))
}

/// AWS names every state in an array's summary, also where nobody is in it.
fn all_states(array: Option<ArrayProperties>) -> Option<ArrayProperties> {
    array.map(|mut array| {
        if let Some(summary) = &mut array.status_summary {
            for status in JobStatus::ALL {
                summary.add(status, 0);
            }
        }
        array
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct Stop {
    job_id: JobId,
    reason: String,
}

pub(in crate::daemon::api) async fn cancel(State(world): Shared, caller: Caller, Wire(stop): Wire<Stop>) -> Answered {
    let Stop { job_id: job, reason } = stop;
    let command = caller.command_because(&reason, Action::CancelJob { job, reason: reason.clone() });
    world.driver.command(command).await?;
    Ok(nothing())
}

pub(in crate::daemon::api) async fn terminate(
    State(world): Shared,
    caller: Caller,
    Wire(stop): Wire<Stop>,
) -> Answered {
    let Stop { job_id: job, reason } = stop;
    let command = caller.command_because(&reason, Action::TerminateJob { job, reason: reason.clone() });
    world.driver.command(command).await?;
    Ok(nothing())
}

/// `ListJobsRequest`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::daemon::api) struct List {
    job_queue: Option<String>,
    array_job_id: Option<JobId>,
    multi_node_job_id: Option<JobId>,
    job_status: Option<String>,
    filters: Vec<KeyValues>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// `KeyValuesPair`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct KeyValues {
    pub name: String,
    pub values: Vec<String>,
}

/// What a filter of `ListJobs` asks of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sieve {
    Everything,
    Name(String),
    Definition(String),
    Before(Millis),
    After(Millis),
    Share(String),
    /// Of service jobs alone.
    QuotaShare(String),
}

impl Sieve {
    /// `service`: of service jobs, which have quota shares and no definition.
    pub(super) fn parse(filters: &[KeyValues], service: bool) -> Result<Self, ApiError> {
        let invalid = |message: String| ApiError::invalid(Service::Batch, message);
        let [filter] = filters else {
            return match filters.len() {
                0 => Ok(Self::Everything),
                count => Err(invalid(format!("filters has {count} entries; only one can be given"))),
            };
        };
        let [value] = filter.values.as_slice() else {
            let count = filter.values.len();
            return Err(invalid(format!("filters: {} has {count} values; it takes one", filter.name)));
        };
        let time = || {
            let refusal = format!("filters: {} is `{value}`; it takes milliseconds since 1970", filter.name);
            value.parse::<Millis>().map_err(|_| invalid(refusal))
        };
        match filter.name.as_str() {
            "JOB_NAME" => Ok(Self::Name(value.clone())),
            "JOB_DEFINITION" if !service => Ok(Self::Definition(value.clone())),
            "BEFORE_CREATED_AT" => Ok(Self::Before(time()?)),
            "AFTER_CREATED_AT" => Ok(Self::After(time()?)),
            "SHARE_IDENTIFIER" => Ok(Self::Share(value.clone())),
            "QUOTA_SHARE_NAME" if service => Ok(Self::QuotaShare(value.clone())),
            other => {
                let own = if service { "QUOTA_SHARE_NAME" } else { "JOB_DEFINITION" };
                Err(invalid(format!(
                    "filters: the name is `{other}`; it is one of JOB_NAME, {own}, BEFORE_CREATED_AT, AFTER_CREATED_AT \
                     and SHARE_IDENTIFIER"
                )))
            }
        }
    }

    fn passes(&self, job: &JobSummary) -> bool {
        match self {
            // The engine itself selects by name.
            Self::Everything | Self::Name(_) | Self::QuotaShare(_) => true,
            Self::Definition(wanted) => job.job_definition.as_deref().is_some_and(|arn| is_definition(wanted, arn)),
            Self::Before(at) => job.created_at < *at,
            Self::After(at) => job.created_at > *at,
            Self::Share(wanted) => job.share_identifier.as_deref().is_some_and(|share| is_like(wanted, share)),
        }
    }

    pub(super) fn passes_service(&self, job: &ServiceJob) -> bool {
        let is = |wanted: &str, given: &Option<String>| given.as_deref().is_some_and(|given| is_like(wanted, given));
        match self {
            Self::Everything | Self::Definition(_) => true,
            Self::Name(wanted) => is_like(&wanted.to_ascii_lowercase(), &job.job_name.to_ascii_lowercase()),
            Self::Before(at) => job.created_at < *at,
            Self::After(at) => job.created_at > *at,
            Self::Share(wanted) => is(wanted, &job.share_identifier),
            Self::QuotaShare(wanted) => is(wanted, &job.quota_share_name),
        }
    }

    /// Whether jobs of every state are listed, whatever state is asked for.
    pub(super) fn ignores_status(&self) -> bool {
        !matches!(self, Self::Everything | Self::Share(_) | Self::QuotaShare(_))
    }
}

/// An ARN means one revision, a name all of them, a name with a `*` at its end all that begin so.
fn is_definition(wanted: &str, arn: &str) -> bool {
    let name = name_of(arn).split(':').next().unwrap_or_default();
    if wanted.starts_with("arn:") { wanted == arn } else { is_like(wanted, name) }
}

/// The text itself, or its start before a `*`.
pub(super) fn is_like(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |prefix| text.starts_with(prefix))
}

pub(in crate::daemon::api) async fn list(State(world): Shared, Wire(request): Wire<List>) -> Answered {
    let refuse = |message: &str| Err(ApiError::invalid(Service::Batch, message));
    let sieve = Sieve::parse(&request.filters, false)?;
    let wholes = [request.job_queue.is_some(), request.array_job_id.is_some(), request.multi_node_job_id.is_some()];
    if wholes.into_iter().filter(|given| *given).count() != 1 {
        return refuse("one of jobQueue, arrayJobId and multiNodeJobId has to be given, and only one");
    }
    let status = request.job_status.as_deref().map(str::parse::<JobStatus>).transpose();
    let status = status.map_err(|unknown| ApiError::invalid(Service::Batch, format!("jobStatus: {unknown}")))?;
    let by_status = !sieve.ignores_status();
    let status = match (&sieve, status) {
        (Sieve::Everything, None) => Some(JobStatus::Running),
        (_, given) => given.filter(|_| by_status),
    };
    let most = if sieve == Sieve::Everything { LIST } else { PAGE };
    let filter = JobFilter {
        queue: request.job_queue,
        array: request.array_job_id,
        nodes: request.multi_node_job_id,
        statuses: status.into_iter().collect(),
        name: if let Sieve::Name(name) = &sieve { Some(name.clone()) } else { None },
        limit: size(request.max_results, most)?,
        token: request.next_token.filter(|token| !token.is_empty()),
    };
    let passes = move |job: &JobSummary| sieve.passes(job) && status.is_none_or(|status| job.status == status);
    let found = world.driver.read(move |engine| sift(engine, filter, passes)).await?;
    let (jobs, next) = found.map_err(|refusal| ApiError::of(Service::Batch, refusal.into()))?;
    let jobs: Vec<_> = jobs.into_iter().map(row).collect();
    Ok(Json(json!({ "jobSummaryList": jobs, "nextToken": next })))
}

/// A job as `ListJobs` shows it: what it takes of its environment stands in it while it is placed.
fn row(job: JobSummary) -> Value {
    let vcpus = job.extra.as_ref().filter(|_| job.status.is_placed()).map(|extra| extra.vcpus);
    let mut row = json!(JobSummary { extra: None, array_properties: all_states(job.array_properties), ..job });
    if let Some((vcpus, members)) = vcpus.zip(row.as_object_mut()) {
        members.insert("capacityUsage".to_owned(), json!([{ "capacityUnit": "VCPU", "quantity": vcpus }]));
    }
    row
}

/// So many rows are looked at for one page.
const LOOKED_AT: usize = 10_000;

/// The first of the engine's pages in which anything passes. After so many rows in vain it is one without any, from which
/// the next goes on: a page may be short, as AWS's may.
fn sift(
    engine: &Engine,
    mut filter: JobFilter,
    passes: impl Fn(&JobSummary) -> bool,
) -> Result<(Vec<JobSummary>, Option<String>), Refusal> {
    let mut looked_at = 0;
    loop {
        let (mut jobs, next) = engine.jobs(&filter)?;
        // The engine has given up itself where it has found none.
        looked_at = if jobs.is_empty() { LOOKED_AT } else { looked_at + jobs.len() };
        jobs.retain(&passes);
        if !jobs.is_empty() || next.is_none() || looked_at >= LOOKED_AT {
            return Ok((jobs, next));
        }
        filter.token = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(name: &str, value: &str) -> Result<Sieve, ApiError> {
        Sieve::parse(&[KeyValues { name: name.into(), values: vec![value.into()] }], false)
    }

    #[test]
    fn filters_pass_what_aws_documents() {
        let job = JobSummary {
            job_definition: Some("arn:aws:batch:r:1:job-definition/resize:3".into()),
            created_at: 1000,
            share_identifier: Some("teamA".into()),
            ..Default::default()
        };
        let cases = [
            ("JOB_DEFINITION", "resize", true),
            ("JOB_DEFINITION", "res*", true),
            ("JOB_DEFINITION", "Resize", false),
            ("JOB_DEFINITION", "arn:aws:batch:r:1:job-definition/resize:3", true),
            ("JOB_DEFINITION", "arn:aws:batch:r:1:job-definition/resize:2", false),
            ("BEFORE_CREATED_AT", "1001", true),
            ("BEFORE_CREATED_AT", "1000", false),
            ("AFTER_CREATED_AT", "999", true),
            ("AFTER_CREATED_AT", "1000", false),
            ("SHARE_IDENTIFIER", "team*", true),
            ("SHARE_IDENTIFIER", "teamB", false),
        ];
        for (name, value, expected) in cases {
            assert_eq!(filter(name, value).expect("a filter").passes(&job), expected, "{name} {value}");
        }
        for (name, value) in [("BEFORE_CREATED_AT", "yesterday"), ("job_name", "x"), ("STATUS", "RUNNING")] {
            assert!(filter(name, value).is_err(), "{name} {value}");
        }
    }
}
