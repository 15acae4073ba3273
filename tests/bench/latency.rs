//! How long one waits: from a submit to the start of the job, for the submit of a shell, and how fast children of arrays
//! are taken.

use super::Plan;
use super::machine::rate;
use super::program::{Engine, Outcome};
use super::report::{Figure, Report, Target, count, median, time};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The largest array that AWS takes.
const ARRAY: usize = 10_000;

pub fn latency(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let engine = Engine::start(plan)?;
    report.part("how long one waits");
    start(&engine, plan, report)?;
    shell(&engine, plan, report)?;
    children(&engine, plan, report)
}

/// From the request until the job says that it runs, beside a bare start of the same program.
fn start(engine: &Engine, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let samples = if plan.quick { 5 } else { 200 };
    let pipe = engine.directory().join("says");
    if !Command::new("mkfifo").arg(&pipe).status()?.success() {
        return Err("mkfifo failed".into());
    }
    // Open for writing too, so that it is never at its end.
    let mut says = OpenOptions::new().read(true).write(true).open(&pipe)?;
    let command = says_so(&pipe);
    let mut client = engine.client()?;
    client.prepare("starts", 2, true)?;
    client.post(
        "/v1/registerjobdefinition",
        &json!({
            "jobDefinitionName": "says", "type": "container",
            "containerProperties": {
                "image": "host", "command": command,
                "resourceRequirements": [{ "type": "VCPU", "value": "1" }, { "type": "MEMORY", "value": "32" }],
            },
        }),
    )?;
    // The instance is there before the clock runs.
    client.submit_as("starts", "says")?;
    heard(&mut says)?;
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..samples {
        let at = Instant::now();
        let mut child = Command::new(&command[0]).args(&command[1..]).stdin(Stdio::null()).spawn()?;
        heard(&mut says)?;
        bare.push(at.elapsed());
        child.wait()?;
        let at = Instant::now();
        client.submit_as("starts", "says")?;
        heard(&mut says)?;
        ours.push(at.elapsed());
        // Nothing of the last one is in the way of the next.
        std::thread::sleep(Duration::from_millis(5));
    }
    let detail = format!("{samples} jobs in turns with bare starts of the same program: {}", time(median(bare)));
    let figures = (Figure::Time(median(ours)), Figure::Time(Duration::from_millis(3)));
    report.line("submit to start, median", figures, Target::AtMost(1.0), &detail);
    Ok(())
}

/// The least that a shell says.
fn says_so(pipe: &Path) -> [String; 3] {
    ["/bin/sh".to_owned(), "-c".to_owned(), format!("echo >'{}'", pipe.display())]
}

fn heard(says: &mut File) -> Outcome<()> {
    says.read_exact(&mut [0])?;
    Ok(())
}

/// A submit by the command line, with the start of the program and its end.
fn shell(engine: &Engine, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let samples = if plan.quick { 5 } else { 200 };
    engine.client()?.prepare("shell", 2, false)?;
    let run = |arguments: &[&str]| -> Outcome<Duration> {
        let mut command = engine.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let at = Instant::now();
        if !command.status()?.success() {
            return Err(format!("`batchdeck {}` failed", arguments.join(" ")).into());
        }
        Ok(at.elapsed())
    };
    let (mut submits, mut starts, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..samples {
        submits.push(run(&["submit", "--queue", "shell", "--definition", "nothing"])?);
        starts.push(run(&["--version"])?);
        let at = Instant::now();
        Command::new("/bin/true").status()?;
        bare.push(at.elapsed());
    }
    let (starts, bare) = (median(starts), median(bare));
    let detail = format!("`--version` takes {}, /bin/true {}", time(starts), time(bare));
    let figures = (Figure::Time(median(submits)), Figure::Time(Duration::from_micros(2_500)));
    report.line("submit by the command line, on the disk", figures, Target::AtMost(1.0), &detail);
    Ok(())
}

fn children(engine: &Engine, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let arrays = if plan.quick { 1 } else { 50 };
    let mut client = engine.client()?;
    client.prepare("arrays", 2, false)?;
    let mut best = 0.0_f64;
    for _ in 0..plan.rounds() {
        let at = Instant::now();
        for _ in 0..arrays {
            client.submit("arrays", Some(ARRAY))?;
        }
        best = best.max(rate(arrays * ARRAY, at.elapsed()));
    }
    let detail = format!("{arrays} arrays of {}, one after the other, the best of {}", count(ARRAY), plan.rounds());
    let figures = (Figure::Rate(best), Figure::Rate(500_000.0));
    report.line("children of arrays that are accepted", figures, Target::AtLeast(1.0), &detail);
    Ok(())
}
