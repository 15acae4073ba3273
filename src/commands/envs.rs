//! `envs`, and what is done with one.

mod capacity;
mod scaling;
mod shape;

use super::error::{Doing, exit};
use super::table::{Cell, Table, left, right, vcpus};
use super::world::{Setting, World};
use super::{Done, resolve};
use crate::backend::Why;
use crate::cli::{EnvsArgs, EnvsVerb, Format, SwitchArgs};
use crate::model::{ComputeEnvironment, Health, Switch, UpdateComputeEnvironmentRequest, validate};

pub async fn run(args: EnvsArgs, setting: Setting) -> Done {
    let output = args.list.output;
    match args.into_verb() {
        None => list(output, &setting.open().await?).await,
        Some(EnvsVerb::Enable(args)) => switch(&args, Switch::Enabled, setting).await,
        Some(EnvsVerb::Disable(args)) => switch(&args, Switch::Disabled, setting).await,
        Some(EnvsVerb::Scaling(args)) => scaling::run(&args, &setting.open().await?).await,
        Some(EnvsVerb::Capacity(args)) => capacity::run(&args, &setting.open().await?).await,
        Some(EnvsVerb::Create(args)) => Box::pin(shape::create(&args, setting)).await,
        Some(EnvsVerb::Update(args)) => Box::pin(shape::update(&args, setting)).await,
        Some(EnvsVerb::Delete(args)) => shape::delete(&args, setting).await,
    }
}

async fn switch(args: &SwitchArgs, state: Switch, setting: Setting) -> Done {
    setting.require_writable(if state == Switch::Enabled { "envs enable" } else { "envs disable" })?;
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    let world = setting.open().await?;
    let environment = resolve::environment(&world, &args.name).await?;
    let name = environment.compute_environment_name.clone();
    let request = UpdateComputeEnvironmentRequest {
        compute_environment: name.clone(),
        state: Some(state),
        ..UpdateComputeEnvironmentRequest::default()
    };
    let why = Why { reason: args.reason.clone() };
    let doing = format!("changing the compute environment `{name}`");
    world.backend.update_compute_environment(request, why).await.doing(doing)?;
    match args.output {
        Format::Json => world.output().json(&ComputeEnvironment { state, ..environment })?,
        Format::Table => world.output().text(&format!("compute environment {name} is {}\n", state.as_str()))?,
    }
    Ok(exit::DONE)
}

async fn list(output: Format, world: &World) -> Done {
    let mut environments = world.backend.compute_environments().await.doing("listing compute environments")?;
    environments.sort_by(|a, b| a.compute_environment_name.cmp(&b.compute_environment_name));
    match output {
        Format::Json => world.output().json(&environments)?,
        Format::Table => {
            if environments.is_empty() {
                world.note_empty("compute environment");
            }
            world.output().table(&table(&environments))?;
        }
    }
    Ok(exit::DONE)
}

fn table(environments: &[ComputeEnvironment]) -> Table {
    let mut table = Table::new(&[
        left("NAME"),
        left("TYPE"),
        left("STATE"),
        left("STATUS"),
        right("USED"),
        right("VCPUS"),
        right("DESIRED"),
        right("MIN"),
        right("MAX"),
        right("INSTANCES"),
        right("JOBS"),
        left("REASON"),
    ]);
    for environment in environments {
        let resources = environment.compute_resources.as_ref();
        let limit = |value: Option<i32>| Cell::new(value.map_or_else(|| "-".to_owned(), |value| value.to_string()));
        let capacity = environment.capacity.as_ref();
        let of_capacity = |value: Option<String>| value.map_or_else(|| Cell::new("-").dim(), Cell::new);
        let jobs = |capacity: &crate::model::Capacity| -> u32 {
            capacity.instances.iter().map(|instance| instance.running_jobs).sum()
        };
        table.row(vec![
            Cell::new(&environment.compute_environment_name),
            Cell::new(environment.provisioning()),
            Cell::health(environment.state.as_str(), environment.state == Switch::Enabled),
            Cell::health(environment.status.as_str(), environment.status == Health::Valid),
            of_capacity(capacity.map(|capacity| vcpus(capacity.vcpus_used))),
            of_capacity(capacity.map(|capacity| vcpus(capacity.vcpus))),
            limit(resources.and_then(|resources| resources.desiredv_cpus)),
            limit(resources.and_then(|resources| resources.minv_cpus)),
            limit(resources.and_then(|resources| resources.maxv_cpus)),
            of_capacity(capacity.map(|capacity| capacity.instances.len().to_string())),
            of_capacity(capacity.map(|capacity| jobs(capacity).to_string())),
            Cell::optional(environment.status_reason.as_ref()),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::table::Look;
    use crate::model::{Capacity, ComputeResource, Instance};

    #[test]
    fn use_limits_and_instances_stand_in_a_row_and_what_is_not_known_is_a_dash() {
        let instance = Instance { running_jobs: 3, ..Instance::default() };
        let local = ComputeEnvironment {
            compute_environment_name: "local".to_owned(),
            compute_resources: Some(ComputeResource {
                kind: "EC2".to_owned(),
                minv_cpus: Some(0),
                maxv_cpus: Some(8),
                desiredv_cpus: Some(4),
                ..ComputeResource::default()
            }),
            capacity: Some(Capacity {
                vcpus: 4.0,
                vcpus_used: 2.5,
                instances: vec![instance.clone(), instance],
                ..Capacity::default()
            }),
            ..ComputeEnvironment::default()
        };
        let unmanaged = ComputeEnvironment {
            compute_environment_name: "unmanaged".to_owned(),
            state: Switch::Disabled,
            status: Health::Invalid,
            status_reason: Some("CLIENT_ERROR - no role".to_owned()),
            ..ComputeEnvironment::default()
        };
        insta::assert_snapshot!(table(&[local, unmanaged]).render(Look::default()));
    }
}
