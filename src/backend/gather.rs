//! Gathering the evidence for a diagnosis: a few calls, side by side where one does not need the other's answer.
//!
//! A waiting job costs about ten calls on AWS, and two for each cluster that nobody watches; a failed one six. What a call does not give is noted with its reason: the
//! others go on.

mod failures;
mod lineage;
mod pulse;

pub use failures::failed_jobs;
pub use lineage::lineage;
pub use pulse::pulse;

use super::{Backend, BackendError, JobQuery, JobScope};
use crate::model::{
    ComputeEnvironment, ConsumableResource, Evidence, GetLogEvents, JobDetail, JobId, JobQueue, JobQueueSnapshot,
    JobStatus, JobSummary, LogTail, Millis, ObservedRuns, Piece, Subject, name_of,
};
use futures::future::{join_all, try_join_all};
use std::collections::BTreeSet;

/// Jobs that have started, for the rate at which a queue drains.
const STARTED: u32 = 200;
/// Live arrays whose children are listed for it.
const ARRAYS: usize = 2;
/// Rounds in which dependencies of dependencies are followed.
const DEPTH: usize = 5;
const FAILED_CHILDREN: u32 = 200;
const LOG_LINES: u32 = 200;
const AUDIT: usize = 200;
/// Queues before this one whose fronts are read.
const OUTRANKING: usize = 3;
/// Of the jobs in front, so many are described: AWS takes 100 ids a call.
const AHEAD: usize = 99;

/// Reads what a diagnosis of `subject` needs. The clock is asked through `now`, so that each piece has its own age.
///
/// # Errors
/// [`BackendError::NotFound`] where there is no such job, queue or environment, and what kept the subject itself from
/// being read.
pub async fn gather(
    backend: &dyn Backend,
    subject: Subject,
    now: &(dyn Fn() -> Millis + Send + Sync),
) -> Result<Evidence, BackendError> {
    let reader = Reader { backend, now };
    let is_local = backend.capabilities().name == "local";
    let mut evidence = Evidence::of(subject, is_local, now());
    match evidence.subject.clone() {
        Subject::Job(id) => reader.job(&mut evidence, &id).await?,
        Subject::Queue(name) => reader.queue(&mut evidence, &name).await?,
        Subject::Environment(name) => reader.environment(&mut evidence, &name).await?,
    }
    evidence.at = now();
    Ok(evidence)
}

struct Reader<'a> {
    backend: &'a dyn Backend,
    now: &'a (dyn Fn() -> Millis + Send + Sync),
}

impl Reader<'_> {
    fn piece<T>(&self, result: Result<T, BackendError>) -> Piece<T> {
        match result {
            Ok(value) => Piece::Read { value, at: (self.now)() },
            Err(error) => Piece::NotRead(error.to_string()),
        }
    }

    async fn job(&self, evidence: &mut Evidence, id: &JobId) -> Result<(), BackendError> {
        let found = self.backend.describe_jobs(std::slice::from_ref(id)).await?.into_iter().next();
        let job = found.ok_or_else(|| BackendError::NotFound { what: format!("job {id}") })?;
        self.around(evidence).await;
        self.about_job(evidence, job).await;
        Ok(())
    }

    async fn queue(&self, evidence: &mut Evidence, name: &str) -> Result<(), BackendError> {
        let (queues, front) = futures::join!(self.backend.queues_alone(), self.backend.queue_snapshot(name));
        let queues = queues?;
        if !queues.iter().any(|queue| queue.job_queue_name == name) {
            return Err(BackendError::NotFound { what: format!("job queue {name}") });
        }
        evidence.queues = self.piece(Ok(queues));
        evidence.front = self.piece(front);
        self.around(evidence).await;
        let head = evidence.front.value().and_then(|front| front.front_of_queue.jobs.first());
        let head = head.map(|job| JobId(name_of(&job.job_arn).to_owned()));
        let Some(id) = head else {
            evidence.started = self.started(name).await;
            return Ok(());
        };
        match self.backend.describe_jobs(&[id]).await.map(|found| found.into_iter().next()) {
            Ok(Some(job)) => self.about_job(evidence, job).await,
            // It has left the head meanwhile.
            Ok(None) => {}
            Err(error) => evidence.job = Piece::NotRead(error.to_string()),
        }
        Ok(())
    }

    async fn environment(&self, evidence: &mut Evidence, name: &str) -> Result<(), BackendError> {
        let environments = self.backend.compute_environments().await?;
        if !environments.iter().any(|found| found.compute_environment_name == name) {
            return Err(BackendError::NotFound { what: format!("compute environment {name}") });
        }
        evidence.environments = self.piece(Ok(environments));
        self.around(evidence).await;
        Ok(())
    }

    /// Queues, environments, who did what: what every subject stands among.
    async fn around(&self, evidence: &mut Evidence) {
        let can = self.backend.capabilities();
        let queues = async {
            match &evidence.queues {
                Piece::NotAsked => self.piece(self.backend.queues_alone().await),
                read => read.clone(),
            }
        };
        let environments = async {
            match &evidence.environments {
                Piece::NotAsked => self.piece(self.backend.compute_environments().await),
                read => read.clone(),
            }
        };
        let audit = async { if can.audit { self.piece(self.backend.audit(AUDIT).await) } else { Piece::NotAsked } };
        let agents = async {
            let status = || async { self.backend.engine_status().await.map(|status| status.agents) };
            if can.instances { self.piece(status().await) } else { Piece::NotAsked }
        };
        let (queues, environments, audit, agents) = futures::join!(queues, environments, audit, agents);
        (evidence.queues, evidence.environments) = (queues, environments);
        (evidence.audit, evidence.agents) = (audit, agents);
    }

    async fn about_job(&self, evidence: &mut Evidence, job: JobDetail) {
        let queue = name_of(&job.job_queue).to_owned();
        let is_array = job.array_properties.as_ref().is_some_and(|array| array.size.is_some());
        let runnable = job.status == JobStatus::Runnable || is_array && !job.status.is_final();
        let front = async {
            match &evidence.front {
                Piece::NotAsked if runnable => self.piece(self.backend.queue_snapshot(&queue).await),
                read => read.clone(),
            }
        };
        let started = async { if runnable { self.started(&queue).await } else { Piece::NotAsked } };
        let outranking = async { if runnable { self.outranking(evidence, &queue).await } else { Piece::NotAsked } };
        let log = async { if has_run(&job) { self.log(&job).await } else { Piece::NotAsked } };
        let runs = self.runs(&job);
        let dependencies = self.dependencies(&job);
        let consumables = self.consumables(&job);
        let children = async {
            let failed = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
            let has_failed = failed.is_none_or(|counts| counts.get(JobStatus::Failed) > 0);
            if is_array && has_failed { self.failed_children(&job.job_id).await } else { Piece::NotAsked }
        };
        let (front, started, outranking, log) = futures::join!(front, started, outranking, log);
        let (runs, dependencies, consumables, children) = futures::join!(runs, dependencies, consumables, children);
        evidence.ahead = match front.value() {
            Some(front) => self.ahead(front, &job).await,
            None => Piece::NotAsked,
        };
        (evidence.front, evidence.started, evidence.outranking, evidence.log) = (front, started, outranking, log);
        (evidence.runs, evidence.dependencies) = (runs, dependencies);
        (evidence.consumables, evidence.failed_children) = (consumables, children);
        evidence.job = self.piece(Ok(job));
    }

    /// The jobs in front of this one, and of one that is not in front, all of the front.
    async fn ahead(&self, front: &JobQueueSnapshot, job: &JobDetail) -> Piece<Vec<JobDetail>> {
        let ids = front.front_of_queue.jobs.iter().map(|entry| JobId(name_of(&entry.job_arn).to_owned()));
        let before = ids.take_while(|id| *id != job.job_id && !is_child_of(id, &job.job_id));
        let ids: Vec<JobId> = before.take(AHEAD).collect();
        if ids.is_empty() { self.piece(Ok(Vec::new())) } else { self.piece(self.backend.describe_jobs(&ids).await) }
    }

    /// The fronts of queues that are served before this one and share an environment with it.
    async fn outranking(&self, evidence: &Evidence, name: &str) -> Piece<Vec<(String, JobQueueSnapshot)>> {
        let Some(queues) = evidence.queues.value() else { return Piece::NotAsked };
        let Some(own) = queues.iter().find(|queue| queue.job_queue_name == name) else { return Piece::NotAsked };
        let environments = environments_of(own);
        let mut before: Vec<&JobQueue> = queues
            .iter()
            .filter(|queue| queue.priority > own.priority && !environments.is_disjoint(&environments_of(queue)))
            .collect();
        before.sort_by_key(|queue| std::cmp::Reverse(queue.priority));
        let fronts = before.into_iter().take(OUTRANKING).map(|queue| async {
            let front = self.backend.queue_snapshot(&queue.job_queue_name).await?;
            Ok::<_, BackendError>((queue.job_queue_name.clone(), front))
        });
        self.piece(try_join_all(fronts).await)
    }

    /// What has started in a queue. An array that is under way is told by its children.
    async fn started(&self, queue: &str) -> Piece<Vec<JobSummary>> {
        let statuses = JobStatus::ALL.into_iter().filter(|status| status.is_placed() || status.is_final()).collect();
        let query = JobQuery {
            scope: JobScope::Queue(queue.to_owned()),
            statuses,
            limit: Some(STARTED),
            ..JobQuery::default()
        };
        let rows = match self.backend.jobs(query.clone()).await {
            Ok(page) => page.items,
            Err(error) => return Piece::NotRead(error.to_string()),
        };
        let (arrays, mut rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(JobSummary::is_array_parent);
        let children = arrays
            .iter()
            .take(ARRAYS)
            .map(|array| self.backend.jobs(JobQuery { scope: JobScope::Array(array.job_id.clone()), ..query.clone() }));
        for page in join_all(children).await {
            match page {
                Ok(page) => rows.extend(page.items),
                Err(error) => return Piece::NotRead(error.to_string()),
            }
        }
        self.piece(Ok(rows))
    }

    async fn failed_children(&self, array: &JobId) -> Piece<Vec<JobSummary>> {
        let query = JobQuery {
            scope: JobScope::Array(array.clone()),
            statuses: vec![JobStatus::Failed],
            limit: Some(FAILED_CHILDREN),
            ..JobQuery::default()
        };
        self.piece(self.backend.jobs(query).await.map(|page| page.items))
    }

    /// The jobs that this one depends on, and from there on what those wait for.
    async fn dependencies(&self, job: &JobDetail) -> Piece<Vec<JobDetail>> {
        let mut wanted = depends_on(job);
        if wanted.is_empty() {
            return Piece::NotAsked;
        }
        let mut all: Vec<JobDetail> = Vec::new();
        for _ in 0..DEPTH {
            let found = match self.backend.describe_jobs(&wanted).await {
                Ok(found) => found,
                Err(error) => return Piece::NotRead(error.to_string()),
            };
            let unmet = found.iter().filter(|job| job.status != JobStatus::Succeeded).flat_map(depends_on);
            let mut next: Vec<JobId> = unmet.collect();
            all.extend(found);
            next.sort();
            next.dedup();
            next.retain(|id| all.iter().all(|known| known.job_id != *id));
            if next.is_empty() {
                break;
            }
            wanted = next;
        }
        self.piece(Ok(all))
    }

    async fn log(&self, job: &JobDetail) -> Piece<LogTail> {
        let Some(stream) = stream_of(job) else { return Piece::NotAsked };
        let configuration = job.container.as_ref().and_then(|container| container.log_configuration.as_ref());
        let group = configuration.and_then(|configuration| configuration.options.get("awslogs-group").cloned());
        let request = GetLogEvents {
            log_group_name: group,
            log_stream_name: stream.clone(),
            limit: Some(LOG_LINES),
            ..GetLogEvents::default()
        };
        match self.backend.log_events(request).await {
            Ok(page) => self.piece(Ok(LogTail { stream, is_missing: false, events: page.events })),
            Err(BackendError::NotFound { .. }) => {
                self.piece(Ok(LogTail { stream, is_missing: true, events: Vec::new() }))
            }
            Err(error) => Piece::NotRead(error.to_string()),
        }
    }

    async fn runs(&self, job: &JobDetail) -> Piece<Vec<ObservedRuns>> {
        if !self.backend.capabilities().costs || !has_run(job) {
            return Piece::NotAsked;
        }
        let name = name_of(&job.job_definition).split(':').next().unwrap_or_default();
        self.piece(self.backend.observed_runs(Some(name)).await)
    }

    async fn consumables(&self, job: &JobDetail) -> Piece<Vec<ConsumableResource>> {
        let taken = job.consumable_resource_properties.iter().flat_map(|all| &all.consumable_resource_list);
        let names: BTreeSet<&str> = taken.map(|one| name_of(&one.consumable_resource)).collect();
        if names.is_empty() || job.status.is_final() {
            return Piece::NotAsked;
        }
        self.piece(try_join_all(names.into_iter().map(|name| self.backend.consumable_resource(name))).await)
    }
}

fn is_child_of(id: &JobId, array: &JobId) -> bool {
    id.array_parent().is_some_and(|(parent, _)| parent == *array)
}

fn depends_on(job: &JobDetail) -> Vec<JobId> {
    job.depends_on.iter().filter_map(|dependency| dependency.job_id.clone()).collect()
}

fn environments_of(queue: &JobQueue) -> BTreeSet<&str> {
    queue.compute_environment_order.iter().map(|entry| name_of(&entry.compute_environment)).collect()
}

/// Whether it has come so far that it may have written something.
fn has_run(job: &JobDetail) -> bool {
    job.started_at.is_some() || !job.attempts.is_empty() || job.status.is_placed()
}

/// The stream of the try that runs, or ran last.
fn stream_of(job: &JobDetail) -> Option<String> {
    let own = job.container.as_ref().and_then(|container| container.log_stream_name.clone());
    let of_attempt = || job.attempts.last().and_then(|attempt| attempt.container.log_stream_name.clone());
    let of_task = || {
        let mut containers =
            job.ecs_properties.iter().flat_map(|task| &task.task_properties).flat_map(|task| &task.containers);
        containers.find_map(|container| container.log_stream_name.clone())
    };
    own.or_else(of_attempt).or_else(of_task).filter(|stream| !stream.is_empty())
}

/// Names that are both known: for a word that may mean either.
pub async fn named(backend: &dyn Backend, name: &str) -> Result<Option<Subject>, BackendError> {
    let (queues, environments) = futures::join!(backend.queues_alone(), backend.environments_alone());
    let is_queue = |queues: Vec<JobQueue>| queues.iter().any(|queue| queue.job_queue_name == name);
    if is_queue(queues?) {
        return Ok(Some(Subject::Queue(name.to_owned())));
    }
    let is_environment =
        |found: Vec<ComputeEnvironment>| found.iter().any(|found| found.compute_environment_name == name);
    Ok(is_environment(environments?).then(|| Subject::Environment(name.to_owned())))
}
