//! Processes that hang, as on a machine that swaps or behind a debugger: nobody waits for them, and they go on where they
//! were.

use crate::support::{House, Key};
use std::fs;
use std::process::Command;

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([name, &pid.to_string()]).status().expect("kill runs");
    assert!(status.success(), "process {pid} could not be told {name}");
}

#[test]
fn a_console_answers_keys_while_its_engine_hangs_says_so_and_sees_what_comes_after() {
    let house = House::new();
    house.ok(&["init"]);
    house.submit(&["--name", "before", "--", "sleep", "600"]);
    let mut console = house.open(&[], 100, 24);
    console.wait_for("before");
    let engine = house.engine_pid();
    signal("-STOP", engine);
    console.type_text("?");
    console.wait_for("Keys in");
    console.press(Key::Esc);
    console.wait_gone("Keys in");
    console
        .wait("that the engine says nothing", |screen| screen.contains("no answer") || screen.contains("engine gone"));
    console.wait_for("before");
    signal("-CONT", engine);
    console.wait_for("engine ok");
    house.submit(&["--name", "after-it", "--", "sleep", "600"]);
    console.wait_for("after-it");
}

#[test]
fn a_console_that_hangs_holds_up_nobody_and_catches_up() {
    let house = House::new();
    house.ok(&["init"]);
    let stands = house.open(&[], 100, 24);
    let other = house.open(&[], 100, 24);
    stands.wait_for("engine ok");
    other.wait_for("engine ok");
    signal("-STOP", stands.pid());
    house.ok(&["submit", "--array", "300", "--name", "many", "--wait", "--", "true"]);
    other.wait_for("succeeded 1");
    signal("-CONT", stands.pid());
    stands.wait_for("succeeded 1");
}

#[test]
fn an_agent_that_hangs_is_told_of_and_its_job_goes_on_with_it_where_it_was() {
    let house = House::new();
    house.ok(&["init"]);
    let go = house.path().join("go");
    let job =
        house.submit(&["--", "sh", "-c", &format!("while [ ! -e {} ]; do sleep 0.05; done; echo done", go.display())]);
    house.until_status(&job, "RUNNING");
    let agent = house.json(&["engine", "status"])["agents"][0]["pid"].as_u64().expect("a pid");
    let agent = u32::try_from(agent).expect("a pid");
    signal("-STOP", agent);
    house.until("that it is silent", &["engine", "status"], |status| status["agents"][0]["silentSeconds"].is_u64());
    assert!(house.ok(&["engine", "status"]).contains("silent"), "and people see it too");
    signal("-CONT", agent);
    house.until("that it is heard", &["engine", "status"], |status| status["agents"][0]["silentSeconds"].is_null());
    fs::write(&go, "").expect("written");
    let detail = house.until_status(&job, "SUCCEEDED");
    assert_eq!(detail["attempts"].as_array().map(Vec::len), Some(1));
}
