//! Container instances of ECS.

use crate::model::{Capacity, Instance, InstanceId, InstanceState, name_of};
use aws_sdk_ecs::types;

/// ECS counts in 1024ths of a vCPU.
const UNITS: f64 = 1024.0;

/// One that is no more, or never came up, is left out.
pub fn instance(environment: &str, given: types::ContainerInstance) -> Option<Instance> {
    let state = match given.status.as_deref() {
        Some("ACTIVE") => InstanceState::Active,
        Some("REGISTERING") => InstanceState::Pending,
        Some("INACTIVE" | "REGISTRATION_FAILED") => return None,
        // DRAINING and DEREGISTERING take no new task; a word that is not known is taken for the same.
        _ => InstanceState::Draining,
    };
    let registered = given.registered_resources.unwrap_or_default();
    let remaining = given.remaining_resources.unwrap_or_default();
    let of = |name: &str| (amount(&registered, name), amount(&remaining, name));
    let ((cpu, cpu_left), (memory, memory_left), (gpus, gpus_left)) = (of("CPU"), of("MEMORY"), of("GPU"));
    let arn = given.container_instance_arn.unwrap_or_default();
    let kind = given.attributes.unwrap_or_default().into_iter();
    let kind = kind.filter(|attribute| attribute.name() == "ecs.instance-type").find_map(|attribute| attribute.value);
    let tasks = given.running_tasks_count.saturating_add(given.pending_tasks_count);
    Some(Instance {
        // An instance of ECS Anywhere has one of Systems Manager here.
        instance_id: InstanceId(given.ec2_instance_id.unwrap_or_else(|| name_of(&arn).to_owned())),
        compute_environment: environment.to_owned(),
        instance_type: kind.unwrap_or_else(|| "-".to_owned()),
        state,
        launched_at: given.registered_at.and_then(|at| at.to_millis().ok()).unwrap_or_default(),
        vcpus: vcpus(cpu),
        vcpus_used: vcpus(cpu.saturating_sub(cpu_left)),
        memory_mib: memory,
        memory_mib_used: memory.saturating_sub(memory_left),
        gpus: u32::try_from(gpus).unwrap_or(u32::MAX),
        gpus_used: u32::try_from(gpus.saturating_sub(gpus_left)).unwrap_or(u32::MAX),
        running_jobs: u32::try_from(tasks).unwrap_or_default(),
        agent_lost: !given.agent_connected && state != InstanceState::Pending,
        ..Instance::default()
    })
}

/// The sum of all instances.
pub fn capacity(mut instances: Vec<Instance>) -> Capacity {
    instances.sort_by(|a, b| (a.launched_at, &a.instance_id).cmp(&(b.launched_at, &b.instance_id)));
    Capacity {
        vcpus: instances.iter().map(|one| one.vcpus).sum(),
        vcpus_used: instances.iter().map(|one| one.vcpus_used).sum(),
        memory_mib: instances.iter().map(|one| one.memory_mib).sum(),
        memory_mib_used: instances.iter().map(|one| one.memory_mib_used).sum(),
        instances,
        usd_per_hour: None,
        prices: None,
    }
}

/// GPUs are a set of names, the others a number.
fn amount(resources: &[types::Resource], name: &str) -> u64 {
    let Some(found) = resources.iter().find(|resource| resource.name() == Some(name)) else { return 0 };
    match found.string_set_value() {
        [] => u64::try_from(found.integer_value()).unwrap_or(0),
        names => names.len() as u64,
    }
}

fn vcpus(units: u64) -> f64 {
    u32::try_from(units).map_or(f64::MAX, f64::from) / UNITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Millis;

    fn resource(name: &str, value: i32) -> types::Resource {
        types::Resource::builder().name(name).r#type("INTEGER").integer_value(value).build()
    }

    fn gpus(names: &[&str]) -> types::Resource {
        let builder = types::Resource::builder().name("GPU").r#type("STRINGSET");
        builder.set_string_set_value(Some(names.iter().map(|name| (*name).to_owned()).collect())).build()
    }

    fn given(status: &str, is_connected: bool) -> types::ContainerInstance {
        let kind = types::Attribute::builder().name("ecs.instance-type").value("m5.xlarge").build().expect("named");
        types::ContainerInstance::builder()
            .container_instance_arn("arn:aws:ecs:eu-west-1:1:container-instance/ce/0a41")
            .ec2_instance_id("i-0a41")
            .status(status)
            .agent_connected(is_connected)
            .running_tasks_count(2)
            .pending_tasks_count(1)
            .registered_at(aws_sdk_ecs::primitives::DateTime::from_millis(7_000))
            .attributes(kind)
            .registered_resources(resource("CPU", 4096))
            .registered_resources(resource("MEMORY", 15_000))
            .registered_resources(gpus(&["a", "b"]))
            .remaining_resources(resource("CPU", 512))
            .remaining_resources(resource("MEMORY", 1_000))
            .remaining_resources(gpus(&["b"]))
            .build()
    }

    #[test]
    fn what_is_registered_and_what_remains_tell_what_is_used() {
        let one = instance("spot", given("ACTIVE", true)).expect("is there");
        assert_eq!((one.instance_id.0.as_str(), one.instance_type.as_str()), ("i-0a41", "m5.xlarge"));
        assert_eq!((one.vcpus, one.vcpus_used), (4.0, 3.5));
        assert_eq!((one.memory_mib, one.memory_mib_used), (15_000, 14_000));
        assert_eq!((one.gpus, one.gpus_used, one.running_jobs), (2, 1, 3));
        assert_eq!((one.launched_at, one.agent_lost), (7_000, false));
        let all = capacity(vec![one.clone(), one]);
        assert_eq!((all.vcpus, all.vcpus_used, all.memory_mib, all.memory_mib_used), (8.0, 7.0, 30_000, 28_000));
    }

    #[test]
    fn a_state_says_whether_it_takes_tasks_and_one_that_is_gone_is_left_out() {
        let cases = [
            ("ACTIVE", false, Some((InstanceState::Active, true))),
            ("REGISTERING", false, Some((InstanceState::Pending, false))),
            ("DRAINING", true, Some((InstanceState::Draining, false))),
            ("DEREGISTERING", false, Some((InstanceState::Draining, true))),
            ("INACTIVE", false, None),
            ("REGISTRATION_FAILED", false, None),
        ];
        for (status, is_connected, expected) in cases {
            let told = instance("spot", given(status, is_connected)).map(|one| (one.state, one.agent_lost));
            assert_eq!(told, expected, "{status}");
        }
    }

    #[test]
    fn what_is_not_told_is_nothing_and_no_guess() {
        let bare = types::ContainerInstance::builder().status("ACTIVE").agent_connected(true).build();
        let one = instance("spot", bare).expect("is there");
        assert_eq!((one.vcpus, one.memory_mib, one.gpus, one.instance_type.as_str()), (0.0, 0, 0, "-"));
        assert_eq!(one.launched_at, Millis::default());
    }
}
