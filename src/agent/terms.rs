//! On what terms a container's definition is run as a process of this machine, which has no image, no file system and no
//! name space of its own: what is done, what is left out and said in the log's first line, and what is refused.
//!
//! [`RULES`] is the whole of it. What a job cannot do its work without is refused; what only fences it in is left out.

use super::attempt::Seat;
use crate::model::{ContainerProperties, Device, MountPoint, Tmpfs, Ulimit, Volume};
use rustix::process::{Resource, Rlimit, getegid, geteuid, getrlimit};
use std::path::{Path, PathBuf};

/// What is left out of a field, in words that follow its name; or why the job is not started.
type Judgement = Result<Vec<String>, String>;
type Rule = fn(&Asked<'_>) -> Judgement;

/// Each field of a definition that a container has and a process does not simply have.
///
/// `secrets` are refused wherever a job runs; roles, platforms, networks and `ephemeralStorage` mean nothing to either.
const RULES: [(&str, Rule); 9] = [
    // Done as root for a user of this machine.
    ("user", |asked| asked.identity().map(|found| found.map(|found| found.left_out()).unwrap_or_default())),
    // Done, up to what this user may.
    ("ulimits", |asked| asked.limits().map(|_| Vec::new())),
    // Done where the path is the machine's own; it cannot be protected from writing.
    ("mountPoints", |asked| each(&asked.properties.mount_points, |mount| mounted(mount, asked.volumes))),
    // Done where the path is the machine's own.
    ("linuxParameters.devices", |asked| each(asked.linux(|linux| &linux.devices), device)),
    // Left out where there is such a directory.
    ("linuxParameters.tmpfs", |asked| each(asked.linux(|linux| &linux.tmpfs), tmpfs)),
    // Left out.
    ("linuxParameters.sharedMemorySize", |asked| Ok(left_out(asked.has(|linux| linux.shared_memory_size.is_some())))),
    ("linuxParameters.maxSwap", |asked| Ok(left_out(asked.has(|linux| linux.max_swap.is_some())))),
    ("readonlyRootFilesystem", |asked| Ok(left_out(asked.properties.readonly_root_filesystem == Some(true)))),
    ("privileged", |asked| Ok(left_out(asked.properties.privileged == Some(true) && !asked.machine.is_root()))),
];

/// The terms of one process.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// `None`: the agent's own.
    pub identity: Option<Identity>,
    pub limits: Vec<(String, Resource, Rlimit)>,
    /// What the log begins with.
    pub notice: Option<String>,
}

/// Whom a process runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: PathBuf,
    /// Groups that it is in and the process will not be.
    further: Vec<String>,
}

/// What judgements depend on.
struct Asked<'a> {
    properties: &'a ContainerProperties,
    volumes: &'a [Volume],
    machine: &'a Machine,
}

/// The machine as the agent finds it.
#[derive(Debug, Clone)]
struct Machine {
    uid: u32,
    gid: u32,
    passwd: PathBuf,
    group: PathBuf,
}

/// Judges all fields; the first that cannot be refuses the job.
pub(super) fn of(seat: Seat<'_>) -> Result<Terms, String> {
    let machine = Machine {
        uid: geteuid().as_raw(),
        gid: getegid().as_raw(),
        passwd: "/etc/passwd".into(),
        group: "/etc/group".into(),
    };
    judge(&Asked { properties: &seat.container.properties, volumes: &seat.task.volumes, machine: &machine })
}

fn judge(asked: &Asked<'_>) -> Result<Terms, String> {
    let mut left_out = Vec::new();
    for (field, rule) in RULES {
        let parts = rule(asked).map_err(|reason| format!("{field}: {reason}"))?;
        left_out.extend(parts.into_iter().map(|part| format!("{field} {part}").trim_end().to_owned()));
    }
    let notice = (!left_out.is_empty()).then(|| {
        format!(
            "batchdeck: a process of this machine runs without: {}; run it from an image to have it",
            left_out.join(", ")
        )
    });
    Ok(Terms { identity: asked.identity()?, limits: asked.limits()?, notice })
}

impl Asked<'_> {
    fn linux<T>(&self, part: impl Fn(&crate::model::LinuxParameters) -> &Vec<T>) -> &[T] {
        self.properties.linux_parameters.as_ref().map(part).map(Vec::as_slice).unwrap_or_default()
    }

    fn has(&self, which: impl Fn(&crate::model::LinuxParameters) -> bool) -> bool {
        self.properties.linux_parameters.as_ref().is_some_and(which)
    }

    /// `None` where it is the agent's own.
    fn identity(&self) -> Result<Option<Identity>, String> {
        match self.properties.user.as_deref() {
            None | Some("") => Ok(None),
            Some(given) => self.machine.identity(given),
        }
    }

    fn limits(&self) -> Result<Vec<(String, Resource, Rlimit)>, String> {
        self.properties.ulimits.iter().map(|limit| self.machine.limit(limit)).collect()
    }
}

impl Machine {
    fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// `NAME`, `UID`, and either with `:GROUP` or `:GID`.
    fn identity(&self, given: &str) -> Result<Option<Identity>, String> {
        let (user, group) = given.split_once(':').map_or((given, None), |(user, group)| (user, Some(group)));
        let (passwd, groups) = (lines(&self.passwd), lines(&self.group));
        let known = passwd.iter().find(|line| line.first().is_some_and(|name| name == user));
        let known = known.or_else(|| passwd.iter().find(|line| line.get(2).is_some_and(|uid| uid == user)));
        let number = |text: Option<&String>| text.and_then(|text| text.parse::<u32>().ok());
        let gid = match group {
            Some(group) => Some(named_group(&groups, group).ok_or_else(|| {
                format!(
                    "`{given}` names the group `{group}`, which this machine does not have; create it, or name another"
                )
            })?),
            None => number(known.and_then(|line| line.get(3))),
        };
        let uid = number(known.and_then(|line| line.get(2))).or_else(|| user.parse().ok());
        let Some(uid) = uid else {
            return Err(format!("`{user}` is no user of this machine; create it, or name another"));
        };
        let Some(gid) = gid else {
            return Err(format!(
                "{uid} is no user of this machine, so its group is not known; name it too, as `{uid}:GID`"
            ));
        };
        if (uid, gid) == (self.uid, self.gid) {
            return Ok(None);
        }
        if !self.is_root() {
            return Err(format!(
                "`{given}` is not the user that the engine runs as (uid {}), and only root may run jobs as another; \
                 leave it out, run the engine as root, or run the job from an image",
                self.uid
            ));
        }
        let name = known.and_then(|line| line.first()).map_or(user, String::as_str);
        let member = |line: &&Vec<String>| line.get(3).is_some_and(|members| members.split(',').any(|one| one == name));
        let further = groups.iter().filter(member).filter(|line| number(line.get(2)) != Some(gid));
        Ok(Some(Identity {
            name: name.to_owned(),
            uid,
            gid,
            home: known.and_then(|line| line.get(5)).map_or("/".into(), PathBuf::from),
            further: further.filter_map(|line| line.first().cloned()).collect(),
        }))
    }

    fn limit(&self, wanted: &Ulimit) -> Result<(String, Resource, Rlimit), String> {
        let name = wanted.name.to_ascii_lowercase();
        let Some((_, resource)) = RESOURCES.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = RESOURCES.iter().map(|(name, _)| *name).collect();
            return Err(format!("there is no limit `{}`; there are: {}", wanted.name, known.join(", ")));
        };
        // Less than nought is no limit.
        let number = |limit: i32| u64::try_from(limit).ok();
        let limit = Rlimit { current: number(wanted.soft_limit), maximum: number(wanted.hard_limit) };
        let above = |one: Option<u64>, other: Option<u64>| other.is_some_and(|other| one.is_none_or(|one| one > other));
        if above(limit.current, limit.maximum) {
            return Err(format!("{name} has a softLimit above its hardLimit; lower it"));
        }
        let highest = getrlimit(*resource).maximum;
        if !self.is_root() && above(limit.maximum, highest) {
            let highest = highest.map_or_else(|| "none".to_owned(), |highest| highest.to_string());
            return Err(format!(
                "{name} has the hardLimit {}, and this user may have {highest} at most; lower it, or raise the user's",
                wanted.hard_limit
            ));
        }
        Ok((name, *resource, limit))
    }
}

impl Identity {
    fn left_out(&self) -> Vec<String> {
        let named = |groups: &[String]| format!("in its further groups ({})", groups.join(", "));
        if self.further.is_empty() { Vec::new() } else { vec![named(&self.further)] }
    }
}

/// By the names that `docker run --ulimit` takes.
const RESOURCES: [(&str, Resource); 15] = [
    ("core", Resource::Core),
    ("cpu", Resource::Cpu),
    ("data", Resource::Data),
    ("fsize", Resource::Fsize),
    ("locks", Resource::Locks),
    ("memlock", Resource::Memlock),
    ("msgqueue", Resource::Msgqueue),
    ("nice", Resource::Nice),
    ("nofile", Resource::Nofile),
    ("nproc", Resource::Nproc),
    ("rss", Resource::Rss),
    ("rtprio", Resource::Rtprio),
    ("rttime", Resource::Rttime),
    ("sigpending", Resource::Sigpending),
    ("stack", Resource::Stack),
];

/// The lines of a file of users or groups, in their fields. A file that cannot be read knows nobody.
fn lines(file: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
}

fn named_group(groups: &[Vec<String>], group: &str) -> Option<u32> {
    let found = groups.iter().find(|line| line.first().is_some_and(|name| name == group));
    found.and_then(|line| line.get(2)).map_or(group, String::as_str).parse().ok()
}

fn each<T>(list: &[T], judge: impl Fn(&T) -> Judgement) -> Judgement {
    let judged: Result<Vec<_>, _> = list.iter().map(judge).collect();
    Ok(judged?.into_iter().flatten().collect())
}

fn left_out(is: bool) -> Vec<String> {
    if is { vec![String::new()] } else { Vec::new() }
}

fn mounted(mount: &MountPoint, volumes: &[Volume]) -> Judgement {
    let at = mount.container_path.as_deref().unwrap_or_default();
    let volume = mount.source_volume.as_deref().unwrap_or_default();
    let source = volumes.iter().find(|known| known.name == volume).and_then(|known| known.host.as_ref());
    let source = source.and_then(|host| host.source_path.as_deref()).filter(|path| !path.is_empty());
    if source != Some(at) {
        let instead = source.unwrap_or("a directory of this machine");
        return Err(format!(
            "the volume `{volume}` cannot appear at {at}, as a process sees the machine's own files; let the job use \
             {instead} itself, or run it from an image"
        ));
    }
    if !Path::new(at).exists() {
        return Err(format!("{at} is not there; create it on this machine"));
    }
    Ok(if mount.read_only == Some(true) { vec![format!("{at} as read-only")] } else { Vec::new() })
}

fn device(device: &Device) -> Judgement {
    let host = device.host_path.as_str();
    match device.container_path.as_deref().filter(|path| *path != host) {
        Some(other) => Err(format!(
            "{host} cannot appear as {other}, as a process sees the machine's own devices; let the job use {host} \
             itself, or run it from an image"
        )),
        None if !Path::new(host).exists() => Err(format!("this machine has no {host}; name another device")),
        None => Ok(Vec::new()),
    }
}

fn tmpfs(tmpfs: &Tmpfs) -> Judgement {
    let at = tmpfs.container_path.as_str();
    if Path::new(at).is_dir() {
        return Ok(vec![at.to_owned()]);
    }
    Err(format!("{at} is no directory of this machine; let the job use TMPDIR, or run it from an image"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const MATE: u32 = 4_000;

    fn told(members: &Value, volumes: &Value, uid: u32) -> Result<Terms, String> {
        let directory = tempfile::tempdir().expect("a directory");
        let (passwd, group) = (directory.path().join("passwd"), directory.path().join("group"));
        std::fs::write(&passwd, "root:x:0:0::/root:/bin/sh\nmate:x:4000:4001::/home/mate:/bin/sh\n").expect("written");
        std::fs::write(&group, "root:x:0:\nmates:x:4001:mate\ncrew:x:4002:mate,other\n").expect("written");
        let gid = if uid == MATE { 4_001 } else { uid };
        let machine = Machine { uid, gid, passwd, group };
        let properties: ContainerProperties = serde_json::from_value(members.clone()).expect("properties");
        let volumes: Vec<Volume> = serde_json::from_value(volumes.clone()).expect("volumes");
        judge(&Asked { properties: &properties, volumes: &volumes, machine: &machine })
    }

    #[test]
    fn each_field_is_done_or_said_or_refused_as_the_table_has_it() {
        enum Then {
            Done,
            Said(&'static str),
            Refused(&'static str),
        }
        use Then::{Done, Refused, Said};
        let volumes = json!([
            { "name": "tmp", "host": { "sourcePath": "/tmp" } },
            { "name": "gone", "host": { "sourcePath": "/nowhere/at/all" } },
            { "name": "fresh" },
        ]);
        let mount = |volume: &str, at: &str, read_only: bool| json!({ "mountPoints": [{ "sourceVolume": volume, "containerPath": at, "readOnly": read_only }] });
        let limit = |name: &str, soft: i32, hard: i32| json!({ "ulimits": [{ "name": name, "softLimit": soft, "hardLimit": hard }] });
        let linux = |members: Value| json!({ "linuxParameters": members });
        let table = [
            (json!({}), 0, Done),
            (json!({ "user": "root" }), 0, Done),
            (json!({ "user": "4000" }), MATE, Done),
            (json!({ "user": "mate:mates" }), MATE, Done),
            (json!({ "user": "mate" }), 0, Said("user in its further groups (crew)")),
            (json!({ "user": "5000:5000" }), 0, Done),
            (json!({ "user": "5000" }), 0, Refused("name it too, as `5000:GID`")),
            (json!({ "user": "nobody-here" }), 0, Refused("user: `nobody-here` is no user of this machine")),
            (json!({ "user": "mate:ghosts" }), 0, Refused("the group `ghosts`")),
            (json!({ "user": "root" }), MATE, Refused("only root may run jobs as another")),
            (limit("nofile", 10, 20), MATE, Done),
            (limit("NPROC", -1, -1), 0, Done),
            (limit("nofile", 10, i32::MAX), MATE, Refused("ulimits: nofile has the hardLimit 2147483647")),
            (limit("nofile", 20, 10), 0, Refused("a softLimit above its hardLimit")),
            (limit("wings", 1, 1), 0, Refused("there is no limit `wings`; there are: core, cpu")),
            (mount("tmp", "/tmp", false), MATE, Done),
            (mount("tmp", "/tmp", true), MATE, Said("mountPoints /tmp as read-only")),
            (mount("tmp", "/data", false), MATE, Refused("let the job use /tmp itself")),
            (mount("fresh", "/data", false), MATE, Refused("let the job use a directory of this machine itself")),
            (mount("gone", "/nowhere/at/all", false), MATE, Refused("/nowhere/at/all is not there")),
            (linux(json!({ "devices": [{ "hostPath": "/dev/null" }] })), MATE, Done),
            (
                linux(json!({ "devices": [{ "hostPath": "/dev/null", "containerPath": "/dev/x" }] })),
                MATE,
                Refused("linuxParameters.devices: /dev/null cannot appear as /dev/x"),
            ),
            (linux(json!({ "devices": [{ "hostPath": "/dev/nothing" }] })), MATE, Refused("has no /dev/nothing")),
            (
                linux(json!({ "tmpfs": [{ "containerPath": "/tmp", "size": 4 }] })),
                MATE,
                Said("linuxParameters.tmpfs /tmp"),
            ),
            (
                linux(json!({ "tmpfs": [{ "containerPath": "/nowhere", "size": 4 }] })),
                MATE,
                Refused("let the job use TMPDIR"),
            ),
            (linux(json!({ "initProcessEnabled": true })), MATE, Done),
            (linux(json!({ "sharedMemorySize": 64 })), MATE, Said("linuxParameters.sharedMemorySize")),
            (linux(json!({ "maxSwap": 64, "swappiness": 1 })), MATE, Said("linuxParameters.maxSwap")),
            (json!({ "readonlyRootFilesystem": true }), MATE, Said("readonlyRootFilesystem")),
            (json!({ "readonlyRootFilesystem": false, "privileged": false }), MATE, Done),
            (json!({ "privileged": true }), 0, Done),
            (json!({ "privileged": true }), MATE, Said("privileged")),
        ];
        for (members, uid, then) in table {
            match (then, told(&members, &volumes, uid)) {
                (Done, Ok(terms)) => assert_eq!(terms.notice, None, "{members}"),
                (Said(words), Ok(terms)) => {
                    let notice = terms.notice.unwrap_or_default();
                    assert!(notice.contains(&format!("runs without: {words}; run it from an image")), "{notice}");
                }
                (Refused(words), Err(reason)) => assert!(reason.contains(words), "{members}: {reason}"),
                (_, terms) => panic!("{members} as {uid}: {terms:?}"),
            }
        }
    }

    #[test]
    fn a_user_is_found_by_its_name_or_number_with_its_group_and_home() {
        let identity = |user: &str| told(&json!({ "user": user }), &json!([]), 0).expect(user).identity;
        let mate = identity("mate").expect("another");
        assert_eq!((mate.uid, mate.gid, mate.home.as_path()), (MATE, 4_001, Path::new("/home/mate")));
        assert_eq!(identity("4000"), Some(mate));
        assert_eq!(identity("mate:4002").map(|found| found.gid), Some(4_002));
        assert_eq!(identity("5000:6000").map(|found| (found.uid, found.gid)), Some((5_000, 6_000)));
    }
}
