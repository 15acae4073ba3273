//! `failures`: jobs that failed, grouped by what they were and how they ended.

use super::error::{Doing, exit};
use super::table::{Cell, Table, age, left, moment, right};
use super::world::World;
use super::{Done, begin, now, resolve};
use crate::backend::gather::failed_jobs;
use crate::cli::{FailuresArgs, Format};
use crate::model::Millis;
use crate::triage::failures::{Failures, group};

pub async fn run(args: &FailuresArgs, world: World) -> Done {
    let queue = match &args.queue {
        Some(queue) => Some(resolve::queue(&world, Some(queue)).await?.job_queue_name),
        None => None,
    };
    let now = now();
    let since = begin(args.since, now).unwrap_or(0);
    let read = failed_jobs(&*world.backend, queue.as_deref(), since, now).await.doing("reading what failed")?;
    let failures = group(&read);
    let output = world.output();
    match args.output {
        Format::Json => output.json(&failures)?,
        Format::Table if failures.groups.is_empty() => {
            output.text(&format!("nothing failed since {}\n", moment(since)))?;
        }
        Format::Table => {
            output.table(&table(&failures, now))?;
            output.text(&format!("\n{} failed since {}\n", count(failures.count), moment(since)))?;
        }
    }
    for missing in &failures.left_out {
        output.note(&format!("not fetched: {missing}"));
    }
    Ok(exit::DONE)
}

fn count(jobs: usize) -> String {
    if jobs == 1 { "1 job".to_owned() } else { format!("{jobs} jobs") }
}

fn table(failures: &Failures, now: Millis) -> Table {
    let mut table = Table::new(&[
        right("JOBS"),
        right("EXIT"),
        left("DEFINITION"),
        right("FIRST"),
        right("LAST"),
        right("FIRST SEEN"),
        left("QUEUES"),
        left("REASON"),
        left("LOG ENDS"),
    ]);
    for group in &failures.groups {
        let queues: Vec<&str> = group.queues.iter().map(String::as_str).collect();
        table.row(vec![
            Cell::count(group.count as u64),
            Cell::optional(group.exit_code.map(|code| code.to_string())),
            Cell::new(&group.definition),
            Cell::new(age(group.first, now)),
            Cell::new(age(group.last, now)),
            Cell::new(age(group.first_seen.unwrap_or(group.first), now)),
            Cell::new(queues.join(" ")),
            Cell::new(&group.reason),
            Cell::new(ends(group.lines_read, group.count, &group.lines)),
        ]);
    }
    table
}

/// How logs end: of which part of the group where not all were read.
fn ends(read: usize, all: usize, lines: &[crate::triage::failures::LineShape]) -> String {
    let Some(first) = lines.first() else { return String::new() };
    if read == all && lines.len() == 1 {
        return first.shape.clone();
    }
    let others = if lines.len() > 1 { format!(", and {} others", lines.len() - 1) } else { String::new() };
    format!("{} ({} of {read} looked at{others})", first.shape, first.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::ScriptedBackend;
    use crate::commands::table::Look;
    use crate::tui::screens::recorded_world;
    use futures::FutureExt;

    #[test]
    fn groups_are_told_with_their_count_times_reason_and_the_end_of_their_logs() {
        let world = recorded_world();
        let (now, since) = (world.now, world.now - 86_400_000);
        let backend = ScriptedBackend::new(world);
        let read = failed_jobs(&backend, None, since, now).now_or_never().expect("it never waits").expect("read");
        insta::assert_snapshot!(table(&group(&read), now).render(Look::default()));
    }
}
