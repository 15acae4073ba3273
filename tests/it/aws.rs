//! The AWS backend against a moto server: the real SDK, real HTTP, AWS's own API shapes.

pub mod gate;
pub mod moto;
pub mod played;

use batchdeck::backend::aws::{AwsBackend, AwsSettings, Keys};
use batchdeck::backend::{Backend, BackendError, JobQuery, JobScope, Why};
use batchdeck::model::{
    ArrayProperties, ComputeEnvironmentOrder, ComputeResource, ContainerOverrides, ContainerProperties,
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, FlexibleTimeWindow, GetLogEvents, Health, JobDependency,
    JobDetail, JobId, JobStatus, KeyValuePair, RegisterJobDefinitionRequest, ResourceRequirement, RetryStrategy,
    Schedule, ScheduleTarget, SubmitJobRequest, Switch, UpdateComputeEnvironmentRequest, UpdateJobQueueRequest, What,
};
use futures::StreamExt;
use moto::{Moto, REGION};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// Only there to end a test that would otherwise hang.
const PATIENCE: Duration = Duration::from_mins(1);

/// A fresh AWS with one queue `main` on one Fargate environment `small`, and the definition `echo:1`.
pub struct World {
    pub moto: Moto,
    pub backend: AwsBackend,
    directory: TempDir,
}

fn settings(moto: &Moto, region: &str, audit_file: Option<PathBuf>) -> AwsSettings {
    AwsSettings {
        region: Some(region.to_owned()),
        endpoint: Some(moto.endpoint()),
        keys: Some(Keys { access_key_id: "test".into(), secret_access_key: "test".into(), session_token: None }),
        calls_per_second: 200.0,
        by: "ann@host".into(),
        audit_file,
        ..AwsSettings::default()
    }
}

pub async fn world() -> Option<World> {
    let moto = Moto::start()?;
    moto.use_docker(false);
    let directory = tempfile::tempdir().expect("makes a directory");
    let audit_file = directory.path().join("audit.jsonl");
    let backend = furnish(&moto, REGION, Some(audit_file)).await;
    Some(World { moto, backend, directory })
}

/// One queue `main` on one Fargate environment `small`, and the definition `echo:1`, in a region of its own.
pub async fn furnish(moto: &Moto, region: &str, audit_file: Option<PathBuf>) -> AwsBackend {
    let backend = AwsBackend::connect(settings(moto, region, audit_file)).await.expect("connects");
    let role = moto.create_role(&format!("batch-{region}"));
    let (subnet, group) = moto.network(region);
    backend
        .create_compute_environment(CreateComputeEnvironmentRequest {
            compute_environment_name: "small".into(),
            kind: "MANAGED".into(),
            compute_resources: Some(ComputeResource {
                kind: "FARGATE".into(),
                maxv_cpus: Some(16),
                subnets: vec![subnet],
                security_group_ids: vec![group],
                ..Default::default()
            }),
            service_role: Some(role),
            ..Default::default()
        })
        .await
        .expect("creates an environment");
    let environment = backend.compute_environments().await.expect("lists").remove(0).compute_environment_arn;
    backend
        .create_job_queue(CreateJobQueueRequest {
            job_queue_name: "main".into(),
            priority: 10,
            compute_environment_order: vec![ComputeEnvironmentOrder { order: 1, compute_environment: environment }],
            ..Default::default()
        })
        .await
        .expect("creates a queue");
    backend
        .register_job_definition(RegisterJobDefinitionRequest {
            job_definition_name: "echo".into(),
            kind: "container".into(),
            parameters: [("who".to_owned(), "world".to_owned())].into(),
            retry_strategy: Some(RetryStrategy { attempts: Some(3), ..Default::default() }),
            container_properties: Some(ContainerProperties {
                image: "busybox".into(),
                command: vec!["echo".into(), "Ref::who".into()],
                // moto answers with a text where AWS has a number: a fraction would not be read.
                resource_requirements: vec![requirement("VCPU", "1"), requirement("MEMORY", "512")],
                ..Default::default()
            }),
            ..Default::default()
        })
        .await
        .expect("registers a definition");
    backend
}

fn requirement(kind: &str, value: &str) -> ResourceRequirement {
    ResourceRequirement { kind: kind.into(), value: value.into() }
}

pub fn job(name: &str) -> SubmitJobRequest {
    SubmitJobRequest {
        job_name: name.into(),
        job_queue: "main".into(),
        job_definition: "echo".into(),
        ..Default::default()
    }
}

/// A job that waits for one that never comes; only moto's backend for Docker lets a job wait.
pub async fn submit_waiting(moto: &Moto, backend: &AwsBackend, name: &str) -> JobId {
    moto.use_docker(true);
    let never = JobDependency { job_id: Some("00000000-0000-4000-8000-000000000000".into()), kind: None };
    let request = SubmitJobRequest { depends_on: vec![never], ..job(name) };
    let id = backend.submit_job(request).await.expect("submits").job_id;
    let pending = JobQuery { statuses: vec![JobStatus::Pending], ..Default::default() };
    let waits = async || {
        let page = backend.jobs(pending.clone()).await.expect("lists");
        page.items.iter().any(|row| row.job_id == id)
    };
    tokio::time::timeout(PATIENCE, async { while !waits().await {} }).await.expect("it is PENDING");
    moto.use_docker(false);
    id
}

impl World {
    pub async fn submit(&self, request: SubmitJobRequest) -> JobId {
        self.backend.submit_job(request).await.expect("submits").job_id
    }

    pub async fn describe(&self, id: &JobId) -> JobDetail {
        self.backend.describe_jobs(std::slice::from_ref(id)).await.expect("describes").remove(0)
    }

    pub async fn submit_waiting(&self, name: &str) -> JobId {
        submit_waiting(&self.moto, &self.backend, name).await
    }

    fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        let keys = aws_sdk_cloudwatchlogs::config::Credentials::new("test", "test", None, None, "test");
        let config = aws_sdk_cloudwatchlogs::Config::builder()
            .region(aws_sdk_cloudwatchlogs::config::Region::new("eu-west-1"))
            .endpoint_url(self.moto.endpoint())
            .credentials_provider(keys)
            .behavior_version_latest()
            .build();
        aws_sdk_cloudwatchlogs::Client::from_conf(config)
    }

    /// Makes the group of all logs.
    pub async fn create_log_group(&self) {
        self.logs().create_log_group().log_group_name("/aws/batch/job").send().await.expect("makes the group");
    }

    pub async fn create_log(&self, stream: &str) {
        let create = self.logs().create_log_stream().log_group_name("/aws/batch/job").log_stream_name(stream);
        create.send().await.expect("makes the stream");
    }

    pub async fn write_log(&self, stream: &str, line: &str) {
        let event = aws_sdk_cloudwatchlogs::types::InputLogEvent::builder()
            .timestamp(chrono::Utc::now().timestamp_millis())
            .message(line)
            .build()
            .expect("is whole");
        let put = self.logs().put_log_events().log_group_name("/aws/batch/job").log_stream_name(stream);
        put.log_events(event).send().await.expect("writes");
    }

    /// Writes lines with their times.
    pub async fn write_lines(&self, stream: &str, lines: impl Iterator<Item = (i64, String)>) {
        let event = |(at, line): (i64, String)| {
            let event = aws_sdk_cloudwatchlogs::types::InputLogEvent::builder().timestamp(at).message(line);
            event.build().expect("is whole")
        };
        let put = self.logs().put_log_events().log_group_name("/aws/batch/job").log_stream_name(stream);
        put.set_log_events(Some(lines.map(event).collect())).send().await.expect("writes");
    }

    async fn ids(&self, query: JobQuery) -> Vec<JobId> {
        self.backend.jobs(query).await.expect("lists").items.into_iter().map(|row| row.job_id).collect()
    }
}

#[tokio::test]
async fn queues_environments_and_definitions_are_read_as_they_were_made() {
    let Some(w) = world().await else { return };

    let environment = w.backend.compute_environments().await.expect("lists").remove(0);
    assert_eq!(environment.compute_environment_name, "small");
    assert_eq!((environment.state, environment.status), (Switch::Enabled, Health::Valid));
    assert_eq!((environment.kind.as_str(), environment.provisioning()), ("MANAGED", "FARGATE"));
    assert_eq!(environment.compute_resources.as_ref().and_then(|resources| resources.maxv_cpus), Some(16));

    w.submit(job("one")).await;
    let queue = w.backend.job_queues().await.expect("lists").remove(0);
    assert_eq!((queue.job_queue_name.as_str(), queue.priority), ("main", 10));
    assert_eq!((queue.state, queue.status), (Switch::Enabled, Health::Valid));
    assert_eq!(queue.compute_environment_order[0].compute_environment, environment.compute_environment_arn);
    assert_eq!(queue.job_counts.map(|counts| counts.get(JobStatus::Succeeded)), Some(1));
    assert!(!queue.job_counts_partial);

    let definition = w.backend.job_definitions(true).await.expect("lists").remove(0);
    assert_eq!(definition.label(), "echo:1");
    assert!(definition.is_active());
    assert_eq!(definition.parameters["who"], "world");
    let container = definition.container_properties.expect("a container");
    assert_eq!((container.image.as_str(), container.command.len()), ("busybox", 2));
    assert_eq!(container.resource_requirements, [requirement("VCPU", "1"), requirement("MEMORY", "512")]);
    assert_eq!(definition.retry_strategy.and_then(|retry| retry.attempts), Some(3));
}

#[tokio::test]
async fn a_schedule_is_made_read_changed_run_by_hand_and_deleted() {
    let Some(w) = world().await else { return };
    let role = w.moto.create_role("scheduler");
    let schedule = Schedule {
        name: "nightly".into(),
        schedule_expression: "cron(30 2 ? * MON-FRI *)".into(),
        schedule_expression_timezone: "Europe/Zurich".into(),
        description: Some("a report".into()),
        flexible_time_window: FlexibleTimeWindow { mode: "FLEXIBLE".into(), maximum_window_in_minutes: Some(5) },
        target: ScheduleTarget::submit_job(&job("report"), &role),
        ..Schedule::default()
    };
    w.backend.create_schedule(schedule.clone()).await.expect("creates");
    assert!(
        matches!(w.backend.create_schedule(schedule.clone()).await, Err(BackendError::Refused { code, .. }) if code == "ConflictException")
    );
    let read = w.backend.schedules().await.expect("lists").remove(0);
    assert_eq!(
        (read.key().as_str(), read.schedule_expression.as_str()),
        ("default/nightly", "cron(30 2 ? * MON-FRI *)")
    );
    assert_eq!(read.schedule_expression_timezone, "Europe/Zurich");
    assert_eq!((&read.flexible_time_window, read.state), (&schedule.flexible_time_window, Switch::Enabled));
    assert!(read.arn.ends_with(":schedule/default/nightly"), "{}", read.arn);
    let request = read.target.request().expect("submits a job");
    assert_eq!((request.job_name.as_str(), request.tags["batchdeck:schedule"].as_str()), ("report", "default/nightly"));

    // It is changed by what was read, so that nothing else of it is lost.
    w.backend.update_schedule(Schedule { state: Switch::Disabled, ..read }).await.expect("changes");
    let read = w.backend.schedules().await.expect("lists").remove(0);
    assert_eq!((read.state, read.description.as_deref()), (Switch::Disabled, Some("a report")));

    let run = w.backend.run_schedule("default", "nightly").await.expect("submits");
    let other = w.submit(job("report")).await;
    let runs = w.backend.schedule_runs("default", "nightly").await.expect("lists");
    let ids: Vec<_> = runs.iter().filter_map(|run| run.job_id.clone()).collect();
    assert_eq!(ids, [run.job_id], "not {other}, which somebody else submitted by that name");

    w.backend.delete_schedule("default", "nightly").await.expect("deletes");
    assert!(w.backend.schedules().await.expect("lists").is_empty());
    for result in [
        w.backend.delete_schedule("default", "nightly").await,
        w.backend.run_schedule("default", "nightly").await.map(|_| ()),
        w.backend
            .update_schedule(Schedule { target: ScheduleTarget::submit_job(&job("report"), &role), ..schedule })
            .await,
    ] {
        assert_eq!(result, Err(BackendError::NotFound { what: "schedule default/nightly".into() }));
    }
}

#[tokio::test]
async fn schedule_groups_are_made_listed_and_deleted() {
    let Some(w) = world().await else { return };
    w.backend.create_schedule_group("team").await.expect("creates");
    let names: Vec<_> = w.backend.schedule_groups().await.expect("lists").into_iter().map(|group| group.name).collect();
    assert!(names.contains(&"team".to_owned()) && names.contains(&"default".to_owned()), "{names:?}");
    w.backend.delete_schedule_group("team").await.expect("deletes");
    let names: Vec<_> = w.backend.schedule_groups().await.expect("lists").into_iter().map(|group| group.name).collect();
    assert!(!names.contains(&"team".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_submitted_job_is_found_by_queue_state_name_and_id() {
    let Some(w) = world().await else { return };
    let overrides = ContainerOverrides {
        command: vec!["echo".into(), "hi".into()],
        environment: vec![KeyValuePair { name: "MODE".into(), value: "full".into() }],
        ..Default::default()
    };
    let tagged = SubmitJobRequest {
        container_overrides: Some(overrides),
        tags: [("team".to_owned(), "etl".to_owned())].into(),
        ..job("Etl-daily")
    };
    let etl = w.submit(tagged).await;
    let other = w.submit(job("other")).await;

    let named = |name: &str| JobQuery { name: Some(name.into()), ..Default::default() };
    let cases = [
        ("everywhere", JobQuery::default(), vec![&etl, &other]),
        ("of the queue", JobQuery { scope: JobScope::Queue("main".into()), ..Default::default() }, vec![&etl, &other]),
        (
            "of a state",
            JobQuery { statuses: vec![JobStatus::Succeeded, JobStatus::Failed], ..Default::default() },
            vec![&etl, &other],
        ),
        ("of another state", JobQuery { statuses: vec![JobStatus::Running], ..Default::default() }, vec![]),
        ("by the start of its name", named("etl*"), vec![&etl]),
        ("by its name", named("OTHER"), vec![&other]),
        ("by a name that is none", named("et"), vec![]),
        ("by name and another state", JobQuery { statuses: vec![JobStatus::Failed], ..named("etl*") }, vec![]),
    ];
    for (what, query, expected) in cases {
        let mut ids = w.ids(query).await;
        let mut expected: Vec<_> = expected.into_iter().cloned().collect();
        ids.sort();
        expected.sort();
        assert_eq!(ids, expected, "{what}");
    }

    let detail = w.describe(&etl).await;
    assert_eq!((detail.job_name.as_str(), detail.status), ("Etl-daily", JobStatus::Succeeded));
    assert!(detail.job_queue.ends_with(":job-queue/main"), "{}", detail.job_queue);
    assert!(detail.job_definition.ends_with(":job-definition/echo:1"), "{}", detail.job_definition);
    assert_eq!(detail.tags["team"], "etl");
    let container = detail.container.expect("a container");
    assert_eq!(container.command, ["echo", "hi"]);
    assert!(container.environment.contains(&KeyValuePair { name: "MODE".into(), value: "full".into() }));
    let extra = detail.extra.expect("what the console adds");
    assert_eq!(extra.job_queue, "main");
    assert!(extra.log_stream_name.is_some());
    assert!(detail.created_at > 1_700_000_000_000, "milliseconds: {}", detail.created_at);

    let unknown = JobId::from("00000000-0000-4000-8000-000000000000");
    assert_eq!(w.backend.describe_jobs(&[unknown, other.clone()]).await.expect("describes").len(), 1);
    assert_eq!(w.backend.describe_jobs(&[]).await.expect("describes"), []);
}

#[tokio::test]
async fn the_children_of_an_array_are_listed_under_it_and_not_in_the_queue() {
    let Some(w) = world().await else { return };
    let array = ArrayProperties { size: Some(3), ..Default::default() };
    let parent = w.submit(SubmitJobRequest { array_properties: Some(array), ..job("parts") }).await;
    assert_eq!(w.ids(JobQuery::default()).await, std::slice::from_ref(&parent));
    let mut children = w.ids(JobQuery { scope: JobScope::Array(parent.clone()), ..Default::default() }).await;
    children.sort();
    assert_eq!(children, [0, 1, 2].map(|index| parent.child(index)));
    let detail = w.describe(&parent).await;
    assert_eq!(detail.array_properties.and_then(|array| array.size), Some(3));
}

#[tokio::test]
async fn a_page_at_a_time_gives_every_job_once() {
    let Some(w) = world().await else { return };
    let mut submitted = Vec::new();
    for number in 0..5 {
        submitted.push(w.submit(job(&format!("job-{number}"))).await);
    }
    let mut query = JobQuery { limit: Some(2), ..Default::default() };
    let mut seen = Vec::new();
    loop {
        let page = w.backend.jobs(query.clone()).await.expect("lists");
        assert!(page.items.len() <= 2);
        seen.extend(page.items.into_iter().map(|row| row.job_id));
        let Some(next) = page.next else { break };
        query.page_token = Some(next);
    }
    seen.sort();
    submitted.sort();
    assert_eq!(seen, submitted);
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_and_each_action_is_recorded_with_its_reason() {
    let Some(w) = world().await else { return };
    let waiting = w.submit_waiting("waits").await;
    w.backend.cancel_job(&waiting, "not needed any more").await.expect("cancels");
    let ended = tokio::time::timeout(PATIENCE, async {
        loop {
            let detail = w.describe(&waiting).await;
            if detail.status.is_final() {
                return detail;
            }
        }
    });
    let ended = ended.await.expect("it ends");
    assert_eq!(ended.status, JobStatus::Failed);
    assert_eq!(ended.status_reason.as_deref(), Some("not needed any more"));

    let done = w.submit(job("done")).await;
    w.backend.terminate_job(&done, "to be sure").await.expect("terminates");
    assert_eq!(w.describe(&done).await.status_reason.as_deref(), Some("to be sure"));

    let refused = w.backend.cancel_job(&done, "").await.expect_err("needs a reason");
    assert!(matches!(&refused, BackendError::Refused { code, .. } if code == "ClientException"), "{refused:?}");

    assert!(w.backend.capabilities().audit);
    let record = w.backend.audit(3).await.expect("reads");
    let told: Vec<_> = record
        .iter()
        .map(|entry| (entry.action.as_str(), entry.target.as_str(), entry.reason.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        told,
        [
            ("CancelJob", done.as_str(), ""),
            ("TerminateJob", done.as_str(), "to be sure"),
            ("SubmitJob", "done to main", ""),
        ]
    );
    assert!(record.iter().all(|entry| entry.who == "ann@host" && entry.at > 0));
    assert_eq!(record[0].outcome, refused.to_string());
    assert!(w.directory.path().join("audit.jsonl").is_file());
}

#[tokio::test]
async fn queues_and_environments_are_updated() {
    let Some(w) = world().await else { return };
    let why = || Why { reason: Some("night".into()) };
    let update = UpdateJobQueueRequest {
        job_queue: "main".into(),
        state: Some(Switch::Disabled),
        priority: Some(50),
        ..Default::default()
    };
    w.backend.update_job_queue(update, why()).await.expect("updates");
    let queue = w.backend.job_queues().await.expect("lists").remove(0);
    assert_eq!((queue.state, queue.priority), (Switch::Disabled, 50));

    let update = UpdateComputeEnvironmentRequest {
        compute_environment: "small".into(),
        state: Some(Switch::Disabled),
        ..Default::default()
    };
    w.backend.update_compute_environment(update, why()).await.expect("updates");
    let environment = w.backend.compute_environments().await.expect("lists").remove(0);
    assert_eq!(environment.state, Switch::Disabled);

    let record = w.backend.audit(2).await.expect("reads");
    assert_eq!(record[1].outcome, "state DISABLED, priority 50");
    assert!(record.iter().all(|entry| entry.reason.as_deref() == Some("night")));
}

#[tokio::test]
async fn what_the_service_refuses_comes_with_its_code_and_words() {
    let Some(w) = world().await else { return };
    let nowhere = SubmitJobRequest { job_queue: "nowhere".into(), ..job("lost") };
    let error = w.backend.submit_job(nowhere).await.expect_err("no such queue");
    let BackendError::Refused { code, message } = &error else { panic!("{error:?}") };
    assert_eq!(code, "ClientException");
    assert!(message.contains("nowhere"), "{message}");
    let listed = w.backend.jobs(JobQuery { scope: JobScope::Queue("nowhere".into()), ..Default::default() }).await;
    assert!(matches!(listed, Err(BackendError::Refused { .. })), "{listed:?}");
}

#[tokio::test]
async fn a_log_is_waited_for_and_read_on_as_it_grows() {
    let Some(w) = world().await else { return };
    let stream = "echo/default/task-1";
    let page =
        || GetLogEvents { log_stream_name: stream.into(), start_from_head: Some(true), ..GetLogEvents::default() };
    let missing = w.backend.log_events(page()).await.expect_err("is not there yet");
    assert!(matches!(missing, BackendError::NotFound { .. }), "{missing:?}");

    let (mut seen, mut next) = (Vec::new(), page());
    for text in ["one \u{1b}[31mred", "two"] {
        let coming = tokio::time::timeout(PATIENCE, w.backend.next_log_page(next.clone()));
        let writing = async {
            if seen.is_empty() {
                w.create_log_group().await;
                w.create_log(stream).await;
            }
            w.write_log(stream, text).await;
        };
        let (page, ()) = tokio::join!(coming, writing);
        let page = page.expect("a line comes").expect("a page");
        next.next_token = Some(page.next_forward_token);
        seen.extend(page.events.into_iter().map(|event| event.message));
    }
    assert_eq!(seen, ["one \u{1b}[31mred", "two"]);
    let page = w.backend.log_events(page()).await.expect("reads");
    assert_eq!(page.events.len(), 2);
    assert!(!page.next_forward_token.is_empty());
}

#[tokio::test]
async fn a_watch_tells_of_a_job_that_is_submitted_later() {
    let Some(w) = world().await else { return };
    let before = w.submit(job("before")).await;
    let changes = w.backend.watch(None).await.expect("watches");
    let mut changes = changes.map(|change| change.expect("a change").what);
    let first_round: Vec<_> =
        changes.by_ref().take_while(|what| futures::future::ready(!matches!(what, What::Alive { .. }))).collect().await;
    assert_eq!(first_round[0], What::Reset);
    assert!(first_round.iter().any(|what| matches!(what, What::Job(job) if job.job_id == before)));
    assert!(first_round.iter().any(|what| matches!(what, What::ComputeEnvironment(_))));

    let after = w.submit(job("after")).await;
    let told = tokio::time::timeout(PATIENCE, async {
        loop {
            match changes.next().await.expect("goes on") {
                What::Job(job) => return job,
                What::Queue(_) | What::Alive { .. } => {}
                other => panic!("nothing else changed: {other:?}"),
            }
        }
    });
    let told = told.await.expect("is told");
    assert_eq!((told.job_id, told.status), (after, JobStatus::Succeeded));
    assert_eq!(told.extra.expect("was described").job_queue, "main");
}

#[tokio::test]
async fn a_missing_service_is_unreachable_and_no_watch_opens_on_it() {
    let Some(w) = world().await else { return };
    let World { moto, backend, .. } = w;
    drop(moto);
    let error = backend.compute_environments().await.expect_err("is gone");
    assert!(matches!(error, BackendError::Unreachable { .. }), "{error:?}");
    let watched = backend.watch(None).await.err().expect("nothing is watched");
    assert!(matches!(watched, BackendError::Unreachable { .. }), "{watched:?}");
}
