//! FAILED: who or what ended it. The first that matches names the failure.

use super::case::{Case, contains, long};
use super::cause::{Certainty, Deed, NextStep};
use super::rule::{Finding, Rule, Unread, found, of_failed as rule};
use crate::model::{JobDetail, JobStatus};
use crate::triage::array;

pub const RULES: &[Rule] = &[
    rule("F2", "The queue's time limit cancelled it", "the queue's time limit", time_limit),
    rule("F3", "It ran into its timeout", "timeout", timed_out),
    rule("F1", "Somebody stopped it", "stopped by a person or a tool", stopped),
    rule("F4", "Its host went away", "a lost host", host_lost),
    rule("F5", "Fargate took its capacity back", "a Spot reclaim", spot_reclaim),
    rule("F6", "It ran out of memory", "out of memory", out_of_memory),
    rule("F7", "It was killed, and by whom is not proven", "killed from outside", killed),
    rule("F8", "A job that it depends on failed", "a failed dependency", dependency),
    rule("F9", "Children of the array failed", "failed children", children),
];

/// Letters of the numbers of children that failed alike.
const INDEXES: usize = 60;
const TIME_LIMIT: [&str; 2] = ["Canceled by JobStateTimeLimit", "Terminated by JobStateTimeLimit"];
pub const TIMED_OUT: &str = "Job attempt duration exceeded timeout";
const OUT_OF_MEMORY: [&str; 2] = ["OutOfMemoryError: Container killed due to memory usage", "OOMKilled"];

fn is_time_limit(case: &Case<'_>) -> bool {
    TIME_LIMIT.iter().any(|text| contains(case.status_reason(), text))
}

fn is_timeout(case: &Case<'_>) -> bool {
    contains(case.status_reason(), TIMED_OUT)
}

fn is_out_of_memory(case: &Case<'_>) -> bool {
    OUT_OF_MEMORY.iter().any(|text| contains(case.reason(), text))
}

/// Whether the service itself says what ended it, so that an exit code is no more than what came of that.
pub fn is_named(case: &Case<'_>) -> bool {
    is_time_limit(case) || is_timeout(case) || is_out_of_memory(case) || is_host_lost(case) || is_stopped(case)
}

fn is_stopped(case: &Case<'_>) -> bool {
    case.job.is_some_and(|job| job.is_cancelled || job.is_terminated)
}

fn is_host_lost(case: &Case<'_>) -> bool {
    contains(case.status_reason(), "Host EC2 (instance i-") && contains(case.status_reason(), "terminated")
}

fn stopped(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    if !is_stopped(case) || is_time_limit(case) || is_timeout(case) {
        return Ok(None);
    }
    let (flag, action) =
        if job.is_terminated { ("isTerminated", "TerminateJob") } else { ("isCancelled", "CancelJob") };
    let id = job.job_id.as_str();
    let entry = case.audit().iter().find(|entry| entry.action == action && entry.target == id);
    let ask = "ask AWS CloudTrail who called TerminateJob or CancelJob";
    let unknown = entry.is_none() && !case.evidence.is_local;
    found(
        Finding::new(Certainty::Certain, "its status reason is what they said")
            .fact(case.of_job(flag, "true"))
            .fact(case.of_job("statusReason", case.status_reason()))
            .facts(entry.map(|entry| case.of_audit(entry)))
            .steps(unknown.then(|| NextStep::elsewhere(ask)))
            .steps(case.resubmit(None, None, None)),
    )
}

fn time_limit(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !is_time_limit(case) {
        return Ok(None);
    }
    let code = case.status_reason().rsplit("reason:").next().unwrap_or_default().trim();
    let limits = case.queue().map(|queue| queue.job_state_time_limit_actions.as_slice()).unwrap_or_default();
    let limit = limits.iter().find(|limit| contains(code, &limit.reason));
    let queue = case.queue().ok();
    let told = limit.zip(queue).map(|(limit, queue)| {
        let value = format!("{} after {} s with {}", limit.action, limit.max_time_seconds, limit.reason);
        case.of_queue(queue, "jobStateTimeLimitActions", value)
    });
    found(
        Finding::new(Certainty::Certain, "it stood at the head of its queue with this code for too long")
            .fact(case.of_job("statusReason", case.status_reason()))
            .facts(told)
            .facts(case.asks())
            .steps(super::placing::smaller(case))
            .steps(super::placing::open_environments(case).into_iter().take(2)),
    )
}

fn ran(job: &JobDetail) -> Option<i64> {
    let attempt = job.attempts.last();
    let (from, to) = match attempt {
        Some(attempt) => (attempt.started_at, attempt.stopped_at),
        None => (job.started_at, job.stopped_at),
    };
    Some(to? - from?)
}

fn timed_out(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !is_timeout(case) {
        return Ok(None);
    }
    let job = case.job()?;
    let limit = job.timeout.and_then(|timeout| timeout.attempt_duration_seconds);
    let usual = case.runs().ok().and_then(|runs| runs.iter().filter_map(|one| one.duration).map(|one| one.p95).max());
    found(
        Finding::new(
            Certainty::Certain,
            "TERM, 30 s, KILL: an exit code of 137 is no sign of memory here; never retried",
        )
        .fact(case.of_job("statusReason", case.status_reason()))
        .facts(limit.map(|limit| case.of_job("timeout.attemptDurationSeconds", limit.to_string())))
        .facts(ran(job).map(|span| case.of_job("ran for", long(span))))
        .facts(
            usual
                .and_then(|ms| i64::try_from(ms).ok())
                .map(|ms| case.of_other("earlier runs, 95 of 100 within", long(ms))),
        )
        .steps(case.open_log())
        .step(NextStep::elsewhere("was it hung or slow? give it a longer timeout (`batchdeck submit --timeout`)"))
        .steps(case.resubmit(None, None, None)),
    )
}

fn host_lost(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !is_host_lost(case) {
        return Ok(None);
    }
    let job = case.job()?;
    let spot =
        case.environments().ok().map(|all| all.iter().all(|one| one.provisioning() == "SPOT") && !all.is_empty());
    let why = match spot {
        Some(true) => "on Spot this is a reclaim nearly always",
        Some(false) => "a Spot reclaim, a scale-in, a termination by hand, or broken hardware",
        None => "a Spot reclaim, a scale-in, a termination by hand, or a dead agent",
    };
    let interrupted = case
        .audit()
        .iter()
        .find(|entry| entry.action == "InterruptInstance" && case.status_reason().contains(entry.target.as_str()));
    let tries = job.retry_strategy.as_ref().and_then(|retry| retry.attempts).unwrap_or(1);
    let single = tries == 1;
    found(
        Finding::new(Certainty::Certain, why)
            .fact(case.of_job("statusReason", case.status_reason()))
            .facts(interrupted.map(|entry| case.of_audit(entry)))
            .fact(case.of_job("attempts", format!("{} of {tries}", job.attempts.len())))
            .steps(single.then(|| case.resubmit(None, None, Some(3))).flatten())
            .steps((!single).then(|| case.resubmit(None, None, None)).flatten())
            .step(NextStep::elsewhere(
                "add evaluateOnExit {onStatusReason: \"Host EC2*\", action: RETRY} to its definition",
            )),
    )
}

fn spot_reclaim(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    const TEXTS: [&str; 2] = ["SpotInterruption", "Spot Task was interrupted"];
    if !TEXTS.iter().any(|text| contains(case.reason(), text) || contains(case.status_reason(), text)) {
        return Ok(None);
    }
    found(
        Finding::new(Certainty::Likely, "FARGATE_SPOT takes capacity back when others pay for it")
            .facts(case.said(&TEXTS))
            .steps(case.resubmit(None, None, None)),
    )
}

/// Half more than it asked for, as far as an instance of its queue gives that.
fn more_memory(case: &Case<'_>) -> Option<u64> {
    let needs = case.needs().ok()?;
    let wanted = (needs.memory_mib * 3 / 2).next_multiple_of(64);
    // No more than the largest type of its queue gives.
    let most = super::told::offers(case).ok().and_then(|all| all.iter().map(|(_, offer)| offer.memory_mib).max());
    let wanted = most.map_or(wanted, |most| wanted.min(most));
    (wanted > needs.memory_mib).then_some(wanted)
}

fn out_of_memory(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !is_out_of_memory(case) {
        return Ok(None);
    }
    let job = case.job()?;
    let alike = job.attempts.iter().filter(|attempt| {
        attempt
            .container
            .reason
            .as_deref()
            .is_some_and(|reason| OUT_OF_MEMORY.iter().any(|text| contains(reason, text)))
    });
    let alike = alike.count();
    let usage = job.extra.as_ref().and_then(|extra| extra.usage);
    let seen = case.runs().unwrap_or_default().iter().filter_map(|one| one.peak_memory).map(|peak| peak.max).max();
    found(
        Finding::new(Certainty::Certain, "it reached the memory that it asked for, which is its hard limit")
            .fact(case.of_job("container.reason", case.reason()))
            .facts(case.exit_code().map(|code| case.of_job("exitCode", code.to_string())))
            .facts(case.asks())
            .facts(usage.map(|usage| case.of_job("peak", format!("{:.0} MiB", usage.peak_memory_mib))))
            .facts(seen.map(|mib| case.of_other("earlier runs used at most", format!("{mib} MiB"))))
            .facts(
                (job.attempts.len() > 1)
                    .then(|| case.of_job("attempts", format!("{alike} of {} died alike", job.attempts.len()))),
            )
            .steps(more_memory(case).and_then(|mib| case.resubmit(Some(mib), None, None)))
            .steps(case.open_log()),
    )
}

fn killed(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if case.exit_code() != Some(137) || is_named(case) {
        return Ok(None);
    }
    let why = "KILL: the host's own memory, a stop after TERM, or a tool of the application; memory is not proven";
    found(
        Finding::new(Certainty::Possible, why)
            .fact(case.of_job("exitCode", "137 (128 + KILL)"))
            .facts((!case.reason().is_empty()).then(|| case.of_job("container.reason", case.reason())))
            .facts(case.asks())
            .steps(case.open_log())
            .steps(more_memory(case).and_then(|mib| case.resubmit(Some(mib), None, None)))
            .steps(case.resubmit(None, None, None)),
    )
}

fn dependency(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !contains(case.status_reason(), "Dependent Job failed") {
        return Ok(None);
    }
    let failed = case.dependencies().unwrap_or_default().iter().filter(|job| job.status == JobStatus::Failed);
    // Those that failed by themselves, before those that failed with others.
    let mut failed: Vec<_> = failed.collect();
    failed.sort_by_key(|job| {
        let with_others = job.status_reason.as_deref().is_some_and(|reason| contains(reason, "Dependent Job failed"));
        (with_others, job.stopped_at)
    });
    let facts = failed.iter().take(3).map(|job| {
        let reason = job.status_reason.as_deref().unwrap_or("FAILED");
        case.of_other(format!("depends on {} ({})", job.job_name, job.job_id.short()), reason).since(job.stopped_at)
    });
    let first = failed
        .first()
        .map(|job| NextStep::new(format!("see why {} failed", job.job_name), Deed::WhyJob(job.job_id.clone())));
    found(
        Finding::new(Certainty::Certain, "it is not its own fault: it never started")
            .fact(case.of_job("statusReason", case.status_reason()))
            .facts(facts)
            .steps(first)
            .steps(case.resubmit(None, None, None)),
    )
}

fn children(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    let is_parent = job.array_properties.as_ref().is_some_and(|array| array.size.is_some());
    if !is_parent && !contains(case.status_reason(), "Array Child Job failed") {
        return Err(Unread::BESIDE_THE_POINT);
    }
    let failed = case.failed_children()?;
    if failed.is_empty() {
        return Ok(None);
    }
    let facts = array::failed(failed.iter()).into_iter().take(5).map(|way| {
        let field = format!("{} failed: {}", way.indexes.len(), way.ending);
        case.of_other(field, format!("children {}", array::ranges_within(way.indexes, INDEXES)))
    });
    let first = failed.iter().min_by_key(|child| child.stopped_at);
    let first = first.map(|child| {
        let index = child.job_id.part().map_or(0, |(_, index)| index);
        NextStep::new(format!("see why child {index} failed, the first one"), Deed::WhyJob(child.job_id.clone()))
    });
    found(
        Finding::new(Certainty::Certain, "one child that fails fails the array; the others run to their ends")
            .facts(facts)
            .steps(first)
            .step(NextStep::new("open the array", Deed::OpenJob(job.job_id.clone()))),
    )
}
