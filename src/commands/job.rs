//! `job`: all of one job.

use super::error::exit;
use super::jobs::children;
use super::table::{Cell, Table, age, left, length, moment, right};
use super::world::World;
use super::{Done, now, resolve, watching};
use crate::cli::{Format, JobArgs};
use crate::model::{AttemptDetail, DependencyKind, JobDetail, Millis, ResourceRequirement, name_of, secret};
use crate::tui::words;

pub async fn run(args: &JobArgs, world: World) -> Done {
    let id = resolve::job(&*world.backend, &args.id).await?;
    let detail = watching::describe(&*world.backend, &id).await?;
    match args.output {
        Format::Json => world.output().json(&detail)?,
        Format::Table => {
            world.output().table(&facts(&detail, now()))?;
            if !detail.attempts.is_empty() {
                world.output().text("\n")?;
                world.output().table(&attempts(&detail.attempts))?;
            }
        }
    }
    Ok(exit::DONE)
}

/// Names and values, those that there are.
fn facts(job: &JobDetail, now: Millis) -> Table {
    let mut table = Table::new(&[left("JOB"), left("")]);
    let mut fact = |name: &str, value: Cell| table.row(vec![Cell::new(name), value]);
    let mut text = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fact(name, Cell::new(value));
        }
    };
    let extra = job.extra.as_deref();
    let container = job.container.as_ref();
    let stamp = |at: Option<Millis>| at.filter(|at| *at > 0).map(|at| format!("{} ({} ago)", moment(at), age(at, now)));
    text("id", Some(job.job_id.to_string()));
    text("name", Some(job.job_name.clone()));
    text("queue", Some(name_of(&job.job_queue).to_owned()));
    text("definition", Some(name_of(&job.job_definition).to_owned()));
    if let Some(service) = &job.service {
        text("service", Some(service.service_job_type.clone()));
        text("service's own", service.resource.clone());
        text("asks for", Some(service.asked()));
        text("request", Some(service.service_request_payload.clone()));
    }
    text("status", Some(status(job)));
    text("history", stamp(job.from_history()).map(|at| format!("AWS no longer has it; as it was seen {at}")));
    text("reason", job.status_reason.clone());
    text("container reason", container.and_then(|container| container.reason.clone()));
    text("exit code", container.and_then(|container| container.exit_code).map(|code| code.to_string()));
    text("submitted", stamp(Some(job.created_at)));
    text("started", stamp(job.started_at));
    text("ended", stamp(job.stopped_at));
    text("ran", job.started_at.zip(job.stopped_at).map(|(from, to)| length(to - from)));
    text("priority", extra.map(|extra| extra.priority.to_string()));
    // The children of an array have attempts, it has none.
    let is_parent = job.array_properties.as_ref().is_some_and(|array| array.size.is_some());
    let attempt = extra.filter(|_| !is_parent).map(|extra| match extra.attempt {
        0 => format!("none yet, {} at most", tries(job)),
        number => format!("{number} of {}", tries(job)),
    });
    text("attempt", attempt);
    text(
        "timeout",
        job.timeout.and_then(|timeout| timeout.attempt_duration_seconds).map(|s| length(Millis::from(s) * 1000)),
    );
    text("instance", extra.and_then(|extra| extra.instance.as_ref()).map(ToString::to_string));
    text(
        "uses",
        extra.and_then(|extra| extra.usage).map(|usage| {
            format!("{:.2} cores, {:.0} MiB (at most {:.0} MiB)", usage.cpu, usage.memory_mib, usage.peak_memory_mib)
        }),
    );
    if let Some(array) = &job.array_properties {
        text("array", array.size.map(|size| children(size, array.status_summary.as_ref())));
        text("index", array.index.map(|index| index.to_string()));
    }
    if let Some(nodes) = &job.node_properties {
        text("nodes", Some(format!("{}, led by node {}", nodes.num_nodes, nodes.main_node)));
    }
    if let Some(node) = &job.node_details {
        let main = if node.is_main_node { ", the main node" } else { "" };
        text("node", Some(format!("{}{main}", node.node_index)));
    }
    for container in job.ecs_properties.iter().flat_map(|ecs| &ecs.task_properties).flat_map(|task| &task.containers) {
        let given = &container.given;
        let code = container.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
        let reason = container.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
        let stream = container.log_stream_name.as_ref().map(|stream| format!(", log {stream}")).unwrap_or_default();
        let line = format!("{}: {} {}", given.name, given.image, command_line(&given.command));
        text("container", Some(format!("{}{code}{reason}{stream}", line.trim_end())));
    }
    for dependency in &job.depends_on {
        let kind = match dependency.kind {
            Some(DependencyKind::NToN) => " child by child",
            Some(DependencyKind::Sequential) => "one child after the other",
            None => "",
        };
        let id = dependency.job_id.as_ref().map(ToString::to_string).unwrap_or_default();
        text("depends on", Some(format!("{id}{kind}")));
    }
    if let Some(container) = container {
        text("image", Some(container.image.clone()));
        text("command", Some(command_line(&container.command)));
        text("asks for", Some(asks(&container.resource_requirements)));
        for variable in &container.environment {
            text("environment", Some(format!("{}={}", variable.name, secret::shown(&variable.name, &variable.value))));
        }
        text("log stream", container.log_stream_name.clone());
    }
    for (key, value) in &job.parameters {
        text("parameter", Some(format!("{key}={}", secret::shown(key, value))));
    }
    for (key, value) in &job.tags {
        text("tag", Some(format!("{key}={value}")));
    }
    table
}

fn status(job: &JobDetail) -> String {
    let stopping = job.extra.as_ref().is_some_and(|extra| extra.stopping);
    let held = job.extra.as_ref().is_some_and(|extra| extra.held);
    let marks = [
        (job.is_cancelled, ", cancelled"),
        (job.is_terminated, ", terminated"),
        (stopping, ", stopping"),
        (held, ", held"),
    ];
    let marks: String = marks.into_iter().filter_map(|(is, mark)| is.then_some(mark)).collect();
    format!("{}{marks}", job.status)
}

fn tries(job: &JobDetail) -> u32 {
    job.retry_strategy.as_ref().and_then(|strategy| strategy.attempts).unwrap_or(1)
}

fn asks(requirements: &[ResourceRequirement]) -> String {
    let one = |asked: &ResourceRequirement| match asked.kind.as_str() {
        "VCPU" => format!("{} vCPU", asked.value),
        "MEMORY" => format!("{} MiB", asked.value),
        other => format!("{} {other}", asked.value),
    };
    requirements.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The words as a shell would take them, so that a line can be copied; a long script is cut.
pub fn command_line(command: &[String]) -> String {
    const LONGEST: usize = 400;
    let line = words::join(command);
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn attempts(attempts: &[AttemptDetail]) -> Table {
    let mut table = Table::new(&[
        right("ATTEMPT"),
        left("STARTED"),
        right("RAN"),
        right("EXIT"),
        left("REASON"),
        left("LOG STREAM"),
    ]);
    for (at, attempt) in attempts.iter().enumerate() {
        let reasons = [attempt.status_reason.as_deref(), attempt.container.reason.as_deref()];
        table.row(vec![
            Cell::new((at + 1).to_string()),
            Cell::optional(attempt.started_at.map(moment)),
            Cell::optional(attempt.started_at.zip(attempt.stopped_at).map(|(from, to)| length(to - from))),
            Cell::optional(attempt.container.exit_code.map(|code| code.to_string())),
            Cell::new(reasons.into_iter().flatten().collect::<Vec<_>>().join(" · ")),
            Cell::optional(attempt.container.log_stream_name.as_ref()),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::table::Look;
    use crate::model::{
        AttemptContainerDetail, ContainerDetail, JobDependency, JobId, JobStatus, JobTimeout, KeyValuePair,
        RetryStrategy,
    };

    #[test]
    fn all_that_is_known_of_a_job_is_shown_and_nothing_that_is_not() {
        let pair = |name: &str, value: &str| KeyValuePair { name: name.to_owned(), value: value.to_owned() };
        let ask = |kind: &str, value: &str| ResourceRequirement { kind: kind.to_owned(), value: value.to_owned() };
        let job = JobDetail {
            job_id: JobId::from("3f2a77aa-0000-4000-8000-000000000001"),
            job_name: "resize".to_owned(),
            job_queue: "arn:aws:batch:us-east-1:1:job-queue/high".to_owned(),
            job_definition: "arn:aws:batch:us-east-1:1:job-definition/resize:3".to_owned(),
            status: JobStatus::Failed,
            status_reason: Some("too slow".to_owned()),
            is_terminated: true,
            created_at: 60_000,
            started_at: Some(120_000),
            stopped_at: Some(180_000),
            retry_strategy: Some(RetryStrategy { attempts: Some(3), ..RetryStrategy::default() }),
            timeout: Some(JobTimeout { attempt_duration_seconds: Some(600) }),
            depends_on: vec![JobDependency { job_id: Some(JobId::from("9c00")), kind: Some(DependencyKind::NToN) }],
            container: Some(ContainerDetail {
                image: "host".to_owned(),
                command: ["sh", "-c", "echo \"it's\"\nsleep 1"].map(str::to_owned).to_vec(),
                environment: vec![pair("MODE", "full")],
                resource_requirements: vec![ask("VCPU", "2"), ask("MEMORY", "512")],
                exit_code: Some(143),
                ..ContainerDetail::default()
            }),
            ..JobDetail::default()
        };
        insta::assert_snapshot!(facts(&job, 240_000).render(Look::default()));
        let attempt = AttemptDetail {
            container: AttemptContainerDetail {
                exit_code: Some(143),
                log_stream_name: Some("resize/default/aa".to_owned()),
                ..AttemptContainerDetail::default()
            },
            started_at: Some(120_000),
            stopped_at: Some(180_000),
            status_reason: Some("too slow".to_owned()),
            ..AttemptDetail::default()
        };
        insta::assert_snapshot!(attempts(&[attempt]).render(Look::default()));
    }

    #[test]
    fn an_array_has_no_attempt_and_a_job_that_has_not_started_none_yet() {
        let extra = crate::model::JobExtra::default();
        let mut job = JobDetail { extra: Some(Box::new(extra)), ..JobDetail::default() };
        let told = |job: &JobDetail| facts(job, 0).render(Look::default());
        assert!(told(&job).contains("attempt   none yet, 1 at most\n"), "{}", told(&job));
        job.array_properties = Some(crate::model::ArrayProperties { size: Some(3), ..Default::default() });
        assert!(!told(&job).contains("attempt"), "{}", told(&job));
    }

    #[test]
    fn a_command_line_can_be_copied_into_a_shell() {
        let line = |words: &[&str]| command_line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["make", "-j4", "A=b"]), "make -j4 A=b");
        assert_eq!(line(&["sh", "-c", "echo 'hi there'"]), r"sh -c 'echo '\''hi there'\'''");
        assert_eq!(line(&["echo", ""]), "echo ''");
    }
}
