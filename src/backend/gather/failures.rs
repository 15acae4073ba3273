//! Reading the jobs that failed within a time, within bounds: on AWS about thirty calls, most of them for the ends of logs.

use super::{Backend, BackendError, JobQuery, JobScope};
use crate::model::{FailedEarlier, FailedJob, FailedJobs, GetLogEvents, JobStatus, JobSummary, LastLine, Millis};
use futures::StreamExt;
use std::collections::{BTreeMap, HashMap};

/// Rows of one call.
const PAGE: u32 = 1_000;
/// The last lines of a log that are looked at for one that is not blank.
const LINES: u32 = 10;
/// Logs that are read side by side.
const AT_ONCE: usize = 8;

/// How much is read at most.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Pages of failed jobs.
    pages: usize,
    /// Arrays whose failed children are read, a page of each.
    arrays: usize,
    /// Ends of logs.
    logs: usize,
}

const LOCAL: Bounds = Bounds { pages: 5, arrays: 20, logs: 300 };
/// Calls there are few, and others want them too.
const AWS: Bounds = Bounds { pages: 1, arrays: 3, logs: 12 };

/// Reads what failed since `since`, in one queue or in all.
///
/// # Errors
/// What kept the list of failed jobs from being read. What is missing beside it is told in [`FailedJobs::left_out`].
pub async fn failed_jobs(
    backend: &dyn Backend,
    queue: Option<&str>,
    since: Millis,
    now: Millis,
) -> Result<FailedJobs, BackendError> {
    let bounds = if backend.capabilities().name == "local" { LOCAL } else { AWS };
    let scope = queue.map_or(JobScope::Everywhere, |queue| JobScope::Queue(queue.to_owned()));
    let mut left_out = Vec::new();
    let (before, mut rows): (Vec<_>, Vec<_>) =
        failed(backend, scope.clone(), bounds, &mut left_out).await?.into_iter().partition(|job| ended_at(job) < since);
    let live = live_arrays(backend, scope, &mut left_out).await;
    children_for_arrays(backend, &mut rows, live, since, bounds, &mut left_out).await;
    rows.sort_by(|a, b| (ended_at(b), &b.job_id).cmp(&(ended_at(a), &a.job_id)));
    let jobs = with_last_lines(backend, rows, bounds.logs).await;
    Ok(FailedJobs { at: now, since, queue: queue.map(str::to_owned), jobs, earlier: earlier(before), left_out })
}

async fn failed(
    backend: &dyn Backend,
    scope: JobScope,
    bounds: Bounds,
    left_out: &mut Vec<String>,
) -> Result<Vec<JobSummary>, BackendError> {
    let mut query = JobQuery { scope, statuses: vec![JobStatus::Failed], limit: Some(PAGE), ..JobQuery::default() };
    let mut rows = Vec::new();
    let mut looked_at = 0;
    for _ in 0..bounds.pages {
        let page = backend.jobs(query.clone()).await?;
        looked_at += page.items.len();
        rows.extend(page.items.into_iter().filter(|job| job.status == JobStatus::Failed));
        query.page_token = page.next;
        if query.page_token.is_none() {
            return Ok(rows);
        }
    }
    left_out.push(format!("of all failed jobs the {looked_at} that were submitted last were looked at, and no others"));
    Ok(rows)
}

/// Arrays that are under way and have failed children.
async fn live_arrays(backend: &dyn Backend, scope: JobScope, left_out: &mut Vec<String>) -> Vec<JobSummary> {
    let query = JobQuery { scope, statuses: vec![JobStatus::Pending], limit: Some(PAGE), ..JobQuery::default() };
    let has_failed = |job: &JobSummary| {
        let counts = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
        job.is_array_parent() && counts.is_some_and(|counts| counts.get(JobStatus::Failed) > 0)
    };
    match backend.jobs(query).await {
        Ok(page) => {
            if page.next.is_some() {
                left_out.push(format!("arrays under way: among the {PAGE} newest PENDING jobs alone"));
            }
            page.items.into_iter().filter(has_failed).collect()
        }
        Err(error) => {
            left_out.push(format!("arrays under way: {error}"));
            Vec::new()
        }
    }
}

/// Puts failed children in the place of the arrays that failed by them, and adds those of arrays that are under way.
async fn children_for_arrays(
    backend: &dyn Backend,
    rows: &mut Vec<JobSummary>,
    live: Vec<JobSummary>,
    since: Millis,
    bounds: Bounds,
    left_out: &mut Vec<String>,
) {
    let (mut arrays, plain): (Vec<_>, Vec<_>) = std::mem::take(rows).into_iter().partition(JobSummary::is_array_parent);
    *rows = plain;
    arrays.sort_by_key(|array| std::cmp::Reverse(ended_at(array)));
    arrays.splice(0..0, live);
    for (at, array) in arrays.into_iter().enumerate() {
        if at >= bounds.arrays {
            let name = &array.job_name;
            left_out.push(format!("children of the array {name} ({}): too many arrays", array.job_id.short()));
            rows.extend((array.status == JobStatus::Failed).then_some(array));
            continue;
        }
        let query = JobQuery {
            scope: JobScope::Array(array.job_id.clone()),
            statuses: vec![JobStatus::Failed],
            limit: Some(PAGE),
            ..JobQuery::default()
        };
        match backend.jobs(query).await {
            Ok(page) => {
                if page.next.is_some() {
                    left_out.push(format!("more than {PAGE} failed children of the array {}", array.job_name));
                }
                let before = rows.len();
                rows.extend(page.items.into_iter().filter(|child| ended_at(child) >= since));
                // An array that failed without a child of its own to show for it is told itself.
                rows.extend((rows.len() == before && array.status == JobStatus::Failed).then_some(array));
            }
            Err(error) => {
                left_out.push(format!("children of the array {}: {error}", array.job_name));
                rows.extend((array.status == JobStatus::Failed).then_some(array));
            }
        }
    }
}

/// By what jobs seem alike before anything is read of them: definition, exit code, the container's reason and the job's.
type Alike<'r> = (Option<&'r str>, Option<i32>, Option<&'r str>, Option<&'r str>);

fn alike(job: &JobSummary) -> Alike<'_> {
    let end = job.container.as_ref();
    (
        job.job_definition.as_deref(),
        end.and_then(|end| end.exit_code),
        end.and_then(|end| end.reason.as_deref()),
        job.status_reason.as_deref(),
    )
}

/// Of jobs that failed alike the first, and how many there were.
fn earlier(jobs: Vec<JobSummary>) -> Vec<FailedEarlier> {
    let mut found: Vec<FailedEarlier> = Vec::new();
    for job in jobs {
        match found.iter_mut().find(|known| alike(&known.first) == alike(&job)) {
            Some(known) => {
                known.count += 1;
                if ended_at(&job) < ended_at(&known.first) {
                    known.first = job;
                }
            }
            None => found.push(FailedEarlier { first: job, count: 1 }),
        }
    }
    found
}

/// Reads the ends of as many logs as are allowed: of jobs that seem alike one each first, the newest, then the next.
async fn with_last_lines(backend: &dyn Backend, rows: Vec<JobSummary>, most: usize) -> Vec<FailedJob> {
    let mut turns: BTreeMap<Alike<'_>, usize> = BTreeMap::new();
    let mut wanted: Vec<(usize, usize)> = Vec::new();
    for (at, job) in rows.iter().enumerate().filter(|(_, job)| log_of(job).is_some()) {
        let turn = turns.entry(alike(job)).or_default();
        wanted.push((*turn, at));
        *turn += 1;
    }
    wanted.sort_unstable();
    let reads = wanted.into_iter().take(most).map(|(_, at)| {
        let request = log_of(&rows[at]).unwrap_or_default();
        async move { (at, last_line(backend, request).await) }
    });
    let mut read: HashMap<usize, LastLine> = futures::stream::iter(reads).buffer_unordered(AT_ONCE).collect().await;
    rows.into_iter()
        .enumerate()
        .map(|(at, job)| {
            let never = job.started_at.is_none();
            let last_line = read.remove(&at).unwrap_or(if never { LastLine::Nothing } else { LastLine::NotRead });
            FailedJob { job, last_line }
        })
        .collect()
}

/// The request for the end of a job's log; `None` where none is known.
fn log_of(job: &JobSummary) -> Option<GetLogEvents> {
    let extra = job.extra.as_ref().filter(|_| job.started_at.is_some())?;
    Some(GetLogEvents {
        log_group_name: extra.log_group_name.clone(),
        log_stream_name: extra.log_stream_name.clone().filter(|stream| !stream.is_empty())?,
        limit: Some(LINES),
        ..GetLogEvents::default()
    })
}

async fn last_line(backend: &dyn Backend, request: GetLogEvents) -> LastLine {
    match backend.log_events(request).await {
        Ok(page) => {
            let line = page.events.into_iter().rev().map(|event| event.message).find(|line| !line.trim().is_empty());
            line.map_or(LastLine::Nothing, |line| LastLine::Line(line.trim_end().to_owned()))
        }
        Err(BackendError::NotFound { .. }) => LastLine::Nothing,
        Err(_) => LastLine::NotRead,
    }
}

fn ended_at(job: &JobSummary) -> Millis {
    job.stopped_at.unwrap_or(job.created_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::{Can, ScriptedBackend, World};
    use crate::model::{ArrayProperties, ContainerSummary, JobExtra, JobId, LogEvent, StatusCounts};
    use futures::FutureExt;

    fn failed_row(id: &str, at: Millis) -> JobSummary {
        JobSummary {
            job_id: JobId::from(id),
            job_name: id.to_owned(),
            status: JobStatus::Failed,
            started_at: Some(1),
            stopped_at: Some(at),
            container: Some(ContainerSummary { exit_code: Some(1), reason: None }),
            extra: Some(Box::new(JobExtra { log_stream_name: Some(format!("log/{id}")), ..Default::default() })),
            ..Default::default()
        }
    }

    fn array_row(id: &str, status: JobStatus, failed: u64) -> JobSummary {
        let mut counts = StatusCounts::default();
        counts.add(JobStatus::Failed, failed);
        JobSummary {
            array_properties: Some(ArrayProperties {
                size: Some(9),
                status_summary: Some(counts),
                ..Default::default()
            }),
            status,
            ..failed_row(id, 50)
        }
    }

    fn read(jobs: Vec<JobSummary>, is_local: bool) -> FailedJobs {
        let line = |text: &str| LogEvent { message: text.to_owned(), ..Default::default() };
        let logs = jobs.iter().map(|job| {
            (format!("log/{}", job.job_id), vec![line("start"), line(&format!("end of {}", job.job_id)), line(" ")])
        });
        let can = Can { pushes_changes: is_local, ..Can::default() };
        let world = World { logs: logs.collect(), jobs, can, ..World::default() };
        let backend = ScriptedBackend::new(world);
        failed_jobs(&backend, None, 10, 100).now_or_never().expect("it never waits").expect("read")
    }

    fn names(read: &FailedJobs) -> Vec<&str> {
        read.jobs.iter().map(|failed| failed.job.job_name.as_str()).collect()
    }

    #[test]
    fn what_failed_in_the_time_is_read_with_the_last_line_of_its_log() {
        let read = read(vec![failed_row("old", 5), failed_row("a", 40), failed_row("b", 60)], true);
        assert_eq!(names(&read), ["b", "a"]);
        assert_eq!(read.jobs[0].last_line, LastLine::Line("end of b".into()));
        assert_eq!(read.earlier, [FailedEarlier { first: failed_row("old", 5), count: 1 }]);
        assert!(read.left_out.is_empty());
    }

    #[test]
    fn an_array_is_told_by_its_failed_children_while_it_runs_and_afterwards() {
        let child = |id: &str| failed_row(id, 30);
        let rows = vec![
            array_row("dead", JobStatus::Failed, 1),
            child("dead:3"),
            array_row("live", JobStatus::Pending, 1),
            child("live:0"),
            array_row("bare", JobStatus::Failed, 0),
            array_row("well", JobStatus::Pending, 0),
        ];
        let mut found = names(&read(rows, true)).iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        found.sort();
        assert_eq!(found, ["bare", "dead:3", "live:0"]);
    }

    #[test]
    fn on_aws_few_logs_are_read_and_those_of_each_kind_first() {
        let mut rows: Vec<JobSummary> = (0..30).map(|at| failed_row(&format!("many{at}"), 50 + at)).collect();
        let mut rare = failed_row("rare", 20);
        rare.container = Some(ContainerSummary { exit_code: Some(137), reason: None });
        rows.push(rare);
        let mut unborn = failed_row("unborn", 20);
        unborn.started_at = None;
        rows.push(unborn);
        let read = read(rows, false);
        let lines = read.jobs.iter().filter(|failed| matches!(failed.last_line, LastLine::Line(_))).count();
        assert_eq!(lines, AWS.logs);
        let of =
            |name: &str| read.jobs.iter().find(|failed| failed.job.job_name == name).map(|failed| &failed.last_line);
        assert_eq!(of("rare"), Some(&LastLine::Line("end of rare".into())));
        assert_eq!(of("many29"), Some(&LastLine::Line("end of many29".into())), "the newest of its kind");
        assert_eq!((of("many0"), of("unborn")), (Some(&LastLine::NotRead), Some(&LastLine::Nothing)));
    }

    #[test]
    fn what_was_not_fetched_is_said() {
        let rows: Vec<JobSummary> = (0..1_500).map(|at| failed_row(&format!("j{at}"), 50)).collect();
        let read = read(rows, false);
        assert_eq!(read.jobs.len(), 1_000);
        assert_eq!(
            read.left_out,
            ["of all failed jobs the 1000 that were submitted last were looked at, and no others"]
        );
    }
}
