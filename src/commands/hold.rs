//! `hold`, `release` and `move`.

use super::error::{Doing, exit};
use super::world::{Setting, World};
use super::{Done, resolve};
use crate::backend::Why;
use crate::cli::{Format, HoldArgs, MoveArgs};
use crate::model::{HoldTarget, JobId, JobQueue, MoveTo, validate};

/// Holds, or releases what is held.
pub async fn hold(args: &HoldArgs, held: bool, setting: Setting) -> Done {
    let (verb, doing, done) = if held { ("hold", "holding", "held") } else { ("release", "releasing", "released") };
    setting.require_writable(verb)?;
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    let why = Why { reason: args.reason.clone() };
    let world = setting.open().await?;
    let act = async |target: HoldTarget, name: String| {
        let asked = if held {
            world.backend.hold(&target, why.clone()).await
        } else {
            world.backend.release(&target, why.clone()).await
        };
        asked.doing(format!("{doing} the {name}"))
    };
    if let Some(given) = &args.queue {
        let queue = resolve::queue(&world, Some(given)).await?;
        let name = queue.job_queue_name.clone();
        act(HoldTarget::Queue(name.clone()), format!("queue `{name}`")).await?;
        match args.output {
            Format::Json => world.output().json(&JobQueue { held, ..queue })?,
            Format::Table => world.output().text(&format!("queue {name}: {done}\n"))?,
        }
        return Ok(exit::DONE);
    }
    let ids = resolve::jobs(&*world.backend, &args.ids).await?;
    for id in &ids {
        act(HoldTarget::Job(id.clone()), format!("job {id}")).await?;
        if args.output == Format::Table {
            world.output().text(&format!("job {id}: {done}\n"))?;
        }
    }
    details(&world, &ids, args.output).await
}

pub async fn move_jobs(args: &MoveArgs, setting: Setting) -> Done {
    setting.require_writable("move")?;
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    let why = Why { reason: args.reason.clone() };
    let world = setting.open().await?;
    let queue = match &args.to {
        Some(given) => Some(resolve::queue(&world, Some(given)).await?.job_queue_name),
        None => None,
    };
    let to = MoveTo { job_queue: queue.clone(), share_identifier: args.share.clone(), front: args.front };
    let place = match (&queue, args.front) {
        (Some(queue), true) => format!("at the front of {queue}"),
        (Some(queue), false) => format!("in {queue}"),
        (None, _) => "at the front".to_owned(),
    };
    let ids = resolve::jobs(&*world.backend, &args.ids).await?;
    for id in &ids {
        world.backend.move_job(id, to.clone(), why.clone()).await.doing(format!("moving the job {id}"))?;
        if args.output == Format::Table {
            world.output().text(&format!("job {id}: {place}\n"))?;
        }
    }
    details(&world, &ids, args.output).await
}

/// The jobs as they are now, for scripts.
async fn details(world: &World, ids: &[JobId], output: Format) -> Done {
    if output == Format::Json {
        world.output().json(&world.backend.describe_jobs(ids).await.doing("describing the jobs")?)?;
    }
    Ok(exit::DONE)
}
