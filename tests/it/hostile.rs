//! What others wrote, shown to people: names, tags, reasons, lines and errors that would have a terminal act; and other
//! users of the machine.

use crate::aws::played::{Answer, Asked, Played};
use crate::console_aws::house_at;
use crate::support::{House, Key};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

/// Each family of sequences that a terminal acts on (ECMA-48, xterm's, DEC's, kitty's, tmux's), with a number in it that
/// the console never writes, and the bidirectional marks.
const CORPUS: [&str; 35] = [
    "\x1b[77;7H",
    "\x1b[?7749l",
    "\x1b[>77;2m",
    "\x1b[8;77;77t",
    "\x1b[77n",
    "\x1b[77c",
    "\x1b[77 q",
    "\x1b[!p",
    "\x1b[77~",
    "\x1b[31;77m",
    "\x1b]0;owned\x07",
    "\x1b]2;owned\x1b\\",
    "\x1b]52;c;b3duZWQ=\x07",
    "\x1b]8;;http://owned\x1b\\",
    "\x1b]777;notify;owned\x07",
    "\x1b]1337;File=owned\x07",
    "\x1bPqowned\x1b\\",
    "\x1bP$q77m\x1b\\",
    "\x1bPtmux;\x1b\x1b]0;owned\x07\x1b\\",
    "\x1b_Gowned\x1b\\",
    "\x1b^owned\x1b\\",
    "\x1bXowned\x1b\\",
    "\x1bkowned\x1b\\",
    "\x1bc",
    "\x1b#8",
    "\x1b(0",
    "\u{9b}77;7H",
    "\u{9d}0;owned\u{9c}",
    "\u{90}qowned\u{9c}",
    "\u{9f}owned\u{9c}",
    "\u{85}\u{84}\u{8d}",
    "\x05\x07\x08\x0b\x0c\x0e\x0f\x7f",
    "\u{202e}\u{2066}\u{200f}\u{2028}\u{feff}",
    "\u{61c}\u{206a}\u{fff9}",
    "\x1b]0;torn",
];

/// All of it, with words around it by which it is found.
fn hostile(word: &str) -> String {
    CORPUS.iter().fold(format!("{word}-"), |text, sequence| text + sequence + "-") + "end"
}

/// What a terminal would act on, but for line ends.
fn is_harmful(letter: char) -> bool {
    letter.is_control() && letter != '\n'
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
        || matches!(letter, '\u{fff9}'..='\u{fffb}' | '\u{feff}')
}

fn assert_harmless(what: &str, output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8") + &String::from_utf8_lossy(&output.stderr);
    if let Some(at) = text.find(is_harmful) {
        let from = text[..at].char_indices().rev().nth(60).map_or(0, |(from, _)| from);
        panic!("{what} prints {:?}", text[from..].chars().take(120).collect::<String>());
    }
    text
}

/// What the console has written of the corpus. The last of it is torn, and `\x1b(0` and the like are looked for as they are.
fn assert_unwritten(what: &str, written: &[u8]) {
    for sequence in CORPUS {
        let found = written.windows(sequence.len()).any(|window| window == sequence.as_bytes());
        assert!(!found, "{what}: {sequence:?} was written to the terminal");
    }
    for (byte, name) in [(0x05, "ENQ"), (0x0e, "SO"), (0x0f, "SI"), (0x7f, "DEL")] {
        assert!(!written.contains(&byte), "{what}: {name} was written to the terminal");
    }
    let text = String::from_utf8_lossy(written);
    let mark = text.chars().find(|letter| is_harmful(*letter) && !letter.is_ascii());
    assert!(mark.is_none(), "{what}: {mark:?} was written to the terminal");
}

/// An account in which every text is hostile.
fn account(asked: &Asked) -> Answer {
    let id = "00000000-0000-4000-8000-000000000001";
    let arn = |kind: &str, name: &str| format!("arn:aws:batch:eu-west-1:123456789012:{kind}/{name}");
    let (job, queue, environment) = (hostile("job"), hostile("queue"), hostile("env"));
    let tags = json!({ "team": hostile("tag"), hostile("key"): "v" });
    let container = json!({
        "image": hostile("image"), "command": [hostile("command")], "reason": hostile("why"), "exitCode": 1,
        "environment": [{ "name": "N", "value": hostile("value") }], "logStreamName": "d/default/t",
        "resourceRequirements": [{ "type": "VCPU", "value": "1" }, { "type": "MEMORY", "value": "64" }],
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs() * 1_000;
    let summary = json!({
        "jobId": id, "jobName": job, "status": "FAILED", "statusReason": hostile("reason"),
        "createdAt": now - 3_000, "startedAt": now - 2_000, "stoppedAt": now - 1_000,
        "jobDefinition": arn("job-definition", "d:1"), "container": { "exitCode": 1, "reason": hostile("why") },
    });
    let body = match asked.line.as_str() {
        "POST /v1/describejobqueues" => json!({ "jobQueues": [{
            "jobQueueName": queue, "jobQueueArn": arn("job-queue", &queue), "priority": 1, "state": "ENABLED",
            "status": "INVALID", "statusReason": hostile("status"), "tags": tags,
            "computeEnvironmentOrder": [{ "order": 1, "computeEnvironment": arn("compute-environment", &environment) }],
        }] }),
        "POST /v1/describecomputeenvironments" => json!({ "computeEnvironments": [{
            "computeEnvironmentName": environment, "computeEnvironmentArn": arn("compute-environment", &environment),
            "type": "MANAGED", "state": "ENABLED", "status": "INVALID", "statusReason": hostile("status"), "tags": tags,
        }] }),
        "POST /v1/describejobdefinitions" => json!({ "jobDefinitions": [{
            "jobDefinitionName": hostile("definition"), "jobDefinitionArn": arn("job-definition", "d:1"), "revision": 1,
            "status": "ACTIVE", "type": "container", "containerProperties": container, "tags": tags,
        }] }),
        "POST /v1/listjobs" if matches!(asked.body["jobStatus"].as_str(), None | Some("FAILED")) => {
            json!({ "jobSummaryList": [summary] })
        }
        "POST /v1/listjobs" => json!({ "jobSummaryList": [] }),
        "POST /v1/describejobs" => {
            let mut detail = summary;
            detail["jobQueue"] = json!(arn("job-queue", &queue));
            detail["container"] = container.clone();
            detail["tags"] = tags;
            detail["parameters"] = json!({ "p": hostile("parameter") });
            detail["attempts"] = json!([{ "container": container, "statusReason": hostile("attempt"),
                "startedAt": now - 2_000, "stoppedAt": now - 1_000 }]);
            json!({ "jobs": [detail] })
        }
        line if line.starts_with("GET /schedules") => return Answer::Refusal(403, "AccessDeniedException", REFUSAL),
        "POST /v1/terminatejob" | "POST /v1/canceljob" => return Answer::Refusal(400, "ClientException", REFUSAL),
        // Lines of the log, and whatever else there is.
        _ => json!({ "events": [
            { "timestamp": now - 2_000, "ingestionTime": now - 2_000, "message": hostile("ERROR line") },
        ], "nextForwardToken": "f/1", "nextBackwardToken": "b/1", "logStreams": [], "ruleNames": [], "Schedules": [] }),
    };
    Answer::Json(body)
}

const REFUSAL: &str = "refused \u{1b}]0;owned\u{7}\u{1b}[77;7H\u{9b}77;7H\u{202e} by policy";

#[test]
fn no_text_of_an_account_and_no_error_of_it_reaches_a_terminal_as_a_sequence() {
    let service = Played::new(account);
    let house = house_at(&service.endpoint());
    let id = "00000000-0000-4000-8000-000000000001";
    let verbs: [&[&str]; 14] = [
        &["queues"],
        &["envs"],
        &["jobs", "--status", "FAILED"],
        &["jobs", "--status", "FAILED", "-o", "json"],
        &["job", id],
        &["job", id, "-o", "json"],
        &["why", id],
        &["logs", id],
        &["failures"],
        &["definitions"],
        &["pulse"],
        &["tree", id],
        &["schedule", "list"],
        &["terminate", id, "--reason", "enough"],
    ];
    let mut seen = String::new();
    for verb in verbs {
        let output = house.run(&[&["--context", "aws"], verb].concat());
        seen += &assert_harmless(&verb.join(" "), &output);
    }
    // In a terminal there are colours, and widths to fit.
    for verb in verbs {
        let mut terminal = house.open(&[&["--context", "aws"], verb].concat(), 120, 40);
        terminal.wait_end();
        assert_unwritten(&verb.join(" "), &terminal.written());
    }
    for word in ["job-", "queue-", "env-", "ERROR line-", "reason-", "tag-", "value-", "refused"] {
        assert!(seen.contains(word), "`{word}` was never shown:\n{seen}");
    }

    let mut console = house.open(&["--context", "aws", "--write"], 200, 60);
    console.wait_for("env-");
    console.wait_for("queue-");
    console.type_text("3ssss");
    console.wait_for("job-");
    for keys in ["\r", "w", "l", "t", "d"] {
        console.type_text(keys);
        console.wait("that the screen rests", |screen| !screen.trim().is_empty());
        console.press(Key::Esc);
        console.press(Key::Esc);
        console.type_text("vo3");
        console.wait_for("job-");
    }
    console.type_text("D");
    console.wait_for("definition-");
    console.type_text("E");
    console.wait_for("job-");
    console.type_text("S");
    console.wait_for("Schedules");
    console.press(Key::Ctrl('c'));
    console.wait_end();
    assert_unwritten("the console", &console.written());
}

#[test]
fn nothing_that_a_job_prints_or_is_given_and_no_reason_of_an_operator_reaches_a_terminal_as_a_sequence() {
    let house = House::new();
    house.ok(&["init"]);
    let (line, why) = (hostile("line"), hostile("why"));
    let variable = format!("TEXT={}", hostile("value"));
    let script = format!("printf '%s\\n' '{line}'; printf '%s\\n' '{line}' >&2; exit 3");
    let job = house.submit(&["--name", "evil", "--env", &variable, "--", "sh", "-c", &script]);
    house.until_status(&job, "FAILED");
    house.ok(&["hold", "--queue", "default", "--reason", &why]);
    let waiting = house.submit(&["--name", "waits", "--", "true"]);
    house.ok(&["cancel", &waiting, "--reason", &why]);
    house.until_status(&waiting, "FAILED");
    let verbs: [&[&str]; 9] = [
        &["jobs", "--status", "FAILED"],
        &["job", &job],
        &["job", &job, "-o", "json"],
        &["job", &waiting],
        &["logs", &job],
        &["why", &job],
        &["failures"],
        &["audit"],
        &["audit", "-o", "json"],
    ];
    let mut seen = String::new();
    for verb in verbs {
        let output = house.run(verb);
        assert!(output.status.success(), "{verb:?}: {}", String::from_utf8_lossy(&output.stderr));
        seen += &assert_harmless(&verb.join(" "), &output);
        let mut terminal = house.open(verb, 100, 30);
        terminal.wait_end();
        assert_unwritten(&verb.join(" "), &terminal.written());
    }
    for word in ["line-", "why-", "value-"] {
        assert!(seen.contains(word), "`{word}` was never shown:\n{seen}");
    }
    let mut console = house.open(&["--context", "local"], 200, 60);
    console.wait_for("engine ok");
    console.type_text("3ssss");
    console.wait_for("evil");
    console.type_text("/evil\rl");
    console.wait_for("line-");
    console.type_text(":audit\r");
    console.wait_for("why-");
    console.press(Key::Ctrl('c'));
    console.wait_end();
    assert_unwritten("the console", &console.written());
}

/// Runs a program as another user of this machine. `None` where one is not root.
fn as_stranger(house: &House, words: &[&str]) -> Option<Output> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=54323", "--regid=54323", "--clear-groups", "--bounding-set=-all"]).args(words);
    command.env("BATCHDECK_DATA_DIR", house.data()).env("HOME", "/nonexistent").current_dir("/");
    root.then(|| command.output().expect("setpriv runs"))
}

#[test]
fn another_user_reads_nothing_of_the_data_directory_and_is_hung_up_on_where_somebody_opened_it() {
    let house = House::new();
    house.ok(&["engine", "start", "--http", "127.0.0.1:0"]);
    house.ok(&["init"]);
    let job = house.submit(&["--", "echo", "for me alone"]);
    house.until_status(&job, "SUCCEEDED");
    // Nothing but the data directory's own mode is in the way.
    let open = |path: &std::path::Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    };
    open(house.path(), 0o755);
    for file in ["journal.db", "credentials", "engine.log", "http"] {
        let path = house.data().join(file).display().to_string();
        let Some(read) = as_stranger(&house, &["cat", &path]) else { return };
        assert!(!read.status.success() && read.stdout.is_empty(), "{path} was read by another user");
    }
    let program = env!("CARGO_BIN_EXE_batchdeck");
    let refused = as_stranger(&house, &[program, "jobs"]).expect("root");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains(&house.data().display().to_string()), "{said}");

    // Somebody has opened directory and socket to all: the engine looks who calls.
    open(&house.data(), 0o777);
    open(&house.data().join("engine.sock"), 0o666);
    let socket = house.data().join("engine.sock").display().to_string();
    let asks = "$SIG{PIPE} = 'IGNORE'; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; print $s \"GET /batchdeck/v1/status HTTP/1.1\\r\\n\
                host: engine\\r\\n\\r\\n\"; $s->flush; sysread($s, my $answer, 99); print \"heard:$answer\"";
    let answer = as_stranger(&house, &["perl", "-MIO::Socket::UNIX", "-e", asks, &socket]).expect("root");
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "heard:", "{}", String::from_utf8_lossy(&answer.stderr));
    // The next start closes it again.
    house.ok(&["engine", "restart"]);
    let log = fs::read_to_string(house.data().join("engine.log")).expect("a log");
    assert!(log.contains("a connection of another user was refused"), "{log}");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&house.data()), mode(&house.data().join("engine.sock"))), (0o700, 0o600));
}

#[test]
fn a_job_is_given_no_key_and_no_way_to_the_engine() {
    let house = House::new()
        .with_variable("AWS_SECRET_ACCESS_KEY", "the-callers-own-secret")
        .with_variable("AWS_ACCESS_KEY_ID", "THECALLERS");
    house.ok(&["engine", "start", "--http", "127.0.0.1:0"]);
    house.ok(&["init"]);
    let job = house.submit(&["--", "sh", "-c", "env; tr '\\0' '\\n' </proc/$PPID/environ"]);
    house.until_status(&job, "SUCCEEDED");
    let log = house.ok(&["logs", &job]);
    assert!(log.contains("AWS_BATCH_JOB_ID"), "{log}");
    let environment = house.ok(&["engine", "env"]);
    let value = |name: &str| {
        let line = environment.lines().find(|line| line.contains(name)).expect("it is told");
        line.split('\'').nth(1).expect("a value").to_owned()
    };
    let key = [value("AWS_SECRET_ACCESS_KEY"), value("AWS_ACCESS_KEY_ID")];
    for secret in ["the-callers-own-secret", "THECALLERS", key[0].as_str(), key[1].as_str(), "engine.sock"] {
        assert!(!log.contains(secret), "`{secret}` is given to a job:\n{log}");
    }
}

#[test]
fn a_secret_is_in_no_log_of_the_engine_an_agent_or_a_console() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--env", "API_TOKEN=hunter2hunter2", "--attempts", "2", "--", "sh", "-c", "exit 3"]);
    house.until_status(&job, "FAILED");
    let mut console = house.open(&["--context", "local"], 120, 60);
    console.wait_for("engine ok");
    console.enter("3ssss");
    console.wait_for("API_TOKEN");
    assert!(!console.has_written(b"hunter2"), "it is on the screen");
    console.press(Key::Ctrl('c'));
    console.wait_end();
    house.ok(&["engine", "stop"]);
    let mut folders = vec![house.data(), house.path().to_owned()];
    let mut logs = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "log") {
                logs += 1;
                let text = String::from_utf8_lossy(&fs::read(&path).expect("reads")).into_owned();
                assert!(!text.contains("hunter2"), "{}:\n{text}", path.display());
            }
        }
    }
    assert!(logs >= 2, "{logs} logs were looked into");
}
