//! What is on disk is read for ever.

use crate::engine::event::Event;
use crate::engine::{Engine, JobFilter, Settings};
use crate::model::JobStatus;

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
