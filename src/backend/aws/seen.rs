//! What has happened to jobs, as far as their rows tell. AWS Batch tells that to `EventBridge` alone, and has no call for it.
//! Times that a row has are AWS's own; a change that has none is of when it was seen. Pure.

use crate::backend::event_record::EventRecord;
use crate::model::{EventLine, JobId, JobStatus, JobSummary, Millis, is_service_job};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const BLOCKED: &str = "Batch Job Queue Blocked";
/// A row that is met for the first time tells what is not older than the last reading of its queue, and so much before it.
const SLACK: Millis = 60_000;

/// All that was seen to happen.
#[derive(Debug)]
pub struct Seen {
    record: EventRecord,
    /// When the rows of each queue were read.
    read_at: BTreeMap<String, Millis>,
}

impl Seen {
    pub fn begun_at(now: Millis) -> Self {
        Self { record: EventRecord::begun_at(now), read_at: BTreeMap::new() }
    }

    /// Takes note of the rows of a queue as they are now; `before` are those that were known.
    pub fn note(
        &mut self,
        queue: &str,
        before: Option<&BTreeMap<JobId, JobSummary>>,
        rows: &BTreeMap<JobId, JobSummary>,
        now: Millis,
    ) {
        let read = self.read_at.insert(queue.to_owned(), now);
        let since = read.map_or(0, |read| read - SLACK);
        let mut fresh = Vec::new();
        for row in rows.values().filter(|row| row.from_history().is_none()) {
            let old = before.and_then(|before| before.get(&row.job_id));
            let changes = states(old, row, since, now).into_iter();
            let mut told: Vec<_> = changes.map(|(status, at)| (at, state(queue, row, status, at))).collect();
            if blocked(row).is_some() && old.and_then(blocked) != blocked(row) {
                told.push((now, event(BLOCKED, queue, row, row.status, now)));
            }
            // Who reads a queue anew knows none of its rows, and may tell what another reading has told.
            if old.is_none() && read.is_some() {
                told.retain(|(_, event)| !self.record.events().any(|known| is_same(known, event)));
            }
            fresh.extend(told);
        }
        self.record.note(fresh);
    }

    /// What came after a line, oldest first; see [`EventRecord::after`].
    pub fn after(&mut self, cursor: Option<u64>) -> Vec<EventLine> {
        self.record.after(cursor)
    }
}

/// Whether two events tell of one thing: a job holds up its queue for one reason until that changes, whenever it is seen.
fn is_same(a: &Value, b: &Value) -> bool {
    let same = |pointer: &str| a.pointer(pointer) == b.pointer(pointer);
    let when = if a["detail-type"] == BLOCKED { "/detail/statusReason" } else { "/time" };
    same("/detail-type") && same("/detail/jobId") && same("/detail/status") && same(when)
}

/// The states that a job has come to since it was known, and when.
fn states(old: Option<&JobSummary>, row: &JobSummary, since: Millis, now: Millis) -> Vec<(JobStatus, Millis)> {
    let mut states = Vec::new();
    if old.is_none() {
        states.push((JobStatus::Submitted, row.created_at));
    }
    let is_other = old.is_some_and(|old| old.status != row.status);
    match row.started_at {
        Some(at) if old.is_none_or(|old| old.started_at != row.started_at) => states.push((JobStatus::Running, at)),
        None if row.status == JobStatus::Running && is_other => states.push((JobStatus::Running, now)),
        _ => {}
    }
    if row.status.is_final() && (old.is_none() || is_other) {
        states.push((row.status, row.stopped_at.unwrap_or(now)));
    } else if is_other && row.status != JobStatus::Running {
        states.push((row.status, now));
    }
    if old.is_none() {
        states.retain(|(_, at)| *at >= since);
    }
    states
}

/// Why a job holds up its queue, where the service says so: the codes that a status reason begins with (AWS Batch user guide,
/// "Jobs stuck in RUNNABLE status").
fn blocked(row: &JobSummary) -> Option<&str> {
    const CODES: [&str; 4] = ["CAPACITY:", "MISCONFIGURATION:", "ACTION_REQUIRED", "UNDETERMINED"];
    let reason = row.status_reason.as_deref().filter(|_| row.status == JobStatus::Runnable)?;
    CODES.iter().any(|code| reason.starts_with(code)).then_some(reason)
}

fn state(queue: &str, row: &JobSummary, status: JobStatus, at: Millis) -> Value {
    let kind = if is_service_job(&row.job_arn) { "Batch Service Job State Change" } else { "Batch Job State Change" };
    event(kind, queue, row, status, at)
}

/// As `EventBridge` has it, with what is known of it.
fn event(kind: &str, queue: &str, row: &JobSummary, status: JobStatus, at: Millis) -> Value {
    let time = chrono::DateTime::from_timestamp_millis(at).unwrap_or_default();
    let mut detail = json!({
        "jobArn": row.job_arn, "jobId": row.job_id, "jobName": row.job_name, "jobQueue": queue, "status": status,
        "createdAt": row.created_at,
    });
    // A reason is that of the present state.
    let told = [
        ("jobDefinition", row.job_definition.as_ref()),
        ("statusReason", row.status_reason.as_ref().filter(|_| status == row.status)),
    ];
    for (name, value) in told {
        if let Some(value) = value {
            detail[name] = json!(value);
        }
    }
    let time = time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    json!({ "source": "aws.batch", "detail-type": kind, "time": time, "resources": [row.job_arn], "detail": detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, status: JobStatus, times: (Millis, Option<Millis>, Option<Millis>)) -> JobSummary {
        JobSummary {
            job_id: id.into(),
            job_name: format!("job-{id}"),
            status,
            created_at: times.0,
            started_at: times.1,
            stopped_at: times.2,
            ..JobSummary::default()
        }
    }

    fn rows(all: &[JobSummary]) -> BTreeMap<JobId, JobSummary> {
        all.iter().map(|row| (row.job_id.clone(), row.clone())).collect()
    }

    fn told(lines: &[EventLine]) -> Vec<(String, String, Millis)> {
        let happened = lines.iter().filter_map(EventLine::happened);
        happened.map(|event| (event.job.0, event.what, event.at)).collect()
    }

    fn is(id: &str, what: &str, at: Millis) -> (String, String, Millis) {
        (id.to_owned(), what.to_owned(), at)
    }

    const HOUR: Millis = 3_600_000;

    fn begun() -> Seen {
        Seen::begun_at(HOUR)
    }

    #[test]
    fn the_times_of_rows_tell_what_was_before_and_later_readings_what_comes() {
        let mut seen = begun();
        let first = [
            row("a", JobStatus::Failed, (1_000, Some(3_000), Some(5_000))),
            row("b", JobStatus::Runnable, (2_000, None, None)),
        ];
        seen.note("main", None, &rows(&first), HOUR);
        let lines = seen.after(None);
        assert_eq!(lines[0].event, None, "what was before is not known");
        assert_eq!(
            told(&lines),
            [
                is("a", "SUBMITTED", 1_000),
                is("b", "SUBMITTED", 2_000),
                is("a", "RUNNING", 3_000),
                is("a", "FAILED", 5_000)
            ]
        );

        let cursor = lines.last().map(|line| line.cursor);
        let next = [
            first[0].clone(),
            row("b", JobStatus::Starting, (2_000, None, None)),
            row("c", JobStatus::Succeeded, (HOUR + 1_000, Some(HOUR + 2_000), Some(HOUR + 3_000))),
            // An old one that a page further on has told.
            row("d", JobStatus::Succeeded, (7_000, Some(8_000), Some(9_000))),
        ];
        seen.note("main", Some(&rows(&first)), &rows(&next), HOUR + 5_000);
        let more = seen.after(cursor);
        assert_eq!(
            told(&more),
            [
                is("c", "SUBMITTED", HOUR + 1_000),
                is("c", "RUNNING", HOUR + 2_000),
                is("c", "SUCCEEDED", HOUR + 3_000),
                is("b", "STARTING", HOUR + 5_000)
            ]
        );
        assert!(seen.after(more.last().map(|line| line.cursor)).is_empty());
        seen.note("main", Some(&rows(&next)), &rows(&next), HOUR + 9_000);
        assert_eq!(told(&seen.after(cursor)).len(), 4, "nothing is told twice");
    }

    #[test]
    fn a_job_that_runs_anew_or_holds_up_its_queue_is_told_with_its_reason() {
        let mut seen = begun();
        let old = row("a", JobStatus::Running, (1_000, Some(2_000), None));
        seen.note("main", None, &rows(std::slice::from_ref(&old)), HOUR);
        let cursor = seen.after(None).last().map(|line| line.cursor);
        let mut back = row("a", JobStatus::Runnable, (1_000, None, None));
        back.status_reason = Some("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none".into());
        seen.note("main", Some(&rows(&[old])), &rows(std::slice::from_ref(&back)), HOUR + 1_000);
        let again = row("a", JobStatus::Running, (1_000, Some(HOUR + 2_000), None));
        seen.note("main", Some(&rows(&[back])), &rows(&[again]), HOUR + 3_000);
        let lines = seen.after(cursor);
        assert_eq!(
            told(&lines),
            [is("a", "RUNNABLE", HOUR + 1_000), is("a", "BLOCKED", HOUR + 1_000), is("a", "RUNNING", HOUR + 2_000)]
        );
        let reasons: Vec<_> = lines.iter().filter_map(EventLine::happened).map(|event| event.reason).collect();
        assert!(reasons[1].starts_with("CAPACITY:") && reasons[2].is_empty(), "{reasons:?}");
    }

    #[test]
    fn who_reads_a_queue_anew_tells_nothing_that_was_told() {
        let mut seen = begun();
        let mut waits = row("a", JobStatus::Runnable, (HOUR - 9_000, None, None));
        waits.status_reason = Some("ACTION_REQUIRED - look".into());
        let runs = row("b", JobStatus::Running, (HOUR - 8_000, Some(HOUR - 7_000), None));
        seen.note("main", None, &rows(&[waits.clone(), runs]), HOUR);
        let cursor = seen.after(None).last().map(|line| line.cursor);
        let ended = row("b", JobStatus::Succeeded, (HOUR - 8_000, Some(HOUR - 7_000), Some(HOUR + 1_000)));
        let other = row("c", JobStatus::Runnable, (HOUR + 500, None, None));
        seen.note("main", None, &rows(&[waits, ended, other]), HOUR + 2_000);
        assert_eq!(
            told(&seen.after(cursor)),
            [is("c", "SUBMITTED", HOUR), is("b", "SUCCEEDED", HOUR + 1_000)],
            "to the second, as the service has it"
        );
    }
}
