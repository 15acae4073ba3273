//! What one run of a definition is made of: one container, the containers of a task, or those of a main node.

use super::fit::Asked;
use crate::model::{ContainerProperties, EcsProperties, JobDefinition, KeyValuePair, ResourceRequirement};

/// The parts of a run that rules look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    pub asked: Asked,
    pub nodes: u32,
    pub images: Vec<String>,
    /// Of the container with the most.
    pub environment_bytes: usize,
    /// GiB of ephemeral storage, where it is asked for.
    pub disk_gib: Option<u64>,
}

impl Shape {
    pub fn of(definition: &JobDefinition) -> Self {
        let mut shape = Self { nodes: 1, ..Self::default() };
        if let Some(container) = &definition.container_properties {
            shape.add_container(container);
        }
        if let Some(task) = &definition.ecs_properties {
            shape.add_task(task);
        }
        if let Some(nodes) = &definition.node_properties {
            shape.nodes = nodes.num_nodes;
            // The first range holds the main node, unless somebody has turned them round.
            if let Some(range) = nodes.node_range_properties.first() {
                range.container.iter().for_each(|container| shape.add_container(container));
                range.ecs_properties.iter().for_each(|task| shape.add_task(task));
            }
        }
        shape
    }

    fn add_container(&mut self, container: &ContainerProperties) {
        let old = (container.vcpus, container.memory);
        self.add(&container.image, &container.environment, &container.resource_requirements, old);
        self.add_disk(container.ephemeral_storage.as_ref().map(|storage| storage.size_in_gib));
    }

    fn add_task(&mut self, task: &EcsProperties) {
        for task in &task.task_properties {
            for container in &task.containers {
                self.add(&container.image, &container.environment, &container.resource_requirements, (None, None));
            }
            self.add_disk(task.settings.ephemeral_storage.as_ref().map(|storage| storage.size_in_gib));
        }
    }

    fn add(
        &mut self,
        image: &str,
        environment: &[KeyValuePair],
        requirements: &[ResourceRequirement],
        (vcpus, memory): (Option<i32>, Option<i32>),
    ) {
        let one = asked(requirements, (vcpus, memory));
        self.asked.cpu += one.cpu;
        self.asked.memory_mib += one.memory_mib;
        self.asked.gpus += one.gpus;
        let bytes = environment.iter().map(|pair| pair.name.len() + pair.value.len()).sum();
        self.environment_bytes = self.environment_bytes.max(bytes);
        self.images.push(image.to_owned());
    }

    fn add_disk(&mut self, gib: Option<i32>) {
        self.disk_gib = self.disk_gib.max(gib.and_then(|gib| u64::try_from(gib).ok()));
    }
}

/// VCPU, MEMORY and GPU of a container, or the deprecated `vcpus` and `memory`.
pub fn asked(requirements: &[ResourceRequirement], (vcpus, memory): (Option<i32>, Option<i32>)) -> Asked {
    let value = |kind: &str| {
        let found = requirements.iter().find(|asked| asked.kind == kind);
        found.and_then(|asked| asked.value.parse::<f64>().ok())
    };
    Asked {
        cpu: whole(value("VCPU").or(vcpus.map(f64::from)).unwrap_or(0.0) * 100.0),
        memory_mib: whole(value("MEMORY").or(memory.map(f64::from)).unwrap_or(0.0)),
        gpus: whole(value("GPU").unwrap_or(0.0)),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to an integer saturates")]
fn whole(value: f64) -> u64 {
    value.round().max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shape(definition: serde_json::Value) -> Shape {
        Shape::of(&serde_json::from_value(definition).expect("a definition"))
    }

    #[test]
    fn a_task_asks_for_the_sum_of_its_containers_and_a_node_for_its_own() {
        let container = |image: &str, vcpus: &str| {
            json!({
                "image": image,
                "resourceRequirements": [{ "type": "VCPU", "value": vcpus }, { "type": "MEMORY", "value": "512" }],
                "environment": [{ "name": "MODE", "value": "full" }],
            })
        };
        let one = shape(json!({ "containerProperties": container("a", "0.5") }));
        assert_eq!((one.asked, one.nodes), (Asked { cpu: 50, memory_mib: 512, gpus: 0 }, 1));
        let task = json!({
            "taskProperties": [{
                "containers": [container("a", "1"), container("b", "2")],
                "ephemeralStorage": { "sizeInGiB": 30 },
            }],
        });
        let two = shape(json!({ "ecsProperties": task }));
        assert_eq!((two.asked.cpu, two.asked.memory_mib, two.disk_gib), (300, 1_024, Some(30)));
        assert_eq!((two.images, two.environment_bytes), (vec!["a".to_owned(), "b".to_owned()], 8));
        let nodes = shape(json!({
            "type": "multinode",
            "nodeProperties": {
                "numNodes": 3, "mainNode": 0,
                "nodeRangeProperties": [
                    { "targetNodes": "0:0", "container": container("main", "4") },
                    { "targetNodes": "1:", "container": container("other", "1") },
                ],
            },
        }));
        assert_eq!((nodes.asked.cpu, nodes.nodes), (400, 3));
        let old = shape(json!({ "containerProperties": { "image": "a", "vcpus": 2, "memory": 64 } }));
        assert_eq!(old.asked, Asked { cpu: 200, memory_mib: 64, gpus: 0 });
    }
}
