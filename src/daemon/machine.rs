//! What this machine has for jobs: processors, memory and GPUs, as far as this process may use them.

use crate::engine::machine::Machine;
use procfs::Current as _;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};

const MIB: u64 = 1024 * 1024;

/// The processors and the memory that the kernel and the control groups above this process leave to it, and the NVIDIA
/// devices.
pub fn this_machine() -> Machine {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let memory = whole_memory().into_iter().chain(group_limits(Path::new("/")));
    Machine {
        vcpus_milli: processors as u64 * 1000,
        memory_mib: memory.min().unwrap_or(u64::MAX) / MIB,
        gpus: devices(Path::new("/dev")),
    }
}

/// All of the machine's memory in bytes, where the kernel says it.
fn whole_memory() -> Option<u64> {
    procfs::Meminfo::current().ok().map(|info| info.mem_total)
}

/// The memory limits in bytes of the control groups that this process is in, and of those above them; both versions.
fn group_limits(root: &Path) -> Vec<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?);
        let (base, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            named if named.split(',').any(|name| name == "memory") => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return None,
        };
        let base = root.join(base);
        let inner = base.join(group.trim_start_matches('/'));
        let above: Vec<PathBuf> =
            inner.ancestors().take_while(|path| path.starts_with(&base)).map(Path::to_owned).collect();
        let read = |path: &PathBuf| fs::read_to_string(path.join(file)).ok()?.trim().parse::<u64>().ok();
        above.iter().filter_map(read).min()
    });
    limits.collect()
}

/// `/dev/nvidia0` and on; `nvidiactl` and the like are none.
fn devices(directory: &Path) -> u32 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let numbered = entries.filter(|entry| {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("nvidia"));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    u32::try_from(numbered.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("has one")).expect("made");
        fs::write(path, text).expect("written");
    }

    #[test]
    fn a_limit_of_any_control_group_above_counts_in_both_versions() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path();
        assert_eq!(group_limits(root), Vec::<u64>::new(), "no control groups");
        write(root, "proc/self/cgroup", "0::/a/b\n");
        write(root, "sys/fs/cgroup/a/memory.max", "1000\n");
        write(root, "sys/fs/cgroup/a/b/memory.max", "max\n");
        assert_eq!(group_limits(root), [1000]);
        write(root, "proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/a\n0::/a/b\n");
        write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        write(root, "sys/fs/cgroup/memory/x/memory.limit_in_bytes", "500\n");
        assert_eq!(group_limits(root), [500, 1000]);
    }

    #[test]
    fn only_numbered_devices_are_gpus() {
        let root = tempfile::tempdir().expect("a directory");
        for name in ["nvidia0", "nvidia11", "nvidiactl", "nvidia-uvm", "nvidia", "null"] {
            write(root.path(), name, "");
        }
        assert_eq!(devices(root.path()), 2);
    }

    #[test]
    fn a_machine_has_processors_and_memory() {
        let machine = this_machine();
        assert!(machine.vcpus_milli >= 1000 && machine.memory_mib >= 64, "{machine}");
    }
}
