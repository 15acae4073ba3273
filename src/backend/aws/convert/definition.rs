//! Job definitions.

use super::job::{
    consumables, key_values, log_configuration, mount_point, requirements, retry, secret, timeout, ulimit, volume,
};
use super::request::{
    new_consumables, new_key_values, new_log_configuration, new_requirements, new_retry, new_timeout,
};
use super::{count, list, some_list, sorted, unsorted};
use crate::backend::BackendError;
use crate::model::{ContainerProperties, JobDefinition, RegisterJobDefinitionRequest};
use aws_sdk_batch::operation::register_job_definition::builders::RegisterJobDefinitionFluentBuilder;
use aws_sdk_batch::types;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn definition(given: types::JobDefinition) -> JobDefinition {
    JobDefinition {
        job_definition_name: given.job_definition_name.unwrap_or_default(),
        job_definition_arn: given.job_definition_arn.unwrap_or_default(),
        revision: count(given.revision).unwrap_or_default(),
        status: given.status.unwrap_or_default(),
        kind: given.r#type.unwrap_or_default(),
        parameters: sorted(given.parameters),
        retry_strategy: given.retry_strategy.map(retry),
        container_properties: given.container_properties.map(container),
        timeout: given.timeout.as_ref().map(timeout),
        scheduling_priority: given.scheduling_priority,
        consumable_resource_properties: given.consumable_resource_properties.map(consumables),
        tags: sorted(given.tags),
    }
}

#[expect(deprecated, reason = "old definitions still carry vcpus and memory")]
fn container(given: types::ContainerProperties) -> ContainerProperties {
    let mut other = BTreeMap::new();
    let mut keep = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            other.insert(name.to_owned(), value);
        }
    };
    keep("jobRoleArn", given.job_role_arn.map(Value::from));
    keep("executionRoleArn", given.execution_role_arn.map(Value::from));
    keep("privileged", given.privileged.map(Value::from));
    keep("readonlyRootFilesystem", given.readonly_root_filesystem.map(Value::from));
    keep("instanceType", given.instance_type.map(Value::from));
    keep("volumes", non_empty(list(given.volumes, volume)));
    keep("mountPoints", non_empty(list(given.mount_points, mount_point)));
    keep("ulimits", non_empty(list(given.ulimits, ulimit)));
    keep("secrets", non_empty(list(given.secrets, secret)));
    keep(
        "ephemeralStorage",
        given.ephemeral_storage.and_then(|disk| disk.size_in_gib).map(|size| json!({"sizeInGiB": size})),
    );
    ContainerProperties {
        image: given.image.unwrap_or_default(),
        command: given.command.unwrap_or_default(),
        environment: list(given.environment, key_values),
        resource_requirements: list(given.resource_requirements, requirements),
        vcpus: given.vcpus,
        memory: given.memory,
        user: given.user,
        log_configuration: given.log_configuration.map(log_configuration),
        other,
    }
}

fn non_empty(values: Vec<Value>) -> Option<Value> {
    (!values.is_empty()).then_some(Value::Array(values))
}

/// Fills the call in. A member of the container that would not be sent is refused rather than dropped.
pub fn register(
    call: RegisterJobDefinitionFluentBuilder,
    wanted: RegisterJobDefinitionRequest,
) -> Result<RegisterJobDefinitionFluentBuilder, BackendError> {
    let container = wanted.container_properties.map(new_container).transpose()?;
    Ok(call
        .job_definition_name(wanted.job_definition_name)
        .r#type(types::JobDefinitionType::from(wanted.kind.as_str()))
        .set_parameters(unsorted(wanted.parameters))
        .set_retry_strategy(wanted.retry_strategy.map(new_retry))
        .set_container_properties(container)
        .set_timeout(wanted.timeout.map(new_timeout))
        .set_scheduling_priority(wanted.scheduling_priority)
        .set_consumable_resource_properties(wanted.consumable_resource_properties.map(new_consumables))
        .set_tags(unsorted(wanted.tags)))
}

#[expect(deprecated, reason = "old definitions still carry vcpus and memory")]
fn new_container(wanted: ContainerProperties) -> Result<types::ContainerProperties, BackendError> {
    let mut container = types::ContainerProperties::builder()
        .image(wanted.image)
        .set_command(some_list(wanted.command, |word| word))
        .set_environment(some_list(wanted.environment, new_key_values))
        .set_resource_requirements(some_list(wanted.resource_requirements, new_requirements))
        .set_vcpus(wanted.vcpus)
        .set_memory(wanted.memory)
        .set_user(wanted.user)
        .set_log_configuration(wanted.log_configuration.map(new_log_configuration));
    for (name, value) in wanted.other {
        container = match (name.as_str(), value) {
            ("jobRoleArn", Value::String(arn)) => container.job_role_arn(arn),
            ("executionRoleArn", Value::String(arn)) => container.execution_role_arn(arn),
            ("privileged", Value::Bool(yes)) => container.privileged(yes),
            ("readonlyRootFilesystem", Value::Bool(yes)) => container.readonly_root_filesystem(yes),
            _ => {
                return Err(BackendError::Unsupported {
                    action: "registering a definition with container members beyond image, command, environment, \
                             resourceRequirements, user, logConfiguration, the roles, privileged and \
                             readonlyRootFilesystem",
                    backend: "aws",
                    instead: "register it with `aws batch register-job-definition --cli-input-json`",
                });
            }
        };
    }
    Ok(container.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(other: &[(&str, Value)]) -> ContainerProperties {
        ContainerProperties {
            image: "busybox".into(),
            command: vec!["true".into()],
            other: other.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn a_container_goes_out_and_comes_back_the_same() {
        let wanted = wanted(&[("jobRoleArn", json!("arn:r")), ("privileged", json!(true))]);
        let sent = new_container(wanted.clone()).expect("is sent");
        assert_eq!(container(sent), wanted);
    }

    #[test]
    fn a_member_that_would_be_dropped_is_refused() {
        for other in [("linuxParameters", json!({})), ("privileged", json!("yes"))] {
            let error = new_container(wanted(&[other])).expect_err("is refused");
            assert!(error.to_string().contains("aws batch register-job-definition"), "{error}");
        }
    }
}
