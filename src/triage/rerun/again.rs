//! The request that submits a job again.

use crate::model::{
    ArrayProperties, ContainerOverrides, EcsPropertiesOverride, JobDefinition, JobDetail, KeyValuePair, NodeOverrides,
    REPLACED_BY, REPLACES, ResourceRequirement, SubmitJobRequest, TaskContainerOverrides, TaskContainerProperties,
    TaskPropertiesOverride, name_of, secret::MASK,
};

/// The job as it was submitted. Where nobody kept that, what differs from its definition.
pub fn again(detail: &JobDetail, definition: Option<&JobDefinition>) -> SubmitJobRequest {
    if let Some(request) = &detail.request {
        return SubmitJobRequest { depends_on: Vec::new(), ..(**request).clone() };
    }
    let own = definition.and_then(|definition| definition.container_properties.clone()).unwrap_or_default();
    let own = (own.command, own.environment, own.resource_requirements);
    let container = detail.container.clone().unwrap_or_default();
    let given = (container.command, container.environment, container.resource_requirements);
    let (command, environment, resource_requirements) = differing(&own, given);
    let overrides = ContainerOverrides { command, environment, resource_requirements, ..Default::default() };
    let parameters = match definition {
        Some(definition) => {
            let is_own = |(key, value): &(String, String)| definition.parameters.get(key) != Some(value);
            detail.parameters.clone().into_iter().filter(is_own).collect()
        }
        None => detail.parameters.clone(),
    };
    let nodes = detail.node_properties.as_ref().map(|nodes| nodes.num_nodes);
    let own_nodes = definition.and_then(|definition| definition.node_properties.as_ref()).map(|nodes| nodes.num_nodes);
    let num_nodes = nodes.filter(|count| own_nodes.is_some_and(|own| own != *count));
    SubmitJobRequest {
        job_name: detail.job_name.clone(),
        job_queue: name_of(&detail.job_queue).to_owned(),
        job_definition: name_of(&detail.job_definition).to_owned(),
        array_properties: detail
            .array_properties
            .as_ref()
            .and_then(|array| array.size)
            .map(|size| ArrayProperties { size: Some(size), ..Default::default() }),
        depends_on: Vec::new(),
        parameters,
        container_overrides: (overrides != ContainerOverrides::default()).then_some(overrides),
        ecs_properties_override: task_overrides(detail, definition),
        node_overrides: num_nodes.map(|count| NodeOverrides { num_nodes: Some(count), ..Default::default() }),
        eks_properties_override: None,
        retry_strategy: detail.retry_strategy.clone(),
        timeout: detail.timeout,
        share_identifier: detail.share_identifier.clone(),
        scheduling_priority_override: detail.scheduling_priority,
        consumable_resource_properties_override: detail.consumable_resource_properties.clone(),
        // AWS's own tags are not for others to set, and what an earlier submission replaced this one did not.
        tags: detail
            .tags
            .clone()
            .into_iter()
            .filter(|(key, _)| !key.starts_with("aws:") && key != REPLACES && key != REPLACED_BY)
            .collect(),
        propagate_tags: detail.propagate_tags.then_some(true),
    }
}

/// A container's command, environment and resource requirements.
type Overridable = (Vec<String>, Vec<KeyValuePair>, Vec<ResourceRequirement>);

fn differing(own: &Overridable, given: Overridable) -> Overridable {
    let command = if given.0 == own.0 { Vec::new() } else { given.0 };
    // A value that was not kept is the definition's own, where it has one of that name.
    let is_unkept = |pair: &KeyValuePair| pair.value == MASK && own.1.iter().any(|own| own.name == pair.name);
    let is_new = |pair: &KeyValuePair| !own.1.contains(pair) && !pair.name.starts_with("AWS_BATCH") && !is_unkept(pair);
    let environment = given.1.into_iter().filter(is_new).collect();
    (command, environment, given.2.into_iter().filter(|asked| !own.2.contains(asked)).collect())
}

/// What a job of several containers has that its definition has not.
fn task_overrides(detail: &JobDetail, definition: Option<&JobDefinition>) -> Option<EcsPropertiesOverride> {
    let given = detail.ecs_properties.as_ref()?.task_properties.first()?;
    let own = definition?.ecs_properties.as_ref()?.task_properties.first()?;
    let parts = |container: &TaskContainerProperties| {
        (container.command.clone(), container.environment.clone(), container.resource_requirements.clone())
    };
    let overridden = given.containers.iter().filter_map(|container| {
        let own = own.containers.iter().find(|own| own.name == container.given.name)?;
        let (command, environment, resource_requirements) = differing(&parts(own), parts(&container.given));
        let is_own = command.is_empty() && environment.is_empty() && resource_requirements.is_empty();
        let name = container.given.name.clone();
        (!is_own).then_some(TaskContainerOverrides { name, command, environment, resource_requirements })
    });
    let containers: Vec<TaskContainerOverrides> = overridden.collect();
    let task = TaskPropertiesOverride { containers };
    (!task.containers.is_empty()).then(|| EcsPropertiesOverride { task_properties: vec![task] })
}
