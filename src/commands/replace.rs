//! `replace`.

use super::error::{CommandError, Doing, exit};
use super::world::Setting;
use super::{Done, now, resolve};
use crate::backend::{gather, replace};
use crate::cli::{Format, ReplaceArgs};
use crate::model::{JobId, Replaced, validate};
use crate::triage::replace::{Changes, plan};

pub async fn run(args: &ReplaceArgs, setting: Setting) -> Done {
    if !args.dry_run {
        setting.require_writable("replace")?;
    }
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    args.priority.map_or(Ok(()), validate::scheduling_priority)?;
    let takes = "at least one of --queue, --share and --priority";
    if args.queue.is_none() && args.share.is_none() && args.priority.is_none() {
        return Err(CommandError::Usage { what: "change of the job", given: String::new(), takes });
    }
    let world = setting.open().await?;
    let backend = &*world.backend;
    let id = resolve::job(backend, &args.id).await?;
    let queue = match &args.queue {
        Some(given) => Some(resolve::queue(&world, Some(given)).await?.job_queue_name),
        None => None,
    };
    let doing = format!("replacing the job {id}");
    let (read, definitions) = futures::join!(gather::lineage(backend, &id, now()), backend.job_definitions(false));
    let read = read.doing(&doing)?;
    // Without them the request is what the job itself tells.
    let definitions = definitions.unwrap_or_default();
    let plan = plan(&read, |label| definitions.iter().find(|definition| definition.label() == label))
        .map_err(|why| CommandError::NotReplaced { id: id.clone(), why })?;
    let changes = Changes { queue, share: args.share.clone(), priority: args.priority };
    let jobs = plan.replacements(&changes, !args.alone);
    for (name, why) in &plan.left_out {
        world.output().note(&format!("{name} fails with it and is not submitted again: {why}"));
    }
    for unread in &plan.unread {
        world.output().note(&format!("not read: {unread}"));
    }
    if args.dry_run {
        match args.output {
            Format::Json => world.output().json(&jobs)?,
            Format::Table => {
                for job in &jobs {
                    let text = format!("{} {} -> {}\n", job.old, job.request.job_name, job.request.job_queue);
                    world.output().text(&text)?;
                }
            }
        }
        return Ok(exit::DONE);
    }
    let reason = args.reason.as_deref().unwrap_or("by `batchdeck replace`");
    let replaced = replace::replace(backend, jobs, reason).await.doing(doing)?;
    match args.output {
        Format::Json => world.output().json(&replaced)?,
        Format::Table => {
            for Replaced { job_name, old, new } in &replaced {
                let line = format!("job {}: {job_name} is {new} now\n", JobId::short(old));
                world.output().text(&line)?;
            }
        }
    }
    Ok(exit::DONE)
}
