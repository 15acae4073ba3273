//! Compute environments.

use super::job::members;
use super::{health, list, some_list, sorted, switch, unsorted};
use crate::model::{ComputeEnvironment, ComputeResource, ComputeResourceUpdate, ScalingPolicy, UpdatePolicy};
use aws_sdk_batch::types;

pub fn environment(given: types::ComputeEnvironmentDetail) -> ComputeEnvironment {
    ComputeEnvironment {
        compute_environment_name: given.compute_environment_name.unwrap_or_default(),
        compute_environment_arn: given.compute_environment_arn.unwrap_or_default(),
        ecs_cluster_arn: given.ecs_cluster_arn,
        kind: given.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        state: switch(given.state.as_ref().map(types::CeState::as_str)),
        status: health(given.status.as_ref().map(types::CeStatus::as_str)),
        status_reason: given.status_reason,
        // An unmanaged environment has none; moto sends an empty object.
        compute_resources: given.compute_resources.filter(|resources| resources.r#type.is_some()).map(resources),
        service_role: given.service_role,
        unmanagedv_cpus: given.unmanagedv_cpus,
        update_policy: given.update_policy.map(|policy| UpdatePolicy {
            terminate_jobs_on_update: policy.terminate_jobs_on_update,
            job_execution_timeout_minutes: policy.job_execution_timeout_minutes,
        }),
        container_orchestration_type: given.container_orchestration_type.map(|kind| kind.as_str().to_owned()),
        uuid: given.uuid,
        context: given.context,
        tags: sorted(given.tags),
        capacity: None,
        capacity_unread: None,
    }
}

fn resources(given: types::ComputeResource) -> ComputeResource {
    ComputeResource {
        kind: given.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        allocation_strategy: given.allocation_strategy.map(|strategy| strategy.as_str().to_owned()),
        minv_cpus: given.minv_cpus,
        maxv_cpus: given.maxv_cpus,
        desiredv_cpus: given.desiredv_cpus,
        instance_types: given.instance_types.unwrap_or_default(),
        subnets: given.subnets.unwrap_or_default(),
        security_group_ids: given.security_group_ids.unwrap_or_default(),
        instance_role: given.instance_role,
        ec2_key_pair: given.ec2_key_pair,
        placement_group: given.placement_group,
        bid_percentage: given.bid_percentage,
        spot_iam_fleet_role: given.spot_iam_fleet_role,
        scaling_policy: given
            .scaling_policy
            .map(|policy| ScalingPolicy { min_scale_down_delay_minutes: policy.min_scale_down_delay_minutes }),
        tags: sorted(given.tags),
        // What a diagnosis looks at; a console has no use for the rest.
        image_id: None,
        launch_template: given.launch_template.map(|template| {
            members([
                ("launchTemplateId", template.launch_template_id.into()),
                ("launchTemplateName", template.launch_template_name.into()),
                ("version", template.version.into()),
            ])
        }),
        ec2_configuration: list(given.ec2_configuration, |one| {
            members([
                ("imageType", one.image_type.into()),
                ("imageIdOverride", one.image_id_override.into()),
                ("batchImageStatus", one.batch_image_status.into()),
            ])
        }),
    }
}

/// The resources of a new environment.
pub fn new_resources(wanted: ComputeResource) -> types::ComputeResource {
    types::ComputeResource::builder()
        .r#type(types::CrType::from(wanted.kind.as_str()))
        .set_allocation_strategy(wanted.allocation_strategy.as_deref().map(types::CrAllocationStrategy::from))
        .set_minv_cpus(wanted.minv_cpus)
        .set_maxv_cpus(wanted.maxv_cpus)
        .set_desiredv_cpus(wanted.desiredv_cpus)
        .set_instance_types(some_list(wanted.instance_types, |name| name))
        .set_subnets(some_list(wanted.subnets, |id| id))
        .set_security_group_ids(some_list(wanted.security_group_ids, |id| id))
        .set_instance_role(wanted.instance_role)
        .set_bid_percentage(wanted.bid_percentage)
        .set_spot_iam_fleet_role(wanted.spot_iam_fleet_role)
        .set_scaling_policy(wanted.scaling_policy.map(policy))
        .set_tags(unsorted(wanted.tags))
        .build()
}

/// What an update changes of the resources.
pub fn changed(wanted: ComputeResourceUpdate) -> types::ComputeResourceUpdate {
    types::ComputeResourceUpdate::builder()
        .set_type(wanted.kind.as_deref().map(types::CrType::from))
        .set_allocation_strategy(wanted.allocation_strategy.as_deref().map(types::CrUpdateAllocationStrategy::from))
        .set_minv_cpus(wanted.minv_cpus)
        .set_maxv_cpus(wanted.maxv_cpus)
        .set_desiredv_cpus(wanted.desiredv_cpus)
        .set_instance_types(wanted.instance_types)
        .set_subnets(wanted.subnets)
        .set_security_group_ids(wanted.security_group_ids)
        .set_instance_role(wanted.instance_role)
        .set_bid_percentage(wanted.bid_percentage)
        .set_scaling_policy(wanted.scaling_policy.map(policy))
        .build()
}

fn policy(wanted: ScalingPolicy) -> types::ComputeScalingPolicy {
    types::ComputeScalingPolicy::builder().set_min_scale_down_delay_minutes(wanted.min_scale_down_delay_minutes).build()
}
