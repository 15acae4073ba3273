//! The members of `computeResources` beyond its vCPUs: kept and shown, and checked in form.

use super::refuse;
use crate::engine::command::Refusal;
use crate::engine::state::Environment;
use crate::model::{ComputeResource, ComputeResourceUpdate, ScalingPolicy, UpdatePolicy};

const BEST_FIT: &str = "BEST_FIT";
const ON_DEMAND: [&str; 2] = [BEST_FIT, "BEST_FIT_PROGRESSIVE"];
const SPOT: [&str; 4] = [BEST_FIT, "BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED"];
/// AWS's limits for Fargate.
const SUBNETS: usize = 16;
const SECURITY_GROUPS: usize = 5;

pub(super) fn check_form(resources: &ComputeResource) -> Result<(), Refusal> {
    let kind = resources.kind.as_str();
    if kind.starts_with("FARGATE") {
        let extra = [
            ("allocationStrategy", resources.allocation_strategy.is_some()),
            ("imageId", resources.image_id.is_some()),
            ("ec2KeyPair", resources.ec2_key_pair.is_some()),
            ("instanceRole", resources.instance_role.is_some()),
            ("placementGroup", resources.placement_group.is_some()),
            ("bidPercentage", resources.bid_percentage.is_some()),
            ("spotIamFleetRole", resources.spot_iam_fleet_role.is_some()),
            ("launchTemplate", resources.launch_template.is_some()),
            ("ec2Configuration", !resources.ec2_configuration.is_empty()),
            ("scalingPolicy", resources.scaling_policy.is_some()),
        ];
        if let Some((member, _)) = extra.iter().find(|(_, given)| *given) {
            return refuse(format!("computeResources.{member} is given; the type {kind} takes none"));
        }
        for (member, count, most) in [
            ("subnets", resources.subnets.len(), SUBNETS),
            ("securityGroupIds", resources.security_group_ids.len(), SECURITY_GROUPS),
        ] {
            if count > most {
                return refuse(format!("computeResources.{member} has {count} entries; it takes at most {most}"));
            }
        }
        return Ok(());
    }
    if let Some(strategy) = &resources.allocation_strategy {
        check_strategy(kind, strategy)?;
        if kind == "SPOT" && strategy == BEST_FIT && resources.spot_iam_fleet_role.is_none() {
            return refuse("computeResources.spotIamFleetRole is missing; SPOT with BEST_FIT needs it");
        }
    }
    if let Some(percent) = resources.bid_percentage {
        if kind != "SPOT" {
            return refuse(format!("computeResources.bidPercentage is `{percent}`; it goes with the type SPOT alone"));
        }
        if !(1..=100).contains(&percent) {
            return refuse(format!("computeResources.bidPercentage is `{percent}`; it takes 1 to 100"));
        }
    }
    check_scaling(resources.scaling_policy)
}

fn check_strategy(kind: &str, strategy: &str) -> Result<(), Refusal> {
    let takes = if kind == "SPOT" { &SPOT[..] } else { &ON_DEMAND[..] };
    if takes.contains(&strategy) {
        return Ok(());
    }
    let takes = takes.join(", ");
    refuse(format!("computeResources.allocationStrategy is `{strategy}`; the type {kind} takes one of {takes}"))
}

fn check_scaling(policy: Option<ScalingPolicy>) -> Result<(), Refusal> {
    match policy.and_then(|policy| policy.min_scale_down_delay_minutes) {
        Some(minutes) if minutes != 0 && !(20..=10_080).contains(&minutes) => refuse(format!(
            "computeResources.scalingPolicy.minScaleDownDelayMinutes is `{minutes}`; it takes 0, or 20 to 10080"
        )),
        _ => Ok(()),
    }
}

pub(super) fn check_policy(policy: UpdatePolicy) -> Result<(), Refusal> {
    match policy.job_execution_timeout_minutes {
        Some(minutes) if !(1..=360).contains(&minutes) => {
            refuse(format!("updatePolicy.jobExecutionTimeoutMinutes is `{minutes}`; it takes 1 to 360"))
        }
        _ => Ok(()),
    }
}

/// What an update would make of the resources has to be well formed. An environment with `BEST_FIT`, which is what one
/// without a strategy has, changes its vCPUs alone.
pub(super) fn check_changes(
    name: &str,
    environment: &Environment,
    update: &ComputeResourceUpdate,
) -> Result<(), Refusal> {
    let Some(resources) = &environment.request.compute_resources else { return Ok(()) };
    let scaling = ComputeResourceUpdate {
        minv_cpus: None,
        maxv_cpus: None,
        desiredv_cpus: None,
        scaling_policy: None,
        ..update.clone()
    };
    let before = resources.allocation_strategy.as_deref().unwrap_or(BEST_FIT);
    if !environment.is_fargate() && before == BEST_FIT && scaling != ComputeResourceUpdate::default() {
        return refuse(format!(
            "{name} has the allocation strategy BEST_FIT; with it, minvCpus, maxvCpus, desiredvCpus and scalingPolicy \
             are all that can be updated: create another environment"
        ));
    }
    if update.allocation_strategy.as_deref() == Some(BEST_FIT) {
        return refuse("computeResources.allocationStrategy is `BEST_FIT`; an update takes another");
    }
    if let Some(kind) = &update.kind {
        let fargate = |kind: &str| kind.starts_with("FARGATE");
        if fargate(kind) != environment.is_fargate()
            || !["EC2", "SPOT", "FARGATE", "FARGATE_SPOT"].contains(&kind.as_str())
        {
            let other = if environment.is_fargate() { "FARGATE or FARGATE_SPOT" } else { "EC2 or SPOT" };
            return refuse(format!("computeResources.type is `{kind}`; {name} takes {other}"));
        }
    }
    let mut after = resources.clone();
    after.update(update);
    check_form(&after)
}
