//! Acting from the console in the real program: taking back, trying again, commands of one's own, a shell in a job,
//! templates.

use crate::both::{Side, on_both};
use crate::support::{House, Key, Terminal};
use serde_json::json;
use std::fs;

fn house(config: &str) -> House {
    let house = House::new();
    fs::write(house.path().join("config.toml"), config).expect("written");
    house.ok(&["init"]);
    house
}

fn open(house: &House) -> Terminal {
    let console = house.open(&[], 120, 36);
    console.wait_for("engine ok");
    console
}

on_both!(
    a_stop_is_taken_back_then_meant_and_its_job_submitted_again,
    of_many_jobs_the_number_is_typed_before_they_are_hit,
    what_is_refused_of_many_calls_is_listed_and_tried_again_alone,
);

fn open_on(side: Side, house: &House) -> Terminal {
    let console = house.open(&[], 120, 36);
    console.wait_for(side.is_well());
    console
}

fn confirm_stop(console: &mut Terminal, reason: &str, ticket: &str) {
    console.type_text("x");
    console.wait_for("Ticket");
    console.type_text(reason);
    console.press(Key::Tab);
    console.type_text(ticket);
    console.keys("tab tab enter");
}

fn a_stop_is_taken_back_then_meant_and_its_job_submitted_again(side: Side) {
    let house = side.furnish_with(House::new(), &[], "[console]\ngrace-seconds = 3\n");
    let job = house.submit(&["--name", "long", "--", "sleep", "600"]);
    house.until_status(&job, "RUNNING");
    let mut console = open_on(side, &house);
    console.wait_for("long");
    console.type_text("3");
    confirm_stop(&mut console, "wrong bucket", "OPS-311");
    console.wait_for("terminate long · u takes it back");
    // Leaving says what would be left undone.
    console.press(Key::Ctrl('c'));
    console.wait_for("not sent yet: terminate long");
    console.type_text("u");
    console.wait_for("taken back, nothing was sent: terminate long");
    assert_eq!(house.json(&["job", &job])["status"], "RUNNING");
    assert!(!house.json(&["audit"]).to_string().contains("TerminateJob"));

    confirm_stop(&mut console, "wrong bucket", "OPS-311");
    console.wait_for("u takes it back");
    console.wait_for("u submits the same again");
    assert_eq!(house.until_status(&job, "FAILED")["statusReason"], "wrong bucket [OPS-311]");
    let audit = house.json(&["audit"]).to_string();
    assert!(audit.contains("wrong bucket [OPS-311]"), "{audit}");
    console.type_text("u");
    console.wait_for("Submit long again");
    console.press(Key::AltEnter);
    house.until("a second one", &["jobs", "--name", "long"], |jobs| jobs.as_array().is_some_and(|all| all.len() == 2));
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
    assert!(console.is_restored());
}

fn of_many_jobs_the_number_is_typed_before_they_are_hit(side: Side) {
    let house = side.furnish_with(House::new(), &[], "[console]\ngrace-seconds = 0\ntype-count-from = 2\n");
    let jobs = ["one", "two"].map(|name| house.submit(&["--name", name, "--", "sleep", "600"]));
    for job in &jobs {
        house.until_status(job, "RUNNING");
    }
    let mut console = open_on(side, &house);
    console.wait_for("two");
    console.wait_for("one");
    console.type_text("3*x");
    console.wait_for("How many");
    console.wait_for("2 TerminateJob");
    console.type_text("over");
    console.keys("tab tab tab tab enter");
    console.wait_for("type 2: so many jobs are hit");
    // The cursor stands where something is amiss.
    console.type_text("2");
    console.keys("tab tab enter");
    for job in &jobs {
        house.until_status(job, "FAILED");
    }
}

fn what_is_refused_of_many_calls_is_listed_and_tried_again_alone(side: Side) {
    let house = side.furnish_with(House::new(), &[], "[console]\ngrace-seconds = 0\n");
    let local = |arguments: &[&str]| house.ok(&[&["--context", "local"], arguments].concat());
    Side::queue(&house, "second", "5");
    for queue in ["default", "second"] {
        let job = house.submit(&["--name", &format!("fails-in-{queue}"), "--queue", queue, "--", "false"]);
        house.until_status(&job, "FAILED");
    }
    let mut console = open_on(side, &house);
    console.enter(":jobs failed");
    console.wait_for("fails-in-default");
    console.wait_for("fails-in-second");
    console.type_text("*");
    console.wait_for("2 marked");
    console.type_text("R");
    console.wait_for("Submit again: 2 jobs");
    local(&["queues", "disable", "second"]);
    console.press(Key::AltEnter);
    console.wait_for("Not done: 1 of 2");
    console.wait_for("✖ fails-in-second: ");
    console.wait_for("r tries these again, and nothing else");
    let count = |name: &str| house.json(&["jobs", "--name", name]).as_array().map_or(0, Vec::len);
    assert_eq!((count("fails-in-default"), count("fails-in-second")), (2, 1));
    local(&["queues", "enable", "second"]);
    console.type_text("r");
    console.wait_for("the rest is done too");
    assert_eq!((count("fails-in-default"), count("fails-in-second")), (2, 2));
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
}

#[test]
fn a_command_of_ones_own_runs_on_the_row_and_nothing_in_the_row_runs() {
    let house = house(
        "[commands.note]\nlabel = 'note why'\ncommand = 'printf %s {reason} > noted; echo done'\nkey = 'X'\n\
         views = ['jobs', 'job']\nread-only = true\n",
    );
    let hostile = "$(touch pwned) `touch pwned`; touch pwned '\" *";
    let job = house.submit(&["--name", "long", "--", "sleep", "600"]);
    house.until_status(&job, "RUNNING");
    house.ok(&["terminate", &job, "--reason", hostile]);
    house.until_status(&job, "FAILED");
    let mut console = house.open(&["--read-only"], 120, 36);
    console.wait_for("engine ok");
    console.enter(":jobs failed");
    console.wait_for("long");
    console.type_text("?");
    console.wait_for("note why");
    console.press(Key::Esc);
    console.wait_gone("note why");
    console.type_text("X");
    console.wait_for("ROW_JOB_NAME=long");
    console.press(Key::Enter);
    console.wait_for("[Enter goes back to the console]");
    console.press(Key::Enter);
    console.wait_for("engine ok");
    assert_eq!(fs::read_to_string(house.path().join("noted")).expect("it ran"), hostile);
    assert!(!house.path().join("pwned").exists());
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
    assert!(console.is_restored());
}

#[test]
fn a_config_with_a_command_that_is_wrong_says_where() {
    let house = House::new();
    let config = "\n[commands.note]\nlabel = 'x'\ncommand = 'ls {jobid}'\n";
    fs::write(house.path().join("config.toml"), config).expect("written");
    let refused = house.run(&["jobs"]);
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && text.contains("config.toml:2: [commands.note]: `{jobid}`"), "{text}");
}

#[test]
fn a_shell_is_opened_where_a_job_runs_with_what_the_job_was_given() {
    let house = house("");
    let job = house.submit(&["--name", "long", "--env", "COLOUR=teal", "--", "sleep", "600"]);
    house.until_status(&job, "RUNNING");
    let mut console = open(&house);
    console.wait_for("long");
    console.enter("3");
    console.wait_for("▸ job long");
    console.type_text("s");
    let seen = house.path().join("seen");
    // What is typed before the shell reads is kept for it by the terminal.
    console.wait_gone("▸ job long");
    console.enter(&format!("echo \"$AWS_BATCH_JOB_ID $COLOUR $PWD\" > {}; exit", seen.display()));
    console.wait_for("▸ job long");
    let seen = fs::read_to_string(seen).expect("the shell ran");
    let work = house.data().join("work").canonicalize().expect("it is there");
    assert!(seen.starts_with(&format!("{job} teal {}", work.display())), "{seen}");
    assert_eq!(house.json(&["job", &job])["status"], "RUNNING", "the job goes on");

    let told = house.ok(&["shell", &job, "--", "sh", "-c", "echo $COLOUR"]);
    assert_eq!(told, "teal\n");
    house.ok(&["terminate", &job, "--reason", "over"]);
    house.until_status(&job, "FAILED");
    let refused = house.run(&["shell", &job]);
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains("it is FAILED, and a shell needs a job that runs"), "{text}");
    console.type_text("s");
    console.wait_for("long is FAILED: there is a shell only where a job runs");
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
}

/// Where a container runtime was set up for the tests; without one this does nothing, and says so.
#[test]
fn a_shell_is_opened_in_the_container_of_a_job() {
    let Some(house) = House::with_containers() else { return };
    let job = house.submit_boxed(json!({
        "command": ["sh", "-c", "trap exit TERM; sleep 600 & wait"],
        "environment": [{"name": "COLOUR", "value": "teal"}],
    }));
    let mut console = open(&house);
    console.wait_for("boxed");
    console.enter("3");
    console.wait_for("▸ job boxed");
    console.type_text("s");
    console.wait_gone("▸ job boxed");
    // `busybox` has these; this machine's root does not look so.
    console.enter("echo \"<$COLOUR $(readlink /bin/ls)>\"; test -e /etc/passwd || echo no-pass''wd");
    console.wait_for("<teal busybox>");
    console.wait_for("no-passwd");
    console.enter("exit");
    console.wait_for("▸ job boxed");
    assert_eq!(house.json(&["job", &job])["status"], "RUNNING", "the job goes on");
    house.until("it is on the record", &["audit"], |audit| audit.to_string().contains("shell, exit 0"));
    house.ok(&["terminate", &job, "--reason", "over"]);
    house.until_status(&job, "FAILED");
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
}

#[test]
fn a_form_is_saved_as_a_template_and_opened_again_in_another_console() {
    let house = house("");
    let mut console = open(&house);
    console.type_text("n");
    console.wait_for("Submit a job");
    console.keys("tab tab");
    console.type_text("nightly-fix");
    console.press(Key::Tab);
    console.type_text("echo again");
    console.press(Key::F4);
    console.wait_for("save the form as");
    console.enter("fix");
    console.wait_for("saved as fix");
    console.press(Key::Esc);
    console.wait_gone("Submit a job");
    console.press(Key::Ctrl('c'));
    console.wait_end();
    let mut console = open(&house);
    console.type_text("N");
    console.wait_for("Submit from a template");
    console.press(Key::Enter);
    console.wait_for("from the template fix");
    console.wait_for("nightly-fix");
    console.press(Key::AltEnter);
    house.until("the job", &["jobs", "--name", "nightly-fix"], |jobs| jobs[0]["status"] == "SUCCEEDED");
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
}

#[test]
fn the_mouse_selects_and_scrolls_where_it_is_asked_for_and_is_given_back() {
    let house = house("[console]\nmouse = true\n");
    house.ok(&["queues", "create", "second", "--environments", "local"]);
    let mut console = open(&house);
    console.wait_for("second");
    assert!(console.has_written(b"\x1b[?1000h"));
    let row = console.screen().lines().position(|line| line.contains("second")).expect("its row") + 1;
    console.type_text(&format!("\x1b[<0;6;{row}M\x1b[<0;6;{row}m"));
    console.wait_for("▸ second");
    console.type_text("\x1b[<64;6;3M");
    console.wait_for("▸ default");
    console.enter(":mouse");
    console.wait_for("the mouse is the terminal's");
    assert!(console.has_written(b"\x1b[?1000l"));
    console.enter(":mouse");
    console.wait_for("the console's; `:mouse`");
    let before = console.written().len();
    console.press(Key::Ctrl('c'));
    assert!(console.wait_end().success());
    let after = console.written()[before..].to_vec();
    assert!(after.windows(8).any(|part| part == b"\x1b[?1000l"), "it is given back");
    assert!(console.is_restored());
    let other = self::house("");
    let plain = open(&other);
    assert!(!plain.has_written(b"\x1b[?1000h"), "it is the terminal's unless it is asked for");
}
