//! The first things on a fresh machine: an environment, a queue and a definition for processes.

use crate::model::{
    ComputeEnvironmentOrder, ComputeResource, ContainerProperties, CreateComputeEnvironmentRequest,
    CreateJobQueueRequest, HOST_IMAGE, RegisterJobDefinitionRequest, ResourceRequirement, Switch,
};
use crate::tui::requests::{Act, Outline, Step};

/// The first environment, queue and definition of a fresh machine.
pub(super) fn act() -> Act {
    let environment = CreateComputeEnvironmentRequest {
        compute_environment_name: "local".into(),
        kind: "MANAGED".into(),
        state: Some(Switch::Enabled),
        compute_resources: Some(ComputeResource {
            kind: "EC2".into(),
            minv_cpus: Some(0),
            maxv_cpus: Some(4),
            instance_types: vec!["m5.large".into()],
            ..Default::default()
        }),
        ..Default::default()
    };
    let queue = CreateJobQueueRequest {
        job_queue_name: "default".into(),
        state: Some(Switch::Enabled),
        priority: 10,
        compute_environment_order: vec![ComputeEnvironmentOrder { order: 1, compute_environment: "local".into() }],
        ..Default::default()
    };
    let requirement = |kind: &str, value: &str| ResourceRequirement { kind: kind.into(), value: value.into() };
    let definition = RegisterJobDefinitionRequest {
        job_definition_name: "host".into(),
        kind: "container".into(),
        container_properties: Some(ContainerProperties {
            image: HOST_IMAGE.into(),
            command: vec!["true".into()],
            resource_requirements: vec![requirement("VCPU", "1"), requirement("MEMORY", "256")],
            ..Default::default()
        }),
        ..Default::default()
    };
    Act {
        title: "create environment `local`, queue `default` and definition `host`".into(),
        done: Outline::Words("created environment `local`, queue `default` and definition `host`".into()),
        steps: vec![
            Step::CreateEnvironment(Box::new(environment)),
            Step::CreateQueue(queue),
            Step::RegisterDefinition(Box::new(definition)),
        ],
        in_order: true,
    }
}
