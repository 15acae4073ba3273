//! The engine from outside: what runs, what it answers, and what is left of it after a kill.

use crate::support::{House, kill_hard};
use std::fs;
use std::io::Read as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A script that notes its id, waits for a file, and ends with `code`.
fn noting(house: &House, code: i32) -> String {
    let ran = house.path().join("ran");
    let go = house.path().join("go");
    format!(
        "echo $AWS_BATCH_JOB_ID >> {}; echo noted; while [ ! -e {} ]; do sleep 0.05; done; exit {code}",
        ran.display(),
        go.display()
    )
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn a_job_runs_and_its_output_and_exit_code_come_back() {
    let house = House::new();
    house.ok(&["init"]);
    let output = house.run(&["submit", "--wait", "--", "sh", "-c", "echo to stdout; echo to stderr >&2; exit 7"]);
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));

    let jobs = house.json(&["jobs", "--status", "FAILED"]);
    let job = jobs[0]["jobId"].as_str().expect("an id");
    let log = house.ok(&["logs", job]);
    assert!(log.contains("to stdout") && log.contains("to stderr"), "{log}");

    let detail = house.json(&["job", job]);
    assert_eq!(detail["container"]["exitCode"], 7);
    assert_eq!(detail["statusReason"], "Essential container in task exited");
    assert_eq!(detail["attempts"].as_array().expect("attempts").len(), 1);
}

#[test]
fn a_failing_job_is_tried_again_as_often_as_it_was_told_and_each_attempt_has_its_log() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&[
        "--attempts",
        "3",
        "--",
        "sh",
        "-c",
        "echo try $AWS_BATCH_JOB_ATTEMPT; [ $AWS_BATCH_JOB_ATTEMPT = 3 ]",
    ]);
    let detail = house.until_status(&job, "SUCCEEDED");
    assert_eq!(detail["attempts"].as_array().expect("attempts").len(), 3);
    assert!(house.ok(&["logs", &job, "--attempt", "1"]).contains("try 1"));
    assert!(house.ok(&["logs", &job]).contains("try 3"));
}

#[test]
fn an_array_runs_each_index_once_and_a_stage_waits_for_its_counterpart() {
    let house = House::new();
    house.ok(&["init"]);
    let out = house.path().join("out");
    fs::create_dir(&out).expect("a directory");
    let first = house.submit(&[
        "--array",
        "4",
        "--name",
        "first",
        "--",
        "sh",
        "-c",
        &format!("echo x >> {}/a$AWS_BATCH_JOB_ARRAY_INDEX", out.display()),
    ]);
    let second = house.submit(&[
        "--array",
        "4",
        "--name",
        "second",
        "--depends-on",
        &format!("{first}:N_TO_N"),
        "--",
        "sh",
        "-c",
        &format!("cat {0}/a$AWS_BATCH_JOB_ARRAY_INDEX >> {0}/b$AWS_BATCH_JOB_ARRAY_INDEX", out.display()),
    ]);
    house.until_status(&second, "SUCCEEDED");
    for index in 0..4 {
        assert_eq!(lines(&out.join(format!("a{index}"))), ["x"]);
        assert_eq!(lines(&out.join(format!("b{index}"))), ["x"]);
    }
    let children = house.json(&["jobs", "--array", &first]);
    assert_eq!(children.as_array().expect("children").len(), 4);
}

#[test]
fn what_depends_on_a_failed_job_fails_and_says_so() {
    let house = House::new();
    house.ok(&["init"]);
    let first = house.submit(&["--", "sh", "-c", &noting(&house, 1)]);
    let second = house.submit(&["--depends-on", &first, "--", "true"]);
    assert_eq!(house.json(&["job", &second])["status"], "PENDING");
    fs::write(house.path().join("go"), "").expect("writes");
    let detail = house.until_status(&second, "FAILED");
    assert_eq!(detail["statusReason"], "Dependent Job failed");
}

#[test]
fn a_waiting_job_is_cancelled_and_a_running_one_terminated_and_both_are_recorded() {
    let house = House::new();
    house.ok(&["init"]);
    let running = house.submit(&["--name", "runs", "--", "sh", "-c", &noting(&house, 0)]);
    let waiting = house.submit(&["--name", "waits", "--depends-on", &running, "--", "true"]);
    house.until_status(&running, "RUNNING");
    house.ok(&["terminate", &running, "--reason", "wrong bucket"]);
    let detail = house.until_status(&running, "FAILED");
    assert_eq!(detail["statusReason"], "wrong bucket");
    house.until_status(&waiting, "FAILED");
    let audit = house.json(&["audit"]);
    let entry = audit.as_array().expect("entries").iter().find(|e| e["action"] == "TerminateJob").expect("recorded");
    assert_eq!(entry["reason"], "wrong bucket");
    assert!(entry["who"].as_str().expect("who").contains('@'));
}

#[test]
fn a_reprioritised_job_overtakes_those_before_it() {
    let house = House::new();
    house.ok(&["init"]);
    // Everything the machine has is taken, so that the order of the rest is the queue's.
    let room = house.json(&["envs"])[0]["computeResources"]["maxvCpus"].as_u64().expect("a maximum");
    let blockers: Vec<String> = (0..room)
        .map(|n| house.submit(&["--name", &format!("blocker-{n}"), "--", "sh", "-c", &noting(&house, 0)]))
        .collect();
    for blocker in &blockers {
        house.until_status(blocker, "RUNNING");
    }
    let order = house.path().join("order");
    let note = format!("echo $0 >> {}", order.display());
    let waiting: Vec<String> = ["one", "two", "three"]
        .iter()
        .map(|name| house.submit(&["--name", name, "--", "sh", "-c", &note, name]))
        .collect();
    house.ok(&["reprioritise", &waiting[2], "50"]);
    house.ok(&["terminate", &blockers[0], "--reason", "room for one"]);
    for job in &waiting {
        house.until_status(job, "SUCCEEDED");
    }
    assert_eq!(lines(&order), ["three", "one", "two"]);
}

#[test]
fn a_killed_engine_loses_nothing_and_runs_nothing_twice() {
    let house = House::new();
    house.ok(&["init"]);
    let good = vec![house.submit(&["--", "sh", "-c", &noting(&house, 0)])];
    let bad = house.submit(&["--", "sh", "-c", &noting(&house, 9)]);
    for job in good.iter().chain([&bad]) {
        house.until_status(job, "RUNNING");
    }
    let waiting: Vec<String> =
        (0..20).map(|_| house.submit(&["--depends-on", &good[0], "--", "sh", "-c", &noting(&house, 0)])).collect();

    kill_hard(house.engine_pid());
    fs::write(house.path().join("go"), "").expect("writes");
    house.ok(&["engine", "start"]);

    for job in good.iter().chain(&waiting) {
        house.until_status(job, "SUCCEEDED");
    }
    let detail = house.until_status(&bad, "FAILED");
    assert_eq!(detail["container"]["exitCode"], 9, "the exit code that the job had while no engine ran");
    let mut ran = lines(&house.path().join("ran"));
    let mut submitted: Vec<String> = good.into_iter().chain(waiting).chain([bad]).collect();
    ran.sort();
    submitted.sort();
    assert_eq!(ran, submitted);
}

#[test]
fn jobs_run_on_while_the_engine_is_stopped_and_a_second_engine_is_refused() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--", "sh", "-c", &noting(&house, 0)]);
    house.until_status(&job, "RUNNING");
    let refused = house.run(&["engine", "run"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains(&house.engine_pid().to_string()));

    house.ok(&["engine", "stop"]);
    assert_eq!(house.run(&["engine", "status"]).status.code(), Some(3));
    house.ok(&["engine", "start"]);
    house.until_status(&job, "RUNNING");
    fs::write(house.path().join("go"), "").expect("writes");
    house.until_status(&job, "SUCCEEDED");
    assert_eq!(lines(&house.path().join("ran")), [job]);
}

#[test]
fn a_lost_host_fails_the_attempt_in_awss_words_and_the_job_is_tried_again_elsewhere() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--attempts", "2", "--", "sh", "-c", &noting(&house, 0)]);
    house.until_status(&job, "RUNNING");
    let status = house.json(&["engine", "status"]);
    let agent = status["agents"][0]["pid"].as_u64().expect("a pid");
    kill_hard(u32::try_from(agent).expect("a pid"));

    let detail = house.until("a second attempt", &["job", &job], |job| {
        job["attempts"].as_array().is_some_and(|a| a.len() == 1) && job["status"] == "RUNNING"
    });
    let reason = detail["attempts"][0]["statusReason"].as_str().expect("a reason");
    assert!(reason.starts_with("Host EC2 (instance i-") && reason.ends_with("terminated."), "{reason}");
    fs::write(house.path().join("go"), "").expect("writes");
    house.until_status(&job, "SUCCEEDED");
    assert_eq!(lines(&house.path().join("ran")), [job.clone(), job]);
}

#[test]
fn a_damaged_or_newer_journal_is_refused_by_name_and_left_as_it_is() {
    let house = House::new();
    house.ok(&["init"]);
    house.ok(&["engine", "stop"]);
    let journal = house.data().join("journal.db");
    let good = fs::read(&journal).expect("the journal is there");

    let mut damaged = good.clone();
    damaged[..64].fill(0x5a);
    let half = damaged.len() / 2;
    damaged[half..half + 512].fill(0x5a);
    fs::write(&journal, &damaged).expect("writes");
    let refused = house.run(&["engine", "start"]);
    assert!(!refused.status.success());
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("journal.db"), "{words}");
    assert!(!words.contains("ended in good order"), "an earlier engine said that: {words}");
    let refused = house.run(&["engine", "run"]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && !words.contains("the engine runs"), "{words}");
    assert_eq!(fs::read(&journal).expect("still there"), damaged);

    fs::write(&journal, &good).expect("writes");
    let connection = rusqlite::Connection::open(&journal).expect("opens");
    connection.pragma_update(None, "user_version", 9999).expect("is made newer");
    drop(connection);
    let newer = fs::read(&journal).expect("there");
    let refused = house.run(&["engine", "start"]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("journal.db") && words.contains("newer"), "{words}");
    assert_eq!(fs::read(&journal).expect("still there"), newer);
}

#[test]
fn a_schedule_missed_while_the_engine_was_down_runs_once_at_start_and_says_so() {
    let house = House::new();
    house.ok(&["init"]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let due = i64::try_from(now + 3).expect("fits");
    let at = chrono::DateTime::from_timestamp(due, 0).expect("a time").format("at(%Y-%m-%dT%H:%M:%S)").to_string();
    house.ok(&["schedule", "create", "soon", &at, "--name", "made-up", "--", "true"]);
    house.ok(&["engine", "stop"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() <= now + 4 {
        assert!(Instant::now() < deadline, "the clock stands still");
        std::thread::yield_now();
    }
    house.ok(&["engine", "start"]);
    let jobs =
        house.until("the job that was missed", &["jobs", "--name", "made-up"], |jobs| jobs[0]["status"] == "SUCCEEDED");
    assert_eq!(jobs.as_array().expect("jobs").len(), 1);
    let status = house.json(&["engine", "status"]);
    assert!(status["notices"].to_string().contains("soon"), "{status}");

    house.ok(&["engine", "stop"]);
    house.ok(&["engine", "start"]);
    assert_eq!(house.json(&["jobs", "--name", "made-up"]).as_array().expect("jobs").len(), 1);
}

#[test]
fn an_image_without_a_container_runtime_fails_and_says_what_to_do() {
    let house = House::new().with_variable("DOCKER_HOST", "unix:///nowhere/docker.sock");
    house.ok(&["init"]);
    let definition = house.path().join("busybox.json");
    let text = r#"{"jobDefinitionName":"busybox","type":"container","containerProperties":{"image":"localhost/none:1","command":["true"],
        "resourceRequirements":[{"type":"VCPU","value":"1"},{"type":"MEMORY","value":"128"}]}}"#;
    fs::write(&definition, text).expect("writes");
    house.ok(&["definitions", "register", &definition.display().to_string()]);
    let job = house.submit(&["--definition", "busybox"]);
    let detail = house.until_status(&job, "FAILED");
    assert_eq!(detail["statusReason"], "Task failed to start");
    let reason = detail["container"]["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("CannotPullContainerError") && reason.contains("host"), "{reason}");
}

#[test]
fn control_sequences_of_a_job_do_not_come_out_of_its_log() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--", "printf", "\\033[31mred\\033[0m \\033]0;title\\007end\\n"]);
    house.until_status(&job, "SUCCEEDED");
    let log = house.ok(&["logs", &job]);
    assert!(log.contains("red end") && !log.contains('\u{1b}') && !log.contains('\u{7}'), "{log:?}");
}

#[test]
fn scripts_can_trust_the_exit_codes() {
    let house = House::new();
    assert_eq!(house.run(&["engine", "status"]).status.code(), Some(3), "no engine");
    assert_eq!(house.run(&["nonsense"]).status.code(), Some(2), "usage");
    house.ok(&["init"]);
    assert_eq!(house.run(&["job", "00000000-0000-4000-8000-000000000000"]).status.code(), Some(4), "not found");
    assert_eq!(house.run(&["submit", "--array", "1", "--", "true"]).status.code(), Some(2), "usage");
    let job = house.submit(&["--", "true"]);
    house.until_status(&job, "SUCCEEDED");
    assert_eq!(house.run(&["reprioritise", &job, "5"]).status.code(), Some(1), "refused");
    assert_eq!(house.run(&["submit", "--wait", "--", "true"]).status.code(), Some(0));
}

#[test]
fn jobs_come_as_one_object_a_line() {
    let house = House::new();
    house.ok(&["init"]);
    for _ in 0..3 {
        house.submit(&["--", "true"]);
    }
    let text = house.ok(&["jobs", "-o", "jsonl"]);
    assert_eq!(text.lines().count(), 3);
    for line in text.lines() {
        let job: serde_json::Value = serde_json::from_str(line).expect("an object a line");
        assert!(job["jobId"].is_string());
    }
}

#[test]
fn a_secret_is_not_shown_to_who_looks_over_a_shoulder_and_comes_whole_in_the_api_s_own_form() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--env", "DB_PASSWORD=hunter2", "--env", "MODE=full", "--", "true"]);
    let told = house.ok(&["job", &job]);
    assert!(told.contains("DB_PASSWORD=••••••") && told.contains("MODE=full") && !told.contains("hunter2"), "{told}");
    assert!(house.json(&["job", &job]).to_string().contains("hunter2"));
}

/// A killed engine takes connections until the kernel has closed all that it held.
#[test]
fn an_engine_is_started_where_one_still_answered_and_is_dying() {
    let house = House::new();
    house.ok(&["init"]);
    house.ok(&["engine", "stop"]);
    let lock = fs::File::options().write(true).open(house.data().join("engine.lock")).expect("it is left");
    lock.try_lock().expect("nobody holds it");
    let listener = UnixListener::bind(house.data().join("engine.sock")).expect("bound");
    let dying = std::thread::spawn(move || {
        // The first only connects; the second asks for the state.
        let (_first, _) = listener.accept().expect("a connection");
        let (mut second, _) = listener.accept().expect("a connection");
        second.read_exact(&mut [0]).expect("a question");
        drop((listener, lock, second));
    });
    let told = house.ok(&["engine", "start"]);
    assert!(told.starts_with("the engine runs: pid"), "{told}");
    dying.join().expect("it asked");
}
