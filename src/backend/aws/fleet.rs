//! The container instances behind compute environments as they were seen, what is paid for them, and how they have come and
//! gone under the eyes of this program: AWS Batch keeps no record of that. Pure.

use super::cost::purchase;
use super::prices::PriceBook;
use crate::model::{
    Capacities, Capacity, ComputeEnvironment, Health, Instance, InstanceId, InstanceState, Millis, Prices, Purchase,
    Scaling, ScalingChange, Tariff, Usd, name_of,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Steps that are kept.
const STEPS: usize = 500;
/// Hosts whose price is remembered, also after they are gone.
const HOSTS: usize = 20_000;

/// What was read of one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Its instances, or why they are not known.
    told: Result<Capacity, String>,
    /// The instances that were there when they could be read last.
    known: Option<BTreeMap<InstanceId, Instance>>,
}

/// What is paid for of a container instance.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Paid {
    tariff: Tariff,
    /// Thousandths of a vCPU, and MiB.
    size: (u64, u64),
}

/// What an environment said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    status: Health,
    reason: Option<String>,
    desired: Option<i32>,
    has_group: bool,
}

/// All that was read of environments and their instances.
#[derive(Debug, Default)]
pub struct Fleet {
    read: BTreeMap<String, Read>,
    said: BTreeMap<String, Said>,
    /// Newest first, each with its number in the order in which they were noticed.
    steps: VecDeque<(u64, Scaling)>,
    noticed: u64,
    /// By the ARN of a container instance.
    paid: BTreeMap<String, Paid>,
    /// Of all instances that were seen.
    tariffs: BTreeSet<Tariff>,
    /// How the capacity of a cluster is bought, by its name.
    purchases: BTreeMap<String, Purchase>,
}

impl Fleet {
    /// Notes what environments say, and what is different since.
    pub fn note_environments(&mut self, environments: &[ComputeEnvironment], now: Millis) {
        for one in environments {
            let name = &one.compute_environment_name;
            if let Some(cluster) = &one.ecs_cluster_arn {
                self.purchases.insert(name_of(cluster).to_owned(), purchase(one.provisioning()));
            }
            let desired = desired(one);
            let has_group = one.kind == "MANAGED" && has_instances(one);
            let said = Said { status: one.status, reason: one.status_reason.clone(), desired, has_group };
            let before = self.said.insert(name.clone(), said.clone());
            let total_vcpus = self.vcpus(name);
            let step = |change, vcpus, reason| Scaling {
                at: now,
                compute_environment: name.clone(),
                change,
                vcpus,
                total_vcpus,
                reason,
                ..Scaling::default()
            };
            match before {
                Some(before) => {
                    if before.desired != desired {
                        let number = |vcpus: Option<i32>| vcpus.map_or("none".to_owned(), |vcpus| vcpus.to_string());
                        let reason = format!("desiredvCpus {} → {}", number(before.desired), number(desired));
                        let wanted = desired.map_or(0.0, f64::from);
                        self.add(step(ScalingChange::Wanted, wanted, reason));
                    }
                    if (before.status, &before.reason) != (said.status, &said.reason) {
                        let change = format!("{} → {}", before.status.as_str(), said.status.as_str());
                        let change = if before.status == said.status { String::new() } else { change };
                        let parts = [change, said.reason.unwrap_or_default()];
                        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                        self.add(step(ScalingChange::Status, 0.0, parts.join(": ")));
                    }
                }
                // Of one that is well there is nothing to tell.
                None if said.status != Health::Valid => {
                    let reason = said.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                    let reason = format!("{}{reason}; since when is not known", said.status.as_str());
                    self.add(step(ScalingChange::Status, 0.0, reason));
                }
                None => {}
            }
        }
    }

    /// Notes what was read of an environment's instances: which have come, and which are gone.
    pub fn note_instances(&mut self, environment: &ComputeEnvironment, told: Result<Capacity, String>, now: Millis) {
        let name = environment.compute_environment_name.clone();
        let known = self.read.get(&name).and_then(|read| read.known.clone());
        let there = told.as_ref().ok().map(|capacity| by_id(&capacity.instances));
        let read = Read { told, known: there.clone().or_else(|| known.clone()) };
        self.read.insert(name, read);
        let Some(there) = there else { return };
        let wants = desired(environment).map(|vcpus| format!("; the environment wants {vcpus} vCPU"));
        let mut total = known.as_ref().map_or(0.0, |known| known.values().map(|one| one.vcpus).sum());
        let mut steps = Vec::new();
        for (id, one) in known.iter().flatten().filter(|(id, _)| !there.contains_key(*id)) {
            total -= one.vcpus;
            steps.push(gone(id, one, total, now));
        }
        for one in there.values() {
            match known.as_ref().map(|known| known.get(&one.instance_id)) {
                Some(Some(was)) => {
                    let drains = was.state != InstanceState::Draining && one.state == InstanceState::Draining;
                    if drains {
                        let reason = format!("DRAINING, with {}; it takes no new one", tasks(one));
                        steps.push(step(one, ScalingChange::Noticed, total, now, reason));
                    } else if one.agent_lost && !was.agent_lost {
                        let reason = format!(
                            "the ECS agent of {} is not connected any more; it has {}",
                            one.instance_id,
                            tasks(one)
                        );
                        steps.push(step(one, ScalingChange::Status, total, now, reason));
                    }
                }
                Some(None) => {
                    total += one.vcpus;
                    let reason = format!("registered with ECS{}", wants.as_deref().unwrap_or_default());
                    steps.push(step(one, ScalingChange::Launched, total, launched(one, now), reason));
                }
                None => {
                    total += one.vcpus;
                    let reason =
                        "registered with ECS before it was looked at; those that were gone by then are not known";
                    steps.push(step(one, ScalingChange::Launched, total, launched(one, now), reason.to_owned()));
                }
            }
        }
        for step in steps {
            self.add(step);
        }
    }

    /// Notes what is paid for of a container instance.
    pub fn note_host(&mut self, environment: &ComputeEnvironment, arn: &str, host: &Instance) {
        if self.paid.len() >= HOSTS {
            self.paid.clear();
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "vCPUs of a host are few")]
        let milli = (host.vcpus.max(0.0) * 1000.0).round() as u64;
        let tariff = tariff(environment, host);
        self.tariffs.insert(tariff.clone());
        self.paid.insert(arn.to_owned(), Paid { tariff, size: (milli, host.memory_mib) });
    }

    /// Under which tariff a container instance is paid for, and its size: thousandths of a vCPU, and MiB.
    pub fn host(&self, arn: &str) -> Option<(Tariff, (u64, u64))> {
        self.paid.get(arn).map(|paid| (paid.tariff.clone(), paid.size))
    }

    /// How the capacity of a cluster is bought, where its environment was seen.
    pub fn purchase_in(&self, cluster: &str) -> Option<Purchase> {
        self.purchases.get(cluster).copied()
    }

    /// Puts what was read last where it belongs.
    pub fn fill_in(&self, environment: &mut ComputeEnvironment, book: &PriceBook) {
        match self.read.get(&environment.compute_environment_name).map(|read| &read.told) {
            Some(Ok(capacity)) => {
                let tariffs: Vec<_> = capacity.instances.iter().map(|one| tariff(environment, one)).collect();
                let usd_per_hour = hourly(&tariffs, book.prices());
                let prices = Some(book.words(&tariffs)).filter(|words| !words.is_empty());
                environment.capacity = Some(Capacity { usd_per_hour, prices, ..capacity.clone() });
            }
            Some(Err(why)) => environment.capacity_unread = Some(why.clone()),
            None => {}
        }
    }

    /// Whether instances have been read at all.
    pub fn is_read(&self) -> bool {
        !self.read.is_empty()
    }

    /// Of all instances that were seen.
    pub fn tariffs(&self) -> &BTreeSet<Tariff> {
        &self.tariffs
    }

    /// Whether Batch has made an Auto Scaling group for an environment.
    pub fn has_group(&self, environment: &str) -> bool {
        self.said.get(environment).is_some_and(|said| said.has_group)
    }

    /// The instances that an environment had when they could be read last.
    pub fn ids_in(&self, environment: &str) -> BTreeSet<InstanceId> {
        let known = self.read.get(environment).and_then(|read| read.known.as_ref());
        known.map(|known| known.keys().cloned().collect()).unwrap_or_default()
    }

    /// Notes what Auto Scaling did; the vCPUs are those of now.
    pub fn note_activity(&mut self, step: Scaling) {
        let total_vcpus = self.vcpus(&step.compute_environment);
        self.add(Scaling { total_vcpus, ..step });
    }

    /// Whether an environment had no instance when it was read last.
    pub fn is_empty(&self, environment: &str) -> bool {
        let read = self.read.get(environment).and_then(|read| read.told.as_ref().ok());
        read.is_some_and(|capacity| capacity.instances.is_empty())
    }

    /// How instances came and went, of one environment or of all: newest first.
    pub fn steps(&self, environment: Option<&str>) -> Vec<Scaling> {
        let all = self.steps.iter().map(|(_, step)| step);
        all.filter(|step| environment.is_none_or(|name| step.compute_environment == name)).cloned().collect()
    }

    /// The steps that were noticed after the first `told`, oldest first, and how many there have been.
    pub fn steps_after(&self, told: u64) -> (Vec<Scaling>, u64) {
        let fresh = self.steps.iter().rev().filter(|(number, _)| *number > told);
        (fresh.map(|(_, step)| step.clone()).collect(), self.noticed)
    }

    fn vcpus(&self, environment: &str) -> f64 {
        let told = self.read.get(environment).and_then(|read| read.told.as_ref().ok());
        told.map_or(0.0, |capacity| capacity.vcpus)
    }

    fn add(&mut self, step: Scaling) {
        self.noticed += 1;
        let at = self.steps.partition_point(|(_, known)| known.at > step.at);
        self.steps.insert(at, (self.noticed, step));
        self.steps.truncate(STEPS);
    }
}

fn desired(environment: &ComputeEnvironment) -> Option<i32> {
    environment.compute_resources.as_ref().and_then(|resources| resources.desiredv_cpus)
}

fn by_id(instances: &[Instance]) -> BTreeMap<InstanceId, Instance> {
    instances.iter().map(|one| (one.instance_id.clone(), one.clone())).collect()
}

/// What AWS does not tell is the time at which it was seen.
fn launched(instance: &Instance, now: Millis) -> Millis {
    if instance.launched_at > 0 { instance.launched_at } else { now }
}

fn tasks(instance: &Instance) -> String {
    match instance.running_jobs {
        0 => "no task".to_owned(),
        1 => "1 task".to_owned(),
        several => format!("{several} tasks"),
    }
}

fn gone(id: &InstanceId, was: &Instance, total: f64, now: Millis) -> Scaling {
    let is_ended = was.running_jobs == 0 || was.state == InstanceState::Draining;
    let change = if is_ended { ScalingChange::Ended } else { ScalingChange::Lost };
    let reason = format!("left the ECS cluster; it was {} with {}", was.state.as_str(), tasks(was));
    Scaling { instance_id: id.clone(), ..step(was, change, total, now, reason) }
}

fn step(instance: &Instance, change: ScalingChange, total_vcpus: f64, at: Millis, reason: String) -> Scaling {
    Scaling {
        at,
        compute_environment: instance.compute_environment.clone(),
        instance_id: instance.instance_id.clone(),
        instance_type: instance.instance_type.clone(),
        change,
        vcpus: instance.vcpus,
        total_vcpus,
        reason,
    }
}

/// Under which an instance of an environment is paid for.
fn tariff(environment: &ComputeEnvironment, instance: &Instance) -> Tariff {
    let of = Capacities::Instance(instance.instance_type.clone());
    Tariff { purchase: purchase(environment.provisioning()), of }
}

/// What instances cost an hour; nothing is said where one has no known price.
fn hourly(tariffs: &[Tariff], prices: &Prices) -> Option<Usd> {
    let mut sum = Usd::ZERO;
    for tariff in tariffs {
        let Capacities::Instance(name) = &tariff.of else { return None };
        sum += prices.instance(name, tariff.purchase)?.per_hour;
    }
    Some(sum)
}

/// Whether an environment has container instances: Fargate has none, and Kubernetes has its own.
pub fn has_instances(environment: &ComputeEnvironment) -> bool {
    let is_ecs = environment.container_orchestration_type.as_deref().is_none_or(|kind| kind == "ECS");
    let is_there = !matches!(environment.status, Health::Deleting | Health::Deleted);
    let cluster = environment.ecs_cluster_arn.as_deref().is_some_and(|arn| !arn.is_empty());
    is_ecs && is_there && cluster && matches!(environment.provisioning(), "EC2" | "SPOT" | "UNMANAGED")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::aws::convert;
    use crate::model::ComputeResource;

    fn environment(status: Health, reason: &str, desired: i32) -> ComputeEnvironment {
        ComputeEnvironment {
            compute_environment_name: "spot".into(),
            ecs_cluster_arn: Some("arn:aws:ecs:r:1:cluster/spot".into()),
            status,
            status_reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
            compute_resources: Some(ComputeResource {
                kind: "EC2".into(),
                desiredv_cpus: Some(desired),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn instance(id: &str, state: InstanceState, running_jobs: u32) -> Instance {
        Instance {
            instance_id: InstanceId(id.into()),
            compute_environment: "spot".into(),
            instance_type: "m5.xlarge".into(),
            state,
            vcpus: 4.0,
            running_jobs,
            launched_at: 5,
            ..Instance::default()
        }
    }

    fn told(fleet: &Fleet) -> Vec<(Millis, ScalingChange, String, f64, String)> {
        let step = |step: Scaling| (step.at, step.change, step.instance_id.0, step.total_vcpus, step.reason);
        fleet.steps(Some("spot")).into_iter().map(step).collect()
    }

    #[test]
    fn instances_come_drain_end_and_are_lost_under_the_eyes_of_the_program() {
        use InstanceState::{Active, Draining};
        let spot = environment(Health::Valid, "", 8);
        let mut fleet = Fleet::default();
        let read = |fleet: &mut Fleet, instances: Vec<Instance>, at| {
            fleet.note_instances(&spot, Ok(convert::instance::capacity(instances)), at);
        };
        read(&mut fleet, vec![instance("a", Active, 1)], 10);
        read(
            &mut fleet,
            vec![instance("a", Draining, 1), Instance { launched_at: 19, ..instance("b", Active, 0) }],
            20,
        );
        read(&mut fleet, vec![instance("b", Active, 2)], 30);
        read(&mut fleet, vec![], 40);
        let steps = told(&fleet);
        let short: Vec<_> =
            steps.iter().map(|(at, change, id, total, _)| (*at, *change, id.as_str(), *total)).collect();
        assert_eq!(
            short,
            [
                (40, ScalingChange::Lost, "b", 0.0),
                (30, ScalingChange::Ended, "a", 4.0),
                (20, ScalingChange::Noticed, "a", 4.0),
                (19, ScalingChange::Launched, "b", 8.0),
                (5, ScalingChange::Launched, "a", 4.0),
            ]
        );
        assert_eq!(steps[0].4, "left the ECS cluster; it was ACTIVE with 2 tasks");
        assert_eq!(steps[3].4, "registered with ECS; the environment wants 8 vCPU");
        assert!(steps[4].4.contains("before it was looked at"));

        fleet.note_instances(&spot, Err("not allowed".into()), 50);
        read(&mut fleet, vec![], 60);
        assert_eq!(told(&fleet), steps, "what could not be read for a while tells nothing of who came or went");
    }

    #[test]
    fn what_an_environment_says_of_itself_is_kept_as_it_changes() {
        let mut fleet = Fleet::default();
        let states = [
            environment(Health::Valid, "ComputeEnvironment Healthy", 0),
            environment(Health::Updating, "", 16),
            environment(Health::Updating, "", 16),
            environment(Health::Invalid, "CLIENT_ERROR - no role", 16),
        ];
        for (at, state) in (1..).zip(states) {
            fleet.note_environments(&[state], at);
        }
        let short: Vec<_> = told(&fleet).into_iter().map(|(at, change, _, _, reason)| (at, change, reason)).collect();
        assert_eq!(
            short,
            [
                (4, ScalingChange::Status, "UPDATING → INVALID: CLIENT_ERROR - no role".to_owned()),
                (2, ScalingChange::Status, "VALID → UPDATING".to_owned()),
                (2, ScalingChange::Wanted, "desiredvCpus 0 → 16".to_owned()),
            ]
        );
        let (fresh, noticed) = fleet.steps_after(2);
        assert_eq!((fresh.len(), fresh[0].at, noticed), (1, 4, 3));
    }

    #[test]
    fn an_environment_gets_its_instances_and_their_price_or_why_they_are_not_known() {
        let mut fleet = Fleet::default();
        let book = PriceBook::open(Prices::default(), "eu-west-1", None);
        let mut spot = environment(Health::Valid, "", 8);
        fleet.fill_in(&mut spot, &book);
        assert_eq!((&spot.capacity, &spot.capacity_unread), (&None, &None));
        fleet.note_instances(&spot, Err("not allowed".into()), 1);
        fleet.fill_in(&mut spot, &book);
        assert_eq!((&spot.capacity, spot.capacity_unread.as_deref()), (&None, Some("not allowed")));
        let two = vec![instance("a", InstanceState::Active, 1), instance("b", InstanceState::Active, 1)];
        fleet.note_instances(&spot, Ok(convert::instance::capacity(two)), 2);
        let mut spot = environment(Health::Valid, "", 8);
        fleet.fill_in(&mut spot, &book);
        assert_eq!(spot.capacity_unread, None);
        let capacity = spot.capacity.expect("is read");
        assert_eq!(capacity.usd_per_hour, Some(Usd::from_micros(384_000)));
        assert_eq!(capacity.prices.as_deref(), Some("AWS's list of us-east-1, 2026-07-20"));
    }

    #[test]
    fn fargate_kubernetes_and_what_is_deleted_have_no_container_instances() {
        let good = environment(Health::Valid, "", 0);
        assert!(has_instances(&good));
        let kind = |kind: &str| ComputeEnvironment {
            compute_resources: Some(ComputeResource { kind: kind.into(), ..Default::default() }),
            ..good.clone()
        };
        let eks = ComputeEnvironment { container_orchestration_type: Some("EKS".into()), ..good.clone() };
        let gone = ComputeEnvironment { status: Health::Deleting, ..good.clone() };
        let bare = ComputeEnvironment { ecs_cluster_arn: None, ..good.clone() };
        for none in [kind("FARGATE"), kind("FARGATE_SPOT"), eks, gone, bare] {
            assert!(!has_instances(&none), "{none:?}");
        }
        assert!(has_instances(&ComputeEnvironment { compute_resources: None, ..good }), "an unmanaged one");
    }
}
