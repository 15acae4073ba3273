//! What a job, a child or a node runs: one container or several, from its definition with what the job overrides
//! (AWS Batch API reference, `SubmitJob`: containerOverrides, ecsPropertiesOverride, nodeOverrides).

use super::container::{self, Share, SizeError};
use super::event::{Need, Submission};
use crate::model::{
    ArrayProperties, ConsumableResourceProperties, ConsumableResourceRequirement, ContainerOverrides,
    ContainerProperties, DEFAULT_CONTAINER, EcsProperties, EcsPropertiesOverride, EcsTaskProperties, JobDefinition,
    JobTimeout, KeyValuePair, LogConfiguration, NodeOverrides, SubmitJobRequest, TaskContainer, TaskContainerOverrides,
    TaskContainerProperties,
};
use std::collections::BTreeMap;

/// What one attempt runs, not merged yet.
#[derive(Debug, Clone, Copy)]
pub enum Work<'a> {
    One {
        properties: &'a ContainerProperties,
        overrides: Option<&'a ContainerOverrides>,
    },
    /// A task of several containers.
    Several {
        task: &'a EcsTaskProperties,
        overrides: &'a [TaskContainerOverrides],
    },
}

/// What a submission overrides of its definition's containers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overrides<'a> {
    pub container: Option<&'a ContainerOverrides>,
    pub task: Option<&'a EcsPropertiesOverride>,
    pub nodes: Option<&'a NodeOverrides>,
}

/// A node of a multi-node job, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    pub index: u32,
    pub count: u32,
}

impl Submission {
    /// The request that submits the same.
    pub fn request(&self) -> SubmitJobRequest {
        let rare = self.rare.as_deref();
        SubmitJobRequest {
            job_name: self.name.clone(),
            job_queue: self.queue.clone(),
            job_definition: format!("{}:{}", self.definition, self.revision),
            array_properties: self.array_size.map(|size| ArrayProperties { size: Some(size), ..Default::default() }),
            depends_on: self.depends_on.clone(),
            parameters: self.parameters.clone(),
            container_overrides: self.overrides.as_deref().cloned(),
            ecs_properties_override: rare.and_then(|rare| rare.task_overrides.clone()),
            node_overrides: rare.and_then(|rare| rare.node_overrides.clone()),
            eks_properties_override: None,
            retry_strategy: self.retry.as_deref().cloned(),
            timeout: self.timeout_seconds.map(|seconds| JobTimeout { attempt_duration_seconds: Some(seconds) }),
            share_identifier: self.share.as_deref().map(str::to_owned),
            scheduling_priority_override: self.scheduling_priority,
            consumable_resource_properties_override: self.own_consumables(str::to_owned),
            tags: self.tags.clone(),
            propagate_tags: rare.and_then(|rare| rare.propagate_tags),
        }
    }

    /// What the job takes of consumable resources, called by `naming`, but for what the ranges of its nodes say for
    /// themselves.
    pub fn own_consumables(&self, naming: impl Fn(&str) -> String) -> Option<ConsumableResourceProperties> {
        let nodes = self.rare.as_deref().map(|rare| &rare.node_consumables);
        let of_nodes = |name: &String| nodes.and_then(|nodes| nodes.get(name)).copied().unwrap_or(0);
        let own = self.consumables.iter().map(|(name, quantity)| (name, quantity.saturating_sub(of_nodes(name))));
        let requirement = |(name, quantity): (&String, u64)| ConsumableResourceRequirement {
            consumable_resource: naming(name),
            quantity: i64::try_from(quantity).unwrap_or(i64::MAX),
        };
        let list: Vec<_> = own.filter(|(_, quantity)| *quantity > 0).map(requirement).collect();
        (!list.is_empty()).then_some(ConsumableResourceProperties { consumable_resource_list: list })
    }

    pub fn overridden(&self) -> Overrides<'_> {
        let rare = self.rare.as_deref();
        Overrides {
            container: self.overrides.as_deref(),
            task: rare.and_then(|rare| rare.task_overrides.as_ref()),
            nodes: rare.and_then(|rare| rare.node_overrides.as_ref()),
        }
    }
}

impl<'a> Work<'a> {
    /// `None` where the definition has nothing that can be run here.
    pub fn of(definition: &'a JobDefinition, overrides: Overrides<'a>, node: Option<Node>) -> Option<Self> {
        let Some(node) = node else {
            let properties = definition.container_properties.as_ref();
            return Self::either(properties, definition.ecs_properties.as_ref(), overrides.container, overrides.task);
        };
        let range = definition.node_properties.as_ref()?.of_node(node.index, node.count)?;
        let own = overrides.nodes.and_then(|nodes| nodes.of_node(node.index, node.count));
        let container = own.and_then(|own| own.container_overrides.as_ref());
        let task = own.and_then(|own| own.ecs_properties_override.as_ref());
        Self::either(range.container.as_ref(), range.ecs_properties.as_ref(), container, task)
    }

    fn either(
        properties: Option<&'a ContainerProperties>,
        tasks: Option<&'a EcsProperties>,
        container: Option<&'a ContainerOverrides>,
        task: Option<&'a EcsPropertiesOverride>,
    ) -> Option<Self> {
        if let Some(properties) = properties {
            return Some(Self::One { properties, overrides: container });
        }
        let overrides = task.and_then(|task| task.task_properties.first());
        Some(Self::Several {
            task: tasks?.task_properties.first()?,
            overrides: overrides.map_or(&[], |task| task.containers.as_slice()),
        })
    }

    /// The room that it asks for: of several containers, what they ask for together.
    pub fn need(self) -> Result<Need, SizeError> {
        let (task, overrides) = match self {
            Self::One { properties, overrides } => return container::need(properties, overrides),
            Self::Several { task, overrides } => (task, overrides),
        };
        let mut whole = Share::default();
        for given in &task.containers {
            let own = overriding(overrides, &given.name);
            whole.add(container::share(&given.properties(), own.as_ref())?);
        }
        whole.whole()
    }

    /// Its containers with everything merged but for the variables that AWS Batch sets.
    pub fn containers(self, parameters: &BTreeMap<String, String>) -> Vec<TaskContainer> {
        match self {
            Self::One { properties, overrides } => vec![TaskContainer {
                name: DEFAULT_CONTAINER.to_owned(),
                essential: true,
                properties: merge(properties.clone(), overrides, parameters),
                ..TaskContainer::default()
            }],
            Self::Several { task, overrides } => {
                task.containers.iter().map(|given| of_task(given, overrides, parameters)).collect()
            }
        }
    }

    /// The names of its containers, in the order of the definition, and how each writes its log.
    pub fn loggings(self) -> Vec<(&'a str, Option<&'a LogConfiguration>)> {
        match self {
            Self::One { properties, .. } => vec![(DEFAULT_CONTAINER, properties.log_configuration.as_ref())],
            Self::Several { task, .. } => {
                let named =
                    |given: &'a TaskContainerProperties| (given.name.as_str(), given.log_configuration.as_ref());
                task.containers.iter().map(named).collect()
            }
        }
    }

    /// The container whose log is the job's where a single one is asked for: the first essential one.
    pub fn foremost(self) -> &'a str {
        match self {
            Self::One { .. } => DEFAULT_CONTAINER,
            Self::Several { task, .. } => {
                let essential = task.containers.iter().find(|given| given.is_essential());
                essential.or_else(|| task.containers.first()).map_or(DEFAULT_CONTAINER, |given| given.name.as_str())
            }
        }
    }
}

fn of_task(
    given: &TaskContainerProperties,
    overrides: &[TaskContainerOverrides],
    parameters: &BTreeMap<String, String>,
) -> TaskContainer {
    let own = overriding(overrides, &given.name);
    let properties = given.properties();
    let share = container::share(&properties, own.as_ref()).unwrap_or_default();
    TaskContainer {
        name: given.name.clone(),
        essential: given.is_essential(),
        depends_on: given.depends_on.clone(),
        properties: merge(properties, own.as_ref(), parameters),
        vcpus: share.vcpus_milli.map(container::vcpus),
        memory_mib: share.memory_mib,
        start_timeout: given.start_timeout,
        stop_timeout: given.stop_timeout,
        ..TaskContainer::default()
    }
}

/// Sets the variables that nobody can override.
pub fn with_variables(container: &mut TaskContainer, variables: &[(&str, String)]) {
    let environment = &mut container.properties.environment;
    environment.retain(|pair| variables.iter().all(|(name, _)| *name != pair.name));
    let set = variables.iter().map(|(name, value)| KeyValuePair { name: (*name).to_owned(), value: value.clone() });
    environment.extend(set);
}

/// As the overrides of a container that is the only one.
fn overriding(overrides: &[TaskContainerOverrides], name: &str) -> Option<ContainerOverrides> {
    let found = overrides.iter().find(|one| one.name == name)?;
    Some(ContainerOverrides {
        command: found.command.clone(),
        environment: found.environment.clone(),
        resource_requirements: found.resource_requirements.clone(),
        ..ContainerOverrides::default()
    })
}

fn merge(
    properties: ContainerProperties,
    overrides: Option<&ContainerOverrides>,
    parameters: &BTreeMap<String, String>,
) -> ContainerProperties {
    ContainerProperties {
        command: container::command(&properties, overrides, parameters),
        environment: container::environment(&properties, overrides),
        resource_requirements: container::requirements(&properties, overrides),
        ..properties
    }
}
