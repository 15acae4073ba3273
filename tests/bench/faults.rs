//! Engine, agents, consoles and watchers are killed and stopped, in turn and at random, while real jobs run; afterwards
//! all accounts have to agree: what the jobs wrote, what the engine tells of them, their logs, the counts of the queue, and
//! all of it again from the journal.

use super::Plan;
use super::program::{Client, Engine, Outcome};
use super::report::{self, Figure, Report, count};
use portable_pty::{MasterPty, PtySize, native_pty_system};
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

/// Who looks on: verbs that follow events, and consoles in terminals. They end with it.
#[derive(Default)]
struct Watchers(Vec<Watcher>);

enum Watcher {
    Verb(Child),
    Console(Box<dyn portable_pty::Child + Send + Sync>, Box<dyn MasterPty + Send>),
}

impl Watchers {
    /// Another one, every third of them a console.
    fn open(&mut self, engine: &Engine) -> Outcome<()> {
        let watcher = if self.0.len().is_multiple_of(3) {
            let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
            let pair = native_pty_system().openpty(size).map_err(|error| error.to_string())?;
            let mut output = pair.master.try_clone_reader().map_err(|error| error.to_string())?;
            let console = pair.slave.spawn_command(engine.terminal_command(&[])).map_err(|error| error.to_string())?;
            // What nobody reads would hold it up.
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
            Watcher::Console(console, pair.master)
        } else {
            Watcher::Verb(engine.background(&["events", "--follow"])?)
        };
        self.0.push(watcher);
        Ok(())
    }

    /// One that has ended by itself cannot be killed, and is awaited all the same.
    fn kill(&mut self, at: usize) {
        match self.0.swap_remove(at) {
            Watcher::Verb(mut verb) => drop((verb.kill(), verb.wait())),
            Watcher::Console(mut console, terminal) => {
                if let Some(pid) = console.process_id() {
                    let _ = signal(u64::from(pid), "-9");
                }
                let _ = console.wait();
                drop(terminal);
            }
        }
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        while !self.0.is_empty() {
            self.kill(0);
        }
    }
}

/// What was done to them, how often.
#[derive(Default)]
struct Blows {
    engines: usize,
    agents: usize,
    watchers: usize,
    stopped: usize,
}

/// What the next blow hits.
#[derive(Debug, Clone, Copy)]
enum Target {
    Engine,
    Agent,
    Watcher,
    /// Engine or agent stand still for a moment, as on a machine that is out of memory.
    Stop,
}

const IN_TURN: [Target; 6] =
    [Target::Engine, Target::Agent, Target::Watcher, Target::Engine, Target::Stop, Target::Agent];

pub fn faults(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let time = Duration::from_secs(plan.seconds.unwrap_or(if plan.quick { 5 } else { 60 }));
    let jobs = plan.jobs.unwrap_or(if plan.quick { 100 } else { 5_000 });
    let consoles = plan.consoles.unwrap_or(if plan.quick { 3 } else { 12 });
    let engine = Engine::start(plan)?;
    let wrote = engine.directory().join("wrote");
    engine.client()?.prepare("run", 2, true)?;
    engine.client()?.post("/v1/registerjobdefinition", &definition(&wrote))?;

    let (mut dice, start) = (Dice(plan.seed), Instant::now());
    let mut blows = Blows::default();
    let mut acknowledged: Vec<String> = Vec::new();
    let mut watchers = Watchers::default();
    let mut client = engine.client()?;
    let calm = if plan.quick { 400 } else { 1_500 };
    for number in 0.. {
        let passed = start.elapsed();
        if passed >= time {
            break;
        }
        // Between two blows jobs keep coming, so that all of them have come at the end.
        let blow = Instant::now() + Duration::from_millis(20 + dice.below(calm));
        while Instant::now() < blow {
            let share = start.elapsed().as_secs_f64() / time.as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "jobs are fewer than 2^52")]
            if (acknowledged.len() as f64) < jobs as f64 * share {
                acknowledged.push(client.submit_as("run", "writes")?);
            } else {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        while watchers.0.len() < consoles {
            watchers.open(&engine)?;
        }
        // In the first half in turn, then at random.
        let target = if passed * 2 < time {
            IN_TURN[number % IN_TURN.len()]
        } else {
            IN_TURN[usize::try_from(dice.below(IN_TURN.len() as u64))?]
        };
        match target {
            Target::Engine => {
                engine.kill()?;
                blows.engines += 1;
                engine.verb(&["engine", "start"])?;
                client = engine.client()?;
            }
            Target::Agent => {
                let agent = an_agent(&engine, &mut dice)?;
                blows.agents += usize::from(agent.is_some_and(|pid| signal(pid, "-9")));
            }
            Target::Watcher => {
                watchers.kill(usize::try_from(dice.below(watchers.0.len() as u64))?);
                blows.watchers += 1;
            }
            Target::Stop => {
                let engine_pid = engine.status()?["pid"].as_u64();
                let agent = an_agent(&engine, &mut dice)?;
                let pid = if dice.below(2) == 0 { engine_pid } else { agent };
                if let Some(pid) = pid.filter(|pid| signal(*pid, "-STOP")) {
                    std::thread::sleep(Duration::from_millis(100 + dice.below(calm)));
                    signal(pid, "-CONT");
                    blows.stopped += 1;
                }
            }
        }
    }
    while (acknowledged.len() as u64) < jobs {
        acknowledged.push(client.submit_as("run", "writes")?);
    }
    drop(watchers);
    let described = all_ended(&mut client, &acknowledged)?;
    let took = start.elapsed();
    let runs = agree(&described, &acknowledged, &wrote)?;
    logs_agree(&mut client, &described)?;
    counts_agree(&mut client, acknowledged.len())?;
    // And what the journal says is the same once more.
    engine.kill()?;
    engine.verb(&["engine", "start"])?;
    let mut client = engine.client()?;
    if all_ended(&mut client, &acknowledged)? != described {
        return Err("the engine tells another story after it was killed once more".into());
    }
    counts_agree(&mut client, acknowledged.len())?;

    report.part("kill -9 while jobs run: none is lost, no attempt runs twice, each end is told, all accounts agree");
    let Blows { engines, agents, watchers, stopped } = blows;
    let detail = format!(
        "{} jobs in {:.0} s, {runs} attempts; {engines} engines, {agents} agents, {watchers} consoles and watchers killed, \
         {stopped} times an engine or agent stopped; {consoles} looked on; seed {}",
        count(acknowledged.len()),
        took.as_secs_f64(),
        plan.seed
    );
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let jobs = acknowledged.len() as f64;
    let well = (Figure::Count(jobs), Figure::Count(jobs));
    report.line("jobs that ended well, of all", well, report::Target::AtLeast(1.0), &detail);
    Ok(())
}

/// A job that writes which attempt of which job it is, in one write to a file that is only ever appended to.
fn definition(wrote: &Path) -> Value {
    let script = format!(
        "sleep 0.05; id=\"$AWS_BATCH_JOB_ID $AWS_BATCH_JOB_ATTEMPT\"; echo \"$id\"; echo \"$id\" >> '{}'",
        wrote.display()
    );
    json!({
        "jobDefinitionName": "writes", "type": "container",
        "containerProperties": {
            "image": "host", "command": ["sh", "-c", script],
            "resourceRequirements": [{ "type": "VCPU", "value": "0.25" }, { "type": "MEMORY", "value": "32" }]
        },
        "retryStrategy": { "attempts": 10 }
    })
}

/// The pid of one of the agents, if there are any.
fn an_agent(engine: &Engine, dice: &mut Dice) -> Outcome<Option<u64>> {
    let status = engine.status()?;
    let pids: Vec<u64> = status["agents"].as_array().into_iter().flatten().filter_map(|a| a["pid"].as_u64()).collect();
    if pids.is_empty() {
        return Ok(None);
    }
    Ok(Some(pids[usize::try_from(dice.below(pids.len() as u64))?]))
}

/// Whether it was there to be told.
fn signal(pid: u64, name: &str) -> bool {
    let told = Command::new("kill").args([name, &pid.to_string()]).stderr(Stdio::null()).status();
    told.is_ok_and(|status| status.success())
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

/// What a job that succeeded printed in its last attempt is in its log, once.
fn logs_agree(client: &mut Client, jobs: &BTreeMap<String, Value>) -> Outcome<()> {
    for (id, job) in jobs {
        let attempts = job["attempts"].as_array().ok_or("attempts")?;
        let stream = attempts.last().map(|last| last["container"]["logStreamName"].clone()).unwrap_or_default();
        let log = client
            .logs(&json!({ "logGroupName": "/aws/batch/job", "logStreamName": stream, "startFromHead": true }))?;
        let lines: Vec<&str> =
            log["events"].as_array().into_iter().flatten().filter_map(|event| event["message"].as_str()).collect();
        if lines != [format!("{id} {}", attempts.len())] {
            return Err(format!("the log of job {id} in attempt {} holds {lines:?}", attempts.len()).into());
        }
    }
    Ok(())
}

fn counts_agree(client: &mut Client, jobs: usize) -> Outcome<()> {
    let (succeeded, others) = (
        client.jobs("run", &["SUCCEEDED"])?,
        client.jobs("run", &["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "FAILED"])?,
    );
    if (succeeded, others) == (jobs, 0) {
        return Ok(());
    }
    Err(format!("the queue counts {succeeded} that succeeded and {others} others, of {jobs} jobs").into())
}
