//! Roles that are assumed with a code of a device, as people and scripts meet them: on a moto server, which takes any code.

use crate::aws::played::{Answer, Asked, Played};
use crate::aws::world;
use crate::console_aws::house_at;
use crate::support::{House, Key};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const DEVICE: &str = "arn:aws:iam::123456789012:mfa/ann";

/// A house whose AWS files have the profile `ops`, which assumes a role with a code.
fn house(endpoint: &str) -> House {
    let house = house_at(endpoint);
    let file = house.path().join("aws-config");
    let profiles = format!(
        "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = hush\n\
         [profile ops]\nrole_arn = arn:aws:iam::123456789012:role/ops\nmfa_serial = {DEVICE}\nsource_profile = base\n"
    );
    std::fs::write(&file, profiles).expect("writes");
    house.with_variable("AWS_CONFIG_FILE", &file.display().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_asks_for_the_code_in_one_field_and_the_session_serves_the_verbs_too() {
    let Some(world) = world().await else { return };
    let house = house(&world.moto.endpoint());
    let verb = ["--context", "ops", "queues", "-o", "json"];
    let refused = house.command_within(&["setsid", "--wait"], &verb).output().expect("runs");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("there is no terminal to type it on"), "{told}");
    assert!(told.contains("batchdeck queues --context ops"), "{told}");

    let mut console = house.open(&["--context", "ops", "--write"], 80, 24);
    console.wait_for(&format!("code of {DEVICE}:"));
    console.press(Key::Esc);
    console.wait_for("`:mfa` asks for it again");
    console.enter(":mfa");
    console.wait_for(&format!("code of {DEVICE}:"));
    console.enter("12345");
    console.wait_for("has six digits");
    console.wait_for(&format!("code of {DEVICE}:"));
    console.enter("123456");
    console.wait_for("aws ok · polled");
    console.wait_for("main");
    console.type_text("q");
    assert!(console.wait_end().success());

    // The session outlives the console.
    let served = house.command_within(&["setsid", "--wait"], &verb).output().expect("runs");
    assert!(served.status.success(), "{}", String::from_utf8_lossy(&served.stderr));
    assert!(String::from_utf8_lossy(&served.stdout).contains("main"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_asks_for_the_code_on_its_terminal() {
    let Some(world) = world().await else { return };
    let house = house(&world.moto.endpoint());
    let mut verb = house.open(&["--context", "ops", "queues"], 100, 24);
    verb.wait_for(&format!("code of {DEVICE}:"));
    verb.enter("nonsense");
    verb.wait_for("has six digits");
    verb.enter("123456");
    verb.wait_for("main");
    assert!(verb.wait_end().success());
}

/// One job in one queue, which is told to the session of a code alone; each code has its own session.
fn play(asked: &Asked) -> Answer {
    let session = ["111111", "222222"].into_iter().find(|code| asked.authorization.contains(&format!("ASIA{code}/")));
    let body = match (asked.line.as_str(), session) {
        ("POST /", _) => {
            let form = asked.body.as_str().unwrap_or_default();
            let code = form.split("TokenCode=").nth(1).and_then(|rest| rest.get(..6)).unwrap_or_default();
            let xml = format!(
                "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
                 <AccessKeyId>ASIA{code}</AccessKeyId><SecretAccessKey>hush</SecretAccessKey><SessionToken>t</SessionToken>\
                 <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
            );
            return Answer::Text(xml, "content-type: text/xml\r\n");
        }
        ("POST /v1/describejobqueues", _) => json!({"jobQueues": [{"jobQueueName": "main", "priority": 1}]}),
        ("POST /v1/listjobs", Some(code)) => json!({"jobSummaryList": [
            {"jobId": "00000000-0000-4000-8000-000000000001", "jobName": format!("told-to-{code}"), "status": "RUNNING",
                "createdAt": 1_700_000_000_000_u64, "startedAt": 1_700_000_000_000_u64},
        ]}),
        _ => json!({"Schedules": []}),
    };
    Answer::Json(body)
}

#[test]
fn a_session_that_ends_in_a_running_console_is_told_in_a_line_and_the_next_code_goes_on_from_there() {
    let over = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&over);
    let service = Played::new(move |asked| {
        if is_over.load(Ordering::SeqCst) && asked.authorization.contains("ASIA111111/") {
            let told = "The security token included in the request is expired";
            return Answer::Refusal(403, "ExpiredTokenException", told);
        }
        play(asked)
    });
    let house = house(&service.endpoint());
    let mut console = house.open(&["--context", "ops", "--write"], 100, 24);
    console.wait_for(&format!("code of {DEVICE}:"));
    console.enter("111111");
    console.wait_for("told-to-111111");
    console.wait_for("aws ok");

    over.store(true, Ordering::SeqCst);
    // The field comes by itself, and who leaves it goes on with what was known.
    console.wait_for(&format!("code of {DEVICE}:"));
    console.press(Key::Esc);
    console.wait_for("`:mfa` asks for it again");
    console.wait("the line that says what mends it, beside what was known", |screen| {
        let line = screen.lines().find(|line| line.contains("not signed in")).unwrap_or_default();
        line.contains("(`:mfa`) · data is ") && screen.contains("told-to-111111")
    });
    console.wait_gone(&format!("code of {DEVICE}:"));
    console.enter(":mfa");
    console.wait_for(&format!("code of {DEVICE}:"));
    console.enter("222222");
    console.wait_for("told-to-222222");
    console.wait_for("aws ok");
    console.wait_gone("not signed in");
    console.type_text("q");
    assert!(console.wait_end().success());
    // The session that was over is in no file any more: the next process is not refused with it.
    let served = house.run(&["--context", "ops", "queues", "-o", "json"]);
    assert!(served.status.success(), "{}", String::from_utf8_lossy(&served.stderr));
}
