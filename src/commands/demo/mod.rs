//! `demo`: a living workload on this machine, and the console on it.

mod catalogue;
mod workload;

use super::error::{CommandError, Doing, exit};
use super::resources::Made;
use super::world::{Setting, World};
use super::{Done, console, resources};
use crate::cli::DemoArgs;
use crate::config::directories;
use std::time::Duration;
use workload::Workload;

/// Between two short jobs that arrive while the console is open.
const ARRIVALS: Duration = Duration::from_secs(6);

pub async fn run(args: &DemoArgs, setting: Setting) -> Done {
    setting.require_local("demo")?;
    setting.require_writable("the demo")?;
    let workspace = setting.data.demo();
    let Some(workspace_text) = workspace.to_str().map(str::to_owned) else {
        let given = workspace.display().to_string();
        return Err(CommandError::Usage { what: "data directory for the demo", given, takes: "a path in UTF-8" });
    };
    let world = setting.open().await?;
    directories::create_private(&workspace)?;
    let made = prepare(&world, &workspace_text).await?;
    let run = chrono::Local::now().format("%Y%m%d-%H%M%S").to_string();
    let jobs = Workload { world: &world, workspace: workspace_text.clone(), run: run.clone() }.submit().await?;
    let output = world.output();
    if let Some(told) = made.told() {
        output.note(&format!("made {told}"));
    }
    output.note(&format!("submitted {jobs} jobs, arrays among them; their files are in {workspace_text}/{run}"));
    output.note("the schedule demo-report goes on every minute: batchdeck schedule pause demo-report");
    if args.no_console {
        return Ok(exit::DONE);
    }
    let arrivals = World { backend: world.backend.clone(), setting: world.setting.clone() };
    let arrivals = tokio::spawn(async move { arrive(&arrivals, workspace_text, run).await });
    let done = console::run(world).await;
    arrivals.abort();
    done
}

/// Makes what is missing.
async fn prepare(world: &World, workspace: &str) -> Result<Made, CommandError> {
    let mut made = Made {
        environments: resources::environments(world, catalogue::environments()).await?,
        queues: resources::queues(world, catalogue::queues()).await?,
        definitions: resources::definitions(world, catalogue::definitions(workspace)).await?,
        schedules: Vec::new(),
    };
    for schedule in catalogue::schedules() {
        let (name, group) = (schedule.name.clone(), schedule.group_name.clone());
        let is_there = async || {
            let known = world.backend.schedules().await?;
            Ok(known.iter().any(|known| known.name == name && known.group_name == group))
        };
        if is_there().await.doing("listing schedules")? {
            continue;
        }
        let created = world.backend.create_schedule(schedule).await;
        if resources::is_ours(created, is_there, format!("creating the schedule `{name}`")).await? {
            made.schedules.push(name);
        }
    }
    Ok(made)
}

/// Submits a short job now and then. A refusal, as of a queue that an operator has switched off, ends nothing.
async fn arrive(world: &World, workspace: String, run: String) {
    let workload = Workload { world, workspace, run };
    let mut beat = tokio::time::interval(ARRIVALS);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    beat.tick().await;
    for number in 0.. {
        beat.tick().await;
        let _ = workload.arrival(number).await;
    }
}
