//! `jobs`.

use super::error::{CommandError, Doing, exit};
use super::table::{Cell, Table, age, left, length, right};
use super::world::World;
use super::{Done, now, resolve};
use crate::backend::{Backend, JobQuery, JobScope};
use crate::cli::{JobsArgs, LinesFormat, State};
use crate::model::{JobStatus, JobSummary, Millis, StatusCounts, name_of};

/// What one page of a list may hold at most.
const PAGE: usize = 1000;

pub async fn run(args: &JobsArgs, world: World) -> Done {
    let scope = match (&args.queue, &args.array, &args.nodes) {
        (Some(queue), _, _) => JobScope::Queue(resolve::queue(&world, Some(queue)).await?.job_queue_name),
        (None, Some(array), _) => JobScope::Array(resolve::job(&*world.backend, array).await?),
        (None, None, Some(whole)) => JobScope::Nodes(resolve::job(&*world.backend, whole).await?),
        (None, None, None) => JobScope::Everywhere,
    };
    let query = JobQuery {
        scope,
        statuses: args.status.iter().map(|state| status(*state)).collect(),
        name: args.name.clone(),
        page_token: None,
        limit: None,
    };
    let (jobs, more) = list(&*world.backend, query, args.limit).await?;
    let output = world.output();
    match args.output {
        LinesFormat::Json => output.json(&jobs)?,
        LinesFormat::Jsonl => output.json_lines(&jobs)?,
        LinesFormat::Table => output.table(&table(&jobs, now()))?,
    }
    if more {
        output.note(&format!("there are more than {}; --limit N shows more", args.limit));
    }
    Ok(exit::DONE)
}

fn status(state: State) -> JobStatus {
    match state {
        State::Submitted => JobStatus::Submitted,
        State::Pending => JobStatus::Pending,
        State::Runnable => JobStatus::Runnable,
        State::Starting => JobStatus::Starting,
        State::Running => JobStatus::Running,
        State::Succeeded => JobStatus::Succeeded,
        State::Failed => JobStatus::Failed,
    }
}

/// The first `limit` jobs, over as many pages as it takes, and whether there are more.
async fn list(
    backend: &dyn Backend,
    mut query: JobQuery,
    limit: usize,
) -> Result<(Vec<JobSummary>, bool), CommandError> {
    let mut jobs = Vec::new();
    loop {
        let wanted = (limit - jobs.len()).clamp(1, PAGE);
        query.limit = Some(u32::try_from(wanted).unwrap_or(u32::MAX));
        let page = backend.jobs(query.clone()).await.doing("listing jobs")?;
        jobs.extend(page.items);
        query.page_token = page.next;
        let more = query.page_token.is_some() || jobs.len() > limit;
        if jobs.len() >= limit || !more {
            jobs.truncate(limit);
            return Ok((jobs, more));
        }
    }
}

fn table(jobs: &[JobSummary], now: Millis) -> Table {
    let mut table = Table::new(&[
        left("ID"),
        left("NAME"),
        left("QUEUE"),
        left("DEFINITION"),
        left("STATUS"),
        right("AGE"),
        right("RAN"),
        right("TRY"),
        right("EXIT"),
        left("REASON"),
    ]);
    for job in jobs {
        let extra = job.extra.as_deref();
        let exit = job.container.as_ref().and_then(|container| container.exit_code);
        table.row(vec![
            Cell::new(job.job_id.short()),
            Cell::new(&job.job_name),
            Cell::optional(extra.map(|extra| extra.job_queue.as_str())),
            Cell::optional(job.job_definition.as_deref().map(name_of)),
            Cell::status(job.status),
            Cell::new(age(job.created_at, now)),
            Cell::optional(ran(job, now)),
            Cell::optional(extra.filter(|extra| extra.attempt > 0).map(|extra| extra.attempt.to_string())),
            Cell::optional(exit.filter(|_| job.status.is_final()).map(|code| code.to_string())),
            Cell::new(reason(job, now)),
        ]);
    }
    table
}

/// How long it has run, or ran.
fn ran(job: &JobSummary, now: Millis) -> Option<String> {
    let started = job.started_at.filter(|started| *started > 0)?;
    let ended = match (job.status, job.stopped_at) {
        (JobStatus::Running, _) => now,
        (_, Some(stopped)) => stopped,
        (_, None) => return None,
    };
    Some(length(ended - started))
}

/// What there is to say about its state: children of an array, why it failed, that it is being stopped.
fn reason(job: &JobSummary, now: Millis) -> String {
    let mut words = Vec::new();
    words.extend(job.from_history().map(|at| format!("seen {} ago, AWS no longer has it", age(at, now))));
    if let Some(array) = &job.array_properties
        && let Some(size) = array.size
    {
        words.push(children(size, array.status_summary.as_ref()));
    }
    if let Some(nodes) = &job.node_properties {
        words.extend(
            nodes.node_index.is_none().then(|| nodes.num_nodes.map(|count| format!("{count} nodes"))).flatten(),
        );
        words.extend(nodes.is_main_node.filter(|main| *main).map(|_| "main node".to_owned()));
    }
    if job.extra.as_ref().is_some_and(|extra| extra.stopping) {
        words.push("stopping".to_owned());
    }
    if job.extra.as_ref().is_some_and(|extra| extra.held) {
        words.push(if job.is_array_parent() { "some are held" } else { "held" }.to_owned());
    }
    let container = job.container.as_ref().and_then(|container| container.reason.as_deref());
    let plain_success = job.status == JobStatus::Succeeded;
    words.extend(
        [job.status_reason.as_deref(), container].into_iter().flatten().filter(|_| !plain_success).map(str::to_owned),
    );
    words.join(" · ")
}

/// `100 children: 40 SUCCEEDED, 2 FAILED`.
pub fn children(size: u32, counts: Option<&StatusCounts>) -> String {
    let told = counts.map(|counts| {
        let present = JobStatus::ALL.into_iter().rev().filter(|status| counts.get(*status) > 0);
        present.map(|status| format!("{} {status}", counts.get(status))).collect::<Vec<_>>().join(", ")
    });
    match told.filter(|told| !told.is_empty()) {
        Some(told) => format!("{size} children: {told}"),
        None => format!("{size} children"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::table::Look;
    use crate::model::{ArrayProperties, ContainerSummary, JobExtra, JobId};

    #[test]
    fn a_row_says_where_a_job_is_how_long_it_ran_and_why_it_ended() {
        const MINUTE: Millis = 60_000;
        let job = |index: u32, name: &str, status| JobSummary {
            job_id: JobId(format!("3f2a77a{index}-0000-4000-8000-000000000001")),
            job_name: name.to_owned(),
            job_definition: Some("arn:aws:batch:us-east-1:1:job-definition/resize:3".to_owned()),
            status,
            extra: Some(Box::new(JobExtra { job_queue: "high".to_owned(), attempt: 1, ..JobExtra::default() })),
            ..JobSummary::default()
        };
        let running = JobSummary { started_at: Some(MINUTE), ..job(1, "running", JobStatus::Running) };
        let failed = JobSummary {
            started_at: Some(MINUTE),
            stopped_at: Some(3 * MINUTE),
            status_reason: Some("Essential container in task exited".to_owned()),
            container: Some(ContainerSummary {
                exit_code: Some(137),
                reason: Some("OutOfMemoryError: Container killed due to memory usage".to_owned()),
            }),
            ..job(2, "failed", JobStatus::Failed)
        };
        let mut counts = StatusCounts::default();
        counts.add(JobStatus::Succeeded, 40);
        counts.add(JobStatus::Failed, 2);
        let array = JobSummary {
            array_properties: Some(ArrayProperties {
                size: Some(100),
                status_summary: Some(counts),
                ..Default::default()
            }),
            extra: None,
            ..job(3, "array\u{1b}[2J", JobStatus::Pending)
        };
        insta::assert_snapshot!(table(&[running, failed, array], 5 * MINUTE).render(Look::default()));
    }
}
