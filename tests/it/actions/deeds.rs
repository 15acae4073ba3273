//! Everything that changes the world, from an empty screen on; where AWS has no call for it, that is said.

use super::walk::Walk;
use crate::both::{Side, on_both};
use crate::support::House;
use batchdeck::tui::action::Action::{self, *};
use serde_json::Value;
use std::fs;

#[rustfmt::skip]
pub const PRESSED: &[Action] = &[
    Begin, Choose, DeleteSchedule, EditBackspace, EditClear, EditDelete, EditDeleteWord, EditEnd, EditHome, EditJson,
    EditLeft, EditRight, ForgetTemplate, Hold, Interrupt, Maximum, Move, NewSchedule, NextField, PauseSchedule, PreviousField,
    Quit, Reprioritise, Rerun, Resubmit, RunCommand, RunSchedule, SaveTemplate, ScrollDown, ScrollUp, Send, Shell,
    Stop, Submit, Switch, TakeBack, Template, TryAgain,
];

on_both!(everything_that_changes_the_world_is_done_or_said_to_be_none_of_this_service);

const CONFIG: &str = "[console]\ngrace-seconds = 0\n[commands.note]\nlabel = 'note it'\n\
                      command = 'echo {job_name} > noted'\nconfirm = false\npause = false\n";

fn everything_that_changes_the_world_is_done_or_said_to_be_none_of_this_service(side: Side) {
    let editor = "f() { sed -i 's/\"jobName\": \"long\"/\"jobName\": \"longer\"/' \"$1\"; }; f";
    let house = side.bare(House::new().with_variable("EDITOR", editor), CONFIG);
    let mut walk = Walk::open(side, &house);
    begin(&mut walk, &house);
    let longer = submit(&mut walk, &house);
    waiting(&mut walk, &house);
    queues(&mut walk, &house);
    running(&mut walk, &house, &longer);
    again(&mut walk);
    schedules(&mut walk, &house);
    let audit = house.json(&["audit"]).to_string();
    for action in ["SubmitJob", "UpdateJobQueue", "TerminateJob", "CreateSchedule", "DeleteSchedule", "RunCommand"] {
        assert!(audit.contains(action), "{action}: {audit}");
    }
    assert!(audit.contains("note, exit 0: echo longer > noted"), "{audit}");
    walk.end(PRESSED);
}

fn begin(walk: &mut Walk, house: &House) {
    if walk.side == Side::Engine {
        walk.sees("i creates a compute environment");
    }
    walk.told(Begin, "Begin on this machine", "`begin` is for a local engine");
    if walk.side == Side::Engine {
        walk.brings("enter", "✔ created environment");
    } else {
        house.ok(&["--context", "local", "init"]);
        walk.leave("`begin` is for");
    }
    Side::queue(house, "high", "100");
    walk.sees("high");
    walk.sees("default");
    // What was made elsewhere is read when one looks.
    walk.brings("D", "host:1");
    walk.brings("q", "1 Queues");
}

/// A job from the form, whose fields are filled in every way that there is.
fn submit(walk: &mut Walk, house: &House) -> String {
    walk.brings("1 G", "▸ default");
    walk.press(Submit, "Submit a job");
    // The definition may not have been read yet.
    walk.sees("host:1");
    walk.tap(NextField);
    walk.sees("▸ Definition");
    walk.press(Choose, "host · true");
    walk.keys("enter");
    walk.gone("host · true");
    walk.tap(NextField);
    walk.sees("▸ Name");
    walk.press(PreviousField, "▸ Definition");
    walk.keys("tab \"bc\"");
    for (edit, typed, value) in [(EditHome, "a", "abc"), (EditEnd, "d", "abcd"), (EditLeft, "X", "abcXd")] {
        walk.tap(edit);
        walk.brings(&format!("\"{typed}\""), &format!("--name {value}"));
    }
    walk.tap(EditRight);
    walk.brings("\"Y\"", "--name abcXdY");
    walk.ends(EditBackspace, "abcXdY");
    walk.keys("home");
    walk.ends(EditDelete, "abcXd");
    walk.keys("end");
    walk.ends(EditDeleteWord, "bcXd");
    walk.keys("\"gone-soon\"");
    walk.ends(EditClear, "gone-soon");
    walk.brings("\"long\" tab \"sleep 600\"", "--name long ");
    walk.press(EditJson, "--name longer");
    walk.press(SaveTemplate, "save the form as");
    walk.brings("\"fix\" enter", "saved as fix");
    walk.tap(Send);
    walk.gone("Submit a job");
    walk.sees("✔ submitted longer");
    let jobs = house.json(&["jobs", "--name", "longer"]);
    let id = jobs[0]["jobId"].as_str().expect("an id").to_owned();
    house.until_status(&id, "RUNNING");
    walk.press(Template, "Submit from a template");
    walk.brings("enter", "from the template fix");
    walk.leave("from the template fix");
    walk.line(ForgetTemplate, "fix", "forgot the template fix");
    id
}

fn waiting(walk: &mut Walk, house: &House) {
    let jobs: Vec<String> =
        (0..10).map(|at| house.submit(&["--name", &format!("waits-{at}"), "--vcpus", "64", "--", "true"])).collect();
    house.until_status(&jobs[9], "RUNNABLE");
    walk.brings(": \"jobs waiting name=waits-0\" enter", "▸ ◌ waits-0");
    walk.told(Hold, "Hold waits-0", "`hold` is for a local engine");
    if walk.side == Side::Engine {
        walk.keys("\"later\" alt-enter");
        house.until("it is held", &["job", &jobs[0]], |job| job["extra"]["held"] == true);
        walk.gone("Hold waits-0");
    } else {
        walk.leave("`hold` is for");
    }
    walk.told(Move, "Move waits-0", "AWS cannot move a waiting job");
    if walk.side == Side::Engine {
        walk.keys("\"high\" alt-enter");
        let is_there = |job: &Value| job["jobQueue"].as_str().is_some_and(|queue| queue.ends_with("/high"));
        house.until("it is in high", &["job", &jobs[0]], is_there);
    } else {
        walk.leave("AWS cannot move");
    }
    walk.brings(": \"jobs waiting\" enter", "[waiting 10]");
    walk.brings("*", "10 marked");
    walk.press(Stop, "1-8 of 10");
    walk.press(ScrollDown, "3-10 of 10");
    walk.looks(ScrollUp, "1-8 of 10");
    walk.leave("10 marked");
}

fn queues(walk: &mut Walk, house: &House) {
    walk.brings("1 g", "▸ high");
    walk.press(Reprioritise, "Priority of the queue high");
    walk.keys("\"33\" alt-enter");
    until_queue(house, |queue| queue["priority"] == 33);
    walk.gone("Priority of the queue high");
    walk.press(Switch, "Disable the queue high");
    walk.brings("\"night\" tab tab tab enter", "○ off");
    // What is refused is tried again once nothing is in its way.
    walk.brings("n", "Submit a job");
    walk.brings("alt-enter", "✖ submit host");
    until_queue(house, |queue| queue["state"] == "DISABLED");
    house.ok(&["--context", "local", "queues", "enable", "high"]);
    until_queue(house, |queue| queue["state"] == "ENABLED");
    walk.press(TryAgain, "the rest is done too");
}

/// Waits until the queue is so, and may be changed again.
fn until_queue(house: &House, good: impl Fn(&Value) -> bool) {
    house.until("the queue is so", &["--context", "local", "queues"], |all| {
        let mut all = all.as_array().into_iter().flatten();
        all.any(|queue| queue["jobQueueName"] == "high" && queue["status"] == "VALID" && good(queue))
    });
}

fn running(walk: &mut Walk, house: &House, longer: &str) {
    walk.brings(": \"jobs running name=longer\" enter", "▸ ● longer");
    walk.brings("enter", "▸ job longer");
    walk.tap(Shell);
    if walk.side == Side::Engine {
        walk.gone("▸ job longer");
        walk.brings("\"exit\" enter", "▸ job longer");
    } else {
        walk.sees("no shell by ECS Exec for longer");
        walk.leave("no shell by ECS");
    }
    walk.line_silent(RunCommand, "note");
    let noted = house.path().join("noted");
    walk.console.wait("what the command wrote", |_| fs::read_to_string(&noted).is_ok_and(|text| text == "longer\n"));
    house.until("it is on the record", &["audit"], |audit| audit.to_string().contains("RunCommand"));
    walk.sees("▸ job longer");

    walk.brings(": \"environment local\" enter", "▸ environment local");
    if walk.side == Side::Engine {
        walk.sees("▸ ● i-");
    }
    walk.looks(Maximum, "Maximum of the compute environment local");
    walk.told(Interrupt, "Interrupt i-", "`interrupt` is for a local engine");
    if walk.side == Side::Engine {
        walk.brings("tab \"drill\" tab tab tab enter", "vCPU noticed i-");
    } else {
        walk.leave("`interrupt` is for");
    }
    walk.brings(": \"job longer\" enter", "▸ job longer");
    walk.brings("x", "Terminate longer");
    walk.keys("\"over\" tab tab tab enter");
    assert_eq!(house.until_status(longer, "FAILED")["statusReason"], "over");
    walk.sees("u submits the same again");
    walk.looks(TakeBack, "Submit longer again");
}

fn again(walk: &mut Walk) {
    walk.brings(": \"jobs failed\" enter", "▸ ✖ longer");
    walk.looks(Resubmit, "Submit longer again");
    walk.brings("E", "Failures · 24 h");
    walk.sees("host:1");
    walk.looks(Rerun, "Submit longer again");
}

fn schedules(walk: &mut Walk, house: &House) {
    walk.brings("S", "no schedules yet");
    walk.press(NewSchedule, "New schedule");
    walk.keys("\"tick\" tab \"rate(1 hour)\" alt-enter");
    if walk.side == Side::Aws {
        walk.sees("AWS submits the job as a role: give its ARN");
        walk.keys("\"arn:aws:iam::123456789012:role/scheduler\" alt-enter");
    }
    walk.gone("New schedule");
    walk.sees("rate(1 hour)");
    walk.press(RunSchedule, "Run tick now");
    walk.keys("enter");
    house
        .until("a run by hand", &["jobs", "--name", "tick"], |jobs| jobs.as_array().is_some_and(|all| !all.is_empty()));
    walk.gone("Run tick now");
    walk.press(PauseSchedule, "Pause the schedule tick");
    walk.keys("enter");
    walk.gone("Pause the schedule");
    walk.sees("paused");
    walk.press(DeleteSchedule, "Delete the schedule tick");
    walk.brings("tab enter", "no schedules yet");
}
