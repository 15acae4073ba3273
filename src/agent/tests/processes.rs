//! Jobs as processes.

use super::*;
use crate::agent::leftovers::kill_leftovers;
use crate::model::{ContainerCondition, Secret, TaskContainerDependency, Ulimit};
use std::collections::BTreeMap;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_stopped_before_it_runs_never_does() {
    let (world, mut engine) = World::begin().await;
    let mark = world.path("ran");
    let script = format!("touch {}; exec sleep 1000", mark.display());
    let (start, stop) = (start("a", &["sh", "-c", &script]), ToAgent::Stop { attempt: id("a"), grace_seconds: 30 });
    let lines = [ToAgent::Start(Box::new(start)), stop].map(|message| serde_json::to_string(&message).expect("JSON"));
    // Both at once, as after a terminate that was accepted together with the start.
    engine.write.write_all(format!("{}\n{}\n", lines[0], lines[1]).as_bytes()).await.expect("the agent listens");
    let exit = engine.exited("a").await;
    assert_eq!((exit.started_at, exit.code), (None, None));
    assert!(!mark.exists());
}

#[tokio::test]
async fn a_job_ends_with_its_true_exit_code_and_128_and_the_signal_for_a_death_by_one() {
    let (_world, mut engine) = World::begin().await;
    for (job, script, code) in [
        ("zero", "true", 0),
        ("three", "exit 3", 3),
        ("last", "exit 255", 255),
        ("term", "kill -TERM $$", 143),
        ("kill", "kill -KILL $$", 137),
        ("segv", "kill -SEGV $$", 139),
    ] {
        let exit = engine.run(shell(job, script)).await;
        assert_eq!((exit.code, exit.reason, exit.timed_out), (Some(code), None, false), "{job}");
        assert!(exit.started_at.is_some_and(|started| started <= exit.at), "{job}");
        assert!(exit.usage.is_some(), "{job}");
    }
}

#[tokio::test]
async fn both_outputs_are_logged_in_lines_with_times() {
    let (world, mut engine) = World::begin().await;
    engine.run(shell("a", "echo one; echo two >&2; printf 'no newline'; printf 'caf\\303\\251 \\377' >&2")).await;
    let mut lines = world.log("a");
    lines.sort();
    assert_eq!(lines, ["café \u{fffd}", "no newline", "one", "two"]);
}

#[tokio::test]
async fn a_line_can_be_followed_while_its_job_runs() {
    let (world, mut engine) = World::begin().await;
    engine.send(ToAgent::Start(Box::new(shell("a", "echo here; read never < /dev/zero")))).await;
    engine.started("a").await;
    assert!(line_in(&world.path("logs/d/default/task-a.log")).await.ends_with(" here"));
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 0 }).await;
    engine.exited("a").await;
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_split_and_nothing_of_it_is_lost() {
    let (world, mut engine) = World::begin().await;
    engine.run(shell("a", "head -c 1048576 /dev/zero | tr '\\0' x")).await;
    let lines = world.log("a");
    assert_eq!(lines.len(), 16);
    assert!(lines.iter().all(|line| line.len() == 65536 && line.bytes().all(|byte| byte == b'x')));
}

#[tokio::test]
async fn a_job_that_ignores_term_is_killed_when_its_grace_is_over() {
    let (world, mut engine) = World::begin().await;
    let script = "trap 'echo asked' TERM; echo ready; while :; do read line < fifo; done";
    engine.send(ToAgent::Start(Box::new(shell("a", &format!("mkfifo fifo; {script}"))))).await;
    assert!(line_in(&world.path("logs/d/default/task-a.log")).await.ends_with(" ready"));
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 1 }).await;
    let exit = engine.exited("a").await;
    assert_eq!((exit.code, exit.timed_out), (Some(137), false));
    assert!(world.log("a").contains(&"asked".to_owned()));
}

#[tokio::test]
async fn a_job_that_ends_on_term_reports_its_own_exit_code() {
    let (world, mut engine) = World::begin().await;
    let script = "mkfifo fifo; trap 'exit 7' TERM; echo ready; read line < fifo & wait";
    engine.send(ToAgent::Start(Box::new(shell("a", script)))).await;
    assert!(line_in(&world.path("logs/d/default/task-a.log")).await.ends_with(" ready"));
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 30 }).await;
    assert_eq!(engine.exited("a").await.code, Some(7));
}

#[tokio::test]
async fn a_job_that_runs_longer_than_its_timeout_is_stopped_and_says_so() {
    let (_world, mut engine) = World::begin().await;
    let exit = engine.run(Start { timeout_seconds: Some(1), ..shell("a", "exec sleep 1000") }).await;
    assert_eq!((exit.code, exit.timed_out), (Some(143), true));
    assert!(exit.at - exit.started_at.expect("it had started") >= 900);
}

#[tokio::test]
async fn what_a_job_leaves_behind_ends_with_it_and_does_not_hold_it_open() {
    let (world, mut engine) = World::begin().await;
    let pids = world.path("pids");
    let script = format!(
        "sleep 1000 & echo $! > {0}; setsid sh -c 'echo $$ >> {0}; (sleep 1000; :) & exec sleep 1000' & \
         while [ $(wc -l < {0}) != 2 ]; do :; done; echo done",
        pids.display()
    );
    let begin = Instant::now();
    assert_eq!(engine.run(shell("a", &script)).await.code, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(world.log("a"), ["done"]);
    for pid in std::fs::read_to_string(pids).expect("their numbers").lines() {
        assert!(!lives(pid.parse().expect("a number")), "{pid} lives on");
    }
    assert_eq!(kill_leftovers(&world.instance).expect("it can look"), 0);
}

#[tokio::test]
async fn what_a_running_job_has_orphaned_does_not_stay_as_a_zombie() {
    let (world, mut engine) = World::begin().await;
    let pids = world.path("pids");
    let script = format!("(sh -c 'echo $$ > {}' &); exec sleep 1000", pids.display());
    engine.send(ToAgent::Start(Box::new(shell("a", &script)))).await;
    let pid = line_in(&pids).await.parse().expect("a number");
    soon("the orphan's end", async {
        while procs::one(pid).is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 0 }).await;
    engine.exited("a").await;
}

#[tokio::test]
async fn a_stranger_that_holds_the_pipe_does_not_hold_the_job_open() {
    let (world, mut engine) = World::begin().await;
    // Without its environment and in a session of its own, nobody can tell whose it is.
    let pids = world.path("pids");
    let script = format!(
        "env -i /usr/bin/setsid /bin/sh -c 'echo $$ > {0}; exec sleep 1000' & while [ ! -s {0} ]; do :; done; echo done",
        pids.display()
    );
    let begin = Instant::now();
    assert_eq!(engine.run(shell("a", &script)).await.code, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(world.log("a"), ["done"]);
    let pid = line_in(&pids).await.parse().expect("a number");
    procs::Handle::open(pid).expect("it lives").kill().expect("it can be killed");
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_named_with_what_to_do() {
    let (world, mut engine) = World::begin().await;
    let file = world.path("no-program");
    std::fs::write(&file, "text").expect("it can be written");
    let file = file.to_string_lossy().into_owned();
    let executable = world.path("no-interpreter");
    std::fs::write(&executable, "#!/nowhere/interpreter\n").expect("it can be written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&executable, mode).expect("its mode can be set");
    let executable = executable.to_string_lossy().into_owned();
    let table: &[(&[&str], &str)] = &[
        (&["no-such-program", "x"], "`no-such-program` was not found in PATH; install it"),
        (&["/no/such/program"], "`/no/such/program` was not found; install it"),
        (&[""], "`` was not found in PATH"),
        (&[&file], "chmod +x"),
        (&[&executable], "the interpreter that its first line names is missing"),
        (&[], "no command was given"),
    ];
    for (number, (command, expect)) in table.iter().enumerate() {
        let exit = engine.run(start(&number.to_string(), command)).await;
        let reason = exit.reason.expect("a reason");
        assert!(reason.starts_with("CannotStartContainerError: ") && reason.contains(expect), "{reason}");
        assert_eq!((exit.code, exit.started_at), (None, None), "{reason}");
    }
    let nowhere = with(shell("w", "true"), |container| {
        container.environment = vec![variable("BATCHDECK_WORKDIR", "/no/such/place")];
    });
    let reason = engine.run(nowhere).await.reason.expect("a reason");
    assert!(reason.contains("the working directory /no/such/place (BATCHDECK_WORKDIR) is not there"), "{reason}");
}

#[tokio::test]
async fn a_job_sees_its_own_environment_and_nothing_of_its_agents() {
    let (world, mut engine) = World::begin().await;
    let job = with(start("a", &["env"]), |container| {
        container.environment = vec![variable("MINE", "a b"), variable("LANG", "C")];
    });
    assert_eq!(engine.run(job).await.code, Some(0));
    let log = world.log("a");
    let seen: BTreeMap<&str, &str> = log.iter().filter_map(|line| line.split_once('=')).collect();
    let expect = [("MINE", "a b"), ("LANG", "C"), ("AWS_BATCH_JOB_ID", "a"), ("AWS_BATCH_JOB_ATTEMPT", "1")];
    for (name, value) in expect {
        assert_eq!(seen.get(name), Some(&value), "{name}");
    }
    assert_eq!(seen["BATCHDECK_INSTANCE"], world.instance.0);
    assert!(seen["TMPDIR"].ends_with("/work/task-a"), "{seen:?}");
    let known = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "MINE", "AWS_BATCH_JOB_ID", "AWS_BATCH_JOB_ATTEMPT"];
    let leaked: Vec<_> = seen.keys().filter(|name| !known.contains(name) && **name != "BATCHDECK_INSTANCE").collect();
    // Cargo gives its tests CARGO_MANIFEST_DIR and others: the agent had something to leak.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some() && leaked.is_empty(), "{leaked:?}");
}

#[tokio::test]
async fn a_job_works_in_a_private_directory_that_goes_with_it_or_where_it_was_told() {
    let (world, mut engine) = World::begin().await;
    engine.run(shell("a", "pwd; stat -c %a .; touch file; mkdir -p deep/er")).await;
    let log = world.log("a");
    assert!(log[0].ends_with("/work/task-a") && log[1] == "700", "{log:?}");
    world.tidied().await;
    let here = world.path("here");
    std::fs::create_dir(&here).expect("a directory");
    let environment = vec![variable("BATCHDECK_WORKDIR", &here.to_string_lossy())];
    engine.run(with(shell("b", "touch file"), |container| container.environment = environment)).await;
    assert!(here.join("file").exists());
}

#[tokio::test]
async fn running_attempts_are_sampled_and_their_use_is_in_their_exit() {
    let (_world, mut engine) = World::begin().await;
    engine.send(ToAgent::Start(Box::new(shell("a", "while :; do :; done")))).await;
    let usage = engine
        .until(|message| match message {
            ToEngine::Used { samples } => samples.into_iter().find(|(attempt, _)| *attempt == id("a")),
            _ => None,
        })
        .await
        .1;
    assert!(usage.cpu > 0.0 && usage.memory_mib > 0.0, "{usage:?}");
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 0 }).await;
    let total = engine.exited("a").await.usage.expect("its use");
    assert!(total.cpu_seconds >= usage.cpu_seconds && total.peak_memory_mib >= usage.memory_mib, "{total:?}");
}

#[tokio::test]
async fn many_jobs_at_once_each_get_their_own_exit_code_and_log() {
    const JOBS: i32 = 150;
    let (world, mut engine) = World::begin().await;
    for number in 0..JOBS {
        let script = format!("echo {number}; echo {number} >&2; exit {number}");
        engine.send(ToAgent::Start(Box::new(shell(&number.to_string(), &script)))).await;
    }
    let mut codes = BTreeMap::new();
    while codes.len() < usize::try_from(JOBS).expect("it is small") {
        if let ToEngine::Exited { attempt, exit } = engine.next().await {
            assert_eq!(codes.insert(attempt.job.to_string(), exit.code), None, "{attempt} is told once");
        }
    }
    for number in 0..JOBS {
        let job = number.to_string();
        assert_eq!(codes[&job], Some(number));
        assert_eq!(world.log(&job), [job.clone(), job.clone()]);
    }
    world.tidied().await;
}

#[tokio::test]
async fn the_processes_of_a_task_wait_for_each_other_and_end_together() {
    let (world, mut engine) = World::begin().await;
    let one = |name: &str, essential, depends_on: Option<(&str, ContainerCondition)>, script: &str| {
        let mut one = shell("a", script).containers.remove(0);
        (one.name, one.essential, one.log_stream) = (name.into(), essential, format!("d/default/task-{name}"));
        one.depends_on = depends_on
            .map(|(name, condition)| TaskContainerDependency { container_name: name.into(), condition })
            .into_iter()
            .collect();
        one
    };
    let ready = world.path("ready");
    let ready = ready.display();
    let containers = vec![
        one("main", true, Some(("init", ContainerCondition::Success)), &format!("cat {ready}; pwd; exit 3")),
        one("init", false, None, &format!("setsid sleep 1000 > /dev/null 2>&1 & echo prepared > {ready}")),
        one("helper", false, None, "trap 'echo asked; exit 5' TERM; echo up; while :; do sleep 0.05; done"),
    ];
    let exit = engine.run(Start { containers, ..shell("a", "") }).await;
    assert_eq!((exit.code, exit.reason.as_deref()), (Some(3), None), "{exit:?}");
    let ends: Vec<(&str, Option<i32>)> = exit.containers.iter().map(|one| (one.name.as_str(), one.code)).collect();
    assert_eq!(ends, [("main", Some(3)), ("init", Some(0)), ("helper", Some(5))]);
    let log = world.log("main");
    assert!(log[0] == "prepared" && log[1].ends_with("/work/task-a/main"), "{log:?}");
    assert!(exit.started_at.is_some() && exit.usage.is_some());
    assert_eq!(kill_leftovers(&world.instance).expect("it can look"), 0);
    assert!(!world.path("work/task-a").exists());
}

#[tokio::test]
async fn a_stop_ends_all_processes_of_a_task() {
    let (world, mut engine) = World::begin().await;
    let one = |name: &str| {
        let mut one = shell("a", "echo up; exec sleep 1000").containers.remove(0);
        (one.name, one.log_stream) = (name.into(), format!("d/default/task-{name}"));
        one
    };
    engine.send(ToAgent::Start(Box::new(Start { containers: vec![one("x"), one("y")], ..shell("a", "") }))).await;
    engine.started("a").await;
    for name in ["x", "y"] {
        line_in(&world.path(&format!("logs/d/default/task-{name}.log"))).await;
    }
    engine.send(ToAgent::Stop { attempt: id("a"), grace_seconds: 30 }).await;
    let exit = engine.exited("a").await;
    assert_eq!(exit.containers.iter().map(|one| one.code).collect::<Vec<_>>(), [Some(143); 2]);
}

#[tokio::test]
async fn a_process_that_takes_more_memory_than_it_asked_for_dies_of_it() {
    let (_world, mut engine) = World::begin().await;
    for (job, script) in
        [("itself", "exec tail -n 1 /dev/zero"), ("child", "sleep 0.1; tail -n 1 /dev/zero; sleep 1000")]
    {
        let exit = engine.run(Start { memory_mib: 48, ..shell(job, script) }).await;
        let oom = "OutOfMemoryError: Container killed due to memory usage";
        assert_eq!((exit.code, exit.reason.as_deref()), (Some(137), Some(oom)), "{job}: {exit:?}");
    }
}

#[tokio::test]
async fn a_job_that_is_over_at_once_has_said_all_and_one_whose_child_holds_its_pipes_is_listened_to() {
    let (world, mut engine) = World::begin().await;
    for number in 0..20 {
        let job = format!("a{number}");
        engine.run(shell(&job, "echo out; printf err >&2")).await;
        let mut log = world.log(&job);
        log.sort();
        assert_eq!(log, ["err", "out"], "{job}");
    }
    // Without the entries by which it would be ended with its job.
    let child = "env -i setsid sh -c 'echo > begun; sleep 0.2; echo later'";
    engine.run(shell("b", &format!("mkfifo begun; {child} & read -r line < begun; echo now"))).await;
    assert_eq!(world.log("b"), ["now", "later"]);
}

#[tokio::test]
async fn the_peak_memory_of_a_short_job_is_known() {
    let (_world, mut engine) = World::begin().await;
    let exit = engine.run(start("a", &["true"])).await;
    let usage = exit.usage.expect("its use");
    assert!(usage.peak_memory_mib > 0.0 && usage.peak_memory_mib < 128.0, "{usage:?}");
    let job = shell("b", "head -c 150m /dev/zero | tail -n 1 > /dev/null");
    let usage = engine.run(Start { memory_mib: 1024, ..job }).await.usage.expect("its use");
    assert!(usage.peak_memory_mib > 140.0 && usage.cpu_seconds > 0.0, "{usage:?}");
}

#[tokio::test]
async fn a_secret_that_only_aws_has_is_refused_by_name() {
    let (_world, mut engine) = World::begin().await;
    let secret = Secret { name: "KEY".into(), value_from: "arn:aws:secretsmanager:x".into() };
    let exit = engine.run(with(shell("a", "true"), |container| container.secrets = vec![secret])).await;
    let reason = exit.reason.expect("a reason");
    assert!(reason.contains("the secret KEY (arn:aws:secretsmanager:x) is in AWS"), "{reason}");
}

#[tokio::test]
async fn limits_hold_from_the_first_instruction_and_what_is_left_out_is_said_first() {
    let (world, mut engine) = World::begin().await;
    let fenced =
        with(start("a", &["sh", "-c", "echo $(ulimit -n) $(ulimit -Hn) $0 $1; cat", "zero", "one"]), |wanted| {
            wanted.ulimits = vec![Ulimit { name: "nofile".into(), soft_limit: 50, hard_limit: 60 }];
            wanted.readonly_root_filesystem = Some(true);
        });
    assert_eq!(engine.run(fenced).await.code, Some(0), "its input is empty");
    let lines = world.log("a");
    assert_eq!(lines[1..], ["50 60 zero one"]);
    assert!(
        lines[0].starts_with("batchdeck: a process of this machine runs without: readonlyRootFilesystem;"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_field_that_a_process_cannot_have_fails_the_start_and_is_named() {
    let (world, mut engine) = World::begin().await;
    let asked = with(shell("a", "touch ran"), |wanted| wanted.user = Some("nobody-of-this-name".into()));
    let exit = engine.run(asked).await;
    assert_eq!((exit.started_at, exit.code), (None, None));
    let reason = exit.reason.expect("a reason");
    assert!(reason.starts_with("CannotStartContainerError: user: `nobody-of-this-name` is no user"), "{reason}");
    assert!(!world.path("logs/d/default/task-a.log").exists());
}

#[tokio::test]
async fn a_job_of_another_user_is_that_users_and_has_a_directory_of_its_own() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (world, mut engine) = World::begin().await;
    let script = "echo $(id -u):$(id -g) $HOME; touch here && echo wrote; [ \"$PWD\" = \"$TMPDIR\" ] && pwd";
    let asked = with(shell("a", script), |wanted| wanted.user = Some("61234:61235".into()));
    assert_eq!(engine.run(asked).await.code, Some(0));
    let lines = world.log("a");
    assert_eq!(lines[..2], ["61234:61235 /", "wrote"]);
    assert!(!Path::new(&lines[2]).exists(), "{} is gone with its job", lines[2]);
}

#[tokio::test]
async fn the_gpus_of_a_job_are_named_to_its_programs_whatever_its_definition_says() {
    let (world, mut engine) = World::begin().await;
    let script = "echo ${NVIDIA_VISIBLE_DEVICES-none} ${CUDA_VISIBLE_DEVICES-none}";
    let mut with_two = with(shell("a", script), |wanted| {
        wanted.environment = vec![variable("CUDA_VISIBLE_DEVICES", "all")];
    });
    with_two.containers[0].gpu_devices = vec![1, 3];
    engine.run(with_two).await;
    engine.run(shell("b", script)).await;
    assert_eq!((world.log("a"), world.log("b")), (vec!["1,3 1,3".to_owned()], vec!["none none".to_owned()]));
}
