//! Others that run many jobs, as far as they are installed: the same jobs that do nothing, two at a time.

use super::machine::rate;
use super::program::Outcome;
use super::report::{Figure, Report, Target};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Other {
    program: &'static str,
    is_there: fn() -> bool,
    /// What it keeps of the jobs, as far as it was told to.
    keeps: &'static str,
    /// It takes each job by a program of its own, so that fewer are enough.
    is_slow: bool,
    run: fn(&Path, usize) -> Outcome<Duration>,
}

const OTHERS: [Other; 5] = [
    Other { program: "xargs", is_there: || on_path("xargs"), keeps: "nothing", is_slow: false, run: xargs },
    Other {
        program: "parallel",
        is_there: || on_path("parallel"),
        keeps: "a list and the output",
        is_slow: false,
        run: parallel,
    },
    Other { program: "hq", is_there: has_hyperqueue, keeps: "its list, not durably", is_slow: false, run: hyperqueue },
    Other {
        program: "tsp",
        is_there: || on_path("tsp"),
        keeps: "the output, and nothing over a restart",
        is_slow: true,
        run: task_spooler,
    },
    Other {
        program: "pueue",
        is_there: || on_path("pueue"),
        keeps: "its list and the output",
        is_slow: true,
        run: pueue,
    },
];

/// Each beside the bare loop of the same run.
pub fn others(directory: &Path, jobs: usize, raw: f64, report: &mut Report) -> Outcome<()> {
    let mut missing = Vec::new();
    for other in &OTHERS {
        if !(other.is_there)() {
            missing.push(other.program);
            continue;
        }
        let jobs = if other.is_slow { jobs.div_ceil(10) } else { jobs };
        let place = tempfile::Builder::new().prefix("other").tempdir_in(directory)?;
        let took = (other.run)(place.path(), jobs).map_err(|error| format!("{}: {error}", other.program))?;
        let what = format!("the same by {}", other.program);
        let detail = format!("{jobs} jobs; it keeps {}", other.keeps);
        report.line(&what, (Figure::Rate(rate(jobs, took)), Figure::Rate(raw)), Target::None, &detail);
    }
    if !missing.is_empty() {
        report.note(&format!("not on the PATH, and left out: {}", missing.join(", ")));
    }
    Ok(())
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

fn quiet(program: &str, arguments: &[&str], place: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(place).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("HOME", place).env("TS_SOCKET", place.join("tsp")).env("TMPDIR", place);
    command
}

fn done(command: &mut Command) -> Outcome<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}

/// A server that ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until(what: &str, mut good: impl FnMut() -> bool) -> Outcome<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !good() {
        if Instant::now() > deadline {
            return Err(format!("never: {what}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn timed(command: &mut Command) -> Outcome<Duration> {
    let start = Instant::now();
    done(command)?;
    Ok(start.elapsed())
}

fn numbers(place: &Path, jobs: usize) -> Outcome<PathBuf> {
    let path = place.join("numbers");
    let lines: Vec<String> = (0..jobs).map(|number| number.to_string()).collect();
    std::fs::write(&path, lines.join("\n") + "\n")?;
    Ok(path)
}

fn xargs(place: &Path, jobs: usize) -> Outcome<Duration> {
    let numbers = std::fs::File::open(numbers(place, jobs)?)?;
    timed(quiet("xargs", &["-P2", "-n1", "/bin/true"], place).stdin(numbers))
}

fn parallel(place: &Path, jobs: usize) -> Outcome<Duration> {
    let numbers = std::fs::File::open(numbers(place, jobs)?)?;
    let arguments = ["--will-cite", "-j2", "--joblog", "list", "--results", "output", "-N1", "/bin/true"];
    timed(quiet("parallel", &arguments, place).stdin(numbers))
}

/// Its program, or the Python package of the same make.
fn has_hyperqueue() -> bool {
    on_path("hq") || done(&mut quiet("python3", &["-c", "import hyperqueue"], Path::new("/"))).is_ok()
}

/// It looks once a second whether jobs have ended; a last task, behind all others, tells when they had.
const HYPERQUEUE: &str = r#"
import sys, time
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

with LocalCluster(worker_config=WorkerConfig(cores=2)) as cluster:
    client = cluster.client()
    def run(count):
        job = Job()
        tasks = [job.program(["/bin/true"], stdout=None, stderr=None) for _ in range(count)]
        job.program(["/bin/sh", "-c", "date +%s.%N >end"], stdout=None, stderr=None, deps=tasks)
        start = time.time()
        client.wait_for_jobs([client.submit(job)])
        return float(open("end").read()) - start
    run(2)
    print(run(int(sys.argv[1])))
"#;

fn hyperqueue_of_python(place: &Path, jobs: usize) -> Outcome<Duration> {
    let output = quiet("python3", &["-c", HYPERQUEUE, &jobs.to_string()], place).stdout(Stdio::piped()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let seconds: f64 = text.lines().last().ok_or("it said nothing")?.parse()?;
    Ok(Duration::try_from_secs_f64(seconds)?)
}

fn hyperqueue(place: &Path, jobs: usize) -> Outcome<Duration> {
    if !on_path("hq") {
        return hyperqueue_of_python(place, jobs);
    }
    let hq = |arguments: &[&str]| {
        let mut command = quiet("hq", &["--server-dir", "server"], place);
        command.args(arguments);
        command
    };
    let _server = Server(hq(&["server", "start"]).spawn()?);
    until("a server of HyperQueue", || hq(&["server", "info"]).status().is_ok_and(|status| status.success()))?;
    let _worker = Server(hq(&["worker", "start", "--cpus", "2"]).spawn()?);
    done(&mut hq(&["worker", "wait", "1"]))?;
    let array = format!("1-{jobs}");
    timed(&mut hq(&["submit", "--array", &array, "--wait", "--stdout", "none", "--stderr", "none", "/bin/true"]))
}

fn task_spooler(place: &Path, jobs: usize) -> Outcome<Duration> {
    let tsp = |arguments: &[&str]| done(&mut quiet("tsp", arguments, place));
    tsp(&["-S", "2"])?;
    let start = Instant::now();
    for _ in 0..jobs {
        tsp(&["/bin/true"])?;
    }
    tsp(&["-w"])?;
    let took = start.elapsed();
    tsp(&["-K"])?;
    Ok(took)
}

fn pueue(place: &Path, jobs: usize) -> Outcome<Duration> {
    let _server = Server(quiet("pueued", &[], place).spawn()?);
    let run = |arguments: &[&str]| done(&mut quiet("pueue", arguments, place));
    until("a server of pueue", || run(&["status"]).is_ok())?;
    run(&["parallel", "2"])?;
    let start = Instant::now();
    for _ in 0..jobs {
        run(&["add", "--", "/bin/true"])?;
    }
    run(&["wait", "--all"])?;
    Ok(start.elapsed())
}
