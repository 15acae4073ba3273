//! `jobs`.

use super::error::{CommandError, Doing, exit};
use super::table::{Cell, Table, age, left, length, right};
use super::world::World;
use super::{Done, begin, now, resolve};
use crate::backend::{Backend, JobQuery, JobScope};
use crate::cli::{JobsArgs, LinesFormat, State};
use crate::model::{JobStatus, JobSummary, Millis, StatusCounts, name_of};

/// What one page of a list may hold at most.
const PAGE: usize = 1000;
/// Pages that are looked through at most for what the services have no list by.
const SIEVED_PAGES: usize = 20;

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
    let sieve = Sieve {
        definition: args.definition.as_deref(),
        share: args.share.as_deref(),
        since: args.since.and_then(|since| begin(since, now())),
    };
    let Listed { jobs, more, looked_at } = list(&*world.backend, query, args.limit, &sieve).await?;
    let output = world.output();
    match args.output {
        LinesFormat::Json => output.json(&jobs)?,
        LinesFormat::Jsonl => output.json_lines(&jobs)?,
        LinesFormat::Table => output.table(&table(&jobs, now()))?,
    }
    if let Some(looked_at) = looked_at {
        output.note(&format!(
            "the {looked_at} that were submitted last were looked at, and no others; --queue, --status and \
                              --name narrow what is looked at"
        ));
    } else if more {
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

/// What the services have no list by: rows are looked at one by one.
#[derive(Debug, Default)]
struct Sieve<'a> {
    definition: Option<&'a str>,
    share: Option<&'a str>,
    since: Option<Millis>,
}

impl Sieve<'_> {
    fn is_open(&self) -> bool {
        self.definition.is_none() && self.share.is_none() && self.since.is_none()
    }

    fn lets_pass(&self, job: &JobSummary) -> bool {
        let revision = job.job_definition.as_deref().map(name_of).unwrap_or_default();
        let name = revision.split(':').next().unwrap_or_default();
        self.definition.is_none_or(|wanted| [revision, name].contains(&name_of(wanted)))
            && self.share.is_none_or(|wanted| job.share_identifier.as_deref() == Some(wanted))
            && !self.is_before(job)
    }

    fn is_before(&self, job: &JobSummary) -> bool {
        self.since.is_some_and(|since| job.created_at < since)
    }
}

#[derive(Debug, PartialEq)]
struct Listed {
    jobs: Vec<JobSummary>,
    more: bool,
    /// How many were looked at, where that were not all and others may be meant too.
    looked_at: Option<usize>,
}

/// The first `limit` jobs, over as many pages as it takes, and whether there are more. Through a sieve, only so many pages are
/// looked at.
async fn list(
    backend: &dyn Backend,
    mut query: JobQuery,
    limit: usize,
    sieve: &Sieve<'_>,
) -> Result<Listed, CommandError> {
    let (mut jobs, mut looked_at, mut turn) = (Vec::new(), 0, 0);
    loop {
        turn += 1;
        let wanted = if sieve.is_open() { (limit - jobs.len()).clamp(1, PAGE) } else { PAGE };
        query.limit = Some(u32::try_from(wanted).unwrap_or(u32::MAX));
        let page = backend.jobs(query.clone()).await.doing("listing jobs")?;
        looked_at += page.items.len();
        // Pages are newest first: behind one that is older as a whole all are.
        let is_past = !page.items.is_empty() && page.items.iter().all(|job| sieve.is_before(job));
        jobs.extend(page.items.into_iter().filter(|job| sieve.lets_pass(job)));
        query.page_token = page.next.filter(|_| !is_past);
        let more = query.page_token.is_some() || jobs.len() > limit;
        if jobs.len() >= limit || !more {
            jobs.truncate(limit);
            return Ok(Listed { jobs, more, looked_at: None });
        }
        if !sieve.is_open() && turn >= SIEVED_PAGES {
            return Ok(Listed { jobs, more, looked_at: Some(looked_at) });
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
    fn jobs_are_listed_by_definition_share_and_time() {
        use crate::backend::scripted::{ScriptedBackend, World};
        use futures::FutureExt;
        let job = |id: usize, definition: &str, share: &str| JobSummary {
            job_id: JobId(format!("j{id:05}")),
            job_definition: Some(format!("arn:aws:batch:r:1:job-definition/{definition}")),
            share_identifier: (!share.is_empty()).then(|| share.to_owned()),
            created_at: Millis::try_from(id).expect("few"),
            ..JobSummary::default()
        };
        let jobs = vec![job(1, "etl:3", "a"), job(2, "etl:4", "b"), job(3, "etl-2:3", "b"), job(4, "pack:1", "")];
        let listed = |jobs: &[JobSummary], sieve: Sieve<'_>| {
            let backend = ScriptedBackend::new(World { jobs: jobs.to_vec(), ..World::default() });
            let listed = list(&backend, JobQuery::default(), 9, &sieve).now_or_never().expect("it never waits");
            let listed = listed.expect("lists");
            let mut ids: Vec<_> = listed.jobs.iter().map(|job| job.created_at).collect();
            ids.sort_unstable();
            (ids, listed.more, listed.looked_at)
        };
        let of = |definition| Sieve { definition: Some(definition), ..Sieve::default() };
        assert_eq!(listed(&jobs, of("etl")).0, [1, 2]);
        assert_eq!(listed(&jobs, of("etl:4")).0, [2]);
        assert_eq!(listed(&jobs, Sieve { share: Some("b"), ..Sieve::default() }).0, [2, 3]);
        assert_eq!(listed(&jobs, Sieve { since: Some(3), ..Sieve::default() }), (vec![3, 4], false, None));

        // Not all of a crowd is looked at, and that is said.
        let crowd: Vec<_> = (1..=SIEVED_PAGES * PAGE + 5).map(|id| job(id, "pack:1", "")).collect();
        assert_eq!(listed(&crowd, of("etl")), (vec![], true, Some(SIEVED_PAGES * PAGE)));
    }

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
