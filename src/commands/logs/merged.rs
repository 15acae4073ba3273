//! Several logs as one, by time, each line with where it comes from. Of each log one page is held and no more, so that
//! many long ones take no more memory than a few.

use super::{PAUSE, Printer, Which, latest, no_log};
use crate::backend::{Backend, BackendError, JobQuery, JobScope};
use crate::cli::LinesFormat;
use crate::commands::error::{CommandError, Doing};
use crate::commands::watching;
use crate::model::text::printable;
use crate::model::{GetLogEvents, JobDetail, JobId, JobLog, JobSummary, LogEvent, Millis};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Lines that are held of all logs together, about; and of each at least and at most.
const HELD: usize = 200_000;
const PAGE: std::ops::RangeInclusive<usize> = 100..=10_000;
/// First pages that are asked for at once.
const AT_ONCE: usize = 16;
/// Lines that are written in one go.
pub(super) const BUNDLE: usize = 1_000;

/// Which logs of the jobs that were named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct All {
    pub children: bool,
    pub attempts: bool,
}

/// A log, and what its lines are labelled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub label: String,
    pub log: JobLog,
}

/// A line with where it comes from.
#[derive(Serialize)]
struct Labelled<'a> {
    source: &'a str,
    #[serde(flatten)]
    event: &'a LogEvent,
}

pub(super) async fn print(
    backend: &dyn Backend,
    ids: &[JobId],
    all: All,
    which: Which<'_>,
    printer: Printer,
) -> Result<(), CommandError> {
    let mut sources = Vec::new();
    for id in ids {
        sources.extend(of_job(backend, id, ids.len() > 1, all, which, printer).await?);
    }
    let mut held = Vec::new();
    let is_one = printer.format == LinesFormat::Json;
    let mut reading = Reading::begin(backend, &sources).await?;
    while let Some(line) = reading.next().await? {
        held.push(line);
        if held.len() >= BUNDLE && !is_one {
            write(printer, &sources, &held)?;
            held.clear();
        }
    }
    if is_one {
        printer.output.json(&labelled(&sources, &held))?;
    } else {
        write(printer, &sources, &held)?;
    }
    if reading.silent > 0 {
        let (silent, of) = (reading.silent, sources.len());
        printer.output.note(&format!("{silent} of {of} logs hold nothing: nothing was printed, or they were deleted"));
    }
    Ok(())
}

/// Writes lines, each with where it comes from.
pub(super) fn write(printer: Printer, sources: &[Source], lines: &[(usize, LogEvent)]) -> Result<(), CommandError> {
    if printer.format != LinesFormat::Table {
        return printer.output.json_lines(&labelled(sources, lines));
    }
    let width = sources.iter().map(|source| source.label.chars().count()).max().unwrap_or(0);
    let line = |(at, event): &(usize, LogEvent)| {
        format!("{:<width$} │ {}", printable(&sources[*at].label), printer.line(event))
    };
    printer.output.text(&lines.iter().map(line).collect::<String>())
}

fn labelled<'a>(sources: &'a [Source], lines: &'a [(usize, LogEvent)]) -> Vec<Labelled<'a>> {
    lines.iter().map(|(at, event)| Labelled { source: &sources[*at].label, event }).collect()
}

/// The logs that are meant of one job.
async fn of_job(
    backend: &dyn Backend,
    id: &JobId,
    is_one_of_several: bool,
    all: All,
    which: Which<'_>,
    printer: Printer,
) -> Result<Vec<Source>, CommandError> {
    let job = watching::describe(backend, id).await?;
    which.check(&job, printer.output)?;
    let name = label_of_job(&job, is_one_of_several);
    if !all.children {
        if super::is_array(&job) {
            return Err(no_log(&job, None));
        }
        let found = logs_to_read(&job, name.as_deref(), all, which);
        return if found.is_empty() { Err(no_log(&job, which.attempt)) } else { Ok(found) };
    }
    let children = begun_children(backend, &job, |_| true).await?;
    let found: Vec<Source> = children
        .iter()
        .flat_map(|child| logs_to_read(child, Some(&label_of_child(child, name.as_deref())), all, which))
        .collect();
    if found.is_empty() {
        return Err(super::without(&job, format!("none of its children has begun; it is {}", job.status)));
    }
    Ok(found)
}

/// The children of an array, or the nodes of a multi-node job, that have begun and are wanted, by their index.
pub(super) async fn begun_children(
    backend: &dyn Backend,
    job: &JobDetail,
    is_wanted: impl Fn(&JobId) -> bool,
) -> Result<Vec<JobDetail>, CommandError> {
    let id = &job.job_id;
    let scope = if super::is_array(job) {
        JobScope::Array(id.clone())
    } else if job.node_properties.is_some() {
        JobScope::Nodes(id.clone())
    } else {
        let why = "it has no children; without --children its own log is shown".to_owned();
        return Err(super::without(job, why));
    };
    let mut children = Vec::new();
    let mut token = None;
    loop {
        let query = JobQuery { scope: scope.clone(), page_token: token, ..JobQuery::default() };
        let page = backend.jobs(query).await.doing(format!("listing the children of the job {id}"))?;
        let begun = page.items.into_iter().filter(has_begun).map(|child| child.job_id);
        children.extend(begun.filter(|child| is_wanted(child)));
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    children.sort_by_cached_key(|child| child.part().map(|(_, index)| index));
    backend.describe_jobs(&children).await.doing(format!("describing the children of the job {id}"))
}

/// Whether there may be a log of it: also of one that waits for its next attempt.
fn has_begun(job: &JobSummary) -> bool {
    !job.status.is_waiting() || job.started_at.is_some() || job.extra.as_ref().is_some_and(|extra| extra.attempt > 0)
}

/// `7`, or `render 3f2a77aa:7` where the children of several jobs are read.
pub(super) fn label_of_child(child: &JobDetail, name: Option<&str>) -> String {
    let index = child.job_id.part().map_or_else(|| child.job_id.to_string(), |(_, index)| index.to_string());
    name.map_or(index.clone(), |name| format!("{name}:{index}"))
}

/// `render 3f2a77aa`, where several jobs are read.
pub(super) fn label_of_job(job: &JobDetail, are_several: bool) -> Option<String> {
    are_several.then(|| format!("{} {}", job.job_name, job.job_id.short()))
}

/// The logs of a job that are meant where nothing is waited for.
fn logs_to_read(job: &JobDetail, name: Option<&str>, all: All, which: Which<'_>) -> Vec<Source> {
    let wanted = which.attempt.unwrap_or_else(|| latest(job));
    logs(job, name, all.attempts, which.container, |attempt| all.attempts || attempt == wanted)
}

/// The logs of a job that are meant, labelled by what tells them apart.
pub(super) fn logs(
    job: &JobDetail,
    name: Option<&str>,
    of_attempts: bool,
    container: Option<&str>,
    is_meant: impl Fn(u32) -> bool,
) -> Vec<Source> {
    let several = container.is_none() && job.container_names().len() > 1;
    let is_meant = |log: &JobLog| is_meant(log.attempt) && container.is_none_or(|name| log.container == name);
    let source = |log: JobLog| {
        let attempt = of_attempts.then(|| format!("attempt {}", log.attempt));
        let container = several.then(|| log.container.clone());
        let parts: Vec<String> = name.map(str::to_owned).into_iter().chain(attempt).chain(container).collect();
        Source { label: parts.join(" "), log }
    };
    job.logs().into_iter().filter(is_meant).map(source).collect()
}

/// One log, and how far it was read.
pub(super) struct Reader {
    pub log: JobLog,
    page: u32,
    pub token: Option<String>,
    pub ready: VecDeque<LogEvent>,
    /// Its last line was read.
    pub is_over: bool,
}

impl Reader {
    /// From its first line on; it is one of so many.
    pub fn new(log: JobLog, of: usize) -> Self {
        let page = (HELD / of.max(1)).clamp(*PAGE.start(), *PAGE.end());
        let page = u32::try_from(page).unwrap_or(u32::MAX);
        Self { log, page, token: None, ready: VecDeque::new(), is_over: false }
    }

    /// What asks for the page that comes next.
    pub fn request(&self) -> GetLogEvents {
        GetLogEvents {
            log_group_name: self.log.group.clone(),
            log_stream_name: self.log.stream.clone(),
            start_from_head: Some(true),
            limit: Some(self.page),
            next_token: self.token.clone(),
            ..GetLogEvents::default()
        }
    }

    /// The lines that come next, once there are some. Cancel safe: none is lost between two calls.
    pub async fn next(&mut self, backend: &dyn Backend) -> Result<Vec<LogEvent>, CommandError> {
        loop {
            match backend.next_log_page(self.request()).await {
                Ok(page) => {
                    self.token = Some(page.next_forward_token);
                    return Ok(page.events);
                }
                // Whether an engine that is gone comes back is found out by looking at its jobs.
                Err(
                    BackendError::Unreachable { .. } | BackendError::Throttled { .. } | BackendError::NotFound { .. },
                ) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error).doing(format!("reading the log {}", self.log.stream)),
            }
        }
    }

    /// Reads on until there is a line, or there is none any more.
    pub async fn fill(&mut self, backend: &dyn Backend) -> Result<(), CommandError> {
        while self.ready.is_empty() && !self.is_over {
            let page = match backend.log_events(self.request()).await {
                Err(BackendError::NotFound { .. }) => {
                    self.is_over = true;
                    return Ok(());
                }
                page => page.doing(format!("reading the log {}", self.log.stream))?,
            };
            self.is_over = self.token.as_deref() == Some(page.next_forward_token.as_str());
            self.token = Some(page.next_forward_token);
            self.ready.extend(page.events);
        }
        Ok(())
    }
}

/// All logs at once.
pub(super) struct Reading<'a> {
    backend: &'a dyn Backend,
    pub readers: Vec<Reader>,
    /// The time of the next line of each log that has one, and the log's number.
    next: BinaryHeap<Reverse<(Millis, usize)>>,
    /// Logs that hold no line at all.
    silent: usize,
}

impl<'a> Reading<'a> {
    pub async fn begin(backend: &'a dyn Backend, sources: &[Source]) -> Result<Self, CommandError> {
        let first = sources.iter().map(|source| {
            let mut reader = Reader::new(source.log.clone(), sources.len());
            async move { reader.fill(backend).await.map(|()| reader) }
        });
        let readers: Vec<Reader> = stream::iter(first).buffered(AT_ONCE).try_collect().await?;
        let head = |(at, reader): (usize, &Reader)| reader.ready.front().map(|line| Reverse((line.timestamp, at)));
        let next: BinaryHeap<_> = readers.iter().enumerate().filter_map(head).collect();
        let silent = readers.len() - next.len();
        Ok(Self { backend, readers, next, silent })
    }

    /// The oldest line of all that are left, and the number of its log.
    pub async fn next(&mut self) -> Result<Option<(usize, LogEvent)>, CommandError> {
        let Some(Reverse((_, at))) = self.next.pop() else { return Ok(None) };
        let reader = &mut self.readers[at];
        let line = reader.ready.pop_front();
        reader.fill(self.backend).await?;
        if let Some(head) = reader.ready.front() {
            self.next.push(Reverse((head.timestamp, at)));
        }
        Ok(line.map(|line| (at, line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::{ScriptedBackend, World};
    use crate::model::{AttemptContainerDetail, AttemptDetail, ContainerDetail};
    use futures::FutureExt;
    use std::collections::BTreeMap;

    fn source(name: &str) -> Source {
        Source { label: name.to_owned(), log: JobLog { stream: name.to_owned(), ..JobLog::default() } }
    }

    #[test]
    fn lines_of_many_logs_come_by_their_time_and_none_is_lost() {
        let mut logs: BTreeMap<String, Vec<LogEvent>> = BTreeMap::new();
        for number in 0..40_000_i64 {
            let event = LogEvent { timestamp: number / 3, message: number.to_string(), ingestion_time: 0 };
            logs.entry(format!("s{}", number % 7)).or_default().push(event);
        }
        let backend = ScriptedBackend::new(World { logs, ..World::default() });
        let sources = ["s0", "s1", "s2", "gone", "s3", "s4", "s5", "s6"].map(source);
        let read = async {
            let mut reading = Reading::begin(&backend, &sources).await.expect("read");
            let mut lines = Vec::new();
            while let Some((at, event)) = reading.next().await.expect("read") {
                assert_eq!(sources[at].label, format!("s{}", event.message.parse::<i64>().expect("a number") % 7));
                lines.push(event);
            }
            (lines, reading.silent)
        };
        let (lines, silent) = read.now_or_never().expect("at once");
        assert!(lines.is_sorted_by_key(|line| line.timestamp));
        let mut numbers: Vec<i64> = lines.iter().map(|line| line.message.parse().expect("a number")).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..40_000));
        assert_eq!(silent, 1);
    }

    #[test]
    fn a_label_says_what_tells_the_logs_apart() {
        let attempt = |stream: &str| AttemptDetail {
            container: AttemptContainerDetail { log_stream_name: Some(stream.into()), ..Default::default() },
            ..AttemptDetail::default()
        };
        let job = JobDetail {
            attempts: vec![attempt("a"), attempt("b")],
            container: Some(ContainerDetail { log_stream_name: Some("c".into()), ..ContainerDetail::default() }),
            ..JobDetail::default()
        };
        let told = |name, attempts| -> Vec<(String, String)> {
            let all = All { children: false, attempts };
            let found = logs_to_read(&job, name, all, Which::default());
            found.into_iter().map(|source| (source.label, source.log.stream)).collect()
        };
        let pair = |label: &str, stream: &str| (label.to_owned(), stream.to_owned());
        assert_eq!(told(None, true), [pair("attempt 1", "a"), pair("attempt 2", "b"), pair("attempt 3", "c")]);
        assert_eq!(told(Some("7"), false), [pair("7", "c")]);
        assert_eq!(told(Some("7"), true)[0], pair("7 attempt 1", "a"));
    }
}
