//! `envs create`, `envs update` and `envs delete`.

use super::Done;
use crate::backend::Why;
use crate::cli::{DeleteArgs, EnvironmentShape, EnvsCreateArgs, EnvsUpdateArgs, Format, Provisioning};
use crate::commands::error::{CommandError, Doing, exit};
use crate::commands::resolve;
use crate::commands::world::{Setting, World};
use crate::model::{
    BOOT_TAG, ComputeEnvironment, ComputeResource, ComputeResourceUpdate, CreateComputeEnvironmentRequest,
    OVERCOMMIT_TAG, ScalingPolicy, Switch, UpdateComputeEnvironmentRequest, name_of, validate,
};
use clap::ValueEnum;
use std::collections::BTreeMap;

pub async fn create(args: &EnvsCreateArgs, setting: Setting) -> Done {
    setting.require_writable("envs create")?;
    check(&args.shape)?;
    let world = setting.open().await?;
    let request = creation(args);
    let doing = format!("creating the compute environment `{}`", args.name);
    world.backend.create_compute_environment(request).await.doing(doing)?;
    tell(&world, &args.name, "created", args.output).await
}

pub async fn update(args: &EnvsUpdateArgs, setting: Setting) -> Done {
    setting.require_writable("envs update")?;
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    let world = setting.open().await?;
    let known = resolve::environment(&world, &args.name).await?;
    let name = known.compute_environment_name;
    let doing = || format!("changing the compute environment `{name}`");
    let request = change(&name, &args.shape);
    let nothing = UpdateComputeEnvironmentRequest { compute_environment: name.clone(), ..Default::default() };
    let why = Why { reason: args.reason.clone() };
    if request != nothing {
        world.backend.update_compute_environment(request, why.clone()).await.doing(doing())?;
    }
    let tags = tags(&args.shape);
    if !tags.is_empty() {
        world.backend.tag_resource(&known.compute_environment_arn, tags, why).await.doing(doing())?;
    }
    tell(&world, &name, "changed", args.output).await
}

pub async fn delete(args: &DeleteArgs, setting: Setting) -> Done {
    setting.require_writable("envs delete")?;
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    let world = setting.open().await?;
    let known = resolve::environment(&world, &args.name).await?;
    let name = &known.compute_environment_name;
    let why = Why { reason: args.reason.clone() };
    let doing = format!("deleting the compute environment `{name}`");
    world.backend.delete_compute_environment(name, why).await.doing(doing)?;
    match args.output {
        Format::Json => world.output().json(&known)?,
        Format::Table => {
            let text =
                format!("compute environment {name}: is being deleted; it goes with the last of its instances\n");
            world.output().text(&text)?;
        }
    }
    Ok(exit::DONE)
}

/// The environment as it is now, and whether jobs can come to it.
async fn tell(world: &World, name: &str, done: &str, output: Format) -> Done {
    let found = resolve::environment(world, name).await?;
    if output == Format::Json {
        world.output().json(&found)?;
        return Ok(exit::DONE);
    }
    world.output().text(&format!("compute environment {name}: {done}; {}\n", outline(&found)))?;
    let queues = world.backend.job_queues().await.doing("listing queues")?;
    let mut orders = queues.iter().flat_map(|queue| &queue.compute_environment_order);
    if !orders.any(|entry| name_of(&entry.compute_environment) == name) {
        world.output().text(&format!(
            "  no queue uses it yet: `batchdeck queues create NAME --environments {name}` lets jobs come to it\n"
        ))?;
    }
    Ok(exit::DONE)
}

/// `SPOT, vCPU min 0 desired 0 max 8, c5.large, boots 30 s, overcommits`.
fn outline(environment: &ComputeEnvironment) -> String {
    let mut parts = vec![environment.provisioning().to_owned()];
    if let Some(resources) = &environment.compute_resources {
        let limits = [("min", resources.minv_cpus), ("desired", resources.desiredv_cpus), ("max", resources.maxv_cpus)];
        let limits: Vec<String> =
            limits.into_iter().filter_map(|(name, vcpus)| Some(format!("{name} {}", vcpus?))).collect();
        parts.push(format!("vCPU {}", limits.join(" ")));
        if !resources.instance_types.is_empty() {
            parts.push(resources.instance_types.join(" "));
        }
        parts.extend(resources.allocation_strategy.clone());
    }
    parts.extend(environment.boot_seconds().filter(|seconds| *seconds > 0).map(|seconds| format!("boots {seconds} s")));
    parts.extend(environment.overcommits().then(|| "overcommits".to_owned()));
    parts.extend((environment.state == Switch::Disabled).then(|| "DISABLED".to_owned()));
    parts.join(", ")
}

/// Checks what can be known to be missing before an engine is started for it.
fn check(shape: &EnvironmentShape) -> Result<(), CommandError> {
    if shape.max.is_some() || shape.kind == Some(Provisioning::Unmanaged) {
        return Ok(());
    }
    Err(CommandError::Needs {
        verb: "envs create",
        what: "--max N, the vCPUs that it may have at most; --type unmanaged alone goes without",
    })
}

fn creation(args: &EnvsCreateArgs) -> CreateComputeEnvironmentRequest {
    let shape = &args.shape;
    let kind = shape.kind.as_ref().map_or_else(|| "EC2".to_owned(), word);
    let is_managed = kind != "UNMANAGED";
    let scaled = scaling(shape);
    let said = ComputeResource {
        allocation_strategy: shape.allocation_strategy.as_ref().map(word),
        minv_cpus: shape.min,
        maxv_cpus: shape.max,
        desiredv_cpus: shape.desired,
        instance_types: shape.instance_types.clone(),
        subnets: shape.subnets.clone(),
        security_group_ids: shape.security_groups.clone(),
        instance_role: shape.instance_role.clone(),
        bid_percentage: shape.bid_percentage,
        scaling_policy: scaled,
        ..ComputeResource::default()
    };
    // What is said of an environment that takes none of it is for the service to refuse.
    let resources = (is_managed || said != ComputeResource::default()).then(|| {
        let default_types = matches!(kind.as_str(), "EC2" | "SPOT") && said.instance_types.is_empty();
        let instance_types = if default_types { vec!["optimal".to_owned()] } else { said.instance_types.clone() };
        ComputeResource { kind, instance_types, ..said }
    });
    CreateComputeEnvironmentRequest {
        compute_environment_name: args.name.clone(),
        kind: if is_managed { "MANAGED" } else { "UNMANAGED" }.to_owned(),
        state: Some(if args.disabled { Switch::Disabled } else { Switch::Enabled }),
        compute_resources: resources,
        service_role: shape.service_role.clone(),
        unmanagedv_cpus: shape.unmanaged_vcpus,
        tags: tags(shape),
        ..CreateComputeEnvironmentRequest::default()
    }
}

fn change(name: &str, shape: &EnvironmentShape) -> UpdateComputeEnvironmentRequest {
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    let resources = ComputeResourceUpdate {
        kind: shape.kind.as_ref().map(word),
        minv_cpus: shape.min,
        maxv_cpus: shape.max,
        desiredv_cpus: shape.desired,
        allocation_strategy: shape.allocation_strategy.as_ref().map(word),
        instance_types: some(&shape.instance_types),
        subnets: some(&shape.subnets),
        security_group_ids: some(&shape.security_groups),
        instance_role: shape.instance_role.clone(),
        bid_percentage: shape.bid_percentage,
        scaling_policy: scaling(shape),
        ..ComputeResourceUpdate::default()
    };
    UpdateComputeEnvironmentRequest {
        compute_environment: name.to_owned(),
        compute_resources: (resources != ComputeResourceUpdate::default()).then_some(resources),
        service_role: shape.service_role.clone(),
        unmanagedv_cpus: shape.unmanaged_vcpus,
        ..UpdateComputeEnvironmentRequest::default()
    }
}

fn scaling(shape: &EnvironmentShape) -> Option<ScalingPolicy> {
    shape.scale_down_delay.map(|minutes| ScalingPolicy { min_scale_down_delay_minutes: Some(minutes) })
}

/// The tags that are said, and those that stand for options.
fn tags(shape: &EnvironmentShape) -> BTreeMap<String, String> {
    let mut tags: BTreeMap<String, String> =
        shape.tag.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect();
    tags.extend(shape.overcommit.map(|over| (OVERCOMMIT_TAG.to_owned(), over.to_string())));
    tags.extend(shape.boot_seconds.map(|seconds| (BOOT_TAG.to_owned(), seconds.to_string())));
    tags
}

/// AWS's word for a choice.
fn word(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, EnvsVerb, Verb};
    use clap::Parser;
    use serde_json::{Value, json};

    fn verb(words: &str) -> Result<EnvsVerb, String> {
        let cli = Cli::try_parse_from(["batchdeck", "envs"].into_iter().chain(words.split(' ')));
        match cli.map_err(|error| error.to_string())?.verb {
            Some(Verb::Envs(args)) => Ok(args.verb.expect("a verb")),
            other => panic!("{other:?}"),
        }
    }

    fn created(words: &str) -> Value {
        let Ok(EnvsVerb::Create(args)) = verb(&format!("create it {words}")) else { panic!("{words}") };
        serde_json::to_value(creation(&args)).expect("JSON")
    }

    #[test]
    fn options_become_the_request_of_the_api() {
        let spot = created(
            "--type spot --min 0 --max 16 --desired 4 --instance-types c5,m5.large --allocation-strategy \
             spot_capacity_optimized --bid-percentage 60 --scale-down-delay 20 --overcommit --boot-seconds 30 --tag a=b",
        );
        assert_eq!(
            spot,
            json!({
                "computeEnvironmentName": "it", "type": "MANAGED", "state": "ENABLED",
                "computeResources": {
                    "type": "SPOT", "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED", "minvCpus": 0, "maxvCpus": 16,
                    "desiredvCpus": 4, "instanceTypes": ["c5", "m5.large"], "subnets": [], "securityGroupIds": [],
                    "bidPercentage": 60, "scalingPolicy": {"minScaleDownDelayMinutes": 20},
                },
                "tags": {"a": "b", "batchdeck:overcommit": "true", "batchdeck:boot-seconds": "30"},
            })
        );
        assert_eq!(created("--max 4")["computeResources"]["instanceTypes"], json!(["optimal"]));
        assert_eq!(created("--type fargate --max 4")["computeResources"]["instanceTypes"], json!([]));
        let here = created("--type UNMANAGED --unmanaged-vcpus 4 --disabled");
        assert_eq!((&here["type"], &here["computeResources"]), (&json!("UNMANAGED"), &Value::Null));
        assert_eq!((&here["unmanagedvCpus"], &here["state"]), (&json!(4), &json!("DISABLED")));
        assert_eq!(created("--type unmanaged --max 4")["computeResources"]["maxvCpus"], 4, "for the engine to refuse");
    }

    #[test]
    fn an_update_says_what_changes_and_nothing_else() {
        let Ok(EnvsVerb::Update(args)) = verb("update it --max 8 --overcommit=false --reason why") else { panic!() };
        let request = serde_json::to_value(change("it", &args.shape)).expect("JSON");
        assert_eq!(request, json!({"computeEnvironment": "it", "computeResources": {"maxvCpus": 8}}));
        assert_eq!(tags(&args.shape), [(OVERCOMMIT_TAG.to_owned(), "false".to_owned())].into());
    }

    #[test]
    fn bad_values_are_refused_by_the_name_of_their_option() {
        for (words, expected) in [
            ("create it --min -1", "'--min <N>': -1"),
            ("create it --max 0", "'--max <N>': 0"),
            ("create it --type ec3", "'--type <TYPE>'"),
            ("create it --allocation-strategy fastest", "'--allocation-strategy <STRATEGY>'"),
            ("create it --bid-percentage 101", "'--bid-percentage <PERCENT>': 101"),
            ("create it --boot-seconds soon", "'--boot-seconds <N>'"),
            ("create it --overcommit=yes", "'--overcommit[=<true|false>]'"),
            ("update it --reason none", "--max <N>"),
        ] {
            let error = verb(words).err().unwrap_or_else(|| panic!("{words} is taken"));
            assert!(error.contains(expected), "{words}: {error}");
        }
    }

    #[test]
    fn an_environment_is_outlined_in_a_line() {
        let environment = ComputeEnvironment {
            compute_resources: Some(ComputeResource {
                kind: "SPOT".into(),
                minv_cpus: Some(0),
                maxv_cpus: Some(8),
                instance_types: vec!["c5.large".into()],
                ..ComputeResource::default()
            }),
            tags: [(OVERCOMMIT_TAG.into(), "true".into()), (BOOT_TAG.into(), "30".into())].into(),
            ..ComputeEnvironment::default()
        };
        assert_eq!(outline(&environment), "SPOT, vCPU min 0 max 8, c5.large, boots 30 s, overcommits");
        assert_eq!(outline(&ComputeEnvironment::default()), "UNMANAGED");
    }
}
