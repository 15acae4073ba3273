//! The console in a pseudo-terminal of 120x40, with all jobs of a store behind it: what a person waits for, and what goes
//! over the line.

use super::Plan;
use super::program::{Engine, Outcome, fill, wait};
use super::report::{Figure, Report, Target, count, median, time};
use super::terminal::{COLUMNS, LINES, REST, Terminal, Written, memory, open};
use portable_pty::CommandBuilder;
use serde_json::json;
use std::time::{Duration, Instant};

const QUEUE: &str = "figures";

/// What was measured at one size.
struct Seen {
    first_frame: Duration,
    first_rows: Duration,
    keys: Vec<Duration>,
    echo: Vec<Duration>,
    burst: (Duration, Written),
    filter: Duration,
    cursor: usize,
    scrolled: usize,
    idle: (Duration, Written, Cost),
    clock: (Duration, Written),
    resident: usize,
    behind: Duration,
}

/// What a process has used up until now.
#[derive(Clone, Copy, Default)]
struct Cost {
    cpu: Duration,
    wakes: u64,
}

impl Cost {
    fn of(pid: u32) -> Outcome<Self> {
        let mut cost = Self::default();
        for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
            let task = task?.path();
            // A thread may end meanwhile.
            let read = |name: &str| std::fs::read_to_string(task.join(name)).unwrap_or_default();
            let nanos = read("schedstat").split_whitespace().next().and_then(|text| text.parse().ok());
            cost.cpu += Duration::from_nanos(nanos.unwrap_or(0));
            let status = read("status");
            let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            cost.wakes += switches.and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(cost)
    }

    fn since(self, before: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(before.cpu), wakes: self.wakes.saturating_sub(before.wakes) }
    }
}

pub fn console(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let engine = Engine::start(plan)?;
    prepare(&engine)?;
    let (mut filled, mut all) = (0, Vec::new());
    for size in &plan.sizes {
        let jobs = size.saturating_sub(filled);
        fill(&engine, QUEUE, jobs)?;
        filled += jobs;
        all.push((*size, measure(&engine, plan)?));
    }
    for (size, seen) in all {
        tell(report, size, &seen);
    }
    Ok(())
}

/// A queue whose jobs wait, more beside it to move among, and one whose jobs run.
fn prepare(engine: &Engine) -> Outcome<()> {
    let mut client = engine.client()?;
    client.prepare(QUEUE, 2, false)?;
    client.prepare("runs", 2, true)?;
    for number in 0..7 {
        client.post(
            "/v1/createjobqueue",
            &json!({
                "jobQueueName": format!("q{number:02}"), "priority": 1, "state": "ENABLED",
                "computeEnvironmentOrder": [{ "order": 1, "computeEnvironment": QUEUE }],
            }),
        )?;
    }
    for (name, command) in [
        ("needle", &["/bin/sleep", "1000"][..]),
        ("prints", &["/usr/bin/seq", "-f", "line %g of the log, and some words more", "1", "500"]),
    ] {
        client.post(
            "/v1/registerjobdefinition",
            &json!({
                "jobDefinitionName": name, "type": "container",
                "containerProperties": {
                    "image": "host", "command": command,
                    "resourceRequirements": [{ "type": "VCPU", "value": "0.25" }, { "type": "MEMORY", "value": "32" }],
                },
            }),
        )?;
    }
    client.submit_as(QUEUE, "needle").map(drop)
}

fn measure(engine: &Engine, plan: &Plan) -> Outcome<Seen> {
    let prints = engine.client()?.submit_as("runs", "prints")?;
    wait(&mut engine.client()?, &prints)?;
    let samples = if plan.quick { 10 } else { 100 };
    let span = Duration::from_secs(if plan.quick { 2 } else { 10 });
    let (mut first_frame, mut first_rows) = (Duration::MAX, Duration::MAX);
    let mut console = open(engine, None)?;
    for round in 0..plan.rounds() {
        if round > 0 {
            console = open(engine, None)?;
        }
        let frame = console.until_frame()?;
        first_frame = first_frame.min(frame - console.started);
        // The queue that is selected, while the keys are elsewhere.
        let row = format!("› {QUEUE}");
        let rows = if console.text().contains(&row) { frame } else { console.until_text(&row)? };
        first_rows = first_rows.min(rows - console.started);
    }
    console.until_text("engine ok")?;
    while console.rest(Duration::from_secs(1)).bytes > 0 {}

    // Among queues that have no jobs.
    console.press("1jj")?;
    console.until_text("▸ q01")?;
    console.rest(REST);
    let mut keys = Vec::new();
    for number in 0..samples {
        let at = console.press(if number % 2 == 0 { "j" } else { "k" })?;
        keys.push(console.until_frame()? - at);
        console.rest(REST);
    }
    console.press("j")?;
    let cursor = console.rest(REST).bytes;
    let at = console.press(&("kj".repeat(150) + "G"))?;
    let burst = console.rest(REST);
    let took = console.changed.saturating_duration_since(at);
    if !console.text().contains("▸ runs") {
        return Err(format!("keys were lost; the screen is\n{}", console.text()).into());
    }

    // A log on the whole screen, back from its end.
    console.press(":jobs all\r")?;
    console.until_text("▸ ✔ prints")?;
    console.press("l")?;
    console.until_text("line 500 of the log")?;
    console.rest(Duration::from_millis(500));
    console.press("kkk")?;
    console.rest(REST);
    console.press("k")?;
    let scrolled = console.rest(REST).bytes;
    console.press("q")?;
    console.rest(REST);

    console.press("/needl")?;
    console.rest(Duration::from_millis(500));
    let at = console.press("e")?;
    let filter = console.until("the filtered row", |screen, _| screen.matches("needle").count() >= 2)? - at;
    console.rest(REST);
    let resident = memory(console.pid()?, "VmRSS")?;
    drop(console);

    // Where no clock runs.
    let mut console = open(engine, None)?;
    console.until_text("engine ok")?;
    while console.rest(Duration::from_secs(1)).bytes > 0 {}
    let pid = console.pid()?;
    let before = Cost::of(pid)?;
    let written = console.within(span);
    let idle = (span, written, Cost::of(pid)?.since(before));
    drop(console);

    let behind = behind(engine, plan)?;
    let clock = clock(engine, span)?;
    let echo = echo(samples)?;
    Ok(Seen {
        first_frame,
        first_rows,
        keys,
        echo,
        burst: (took, burst),
        filter,
        cursor,
        scrolled,
        idle,
        clock,
        resident,
        behind,
    })
}

/// On a line of 16 kB a second with a key held down: how long after the last one the screen shows where it is.
fn behind(engine: &Engine, plan: &Plan) -> Outcome<Duration> {
    let mut console = open(engine, Some(16_000))?;
    console.until_text("engine ok")?;
    console.press(":jobs all\r")?;
    console.rest(Duration::from_secs(1));
    console.press("z")?;
    console.rest(Duration::from_secs(1));
    let repeats = if plan.quick { 60 } else { 150 };
    let mut last = Instant::now();
    for _ in 0..repeats {
        last = console.press("j")?;
        console.within(Duration::from_millis(33));
    }
    console.rest(Duration::from_secs(1));
    Ok(console.changed.saturating_duration_since(last))
}

/// Jobs that run, and their clocks.
fn clock(engine: &Engine, span: Duration) -> Outcome<(Duration, Written)> {
    let mut client = engine.client()?;
    let jobs = (0..4).map(|_| client.submit_as("runs", "needle")).collect::<Outcome<Vec<_>>>()?;
    let mut console = open(engine, None)?;
    console.until_text("[running 4]")?;
    console.rest(Duration::from_millis(300));
    console.within(Duration::from_secs(2));
    let written = console.within(span);
    for job in jobs {
        client.post("/v1/terminatejob", &json!({ "jobId": job, "reason": "measured" }))?;
    }
    Ok((span, written))
}

/// How long the terminal itself takes from a key to its echo by a program that does nothing else.
fn echo(samples: usize) -> Outcome<Vec<Duration>> {
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "stty raw -echo; printf ready; exec cat"]);
    let mut terminal = Terminal::start(command, None)?;
    terminal.until_text("ready")?;
    let mut all = Vec::new();
    for _ in 0..samples {
        let at = terminal.press("x")?;
        all.push(terminal.until("the echo", |_, bytes| !bytes.is_empty())? - at);
        terminal.rest(Duration::from_millis(10));
    }
    Ok(all)
}

pub fn worst(samples: &[Duration]) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "bytes and frames are few")]
fn tell(report: &mut Report, size: usize, seen: &Seen) {
    report.part(&format!("the console at {COLUMNS}x{LINES}, {} jobs in the store", count(size)));
    let bytes = |bytes: usize| Figure::Bytes(bytes as f64);
    let most = Target::AtMost(1.0);
    let millis = |millis: u64| Figure::Time(Duration::from_millis(millis));
    report.line("first frame after exec", (Figure::Time(seen.first_frame), millis(50)), most, "");
    report.line("first rows after exec", (Figure::Time(seen.first_rows), millis(150)), most, "");
    let echo = median(seen.echo.clone());
    let detail = format!("{} keys; the bare echo takes {}", seen.keys.len(), time(echo));
    report.line("key to screen, median", (Figure::Time(median(seen.keys.clone())), millis(1)), most, &detail);
    let over = worst(&seen.keys).saturating_sub(worst(&seen.echo));
    let detail = format!("the key {}, the echo {}", time(worst(&seen.keys)), time(worst(&seen.echo)));
    report.line("key to screen, p99 above the echo", (Figure::Time(over), millis(10)), most, &detail);
    let (took, burst) = &seen.burst;
    report.line("300 keys at once", (Figure::Time(*took), millis(50)), most, "");
    report.line("300 keys at once, frames", (Figure::Count(burst.frames as f64), Figure::Count(5.0)), most, "");
    report.line("300 keys at once, bytes", (bytes(burst.bytes), bytes(10_000)), most, "");
    report.line("a filter's rows after its last key", (Figure::Time(seen.filter), millis(100)), most, "");
    report.line("a move of the cursor", (bytes(seen.cursor), bytes(300)), most, "");
    report.line("a scrolled line of a log", (bytes(seen.scrolled), bytes(1_000)), most, "");
    let (span, written, cost) = &seen.idle;
    report.line("idle, bytes", (bytes(written.bytes), bytes(1)), Target::AtMost(0.0), &time(*span));
    let detail = format!("{} wake-ups in {}", cost.wakes, time(*span));
    report.line(
        "idle, of a thousandth of a core",
        (Figure::Time(cost.cpu), Figure::Time(*span / 1_000)),
        most,
        &detail,
    );
    let (span, written) = &seen.clock;
    let rate = written.bytes as f64 / span.as_secs_f64();
    let detail = format!("{} frames in {}", written.frames, time(*span));
    let figures = (Figure::Bytes(rate), Figure::Bytes(400.0));
    report.line("bytes a second, a clock and 4 jobs that run", figures, most, &detail);
    let allowed = if size <= 100_000 { 60 << 20 } else { 350 << 20 };
    report.line("resident memory", (bytes(seen.resident), bytes(allowed)), most, "");
    report.line(
        "behind, on a line of 16 kB a second",
        (Figure::Time(seen.behind), millis(500)),
        most,
        "a key held down",
    );
}
