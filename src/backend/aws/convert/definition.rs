//! Job definitions.

use super::container::{
    credentials, linux_parameters, mount_point, network, new_credentials, new_linux_parameters, new_mount_point,
    new_network, new_platform, new_runtime, new_secret, new_storage, new_ulimit, new_volume, platform, runtime, secret,
    storage, ulimit, volume,
};
use super::job::{consumables, key_values, log_configuration, requirements, retry, timeout};
use super::nodes::{new_nodes, nodes};
use super::request::{
    new_consumables, new_key_values, new_log_configuration, new_requirements, new_retry, new_timeout,
};
use super::task::{new_tasks, tasks};
use super::{NotSent, count, list, some_list, sorted, try_list, unsorted};
use crate::model::{ContainerProperties, JobDefinition, RegisterJobDefinitionRequest};
use aws_sdk_batch::operation::register_job_definition::builders::RegisterJobDefinitionFluentBuilder;
use aws_sdk_batch::types;
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
        ecs_properties: given.ecs_properties.map(tasks),
        node_properties: given.node_properties.map(nodes),
        timeout: given.timeout.as_ref().map(timeout),
        scheduling_priority: given.scheduling_priority,
        consumable_resource_properties: given.consumable_resource_properties.map(consumables),
        tags: sorted(given.tags),
        propagate_tags: given.propagate_tags,
        platform_capabilities: list(given.platform_capabilities, |one| one.as_str().to_owned()),
    }
}

#[expect(deprecated, reason = "old definitions still carry vcpus and memory")]
pub fn container(given: types::ContainerProperties) -> ContainerProperties {
    ContainerProperties {
        image: given.image.unwrap_or_default(),
        command: given.command.unwrap_or_default(),
        environment: list(given.environment, key_values),
        resource_requirements: list(given.resource_requirements, requirements),
        vcpus: given.vcpus,
        memory: given.memory,
        user: given.user,
        log_configuration: given.log_configuration.map(log_configuration),
        volumes: list(given.volumes, volume),
        mount_points: list(given.mount_points, mount_point),
        ulimits: list(given.ulimits, ulimit),
        secrets: list(given.secrets, secret),
        readonly_root_filesystem: given.readonly_root_filesystem,
        privileged: given.privileged,
        linux_parameters: given.linux_parameters.map(linux_parameters),
        job_role_arn: given.job_role_arn,
        execution_role_arn: given.execution_role_arn,
        instance_type: given.instance_type,
        network_configuration: given.network_configuration.map(network),
        fargate_platform_configuration: given.fargate_platform_configuration.map(platform),
        ephemeral_storage: given.ephemeral_storage.as_ref().and_then(storage),
        runtime_platform: given.runtime_platform.map(runtime),
        repository_credentials: given.repository_credentials.map(credentials),
        enable_execute_command: given.enable_execute_command,
        other: BTreeMap::new(),
    }
}

/// Fills the call in. A member that would not be sent is refused rather than dropped.
pub fn register(
    call: RegisterJobDefinitionFluentBuilder,
    wanted: RegisterJobDefinitionRequest,
) -> Result<RegisterJobDefinitionFluentBuilder, NotSent> {
    if wanted.eks_properties.is_some() {
        return Err(NotSent::member("eksProperties".to_owned()));
    }
    let container = wanted.container_properties.map(|one| new_container("containerProperties", one)).transpose()?;
    let tasks = wanted.ecs_properties.map(|tasks| new_tasks("ecsProperties", tasks)).transpose()?;
    Ok(call
        .job_definition_name(wanted.job_definition_name)
        .r#type(types::JobDefinitionType::from(wanted.kind.as_str()))
        .set_parameters(unsorted(wanted.parameters))
        .set_retry_strategy(wanted.retry_strategy.map(new_retry))
        .set_container_properties(container)
        .set_ecs_properties(tasks)
        .set_node_properties(wanted.node_properties.map(new_nodes).transpose()?)
        .set_timeout(wanted.timeout.map(new_timeout))
        .set_scheduling_priority(wanted.scheduling_priority)
        .set_consumable_resource_properties(wanted.consumable_resource_properties.map(new_consumables))
        .set_platform_capabilities(some_list(wanted.platform_capabilities, |one| one.as_str().into()))
        .set_propagate_tags(wanted.propagate_tags)
        .set_tags(unsorted(wanted.tags)))
}

#[expect(deprecated, reason = "old definitions still carry vcpus and memory")]
pub fn new_container(at: &str, wanted: ContainerProperties) -> Result<types::ContainerProperties, NotSent> {
    NotSent::check(at, &wanted.other)?;
    let volumes = try_list(wanted.volumes, |volume| new_volume(at, volume))?;
    Ok(types::ContainerProperties::builder()
        .image(wanted.image)
        .set_command(some_list(wanted.command, |word| word))
        .set_environment(some_list(wanted.environment, new_key_values))
        .set_resource_requirements(some_list(wanted.resource_requirements, new_requirements))
        .set_vcpus(wanted.vcpus)
        .set_memory(wanted.memory)
        .set_user(wanted.user)
        .set_log_configuration(wanted.log_configuration.map(new_log_configuration))
        .set_volumes((!volumes.is_empty()).then_some(volumes))
        .set_mount_points(some_list(wanted.mount_points, new_mount_point))
        .set_ulimits(some_list(wanted.ulimits, new_ulimit))
        .set_secrets(some_list(wanted.secrets, new_secret))
        .set_readonly_root_filesystem(wanted.readonly_root_filesystem)
        .set_privileged(wanted.privileged)
        .set_linux_parameters(wanted.linux_parameters.map(new_linux_parameters))
        .set_job_role_arn(wanted.job_role_arn)
        .set_execution_role_arn(wanted.execution_role_arn)
        .set_instance_type(wanted.instance_type)
        .set_network_configuration(wanted.network_configuration.map(new_network))
        .set_fargate_platform_configuration(wanted.fargate_platform_configuration.map(new_platform))
        .set_ephemeral_storage(wanted.ephemeral_storage.as_ref().map(new_storage))
        .set_runtime_platform(wanted.runtime_platform.map(new_runtime))
        .set_repository_credentials(wanted.repository_credentials.map(new_credentials))
        .set_enable_execute_command(wanted.enable_execute_command)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn wanted(members: Value) -> ContainerProperties {
        let mut all = json!({ "image": "busybox", "command": ["true"] });
        if let (Some(all), Value::Object(members)) = (all.as_object_mut(), members) {
            all.extend(members);
        }
        serde_json::from_value(all).expect("a container")
    }

    #[test]
    fn a_container_goes_out_and_comes_back_the_same() {
        let wanted = wanted(json!({
            "environment": [{ "name": "A", "value": "b" }],
            "user": "1000:1000",
            "volumes": [
                { "name": "here", "host": { "sourcePath": "/srv" } },
                { "name": "fresh" },
                { "name": "pail", "s3filesVolumeConfiguration": { "fileSystemArn": "arn:f", "rootDirectory": "/" } },
                { "name": "far", "efsVolumeConfiguration": {
                    "fileSystemId": "fs-1", "rootDirectory": "/a", "transitEncryption": "ENABLED",
                    "transitEncryptionPort": 2049, "authorizationConfig": { "accessPointId": "ap", "iam": "ENABLED" },
                } },
            ],
            "mountPoints": [{ "containerPath": "/data", "readOnly": true, "sourceVolume": "here" }],
            "ulimits": [{ "name": "nofile", "softLimit": 10, "hardLimit": 20 }],
            "logConfiguration": {
                "logDriver": "awslogs", "options": { "awslogs-group": "/own" },
                "secretOptions": [{ "name": "TOKEN", "valueFrom": "arn:t" }],
            },
            "secrets": [{ "name": "KEY", "valueFrom": "arn:s" }],
            "readonlyRootFilesystem": true, "privileged": true, "enableExecuteCommand": false,
            "jobRoleArn": "arn:r", "executionRoleArn": "arn:e", "instanceType": "c5.large",
            "linuxParameters": {
                "devices": [{ "hostPath": "/dev/fuse", "containerPath": "/dev/fuse", "permissions": ["READ", "WRITE"] }],
                "initProcessEnabled": true, "sharedMemorySize": 64, "maxSwap": 0, "swappiness": 60,
                "tmpfs": [{ "containerPath": "/tmp", "size": 16, "mountOptions": ["noexec"] }],
            },
            "networkConfiguration": { "assignPublicIp": "ENABLED" },
            "fargatePlatformConfiguration": { "platformVersion": "LATEST" },
            "ephemeralStorage": { "sizeInGiB": 30 },
            "runtimePlatform": { "operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64" },
            "repositoryCredentials": { "credentialsParameter": "arn:c" },
        }));
        assert!(wanted.other.is_empty(), "{:?}", wanted.other);
        let sent = new_container("containerProperties", wanted.clone()).expect("is sent");
        assert_eq!(container(sent), wanted);
    }

    #[test]
    fn a_member_that_would_be_dropped_is_refused() {
        let cases = [
            (json!({ "novelty": {} }), "it.novelty"),
            (json!({ "volumes": [{ "name": "a", "novelVolume": {} }] }), "it: the volume `a`.novelVolume"),
        ];
        for (members, expected) in cases {
            assert_eq!(new_container("it", wanted(members)).expect_err("is refused").member, expected);
        }
    }
}
