//! What was spent on: capacity by its price, for queues, environments, shares, definitions and jobs. All of it is an
//! estimate: quantities that were measured, at list prices or one's own.

use super::{Architecture, FargateRates, InstanceId, Millis, Price, PriceSource, Prices, Purchase, Usd};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

const HOUR: u128 = 3_600_000;
/// Parts of an instance's time that [`Used::instance`] counts in.
pub const MICROS: u64 = 1_000;

/// Under which price capacity is billed: one price holds for all of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tariff {
    pub purchase: Purchase,
    pub of: Capacities,
}

/// What kind of capacity it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capacities {
    /// Instances of a type.
    Instance(String),
    Fargate(Architecture),
    /// Its prices stand in no table of ours.
    FargateWindows,
}

/// For people: `m5.large`, `m5.large Spot`, `Fargate`, `Fargate Spot ARM64`.
impl fmt::Display for Tariff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spot = if self.purchase == Purchase::Spot { " Spot" } else { "" };
        match &self.of {
            Capacities::Instance(name) => write!(f, "{name}{spot}"),
            Capacities::Fargate(Architecture::X86) => write!(f, "Fargate{spot}"),
            Capacities::Fargate(Architecture::Arm) => write!(f, "Fargate{spot} ARM64"),
            Capacities::FargateWindows => write!(f, "Fargate{spot} Windows"),
        }
    }
}

/// Why a text is no tariff.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a tariff")]
pub struct NoTariff(String);

impl FromStr for Tariff {
    type Err = NoTariff;

    fn from_str(text: &str) -> Result<Self, NoTariff> {
        let (head, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (purchase, rest) = match rest.strip_prefix("Spot") {
            Some(rest) => (Purchase::Spot, rest.trim_start()),
            None => (Purchase::OnDemand, rest),
        };
        let of = match (head, rest) {
            ("Fargate", "") => Capacities::Fargate(Architecture::X86),
            ("Fargate", "ARM64") => Capacities::Fargate(Architecture::Arm),
            ("Fargate", "Windows") => Capacities::FargateWindows,
            (name, "") => Capacities::Instance(name.to_owned()),
            _ => return Err(NoTariff(text.to_owned())),
        };
        Ok(Self { purchase, of })
    }
}

impl Serialize for Tariff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tariff {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// How much of a tariff was used: whole units, so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Used {
    /// Microseconds of an instance.
    #[serde(skip_serializing_if = "is_zero")]
    pub instance: u64,
    /// Thousandths of a vCPU for a millisecond, of a Fargate task.
    #[serde(skip_serializing_if = "is_zero")]
    pub vcpu: u64,
    /// MiB for a millisecond.
    #[serde(skip_serializing_if = "is_zero")]
    pub memory: u64,
    /// GiB of ephemeral storage above the 20 that are free, for a millisecond.
    #[serde(skip_serializing_if = "is_zero")]
    pub disk: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The part of a job in its instance, in billionths, each by its thousandths of a vCPU and MiB: one vCPU weighs as much as
/// 9 GiB (AWS split cost allocation data).
pub fn part_of_instance(need: (u64, u64), instance: (u64, u64)) -> u32 {
    const WHOLE: u32 = 1_000_000_000;
    let weight = |(vcpus_milli, mib): (u64, u64)| 9 * 1_024 * u128::from(vcpus_milli) + 1_000 * u128::from(mib);
    let parts = (weight(need) * u128::from(WHOLE)).checked_div(weight(instance)).unwrap_or(0);
    u32::try_from(parts).unwrap_or(WHOLE).min(WHOLE)
}

impl Used {
    pub fn add(&mut self, other: Self) {
        self.instance = self.instance.saturating_add(other.instance);
        self.vcpu = self.vcpu.saturating_add(other.vcpu);
        self.memory = self.memory.saturating_add(other.memory);
        self.disk = self.disk.saturating_add(other.disk);
    }

    /// What is left when `other` is taken out.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self {
            instance: self.instance.saturating_sub(other.instance),
            vcpu: self.vcpu.saturating_sub(other.vcpu),
            memory: self.memory.saturating_sub(other.memory),
            disk: self.disk.saturating_sub(other.disk),
        }
    }

    /// Hours of an instance, or of a vCPU of Fargate.
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub fn hours(self) -> f64 {
        (self.instance as f64 + self.vcpu as f64) / (1_000.0 * 3_600_000.0)
    }
}

impl Tariff {
    /// What so much of it costs; `None` where its price is unknown.
    pub fn cost(&self, used: Used, prices: &Prices) -> Option<Usd> {
        match &self.of {
            Capacities::Instance(name) => {
                let price = prices.instance(name, self.purchase)?;
                Some(price.per_hour.times(used.instance.into(), HOUR * u128::from(MICROS)))
            }
            Capacities::Fargate(architecture) => {
                let rates = prices.fargate(*architecture, self.purchase)?.per_hour;
                Some(task_cost(rates, used))
            }
            Capacities::FargateWindows => None,
        }
    }

    /// The day of its price and where that comes from.
    pub fn source(&self, prices: &Prices) -> Option<(chrono::NaiveDate, PriceSource)> {
        fn of<T>(price: &Price<T>) -> (chrono::NaiveDate, PriceSource) {
            (price.as_of, price.source)
        }
        match &self.of {
            Capacities::Instance(name) => prices.instance(name, self.purchase).as_ref().map(of),
            Capacities::Fargate(architecture) => prices.fargate(*architecture, self.purchase).as_ref().map(of),
            Capacities::FargateWindows => None,
        }
    }
}

fn task_cost(rates: FargateRates, used: Used) -> Usd {
    rates.vcpu_hour.times(used.vcpu.into(), HOUR * 1_000)
        + rates.gb_hour.times(used.memory.into(), HOUR * 1_024)
        + rates.disk_gb_hour.times(used.disk.into(), HOUR)
}

/// What to add up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostBy {
    #[default]
    Queue,
    Environment,
    /// Fair shares: `QUEUE/IDENTIFIER`.
    Share,
    Definition,
}

impl CostBy {
    pub const ALL: [Self; 4] = [Self::Queue, Self::Environment, Self::Share, Self::Definition];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Environment => "environment",
            Self::Share => "share",
            Self::Definition => "definition",
        }
    }
}

/// Which costs are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CostQuery {
    pub by: CostBy,
    /// `None`: all that was ever spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
}

/// An estimate of what was spent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CostReport {
    pub by: CostBy,
    /// Always: prices are list prices or one's own, not a bill.
    pub estimate: bool,
    /// Whose prices, with their days.
    pub prices: String,
    /// From when on: the beginning of the hour or of the day (UTC) that `since` falls into. `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Millis>,
    pub to: Millis,
    /// The dearest first.
    pub rows: Vec<CostRow>,
    /// Of all environments: what jobs took, and what nobody did.
    pub total: CostRow,
}

/// What one of them cost.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CostRow {
    pub name: String,
    /// Tries that have ended or run.
    pub attempts: u64,
    /// Hours of instances, by the share of each try in them, and of vCPUs of Fargate.
    pub hours: f64,
    /// What jobs took, where the price is known.
    pub direct: Usd,
    /// Hours of instances that no job took: boot, gaps, scale-down delay, `minvCpus`. Environments only.
    pub idle_hours: f64,
    pub idle: Usd,
    /// What is in none of the sums, as its price is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unpriced: Vec<Unpriced>,
}

/// Hours whose price is unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unpriced {
    pub tariff: Tariff,
    pub hours: f64,
    pub idle_hours: f64,
}

/// An estimate of what a job has cost up to `at`; of an array, all its children.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobCost {
    pub at: Millis,
    pub prices: String,
    /// Where the price is known.
    pub usd: Usd,
    /// What it costs now, while it is placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<Usd>,
    pub hours: f64,
    /// Tries of the job, or of all children.
    pub tries: u64,
    /// Of a job that is no array: one for each try.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptCost>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unpriced: Vec<Unpriced>,
}

/// An estimate of what one try cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptCost {
    /// From 1.
    pub number: u32,
    pub instance: InstanceId,
    /// `None`: it was placed before quantities were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<Tariff>,
    pub from: Millis,
    /// `None`: it holds its place still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Millis>,
    pub hours: f64,
    /// `None`: the price is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<Usd>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tariff_reads_as_it_is_written() {
        for text in ["m5.large", "m5.large Spot", "Fargate", "Fargate ARM64", "Fargate Spot", "Fargate Spot Windows"] {
            assert_eq!(text.parse::<Tariff>().expect(text).to_string(), text);
        }
        assert_eq!("Fargate MIPS".parse::<Tariff>(), Err(NoTariff("Fargate MIPS".into())));
    }

    #[test]
    fn fargate_is_paid_by_vcpu_memory_and_disk_and_windows_has_no_price() {
        let hour = 3_600_000;
        // AWS's example of a task: 1 vCPU and 2 GB for an hour.
        let used = Used { instance: 0, vcpu: 1_000 * hour, memory: 2_048 * hour, disk: 10 * hour };
        let cost = |text: &str| text.parse::<Tariff>().expect("a tariff").cost(used, &Prices::default());
        assert_eq!(cost("Fargate"), Some(Usd::from_micros(40_480 + 8_890 + 1_110)));
        assert_eq!(cost("Fargate ARM64"), Some(Usd::from_micros(32_380 + 7_120 + 1_110)));
        assert_eq!((cost("Fargate Spot"), cost("Fargate Windows")), (None, None));
    }
}
