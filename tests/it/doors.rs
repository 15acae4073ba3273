//! The engine's TCP door from outside: AWS's own tools come in, forgers do not.

use crate::console_aws::house_at;
use crate::support::{House, Key};
use crate::wire::{self, Wire};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_aws_command_line_and_boto3_run_a_job_and_read_its_log() {
    wire::run("walk.py");
}

#[test]
fn a_request_that_is_not_signed_as_it_came_is_refused_as_aws_refuses_it() {
    wire::run("forgeries.py");
}

#[test]
fn the_door_is_where_it_was_asked_for_and_says_where_that_is() {
    let house = House::new();
    let refused = house.run(&["engine", "env"]);
    assert_eq!(refused.status.code(), Some(3));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("no engine runs in") && told.contains("engine start --http 127.0.0.1:4566"), "{told}");

    house.ok(&["engine", "start"]);
    let refused = house.run(&["engine", "env"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("does not serve AWS's APIs") && told.contains("--http 127.0.0.1:4566"), "{told}");
    assert!(house.ok(&["engine", "status"]).contains("closed"));
    assert!(!house.data().join("http").exists());
    house.ok(&["engine", "stop"]);

    for (address, words) in [("0.0.0.0:0", "not a loopback address"), ("4566", "ADDRESS:PORT")] {
        let refused = house.run(&["engine", "start", "--http", address]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{told}");
        assert!(told.contains(words), "{told}");
    }

    fs::write(house.path().join("config.toml"), "[engine]\nhttp = \"127.0.0.1:0\"\nregion = \"eu-west-1\"\n")
        .expect("written");
    house.ok(&["engine", "start"]);
    let address = fs::read_to_string(house.data().join("http")).expect("a sign");
    let status = house.json(&["engine", "status"]);
    assert_eq!((&status["http"], &status["region"]), (&address.trim().into(), &"eu-west-1".into()));
    assert!(!address.trim().ends_with(":0"));
    assert!(house.ok(&["engine", "env"]).contains("export AWS_REGION='eu-west-1'"));
    assert!(house.ok(&["engine", "env", "--shell", "fish"]).contains("set -gx AWS_REGION 'eu-west-1'"));
    let mode = fs::metadata(house.data().join("credentials")).expect("a key pair").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // Another engine cannot have the same port, and says so.
    let other = House::new();
    let refused = other.run(&["engine", "start", "--http", address.trim()]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("Name another port"), "{told}");

    house.ok(&["engine", "stop"]);
    assert!(!house.data().join("http").exists(), "it goes with the engine");
}

#[test]
fn the_key_pair_stays_over_a_restart_and_outlives_no_removal() {
    let Some(wire) = Wire::start() else { return };
    let before = wire.variable("AWS_SECRET_ACCESS_KEY").to_owned();
    let again = |wire: Wire| {
        wire.house.ok(&["engine", "stop"]);
        let Wire { house, .. } = wire;
        Wire::start_in(house).expect("as before")
    };
    let wire = again(wire);
    assert_eq!(wire.variable("AWS_SECRET_ACCESS_KEY"), before);
    fs::remove_file(wire.house.data().join("credentials")).expect("removed");
    assert_ne!(again(wire).variable("AWS_SECRET_ACCESS_KEY"), before);
}

#[test]
fn two_regions_share_the_machine_and_nothing_else() {
    let Some(wire) = Wire::start() else { return };
    wire.run("regions.py", &["before"]);
    wire.house.ok(&["engine", "stop"]);
    let Wire { house, .. } = wire;
    let wire = Wire::start_in(house).expect("as before");
    wire.run("regions.py", &["after"]);
    // The console and the verbs speak to the configured region.
    assert_eq!(wire.house.json(&["queues"]).as_array().map(Vec::len), Some(1));
}

/// A house that sees the engine of `wire` as AWS, and has no engine of its own.
pub fn on_aws(wire: &Wire) -> House {
    on_aws_at(wire, wire.variable("AWS_ENDPOINT_URL_BATCH"))
}

/// The same, by another way to it.
pub fn on_aws_at(wire: &Wire, endpoint: &str) -> House {
    let house = house_at(endpoint);
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"];
    keys.iter().fold(house, |house, name| house.with_variable(name, wire.variable(name)))
}

#[test]
fn the_console_and_the_verbs_work_on_the_engine_as_they_do_on_aws() {
    let Some(wire) = Wire::start() else { return };
    wire.house.ok(&["init"]);
    let house = on_aws(&wire);
    let aws = |arguments: &[&'static str]| [&["--context", "aws"], arguments].concat();

    let waited = house.run(&aws(&["submit", "--wait", "--name", "short", "--", "sh", "-c", "exit 7"]));
    assert_eq!(waited.status.code(), Some(7), "{}", String::from_utf8_lossy(&waited.stderr));
    let findings = house.json(&aws(&["doctor"]));
    for what in ["credentials", "clock", "batch:ListJobs", "batch:TerminateJob", "scheduler:ListSchedules"] {
        let found = findings.as_array().expect("a list").iter().find(|finding| finding["what"] == what);
        assert_eq!(found.expect("is told")["verdict"], "good", "{findings:#}");
    }
    let why = house.json(&aws(&["why", "--queue", "default"]));
    assert!(why["causes"].as_array().is_some_and(Vec::is_empty), "{why:#}");

    // A job that runs, its log as it grows, and its end by hand: what no mock of AWS has.
    house.ok(&aws(&["submit", "--name", "long", "--", "sh", "-c", "echo begun; sleep 600"]));
    let mut console = house.open(&["--context", "aws", "--write"], 80, 24);
    console.wait_for("aws ok · polled");
    console.type_text("3");
    console.wait_for("begun");
    console.type_text("x");
    console.wait_for("Terminate long");
    console.type_text("enough");
    console.keys("tab tab tab enter");
    console.wait_gone("Terminate long");
    console.type_text("ss");
    console.wait_for("[failed 2]");
    console.wait_for("enough");

    let role = "arn:aws:iam::123456789012:role/scheduler-batch";
    let nightly =
        ["schedule", "create", "nightly", "cron(30 2 ? * 6L *)", "--role-arn", role, "--name", "nightly", "--", "date"];
    house.ok(&aws(&nightly));
    console.type_text("S");
    console.wait_for("nightly");
    console.type_text("r");
    console.wait_for("Run nightly now");
    console.press(Key::Enter);
    let mine = |jobs: &serde_json::Value| jobs[0]["status"] == "SUCCEEDED";
    house.until("its run by hand", &aws(&["jobs", "--name", "nightly"]), mine);
    console.press(Key::Ctrl('c'));
    assert_eq!(console.wait_end().exit_code(), 0);
    assert!(console.is_restored());
}
