//! RUNNABLE, because of the hosts: they are up and have not joined, lost their agent, or die at once.

use super::case::{Case, contains};
use super::cause::{Certainty, Fact, NextStep};
use super::placing::{open_environments, state_of};
use super::rule::{Finding, Unread, found};
use crate::model::{ComputeEnvironment, InstanceState, Millis};

/// A host that has not joined by then will not without help.
pub const JOINING: Millis = 5 * 60_000;

pub fn not_joined(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let mut finding = Finding::new(
        Certainty::Likely,
        "a host that is up and not in the cluster takes no job: its role, its way out of the subnet, its image or its agent",
    );
    let mut count = 0;
    for one in with_instances(case)? {
        let late = instances(one).filter(|host| {
            host.state == InstanceState::Pending && case.now - host.ready_at.unwrap_or(host.launched_at) > JOINING
        });
        for host in late {
            count += 1;
            let fact = case.of_environment(one, &format!("instance {}", host.instance_id), host.state.as_str());
            finding = finding.fact(fact.since(Some(host.launched_at)));
        }
    }
    let advice = "look at the engine's log and at agents/<instance>.log in its data directory";
    let advice = if case.evidence.is_local { advice } else { "check role, route, image and user data of the host" };
    Ok((count > 0).then(|| finding.step(NextStep::elsewhere(advice)).steps(open_environments(case))))
}

fn instances(one: &ComputeEnvironment) -> impl Iterator<Item = &crate::model::Instance> {
    one.capacity.iter().flat_map(|capacity| &capacity.instances)
}

/// The queue's environments whose instances are known; none of them known is a missing piece.
pub fn with_instances<'a>(case: &Case<'a>) -> Result<Vec<&'a ComputeEnvironment>, Unread> {
    let all = case.environments()?;
    if !all.is_empty() && all.iter().all(|one| one.capacity.is_none()) {
        return Err(unread_instances(&all));
    }
    Ok(all)
}

fn unread_instances(all: &[&ComputeEnvironment]) -> Unread {
    let why = all.iter().find_map(|one| one.capacity_unread.clone());
    let none = "they are told of no environment here (`aws ecs list-container-instances` tells those of a cluster)";
    Unread { what: "the instances", why: Some(why.unwrap_or_else(|| none.to_owned())) }
}

pub fn agent_gone(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    agents_gone(case, &case.environments()?.iter().map(|one| one.compute_environment_name.as_str()).collect::<Vec<_>>())
}

/// Agents of these environments that are not connected, or silent for long.
pub fn agents_gone(case: &Case<'_>, environments: &[&str]) -> Result<Option<Finding>, Unread> {
    const SILENT: u64 = 300;
    if !case.evidence.is_local && case.agents().is_err() {
        return without_agent(case, environments);
    }
    let gone = case.agents()?.iter().filter(|agent| {
        environments.contains(&agent.compute_environment.as_str())
            && (!agent.connected || agent.silent_seconds.is_some_and(|seconds| seconds > SILENT))
    });
    let facts: Vec<Fact> = gone
        .map(|agent| {
            let value = match agent.silent_seconds {
                Some(seconds) if agent.connected => format!("connected, and silent for {seconds} s"),
                _ => "not connected".to_owned(),
            };
            case.of_other(format!("agent of {} in {}", agent.instance_id, agent.compute_environment), value)
        })
        .collect();
    if facts.is_empty() {
        return Ok(None);
    }
    let why =
        "short gaps are normal; after a long one the agent is dead or its host starved, and the host still counts";
    found(
        Finding::new(Certainty::Likely, why)
            .facts(facts)
            .step(NextStep::elsewhere("take the instance away (`batchdeck interrupt ID --now`): another one comes")),
    )
}

/// Container instances whose ECS agent is not connected.
fn without_agent(case: &Case<'_>, environments: &[&str]) -> Result<Option<Finding>, Unread> {
    let Some(known) = case.evidence.environments.value() else {
        return Err(Unread { what: "the compute environments", why: None });
    };
    let is_meant = |one: &&ComputeEnvironment| environments.contains(&one.compute_environment_name.as_str());
    let all: Vec<_> = known.iter().filter(is_meant).collect();
    if all.iter().all(|one| one.capacity.is_none()) {
        return Err(unread_instances(&all));
    }
    let mut finding = Finding::new(
        Certainty::Likely,
        "ECS starts nothing where its agent is not connected; short gaps are normal while an agent is updated",
    );
    let mut count = 0;
    for (one, host) in all.into_iter().flat_map(|one| instances(one).map(move |host| (one, host))) {
        if host.agent_lost {
            count += 1;
            finding =
                finding.fact(case.of_environment(one, &format!("agent of {}", host.instance_id), "not connected"));
        }
    }
    let end = "look at the host (`systemctl status ecs`), or end it in EC2: another one comes";
    Ok((count > 0).then(|| finding.step(NextStep::elsewhere(end)).steps(open_environments(case))))
}

pub fn dies_at_once(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let dead = |one: &&ComputeEnvironment| {
        let said = |words: &str| one.status_reason.as_deref().is_some_and(|reason| contains(reason, words));
        said("none of the instances joined") || said("ended before they registered")
    };
    let dead: Vec<_> = case.environments()?.into_iter().filter(dead).collect();
    if dead.is_empty() {
        return Ok(None);
    }
    let mut finding =
        Finding::new(Certainty::Certain, "hosts that never joined are ended, and the environment goes INVALID");
    for one in dead {
        finding = state_of(case, finding, one);
    }
    if case.evidence.is_local {
        return found(
            finding.step(NextStep::elsewhere("mend what it is because of; it is tried again by itself while VALID")),
        );
    }
    found(finding.step(NextStep::elsewhere("check role, route, image and user data of its hosts; then update it")))
}
