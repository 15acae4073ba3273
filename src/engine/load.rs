//! A backlog of any size, and the steps that must cost the same however large it is. Without a clock, as all of the
//! engine: whoever measures takes the time around each step (`tests/bench`, and the tests of this room).

use super::command::{Action, Answer, Command, Outcome};
use super::event::Event;
use super::{Effect, Engine, Ids, JobFilter, Settings};
use crate::model::{
    ArrayProperties, AttemptId, ComputeEnvironmentOrder, ComputeResource, ContainerProperties,
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, InstanceId, JobId, JobStatus, Millis,
    RegisterJobDefinitionRequest, ResourceRequirement, SubmitJobRequest, UpdateJobQueueRequest,
};
use std::collections::VecDeque;

/// The queue that everything waits in.
pub const QUEUE: &str = "backlog";

/// UUIDs that count up.
#[derive(Debug, Default)]
pub(super) struct Counting(u128);

impl Ids for Counting {
    fn uuid(&mut self) -> String {
        self.0 += 1;
        // The low bits go first, as those of random ids differ there.
        uuid::Uuid::from_u128(self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)).to_string()
    }
}

/// An engine with one environment of four vCPUs whose instances have registered, one queue, and jobs of one vCPU.
pub struct Backlog {
    pub engine: Engine,
    now: Millis,
    ids: Counting,
    /// Placed, the first one first.
    running: VecDeque<AttemptId>,
    /// How many events there have been; what a journal would have as rows.
    pub events: u64,
}

impl Default for Backlog {
    fn default() -> Self {
        let engine = Engine::new(Settings::default());
        let mut backlog =
            Self { engine, now: 1_795_478_400_000, ids: Counting(0), running: VecDeque::new(), events: 0 };
        backlog.ask(Action::CreateComputeEnvironment(CreateComputeEnvironmentRequest {
            compute_environment_name: "room".to_owned(),
            kind: "MANAGED".to_owned(),
            compute_resources: Some(ComputeResource {
                kind: "EC2".to_owned(),
                maxv_cpus: Some(4),
                instance_types: vec!["c6i".to_owned()],
                ..ComputeResource::default()
            }),
            ..CreateComputeEnvironmentRequest::default()
        }));
        backlog.ask(Action::CreateJobQueue(CreateJobQueueRequest {
            job_queue_name: QUEUE.to_owned(),
            priority: 1,
            compute_environment_order: vec![ComputeEnvironmentOrder {
                order: 1,
                compute_environment: "room".to_owned(),
            }],
            ..CreateJobQueueRequest::default()
        }));
        let requirement = |kind: &str, value: &str| ResourceRequirement { kind: kind.into(), value: value.into() };
        backlog.ask(Action::RegisterJobDefinition(Box::new(RegisterJobDefinitionRequest {
            job_definition_name: "work".to_owned(),
            kind: "container".to_owned(),
            container_properties: Some(ContainerProperties {
                image: "host".to_owned(),
                command: vec!["true".to_owned()],
                resource_requirements: vec![requirement("VCPU", "1"), requirement("MEMORY", "128")],
                ..ContainerProperties::default()
            }),
            ..RegisterJobDefinitionRequest::default()
        })));
        backlog
    }
}

impl Backlog {
    /// Submits one job; `size` children where it is given.
    pub fn submit(&mut self, size: Option<u32>) -> JobId {
        let request = SubmitJobRequest {
            job_name: "work".to_owned(),
            job_queue: QUEUE.to_owned(),
            job_definition: "work".to_owned(),
            array_properties: size.map(|size| ArrayProperties { size: Some(size), ..ArrayProperties::default() }),
            ..SubmitJobRequest::default()
        };
        match self.ask(Action::SubmitJob(Box::new(request))) {
            Some(Answer::Submitted(response)) => response.job_id,
            other => unreachable!("a plain job is accepted, not answered with {other:?}"),
        }
    }

    /// The first page of what waits, as a console asks for it; how many rows it has.
    pub fn page(&self) -> usize {
        let filter = JobFilter {
            queue: Some(QUEUE.to_owned()),
            statuses: vec![JobStatus::Runnable, JobStatus::Pending],
            limit: 100,
            ..JobFilter::default()
        };
        self.engine.jobs(&filter).map_or(0, |(rows, _)| rows.len())
    }

    /// Who is next in the queue; how many are told.
    pub fn snapshot(&self) -> usize {
        self.engine.queue_snapshot(QUEUE, self.now).map_or(0, |snapshot| snapshot.front_of_queue.jobs.len())
    }

    pub fn reprioritise(&mut self, job: &JobId, priority: i32) {
        self.ask(Action::ReprioritiseJob { job: job.clone(), priority });
    }

    /// The first of the running jobs ends, and who is next takes its place. `false` where nothing runs.
    pub fn dispatch(&mut self) -> bool {
        let Some(attempt) = self.running.pop_front() else { return false };
        self.now += 1;
        let exit = Outcome { at: self.now, started_at: Some(self.now), code: Some(0), ..Outcome::default() };
        self.ask(Action::AttemptExited { attempt, exit });
        true
    }

    /// Begins to delete the queue; [`Backlog::go_on`] ends its jobs in steps.
    pub fn delete(&mut self) {
        let off = UpdateJobQueueRequest {
            job_queue: QUEUE.to_owned(),
            state: Some(crate::model::Switch::Disabled),
            ..UpdateJobQueueRequest::default()
        };
        self.ask(Action::UpdateJobQueue(off));
        let events = self.decide(Action::DeleteJobQueue { name: QUEUE.to_owned() }).0;
        self.apply(&events);
    }

    /// One step of what is due; `false` once there is nothing.
    pub fn go_on(&mut self) -> bool {
        let events = self.engine.advance(self.now, &mut self.ids);
        self.apply(&events);
        !events.is_empty()
    }

    fn ask(&mut self, action: Action) -> Option<Answer> {
        let (events, answer) = self.decide(action);
        self.apply(&events);
        while self.go_on() {}
        answer
    }

    fn decide(&mut self, action: Action) -> (Vec<Event>, Option<Answer>) {
        let command = Command { by: "ada@host".to_owned(), reason: None, action };
        match self.engine.decide(&command, self.now, &mut self.ids) {
            Ok(decision) => (decision.events, Some(decision.answer)),
            Err(_) => (Vec::new(), None),
        }
    }

    /// Applies events as the engine's body does; instances register at once.
    fn apply(&mut self, events: &[Event]) {
        for event in events {
            self.engine.apply(event);
            self.events += 1;
            for effect in self.engine.effects(event) {
                match effect {
                    Effect::LaunchInstance { instance } => self.register(instance),
                    Effect::Start { start, .. } => self.running.push_back(start.attempt),
                    _ => {}
                }
            }
        }
    }

    fn register(&mut self, instance: InstanceId) {
        let registered = self.decide(Action::InstanceRegistered { instance, pid: 1 }).0;
        for event in registered {
            self.engine.apply(&event);
            self.events += 1;
        }
    }
}
