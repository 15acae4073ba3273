//! What instances cost an hour in this region: On-Demand by AWS's Price List API, Spot by EC2's history of Spot prices, both
//! kept in a file with the day of each price. Where they may not be asked, or know nothing, the table of this program stands,
//! and has no price for Spot.
//!
//! Sources: AWS Price List API, `GetProducts` of `AmazonEC2`; Amazon EC2 API, `DescribeSpotPriceHistory`.

use super::budget::Caller;
use super::query::Element;
use super::service::Service;
use crate::backend::BackendError;
use crate::config::directories::{make_private, replace_private};
use crate::model::{Capacities, ListedPrice, PriceSource, Prices, Purchase, RegionPrices, Tariff, Usd};
use aws_sdk_pricing::types::{Filter, FilterType};
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// A price of the list is read anew when it is older; one of Spot each day.
const DAYS: i64 = 30;
/// What may not be asked, or does not answer, is asked again after this.
const REST: TimeDelta = TimeDelta::hours(1);

/// How long a price may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The prices of a region as they are known.
#[derive(Debug)]
pub struct PriceBook {
    region: String,
    /// Where they are kept over restarts.
    file: Option<PathBuf>,
    prices: Prices,
    /// What was asked for by this process, and on which day.
    asked: BTreeMap<(Purchase, String), NaiveDate>,
    /// What may not be asked, or does not answer: why, and since when.
    closed: BTreeMap<Purchase, (String, DateTime<Utc>)>,
}

impl PriceBook {
    /// With what a file has kept; one that cannot be read is as none.
    pub fn open(prices: Prices, region: &str, file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        let told: RegionPrices = serde_json::from_str(&text).unwrap_or_default();
        let prices = prices.of_region(told);
        Self { region: region.to_owned(), file, prices, asked: BTreeMap::new(), closed: BTreeMap::new() }
    }

    pub fn prices(&self) -> &Prices {
        &self.prices
    }

    /// Whose prices those of some capacity are and of which day, the oldest of each; and why no better ones are known.
    pub fn words<'t>(&self, tariffs: impl IntoIterator<Item = &'t Tariff>) -> String {
        let mut sources: BTreeMap<PriceSource, NaiveDate> = BTreeMap::new();
        let mut lacks = BTreeSet::new();
        for tariff in tariffs {
            let source = tariff.source(&self.prices);
            if let Some((day, source)) = source {
                let oldest = sources.entry(source).or_insert(day);
                *oldest = day.min(*oldest);
            }
            let is_told = source.is_some_and(|(_, source)| source != PriceSource::AwsList);
            if !is_told && matches!(tariff.of, Capacities::Instance(_)) {
                lacks.extend(self.closed.get(&tariff.purchase).map(|(why, _)| why.clone()));
            }
        }
        let sources = sources.into_iter().map(|(source, day)| format!("{source}, {day}"));
        sources.chain(lacks).collect::<Vec<_>>().join("; ")
    }

    /// The next of these that is to be asked for.
    fn wanted(
        &self,
        tariffs: &BTreeSet<Tariff>,
        can_ask: impl Fn(Purchase) -> bool,
        now: DateTime<Utc>,
    ) -> Option<(Purchase, String)> {
        let today = now.date_naive();
        let is_open = |purchase| self.closed.get(&purchase).is_none_or(|(_, since)| now - *since > REST);
        tariffs.iter().find_map(|tariff| {
            let Capacities::Instance(name) = &tariff.of else { return None };
            let (key, purchase) = ((tariff.purchase, name.clone()), tariff.purchase);
            let told = self.prices.told();
            let (table, days) = match purchase {
                Purchase::OnDemand => (&told.on_demand, DAYS),
                Purchase::Spot => (&told.spot, 0),
            };
            let is_fresh = table.get(name).is_some_and(|price| (today - price.as_of).num_days() <= days);
            let is_asked = self.asked.get(&key) == Some(&today);
            let is_settled = is_fresh || is_asked || self.prices.is_own(name, purchase);
            (name.contains('.') && !is_settled && can_ask(purchase) && is_open(purchase)).then_some(key)
        })
    }

    /// Takes an answer in, and says what the file is to hold.
    fn learn(
        &mut self,
        (purchase, name): (Purchase, String),
        told: Result<Option<Usd>, String>,
        now: DateTime<Utc>,
    ) -> Option<(PathBuf, String)> {
        let usd = match told {
            Ok(usd) => usd,
            Err(why) => {
                self.closed.insert(purchase, (why, now));
                return None;
            }
        };
        self.closed.remove(&purchase);
        self.asked.insert((purchase, name.clone()), now.date_naive());
        let mut prices = self.prices.told().clone();
        let table = match purchase {
            Purchase::OnDemand => &mut prices.on_demand,
            Purchase::Spot => &mut prices.spot,
        };
        table.insert(name, ListedPrice { usd: usd?, as_of: now.date_naive() });
        let text = serde_json::to_string_pretty(&prices).ok()?;
        self.prices = std::mem::take(&mut self.prices).of_region(prices);
        Some((self.file.clone()?, text))
    }
}

impl Service {
    /// Asks for the prices of all capacity that was seen and has none of today. What keeps them from being read is no error
    /// to those who look at instances: the table of this program stands, and says so.
    pub async fn learn_prices(&self, caller: Caller) {
        loop {
            let now = Utc::now();
            let can_ask = |purchase| match purchase {
                Purchase::OnDemand => self.pricing.is_some(),
                Purchase::Spot => self.ec2.is_some(),
            };
            let wanted = {
                let memory = self.memory();
                memory.book.wanted(memory.fleet.tariffs(), can_ask, now)
            };
            let Some(wanted) = wanted else { return };
            let asked = async {
                match wanted.0 {
                    Purchase::OnDemand => self.listed_price(caller, &wanted.1).await,
                    Purchase::Spot => self.spot_price(caller, &wanted.1, now).await,
                }
            };
            // A network may lead to Batch and not there: what waits for prices goes on without them.
            let told = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
                let seconds = PATIENCE.as_secs();
                let source = if wanted.0 == Purchase::Spot { PriceSource::SpotHistory } else { PriceSource::PriceList };
                Err(BackendError::Unreachable {
                    endpoint: source.to_string(),
                    cause: format!("no answer within {seconds} s"),
                    hint: "It is asked again in an hour",
                })
            });
            // It passes: another time.
            if matches!(told, Err(BackendError::Throttled { .. })) {
                return;
            }
            let kept = self.memory().book.learn(wanted, told.map_err(|error| briefly(&error)), now);
            if let Some((file, text)) = kept {
                keep(file, text).await;
            }
        }
    }

    async fn listed_price(&self, caller: Caller, name: &str) -> Result<Option<Usd>, BackendError> {
        let Some(pricing) = &self.pricing else { return Ok(None) };
        let filters = filters(name, &self.memory().book.region);
        let call = pricing.get_products().service_code("AmazonEC2").set_filters(Some(filters)).max_results(10);
        let answer = self.call(caller, "GetProducts", || call.clone().send()).await?;
        Ok(answer.price_list.unwrap_or_default().iter().find_map(|document| price_of(document)))
    }

    /// A history from now on is the price of now in each zone.
    async fn spot_price(&self, caller: Caller, name: &str, now: DateTime<Utc>) -> Result<Option<Usd>, BackendError> {
        const OPERATION: &str = "DescribeSpotPriceHistory";
        let Some(ec2) = &self.ec2 else { return Ok(None) };
        let from = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let fields = [
            ("InstanceType.1", name),
            ("ProductDescription.1", "Linux/UNIX"),
            ("StartTime", &from),
            ("MaxResults", "100"),
        ];
        let answer = self.call(caller, OPERATION, || ec2.send(OPERATION, &fields)).await?;
        let document = Element::parse(&answer)
            .ok_or_else(|| BackendError::Malformed { operation: OPERATION, cause: "it is no XML".to_owned() })?;
        Ok(mean_of_zones(&document))
    }
}

/// An error for a place with little room: of a permission that is missing, its name.
pub fn briefly(error: &BackendError) -> String {
    let told = error.to_string();
    match told.split_once(" is missing: ") {
        Some((permission, _)) if told.starts_with("the permission ") => format!("{permission} is missing"),
        _ => told,
    }
}

/// A file that cannot be written is asked for again next time.
async fn keep(file: PathBuf, text: String) {
    let write = tokio::task::spawn_blocking(move || {
        if let Some(directory) = file.parent() {
            make_private(directory)?;
        }
        replace_private(&file, text.as_bytes())
    });
    if let Ok(Err(error)) = write.await {
        tracing::warn!(%error, "prices could not be kept");
    }
}

/// Linux, shared, On-Demand, without anything on it: one product.
fn filters(instance_type: &str, region: &str) -> Vec<Filter> {
    let fields = [
        ("instanceType", instance_type),
        ("regionCode", region),
        ("operatingSystem", "Linux"),
        ("tenancy", "Shared"),
        ("preInstalledSw", "NA"),
        ("capacitystatus", "Used"),
    ];
    let filter = |(field, value): (&str, &str)| {
        Filter::builder().r#type(FilterType::TermMatch).field(field).value(value).build().ok()
    };
    fields.into_iter().filter_map(filter).collect()
}

/// The On-Demand price of an hour in a product's document.
fn price_of(document: &str) -> Option<Usd> {
    let document: Value = serde_json::from_str(document).ok()?;
    let terms = document["terms"]["OnDemand"].as_object()?.values();
    let dimensions = terms.filter_map(|term| term["priceDimensions"].as_object()).flat_map(|all| all.values());
    let hourly = dimensions.filter(|dimension| dimension["unit"] == "Hrs");
    let mut prices = hourly.filter_map(|dimension| dimension["pricePerUnit"]["USD"].as_str()?.parse::<Usd>().ok());
    prices.find(|usd| *usd > Usd::ZERO)
}

/// The mean over the zones of the newest price of each: which zone an instance is in, its price does not ask here.
fn mean_of_zones(document: &Element) -> Option<Usd> {
    let mut newest: BTreeMap<&str, (&str, Usd)> = BTreeMap::new();
    for item in document.list("spotPriceHistorySet") {
        let Ok(usd) = item.field("spotPrice").parse::<Usd>() else { continue };
        let at = item.field("timestamp");
        let known = newest.entry(item.field("availabilityZone")).or_insert((at, usd));
        if at > known.0 {
            *known = (at, usd);
        }
    }
    let count = u128::try_from(newest.len()).ok().filter(|count| *count > 0)?;
    let sum = newest.into_values().fold(Usd::ZERO, |sum, (_, usd)| sum + usd);
    Some(sum.times(1, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("{text}T03:00:00Z").parse().expect("a time")
    }

    fn tariffs(texts: &[&str]) -> BTreeSet<Tariff> {
        texts.iter().map(|text| text.parse().expect("a tariff")).collect()
    }

    fn any(_: Purchase) -> bool {
        true
    }

    #[test]
    fn a_product_s_document_tells_the_price_of_an_hour() {
        let document = |unit: &str, usd: &str| {
            format!(
                r#"{{"product": {{"attributes": {{"instanceType": "m5.xlarge"}}}}, "terms": {{"OnDemand": {{"A.B": {{
                   "priceDimensions": {{"A.B.C": {{"unit": "{unit}", "pricePerUnit": {{"USD": "{usd}"}}}}}}}}}}}}}}"#
            )
        };
        assert_eq!(price_of(&document("Hrs", "0.2140000000")), Some(Usd::from_micros(214_000)));
        assert_eq!(price_of(&document("Hrs", "0.0000000000")), None, "a reservation's");
        assert_eq!(price_of(&document("Quantity", "9")), None);
        assert_eq!(price_of("{}"), None);
        assert_eq!(price_of("<html>"), None);
    }

    #[test]
    fn a_spot_price_is_the_mean_of_what_each_zone_asks_now() {
        let item = |zone: &str, at: &str, usd: &str| {
            format!(
                "<item><availabilityZone>{zone}</availabilityZone><timestamp>{at}</timestamp>\
                 <spotPrice>{usd}</spotPrice></item>"
            )
        };
        let items = [
            item("eu-west-1a", "2026-11-29T01:00:00.000Z", "0.060000"),
            item("eu-west-1a", "2026-11-29T02:00:00.000Z", "0.080000"),
            item("eu-west-1b", "2026-11-29T02:00:00.000Z", "0.040000"),
            item("eu-west-1c", "2026-11-29T02:00:00.000Z", "dear"),
        ];
        let read = |items: &str| {
            let text = format!("<R><spotPriceHistorySet>{items}</spotPriceHistorySet><nextToken/></R>");
            mean_of_zones(&Element::parse(&text).expect("is XML"))
        };
        assert_eq!(read(&items.concat()), Some(Usd::from_micros(60_000)));
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_type_is_asked_for_once_and_again_when_its_price_is_old() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("prices-eu-west-1.json");
        let mut book = PriceBook::open(Prices::default(), "eu-west-1", Some(file.clone()));
        let seen = tariffs(&["m5.xlarge", "m5.xlarge Spot", "-", "Fargate"]);
        let now = at("2026-11-28");
        let list = (Purchase::OnDemand, "m5.xlarge".to_owned());
        let spot = (Purchase::Spot, "m5.xlarge".to_owned());
        assert_eq!(book.wanted(&seen, any, now), Some(list.clone()));
        assert_eq!(book.wanted(&seen, |purchase| purchase == Purchase::Spot, now), Some(spot.clone()));
        let before = book.prices().instance("m5.xlarge", Purchase::OnDemand).expect("by the table").per_hour;
        let (path, text) = book.learn(list.clone(), Ok(Some(Usd::from_micros(214_000))), now).expect("is kept");
        assert_eq!(path, file);
        std::fs::write(&path, text).expect("written");
        let told = book.prices().instance("m5.xlarge", Purchase::OnDemand).expect("by the list");
        assert_eq!((before, told.per_hour), (Usd::from_micros(192_000), Usd::from_micros(214_000)));
        assert_eq!(book.words(&tariffs(&["m5.xlarge"])), "AWS's Price List API, 2026-11-28");
        assert_eq!(book.wanted(&seen, any, now), Some(spot.clone()));
        assert_eq!(book.learn(spot.clone(), Ok(None), now), None, "nothing is known of it");
        assert_eq!(book.wanted(&seen, any, now), None, "it is not asked for twice a day");
        assert_eq!(book.wanted(&seen, any, at("2026-11-29")), Some(spot.clone()));
        let (path, text) = book.learn(spot, Ok(Some(Usd::from_micros(80_000))), at("2026-11-29")).expect("is kept");
        std::fs::write(&path, text).expect("written");

        let again = PriceBook::open(Prices::default(), "eu-west-1", Some(file));
        assert_eq!(again.prices(), book.prices());
        assert_eq!(
            again.words(&tariffs(&["m5.xlarge", "m5.xlarge Spot"])),
            "AWS's Price List API, 2026-11-28; EC2's Spot price history, 2026-11-29"
        );
        assert_eq!(again.wanted(&seen, any, at("2026-11-29")), None);
        assert_eq!(again.wanted(&tariffs(&["m5.xlarge"]), any, at("2027-01-15")), Some(list));
    }

    #[test]
    fn who_may_not_ask_has_the_table_is_told_so_and_asks_again_after_an_hour() {
        let mut book = PriceBook::open(Prices::default(), "eu-west-1", None);
        let seen = tariffs(&["m5.xlarge", "m5.xlarge Spot"]);
        let now = at("2026-11-28");
        let denied = |operation: &str| BackendError::Refused {
            code: "AccessDeniedException".into(),
            message: format!("the permission {operation} is missing: User: arn:aws:iam::1:user/ann is not authorized"),
        };
        for (purchase, operation) in
            [(Purchase::OnDemand, "pricing:GetProducts"), (Purchase::Spot, "ec2:DescribeSpotPriceHistory")]
        {
            book.learn((purchase, "m5.xlarge".to_owned()), Err(briefly(&denied(operation))), now);
        }
        assert_eq!(
            book.words(&tariffs(&["m5.xlarge"])),
            "AWS's list of us-east-1, 2026-07-20; the permission pricing:GetProducts is missing"
        );
        assert_eq!(book.words(&tariffs(&["m5.xlarge Spot"])), "the permission ec2:DescribeSpotPriceHistory is missing");
        assert_eq!(book.words(&tariffs(&["Fargate"])), "AWS's list of us-east-1, 2026-07-20");
        assert_eq!(book.wanted(&seen, any, now + TimeDelta::minutes(59)), None);
        assert!(book.wanted(&seen, any, now + TimeDelta::minutes(61)).is_some());
    }
}
