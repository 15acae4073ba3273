//! The engine's mind alone, with ever more jobs that wait: what a step costs, and what a job takes of memory.

use super::report::{Figure, Report, Target, count, median, time};
use batchdeck::engine::load::Backlog;
use batchdeck::model::JobId;
use std::io;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// The argument by which this program measures its own memory, in a process of its own.
pub const MEASURE: &str = "measure-memory";
const SAMPLES: usize = 201;
const ARRAY: u32 = 1_000;
/// Below it the clock and the caches are what is measured.
const FLOOR: Duration = Duration::from_micros(2);

struct Step {
    what: &'static str,
    run: fn(&mut Backlog, &JobId),
    /// How many of it are in one sample.
    times: u32,
}

const STEPS: [Step; 6] = [
    Step {
        what: "submit a job",
        run: |backlog, _| {
            backlog.submit(None);
        },
        times: 1,
    },
    Step {
        what: "submit an array of 1,000, for each child",
        run: |backlog, _| {
            backlog.submit(Some(ARRAY));
        },
        times: ARRAY,
    },
    Step {
        what: "list a page of 100",
        run: |backlog, _| {
            backlog.page();
        },
        times: 1,
    },
    Step {
        what: "snapshot of who is next",
        run: |backlog, _| {
            backlog.snapshot();
        },
        times: 1,
    },
    Step { what: "reprioritise a job", run: |backlog, job| backlog.reprioritise(job, 7), times: 1 },
    Step {
        what: "end a job and dispatch the next",
        run: |backlog, _| {
            backlog.dispatch();
        },
        times: 1,
    },
];

/// Each step at each size, and how the largest stands to the smallest.
pub fn steps(sizes: &[usize], report: &mut Report) {
    report.part("a step with a backlog, in memory: with the largest against with the smallest");
    let mut backlog = Backlog::default();
    let mut waiting = 0;
    let mut costs: Vec<Vec<Duration>> = vec![Vec::new(); STEPS.len()];
    for size in sizes {
        while waiting + 1 < *size {
            backlog.submit(None);
            waiting += 1;
        }
        let last = backlog.submit(None);
        waiting += 1;
        for (step, costs) in STEPS.iter().zip(&mut costs) {
            // Arrays would be a backlog of their own.
            let samples = if step.times > 1 { 7 } else { SAMPLES };
            let sample = |_| {
                let start = Instant::now();
                (step.run)(&mut backlog, &last);
                start.elapsed() / step.times
            };
            costs.push(median((0..samples).map(sample).collect()));
        }
    }
    for (step, costs) in STEPS.iter().zip(costs) {
        let figures: Vec<String> =
            costs.iter().zip(sizes).map(|(cost, size)| format!("{} at {}", time(*cost), count(*size))).collect();
        let at = |cost: Option<&Duration>| Figure::Time(cost.copied().unwrap_or_default().max(FLOOR));
        report.line(step.what, (at(costs.last()), at(costs.first())), Target::AtMost(2.0), &figures.join(", "));
    }
}

/// Bytes of a waiting job, against a kibibyte.
pub fn memory(sizes: &[usize], report: &mut Report) -> io::Result<()> {
    report.part("memory of a waiting job, of 1,024 bytes");
    let most = sizes.last().copied().unwrap_or(1);
    for (kind, what) in [("single", "a job of its own"), ("child", "a child of an array")] {
        let output = Command::new(std::env::current_exe()?).args([MEASURE, kind, &most.to_string()]).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let bytes: f64 = text.trim().parse().map_err(|_| io::Error::other("the memory could not be measured"))?;
        let figures = (Figure::Bytes(bytes), Figure::Bytes(1024.0));
        report.line(what, figures, Target::AtMost(1.0), &format!("{} of them", count(most)));
    }
    Ok(())
}

/// Fills a backlog and prints how much the process has grown by, for each job.
pub fn measure(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let (Some(kind), Some(Ok(jobs))) = (arguments.next(), arguments.next().map(|text| text.parse::<usize>())) else {
        return ExitCode::from(2);
    };
    let mut backlog = Backlog::default();
    let Some(before) = resident() else { return ExitCode::FAILURE };
    if kind == "child" {
        let mut left = jobs;
        while left > 1 {
            let size = left.min(10_000);
            backlog.submit(u32::try_from(size).ok());
            left -= size;
        }
    } else {
        (0..jobs).for_each(|_| {
            backlog.submit(None);
        });
    }
    let Some(after) = resident() else { return ExitCode::FAILURE };
    #[expect(clippy::cast_precision_loss, reason = "bytes and jobs are fewer than 2^52")]
    let each = after.saturating_sub(before) as f64 / jobs as f64;
    println!("{each}");
    ExitCode::SUCCESS
}

/// Bytes of this process that are in memory.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
