//! What a job on AWS has used, as Container Insights has it: all of it, a part, nothing yet, nothing at all, and not for
//! who asks. In each the job's screen and the verb say what is so and what to do.

use crate::aws::played::{Answer, Asked, Played};
use crate::console_aws::house_at;
use crate::support::{House, Key};
use serde_json::{Value, json};

const JOB: &str = "00000000-0000-4000-8000-00000000000a";
const STARTED: u64 = 1_700_000_000_000;
const MINUTE: u64 = 60_000;
const GROUP: &str = "/aws/ecs/containerinsights/spot_Batch_1/performance";

/// A job of ten minutes, and a log group that answers as it is told to.
fn service(insights: fn() -> Answer) -> Played {
    Played::new(move |asked| play(asked, insights))
}

fn play(asked: &Asked, insights: fn() -> Answer) -> Answer {
    let row = json!({"jobId": JOB, "jobName": "solve", "status": "SUCCEEDED", "createdAt": STARTED,
        "startedAt": STARTED, "stoppedAt": STARTED + 10 * MINUTE,
        "jobArn": format!("arn:aws:batch:eu-west-1:1:job/{JOB}")});
    let mut whole = row.clone();
    whole["jobQueue"] = json!("arn:aws:batch:eu-west-1:1:job-queue/main");
    whole["container"] = json!({"taskArn": "arn:aws:ecs:eu-west-1:1:task/spot_Batch_1/0a1b", "exitCode": 0,
        "resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "4096"}]});
    let status = asked.body["jobStatus"].as_str();
    Answer::Json(match asked.line.as_str() {
        "POST /v1/describejobqueues" => json!({"jobQueues": [{"jobQueueName": "main", "priority": 1,
            "jobQueueArn": "arn:aws:batch:eu-west-1:1:job-queue/main", "state": "ENABLED", "status": "VALID"}]}),
        "POST /v1/describecomputeenvironments" => json!({"computeEnvironments": []}),
        "POST /v1/describejobdefinitions" => json!({"jobDefinitions": []}),
        "POST /v1/listjobs" if status.is_none_or(|status| status == "SUCCEEDED") => json!({"jobSummaryList": [row]}),
        "POST /v1/listjobs" => json!({"jobSummaryList": []}),
        "POST /v1/describejobs" => json!({"jobs": [whole]}),
        "POST /" if asked.body["logGroupName"] == GROUP => {
            let pattern = asked.body["filterPattern"].as_str().unwrap_or_default();
            assert!(pattern.contains(r#"$.TaskId = "0a1b""#), "{pattern}");
            return insights();
        }
        _ => json!({"Schedules": []}),
    })
}

/// The lines of a task of these minutes.
fn lines(minutes: &[u64]) -> Answer {
    let line = |minute: &u64| {
        let (at, memory) = (STARTED + minute * MINUTE, 1_000 + 100 * minute);
        let told = json!({"Type": "Task", "TaskId": "0a1b", "Timestamp": at, "CpuUtilized": 512.0,
            "MemoryUtilized": memory});
        json!({"timestamp": at, "message": told.to_string(), "logStreamName": "FargateTelemetry-1"})
    };
    Answer::Json(json!({"events": minutes.iter().map(line).collect::<Vec<Value>>()}))
}

/// What the job's screen and the verb say, whatever the width at which their words are broken into lines.
fn is_said(insights: fn() -> Answer, words: &[&str], exit: i32) {
    let service = service(insights);
    let house = house_at(&service.endpoint());
    let flat = |text: &str| text.split(|letter: char| letter.is_whitespace() || letter == '│').collect::<String>();
    let said = |text: &str| words.iter().all(|words| flat(text).contains(&flat(words)));
    // On a wide screen the log stands beside.
    let left =
        |screen: &str| screen.lines().map(|line| line.chars().take(100).collect()).collect::<Vec<String>>().concat();

    let output = house.run(&["--context", "aws", "usage", JOB]);
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said(&told), "{words:?} of\n{told}");
    assert_eq!(output.status.code(), Some(exit), "{told}");

    for (columns, rows) in [(80, 40), (200, 60)] {
        on_screen(&house, columns, rows, &format!("{words:?}"), &|screen| said(&left(screen)));
    }
}

fn on_screen(house: &House, columns: u16, rows: u16, what: &str, said: &dyn Fn(&str) -> bool) {
    let mut console = house.open(&["--context", "aws"], columns, rows);
    console.wait_for("aws ok");
    console.type_text(&format!(":job {JOB}"));
    console.press(Key::Enter);
    console.wait_for("▸ job solve");
    console.wait(what, said);
}

#[test]
fn the_figures_of_each_minute_are_charts_with_what_was_asked_for_and_where_they_are_from() {
    is_said(
        || lines(&[1, 2, 3, 4, 5, 6, 7, 8, 9]),
        &["at most 0.50 of 2 vCPU", "of 4.0G", "22:14:20 to 22:22:20 · Container Insights of the cluster spot_Batch_1"],
        0,
    );
}

#[test]
fn of_few_minutes_it_is_said_how_few() {
    is_said(|| lines(&[1, 2, 9]), &["at most 0.50 of 2 vCPU", "which counted 3 of its 10 minutes"], 0);
}

#[test]
fn where_no_line_is_of_the_job_it_is_said_why_that_may_be() {
    is_said(
        || lines(&[]),
        &["no figures: Container Insights of the cluster spot_Batch_1 has none of it; it counts once a minute"],
        0,
    );
}

#[test]
fn where_nothing_is_counted_the_command_that_makes_it_count_is_said() {
    is_said(
        || Answer::Refusal(400, "ResourceNotFoundException", "The specified log group does not exist."),
        &[
            "Container Insights counts nothing in the cluster spot_Batch_1",
            "aws ecs update-cluster-settings --cluster spot_Batch_1",
        ],
        1,
    );
}

#[test]
fn who_may_not_read_the_figures_is_told_which_permission_is_missing_and_what_gives_it() {
    is_said(
        || {
            Answer::Refusal(
                400,
                "AccessDeniedException",
                "User: ann is not authorized to perform: logs:FilterLogEvents",
            )
        },
        &["the permission logs:FilterLogEvents is missing", "batchdeck doctor --policy read"],
        1,
    );
}
