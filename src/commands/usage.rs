//! `usage`: what one job has used over time against what it asks for.

use super::error::{Doing, exit};
use super::table::{Cell, Table, left};
use super::world::World;
use super::{Done, resolve, watching};
use crate::cli::{Format, JobArgs};
use crate::model::{JobDetail, ResourceRequirement};
use crate::tui::format::Clock;
use crate::tui::screens::usage::lines;

/// Bars of a chart.
const COLUMNS: usize = 40;

pub async fn run(args: &JobArgs, world: World) -> Done {
    let id = resolve::job(&*world.backend, &args.id).await?;
    let detail = watching::describe(&*world.backend, &id).await?;
    let told = world.backend.usage_over_time(&detail).await.doing(format!("asking what the job {id} has used"))?;
    match args.output {
        Format::Json => world.output().json(&told)?,
        Format::Table => {
            let mut table = Table::new(&[left("USAGE"), left("")]);
            table.row(vec![Cell::new("job"), Cell::new(&detail.job_name)]);
            for (label, text) in lines(&told, asked(&detail), COLUMNS, Clock::Utc) {
                table.row(vec![Cell::new(label), Cell::new(text)]);
            }
            world.output().table(&table)?;
        }
    }
    Ok(exit::DONE)
}

/// vCPUs and MiB.
fn asked(job: &JobDetail) -> (f64, f64) {
    if let Some(extra) = job.extra.as_deref().filter(|extra| extra.memory_mib > 0) {
        return (extra.vcpus, u32::try_from(extra.memory_mib).map_or(f64::MAX, f64::from));
    }
    let value = |kind: &str| {
        let of = |asked: &&ResourceRequirement| asked.kind == kind;
        let asked = job.container.iter().flat_map(|container| &container.resource_requirements).find(of);
        asked.and_then(|asked| asked.value.parse().ok()).unwrap_or(0.0)
    };
    (value("VCPU"), value("MEMORY"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerDetail, JobExtra};

    #[test]
    fn what_is_asked_for_is_known_with_and_without_an_engine_s_own_members() {
        let ask = |kind: &str, value: &str| ResourceRequirement { kind: kind.to_owned(), value: value.to_owned() };
        let container = ContainerDetail {
            resource_requirements: vec![ask("VCPU", "0.5"), ask("MEMORY", "512")],
            ..ContainerDetail::default()
        };
        let mut job = JobDetail { container: Some(container), ..JobDetail::default() };
        assert_eq!(asked(&job), (0.5, 512.0));
        job.extra = Some(Box::new(JobExtra { vcpus: 2.0, memory_mib: 1024, ..JobExtra::default() }));
        assert_eq!(asked(&job), (2.0, 1024.0));
    }
}
