//! What keeps a process job within its memory, its share of the processors and a number of processes that leaves some to
//! others: a control group of its own where this machine lets us make one, and otherwise the watch of [`super::usage`].
//!
//! A job gets its group a moment after its start, when it is known not to be over at once: making a group and moving a
//! process into it costs as much as starting it. What it has allocated by then is not counted by the group, which is
//! why the watch goes on all the same.

use super::procs;
use super::usage::mib;
use crate::model::InstanceId;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const MOUNT: &str = "/sys/fs/cgroup";
/// The group that holds those of all instances.
const ROOT: &str = "batchdeck";
/// Rounds in which what a job has started before it was moved is moved after it.
const ROUNDS: usize = 8;
/// Groups are looked for no deeper than this.
const DEEPEST: usize = 16;
/// How long what was killed may take to leave its group.
const VANISHES_WITHIN: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);

/// What an instance's jobs are kept within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fences {
    /// The directory under which groups are made.
    V2(PathBuf),
    V1 {
        memory: PathBuf,
        cpu: Option<PathBuf>,
        pids: Option<PathBuf>,
    },
    /// No group can be made: whatever takes too much memory is found by looking, and ended.
    Watched,
}

impl Fences {
    /// What this machine allows, for an instance.
    pub(super) fn find(instance: &InstanceId) -> Self {
        let found = v2(Path::new(MOUNT), instance).or_else(|| v1(Path::new(MOUNT), instance));
        let fences = found.unwrap_or(Self::Watched);
        tracing::info!(limits = fences.name(), "how jobs are kept within their memory");
        fences
    }

    /// For people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::V2(_) => "cgroup v2",
            Self::V1 { .. } => "cgroup v1",
            Self::Watched => "watched",
        }
    }

    /// A group around a process that runs, and all that it has started. `None` where none can be made.
    pub(super) fn around(&self, name: &str, pid: i32, memory_mib: u64, vcpus: f64) -> Option<Fence> {
        let made = match self {
            Self::V2(base) => Fence::v2(&base.join(name), memory_mib, vcpus),
            Self::V1 { memory, cpu, pids } => {
                let named = |base: &Option<PathBuf>| base.as_ref().map(|base| base.join(name));
                Fence::v1(&memory.join(name), named(cpu), named(pids), memory_mib, vcpus)
            }
            Self::Watched => return None,
        };
        let fence = made.map_err(|error| tracing::warn!(name, %error, "a control group cannot be made")).ok()?;
        fence.limit_processes(most_processes());
        match fence.enclose(pid) {
            Ok(()) => Some(fence),
            Err(error) => {
                // It may be over already.
                tracing::debug!(name, %error, "a job is not in its control group");
                fence.remove();
                None
            }
        }
    }

    /// The instance ends, and its processes have been killed.
    pub(super) fn remove(&self) {
        let directories = match self {
            Self::V2(base) => [Some(base), None, None],
            Self::V1 { memory, cpu, pids } => [Some(memory), cpu.as_ref(), pids.as_ref()],
            Self::Watched => [None; 3],
        };
        for directory in directories.into_iter().flatten() {
            remove_base(directory);
        }
    }
}

/// Removes the groups that an instance has left. Its processes have been killed by then.
pub(super) fn remove_leftovers(instance: &InstanceId) {
    let mount = Path::new(MOUNT);
    let hierarchies = if mount.join("cgroup.controllers").exists() {
        vec![mount.to_owned()]
    } else {
        ["memory", "cpu", "pids"].map(|controller| mount.join(controller)).to_vec()
    };
    for base in hierarchies.iter().flat_map(|hierarchy| bases_of(hierarchy, instance)) {
        remove_base(&base);
    }
}

/// The groups that an instance has made in a hierarchy. They are where its agent was, which is anywhere.
fn bases_of(hierarchy: &Path, instance: &InstanceId) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut unseen = vec![(hierarchy.to_owned(), 0)];
    while let Some((group, depth)) = unseen.pop() {
        let base = group.join(ROOT).join(&instance.0);
        if base.is_dir() {
            found.push(base);
        }
        if depth == DEEPEST {
            continue;
        }
        let below = fs::read_dir(&group).into_iter().flatten().flatten();
        let groups =
            below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name() != ROOT);
        unseen.extend(groups.map(|entry| (entry.path(), depth + 1)));
    }
    found
}

/// Removes an instance's group and those of its jobs, and the one of all instances with the last of them. What was killed
/// stays in its group for a moment.
fn remove_base(base: &Path) {
    let deadline = Instant::now() + VANISHES_WITHIN;
    loop {
        remove_tree(base);
        if !base.exists() {
            break;
        }
        if Instant::now() > deadline {
            return tracing::warn!(group = %base.display(), "a control group cannot be removed");
        }
        std::thread::sleep(PAUSE);
    }
    if let Some(root) = base.parent() {
        // It stays while others are in it.
        let _ = fs::remove_dir(root);
    }
}

/// Groups are directories whose files cannot be removed and go with them.
fn remove_tree(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
    let _ = fs::remove_dir(base);
}

/// Makes the group of an instance, and that of all where it is not there: one that ends may take it away meanwhile.
fn make_base(root: &Path, instance: &InstanceId) -> io::Result<PathBuf> {
    let base = root.join(&instance.0);
    loop {
        // Where even this cannot be made, it ends.
        make(root)?;
        match make(&base) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            made => return made.map(|()| base),
        }
    }
}

/// Where this process is, relative to the mount of the controller; without a name, that of version 2.
fn own_group(controller: &str) -> Option<String> {
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    group_in(&text, controller).map(str::to_owned)
}

/// From lines such as `4:memory:/path` and `0::/path`.
fn group_in<'a>(text: &'a str, controller: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (names, path) = rest.split_once(':')?;
        names.split(',').any(|name| name == controller).then(|| path.trim_start_matches('/'))
    })
}

/// Where memory is controlled by version 2: below the root for root, or below our own group where it was delegated.
fn v2(mount: &Path, instance: &InstanceId) -> Option<Fences> {
    let controllers = fs::read_to_string(mount.join("cgroup.controllers")).ok()?;
    if !controllers.split_whitespace().any(|name| name == "memory") {
        return None;
    }
    let own = mount.join(own_group("")?);
    [mount.to_owned(), own].into_iter().find_map(|parent| {
        let root = parent.join(ROOT);
        let base = make_base(&root, instance).ok()?;
        if !hands_down(&root) {
            // A group with processes cannot hand controllers down: ours go into one beside the jobs'.
            let leaf = parent.join(format!("{ROOT}.agents"));
            if parent != mount && make(&leaf).is_ok() {
                for pid in fs::read_to_string(parent.join("cgroup.procs")).unwrap_or_default().lines() {
                    let _ = fs::write(leaf.join("cgroup.procs"), pid);
                }
            }
            let _ = hand_down(&parent);
        }
        let handed = hand_down(&root).and_then(|()| hand_down(&base));
        if handed.is_err() {
            remove_base(&base);
        }
        handed.ok().map(|()| Fences::V2(base))
    })
}

/// Gives the groups below one their controllers: that of memory, and others where they are there.
fn hand_down(group: &Path) -> io::Result<()> {
    let controllers = group.join("cgroup.subtree_control");
    let memory = fs::write(&controllers, "+memory");
    for other in ["+cpu", "+pids"] {
        let _ = fs::write(&controllers, other);
    }
    memory
}

fn hands_down(group: &Path) -> bool {
    let controllers = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    controllers.split_whitespace().any(|name| name == "memory")
}

/// Version 1: below our own groups, so that what limits us limits the jobs too.
fn v1(mount: &Path, instance: &InstanceId) -> Option<Fences> {
    let place = |controller: &str| {
        let parent = mount.join(controller).join(own_group(controller)?);
        if !parent.join("tasks").exists() {
            return None;
        }
        make_base(&parent.join(ROOT), instance).ok()
    };
    Some(Fences::V1 { memory: place("memory")?, cpu: place("cpu"), pids: place("pids") })
}

fn make(directory: &Path) -> io::Result<()> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// A job's own control group; in version 1 one for each controller.
#[derive(Debug)]
pub(super) struct Fence {
    memory: PathBuf,
    /// Version 1 alone.
    cpu: Option<PathBuf>,
    /// That of version 2 is the one group.
    pids: Option<PathBuf>,
    is_v2: bool,
}

/// A job may have so many processes and threads at once: a quarter of what this machine has for all.
fn most_processes() -> u64 {
    let read =
        |name: &str| fs::read_to_string(Path::new("/proc/sys/kernel").join(name)).ok()?.trim().parse::<u64>().ok();
    let most = ["pid_max", "threads-max"].into_iter().filter_map(read).min();
    most.unwrap_or(32_768) / 4
}

impl Fence {
    fn v2(group: &Path, memory_mib: u64, vcpus: f64) -> io::Result<Self> {
        fs::create_dir(group)?;
        let fence = Self { memory: group.to_owned(), cpu: None, pids: Some(group.to_owned()), is_v2: true };
        let limited = fs::write(group.join("memory.max"), (memory_mib << 20).to_string());
        if let Err(error) = limited {
            fence.remove();
            return Err(error);
        }
        // Absent without swap; all of a job dies together; a vCPU weighs what 1024 shares did.
        let _ = fs::write(group.join("memory.swap.max"), "0");
        let _ = fs::write(group.join("memory.oom.group"), "1");
        let _ = fs::write(group.join("cpu.weight"), weight(vcpus).to_string());
        Ok(fence)
    }

    fn v1(group: &Path, cpu: Option<PathBuf>, pids: Option<PathBuf>, memory_mib: u64, vcpus: f64) -> io::Result<Self> {
        fs::create_dir(group)?;
        let cpu = cpu.filter(|cpu| fs::create_dir(cpu).is_ok());
        let pids = pids.filter(|pids| fs::create_dir(pids).is_ok());
        let fence = Self { memory: group.to_owned(), cpu, pids, is_v2: false };
        let bytes = (memory_mib << 20).to_string();
        if let Err(error) = fs::write(group.join("memory.limit_in_bytes"), &bytes) {
            fence.remove();
            return Err(error);
        }
        // Absent where swap is not counted.
        let _ = fs::write(group.join("memory.memsw.limit_in_bytes"), bytes);
        if let Some(cpu) = &fence.cpu {
            let _ = fs::write(cpu.join("cpu.shares"), shares(vcpus).to_string());
        }
        Ok(fence)
    }

    /// Whatever forks beyond it is told that there is no room for another process.
    fn limit_processes(&self, most: u64) {
        if let Some(pids) = &self.pids {
            // Absent where processes are not counted.
            let _ = fs::write(pids.join("pids.max"), most.to_string());
        }
    }

    /// Moves the process, and what it has started before. What starts later is born inside.
    fn enclose(&self, pid: i32) -> io::Result<()> {
        self.take(pid)?;
        let mut inside = vec![pid];
        for _ in 0..ROUNDS {
            let known = inside.len();
            let born: Vec<i32> = inside.iter().flat_map(|pid| procs::children(*pid)).collect();
            for pid in born {
                if !inside.contains(&pid) {
                    // It may be over.
                    let _ = self.take(pid);
                    inside.push(pid);
                }
            }
            if inside.len() == known {
                break;
            }
        }
        Ok(())
    }

    fn take(&self, pid: i32) -> io::Result<()> {
        for other in [&self.cpu, &self.pids].into_iter().flatten().filter(|_| !self.is_v2) {
            let _ = fs::write(other.join("cgroup.procs"), pid.to_string());
        }
        fs::write(self.memory.join("cgroup.procs"), pid.to_string())
    }

    /// Whether something of it was killed because it took more memory than it may.
    pub(super) fn was_breached(&self) -> bool {
        counts_a_kill(&self.memory.join(if self.is_v2 { "memory.events" } else { "memory.oom_control" }))
    }

    /// The most memory that it has held at once, in MiB; where the kernel tells.
    pub(super) fn peak_mib(&self) -> Option<f64> {
        let file = if self.is_v2 { "memory.peak" } else { "memory.max_usage_in_bytes" };
        let text = fs::read_to_string(self.memory.join(file)).ok()?;
        text.trim().parse().ok().map(mib)
    }

    /// Ends what is left inside, where the kernel can do that at once, and removes the group.
    pub(super) fn remove(self) {
        if self.is_v2 {
            let _ = fs::write(self.memory.join("cgroup.kill"), "1");
        }
        let pids = self.pids.filter(|_| !self.is_v2);
        for directory in [Some(self.memory), self.cpu, pids].into_iter().flatten() {
            if let Err(error) = fs::remove_dir(&directory) {
                // What lives on is swept with the instance.
                tracing::debug!(group = %directory.display(), %error, "a control group cannot be removed yet");
            }
        }
    }
}

/// The file that counts the kills of the group a process is in, whoever made the group.
pub(super) fn count_of(pid: i32) -> Option<PathBuf> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let path = |controller: &str| group_in(&text, controller).map(|path| Path::new(MOUNT).join(controller).join(path));
    let v1 = path("memory").map(|group| group.join("memory.oom_control"));
    let v2 = path("").map(|group| group.join("memory.events"));
    [v1, v2].into_iter().flatten().find(|file| file.exists())
}

/// Whether something was killed there because its group had taken more memory than it may. Asked right after an end: a
/// runtime removes the group soon.
pub(super) fn counts_a_kill(file: &Path) -> bool {
    kills(&fs::read_to_string(file).unwrap_or_default()) > 0
}

/// The count that stands after `oom_kill`, in `memory.events` and `memory.oom_control` alike.
fn kills(text: &str) -> u64 {
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// `cpu.shares` of version 1: 1024 a vCPU.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "vCPUs are 0.25 to some hundreds")]
fn shares(vcpus: f64) -> u64 {
    (vcpus * 1024.0).round().clamp(2.0, 262_144.0) as u64
}

/// `cpu.weight` of version 2, where 100 is what 1024 shares were.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "vCPUs are 0.25 to some hundreds")]
fn weight(vcpus: f64) -> u64 {
    (vcpus * 100.0).round().clamp(1.0, 10_000.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    #[test]
    fn kills_are_read_from_either_kind_of_group() {
        for (text, expect) in [
            ("low 0\nhigh 0\nmax 5\noom 2\noom_kill 1\noom_group_kill 1\n", 1),
            ("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", 3),
            ("", 0),
        ] {
            assert_eq!(kills(text), expect, "{text}");
        }
    }

    #[test]
    fn a_process_is_found_in_the_group_of_each_controller() {
        let text = "7:blkio:/\n4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/d\n";
        for (controller, expect) in
            [("memory", Some("a/b")), ("cpu", Some("c")), ("", Some("d")), ("blkio", Some("")), ("pids", None)]
        {
            assert_eq!(group_in(text, controller), expect, "{controller}");
        }
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "whoever runs the tests should see what was left out")]
    fn a_job_that_forks_wildly_is_told_that_there_is_no_room_for_another_process() {
        let instance = InstanceId(format!("i-forks-{}", std::process::id()));
        let fences = Fences::find(&instance);
        let mut shell = Command::new("sh");
        // Forks that fail are tried again by some shells; what counts is how many there are at once.
        shell.args(["-c", "read go; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do (sleep 1000) & done; wait"]);
        let mut child = shell.stdin(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().expect("sh runs");
        let pid = child.id().cast_signed();
        let fence = fences
            .around("forks", pid, 512, 1.0)
            .filter(|fence| fence.pids.as_ref().is_some_and(|pids| pids.join("pids.max").exists()));
        let Some(fence) = fence else {
            let _ = (child.kill(), child.wait());
            remove_leftovers(&instance);
            return eprintln!("NOT TESTED: the number of processes cannot be limited here");
        };
        let pids = fence.pids.clone().expect("limited");
        let read = |name: &str| fs::read_to_string(pids.join(name)).expect("there").trim().to_owned();
        assert_eq!(read("pids.max"), most_processes().to_string());
        fence.limit_processes(5);
        child.stdin.take().expect("piped").write_all(b"go\n").expect("told");
        let refused = || !read("pids.events").ends_with("max 0");
        while !refused() {
            assert!(child.try_wait().expect("ours").is_none() || refused(), "all of it was forked");
            std::thread::yield_now();
        }
        assert!(read("pids.current").parse::<u64>().expect("a number") <= 5);
        let group = rustix::process::Pid::from_raw(pid).expect("a process");
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).expect("ended");
        child.wait().expect("ended");
        fence.remove();
        // The others die a moment later, and nobody waits for longer than it takes.
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut left =
            [MOUNT, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/pids"].map(Path::new).to_vec();
        while !left.is_empty() {
            assert!(Instant::now() < deadline, "groups stay below {left:?}");
            fences.remove();
            left.retain(|hierarchy| !bases_of(hierarchy, &instance).is_empty());
        }
    }

    #[test]
    fn groups_of_a_lost_agent_are_found_wherever_it_was_and_others_stay() {
        let hierarchy = tempfile::tempdir().expect("a directory");
        let made = |path: &str| {
            let path = hierarchy.path().join(path);
            fs::create_dir_all(&path).expect("made");
            path
        };
        let own = [
            made("batchdeck/i-1/task"),
            made("user.slice/a.scope/batchdeck/i-1/task"),
            made("system.slice/batchdeck/i-1"),
        ];
        let others = [made("batchdeck/i-12/task"), made("user.slice/batchdeck/i-2"), made("user.slice/i-1")];
        let instance = InstanceId("i-1".into());
        let bases = bases_of(hierarchy.path(), &instance);
        assert_eq!(bases.len(), 3, "{bases:?}");
        for base in &bases {
            remove_base(base);
        }
        assert!(own.iter().all(|group| !group.exists()) && others.iter().all(|group| group.is_dir()));
        assert!(
            !hierarchy.path().join("system.slice/batchdeck").exists(),
            "the last one takes the group of all with it"
        );
        assert!(hierarchy.path().join("user.slice/a.scope").is_dir());
    }

    #[test]
    fn an_instance_that_begins_while_the_last_one_ends_gets_its_group() {
        let hierarchy = tempfile::tempdir().expect("a directory");
        let root = hierarchy.path().join(ROOT);
        let ends =
            |name: &str| (0..200).for_each(|_| remove_base(&make_base(&root, &InstanceId(name.into())).expect("made")));
        std::thread::scope(|scope| {
            scope.spawn(|| ends("i-1"));
            ends("i-2");
        });
        assert!(!root.exists());
    }

    #[test]
    fn a_vcpu_weighs_what_1024_shares_do() {
        for (vcpus, expect) in [(1.0, (1024, 100)), (0.25, (256, 25)), (500.0, (262_144, 10_000)), (0.0, (2, 1))] {
            assert_eq!((shares(vcpus), weight(vcpus)), expect, "{vcpus}");
        }
    }

    /// A directory that looks like one that cgroup v2 is mounted on.
    #[test]
    fn without_the_memory_controller_there_is_no_fence() {
        let mount = tempfile::tempdir().expect("a directory");
        let instance = InstanceId("i-1".into());
        assert_eq!(v2(mount.path(), &instance), None, "not mounted");
        fs::write(mount.path().join("cgroup.controllers"), "cpu pids").expect("written");
        assert_eq!(v2(mount.path(), &instance), None, "no memory controller");
        assert_eq!(v1(mount.path(), &instance), None, "not mounted");
    }
}
