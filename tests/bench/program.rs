//! The real program: durable submits over its socket, restarts, and jobs that really run.

use super::others::others;
use super::report::{Figure, Report, Target, count, median, time};
use super::{Plan, machine};
use serde_json::{Value, json};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const CLIENTS: usize = 64;

/// An engine in a directory of its own. When it is dropped, it and its agents are ended and the directory is removed.
pub struct Engine {
    directory: tempfile::TempDir,
    program: PathBuf,
}

impl Engine {
    pub fn start(plan: &Plan) -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("bench").tempdir_in(&plan.directory)?;
        let engine = Self { directory, program: plan.program.clone() };
        engine.verb(&["engine", "start"])?;
        Ok(engine)
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The program with `arguments`, ready to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("BATCHDECK_DATA_DIR", self.data())
            .env("BATCHDECK_CONFIG", self.directory.path().join("config.toml"));
        command
    }

    /// The same for a pseudo-terminal.
    pub fn terminal_command(&self, arguments: &[&str]) -> portable_pty::CommandBuilder {
        let mut command = portable_pty::CommandBuilder::new(&self.program);
        command.args(arguments);
        command.env("BATCHDECK_DATA_DIR", self.data());
        command.env("BATCHDECK_CONFIG", self.directory.path().join("config.toml"));
        command.env("TERM", "xterm-256color");
        command
    }

    pub fn verb(&self, arguments: &[&str]) -> Outcome<String> {
        let output = self.command(arguments).output()?;
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout)?);
        }
        Err(format!("`batchdeck {}`: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into())
    }

    /// A verb that goes on until it is killed.
    pub fn background(&self, arguments: &[&str]) -> io::Result<Child> {
        self.command(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }

    /// `kill -9` of the engine; it is gone when this returns.
    pub fn kill(&self) -> Outcome<()> {
        let pid = self.status()?["pid"].as_u64().ok_or("an engine has a pid")?;
        Command::new("kill").args(["-9", &pid.to_string()]).status()?;
        while Path::new(&format!("/proc/{pid}")).exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    pub fn status(&self) -> Outcome<Value> {
        Ok(serde_json::from_str(&self.verb(&["engine", "status", "-o", "json"])?)?)
    }

    pub fn client(&self) -> Outcome<Client> {
        Client::open(&self.data().join("engine.sock"))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let status = self.status().unwrap_or_default();
        let _ = self.verb(&["engine", "stop"]);
        for agent in status["agents"].as_array().into_iter().flatten() {
            if let Some(pid) = agent["pid"].as_u64() {
                let _ = Command::new("kill").arg(pid.to_string()).output();
            }
        }
    }
}

/// A connection that is kept.
pub struct Client(BufReader<UnixStream>);

impl Client {
    fn open(socket: &Path) -> Outcome<Self> {
        Ok(Self(BufReader::new(UnixStream::connect(socket)?)))
    }

    pub fn call(&mut self, method: &str, path: &str, body: &Value) -> Outcome<Value> {
        self.ask(method, path, "", body)
    }

    /// A page of a log.
    pub fn logs(&mut self, request: &Value) -> Outcome<Value> {
        self.ask("POST", "/", "x-amz-target: Logs_20140328.GetLogEvents\r\n", request)
    }

    /// `headers`: whole lines.
    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &Value) -> Outcome<Value> {
        let body = body.to_string();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: engine\r\nx-batchdeck-by: bench@here\r\ncontent-type: application/json\r\n\
             {headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(head.as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line.split_whitespace().nth(1).unwrap_or("").to_owned();
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer)?;
        if status != "200" {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&answer)).into());
        }
        Ok(serde_json::from_slice(&answer)?)
    }

    pub fn post(&mut self, path: &str, body: &Value) -> Outcome<Value> {
        self.call("POST", path, body)
    }

    /// An environment whose jobs are processes of this machine, a queue of the same name on it, and a job that does
    /// nothing. One that is off keeps all its jobs waiting.
    pub fn prepare(&mut self, name: &str, vcpus: usize, on: bool) -> Outcome<()> {
        self.post(
            "/v1/createcomputeenvironment",
            &json!({
                "computeEnvironmentName": name,
                "type": "MANAGED",
                "state": if on { "ENABLED" } else { "DISABLED" },
                "computeResources": {
                    "type": "EC2", "minvCpus": 0, "maxvCpus": vcpus, "instanceTypes": ["optimal"],
                    "subnets": ["subnet-0a1b2c3d"], "securityGroupIds": ["sg-0a1b2c3d"],
                    "instanceRole": "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole",
                },
                "serviceRole": "arn:aws:iam::123456789012:role/batch",
                "tags": { "batchdeck:executor": "process", "batchdeck:overcommit": "true" },
            }),
        )?;
        self.post(
            "/v1/createjobqueue",
            &json!({
                "jobQueueName": name, "priority": 1, "state": "ENABLED",
                "computeEnvironmentOrder": [{ "order": 1, "computeEnvironment": name }],
            }),
        )?;
        self.post(
            "/v1/registerjobdefinition",
            &json!({
                "jobDefinitionName": "nothing", "type": "container",
                "containerProperties": {
                    "image": "host", "command": ["/bin/true"],
                    "resourceRequirements": [{ "type": "VCPU", "value": "0.25" }, { "type": "MEMORY", "value": "32" }],
                },
            }),
        )?;
        Ok(())
    }

    /// How many jobs of a queue are in these states.
    pub fn jobs(&mut self, queue: &str, statuses: &[&str]) -> Outcome<usize> {
        let queues = self.call("GET", "/batchdeck/v1/queues", &Value::Null)?;
        let found = queues.as_array().into_iter().flatten().find(|row| row["jobQueueName"] == queue);
        let counts = &found.ok_or("the queue is there")?["jobCounts"];
        let counts = statuses.iter().map(|status| counts[*status].as_u64().unwrap_or(0));
        Ok(usize::try_from(counts.sum::<u64>())?)
    }

    /// A job that does nothing, or an array of them.
    pub fn submit(&mut self, queue: &str, size: Option<usize>) -> Outcome<String> {
        self.submit_request(queue, "nothing", size)
    }

    /// A job of this definition.
    pub fn submit_as(&mut self, queue: &str, definition: &str) -> Outcome<String> {
        self.submit_request(queue, definition, None)
    }

    fn submit_request(&mut self, queue: &str, definition: &str, size: Option<usize>) -> Outcome<String> {
        let mut request = json!({ "jobName": definition, "jobQueue": queue, "jobDefinition": definition });
        if let Some(size) = size {
            request["arrayProperties"] = json!({ "size": size });
        }
        let answer = self.post("/v1/submitjob", &request)?;
        Ok(answer["jobId"].as_str().ok_or("a submitted job has an id")?.to_owned())
    }
}

/// Submits until so many more wait in a queue, by all clients at once; how long it took.
pub fn fill(engine: &Engine, queue: &str, jobs: usize) -> Outcome<Duration> {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let work = || -> Outcome<()> {
        let mut client = engine.client()?;
        while next.fetch_add(1, Ordering::Relaxed) < jobs {
            client.submit(queue, None)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(work)).collect();
        clients.into_iter().try_for_each(|client| client.join().unwrap_or_else(|_| Err("a client panicked".into())))
    })?;
    Ok(start.elapsed())
}

fn timed(call: &mut dyn FnMut() -> Outcome<()>) -> Outcome<Duration> {
    let start = Instant::now();
    call()?;
    Ok(start.elapsed())
}

fn middle(samples: usize, mut call: impl FnMut() -> Outcome<()>) -> Outcome<Duration> {
    let times = (0..samples).map(|_| timed(&mut call)).collect::<Outcome<Vec<_>>>()?;
    Ok(median(times))
}

/// The middles of two calls that take turns, so that what the disk does meanwhile meets both.
fn in_turns(
    samples: usize,
    mut one: impl FnMut() -> Outcome<()>,
    mut other: impl FnMut() -> Outcome<()>,
) -> Outcome<(Duration, Duration)> {
    let pairs = (0..samples).map(|_| Ok((timed(&mut one)?, timed(&mut other)?))).collect::<Outcome<Vec<_>>>()?;
    let (ones, others) = pairs.into_iter().unzip();
    Ok((median(ones), median(others)))
}

/// What a client sees with so many waiting.
struct Seen {
    waiting: usize,
    /// What the machine takes for an append with its sync.
    raw: Duration,
    submit: Duration,
    page: Duration,
    snapshot: Duration,
    reprioritise: Duration,
}

impl Seen {
    /// The shortest of some rounds: other work on the machine only ever adds.
    fn of(engine: &Engine, plan: &Plan, waiting: usize) -> Outcome<Self> {
        let samples = if plan.quick { 20 } else { 300 };
        let mut client = engine.client()?;
        let last = client.submit("held", None)?;
        let asked = json!({ "queue": "held", "statuses": ["RUNNABLE"], "limit": 100 });
        let path = format!("/batchdeck/v1/jobs/{last}/priority");
        let queue = json!({ "jobQueue": "held" });
        let mut file = machine::Appended::in_directory(engine.directory.path())?;
        let mut round = || -> Outcome<Self> {
            let (raw, submit) = in_turns(samples, || Ok(file.append()?), || client.submit("held", None).map(drop))?;
            Ok(Self {
                waiting,
                raw,
                submit,
                page: middle(samples, || client.post("/batchdeck/v1/jobs/list", &asked).map(drop))?,
                snapshot: middle(samples, || client.post("/v1/getjobqueuesnapshot", &queue).map(drop))?,
                reprioritise: middle(samples, || client.call("PUT", &path, &json!({ "priority": 5 })).map(drop))?,
            })
        };
        let mut best = round()?;
        for _ in 1..plan.rounds() {
            let next = round()?;
            // They belong together.
            if next.submit < best.submit {
                (best.raw, best.submit) = (next.raw, next.submit);
            }
            for (best, next) in [
                (&mut best.page, next.page),
                (&mut best.snapshot, next.snapshot),
                (&mut best.reprioritise, next.reprioritise),
            ] {
                *best = next.min(*best);
            }
        }
        Ok(best)
    }
}

pub fn submit_and_restart(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let engine = Engine::start(plan)?;
    engine.client()?.prepare("held", 2, false)?;
    let (mut seen, mut restarts) = (Vec::new(), Vec::new());
    let (mut waiting, mut together) = (0, 0.0_f64);
    for size in &plan.sizes {
        let jobs = size.saturating_sub(waiting);
        let took = fill(&engine, "held", jobs)?;
        waiting += jobs;
        together = together.max(machine::rate(jobs, took));
        if plan.has("submit") {
            seen.push(Seen::of(&engine, plan, *size)?);
        }
        if plan.has("restart") {
            restarts.push((*size, restart(&engine)?));
        }
    }
    if let (Some(first), Some(last)) = (seen.first(), seen.last()) {
        report.part("over the socket: a durable submit against an append with its sync");
        for Seen { waiting, raw, submit, .. } in &seen {
            let what = format!("submit, one client, {} waiting", count(*waiting));
            report.line(&what, (Figure::Time(*submit), Figure::Time(*raw)), Target::AtMost(2.0), "");
        }
        let alone = seen.iter().map(|seen| seen.submit).min().unwrap_or_default();
        let figures = (Figure::Rate(together), Figure::Rate(1.0 / alone.as_secs_f64()));
        report.line(&format!("submit, {CLIENTS} clients share commits"), figures, Target::AtLeast(2.0), "");
        report.part("over the socket: with the largest backlog against with the smallest");
        let mut compare = |what: &str, of: fn(&Seen) -> Duration| {
            let figures = seen.iter().map(|seen| format!("{} at {}", time(of(seen)), count(seen.waiting)));
            let figures = figures.collect::<Vec<_>>().join(", ");
            report.line(what, (Figure::Time(of(last)), Figure::Time(of(first))), Target::AtMost(2.0), &figures);
        };
        compare("submit, one client", |seen| seen.submit);
        compare("list a page of 100", |seen| seen.page);
        compare("snapshot of who is next", |seen| seen.snapshot);
        compare("reprioritise, durable", |seen| seen.reprioritise);
    }
    if !restarts.is_empty() {
        report.part("a restart, until it answers: of 20 seconds");
        for (size, (ordered, killed)) in restarts {
            for (took, what) in [(ordered, "after an end in good order"), (killed, "after kill -9")] {
                let figures = (Figure::Time(took), Figure::Time(Duration::from_secs(20)));
                report.line(&format!("{what}, {} waiting", count(size)), figures, Target::AtMost(1.0), "");
            }
        }
    }
    Ok(())
}

/// How long it takes from the start until it answers: after an end in good order, and after `kill -9`.
fn restart(engine: &Engine) -> Outcome<(Duration, Duration)> {
    let from_start = || -> Outcome<Duration> {
        let start = Instant::now();
        engine.verb(&["engine", "start"])?;
        engine.status()?;
        Ok(start.elapsed())
    };
    engine.verb(&["engine", "stop"])?;
    let ordered = from_start()?;
    engine.kill()?;
    Ok((ordered, from_start()?))
}

pub fn dispatch(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let jobs = if plan.quick { 100 } else { 3_000 };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let engine = Engine::start(plan)?;
    let mut client = engine.client()?;
    client.prepare("run", cores.max(2), true)?;
    // The instance is there before the clock runs.
    let first = client.submit("run", Some(2))?;
    wait(&mut client, &first)?;
    let (mut best, mut raw) = (0.0_f64, 0.0_f64);
    for _ in 0..plan.rounds() {
        raw = raw.max(machine::spawns(jobs)?);
        let start = Instant::now();
        let array = client.submit("run", Some(jobs))?;
        wait(&mut client, &array)?;
        best = best.max(machine::rate(jobs, start.elapsed()));
    }
    report.part("jobs that run: processes that do nothing, with their logs kept");
    let what = "run jobs, against a bare loop of two at a time";
    let detail = format!("{} jobs, the best of {}", count(jobs), plan.rounds());
    report.line(what, (Figure::Rate(best), Figure::Rate(raw)), Target::AtLeast(0.65), &detail);
    others(engine.directory.path(), jobs, raw, report)?;
    let (kept, ran) = (count_files(&engine.data().join("logs"))?, 2 + jobs * plan.rounds());
    if kept != ran {
        return Err(format!("{kept} logs of {ran} jobs were kept").into());
    }
    let (few, many) = (ended_with(&mut client, plan, plan.sizes[0])?, ended_with(&mut client, plan, plan.most())?);
    let what = format!("run jobs, {} waiting against {}", count(plan.most()), count(plan.sizes[0]));
    report.line(&what, (Figure::Rate(many), Figure::Rate(few)), Target::AtLeast(0.5), "");
    Ok(())
}

/// How many jobs a second run with so many waiting behind them.
fn ended_with(client: &mut Client, plan: &Plan, waiting: usize) -> Outcome<f64> {
    const LARGEST: usize = 10_000;
    let (time, samples) = (Duration::from_millis(if plan.quick { 200 } else { 2_000 }), plan.rounds());
    let mut left = waiting.saturating_sub(client.jobs("run", &["RUNNABLE"])?);
    while left > 1 {
        let size = left.min(LARGEST);
        client.submit("run", Some(size))?;
        left -= size;
    }
    let mut best = 0.0_f64;
    for _ in 0..samples {
        let (before, start) = (client.jobs("run", &["SUCCEEDED"])?, Instant::now());
        std::thread::sleep(time);
        let ended = client.jobs("run", &["SUCCEEDED"])? - before;
        best = best.max(machine::rate(ended, start.elapsed()));
    }
    Ok(best)
}

/// Waits for the end of an array, and expects that it went well.
pub fn wait(client: &mut Client, array: &str) -> Outcome<()> {
    loop {
        let answer = client.post("/v1/describejobs", &json!({ "jobs": [array] }))?;
        match answer["jobs"][0]["status"].as_str() {
            Some("SUCCEEDED") => return Ok(()),
            Some("FAILED") => return Err(format!("the array failed: {answer}").into()),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn count_files(directory: &Path) -> io::Result<usize> {
    let mut files = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        files += if entry.file_type()?.is_dir() { count_files(&entry.path())? } else { 1 };
    }
    Ok(files)
}
