//! The calls to AWS, each inside the budget, with their answers as nouns of `model`.

use super::activities::Activities;
use super::budget::{Budget, Caller};
use super::convert;
use super::credentials::Renewing;
use super::errors::{Fate, Whereabouts, speaks_of_the_clock};
use super::flight::{Clock, Flights};
use super::history::History;
use super::instances::Fleet;
use super::mfa::NoSession;
use super::pages::{By, Fetched, Of, Place};
use super::prices::PriceBook;
use super::query::QueryClient;
use super::seen::Seen;
use super::services::Services;
use super::world::{Survey, World};
use crate::backend::{BackendError, ReadAt};
use crate::model::event_pattern::wildcard;
use crate::model::{
    CapacityOverTime, ComputeEnvironment, Cursor, DEFAULT_LOG_GROUP, FilterLogEvents, FilteredLogEvents, GetLogEvents,
    JobDefinition, JobDetail, JobExtra, JobId, JobQueue, JobStatus, JobSummary, LogPage, Millis, Schedule,
    StatusCounts, is_service_job, name_of,
};
use aws_config::SdkConfig;
use aws_sdk_batch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_batch::types;
use futures::future::try_join_all;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// The Price List API answers in few regions, for all of them.
const PRICE_LIST_REGION: &str = "us-east-1";
/// Ids in one `DescribeJobs`.
const DESCRIBE_AT_ONCE: usize = 100;
/// Rows in a page of `ListJobs`, by state and with a filter.
const LARGEST_PAGE: usize = 1000;
const LARGEST_FILTERED_PAGE: usize = 100;
/// Pages of queues, environments or revisions that are read of one list; an account may have 50 queues.
const PAGES: usize = 10;
/// Jobs whose sizes and streams are remembered.
const REMEMBERED: usize = 20_000;
/// How often a call is made that fails by what passes, and how often one that nobody answers in time: each of those keeps
/// somebody waiting long. The pause is that after the first time.
const ATTEMPTS: u32 = 3;
const ATTEMPTS_IN_TIME: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// AWS Batch and the services around it.
#[derive(Debug)]
pub struct Service {
    pub batch: aws_sdk_batch::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub sts: aws_sdk_sts::Client,
    pub scheduler: aws_sdk_scheduler::Client,
    /// `None` where something else than AWS stands in for Batch alone; so too below.
    pub ecs: Option<aws_sdk_ecs::Client>,
    pub events: Option<aws_sdk_eventbridge::Client>,
    pub pricing: Option<aws_sdk_pricing::Client>,
    pub ec2: Option<QueryClient>,
    pub autoscaling: Option<QueryClient>,
    pub budget: Budget,
    pub flights: Flights,
    pub clock: Clock,
    at: Whereabouts,
    /// Where credentials come from; `None` for keys that were given.
    credentials: Option<Renewing>,
    /// Patterns of the queues that are looked at; none for all.
    pub queues: Vec<String>,
    /// What was seen of jobs that have ended; `None` where it is not to be kept.
    pub history: Option<History>,
    /// Where jobs write that name no log group.
    pub log_group: String,
    memory: Mutex<Memory>,
    /// What is looked at has changed, or is to be read at once: a watch that pauses goes on.
    pub wake: Notify,
}

/// What earlier calls told and later ones need.
#[derive(Debug)]
pub struct Memory {
    /// By job: what its row looked like when it was described, and what that told.
    extras: HashMap<JobId, (Stamp, JobExtra)>,
    /// By queue: how many jobs are in each state, and whether that is a lower bound.
    pub counts: BTreeMap<String, (StatusCounts, bool)>,
    /// Schedules as they were read last.
    pub schedules: BTreeMap<super::schedules::Key, Schedule>,
    /// An operator changed a schedule: a watch looks at them in its next round.
    pub schedules_changed: bool,
    /// The queue whose jobs an operator looks at.
    pub looked_at: Option<String>,
    /// The environment whose instances an operator looks at.
    pub environment_looked_at: Option<String>,
    /// Environments and their instances as they were read.
    pub fleet: Fleet,
    pub activities: Activities,
    pub services: Services,
    /// What has happened to jobs.
    pub seen: Seen,
    /// What instances cost.
    pub book: PriceBook,
    /// How the capacity of environments went, as far as it was polled.
    pub capacity: BTreeMap<String, CapacityOverTime>,
    /// Jobs that an operator has fetched beyond what a watch reads.
    pub fetched: Vec<JobSummary>,
    /// An operator wants to see what has come of an action: a watch ends its pause.
    pub hurry: bool,
    /// When what was read last; in it, queues and environments.
    pub read_at: ReadAt,
    /// How many watches poll.
    pub watches: usize,
    /// What the last watch had seen, and its cursor: a watch that goes on from there needs no reset.
    pub parked: Option<(Cursor, World)>,
}

impl Memory {
    fn new(book: PriceBook) -> Self {
        Self {
            extras: HashMap::new(),
            counts: BTreeMap::new(),
            schedules: BTreeMap::new(),
            schedules_changed: false,
            looked_at: None,
            environment_looked_at: None,
            fleet: Fleet::default(),
            activities: Activities::default(),
            services: Services::default(),
            seen: Seen::default(),
            book,
            capacity: BTreeMap::new(),
            fetched: Vec::new(),
            hurry: false,
            read_at: ReadAt::default(),
            watches: 0,
            parked: None,
        }
    }
}

/// What of a row tells that its job must be described again.
type Stamp = (JobStatus, Option<Millis>, bool);

fn stamp(row: &JobSummary) -> Stamp {
    (row.status, row.started_at, row.extra.as_ref().is_some_and(|extra| extra.stopping))
}

/// Whether a queue is one of those that are looked at; without a pattern all are.
pub fn is_looked_at(patterns: &[String], queue: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| wildcard(pattern, queue))
}

/// Where a list of a queue begins.
fn first_of(queue: &str, by: By) -> Place {
    let source = super::pages::Source { of: Of::Queue(queue.to_owned()), by };
    Place { source, token: None, after: None }
}

/// For how long the service wants no calls, where it says so in seconds.
fn retry_after<E>(error: &SdkError<E>) -> Option<Duration> {
    Some(Duration::from_secs(header(error, "retry-after")?.trim().parse().ok()?))
}

fn header<'e, E>(error: &'e SdkError<E>, name: &str) -> Option<&'e str> {
    error.raw_response()?.headers().get(name)
}

/// What an error tells.
struct Learnt {
    told: BackendError,
    /// What it was refused for has been set right: the same call may be made again at once.
    is_mended: bool,
}

fn unsure(operation: &'static str, told: BackendError) -> BackendError {
    let cause = match told {
        BackendError::Unreachable { cause, .. } => cause,
        other => other.to_string(),
    };
    BackendError::Unsure { operation, cause, next: "look whether it took effect before you try again".to_owned() }
}

impl Service {
    pub fn new(
        shared: &SdkConfig,
        budget: Budget,
        at: Whereabouts,
        credentials: Option<Renewing>,
        queues: Vec<String>,
        log_group: Option<String>,
        (book, history): (PriceBook, Option<History>),
    ) -> Self {
        let pricing = at.pricing.as_ref().map(|_| {
            let region = aws_config::Region::new(PRICE_LIST_REGION);
            aws_sdk_pricing::Client::from_conf(aws_sdk_pricing::config::Builder::from(shared).region(region).build())
        });
        let query = |place: &Option<String>, name, version| QueryClient::new(shared, name, version, place.as_deref()?);
        let ec2 = query(&at.ec2, "ec2", "2016-11-15");
        let autoscaling = query(&at.autoscaling, "autoscaling", "2011-01-01");
        Self {
            batch: aws_sdk_batch::Client::new(shared),
            logs: aws_sdk_cloudwatchlogs::Client::new(shared),
            sts: aws_sdk_sts::Client::new(shared),
            scheduler: aws_sdk_scheduler::Client::new(shared),
            ecs: at.ecs.is_some().then(|| aws_sdk_ecs::Client::new(shared)),
            events: at.events.is_some().then(|| aws_sdk_eventbridge::Client::new(shared)),
            pricing,
            ec2,
            autoscaling,
            budget,
            flights: Flights::default(),
            clock: Clock::default(),
            at,
            credentials,
            queues,
            history,
            log_group: log_group.unwrap_or_else(|| DEFAULT_LOG_GROUP.to_owned()),
            memory: Mutex::new(Memory::new(book)),
            wake: Notify::new(),
        }
    }

    pub fn code_wanted(&self) -> Option<String> {
        self.credentials.as_ref()?.code_wanted()
    }

    /// What whoever is to type a code is told.
    fn words_of_code(&self) -> Option<String> {
        self.credentials.as_ref()?.words_of_code()
    }

    pub async fn give_code(&self, code: &str) -> Result<(), BackendError> {
        let refused = |message: String| BackendError::Refused { code: "MFA".to_owned(), message };
        let given = match &self.credentials {
            Some(credentials) => credentials.give_code(code).await,
            None => None,
        };
        match given {
            None => Err(refused("no role is assumed with a code here".to_owned())),
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(match (error.of_code(), error) {
                (Some(words), _) => refused(words),
                (None, NoSession::Refused(error)) => self.at.error("AssumeRole", error.as_ref()),
                (None, error) => refused(error.to_string()),
            }),
        }
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call when the budget allows it, and again where it failed by what passes: a fault of the service or of the
    /// connection, or too many calls.
    pub async fn call<T, E, F>(
        &self,
        caller: Caller,
        operation: &'static str,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, BackendError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E>>> + Send,
    {
        self.attempts(caller, operation, true, send).await
    }

    /// Makes a call that must not take effect twice: again where it certainly took none. Where nobody knows, it is
    /// [`BackendError::Unsure`].
    pub async fn call_once<T, E, F>(
        &self,
        caller: Caller,
        operation: &'static str,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, BackendError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E>>> + Send,
    {
        self.attempts(caller, operation, false, send).await
    }

    async fn attempts<T, E, F>(
        &self,
        caller: Caller,
        operation: &'static str,
        may_repeat: bool,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, BackendError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E>>> + Send,
    {
        let mut attempt = 1;
        loop {
            self.budget.spend(caller).await;
            let flight = self.flights.begin();
            // The SDK's futures are large.
            let outcome = Box::pin(send()).await;
            drop(flight);
            let error = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let fate = Fate::of(&error);
            let Learnt { told, is_mended } = self.learn(operation, &error).await;
            let is_throttled = matches!(told, BackendError::Throttled { .. });
            if !(is_throttled || is_mended) && fate == Fate::Unknown && !may_repeat {
                return Err(unsure(operation, told));
            }
            let most = if matches!(error, SdkError::TimeoutError(_)) { ATTEMPTS_IN_TIME } else { ATTEMPTS };
            if attempt >= most || !(is_throttled || is_mended || fate != Fate::Decided) {
                return Err(told);
            }
            // After too many calls, the budget itself makes a pause; what was mended is tried at once.
            if !is_throttled && !is_mended {
                tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt)).await;
            }
            attempt += 1;
        }
    }

    /// What an error tells for later calls, and the error in the backend's words.
    async fn learn<E>(&self, operation: &'static str, error: &SdkError<E>) -> Learnt
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut told = self.at.error(operation, error);
        if let (BackendError::Credentials { message, renewal }, Some(words)) = (&mut told, self.words_of_code()) {
            (*message, *renewal) = (words, None);
        }
        let is_mended = match (&told, &self.credentials) {
            (BackendError::Throttled { .. }, _) => {
                self.budget.throttled(retry_after(error));
                false
            }
            (BackendError::Credentials { .. }, Some(credentials)) => credentials.forget().await,
            (BackendError::Refused { code, message }, _) if speaks_of_the_clock(code, message) => {
                header(error, "date").is_some_and(|date| self.clock.learn(date))
            }
            _ => false,
        };
        Learnt { told, is_mended }
    }

    /// All queues that are looked at, without counts, the larger priority first.
    pub async fn queues(&self, caller: Caller) -> Result<Vec<JobQueue>, BackendError> {
        let mut queues = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = self.batch.describe_job_queues().set_next_token(token);
            let answer = self.call(caller, "DescribeJobQueues", || call.clone().send()).await?;
            queues.extend(answer.job_queues.unwrap_or_default().into_iter().map(convert::queue::queue));
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        if let (Some(history), Some(queue)) = (&self.history, queues.first()) {
            history.learn_place(&queue.job_queue_arn);
        }
        self.memory().services.note_queues(&queues);
        queues.retain(|queue| is_looked_at(&self.queues, &queue.job_queue_name));
        queues.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.job_queue_name.cmp(&b.job_queue_name)));
        Ok(queues)
    }

    /// All environments, without their instances.
    pub async fn environments(&self, caller: Caller) -> Result<Vec<ComputeEnvironment>, BackendError> {
        let mut environments = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = self.batch.describe_compute_environments().set_next_token(token);
            let answer = self.call(caller, "DescribeComputeEnvironments", || call.clone().send()).await?;
            let page = answer.compute_environments.unwrap_or_default();
            environments.extend(page.into_iter().map(convert::environment::environment));
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        environments.sort_by(|a, b| a.compute_environment_name.cmp(&b.compute_environment_name));
        self.memory().fleet.note_environments(&environments, chrono::Utc::now().timestamp_millis());
        Ok(environments)
    }

    /// Revisions by name, the newest of each first; at most the first thousand.
    pub async fn definitions(&self, caller: Caller, active_only: bool) -> Result<Vec<JobDefinition>, BackendError> {
        let mut definitions = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = self.batch.describe_job_definitions().set_next_token(token);
            let call = call.set_status(active_only.then(|| "ACTIVE".to_owned()));
            let answer = self.call(caller, "DescribeJobDefinitions", || call.clone().send()).await?;
            let page = answer.job_definitions.unwrap_or_default();
            definitions.extend(page.into_iter().map(convert::definition::definition));
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        definitions.sort_by(|a, b| {
            a.job_definition_name.cmp(&b.job_definition_name).then_with(|| b.revision.cmp(&a.revision))
        });
        Ok(definitions)
    }

    /// All of each job, in the order asked; unknown ids are left out.
    pub async fn describe(&self, caller: Caller, ids: &[JobId]) -> Result<Vec<JobDetail>, BackendError> {
        let mut found = HashMap::new();
        let mut batches = Vec::new();
        let (of_services, others): (Vec<JobId>, Vec<JobId>) = {
            let memory = self.memory();
            ids.iter().cloned().partition(|id| memory.services.has_job(id))
        };
        for batch in others.chunks(DESCRIBE_AT_ONCE) {
            let ids = batch.iter().map(|id| id.0.clone()).collect();
            let call = self.batch.describe_jobs().set_jobs(Some(ids));
            batches.push(async move { self.call(caller, "DescribeJobs", || call.clone().send()).await });
        }
        for answer in try_join_all(batches).await? {
            let details: Vec<_> = answer.jobs.unwrap_or_default().into_iter().map(convert::job::detail).collect();
            if let Some(history) = &self.history {
                history.note_details(&details);
            }
            found.extend(details.into_iter().map(|detail| (detail.job_id.clone(), detail)));
        }
        let told = self.describe_services(caller, &of_services).await?;
        found.extend(told.into_iter().map(|detail| (detail.job_id.clone(), detail)));
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// One page of a list. The children of arrays are left out of a queue's list, as AWS leaves them out.
    pub async fn list(&self, caller: Caller, place: Place, limit: Option<usize>) -> Result<Fetched, BackendError> {
        let (queue, array, nodes) = match &place.source.of {
            Of::Queue(name) if self.memory().services.has_queue(name_of(name)) => {
                let name = name.clone();
                return self.list_services(caller, place, &name, limit).await;
            }
            Of::Queue(name) => (Some(name.clone()), None, None),
            Of::Array(id) => (None, Some(id.0.clone()), None),
            Of::Nodes(id) => (None, None, Some(id.0.clone())),
        };
        let filter = |name: &str, value: &str| types::KeyValuesPair::builder().name(name).values(value).build();
        let call = self.batch.list_jobs().set_job_queue(queue.clone()).set_array_job_id(array);
        let call = call.set_multi_node_job_id(nodes);
        let (call, largest) = match &place.source.by {
            By::Status(status) => (call.job_status(types::JobStatus::from(status.as_str())), LARGEST_PAGE),
            By::Name(name) => (call.filters(filter("JOB_NAME", name)), LARGEST_FILTERED_PAGE),
            By::Age => (call.filters(filter("AFTER_CREATED_AT", "0")), LARGEST_FILTERED_PAGE),
        };
        let size = limit.unwrap_or(largest).clamp(1, largest);
        let call = call.max_results(i32::try_from(size).unwrap_or(i32::MAX)).set_next_token(place.token.clone());
        let answer = self.call(caller, "ListJobs", || call.clone().send()).await?;
        let queue_name = queue.as_deref().map(name_of);
        let rows = answer.job_summary_list.unwrap_or_default().into_iter();
        let mut rows: Vec<_> = rows.map(|row| convert::job::summary(row, queue_name)).collect();
        rows.retain(|row| queue.is_none() || row.job_id.part().is_none());
        if let Some(history) = &self.history {
            history.note_rows(&rows);
        }
        Ok(Fetched { place, rows, next: answer.next_token })
    }

    /// All of a queue's jobs, as far as one page of each state holds them.
    pub async fn survey(&self, caller: Caller, queue: &str) -> Result<Survey, BackendError> {
        let mut survey = self.newest(caller, queue).await?;
        if survey.overflows {
            self.read_states(caller, queue, &JobStatus::ALL, &mut survey).await?;
        }
        Ok(survey)
    }

    /// The newest hundred jobs of a queue, in one call: of most queues those are all.
    pub async fn newest(&self, caller: Caller, queue: &str) -> Result<Survey, BackendError> {
        let newest = self.list(caller, first_of(queue, By::Age), None).await?;
        let mut survey = Survey { overflows: newest.next.is_some(), ..Survey::default() };
        if !survey.overflows {
            survey.whole.extend(JobStatus::ALL);
        }
        survey.see(newest.rows);
        Ok(survey)
    }

    /// The first page of each of these states, a call each, in the order that a job walks: one that moves between two
    /// calls is seen again rather than missed.
    pub async fn read_states(
        &self,
        caller: Caller,
        queue: &str,
        statuses: &[JobStatus],
        survey: &mut Survey,
    ) -> Result<(), BackendError> {
        for status in statuses.iter().copied() {
            let page = self.list(caller, first_of(queue, By::Status(status)), None).await?;
            if page.next.is_none() {
                survey.whole.insert(status)
            } else {
                survey.cut.insert(status)
            };
            survey.see(page.rows);
        }
        Ok(())
    }

    /// Adds what `ListJobs` does not tell. What was told before of a job in the same state is remembered; of the others
    /// the first `at_most` are described, and the rest keep what the list said.
    pub async fn enrich(&self, caller: Caller, rows: Vec<&mut JobSummary>, at_most: usize) -> Result<(), BackendError> {
        let mut unknown: Vec<&mut JobSummary> = Vec::new();
        {
            let memory = self.memory();
            // Of what AWS has forgotten it tells nothing, and of a service job the list tells what a row shows.
            let told_more = |row: &&mut JobSummary| row.from_history().is_none() && !is_service_job(&row.job_arn);
            for row in rows.into_iter().filter(told_more) {
                let uncounted = !row.status.is_final()
                    && row.array_properties.as_ref().is_some_and(|a| a.size.is_some() && a.status_summary.is_none());
                match memory.extras.get(&row.job_id) {
                    Some((seen, extra)) if *seen == stamp(row) && !uncounted => {
                        row.extra = Some(Box::new(extra.clone()));
                    }
                    _ => unknown.push(row),
                }
            }
        }
        unknown.truncate(at_most);
        let ids: Vec<_> = unknown.iter().map(|row| row.job_id.clone()).collect();
        let details = match self.describe(caller, &ids).await {
            Ok(details) => details,
            // The list stands without what would be added: for a caller who may list and not describe, and in a rush.
            Err(
                error
                @ (BackendError::Refused { .. } | BackendError::Malformed { .. } | BackendError::Throttled { .. }),
            ) => {
                tracing::warn!(%error, jobs = ids.len(), "jobs are listed without their sizes");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut told: HashMap<_, _> = details.into_iter().map(|detail| (detail.job_id.clone(), detail)).collect();
        let mut memory = self.memory();
        if memory.extras.len() + told.len() > REMEMBERED {
            memory.extras.clear();
        }
        for row in unknown {
            let Some(detail) = told.remove(&row.job_id) else { continue };
            let before = stamp(row);
            if let Some(array) = detail.array_properties {
                row.array_properties = Some(array);
            }
            if let Some(extra) = detail.extra {
                // A job that has moved on since it was listed is described again when the list says so too.
                if detail.status == row.status {
                    memory.extras.insert(row.job_id.clone(), (before, (*extra).clone()));
                }
                row.extra = Some(extra);
            }
        }
        Ok(())
    }

    /// One page of a stream.
    pub async fn log_page(&self, caller: Caller, wanted: GetLogEvents) -> Result<LogPage, BackendError> {
        let group = wanted.log_group_name.unwrap_or_else(|| self.log_group.clone());
        let call = self
            .logs
            .get_log_events()
            .log_group_name(&group)
            .log_stream_name(&wanted.log_stream_name)
            .set_start_time(wanted.start_time)
            .set_end_time(wanted.end_time)
            .set_limit(wanted.limit.map(|limit| i32::try_from(limit.min(10_000)).unwrap_or(10_000)))
            .set_start_from_head(wanted.start_from_head)
            .set_next_token(wanted.next_token);
        match self.call(caller, "GetLogEvents", || call.clone().send()).await {
            Ok(page) => Ok(convert::log::page(page)),
            Err(BackendError::NotFound { .. }) => {
                Err(BackendError::NotFound { what: format!("log stream {} of {group}", wanted.log_stream_name) })
            }
            Err(error) => Err(error),
        }
    }

    /// One page of several streams, by time.
    pub async fn filtered(&self, caller: Caller, wanted: FilterLogEvents) -> Result<FilteredLogEvents, BackendError> {
        let group = wanted.log_group_name.unwrap_or_else(|| self.log_group.clone());
        let call = self
            .logs
            .filter_log_events()
            .log_group_name(&group)
            .set_log_stream_names(Some(wanted.log_stream_names).filter(|names| !names.is_empty()))
            .set_start_time(wanted.start_time)
            .set_end_time(wanted.end_time)
            .set_filter_pattern(wanted.filter_pattern)
            .set_limit(wanted.limit.map(|limit| i32::try_from(limit.min(10_000)).unwrap_or(10_000)))
            .set_next_token(wanted.next_token);
        // It changes nothing any more, and old copies of the service still listen to it.
        #[expect(deprecated, reason = "what stands in for AWS in tests sorts only where it is asked to")]
        let call = call.interleaved(true);
        match self.call(caller, "FilterLogEvents", || call.clone().send()).await {
            Ok(page) => Ok(convert::log::filtered(page)),
            Err(BackendError::NotFound { .. }) => {
                Err(BackendError::NotFound { what: format!("one of the log streams of {group}") })
            }
            Err(error) => Err(error),
        }
    }
}
