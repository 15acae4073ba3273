//! Jobs that failed, grouped by what failed and how: definition, exit code, reason and the shape of the log's last line.

mod ending;
mod shape;

pub use ending::Ending;
pub use shape::shape;

use crate::model::{FailedJob, FailedJobs, JobId, JobSummary, LastLine, Millis, name_of};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// All groups of a time, the largest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    /// When it was read.
    pub at: Millis,
    pub since: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Jobs in all groups.
    pub count: usize,
    pub groups: Vec<Group>,
    /// What was not fetched, for a person: counts may be too low by that.
    pub left_out: Vec<String>,
}

/// Jobs of one definition that failed in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// `NAME:REVISION`.
    pub definition: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Without ids, hosts and numbers; empty where nothing but the exit code is told.
    pub reason: String,
    pub count: usize,
    /// When the first and the last of them ended.
    pub first: Millis,
    pub last: Millis,
    /// How many are known to have failed so before that time, and when the first of those ended.
    pub earlier: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Millis>,
    pub queues: BTreeSet<String>,
    /// How their logs end, the most frequent first. Several only where not all logs were read: then nobody knows which of
    /// the others ends how.
    pub lines: Vec<LineShape>,
    /// Jobs whose logs were looked at.
    pub lines_read: usize,
    /// The last to end first.
    pub jobs: Vec<JobId>,
}

/// How a log ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineShape {
    /// Without ids, hosts and numbers.
    pub shape: String,
    /// One such line as it was written.
    pub example: String,
    pub count: usize,
}

impl Group {
    /// `exit 137 in resize:14`, `timed out in etl:3`.
    pub fn title(&self) -> String {
        format!("{} in {}", self.ending(), self.definition)
    }

    /// `exit 137`, or the reason where there is no exit code.
    pub fn ending(&self) -> String {
        match self.exit_code {
            Some(code) => format!("exit {code}"),
            None if self.reason.is_empty() => "failed without a reason".to_owned(),
            None => self.reason.clone(),
        }
    }

    /// What tells its jobs from others with the same exit code: the reason that was given, or how their logs end.
    pub fn tells(&self) -> &str {
        let line = self.lines.first().map_or("", |line| line.shape.as_str());
        if self.reason.is_empty() { line } else { &self.reason }
    }
}

/// By what jobs are told apart before their logs are looked at.
type Key = (String, Option<i32>, String);

/// Groups what was read. A group is split by how logs end where all of its logs were read.
pub fn group(read: &FailedJobs) -> Failures {
    let mut alike: BTreeMap<Key, Vec<&FailedJob>> = BTreeMap::new();
    for failed in &read.jobs {
        alike.entry(key_of(&failed.job)).or_default().push(failed);
    }
    let mut earlier: BTreeMap<Key, (usize, Millis)> = BTreeMap::new();
    for before in &read.earlier {
        let at = ended_at(&before.first);
        let (count, first) = earlier.entry(key_of(&before.first)).or_insert((0, at));
        (*count, *first) = (*count + before.count, (*first).min(at));
    }
    let mut groups: Vec<Group> = Vec::new();
    for (key, jobs) in alike {
        if jobs.iter().any(|failed| failed.last_line == LastLine::NotRead) {
            groups.push(with_earlier(one(&key, &jobs), earlier.get(&key)));
            continue;
        }
        let mut by_line: BTreeMap<String, Vec<&FailedJob>> = BTreeMap::new();
        for failed in jobs {
            by_line.entry(line_of(failed).map(shape).unwrap_or_default()).or_default().push(failed);
        }
        // How the logs of the earlier ones end nobody has looked at: of several groups nobody knows which they belong to.
        let before = earlier.get(&key).filter(|_| by_line.len() == 1);
        groups.extend(by_line.values().map(|jobs| with_earlier(one(&key, jobs), before)));
    }
    groups.sort_by_key(|group| (Reverse(group.count), Reverse(group.last)));
    Failures {
        at: read.at,
        since: read.since,
        queue: read.queue.clone(),
        count: read.jobs.len(),
        groups,
        left_out: read.left_out.clone(),
    }
}

fn key_of(job: &JobSummary) -> Key {
    let Ending { exit_code, reason } = Ending::of(job);
    (definition_of(job), exit_code, shape(&reason))
}

fn with_earlier(group: Group, earlier: Option<&(usize, Millis)>) -> Group {
    let Some((count, first)) = earlier else { return group };
    Group { earlier: *count, first_seen: Some(*first), ..group }
}

fn one((definition, exit_code, reason): &Key, jobs: &[&FailedJob]) -> Group {
    let mut jobs = jobs.to_vec();
    jobs.sort_by_key(|failed| (Reverse(ended_at(&failed.job)), &failed.job.job_id));
    let mut shapes: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    for line in jobs.iter().filter_map(|failed| line_of(failed)) {
        shapes.entry(shape(line)).or_insert((line, 0)).1 += 1;
    }
    let mut lines: Vec<LineShape> = shapes
        .into_iter()
        .map(|(shape, (example, count))| LineShape { shape, example: example.to_owned(), count })
        .collect();
    lines.sort_by_key(|line| Reverse(line.count));
    Group {
        definition: definition.clone(),
        exit_code: *exit_code,
        reason: reason.clone(),
        count: jobs.len(),
        first: jobs.last().map_or(0, |failed| ended_at(&failed.job)),
        last: jobs.first().map_or(0, |failed| ended_at(&failed.job)),
        earlier: 0,
        first_seen: None,
        queues: jobs.iter().filter_map(|failed| queue_of(&failed.job)).map(str::to_owned).collect(),
        lines,
        lines_read: jobs.iter().filter(|failed| failed.last_line != LastLine::NotRead).count(),
        jobs: jobs.into_iter().map(|failed| failed.job.job_id.clone()).collect(),
    }
}

fn line_of(failed: &FailedJob) -> Option<&str> {
    match &failed.last_line {
        LastLine::Line(line) => Some(line),
        LastLine::Nothing | LastLine::NotRead => None,
    }
}

fn definition_of(job: &JobSummary) -> String {
    job.job_definition.as_deref().map(name_of).unwrap_or_default().to_owned()
}

fn queue_of(job: &JobSummary) -> Option<&str> {
    job.extra.as_ref().map(|extra| name_of(&extra.job_queue)).filter(|name| !name.is_empty())
}

fn ended_at(job: &JobSummary) -> Millis {
    job.stopped_at.unwrap_or(job.created_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerSummary, FailedEarlier, JobStatus};

    fn failed(id: u32, definition: &str, exit: i32, at: Millis, last_line: LastLine) -> FailedJob {
        let job = JobSummary {
            job_id: JobId(format!("j{id}")),
            job_definition: Some(format!("arn:aws:batch:us-east-1:1:job-definition/{definition}")),
            status: JobStatus::Failed,
            status_reason: Some("Essential container in task exited".into()),
            stopped_at: Some(at),
            container: Some(ContainerSummary { exit_code: Some(exit), reason: None }),
            ..Default::default()
        };
        FailedJob { job, last_line }
    }

    fn line(text: &str) -> LastLine {
        LastLine::Line(text.into())
    }

    fn grouped(jobs: Vec<FailedJob>) -> Failures {
        group(&FailedJobs { at: 100, since: 0, queue: None, jobs, earlier: Vec::new(), left_out: Vec::new() })
    }

    fn told(failures: &Failures) -> Vec<(usize, String, String)> {
        failures.groups.iter().map(|group| (group.count, group.title(), group.tells().to_owned())).collect()
    }

    #[test]
    fn jobs_that_fail_alike_are_one_group_with_its_first_and_last() {
        let failures = grouped(vec![
            failed(1, "resize:14", 137, 50, line("frame 12 of 2400")),
            failed(2, "resize:14", 137, 30, line("frame 977 of 2400")),
            failed(3, "etl:3", 1, 40, line("KeyError: 'day'")),
            failed(4, "resize:13", 137, 45, LastLine::Nothing),
        ]);
        assert_eq!(
            told(&failures),
            [
                (2, "exit 137 in resize:14".to_owned(), "frame # of #".to_owned()),
                (1, "exit 137 in resize:13".to_owned(), String::new()),
                (1, "exit 1 in etl:3".to_owned(), "KeyError: 'day'".to_owned()),
            ]
        );
        let first = &failures.groups[0];
        assert_eq!((first.first, first.last, failures.count), (30, 50, 4));
        assert_eq!(first.jobs, [JobId::from("j1"), JobId::from("j2")], "the last to end stands first");
    }

    #[test]
    fn a_group_tells_when_jobs_are_known_to_have_failed_so_before() {
        let now = vec![
            failed(1, "resize:14", 137, 50, line("frame 12 of 2400")),
            failed(2, "etl:3", 1, 40, line("KeyError: 'day'")),
            failed(3, "etl:3", 1, 40, line("timeout")),
        ];
        let before = |id, definition, exit, at, count| FailedEarlier {
            first: failed(id, definition, exit, at, LastLine::NotRead).job,
            count,
        };
        let earlier = vec![
            before(4, "resize:14", 137, 7, 3),
            before(5, "resize:14", 137, 3, 1),
            before(6, "resize:14", 1, 2, 9),
            before(7, "etl:3", 1, 1, 9),
        ];
        let read = FailedJobs { at: 100, since: 10, queue: None, jobs: now, earlier, left_out: Vec::new() };
        let told: Vec<_> =
            group(&read).groups.into_iter().map(|one| (one.title(), one.earlier, one.first_seen)).collect();
        let split = || ("exit 1 in etl:3".to_owned(), 0, None);
        assert_eq!(told, [("exit 137 in resize:14".to_owned(), 4, Some(3)), split(), split()]);
    }

    #[test]
    fn a_group_is_split_by_how_logs_end_only_where_all_were_read() {
        let jobs = |third| {
            vec![
                failed(1, "etl:3", 1, 1, line("KeyError: 'day'")),
                failed(2, "etl:3", 1, 2, line("timeout after 30s")),
                failed(3, "etl:3", 1, 3, third),
            ]
        };
        assert_eq!(grouped(jobs(line("timeout after 31s"))).groups.len(), 2);
        let part = grouped(jobs(LastLine::NotRead));
        let [group] = part.groups.as_slice() else { panic!("one: {part:?}") };
        assert_eq!((group.count, group.lines_read, group.lines.len()), (3, 2, 2));
    }

    #[test]
    fn reasons_that_name_a_host_are_the_same_reason() {
        let lost = |id, host: &str| {
            let mut failed = failed(id, "render:2", 0, 1, LastLine::Nothing);
            failed.job.container = None;
            failed.job.status_reason = Some(format!("Host EC2 (instance {host}) terminated."));
            failed
        };
        let failures = grouped(vec![lost(1, "i-0dead000000000d1"), lost(2, "i-0beef000000000d2")]);
        assert_eq!(
            told(&failures)[0].1,
            "host lost: Host EC2 (instance <host>) terminated. in render:2",
            "{failures:?}"
        );
    }
}
