//! A recorded world that answers as a backend does: for tests of the console and for pictures of it.
//!
//! It never waits: every call is answered at once, streams yield what is recorded and then nothing. What it is asked to
//! change it notes in [`ScriptedBackend::calls`] and leaves the world as it is.

mod answers;
mod world;

pub use world::{Can, Part, Recorded, RecordedCosts, World, WorldError};

use super::{BackendError, JobQuery, JobScope, Why};
use crate::model::watch::SaveWatch;
use crate::model::{
    CommandRun, CostQuery, CostReport, CreateComputeEnvironmentRequest, CreateJobQueueRequest, HoldTarget, InstanceId,
    JobDetail, JobId, JobSummary, LogEvent, LogPage, MoveTo, RegisterJobDefinitionRequest, Schedule, SubmitJobRequest,
    UpdateComputeEnvironmentRequest, UpdateJobQueueRequest, UpdateSchedulingPolicyRequest, name_of,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

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

/// A [`Backend`](super::Backend) over a [`World`].
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Backend, Page};
    use crate::model::GetLogEvents;
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
