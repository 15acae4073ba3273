//! The console as a person uses it: the real program in a pseudo-terminal, on a real engine.

use crate::both::{Side, on_both};
use crate::support::{House, Key, Terminal, kill_hard};
use std::fs;

/// A job that says who it is and runs until the file is there.
fn waiting_for(house: &House, file: &str) -> String {
    format!(
        "echo noted by $AWS_BATCH_JOB_ID; while [ ! -e {} ]; do sleep 0.05; done",
        house.path().join(file).display()
    )
}

/// Opens the console on a house in which `init` was done.
fn open(side: Side, house: &House) -> Terminal {
    let terminal = house.open(&[], 80, 24);
    terminal.wait_for(side.is_well());
    terminal
}

#[test]
fn the_whole_walk_from_an_empty_screen_to_a_schedule() {
    let house = House::new();
    let mut console = house.open(&[], 80, 24);

    // Nothing is there: the screen says which key changes that.
    console.wait_for("i creates");
    console.type_text("i");
    console.wait_for("Create them");
    console.press(Key::Enter);
    console.wait_for("✔ created environment");

    // A job from the form; its log follows as lines come.
    console.type_text("n");
    console.wait_for("Submit a job");
    console.keys("tab tab");
    console.type_text("first");
    console.press(Key::Tab);
    console.type_text(&format!("sh -c '{}'", waiting_for(&house, "go")));
    console.press(Key::AltEnter);
    console.wait_for("noted by");
    console.wait_for("RUNNING");

    // Drill into it and come back.
    console.enter("3");
    console.wait_for("job first");
    console.wait_for("host:1");
    console.type_text("q");
    console.wait_for("overview");

    // A form says what is wrong while one types.
    console.type_text("n");
    console.wait_for("Submit a job");
    console.keys("tab tab");
    console.type_text("not a name");
    console.wait_for("1 to 128");
    console.press(Key::Esc);
    console.wait_gone("Submit a job");

    // A waiting job overtakes.
    let first = house.json(&["jobs"])[0]["jobId"].as_str().expect("an id").to_owned();
    let waits = house.submit(&["--name", "waits", "--depends-on", &first, "--", "true"]);
    console.type_text("3s");
    console.wait_for("[waiting");
    console.wait_for("waits");
    console.type_text("p");
    console.wait_for("riority");
    console.press(Key::Ctrl('u'));
    console.type_text("77");
    console.press(Key::AltEnter);
    house.until("its priority", &["job", &waits], |job| job["extra"]["priority"] == 77);

    // Two are marked and ended, each by the call that its state asks for, for a reason that stays.
    console.type_text("sss");
    console.wait_for("[all");
    console.wait_for("first");
    console.type_text("*x");
    console.wait_for("terminate");
    console.wait_for("cancel");
    console.type_text("wrong bucket");
    console.wait_for("--reason 'wrong bucket'");
    console.keys("tab tab tab enter");
    assert_eq!(house.until_status(&first, "FAILED")["statusReason"], "wrong bucket");
    house.until_status(&waits, "FAILED");
    let audit = house.json(&["audit"]).to_string();
    assert!(
        audit.contains("TerminateJob") && audit.contains("CancelJob") && audit.contains("ReprioritiseJob"),
        "{audit}"
    );

    // A queue is reprioritised.
    console.type_text("1p");
    console.wait_for("riority");
    console.press(Key::Ctrl('u'));
    console.type_text("33");
    console.press(Key::AltEnter);
    house.until("the queue's priority", &["queues"], |queues| queues[0]["priority"] == 33);

    // A schedule, whose next times are shown as one types.
    console.type_text("S");
    console.wait_for("schedules");
    console.type_text("n");
    console.wait_for("New schedule");
    console.type_text("tick");
    console.press(Key::Tab);
    console.type_text("cron(30 2 ? * MON-FRI");
    console.wait(" the error of a torn expression", |screen| screen.contains("cron(") && screen.contains("rate("));
    console.type_text(" *)");
    console.wait(" five times", |screen| screen.matches("02:30").count() >= 5);
    console.press(Key::AltEnter);
    console.wait_gone("New schedule");
    console.wait_for("tick");
    let schedule = house.json(&["schedule", "list"])[0].to_string();
    assert!(schedule.contains("cron(30 2 ? * MON-FRI *)"), "{schedule}");
    console.type_text("p");
    console.wait_for("Pause the schedule tick");
    console.press(Key::Enter);
    house.until("a pause", &["schedule", "list"], |list| list.to_string().contains("DISABLED"));
    console.wait_for("paused");
    console.type_text("p");
    console.wait_for("Resume the schedule tick");
    console.press(Key::Enter);
    house.until("a resumption", &["schedule", "list"], |list| list.to_string().contains("ENABLED"));
    console.wait_gone("Resume the schedule");
    console.type_text("r");
    console.wait_for("Run tick now");
    console.press(Key::Enter);
    house.until("a run by hand", &["jobs", "--name", "tick"], |jobs| {
        jobs.as_array().is_some_and(|jobs| jobs.len() == 1)
    });
    console.wait_gone("Run tick now");
    console.type_text("x");
    console.wait_for("Delete the schedule tick");
    console.keys("tab enter");
    house.until("no schedule", &["schedule", "list"], |list| list.as_array().is_some_and(Vec::is_empty));

    // Help, palette, theme, filter.
    console.type_text("?");
    console.wait_for("Keys");
    console.press(Key::Esc);
    console.wait_gone("Keys in");
    console.enter(":theme daylight");
    console.enter(":audit");
    console.wait_for("TerminateJob");
    console.enter("/Reprioritise");
    console.wait_gone("TerminateJob");
    console.press(Key::Esc);
    console.wait_for("TerminateJob");

    console.type_text("q");
    console.wait_for("overview");
    console.type_text("q");
    assert!(console.wait_end().success());
    assert!(console.is_restored());
}

#[test]
fn two_consoles_see_the_same_world_and_jobs_outlive_both() {
    let house = House::new();
    house.ok(&["init"]);
    let mut one = open(Side::Engine, &house);
    let mut two = house.open(&[], 200, 60);
    two.wait_for("2 consoles");
    let job = house.submit(&["--name", "shared-sight", "--", "sh", "-c", &waiting_for(&house, "go")]);
    for console in [&one, &two] {
        console.wait_for("shared-sight");
        console.wait_for("noted by");
    }
    one.type_text("q");
    assert!(one.wait_end().success());
    two.hang_up();
    two.wait_end();
    assert_eq!(house.json(&["job", &job])["status"], "RUNNING");
    fs::write(house.path().join("go"), "").expect("writes");
    house.until_status(&job, "SUCCEEDED");
    let again = open(Side::Engine, &house);
    again.wait_for("succeeded 1");
}

#[test]
fn a_console_outlives_the_engine_and_says_how_old_its_sight_is() {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--name", "survivor", "--", "sh", "-c", &waiting_for(&house, "go")]);
    let mut console = open(Side::Engine, &house);
    console.wait_for("survivor");
    house.until_status(&job, "RUNNING");

    kill_hard(house.engine_pid());
    console.wait_for("engine gone");
    console.wait_for("survivor");
    // A key is answered without an engine.
    console.type_text("?");
    console.wait_for("Keys in");
    console.press(Key::Esc);
    console.wait_gone("Keys in");

    // It is started from where one is.
    console.wait_for("ctrl-r starts it again");
    console.press(Key::Ctrl('r'));
    console.wait_for("started the engine (pid");
    console.press(Key::Esc);
    console.wait_for("engine ok");
    fs::write(house.path().join("go"), "").expect("writes");
    console.wait_for("succeeded 1");
    house.until_status(&job, "SUCCEEDED");
}

on_both!(
    the_terminal_is_given_back_after_a_signal_as_after_a_quit,
    a_burst_of_keys_and_sizes_leaves_the_console_whole,
    what_a_job_prints_reaches_no_terminal_as_a_control_sequence,
    no_color_leaves_every_state_readable,
);

fn the_terminal_is_given_back_after_a_signal_as_after_a_quit(side: Side) {
    let house = side.house();
    for signal in ["-TERM", "-HUP", "-INT"] {
        let mut console = open(side, &house);
        let status = std::process::Command::new("kill").args([signal, &console.pid().to_string()]).status();
        assert!(status.expect("kill runs").success());
        console.wait_end();
        assert!(console.is_restored(), "after {signal}");
    }
}

fn a_burst_of_keys_and_sizes_leaves_the_console_whole(side: Side) {
    let house = side.house();
    let mut console = open(side, &house);
    console.type_text(&"jkG".repeat(100));
    for (columns, rows) in [(20, 5), (300, 80), (1, 1), (60, 20), (80, 24)] {
        console.resize(columns, rows);
        console.type_text("\t");
    }
    console.wait_for(side.is_well());
    console.type_text("?");
    console.wait_for("Keys in");
}

fn what_a_job_prints_reaches_no_terminal_as_a_control_sequence(side: Side) {
    let house = side.house();
    house.submit(&["--name", "hostile", "--", "printf", "\\033]0;owned\\007\\033[2Jharmless\\033[31m\\n"]);
    let mut console = open(side, &house);
    console.type_text("ssss");
    console.wait_for("hostile");
    console.wait_for("harmless");
    assert!(!console.has_written(b"\x1b]0;owned"));
}

fn no_color_leaves_every_state_readable(side: Side) {
    let house = side.furnish(House::new().with_variable("NO_COLOR", "1"), &[]);
    house.submit(&["--name", "fails", "--", "false"]);
    let mut console = open(side, &house);
    console.type_text("ssss");
    console.wait_for("FAILED");
    console.wait_for("✖");
    assert!(!console.has_written(b"\x1b[38;"), "a colour was written");
}
