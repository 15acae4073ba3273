//! `pulse`: how it goes, of late and now.

use super::error::exit;
use super::table::{Cell, Table, left, moment, right, vcpus};
use super::world::World;
use super::{Done, now};
use crate::backend::gather;
use crate::cli::{Format, ListArgs};
use crate::model::text::printable;
use crate::triage::pulse::{Pulse, pulse};
use std::fmt::Write as _;

pub async fn run(args: &ListArgs, world: World) -> Done {
    let told = pulse(&gather::pulse(&*world.backend, now()).await);
    let output = world.output();
    match args.output {
        Format::Json => output.json(&told)?,
        Format::Table => {
            for (at, table) in [windows(&told), queues(&told), environments(&told)].iter().enumerate() {
                if at > 0 {
                    output.text("\n")?;
                }
                output.table(table)?;
            }
            output.text(&rest(&told))?;
        }
    }
    for missing in &told.unknown {
        output.note(&format!("not known: {missing}"));
    }
    Ok(exit::DONE)
}

fn windows(told: &Pulse) -> Table {
    let mut table = Table::new(&[
        left("LAST"),
        right("STARTED"),
        right("ENDED"),
        right("FAILED"),
        right("OF WHAT ENDED"),
        right("ENDED AN HOUR"),
    ]);
    for window in &told.windows {
        let more = if window.is_partial { "+" } else { "" };
        let number = |number: u64| Cell::new(format!("{number}{more}"));
        table.row(vec![
            Cell::new(window.name),
            number(window.started),
            number(window.succeeded + window.failed),
            number(window.failed),
            Cell::optional(window.failed_percent.map(|percent| format!("{percent} %"))),
            number(window.ended_per_hour),
        ]);
    }
    table
}

fn queues(told: &Pulse) -> Table {
    let mut table = Table::new(&[left("QUEUE"), right("WAITING"), right("RUNNING"), left("")]);
    for queue in &told.queues {
        let more = if queue.is_partial { "+" } else { "" };
        let number = |number: Option<u64>| Cell::optional(number.map(|number| format!("{number}{more}")));
        table.row(vec![
            Cell::new(&queue.name),
            number(queue.waiting),
            number(queue.running),
            Cell::health(queue.note, queue.note.is_empty()),
        ]);
    }
    table
}

fn environments(told: &Pulse) -> Table {
    let mut table = Table::new(&[left("ENVIRONMENT"), right("vCPU USED"), right("LAUNCHED"), right("MAX"), left("")]);
    for found in &told.environments {
        let number = |number: Option<f64>| Cell::optional(number.map(vcpus));
        table.row(vec![
            Cell::new(&found.name),
            number(found.used),
            number(found.launched),
            number(found.most),
            Cell::health(found.note, found.note.is_empty()),
        ]);
    }
    table
}

/// What is said in words: that it goes wrong, what it costs, what changed.
fn rest(told: &Pulse) -> String {
    let mut text = String::from("\n");
    if let Some(wrong) = told.wrong {
        let (since, percent, before) = (moment(wrong.since), wrong.percent, wrong.percent_before);
        let _ = writeln!(text, "▲ more fails since {since}: {percent} % of what ended, {before} % before");
    }
    if let Some(usd) = told.usd_per_hour {
        let _ = writeln!(text, "about {usd} an hour now");
    }
    if let Some(spent) = &told.spent {
        let since = spent.from.map(|from| format!(" since {}", moment(from))).unwrap_or_default();
        let _ = writeln!(text, "about {}{since}", spent.usd);
    }
    for change in &told.changes {
        let sign = if change.is_suspect { "▲" } else { " " };
        let _ = writeln!(text, "{sign} {}  {}", moment(change.at), printable(&change.words));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::ScriptedBackend;
    use crate::commands::table::Look;
    use crate::tui::screens::recorded_world;
    use futures::FutureExt;

    #[test]
    fn what_ended_waits_runs_and_changed_is_told() {
        let world = recorded_world();
        let now = world.now;
        let backend = ScriptedBackend::new(world);
        let told = pulse(&gather::pulse(&backend, now).now_or_never().expect("it never waits"));
        let tables = [windows(&told), queues(&told), environments(&told)].map(|table| table.render(Look::default()));
        insta::assert_snapshot!(format!("{}{}", tables.join("\n"), rest(&told)));
    }
}
