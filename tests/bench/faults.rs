//! Engine, agents and watchers are killed at random while real jobs run; afterwards all accounts have to agree.

use super::Plan;
use super::program::{Client, Engine, Outcome};
use super::report::{Figure, Report, Target, count};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the last jobs may take once nobody is killed any more.
const PATIENCE: Duration = Duration::from_mins(10);
/// Jobs are described so many at once, as AWS has it.
const AT_ONCE: usize = 100;

/// Numbers from a seed (`SplitMix64`): the same seed strikes in the same order.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Clients that follow events; they end with it.
#[derive(Default)]
struct Watchers(Vec<Child>);

impl Watchers {
    fn kill(&mut self, at: usize) {
        let mut watcher = self.0.swap_remove(at);
        // One that has ended by itself cannot be killed, and is awaited all the same.
        let _ = watcher.kill();
        let _ = watcher.wait();
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        while !self.0.is_empty() {
            self.kill(0);
        }
    }
}

/// What was killed, how often.
#[derive(Default)]
struct Killed {
    engines: usize,
    agents: usize,
    watchers: usize,
}

pub fn faults(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let time = Duration::from_secs(plan.seconds.unwrap_or(if plan.quick { 5 } else { 60 }));
    let engine = Engine::start(plan)?;
    let wrote = engine.directory().join("wrote");
    engine.client()?.prepare("run", 2, true)?;
    engine.client()?.post("/v1/registerjobdefinition", &definition(&wrote))?;

    let (mut dice, start) = (Dice(plan.seed), Instant::now());
    let mut killed = Killed::default();
    let mut acknowledged: Vec<String> = Vec::new();
    let mut watchers = Watchers::default();
    let mut client = engine.client()?;
    while start.elapsed() < time {
        // Between two blows for a moment jobs keep coming.
        let calm = Instant::now() + Duration::from_millis(20 + dice.below(if plan.quick { 400 } else { 1_500 }));
        while Instant::now() < calm {
            acknowledged.push(client.submit_as("run", "writes")?);
            std::thread::sleep(Duration::from_millis(5 + dice.below(20)));
        }
        if watchers.0.len() < 8 {
            watchers.0.push(engine.background(&["events", "--follow"])?);
        }
        match dice.below(4) {
            0 | 1 => {
                engine.kill()?;
                killed.engines += 1;
                engine.verb(&["engine", "start"])?;
                client = engine.client()?;
            }
            2 => killed.agents += usize::from(kill_an_agent(&engine, &mut dice)?),
            _ => {
                watchers.kill(usize::try_from(dice.below(watchers.0.len() as u64))?);
                killed.watchers += 1;
            }
        }
    }
    drop(watchers);
    let described = all_ended(&mut client, &acknowledged)?;
    let took = start.elapsed();
    let runs = agree(&described, &acknowledged, &wrote)?;

    report.part("kill -9 while jobs run: none is lost, no attempt runs twice, each end is told");
    let Killed { engines, agents, watchers } = killed;
    let detail = format!(
        "{} jobs in {:.0} s, {runs} attempts; {engines} engines, {agents} agents and {watchers} watchers killed, seed {}",
        count(acknowledged.len()),
        took.as_secs_f64(),
        plan.seed
    );
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let jobs = acknowledged.len() as f64;
    report.line(
        "jobs that ended well, of all",
        (Figure::Count(jobs), Figure::Count(jobs)),
        Target::AtLeast(1.0),
        &detail,
    );
    Ok(())
}

/// A job that writes which attempt of which job it is, in one write to a file that is only ever appended to.
fn definition(wrote: &Path) -> Value {
    let script = format!("sleep 0.05; echo \"$AWS_BATCH_JOB_ID $AWS_BATCH_JOB_ATTEMPT\" >> '{}'", wrote.display());
    json!({
        "jobDefinitionName": "writes", "type": "container",
        "containerProperties": {
            "image": "host", "command": ["sh", "-c", script],
            "resourceRequirements": [{ "type": "VCPU", "value": "0.25" }, { "type": "MEMORY", "value": "32" }]
        },
        "retryStrategy": { "attempts": 10 }
    })
}

/// Whether there was one.
fn kill_an_agent(engine: &Engine, dice: &mut Dice) -> Outcome<bool> {
    let status = engine.status()?;
    let pids: Vec<u64> = status["agents"].as_array().into_iter().flatten().filter_map(|a| a["pid"].as_u64()).collect();
    if pids.is_empty() {
        return Ok(false);
    }
    let pid = pids[usize::try_from(dice.below(pids.len() as u64))?];
    // It may have gone by itself.
    Ok(Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status()?.success())
}

/// The jobs once all have ended.
fn all_ended(client: &mut Client, jobs: &[String]) -> Outcome<BTreeMap<String, Value>> {
    let deadline = Instant::now() + PATIENCE;
    let mut ended = BTreeMap::new();
    for some in jobs.chunks(AT_ONCE) {
        loop {
            let answer = client.post("/v1/describejobs", &json!({ "jobs": some }))?;
            let found = answer["jobs"].as_array().cloned().unwrap_or_default();
            if found.len() != some.len() {
                return Err(format!("{} of {} acknowledged jobs are known", found.len(), some.len()).into());
            }
            let over = |job: &Value| matches!(job["status"].as_str(), Some("SUCCEEDED" | "FAILED"));
            if found.iter().all(over) {
                ended.extend(found.into_iter().map(|job| (job["jobId"].as_str().unwrap_or("").to_owned(), job)));
                break;
            }
            if Instant::now() > deadline {
                let waits = found.iter().find(|job| !over(job)).unwrap_or(&Value::Null);
                return Err(format!("a job has not ended: {waits:#}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(ended)
}

/// Holds what the engine says against what the jobs have written; how many attempts there were.
fn agree(jobs: &BTreeMap<String, Value>, acknowledged: &[String], wrote: &Path) -> Outcome<usize> {
    let text = std::fs::read_to_string(wrote)?;
    let mut written = BTreeSet::new();
    for line in text.lines() {
        if !written.insert(line) {
            return Err(format!("attempt `{line}` ran twice").into());
        }
    }
    let mut runs = 0;
    for id in acknowledged {
        let job = jobs.get(id).ok_or_else(|| format!("job {id} was acknowledged and is lost"))?;
        if job["status"] != "SUCCEEDED" {
            return Err(format!("a job ended badly: {job:#}").into());
        }
        let attempts = job["attempts"].as_array().map_or(0, Vec::len);
        runs += attempts;
        if !written.contains(format!("{id} {attempts}").as_str()) {
            return Err(format!("job {id} is said to have succeeded in attempt {attempts}, which wrote nothing").into());
        }
    }
    Ok(runs)
}
