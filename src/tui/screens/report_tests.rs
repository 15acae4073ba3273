//! Events, costs and usage: screens of a world that has something to report.

use super::tests::{SMALL, check_in, world};
use crate::backend::scripted::World;
use crate::config::theme::Theme;
use crate::model::{CostReport, CostRow, EventLine, ObservedRuns, Prices, Spread, Usd};
use crate::tui::stage::Stage;

/// The recorded world with events, costs and runs that have used something.
pub(crate) fn reported() -> World {
    let mut world = world();
    let event = |cursor: u64, time: &str, status: &str, name: &str, reason: &str| EventLine {
        cursor,
        event: Some(serde_json::json!({
            "time": time, "detail-type": if status == "BLOCKED" { "Batch Job Queue Blocked" } else { "Batch Job State Change" },
            "detail": { "status": status, "jobId": format!("{cursor:08}-0000-4000-8000-000000000000"), "jobName": name,
                        "jobQueue": "arn:aws:batch:us-east-1:123456789012:job-queue/high", "statusReason": reason,
                        "jobDefinition": "arn:aws:batch:us-east-1:123456789012:job-definition/resize:14" },
        })),
    };
    world.events = vec![
        EventLine { cursor: 6, event: None },
        event(7, "2026-11-24T03:10:02Z", "RUNNING", "resize-4711", ""),
        event(8, "2026-11-24T03:11:40Z", "FAILED", "resize\u{1b}[2J-4712", "Essential container in task exited"),
        event(9, "2026-11-24T03:12:00Z", "BLOCKED", "render-88", "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"),
    ];
    let row = |name: &str, direct: i64, idle: i64| CostRow {
        name: name.to_owned(),
        attempts: 1_204,
        hours: 18.2,
        direct: Usd::from_micros(direct),
        idle_hours: 2.5,
        idle: Usd::from_micros(idle),
        unpriced: Vec::new(),
    };
    world.costs = CostReport {
        estimate: true,
        prices: Prices::default().label(),
        from: Some(world.now - 86_400_000),
        to: world.now,
        rows: vec![row("high", 870_000, 0), row("default", 40_000, 210_000)],
        total: row("", 910_000, 210_000),
        ..CostReport::default()
    };
    let spread = |p50, p95, max| Some(Spread { p50, p95, max });
    let known = world.definitions[0].clone();
    world.observed_runs = vec![ObservedRuns {
        job_definition_name: known.job_definition_name,
        revision: known.revision,
        succeeded: 42,
        failed: 3,
        measured: 45,
        duration: spread(252_000, 300_000, 310_000),
        peak_memory: spread(100, 120, 130),
        cpu: spread(20, 30, 35),
        ..ObservedRuns::default()
    }];
    world
}

fn check_report(name: &str, keys: &str) {
    check_in(&reported(), name, keys);
}

#[test]
fn events_costs_and_usage_are_screens() {
    check_report("events", "v n");
    check_report("cost", "v m");
    check_report("cost_by_environment", "v m o s");
    check_report("usage", "v u");
}

#[test]
fn events_are_filtered_and_open_their_job_and_what_is_lost_is_said() {
    let mut stage = Stage::new(reported(), SMALL, Theme::default());
    stage.press("v n").expect("keys");
    assert!(stage.text().contains("Events · 3+"), "{}", stage.text());
    stage.press("/ \"status=FAILED\" Enter").expect("keys");
    let text = stage.text();
    assert!(text.contains("1 of 3+") && text.contains("4712") && !text.contains("render-88"), "{text}");
    assert!(!text.contains('\u{1b}'));
    stage.press("Enter").expect("keys");
    assert!(stage.text().contains("▸ events ▸ job"), "{}", stage.text());
}

#[test]
fn a_sum_opens_what_it_is_of_and_what_a_service_cannot_tell_is_said() {
    let mut stage = Stage::new(reported(), SMALL, Theme::default());
    stage.press("v m Enter").expect("keys");
    assert!(stage.text().contains("Jobs in high"), "{}", stage.text());
    stage.press("v m s s s s").expect("keys");
    assert!(stage.text().contains("all time"), "{}", stage.text());
    let empty = World { now: world().now, ..World::default() };
    let mut stage = Stage::new(empty, SMALL, Theme::default());
    stage.press("v n").expect("keys");
    assert!(stage.text().contains("nothing has happened that is known still"), "{}", stage.text());
    stage.press("v u").expect("keys");
    assert!(stage.text().contains("no job has run yet"), "{}", stage.text());
}
