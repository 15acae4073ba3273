//! Waiting as it should: no fault, and said so.

use super::case::{Case, long, takes_jobs};
use super::cause::{Certainty, Deed, NextStep};
use super::rule::{About, Finding, Rule, Unread, found};
use crate::model::{InstanceState, JobStatus, Millis};

const MINUTE: Millis = 60_000;
/// A cold environment takes two to ten minutes.
const COLD: Millis = 10 * MINUTE;
const FRESH: Millis = 5 * MINUTE;
/// A head that stands for longer is looked at as blocked.
const HEAD: Millis = 5 * MINUTE;

pub const RULES: &[Rule] = &[
    Rule { id: "N1", title: "An environment is growing for it", about: About::Placeable, rules_out: "", find: growing },
    Rule { id: "N2", title: "It waits its turn", about: About::Placeable, rules_out: "", find: turn },
    Rule {
        id: "N3",
        title: "It waits for its own children",
        about: About::Jobs(&[JobStatus::Pending]),
        rules_out: "",
        find: parent,
    },
];

fn growing(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if case.age() > COLD || case.has_code() {
        return Ok(None);
    }
    let open: Vec<_> = case.environments()?.into_iter().filter(|one| takes_jobs(one)).collect();
    let mut facts = Vec::new();
    for one in open {
        let hosts = one.capacity.iter().flat_map(|capacity| &capacity.instances);
        let fresh = hosts.filter(|host| host.state == InstanceState::Pending && case.now - host.launched_at <= FRESH);
        facts.extend(fresh.map(|host| {
            let ready =
                host.ready_at.filter(|at| *at > case.now).map(|at| format!(", ready in {}", long(at - case.now)));
            let value = format!("PENDING{}", ready.unwrap_or_default());
            case.of_environment(one, &format!("instance {}", host.instance_id), value).since(Some(host.launched_at))
        }));
        let resources = one.compute_resources.as_ref().filter(|_| one.capacity.is_none());
        let desired = resources.and_then(|resources| resources.desiredv_cpus).filter(|desired| *desired > 0);
        facts.extend(desired.map(|desired| case.of_environment(one, "desiredvCpus", desired.to_string())));
    }
    if facts.is_empty() {
        return Ok(None);
    }
    found(
        Finding::new(Certainty::Note, "an instance must boot and its agent register; cold, that takes 2 to 10 minutes")
            .facts(facts),
    )
}

fn turn(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let position = case.position()?;
    let Some((head, since)) = case.head()? else { return Ok(None) };
    if position == Some(0) || case.now - since > HEAD || case.is_held() {
        return Ok(None);
    }
    let name = case.ahead().unwrap_or_default().first().map(|job| job.job_name.clone()).unwrap_or_default();
    let place = position.map_or("behind the first 100".to_owned(), |at| format!("{at} in front of it"));
    found(
        Finding::new(Certainty::Note, "first in, first out, or by shares and priority: others come first")
            .fact(case.of_front("place", place))
            .fact(case.of_front("head", format!("{name} ({})", head.short())).since(Some(since)))
            .steps(
                case.queue_name()
                    .map(|name| NextStep::new(format!("open the queue {name}"), Deed::OpenQueue(name.to_owned()))),
            ),
    )
}

fn parent(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    let counts = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
    let Some(counts) = counts.filter(|counts| {
        [JobStatus::Runnable, JobStatus::Starting, JobStatus::Running, JobStatus::Succeeded, JobStatus::Failed]
            .iter()
            .any(|status| counts.get(*status) > 0)
    }) else {
        return Ok(None);
    };
    let told = JobStatus::ALL.into_iter().filter(|status| counts.get(*status) > 0);
    let told: Vec<String> = told.map(|status| format!("{} {status}", counts.get(status))).collect();
    found(
        Finding::new(Certainty::Note, "the parent of an array stays PENDING until all its children have ended")
            .fact(case.of_job("statusSummary", told.join(", ")))
            .step(NextStep::new("open its children", Deed::OpenJob(job.job_id.clone()))),
    )
}
