//! `queues`, and what is done with one.

mod shape;
mod snapshot;

use super::error::{Doing, exit};
use super::table::{Cell, Table, left, right};
use super::world::{Setting, World};
use super::{Done, resolve};
use crate::backend::Why;
use crate::cli::{Format, QueuesArgs, QueuesVerb, SwitchArgs};
use crate::model::{Health, JobQueue, JobStatus, Switch, UpdateJobQueueRequest, name_of, validate};

pub async fn run(args: QueuesArgs, setting: Setting) -> Done {
    let output = args.list.output;
    match args.into_verb() {
        None => list(output, &setting.open().await?).await,
        Some(QueuesVerb::Enable(args)) => switch(&args, Switch::Enabled, setting).await,
        Some(QueuesVerb::Disable(args)) => switch(&args, Switch::Disabled, setting).await,
        Some(QueuesVerb::Create(args)) => shape::create(&args, setting).await,
        Some(QueuesVerb::Update(args)) => shape::update(&args, setting).await,
        Some(QueuesVerb::Delete(args)) => shape::delete(&args, setting).await,
        Some(QueuesVerb::Snapshot(args)) => snapshot::run(&args, &setting.open().await?).await,
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

async fn list(output: Format, world: &World) -> Done {
    let mut queues = world.backend.job_queues().await.doing("listing queues")?;
    queues.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.job_queue_name.cmp(&b.job_queue_name)));
    match output {
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
