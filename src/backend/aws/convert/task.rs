//! Tasks of several containers: what a definition says, what a job overrides, how each ended.

use super::container::{
    credentials, linux_parameters, mount_point, network, new_credentials, new_linux_parameters, new_mount_point,
    new_network, new_runtime, new_secret, new_storage, new_ulimit, new_volume, runtime, secret, storage, ulimit,
    volume,
};
use super::job::{key_values, log_configuration, network_interface, requirements};
use super::request::{new_key_values, new_log_configuration, new_requirements};
use super::{NotSent, count, list, signed, some_list, sorted, try_list};
use crate::model::{
    AttemptEcsTaskDetails, AttemptTaskContainerDetails, ContainerCondition, EcsProperties, EcsPropertiesDetail,
    EcsPropertiesOverride, EcsTaskDetails, EcsTaskProperties, EcsTaskSettings, TaskContainerDependency,
    TaskContainerDetails, TaskContainerOverrides, TaskContainerProperties, TaskPropertiesOverride,
};
use aws_sdk_batch::types;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The member of a container that is kept as it came.
const FIRELENS: &str = "firelensConfiguration";

/// Fills the members that AWS gives a task and what it tells of one alike.
macro_rules! settings {
    ($given:ident) => {
        EcsTaskSettings {
            ephemeral_storage: $given.ephemeral_storage.as_ref().and_then(storage),
            execution_role_arn: $given.execution_role_arn,
            platform_version: $given.platform_version,
            ipc_mode: $given.ipc_mode,
            task_role_arn: $given.task_role_arn,
            pid_mode: $given.pid_mode,
            network_mode: $given.network_mode,
            network_configuration: $given.network_configuration.map(network),
            runtime_platform: $given.runtime_platform.map(runtime),
            volumes: list($given.volumes, volume),
            enable_execute_command: $given.enable_execute_command,
        }
    };
}

/// Fills the members that AWS gives a container and what it tells of one alike.
macro_rules! container {
    ($given:ident) => {
        TaskContainerProperties {
            name: $given.name.unwrap_or_default(),
            image: $given.image.unwrap_or_default(),
            command: $given.command.unwrap_or_default(),
            environment: list($given.environment, key_values),
            essential: $given.essential,
            depends_on: list($given.depends_on, dependency),
            resource_requirements: list($given.resource_requirements, requirements),
            linux_parameters: $given.linux_parameters.map(linux_parameters),
            log_configuration: $given.log_configuration.map(log_configuration),
            mount_points: list($given.mount_points, mount_point),
            privileged: $given.privileged,
            readonly_root_filesystem: $given.readonly_root_filesystem,
            repository_credentials: $given.repository_credentials.map(credentials),
            secrets: list($given.secrets, secret),
            ulimits: list($given.ulimits, ulimit),
            user: $given.user,
            start_timeout: count($given.start_timeout),
            stop_timeout: count($given.stop_timeout),
            other: firelens($given.firelens_configuration),
        }
    };
}

pub fn tasks(given: types::EcsProperties) -> EcsProperties {
    let task = |task: types::EcsTaskProperties| EcsTaskProperties {
        containers: list(task.containers, |one| container!(one)),
        settings: settings!(task),
    };
    EcsProperties { task_properties: list(given.task_properties, task) }
}

/// The tasks of a job, as they were merged and as they run or ran.
pub fn detail(given: types::EcsPropertiesDetail) -> EcsPropertiesDetail {
    let told = |one: types::TaskContainerDetails| TaskContainerDetails {
        exit_code: one.exit_code,
        reason: one.reason,
        log_stream_name: one.log_stream_name,
        network_interfaces: list(one.network_interfaces, network_interface),
        given: container!(one),
    };
    let task = |task: types::EcsTaskDetails| EcsTaskDetails {
        containers: list(task.containers, told),
        container_instance_arn: task.container_instance_arn,
        task_arn: task.task_arn,
        settings: settings!(task),
    };
    EcsPropertiesDetail { task_properties: list(given.task_properties, task) }
}

/// How the containers of one attempt ended.
pub fn attempt(given: types::AttemptEcsTaskDetails) -> AttemptEcsTaskDetails {
    let container = |one: types::AttemptTaskContainerDetails| AttemptTaskContainerDetails {
        name: one.name.unwrap_or_default(),
        exit_code: one.exit_code,
        reason: one.reason,
        log_stream_name: one.log_stream_name,
        network_interfaces: list(one.network_interfaces, network_interface),
    };
    AttemptEcsTaskDetails {
        container_instance_arn: given.container_instance_arn,
        task_arn: given.task_arn,
        containers: list(given.containers, container),
    }
}

fn dependency(given: types::TaskContainerDependency) -> TaskContainerDependency {
    let condition = match given.condition.as_deref() {
        Some("COMPLETE") => ContainerCondition::Complete,
        Some("SUCCESS") => ContainerCondition::Success,
        Some("HEALTHY") => ContainerCondition::Healthy,
        _ => ContainerCondition::Start,
    };
    TaskContainerDependency { container_name: given.container_name.unwrap_or_default(), condition }
}

fn firelens(given: Option<types::FirelensConfiguration>) -> BTreeMap<String, Value> {
    let written = |given: types::FirelensConfiguration| {
        let kind = given.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default();
        let mut value = json!({ "type": kind });
        if let Some(options) = given.options {
            value["options"] = json!(sorted(Some(options)));
        }
        (FIRELENS.to_owned(), value)
    };
    given.map(written).into_iter().collect()
}

fn new_firelens(wanted: &Value) -> types::FirelensConfiguration {
    let options = wanted["options"].as_object().map(|options| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        options.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    });
    types::FirelensConfiguration::builder()
        .r#type(wanted["type"].as_str().unwrap_or_default().into())
        .set_options(options)
        .build()
}

pub fn new_tasks(at: &str, wanted: EcsProperties) -> Result<types::EcsProperties, NotSent> {
    let tasks = try_list(wanted.task_properties, |task| new_task(at, task))?;
    Ok(types::EcsProperties::builder().set_task_properties(Some(tasks)).build())
}

fn new_task(at: &str, wanted: EcsTaskProperties) -> Result<types::EcsTaskProperties, NotSent> {
    let settings = wanted.settings;
    let volumes = try_list(settings.volumes, |volume| new_volume(at, volume))?;
    Ok(types::EcsTaskProperties::builder()
        .set_containers(Some(try_list(wanted.containers, |container| new_container(at, container))?))
        .set_ephemeral_storage(settings.ephemeral_storage.as_ref().map(new_storage))
        .set_execution_role_arn(settings.execution_role_arn)
        .set_platform_version(settings.platform_version)
        .set_ipc_mode(settings.ipc_mode)
        .set_task_role_arn(settings.task_role_arn)
        .set_pid_mode(settings.pid_mode)
        .set_network_mode(settings.network_mode)
        .set_network_configuration(settings.network_configuration.map(new_network))
        .set_runtime_platform(settings.runtime_platform.map(new_runtime))
        .set_volumes((!volumes.is_empty()).then_some(volumes))
        .set_enable_execute_command(settings.enable_execute_command)
        .build())
}

fn new_container(at: &str, mut wanted: TaskContainerProperties) -> Result<types::TaskContainerProperties, NotSent> {
    let firelens = wanted.other.remove(FIRELENS);
    NotSent::check(&format!("{at}: the container `{}`", wanted.name), &wanted.other)?;
    Ok(types::TaskContainerProperties::builder()
        .name(wanted.name)
        .image(wanted.image)
        .set_command(some_list(wanted.command, |word| word))
        .set_environment(some_list(wanted.environment, new_key_values))
        .set_essential(wanted.essential)
        .set_depends_on(some_list(wanted.depends_on, new_dependency))
        .set_resource_requirements(some_list(wanted.resource_requirements, new_requirements))
        .set_linux_parameters(wanted.linux_parameters.map(new_linux_parameters))
        .set_log_configuration(wanted.log_configuration.map(new_log_configuration))
        .set_mount_points(some_list(wanted.mount_points, new_mount_point))
        .set_privileged(wanted.privileged)
        .set_readonly_root_filesystem(wanted.readonly_root_filesystem)
        .set_repository_credentials(wanted.repository_credentials.map(new_credentials))
        .set_secrets(some_list(wanted.secrets, new_secret))
        .set_ulimits(some_list(wanted.ulimits, new_ulimit))
        .set_user(wanted.user)
        .set_start_timeout(signed(wanted.start_timeout))
        .set_stop_timeout(signed(wanted.stop_timeout))
        .set_firelens_configuration(firelens.as_ref().map(new_firelens))
        .build())
}

fn new_dependency(wanted: TaskContainerDependency) -> types::TaskContainerDependency {
    let condition = match wanted.condition {
        ContainerCondition::Start => "START",
        ContainerCondition::Complete => "COMPLETE",
        ContainerCondition::Success => "SUCCESS",
        ContainerCondition::Healthy => "HEALTHY",
    };
    types::TaskContainerDependency::builder().container_name(wanted.container_name).condition(condition).build()
}

pub fn new_override(wanted: EcsPropertiesOverride) -> types::EcsPropertiesOverride {
    let container = |one: TaskContainerOverrides| {
        types::TaskContainerOverrides::builder()
            .name(one.name)
            .set_command(some_list(one.command, |word| word))
            .set_environment(some_list(one.environment, new_key_values))
            .set_resource_requirements(some_list(one.resource_requirements, new_requirements))
            .build()
    };
    let task = |task: TaskPropertiesOverride| {
        types::TaskPropertiesOverride::builder().set_containers(some_list(task.containers, container)).build()
    };
    types::EcsPropertiesOverride::builder().set_task_properties(some_list(wanted.task_properties, task)).build()
}
