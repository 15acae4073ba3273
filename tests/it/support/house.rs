//! A data directory and a config of one's own, with the real program to run in it.

use super::Terminal;
use portable_pty::CommandBuilder;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_mins(1);

/// A place where one engine lives. When it is dropped, the engine and its agents are ended.
pub struct House {
    directory: tempfile::TempDir,
    variables: Vec<(String, String)>,
    /// Who runs the program here, where it is another than who runs the tests.
    user: Option<u32>,
}

impl House {
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("bd").tempdir().expect("a temporary directory");
        Self { directory, variables: Vec::new(), user: None }
    }

    /// One whose engine runs containers, where a container runtime was set up for the tests; without one there is none,
    /// which is said.
    pub fn with_containers() -> Option<Self> {
        let Ok(address) = std::env::var("BATCHDECK_TEST_DOCKER_HOST") else {
            super::skipped("no container runtime in BATCHDECK_TEST_DOCKER_HOST");
            return None;
        };
        let house = Self::new().with_variable("DOCKER_HOST", &address);
        std::fs::write(house.path().join("config.toml"), format!("[engine]\ndocker-host = '{address}'\n"))
            .expect("written");
        house.ok(&["init"]);
        Some(house)
    }

    /// Submits a job in a container of the image of the tests, with what is said of that beside its size, and waits until
    /// it runs; answers its id.
    pub fn submit_boxed(&self, mut container: Value) -> String {
        container["image"] = "localhost/batchdeck-test:latest".into();
        container["resourceRequirements"] =
            serde_json::json!([{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]);
        let definition = serde_json::json!({
            "jobDefinitionName": "box", "type": "container", "containerProperties": container,
        });
        let file = self.path().join("box.json");
        std::fs::write(&file, definition.to_string()).expect("written");
        self.ok(&["definitions", "register", &file.display().to_string()]);
        let job = self.submit(&["--name", "boxed", "--definition", "box"]);
        self.until_status(&job, "RUNNING");
        job
    }

    /// Sets a variable for every program that is started here.
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes back what was set.
    pub fn without_variable(mut self, name: &str) -> Self {
        self.variables.retain(|(set, _)| set != name);
        self
    }

    /// Has another user run every program that is started here, as root alone can.
    pub fn of_user(mut self, user: u32) -> Self {
        std::os::unix::fs::chown(self.path(), Some(user), Some(user)).expect("root gives it away");
        self.user = Some(user);
        self
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    fn environment(&self) -> Vec<(String, String)> {
        let keep = ["PATH", "HOME", "LANG", "USER", "TMPDIR"];
        let mut all: Vec<(String, String)> =
            keep.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
        all.push(("BATCHDECK_DATA_DIR".into(), self.data().display().to_string()));
        all.push(("BATCHDECK_CONFIG".into(), self.path().join("config.toml").display().to_string()));
        all.push(("TERM".into(), "xterm-256color".into()));
        all.push(("LANG".into(), "C.UTF-8".into()));
        all.extend(self.variables.clone());
        all
    }

    /// The program with `arguments`, ready to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_within(&[], arguments)
    }

    /// The same, started by another program, as `prlimit` with its arguments.
    pub fn command_within(&self, starter: &[&str], arguments: &[&str]) -> Command {
        let user = self.user.map(|user| format!("--reuid={user} --regid={user} --clear-groups --bounding-set=-all"));
        let words = user.iter().flat_map(|user| std::iter::once("setpriv").chain(user.split(' ')));
        let mut words = words.chain(starter.iter().copied()).chain([env!("CARGO_BIN_EXE_batchdeck")]);
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words);
        command.args(arguments).env_clear().envs(self.environment()).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Runs it, expects success, and returns what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "`batchdeck {}` ended with {}\n{}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Runs it with `-o json` and reads the answer.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["-o", "json"]);
        let text = self.ok(&all);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in\n{text}"))
    }

    /// Opens the program in a terminal.
    pub fn open(&self, arguments: &[&str], columns: u16, rows: u16) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_batchdeck"));
        command.args(arguments);
        command.env_clear();
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command.cwd(self.path());
        Terminal::start(command, columns, rows)
    }

    /// Asks again and again until the answer is good; each asking is a whole run of the program.
    pub fn until(&self, what: &str, arguments: &[&str], good: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.json(arguments);
            if good(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "never: {what}; the last answer was\n{answer:#}");
        }
    }

    /// Waits until the job is in `status`.
    pub fn until_status(&self, job: &str, status: &str) -> Value {
        self.until(&format!("job {job} {status}"), &["job", job], |answer| answer["status"] == status)
    }

    /// Submits a job and returns its id.
    pub fn submit(&self, arguments: &[&str]) -> String {
        let mut all = vec!["submit", "-o", "json"];
        all.extend(arguments);
        let text = self.ok(&all);
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
        answer["jobId"].as_str().expect("a job id").to_owned()
    }

    pub fn engine_pid(&self) -> u32 {
        let status = self.json(&["--context", "local", "engine", "status"]);
        u32::try_from(status["pid"].as_u64().expect("a pid")).expect("a pid")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let agents: Vec<u64> = self
            .command(&["--context", "local", "engine", "status", "-o", "json"])
            .output()
            .ok()
            .and_then(|output| serde_json::from_slice::<Value>(&output.stdout).ok())
            .map(|status| status["agents"].as_array().into_iter().flatten().filter_map(|a| a["pid"].as_u64()).collect())
            .unwrap_or_default();
        let _ = self.command(&["--context", "local", "engine", "stop"]).output();
        for pid in agents {
            let _ = Command::new("kill").arg(pid.to_string()).output();
        }
    }
}
