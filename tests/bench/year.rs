//! A year of a fleet in simulated time: how long jobs wait in each queue, and how well instances are used.

use super::Plan;
use super::program::Outcome;
use super::report::{Figure, Report, Target, count};
use batchdeck::engine::year::{Figures, Plan as Fleet, simulate};
use std::time::Instant;

pub fn year(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let small = Fleet { hosts: 100, jobs: 10_000, days: 7, ..Fleet::default() };
    let usual = if plan.quick { small } else { Fleet::default() };
    let fleet = Fleet {
        hosts: plan.hosts.unwrap_or(usual.hosts),
        jobs: plan.jobs.unwrap_or(usual.jobs),
        days: plan.days.unwrap_or(usual.days),
        seed: plan.seed,
        ..usual
    };
    report.part(&format!(
        "a fleet of {} hosts of 16 vCPUs, {} jobs in {} days, seed {}, simulated",
        counted(fleet.hosts),
        counted(fleet.jobs),
        fleet.days,
        fleet.seed
    ));
    let start = Instant::now();
    let figures = simulate(&fleet)?;
    let took = start.elapsed();
    tell(&fleet, &figures, report);
    #[expect(clippy::cast_precision_loss, reason = "jobs are fewer than 2^52")]
    let (ended, jobs) = ((figures.succeeded + figures.failed) as f64, fleet.jobs as f64);
    let detail = format!("{} events in {:.1} s", counted(figures.events), took.as_secs_f64());
    report.line("jobs that ended, of all", (Figure::Count(ended), Figure::Count(jobs)), Target::AtLeast(1.0), &detail);
    Ok(())
}

fn tell(fleet: &Fleet, figures: &Figures, report: &mut Report) {
    for queue in &figures.queues {
        report.note(&format!(
            "wait in {:<9} median {:>9}, p95 {:>9}, p99 {:>9}, most {:>9}, of {} jobs",
            queue.name,
            span(queue.median),
            span(queue.p95),
            span(queue.p99),
            span(queue.most),
            counted(queue.jobs)
        ));
    }
    report.note(&format!(
        "instances are used to {} while they are there, the fleet to {}; {} launched, {} at once at most",
        percent(figures.used, figures.provided),
        percent(figures.used, figures.possible),
        counted(figures.launched),
        counted(figures.peak)
    ));
    report.note(&format!(
        "{} Spot interruptions of {} an hour in a thousand; {} attempts lost with their host and tried again; {} jobs \
         failed by themselves",
        counted(figures.interrupted),
        fleet.interruptions_milli,
        counted(figures.lost),
        counted(figures.failed)
    ));
}

fn counted(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "for a person to read")]
fn percent(part: u64, of: u64) -> String {
    format!("{:.1} %", part as f64 * 100.0 / of.max(1) as f64)
}

/// 5400 seconds as 1:30 h.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3_600, seconds % 3_600 / 60),
    }
}
