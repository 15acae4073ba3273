//! RUNNING, and it looks stuck.

use super::case::{Case, long};
use super::cause::{Certainty, NextStep};
use super::hosts;
use super::rule::{About, Finding, Rule, Unread, found};
use crate::model::{JobStatus, Millis};

const MINUTE: Millis = 60_000;
/// Without a line for so long, a job is silent.
const SILENT: Millis = 15 * MINUTE;
/// A stop takes 30 seconds; after this it does not take.
const STOPPING: Millis = 2 * MINUTE;

const RUNNING: About = About::Jobs(&[JobStatus::Running]);

pub const RULES: &[Rule] = &[
    Rule {
        id: "X2",
        title: "It was told to end, and goes on",
        about: RUNNING,
        rules_out: "a stop that does not take",
        find: unending,
    },
    Rule {
        id: "R18",
        title: "Its host's agent is gone",
        about: RUNNING,
        rules_out: "an agent that is gone",
        find: agent,
    },
    Rule {
        id: "X1",
        title: "It takes far longer than usual, or is silent",
        about: RUNNING,
        rules_out: "far longer than usual, or silent",
        find: stuck,
    },
];

fn unending(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    let stopping = job.extra.as_ref().is_some_and(|extra| extra.stopping) || job.is_terminated || job.is_cancelled;
    if !stopping {
        return Ok(None);
    }
    let id = job.job_id.as_str();
    let asked = case
        .audit()
        .iter()
        .find(|entry| ["TerminateJob", "CancelJob"].contains(&entry.action.as_str()) && entry.target == id);
    if asked.is_some_and(|entry| case.now - entry.at < STOPPING) {
        return Ok(None);
    }
    // CancelJob leaves a job that has started alone, and says so nowhere.
    let cancelled = job.is_cancelled && !job.is_terminated;
    let why = if cancelled {
        "CancelJob does nothing to a job that has started"
    } else {
        "TERM is given 30 s, then KILL: after that its host or its agent is dead"
    };
    found(
        Finding::new(Certainty::Likely, why)
            .fact(case.of_job(if cancelled { "isCancelled" } else { "isTerminated" }, "true"))
            .facts(asked.map(|entry| case.of_audit(entry)))
            .steps(cancelled.then(|| case.stop("terminate it")).flatten())
            .step(NextStep::elsewhere("end its task (`aws ecs stop-task`), or take its host away")),
    )
}

fn agent(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let Some(host) = case.job()?.extra.as_ref().and_then(|extra| extra.instance.as_ref()) else { return Ok(None) };
    let agents = case.agents()?.iter().filter(|agent| agent.instance_id == *host);
    let environments: Vec<&str> = agents.map(|agent| agent.compute_environment.as_str()).collect();
    let is_its = |finding: &Finding| format!("{finding:?}").contains(host.0.as_str());
    Ok(hosts::agents_gone(case, &environments)?.filter(is_its))
}

fn stuck(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    let Some(started) = job.started_at else { return Ok(None) };
    let age = case.now - started;
    let usual = case.runs().unwrap_or_default().iter().filter_map(|one| one.duration).map(|one| one.p50).max();
    let usual = usual.and_then(|ms| Millis::try_from(ms).ok()).filter(|ms| *ms > 0);
    let is_long = usual.is_some_and(|usual| age > 3 * usual && age > MINUTE);
    let last_line = case.evidence.log.value().and_then(|tail| tail.events.last()).map(|event| event.timestamp);
    let quiet = case.now - last_line.unwrap_or(started);
    let is_silent = case.evidence.log.value().is_some_and(|tail| !tail.is_missing) && quiet > SILENT;
    if !is_long && !is_silent {
        return Ok(None);
    }
    let limit = job.timeout.and_then(|timeout| timeout.attempt_duration_seconds);
    let certainty = if is_long && is_silent { Certainty::Likely } else { Certainty::Possible };
    let usage = job.extra.as_ref().and_then(|extra| extra.usage);
    found(
        Finding::new(certainty, "a process that hangs, a dead host, or more work than usual")
            .fact(case.of_job("startedAt", format!("runs for {}", long(age))).since(Some(started)))
            .facts(usual.map(|usual| case.of_other("earlier runs, in the middle", long(usual))))
            .facts(is_silent.then(|| case.of_other("log", format!("no line for {}", long(quiet))).since(last_line)))
            .facts(usage.map(|usage| case.of_job("cpu", format!("{:.2} cores", usage.cpu))))
            .fact(
                case.of_job(
                    "timeout",
                    limit.map_or("none: it may run for ever".to_owned(), |limit| format!("{limit} s")),
                ),
            )
            .steps(case.open_log())
            .steps(case.stop("terminate it")),
    )
}
