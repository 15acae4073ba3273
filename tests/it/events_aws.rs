//! What happened on AWS as it is followed: between two polls of one account, and of two accounts as one.

use crate::aws::played::{Answer, Asked, Played};
use crate::console_aws::house_at;
use crate::support::{Following, Key};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const CREATED: u64 = 1_700_000_000_000;

/// An account whose queue `main` has one job: it runs until it is `over`.
struct Account {
    service: Played,
    over: Arc<AtomicBool>,
}

impl Account {
    /// All times of its job are so many seconds later than those of others.
    fn new(job: &'static str, later: u64) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let service = Played::new(move |asked| Answer::Json(play(asked, job, later, is_over.load(Ordering::SeqCst))));
        Self { service, over }
    }

    fn end_job(&self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

fn play(asked: &Asked, job: &str, later: u64, is_over: bool) -> Value {
    let at = |second: u64| CREATED + (second + later) * 1_000;
    let mut row = json!({
        "jobId": format!("00000000-0000-4000-8000-0000000000{job}"), "jobName": format!("job-{job}"),
        "jobArn": format!("arn:aws:batch:eu-west-1:1:job/{job}"), "createdAt": at(0), "startedAt": at(10),
        "jobQueue": "arn:aws:batch:eu-west-1:1:job-queue/main", "status": "RUNNING",
        "jobDefinition": "arn:aws:batch:eu-west-1:1:job-definition/etl:3",
    });
    if is_over {
        (row["status"], row["stoppedAt"]) = (json!("FAILED"), json!(at(20)));
        row["statusReason"] = json!("Essential container in task exited");
    }
    let is_asked = |status: &Value| status.is_null() || *status == row["status"];
    match asked.line.as_str() {
        "POST /v1/describejobqueues" => json!({"jobQueues": [{"jobQueueName": "main", "priority": 1,
            "jobQueueArn": "arn:aws:batch:eu-west-1:1:job-queue/main", "state": "ENABLED", "status": "VALID"}]}),
        "POST /v1/describecomputeenvironments" => json!({"computeEnvironments": []}),
        "POST /v1/describejobdefinitions" => json!({"jobDefinitions": []}),
        "POST /v1/listjobs" if is_asked(&asked.body["jobStatus"]) => json!({"jobSummaryList": [row]}),
        "POST /v1/listjobs" => json!({"jobSummaryList": []}),
        "POST /v1/describejobs" => json!({"jobs": [row]}),
        _ => json!({"Schedules": []}),
    }
}

/// The next line that tells of an event, as `STATUS JOB QUEUE`.
fn event(following: &Following) -> String {
    loop {
        let line: Value = serde_json::from_str(&line(following)).expect("one object a line");
        let told = &line["event"]["detail"];
        let text = |member: &str| told[member].as_str().unwrap_or_default().to_owned();
        if told.is_object() {
            return format!("{} {} {}", text("status"), text("jobName"), text("jobQueue"));
        }
    }
}

fn line(following: &Following) -> String {
    following.next().expect("it goes on")
}

#[test]
fn events_of_an_account_are_told_and_followed_in_order_and_each_once() {
    let account = Account::new("0a", 0);
    let house = house_at(&account.service.endpoint());
    let json = Following::begin(&house, &["--context", "aws", "events", "-f", "-o", "json"]);
    let table = Following::begin(&house, &["--context", "aws", "events", "-f"]);
    assert_eq!(event(&json), "SUBMITTED job-0a main");
    assert_eq!(event(&json), "RUNNING job-0a main");
    assert!(line(&table).starts_with("2023-11-14T22:13:20Z  SUBMITTED"));
    assert!(line(&table).starts_with("2023-11-14T22:13:30Z  RUNNING"));

    account.end_job();
    assert_eq!(event(&json), "FAILED job-0a main");
    let ended = line(&table);
    assert!(ended.starts_with("2023-11-14T22:13:40Z  FAILED"), "{ended}");
    assert!(ended.ends_with("job-0a  main  Essential container in task exited"), "{ended}");

    // A number of another process says nothing of what this one has seen.
    let told = house.ok(&["--context", "aws", "events", "--cursor", "3"]);
    assert_eq!(told.lines().count(), 3, "{told}");
}

#[test]
fn events_of_two_accounts_are_one_list_by_time_each_with_its_account() {
    let (prod, lab) = (Account::new("0a", 0), Account::new("0b", 5));
    let house = house_at("http://127.0.0.1:1");
    let context = |name: &str, account: &Account| {
        let endpoint = account.service.endpoint();
        format!("[contexts.{name}]\nbackend = 'aws'\nregion = 'eu-west-1'\nendpoint = '{endpoint}'\n")
    };
    let config = context("prod", &prod) + &context("lab", &lab);
    std::fs::write(house.path().join("config.toml"), config).expect("written");

    let following = Following::begin(&house, &["--context", "prod,lab", "events", "-f", "-o", "json"]);
    for expected in [
        "SUBMITTED job-0a main@prod",
        "SUBMITTED job-0b main@lab",
        "RUNNING job-0a main@prod",
        "RUNNING job-0b main@lab",
    ] {
        assert_eq!(event(&following), expected);
    }

    let mut console = house.open(&["--context", "prod,lab"], 140, 34);
    console.wait_for("main@prod");
    console.wait_for("main@lab");
    console.type_text(":events");
    console.press(Key::Enter);
    console.wait("both accounts' events", |screen| {
        screen.contains("Events · 4") && screen.contains("main@prod") && screen.contains("main@lab")
    });

    lab.end_job();
    assert_eq!(event(&following), "FAILED job-0b main@lab");
    console.wait("what has come", |screen| screen.contains("Events · 5") && screen.contains("FAILED"));
    console.type_text("/main@lab");
    console.press(Key::Enter);
    console.wait("one account alone", |screen| screen.contains("job-0b") && !screen.contains("job-0a"));
    prod.end_job();
    assert_eq!(event(&following), "FAILED job-0a main@prod");
}
