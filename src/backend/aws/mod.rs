//! AWS Batch and `CloudWatch` Logs as a backend, through the AWS SDK.
//!
//! All calls share one budget of calls a second, in which an operator's own calls go before the polls of a watch.
//! Here each question is handed to the file of its noun; what AWS has no call for is refused in the words of `cannot`.

mod activities;
mod audit;
mod budget;
mod calls;
mod cannot;
mod convert;
mod cost;
mod credentials;
mod definitions;
mod environments;
mod errors;
mod examine;
mod fleet;
mod flight;
mod forgotten;
mod happenings;
mod history;
mod instances;
mod job_actions;
mod job_page;
mod jobs;
mod log_search;
mod logs;
mod memory;
mod mfa;
mod pages;
pub mod permissions;
mod prices;
mod query;
mod queues;
mod rules;
mod schedules;
mod seen;
mod service;
mod service_logs;
mod services;
mod settings;
mod submit;
#[cfg(test)]
mod tests;
mod usage;
mod watch;
mod world;

pub use settings::{AwsSettings, Keys};

use super::log_search::{SearchLog, Searched};
use super::{Backend, BackendError, Capabilities, JobQuery, Meter, Page, Why};
use crate::model::{
    AuditEntry, CapacityOverTime, Change, CommandRun, ComputeEnvironment, ConsumableResource, CostQuery, CostReport,
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, Cursor, EngineStatus, EventLine, FilterLogEvents,
    FilteredLogEvents, Finding, GetLogEvents, HoldTarget, InstanceId, JobDefinition, JobDetail, JobId, JobQueue,
    JobQueueSnapshot, JobSummary, LogPage, Millis, MoveTo, ObservedRuns, RegisterJobDefinitionRequest,
    RegisterJobDefinitionResponse, Scaling, Schedule, ScheduleGroup, ScheduleRun, SchedulingPolicy, SubmitJobRequest,
    SubmitJobResponse, SubmitServiceJobRequest, UpdateComputeEnvironmentRequest, UpdateJobQueueRequest,
    UpdateSchedulingPolicyRequest, UsageOverTime,
};
use async_trait::async_trait;
use audit::AuditFile;
use budget::Caller::{Background, Operator};
use futures::stream::BoxStream;
use service::Service;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const NAME: &str = "aws";

/// Pages that are read of one list of queues, environments or revisions; an account may have 50 queues.
const PAGES: usize = 10;

/// AWS Batch in one region, as one identity.
#[derive(Debug)]
pub struct AwsBackend {
    service: Arc<Service>,
    by: String,
    audit: Option<AuditFile>,
}

impl AwsBackend {
    /// Who one is there, and what one may do: by calls that change nothing.
    pub async fn examine(&self) -> Vec<Finding> {
        let mut findings = examine::examine(&self.service, &self.region().unwrap_or_default()).await;
        findings.push(self.history_found().await);
        findings
    }
}

#[async_trait]
impl Backend for AwsBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: NAME,
            reprioritise_job: false,
            hold: false,
            instances: false,
            schedules: true,
            audit: self.audit.is_some(),
            costs: false,
            pushes_changes: false,
            spans_contexts: false,
        }
    }

    fn region(&self) -> Option<String> {
        self.service.batch.config().region().map(ToString::to_string)
    }

    async fn job_queues(&self) -> Result<Vec<JobQueue>, BackendError> {
        self.counted_queues().await
    }

    async fn queues_alone(&self) -> Result<Vec<JobQueue>, BackendError> {
        self.service.queues(Operator).await
    }

    async fn create_job_queue(&self, request: CreateJobQueueRequest) -> Result<(), BackendError> {
        self.create_queue(request).await
    }

    async fn update_job_queue(&self, request: UpdateJobQueueRequest, why: Why) -> Result<(), BackendError> {
        self.update_queue(request, why).await
    }

    async fn delete_job_queue(&self, name: &str, why: Why) -> Result<(), BackendError> {
        self.delete_queue(name, why).await
    }

    async fn compute_environments(&self) -> Result<Vec<ComputeEnvironment>, BackendError> {
        self.environments_with_instances().await
    }

    async fn environments_alone(&self) -> Result<Vec<ComputeEnvironment>, BackendError> {
        self.service.environments(Operator).await
    }

    async fn scaling(&self, environment: Option<&str>) -> Result<Vec<Scaling>, BackendError> {
        self.steps_of(environment).await
    }

    async fn capacity_over_time(&self, environment: &str) -> Result<CapacityOverTime, BackendError> {
        Ok(self.capacity_seen(environment))
    }

    async fn create_compute_environment(&self, request: CreateComputeEnvironmentRequest) -> Result<(), BackendError> {
        self.create_environment(request).await
    }

    async fn update_compute_environment(
        &self,
        request: UpdateComputeEnvironmentRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        self.update_environment(request, why).await
    }

    async fn delete_compute_environment(&self, name: &str, why: Why) -> Result<(), BackendError> {
        self.delete_environment(name, why).await
    }

    async fn tag_resource(&self, arn: &str, tags: BTreeMap<String, String>, why: Why) -> Result<(), BackendError> {
        let outcome = tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ");
        let call = self.service.batch.tag_resource().resource_arn(arn).set_tags(Some(tags.into_iter().collect()));
        let result = self.service.call(Operator, "TagResource", || call.clone().send()).await.map(|_| ());
        self.record("TagResource", arn, why.reason, outcome, result).await
    }

    async fn interrupt_instance(&self, _: &InstanceId, _at_once: bool, _why: Why) -> Result<(), BackendError> {
        Err(cannot::INTERRUPT_INSTANCE)
    }

    async fn job_definitions(&self, active_only: bool) -> Result<Vec<JobDefinition>, BackendError> {
        // Beside a watch nobody waits for all of them: the console has them ready for its forms.
        let caller = if self.service.memory().watches > 0 { Background } else { Operator };
        self.service.definitions(caller, active_only).await
    }

    async fn register_job_definition(
        &self,
        request: RegisterJobDefinitionRequest,
    ) -> Result<RegisterJobDefinitionResponse, BackendError> {
        self.register(request).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<Page<JobSummary>, BackendError> {
        self.page_of_jobs(query).await
    }

    async fn describe_jobs(&self, ids: &[JobId]) -> Result<Vec<JobDetail>, BackendError> {
        let mut details = self.describe(ids).await?;
        self.service.add_costs(&mut details);
        Ok(details)
    }

    async fn submit_job(&self, request: SubmitJobRequest) -> Result<SubmitJobResponse, BackendError> {
        self.submit(request).await
    }

    async fn submit_service_job(&self, request: SubmitServiceJobRequest) -> Result<SubmitJobResponse, BackendError> {
        self.submit_service(request).await
    }

    async fn cancel_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        self.cancel(id, reason).await
    }

    async fn terminate_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        self.terminate(id, reason).await
    }

    async fn reprioritise_job(&self, id: &JobId, priority: i32, why: Why) -> Result<(), BackendError> {
        self.reprioritise(id, priority, why).await
    }

    async fn hold(&self, target: &HoldTarget, _why: Why) -> Result<(), BackendError> {
        Err(match target {
            HoldTarget::Job(_) => cannot::HOLD_JOB,
            HoldTarget::Queue(_) => cannot::HOLD_QUEUE,
        })
    }

    async fn release(&self, _target: &HoldTarget, _why: Why) -> Result<(), BackendError> {
        Err(cannot::RELEASE)
    }

    async fn move_job(&self, _id: &JobId, _to: MoveTo, _why: Why) -> Result<(), BackendError> {
        Err(cannot::MOVE_JOB)
    }

    async fn scheduling_policy(&self, arn: &str) -> Result<SchedulingPolicy, BackendError> {
        self.policy(arn).await
    }

    async fn update_scheduling_policy(
        &self,
        request: UpdateSchedulingPolicyRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        self.update_policy(request, why).await
    }

    async fn queue_snapshot(&self, queue: &str) -> Result<JobQueueSnapshot, BackendError> {
        self.snapshot(queue).await
    }

    async fn consumable_resource(&self, name: &str) -> Result<ConsumableResource, BackendError> {
        self.consumable(name).await
    }

    async fn log_events(&self, request: GetLogEvents) -> Result<LogPage, BackendError> {
        self.service.log_page(Operator, request).await
    }

    async fn search_log(&self, search: SearchLog) -> Result<Searched, BackendError> {
        log_search::search(self, &self.service, search).await
    }

    async fn filter_log_events(&self, request: FilterLogEvents) -> Result<FilteredLogEvents, BackendError> {
        self.service.filtered(Operator, request).await
    }

    async fn next_log_page(&self, request: GetLogEvents) -> Result<LogPage, BackendError> {
        logs::next_page(&self.service, request).await
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, BackendError> {
        self.service.schedules(Operator).await
    }

    async fn rules(&self) -> Result<Vec<Schedule>, BackendError> {
        self.rules_of_queues().await
    }

    async fn create_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        self.make_schedule(schedule).await
    }

    async fn update_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        self.change_schedule(schedule).await
    }

    async fn delete_schedule(&self, group: &str, name: &str) -> Result<(), BackendError> {
        self.remove_schedule(group, name).await
    }

    async fn run_schedule(&self, group: &str, name: &str) -> Result<SubmitJobResponse, BackendError> {
        self.fire(group, name).await
    }

    async fn schedule_runs(&self, group: &str, name: &str) -> Result<Vec<ScheduleRun>, BackendError> {
        self.service.schedule_runs(group, name).await
    }

    async fn schedule_groups(&self) -> Result<Vec<ScheduleGroup>, BackendError> {
        self.service.schedule_groups().await
    }

    async fn create_schedule_group(&self, name: &str) -> Result<(), BackendError> {
        self.make_group(name).await
    }

    async fn delete_schedule_group(&self, name: &str) -> Result<(), BackendError> {
        self.remove_group(name).await
    }

    async fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, BackendError> {
        self.last_recorded(limit).await
    }

    async fn watch(
        &self,
        cursor: Option<Cursor>,
    ) -> Result<BoxStream<'static, Result<Change, BackendError>>, BackendError> {
        watch::watch(Arc::clone(&self.service), cursor).await
    }

    /// What this program has seen of them, and what the times of jobs tell: AWS has no call for its events.
    async fn events(
        &self,
        cursor: Option<u64>,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<EventLine, BackendError>>, BackendError> {
        if follow {
            let changes = self.watch(None).await?;
            return Ok(happenings::follow(Arc::clone(&self.service), changes, cursor));
        }
        if self.service.memory().watches == 0 {
            self.service.look_for_events().await?;
        }
        Ok(happenings::so_far(&self.service, cursor))
    }

    async fn record_run(&self, run: CommandRun) -> Result<(), BackendError> {
        let outcome = run.recorded_outcome();
        self.record(CommandRun::ACTION, run.recorded_target(), None, outcome, Ok(())).await
    }

    async fn costs(&self, _query: CostQuery) -> Result<CostReport, BackendError> {
        Err(cannot::ADD_UP_COSTS)
    }

    async fn observed_runs(&self, _definition: Option<&str>) -> Result<Vec<ObservedRuns>, BackendError> {
        Err(cannot::OBSERVE_RUNS)
    }

    async fn usage_over_time(&self, job: &JobDetail) -> Result<UsageOverTime, BackendError> {
        self.service.usage_over_time(job).await
    }

    fn code_wanted(&self) -> Option<String> {
        self.service.code_wanted()
    }

    async fn give_code(&self, code: &str) -> Result<(), BackendError> {
        self.service.give_code(code).await
    }

    fn look_at(&self, queue: Option<&str>, environment: Option<&str>) {
        let mut memory = self.service.memory();
        memory.looked_at = queue.map(str::to_owned);
        memory.environment_looked_at = environment.map(str::to_owned);
        drop(memory);
        self.service.wake.notify_one();
    }

    fn look_again(&self) {
        let mut memory = self.service.memory();
        (memory.hurry, memory.schedules_changed) = (true, true);
        drop(memory);
        self.service.wake.notify_one();
    }

    fn meter(&self) -> Option<Meter> {
        let budget::Load { per_second, allowed, waiting, throttled, closed_for } = self.service.budget.load();
        let millis = |span: Duration| Millis::try_from(span.as_millis()).unwrap_or(Millis::MAX);
        Some(Meter {
            per_second,
            allowed,
            waiting,
            throttled,
            closed_for: millis(closed_for),
            unanswered: self.service.flights.longest().map_or(0, millis),
            clock_behind: self.service.clock.ahead(),
            read_at: self.service.memory().read_at.clone(),
        })
    }

    async fn engine_status(&self) -> Result<EngineStatus, BackendError> {
        Err(cannot::ENGINE_STATUS)
    }
}
