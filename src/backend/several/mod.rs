//! Several contexts as one: their rows stand in one list, each name with the context where it lives, and what is done to
//! one goes there.

mod events;
mod homes;
mod meters;
mod pages;
mod part;
mod seek;
pub mod tag;
mod watch;

pub use homes::Homes;
pub use part::Part;

use super::log_search::{SearchLog, Searched};
use super::{Backend, BackendError, Capabilities, JobQuery, Meter, Page, Why};
use crate::model::{
    AuditEntry, CapacityOverTime, Change, CommandRun, ComputeEnvironment, ConsumableResource, CostQuery, CostReport,
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, Cursor, EngineStatus, EventLine, FilterLogEvents,
    FilteredLogEvents, GetLogEvents, HoldTarget, InstanceId, JobDefinition, JobDetail, JobId, JobQueue,
    JobQueueSnapshot, JobSummary, LinesOverTime, LogPage, LogPattern, Millis, MoveTo, ObservedRuns,
    RegisterJobDefinitionRequest, RegisterJobDefinitionResponse, Scaling, Schedule, ScheduleGroup, ScheduleRun,
    SchedulingPolicy, SubmitJobRequest, SubmitJobResponse, SubmitServiceJobRequest, UpdateComputeEnvironmentRequest,
    UpdateJobQueueRequest, UpdateSchedulingPolicyRequest, UsageOverTime,
};
use async_trait::async_trait;
use events::Told;
use futures::future::try_join_all;
use futures::stream::BoxStream;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::Mutex;

const NAME: &str = "several contexts";

/// Several contexts at once.
pub struct Several {
    parts: Vec<Arc<Part>>,
    homes: Arc<Homes>,
    /// What happened in all of them.
    told: Arc<Mutex<Told>>,
}

impl Several {
    pub fn new(parts: Vec<Part>) -> Self {
        let told = Told::of(parts.len(), chrono::Utc::now().timestamp_millis());
        let parts = parts.into_iter().map(Arc::new).collect();
        Self { parts, homes: Arc::default(), told: Arc::new(Mutex::new(told)) }
    }

    fn unsupported<T>(action: &'static str) -> Result<T, BackendError> {
        Err(BackendError::Unsupported { action, backend: NAME, instead: "ask in one of them (`--context NAME`)" })
    }
}

#[async_trait]
impl Backend for Several {
    /// What one of them can is offered; one that cannot refuses.
    fn capabilities(&self) -> Capabilities {
        let all: Vec<_> = self.enumerated().map(|(_, part)| part.backend.capabilities()).collect();
        let any = |can: fn(&Capabilities) -> bool| all.iter().any(can);
        Capabilities {
            name: NAME,
            reprioritise_job: any(|can| can.reprioritise_job),
            hold: any(|can| can.hold),
            instances: false,
            schedules: any(|can| can.schedules),
            audit: any(|can| can.audit),
            costs: false,
            pushes_changes: false,
            spans_contexts: true,
        }
    }

    async fn job_queues(&self) -> Result<Vec<JobQueue>, BackendError> {
        self.each(async |part| {
            let all = part.backend.job_queues().await?;
            Ok(all.into_iter().map(|one| tag::queue(one, &part.context)).collect())
        })
        .await
    }

    async fn queues_alone(&self) -> Result<Vec<JobQueue>, BackendError> {
        self.each(async |part| {
            let all = part.backend.queues_alone().await?;
            Ok(all.into_iter().map(|one| tag::queue(one, &part.context)).collect())
        })
        .await
    }

    async fn create_job_queue(&self, mut request: CreateJobQueueRequest) -> Result<(), BackendError> {
        let (part, name) = self.to_change("job queue", &request.job_queue_name)?;
        request.job_queue_name = name;
        request.compute_environment_order = part.order(request.compute_environment_order);
        part.backend.create_job_queue(request).await
    }

    async fn update_job_queue(&self, mut request: UpdateJobQueueRequest, why: Why) -> Result<(), BackendError> {
        let (part, name) = self.to_change("job queue", &request.job_queue)?;
        request.job_queue = name;
        request.compute_environment_order = request.compute_environment_order.map(|order| part.order(order));
        part.backend.update_job_queue(request, why).await
    }

    async fn delete_job_queue(&self, name: &str, why: Why) -> Result<(), BackendError> {
        let (part, name) = self.to_change("job queue", name)?;
        part.backend.delete_job_queue(&name, why).await
    }

    async fn compute_environments(&self) -> Result<Vec<ComputeEnvironment>, BackendError> {
        self.each(async |part| {
            let all = part.backend.compute_environments().await?;
            Ok(all.into_iter().map(|one| tag::environment(one, &part.context)).collect())
        })
        .await
    }

    async fn environments_alone(&self) -> Result<Vec<ComputeEnvironment>, BackendError> {
        self.each(async |part| {
            let all = part.backend.environments_alone().await?;
            Ok(all.into_iter().map(|one| tag::environment(one, &part.context)).collect())
        })
        .await
    }

    async fn create_compute_environment(
        &self,
        mut request: CreateComputeEnvironmentRequest,
    ) -> Result<(), BackendError> {
        let (part, name) = self.to_change("compute environment", &request.compute_environment_name)?;
        request.compute_environment_name = name;
        part.backend.create_compute_environment(request).await
    }

    async fn update_compute_environment(
        &self,
        mut request: UpdateComputeEnvironmentRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        let (part, name) = self.to_change("compute environment", &request.compute_environment)?;
        request.compute_environment = name;
        part.backend.update_compute_environment(request, why).await
    }

    async fn delete_compute_environment(&self, name: &str, why: Why) -> Result<(), BackendError> {
        let (part, name) = self.to_change("compute environment", name)?;
        part.backend.delete_compute_environment(&name, why).await
    }

    async fn tag_resource(&self, arn: &str, tags: BTreeMap<String, String>, why: Why) -> Result<(), BackendError> {
        let (part, arn) = self.to_change("resource", arn)?;
        part.backend.tag_resource(&arn, tags, why).await
    }

    async fn capacity_over_time(&self, environment: &str) -> Result<CapacityOverTime, BackendError> {
        let (part, name) = self.split("compute environment", environment)?;
        part.backend.capacity_over_time(&name).await.map_err(|error| part.named(error))
    }

    async fn scaling(&self, environment: Option<&str>) -> Result<Vec<Scaling>, BackendError> {
        let mut steps = match environment {
            Some(name) => {
                let (part, name) = self.split("compute environment", name)?;
                let steps = part.backend.scaling(Some(&name)).await?;
                steps.into_iter().map(|step| tag::step(step, &part.context)).collect()
            }
            None => {
                self.each(async |part| {
                    let all = part.backend.scaling(None).await?;
                    Ok(all.into_iter().map(|step| tag::step(step, &part.context)).collect())
                })
                .await?
            }
        };
        steps.sort_by_key(|step: &Scaling| std::cmp::Reverse(step.at));
        Ok(steps)
    }

    async fn interrupt_instance(&self, _: &InstanceId, _at_once: bool, _why: Why) -> Result<(), BackendError> {
        Self::unsupported("interrupting an instance")
    }

    async fn job_definitions(&self, active_only: bool) -> Result<Vec<JobDefinition>, BackendError> {
        self.each(async |part| {
            let all = part.backend.job_definitions(active_only).await?;
            Ok(all.into_iter().map(|one| tag::definition(one, &part.context)).collect())
        })
        .await
    }

    async fn register_job_definition(
        &self,
        mut request: RegisterJobDefinitionRequest,
    ) -> Result<RegisterJobDefinitionResponse, BackendError> {
        let (part, name) = self.to_change("job definition", &request.job_definition_name)?;
        request.job_definition_name = name;
        let mut made = part.backend.register_job_definition(request).await?;
        made.job_definition_name = tag::tag(&made.job_definition_name, &part.context);
        Ok(made)
    }

    async fn jobs(&self, query: JobQuery) -> Result<Page<JobSummary>, BackendError> {
        self.page(query).await
    }

    async fn describe_jobs(&self, ids: &[JobId]) -> Result<Vec<JobDetail>, BackendError> {
        let asked = self.enumerated().map(|(at, part)| {
            let here = |id: &&JobId| self.homes.of_job(id).is_none_or(|home| home == at);
            let ids: Vec<JobId> = ids.iter().filter(here).cloned().collect();
            async move {
                if ids.is_empty() {
                    return Ok((at, Vec::new()));
                }
                Ok::<_, BackendError>((at, part.backend.describe_jobs(&ids).await.map_err(|error| part.named(error))?))
            }
        });
        let mut found = HashMap::new();
        for (at, details) in try_join_all(asked).await? {
            for detail in details {
                self.homes.note_detail(&detail, at);
                found.insert(detail.job_id.clone(), tag::detail(detail, &self.parts[at].context));
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The queue says where: the definition is one of the same context.
    async fn submit_job(&self, mut request: SubmitJobRequest) -> Result<SubmitJobResponse, BackendError> {
        let (part, queue) = self.to_change("job queue", &request.job_queue)?;
        request.job_queue = queue;
        let definition = part.plain(request.job_definition);
        if let Ok((other, _)) = self.split("job definition", &definition) {
            let message = format!(
                "the queue is of `{}` and the definition of `{}`: a job is submitted with a definition of its own context",
                part.context, other.context
            );
            return Err(BackendError::Refused { code: "TwoContexts".to_owned(), message });
        }
        request.job_definition = definition;
        let answer = part.backend.submit_job(request).await.map_err(|error| part.named(error))?;
        self.note_submitted(part, &answer.job_id);
        Ok(answer)
    }

    async fn submit_service_job(
        &self,
        mut request: SubmitServiceJobRequest,
    ) -> Result<SubmitJobResponse, BackendError> {
        let (part, queue) = self.to_change("job queue", &request.job_queue)?;
        request.job_queue = queue;
        let answer = part.backend.submit_service_job(request).await.map_err(|error| part.named(error))?;
        self.note_submitted(part, &answer.job_id);
        Ok(answer)
    }

    async fn cancel_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        let part = self.home_to_change(id).await?;
        part.backend.cancel_job(id, reason).await.map_err(|error| part.named(error))
    }

    async fn terminate_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        let part = self.home_to_change(id).await?;
        part.backend.terminate_job(id, reason).await.map_err(|error| part.named(error))
    }

    async fn reprioritise_job(&self, id: &JobId, priority: i32, why: Why) -> Result<(), BackendError> {
        let part = self.home_to_change(id).await?;
        part.backend.reprioritise_job(id, priority, why).await
    }

    async fn hold(&self, target: &HoldTarget, why: Why) -> Result<(), BackendError> {
        let (part, target) = self.held(target).await?;
        part.backend.hold(&target, why).await
    }

    async fn release(&self, target: &HoldTarget, why: Why) -> Result<(), BackendError> {
        let (part, target) = self.held(target).await?;
        part.backend.release(&target, why).await
    }

    async fn move_job(&self, id: &JobId, mut to: MoveTo, why: Why) -> Result<(), BackendError> {
        let part = self.home_to_change(id).await?;
        if let Some(queue) = &mut to.job_queue {
            *queue = tag::untag(queue, &part.context).ok_or_else(|| BackendError::Refused {
                code: "TwoContexts".to_owned(),
                message: format!("{queue} is not of `{}`, where the job is: a job stays in its context", part.context),
            })?;
        }
        part.backend.move_job(id, to, why).await
    }

    async fn queue_snapshot(&self, queue: &str) -> Result<JobQueueSnapshot, BackendError> {
        let (part, queue) = self.split("job queue", queue)?;
        part.backend.queue_snapshot(&queue).await
    }

    /// An ARN has no context of ours: the first that has it tells.
    async fn scheduling_policy(&self, arn: &str) -> Result<SchedulingPolicy, BackendError> {
        let (_, policy) = self.policy(arn).await?;
        Ok(policy)
    }

    async fn update_scheduling_policy(
        &self,
        request: UpdateSchedulingPolicyRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        let (part, _) = self.policy(&request.arn).await?;
        part.writable()?;
        part.backend.update_scheduling_policy(request, why).await.map_err(|error| part.named(error))
    }

    /// It is asked for by the name that a job has for it, which has no context: the first that has one tells.
    async fn consumable_resource(&self, name: &str) -> Result<ConsumableResource, BackendError> {
        let mut failed = BackendError::NotFound { what: format!("consumable resource {name}") };
        for (_, part) in self.enumerated() {
            match part.backend.consumable_resource(name).await {
                Ok(found) => return Ok(found),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    async fn log_events(&self, request: GetLogEvents) -> Result<LogPage, BackendError> {
        let part = self.home_of_stream(request.log_group_name.as_deref(), &request.log_stream_name).await?;
        part.backend.log_events(request).await
    }

    async fn next_log_page(&self, request: GetLogEvents) -> Result<LogPage, BackendError> {
        let part = self.home_of_stream(request.log_group_name.as_deref(), &request.log_stream_name).await?;
        part.backend.next_log_page(request).await
    }

    async fn lines_between(
        &self,
        group: Option<&str>,
        stream: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<Option<u64>, BackendError> {
        let part = self.home_of_stream(group, stream).await?;
        part.backend.lines_between(group, stream, from, to).await
    }

    async fn lines_over_time(
        &self,
        group: Option<&str>,
        stream: &str,
        since: Option<Millis>,
        keep: Option<&LogPattern>,
        spans: usize,
    ) -> Result<Option<LinesOverTime>, BackendError> {
        let part = self.home_of_stream(group, stream).await?;
        part.backend.lines_over_time(group, stream, since, keep, spans).await
    }

    async fn filter_log_events(&self, request: FilterLogEvents) -> Result<FilteredLogEvents, BackendError> {
        let Some(first) = request.log_stream_names.first() else {
            return Self::unsupported("looking through a whole group of logs");
        };
        let part = self.home_of_stream(request.log_group_name.as_deref(), first).await?;
        part.backend.filter_log_events(request).await
    }

    async fn search_log(&self, search: SearchLog) -> Result<Searched, BackendError> {
        let part = self.home_of_stream(search.group.as_deref(), &search.stream).await?;
        part.backend.search_log(search).await
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, BackendError> {
        self.each(async |part| {
            let all = part.backend.schedules().await?;
            Ok(all.into_iter().map(|one| tag::schedule(one, &part.context)).collect())
        })
        .await
    }

    async fn rules(&self) -> Result<Vec<Schedule>, BackendError> {
        self.each(async |part| {
            let all = part.backend.rules().await?;
            Ok(all.into_iter().map(|one| tag::schedule(one, &part.context)).collect())
        })
        .await
    }

    async fn create_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        let (part, _) = self.to_change("schedule", &schedule.name)?;
        part.backend.create_schedule(tag::plain_schedule(schedule, &part.context)).await
    }

    async fn update_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        let (part, _) = self.to_change("schedule", &schedule.name)?;
        part.backend.update_schedule(tag::plain_schedule(schedule, &part.context)).await
    }

    async fn delete_schedule(&self, group: &str, name: &str) -> Result<(), BackendError> {
        let (part, name) = self.to_change("schedule", name)?;
        part.backend.delete_schedule(group, &name).await
    }

    async fn run_schedule(&self, group: &str, name: &str) -> Result<SubmitJobResponse, BackendError> {
        let (part, name) = self.to_change("schedule", name)?;
        part.backend.run_schedule(group, &name).await
    }

    async fn schedule_runs(&self, group: &str, name: &str) -> Result<Vec<ScheduleRun>, BackendError> {
        let (part, name) = self.split("schedule", name)?;
        let runs = part.backend.schedule_runs(group, &name).await?;
        Ok(runs.into_iter().map(|run| tag::run(run, &part.context)).collect())
    }

    async fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, BackendError> {
        let mut entries = Vec::new();
        for (_, part) in self.enumerated().filter(|(_, part)| part.backend.capabilities().audit) {
            let told = part.backend.audit(limit).await.map_err(|error| part.named(error))?;
            entries.extend(told.into_iter().map(|entry| tag::entry(entry, &part.context)));
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        entries.truncate(limit);
        Ok(entries)
    }

    /// In the context of what it ran on; one that ran on nothing is of all of them.
    async fn record_run(&self, run: CommandRun) -> Result<(), BackendError> {
        let known = self.homes.of_job(&JobId::from(run.target.as_str())).map(|at| &*self.parts[at]);
        let found = match (known, self.split("target", &run.target)) {
            (Some(part), _) => Some((part, run.target.clone())),
            (None, split) => split.ok(),
        };
        if let Some((part, target)) = found {
            return part.backend.record_run(CommandRun { target, ..run }).await;
        }
        for (_, part) in self.enumerated() {
            part.backend.record_run(run.clone()).await.map_err(|error| part.named(error))?;
        }
        Ok(())
    }

    async fn costs(&self, _query: CostQuery) -> Result<CostReport, BackendError> {
        Self::unsupported("telling what was spent")
    }

    async fn observed_runs(&self, definition: Option<&str>) -> Result<Vec<ObservedRuns>, BackendError> {
        let Some(Ok((part, name))) = definition.map(|name| self.split("job definition", name)) else {
            return Self::unsupported("telling what runs have used");
        };
        let mut runs = part.backend.observed_runs(Some(&name)).await?;
        for run in &mut runs {
            run.job_definition_name = tag::tag(&run.job_definition_name, &part.context);
        }
        Ok(runs)
    }

    async fn usage_over_time(&self, job: &JobDetail) -> Result<UsageOverTime, BackendError> {
        let (_, part) = self.home(&job.job_id).await?;
        part.backend.usage_over_time(job).await.map_err(|error| part.named(error))
    }

    async fn watch(
        &self,
        _cursor: Option<Cursor>,
    ) -> Result<BoxStream<'static, Result<Change, BackendError>>, BackendError> {
        watch::watch(&self.parts, &self.homes).await
    }

    async fn events(
        &self,
        cursor: Option<u64>,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<EventLine, BackendError>>, BackendError> {
        self.all_events(cursor, follow).await
    }

    async fn schedule_groups(&self) -> Result<Vec<ScheduleGroup>, BackendError> {
        self.each(async |part| part.backend.schedule_groups().await).await
    }

    async fn create_schedule_group(&self, _name: &str) -> Result<(), BackendError> {
        Self::unsupported("making a group of schedules")
    }

    async fn delete_schedule_group(&self, _name: &str) -> Result<(), BackendError> {
        Self::unsupported("deleting a group of schedules")
    }

    fn look_at(&self, queue: Option<&str>, environment: Option<&str>) {
        for (_, part) in self.enumerated() {
            let of = |name: Option<&str>| name.and_then(|name| tag::untag(name, &part.context));
            part.backend.look_at(of(queue).as_deref(), of(environment).as_deref());
        }
    }

    /// That of the first context that asks for one.
    fn code_wanted(&self) -> Option<String> {
        self.parts.iter().find_map(|part| part.backend.code_wanted())
    }

    async fn give_code(&self, code: &str) -> Result<(), BackendError> {
        let asks = self.parts.iter().find(|part| part.backend.code_wanted().is_some());
        match asks.or(self.parts.first()) {
            Some(part) => part.backend.give_code(code).await.map_err(|error| part.named(error)),
            None => Err(BackendError::NotFound { what: "any context".to_owned() }),
        }
    }

    fn look_again(&self) {
        self.enumerated().for_each(|(_, part)| part.backend.look_again());
    }

    fn meter(&self) -> Option<Meter> {
        self.meters()
    }

    async fn engine_status(&self) -> Result<EngineStatus, BackendError> {
        Self::unsupported("asking for the engine's state")
    }
}

#[cfg(test)]
mod tests;
