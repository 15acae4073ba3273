//! Events, costs and usage on the screen, and the bundle for whoever takes over: the real program on a real engine.

use crate::support::{House, Key, kill_hard};
use std::fs;

#[test]
fn what_happened_what_it_cost_and_what_it_used_are_told_and_events_follow() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--name", "fails", "--", "sh", "-c", "exit 3"]);
    house.until_status(&job, "FAILED");
    let mut console = house.open(&[], 80, 24);
    console.wait_for("engine ok");
    console.type_text("vn");
    console.wait("the failure among the events", |screen| {
        screen.contains("Events ·") && screen.contains("FAILED") && screen.contains("fails")
    });
    // What comes is shown without a key.
    let later = house.submit(&["--name", "later", "--", "true"]);
    house.until_status(&later, "SUCCEEDED");
    console.wait("what came since", |screen| screen.contains("later") && screen.contains("SUCCEEDED"));
    console.enter(":events name=fails status=FAILED");
    console.wait("the filter", |screen| screen.contains("fails") && !screen.contains("later"));
    console.type_text("vm");
    console.wait("the costs", |screen| screen.contains("Cost by queue") && screen.contains("an estimate, by"));
    console.type_text("o");
    console.wait("idle apart", |screen| screen.contains("Cost by environment") && screen.contains("idle hours"));
    console.type_text("vu");
    console.wait("the usage", |screen| screen.contains("host:1") && screen.contains("Lambda"));
}

#[test]
fn what_a_job_uses_over_time_is_kept_by_its_agent_and_outlives_the_engine() {
    let house = House::new();
    house.ok(&["init"]);
    let stop = house.path().join("stop");
    let line = format!("while [ ! -e {} ]; do :; done", stop.display());
    let job = house.submit(&["--name", "works", "--", "sh", "-c", &line]);
    let counted = |told: &serde_json::Value| told["samples"].as_array().map_or(0, Vec::len);
    let usage = ["usage", job.as_str()];
    let before = counted(&house.until("figures", &usage, |told| counted(told) >= 2));
    kill_hard(house.engine_pid());
    house.ok(&["engine", "start"]);
    let told = house.until("figures from beyond the engine's end", &usage, |told| counted(told) >= before + 2);
    let sample = &told["samples"][1];
    assert!(sample["cpu"].as_f64().is_some_and(|cpu| cpu > 0.05), "it has worked: {told}");
    assert!(sample["memoryMib"].as_f64().is_some_and(|mib| mib > 0.1), "it has memory: {told}");

    let mut console = house.open(&[], 100, 40);
    console.wait_for("engine ok");
    console.enter(&format!(":job {job}"));
    console.wait("its charts", |screen| screen.contains("at most") && screen.contains("counted by its agent"));
    fs::write(stop, "").expect("written");
    house.until_status(&job, "SUCCEEDED");
    assert!(counted(&house.json(&["usage", &job])) >= before + 2);
    let text = house.ok(&["usage", &job]);
    assert!(text.contains("of 1 vCPU") && text.contains("counted by its agent"), "{text}");
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
    // What is over at once has none, and says why.
    let short = house.submit(&["--name", "short", "--", "true"]);
    house.until_status(&short, "SUCCEEDED");
    let text = house.ok(&["usage", &short]);
    assert!(text.contains("no figures: the first figure comes after two seconds"), "{text}");
}

#[test]
fn a_handover_holds_no_secret_and_is_replayed_without_an_engine() {
    let house = House::new();
    house.ok(&["init"]);
    let line = "echo API_TOKEN=hunter2 seen; exit 3";
    let job = house.submit(&["--name", "fails", "--", "sh", "-c", line]);
    house.until_status(&job, "FAILED");
    let mut console = house.open(&[], 80, 24);
    console.wait_for("engine ok");
    console.enter(&format!(":job {job}"));
    console.wait_for("job fails");
    console.enter(":handover over.md");
    console.wait_for("wrote over.md");
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());

    let text = fs::read_to_string(house.path().join("over.md")).expect("written");
    assert!(text.contains("# Handover: ") && text.contains("API_TOKEN=••••••") && !text.contains("hunter2"), "{text}");
    assert!(text.contains("## Why") && text.contains("exit"), "{text}");

    // Nothing is behind it any more.
    house.ok(&["engine", "stop"]);
    let mut replay = house.open(&["replay", "over.md"], 80, 24);
    replay.wait_for("a recording of");
    replay.enter(":jobs failed");
    replay.wait("the job of the recording", |screen| screen.contains("fails") && screen.contains("recording of local"));
    replay.type_text("x");
    replay.wait_for("recording");
    replay.press(Key::Ctrl('c'));
    assert!(replay.wait_end().success());
    let refused = house.run(&["replay", "config.toml"]);
    assert!(!refused.status.success());
}
