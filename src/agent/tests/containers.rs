//! Jobs as containers. Where no runtime answers these tests say so and do nothing, unless CI has promised one in
//! `BATCHDECK_TEST_DOCKER_HOST`.

use super::*;
use crate::agent::leftovers::remove_containers;
use crate::agent::runtime;
use bollard::Docker;
use bollard::query_parameters::{CreateImageOptions, ListContainersOptions};
use futures::TryStreamExt as _;
use std::collections::HashMap;
use std::process::Command;

/// Made by the test from this machine's static busybox, so that no registry is needed.
const IMAGE: &str = "batchdeck-test:latest";

/// The runtime's address, with the image in place.
#[expect(clippy::print_stderr, reason = "a test that does nothing has to say so")]
async fn docker() -> Option<(Docker, Option<String>)> {
    let address = std::env::var("BATCHDECK_TEST_DOCKER_HOST").ok();
    match runtime::find(address.as_deref()).await {
        Ok(docker) => {
            import(&docker).await;
            Some((docker, address))
        }
        Err(error) => {
            let promised = std::env::var_os("CI").is_some() && address.is_some();
            assert!(!promised, "CI has promised a container runtime: {error}");
            eprintln!("SKIPPED, not tested here: {error}");
            None
        }
    }
}

async fn import(docker: &Docker) {
    // Tests run in processes of their own, at the same time.
    let lock = std::fs::File::create(std::env::temp_dir().join("batchdeck-test-image.lock")).expect("a lock file");
    lock.lock().expect("a lock");
    if docker.inspect_image(IMAGE).await.is_ok() {
        return;
    }
    let tree = tempfile::tempdir().expect("a temporary directory");
    let script = "mkdir -p bin tmp && cp \"$(command -v busybox)\" bin/busybox && bin/busybox --install -s bin && \
                  for name in bin/*; do [ -L $name ] && ln -sf busybox $name; done; tar -cf - bin tmp";
    let tar = Command::new("/bin/sh").args(["-c", script]).current_dir(tree.path()).output().expect("sh is there");
    assert!(tar.status.success(), "{}: install busybox-static", String::from_utf8_lossy(&tar.stderr));
    let (repo, tag) = IMAGE.split_once(':').expect("a tag");
    let options = CreateImageOptions {
        from_src: Some("-".into()),
        repo: Some(repo.into()),
        tag: Some(tag.into()),
        ..Default::default()
    };
    let body = bollard::body_full(tar.stdout.into());
    docker.create_image(Some(options), Some(body), None).try_collect::<Vec<_>>().await.expect("it can be imported");
}

async fn world() -> Option<(World, Connection, Docker)> {
    let (docker, address) = docker().await?;
    let world = World::new(Limits::default(), address);
    let connection = world.engine().await;
    Some((world, connection, docker))
}

fn container(job: &str, script: &str) -> Start {
    // Task ids are unique on a machine, and so are containers' names.
    let task_id = format!("{job}-{}", uuid::Uuid::new_v4());
    let start = Start { as_process: false, task_id, ..start(job, &["/bin/sh", "-c", script]) };
    with(start, |container| container.image = IMAGE.into())
}

async fn containers_of(docker: &Docker, instance: &InstanceId) -> usize {
    let filters = HashMap::from([("label".to_owned(), vec![format!("batchdeck.instance={instance}")])]);
    let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
    docker.list_containers(Some(options)).await.expect("a list").len()
}

#[tokio::test]
async fn without_a_runtime_a_container_job_says_what_to_do() {
    let world = World::new(Limits::default(), Some("unix:///no/such.sock".into()));
    let mut engine = world.engine().await;
    let exit = engine.run(container("a", "true")).await;
    let expect = "CannotPullContainerError: no container runtime answers at unix:///no/such.sock; start Docker or \
                  Podman, or use the image \"host\" to run a process on this machine";
    assert_eq!((exit.code, exit.started_at, exit.reason.as_deref()), (None, None, Some(expect)));
    let process = Start { as_process: true, ..container("b", "exit 4") };
    assert_eq!(engine.run(process).await.code, Some(4), "a process needs no runtime");
}

#[tokio::test]
async fn a_container_ends_with_its_true_exit_code_logs_and_is_removed() {
    let Some((world, mut engine, docker)) = world().await else { return };
    let job =
        with(container("a", "echo $MINE $AWS_BATCH_JOB_ID $BATCHDECK_INSTANCE; echo two >&2; exit 3"), |container| {
            container.environment = vec![variable("MINE", "a b")]
        });
    let exit = engine.run(job).await;
    assert_eq!((exit.code, exit.reason), (Some(3), None));
    assert!(exit.started_at.is_some_and(|started| started <= exit.at));
    let mut lines = world.log("a");
    lines.sort();
    assert_eq!(lines, [format!("a b a {}", world.instance), "two".to_owned()]);
    assert_eq!(containers_of(&docker, &world.instance).await, 0);
}

#[tokio::test]
async fn a_container_is_stopped_with_its_grace_and_a_timeout_says_so() {
    let Some((world, mut engine, docker)) = world().await else { return };
    let deaf = container("a", "trap 'echo asked' TERM; echo ready; while :; do sleep 1; done");
    engine.send(ToAgent::Start(Box::new(deaf))).await;
    assert!(line_in(&world.path("logs/d/default/task-a.log")).await.ends_with(" ready"));
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 2 }).await;
    let exit = engine.exited("a").await;
    assert_eq!((exit.code, exit.timed_out), (Some(137), false));
    assert_eq!(world.log("a"), ["ready", "asked"]);

    let polite = container("b", "trap 'exit 9' TERM; while :; do sleep 0.1; done");
    let exit = engine.run(Start { timeout_seconds: Some(1), ..polite }).await;
    assert_eq!((exit.code, exit.timed_out), (Some(9), true));
    assert_eq!(containers_of(&docker, &world.instance).await, 0);
}

#[tokio::test]
async fn a_container_that_takes_more_memory_than_it_asked_for_is_killed() {
    let Some((_world, mut engine, _docker)) = world().await else { return };
    let hungry = container("a", "exec tail -c 200m /dev/zero");
    let exit = engine.run(Start { memory_mib: 16, ..hungry }).await;
    assert_eq!(exit.code, Some(137), "{exit:?}");
    // Podman with cgroup v1 does not say that memory was the cause; whoever says so has to say it in AWS's words.
    let oom = "OutOfMemoryError: Container killed due to memory usage";
    assert!(exit.reason.is_none_or(|reason| reason == oom));
}

#[tokio::test]
async fn what_cannot_be_pulled_or_started_is_told_in_the_runtimes_words() {
    let Some((world, mut engine, docker)) = world().await else { return };
    // Nothing listens on the discard port: a registry that cannot be reached.
    let exit = engine
        .run(with(container("a", "true"), |container| container.image = "127.0.0.1:9/no/such:image".into()))
        .await;
    let reason = exit.reason.expect("a reason");
    assert!(reason.starts_with("CannotPullContainerError: ") && reason.contains("127.0.0.1:9"), "{reason}");
    let exit =
        engine.run(with(container("b", ""), |container| container.command = vec!["/no/such/program".into()])).await;
    let reason = exit.reason.expect("a reason");
    assert!(reason.starts_with("CannotStartContainerError: ") && reason.contains("/no/such/program"), "{reason}");
    assert_eq!((exit.code, exit.started_at), (None, None));
    assert_eq!(containers_of(&docker, &world.instance).await, 0);
}

#[tokio::test]
async fn containers_of_a_lost_agent_are_removed() {
    let Some((world, mut engine, docker)) = world().await else { return };
    engine.send(ToAgent::Start(Box::new(container("a", "sleep 1000")))).await;
    engine.started("a").await;
    assert_eq!(containers_of(&docker, &world.instance).await, 1);
    let address = std::env::var("BATCHDECK_TEST_DOCKER_HOST").ok();
    assert_eq!(remove_containers(&world.instance, address.as_deref()).await.expect("it can"), 1);
    assert_eq!(containers_of(&docker, &world.instance).await, 0);
    engine.exited("a").await;
}
