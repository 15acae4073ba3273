//! A world around an engine: a clock, ids that count, and agents that hold what they were told.
//!
//! After each step the invariants are checked, and every event goes to a journal and is read back from its JSON.

use crate::engine::command::{Action, Answer, Command, Outcome, Refusal};
use crate::engine::event::Event;
use crate::engine::{Effect, Engine, Ids, JobFilter, Settings, StartAttempt};
use crate::model::{
    AttemptId, ComputeEnvironmentOrder, ComputeResource, ConsumableKind, ConsumableResourceProperties,
    ConsumableResourceRequirement, ContainerOverrides, ContainerProperties, CreateComputeEnvironmentRequest,
    CreateConsumableResourceRequest, CreateJobQueueRequest, CreateSchedulingPolicyRequest, FairsharePolicy, InstanceId,
    JobDetail, JobId, JobStatus, Millis, RegisterJobDefinitionRequest, ResourceRequirement, RetryStrategy,
    ShareAttributes, SubmitJobRequest, UpdateConsumableResourceRequest,
};
use std::collections::{BTreeMap, BTreeSet};

/// 2026-11-24T00:00:00Z
pub const START: Millis = 1_795_478_400_000;
pub const SECOND: Millis = 1000;
pub const MINUTE: Millis = 60 * SECOND;
pub const HOUR: Millis = 60 * MINUTE;
pub const DAY: Millis = 24 * HOUR;

/// What is said where nothing can be written.
const NO_ROOM: &str = "the journal's disk is full";

/// UUIDs that count.
#[derive(Debug, Clone, Default)]
pub struct Counting(u32);

impl Ids for Counting {
    fn uuid(&mut self) -> String {
        self.0 += 1;
        format!("{:08x}-0000-4000-8000-000000000000", self.0)
    }
}

/// What an agent holds of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    Starting,
    Running(Millis),
    Exited(Outcome),
}

#[derive(Debug, Clone, Default)]
pub struct Agent {
    pub pid: u32,
    pub held: BTreeMap<AttemptId, Held>,
}

/// When the engine's process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dies {
    /// The append is torn: nothing of it is there afterwards.
    Within,
    /// All of it is written, and nobody has heard of it.
    After,
}

pub struct World {
    pub engine: Engine,
    pub now: Millis,
    pub ids: Counting,
    pub journal: Vec<String>,
    pub agents: BTreeMap<InstanceId, Agent>,
    /// Launched, and not registered yet.
    pub launching: BTreeSet<InstanceId>,
    /// Killed, and not reported as lost yet.
    pub killed: BTreeSet<InstanceId>,
    /// Every start that was ever asked for.
    pub starts: BTreeMap<AttemptId, StartAttempt>,
    pub stops: Vec<(AttemptId, u32)>,
    /// Agents take their time: what is to stop goes on.
    pub hold_stops: bool,
    /// There is no room for the journal: nothing can be appended.
    pub is_full: bool,
    /// The engine's process is killed when it appends next; it takes nothing more then, as where it is full.
    pub dies: Option<Dies>,
    /// What the last step did.
    pub events: Vec<Event>,
    pids: u32,
}

impl Default for World {
    fn default() -> Self {
        Self::with(Settings::default())
    }
}

impl World {
    pub fn with(settings: Settings) -> Self {
        Self {
            engine: Engine::new(settings),
            now: START,
            ids: Counting::default(),
            journal: Vec::new(),
            agents: BTreeMap::new(),
            launching: BTreeSet::new(),
            killed: BTreeSet::new(),
            starts: BTreeMap::new(),
            stops: Vec::new(),
            hold_stops: false,
            is_full: false,
            dies: None,
            events: Vec::new(),
            pids: 100,
        }
    }

    /// One environment of `vcpus`, one queue `main`, and the definition `job` of one vCPU and 512 MiB, tried once.
    pub fn small(vcpus: i32) -> Self {
        let mut world = Self::default();
        world.environment("ce", vcpus);
        world.queue("main", 1, &["ce"]);
        world.definition("job", "1", "512");
        world
    }

    pub fn environment(&mut self, name: &str, vcpus: i32) {
        let request = environment(name, vcpus);
        self.ask(Action::CreateComputeEnvironment(request)).expect("an environment");
    }

    pub fn queue(&mut self, name: &str, priority: i32, environments: &[&str]) {
        let order = (1..)
            .zip(environments)
            .map(|(order, name)| ComputeEnvironmentOrder { order, compute_environment: (*name).to_owned() });
        let request = CreateJobQueueRequest {
            job_queue_name: name.to_owned(),
            priority,
            compute_environment_order: order.collect(),
            ..Default::default()
        };
        self.ask(Action::CreateJobQueue(request)).expect("a queue");
    }

    /// A fair-share queue of `ce` with a policy of its name.
    pub fn fair(&mut self, name: &str, shares: &[(&str, f64)], reservation: i32, decay: i32) {
        let share = |(name, weight): &(&str, f64)| ShareAttributes {
            share_identifier: (*name).to_owned(),
            weight_factor: Some(*weight),
        };
        let policy = FairsharePolicy {
            share_decay_seconds: Some(decay),
            compute_reservation: Some(reservation),
            share_distribution: shares.iter().map(share).collect(),
        };
        self.ask(Action::CreateSchedulingPolicy(CreateSchedulingPolicyRequest {
            name: name.to_owned(),
            fairshare_policy: Some(policy),
            ..Default::default()
        }))
        .expect("a policy");
        let order = ComputeEnvironmentOrder { order: 1, compute_environment: "ce".to_owned() };
        let arn = self.engine.core.settings.place.batch_arn("scheduling-policy", name);
        self.ask(Action::CreateJobQueue(CreateJobQueueRequest {
            job_queue_name: name.to_owned(),
            priority: 1,
            compute_environment_order: vec![order],
            scheduling_policy_arn: Some(arn),
            ..Default::default()
        }))
        .expect("a queue");
    }

    pub fn consumable(&mut self, name: &str, total: i64, kind: ConsumableKind) {
        self.ask(Action::CreateConsumableResource(CreateConsumableResourceRequest {
            consumable_resource_name: name.to_owned(),
            total_quantity: Some(total),
            resource_type: Some(kind.as_str().to_owned()),
            ..Default::default()
        }))
        .expect("a consumable resource");
    }

    /// Sets the total of a consumable resource.
    pub fn fill(&mut self, name: &str, total: i64) {
        self.ask(Action::UpdateConsumableResource(UpdateConsumableResourceRequest {
            consumable_resource: name.to_owned(),
            operation: Some("SET".to_owned()),
            quantity: Some(total),
            ..Default::default()
        }))
        .expect("updated");
    }

    pub fn definition(&mut self, name: &str, vcpus: &str, memory: &str) {
        self.ask(Action::RegisterJobDefinition(Box::new(definition(name, vcpus, memory)))).expect("a definition");
    }

    pub fn submit(&mut self, request: SubmitJobRequest) -> JobId {
        match self.ask(Action::SubmitJob(Box::new(request))) {
            Ok(Answer::Submitted(response)) => response.job_id,
            other => panic!("not submitted: {other:?}"),
        }
    }

    pub fn ask(&mut self, action: Action) -> Result<Answer, Refusal> {
        let command = Command { by: "ada@host".to_owned(), reason: None, action };
        let decision = self.engine.decide(&command, self.now, &mut self.ids)?;
        if self.settle(decision.events) { Ok(decision.answer) } else { Err(Refusal::Client(NO_ROOM.to_owned())) }
    }

    /// Applies events and all that follows from them, as the engine's body does, and carries out the effects. Where the
    /// journal takes nothing, nothing of it has been: the state is again what the journal says.
    pub fn settle(&mut self, first: Vec<Event>) -> bool {
        let is_lost = self.is_full || self.dies == Some(Dies::Within);
        let before = is_lost.then(|| (self.engine.clone(), self.journal.len()));
        let mut all = Vec::new();
        let mut events = first;
        for round in 0.. {
            assert!(round < 1000, "the engine does not come to rest: {events:?}");
            for event in &events {
                self.apply(event);
            }
            all.append(&mut events);
            events = self.engine.advance(self.now, &mut self.ids);
            if events.is_empty() {
                events = self.engine.look_at_watches(self.now);
            }
            if events.is_empty() {
                break;
            }
        }
        if let Err(violation) = self.engine.check() {
            panic!("{violation}\nafter {all:#?}");
        }
        if let Some((before, written)) = before
            && !all.is_empty()
        {
            self.journal.truncate(written);
            self.engine = before;
            self.is_full |= self.dies.take().is_some();
            return false;
        }
        if !all.is_empty() && self.dies.take().is_some() {
            self.is_full = true;
            return false;
        }
        let effects: Vec<Effect> = all.iter().flat_map(|event| self.engine.effects(event)).collect();
        let again: Vec<Effect> = all.iter().flat_map(|event| self.engine.effects(event)).collect();
        assert_eq!(effects, again, "effects are the same each time they are asked for");
        self.events = all;
        for effect in effects {
            self.carry_out(effect);
        }
        true
    }

    fn apply(&mut self, event: &Event) {
        let json = serde_json::to_string(event).expect("an event is written");
        let read: Event = serde_json::from_str(&json).expect("an event is read");
        assert_eq!(read, *event, "{json}");
        self.journal.push(json);
        self.engine.apply(event);
    }

    pub fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::LaunchInstance { instance } => {
                self.launching.insert(instance);
            }
            Effect::EndInstance { instance } => {
                let agent = self.agents.remove(&instance);
                let busy = agent.is_some_and(|agent| agent.held.values().any(|held| !matches!(held, Held::Exited(_))));
                assert!(!busy, "{instance} is ended while something runs on it");
            }
            Effect::KillInstance { instance } => {
                self.agents.remove(&instance);
                self.launching.remove(&instance);
                self.killed.insert(instance);
            }
            Effect::Start { instance, start } => {
                let known = self.starts.entry(start.attempt.clone()).or_insert_with(|| (*start).clone());
                assert_eq!(*known, *start, "an attempt is started in one way");
                if let Some(agent) = self.agents.get_mut(&instance) {
                    agent.held.entry(start.attempt).or_insert(Held::Starting);
                }
            }
            Effect::Stop { instance, attempt, grace_seconds } => {
                self.stops.push((attempt.clone(), grace_seconds));
                if self.hold_stops {
                    return;
                }
                let now = self.now;
                if let Some(agent) = self.agents.get_mut(&instance) {
                    let outcome = |started_at, code| Outcome { at: now, started_at, code, ..Outcome::default() };
                    let exit = match agent.held.get(&attempt) {
                        Some(Held::Running(since)) => outcome(Some(*since), Some(143)),
                        Some(Held::Exited(exit)) => exit.clone(),
                        Some(Held::Starting) | None => outcome(None, None),
                    };
                    agent.held.insert(attempt, Held::Exited(exit));
                }
            }
            Effect::Acknowledge { instance, attempt } => {
                if let Some(agent) = self.agents.get_mut(&instance) {
                    agent.held.remove(&attempt);
                }
            }
        }
    }

    /// Registers every instance that was launched.
    pub fn register_all(&mut self) {
        while let Some(instance) = self.launching.pop_first() {
            self.register(&instance);
        }
    }

    pub fn register(&mut self, instance: &InstanceId) {
        self.pids += 1;
        self.launching.remove(instance);
        self.agents.insert(instance.clone(), Agent { pid: self.pids, held: BTreeMap::new() });
        self.hello(instance);
    }

    /// An agent says hello with all it holds.
    pub fn hello(&mut self, instance: &InstanceId) {
        let Some(agent) = self.agents.get(instance).filter(|_| !self.is_full) else { return };
        let held: Vec<AttemptId> = agent.held.keys().cloned().collect();
        let refused = self.ask(Action::InstanceRegistered { instance: instance.clone(), pid: agent.pid }).is_err();
        if self.is_full {
            return;
        }
        let effects = self.engine.reconcile(instance, &held);
        assert!(!refused || effects.contains(&Effect::EndInstance { instance: instance.clone() }));
        for effect in effects {
            if refused && matches!(effect, Effect::EndInstance { .. }) {
                self.agents.remove(instance);
            } else {
                self.carry_out(effect);
            }
        }
    }

    pub fn holder(&self, attempt: &AttemptId) -> InstanceId {
        let holder = self.agents.iter().find(|(_, agent)| agent.held.contains_key(attempt));
        holder.unwrap_or_else(|| panic!("nobody holds {attempt}")).0.clone()
    }

    pub fn started(&mut self, attempt: &AttemptId) {
        self.started_at(attempt, None);
    }

    pub fn started_at(&mut self, attempt: &AttemptId, address: Option<&str>) {
        let at = self.now;
        let holder = self.holder(attempt);
        self.agents.get_mut(&holder).expect("an agent").held.insert(attempt.clone(), Held::Running(at));
        let action = Action::AttemptStarted { attempt: attempt.clone(), at, address: address.map(str::to_owned) };
        assert!(self.ask(action).is_ok() || self.is_full, "accepted");
    }

    pub fn exited(&mut self, attempt: &AttemptId, exit: Outcome) {
        let holder = self.holder(attempt);
        self.agents.get_mut(&holder).expect("an agent").held.insert(attempt.clone(), Held::Exited(exit.clone()));
        self.report(attempt, exit);
    }

    /// What a body does with a report of an exit: it acknowledges it, whatever it changes, once it is written.
    pub fn report(&mut self, attempt: &AttemptId, exit: Outcome) {
        let action = Action::AttemptExited { attempt: attempt.clone(), exit };
        let answer = self.ask(action);
        if self.is_full && answer.is_err() {
            return;
        }
        answer.expect("an exit is always accepted");
        for agent in self.agents.values_mut() {
            agent.held.remove(attempt);
        }
    }

    /// Starts and ends the live attempt of a job with an exit code.
    pub fn run(&mut self, job: &JobId, code: i32) {
        self.register_all();
        let attempt = self.live(job);
        self.started(&attempt);
        self.now += SECOND;
        let exit = Outcome { at: self.now, code: Some(code), ..Outcome::default() };
        self.exited(&attempt, exit);
    }

    /// The end of what was killed is seen.
    pub fn bury(&mut self) {
        while !self.is_full
            && let Some(instance) = self.killed.pop_first()
        {
            self.lose(&instance);
        }
    }

    pub fn lose(&mut self, instance: &InstanceId) {
        self.agents.remove(instance);
        self.launching.remove(instance);
        let action = Action::InstanceLost { instance: instance.clone(), cause: "its agent died".to_owned() };
        let answer = self.ask(action);
        if self.is_full && answer.is_err() {
            // It is said again when there is room.
            self.killed.insert(instance.clone());
            return;
        }
        answer.expect("accepted");
    }

    pub fn pass(&mut self, time: Millis) {
        self.now += time;
        self.settle(Vec::new());
    }

    pub fn live(&self, job: &JobId) -> AttemptId {
        let number = self.job(job).extra.expect("ours").attempt;
        AttemptId { job: job.clone(), number }
    }

    pub fn job(&self, id: &JobId) -> JobDetail {
        let mut found = self.engine.describe_jobs(std::slice::from_ref(id));
        found.pop().unwrap_or_else(|| panic!("{id} is not known"))
    }

    pub fn status(&self, id: &JobId) -> JobStatus {
        self.job(id).status
    }

    pub fn reason(&self, id: &JobId) -> String {
        self.job(id).status_reason.unwrap_or_default()
    }

    /// Children and jobs that are in a state, by id.
    pub fn all_in(&self, status: JobStatus) -> Vec<JobId> {
        let filter = JobFilter { limit: 100_000, ..JobFilter::default() };
        let (rows, _) = self.engine.jobs(&filter).expect("a page");
        let mut found = Vec::new();
        for row in rows {
            if row.is_array_parent() {
                let children = JobFilter { array: Some(row.job_id), limit: 100_000, ..JobFilter::default() };
                let (rows, _) = self.engine.jobs(&children).expect("a page");
                found.extend(rows.into_iter().filter(|row| row.status == status).map(|row| row.job_id));
            } else if row.status == status {
                found.push(row.job_id);
            }
        }
        found
    }

    /// The state as the journal tells it.
    pub fn replayed(&self, settings: &Settings) -> Engine {
        let mut replayed = Engine::new(settings.clone());
        for line in &self.journal {
            replayed.apply(&serde_json::from_str(line).expect("an event is read"));
        }
        replayed
    }

    /// The state is what the journal says, and what a snapshot says.
    pub fn assert_replays(&self, settings: &Settings) {
        assert!(self.replayed(settings) == self.engine, "a replayed journal gives the same state");
        let snapshot = serde_json::to_string(&self.engine).expect("a snapshot is written");
        let read: Engine = serde_json::from_str(&snapshot).expect("a snapshot is read");
        assert!(read == self.engine, "a snapshot gives the same state");
    }
}

/// From two vCPUs on, with 2 GiB for each.
const SIZES: [&str; 7] = ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge"];

pub fn environment(name: &str, vcpus: i32) -> CreateComputeEnvironmentRequest {
    let names = |sizes: &[&str]| sizes.iter().map(|size| format!("c6g.{size}")).collect();
    CreateComputeEnvironmentRequest {
        compute_environment_name: name.to_owned(),
        kind: "MANAGED".to_owned(),
        compute_resources: Some(ComputeResource {
            kind: "EC2".to_owned(),
            maxv_cpus: Some(vcpus),
            instance_types: if vcpus == 1 { names(&["medium"]) } else { names(&SIZES) },
            ..ComputeResource::default()
        }),
        ..CreateComputeEnvironmentRequest::default()
    }
}

pub fn definition(name: &str, vcpus: &str, memory: &str) -> RegisterJobDefinitionRequest {
    RegisterJobDefinitionRequest {
        job_definition_name: name.to_owned(),
        kind: "container".to_owned(),
        container_properties: Some(ContainerProperties {
            image: "host".to_owned(),
            command: vec!["true".to_owned()],
            resource_requirements: requirements(vcpus, memory),
            ..ContainerProperties::default()
        }),
        ..RegisterJobDefinitionRequest::default()
    }
}

pub fn consumes(list: &[(&str, i64)]) -> ConsumableResourceProperties {
    let requirement = |(name, quantity): &(&str, i64)| ConsumableResourceRequirement {
        consumable_resource: (*name).to_owned(),
        quantity: *quantity,
    };
    ConsumableResourceProperties { consumable_resource_list: list.iter().map(requirement).collect() }
}

pub fn requirements(vcpus: &str, memory: &str) -> Vec<ResourceRequirement> {
    let requirement = |kind: &str, value: &str| ResourceRequirement { kind: kind.to_owned(), value: value.to_owned() };
    vec![requirement("VCPU", vcpus), requirement("MEMORY", memory)]
}

/// A submission of the definition `job` to the queue `main`.
pub fn job(name: &str) -> SubmitJobRequest {
    SubmitJobRequest {
        job_name: name.to_owned(),
        job_queue: "main".to_owned(),
        job_definition: "job".to_owned(),
        ..SubmitJobRequest::default()
    }
}

pub fn sized(name: &str, vcpus: &str, memory: &str) -> SubmitJobRequest {
    let overrides = ContainerOverrides { resource_requirements: requirements(vcpus, memory), ..Default::default() };
    SubmitJobRequest { container_overrides: Some(overrides), ..job(name) }
}

pub fn tried(name: &str, attempts: u32) -> SubmitJobRequest {
    let strategy = RetryStrategy { attempts: Some(attempts), ..RetryStrategy::default() };
    SubmitJobRequest { retry_strategy: Some(strategy), ..job(name) }
}

impl World {
    /// Every agent reports the exits that it holds.
    pub fn deliver(&mut self) {
        let exits: Vec<(AttemptId, Outcome)> = self
            .agents
            .values()
            .flat_map(|agent| &agent.held)
            .filter_map(|(attempt, held)| match held {
                Held::Exited(exit) => Some((attempt.clone(), exit.clone())),
                Held::Starting | Held::Running(_) => None,
            })
            .collect();
        for (attempt, exit) in exits {
            self.report(&attempt, exit);
        }
    }
}

impl World {
    /// Submits without a look at the invariants, which takes long where there are many jobs.
    pub fn submit_unchecked(&mut self, request: SubmitJobRequest) {
        let action = Action::SubmitJob(Box::new(request));
        let command = Command { by: "ada@host".to_owned(), reason: None, action };
        let decision = self.engine.decide(&command, self.now, &mut self.ids).expect("accepted");
        decision.events.iter().for_each(|event| self.apply(event));
    }

    /// Ends an attempt that runs.
    pub fn run_started(&mut self, attempt: &AttemptId, code: i32) {
        self.now += SECOND;
        self.run_started_now(attempt, code);
    }

    pub fn run_started_now(&mut self, attempt: &AttemptId, code: i32) {
        let exit = Outcome { at: self.now, code: Some(code), ..Outcome::default() };
        self.exited(attempt, exit);
    }
}
