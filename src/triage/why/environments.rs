//! Compute environments: why one is INVALID, and what else is worth knowing of it.

use super::case::{Case, contains};
use super::cause::{Certainty, Deed, NextStep};
use super::hosts;
use super::placing;
use super::rule::{About, Find, Finding, Rule, Unread, found};
use crate::model::{ComputeEnvironment, Health, InstanceState, Switch};

const fn rule(id: &'static str, title: &'static str, rules_out: &'static str, find: Find) -> Rule {
    Rule { id, title, about: About::Environments, rules_out, find }
}

pub const RULES: &[Rule] = &[
    rule("C1", "Its service role cannot be taken on", "service role", |case| told(case, &SERVICE_ROLE)),
    rule("C2", "Its Spot fleet role is wrong", "Spot fleet role", |case| told(case, &FLEET_ROLE)),
    rule("C3", "Its instance profile is gone", "instance profile", |case| told(case, &PROFILE)),
    rule("C4", "Its cluster is gone", "cluster", |case| told(case, &CLUSTER)),
    rule("C5", "Its hosts never joined", "hosts that never joined", |case| told(case, &NEVER_JOINED)),
    rule("C6", "Its image or launch template cannot be used", "image and launch template", |case| told(case, &IMAGE)),
    rule("C7", "A security group, subnet or key is gone", "security groups and subnets", |case| told(case, &NETWORK)),
    rule("C8", "Its Kubernetes cluster does not do", "Kubernetes", |case| told(case, &KUBERNETES)),
    rule("C0", "It is invalid", "invalid", invalid),
    rule("C9", "It is being deleted and does not go", "deleting", deleting),
    rule("R10", "It is disabled", "disabled", disabled),
    rule("R18", "An agent of it is gone", "agents that are gone", agents),
    rule("C11", "It is being updated", "an update under way", updating),
    rule("C10", "It keeps hosts that nobody uses", "idle hosts", idle),
    rule("C12", "Its image is out of date", "image out of date", image_status),
];

/// What `statusReason` of an INVALID environment says, what that means and what to do.
struct Told {
    /// One of these…
    words: &'static [&'static str],
    /// …and, where there are any, one of these.
    with: &'static [&'static str],
    certainty: Certainty,
    why: &'static str,
    advice: &'static str,
}

const SERVICE_ROLE: Told = Told {
    words: &["Not authorized to perform sts:AssumeRole", "is not authorized to perform: sts:AssumeRole"],
    with: &[],
    certainty: Certainty::Certain,
    why: "the role is misnamed, deleted, or does not trust AWS Batch: the most common cause",
    advice: "set the role's full ARN (`aws batch update-compute-environment --service-role`), or make it anew",
};
const FLEET_ROLE: Told = Told {
    words: &["SpotFleetRequestConfig.IamFleetRole is invalid", "IamFleetRole"],
    with: &[],
    certainty: Certainty::Certain,
    why: "spotIamFleetRole names no role that can be used",
    advice: "correct the ARN of spotIamFleetRole",
};
const PROFILE: Told = Told {
    words: &["Instance profile"],
    with: &["does not exist", "not found"],
    certainty: Certainty::Certain,
    why: "hosts cannot start without their profile",
    advice: "make the instance profile anew, or set another instanceRole",
};
const CLUSTER: Told = Told {
    words: &["Clusters can not be blank", "Cluster not found"],
    with: &[],
    certainty: Certainty::Likely,
    why: "the ECS cluster that Batch made was deleted by hand",
    advice: "make the environment anew; clusters, groups and templates that Batch made are not to be edited",
};
const NEVER_JOINED: Told = Told {
    words: &["none of the instances joined"],
    with: &[],
    certainty: Certainty::Certain,
    why: "its hosts came up, did not join the cluster, and were ended",
    advice: "check instance role, way out of the subnet, image and user data of its hosts",
};
const IMAGE: Told = Told {
    words: &["AMI cannot be described", "launch template", "InvalidAMIID"],
    with: &[],
    certainty: Certainty::Likely,
    why: "the image was deleted, is not shared any more, or its terms were not accepted",
    advice: "set another image or version of the launch template",
};
const NETWORK: Told = Told {
    words: &["security group", "subnet", "key pair", "InvalidGroup"],
    with: &["does not exist", "InvalidGroup", "not found"],
    certainty: Certainty::Likely,
    why: "what its hosts are attached to was deleted",
    advice: "update the environment with groups, subnets and keys that are there",
};
const KUBERNETES: Told = Told {
    words: &["EKS Cluster version", "Unable to validate Kubernetes Namespace"],
    with: &[],
    certainty: Certainty::Certain,
    why: "the cluster's version is not supported, or its namespace and roles are not as they must be",
    advice: "correct namespace and roles, or make the environment anew",
};
const ALL: [&Told; 8] = [&SERVICE_ROLE, &FLEET_ROLE, &PROFILE, &CLUSTER, &NEVER_JOINED, &IMAGE, &NETWORK, &KUBERNETES];

fn says(one: &ComputeEnvironment, told: &Told) -> bool {
    let reason = one.status_reason.as_deref().unwrap_or_default();
    let any = |words: &[&str]| words.iter().any(|word| contains(reason, word));
    one.status == Health::Invalid && any(told.words) && (told.with.is_empty() || any(told.with))
}

fn about(case: &Case<'_>, one: &ComputeEnvironment, finding: Finding) -> Finding {
    let waiting = case.queues_of(one).into_iter().map(|queue| queue.job_queue_name.as_str());
    let waiting: Vec<&str> = waiting.collect();
    let queues = (!waiting.is_empty()).then(|| case.of_environment(one, "queues that use it", waiting.join(", ")));
    placing::state_of(case, finding, one).facts(queues)
}

fn told(case: &Case<'_>, told: &Told) -> Result<Option<Finding>, Unread> {
    let one = case.environment()?;
    if !says(one, told) {
        return Ok(None);
    }
    let finding = about(case, one, Finding::new(told.certainty, told.why));
    found(finding.step(NextStep::elsewhere(told.advice)))
}

fn invalid(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let one = case.environment()?;
    if one.status != Health::Invalid || ALL.iter().any(|told| says(one, told)) {
        return Ok(None);
    }
    let why = "its reason says what is wrong; it takes no jobs, and queues pass it over";
    let words = "correct what the reason names (`aws batch update-compute-environment`)";
    found(about(case, one, Finding::new(Certainty::Certain, why)).step(NextStep::elsewhere(words)))
}

fn deleting(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let one = case.environment()?;
    if one.status != Health::Deleting {
        return Ok(None);
    }
    let users = case.queues_of(one);
    let certainty = if users.is_empty() { Certainty::Note } else { Certainty::Likely };
    let why = if users.is_empty() {
        "it goes when its jobs have ended; where that takes long, its role may be gone already"
    } else {
        "queues still name it"
    };
    found(
        about(case, one, Finding::new(certainty, why))
            .step(NextStep::elsewhere("take it out of its queues, disable it, and make its role anew if it is gone")),
    )
}

fn disabled(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let one = case.environment()?;
    if one.state == Switch::Enabled {
        return Ok(None);
    }
    let name = one.compute_environment_name.clone();
    let why = "nothing is placed in it, and it does not grow; what runs there goes on";
    let finding = about(case, one, Finding::new(Certainty::Certain, why));
    found(finding.step(NextStep::new(format!("enable the environment {name}"), Deed::EnableEnvironment(name))))
}

fn agents(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let name = case.environment()?.compute_environment_name.as_str();
    hosts::agents_gone(case, &[name])
}

fn updating(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let one = case.environment()?;
    if one.status != Health::Updating {
        return Ok(None);
    }
    let why = "hosts are replaced: new jobs go to new hosts, and old ones may be ended by the update policy";
    let policy = one.update_policy.and_then(|policy| policy.terminate_jobs_on_update);
    found(
        Finding::new(Certainty::Note, why)
            .fact(case.of_environment(one, "status", "UPDATING"))
            .facts(policy.map(|ends| case.of_environment(one, "terminateJobsOnUpdate", ends.to_string()))),
    )
}

fn idle(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let one = case.environment()?;
    let minimum = one.compute_resources.as_ref().and_then(|resources| resources.minv_cpus).unwrap_or(0);
    let instances = one.capacity.iter().flat_map(|capacity| &capacity.instances);
    let idle: Vec<_> = instances.filter(|host| host.running_jobs == 0 && host.state == InstanceState::Active).collect();
    let off = one.state == Switch::Disabled;
    if minimum == 0 && (idle.is_empty() || !off) {
        return Ok(None);
    }
    let why =
        if off { "a disabled environment with hosts is still paid for" } else { "minvCpus keeps hosts without jobs" };
    let hosts = idle.iter().take(5).map(|host| {
        case.of_environment(one, &format!("instance {}", host.instance_id), "no jobs").since(Some(host.launched_at))
    });
    found(
        Finding::new(Certainty::Note, why)
            .fact(case.of_environment(one, "minvCpus", minimum.to_string()))
            .facts(hosts)
            .step(NextStep::elsewhere("lower minvCpus; desiredvCpus can only be raised")),
    )
}

fn image_status(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let one = case.environment()?;
    let entries = one.compute_resources.iter().flat_map(|resources| &resources.ec2_configuration);
    let old = entries.filter(|entry| entry["batchImageStatus"] == "UPDATE_AVAILABLE").count();
    if old == 0 {
        return Ok(None);
    }
    let words = "update it with updateToLatestImageVersion (`aws batch update-compute-environment`)";
    found(
        Finding::new(Certainty::Note, "AWS has a newer image for its hosts")
            .fact(case.of_environment(one, "batchImageStatus", "UPDATE_AVAILABLE"))
            .step(NextStep::elsewhere(words)),
    )
}
