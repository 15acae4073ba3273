//! `watch add|list|remove|ack|silence|wait`.

use super::error::{CommandError, Doing, Named, exit};
use super::table::{Cell, Table, age, left, right};
use super::watching::Hearing;
use super::world::{Setting, World};
use super::{Done, now, resolve};
use crate::cli::{Format, ListArgs, WatchAddArgs, WatchIdsArgs, WatchSilenceArgs, WatchVerb, WatchWaitArgs};
use crate::model::watch::{Condition, SaveWatch, Watch, WatchState};
use crate::model::{Millis, What};
use std::time::Duration;

pub async fn run(verb: WatchVerb, setting: Setting) -> Done {
    setting.require_local("watch")?;
    let world = setting.open().await?;
    match verb {
        WatchVerb::Add(args) => add(&args, &world).await,
        WatchVerb::List(args) => list(&args, &world).await,
        WatchVerb::Remove(args) => each(&args, &world, Deed::Remove).await,
        WatchVerb::Ack(args) => each(&args, &world, Deed::Acknowledge).await,
        WatchVerb::Silence(args) => silence(&args, &world).await,
        WatchVerb::Wait(args) => wait(&args, &world).await,
    }
}

async fn add(args: &WatchAddArgs, world: &World) -> Done {
    let watch = made(world, &args.what, &args.condition).await?;
    tell(&watch, args.output, world)
}

/// Makes a watch of what is written.
async fn made(world: &World, what: &str, condition: &[String]) -> Result<Watch, CommandError> {
    let condition = condition.join(" ");
    let given = if condition.trim().is_empty() { None } else { Some(condition.parse::<Condition>()?) };
    let subject = resolve::subject(&*world.backend, what).await?;
    let condition = given.unwrap_or_else(|| Condition::usual(&subject));
    let save = SaveWatch { id: None, subject, condition, silenced: false };
    world.backend.save_watch(save).await.doing(format!("watching `{what}`"))
}

fn tell(watch: &Watch, output: Format, world: &World) -> Done {
    match output {
        Format::Json => world.output().json(watch)?,
        Format::Table => {
            let line = format!("{}  {}: {}  ({})\n", watch.id, watch.of(), watch.condition, watch.state().as_str());
            world.output().text(&line)?;
        }
    }
    Ok(exit::DONE)
}

async fn all(world: &World) -> Result<Vec<Watch>, CommandError> {
    world.backend.watches().await.doing("listing watches")
}

async fn list(args: &ListArgs, world: &World) -> Done {
    let watches = all(world).await?;
    match args.output {
        Format::Json => world.output().json(&watches)?,
        Format::Table => world.output().table(&table(&watches, now()))?,
    }
    Ok(exit::DONE)
}

fn table(watches: &[Watch], now: Millis) -> Table {
    let columns = [
        left("ID"),
        left("STATE"),
        left("WHAT"),
        left("CONDITION"),
        right("FIRED"),
        right("LAST"),
        left("WHY"),
        left("BY"),
    ];
    let mut table = Table::new(&columns);
    for watch in watches {
        let last = watch.last_firing();
        let why = last.map(|firing| &firing.why).or(watch.over.as_ref());
        table.row(vec![
            Cell::new(&watch.id),
            Cell::health(watch.state().as_str(), watch.state() != WatchState::Fired),
            Cell::new(watch.of()),
            Cell::new(watch.condition.to_string()),
            Cell::count(watch.times.into()),
            Cell::optional(last.map(|firing| age(firing.at, now))),
            Cell::optional(why),
            Cell::new(&watch.by),
        ]);
    }
    table
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Remove,
    Acknowledge,
}

async fn each(args: &WatchIdsArgs, world: &World, deed: Deed) -> Done {
    let known: Vec<String> = all(world).await?.into_iter().map(|watch| watch.id).collect();
    if let Some(id) = args.ids.iter().find(|id| !known.contains(id)) {
        return Err(resolve::unknown(Named::Watch, id, known));
    }
    let ids = if args.all { known } else { args.ids.clone() };
    for id in &ids {
        match deed {
            Deed::Remove => world.backend.remove_watch(id).await.doing(format!("removing the watch {id}"))?,
            Deed::Acknowledge => {
                world.backend.acknowledge_watch(Some(id)).await.doing(format!("taking note of the watch {id}"))?;
            }
        }
    }
    match args.output {
        Format::Json => world.output().json(&ids)?,
        Format::Table => {
            let done = if deed == Deed::Remove { "is removed" } else { "is taken note of" };
            for id in &ids {
                world.output().text(&format!("watch {id} {done}\n"))?;
            }
        }
    }
    Ok(exit::DONE)
}

async fn find(world: &World, id: &str) -> Result<Watch, CommandError> {
    let watches = all(world).await?;
    let known: Vec<String> = watches.iter().map(|watch| watch.id.clone()).collect();
    watches.into_iter().find(|watch| watch.id == id).ok_or_else(|| resolve::unknown(Named::Watch, id, known))
}

async fn silence(args: &WatchSilenceArgs, world: &World) -> Done {
    let known = find(world, &args.id).await?;
    let save =
        SaveWatch { id: Some(known.id), subject: known.subject, condition: known.condition, silenced: !args.off };
    let watch = world.backend.save_watch(save).await.doing(format!("changing the watch {}", args.id))?;
    tell(&watch, args.output, world)
}

/// `w1`
fn is_id(text: &str) -> bool {
    text.strip_prefix('w').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

async fn wait(args: &WatchWaitArgs, world: &World) -> Done {
    let of_a_watch = args.condition.is_empty() && is_id(&args.what);
    let (watch, is_mine) = if of_a_watch {
        (find(world, &args.what).await?, false)
    } else {
        let known: Vec<String> = all(world).await?.into_iter().map(|watch| watch.id).collect();
        let watch = made(world, &args.what, &args.condition).await?;
        let is_new = !known.contains(&watch.id);
        (watch, is_new)
    };
    let id = watch.id.clone();
    let limit = args.timeout.map(|seconds| Duration::from_secs(seconds.0.into()));
    // One that has fired and that nobody has seen is not waited for again.
    let before = if of_a_watch && watch.calls() { 0 } else { watch.times };
    let waited = match limit {
        Some(limit) => tokio::time::timeout(limit, until(world, &id, before)).await.ok(),
        None => Some(until(world, &id, before).await),
    };
    if is_mine {
        // What came of it counts; one that is left over is seen in the list.
        let _ = world.backend.remove_watch(&id).await;
    }
    let Some(watch) = waited else {
        world.output().note(&format!("{} has not come true: {}", watch.of(), watch.condition));
        return Ok(exit::TIMED_OUT);
    };
    let watch = watch?;
    match args.output {
        Format::Json => world.output().json(&watch)?,
        Format::Table => {
            let fired = watch.last_firing().filter(|_| watch.times > before).map(|firing| firing.why.as_str());
            let why = fired.or(watch.over.as_deref()).unwrap_or_default();
            world.output().text(&format!("{}: {}: {why}\n", watch.of(), watch.condition))?;
        }
    }
    Ok(if watch.times > before { exit::DONE } else { exit::FAILED })
}

/// The watch once it has fired more often than before, or can fire no more.
async fn until(world: &World, id: &str, before: u32) -> Result<Watch, CommandError> {
    let mut hearing = Hearing::new(&*world.backend, |what| match what {
        What::Watch(watch) => watch.id == id,
        What::WatchGone(gone) => gone == id,
        _ => false,
    });
    loop {
        match find(world, id).await {
            Ok(watch) if watch.times > before || !watch.is_live() => return Ok(watch),
            Ok(_) => hearing.hear(),
            Err(CommandError::Backend { doing, source }) => {
                hearing.bear(doing, source).await?;
                continue;
            }
            Err(other) => return Err(other),
        }
        hearing.changed().await?;
    }
}
