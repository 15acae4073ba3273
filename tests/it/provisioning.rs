//! Instances from outside: they come, are taken away, and never amount to more than the machine.

use crate::support::House;
use serde_json::Value;
use std::fs;

/// The instances of an environment.
fn instances(envs: &Value, environment: &str) -> Vec<Value> {
    let all = envs.as_array().into_iter().flatten();
    let found = all.filter(|found| found["computeEnvironmentName"] == environment);
    found.flat_map(|found| found["capacity"]["instances"].as_array().cloned().unwrap_or_default()).collect()
}

/// A script that runs until the file is there.
fn until_there(file: &std::path::Path) -> String {
    format!("while [ ! -e {} ]; do sleep 0.05; done", file.display())
}

#[test]
fn a_job_on_an_instance_that_is_taken_away_is_tried_again_elsewhere_in_the_words_of_aws() {
    let house = House::new();
    house.ok(&["init"]);
    let go = house.path().join("go");
    let job = house.submit(&["--attempts", "2", "--", "sh", "-c", &until_there(&go)]);
    house.until_status(&job, "RUNNING");
    let host = instances(&house.json(&["envs"]), "local")[0]["instanceId"].as_str().expect("an id").to_owned();

    let told = house.ok(&["interrupt", &host, "--reason", "a drill"]);
    assert!(told.contains("has its notice") && told.contains(&format!("`Host EC2 (instance {host}) terminated.`")));
    let noticed = instances(&house.json(&["envs"]), "local").remove(0);
    assert_eq!(noticed["state"], "DRAINING");
    assert!(noticed["interruptedAt"].as_i64().is_some_and(|at| at > noticed["launchedAt"].as_i64().unwrap_or(at)));
    assert_eq!(house.json(&["job", &job])["status"], "RUNNING", "a notice leaves it two minutes");

    let again = house.run(&["interrupt", &host]);
    assert!(!again.status.success());
    let again = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.contains("is being taken away already"), "{again}");

    house.ok(&["interrupt", &host[..12], "--now"]);
    let elsewhere = house.until("it runs elsewhere", &["job", &job], |answer| {
        answer["status"] == "RUNNING" && answer["attempts"].as_array().is_some_and(|attempts| attempts.len() == 1)
    });
    let first = &elsewhere["attempts"][0];
    assert_eq!(first["statusReason"], format!("Host EC2 (instance {host}) terminated."));
    fs::write(go, "").expect("writes");
    house.until_status(&job, "SUCCEEDED");

    let audit = house.json(&["audit"]);
    let entries: Vec<_> =
        audit.as_array().expect("entries").iter().filter(|entry| entry["action"] == "InterruptInstance").collect();
    assert_eq!((entries.len(), &entries[1]["reason"]), (2, &Value::from("a drill")));
    let unknown = house.run(&["interrupt", "i-nothing"]);
    assert_eq!(unknown.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no instance `i-nothing`"));
}
