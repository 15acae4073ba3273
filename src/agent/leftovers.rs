//! What a lost agent has left behind, and its end.

use super::containers;
use super::fence;
use super::procs::{self, Handle, Seen};
use crate::model::InstanceId;
use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

/// How long killed processes may take to vanish; one that hangs in the kernel longer is given up on.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// The variable by which every process of an instance's jobs is known.
pub(super) const INSTANCE_VARIABLE: &str = "BATCHDECK_INSTANCE";

/// The environment entry by which every process of an instance's jobs is known.
pub(super) fn mark(instance: &InstanceId) -> String {
    format!("{INSTANCE_VARIABLE}={instance}")
}

/// Kills every process that an instance's jobs have left, looking again until none is there, and gives their number.
/// Blocks. The caller makes sure that the agent itself is gone, so that it starts no more.
///
/// A process belongs to the instance when it was started with `BATCHDECK_INSTANCE=<id>`, or descends from one that was,
/// or shares its process group.
///
/// # Errors
/// `TimedOut`, with the process ids, when some do not die within ten seconds.
pub fn kill_leftovers(instance: &InstanceId) -> io::Result<usize> {
    let entry = [mark(instance)];
    let begin = Instant::now();
    let mut killed = BTreeSet::new();
    let mut clean_passes = 0;
    loop {
        let all = procs::all();
        let found = family(&all, std::process::id().cast_signed(), |pid| procs::settled_environment(pid, &entry));
        for seen in all.iter().filter(|seen| found.contains(&seen.pid)) {
            // The handle first, the second look after it: what is killed is what was found.
            let Some(handle) = Handle::open(seen.pid) else { continue };
            if procs::one(seen.pid).is_none_or(|again| again.started != seen.started) {
                continue;
            }
            match handle.kill() {
                Ok(()) => {
                    killed.insert((seen.pid, seen.started));
                }
                Err(error) => tracing::warn!(seen.pid, %error, "a leftover process cannot be killed"),
            }
        }
        // One that was being started when its agent died shows its environment only after its exec: look twice.
        clean_passes = if found.is_empty() { clean_passes + 1 } else { 0 };
        if clean_passes == 2 {
            fence::remove_leftovers(instance);
            return Ok(killed.len());
        }
        if begin.elapsed() > PATIENCE {
            let message = format!("processes {found:?} of instance {instance} do not end after SIGKILL");
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Removes every container that an instance's jobs have left, as [`kill_leftovers`] kills their processes, and gives
/// their number. Without a container runtime there is none. `docker_host` as in [`super::Options`].
///
/// # Errors
/// What the runtime has answered, when it refuses.
pub async fn remove_containers(instance: &InstanceId, docker_host: Option<&str>) -> io::Result<usize> {
    containers::remove_all(instance, docker_host).await.map_err(io::Error::other)
}

/// The marked processes, their descendants and the members of their groups; never `own`, its group, or a zombie.
fn family(all: &[Seen], own: i32, is_marked: impl Fn(i32) -> bool) -> BTreeSet<i32> {
    let own_group = all.iter().find(|seen| seen.pid == own).map_or(0, |seen| seen.group);
    let candidates: Vec<&Seen> = all.iter().filter(|seen| seen.pid != own && seen.pid != 1 && !seen.zombie).collect();
    let mut found: BTreeSet<i32> = candidates.iter().filter(|seen| is_marked(seen.pid)).map(|seen| seen.pid).collect();
    loop {
        let groups: BTreeSet<i32> = candidates
            .iter()
            .filter(|seen| found.contains(&seen.pid) && seen.group > 1 && seen.group != own_group)
            .map(|seen| seen.group)
            .collect();
        let relatives: BTreeSet<i32> = candidates
            .iter()
            .filter(|seen| found.contains(&seen.parent) || groups.contains(&seen.group))
            .map(|seen| seen.pid)
            .collect();
        if relatives.is_subset(&found) {
            return found;
        }
        found.extend(relatives);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};

    fn process(pid: i32, parent: i32, group: i32) -> Seen {
        Seen { pid, parent, group, ..Seen::default() }
    }

    #[test]
    fn a_family_is_the_marked_their_descendants_and_their_groups_but_never_the_one_who_asks() {
        let all = [
            process(1, 0, 1),
            process(10, 1, 10),
            process(11, 10, 10),
            process(20, 1, 20),
            process(21, 20, 20),
            process(22, 21, 22),
            process(30, 1, 20),
            Seen { zombie: true, ..process(31, 1, 20) },
            process(40, 1, 40),
        ];
        let table: &[(&[i32], &[i32])] =
            &[(&[], &[]), (&[40], &[40]), (&[21], &[20, 21, 22, 30]), (&[22], &[22]), (&[11], &[11]), (&[10, 1], &[])];
        for (marked, expect) in table {
            let found = family(&all, 10, |pid| marked.contains(&pid));
            assert_eq!(found.into_iter().collect::<Vec<_>>(), *expect, "{marked:?}");
        }
    }

    #[test]
    fn leftovers_die_wherever_they_have_hidden_and_others_live() {
        let instance = InstanceId(format!("i-test-leftovers-{}", std::process::id()));
        let script = "setsid sleep 1000 & env -i sleep 1000 & (sleep 1000 &) ; echo ready; wait";
        let start = |instance: String| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).env("BATCHDECK_INSTANCE", instance).stdout(Stdio::piped()).process_group(0);
            let mut child = command.spawn().expect("sh is there");
            let mut line = String::new();
            BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
            assert_eq!(line, "ready\n");
            child
        };
        let (mut lost, mut other) = (start(instance.to_string()), start(format!("{instance}0")));
        let killed = kill_leftovers(&instance).expect("all of them can be killed");
        assert_eq!(killed, 4);
        assert!(!lost.wait().expect("it ended").success());
        assert_eq!(kill_leftovers(&instance).expect("nothing is left"), 0);
        assert!(other.try_wait().expect("it can be asked").is_none(), "another instance's job lives");
        kill_leftovers(&InstanceId(format!("{instance}0"))).expect("all of them can be killed");
        other.wait().expect("it ended");
    }
}
