//! Making queues, environments and definitions where they are missing.

use super::error::{CommandError, Doing};
use super::world::World;
use crate::backend::{Backend, BackendError};
use crate::model::{
    ComputeEnvironmentOrder, ComputeResource, ContainerProperties, CreateComputeEnvironmentRequest,
    CreateJobQueueRequest, HOST_IMAGE, Health, JobDefinition, JobTimeout, RegisterJobDefinitionRequest,
    ResourceRequirement, RetryStrategy, Switch,
};
use futures::StreamExt;
use std::collections::BTreeMap;
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

/// What of an environment is up to us; the rest is the same for all.
#[derive(Debug, Clone)]
pub struct Environment {
    pub name: &'static str,
    /// EC2 or SPOT.
    pub kind: &'static str,
    pub most_vcpus: i32,
    pub state: Switch,
}

/// What of a queue is up to us.
#[derive(Debug, Clone)]
pub struct Queue {
    pub name: &'static str,
    pub priority: i32,
    /// In the order in which they are tried.
    pub environments: &'static [&'static str],
    pub state: Switch,
}

/// What of a definition is up to us: all are processes on this machine.
#[derive(Debug, Clone)]
pub struct Definition {
    pub name: &'static str,
    pub command: Vec<String>,
    pub parameters: BTreeMap<String, String>,
    pub attempts: Option<u32>,
    pub timeout_seconds: Option<u32>,
    pub memory_mib: u32,
}

/// Where a definition says nothing: any command, given at submission.
pub fn host() -> Definition {
    Definition {
        name: "host",
        command: vec!["true".to_owned()],
        parameters: BTreeMap::new(),
        attempts: None,
        timeout_seconds: None,
        memory_mib: 512,
    }
}

/// Makes environments that are missing, and answers the names of those it made.
pub async fn environments(world: &World, wanted: &[Environment]) -> Result<Vec<String>, CommandError> {
    let there = world.backend.compute_environments().await.doing("listing compute environments")?;
    let missing = wanted.iter().filter(|one| !there.iter().any(|known| known.compute_environment_name == one.name));
    let mut made = Vec::new();
    for environment in missing {
        let request = CreateComputeEnvironmentRequest {
            compute_environment_name: environment.name.to_owned(),
            kind: "MANAGED".to_owned(),
            state: Some(environment.state),
            compute_resources: Some(ComputeResource {
                kind: environment.kind.to_owned(),
                minv_cpus: Some(0),
                maxv_cpus: Some(environment.most_vcpus),
                instance_types: vec!["m5.large".to_owned()],
                ..ComputeResource::default()
            }),
            ..CreateComputeEnvironmentRequest::default()
        };
        world
            .backend
            .create_compute_environment(request)
            .await
            .doing(format!("creating the compute environment `{}`", environment.name))?;
        made.push(environment.name.to_owned());
    }
    settle(&*world.backend, "compute environments", async || {
        let now = world.backend.compute_environments().await?;
        Ok(now.iter().all(|one| !matches!(one.status, Health::Creating | Health::Updating)))
    })
    .await?;
    Ok(made)
}

/// Makes queues that are missing, and answers the names of those it made.
pub async fn queues(world: &World, wanted: &[Queue]) -> Result<Vec<String>, CommandError> {
    let there = world.backend.job_queues().await.doing("listing queues")?;
    let mut made = Vec::new();
    for queue in wanted.iter().filter(|one| !there.iter().any(|known| known.job_queue_name == one.name)) {
        let order = queue
            .environments
            .iter()
            .zip(1..)
            .map(|(name, order)| ComputeEnvironmentOrder { order, compute_environment: (*name).to_owned() });
        let request = CreateJobQueueRequest {
            job_queue_name: queue.name.to_owned(),
            state: Some(queue.state),
            priority: queue.priority,
            compute_environment_order: order.collect(),
            ..CreateJobQueueRequest::default()
        };
        world.backend.create_job_queue(request).await.doing(format!("creating the queue `{}`", queue.name))?;
        made.push(queue.name.to_owned());
    }
    settle(&*world.backend, "queues", async || {
        let now = world.backend.job_queues().await?;
        Ok(now.iter().all(|one| !matches!(one.status, Health::Creating | Health::Updating)))
    })
    .await?;
    Ok(made)
}

/// Registers definitions that are missing or say something else now, and answers the names of those it registered.
pub async fn definitions(world: &World, wanted: &[Definition]) -> Result<Vec<String>, CommandError> {
    let there = world.backend.job_definitions(true).await.doing("listing job definitions")?;
    let mut made = Vec::new();
    for definition in wanted {
        let latest = there
            .iter()
            .filter(|known| known.job_definition_name == definition.name)
            .max_by_key(|known| known.revision);
        let request = request(definition);
        if latest.is_some_and(|latest| says_the_same(latest, &request)) {
            continue;
        }
        let answer = world
            .backend
            .register_job_definition(request)
            .await
            .doing(format!("registering the job definition `{}`", definition.name))?;
        made.push(format!("{}:{}", answer.job_definition_name, answer.revision));
    }
    Ok(made)
}

fn request(definition: &Definition) -> RegisterJobDefinitionRequest {
    let ask = |kind: &str, value: String| ResourceRequirement { kind: kind.to_owned(), value };
    RegisterJobDefinitionRequest {
        job_definition_name: definition.name.to_owned(),
        kind: "container".to_owned(),
        parameters: definition.parameters.clone(),
        retry_strategy: definition
            .attempts
            .map(|attempts| RetryStrategy { attempts: Some(attempts), ..RetryStrategy::default() }),
        container_properties: Some(ContainerProperties {
            image: HOST_IMAGE.to_owned(),
            command: definition.command.clone(),
            resource_requirements: vec![ask("VCPU", "1".to_owned()), ask("MEMORY", definition.memory_mib.to_string())],
            ..ContainerProperties::default()
        }),
        timeout: definition.timeout_seconds.map(|seconds| JobTimeout { attempt_duration_seconds: Some(seconds) }),
        ..RegisterJobDefinitionRequest::default()
    }
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

    #[test]
    fn what_was_made_is_told_by_name_or_by_number() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let made = Made { environments: names(&["local"]), queues: names(&["a", "b"]), ..Made::default() };
        assert_eq!(made.told().as_deref(), Some("environment local, 2 queues"));
        assert_eq!(Made::default().told(), None);
    }

    #[test]
    fn a_definition_is_registered_anew_only_if_it_would_run_something_else() {
        let wanted = Definition { attempts: Some(3), timeout_seconds: Some(60), ..host() };
        let asked = request(&wanted);
        let registered = JobDefinition {
            container_properties: asked.container_properties.clone(),
            retry_strategy: asked.retry_strategy.clone(),
            timeout: asked.timeout,
            ..JobDefinition::default()
        };
        assert!(says_the_same(&registered, &asked));
        for changed in [
            Definition { attempts: None, ..wanted.clone() },
            Definition { timeout_seconds: Some(90), ..wanted.clone() },
            Definition { memory_mib: 1024, ..wanted.clone() },
            Definition { command: vec!["false".to_owned()], ..wanted.clone() },
            Definition { parameters: BTreeMap::from([("a".to_owned(), "b".to_owned())]), ..wanted },
        ] {
            assert!(!says_the_same(&registered, &request(&changed)), "{changed:?}");
        }
    }
}
