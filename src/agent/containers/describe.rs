//! A container as it is described to the runtime.

use super::ground::{source, volume_name};
use super::{ATTEMPT_LABEL, CONTAINER_LABEL, INSTANCE_LABEL};
use crate::agent::attempt::Seat;
use crate::agent::message::Start;
use crate::model::{ContainerProperties, Device, MountPoint, Tmpfs};
use bollard::models::{
    ContainerCreateBody, DeviceMapping, DeviceRequest, HostConfig, Mount, MountType, ResourcesUlimits,
};
use std::collections::HashMap;
use std::path::Path;

/// Docker refuses a container with less.
const LEAST_MEMORY_MIB: u64 = 6;
const MIB: i64 = 1024 * 1024;

/// As ECS describes a job's container to Docker: memory is a hard limit, and a vCPU is 1024 CPU shares.
pub(super) fn describe(seat: Seat<'_>, network_mode: Option<String>) -> ContainerCreateBody {
    let wanted = &seat.container.properties;
    let given = wanted.environment.iter().map(|variable| format!("{}={}", variable.name, variable.value));
    let labels = [
        (INSTANCE_LABEL, seat.around.instance.to_string()),
        (ATTEMPT_LABEL, seat.task.attempt.to_string()),
        (CONTAINER_LABEL, seat.container.name.clone()),
    ];
    ContainerCreateBody {
        image: Some(wanted.image.clone()),
        cmd: (!wanted.command.is_empty()).then(|| wanted.command.clone()),
        user: wanted.user.clone(),
        // The later of two entries of one name holds.
        env: Some(given.chain(seat.cookie()).collect()),
        labels: Some(labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        host_config: Some(host(seat, wanted, network_mode)),
        ..ContainerCreateBody::default()
    }
}

fn host(seat: Seat<'_>, wanted: &ContainerProperties, network_mode: Option<String>) -> HostConfig {
    let linux = wanted.linux_parameters.clone().unwrap_or_default();
    let memory = i64::try_from(seat.memory_mib().max(LEAST_MEMORY_MIB)).map_or(i64::MAX, |mib| mib.saturating_mul(MIB));
    #[expect(clippy::cast_possible_truncation, reason = "vCPUs are at most some hundreds")]
    let shares = (seat.vcpus() * 1024.0).round().max(2.0) as i64;
    let ulimits = wanted.ulimits.iter().map(|limit| ResourcesUlimits {
        name: Some(limit.name.clone()),
        soft: Some(limit.soft_limit.into()),
        hard: Some(limit.hard_limit.into()),
    });
    let mounts = wanted.mount_points.iter().filter_map(|mount| mounted(seat.task, mount));
    HostConfig {
        memory: Some(memory),
        // Swap comes on top for ECS, and is part of the sum for Docker.
        memory_swap: linux.max_swap.map(|mib| memory.saturating_add(i64::from(mib) * MIB)),
        memory_swappiness: linux.max_swap.and(linux.swappiness).map(i64::from),
        cpu_shares: Some(shares),
        mounts: some(mounts.collect()),
        ulimits: some(ulimits.collect()),
        readonly_rootfs: wanted.readonly_root_filesystem,
        privileged: wanted.privileged,
        init: linux.init_process_enabled,
        shm_size: linux.shared_memory_size.map(|mib| i64::from(mib) * MIB),
        tmpfs: (!linux.tmpfs.is_empty()).then(|| linux.tmpfs.iter().map(tmpfs).collect::<HashMap<_, _>>()),
        devices: some(linux.devices.iter().map(device).collect()),
        device_requests: gpus(seat).map(|request| vec![request]),
        network_mode,
        ..HostConfig::default()
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn mounted(task: &Start, mount: &MountPoint) -> Option<Mount> {
    let volume = task.volumes.iter().find(|volume| Some(&volume.name) == mount.source_volume.as_ref())?;
    let (typ, from) = match source(volume) {
        Some(path) => (MountType::BIND, path.to_owned()),
        None => (MountType::VOLUME, volume_name(task, &volume.name)),
    };
    Some(Mount {
        target: mount.container_path.clone(),
        source: Some(from),
        typ: Some(typ),
        read_only: mount.read_only,
        ..Mount::default()
    })
}

/// Makes the directories that the container mounts where they are missing, as Docker did for the older `Binds`. What
/// cannot be made is left to the runtime to complain of.
pub(super) fn make_sources(seat: Seat<'_>) {
    for mount in seat.container.properties.mount_points.iter().filter_map(|mount| mounted(seat.task, mount)) {
        if let (Some(MountType::BIND), Some(path)) = (mount.typ, &mount.source)
            && !Path::new(path).exists()
        {
            let _ = std::fs::create_dir_all(path);
        }
    }
}

fn tmpfs(wanted: &Tmpfs) -> (String, String) {
    let size = format!("size={}m", wanted.size);
    let options: Vec<String> = [size].into_iter().chain(wanted.mount_options.iter().cloned()).collect();
    (wanted.container_path.clone(), options.join(","))
}

fn device(wanted: &Device) -> DeviceMapping {
    let letters = [("READ", 'r'), ("WRITE", 'w'), ("MKNOD", 'm')];
    let given = |name: &str| wanted.permissions.is_empty() || wanted.permissions.iter().any(|word| word == name);
    DeviceMapping {
        path_on_host: Some(wanted.host_path.clone()),
        path_in_container: Some(wanted.container_path.clone().unwrap_or_else(|| wanted.host_path.clone())),
        cgroup_permissions: Some(
            letters.into_iter().filter(|(name, _)| given(name)).map(|(_, letter)| letter).collect(),
        ),
    }
}

/// The devices that the engine has chosen. One that chooses none says how many there are to be.
fn gpus(seat: Seat<'_>) -> Option<DeviceRequest> {
    let chosen: Vec<String> = seat.container.gpu_devices.iter().map(ToString::to_string).collect();
    let counted = seat.is_alone().then_some(seat.task.gpus).filter(|count| chosen.is_empty() && *count > 0);
    (counted.is_some() || !chosen.is_empty()).then(|| DeviceRequest {
        count: counted.map(i64::from),
        device_ids: some(chosen),
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..DeviceRequest::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::attempt::Surroundings;
    use crate::agent::fence::Fences;
    use crate::agent::reserve::Reserve;
    use crate::agent::usage::Meters;
    use crate::model::{InstanceId, LogReserve};
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn every_member_of_a_container_reaches_the_runtime() {
        let task: Start = serde_json::from_value(json!({
            "attempt": { "job": "j", "number": 1 }, "taskId": "t", "asProcess": false, "vcpus": 1.5, "memoryMib": 64, "gpus": 2,
            "volumes": [{ "name": "here", "host": { "sourcePath": "/srv" } }, { "name": "fresh" }],
            "containers": [{
                "name": "default", "essential": true, "logStream": "s", "gpuDevices": [1, 3],
                "properties": {
                    "image": "i", "user": "1000:2000", "privileged": true, "readonlyRootFilesystem": true,
                    "mountPoints": [
                        { "sourceVolume": "here", "containerPath": "/here", "readOnly": true },
                        { "sourceVolume": "fresh", "containerPath": "/fresh" },
                    ],
                    "ulimits": [{ "name": "nofile", "softLimit": 10, "hardLimit": 20 }],
                    "linuxParameters": {
                        "initProcessEnabled": true, "sharedMemorySize": 8, "maxSwap": 16, "swappiness": 5,
                        "tmpfs": [{ "containerPath": "/tmp", "size": 4, "mountOptions": ["noexec"] }],
                        "devices": [{ "hostPath": "/dev/fuse", "permissions": ["READ", "MKNOD"] }],
                    },
                },
            }],
        }))
        .expect("a start");
        let instance = InstanceId("i-1".into());
        let around = Surroundings {
            data_directory: "/d".into(),
            meters: Arc::new(Meters::default()),
            fences: Fences::Watched,
            instance,
            docker_host: None,
            scratches: Arc::default(),
            log_reserve: Arc::new(Reserve::new(LogReserve::default(), "/d/logs".into())),
        };
        let seat = Seat {
            task: &task,
            container: &task.containers[0],
            around: &around,
            timeout_seconds: None,
            checked: false,
        };
        let body = serde_json::to_value(describe(seat, Some("n".to_owned()))).expect("JSON");
        assert_eq!(body["User"], "1000:2000");
        assert_eq!(body["Labels"]["batchdeck.container"], "default");
        let expect = json!({
            "Memory": 64 * MIB, "MemorySwap": 80 * MIB, "MemorySwappiness": 5, "CpuShares": 1536,
            "ReadonlyRootfs": true, "Privileged": true, "Init": true, "ShmSize": 8 * MIB, "NetworkMode": "n",
            "Tmpfs": { "/tmp": "size=4m,noexec" },
            "Ulimits": [{ "Name": "nofile", "Soft": 10, "Hard": 20 }],
            "Devices": [{ "PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rm" }],
            "DeviceRequests": [{ "DeviceIDs": ["1", "3"], "Capabilities": [["gpu"]] }],
            "Mounts": [
                { "Target": "/here", "Source": "/srv", "Type": "bind", "ReadOnly": true },
                { "Target": "/fresh", "Source": "batchdeck-t-fresh", "Type": "volume" },
            ],
        });
        assert_eq!(body["HostConfig"], expect);
    }
}
