//! Instances from outside: they come, are taken away, and never amount to more than the machine.

use crate::support::House;
use crate::wire::Wire;
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

/// What a command wrote on standard error, which has to be refused.
fn refused(house: &House, words: &[&str]) -> String {
    let output = house.run(words);
    assert!(!output.status.success(), "`{}` is taken", words.join(" "));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn environment(house: &House, name: &str) -> Value {
    let envs = house.json(&["envs"]);
    let mut all = envs.as_array().into_iter().flatten();
    all.find(|found| found["computeEnvironmentName"] == name).cloned().unwrap_or_default()
}

/// As many processors as the engine may promise.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[test]
fn environments_and_queues_are_made_changed_and_deleted_by_verb() {
    let house = House::new();
    house.ok(&["init"]);
    let told = house.ok(&[
        "envs",
        "create",
        "spot",
        "--type",
        "spot",
        "--max",
        "4",
        "--instance-types",
        "c5.large",
        "--bid-percentage",
        "60",
        "--overcommit",
    ]);
    assert!(told.contains("spot: created; SPOT, vCPU min 0 desired 0 max 4, c5.large, overcommits"), "{told}");
    assert!(told.contains("`batchdeck queues create NAME --environments spot`"), "{told}");
    let told = house.ok(&["queues", "create", "night", "--environments", "spot,local", "--priority", "7"]);
    assert_eq!(told, "queue night: created; priority 7, on spot and then local\n");

    let job = house.submit(&["--queue", "night", "--", "true"]);
    house.until_status(&job, "SUCCEEDED");
    let steps = house.json(&["envs", "scaling", "spot"]);
    let first = steps.as_array().and_then(|steps| steps.last()).expect("a step");
    assert_eq!((&first["change"], &first["instanceType"]), (&Value::from("LAUNCHED"), &Value::from("c5.large")));
    assert!(first["reason"].as_str().is_some_and(|why| why.contains("of the queue night needs 1 vCPU")), "{first}");

    house.ok(&["envs", "update", "spot", "--max", "6", "--overcommit=false", "--reason", "a new month"]);
    let changed = environment(&house, "spot");
    assert_eq!(changed["computeResources"]["maxvCpus"], 6);
    assert_eq!(changed["tags"]["batchdeck:overcommit"], "false");
    house.ok(&["queues", "update", "night", "--environments", "local"]);

    for (words, expected) in [
        (&["envs", "create", "x", "--max", "2", "--min", "4"][..], "minvCpus 4 is more than maxvCpus 2"),
        (&["envs", "create", "x"], "`envs create` needs --max N"),
        (&["envs", "create", "x", "--max", "2", "--instance-types", "m5.larg"], "did you mean `m5.large`?"),
        (&["envs", "create", "x", "--max", "2", "--bid-percentage", "5"], "computeResources.bidPercentage is `5`"),
        (&["envs", "create", "x", "--max", "2", "--tag", "batchdeck:overcommit=yes"], "it takes true or false"),
        (&["envs", "create", "x", "--type", "unmanaged", "--max", "2"], "takes none"),
        (&["envs", "update", "spott", "--max", "2"], "did you mean `spot`?"),
        (&["envs", "delete", "spot"], "set its state to DISABLED first"),
        (&["queues", "create", "x", "--environments", "nowhere"], "there is no compute environment `nowhere`"),
    ] {
        let error = refused(&house, words);
        assert!(error.contains(expected), "{words:?}: {error}");
    }

    house.ok(&["envs", "disable", "spot"]);
    house.until("it has changed", &["envs"], |envs| {
        envs.as_array().is_some_and(|all| all.iter().all(|found| found["status"] == "VALID"))
    });
    house.ok(&["envs", "delete", "spot", "--reason", "not needed"]);
    house.until("it is gone", &["envs"], |envs| envs.as_array().is_some_and(|all| all.len() == 1));
    house.ok(&["queues", "disable", "night"]);
    house.until("it has changed", &["queues"], |queues| {
        queues.as_array().is_some_and(|all| all.iter().all(|found| found["status"] == "VALID"))
    });
    house.ok(&["queues", "delete", "night"]);
    house.until("it is gone", &["queues"], |queues| queues.as_array().is_some_and(|all| all.len() == 1));
}

#[test]
fn this_machine_is_the_one_instance_of_an_unmanaged_environment() {
    let house = House::new();
    house.ok(&["init"]);
    house.ok(&["envs", "create", "here", "--type", "unmanaged"]);
    house.ok(&["queues", "create", "direct", "--environments", "here"]);
    let job = house.submit(&["--queue", "direct", "--", "sh", "-c", "echo on this machine"]);
    house.until_status(&job, "SUCCEEDED");
    assert!(house.ok(&["logs", &job]).contains("on this machine"));
    let envs = house.json(&["envs"]);
    let this = instances(&envs, "here");
    assert_eq!(this.len(), 1);
    assert_eq!(this[0]["vcpus"].as_f64(), Some(f64::from(u32::try_from(processors()).expect("few"))));
    let id = this[0]["instanceId"].as_str().expect("an id");
    let error = refused(&house, &["interrupt", id, "--now"]);
    assert!(error.contains("is this machine itself"), "{error}");
    let status = house.ok(&["engine", "status"]);
    assert!(status.contains("UNMANAGED"), "{status}");
}

#[test]
fn an_instance_boots_as_long_as_its_environment_says_and_that_is_shown() {
    let house = House::new();
    house.ok(&["init"]);
    house.ok(&["envs", "create", "slow", "--max", "2", "--instance-types", "m5.large", "--boot-seconds", "5"]);
    house.ok(&["queues", "create", "waits", "--environments", "slow"]);
    let job = house.submit(&["--queue", "waits", "--", "true"]);
    let booting = house.until("it boots", &["envs"], |envs| !instances(envs, "slow").is_empty());
    let instance = instances(&booting, "slow").remove(0);
    assert_eq!(instance["state"], "PENDING");
    let ready_at = instance["readyAt"].as_i64().expect("a time");
    assert_eq!(ready_at - instance["launchedAt"].as_i64().expect("a time"), 5000);
    let status = house.ok(&["engine", "status"]);
    assert!(status.contains("boots, ") && status.contains(" s left"), "{status}");
    let detail = house.until_status(&job, "SUCCEEDED");
    let started = detail["startedAt"].as_i64().expect("a time");
    assert!(started >= ready_at, "it started {} ms before the boot was over", ready_at - started);
}

#[test]
fn two_environments_never_promise_more_than_the_machine_unless_one_overcommits() {
    let house = House::new();
    let all = processors().to_string();
    house.ok(&["init"]);
    for name in ["one", "other"] {
        house.ok(&["envs", "create", name, "--max", "512", "--instance-types", "optimal"]);
        house.ok(&["queues", "create", name, "--environments", name]);
    }
    let go = house.path().join("go");
    let takes_all = house.submit(&["--queue", "one", "--vcpus", &all, "--", "sh", "-c", &until_there(&go)]);
    house.until_status(&takes_all, "RUNNING");
    let next = house.submit(&["--queue", "other", "--name", "next", "--", "true"]);
    let why = house.until("it says why it waits", &["job", &next], |job| {
        job["statusReason"].as_str().is_some_and(|reason| reason.contains("this machine"))
    });
    assert_eq!(why["status"], "RUNNABLE", "{why:#}");
    house.ok(&["envs", "update", "other", "--overcommit"]);
    house.until_status(&next, "SUCCEEDED");
    assert_eq!(house.json(&["job", &takes_all])["status"], "RUNNING", "both ran at once");

    house.ok(&["envs", "update", "other", "--overcommit=false"]);
    let last = house.submit(&["--queue", "other", "--name", "last", "--", "true"]);
    fs::write(go, "").expect("writes");
    let ended = house.until_status(&takes_all, "SUCCEEDED")["stoppedAt"].as_i64().expect("a time");
    let began = house.until_status(&last, "SUCCEEDED")["startedAt"].as_i64().expect("a time");
    assert!(began >= ended, "it began {} ms before there was room", ended - began);
}

#[test]
fn an_instance_without_a_job_ends_after_its_delay_and_says_why() {
    let house = House::new();
    fs::write(house.path().join("config.toml"), "[engine]\nidle-seconds = 1\n").expect("writes");
    house.ok(&["init"]);
    let job = house.submit(&["--", "true"]);
    let stopped = house.until_status(&job, "SUCCEEDED")["stoppedAt"].as_i64().expect("a time");
    house.until("it has gone", &["envs"], |envs| instances(envs, "local").is_empty());
    let steps = house.json(&["envs", "scaling"]);
    let [ended, launched] = steps.as_array().expect("steps").as_slice() else { panic!("two steps, not {steps:#}") };
    assert_eq!((&launched["change"], &ended["change"]), (&Value::from("LAUNCHED"), &Value::from("ENDED")));
    assert_eq!(ended["reason"], "it had no job for 1 s");
    assert!(ended["at"].as_i64().is_some_and(|at| at >= stopped + 1000), "{ended}");
    assert!(house.ok(&["envs", "scaling", "local"]).contains("it had no job for 1 s"));
}

#[test]
fn jobs_are_held_released_and_moved_and_start_in_the_order_that_the_snapshot_tells() {
    let house = House::new();
    house.ok(&["init", "--max-vcpus", "2"]);
    let (go, order) = (house.path().join("go"), house.path().join("order"));
    // All that there is, so that one runs after the other.
    let submit = |name: &str, script: &str| house.submit(&["--name", name, "--vcpus", "2", "--", "sh", "-c", script]);
    let blocker = submit("blocker", &until_there(&go));
    house.until_status(&blocker, "RUNNING");
    let note = format!("echo $AWS_BATCH_JOB_ID >> {}", order.display());
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| submit(name, &note));
    for job in [&a, &b, &c, &d] {
        house.until_status(job, "RUNNABLE");
    }
    let front = || -> Vec<String> {
        let shot = house.json(&["queues", "snapshot", "default"]);
        let jobs = shot["frontOfQueue"]["jobs"].as_array().cloned().unwrap_or_default();
        let arn = |job: &Value| job["jobArn"].as_str().unwrap_or_default().to_owned();
        jobs.iter().map(|job| arn(job).rsplit('/').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(front(), [&a, &b, &c, &d].map(String::clone));
    house.ok(&["hold", &b, &c, "--reason", "the bucket is full"]);
    house.ok(&["move", &d, "--front"]);
    assert_eq!(front(), [&d, &a].map(String::clone));
    assert!(house.ok(&["queues", "snapshot", "default"]).contains("besides, 2 jobs are held"));
    house.ok(&["hold", &a, &d]);
    let told = house.ok(&["queues", "snapshot", "default"]);
    assert!(told.contains("no job is next: 4 jobs are held; `batchdeck release ID` lets a held job go on"), "{told}");
    house.ok(&["release", &a, &c, &d]);
    let expected = front();
    assert_eq!(expected, [&d, &a, &c].map(String::clone));
    fs::write(go, "").expect("writes");
    for job in &expected {
        house.until_status(job, "SUCCEEDED");
    }
    assert_eq!(house.json(&["job", &b])["status"], "RUNNABLE", "it is held");
    house.ok(&["release", &b]);
    house.until_status(&b, "SUCCEEDED");
    let ran: Vec<String> = fs::read_to_string(order).expect("they ran").lines().map(str::to_owned).collect();
    assert_eq!(ran, [expected.as_slice(), &[b]].concat());
}

#[test]
fn what_is_provisioned_by_hand_is_seen_by_the_tools_of_aws() {
    let Some(wire) = Wire::start() else { return };
    let go = wire.house.path().join("go").display().to_string();
    wire.run("provisioning.py", &["make", &go]);
    let host = instances(&wire.house.json(&["envs"]), "here")[0]["instanceId"].as_str().expect("an id").to_owned();
    wire.house.ok(&["interrupt", &host, "--now"]);
    wire.run("provisioning.py", &["lost", &go]);
    wire.run("provisioning.py", &["rest"]);
}
