//! RUNNABLE, and the service says why: the codes in `statusReason` of the job at the head (AWS Batch user guide, "Jobs stuck
//! in RUNNABLE status"). The local engine speaks the same codes, and some of its own.

use super::case::{Case, is_valid, takes_jobs};
use super::cause::{Certainty, Deed, NextStep};
use super::needs::{self, Fit};
use super::placing;
use super::rule::{About, Find, Finding, Rule, Unread, found};
use crate::model::{Switch, name_of};

const CODE: &str = "a code of the service for the job at the head";

const fn rule(id: &'static str, title: &'static str, find: Find) -> Rule {
    Rule { id, title, about: About::Placeable, rules_out: CODE, find }
}

pub const RULES: &[Rule] = &[
    rule("R1", "There is no capacity to be had", no_capacity),
    rule("R2", "It asks for more than any environment may have", maximum),
    rule("R3", "It asks for more than any instance here can give", no_type),
    rule("R4", "The service role of AWS Batch lacks a permission", service_role),
    rule("R5", "The instances cannot be made as they are configured", configuration),
    rule("R6", "No environment of the queue can take it", every_environment),
    rule("R7", "It is blocked, and the service does not know why", undetermined),
    Rule {
        id: "R26",
        title: "A consumable resource is short",
        about: About::Placeable,
        rules_out: "consumable resources",
        find: consumable,
    },
];

fn has(case: &Case<'_>, code: &str) -> bool {
    case.status_reason().starts_with(code)
}

/// What the service said, since when, and how many stand behind the job.
fn blocked(case: &Case<'_>, why: String) -> Finding {
    let mut finding = Finding::new(Certainty::Certain, why).fact(case.of_job("statusReason", case.status_reason()));
    if let Ok(queue) = case.queue()
        && let Some(blocked) = &queue.blocked
    {
        finding = finding.fact(case.of_queue(queue, "blocked by", blocked.job_id.short()).since(Some(blocked.since)));
    }
    if let (Ok(Some(0)), Ok(front)) = (case.position(), case.front())
        && front.len() > 1
    {
        let more = if front.len() >= 100 { "99 or more".to_owned() } else { (front.len() - 1).to_string() };
        finding = finding.fact(case.of_front("held up behind it", more));
    }
    finding
}

fn free_the_queue(case: &Case<'_>) -> Option<NextStep> {
    case.stop("cancel it and free the queue")
}

fn no_capacity(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !has(case, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY") {
        return Ok(None);
    }
    let why = if case.evidence.is_local {
        "what is free of this machine does not hold it: it starts when other jobs end"
    } else {
        "EC2 refused the instance type in every environment of the queue"
    };
    let mut finding = blocked(case, why.to_owned()).facts(case.asks());
    if case.evidence.is_local {
        finding = finding.steps(placing::open_environments(case));
    } else {
        let words = "add instance types, sizes and zones, or an on-demand environment behind the Spot one";
        finding = finding.step(NextStep::elsewhere(words));
    }
    found(finding.steps(free_the_queue(case)))
}

fn maximum(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !has(case, "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE") {
        return Ok(None);
    }
    let mut finding = blocked(case, "it can never start: its vCPUs are above maxvCpus of every environment".to_owned())
        .facts(case.asks());
    finding = finding.facts(placing::maxima(case).unwrap_or_default());
    finding = finding.steps(placing::raise(case)).steps(placing::smaller(case));
    found(finding.steps(free_the_queue(case)))
}

fn no_type(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !has(case, "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT") {
        return Ok(None);
    }
    let finding = blocked(case, "it can never start as things stand: it does not fit".to_owned())
        .facts(case.asks())
        .facts(placing::largest(case).unwrap_or_default())
        .steps(placing::smaller(case))
        .steps(placing::open_environments(case).into_iter().take(1));
    found(finding.steps(free_the_queue(case)))
}

fn service_role(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !has(case, "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS") {
        return Ok(None);
    }
    let why = "the role cannot do its work; cancelling the job only moves the block to the next";
    let roles = case.environments().unwrap_or_default().into_iter();
    let roles = roles.filter_map(|one| Some(case.of_environment(one, "serviceRole", one.service_role.clone()?)));
    let finding = blocked(case, why.to_owned()).facts(roles);
    found(finding.step(NextStep::elsewhere(
        "compare the role with the managed policy AWSBatchServiceRole, or use the service-linked role AWSServiceRoleForBatch",
    )))
}

fn configuration(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !has(case, "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED") {
        return Ok(None);
    }
    let why = "a type is not offered in the zones of the subnets, or the launch template clashes with it";
    let types = case.environments().unwrap_or_default().into_iter().filter_map(|one| {
        let resources = one.compute_resources.as_ref()?;
        Some(case.of_environment(one, "instanceTypes", resources.instance_types.join(", ")))
    });
    let words = "compare `aws ec2 describe-instance-type-offerings` with the zones; look at the launch template";
    found(blocked(case, why.to_owned()).facts(types).step(NextStep::elsewhere(words)))
}

/// The local engine says here too that all that would hold it are disabled.
fn every_environment(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !has(case, "ACTION_REQUIRED") {
        return Ok(None);
    }
    let environments = case.environments()?;
    let ill: Vec<_> = environments.iter().filter(|found| !takes_jobs(found)).copied().collect();
    let disabled = ill.iter().filter(|found| found.state == Switch::Disabled).count();
    let mut finding = blocked(case, "the queue has no environment that takes jobs and would hold it".to_owned());
    if disabled > 0 && disabled == ill.len() {
        finding = finding.titled("The environments that would hold it are disabled");
    }
    for one in &ill {
        finding = placing::state_of(case, finding, one);
    }
    for one in &ill {
        let name = one.compute_environment_name.clone();
        finding = if is_valid(one) {
            finding.step(NextStep::new(format!("enable the environment {name}"), Deed::EnableEnvironment(name)))
        } else {
            finding.step(NextStep::new(format!("see why {name} is ill"), Deed::WhyEnvironment(name)))
        };
    }
    found(finding.steps(free_the_queue(case)))
}

fn undetermined(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !has(case, "UNDETERMINED") {
        return Ok(None);
    }
    let why = "seen where Spot has no capacity, and with hosts that never register";
    found(blocked(case, why.to_owned()).steps(placing::open_environments(case)).steps(free_the_queue(case)))
}

/// By the local engine's own code, and otherwise by what is free of the resources that it takes.
fn consumable(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    let wanted = job.consumable_resource_properties.iter().flat_map(|all| &all.consumable_resource_list);
    let wanted: Vec<_> = wanted.collect();
    if wanted.is_empty() {
        return Err(Unread::BESIDE_THE_POINT);
    }
    let said = has(case, "CONSUMABLE_RESOURCE:");
    let known = match case.consumables() {
        Ok(known) => known,
        Err(_) if said => &[],
        Err(missing) => return Err(missing),
    };
    let mut never = case.status_reason().starts_with("CONSUMABLE_RESOURCE:INSUFFICIENT_TOTAL");
    let mut facts = Vec::new();
    for one in &wanted {
        let name = name_of(&one.consumable_resource);
        let Some(stock) = known.iter().find(|stock| stock.consumable_resource_name == name) else { continue };
        let quantity = u64::try_from(one.quantity).unwrap_or(0);
        if stock.available_quantity < quantity {
            never |= stock.total_quantity < quantity;
            let value = format!("{} free of {}; it takes {quantity}", stock.available_quantity, stock.total_quantity);
            facts.push(case.of_other(format!("consumable resource {name}"), value));
        }
    }
    if facts.is_empty() && !said {
        return Ok(None);
    }
    let why = if never {
        "it takes more than there is in all: it can never start"
    } else {
        "it waits at the head until other jobs give back what it takes, and those behind wait with it"
    };
    let mut finding = if said { blocked(case, why.to_owned()) } else { Finding::new(Certainty::Certain, why) };
    finding = finding.facts(facts).step(NextStep::elsewhere(
        "raise its total (`aws batch update-consumable-resource`), or end a job that holds it \
         (`aws batch list-jobs-by-consumable-resource`)",
    ));
    found(finding.steps(free_the_queue(case)))
}

/// Whether the job could be placed were all else well: some environment of its queue holds it.
pub fn fits_somewhere(case: &Case<'_>) -> Result<bool, Unread> {
    Ok(case.fits()?.iter().any(|(_, fit)| matches!(fit, Fit::Fits | Fit::Unknown)))
}

/// The sizes of the instances of the queue's environments, the largest first.
pub fn offers(case: &Case<'_>) -> Result<Vec<(String, needs::Offer)>, Unread> {
    let all = case.environments()?;
    let mut offers: Vec<_> = all.into_iter().filter_map(needs::offers).flatten().collect();
    offers.sort_by_key(|(_, offer)| std::cmp::Reverse((offer.vcpus, offer.memory_mib)));
    Ok(offers)
}
