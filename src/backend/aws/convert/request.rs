//! What is submitted, and the parts that submissions and definitions share.

use super::container::new_secret;
use super::nodes::new_node_overrides;
use super::task::new_override;
use super::{NotSent, signed, some_list, unsorted};
use crate::model::{
    ConsumableResourceProperties, ConsumableResourceRequirement, ContainerOverrides, DependencyKind, JobDependency,
    JobTimeout, KeyValuePair, LogConfiguration, ResourceRequirement, RetryStrategy, SubmitJobRequest,
};
use aws_sdk_batch::operation::submit_job::builders::SubmitJobFluentBuilder;
use aws_sdk_batch::types;

/// Fills a submission in. A member that would not be sent is refused rather than dropped.
pub fn submit(call: SubmitJobFluentBuilder, wanted: SubmitJobRequest) -> Result<SubmitJobFluentBuilder, NotSent> {
    if wanted.eks_properties_override.is_some() {
        return Err(NotSent::member("eksPropertiesOverride".to_owned()));
    }
    let array = wanted.array_properties.and_then(|array| signed(array.size));
    Ok(call
        .job_name(wanted.job_name)
        .job_queue(wanted.job_queue)
        .job_definition(wanted.job_definition)
        .set_array_properties(array.map(|size| types::ArrayProperties::builder().size(size).build()))
        .set_depends_on(some_list(wanted.depends_on, new_dependency))
        .set_parameters(unsorted(wanted.parameters))
        .set_container_overrides(wanted.container_overrides.map(new_overrides))
        .set_ecs_properties_override(wanted.ecs_properties_override.map(new_override))
        .set_node_overrides(wanted.node_overrides.map(new_node_overrides).transpose()?)
        .set_retry_strategy(wanted.retry_strategy.map(new_retry))
        .set_timeout(wanted.timeout.map(new_timeout))
        .set_share_identifier(wanted.share_identifier)
        .set_scheduling_priority_override(wanted.scheduling_priority_override)
        .set_consumable_resource_properties_override(
            wanted.consumable_resource_properties_override.map(new_consumables),
        )
        .set_propagate_tags(wanted.propagate_tags)
        .set_tags(unsorted(wanted.tags)))
}

pub fn new_consumables(wanted: ConsumableResourceProperties) -> types::ConsumableResourceProperties {
    let requirement = |one: ConsumableResourceRequirement| {
        types::ConsumableResourceRequirement::builder()
            .consumable_resource(one.consumable_resource)
            .quantity(one.quantity)
            .build()
    };
    types::ConsumableResourceProperties::builder()
        .set_consumable_resource_list(some_list(wanted.consumable_resource_list, requirement))
        .build()
}

fn new_dependency(wanted: JobDependency) -> types::JobDependency {
    let kind = wanted.kind.map(|kind| match kind {
        DependencyKind::NToN => types::ArrayJobDependency::NToN,
        DependencyKind::Sequential => types::ArrayJobDependency::Sequential,
    });
    types::JobDependency::builder().set_job_id(wanted.job_id.map(|id| id.0)).set_type(kind).build()
}

#[expect(deprecated, reason = "old definitions still carry vcpus and memory")]
pub fn new_overrides(wanted: ContainerOverrides) -> types::ContainerOverrides {
    types::ContainerOverrides::builder()
        .set_command(some_list(wanted.command, |word| word))
        .set_environment(some_list(wanted.environment, new_key_values))
        .set_resource_requirements(some_list(wanted.resource_requirements, new_requirements))
        .set_vcpus(wanted.vcpus)
        .set_memory(wanted.memory)
        .set_instance_type(wanted.instance_type)
        .build()
}

pub fn new_retry(wanted: RetryStrategy) -> types::RetryStrategy {
    types::RetryStrategy::builder()
        .set_attempts(signed(wanted.attempts))
        .set_evaluate_on_exit(some_list(wanted.evaluate_on_exit, |rule| {
            types::EvaluateOnExit::builder()
                .set_on_status_reason(rule.on_status_reason)
                .set_on_reason(rule.on_reason)
                .set_on_exit_code(rule.on_exit_code)
                .action(types::RetryAction::from(rule.action.to_ascii_uppercase().as_str()))
                .build()
        }))
        .build()
}

pub fn new_timeout(wanted: JobTimeout) -> types::JobTimeout {
    types::JobTimeout::builder().set_attempt_duration_seconds(signed(wanted.attempt_duration_seconds)).build()
}

pub fn new_key_values(wanted: KeyValuePair) -> types::KeyValuePair {
    types::KeyValuePair::builder().name(wanted.name).value(wanted.value).build()
}

pub fn new_requirements(wanted: ResourceRequirement) -> types::ResourceRequirement {
    types::ResourceRequirement::builder()
        .r#type(types::ResourceType::from(wanted.kind.as_str()))
        .value(wanted.value)
        .build()
}

pub fn new_log_configuration(wanted: LogConfiguration) -> types::LogConfiguration {
    types::LogConfiguration::builder()
        .log_driver(types::LogDriver::from(wanted.log_driver.as_str()))
        .set_options(unsorted(wanted.options))
        .set_secret_options(some_list(wanted.secret_options, new_secret))
        .build()
}
