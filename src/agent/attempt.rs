//! One attempt, from its start to its exit, as a process or a container.

use super::control::Control;
use super::message::{Exit, Start};
use super::usage::Meters;
use super::{containers, now, process};
use crate::model::{HOST_IMAGE, InstanceId, Millis};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What an attempt needs of the agent around it.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub data_directory: PathBuf,
    pub instance: InstanceId,
    pub docker_host: Option<String>,
    pub meters: Arc<Meters>,
}

/// Runs an attempt and gives how it ended. `began` is called once, when it runs.
pub(super) async fn run(
    start: &Start,
    surroundings: &Surroundings,
    control: Control,
    began: impl FnOnce(Millis) + Send,
) -> Exit {
    let Some(container) = start.containers.first() else {
        return never_started("CannotStartContainerError: the task has no container".to_owned());
    };
    for (what, path) in [("task id", &start.task_id), ("log stream", &container.log_stream)] {
        if !stays_inside(path) {
            let reason =
                format!("CannotStartContainerError: the {what} `{path}` leaves its directory; use a plain name");
            return never_started(reason);
        }
    }
    let log = surroundings.data_directory.join("logs").join(format!("{}.log", container.log_stream));
    if start.as_process || container.properties.image == HOST_IMAGE {
        process::run(start, container, surroundings, control, log, began).await
    } else {
        containers::run(start, container, surroundings, control, log, began).await
    }
}

/// The exit of an attempt that has not come to life, with `container.reason`.
pub(super) fn never_started(reason: impl Into<Option<String>>) -> Exit {
    Exit { at: now(), reason: reason.into(), ..Exit::default() }
}

fn stays_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leaves_its_directory_is_refused() {
        let table =
            [("a", true), ("a/default/b", true), ("", false), ("/a", false), ("../a", false), ("a/../../b", false)];
        for (path, expect) in table {
            assert_eq!(stays_inside(path), expect, "{path}");
        }
    }
}
