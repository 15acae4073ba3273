//! What a job asks for, against what an environment can give.

use crate::model::{ComputeEnvironment, InstanceState, InstanceType, JobDetail, ResourceRequirement};
use crate::triage::fit::Asked;
use serde::Serialize;
use std::fmt;

/// What one try of a job takes; of a multi-node job, its largest node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Needs {
    /// Hundredths of a vCPU.
    pub cpu: u64,
    pub memory_mib: u64,
    pub gpus: u64,
}

/// The most that Fargate gives (AWS Fargate user guide, "Task CPU and memory").
const FARGATE: Offer = Offer { vcpus: 16, memory_mib: 122_880, gpus: 0 };

/// What one instance, or one Fargate task, can give to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub vcpus: u64,
    pub memory_mib: u64,
    pub gpus: u64,
}

/// Whether an environment could ever hold a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    Fits,
    /// It asks for more vCPUs than `maxvCpus`.
    PassesMaximum(i32),
    /// No instance type holds it: which of them comes nearest, and what it falls short of.
    NoType {
        largest: String,
        offer: Offer,
        short: Vec<&'static str>,
    },
    /// Its types are not known here.
    Unknown,
}

impl Needs {
    /// `None` where nothing says it.
    pub fn of(job: &JobDetail) -> Option<Self> {
        let own = job.container.as_ref().map(|container| {
            let old = (container.vcpus, container.memory);
            asked(&container.resource_requirements, old)
        });
        let task = job.ecs_properties.as_ref().map(|task| {
            let containers = task.task_properties.iter().flat_map(|task| &task.containers);
            containers.fold(Asked::default(), |sum, container| {
                let one = asked(&container.given.resource_requirements, (None, None));
                Asked { cpu: sum.cpu + one.cpu, memory_mib: sum.memory_mib + one.memory_mib, gpus: sum.gpus + one.gpus }
            })
        });
        let nodes = job.node_properties.as_ref().and_then(|nodes| {
            let containers = nodes.node_range_properties.iter().filter_map(|range| range.container.as_ref());
            let sizes = containers.map(|one| asked(&one.resource_requirements, (one.vcpus, one.memory)));
            sizes.max_by_key(|size| (size.cpu, size.memory_mib))
        });
        let is_told = |asked: &Asked| asked.cpu > 0 || asked.memory_mib > 0;
        let told = [nodes, task, own].into_iter().flatten().find(is_told);
        let told = told.map(|Asked { cpu, memory_mib, gpus }| Self { cpu, memory_mib, gpus });
        told.or_else(|| {
            let extra = job.extra.as_ref().filter(|extra| extra.vcpus > 0.0 || extra.memory_mib > 0)?;
            Some(Self { cpu: hundredths(extra.vcpus), memory_mib: extra.memory_mib, gpus: 0 })
        })
    }

    pub fn fits_in(&self, offer: Offer) -> bool {
        self.short_of(offer).is_empty()
    }

    fn short_of(&self, offer: Offer) -> Vec<&'static str> {
        let short = [
            (self.cpu > offer.vcpus * 100, "vCPUs"),
            (self.memory_mib > offer.memory_mib, "memory"),
            (self.gpus > offer.gpus, "GPUs"),
        ];
        short.into_iter().filter_map(|(is, what)| is.then_some(what)).collect()
    }

    /// Whether an environment could hold it, were it empty.
    pub fn fit(&self, environment: &ComputeEnvironment) -> Fit {
        let Some(resources) = &environment.compute_resources else { return self.fit_unmanaged(environment) };
        let maximum = resources.maxv_cpus.unwrap_or(i32::MAX);
        if self.cpu > u64::try_from(maximum).unwrap_or(0) * 100 {
            return Fit::PassesMaximum(maximum);
        }
        let Some(offers) = offers(environment) else { return Fit::Unknown };
        if offers.iter().any(|(_, offer)| self.fits_in(*offer)) {
            return Fit::Fits;
        }
        // The nearest is the one that falls short of the fewest things, and the largest of those.
        let nearest = offers.into_iter().min_by_key(|(_, offer)| {
            let size = (std::cmp::Reverse(offer.vcpus), std::cmp::Reverse(offer.memory_mib));
            (self.short_of(*offer).len(), size)
        });
        match nearest {
            Some((largest, offer)) => Fit::NoType { largest, offer, short: self.short_of(offer) },
            None => Fit::Unknown,
        }
    }

    /// An unmanaged environment has the instances that it has.
    fn fit_unmanaged(&self, environment: &ComputeEnvironment) -> Fit {
        let Some(capacity) = environment.capacity.as_ref().filter(|capacity| !capacity.instances.is_empty()) else {
            return Fit::Unknown;
        };
        let offers = capacity.instances.iter().map(|one| Offer {
            vcpus: hundredths(one.vcpus) / 100,
            memory_mib: one.memory_mib,
            gpus: one.gpus.into(),
        });
        if offers.clone().any(|offer| self.fits_in(offer)) {
            return Fit::Fits;
        }
        let largest = offers.max_by_key(|offer| (offer.vcpus, offer.memory_mib));
        largest.map_or(Fit::Unknown, |offer| Fit::NoType {
            largest: "its largest instance".to_owned(),
            offer,
            short: self.short_of(offer),
        })
    }

    /// Whether an instance that is there has room for it now; `None` where the instances are not known.
    pub fn fits_now(&self, environment: &ComputeEnvironment) -> Option<bool> {
        let instances = &environment.capacity.as_ref()?.instances;
        Some(instances.iter().any(|one| {
            one.state == InstanceState::Active
                && !one.agent_lost
                && self.cpu <= hundredths(one.vcpus - one.vcpus_used)
                && self.memory_mib <= one.memory_mib.saturating_sub(one.memory_mib_used)
                && self.gpus <= u64::from(one.gpus.saturating_sub(one.gpus_used))
        }))
    }

    pub fn vcpus(&self) -> String {
        vcpus(self.cpu)
    }
}

/// The instance types of an environment, as far as they are known; `None` where one is not.
pub fn offers(environment: &ComputeEnvironment) -> Option<Vec<(String, Offer)>> {
    let resources = environment.compute_resources.as_ref()?;
    if resources.kind.starts_with("FARGATE") {
        return Some(vec![("Fargate".to_owned(), FARGATE)]);
    }
    let mut all = Vec::new();
    for entry in &resources.instance_types {
        let types = InstanceType::expand(entry);
        if types.is_empty() {
            return None;
        }
        all.extend(types.into_iter().map(|(name, one)| {
            let live = live_memory(environment, &name);
            let offer =
                Offer { vcpus: one.vcpus.into(), memory_mib: live.unwrap_or(one.memory_mib), gpus: one.gpus.into() };
            (name, offer)
        }));
    }
    (!all.is_empty()).then_some(all)
}

/// What an instance of this type has registered, where one is there.
fn live_memory(environment: &ComputeEnvironment, name: &str) -> Option<u64> {
    let mut instances = environment.capacity.iter().flat_map(|capacity| &capacity.instances);
    instances.find(|one| one.instance_type == name && one.memory_mib > 0).map(|one| one.memory_mib)
}

fn asked(requirements: &[ResourceRequirement], old: (Option<i32>, Option<i32>)) -> Asked {
    crate::triage::shape::asked(requirements, old)
}

pub fn vcpus(hundredths: u64) -> String {
    match hundredths % 100 {
        0 => (hundredths / 100).to_string(),
        part => format!("{}.{part:02}", hundredths / 100).trim_end_matches('0').to_owned(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to an integer saturates")]
pub fn hundredths(vcpus: f64) -> u64 {
    (vcpus * 100.0).round().max(0.0) as u64
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} vCPU, {} MiB", self.vcpus(), self.memory_mib)?;
        if self.gpus > 0 {
            write!(f, ", {} GPU", self.gpus)?;
        }
        Ok(())
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} vCPU, {} MiB", self.vcpus, self.memory_mib)?;
        if self.gpus > 0 {
            write!(f, ", {} GPU", self.gpus)?;
        }
        Ok(())
    }
}
