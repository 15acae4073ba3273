//! What jobs and environments used of what is paid for. Quantities only: prices are put on them when they are shown, so
//! that replaying a journal does not depend on a price.
//!
//! Each ended attempt and each ended instance is entered into the accounts that it concerns; what is live is added when
//! it is asked for. So forgetting a job loses nothing.

mod bill;
mod series;

pub use bill::{Bill, Portion};
pub use series::Series;

use crate::model::{CostBy, Millis, Tariff, Used};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What of one tariff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Amount {
    /// Attempts that ended in this time.
    pub attempts: u64,
    /// What attempts took.
    pub direct: Used,
    /// What is billed for instances, whoever took it; of environments alone.
    pub billed: Used,
}

impl Amount {
    pub fn add(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.direct.add(other.direct);
        self.billed.add(other.billed);
    }
}

/// Amounts by tariff.
pub type Amounts = BTreeMap<Tariff, Amount>;

/// All accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ledger {
    pub queues: BTreeMap<String, Series>,
    pub environments: BTreeMap<String, Series>,
    /// By `QUEUE/IDENTIFIER`.
    pub shares: BTreeMap<String, Series>,
    pub definitions: BTreeMap<String, Series>,
}

/// Whose account an attempt goes to.
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a> {
    pub queue: &'a str,
    pub environment: &'a str,
    pub share: Option<&'a str>,
    pub definition: &'a str,
}

impl<'a> Accounts<'a> {
    pub fn of(self, by: CostBy) -> Option<std::borrow::Cow<'a, str>> {
        match by {
            CostBy::Queue => Some(self.queue.into()),
            CostBy::Environment => Some(self.environment.into()),
            CostBy::Share => self.share.map(|share| format!("{}/{share}", self.queue).into()),
            CostBy::Definition => Some(self.definition.into()),
        }
    }
}

impl Ledger {
    pub fn accounts(&self, by: CostBy) -> &BTreeMap<String, Series> {
        match by {
            CostBy::Queue => &self.queues,
            CostBy::Environment => &self.environments,
            CostBy::Share => &self.shares,
            CostBy::Definition => &self.definitions,
        }
    }

    fn account(&mut self, by: CostBy, name: &str) -> &mut Series {
        let accounts = match by {
            CostBy::Queue => &mut self.queues,
            CostBy::Environment => &mut self.environments,
            CostBy::Share => &mut self.shares,
            CostBy::Definition => &mut self.definitions,
        };
        if !accounts.contains_key(name) {
            accounts.insert(name.to_owned(), Series::default());
        }
        accounts.get_mut(name).expect("it was inserted")
    }

    /// An attempt has ended.
    pub fn attempt(&mut self, accounts: Accounts<'_>, bill: &Bill, from: Millis, to: Millis) {
        for by in CostBy::ALL {
            if let Some(name) = accounts.of(by) {
                bill.enter(self.account(by, &name), from, to);
            }
        }
    }

    /// An instance has ended. Fargate is paid by its tasks.
    pub fn instance(&mut self, environment: &str, tariff: &Tariff, from: Millis, to: Millis) {
        bill::enter_instance(self.account(CostBy::Environment, environment), tariff, from, to);
    }
}

/// Adds what a live attempt has taken so far.
pub fn enter_live(series: &mut Series, bill: &Bill, from: Millis, now: Millis) {
    bill.enter(series, from, now);
}

/// Adds what a live instance has been billed so far.
pub fn enter_live_instance(series: &mut Series, tariff: &Tariff, from: Millis, now: Millis) {
    bill::enter_instance(series, tariff, from, now);
}
