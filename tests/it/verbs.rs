//! The verbs as scripts use them: what they print, and the exit codes that scripts trust.

use crate::support::House;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

/// Exit code and standard error.
fn refusal(house: &House, arguments: &[&str]) -> (i32, String) {
    let output = house.run(arguments);
    assert!(!output.status.success(), "`batchdeck {}` succeeded", arguments.join(" "));
    let code = output.status.code().expect("it ends by itself");
    (code, String::from_utf8(output.stderr).expect("UTF-8"))
}

#[test]
fn an_engine_is_started_once_told_of_and_stopped() {
    let house = House::new();
    let (code, words) = refusal(&house, &["engine", "status"]);
    assert_eq!(code, 3, "{words}");
    assert!(words.contains("engine start"), "{words}");

    let first = house.ok(&["engine", "start"]);
    let pid = house.engine_pid();
    assert!(first.contains(&pid.to_string()) && first.contains(&house.data().display().to_string()), "{first}");
    let second = house.ok(&["engine", "start"]);
    assert!(second.contains("already") && second.contains(&pid.to_string()), "{second}");

    let status = house.json(&["engine", "status"]);
    for member in ["pid", "version", "dataDirectory", "socket", "agents"] {
        assert!(!status[member].is_null(), "{member} is missing in {status}");
    }
    house.ok(&["engine", "stop"]);
    assert_eq!(refusal(&house, &["engine", "status"]).0, 3);
    house.ok(&["engine", "stop"]);
}

#[test]
fn engines_of_two_directories_live_side_by_side() {
    let (one, other) = (House::new(), House::new());
    one.ok(&["init"]);
    other.ok(&["init"]);
    assert_ne!(one.engine_pid(), other.engine_pid());
    one.submit(&["--name", "here", "--", "true"]);
    assert!(other.json(&["jobs"]).as_array().expect("a list").is_empty());
}

#[test]
fn verbs_that_need_an_engine_start_one_and_say_so_on_standard_error_alone() {
    let house = House::new();
    let output = house.run(&["jobs", "-o", "json"]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[]\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("started the engine"));
    let again = house.run(&["jobs", "-o", "json"]);
    assert_eq!(String::from_utf8_lossy(&again.stderr), "");
}

#[test]
fn a_mistake_ends_with_its_exit_code_and_says_what_to_do_next() {
    let house = House::new();
    let (code, words) = refusal(&house, &["submit", "--", "true"]);
    assert!(code == 4 && words.contains("batchdeck init"), "{code} {words}");
    house.ok(&["init"]);
    let cases: [(&[&str], i32, &str); 19] = [
        (&["submit", "--queue", "defualt", "--", "true"], 4, "did you mean `default`?"),
        (&["submit", "--definition", "hots", "--", "true"], 4, "did you mean `host`?"),
        (&["submit", "--array", "1", "--", "true"], 2, "2 to 10000"),
        (&["submit", "--timeout", "5", "--", "true"], 2, "60 or more"),
        (&["submit", "--attempts", "11", "--", "true"], 2, "1 to 10"),
        (&["submit", "--priority", "10000", "--", "true"], 2, "0 to 9999"),
        (&["submit", "--env", "1A=x", "--", "true"], 2, "`1A`"),
        (&["reprioritise", "--queue", "default", "1001"], 2, "0 to 1000"),
        (&["queues", "disable", "xyzzy"], 4, "there is: default"),
        (&["envs", "enable", "lcoal"], 4, "did you mean `local`?"),
        (&["--read-only", "queues", "disable", "default"], 1, "read-only"),
        (&["submit", "--workdir", "/nonexistent", "--", "true"], 1, "/nonexistent"),
        (&["job", "zzz"], 4, "batchdeck jobs"),
        (&["terminate", "zzz"], 4, "batchdeck jobs"),
        (&["jobs", "--status", "DONE"], 2, "RUNNABLE"),
        (&["jobs", "--context", "prd"], 4, "there are: local, aws"),
        (&["--config", "/nonexistent", "jobs"], 2, "/nonexistent"),
        (&["--read-only", "submit", "--", "true"], 1, "read-only"),
        (&["schedule", "create", "bad", "cron(1 2 3)", "--", "true"], 2, "6 fields"),
    ];
    for (arguments, expected, part) in cases {
        let (code, words) = refusal(&house, arguments);
        assert!(code == expected && words.contains(part), "{arguments:?}: {code} {words}");
    }
}

#[test]
fn submit_prints_the_id_alone_and_the_id_may_be_shortened_afterwards() {
    let house = House::new();
    house.ok(&["init"]);
    let printed = house.ok(&["submit", "--name", "first", "--", "echo", "hello"]);
    let id = printed.trim_end();
    assert_eq!(printed, format!("{id}\n"));
    assert_eq!(id.len(), 36, "{id}");
    house.until_status(id, "SUCCEEDED");
    assert_eq!(house.json(&["job", &id[..8]])["jobId"], id);
    assert_eq!(house.ok(&["logs", &id[..8]]), "hello\n");
    let (code, words) = refusal(&house, &["logs", "first"]);
    let named = format!("`first` is no id, and the name of {} (SUCCEEDED)", &id[..8]);
    assert!(code == 4 && words.contains(&named), "{code} {words}");
}

#[test]
fn what_is_asked_for_reaches_the_job() {
    let house = House::new();
    house.ok(&["init"]);
    let directory = house.path().join("work here");
    fs::create_dir(&directory).expect("a directory");
    let directory = directory.canonicalize().expect("a path");
    let job = house.submit(&[
        "--env",
        "WORD=a b",
        "--workdir",
        directory.to_str().expect("UTF-8"),
        "--tag",
        "team=ops",
        "--",
        "sh",
        "-c",
        "pwd; echo \"$WORD\"",
    ]);
    let detail = house.until_status(&job, "SUCCEEDED");
    assert_eq!(detail["tags"]["team"], "ops");
    assert_eq!(house.ok(&["logs", &job]), format!("{}\na b\n", directory.display()));
}

#[test]
fn a_followed_log_goes_on_over_all_attempts_and_ends_with_the_job() {
    let house = House::new();
    house.ok(&["init"]);
    let script = "for n in 1 2 3; do echo $AWS_BATCH_JOB_ATTEMPT.$n; sleep 0.1; done; [ $AWS_BATCH_JOB_ATTEMPT = 2 ]";
    let job = house.submit(&["--attempts", "2", "--", "sh", "-c", script]);
    assert_eq!(house.ok(&["logs", "-f", &job]), "1.1\n1.2\n1.3\n2.1\n2.2\n2.3\n");
}

/// What a process has read since it began, of files and of sockets.
fn read_by(pid: u32) -> u64 {
    let counted = fs::read_to_string(format!("/proc/{pid}/io")).expect("it runs");
    let read = counted.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("it is counted");
    read.trim().parse().expect("a number")
}

#[test]
fn a_followed_log_is_read_once_also_when_its_job_ends() {
    let house = House::new();
    house.ok(&["init"]);
    let go = house.path().join("go");
    let script = format!("seq 400000; while [ ! -e {} ]; do sleep 0.05; done; echo last", go.display());
    let job = house.submit(&["--", "sh", "-c", &script]);
    let detail = house.until_status(&job, "RUNNING");
    let mut follower = house.command(&["logs", "-f", &job]).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines().map(|line| line.expect("text"));
    for number in 1..=400_000 {
        assert_eq!(lines.next(), Some(number.to_string()));
    }
    let engine = house.engine_pid();
    let before = read_by(engine);
    fs::write(&go, "").expect("written");
    assert_eq!((lines.next().as_deref(), lines.next()), (Some("last"), None));
    assert!(follower.wait().expect("it ends").success());
    let stream = detail["container"]["logStreamName"].as_str().expect("a log stream");
    let log = fs::metadata(house.data().join(format!("logs/{stream}.log"))).expect("it is there").len();
    let read = read_by(engine) - before;
    assert!(log > 8_000_000 && read < log / 4, "{read} bytes were read of a log of {log}");
}

#[test]
fn logs_of_attempts_children_and_jobs_are_one_by_time_and_each_line_says_whose_it_is() {
    let house = House::new();
    house.ok(&["init"]);
    let tries = "echo try $AWS_BATCH_JOB_ATTEMPT; [ $AWS_BATCH_JOB_ATTEMPT = 2 ]";
    let job = house.submit(&["--name", "tries", "--attempts", "2", "--", "sh", "-c", tries]);
    house.until_status(&job, "SUCCEEDED");
    assert_eq!(house.ok(&["logs", "--all-attempts", &job]), "attempt 1 │ try 1\nattempt 2 │ try 2\n");
    let array = house.submit(&["--array", "12", "--", "sh", "-c", "echo I am $AWS_BATCH_JOB_ARRAY_INDEX"]);
    house.until_status(&array, "SUCCEEDED");
    let text = house.ok(&["logs", "--children", &array, "-t"]);
    let times: Vec<&str> = text.lines().map(|line| &line[line.find("│ ").expect("a label")..][..28]).collect();
    assert!(times.len() == 12 && times.is_sorted(), "{text}");
    for index in 0..12 {
        let (begin, end) = (format!("{index} "), format!("I am {index}"));
        assert!(text.lines().any(|line| line.starts_with(&begin) && line.ends_with(&end)), "{index} in {text}");
    }
    let told = house.json(&["logs", &job, &format!("{array}:3")]);
    let told: Vec<_> = told.as_array().expect("lines").iter().map(|line| line["message"].as_str()).collect();
    assert_eq!(told, [Some("try 2"), Some("I am 3")]);
    let (code, words) = refusal(&house, &["logs", "-f", &job, &array]);
    assert!(code == 4 && words.contains("it is an array; "), "{words}");
    let (code, words) = refusal(&house, &["logs", "--children", &job]);
    assert!(code == 4 && words.contains("it has no children"), "{words}");
}

#[test]
fn logs_of_children_and_of_several_jobs_are_followed_as_one_also_of_those_that_begin_later() {
    let house = House::new();
    house.ok(&["init", "--max-vcpus", "4"]);
    // Two run at a time: most begin while their logs are followed already.
    let script = "i=$AWS_BATCH_JOB_ARRAY_INDEX; echo $i.1; sleep 0.1; echo $i.2";
    let array = house.submit(&["--array", "7", "--vcpus", "2", "--", "sh", "-c", script]);
    let text = house.ok(&["logs", "-f", "--children", &array]);
    assert_eq!(text.lines().count(), 14, "{text}");
    for index in 0..7 {
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(&format!("{index} │ "))).collect();
        assert_eq!(lines, [1, 2].map(|part| format!("{index} │ {index}.{part}")), "{text}");
    }
    let job = |name: &str| {
        let script = format!("echo {name} $AWS_BATCH_JOB_ATTEMPT; [ $AWS_BATCH_JOB_ATTEMPT = 2 ]");
        house.submit(&["--name", name, "--attempts", "2", "--", "sh", "-c", &script])
    };
    let (one, other) = (job("one"), job("other"));
    let text = house.ok(&["logs", "-f", "--all-attempts", &one, &other]);
    for (name, id) in [("one", &one), ("other", &other)] {
        for attempt in [1, 2] {
            let label = format!("{name} {} attempt {attempt}", &id[..8]);
            let is_it = |line: &&str| line.starts_with(&label) && line.ends_with(&format!("│ {name} {attempt}"));
            assert_eq!(text.lines().filter(is_it).count(), 1, "{text}");
        }
    }
}

#[test]
fn a_log_has_no_control_sequence_and_a_long_one_is_whole() {
    let house = House::new();
    house.ok(&["init"]);
    let script = r"printf '\033[31mred\033[0m \033]0;title\007\n'; seq 20000";
    let job = house.submit(&["--", "sh", "-c", script]);
    house.until_status(&job, "SUCCEEDED");
    let log = house.ok(&["logs", &job]);
    let numbers = (1..=20_000).map(|number| number.to_string()).collect::<Vec<_>>().join("\n") + "\n";
    assert!(log == format!("red \n{numbers}"), "{} bytes, begins {:?}", log.len(), &log[..log.len().min(40)]);
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--", "seq", "100000"]);
    house.until_status(&job, "SUCCEEDED");
    let mut program = house
        .command(&["logs", &job])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut reader = program.stdout.take().expect("a pipe");
    let mut first = [0; 1];
    reader.read_exact(&mut first).expect("a line");
    drop(reader);
    let output = program.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn cancel_leaves_a_job_that_runs_and_terminate_ends_it_with_the_reason() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--", "sleep", "600"]);
    house.until_status(&job, "RUNNING");
    let after = house.submit(&["--depends-on", &job, "--", "true"]);
    let output = house.run(&["cancel", &job]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("batchdeck terminate"));
    house.ok(&["terminate", &job[..8], "--reason", "wrong bucket"]);
    let detail = house.until_status(&job, "FAILED");
    assert_eq!((&detail["statusReason"], &detail["isTerminated"]), (&"wrong bucket".into(), &true.into()));
    house.until_status(&after, "FAILED");
    let audit = house.json(&["audit"]);
    let entry = audit.as_array().expect("entries").iter().find(|entry| entry["action"] == "TerminateJob");
    assert_eq!(entry.expect("recorded")["reason"], "wrong bucket");
}

#[test]
fn a_schedule_is_created_paused_resumed_run_and_deleted() {
    let house = House::new();
    house.ok(&["init"]);
    let told =
        house.ok(&["schedule", "create", "nightly", "cron(30 2 * * ? *)", "--zone", "Europe/Zurich", "--", "date"]);
    assert_eq!(told.lines().filter(|line| line.contains(" 02:30 +0")).count(), 5, "{told}");
    assert_eq!(refusal(&house, &["schedule", "create", "nightly", "rate(1 hour)", "--", "date"]).0, 1);
    house.ok(&["schedule", "pause", "nightly"]);
    assert_eq!(house.json(&["schedule", "list"])[0]["State"], "DISABLED");
    house.ok(&["schedule", "resume", "nightly"]);
    assert_eq!(house.json(&["schedule", "list"])[0]["State"], "ENABLED");
    let job = house.ok(&["schedule", "run", "nightly"]);
    house.until_status(job.trim_end(), "SUCCEEDED");
    let (code, words) = refusal(&house, &["schedule", "delete", "nightyl"]);
    assert!(code == 4 && words.contains("did you mean `nightly`?"), "{words}");
    house.ok(&["schedule", "delete", "nightly"]);
    assert!(house.json(&["schedule", "list"]).as_array().expect("a list").is_empty());
}

#[test]
fn a_definition_from_a_file_runs_with_its_parameters() {
    let house = House::new();
    house.ok(&["init"]);
    let file = house.path().join("greet.json");
    fs::write(
        &file,
        r#"{"jobDefinitionName": "greet", "type": "container", "parameters": {"whom": "world"},
            "containerProperties": {"image": "host", "command": ["echo", "hello", "Ref::whom"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]}}"#,
    )
    .expect("written");
    assert_eq!(house.ok(&["definitions", "register", file.to_str().expect("UTF-8")]), "greet:1\n");
    let job = house.submit(&["--definition", "greet", "--parameter", "whom=batch"]);
    house.until_status(&job, "SUCCEEDED");
    assert_eq!(house.ok(&["logs", &job]), "hello batch\n");
}

#[test]
fn a_waiting_job_and_a_queue_are_reprioritised() {
    let house = House::new();
    house.ok(&["init"]);
    let first = house.submit(&["--", "sleep", "600"]);
    let waiting = house.submit(&["--depends-on", &first, "--", "true"]);
    house.ok(&["reprioritise", &waiting, "50"]);
    assert_eq!(house.json(&["job", &waiting])["extra"]["priority"], 50);
    house.ok(&["reprioritise", "--queue", "default", "77", "--reason", "month end"]);
    assert_eq!(house.json(&["queues"])[0]["priority"], 77);
}

#[test]
fn the_demo_has_every_lasting_state_to_show_and_a_second_one_makes_no_resource_twice() {
    let house = House::new();
    house.ok(&["demo", "--no-console"]);
    house.until("jobs in every lasting state", &["jobs"], |jobs| {
        let states: Vec<&str> =
            jobs.as_array().expect("a list").iter().filter_map(|job| job["status"].as_str()).collect();
        ["PENDING", "RUNNABLE", "RUNNING", "SUCCEEDED", "FAILED"].iter().all(|state| states.contains(state))
    });
    let resources = || {
        let count = |arguments: &[&str]| house.json(arguments).as_array().expect("a list").len();
        [&["queues"][..], &["envs"], &["definitions", "--all"], &["schedule", "list"]].map(count)
    };
    let (before, jobs) = (resources(), house.json(&["jobs"]).as_array().expect("a list").len());
    house.ok(&["demo", "--no-console"]);
    assert_eq!(resources(), before);
    assert!(house.json(&["jobs"]).as_array().expect("a list").len() > jobs);
}

#[test]
fn two_demos_that_begin_at_once_make_one_world_together() {
    let house = House::new();
    let begin = || {
        let mut demo = house.command(&["demo", "--no-console"]);
        demo.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    for demo in [begin(), begin()] {
        let output = demo.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "whoever runs the tests should see what was left out")]
fn completions_are_printed_for_each_shell_without_an_engine_and_read_by_those_that_are_there() {
    let house = House::new();
    let script = |shell: &str| {
        let path = house.path().join(shell);
        std::fs::write(&path, house.ok(&["completions", shell])).expect("written");
        path.display().to_string()
    };
    for (shell, reads) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = script(shell);
        assert!(std::fs::read_to_string(&script).expect("there").contains("batchdeck"), "{shell}");
        match std::process::Command::new(shell).args([reads, &script]).output() {
            Ok(read) => assert!(read.status.success(), "{shell}: {}", String::from_utf8_lossy(&read.stderr)),
            Err(cause) => eprintln!("NOT TESTED: {shell} is not here to read its completions: {cause}"),
        }
    }
    // As bash asks on the tab key: all words, the number of the last one, and what it is to be completed with.
    let offered = |words: &[&str]| -> Vec<String> {
        let asked = r#"source "$1"; shift; complete -p batchdeck >/dev/null || exit; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _batchdeck "$1" "${@: -1}" "${@: -2:1}"; printf '%s\n' "${COMPREPLY[@]}""#;
        let mut bash = std::process::Command::new("bash");
        bash.args(["--norc", "-c", asked, "bash", &script("bash")]).args(words);
        let answer = bash.output().expect("bash runs");
        assert!(answer.stderr.is_empty(), "{}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8(answer.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
    };
    assert_eq!(offered(&["batchdeck", "subm"]), ["submit"]);
    assert_eq!(offered(&["batchdeck", "engine", "resta"]), ["restart"]);
    assert_eq!(offered(&["batchdeck", "jobs", "--sta"]), ["--status"]);
    assert!(offered(&["batchdeck", "jobs", "--status", ""]).contains(&"RUNNABLE".to_owned()));
    assert!(!house.data().exists());
}

#[test]
fn what_acts_answers_in_json_too() {
    let house = House::new();
    let started = house.json(&["engine", "start"]);
    assert_eq!(started["pid"], house.engine_pid());
    house.ok(&["init"]);
    assert_eq!(house.json(&["reprioritise", "--queue", "default", "42"])["priority"], 42);
    let first = house.submit(&["--name", "first", "--", "sh", "-c", "exec tail -f /dev/null"]);
    let job = house.submit(&["--depends-on", &first, "--", "true"]);
    assert_eq!(house.json(&["reprioritise", &job, "7"])[0]["extra"]["priority"], 7);
    assert_eq!(house.json(&["terminate", &first, "--reason", "enough"])[0]["asked"], true);
    house.until_status(&first, "FAILED");
    let stopped = house.json(&["engine", "stop"]);
    assert_eq!(stopped["pid"], started["pid"]);
    assert!(house.json(&["engine", "stop"])["pid"].is_null());
}

#[test]
fn a_read_only_call_starts_no_engine_and_makes_no_directory() {
    let house = House::new();
    for verb in
        [&["queues"][..], &["envs"], &["jobs"], &["job", "3f2a"], &["logs", "3f2a"], &["audit"], &["definitions"]]
    {
        let (code, words) = refusal(&house, &[&["--read-only"], verb].concat());
        assert!(code == 3 && words.contains("no engine runs in"), "{verb:?}: {code} {words}");
    }
    assert_eq!(refusal(&house, &["--read-only"]).0, 3, "the console");
    assert_eq!(refusal(&house, &["--read-only", "engine", "start"]).0, 1);
    assert!(!house.data().exists());
    house.ok(&["init"]);
    assert!(house.ok(&["--read-only", "queues"]).contains("default"));
}

#[test]
fn a_queue_and_an_environment_are_switched_off_and_on_again_and_it_is_recorded() {
    let house = House::new();
    house.ok(&["init"]);
    assert_eq!(house.ok(&["queues", "disable", "default", "--reason", "night"]), "queue default is DISABLED\n");
    assert_eq!(house.json(&["queues"])[0]["state"], "DISABLED");
    assert_eq!(refusal(&house, &["submit", "--", "true"]).0, 1);
    assert_eq!(house.json(&["queues", "enable", "default"])["state"], "ENABLED");
    assert_eq!(house.json(&["envs", "disable", "local"])["state"], "DISABLED");
    assert_eq!(house.json(&["envs"])[0]["state"], "DISABLED");
    assert_eq!(house.ok(&["envs", "enable", "local"]), "compute environment local is ENABLED\n");
    let audit = house.json(&["audit"]);
    let entries = audit.as_array().expect("entries");
    assert!(entries.iter().any(|entry| entry["action"] == "UpdateJobQueue" && entry["reason"] == "night"), "{audit}");
    assert!(entries.iter().any(|entry| entry["action"] == "UpdateComputeEnvironment"), "{audit}");
}

#[test]
fn an_attempt_that_can_never_be_is_refused_at_once_and_one_that_can_is_waited_for() {
    let house = House::new();
    house.ok(&["init"]);
    let go = house.path().join("go");
    let script = format!(
        "echo try $AWS_BATCH_JOB_ATTEMPT; while [ ! -e {} ]; do sleep 0.05; done; [ $AWS_BATCH_JOB_ATTEMPT = 2 ]",
        go.display()
    );
    let job = house.submit(&["--attempts", "3", "--", "sh", "-c", &script]);
    house.until_status(&job, "RUNNING");
    let (code, words) = refusal(&house, &["logs", "-f", &job, "--attempt", "9"]);
    assert!(code == 4 && words.contains("there is no attempt 9; it has had 0, takes 3 at most"), "{words}");
    let follower = house
        .command(&["logs", "-f", &job, "--attempt", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    fs::write(&go, "").expect("written");
    let output = follower.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "try 2\n");
    assert_eq!(refusal(&house, &["logs", "-f", &job, "--attempt", "3"]).0, 4, "it is over");
}

#[test]
fn waiting_for_a_program_that_is_not_there_says_so() {
    let house = House::new();
    house.ok(&["init"]);
    let (code, words) = refusal(&house, &["submit", "--wait", "--", "/nonexistent/cmd"]);
    assert!(code == 1 && words.contains("Task failed to start: CannotStartContainerError"), "{code} {words}");
    assert!(words.contains("/nonexistent/cmd"), "{words}");
}

#[test]
fn a_line_of_usage_names_nothing_that_a_variable_says() {
    let (code, words) = refusal(&House::new(), &["job"]);
    assert!(code == 2 && words.contains("Usage: batchdeck job"), "{words}");
    assert!(!words.contains("--data-dir") && !words.contains("--config"), "{words}");
}

#[test]
fn help_that_cannot_be_written_is_no_success() {
    let house = House::new();
    for words in [&["--help"][..], &["--version"], &["queues", "create", "--help"]] {
        let full = fs::File::options().write(true).open("/dev/full").expect("there");
        let output = house.command(words).stdout(full).stderr(Stdio::piped()).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("standard output cannot be written"), "{words:?}: {said}");
    }
    // One who has seen enough has not been failed.
    let (gone, pipe) = std::io::pipe().expect("a pipe");
    drop(gone);
    assert!(house.command(&["--help"]).stdout(pipe).status().expect("runs").success());
    let (code, words) = refusal(&house, &["queues", "--no-such"]);
    assert!(code == 2 && words.contains("--no-such"), "{words}");
}

#[test]
fn a_home_that_is_elsewhere_from_each_directory_is_refused_in_words() {
    let house = House::new();
    for (taken, left) in [("BATCHDECK_DATA_DIR", "BATCHDECK_CONFIG"), ("BATCHDECK_CONFIG", "BATCHDECK_DATA_DIR")] {
        let mut command = house.command(&["contexts"]);
        let output = command.env("HOME", "here").env_remove(taken).current_dir(house.path()).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "with {left} alone: {said}");
        assert!(said.contains("HOME is no absolute path") && said.contains("set HOME to"), "{said}");
    }
    let all = house.command(&["contexts"]).env("HOME", "here").output().expect("runs");
    assert!(all.status.success(), "nothing of it is needed: {}", String::from_utf8_lossy(&all.stderr));
}
