//! Jobs: rows and details.

use super::container::{
    credentials, linux_parameters, mount_point, network, platform, runtime, secret, storage, ulimit, volume,
};
use super::nodes::nodes;
use super::{count, list, sorted, task, time};
use crate::model::{
    ArrayProperties, AttemptContainerDetail, AttemptDetail, ConsumableResourceProperties,
    ConsumableResourceRequirement, ContainerDetail, ContainerSummary, DependencyKind, EvaluateOnExit, JobDependency,
    JobDetail, JobExtra, JobId, JobStatus, JobSummary, JobTimeout, KeyValuePair, LogConfiguration, NodeDetails,
    NodePropertiesSummary, ResourceRequirement, RetryStrategy, StatusCounts, name_of,
};
use aws_sdk_batch::types;
use serde_json::{Map, Value};
use std::collections::HashMap;

fn status(given: Option<&types::JobStatus>) -> JobStatus {
    given.and_then(|status| status.as_str().parse().ok()).unwrap_or_default()
}

/// A row of a list. `queue` is the one that was listed; a list of an array's children does not say it.
pub fn summary(given: types::JobSummary, queue: Option<&str>) -> JobSummary {
    let vcpus = list(given.capacity_usage, |usage| (usage.capacity_unit.unwrap_or_default(), usage.quantity));
    let vcpus = vcpus.iter().find(|(unit, _)| unit.eq_ignore_ascii_case("VCPU") || unit == "cpu");
    let stopping = given.is_cancelled == Some(true) || given.is_terminated == Some(true);
    let status = status(given.status.as_ref());
    let created_at = given.created_at.unwrap_or_default();
    let (started_at, stopped_at) = (time(given.started_at), time(given.stopped_at));
    JobSummary {
        job_arn: given.job_arn.unwrap_or_default(),
        job_id: JobId(given.job_id.unwrap_or_default()),
        job_name: given.job_name.unwrap_or_default(),
        job_definition: given.job_definition,
        status,
        status_reason: given.status_reason,
        created_at,
        scheduled_at: time(given.scheduled_at),
        started_at,
        stopped_at,
        container: given
            .container
            .map(|container| ContainerSummary { exit_code: container.exit_code, reason: container.reason }),
        array_properties: given.array_properties.map(|array| ArrayProperties {
            size: count(array.size),
            index: count(array.index),
            status_summary: status_counts(array.status_summary),
            status_summary_last_updated_at: time(array.status_summary_last_updated_at),
        }),
        node_properties: given.node_properties.map(|nodes| NodePropertiesSummary {
            is_main_node: nodes.is_main_node,
            num_nodes: count(nodes.num_nodes),
            node_index: count(nodes.node_index),
        }),
        share_identifier: given.share_identifier,
        extra: queue.map(|queue| {
            Box::new(JobExtra {
                job_queue: queue.to_owned(),
                vcpus: vcpus.and_then(|(_, quantity)| *quantity).unwrap_or_default(),
                state_since: since(status, created_at, started_at, stopped_at),
                stopping: stopping && !status.is_final(),
                held: false,
                ..JobExtra::default()
            })
        }),
    }
}

/// When the job entered its state, as far as AWS tells; of a waiting job it tells the time of its submission alone.
fn since(status: JobStatus, created: i64, started: Option<i64>, stopped: Option<i64>) -> i64 {
    match status {
        JobStatus::Running => started.unwrap_or(created),
        JobStatus::Succeeded | JobStatus::Failed => stopped.or(started).unwrap_or(created),
        _ => created,
    }
}

/// `None` where AWS has not counted yet: a new array's summary is empty.
fn status_counts(given: Option<HashMap<String, i32>>) -> Option<StatusCounts> {
    let mut counts = StatusCounts::default();
    for (name, number) in given? {
        if let (Ok(status), Ok(number @ 1..)) = (name.parse(), u64::try_from(number)) {
            counts.add(status, number);
        }
    }
    (counts.total() > 0).then_some(counts)
}

/// All of a job, with our own members filled in from it.
pub fn detail(given: types::JobDetail) -> JobDetail {
    let mut detail = JobDetail {
        job_arn: given.job_arn.unwrap_or_default(),
        job_id: JobId(given.job_id.unwrap_or_default()),
        job_name: given.job_name.unwrap_or_default(),
        job_queue: given.job_queue.unwrap_or_default(),
        status: status(given.status.as_ref()),
        status_reason: given.status_reason,
        attempts: list(given.attempts, attempt),
        created_at: given.created_at.unwrap_or_default(),
        started_at: time(given.started_at),
        stopped_at: time(given.stopped_at),
        retry_strategy: given.retry_strategy.map(retry),
        depends_on: list(given.depends_on, dependency),
        job_definition: given.job_definition.unwrap_or_default(),
        parameters: sorted(given.parameters),
        container: given.container.map(container),
        array_properties: given.array_properties.map(|array| ArrayProperties {
            size: count(array.size),
            index: count(array.index),
            status_summary: status_counts(array.status_summary),
            status_summary_last_updated_at: time(array.status_summary_last_updated_at),
        }),
        ecs_properties: given.ecs_properties.map(task::detail),
        node_properties: given.node_properties.map(nodes),
        node_details: given.node_details.map(|node| NodeDetails {
            node_index: count(node.node_index).unwrap_or_default(),
            is_main_node: node.is_main_node.unwrap_or_default(),
        }),
        timeout: given.timeout.as_ref().map(timeout),
        share_identifier: given.share_identifier,
        scheduling_priority: given.scheduling_priority,
        consumable_resource_properties: given.consumable_resource_properties.map(consumables),
        tags: sorted(given.tags),
        propagate_tags: given.propagate_tags.unwrap_or_default(),
        platform_capabilities: list(given.platform_capabilities, |one| one.as_str().to_owned()),
        is_cancelled: given.is_cancelled.unwrap_or_default(),
        is_terminated: given.is_terminated.unwrap_or_default(),
        service: None,
        extra: None,
        cost: None,
        request: None,
    };
    detail.extra = Some(Box::new(extra(&detail)));
    detail
}

pub fn consumables(given: types::ConsumableResourceProperties) -> ConsumableResourceProperties {
    let requirement = |one: types::ConsumableResourceRequirement| ConsumableResourceRequirement {
        consumable_resource: one.consumable_resource.unwrap_or_default(),
        quantity: one.quantity.unwrap_or_default(),
    };
    ConsumableResourceProperties { consumable_resource_list: list(given.consumable_resource_list, requirement) }
}

/// The vCPUs and MiB that a job asks for: of several containers, what they ask for together; of a multi-node job as a
/// whole, what its main node does.
fn asked(detail: &JobDetail) -> (f64, u64) {
    let of = |requirements: &[ResourceRequirement]| {
        let find = |kind: &str| requirements.iter().find(|one| one.kind == kind).map(|one| one.value.as_str());
        let vcpus: Option<f64> = find("VCPU").and_then(|value| value.parse().ok());
        let memory: Option<u64> = find("MEMORY").and_then(|value| value.parse().ok());
        (vcpus, memory)
    };
    let both = |(vcpus, memory): (Option<f64>, Option<u64>)| (vcpus.unwrap_or_default(), memory.unwrap_or_default());
    let sum = |sum: (f64, u64), one: (f64, u64)| (sum.0 + one.0, sum.1 + one.1);
    let tasks = detail.ecs_properties.iter().flat_map(|ecs| &ecs.task_properties);
    let several = tasks.flat_map(|task| &task.containers).map(|one| both(of(&one.given.resource_requirements)));
    let several = several.reduce(sum);
    let main = detail.node_properties.as_ref().and_then(|nodes| nodes.of_node(nodes.main_node, nodes.num_nodes));
    let of_main = main.map(|range| match (&range.container, &range.ecs_properties) {
        (Some(container), _) => both(of(&container.resource_requirements)),
        (None, tasks) => {
            let containers = tasks.iter().flat_map(|tasks| &tasks.task_properties).flat_map(|task| &task.containers);
            containers.map(|one| both(of(&one.resource_requirements))).fold((0.0, 0), sum)
        }
    });
    several.or(of_main).unwrap_or_else(|| {
        let Some(container) = &detail.container else { return (0.0, 0) };
        let (vcpus, memory) = of(&container.resource_requirements);
        let old = (container.vcpus.map(f64::from), container.memory.and_then(|memory| u64::try_from(memory).ok()));
        both((vcpus.or(old.0), memory.or(old.1)))
    })
}

fn extra(detail: &JobDetail) -> JobExtra {
    let (vcpus, memory_mib) = asked(detail);
    let ended = u32::try_from(detail.attempts.len()).unwrap_or(u32::MAX);
    let log = detail.log(None, None);
    JobExtra {
        job_queue: name_of(&detail.job_queue).to_owned(),
        vcpus,
        memory_mib,
        priority: detail.scheduling_priority.unwrap_or_default(),
        // `attempts` holds those that have ended.
        attempt: if detail.status.is_placed() { ended.saturating_add(1) } else { ended },
        state_since: since(detail.status, detail.created_at, detail.started_at, detail.stopped_at),
        // AWS names an ECS container instance here, which is not the id of an instance.
        instance: None,
        log_group_name: log.as_ref().and_then(|log| log.group.clone()),
        log_stream_name: log.map(|log| log.stream),
        usage: None,
        stopping: (detail.is_cancelled || detail.is_terminated) && !detail.status.is_final(),
        held: false,
        from_history: None,
    }
}

fn container(given: types::ContainerDetail) -> ContainerDetail {
    ContainerDetail {
        image: given.image.unwrap_or_default(),
        command: given.command.unwrap_or_default(),
        environment: list(given.environment, key_values),
        resource_requirements: list(given.resource_requirements, requirements),
        exit_code: given.exit_code,
        reason: given.reason,
        container_instance_arn: given.container_instance_arn,
        task_arn: given.task_arn,
        log_stream_name: given.log_stream_name,
        log_configuration: given.log_configuration.map(log_configuration),
        volumes: list(given.volumes, volume),
        mount_points: list(given.mount_points, mount_point),
        ulimits: list(given.ulimits, ulimit),
        network_interfaces: list(given.network_interfaces, network_interface),
        secrets: list(given.secrets, secret),
        user: given.user,
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
        vcpus: given.vcpus,
        memory: given.memory,
    }
}

fn attempt(given: types::AttemptDetail) -> AttemptDetail {
    let container = given.container.map(|container| AttemptContainerDetail {
        container_instance_arn: container.container_instance_arn,
        task_arn: container.task_arn,
        exit_code: container.exit_code,
        reason: container.reason,
        log_stream_name: container.log_stream_name,
        network_interfaces: list(container.network_interfaces, network_interface),
    });
    AttemptDetail {
        container: container.unwrap_or_default(),
        started_at: time(given.started_at),
        stopped_at: time(given.stopped_at),
        status_reason: given.status_reason,
        task_properties: list(given.task_properties, task::attempt),
    }
}

fn dependency(given: types::JobDependency) -> JobDependency {
    JobDependency {
        job_id: given.job_id.map(JobId),
        kind: given.r#type.and_then(|kind| match kind {
            types::ArrayJobDependency::NToN => Some(DependencyKind::NToN),
            types::ArrayJobDependency::Sequential => Some(DependencyKind::Sequential),
            _ => None,
        }),
    }
}

pub fn retry(given: types::RetryStrategy) -> RetryStrategy {
    RetryStrategy {
        attempts: count(given.attempts),
        evaluate_on_exit: list(given.evaluate_on_exit, |rule| EvaluateOnExit {
            on_status_reason: rule.on_status_reason,
            on_reason: rule.on_reason,
            on_exit_code: rule.on_exit_code,
            action: rule.action.map(|action| action.as_str().to_owned()).unwrap_or_default(),
        }),
    }
}

pub fn timeout(given: &types::JobTimeout) -> JobTimeout {
    JobTimeout { attempt_duration_seconds: count(given.attempt_duration_seconds) }
}

pub fn key_values(given: types::KeyValuePair) -> KeyValuePair {
    KeyValuePair { name: given.name.unwrap_or_default(), value: given.value.unwrap_or_default() }
}

pub fn requirements(given: types::ResourceRequirement) -> ResourceRequirement {
    ResourceRequirement {
        kind: given.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        value: given.value.unwrap_or_default(),
    }
}

pub fn log_configuration(given: types::LogConfiguration) -> LogConfiguration {
    LogConfiguration {
        log_driver: given.log_driver.map(|driver| driver.as_str().to_owned()).unwrap_or_default(),
        options: sorted(given.options),
        secret_options: list(given.secret_options, secret),
    }
}

pub fn network_interface(given: types::NetworkInterface) -> Value {
    members([
        ("attachmentId", given.attachment_id.into()),
        ("ipv6Address", given.ipv6_address.into()),
        ("privateIpv4Address", given.private_ipv4_address.into()),
    ])
}

/// An object of those members that are there.
pub fn members<const N: usize>(members: [(&str, Value); N]) -> Value {
    let there = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(there.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> types::builders::JobDetailBuilder {
        let size = |kind, value: &str| types::ResourceRequirement::builder().r#type(kind).value(value).build();
        let container = types::ContainerDetail::builder()
            .resource_requirements(size(types::ResourceType::Vcpu, "0.25"))
            .resource_requirements(size(types::ResourceType::Memory, "512"))
            .log_stream_name("d/default/t2")
            .build();
        types::JobDetail::builder()
            .job_id("j")
            .job_queue("arn:aws:batch:eu-west-1:1:job-queue/main")
            .status(types::JobStatus::Running)
            .created_at(100)
            .started_at(200)
            .stopped_at(0)
            .scheduling_priority(7)
            .attempts(types::AttemptDetail::builder().started_at(110).stopped_at(120).build())
            .container(container)
    }

    #[test]
    fn a_job_that_runs_again_is_at_its_next_attempt() {
        let detail = detail(running().is_terminated(true).build());
        assert_eq!((detail.started_at, detail.stopped_at), (Some(200), None), "0 is no time");
        let extra = detail.extra.expect("is filled in");
        let expected = JobExtra {
            job_queue: "main".into(),
            vcpus: 0.25,
            memory_mib: 512,
            priority: 7,
            attempt: 2,
            state_since: 200,
            log_stream_name: Some("d/default/t2".into()),
            stopping: true,
            ..JobExtra::default()
        };
        assert_eq!(*extra, expected);
    }

    #[test]
    fn a_job_that_ended_stays_at_its_last_attempt_and_is_not_stopping_any_more() {
        let ended = running().status(types::JobStatus::Failed).stopped_at(300).is_terminated(true).build();
        let row = detail(ended).row();
        let extra = row.extra.expect("is filled in");
        assert_eq!((extra.attempt, extra.state_since, extra.stopping), (1, 300, false));
        assert_eq!(row.stopped_at, Some(300));
    }

    #[test]
    fn an_arrays_summary_counts_what_is_there() {
        let summary = |pairs: &[(&str, i32)]| {
            status_counts(Some(pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()))
        };
        assert_eq!(summary(&[("RUNNING", 2), ("FAILED", 0)]), Some(StatusCounts([(JobStatus::Running, 2)].into())));
        assert_eq!(summary(&[("RUNNING", 0), ("SCHEDULED", 3)]), None);
        assert_eq!(summary(&[]), None);
        assert_eq!(status_counts(None), None);
    }

    #[test]
    fn a_row_of_a_list_tells_its_queue_and_what_the_list_knows() {
        let usage = types::JobCapacityUsageSummary::builder().capacity_unit("VCPU").quantity(2.0).build();
        let given = types::JobSummary::builder()
            .job_id("j")
            .status(types::JobStatus::Runnable)
            .created_at(100)
            .is_cancelled(true)
            .capacity_usage(usage)
            .build();
        let extra = summary(given.clone(), Some("main")).extra.expect("is filled in");
        assert_eq!(
            (extra.job_queue.as_str(), extra.vcpus, extra.stopping, extra.state_since),
            ("main", 2.0, true, 100)
        );
        assert_eq!(summary(given, None).extra, None);
    }
}
