//! A long log in the console: only what is looked at is held of it, and a key is answered whatever is being read.

use super::Plan;
use super::console::worst;
use super::program::{Engine, Outcome, wait};
use super::report::{Figure, Report, Target, count, median, time};
use super::terminal::{REST, Terminal, memory, open};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const QUEUE: &str = "runs";
/// Lines that come at once while they are followed, and how often.
const BATCH: u64 = 1_000;
const PAUSE: Duration = Duration::from_millis(33);
/// Nobody waits longer for a key: two frames.
const FRAMES: Duration = Duration::from_millis(66);
const MOST_MEMORY: usize = 60 << 20;

pub fn log(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let lines = plan.lines.unwrap_or(if plan.quick { 200_000 } else { 10_000_000 });
    let engine = Engine::start(plan)?;
    let file = write(&engine, lines)?;
    let size = file.metadata()?.len();
    report.part(&format!("a log of {} lines, {} MiB, in the console", count(usize::try_from(lines)?), size >> 20));
    let mut console = open(&engine, None)?;
    console.until_text("engine ok")?;
    console.press(":jobs all\r")?;
    console.until_text("prints")?;
    console.rest(REST);
    let begun = memory(console.pid()?, "VmRSS")?;

    let mut tell = |what: &str, took: Duration, most: Duration, detail: &str| {
        report.line(what, (Figure::Time(took), Figure::Time(most)), Target::AtMost(1.0), detail);
    };
    let millis = Duration::from_millis;
    let last = format!("line {} is even", lines - 1);
    let at = console.press("l")?;
    let opened = console.until("the log", |screen, _| screen.contains("▸ log") && screen.contains(&last))?;
    tell("its end on the whole screen", opened - at, millis(300), "");
    console.rest(REST);
    let at = console.press("g")?;
    tell("its beginning", console.until_text("line 0 is even")? - at, millis(100), "");
    console.rest(REST);
    let at = console.press("G")?;
    tell("its end again", console.until_text(&last)? - at, millis(100), "");
    console.rest(REST);
    let at = console.press("h")?;
    // That of the lines that are held may come first.
    let is_whole = |screen: &str| screen.lines().any(|line| line.contains(" a bar") && !line.contains(" held"));
    let charted = console.until("the chart", |screen, _| is_whole(screen))?;
    tell("a chart of all of it", charted - at, millis(500), "");
    console.press("h")?;
    console.rest(REST);
    // In the middle, so that half of the log lies before it.
    console.press("/odd")?;
    console.rest(REST);
    let at = console.press("\r")?;
    let took = console.until_text(&format!("line {} is odd", lines / 2))? - at;
    tell("the nearest hit, half of it away", took, Duration::from_secs(5), "");
    console.until_text("/odd 1 of 1")?;
    console.press("\u{1b}")?;
    console.rest(REST);

    console.press("/nowhere\r")?;
    let answered = keys(&mut console, 60, |screen| screen.contains("no line of the log holds"))?;
    let detail = format!("{} keys; the middle one {}", answered.len(), time(median(answered.clone())));
    tell("a key while all is looked through, p99", worst(&answered), FRAMES, &detail);
    console.until_text("no line of the log holds")?;
    console.press("\u{1b}")?;
    // What follows an escape at once would be read as a key with alt.
    console.rest(REST);
    console.press("G")?;
    console.until_text(&last)?;

    let goes_on = AtomicBool::new(true);
    let answered = std::thread::scope(|scope| {
        let writer = scope.spawn(|| grow(&file, lines, &goes_on));
        let answered = console.until_text("grows").and_then(|_| keys(&mut console, 60, |_| false));
        goes_on.store(false, Ordering::Relaxed);
        let grown = writer.join().map_err(|_| "the log could not be written")??;
        console.until_text(&format!("line {} grows", grown - 1))?;
        answered
    })?;
    let detail = format!("{} keys; the middle one {}", answered.len(), time(median(answered.clone())));
    tell("a key while 30,000 lines a second come, p99", worst(&answered), FRAMES, &detail);
    let most = memory(console.pid()?, "VmHWM")?;
    #[expect(clippy::cast_precision_loss, reason = "bytes are few enough")]
    report.line(
        "memory of the console at most",
        (Figure::Bytes(most as f64), Figure::Bytes(MOST_MEMORY as f64)),
        Target::AtMost(1.0),
        &format!("{} MiB before the log was opened", begun >> 20),
    );
    Ok(())
}

/// How long help takes to be on the screen, and to be gone, so many times or until the screen says that it is over.
fn keys(console: &mut Terminal, samples: usize, is_over: impl Fn(&str) -> bool) -> Outcome<Vec<Duration>> {
    let mut all = Vec::new();
    while all.len() < samples && !is_over(&console.text()) {
        let at = console.press("?")?;
        all.push(console.until_text("Keys in")? - at);
        let at = console.press("\u{1b}")?;
        all.push(console.until("help to be gone", |screen, _| !screen.contains("Keys in"))? - at);
        // Neither at the same point of each frame, nor of each batch of lines.
        console.within(Duration::from_millis(7 + 11 * (all.len() as u64 % 5)));
    }
    Ok(all)
}

/// A job that has ended, and its log, whose last line is a minute old.
fn write(engine: &Engine, lines: u64) -> Outcome<PathBuf> {
    let mut client = engine.client()?;
    client.prepare(QUEUE, 2, true)?;
    client.post(
        "/v1/registerjobdefinition",
        &json!({
            "jobDefinitionName": "prints", "type": "container",
            "containerProperties": {
                "image": "host", "command": ["/bin/echo", "hello"],
                "resourceRequirements": [{ "type": "VCPU", "value": "0.25" }, { "type": "MEMORY", "value": "32" }],
            },
        }),
    )?;
    let job = client.submit_as(QUEUE, "prints")?;
    wait(&mut client, &job)?;
    let told = client.post("/v1/describejobs", &json!({ "jobs": [job] }))?;
    let stream = told["jobs"][0]["container"]["logStreamName"].as_str().ok_or("a job that ran has a stream")?;
    let file = engine.data().join("logs").join(format!("{stream}.log"));
    let mut out = BufWriter::new(File::create(&file)?);
    let end = now()? - 60_000;
    for number in 0..lines {
        let word = if number == lines / 2 { "odd" } else { "even" };
        writeln!(out, "{} line {number} is {word}", end - (lines - number))?;
    }
    out.flush()?;
    Ok(file)
}

/// Lets lines come until it is told to end, and says how many there are then.
fn grow(file: &Path, lines: u64, goes_on: &AtomicBool) -> Outcome<u64> {
    let mut out = OpenOptions::new().append(true).open(file)?;
    let mut next = lines;
    while goes_on.load(Ordering::Relaxed) {
        let mut text = Vec::new();
        let at = now()?;
        for number in next..next + BATCH {
            writeln!(text, "{at} line {number} grows")?;
        }
        out.write_all(&text)?;
        next += BATCH;
        std::thread::sleep(PAUSE);
    }
    Ok(next)
}

fn now() -> Outcome<u64> {
    Ok(u64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis())?)
}
