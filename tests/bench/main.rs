//! What the engine costs beside what the machine can do: `tests/bench/run.sh`. How to read it is in README.md here.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a report on the terminal is what it is for")]

mod backlog;
mod console;
mod faults;
mod latency;
mod log;
mod machine;
mod others;
mod program;
mod report;
mod terminal;
mod year;

use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Usage: tests/bench/run.sh [--quick] [--dir DIR] [--sizes N,N,…] [PART]...

Parts: backlog, memory, submit, restart, latency, dispatch, console, log, faults, year; all if none is named.

  --quick      small sizes and no targets: whether it works, not how fast it is
  --dir DIR    where the engine's data goes, and the files that the raw limits are measured with
  --sizes      jobs that wait, instead of 10000,100000,1000000
  --json FILE  where the figures go, for programs
  --seconds N  how long `faults` strikes; a minute if not said, ten: 600
  --seed N     in which order it does, and which story `year` tells
  --hosts N    how large a fleet is in `year`: 10000 if not said
  --jobs N     how many jobs it gets: 10000000 if not said; in `faults` 5000
  --consoles N how many consoles and watchers look on in `faults`: 12 if not said
  --lines N    how long a log is looked at in `log`: 10000000 if not said
  --days N     in so many days: 365 if not said
  --program P  another build of batchdeck, for the parts that run it

It fails where a target is missed.
";

/// What was asked for.
struct Plan {
    sizes: Vec<usize>,
    quick: bool,
    directory: PathBuf,
    json: Option<PathBuf>,
    program: PathBuf,
    parts: Vec<String>,
    seconds: Option<u64>,
    seed: u64,
    hosts: Option<u64>,
    jobs: Option<u64>,
    days: Option<u64>,
    lines: Option<u64>,
    consoles: Option<usize>,
}

const PARTS: [&str; 10] =
    ["backlog", "memory", "submit", "restart", "latency", "dispatch", "console", "log", "faults", "year"];

impl Plan {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut plan = Self {
            sizes: vec![10_000, 100_000, 1_000_000],
            quick: false,
            directory: std::env::temp_dir(),
            json: None,
            program: env!("CARGO_BIN_EXE_batchdeck").into(),
            parts: Vec::new(),
            seconds: None,
            seed: 1,
            hosts: None,
            jobs: None,
            days: None,
            lines: None,
            consoles: None,
        };
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo's own word to a benchmark.
                "--bench" => {}
                "--quick" => {
                    plan.quick = true;
                    plan.sizes = vec![200, 1_000];
                }
                "--dir" => plan.directory = arguments.next().ok_or("--dir takes a directory")?.into(),
                "--json" => plan.json = Some(arguments.next().ok_or("--json takes a file")?.into()),
                "--program" => plan.program = arguments.next().ok_or("--program takes a file")?.into(),
                "--seconds" => plan.seconds = Some(number(arguments.next(), "--seconds")?),
                "--seed" => plan.seed = number(arguments.next(), "--seed")?,
                "--hosts" => plan.hosts = Some(number(arguments.next(), "--hosts")?.max(4)),
                "--jobs" => plan.jobs = Some(number(arguments.next(), "--jobs")?.max(1)),
                "--consoles" => {
                    plan.consoles = Some(usize::try_from(number(arguments.next(), "--consoles")?).unwrap_or(1).max(1));
                }
                "--lines" => plan.lines = Some(number(arguments.next(), "--lines")?.max(1_000)),
                "--days" => plan.days = Some(number(arguments.next(), "--days")?.max(1)),
                "--sizes" => {
                    let sizes = arguments.next().ok_or("--sizes takes numbers")?;
                    let sizes: Result<Vec<usize>, _> = sizes.split(',').map(str::parse).collect();
                    plan.sizes = sizes.map_err(|_| "--sizes takes numbers, as 10000,100000")?;
                }
                part if PARTS.contains(&part) => plan.parts.push(argument),
                _ => return Err(format!("`{argument}` is not understood\n\n{HELP}")),
            }
        }
        if plan.sizes.is_empty() || plan.sizes.contains(&0) {
            return Err("--sizes takes numbers above 0".to_owned());
        }
        plan.sizes.sort_unstable();
        Ok(plan)
    }

    /// How often what other work on the machine disturbs is measured; the best counts.
    fn rounds(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    fn most(&self) -> usize {
        self.sizes.last().copied().unwrap_or(1)
    }

    fn has(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|named| named == part)
    }
}

fn number(given: Option<String>, option: &str) -> Result<u64, String> {
    given.and_then(|text| text.parse().ok()).ok_or_else(|| format!("{option} takes a number"))
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == backlog::MEASURE) {
        return backlog::measure(arguments.skip(1));
    }
    let plan = match Plan::read(arguments) {
        Ok(plan) => plan,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::new(machine::name(&plan.directory), !plan.quick);
    match run(&plan, &mut report) {
        Ok(()) if report.missed > 0 => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("the benchmark could not go on: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(plan: &Plan, report: &mut Report) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if plan.has("backlog") {
        backlog::steps(&plan.sizes, report);
    }
    if plan.has("memory") {
        backlog::memory(&plan.sizes, report)?;
    }
    if plan.has("submit") || plan.has("restart") {
        program::submit_and_restart(plan, report)?;
    }
    if plan.has("latency") {
        latency::latency(plan, report)?;
    }
    if plan.has("dispatch") {
        program::dispatch(plan, report)?;
    }
    if plan.has("console") {
        console::console(plan, report)?;
    }
    if plan.has("log") {
        log::log(plan, report)?;
    }
    if plan.has("faults") {
        faults::faults(plan, report)?;
    }
    if plan.has("year") {
        year::year(plan, report)?;
    }
    report.end();
    if let Some(file) = &plan.json {
        std::fs::write(file, format!("{:#}\n", report.json()))?;
    }
    Ok(())
}
