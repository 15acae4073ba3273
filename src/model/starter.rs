//! What a first job on a fresh machine needs, the same whoever makes it.

use super::{
    ComputeEnvironmentOrder, ComputeResource, ContainerProperties, CreateComputeEnvironmentRequest,
    CreateJobQueueRequest, HOST_IMAGE, OVERCOMMIT_TAG, RegisterJobDefinitionRequest, ResourceRequirement, Switch,
};

/// The type of the instances that a starting environment has.
pub const STARTER_TYPE: &str = "m5.large";
/// Its vCPUs; an environment holds a whole number of them.
const STARTER_TYPE_VCPUS: i32 = 2;
/// Enough to see jobs side by side, on the smallest machine.
const LEAST_VCPUS: i32 = 4;

/// Requests for a first environment, queue and definition, to be made in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Starter {
    /// `local`.
    pub environment: CreateComputeEnvironmentRequest,
    /// `default`, on it.
    pub queue: CreateJobQueueRequest,
    /// `host`: any command, given at submission, as a process on this machine.
    pub definition: RegisterJobDefinitionRequest,
}

impl Starter {
    /// Lets jobs be promised more than the machine has.
    #[must_use]
    pub fn overcommitting(mut self) -> Self {
        self.environment.tags.insert(OVERCOMMIT_TAG.into(), "true".into());
        self
    }
}

/// What a first job needs, in an environment of at most so many vCPUs. On a machine of so many processors it promises jobs
/// no more than the machine has, unless somebody asked for more than that, or the machine is so small that jobs would
/// not be seen side by side.
pub fn starter_for(max_vcpus: i32, processors: usize) -> Starter {
    let fits = max_vcpus <= whole_instances(processors);
    if fits { starter(max_vcpus) } else { starter(max_vcpus).overcommitting() }
}

/// What a first job needs, in an environment of at most so many vCPUs.
pub fn starter(max_vcpus: i32) -> Starter {
    let requirement = |kind: &str, value: &str| ResourceRequirement { kind: kind.into(), value: value.into() };
    Starter {
        environment: CreateComputeEnvironmentRequest {
            compute_environment_name: "local".into(),
            kind: "MANAGED".into(),
            state: Some(Switch::Enabled),
            compute_resources: Some(ComputeResource {
                kind: "EC2".into(),
                minv_cpus: Some(0),
                maxv_cpus: Some(max_vcpus),
                instance_types: vec![STARTER_TYPE.into()],
                ..ComputeResource::default()
            }),
            ..CreateComputeEnvironmentRequest::default()
        },
        queue: CreateJobQueueRequest {
            job_queue_name: "default".into(),
            state: Some(Switch::Enabled),
            priority: 10,
            compute_environment_order: vec![ComputeEnvironmentOrder { order: 1, compute_environment: "local".into() }],
            ..CreateJobQueueRequest::default()
        },
        definition: RegisterJobDefinitionRequest {
            job_definition_name: "host".into(),
            kind: "container".into(),
            container_properties: Some(ContainerProperties {
                image: HOST_IMAGE.into(),
                command: vec!["true".into()],
                resource_requirements: vec![requirement("VCPU", "1"), requirement("MEMORY", "512")],
                ..ContainerProperties::default()
            }),
            ..RegisterJobDefinitionRequest::default()
        },
    }
}

/// How many vCPUs a first environment has on a machine of so many processors: whole instances.
pub fn starter_vcpus(processors: usize) -> i32 {
    whole_instances(processors).max(LEAST_VCPUS)
}

fn whole_instances(processors: usize) -> i32 {
    let processors = i32::try_from(processors).unwrap_or(i32::MAX - 1);
    let instances = processors / STARTER_TYPE_VCPUS + processors % STARTER_TYPE_VCPUS;
    instances * STARTER_TYPE_VCPUS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::InstanceType;

    #[test]
    fn a_first_environment_holds_whole_instances_for_all_processors() {
        let types = InstanceType::expand(STARTER_TYPE);
        let [(_, size)] = types.as_slice() else { panic!("{STARTER_TYPE} is one type: {types:?}") };
        assert_eq!(i32::try_from(size.vcpus), Ok(STARTER_TYPE_VCPUS));
        for (processors, expected) in [(0, 4), (1, 4), (4, 4), (5, 6), (16, 16), (17, 18)] {
            assert_eq!(starter_vcpus(processors), expected, "{processors}");
        }
    }

    #[test]
    fn a_first_environment_overcommits_only_where_it_is_larger_than_the_machine() {
        for (max_vcpus, processors, expected) in
            [(4, 2, true), (4, 4, false), (6, 5, false), (64, 8, true), (2, 2, false)]
        {
            let tags = starter_for(max_vcpus, processors).environment.tags;
            assert_eq!(tags.contains_key(OVERCOMMIT_TAG), expected, "{max_vcpus} on {processors}");
        }
    }

    #[test]
    fn a_first_job_finds_its_way_from_queue_to_environment() {
        let Starter { environment, queue, definition } = starter(8);
        assert_eq!(queue.compute_environment_order[0].compute_environment, environment.compute_environment_name);
        assert_eq!(environment.compute_resources.and_then(|resources| resources.maxv_cpus), Some(8));
        assert_eq!(definition.container_properties.map(|container| container.image).as_deref(), Some(HOST_IMAGE));
    }
}
