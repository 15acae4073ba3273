//! The parts of a container that definitions and jobs share.

use super::{NotSent, list, some_list};
use crate::model::{
    Device, EfsAuthorizationConfig, EfsVolumeConfiguration, EphemeralStorage, FargatePlatformConfiguration,
    LinuxParameters, MountPoint, NetworkConfiguration, RepositoryCredentials, RuntimePlatform, Secret, Tmpfs, Ulimit,
    Volume, VolumeHost,
};
use aws_sdk_batch::types;
use serde_json::{Map, Value};

/// The member of a volume that is kept as it came.
const S3_FILES: &str = "s3filesVolumeConfiguration";

pub fn volume(given: types::Volume) -> Volume {
    Volume {
        name: given.name.unwrap_or_default(),
        host: given.host.map(|host| VolumeHost { source_path: host.source_path }),
        efs_volume_configuration: given.efs_volume_configuration.map(|efs| EfsVolumeConfiguration {
            file_system_id: efs.file_system_id.unwrap_or_default(),
            root_directory: efs.root_directory,
            transit_encryption: efs.transit_encryption.map(|word| word.as_str().to_owned()),
            transit_encryption_port: efs.transit_encryption_port,
            authorization_config: efs.authorization_config.map(|config| EfsAuthorizationConfig {
                access_point_id: config.access_point_id,
                iam: config.iam.map(|word| word.as_str().to_owned()),
            }),
        }),
        other: given
            .s3files_volume_configuration
            .map(|given| (S3_FILES.to_owned(), s3_files(given)))
            .into_iter()
            .collect(),
    }
}

fn s3_files(given: types::S3FilesVolumeConfiguration) -> Value {
    let members: [(&str, Option<Value>); 4] = [
        ("fileSystemArn", given.file_system_arn.map(Value::from)),
        ("rootDirectory", given.root_directory.map(Value::from)),
        ("transitEncryptionPort", given.transit_encryption_port.map(Value::from)),
        ("accessPointArn", given.access_point_arn.map(Value::from)),
    ];
    let there = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}

fn new_s3_files(wanted: &Value) -> types::S3FilesVolumeConfiguration {
    let text = |name: &str| wanted[name].as_str().map(str::to_owned);
    let port = wanted["transitEncryptionPort"].as_i64().and_then(|port| i32::try_from(port).ok());
    types::S3FilesVolumeConfiguration::builder()
        .set_file_system_arn(text("fileSystemArn"))
        .set_root_directory(text("rootDirectory"))
        .set_transit_encryption_port(port)
        .set_access_point_arn(text("accessPointArn"))
        .build()
}

pub fn new_volume(at: &str, mut wanted: Volume) -> Result<types::Volume, NotSent> {
    let s3_files = wanted.other.remove(S3_FILES);
    NotSent::check(&format!("{at}: the volume `{}`", wanted.name), &wanted.other)?;
    let efs = wanted.efs_volume_configuration.map(|efs| {
        let config = efs.authorization_config.map(|config| {
            types::EfsAuthorizationConfig::builder()
                .set_access_point_id(config.access_point_id)
                .set_iam(config.iam.map(|word| word.as_str().into()))
                .build()
        });
        types::EfsVolumeConfiguration::builder()
            .file_system_id(efs.file_system_id)
            .set_root_directory(efs.root_directory)
            .set_transit_encryption(efs.transit_encryption.map(|word| word.as_str().into()))
            .set_transit_encryption_port(efs.transit_encryption_port)
            .set_authorization_config(config)
            .build()
    });
    Ok(types::Volume::builder()
        .name(wanted.name)
        .set_host(wanted.host.map(|host| types::Host::builder().set_source_path(host.source_path).build()))
        .set_efs_volume_configuration(efs)
        .set_s3files_volume_configuration(s3_files.as_ref().map(new_s3_files))
        .build())
}

pub fn mount_point(given: types::MountPoint) -> MountPoint {
    MountPoint { container_path: given.container_path, read_only: given.read_only, source_volume: given.source_volume }
}

pub fn new_mount_point(wanted: MountPoint) -> types::MountPoint {
    types::MountPoint::builder()
        .set_container_path(wanted.container_path)
        .set_read_only(wanted.read_only)
        .set_source_volume(wanted.source_volume)
        .build()
}

pub fn ulimit(given: types::Ulimit) -> Ulimit {
    Ulimit {
        name: given.name.unwrap_or_default(),
        soft_limit: given.soft_limit.unwrap_or_default(),
        hard_limit: given.hard_limit.unwrap_or_default(),
    }
}

pub fn new_ulimit(wanted: Ulimit) -> types::Ulimit {
    types::Ulimit::builder().name(wanted.name).soft_limit(wanted.soft_limit).hard_limit(wanted.hard_limit).build()
}

pub fn secret(given: types::Secret) -> Secret {
    Secret { name: given.name.unwrap_or_default(), value_from: given.value_from.unwrap_or_default() }
}

pub fn new_secret(wanted: Secret) -> types::Secret {
    types::Secret::builder().name(wanted.name).value_from(wanted.value_from).build()
}

pub fn linux_parameters(given: types::LinuxParameters) -> LinuxParameters {
    LinuxParameters {
        devices: list(given.devices, |device| Device {
            host_path: device.host_path.unwrap_or_default(),
            container_path: device.container_path,
            permissions: list(device.permissions, |word| word.as_str().to_owned()),
        }),
        init_process_enabled: given.init_process_enabled,
        shared_memory_size: given.shared_memory_size,
        tmpfs: list(given.tmpfs, |tmpfs| Tmpfs {
            container_path: tmpfs.container_path.unwrap_or_default(),
            size: tmpfs.size.unwrap_or_default(),
            mount_options: tmpfs.mount_options.unwrap_or_default(),
        }),
        max_swap: given.max_swap,
        swappiness: given.swappiness,
    }
}

pub fn new_linux_parameters(wanted: LinuxParameters) -> types::LinuxParameters {
    let device = |device: Device| {
        types::Device::builder()
            .host_path(device.host_path)
            .set_container_path(device.container_path)
            .set_permissions(some_list(device.permissions, |word| word.as_str().into()))
            .build()
    };
    let tmpfs = |tmpfs: Tmpfs| {
        types::Tmpfs::builder()
            .container_path(tmpfs.container_path)
            .size(tmpfs.size)
            .set_mount_options(some_list(tmpfs.mount_options, |option| option))
            .build()
    };
    types::LinuxParameters::builder()
        .set_devices(some_list(wanted.devices, device))
        .set_init_process_enabled(wanted.init_process_enabled)
        .set_shared_memory_size(wanted.shared_memory_size)
        .set_tmpfs(some_list(wanted.tmpfs, tmpfs))
        .set_max_swap(wanted.max_swap)
        .set_swappiness(wanted.swappiness)
        .build()
}

pub fn network(given: types::NetworkConfiguration) -> NetworkConfiguration {
    NetworkConfiguration { assign_public_ip: given.assign_public_ip.map(|word| word.as_str().to_owned()) }
}

pub fn new_network(wanted: NetworkConfiguration) -> types::NetworkConfiguration {
    types::NetworkConfiguration::builder()
        .set_assign_public_ip(wanted.assign_public_ip.map(|word| word.as_str().into()))
        .build()
}

pub fn platform(given: types::FargatePlatformConfiguration) -> FargatePlatformConfiguration {
    FargatePlatformConfiguration { platform_version: given.platform_version }
}

pub fn new_platform(wanted: FargatePlatformConfiguration) -> types::FargatePlatformConfiguration {
    types::FargatePlatformConfiguration::builder().set_platform_version(wanted.platform_version).build()
}

pub fn storage(given: &types::EphemeralStorage) -> Option<EphemeralStorage> {
    given.size_in_gib.map(|size_in_gib| EphemeralStorage { size_in_gib })
}

pub fn new_storage(wanted: &EphemeralStorage) -> types::EphemeralStorage {
    types::EphemeralStorage::builder().size_in_gib(wanted.size_in_gib).build()
}

pub fn runtime(given: types::RuntimePlatform) -> RuntimePlatform {
    RuntimePlatform { operating_system_family: given.operating_system_family, cpu_architecture: given.cpu_architecture }
}

pub fn new_runtime(wanted: RuntimePlatform) -> types::RuntimePlatform {
    types::RuntimePlatform::builder()
        .set_operating_system_family(wanted.operating_system_family)
        .set_cpu_architecture(wanted.cpu_architecture)
        .build()
}

pub fn credentials(given: types::RepositoryCredentials) -> RepositoryCredentials {
    RepositoryCredentials { credentials_parameter: given.credentials_parameter.unwrap_or_default() }
}

pub fn new_credentials(wanted: RepositoryCredentials) -> types::RepositoryCredentials {
    types::RepositoryCredentials::builder().credentials_parameter(wanted.credentials_parameter).build()
}
