//! `queues`, and what is done with one.

mod shape;

use super::error::{Doing, exit};
use super::table::{Cell, Table, age, left, right};
use super::world::{Setting, World};
use super::{Done, resolve};
use crate::backend::Why;
use crate::cli::{Format, ListArgs, QueuesArgs, QueuesVerb, SnapshotArgs, SwitchArgs};
use crate::model::{
    CapacityUsage, Health, JobDetail, JobId, JobQueue, JobQueueSnapshot, JobStatus, Millis, Switch,
    UpdateJobQueueRequest, name_of, validate,
};

pub async fn run(args: QueuesArgs, setting: Setting) -> Done {
    match args.verb {
        None => list(&args.list, &setting.open().await?).await,
        Some(QueuesVerb::Enable(args)) => switch(&args, Switch::Enabled, setting).await,
        Some(QueuesVerb::Disable(args)) => switch(&args, Switch::Disabled, setting).await,
        Some(QueuesVerb::Create(args)) => shape::create(&args, setting).await,
        Some(QueuesVerb::Update(args)) => shape::update(&args, setting).await,
        Some(QueuesVerb::Delete(args)) => shape::delete(&args, setting).await,
        Some(QueuesVerb::Snapshot(args)) => snapshot(&args, &setting.open().await?).await,
    }
}

async fn switch(args: &SwitchArgs, state: Switch, setting: Setting) -> Done {
    setting.require_writable(if state == Switch::Enabled { "queues enable" } else { "queues disable" })?;
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    let world = setting.open().await?;
    let queue = resolve::queue(&world, Some(&args.name)).await?;
    let name = queue.job_queue_name.clone();
    let request =
        UpdateJobQueueRequest { job_queue: name.clone(), state: Some(state), ..UpdateJobQueueRequest::default() };
    let why = Why { reason: args.reason.clone() };
    world.backend.update_job_queue(request, why).await.doing(format!("changing the queue `{name}`"))?;
    match args.output {
        Format::Json => world.output().json(&JobQueue { state, ..queue })?,
        Format::Table => world.output().text(&format!("queue {name} is {}\n", state.as_str()))?,
    }
    Ok(exit::DONE)
}

/// Who is next in a queue. A snapshot holds ARNs alone; the rest is read of the jobs.
async fn snapshot(args: &SnapshotArgs, world: &World) -> Done {
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
    world.output().table(&order(&shot, &ids, &jobs, super::now()))?;
    Ok(exit::DONE)
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

async fn list(args: &ListArgs, world: &World) -> Done {
    let mut queues = world.backend.job_queues().await.doing("listing queues")?;
    queues.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.job_queue_name.cmp(&b.job_queue_name)));
    match args.output {
        Format::Json => world.output().json(&queues)?,
        Format::Table => {
            if queues.is_empty() {
                world.note_empty("queue");
            }
            world.output().table(&table(&queues))?;
        }
    }
    Ok(exit::DONE)
}

fn table(queues: &[JobQueue]) -> Table {
    let mut table = Table::new(&[
        left("NAME"),
        right("PRIORITY"),
        left("STATE"),
        left("STATUS"),
        right("PENDING"),
        right("RUNNABLE"),
        right("STARTING"),
        right("RUNNING"),
        right("SUCCEEDED"),
        right("FAILED"),
        left("ENVIRONMENTS"),
    ]);
    for queue in queues {
        let count = |statuses: &[JobStatus]| match &queue.job_counts {
            None => Cell::new("-").dim(),
            Some(counts) => {
                let sum: u64 = statuses.iter().map(|status| counts.get(*status)).sum();
                if queue.job_counts_partial { Cell::new(format!("{sum}+")) } else { Cell::count(sum) }
            }
        };
        let mut environments = queue.compute_environment_order.clone();
        environments.sort_by_key(|entry| entry.order);
        let environments: Vec<&str> = environments.iter().map(|entry| name_of(&entry.compute_environment)).collect();
        table.row(vec![
            Cell::new(&queue.job_queue_name),
            Cell::new(queue.priority.to_string()),
            if queue.held {
                Cell::health(&format!("{}, held", queue.state.as_str()), false)
            } else {
                Cell::health(queue.state.as_str(), queue.state == Switch::Enabled)
            },
            Cell::health(queue.status.as_str(), queue.status == Health::Valid),
            count(&[JobStatus::Submitted, JobStatus::Pending]),
            count(&[JobStatus::Runnable]),
            count(&[JobStatus::Starting]),
            count(&[JobStatus::Running]),
            count(&[JobStatus::Succeeded]),
            count(&[JobStatus::Failed]),
            Cell::new(environments.join(" ")),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::table::Look;
    use crate::model::{ComputeEnvironmentOrder, StatusCounts};

    #[test]
    fn counts_environments_and_what_is_not_known_are_told_apart() {
        let mut counts = StatusCounts::default();
        counts.add(JobStatus::Runnable, 12);
        counts.add(JobStatus::Running, 2);
        let order = |order, name: &str| ComputeEnvironmentOrder { order, compute_environment: name.to_owned() };
        let high = JobQueue {
            job_queue_name: "high".to_owned(),
            priority: 100,
            compute_environment_order: vec![order(2, "spot"), order(1, "arn:aws:batch:r:1:compute-environment/local")],
            job_counts: Some(counts.clone()),
            ..JobQueue::default()
        };
        let partly = JobQueue { job_queue_name: "partly".to_owned(), job_counts_partial: true, ..high.clone() };
        let unknown = JobQueue {
            job_queue_name: "aws".to_owned(),
            state: Switch::Disabled,
            status: Health::Invalid,
            job_counts: None,
            ..high.clone()
        };
        insta::assert_snapshot!(table(&[high, partly, unknown]).render(Look::default()));
    }
}
