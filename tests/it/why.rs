//! Why: what the program tells of jobs that wait or failed on a real engine.

use crate::both::{Side, on_both};
use crate::support::House;
use serde_json::Value;

/// The rules that found something, the most certain first.
fn rules(told: &Value) -> Vec<&str> {
    told["causes"].as_array().into_iter().flatten().filter_map(|cause| cause["rule"].as_str()).collect()
}

/// The words of all command lines that are offered.
fn commands(told: &Value) -> Vec<String> {
    let causes = told["causes"].as_array().into_iter().flatten();
    let steps = causes.flat_map(|cause| cause["steps"].as_array().into_iter().flatten());
    let words = steps.filter_map(|step| step["command"].as_array());
    words.map(|words| words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_job_that_no_environment_holds_is_told_of_with_what_would_fit() {
    let house = House::new();
    house.ok(&["init", "--max-vcpus", "4"]);
    let job = house.submit(&["--vcpus", "64", "--memory", "512", "--", "true"]);
    let told = house.until("a cause", &["why", &job], |told| !rules(told).is_empty());
    assert!(["R2", "R3"].contains(&rules(&told)[0]), "{told:#}");
    assert_eq!(told["causes"][0]["certainty"], "certain");
    let asks = told["causes"][0]["evidence"].as_array().expect("evidence");
    assert!(
        asks.iter().any(|fact| fact["value"].as_str().is_some_and(|value| value.starts_with("64 vCPU"))),
        "{told:#}"
    );
    assert!(!told["movement"]["estimate"]["never"].is_null(), "{told:#}");
    assert!(commands(&told).iter().any(|line| line.starts_with("terminate ")), "{told:#}");
    let text = house.ok(&["why", &job[..8]]);
    assert!(text.contains("waiting?") && text.contains("Will it move?") && text.contains("Ruled out: "), "{text}");
    assert!(text.contains("batchdeck terminate"), "{text}");
    let queue = house.json(&["why", "default"]);
    assert_eq!((&queue["job"], rules(&queue)), (&Value::from(job.as_str()), rules(&told)));
}

on_both!(
    a_killed_job_and_the_one_that_waited_for_it_are_told_apart,
    a_job_that_takes_more_memory_than_it_asked_for_is_offered_more,
    what_is_not_there_ends_with_its_code,
);

fn a_killed_job_and_the_one_that_waited_for_it_are_told_apart(side: Side) {
    let house = side.house();
    // Nothing begins before both are there.
    house.ok(&["--context", "local", "hold", "--queue", "default"]);
    let killed = house.submit(&["--name", "killed", "--", "sh", "-c", "echo reading; kill -9 $$"]);
    let after = house.submit(&["--name", "after", "--depends-on", &killed, "--", "true"]);
    house.ok(&["--context", "local", "release", "--queue", "default"]);
    house.until_status(&killed, "FAILED");
    house.until_status(&after, "FAILED");
    let told = house.json(&["why", &killed]);
    assert_eq!(rules(&told)[0], "F7", "memory is not proven: {told:#}");
    assert_eq!(told["causes"][0]["certainty"], "possible");
    assert!(commands(&told).iter().any(|line| *line == format!("logs {killed}")), "{told:#}");
    let told = house.json(&["why", &after]);
    assert_eq!(rules(&told)[0], "F8", "{told:#}");
    assert!(commands(&told).contains(&format!("why {killed}")), "{told:#}");
}

fn a_job_that_takes_more_memory_than_it_asked_for_is_offered_more(side: Side) {
    let house = side.house();
    let script = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}; sleep 30";
    let job = house.submit(&["--memory", "32", "--", "sh", "-c", script]);
    house.until_status(&job, "FAILED");
    let told = house.json(&["why", &job]);
    assert_eq!(rules(&told)[0], "F6", "{told:#}");
    let again = commands(&told).into_iter().find(|line| line.starts_with("submit ")).expect("it is offered");
    assert!(again.contains("--memory 64"), "{again}");
}

#[test]
fn what_is_switched_off_is_named_with_who_did_it_and_how_to_switch_it_on() {
    let house = House::new();
    house.ok(&["init"]);
    house.ok(&["envs", "disable", "local", "--reason", "maintenance"]);
    let job = house.submit(&["--", "echo", "done"]);
    let told = house.until("a cause", &["why", &job], |told| !rules(told).is_empty());
    assert!(["R6", "R10"].contains(&rules(&told)[0]), "{told:#}");
    let evidence = told["causes"][0]["evidence"].to_string();
    assert!(evidence.contains("DISABLED") && evidence.contains("maintenance"), "{told:#}");
    assert!(commands(&told).contains(&"envs enable local".to_owned()), "{told:#}");
    // It may still be UPDATING, which is told after what holds it.
    assert_eq!(rules(&house.json(&["why", "local"]))[0], "R10");
    house.ok(&["envs", "enable", "local"]);
    house.until_status(&job, "SUCCEEDED");
    assert_eq!(rules(&house.json(&["why", &job])), Vec::<&str>::new());

    house.ok(&["queues", "disable", "default", "--reason", "night"]);
    let told = house.json(&["why", "--queue", "default"]);
    assert_eq!(rules(&told), ["P3"]);
    assert!(commands(&told).contains(&"queues enable default".to_owned()));
}

fn what_is_not_there_ends_with_its_code(side: Side) {
    let house = side.house();
    for (arguments, words) in [
        (&["why", "zzz"][..], "no job has the id"),
        (&["why", "00000000-0000-4000-8000-000000000001"], "no job has the id"),
        (&["why", "--queue", "defualt"], "did you mean `default`?"),
        (&["why", "--environment", "lcoal"], "did you mean `local`?"),
    ] {
        let output = house.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(4) && told.contains(words), "{arguments:?}: {told}");
    }
}
