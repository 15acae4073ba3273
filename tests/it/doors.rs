//! The engine's TCP door from outside: AWS's own tools come in, forgers do not.

use crate::support::House;
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
