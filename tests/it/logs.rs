//! Long logs in the console: the real program in a pseudo-terminal, on a real engine.

use crate::aws::{job, world};
use crate::both::{Side, on_both};
use crate::console_aws::house_at;
use crate::support::{House, Key};
use batchdeck::backend::Backend;
use batchdeck::backend::log_search::SearchLog;
use batchdeck::model::{FilterLogEvents, LogPattern, Way};
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
    console.enter(":jobs all");
    console.wait_for("talks");
    console.type_text("l");
    console.wait_for("line 2999999 is even");

    // The last hit first, its number as soon as all are counted; then back, and round.
    console.enter("/odd");
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
    console.enter("/nowhere");
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
    console.enter("&99999 is");
    console.wait_for("line 2899999 is even");
    console.press(Key::Esc);
    console.wait_for("line 2999998 is even");
    console.type_text("qqq");
    assert!(console.wait_end().success());
}

on_both!(a_log_is_piped_to_a_command_and_opened_in_a_pager_and_the_console_comes_back,);

fn a_log_is_piped_to_a_command_and_opened_in_a_pager_and_the_console_comes_back(side: Side) {
    let house = House::new().with_variable("PAGER", "sh -c 'wc -l < $0; echo seen by the pager; read -r _'");
    let house = side.furnish(house, &[]);
    let job = house.submit(&["--name", "talks", "--", "seq", "1", "4000"]);
    house.until_status(&job, "SUCCEEDED");
    let mut console = house.open(&[], 80, 24);
    console.wait_for(side.is_well());
    console.enter(":jobs all");
    console.wait_for("talks");
    console.type_text("l");
    console.wait_for("3999");

    console.enter("|grep -c 7");
    console.wait_for("Enter goes back to the console");
    console.wait_for("1084");
    console.press(Key::Enter);
    console.wait_for(side.is_well());
    console.wait_for("3999");

    console.type_text("vv");
    console.wait_for("seen by the pager");
    console.wait_for("4000");
    // What ends the program ends the program alone.
    console.press(Key::Ctrl('c'));
    console.wait_for(side.is_well());

    console.enter("oall.log");
    console.wait_for("saved 4,000 lines to");
    console.type_text("qqq");
    assert!(console.wait_end().success());
    assert!(console.is_restored());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_aws_a_stream_is_searched_by_the_service_and_several_are_read_as_one() {
    let Some(world) = world().await else { return };
    world.create_log_group().await;
    let begin = chrono::Utc::now().timestamp_millis() - 3_600_000;
    for (number, stream) in ["one", "two"].into_iter().enumerate() {
        world.create_log(stream).await;
        let line = |at: i64| {
            let text = if at % 1_000 == 7 { "a Needle in" } else { "hay of" };
            (begin + at * 100 + i64::try_from(number).expect("few"), format!("{text} line {at}"))
        };
        world.write_lines(stream, (0..4_000).map(line)).await;
    }
    let search = |typed: &str, way, edge, first| SearchLog {
        group: None,
        stream: "one".into(),
        since: None,
        pattern: LogPattern::parse(typed).expect("sound").expect("a pattern"),
        keep: None,
        way,
        from: None,
        edge,
        first,
    };
    let found = async |typed: &str, way, edge: Option<(i64, usize)>| {
        let told = world.backend.search_log(search(typed, way, edge, true)).await.expect("it is searched");
        told.found.map(|(page, at)| page.events[at].message.clone())
    };
    for typed in ["Needle", "needle", "/N.edle"] {
        let after = |at: i64, seen: usize| Some((begin + at * 100, seen));
        assert_eq!(found(typed, Way::Forward, None).await.as_deref(), Some("a Needle in line 7"), "{typed}");
        let next = found(typed, Way::Forward, after(7, 1)).await;
        assert_eq!(next.as_deref(), Some("a Needle in line 1007"), "{typed}");
        assert_eq!(found(typed, Way::Back, None).await.as_deref(), Some("a Needle in line 3007"), "{typed}");
        assert_eq!(found(typed, Way::Forward, after(3_007, 1)).await, None, "{typed}");
        let told = world.backend.search_log(search(typed, Way::Back, after(2_007, 1), false)).await.expect("counted");
        assert_eq!((told.hits, told.is_end), (2, true), "{typed}");
    }
    let request = FilterLogEvents {
        log_stream_names: vec!["one".into(), "two".into()],
        start_time: Some(begin + 300_000),
        limit: Some(4),
        ..FilterLogEvents::default()
    };
    let page = world.backend.filter_log_events(request).await.expect("read");
    let streams: Vec<&str> = page.events.iter().map(|event| event.log_stream_name.as_str()).collect();
    assert_eq!((streams, page.next_token.is_some()), (vec!["one", "two", "one", "two"], true));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_on_aws_goes_to_hits_in_a_log_and_says_why_there_is_none() {
    let Some(world) = world().await else { return };
    world.create_log_group().await;
    let done = world.submit(job("talks")).await;
    let stream = world.describe(&done).await.extra.and_then(|extra| extra.log_stream_name).expect("a stream");
    let house = house_at(&world.moto.endpoint());
    let mut console = house.open(&["--context", "aws"], 80, 24);
    console.wait_for("aws ok");
    console.enter(":jobs all");
    console.wait_for("talks");
    console.type_text("l");
    console.wait_for("its log stream does not exist");
    console.type_text("q");
    let now = chrono::Utc::now().timestamp_millis();
    world.create_log(&stream).await;
    let line = |at: i64| {
        (now - (4_000 - at) * 100, format!("{} {at}", if at == 77 { "a Needle in line" } else { "hay of line" }))
    };
    world.write_lines(&stream, (0..4_000).map(line)).await;
    console.press(Key::Ctrl('r'));
    console.type_text("l");
    console.wait_for("hay of line 3999");
    console.enter("/Needle");
    console.wait_for("a Needle in line 77");
    console.wait_for("/Needle 1 of 1");
    console.type_text("qqq");
    assert!(console.wait_end().success());
}
