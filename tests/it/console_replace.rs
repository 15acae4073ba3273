//! Having a waiting job sooner where nothing can move it: the engine's own AWS API behind `AwsBackend`.

use crate::aws::gate::{Fault, Gate};
use crate::console_aws::house_at;
use crate::doors::{on_aws, on_aws_at};
use crate::support::{House, Key, Terminal};
use crate::wire::Wire;
use serde_json::Value;

/// An engine that is full, with a second queue, and `waits`, on which `next` depends, on which `last` depends.
struct Full {
    wire: Wire,
    hog: String,
    waits: String,
    next: String,
    last: String,
}

fn full() -> Option<Full> {
    let wire = Wire::start()?;
    let house = &wire.house;
    house.ok(&["init", "--max-vcpus", "2"]);
    house.ok(&["queues", "create", "high", "--environments", "local", "--priority", "900"]);
    let is_valid = |queues: &Value| queues.as_array().is_some_and(|all| all.iter().all(|one| one["status"] == "VALID"));
    house.until("two queues that take jobs", &["queues"], is_valid);
    let hog = house.submit(&["--name", "hog", "--vcpus", "2", "--", "sleep", "600"]);
    house.until_status(&hog, "RUNNING");
    let waits = house.submit(&["--name", "waits", "--tag", "team=blue", "--", "sh", "-c", "echo it was I"]);
    let next = house.submit(&["--name", "next", "--depends-on", &waits, "--", "true"]);
    let last = house.submit(&["--name", "last", "--depends-on", &next, "--", "true"]);
    house.until_status(&waits, "RUNNABLE");
    Some(Full { wire, hog, waits, next, last })
}

/// All jobs of a name, the newest first.
fn named(house: &House, name: &str) -> Vec<Value> {
    let listed = house.json(&["jobs", "--name", name]);
    let ids = listed.as_array().expect("a list").iter().map(|job| job["jobId"].as_str().expect("an id").to_owned());
    ids.map(|id| house.json(&["job", &id])).collect()
}

/// Replaces `waits` by one in `queue`, with those that depend on it, on its screen, where these ways to have it sooner are
/// offered.
fn replace_from_its_screen(console: &mut Terminal, full: &Full, queue: &str, ways: &[&str]) {
    console.enter(&format!(":job {}", full.waits));
    console.wait_for("▸ job waits");
    console.wait_for("RUNNABLE for");
    console.type_text("p");
    for way in ways {
        console.wait_for(way);
    }
    console.press(Key::Enter);
    console.wait_for("Replace waits");
    console.wait_for("are submitted again behind it, with new ids: next, last");
    console.type_text(queue);
    console.keys("tab tab tab tab \"customer\"");
    console.wait_for("replace");
    console.keys("tab tab enter");
    console.wait_gone("Replace waits");
    console.wait_for("✔ replaced waits and 2 that depend on it");
}

#[test]
fn a_waiting_job_is_replaced_from_the_screen_with_those_that_depend_on_it_and_both_name_each_other() {
    let Some(full) = full() else { return };
    let engine = &full.wire.house;
    let house = on_aws(&full.wire);
    let mut console = house.open(&["--context", "aws", "--write"], 110, 36);
    console.wait_for("aws ok · polled");
    console.wait_for("hog");
    let ways = ["AWS cannot move a waiting job", "replace it", "priority of default", "maximum of local"];
    replace_from_its_screen(&mut console, &full, "high", &ways);

    let [new, old] = named(engine, "waits").try_into().expect("two");
    assert_eq!((&old["jobId"], &old["status"]), (&Value::from(full.waits.as_str()), &"FAILED".into()));
    assert_eq!(old["statusReason"], "replaced: customer");
    assert_eq!(old["tags"]["batchdeck:replaced-by"], new["jobId"]);
    assert_eq!((&new["tags"]["batchdeck:replaces"], &new["tags"]["team"]), (&old["jobId"], &"blue".into()));
    assert!(new["jobQueue"].as_str().is_some_and(|queue| queue.ends_with("/high")), "{new:#}");
    let [next, old_next] = named(engine, "next").try_into().expect("two");
    assert_eq!((&old_next["jobId"], &old_next["status"]), (&Value::from(full.next.as_str()), &"FAILED".into()));
    assert_eq!((&next["dependsOn"][0]["jobId"], &next["status"]), (&new["jobId"], &"PENDING".into()));
    let [last, old_last] = named(engine, "last").try_into().expect("two");
    assert_eq!(
        (&old_last["jobId"], &last["dependsOn"][0]["jobId"]),
        (&Value::from(full.last.as_str()), &next["jobId"])
    );

    // Each names the other on its screen.
    console.enter(&format!(":job {}", new["jobId"].as_str().expect("an id")));
    console.wait("the old one's id", |screen| screen.contains("replaces") && screen.contains(&full.waits));
    console.type_text("q");

    engine.ok(&["terminate", &full.hog, "--reason", "room"]);
    engine.until_status(last["jobId"].as_str().expect("an id"), "SUCCEEDED");
    console.press(Key::Ctrl('c'));
    assert_eq!(console.wait_end().exit_code(), 0);
}

#[test]
fn a_replacement_whose_answer_is_lost_is_found_and_not_made_twice_and_one_that_is_refused_says_where_it_ended() {
    let Some(full) = full() else { return };
    let engine = &full.wire.house;
    let gate = Gate::to(full.wire.variable("AWS_ENDPOINT_URL_BATCH"));
    let house = on_aws_at(&full.wire, &gate.endpoint());
    let replace = |id: &str, more: &[&'static str]| {
        let all = [&["--context", "aws", "replace", id, "--queue"], more].concat();
        house.run(&all)
    };
    gate.meet("submitjob", 1, Fault::ResetAfter);
    let done = replace(&full.waits, &["high", "-o", "json"]);
    let replaced: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
    assert_eq!(replaced.as_array().map(Vec::len), Some(3), "{replaced:#}");
    for name in ["waits", "next", "last"] {
        assert_eq!(named(engine, name).len(), 2, "{name}");
    }
    let new = replaced[0]["new"].as_str().expect("an id").to_owned();
    assert_eq!(engine.json(&["job", &new])["status"], "RUNNABLE");

    // Nothing is tried that cannot come to an end.
    engine.ok(&["queues", "disable", "default"]);
    let refused = replace(&new, &["default"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("the queue default takes no jobs: nothing was changed"), "{told}");
    assert_eq!(engine.json(&["job", &new])["status"], "RUNNABLE");
    engine.ok(&["queues", "enable", "default"]);

    let refusal = Fault::Refusal { status: 400, code: "ClientException", message: "no room", headers: String::new() };
    gate.meet("submitjob", 1, refusal);
    let refused = replace(&new, &["default", "--alone"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("was cancelled and not submitted again: no room (ClientException)"), "{told}");

    // What runs is left alone.
    let refused = replace(&full.hog, &["high"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("cannot be replaced: it is RUNNING: only what waits is replaced"), "{told}");
    assert_eq!(engine.json(&["job", &full.hog])["status"], "RUNNING");
}

/// A house for which two engines are the accounts `prod` and `lab`, and `both` is the two as one.
pub fn over_both(prod: &Wire, lab: &Wire) -> House {
    let house = house_at("http://127.0.0.1:1");
    let accounts = [("prod", prod), ("lab", lab)];
    let keys = accounts.map(|(name, wire)| {
        let [id, secret] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|key| wire.variable(key));
        format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
    });
    let contexts = accounts.map(|(name, wire)| {
        let (region, endpoint) = (wire.variable("AWS_DEFAULT_REGION"), wire.variable("AWS_ENDPOINT_URL_BATCH"));
        format!(
            "[contexts.{name}]\nbackend = 'aws'\nprofile = '{name}'\nregion = '{region}'\nendpoint = '{endpoint}'\n"
        )
    });
    let file = house.path().join("credentials");
    std::fs::write(&file, keys.concat()).expect("written");
    let both = "[contexts.both]\ncontexts = ['prod', 'lab']\n";
    std::fs::write(house.path().join("config.toml"), contexts.concat() + both).expect("written");
    house.with_variable("AWS_SHARED_CREDENTIALS_FILE", &file.display().to_string())
}

#[test]
fn of_two_accounts_that_the_config_makes_one_a_job_is_replaced_in_its_own_and_stays_out_of_the_other() {
    let (Some(prod), Some(lab)) = (full(), full()) else { return };
    let house = over_both(&prod.wire, &lab.wire);
    let listed = house.json(&["contexts"]);
    let both = listed.as_array().expect("a list").iter().find(|one| one["name"] == "both").expect("is offered");
    assert_eq!((&both["backend"], &both["contexts"]), (&"several".into(), &serde_json::json!(["prod", "lab"])));

    let refused = house.run(&["--context", "both", "replace", &prod.waits, "--queue", "high@lab"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("is of another context"), "{told}");
    assert_eq!(prod.wire.house.json(&["job", &prod.waits])["status"], "RUNNABLE");

    // From one context to the set by its name, without a restart.
    let mut console = house.open(&["--context", "lab"], 120, 36);
    console.wait_for("aws ok · polled");
    console.enter(":context both");
    console.wait_for("high@prod");
    console.wait_for("high@lab");
    replace_from_its_screen(&mut console, &prod, "high@prod", &["replace it"]);
    let [new, old] = named(&prod.wire.house, "waits").try_into().expect("two");
    assert_eq!((&old["jobId"], &old["statusReason"]), (&prod.waits.as_str().into(), &"replaced: customer".into()));
    assert_eq!(new["tags"]["batchdeck:replaces"], old["jobId"]);
    assert!(new["jobQueue"].as_str().is_some_and(|queue| queue.ends_with("/high")), "{new:#}");
    for name in ["waits", "next", "last"] {
        assert_eq!((named(&prod.wire.house, name).len(), named(&lab.wire.house, name).len()), (2, 1), "{name}");
    }
    console.press(Key::Ctrl('c'));
    assert_eq!(console.wait_end().exit_code(), 0);
}
