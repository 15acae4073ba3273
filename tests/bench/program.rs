//! The real program: durable submits over its socket, restarts, and jobs that really run.

use super::report::{Report, Target, count, median, time};
use super::{Plan, machine};
use serde_json::{Value, json};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const CLIENTS: usize = 64;

/// An engine in a directory of its own. When it is dropped, it and its agents are ended and the directory is removed.
struct Engine {
    directory: tempfile::TempDir,
}

impl Engine {
    fn start(plan: &Plan) -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("bench").tempdir_in(&plan.directory)?;
        let engine = Self { directory };
        engine.verb(&["engine", "start"])?;
        Ok(engine)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn verb(&self, arguments: &[&str]) -> Outcome<String> {
        let output = Command::new(env!("CARGO_BIN_EXE_batchdeck"))
            .args(arguments)
            .env("BATCHDECK_DATA_DIR", self.data())
            .env("BATCHDECK_CONFIG", self.directory.path().join("config.toml"))
            .output()?;
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout)?);
        }
        Err(format!("`batchdeck {}`: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into())
    }

    fn status(&self) -> Outcome<Value> {
        Ok(serde_json::from_str(&self.verb(&["engine", "status", "-o", "json"])?)?)
    }

    fn client(&self) -> Outcome<Client> {
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
struct Client(BufReader<UnixStream>);

impl Client {
    fn open(socket: &Path) -> Outcome<Self> {
        Ok(Self(BufReader::new(UnixStream::connect(socket)?)))
    }

    fn call(&mut self, method: &str, path: &str, body: &Value) -> Outcome<Value> {
        let body = body.to_string();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: engine\r\nx-batchdeck-by: bench@here\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
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

    fn post(&mut self, path: &str, body: &Value) -> Outcome<Value> {
        self.call("POST", path, body)
    }

    /// An environment whose jobs are processes of this machine, a queue of the same name on it, and a job that does
    /// nothing. One that is off keeps all its jobs waiting.
    fn prepare(&mut self, name: &str, vcpus: usize, on: bool) -> Outcome<()> {
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

    fn submit(&mut self, queue: &str, size: Option<usize>) -> Outcome<String> {
        let mut request = json!({ "jobName": "nothing", "jobQueue": queue, "jobDefinition": "nothing" });
        if let Some(size) = size {
            request["arrayProperties"] = json!({ "size": size });
        }
        let answer = self.post("/v1/submitjob", &request)?;
        Ok(answer["jobId"].as_str().ok_or("a submitted job has an id")?.to_owned())
    }
}

/// Submits until so many wait, by all clients at once; how long it took.
fn fill(engine: &Engine, jobs: usize) -> Outcome<Duration> {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let work = || -> Outcome<()> {
        let mut client = engine.client()?;
        while next.fetch_add(1, Ordering::Relaxed) < jobs {
            client.submit("held", None)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(work)).collect();
        clients.into_iter().try_for_each(|client| client.join().unwrap_or_else(|_| Err("a client panicked".into())))
    })?;
    Ok(start.elapsed())
}

fn middle(samples: usize, mut call: impl FnMut() -> Outcome<()>) -> Outcome<Duration> {
    let mut times = Vec::with_capacity(samples);
    for _ in 0..samples {
        let start = Instant::now();
        call()?;
        times.push(start.elapsed());
    }
    Ok(median(times))
}

/// What a client sees with so many waiting.
struct Seen {
    submit: Duration,
    page: Duration,
    reprioritise: Duration,
}

pub fn submit_and_restart(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let engine = Engine::start(plan)?;
    engine.client()?.prepare("held", 2, false)?;
    let samples = if plan.quick { 50 } else { 500 };
    let mut seen = Vec::new();
    let mut waiting = 0;
    let mut restarts = Vec::new();
    let mut shared = None;
    for size in &plan.sizes {
        let jobs = size.saturating_sub(waiting);
        let took = fill(&engine, jobs)?;
        waiting += jobs;
        shared = Some((jobs, took));
        let raw = machine::append_and_sync(engine.directory.path(), samples)?;
        let mut client = engine.client()?;
        let submit = middle(samples, || client.submit("held", None).map(drop))?;
        waiting += samples;
        let last = client.submit("held", None)?;
        let list = json!({ "queue": "held", "statuses": ["RUNNABLE"], "limit": 100 });
        let page = middle(samples, || client.post("/batchdeck/v1/jobs/list", &list).map(drop))?;
        let path = format!("/batchdeck/v1/jobs/{last}/priority");
        let reprioritise = middle(samples, || client.call("PUT", &path, &json!({ "priority": 5 })).map(drop))?;
        seen.push((*size, raw, Seen { submit, page, reprioritise }));
        drop(client);
        if plan.has("restart") {
            restarts.push((*size, restart(&engine)?));
        }
    }
    if plan.has("submit") {
        report.part(
            "over the socket: a durable submit against an append with its sync, and all against the smallest size",
        );
        for (size, raw, seen) in &seen {
            let ratio = seen.submit.as_secs_f64() / raw.as_secs_f64();
            let figures = format!("{} against {}", time(seen.submit), time(*raw));
            report.line(ratio, Target::AtMost(2.0), &format!("submit, one client, {} waiting", count(*size)), &figures);
        }
        if let (Some((jobs, took)), Some((_, _, one))) = (shared, seen.last()) {
            let (rate, alone) = (machine::rate(jobs, took), 1.0 / one.submit.as_secs_f64());
            let figures = format!("{rate:.0} a second against {alone:.0} of one client");
            report.line(
                rate / alone,
                Target::AtLeast(2.0),
                &format!("submit, {CLIENTS} clients share commits"),
                &figures,
            );
        }
        let pick: [(&str, fn(&Seen) -> Duration); 3] = [
            ("submit, one client", |seen| seen.submit),
            ("list a page of 100", |seen| seen.page),
            ("reprioritise, durable", |seen| seen.reprioritise),
        ];
        for (what, of) in pick {
            let figures: Vec<String> =
                seen.iter().map(|(size, _, seen)| format!("{} at {}", time(of(seen)), count(*size))).collect();
            let at = |seen: Option<&(usize, Duration, Seen)>| seen.map_or(1.0, |(_, _, seen)| of(seen).as_secs_f64());
            report.line(at(seen.last()) / at(seen.first()), Target::AtMost(2.0), what, &figures.join(", "));
        }
    }
    if plan.has("restart") {
        report.part("a restart, of 20 seconds: until it answers, ended in good order and killed");
        for (size, (ordered, killed)) in restarts {
            for (time_taken, what) in [(ordered, "after an end in good order"), (killed, "after kill -9")] {
                let ratio = time_taken.as_secs_f64() / 20.0;
                let what = format!("{what}, {} waiting", count(size));
                report.line(ratio, Target::AtMost(1.0), &what, &time(time_taken));
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
    let pid = engine.status()?["pid"].as_u64().ok_or("an engine has a pid")?;
    Command::new("kill").args(["-9", &pid.to_string()]).status()?;
    while Path::new(&format!("/proc/{pid}")).exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok((ordered, from_start()?))
}

pub fn dispatch(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let jobs = if plan.quick { 100 } else { 4_000 };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let engine = Engine::start(plan)?;
    let mut client = engine.client()?;
    client.prepare("run", cores.max(2), true)?;
    // The instance is there before the clock runs.
    let first = client.submit("run", Some(2))?;
    wait(&mut client, &first)?;
    let raw = machine::spawns(engine.directory.path(), jobs)?;
    let start = Instant::now();
    let array = client.submit("run", Some(jobs))?;
    wait(&mut client, &array)?;
    let rate = machine::rate(jobs, start.elapsed());
    report.part("jobs that run: processes that do nothing, with their logs kept, against a bare loop of two at a time");
    let figures = format!("{rate:.0} a second against {raw:.0}, {} jobs", count(jobs));
    let target = if plan.quick { Target::None } else { Target::AtLeast(0.5) };
    report.line(rate / raw, target, "run a job that does nothing", &figures);
    let logs = count_files(&engine.data().join("logs"))?;
    if logs < jobs {
        return Err(format!("{logs} logs of {jobs} jobs were kept").into());
    }
    Ok(())
}

/// Waits for the end of an array, and expects that it went well.
fn wait(client: &mut Client, array: &str) -> Outcome<()> {
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
