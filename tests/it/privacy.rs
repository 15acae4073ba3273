//! What is kept from others: files whatever the umask, directories of other users, terminals, and what a job is given.

use crate::faults::{call_with, is_root, words};
use crate::support::{House, Key};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").permissions().mode() & 0o7777
}

/// All that lies in a directory.
fn all_in(directory: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(folder) = left.pop() {
        for path in fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.path()) {
            if fs::symlink_metadata(&path).is_ok_and(|about| about.is_dir()) {
                left.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}

fn until(what: &str, good: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !good() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts an engine under a umask and has it write whatever it writes.
fn lived_in(umask: &str) -> House {
    let house = House::new();
    let told = house.path().join("told.jsonl");
    let config = format!("[hooks.kept]\nfile = {:?}\n", told.display().to_string());
    fs::write(house.path().join("config.toml"), config).expect("written");
    let within = format!("umask {umask}; exec \"$@\"");
    let run = |arguments: &[&str]| {
        let output = house.command_within(&["sh", "-c", &within, "sh"], arguments).output().expect("runs");
        assert!(output.status.success(), "{}", words(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    run(&["engine", "start", "--http", "127.0.0.1:0"]);
    run(&["init"]);
    // It writes a file of its own, and goes on until what it uses over time is written.
    let go = house.path().join("go");
    let script = format!("echo mine > own; while [ ! -e {} ]; do sleep 0.05; done", go.display());
    let job = house.submit(&["--", "sh", "-c", &script]);
    until("what it uses is written", || fs::read_dir(house.data().join("usage")).is_ok_and(|all| all.count() > 0));
    let mut stream = UnixStream::connect(house.data().join("engine.sock")).expect("connects");
    for (target, body) in [
        ("CreateLogGroup", r#"{"logGroupName":"mine"}"#),
        ("PutRetentionPolicy", r#"{"logGroupName":"mine","retentionInDays":7}"#),
        ("CreateLogStream", r#"{"logGroupName":"mine","logStreamName":"a/b"}"#),
    ] {
        let answer = call_with(&mut stream, "POST /", &format!("x-amz-target: Logs_20140328.{target}"), body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    fs::write(&go, "").expect("written");
    house.until_status(&job, "SUCCEEDED");
    until("the hook has written", || told.exists());
    // The engine that writes its journal anew, and a console that keeps what was typed.
    run(&["engine", "restart"]);
    let mut console = house.open(&["--context", "local"], 100, 30);
    console.wait_for("engine ok");
    console.type_text(":export rows.json");
    console.press(Key::Enter);
    console.wait_for("wrote rows.json");
    console.press(Key::Ctrl('c'));
    console.wait_end();
    house
}

#[test]
fn whatever_the_umask_all_that_is_written_is_for_its_owner_alone() {
    for umask in ["000", "077"] {
        let house = lived_in(umask);
        let mut all = all_in(&house.data());
        for name in ["journal.db", "credentials", "http", "engine.sock", "agents.sock", "engine.log", "console.json"] {
            assert!(all.contains(&house.data().join(name)), "{name} was never written");
        }
        for part in ["logs/groups.json", "hook-kept.cursor", "usage/", "agents/", "a/b.log"] {
            assert!(all.iter().any(|path| path.display().to_string().contains(part)), "{part} was never written");
        }
        all.extend([house.data(), house.path().join("rows.json"), house.path().join("told.jsonl")]);
        for path in all {
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&path), expected, "umask {umask}: {}", path.display());
        }
    }
}

#[test]
fn what_somebody_has_opened_is_closed_when_an_engine_starts_and_said_to_be() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--", "echo", "hello"]);
    house.until_status(&job, "SUCCEEDED");
    house.ok(&["engine", "stop"]);
    let opened: Vec<PathBuf> = all_in(&house.data());
    for path in opened.iter().chain([&house.data()]) {
        fs::set_permissions(path, Permissions::from_mode(if path.is_dir() { 0o777 } else { 0o666 })).expect("opened");
    }
    house.ok(&["engine", "start"]);
    assert_eq!(mode(&house.data()), 0o700, "before anyone is served");
    let is_open =
        |path: &&PathBuf| fs::symlink_metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0);
    until("all is closed", || opened.iter().find(is_open).is_none());
    let log = fs::read_to_string(house.data().join("engine.log")).expect("a log");
    assert!(log.contains("open to other users, and is closed to them now"), "{log}");
}

#[test]
fn a_data_directory_of_another_user_is_refused_in_words_and_left_as_it_is() {
    if !is_root("own a directory as another user") {
        return;
    }
    let house = House::new();
    let theirs = house.path().join("theirs");
    fs::create_dir(&theirs).expect("made");
    std::os::unix::fs::chown(&theirs, Some(54_323), Some(54_323)).expect("given away");
    fs::set_permissions(&theirs, Permissions::from_mode(0o755)).expect("set");
    let named = theirs.display().to_string();
    for verb in [&["engine", "start"][..], &["engine", "run"], &["jobs"]] {
        let refused = house.run(&[&["--data-dir", named.as_str()], verb].concat());
        let said = words(&refused);
        assert!(!refused.status.success() && said.contains(&named), "{verb:?}: {said}");
        assert!(
            said.contains("belongs to another user (uid 54323)") && said.contains("--data-dir"),
            "{verb:?}: {said}"
        );
    }
    let about = fs::metadata(&theirs).expect("there");
    assert_eq!((about.uid(), mode(&theirs), all_in(&theirs).len()), (54_323, 0o755, 0));
}

#[test]
fn a_job_does_not_reach_the_terminal_from_which_its_engine_was_started() {
    let house = House::new();
    // The console starts the engine, and lives on in the terminal.
    let mut console = house.open(&["--context", "local"], 100, 30);
    console.wait_for("engine ok");
    house.ok(&["init"]);
    let session = |pid: u64| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
        // After the name: state, parent, group, session, terminal.
        let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
        (fields[3].to_owned(), fields[4].to_owned())
    };
    let script = "printf '\\033]0;owned\\007reached' > /dev/tty; echo tried";
    let job = house.submit(&["--", "sh", "-c", script]);
    house.until_status(&job, "SUCCEEDED");
    let log = house.ok(&["logs", &job]);
    assert!(log.contains("/dev/tty") && log.contains("tried"), "{log}");
    console.type_text("3ssss");
    console.wait_for("SUCCEEDED");
    assert!(!console.has_written(b"reached"), "a job wrote to the terminal");
    let status = house.json(&["engine", "status"]);
    let agents = status["agents"].as_array().expect("agents");
    for pid in agents.iter().chain([&status]).filter_map(|one| one["pid"].as_u64()) {
        assert_eq!(session(pid), (pid.to_string(), "0".to_owned()), "{pid} has a terminal");
    }
    console.press(Key::Ctrl('c'));
    console.wait_end();
}

#[test]
fn a_job_and_its_engine_inherit_no_descriptor_not_even_the_gate_at_which_it_waited() {
    let house = House::new();
    // Whoever starts the engine holds a lock meanwhile, on a descriptor that is handed on.
    let lock = house.path().join("lock");
    let within = format!("exec 9>{}; exec \"$@\"", lock.display());
    let started = house.command_within(&["sh", "-c", &within, "sh"], &["init"]).output().expect("runs");
    assert!(started.status.success(), "{}", words(&started));
    let holds = |pid: u32| {
        let all = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").flatten();
        all.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|open| open == lock)
    };
    assert!(!holds(house.engine_pid()), "the engine holds what its starter held");
    // What the shell itself opened to list them is gone by then.
    let script = "for fd in /proc/$$/fd/*; do [ ! -L $fd ] || echo \"${fd##*/} $(readlink $fd)\"; done";
    let job = house.submit(&["--", "sh", "-c", script]);
    house.until_status(&job, "SUCCEEDED");
    let log = house.ok(&["logs", &job]);
    let held: Vec<(u32, &str)> = log
        .lines()
        .filter_map(|line| line.split_whitespace().rev().collect::<Vec<_>>().get(..2).map(|two| (two[1], two[0])))
        .filter_map(|(number, what)| Some((number.parse().ok()?, what)))
        .collect();
    assert_eq!(held.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1, 2], "{log}");
    assert_eq!(held[0].1, "/dev/null", "{log}");
    for (_, what) in &held[1..] {
        assert!(what.starts_with("pipe:"), "{log}");
    }
    let ulimited = house.path().join("ulimited.json");
    let definition = r#"{"jobDefinitionName":"limited","type":"container","containerProperties":{"image":"host",
        "command":["sh","-c","readlink /proc/$$/fd/0"],"ulimits":[{"name":"nofile","softLimit":64,"hardLimit":64}],
        "resourceRequirements":[{"type":"VCPU","value":"1"},{"type":"MEMORY","value":"64"}]}}"#;
    fs::write(&ulimited, definition).expect("written");
    house.ok(&["definitions", "register", &ulimited.display().to_string()]);
    let job = house.submit(&["--definition", "limited"]);
    house.until_status(&job, "SUCCEEDED");
    assert!(house.ok(&["logs", &job]).contains("/dev/null"), "the gate that it waited at stayed open");
}
