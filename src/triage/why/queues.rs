//! The queue itself: switched off, ill, or held by an operator here.

use super::case::{Case, is_valid};
use super::cause::{Certainty, Deed, NextStep};
use super::rule::{About, Finding, Rule, Unread, found};
use crate::model::{Health, JobQueue, JobStatus, Subject, Switch};

pub const RULES: &[Rule] = &[
    Rule {
        id: "H1",
        title: "An operator holds it back",
        about: About::Jobs(&[JobStatus::Submitted, JobStatus::Pending, JobStatus::Runnable]),
        rules_out: "held by an operator",
        find: held_job,
    },
    Rule {
        id: "H2",
        title: "An operator holds its queue",
        about: About::Queues,
        rules_out: "held by an operator",
        find: held_queue,
    },
    Rule {
        id: "P3",
        title: "The queue is disabled or not valid",
        about: About::Queues,
        rules_out: "queue disabled or invalid",
        find: disabled,
    },
];

fn held_job(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    if !case.is_held() {
        return Ok(None);
    }
    let entry =
        case.audit().iter().find(|entry| entry.action.starts_with("Hold") && entry.target == job.job_id.as_str());
    found(
        Finding::new(Certainty::Certain, "it is passed over until it is released; what stands behind it goes on")
            .fact(case.of_job("held", "true").since(entry.map(|entry| entry.at)))
            .facts(entry.map(|entry| case.of_audit(entry)))
            .step(NextStep::new("release it", Deed::ReleaseJob(job.job_id.clone()))),
    )
}

fn held_queue(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let queue = case.queue()?;
    if !queue.held {
        return Ok(None);
    }
    let name = queue.job_queue_name.clone();
    let entry = case.audit().iter().find(|entry| entry.action.starts_with("Hold") && entry.target == name);
    found(
        Finding::new(Certainty::Certain, "none of its jobs is started until it is released; what runs goes on")
            .fact(case.of_queue(queue, "held", "true").since(entry.map(|entry| entry.at)))
            .facts(entry.map(|entry| case.of_audit(entry)))
            .step(NextStep::new(format!("release the queue {name}"), Deed::ReleaseQueue(name))),
    )
}

/// On AWS a disabled queue takes no submissions and what is in it goes on; the local engine starts none of its jobs.
fn disabled(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let queue: &JobQueue = case.queue()?;
    if queue.state == Switch::Enabled && matches!(queue.status, Health::Valid | Health::Updating) {
        return Ok(None);
    }
    let name = &queue.job_queue_name;
    let is_off = queue.state == Switch::Disabled;
    let waits = case.job.is_some_and(|job| job.status.is_waiting()) && matches!(case.evidence.subject, Subject::Job(_));
    // AWS says that jobs in a disabled queue can finish: of those it is no certain cause.
    let certainty = if waits && is_off && !case.evidence.is_local { Certainty::Note } else { Certainty::Certain };
    let why = match (is_off, case.evidence.is_local) {
        (true, true) => "no job can be submitted to it, and none of those in it is started",
        (true, false) => "no job can be submitted to it; AWS says that those in it can finish",
        (false, _) => "a queue that is not VALID takes and starts no jobs",
    };
    let entry = case.who_disabled("UpdateJobQueue", name).filter(|_| is_off);
    let mut finding = Finding::new(certainty, why);
    if is_off {
        finding = finding
            .titled("The queue is disabled")
            .fact(case.of_queue(queue, "state", queue.state.as_str()).since(entry.map(|entry| entry.at)))
            .facts(entry.map(|entry| case.of_audit(entry)))
            .step(NextStep::new(format!("enable the queue {name}"), Deed::EnableQueue(name.clone())));
    } else {
        let reason = queue.status_reason.as_deref().unwrap_or_default();
        finding = finding.titled(format!("The queue is {}", queue.status.as_str())).fact(case.of_queue(
            queue,
            "status",
            format!("{} {reason}", queue.status.as_str()).trim(),
        ));
        let ill = case.environments().unwrap_or_default().into_iter().filter(|one| !is_valid(one));
        finding = finding.steps(ill.map(|one| {
            let name = one.compute_environment_name.clone();
            NextStep::new(format!("see why {name} is ill"), Deed::WhyEnvironment(name))
        }));
    }
    found(finding)
}
