//! RUNNABLE, and the service is silent: derived from queues, environments, instances and the order of the queue.

use super::case::{Case, is_valid, long, takes_jobs};
use super::cause::{Certainty, Deed, Fact, NextStep};
use super::hosts::{JOINING, agent_gone, dies_at_once, not_joined, with_instances};
use super::needs::{Fit, Needs, Offer, hundredths, vcpus};
use super::rule::{About, Find, Finding, Rule, Unread, found};
use super::told::{fits_somewhere, offers};
use crate::model::{ComputeEnvironment, Health, JobQueue, Switch, name_of};

const fn rule(id: &'static str, title: &'static str, rules_out: &'static str, find: Find) -> Rule {
    Rule { id, title, about: About::Placeable, rules_out, find }
}

pub const RULES: &[Rule] = &[
    rule("R10", "No environment of the queue is enabled", "environments disabled", disabled),
    rule("R11", "The environment that would hold it is invalid", "environments invalid", invalid),
    rule("R28", "No environment of the queue is of its platform", "platform", platform),
    rule("R22", "A multi-node job does not run on Spot", "multi-node on Spot", nodes_on_spot),
    rule("R25", "No instance type has its GPUs", "GPUs", gpus),
    rule("R16", "It fits no instance type of its queue", "too large for every type", fits_no_type),
    rule("R17", "Instances are up and have not joined", "instances that never joined", not_joined),
    rule("R18", "An instance's agent is gone", "agents that are gone", agent_gone),
    rule("R31", "Instances come and die without joining", "instances that die at once", dies_at_once),
    rule("R24", "BEST_FIT waits for one type alone", "BEST_FIT", best_fit),
    rule("R12", "The environments are full", "environments full", full),
    rule("R13", "A big job at the head holds up the smaller ones", "a big job at the head", head_of_line),
    rule("R14", "Another queue goes before", "queues that go before", outranked),
    rule("R15", "Its share waits for its turn", "fair shares", fair_share),
    rule("R30", "There is room, and it is not placed", "room that is not used", not_placed),
    rule("R32", "It waits for Kubernetes", "Kubernetes", kubernetes),
];

/// What an environment says of itself, and who switched it off.
pub fn state_of(case: &Case<'_>, finding: Finding, one: &ComputeEnvironment) -> Finding {
    let name = &one.compute_environment_name;
    if one.state == Switch::Disabled {
        let entry = case.who_disabled("UpdateComputeEnvironment", name);
        let since = entry.map(|entry| entry.at);
        let finding = finding.fact(case.of_environment(one, "state", one.state.as_str()).since(since));
        return finding.facts(entry.map(|entry| case.of_audit(entry)));
    }
    let reason = one.status_reason.as_deref().unwrap_or_default();
    let value =
        if reason.is_empty() { one.status.as_str().to_owned() } else { format!("{}: {reason}", one.status.as_str()) };
    finding.fact(case.of_environment(one, "status", value))
}

pub fn open_environments(case: &Case<'_>) -> Vec<NextStep> {
    let all = case.environments().unwrap_or_default().into_iter();
    let open = all.map(|one| {
        let name = one.compute_environment_name.clone();
        NextStep::new(format!("open the environment {name}"), Deed::OpenEnvironment(name))
    });
    open.collect()
}

/// `maxvCpus` of each environment of the queue.
pub fn maxima(case: &Case<'_>) -> Result<Vec<Fact>, Unread> {
    let told = |one: &ComputeEnvironment| {
        let maximum = one.compute_resources.as_ref()?.maxv_cpus?;
        Some(case.of_environment(one, "maxvCpus", maximum.to_string()))
    };
    Ok(case.environments()?.into_iter().filter_map(told).collect())
}

/// The size of each environment's largest type.
pub fn largest(case: &Case<'_>) -> Result<Vec<Fact>, Unread> {
    let facts = case.fits()?.into_iter().filter_map(|(one, fit)| match fit {
        Fit::NoType { largest, offer, short } => {
            let value = format!("{largest} gives {offer}; too little: {}", short.join(", "));
            Some(case.of_environment(one, "instanceTypes", value))
        }
        Fit::PassesMaximum(maximum) => Some(case.of_environment(one, "maxvCpus", maximum.to_string())),
        Fit::Fits | Fit::Unknown => None,
    });
    Ok(facts.collect())
}

/// Raising the maximum of the first environment whose instances would hold the job.
pub fn raise(case: &Case<'_>) -> Option<NextStep> {
    let needs = case.needs().ok()?;
    let environments = case.environments().ok()?;
    let holds = |one: &&ComputeEnvironment| {
        super::needs::offers(one).is_none_or(|all| all.iter().any(|(_, offer)| needs.fits_in(*offer)))
    };
    let one = environments.into_iter().filter(|one| one.compute_resources.is_some()).find(holds)?;
    // An instance that holds it may be larger than what it asks for.
    let smallest = super::needs::offers(one)
        .and_then(|all| all.into_iter().filter(|(_, offer)| needs.fits_in(*offer)).map(|(_, offer)| offer.vcpus).min());
    let wanted = smallest.unwrap_or_else(|| needs.cpu.div_ceil(100)).max(needs.cpu.div_ceil(100));
    Some(to_maximum(one, i32::try_from(wanted).ok()?))
}

fn to_maximum(one: &ComputeEnvironment, maximum: i32) -> NextStep {
    let environment = one.compute_environment_name.clone();
    let words = format!("raise maxvCpus of {environment} to {maximum}");
    NextStep::new(words, Deed::SetMaximum { environment, vcpus: maximum })
}

/// Submitting it again with what the largest type of its queue gives.
pub fn smaller(case: &Case<'_>) -> Option<NextStep> {
    let needs = case.needs().ok()?;
    let limit = case.environments().ok()?.into_iter().filter_map(|one| one.compute_resources.as_ref()?.maxv_cpus).max();
    let limit = u64::try_from(limit.unwrap_or(i32::MAX)).unwrap_or(0);
    let all = offers(case).ok()?;
    // The type that takes as much of what it asks for as can be had.
    let given = |offer: &Offer| (needs.cpu.min(offer.vcpus.min(limit) * 100), needs.memory_mib.min(offer.memory_mib));
    let best = all.iter().filter(|(_, offer)| offer.gpus >= needs.gpus).map(|(_, offer)| given(offer)).max()?;
    let (cpu, memory) = best;
    if (cpu, memory) == (needs.cpu, needs.memory_mib) || cpu == 0 {
        return None;
    }
    case.resubmit((memory < needs.memory_mib).then_some(memory), (cpu < needs.cpu).then_some(cpu), None)
}

fn disabled(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    case.unless_told()?;
    let environments = case.environments()?;
    let off: Vec<_> = environments.iter().filter(|one| one.state == Switch::Disabled).copied().collect();
    if environments.is_empty() || off.is_empty() || environments.iter().any(|one| takes_jobs(one)) {
        return Ok(None);
    }
    let why = "nothing is placed in a disabled environment, and it does not grow; what runs there goes on";
    let mut finding = Finding::new(Certainty::Certain, why);
    for one in environments.iter().filter(|one| !takes_jobs(one)) {
        finding = state_of(case, finding, one);
    }
    let enable = off.iter().filter(|one| is_valid(one)).map(|one| {
        let name = one.compute_environment_name.clone();
        NextStep::new(format!("enable the environment {name}"), Deed::EnableEnvironment(name))
    });
    found(finding.steps(enable))
}

fn invalid(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    case.unless_told()?;
    let needs = case.needs()?;
    let environments = case.environments()?;
    let ill: Vec<_> = environments.iter().filter(|one| one.status == Health::Invalid).copied().collect();
    let other = environments.iter().any(|one| takes_jobs(one) && matches!(needs.fit(one), Fit::Fits | Fit::Unknown));
    if ill.is_empty() || other {
        return Ok(None);
    }
    let mut finding =
        Finding::new(Certainty::Certain, "an INVALID environment is passed over, and no other one holds the job");
    for one in ill {
        let name = one.compute_environment_name.clone();
        finding = state_of(case, finding, one);
        finding = finding.step(NextStep::new(format!("see why {name} is invalid"), Deed::WhyEnvironment(name)));
    }
    found(finding)
}

fn is_fargate(one: &ComputeEnvironment) -> bool {
    one.provisioning().starts_with("FARGATE")
}

fn platform(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    let environments = case.environments()?;
    let wants_fargate = match job.platform_capabilities.as_slice() {
        [one] => one == "FARGATE",
        _ => return Err(Unread::BESIDE_THE_POINT),
    };
    if environments.is_empty() || environments.iter().any(|one| is_fargate(one) == wants_fargate) {
        return Ok(None);
    }
    let kinds: Vec<&str> = environments.iter().map(|one| one.provisioning()).collect();
    let queue = case.queue()?;
    found(
        Finding::new(Certainty::Likely, "no environment of this queue can ever take it")
            .fact(case.of_job("platformCapabilities", job.platform_capabilities.join(", ")))
            .fact(case.of_queue(queue, "environments", kinds.join(", ")))
            .steps(case.evidence.is_local.then(|| to_another_queue(&job.job_id)))
            .steps(case.stop("cancel it, and submit it to a queue of its platform")),
    )
}

fn to_another_queue(id: &crate::model::JobId) -> NextStep {
    NextStep::new("move it to another queue", Deed::Move(id.clone()))
        .by(["move", id.as_str(), "--to", "…"].map(str::to_owned).to_vec())
}

fn nodes_on_spot(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    let Some(nodes) = &job.node_properties else { return Err(Unread::BESIDE_THE_POINT) };
    let environments = case.environments()?;
    if environments.is_empty() || environments.iter().any(|one| one.provisioning() != "SPOT") {
        return Ok(None);
    }
    let kinds = environments.iter().map(|one| case.of_environment(one, "type", "SPOT"));
    found(
        Finding::new(Certainty::Certain, "AWS Batch does not run multi-node parallel jobs on Spot")
            .fact(case.of_job("numNodes", nodes.num_nodes.to_string()))
            .facts(kinds)
            .step(NextStep::elsewhere("give the queue an on-demand environment"))
            .steps(case.stop("cancel it, and submit it to a queue with on-demand instances")),
    )
}

fn gpus(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    case.unless_told()?;
    let needs = case.needs()?;
    if needs.gpus == 0 {
        return Err(Unread::BESIDE_THE_POINT);
    }
    let all = offers(case)?;
    if all.is_empty() || all.iter().any(|(_, offer)| offer.gpus >= needs.gpus) {
        return Ok(None);
    }
    let most = all.iter().map(|(_, offer)| offer.gpus).max().unwrap_or(0);
    found(
        Finding::new(Certainty::Certain, "the GPUs of a job must be on one instance; Fargate has none")
            .facts(case.asks())
            .fact(case.of_other("GPUs of the largest instance of the queue", most.to_string()))
            .step(NextStep::elsewhere("add a type with that many GPUs, and an image for GPUs"))
            .steps(case.stop("cancel it and free the queue")),
    )
}

fn fits_no_type(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    case.unless_told()?;
    let needs = case.needs()?;
    let fits = case.fits()?;
    let never = |fit: &Fit| matches!(fit, Fit::NoType { .. } | Fit::PassesMaximum(_));
    let too_few_gpus = needs.gpus > 0 && offers(case)?.iter().all(|(_, offer)| offer.gpus < needs.gpus);
    if too_few_gpus || fits.is_empty() || !fits.iter().all(|(_, fit)| never(fit)) {
        return Ok(None);
    }
    let why =
        "no host gives all of its nominal memory: an instance of 8 GiB registers about 7,950 MiB, and this is too much";
    let by_memory = fits.iter().any(|(_, fit)| matches!(fit, Fit::NoType { short, .. } if *short == ["memory"]));
    let why = if by_memory { why } else { "it can never start as things stand: it does not fit" };
    found(
        Finding::new(Certainty::Likely, why)
            .facts(case.asks())
            .facts(largest(case)?)
            .steps(smaller(case))
            .steps(raise(case))
            .steps(case.stop("cancel it and free the queue")),
    )
}

fn best_fit(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !case.status_reason().starts_with("CAPACITY:") || case.evidence.is_local {
        return Err(Unread::BESIDE_THE_POINT);
    }
    let waits = |one: &&ComputeEnvironment| {
        let resources = one.compute_resources.as_ref();
        resources.is_some_and(|resources| {
            let strategy = resources.allocation_strategy.as_deref();
            resources.kind == "EC2" && strategy.is_none_or(|strategy| strategy == "BEST_FIT")
        })
    };
    let waiting: Vec<_> = case.environments()?.into_iter().filter(waits).collect();
    if waiting.is_empty() {
        return Ok(None);
    }
    let facts = waiting.iter().map(|one| case.of_environment(one, "allocationStrategy", "BEST_FIT"));
    let words = "make a new environment with BEST_FIT_PROGRESSIVE: this one cannot be changed in place";
    found(
        Finding::new(Certainty::Likely, "BEST_FIT waits for the type it chose instead of taking another")
            .facts(facts)
            .step(NextStep::elsewhere(words)),
    )
}

/// What an environment may still grow by, in hundredths of a vCPU.
fn room(one: &ComputeEnvironment) -> u64 {
    let Some(resources) = &one.compute_resources else { return 0 };
    let maximum = u64::try_from(resources.maxv_cpus.unwrap_or(i32::MAX)).unwrap_or(0) * 100;
    let has = match &one.capacity {
        Some(capacity) if is_fargate(one) => hundredths(capacity.vcpus_used),
        Some(capacity) => hundredths(capacity.vcpus),
        None => u64::try_from(resources.desiredv_cpus.unwrap_or(0)).unwrap_or(0) * 100,
    };
    maximum.saturating_sub(has)
}

/// Whether it has room for this now, or may grow by as much.
fn has_room(one: &ComputeEnvironment, needs: Needs) -> bool {
    needs.fits_now(one) == Some(true) || one.compute_resources.is_some() && room(one) >= needs.cpu.max(1)
}

fn use_of(case: &Case<'_>, one: &ComputeEnvironment) -> Fact {
    let maximum = one.compute_resources.as_ref().and_then(|resources| resources.maxv_cpus);
    let maximum = maximum.map_or("no maximum".to_owned(), |maximum| format!("maxvCpus {maximum}"));
    let value = match (&one.capacity, &one.compute_resources) {
        (Some(capacity), _) => {
            format!(
                "{} of {} vCPU in use, {maximum}",
                vcpus(hundredths(capacity.vcpus_used)),
                vcpus(hundredths(capacity.vcpus))
            )
        }
        (None, Some(resources)) => format!("desiredvCpus {}, {maximum}", resources.desiredv_cpus.unwrap_or(0)),
        (None, None) => maximum,
    };
    case.of_environment(one, "use", value)
}

fn full(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    case.unless_told()?;
    let needs = case.needs()?;
    let fits = case.fits()?;
    let possible: Vec<_> = fits
        .iter()
        .filter(|(one, fit)| takes_jobs(one) && matches!(fit, Fit::Fits | Fit::Unknown))
        .map(|(one, _)| *one)
        .collect();
    if possible.is_empty() || possible.iter().any(|one| has_room(one, needs)) {
        return Ok(None);
    }
    let raise = possible.iter().find(|one| one.compute_resources.is_some()).and_then(|one| {
        let maximum = one.compute_resources.as_ref()?.maxv_cpus?;
        let more = i32::try_from(needs.cpu.div_ceil(100)).ok()?.max(1);
        Some(to_maximum(one, maximum.saturating_add(more)))
    });
    found(
        Finding::new(Certainty::Likely, "they are at their ceiling: it starts when something ends there")
            .facts(case.asks())
            .facts(possible.iter().map(|one| use_of(case, one)))
            .steps(open_environments(case))
            .steps(raise),
    )
}

fn head_of_line(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let queue = case.queue()?;
    if queue.scheduling_policy_arn.is_some() || case.position()?.is_none_or(|at| at == 0) {
        return Ok(None);
    }
    let Some(head) = case.ahead()?.first() else { return Ok(None) };
    let (Some(big), needs) = (Needs::of(head), case.needs()?) else { return Ok(None) };
    let open: Vec<_> = case.environments()?.into_iter().filter(|one| takes_jobs(one)).collect();
    let stuck = !open.iter().any(|one| has_room(one, big))
        || head.status_reason.as_deref().is_some_and(|reason| !reason.is_empty());
    let would_fit = open.iter().any(|one| has_room(one, needs));
    if !stuck || !would_fit {
        return Ok(None);
    }
    let since = case.head()?.map(|(_, since)| since);
    let reason = head
        .status_reason
        .as_ref()
        .map(|reason| case.of_other(format!("job {} · statusReason", head.job_name), reason));
    let id = head.job_id.clone();
    let mut finding =
        Finding::new(Certainty::Likely, "first in, first out: what stands at the head is placed before all others")
            .fact(case.of_front("head", format!("{} ({}), asks for {big}", head.job_name, id.short())).since(since))
            .facts(reason)
            .facts(case.asks())
            .step(NextStep::new(format!("see why {} waits", head.job_name), Deed::WhyJob(id.clone())))
            .step(NextStep::new(format!("cancel {} and free the queue", head.job_name), Deed::Stop(id)));
    if case.evidence.is_local {
        finding = finding.step(NextStep::new("move this job to the front", Deed::Move(case.job()?.job_id.clone())));
    }
    found(finding)
}

fn outranked(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let queue = case.queue()?;
    let needs = case.needs()?;
    let open = case.environments()?;
    if open.iter().any(|one| takes_jobs(one) && has_room(one, needs)) || !fits_somewhere(case)? {
        return Ok(None);
    }
    let before = case.evidence.outranking.value();
    let unread = || Unread { what: "the queues that go before", why: super::missing(&case.evidence.outranking) };
    let before: Vec<&(String, _)> =
        before.ok_or_else(unread)?.iter().filter(|(_, front)| !front.front_of_queue.jobs.is_empty()).collect();
    if before.is_empty() {
        return Ok(None);
    }
    let queues = case.queues()?;
    let facts = before.iter().filter_map(|(name, front)| {
        let other = queues.iter().find(|queue| queue.job_queue_name == *name)?;
        let count = front.front_of_queue.jobs.len();
        let more = if count >= 100 { "+" } else { "" };
        Some(case.of_queue(other, "priority", format!("{}, {count}{more} waiting", other.priority)))
    });
    let open =
        before.iter().map(|(name, _)| NextStep::new(format!("open the queue {name}"), Deed::OpenQueue(name.clone())));
    let priority = NextStep::new(
        format!("give {} another priority", queue.job_queue_name),
        Deed::SetPriority(queue.job_queue_name.clone()),
    );
    found(
        Finding::new(Certainty::Likely, "queues that share environments are served by descending priority")
            .fact(case.of_queue(queue, "priority", queue.priority.to_string()))
            .facts(facts)
            .steps(open.take(1))
            .step(priority),
    )
}

fn fair_share(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    let queue = case.queue()?;
    let (Some(policy), Some(share)) = (&queue.scheduling_policy_arn, &job.share_identifier) else {
        return Err(Unread::BESIDE_THE_POINT);
    };
    if case.position()? == Some(0) {
        return Ok(None);
    }
    let front = case.evidence.front.value();
    let used = front.and_then(|front| front.queue_utilization.as_ref()?.fairshare_utilization.as_ref());
    let Some(used) = used else {
        return Err(Unread {
            what: "the use of shares",
            why: Some("the order of the queue does not tell it".to_owned()),
        });
    };
    let leads: Vec<String> = used
        .top_capacity_utilization
        .iter()
        .take(3)
        .map(|one| {
            format!("{} {}", one.share_identifier, amount(one.capacity_usage.first().map_or(0.0, |use_| use_.quantity)))
        })
        .collect();
    let leader = used.top_capacity_utilization.first().map(|one| one.share_identifier.as_str());
    if leader.is_none() {
        return Ok(None);
    }
    let why = if leader == Some(share.as_str()) {
        "its own share uses the most: others go before until it has less"
    } else {
        "the share with the least use by weight goes first; past use counts for as long as the policy says"
    };
    found(
        Finding::new(Certainty::Likely, why)
            .fact(case.of_job("shareIdentifier", share.clone()))
            .fact(case.of_front("vCPUs by share", leads.join(", ")))
            .fact(case.of_queue(queue, "schedulingPolicyArn", name_of(policy)))
            .step(NextStep::elsewhere("change the weights of the policy (`aws batch update-scheduling-policy`)")),
    )
}

fn amount(quantity: f64) -> String {
    vcpus(hundredths(quantity))
}

fn not_placed(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    case.unless_told()?;
    let needs = case.needs()?;
    let queue: &JobQueue = case.queue()?;
    let Some(since) = case.at_head_since()? else { return Ok(None) };
    if case.now - since < JOINING || queue.held || case.is_held() {
        return Ok(None);
    }
    let with_room =
        with_instances(case)?.into_iter().filter(|one| takes_jobs(one) && needs.fits_now(one) == Some(true));
    let facts: Vec<Fact> = with_room.map(|one| use_of(case, one)).collect();
    if facts.is_empty() {
        return Ok(None);
    }
    found(
        Finding::new(Certainty::Possible, "disk, ports, an attribute or a wedged host may stand in the way")
            .fact(case.of_front("at the head for", long(case.now - since)).since(Some(since)))
            .facts(facts)
            .steps(open_environments(case)),
    )
}

fn kubernetes(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    case.unless_told()?;
    let on_eks = |one: &&ComputeEnvironment| one.container_orchestration_type.as_deref() == Some("EKS");
    let on_eks: Vec<_> = case.environments()?.into_iter().filter(on_eks).collect();
    if on_eks.is_empty() {
        return Err(Unread::BESIDE_THE_POINT);
    }
    let facts = on_eks.iter().map(|one| case.of_environment(one, "containerOrchestrationType", "EKS"));
    let words = "look at `kubectl get nodes` and at the pod's events; check aws-auth, the namespace and its roles";
    found(
        Finding::new(Certainty::Possible, "nodes, roles or the namespace of the cluster may stand in the way")
            .facts(facts)
            .step(NextStep::elsewhere(words)),
    )
}
