//! `shell`: a shell where a job of the local engine runs: in its container, or beside its process.

use super::error::{CommandError, Doing, exit};
use super::world::World;
use super::{Done, resolve};
use crate::agent::inside::{self, Inside, NotInside};
use crate::cli::ShellArgs;
use crate::model::{CommandRun, JobDetail, JobStatus};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// What is run where nothing else is asked for: the best shell that there is.
const SHELL: &str = "command -v bash >/dev/null 2>&1 && exec bash; exec sh";

pub async fn run(args: &ShellArgs, world: World) -> Done {
    world.setting.require_local("shell")?;
    world.setting.require_writable("shell")?;
    let id = resolve::job(&*world.backend, &args.id).await?;
    let found = world.backend.describe_jobs(std::slice::from_ref(&id)).await.doing(format!("reading the job {id}"))?;
    let Some(job) = found.into_iter().next() else { return Err(CommandError::UnknownJob { given: id.to_string() }) };
    let place = find(&job, args, &world).await.map_err(|error| CommandError::NoShell {
        id: id.to_string(),
        name: job.job_name.clone(),
        why: error.to_string(),
    })?;
    let mut command = command(&place, args);
    let status = command.status().map_err(|cause| CommandError::NoShell {
        id: id.to_string(),
        name: job.job_name.clone(),
        why: format!("`{}` could not be run: {cause}", command.get_program().display()),
    })?;
    let run = CommandRun {
        command: "shell".to_owned(),
        target: id.to_string(),
        line: args.command.join(" "),
        ended: CommandRun::ended(status.code(), status.signal()),
    };
    world.backend.record_run(run).await.doing("putting the shell on the record")?;
    // A shell ends with the code of its last command, and 128 and more where a signal has ended it.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::FAILED))
}

async fn find(job: &JobDetail, args: &ShellArgs, world: &World) -> Result<Inside, NotInside> {
    let attempt = job.extra.as_ref().map_or(0, |extra| extra.attempt);
    if job.status != JobStatus::Running {
        return Err(NotInside::NotRunning { status: job.status });
    }
    let docker_host = world.setting.config.engine.docker_host.as_deref();
    inside::find(&job.job_id, attempt, args.container.as_deref(), docker_host).await
}

fn command(place: &Inside, args: &ShellArgs) -> Command {
    let words: Vec<&str> = if args.command.is_empty() {
        vec!["sh", "-c", SHELL]
    } else {
        args.command.iter().map(String::as_str).collect()
    };
    match place {
        Inside::Process { directory, environment } => {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]).current_dir(directory).env_clear().envs(environment.iter().cloned());
            for name in ["TERM", "COLORTERM"] {
                command.envs(std::env::var_os(name).map(|value| (name, value)));
            }
            command
        }
        Inside::Container { tool, address, id } => {
            let mut command = Command::new(tool.program());
            command.args(tool.remote()).env(tool.variable(), address).arg("exec");
            // Without a terminal of one's own, there is none to give.
            let has_terminal = std::io::IsTerminal::is_terminal(&std::io::stdin());
            command.arg(if has_terminal { "-it" } else { "-i" }).arg(id).args(&words);
            command
        }
    }
}
