//! Where an attempt runs on this machine, for somebody who wants to be there too: beside its process, or in its container.

use super::leftovers::INSTANCE_VARIABLE;
use super::{containers, procs, runtime};
use crate::model::{AttemptId, JobId, JobStatus};
use bollard::query_parameters::ListContainersOptions;
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// A place in which a shell can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inside {
    /// Beside a process of this machine: where that works, with what it was given.
    Process { directory: PathBuf, environment: Vec<(OsString, OsString)> },
    /// In a container, by the tool of its runtime.
    Container { tool: Tool, address: String, id: String },
}

/// The command line tool of a container runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Docker,
    Podman,
}

/// Why there is no such place.
#[derive(Debug, thiserror::Error)]
pub enum NotInside {
    #[error("it is {status}, and a shell needs a job that runs")]
    NotRunning { status: JobStatus },
    #[error(
        "no process and no container of its attempt {number} is on this machine; it may have ended just now{looked}"
    )]
    Nothing { number: u32, looked: String },
    #[error("its process {pid} belongs to another user: {cause}")]
    NotOurs { pid: i32, cause: std::io::Error },
    #[error("it runs in {} containers: {}; name one with --container", names.len(), names.join(", "))]
    Several { names: Vec<String> },
    #[error("it runs in a container, and neither `docker` nor `podman` is in $PATH to go there")]
    NoTool,
}

impl Tool {
    pub fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// The variable that tells it where its runtime is.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Docker => "DOCKER_HOST",
            Self::Podman => "CONTAINER_HOST",
        }
    }

    /// What makes it look there.
    pub fn remote(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &[],
            Self::Podman => &["--remote"],
        }
    }

    fn found() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_there = |tool: &Self| std::env::split_paths(&path).any(|place| place.join(tool.program()).is_file());
        [Self::Docker, Self::Podman].into_iter().find(is_there)
    }
}

/// Looks for the attempt's process, and then for its container.
pub async fn find(
    job: &JobId,
    number: u32,
    container: Option<&str>,
    docker_host: Option<&str>,
) -> Result<Inside, NotInside> {
    let attempt = AttemptId { job: job.clone(), number };
    if let Some(pid) = first_process(&attempt, container) {
        return beside(pid);
    }
    let (docker, address) = match runtime::find_with_address(docker_host).await {
        Ok(found) => found,
        Err(error) => return Err(NotInside::Nothing { number, looked: format!("; {error}") }),
    };
    let labels = vec![format!("{}={attempt}", containers::ATTEMPT_LABEL)];
    let filters = Some(HashMap::from([("label".to_owned(), labels)]));
    let listed = docker.list_containers(Some(ListContainersOptions { filters, ..Default::default() })).await;
    let looked = match &listed {
        Ok(_) => String::new(),
        Err(error) => format!("; {address}: {}", runtime::words(error)),
    };
    let mut found: Vec<(String, String)> = listed
        .unwrap_or_default()
        .into_iter()
        .filter_map(|listed| {
            let name = listed.labels?.remove(containers::CONTAINER_LABEL).unwrap_or_default();
            Some((name, listed.id?))
        })
        .filter(|(name, _)| container.is_none_or(|wanted| wanted == name))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some((_, id)), true) => Ok(Inside::Container { tool: Tool::found().ok_or(NotInside::NoTool)?, address, id }),
        (Some((last, _)), false) => {
            let mut names: Vec<String> = found.into_iter().map(|(name, _)| name).chain([last]).collect();
            names.sort();
            Err(NotInside::Several { names })
        }
        (None, _) => Err(NotInside::Nothing { number, looked }),
    }
}

/// The process of the attempt that has lived longest, of those that see the files of this machine: the process of a
/// container carries the same marks, and its directories are not ours.
fn first_process(attempt: &AttemptId, container: Option<&str>) -> Option<i32> {
    let mut entries = super::attempt_entries(attempt).to_vec();
    entries.extend(container.map(|name| format!("BATCHDECK_CONTAINER={name}")));
    let is_of_it = |pid: i32| procs::settled_environment(pid, &entries) && procs::has_variable(pid, INSTANCE_VARIABLE);
    procs::all()
        .into_iter()
        .filter(|seen| !seen.zombie && is_of_it(seen.pid) && procs::shares_our_root(seen.pid))
        .min_by_key(|seen| (seen.started, seen.pid))
        .map(|seen| seen.pid)
}

fn beside(pid: i32) -> Result<Inside, NotInside> {
    let failed = |cause| NotInside::NotOurs { pid, cause };
    let directory = std::fs::read_link(format!("/proc/{pid}/cwd")).map_err(failed)?;
    let environ = std::fs::read(format!("/proc/{pid}/environ")).map_err(failed)?;
    Ok(Inside::Process { directory, environment: variables(&environ) })
}

/// The variables of a process, without the one by which the agent ends what an attempt has left: a shell is somebody's own.
fn variables(environ: &[u8]) -> Vec<(OsString, OsString)> {
    let entries = environ.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
    entries
        .filter_map(|entry| {
            let at = entry.iter().position(|byte| *byte == b'=')?;
            Some((OsString::from_vec(entry[..at].to_vec()), OsString::from_vec(entry[at + 1..].to_vec())))
        })
        .filter(|(name, _)| name != INSTANCE_VARIABLE)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[tokio::test]
    async fn the_process_of_an_attempt_is_found_with_its_directory_and_what_it_was_given() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().canonicalize().expect("it is there");
        let job = JobId(format!("test-{}", std::process::id()));
        let mut child = Command::new("sleep")
            .arg("60")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env(INSTANCE_VARIABLE, "i-1")
            .env("AWS_BATCH_JOB_ID", job.as_str())
            .env("AWS_BATCH_JOB_ATTEMPT", "2")
            .env("ODD", "a=b c")
            .current_dir(&place)
            .stdin(Stdio::null())
            .spawn()
            .expect("sleep runs");
        let found = find(&job, 2, None, Some("unix:///nonexistent.sock")).await;
        let other = find(&job, 1, None, Some("unix:///nonexistent.sock")).await;
        child.kill().expect("it ends");
        child.wait().expect("it has ended");
        let Ok(Inside::Process { directory, environment }) = found else { panic!("{found:?}") };
        assert_eq!(directory, place);
        let value = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        assert_eq!(value("ODD"), Some("a=b c".into()));
        assert_eq!(value(INSTANCE_VARIABLE), None, "the shell is not ended with the job");
        let refusal = other.expect_err("it is attempt 2").to_string();
        assert!(refusal.starts_with("no process and no container of its attempt 1 is on this machine"), "{refusal}");
    }
}
