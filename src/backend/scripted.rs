//! A recorded world that answers as a backend does: for tests of the console and for pictures of it.
//!
//! It never waits: every call is answered at once, streams yield what is recorded and then nothing. What it is asked to
//! change it notes in [`ScriptedBackend::calls`] and leaves the world as it is.

use super::{Backend, BackendError, Capabilities, JobQuery, JobScope, Page, Why};
use crate::model::watch::{SaveWatch, Watch};
use crate::model::{
    AuditEntry, CapacityOverTime, Change, CommandRun, ComputeEnvironment, CostQuery, CostReport,
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, Cursor, EngineStatus, EventLine, FilterLogEvents,
    FilteredLogEvent, FilteredLogEvents, FrontOfQueue, FrontOfQueueJob, GetLogEvents, HoldTarget, InstanceId,
    JobDefinition, JobDetail, JobId, JobQueue, JobQueueSnapshot, JobStatus, JobSummary, LogEvent, LogPage, Millis,
    MoveTo, ObservedRuns, RegisterJobDefinitionRequest, RegisterJobDefinitionResponse, Scaling, Schedule,
    ScheduleGroup, ScheduleRun, SchedulingPolicy, SubmitJobRequest, SubmitJobResponse, Throughput,
    UpdateComputeEnvironmentRequest, UpdateJobQueueRequest, UpdateSchedulingPolicyRequest, UsageOverTime, What,
    name_of,
};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Everything that was recorded, as a JSON file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct World {
    /// The time at which it is looked at.
    pub now: Millis,
    pub can: Can,
    /// It was taken from a running console, and not written for a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
    pub queues: Vec<JobQueue>,
    pub environments: Vec<ComputeEnvironment>,
    pub definitions: Vec<JobDefinition>,
    /// Children of arrays stand here too.
    pub jobs: Vec<JobSummary>,
    /// A job without details gets those that its row allows.
    pub details: Vec<JobDetail>,
    /// Lines by stream.
    pub logs: BTreeMap<String, Vec<LogEvent>>,
    pub schedules: Vec<Schedule>,
    pub runs: Vec<ScheduleRun>,
    pub audit: Vec<AuditEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watches: Vec<Watch>,
    pub scaling: Vec<Scaling>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<SchedulingPolicy>,
    /// The same whatever is asked for.
    pub costs: CostReport,
    pub observed_runs: Vec<ObservedRuns>,
    /// Where several reports were recorded, these are it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cost_reports: Vec<RecordedCosts>,
    /// How the capacity of environments went.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub capacity: BTreeMap<String, CapacityOverTime>,
    /// What jobs have used over time.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub usage: BTreeMap<JobId, UsageOverTime>,
    /// Where it was recorded; otherwise it is that of the jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<Throughput>,
    /// What Batch has told `EventBridge`, oldest first.
    pub events: Vec<EventLine>,
    /// What `watch` yields after its first `Reset`.
    pub changes: Vec<Change>,
    pub engine: Option<EngineStatus>,
}

/// Where and when a world was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Recorded {
    pub at: Millis,
    pub context: String,
    /// `local` or `aws`.
    pub backend: String,
    /// Of the program that wrote it.
    pub version: String,
    /// Jobs that were known and are not in it.
    pub left_out: usize,
    /// What could not be read when it was recorded, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub not_read: BTreeMap<Part, String>,
}

/// What is read for a recording and is not on the screen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    Costs,
    Events,
    Runs,
    Throughput,
    Usage,
}

impl Part {
    /// For a person.
    pub fn name(self) -> &'static str {
        match self {
            Self::Costs => "what was spent",
            Self::Events => "what happened",
            Self::Runs => "what runs have used",
            Self::Throughput => "what ended minute by minute",
            Self::Usage => "what the job used over time",
        }
    }
}

/// What was spent within a span up to the time of the recording; `None`: ever.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordedCosts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Millis>,
    pub report: CostReport,
}

/// What the world's service can do beyond the common part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent ability, as in `Capabilities`")]
pub struct Can {
    pub reprioritise_job: bool,
    pub hold: bool,
    pub instances: bool,
    pub schedules: bool,
    pub audit: bool,
    pub costs: bool,
    pub pushes_changes: bool,
}

impl Default for Can {
    fn default() -> Self {
        Self {
            reprioritise_job: true,
            hold: true,
            instances: true,
            schedules: true,
            audit: true,
            costs: true,
            pushes_changes: true,
        }
    }
}

/// One call that would have changed the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    CreateJobQueue(CreateJobQueueRequest),
    UpdateJobQueue(UpdateJobQueueRequest, Why),
    UpdateSchedulingPolicy(UpdateSchedulingPolicyRequest, Why),
    CreateComputeEnvironment(Box<CreateComputeEnvironmentRequest>),
    UpdateComputeEnvironment(Box<UpdateComputeEnvironmentRequest>, Why),
    DeleteJobQueue { name: String, why: Why },
    DeleteComputeEnvironment { name: String, why: Why },
    TagResource { arn: String, tags: BTreeMap<String, String>, why: Why },
    RecordRun(CommandRun),
    InterruptInstance { instance: InstanceId, at_once: bool, why: Why },
    RegisterJobDefinition(Box<RegisterJobDefinitionRequest>),
    SubmitJob(Box<SubmitJobRequest>),
    CancelJob { id: JobId, reason: String },
    TerminateJob { id: JobId, reason: String },
    ReprioritiseJob { id: JobId, priority: i32, why: Why },
    Hold(HoldTarget, Why),
    Release(HoldTarget, Why),
    MoveJob { id: JobId, to: MoveTo, why: Why },
    CreateScheduleGroup(String),
    DeleteScheduleGroup(String),
    CreateSchedule(Box<Schedule>),
    UpdateSchedule(Box<Schedule>),
    DeleteSchedule { group: String, name: String },
    RunSchedule { group: String, name: String },
    SaveWatch(SaveWatch),
    RemoveWatch(String),
    AcknowledgeWatch(Option<String>),
}

/// Why a recorded world cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    #[error("the recorded world {path} cannot be read: {cause}")]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("the recorded world {path} is not one: {cause}")]
    Malformed { path: PathBuf, cause: serde_json::Error },
}

impl World {
    /// Reads a recorded world.
    pub fn load(path: &Path) -> Result<Self, WorldError> {
        let text =
            std::fs::read_to_string(path).map_err(|cause| WorldError::Unreadable { path: path.to_owned(), cause })?;
        let malformed = |cause| WorldError::Malformed { path: path.to_owned(), cause };
        serde_json::from_str(Self::within(&text)).map_err(malformed)
    }

    /// What a recording within a Markdown file begins with. It is one line, so that nothing in it looks like this.
    pub const FENCE: &'static str = "```batchdeck-recording\n";

    /// The recording in the text of a handover; all of a text that holds none.
    fn within(text: &str) -> &str {
        let begin = format!("\n{}", Self::FENCE);
        let after = text.rfind(&begin).map(|at| &text[at + begin.len()..]);
        after.map_or(text, |rest| rest.lines().next().unwrap_or_default())
    }
}

/// A [`Backend`] over a [`World`].
#[derive(Debug)]
pub struct ScriptedBackend {
    world: World,
    calls: Mutex<Vec<Call>>,
    /// Refuses every call that would change the world with these words.
    refusal: Option<BackendError>,
}

impl ScriptedBackend {
    pub fn new(world: World) -> Self {
        Self { world, calls: Mutex::new(Vec::new()), refusal: None }
    }

    /// One that answers every call that would change the world with `error`.
    pub fn refusing(world: World, error: BackendError) -> Self {
        Self { refusal: Some(error), ..Self::new(world) }
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    /// The calls so far that would have changed the world, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, call: Call) -> Result<(), BackendError> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        self.refusal.clone().map_or(Ok(()), Err)
    }

    fn matches(job: &JobSummary, query: &JobQuery) -> bool {
        let in_scope = match &query.scope {
            JobScope::Everywhere => job.job_id.part().is_none(),
            JobScope::Queue(queue) => {
                job.job_id.part().is_none() && job.extra.as_ref().is_some_and(|extra| extra.job_queue == *queue)
            }
            JobScope::Nodes(whole) => job.job_id.node_parent().is_some_and(|(of, _)| of == *whole),
            JobScope::Array(parent) => job.job_id.array_parent().is_some_and(|(of, _)| of == *parent),
        };
        let summary = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
        let in_state = query.statuses.is_empty()
            || query.statuses.contains(&job.status)
            || summary.is_some_and(|counts| {
                query.statuses.iter().any(|status| status.is_placed() && counts.get(*status) > 0)
            });
        let is_named = query.name.as_ref().is_none_or(|name| {
            let (given, own) = (name.to_lowercase(), job.job_name.to_lowercase());
            given.strip_suffix('*').map_or(own == given, |prefix| own.starts_with(prefix))
        });
        in_scope && in_state && is_named
    }

    fn detail(&self, id: &JobId) -> Option<JobDetail> {
        if let Some(detail) = self.world.details.iter().find(|detail| detail.job_id == *id) {
            return Some(detail.clone());
        }
        let row = self.world.jobs.iter().find(|job| job.job_id == *id)?.clone();
        let definition = row.job_definition.as_deref().unwrap_or_default();
        let known = self.world.definitions.iter().find(|known| known.label() == name_of(definition));
        let properties = known.and_then(|known| known.container_properties.clone()).unwrap_or_default();
        Some(JobDetail {
            job_arn: row.job_arn,
            job_id: row.job_id,
            job_name: row.job_name,
            job_queue: row.extra.as_ref().map(|extra| extra.job_queue.clone()).unwrap_or_default(),
            status: row.status,
            status_reason: row.status_reason,
            created_at: row.created_at,
            started_at: row.started_at,
            stopped_at: row.stopped_at,
            job_definition: definition.to_owned(),
            container: Some(crate::model::ContainerDetail {
                image: properties.image,
                command: properties.command,
                environment: properties.environment,
                resource_requirements: properties.resource_requirements,
                exit_code: row.container.as_ref().and_then(|container| container.exit_code),
                reason: row.container.and_then(|container| container.reason),
                log_stream_name: row.extra.as_ref().and_then(|extra| extra.log_stream_name.clone()),
                ..Default::default()
            }),
            array_properties: row.array_properties,
            extra: row.extra,
            ..Default::default()
        })
    }

    /// Why a part of a recording is not in it.
    fn not_read(&self, part: Part) -> Result<(), BackendError> {
        match self.world.recorded.as_ref().and_then(|recorded| recorded.not_read.get(&part)) {
            Some(why) => {
                let message = format!("{} was not read when this was recorded: {why}", part.name());
                Err(BackendError::Refused { code: "NotRecorded".to_owned(), message })
            }
            None => Ok(()),
        }
    }

    /// The report of a span that is next to the one that is asked for.
    fn recorded_costs(&self, query: CostQuery) -> Option<&CostReport> {
        let span = query.since.map(|since| self.world.now - since);
        let of = self.world.cost_reports.iter().filter(|recorded| recorded.report.by == query.by);
        let fits = of.filter(|recorded| recorded.span.is_some() == span.is_some());
        let next = fits.min_by_key(|recorded| recorded.span.zip(span).map(|(one, other)| (one - other).abs()));
        next.map(|recorded| &recorded.report)
    }

    fn stream(&self, name: &str) -> Result<&[LogEvent], BackendError> {
        let missing = || BackendError::NotFound { what: format!("log stream `{name}`") };
        self.world.logs.get(name).map(Vec::as_slice).ok_or_else(missing)
    }
}

/// The offset in a token that [`ScriptedBackend`] gave out.
fn offset(token: Option<&str>) -> Option<usize> {
    token.and_then(|token| token.get(2..)).and_then(|number| number.parse().ok())
}

fn page(lines: &[LogEvent], from: usize, to: usize) -> LogPage {
    LogPage {
        events: lines[from..to].to_vec(),
        next_forward_token: format!("f/{to}"),
        next_backward_token: format!("b/{from}"),
    }
}

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

    async fn follow_log(
        &self,
        _group: Option<String>,
        stream: String,
        from: Option<String>,
    ) -> Result<BoxStream<'static, Result<Vec<LogEvent>, BackendError>>, BackendError> {
        let lines = self.world.logs.get(&stream).cloned().unwrap_or_default();
        let from = offset(from.as_deref()).unwrap_or(0).min(lines.len());
        let first = futures::stream::iter([Ok(lines[from..].to_vec())]);
        Ok(first.chain(futures::stream::pending()).boxed())
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn world() -> World {
        let job = |id: &str, created_at| JobSummary { job_id: JobId::from(id), created_at, ..Default::default() };
        World {
            jobs: vec![job("a", 1), job("b", 2), job("c", 3), job("a:0", 4)],
            logs: [("s".to_owned(), vec![LogEvent::default(); 5])].into(),
            ..Default::default()
        }
    }

    #[test]
    fn pages_go_from_new_to_old_and_leave_children_out() {
        let backend = ScriptedBackend::new(world());
        let page = |token| {
            let query = JobQuery { page_token: token, limit: Some(2), ..Default::default() };
            backend.jobs(query).now_or_never().expect("at once").expect("a page")
        };
        let first = page(None);
        let ids = |page: &Page<JobSummary>| page.items.iter().map(|job| job.job_id.0.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&first), ["c", "b"]);
        let second = page(first.next);
        assert_eq!((ids(&second), second.next), (vec!["a".to_owned()], None));
    }

    #[test]
    fn what_it_is_asked_to_change_is_noted_and_a_refusal_is_given_as_told() {
        let refusal = BackendError::Refused { code: "ClientException".into(), message: "no".into() };
        let backend = ScriptedBackend::refusing(world(), refusal.clone());
        let answer = backend.cancel_job(&JobId::from("a"), "why").now_or_never().expect("at once");
        assert_eq!(answer, Err(refusal));
        assert_eq!(backend.calls(), [Call::CancelJob { id: JobId::from("a"), reason: "why".into() }]);
    }

    #[test]
    fn a_log_is_read_on_from_its_token() {
        let backend = ScriptedBackend::new(world());
        let read = |token: Option<String>| {
            let request = GetLogEvents {
                log_stream_name: "s".into(),
                limit: Some(3),
                start_from_head: Some(true),
                next_token: token,
                ..Default::default()
            };
            backend.log_events(request).now_or_never().expect("at once").expect("a page")
        };
        let first = read(None);
        assert_eq!(first.events.len(), 3);
        assert_eq!(read(Some(first.next_forward_token)).events.len(), 2);
    }
}
