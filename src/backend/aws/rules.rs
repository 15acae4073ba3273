//! Classic rules of `EventBridge` that submit jobs. They are found by the queues that they aim at, and only read.

use super::AwsBackend;
use super::budget::Caller::{self, Operator};
use super::convert;
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{DEFAULT_EVENT_BUS, Schedule, bus_of};
use futures::future::try_join_all;
use std::collections::BTreeSet;

/// Names in a page of the rules of one target.
const AT_ONCE: i32 = 100;
/// Pages that are read of them.
const PAGES: usize = 10;

/// Event buses beside the default one whose rules are read.
const BUSES: usize = 20;

/// The event bus, and the rule's name on it.
pub type RuleName = (String, String);

impl Service {
    /// All rules that aim at one of these queues, by bus and name.
    pub async fn rules(&self, caller: Caller, queues: &[String]) -> Result<Vec<Schedule>, BackendError> {
        let buses = self.event_buses(caller).await?;
        let names = try_join_all(queues.iter().map(|queue| self.rule_names(caller, &buses, queue))).await?;
        self.read_rules(caller, &names.into_iter().flatten().collect()).await
    }

    /// The names of all event buses, the default one first; that one alone where they may not be listed.
    pub async fn event_buses(&self, caller: Caller) -> Result<Vec<String>, BackendError> {
        let mut buses = vec![DEFAULT_EVENT_BUS.to_owned()];
        let Some(events) = &self.events else { return Ok(buses) };
        let call = events.list_event_buses().limit(AT_ONCE);
        match self.call(caller, "ListEventBuses", || call.clone().send()).await {
            Ok(answer) => {
                let names = answer.event_buses.unwrap_or_default().into_iter().filter_map(|bus| bus.name);
                buses.extend(names.filter(|name| name != DEFAULT_EVENT_BUS).take(BUSES));
            }
            Err(BackendError::Refused { code, message }) => {
                tracing::info!(code, message, "rules of the default event bus alone are read");
            }
            Err(error) => return Err(error),
        }
        Ok(buses)
    }

    /// The rules of these buses that aim at a queue.
    pub async fn rule_names(
        &self,
        caller: Caller,
        buses: &[String],
        queue_arn: &str,
    ) -> Result<Vec<RuleName>, BackendError> {
        let names = try_join_all(buses.iter().map(|bus| self.rule_names_on(caller, bus, queue_arn))).await?;
        Ok(names.into_iter().flatten().collect())
    }

    async fn rule_names_on(&self, caller: Caller, bus: &str, queue_arn: &str) -> Result<Vec<RuleName>, BackendError> {
        let Some(events) = &self.events else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = events.list_rule_names_by_target().target_arn(queue_arn).event_bus_name(bus).limit(AT_ONCE);
            let call = call.set_next_token(token);
            let answer = match self.call(caller, "ListRuleNamesByTarget", || call.clone().send()).await {
                // The bus went between the list and this.
                Err(BackendError::NotFound { .. }) => return Ok(names),
                answer => answer?,
            };
            names.extend(answer.rule_names.unwrap_or_default().into_iter().map(|name| (bus.to_owned(), name)));
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(names)
    }

    pub async fn read_rules(&self, caller: Caller, names: &BTreeSet<RuleName>) -> Result<Vec<Schedule>, BackendError> {
        let read = try_join_all(names.iter().map(|(bus, name)| self.rule(caller, bus, name))).await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// A rule, once for each queue that it aims at; nothing of one that is gone.
    async fn rule(&self, caller: Caller, bus: &str, name: &str) -> Result<Vec<Schedule>, BackendError> {
        let Some(events) = &self.events else { return Ok(Vec::new()) };
        let describe = events.describe_rule().name(name).event_bus_name(bus);
        let targets = events.list_targets_by_rule().rule(name).event_bus_name(bus);
        let read = futures::try_join!(
            self.call(caller, "DescribeRule", || describe.clone().send()),
            self.call(caller, "ListTargetsByRule", || targets.clone().send()),
        );
        match read {
            Ok((rule, targets)) => Ok(convert::rule::schedules(&rule, targets.targets.unwrap_or_default())),
            Err(BackendError::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The rule that a schedule's group and name stand for.
    pub async fn rule_named(&self, caller: Caller, group: &str, name: &str) -> Result<Schedule, BackendError> {
        let rule = name.split(':').next().unwrap_or_default();
        let read = self.rule(caller, bus_of(group).unwrap_or(DEFAULT_EVENT_BUS), rule).await?;
        let found = read.into_iter().find(|one| one.group_name == group && one.name == name);
        found.ok_or_else(|| BackendError::NotFound { what: format!("rule {rule}") })
    }
}

impl AwsBackend {
    pub(super) async fn rules_of_queues(&self) -> Result<Vec<Schedule>, BackendError> {
        let queues = self.service.queues(Operator).await?;
        let queues: Vec<_> = queues.into_iter().map(|queue| queue.job_queue_arn).collect();
        self.service.rules(Operator, &queues).await
    }
}
