//! What the containers of one task share: the runtime, fresh volumes, and the network.

use super::{INSTANCE_LABEL, words};
use crate::agent::attempt::{Surroundings, is_process};
use crate::agent::message::Start;
use crate::agent::runtime;
use crate::model::{InstanceId, Volume};
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::{
    ListContainersOptions, ListNetworksOptions, ListVolumesOptions, RemoveContainerOptions, RemoveVolumeOptions,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// Where a task's containers stand.
#[derive(Debug)]
pub(in crate::agent) struct Ground {
    pub docker: Docker,
    /// Made for this task, and removed with it.
    volumes: Vec<String>,
    network: Option<String>,
    /// Containers that run, in the order of their start.
    running: Mutex<Vec<String>>,
}

impl Ground {
    /// Finds the runtime and makes what the task needs. An error is `container.reason`.
    pub(in crate::agent) async fn prepare(task: &Start, around: &Surroundings) -> Result<Self, String> {
        let used = used_volumes(task)?;
        let docker = runtime::find(around.docker_host.as_deref())
            .await
            .map_err(|error| format!("CannotPullContainerError: {error}"))?;
        let mut ground = Self { docker, volumes: Vec::new(), network: None, running: Mutex::default() };
        match ground.furnish(task, around, &used).await {
            Ok(()) => Ok(ground),
            Err(reason) => {
                ground.clear().await;
                Err(reason)
            }
        }
    }

    async fn furnish(&mut self, task: &Start, around: &Surroundings, used: &[&Volume]) -> Result<(), String> {
        let labels = || Some(HashMap::from([(INSTANCE_LABEL.to_owned(), around.instance.to_string())]));
        for volume in used.iter().filter(|volume| source(volume).is_none()) {
            let name = volume_name(task, &volume.name);
            let request = VolumeCreateRequest { name: Some(name.clone()), labels: labels(), ..Default::default() };
            self.docker.create_volume(request).await.map_err(|error| {
                format!("ResourceInitializationError: the volume {} cannot be made: {}", volume.name, words(&error))
            })?;
            self.volumes.push(name);
        }
        if let Some(name) = &task.network {
            let request =
                NetworkCreateRequest { name: name.clone(), labels: labels(), ..NetworkCreateRequest::default() };
            match self.docker.create_network(request).await {
                // Another node of the job has made it.
                Ok(_) | Err(Error::DockerResponseServerError { status_code: 409, .. }) => {}
                Err(error) if self.docker.inspect_network(name, None).await.is_err() => {
                    let words = words(&error);
                    return Err(format!("ResourceInitializationError: the network {name} cannot be made: {words}"));
                }
                Err(_) => {}
            }
            self.network = Some(name.clone());
        }
        Ok(())
    }

    /// As Docker's `NetworkMode`: that of a container which runs already, so that all of a task reach each other at
    /// `localhost`, as with ECS; or else the network of a multi-node job.
    pub(super) fn network_mode(&self) -> Option<String> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.last().map(|id| format!("container:{id}")).or_else(|| self.network.clone())
    }

    pub(super) fn network(&self) -> Option<&str> {
        self.network.as_deref()
    }

    pub(super) fn runs(&self, id: &str) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).push(id.to_owned());
    }

    pub(super) fn is_over(&self, id: &str) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| other != id);
    }

    /// Removes what was made for the task.
    pub(in crate::agent) async fn clear(self) {
        for name in &self.volumes {
            if let Err(error) = self.docker.remove_volume(name, Some(RemoveVolumeOptions { force: true })).await {
                tracing::warn!(volume = name, %error, "a volume cannot be removed");
            }
        }
        if let Some(name) = &self.network {
            // Refused while another node is on it; that one removes it.
            let _ = self.docker.remove_network(name).await;
        }
    }
}

/// The volumes that its containers mount, checked.
fn used_volumes(task: &Start) -> Result<Vec<&Volume>, String> {
    let containers = task.containers.iter().filter(|container| !is_process(task, container));
    let mounts = containers.flat_map(|container| &container.properties.mount_points);
    let names: BTreeSet<&str> = mounts.filter_map(|mount| mount.source_volume.as_deref()).collect();
    let mut used = Vec::new();
    for name in names {
        let Some(volume) = task.volumes.iter().find(|volume| volume.name == name) else {
            return Err(format!(
                "CannotCreateContainerError: a mount point names the volume `{name}`, which the job definition does not \
                 have; add it to volumes"
            ));
        };
        if let Some(efs) = &volume.efs_volume_configuration {
            return Err(format!(
                "ResourceInitializationError: the volume `{name}` is the EFS file system {}, which is in AWS; mount it \
                 on this machine and name its directory as host.sourcePath",
                efs.file_system_id
            ));
        }
        if let Some(kind) = volume.other.keys().next() {
            return Err(format!(
                "ResourceInitializationError: the volume `{name}` has a {kind}, which this engine cannot mount; give it \
                 a host.sourcePath"
            ));
        }
        used.push(volume);
    }
    Ok(used)
}

/// The directory of this machine that a volume is; `None` for one that is made for the task.
pub(super) fn source(volume: &Volume) -> Option<&str> {
    volume.host.as_ref().and_then(|host| host.source_path.as_deref()).filter(|path| !path.is_empty())
}

/// What a volume that is made for the task is called at the runtime.
pub(super) fn volume_name(task: &Start, volume: &str) -> String {
    format!("batchdeck-{}-{volume}", task.task_id)
}

/// Removes every container, volume and network that an instance's attempts have left, and gives the number of
/// containers; without a runtime there is none to remove.
pub(in crate::agent) async fn remove_all(instance: &InstanceId, docker_host: Option<&str>) -> Result<usize, Error> {
    let Ok(docker) = runtime::find(docker_host).await else { return Ok(0) };
    let filters = Some(HashMap::from([("label".to_owned(), vec![format!("{INSTANCE_LABEL}={instance}")])]));
    let options = ListContainersOptions { all: true, filters: filters.clone(), ..Default::default() };
    let ids: Vec<String> = docker.list_containers(Some(options)).await?.into_iter().filter_map(|one| one.id).collect();
    for id in &ids {
        gone(docker.remove_container(id, Some(by_force())).await)?;
    }
    let volumes = docker.list_volumes(Some(ListVolumesOptions { filters: filters.clone() })).await?;
    for volume in volumes.volumes.unwrap_or_default() {
        gone(docker.remove_volume(&volume.name, Some(RemoveVolumeOptions { force: true })).await)?;
    }
    for network in docker.list_networks(Some(ListNetworksOptions { filters })).await? {
        if let Some(name) = network.name {
            // Refused while nodes on other instances are on it; the last of them removes it.
            let _ = docker.remove_network(&name).await;
        }
    }
    Ok(ids.len())
}

fn gone(removed: Result<(), Error>) -> Result<(), Error> {
    match removed {
        // Gone, or on its way.
        Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn by_force() -> RemoveContainerOptions {
    RemoveContainerOptions { v: true, force: true, link: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_volume_that_cannot_be_mounted_is_refused_by_name() {
        let task = |volumes: serde_json::Value| -> Start {
            serde_json::from_value(json!({
                "attempt": { "job": "j", "number": 1 }, "taskId": "t", "asProcess": false, "vcpus": 1.0, "memoryMib": 64, "volumes": volumes,
                "containers": [{
                    "name": "default", "essential": true, "logStream": "s",
                    "properties": { "image": "i", "mountPoints": [{ "sourceVolume": "v", "containerPath": "/v" }] },
                }],
            }))
            .expect("a start")
        };
        for (volumes, expect) in [
            (json!([]), "a mount point names the volume `v`, which the job definition does not have"),
            (
                json!([{ "name": "v", "efsVolumeConfiguration": { "fileSystemId": "fs-1" } }]),
                "ResourceInitializationError: the volume `v` is the EFS file system fs-1",
            ),
            (json!([{ "name": "v", "novel": {} }]), "ResourceInitializationError: the volume `v` has a novel"),
        ] {
            let error = used_volumes(&task(volumes)).expect_err("it cannot be mounted");
            assert!(error.contains(expect), "{error}");
        }
        for volume in [json!({ "name": "v" }), json!({ "name": "v", "host": { "sourcePath": "/srv" } })] {
            let task = task(json!([volume, { "name": "w", "efsVolumeConfiguration": { "fileSystemId": "fs-1" } }]));
            assert_eq!(used_volumes(&task).expect("one is mounted").len(), 1, "what nobody mounts is not looked at");
        }
    }
}
