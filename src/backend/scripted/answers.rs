//! What a recorded world answers.

use super::{Call, Can, Part, ScriptedBackend, offset, page};
use crate::backend::{Backend, BackendError, Capabilities, JobQuery, Page, Why};
use crate::model::watch::{SaveWatch, Watch};
use crate::model::{
    AuditEntry, CapacityOverTime, Change, CommandRun, ComputeEnvironment, CostQuery, CostReport,
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, Cursor, EngineStatus, EventLine, FilterLogEvents,
    FilteredLogEvent, FilteredLogEvents, FrontOfQueue, FrontOfQueueJob, GetLogEvents, HoldTarget, InstanceId,
    JobDefinition, JobDetail, JobId, JobQueue, JobQueueSnapshot, JobStatus, JobSummary, Level, LinesOverTime, LogEvent,
    LogPage, LogPattern, Millis, MoveTo, ObservedRuns, RegisterJobDefinitionRequest, RegisterJobDefinitionResponse,
    Scaling, Schedule, ScheduleGroup, ScheduleRun, SchedulingPolicy, Shape, SubmitJobRequest, SubmitJobResponse,
    Throughput, Traces, UpdateComputeEnvironmentRequest, UpdateJobQueueRequest, UpdateSchedulingPolicyRequest,
    UsageOverTime, What,
};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use std::collections::{BTreeMap, BTreeSet};

#[async_trait]
impl Backend for ScriptedBackend {
    fn capabilities(&self) -> Capabilities {
        let Can { reprioritise_job, hold, instances, schedules, audit, costs, pushes_changes } = self.world.can;
        Capabilities {
            name: if pushes_changes && self.world.recorded.as_ref().is_none_or(|of| of.backend == "local") {
                "local"
            } else {
                "aws"
            },
            reprioritise_job,
            hold,
            instances,
            schedules,
            audit,
            costs,
            pushes_changes,
            spans_contexts: false,
        }
    }

    fn recorded_at(&self) -> Option<Millis> {
        self.world.recorded.as_ref().map(|recorded| recorded.at)
    }

    async fn job_queues(&self) -> Result<Vec<JobQueue>, BackendError> {
        Ok(self.world.queues.clone())
    }

    async fn create_job_queue(&self, request: CreateJobQueueRequest) -> Result<(), BackendError> {
        self.note(Call::CreateJobQueue(request))
    }

    async fn update_job_queue(&self, request: UpdateJobQueueRequest, why: Why) -> Result<(), BackendError> {
        self.note(Call::UpdateJobQueue(request, why))
    }

    async fn compute_environments(&self) -> Result<Vec<ComputeEnvironment>, BackendError> {
        Ok(self.world.environments.clone())
    }

    async fn create_compute_environment(&self, request: CreateComputeEnvironmentRequest) -> Result<(), BackendError> {
        self.note(Call::CreateComputeEnvironment(Box::new(request)))
    }

    async fn update_compute_environment(
        &self,
        request: UpdateComputeEnvironmentRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        self.note(Call::UpdateComputeEnvironment(Box::new(request), why))
    }

    async fn delete_job_queue(&self, name: &str, why: Why) -> Result<(), BackendError> {
        self.note(Call::DeleteJobQueue { name: name.to_owned(), why })
    }

    async fn delete_compute_environment(&self, name: &str, why: Why) -> Result<(), BackendError> {
        self.note(Call::DeleteComputeEnvironment { name: name.to_owned(), why })
    }

    async fn tag_resource(&self, arn: &str, tags: BTreeMap<String, String>, why: Why) -> Result<(), BackendError> {
        self.note(Call::TagResource { arn: arn.to_owned(), tags, why })
    }

    async fn scaling(&self, environment: Option<&str>) -> Result<Vec<Scaling>, BackendError> {
        let mut steps = self.world.scaling.clone();
        steps.retain(|step| environment.is_none_or(|name| step.compute_environment == name));
        steps.sort_by_key(|step| std::cmp::Reverse(step.at));
        Ok(steps)
    }

    async fn capacity_over_time(&self, environment: &str) -> Result<CapacityOverTime, BackendError> {
        Ok(self.world.capacity.get(environment).cloned().unwrap_or_default())
    }

    async fn interrupt_instance(&self, instance: &InstanceId, at_once: bool, why: Why) -> Result<(), BackendError> {
        self.note(Call::InterruptInstance { instance: instance.clone(), at_once, why })
    }

    async fn job_definitions(&self, active_only: bool) -> Result<Vec<JobDefinition>, BackendError> {
        Ok(self.world.definitions.iter().filter(|known| !active_only || known.is_active()).cloned().collect())
    }

    async fn register_job_definition(
        &self,
        request: RegisterJobDefinitionRequest,
    ) -> Result<RegisterJobDefinitionResponse, BackendError> {
        let job_definition_name = request.job_definition_name.clone();
        self.note(Call::RegisterJobDefinition(Box::new(request)))?;
        Ok(RegisterJobDefinitionResponse { job_definition_name, revision: 1, ..Default::default() })
    }

    async fn jobs(&self, query: JobQuery) -> Result<Page<JobSummary>, BackendError> {
        let mut all: Vec<&JobSummary> = self.world.jobs.iter().filter(|job| Self::matches(job, &query)).collect();
        all.sort_by(|a, b| (b.created_at, &b.job_id).cmp(&(a.created_at, &a.job_id)));
        let from = offset(query.page_token.as_deref()).unwrap_or(0).min(all.len());
        let size = query.limit.map_or(all.len(), |limit| limit as usize);
        let to = (from + size).min(all.len());
        let next = (to < all.len()).then(|| format!("p/{to}"));
        Ok(Page { items: all[from..to].iter().copied().cloned().collect(), next })
    }

    async fn describe_jobs(&self, ids: &[JobId]) -> Result<Vec<JobDetail>, BackendError> {
        Ok(ids.iter().filter_map(|id| self.detail(id)).collect())
    }

    async fn submit_job(&self, request: SubmitJobRequest) -> Result<SubmitJobResponse, BackendError> {
        let job_name = request.job_name.clone();
        self.note(Call::SubmitJob(Box::new(request)))?;
        let job_id = JobId::from("5c217700-0000-4000-8000-000000000001");
        Ok(SubmitJobResponse { job_arn: String::new(), job_name, job_id })
    }

    async fn cancel_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        self.note(Call::CancelJob { id: id.clone(), reason: reason.to_owned() })
    }

    async fn terminate_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        self.note(Call::TerminateJob { id: id.clone(), reason: reason.to_owned() })
    }

    async fn reprioritise_job(&self, id: &JobId, priority: i32, why: Why) -> Result<(), BackendError> {
        self.note(Call::ReprioritiseJob { id: id.clone(), priority, why })
    }

    async fn hold(&self, target: &HoldTarget, why: Why) -> Result<(), BackendError> {
        self.note(Call::Hold(target.clone(), why))
    }

    async fn release(&self, target: &HoldTarget, why: Why) -> Result<(), BackendError> {
        self.note(Call::Release(target.clone(), why))
    }

    async fn move_job(&self, id: &JobId, to: MoveTo, why: Why) -> Result<(), BackendError> {
        self.note(Call::MoveJob { id: id.clone(), to, why })
    }

    /// Its RUNNABLE jobs by the time of their submission.
    async fn scheduling_policy(&self, arn: &str) -> Result<SchedulingPolicy, BackendError> {
        let found = self.world.policies.iter().find(|policy| policy.arn == arn).cloned();
        found.ok_or_else(|| BackendError::NotFound { what: format!("scheduling policy {arn}") })
    }

    async fn update_scheduling_policy(
        &self,
        request: UpdateSchedulingPolicyRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        self.note(Call::UpdateSchedulingPolicy(request, why))
    }

    async fn queue_snapshot(&self, queue: &str) -> Result<JobQueueSnapshot, BackendError> {
        let is_there = |job: &&JobSummary| job.extra.as_ref().is_some_and(|extra| extra.job_queue == queue);
        let mut runnable: Vec<_> =
            self.world.jobs.iter().filter(|job| job.status == JobStatus::Runnable).filter(is_there).collect();
        runnable.sort_by(|a, b| (a.created_at, &a.job_id).cmp(&(b.created_at, &b.job_id)));
        let job = |job: &JobSummary| FrontOfQueueJob {
            job_arn: job.job_arn.clone(),
            earliest_time_at_position: job.created_at,
        };
        let jobs = runnable.into_iter().take(100).map(job).collect();
        Ok(JobQueueSnapshot { front_of_queue: FrontOfQueue { jobs, last_updated_at: None }, queue_utilization: None })
    }

    async fn log_events(&self, request: GetLogEvents) -> Result<LogPage, BackendError> {
        let lines = self.stream(&request.log_stream_name)?;
        // Their times only grow.
        let before = |time: Option<Millis>| time.map(|time| lines.partition_point(|line| line.timestamp < time));
        let (low, high) = (before(request.start_time).unwrap_or(0), before(request.end_time).unwrap_or(lines.len()));
        let limit = request.limit.map_or(lines.len(), |limit| limit as usize);
        let token = request.next_token.as_deref();
        let from = match offset(token) {
            Some(until) if token.is_some_and(|token| token.starts_with("b/")) => {
                let until = until.min(high);
                let from = until.saturating_sub(limit).max(low.min(until));
                return Ok(page(lines, from, until));
            }
            Some(at) => at.clamp(low, high.max(low)),
            None if request.start_from_head == Some(true) => low,
            None => high.saturating_sub(limit).max(low),
        };
        let to = (from + limit).min(high).max(from);
        Ok(page(lines, from, to))
    }

    async fn next_log_page(&self, mut request: GetLogEvents) -> Result<LogPage, BackendError> {
        request.start_from_head = Some(true);
        match self.log_events(request).await {
            Ok(page) if page.events.is_empty() => futures::future::pending().await,
            Err(BackendError::NotFound { .. }) => futures::future::pending().await,
            told => told,
        }
    }

    async fn until_next_look(&self) {
        // Nothing more comes in a recorded world.
        futures::future::pending::<()>().await;
    }

    async fn filter_log_events(&self, request: FilterLogEvents) -> Result<FilteredLogEvents, BackendError> {
        let mut events = Vec::new();
        for name in &request.log_stream_names {
            let event = |event: &LogEvent| FilteredLogEvent {
                log_stream_name: name.clone(),
                timestamp: event.timestamp,
                message: event.message.clone(),
            };
            events.extend(self.stream(name)?.iter().map(event));
        }
        events.sort_by_key(|event| event.timestamp);
        let (from, to) = (request.start_time.unwrap_or(0), request.end_time.unwrap_or(Millis::MAX));
        events.retain(|event| (from..=to).contains(&event.timestamp));
        let begun = request.next_token.and_then(|token| token.parse().ok()).unwrap_or(0).min(events.len());
        events.drain(..begun);
        let limit = request.limit.map_or(events.len(), |limit| limit as usize);
        let next_token = (events.len() > limit).then(|| (begun + limit).to_string());
        events.truncate(limit);
        Ok(FilteredLogEvents { events, next_token })
    }

    async fn lines_between(
        &self,
        _group: Option<&str>,
        _stream: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<Option<u64>, BackendError> {
        let (from, to) = (offset(from).unwrap_or(0), offset(Some(to)).unwrap_or(0));
        Ok(Some(to.saturating_sub(from) as u64))
    }

    async fn lines_over_time(
        &self,
        _group: Option<&str>,
        stream: &str,
        since: Option<Millis>,
        keep: Option<&LogPattern>,
        spans: usize,
    ) -> Result<Option<LinesOverTime>, BackendError> {
        if self.capabilities().name == "aws" {
            return Ok(None);
        }
        let mut traces = Traces::default();
        let since = since.unwrap_or(0);
        let events = self.stream(stream)?.iter().filter(|event| event.timestamp >= since);
        let lines = events.map(|event| (event.timestamp, traces.next(&event.message), &event.message));
        let kept = lines.filter(|(_, _, text)| keep.is_none_or(|keep| keep.takes(text)));
        let is_error = |shape: Shape| shape.level == Some(Level::Error) && !shape.continues;
        let lines: Vec<(Millis, bool)> = kept.map(|(at, shape, _)| (at, is_error(shape))).collect();
        Ok(Some(LinesOverTime::of(lines.into_iter(), spans).unwrap_or_default()))
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, BackendError> {
        Ok(self.world.schedules.clone())
    }

    async fn schedule_groups(&self) -> Result<Vec<ScheduleGroup>, BackendError> {
        let names: BTreeSet<_> = self.world.schedules.iter().map(|schedule| schedule.group_name.clone()).collect();
        Ok(names.into_iter().map(|name| ScheduleGroup { name, ..ScheduleGroup::default() }).collect())
    }

    async fn create_schedule_group(&self, name: &str) -> Result<(), BackendError> {
        self.note(Call::CreateScheduleGroup(name.to_owned()))
    }

    async fn delete_schedule_group(&self, name: &str) -> Result<(), BackendError> {
        self.note(Call::DeleteScheduleGroup(name.to_owned()))
    }

    async fn create_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        self.note(Call::CreateSchedule(Box::new(schedule)))
    }

    async fn update_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        self.note(Call::UpdateSchedule(Box::new(schedule)))
    }

    async fn delete_schedule(&self, group: &str, name: &str) -> Result<(), BackendError> {
        self.note(Call::DeleteSchedule { group: group.to_owned(), name: name.to_owned() })
    }

    async fn run_schedule(&self, group: &str, name: &str) -> Result<SubmitJobResponse, BackendError> {
        self.note(Call::RunSchedule { group: group.to_owned(), name: name.to_owned() })?;
        let job_id = JobId::from("5c217700-0000-4000-8000-000000000002");
        Ok(SubmitJobResponse { job_arn: String::new(), job_name: name.to_owned(), job_id })
    }

    async fn schedule_runs(&self, group: &str, name: &str) -> Result<Vec<ScheduleRun>, BackendError> {
        let mut runs: Vec<ScheduleRun> = self
            .world
            .runs
            .iter()
            .filter(|run| run.group_name == group && run.schedule_name == name)
            .cloned()
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.fired_at));
        Ok(runs)
    }

    async fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, BackendError> {
        let mut entries = self.world.audit.clone();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        entries.truncate(limit);
        Ok(entries)
    }

    async fn watches(&self) -> Result<Vec<Watch>, BackendError> {
        Ok(self.world.watches.clone())
    }

    async fn save_watch(&self, save: SaveWatch) -> Result<Watch, BackendError> {
        let known = save.id.as_ref().and_then(|id| self.world.watches.iter().find(|watch| watch.id == *id));
        let next = || format!("w{}", self.world.watches.len() + 1);
        let watch = known.map_or_else(
            || Watch::new(next(), &save, String::new(), "ada@host", self.world.now),
            |known| known.changed(&save, known.name.clone(), self.world.now),
        );
        self.note(Call::SaveWatch(save))?;
        Ok(watch)
    }

    async fn remove_watch(&self, id: &str) -> Result<(), BackendError> {
        self.note(Call::RemoveWatch(id.to_owned()))
    }

    async fn acknowledge_watch(&self, id: Option<&str>) -> Result<(), BackendError> {
        self.note(Call::AcknowledgeWatch(id.map(str::to_owned)))
    }

    async fn record_run(&self, run: CommandRun) -> Result<(), BackendError> {
        self.note(Call::RecordRun(run))
    }

    async fn costs(&self, query: CostQuery) -> Result<CostReport, BackendError> {
        self.not_read(Part::Costs)?;
        if let Some(report) = self.recorded_costs(query) {
            return Ok(report.clone());
        }
        Ok(CostReport { by: query.by, ..self.world.costs.clone() })
    }

    async fn usage_over_time(&self, job: &JobDetail) -> Result<UsageOverTime, BackendError> {
        if let Some(told) = self.world.usage.get(&job.job_id) {
            return Ok(told.clone());
        }
        self.not_read(Part::Usage)?;
        let nothing = "they were not recorded: a handover holds those of the job that was selected".to_owned();
        Ok(UsageOverTime { nothing, ..UsageOverTime::default() })
    }

    /// Of the jobs that were recorded; where changes are not pushed there is no record, as on AWS.
    async fn throughput(&self, since: Millis) -> Result<Throughput, BackendError> {
        if !self.world.can.pushes_changes {
            return Err(BackendError::Unsupported {
                action: "reading what ended",
                backend: "aws",
                instead: "list jobs",
            });
        }
        self.not_read(Part::Throughput)?;
        if let Some(told) = &self.world.throughput {
            return Ok(told.clone());
        }
        let mut told = Throughput { from: since, ..Throughput::default() };
        for job in self.world.jobs.iter().filter(|job| !job.is_array_parent()) {
            let ended = job.stopped_at.filter(|_| job.status.is_final());
            for (at, status) in [(job.started_at, JobStatus::Running), (ended, job.status)] {
                if let Some(at) = at.filter(|at| *at >= since) {
                    told.note(at, status);
                }
            }
        }
        Ok(told)
    }

    async fn observed_runs(&self, definition: Option<&str>) -> Result<Vec<ObservedRuns>, BackendError> {
        self.not_read(Part::Runs)?;
        let mut runs = self.world.observed_runs.clone();
        runs.retain(|runs| definition.is_none_or(|only| runs.job_definition_name == only));
        Ok(runs)
    }

    async fn watch(
        &self,
        cursor: Option<Cursor>,
    ) -> Result<BoxStream<'static, Result<Change, BackendError>>, BackendError> {
        let world = &self.world;
        let mut first: Vec<What> = Vec::new();
        if cursor.is_none() {
            first.push(What::Reset);
        }
        if cursor.is_none() && !world.can.pushes_changes {
            first.extend(world.queues.iter().cloned().map(|queue| What::Queue(Box::new(queue))));
            let environments = world.environments.iter().cloned();
            first.extend(environments.map(|found| What::ComputeEnvironment(Box::new(found))));
            first.extend(world.jobs.iter().cloned().map(|job| What::Job(Box::new(job))));
            if world.can.schedules {
                first.extend(world.schedules.iter().cloned().map(|schedule| What::Schedule(Box::new(schedule))));
            }
            first.push(What::Alive { consoles: 1 });
        }
        let first = first.into_iter().map(|what| Change { cursor: Cursor(0), at: world.now, what });
        let after = cursor.unwrap_or_default();
        let changes = self.world.changes.iter().filter(|change| change.cursor > after).cloned();
        let recorded: Vec<_> = first.chain(changes).map(Ok).collect();
        Ok(futures::stream::iter(recorded).chain(futures::stream::pending()).boxed())
    }

    async fn events(
        &self,
        cursor: Option<u64>,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<EventLine, BackendError>>, BackendError> {
        self.not_read(Part::Events)?;
        let after = cursor.unwrap_or(0);
        let recorded: Vec<_> = self.world.events.iter().filter(|line| line.cursor > after).cloned().map(Ok).collect();
        let recorded = futures::stream::iter(recorded);
        // Nothing more comes in a recorded world.
        Ok(if follow { recorded.chain(futures::stream::pending()).boxed() } else { recorded.boxed() })
    }

    async fn engine_status(&self) -> Result<EngineStatus, BackendError> {
        self.world.engine.clone().ok_or(BackendError::Unsupported {
            action: "the engine's state",
            backend: "this recorded world",
            instead: "none was recorded",
        })
    }
}
