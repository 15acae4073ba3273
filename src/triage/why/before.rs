//! Before it may be placed, and while it is being started.

use super::case::{Case, long};
use super::cause::{Certainty, Deed, NextStep};
use super::hosts;
use super::rule::{About, Find, Finding, Rule, Unread, found};
use crate::model::{HOST_IMAGE, JobDetail, JobStatus, Lineage, Millis};
use crate::triage::lineage;

const MINUTE: Millis = 60_000;
/// From then on a start is long, and from then on it hangs.
const LONG_START: Millis = 3 * MINUTE;
const HUNG_START: Millis = 10 * MINUTE;

const PENDING: About = About::Jobs(&[JobStatus::Submitted, JobStatus::Pending]);
const STARTING: About = About::Jobs(&[JobStatus::Starting]);

const fn rule(id: &'static str, title: &'static str, about: About, rules_out: &'static str, find: Find) -> Rule {
    Rule { id, title, about, rules_out, find }
}

pub const RULES: &[Rule] = &[
    rule("P1", "It waits for other jobs", PENDING, "dependencies", dependency),
    rule("P2", "A job that it depends on is not there any more", PENDING, "dependencies", dependency_gone),
    rule("P6", "The agent hangs while it starts the job", STARTING, "an agent that hangs", hung_start),
    rule("P7", "It waits for another container of its task", STARTING, "containers that wait for each other", siblings),
    rule("P4", "Its image is long in coming", STARTING, "a long start", long_start),
];

fn dependency(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    if job.depends_on.is_empty() {
        return Err(Unread::BESIDE_THE_POINT);
    }
    let known = case.dependencies()?;
    let direct = |id: &crate::model::JobId| known.iter().find(|job| job.job_id == *id);
    let unmet: Vec<_> = job
        .depends_on
        .iter()
        .filter_map(|dependency| direct(dependency.job_id.as_ref()?))
        .filter(|job| job.status != JobStatus::Succeeded)
        .collect();
    let jobs = known.iter().chain([job]).cloned().collect();
    let read = Lineage { job: job.job_id.clone(), at: case.now, jobs, left_out: Vec::new() };
    let root = lineage::root_blocker(&read, &job.job_id);
    // One that is not there any more is another rule's.
    let Some(root) = root.and_then(|root| direct(&root.id)).or(unmet.first().copied()) else { return Ok(None) };
    let told = |other: &JobDetail| {
        let since = other.extra.as_ref().map(|extra| extra.state_since).or(other.started_at);
        let reason = other.status_reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let value = format!("{}{reason}", other.status);
        case.of_other(format!("depends on {} ({})", other.job_name, other.job_id.short()), value).since(since)
    };
    let why = if root.status == JobStatus::Failed {
        "one of them has failed: this one fails with it as soon as the service sees it"
    } else {
        "each of them must succeed before it may be placed"
    };
    let mut finding = Finding::new(Certainty::Certain, why).facts(unmet.iter().take(5).map(|job| told(job)));
    if !unmet.iter().any(|job| job.job_id == root.job_id) {
        finding = finding.fact(case.of_other(
            "at the root of the chain",
            format!("{} ({}), {}", root.job_name, root.job_id.short(), root.status),
        ));
    }
    let words = format!("see why {} is {}", root.job_name, root.status);
    found(
        finding
            .step(NextStep::new(words, Deed::WhyJob(root.job_id.clone())))
            .step(NextStep::new(format!("open {}", root.job_name), Deed::OpenJob(root.job_id.clone()))),
    )
}

fn dependency_gone(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    if job.depends_on.is_empty() {
        return Err(Unread::BESIDE_THE_POINT);
    }
    let known = case.dependencies()?;
    let ids = job.depends_on.iter().filter_map(|dependency| dependency.job_id.as_ref());
    let gone: Vec<_> = ids.filter(|id| known.iter().all(|job| job.job_id != **id)).collect();
    if gone.is_empty() {
        return Ok(None);
    }
    let facts = gone.iter().map(|id| case.of_other(format!("depends on {}", id.short()), "not found"));
    found(
        Finding::new(Certainty::Possible, "it may have been forgotten: ended jobs are kept for some days")
            .facts(facts)
            .steps(case.resubmit(None, None, None))
            .steps(case.stop("cancel it")),
    )
}

fn image(job: &JobDetail) -> Option<&str> {
    let image = job.container.as_ref().map(|container| container.image.as_str());
    image.filter(|image| !image.is_empty() && *image != HOST_IMAGE)
}

fn long_start(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let Some(image) = image(case.job()?) else { return Ok(None) };
    if case.age() < LONG_START {
        return Ok(None);
    }
    let local = "see how far it is with `docker pull` or `podman pull` on this machine";
    let aws = "keep the image in a registry of the same region, make it smaller, let hosts keep it \
               (ECS_IMAGE_PULL_BEHAVIOR=prefer-cached)";
    found(
        Finding::new(Certainty::Possible, "the time in which an image is fetched counts as STARTING")
            .fact(case.of_job("status", format!("STARTING for {}", long(case.age()))).since(case.since()))
            .fact(case.of_job("image", image))
            .step(NextStep::elsewhere(if case.evidence.is_local { local } else { aws })),
    )
}

fn hung_start(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if case.age() < HUNG_START {
        return Ok(None);
    }
    let job = case.job()?;
    let host = job.extra.as_ref().and_then(|extra| extra.instance.clone());
    let environments: Vec<&str> = match &host {
        Some(host) => {
            let agents = case.agents()?.iter().filter(|agent| agent.instance_id == *host);
            agents.map(|agent| agent.compute_environment.as_str()).collect()
        }
        None => return Err(Unread { what: "the job's host", why: Some("this backend does not tell it".to_owned()) }),
    };
    let gone = hosts::agents_gone(case, &environments)?;
    Ok(gone.map(|gone| {
        gone.fact(case.of_job("status", format!("STARTING for {}", long(case.age()))).since(case.since()))
            .steps(case.stop("terminate it"))
    }))
}

fn siblings(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    let task = job.ecs_properties.iter().flat_map(|task| &task.task_properties);
    let waiting = task.flat_map(|task| &task.containers).filter(|one| !one.given.depends_on.is_empty());
    let facts: Vec<_> = waiting
        .map(|one| {
            let on = one.given.depends_on.iter().map(|on| on.container_name.as_str());
            case.of_job(&format!("container {} · dependsOn", one.given.name), on.collect::<Vec<_>>().join(", "))
        })
        .collect();
    if facts.is_empty() {
        return Ok(None);
    }
    found(Finding::new(Certainty::Possible, "what a container waits for counts as STARTING").facts(facts))
}
