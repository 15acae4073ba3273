//! `logs`: a job's log, whole or as it comes; or the logs of several attempts, children or jobs as one.

mod merged;
mod together;

use super::error::{CommandError, Doing, exit};
use super::output::Output;
use super::watching::{self, Watching};
use super::world::World;
use super::{Done, resolve};
use crate::backend::{Backend, BackendError};
use crate::cli::{LinesFormat, LogsArgs};
use crate::model::{GetLogEvents, JobDetail, JobId, JobLog, JobStatus, LogEvent, LogPage, text::log_line};
use merged::Reader;
use std::time::Duration;

/// `CloudWatch` shows a line only so long after it was written.
const INGESTION: Duration = Duration::from_secs(5);
/// `GetLogEvents` answers with fewer lines than this.
const LARGEST_PAGE: u32 = 10_000;
/// Before a log is asked for again whose connection broke.
const PAUSE: Duration = Duration::from_millis(250);

pub async fn run(args: &LogsArgs, world: World) -> Done {
    let mut ids = Vec::new();
    for given in &args.ids {
        ids.push(resolve::job(&*world.backend, given).await?);
    }
    let printer = Printer { output: world.output(), format: args.output, timestamps: args.timestamps };
    let which = Which { attempt: args.attempt, container: args.container.as_deref() };
    let all = merged::All { children: args.children, attempts: args.all_attempts };
    match (&ids[..], args.follow) {
        ([id], true) if !all.children && !all.attempts => follow(&*world.backend, id.clone(), which, printer).await?,
        ([id], false) if !all.children && !all.attempts => {
            one(&*world.backend, id, which, args.tail, printer).await?;
        }
        _ if args.tail.is_some() => {
            let takes = "one job; the logs of several are read as one without --tail";
            return Err(CommandError::Usage { what: "id to read the end of", given: args.ids.join(" "), takes });
        }
        (_, true) => together::follow(&*world.backend, &ids, all, which, printer).await?,
        (_, false) => merged::print(&*world.backend, &ids, all, which, printer).await?,
    }
    Ok(exit::DONE)
}

/// Which of a job's logs is meant.
#[derive(Debug, Clone, Copy, Default)]
struct Which<'a> {
    /// `None`: the latest, and with `-f` each that follows.
    attempt: Option<u32>,
    /// `None`: the one that stands for the job.
    container: Option<&'a str>,
}

impl Which<'_> {
    fn log(&self, job: &JobDetail, number: u32) -> Option<JobLog> {
        job.log(Some(number), self.container)
    }

    /// Says what is left out where no container was named.
    fn note_others(&self, job: &JobDetail, shown: &JobLog, output: Output) {
        if let Some(note) = others(job, shown).filter(|_| self.container.is_none()) {
            output.note(&note);
        }
    }

    /// Refuses a container that the job does not have, and says where the lines of one go that has no log here.
    fn check(&self, job: &JobDetail, output: Output) -> Result<(), CommandError> {
        if let Some(name) = self.container {
            let names = job.container_names();
            if !names.contains(&name) {
                let known = names.join(", ");
                return Err(without(job, format!("it has no container `{name}`; it has: {known}")));
            }
        }
        if let Some(driver) = job.other_log_driver(self.container) {
            output.note(&format!("its log driver is {driver}: on AWS its lines are not in CloudWatch Logs"));
        }
        Ok(())
    }
}

/// How lines are printed.
#[derive(Debug, Clone, Copy)]
struct Printer {
    output: Output,
    format: LinesFormat,
    timestamps: bool,
}

impl Printer {
    fn lines(&self, events: &[LogEvent]) -> Result<(), CommandError> {
        if self.format != LinesFormat::Table {
            return self.output.json_lines(events);
        }
        let lines: String = events.iter().map(|event| self.line(event)).collect();
        self.output.text(&lines)
    }

    fn line(&self, event: &LogEvent) -> String {
        let message = log_line(&event.message);
        if !self.timestamps {
            return format!("{message}\n");
        }
        let time = chrono::DateTime::from_timestamp_millis(event.timestamp)
            .map_or_else(String::new, |time| time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
        format!("{time} {message}\n")
    }
}

fn ended_attempts(job: &JobDetail) -> u32 {
    u32::try_from(job.attempts.len()).unwrap_or(u32::MAX)
}

/// The attempt to show where none is named: the one that runs, or ran last.
fn latest(job: &JobDetail) -> u32 {
    job.logs().last().map_or(0, |log| log.attempt).max(ended_attempts(job)).max(1)
}

fn is_array(job: &JobDetail) -> bool {
    job.array_properties.as_ref().is_some_and(|array| array.size.is_some())
}

/// How many attempts a job may come to have.
fn most_attempts(job: &JobDetail) -> u32 {
    let allowed = job.retry_strategy.as_ref().and_then(|strategy| strategy.attempts).unwrap_or(1);
    if job.status.is_final() { ended_attempts(job) } else { allowed.max(ended_attempts(job)) }
}

fn without(job: &JobDetail, why: String) -> CommandError {
    CommandError::NoLog { id: job.job_id.to_string(), name: job.job_name.clone(), why }
}

fn no_log(job: &JobDetail, attempt: Option<u32>) -> CommandError {
    if let Some(why) = job.service.as_ref().filter(|_| attempt.is_none()).and_then(|service| service.why_no_log()) {
        return without(job, why);
    }
    let why = match (is_array(job), attempt) {
        (true, _) => format!(
            "it is an array; `batchdeck logs {}` shows that of its first child, and `--children` those of all as one",
            job.job_id.child(0)
        ),
        (false, Some(number)) => {
            let had = ended_attempts(job);
            let most =
                if job.status.is_final() { String::new() } else { format!(", takes {} at most", most_attempts(job)) };
            format!("there is no attempt {number}; it has had {had}{most} and is {}", job.status)
        }
        (false, None) if job.started_at.is_some() => "the service names no log stream for it".to_owned(),
        (false, None) if job.status.is_final() => "it never started".to_owned(),
        (false, None) => format!("it is {}; -f waits until it starts", job.status),
    };
    without(job, why)
}

/// What is said beside a log that was not named: the job's others of the same attempt.
fn others(job: &JobDetail, shown: &JobLog) -> Option<String> {
    let others: Vec<String> = job
        .logs()
        .into_iter()
        .filter(|log| log.attempt == shown.attempt && log.container != shown.container)
        .map(|log| log.container)
        .collect();
    let first = others.first()?;
    let have = if others.len() == 1 { "has a log" } else { "have logs" };
    Some(format!(
        "this is the log of {}; {} {have} too: `--container {first}` shows one, `--all-attempts` all as one",
        shown.container,
        others.join(", ")
    ))
}

/// Prints the log of one job, or its last lines.
async fn one(
    backend: &dyn Backend,
    id: &JobId,
    which: Which<'_>,
    tail: Option<usize>,
    printer: Printer,
) -> Result<(), CommandError> {
    let job = watching::describe(backend, id).await?;
    let attempt = which.attempt;
    if is_array(&job) {
        return Err(no_log(&job, attempt));
    }
    which.check(&job, printer.output)?;
    let found = which.log(&job, attempt.unwrap_or_else(|| latest(&job))).ok_or_else(|| no_log(&job, attempt))?;
    which.note_others(&job, &found, printer.output);
    if let Some(most) = tail {
        let events = last(backend, &found, printer.output, most).await?;
        return if printer.format == LinesFormat::Json { printer.output.json(&events) } else { printer.lines(&events) };
    }
    if printer.format == LinesFormat::Json {
        let mut events = Vec::new();
        pages(backend, &found, printer.output, None, |page| {
            events.extend_from_slice(page);
            Ok(())
        })
        .await?;
        return printer.output.json(&events);
    }
    pages(backend, &found, printer.output, None, |page| printer.lines(page)).await
}

/// Reads a stream from a forward token, or from its first line, to its present end.
async fn pages(
    backend: &dyn Backend,
    source: &JobLog,
    output: Output,
    mut token: Option<String>,
    mut take: impl FnMut(&[LogEvent]) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    loop {
        let request = GetLogEvents {
            log_group_name: source.group.clone(),
            log_stream_name: source.stream.clone(),
            start_from_head: Some(true),
            next_token: token.clone(),
            ..GetLogEvents::default()
        };
        let Some(page) = page(backend, source, output, request).await? else { return Ok(()) };
        take(&page.events)?;
        if token.as_deref() == Some(page.next_forward_token.as_str()) {
            return Ok(());
        }
        token = Some(page.next_forward_token);
    }
}

/// Reads the last lines of a stream, from its end backwards.
async fn last(
    backend: &dyn Backend,
    source: &JobLog,
    output: Output,
    most: usize,
) -> Result<Vec<LogEvent>, CommandError> {
    let (mut pages, mut missing, mut token) = (Vec::new(), most, None);
    while missing > 0 {
        let request = GetLogEvents {
            log_group_name: source.group.clone(),
            log_stream_name: source.stream.clone(),
            start_from_head: Some(false),
            limit: u32::try_from(missing).ok().filter(|limit| *limit < LARGEST_PAGE),
            next_token: token.clone(),
            ..GetLogEvents::default()
        };
        let Some(mut page) = page(backend, source, output, request).await? else { break };
        let events = page.events.split_off(page.events.len().saturating_sub(missing));
        missing -= events.len();
        pages.push(events);
        if token.as_deref() == Some(page.next_backward_token.as_str()) {
            break;
        }
        token = Some(page.next_backward_token);
    }
    Ok(pages.into_iter().rev().flatten().collect())
}

/// A piece of a stream; `None` where there is none, which is said.
async fn page(
    backend: &dyn Backend,
    source: &JobLog,
    output: Output,
    request: GetLogEvents,
) -> Result<Option<LogPage>, CommandError> {
    match backend.log_events(request).await {
        Ok(page) => Ok(Some(page)),
        // A job that has printed nothing has no stream; neither has one whose log has expired.
        Err(BackendError::NotFound { what }) => {
            output.note(&format!("there is no {what}: the job has printed nothing, or its log was deleted"));
            Ok(None)
        }
        Err(error) => Err(error).doing(format!("reading the log {}", source.stream)),
    }
}

/// Prints one attempt after the other until the job has ended, or the one attempt that was named.
async fn follow(backend: &dyn Backend, id: JobId, which: Which<'_>, printer: Printer) -> Result<(), CommandError> {
    let attempt = which.attempt;
    let mut watching = Watching::new(backend, id);
    let first = watching.look().await?;
    if is_array(&first) {
        return Err(no_log(&first, attempt));
    }
    which.check(&first, printer.output)?;
    let mut number = attempt.unwrap_or_else(|| latest(&first));
    if attempt.is_some_and(|attempt| attempt > most_attempts(&first)) {
        return Err(no_log(&first, attempt));
    }
    let mut told: Option<JobStatus> = None;
    if attempt.is_some() && number > latest(&first) {
        let most = most_attempts(&first);
        printer.output.note(&format!("attempt {number} of at most {most} has not begun; waiting for it"));
        told = Some(first.status);
    }
    loop {
        let job = watching
            .until(
                |job| job.status.is_final() || which.log(job, number).is_some(),
                |job| {
                    if job.status.is_waiting() && told != Some(job.status) {
                        told = Some(job.status);
                        printer.output.note(&format!("{} is {}; waiting for it to start", job.job_name, job.status));
                    }
                },
            )
            .await?;
        let Some(found) = which.log(&job, number) else {
            return if number == attempt.unwrap_or(1) { Err(no_log(&job, attempt)) } else { Ok(()) };
        };
        which.note_others(&job, &found, printer.output);
        follow_attempt(backend, &mut watching, &found, number, printer).await?;
        let job = watching.look().await?;
        if attempt.is_some() || (job.status.is_final() && ended_attempts(&job) <= number) {
            return Ok(());
        }
        number += 1;
        told = None;
        printer.output.note(&format!("attempt {number}"));
    }
}

/// Prints lines as they come until the attempt is over, and then what is left of them.
async fn follow_attempt(
    backend: &dyn Backend,
    watching: &mut Watching<'_>,
    source: &JobLog,
    number: u32,
    printer: Printer,
) -> Result<(), CommandError> {
    let over = watching.until(|job| job.status.is_final() || ended_attempts(job) >= number, |_| {});
    tokio::pin!(over);
    let mut reader = Reader::new(source.clone(), 1);
    loop {
        tokio::select! {
            biased;
            events = reader.next(backend) => printer.lines(&events?)?,
            ended = &mut over => {
                ended?;
                break;
            }
        }
    }
    if !backend.capabilities().pushes_changes {
        tokio::time::sleep(INGESTION).await;
    }
    pages(backend, source, printer.output, reader.token, |page| printer.lines(page)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptContainerDetail, AttemptDetail, ContainerDetail, RetryStrategy, ServiceRun};

    fn job(ended: &[&str], current: Option<&str>, status: JobStatus) -> JobDetail {
        let attempt = |stream: &&str| AttemptDetail {
            container: AttemptContainerDetail {
                log_stream_name: Some((*stream).to_owned()),
                ..AttemptContainerDetail::default()
            },
            ..AttemptDetail::default()
        };
        JobDetail {
            status,
            attempts: ended.iter().map(attempt).collect(),
            container: Some(ContainerDetail {
                log_stream_name: current.map(str::to_owned),
                ..ContainerDetail::default()
            }),
            ..JobDetail::default()
        }
    }

    #[test]
    fn where_no_attempt_is_named_the_latest_one_is_meant() {
        let cases = [
            (job(&[], None, JobStatus::Runnable), 1),
            (job(&[], Some("a"), JobStatus::Running), 1),
            (job(&["a"], Some("a"), JobStatus::Runnable), 1),
            (job(&["a"], Some("b"), JobStatus::Running), 2),
            (job(&["a", "b"], Some("b"), JobStatus::Failed), 2),
        ];
        for (job, expected) in cases {
            assert_eq!(latest(&job), expected, "{job:?}");
        }
    }

    #[test]
    fn a_container_that_the_job_does_not_have_is_refused_with_those_that_it_has() {
        let one = job(&[], Some("a"), JobStatus::Running);
        let check = |container| Which { attempt: None, container }.check(&one, Output::standard());
        assert!(check(None).is_ok() && check(Some("default")).is_ok());
        let refused = check(Some("side")).expect_err("there is none").to_string();
        assert!(refused.ends_with("it has no container `side`; it has: default"), "{refused}");
    }

    #[test]
    fn the_logs_beside_the_one_that_is_shown_are_told() {
        let log = |attempt, container: &str| JobLog { attempt, container: container.to_owned(), ..JobLog::default() };
        let training = |logs: &[JobLog]| JobDetail {
            service: Some(Box::new(ServiceRun { logs: logs.to_vec(), ..ServiceRun::default() })),
            ..JobDetail::default()
        };
        let (first, second) = (log(2, "algo-1"), log(2, "algo-2"));
        assert_eq!(others(&training(&[log(1, "algo-2"), first.clone()]), &first), None, "of another attempt");
        let told = others(&training(&[first.clone(), second, log(2, "algo-3")]), &first).expect("there are others");
        assert!(
            told.starts_with("this is the log of algo-1; algo-2, algo-3 have logs too: `--container algo-2`"),
            "{told}"
        );
        assert_eq!(others(&job(&["a"], None, JobStatus::Failed), &log(1, "default")), None);
    }

    #[test]
    fn a_line_has_its_time_if_asked_for_and_never_a_control_sequence() {
        let event = LogEvent { timestamp: 1_500, message: "\u{1b}[31mred\u{1b}[0m\r".to_owned(), ingestion_time: 0 };
        let line =
            |timestamps| Printer { output: Output::standard(), format: LinesFormat::Table, timestamps }.line(&event);
        assert_eq!(line(false), "red\n");
        assert_eq!(line(true), "1970-01-01T00:00:01.500Z red\n");
        let event = LogEvent { message: "10%\r20%".to_owned(), ..event };
        let printer = Printer { output: Output::standard(), format: LinesFormat::Table, timestamps: false };
        assert_eq!(printer.line(&event), "20%\n");
    }

    #[test]
    fn a_job_without_a_log_says_why() {
        let why = |job: &JobDetail, attempt| no_log(job, attempt).to_string();
        assert!(why(&job(&[], None, JobStatus::Runnable), None).contains("it is RUNNABLE; -f waits"));
        assert!(why(&job(&[], None, JobStatus::Failed), None).contains("it never started"));
        let over = why(&job(&["a"], None, JobStatus::Failed), Some(3));
        assert!(over.ends_with("no attempt 3; it has had 1 and is FAILED"), "{over}");
        let mut going = job(&["a"], Some("b"), JobStatus::Running);
        going.retry_strategy = Some(RetryStrategy { attempts: Some(3), ..RetryStrategy::default() });
        let running = why(&going, Some(9));
        assert!(running.ends_with("no attempt 9; it has had 1, takes 3 at most and is RUNNING"), "{running}");
        assert_eq!(most_attempts(&going), 3);
        assert_eq!(most_attempts(&job(&["a"], None, JobStatus::Failed)), 1, "no more are to come");
        let mut array = job(&[], None, JobStatus::Pending);
        array.job_id = JobId::from("3f2a");
        array.array_properties = Some(crate::model::ArrayProperties { size: Some(3), ..Default::default() });
        assert!(why(&array, None).contains("`batchdeck logs 3f2a:0`"));
    }
}
