//! `cancel` and `terminate`.

use super::error::{CommandError, Doing, exit};
use super::table::{Cell, Table, left};
use super::world::{Setting, World};
use super::{Done, resolve};
use crate::cli::{EndArgs, Format};
use crate::model::{JobDetail, JobId, JobStatus, validate};
use serde::Serialize;

/// AWS's two calls that end a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Leaves a job that has started alone.
    Cancel,
    Terminate,
}

/// What became of one job.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    job_id: JobId,
    job_name: String,
    /// The state in which the call found it.
    was: JobStatus,
    /// Whether the call was made; it takes effect a little later.
    asked: bool,
    result: String,
    #[serde(skip)]
    refused: bool,
}

pub async fn run(call: Call, args: &EndArgs, setting: Setting) -> Done {
    let action = match call {
        Call::Cancel => "cancel",
        Call::Terminate => "terminate",
    };
    setting.require_writable(action)?;
    let reason = args.reason.clone().unwrap_or_else(|| format!("{action} from the command line by {}", setting.by));
    validate::reason(&reason)?;
    let world = setting.open().await?;
    let ids = resolve::jobs(&*world.backend, &args.ids).await?;
    let jobs = world.backend.describe_jobs(&ids).await.doing("describing the jobs")?;
    // Nothing is ended where one of the names was a mistake.
    if let Some(missing) = ids.iter().find(|id| !jobs.iter().any(|job| job.job_id == **id)) {
        return Err(CommandError::UnknownJob { given: missing.to_string() });
    }
    let mut ended = Vec::with_capacity(jobs.len());
    for job in &jobs {
        ended.push(end(&world, call, job, &reason).await?);
    }
    match args.output {
        Format::Json => world.output().json(&ended)?,
        Format::Table => world.output().table(&table(&ended))?,
    }
    let failed = ended.iter().filter(|one| one.refused).count();
    if failed > 0 {
        return Err(CommandError::Some { failed, all: ended.len() });
    }
    Ok(exit::DONE)
}

async fn end(world: &World, call: Call, job: &JobDetail, reason: &str) -> Result<Ended, CommandError> {
    let answer = |asked, refused, result: String| Ended {
        job_id: job.job_id.clone(),
        job_name: job.job_name.clone(),
        was: job.status,
        asked,
        result,
        refused,
    };
    if job.status.is_final() {
        return Ok(answer(false, false, "it was over already".to_owned()));
    }
    if call == Call::Cancel && job.status.is_placed() {
        let hint = format!("it has started; `batchdeck terminate {}` ends it", job.job_id.short());
        return Ok(answer(false, true, hint));
    }
    let (result, done) = match call {
        Call::Cancel => (world.backend.cancel_job(&job.job_id, reason).await, "cancel asked for"),
        Call::Terminate => (world.backend.terminate_job(&job.job_id, reason).await, "termination asked for"),
    };
    match result {
        Ok(()) => Ok(answer(true, false, done.to_owned())),
        Err(error @ crate::backend::BackendError::Unreachable { .. }) => {
            Err(error).doing(format!("ending the job {}", job.job_id))
        }
        Err(error) => Ok(answer(true, true, error.to_string())),
    }
}

fn table(ended: &[Ended]) -> Table {
    let mut table = Table::new(&[left("ID"), left("NAME"), left("WAS"), left("RESULT")]);
    for one in ended {
        table.row(vec![
            Cell::new(one.job_id.short()),
            Cell::new(&one.job_name),
            Cell::status(one.was),
            Cell::new(&one.result),
        ]);
    }
    table
}
