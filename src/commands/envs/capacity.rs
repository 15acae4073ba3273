//! `envs capacity`.

use super::Done;
use crate::cli::{EnvsCapacityArgs, Format};
use crate::commands::error::{Doing, exit};
use crate::commands::table::{Cell, Table, left, right};
use crate::commands::world::World;
use crate::commands::{now, resolve};
use crate::model::{CapacityOverTime, Millis};
use crate::tui::screens::capacity::{heading, lines};

/// Bars of a chart.
const COLUMNS: usize = 24;

pub async fn run(args: &EnvsCapacityArgs, world: &World) -> Done {
    let name = resolve::environment(world, &args.name).await?.compute_environment_name;
    let told = world.backend.capacity_over_time(&name).await.doing("reading how capacity went")?;
    match args.output {
        Format::Json => world.output().json(&told)?,
        Format::Table if told.minutes.is_empty() && world.setting.is_local() => {
            world.output().note("nobody has looked at it yet; the engine does every few seconds");
        }
        Format::Table if told.minutes.is_empty() => world.output().note(
            "AWS Batch keeps no record of it: the console shows what it has seen since it was opened, on the \
             environment's own screen",
        ),
        Format::Table => {
            world.output().table(&table(&told, now()))?;
            world.output().note(&heading(&told));
        }
    }
    Ok(exit::DONE)
}

fn table(told: &CapacityOverTime, now: Millis) -> Table {
    let mut table = Table::new(&[left("LAST"), left("USED"), right("AT MOST"), left("WANTED"), right("AT MOST")]);
    for line in lines(told, COLUMNS, now) {
        table.row(vec![
            Cell::new(line.span),
            Cell::new(line.used),
            Cell::new(line.used_most),
            Cell::new(line.wanted),
            Cell::new(line.wanted_most),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::table::Look;
    use crate::model::CapacityMinute;

    #[test]
    fn each_span_has_what_was_used_and_what_was_wanted() {
        let mut told = CapacityOverTime::default();
        for (minute, used) in [(0, 1.0), (1_380, 4.0), (1_438, 8.0), (1_439, 2.0)] {
            let at = minute * 60_000;
            let desired = Some(used + 2.0);
            told.note(CapacityMinute { at, used: Some(used), desired, limit: Some(16.0), launched: None });
        }
        insta::assert_snapshot!(table(&told, 1_439 * 60_000).render(Look::default()));
    }
}
