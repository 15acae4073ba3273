//! The kinds of instances that an environment may launch for a job, and which of them it prefers (AWS Batch user guide,
//! "Allocation strategies").

use super::Engine;
use super::event::Need;
use super::state::Environment;
use crate::model::{Architecture, InstanceType, Prices, Purchase};
use std::cmp::Reverse;

/// The type of the one instance of an UNMANAGED environment: this machine.
const THIS_MACHINE: &str = "this-machine";

/// vCPUs in thousandths and the smallest, largest and step of memory in MiB (AWS Batch user guide, Fargate sizes).
const FARGATE: [(u64, u64, u64, u64); 7] = [
    (250, 512, 2048, 512),
    (500, 1024, 4096, 1024),
    (1000, 2048, 8192, 1024),
    (2000, 4096, 16_384, 1024),
    (4000, 8192, 30_720, 1024),
    (8000, 16_384, 61_440, 4096),
    (16_000, 32_768, 122_880, 8192),
];

/// A kind of instance that may be launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    pub name: String,
    pub vcpus_milli: u64,
    pub memory_mib: u64,
    pub gpus: u32,
}

impl Size {
    fn of(name: &str, found: &InstanceType) -> Self {
        let vcpus_milli = u64::from(found.vcpus) * 1000;
        Self { name: name.to_owned(), vcpus_milli, memory_mib: found.memory_mib, gpus: found.gpus }
    }

    fn holds(&self, need: Need) -> bool {
        self.vcpus_milli >= need.vcpus_milli && self.memory_mib >= need.memory_mib && self.gpus >= need.gpus
    }

    /// How many jobs like this one it holds at once.
    fn jobs(&self, need: Need) -> u64 {
        let of = |has: u64, asked: u64| has.checked_div(asked).unwrap_or(u64::MAX);
        let gpus = of(self.gpus.into(), need.gpus.into());
        of(self.vcpus_milli, need.vcpus_milli).min(of(self.memory_mib, need.memory_mib)).min(gpus)
    }

    /// What a job costs on it, where it gets as many of so many like it as it holds. What has a price goes before what
    /// has none; without, a vCPU counts like eight GiB.
    fn cost(&self, need: Need, count: u64, prices: &Prices, purchase: Purchase) -> (bool, u64) {
        let found = prices.instance(&self.name, purchase).or_else(|| prices.instance(&self.name, Purchase::OnDemand));
        let size = self.vcpus_milli + self.memory_mib / 8;
        let whole = found.map_or(size, |price| price.per_hour.nanos().unsigned_abs());
        (found.is_none(), whole / self.jobs(need).min(count).max(1))
    }
}

/// The smallest Fargate size that holds a job.
fn fargate_size(need: Need) -> Option<Size> {
    FARGATE.iter().find_map(|(milli, least, most, step)| {
        let memory_mib = need.memory_mib.max(*least);
        // 1536 MiB is no size of the quarter vCPU: after 1 GiB comes 2.
        let memory_mib =
            if *milli == 250 { memory_mib.next_power_of_two() } else { memory_mib.next_multiple_of(*step) };
        let fits = need.gpus == 0 && need.vcpus_milli <= *milli && memory_mib <= *most;
        fits.then(|| Size { name: "fargate".to_owned(), vcpus_milli: *milli, memory_mib, gpus: 0 })
    })
}

/// `allocationStrategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    BestFit,
    Progressive,
    /// Spreads over types, so that an interruption of one hits few.
    Deepest,
    /// Progressive, and of what costs the same, spread.
    PriceAndDepth,
}

const STRATEGIES: [(&str, Strategy); 4] = [
    ("BEST_FIT", Strategy::BestFit),
    ("BEST_FIT_PROGRESSIVE", Strategy::Progressive),
    ("SPOT_CAPACITY_OPTIMIZED", Strategy::Deepest),
    ("SPOT_PRICE_CAPACITY_OPTIMIZED", Strategy::PriceAndDepth),
];

impl Environment {
    /// `BEST_FIT` where nothing is said.
    pub fn strategy(&self) -> Strategy {
        let said =
            self.request.compute_resources.as_ref().and_then(|resources| resources.allocation_strategy.as_deref());
        let known = STRATEGIES.iter().find(|(name, _)| Some(*name) == said);
        known.map_or(Strategy::BestFit, |(_, strategy)| *strategy)
    }

    /// Its instances may pass the maximum, by at most one.
    pub fn may_pass_maximum(&self) -> bool {
        !self.is_fargate() && self.strategy() != Strategy::BestFit
    }
}

/// What is to be launched for.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// The job that needs room.
    pub need: Need,
    /// It and what waits behind it, in thousandths of a vCPU and in MiB.
    pub milli: u64,
    pub mib: u64,
    /// What the environment may still have.
    pub open_milli: u64,
}

impl Engine {
    /// The kinds of instances of an environment that hold a job, small to large.
    pub(super) fn sizes(&self, name: &str, environment: &Environment, need: Need) -> Vec<Size> {
        if environment.is_fargate() {
            return fargate_size(need).into_iter().collect();
        }
        if environment.is_unmanaged() {
            return self.whole_machine().filter(|size| size.holds(need)).into_iter().collect();
        }
        let types = self.index.types.get(name).into_iter().flatten();
        types.map(|(name, found)| Size::of(name, found)).filter(|size| size.holds(need)).collect()
    }

    /// That of an environment's instance types; Fargate and this machine take what comes.
    pub(super) fn architecture(&self, name: &str) -> Option<Architecture> {
        self.index.types.get(name)?.first().map(|(_, found)| found.architecture)
    }

    /// This machine as an instance.
    pub(super) fn whole_machine(&self) -> Option<Size> {
        let machine = self.core.settings.machine?;
        Some(Size {
            name: THIS_MACHINE.to_owned(),
            vcpus_milli: machine.vcpus_milli,
            memory_mib: machine.memory_mib,
            gpus: machine.gpus,
        })
    }

    /// What to launch, as large as the backlog asks for, but not above a quarter of the environment: so that the loss of
    /// one instance is not the loss of all, and what is idle can go in parts.
    pub(super) fn choose(&self, name: &str, environment: &Environment, demand: Demand) -> Option<Size> {
        let Demand { need, milli, mib, open_milli } = demand;
        // Asked for at each step while jobs wait for an environment that is as large as it may be.
        if open_milli == 0 {
            return None;
        }
        let (strategy, purchase) = (environment.strategy(), environment.purchase());
        let behind = |all: u64, one: u64| all.checked_div(one).unwrap_or(1).max(1);
        let count = behind(milli, need.vcpus_milli).max(behind(mib, need.memory_mib));
        let cost = |size: &Size| size.cost(need, count, &self.core.settings.prices, purchase);
        let all = self.sizes(name, environment, need);
        let family = |size: &Size| size.name.split('.').next().map(str::to_owned);
        let mut sizes = all.clone();
        if strategy == Strategy::BestFit {
            // It waits for the type that fits best, whatever else there would be room for.
            let best = all
                .iter()
                .filter(|size| size.vcpus_milli <= environment.maximum_milli())
                .min_by_key(|size| cost(size))?;
            sizes.retain(|size| family(size) == family(best));
        }
        sizes.retain(|size| size.vcpus_milli <= open_milli);
        let Some(smallest) = sizes.first().cloned() else {
            return all.into_iter().next().filter(|_| environment.may_pass_maximum());
        };
        let share = environment.maximum_milli() / 4;
        if sizes.iter().any(|size| size.vcpus_milli <= share) {
            sizes.retain(|size| size.vcpus_milli <= share);
        } else {
            sizes.retain(|size| size.vcpus_milli == smallest.vcpus_milli);
        }
        let least = sizes.iter().map(cost).min()?;
        let running = |size: &Size| {
            let same = self.hosts_of(name).filter(|(_, host)| host.instance_type == size.name);
            if matches!(strategy, Strategy::Deepest | Strategy::PriceAndDepth) { same.count() } else { 0 }
        };
        let slack = if strategy == Strategy::Deepest { least.1 / 2 } else { 0 };
        let near = sizes.iter().filter(|size| {
            let (unpriced, whole) = cost(size);
            unpriced == least.0 && whole <= least.1 + slack
        });
        // Of what costs the same, the largest: fewer instances.
        near.min_by_key(|size| (running(size), cost(size), Reverse(size.vcpus_milli))).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fargate_instance_is_the_smallest_size_that_holds_its_job() {
        let cases = [
            (250, 512, Some((250, 512))),
            (250, 1500, Some((250, 2048))),
            (250, 4000, Some((500, 4096))),
            (1000, 100, Some((1000, 2048))),
            (1500, 5000, Some((2000, 5120))),
            (8000, 17_000, Some((8000, 20_480))),
            (16_000, 122_880, Some((16_000, 122_880))),
            (16_001, 512, None),
            (1000, 200_000, None),
        ];
        for (milli, mib, expected) in cases {
            let size = fargate_size(Need { vcpus_milli: milli, memory_mib: mib, gpus: 0 });
            assert_eq!(size.map(|size| (size.vcpus_milli, size.memory_mib)), expected, "{milli} {mib}");
        }
    }
}
