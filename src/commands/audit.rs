//! `audit`.

use super::Done;
use super::error::{Doing, exit};
use super::table::{Cell, Table, left, moment};
use super::world::World;
use crate::cli::{AuditArgs, Format};

pub async fn run(args: &AuditArgs, world: World) -> Done {
    let entries = world.backend.audit(args.limit).await.doing("reading who did what")?;
    match args.output {
        Format::Json => world.output().json(&entries)?,
        Format::Table => {
            let mut table = Table::new(&[
                left("TIME"),
                left("WHO"),
                left("ACTION"),
                left("TARGET"),
                left("OUTCOME"),
                left("REASON"),
            ]);
            for entry in &entries {
                table.row(vec![
                    Cell::new(moment(entry.at)),
                    Cell::new(&entry.who),
                    Cell::new(&entry.action),
                    Cell::new(&entry.target),
                    Cell::new(&entry.outcome),
                    Cell::optional(entry.reason.as_ref()),
                ]);
            }
            world.output().table(&table)?;
            if !world.setting.is_local() {
                world.output().note("this is what was done from this machine; AWS CloudTrail has what others did");
            }
        }
    }
    Ok(exit::DONE)
}
