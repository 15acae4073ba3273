//! The engine's API as AWS's own tools see it: Python scripts in `tests/wire` with boto3 and the `aws` command line.
//!
//! A script is run by [`run`] against a fresh engine with a TCP door. It finds what `batchdeck engine env` prints in its
//! environment, so `boto3.client("batch")` and `aws batch …` simply work; `common.py` beside it has what scripts share.
//! It says what is wrong by failing: an `assert`, or any exception.

use crate::support::House;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a script may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// An engine with a TCP door, and what AWS's tools need to use it.
pub struct Wire {
    pub house: House,
    python: PathBuf,
    variables: Vec<(String, String)>,
}

/// Runs `tests/wire/SCRIPT` against an engine of its own and expects it to succeed.
pub fn run(script: &str) {
    if let Some(wire) = Wire::start() {
        wire.run(script, &[]);
    }
}

impl Wire {
    /// Starts an engine. `None` where there is no boto3 on this machine, which is a failure where `CI` is set.
    pub fn start() -> Option<Self> {
        Self::start_in(House::new())
    }

    /// Starts one in a house that is furnished already.
    pub fn start_in(house: House) -> Option<Self> {
        let Some(python) = python() else {
            let told = "AWS's tools could not be set up: no python3 with boto3, and `aws`, on PATH; install them with \
                        `pip install boto3 awscli`, or set BATCHDECK_TEST_PYTHON to a python that has them";
            assert!(std::env::var_os("CI").is_none(), "{told}");
            say(told);
            return None;
        };
        house.ok(&["engine", "start", "--http", "127.0.0.1:0"]);
        let variables = variables(&house.ok(&["engine", "env"]));
        Some(Self { house, python, variables })
    }

    /// Runs `tests/wire/SCRIPT` with `arguments` and expects it to succeed.
    pub fn run(&self, script: &str, arguments: &[&str]) {
        let path = scripts().join(script);
        assert!(path.is_file(), "there is no script {}", path.display());
        let log = self.house.path().join("script.log");
        let output = std::fs::File::create(&log).expect("a file for its output");
        let mut command = self.command(&self.python);
        command.arg(&path).args(arguments).stdout(output.try_clone().expect("a file")).stderr(output);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{} {error}", self.python.display()));
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait().expect("it can be waited for") {
                break Some(status);
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let told = std::fs::read_to_string(&log).unwrap_or_default();
        match status {
            Some(status) => assert!(status.success(), "{script} ended with {status}\n{told}"),
            None => panic!("{script} did not end within {} s\n{told}", PATIENCE.as_secs()),
        }
    }

    /// A variable of those that `engine env` prints.
    pub fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("no {name} in {:?}", self.variables), |(_, value)| value.as_str())
    }

    /// A program that sees the engine as AWS, and nothing else of AWS.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let bin = self.python.parent().map(Path::to_owned).unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).expect("a PATH");
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.house.path())
            .env("LANG", "C.UTF-8")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_CONFIG_FILE", "/nonexistent/config")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_PAGER", "")
            .env("BATCHDECK", env!("CARGO_BIN_EXE_batchdeck"))
            .env("BATCHDECK_DATA_DIR", self.house.data())
            .env("BATCHDECK_CONFIG", self.house.path().join("config.toml"))
            .envs(self.variables.clone())
            .current_dir(self.house.path())
            .stdin(Stdio::null());
        // A version manager's shim finds its versions by this.
        command.envs(std::env::var_os("PYENV_ROOT").map(|root| ("PYENV_ROOT", root)));
        command
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire")
}

/// The `export NAME='VALUE'` lines.
pub fn variables(text: &str) -> Vec<(String, String)> {
    text.lines()
        .map(|line| {
            let (name, value) = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')).expect("an export");
            (name.to_owned(), value.trim_matches('\'').to_owned())
        })
        .collect()
}

/// The python that has boto3 and the `aws` command, itself and not a version manager's stand-in for it.
fn python() -> Option<PathBuf> {
    let asked = std::env::var_os("BATCHDECK_TEST_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let code = "import boto3, sys, os.path; assert os.path.exists(os.path.join(os.path.dirname(sys.executable), 'aws')); \
                print(sys.executable)";
    let output = Command::new(asked).args(["-c", code]).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests should see what was left out")]
fn say(told: &str) {
    eprintln!("{told}");
}
