//! Several logs as one, as they come: those of jobs that are named, or of all children of an array, also of those that begin
//! later. What is there already comes by its time, and each log is read to its last line.

use super::merged::{All, BUNDLE, Reader, Reading, Source, begun_children, label_of_child, label_of_job, logs, write};
use super::{INGESTION, Printer, Which, ended_attempts, is_array, latest, no_log};
use crate::backend::Backend;
use crate::commands::error::{CommandError, Doing};
use crate::commands::watching::Hearing;
use crate::model::{JobDetail, JobId, LogEvent, What};
use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::{mpsc, oneshot};

/// Pages of lines that wait to be written.
const WAITING: usize = 16;

/// Lines of one log, by its number.
type Lines = (usize, Vec<LogEvent>);

pub(super) async fn follow(
    backend: &dyn Backend,
    ids: &[JobId],
    all: All,
    which: Which<'_>,
    printer: Printer,
) -> Result<(), CommandError> {
    let mut hearing = Hearing::new(backend, |what| concerns(what, ids));
    let mut followed = Followed::new(backend, ids, all, which, printer);
    let mut are_over = followed.look_patiently(&mut hearing).await?;
    if followed.sources.is_empty() && !are_over {
        printer.output.note("nothing of it has begun; waiting for it to start");
    }
    let mut begun = what_is_there(backend, &followed.sources, printer).await?.into_iter();
    let (sender, mut lines) = mpsc::channel::<Lines>(WAITING);
    let mut readers = FuturesUnordered::new();
    let mut words: Vec<Option<oneshot::Sender<()>>> = Vec::new();
    loop {
        for (at, source) in followed.sources.iter().enumerate().skip(words.len()) {
            let begun = begun.next();
            if begun.is_some() && followed.is_over[at] {
                // It was over before it was read to its end.
                words.push(None);
                continue;
            }
            let (word, ended) = oneshot::channel();
            words.push(Some(word));
            let reader = begun.unwrap_or_else(|| Reader::new(source.log.clone(), followed.sources.len()));
            readers.push(read(backend, at, reader, ended, sender.clone()));
        }
        for (word, is_over) in words.iter_mut().zip(&followed.is_over) {
            if *is_over && let Some(word) = word.take() {
                // One that has ended by itself hears nothing any more.
                let _ = word.send(());
            }
        }
        {
            let heard = async {
                hearing.changed().await?;
                backend.until_next_look().await;
                Ok::<(), CommandError>(())
            };
            tokio::pin!(heard);
            loop {
                tokio::select! {
                    biased;
                    Some((at, events)) = lines.recv() => {
                        let bundle: Vec<_> = events.into_iter().map(|event| (at, event)).collect();
                        write(printer, &followed.sources, &bundle)?;
                    }
                    Some(read) = readers.next(), if !readers.is_empty() => read?,
                    () = std::future::ready(()), if are_over && readers.is_empty() => return Ok(()),
                    heard = &mut heard, if !are_over => {
                        heard?;
                        break;
                    }
                }
            }
        }
        are_over = followed.look_patiently(&mut hearing).await?;
    }
}

/// Writes the lines that are there already, by their time, and gives what reads on behind them.
async fn what_is_there(
    backend: &dyn Backend,
    sources: &[Source],
    printer: Printer,
) -> Result<Vec<Reader>, CommandError> {
    let mut reading = Reading::begin(backend, sources).await?;
    let mut held = Vec::new();
    while let Some(line) = reading.next().await? {
        held.push(line);
        if held.len() >= BUNDLE {
            write(printer, sources, &held)?;
            held.clear();
        }
    }
    if !held.is_empty() {
        write(printer, sources, &held)?;
    }
    Ok(reading.readers)
}

/// Reads one log until its attempt is over, and then what is left of it. Where nobody takes lines any more, writing has
/// failed and that is told.
async fn read(
    backend: &dyn Backend,
    at: usize,
    mut reader: Reader,
    mut ended: oneshot::Receiver<()>,
    lines: mpsc::Sender<Lines>,
) -> Result<(), CommandError> {
    loop {
        let events = tokio::select! {
            biased;
            _ = &mut ended => break,
            events = reader.next(backend) => events?,
        };
        let _ = lines.send((at, events)).await;
    }
    if !backend.capabilities().pushes_changes {
        tokio::time::sleep(INGESTION).await;
    }
    reader.is_over = false;
    while !reader.is_over {
        reader.fill(backend).await?;
        let _ = lines.send((at, reader.ready.drain(..).collect())).await;
    }
    Ok(())
}

/// The jobs whose logs are followed, and the logs that were found of them.
struct Followed<'a> {
    backend: &'a dyn Backend,
    ids: &'a [JobId],
    all: All,
    which: Which<'a>,
    printer: Printer,
    sources: Vec<Source>,
    /// Of each of them, whether its attempt is over.
    is_over: Vec<bool>,
    /// From which attempt on the logs of a job are read.
    first: BTreeMap<JobId, u32>,
    /// Those that have ended: nothing more comes of them.
    ended: BTreeSet<JobId>,
    has_looked: bool,
}

impl<'a> Followed<'a> {
    fn new(backend: &'a dyn Backend, ids: &'a [JobId], all: All, which: Which<'a>, printer: Printer) -> Self {
        Self {
            backend,
            ids,
            all,
            which,
            printer,
            sources: Vec::new(),
            is_over: Vec::new(),
            first: BTreeMap::new(),
            ended: BTreeSet::new(),
            has_looked: false,
        }
    }

    /// Looks which logs there are, over restarts of the engine. Whether all jobs have ended.
    async fn look_patiently(&mut self, hearing: &mut Hearing<'_>) -> Result<bool, CommandError> {
        loop {
            match self.look().await {
                Err(CommandError::Backend { doing, source }) if self.has_looked => hearing.bear(doing, source).await?,
                Err(error) => return Err(error),
                Ok(are_over) => {
                    hearing.hear();
                    self.has_looked = true;
                    return Ok(are_over);
                }
            }
        }
    }

    async fn look(&mut self) -> Result<bool, CommandError> {
        let named = self.backend.describe_jobs(self.ids).await.doing("describing the jobs")?;
        // Children are listed afterwards: what begins and ends meanwhile is found too.
        let are_over = named.iter().all(|job| job.status.is_final());
        for job in &named {
            if !self.has_looked {
                self.which.check(job, self.printer.output)?;
            }
            let name = label_of_job(job, self.ids.len() > 1);
            if self.all.children {
                for child in begun_children(self.backend, job, |child| !self.ended.contains(child)).await? {
                    self.take(&child, Some(&label_of_child(&child, name.as_deref())));
                }
            } else if is_array(job) {
                return Err(no_log(job, None));
            } else {
                self.take(job, name.as_deref());
            }
        }
        Ok(are_over)
    }

    /// Takes the logs of a job, and which of its attempts are over.
    fn take(&mut self, job: &JobDetail, name: Option<&str>) {
        if !self.first.contains_key(&job.job_id) {
            let is_seen_from_its_beginning = self.all.attempts || self.has_looked;
            self.first.insert(job.job_id.clone(), if is_seen_from_its_beginning { 1 } else { latest(job) });
        }
        let first = self.first[&job.job_id];
        let named = self.which.attempt;
        let is_meant = |attempt| named.map_or(attempt >= first, |named| attempt == named);
        for source in logs(job, name, self.all.attempts, self.which.container, is_meant) {
            let is_over = job.status.is_final() || ended_attempts(job) >= source.log.attempt;
            if let Some(at) = self.sources.iter().position(|known| known.log == source.log) {
                self.is_over[at] = is_over;
            } else {
                self.sources.push(source);
                self.is_over.push(is_over);
            }
        }
        if job.status.is_final() {
            self.ended.insert(job.job_id.clone());
        }
    }
}

/// Whether a change is of one of the jobs, or of a child of one.
fn concerns(what: &What, ids: &[JobId]) -> bool {
    let is_ours = |id: &JobId| ids.contains(id) || id.part().is_some_and(|(parent, _)| ids.contains(&parent));
    match what {
        What::Job(job) => is_ours(&job.job_id),
        What::JobGone(gone) => is_ours(gone),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::{ScriptedBackend, World};
    use crate::model::{AttemptContainerDetail, AttemptDetail, JobStatus};

    fn job(id: &str, streams: &[&str], status: JobStatus) -> JobDetail {
        let attempt = |stream: &&str| AttemptDetail {
            container: AttemptContainerDetail {
                log_stream_name: Some((*stream).to_owned()),
                ..AttemptContainerDetail::default()
            },
            ..AttemptDetail::default()
        };
        JobDetail {
            job_id: JobId::from(id),
            job_name: "job".to_owned(),
            status,
            attempts: streams.iter().map(attempt).collect(),
            ..JobDetail::default()
        }
    }

    #[test]
    fn of_each_job_all_attempts_are_taken_from_the_one_on_that_was_seen_first() {
        let backend = ScriptedBackend::new(World::default());
        let output = crate::commands::output::Output::standard();
        let printer = Printer { output, format: crate::cli::LinesFormat::Table, timestamps: false };
        let all = All { children: true, attempts: false };
        let mut followed = Followed::new(&backend, &[], all, Which::default(), printer);
        let streams = |followed: &Followed<'_>| -> Vec<String> {
            followed.sources.iter().map(|source| source.log.stream.clone()).collect()
        };
        followed.take(&job("a:0", &["a1", "a2"], JobStatus::Runnable), Some("0"));
        assert_eq!(streams(&followed), ["a2"], "an attempt that is over already is not wanted");
        assert_eq!(followed.is_over, [true]);
        followed.has_looked = true;
        followed.take(&job("a:0", &["a1", "a2", "a3"], JobStatus::Failed), Some("0"));
        followed.take(&job("a:1", &["b1", "b2"], JobStatus::Succeeded), Some("1"));
        assert_eq!(streams(&followed), ["a2", "a3", "b1", "b2"], "what began meanwhile is read from its first attempt");
        assert!(followed.is_over.iter().all(|is_over| *is_over) && followed.ended.len() == 2);
    }
}
