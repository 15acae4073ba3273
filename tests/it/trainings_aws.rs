//! Service jobs of AWS as they are submitted, and as their logs are read: each instance of a training writes a stream of its
//! own, which nothing but its training job's name tells.

use crate::aws::played::{Answer, Asked, Played};
use crate::console_aws::house_at;
use crate::support::{Following, House, Key};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const TRAINING: &str = "00000000-0000-4000-8000-00000000000b";
const CREATED: u64 = 1_700_000_000_000;
const GROUP: &str = "/aws/sagemaker/TrainingJobs";

/// What the training has come to.
#[derive(Debug, Clone, Default)]
struct Course {
    /// What the first instance has printed, and what the second one has.
    printed: [Vec<&'static str>; 2],
    is_over: bool,
    /// Nobody may list streams.
    is_closed: bool,
}

#[derive(Clone, Default)]
struct Training(Arc<Mutex<Course>>);

impl Training {
    fn service(&self) -> Played {
        let training = self.clone();
        Played::new(move |asked| play(asked, &training.now()))
    }

    fn now(&self) -> Course {
        self.0.lock().expect("the lock is sound").clone()
    }

    fn turn(&self, change: impl FnOnce(&mut Course)) {
        change(&mut self.0.lock().expect("the lock is sound"));
    }
}

fn stream(instance: usize) -> String {
    format!("fit-7/algo-{}-1700000000", instance + 1)
}

fn play(asked: &Asked, course: &Course) -> Answer {
    let mut job = json!({
        "jobId": TRAINING, "jobName": "fit", "jobArn": format!("arn:aws:batch:eu-west-1:1:service-job/{TRAINING}"),
        "serviceJobType": "SAGEMAKER_TRAINING", "createdAt": CREATED, "startedAt": CREATED + 1_000, "status": "RUNNING",
        "jobQueue": "arn:aws:batch:eu-west-1:1:job-queue/train", "serviceRequestPayload": "{}", "attempts": [],
        "capacityUsage": [{"capacityUnit": "ml.m5.large", "quantity": 2.0}], "isTerminated": false,
    });
    let resource = json!({"name": "TrainingJobArn", "value": "arn:aws:sagemaker:eu-west-1:1:training-job/fit-7"});
    job["latestAttempt"] = json!({"serviceResourceId": resource.clone()});
    if course.is_over {
        (job["status"], job["stoppedAt"]) = (json!("SUCCEEDED"), json!(CREATED + 9_000));
        job["attempts"] = json!([{"startedAt": CREATED + 1_000, "stoppedAt": CREATED + 9_000,
            "serviceResourceId": resource}]);
    }
    let status = asked.body["jobStatus"].as_str();
    Answer::Json(match asked.line.as_str() {
        "POST /v1/describejobqueues" => json!({"jobQueues": [{"jobQueueName": "train", "priority": 1,
            "jobQueueArn": "arn:aws:batch:eu-west-1:1:job-queue/train", "state": "ENABLED", "status": "VALID",
            "jobQueueType": "SAGEMAKER_TRAINING"}]}),
        "POST /v1/describecomputeenvironments" => json!({"computeEnvironments": []}),
        "POST /v1/describejobdefinitions" => json!({"jobDefinitions": []}),
        "POST /v1/listjobs" => json!({"jobSummaryList": []}),
        "POST /v1/listservicejobs" => {
            let is_asked = status.is_none_or(|status| job["status"] == status);
            json!({"jobSummaryList": if is_asked { vec![job] } else { Vec::new() }})
        }
        "POST /v1/describeservicejob" if asked.body["jobId"] == TRAINING => job,
        "POST /v1/describejobs" => json!({"jobs": []}),
        "POST /v1/submitservicejob" => json!({"jobId": TRAINING, "jobName": "fit", "jobArn": job["jobArn"]}),
        "POST /" if asked.body["logStreamName"].is_string() => return lines(&asked.body, course),
        "POST /" if asked.body["logStreamNamePrefix"] == "fit-7/" => return streams(&asked.body, course),
        _ => json!({"Schedules": []}),
    })
}

fn streams(asked: &Value, course: &Course) -> Answer {
    assert_eq!(asked["logGroupName"], GROUP);
    if course.is_closed {
        let message = "User: ann is not authorized to perform: logs:DescribeLogStreams";
        return Answer::Refusal(400, "AccessDeniedException", message);
    }
    let printing = (0..2).filter(|at| !course.printed[*at].is_empty());
    let streams: Vec<_> = printing.map(|at| json!({"logStreamName": stream(at)})).collect();
    Answer::Json(json!({"logStreams": streams}))
}

/// A page of a stream; a token is the number of a line.
fn lines(asked: &Value, course: &Course) -> Answer {
    assert_eq!(asked["logGroupName"], GROUP, "it is of no other group");
    let at = (0..2).find(|at| asked["logStreamName"] == stream(*at).as_str());
    let Some(printed) = at.map(|at| &course.printed[at]).filter(|printed| !printed.is_empty()) else {
        return Answer::Refusal(400, "ResourceNotFoundException", "The specified log stream does not exist.");
    };
    let token = asked["nextToken"].as_str().unwrap_or("f/0");
    let from = match token.split_once('/') {
        Some(("f", from)) => from.parse().expect("a token of ours"),
        _ => printed.len(),
    };
    let line = |(number, line): (usize, &&str)| json!({"timestamp": CREATED + 2_000 + number as u64, "message": line, "ingestionTime": CREATED});
    let events: Vec<_> = printed.iter().enumerate().skip(from).map(line).collect();
    let forward = format!("f/{}", printed.len());
    Answer::Json(json!({"events": events, "nextForwardToken": forward, "nextBackwardToken": "b/0"}))
}

fn on_aws<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["--context", "aws"], arguments].concat()
}

fn refused(house: &House, arguments: &[&str]) -> String {
    let output = house.run(arguments);
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_training_is_submitted_from_a_file_and_its_instances_logs_are_printed_and_followed() {
    let training = Training::default();
    let service = training.service();
    let house = house_at(&service.endpoint());
    let payload = "{\n  \"TrainingJobName\": \"fit\"\n}\n";
    std::fs::write(house.path().join("train.json"), payload).expect("written");
    let submit = ["submit", "--queue", "train", "--payload", "train.json", "--attempts", "2", "--priority", "7"];
    assert_eq!(house.ok(&on_aws(&submit)), format!("{TRAINING}\n"));
    let asked = service.asked().into_iter().find(|asked| asked.line == "POST /v1/submitservicejob").expect("is sent");
    let mut body = asked.body;
    assert!(body["clientToken"].take().is_string());
    assert_eq!(
        body,
        json!({"jobName": "fit", "jobQueue": "train", "serviceRequestPayload": payload, "clientToken": null,
            "serviceJobType": "SAGEMAKER_TRAINING", "schedulingPriority": 7, "retryStrategy": {"attempts": 2}})
    );

    let why = refused(&house, &on_aws(&["logs", TRAINING]));
    assert!(why.contains("its training job fit-7 has printed nothing yet"), "{why}");

    training.turn(|course| course.printed = [vec!["epoch 1", "epoch 2"], vec!["waits for algo-1"]]);
    assert_eq!(house.ok(&on_aws(&["logs", TRAINING])), "epoch 1\nepoch 2\n");
    let first = house.run(&on_aws(&["logs", TRAINING]));
    let note = String::from_utf8_lossy(&first.stderr);
    assert!(note.contains("the log of algo-1; algo-2 has a log too: `--container algo-2`"), "{note}");
    assert_eq!(house.ok(&on_aws(&["logs", TRAINING, "--container", "algo-2"])), "waits for algo-1\n");
    let all = house.ok(&on_aws(&["logs", TRAINING, "--all-attempts"]));
    assert!(all.contains("attempt 1 algo-1 │ epoch 2") && all.contains("attempt 1 algo-2 │ waits for algo-1"), "{all}");

    let following = Following::begin(&house, &on_aws(&["logs", "-f", TRAINING]));
    assert_eq!(following.next().as_deref(), Some("epoch 1"));
    assert_eq!(following.next().as_deref(), Some("epoch 2"));
    training.turn(|course| course.printed[0].push("epoch 3"));
    assert_eq!(following.next().as_deref(), Some("epoch 3"));
    training.turn(|course| {
        course.printed[0].push("done");
        course.is_over = true;
    });
    assert_eq!(following.next().as_deref(), Some("done"));
    assert_eq!(following.next(), None, "it ends with the job");
}

#[test]
fn the_console_shows_a_training_s_log_as_soon_as_it_prints_and_each_instance_s_by_choice() {
    let training = Training::default();
    let service = training.service();
    let house = house_at(&service.endpoint());
    let mut console = house.open(&["--context", "aws"], 120, 40);
    console.wait_for("aws ok");
    console.type_text(&format!(":job {TRAINING}"));
    console.press(Key::Enter);
    console.wait_for("fit-7 has printed nothing yet");

    training.turn(|course| course.printed[0].push("epoch 1 of the first"));
    console.wait_for("epoch 1 of the first");
    training.turn(|course| course.printed[1].push("epoch 1 of the second"));
    training.turn(|course| course.printed[0].push("epoch 2 of the first"));
    console.wait_for("epoch 2 of the first");
    console.type_text("l");
    console.wait("the log alone", |screen| screen.contains("epoch 2 of the first") && !screen.contains("ml.m5.large"));
    // Of one alone the title names none.
    console.wait_for("algo-1");
    console.type_text("L");
    console.wait_for("algo-2");
    console.type_text("algo-2");
    console.press(Key::Enter);
    console.wait_for("epoch 1 of the second");
    console.wait_gone("epoch 2 of the first");
}

#[test]
fn who_may_not_list_the_streams_of_a_training_is_told_so_and_what_reads_its_log() {
    let training = Training::default();
    training.turn(|course| course.is_closed = true);
    let service = training.service();
    let house = house_at(&service.endpoint());
    let why = refused(&house, &on_aws(&["logs", TRAINING]));
    assert!(why.contains("the permission logs:DescribeLogStreams is missing"), "{why}");
    assert!(why.contains(&format!("aws logs tail {GROUP} --log-stream-name-prefix fit-7 --follow")), "{why}");
    assert_eq!(house.json(&on_aws(&["job", TRAINING]))["status"], "RUNNING");

    let mut console = house.open(&["--context", "aws"], 120, 40);
    console.wait_for("aws ok");
    console.type_text(&format!(":job {TRAINING}"));
    console.press(Key::Enter);
    let flat = |screen: &str| screen.split_whitespace().collect::<String>();
    console.wait("what is missing", |screen| flat(screen).contains("logs:DescribeLogStreamsismissing"));
}

#[test]
fn a_queue_of_containers_of_the_engine_takes_no_service_job_and_says_so() {
    let house = House::new();
    house.ok(&["init"]);
    std::fs::write(house.path().join("train.json"), "{}").expect("written");
    let why = refused(&house, &["submit", "--queue", "default", "--payload", "train.json"]);
    assert!(why.contains("submitting train.json: JobQueue default is for container jobs"), "{why}");
}
