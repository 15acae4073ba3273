//! `tree`: what a job depends on, what depends on it, and which job holds all of it up.

use super::error::{CommandError, exit};
use super::table::{Cell, Table, age, left, right};
use super::world::World;
use super::{Done, now, resolve};
use crate::backend::BackendError;
use crate::backend::gather::lineage;
use crate::cli::{Format, TreeArgs};
use crate::model::{DependencyKind, Millis};
use crate::triage::lineage::{Branch, Tree, tree};

pub async fn run(args: &TreeArgs, world: World) -> Done {
    let id = resolve::job(&*world.backend, &args.id).await?;
    let told = match lineage(&*world.backend, &id, now()).await {
        Ok(read) => tree(&read),
        Err(BackendError::NotFound { .. }) => return Err(CommandError::UnknownJob { given: id.to_string() }),
        Err(source) => return Err(CommandError::Backend { doing: "reading dependencies".to_owned(), source }),
    };
    let output = world.output();
    match args.output {
        Format::Json => output.json(&told)?,
        Format::Table => {
            output.table(&table(&told))?;
            output.text(&format!("\n{}\n", crate::model::text::printable(&held_up_by(&told))))?;
        }
    }
    for missing in &told.left_out {
        output.note(&format!("not fetched: {missing}"));
    }
    Ok(exit::DONE)
}

fn table(told: &Tree) -> Table {
    let mut table = Table::new(&[left("JOB"), left("ID"), left("STATUS"), right("SINCE"), left("REASON")]);
    let heading = |table: &mut Table, text: &str| {
        table.row(vec![Cell::new(text).dim(), Cell::new(""), Cell::new(""), Cell::new(""), Cell::new("")]);
    };
    if !told.before.is_empty() {
        heading(&mut table, "depends on");
    }
    told.before.iter().for_each(|branch| row(&mut table, branch, told.at));
    row(&mut table, &told.own, told.at);
    if !told.behind.is_empty() {
        heading(&mut table, "holds up");
    }
    told.behind.iter().for_each(|branch| row(&mut table, branch, told.at));
    table
}

fn row(table: &mut Table, branch: &Branch, now: Millis) {
    let name = if branch.name.is_empty() { "?" } else { &branch.name };
    let kind = match branch.kind {
        Some(DependencyKind::NToN) => " (N_TO_N)",
        Some(DependencyKind::Sequential) => " (SEQUENTIAL)",
        None => "",
    };
    let again = if branch.is_repeated { " (as above)" } else { "" };
    table.row(vec![
        Cell::new(format!("{}{name}{kind}{again}", "  ".repeat(branch.depth))),
        Cell::new(branch.id.short()),
        branch.status.map_or_else(|| Cell::health("not found", false), Cell::status),
        Cell::optional(branch.since.map(|since| age(since, now))),
        Cell::new(&branch.reason),
    ]);
}

fn held_up_by(told: &Tree) -> String {
    match &told.root_blocker {
        Some(root) => {
            let state = root.status.map_or("not found".to_owned(), |status| status.to_string());
            let others = if root.others > 0 { format!(", and {} others", root.others) } else { String::new() };
            format!("root blocker: {} ({}), {state}{others}", root.name, root.id.short())
        }
        None if told.own.status.is_some_and(crate::model::JobStatus::is_final) => "it has ended".to_owned(),
        None => "no other job holds it up".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::ScriptedBackend;
    use crate::commands::table::Look;
    use crate::tui::screens::recorded_world;
    use futures::FutureExt;

    #[test]
    fn both_trees_are_told_with_the_root_blocker() {
        let world = recorded_world();
        let now = world.now;
        let id = world.jobs.iter().find(|job| job.job_name == "pack-9").expect("is there").job_id.clone();
        let backend = ScriptedBackend::new(world);
        let read = lineage(&backend, &id, now).now_or_never().expect("it never waits").expect("read");
        let told = tree(&read);
        insta::assert_snapshot!(format!("{}\n{}", table(&told).render(Look::default()), held_up_by(&told)));
    }
}
