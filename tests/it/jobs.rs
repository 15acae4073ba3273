//! Jobs of several nodes and of several containers, as real processes.

use crate::support::House;
use crate::wire;
use std::fs;

#[test]
fn nodes_of_a_job_find_the_main_one_and_talk_and_end_with_it() {
    wire::run("nodes.py");
}

#[test]
fn the_containers_of_a_job_wait_for_each_other_and_each_is_told_with_its_exit_and_its_log() {
    wire::run("tasks.py");
}

#[test]
fn a_multi_node_job_is_submitted_listed_and_told_by_verbs() {
    let house = House::new();
    house.ok(&["init", "--max-vcpus", "8"]);
    let file = house.path().join("pair.json");
    let definition = r#"{
        "jobDefinitionName": "pair", "type": "multinode",
        "nodeProperties": { "numNodes": 2, "mainNode": 0, "nodeRangeProperties": [{ "targetNodes": "0:", "container": {
            "image": "host", "command": ["true"],
            "resourceRequirements": [{ "type": "VCPU", "value": "0.25" }, { "type": "MEMORY", "value": "64" }]
        } }] }
    }"#;
    fs::write(&file, definition).expect("written");
    house.ok(&["definitions", "register", &file.display().to_string()]);
    let job = house.submit(&[
        "--definition",
        "pair",
        "--nodes",
        "3",
        "--",
        "sh",
        "-c",
        "echo I am $AWS_BATCH_JOB_NODE_INDEX; [ $AWS_BATCH_JOB_NODE_INDEX = 0 ]",
    ]);
    house.until_status(&job, "SUCCEEDED");
    let nodes = house.json(&["jobs", "--nodes", &job]);
    let ids: Vec<&str> = nodes.as_array().expect("nodes").iter().filter_map(|node| node["jobId"].as_str()).collect();
    assert_eq!(ids, [0, 1, 2].map(|index| format!("{job}#{index}")));
    let told = house.ok(&["job", &job]);
    assert!(told.contains("3, led by node 0"), "{told}");
    let short = format!("{}#0", &job[..8]);
    assert!(house.ok(&["logs", &short]).contains("I am 0"));
    assert!(house.ok(&["job", &short]).contains("0, the main node"));
}
