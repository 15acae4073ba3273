//! How each request is carried out: one call of the backend, or a few.

use super::{Answer, Ask, EVENTS_HELD, Heard, SaveError, Saved, Sight, carry_out};
use crate::backend::gather::{self, failed_jobs, gather, lineage};
use crate::backend::{Backend, BackendError};
use crate::config::theme::Theme;
use crate::model::{GetLogEvents, JobDefinition, ObservedRuns, Prices};
use crate::triage::failures::group;
use crate::triage::fit::{Fit, weigh};
use crate::triage::lineage::tree;
use crate::triage::pulse;
use crate::triage::why::diagnose;
use crate::tui::app::watches::Watched;
use crate::tui::{hand_on, handover, log_reading};
use futures::StreamExt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// How many actions of the record are read.
const AUDIT_LIMIT: usize = 500;

/// Writes a file that its owner alone can read: what is shown may hold secrets.
pub fn save(path: PathBuf, over: bool, text: &str) -> Saved {
    let file = File::options().write(true).create(true).truncate(true).create_new(!over).mode(0o600).open(&path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        // Who reads where it is need not know where the console was started.
        Ok(()) => Ok(std::path::absolute(&path).unwrap_or(path)),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Err(SaveError::Exists { path }),
        Err(cause) => Err(SaveError::Unwritable { path, cause }),
    }
}

/// Runs the command to which a watch that fired is told, with the text as its last argument and in `BATCHDECK_TEXT`.
async fn tell(command: &[String], text: &str) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let ended = tokio::process::Command::new(program)
        .args(arguments)
        .arg(text)
        .env("BATCHDECK_TEXT", text)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} ended with {status}")),
        Err(cause) => Err(format!("{program} cannot be started: {cause}")),
    }
}

/// Carries out one request that has one answer. What concerns the console itself and its terminal has none.
pub async fn perform(backend: &dyn Backend, themes: Option<&Path>, ask: Ask) -> Option<Answer> {
    Some(match ask {
        Ask::Queues => Answer::Queues(backend.job_queues().await),
        Ask::Environments => Answer::Environments(backend.compute_environments().await),
        Ask::Definitions => Answer::Definitions(backend.job_definitions(false).await),
        Ask::Schedules => Answer::Schedules(backend.schedules().await),
        Ask::Audit => Answer::Audit(backend.audit(AUDIT_LIMIT).await),
        Ask::Watches => Answer::Watches(backend.watches().await),
        Ask::SaveWatch(save) => {
            Answer::Watched(backend.save_watch(*save).await.map(|watch| Watched::Saved(Box::new(watch))))
        }
        Ask::RemoveWatch(id) => {
            let removed = backend.remove_watch(&id).await;
            Answer::Watched(removed.map(|()| Watched::Removed(id)))
        }
        Ask::AcknowledgeWatch(id) => {
            let noted = backend.acknowledge_watch(id.as_deref()).await;
            Answer::Watched(noted.map(|()| Watched::Acknowledged(id)))
        }
        Ask::TellCommand { command, text } => Answer::Told(tell(&command, &text).await),
        Ask::Scaling => Answer::Scaling(backend.scaling(None).await),
        Ask::Jobs { set, query } => Answer::Jobs { set, page: backend.jobs(query).await },
        Ask::Search(query) => Answer::Found(backend.jobs(query).await),
        Ask::Children { parent, query } => Answer::Children { parent, page: backend.jobs(query).await },
        Ask::Describe(ids) => Answer::Described(backend.describe_jobs(&ids).await),
        Ask::Verify(asked) => {
            let found = backend.describe_jobs(&asked).await;
            Answer::Verified { asked, found }
        }
        Ask::Runs { group, name } => {
            let runs = backend.schedule_runs(&group, &name).await;
            Answer::Runs { group, name, runs }
        }
        Ask::Why { subject, at } => {
            let evidence = gather(backend, subject.clone(), &move || at).await;
            Answer::Why { subject, told: evidence.map(|evidence| Box::new(diagnose(&evidence))) }
        }
        Ask::Failures { since, at } => Answer::Failures(failed_jobs(backend, None, since, at).await.map(|read| {
            let groups = Box::new(group(&read));
            (groups, read.jobs.into_iter().map(|failed| failed.job).collect())
        })),
        Ask::Tree { job, at } => {
            let read = lineage(backend, &job, at).await;
            Answer::Tree { job, told: read.map(|read| (Box::new(tree(&read)), read.jobs)) }
        }
        Ask::Events { after } => Answer::Events(events(backend, after).await),
        Ask::Costs(query) => Answer::Costs(backend.costs(query).await.map(Box::new)),
        Ask::Fits => Answer::Fits(fits(backend).await),
        Ask::Pulse { at } => Answer::Pulse(Box::new(pulse::pulse(&gather::pulse(backend, at).await))),
        Ask::Usage(job) => {
            let told = backend.usage_over_time(&job).await;
            Answer::Usage { job: job.job_id, told }
        }
        Ask::Capacity(environment) => {
            let told = backend.capacity_over_time(&environment).await;
            Answer::Capacity { environment, told }
        }
        Ask::ForRerun(ids) => Answer::ForRerun(backend.describe_jobs(&ids).await),
        Ask::ForReplace { job, at } => {
            let read = lineage(backend, &job, at).await;
            Answer::ForReplace { job, read }
        }
        Ask::Policy { arn, share } => Answer::Policy { share, found: backend.scheduling_policy(&arn).await },
        Ask::Act(act) => Answer::Done(carry_out(backend, act, &|_| {}).await),
        Ask::RecordRun(run) => {
            let command = run.command.clone();
            Answer::Recorded { command, result: backend.record_run(run).await }
        }
        Ask::Theme(name) => Answer::Theme(Theme::load(themes, &name)),
        Ask::LastLine { job, group, stream } => {
            let last = GetLogEvents {
                log_group_name: group,
                log_stream_name: stream,
                limit: Some(1),
                ..GetLogEvents::default()
            };
            let at = match backend.log_events(last).await {
                Ok(page) => Ok(page.events.last().map(|event| event.timestamp)),
                Err(BackendError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            };
            Answer::LastLine { job, at }
        }
        Ask::Log(ask) => Answer::Log(log_reading::read(backend, ask).await),
        Ask::HandOn { read, to } => {
            let written = hand_on::write(backend, read, &to).await;
            Answer::Handed { to, written }
        }
        Ask::Handover(handover) => {
            let (to, text) = handover::bundle(backend, *handover).await;
            Answer::Bundle(to, text)
        }
        Ask::LookAt(Sight { queue, environment }) => {
            backend.look_at(queue.as_deref(), environment.as_deref());
            return None;
        }
        Ask::GiveCode(code) => Answer::Code(backend.give_code(&code).await),
        Ask::LookAgain => {
            backend.look_again();
            return None;
        }
        Ask::Context(_)
        | Ask::StopFollowing
        | Ask::Redraw
        | Ask::Reconnect
        | Ask::Copy(_)
        | Ask::Tell(_)
        | Ask::Open(_)
        | Ask::Save { .. }
        | Ask::Hand { .. }
        | Ask::EditText { .. }
        | Ask::RunProgram { .. }
        | Ask::RunCommand(_)
        | Ask::TakeMouse(_)
        | Ask::Note(_) => return None,
    })
}

async fn events(backend: &dyn Backend, after: Option<u64>) -> Result<Heard, BackendError> {
    let mut lines = backend.events(after, false).await?;
    let mut heard = Heard { cursor: after, ..Heard::default() };
    while let Some(line) = lines.next().await {
        let line = line?;
        heard.cursor = Some(line.cursor);
        let Some(happened) = line.happened() else {
            heard.missed = true;
            continue;
        };
        heard.happened.push_back(happened);
        if heard.happened.len() > EVENTS_HELD {
            heard.happened.pop_front();
            heard.missed = true;
        }
    }
    Ok(heard)
}

/// Each revision that has run, weighed by its runs. Verdicts do not hang on prices, and no prices are shown.
async fn fits(backend: &dyn Backend) -> Result<Vec<Fit>, BackendError> {
    let runs = backend.observed_runs(None).await?;
    let definitions = backend.job_definitions(false).await?;
    let prices = Prices::default();
    let of = |runs: &ObservedRuns| {
        let is_it = |known: &&JobDefinition| {
            known.job_definition_name == runs.job_definition_name && known.revision == runs.revision
        };
        definitions.iter().find(is_it)
    };
    Ok(runs.iter().filter_map(|runs| Some(weigh(of(runs)?, runs, &prices))).collect())
}
