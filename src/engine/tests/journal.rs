//! What is on disk is read for ever.

use crate::engine::event::Event;
use crate::engine::{Engine, JobFilter, Settings};
use crate::model::{Health, JobStatus, Switch};

/// Rows as the first version wrote them. They are never changed; new kinds of rows are added.
const FIRST: &str = include_str!("journal_v1.jsonl");

#[test]
fn rows_of_the_first_version_are_read_and_give_the_state_they_gave_then() {
    let mut engine = Engine::new(Settings::default());
    let mut kinds = std::collections::BTreeSet::new();
    for line in FIRST.lines() {
        let event: Event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        engine.apply(&event);
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        kinds.insert(row["event"].as_str().map(str::to_owned));
    }
    assert_eq!(engine.check(), Ok(()));
    assert_eq!(kinds.len(), 30, "a row of each kind stands in the file");
    let (rows, _) = engine.jobs(&JobFilter::default()).expect("a page");
    let jobs: Vec<_> = rows.iter().map(|row| (row.job_name.as_str(), row.status)).collect();
    assert_eq!(jobs, [("keep", JobStatus::Succeeded), ("nightly", JobStatus::Starting)]);
    let names: Vec<_> = engine.job_queues().into_iter().map(|queue| (queue.job_queue_name, queue.priority)).collect();
    assert_eq!(names, [("main".to_owned(), 1)]);
    assert_eq!(engine.schedule_runs("default", "nightly").len(), 1);
    assert_eq!(engine.audit(1000).len(), 33);
}

/// Rows of what is kept beside jobs, as they were first written. They are never changed.
const BESIDE: &str = include_str!("journal_beside_v1.jsonl");

#[test]
fn rows_of_what_is_kept_beside_jobs_are_read_and_give_the_state_they_gave_then() {
    let mut engine = Engine::new(Settings::default());
    for line in BESIDE.lines() {
        let event: Event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        engine.apply(&event);
    }
    assert_eq!(engine.check(), Ok(()));
    let [policy] = &engine.scheduling_policies()[..] else { panic!("one policy") };
    let fairshare = policy.fairshare_policy.as_ref().expect("fair");
    assert_eq!(
        (policy.name.as_str(), fairshare.share_decay_seconds, policy.tags["k"].as_str()),
        ("fair", Some(600), "v")
    );
    let [seats] = &engine.consumable_resources()[..] else { panic!("one resource") };
    assert_eq!((seats.total_quantity, seats.created_at), (7, 1_796_169_604_000));
    let [queue] = &engine.job_queues()[..] else { panic!("one queue") };
    assert_eq!(queue.tags, [("team".to_owned(), "a".to_owned())].into());
    assert_eq!((queue.job_state_time_limit_actions.len(), queue.service_environment_order.len()), (1, 1));
    let [(_, job)] = &engine.service_jobs_of("training").expect("there")[..] else { panic!("one job") };
    assert_eq!((job.job_name.as_str(), job.scheduling_priority, job.stopped_at), ("t", Some(7), None));
    let [share] = &engine.quota_shares_of("training").expect("there")[..] else { panic!("one share") };
    assert_eq!((share.quota_share_name.as_str(), share.state), ("s", Switch::Disabled));
    let [environment] = &engine.service_environments()[..] else { panic!("one environment") };
    assert_eq!((environment.state, environment.status), (Switch::Disabled, Health::Valid));
}
