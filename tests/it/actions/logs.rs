//! A log: searched, kept, marked, shown in other ways, by time and by attempt, and written out.

use super::walk::Walk;
use crate::both::{Side, on_both};
use crate::support::House;
use batchdeck::tui::action::Action::{self, *};
use std::fs;

#[rustfmt::skip]
pub const PRESSED: &[Action] = &[
    AllTimes, ChooseLog, Follow, Histogram, Keep, Last15Minutes, Last30Minutes, Last5Minutes, Last6Hours, LastHour,
    LastMinute, Logs, MarkLine, Merge, NextAttempt, NextError, NextHit, NextMark, Pipe, PreviousAttempt, PreviousError,
    PreviousHit, Printed, Quit, SaveLog, Search, Times, Unfold, Wrap,
];

on_both!(a_log_is_searched_kept_marked_turned_and_written_out);

/// Two attempts of a hundred lines each, with an error and a line of JSON among them.
const SCRIPT: &str = "for n in $(seq 1 100); do case $n in 40) echo ERROR number $n is torn;; \
                      50) echo '{\"level\":\"info\",\"msg\":\"unfolded\",\"n\":50}';; \
                      60) echo \"a needle in $n, and $(printf 'so on %.0s' $(seq 1 60)) lastly\";; \
                      *) echo try $AWS_BATCH_JOB_ATTEMPT line $n;; esac; done; exit 3";

fn a_log_is_searched_kept_marked_turned_and_written_out(side: Side) {
    let house = side.furnish(House::new(), &[]);
    let job = house.submit(&["--name", "talks", "--attempts", "2", "--", "sh", "-c", SCRIPT]);
    house.until_status(&job, "FAILED");
    let mut walk = Walk::open(side, &house);
    walk.brings(": \"jobs failed\" enter", "▸ ✖ talks");
    walk.press(Logs, "▸ log");
    walk.sees("try 2 line 100");
    search(&mut walk);
    looks(&mut walk);
    spans(&mut walk);
    attempts(&mut walk);
    hand_on(&mut walk, &house);
    walk.end(PRESSED);
}

fn search(walk: &mut Walk) {
    walk.tap(Search);
    walk.brings("\"/ne+dle|torn\" enter", "2 of 2");
    walk.press(NextHit, "1 of 2");
    walk.looks(PreviousHit, "2 of 2");
    walk.brings("g", "try 2 line 1 ");
    walk.gone("ERROR number 40");
    walk.press(NextError, "ERROR number 40");
    walk.brings("G", "line 100");
    walk.gone("ERROR number 40");
    walk.press(PreviousError, "ERROR number 40");
    walk.tap(Keep);
    walk.brings("\"needle\" enter", "&needle");
    walk.gone("line 99");
    walk.leave("&needle");
    walk.sees("line 61");
}

fn looks(walk: &mut Walk) {
    walk.brings("g", "try 2 line 1 ");
    walk.press(MarkLine, "◆try 2 line 1 ");
    walk.brings("G", "line 100");
    walk.press(NextMark, "try 2 line 2 ");
    walk.press(Times, "times in UTC");
    walk.press(Unfold, "lines of JSON as they are");
    walk.press(Printed, "the colours that the job printed");
    walk.press(Histogram, " a bar");
    walk.ends(Histogram, " a bar");
    walk.brings("& \"needle\" enter", "&needle");
    walk.press(Wrap, "lastly");
    walk.leave("&needle");
    walk.sees("line 61");
    walk.brings("G", "· ended");
    walk.ends(Follow, "· ended");
    walk.press(Follow, "· ended");
}

fn spans(walk: &mut Walk) {
    walk.press(LastMinute, "last 1m");
    walk.press(Last5Minutes, "last 5m");
    walk.press(Last15Minutes, "last 15m");
    walk.press(Last30Minutes, "last 30m");
    walk.press(LastHour, "last 1h");
    walk.press(Last6Hours, "last 6h");
    walk.ends(AllTimes, "last 6h");
    walk.sees("try 2 line 100");
}

fn attempts(walk: &mut Walk) {
    walk.press(PreviousAttempt, "try 1 line 100");
    walk.press(NextAttempt, "try 2 line 100");
    walk.press(ChooseLog, "attempt 1");
    walk.brings("\"attempt 1\" enter", "try 1 line 100");
    walk.press(Merge, "attempts as one");
    walk.press(Merge, "one log alone");
}

fn hand_on(walk: &mut Walk, house: &House) {
    walk.press(SaveLog, "save to");
    walk.brings("ctrl-u \"all.log\" enter", "saved 100 lines to all.log");
    let text = fs::read_to_string(house.path().join("all.log")).expect("saved");
    assert!(text.contains("a needle in 60"), "{text}");
    walk.tap(Pipe);
    walk.brings("\"wc -l\" enter", "100 [Enter goes back to the console]");
    walk.brings("enter", "▸ log");
}
