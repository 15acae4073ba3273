//! FAILED before or while its container was set up: the words of ECS in `container.reason`.

use super::case::{Case, contains};
use super::cause::{Certainty, NextStep};
use super::rule::{Finding, Rule, Unread, found, of_failed as rule};
use crate::model::Millis;

pub const RULES: &[Rule] = &[
    rule("F12", "The disk was full", "disk full", disk_full),
    rule("F14", "Its image is of another architecture", "another architecture", architecture),
    rule("F10", "Its image could not be fetched", "image", image),
    rule("F11", "Its container could not be started", "the start of the container", container),
    rule("F13", "Docker or the agent was too slow", "a slow host", slow),
    rule("F15", "The agent could not set its task up", "the agent", agent),
    rule("F16", "Secrets, registry or volumes could not be had", "secrets and volumes", resources),
    rule("F17", "It failed to start, without a word why", "a silent failure to start", silent),
];

/// Room, or the quota.
const DISK: [&str; 4] = ["no space left on device", "Errno 28", "disk quota exceeded", "Errno 122"];
const FOREIGN: [&str; 2] = ["exec format error", "no match for platform"];

/// Whether the container's reason or the status reason holds the words.
fn told(case: &Case<'_>, words: &[&str]) -> bool {
    words.iter().any(|word| contains(case.reason(), word) || contains(case.status_reason(), word))
}

/// The text and the advice of the first entry whose words the reason holds.
fn split<'t>(
    case: &Case<'_>,
    table: &'t [(&[&str], &'static str, &'static str)],
) -> Option<&'t (&'t [&'t str], &'static str, &'static str)> {
    table.iter().find(|(words, _, _)| words.iter().any(|word| contains(case.reason(), word)))
}

fn by_reason(case: &Case<'_>, why: &str, advice: &'static str) -> Finding {
    let exit = case.exit_code().map(|code| case.of_job("exitCode", code.to_string()));
    Finding::new(Certainty::Certain, why)
        .fact(case.of_job("container.reason", case.reason()))
        .facts(exit)
        .step(NextStep::elsewhere(advice))
        .steps(case.resubmit(None, None, None))
}

fn image(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !contains(case.reason(), "CannotPullContainerError") || told(case, &DISK) || told(case, &FOREIGN) {
        return Ok(None);
    }
    let table: &[(&[&str], &str, &str)] = &[
        (
            &["not found", "manifest unknown", "does not exist", "no such image"],
            "there is no such image: the tag is wrong, or it was removed since",
            "check the name and the tag of the image",
        ),
        (
            &["no basic auth", "denied", "403", "unauthorized"],
            "it may not be fetched: the role or the login of the registry lacks the right",
            "check the right to pull of the execution role or of the registry's login",
        ),
        (
            &["toomanyrequests", "rate limit"],
            "the registry's limit of pulls is reached: a later try may do",
            "wait, log in to the registry, or keep a copy of the image nearer",
        ),
        (
            &["i/o timeout", "Client.Timeout", "dial tcp", "no route", "connection refused", "no such host"],
            "the registry could not be reached",
            "check the way from the host to the registry: route, endpoint, security group, name",
        ),
    ];
    let (why, advice) = split(case, table)
        .map_or(("no container ran, so there is no log", "try to fetch the image on the host"), |(_, why, advice)| {
            (*why, *advice)
        });
    let name = case.job()?.container.as_ref().map(|container| case.of_job("image", container.image.clone()));
    found(by_reason(case, why, advice).facts(name.filter(|fact| !fact.value.is_empty())))
}

fn container(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let words = ["CannotStartContainerError", "CannotCreateContainerError"];
    if !words.iter().any(|word| contains(case.reason(), word)) || told(case, &DISK) || told(case, &FOREIGN) {
        return Ok(None);
    }
    let table: &[(&[&str], &str, &str)] = &[
        (
            &["executable file not found", "no such file or directory"],
            "its command or entry point is not in the image",
            "check the command of the job definition",
        ),
        (
            &["failed to initialize logging driver", "failed to create Cloudwatch log stream"],
            "its log could not be made: role, group, or no way to CloudWatch Logs",
            "check logs:CreateLogStream of the role, and the log group",
        ),
        (&["nvidia-container-cli"], "the host has no driver for its GPUs", "use an image of the host for GPUs"),
        (&["mount", "efs"], "a volume could not be mounted", "check the volumes of the job definition"),
    ];
    let (why, advice) = split(case, table).map_or(
        ("the container runtime refused it", "check image, command and mounts of the job definition"),
        |(_, why, advice)| (*why, *advice),
    );
    let command = case.job()?.container.as_ref().map(|container| container.command.join(" "));
    let command = command.filter(|command| !command.is_empty()).map(|command| case.of_job("command", command));
    found(by_reason(case, why, advice).facts(command))
}

fn disk_full(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let Some(fact) = case.said(&DISK) else { return Ok(None) };
    let certainty = if told(case, &DISK) { Certainty::Certain } else { Certainty::Likely };
    let advice = if case.evidence.is_local {
        "free some of this machine's disk (`df -h`, `quota -s`, old images)"
    } else {
        "a larger volume in the launch template, fewer jobs a host, or ephemeralStorage on Fargate"
    };
    found(
        Finding::new(certainty, "images and scratch of all jobs of a host share its disk")
            .fact(fact)
            .step(NextStep::elsewhere(advice))
            .steps(case.open_log())
            .steps(case.resubmit(None, None, None)),
    )
}

fn architecture(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    let Some(fact) = case.said(&FOREIGN) else { return Ok(None) };
    let certainty = if told(case, &FOREIGN) { Certainty::Certain } else { Certainty::Likely };
    found(
        Finding::new(certainty, "the image was built for another CPU than the host's")
            .fact(fact)
            .step(NextStep::elsewhere("build the image for both, or send the job to a queue of its architecture")),
    )
}

fn slow(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    const WORDS: [&str; 4] =
        ["DockerTimeoutError", "Could not transition to", "CannotInspectContainerError", "CannotStopContainerError"];
    if !told(case, &WORDS) {
        return Ok(None);
    }
    let why = if contains(case.reason(), "CannotInspect") {
        "the host could not tell how it ended: its work may be done, look at what it wrote"
    } else {
        "a busy disk, many containers at once, or a full disk"
    };
    let fact = case.said(&WORDS);
    found(
        Finding::new(Certainty::Likely, why)
            .facts(fact)
            .steps(case.resubmit(None, None, None))
            .step(NextStep::elsewhere("a faster or larger volume; ECS_CONTAINER_START_TIMEOUT and _CREATE_TIMEOUT")),
    )
}

fn agent(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    const WORDS: [&str; 2] = ["CgroupError", "could not create task's platform resources"];
    let by_name = case.reason().starts_with("AGENT") || case.status_reason().starts_with("AGENT");
    if !told(case, &WORDS) && !by_name {
        return Ok(None);
    }
    let text = if case.reason().is_empty() { case.status_reason() } else { case.reason() };
    found(
        Finding::new(Certainty::Certain, "a passing fault of the host: another try may do")
            .fact(case.of_job("container.reason", text))
            .steps(case.resubmit(None, None, Some(3))),
    )
}

fn resources(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !told(case, &["ResourceInitializationError"]) {
        return Ok(None);
    }
    let text = if contains(case.reason(), "ResourceInit") { case.reason() } else { case.status_reason() };
    let table: [(&[&str], &str, &str); 4] = [
        (
            &["registry auth"],
            "the registry could not be asked: no way out of the subnet, or no public address",
            "give the task a public address (assignPublicIp) or endpoints for ecr.api, ecr.dkr and s3",
        ),
        (
            &["secret", "ssm", "asm"],
            "a secret could not be read: the execution role, or a wrong ARN",
            "check the secret's ARN and the rights of the execution role",
        ),
        (&["log stream"], "its log could not be made", "check logs:CreateLogStream of the execution role"),
        (&["EFS", "mount"], "a volume could not be mounted", "check the file system's mount targets and its role"),
    ];
    let split = table.iter().find(|(words, _, _)| words.iter().any(|word| contains(text, word)));
    let (why, advice) = split
        .map_or(("what it needs before its start could not be had", "read its reason to the end"), |found| {
            (found.1, found.2)
        });
    found(
        Finding::new(Certainty::Certain, why)
            .fact(case.of_job("container.reason", text))
            .step(NextStep::elsewhere(advice))
            .steps(case.resubmit(None, None, None)),
    )
}

/// ECS keeps stopped tasks for about an hour.
const ECS_KEEPS: Millis = 3_600_000;

fn silent(case: &Case<'_>) -> Result<Option<Finding>, Unread> {
    if !contains(case.status_reason(), "Task failed to start") || !case.reason().is_empty() {
        return Ok(None);
    }
    let job = case.job()?;
    let task = job.container.as_ref().and_then(|container| container.task_arn.clone());
    let is_recent = job.stopped_at.is_some_and(|at| case.now - at < ECS_KEEPS);
    let advice = match (case.evidence.is_local, is_recent) {
        (true, _) => "look at agents/<instance>.log in the engine's data directory",
        (false, true) => "ask `aws ecs describe-tasks` for stopCode and reason before the hour is over",
        (false, false) => "its detail was in ECS, which forgets stopped tasks after about an hour",
    };
    found(
        Finding::new(Certainty::Likely, "the detail is not in AWS Batch")
            .fact(case.of_job("statusReason", case.status_reason()))
            .facts(task.map(|task| case.of_job("taskArn", task)))
            .step(NextStep::elsewhere(advice))
            .steps(case.resubmit(None, None, None)),
    )
}
