//! Jobs that AWS has forgotten, on an account that forgets at once.

use crate::aws::played::{Answer, Asked, Played};
use crate::console_aws::house_at;
use crate::support::Key;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const ID: &str = "00000000-0000-4000-8000-000000000007";

fn account(asked: &Asked, has_forgotten: bool) -> Answer {
    let arn = |what: &str| format!("arn:aws:batch:eu-west-1:123456789012:{what}");
    let now = chrono::Utc::now().timestamp_millis();
    let job = json!({"jobId": ID, "jobArn": arn(&format!("job/{ID}")), "jobName": "nightly-etl", "status": "FAILED",
        "jobQueue": arn("job-queue/q"), "jobDefinition": arn("job-definition/etl:4"), "createdAt": now - 90_000,
        "startedAt": now - 80_000, "stoppedAt": now - 60_000, "statusReason": "Essential container in task exited",
        "container": {"exitCode": 41, "command": ["etl", "--all"]}});
    let jobs: Vec<Value> = if has_forgotten { Vec::new() } else { vec![job] };
    Answer::Json(match asked.line.as_str() {
        "POST /v1/describejobqueues" => json!({"jobQueues": [{"jobQueueName": "q", "jobQueueArn": arn("job-queue/q"),
            "priority": 1, "state": "ENABLED", "status": "VALID"}]}),
        "POST /v1/listjobs" if asked.body["jobStatus"].as_str().is_none_or(|status| status == "FAILED") => {
            json!({"jobSummaryList": jobs})
        }
        "POST /v1/describejobs" => json!({"jobs": jobs}),
        _ => json!({"jobSummaryList": [], "jobDefinitions": [], "computeEnvironments": [], "Schedules": []}),
    })
}

#[test]
fn a_failure_that_aws_has_forgotten_is_listed_and_described_with_its_date_unless_that_is_switched_off() {
    let forgets = Arc::new(AtomicBool::new(false));
    let forgotten = Arc::clone(&forgets);
    let service = Played::new(move |asked| account(asked, forgotten.load(Ordering::SeqCst)));
    for is_kept in [true, false] {
        forgets.store(false, Ordering::SeqCst);
        let house = house_at(&service.endpoint());
        std::fs::write(house.path().join("config.toml"), format!("history = {is_kept}\n")).expect("written");
        let mut console = house.open(&["--context", "aws", "--write"], 110, 30);
        console.type_text("3ss");
        console.wait_for("nightly-etl");
        console.wait_for("[failed 1]");
        console.press(Key::Ctrl('c'));
        assert_eq!(console.wait_end().exit_code(), 0);

        forgets.store(true, Ordering::SeqCst);
        assert_eq!(house.data().join("aws-history.db").exists(), is_kept);
        let aws = |arguments: &[&'static str]| house.json(&[&["--context", "aws"], arguments].concat());
        let failures = aws(&["failures", "--since", "1d"]);
        assert_eq!(failures["count"], u64::from(is_kept), "{failures:#}");
        if !is_kept {
            assert_eq!(house.run(&["--context", "aws", "job", ID]).status.code(), Some(4));
            continue;
        }
        assert_eq!(aws(&["job", ID])["container"]["command"], json!(["etl", "--all"]));
        let told = |arguments: &[&'static str]| house.ok(&[&["--context", "aws"], arguments].concat());
        for verb in [&["job", ID][..], &["jobs", "--status", "FAILED"], &["why", ID]] {
            let told = told(verb);
            assert!(told.contains("AWS no longer has it"), "{verb:?}: {told}");
        }
        let findings = aws(&["doctor"]);
        let found = findings.as_array().expect("a list").iter().find(|finding| finding["what"] == "history");
        assert!(
            found.is_some_and(|found| found["told"].as_str().unwrap_or_default().starts_with("1 ended jobs")),
            "{findings:#}"
        );

        let mut console = house.open(&["--context", "aws", "--write"], 110, 30);
        console.type_text("3ss");
        console.wait("when it was seen", |screen| screen.contains("nightly-etl") && screen.contains("seen "));
        console.type_text("x");
        console.wait_for("FAILED");
        console.press(Key::Enter);
        console.wait_for("▸ job nightly-etl");
        console.wait_for("AWS no longer has it: this is as it was seen");
        console.wait_for("etl --all");
        console.press(Key::Ctrl('c'));
        assert_eq!(console.wait_end().exit_code(), 0);
    }
}

#[test]
fn a_damaged_history_is_set_aside_and_said_and_nothing_else_suffers() {
    let service = Played::new(|asked| account(asked, false));
    let house = house_at(&service.endpoint());
    std::fs::create_dir_all(house.data()).expect("a directory");
    let file = house.data().join("aws-history.db");
    std::fs::write(&file, vec![b'x'; 9_000]).expect("written");
    let listed = house.run(&["--context", "aws", "jobs"]);
    let (told, said) = (String::from_utf8_lossy(&listed.stdout), String::from_utf8_lossy(&listed.stderr));
    assert!(listed.status.success() && told.contains("nightly-etl"), "{told}{said}");
    assert!(said.contains("was damaged") && said.contains("aws-history.db.damaged-"), "{said}");
    let again = house.run(&["--context", "aws", "jobs"]);
    assert!(again.stderr.is_empty(), "{}", String::from_utf8_lossy(&again.stderr));
}
