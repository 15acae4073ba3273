//! `queues create`, `queues update` and `queues delete`.

use super::Done;
use crate::backend::Why;
use crate::cli::{DeleteArgs, Format, QueuesCreateArgs, QueuesUpdateArgs};
use crate::commands::error::{Doing, exit};
use crate::commands::resolve;
use crate::commands::world::{Setting, World};
use crate::model::{
    ComputeEnvironmentOrder, CreateJobQueueRequest, JobQueue, Switch, UpdateJobQueueRequest, name_of, validate,
};

pub async fn create(args: &QueuesCreateArgs, setting: Setting) -> Done {
    setting.require_writable("queues create")?;
    let world = setting.open().await?;
    let request = CreateJobQueueRequest {
        job_queue_name: args.name.clone(),
        state: Some(if args.disabled { Switch::Disabled } else { Switch::Enabled }),
        priority: args.priority,
        compute_environment_order: order(&world, &args.environments).await?,
        scheduling_policy_arn: args.scheduling_policy.clone(),
        tags: args.tag.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect(),
        ..CreateJobQueueRequest::default()
    };
    world.backend.create_job_queue(request).await.doing(format!("creating the queue `{}`", args.name))?;
    tell(&world, &args.name, "created", args.output).await
}

pub async fn update(args: &QueuesUpdateArgs, setting: Setting) -> Done {
    setting.require_writable("queues update")?;
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    let world = setting.open().await?;
    let name = resolve::queue(&world, Some(&args.name)).await?.job_queue_name;
    let environments = match args.environments.as_slice() {
        [] => None,
        given => Some(order(&world, given).await?),
    };
    let request = UpdateJobQueueRequest {
        job_queue: name.clone(),
        priority: args.priority,
        compute_environment_order: environments,
        ..UpdateJobQueueRequest::default()
    };
    let why = Why { reason: args.reason.clone() };
    world.backend.update_job_queue(request, why).await.doing(format!("changing the queue `{name}`"))?;
    tell(&world, &name, "changed", args.output).await
}

pub async fn delete(args: &DeleteArgs, setting: Setting) -> Done {
    setting.require_writable("queues delete")?;
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    let world = setting.open().await?;
    let known = resolve::queue(&world, Some(&args.name)).await?;
    let name = &known.job_queue_name;
    let why = Why { reason: args.reason.clone() };
    world.backend.delete_job_queue(name, why).await.doing(format!("deleting the queue `{name}`"))?;
    match args.output {
        Format::Json => world.output().json(&known)?,
        Format::Table => {
            let text = format!("queue {name}: is being deleted; what waits in it ends, and what runs is stopped\n");
            world.output().text(&text)?;
        }
    }
    Ok(exit::DONE)
}

/// Environments in the order in which they are tried; each has to be there.
async fn order(world: &World, given: &[String]) -> Result<Vec<ComputeEnvironmentOrder>, crate::commands::CommandError> {
    let mut order = Vec::with_capacity(given.len());
    for (place, name) in (1..).zip(given) {
        let found = resolve::environment(world, name).await?;
        order.push(ComputeEnvironmentOrder { order: place, compute_environment: found.compute_environment_name });
    }
    Ok(order)
}

async fn tell(world: &World, name: &str, done: &str, output: Format) -> Done {
    let queue = resolve::queue(world, Some(name)).await?;
    match output {
        Format::Json => world.output().json(&queue)?,
        Format::Table => world.output().text(&format!("queue {name}: {done}; {}\n", outline(&queue)))?,
    }
    Ok(exit::DONE)
}

/// `priority 5, on spot and then local`.
fn outline(queue: &JobQueue) -> String {
    let mut order = queue.compute_environment_order.clone();
    order.sort_by_key(|entry| entry.order);
    let names: Vec<&str> = order.iter().map(|entry| name_of(&entry.compute_environment)).collect();
    let disabled = if queue.state == Switch::Disabled { ", DISABLED" } else { "" };
    format!("priority {}, on {}{disabled}", queue.priority, names.join(" and then "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_outlined_with_its_environments_in_their_order() {
        let entry = |order, name: &str| ComputeEnvironmentOrder { order, compute_environment: name.to_owned() };
        let queue = JobQueue {
            priority: 5,
            compute_environment_order: vec![entry(2, "local"), entry(1, "arn:aws:batch:r:1:compute-environment/spot")],
            ..JobQueue::default()
        };
        assert_eq!(outline(&queue), "priority 5, on spot and then local");
        let off = JobQueue { state: Switch::Disabled, ..queue };
        assert_eq!(outline(&off), "priority 5, on spot and then local, DISABLED");
    }
}
