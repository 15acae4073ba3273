//! The container runtime of this machine: Docker, or Podman, which answers to the same API.

use bollard::Docker;
use bollard::errors::Error;
use std::time::Duration;

/// How long a runtime may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// No runtime answers; says where one was looked for.
#[derive(Debug, thiserror::Error)]
#[error("no container runtime answers at {}; start Docker or Podman, or use the image \"host\" to run a process on this machine", tried.join(", "))]
pub(super) struct NoRuntime {
    tried: Vec<String>,
}

/// The first runtime that answers: at `docker_host`, or else at `DOCKER_HOST`, or else at one of the usual sockets.
pub(super) async fn find(docker_host: Option<&str>) -> Result<Docker, NoRuntime> {
    find_with_address(docker_host).await.map(|(docker, _)| docker)
}

/// The same, and where it answers.
pub(super) async fn find_with_address(docker_host: Option<&str>) -> Result<(Docker, String), NoRuntime> {
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut tried = Vec::new();
    for address in addresses(docker_host, rustix::process::getuid().as_raw(), environment) {
        match connect(&address).await {
            Ok(docker) => return Ok((docker, address)),
            Err(Error::UnsupportedURISchemeError { .. }) => {
                tried.push(format!("{address} (an address is unix:///path or tcp://host:port)"));
            }
            Err(error) => {
                tracing::debug!(address, %error, "no container runtime");
                tried.push(address);
            }
        }
    }
    Err(NoRuntime { tried })
}

fn addresses(docker_host: Option<&str>, user: u32, environment: impl Fn(&str) -> Option<String>) -> Vec<String> {
    if let Some(one) = docker_host.map(str::to_owned).or_else(|| environment("DOCKER_HOST")) {
        return vec![if one.starts_with('/') { format!("unix://{one}") } else { one }];
    }
    let runtime = environment("XDG_RUNTIME_DIR").unwrap_or_else(|| format!("/run/user/{user}"));
    let home = environment("HOME").map(|home| format!("{home}/.docker/run/docker.sock"));
    // The machine's Docker, then those of a user without root, then the machine's Podman.
    let sockets = [
        Some("/var/run/docker.sock".to_owned()),
        Some(format!("{runtime}/docker.sock")),
        Some(format!("{runtime}/podman/podman.sock")),
        home,
        Some("/run/podman/podman.sock".to_owned()),
    ];
    sockets.into_iter().flatten().map(|path| format!("unix://{path}")).collect()
}

async fn connect(address: &str) -> Result<Docker, Error> {
    let docker = Docker::connect_with_host(address)?;
    match tokio::time::timeout(PATIENCE, docker.negotiate_version()).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::RequestTimeoutError),
    }
}

/// What the runtime says, without what the client wraps around it.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } => error.trim().to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_looked_for_where_one_was_named_or_at_the_usual_places() {
        type Case<'a> = (Option<&'a str>, &'a [(&'a str, &'a str)], &'a [&'a str]);
        let table: &[Case] = &[
            (Some("tcp://h:1"), &[("DOCKER_HOST", "unix:///a")], &["tcp://h:1"]),
            (Some("/a/b.sock"), &[], &["unix:///a/b.sock"]),
            (None, &[("DOCKER_HOST", "unix:///a"), ("XDG_RUNTIME_DIR", "/run/user/1")], &["unix:///a"]),
            (
                None,
                &[("XDG_RUNTIME_DIR", "/run/user/1"), ("HOME", "/home/a")],
                &[
                    "unix:///var/run/docker.sock",
                    "unix:///run/user/1/docker.sock",
                    "unix:///run/user/1/podman/podman.sock",
                    "unix:///home/a/.docker/run/docker.sock",
                    "unix:///run/podman/podman.sock",
                ],
            ),
            (
                None,
                &[],
                &[
                    "unix:///var/run/docker.sock",
                    "unix:///run/user/7/docker.sock",
                    "unix:///run/user/7/podman/podman.sock",
                    "unix:///run/podman/podman.sock",
                ],
            ),
        ];
        for (named, environment, expect) in table {
            let found = addresses(*named, 7, |name| {
                environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(found, *expect, "{named:?} {environment:?}");
        }
    }
}
