//! Failures, dependencies and the pulse of a real engine, by verbs and in the console.

use crate::both::{Side, on_both};
use crate::support::{House, Key};
use serde_json::Value;
use std::fs;

/// A program whose children 1 and 3 fail until a file is there.
fn shards(house: &House) -> String {
    let marker = house.path().join("mended");
    let program = house.path().join("shard.sh");
    let text = format!(
        "echo shard $AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE\n[ -e {} ] && exit 0\n\
         case $AWS_BATCH_JOB_ARRAY_INDEX in 1|3) echo cannot read part $AWS_BATCH_JOB_ARRAY_INDEX; exit 9;; esac\n",
        marker.display()
    );
    fs::write(&program, text).expect("is written");
    house.submit(&["--name", "shards", "--array", "4", "--", "sh", &program.display().to_string()])
}

fn groups(told: &Value) -> Vec<(u64, i64)> {
    let groups = told["groups"].as_array().into_iter().flatten();
    groups.filter_map(|group| Some((group["count"].as_u64()?, group["exitCode"].as_i64()?))).collect()
}

on_both!(
    what_fails_alike_is_one_group_with_the_shape_of_its_last_line,
    a_chain_of_jobs_is_told_with_the_one_that_holds_it_up,
    the_failed_children_are_run_again_from_the_console_under_their_old_numbers,
);

fn what_fails_alike_is_one_group_with_the_shape_of_its_last_line(side: Side) {
    let house = side.house();
    let array = shards(&house);
    let plain = house.submit(&["--", "sh", "-c", "echo out of luck; exit 2"]);
    house.until_status(&array, "FAILED");
    house.until_status(&plain, "FAILED");
    let told = house.json(&["failures", "--since", "1h"]);
    assert_eq!(groups(&told), [(2, 9), (1, 2)], "{told:#}");
    let group = &told["groups"][0];
    assert_eq!((&group["lines"][0]["shape"], &group["linesRead"]), (&"cannot read part #".into(), &2.into()));
    let ids: Vec<&str> = group["jobs"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(ids.contains(&format!("{array}:1").as_str()) && ids.contains(&format!("{array}:3").as_str()), "{ids:?}");
    assert!(house.ok(&["failures"]).contains("cannot read part #"));
    assert_eq!(groups(&house.json(&["failures", "--queue", "default"])).len(), 2);
    let pulse = house.json(&["pulse"]);
    let hour = &pulse["windows"][1];
    // AWS lists no children: the array is one job, which is said.
    let (failed, succeeded) = if side == Side::Engine { (3, 2) } else { (2, 0) };
    assert_eq!((&hour["failed"], &hour["succeeded"]), (&failed.into(), &succeeded.into()), "{hour:#}");
    assert_eq!(pulse.to_string().contains("each array counts as one job here"), side == Side::Aws);
    assert!(house.ok(&["pulse"]).contains("15 m"));
}

fn a_chain_of_jobs_is_told_with_the_one_that_holds_it_up(side: Side) {
    let house = side.house();
    house.ok(&["--context", "local", "hold", "--queue", "default"]);
    let first = house.submit(&["--name", "first", "--", "true"]);
    let second = house.submit(&["--name", "second", "--depends-on", &first, "--", "true"]);
    let third = house.submit(&["--name", "third", "--depends-on", &second, "--", "true"]);
    let told = house.json(&["tree", &second]);
    assert_eq!(told["rootBlocker"]["id"], Value::from(first.as_str()), "{told:#}");
    assert_eq!((&told["before"][0]["name"], &told["behind"][0]["id"]), (&"first".into(), &Value::from(third.as_str())));
    let text = house.ok(&["tree", &third[..8]]);
    assert!(text.contains("root blocker: first"), "{text}");
    house.ok(&["--context", "local", "release", "--queue", "default"]);
    house.until_status(&third, "SUCCEEDED");
    assert!(house.json(&["tree", &third])["rootBlocker"].is_null());
}

fn the_failed_children_are_run_again_from_the_console_under_their_old_numbers(side: Side) {
    let house = side.house();
    let array = shards(&house);
    house.until_status(&array, "FAILED");
    fs::write(house.path().join("mended"), "").expect("is written");
    let mut console = house.open(&[], 100, 30);
    console.wait_for("overview");
    console.type_text("E");
    console.wait_for("cannot read part #");
    console.type_text("R");
    console.wait_for("Submit again: 2 jobs, exit 9 in host:1");
    for _ in 0..5 {
        console.press(Key::Enter);
    }
    console.wait_for("submitted shards as an array of 2");
    let jobs = house.json(&["jobs", "--name", "shards"]);
    let ids = jobs.as_array().into_iter().flatten().filter_map(|job| job["jobId"].as_str());
    let again = ids.filter(|id| *id != array).map(str::to_owned).next().expect("the new array");
    house.until_status(&again, "SUCCEEDED");
    assert_eq!(house.ok(&["logs", &format!("{again}:0")]), "shard 1 of 4\n");
    assert_eq!(house.ok(&["logs", &format!("{again}:1")]), "shard 3 of 4\n");
    console.type_text("v");
    console.wait_for("pulse");
    console.type_text("p");
    console.wait_for("an hour");
    console.type_text("qq");
    console.wait_end();
    assert!(console.is_restored());
}
