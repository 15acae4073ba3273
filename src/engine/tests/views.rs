//! Lists, rows, the record, and the stream of changes.

use super::world::{World, job, sized};
use crate::engine::JobFilter;
use crate::engine::command::Action;
use crate::model::{ArrayProperties, JobId, JobStatus, SubmitJobRequest, Switch, UpdateJobQueueRequest, Usage, What};

fn page(world: &World, filter: &JobFilter) -> (Vec<JobId>, Option<String>) {
    let (rows, token) = world.engine.jobs(filter).expect("a page");
    (rows.into_iter().map(|row| row.job_id).collect(), token)
}

#[test]
fn pages_go_from_new_to_old_and_stay_whole_while_jobs_arrive() {
    let mut world = World::small(1);
    let ids: Vec<JobId> = (0..5).map(|number| world.submit(job(&format!("j{number}")))).collect();
    let filter = JobFilter { queue: Some("main".into()), limit: 2, ..JobFilter::default() };
    let (first, token) = page(&world, &filter);
    assert_eq!(first, [ids[4].clone(), ids[3].clone()]);
    world.submit(job("late"));
    let (second, token) = page(&world, &JobFilter { token, ..filter.clone() });
    assert_eq!(second, [ids[2].clone(), ids[1].clone()]);
    let (third, token) = page(&world, &JobFilter { token, ..filter.clone() });
    assert_eq!((third, token), (vec![ids[0].clone()], None));
    let whole = JobFilter { limit: 6, ..filter };
    assert_eq!(page(&world, &whole).1, None, "a page that is just full is the last");
    let garbled = JobFilter { token: Some("x".into()), ..whole };
    assert!(world.engine.jobs(&garbled).is_err());
}

#[test]
fn lists_filter_by_state_name_and_queue_and_show_parents_alone() {
    let mut world = World::small(2);
    world.queue("other", 1, &["ce"]);
    let array = SubmitJobRequest {
        array_properties: Some(ArrayProperties { size: Some(3), ..ArrayProperties::default() }),
        ..job("Sum")
    };
    let parent = world.submit(array);
    let single = world.submit(SubmitJobRequest { job_queue: "other".into(), ..job("single") });
    world.register_all();
    let by = |statuses: &[JobStatus]| JobFilter { statuses: statuses.to_vec(), ..JobFilter::default() };
    let named = |name: &str| JobFilter { name: Some(name.into()), ..JobFilter::default() };
    let cases = [
        (by(&[]), vec![&single, &parent]),
        (by(&[JobStatus::Starting]), vec![&parent]),
        (by(&[JobStatus::Pending]), vec![&parent]),
        (by(&[JobStatus::Runnable]), vec![&single]),
        (by(&[JobStatus::Starting, JobStatus::Pending, JobStatus::Runnable]), vec![&single, &parent]),
        (by(&[JobStatus::Failed]), vec![]),
        (named("sum"), vec![&parent]),
        (named("S*"), vec![&single, &parent]),
        (JobFilter { queue: Some("other".into()), ..JobFilter::default() }, vec![&single]),
    ];
    for (filter, expected) in cases {
        assert_eq!(page(&world, &filter).0.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    let children = JobFilter { array: Some(parent.clone()), limit: 2, ..JobFilter::default() };
    let (first, token) = page(&world, &children);
    assert_eq!(first, [parent.child(0), parent.child(1)]);
    assert_eq!(page(&world, &JobFilter { token, ..children }), (vec![parent.child(2)], None));
    assert!(world.engine.jobs(&JobFilter { array: Some(single), ..JobFilter::default() }).is_err());
    assert!(world.engine.jobs(&JobFilter { queue: Some("nobody".into()), ..JobFilter::default() }).is_err());
    let counts: Vec<u64> =
        world.engine.job_queues().iter().map(|row| row.job_counts.clone().map_or(0, |c| c.total())).collect();
    assert_eq!(counts, [3, 1], "children count, parents do not");
}

#[test]
fn ids_that_only_look_like_a_known_one_are_unknown() {
    let mut world = World::small(2);
    let id = world.submit(job("a"));
    for odd in [format!("{id}:0"), format!("{id}:"), format!("{id}:4294967295"), "x".to_owned(), String::new()] {
        assert_eq!(world.engine.describe_jobs(&[JobId(odd.clone())]), [], "{odd}");
    }
}

#[test]
fn every_action_is_recorded_with_what_it_changed() {
    let mut world = World::small(1);
    let running = world.submit(sized("r", "1", "512"));
    let waiting = world.submit(job("w"));
    world.register_all();
    let attempt = world.live(&running);
    world.started(&attempt);
    let priority = UpdateJobQueueRequest { job_queue: "main".into(), priority: Some(50), ..Default::default() };
    world.ask(Action::UpdateJobQueue(priority)).expect("updated");
    let off = UpdateJobQueueRequest { job_queue: "main".into(), state: Some(Switch::Disabled), ..Default::default() };
    world.ask(Action::UpdateJobQueue(off)).expect("updated");
    world.ask(Action::TerminateJob { job: running.clone(), reason: "stuck".into() }).expect("accepted");
    world.ask(Action::ReprioritiseJob { job: waiting.clone(), priority: 7 }).expect("it waits");
    let record: Vec<_> = world
        .engine
        .audit(4)
        .into_iter()
        .rev()
        .map(|entry| (entry.who, entry.action, entry.target, entry.reason, entry.outcome))
        .collect();
    let entry = |action: &str, target: &str, reason: Option<&str>, outcome: &str| {
        ("ada@host".to_owned(), action.to_owned(), target.to_owned(), reason.map(str::to_owned), outcome.to_owned())
    };
    let expected = [
        entry("UpdateJobQueue", "main", None, "priority 1 -> 50"),
        entry("UpdateJobQueue", "main", None, "ENABLED -> DISABLED"),
        entry("TerminateJob", running.as_str(), Some("stuck"), "was RUNNING"),
        entry("ReprioritiseJob", waiting.as_str(), None, "priority 0 -> 7"),
    ];
    assert_eq!(record, expected);
}

#[test]
fn use_is_shown_while_a_job_runs_and_no_part_of_the_state() {
    let mut world = World::small(1);
    let id = world.submit(job("a"));
    world.register_all();
    let attempt = world.live(&id);
    world.started(&attempt);
    let before = world.engine.clone();
    let usage = Usage { at: world.now, cpu: 0.5, memory_mib: 32.0, peak_memory_mib: 64.0, cpu_seconds: 2.0 };
    world.engine.note_usage(&attempt, usage);
    assert!(world.engine == before);
    let shown = |world: &World| world.engine.job_summary(&id).and_then(|row| row.extra).and_then(|extra| extra.usage);
    assert_eq!(shown(&world), Some(usage));
    world.run_started(&attempt, 0);
    assert_eq!(shown(&world), Some(usage), "the last of it is kept with the attempt");
}

#[test]
fn changes_are_the_rows_that_events_touched_each_once() {
    let mut world = World::small(2);
    let id = world.submit(job("a"));
    let kinds = |world: &World| -> Vec<String> {
        let rows = world.engine.changes(&world.events);
        rows.iter()
            .map(|what| match what {
                What::Job(row) => format!("job {} {}", row.job_name, row.status),
                What::JobGone(_) => "job gone".to_owned(),
                What::Queue(row) => format!("queue {}", row.job_queue_name),
                What::ComputeEnvironment(row) => format!("ce {}", row.compute_environment_name),
                What::Audit(entry) => format!("audit {}", entry.action),
                What::Scaling(step) => format!("scaling {}", step.change.as_str()),
                other => format!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(kinds(&world), ["ce ce", "job a RUNNABLE", "queue main", "audit SubmitJob", "scaling LAUNCHED"]);
    world.register_all();
    assert_eq!(kinds(&world), ["ce ce", "job a STARTING", "queue main"]);
    let attempt = world.live(&id);
    world.started(&attempt);
    assert_eq!(kinds(&world), ["job a RUNNING", "queue main"]);
    world.run_started(&attempt, 0);
    assert_eq!(kinds(&world), ["ce ce", "job a SUCCEEDED", "queue main"]);
    world.pass(super::world::DAY * 8);
    assert_eq!(kinds(&world), ["ce ce", "job gone", "queue main", "scaling ENDED"]);
}
