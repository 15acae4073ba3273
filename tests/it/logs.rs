//! Long logs in the console: the real program in a pseudo-terminal, on a real engine.

use crate::support::{House, Key};
use std::fmt::Write as _;
use std::fs;

const LINES: u64 = 3_000_000;

/// A job that has ended, with a log of millions of lines, its last one a minute old.
fn house_with_long_log() -> House {
    let house = House::new();
    house.ok(&["init"]);
    let job = house.submit(&["--name", "talks", "--", "echo", "hello"]);
    let told = house.until_status(&job, "SUCCEEDED");
    let stream = told["container"]["logStreamName"].as_str().expect("a stream").to_owned();
    let end = told["stoppedAt"].as_i64().expect("a time");
    let mut text = String::new();
    for number in 0..LINES {
        let word = if number % 1_000_000 == 500_000 { "odd" } else { "even" };
        let at = end - i64::try_from(LINES - number).expect("a time");
        let _ = writeln!(text, "{at} line {number} is {word}");
    }
    fs::write(house.data().join(format!("logs/{stream}.log")), text).expect("written");
    house
}

#[test]
fn a_log_of_millions_of_lines_is_searched_walked_and_filtered_and_keys_are_answered_meanwhile() {
    let house = house_with_long_log();
    let mut console = house.open(&[], 80, 24);
    console.wait_for("engine ok");
    console.type_text(":jobs all");
    console.press(Key::Enter);
    console.wait_for("talks");
    console.type_text("l");
    console.wait_for("line 2999999 is even");

    // The last hit first, its number as soon as all are counted; then back, and round.
    console.type_text("/odd");
    console.press(Key::Enter);
    console.wait_for("line 2500000 is odd");
    console.wait_for("/odd 3 of 3");
    console.wait_for("line 2499999 is even");
    console.type_text("N");
    console.wait_for("line 1500000 is odd");
    console.wait_for("2 of 3");
    console.type_text("N");
    console.wait_for("line 500000 is odd");
    console.type_text("N");
    console.wait_for("goes on from the last line");
    console.wait_for("line 2500000 is odd");

    // A look for what stands nowhere is left by a key, and other keys are answered while it goes on.
    console.type_text("/nowhere");
    console.press(Key::Enter);
    console.type_text("?");
    console.wait_for("Keys in");
    console.press(Key::Esc);
    console.wait_gone("Keys in");
    console.wait_for("no line of the log holds `nowhere`");
    console.press(Key::Esc);
    console.wait_gone("/nowhere");

    // Both ends, and what a filter leaves.
    console.type_text("g");
    console.wait_for("line 0 is even");
    console.type_text("G");
    console.wait_for("line 2999999 is even");
    console.type_text("&99999 is");
    console.press(Key::Enter);
    console.wait_for("line 2899999 is even");
    console.press(Key::Esc);
    console.wait_for("line 2999998 is even");
    console.type_text("qqq");
    assert!(console.wait_end().success());
}
