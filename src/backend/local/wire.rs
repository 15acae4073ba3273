//! What is sent to the engine and read from it where `model` has no noun for it: bodies of requests and answers, and paths.

use super::client::Call;
use super::percent::encode;
use crate::model::{HoldTarget, JobDetail, JobId, JobStatus, JobSummary, ScheduleGroup, SchedulingPolicy};
use hyper::Method;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListJobs<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array: Option<&'a JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<&'a JobId>,
    pub statuses: &'a [JobStatus],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedJobs {
    pub jobs: Vec<JobSummary>,
    #[serde(default)]
    pub next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedGroups {
    pub schedule_groups: Vec<ScheduleGroup>,
    #[serde(default)]
    pub next_token: Option<String>,
}

#[derive(Serialize)]
pub struct DescribeJobs<'a> {
    pub jobs: &'a [JobId],
}

#[derive(Deserialize)]
pub struct DescribedJobs {
    pub jobs: Vec<JobDetail>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StopJob<'a> {
    pub job_id: &'a JobId,
    pub reason: &'a str,
}

#[derive(Deserialize)]
pub struct CountedLines {
    pub lines: u64,
}

#[derive(Serialize)]
pub struct Reprioritise {
    pub priority: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchedulingPolicies {
    pub scheduling_policies: Vec<SchedulingPolicy>,
}

#[derive(Serialize)]
pub struct Interrupt {
    pub now: bool,
}

/// `EventBridge` Scheduler's path of a schedule; create and update name the group in their body.
pub fn schedule_path(name: &str) -> String {
    format!("/schedules/{}", encode(name))
}

/// A query's part; without one the default group is meant.
pub fn of_group(group: Option<&str>) -> String {
    group.map(|group| format!("&group={}", encode(group))).unwrap_or_default()
}

/// `hold` or `release`.
pub fn hold_call(what: &str, target: &HoldTarget) -> Call {
    let (path, about) = match target {
        HoldTarget::Job(id) => (format!("jobs/{}", encode(id.as_str())), format!("job {id}")),
        HoldTarget::Queue(queue) => (format!("queues/{}", encode(queue)), format!("job queue {queue}")),
    };
    let name = if what == "hold" { "Hold" } else { "Release" };
    Call::send(name, Method::PUT, format!("/batchdeck/v1/{path}/{what}"), &serde_json::json!({})).about(about)
}

pub fn own_schedule_path(group: &str, name: &str, what: &str) -> String {
    format!("/batchdeck/v1/schedules/{}/{}/{what}", encode(group), encode(name))
}

pub fn the_schedule(group: &str, name: &str) -> String {
    format!("schedule {group}/{name}")
}
