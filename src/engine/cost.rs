//! What jobs and environments cost: entries into the ledger as things end, and prices on it when somebody asks.

use super::Engine;
use super::job::{Attempt, Job, Key, Root};
use super::ledger::{Accounts, Amount, Amounts, Bill, Portion, Series, enter_live, enter_live_instance};
use super::state::{Environment, Host};
use crate::engine::event::Need;
use crate::model::{
    Architecture, AttemptCost, Capacities, CostBy, CostQuery, CostReport, CostRow, EcsTaskProperties, InstanceId,
    JobCost, JobDefinition, JobId, Millis, Prices, Purchase, Tariff, Unpriced, Usd, Used,
};
use std::collections::BTreeMap;

/// GiB of ephemeral storage that a Fargate task has for nothing (AWS Fargate pricing).
const FREE_DISK: u64 = 20;

impl Engine {
    /// An estimate of what a job has cost so far.
    pub fn job_cost(&self, id: &JobId, now: Millis) -> Option<JobCost> {
        Some(self.cost_of(self.find(id)?.0, now))
    }

    /// What the job takes of what is paid for, on this instance.
    pub(super) fn bill(&self, key: Key, instance: &InstanceId) -> Option<Bill> {
        let root = self.core.jobs.get(&key.number)?;
        let host = self.core.instances.get(instance)?;
        let environment = self.core.environments.get(&host.environment)?;
        let definition = self.core.definition(&root.spec.definition, root.spec.revision);
        let purchase = environment.purchase();
        if environment.is_fargate() {
            let of = definition.map_or(Capacities::Fargate(Architecture::default()), fargate_of);
            let disk = definition.map_or(0, extra_disk);
            let portion = Portion::Task(host.vcpus_milli, host.memory_mib, disk);
            return Some(Bill { tariff: Tariff { purchase, of }, portion });
        }
        let whole = Need { vcpus_milli: host.vcpus_milli, memory_mib: host.memory_mib, ..Need::default() };
        // A node has its instance for itself.
        let need = if root.is_node(key.slot) { whole } else { root.spec.need };
        Some(Bill { tariff: host.tariff(purchase), portion: Portion::of(need, whole) })
    }

    /// An attempt leaves its place: into the accounts with it.
    pub(super) fn enter_attempt(&mut self, key: Key, to: Millis) {
        let Some(root) = self.core.jobs.get(&key.number) else { return };
        let Some(attempt) = root.get(key.slot).and_then(Job::live) else { return };
        if let Some(bill) = &attempt.bill {
            self.core.ledger.attempt(accounts(root, attempt), bill, attempt.placed_at, to);
        }
    }

    /// An instance is gone. Fargate is paid by its tasks.
    pub(super) fn enter_instance(&mut self, host: &Host, to: Millis) {
        let Some(environment) = self.core.environments.get(&host.environment) else { return };
        if !environment.is_fargate() {
            let tariff = host.tariff(environment.purchase());
            self.core.ledger.instance(&host.environment, &tariff, host.launched_at, to);
        }
    }

    /// What an environment's instances, or its Fargate tasks, cost an hour now; `None` where a price is unknown.
    pub(super) fn hourly(&self, name: &str, environment: &Environment) -> Option<Usd> {
        let prices = &self.core.settings.prices;
        let mut sum = Usd::ZERO;
        for (_, host) in self.hosts_of(name) {
            if !environment.is_fargate() {
                sum += prices.instance(&host.instance_type, environment.purchase())?.per_hour;
                continue;
            }
            for bill in host.placed.iter().filter_map(|key| self.job(*key)?.live()?.bill.as_ref()) {
                sum += bill.tariff.cost(bill.hourly(), prices)?;
            }
        }
        Some(sum)
    }

    /// An estimate of what was spent, at the prices of the settings.
    pub fn costs(&self, query: CostQuery, now: Millis) -> CostReport {
        let prices = &self.core.settings.prices;
        let (accounts, from) = self.amounts(query.by, query.since, now);
        let mut rows: Vec<CostRow> = accounts
            .into_iter()
            .map(|(name, amounts)| row(name, &amounts, prices))
            .filter(CostRow::is_something)
            .collect();
        rows.sort_by(|a, b| (b.direct + b.idle, &a.name).cmp(&(a.direct + a.idle, &b.name)));
        let (environments, _) = self.amounts(CostBy::Environment, query.since, now);
        let mut all = Amounts::new();
        for (tariff, amount) in environments.into_values().flatten() {
            all.entry(tariff).or_default().add(amount);
        }
        CostReport {
            by: query.by,
            estimate: true,
            prices: prices.label(),
            from,
            to: now,
            rows,
            total: row(String::new(), &all, prices),
        }
    }

    /// What has ended and what is live, by account, since a time; and since when that is.
    pub(super) fn amounts(
        &self,
        by: CostBy,
        since: Option<Millis>,
        now: Millis,
    ) -> (BTreeMap<String, Amounts>, Option<Millis>) {
        let mut from = since;
        let mut sums: BTreeMap<String, Amounts> = BTreeMap::new();
        for (series, name) in self.core.ledger.accounts(by).iter().map(|(name, series)| (series, name)) {
            let (amounts, its) = series.since(since);
            from = from.zip(its).map(|(from, its)| from.min(its));
            sums.insert(name.clone(), amounts);
        }
        for (name, series) in self.live(by, now) {
            let sum = sums.entry(name).or_default();
            for (tariff, amount) in series.since(since).0 {
                sum.entry(tariff).or_default().add(amount);
            }
        }
        (sums, from)
    }

    /// What attempts and instances that have not ended have taken so far.
    fn live(&self, by: CostBy, now: Millis) -> BTreeMap<String, Series> {
        let mut live: BTreeMap<String, Series> = BTreeMap::new();
        for host in self.core.instances.values() {
            let Some(environment) = self.core.environments.get(&host.environment) else { continue };
            if by == CostBy::Environment && !environment.is_fargate() {
                let series = live.entry(host.environment.clone()).or_default();
                enter_live_instance(series, &host.tariff(environment.purchase()), host.launched_at, now);
            }
            for key in &host.placed {
                let Some(root) = self.core.jobs.get(&key.number) else { continue };
                let Some(attempt) = root.get(key.slot).and_then(Job::live) else { continue };
                if let (Some(bill), Some(name)) = (&attempt.bill, accounts(root, attempt).of(by)) {
                    enter_live(live.entry(name.into_owned()).or_default(), bill, attempt.placed_at, now);
                }
            }
        }
        live
    }

    fn cost_of(&self, key: Key, now: Millis) -> JobCost {
        let prices = &self.core.settings.prices;
        let mut cost = JobCost { at: now, prices: prices.label(), ..JobCost::default() };
        let Some(root) = self.core.jobs.get(&key.number) else { return cost };
        let is_parent = key.slot == 0 && (root.array.is_some() || root.nodes.is_some());
        let slots = if key.slot == 0 { root.runners() } else { key.slot..=key.slot };
        let mut amounts = Amounts::new();
        for job in slots.filter_map(|slot| root.get(slot)) {
            for (attempt, number) in job.attempts.iter().zip(1..) {
                cost.tries += 1;
                let to = attempt.end.as_ref().map(|end| end.at);
                let used = attempt.bill.as_ref().map(|bill| bill.used(attempt.placed_at, to.unwrap_or(now)));
                if let (Some(bill), Some(used)) = (&attempt.bill, used) {
                    amounts.entry(bill.tariff.clone()).or_default().add(Amount { direct: used, ..Amount::default() });
                    if let (None, Some(hourly)) = (to, bill.tariff.cost(bill.hourly(), prices)) {
                        cost.usd_per_hour = Some(cost.usd_per_hour.unwrap_or_default() + hourly);
                    }
                }
                if !is_parent {
                    cost.attempts.push(AttemptCost {
                        number,
                        instance: attempt.instance.clone(),
                        tariff: attempt.bill.as_ref().map(|bill| bill.tariff.clone()),
                        from: attempt.placed_at,
                        to,
                        hours: used.unwrap_or_default().hours(),
                        usd: attempt.bill.as_ref().zip(used).and_then(|(bill, used)| bill.tariff.cost(used, prices)),
                    });
                }
            }
        }
        let sum = row(String::new(), &amounts, prices);
        JobCost { usd: sum.direct, hours: sum.hours, unpriced: sum.unpriced, ..cost }
    }
}

impl Environment {
    /// How its capacity is bought.
    pub fn purchase(&self) -> Purchase {
        match self.kind() {
            "SPOT" | "FARGATE_SPOT" => Purchase::Spot,
            _ => Purchase::OnDemand,
        }
    }
}

impl Host {
    fn tariff(&self, purchase: Purchase) -> Tariff {
        Tariff { purchase, of: Capacities::Instance(self.instance_type.clone()) }
    }
}

fn accounts<'a>(root: &'a Root, attempt: &'a Attempt) -> Accounts<'a> {
    Accounts {
        queue: &root.spec.queue,
        environment: &attempt.environment,
        share: root.spec.share.as_deref(),
        definition: &root.spec.definition,
    }
}

/// `runtimePlatform` of the definition: `X86_64` and LINUX where it says nothing.
fn fargate_of(definition: &JobDefinition) -> Capacities {
    let alone = definition.container_properties.as_ref().and_then(|found| found.runtime_platform.as_ref());
    let platform = alone.or_else(|| task_of(definition)?.settings.runtime_platform.as_ref());
    let system = platform.and_then(|platform| platform.operating_system_family.as_deref()).unwrap_or_default();
    if system.starts_with("WINDOWS") {
        return Capacities::FargateWindows;
    }
    match platform.and_then(|platform| platform.cpu_architecture.as_deref()) {
        Some("ARM64") => Capacities::Fargate(Architecture::Arm),
        _ => Capacities::Fargate(Architecture::X86),
    }
}

/// GiB of `ephemeralStorage` that are paid for.
fn extra_disk(definition: &JobDefinition) -> u64 {
    let alone = definition.container_properties.as_ref().and_then(|found| found.ephemeral_storage.as_ref());
    let storage = alone.or_else(|| task_of(definition)?.settings.ephemeral_storage.as_ref());
    storage.and_then(|storage| u64::try_from(storage.size_in_gib).ok()).unwrap_or(0).saturating_sub(FREE_DISK)
}

/// The task of a definition with several containers.
fn task_of(definition: &JobDefinition) -> Option<&EcsTaskProperties> {
    definition.ecs_properties.as_ref()?.task_properties.first()
}

/// Puts prices on amounts.
fn row(name: String, amounts: &Amounts, prices: &Prices) -> CostRow {
    let mut row = CostRow { name, ..CostRow::default() };
    for (tariff, amount) in amounts {
        let idle = amount.billed.without(amount.direct);
        row.attempts += amount.attempts;
        row.hours += amount.direct.hours();
        row.idle_hours += idle.hours();
        let cost = |used: Used| tariff.cost(used, prices);
        match (cost(amount.direct), cost(idle)) {
            (Some(direct), Some(idle)) => {
                row.direct += direct;
                row.idle += idle;
            }
            _ => row.unpriced.push(Unpriced {
                tariff: tariff.clone(),
                hours: amount.direct.hours(),
                idle_hours: idle.hours(),
            }),
        }
    }
    row
}

impl CostRow {
    fn is_something(&self) -> bool {
        self.attempts > 0 || self.hours > 0.0 || self.idle_hours > 0.0
    }
}
