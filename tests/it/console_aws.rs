//! The console on AWS as a person uses it: the real program in a pseudo-terminal, on a moto server.

use crate::aws::gate::Gate;
use crate::aws::{World, job, world};
use crate::support::{House, Key, Terminal};
use batchdeck::backend::{Backend, JobQuery};
use batchdeck::model::{JobId, JobStatus};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// A house whose standard AWS variables name `endpoint`, and nothing else of AWS.
pub fn house_at(endpoint: &str) -> House {
    with_endpoint(House::new(), endpoint)
}

pub fn with_endpoint(house: House, endpoint: &str) -> House {
    house
        .with_variable("AWS_ENDPOINT_URL_BATCH", endpoint)
        .with_variable("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", endpoint)
        .with_variable("AWS_ENDPOINT_URL_SCHEDULER", endpoint)
        .with_variable("AWS_ENDPOINT_URL_STS", endpoint)
        .with_variable("AWS_ENDPOINT_URL_ECS", endpoint)
        .with_variable("AWS_ENDPOINT_URL_EVENTBRIDGE", endpoint)
        .with_variable("AWS_ENDPOINT_URL_PRICING", endpoint)
        .with_variable("AWS_ENDPOINT_URL_EC2", endpoint)
        .with_variable("AWS_ENDPOINT_URL_AUTO_SCALING", endpoint)
        .with_variable("AWS_ACCESS_KEY_ID", "test")
        .with_variable("AWS_SECRET_ACCESS_KEY", "test")
        .with_variable("AWS_DEFAULT_REGION", "eu-west-1")
        .with_variable("AWS_CONFIG_FILE", "/nonexistent/config")
        .with_variable("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
        .with_variable("AWS_EC2_METADATA_DISABLED", "true")
}

fn open(house: &House, columns: u16, rows: u16) -> Terminal {
    let terminal = house.open(&["--context", "aws", "--write"], columns, rows);
    terminal.wait_for("aws ok · polled");
    terminal
}

async fn until_status(world: &World, id: &JobId, status: JobStatus) -> Option<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let detail = world.describe(id).await;
        if detail.status == status {
            return detail.status_reason;
        }
        assert!(Instant::now() < deadline, "{id} is {} and never {status}", detail.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_on_aws_from_a_waiting_job_to_the_record_of_what_was_done() {
    let Some(world) = world().await else { return };
    world.create_log_group().await;
    let done = world.submit(job("done-1")).await;
    let stream = world.describe(&done).await.extra.and_then(|extra| extra.log_stream_name).expect("a stream");
    world.create_log(&stream).await;
    world.write_log(&stream, "noted by done-1").await;
    let waits = world.submit_waiting("waits-1").await;
    let house = house_at(&world.moto.endpoint());
    let mut console = open(&house, 80, 24);

    // What AWS does not tell is a dash, and nothing speaks of an engine.
    console.wait_for("-/16");
    console.wait_for("main");
    assert!(!console.screen().contains("engine"), "{}", console.screen());

    // A waiting job cannot be moved; what one can do instead is offered.
    console.type_text("3s");
    console.wait_for("waits-1");
    console.type_text("p");
    console.wait_for("AWS cannot move a waiting job");
    console.wait_for("priority of main");
    console.press(Key::Esc);
    console.wait_gone("AWS cannot move a waiting job");

    // It is cancelled for a reason, which AWS keeps.
    console.type_text("x");
    console.wait_for("Cancel waits-1");
    console.wait_for("batchdeck --context aws cancel");
    console.type_text("wrong bucket");
    console.keys("tab tab tab enter");
    assert_eq!(until_status(&world, &waits, JobStatus::Failed).await.as_deref(), Some("wrong bucket"));
    console.wait_for("[waiting 0]");

    // Jobs by state, all of one, its log.
    console.type_text("s");
    console.wait_for("[failed 1]");
    console.wait_for("wrong bucket");
    console.type_text("s");
    console.wait_for("[succeeded 1]");
    console.wait_for("noted by done-1");
    world.write_log(&stream, "and one more line").await;
    console.press(Key::Enter);
    console.wait_for("▸ job done-1");
    console.wait_for(done.as_str());
    console.wait_for("and one more line");
    console.type_text("q");

    // The queue is moved.
    console.wait_for("overview");
    console.type_text("1p");
    console.wait_for("Priority of the queue main");
    console.press(Key::Ctrl('u'));
    console.type_text("44");
    console.press(Key::AltEnter);
    console.wait(" the queue's new priority", |screen| screen.contains(" 44 ● on"));
    assert_eq!(world.backend.job_queues().await.expect("lists")[0].priority, 44);

    // A job from the form.
    console.type_text("n");
    console.wait_for("Submit a job");
    console.keys("tab tab");
    console.type_text("from-the-form");
    console.wait_for("batchdeck --context aws submit --queue main");
    console.press(Key::AltEnter);
    console.wait_gone("Submit a job");
    console.wait_for("✔ submitted from-the-form");
    let named = JobQuery { name: Some("from-the-form".into()), ..JobQuery::default() };
    assert_eq!(world.backend.jobs(named).await.expect("lists").items.len(), 1);

    // A schedule needs a role on AWS; it is made, run by hand, paused and deleted.
    console.type_text("S");
    console.wait_for("schedules");
    console.type_text("n");
    console.wait_for("New schedule");
    console.type_text("tick");
    console.press(Key::Tab);
    console.type_text("rate(1 hour)");
    console.press(Key::AltEnter);
    console.wait_for("AWS submits the job as a role: give its ARN");
    // The cursor stands where something is amiss.
    console.type_text(&world.moto.create_role("scheduler"));
    console.press(Key::AltEnter);
    console.wait_gone("New schedule");
    console.wait(" the schedule in its list", |screen| screen.contains("tick") && screen.contains("rate(1 hour)"));
    console.type_text("r");
    console.wait_for("Run tick now");
    console.press(Key::Enter);
    console.wait_gone("Run tick now");
    console.type_text("p");
    console.wait_for("Pause the schedule tick");
    console.press(Key::Enter);
    console.wait_for("paused");
    let deadline = Instant::now() + PATIENCE;
    while world.backend.schedule_runs("default", "tick").await.expect("lists").len() != 1 {
        assert!(Instant::now() < deadline, "its run by hand is never seen");
    }
    console.type_text("x");
    console.wait_for("Delete the schedule tick");
    console.keys("tab enter");
    console.wait_for("no schedules yet");

    // What was done is on record.
    console.type_text("A");
    for action in ["SubmitJob", "UpdateJobQueue", "CancelJob", "CreateSchedule", "UpdateSchedule", "DeleteSchedule"] {
        console.wait_for(action);
    }
    console.type_text("qq");
    assert_eq!(console.wait_end().exit_code(), 0);
    assert!(console.is_restored());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_dies_is_told_with_the_age_of_what_is_shown_and_comes_back_by_itself() {
    let Some(world) = world().await else { return };
    world.submit(job("done-1")).await;
    let mut gate = Gate::to(&world.moto.endpoint());
    gate.shut();
    let house = house_at(&gate.endpoint());

    // Nothing was ever known: nothing is said to be.
    let mut console = house.open(&["--context", "aws", "--write"], 200, 60);
    console.wait_for("aws cannot be reached");
    console.wait_for("Connection refused");
    assert!(!console.screen().contains("what was known"), "{}", console.screen());
    gate.open();
    console.wait_for("aws ok · polled");
    console.wait_for("main");

    console.type_text("D");
    console.wait_for("busybox");
    console.type_text("q");
    console.wait_for("overview");

    gate.shut();
    console.wait_for("aws gone · data is");
    console.wait_for("main");
    console.type_text("n");
    console.wait_for("Submit a job");
    console.press(Key::AltEnter);
    console.wait_for("cannot be reached: Connection refused.");
    assert!(!console.screen().contains("engine"), "{}", console.screen());
    console.press(Key::Esc);

    gate.open();
    console.wait_for("aws ok · polled");
    world.submit(job("after")).await;
    console.type_text("3sss");
    console.wait_for("after");
    console.wait_gone("cannot be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_context_shows_all_and_changes_nothing() {
    let Some(world) = world().await else { return };
    let house = house_at(&world.moto.endpoint());
    let mut console = house.open(&["--context", "aws", "--read-only"], 80, 24);
    console.wait_for("aws [read-only]");
    console.wait_for("main");
    for (keys, action) in [("n", "submit"), ("1p", "reprioritise"), ("2e", "switch")] {
        console.type_text(keys);
        console.wait_for(&format!("`{action}` is refused: the context `aws` is read-only"));
        assert!(!console.screen().contains("Same by hand"), "{}", console.screen());
    }
    let house = house_at(&world.moto.endpoint()).with_variable("AWS_DEFAULT_REGION", "us-east-1");
    let mut console = house.open(&["--context", "aws"], 80, 24);
    console.wait_for("no compute environment, queue or job is in this account and region");
    console.type_text("i");
    console.wait_for("`begin` is for a local engine");
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_are_turned_to_and_left_again_and_a_profile_starts_read_only() {
    let Some(world) = world().await else { return };
    world.submit_waiting("waits-on-aws").await;
    let house = house_at(&world.moto.endpoint());
    let config = house.path().join("aws-config");
    let profiles = "[profile ops]\nregion = eu-west-1\naws_access_key_id = test\naws_secret_access_key = test\n\
                    [profile nowhere]\nregion = eu-west-1\nsso_session = corp\n\
                    [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = http://127.0.0.1:1/\n";
    std::fs::write(&config, profiles).expect("written");
    let house = house.with_variable("AWS_CONFIG_FILE", &config.display().to_string());
    house.ok(&["init"]);
    let here = house.submit(&["--name", "runs-here", "--", "sleep", "600"]);

    let contexts = house.json(&["contexts"]);
    let line = |name: &str| {
        let all = contexts.as_array().expect("a list");
        all.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("no {name} in {contexts}")).clone()
    };
    assert_eq!((&line("local")["current"], &line("local")["access"]), (&true.into(), &"write".into()));
    assert_eq!((&line("ops")["origin"], &line("ops")["region"]), (&"AWS profile".into(), &"eu-west-1".into()));
    assert_eq!(line("ops")["access"], "read-only until :write");

    let mut console = house.open(&[], 100, 30);
    console.wait_for("runs-here");
    // Without a sign-in one stays, and is told what mends it.
    console.enter(":context nowhere");
    console.wait_for("aws sso login --profile nowhere");
    console.wait_for("still in `local`");
    console.wait_for("runs-here");

    console.type_text("vc");
    console.wait_for("read-only · AWS profile");
    console.enter("ops");
    console.wait_for("ops [read-only] eu-west-1");
    console.wait_for("main");
    console.wait_gone("runs-here");
    console.type_text("3s");
    console.wait_for("waits-on-aws");
    console.type_text("x");
    console.wait_for("the context `ops` is read-only until `:write`");
    console.enter(":write");
    console.wait_gone("[read-only]");
    console.type_text("x");
    console.wait_for("batchdeck --context ops cancel");
    console.press(Key::Esc);
    console.wait_gone("batchdeck --context ops cancel");

    console.enter(":context local");
    console.wait_for("in the context `local`");
    console.wait_for("runs-here");
    console.wait_gone("waits-on-aws");
    // What was allowed once is asked for again.
    console.enter(":context ops");
    console.wait_for("ops [read-only]");
    console.type_text("q");
    assert_eq!(console.wait_end().exit_code(), 0);

    // A verb that is typed means it; what the config says holds for verbs too.
    let config = "[contexts.prod]\nbackend = 'aws'\nprofile = 'ops'\nread-only = true\n";
    std::fs::write(house.path().join("config.toml"), config).expect("written");
    let refused = house.run(&["--context", "prod", "queues", "disable", "main"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the context `prod` is read-only"), "{refused:?}");
    house.ok(&["terminate", &here, "--reason", "over"]);
}
