//! What a machine does to a program: processes that hang, descriptors and processes that are used up, jobs that misbehave.

use crate::support::{House, kill_hard};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

pub fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[expect(clippy::print_stderr, reason = "a test that cannot be run says so")]
pub fn is_root(to: &str) -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root {
        eprintln!("NOT TESTED: it takes root to {to}");
    }
    root
}

#[test]
fn a_verb_does_not_wait_for_ever_for_an_engine_that_hangs() {
    let house = House::new();
    house.ok(&["init"]);
    let pid = house.engine_pid().to_string();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().expect("runs").success());
    signal("-STOP");
    let output = house.run(&["jobs"]);
    signal("-CONT");
    assert_eq!(output.status.code(), Some(3));
    let said = words(&output);
    assert!(said.contains("no answer to ListJobs") && said.contains("engine status"), "{said}");
    house.ok(&["jobs"]);
}

/// `engine restart` by another program, as after an upgrade: what its engine tells of itself.
fn upgrade(house: &House) -> Value {
    let before = house.json(&["engine", "status"]);
    // The new program lies elsewhere, as that of another version does.
    let newer = house.path().join("batchdeck-new");
    fs::copy(env!("CARGO_BIN_EXE_batchdeck"), &newer).expect("copied");
    let restarted = house.command_within(&["env"], &["engine", "restart", "-o", "json"]);
    let arguments: Vec<_> = restarted.get_args().skip(1).map(std::ffi::OsStr::to_owned).collect();
    let mut restart = Command::new(&newer);
    restart.args(arguments).env_clear().current_dir(house.path());
    restart.envs(restarted.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = restart.output().expect("it runs");
    assert!(output.status.success(), "{}", words(&output));
    let after: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_ne!(before["pid"], after["pid"]);
    let program = fs::read_link(format!("/proc/{}/exe", after["pid"])).expect("it runs");
    assert_eq!(program, newer.canonicalize().expect("there"), "the new program has taken over");
    after
}

#[test]
fn an_upgrade_takes_the_place_of_a_running_engine_and_its_jobs_and_its_address_stay() {
    let house = House::new();
    house.ok(&["engine", "start", "--http", "127.0.0.1:0"]);
    house.ok(&["init"]);
    let go = house.path().join("go");
    let job =
        house.submit(&["--", "sh", "-c", &format!("while [ ! -e {} ]; do sleep 0.05; done; exit 5", go.display())]);
    house.until_status(&job, "RUNNING");
    let before = house.json(&["engine", "status"]);
    let after = upgrade(&house);
    assert_eq!(before["http"], after["http"]);
    assert_eq!(before["agents"][0]["pid"], house.json(&["engine", "status"])["agents"][0]["pid"]);
    fs::write(&go, "").expect("written");
    let detail = house.until_status(&job, "FAILED");
    assert_eq!(detail["container"]["exitCode"], 5);
    assert_eq!(detail["attempts"].as_array().map(Vec::len), Some(1));
}

/// Where a container runtime was set up for the tests; without one this does nothing, and says so.
#[test]
fn an_upgrade_leaves_containers_alone_and_the_new_engine_stops_them_and_hears_their_ends() {
    let Some(house) = House::with_containers() else { return };
    let script = "echo begun; trap 'echo told; exit 5' TERM; sleep 600 & wait";
    let job = house.submit_boxed(json!({"command": ["sh", "-c", script]}));
    let log = |words: &str| {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !house.ok(&["logs", &job]).contains(words) {
            assert!(Instant::now() < deadline, "`{words}` is never in the log");
        }
    };
    log("begun");
    let before = house.json(&["job", &job]);
    upgrade(&house);
    let after = house.json(&["job", &job]);
    assert_eq!((&after["status"], &after["startedAt"]), (&"RUNNING".into(), &before["startedAt"]));
    assert_eq!(after["container"]["taskArn"], before["container"]["taskArn"]);
    house.ok(&["terminate", &job, "--reason", "enough"]);
    let ended = house.until_status(&job, "FAILED");
    assert_eq!((&ended["container"]["exitCode"], ended["attempts"].as_array().map(Vec::len)), (&5.into(), Some(1)));
    log("told");
}

#[test]
fn an_engine_that_does_not_run_is_started_by_a_restart() {
    let house = House::new();
    let started = house.json(&["engine", "restart"]);
    assert_eq!(started["pid"], house.engine_pid());
}

#[test]
fn what_a_job_has_forked_wildly_is_gone_when_it_has_ended() {
    let house = House::new();
    house.ok(&["init"]);
    let mark = format!("{}", 100_000 + std::process::id());
    let script = format!("i=0; while [ $i -lt 150 ]; do setsid sleep {mark} & i=$((i+1)); done; exit 3");
    let job = house.submit(&["--", "sh", "-c", &script]);
    let detail = house.until_status(&job, "FAILED");
    assert_eq!(detail["container"]["exitCode"], 3);
    let left = Command::new("pgrep").args(["-f", &format!("sleep {mark}")]).output().expect("pgrep runs");
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
}

#[test]
fn a_job_that_prints_without_end_of_line_and_one_that_prints_a_lot_are_kept_whole_while_others_go_on() {
    let house = House::new();
    house.ok(&["init"]);
    // A gigabyte takes a minute: `tests/long.sh` asks for it.
    let megabytes = std::env::var("BATCHDECK_TEST_FLOOD_MIB").ok().and_then(|text| text.parse().ok());
    let bytes: u64 = megabytes.unwrap_or(64) << 20;
    let long = house.submit(&["--", "sh", "-c", &format!("head -c {bytes} /dev/zero | tr '\\0' x")]);
    let many = house.submit(&["--", "sh", "-c", "seq 1 1000000"]);
    let other = house.submit(&["--", "echo", "in between"]);
    for job in [&other, &many, &long] {
        house.until_status(job, "SUCCEEDED");
    }
    let lines = |job: &str| {
        let mut child = house.command(&["logs", job]).stdout(std::process::Stdio::piped()).spawn().expect("starts");
        let mut count = (0_u64, 0_u64, String::new());
        for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
            let line = line.expect("text");
            count.0 += 1;
            count.1 += line.matches('x').count() as u64;
            count.2 = line;
        }
        assert!(child.wait().expect("ends").success());
        count
    };
    let (count, _, last) = lines(&many);
    assert_eq!(count, 1_000_000);
    assert!(last.ends_with("1000000"), "{last}");
    // Of the end it reads the end alone.
    let end: Vec<String> = house.ok(&["logs", &many, "--tail", "3"]).lines().map(str::to_owned).collect();
    assert_eq!(end, ["999998", "999999", "1000000"]);
    let end = house.ok(&["logs", &many, "-n", "25000"]);
    assert_eq!((end.lines().count(), end.lines().next()), (25_000, Some("975001")));
    assert_eq!(house.ok(&["logs", &other, "-n", "9"]), "in between\n");
    let (_, xs, _) = lines(&long);
    assert_eq!(xs, bytes);
}

#[test]
fn two_hundred_watchers_are_told_of_each_change_and_nobody_waits_for_one_that_does_not_read() {
    let house = House::new();
    house.ok(&["init"]);
    house.ok(&["hold", "--queue", "default", "--reason", "they are to wait"]);
    let mut watchers: Vec<BufReader<UnixStream>> = (0..200)
        .map(|_| {
            let mut stream = UnixStream::connect(house.data().join("engine.sock")).expect("connects");
            stream.set_read_timeout(Some(Duration::from_mins(1))).expect("set");
            stream.write_all(b"GET /batchdeck/v1/watch HTTP/1.1\r\nhost: engine\r\n\r\n").expect("asks");
            BufReader::new(stream)
        })
        .collect();
    // Each follows once it has its answer's first line.
    for watcher in &mut watchers {
        let mut line = String::new();
        watcher.read_line(&mut line).expect("answers");
        assert!(line.contains("200"), "{line}");
    }
    // One of them reads nothing any more.
    let silent = watchers.pop();
    for _ in 0..30 {
        house.submit(&["--", "true"]);
    }
    let last = house.submit(&["--name", "the-last-one", "--", "true"]);
    for watcher in &mut watchers {
        let mut line = String::new();
        while !line.contains(&last) {
            line.clear();
            assert!(watcher.read_line(&mut line).expect("is told") > 0, "the stream has ended");
        }
    }
    drop(silent);
    let status: Value = house.json(&["engine", "status"]);
    assert_eq!(status["jobs"], 31);
}

#[test]
fn a_console_in_a_terminal_that_is_gone_ends_and_a_killed_one_leaves_no_trace_in_the_engine() {
    let house = House::new();
    house.ok(&["init"]);
    let terminal = house.open(&[], 80, 24);
    house.until("a console that is attached", &["engine", "status"], |status| status["consoles"] == 1);
    kill_hard(terminal.pid());
    house.until("that nobody is attached", &["engine", "status"], |status| status["consoles"] == 0);
}

/// Sends a request with a few other bytes, and has it answered or hung up on.
fn almost(house: &House, whole: &str, below: &mut impl FnMut(usize) -> usize) {
    let mut bytes = whole.as_bytes().to_vec();
    for _ in 0..=below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = below(bytes.len());
        match below(4) {
            0 => bytes[at] = u8::try_from(below(256)).expect("a byte"),
            1 => bytes.insert(at, b"\r\n\0 :/%{\""[below(9)]),
            2 => drop(bytes.drain(at..(at + 9).min(bytes.len()))),
            _ => bytes.truncate(at.max(1)),
        }
    }
    let mut stream = UnixStream::connect(house.data().join("engine.sock")).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    // It may hang up before all is said.
    let _ = stream.write_all(&bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    match std::io::Read::read_to_end(&mut stream, &mut answer) {
        Ok(_) => {}
        Err(cause) if cause.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(cause) => panic!("neither answered nor hung up: {cause}\n{}", String::from_utf8_lossy(&bytes)),
    }
}

/// The most memory that a process has held at once.
fn most_memory_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

#[test]
fn requests_that_are_almost_right_are_answered_or_hung_up_on_and_the_engine_goes_on() {
    let house = House::new();
    house.ok(&["init"]);
    let submit =
        r#"{"jobName":"j","jobQueue":"default","jobDefinition":"host","containerOverrides":{"command":["true"]}}"#;
    let search = r#"{"logGroupName":"/aws/batch/job","filterPattern":"{ $.a = \"x*\" || $.n >= 3 }","limit":5}"#;
    let schedule = r#"{"ScheduleExpression":"rate(5 minutes)","FlexibleTimeWindow":{"Mode":"OFF"},"Target":{"Arn":
        "arn:aws:scheduler:::aws-sdk:batch:submitJob","RoleArn":"arn:aws:iam::123456789012:role/r","Input":"{}"}}"#;
    let posted = |path: &str, more: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: engine\r\n{more}x-batchdeck-by: a@b\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let whole = [
        posted("/v1/submitjob", "content-type: application/json\r\n", submit),
        posted("/v1/listjobs", "", r#"{"jobQueue":"default","filters":[{"name":"JOB_NAME","values":["a*"]}],"maxResults":9}"#),
        posted("/", "x-amz-target: Logs_20140328.FilterLogEvents\r\n", search),
        posted("/schedules/nightly?groupName=default", "", schedule),
        "GET /v1/tags/arn%3Aaws%3Abatch%3Aus-east-1%3A1%3Ajob-queue%2Fdefault HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n\r\n".to_owned(),
        "GET /batchdeck/v1/environments HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n\r\n".to_owned(),
    ];
    // As the property tests of the library: for as long as is asked for, and then with other numbers each time.
    let seconds = std::env::var("BATCHDECK_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut number: u64 = if seconds == 0 { 1 } else { std::process::id().into() };
    let mut below = |end: usize| {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(number >> 33).expect("small") % end
    };
    let engine = house.engine_pid();
    let mut memory = Vec::new();
    while memory.len() < 2 || Instant::now() < until {
        for _ in 0..200 {
            almost(&house, &whole[below(whole.len())], &mut below);
        }
        memory.push(most_memory_mib(engine));
    }
    let (first, last) = (memory[0], memory[memory.len() - 1]);
    assert!(last < first + 64, "the engine has grown from {first} to {last} MiB");
    assert_eq!(house.engine_pid(), engine, "the engine has ended");
    house.ok(&["submit", "--wait", "--", "true"]);
    let log = fs::read_to_string(house.data().join("engine.log")).expect("a log");
    assert!(!log.contains("panicked"), "{log}");
}

/// A call on a connection of its own, as it is answered; the connection stays open.
fn call(stream: &mut UnixStream, method: &str, path: &str, body: &str) -> String {
    call_with(stream, &format!("{method} {path}"), "content-type: application/json", body)
}

/// The same with a header of its own.
pub fn call_with(stream: &mut UnixStream, line: &str, header: &str, body: &str) -> String {
    let request = format!(
        "{line} HTTP/1.1\r\nhost: engine\r\n{header}\r\nx-batchdeck-by: a@b\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    // It may be turned away before all is said.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = vec![0; 16 * 1024];
    let length = std::io::Read::read(stream, &mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[test]
fn when_descriptors_are_used_up_the_engine_says_so_and_serves_agents_and_who_is_there_already() {
    let house = House::new();
    let started = house.command_within(&["prlimit", "--nofile=128:128"], &["engine", "start"]).output();
    assert!(started.expect("prlimit runs").status.success());
    house.ok(&["init"]);
    let connect = || UnixStream::connect(house.data().join("engine.sock")).expect("connects");
    let mut first = connect();
    let mut open = Vec::new();
    let refused = loop {
        assert!(open.len() < 128, "more connections than there are descriptors");
        let mut stream = connect();
        let answer = call(&mut stream, "GET", "/batchdeck/v1/watch", "");
        if !answer.contains("200 OK") {
            break answer;
        }
        open.push(stream);
    };
    assert!(open.len() > 30, "{} connections", open.len());
    assert!(refused.contains("503") && refused.contains("128 file descriptors"), "{refused}");
    let output = house.run(&["jobs"]);
    let said = words(&output);
    assert!(!output.status.success() && said.contains("close consoles"), "{said}");

    // Who is connected submits, and an agent is launched, connects and runs the job.
    let body =
        r#"{"jobName":"j","jobQueue":"default","jobDefinition":"host","containerOverrides":{"command":["true"]}}"#;
    let answer = call(&mut first, "POST", "/v1/submitjob", body);
    let job = answer.split("\"jobId\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a job id").to_owned();
    let deadline = Instant::now() + Duration::from_mins(1);
    let asked = format!(r#"{{"jobs":["{job}"]}}"#);
    while !call(&mut first, "POST", "/v1/describejobs", &asked).contains("\"status\":\"SUCCEEDED\"") {
        assert!(Instant::now() < deadline, "the job never ends");
    }
    drop(open);
    house.until("a connection is free", &["jobs", "--name", "j"], |jobs| jobs[0]["status"] == "SUCCEEDED");
    assert_eq!(house.json(&["job", &job])["attempts"].as_array().map(Vec::len), Some(1));
    house.ok(&["submit", "--wait", "--", "true"]);
    let log = fs::read_to_string(house.data().join("engine.log")).expect("a log");
    assert!(log.contains("turned away") && !log.contains("panicked"), "{log}");
}

/// How many processes a process's user may have, as far as that process is concerned.
struct ProcessLimit {
    user: u32,
    pid: String,
    usual: String,
}

impl ProcessLimit {
    fn of(user: u32, pid: &str) -> Self {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("it has limits");
        let usual = limits.lines().find_map(|line| line.strip_prefix("Max processes")?.split_whitespace().next());
        Self { user, pid: pid.to_owned(), usual: usual.expect("a limit of processes").to_owned() }
    }

    /// Root is not let in everywhere; who owns the process is.
    fn set(&self, processes: &str) {
        let Self { user, pid, .. } = self;
        let who = [format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".to_owned()];
        let words = ["prlimit".to_owned(), format!("--pid={pid}"), format!("--nproc={processes}:")];
        assert!(Command::new("setpriv").args(who).args(words).status().expect("setpriv runs").success());
    }
}

#[test]
fn an_engine_that_cannot_start_a_process_says_why_and_goes_on_by_itself_once_it_can() {
    if !is_root("run the program as a user of its own") {
        return;
    }
    let house = House::new().of_user(54_322);
    house.ok(&["init"]);
    let engine = house.engine_pid().to_string();
    let limit = ProcessLimit::of(54_322, &engine);
    limit.set("1");
    let job = house.submit(&["--", "true"]);
    let told = |status: &Value| status.to_string().contains("too many processes");
    house.until("a notice of the agent that could not be started", &["why", &job], told);
    assert_eq!(house.json(&["job", &job])["status"], "RUNNABLE");
    limit.set(&limit.usual);
    let detail = house.until_status(&job, "SUCCEEDED");
    assert_eq!(detail["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(house.engine_pid().to_string(), engine, "it went on without a restart");
    let log = fs::read_to_string(house.data().join("engine.log")).expect("a log");
    assert!(log.contains("ulimit -u") && !log.contains("panicked"), "{log}");
}

#[test]
fn when_processes_are_used_up_a_job_says_so_and_what_comes_after_runs() {
    if !is_root("run the program as a user of its own") {
        return;
    }
    let house = House::new().of_user(54_321);
    house.ok(&["init"]);
    // Its agent stays for the test.
    let go = house.path().join("go");
    let keeps = house.submit(&["--", "sh", "-c", &format!("while [ ! -e {} ]; do sleep 0.05; done", go.display())]);
    house.until_status(&keeps, "RUNNING");
    let agent = house.json(&["engine", "status"])["agents"][0]["pid"].to_string();
    let limit = ProcessLimit::of(54_321, &agent);
    limit.set("1");
    let refused = house.submit(&["--", "true"]);
    let detail = house.until_status(&refused, "FAILED");
    let said = detail.to_string();
    assert!(said.contains("CannotStartContainerError") && said.contains("processes"), "{said}");
    assert_eq!(house.json(&["job", &keeps])["status"], "RUNNING", "what ran runs on");
    limit.set(&limit.usual);
    house.ok(&["submit", "--wait", "--", "true"]);
    fs::write(&go, "").expect("written");
    house.until_status(&keeps, "SUCCEEDED");
    assert_eq!(house.json(&["job", &keeps])["attempts"].as_array().map(Vec::len), Some(1));
    let log = fs::read_to_string(house.data().join("engine.log")).expect("a log");
    assert!(!log.contains("panicked"), "{log}");
}
