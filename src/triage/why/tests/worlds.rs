//! Small worlds to fall ill: one job, its queue, one environment.

use crate::model::{
    AgentStatus, AttemptContainerDetail, AttemptDetail, Capacity, ComputeEnvironment, ComputeEnvironmentOrder,
    ComputeResource, ContainerDetail, ContainerSummary, Evidence, FrontOfQueue, FrontOfQueueJob, Instance, InstanceId,
    InstanceState, JobDependency, JobDetail, JobExtra, JobId, JobQueue, JobQueueSnapshot, JobStatus, JobSummary,
    LogEvent, LogTail, Millis, Piece, ResourceRequirement, Subject,
};

pub const MINUTE: Millis = 60_000;
pub const NOW: Millis = 1_800_000_000_000;

pub fn piece<T>(value: T) -> Piece<T> {
    Piece::Read { value, at: NOW }
}

fn value_mut<T>(piece: &mut Piece<T>) -> &mut T {
    match piece {
        Piece::Read { value, .. } => value,
        Piece::NotRead(_) | Piece::NotAsked => panic!("it is not read in this world"),
    }
}

pub fn job_mut(world: &mut Evidence) -> &mut JobDetail {
    value_mut(&mut world.job)
}

pub fn extra_mut(world: &mut Evidence) -> &mut JobExtra {
    job_mut(world).extra.as_mut().expect("it has one")
}

pub fn queue_mut(world: &mut Evidence) -> &mut JobQueue {
    &mut value_mut(&mut world.queues)[0]
}

pub fn environment_mut(world: &mut Evidence) -> &mut ComputeEnvironment {
    &mut value_mut(&mut world.environments)[0]
}

pub fn resources_mut(world: &mut Evidence) -> &mut ComputeResource {
    environment_mut(world).compute_resources.as_mut().expect("it has some")
}

pub fn host_mut(world: &mut Evidence) -> &mut Instance {
    &mut environment_mut(world).capacity.as_mut().expect("it is known").instances[0]
}

pub fn front_mut(world: &mut Evidence) -> &mut Vec<FrontOfQueueJob> {
    &mut value_mut(&mut world.front).front_of_queue.jobs
}

pub fn agents_mut(world: &mut Evidence) -> &mut Vec<AgentStatus> {
    value_mut(&mut world.agents)
}

pub fn ask(world: &mut Evidence, vcpus: &str, memory: &str) {
    let container = job_mut(world).container.as_mut().expect("it has one");
    container.resource_requirements = requirements(vcpus, memory);
}

fn requirements(vcpus: &str, memory: &str) -> Vec<ResourceRequirement> {
    let one = |kind: &str, value: &str| ResourceRequirement { kind: kind.into(), value: value.into() };
    vec![one("VCPU", vcpus), one("MEMORY", memory)]
}

pub fn detail(id: &str, status: JobStatus) -> JobDetail {
    JobDetail {
        job_arn: format!("arn:aws:batch:us-east-1:1:job/{id}"),
        job_id: JobId::from(id),
        job_name: if id == "job" { "resize".into() } else { id.into() },
        job_queue: "arn:aws:batch:us-east-1:1:job-queue/main".into(),
        job_definition: "arn:aws:batch:us-east-1:1:job-definition/resize:3".into(),
        status,
        created_at: NOW - 20 * MINUTE,
        container: Some(ContainerDetail {
            image: "registry.example.com/resize:3".into(),
            command: vec!["resize.sh".into(), "in.mov".into()],
            resource_requirements: requirements("1", "1024"),
            ..ContainerDetail::default()
        }),
        extra: Some(Box::new(JobExtra {
            job_queue: "main".into(),
            vcpus: 1.0,
            memory_mib: 1024,
            state_since: NOW - 2 * MINUTE,
            ..JobExtra::default()
        })),
        ..JobDetail::default()
    }
}

pub fn front(id: &str, since: Millis) -> FrontOfQueueJob {
    let job_arn = format!("arn:aws:batch:us-east-1:1:job/{id}");
    FrontOfQueueJob { job_arn, earliest_time_at_position: since }
}

pub fn snapshot(jobs: Vec<FrontOfQueueJob>) -> JobQueueSnapshot {
    JobQueueSnapshot { front_of_queue: FrontOfQueue { jobs, last_updated_at: Some(NOW) }, queue_utilization: None }
}

/// One EC2 environment with one c5.xlarge, half of it in use.
pub fn local() -> ComputeEnvironment {
    let host = Instance {
        instance_id: InstanceId("i-1".into()),
        compute_environment: "local".into(),
        instance_type: "c5.xlarge".into(),
        state: InstanceState::Active,
        launched_at: NOW - 60 * MINUTE,
        vcpus: 4.0,
        vcpus_used: 2.0,
        memory_mib: 7955,
        memory_mib_used: 2048,
        running_jobs: 2,
        ..Instance::default()
    };
    ComputeEnvironment {
        compute_environment_name: "local".into(),
        kind: "MANAGED".into(),
        compute_resources: Some(ComputeResource {
            kind: "EC2".into(),
            minv_cpus: Some(0),
            maxv_cpus: Some(8),
            desiredv_cpus: Some(4),
            instance_types: vec!["c5.large".into(), "c5.xlarge".into()],
            allocation_strategy: Some("BEST_FIT_PROGRESSIVE".into()),
            ..ComputeResource::default()
        }),
        capacity: Some(Capacity {
            vcpus: 4.0,
            vcpus_used: 2.0,
            memory_mib: 7955,
            memory_mib_used: 2048,
            instances: vec![host],
            usd_per_hour: None,
            prices: None,
        }),
        ..ComputeEnvironment::default()
    }
}

pub fn queue(name: &str, priority: i32) -> JobQueue {
    JobQueue {
        job_queue_name: name.into(),
        priority,
        compute_environment_order: vec![ComputeEnvironmentOrder {
            order: 1,
            compute_environment: "arn:aws:batch:us-east-1:1:compute-environment/local".into(),
        }],
        ..JobQueue::default()
    }
}

fn world(job: JobDetail) -> Evidence {
    let mut world = around(Subject::Job(job.job_id.clone()), true);
    world.job = piece(job);
    world
}

/// The queue, the environment and the instance of every world here.
fn around(subject: Subject, is_local: bool) -> Evidence {
    let mut world = Evidence::of(subject, is_local, NOW);
    world.queues = piece(vec![queue("main", 10)]);
    world.environments = piece(vec![local()]);
    world.agents = piece(vec![AgentStatus {
        instance_id: InstanceId("i-1".into()),
        compute_environment: "local".into(),
        connected: true,
        ..AgentStatus::default()
    }]);
    world.audit = piece(Vec::new());
    world
}

/// At the head of its queue for two minutes, with room for it: it is about to be placed.
pub fn waiting() -> Evidence {
    let mut world = world(detail("job", JobStatus::Runnable));
    world.front = piece(snapshot(vec![front("job", NOW - 2 * MINUTE)]));
    world.ahead = piece(Vec::new());
    world.outranking = piece(Vec::new());
    world.started = piece(Vec::new());
    world
}

/// The same on AWS: no instances, no agents, no use.
pub fn waiting_on_aws() -> Evidence {
    let mut world = waiting();
    world.is_local = false;
    world.agents = Piece::NotAsked;
    environment_mut(&mut world).capacity = None;
    world
}

/// Second in its queue, behind a small job that came there just now.
pub fn second() -> Evidence {
    let mut world = waiting();
    world.front = piece(snapshot(vec![front("first", NOW - 8 * MINUTE), front("job", NOW - 2 * MINUTE)]));
    world.ahead = piece(vec![detail("first", JobStatus::Runnable)]);
    world
}

pub fn pending() -> Evidence {
    let mut world = world(detail("job", JobStatus::Pending));
    world.dependencies = piece(Vec::new());
    world
}

/// A job that this one, or the last one that was added, waits for.
pub fn add_dependency(world: &mut Evidence, id: &str, status: JobStatus, on: &[&str]) {
    let depends = |id: &str| JobDependency { job_id: Some(JobId::from(id)), kind: None };
    let mut other = detail(id, status);
    other.depends_on = on.iter().map(|id| depends(id)).collect();
    let known = value_mut(&mut world.dependencies);
    let is_named = known.iter().flat_map(|job| &job.depends_on).any(|one| one.job_id == Some(JobId::from(id)));
    known.push(other);
    if !is_named {
        job_mut(world).depends_on.push(depends(id));
    }
}

pub fn starting() -> Evidence {
    let mut world = world(detail("job", JobStatus::Starting));
    extra_mut(&mut world).instance = Some(InstanceId("i-1".into()));
    extra_mut(&mut world).state_since = NOW - MINUTE;
    world
}

/// Runs for five minutes, and has written a line a minute ago.
pub fn running() -> Evidence {
    let mut world = world(detail("job", JobStatus::Running));
    job_mut(&mut world).started_at = Some(NOW - 5 * MINUTE);
    extra_mut(&mut world).instance = Some(InstanceId("i-1".into()));
    world.log = piece(log(&["frame 100/200"]));
    world.runs = piece(Vec::new());
    world
}

pub fn log(lines: &[&str]) -> LogTail {
    let event =
        |line: &&str| LogEvent { timestamp: NOW - MINUTE, message: (*line).to_owned(), ingestion_time: NOW - MINUTE };
    LogTail { stream: "resize/default/t1".into(), is_missing: false, events: lines.iter().map(event).collect() }
}

/// Failed on its one try, five minutes ago.
pub fn failed(code: Option<i32>, reason: Option<&str>, status_reason: &str) -> Evidence {
    let mut world = world(detail("job", JobStatus::Failed));
    let container = AttemptContainerDetail {
        exit_code: code,
        reason: reason.map(str::to_owned),
        log_stream_name: Some("resize/default/t1".into()),
        ..AttemptContainerDetail::default()
    };
    let job = job_mut(&mut world);
    job.status_reason = Some(status_reason.to_owned());
    job.started_at = Some(NOW - 15 * MINUTE);
    job.stopped_at = Some(NOW - 5 * MINUTE);
    job.attempts = vec![AttemptDetail {
        container,
        started_at: job.started_at,
        stopped_at: job.stopped_at,
        status_reason: Some(status_reason.to_owned()),
        task_properties: Vec::new(),
    }];
    world.log = piece(log(&["reading in.mov", "the last line"]));
    world.runs = piece(Vec::new());
    world
}

pub const EXITED: &str = "Essential container in task exited";

/// Ended with an error of its own.
pub fn exited() -> Evidence {
    failed(Some(1), None, EXITED)
}

pub fn succeeded() -> Evidence {
    let mut world = failed(Some(0), None, EXITED);
    job_mut(&mut world).status = JobStatus::Succeeded;
    world
}

/// A failed array whose children have all succeeded.
pub fn array() -> Evidence {
    let mut world = world(detail("job", JobStatus::Failed));
    job_mut(&mut world).array_properties =
        Some(crate::model::ArrayProperties { size: Some(10), ..crate::model::ArrayProperties::default() });
    world.failed_children = piece(Vec::new());
    world
}

pub fn failed_child(index: u32, code: i32) -> JobSummary {
    JobSummary {
        job_id: JobId::from("job").child(index),
        status: JobStatus::Failed,
        stopped_at: Some(NOW - MINUTE),
        container: Some(ContainerSummary { exit_code: Some(code), reason: None }),
        ..JobSummary::default()
    }
}

pub fn environment() -> Evidence {
    around(Subject::Environment("local".into()), false)
}
