//! What instances and Fargate tasks cost an hour: AWS's list at a date, what AWS told of a region, and prices of one's own
//! in their place.
//!
//! A price that stands in none of these is unknown; there is no guess. Spot has no list price, so a Spot price is one's own or
//! that of EC2's history.

use super::{InstanceType, Usd};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The region of AWS's list prices.
pub const LIST_REGION: &str = "us-east-1";

/// The day of AWS's list prices.
pub fn list_day() -> NaiveDate {
    const DAY: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 7, 20);
    const { DAY.expect("a day of the calendar") }
}

/// US dollars a vCPU-hour in millionths, On-Demand Linux: within these families the price is linear in size
/// (AWS's price list, us-east-1, [`list_day`]).
const PER_VCPU: [(&str, i64); 39] = [
    ("c4", 50_000),
    ("c5", 42_500),
    ("c5a", 38_500),
    ("c5d", 48_000),
    ("c5n", 54_000),
    ("c6a", 38_250),
    ("c6g", 34_000),
    ("c6i", 42_500),
    ("c7a", 51_320),
    ("c7g", 36_250),
    ("c7i", 44_625),
    ("c8g", 39_880),
    ("c8i", 46_855),
    ("i3", 78_000),
    ("i4i", 86_000),
    ("m4", 50_000),
    ("m5", 48_000),
    ("m5a", 43_000),
    ("m5d", 56_500),
    ("m6a", 43_200),
    ("m6g", 38_500),
    ("m6i", 48_000),
    ("m7a", 57_960),
    ("m7g", 40_800),
    ("m7i", 50_400),
    ("m8g", 44_880),
    ("m8i", 52_920),
    ("r4", 66_500),
    ("r5", 63_000),
    ("r5a", 56_500),
    ("r5d", 72_000),
    ("r6a", 56_700),
    ("r6g", 50_400),
    ("r6i", 63_000),
    ("r7a", 76_075),
    ("r7g", 53_550),
    ("r7i", 66_150),
    ("r8g", 58_910),
    ("r8i", 69_460),
];

/// US dollars an hour in millionths, where a family's price is not linear in size. Source as of [`PER_VCPU`].
const PER_TYPE: [(&str, i64); 28] = [
    ("t3.micro", 10_400),
    ("t3.small", 20_800),
    ("t3.medium", 41_600),
    ("t3.large", 83_200),
    ("t3.xlarge", 166_400),
    ("t3.2xlarge", 332_800),
    ("g4dn.xlarge", 526_000),
    ("g4dn.2xlarge", 752_000),
    ("g4dn.4xlarge", 1_204_000),
    ("g4dn.8xlarge", 2_176_000),
    ("g4dn.12xlarge", 3_912_000),
    ("g5.xlarge", 1_006_000),
    ("g5.2xlarge", 1_212_000),
    ("g5.4xlarge", 1_624_000),
    ("g5.8xlarge", 2_448_000),
    ("g5.12xlarge", 5_672_000),
    ("g5.24xlarge", 8_144_000),
    ("g5.48xlarge", 16_288_000),
    ("g6.xlarge", 804_800),
    ("g6.2xlarge", 977_600),
    ("g6.4xlarge", 1_323_200),
    ("g6.12xlarge", 4_601_600),
    ("g6.48xlarge", 13_350_400),
    ("p3.2xlarge", 3_060_000),
    ("p3.8xlarge", 12_240_000),
    ("p3.16xlarge", 24_480_000),
    ("p4d.24xlarge", 21_957_600),
    ("p5.48xlarge", 55_040_000),
];

/// How capacity is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Purchase {
    #[default]
    #[serde(rename = "ON_DEMAND")]
    OnDemand,
    #[serde(rename = "SPOT")]
    Spot,
}

impl Purchase {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnDemand => "On-Demand",
            Self::Spot => "Spot",
        }
    }
}

/// `runtimePlatform.cpuArchitecture`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Architecture {
    #[default]
    #[serde(rename = "X86_64")]
    X86,
    #[serde(rename = "ARM64")]
    Arm,
}

/// Where a price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceSource {
    /// AWS's On-Demand list of [`LIST_REGION`] at [`list_day`].
    AwsList,
    /// `[prices]` in the config.
    Config,
    /// The Price List API, for the region where it runs.
    PriceList,
    /// EC2's history of Spot prices, for the region where it runs.
    SpotHistory,
}

/// What AWS told of the prices of a region, by instance type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegionPrices {
    pub on_demand: BTreeMap<String, ListedPrice>,
    /// The mean of the region's zones.
    pub spot: BTreeMap<String, ListedPrice>,
}

/// A price that AWS told, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedPrice {
    /// An hour.
    pub usd: Usd,
    pub as_of: NaiveDate,
}

impl fmt::Display for PriceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AwsList => write!(f, "AWS's list of {LIST_REGION}"),
            Self::Config => f.write_str("[prices] in the config"),
            Self::PriceList => f.write_str("AWS's Price List API"),
            Self::SpotHistory => f.write_str("EC2's Spot price history"),
        }
    }
}

/// A price with its day and its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price<T = Usd> {
    pub per_hour: T,
    pub as_of: NaiveDate,
    pub source: PriceSource,
}

/// What a Fargate task costs an hour, by the size that it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FargateRates {
    pub vcpu_hour: Usd,
    /// For each GiB.
    pub gb_hour: Usd,
    /// For each GiB of ephemeral storage above the 20 that are free.
    #[serde(default = "list_disk_gb_hour")]
    pub disk_gb_hour: Usd,
}

fn list_disk_gb_hour() -> Usd {
    Usd::from_micros(111)
}

/// AWS's list, and over it the prices of one's own: `[prices]` in the config.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Prices {
    own: Option<Own>,
    /// What AWS told of the region where it runs. It is no part of the config.
    told: RegionPrices,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Own {
    as_of: NaiveDate,
    on_demand: BTreeMap<String, Usd>,
    spot: BTreeMap<String, Usd>,
    fargate: OwnFargate,
}

/// The form of `[prices]`. In `on-demand` and `spot` a name with a dot is an instance type, and its price one of an
/// hour; a name without is a family, and its price one of a vCPU-hour.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<NaiveDate>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    on_demand: BTreeMap<String, Usd>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    spot: BTreeMap<String, Usd>,
    #[serde(skip_serializing_if = "OwnFargate::is_empty")]
    fargate: OwnFargate,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
struct OwnFargate {
    #[serde(skip_serializing_if = "Option::is_none")]
    x86: Option<FargateRates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arm: Option<FargateRates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x86_spot: Option<FargateRates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arm_spot: Option<FargateRates>,
}

impl OwnFargate {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a table of prices cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[prices] needs the day from which they hold, as `as-of = \"2026-07-20\"`")]
pub struct NoDay;

impl TryFrom<Written> for Prices {
    type Error = NoDay;

    fn try_from(written: Written) -> Result<Self, NoDay> {
        if written == Written::default() {
            return Ok(Self::default());
        }
        let Written { as_of, on_demand, spot, fargate } = written;
        Ok(Self {
            own: Some(Own { as_of: as_of.ok_or(NoDay)?, on_demand, spot, fargate }),
            told: RegionPrices::default(),
        })
    }
}

impl From<Prices> for Written {
    fn from(prices: Prices) -> Self {
        prices.own.map_or_else(Self::default, |Own { as_of, on_demand, spot, fargate }| Self {
            as_of: Some(as_of),
            on_demand,
            spot,
            fargate,
        })
    }
}

impl Prices {
    /// With what AWS told of a region, under the prices of one's own.
    #[must_use]
    pub fn of_region(self, told: RegionPrices) -> Self {
        Self { told, ..self }
    }

    /// What AWS told of the region.
    pub fn told(&self) -> &RegionPrices {
        &self.told
    }

    /// Whether the price of a type is one's own.
    pub fn is_own(&self, instance_type: &str, purchase: Purchase) -> bool {
        self.instance(instance_type, purchase).is_some_and(|price| price.source == PriceSource::Config)
    }

    /// What an instance of a type costs an hour; `None` where its price is unknown.
    pub fn instance(&self, instance_type: &str, purchase: Purchase) -> Option<Price> {
        let own = self.own.as_ref().and_then(|own| {
            let table = match purchase {
                Purchase::OnDemand => &own.on_demand,
                Purchase::Spot => &own.spot,
            };
            let per_hour = find(instance_type, |name| table.get(name).copied())?;
            Some(Price { per_hour, as_of: own.as_of, source: PriceSource::Config })
        });
        let listed = || {
            let per_hour = find(instance_type, |name| {
                let list: &[(&str, i64)] = if name == instance_type { &PER_TYPE } else { &PER_VCPU };
                let (_, micros) = list.iter().find(|(known, _)| *known == name)?;
                Some(Usd::from_micros(*micros))
            })?;
            Some(Price { per_hour, as_of: list_day(), source: PriceSource::AwsList })
        };
        let told = || {
            let (table, source) = match purchase {
                Purchase::OnDemand => (&self.told.on_demand, PriceSource::PriceList),
                Purchase::Spot => (&self.told.spot, PriceSource::SpotHistory),
            };
            let ListedPrice { usd, as_of } = *table.get(instance_type)?;
            Some(Price { per_hour: usd, as_of, source })
        };
        own.or_else(told).or_else(|| if purchase == Purchase::OnDemand { listed() } else { None })
    }

    /// What Fargate costs an hour; `None` where that is unknown.
    pub fn fargate(&self, architecture: Architecture, purchase: Purchase) -> Option<Price<FargateRates>> {
        let own = self.own.as_ref().and_then(|own| {
            let rates = match (architecture, purchase) {
                (Architecture::X86, Purchase::OnDemand) => own.fargate.x86,
                (Architecture::Arm, Purchase::OnDemand) => own.fargate.arm,
                (Architecture::X86, Purchase::Spot) => own.fargate.x86_spot,
                (Architecture::Arm, Purchase::Spot) => own.fargate.arm_spot,
            };
            Some(Price { per_hour: rates?, as_of: own.as_of, source: PriceSource::Config })
        });
        let (vcpu, gb) = match architecture {
            Architecture::X86 => (40_480, 4_445),
            Architecture::Arm => (32_380, 3_560),
        };
        let listed = || {
            let per_hour = FargateRates {
                vcpu_hour: Usd::from_micros(vcpu),
                gb_hour: Usd::from_micros(gb),
                disk_gb_hour: list_disk_gb_hour(),
            };
            Price { per_hour, as_of: list_day(), source: PriceSource::AwsList }
        };
        own.or_else(|| (purchase == Purchase::OnDemand).then(listed))
    }

    /// In words, for what is worked out from these prices.
    pub fn label(&self) -> String {
        let list = format!("AWS's On-Demand list of {LIST_REGION}, {}", list_day());
        match &self.own {
            Some(own) => format!("[prices] in the config, {}, and else {list}", own.as_of),
            None => list,
        }
    }
}

/// The price of a type by its own name, or by its family's for each vCPU.
fn find(instance_type: &str, price: impl Fn(&str) -> Option<Usd>) -> Option<Usd> {
    price(instance_type).or_else(|| {
        let (family, _) = instance_type.split_once('.')?;
        let per_vcpu = price(family)?;
        Some(per_vcpu.times(InstanceType::named(instance_type)?.vcpus.into(), 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(instance_type: &str) -> Option<i64> {
        Prices::default().instance(instance_type, Purchase::OnDemand).map(|price| price.per_hour.nanos() / 1_000)
    }

    #[test]
    fn the_list_knows_the_linear_families_and_the_others_by_name() {
        let cases = [
            ("m5.large", Some(96_000)),
            ("c6a.48xlarge", Some(7_344_000)),
            ("r7a.2xlarge", Some(608_600)),
            ("t3.micro", Some(10_400)),
            ("g5.12xlarge", Some(5_672_000)),
            ("zz9.large", None),
            ("m5.enormous", None),
            ("m5", None),
            ("", None),
        ];
        for (instance_type, micros) in cases {
            assert_eq!(listed(instance_type), micros, "{instance_type}");
        }
    }

    #[test]
    fn spot_has_no_price_but_ones_own() {
        let prices = Prices::default();
        assert_eq!(prices.instance("m5.large", Purchase::Spot), None);
        assert_eq!(prices.fargate(Architecture::X86, Purchase::Spot), None);
        let arm = prices.fargate(Architecture::Arm, Purchase::OnDemand).expect("listed");
        assert_eq!(arm.per_hour.vcpu_hour, Usd::from_micros(32_380));
    }

    #[test]
    fn a_type_of_ones_own_goes_before_its_family_and_both_before_the_list() {
        let prices: Prices = toml::from_str(
            "as-of = '2026-11-01'\n\
             on-demand = { m5 = 0.04, 'm5.xlarge' = 0.1 }\n\
             spot = { m5 = 0.015 }\n\
             fargate.x86-spot = { vcpu-hour = 0.0125, gb-hour = 0.0014 }",
        )
        .expect("valid");
        let of = |name: &str, purchase| {
            prices.instance(name, purchase).map(|price| (price.per_hour.nanos() / 1_000, price.as_of.to_string()))
        };
        let own = |micros| Some((micros, "2026-11-01".to_owned()));
        assert_eq!(of("m5.large", Purchase::OnDemand), own(80_000));
        assert_eq!(of("m5.xlarge", Purchase::OnDemand), own(100_000));
        assert_eq!(of("m5.xlarge", Purchase::Spot), own(60_000));
        assert_eq!(of("c5.large", Purchase::OnDemand), Some((85_000, "2026-07-20".to_owned())));
        assert_eq!(of("c5.large", Purchase::Spot), None);
        let spot = prices.fargate(Architecture::X86, Purchase::Spot).expect("given");
        assert_eq!((spot.per_hour.disk_gb_hour, spot.source), (Usd::from_micros(111), PriceSource::Config));
        let again = serde_json::to_string(&prices).expect("writes");
        assert_eq!(serde_json::from_str::<Prices>(&again).expect("reads"), prices);
    }

    #[test]
    fn prices_of_ones_own_carry_their_day() {
        let refusal = toml::from_str::<Prices>("spot = { m5 = 0.015 }").expect_err("no day").to_string();
        assert!(refusal.contains("as-of"), "{refusal}");
        assert_eq!(toml::from_str::<Prices>("").expect("none"), Prices::default());
        assert!(toml::from_str::<Prices>("as-of = '2026-11-01'\nspot = { m5 = -1 }").is_err());
    }
}
