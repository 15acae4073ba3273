//! The local engine as a backend, over its unix socket.

mod client;
mod lines;
mod percent;
#[cfg(test)]
mod tests;
mod wire;

use super::log_search::{SearchLog, Searched};
use super::{Backend, BackendError, Capabilities, JobQuery, JobScope, Page, Why, masks};
use crate::model::watch::{SaveWatch, Watch};
use crate::model::{
    AuditEntry, CapacityOverTime, Change, CommandRun, ComputeEnvironment, ConsumableResource, CostQuery, CostReport,
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, Cursor, DEFAULT_LOG_GROUP, DeadLetter, EngineStatus,
    EventLine, FilterLogEvents, FilteredLogEvents, GetLogEvents, HoldTarget, InstanceId, JobDefinition, JobDetail,
    JobId, JobQueue, JobQueueSnapshot, JobSummary, LinesOverTime, LogPage, LogPattern, Looked, Millis, MoveTo,
    ObservedRuns, RegisterJobDefinitionRequest, RegisterJobDefinitionResponse, Scaling, Schedule, ScheduleGroup,
    ScheduleRun, SchedulingPolicy, SubmitJobRequest, SubmitJobResponse, SubmitServiceJobRequest, Throughput,
    UpdateComputeEnvironmentRequest, UpdateJobQueueRequest, UpdateSchedulingPolicyRequest, UsageOverTime, Way,
};
use async_trait::async_trait;
use client::{Call, Client, Flow, Patience};
use futures::stream::{BoxStream, StreamExt};
use hyper::Method;
use percent::encode;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::path::PathBuf;
use wire::{
    CountedLines, DescribeJobs, DescribedJobs, Interrupt, ListJobs, ListedGroups, ListedJobs, Reprioritise,
    SchedulingPolicies, StopJob, hold_call, of_group, own_schedule_path, schedule_path, the_schedule,
};

/// Ids in one `jobs/describe`, as AWS's `DescribeJobs` takes them.
const DESCRIBE_AT_ONCE: usize = 100;

/// A client of the engine that serves a data directory.
#[derive(Debug)]
pub struct LocalBackend {
    client: Client,
}

impl LocalBackend {
    /// A client of the engine at `socket`, which acts in the name of `by` (`user@host`). It does no I/O yet: it connects
    /// when it is first asked something.
    pub fn new(socket: PathBuf, by: String) -> Self {
        Self { client: Client::new(socket, by, Patience::default()) }
    }

    /// Connects now, so that what is asked first need not: whether somebody listens there is known then.
    pub async fn connect(&self) -> Result<(), BackendError> {
        self.client.connect_ahead().await
    }

    /// Waits until something stands in a stream after the request's token; one that does not exist yet is waited for.
    async fn until_lines_after(&self, request: &GetLogEvents) -> Result<(), BackendError> {
        let stream = &request.log_stream_name;
        let group = of_group(request.log_group_name.as_deref());
        let from = request.next_token.as_ref().map(|token| format!("&from={}", encode(token))).unwrap_or_default();
        let path = format!("/batchdeck/v1/logs/follow?stream={}{group}{from}", encode(stream));
        let call = Call::get("FollowLog", path).about(format!("log stream {stream}"));
        // They are read by pages, which say where the next one begins.
        let mut lines = self.client.lines::<Vec<IgnoredAny>>(call, Flow::Endless).await?;
        while let Some(bundle) = lines.next().await {
            if !bundle?.is_empty() {
                return Ok(());
            }
        }
        Err(BackendError::Malformed { operation: "FollowLog", cause: "it ended".to_owned() })
    }

    /// Asks the engine to end in good order. Agents and their jobs go on.
    pub async fn stop_engine(&self) -> Result<(), BackendError> {
        self.act(Call::send("StopEngine", Method::POST, "/batchdeck/v1/stop", &serde_json::json!({}))).await
    }

    async fn act(&self, call: Call) -> Result<(), BackendError> {
        self.client.call::<IgnoredAny>(call).await.map(|_| ())
    }
}

#[async_trait]
impl Backend for LocalBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "local",
            reprioritise_job: true,
            hold: true,
            instances: true,
            schedules: true,
            audit: true,
            costs: true,
            pushes_changes: true,
            spans_contexts: false,
        }
    }

    async fn job_queues(&self) -> Result<Vec<JobQueue>, BackendError> {
        self.client.call(Call::get("DescribeJobQueues", "/batchdeck/v1/queues")).await
    }

    async fn create_job_queue(&self, request: CreateJobQueueRequest) -> Result<(), BackendError> {
        self.act(Call::batch("CreateJobQueue", &request)).await
    }

    async fn update_job_queue(&self, request: UpdateJobQueueRequest, why: Why) -> Result<(), BackendError> {
        self.act(Call::batch("UpdateJobQueue", &request).because(why.reason)).await
    }

    async fn compute_environments(&self) -> Result<Vec<ComputeEnvironment>, BackendError> {
        self.client.call(Call::get("DescribeComputeEnvironments", "/batchdeck/v1/environments")).await
    }

    async fn create_compute_environment(&self, request: CreateComputeEnvironmentRequest) -> Result<(), BackendError> {
        self.act(Call::batch("CreateComputeEnvironment", &request)).await
    }

    async fn update_compute_environment(
        &self,
        request: UpdateComputeEnvironmentRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        self.act(Call::batch("UpdateComputeEnvironment", &request).because(why.reason)).await
    }

    async fn delete_job_queue(&self, name: &str, why: Why) -> Result<(), BackendError> {
        let call = Call::batch("DeleteJobQueue", &serde_json::json!({ "jobQueue": name }));
        self.act(call.because(why.reason).about(format!("job queue {name}"))).await
    }

    async fn delete_compute_environment(&self, name: &str, why: Why) -> Result<(), BackendError> {
        let call = Call::batch("DeleteComputeEnvironment", &serde_json::json!({ "computeEnvironment": name }));
        self.act(call.because(why.reason).about(format!("compute environment {name}"))).await
    }

    async fn tag_resource(&self, arn: &str, tags: BTreeMap<String, String>, why: Why) -> Result<(), BackendError> {
        let body = serde_json::json!({ "tags": tags });
        let call = Call::send("TagResource", Method::POST, format!("/v1/tags/{}", encode(arn)), &body);
        self.act(call.because(why.reason).about(arn.to_owned())).await
    }

    async fn scaling(&self, environment: Option<&str>) -> Result<Vec<Scaling>, BackendError> {
        let of = environment.map(|name| format!("?environment={}", encode(name))).unwrap_or_default();
        self.client.call(Call::get("ListScaling", format!("/batchdeck/v1/scaling{of}"))).await
    }

    async fn capacity_over_time(&self, environment: &str) -> Result<CapacityOverTime, BackendError> {
        let path = format!("/batchdeck/v1/capacity?environment={}", encode(environment));
        self.client.call(Call::get("CapacityOverTime", path)).await
    }

    async fn interrupt_instance(&self, instance: &InstanceId, at_once: bool, why: Why) -> Result<(), BackendError> {
        let path = format!("/batchdeck/v1/instances/{}/interrupt", encode(&instance.0));
        let call = Call::send("InterruptInstance", Method::POST, path, &Interrupt { now: at_once });
        self.act(call.because(why.reason).about(format!("instance {instance}"))).await
    }

    async fn job_definitions(&self, active_only: bool) -> Result<Vec<JobDefinition>, BackendError> {
        let call = Call::get("DescribeJobDefinitions", "/batchdeck/v1/definitions");
        let mut definitions: Vec<JobDefinition> = self.client.call(call).await?;
        definitions.retain(|definition| !active_only || definition.is_active());
        Ok(definitions)
    }

    async fn register_job_definition(
        &self,
        request: RegisterJobDefinitionRequest,
    ) -> Result<RegisterJobDefinitionResponse, BackendError> {
        self.client.call(Call::batch("RegisterJobDefinition", &request)).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<Page<JobSummary>, BackendError> {
        let (queue, array, nodes) = match &query.scope {
            JobScope::Everywhere => (None, None, None),
            JobScope::Queue(name) => (Some(name.as_str()), None, None),
            JobScope::Array(parent) => (None, Some(parent), None),
            JobScope::Nodes(whole) => (None, None, Some(whole)),
        };
        let request = ListJobs {
            queue,
            array,
            nodes,
            statuses: &query.statuses,
            name: query.name.as_deref(),
            limit: query.limit,
            next_token: query.page_token.as_deref(),
        };
        let call = Call::send("ListJobs", Method::POST, "/batchdeck/v1/jobs/list", &request);
        let listed: ListedJobs = self.client.call(call).await?;
        Ok(Page { items: listed.jobs, next: listed.next_token })
    }

    async fn describe_jobs(&self, ids: &[JobId]) -> Result<Vec<JobDetail>, BackendError> {
        let mut all = Vec::with_capacity(ids.len());
        for jobs in ids.chunks(DESCRIBE_AT_ONCE) {
            let request = DescribeJobs { jobs };
            let call = Call::send("DescribeJobs", Method::POST, "/batchdeck/v1/jobs/describe", &request);
            let described: DescribedJobs = self.client.call(call).await?;
            all.extend(described.jobs);
        }
        Ok(all)
    }

    async fn submit_job(&self, request: SubmitJobRequest) -> Result<SubmitJobResponse, BackendError> {
        masks::refuse(&request)?;
        self.client.call(Call::batch("SubmitJob", &request)).await
    }

    async fn submit_service_job(&self, request: SubmitServiceJobRequest) -> Result<SubmitJobResponse, BackendError> {
        self.client.call(Call::batch("SubmitServiceJob", &request)).await
    }

    async fn cancel_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        self.act(Call::batch("CancelJob", &StopJob { job_id: id, reason }).about(format!("job {id}"))).await
    }

    async fn terminate_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        self.act(Call::batch("TerminateJob", &StopJob { job_id: id, reason }).about(format!("job {id}"))).await
    }

    async fn reprioritise_job(&self, id: &JobId, priority: i32, why: Why) -> Result<(), BackendError> {
        let path = format!("/batchdeck/v1/jobs/{}/priority", encode(id.as_str()));
        let call = Call::send("ReprioritiseJob", Method::PUT, path, &Reprioritise { priority });
        self.act(call.because(why.reason).about(format!("job {id}"))).await
    }

    async fn hold(&self, target: &HoldTarget, why: Why) -> Result<(), BackendError> {
        self.act(hold_call("hold", target).because(why.reason)).await
    }

    async fn release(&self, target: &HoldTarget, why: Why) -> Result<(), BackendError> {
        self.act(hold_call("release", target).because(why.reason)).await
    }

    async fn move_job(&self, id: &JobId, to: MoveTo, why: Why) -> Result<(), BackendError> {
        let path = format!("/batchdeck/v1/jobs/{}/move", encode(id.as_str()));
        let call = Call::send("MoveJob", Method::PUT, path, &to);
        self.act(call.because(why.reason).about(format!("job {id}"))).await
    }

    async fn scheduling_policy(&self, arn: &str) -> Result<SchedulingPolicy, BackendError> {
        let call = Call::batch("DescribeSchedulingPolicies", &serde_json::json!({ "arns": [arn] }));
        let found: SchedulingPolicies = self.client.call(call).await?;
        let what = || BackendError::NotFound { what: format!("scheduling policy {arn}") };
        found.scheduling_policies.into_iter().next().ok_or_else(what)
    }

    async fn update_scheduling_policy(
        &self,
        request: UpdateSchedulingPolicyRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        self.act(Call::batch("UpdateSchedulingPolicy", &request).because(why.reason)).await
    }

    async fn queue_snapshot(&self, queue: &str) -> Result<JobQueueSnapshot, BackendError> {
        let call = Call::batch("GetJobQueueSnapshot", &serde_json::json!({ "jobQueue": queue }));
        self.client.call(call.about(format!("job queue {queue}"))).await
    }

    async fn log_events(&self, request: GetLogEvents) -> Result<LogPage, BackendError> {
        let call = Call {
            target: Some("Logs_20140328.GetLogEvents"),
            ..Call::send("GetLogEvents", Method::POST, "/", &request)
        };
        self.client.call(call.about(format!("log stream {}", request.log_stream_name))).await
    }

    async fn next_log_page(&self, mut request: GetLogEvents) -> Result<LogPage, BackendError> {
        request.start_from_head = Some(true);
        loop {
            match self.log_events(request.clone()).await {
                Ok(page) if !page.events.is_empty() => return Ok(page),
                Ok(page) => {
                    // A page may be empty before the end is reached: only a token that stays marks the end.
                    let is_end = request.next_token.as_ref() == Some(&page.next_forward_token);
                    request.next_token = Some(page.next_forward_token);
                    if !is_end {
                        continue;
                    }
                }
                Err(BackendError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
            self.until_lines_after(&request).await?;
        }
    }

    async fn lines_between(
        &self,
        group: Option<&str>,
        stream: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<Option<u64>, BackendError> {
        let (stream, from, to) = (encode(stream), encode(from.unwrap_or("f/0")), encode(to));
        let path = format!("/batchdeck/v1/logs/count?stream={stream}{}&from={from}&to={to}", of_group(group));
        let call = Call::get("CountLines", path);
        let counted: CountedLines = self.client.call(call).await?;
        Ok(Some(counted.lines))
    }

    async fn lines_over_time(
        &self,
        group: Option<&str>,
        stream: &str,
        since: Option<Millis>,
        keep: Option<&LogPattern>,
        spans: usize,
    ) -> Result<Option<LinesOverTime>, BackendError> {
        let since = since.map(|since| format!("&since={since}")).unwrap_or_default();
        let keep = keep.map(|keep| format!("&keep={}", encode(keep.typed()))).unwrap_or_default();
        let path = format!(
            "/batchdeck/v1/logs/over-time?stream={}{}&spans={spans}{since}{keep}",
            encode(stream),
            of_group(group)
        );
        let call = Call::get("LinesOverTime", path).about(format!("log stream {stream}"));
        Ok(Some(self.client.call(call).await?))
    }

    async fn filter_log_events(&self, mut request: FilterLogEvents) -> Result<FilteredLogEvents, BackendError> {
        request.log_group_name.get_or_insert_with(|| DEFAULT_LOG_GROUP.to_owned());
        let call = Call {
            target: Some("Logs_20140328.FilterLogEvents"),
            ..Call::send("FilterLogEvents", Method::POST, "/", &request)
        };
        self.client.call(call.about("one of the log streams".to_owned())).await
    }

    async fn search_log(&self, search: SearchLog) -> Result<Searched, BackendError> {
        let from = search.from.as_ref().map(|from| format!("&from={}", encode(from))).unwrap_or_default();
        let since = search.since.map(|since| format!("&since={since}")).unwrap_or_default();
        let keep = search.keep.as_ref().map(|keep| format!("&keep={}", encode(keep.typed()))).unwrap_or_default();
        let path = format!(
            "/batchdeck/v1/logs/search?stream={}{}&pattern={}&way={}&first={}{keep}{from}{since}",
            encode(&search.stream),
            of_group(search.group.as_deref()),
            encode(search.pattern.typed()),
            if search.way == Way::Forward { "forward" } else { "back" },
            search.first
        );
        let call = Call::get("SearchLog", path).about(format!("log stream {}", search.stream));
        let Looked { lines, hits, found, to, is_end } = self.client.call(call).await?;
        let found = match found {
            // The lines from the hit on.
            Some(_) => {
                let page = GetLogEvents { start_from_head: Some(true), next_token: found, ..search.page() };
                Some((self.log_events(page).await?, 0))
            }
            None => None,
        };
        Ok(Searched { lines, hits, found, to, is_end })
    }

    async fn consumable_resource(&self, name: &str) -> Result<ConsumableResource, BackendError> {
        let body = serde_json::json!({ "consumableResource": name });
        let call = Call::batch("DescribeConsumableResource", &body);
        self.client.call(call.about(format!("consumable resource {name}"))).await
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, BackendError> {
        self.client.call(Call::get("ListSchedules", "/batchdeck/v1/schedules")).await
    }

    async fn create_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        let subject = the_schedule(&schedule.group_name, &schedule.name);
        let call = Call::send("CreateSchedule", Method::POST, schedule_path(&schedule.name), &schedule);
        self.act(call.about(subject)).await
    }

    async fn update_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        let subject = the_schedule(&schedule.group_name, &schedule.name);
        let call = Call::send("UpdateSchedule", Method::PUT, schedule_path(&schedule.name), &schedule);
        self.act(call.about(subject)).await
    }

    async fn delete_schedule(&self, group: &str, name: &str) -> Result<(), BackendError> {
        let path = format!("{}?groupName={}", schedule_path(name), encode(group));
        let call = Call { method: Method::DELETE, ..Call::get("DeleteSchedule", path) };
        self.act(call.about(the_schedule(group, name))).await
    }

    async fn run_schedule(&self, group: &str, name: &str) -> Result<SubmitJobResponse, BackendError> {
        let path = own_schedule_path(group, name, "run");
        let call = Call::send("RunSchedule", Method::POST, path, &serde_json::json!({}));
        self.client.call(call.about(the_schedule(group, name))).await
    }

    async fn schedule_runs(&self, group: &str, name: &str) -> Result<Vec<ScheduleRun>, BackendError> {
        let call = Call::get("ListScheduleRuns", own_schedule_path(group, name, "runs"));
        self.client.call(call.about(the_schedule(group, name))).await
    }

    async fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, BackendError> {
        self.client.call(Call::get("ListAudit", format!("/batchdeck/v1/audit?limit={limit}"))).await
    }

    async fn record_run(&self, run: CommandRun) -> Result<(), BackendError> {
        self.act(Call::send("RecordRun", Method::POST, "/batchdeck/v1/audit/runs", &run)).await
    }

    async fn costs(&self, query: CostQuery) -> Result<CostReport, BackendError> {
        let since = query.since.map(|at| format!("&since={at}")).unwrap_or_default();
        let path = format!("/batchdeck/v1/cost?by={}{since}", query.by.as_str());
        self.client.call(Call::get("Costs", path)).await
    }

    async fn observed_runs(&self, definition: Option<&str>) -> Result<Vec<ObservedRuns>, BackendError> {
        let of = definition.map(|name| format!("?definition={}", encode(name))).unwrap_or_default();
        self.client.call(Call::get("ObservedRuns", format!("/batchdeck/v1/runs{of}"))).await
    }

    async fn usage_over_time(&self, job: &JobDetail) -> Result<UsageOverTime, BackendError> {
        let task = job.task_arn().and_then(|arn| arn.rsplit('/').next());
        let Some(task) = task else {
            let nothing = "it has not run yet".to_owned();
            return Ok(UsageOverTime { nothing, ..UsageOverTime::default() });
        };
        self.client.call(Call::get("UsageOverTime", format!("/batchdeck/v1/usage/{}", encode(task)))).await
    }

    async fn throughput(&self, since: Millis) -> Result<Throughput, BackendError> {
        self.client.call(Call::get("Throughput", format!("/batchdeck/v1/throughput?since={since}"))).await
    }

    async fn watch(
        &self,
        cursor: Option<Cursor>,
    ) -> Result<BoxStream<'static, Result<Change, BackendError>>, BackendError> {
        let path = match cursor {
            Some(Cursor(at)) => format!("/batchdeck/v1/watch?cursor={at}"),
            None => "/batchdeck/v1/watch".to_owned(),
        };
        self.client.lines(Call::get("Watch", path), Flow::Lively).await
    }

    async fn watches(&self) -> Result<Vec<Watch>, BackendError> {
        self.client.call(Call::get("ListWatches", "/batchdeck/v1/watches")).await
    }

    async fn save_watch(&self, save: SaveWatch) -> Result<Watch, BackendError> {
        self.client.call(Call::send("SaveWatch", Method::POST, "/batchdeck/v1/watches", &save)).await
    }

    async fn remove_watch(&self, id: &str) -> Result<(), BackendError> {
        let path = format!("/batchdeck/v1/watches/{}", encode(id));
        let call = Call::send("RemoveWatch", Method::DELETE, path, &serde_json::json!({}));
        self.act(call.about(format!("watch {id}"))).await
    }

    async fn acknowledge_watch(&self, id: Option<&str>) -> Result<(), BackendError> {
        let one = id.map(|id| format!("/{}", encode(id))).unwrap_or_default();
        let path = format!("/batchdeck/v1/watches{one}/acknowledge");
        self.act(Call::send("AcknowledgeWatch", Method::POST, path, &serde_json::json!({}))).await
    }

    async fn schedule_groups(&self) -> Result<Vec<ScheduleGroup>, BackendError> {
        let mut all = Vec::new();
        let mut token = None::<String>;
        loop {
            let query = token.map(|token| format!("?NextToken={}", encode(&token))).unwrap_or_default();
            let call = Call::get("ListScheduleGroups", format!("/schedule-groups{query}"));
            let page: ListedGroups = self.client.call(call).await?;
            all.extend(page.schedule_groups);
            match page.next_token {
                Some(next) => token = Some(next),
                None => return Ok(all),
            }
        }
    }

    async fn create_schedule_group(&self, name: &str) -> Result<(), BackendError> {
        let path = format!("/schedule-groups/{}", encode(name));
        let call = Call::send("CreateScheduleGroup", Method::POST, path, &serde_json::json!({}));
        self.act(call.about(format!("schedule group {name}"))).await
    }

    async fn delete_schedule_group(&self, name: &str) -> Result<(), BackendError> {
        let path = format!("/schedule-groups/{}", encode(name));
        let call = Call { method: Method::DELETE, ..Call::get("DeleteScheduleGroup", path) };
        self.act(call.about(format!("schedule group {name}"))).await
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, BackendError> {
        self.client.call(Call::get("ListDeadLetters", format!("/batchdeck/v1/dead-letters?limit={limit}"))).await
    }

    async fn clear_dead_letters(&self) -> Result<(), BackendError> {
        let call = Call::get("ClearDeadLetters", "/batchdeck/v1/dead-letters");
        self.act(Call { method: Method::DELETE, ..call }).await
    }

    async fn events(
        &self,
        cursor: Option<u64>,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<EventLine, BackendError>>, BackendError> {
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let call = Call::get("Events", format!("/batchdeck/v1/events?follow={follow}{cursor}"));
        self.client.lines(call, if follow { Flow::Endless } else { Flow::Finite }).await
    }

    async fn engine_status(&self) -> Result<EngineStatus, BackendError> {
        self.client.call(Call::get("EngineStatus", "/batchdeck/v1/status")).await
    }
}
