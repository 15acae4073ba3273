use super::*;
use crate::backend::JobScope;
use crate::backend::replace::replace;
use crate::backend::scripted::{Call, ScriptedBackend, World};
use crate::model::{ComputeEnvironmentOrder, JobExtra, JobStatus, LogEvent, Replacement, What};
use futures::{FutureExt, StreamExt};

/// A world with one queue, one environment and one job.
fn world(job: &str, created_at: i64, pushes_changes: bool) -> World {
    let extra =
        JobExtra { job_queue: "main".into(), log_stream_name: Some(format!("stream-of-{job}")), ..JobExtra::default() };
    let row = JobSummary {
        job_id: JobId::from(job),
        job_name: format!("name-{job}"),
        job_definition: Some("arn:aws:batch:r:1:job-definition/etl:3".into()),
        status: JobStatus::Runnable,
        created_at,
        extra: Some(Box::new(extra)),
        ..JobSummary::default()
    };
    let detail = JobDetail {
        job_id: JobId::from(job),
        job_queue: "arn:aws:batch:r:1:job-queue/main".into(),
        job_definition: "arn:aws:batch:r:1:job-definition/etl:3".into(),
        status: JobStatus::Runnable,
        ..JobDetail::default()
    };
    let mut world = World {
        queues: vec![JobQueue {
            job_queue_name: "main".into(),
            job_queue_arn: "arn:aws:batch:r:1:job-queue/main".into(),
            compute_environment_order: vec![ComputeEnvironmentOrder {
                order: 1,
                compute_environment: "arn:aws:batch:r:1:compute-environment/spot".into(),
            }],
            ..JobQueue::default()
        }],
        environments: vec![ComputeEnvironment { compute_environment_name: "spot".into(), ..Default::default() }],
        jobs: vec![row],
        details: vec![detail],
        logs: [(format!("stream-of-{job}"), vec![LogEvent::default()])].into(),
        ..World::default()
    };
    world.can.pushes_changes = pushes_changes;
    world
}

struct Two {
    several: Several,
    prod: Arc<ScriptedBackend>,
    lab: Arc<ScriptedBackend>,
}

fn two(lab_is_read_only: bool) -> Two {
    let prod = Arc::new(ScriptedBackend::new(world("p-1", 10, false)));
    let lab = Arc::new(ScriptedBackend::new(world("l-1", 20, true)));
    let part = |context: &str, backend: Arc<dyn Backend>, is_read_only| Part {
        context: context.to_owned(),
        backend,
        is_read_only,
    };
    let parts = vec![part("prod", prod.clone(), false), part("lab", lab.clone(), lab_is_read_only)];
    Two { several: Several::new(parts), prod, lab }
}

#[tokio::test]
async fn rows_of_all_contexts_stand_in_one_list_and_say_where_they_live() {
    let Two { several, .. } = two(false);
    let queues = several.job_queues().await.expect("lists");
    let names: Vec<_> = queues.iter().map(|queue| queue.job_queue_name.as_str()).collect();
    assert_eq!(names, ["main@prod", "main@lab"]);
    let environment = &queues[0].compute_environment_order[0].compute_environment;
    assert!(environment.ends_with("compute-environment/spot@prod"), "{environment}");
    let page = several.jobs(JobQuery::default()).await.expect("lists");
    let rows: Vec<_> = page.items.iter().map(|row| (row.job_id.as_str(), queue_of(row))).collect();
    assert_eq!(rows, [("l-1", "main@lab"), ("p-1", "main@prod")], "the newest first");
    let here = JobQuery { scope: JobScope::Queue("main@prod".into()), ..JobQuery::default() };
    let page = several.jobs(here).await.expect("lists");
    assert_eq!(page.items.iter().map(|row| row.job_id.as_str()).collect::<Vec<_>>(), ["p-1"]);
}

fn queue_of(row: &JobSummary) -> &str {
    row.extra.as_ref().map_or("", |extra| extra.job_queue.as_str())
}

#[tokio::test]
async fn an_action_on_a_row_goes_to_its_own_context_and_nowhere_else() {
    let Two { several, prod, lab } = two(false);
    // It was never listed: it is looked for.
    several.cancel_job(&"l-1".into(), "why").await.expect("goes");
    let queue = UpdateJobQueueRequest { job_queue: "main@prod".into(), priority: Some(5), ..Default::default() };
    several.update_job_queue(queue, Why::default()).await.expect("goes");
    let job = SubmitJobRequest {
        job_name: "n".into(),
        job_queue: "main@lab".into(),
        job_definition: "etl@lab:3".into(),
        ..Default::default()
    };
    several.submit_job(job).await.expect("goes");
    assert!(matches!(&prod.calls()[..], [Call::UpdateJobQueue(request, _)] if request.job_queue == "main"));
    let calls = lab.calls();
    let [Call::CancelJob { id, .. }, Call::SubmitJob(request)] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!(id.as_str(), "l-1");
    assert_eq!((request.job_queue.as_str(), request.job_definition.as_str()), ("main", "etl:3"));
}

#[tokio::test]
async fn what_is_of_no_context_of_two_or_of_one_that_is_read_only_is_refused_and_sent_nowhere() {
    let Two { several, prod, lab } = two(true);
    let update = |queue: &str| UpdateJobQueueRequest { job_queue: queue.into(), ..Default::default() };
    let none = several.update_job_queue(update("main"), Why::default()).await.expect_err("where?");
    assert!(none.to_string().contains("NAME@CONTEXT, of prod, lab"), "{none}");
    let closed = several.update_job_queue(update("main@lab"), Why::default()).await.expect_err("is closed");
    assert!(closed.to_string().contains("the context `lab` is read-only"), "{closed}");
    let closed = several.terminate_job(&"l-1".into(), "why").await.expect_err("is closed");
    assert!(closed.to_string().contains("the context `lab` is read-only"), "{closed}");
    let job =
        SubmitJobRequest { job_queue: "main@prod".into(), job_definition: "etl@lab:3".into(), ..Default::default() };
    let two = several.submit_job(job).await.expect_err("is of two");
    assert!(two.to_string().contains("a definition of its own context"), "{two}");
    assert!(prod.calls().is_empty() && lab.calls().is_empty());
}

#[tokio::test]
async fn a_log_is_read_where_it_is() {
    let Two { several, .. } = two(false);
    let read = |stream: &str| GetLogEvents { log_stream_name: stream.into(), ..Default::default() };
    assert_eq!(several.log_events(read("stream-of-l-1")).await.expect("is there").events.len(), 1);
    let missing = several.log_events(read("stream-of-x")).await.expect_err("is nowhere");
    assert!(matches!(missing, BackendError::NotFound { .. }));
}

#[tokio::test]
async fn a_page_goes_on_in_each_context() {
    let mut worlds = [world("p-1", 10, false), world("l-1", 20, true)];
    let more = JobSummary { job_id: "p-2".into(), created_at: 5, ..worlds[0].jobs[0].clone() };
    worlds[0].jobs.push(more);
    let [prod, lab] = worlds.map(ScriptedBackend::new);
    let part = |context: &str, backend| Part { context: context.to_owned(), backend, is_read_only: false };
    let several = Several::new(vec![part("prod", Arc::new(prod) as Arc<dyn Backend>), part("lab", Arc::new(lab))]);
    let mut query = JobQuery { limit: Some(2), ..JobQuery::default() };
    let first = several.jobs(query.clone()).await.expect("lists");
    assert_eq!(first.items.iter().map(|row| row.job_id.as_str()).collect::<Vec<_>>(), ["l-1", "p-1"]);
    query.page_token = first.next;
    let second = several.jobs(query.clone()).await.expect("goes on");
    assert_eq!(second.items.iter().map(|row| row.job_id.as_str()).collect::<Vec<_>>(), ["p-2"]);
    assert_eq!(second.next, None);
    query.page_token = Some("p/3".into());
    assert!(matches!(several.jobs(query).await, Err(BackendError::Refused { .. })));
}

#[tokio::test]
async fn a_watch_tells_the_rows_of_all_after_one_reset_also_of_one_that_pushes_changes() {
    let Two { several, .. } = two(false);
    let mut stream = several.watch(None).await.expect("opens");
    let first = stream.next().await.expect("an item").expect("a change");
    assert_eq!(first.what, What::Reset);
    let (mut queues, mut jobs, mut environments) = (Vec::new(), Vec::new(), Vec::new());
    let mut cursor = first.cursor;
    while queues.len() < 2 || jobs.len() < 2 || environments.len() < 2 {
        let change = stream.next().await.expect("an item").expect("a change");
        assert!(change.cursor > cursor);
        cursor = change.cursor;
        match change.what {
            What::Queue(queue) => queues.push(queue.job_queue_name),
            What::ComputeEnvironment(one) => environments.push(one.compute_environment_name),
            What::Job(row) => jobs.push(queue_of(&row).to_owned()),
            What::Reset => panic!("the others would be forgotten"),
            _ => {}
        }
    }
    for all in [&mut queues, &mut jobs, &mut environments] {
        all.sort();
    }
    assert_eq!(queues, ["main@lab", "main@prod"]);
    assert_eq!(jobs, ["main@lab", "main@prod"]);
    assert_eq!(environments, ["spot@lab", "spot@prod"]);
}

#[tokio::test]
async fn one_context_that_cannot_be_reached_leaves_the_others_and_is_said() {
    let prod: Arc<dyn Backend> = Arc::new(ScriptedBackend::new(world("p-1", 10, false)));
    let directory = tempfile::tempdir().expect("a directory");
    let gone = crate::backend::local::LocalBackend::new(directory.path().join("none.sock"), "ann@host".into());
    let part = |context: &str, backend| Part { context: context.to_owned(), backend, is_read_only: false };
    let several = Several::new(vec![part("prod", prod), part("gone", Arc::new(gone) as Arc<dyn Backend>)]);
    let mut stream = several.watch(None).await.expect("one of them opens");
    let (mut notice, mut queue) = (None, None);
    while notice.is_none() || queue.is_none() {
        match stream.next().await.expect("an item").expect("a change").what {
            What::Notice(text) => notice = Some(text),
            What::Queue(row) => queue = Some(row.job_queue_name),
            _ => {}
        }
    }
    assert_eq!(queue.as_deref(), Some("main@prod"));
    let notice = notice.expect("is said");
    assert!(notice.starts_with("gone: ") && notice.contains("it is tried again in 2 s"), "{notice}");
    let error = several.job_queues().await.expect_err("a list would not be whole");
    assert!(error.to_string().starts_with("gone: "), "{error}");
}

fn in_place_of(old: &str, queue: &str, definition: &str) -> Vec<Replacement> {
    let request = SubmitJobRequest {
        job_name: "again".into(),
        job_queue: queue.into(),
        job_definition: definition.into(),
        ..SubmitJobRequest::default()
    };
    vec![Replacement { old: old.into(), request }]
}

#[tokio::test]
async fn a_waiting_job_is_replaced_in_its_own_context_and_in_no_other() {
    let Two { several, prod, lab } = two(false);
    let refused = replace(&several, in_place_of("p-1", "main@lab", "etl@lab:3"), "why").await.expect_err("refused");
    assert!(
        refused.to_string().contains("main@lab is of another context than again: nothing was changed"),
        "{refused}"
    );
    assert_eq!((prod.calls(), lab.calls()), (vec![], vec![]));

    // It is waited for that it has ended; in this world it never does.
    let done = replace(&several, in_place_of("p-1", "main@prod", "etl@prod:3"), "why").now_or_never();
    assert_eq!(done, None);
    assert_eq!(prod.calls(), [Call::CancelJob { id: "p-1".into(), reason: "replaced: why".into() }]);
    assert_eq!(lab.calls(), []);
}

#[tokio::test]
async fn nothing_is_cancelled_for_a_context_that_is_read_only() {
    let Two { several, prod, lab } = two(true);
    let refused = replace(&several, in_place_of("l-1", "main@lab", "etl@lab:3"), "why").await.expect_err("refused");
    assert!(refused.to_string().contains("the context `lab` is read-only"), "{refused}");
    assert_eq!((prod.calls(), lab.calls()), (vec![], vec![]));
}
