//! What is watched for while no terminal is there: the real program, on a real engine.

use crate::both::{Side, on_both};
use crate::console_replace::over_both;
use crate::support::{House, Key, kill_hard};
use crate::wire::Wire;
use std::fs;
use std::time::{Duration, Instant};

/// A job that ends with this code once the file `go` is there.
fn job(house: &House, name: &str, code: u8) -> String {
    let line = format!("while [ ! -e {} ]; do sleep 0.05; done; exit {code}", house.path().join("go").display());
    let job = house.submit(&["--name", name, "--", "sh", "-c", &line]);
    house.until_status(&job, "RUNNING");
    job
}

/// Kills the engine, and waits until it is gone.
fn kill_engine(house: &House) {
    kill_hard(house.engine_pid());
    let until = Instant::now() + Duration::from_secs(20);
    while house.run(&["engine", "status"]).status.code() != Some(3) {
        assert!(Instant::now() < until, "the engine is still there");
    }
}

fn count(written: &[u8], part: &[u8]) -> usize {
    written.windows(part.len()).filter(|window| *window == part).count()
}

#[test]
fn a_watch_made_in_a_console_fires_without_one_over_kills_of_the_engine_and_the_next_console_shows_it() {
    let house = House::new();
    let told = house.path().join("told.jsonl");
    let hook = format!("[hooks.told]\nfile = {told:?}\ndetail-type = [\"Batchdeck Watch Fired\"]\n");
    fs::write(house.path().join("config.toml"), hook).expect("written");
    house.ok(&["init"]);
    job(&house, "long", 3);
    let mut console = house.open(&[], 80, 24);
    console.wait_for("engine ok");
    console.wait_for("long");
    console.type_text("T");
    console.wait_for("tell when");
    console.type_text("exit = 3");
    console.wait_for("ends with exit code 3");
    console.press(Key::Enter);
    console.wait_for("w1: long");
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());

    kill_engine(&house);
    let kept = house.json(&["watch", "list"]);
    assert_eq!((kept[0]["condition"].as_str(), kept[0]["times"].as_u64()), (Some("exit = 3"), Some(0)), "{kept}");
    fs::write(house.path().join("go"), "").expect("written");
    house.until("the firing", &["watch", "list"], |watches| watches[0]["times"] == 1);
    house.until("the hook", &["watch", "list"], |_| fs::read_to_string(&told).is_ok_and(|text| text.ends_with('\n')));
    kill_engine(&house);

    let mut console = house.open(&[], 80, 24);
    console.wait_for("▲ a watch fired");
    console.type_text("vw");
    console.wait("what fired, and why", |screen| screen.contains("FIRED") && screen.contains("exit code 3"));
    console.type_text("a");
    console.wait_gone("a watch fired");
    let lines = fs::read_to_string(&told).expect("told");
    let event: serde_json::Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!((event["source"].as_str(), event["detail"]["watch"].as_str()), (Some("batchdeck"), Some("w1")));
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
}

#[test]
fn a_firing_reaches_the_terminal_once_as_bell_and_notifications() {
    let house = House::new();
    let config = "[console]\nnotify = [\"bell\", \"osc9\", \"osc777\"]\n";
    fs::write(house.path().join("config.toml"), config).expect("written");
    house.ok(&["init"]);
    let id = job(&house, "long", 0);
    house.ok(&["watch", "add", &id]);
    let mut console = house.open(&[], 80, 24);
    console.wait_for("engine ok");
    console.wait_for("long");
    let sequences: [&[u8]; 2] = [b"\x07\x1b]9;batchdeck: long", b"\x1b]777;notify;batchdeck;long"];
    assert!(sequences.iter().all(|part| !console.has_written(part)));
    fs::write(house.path().join("go"), "").expect("written");
    console.wait_for("a watch fired: long");
    // What comes later tells it no second time.
    let later = house.submit(&["--name", "later", "--", "true"]);
    house.until_status(&later, "SUCCEEDED");
    console.enter(":jobs name=later");
    console.wait("what came later", |screen| screen.contains("SUCCEEDED"));
    for part in sequences {
        assert_eq!(count(&console.written(), part), 1, "{}", String::from_utf8_lossy(part).escape_debug());
    }
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
}

#[test]
fn a_script_waits_for_a_watch_and_its_exit_code_says_what_came_of_it() {
    let house = House::new();
    house.ok(&["init"]);
    let id = job(&house, "long", 0);
    let wait = |condition: &str, more: &[&str]| {
        let done = house.run(&[&["watch", "wait", &id, condition], more].concat());
        (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    assert_eq!(wait("ends", &["--timeout", "1s"]).0, Some(124));
    fs::write(house.path().join("go"), "").expect("written");
    let (code, said) = wait("ends", &[]);
    assert!(code == Some(0) && said.contains("SUCCEEDED"), "{said}");
    assert_eq!(wait("exit = 3", &[]).0, Some(1), "it can come true no more");
    assert_eq!(house.json(&["watch", "list"]).as_array().map(Vec::len), Some(0), "what was made to wait is gone");
    let wrong = house.run(&["watch", "add", "default", "runable > 20m"]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(2) && said.contains("did you mean `RUNNABLE`?"), "{said}");
    house.ok(&["watch", "add", "default", "waiting", ">", "100"]);
    house.ok(&["watch", "silence", "w4"]);
    let unknown = house.run(&["watch", "remove", "w9"]);
    assert_eq!(unknown.status.code(), Some(4), "{}", String::from_utf8_lossy(&unknown.stderr));
}

on_both!(a_job_that_falls_silent_is_told_once_to_a_command_of_ones_own,);

fn a_job_that_falls_silent_is_told_once_to_a_command_of_ones_own(side: Side) {
    let house = House::new();
    let told = house.path().join("told");
    let line = format!("echo \"$0\" >> {}", told.display());
    let config = format!("[console]\nnotify-command = [\"sh\", \"-c\", {line:?}]\n");
    let house = side.furnish_with(house, &[], &config);
    job(&house, "long", 0);
    let mut console = house.open(&[], 100, 30);
    console.wait_for(side.is_well());
    console.enter(":jobs all");
    console.wait_for("long");
    console.type_text("T");
    console.wait_for("tell when");
    // What is begun is completed, and may be changed then.
    console.type_text("sil");
    console.press(Key::Tab);
    console.wait_for("silent > 15m");
    console.enter("\u{7f}\u{7f}\u{7f}1s");
    console.wait_for("a watch fired: long");
    console.wait("the command", |_| fs::read_to_string(&told).is_ok_and(|text| text.ends_with('\n')));
    // What comes later tells it no second time.
    let later = house.submit(&["--name", "later", "--", "true"]);
    house.until_status(&later, "SUCCEEDED");
    console.enter(":jobs name=later");
    console.wait("what came later", |screen| screen.contains("SUCCEEDED"));
    let text = fs::read_to_string(&told).expect("told");
    assert!(text.lines().count() == 1 && text.contains("silent > 1s: it has printed nothing for"), "{text}");
    fs::write(house.path().join("go"), "").expect("written");
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
}

#[test]
fn a_watch_over_two_accounts_as_one_is_kept_by_the_console_and_seen_by_the_next_one() {
    let (Some(prod), Some(lab)) = (Wire::start(), Wire::start()) else { return };
    for wire in [&prod, &lab] {
        wire.house.ok(&["init"]);
    }
    let id = job(&prod.house, "long", 3);
    let house = over_both(&prod, &lab);
    let mut console = house.open(&["--context", "both"], 100, 30);
    console.wait_for("default@prod");
    console.wait_for("default@lab");
    console.enter(&format!(":job {id}"));
    console.wait_for("▸ job long");
    console.type_text("T");
    console.wait_for("tell when");
    console.enter("exit = 3");
    console.wait("the watch", |screen| {
        screen.contains("w1: long") && screen.contains("exit = 3, while this console runs")
    });
    fs::write(prod.house.path().join("go"), "").expect("written");
    console.wait_for("a watch fired: long");
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
    let mut console = house.open(&["--context", "both"], 100, 30);
    console.wait_for("▲ a watch fired");
    console.type_text("vw");
    console.wait("what fired, and why", |screen| screen.contains("FIRED") && screen.contains("exit code 3"));
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
}
