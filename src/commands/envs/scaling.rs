//! `envs scaling`.

use super::Done;
use crate::cli::{EnvsScalingArgs, Format};
use crate::commands::error::{Doing, exit};
use crate::commands::resolve;
use crate::commands::table::{Cell, Table, left, moment, right, vcpus};
use crate::commands::world::World;
use crate::model::{Scaling, ScalingChange};

pub async fn run(args: &EnvsScalingArgs, world: &World) -> Done {
    let name = match &args.name {
        Some(given) => Some(resolve::environment(world, given).await?.compute_environment_name),
        None => None,
    };
    let steps = world.backend.scaling(name.as_deref()).await.doing("reading why instances came and went")?;
    match args.output {
        Format::Json => world.output().json(&steps)?,
        Format::Table => {
            if steps.is_empty() {
                let told = "no instance has come or gone yet; one is launched when a job needs it";
                let seen = "no instance is registered; AWS Batch keeps no record of those that were";
                world.output().note(if world.setting.is_local() { told } else { seen });
            }
            world.output().table(&table(&steps))?;
        }
    }
    Ok(exit::DONE)
}

fn table(steps: &[Scaling]) -> Table {
    let mut table = Table::new(&[
        left("TIME"),
        left("ENVIRONMENT"),
        left("CHANGE"),
        left("INSTANCE"),
        left("TYPE"),
        right("VCPUS"),
        right("TOTAL"),
        left("WHY"),
    ]);
    for step in steps {
        let change = match step.change {
            ScalingChange::Launched => format!("+{}", vcpus(step.vcpus)),
            ScalingChange::Noticed => "0".to_owned(),
            ScalingChange::Ended | ScalingChange::Lost => format!("-{}", vcpus(step.vcpus)),
            ScalingChange::Wanted => format!("={}", vcpus(step.vcpus)),
            ScalingChange::Status | ScalingChange::Activity | ScalingChange::Failed => "-".to_owned(),
        };
        table.row(vec![
            Cell::new(moment(step.at)),
            Cell::new(&step.compute_environment),
            Cell::health(
                step.change.as_str(),
                !matches!(step.change, ScalingChange::Lost | ScalingChange::Noticed | ScalingChange::Failed),
            ),
            Cell::optional(Some(&step.instance_id.0).filter(|id| !id.is_empty())),
            Cell::optional(Some(&step.instance_type).filter(|kind| !kind.is_empty())),
            Cell::new(change),
            Cell::new(vcpus(step.total_vcpus)),
            Cell::new(if step.reason.is_empty() { "-" } else { &step.reason }),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::table::Look;
    use crate::model::InstanceId;

    #[test]
    fn steps_are_told_with_what_they_add_and_take() {
        let launched = Scaling {
            at: 1_795_478_400_000,
            compute_environment: "local".to_owned(),
            instance_id: InstanceId("i-0a".to_owned()),
            instance_type: "c5.large".to_owned(),
            change: ScalingChange::Launched,
            vcpus: 2.0,
            total_vcpus: 2.0,
            reason: "minvCpus is 2".to_owned(),
        };
        let of = |change, total_vcpus, reason: &str| Scaling {
            change,
            total_vcpus,
            reason: reason.to_owned(),
            ..launched.clone()
        };
        let noticed = of(ScalingChange::Noticed, 2.0, "interrupted: it is taken away in 120 s");
        let lost = of(ScalingChange::Lost, 0.0, "");
        insta::assert_snapshot!(table(&[lost, noticed, launched]).render(Look::default()));
    }
}
