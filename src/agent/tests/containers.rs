//! Jobs as containers. Where no runtime answers these tests say so and do nothing, unless CI has promised one in
//! `BATCHDECK_TEST_DOCKER_HOST`.

use super::*;
use crate::agent::leftovers::remove_containers;
use crate::agent::runtime;
use crate::model::{
    ContainerCondition, EfsVolumeConfiguration, LinuxParameters, MountPoint, TaskContainerDependency, Tmpfs, Ulimit,
    Volume, VolumeHost,
};
use bollard::Docker;
use bollard::query_parameters::{CreateImageOptions, ListContainersOptions, ListVolumesOptions};
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

/// The numbers of its containers and volumes.
async fn things_of(docker: &Docker, instance: &InstanceId) -> (usize, usize) {
    let filters = HashMap::from([("label".to_owned(), vec![format!("batchdeck.instance={instance}")])]);
    let volumes = docker.list_volumes(Some(ListVolumesOptions { filters: Some(filters) })).await.expect("a list");
    (containers_of(docker, instance).await, volumes.volumes.unwrap_or_default().len())
}

fn mount(volume: &str, path: &str, read_only: bool) -> MountPoint {
    MountPoint { container_path: Some(path.into()), read_only: Some(read_only), source_volume: Some(volume.into()) }
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
            container.environment = vec![variable("MINE", "a b")];
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
    let hungry = container("a", "sleep 1; exec tail -c 200m /dev/zero");
    let exit = engine.run(Start { memory_mib: 16, ..hungry }).await;
    let oom = "OutOfMemoryError: Container killed due to memory usage";
    assert_eq!((exit.code, exit.reason.as_deref()), (Some(137), Some(oom)), "{exit:?}");
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
async fn a_container_is_set_up_as_its_definition_says() {
    let Some((world, mut engine, docker)) = world().await else { return };
    let here = world.path("here");
    std::fs::create_dir(&here).expect("a directory");
    std::fs::write(here.join("given"), "from outside").expect("written");
    let script = "cat /here/given; echo; touch /here/made 2>/dev/null || echo here is read-only; \
                  echo kept > /fresh/file; cat /fresh/file; id -u; ulimit -n; \
                  touch /x 2>/dev/null || echo root is read-only; touch /tmp/x && grep -c ' /tmp tmpfs' /proc/mounts; \
                  pwd; df -m /dev/shm | tail -1 | awk '{print $2}'";
    let mut job = with(container("a", script), |container| {
        *container = ContainerProperties {
            mount_points: vec![mount("here", "/here", true), mount("fresh", "/fresh", false)],
            user: Some("0".into()),
            // Podman raises the number of processes otherwise, which not every machine permits.
            ulimits: vec![
                Ulimit { name: "nofile".into(), soft_limit: 77, hard_limit: 88 },
                Ulimit { name: "nproc".into(), soft_limit: 1024, hard_limit: 1024 },
            ],
            readonly_root_filesystem: Some(true),
            linux_parameters: Some(LinuxParameters {
                shared_memory_size: Some(8),
                tmpfs: vec![Tmpfs { container_path: "/tmp".into(), size: 4, mount_options: Vec::new() }],
                ..LinuxParameters::default()
            }),
            ..container.clone()
        };
    });
    job.volumes = vec![
        Volume {
            name: "here".into(),
            host: Some(VolumeHost { source_path: Some(here.to_string_lossy().into_owned()) }),
            ..Volume::default()
        },
        Volume { name: "fresh".into(), ..Volume::default() },
    ];
    let exit = engine.run(job).await;
    assert_eq!((exit.code, exit.reason), (Some(0), None));
    let expect = ["from outside", "here is read-only", "kept", "0", "77", "root is read-only", "1", "/", "8"];
    assert_eq!(world.log("a"), expect);
    assert_eq!(things_of(&docker, &world.instance).await, (0, 0));
}

#[tokio::test]
async fn the_containers_of_a_task_wait_for_each_other_share_a_network_and_end_together() {
    let Some((world, mut engine, docker)) = world().await else { return };
    let one = |name: &str, essential, depends_on: &[(&str, ContainerCondition)], script: &str| {
        let start = container("a", script);
        let mut one = start.containers.into_iter().next().expect("a container");
        one.name = name.into();
        one.essential = essential;
        one.log_stream = format!("d/default/task-{name}");
        one.properties.mount_points = vec![mount("shared", "/shared", false)];
        let on = depends_on
            .iter()
            .map(|(name, condition)| TaskContainerDependency { container_name: (*name).into(), condition: *condition });
        one.depends_on = on.collect();
        one
    };
    let mut job = container("a", "");
    job.volumes = vec![Volume { name: "shared".into(), ..Volume::default() }];
    job.containers = vec![
        one("init", false, &[], "echo prepared > /shared/file"),
        one(
            "server",
            false,
            &[("init", ContainerCondition::Success)],
            "trap 'echo asked; exit 5' TERM; nc -l -p 4321 -e cat & echo listening; touch /shared/up; while :; do sleep 0.1; done",
        ),
        one(
            "main",
            true,
            &[("server", ContainerCondition::Start)],
            "cat /shared/file; while [ ! -e /shared/up ]; do sleep 0.1; done; \
             for try in 1 2 3 4 5 6 7 8 9; do echo over the network | nc -w 2 127.0.0.1 4321 && break; sleep 0.3; done; exit 3",
        ),
    ];
    let exit = engine.run(job).await;
    assert_eq!((exit.code, exit.reason), (Some(3), None));
    let ends: Vec<(&str, Option<i32>)> = exit.containers.iter().map(|one| (one.name.as_str(), one.code)).collect();
    assert_eq!(ends, [("init", Some(0)), ("server", Some(5)), ("main", Some(3))]);
    assert_eq!(world.log("main"), ["prepared", "over the network"]);
    assert_eq!(world.log("server"), ["listening", "asked"]);
    assert_eq!(things_of(&docker, &world.instance).await, (0, 0));
}

#[tokio::test]
async fn the_nodes_of_a_job_share_a_network_on_which_the_main_one_has_an_address() {
    let Some((world, mut engine, docker)) = world().await else { return };
    let network = Some(format!("batchdeck-test-{}", uuid::Uuid::new_v4()));
    let node = |job: &str, script: &str| Start { network: network.clone(), ..container(job, script) };
    // A listener whose input is over closes at once, and whoever is slow to speak to it then ends before a word.
    let listen = "mkfifo /input && exec 3<>/input && nc -l -p 4321 <&3";
    engine.send(ToAgent::Start(Box::new(node("main", listen)))).await;
    let address = engine
        .until(|message| match message {
            ToEngine::Started { attempt, address, .. } if attempt == id("main") => Some(address),
            _ => None,
        })
        .await
        .expect("nodes have an address");
    let say = format!("until echo here | nc -w 2 {address} 4321; do sleep 0.3; done");
    engine.send(ToAgent::Start(Box::new(node("other", &say)))).await;
    assert_eq!(engine.exited("main").await.code, Some(0));
    assert_eq!(world.log("main"), ["here"]);
    assert_eq!(engine.exited("other").await.code, Some(0));
    assert_eq!(things_of(&docker, &world.instance).await, (0, 0));
}

#[tokio::test]
async fn what_no_machine_of_ours_can_mount_is_refused_by_name() {
    let Some((_world, mut engine, _docker)) = world().await else { return };
    let mut job = with(container("a", "true"), |container| container.mount_points = vec![mount("far", "/far", false)]);
    job.volumes = vec![Volume {
        name: "far".into(),
        efs_volume_configuration: Some(EfsVolumeConfiguration {
            file_system_id: "fs-12345678".into(),
            ..EfsVolumeConfiguration::default()
        }),
        ..Volume::default()
    }];
    let exit = engine.run(job).await;
    let reason = exit.reason.expect("a reason");
    assert!(
        reason.starts_with("ResourceInitializationError: the volume `far` is the EFS file system fs-12345678"),
        "{reason}"
    );
    assert_eq!(exit.started_at, None);
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
