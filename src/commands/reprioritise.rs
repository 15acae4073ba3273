//! `reprioritise`.

use super::error::{CommandError, Doing, exit};
use super::world::Setting;
use super::{Done, resolve};
use crate::backend::Why;
use crate::cli::{Format, ReprioritiseArgs};
use crate::model::{JobQueue, UpdateJobQueueRequest, validate};

pub async fn run(args: &ReprioritiseArgs, setting: Setting) -> Done {
    setting.require_writable("reprioritise")?;
    let (ids, priority) = read(args)?;
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    if args.queue.is_some() {
        validate::queue_priority(priority)?;
    } else {
        validate::scheduling_priority(priority)?;
    }
    let why = Why { reason: args.reason.clone() };
    let world = setting.open().await?;
    if let Some(given) = &args.queue {
        let queue = resolve::queue(&world, Some(given)).await?;
        let request = UpdateJobQueueRequest {
            job_queue: queue.job_queue_name.clone(),
            priority: Some(priority),
            ..UpdateJobQueueRequest::default()
        };
        world.backend.update_job_queue(request, why).await.doing(format!("moving the queue `{given}`"))?;
        let line = format!("queue {}: priority {} -> {priority}\n", queue.job_queue_name, queue.priority);
        match args.output {
            Format::Json => world.output().json(&JobQueue { priority, ..queue })?,
            Format::Table => world.output().text(&line)?,
        }
        return Ok(exit::DONE);
    }
    let ids = resolve::jobs(&*world.backend, ids).await?;
    for id in &ids {
        world.backend.reprioritise_job(id, priority, why.clone()).await.doing(format!("moving the job {id}"))?;
        if args.output == Format::Table {
            world.output().text(&format!("job {id}: priority {priority}\n"))?;
        }
    }
    if args.output == Format::Json {
        world.output().json(&world.backend.describe_jobs(&ids).await.doing("describing the jobs")?)?;
    }
    Ok(exit::DONE)
}

/// The last word is the priority; those before it are ids, and with `--queue` there are none.
fn read(args: &ReprioritiseArgs) -> Result<(&[String], i32), CommandError> {
    let takes = "`ID… PRIORITY`, or `--queue NAME PRIORITY`";
    let wrong = |given: &str| CommandError::Usage { what: "priority of something", given: given.to_owned(), takes };
    let (last, ids) = args.words.split_last().ok_or_else(|| wrong(""))?;
    let priority = last.parse().map_err(|_| wrong(last))?;
    if args.queue.is_some() != ids.is_empty() {
        return Err(wrong(&args.words.join(" ")));
    }
    Ok((ids, priority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_the_priority_of_jobs_or_of_a_queue() {
        let args = |words: &[&str], queue: Option<&str>| ReprioritiseArgs {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            queue: queue.map(str::to_owned),
            reason: None,
            output: Format::Table,
        };
        let two = args(&["3f2a", "9c", "50"], None);
        assert_eq!(read(&two).expect("sound"), (&["3f2a".to_owned(), "9c".to_owned()][..], 50));
        assert_eq!(read(&args(&["50"], Some("high"))).expect("sound").1, 50);
        for (words, queue) in [(&["3f2a"][..], None), (&["50"], None), (&["3f2a", "50"], Some("high"))] {
            let error = read(&args(words, queue)).expect_err("refused");
            assert_eq!(error.exit_code(), exit::USAGE, "{words:?}");
        }
    }
}
