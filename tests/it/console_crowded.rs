//! The console on accounts that no mock of AWS has: very many jobs, credentials that expire, permissions that are missing.

use crate::aws::played::{Answer, Asked, Played};
use crate::console_aws::house_at;
use crate::support::House;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

fn job(name: &str, status: &str, at: u64) -> Value {
    json!({"jobId": format!("00000000-0000-4000-8000-{at:012}"), "jobName": name, "status": status,
        "createdAt": 1_700_000_000_000_u64 + at, "startedAt": 1_700_000_000_000_u64 + at})
}

/// 50 queues; in each of the first five 40,000 jobs wait and three run.
fn crowd(asked: &Asked) -> Answer {
    let queue = asked.body["jobQueue"].as_str().unwrap_or_default();
    let number: u64 = queue.strip_prefix("q-").and_then(|number| number.parse().ok()).unwrap_or(99);
    let body = match asked.line.as_str() {
        "POST /v1/describejobqueues" => {
            let row = |at: u64| json!({"jobQueueName": format!("q-{at:02}"), "priority": 100 - at, "state": "ENABLED", "status": "VALID"});
            json!({"jobQueues": (0..50).map(row).collect::<Vec<_>>()})
        }
        "POST /v1/describecomputeenvironments" => json!({"computeEnvironments": [
            {"computeEnvironmentName": "spot", "type": "MANAGED", "state": "ENABLED", "status": "VALID"}
        ]}),
        "POST /v1/describejobdefinitions" => json!({"jobDefinitions": []}),
        "POST /v1/describejobs" => json!({"jobs": []}),
        "POST /v1/listjobs" if number < 5 => {
            let most = asked.body["maxResults"].as_u64().unwrap_or(100);
            match asked.body["jobStatus"].as_str() {
                None | Some("RUNNABLE") => {
                    let row =
                        |at: u64| job(&format!("waits-{number}-{at}"), "RUNNABLE", number * 100_000 + 50_000 - at);
                    json!({"jobSummaryList": (0..most).map(row).collect::<Vec<_>>(), "nextToken": "more"})
                }
                Some("RUNNING") => {
                    let row = |at: u64| job(&format!("runs-{number}-{at}"), "RUNNING", number * 100_000 + 60_000 + at);
                    json!({"jobSummaryList": (0..3).map(row).collect::<Vec<_>>()})
                }
                Some(_) => json!({"jobSummaryList": []}),
            }
        }
        "POST /v1/listjobs" => json!({"jobSummaryList": []}),
        _ => json!({"Schedules": []}),
    };
    Answer::Json(body)
}

fn open(house: &House, columns: u16, rows: u16) -> crate::support::Terminal {
    house.open(&["--context", "aws", "--write"], columns, rows)
}

#[test]
fn a_crowded_account_makes_a_useful_screen_of_its_first_twenty_answers_and_says_what_is_not_read() {
    let count = AtomicUsize::new(0);
    let service = Played::new(
        move |asked| {
            if count.fetch_add(1, Ordering::SeqCst) < 20 { crowd(asked) } else { Answer::Silence }
        },
    );
    let house = house_at(&service.endpoint());
    let console = open(&house, 120, 40);
    console.wait("what runs in the first queues, from twenty answers", |screen| {
        ["runs-1-2", "runs-4-1", "q-00", "spot"].iter().all(|text| screen.contains(text))
            && screen.contains("[running 15+]")
            && screen.contains(" 100+ ")
            && screen.contains("of 50 queues unread")
            && screen.contains("calls/s")
    });
    assert!(service.asked().iter().all(|asked| asked.body["nextToken"].is_null()), "no list is read to its end");
}

#[test]
fn more_of_a_crowded_queue_is_fetched_by_going_to_the_end_of_its_list_alone() {
    let service = Played::new(crowd);
    let house = house_at(&service.endpoint());
    let mut console = open(&house, 120, 40);
    console.wait_for("runs-0-0");
    // Its waiting jobs are read first where one looks, a page of them.
    console.enter("1jj");
    console.type_text("s");
    console.wait_for("[waiting 1,000+]");
    assert!(service.asked().iter().all(|asked| asked.body["nextToken"].is_null()));
    console.type_text("G");
    console.wait_for("fetching more jobs of q-02");
    // What AWS pages by a token is asked for by this one.
    console.type_text("g");
    console.type_text("G");
    console.wait("a page by its token", |_| service.asked().iter().any(|asked| !asked.body["nextToken"].is_null()));
}

#[test]
fn credentials_that_expire_are_told_with_what_renews_them_and_the_console_goes_on_with_new_ones() {
    let expired = Arc::new(AtomicBool::new(false));
    let is_expired = Arc::clone(&expired);
    let service = Played::new(move |asked| {
        if is_expired.load(Ordering::SeqCst) && asked.authorization.contains("AKIAOLD") {
            return Answer::Refusal(
                403,
                "ExpiredTokenException",
                "The security token included in the request is expired",
            );
        }
        crowd(asked)
    });
    let house = house_at(&service.endpoint());
    let file = house.path().join("credentials");
    let keys = |key: &str| format!("[ops]\nregion = eu-west-1\naws_access_key_id = {key}\naws_secret_access_key = s\n");
    std::fs::write(&file, keys("AKIAOLD")).expect("written");
    let house = house.with_variable("AWS_SHARED_CREDENTIALS_FILE", &file.display().to_string());
    let console = house.open(&["--context", "ops"], 80, 24);
    console.wait_for("runs-0-0");
    assert!(service.asked()[0].authorization.contains("AKIAOLD"), "the profile goes before the environment's keys");

    expired.store(true, Ordering::SeqCst);
    console.wait_for("credentials: run `aws configure --profile ops` · data is");
    assert!(console.screen().contains("runs-0-0"), "what was known stays");
    std::fs::write(&file, keys("AKIANEW")).expect("written");
    console.wait_for("aws ok");
    assert!(service.asked().iter().any(|asked| asked.authorization.contains("AKIANEW")));
}

#[test]
fn an_action_that_is_refused_names_the_code_and_the_permission_and_a_stop_that_does_not_take_is_told() {
    let may = Arc::new(AtomicBool::new(false));
    let allowed = Arc::clone(&may);
    let service = Played::new(move |asked| match asked.line.as_str() {
        "POST /v1/terminatejob" if !allowed.load(Ordering::SeqCst) => {
            Answer::Refusal(403, "AccessDeniedException", "not for you")
        }
        "POST /v1/terminatejob" => Answer::Json(json!({})),
        // It goes on as if nobody had asked it to end.
        "POST /v1/describejobs" => {
            let ids = asked.body["jobs"].as_array().cloned().unwrap_or_default();
            let rows = ids
                .into_iter()
                .map(|id| json!({"jobId": id, "jobName": "runs-on", "status": "RUNNING", "createdAt": 1}));
            Answer::Json(json!({"jobs": rows.collect::<Vec<_>>()}))
        }
        _ => crowd(asked),
    });
    let house = house_at(&service.endpoint());
    let mut console = open(&house, 120, 40);
    console.wait_for("runs-0-0");
    let terminate = |console: &mut crate::support::Terminal| {
        console.type_text("x");
        console.wait_for("Reason");
        console.type_text("wrong bucket");
        console.keys("tab tab tab enter");
    };
    terminate(&mut console);
    console.wait_for("the permission batch:TerminateJob is missing: not for you (AccessDeniedException)");
    may.store(true, Ordering::SeqCst);
    terminate(&mut console);
    console.wait_for("terminate of runs-on did not take: it is RUNNING");
}
