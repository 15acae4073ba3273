//! `submit`, and making a request from what a person wrote.

use super::error::{CommandError, Doing, exit};
use super::output::Output;
use super::watching::Watching;
use super::world::{Setting, World};
use super::{Done, resolve, submit_service};
use crate::backend::BackendError;
use crate::cli::{Among, DependsOn, Format, Pair, SubmitArgs, WhatToRun};
use crate::model::{
    ArrayProperties, ConsumableResourceProperties, ConsumableResourceRequirement, ContainerOverrides, DependencyKind,
    EvaluateOnExit, JobDependency, JobDetail, JobId, JobQueue, JobStatus, JobTimeout, KeyValuePair, NodeOverrides,
    NodePropertyOverride, ResourceRequirement, RetryStrategy, SubmitJobRequest, SubmitJobResponse, name_of,
    text::printable, validate,
};
use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

/// The variable by which a job on this machine is told where to run.
const WORKDIR: &str = "BATCHDECK_WORKDIR";

/// From then on a job that waits is told with how to find out why.
const PATIENCE: Duration = Duration::from_secs(10);

const SUBMITTING: &str = "submitting the job";

pub async fn run(args: &SubmitArgs, setting: Setting) -> Done {
    setting.require_writable("submit")?;
    if args.what.workdir.is_some() {
        setting.require_local("--workdir")?;
    }
    check(&args.what)?;
    // What is wrong with a file is told before an engine is started for it.
    let of_service = args.payload.as_deref().map(|file| submit_service::request(args, file)).transpose()?;
    let world = setting.open().await?;
    let mut dependencies = Vec::new();
    for dependency in &args.depends_on {
        dependencies.push(depends_on(&world, dependency).await?);
    }
    let answer = match of_service {
        Some(request) => submit_service::submit(args, request, &world).await?,
        None => submit(&args.what, dependencies, &world).await?,
    };
    let output = world.output();
    match args.output {
        Format::Json => output.json(&answer)?,
        Format::Table => output.text(&format!("{}\n", answer.job_id))?,
    }
    if args.wait { wait(&world, &answer.job_id).await } else { Ok(exit::DONE) }
}

/// Submits to a queue that is named without asking first what is there: a queue or a definition that is not is told with
/// those that are once the service has refused it.
async fn submit(
    what: &WhatToRun,
    depends_on: Vec<JobDependency>,
    world: &World,
) -> Result<SubmitJobResponse, CommandError> {
    let (Some(queue), None) = (what.queue.as_deref(), what.priority) else {
        let (mut request, queue) = request(what, world).await?;
        request.depends_on = depends_on;
        let answer = world.backend.submit_job(request).await.doing(SUBMITTING)?;
        if let Some(priority) = what.priority {
            place(world, &queue, &answer.job_id, priority).await;
        }
        return Ok(answer);
    };
    let mut request = compose(what, name_of(queue), &what.definition)?;
    request.depends_on = depends_on;
    let refusal = match world.backend.submit_job(request).await {
        Err(refusal @ (BackendError::Refused { .. } | BackendError::NotFound { .. })) => refusal,
        answer => return answer.doing(SUBMITTING),
    };
    match self::request(what, world).await {
        Err(missing) if missing.tells_what_is_there() => Err(missing),
        _ => Err(refusal).doing(SUBMITTING),
    }
}

/// Checks what can be known to be wrong before anything is asked or sent.
pub fn check(what: &WhatToRun) -> Result<(), CommandError> {
    what.name.as_deref().map_or(Ok(()), validate::job_name)?;
    what.array.map_or(Ok(()), validate::array_size)?;
    what.priority.map_or(Ok(()), validate::scheduling_priority)?;
    what.timeout.map_or(Ok(()), |timeout| validate::timeout(timeout.0))?;
    what.attempts.map_or(Ok(()), validate::attempts)?;
    what.env.iter().try_for_each(|pair| validate::variable(&pair.key))?;
    Ok(())
}

/// What `SubmitJob` takes, and the queue it goes to.
pub async fn request(what: &WhatToRun, world: &World) -> Result<(SubmitJobRequest, JobQueue), CommandError> {
    let queue = resolve::queue(world, what.queue.as_deref()).await?;
    let definition = resolve::definition(world, &what.definition).await?;
    let request = compose(what, &queue.job_queue_name, &definition)?;
    Ok((request, queue))
}

fn compose(what: &WhatToRun, queue: &str, definition: &str) -> Result<SubmitJobRequest, CommandError> {
    let name = match &what.name {
        Some(name) => name.clone(),
        None => name_from(&what.command, definition),
    };
    validate::job_name(&name)?;
    let (own, rules) = (overrides(what)?, retry_on(&what.retry_on)?);
    let all = NodePropertyOverride { target_nodes: "0:".to_owned(), ..NodePropertyOverride::default() };
    let of_nodes = own.clone().map(|own| NodePropertyOverride { container_overrides: Some(own), ..all });
    let of_nodes = of_nodes.into_iter().collect();
    Ok(SubmitJobRequest {
        job_name: name,
        job_queue: queue.to_owned(),
        job_definition: definition.to_owned(),
        array_properties: what.array.map(|size| ArrayProperties { size: Some(size), ..ArrayProperties::default() }),
        parameters: map(&what.parameter),
        container_overrides: if what.nodes.is_none() { own } else { None },
        node_overrides: what
            .nodes
            .map(|count| NodeOverrides { num_nodes: Some(count), node_property_overrides: of_nodes }),
        retry_strategy: what
            .attempts
            .map(|attempts| RetryStrategy { attempts: Some(attempts), evaluate_on_exit: rules }),
        timeout: what.timeout.map(|timeout| JobTimeout { attempt_duration_seconds: Some(timeout.0) }),
        share_identifier: what.share.clone(),
        scheduling_priority_override: what.priority,
        consumable_resource_properties_override: consumables(&what.consumable)?,
        tags: map(&what.tag),
        ..SubmitJobRequest::default()
    })
}

/// The rules that try again after what matches, and one that ends at all else.
fn retry_on(given: &[Pair]) -> Result<Vec<EvaluateOnExit>, CommandError> {
    let rule = |pair: &Pair| {
        let pattern = Some(pair.value.clone());
        let rule = EvaluateOnExit { action: "RETRY".to_owned(), ..EvaluateOnExit::default() };
        match pair.key.as_str() {
            "exit" => Ok(EvaluateOnExit { on_exit_code: pattern, ..rule }),
            "reason" => Ok(EvaluateOnExit { on_reason: pattern, ..rule }),
            "status" => Ok(EvaluateOnExit { on_status_reason: pattern, ..rule }),
            _ => Err(CommandError::Usage {
                what: "rule of --retry-on",
                given: format!("{}={}", pair.key, pair.value),
                takes: "exit=CODE, reason=TEXT or status=TEXT, with `*` at the end for all that begin so",
            }),
        }
    };
    let mut rules = given.iter().map(rule).collect::<Result<Vec<_>, _>>()?;
    if !rules.is_empty() {
        let pattern = Some("*".to_owned());
        rules.push(EvaluateOnExit { on_reason: pattern, action: "EXIT".to_owned(), ..EvaluateOnExit::default() });
    }
    Ok(rules)
}

fn consumables(given: &[Pair]) -> Result<Option<ConsumableResourceProperties>, CommandError> {
    let one = |pair: &Pair| {
        let quantity = pair.value.parse::<i64>().ok().filter(|quantity| *quantity > 0);
        let quantity = quantity.ok_or_else(|| CommandError::Usage {
            what: "quantity of --consumable",
            given: format!("{}={}", pair.key, pair.value),
            takes: "NAME=N with a whole number above 0",
        })?;
        Ok(ConsumableResourceRequirement { consumable_resource: pair.key.clone(), quantity })
    };
    let list = given.iter().map(one).collect::<Result<Vec<_>, CommandError>>()?;
    Ok((!list.is_empty()).then_some(ConsumableResourceProperties { consumable_resource_list: list }))
}

fn overrides(what: &WhatToRun) -> Result<Option<ContainerOverrides>, CommandError> {
    let mut environment: Vec<KeyValuePair> =
        what.env.iter().map(|pair| KeyValuePair { name: pair.key.clone(), value: pair.value.clone() }).collect();
    if let Some(directory) = &what.workdir {
        environment.push(KeyValuePair { name: WORKDIR.to_owned(), value: existing_directory(directory)? });
    }
    let asks = [("VCPU", what.vcpus.clone()), ("MEMORY", what.memory.map(|mib| mib.to_string()))];
    let resource_requirements = asks
        .into_iter()
        .filter_map(|(kind, value)| value.map(|value| ResourceRequirement { kind: kind.to_owned(), value }))
        .collect();
    let overrides = ContainerOverrides {
        command: what.command.clone(),
        environment,
        resource_requirements,
        ..ContainerOverrides::default()
    };
    Ok((overrides != ContainerOverrides::default()).then_some(overrides))
}

/// The absolute path, as the job is started by a process that works elsewhere.
fn existing_directory(directory: &Path) -> Result<String, CommandError> {
    let absolute = directory
        .canonicalize()
        .map_err(|cause| CommandError::Read { path: directory.to_owned(), cause: cause.to_string() })?;
    match absolute.to_str() {
        Some(text) if absolute.is_dir() => Ok(text.to_owned()),
        _ => Err(CommandError::Usage {
            what: "working directory",
            given: directory.display().to_string(),
            takes: "a directory whose path is UTF-8",
        }),
    }
}

pub(super) fn map(pairs: &[Pair]) -> std::collections::BTreeMap<String, String> {
    pairs.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect()
}

/// A job name from what is run: the program's file name, or the definition's.
pub(super) fn name_from(command: &[String], definition: &str) -> String {
    let program = command.first().map_or(definition, String::as_str);
    let program = name_of(program);
    let base = program.rsplit('/').next().unwrap_or(program).split(':').next().unwrap_or(program);
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let name: String = base.chars().map(|letter| if allowed(letter) { letter } else { '-' }).take(128).collect();
    let name = name.trim_start_matches(['-', '_']).trim_end_matches('-');
    if name.is_empty() { "job".to_owned() } else { name.to_owned() }
}

async fn depends_on(world: &World, given: &DependsOn) -> Result<JobDependency, CommandError> {
    let job_id = match &given.id {
        Some(id) => Some(resolve::job(&*world.backend, id).await?),
        None => None,
    };
    let kind = given.kind.map(|kind| match kind {
        Among::NToN => DependencyKind::NToN,
        Among::Sequential => DependencyKind::Sequential,
    });
    Ok(JobDependency { job_id, kind })
}

/// Gives the job its place. AWS reads a priority at submission among the jobs of one share only; where the backend can
/// move a waiting job, it is moved. A job that started meanwhile needs no place any more.
async fn place(world: &World, queue: &JobQueue, id: &JobId, priority: i32) {
    if queue.scheduling_policy_arn.is_some() {
        return;
    }
    let why = crate::backend::Why { reason: Some("submitted with --priority".to_owned()) };
    let moved = if world.backend.capabilities().reprioritise_job {
        world.backend.reprioritise_job(id, priority, why).await.map_err(|error| error.to_string())
    } else {
        Err(format!("the queue `{}` has no scheduling policy", queue.job_queue_name))
    };
    let Err(cause) = moved else { return };
    let waits = super::watching::describe(&*world.backend, id).await.is_ok_and(|job| job.status.is_waiting());
    if waits {
        world.output().note(&format!("the priority {priority} has no effect: {cause}"));
    }
}

/// Waits for the job's end, telling each state on standard error; its exit code is ours.
async fn wait(world: &World, id: &JobId) -> Done {
    let output = world.output();
    let mut told = None;
    let mut watching = Watching::new(&*world.backend, id.clone());
    let waits = Cell::new(true);
    let ended = watching.until(
        |job| job.status.is_final(),
        |job| {
            waits.set(job.status.is_waiting());
            if told != Some(job.status) {
                told = Some(job.status);
                tell(output, job);
            }
        },
    );
    let told_why = async {
        tokio::time::sleep(PATIENCE).await;
        if waits.get() {
            output.note(&still_waits(id, &world.setting.flags));
        }
        std::future::pending::<Done>().await
    };
    tokio::select! {
        job = ended => Ok(exit_code(&job?)),
        never = told_why => never,
        _ = tokio::signal::ctrl_c() => {
            output.note(&format!("not waiting any more; the job goes on, and `batchdeck terminate {id}` ends it"));
            Ok(exit::INTERRUPTED)
        }
    }
}

/// What tells why nothing happens, as a line for the same place.
fn still_waits(id: &JobId, flags: &[String]) -> String {
    let call = [flags, &["why".to_owned(), id.short()]].concat();
    format!("it still waits: `batchdeck {}` tells what for", crate::tui::words::join(&call))
}

fn tell(output: Output, job: &JobDetail) {
    output.note(&words(job));
}

/// `build (83bb6359) is FAILED, exit code 2: Essential container in task exited`, with the container's own reason, as
/// that of a program that was not found.
fn words(job: &JobDetail) -> String {
    let what = format!("{} ({}) is {}", job.job_name, job.job_id.short(), job.status);
    let code = job.container.as_ref().and_then(|container| container.exit_code).filter(|_| job.status.is_final());
    let code = code.map(|code| format!(", exit code {code}")).unwrap_or_default();
    let container = job.container.as_ref().and_then(|container| container.reason.as_deref());
    let reasons = [job.status_reason.as_deref(), container].into_iter().flatten();
    let reasons = reasons.filter(|_| job.status == JobStatus::Failed);
    let told = format!("{what}{code}");
    reasons.fold(told, |told, reason| told + ": " + &printable(reason))
}

/// 0 for success; else the job's own code where it has one that is not 0, and 1 where it has none.
fn exit_code(job: &JobDetail) -> u8 {
    if job.status == JobStatus::Succeeded {
        return exit::DONE;
    }
    let code = job.container.as_ref().and_then(|container| container.exit_code).filter(|code| *code != 0);
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Seconds;
    use crate::model::ContainerDetail;

    #[test]
    fn a_wait_that_is_long_names_the_line_that_tells_why() {
        let id = JobId::from("3f2a77aa-0000-4000-8000-000000000001");
        let flags = ["--data-dir", "/a b"].map(str::to_owned);
        let told = still_waits(&id, &flags);
        assert_eq!(told, "it still waits: `batchdeck --data-dir '/a b' why 3f2a77aa` tells what for");
    }

    #[test]
    fn a_job_is_named_after_what_it_runs() {
        let cases = [
            (&["/usr/bin/make", "all"][..], "host", "make"),
            (&["./run tests.sh"], "host", "run-tests-sh"),
            (&["_private"], "host", "private"),
            (&["世界"], "host", "job"),
            (&[], "resize:3", "resize"),
            (&[], "arn:aws:batch:us-east-1:1:job-definition/resize:3", "resize"),
        ];
        for (command, definition, expected) in cases {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            let name = name_from(&command, definition);
            assert_eq!(name, expected);
            assert_eq!(validate::job_name(&name), Ok(()));
        }
    }

    #[test]
    fn everything_asked_for_stands_in_the_request_and_nothing_else() {
        let pair = |key: &str, value: &str| Pair { key: key.to_owned(), value: value.to_owned() };
        let what = WhatToRun {
            parameter: vec![pair("width", "640")],
            env: vec![pair("MODE", "full")],
            array: Some(10),
            priority: Some(7),
            timeout: Some(Seconds(600)),
            attempts: Some(3),
            vcpus: Some("2".to_owned()),
            memory: Some(512),
            command: vec!["make".to_owned()],
            ..WhatToRun::default()
        };
        let request = compose(&what, "high", "host").expect("sound");
        insta::assert_snapshot!(serde_json::to_string_pretty(&request).expect("writes"));
        let bare = compose(&WhatToRun::default(), "default", "resize").expect("sound");
        assert_eq!(bare.container_overrides, None, "a definition's own command stays");
    }

    #[test]
    fn what_aws_would_refuse_is_refused_before_it_is_sent() {
        let cases = [
            (WhatToRun { array: Some(1), ..WhatToRun::default() }, "arrayProperties.size is `1`; it takes 2 to 10000"),
            (
                WhatToRun { attempts: Some(11), ..WhatToRun::default() },
                "retryStrategy.attempts is `11`; it takes 1 to 10",
            ),
            (
                WhatToRun { timeout: Some(Seconds(5)), ..WhatToRun::default() },
                "timeout.attemptDurationSeconds is `5`; it takes 60 or more",
            ),
        ];
        for (what, expected) in cases {
            let error = check(&what).expect_err("refused");
            assert_eq!((error.to_string().as_str(), error.exit_code()), (expected, exit::USAGE));
        }
        for name in ["1A", "A B", "", "AWS_BATCH_JOB_ID"] {
            let pair = Pair { key: name.to_owned(), value: "x".to_owned() };
            let what = WhatToRun { env: vec![pair], ..WhatToRun::default() };
            let error = check(&what).expect_err(name);
            assert!(error.to_string().contains(&format!("`{name}`")) && error.exit_code() == exit::USAGE, "{error}");
        }
        let missing = WhatToRun { workdir: Some("/nonexistent".into()), ..WhatToRun::default() };
        assert!(compose(&missing, "default", "host").expect_err("refused").to_string().contains("/nonexistent"));
    }

    #[test]
    fn a_job_that_could_not_start_says_what_its_container_says() {
        let reason = "CannotStartContainerError: /nonexistent/cmd: no such file";
        let job = JobDetail {
            job_id: JobId::from("83bb6359-0000"),
            job_name: "cmd".to_owned(),
            status: JobStatus::Failed,
            status_reason: Some("Task failed to start".to_owned()),
            container: Some(ContainerDetail { reason: Some(reason.to_owned()), ..ContainerDetail::default() }),
            ..JobDetail::default()
        };
        assert_eq!(words(&job), format!("cmd (83bb6359) is FAILED: Task failed to start: {reason}"));
        let again = JobDetail { status: JobStatus::Runnable, ..job };
        assert_eq!(words(&again), "cmd (83bb6359) is RUNNABLE");
    }

    #[test]
    fn waiting_gives_the_jobs_own_exit_code() {
        let job = |status, exit_code| JobDetail {
            status,
            container: Some(ContainerDetail { exit_code, ..ContainerDetail::default() }),
            ..JobDetail::default()
        };
        let cases = [
            (job(JobStatus::Succeeded, Some(0)), 0),
            (job(JobStatus::Failed, Some(7)), 7),
            (job(JobStatus::Failed, Some(143)), 143),
            (job(JobStatus::Failed, None), 1),
            (job(JobStatus::Failed, Some(0)), 1),
            (job(JobStatus::Failed, Some(256)), 1),
        ];
        for (job, expected) in cases {
            assert_eq!(exit_code(&job), expected);
        }
    }
}
