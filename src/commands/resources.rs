//! Making queues, environments and definitions where they are missing.

use super::error::{CommandError, Doing};
use super::world::World;
use crate::backend::{Backend, BackendError};
use crate::model::{
    ContainerProperties, CreateComputeEnvironmentRequest, CreateJobQueueRequest, Health, JobDefinition, JobTimeout,
    RegisterJobDefinitionRequest, RetryStrategy,
};
use futures::StreamExt;
use std::time::Duration;

/// How long a new queue or environment may take to become VALID.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked at, where nothing is heard of it.
const LOOK: Duration = Duration::from_millis(500);

/// What was made, each by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    pub environments: Vec<String>,
    pub queues: Vec<String>,
    /// With their revisions.
    pub definitions: Vec<String>,
    pub schedules: Vec<String>,
}

impl Made {
    /// `environment local, 3 queues`: one by its name, several by their number. `None` where nothing was made.
    pub fn told(&self) -> Option<String> {
        let kinds = [
            ("environment", &self.environments),
            ("queue", &self.queues),
            ("definition", &self.definitions),
            ("schedule", &self.schedules),
        ];
        let told: Vec<String> = kinds
            .into_iter()
            .filter_map(|(kind, names)| match names.as_slice() {
                [] => None,
                [one] => Some(format!("{kind} {one}")),
                several => Some(format!("{} {kind}s", several.len())),
            })
            .collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

/// Makes environments that are missing, and answers the names of those it made.
pub async fn environments(
    world: &World,
    wanted: Vec<CreateComputeEnvironmentRequest>,
) -> Result<Vec<String>, CommandError> {
    let there = world.backend.environments_alone().await.doing("listing compute environments")?;
    let mut made = Vec::new();
    for request in wanted {
        let name = request.compute_environment_name.clone();
        if there.iter().any(|known| known.compute_environment_name == name) {
            continue;
        }
        let created = world.backend.create_compute_environment(request).await;
        let is_there = async || {
            let now = world.backend.environments_alone().await?;
            Ok(now.iter().any(|known| known.compute_environment_name == name))
        };
        if is_ours(created, is_there, format!("creating the compute environment `{name}`")).await? {
            made.push(name);
        }
    }
    settle(&*world.backend, "compute environments", async || {
        let now = world.backend.environments_alone().await?;
        Ok(now.iter().all(|one| !matches!(one.status, Health::Creating | Health::Updating)))
    })
    .await?;
    Ok(made)
}

/// Makes queues that are missing, and answers the names of those it made.
pub async fn queues(world: &World, wanted: Vec<CreateJobQueueRequest>) -> Result<Vec<String>, CommandError> {
    let there = world.backend.job_queues().await.doing("listing queues")?;
    let mut made = Vec::new();
    for request in wanted {
        let name = request.job_queue_name.clone();
        if there.iter().any(|known| known.job_queue_name == name) {
            continue;
        }
        let created = world.backend.create_job_queue(request).await;
        let is_there = async || Ok(world.backend.job_queues().await?.iter().any(|known| known.job_queue_name == name));
        if is_ours(created, is_there, format!("creating the queue `{name}`")).await? {
            made.push(name);
        }
    }
    settle(&*world.backend, "queues", async || {
        let now = world.backend.job_queues().await?;
        Ok(now.iter().all(|one| !matches!(one.status, Health::Creating | Health::Updating)))
    })
    .await?;
    Ok(made)
}

/// Whether something was created. What cannot be because somebody else has been quicker is there, and all is well.
pub async fn is_ours<T>(
    created: Result<T, BackendError>,
    is_there: impl AsyncFn() -> Result<bool, BackendError>,
    doing: String,
) -> Result<bool, CommandError> {
    match created {
        Err(_) if is_there().await.unwrap_or(false) => Ok(false),
        created => created.doing(doing).map(|_| true),
    }
}

/// Registers definitions that are missing or say something else now, and answers the names of those it registered.
pub async fn definitions(
    world: &World,
    wanted: Vec<RegisterJobDefinitionRequest>,
) -> Result<Vec<String>, CommandError> {
    let there = world.backend.job_definitions(true).await.doing("listing job definitions")?;
    let mut made = Vec::new();
    for request in wanted {
        let name = request.job_definition_name.clone();
        let latest = there.iter().filter(|known| known.job_definition_name == name).max_by_key(|known| known.revision);
        if latest.is_some_and(|latest| says_the_same(latest, &request)) {
            continue;
        }
        let doing = format!("registering the job definition `{name}`");
        let answer = world.backend.register_job_definition(request).await.doing(doing)?;
        made.push(format!("{}:{}", answer.job_definition_name, answer.revision));
    }
    Ok(made)
}

/// Whether a registered revision would run what is asked for. The service may add members of its own.
fn says_the_same(registered: &JobDefinition, request: &RegisterJobDefinitionRequest) -> bool {
    let told = |container: &Option<ContainerProperties>| {
        container.as_ref().map(|c| (c.image.clone(), c.command.clone(), c.resource_requirements.clone()))
    };
    let attempts = |strategy: &Option<RetryStrategy>| strategy.as_ref().and_then(|s| s.attempts).unwrap_or(1);
    let timeout = |timeout: Option<JobTimeout>| timeout.and_then(|timeout| timeout.attempt_duration_seconds);
    told(&registered.container_properties) == told(&request.container_properties)
        && registered.parameters == request.parameters
        && attempts(&registered.retry_strategy) == attempts(&request.retry_strategy)
        && timeout(registered.timeout) == timeout(request.timeout)
}

/// Waits until `settled` says so. A word from the backend makes it look at once.
async fn settle(
    backend: &dyn Backend,
    what: &str,
    settled: impl AsyncFn() -> Result<bool, BackendError>,
) -> Result<(), CommandError> {
    let doing = || format!("waiting for new {what} to become VALID");
    if settled().await.doing(doing())? {
        return Ok(());
    }
    let mut changes = backend.watch(None).await.doing(doing())?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        if settled().await.doing(doing())? {
            return Ok(());
        }
        if let Ok(None | Some(Err(_))) = tokio::time::timeout(LOOK, changes.next()).await {
            changes = backend.watch(None).await.doing(doing())?;
        }
    }
    // One that stays in its state is told of by whatever uses it next.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::starter;

    #[test]
    fn what_was_made_is_told_by_name_or_by_number() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let made = Made { environments: names(&["local"]), queues: names(&["a", "b"]), ..Made::default() };
        assert_eq!(made.told().as_deref(), Some("environment local, 2 queues"));
        assert_eq!(Made::default().told(), None);
    }

    #[test]
    fn a_definition_is_registered_anew_only_if_it_would_run_something_else() {
        let timeout = |seconds| Some(JobTimeout { attempt_duration_seconds: Some(seconds) });
        let retry = RetryStrategy { attempts: Some(3), ..RetryStrategy::default() };
        let asked =
            RegisterJobDefinitionRequest { retry_strategy: Some(retry), timeout: timeout(60), ..starter(4).definition };
        let registered = JobDefinition {
            container_properties: asked.container_properties.clone(),
            retry_strategy: asked.retry_strategy.clone(),
            timeout: asked.timeout,
            ..JobDefinition::default()
        };
        assert!(says_the_same(&registered, &asked));
        let other = |change: fn(&mut ContainerProperties)| {
            let mut changed = asked.clone();
            changed.container_properties.as_mut().map(change).expect("a container");
            changed
        };
        for changed in [
            RegisterJobDefinitionRequest { retry_strategy: None, ..asked.clone() },
            RegisterJobDefinitionRequest { timeout: timeout(90), ..asked.clone() },
            RegisterJobDefinitionRequest { parameters: [("a".to_owned(), "b".to_owned())].into(), ..asked.clone() },
            other(|container| container.resource_requirements[1].value = "1024".to_owned()),
            other(|container| container.command = vec!["false".to_owned()]),
        ] {
            assert!(!says_the_same(&registered, &changed), "{changed:?}");
        }
    }
}
