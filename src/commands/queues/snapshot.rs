//! `queues snapshot`: who is next in a queue, what it uses, and who is passed over.

use super::Done;
use crate::backend::{JobQuery, JobScope};
use crate::cli::{Format, SnapshotArgs};
use crate::commands::CommandError;
use crate::commands::error::{Doing, exit};
use crate::commands::resolve;
use crate::commands::table::{Cell, Table, age, left, right};
use crate::commands::world::World;
use crate::model::{CapacityUsage, JobDetail, JobId, JobQueue, JobQueueSnapshot, JobStatus, Millis, name_of};

/// So many waiting jobs are looked through for held ones.
const LOOKED_THROUGH: u32 = 1000;

/// A snapshot holds ARNs alone; the rest is read of the jobs.
pub async fn run(args: &SnapshotArgs, world: &World) -> Done {
    let queue = resolve::queue(world, Some(&args.name)).await?;
    let name = &queue.job_queue_name;
    let shot = world.backend.queue_snapshot(name).await.doing(format!("looking at the queue `{name}`"))?;
    if args.output == Format::Json {
        world.output().json(&shot)?;
        return Ok(exit::DONE);
    }
    let ids: Vec<JobId> = shot.front_of_queue.jobs.iter().map(|job| JobId::from(name_of(&job.job_arn))).collect();
    let jobs = world.backend.describe_jobs(&ids).await.doing("describing the jobs")?;
    world.output().text(&used(&queue, &shot))?;
    if !ids.is_empty() {
        world.output().table(&order(&shot, &ids, &jobs, crate::commands::now()))?;
    }
    let held = if world.backend.capabilities().hold { held(world, name).await? } else { 0 };
    world.output().text(&passed_over(&queue, ids.len(), held))?;
    Ok(exit::DONE)
}

/// How many of the first waiting jobs are held; an array with a held child is one.
async fn held(world: &World, queue: &str) -> Result<usize, CommandError> {
    let query = JobQuery {
        scope: JobScope::Queue(queue.to_owned()),
        statuses: JobStatus::ALL.into_iter().filter(|status| status.is_waiting()).collect(),
        limit: Some(LOOKED_THROUGH),
        ..JobQuery::default()
    };
    let page = world.backend.jobs(query).await.doing("looking for held jobs")?;
    Ok(page.items.iter().filter(|job| job.extra.as_ref().is_some_and(|extra| extra.held)).count())
}

/// Why no job is next, or which others wait. Empty where that is nothing.
fn passed_over(queue: &JobQueue, shown: usize, held: usize) -> String {
    let jobs = |count: u64, one: &str, several: &str| match count {
        1 => format!("1 job {one}"),
        _ => format!("{count} jobs {several}"),
    };
    let counts = queue.job_counts.clone().unwrap_or_default();
    let pending = counts.get(JobStatus::Pending) + counts.get(JobStatus::Submitted);
    let mut why = Vec::new();
    if held > 0 {
        why.push(jobs(held as u64, "is held", "are held"));
    }
    if pending > 0 {
        why.push(jobs(pending, "waits for others (PENDING)", "wait for others (PENDING)"));
    }
    let release = if held > 0 { "; `batchdeck release ID` lets a held job go on" } else { "" };
    match (shown, why.is_empty()) {
        (0, true) if counts.waiting() == 0 => "no job is next: none waits\n".to_owned(),
        (0, true) => {
            "no job is next: none can be placed as things stand; `batchdeck jobs` says why each waits\n".to_owned()
        }
        (0, false) => format!("no job is next: {}{release}\n", why.join(", ")),
        (_, true) => String::new(),
        (_, false) => format!("besides, {}{release}\n", why.join(", ")),
    }
}

/// What a queue and its shares use, in a line each.
fn used(queue: &JobQueue, shot: &JobQueueSnapshot) -> String {
    let name = &queue.job_queue_name;
    let vcpus = |usage: &[CapacityUsage]| usage.iter().map(|one| one.quantity).sum::<f64>();
    let held = if queue.held { ", held: nothing is placed until it is released" } else { "" };
    let Some(used) = &shot.queue_utilization else { return format!("queue {name}{held}\n") };
    let mut text = format!("queue {name}: {} vCPU in use{held}\n", vcpus(&used.total_capacity_usage));
    if let Some(shares) = &used.fairshare_utilization {
        let each: Vec<String> = shares
            .top_capacity_utilization
            .iter()
            .map(|share| format!("{} {}", share.share_identifier, vcpus(&share.capacity_usage)))
            .collect();
        let each = if each.is_empty() { String::new() } else { format!(": {}", each.join(", ")) };
        text.extend([shares.active_share_count.to_string(), format!(" active shares{each}\n")]);
    }
    text
}

fn order(shot: &JobQueueSnapshot, ids: &[JobId], jobs: &[JobDetail], now: Millis) -> Table {
    let mut table = Table::new(&[
        right("#"),
        left("ID"),
        left("NAME"),
        left("SHARE"),
        right("PRIORITY"),
        right("SINCE"),
        left("REASON"),
    ]);
    for ((at, id), place) in (1..).zip(ids).zip(&shot.front_of_queue.jobs) {
        let job = jobs.iter().find(|job| job.job_id == *id);
        let text = |text: Option<&str>| text.map_or_else(|| Cell::new("-").dim(), Cell::new);
        let extra = job.and_then(|job| job.extra.as_deref());
        table.row(vec![
            Cell::new(at.to_string()),
            Cell::new(id.short()),
            text(job.map(|job| job.job_name.as_str())),
            text(job.and_then(|job| job.share_identifier.as_deref())),
            text(extra.map(|extra| extra.priority.to_string()).as_deref()),
            Cell::new(age(place.earliest_time_at_position, now)),
            Cell::new(job.and_then(|job| job.status_reason.as_deref()).unwrap_or("")),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StatusCounts;

    #[test]
    fn an_empty_snapshot_says_why_and_a_full_one_who_is_passed_over() {
        let queue = |counted: &[(JobStatus, u64)]| {
            let mut counts = StatusCounts::default();
            for (status, count) in counted {
                counts.add(*status, *count);
            }
            JobQueue { job_counts: Some(counts), ..JobQueue::default() }
        };
        let (runnable, pending) = (JobStatus::Runnable, JobStatus::Pending);
        let release = "; `batchdeck release ID` lets a held job go on";
        let cases = [
            (queue(&[(JobStatus::Running, 2)]), 0, 0, "no job is next: none waits\n".to_owned()),
            (queue(&[(runnable, 3)]), 0, 3, format!("no job is next: 3 jobs are held{release}\n")),
            (
                queue(&[(runnable, 1), (pending, 1)]),
                0,
                1,
                format!("no job is next: 1 job is held, 1 job waits for others (PENDING){release}\n"),
            ),
            (queue(&[(pending, 2)]), 0, 0, "no job is next: 2 jobs wait for others (PENDING)\n".to_owned()),
            (queue(&[(runnable, 2)]), 2, 0, String::new()),
            (queue(&[(runnable, 3)]), 2, 1, format!("besides, 1 job is held{release}\n")),
        ];
        for (queue, shown, held, expected) in cases {
            assert_eq!(passed_over(&queue, shown, held), expected);
        }
    }
}
