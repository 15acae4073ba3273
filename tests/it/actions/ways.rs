//! Finding one's way: every view, every way back and forward, what is copied, saved and handed on.

use super::walk::Walk;
use crate::both::{Side, on_both};
use crate::support::House;
use batchdeck::tui::action::Action::{self, *};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[rustfmt::skip]
pub const PRESSED: &[Action] = &[
    Accept, AllQueues, Back, BackOrQuit, Backward, Before, Bookmark, Bookmarks, Bottom, Cancel, ChooseTheme, Columns,
    Compare, Complete, Context, Copy, CopyOther, CostBy, Describe, Down, Edit, Export, Filter, ForgetView, Forward, GoToView,
    Grow, HalfDown, HalfUp, Handover, Help, LongerSpan, Mark, MarkAll, Mfa, Mouse, NextMatch, NextPane, NextStates, NextTheme,
    Open, OpenDefinition, OpenEnvironment, OpenJob, OpenPage, OpenQueue, Page, PageDown, PageUp, Palette,
    PaneEnvironments, PaneJobs, PaneLog, PaneQueues, PreviousMatch, PreviousPane, PreviousStates, Quit, ReadOnly,
    Refresh, ReverseSort, RootBlocker, SaveView, ShorterSpan, Shrink, Sort, Top, Tree, Up, ViewAudit, ViewCost,
    ViewDefinitions, ViewEvents, ViewFailures, ViewOverview, ViewPulse, ViewSchedules, ViewUsage, Why, Write, Zoom,
];

on_both!(every_view_is_opened_and_left_and_what_is_in_it_copied_saved_and_handed_on);

/// What is written before the whole screen is drawn.
const CLEARED: &[u8] = b"\x1b[2J";

/// A queue beside the first one, two revisions, a job that failed, and a chain behind one that nothing here can hold.
fn house(side: Side) -> House {
    let house = House::new();
    let line = |whose: &str| format!("f() {{ cp \"$1\" {}/seen-by-{whose}; }}; f", house.path().display());
    let (pager, editor) = (line("pager"), line("editor"));
    let browser = house.path().join("browser");
    script(&browser, &format!("echo \"$1\" > {}/browsed", house.path().display()));
    let house = house.with_variable("PAGER", &pager).with_variable("EDITOR", &editor);
    let house = side.furnish(house.with_variable("BROWSER", &browser.display().to_string()), &[]);
    Side::queue(&house, "high", "100");
    for image in ["host", "host2"] {
        let file = house.path().join("pack.json");
        let text = format!(
            r#"{{"jobDefinitionName": "pack", "type": "container", "containerProperties": {{"image": "{image}", "command": ["true"],
            "resourceRequirements": [{{"type": "VCPU", "value": "1"}}, {{"type": "MEMORY", "value": "128"}}]}}}}"#
        );
        fs::write(&file, text).expect("written");
        house.ok(&["--context", "local", "definitions", "register", &file.display().to_string()]);
    }
    let fails = house.submit(&["--name", "fails", "--", "sh", "-c", "echo torn; exit 3"]);
    house.until_status(&fails, "FAILED");
    let waits = house.submit(&["--name", "waits", "--vcpus", "64", "--", "true"]);
    let next = house.submit(&["--name", "next", "--depends-on", &waits, "--", "true"]);
    house.submit(&["--name", "last", "--depends-on", &next, "--", "true"]);
    house.until_status(&waits, "RUNNABLE");
    house
}

fn script(path: &Path, line: &str) {
    fs::write(path, format!("#!/bin/sh\n{line}\n")).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it may be run");
}

fn every_view_is_opened_and_left_and_what_is_in_it_copied_saved_and_handed_on(side: Side) {
    let house = house(side);
    let mut walk = Walk::open(side, &house);
    walk.sees("high");
    walk.sees("failed 1 ");
    panes_and_motions(&mut walk);
    jobs(&mut walk);
    views(&mut walk);
    ways_back(&mut walk);
    handed_on(&mut walk, &house);
    settings(&mut walk);
    walk.end(PRESSED);
}

fn panes_and_motions(walk: &mut Walk) {
    walk.press(PaneQueues, "▸ high");
    for (down, up) in [(Down, Up), (Bottom, Top), (PageDown, PageUp), (HalfDown, HalfUp)] {
        walk.press(down, "▸ default");
        walk.press(up, "▸ high");
    }
    walk.press(NextPane, "▸ local");
    walk.press(PreviousPane, "▸ high");
    walk.press(PaneEnvironments, "▸ local");
    walk.ends(Zoom, "1 Queues");
    walk.press(Zoom, "1 Queues");
    // The log takes keys of its own.
    walk.press(PaneLog, "/ search");
    walk.ends(PaneJobs, "/ search");
    let log_at = |screen: &str| screen.lines().position(|line| line.contains("4 Log"));
    let before = log_at(&walk.console.screen());
    walk.tap(Grow);
    walk.console.wait("more of the jobs", |screen| log_at(screen) > before);
    walk.tap(Shrink);
    walk.console.wait("as much as before", |screen| log_at(screen) == before);
}

fn jobs(walk: &mut Walk) {
    walk.press(NextStates, "[waiting 3]");
    walk.brings("s", "[failed 1]");
    walk.press(PreviousStates, "[waiting 3]");
    walk.press(Sort, "age ↑");
    walk.press(ReverseSort, "age ↓");
    walk.line(Columns, "job queue", "until you leave; in the config: [columns] waiting = [\"job\", \"queue\"]");
    walk.line(Columns, "default", "the columns that fit best");
    walk.press(AllQueues, "Jobs in high");
    walk.ends(AllQueues, "Jobs in high");
    walk.press(Mark, "1 marked");
    walk.ends(Back, "1 marked");
    walk.looks(MarkAll, "3 marked");

    walk.tap(Filter);
    walk.brings("\"nam\"", "/nam");
    walk.press(Complete, "/name=");
    walk.ends(Cancel, "/name=");
    walk.tap(Filter);
    walk.brings("\"nxt\"", "1 of 1");
    walk.tap(Accept);
    walk.gone("Esc leave");
    walk.press(Open, "▸ job next");
    walk.press(Tree, "root blocker waits");
    walk.press(RootBlocker, "▸ └ ◌ waits");
    walk.press(RootBlocker, "▸ job waits");
    walk.press(Why, "▸ why waits");
    walk.ends(BackOrQuit, "▸ why waits");
    walk.press(ViewOverview, "1 Queues");
    walk.leave("/nxt");
}

fn views(walk: &mut Walk) {
    walk.press(ViewSchedules, "no schedules yet");
    walk.press(ViewDefinitions, "pack:2");
    walk.brings("j", "▸ ● pack:2");
    walk.press(Compare, "Compare with");
    walk.brings("enter", "host → host2");
    walk.leave("host → host2");
    walk.press(ViewFailures, "Failures · 24 h");
    walk.press(LongerSpan, "Failures · 7 d");
    walk.press(ShorterSpan, "Failures · 24 h");
    walk.press(ViewPulse, "▸ pulse");
    walk.press(ViewEvents, "▸ events");
    walk.press(ViewCost, "Cost by queue");
    walk.press(CostBy, "Cost by environment");
    walk.press(ViewUsage, "▸ usage");
    walk.press(ViewAudit, "Record of actions");
    walk.press(Backward, "▸ usage");
    walk.press(Forward, "Record of actions");
    walk.line(OpenQueue, "high", "Jobs in high");
    walk.line(OpenEnvironment, "local", "▸ environment local");
    walk.line(OpenDefinition, "pack:1", "▸ pack:1");
    walk.line(OpenJob, "waits", "▸ job waits");
}

fn ways_back(walk: &mut Walk) {
    walk.press(Before, "\"jobDefinitionName\": \"pack\"");
    walk.brings("alt-left", "▸ job waits");
    walk.brings("alt-right", "\"jobDefinitionName\": \"pack\"");
    walk.brings("v o", "1 Queues");
    walk.brings("1", "▸ high");
    walk.press(Bookmark, "bookmark set: queues");
    walk.press(Bookmarks, "Bookmarks and saved views");
    walk.tap(Cancel);
    walk.gone("Bookmarks and saved views");
    walk.line(SaveView, "mine", "saved `queues` as mine");
    walk.ends(PaneJobs, "▸ high");
    walk.line(GoToView, "mine", "▸ high");
    walk.line(ForgetView, "mine", "forgot the view mine");
    walk.press(Palette, "Command");
    walk.press(NextMatch, "▸ view mine");
    walk.press(PreviousMatch, "▸ forget mine");
    walk.leave("Command");
    walk.looks(Help, "Keys in queues");
}

fn handed_on(walk: &mut Walk, house: &House) {
    walk.press(Copy, "copied name: high");
    assert!(walk.console.has_written(b"\x1b]52;c;aGlnaA==\x07"));
    walk.looks(CopyOther, "aws command line");
    walk.looks(Describe, "\"jobQueueName\": \"high\"");
    for (action, whose) in [(Page, "pager"), (Edit, "editor")] {
        walk.tap(action);
        let seen = house.path().join(format!("seen-by-{whose}"));
        walk.console.wait("a copy", |_| fs::read_to_string(&seen).is_ok_and(|text| text.contains("\"high\"")));
        // The terminal is the console's again.
        walk.brings("2", "▸ local");
        walk.brings("1", "▸ high");
    }
    walk.told(OpenPage, "there are no pages on AWS", "copied the address of its page: https://us-east-1.console");
    if walk.side == Side::Aws {
        let browsed = house.path().join("browsed");
        house.until("the browser is told", &["queues"], |_| {
            fs::read_to_string(&browsed).is_ok_and(|page| page.contains("#queues/detail/") && page.ends_with("/high\n"))
        });
    }
    walk.press(Export, "export batchdeck-queues-");
    walk.brings("ctrl-u \"export queues.csv\" enter", "wrote queues.csv");
    let told = fs::read_to_string(house.path().join("queues.csv")).expect("written");
    assert!(told.contains("high"), "{told}");
    walk.press(Handover, "wrote batchdeck-handover-");
}

fn settings(walk: &mut Walk) {
    walk.line(ChooseTheme, "mono", "theme mono");
    walk.ends(NextTheme, "theme mono");
    walk.sees("theme ");
    walk.looks(Context, "┌ Context");
    walk.line(ReadOnly, "", "[read-only]");
    walk.brings("n", "`submit` is refused: the context");
    walk.keys("esc");
    walk.gone("is refused");
    walk.line(Write, "", "actions take effect in");
    walk.gone("[read-only]");
    walk.line(Mfa, "", "no code of an MFA device is asked for");
    walk.line(Mouse, "", "the console's; `:mouse`");
    let drawn = walk.console.times_written(CLEARED);
    walk.tap(Refresh);
    walk.console.wait_written(CLEARED, drawn + 1);
}
