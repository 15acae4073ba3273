//! Several contexts as one: their rows stand in one list, each name with the context where it lives, and what is done to
//! one goes there.

pub mod tag;
mod watch;

use super::log_search::{SearchLog, Searched};
use super::{Backend, BackendError, Capabilities, JobQuery, JobScope, Meter, Page, ReadAt, Why};
use crate::model::{
    AuditEntry, Change, ComputeEnvironment, ComputeEnvironmentOrder, ConsumableResource, CostQuery, CostReport,
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, Cursor, EngineStatus, FilterLogEvents, FilteredLogEvents,
    GetLogEvents, HoldTarget, InstanceId, JobDefinition, JobDetail, JobId, JobQueue, JobQueueSnapshot, JobSummary,
    LogEvent, LogPage, MoveTo, ObservedRuns, RegisterJobDefinitionRequest, RegisterJobDefinitionResponse, Scaling,
    Schedule, ScheduleGroup, ScheduleRun, SchedulingPolicy, SubmitJobRequest, SubmitJobResponse,
    UpdateComputeEnvironmentRequest, UpdateJobQueueRequest, UpdateSchedulingPolicyRequest, UsageOverTime,
};
use async_trait::async_trait;
use futures::future::{join_all, try_join_all};
use futures::stream::BoxStream;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const NAME: &str = "several contexts";

/// One of the contexts.
pub struct Part {
    pub context: String,
    pub backend: Arc<dyn Backend>,
    /// Nothing may be changed there.
    pub is_read_only: bool,
}

/// Where jobs and log streams were seen: their names alone do not tell.
#[derive(Debug, Default)]
pub struct Homes(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    jobs: HashMap<JobId, usize>,
    streams: HashMap<String, usize>,
}

/// Jobs, or streams, whose homes are remembered; those that are forgotten are looked for again.
const REMEMBERED: usize = 500_000;

/// The array or multi-node job as a whole.
fn whole(id: &JobId) -> JobId {
    id.part().map_or_else(|| id.clone(), |(whole, _)| whole)
}

impl Homes {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_job(&self, id: &JobId, at: usize) {
        let mut seen = self.seen();
        if seen.jobs.len() >= REMEMBERED {
            seen.jobs.clear();
        }
        seen.jobs.insert(whole(id), at);
    }

    fn note_stream(&self, stream: &str, at: usize) {
        let mut seen = self.seen();
        if seen.streams.len() >= REMEMBERED {
            seen.streams.clear();
        }
        seen.streams.insert(stream.to_owned(), at);
    }

    pub fn note_row(&self, row: &JobSummary, at: usize) {
        self.note_job(&row.job_id, at);
        if let Some(stream) = row.extra.as_ref().and_then(|extra| extra.log_stream_name.as_ref()) {
            self.note_stream(stream, at);
        }
    }

    fn note_detail(&self, detail: &JobDetail, at: usize) {
        self.note_job(&detail.job_id, at);
        for log in detail.logs() {
            self.note_stream(&log.stream, at);
        }
    }

    fn of_job(&self, id: &JobId) -> Option<usize> {
        self.seen().jobs.get(&whole(id)).copied()
    }

    fn of_stream(&self, stream: &str) -> Option<usize> {
        self.seen().streams.get(stream).copied()
    }
}

/// Several contexts at once.
pub struct Several {
    parts: Vec<Arc<Part>>,
    homes: Arc<Homes>,
}

impl Several {
    pub fn new(parts: Vec<Part>) -> Self {
        Self { parts: parts.into_iter().map(Arc::new).collect(), homes: Arc::default() }
    }

    fn enumerated(&self) -> impl Iterator<Item = (usize, &Part)> {
        self.parts.iter().map(AsRef::as_ref).enumerate()
    }

    /// The context that a name is of, and its name there.
    fn split(&self, kind: &str, name: &str) -> Result<(&Part, String), BackendError> {
        let found = self.enumerated().filter_map(|(_, part)| Some((part, tag::untag(name, &part.context)?)));
        // Of `x@y` and `y`, both contexts, the longer name is the one that is meant.
        found.max_by_key(|(part, _)| part.context.len()).ok_or_else(|| {
            let contexts: Vec<&str> = self.enumerated().map(|(_, part)| part.context.as_str()).collect();
            BackendError::NotFound {
                what: format!("{kind} {name} (a name has its context here: NAME@CONTEXT, of {})", contexts.join(", ")),
            }
        })
    }

    /// As [`Several::split`], where something is to be changed.
    fn to_change(&self, kind: &str, name: &str) -> Result<(&Part, String), BackendError> {
        let (part, name) = self.split(kind, name)?;
        part.writable()?;
        Ok((part, name))
    }

    /// The context of a job: where it was seen, or else where it is found.
    async fn home(&self, id: &JobId) -> Result<(usize, &Part), BackendError> {
        if let Some(at) = self.homes.of_job(id) {
            return Ok((at, &self.parts[at]));
        }
        let looks = self.enumerated().map(|(at, part)| async move {
            let found = part.backend.describe_jobs(&[whole(id)]).await.map_err(|error| part.named(error))?;
            Ok::<_, BackendError>(found.first().map(|_| (at, part)))
        });
        let (mut found, mut failed) = (None, None);
        for look in join_all(looks).await {
            match look {
                Ok(there) => found = found.or(there),
                Err(error) => failed = Some(error),
            }
        }
        let missing = || failed.unwrap_or_else(|| BackendError::NotFound { what: format!("job {id}") });
        let (at, part) = found.ok_or_else(missing)?;
        self.homes.note_job(id, at);
        Ok((at, part))
    }

    async fn home_to_change(&self, id: &JobId) -> Result<&Part, BackendError> {
        let (_, part) = self.home(id).await?;
        part.writable()?;
        Ok(part)
    }

    /// The context of a log stream: where its job was described, or else where there is such a stream.
    async fn home_of_stream(&self, group: Option<&str>, stream: &str) -> Result<&Part, BackendError> {
        if let Some(at) = self.homes.of_stream(stream) {
            return Ok(&self.parts[at]);
        }
        for (at, part) in self.enumerated() {
            let look = GetLogEvents {
                log_group_name: group.map(str::to_owned),
                log_stream_name: stream.to_owned(),
                limit: Some(1),
                ..GetLogEvents::default()
            };
            if part.backend.log_events(look).await.is_ok() {
                self.homes.note_stream(stream, at);
                return Ok(part);
            }
        }
        Err(BackendError::NotFound { what: format!("log stream {stream}") })
    }

    /// Asks each context the same; what one cannot give is told by its name.
    async fn each<'a, T, F, A>(&'a self, ask: F) -> Result<Vec<T>, BackendError>
    where
        F: Fn(&'a Part) -> A,
        A: Future<Output = Result<Vec<T>, BackendError>>,
    {
        let asked: Vec<_> = self.enumerated().map(|(_, part)| ask(part)).collect();
        let mut all = Vec::new();
        for (told, part) in join_all(asked).await.into_iter().zip(&self.parts) {
            all.extend(told.map_err(|error| part.named(error))?);
        }
        Ok(all)
    }

    fn unsupported<T>(action: &'static str) -> Result<T, BackendError> {
        Err(BackendError::Unsupported { action, backend: NAME, instead: "ask in one of them (`--context NAME`)" })
    }
}

impl Part {
    /// An error with the context's name.
    fn named(&self, error: BackendError) -> BackendError {
        let context = &self.context;
        match error {
            BackendError::Refused { code, message } => {
                BackendError::Refused { code, message: format!("{context}: {message}") }
            }
            BackendError::NotFound { what } => BackendError::NotFound { what: format!("{context}: {what}") },
            BackendError::Unreachable { endpoint, cause, hint } => {
                BackendError::Unreachable { endpoint: format!("{context}: {endpoint}"), cause, hint }
            }
            BackendError::Throttled { message } => BackendError::Throttled { message: format!("{context}: {message}") },
            BackendError::Credentials { message, renewal } => {
                BackendError::Credentials { message: format!("{context}: {message}"), renewal }
            }
            BackendError::Settings { message } => BackendError::Settings { message: format!("{context}: {message}") },
            other => other,
        }
    }

    fn writable(&self) -> Result<(), BackendError> {
        if !self.is_read_only {
            return Ok(());
        }
        let message = format!("the context `{}` is read-only; nothing was sent there", self.context);
        Err(BackendError::Refused { code: "ReadOnlyContext".to_owned(), message })
    }

    fn plain(&self, text: String) -> String {
        tag::plain(text, &self.context)
    }

    fn order(&self, order: Vec<ComputeEnvironmentOrder>) -> Vec<ComputeEnvironmentOrder> {
        let one = |entry: ComputeEnvironmentOrder| ComputeEnvironmentOrder {
            compute_environment: self.plain(entry.compute_environment),
            ..entry
        };
        order.into_iter().map(one).collect()
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

    /// Of all contexts, each gives its share of a page: it is sorted in itself, and a later one may hold newer jobs.
    async fn jobs(&self, query: JobQuery) -> Result<Page<JobSummary>, BackendError> {
        let one = match &query.scope {
            JobScope::Everywhere => None,
            JobScope::Queue(name) => {
                let (part, name) = self.split("job queue", name)?;
                let at = self.enumerated().position(|(_, other)| std::ptr::eq(other, part));
                Some((at.unwrap_or_default(), JobScope::Queue(name)))
            }
            JobScope::Array(id) | JobScope::Nodes(id) => Some((self.home(id).await?.0, query.scope.clone())),
        };
        if let Some((at, scope)) = one {
            let part = &self.parts[at];
            let mut page = part.backend.jobs(JobQuery { scope, ..query }).await.map_err(|error| part.named(error))?;
            page.items.iter().for_each(|row| self.homes.note_row(row, at));
            page.items = page.items.into_iter().map(|row| tag::row(row, &part.context)).collect();
            return Ok(page);
        }
        let tokens: BTreeMap<usize, Option<String>> = match &query.page_token {
            None => (0..self.parts.len()).map(|at| (at, None)).collect(),
            Some(token) => serde_json::from_str(token).map_err(|_| BackendError::Refused {
                code: "InvalidNextToken".to_owned(),
                message: "the page token is not one of this list; list again from the start".to_owned(),
            })?,
        };
        let share = |limit: u32| (limit / u32::try_from(tokens.len()).unwrap_or(u32::MAX).max(1)).max(1);
        let limit = query.limit.map(share);
        let pages = tokens.into_iter().filter_map(|(at, token)| Some((at, self.parts.get(at)?, token)));
        let pages =
            pages.map(|(at, part, page_token)| {
                let query = JobQuery { page_token, limit, ..query.clone() };
                async move {
                    Ok::<_, BackendError>((at, part.backend.jobs(query).await.map_err(|error| part.named(error))?))
                }
            });
        let (mut items, mut rest) = (Vec::new(), BTreeMap::new());
        for (at, page) in try_join_all(pages).await? {
            page.items.iter().for_each(|row| self.homes.note_row(row, at));
            let context = &self.parts[at].context;
            items.extend(page.items.into_iter().map(|row| tag::row(row, context)));
            rest.extend(page.next.map(|next| (at, Some(next))));
        }
        items.sort_by(|a: &JobSummary, b| (b.created_at, &b.job_id).cmp(&(a.created_at, &a.job_id)));
        let next = (!rest.is_empty()).then(|| serde_json::to_string(&rest).expect("tokens write as JSON"));
        Ok(Page { items, next })
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
        if let Some(at) = self.enumerated().position(|(_, other)| std::ptr::eq(other, part)) {
            self.homes.note_job(&answer.job_id, at);
        }
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

    async fn follow_log(
        &self,
        group: Option<String>,
        stream: String,
        from: Option<String>,
    ) -> Result<BoxStream<'static, Result<Vec<LogEvent>, BackendError>>, BackendError> {
        let part = self.home_of_stream(group.as_deref(), &stream).await?;
        part.backend.follow_log(group, stream, from).await
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

    fn look_again(&self) {
        self.enumerated().for_each(|(_, part)| part.backend.look_again());
    }

    /// All calls together; what was read longest ago says how old the ground is.
    fn meter(&self) -> Option<Meter> {
        let mut all = Meter::default();
        let mut is_counted = false;
        for (_, part) in self.enumerated() {
            let Some(meter) = part.backend.meter() else { continue };
            let older = |a: Option<_>, b: Option<_>| if is_counted { a.min(b) } else { b };
            let jobs = meter.read_at.jobs.into_iter().map(|(queue, at)| (tag::tag(&queue, &part.context), at));
            all = Meter {
                per_second: all.per_second + meter.per_second,
                allowed: all.allowed + meter.allowed,
                waiting: all.waiting + meter.waiting,
                throttled: all.throttled + meter.throttled,
                closed_for: all.closed_for.max(meter.closed_for),
                unanswered: all.unanswered.max(meter.unanswered),
                clock_behind: if all.clock_behind == 0 { meter.clock_behind } else { all.clock_behind },
                read_at: ReadAt {
                    ground: older(all.read_at.ground, meter.read_at.ground),
                    jobs: all.read_at.jobs.into_iter().chain(jobs).collect(),
                    schedules: older(all.read_at.schedules, meter.read_at.schedules),
                },
            };
            is_counted = true;
        }
        is_counted.then_some(all)
    }

    async fn engine_status(&self) -> Result<EngineStatus, BackendError> {
        Self::unsupported("asking for the engine's state")
    }
}

impl Several {
    /// A scheduling policy, and the context that has it.
    async fn policy(&self, arn: &str) -> Result<(&Part, SchedulingPolicy), BackendError> {
        let mut failed = BackendError::NotFound { what: format!("scheduling policy {arn}") };
        for (_, part) in self.enumerated() {
            match part.backend.scheduling_policy(arn).await {
                Ok(found) => return Ok((part, found)),
                Err(error) => failed = part.named(error),
            }
        }
        Err(failed)
    }

    /// What is held or released, as its own context has it.
    async fn held(&self, target: &HoldTarget) -> Result<(&Part, HoldTarget), BackendError> {
        match target {
            HoldTarget::Job(id) => Ok((self.home_to_change(id).await?, target.clone())),
            HoldTarget::Queue(name) => {
                let (part, name) = self.to_change("job queue", name)?;
                Ok((part, HoldTarget::Queue(name)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
