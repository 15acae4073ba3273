//! What the engine shows, in the shapes of `model`, with our own members filled in.

use super::Engine;
use super::container::vcpus;
use super::job::{Attempt, Job, Key, Root};
use super::state::{Blocked, Consumable, Environment, Host, Policy, Queue};
use super::work::Work;
use crate::model::{
    ArrayProperties, AttemptContainerDetail, AttemptDetail, Capacity, ComputeEnvironment, ComputeEnvironmentOrder,
    ConsumableResource, ContainerDetail, ContainerSummary, DEFAULT_LOG_GROUP, Health, Instance, InstanceId,
    InstanceState, JobDetail, JobExtra, JobQueue, JobSummary, JobTimeout, Millis, QueueBlocked, ScalingChange,
    SchedulingPolicy, ServiceEnvironmentOrder,
};

impl Engine {
    pub(super) fn queue_row(&self, name: &str, queue: &Queue) -> JobQueue {
        let place = &self.core.settings.place;
        let order = queue.environments.iter().map(|entry| ComputeEnvironmentOrder {
            order: entry.order,
            compute_environment: place.batch_arn("compute-environment", &entry.compute_environment),
        });
        JobQueue {
            job_queue_name: name.to_owned(),
            job_queue_arn: place.batch_arn("job-queue", name),
            state: queue.state,
            status: queue.status,
            status_reason: (queue.status == Health::Valid).then(|| "JobQueue Healthy".to_owned()),
            priority: queue.priority,
            compute_environment_order: order.collect(),
            service_environment_order: queue
                .service_environments
                .iter()
                .map(|entry| ServiceEnvironmentOrder {
                    order: entry.order,
                    service_environment: place.batch_arn("service-environment", &entry.service_environment),
                })
                .collect(),
            job_queue_type: Some(self.kind_of(&queue.environments).to_owned()),
            scheduling_policy_arn: queue
                .scheduling_policy
                .as_ref()
                .map(|name| place.batch_arn("scheduling-policy", name)),
            job_state_time_limit_actions: queue.job_state_time_limit_actions.clone(),
            tags: queue.tags.clone(),
            job_counts: Some(self.index.queues.get(name).map(|index| index.counts.wire()).unwrap_or_default()),
            job_counts_partial: false,
            held: queue.held,
            blocked: queue.blocked.as_ref().and_then(|blocked| self.blocked_row(blocked)),
        }
    }

    fn blocked_row(&self, blocked: &Blocked) -> Option<QueueBlocked> {
        let root = self.core.jobs.get(&blocked.job.number)?;
        let reason = root.get(blocked.job.slot)?.status_reason.as_ref()?;
        let job = root.id(blocked.job.slot);
        Some(QueueBlocked { job_id: job, reason: reason.to_string(), since: blocked.since })
    }

    pub(super) fn environment_row(&self, name: &str, environment: &Environment) -> ComputeEnvironment {
        let place = &self.core.settings.place;
        let instances: Vec<Instance> = self.hosts_of(name).map(|(id, host)| self.instance_row(id, host)).collect();
        let hosts = || self.hosts_of(name).map(|(_, host)| host);
        let total = self.total_milli(name);
        let capacity = Capacity {
            vcpus: vcpus(total),
            vcpus_used: vcpus(hosts().map(|host| host.used_milli).sum()),
            memory_mib: hosts().map(|host| host.memory_mib).sum(),
            memory_mib_used: hosts().map(|host| host.used_mib).sum(),
            instances,
            usd_per_hour: self.hourly(name, environment),
            prices: None,
        };
        let count = |vcpus: u64| i32::try_from(vcpus).unwrap_or(i32::MAX);
        let mut resources = environment.request.compute_resources.clone();
        if let Some(resources) = &mut resources {
            resources.maxv_cpus = Some(count(environment.maximum.into()));
            if !environment.is_fargate() {
                let asked = environment.minimum.max(environment.raise_to.unwrap_or(0));
                resources.minv_cpus = Some(count(environment.minimum.into()));
                resources.desiredv_cpus = Some(count(total.div_ceil(1000).max(asked.into())));
            }
        }
        ComputeEnvironment {
            compute_environment_name: name.to_owned(),
            compute_environment_arn: place.batch_arn("compute-environment", name),
            ecs_cluster_arn: Some(format!(
                "arn:aws:ecs:{}:{}:cluster/{}",
                place.region, place.account, environment.cluster
            )),
            kind: environment.request.kind.clone(),
            state: environment.state,
            status: environment.status,
            status_reason: environment
                .status_reason
                .clone()
                .or_else(|| failing(environment))
                .or_else(|| environment.is_valid().then(|| "ComputeEnvironment Healthy".to_owned())),
            compute_resources: resources,
            service_role: environment.request.service_role.clone(),
            unmanagedv_cpus: environment.request.unmanagedv_cpus,
            update_policy: environment.request.update_policy,
            container_orchestration_type: Some("ECS".to_owned()),
            uuid: environment.cluster.rsplit_once("_Batch_").map(|(_, uuid)| uuid.to_owned()),
            context: environment.request.context.clone(),
            tags: environment.request.tags.clone(),
            capacity: Some(capacity),
            capacity_unread: None,
        }
    }

    pub(super) fn instance_row(&self, id: &InstanceId, host: &Host) -> Instance {
        // An instance of an environment that goes takes no job any more.
        let leaving = self.core.environments.get(&host.environment).is_some_and(|found| !found.is_valid());
        let draining = leaving && host.state == InstanceState::Active;
        Instance {
            instance_id: id.clone(),
            compute_environment: host.environment.clone(),
            instance_type: host.instance_type.clone(),
            state: if draining { InstanceState::Draining } else { host.state },
            launched_at: host.launched_at,
            vcpus: vcpus(host.vcpus_milli),
            vcpus_used: vcpus(host.used_milli),
            memory_mib: host.memory_mib,
            memory_mib_used: host.used_mib,
            gpus: host.gpus,
            gpus_used: host.used_gpus,
            ready_at: host.ready_at.filter(|_| host.state == InstanceState::Pending),
            interrupted_at: host.reclaim_at,
            running_jobs: u32::try_from(host.placed.len()).unwrap_or(u32::MAX),
            limits: self.limits.get(id).cloned(),
            agent_pid: host.pid,
            agent_lost: false,
        }
    }

    pub(super) fn summary(&self, key: Key) -> Option<JobSummary> {
        let root = self.core.jobs.get(&key.number)?;
        let (status, job) = Self::standing(root, key.slot)?;
        let id = root.id(key.slot);
        let attempts = attempts(root, key);
        let (started_at, stopped_at) = times(root, key, job);
        let last = attempts.last().and_then(|attempt| attempt.end.as_ref());
        Some(JobSummary {
            job_arn: self.core.settings.place.batch_arn("job", id.as_str()),
            job_id: id,
            job_name: root.spec.name.clone(),
            job_definition: Some(self.definition_arn(root)),
            status,
            status_reason: job.status_reason.as_ref().map(|reason| reason.to_string()),
            created_at: root.spec.created_at,
            scheduled_at: job.attempts.last().map(|attempt| attempt.placed_at),
            started_at,
            stopped_at,
            container: last.map(|end| ContainerSummary { exit_code: end.code, reason: end.reason.clone() }),
            array_properties: array_properties(root, key),
            node_properties: Self::node_summary(root, key),
            share_identifier: root.spec.share.as_deref().map(str::to_owned),
            extra: Some(Box::new(self.extra(root, key, job))),
        })
    }

    fn definition_arn(&self, root: &Root) -> String {
        let label = format!("{}:{}", root.spec.definition, root.spec.revision);
        self.core.settings.place.batch_arn("job-definition", &label)
    }

    fn extra(&self, root: &Root, key: Key, job: &Job) -> JobExtra {
        let last = attempts(root, key).last();
        let need =
            if root.is_node(key.slot) { self.work(root, key.slot).and_then(|work| work.need().ok()) } else { None };
        let need = need.unwrap_or(root.spec.need);
        let speaker = Key { slot: root.speaker(key.slot), ..key };
        let ended = || last.and_then(|attempt| attempt.end.as_ref()).and_then(|end| end.usage);
        let outlet = last.and_then(|attempt| self.foremost_outlet(root, speaker.slot, attempt));
        JobExtra {
            job_queue: root.spec.queue.clone(),
            vcpus: vcpus(need.vcpus_milli),
            memory_mib: need.memory_mib,
            priority: job.priority,
            attempt: root.tries(key.slot),
            state_since: job.since,
            instance: last.map(|attempt| attempt.instance.clone()),
            log_group_name: outlet.as_ref().map(|outlet| outlet.group.clone()).filter(|name| name != DEFAULT_LOG_GROUP),
            log_stream_name: outlet.map(|outlet| outlet.stream),
            usage: self.usage.get(&speaker).copied().or_else(ended),
            stopping: job.is_stopping(),
            held: root.array.as_ref().filter(|_| key.slot == 0).map_or(job.held, |array| array.held > 0),
            from_history: None,
        }
    }

    pub(super) fn detail(&self, key: Key) -> Option<JobDetail> {
        let root = self.core.jobs.get(&key.number)?;
        let (status, job) = Self::standing(root, key.slot)?;
        let attempts = attempts(root, key);
        let stop = root.stop_of(key.slot);
        let spec = &root.spec;
        let definition = self.core.definition(&spec.definition, spec.revision);
        let id = root.id(key.slot);
        let (started_at, stopped_at) = times(root, key, job);
        let place = &self.core.settings.place;
        let own_timeout = spec.timeout_seconds.map(|s| JobTimeout { attempt_duration_seconds: Some(s) });
        Some(JobDetail {
            job_arn: place.batch_arn("job", id.as_str()),
            job_id: id,
            job_name: spec.name.clone(),
            job_queue: place.batch_arn("job-queue", &spec.queue),
            status,
            status_reason: job.status_reason.as_ref().map(|reason| reason.to_string()),
            attempts: attempts.iter().filter_map(|attempt| self.attempt_detail(root, key, attempt)).collect(),
            created_at: spec.created_at,
            started_at,
            stopped_at,
            retry_strategy: self.retry_strategy(root).cloned(),
            depends_on: spec.depends_on.clone(),
            job_definition: self.definition_arn(root),
            parameters: self.parameters(root),
            container: Some(self.container(root, key).unwrap_or_default()),
            ecs_properties: self.task_detail(root, root.speaker(key.slot), attempts.last()),
            array_properties: array_properties(root, key),
            node_properties: self.node_properties(root, key),
            node_details: Self::node_details(root, key),
            timeout: own_timeout.or_else(|| definition.and_then(|found| found.timeout)),
            share_identifier: spec.share.as_deref().map(str::to_owned),
            consumable_resource_properties: root
                .spec
                .own_consumables(|name| self.core.settings.place.batch_arn("consumable-resource", name)),
            scheduling_priority: spec.scheduling_priority.or_else(|| definition?.scheduling_priority),
            tags: if key.slot == 0 { spec.tags.clone() } else { std::collections::BTreeMap::new() },
            propagate_tags: self.propagates_tags(root),
            platform_capabilities: definition.map(|found| found.platform_capabilities.clone()).unwrap_or_default(),
            is_cancelled: stop.is_some_and(|stop| !stop.terminate),
            is_terminated: stop.is_some_and(|stop| stop.terminate),
            extra: Some(Box::new(self.extra(root, key, job))),
            request: None,
            cost: None,
            service: None,
        })
    }

    fn propagates_tags(&self, root: &Root) -> bool {
        let own = root.spec.rare.as_ref().and_then(|rare| rare.propagate_tags);
        let of_definition = || self.core.definition(&root.spec.definition, root.spec.revision)?.propagate_tags;
        own.or_else(of_definition).unwrap_or(false)
    }

    pub(super) fn policy_row(&self, name: &str, policy: &Policy) -> SchedulingPolicy {
        SchedulingPolicy {
            name: name.to_owned(),
            arn: self.core.settings.place.batch_arn("scheduling-policy", name),
            fairshare_policy: policy.fairshare.clone(),
            quota_share_policy: policy.quota_share.clone(),
            tags: policy.tags.clone(),
        }
    }

    pub(super) fn consumable_row(&self, name: &str, consumable: &Consumable) -> ConsumableResource {
        let in_use = self.index.held.get(name).copied().unwrap_or(0);
        ConsumableResource {
            consumable_resource_name: name.to_owned(),
            consumable_resource_arn: self.core.settings.place.batch_arn("consumable-resource", name),
            total_quantity: consumable.total,
            in_use_quantity: in_use,
            available_quantity: self.available(name),
            resource_type: consumable.kind,
            created_at: consumable.created_at,
            tags: consumable.tags.clone(),
        }
    }

    /// The merged container, and where the last try of it runs or ran. `AWS_BATCH_*` is not listed, as on AWS.
    /// Of a job of several containers it is empty.
    fn container(&self, root: &Root, key: Key) -> Option<ContainerDetail> {
        let slot = root.speaker(key.slot);
        let work = self.work(root, slot)?;
        let Work::One { properties, .. } = work else { return None };
        let merged = work.containers(&self.parameters(root)).pop()?.properties;
        let last = attempts(root, key).last();
        let end = last.and_then(|attempt| attempt.end.as_ref());
        Some(ContainerDetail {
            image: merged.image,
            command: merged.command,
            environment: merged.environment,
            resource_requirements: merged.resource_requirements,
            exit_code: end.and_then(|end| end.code),
            reason: end.and_then(|end| end.reason.clone()),
            container_instance_arn: last.map(|attempt| self.instance_arn(attempt)),
            task_arn: last.map(|attempt| self.task_arn(attempt)),
            log_stream_name: last.and_then(|attempt| Some(self.foremost_outlet(root, slot, attempt)?.stream)),
            log_configuration: properties.log_configuration.clone(),
            volumes: properties.volumes.clone(),
            mount_points: properties.mount_points.clone(),
            ulimits: properties.ulimits.clone(),
            secrets: properties.secrets.clone(),
            user: properties.user.clone(),
            readonly_root_filesystem: properties.readonly_root_filesystem,
            privileged: properties.privileged,
            linux_parameters: properties.linux_parameters.clone(),
            job_role_arn: properties.job_role_arn.clone(),
            execution_role_arn: properties.execution_role_arn.clone(),
            instance_type: properties.instance_type.clone(),
            network_configuration: properties.network_configuration.clone(),
            fargate_platform_configuration: properties.fargate_platform_configuration.clone(),
            ephemeral_storage: properties.ephemeral_storage.clone(),
            runtime_platform: properties.runtime_platform.clone(),
            repository_credentials: properties.repository_credentials.clone(),
            enable_execute_command: properties.enable_execute_command,
            ..ContainerDetail::default()
        })
    }

    /// An attempt that has ended; the live one stands in the container alone.
    fn attempt_detail(&self, root: &Root, key: Key, attempt: &Attempt) -> Option<AttemptDetail> {
        let end = attempt.end.as_ref()?;
        let slot = root.speaker(key.slot);
        let task_properties = self.attempt_task(root, slot, attempt);
        let container = AttemptContainerDetail {
            container_instance_arn: Some(self.instance_arn(attempt)),
            task_arn: Some(self.task_arn(attempt)),
            exit_code: end.code,
            reason: end.reason.clone(),
            log_stream_name: self.foremost_outlet(root, slot, attempt).map(|outlet| outlet.stream),
            network_interfaces: Vec::new(),
        };
        Some(AttemptDetail {
            container: if task_properties.is_empty() { container } else { AttemptContainerDetail::default() },
            task_properties,
            started_at: attempt.started_at,
            stopped_at: Some(end.at),
            status_reason: Some(end.status_reason.clone()),
        })
    }

    pub(super) fn instance_arn(&self, attempt: &Attempt) -> String {
        self.ecs_arn("container-instance", attempt, &attempt.instance.0)
    }

    pub(super) fn task_arn(&self, attempt: &Attempt) -> String {
        self.ecs_arn("task", attempt, &attempt.task_id)
    }

    fn ecs_arn(&self, kind: &str, attempt: &Attempt, name: &str) -> String {
        let place = &self.core.settings.place;
        format!("arn:aws:ecs:{}:{}:{kind}/{}/{name}", place.region, place.account, &*attempt.cluster)
    }
}

/// The tries that are told of a job.
fn attempts(root: &Root, key: Key) -> &[Attempt] {
    root.get(root.speaker(key.slot)).map_or(&[], |job| &job.attempts)
}

/// When the last try started and stopped. A parent has started with its first child. A job that ended without a try
/// stopped when it ended.
fn times(root: &Root, key: Key, job: &Job) -> (Option<Millis>, Option<Millis>) {
    let ended = job.status.is_final().then_some(job.since);
    match (&root.array, attempts(root, key).last()) {
        (Some(array), _) if key.slot == 0 => (array.started_at, ended),
        (_, Some(attempt)) => (attempt.started_at, attempt.end.as_ref().map(|end| end.at).or(ended)),
        (_, None) => (None, ended),
    }
}

fn array_properties(root: &Root, key: Key) -> Option<ArrayProperties> {
    let array = root.array.as_ref()?;
    Some(match key.index() {
        Some(index) => ArrayProperties { index: Some(index), ..ArrayProperties::default() },
        None => ArrayProperties {
            size: root.spec.array_size,
            index: None,
            status_summary: Some(array.counts.summary()),
            status_summary_last_updated_at: Some(array.counted_at),
        },
    })
}

/// Of an environment that is VALID still, and whose last instances were lost before they registered: how many, and why.
fn failing(environment: &Environment) -> Option<String> {
    if environment.failures == 0 || !environment.is_valid() {
        return None;
    }
    let mut newest = environment.scaling.iter().rev();
    let lost = newest.find(|scaling| scaling.change == ScalingChange::Lost).map_or("", |lost| lost.reason.as_str());
    let words = match environment.failures {
        1 => "An instance ended before it registered, because".to_owned(),
        many => format!("{many} instances in a row ended before they registered, the last one because"),
    };
    Some(format!("{words} {lost}. It is tried again by itself."))
}
