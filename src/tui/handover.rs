//! A bundle for whoever takes over: Markdown for people, with a recording of the world in it that `batchdeck replay`
//! opens. What says that it is secret is masked in both.

use super::app::failures::Span;
use super::format::Clock;
use crate::backend::gather::gather;
use crate::backend::scripted::{Part, RecordedCosts, World};
use crate::backend::{Backend, BackendError};
use crate::model::secret::{in_text, in_value};
use crate::model::text::printable;
use crate::model::watch::Watch;
use crate::model::{AuditEntry, CostBy, CostQuery, EventLine, GetLogEvents, JobId, LogEvent, Millis, Subject};
use crate::triage::why::{Diagnosis, diagnose};
use futures::StreamExt;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Lines of the log that are handed over.
const TAIL: u32 = 100;
/// Events that are handed over.
const EVENTS: usize = 1_000;

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    File {
        path: PathBuf,
        over: bool,
    },
    /// Without the recording, which is too large for it.
    Clipboard,
}

/// What the console knows when it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Handover {
    pub to: To,
    pub at: Millis,
    pub clock: Clock,
    pub context: String,
    /// Where one is: `jobs ▸ job resize-4711`.
    pub place: String,
    /// The lines of the palette that lead there.
    pub trail: Vec<String>,
    /// The screen as it is shown.
    pub screen: String,
    pub subject: Option<Subject>,
    pub job: Option<JobId>,
    /// What was done since the console was opened, oldest first.
    pub actions: Vec<AuditEntry>,
    pub opened_at: Millis,
    /// What is watched for, what has fired first.
    pub watches: Vec<Watch>,
    pub world: Box<World>,
}

/// Reads what is missing still, and puts the bundle together: the text, and where it is to go.
pub async fn bundle(backend: &dyn Backend, mut handover: Handover) -> (To, String) {
    let at = handover.at;
    let why = match handover.subject.clone() {
        Some(subject) => Some(
            gather(backend, subject, &move || at)
                .await
                .map(|evidence| diagnose(&evidence))
                .map_err(|error| error.to_string()),
        ),
        None => None,
    };
    let log = match &handover.job {
        Some(id) => Some(tail(backend, id, &mut handover.world).await),
        None => None,
    };
    let mut text = told(&handover, why.as_ref(), log.as_ref());
    match &handover.to {
        To::Clipboard => text.push_str("\nThis copy holds no recording: `:handover FILE` writes one.\n"),
        To::File { path, .. } => {
            complete(backend, handover.job.as_ref(), &mut handover.world).await;
            text.push_str(&recording(path, &handover.world));
        }
    }
    (handover.to, text)
}

/// The last lines of a job's log, which go into the recording too; or why they are missing.
async fn tail(backend: &dyn Backend, id: &JobId, world: &mut World) -> Result<Vec<LogEvent>, String> {
    let details = backend.describe_jobs(std::slice::from_ref(id)).await.map_err(|error| error.to_string())?;
    let Some(detail) = details.into_iter().next() else { return Err(format!("job {id} is not known any more")) };
    let log = detail.log(None, None);
    world.details.retain(|known| known.job_id != *id);
    world.details.push(detail);
    let Some(log) = log else { return Err("it has written no log yet".to_owned()) };
    let request = GetLogEvents {
        log_group_name: log.group,
        log_stream_name: log.stream.clone(),
        limit: Some(TAIL),
        ..GetLogEvents::default()
    };
    let page = backend.log_events(request).await.map_err(|error| error.to_string())?;
    world.logs.insert(log.stream, page.events.clone());
    Ok(page.events)
}

/// What is watched for, and what of it has come true.
fn watches(handover: &Handover) -> String {
    let mut text = String::new();
    if !handover.watches.is_empty() {
        text.push_str("\n## Watches\n\n");
    }
    for watch in &handover.watches {
        let what = line(&format!("{}: {}", watch.of(), watch.condition));
        let _ = writeln!(text, "- {} {}: {what}", line(&watch.id), watch.state().as_str());
        for firing in watch.firings.iter().rev() {
            let _ = writeln!(text, "  - fired {}: {}", handover.clock.date_time(firing.at), line(&firing.why));
        }
        if let Some(why) = &watch.over {
            let _ = writeln!(text, "  - it can fire no more: {}", line(why));
        }
    }
    text
}

/// Reads into the recording what other views show: events, costs, what runs have used, what ended minute by minute, and
/// what the job used over time.
async fn complete(backend: &dyn Backend, job: Option<&JobId>, world: &mut World) {
    let at = world.now;
    let detail = job.and_then(|id| world.details.iter().find(|detail| detail.job_id == *id)).cloned();
    let usage = async {
        match &detail {
            Some(detail) if detail.started_at.is_some() => Some(backend.usage_over_time(detail).await),
            _ => None,
        }
    };
    let (events, costs, runs, throughput, usage) = tokio::join!(
        events(backend),
        costs(backend, at),
        backend.observed_runs(None),
        backend.throughput(at - 24 * 3_600_000),
        usage
    );
    let mut not_read = BTreeMap::new();
    let mut note = |part: Part, error: &BackendError| {
        not_read.insert(part, in_text(&printable(&error.to_string())));
    };
    match events {
        Ok(read) => world.events = read,
        Err(error) => note(Part::Events, &error),
    }
    match costs {
        Ok(read) => world.cost_reports = read,
        Err(error) => note(Part::Costs, &error),
    }
    match runs {
        Ok(read) => world.observed_runs = read,
        Err(error) => note(Part::Runs, &error),
    }
    match throughput {
        Ok(read) => world.throughput = Some(read),
        Err(error) => note(Part::Throughput, &error),
    }
    match (usage, detail) {
        (Some(Ok(read)), Some(detail)) => drop(world.usage.insert(detail.job_id, read)),
        (Some(Err(error)), _) => note(Part::Usage, &error),
        _ => {}
    }
    if let Some(recorded) = &mut world.recorded {
        recorded.not_read = not_read;
    }
}

/// The last events that are known.
async fn events(backend: &dyn Backend) -> Result<Vec<EventLine>, BackendError> {
    let mut lines = backend.events(None, false).await?;
    let mut last = VecDeque::new();
    while let Some(line) = lines.next().await {
        last.push_back(line?);
        if last.len() > EVENTS {
            last.pop_front();
        }
    }
    Ok(last.into())
}

/// Each report that the view of costs can show.
async fn costs(backend: &dyn Backend, at: Millis) -> Result<Vec<RecordedCosts>, BackendError> {
    let mut reports = Vec::new();
    for by in CostBy::ALL {
        for span in Span::EACH.map(|span| Some(span.length())).into_iter().chain([None]) {
            let report = backend.costs(CostQuery { by, since: span.map(|span| at - span) }).await?;
            reports.push(RecordedCosts { span, report });
        }
    }
    Ok(reports)
}

fn told(
    handover: &Handover,
    why: Option<&Result<Diagnosis, String>>,
    log: Option<&Result<Vec<LogEvent>, String>>,
) -> String {
    let clock = handover.clock;
    let mut text = format!("# Handover: {}\n\n", line(&handover.place));
    let _ = writeln!(text, "- Context: {}", line(&handover.context));
    let _ = writeln!(text, "- As of: {}", clock.date_time(handover.at));
    if let Some(first) = handover.trail.last() {
        let _ = writeln!(text, "- The same view, with its filter: `:{}`", line(first).replace('`', "'"));
    }
    text.push_str("\n## What was shown\n\n");
    text.push_str(&fenced(&handover.screen));
    if let Some(why) = why {
        text.push_str("\n## Why\n\n");
        text.push_str(&reasons(why));
    }
    if let Some(log) = log {
        text.push_str("\n## End of the log\n\n");
        match log {
            Ok(events) if events.is_empty() => text.push_str("It holds no line.\n"),
            Ok(events) => {
                let lines =
                    events.iter().map(|event| format!("{} {}", clock.date_time(event.timestamp), event.message));
                text.push_str(&fenced(&lines.collect::<Vec<_>>().join("\n")));
            }
            Err(error) => {
                let _ = writeln!(text, "Not read: {}", line(error));
            }
        }
    }
    text.push_str(&watches(handover));
    let _ = write!(text, "\n## Actions since {}\n\n", clock.date_time(handover.opened_at));
    if handover.actions.is_empty() {
        text.push_str("None are recorded.\n");
    }
    for entry in &handover.actions {
        let reason = entry.reason.as_deref().map(|reason| format!(" ({})", line(reason))).unwrap_or_default();
        let _ = writeln!(
            text,
            "- {} {}: {} {}{reason}: {}",
            clock.date_time(entry.at),
            line(&entry.who),
            line(&entry.action),
            line(&entry.target),
            line(&entry.outcome)
        );
    }
    text.push_str(
        "\n## Open questions\n\n- [ ] Who is affected, and who has been told?\n- [ ] What was tried that stands in no \
         record?\n- [ ] What is to be looked at next, and when?\n",
    );
    text
}

fn reasons(why: &Result<Diagnosis, String>) -> String {
    let diagnosis = match why {
        Ok(diagnosis) => diagnosis,
        Err(error) => return format!("Not read: {}\n", line(error)),
    };
    let mut text = format!("{}\n\n", line(&diagnosis.question));
    if diagnosis.causes.is_empty() {
        text.push_str("Nothing is wrong with it as far as can be told.\n");
    }
    for (at, cause) in diagnosis.causes.iter().enumerate() {
        let _ = writeln!(
            text,
            "{}. **{}** ({}): {}",
            at + 1,
            line(&cause.title),
            cause.certainty.as_str(),
            line(&cause.why)
        );
        for fact in &cause.evidence {
            let _ = writeln!(text, "   - {}: {}", line(&fact.field), line(&fact.value));
        }
        for step in &cause.steps {
            let _ = writeln!(text, "   - next: {}", line(&step.words));
        }
    }
    if !diagnosis.ruled_out.is_empty() {
        let _ = writeln!(text, "\nRuled out: {}", diagnosis.ruled_out.join(" · "));
    }
    for missing in &diagnosis.not_read {
        let _ = writeln!(text, "\nNot read: {}: {}", missing.what, line(&missing.why));
    }
    text
}

/// What others have written, as one line without secrets and control characters.
fn line(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    in_text(&printable(&joined))
}

/// A text as it is, between fences that nothing in it ends.
fn fenced(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| in_text(&printable(line))).collect();
    let longest = lines.iter().flat_map(|line| line.split(|letter| letter != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}text\n{}\n{fence}\n", lines.join("\n"))
}

fn recording(path: &std::path::Path, world: &World) -> String {
    let mut value = serde_json::to_value(world).unwrap_or_default();
    in_value(&mut value);
    let left_out = world.recorded.as_ref().map_or(0, |recorded| recorded.left_out);
    let left_out =
        if left_out > 0 { format!(" {left_out} jobs that ended longer ago are not in it.") } else { String::new() };
    let not_read = world.recorded.iter().flat_map(|recorded| &recorded.not_read);
    let mut lacks = String::new();
    for (part, why) in not_read {
        let _ = write!(lacks, "\nNot in it: {}: {}\n", part.name(), line(why));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!(
        "\n## Recording\n\n`batchdeck replay {name}` opens the console on what was known then, read-only.{left_out}\n{lacks}\n\
         <details><summary>for the program</summary>\n\n{}{value}\n```\n\n</details>\n",
        World::FENCE
    )
}
