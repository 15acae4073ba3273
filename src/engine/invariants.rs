//! What must always hold ("What must always hold" of the design), checked by recounting.

use super::container::vcpus;
use super::index::Index;
use super::job::{Counts, Job, Key, Root};
use super::ledger::{Amount, Amounts};
use super::state::Queue;
use super::{Engine, Violation};
use crate::model::{CostBy, Health, InstanceState, JobStatus, Used};
use std::collections::BTreeMap;

fn hold(rule: &'static str, holds: bool, detail: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { rule, detail: detail() }) }
}

impl Engine {
    pub(super) fn verify(&self) -> Result<(), Violation> {
        self.verify_index()?;
        self.verify_hosts()?;
        self.verify_environments()?;
        self.verify_settling()?;
        self.verify_accounts()?;
        self.verify_machine()?;
        for (number, root) in &self.core.jobs {
            self.verify_root(*number, root)?;
        }
        self.core.queues.iter().try_for_each(|(name, queue)| self.verify_queue(name, queue))
    }

    fn verify_queue(&self, name: &str, queue: &Queue) -> Result<(), Violation> {
        let mut used: BTreeMap<&str, u64> = BTreeMap::new();
        let roots = self.core.jobs.iter().map(|(_, root)| root);
        for root in roots.filter(|root| root.spec.queue == name && self.is_fair(queue)) {
            let placed = root.leaves().filter_map(|slot| root.get(slot)).filter(|job| job.status.is_placed()).count();
            let share = root.spec.share.as_deref();
            hold("a job of a fair-share queue has a share", share.is_some(), || root.spec.id.to_string())?;
            *used.entry(share.unwrap_or("")).or_default() += placed as u64 * root.spec.need.vcpus_milli;
        }
        let noted = |share: &str| queue.shares.get(share).map_or(0, |used| used.milli);
        let same = used.iter().all(|(share, milli)| noted(share) == *milli)
            && queue.shares.iter().all(|(share, noted)| noted.milli == used.get(share.as_str()).copied().unwrap_or(0));
        hold("a share's use is that of its placed jobs", same, || format!("{name}: {:?}, not {used:?}", queue.shares))?;
        let rising = queue.turns.windows(2).all(|two| two[0].rank < two[1].rank);
        hold("turns rise by rank", rising, || format!("{name}: {:?}", queue.turns))?;
        let Some(blocked) = &queue.blocked else { return Ok(()) };
        let root = self.core.jobs.get(&blocked.job.number).filter(|root| root.spec.queue == name);
        let job = root.and_then(|root| root.get(blocked.job.slot));
        let waits = job.is_some_and(|job| job.status == JobStatus::Runnable && job.status_reason.is_some());
        hold("who blocks a queue waits in it and says why", waits, || format!("{name}: {blocked:?}"))
    }

    /// Whatever is kept beside the state equals what can be worked out of it: counts, orders, who is due for what.
    fn verify_index(&self) -> Result<(), Violation> {
        let rebuilt = Index::build(&self.core);
        hold("the index equals a rebuilt one", rebuilt == self.index, || {
            let (kept, rebuilt) = (format!("{:#?}", self.index), format!("{rebuilt:#?}"));
            let differs = kept.lines().zip(rebuilt.lines()).find(|(a, b)| a != b);
            format!("first difference, kept and rebuilt: {differs:?}")
        })
    }

    fn verify_hosts(&self) -> Result<(), Violation> {
        let mut used: BTreeMap<_, (u64, u64, u32, Vec<Key>)> = BTreeMap::new();
        for (number, root) in &self.core.jobs {
            for slot in root.runners() {
                let Some(live) = root.get(slot).and_then(Job::live) else { continue };
                let entry = used.entry(&live.instance).or_default();
                // A node has an instance for itself.
                let host = self.core.instances.get(&live.instance).filter(|_| root.is_node(slot));
                entry.0 += host.map_or(root.spec.need.vcpus_milli, |host| host.vcpus_milli);
                entry.1 += host.map_or(root.spec.need.memory_mib, |host| host.memory_mib);
                entry.2 += host.map_or(root.spec.need.gpus, |host| host.gpus);
                entry.3.push(Key { number: *number, slot });
            }
        }
        for instance in used.keys() {
            let exists = self.core.instances.contains_key(*instance);
            hold("placed jobs are on instances that exist", exists, || format!("{instance} is gone"))?;
        }
        for (id, host) in &self.core.instances {
            let (milli, mib, gpus, placed) = used.remove(id).unwrap_or_default();
            let same = (milli, mib, gpus) == (host.used_milli, host.used_mib, host.used_gpus);
            let same = same && placed.iter().eq(&host.placed);
            hold("an instance's use is that of its jobs", same, || {
                format!("{id}: {host:?}, its jobs use {milli} {mib}")
            })?;
            let within =
                host.used_milli <= host.vcpus_milli && host.used_mib <= host.memory_mib && host.used_gpus <= host.gpus;
            hold("no instance is over-committed", within, || format!("{id}: {host:?}"))?;
            let mut devices: Vec<u32> = self.held_gpus(host).collect();
            let held = devices.len();
            devices.sort_unstable();
            devices.dedup();
            hold("no GPU is two jobs' at once", devices.len() == held && held <= host.used_gpus as usize, || {
                format!("{id}: {devices:?} of {held}")
            })?;
            let idle = host.idle_since.is_some() == (host.placed.is_empty() && host.state != InstanceState::Pending);
            hold("an instance is idle when it is registered and empty", idle, || format!("{id}: {host:?}"))?;
            let known = self.core.environments.contains_key(&host.environment);
            hold("an instance belongs to an environment", known, || format!("{id}: {}", host.environment))?;
        }
        Ok(())
    }

    fn verify_environments(&self) -> Result<(), Violation> {
        for (name, environment) in &self.core.environments {
            let hosts = self.core.instances.values().filter(|host| host.environment == *name);
            let sizes: Vec<u64> = hosts.map(|host| host.vcpus_milli).collect();
            let total: u64 = sizes.iter().sum();
            let limit = environment.maximum_milli().max(environment.grace_milli);
            let by_one = || environment.may_pass_maximum() && sizes.iter().any(|size| total - size < limit);
            hold("no environment passes its maximum", total <= limit || by_one(), || {
                format!("{name}: {total} of {limit}")
            })?;
            let told = environment.scaling.back().map_or(vcpus(total), |step| step.total_vcpus);
            let same = environment.is_fargate() || (told - vcpus(total)).abs() < f64::EPSILON;
            hold("the last step of scaling tells what is there", same, || format!("{name}: {told}, not {total}"))?;
        }
        Ok(())
    }

    /// Each attempt went to the account of its queue, its environment and its definition.
    fn verify_accounts(&self) -> Result<(), Violation> {
        let sum = |by: CostBy| {
            let mut all = Amounts::new();
            for series in self.core.ledger.accounts(by).values() {
                for (tariff, amount) in series.since(None).0 {
                    all.entry(tariff).or_default().add(Amount { billed: Used::default(), ..amount });
                }
            }
            // An environment has accounts of instances that no attempt ever used.
            all.retain(|_, amount| *amount != Amount::default());
            all
        };
        let queues = sum(CostBy::Queue);
        for by in [CostBy::Environment, CostBy::Definition] {
            let same = sum(by) == queues;
            hold("all accounts have the same attempts", same, || format!("{} {:?} {queues:?}", by.as_str(), sum(by)))?;
        }
        Ok(())
    }

    /// A thing is CREATING or UPDATING just while a change of it is noted, and one that is noted is there.
    fn verify_settling(&self) -> Result<(), Violation> {
        for resource in self.core.settling.keys() {
            let health = self.health(resource);
            let moves = matches!(health, Some(Health::Creating | Health::Updating | Health::Deleting));
            hold("what is being changed says so", moves, || format!("{resource} is {health:?}"))?;
        }
        let queues = self.core.queues.iter().map(|(name, queue)| ("job-queue", name, queue.status));
        let environments = self.core.environments.iter().map(|(name, one)| ("compute-environment", name, one.status));
        let services = self.core.services.environments.iter();
        let services = services.map(|(name, one)| ("service-environment", name, one.status));
        for (kind, name, status) in queues.chain(environments).chain(services) {
            let resource = format!("{kind}/{name}");
            let noted =
                !matches!(status, Health::Creating | Health::Updating) || self.core.settling.contains_key(&resource);
            hold("a change comes to an end", noted, || format!("{resource} is {status:?}"))?;
        }
        for (name, queue) in &self.core.queues {
            let policy = queue.scheduling_policy.as_ref();
            let known = policy.is_none_or(|policy| self.core.policies.contains_key(policy));
            hold("a queue's policy is there", known, || format!("{name}: {policy:?}"))?;
            let mut attached = queue.service_environments.iter().map(|entry| &entry.service_environment);
            let known = attached.all(|one| self.core.services.environments.contains_key(one));
            hold("a queue's service environment is there", known, || name.clone())?;
        }
        Ok(())
    }

    fn verify_machine(&self) -> Result<(), Violation> {
        let Some(machine) = self.core.settings.machine else { return Ok(()) };
        let promised = self.promised();
        let within = promised.vcpus_milli <= machine.vcpus_milli && promised.memory_mib <= machine.memory_mib;
        hold("no more is promised than the machine has", within && promised.gpus <= machine.gpus, || {
            format!("{promised} of {machine}")
        })
    }

    fn verify_root(&self, number: u64, root: &Root) -> Result<(), Violation> {
        verify_nodes(root)?;
        for slot in root.runners() {
            let Some(job) = root.get(slot) else {
                return hold("an array has all its children", false, || root.id(slot).to_string());
            };
            self.verify_job(root, slot, job)?;
        }
        if let Some(array) = &root.array {
            let mut counts = Counts::default();
            array.children.iter().for_each(|child| counts.add(child.status, 1));
            let held = array.children.iter().filter(|child| child.held).count();
            hold("a parent counts its held children", held == array.held as usize, || root.spec.id.to_string())?;
            hold("a parent's summary is that of its children", counts == array.counts, || root.spec.id.to_string())?;
            let status = root.job.status;
            let possible = !status.is_placed() && status != JobStatus::Runnable && root.job.attempts.is_empty();
            hold("a parent never runs", possible, || root.spec.id.to_string())?;
            let ended = array.children.iter().all(|child| child.status.is_final());
            hold("a parent ends after its children", !status.is_final() || ended, || root.spec.id.to_string())?;
            if status == JobStatus::Succeeded {
                let all = array.counts.get(JobStatus::Succeeded) == array.children.len() as u64;
                hold("a parent succeeds when all its children do", all, || root.spec.id.to_string())?;
            }
        }
        hold("submissions are numbered in order", number <= self.core.last_number, || root.spec.id.to_string())
    }

    fn verify_job(&self, root: &Root, slot: u32, job: &Job) -> Result<(), Violation> {
        let id = || root.id(slot).to_string();
        let live = job.live().is_some();
        hold("a job has a live attempt just while it is placed", live == job.status.is_placed(), || {
            format!("{}: {job:?}", id())
        })?;
        let earlier = job.attempts.iter().rev().skip(1).all(|attempt| attempt.end.is_some());
        hold("attempts follow each other", earlier, id)?;
        let most = self.retry_strategy(root).and_then(|strategy| strategy.attempts).unwrap_or(1);
        hold("no job is tried more often than it may be", job.attempt_number() <= most, id)?;
        let free = !job.held || job.status.is_waiting();
        hold("only what waits is held", free, id)?;
        let running = job.live().is_some_and(|attempt| attempt.started_at.is_some());
        hold("RUNNING means started", running == (job.status == JobStatus::Running), id)?;
        let free = job.status < JobStatus::Runnable || job.status.is_final() || job.unmet == 0 && !job.doomed;
        hold("nothing is placed before its dependencies have succeeded", free, id)
    }
}

fn verify_nodes(root: &Root) -> Result<(), Violation> {
    let Some(nodes) = &root.nodes else { return Ok(()) };
    let id = || root.spec.id.to_string();
    let (status, main) = (root.job.status, root.get(root.speaker(0)));
    let live = main.and_then(Job::live);
    hold("a multi-node job has no attempts but its nodes'", root.job.attempts.is_empty(), id)?;
    let placed = live.is_some() || nodes.retrying;
    hold(
        "a multi-node job is placed just while its main node is, or others wind up",
        status.is_placed() == placed,
        id,
    )?;
    let runs = live.is_some_and(|attempt| attempt.started_at.is_some());
    hold("a multi-node job runs when its main node does", !runs || status == JobStatus::Running, id)?;
    let others = nodes.nodes.iter().filter(|node| node.live().is_some_and(|attempt| attempt.started_at.is_some()));
    hold(
        "no node starts before the main one",
        status > JobStatus::Starting || nodes.retrying || others.count() == 0,
        id,
    )?;
    hold("a job is tried again when its last node has ended", !nodes.retrying || root.holds_nodes(), id)?;
    let hosts: Vec<_> = nodes.nodes.iter().filter_map(Job::live).map(|attempt| &attempt.instance).collect();
    let apart: std::collections::BTreeSet<_> = hosts.iter().collect();
    hold("nodes are on instances of their own", apart.len() == hosts.len(), id)?;
    let free = status < JobStatus::Runnable || status.is_final() || root.job.unmet == 0 && !root.job.doomed;
    hold("nothing is placed before its dependencies have succeeded", free, id)
}
