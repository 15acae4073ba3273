//! Disks that are full or read-only.

use crate::faults::{is_root, words};
use crate::support::{House, kill_hard};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn can_mount() -> bool {
    is_root("mount a small disk")
}

/// A small disk, let go of at the end. It takes root to mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Self {
        let disk = Self(tempfile::Builder::new().prefix("bd").tempdir().expect("a directory"));
        disk.run("mount", &["-t", "tmpfs", "-o", &format!("size={size},mode=700"), "small"]);
        disk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = Command::new(program).args(arguments).arg(self.path()).status().expect("it runs");
        assert!(status.success(), "{program} {arguments:?}");
    }

    /// Makes it read-only once nobody writes to it any more: an engine that has ended has its log open for a moment still.
    fn close_to_writers(&self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        let close = || Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).output().expect("it runs");
        while !close().status.success() {
            assert!(Instant::now() < deadline, "it is written to for ever");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A house whose data are on it. It has to end before the disk does.
    fn house(&self) -> House {
        House::new().with_variable("BATCHDECK_DATA_DIR", &self.path().display().to_string())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Submits until the disk is too full for it, which is said in plain words.
fn is_refused(house: &House, what: &[&str]) {
    let deadline = Instant::now() + Duration::from_mins(1);
    let refused = loop {
        let output = house.run(&[&["submit", "-o", "json"], what].concat());
        if !output.status.success() {
            break output;
        }
        assert!(Instant::now() < deadline, "the disk never is full");
    };
    let said = words(&refused);
    assert!(said.contains("full") || said.contains("No space left"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn on_a_full_disk_a_submit_is_refused_in_plain_words_and_what_was_acknowledged_is_there_once_there_is_room() {
    if !can_mount() {
        return;
    }
    let disk = SmallDisk::mount("24m");
    let house = disk.house();
    house.ok(&["init"]);
    house.ok(&["hold", "--queue", "default", "--reason", "they are to wait"]);
    let mut acknowledged = vec![house.submit(&["--", "true"])];
    let filler = fill(&disk);

    is_refused(&house, &["--", "true"]);

    fs::remove_file(&filler).expect("removed");
    house.ok(&["engine", "start"]);
    acknowledged.push(house.submit(&["--", "true"]));
    for job in &acknowledged {
        house.ok(&["job", job]);
    }
    house.ok(&["release", "--queue", "default"]);
    for job in &acknowledged {
        house.until_status(job, "SUCCEEDED");
    }
}

#[test]
fn while_the_disk_is_full_the_engine_is_read_and_jobs_run_and_with_room_all_goes_on_without_anybody() {
    if !can_mount() {
        return;
    }
    let disk = SmallDisk::mount("24m");
    let house = disk.house();
    house.ok(&["init"]);
    let gate = |name: &str| house.path().join(name);
    let held = |name: &str, code: u8| {
        let script = format!(
            "while [ ! -e {} ]; do sleep 0.05; done; echo > {}.over; exit {code}",
            gate(name).display(),
            gate(name).display()
        );
        let job = house.submit(&["--name", name, "--", "sh", "-c", &script]);
        house.until_status(&job, "RUNNING");
        job
    };
    let (ends_well, ends_badly) = (held("well", 0), held("badly", 5));
    house.ok(&["hold", "--queue", "default", "--reason", "they are to wait"]);
    let mut acknowledged = vec![ends_well.clone(), ends_badly.clone(), house.submit(&["--name", "kept", "--", "true"])];
    let engine = house.engine_pid();
    let filler = fill(&disk);

    // What fits into the pages that the journal has already is taken.
    let refused = (0..5_000).find_map(|number| {
        let output = house.run(&["submit", "--name", &format!("kept-{number}"), "-o", "json", "--", "true"]);
        if !output.status.success() {
            return Some(words(&output));
        }
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        acknowledged.push(answer["jobId"].as_str().expect("an id").to_owned());
        None
    });
    let said = refused.expect("the disk is full at last");
    assert!(said.contains("its disk is full. Make room"), "{said}");
    let said = words(&house.run(&["hold", &ends_well]));
    assert!(said.contains("its disk is full. Make room"), "{said}");

    // All that was taken can be read, and what runs comes to its end, of which nobody hears yet.
    let listed = |house: &House| -> Vec<String> {
        let jobs = house.json(&["jobs", "--limit", "10000"]);
        let jobs = jobs.as_array().expect("rows").iter();
        let mut ids: Vec<_> = jobs.map(|job| job["jobId"].as_str().expect("an id").to_owned()).collect();
        ids.sort();
        ids
    };
    acknowledged.sort();
    assert_eq!(listed(&house), acknowledged);
    for name in ["well", "badly"] {
        fs::write(gate(name), "").expect("written");
        let over = gate(name).with_extension("over");
        let deadline = Instant::now() + Duration::from_mins(1);
        while !over.exists() {
            assert!(Instant::now() < deadline, "{name} stands still");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    assert_eq!(house.json(&["job", &ends_well])["status"], "RUNNING");
    assert_eq!(house.engine_pid(), engine, "the engine has ended");

    // Reading alone, so that nobody but the engine itself has it go on.
    fs::remove_file(&filler).expect("removed");
    house.until_status(&ends_well, "SUCCEEDED");
    let detail = house.until_status(&ends_badly, "FAILED");
    assert_eq!((&detail["container"]["exitCode"], detail["attempts"].as_array().map(Vec::len)), (&5.into(), Some(1)));
    assert_eq!(listed(&house), acknowledged);
    house.ok(&["release", "--queue", "default"]);
    for job in acknowledged.iter().filter(|job| **job != ends_badly) {
        house.until_status(job, "SUCCEEDED");
    }
    assert_eq!(house.engine_pid(), engine, "the engine has ended");
    // And what another engine reads is what this one said.
    house.ok(&["engine", "restart"]);
    assert_eq!(listed(&house), acknowledged);
}

/// Takes all the room that is left on it.
fn fill(disk: &SmallDisk) -> PathBuf {
    let filler = disk.path().join("filler");
    let mut file = fs::File::create(&filler).expect("room for its name");
    while file.write_all(&[0; 4096]).is_ok() {}
    filler
}

#[test]
fn an_engine_that_is_started_on_a_full_disk_is_read_refuses_in_words_and_goes_on_by_itself_once_there_is_room() {
    if !can_mount() {
        return;
    }
    let disk = SmallDisk::mount("24m");
    let house = disk.house();
    house.ok(&["init"]);
    let over = house.submit(&["--name", "over", "--", "echo", "what it said"]);
    house.until_status(&over, "SUCCEEDED");
    let full = "its disk is full. Make room";
    for (name, is_killed) in [("ended", false), ("killed", true)] {
        let gate = house.path().join(name);
        let script = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
        let runs = house.submit(&["--name", name, "--", "sh", "-c", &script]);
        house.until_status(&runs, "RUNNING");
        let before = house.engine_pid();
        if is_killed {
            kill_hard(before);
        } else {
            house.ok(&["engine", "stop"]);
        }
        let filler = fill(&disk);

        // The console starts one as well as a verb does.
        let started = if is_killed {
            let console = house.open(&[], 80, 24);
            console.wait("that it is told", |screen| screen.contains("its disk is full") && screen.contains(name));
            house.json(&["engine", "status"])
        } else {
            house.json(&["engine", "start"])
        };
        assert_ne!(started["pid"], before);
        assert!(started["notices"][0].as_str().is_some_and(|notice| notice.contains(full)), "{started:#}");
        assert_eq!(house.json(&["job", &over])["status"], "SUCCEEDED");
        assert!(house.ok(&["logs", &over]).contains("what it said"));
        assert_eq!(house.json(&["job", &runs])["status"], "RUNNING");
        for asked in [&["submit", "--", "true"][..], &["terminate", &runs, "--reason", "a try"]] {
            let said = words(&house.run(asked));
            assert!(said.contains(full), "{asked:?}: {said}");
        }
        // An end of which nobody hears yet; another start finds the one that is there.
        fs::write(&gate, "").expect("written");
        assert_eq!(house.json(&["engine", "start"])["pid"], started["pid"]);

        // Reading alone, so that nobody but the engine itself has it go on.
        fs::remove_file(&filler).expect("removed");
        house.until_status(&runs, "SUCCEEDED");
        let status = house.json(&["engine", "status"]);
        assert_eq!(status["pid"], started["pid"]);
        assert!(!status["notices"].to_string().contains(full), "{status:#}");
        house.ok(&["submit", "--wait", "--", "true"]);
    }
}

#[test]
fn a_directory_without_anything_on_a_full_disk_gets_an_engine_that_makes_its_journal_once_there_is_room() {
    if !can_mount() {
        return;
    }
    let disk = SmallDisk::mount("24m");
    let house = disk.house();
    let filler = fill(&disk);
    house.ok(&["engine", "start"]);
    let said = words(&house.run(&["init"]));
    assert!(said.contains("its disk is full. Make room"), "{said}");
    fs::remove_file(&filler).expect("removed");
    house.until("room", &["engine", "status"], |status| !status["notices"].to_string().contains("is full"));
    house.ok(&["init"]);
    house.ok(&["submit", "--wait", "--", "true"]);
}

/// Prints many lines, and says so with the file `flooded`; and then a line from time to time until the file `go` is there.
fn flood(house: &House) -> (String, PathBuf) {
    let (flooded, go) = (house.path().join("flooded"), house.path().join("go"));
    let script = format!(
        "yes $(printf %0100d 1) | head -n {FLOOD}; touch {}; while [ ! -e {} ]; do echo tick; sleep 0.05; done; \
         echo last; exit 5",
        flooded.display(),
        go.display()
    );
    let floods = house.submit(&["--name", "floods", "--", "sh", "-c", &script]);
    let deadline = Instant::now() + Duration::from_mins(1);
    while !flooded.exists() {
        assert!(Instant::now() < deadline, "the job stands still");
        std::thread::sleep(Duration::from_millis(10));
    }
    (floods, go)
}

/// All that the engine answers to `PutLogEvents`.
fn put_log_events(socket: &Path, body: &Value) -> String {
    let mut engine = UnixStream::connect(socket).expect("the engine listens");
    let body = body.to_string();
    let length = body.len();
    write!(
        engine,
        "POST / HTTP/1.1\r\nHost: engine\r\nConnection: close\r\nX-Amz-Target: Logs_20140328.PutLogEvents\r\n\
         Content-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("it reads");
    let mut answer = String::new();
    engine.read_to_string(&mut answer).expect("it answers");
    answer
}

/// Lines of a flood: more than any of these disks holds.
const FLOOD: u64 = 600_000;

/// Waits until the log of the flood goes on and lets the job end: with its own exit code, in its first attempt. Its log.
fn let_end(house: &House, floods: &str, go: &Path) -> String {
    house.until("the log goes on", &["logs", floods, "--tail", "1"], |lines| lines[0]["message"] == "tick");
    fs::write(go, "").expect("written");
    let detail = house.until_status(floods, "FAILED");
    assert_eq!(detail["container"]["exitCode"], 5, "{detail:#}");
    assert_eq!(detail["attempts"].as_array().map(Vec::len), Some(1), "{detail:#}");
    let log = house.ok(&["logs", floods]);
    let lost = log.lines().filter_map(|line| {
        let (count, _) = line.strip_prefix("batchdeck: ")?.split_once(" line")?;
        count.parse::<u64>().ok()
    });
    let (kept, lost) = (log.lines().filter(|line| line.len() == 100).count() as u64, lost.sum::<u64>());
    assert!(kept < FLOOD && kept + lost >= FLOOD, "{kept} were kept and {lost} lost");
    let end = &log[log.len().saturating_sub(400)..];
    assert!(end.ends_with("tick\nlast\n"), "{end}");
    log
}

#[test]
fn a_job_that_floods_its_log_leaves_the_engine_its_room_and_the_log_goes_on_once_there_is_more() {
    if !can_mount() {
        return;
    }
    let disk = SmallDisk::mount("24m");
    let house = disk.house();
    house.ok(&["init"]);
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0; 8 << 20]).expect("room for it");
    let (floods, go) = flood(&house);

    // The journal is on the same disk, and takes what it is given.
    for _ in 0..20 {
        let job = house.submit(&["--", "true"]);
        house.until_status(&job, "SUCCEEDED");
    }
    house.ok(&["hold", "--queue", "default", "--reason", "a try"]);
    house.ok(&["release", "--queue", "default"]);
    assert_eq!(house.json(&["job", &floods])["status"], "RUNNING");

    // Nor does a client write into what is kept free.
    let stream = house.json(&["job", &floods])["container"]["logStreamName"].clone();
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis();
    let event = json!({ "timestamp": u64::try_from(now).expect("this age"), "message": "put" });
    let body = json!({ "logGroupName": "/aws/batch/job", "logStreamName": stream, "logEvents": [event] });
    let answer = put_log_events(&disk.path().join("engine.sock"), &body);
    assert!(answer.contains("ServiceUnavailableException") && answer.contains("log-reserve-mib"), "{answer}");

    // Whoever looks is told.
    let dropped = "what jobs print is dropped until there are 6.7 MiB (log-reserve-mib)";
    house.until("a notice", &["engine", "status"], |status| status["notices"].to_string().contains(dropped));
    let console = house.open(&[], 200, 24);
    console.wait("that it is told", |screen| screen.contains("what jobs print is dropped"));
    let examined = house.run(&["doctor"]);
    assert!(!examined.status.success());
    assert!(words(&examined).contains("what jobs print is dropped until there are 6.7 MiB"), "{}", words(&examined));

    fs::remove_file(&filler).expect("removed");
    let log = let_end(&house, &floods, &go);
    assert!(
        log.contains("MiB left, and 6 MiB are kept free (log-reserve-mib); lines are dropped"),
        "no word of the cut"
    );
    assert!(
        log.contains("MiB): its disk had only the room that log-reserve-mib keeps free"),
        "no word of what was lost"
    );
    house.until("no notice", &["engine", "status"], |status| !status["notices"].to_string().contains("is dropped"));
}

#[test]
fn where_nothing_is_kept_free_a_log_that_fills_the_disk_says_what_was_lost_and_all_goes_on_once_there_is_room() {
    if !can_mount() {
        return;
    }
    let disk = SmallDisk::mount("24m");
    let house = disk.house();
    fs::write(house.path().join("config.toml"), "[engine]\nlog-reserve-mib = 0\n").expect("written");
    house.ok(&["init"]);
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0; 12 << 20]).expect("room for it");
    let (floods, go) = flood(&house);
    // The journal is on the same disk.
    is_refused(&house, &["--name", "meanwhile", "--", "true"]);

    // Room is made.
    fs::remove_file(&filler).expect("removed");
    house.ok(&["submit", "--wait", "--", "true"]);
    let log = let_end(&house, &floods, &go);
    assert!(log.contains("MiB): No space left on device"), "no word of what was lost");
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named_with_what_to_do() {
    if !can_mount() {
        return;
    }
    let disk = SmallDisk::mount("24m");
    let house = disk.house();
    // With an engine's files, and without.
    for is_new in [true, false] {
        disk.close_to_writers();
        for verb in [&["engine", "start"][..], &["engine", "run"], &["jobs"], &["submit", "--", "true"]] {
            let refused = house.run(verb);
            let said = words(&refused);
            assert!(!refused.status.success(), "{said}");
            assert!(said.contains(&disk.path().display().to_string()) && said.contains("--data-dir"), "{said}");
            assert!(said.to_lowercase().contains("read-only") && said.contains("remount,rw"), "{verb:?}: {said}");
            assert_eq!(said.lines().count(), 2, "{said}");
        }
        disk.run("mount", &["-o", "remount,rw"]);
        if is_new {
            house.ok(&["engine", "start"]);
            house.ok(&["engine", "stop"]);
        }
    }
}
