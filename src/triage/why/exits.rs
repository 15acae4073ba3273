//! Jobs that ran and ended: by their exit code, by what their log says, and why there is no log.

use super::case::{Case, contains};
use super::cause::{Certainty, NextStep};
use super::failed::is_named;
use super::rule::{About, Find, Finding, Rule, Unread, found};
use crate::model::{EvaluateOnExit, JobStatus};

const FAILED: About = About::Jobs(&[JobStatus::Failed]);
const ENDED: About = About::Jobs(&[JobStatus::Running, JobStatus::Succeeded, JobStatus::Failed]);

const fn rule(id: &'static str, title: &'static str, about: About, rules_out: &'static str, find: Find) -> Rule {
    Rule { id, title, about, rules_out, find }
}

pub const RULES: &[Rule] = &[
    rule("F20", "It has no credentials for AWS", FAILED, "credentials", credentials),
    rule("F21", "It was denied what it asked of AWS", FAILED, "access denied", denied),
    rule("F18", "It ran and ended with an error of its own", FAILED, "", exited),
    rule("F19", "Its tries are used up, or do not apply", FAILED, "tries left", tries),
    rule("F22", "It failed before it succeeded", About::Jobs(&[JobStatus::Succeeded]), "failed tries", retried),
];

/// Why there is nothing to read: looked at last, as they explain no failure.
pub const LOGS: &[Rule] = &[
    rule("L1", "There is no log, as it never started", FAILED, "", never_started),
    rule("L2", "Its log goes elsewhere", ENDED, "", other_driver),
    rule("L6", "It has written nothing", ENDED, "", nothing_written),
];

fn credentials(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    const WORDS: [&str; 3] = ["Unable to locate credentials", "NoCredentialsError", "CredentialsV2Request"];
    case.log()?;
    let Some((line, at)) = case.log_line(&WORDS) else { return Ok(None) };
    let role = case.job()?.container.as_ref().and_then(|container| container.job_role_arn.clone());
    let advice = if role.is_some() {
        "many containers may ask the agent at once: retry in the SDK"
    } else {
        "set jobRoleArn in its definition"
    };
    found(
        Finding::new(Certainty::Likely, "it has no role, or the agent gave it no credentials in time")
            .fact(case.of_log(line, at))
            .fact(case.of_job("jobRoleArn", role.unwrap_or_else(|| "none".to_owned())))
            .steps(case.open_log())
            .step(NextStep::elsewhere(advice)),
    )
}

fn denied(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    const WORDS: [&str; 2] = ["AccessDenied", "not authorized to perform"];
    case.log()?;
    let Some((line, at)) = case.log_line(&WORDS) else { return Ok(None) };
    let role = case.job()?.container.as_ref().and_then(|container| container.job_role_arn.clone());
    found(
        Finding::new(Certainty::Likely, "its role lacks the right, or a policy of the bucket or the key refuses it")
            .fact(case.of_log(line, at))
            .facts(role.map(|role| case.of_job("jobRoleArn", role)))
            .steps(case.open_log())
            .step(NextStep::elsewhere("the line names action and resource: give the role that right")),
    )
}

/// What an exit code usually means (those above 128 are 128 and a signal).
fn meaning(code: i32) -> &'static str {
    match code {
        1 | 2 => "an error of the program",
        126 => "the command is not executable",
        127 => "the command was not found",
        130 => "interrupted (INT)",
        134 => "aborted (ABRT)",
        136 => "an arithmetic error (FPE)",
        139 => "a segmentation fault (SEGV)",
        143 => "TERM: terminated, a Spot notice, or a scale-in",
        255 => "an error of the program, or a code out of range",
        129..=192 => "ended by a signal",
        _ => "a code of the program's own",
    }
}

fn exited(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let Some(code) = case.exit_code().filter(|code| *code != 0 && *code != 137) else { return Ok(None) };
    if is_named(case) || !case.reason().is_empty() && contains(case.reason(), "Cannot") {
        return Ok(None);
    }
    let lines = case.evidence.log.value().map(|tail| tail.events.as_slice()).unwrap_or_default();
    let words = ["error", "exception", "fatal", "panic", "traceback", "failed"];
    let telling = case.log_line(&words).or_else(|| {
        let last = lines.iter().rev().find(|event| !event.message.trim().is_empty())?;
        Some((last.message.trim_end(), last.timestamp))
    });
    let good = case.runs().unwrap_or_default().iter().map(|one| one.succeeded).sum::<u64>();
    let bad = case.runs().unwrap_or_default().iter().map(|one| one.failed).sum::<u64>();
    found(
        Finding::new(
            Certainty::Likely,
            "the service says the same of every program that fails: code and log are the evidence",
        )
        .titled(format!("It ended with exit code {code}: {}", meaning(code)))
        .fact(case.of_job("exitCode", code.to_string()))
        .facts(telling.map(|(line, at)| case.of_log(line, at)))
        .facts(
            (good + bad > 0)
                .then(|| case.of_other("earlier tries of its definition", format!("{good} succeeded, {bad} failed"))),
        )
        .steps(case.open_log())
        .steps(case.resubmit(None, None, None)),
    )
}

/// Which entry of `evaluateOnExit` an attempt met (AWS Batch user guide, "Automated job retries").
fn entry_of<'e>(
    entries: &'e [EvaluateOnExit],
    code: Option<i32>,
    reason: &str,
    status: &str,
) -> Option<&'e EvaluateOnExit> {
    let fits = |pattern: Option<&str>, value: &str| {
        pattern.is_none_or(|pattern| match pattern.strip_suffix('*') {
            Some(head) => value.to_lowercase().starts_with(&head.to_lowercase()),
            None => value.eq_ignore_ascii_case(pattern),
        })
    };
    let code = code.map(|code| code.to_string()).unwrap_or_default();
    entries.iter().find(|entry| {
        fits(entry.on_exit_code.as_deref(), &code)
            && fits(entry.on_reason.as_deref(), reason)
            && fits(entry.on_status_reason.as_deref(), status)
    })
}

fn tries(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    let strategy = job.retry_strategy.as_ref();
    let most = strategy.and_then(|retry| retry.attempts).unwrap_or(1);
    let had = u32::try_from(job.attempts.len()).unwrap_or(u32::MAX);
    let entries = strategy.map(|retry| retry.evaluate_on_exit.as_slice()).unwrap_or_default();
    let last = job.attempts.last().map(|attempt| {
        let status = attempt.status_reason.as_deref().unwrap_or_default();
        entry_of(entries, attempt.container.exit_code, attempt.container.reason.as_deref().unwrap_or_default(), status)
    });
    let ended_by = last.flatten().filter(|entry| entry.action.eq_ignore_ascii_case("exit"));
    if had == 0 || most < 2 || had < most && ended_by.is_none() {
        return Ok(None);
    }
    let why = if ended_by.is_some() { "an entry of evaluateOnExit ended it" } else { "each of its tries has failed" };
    let entry = ended_by.map(|entry| {
        let parts = [
            ("onExitCode", &entry.on_exit_code),
            ("onReason", &entry.on_reason),
            ("onStatusReason", &entry.on_status_reason),
        ];
        let parts = parts.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
        case.of_job("evaluateOnExit", format!("{}: EXIT", parts.collect::<Vec<_>>().join(", ")))
    });
    let ends = job.attempts.iter().enumerate().map(|(at, attempt)| {
        let code = attempt.container.exit_code.map(|code| format!("exit {code}"));
        let reason = attempt.container.reason.clone().or_else(|| attempt.status_reason.clone());
        let value = [code, reason].into_iter().flatten().collect::<Vec<_>>().join(" ");
        case.of_job(&format!("attempt {}", at + 1), value).since(attempt.stopped_at)
    });
    found(
        Finding::new(Certainty::Note, why)
            .fact(case.of_job("attempts", format!("{had} of {most}")))
            .facts(entry)
            .facts(ends),
    )
}

fn retried(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let job = case.job()?;
    if job.attempts.len() < 2 {
        return Ok(None);
    }
    let failed = &job.attempts[..job.attempts.len() - 1];
    let lost: i64 = failed.iter().filter_map(|attempt| Some(attempt.stopped_at? - attempt.started_at?)).sum();
    let ends = failed.iter().enumerate().map(|(at, attempt)| {
        let code = attempt.container.exit_code.map(|code| format!("exit {code}"));
        let reason = attempt.container.reason.clone().or_else(|| attempt.status_reason.clone());
        let value = [code, reason].into_iter().flatten().collect::<Vec<_>>().join(" ");
        case.of_job(&format!("attempt {}", at + 1), value).since(attempt.stopped_at)
    });
    found(
        Finding::new(Certainty::Note, "tries that fail hide what they cost")
            .fact(case.of_job("lost in failed tries", super::case::long(lost)))
            .facts(ends)
            .steps(case.open_log()),
    )
}

fn never_started(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let tail = case.log()?;
    if !tail.is_missing {
        return Ok(None);
    }
    found(
        Finding::new(Certainty::Note, "a stream is made when a container starts; its name may be set all the same")
            .fact(case.of_other(format!("log stream {}", tail.stream), "does not exist")),
    )
}

fn other_driver(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let configuration = case.job()?.container.as_ref().and_then(|container| container.log_configuration.as_ref());
    let Some(configuration) = configuration else { return Ok(None) };
    if configuration.log_driver.is_empty() || configuration.log_driver == "awslogs" {
        return Ok(None);
    }
    found(
        Finding::new(Certainty::Note, "it is not in CloudWatch Logs")
            .fact(case.of_job("logConfiguration.logDriver", configuration.log_driver.clone())),
    )
}

fn nothing_written(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let tail = case.log()?;
    if tail.is_missing || !tail.events.is_empty() {
        return Ok(None);
    }
    found(
        Finding::new(Certainty::Note, "it prints nothing, or what it printed is still in its own buffer")
            .fact(case.of_other(format!("log stream {}", tail.stream), "no lines")),
    )
}
